//! The directory of add-on packages, RPMs or Debian packages: which there are, and why others cannot be used.
//!
//! Not for reading one package: `repository` and `deb` do.

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// The most packages of one directory.
const MOST_PACKAGES: usize = 20_000;

/// Whether a package's file stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileRetention {
    /// For its bytes to be used.
    Open,
    /// For its metadata alone: there may be more packages than open files.
    Closed,
}

/// Why a package is refused.
pub trait AddOnFault: Error + 'static {
    /// A directory, a pipe or a device whose name ends like a package's.
    const NOT_A_FILE: Self;

    /// Returns what to do about it.
    fn hint(&self) -> &'static str;
}

/// Why add-on packages cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AddOnError<F: AddOnFault> {
    /// A directory or file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// More packages than are added to a medium.
    #[error("{0} has more than {1} packages")]
    TooMany(PathBuf, usize),
    /// A package is refused.
    #[error("package {0} is refused")]
    Package(PathBuf, #[source] F),
    /// Two files are the same package.
    #[error("{first} and {second} are both {package}")]
    Duplicate {
        /// The package.
        package: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// Two files are different versions of one package.
    #[error("{first} is {name} {first_version}, {second} is {name} {second_version}")]
    TwoVersions {
        /// The package's name.
        name: String,
        /// One file.
        first: PathBuf,
        /// Its version.
        first_version: String,
        /// The other file.
        second: PathBuf,
        /// Its version.
        second_version: String,
    },
}

impl<F: AddOnFault> AddOnError<F> {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Package(_, fault) => fault.hint(),
            Self::Duplicate { .. } => "remove one of the two files",
            Self::TwoVersions { .. } => "keep one version of each package",
            Self::TooMany(..) => "give only the packages that the medium lacks",
            Self::Read(..) => return None,
        };
        Some(text.to_owned())
    }
}

/// What two files of one directory are compared by.
pub trait AddOnPackage {
    /// The file.
    fn path(&self) -> &Path;
    /// Its path on the disc, below the directory of add-ons.
    fn location(&self) -> &str;
    /// The package's name.
    fn name(&self) -> &str;
    /// Its version, with epoch and release.
    fn version(&self) -> String;
    /// All that tells it from other packages, for messages.
    fn identity(&self) -> String;
}

/// The add-on packages of a directory, and those that cannot be used.
#[derive(Debug)]
pub struct AddOnSet<P, F: AddOnFault> {
    /// Packages that are whole and that the installer can read, sorted by their names on the disc.
    pub packages: Vec<P>,
    /// Why each other package is refused.
    pub refused: Vec<AddOnError<F>>,
    /// Packages that are there twice, or in two versions.
    pub duplicates: Vec<AddOnError<F>>,
}

impl<P, F: AddOnFault> Default for AddOnSet<P, F> {
    fn default() -> Self {
        Self { packages: Vec::new(), refused: Vec::new(), duplicates: Vec::new() }
    }
}

impl<P: AddOnPackage, F: AddOnFault> AddOnSet<P, F> {
    /// Reads what ends in `.EXTENSION` below a directory with `read`, and collects all faults; other files go to
    /// `visit_other`.
    ///
    /// # Errors
    ///
    /// Fails when the directory or a file cannot be read, or when there are too many packages.
    pub(super) fn read(
        dir: &Path,
        extension: &str,
        read: impl Fn(PathBuf) -> Result<P, AddOnError<F>>,
        mut visit_other: impl FnMut(&Path),
    ) -> Result<Self, AddOnError<F>> {
        let mut set = Self::default();
        let mut files = 0;
        let walk = walkdir::WalkDir::new(dir).follow_links(true).max_depth(8).sort_by_file_name();
        for entry in walk {
            let entry = entry.map_err(|error| {
                AddOnError::Read(error.path().unwrap_or(dir).to_owned(), error.into())
            })?;
            let (path, is_file) = (entry.path().to_owned(), entry.file_type().is_file());
            if path.extension().is_none_or(|own| own != extension) {
                if is_file {
                    visit_other(&path);
                }
                continue;
            }
            if files == MOST_PACKAGES {
                return Err(AddOnError::TooMany(dir.to_owned(), MOST_PACKAGES));
            }
            files += 1;
            if !is_file {
                set.refused.push(AddOnError::Package(path, F::NOT_A_FILE));
                continue;
            }
            match read(path) {
                Ok(package) => set.packages.push(package),
                Err(error @ AddOnError::Package(..)) => set.refused.push(error),
                Err(error) => return Err(error),
            }
        }
        set.packages.sort_by(|a, b| a.location().cmp(b.location()));
        set.duplicates = find_duplicates(&set.packages);
        Ok(set)
    }

    /// Returns the packages when all can be used; `find_distrust` says why one is not trusted.
    ///
    /// # Errors
    ///
    /// The first reason why one cannot be used.
    pub(super) fn into_packages(
        self,
        find_distrust: impl Fn(&P) -> Option<F>,
    ) -> Result<Vec<P>, AddOnError<F>> {
        if let Some(error) = self.refused.into_iter().chain(self.duplicates).next() {
            return Err(error);
        }
        for package in &self.packages {
            if let Some(fault) = find_distrust(package) {
                return Err(AddOnError::Package(package.path().to_owned(), fault));
            }
        }
        Ok(self.packages)
    }
}

/// Finds packages that are there twice, or in two versions: which one the installer takes is not
/// for us to choose.
fn find_duplicates<P: AddOnPackage, F: AddOnFault>(packages: &[P]) -> Vec<AddOnError<F>> {
    let mut duplicates = Vec::new();
    let mut by_name: BTreeMap<&str, &P> = BTreeMap::new();
    let mut by_identity: BTreeMap<String, &Path> = BTreeMap::new();
    for package in packages {
        let second = package.path().to_owned();
        if let Some(first) = by_identity.insert(package.identity(), package.path()) {
            let (package, first) = (package.identity(), first.to_owned());
            duplicates.push(AddOnError::Duplicate { package, first, second });
            continue;
        }
        let first = by_name.entry(package.name()).or_insert(package);
        if first.version() != package.version() {
            duplicates.push(AddOnError::TwoVersions {
                name: package.name().to_owned(),
                first: first.path().to_owned(),
                first_version: first.version(),
                second,
                second_version: package.version(),
            });
        }
    }
    duplicates
}
