//! A range of an image as a disk that can be written to without touching the image: changed sectors
//! are held in memory and become patches.
//!
//! Not for what is on the disk (`fat`).

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use super::read_at::ReadAt;

/// Bytes of the unit that is copied when it is written to.
const UNIT: usize = 512;
/// Bytes that are read ahead, since a FAT is read a few bytes at a time.
const WINDOW: u64 = 4096;

/// A range of an image, and the changes made to it.
pub(super) struct FatDisk<'a> {
    base: &'a dyn ReadAt,
    offset: u64,
    len: u64,
    at: u64,
    window: Vec<u8>,
    window_at: u64,
    changed: BTreeMap<u64, Unit>,
    /// Reads and writes that are still allowed: a chain of clusters may be a loop.
    budget: u64,
}

/// A changed unit, before and now.
#[derive(Clone)]
struct Unit {
    before: [u8; UNIT],
    now: [u8; UNIT],
}

/// The changes of a disk at one moment.
pub(super) struct Changes(BTreeMap<u64, Unit>);

impl<'a> FatDisk<'a> {
    /// Takes the `len` bytes from `offset` on, in whole units.
    pub(super) fn new(base: &'a dyn ReadAt, offset: u64, len: u64) -> Self {
        Self {
            base,
            offset,
            len: len / UNIT as u64 * UNIT as u64,
            at: 0,
            window: Vec::new(),
            window_at: 0,
            changed: BTreeMap::new(),
            budget: 0,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Goes back to the start and allows as much work as an honest disk of this size can need.
    pub(super) fn rewind(&mut self) {
        self.at = 0;
        self.budget = (1 << 20) + self.len / 128;
    }

    pub(super) fn changes(&self) -> Changes {
        Changes(self.changed.clone())
    }

    pub(super) fn restore(&mut self, changes: Changes) {
        self.changed = changes.0;
    }

    /// Returns the changed bytes as runs, with their offset in the image.
    pub(super) fn into_patches(self) -> Vec<(u64, Vec<u8>)> {
        let mut patches: Vec<(u64, Vec<u8>)> = Vec::new();
        let changed = self.changed.into_iter().filter(|(_, unit)| unit.now != unit.before);
        for (number, unit) in changed {
            let at = self.offset + number * UNIT as u64;
            match patches.last_mut() {
                Some((start, bytes)) if *start + bytes.len() as u64 == at => {
                    bytes.extend_from_slice(&unit.now);
                }
                _ => patches.push((at, unit.now.to_vec())),
            }
        }
        patches
    }

    fn charge(&mut self) -> io::Result<()> {
        let spent = || io::Error::other("too many reads for a file system of this size");
        self.budget = self.budget.checked_sub(1).ok_or_else(spent)?;
        Ok(())
    }

    /// Reads the unit `number` of the base.
    fn read_unit(&mut self, number: u64) -> io::Result<&[u8]> {
        let at = number * UNIT as u64;
        if !(self.window_at..self.window_at + self.window.len() as u64).contains(&at) {
            let start = at / WINDOW * WINDOW;
            let mut window = vec![0; WINDOW.min(self.len - start) as usize];
            self.base.read_exact_at(self.offset + start, &mut window)?;
            (self.window, self.window_at) = (window, start);
        }
        let start = (at - self.window_at) as usize;
        Ok(&self.window[start..start + UNIT])
    }

    /// Returns the unit at the current position, the offset in it, and how many of `wanted` bytes
    /// it has.
    fn position(&self, wanted: usize) -> (u64, usize, usize) {
        let within = (self.at % UNIT as u64) as usize;
        let take = if self.at < self.len { wanted.min(UNIT - within) } else { 0 };
        (self.at / UNIT as u64, within, take)
    }
}

impl Read for FatDisk<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.charge()?;
        let (number, within, take) = self.position(buffer.len());
        if take > 0 {
            let bytes = match self.changed.get(&number) {
                Some(unit) => &unit.now,
                None => self.read_unit(number)?,
            };
            buffer[..take].copy_from_slice(&bytes[within..within + take]);
            self.at += take as u64;
        }
        Ok(take)
    }
}

impl Write for FatDisk<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.charge()?;
        let (number, within, take) = self.position(bytes.len());
        if take > 0 {
            if !self.changed.contains_key(&number) {
                let before: [u8; UNIT] = self.read_unit(number)?.try_into().expect("a whole unit");
                self.changed.insert(number, Unit { before, now: before });
            }
            let unit = self.changed.get_mut(&number).expect("inserted above");
            unit.now[within..within + take].copy_from_slice(&bytes[..take]);
            self.at += take as u64;
        }
        Ok(take)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for FatDisk<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_became_different_is_a_patch() {
        let base: Vec<u8> = (0..40_000).map(|i| (i % 251) as u8).collect();
        let mut disk = FatDisk::new(&base, 1000, 10_100);
        assert_eq!(disk.len(), 9728);
        disk.rewind();
        for (at, bytes) in [(600, &b"hello"[..]), (1020, b"across a border"), (5000, b"gone")] {
            disk.seek(SeekFrom::Start(at)).unwrap();
            disk.write_all(bytes).unwrap();
        }
        let mut back = [0; 15];
        disk.seek(SeekFrom::Start(1020)).unwrap();
        disk.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"across a border");
        disk.seek(SeekFrom::Start(5000)).unwrap();
        disk.write_all(&base[6000..6004]).unwrap();

        let mut expected = base.clone();
        expected[1600..1605].copy_from_slice(b"hello");
        expected[2020..2035].copy_from_slice(b"across a border");
        assert_eq!(disk.into_patches(), [(1512, expected[1512..2536].to_vec())]);
    }

    #[test]
    fn work_ends() {
        let base = vec![0; 4096];
        let mut disk = FatDisk::new(&base, 0, 4096);
        disk.rewind();
        let reads = std::iter::repeat_with(|| {
            disk.rewind_position();
            disk.read(&mut [0; 4])
        });
        assert_eq!(reads.take_while(Result::is_ok).count(), (1 << 20) + 32);
    }

    impl FatDisk<'_> {
        fn rewind_position(&mut self) {
            self.at = 0;
        }
    }
}
