//! One file of a payload: its path on the disc, its bytes and their digest.
//!
//! Not for which files there are: that is `payload`.

use std::fs::File;
use std::sync::Arc;

use super::manifest::FileRecord;
use crate::digest::Sha256;
use crate::disc_path::{DiscPath, DiscPathError};
use crate::iso::FileContent;

/// One file to be put on a disc.
#[derive(Clone, Debug)]
pub struct PayloadFile {
    /// Its path on the disc.
    pub path: DiscPath,
    /// Where its bytes are.
    pub source: FileContent,
    /// Their digest, taken when the file was inspected.
    pub sha256: Sha256,
}

impl PayloadFile {
    /// A file made in memory.
    ///
    /// # Errors
    ///
    /// Fails when a disc cannot hold the path.
    pub fn from_bytes(path: &str, bytes: impl Into<Arc<[u8]>>) -> Result<Self, DiscPathError> {
        let bytes = bytes.into();
        let sha256 = Sha256::hash(&bytes);
        Ok(Self { path: DiscPath::new(path)?, source: FileContent::Bytes(bytes), sha256 })
    }

    /// A file of the machine that builds, already digested.
    ///
    /// # Errors
    ///
    /// Fails when a disc cannot hold the path.
    pub fn from_file(
        path: &str,
        file: Arc<File>,
        len: u64,
        sha256: Sha256,
    ) -> Result<Self, DiscPathError> {
        Ok(Self { path: DiscPath::new(path)?, source: FileContent::File { file, len }, sha256 })
    }

    /// Returns its record in the manifest.
    pub fn record(&self) -> FileRecord {
        FileRecord {
            path: self.path.as_str().to_owned(),
            size: self.source.len(),
            sha256: self.sha256,
        }
    }
}
