//! Whether what a kickstart asks for installs from a medium and the RPMs that go with it.
//!
//! Not for how that is found out (`packages::depsolve`, `image::inspect`) nor for how grave it is
//! (`checks/closure.yaml`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::{Fact, Looked};

/// Everything that is judged about a medium with its add-ons; rules know it as `packages`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PackageSetFacts {
    /// Packages of the vendor's medium.
    pub base: Fact<i64>,
    /// Add-on packages that can be read.
    pub addons: i64,
    /// Packages that would be installed.
    pub install: Fact<i64>,
    /// Packages and groups that the kickstart names and that are nowhere, in words.
    pub missing: Fact<Looked<String>>,
    /// What packages require and nobody provides, in words.
    pub unresolved: Fact<Looked<String>>,
    /// Packages that exclude each other, in words.
    pub conflicts: Fact<Looked<String>>,
    /// Add-ons that would be taken instead of a package of the medium, in words.
    pub shadows: Fact<Looked<String>>,
    /// Add-ons that the medium has in a newer version, in words.
    pub outdated: Fact<Looked<String>>,
    /// Packages of the medium that need an add-on, which is installed after them; el6 only.
    pub late: Fact<Looked<String>>,
    /// Files that two packages bring, in words.
    pub same_files: Fact<Looked<String>>,
    /// Add-ons that nothing asks for.
    pub unneeded: Fact<Looked<String>>,
    /// RPM files that are refused, with the reason: damaged, for another machine, unreadable for
    /// the installer's rpm.
    pub refused: Looked<String>,
    /// The same package twice, or two versions of one name, in words.
    pub rivals: Looked<String>,
    /// Add-ons that were built for another release, in words.
    pub other_release: Looked<String>,
    /// Keys that add-ons may be signed with.
    pub keys: i64,
    /// How many add-ons are signed by whom, in words.
    pub signers: Looked<String>,
    /// Add-ons that nobody signed, or whose payload no signature covers, in words.
    pub unsigned: Looked<String>,
    /// Add-ons that are signed by a key that was not named, in words.
    pub strangers: Looked<String>,
}
