//! Errors of packages and repositories.
//!
//! Not for remarks, such as a package of another release:
//! [`super::RpmPackage::release_mismatch`].

use std::io;

use super::keys::KeyName;
use crate::hint::hinted;
use crate::packages::add_ons::{AddOnError, AddOnFault};

/// Why a package is refused.
#[derive(Debug, thiserror::Error)]
pub enum PackageFault {
    /// A directory, a pipe or a device whose name ends in `.rpm`.
    #[error("it is not a file")]
    NotAFile,
    /// It does not start like an RPM package.
    #[error("it is not an RPM package but {0}")]
    NotRpm(&'static str),
    /// It ends within a header.
    #[error("it ends within its {0}")]
    Cut(&'static str),
    /// A header contradicts itself.
    #[error("its {0} is damaged: {1}")]
    Header(&'static str, String),
    /// A value is missing or not what it should be.
    #[error("its {field} is {value:?}, expected {expected}")]
    Value {
        /// Which value.
        field: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The `rpm` crate cannot parse it.
    #[error("its header cannot be read")]
    Unreadable(#[source] rpm::Error),
    /// No digest covers its payload.
    #[error("it carries no digest of its {0}")]
    NoDigest(&'static str),
    /// A digest does not match.
    #[error("its {0} does not match the {1} it carries: the file is damaged")]
    Digest(&'static str, &'static str),
    /// A signature that cannot be verified.
    #[error("its signature is {0}")]
    BadSignature(&'static str),
    /// The signature is not by the known key that it names.
    #[error("its signature is not by {0}, which it names: the package was changed")]
    Signature(KeyName, #[source] Box<pgp::errors::Error>),
    /// The signature is by a known key that was not valid when it was made.
    #[error("its signature is by {0}, {1}")]
    UnfitKey(KeyName, String),
    /// No known key has signed it.
    #[error("it is {0}")]
    Untrusted(String),
    /// A source package.
    #[error("it is a source package")]
    Source,
    /// The installer's rpm does not know the payload's compression.
    #[error("its payload is compressed with {0}, which the installer's rpm cannot read")]
    Compression(String),
    /// It has no payload.
    #[error("it has no payload")]
    NoPayload,
    /// It requires a feature that the installer's rpm does not have.
    #[error("it requires {0:?}, which the installer's rpm does not know")]
    Feature(String),
}

impl AddOnFault for PackageFault {
    const NOT_A_FILE: Self = Self::NotAFile;

    fn hint(&self) -> &'static str {
        match self {
            Self::NotAFile | Self::NotRpm(_) => "give --rpms a directory of binary packages alone",
            Self::Source => "give the binary package: ....x86_64.rpm or ....noarch.rpm",
            Self::Compression(_) | Self::Feature(_) => {
                "take the package that was built for the release that is installed"
            }
            Self::Value { field: "architecture", .. } => "take the x86_64 or noarch package",
            Self::Untrusted(_) | Self::UnfitKey(..) => {
                "get the package from where it is signed, or name the file of its signer's public \
                 key, in the recipe under rpm_keys or with --rpm-key FILE"
            }
            _ => "download the package again and compare its sha256",
        }
    }
}

/// Why packages or a repository cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The directory of add-on packages or a package of it cannot be used.
    #[error(transparent)]
    AddOn(#[from] AddOnError<PackageFault>),
    /// Metadata cannot be written.
    #[error("cannot write the metadata of {0}")]
    Write(String, #[source] rpmrepo_metadata::MetadataError),
    /// A metadata file cannot be read.
    #[error("cannot read {0} of the repository")]
    Metadata(String, #[source] io::Error),
    /// A metadata file cannot be parsed.
    #[error("{0} of the repository is damaged")]
    Syntax(String, #[source] rpmrepo_metadata::MetadataError),
    /// A metadata file contradicts another one or exceeds a limit.
    #[error("{0} of the repository {1}")]
    Inconsistent(String, String),
}

impl RepositoryError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AddOn(error) => error.hint(),
            Self::Syntax(..) | Self::Inconsistent(..) => {
                Some("check the medium: compare its sha256 with the vendor's".to_owned())
            }
            Self::Write(..) | Self::Metadata(..) => None,
        }
    }
}

hinted!(RepositoryError);
