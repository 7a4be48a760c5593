//! The model of `troubleshoot`: symptoms that fit, their causes, what was found
//! about them. It only grows: programs read it.
//!
//! Not for recognising symptoms or deciding causes: that is `knowledge`'s.

use std::collections::BTreeSet;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::model::{CheckResult, CheckedTarget, ToolInfo};
use crate::check::definition::{Check, CheckSet, Criterion, Remedy, SourceReference};
use crate::check::engine::{Finding, Outcome, Target};
use crate::check::finding::OutcomeKind;
use crate::check::provider::Provider;
use crate::facts::target_kind::TargetKind;
use crate::knowledge::diagnosis::{CauseVerdict, Diagnosis, diagnose, exit_status};
use crate::knowledge::matching::{Candidate, Matches};
use crate::knowledge::symptom::{Cause, cause_checks, remedies};

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.troubleshoot/1";

/// The symptoms that a text describes, with their causes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Troubleshooting {
    /// Always `preflight.troubleshoot/1`.
    pub schema: String,
    /// What made it.
    pub tool: ToolInfo,
    /// The symptoms that fit, best first; empty when none does.
    pub candidates: Vec<CandidateRow>,
    /// When none fits, those that come nearest, if any comes near.
    pub nearest: Vec<NearRow>,
    /// The answer, if the text is about a topic that is out of scope.
    #[serde(rename = "elsewhere", skip_serializing_if = "Option::is_none")]
    pub out_of_scope: Option<String>,
    /// The targets that were checked.
    pub targets: Vec<CheckedTarget>,
    /// What was found there: the suspected checks, and those they require.
    pub results: Vec<CheckResult>,
    /// The exit status: without a target 0 when something fits, otherwise 3; with one 1 when a
    /// cause is confirmed, 0 when all are ruled out, 3 when neither.
    pub exit_code: u8,
}

/// A symptom that fits.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CandidateRow {
    /// The symptom.
    pub symptom: String,
    /// What people see.
    pub title: String,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// Codes and lines of the text that are evidence for it.
    pub because: Vec<String>,
    /// The checks that tell its causes apart.
    pub checks: Vec<String>,
    /// The causes, likeliest first.
    pub causes: Vec<CauseRow>,
    /// Where it is written.
    pub source: SourceReference,
}

/// A symptom that nearly fits.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NearRow {
    /// The symptom.
    pub symptom: String,
    /// What people see.
    pub title: String,
    /// How well it fits, from 0 to 1.
    pub score: f64,
}

/// One cause of a symptom.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CauseRow {
    /// What is wrong.
    pub cause: String,
    /// The checks that fail then.
    pub checks: Vec<CauseCheck>,
    /// How to fix it.
    pub remedies: Vec<Remedy>,
    /// The verdict, if a target was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<CauseVerdict>,
}

/// One check of a cause.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CauseCheck {
    /// The check.
    pub check: String,
    /// What should hold.
    pub title: String,
    /// The kinds of targets that it applies to.
    pub applies_to: Vec<TargetKind>,
    /// The question, when a person has to answer it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Where its facts come from.
    pub needs: Vec<Provider>,
    /// True when targets were checked, and this check was not run.
    pub not_asked: bool,
    /// What was found, on each target.
    pub findings: Vec<CheckFinding>,
}

/// What one check found on one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckFinding {
    /// The target.
    pub target: String,
    /// The outcome of the check.
    #[schemars(with = "String")]
    pub outcome: OutcomeKind,
    /// What was found, or why nothing could be.
    pub found: String,
}

impl Troubleshooting {
    /// Builds the result for a text alone, without targets.
    pub fn from_matches(matches: &Matches<'_>, checks: &CheckSet) -> Self {
        let row = |candidate: &Candidate<'_>| {
            let causes = candidate.symptom.causes.iter();
            CandidateRow::new(candidate, causes.map(|cause| CauseRow::new(cause, checks)).collect())
        };
        let candidates: Vec<CandidateRow> = matches.candidates.iter().map(row).collect();
        let exit_code = if candidates.is_empty() { 3 } else { 0 };
        Self::assemble(matches, candidates, exit_code)
    }

    /// Builds the result for a text and the findings about it.
    pub fn from_findings(
        matches: &Matches<'_>,
        checks: &CheckSet,
        targets: &[Target],
        findings: &[Finding],
    ) -> Self {
        let mut all = Vec::new();
        let row = |candidate: &Candidate<'_>| {
            let diagnoses = diagnose(candidate.symptom, checks, findings);
            let causes = diagnoses.iter().map(|diagnosis| CauseRow::decided(diagnosis, checks));
            let row = CandidateRow::new(candidate, causes.collect());
            all.push(exit_status(&diagnoses));
            row
        };
        let candidates: Vec<CandidateRow> = matches.candidates.iter().map(row).collect();
        let exit_code = if all.contains(&1) {
            1
        } else if !all.is_empty() && all.iter().all(|&status| status == 0) {
            0
        } else {
            3
        };
        let checked =
            |target: &Target| CheckedTarget { name: target.name.clone(), kind: target.kind };
        Self {
            targets: targets.iter().map(checked).collect(),
            results: findings.iter().cloned().map(CheckResult::from).collect(),
            ..Self::assemble(matches, candidates, exit_code)
        }
    }

    fn assemble(matches: &Matches<'_>, candidates: Vec<CandidateRow>, exit_code: u8) -> Self {
        let near = |candidate: &Candidate<'_>| NearRow {
            symptom: candidate.symptom.id.clone(),
            title: candidate.symptom.title.clone(),
            score: rounded(candidate.score),
        };
        Self {
            schema: SCHEMA.to_owned(),
            tool: ToolInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            candidates,
            nearest: matches.nearest.iter().map(near).collect(),
            out_of_scope: matches.out_of_scope.map(str::to_owned),
            targets: Vec::new(),
            results: Vec::new(),
            exit_code,
        }
    }

    /// Returns the providers of the best candidate's checks that have no finding.
    pub fn missing_providers(&self) -> BTreeSet<Provider> {
        let best = self.candidates.first().into_iter().flat_map(|candidate| &candidate.causes);
        let undecided = |check: &&CauseCheck| check.findings.is_empty();
        best.flat_map(|cause| &cause.checks)
            .filter(undecided)
            .flat_map(|c| c.needs.clone())
            .collect()
    }
}

impl CandidateRow {
    fn new(candidate: &Candidate<'_>, causes: Vec<CauseRow>) -> Self {
        let symptom = candidate.symptom;
        Self {
            symptom: symptom.id.clone(),
            title: symptom.title.clone(),
            score: rounded(candidate.score),
            because: candidate.because.clone(),
            checks: symptom.checks().into_iter().map(str::to_owned).collect(),
            causes,
            source: symptom.source.clone(),
        }
    }
}

impl CauseRow {
    fn new(cause: &Cause, checks: &CheckSet) -> Self {
        Self {
            cause: cause.cause.clone(),
            checks: cause_checks(cause, checks).map(CauseCheck::new).collect(),
            remedies: remedies(cause, checks).into_iter().cloned().collect(),
            verdict: None,
        }
    }

    fn decided(diagnosis: &Diagnosis<'_>, checks: &CheckSet) -> Self {
        let mut row = Self::new(diagnosis.cause, checks);
        for check in &mut row.checks {
            check.not_asked =
                diagnosis.skipped.iter().any(|(left_out, _)| left_out.id == check.check);
            let mine = diagnosis.findings.iter().filter(|finding| finding.check == check.check);
            check.findings = mine
                .map(|finding| CheckFinding {
                    target: finding.target.clone(),
                    outcome: finding.outcome.kind(),
                    found: finding.found.clone(),
                })
                .collect();
        }
        row.remedies = found_remedies(diagnosis, &row.remedies);
        row.verdict = Some(diagnosis.verdict);
        row
    }
}

/// Returns the remedies of a cause that was found: those of its failures, in working order, unless the cause has one
/// of its own. Commands wait for what has to be fixed before.
fn found_remedies(diagnosis: &Diagnosis<'_>, written: &[Remedy]) -> Vec<Remedy> {
    let failed = diagnosis.findings.iter().filter(|finding| finding.outcome == Outcome::Fail);
    let mut failed: Vec<&Finding> = failed.copied().collect();
    failed.sort_by_key(|finding| finding.order);
    let waits = failed.iter().find(|finding| !finding.after.is_empty());
    match (&diagnosis.cause.remedy, waits) {
        (Some(_), Some(finding)) => {
            let earlier: Vec<&str> = finding.after.iter().map(|fix| fix.check.as_str()).collect();
            let held = |remedy: &Remedy| Remedy {
                text: format!("After {}: {}", earlier.join(", "), remedy.text),
                commands: Vec::new(),
                downtime: remedy.downtime,
            };
            written.iter().map(held).collect()
        }
        (None, _) if !failed.is_empty() => {
            let mut remedies: Vec<Remedy> = Vec::new();
            for finding in failed {
                if !remedies.contains(&finding.remedy) {
                    remedies.push(finding.remedy.clone());
                }
            }
            remedies
        }
        _ => written.to_vec(),
    }
}

impl CauseCheck {
    fn new(check: &Check) -> Self {
        Self {
            check: check.id.clone(),
            title: check.title.clone(),
            applies_to: check.applies_to.clone(),
            question: match &check.criterion {
                Criterion::Question(question) => Some(question.clone()),
                Criterion::Rules { .. } => None,
            },
            needs: check.required_providers().iter().copied().collect(),
            not_asked: false,
            findings: Vec::new(),
        }
    }
}

/// Two decimals are all that a score can claim.
fn rounded(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

/// Renders it as indented JSON.
pub fn to_json(troubleshooting: &Troubleshooting) -> String {
    let text = super::json::to_string(troubleshooting).expect("texts and numbers are always JSON");
    format!("{text}\n")
}

/// `docs/troubleshoot.schema.json`.
pub fn schema_json() -> String {
    let schema = schema_for!(Troubleshooting);
    let text = serde_json::to_string_pretty(&schema).expect("a schema is always JSON");
    format!("{text}\n")
}
