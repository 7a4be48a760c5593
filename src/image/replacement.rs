//! A file that replaces another all at once: the old one stays until the new one is complete,
//! on disk and in place.
//!
//! Not for what is written into it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};

/// A file being written beside its target name, `.NAME.part`.
///
/// The part file is locked while it is written, so two builds of one name cannot meet. One that
/// a killed build left behind is taken over by the next; one that is dropped is removed.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    part: PathBuf,
    target: PathBuf,
    committed: bool,
}

/// Who may read a file from its first byte on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Whom the umask allows.
    ByUmask,
    /// The owner alone: the file holds a secret.
    Owner,
}

impl Readers {
    fn mode(self) -> u32 {
        match self {
            Self::ByUmask => 0o644,
            Self::Owner => 0o600,
        }
    }
}

/// Why a target cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReplacementError {
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
    /// The system refused.
    #[error("cannot write {path}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl ReplacementError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Exists(_) => Some("add --overwrite, or choose another name with -o".to_owned()),
            Self::NotAFile(_) | Self::IsInput { .. } => {
                Some("choose another name with -o".to_owned())
            }
            Self::Busy(_) => Some("wait for the other build to end".to_owned()),
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("create the directory first".to_owned()),
                io::ErrorKind::StorageFull => Some("free some space; nothing was lost".to_owned()),
                _ => None,
            },
        }
    }
}

/// Whether `target` may be written: nothing there, or a regular file that may be overwritten
/// and is none of `inputs`. Nothing is created.
///
/// # Errors
///
/// [`ReplacementError::Exists`], [`ReplacementError::NotAFile`] or [`ReplacementError::IsInput`].
pub fn check_target(
    target: &Path,
    overwrite: bool,
    inputs: &[(&Path, &File)],
) -> Result<(), ReplacementError> {
    let io = |source| ReplacementError::Io { path: target.to_owned(), source };
    let there = match fs::symlink_metadata(target) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io(error)),
    };
    let kind = there.file_type();
    if !kind.is_file() || kind.is_block_device() {
        return Err(ReplacementError::NotAFile(target.to_owned()));
    }
    refuse_input(target, &there, inputs)?;
    if overwrite { Ok(()) } else { Err(ReplacementError::Exists(target.to_owned())) }
}

/// Refuses to write to a file that is an input, by whatever name.
fn refuse_input(
    target: &Path,
    there: &fs::Metadata,
    inputs: &[(&Path, &File)],
) -> Result<(), ReplacementError> {
    for (path, file) in inputs {
        let io = |source| ReplacementError::Io { path: (*path).to_owned(), source };
        let input = file.metadata().map_err(io)?;
        if (input.dev(), input.ino()) == (there.dev(), there.ino()) {
            let (target, input) = (target.to_owned(), (*path).to_owned());
            return Err(ReplacementError::IsInput { target, input });
        }
    }
    Ok(())
}

impl Replacement {
    /// Opens the part file of `target`, empty, locked and for these readers; see [`check_target`].
    ///
    /// # Errors
    ///
    /// As [`check_target`], and [`ReplacementError::Busy`] while another process writes.
    pub fn open(
        target: &Path,
        overwrite: bool,
        readers: Readers,
        inputs: &[(&Path, &File)],
    ) -> Result<Self, ReplacementError> {
        check_target(target, overwrite, inputs)?;
        let part = part_of(target)?;
        let mut renewed = false;
        loop {
            let io = |source| ReplacementError::Io { path: part.clone(), source };
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(readers.mode())
                .custom_flags((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed())
                .open(&part)
                .map_err(io)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    return Err(ReplacementError::Busy(target.to_owned()));
                }
                Err(error) => return Err(io(error.into())),
            }
            // Between open and lock, the other process may have renamed this very file away.
            let ours = file.metadata().map_err(io)?;
            match fs::symlink_metadata(&part) {
                Ok(named) if (named.dev(), named.ino()) == (ours.dev(), ours.ino()) => {
                    refuse_input(&part, &ours, inputs)?;
                    // A killed build left it for all, and who opened it then could read on. Once:
                    // a file system without modes gives every file the same.
                    if readers == Readers::Owner && ours.mode() & 0o077 != 0 && !renewed {
                        fs::remove_file(&part).map_err(io)?;
                        renewed = true;
                        continue;
                    }
                    file.set_len(0).map_err(io)?;
                    let opened = Self { file, part, target: target.to_owned(), committed: false };
                    // Another build may have made the target since it was looked at.
                    check_target(target, overwrite, inputs)?;
                    return Ok(opened);
                }
                _ => {}
            }
        }
    }

    /// The part file, to be written and read back.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The directory it is written in.
    pub fn directory(&self) -> &Path {
        directory_of(&self.target)
    }

    /// Makes the part file the target: everything on disk first, then the name, then the name
    /// on disk.
    ///
    /// # Errors
    ///
    /// [`ReplacementError::Io`]; the old target is then untouched.
    pub fn commit(mut self) -> Result<(), ReplacementError> {
        let io = |source| ReplacementError::Io { path: self.target.clone(), source };
        self.file.sync_all().map_err(io)?;
        fs::rename(&self.part, &self.target).map_err(io)?;
        self.committed = true;
        let directory = directory_of(&self.target);
        File::open(directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|source| ReplacementError::Io { path: directory.to_owned(), source })
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.committed {
            // Nothing can be done about a failure here; the next build takes the part file over.
            let _ = fs::remove_file(&self.part);
        }
    }
}

fn directory_of(target: &Path) -> &Path {
    target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn part_of(target: &Path) -> Result<PathBuf, ReplacementError> {
    let name = target.file_name().ok_or_else(|| ReplacementError::NotAFile(target.to_owned()))?;
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(".part");
    Ok(directory_of(target).join(part))
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
        let part = Replacement::open(&target, true, Readers::ByUmask, &[]).unwrap();
        part.file().write_all(b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        drop(part);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let part = Replacement::open(&target, true, Readers::ByUmask, &[]).unwrap();
        part.file().write_all(b"new").unwrap();
        part.commit().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_build_left_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".a.iso.part"), "half of something").unwrap();
        let part =
            Replacement::open(&dir.path().join("a.iso"), false, Readers::ByUmask, &[]).unwrap();
        assert_eq!(part.file().metadata().unwrap().len(), 0);
        part.commit().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
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
        let part = Replacement::open(&target, true, Readers::Owner, &[]).unwrap();
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
        let input = File::open(&target).unwrap();
        assert!(matches!(
            Replacement::open(&target, false, Readers::ByUmask, &[]),
            Err(ReplacementError::Exists(_))
        ));
        assert!(matches!(
            Replacement::open(&target, true, Readers::ByUmask, &[(&target, &input)]),
            Err(ReplacementError::IsInput { .. })
        ));
        assert!(matches!(
            Replacement::open(dir.path(), true, Readers::ByUmask, &[]),
            Err(ReplacementError::NotAFile(_))
        ));
        let link = dir.path().join("link.iso");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(matches!(
            Replacement::open(&link, true, Readers::ByUmask, &[]),
            Err(ReplacementError::NotAFile(_))
        ));
        fs::hard_link(&target, dir.path().join(".other.iso.part")).unwrap();
        assert!(matches!(
            Replacement::open(
                &dir.path().join("other.iso"),
                false,
                Readers::ByUmask,
                &[(&target, &input)]
            ),
            Err(ReplacementError::IsInput { .. })
        ));
        assert_eq!(fs::read(&target).unwrap(), b"old");
        let held = Replacement::open(&target, true, Readers::ByUmask, &[]).unwrap();
        assert!(matches!(
            Replacement::open(&target, true, Readers::ByUmask, &[]),
            Err(ReplacementError::Busy(_))
        ));
        drop(held);
    }
}
