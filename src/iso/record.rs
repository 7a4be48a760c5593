//! One directory record (ECMA-119 9.1): a view of its bytes, and the writer of new ones.
//!
//! Not for names (`name`), nor for the Rock Ridge entries in its tail (`system_use`).

use std::cmp::Ordering;

use super::bytemap::SECTOR;
use super::endian::{both16, both32, le32};
use super::error::IsoError;
use super::timestamp::Timestamp;

/// Bytes before the identifier.
const HEAD: usize = 33;
/// The longest record: its length is one byte, and even.
pub(super) const RECORD_MAX: usize = 254;
/// The longest section of a file: the last whole sector below 4 GiB.
const SECTION_MAX: u64 = 0xffff_f800;

const DIRECTORY: u8 = 0x02;
const ASSOCIATED: u8 = 0x04;
const MORE_SECTIONS: u8 = 0x80;

/// A run of a file's sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// First sector.
    pub sector: u32,
    /// Bytes.
    pub len: u32,
}

impl Extent {
    /// Returns its offset in bytes.
    pub(super) fn at(self) -> u64 {
        u64::from(self.sector) * SECTOR
    }
}

/// A view of one directory record whose lengths have been verified.
#[derive(Clone, Copy)]
pub(super) struct Record<'a>(&'a [u8]);

impl<'a> Record<'a> {
    /// Parses the record at `offset` of a sector. Returns `None` when the rest of the sector is
    /// unused.
    pub(super) fn parse(
        sector: &'a [u8],
        offset: usize,
        sector_at: u64,
    ) -> Result<Option<Self>, IsoError> {
        let Some(&len) = sector.get(offset) else { return Ok(None) };
        if len == 0 {
            return Ok(None);
        }
        let bad = |why: String| {
            Err(IsoError::Malformed {
                what: "directory record",
                at: sector_at + offset as u64,
                why,
            })
        };
        let len = usize::from(len);
        if len <= HEAD || len % 2 == 1 {
            return bad(format!("its length is {len}, expected an even number of 34 or more"));
        }
        let Some(bytes) = sector.get(offset..offset + len) else {
            return bad(format!("its length of {len} crosses the end of its sector"));
        };
        let ident = usize::from(bytes[32]);
        if ident == 0 || HEAD + ident > len {
            return bad(format!("an identifier of {ident} bytes in a record of {len}"));
        }
        if bytes[26] != 0 || bytes[27] != 0 {
            return bad("interleaved files are not supported".to_owned());
        }
        Ok(Some(Self(bytes)))
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Returns where the data is, behind the extended attribute record if there is one.
    pub(super) fn extent(self) -> Extent {
        let sector = le32(self.0, 2).saturating_add(u32::from(self.0[1]));
        Extent { sector, len: le32(self.0, 10) }
    }

    pub(super) fn is_directory(self) -> bool {
        self.0[25] & DIRECTORY != 0
    }

    /// Whether this is a resource fork or the like: it has its file's name, and Linux does not show
    /// it.
    pub(super) fn is_associated(self) -> bool {
        self.0[25] & ASSOCIATED != 0
    }

    /// Whether the next record continues the same file.
    pub(super) fn has_more_sections(self) -> bool {
        self.0[25] & MORE_SECTIONS != 0
    }

    pub(super) fn identifier(self) -> &'a [u8] {
        &self.0[HEAD..HEAD + usize::from(self.0[32])]
    }

    /// Returns the offset of the system use area in the record.
    pub(super) fn system_use_at(self) -> usize {
        let end = HEAD + usize::from(self.0[32]);
        (end + (end & 1)).min(self.0.len())
    }
}

/// A new record.
pub(super) struct NewRecord<'a> {
    pub identifier: &'a [u8],
    pub extent: Extent,
    pub directory: bool,
    pub system_use: &'a [u8],
    pub at: Timestamp,
}

impl NewRecord<'_> {
    /// Encodes the record. Returns `None` when it is too long.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let ident_end = HEAD + self.identifier.len();
        let len = (ident_end.next_multiple_of(2) + self.system_use.len()).next_multiple_of(2);
        if len > RECORD_MAX {
            return None;
        }
        let mut bytes = vec![0; len];
        bytes[0] = u8::try_from(len).expect("a record is at most RECORD_MAX");
        bytes[2..10].copy_from_slice(&both32(self.extent.sector));
        bytes[10..18].copy_from_slice(&both32(self.extent.len));
        bytes[18..25].copy_from_slice(&self.at.short());
        bytes[25] = if self.directory { DIRECTORY } else { 0 };
        bytes[28..32].copy_from_slice(&both16(1));
        bytes[32] = u8::try_from(self.identifier.len()).expect("the record fits");
        bytes[HEAD..ident_end].copy_from_slice(self.identifier);
        let tail = ident_end.next_multiple_of(2);
        bytes[tail..tail + self.system_use.len()].copy_from_slice(self.system_use);
        Some(bytes)
    }
}

/// Returns the records of one file of `len` bytes at `sector`: `one`, repeated for each section of
/// 4 GiB.
pub(super) fn section_records(one: &[u8], sector: u32, len: u64) -> Vec<Vec<u8>> {
    let count = len.div_ceil(SECTION_MAX).max(1);
    (0..count)
        .map(|index| {
            let skip = index * SECTION_MAX;
            let sectors = u32::try_from(skip / SECTOR).expect("the image fits 32 bit sectors");
            let section = u32::try_from((len - skip).min(SECTION_MAX)).expect("below 4 GiB");
            let mut bytes = one.to_vec();
            bytes[1] = 0;
            bytes[2..10].copy_from_slice(&both32(sector + sectors));
            bytes[10..18].copy_from_slice(&both32(section));
            bytes[25] &= !MORE_SECTIONS;
            if index + 1 < count {
                bytes[25] |= MORE_SECTIONS;
            }
            bytes
        })
        .collect()
}

/// Packs records into sectors: none crosses the end of one.
#[derive(Default)]
pub(super) struct SectorPacker {
    packed: Vec<u8>,
}

impl SectorPacker {
    pub(super) fn push(&mut self, record: &[u8]) {
        if self.packed.len() % SECTOR as usize + record.len() > SECTOR as usize {
            self.fill_sector();
        }
        self.packed.extend_from_slice(record);
    }

    /// Returns the whole sectors that hold the records.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.fill_sector();
        self.packed
    }

    fn fill_sector(&mut self) {
        self.packed.resize(self.packed.len().next_multiple_of(SECTOR as usize), 0);
    }
}

/// Compares identifiers as directories and path tables order them (ECMA-119 9.3): name, then
/// extension, both as if padded with blanks, then the higher version first.
pub(super) fn compare_identifiers(a: &[u8], b: &[u8]) -> Ordering {
    let (a_name, a_extension, a_version) = split_identifier(a);
    let (b_name, b_extension, b_version) = split_identifier(b);
    compare_padded(a_name, b_name)
        .then_with(|| compare_padded(a_extension, b_extension))
        .then_with(|| b_version.cmp(a_version))
}

fn split_identifier(identifier: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (rest, version) = split_once_at(identifier, b';');
    let (name, extension) = split_once_at(rest, b'.');
    (name, extension, version)
}

fn split_once_at(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|&byte| byte == at) {
        Some(index) => (&text[..index], &text[index + 1..]),
        None => (text, b""),
    }
}

fn compare_padded(a: &[u8], b: &[u8]) -> Ordering {
    let at = |text: &[u8], index: usize| text.get(index).copied().unwrap_or(b' ');
    (0..a.len().max(b.len()))
        .map(|index| at(a, index).cmp(&at(b, index)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(identifier: &[u8], system_use: &[u8]) -> Option<Vec<u8>> {
        let extent = Extent { sector: 300, len: 5 };
        let at = Timestamp::new(0).unwrap();
        NewRecord { identifier, extent, directory: false, system_use, at }.to_bytes()
    }

    #[test]
    fn a_written_record_reads_back() {
        for (identifier, system_use, len) in
            [(&b"A.;1"[..], &b""[..], 38), (b"AB.;1", b"xy", 40), (b"A", b"xyz", 38)]
        {
            let bytes = record(identifier, system_use).unwrap();
            assert_eq!(bytes.len(), len);
            let read = Record::parse(&bytes, 0, 0).unwrap().unwrap();
            assert_eq!(read.identifier(), identifier);
            assert_eq!(read.extent(), Extent { sector: 300, len: 5 });
            let tail = &bytes[read.system_use_at()..];
            assert_eq!(&tail[..system_use.len()], system_use);
            assert!(!read.is_directory() && !read.has_more_sections());
        }
        assert!(record(b"A.;1", &[0; 216]).is_some());
        assert!(record(b"A.;1", &[0; 217]).is_none());
    }

    #[test]
    fn broken_lengths_are_refused() {
        let good = record(b"A.;1", b"").unwrap();
        for (at, value) in [(0, 32), (0, 37), (0, 40), (0, 1), (32, 0), (32, 6), (26, 1), (27, 1)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert!(Record::parse(&bad, 0, 0).is_err(), "byte {at} = {value}");
        }
        assert!(Record::parse(&[0; 40], 0, 0).unwrap().is_none());
        assert!(Record::parse(&good, good.len(), 0).unwrap().is_none());
    }

    #[test]
    fn files_of_4_gib_and_more_take_several_records() {
        let one = record(b"A.;1", b"").unwrap();
        for (len, expected) in [
            (0, vec![(7, 0, false)]),
            (SECTION_MAX, vec![(7, 0xffff_f800, false)]),
            (SECTION_MAX + 1, vec![(7, 0xffff_f800, true), (7 + 2_097_151, 1, false)]),
        ] {
            let seen: Vec<_> = section_records(&one, 7, len)
                .iter()
                .map(|bytes| Record::parse(bytes, 0, 0).unwrap().unwrap())
                .map(|r| (r.extent().sector, r.extent().len, r.has_more_sections()))
                .collect();
            assert_eq!(seen, expected, "{len}");
        }
    }

    #[test]
    fn no_record_crosses_a_sector() {
        let mut packer = SectorPacker::default();
        (0..21).for_each(|_| packer.push(&[1; 200]));
        let packed = packer.finish();
        assert_eq!(packed.len(), 3 * 2048);
        assert_eq!((packed[1999], packed[2000], packed[2047], packed[2048]), (1, 0, 0, 1));
        assert_eq!(packed[4096..4296], [1; 200]);
    }

    #[test]
    fn identifiers_sort_as_if_padded_with_blanks() {
        for (low, high) in [
            (&b"A"[..], &b"AB"[..]),
            (b"A.;1", b"A.A;1"),
            (b"A.Z;1", b"AB.A;1"),
            (b"A.B;2", b"A.B;1"),
            (b"AB", b"A_"),
        ] {
            assert_eq!(compare_identifiers(low, high), Ordering::Less);
            assert_eq!(compare_identifiers(high, low), Ordering::Greater);
            assert_eq!(compare_identifiers(low, low), Ordering::Equal);
        }
    }
}
