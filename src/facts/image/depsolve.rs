//! Whether what a kickstart asks for installs from a medium and the RPMs that go with it.
//!
//! Not for how that is found out (`packages::depsolve`, `image::inspect`) nor for how grave it is
//! (`checks/closure.yaml`).

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::{Collection, Fact};

/// Everything that is checked about a medium with its add-ons; rules know it as `packages`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PackageSetFacts {
    /// Packages of the vendor's medium.
    pub base: Fact<i64>,
    /// Add-on packages that can be read.
    pub addons: i64,
    /// Packages that would be installed.
    pub install: Fact<i64>,
    /// Packages and groups that the kickstart names and that are nowhere, in words.
    pub missing: Fact<Collection<String>>,
    /// What packages require and nobody provides, in words.
    pub unresolved: Fact<Collection<String>>,
    /// Packages that exclude each other, in words.
    pub conflicts: Fact<Collection<String>>,
    /// Add-ons that would be taken instead of a package of the medium, in words.
    pub shadows: Fact<Collection<String>>,
    /// Add-ons that the medium has in a newer version, in words.
    pub outdated: Fact<Collection<String>>,
    /// Packages of the medium that need an add-on, which is installed after them; el6 only.
    pub late: Fact<Collection<String>>,
    /// Files that two packages bring, in words.
    pub same_files: Fact<Collection<String>>,
    /// Add-ons that nothing asks for.
    pub unneeded: Fact<Collection<String>>,
    /// RPM files that are refused, with the reason: damaged, for another machine, unreadable for
    /// the installer's rpm.
    pub refused: Collection<String>,
    /// The same package twice, or two versions of one name, in words.
    pub rivals: Collection<String>,
    /// Add-ons that were built for another release, in words.
    pub other_release: Collection<String>,
    /// Keys that add-ons may be signed with.
    pub keys: i64,
    /// How many add-ons are signed by whom, in words.
    pub signers: Collection<String>,
    /// Add-ons that nobody signed, or whose payload no signature covers, in words.
    pub unsigned: Collection<String>,
    /// Add-ons that are signed by a key that was not named, in words.
    pub strangers: Collection<String>,
}
