//! Errors of Debian packages, the lists they come from, and the pool they go to.

use std::io;
use std::path::PathBuf;

use super::list::ListError;
use crate::hint::hinted;
use crate::packages::add_ons::{AddOnError, AddOnFault};

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum DebFault {
    /// A directory, a pipe or a device whose name ends in `.deb`.
    #[error("it is not a file")]
    NotAFile,
    /// It is something else.
    #[error("it is not a Debian package but {0}")]
    NotDeb(&'static str),
    /// A part is missing, or comes where it should not.
    #[error("its {0} is missing or out of place")]
    Member(&'static str),
    /// The archive with its control file cannot be read.
    #[error("its control file cannot be read")]
    Archive(#[source] io::Error),
    /// The control file is larger than any.
    #[error("its control file is larger than any")]
    TooLarge,
    /// The control file is faulty.
    #[error("its control file is faulty")]
    Control(#[source] ListError),
    /// The installer's dpkg does not know the compression.
    #[error("its {part} is compressed with {kind}, which the installer's dpkg cannot read")]
    Compression {
        /// `control.tar` or `data.tar`.
        part: &'static str,
        /// The compression.
        kind: String,
    },
    /// It is for another machine.
    #[error("its architecture is {0:?}, expected amd64 or all")]
    Architecture(String),
    /// A list that a known key signed has another package of that name and version.
    #[error("the signed list {list} has other bytes for {package}: the package was changed")]
    Changed {
        /// The list.
        list: String,
        /// Name and version.
        package: String,
    },
    /// No list that a known key signed names it.
    #[error("it is {0}")]
    Untrusted(String),
}

impl AddOnFault for DebFault {
    const NOT_A_FILE: Self = Self::NotAFile;

    fn hint(&self) -> &'static str {
        match self {
            Self::NotAFile | Self::NotDeb(_) => {
                "give --debs a directory of binary packages, and of the archive's lists"
            }
            Self::Compression { .. } => {
                "take the package that was built for the release that is installed"
            }
            Self::Architecture(_) => "take the package for amd64 or all",
            Self::Untrusted(_) => {
                "put the archive's lists beside the packages (InRelease and the Packages file that \
                 names the package, as in /var/lib/apt/lists), and name the file of the archive's \
                 key, in the recipe under deb_keys or with --deb-key FILE"
            }
            _ => "download the package again and compare its sha256 with the archive's list",
        }
    }
}

/// Why packages cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// The directory or a package of it cannot be used.
    #[error(transparent)]
    AddOn(#[from] AddOnError<DebFault>),
    /// A list of an archive, or what it is signed with, cannot be used.
    #[error("the list {path} {why}")]
    List {
        /// The file.
        path: PathBuf,
        /// Why, as the end of a sentence.
        why: String,
    },
}

impl DebError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AddOn(error) => error.hint(),
            Self::List { .. } => {
                Some("get the archive's lists again, all from one update".to_owned())
            }
        }
    }
}

hinted!(DebError);
