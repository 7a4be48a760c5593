//! GUID partition tables: the header, its array of entries, and both rewritten for an image of
//! another length (UEFI specification 2.10, section 5.3).
//!
//! Not for what the partitions hold, nor for blocks of another size than 512 bytes.

use flate2::Crc;

use super::endian::{le32, le64};
use super::partition_mbr::BLOCK;
use super::partition_range::PartitionRange;

/// The most bytes of entries that are read: four times what the specification asks for at least.
const ARRAY_LIMIT: u64 = 64 * 1024;
const SIGNATURE: &[u8; 8] = b"EFI PART";

/// One of the two headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GptHeader {
    /// Whether its checksum is correct.
    pub is_crc_right: bool,
    /// The block that it states it is in.
    pub at: u64,
    /// The block of the other header.
    pub other: u64,
    /// The first block a partition may use.
    pub first_usable: u64,
    /// The last block a partition may use.
    pub last_usable: u64,
    /// The first block of the array.
    pub array_at: u64,
    /// The identity of the disk.
    pub disk: [u8; 16],
    entry_count: u64,
    entry_len: u64,
    array_crc: u32,
    raw: Vec<u8>,
}

/// A used entry of the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GptEntry {
    /// Its number, from 1 on.
    pub number: usize,
    /// The partition type, as stored.
    pub kind: [u8; 16],
    /// The first block.
    pub start: u64,
    /// The block after the last one.
    pub end: u64,
}

impl GptEntry {
    /// Returns the partition in bytes.
    pub fn range(&self) -> PartitionRange {
        let bytes = |block: u64| block.saturating_mul(BLOCK);
        PartitionRange { number: self.number, start: bytes(self.start), end: bytes(self.end) }
    }
}

/// A table for an image of another length: the bytes of both copies and where they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GptCopies {
    /// Offset and bytes of the primary header, the primary array, the backup array and the
    /// backup header.
    pub patches: [(u64, Vec<u8>); 4],
}

impl GptHeader {
    /// Parses a header. Returns `None` without the signature, or when its numbers are impossible: a
    /// header longer than its block, entries of an odd size, an array of more than 64 KiB.
    pub fn parse(block: &[u8]) -> Option<Self> {
        let block = block.get(..BLOCK as usize)?;
        let header_len = le32(block, 12) as usize;
        if &block[..8] != SIGNATURE || !(92..=block.len()).contains(&header_len) {
            return None;
        }
        let (entry_count, entry_len) = (u64::from(le32(block, 80)), u64::from(le32(block, 84)));
        let is_sane = entry_len >= 128 && entry_len.is_multiple_of(8) && entry_count > 0;
        if !is_sane || entry_count * entry_len > ARRAY_LIMIT {
            return None;
        }
        Some(Self {
            is_crc_right: header_crc(block, header_len) == le32(block, 16),
            at: le64(block, 24),
            other: le64(block, 32),
            first_usable: le64(block, 40),
            last_usable: le64(block, 48),
            array_at: le64(block, 72),
            disk: block[56..72].try_into().expect("16 bytes"),
            entry_count,
            entry_len,
            array_crc: le32(block, 88),
            raw: block.to_vec(),
        })
    }

    /// Returns the length of the array in bytes.
    pub fn array_len(&self) -> u64 {
        self.entry_count * self.entry_len
    }

    /// Returns the length of the array in blocks.
    pub fn array_blocks(&self) -> u64 {
        self.array_len().div_ceil(BLOCK)
    }

    /// Returns the blocks of the backup at the end of an image: the array and the header.
    pub fn backup_blocks(&self) -> u64 {
        self.array_blocks() + 1
    }

    /// Whether the checksum of the array is correct.
    pub fn is_array_crc_right(&self, array: &[u8]) -> bool {
        crc32(array) == self.array_crc
    }

    /// Returns the used entries of `array`, without those that end before they begin.
    pub fn entries(&self, array: &[u8]) -> Vec<GptEntry> {
        let entry_len = usize::try_from(self.entry_len).expect("bounded when parsed");
        let used = array.chunks_exact(entry_len).enumerate().filter_map(|(index, raw)| {
            let (start, last) = (le64(raw, 32), le64(raw, 40));
            let kind: [u8; 16] = raw[..16].try_into().expect("16 bytes");
            let is_used = kind != [0; 16] && last >= start && last < u64::MAX;
            is_used.then(|| GptEntry { number: index + 1, kind, start, end: last + 1 })
        });
        used.collect()
    }

    /// Returns both copies for an image of `blocks` blocks, with new ends for the partitions in
    /// `ends` (number and end). `array` is this header's.
    pub fn moved(&self, array: &[u8], blocks: u64, ends: &[(usize, u64)]) -> GptCopies {
        let mut array = array.to_vec();
        let entry_len = usize::try_from(self.entry_len).expect("bounded when parsed");
        for (number, end) in ends {
            let offset = (number - 1) * entry_len + 40;
            array[offset..offset + 8].copy_from_slice(&(end - 1).to_le_bytes());
        }
        let array_crc = crc32(&array);
        let last = blocks - 1;
        let backup_array_at = last - self.array_blocks();
        let header = |at: u64, other: u64, array_at: u64| {
            let mut raw = self.raw.clone();
            raw[24..32].copy_from_slice(&at.to_le_bytes());
            raw[32..40].copy_from_slice(&other.to_le_bytes());
            raw[48..56].copy_from_slice(&(backup_array_at - 1).to_le_bytes());
            raw[72..80].copy_from_slice(&array_at.to_le_bytes());
            raw[88..92].copy_from_slice(&array_crc.to_le_bytes());
            let crc = header_crc(&raw, le32(&raw, 12) as usize);
            raw[16..20].copy_from_slice(&crc.to_le_bytes());
            (at * BLOCK, raw)
        };
        let primary = header(self.at, last, self.array_at);
        let backup = header(last, self.at, backup_array_at);
        let primary_array = (self.array_at * BLOCK, array.clone());
        GptCopies { patches: [primary, primary_array, (backup_array_at * BLOCK, array), backup] }
    }
}

/// Computes the checksum of a header, with zeros in the checksum field.
fn header_crc(block: &[u8], header_len: usize) -> u32 {
    let mut crc = Crc::new();
    crc.update(&block[..16]);
    crc.update(&[0; 4]);
    crc.update(&block[20..header_len]);
    crc.sum()
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A primary header in block 1 and its array from block 2 on, for an image of `blocks`
    /// blocks, with partitions from and to (exclusive) the given blocks.
    fn table(blocks: u64, partitions: &[(u64, u64)]) -> Vec<(u64, Vec<u8>)> {
        let mut raw = vec![0; 512];
        raw[..8].copy_from_slice(SIGNATURE);
        raw[8..16].copy_from_slice(&[0, 0, 1, 0, 92, 0, 0, 0]);
        raw[24] = 1;
        raw[40] = 34;
        raw[56..72].fill(7);
        raw[72] = 2;
        raw[80] = 128;
        raw[84] = 128;
        let mut array = vec![0; 128 * 128];
        for (index, (start, end)) in partitions.iter().enumerate() {
            let entry = &mut array[index * 128..];
            entry[..16].fill(9);
            entry[32..40].copy_from_slice(&start.to_le_bytes());
            entry[40..48].copy_from_slice(&(end - 1).to_le_bytes());
        }
        GptHeader::parse(&raw).unwrap().moved(&array, blocks, &[]).patches.to_vec()
    }

    #[test]
    fn a_moved_table_is_right_and_agrees_with_its_backup() {
        let [(_, header), (_, array), ..] =
            <[_; 4]>::try_from(table(20000, &[(0, 19000), (164, 5924)])).unwrap();
        let old = GptHeader::parse(&header).unwrap();
        let copies = old.moved(&array, 40960, &[(1, 40000)]);
        let [(at, primary), (array_at, new_array), (backup_array_at, backup_array), (end, backup)] =
            copies.patches;
        assert_eq!((at, array_at, end), (512, 1024, 40959 * 512));
        assert_eq!((backup_array_at, &backup_array), (40927 * 512, &new_array));
        for (raw, at, other, array_at) in [(primary, 1, 40959, 2), (backup, 40959, 1, 40927)] {
            let header = GptHeader::parse(&raw).unwrap();
            assert!(header.is_crc_right && header.is_array_crc_right(&new_array));
            assert_eq!((header.at, header.other, header.array_at), (at, other, array_at));
            assert_eq!((header.first_usable, header.last_usable), (34, 40926));
            let ends: Vec<_> =
                header.entries(&new_array).iter().map(|e| (e.number, e.start, e.end)).collect();
            assert_eq!(ends, [(1, 0, 40000), (2, 164, 5924)]);
        }
    }

    #[test]
    fn a_header_with_impossible_numbers_is_none() {
        let (_, header) = table(20000, &[]).swap_remove(0);
        for (at, value) in [(0, 0), (12, 91), (14, 1), (83, 1), (84, 0), (84, 129), (80, 0)] {
            let mut bad = header.clone();
            bad[at] = value;
            assert_eq!(GptHeader::parse(&bad), None, "byte {at} = {value}");
        }
        assert_eq!(GptHeader::parse(&header[..511]), None);
        let mut stale = header;
        stale[48] ^= 1;
        assert!(!GptHeader::parse(&stale).unwrap().is_crc_right);
    }
}
