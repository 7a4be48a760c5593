//! Reads and replaces files on the FAT file system inside an image, `efiboot.img`, in place: the
//! firmware finds it by sector, so it may neither move nor change its size.
//!
//! Not for creating file systems or files. The file system comes from an
//! untrusted image: its numbers are checked before `fatfs` sees them.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use fatfs::{Date, DateTime, Dir, DirEntry, FileSystem, FsOptions, Time};

use super::fat_disk::FatDisk;
use super::read_at::ReadAt;
use crate::hint::hinted;

/// The largest file system that is opened; the vendor's are of 5 to 40 MiB.
const SIZE_LIMIT: u64 = 256 << 20;
/// The most directory entries that are listed.
const ENTRY_LIMIT: usize = 4096;
/// The deepest directory that is listed.
const DEPTH_LIMIT: usize = 8;

type Volume<'v, 'a> = FileSystem<&'v mut FatDisk<'a>>;

/// Why the file system, or a file on it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FatError {
    /// It is not a FAT file system, or one that contradicts itself.
    #[error("not a sound FAT file system: {0}")]
    Unsound(&'static str),
    /// Reading or writing failed.
    #[error("the FAT file system cannot be used")]
    Io(#[from] io::Error),
    /// No file has that path.
    #[error("the FAT file system has no file {0:?}")]
    NotFound(String),
    /// The file is larger than the caller allows.
    #[error("{path:?} on the FAT file system has {len} bytes, more than {cap}")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size.
        len: u64,
        /// The largest size that is allowed.
        cap: u64,
    },
    /// The file has fewer bytes than its directory entry states.
    #[error("{path:?} on the FAT file system ends after {found} of {len} bytes")]
    Short {
        /// The path.
        path: String,
        /// Its size.
        len: u64,
        /// Bytes that were found.
        found: u64,
    },
    /// The new content does not fit.
    #[error("{path:?} needs {needed} bytes on the FAT file system, and {available} are free")]
    Full {
        /// The path.
        path: String,
        /// Bytes of whole clusters that it takes.
        needed: u64,
        /// Bytes that are free, those of the old content included.
        available: u64,
    },
}

impl FatError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Full { .. } => Some(
                "shorten the kernel arguments, or give a base whose efiboot.img has room: it \
                 cannot grow in place"
                    .to_owned(),
            ),
            Self::Unsound(..) | Self::Short { .. } => {
                Some("compare the checksum of the base image with the vendor's".to_owned())
            }
            _ => None,
        }
    }
}

hinted!(FatError);

/// A file or directory on the file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FatEntry {
    /// Its path with `/` between the names and none in front, as stored. Untrusted:
    /// escape it before it is shown.
    pub path: String,
    /// Whether it is a directory.
    pub is_dir: bool,
    /// Bytes; 0 for a directory.
    pub len: u64,
}

/// A FAT file system inside an image, and the changes made to it.
pub struct FatView<'a> {
    disk: FatDisk<'a>,
    time: DateTime,
}

impl<'a> FatView<'a> {
    /// Opens the `len` bytes at `offset`. Changed files are dated `epoch_s`, seconds since
    /// 1970; FAT can store 1980 to 2107.
    ///
    /// # Errors
    ///
    /// Fails when these bytes are not a sound FAT12, FAT16 or FAT32.
    pub fn open(
        base: &'a dyn ReadAt,
        offset: u64,
        len: u64,
        epoch_s: u64,
    ) -> Result<Self, FatError> {
        if len > SIZE_LIMIT {
            return Err(FatError::Unsound("it is larger than 256 MiB"));
        }
        let mut disk = FatDisk::new(base, offset, len);
        disk.rewind();
        Geometry::read(&mut disk)?.check_table(&mut disk)?;
        let mut view = Self { disk, time: fat_date_time(epoch_s) };
        view.with_volume(|_, _| Ok(()))?;
        Ok(view)
    }

    /// Lists files and directories, a directory before its entries: at most 4096, at most 8
    /// directories deep.
    ///
    /// # Errors
    ///
    /// Fails when a directory cannot be read, or when there are more.
    pub fn list(&mut self) -> Result<Vec<FatEntry>, FatError> {
        self.with_volume(|volume, _| {
            let mut entries = Vec::new();
            list_directory(&volume.root_dir(), "", 0, &mut entries)?;
            Ok(entries)
        })
    }

    /// Reads the file at a path, whose case does not matter.
    ///
    /// # Errors
    ///
    /// Fails when there is no such file, or it has more than `cap` bytes or fewer than its entry
    /// states.
    pub fn read(&mut self, path: &str, cap: u64) -> Result<Vec<u8>, FatError> {
        self.with_volume(|volume, _| {
            let entry = find_file(volume, path)?;
            let len = entry.len();
            if len > cap {
                return Err(FatError::TooLarge { path: path.to_owned(), len, cap });
            }
            let mut bytes = Vec::new();
            entry.to_file().take(len).read_to_end(&mut bytes)?;
            if bytes.len() as u64 != len {
                let found = bytes.len() as u64;
                return Err(FatError::Short { path: path.to_owned(), len, found });
            }
            Ok(bytes)
        })
    }

    /// Replaces the content of an existing file.
    ///
    /// # Errors
    ///
    /// Fails when there is no such file or too little room. Nothing has changed then.
    pub fn replace(&mut self, path: &str, bytes: &[u8]) -> Result<(), FatError> {
        let before = self.disk.changes();
        let done = self.with_volume(|volume, time| {
            let entry = find_file(volume, path)?;
            let stats = volume.stats()?;
            let cluster = u64::from(stats.cluster_size());
            let available =
                u64::from(stats.free_clusters()) * cluster + entry.len().next_multiple_of(cluster);
            let needed = (bytes.len() as u64).next_multiple_of(cluster);
            if needed > available {
                return Err(FatError::Full { path: path.to_owned(), needed, available });
            }
            let mut file = entry.to_file();
            file.truncate()?;
            file.write_all(bytes)?;
            // The alternative is a provider of times that lives as long as the program.
            #[expect(deprecated)]
            file.set_modified(time);
            file.flush()?;
            Ok(())
        });
        if done.is_err() {
            self.disk.restore(before);
        }
        done
    }

    /// Returns the changed bytes, with their offset in the image.
    pub fn into_patches(self) -> Vec<(u64, Vec<u8>)> {
        self.disk.into_patches()
    }

    /// Mounts the volume for one job. `fatfs` does not check the numbers of directory entries, and
    /// would panic on hostile ones in a build with overflow checks.
    fn with_volume<T>(
        &mut self,
        job: impl FnOnce(&Volume<'_, 'a>, DateTime) -> Result<T, FatError>,
    ) -> Result<T, FatError> {
        let time = self.time;
        self.disk.rewind();
        let disk = &mut self.disk;
        let run = AssertUnwindSafe(|| {
            let volume = FileSystem::new(disk, FsOptions::new())?;
            let done = job(&volume, time)?;
            volume.unmount()?;
            Ok(done)
        });
        catch_unwind(run).unwrap_or(Err(FatError::Unsound("a directory entry makes no sense")))
    }
}

/// The numbers of the boot sector, checked against the size of the disk.
struct Geometry {
    /// The offset of the table that counts.
    table_at: u64,
    clusters: u64,
    entry_bits: u64,
}

impl Geometry {
    /// Checks the numbers that `fatfs` multiplies and subtracts in 32 bits.
    fn read(disk: &mut FatDisk<'_>) -> Result<Self, FatError> {
        let unsound = |why| Err(FatError::Unsound(why));
        if disk.len() < 512 {
            return unsound("it is shorter than a sector");
        }
        let mut boot = [0; 512];
        disk.read_exact(&mut boot)?;
        let number = |at: usize, len: usize| {
            boot[at..at + len].iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let sector = number(11, 2);
        let (cluster, reserved, tables) = (number(13, 1), number(14, 2), number(16, 1));
        let is_size = sector.is_power_of_two() && (512..=4096).contains(&sector);
        if boot[510..] != [0x55, 0xAA] || !is_size || !cluster.is_power_of_two() {
            return unsound("it has no FAT boot sector");
        }
        if reserved == 0 || tables == 0 {
            return unsound("its boot sector has no place for the table");
        }
        let sectors = if number(19, 2) == 0 { number(32, 4) } else { number(19, 2) };
        let is_32 = number(22, 2) == 0;
        let table = if is_32 { number(36, 4) } else { number(22, 2) };
        let data = reserved + tables * table + (number(17, 2) * 32).div_ceil(sector);
        if sectors * sector > disk.len() {
            return unsound("it is longer than its place in the image");
        }
        let Some(data_sectors) = sectors.checked_sub(data) else {
            return unsound("its table is longer than itself");
        };
        let clusters = data_sectors / cluster;
        // The number of clusters alone decides the kind.
        let entry_bits = match clusters {
            0..4085 => 12,
            4085..65525 => 16,
            _ => 32,
        };
        if is_32 != (entry_bits == 32) || table * sector * 8 / entry_bits < clusters + 2 {
            return unsound("its table does not suit its size");
        }
        // FAT32 can name one table as the only live one.
        let flags = if is_32 { number(40, 2) } else { 0 };
        let live = if flags & 0x80 == 0 { 0 } else { flags & 0xF };
        if live >= tables {
            return unsound("its live table is none of its tables");
        }
        Ok(Self { table_at: (reserved + live * table) * sector, clusters, entry_bits })
    }

    /// Refuses a table that links to a cluster that does not exist.
    fn check_table(&self, disk: &mut FatDisk<'_>) -> Result<(), FatError> {
        let mask = (1_u64 << self.entry_bits.min(28)) - 1;
        let special = mask & !0xF;
        disk.seek(SeekFrom::Start(self.table_at))?;
        let bytes = ((self.clusters + 2) * self.entry_bits).div_ceil(8);
        let mut table = disk.take(bytes);
        // 1536 bytes hold whole entries of 12, 16 and 32 bits.
        let mut piece = Vec::with_capacity(1536);
        let mut number = 0;
        while number < self.clusters + 2 {
            piece.clear();
            (&mut table).take(1536).read_to_end(&mut piece)?;
            for index in 0..piece.len() as u64 * 8 / self.entry_bits {
                if number >= 2 && number < self.clusters + 2 {
                    let value = table_entry(&piece, index, self.entry_bits) & mask;
                    let is_link = (2..self.clusters + 2).contains(&value);
                    let is_end = value >= special | 7;
                    if value != 0 && !is_link && !is_end {
                        let why = "its table links to a cluster that does not exist";
                        return Err(FatError::Unsound(why));
                    }
                }
                number += 1;
            }
            if piece.is_empty() {
                return Err(FatError::Unsound("its table ends early"));
            }
        }
        Ok(())
    }
}

/// Returns the `index`-th entry of a table whose entries have `bits` bits.
fn table_entry(table: &[u8], index: u64, bits: u64) -> u64 {
    let bit = index * bits;
    let at = (bit / 8) as usize;
    let len = if bits == 12 { 2 } else { (bits / 8) as usize };
    let bytes = table.get(at..at + len).unwrap_or_default();
    let value = bytes.iter().rev().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if bits == 12 { value >> (bit % 8) & 0xFFF } else { value }
}

/// Finds the entry of a file.
fn find_file<'f, 'v, 'a>(
    volume: &'f Volume<'v, 'a>,
    path: &str,
) -> Result<DirEntry<'f, &'v mut FatDisk<'a>>, FatError> {
    let not_found = || FatError::NotFound(path.to_owned());
    let mut dir = volume.root_dir();
    let (parents, name) = path.trim_matches('/').rsplit_once('/').unwrap_or(("", path));
    for parent in parents.split('/').filter(|parent| !parent.is_empty()) {
        dir = find_in_directory(&dir, parent, true)?.ok_or_else(not_found)?.to_dir();
    }
    find_in_directory(&dir, name.trim_matches('/'), false)?.ok_or_else(not_found)
}

/// Finds the entry of that name and kind in `dir`, by its long or its short name.
fn find_in_directory<'f, 'v, 'a>(
    dir: &Dir<'f, &'v mut FatDisk<'a>>,
    name: &str,
    is_dir: bool,
) -> Result<Option<DirEntry<'f, &'v mut FatDisk<'a>>>, FatError> {
    for entry in dir.iter().take(ENTRY_LIMIT) {
        let entry = entry?;
        let is_named = entry.file_name().eq_ignore_ascii_case(name)
            || entry.short_file_name().eq_ignore_ascii_case(name);
        if is_named && entry.is_dir() == is_dir {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

fn list_directory(
    dir: &Dir<'_, &mut FatDisk<'_>>,
    above: &str,
    depth: usize,
    entries: &mut Vec<FatEntry>,
) -> Result<(), FatError> {
    if depth > DEPTH_LIMIT {
        return Err(FatError::Unsound("its directories are nested too deeply"));
    }
    for entry in dir.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        if entries.len() == ENTRY_LIMIT {
            return Err(FatError::Unsound("it has more than 4096 files"));
        }
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        let is_dir = entry.is_dir();
        let len = if is_dir { 0 } else { entry.len() };
        entries.push(FatEntry { path: path.clone(), is_dir, len });
        if is_dir {
            list_directory(&entry.to_dir(), &path, depth + 1, entries)?;
        }
    }
    Ok(())
}

/// Returns the time as FAT stores it, in UTC.
fn fat_date_time(epoch_s: u64) -> DateTime {
    /// 1980-01-01T00:00:00Z and 2107-12-31T23:59:58Z.
    const RANGE: (u64, u64) = (315_532_800, 4_354_819_198);
    let seconds = epoch_s.clamp(RANGE.0, RANGE.1).cast_signed();
    let time = jiff::Timestamp::from_second(seconds).expect("clamped into jiff's range");
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    let unsigned = |value: i8| u16::from(value.unsigned_abs());
    DateTime {
        date: Date {
            year: time.year().unsigned_abs(),
            month: unsigned(time.month()),
            day: unsigned(time.day()),
        },
        time: Time {
            hour: unsigned(time.hour()),
            min: unsigned(time.minute()),
            sec: unsigned(time.second()),
            millis: 0,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const OFFSET: u64 = 2048;

    /// A volume of `len` bytes at `OFFSET`, with `files`.
    fn image(len: u64, files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut disk = Cursor::new(vec![0; len as usize]);
        fatfs::format_volume(&mut disk, fatfs::FormatVolumeOptions::new()).unwrap();
        {
            let volume = FileSystem::new(&mut disk, FsOptions::new()).unwrap();
            let root = volume.root_dir();
            root.create_dir("EFI").unwrap().create_dir("BOOT").unwrap();
            for (path, bytes) in files {
                root.create_file(path).unwrap().write_all(bytes).unwrap();
            }
        }
        let mut image = vec![0xAA; OFFSET as usize];
        image.extend(disk.into_inner());
        image.extend([0xBB; 4096]);
        image
    }

    fn small() -> Vec<u8> {
        image(
            1440 * 1024,
            &[("EFI/BOOT/BOOTX64.conf", b"timeout 5\n"), ("EFI/BOOT/BOOTX64.efi", &[7; 70_000])],
        )
    }

    fn patched(image: &[u8], patches: &[(u64, Vec<u8>)]) -> Vec<u8> {
        let mut image = image.to_vec();
        for (at, bytes) in patches {
            image[*at as usize..*at as usize + bytes.len()].copy_from_slice(bytes);
        }
        image
    }

    #[test]
    fn a_replaced_file_reads_back_and_the_others_stay() {
        let base = small();
        let len = 1440 * 1024;
        for new in [&b""[..], b"x", &[b'y'; 3000], &[b'z'; 500_000]] {
            let mut view = FatView::open(&base, OFFSET, len, 1_479_600_000).unwrap();
            view.replace("/efi/boot/bootx64.CONF", new).unwrap();
            let patches = view.into_patches();
            assert!(
                patches.iter().all(|(at, bytes)| {
                    *at >= OFFSET && at + bytes.len() as u64 <= OFFSET + len
                })
            );
            let after = patched(&base, &patches);
            let mut view = FatView::open(&after, OFFSET, len, 0).unwrap();
            assert_eq!(view.read("EFI/BOOT/BOOTX64.conf", 1 << 20).unwrap(), new);
            assert_eq!(view.read("EFI/BOOT/BOOTX64.EFI", 1 << 20).unwrap(), [7; 70_000]);
            let paths: Vec<_> = view.list().unwrap().into_iter().map(|e| (e.path, e.len)).collect();
            let expected = [
                ("EFI", 0),
                ("EFI/BOOT", 0),
                ("EFI/BOOT/BOOTX64.conf", new.len() as u64),
                ("EFI/BOOT/BOOTX64.efi", 70_000),
            ];
            assert_eq!(paths, expected.map(|(path, len)| (path.to_owned(), len)));
            assert_eq!(view.into_patches(), []);
        }
    }

    #[test]
    fn the_same_edit_gives_the_same_bytes_and_the_time_is_the_one_given() {
        let base = small();
        let edit = |epoch_s| {
            let mut view = FatView::open(&base, OFFSET, 1440 * 1024, epoch_s).unwrap();
            view.replace("EFI/BOOT/BOOTX64.conf", b"timeout 9\n").unwrap();
            view.into_patches()
        };
        assert_eq!(edit(1_479_600_000), edit(1_479_600_000));
        assert_ne!(edit(1_479_600_000), edit(1_479_700_000));
        let time = fat_date_time(1_479_600_001);
        assert_eq!((time.date.year, time.date.month, time.date.day), (2016, 11, 20));
        assert_eq!((time.time.hour, time.time.min, time.time.sec), (0, 0, 1));
        assert_eq!(fat_date_time(0).date.year, 1980);
        assert_eq!(fat_date_time(u64::MAX).date.year, 2107);
    }

    #[test]
    fn a_refused_change_leaves_no_trace() {
        let base = small();
        let mut view = FatView::open(&base, OFFSET, 1440 * 1024, 0).unwrap();
        let full = view.replace("EFI/BOOT/BOOTX64.conf", &vec![1; 2 << 20]).unwrap_err();
        assert!(matches!(full, FatError::Full { needed: 2_097_152, .. }), "{full:?}");
        assert!(full.hint().is_some());
        for absent in ["EFI/BOOT/grub.cfg", "EFI/BOOT", "", "/", "EFI/BOOT/BOOTX64.efi/x"] {
            let error = view.replace(absent, b"x").unwrap_err();
            assert!(matches!(error, FatError::NotFound(..)), "{absent:?}: {error:?}");
        }
        let large = view.read("EFI/BOOT/BOOTX64.EFI", 69_999).unwrap_err();
        assert!(matches!(large, FatError::TooLarge { len: 70_000, cap: 69_999, .. }));
        assert_eq!(view.into_patches(), []);
    }

    #[test]
    fn every_kind_of_fat_is_edited() {
        for mib in [1, 16, 40] {
            let base = image(mib << 20, &[("EFI/BOOT/grub.cfg", &[b'a'; 9000])]);
            let mut view = FatView::open(&base, OFFSET, mib << 20, 0).unwrap();
            view.replace("EFI/BOOT/grub.cfg", &[b'b'; 20_000]).unwrap();
            let after = patched(&base, &view.into_patches());
            let mut view = FatView::open(&after, OFFSET, mib << 20, 0).unwrap();
            assert_eq!(view.read("EFI/BOOT/grub.cfg", 1 << 20).unwrap(), [b'b'; 20_000]);
        }
    }

    /// Boot sector fields, table entries and directory entries that lie, and noise over all three.
    #[test]
    fn hostile_volumes_are_refused_or_read_but_never_hang_or_panic() {
        let len = 1440 * 1024;
        let base = image(len, &[("EFI/BOOT/BOOTX64.conf", b"timeout 5\n")]);
        let mut state = 1_u64;
        let mut random = move |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        let mut refused = 0;
        for round in 0..400 {
            let mut bad = base.clone();
            for _ in 0..=round % 8 {
                // The boot sector, the tables and the directories lie in the first 32 sectors.
                let at = OFFSET + if round % 3 == 0 { random(64) } else { random(40 * 512) };
                bad[at as usize] = [0, 1, 2, 0x10, 0xFF][random(5) as usize];
            }
            let outcome = FatView::open(&bad, OFFSET, len, 0).and_then(|mut view| {
                view.list()?;
                view.read("EFI/BOOT/BOOTX64.conf", 1 << 20)?;
                view.replace("EFI/BOOT/BOOTX64.conf", &[b'x'; 5000])?;
                assert!(view.into_patches().iter().all(|(at, _)| *at >= OFFSET));
                Ok(())
            });
            refused += u32::from(outcome.is_err());
        }
        assert!(refused > 50, "{refused} of 400");
        for len in [0, 1, 511, 512, 2048] {
            assert!(FatView::open(&base, OFFSET, len, 0).is_err(), "{len} bytes");
            assert!(FatView::open(&vec![0; len as usize], 0, len, 0).is_err());
        }
        assert!(FatView::open(&base, OFFSET, u64::MAX, 0).is_err());
    }

    #[test]
    fn a_directory_that_holds_itself_ends() {
        let len = 1440 * 1024;
        let mut bad = image(len, &[]);
        // The cluster of EFI/BOOT gets the number of EFI's: a circle through the sub-directory.
        let name = |bytes: &[u8], name: &[u8]| {
            (0..bytes.len() - 11).step_by(32).find(|at| &bytes[*at..at + 11] == name).unwrap()
        };
        let (efi, boot) = (name(&bad, b"EFI        "), name(&bad, b"BOOT       "));
        let cluster = [bad[efi + 26], bad[efi + 27]];
        bad[boot + 26..boot + 28].copy_from_slice(&cluster);
        let mut view = FatView::open(&bad, OFFSET, len, 0).unwrap();
        assert!(matches!(view.list(), Err(FatError::Unsound(..))));
        // First cluster 1 does not exist.
        bad[boot + 26..boot + 28].copy_from_slice(&[1, 0]);
        let mut view = FatView::open(&bad, OFFSET, len, 0).unwrap();
        assert!(view.list().is_err());
    }
}
