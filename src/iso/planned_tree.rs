//! A planned tree: the base's directories, those that change rewritten elsewhere, and new ones;
//! with every record that points at a moved directory patched.
//!
//! Not for files and descriptors (`layout`).

use std::collections::BTreeMap;

use super::bounded_reader::BoundedReader;
use super::bytemap::{ByteMap, SECTOR};
use super::endian::both32;
use super::error::IsoError;
use super::name::{Identifiers, joliet_identifier};
use super::path_table::{PathTableRow, build_path_tables};
use super::record::{
    Extent, NewRecord, Record, SectorPacker, compare_identifiers, section_records,
};
use super::sector_allocator::SectorAllocator;
use super::system_use::{set_times, visit_entries};
use super::timestamp::Timestamp;
use super::tree::{NONE, Node, NodeKind, Tree};

/// The most levels of new directories (ECMA-119 6.8.2.1), the root being the first.
const DEPTH_MAX: u8 = 8;

/// Bytes to write over the base, by their offset.
pub(super) type Patches = BTreeMap<u64, Vec<u8>>;

/// How a tree names new entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// Invented identifiers: the name itself is in Rock Ridge, or only in the Joliet tree.
    Invented,
    /// Identifiers that are the name.
    Exact,
    /// Joliet.
    Joliet,
}

/// The place of a new file.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileLocation {
    pub sector: u32,
    pub len: u64,
}

/// A tree to write.
pub(super) struct PlannedTree<'a> {
    tree: &'a Tree,
    source: &'a ByteMap,
    naming: Naming,
    at: Timestamp,
    /// The base's directories in its order, then the new ones.
    directories: Vec<PlannedDirectory>,
}

struct PlannedDirectory {
    parent: u32,
    identifier: Box<[u8]>,
    depth: u8,
    extent: Extent,
    change: Option<DirectoryChange>,
}

/// The content of a rewritten directory.
#[derive(Default)]
struct DirectoryChange {
    kept: Vec<ExistingRecord>,
    identifiers: Identifiers,
    new: BTreeMap<String, NewEntry>,
    /// New files, by the offset of the (first) record of the file they replace.
    replaced: BTreeMap<u64, usize>,
}

/// A record of the base.
struct ExistingRecord {
    at: u64,
    bytes: Vec<u8>,
}

struct NewEntry {
    identifier: Vec<u8>,
    target: NewTarget,
}

#[derive(Clone, Copy)]
enum NewTarget {
    /// A file, by its index in the list of new files.
    File(usize),
    Directory(u32),
}

impl<'a> PlannedTree<'a> {
    pub(super) fn new(tree: &'a Tree, source: &'a ByteMap, naming: Naming, at: Timestamp) -> Self {
        let directories = tree
            .directories
            .iter()
            .map(|base| PlannedDirectory {
                parent: base.parent,
                identifier: base.identifier.clone(),
                depth: base.depth,
                extent: base.extent,
                change: None,
            })
            .collect();
        Self { tree, source, naming, at, directories }
    }

    /// Adds a file and the missing directories above it.
    pub(super) fn add(&mut self, path: &str, file: usize) -> Result<(), IsoError> {
        let mut parts = path.split('/').peekable();
        let mut directory = 0;
        while let Some(part) = parts.next() {
            let last = parts.peek().is_none();
            directory = match (self.find_existing(directory, part), last) {
                (Some(_), true) => return Err(IsoError::Exists(path.to_owned())),
                (Some(Some(inner)), false) => inner,
                (Some(None), false) => {
                    let (path, file) = (path.to_owned(), part.to_owned());
                    return Err(IsoError::BelowFile { path, file });
                }
                (None, true) => return self.insert(directory, part, NewTarget::File(file), path),
                (None, false) => self.add_directory(directory, part, path)?,
            };
        }
        Ok(())
    }

    /// Replaces an existing file.
    pub(super) fn replace(&mut self, node: &Node, file: usize) -> Result<(), IsoError> {
        self.change(node.parent)?.replaced.insert(node.record_at, file);
        Ok(())
    }

    /// Rewrites the root, even if nothing in it changes.
    pub(super) fn rewrite_root(&mut self) -> Result<(), IsoError> {
        self.change(0).map(|_| ())
    }

    /// Finds a name in a directory: nothing, a directory, or something else (inner none).
    fn find_existing(&self, directory: u32, name: &str) -> Option<Option<u32>> {
        if (directory as usize) < self.tree.directories.len()
            && let Some(node) = self.tree.child(directory, name)
        {
            return Some(match self.tree.nodes[node as usize].kind {
                NodeKind::Directory(inner) => Some(inner),
                _ => None,
            });
        }
        let change = self.directories[directory as usize].change.as_ref()?;
        change.new.get(name).map(|new| match new.target {
            NewTarget::Directory(inner) => Some(inner),
            NewTarget::File(_) => None,
        })
    }

    fn add_directory(&mut self, parent: u32, name: &str, path: &str) -> Result<u32, IsoError> {
        let depth = self.directories[parent as usize].depth + 1;
        if depth > DEPTH_MAX && self.naming != Naming::Joliet {
            return Err(IsoError::TooDeep(path.to_owned(), DEPTH_MAX));
        }
        let index = u32::try_from(self.directories.len()).expect("below the record limit");
        self.insert(parent, name, NewTarget::Directory(index), path)?;
        let identifier = self.directories[parent as usize]
            .change
            .as_ref()
            .and_then(|change| change.new.get(name))
            .map(|new| new.identifier.clone().into_boxed_slice())
            .expect("it was inserted");
        let extent = Extent { sector: 0, len: 0 };
        let change = Some(DirectoryChange::default());
        self.directories.push(PlannedDirectory { parent, identifier, depth, extent, change });
        Ok(index)
    }

    fn insert(
        &mut self,
        directory: u32,
        name: &str,
        target: NewTarget,
        path: &str,
    ) -> Result<(), IsoError> {
        let (naming, versions) = (self.naming, self.tree.versions);
        let is_directory = matches!(target, NewTarget::Directory(_));
        let identifiers = &mut self.change(directory)?.identifiers;
        let identifier = match naming {
            Naming::Invented => Ok(identifiers.invent(name, is_directory, versions)),
            Naming::Exact => identifiers.exact(name, is_directory, versions),
            Naming::Joliet => joliet_identifier(name, versions && !is_directory),
        };
        let cannot =
            |why| IsoError::CannotName { path: path.to_owned(), name: name.to_owned(), why };
        let new = NewEntry { identifier: identifier.map_err(cannot)?, target };
        let nowhere = Extent { sector: 0, len: 0 };
        if self.new_record(name, &new, nowhere).is_none() {
            return Err(cannot("is too long for one directory record"));
        }
        self.change(directory)?.new.insert(name.to_owned(), new);
        Ok(())
    }

    /// Returns the changes of a directory. Reads its records before the first change.
    fn change(&mut self, directory: u32) -> Result<&mut DirectoryChange, IsoError> {
        let index = directory as usize;
        if self.directories[index].change.is_none() {
            let base = &self.tree.directories[index];
            let mut change = DirectoryChange::default();
            let invents = self.naming != Naming::Joliet;
            BoundedReader::new(self.source).visit_directory(
                base.extent.sector,
                base.extent.len,
                |_, at, record| {
                    if invents {
                        change.identifiers.reserve(record.identifier());
                    }
                    change.kept.push(ExistingRecord { at, bytes: record.bytes().to_vec() });
                    Ok(())
                },
            )?;
            self.directories[index].change = Some(change);
        }
        Ok(self.directories[index].change.as_mut().expect("it was just read"))
    }

    /// Allocates sectors for every changed directory.
    pub(super) fn place_directories(
        &mut self,
        sectors: &mut SectorAllocator,
        files: &[FileLocation],
    ) -> Result<(), IsoError> {
        for index in 0..self.directories.len() {
            if self.directories[index].change.is_none() {
                continue;
            }
            let len = self.pack_records(index, files, &Patches::new()).len() as u64;
            let sector = sectors.allocate(len)?;
            let len = u32::try_from(len).map_err(|_| IsoError::TooLarge(len / SECTOR))?;
            self.directories[index].extent = Extent { sector, len };
        }
        Ok(())
    }

    /// Whether any directory is rewritten.
    pub(super) fn is_changed(&self) -> bool {
        self.directories.iter().any(|directory| directory.change.is_some())
    }

    /// Returns the extent of the root directory.
    pub(super) fn root(&self) -> Extent {
        self.directories[0].extent
    }

    /// Returns both path tables: little-endian, big-endian.
    pub(super) fn path_tables(&self) -> Result<(Vec<u8>, Vec<u8>), IsoError> {
        let rows: Vec<PathTableRow<'_>> = self
            .directories
            .iter()
            .map(|directory| PathTableRow {
                identifier: &directory.identifier,
                sector: directory.extent.sector,
                parent: directory.parent,
            })
            .collect();
        build_path_tables(&rows)
    }

    /// The bytes of the changed directories, in the order of their sectors. Takes out of `fixes`
    /// what belongs to records that move with them.
    pub(super) fn directories(
        &self,
        files: &[FileLocation],
        patches: &mut Patches,
    ) -> Vec<Vec<u8>> {
        let changed: Vec<_> = self
            .directories
            .iter()
            .enumerate()
            .filter_map(|(index, directory)| Some((index, directory.change.as_ref()?)))
            .collect();
        let written =
            changed.iter().map(|&(index, _)| self.pack_records(index, files, patches)).collect();
        for kept in changed.iter().flat_map(|(_, change)| &change.kept) {
            let range = kept.at..kept.at + kept.bytes.len() as u64;
            let inside: Vec<u64> = patches.range(range).map(|(&at, _)| at).collect();
            for at in inside {
                patches.remove(&at);
            }
        }
        written
    }

    /// Returns the records of a changed directory, in order, in whole sectors.
    fn pack_records(&self, index: usize, files: &[FileLocation], patches: &Patches) -> Vec<u8> {
        let directory = &self.directories[index];
        let change = directory.change.as_ref().expect("only changed directories are written");
        let mut new: Vec<(&String, &NewEntry)> = change.new.iter().collect();
        new.sort_by(|(_, a), (_, b)| self.compare(&a.identifier, &b.identifier));
        let mut new = new.into_iter().peekable();
        let mut records = SectorPacker::default();
        if change.kept.is_empty() {
            records.push(&self.dot_record(0, index));
            records.push(&self.dot_record(1, directory.parent as usize));
        }
        let mut replaced_sections = false;
        for (position, kept) in change.kept.iter().enumerate() {
            let record = kept.record();
            while let Some((name, entry)) = new.next_if(|(_, entry)| {
                position >= 2 && self.compare(&entry.identifier, record.identifier()).is_lt()
            }) {
                self.new_records(name, entry, files).iter().for_each(|new| records.push(new));
            }
            if let Some(&file) = change.replaced.get(&kept.at) {
                let mut one = kept.patched_bytes(patches);
                one[18..25].copy_from_slice(&self.at.short());
                if let Some(rock) = self.tree.rock_ridge {
                    set_times(rock, &mut one, self.at);
                }
                let FileLocation { sector, len } = files[file];
                section_records(&one, sector, len).iter().for_each(|section| records.push(section));
                replaced_sections = record.has_more_sections();
            } else if replaced_sections {
                replaced_sections = record.has_more_sections();
            } else {
                records.push(&kept.patched_bytes(patches));
            }
        }
        for (name, entry) in new {
            self.new_records(name, entry, files).iter().for_each(|new| records.push(new));
        }
        records.finish()
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> std::cmp::Ordering {
        if self.naming == Naming::Joliet { a.cmp(b) } else { compare_identifiers(a, b) }
    }

    fn new_records(&self, name: &str, new: &NewEntry, files: &[FileLocation]) -> Vec<Vec<u8>> {
        let whole = "the record was made when the name was added";
        match new.target {
            NewTarget::Directory(inner) => {
                let extent = self.directories[inner as usize].extent;
                vec![self.new_record(name, new, extent).expect(whole)]
            }
            NewTarget::File(file) => {
                let FileLocation { sector, len } = files[file];
                let one = self.new_record(name, new, Extent { sector, len: 0 }).expect(whole);
                section_records(&one, sector, len)
            }
        }
    }

    fn new_record(&self, name: &str, new: &NewEntry, extent: Extent) -> Option<Vec<u8>> {
        let (directory, links) = match new.target {
            NewTarget::Directory(inner) => (true, self.links(inner as usize)),
            NewTarget::File(_) => (false, 1),
        };
        let system_use = match self.tree.rock_ridge {
            Some(_) if name.len() > 255 => return None,
            Some(rock) => rock.new_entry(Some(name), directory, links, extent.sector, self.at),
            None => Vec::new(),
        };
        let (identifier, system_use, at) = (&new.identifier[..], &system_use[..], self.at);
        NewRecord { identifier, extent, directory, system_use, at }.to_bytes()
    }

    /// Returns a new directory's record of itself (0) or its parent (1).
    fn dot_record(&self, which: u8, target: usize) -> Vec<u8> {
        let extent = self.directories[target].extent;
        let system_use = self.tree.rock_ridge.map_or_else(Vec::new, |rock| {
            rock.new_entry(None, true, self.links(target), extent.sector, self.at)
        });
        let (identifier, system_use, at) = (&[which][..], &system_use[..], self.at);
        NewRecord { identifier, extent, directory: true, system_use, at }
            .to_bytes()
            .expect("a record without a name fits")
    }

    /// Returns the link count of a directory, by its new sub-directories.
    fn links(&self, index: usize) -> u32 {
        2 + self.directories.get(index).map_or(0, PlannedDirectory::new_directories)
    }

    /// Returns the patches to records of the base whose directories move or gain sub-directories.
    pub(super) fn patches(&self) -> Result<Patches, IsoError> {
        let mut collector = PatchCollector {
            planned: self,
            reader: BoundedReader::new(self.source),
            patches: Patches::new(),
        };
        for (index, base) in self.tree.directories.iter().enumerate() {
            let own = &self.directories[index];
            let parent = &self.directories[base.parent as usize];
            let shown_in = match base.node {
                NONE => None,
                node => Some(self.tree.nodes[node as usize]),
            };
            if own.change.is_some() {
                collector.redirect(base.extent.at(), own)?;
                if index != 0 {
                    collector.redirect(base.record_at, own)?;
                }
                if let Some(place_holder) = shown_in.filter(|_| base.relocated) {
                    collector.redirect_entry(b"CL", place_holder.record_at, own)?;
                }
            }
            let showing = shown_in.map(|node| &self.directories[node.parent as usize]);
            let true_parent = showing.filter(|to| base.relocated && to.change.is_some());
            if parent.change.is_some() || true_parent.is_some() {
                let up_at = base.extent.at() + collector.record(base.extent.at())?.len() as u64;
                if parent.change.is_some() {
                    collector.redirect(up_at, parent)?;
                }
                if let Some(to) = true_parent {
                    collector.redirect_entry(b"PL", up_at, to)?;
                }
            }
        }
        Ok(collector.patches)
    }
}

impl PlannedDirectory {
    fn new_directories(&self) -> u32 {
        let new = self.change.iter().flat_map(|change| change.new.values());
        let directories = new.filter(|new| matches!(new.target, NewTarget::Directory(_)));
        u32::try_from(directories.count()).expect("below the record limit")
    }
}

impl ExistingRecord {
    fn record(&self) -> Record<'_> {
        Record::parse(&self.bytes, 0, self.at)
            .ok()
            .flatten()
            .expect("a kept record was parsed before")
    }

    /// The bytes with the fixes that fall into them.
    fn patched_bytes(&self, patches: &Patches) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (&at, fix) in patches.range(self.at..self.at + bytes.len() as u64) {
            let start = usize::try_from(at - self.at).expect("inside the record");
            let rest = &mut bytes[start..];
            // A hostile continuation area can lie across records; then only its share is here.
            let len = fix.len().min(rest.len());
            rest[..len].copy_from_slice(&fix[..len]);
        }
        bytes
    }
}

/// Collects fixes.
struct PatchCollector<'a> {
    planned: &'a PlannedTree<'a>,
    reader: BoundedReader<'a>,
    patches: Patches,
}

impl PatchCollector<'_> {
    /// Reads the record at `at`.
    fn record(&mut self, at: u64) -> Result<Vec<u8>, IsoError> {
        let rest_of_sector = SECTOR - at % SECTOR;
        let rest_of_image = self.planned.source.len().saturating_sub(at);
        let len = rest_of_sector.min(rest_of_image).min(255) as usize;
        let mut bytes = self.reader.read("a directory record", at, len)?;
        let Some(record) = Record::parse(&bytes, 0, at)? else {
            let why = "it is gone".to_owned();
            return Err(IsoError::Malformed { what: "directory record", at, why });
        };
        let len = record.bytes().len();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Points the record at `at` to the new place of the directory.
    fn redirect(&mut self, at: u64, to: &PlannedDirectory) -> Result<(), IsoError> {
        self.patches.insert(at + 1, vec![0]);
        self.patches.insert(at + 2, both32(to.extent.sector).to_vec());
        self.patches.insert(at + 10, both32(to.extent.len).to_vec());
        let more = to.new_directories();
        if more > 0 {
            // find(1) of CentOS 6 relies on the link count: it would not look into more
            // directories.
            self.visit_system_use(at, |patches, entry| {
                if entry.is(b"PX") {
                    let links = entry.read_u32(12)?;
                    if links >= 2 {
                        let links = links.saturating_add(more);
                        patches.insert(entry.at + 12, both32(links).to_vec());
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Points the CL or PL entry of the record at `at` to the new place of the directory.
    fn redirect_entry(
        &mut self,
        which: &[u8; 2],
        at: u64,
        to: &PlannedDirectory,
    ) -> Result<(), IsoError> {
        self.visit_system_use(at, |patches, entry| {
            if entry.is(which) {
                patches.insert(entry.at + 4, both32(to.extent.sector).to_vec());
            }
            Ok(())
        })
    }

    fn visit_system_use(
        &mut self,
        at: u64,
        mut visit: impl FnMut(
            &mut Patches,
            super::system_use::SystemUseEntry<'_>,
        ) -> Result<(), IsoError>,
    ) -> Result<(), IsoError> {
        let Some(rock) = self.planned.tree.rock_ridge else { return Ok(()) };
        let bytes = self.record(at)?;
        let Some(record) = Record::parse(&bytes, 0, at)? else { return Ok(()) };
        let patches = &mut self.patches;
        visit_entries(&mut self.reader, rock, at, record, |entry| visit(patches, entry))
    }
}
