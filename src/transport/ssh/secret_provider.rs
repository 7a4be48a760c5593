//! What only a person knows: passwords, passphrases, and whether a host's key is the right one.
//!
//! Not for how a person is asked: whoever starts a run says that.

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use crate::secret::Secret;

/// Who is asked when a server wants something that only a person knows. Each question has a time
/// limit, after which it ends without an answer.
pub trait SecretProvider: Debug + Send + Sync {
    /// The password of an account; none when there is nobody to ask.
    ///
    /// # Errors
    ///
    /// Fails when there should be one, and it cannot be read.
    fn password(
        &self,
        of: &SecretOwner<'_>,
        limit: Duration,
    ) -> Result<Option<Secret>, PromptError>;

    /// The passphrase of a key file; none when there is nobody to ask. A person is asked only for
    /// a key that was `given`, not for every key that lies in the usual place.
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

    /// The password that sudo wants of an account; none when there is nobody to ask.
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
    /// Fails when somebody was asked, and no answer came.
    fn confirm_host_key(
        &self,
        _: &UnknownHostKey<'_>,
        _: Duration,
    ) -> Result<Option<bool>, PromptError> {
        Ok(None)
    }

    /// Where the password of an account may come from, for people who have given none.
    fn password_hint(&self, _: &SecretOwner<'_>) -> String {
        "give a password".to_owned()
    }
}

/// Whose password is meant.
#[derive(Clone, Copy, Debug)]
pub struct SecretOwner<'a> {
    /// The account, as people know it: `root@mt1`.
    pub account: &'a str,
    /// The host's name, as it was given.
    pub host: &'a str,
    /// Whether the host only leads to the one that is asked. Such a host is not given the password
    /// of that one.
    pub is_jump: bool,
}

/// The key of a host that is not known.
#[derive(Clone, Copy, Debug)]
pub struct UnknownHostKey<'a> {
    /// The host, and its port where it is not the usual one.
    pub host: &'a str,
    /// The key's type, as known_hosts spells it.
    pub key_type: &'a str,
    /// Its fingerprint.
    pub fingerprint: &'a str,
    /// The file that will have it when it is right.
    pub file: &'a Path,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// Nobody answered in time.
    #[error("nobody answered within {} s", super::failure::format_seconds(*.0))]
    TimedOut(Duration),
    /// Somebody stopped the run.
    #[error("interrupted")]
    Interrupted,
    /// What should hold the answer cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// Nobody to ask.
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
