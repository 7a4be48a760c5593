//! Debian packages: their files, the fields of their control files, versions compared as dpkg
//! compares them, and the lists of an archive with their signatures.
//!
//! Not for which of them are installed together (`depsolve`).

mod ar;
mod archive_lists;
mod compression;
pub mod control;
mod error;
pub mod list;
mod package;
pub mod pool;
mod signing;
mod trust;
pub mod version;

use std::collections::BTreeMap;
use std::path::Path;

pub use error::{DebError, DebFault};
pub use package::{DebFile, DpkgFeatures};
pub use signing::{MOST_SIGNING_KEY_BYTES, SigningError, SigningKey};
pub use trust::DebTrust;

use crate::packages::repository::Keyring;
use archive_lists::ArchiveFiles;
use package::FileRetention;

/// The most packages of one directory.
const MOST_PACKAGES: usize = 20_000;

/// The packages of a directory, and those that cannot be used.
#[derive(Debug, Default)]
pub struct DebSet {
    /// Packages that are whole and that the installer's dpkg can read, sorted by their names in the
    /// pool.
    pub packages: Vec<DebFile>,
    /// Why each other package is refused.
    pub refused: Vec<DebError>,
    /// Packages that are there twice, or in two versions.
    pub duplicates: Vec<DebError>,
}

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
    let nobody = |file: &&DebFile| !matches!(file.trust, DebTrust::VerifiedBy { .. });
    let untrusted = set.packages.iter().filter(|_| !keyring.is_empty()).find(nobody);
    let untrusted = untrusted.map(|file| DebError::Package {
        path: file.path.clone(),
        fault: DebFault::Untrusted(file.trust.to_string()),
    });
    match set.refused.into_iter().chain(set.duplicates).chain(untrusted).next() {
        Some(error) => Err(error),
        None => Ok(set.packages),
    }
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
    let (mut set, mut lists) = (DebSet::default(), ArchiveFiles::default());
    let mut files = 0;
    let walk = walkdir::WalkDir::new(dir).follow_links(true).max_depth(8).sort_by_file_name();
    for entry in walk {
        let entry = entry.map_err(|error| DebError::Read {
            path: error.path().unwrap_or(dir).to_owned(),
            source: error.into(),
        })?;
        let path = entry.path().to_owned();
        let is_package = path.extension().is_some_and(|extension| extension == "deb");
        if !is_package {
            if entry.file_type().is_file() {
                lists.take(&path);
            }
            continue;
        }
        if files == MOST_PACKAGES {
            return Err(DebError::TooMany { path: dir.to_owned(), most: MOST_PACKAGES });
        }
        files += 1;
        if !entry.file_type().is_file() {
            set.refused.push(DebError::Package { path, fault: DebFault::NotAFile });
            continue;
        }
        match package::read(path, features, keep) {
            Ok(package) => set.packages.push(package),
            Err(error @ DebError::Package { .. }) => set.refused.push(error),
            Err(error) => return Err(error),
        }
    }
    set.packages.sort_by(|a, b| a.location.cmp(&b.location));
    lists.verify(&mut set.packages, keyring)?;
    set.duplicates = find_duplicates(&set.packages);
    Ok(set)
}

/// Finds packages that are there twice, or in two versions: which one is meant is not for us to
/// choose.
fn find_duplicates(packages: &[DebFile]) -> Vec<DebError> {
    let mut rivals = Vec::new();
    let mut by_name: BTreeMap<&str, &DebFile> = BTreeMap::new();
    for file in packages {
        let own = &file.package;
        let Some(first) = by_name.insert(&own.name, file) else { continue };
        let (first_path, second) = (first.path.clone(), file.path.clone());
        rivals.push(if first.package.version.as_str() == own.version.as_str() {
            let package = format!("{} {}", own.name, own.version);
            DebError::Duplicate { package, first: first_path, second }
        } else {
            DebError::TwoVersions {
                name: own.name.clone(),
                first: first_path,
                first_version: first.package.version.to_string(),
                second,
                second_version: own.version.to_string(),
            }
        });
    }
    rivals
}
