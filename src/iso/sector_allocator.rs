//! Handing out sectors behind each other, up to what 32 bits can name.
//!
//! Not for what goes into them.

use super::bytemap::SECTOR;
use super::error::IsoError;

/// Hands out sectors, one after the other.
pub(super) struct SectorAllocator {
    next: u64,
}

impl SectorAllocator {
    /// Starts at a byte, which must be where a sector begins.
    pub(super) fn starting_at(append_at: u64) -> Result<Self, IsoError> {
        if !append_at.is_multiple_of(SECTOR) {
            let (why, end) = ("a sector begins before it, at byte", append_at / SECTOR * SECTOR);
            return Err(IsoError::AppendAt { append_at, why, end });
        }
        Ok(Self { next: append_at / SECTOR })
    }

    /// The byte at which the next sector begins.
    pub(super) fn next_at(&self) -> u64 {
        self.next * SECTOR
    }

    /// The first of the sectors for `len` bytes.
    pub(super) fn allocate(&mut self, len: u64) -> Result<u32, IsoError> {
        let first = self.next;
        self.next = first.saturating_add(len.div_ceil(SECTOR));
        match (u32::try_from(first), u32::try_from(self.next)) {
            (Ok(first), Ok(_)) => Ok(first),
            _ => Err(IsoError::TooLarge { sectors: self.next }),
        }
    }
}
