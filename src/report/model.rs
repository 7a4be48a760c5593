//! What a report says, whatever its format. It only grows: programs read it.
//!
//! Not for how it is shown.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use smol_str::{SmolStr, ToSmolStr};
use std::sync::Arc;

use crate::check::definition::{Remedy, Severity, SourceReference};
use crate::check::engine::{Finding, Outcome, SkippedCheck, Target};
use crate::check::evidence::Evidence;
use crate::check::finding::{EarlierFix, OutcomeKind};
use crate::check::scope::machine_stages;
use crate::check::status::{Counts, FailOn, exit_status};
use crate::check::unknown::{Unknown, UnknownCause};
use crate::check::waiver::WaiverNote;
use crate::facts::stage::MachineStage;
use crate::facts::target_kind::TargetKind;
use crate::facts::topology::Topology;

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.report/1";

/// The outcomes of checks on targets.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Always `preflight.report/1`.
    pub schema: String,
    /// What made the report.
    pub tool: ToolInfo,
    /// The run it is of.
    pub run: RunInfo,
    /// The stage of each machine, and how it is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub stages: Vec<MachineStage>,
    /// The targets that were checked.
    pub targets: Vec<CheckedTarget>,
    /// One entry for each check planned on a target.
    pub results: Vec<CheckResult>,
    /// The checks that were not run, for want of what decides them.
    pub not_asked: Vec<SkippedCheck>,
    /// What should be known about waivers.
    pub notes: Vec<String>,
    /// What the results add up to.
    pub summary: Summary,
    /// The systems of the site and the connections between them, for the picture.
    #[serde(skip)]
    pub topology: Option<Topology>,
}

/// What made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Tool")]
pub struct ToolInfo {
    /// Always `preflight`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Default for ToolInfo {
    /// This program.
    fn default() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The run a report is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "Run")]
pub struct RunInfo {
    /// The moment of the evaluation, RFC 3339 in UTC.
    pub at: String,
    /// Whether nothing interrupted it.
    pub complete: bool,
}

/// A target that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "JudgedTarget")]
pub struct CheckedTarget {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
}

/// One check on one target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CheckResult {
    /// The check.
    pub check: SmolStr,
    /// The target.
    pub target: SmolStr,
    /// The outcome.
    pub outcome: OutcomeKind,
    /// The severity that counts here: a pass that is graded down is a warning.
    pub severity: Severity,
    /// What should hold.
    pub title: SmolStr,
    /// What was found, or why nothing could be.
    pub found: SmolStr,
    /// Why it is unknown or not applicable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SmolStr>,
    /// What keeps it from being decided; `reason` says the same to programs.
    #[serde(skip)]
    pub unknown: Option<Arc<Unknown>>,
    /// True when the check itself is at fault.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub defect: bool,
    /// Who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Box<AppliedWaiver>>,
    /// How a failure shows itself to people.
    pub symptom: SmolStr,
    /// How to fix it; without commands while another fix comes first.
    #[serde(serialize_with = "serialize_shared")]
    pub remedy: Arc<Remedy>,
    /// What has to be fixed or decided before, in working order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub after: Vec<EarlierFix>,
    /// The failures that probably explain this one: its own fix may not be needed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub explained_by: Vec<EarlierFix>,
    /// Why its fix waits for another stage of a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<SmolStr>,
    /// Its place in the working order of fixes: smaller comes first.
    pub order: usize,
    /// Whether data is being lost, so that its fix comes before everything else.
    #[serde(skip)]
    pub is_urgent: bool,
    /// Whether its fix is for a master target that does not stay.
    #[serde(skip)]
    pub is_moot: bool,
    /// Whether it is among the gates, which come before all other work.
    #[serde(skip)]
    pub is_gate: bool,
    /// Where it is written.
    #[serde(serialize_with = "serialize_shared")]
    pub source: Arc<SourceReference>,
    /// Since when it fails, as far as the report of `--since` and those before it tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The known facts that the rule names, by path.
    pub evidence: Evidence,
}

/// Serialises what results share as if each had its own.
fn serialize_shared<T: Serialize, S: Serializer>(
    value: &Arc<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.as_ref().serialize(serializer)
}

/// A waiver that covers a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema, derive_more::Display)]
#[display("{reason} ({owner}, until {expires})")]
pub struct AppliedWaiver {
    /// Why.
    pub reason: String,
    /// Who owns it.
    pub owner: String,
    /// The last day it counts.
    pub expires: String,
}

/// What results add up to: `planned` is the sum of the outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Checks planned on targets.
    pub planned: usize,
    /// How many hold.
    pub pass: usize,
    /// How many do not, warnings among them.
    pub fail: usize,
    /// How many could not be decided.
    pub unknown: usize,
    /// How many are not applicable.
    pub not_applicable: usize,
    /// How many do not hold and are waived.
    pub waived: usize,
    /// The exit status: 0, 1, 2 or 3, and 130 when the run was interrupted.
    #[serde(rename = "exit_code")]
    pub exit_code: u8,
}

impl CheckResult {
    /// Returns what keeps it from being decided.
    pub fn cause(&self) -> Option<&UnknownCause> {
        self.unknown.as_ref().map(|unknown| &unknown.cause)
    }
}

impl Report {
    /// The report of a run that was not interrupted.
    pub fn new(
        targets: &[Target],
        findings: Vec<Finding>,
        not_asked: &[SkippedCheck],
        notes: &[WaiverNote],
        now: Timestamp,
        fail_on: FailOn,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tool: ToolInfo::default(),
            run: RunInfo { at: now.to_string(), complete: true },
            stages: machine_stages(targets),
            targets: targets
                .iter()
                .map(|target| CheckedTarget { name: target.name.clone(), kind: target.kind })
                .collect(),
            summary: Summary::new(
                Counts::from_findings(&findings),
                exit_status(&findings, fail_on),
            ),
            results: findings.into_iter().map(CheckResult::from).collect(),
            not_asked: not_asked.to_vec(),
            notes: notes.iter().map(ToString::to_string).collect(),
            topology: None,
        }
    }
}

impl Report {
    /// Returns the report with the site that its targets are of.
    pub fn with_topology(self, topology: Topology) -> Self {
        Self { topology: Some(topology), ..self }
    }

    /// Returns the name that the site's author gave it.
    pub fn site_name(&self) -> Option<&str> {
        self.topology.as_ref()?.name.as_deref()
    }

    /// Returns the report of a run that was stopped before everything was collected.
    pub fn interrupted(self) -> Self {
        let run = RunInfo { complete: false, ..self.run };
        Self { run, summary: Summary { exit_code: INTERRUPTED, ..self.summary }, ..self }
    }
}

/// The exit status of a run that SIGINT stopped, as shells have it.
const INTERRUPTED: u8 = 128 + 2;

impl Summary {
    fn new(counts: Counts, exit_code: u8) -> Self {
        let Counts { planned, pass, fail, unknown, not_applicable, waived } = counts;
        Self { planned, pass, fail, unknown, not_applicable, waived, exit_code }
    }
}

impl From<Finding> for CheckResult {
    fn from(finding: Finding) -> Self {
        let outcome = finding.outcome.kind();
        let mut undecided = None;
        let (reason, defect, waiver) = match finding.outcome {
            Outcome::Pass | Outcome::Fail => (None, false, None),
            Outcome::Unknown(unknown) => {
                let (reason, defect) = (unknown.to_smolstr(), unknown.is_defect());
                undecided = Some(unknown);
                // What was found is the same text, and takes no second place.
                let reason = if reason == finding.found { finding.found.clone() } else { reason };
                (Some(reason), defect, None)
            }
            Outcome::NotApplicable { reason, .. } => (Some(reason), false, None),
            Outcome::Waived { reason, owner, expires } => {
                (None, false, Some(Box::new(AppliedWaiver { reason, owner, expires })))
            }
        };
        Self {
            check: finding.check,
            target: finding.target,
            outcome,
            severity: finding.severity,
            title: finding.title,
            found: finding.found,
            reason,
            unknown: undecided,
            defect,
            waiver,
            symptom: finding.symptom,
            remedy: finding.remedy,
            after: finding.after,
            explained_by: finding.explained_by,
            held: finding.held,
            order: finding.order,
            is_urgent: finding.is_urgent,
            is_moot: finding.is_moot,
            is_gate: finding.is_gate,
            source: finding.source,
            since: None,
            evidence: finding.evidence,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::check::provider::Provider;
    use crate::check::status::tests::finding;
    use crate::facts::Document;

    /// A report of findings that have nothing to say, on targets in the order of their names.
    pub(crate) fn report(findings: &[(&str, Outcome, Severity)]) -> Report {
        let mut targets: Vec<Target> = Vec::new();
        for (name, _, _) in findings {
            if targets.iter().all(|target| target.name != *name) {
                let (kind, document) = (TargetKind::LinuxMt, Document::default());
                targets.push(Target::new((*name).to_owned(), kind, document));
            }
        }
        let findings: Vec<Finding> = findings
            .iter()
            .map(|(target, outcome, severity)| Finding {
                target: (*target).into(),
                ..finding(outcome.clone(), *severity)
            })
            .collect();
        let now = "2026-11-20T03:00:00Z".parse().unwrap();
        Report::new(&targets, findings, &[], &[], now, FailOn::Blocker)
    }

    /// One finding of each kind on two targets, one check that was not run, and a note.
    pub(crate) fn every_outcome() -> Report {
        let unknown = crate::check::status::tests::unknown("no answer");
        let not_applicable = Outcome::NotApplicable { reason: "no disk".into(), by_failure: false };
        let waived = Outcome::Waived {
            reason: "a lab".to_owned(),
            owner: "ann".to_owned(),
            expires: "2026-12-31".to_owned(),
        };
        let mut report = report(&[
            ("mt1", Outcome::Pass, Severity::DataLoss),
            ("mt1", Outcome::Fail, Severity::BlocksReprotect),
            ("mt1", Outcome::Fail, Severity::Warning),
            ("mt1", Outcome::Fail, Severity::Info),
            ("mt2", unknown, Severity::BlocksFailback),
            ("mt2", not_applicable, Severity::Warning),
            ("mt2", waived, Severity::BlocksReprotect),
        ]);
        let ids = ["a.pass", "a.blocker", "a.warning", "a.info", "a.unknown", "a.na", "a.waived"];
        for (result, id) in report.results.iter_mut().zip(ids) {
            result.check = id.into();
        }
        let blocker = &mut report.results[1];
        blocker.found = "/mnt/retention is vfat".into();
        let remedy = Arc::make_mut(&mut blocker.remedy);
        remedy.commands = vec!["mkfs.ext4 /dev/DEVICE".to_owned()];
        remedy.downtime = true;
        blocker.evidence = Evidence::from_facts(&[("mt.retention.fstype", "vfat".into())].into());
        report.tool.version = "1.2.3".to_owned();
        report.not_asked = vec![SkippedCheck {
            check: "vm.b".into(),
            title: "it is on".into(),
            target: "mt1".into(),
            needs: vec![Provider::Vsphere],
        }];
        report.notes = vec!["the waiver of x for y expired".to_owned()];
        report
    }
}
