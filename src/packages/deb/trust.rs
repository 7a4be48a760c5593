//! Whether a package is the one that an archive has.
//!
//! Not for finding that out (`archive_lists`).

use std::fmt;

use crate::packages::repository::KeyName;

/// Whether a signed list names a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DebTrust {
    /// A list that a known key signed.
    VerifiedBy {
        /// The archive and its suite, such as `Ubuntu xenial`.
        archive: String,
        /// The key.
        key: KeyName,
    },
    /// A list that is signed with keys that are not known, by their ids.
    UnknownKeys(Vec<String>),
    /// No list.
    Unlisted,
}

impl fmt::Display for DebTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::VerifiedBy { archive, key } => {
                write!(f, "in the list of {archive} signed by {key}")
            }
            Self::UnknownKeys(keys) => {
                write!(f, "in a list whose signature is not verified, by key {}", keys.join(", "))
            }
            Self::Unlisted => f.write_str("in no signed list"),
        }
    }
}
