//! `check packages` and `list packages`: will the installation resolve, and what is to be fetched
//! before it does. `build image` asks the same before it writes.
//!
//! Not for resolving (`packages::depsolve`) nor for judging (`check`).

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
use crate::image::inspect::{self, AvailablePackages, DepsolveRequest};
use crate::image::plan::{Plan, open_keys, open_medium};
use crate::image::resolve::resolve;
use crate::packages::depsolve::{DepsolveProblem, package_name_of_file};
use crate::packages::generation::Generation;
use crate::packages::repository::{self, AddOns, Keyring};
use crate::report::Report;
use crate::report::model::CheckResult;

/// Findings that an error names before it counts the rest.
const MAX_NAMED: usize = 6;

/// Why packages are not looked at, or an image is not built.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// Nobody said which medium.
    #[error("no medium to look for packages on")]
    NoBase,
    /// What is asked for does not install.
    #[error("{base}: the packages are not proven to install: {}", summarize(.findings))]
    Incomplete {
        /// The medium.
        base: PathBuf,
        /// Why.
        findings: Vec<String>,
    },
}

impl PackagesError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
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

fn summarize(findings: &[String]) -> String {
    let shown = findings.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>().join("; ");
    match findings.len().saturating_sub(MAX_NAMED) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// What is asked for, of which medium, with which add-ons.
struct PackageRequest {
    asked: Vec<String>,
    known: Vec<String>,
    generation: Generation,
    base: PathBuf,
    shelf: AddOns,
    keyring: Keyring,
    /// Every file that was read.
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
        let generation = profile.generation;
        let keys: Vec<PathBuf> = file.recipe.rpm_keys.iter().chain(keys).cloned().collect();
        let keyring = open_keys(&keys)?;
        let rpms = rpms.or(file.recipe.rpms.as_deref());
        let read =
            rpms.into_iter().chain([base.as_path()]).chain(keys.iter().map(PathBuf::as_path));
        let inputs = read.flat_map(outputs::files_read_from).collect();
        let shelf = match rpms {
            Some(directory) => repository::read_add_ons(directory, generation, &keyring)?,
            None => AddOns::default(),
        };
        let system = resolve(&file.recipe, profile)?;
        let known = system.profile.packages.known.clone();
        Ok(Self {
            asked: system.requested_packages(),
            known,
            generation,
            base,
            shelf,
            keyring,
            inputs,
        })
    }

    fn asked(&self) -> DepsolveRequest<'_> {
        DepsolveRequest {
            packages: &self.asked,
            generation: self.generation,
            known: &self.known,
            keyring: &self.keyring,
        }
    }
}

/// Judges a medium with its add-ons.
pub fn check(args: &CheckPackagesArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = reporting::Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let (base, rpms) = (args.base.as_deref(), args.rpms.as_deref());
    let question = PackageRequest::from_args(&args.recipe, base, rpms, &args.rpm_key, assets)?;
    let (_, medium) = open_medium(&question.base)?;
    reporter.check_outputs(&[], &question.inputs)?;
    let facts = inspect::inspect_packages(&medium, &question.shelf, &question.asked());
    let (fail_on, now) = (reporter.fail_on, reporter.now());
    reporter.write(&evaluate(&question.base, &facts, &checks, fail_on, now))
}

/// The report of a set of packages.
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

/// Why the packages of a plan are not proven to install; nothing when they are, or when another
/// disc has them.
pub fn incomplete(plan: &Plan, checks: &CheckSet) -> Vec<String> {
    let Some(base) = &plan.base else { return Vec::new() };
    let shelf = AddOns { packages: plan.packages.clone(), ..AddOns::default() };
    let profile = &plan.system.profile;
    let packages = plan.system.requested_packages();
    let asked = DepsolveRequest {
        packages: &packages,
        generation: profile.generation,
        known: &profile.packages.known,
        keyring: &plan.keyring,
    };
    let facts = inspect::inspect_packages(&base.medium, &shelf, &asked);
    // One reason, once, and not for every fact that it makes unknown.
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

/// A package to fetch.
pub struct MissingPackage {
    /// Its name, or what it has to provide.
    pub name: String,
    /// Its file, when it is known.
    pub file: Option<String>,
    /// Why.
    pub why: String,
}

/// What to fetch so that the recipe installs from a medium.
pub fn missing_packages(args: &ListArgs, assets: &Assets) -> anyhow::Result<Vec<MissingPackage>> {
    let choice = RecipeArgs { recipe: args.recipe.clone(), settings: Vec::new() };
    let question = PackageRequest::from_args(
        &choice,
        args.base.as_deref(),
        args.rpms.as_deref(),
        &[],
        assets,
    )?;
    let (_, medium) = open_medium(&question.base)?;
    let addons = question
        .shelf
        .packages
        .iter()
        .map(|package| (package.metadata(), package.location.clone()));
    let stock = AvailablePackages::read(&medium, addons)?;
    let solution = stock.solve(&question.asked());
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
    // What a package that is not there requires cannot be asked; some of it is known by heart.
    for file in &question.known {
        let Some(name) = package_name_of_file(file) else { continue };
        let listed = rows.iter().any(|row| row.file.as_ref() == Some(file));
        if !rows.is_empty() && !listed && !stock.has_package(name) {
            let why = "those above were seen to need it".to_owned();
            rows.push(MissingPackage { name: name.to_owned(), file: Some(file.clone()), why });
        }
    }
    Ok(rows)
}
