//! RPM packages and repository metadata: add-on packages are read and get metadata of their own, a
//! medium's repository is read.
//!
//! Not for solving dependencies: checked here is that a package is complete, who signed it, and
//! that the installer's rpm can read it.

mod bounded_xml;
mod error;
mod header;
mod keys;
mod metadata;
mod modules;
mod package;
mod repodata;
mod signature;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;

use std::path::Path;

pub use error::{PackageFault, RepositoryError};
pub use keys::{KeyError, KeyName, Keyring, MOST_KEY_BYTES};
pub use metadata::{
    FileLists, MetadataFile, PackageEntry, PackageGroup, Repository, disc_number, open_file_lists,
    read_repository, visit_packages,
};
pub use package::RpmPackage;
pub use repodata::repodata;
pub use signature::{SignatureStatus, Signer};

use crate::packages::add_ons::{self, FileRetention};
use crate::packages::generation::Generation;

/// Reads every `*.rpm` below a directory, sorted by the name on the disc. The files stay open.
///
/// # Errors
///
/// Fails at the first package that is damaged or that the generation's rpm cannot read, at a
/// source package, at another architecture, and when two files give the same package or two
/// versions of it. With keys, also at the first that none of them signed.
pub fn read_packages(
    dir: &Path,
    generation: Generation,
    keyring: &Keyring,
) -> Result<Vec<RpmPackage>, RepositoryError> {
    let read = |path| package::read(path, generation, keyring, FileRetention::Open);
    let find_distrust = |package: &RpmPackage| {
        let distrust = match &package.signature_status {
            SignatureStatus::VerifiedBy(_) => return None,
            SignatureStatus::UnknownKeys(keys) => {
                format!("signed by key {}, which nobody named", keys.join(", "))
            }
            SignatureStatus::HeaderOnly(_) => "signed over its header alone".to_owned(),
            other => other.to_string(),
        };
        (!keyring.is_empty()).then_some(PackageFault::Untrusted(distrust))
    };
    Ok(AddOns::read(dir, "rpm", read, |_| {})?.into_packages(find_distrust)?)
}

/// The add-on RPMs of a directory, and those that cannot be used.
pub type AddOns = add_ons::AddOnSet<RpmPackage, PackageFault>;

/// Reads every `*.rpm` below a directory and collects all faults.
///
/// # Errors
///
/// Fails when the directory or a file cannot be read, or when there are too many packages.
pub fn read_add_ons(
    dir: &Path,
    generation: Generation,
    keyring: &Keyring,
) -> Result<AddOns, RepositoryError> {
    let read = |path| package::read(path, generation, keyring, FileRetention::Closed);
    Ok(AddOns::read(dir, "rpm", read, |_| {})?)
}
