//! Why an image cannot be planned.
//!
//! Not for what is wrong with the recipe alone: reading it says that.

use std::io;
use std::path::PathBuf;

use crate::agent::AgentError;
use crate::digest::Sha256;
use crate::hint::hinted;
use crate::image::resolve::ResolveError;
use crate::image::static_program::StaticProgramError;
use crate::iso::IsoError;
use crate::iso::timestamp::TimestampTooLate;
use crate::packages::deb::{DebError, SigningError};
use crate::packages::repository::{KeyError, RepositoryError};

/// Why a request cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The recipe's parts do not fit together.
    #[error("recipe {0}")]
    System(String, #[source] ResolveError),
    /// An input cannot be opened.
    #[error("cannot open {0}")]
    Open(PathBuf, #[source] io::Error),
    /// An input is not a regular file.
    #[error("{0} is not a regular file")]
    NotAFile(PathBuf),
    /// The vendor's medium cannot be read as one.
    #[error("{0}")]
    Base(PathBuf, #[source] IsoError),
    /// The agent's archive is refused.
    #[error("{0}")]
    AgentSource(PathBuf, #[source] AgentError),
    /// The vendor's medium is another one than the recipe demands.
    #[error("{path} has sha256 {found}, the recipe demands {demanded}")]
    BaseMismatch {
        /// The medium.
        path: PathBuf,
        /// Its digest.
        found: Sha256,
        /// The recipe's.
        demanded: Sha256,
    },
    /// No digest is demanded of the agent.
    #[error("the recipe names no sha256 for the agent {0}")]
    UnpinnedAgent(PathBuf, Sha256),
    /// The agent is another one than the recipe demands.
    #[error("{path} has sha256 {found}, the recipe demands {demanded}")]
    AgentMismatch {
        /// The archive.
        path: PathBuf,
        /// Its digest.
        found: Sha256,
        /// The recipe's.
        demanded: Sha256,
    },
    /// A file of keys cannot be read as one.
    #[error("keys {0}")]
    Keys(PathBuf, #[source] KeyError),
    /// The private key cannot be used.
    #[error("the signing key {0}: {1}")]
    SigningKey(PathBuf, #[source] SigningError),
    /// Others may read the private key.
    #[error("the signing key {0} can be read by others, its mode is {1:04o}")]
    KeyReadable(PathBuf, u32),
    /// A key and nothing that it would sign.
    #[error("the signing key {0} is given, and there are no Debian packages to sign a list of")]
    NothingToSign(PathBuf),
    /// The program for the self-check cannot be included.
    #[error("{0} cannot be included: {1}")]
    SelfCheckBinary(PathBuf, #[source] StaticProgramError),
    /// The RPMs cannot be used.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The Debian packages cannot be used.
    #[error(transparent)]
    Debs(#[from] DebError),
    /// SOURCE_DATE_EPOCH is past what the medium's dates can say.
    #[error("SOURCE_DATE_EPOCH: {0}")]
    Epoch(#[from] TimestampTooLate),
}

impl PlanError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::System(_, source) => source.hint(),
            Self::Base(_, source) => source.hint(),
            Self::AgentSource(_, source) => source.hint(),
            Self::Repository(error) => error.hint(),
            Self::Debs(error) => error.hint(),
            Self::Keys(_, source) => source.hint(),
            Self::SigningKey(_, source) => source.hint(),
            Self::KeyReadable(path, _) => Some(format!("chmod 0600 {}", path.display())),
            Self::NothingToSign(_) => Some("add --debs DIR, or leave the key out".to_owned()),
            Self::SelfCheckBinary(_, source) => source.hint(),
            Self::UnpinnedAgent(_, sha256) => Some(format!(
                "compare its sha256 with its source, then write agent: {{sha256: {sha256}}} into \
                 the recipe; or add --allow-unpinned, which the manifest records"
            )),
            Self::AgentMismatch { .. } => {
                Some("get the archive again, or correct the recipe".to_owned())
            }
            Self::BaseMismatch { .. } => {
                Some("get the medium again, or correct the recipe".to_owned())
            }
            Self::Open(..) | Self::NotAFile(_) | Self::Epoch(_) => None,
        }
    }
}

hinted!(PlanError);
