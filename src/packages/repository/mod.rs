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
mod package;
mod repodata;
mod signature;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::{PackageFault, RepositoryError};
pub use keys::{KeyError, KeyName, Keyring, MOST_KEY_BYTES};
pub use metadata::{
    FileLists, MetadataFile, PackageEntry, PackageGroup, Repository, disc_number, open_file_lists,
    read_repository, visit_packages,
};
use package::FileRetention;
pub use package::RpmPackage;
pub use repodata::repodata;
pub use signature::{SignatureStatus, Signer};

use crate::packages::generation::Generation;

/// The most packages of one directory.
const MOST_PACKAGES: usize = 20_000;

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
    let add_ons = read_directory(dir, generation, keyring, FileRetention::Open)?;
    let untrusted = if keyring.is_empty() { Vec::new() } else { find_untrusted(&add_ons.packages) };
    match add_ons.refused.into_iter().chain(add_ons.duplicates).chain(untrusted).next() {
        Some(error) => Err(error),
        None => Ok(add_ons.packages),
    }
}

fn find_untrusted(packages: &[RpmPackage]) -> Vec<RepositoryError> {
    let nobody = packages
        .iter()
        .filter(|package| !matches!(package.signature_status, SignatureStatus::VerifiedBy(_)));
    let refused = nobody.map(|package| RepositoryError::Package {
        path: package.path.clone(),
        fault: PackageFault::Untrusted(match &package.signature_status {
            SignatureStatus::UnknownKeys(keys) => {
                format!("signed by key {}, which nobody named", keys.join(", "))
            }
            SignatureStatus::HeaderOnly(_) => "signed over its header alone".to_owned(),
            other => other.to_string(),
        }),
    });
    refused.collect()
}

/// The add-on packages of a directory, and those that cannot be used.
#[derive(Debug, Default)]
pub struct AddOns {
    /// Packages that are complete and that the installer's rpm can read, sorted by the name on the
    /// disc.
    pub packages: Vec<RpmPackage>,
    /// Why each other package is refused.
    pub refused: Vec<RepositoryError>,
    /// Packages that are there twice, or in two versions.
    pub duplicates: Vec<RepositoryError>,
}

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
    read_directory(dir, generation, keyring, FileRetention::Closed)
}

fn read_directory(
    dir: &Path,
    generation: Generation,
    keyring: &Keyring,
    keep: FileRetention,
) -> Result<AddOns, RepositoryError> {
    let mut add_ons = AddOns::default();
    let mut files = 0;
    let walk = walkdir::WalkDir::new(dir).follow_links(true).max_depth(8).sort_by_file_name();
    for entry in walk {
        let entry = entry.map_err(|error| RepositoryError::Directory {
            path: error.path().unwrap_or(dir).to_owned(),
            source: error.into(),
        })?;
        let is_package = entry.path().extension().is_some_and(|extension| extension == "rpm");
        if !is_package {
            continue;
        }
        let path = entry.path().to_owned();
        if files == MOST_PACKAGES {
            return Err(RepositoryError::TooMany { path: dir.to_owned(), most: MOST_PACKAGES });
        }
        files += 1;
        if !entry.file_type().is_file() {
            let fault = PackageFault::NotAFile;
            add_ons.refused.push(RepositoryError::Package { path, fault });
            continue;
        }
        match package::read(path, generation, keyring, keep) {
            Ok(package) => add_ons.packages.push(package),
            Err(error @ RepositoryError::Package { .. }) => add_ons.refused.push(error),
            Err(error) => return Err(error),
        }
    }
    add_ons.packages.sort_by(|a, b| a.location.cmp(&b.location));
    add_ons.duplicates = find_duplicates(&add_ons.packages);
    Ok(add_ons)
}

/// Finds packages that are there twice, or in two versions: which one the installer takes is not
/// for us to choose.
fn find_duplicates(packages: &[RpmPackage]) -> Vec<RepositoryError> {
    let mut rivals = Vec::new();
    let mut by_name: BTreeMap<&str, &RpmPackage> = BTreeMap::new();
    let mut by_location: BTreeMap<&str, &PathBuf> = BTreeMap::new();
    for package in packages {
        if let Some(first) = by_location.insert(&package.location, &package.path) {
            rivals.push(RepositoryError::Duplicate {
                nevra: package.nevra(),
                first: first.clone(),
                second: package.path.clone(),
            });
            continue;
        }
        let first = by_name.entry(&package.name).or_insert(package);
        if first.evr() != package.evr() {
            rivals.push(RepositoryError::TwoVersions {
                name: package.name.clone(),
                first: first.path.clone(),
                first_version: first.evr(),
                second: package.path.clone(),
                second_version: package.evr(),
            });
        }
    }
    rivals
}
