//! From a medium of debian-installer's and the packages that go with it to facts: will the
//! installation resolve?
//!
//! Not for the resolving itself (`packages::depsolve`). A medium that cannot be read leaves facts
//! unavailable; the packages are inspected all the same.

use super::debian::read_packages;
use super::join_causes;
use super::packages::{AddOnRemarks, package_set, signers};
use crate::facts::image::depsolve::PackageSetFacts;
use crate::iso::Medium;
use crate::packages::deb::{DebFile, DebSet, DebTrust};
use crate::packages::depsolve::{PackageOrigin, Pool, Solution, SolveRequest, solve};
use crate::packages::repository::Keyring;

/// The packages to install.
#[derive(Clone, Debug)]
pub struct DebRequest<'a> {
    /// What the preseed names.
    pub packages: &'a [String],
    /// What the installer adds itself, beside the base system.
    pub implied: &'a [String],
    /// The keys that the archive's lists may be signed with.
    pub keyring: &'a Keyring,
}

/// A medium's packages and those beside it, ready to be resolved.
pub struct AvailableDebs {
    pool: Pool,
    /// How many are the medium's.
    base: usize,
    /// The packages of the base system, which debootstrap installs.
    base_system: Vec<String>,
}

impl AvailableDebs {
    /// Reads the medium's lists, then takes the packages beside it.
    ///
    /// # Errors
    ///
    /// Returns the reason when a list cannot be read, or when packages are more than any archive's.
    pub fn read(medium: &Medium, debs: &[DebFile]) -> Result<Self, String> {
        let mut pool = Pool::of_debs();
        let mut base_system = Vec::new();
        for package in read_packages(medium)? {
            pool.add_deb(&package, PackageOrigin::Base, &package.file)
                .map_err(|error| error.to_string())?;
            if package.is_of_base_system {
                base_system.push(package.name);
            }
        }
        let base = pool.len();
        for deb in debs {
            pool.add_deb(&deb.package, PackageOrigin::AddOn, &deb.path.display().to_string())
                .map_err(|error| error.to_string())?;
        }
        Ok(Self { pool, base, base_system })
    }

    /// Resolves a request.
    pub fn solve(&self, asked: &DebRequest<'_>) -> Solution {
        let implied = [&self.base_system[..], asked.implied].concat();
        let request = SolveRequest {
            packages: asked.packages,
            groups: &[],
            implied: &implied,
            add_ons_last: false,
            reads_rich: false,
            known_files: &[],
        };
        solve(&self.pool, &request)
    }
}

/// The facts of a medium with the packages of a directory.
pub fn inspect_debs(medium: &Medium, set: &DebSet, asked: &DebRequest<'_>) -> PackageSetFacts {
    let stock = AvailableDebs::read(medium, &set.packages);
    let solved = stock.as_ref().map(|stock| stock.solve(asked));
    let with = |wanted: fn(&DebTrust) -> bool| {
        let chosen = set.packages.iter().filter(|file| wanted(&file.trust));
        chosen.map(|file| format!("{} is {}", file.location, file.trust)).collect()
    };
    let add_ons = AddOnRemarks {
        count: set.packages.len(),
        refused: set.refused.iter().map(|error| join_causes(error)).collect(),
        rivals: set.duplicates.iter().map(|error| join_causes(error)).collect(),
        other_release: Vec::new(),
        keys: asked.keyring.names().len(),
        signers: signers(set.packages.iter().map(|file| file.trust.to_string())),
        unsigned: with(|trust| matches!(trust, DebTrust::Unlisted)),
        strangers: with(|trust| matches!(trust, DebTrust::UnknownKeys(_))),
    };
    package_set(stock.as_ref().map(|stock| stock.base), solved.as_ref(), add_ons)
}
