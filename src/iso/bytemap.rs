//! Where every byte of a finished image comes from: the one value that writing, digesting,
//! verifying, streaming and `--dry-run` read.
//!
//! Not for deciding what goes where: `extend` and `create` plan that.

use std::borrow::Borrow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes of an ISO 9660 logical sector.
pub const SECTOR: u64 = 2048;

/// Where a run of bytes comes from.
#[derive(Clone, Debug)]
pub enum ByteOrigin {
    /// A range of an open file, from this byte offset on.
    File(Arc<File>, u64),
    /// Bytes held in memory, from this offset on.
    Memory(Arc<[u8]>, usize),
    /// Zero bytes.
    Zero,
}

/// A run of bytes of the finished image.
#[derive(Clone, Debug)]
pub struct ByteRun {
    /// First byte in the finished image.
    pub at: u64,
    /// Bytes.
    pub len: u64,
    /// Where they come from.
    pub origin: ByteOrigin,
}

/// The finished image as a gapless, ordered list of [`ByteRun`]s.
#[derive(Clone, Debug, Default)]
pub struct ByteMap {
    runs: Vec<ByteRun>,
    len: u64,
}

impl ByteMap {
    /// Returns an empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the length of the image in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the image has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the runs, in order and without gaps.
    pub fn runs(&self) -> &[ByteRun] {
        &self.runs
    }

    /// Appends `len` bytes of `origin` at the end.
    pub fn push(&mut self, len: u64, origin: ByteOrigin) {
        if len > 0 {
            self.runs.push(ByteRun { at: self.len, len, origin });
            self.len += len;
        }
    }

    /// Appends bytes held in memory.
    pub fn push_bytes(&mut self, bytes: impl Into<Arc<[u8]>>) {
        let bytes = bytes.into();
        self.push(bytes.len() as u64, ByteOrigin::Memory(bytes, 0));
    }

    /// Appends zeros up to the next multiple of `unit` bytes.
    pub fn pad_to(&mut self, unit: u64) {
        self.push(self.len.next_multiple_of(unit) - self.len, ByteOrigin::Zero);
    }

    /// Replaces the bytes from `at` on by `bytes`, which must lie inside the image.
    ///
    /// # Panics
    ///
    /// Panics when the patch reaches past the end: the planner made a mistake.
    pub fn patch(&mut self, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        assert!(
            end <= self.len,
            "a patch at {at} ends at {end}, past the image's {} bytes",
            self.len
        );
        if bytes.is_empty() {
            return;
        }
        let first = self.runs.partition_point(|run| run.at + run.len <= at);
        let last = self.runs.partition_point(|run| run.at < end);
        let mut middle = Vec::with_capacity(3);
        let head = &self.runs[first];
        if head.at < at {
            middle.push(ByteRun { len: at - head.at, ..head.clone() });
        }
        middle.push(ByteRun {
            at,
            len: bytes.len() as u64,
            origin: ByteOrigin::Memory(Arc::from(bytes), 0),
        });
        let tail = &self.runs[last - 1];
        let tail_end = tail.at + tail.len;
        if end < tail_end {
            middle.push(ByteRun {
                at: end,
                len: tail_end - end,
                origin: advance(tail, end - tail.at),
            });
        }
        self.runs.splice(first..last, middle);
    }

    /// Returns a reader of all bytes in order.
    pub fn reader(&self) -> MapReader<&Self> {
        MapReader { map: self, at: 0 }
    }

    /// A reader of all bytes in order that keeps the map.
    pub fn into_reader(self) -> MapReader<Self> {
        MapReader { map: self, at: 0 }
    }

    /// Whether a range comes from one file, from the same offsets as in the image.
    pub fn is_file_range(&self, at: u64, len: u64) -> bool {
        let index = self.runs.partition_point(|run| run.at + run.len <= at);
        self.runs.get(index).is_some_and(|run| {
            run.at + run.len >= at + len
                && matches!(run.origin, ByteOrigin::File(_, offset) if offset == run.at)
        })
    }

    /// Appends a range of this map to another one.
    ///
    /// # Panics
    ///
    /// Panics when the range reaches past the end: it must have been verified before.
    pub fn copy_range(&self, at: u64, len: u64, into: &mut Self) {
        let end = at + len;
        assert!(end <= self.len, "a range at {at} ends at {end}, past {} bytes", self.len);
        let first = self.runs.partition_point(|run| run.at + run.len <= at);
        for run in self.runs[first..].iter().take_while(|run| run.at < end) {
            let skip = at.saturating_sub(run.at);
            let take = (run.at + run.len).min(end) - (run.at + skip);
            into.push(take, advance(run, skip));
        }
    }

    /// Fills `buffer` with the bytes from `at` on.
    ///
    /// # Errors
    ///
    /// Fails when a source file cannot be read or is shorter than it was when planned.
    pub fn read_exact_at(&self, mut at: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        let mut index = self.runs.partition_point(|run| run.at + run.len <= at);
        while !buffer.is_empty() {
            let run = self.runs.get(index).ok_or(io::ErrorKind::UnexpectedEof)?;
            let skip = at - run.at;
            let take = buffer.len().min(usize::try_from(run.len - skip).unwrap_or(usize::MAX));
            let (now, rest) = buffer.split_at_mut(take);
            match &run.origin {
                ByteOrigin::File(file, offset) => file.read_exact_at(now, offset + skip)?,
                ByteOrigin::Memory(bytes, offset) => {
                    let start = offset + usize::try_from(skip).expect("a memory run fits memory");
                    now.copy_from_slice(&bytes[start..start + take]);
                }
                ByteOrigin::Zero => now.fill(0),
            }
            at += take as u64;
            buffer = rest;
            index += 1;
        }
        Ok(())
    }
}

/// Reads a [`ByteMap`] from its first byte on.
#[derive(Debug)]
pub struct MapReader<M> {
    map: M,
    at: u64,
}

impl<M: Borrow<ByteMap>> io::Read for MapReader<M> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let map = self.map.borrow();
        let left = usize::try_from(map.len() - self.at).unwrap_or(usize::MAX);
        let take = buffer.len().min(left);
        map.read_exact_at(self.at, &mut buffer[..take])?;
        self.at += take as u64;
        Ok(take)
    }
}

/// Returns the origin of what remains of `run` after its first `skip` bytes.
fn advance(run: &ByteRun, skip: u64) -> ByteOrigin {
    match &run.origin {
        ByteOrigin::File(file, offset) => ByteOrigin::File(Arc::clone(file), offset + skip),
        ByteOrigin::Memory(bytes, offset) => {
            let skip = usize::try_from(skip).expect("a memory run fits memory");
            ByteOrigin::Memory(Arc::clone(bytes), offset + skip)
        }
        ByteOrigin::Zero => ByteOrigin::Zero,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(map: &ByteMap) -> Vec<u8> {
        let mut all = vec![0; map.len() as usize];
        map.read_exact_at(0, &mut all).unwrap();
        all
    }

    #[test]
    fn a_patch_replaces_exactly_its_bytes() {
        for (at, patch) in [(0, &b"XY"[..]), (3, b"XYZ"), (1, b"PQRSTUV"), (8, b"Z"), (4, b"")] {
            let mut map = ByteMap::new();
            map.push_bytes(&b"abcd"[..]);
            map.push(2, ByteOrigin::Zero);
            map.push_bytes(&b"efg"[..]);
            let mut expected = b"abcd\0\0efg".to_vec();
            expected[at as usize..at as usize + patch.len()].copy_from_slice(patch);
            map.patch(at, patch);
            assert_eq!(bytes_of(&map), expected, "patch at {at}");
            assert!(map.runs().windows(2).all(|w| w[0].at + w[0].len == w[1].at));
        }
    }

    #[test]
    fn a_copied_range_has_the_same_bytes() {
        let mut map = ByteMap::new();
        map.push_bytes(&b"abcd"[..]);
        map.push(2, ByteOrigin::Zero);
        map.push_bytes(&b"efg"[..]);
        let all = bytes_of(&map);
        for at in 0..=9 {
            for end in at..=9 {
                let mut copy = ByteMap::new();
                map.copy_range(at, end - at, &mut copy);
                assert_eq!(bytes_of(&copy), all[at as usize..end as usize], "{at}..{end}");
            }
        }
    }

    #[test]
    fn reading_past_the_end_is_an_error() {
        let mut map = ByteMap::new();
        map.push_bytes(&b"abc"[..]);
        assert!(map.read_exact_at(2, &mut [0; 2]).is_err());
    }
}
