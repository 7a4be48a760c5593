//! Errors of reading or changing an image.
//!
//! Not for the system area or FAT: those modules have their own errors.

use std::io;

use super::bytemap::SECTOR;
use crate::hint::hinted;

/// Why an image cannot be read, or cannot be changed as requested.
#[derive(Debug, thiserror::Error)]
pub enum IsoError {
    /// The file could not be read.
    #[error("cannot read {len} bytes at byte {at}")]
    Read {
        /// First byte.
        at: u64,
        /// Bytes wanted.
        len: u64,
        /// The system's error.
        source: io::Error,
    },
    /// Sector 16 holds no primary volume descriptor.
    #[error("not an ISO 9660 image: expected a volume descriptor at sector 16, found {0}")]
    NotIso(String),
    /// Something reaches past the end of the file.
    #[error("{what} ends at byte {end}, but the image has only {len} bytes")]
    PastEnd {
        /// The structure that was to be read.
        what: String,
        /// Where it would end.
        end: u64,
        /// How long the image is.
        len: u64,
    },
    /// The logical block size is not 2048.
    #[error("logical blocks of {0} bytes, expected 2048")]
    BlockSize(u16),
    /// A structure contradicts the standard.
    #[error("{what} at byte {at}: {why}")]
    Malformed {
        /// Which structure.
        what: &'static str,
        /// Where it starts.
        at: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The directory tree or a chain of continuation areas contains a loop.
    #[error("{0} at byte {1} leads back to itself or to one that was read before")]
    Loop(&'static str, u64),
    /// A limit that keeps time and memory bounded was reached.
    #[error("more than {1} {0}")]
    Limit(&'static str, u64),
    /// A name that could leave its directory, or that no path can hold.
    #[error("the name {name:?} in the directory record at byte {at} {why}")]
    Name {
        /// The name, with what is not UTF-8 replaced.
        name: String,
        /// Where its directory record is.
        at: u64,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No file or directory has this path.
    #[error("the image has no {0:?}")]
    NotFound(String),
    /// The path is a directory, a symbolic link or a device.
    #[error("{0:?} in the image is not a regular file")]
    NotAFile(String),
    /// A file is longer than the caller allows.
    #[error("{path:?} in the image has {len} bytes, expected at most {cap}")]
    FileTooLarge {
        /// The requested path.
        path: String,
        /// Its length.
        len: u64,
        /// The longest that the caller allows.
        cap: u64,
    },
    /// A path is given twice.
    #[error("{0:?} is given twice")]
    Duplicate(String),
    /// A path to add exists already.
    #[error("{0:?} exists in the image already")]
    Exists(String),
    /// A path to add lies below something that is not a directory.
    #[error("{path:?} cannot be added: {file:?} is not a directory")]
    BelowFile {
        /// The path to add.
        path: String,
        /// The component that is not a directory.
        file: String,
    },
    /// A file to replace is one that firmware loads by sector.
    #[error("{0:?} cannot be replaced: the boot catalog points at its sectors")]
    BootFile(String),
    /// A name that the image's naming scheme cannot store.
    #[error("{path:?} cannot be added: {name:?} {why}")]
    CannotName {
        /// The path to add.
        path: String,
        /// The component that cannot be stored.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// A path has more levels than ISO 9660 allows.
    #[error("{0:?} cannot be added: it is deeper than {1} directories")]
    TooDeep(String, u8),
    /// Appending would start inside what is kept, or in the middle of a sector.
    #[error("cannot append at byte {append_at}: {why} {end}")]
    AppendAt {
        /// Where the caller wants to append.
        append_at: u64,
        /// What it conflicts with.
        why: &'static str,
        /// The byte that it conflicts with.
        end: u64,
    },
    /// A patch lies outside of the kept part of the base, or over a structure that is rewritten.
    #[error("cannot patch {len} bytes at byte {at}: {why}")]
    Patch {
        /// First byte.
        at: u64,
        /// Bytes.
        len: u64,
        /// Why not.
        why: &'static str,
    },
    /// The volume does not fit the 32 bit sector count.
    #[error("the image would have {0} sectors, expected at most {most}", most = u32::MAX)]
    TooLarge(u64),
    /// A volume id that cannot be stored.
    #[error("volume id {0:?}: expected 1 to 32 of A-Z, a-z, 0-9, '_', '-', '.' and blanks")]
    VolumeId(String),
    /// The medium has a second file system, which would not show the changes.
    #[error("the medium is a UDF bridge: its UDF tree would not show the changed files")]
    Udf,
}

impl IsoError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotIso(..) => "give the .iso file itself, not an archive or a disk image",
            Self::PastEnd { .. } => {
                "the file is cut short or damaged: compare its length and sha256 with the vendor's"
            }
            Self::BootFile(..) => "patch it in place instead: it must keep its length",
            Self::CannotName { .. } => "choose a shorter name of letters, digits, '-', '_' and '.'",
            Self::AppendAt { end, .. } => {
                return Some(format!("append at byte {} or later", end.next_multiple_of(SECTOR)));
            }
            Self::Udf => "use the vendor's plain ISO 9660 medium",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

hinted!(IsoError);
