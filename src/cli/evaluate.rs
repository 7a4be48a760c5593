//! Evaluates facts and makes the report: of systems, of an image, of a set of packages.
//!
//! Not for what a check means (`check`), nor for writing reports (`reporting`).

use std::path::Path;

use super::args::SelectArgs;
use super::capture_stream::CaptureStream;
use super::captures::save_captures;
use super::collect::{self, CollectOptions};
use super::evaluation::Evaluation;
use super::reporting::Reporter;
use super::selection::Selection;
use super::{ExitStatus, outputs, watch};
use crate::check::scope::Scope;
use crate::check::status::FailOn;
use crate::check::{self, CheckSet, Finding, Target, engine};
use crate::facts::Document;
use crate::facts::azure::answers::VaultAnswers;
use crate::facts::image::ImageFacts;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::image::manifest::VerifiedCheck;
use crate::report::{self, Report};
use crate::site::assemble::Coverage;

/// Checks systems for every verb that does: collect, assemble, evaluate, report. With `--watch` again and again, each time of
/// what `select` then returns.
pub fn check_systems(
    select: impl Fn() -> anyhow::Result<Selection>,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
    choice: &SelectArgs,
    reporter: &Reporter,
) -> anyhow::Result<ExitStatus> {
    let look = || {
        let mut selection = select()?;
        reporter.check_outputs(&[], &outputs::site_inputs(&selection.site))?;
        selection.choose(choice, checks)?;
        let evaluation = evaluate_systems(&mut selection, checks, options, reporter.now())?;
        Ok(evaluation.into_report(reporter.fail_on))
    };
    match choice.watch {
        None => reporter.write(&look()?),
        Some(every) => {
            let fixes = options.fix.is_some_and(|fix| fix.fix);
            anyhow::ensure!(!fixes, "--watch looks again and again, and --fix is for once");
            watch::watch(look, every, reporter)
        }
    }
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

/// Collects from the selected systems and evaluates them.
pub fn evaluate_systems(
    selection: &mut Selection,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
    now: jiff::Timestamp,
) -> anyhow::Result<Evaluation> {
    checks.compile_in_background(&selection.hosts.iter().map(|host| host.kind).collect());
    if let Some(captures) = CaptureStream::find(selection, checks, options)? {
        return captures.evaluate(selection, checks, options, now);
    }
    let sources = selection.sources(checks, options)?;
    let responses = collect::collect(sources, options)?;
    let targets = selection.assemble(&responses, checks)?;
    // The time of a report is that of collecting, so that evaluating a capture gives the same
    // report as evaluating the live host. Waivers expire by the time of the evaluation.
    let of_azure = responses.azure.iter().filter_map(VaultAnswers::asked_at);
    let of_systems = responses.all().filter_map(|answers| answers.asked_at);
    let at = of_systems.chain(of_azure).max().unwrap_or(now);
    let waivers = &selection.site.waivers;
    let (scope, findings) = evaluate_targets(selection, &targets, checks, now);
    Ok(Evaluation {
        waiver_notes: engine::waiver_notes(waivers, &findings, now),
        left_out: selection.left_out(checks, &targets),
        topology: match selection.coverage {
            Coverage::NamedServers | Coverage::HostsAlone => None,
            _ => Some(selection.site.topology(&targets)),
        },
        skipped: scope.skipped,
        findings,
        targets,
        at,
        is_complete: !collect::was_interrupted(&responses),
    })
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
        check: result.check.to_string(),
        outcome: result.outcome.as_str().to_owned(),
    };
    report.results.iter().map(row).collect()
}
