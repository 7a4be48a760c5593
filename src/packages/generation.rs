//! The releases of Red Hat's installer, and what differs between them: `kickstart/installers/*.yaml`.
//!
//! Not for what one distribution wants of its installer: that is a profile's.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::assets;

/// Every release with its installer, sorted.
static RELEASES: LazyLock<BTreeMap<u8, KnownRelease>> = LazyLock::new(|| {
    let mut all = BTreeMap::new();
    for text in files() {
        let file: InstallerFile = serde_yaml::from_str(text).expect("the tests read every file");
        let rules = &*Box::leak(Box::new(file.packages));
        for release in file.releases {
            all.insert(release.release, KnownRelease { release, rules, text });
        }
    }
    all
});

fn files() -> impl Iterator<Item = &'static str> {
    let files = assets::embedded_in("kickstart/installers");
    files.filter(|(path, _)| path.contains("/anaconda-")).map(|(_, text)| text)
}

struct KnownRelease {
    release: Release,
    rules: &'static PackagePolicy,
    text: &'static str,
}

/// What counts here of an installer's file.
#[derive(Deserialize)]
struct InstallerFile {
    releases: Vec<Release>,
    #[serde(flatten)]
    packages: PackagePolicy,
}

/// A release that an installer is known for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Generation(u8);

/// What an installer and its rpm do with packages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PackagePolicy {
    /// Whether packages of an added repository are installed after the medium's, which must be
    /// complete among themselves (anaconda 13.21.229, sortedtransaction.py).
    #[serde(default)]
    pub add_ons_last: bool,
    /// Packages that it adds itself if they are available: it needs a kernel, a boot loader and the
    /// tools of the file systems it creates (anaconda's yuminstall.py).
    pub implied_packages: Vec<String>,
    /// Features that its rpm provides.
    pub rpmlib: Vec<String>,
}

impl PackagePolicy {
    /// Whether its rpm reads rich dependencies.
    pub fn reads_rich_dependencies(&self) -> bool {
        self.rpmlib.iter().any(|feature| feature == "RichDependencies")
    }
}

/// One release of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    release: u8,
    dist: String,
    options: String,
}

impl TryFrom<u8> for Generation {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        if RELEASES.contains_key(&number) {
            return Ok(Self(number));
        }
        let known: Vec<String> = RELEASES.keys().map(u8::to_string).collect();
        Err(format!("generation {number} is not known: expected one of {}", known.join(", ")))
    }
}

impl From<Generation> for u8 {
    fn from(generation: Generation) -> u8 {
        generation.0
    }
}

impl Generation {
    /// CentOS and RHEL 6.
    pub const EL6: Self = Self(6);
    /// CentOS and RHEL 7.
    pub const EL7: Self = Self(7);

    /// Returns every release that an installer is known for, the oldest first of each family.
    pub fn all() -> impl Iterator<Item = Self> {
        RELEASES.keys().copied().map(Self)
    }

    fn known(self) -> &'static KnownRelease {
        RELEASES.get(&self.0).expect("only known releases are made")
    }

    /// Returns what its installer does with packages.
    pub fn package_rules(self) -> &'static PackagePolicy {
        self.known().rules
    }

    /// Returns the whole file about its installer.
    pub fn installer_file(self) -> &'static str {
        self.known().text
    }

    /// Returns the dist tag of its packages, such as `el6`.
    pub fn dist_tag(self) -> &'static str {
        &self.known().release.dist
    }

    /// Returns the name of its table of kickstart commands.
    pub fn option_table(self) -> &'static str {
        &self.known().release.options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_read_and_no_release_is_in_two() {
        let mut releases: Vec<u8> = Vec::new();
        for text in files() {
            let read: InstallerFile = serde_yaml::from_str(text).unwrap();
            releases.extend(read.releases.iter().map(|release| release.release));
        }
        releases.sort_unstable();
        assert_eq!(releases, RELEASES.keys().copied().collect::<Vec<_>>());
        assert!(Generation::try_from(5).unwrap_err().contains("one of 6, 7, 8, 9, 10, 40"));
        assert_eq!(Generation::all().filter(|one| *one == Generation::EL6).count(), 1);
    }
}
