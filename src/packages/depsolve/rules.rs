//! What differs between the packages of RPM and of Debian: how versions are compared, which
//! relations are met, and how a package is written.
//!
//! Not for choosing among packages (`solve`).

use std::cmp::Ordering;

use super::evr::{self, Relation};
use crate::packages::deb::version::DebVersion;

/// The rules of one kind of package.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PackageRules {
    /// RPM's, as yum of el6 and el7 reads them.
    #[default]
    Rpm,
    /// Debian's, as apt reads them.
    Deb,
}

impl PackageRules {
    /// Compares two versions.
    pub(super) fn compare(self, a: &str, b: &str) -> Ordering {
        match self {
            Self::Rpm => evr::compare(a, b),
            Self::Deb => match (a.parse::<DebVersion>(), b.parse::<DebVersion>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                _ => a.cmp(b),
            },
        }
    }

    /// Whether what is provided meets what is required. What a Debian package provides without a
    /// version meets no requirement with one (deb-control(5), Provides).
    pub(super) fn meets(self, provided: (Relation, &str), required: (Relation, &str)) -> bool {
        match self {
            Self::Rpm => evr::ranges_overlap(provided, required),
            Self::Deb if required.0.is_any() => true,
            Self::Deb if provided.0.is_any() => false,
            Self::Deb => provided.0.overlaps(required.0, self.compare(provided.1, required.1)),
        }
    }

    /// Whether packages of an architecture run on the master target by themselves.
    pub(super) fn is_native(self, arch: &str) -> bool {
        match self {
            Self::Rpm => matches!(arch, "x86_64" | "noarch"),
            Self::Deb => matches!(arch, "amd64" | "all"),
        }
    }

    /// What asks for packages.
    pub(super) fn answers(self) -> &'static str {
        match self {
            Self::Rpm => "the kickstart",
            Self::Deb => "the preseed",
        }
    }

    /// Writes a package.
    pub(super) fn package(self, name: &str, version: &str, arch: &str) -> String {
        match self {
            Self::Rpm => {
                format!("{name}-{}.{arch}", version.strip_prefix("0:").unwrap_or(version))
            }
            Self::Deb => format!("{name}_{version}_{arch}"),
        }
    }

    /// Writes a relation with a version.
    pub(super) fn relation(self, name: &str, relation: Relation, version: &str) -> String {
        let operator = relation.operator();
        match self {
            Self::Rpm => {
                format!("{name} {operator} {}", version.strip_prefix("0:").unwrap_or(version))
            }
            Self::Deb => {
                let operator = match operator {
                    "<" => "<<",
                    ">" => ">>",
                    other => other,
                };
                format!("{name} ({operator} {version})")
            }
        }
    }
}
