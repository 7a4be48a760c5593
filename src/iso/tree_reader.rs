//! Reads directory records into a [`Tree`], level by level, and checks what users of the tree rely
//! on: names, bounds, no loop, no duplicate.
//!
//! Not for single records (`record`), nor for what Rock Ridge stores in them (`system_use`).

use std::collections::{BTreeMap, BTreeSet};

use super::bounded_reader::BoundedReader;
use super::bytemap::ByteMap;
use super::error::IsoError;
use super::name::{joliet_name, linux_name, validate_name};
use super::record::{Extent, Record};
use super::system_use::{self, Attributes};
use super::tree::{Directory, NONE, Node, NodeKind, Tree};

/// The most levels of directories, stored or shown; ISO 9660 allows 8, its readers more.
const DEPTH_MAX: u8 = 32;
/// The most bytes of all names of a tree together.
const NAMES_MAX: usize = 16 << 20;

/// How the identifiers of a tree are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TreeFlavor {
    /// The main tree, with or without Rock Ridge.
    Main,
    /// The tree of a Joliet descriptor.
    Joliet,
}

/// Reads the tree whose root directory is at `root`.
pub(super) fn read_tree(
    source: &ByteMap,
    root: Extent,
    flavor: TreeFlavor,
) -> Result<Tree, IsoError> {
    let mut reader = BoundedReader::new(source);
    let mut scan = TreeReader {
        flavor,
        tree: Tree { versions: flavor == TreeFlavor::Main, ..Tree::default() },
        seen: BTreeSet::new(),
        moved: BTreeMap::new(),
        place_holders: Vec::new(),
        files: 0,
    };
    scan.add_directory(Directory {
        extent: root,
        parent: 0,
        node: NONE,
        record_at: 0,
        identifier: Box::from([0]),
        children: 0..0,
        depth: 1,
        relocated: false,
    })?;
    scan.detect_rock_ridge(&mut reader, root)?;
    let mut next = 0;
    while next < scan.tree.directories.len() {
        scan.read_directory(&mut reader, next)?;
        next += 1;
    }
    scan.join_relocated()?;
    scan.check_depth()?;
    scan.tree.reach = reader.reach();
    Ok(scan.tree)
}

struct TreeReader {
    flavor: TreeFlavor,
    tree: Tree,
    /// Sectors at which a directory starts.
    seen: BTreeSet<u32>,
    /// Relocated directories by their sector.
    moved: BTreeMap<u32, u32>,
    /// Nodes that show a relocated directory, with its sector.
    place_holders: Vec<(u64, u32)>,
    files: u32,
}

/// A node before its directory is complete and sorted.
struct PendingNode {
    name: String,
    what: PendingKind,
    record_at: u64,
    extents: Vec<Extent>,
}

enum PendingKind {
    File,
    Directory(u32),
    Link(String),
    Special,
    PlaceHolder(u32),
}

impl TreeReader {
    /// Adds a directory to those that are still to be read.
    fn add_directory(&mut self, directory: Directory) -> Result<u32, IsoError> {
        if directory.depth > DEPTH_MAX {
            return Err(IsoError::Limit("levels of directories", DEPTH_MAX.into()));
        }
        if !self.seen.insert(directory.extent.sector) {
            return Err(IsoError::Loop("a directory", directory.extent.at()));
        }
        let index = u32::try_from(self.tree.directories.len()).expect("below the record limit");
        if directory.relocated {
            self.moved.insert(directory.extent.sector, index);
        }
        self.tree.directories.push(directory);
        Ok(index)
    }

    fn detect_rock_ridge(
        &mut self,
        reader: &mut BoundedReader<'_>,
        root: Extent,
    ) -> Result<(), IsoError> {
        if self.flavor == TreeFlavor::Joliet {
            return Ok(());
        }
        let bytes = reader.read("the root directory", root.at(), 255.min(root.len as usize))?;
        if let Some(record) = Record::parse(&bytes, 0, root.at())? {
            self.tree.rock_ridge = system_use::detect_rock_ridge(reader, root.at(), record)?;
        }
        Ok(())
    }

    /// Reads the records of one directory and makes nodes of them, sorted by name.
    fn read_directory(
        &mut self,
        reader: &mut BoundedReader<'_>,
        index: usize,
    ) -> Result<(), IsoError> {
        let Directory { extent, depth, .. } = self.tree.directories[index];
        let index = u32::try_from(index).expect("below the record limit");
        let mut found: Vec<PendingNode> = Vec::new();
        let mut dots = 0;
        let mut unfinished = false;
        reader.visit_directory(extent.sector, extent.len, |reader, at, record| {
            if dots < 2 {
                dots += 1;
                return expect_dots(record, at, dots);
            }
            if record.is_associated() {
                return Ok(());
            }
            if unfinished {
                unfinished = record.has_more_sections();
                let last = found.last_mut().expect("an unfinished file is the last found");
                return add_section(reader, last, record, at);
            }
            unfinished = record.has_more_sections();
            found.extend(self.read_record(reader, at, record, index, depth)?);
            Ok(())
        })?;
        let bad = |why: &str| {
            Err(IsoError::Malformed { what: "directory", at: extent.at(), why: why.to_owned() })
        };
        if dots < 2 {
            return bad("it does not start with records of itself and its parent");
        }
        if unfinished {
            return bad("its last file is not complete");
        }
        self.add_nodes(index, found)
    }

    /// Returns the node of one record; none when it is hidden here.
    fn read_record(
        &mut self,
        reader: &mut BoundedReader<'_>,
        at: u64,
        record: Record<'_>,
        parent: u32,
        depth: u8,
    ) -> Result<Option<PendingNode>, IsoError> {
        let attributes = match self.tree.rock_ridge {
            Some(rock) => system_use::read_attributes(reader, rock, at, record)?,
            None => Attributes::default(),
        };
        let name = self.read_name(at, record, attributes.name)?;
        let extent = record.extent();
        let what = if let Some(sector) = attributes.moved_to {
            PendingKind::PlaceHolder(sector)
        } else if record.is_directory() {
            let directory = self.add_directory(Directory {
                extent,
                parent,
                node: NONE,
                record_at: at,
                identifier: Box::from(record.identifier()),
                children: 0..0,
                depth: depth + 1,
                relocated: attributes.moved,
            })?;
            if attributes.moved {
                return Ok(None);
            }
            PendingKind::Directory(directory)
        } else if let Some(target) = attributes.link {
            PendingKind::Link(target)
        } else if attributes.special {
            PendingKind::Special
        } else {
            if self.files == 0 {
                self.tree.versions = record.identifier().ends_with(match self.flavor {
                    TreeFlavor::Main => b";1",
                    TreeFlavor::Joliet => b";\x001",
                });
            }
            self.files += 1;
            PendingKind::File
        };
        let mut found = PendingNode { name, what, record_at: at, extents: Vec::new() };
        match found.what {
            PendingKind::File => add_section(reader, &mut found, record, at)?,
            _ if record.has_more_sections() => {
                let why = "only a regular file can have several sections".to_owned();
                return Err(IsoError::Malformed { what: "directory record", at, why });
            }
            _ => {}
        }
        Ok(Some(found))
    }

    fn read_name(
        &self,
        at: u64,
        record: Record<'_>,
        rock_ridge: Option<String>,
    ) -> Result<String, IsoError> {
        let identifier = record.identifier();
        match self.flavor {
            TreeFlavor::Joliet => joliet_name(identifier, at),
            TreeFlavor::Main => {
                let plain = validate_name(&linux_name(identifier), at)?;
                validate_name(identifier, at)?;
                Ok(rock_ridge.unwrap_or(plain))
            }
        }
    }

    /// Adds the nodes of a directory.
    fn add_nodes(&mut self, parent: u32, mut found: Vec<PendingNode>) -> Result<(), IsoError> {
        found.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some(pair) = found.windows(2).find(|pair| pair[0].name == pair[1].name) {
            let why = "is the name of two records of one directory";
            let name = pair[1].name.clone();
            return Err(IsoError::Name { name, at: pair[1].record_at, why });
        }
        let number = |len: usize| u32::try_from(len).expect("below the record limit");
        let first = number(self.tree.nodes.len());
        for PendingNode { name, what, record_at, extents } in found {
            let index = number(self.tree.nodes.len());
            let kind = match what {
                PendingKind::File => NodeKind::File,
                PendingKind::Special => NodeKind::Special,
                PendingKind::Directory(directory) => {
                    self.tree.directories[directory as usize].node = index;
                    NodeKind::Directory(directory)
                }
                PendingKind::Link(target) => {
                    self.tree.links.push(target.into());
                    NodeKind::Link(number(self.tree.links.len() - 1))
                }
                PendingKind::PlaceHolder(sector) => {
                    self.place_holders.push((u64::from(sector), index));
                    NodeKind::Directory(NONE)
                }
            };
            let node = Node {
                parent,
                kind,
                record_at,
                len: extents.iter().map(|extent| u64::from(extent.len)).sum(),
                name: (
                    number(self.tree.names.len()),
                    u16::try_from(name.len()).expect("a name has at most 765 bytes"),
                ),
                extents: (number(self.tree.extents.len()), number(extents.len())),
            };
            self.tree.names.push_str(&name);
            self.tree.extents.extend(extents);
            self.tree.nodes.push(node);
            if self.tree.names.len() > NAMES_MAX {
                return Err(IsoError::Limit("bytes of names", NAMES_MAX as u64));
            }
        }
        self.tree.directories[parent as usize].children = first..number(self.tree.nodes.len());
        Ok(())
    }

    /// Attaches relocated directories where their place holders are.
    fn join_relocated(&mut self) -> Result<(), IsoError> {
        for &(sector, node) in &self.place_holders {
            let at = self.tree.nodes[node as usize].record_at;
            let target = u32::try_from(sector).ok().and_then(|sector| self.moved.get(&sector));
            let Some(&directory) = target else {
                let why = format!("CL points at sector {sector}, which no relocated directory has");
                return Err(IsoError::Malformed { what: "directory record", at, why });
            };
            let shown = &mut self.tree.directories[directory as usize].node;
            if *shown != NONE {
                return Err(IsoError::Loop("a relocated directory", at));
            }
            *shown = node;
            self.tree.nodes[node as usize].kind = NodeKind::Directory(directory);
        }
        Ok(())
    }

    /// Limits the depth of the paths after relocation.
    fn check_depth(&self) -> Result<(), IsoError> {
        let mut open = vec![(0, 1)];
        while let Some((directory, depth)) = open.pop() {
            if depth > DEPTH_MAX {
                let limit = DEPTH_MAX.into();
                return Err(IsoError::Limit("levels of directories", limit));
            }
            let children = self.tree.directories[directory as usize].children.clone();
            for node in &self.tree.nodes[children.start as usize..children.end as usize] {
                if let NodeKind::Directory(inner) = node.kind {
                    open.push((inner, depth + 1));
                }
            }
        }
        Ok(())
    }
}

/// Checks the first two records of a directory: itself and its parent.
fn expect_dots(record: Record<'_>, at: u64, which: u8) -> Result<(), IsoError> {
    if record.identifier() == [which - 1] && record.is_directory() {
        return Ok(());
    }
    let why = "expected the record of the directory itself or of its parent".to_owned();
    Err(IsoError::Malformed { what: "directory record", at, why })
}

/// Adds the extent of one record to a file.
fn add_section(
    reader: &mut BoundedReader<'_>,
    found: &mut PendingNode,
    record: Record<'_>,
    at: u64,
) -> Result<(), IsoError> {
    let extent = record.extent();
    if record.is_directory() {
        let why = "a directory in the middle of a file".to_owned();
        return Err(IsoError::Malformed { what: "directory record", at, why });
    }
    if extent.len > 0 {
        // Quoting a name costs more than all else that is done with it, so only errors do.
        let named = |error| match error {
            IsoError::PastEnd { end, len, .. } => {
                IsoError::PastEnd { what: format!("the file {:?}", found.name), end, len }
            }
            other => other,
        };
        reader.claim("a file", extent.at(), extent.len.into()).map_err(named)?;
        found.extents.push(extent);
    }
    Ok(())
}
