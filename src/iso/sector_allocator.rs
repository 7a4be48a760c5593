//! Allocates consecutive sectors, as many as 32 bits can number.
//!
//! Not for their content.

use super::bytemap::SECTOR;
use super::error::IsoError;

/// Allocates consecutive sectors.
pub(super) struct SectorAllocator {
    next: u64,
}

impl SectorAllocator {
    /// Starts at an offset in bytes, which must be the beginning of a sector.
    pub(super) fn starting_at(append_at: u64) -> Result<Self, IsoError> {
        if !append_at.is_multiple_of(SECTOR) {
            let (why, end) = ("a sector begins before it, at byte", append_at / SECTOR * SECTOR);
            return Err(IsoError::AppendAt { append_at, why, end });
        }
        Ok(Self { next: append_at / SECTOR })
    }

    /// Returns the offset of the next sector in bytes.
    pub(super) fn next_at(&self) -> u64 {
        self.next * SECTOR
    }

    /// Allocates sectors for `len` bytes. Returns the first of them.
    pub(super) fn allocate(&mut self, len: u64) -> Result<u32, IsoError> {
        let first = self.next;
        self.next = first.saturating_add(len.div_ceil(SECTOR));
        match (u32::try_from(first), u32::try_from(self.next)) {
            (Ok(first), Ok(_)) => Ok(first),
            _ => Err(IsoError::TooLarge(self.next)),
        }
    }
}
