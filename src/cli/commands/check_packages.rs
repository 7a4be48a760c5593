//! `check packages` and `list packages`: whether the packages of an installation resolve, and which
//! have to be fetched first. `build image` checks the same before it writes.
//!
//! Not for resolving (`packages::depsolve`) nor for evaluating (`check`).

use std::path::{Path, PathBuf};

use crate::assets::Assets;
use crate::atomic_file::InputFile;
use crate::check::CheckSet;
use crate::check::status::FailOn;
use crate::cli::args::{AddedPackageArgs, CheckPackagesArgs, ListArgs, RecipeArgs};
use crate::cli::evaluate::evaluate_file;
use crate::cli::{ExitStatus, outputs, recipe, reporting};
use crate::facts::image::depsolve::PackageSetFacts;
use crate::facts::target_kind::TargetKind;
use crate::facts::{Document, Fact};
use crate::hint::hinted;
use crate::image::inspect::{self, AvailableDebs, AvailablePackages, DebRequest, DepsolveRequest};
use crate::image::plan::{Plan, open_keys, open_medium};
use crate::image::resolve::resolve;
use crate::installer::profile::Installer;
use crate::iso::Medium;
use crate::packages::deb::{self, DebSet};
use crate::packages::depsolve::{DepsolveProblem, package_name_of_file};
use crate::packages::generation::Generation;
use crate::packages::repository::{self, AddOns, Keyring};
use crate::report::Report;
use crate::report::model::CheckResult;

/// The most findings that an error lists before it counts the rest.
const MAX_NAMED: usize = 6;

/// An error that prevents checking packages or building an image.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// The medium's lists cannot be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, String),
    /// No medium was given.
    #[error("no medium to look for packages on")]
    NoBase,
    /// The requested packages are not proven to install.
    #[error("{0}: the packages are not proven to install: {findings}", findings = summarize(.1))]
    Incomplete(PathBuf, Vec<String>),
}

impl PackagesError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable(..) => {
                "compare the medium's sha256 with the vendor's".to_owned()
            }
            Self::NoBase => "add --base ISO, or base: {file: ISO} to the recipe".to_owned(),
            Self::Incomplete(..) => {
                "see `preflight list packages RECIPE --base ISO` for what to put into \
                                    --rpms DIR or --debs DIR, and `preflight check packages` for each finding; \
                                    --allow-incomplete builds it all the same"
                    .to_owned()
            }
        })
    }
}

hinted!(PackagesError);

fn summarize(findings: &[String]) -> String {
    let shown = findings.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    match findings.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// The requested packages, the medium and the add-ons.
struct PackageRequest {
    packages: Vec<String>,
    base: PathBuf,
    add_ons: AddedPackages,
    keyring: Keyring,
    /// Every input file.
    inputs: Vec<InputFile>,
}

/// The packages beside a medium, by their kind.
enum AddedPackages {
    Rpm { add_ons: AddOns, generation: Generation, known: Vec<String> },
    Deb { set: DebSet, implied: Vec<String> },
}

impl PackageRequest {
    fn from_args(
        choice: &RecipeArgs,
        base: Option<&Path>,
        added: &AddedPackageArgs,
        assets: &Assets,
    ) -> anyhow::Result<Self> {
        let (file, profile) = recipe::read(choice, assets)?;
        let mut recipe = file.recipe;
        let own = recipe.base.as_ref().and_then(|base| base.file.as_deref());
        let base = base.or(own).ok_or(PackagesError::NoBase)?.to_owned();
        recipe.rpm_keys.extend(added.rpm_key.iter().cloned());
        recipe.deb_keys.extend(added.deb_key.iter().cloned());
        recipe.rpms = added.rpms.clone().or(recipe.rpms);
        recipe.debs = added.debs.clone().or(recipe.debs);
        let keys = [&recipe.rpm_keys[..], &recipe.deb_keys].concat();
        let keyring = open_keys(&keys)?;
        let system = resolve(&recipe, profile)?;
        let directories = recipe.rpms.iter().chain(&recipe.debs);
        let read = directories.chain([&base]).chain(&keys);
        let inputs = read.flat_map(|path| outputs::files_read_from(path)).collect();
        let add_ons = match &system.profile.installer {
            Installer::Anaconda(anaconda) => AddedPackages::Rpm {
                add_ons: match &recipe.rpms {
                    Some(dir) => repository::read_add_ons(dir, anaconda.generation, &keyring)?,
                    None => AddOns::default(),
                },
                generation: anaconda.generation,
                known: system.profile.packages.known.clone(),
            },
            Installer::DebianInstaller(installer) => AddedPackages::Deb {
                set: match &recipe.debs {
                    Some(dir) => deb::read_add_ons(dir, installer.dpkg_features(), &keyring)?,
                    None => DebSet::default(),
                },
                implied: system.implied_packages(),
            },
        };
        Ok(Self { packages: system.requested_packages(), base, add_ons, keyring, inputs })
    }

    /// The facts of the packages with a medium.
    fn inspect(&self, medium: &Medium) -> PackageSetFacts {
        match &self.add_ons {
            AddedPackages::Rpm { add_ons, generation, known } => {
                inspect::inspect_packages(medium, add_ons, &self.rpm_request(*generation, known))
            }
            AddedPackages::Deb { set, implied } => {
                inspect::inspect_debs(medium, set, &self.deb_request(implied))
            }
        }
    }

    fn rpm_request<'a>(
        &'a self,
        generation: Generation,
        known: &'a [String],
    ) -> DepsolveRequest<'a> {
        DepsolveRequest { packages: &self.packages, generation, known, keyring: &self.keyring }
    }

    fn deb_request<'a>(&'a self, implied: &'a [String]) -> DebRequest<'a> {
        DebRequest { packages: &self.packages, implied, keyring: &self.keyring }
    }
}

/// Checks a medium with its add-ons.
pub fn check(args: &CheckPackagesArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let request =
        PackageRequest::from_args(&args.recipe, args.base.as_deref(), &args.added, assets)?;
    let (_, medium) = open_medium(&request.base)?;
    reporter.check_outputs(&[], &request.inputs)?;
    let facts = request.inspect(&medium);
    let (fail_on, now) = (reporter.fail_on, reporter.now());
    reporter.write(&evaluate(&request.base, &facts, &checks, fail_on, now))
}

/// Evaluates a set of packages and returns the report.
fn evaluate(
    base: &Path,
    facts: &PackageSetFacts,
    checks: &CheckSet,
    fail_on: FailOn,
    now: jiff::Timestamp,
) -> Report {
    let document = Document::new("packages", facts);
    evaluate_file(base, TargetKind::Packages, document, checks, fail_on, now)
}

/// Returns why the packages of a plan are not proven to install; nothing when they are, or when
/// they are on another disc.
pub fn incomplete(plan: &Plan, checks: &CheckSet) -> Vec<String> {
    let Some(base) = &plan.base else { return Vec::new() };
    let system = &plan.system;
    let add_ons = match &system.profile.installer {
        Installer::Anaconda(anaconda) => AddedPackages::Rpm {
            add_ons: AddOns { packages: plan.packages.clone(), ..AddOns::default() },
            generation: anaconda.generation,
            known: system.profile.packages.known.clone(),
        },
        Installer::DebianInstaller(_) => AddedPackages::Deb {
            set: DebSet { packages: plan.debs.clone(), ..DebSet::default() },
            implied: system.implied_packages(),
        },
    };
    let request = PackageRequest {
        packages: system.requested_packages(),
        base: base.path.clone(),
        add_ons,
        keyring: plan.keyring.clone(),
        inputs: Vec::new(),
    };
    let facts = request.inspect(&base.medium);
    // The reason is given once, not for every fact that it makes unknown.
    if let Fact::Unavailable(why) = &facts.install {
        return vec![why.reason.clone()];
    }
    let report = evaluate(&base.path, &facts, checks, FailOn::Blocker, jiff::Timestamp::now());
    tracing::info!(exit = report.summary.exit_code, "resolved the packages");
    let blocks = |result: &&CheckResult| {
        result.severity.is_blocker()
            && !matches!(result.outcome.as_str(), "pass" | "not-applicable")
    };
    report.results.iter().filter(blocks).map(|result| result.found.to_string()).collect()
}

/// A package that has to be fetched.
pub struct MissingPackage {
    /// Its name, or the capability that it has to provide.
    pub name: String,
    /// Its file name, when it is known.
    pub file: Option<String>,
    /// Why it is needed.
    pub why: String,
}

/// Returns the packages to fetch so that the recipe installs from a medium.
pub fn missing_packages(args: &ListArgs, assets: &Assets) -> anyhow::Result<Vec<MissingPackage>> {
    let choice = RecipeArgs { recipe: args.recipe.clone(), settings: Vec::new() };
    let added = AddedPackageArgs {
        rpms: args.rpms.clone(),
        debs: args.debs.clone(),
        ..AddedPackageArgs::default()
    };
    let request = PackageRequest::from_args(&choice, args.base.as_deref(), &added, assets)?;
    let (_, medium) = open_medium(&request.base)?;
    match &request.add_ons {
        AddedPackages::Rpm { add_ons, generation, known } => {
            let packages = add_ons.packages.iter();
            let packages = packages.map(|package| (package.metadata(), package.location.clone()));
            let available = AvailablePackages::read(&medium, packages)?;
            let solution = available.solve(&request.rpm_request(*generation, known));
            let has = |name: &str| available.has_package(name);
            Ok(missing_of(solution.problems, known, &has))
        }
        AddedPackages::Deb { set, implied } => {
            let available = AvailableDebs::read(&medium, &set.packages)
                .map_err(|why| PackagesError::Unreadable(request.base.clone(), why))?;
            let solution = available.solve(&request.deb_request(implied));
            Ok(missing_of(solution.problems, &[], &|_| true))
        }
    }
}

/// The packages that problems are about; `known` are files that are known to be needed as well, and
/// `has` says which packages are there.
fn missing_of(
    problems: Vec<DepsolveProblem>,
    known: &[String],
    has: &dyn Fn(&str) -> bool,
) -> Vec<MissingPackage> {
    let mut rows: Vec<MissingPackage> = Vec::new();
    for problem in problems {
        let row = match problem {
            DepsolveProblem::NoPackage { name, file } => {
                MissingPackage { name, file, why: "the recipe asks for it".to_owned() }
            }
            DepsolveProblem::Unresolved { package, capability, file, .. } => {
                MissingPackage { name: capability, file, why: format!("{package} requires it") }
            }
            _ => continue,
        };
        let same = |listed: &MissingPackage| {
            listed.file.is_some() && listed.file == row.file || listed.name == row.name
        };
        if !rows.iter().any(same) {
            rows.push(row);
        }
    }
    // The requirements of a missing package cannot be read; the profile lists those that are known.
    for file in known {
        let Some(name) = package_name_of_file(file) else { continue };
        let listed = rows.iter().any(|row| row.file.as_ref() == Some(file));
        if !rows.is_empty() && !listed && !has(name) {
            let why = "the packages above are known to require it".to_owned();
            rows.push(MissingPackage { name: name.to_owned(), file: Some(file.clone()), why });
        }
    }
    rows
}
