//! Secrets and decisions that only a person has: passwords, passphrases, and whether a host's key is
//! the right one.
//!
//! Not for how a person is asked: `cli` implements that.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use crate::secret::Secret;

/// Provides secrets, from files, the environment or a prompt. A prompt ends after its time limit.
pub trait SecretProvider: Debug + Send + Sync {
    /// Returns the password of an account; none when there is nobody to ask.
    ///
    /// # Errors
    ///
    /// Fails when the source of the password cannot be read.
    fn password(
        &self,
        of: &SecretOwner<'_>,
        limit: Duration,
    ) -> Result<Option<Secret>, PromptError>;

    /// Returns the passphrase of a key file; none when there is nobody to ask. A person is asked only
    /// for a key that was `given`, not for the default key files.
    ///
    /// # Errors
    ///
    /// As [`SecretProvider::password`].
    fn passphrase(
        &self,
        key: &Path,
        given: bool,
        limit: Duration,
    ) -> Result<Option<Secret>, PromptError>;

    /// Returns an account's password for sudo; none when there is nobody to ask.
    ///
    /// # Errors
    ///
    /// As [`SecretProvider::password`].
    fn sudo_password(
        &self,
        _: &SecretOwner<'_>,
        _: Duration,
    ) -> Result<Option<Secret>, PromptError> {
        Ok(None)
    }

    /// Whether a host's key is the right one; none when there is nobody to ask.
    ///
    /// # Errors
    ///
    /// Fails when somebody was asked and did not answer.
    fn confirm_host_key(
        &self,
        _: &UnknownHostKey<'_>,
        _: Duration,
    ) -> Result<Option<bool>, PromptError> {
        Ok(None)
    }

    /// Returns a hint that says how to give the password of an account.
    fn password_hint(&self, _: &SecretOwner<'_>) -> String {
        "give a password".to_owned()
    }
}

/// The account whose password is needed.
#[derive(Clone, Copy, Debug)]
pub struct SecretOwner<'a> {
    /// The account: `root@mt1`.
    pub account: &'a str,
    /// The host's name as given.
    pub host: &'a str,
    /// Whether the host is a jump host, which is not given the password of the host behind it.
    pub is_jump: bool,
}

/// The key of an unknown host.
#[derive(Clone, Copy, Debug)]
pub struct UnknownHostKey<'a> {
    /// The host, and its port where it is not 22.
    pub host: &'a str,
    /// The key's type, as known_hosts spells it.
    pub key_type: &'a str,
    /// The key's fingerprint.
    pub fingerprint: &'a str,
    /// The file to which an accepted key is added.
    pub file: &'a Path,
}

/// Why a prompt has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// Nobody answered in time.
    #[error("nobody answered within {} s", super::failure::format_seconds(*.0))]
    TimedOut(Duration),
    /// The run was stopped.
    #[error("interrupted")]
    Interrupted,
    /// The source of the secret cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// No secrets, and nobody to ask.
#[derive(Clone, Copy, Debug)]
pub struct NoSecrets;

impl SecretProvider for NoSecrets {
    fn password(&self, _: &SecretOwner<'_>, _: Duration) -> Result<Option<Secret>, PromptError> {
        Ok(None)
    }

    fn passphrase(&self, _: &Path, _: bool, _: Duration) -> Result<Option<Secret>, PromptError> {
        Ok(None)
    }
}
