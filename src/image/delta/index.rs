//! An index of the base's sectors by their content.
//!
//! Not a proof: the hash is short, so the caller compares the bytes.

use crate::iso::bytemap::SECTOR;

/// The most entries, 32 MiB: every sector of a dual-layer DVD, every second one of larger media.
const MOST_ENTRIES: u64 = 1 << 22;

/// The sectors of a base by a hash of their bytes.
#[derive(Debug)]
pub struct SectorIndex {
    /// The upper half of an entry is the hash, the lower half the sector's number.
    entries: Vec<u64>,
    /// Sectors added so far.
    seen: u64,
    /// Every `step`-th sector is kept.
    step: u64,
}

impl SectorIndex {
    /// Returns an empty index for a base of this many bytes.
    pub fn for_bytes(len: u64) -> Self {
        let sectors = len / SECTOR;
        let step = sectors.div_ceil(MOST_ENTRIES).max(1);
        let entries = usize::try_from(sectors / step).unwrap_or(0);
        Self { entries: Vec::with_capacity(entries), seen: 0, step }
    }

    /// Adds the base's next bytes: whole sectors, but for the end of the last piece.
    pub fn add(&mut self, bytes: &[u8]) {
        for sector in bytes.chunks_exact(SECTOR as usize) {
            let number = self.seen;
            self.seen += 1;
            // Zero bytes need no base.
            if number.is_multiple_of(self.step) && !is_zero(sector) {
                self.entries.push(hash(sector) << 32 | number);
            }
        }
    }

    /// Sorts the index, after which it can be searched.
    pub fn finish(&mut self) {
        self.entries.sort_unstable();
    }

    /// Returns the first offset in the base of a sector with the same hash.
    pub fn find(&self, sector: &[u8]) -> Option<u64> {
        let wanted = hash(sector) << 32;
        let first = self.entries.partition_point(|entry| *entry < wanted);
        let entry = *self.entries.get(first)?;
        (entry >> 32 == wanted >> 32).then_some((entry & 0xffff_ffff) * SECTOR)
    }
}

/// Whether all bytes are zero.
pub fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// Computes 32 bits that depend on every byte of a sector. Two sectors with one hash cost a match,
/// never a wrong byte, so it need not be secure.
fn hash(sector: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut lanes = [1_u64, 2, 3, 4];
    for words in sector.chunks_exact(32) {
        for (lane, word) in lanes.iter_mut().zip(words.chunks_exact(8)) {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            *lane = (lane.rotate_left(23) ^ word).wrapping_mul(FACTOR);
        }
    }
    let mix = |sum: u64, lane: &u64| (sum ^ lane ^ (lane >> 29)).wrapping_mul(FACTOR);
    lanes.iter().fold(0, mix) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sector(byte: u8) -> Vec<u8> {
        let mut sector = vec![byte; SECTOR as usize];
        sector[77] = 99;
        sector
    }

    #[test]
    fn a_sector_is_found_where_it_stands_first() {
        let base = [sector(1), vec![0; 2048], sector(2), sector(1), sector(3), vec![7; 100]];
        let base = base.concat();
        let mut index = SectorIndex::for_bytes(base.len() as u64);
        base.chunks(4096).for_each(|chunk| index.add(chunk));
        index.finish();
        let cases = [(sector(1), Some(0)), (sector(2), Some(4096)), (sector(3), Some(4 * 2048))];
        for (bytes, at) in cases.into_iter().chain([(sector(4), None), (vec![0; 2048], None)]) {
            assert_eq!(index.find(&bytes), at, "{}", bytes[0]);
        }
    }

    #[test]
    fn memory_is_bounded_for_any_base() {
        let index = SectorIndex::for_bytes(64 << 30);
        assert!(index.entries.capacity() as u64 <= MOST_ENTRIES && index.step == 8);
    }
}
