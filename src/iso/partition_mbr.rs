//! The partition table of a master boot record, as isohybrid, xorriso and grub-mkrescue write it
//! into the first block of an ISO image.
//!
//! Not for logical partitions, nor for the boot code before the table.

use super::endian::le32;
use super::partition_range::PartitionRange;

/// Bytes of a block, the unit in which MBR and GPT count.
pub const BLOCK: u64 = 512;

const TABLE: usize = 446;
const ENTRY: usize = 16;

/// A used entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MbrEntry {
    /// Its number, 1 to 4.
    pub number: usize,
    /// Whether it has the active flag.
    pub is_active: bool,
    /// The partition type, such as 0xEF for an EFI system partition.
    pub kind: u8,
    /// The first block.
    pub start: u64,
    /// The block after the last one.
    pub end: u64,
    /// The address of the last block as cylinder, head and sector.
    last_chs: [u8; 3],
}

/// The type of an entry that only protects a GPT from old tools.
pub const PROTECTIVE: u8 = 0xEE;

/// Parses the used entries. Returns `None` when the block has no boot signature, or no valid table.
pub fn parse_mbr(block: &[u8]) -> Option<Vec<MbrEntry>> {
    if block.get(510..512) != Some(&[0x55, 0xAA]) {
        return None;
    }
    let mut entries = Vec::with_capacity(4);
    for (index, raw) in block[TABLE..510].chunks_exact(ENTRY).enumerate() {
        if raw[0] & 0x7F != 0 {
            return None;
        }
        let (start, count) = (u64::from(le32(raw, 8)), u64::from(le32(raw, 12)));
        if count > 0 {
            entries.push(MbrEntry {
                number: index + 1,
                is_active: raw[0] == 0x80,
                kind: raw[4],
                start,
                end: start + count,
                last_chs: [raw[5], raw[6], raw[7]],
            });
        }
    }
    Some(entries)
}

impl MbrEntry {
    /// Returns the partition in bytes.
    pub fn range(&self) -> PartitionRange {
        PartitionRange { number: self.number, start: self.start * BLOCK, end: self.end * BLOCK }
    }

    /// Returns the bytes of a cylinder in the geometry that the end address implies, when the
    /// partition ends where a cylinder ends and the address names that cylinder. isohybrid takes 64
    /// heads and 32 sectors, which is 1 MiB; xorriso takes more for an image over 1 GiB.
    pub fn cylinder(&self) -> Option<u64> {
        let [head, sector_and_high, low] = self.last_chs;
        let sectors = u64::from(sector_and_high & 0x3F);
        let bytes = (u64::from(head) + 1) * sectors * BLOCK;
        let cylinder = u64::from(low) | u64::from(sector_and_high >> 6) << 8;
        let end = self.end * BLOCK;
        let is_cylinder = matches!(sectors, 32 | 63) && end.is_multiple_of(bytes);
        (is_cylinder && last_cylinder(end, bytes) == cylinder).then_some(bytes)
    }

    /// Returns the table bytes of this entry with another `end`, and their offset.
    ///
    /// `raw` is the block that the entry was parsed from.
    pub fn with_end(&self, raw: &[u8], end: u64) -> (u64, Vec<u8>) {
        let offset = TABLE + (self.number - 1) * ENTRY;
        let mut bytes = raw[offset..offset + ENTRY].to_vec();
        let count = u32::try_from(end - self.start).unwrap_or(u32::MAX);
        bytes[12..16].copy_from_slice(&count.to_le_bytes());
        if let Some(cylinder) = self.cylinder()
            && (end * BLOCK).is_multiple_of(cylinder)
        {
            let [low, high, ..] = last_cylinder(end * BLOCK, cylinder).to_le_bytes();
            bytes[6] = (self.last_chs[1] & 0x3F) | (high << 6);
            bytes[7] = low;
        }
        (offset as u64, bytes)
    }
}

/// Returns the number of the last cylinder, which has ten bits: isohybrid stops at the 1024th.
fn last_cylinder(end: u64, cylinder: u64) -> u64 {
    (end / cylinder).clamp(1, 1024) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table `isohybrid --uefi` made on an 8 MiB image.
    fn isohybrid() -> Vec<u8> {
        let mut block = vec![0; 512];
        block[446..462]
            .copy_from_slice(&[0x80, 0, 1, 0, 0, 0x3F, 0x20, 7, 0, 0, 0, 0, 0, 0x40, 0, 0]);
        block[462..478].copy_from_slice(&[
            0, 0xFE, 0xFF, 0xFF, 0xEF, 0xFE, 0xFF, 0xFF, 0xA4, 0, 0, 0, 0x80, 0x16, 0, 0,
        ]);
        block[510..].copy_from_slice(&[0x55, 0xAA]);
        block
    }

    #[test]
    fn isohybrid_entries_are_read() {
        let entries = parse_mbr(&isohybrid()).unwrap();
        let seen: Vec<_> =
            entries.iter().map(|e| (e.number, e.is_active, e.kind, e.start, e.end)).collect();
        assert_eq!(seen, [(1, true, 0, 0, 16384), (2, false, 0xEF, 164, 164 + 5760)]);
        assert_eq!(entries[0].cylinder(), Some(1 << 20));
        assert_eq!(entries[1].cylinder(), None);
        let stale = MbrEntry { end: 9 << 11, ..entries[0] };
        assert_eq!(stale.cylinder(), None);
    }

    #[test]
    fn growing_an_entry_changes_its_size_and_end_address() {
        let block = isohybrid();
        let entry = parse_mbr(&block).unwrap()[0];
        for (mib, count, chs) in [
            (9, [0, 0x48, 0, 0], [0x3F, 0x20, 8]),
            (700, [0, 0xE0, 0x15, 0], [0x3F, 0xA0, 187]),
            (4096, [0, 0, 0x80, 0], [0x3F, 0xE0, 255]),
        ] {
            let (offset, bytes) = entry.with_end(&block, mib << 11);
            assert_eq!(offset, 446);
            assert_eq!((&bytes[12..], &bytes[5..8]), (&count[..], &chs[..]), "{mib} MiB");
            assert_eq!(bytes[..5], block[446..451]);
        }
    }

    #[test]
    fn boot_code_without_a_table_is_not_a_table() {
        let mut block = isohybrid();
        block[478] = 0x33;
        assert_eq!(parse_mbr(&block), None);
        assert_eq!(parse_mbr(&vec![0; 512]), None);
        assert_eq!(parse_mbr(&isohybrid()[..511]), None);
    }
}
