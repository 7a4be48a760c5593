//! Debian packages: their files, the fields of their control files, versions compared as dpkg
//! compares them, and the lists of an archive with their signatures.
//!
//! Not for which of them are installed together (`depsolve`).

mod ar;
mod archive_lists;
pub mod control;
mod error;
pub mod list;
mod package;
pub mod pool;
mod signing;
mod trust;
pub mod version;

use std::path::Path;

pub use error::{DebError, DebFault};
pub use package::{DebFile, DpkgFeatures};
pub use signing::{MOST_SIGNING_KEY_BYTES, SigningError, SigningKey};
pub use trust::DebTrust;

use crate::packages::add_ons::{AddOnSet, FileRetention};
use crate::packages::repository::Keyring;
use archive_lists::ArchiveFiles;

/// The Debian packages of a directory, and those that cannot be used.
pub type DebSet = AddOnSet<DebFile, DebFault>;

/// Reads every `*.deb` below a directory, sorted by the name in the pool, and the archive's lists
/// beside them. The files stay open.
///
/// # Errors
///
/// Fails at the first package that is damaged or that the installer's dpkg cannot read, at another
/// architecture, when two files give the same package or two versions of it, and at lists whose
/// signature is wrong. With keys, also at the first package that no signed list names.
pub fn read_packages(
    dir: &Path,
    features: DpkgFeatures,
    keyring: &Keyring,
) -> Result<Vec<DebFile>, DebError> {
    let set = read_directory(dir, features, keyring, FileRetention::Open)?;
    let find_distrust = |file: &DebFile| {
        let is_trusted = keyring.is_empty() || matches!(file.trust, DebTrust::VerifiedBy { .. });
        (!is_trusted).then(|| DebFault::Untrusted(file.trust.to_string()))
    };
    Ok(set.into_packages(find_distrust)?)
}

/// Reads every `*.deb` below a directory and collects all faults.
///
/// # Errors
///
/// Fails when the directory or a file cannot be read, when there are too many packages, and at
/// lists whose signature is wrong.
pub fn read_add_ons(
    dir: &Path,
    features: DpkgFeatures,
    keyring: &Keyring,
) -> Result<DebSet, DebError> {
    read_directory(dir, features, keyring, FileRetention::Closed)
}

fn read_directory(
    dir: &Path,
    features: DpkgFeatures,
    keyring: &Keyring,
    keep: FileRetention,
) -> Result<DebSet, DebError> {
    let mut lists = ArchiveFiles::default();
    let read = |path| package::read(path, features, keep);
    let mut set = DebSet::read(dir, "deb", read, |path| lists.take(path))?;
    lists.verify(&mut set.packages, keyring)?;
    Ok(set)
}
