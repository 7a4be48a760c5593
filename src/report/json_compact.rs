//! The report for programs without repetition: what checks and fixes share is told once, and results name it.
//!
//! Nothing of a report is left out: each of its results follows from a row here. Not for `diff`, which reads `json`.

use std::collections::HashMap;
use std::io;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use smol_str::SmolStr;

use super::json;
use super::model::{AppliedWaiver, CheckResult, CheckedTarget, Report, RunInfo, Summary, ToolInfo};
use super::style::Style;
use crate::check::definition::{Remedy, Severity, SourceReference};
use crate::check::evidence::Evidence;
use crate::check::finding::{EarlierFix, OutcomeKind};
use crate::check::scope::SkippedCheck;
use crate::facts::stage::MachineStage;

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.report-compact/1";

/// A report in which every text stands once.
#[derive(Serialize, JsonSchema)]
struct CompactReport<'r> {
    /// Always `preflight.report-compact/1`.
    schema: &'static str,
    /// What made the report.
    tool: &'r ToolInfo,
    /// The run it is of.
    run: &'r RunInfo,
    /// The stage of each machine, and how it is known.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    stages: &'r [MachineStage],
    /// The targets that were checked.
    targets: &'r [CheckedTarget],
    /// The checks that have results, in the order of their first one.
    checks: Vec<SharedCheck<'r>>,
    /// The different fixes; results name them by their places, from 0.
    remedies: Vec<&'r Remedy>,
    /// One entry for each check planned on a target.
    #[schemars(with = "Vec<CompactResult<'r>>")]
    results: Results<'r>,
    /// The checks that were not run, for want of what decides them.
    not_asked: &'r [SkippedCheck],
    /// What should be known about waivers.
    notes: &'r [String],
    /// What the results add up to.
    summary: &'r Summary,
}

/// What is the same of a check on every target.
#[derive(Serialize, JsonSchema)]
struct SharedCheck<'r> {
    /// The check.
    check: &'r SmolStr,
    /// What should hold.
    title: &'r SmolStr,
    /// How a failure shows itself to people.
    symptom: &'r SmolStr,
    /// Where it is written.
    source: &'r SourceReference,
}

/// One check on one target.
#[derive(Serialize, JsonSchema)]
struct CompactResult<'r> {
    /// The check.
    check: &'r SmolStr,
    /// The target.
    target: &'r SmolStr,
    /// The outcome.
    outcome: OutcomeKind,
    /// The severity that counts here: a pass that is graded down is a warning.
    severity: Severity,
    /// What was found, or why nothing could be.
    found: &'r SmolStr,
    /// Why it is unknown or not applicable, where that is not what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'r SmolStr>,
    /// True when the check itself is at fault.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    defect: bool,
    /// Who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiver: Option<&'r AppliedWaiver>,
    /// The place of its fix among `remedies`.
    remedy: usize,
    /// What has to be fixed or decided before, in working order.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    after: &'r [EarlierFix],
    /// The failures that probably explain this one: its own fix may not be needed.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    explained_by: &'r [EarlierFix],
    /// Why its fix waits for another stage of a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<&'r SmolStr>,
    /// Its place in the working order of fixes: smaller comes first.
    order: usize,
    /// Since when it fails, as far as the report of `--since` and those before it tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<jiff::Timestamp>,
    /// The known facts that the rule names, by path.
    evidence: &'r Evidence,
}

/// The results, each made when it is written.
struct Results<'r> {
    report: &'r Report,
    remedies: HashMap<&'r Remedy, usize>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let results = self.report.results.iter();
        serializer.collect_seq(results.map(|result| self.compact(result)))
    }
}

impl Results<'_> {
    fn compact<'r>(&self, result: &'r CheckResult) -> CompactResult<'r> {
        CompactResult {
            check: &result.check,
            target: &result.target,
            outcome: result.outcome,
            severity: result.severity,
            found: &result.found,
            reason: result.reason.as_ref().filter(|reason| **reason != result.found),
            defect: result.defect,
            waiver: result.waiver.as_deref(),
            remedy: self.remedies[&*result.remedy],
            after: &result.after,
            explained_by: &result.explained_by,
            held: result.held.as_ref(),
            order: result.order,
            since: result.since,
            evidence: &result.evidence,
        }
    }
}

/// Writes the report as JSON on one line.
///
/// # Errors
///
/// Fails when the output does.
pub fn write(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let (mut checks, mut seen) = (Vec::new(), HashMap::new());
    let (mut remedies, mut places) = (Vec::new(), HashMap::new());
    for result in &report.results {
        seen.entry(&result.check).or_insert_with(|| {
            let CheckResult { check, title, symptom, source, .. } = result;
            checks.push(SharedCheck { check, title, symptom, source });
        });
        let remedy = &*result.remedy;
        places.entry(remedy).or_insert_with(|| {
            remedies.push(remedy);
            remedies.len() - 1
        });
    }
    let compact = CompactReport {
        schema: SCHEMA,
        tool: &report.tool,
        run: &report.run,
        stages: &report.stages,
        targets: &report.targets,
        checks,
        remedies,
        results: Results { report, remedies: places },
        not_asked: &report.not_asked,
        notes: &report.notes,
        summary: &report.summary,
    };
    json::write_line(&compact, out)
}

/// `docs/report-compact.schema.json`.
pub fn schema_json() -> String {
    json::schema_of::<CompactReport<'static>>()
}
