//! From a vendor's medium and the RPMs that go with it to facts: will the installation resolve?
//!
//! Not for the resolving itself (`packages::depsolve`). A medium that cannot be read leaves facts
//! unavailable; the RPMs are inspected all the same.

use std::collections::BTreeMap;
use std::io;

use rpmrepo_metadata::Package;

use crate::facts::image::depsolve::PackageSetFacts;
use crate::facts::{Collection, Fact};
use crate::image::vendor_repositories::{path_below, vendor_repositories};
use crate::iso::{EntryKind, Medium};
use crate::packages::depsolve::{
    DepsolveProblem, FileOwners, PackageOrigin, Pool, Solution, SolveRequest, solve,
};
use crate::packages::generation::Generation;
use crate::packages::repository::{
    AddOns, Keyring, PackageGroup, RepositoryError, SignatureStatus, disc_number, open_file_lists,
    visit_packages,
};

/// The most items of one kind that are listed.
const MAX_ITEMS: usize = 100;

/// The packages to install, and by which installer.
#[derive(Clone, Debug)]
pub struct DepsolveRequest<'a> {
    /// `%packages`: names, `@groups`, and `-names` that are left out.
    pub packages: &'a [String],
    /// Which installer it is.
    pub generation: Generation,
    /// File names of packages that are known by heart.
    pub known: &'a [String],
    /// The keys that add-ons may be signed with.
    pub keyring: &'a Keyring,
}

/// A medium's packages and the add-ons, ready to be resolved.
pub struct AvailablePackages {
    pool: Pool,
    files: FileOwners,
    groups: Vec<PackageGroup>,
    base: usize,
}

impl AvailablePackages {
    /// Reads the medium's repository, then takes the add-ons.
    ///
    /// # Errors
    ///
    /// Fails when the repository cannot be read, and when packages are more than any repository's.
    pub fn read<'p>(
        medium: &Medium,
        addons: impl Iterator<Item = (&'p Package, String)>,
    ) -> Result<Self, RepositoryError> {
        let mut pool = Pool::default();
        let mut tops = vendor_repositories(medium);
        if tops.is_empty() {
            // What is said of a medium without packages is that it has none at its top.
            tops.push(String::new());
        }
        let mut groups = Vec::new();
        for top in &tops {
            groups.extend(read_repository(medium, top, &mut pool, PackageOrigin::Base)?);
        }
        let base = pool.len();
        let mut files = FileOwners::default();
        for (package, file) in addons {
            pool.add(package, PackageOrigin::AddOn, &file).map_err(add_ons_error)?;
            files.add_package(&pool, package);
        }
        let mut stock = Self { pool, files, groups, base };
        for top in &tops {
            stock.read_file_lists(medium, top)?;
        }
        Ok(stock)
    }

    /// The file lists are many times the package list: they are read only when somebody requires a
    /// path that is not in the package list, or when an add-on may bring a file of the medium's.
    fn read_file_lists(&mut self, medium: &Medium, top: &str) -> Result<(), RepositoryError> {
        let nobody = self.pool.len() == self.base;
        if nobody && self.pool.missing_paths().is_empty() {
            return Ok(());
        }
        let Some(lists) = open_file_lists(|path| open(medium, &path_below(top, path)))? else {
            return Ok(());
        };
        let damaged = |what| {
            RepositoryError::Inconsistent(
                lists.name().to_owned(),
                format!("cannot be read: {what}"),
            )
        };
        self.files.read_file_lists(&mut self.pool, lists.xml()?).map_err(damaged)
    }

    /// Whether the medium or the add-ons have a package of this name.
    pub fn has_package(&self, name: &str) -> bool {
        self.pool.contains(name)
    }

    /// Resolves a request.
    pub fn solve(&self, asked: &DepsolveRequest<'_>) -> Solution {
        let mut solution = solve(
            &self.pool,
            &SolveRequest {
                packages: asked.packages,
                groups: &self.groups,
                implied: &asked.generation.package_rules().implied_packages,
                add_ons_last: asked.generation.package_rules().add_ons_last,
                reads_rich: asked.generation.package_rules().reads_rich_dependencies(),
                known_files: asked.known,
            },
        );
        self.files.add_conflicts(&self.pool, &mut solution);
        solution
    }
}

fn add_ons_error(error: impl std::fmt::Display) -> RepositoryError {
    RepositoryError::Inconsistent("add-ons".to_owned(), format!("are refused: {error}"))
}

fn open<'m>(medium: &'m Medium, path: &str) -> io::Result<impl io::Read + use<'m>> {
    let map = medium.file_map(path).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(map.into_reader())
}

/// Reads a repository of a medium into a pool.
fn read_repository(
    medium: &Medium,
    top: &str,
    pool: &mut Pool,
    origin: PackageOrigin,
) -> Result<Vec<PackageGroup>, RepositoryError> {
    let place = |path: &str| path_below(top, path);
    let mut absent: Vec<(String, String)> = Vec::new();
    let groups = visit_packages(
        |path| open(medium, &place(path)),
        |package| {
            let file = place(package.location_href());
            let why = file_fault(medium, &file, package.size_package());
            // A package on another disc is not missing: the installer asks for that disc.
            if why.is_some() && disc_number(package).is_some_and(|disc| disc > 1) {
                return Ok(());
            }
            absent.extend(why.map(|why| (file.clone(), why)));
            pool.add(package, origin, &file).map_err(|error| error.to_string())
        },
    )?;
    let more = absent.len().saturating_sub(1);
    match absent.into_iter().next() {
        None => Ok(groups),
        Some((name, why)) => {
            let more = if more == 0 { String::new() } else { format!("; {more} more are like it") };
            Err(RepositoryError::Inconsistent(name, format!("{why}{more}")))
        }
    }
}

/// Why a package's file is not what its repository says, as far as that is seen without reading it.
pub fn file_fault(medium: &Medium, file: &str, len: u64) -> Option<String> {
    match medium.find(file).filter(|entry| entry.kind == EntryKind::File) {
        None => Some("is named by the repository and is not on the disc".to_owned()),
        Some(entry) if entry.len != len => {
            Some(format!("has {} bytes, the repository says {len}", entry.len))
        }
        Some(_) => None,
    }
}

/// The facts of a medium with the RPMs of a directory.
pub fn inspect_packages(
    medium: &Medium,
    shelf: &AddOns,
    asked: &DepsolveRequest<'_>,
) -> PackageSetFacts {
    let addons = shelf
        .packages
        .iter()
        .map(|package| (package.metadata(), package.path.display().to_string()));
    let stock = AvailablePackages::read(medium, addons).map_err(|error| super::join_causes(&error));
    let solved = stock.as_ref().map(|stock| stock.solve(asked));
    let remarks =
        shelf.packages.iter().filter_map(|package| package.release_mismatch(asked.generation));
    let add_ons = AddOnRemarks {
        count: shelf.packages.len(),
        refused: shelf.refused.iter().map(|error| super::join_causes(error)).collect(),
        rivals: shelf.duplicates.iter().map(|error| super::join_causes(error)).collect(),
        other_release: remarks.collect(),
        keys: asked.keyring.names().len(),
        signers: signers(shelf.packages.iter().map(|package| package.signature_status.to_string())),
        unsigned: add_ons_with_signature(shelf, |signed| {
            matches!(signed, SignatureStatus::Unsigned | SignatureStatus::HeaderOnly(_))
        }),
        strangers: add_ons_with_signature(shelf, |signed| {
            matches!(signed, SignatureStatus::UnknownKeys(_))
        }),
    };
    package_set(stock.as_ref().map(|stock| stock.base), solved.as_ref(), add_ons)
}

/// What is said of add-ons, whatever their kind.
pub(super) struct AddOnRemarks {
    /// How many can be used.
    pub(super) count: usize,
    /// Why others are refused.
    pub(super) refused: Vec<String>,
    /// The same twice, or two versions of one.
    pub(super) rivals: Vec<String>,
    /// Those that were built for another release.
    pub(super) other_release: Vec<String>,
    /// How many keys are named.
    pub(super) keys: usize,
    /// Who signed how many.
    pub(super) signers: Vec<String>,
    /// Those that nobody signed.
    pub(super) unsigned: Vec<String>,
    /// Those that somebody else signed.
    pub(super) strangers: Vec<String>,
}

/// The facts of a solution; `base` is the number of the medium's packages.
pub(super) fn package_set(
    base: Result<usize, &String>,
    solved: Result<&Solution, &&String>,
    add_ons: AddOnRemarks,
) -> PackageSetFacts {
    let of = |wanted: fn(&DepsolveProblem) -> bool| {
        Fact::from(solved.as_ref().map(|solution| {
            let found = solution.problems.iter().filter(|problem| wanted(problem));
            let found: Vec<String> = found.map(ToString::to_string).collect();
            let complete = solution.complete;
            Collection { complete: complete && found.len() <= MAX_ITEMS, items: truncate(found) }
        }))
    };
    PackageSetFacts {
        base: Fact::from(base.map(count)),
        addons: count(add_ons.count),
        install: Fact::from(solved.as_ref().map(|solution| count(solution.install.len()))),
        missing: of(|problem| {
            matches!(problem, DepsolveProblem::NoPackage { .. } | DepsolveProblem::NoGroup { .. })
        }),
        unresolved: of(|problem| {
            matches!(
                problem,
                DepsolveProblem::Unresolved { .. } | DepsolveProblem::RichDependency { .. }
            )
        }),
        conflicts: of(|problem| matches!(problem, DepsolveProblem::Conflict { .. })),
        shadows: of(|problem| {
            matches!(
                problem,
                DepsolveProblem::Shadows { newer: true, .. } | DepsolveProblem::Obsoletes { .. }
            )
        }),
        outdated: of(|problem| matches!(problem, DepsolveProblem::Shadows { newer: false, .. })),
        late: of(|problem| matches!(problem, DepsolveProblem::NeedsAddOn { .. })),
        same_files: of(|problem| matches!(problem, DepsolveProblem::SameFile { .. })),
        unneeded: Fact::from(solved.as_ref().map(|solution| bounded(solution.unneeded.clone()))),
        refused: bounded(add_ons.refused),
        rivals: bounded(add_ons.rivals),
        other_release: bounded(add_ons.other_release),
        keys: count(add_ons.keys),
        signers: bounded(add_ons.signers),
        unsigned: bounded(add_ons.unsigned),
        strangers: bounded(add_ons.strangers),
    }
}

/// Who signed how many add-ons, in words.
pub(super) fn signers(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for signed in words {
        *counts.entry(signed).or_default() += 1;
    }
    counts.into_iter().map(|(signed, count)| format!("{count} {signed}")).collect()
}

/// The add-ons with a signature of one kind, in words.
fn add_ons_with_signature(shelf: &AddOns, of: fn(&SignatureStatus) -> bool) -> Vec<String> {
    let chosen = shelf.packages.iter().filter(|package| of(&package.signature_status));
    chosen.map(|package| format!("{} is {}", package.location, package.signature_status)).collect()
}

fn count(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn truncate(mut items: Vec<String>) -> Vec<String> {
    items.truncate(MAX_ITEMS);
    items
}

fn bounded(items: Vec<String>) -> Collection<String> {
    Collection { complete: items.len() <= MAX_ITEMS, items: truncate(items) }
}
