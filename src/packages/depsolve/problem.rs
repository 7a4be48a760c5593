//! What keeps packages from being installed: the package, the capability, the package that needs
//! it, and the file that would help, as far as they are known.
//!
//! Not for the severity: checks decide that.

use std::fmt;

use super::pool::PackageOrigin;

/// A package that provides the name, but not the required version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NearMiss {
    /// The package.
    pub nevra: String,
    /// What it provides instead.
    pub provides: String,
    /// Where it is.
    pub origin: PackageOrigin,
    /// Its file.
    pub file: String,
}

/// A problem that keeps packages from being installed, or that has an unexpected result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DepsolveProblem {
    /// The kickstart names a package that no repository has.
    NoPackage {
        /// The name.
        name: String,
        /// A file that would provide it.
        file: Option<String>,
    },
    /// The kickstart names a group that no repository has.
    NoGroup {
        /// The group.
        group: String,
    },
    /// No package provides what another one requires.
    Unresolved {
        /// The package that requires it.
        package: String,
        /// The source of that package.
        origin: PackageOrigin,
        /// What it requires.
        capability: String,
        /// What that package is installed for: another package, or the kickstart.
        wanted_by: String,
        /// Packages that provide another version of the name.
        near: Vec<NearMiss>,
        /// A file that would provide it.
        file: Option<String>,
    },
    /// A dependency of a kind that the installer's rpm does not know.
    RichDependency {
        /// The package.
        package: String,
        /// The dependency.
        capability: String,
    },
    /// Two packages that exclude each other.
    Conflict {
        /// The one that states the conflict.
        package: String,
        /// What it excludes.
        capability: String,
        /// The one that is excluded.
        other: String,
    },
    /// An add-on that has the name of a package of the medium, and another version.
    Shadows {
        /// The add-on.
        addon: String,
        /// The medium's package.
        base: String,
        /// Whether the add-on is newer, so that it would be installed.
        newer: bool,
    },
    /// An add-on that replaces a package of the medium.
    Obsoletes {
        /// The add-on.
        addon: String,
        /// The medium's package.
        base: String,
    },
    /// A package of the medium that needs an add-on, which el6 installs after it.
    NeedsAddOn {
        /// The medium's package.
        package: String,
        /// What it requires.
        capability: String,
        /// The add-on that provides it.
        addon: String,
    },
    /// Two packages that have the same file.
    SameFile {
        /// The path.
        path: String,
        /// One.
        package: String,
        /// The other.
        other: String,
    },
}

impl fmt::Display for DepsolveProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPackage { name, file } => {
                write!(f, "{name} is in no repository")?;
                write_helping_file(f, file.as_deref())
            }
            Self::NoGroup { group } => write!(f, "@{group}: the medium has no such group"),
            Self::Unresolved { package, origin, capability, wanted_by, near, file } => {
                let place = match origin {
                    PackageOrigin::Base => "",
                    PackageOrigin::AddOn => " (an add-on)",
                };
                write!(f, "{package}{place} requires {capability}, which no package provides")?;
                for miss in near.iter().take(3) {
                    let (file, place) = (&miss.file, miss.origin.label());
                    write!(f, "; {file} of {place} provides {}", miss.provides)?;
                }
                write_helping_file(f, file.as_deref())?;
                write!(f, "; {package} is wanted by {wanted_by}")
            }
            Self::RichDependency { package, capability } => {
                write!(f, "{package} requires {capability}, which the installer's rpm cannot read")
            }
            Self::Conflict { package, capability, other } => {
                write!(f, "{package} conflicts with {capability}, which is {other}")
            }
            Self::Shadows { addon, base, newer: true } => {
                write!(f, "{addon} would be taken instead of the medium's {base}")
            }
            Self::Shadows { addon, base, newer: false } => {
                write!(f, "{addon} is older than the medium's {base} and will not be taken")
            }
            Self::Obsoletes { addon, base } => {
                write!(f, "{addon} obsoletes the medium's {base} and takes its place")
            }
            Self::NeedsAddOn { package, capability, addon } => write!(
                f,
                "the medium's {package} requires {capability}, which only the add-on {addon} \
                 provides: add-ons are installed last"
            ),
            Self::SameFile { path, package, other } => {
                write!(f, "{path} is in {package} and in {other}")
            }
        }
    }
}

fn write_helping_file(f: &mut fmt::Formatter<'_>, file: Option<&str>) -> fmt::Result {
    match file {
        Some(file) => write!(f, "; {file} would bring it"),
        None => Ok(()),
    }
}

/// Returns the name in `NAME-VERSION-RELEASE.ARCH.rpm`.
///
/// ```
/// use preflight::packages::depsolve::package_name_of_file;
/// assert_eq!(package_name_of_file("perl-libs-5.10.1-136.el6_6.1.x86_64.rpm"), Some("perl-libs"));
/// ```
pub fn package_name_of_file(file: &str) -> Option<&str> {
    file.rsplitn(3, '-').nth(2)
}
