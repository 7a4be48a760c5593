//! RPM packages and the metadata around them: add-on packages are read and made a repository, a
//! medium's own repository is read.
//!
//! Not for resolving dependencies, and not for signatures: what is checked here is that a package
//! is whole and that the installer's rpm can read it.

mod balanced;
mod error;
mod header;
mod metadata;
mod package;
mod repodata;
#[cfg(test)]
mod stand_in;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use error::{PackageFault, RepositoryError};
pub use metadata::{Group, PackageEntry, Repo, read_repo};
pub use package::RpmPackage;
pub use repodata::repodata;

use crate::image::profile::Generation;

/// Packages taken from one directory.
const MOST_PACKAGES: usize = 20_000;

/// Reads every `*.rpm` below a directory, sorted by the name it gets on the disc.
///
/// # Errors
///
/// Fails at the first package that is damaged or that the generation's rpm cannot read, at a
/// source package, at another architecture, and when two files give the same package or two
/// versions of it.
pub fn read_packages(
    dir: &Path,
    generation: Generation,
) -> Result<Vec<RpmPackage>, RepositoryError> {
    let mut files = Vec::new();
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
        if !entry.file_type().is_file() {
            return Err(RepositoryError::Package { path, fault: PackageFault::NotAFile });
        }
        if files.len() == MOST_PACKAGES {
            return Err(RepositoryError::TooMany { path: dir.to_owned(), most: MOST_PACKAGES });
        }
        files.push(path);
    }
    let mut packages = Vec::new();
    for path in files {
        packages.push(package::read(path, generation)?);
    }
    packages.sort_by(|a, b| a.location.cmp(&b.location));
    refuse_rivals(&packages)?;
    Ok(packages)
}

/// The installer takes one version of a name; which one would not be ours to say.
fn refuse_rivals(packages: &[RpmPackage]) -> Result<(), RepositoryError> {
    let mut by_name: BTreeMap<&str, &RpmPackage> = BTreeMap::new();
    let mut by_location: BTreeMap<&str, &PathBuf> = BTreeMap::new();
    for package in packages {
        if let Some(first) = by_location.insert(&package.location, &package.path) {
            return Err(RepositoryError::Twice {
                nevra: package.nevra(),
                first: first.clone(),
                second: package.path.clone(),
            });
        }
        let first = by_name.entry(&package.name).or_insert(package);
        if first.evr() != package.evr() {
            return Err(RepositoryError::TwoVersions {
                name: package.name.clone(),
                first: first.path.clone(),
                first_version: first.evr(),
                second: package.path.clone(),
                second_version: package.evr(),
            });
        }
    }
    Ok(())
}
