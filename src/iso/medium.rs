//! An ISO 9660 image: [`Medium::open`] reads the descriptors, the boot catalog and both trees of an
//! untrusted file, and everything else is read from those.
//!
//! Not for changing it (`extend`).

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::bounded_reader::BoundedReader;
use super::bytemap::{ByteMap, ByteOrigin, SECTOR};
use super::eltorito::{self, BootCatalog, BootEntry};
use super::error::IsoError;
use super::tree::{NodeKind, Tree};
use super::tree_reader::{TreeFlavor, read_tree};
use super::volume::{self, Descriptors};

/// An image whose structure has been read and found sound.
#[derive(Debug)]
pub struct Medium {
    source: ByteMap,
    descriptors: Descriptors,
    boot: Option<BootCatalog>,
    main: Tree,
    joliet: Option<Tree>,
    content_end: u64,
}

/// The kind of a path of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, a socket or a pipe.
    Special,
}

/// One path of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsoEntry {
    /// The path without a leading slash; empty for the root.
    pub path: String,
    /// Its kind.
    pub kind: EntryKind,
    /// The length of a regular file in bytes; 0 for all else.
    pub len: u64,
    /// The ranges of its bytes: (offset, length) in the image, in order.
    pub extents: Vec<(u64, u64)>,
    /// The target of a symbolic link.
    pub target: Option<String>,
}

/// A difference between the Joliet tree and the main one in a regular file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JolietDifference {
    /// Only the main tree has it.
    OnlyMain(String),
    /// Only the Joliet tree has it.
    OnlyJoliet(String),
    /// Both have it, with different bytes.
    OtherContent(String),
}

impl Medium {
    /// Reads an image file.
    ///
    /// Takes time and memory in proportion to its directories, not to the lengths it claims.
    ///
    /// # Errors
    ///
    /// Refuses what is not ISO 9660, is cut short, contradicts itself, names files so that they
    /// could leave their directory, or exceeds the limits.
    pub fn open(file: Arc<File>) -> Result<Self, IsoError> {
        let failed = |source| IsoError::Read { at: 0, len: 0, source };
        let len = file.metadata().map_err(failed)?.len();
        let mut source = ByteMap::new();
        source.push(len, ByteOrigin::File(file, 0));
        Self::from_map(source)
    }

    /// Reads an image that is only planned.
    ///
    /// # Errors
    ///
    /// As [`Medium::open`].
    pub fn from_map(source: ByteMap) -> Result<Self, IsoError> {
        let mut reader = BoundedReader::new(&source);
        let descriptors = volume::read_descriptors(&mut reader)?;
        let boot = descriptors
            .boot_catalog
            .map(|sector| eltorito::read_boot_catalog(&mut reader, sector, source.len()))
            .transpose()?;
        let main = read_tree(&source, descriptors.primary.root(), TreeFlavor::Main)?;
        let joliet = descriptors
            .joliet
            .as_ref()
            .map(|joliet| read_tree(&source, joliet.root(), TreeFlavor::Joliet))
            .transpose()?;
        let content_end = [Some(&main), joliet.as_ref()]
            .into_iter()
            .flatten()
            .fold(reader.reach(), |end, tree| end.max(tree.reach))
            .next_multiple_of(SECTOR);
        Ok(Self { source, descriptors, boot, main, joliet, content_end })
    }

    /// Returns the volume id of the primary descriptor, without trailing blanks.
    pub fn volume_id(&self) -> String {
        self.descriptors.primary.volume_id()
    }

    /// Returns the bytes of the volume, by the primary descriptor. The file may be longer or
    /// shorter.
    pub fn volume_size_bytes(&self) -> u64 {
        u64::from(self.descriptors.primary.sectors()) * SECTOR
    }

    /// Returns the length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.source.len()
    }

    /// Returns the end of the last sector that a descriptor, a directory, a file or a boot image
    /// uses.
    pub fn content_end(&self) -> u64 {
        self.content_end
    }

    /// Returns the bytes of the image.
    pub fn source(&self) -> &ByteMap {
        &self.source
    }

    /// Returns the primary volume descriptor: 2048 bytes.
    pub fn primary_descriptor(&self) -> &[u8] {
        &self.descriptors.primary.bytes
    }

    /// Whether the main tree has Rock Ridge names.
    pub fn has_rock_ridge(&self) -> bool {
        self.main.rock_ridge.is_some()
    }

    /// Whether there is a Joliet tree beside the main one.
    pub fn has_joliet(&self) -> bool {
        self.joliet.is_some()
    }

    /// Whether there is a UDF file system beside ISO 9660.
    pub fn has_udf(&self) -> bool {
        self.descriptors.udf
    }

    /// Returns the El Torito boot catalog.
    pub fn boot_catalog(&self) -> Option<&BootCatalog> {
        self.boot.as_ref()
    }

    /// Returns the boot images, the default one first; none when the medium cannot be booted.
    pub fn boot_entries(&self) -> &[BootEntry] {
        self.boot.as_ref().map_or(&[], |catalog| &catalog.entries)
    }

    /// Returns the entry at a path. A leading slash makes no difference.
    pub fn find(&self, path: &str) -> Option<IsoEntry> {
        let path = path.strip_prefix('/').unwrap_or(path);
        if path.is_empty() {
            let (kind, extents, target) = (EntryKind::Directory, Vec::new(), None);
            return Some(IsoEntry { path: String::new(), kind, len: 0, extents, target });
        }
        self.main.find(path).map(|node| entry(&self.main, path.to_owned(), node))
    }

    /// Returns all entries below the root: a directory before its entries, names in byte order.
    pub fn entries(&self) -> impl Iterator<Item = IsoEntry> {
        self.main.walk().map(|(path, node)| entry(&self.main, path, node))
    }

    /// Returns all entries below the root of the Joliet tree, in the same order.
    pub fn joliet_entries(&self) -> impl Iterator<Item = IsoEntry> {
        self.joliet.iter().flat_map(|tree| tree.walk().map(|(path, node)| entry(tree, path, node)))
    }

    /// Returns the differences between the Joliet tree and the main one; at most `most`.
    ///
    /// Empty when they agree, and when there is no Joliet tree. Names that Joliet cannot hold
    /// (long ones, or with `*:;?\`) show up here as one of either.
    pub fn joliet_differences(&self, most: usize) -> Vec<JolietDifference> {
        let Some(joliet) = &self.joliet else { return Vec::new() };
        let is_file = |tree: &Tree, node: u32| tree.nodes[node as usize].kind == NodeKind::File;
        let main_side = self.main.walk().filter(|&(_, node)| is_file(&self.main, node));
        let missing_or_other = main_side.filter_map(|(path, node)| match joliet.find(&path) {
            Some(other) if is_file(joliet, other) => {
                let (node, other) =
                    (&self.main.nodes[node as usize], &joliet.nodes[other as usize]);
                let same = self.main.extents(node) == joliet.extents(other);
                (!same).then_some(JolietDifference::OtherContent(path))
            }
            _ => Some(JolietDifference::OnlyMain(path)),
        });
        let extra = joliet
            .walk()
            .filter(|(path, node)| is_file(joliet, *node) && self.main.find(path).is_none())
            .map(|(path, _)| JolietDifference::OnlyJoliet(path));
        missing_or_other.chain(extra).take(most).collect()
    }

    /// Returns the bytes of a regular file, to be read piece by piece.
    ///
    /// # Errors
    ///
    /// Fails when the path does not exist or is no regular file.
    pub fn file_map(&self, path: &str) -> Result<ByteMap, IsoError> {
        let found = self.find(path).ok_or_else(|| IsoError::NotFound(path.to_owned()))?;
        if found.kind != EntryKind::File {
            return Err(IsoError::NotAFile(path.to_owned()));
        }
        let mut map = ByteMap::new();
        for (at, len) in found.extents {
            self.source.copy_range(at, len, &mut map);
        }
        Ok(map)
    }

    /// Reads a regular file of at most `cap` bytes.
    ///
    /// # Errors
    ///
    /// Fails when the path does not exist or is no regular file, or the file is longer or cannot be
    /// read.
    pub fn read_file(&self, path: &str, cap: u64) -> Result<Vec<u8>, IsoError> {
        let map = self.file_map(path)?;
        let len = map.len();
        let Some(size) = usize::try_from(len).ok().filter(|_| len <= cap) else {
            return Err(IsoError::FileTooLarge { path: path.to_owned(), len, cap });
        };
        let mut bytes = vec![0; size];
        let failed = |source: io::Error| IsoError::Read { at: 0, len, source };
        map.read_exact_at(0, &mut bytes).map_err(failed)?;
        Ok(bytes)
    }

    pub(super) fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    pub(super) fn main_tree(&self) -> &Tree {
        &self.main
    }

    pub(super) fn joliet_tree(&self) -> Option<&Tree> {
        self.joliet.as_ref()
    }
}

fn entry(tree: &Tree, path: String, node: u32) -> IsoEntry {
    let node = &tree.nodes[node as usize];
    let (kind, target) = match node.kind {
        NodeKind::File => (EntryKind::File, None),
        NodeKind::Directory(_) => (EntryKind::Directory, None),
        NodeKind::Link(link) => (EntryKind::Symlink, Some(tree.links[link as usize].to_string())),
        NodeKind::Special => (EntryKind::Special, None),
    };
    let extents = tree.extents(node).iter().map(|extent| (extent.at(), extent.len.into()));
    IsoEntry { path, kind, len: node.len, extents: extents.collect(), target }
}

#[cfg(test)]
mod tests {
    use super::super::{Edits, FileContent, Timestamp, create, extend};
    use super::*;
    use crate::disc_path::DiscPath;

    /// A small generator of numbers that are the same on every run (xorshift64).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }
    }

    #[test]
    fn no_mutated_image_panics() {
        let at = Timestamp::new(0).unwrap();
        let file =
            |path: &str| (DiscPath::new(path).unwrap(), FileContent::Bytes([9; 100][..].into()));
        let files = [file("a/b/long name.txt"), file("a/c"), file("d")];
        let image = create(&files, "MUTANT", at).unwrap().map;
        let mut good = vec![0; image.len() as usize];
        image.read_exact_at(0, &mut good).unwrap();
        let used: Vec<usize> = (0..good.len()).filter(|&at| good[at] > b' ').collect();
        let mut numbers = Numbers(1);
        let mut accepted = 0;
        for _ in 0..1000 {
            let mut bytes = good.clone();
            for _ in 0..[1, 1, 3, 10, 40][numbers.below(5)] {
                bytes[used[numbers.below(used.len())]] = numbers.below(256) as u8;
            }
            let mut source = ByteMap::new();
            source.push_bytes(bytes);
            let Ok(medium) = Medium::from_map(source) else { continue };
            accepted += 1;
            let readable = medium.entries().filter(|entry| entry.kind == EntryKind::File);
            for entry in readable.collect::<Vec<_>>() {
                medium.read_file(&entry.path, 1 << 20).unwrap();
            }
            medium.joliet_differences(99);
            let edits = Edits { add: vec![file("a/new"), file("e/f")], ..Edits::default() };
            if let Ok(extended) = extend(&medium, &edits, medium.content_end(), at) {
                Medium::from_map(extended.map).unwrap();
            }
        }
        assert!((100..900).contains(&accepted), "{accepted} of 1000 accepted");
    }
}
