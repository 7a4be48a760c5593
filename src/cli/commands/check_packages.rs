//! `check packages` and `list packages`: whether the packages of an installation resolve, and which
//! have to be fetched first. `build image` checks the same before it writes.
//!
//! Not for resolving (`packages::depsolve`) nor for evaluating (`check`).

use std::path::{Path, PathBuf};

use crate::assets::Assets;
use crate::atomic_file::InputFile;
use crate::check::CheckSet;
use crate::check::status::FailOn;
use crate::cli::args::{CheckPackagesArgs, ListArgs, RecipeArgs};
use crate::cli::evaluate::evaluate_file;
use crate::cli::{ExitStatus, outputs, recipe, reporting};
use crate::facts::image::depsolve::PackageSetFacts;
use crate::facts::target_kind::TargetKind;
use crate::facts::{Document, Fact};
use crate::hint::hinted;
use crate::image::inspect::{self, AvailablePackages, DepsolveRequest};
use crate::image::plan::{Plan, open_keys, open_medium};
use crate::image::resolve::resolve;
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
    /// No medium was given.
    #[error("no medium to look for packages on")]
    NoBase,
    /// The profile installs packages of another kind.
    #[error("the profile {profile} installs Debian packages, whose dependencies are not resolved")]
    NotRpm {
        /// The profile.
        profile: String,
    },
    /// The requested packages are not proven to install.
    #[error("{base}: the packages are not proven to install: {}", summarize(.findings))]
    Incomplete {
        /// The medium.
        base: PathBuf,
        /// The reasons.
        findings: Vec<String>,
    },
}

impl PackagesError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotRpm { .. } => {
                "look at the medium's own lists, dists/*/main/binary-amd64/Packages.gz".to_owned()
            }
            Self::NoBase => "add --base ISO, or base: {file: ISO} to the recipe".to_owned(),
            Self::Incomplete { .. } => {
                "see `preflight list packages --base ISO` for what to put into \
                                    --rpms DIR, and `preflight check packages` for each finding; \
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
    known: Vec<String>,
    generation: Generation,
    base: PathBuf,
    add_ons: AddOns,
    keyring: Keyring,
    /// Every input file.
    inputs: Vec<InputFile>,
}

impl PackageRequest {
    fn from_args(
        choice: &RecipeArgs,
        base: Option<&Path>,
        rpms: Option<&Path>,
        keys: &[PathBuf],
        assets: &Assets,
    ) -> anyhow::Result<Self> {
        let (file, profile) = recipe::read(choice, assets)?;
        let own = file.recipe.base.as_ref().and_then(|base| base.file.as_deref());
        let base = base.or(own).ok_or(PackagesError::NoBase)?.to_owned();
        let Some(generation) = profile.anaconda().map(|anaconda| anaconda.generation) else {
            let profile = file.recipe.profile.to_string();
            return Err(PackagesError::NotRpm { profile }.into());
        };
        let keys: Vec<PathBuf> = file.recipe.rpm_keys.iter().chain(keys).cloned().collect();
        let keyring = open_keys(&keys)?;
        let rpms = rpms.or(file.recipe.rpms.as_deref());
        let read =
            rpms.into_iter().chain([base.as_path()]).chain(keys.iter().map(PathBuf::as_path));
        let inputs = read.flat_map(outputs::files_read_from).collect();
        let add_ons = match rpms {
            Some(directory) => repository::read_add_ons(directory, generation, &keyring)?,
            None => AddOns::default(),
        };
        let system = resolve(&file.recipe, profile)?;
        let known = system.profile.packages.known.clone();
        Ok(Self {
            packages: system.requested_packages(),
            known,
            generation,
            base,
            add_ons,
            keyring,
            inputs,
        })
    }

    fn depsolve_request(&self) -> DepsolveRequest<'_> {
        DepsolveRequest {
            packages: &self.packages,
            generation: self.generation,
            known: &self.known,
            keyring: &self.keyring,
        }
    }
}

/// Checks a medium with its add-ons.
pub fn check(args: &CheckPackagesArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let (base, rpms) = (args.base.as_deref(), args.rpms.as_deref());
    let request = PackageRequest::from_args(&args.recipe, base, rpms, &args.rpm_key, assets)?;
    let (_, medium) = open_medium(&request.base)?;
    reporter.check_outputs(&[], &request.inputs)?;
    let facts = inspect::inspect_packages(&medium, &request.add_ons, &request.depsolve_request());
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
    let add_ons = AddOns { packages: plan.packages.clone(), ..AddOns::default() };
    let profile = &plan.system.profile;
    let Some(anaconda) = profile.anaconda() else {
        let profile = plan.system.profile_name.to_string();
        return vec![PackagesError::NotRpm { profile }.to_string()];
    };
    let packages = plan.system.requested_packages();
    let request = DepsolveRequest {
        packages: &packages,
        generation: anaconda.generation,
        known: &profile.packages.known,
        keyring: &plan.keyring,
    };
    let facts = inspect::inspect_packages(&base.medium, &add_ons, &request);
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
    report.results.iter().filter(blocks).map(|result| result.found.clone()).collect()
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
    let request = PackageRequest::from_args(
        &choice,
        args.base.as_deref(),
        args.rpms.as_deref(),
        &[],
        assets,
    )?;
    let (_, medium) = open_medium(&request.base)?;
    let add_ons = request
        .add_ons
        .packages
        .iter()
        .map(|package| (package.metadata(), package.location.clone()));
    let available = AvailablePackages::read(&medium, add_ons)?;
    let solution = available.solve(&request.depsolve_request());
    let mut rows: Vec<MissingPackage> = Vec::new();
    for problem in solution.problems {
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
    for file in &request.known {
        let Some(name) = package_name_of_file(file) else { continue };
        let listed = rows.iter().any(|row| row.file.as_ref() == Some(file));
        if !rows.is_empty() && !listed && !available.has_package(name) {
            let why = "the packages above are known to require it".to_owned();
            rows.push(MissingPackage { name: name.to_owned(), file: Some(file.clone()), why });
        }
    }
    Ok(rows)
}
