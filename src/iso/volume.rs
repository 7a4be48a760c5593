//! The volume descriptors from sector 16 on (ECMA-119 8): which trees, boot catalog and other file
//! systems a medium has; and changed or new descriptors.
//!
//! Not for what they point at: `tree_reader`, `eltorito`.

use super::bounded_reader::BoundedReader;
use super::bytemap::SECTOR;
use super::endian::{both16, both32, le16, le32};
use super::error::IsoError;
use super::record::{Extent, NewRecord};
use super::timestamp::Timestamp;

/// The sector of the first descriptor.
const FIRST: u64 = 16;
/// The most descriptors that are read before the terminator.
const DESCRIPTORS_MAX: u64 = 64;

/// A primary or supplementary descriptor.
#[derive(Clone, Debug)]
pub(super) struct Descriptor {
    /// Its offset in bytes.
    pub at: u64,
    pub bytes: Box<[u8]>,
}

impl Descriptor {
    /// Returns the sectors of the volume, by this descriptor.
    pub(super) fn sectors(&self) -> u32 {
        le32(&self.bytes, 80)
    }

    pub(super) fn root(&self) -> Extent {
        let sector = le32(&self.bytes, 158).saturating_add(u32::from(self.bytes[157]));
        Extent { sector, len: le32(&self.bytes, 166) }
    }

    /// Returns the volume id without trailing blanks.
    pub(super) fn volume_id(&self) -> String {
        String::from_utf8_lossy(&self.bytes[40..72]).trim_end_matches([' ', '\0']).to_owned()
    }

    /// Returns the extents of the path tables that exist.
    fn path_tables(&self) -> Vec<Extent> {
        let len = le32(&self.bytes, 132);
        let big = |at: usize| le32(&self.bytes, at).swap_bytes();
        [le32(&self.bytes, 140), le32(&self.bytes, 144), big(148), big(152)]
            .into_iter()
            .filter(|&sector| sector != 0)
            .map(|sector| Extent { sector, len })
            .collect()
    }
}

/// The descriptors of a medium.
#[derive(Clone, Debug)]
pub(super) struct Descriptors {
    pub primary: Descriptor,
    pub joliet: Option<Descriptor>,
    /// The sector of the El Torito boot catalog.
    pub boot_catalog: Option<u32>,
    /// Whether there is a UDF file system beside ISO 9660.
    pub udf: bool,
}

/// Reads the descriptors.
pub(super) fn read_descriptors(reader: &mut BoundedReader<'_>) -> Result<Descriptors, IsoError> {
    let primary = read_primary(reader)?;
    let mut all = Descriptors { primary, joliet: None, boot_catalog: None, udf: false };
    for sector in FIRST + 1..FIRST + DESCRIPTORS_MAX {
        let at = sector * SECTOR;
        let bytes = reader.read("a volume descriptor", at, SECTOR as usize)?;
        if &bytes[1..6] != b"CD001" {
            let why = "expected a descriptor or the terminator".to_owned();
            return Err(IsoError::Malformed { what: "volume descriptor", at, why });
        }
        match bytes[0] {
            0 if bytes[7..].starts_with(b"EL TORITO SPECIFICATION") => {
                all.boot_catalog.get_or_insert(le32(&bytes, 71));
            }
            2 if [b"%/@", b"%/C", b"%/E"].contains(&bytes[88..91].as_array().expect("three")) => {
                let descriptor = Descriptor { at, bytes: bytes.into() };
                check_block_size(&descriptor)?;
                all.joliet.get_or_insert(descriptor);
            }
            255 => {
                all.udf = has_udf(reader, sector + 1);
                claim_path_tables(reader, &all)?;
                return Ok(all);
            }
            _ => {}
        }
    }
    Err(IsoError::Limit("volume descriptors without a terminator", DESCRIPTORS_MAX))
}

fn read_primary(reader: &mut BoundedReader<'_>) -> Result<Descriptor, IsoError> {
    let at = FIRST * SECTOR;
    let bytes = match reader.read("the primary volume descriptor", at, SECTOR as usize) {
        Ok(bytes) => bytes,
        Err(IsoError::PastEnd { len, .. }) => {
            return Err(IsoError::NotIso(format!("the end of the file at byte {len}")));
        }
        Err(other) => return Err(other),
    };
    if !bytes.starts_with(b"\x01CD001\x01") {
        return Err(IsoError::NotIso(format!("\"{}\"", bytes[..7].escape_ascii())));
    }
    let primary = Descriptor { at, bytes: bytes.into() };
    check_block_size(&primary)?;
    let volume_id = primary.volume_id();
    if volume_id.chars().any(char::is_control) {
        let why = format!("the volume id {volume_id:?} has control characters");
        return Err(IsoError::Malformed { what: "volume descriptor", at, why });
    }
    Ok(primary)
}

fn check_block_size(descriptor: &Descriptor) -> Result<(), IsoError> {
    match le16(&descriptor.bytes, 128) {
        2048 => Ok(()),
        other => Err(IsoError::BlockSize(other)),
    }
}

/// Whether the extended area behind the terminator names UDF (ECMA-167 3/3.1).
fn has_udf(reader: &mut BoundedReader<'_>, first: u64) -> bool {
    (first..first + 3).any(|sector| {
        let id = reader.read("the extended area", sector * SECTOR, 6);
        id.is_ok_and(|id| id.starts_with(b"\0NSR0"))
    })
}

fn claim_path_tables(reader: &mut BoundedReader<'_>, all: &Descriptors) -> Result<(), IsoError> {
    for descriptor in [Some(&all.primary), all.joliet.as_ref()].into_iter().flatten() {
        for table in descriptor.path_tables() {
            reader.claim("a path table", table.at(), table.len.into())?;
        }
    }
    Ok(())
}

/// The new place of a tree, for its descriptor.
#[derive(Clone, Copy, Debug)]
pub(super) struct MovedTree {
    pub root: Extent,
    /// Sector of the path table with little-endian numbers.
    pub little: u32,
    /// Sector of the path table with big-endian numbers.
    pub big: u32,
    /// Bytes of either.
    pub table_len: u32,
}

/// Returns what to write over a descriptor: offsets in it, and bytes.
pub(super) fn descriptor_changes(sectors: u32, moved: Option<MovedTree>) -> Vec<(u64, Vec<u8>)> {
    let mut changes = vec![(80, both32(sectors).to_vec())];
    if let Some(MovedTree { root, little, big, table_len }) = moved {
        let mut tables = both32(table_len).to_vec();
        tables.extend(little.to_le_bytes());
        tables.extend([0; 4]);
        tables.extend(big.to_be_bytes());
        tables.extend([0; 4]);
        changes.push((132, tables));
        changes.push((157, vec![0]));
        changes.push((158, [both32(root.sector), both32(root.len)].concat()));
    }
    changes
}

/// The type of a new descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DescriptorKind {
    Primary,
    Joliet,
}

/// Returns a text in the form of a descriptor; what is longer than `len` bytes is cut off.
fn text_field(kind: DescriptorKind, text: &str, len: usize) -> Vec<u8> {
    match kind {
        DescriptorKind::Primary => format!("{text:len$}").into_bytes(),
        DescriptorKind::Joliet => {
            let units = text.encode_utf16().chain(std::iter::repeat(0x20));
            let mut field: Vec<u8> = units.take(len / 2).flat_map(u16::to_be_bytes).collect();
            field.resize(len, 0);
            field
        }
    }
}

/// Refuses an id that boot loaders, udev and file systems would not all read alike.
pub(super) fn check_volume_id(id: &str) -> Result<(), IsoError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    if id.is_empty() || id.len() > 32 || id.trim() != id || !id.chars().all(allowed) {
        return Err(IsoError::VolumeId(id.to_owned()));
    }
    Ok(())
}

impl Descriptors {
    /// Returns where the id of the volume is written, with its new bytes.
    pub(super) fn volume_id_changes(&self, id: &str) -> Vec<(u64, Vec<u8>)> {
        let primary = Some((&self.primary, DescriptorKind::Primary));
        let joliet = self.joliet.as_ref().map(|joliet| (joliet, DescriptorKind::Joliet));
        let all = [primary, joliet].into_iter().flatten();
        all.map(|(descriptor, kind)| (descriptor.at + 40, text_field(kind, id, 32))).collect()
    }
}

/// Returns the descriptor of a volume that has only a root directory of one sector.
pub(super) fn new_descriptor(
    kind: DescriptorKind,
    volume_id: &str,
    root: Extent,
    at: Timestamp,
) -> Vec<u8> {
    let text = |text: &str, len| text_field(kind, text, len);
    let root_record =
        NewRecord { identifier: &[0], extent: root, directory: true, system_use: b"", at };
    let mut d = vec![if kind == DescriptorKind::Primary { 1 } else { 2 }];
    d.extend(b"CD001\x01\0");
    d.extend(text("LINUX", 32));
    d.extend(text(volume_id, 32));
    d.extend([0; 8]);
    d.extend(both32(0));
    let escape: &[u8] = if kind == DescriptorKind::Primary { b"" } else { b"%/E" };
    d.extend(escape);
    d.resize(120, 0);
    d.extend(both16(1));
    d.extend(both16(1));
    d.extend(both16(SECTOR as u16));
    d.resize(156, 0);
    d.extend(root_record.to_bytes().expect("a root record fits"));
    // Volume set, publisher, data preparer, application; then copyright, abstract, bibliography.
    for (what, len) in
        [("", 128), ("", 128), ("", 128), ("PREFLIGHT", 128), ("", 37), ("", 37), ("", 37)]
    {
        d.extend(text(what, len));
    }
    let never = *b"0000000000000000\0";
    for date in [at.long(), at.long(), never, never] {
        d.extend(date);
    }
    d.extend([1, 0]);
    d.extend([b' '; 512]);
    d.resize(SECTOR as usize, 0);
    d
}

#[cfg(test)]
mod tests {
    use super::super::bytemap::ByteMap;
    use super::*;

    fn medium(descriptors: &[&[u8]]) -> ByteMap {
        let mut bytes = vec![0; (FIRST * SECTOR) as usize];
        for descriptor in descriptors {
            bytes.extend_from_slice(descriptor);
            bytes.resize(bytes.len().next_multiple_of(SECTOR as usize), 0);
        }
        let mut map = ByteMap::new();
        map.push_bytes(bytes);
        map
    }

    fn descriptor(kind: DescriptorKind) -> Vec<u8> {
        let root = Extent { sector: 20, len: 2048 };
        new_descriptor(kind, "CentOS_6.6", root, Timestamp::new(0).unwrap())
    }

    #[test]
    fn a_new_descriptor_reads_back() {
        let (primary, joliet) =
            (descriptor(DescriptorKind::Primary), descriptor(DescriptorKind::Joliet));
        assert_eq!((primary.len(), joliet.len()), (2048, 2048));
        assert_eq!((primary[881], joliet[881]), (1, 1));
        assert_eq!(primary[883..1395], [b' '; 512]);
        let map = medium(&[&primary, &joliet, b"\xffCD001\x01"]);
        let read = read_descriptors(&mut BoundedReader::new(&map)).unwrap();
        assert_eq!(read.primary.volume_id(), "CentOS_6.6");
        assert_eq!(read.primary.root(), Extent { sector: 20, len: 2048 });
        assert_eq!(read.joliet.unwrap().root(), Extent { sector: 20, len: 2048 });
        assert!(!read.udf && read.boot_catalog.is_none());
    }

    #[test]
    fn changes_reach_every_field_that_moves() {
        let mut bytes = descriptor(DescriptorKind::Primary);
        let root = Extent { sector: 300, len: 4096 };
        let moved = MovedTree { root, little: 301, big: 302, table_len: 10 };
        for (at, change) in descriptor_changes(1000, Some(moved)) {
            bytes[at as usize..at as usize + change.len()].copy_from_slice(&change);
        }
        let read = Descriptor { at: 0, bytes: bytes.into() };
        assert_eq!((read.sectors(), read.root()), (1000, root));
        let tables = [Extent { sector: 301, len: 10 }, Extent { sector: 302, len: 10 }];
        assert_eq!(read.path_tables(), tables);
    }

    #[test]
    fn what_is_no_iso_9660_volume_is_refused() {
        let good = descriptor(DescriptorKind::Primary);
        let changed = |at: usize, byte: u8| {
            let mut bad = good.clone();
            bad[at] = byte;
            bad
        };
        for (bad, message) in [
            (changed(0, 7), "not an ISO 9660 image"),
            (changed(5, b'2'), "not an ISO 9660 image"),
            (changed(129, 4), "logical blocks of 1024 bytes"),
            (changed(45, 27), "control characters"),
            (changed(142, 9), "a path table ends"),
        ] {
            let map = medium(&[&bad, b"\xffCD001\x01"]);
            let error = read_descriptors(&mut BoundedReader::new(&map)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
        let cut = medium(&[&good]);
        assert!(read_descriptors(&mut BoundedReader::new(&cut)).is_err());
    }

    #[test]
    fn a_udf_bridge_is_recognised() {
        let good = descriptor(DescriptorKind::Primary);
        let map =
            medium(&[&good, b"\xffCD001\x01", b"\0BEA01\x01", b"\0NSR03\x01", b"\0TEA01\x01"]);
        assert!(read_descriptors(&mut BoundedReader::new(&map)).unwrap().udf);
    }
}
