//! Reads untrusted parts of an image within bounds: nothing past the end, no allocation by an
//! untrusted length, no more work than the limits allow.
//!
//! Not for what the bytes mean: `record`, `system_use`, `volume` and `eltorito`.

use super::bytemap::{ByteMap, SECTOR};
use super::error::IsoError;
use super::record::Record;

/// The most directory records of one tree; a full CentOS 6 DVD has about 7,000.
const RECORDS: u32 = 200_000;
/// The most bytes of directories and continuation areas of one tree.
const BYTES: u64 = 32 << 20;
/// Bytes that a shorter read counts as, so that many tiny ones reach the limit too.
const SMALLEST: u64 = 256;
/// Sectors of a directory that are read at once.
const CHUNK: u64 = 16;

/// A reader that counts what one tree has cost so far.
pub(super) struct BoundedReader<'a> {
    source: &'a ByteMap,
    records: u32,
    bytes: u64,
    reach: u64,
}

impl<'a> BoundedReader<'a> {
    pub(super) fn new(source: &'a ByteMap) -> Self {
        Self { source, records: 0, bytes: 0, reach: 0 }
    }

    /// Returns the end of the last byte that was found to be in use.
    pub(super) fn reach(&self) -> u64 {
        self.reach
    }

    /// Records that `len` bytes at `at` are in use. Refuses them past the end of the image.
    pub(super) fn claim(&mut self, what: &str, at: u64, len: u64) -> Result<(), IsoError> {
        let end = at.saturating_add(len);
        if end > self.source.len() {
            return Err(IsoError::PastEnd { what: what.to_owned(), end, len: self.source.len() });
        }
        self.reach = self.reach.max(end);
        Ok(())
    }

    /// Reads `len` bytes at `at`.
    pub(super) fn read(&mut self, what: &str, at: u64, len: usize) -> Result<Vec<u8>, IsoError> {
        self.claim(what, at, len as u64)?;
        self.charge(len as u64)?;
        let mut bytes = vec![0; len];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    /// Calls `visit` with every record of a directory and its offset.
    pub(super) fn visit_directory(
        &mut self,
        extent: u32,
        len: u32,
        mut visit: impl FnMut(&mut Self, u64, Record<'_>) -> Result<(), IsoError>,
    ) -> Result<(), IsoError> {
        let start = u64::from(extent) * SECTOR;
        let end = start + u64::from(len);
        self.claim("a directory", start, u64::from(len))?;
        self.charge(u64::from(len))?;
        let mut chunk = vec![0; (CHUNK * SECTOR) as usize];
        let mut at = start;
        while at < end {
            let take = (end - at).min(CHUNK * SECTOR) as usize;
            self.fill(at, &mut chunk[..take])?;
            for (index, sector) in chunk[..take].chunks(SECTOR as usize).enumerate() {
                let sector_at = at + index as u64 * SECTOR;
                let mut offset = 0;
                while let Some(record) = Record::parse(sector, offset, sector_at)? {
                    self.records += 1;
                    if self.records > RECORDS {
                        let limit = RECORDS.into();
                        return Err(IsoError::Limit("directory records", limit));
                    }
                    visit(self, sector_at + offset as u64, record)?;
                    offset += record.bytes().len();
                }
            }
            at += take as u64;
        }
        Ok(())
    }

    fn charge(&mut self, len: u64) -> Result<(), IsoError> {
        self.bytes += len.max(SMALLEST);
        if self.bytes > BYTES {
            return Err(IsoError::Limit("bytes of directory data", BYTES));
        }
        Ok(())
    }

    fn fill(&self, at: u64, buffer: &mut [u8]) -> Result<(), IsoError> {
        self.source.read_exact_at(at, buffer).map_err(|source| IsoError::Read {
            at,
            len: buffer.len() as u64,
            source,
        })
    }
}
