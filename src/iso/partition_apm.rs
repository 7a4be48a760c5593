//! The Apple partition map that isohybrid, xorriso and grub-mkrescue write into the system area.
//!
//! Not for the driver descriptor in block 0: on these images it is boot code that happens to
//! begin with "ER", and its block count means nothing.

use super::endian::be32;
use super::partition_range::PartitionRange;

/// An Apple partition map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apm {
    /// Bytes of a block: 512 or 2048.
    pub block: u64,
    /// The entries, without the one that describes the map itself.
    pub entries: Vec<ApmEntry>,
}

/// An entry of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApmEntry {
    /// Its number, from 1 on, the map itself included.
    pub number: usize,
    /// The type, such as `Apple_HFS`.
    pub kind: String,
    /// The first block.
    pub start: u64,
    /// The block after the last one.
    pub end: u64,
    /// Whether the number of data blocks is stored as well.
    has_data_count: bool,
}

impl Apm {
    /// Parses the map in the system area, if there is one. Its blocks are of 2048 bytes when a GPT
    /// header occupies the second 512 bytes; block 0 says which size is meant.
    pub fn parse(area: &[u8]) -> Option<Self> {
        let stated = match area.get(..4)? {
            [b'E', b'R', 8, 0] => 2048,
            _ => 512,
        };
        [stated, 512, 2048].into_iter().find_map(|block| Self::parse_in(area, block))
    }

    fn parse_in(area: &[u8], block: usize) -> Option<Self> {
        let entry = |number: usize| {
            let raw = area.get(number * block..number * block + 512)?;
            (raw[..2] == *b"PM").then_some(raw)
        };
        let count = be32(entry(1)?, 4) as usize;
        let mut entries = Vec::new();
        for number in 1..=count.min(area.len() / block) {
            let Some(raw) = entry(number) else { break };
            let kind = &raw[48..80];
            let kind = &kind[..kind.iter().position(|&b| b == 0).unwrap_or(32)];
            let (start, size) = (u64::from(be32(raw, 8)), u64::from(be32(raw, 12)));
            if kind != b"Apple_partition_map" && size > 0 {
                entries.push(ApmEntry {
                    number,
                    kind: kind.escape_ascii().to_string(),
                    start,
                    end: start + size,
                    has_data_count: u64::from(be32(raw, 84)) == size,
                });
            }
        }
        Some(Self { block: block as u64, entries })
    }

    /// Returns the partitions in bytes.
    pub fn ranges(&self) -> impl Iterator<Item = PartitionRange> {
        self.entries.iter().map(|entry| PartitionRange {
            number: entry.number,
            start: entry.start * self.block,
            end: entry.end * self.block,
        })
    }

    /// Returns the fields that make `entry` end at block `end`: offset and bytes.
    pub fn with_end(&self, entry: &ApmEntry, end: u64) -> Vec<(u64, Vec<u8>)> {
        let at = entry.number as u64 * self.block;
        let size = u32::try_from(end - entry.start).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        let mut patches = vec![(at + 12, size.clone())];
        if entry.has_data_count {
            patches.push((at + 84, size));
        }
        patches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(block: usize, count: u32, entries: &[(&[u8], u32, u32)]) -> Vec<u8> {
        let mut area = vec![0; 32768];
        area[..2].copy_from_slice(b"ER");
        area[2..4].copy_from_slice(&u16::try_from(block).unwrap().to_be_bytes());
        for (index, (kind, start, size)) in entries.iter().enumerate() {
            let raw = &mut area[(index + 1) * block..];
            raw[..2].copy_from_slice(b"PM");
            raw[4..8].copy_from_slice(&count.to_be_bytes());
            raw[8..12].copy_from_slice(&start.to_be_bytes());
            raw[12..16].copy_from_slice(&size.to_be_bytes());
            raw[48..48 + kind.len()].copy_from_slice(kind);
            raw[84..88].copy_from_slice(&size.to_be_bytes());
        }
        area
    }

    #[test]
    fn both_block_sizes_are_read() {
        for block in [512, 2048] {
            let area = area(block, 2, &[(b"Apple_partition_map", 1, 2), (b"Apple_HFS", 41, 1440)]);
            let map = Apm::parse(&area).unwrap();
            assert_eq!(map.block, block as u64);
            let entry = &map.entries[0];
            assert_eq!((entry.number, entry.start, entry.end), (2, 41, 1481));
            assert_eq!(entry.kind, "Apple_HFS");
            let at = 2 * block as u64;
            let size = 2000_u32.to_be_bytes().to_vec();
            assert_eq!(map.with_end(entry, 2041), [(at + 12, size.clone()), (at + 84, size)]);
        }
    }

    #[test]
    fn a_map_that_claims_too_much_ends_where_it_ends() {
        let area = area(2048, u32::MAX, &[(b"Apple_partition_map", 1, 2), (b"X", 1, u32::MAX)]);
        assert_eq!(Apm::parse(&area).unwrap().entries.len(), 1);
        assert_eq!(Apm::parse(&[0; 32768]), None);
        assert_eq!(Apm::parse(&area[..2100]), None);
    }
}
