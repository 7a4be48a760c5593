//! Replacing a file atomically: the old one stays until the new one is complete and on disk.
//!
//! Not for what is written into it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

use crate::hint::hinted;

/// A file that is written as `.NAME.part` beside its target.
///
/// The part file is locked while it is written, so two builds cannot write the same target. It is
/// always a new file: one that a killed build left behind, or that somebody else put there, is removed
/// first. It is removed when it is dropped without a commit.
#[derive(Debug)]
pub struct AtomicFile {
    file: File,
    part: PathBuf,
    target: PathBuf,
    committed: bool,
}

/// Who may read the file, from its first byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// Everybody whom the umask allows.
    ByUmask,
    /// The owner alone: the file contains a secret.
    Owner,
}

impl Visibility {
    fn mode(self) -> u32 {
        match self {
            Self::ByUmask => 0o644,
            Self::Owner => 0o600,
        }
    }
}

/// A file that is read, identified by device and inode: it may have several names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// The path it was named by.
    pub path: PathBuf,
    place: (u64, u64),
}

impl InputFile {
    /// Identifies the file at a path; none when there is no regular file.
    pub fn from_path(path: &Path) -> Option<Self> {
        let there = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self { path: path.to_owned(), place: device_and_inode(&there) })
    }

    /// Identifies an open file.
    ///
    /// # Errors
    ///
    /// [`AtomicFileError::Io`] when the system does not say which file it is.
    pub fn from_file(path: &Path, file: &File) -> Result<Self, AtomicFileError> {
        let there =
            file.metadata().map_err(|source| AtomicFileError::Io(path.to_owned(), source))?;
        Ok(Self { path: path.to_owned(), place: device_and_inode(&there) })
    }

    /// Whether both are the same file.
    pub fn is_same_file(&self, other: &Self) -> bool {
        self.place == other.place
    }

    /// Whether this metadata is of the same file.
    pub fn has_metadata(&self, there: &fs::Metadata) -> bool {
        self.place == device_and_inode(there)
    }
}

fn device_and_inode(there: &fs::Metadata) -> (u64, u64) {
    (there.dev(), there.ino())
}

/// Why a target cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AtomicFileError {
    /// The target is there and was not to be overwritten.
    #[error("{0} exists")]
    Exists(PathBuf),
    /// The target is a directory, a device or a symbolic link.
    #[error("{0} is not a regular file")]
    NotAFile(PathBuf),
    /// The target is one of the inputs.
    #[error("{target} is also an input, {input}")]
    IsInput {
        /// The target.
        target: PathBuf,
        /// The input that is the same file.
        input: PathBuf,
    },
    /// Another process holds the part file.
    #[error("{0} is being written by another process")]
    Busy(PathBuf),
    /// Whatever is removed there is made again by somebody.
    #[error("{0} is made by somebody else whenever it is removed")]
    Contested(PathBuf),
    /// The system refused.
    #[error("cannot write {0}")]
    Io(PathBuf, #[source] io::Error),
}

impl AtomicFileError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists(_) => Some("add --overwrite, or choose another name with -o".to_owned()),
            Self::NotAFile(_) | Self::IsInput { .. } => {
                Some("choose another name with -o".to_owned())
            }
            Self::Busy(_) => Some("wait for the other build to end".to_owned()),
            Self::Contested(_) => Some("write into a directory of your own".to_owned()),
            Self::Io(_, source) => match source.kind() {
                io::ErrorKind::NotFound => Some("create the directory first".to_owned()),
                io::ErrorKind::StorageFull => Some("free some space; nothing was lost".to_owned()),
                io::ErrorKind::PermissionDenied => {
                    Some("write into a directory of your own".to_owned())
                }
                _ => None,
            },
        }
    }
}

hinted!(AtomicFileError);

/// Checks that `target` may be written: there is nothing, or a regular file that may be overwritten;
/// and neither it nor its part file is one of `inputs`. Nothing is created.
///
/// # Errors
///
/// [`AtomicFileError::Exists`], [`AtomicFileError::NotAFile`] or [`AtomicFileError::IsInput`].
pub fn check_target(
    target: &Path,
    overwrite: bool,
    inputs: &[InputFile],
) -> Result<(), AtomicFileError> {
    let io = |source| AtomicFileError::Io(target.to_owned(), source);
    let part = part_path(target)?;
    if let Ok(there) = fs::symlink_metadata(&part) {
        refuse_input(&part, &there, inputs)?;
    }
    let there = match fs::symlink_metadata(target) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let kind = there.file_type();
    if !kind.is_file() || kind.is_block_device() {
        return Err(AtomicFileError::NotAFile(target.to_owned()));
    }
    refuse_input(target, &there, inputs)?;
    if overwrite { Ok(()) } else { Err(AtomicFileError::Exists(target.to_owned())) }
}

/// Refuses to write to a file that is an input under any name.
fn refuse_input(
    target: &Path,
    there: &fs::Metadata,
    inputs: &[InputFile],
) -> Result<(), AtomicFileError> {
    if let Some(input) = inputs.iter().find(|input| input.has_metadata(there)) {
        let (target, input) = (target.to_owned(), input.path.clone());
        return Err(AtomicFileError::IsInput { target, input });
    }
    Ok(())
}

impl AtomicFile {
    /// Creates the part file of `target`, empty and locked; see [`check_target`].
    ///
    /// # Errors
    ///
    /// As [`check_target`], and [`AtomicFileError::Busy`] while another process writes.
    pub fn open(
        target: &Path,
        overwrite: bool,
        readers: Visibility,
        inputs: &[InputFile],
    ) -> Result<Self, AtomicFileError> {
        check_target(target, overwrite, inputs)?;
        let part = part_path(target)?;
        for _ in 0..MAX_ATTEMPTS {
            let Some(file) = open_part(&part, target, readers, inputs)? else { continue };
            let opened = Self { file, part, target: target.to_owned(), committed: false };
            // Another build may have created the target in between.
            check_target(target, overwrite, inputs)?;
            return Ok(opened);
        }
        Err(AtomicFileError::Contested(part))
    }

    /// Returns the part file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Replaces the target by the part file: syncs the file, renames it, and syncs the directory.
    ///
    /// # Errors
    ///
    /// [`AtomicFileError::Io`]; the old target is then untouched.
    pub fn commit(mut self) -> Result<(), AtomicFileError> {
        let io = |source| AtomicFileError::Io(self.target.clone(), source);
        self.file.sync_all().map_err(io)?;
        fs::rename(&self.part, &self.target).map_err(io)?;
        self.committed = true;
        let directory = parent_directory(&self.target);
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| AtomicFileError::Io(directory.to_owned(), source))
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be done about a failure here; the next build removes the part file.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// How often a part file of somebody else is removed.
const MAX_ATTEMPTS: usize = 16;

/// Creates the part file and locks it; none when an old one had to be removed first, or the file was
/// replaced in between.
///
/// An existing file is never written to: somebody else may own it, and could read and change it, or
/// it may have another name. One that a killed build left is not locked, and is removed.
fn open_part(
    part: &Path,
    target: &Path,
    readers: Visibility,
    inputs: &[InputFile],
) -> Result<Option<File>, AtomicFileError> {
    let io = |source| AtomicFileError::Io(part.to_owned(), source);
    let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let options = |mode: u32| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(mode).custom_flags(flags.bits().cast_signed());
        options
    };
    let (file, new) = match options(readers.mode()).create_new(true).open(part) {
        Ok(file) => (file, true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let there = match fs::symlink_metadata(part) {
                Ok(there) => there,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(io(error)),
            };
            refuse_input(part, &there, inputs)?;
            if there.is_dir() {
                return Err(AtomicFileError::NotAFile(part.to_owned()));
            }
            if !is_exclusively_ours(&there) {
                return remove_if_present(part).map(|()| None).map_err(io);
            }
            match options(0).open(part) {
                Ok(file) => (file, false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(io(error)),
            }
        }
        Err(error) => return Err(io(error)),
    };
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => {
            return Err(AtomicFileError::Busy(target.to_owned()));
        }
        Err(error) => return Err(io(error.into())),
    }
    // Between open and lock, another process may have renamed this file.
    let opened = file.metadata().map_err(io)?;
    let named = fs::symlink_metadata(part);
    let same = named.is_ok_and(|named| (named.dev(), named.ino()) == (opened.dev(), opened.ino()));
    match (same, new) {
        (true, true) => Ok(Some(file)),
        (true, false) => remove_if_present(part).map(|()| None).map_err(io),
        (false, _) => Ok(None),
    }
}

/// Whether a file is a regular one of this user, without another name.
fn is_exclusively_ours(there: &fs::Metadata) -> bool {
    there.is_file() && there.nlink() == 1 && there.uid() == rustix::process::geteuid().as_raw()
}

/// Removes a file that may be gone already.
fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The directory that a file is or will be in.
pub fn parent_directory(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn part_path(target: &Path) -> Result<PathBuf, AtomicFileError> {
    let name = target.file_name().ok_or_else(|| AtomicFileError::NotAFile(target.to_owned()))?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(".part");
    Ok(parent_directory(target).join(part))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_old_file_stays_until_commit_and_a_dropped_part_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.iso");
        fs::write(&target, "old").unwrap();
        let part = AtomicFile::open(&target, true, Visibility::ByUmask, &[]).unwrap();
        part.file().write_all(b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        drop(part);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let part = AtomicFile::open(&target, true, Visibility::ByUmask, &[]).unwrap();
        part.file().write_all(b"new").unwrap();
        part.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_build_left_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".a.iso.part"), "half of something").unwrap();
        let part =
            AtomicFile::open(&dir.path().join("a.iso"), false, Visibility::ByUmask, &[]).unwrap();
        assert_eq!(part.file().metadata().unwrap().len(), 0);
        part.commit().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_somebody_else_put_in_its_place_is_never_written_to() {
        type Put = fn(&Path, &Path);
        let root = rustix::process::geteuid().is_root();
        let cases: [(&str, bool, Put); 5] = [
            ("another user's file", true, |part, _| {
                fs::write(part, "theirs").unwrap();
                fs::set_permissions(part, fs::Permissions::from_mode(0o600)).unwrap();
                std::os::unix::fs::chown(part, Some(65534), Some(65534)).unwrap();
            }),
            ("a link", false, |part, victim| std::os::unix::fs::symlink(victim, part).unwrap()),
            ("a link to nothing", false, |part, _| {
                std::os::unix::fs::symlink("nowhere", part).unwrap();
            }),
            ("another name of a file", false, |part, victim| fs::hard_link(victim, part).unwrap()),
            ("a pipe", false, |part, _| {
                let mode = rustix::fs::Mode::from_raw_mode(0o600);
                let fifo = rustix::fs::FileType::Fifo;
                rustix::fs::mknodat(rustix::fs::CWD, part, fifo, mode, 0).unwrap();
            }),
        ];
        for (what, needs_root, put) in cases {
            if needs_root && !root {
                continue;
            }
            for readers in [Visibility::Owner, Visibility::ByUmask] {
                let dir = tempfile::tempdir().unwrap();
                let (target, left) = (dir.path().join("a.iso"), dir.path().join(".a.iso.part"));
                let victim = dir.path().join("victim");
                fs::write(&victim, "precious").unwrap();
                put(&left, &victim);
                let part = AtomicFile::open(&target, false, readers, &[]).unwrap();
                part.file().write_all(b"new").unwrap();
                part.commit().unwrap();
                assert_eq!(fs::read(&victim).unwrap(), b"precious", "{what}");
                let made = fs::symlink_metadata(&target).unwrap();
                let owner = rustix::process::geteuid().as_raw();
                assert_eq!((made.uid(), made.nlink(), made.is_file()), (owner, 1, true), "{what}");
                assert_eq!(fs::read(&target).unwrap(), b"new", "{what}");
            }
        }
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".a.iso.part")).unwrap();
        let target = dir.path().join("a.iso");
        assert!(matches!(
            AtomicFile::open(&target, false, Visibility::Owner, &[]),
            Err(AtomicFileError::NotAFile(_))
        ));
    }

    #[test]
    fn a_secret_is_its_owners_alone_from_the_first_byte_on() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.iso");
        let left = dir.path().join(".a.iso.part");
        fs::write(&target, "old, for all").unwrap();
        fs::write(&left, "half of something, for all").unwrap();
        fs::set_permissions(&left, fs::Permissions::from_mode(0o644)).unwrap();
        let early = File::open(&left).unwrap();
        let part = AtomicFile::open(&target, true, Visibility::Owner, &[]).unwrap();
        assert_eq!(part.file().metadata().unwrap().mode() & 0o777, 0o600);
        assert_ne!(part.file().metadata().unwrap().ino(), early.metadata().unwrap().ino());
        part.commit().unwrap();
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn targets_that_must_not_be_written_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("a.iso");
        fs::write(&target, "old").unwrap();
        let input = [InputFile::from_path(&target).unwrap()];
        assert!(matches!(
            AtomicFile::open(&target, false, Visibility::ByUmask, &[]),
            Err(AtomicFileError::Exists(_))
        ));
        assert!(matches!(
            AtomicFile::open(&target, true, Visibility::ByUmask, &input),
            Err(AtomicFileError::IsInput { .. })
        ));
        assert!(matches!(
            AtomicFile::open(dir.path(), true, Visibility::ByUmask, &[]),
            Err(AtomicFileError::NotAFile(_))
        ));
        let link = dir.path().join("link.iso");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(
            AtomicFile::open(&link, true, Visibility::ByUmask, &[]),
            Err(AtomicFileError::NotAFile(_))
        ));
        fs::hard_link(&target, dir.path().join(".other.iso.part")).unwrap();
        assert!(matches!(
            AtomicFile::open(&dir.path().join("other.iso"), false, Visibility::ByUmask, &input),
            Err(AtomicFileError::IsInput { .. })
        ));
        assert_eq!(fs::read(&target).unwrap(), b"old");
        let held = AtomicFile::open(&target, true, Visibility::ByUmask, &[]).unwrap();
        assert!(matches!(
            AtomicFile::open(&target, true, Visibility::ByUmask, &[]),
            Err(AtomicFileError::Busy(_))
        ));
        drop(held);
    }
}
