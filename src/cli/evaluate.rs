//! Evaluates facts and makes the report: of systems, of an image, of a set of packages.
//!
//! Not for what a check means (`check`), nor for writing reports (`reporting`).

use std::path::Path;

use super::args::SelectArgs;
use super::captures::save_captures;
use super::collect::{self, CollectOptions};
use super::reporting::Reporter;
use super::selection::Selection;
use super::{ExitStatus, outputs};
use crate::check::scope::Scope;
use crate::check::status::FailOn;
use crate::check::{self, CheckSet, Finding, Target, engine};
use crate::facts::Document;
use crate::facts::image::ImageFacts;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::image::manifest::VerifiedCheck;
use crate::report::{self, Report};
use crate::site::assemble::{Coverage, Responses};

/// Checks systems for every verb that does: collect, assemble, evaluate, report.
pub fn check_systems(
    mut selection: Selection,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
    choice: &SelectArgs,
    reporter: &Reporter,
) -> anyhow::Result<ExitStatus> {
    reporter.check_outputs(&[], &outputs::site_inputs(&selection.site))?;
    selection.choose(choice, checks)?;
    checks.compile_in_background(&selection.hosts.iter().map(|host| host.kind).collect());
    let sources = selection.sources(checks, options)?;
    let responses = collect::collect(sources, options)?;
    let targets = selection.assemble(&responses, checks)?;
    reporter.write(&evaluate_systems(&selection, &responses, &targets, checks, reporter))
}

/// Collects from systems and saves the transcripts.
pub fn collect_systems(
    mut selection: Selection,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
    out: Option<&Path>,
) -> anyhow::Result<ExitStatus> {
    let sources = selection.sources(checks, options)?;
    let responses = collect::collect(sources, options)?;
    let transcripts: Vec<Transcript> = responses.all().cloned().collect();
    save_captures(&transcripts, out)
}

/// Evaluates the targets of systems and returns the report.
fn evaluate_systems(
    selection: &Selection,
    responses: &Responses,
    targets: &[Target],
    checks: &CheckSet,
    reporter: &Reporter,
) -> Report {
    let (now, fail_on) = (reporter.now(), reporter.fail_on);
    // The time of a report is that of collecting, so that evaluating a capture gives the same
    // report as evaluating the live host. Waivers expire by the time of the evaluation.
    let at = responses.all().filter_map(|answers| answers.asked_at).max().unwrap_or(now);
    let waivers = &selection.site.waivers;
    let (scope, findings) = evaluate_targets(selection, targets, checks, now);
    let notes = engine::waiver_notes(waivers, &findings, now);
    let mut report = Report::new(targets, findings, &scope.skipped, &notes, at, fail_on);
    report.notes.extend(selection.left_out(checks, targets));
    let report = match selection.coverage {
        Coverage::NamedServers | Coverage::HostsAlone => report,
        _ => report.with_topology(selection.site.topology(targets)),
    };
    if collect::was_interrupted(responses) { report.interrupted() } else { report }
}

/// Evaluates the targets of systems and returns what was evaluated, and the findings of it.
pub fn evaluate_targets(
    selection: &Selection,
    targets: &[Target],
    checks: &CheckSet,
    now: jiff::Timestamp,
) -> (Scope, Vec<Finding>) {
    let scope = Scope::new(checks, targets).selected(checks, targets, &selection.choice);
    let findings = engine::evaluate_scope(checks, targets, &scope, &selection.site.waivers, now);
    (scope, findings)
}

/// Evaluates an image and returns the report.
pub fn evaluate_image(
    path: &Path,
    facts: &ImageFacts,
    checks: &CheckSet,
    reporter: &Reporter,
) -> Report {
    let document = Document::new("image", facts);
    let (fail_on, now) = (reporter.fail_on, reporter.now());
    evaluate_file(path, TargetKind::Image, document, checks, fail_on, now)
}

/// Evaluates the facts of one file and returns the report.
pub fn evaluate_file(
    path: &Path,
    kind: TargetKind,
    document: Document,
    checks: &CheckSet,
    fail_on: FailOn,
    now: jiff::Timestamp,
) -> Report {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let targets = [Target::new(name, kind, document)];
    let findings = check::evaluate(checks, &targets, &[], now);
    Report::new(&targets, findings, &[], &[], now, fail_on)
}

/// Returns the outcomes of a report for the manifest beside an image.
pub fn verified_checks(report: &Report) -> Vec<VerifiedCheck> {
    let row = |result: &report::model::CheckResult| VerifiedCheck {
        check: result.check.clone(),
        outcome: result.outcome.as_str().to_owned(),
    };
    report.results.iter().map(row).collect()
}
