//! Changes that are wanted of an image, and the image planned from them.
//!
//! Not for the planning itself (`extend`, `create`).

use std::fs::File;
use std::sync::Arc;

use super::bytemap::{ByteMap, ByteOrigin};
use crate::disc_path::DiscPath;

/// Where the bytes of a file come from.
#[derive(Clone, Debug)]
pub enum FileContent {
    /// Bytes held in memory.
    Bytes(Arc<[u8]>),
    /// The first `len` bytes of an open file.
    File {
        /// The file.
        file: Arc<File>,
        /// Bytes to take.
        len: u64,
    },
}

impl FileContent {
    /// Returns the length in bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn append_to(&self, map: &mut ByteMap) {
        match self {
            Self::Bytes(bytes) => map.push_bytes(Arc::clone(bytes)),
            Self::File { file, len } => map.push(*len, ByteOrigin::File(Arc::clone(file), 0)),
        }
    }
}

/// The changes that are wanted of an image.
#[derive(Clone, Debug, Default)]
pub struct Edits {
    /// Files that do not exist yet. Missing directories above them are created.
    pub add: Vec<(DiscPath, FileContent)>,
    /// Existing files, with their new content.
    pub replace: Vec<(DiscPath, FileContent)>,
    /// Bytes to write over the base, with their offset in it.
    pub patch: Vec<(u64, Vec<u8>)>,
    /// The new id of the volume; Joliet's is cut to 16 characters.
    pub volume_id: Option<String>,
}

/// A new file and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedFile {
    /// Its path.
    pub path: DiscPath,
    /// Its first byte in the image; 0 for an empty file, which has no place.
    pub at: u64,
    /// Its length in bytes, which are contiguous.
    pub len: u64,
}

/// An image that is planned to the last byte.
#[derive(Clone, Debug)]
pub struct PlannedImage {
    /// All bytes of the image.
    pub map: ByteMap,
    /// Sectors of the volume, as its descriptors state them.
    pub volume_sectors: u32,
    /// Every added and replaced file, in the order of their bytes.
    pub placed: Vec<PlacedFile>,
}
