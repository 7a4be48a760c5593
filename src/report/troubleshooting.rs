//! The model of `troubleshoot`: what a text may be about, the causes, what was found about them. It only grows:
//! programs read it.
//!
//! Not for finding candidates or deciding causes: that is `knowledge`'s.

use std::collections::BTreeSet;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::model::{CheckResult, CheckedTarget, ToolInfo};
use crate::check::definition::{Check, CheckSet, Remedy, SourceReference};
use crate::check::engine::{Finding, Outcome, Target};
use crate::check::finding::OutcomeKind;
use crate::check::provider::Provider;
use crate::facts::azure::item::AzureError;
use crate::facts::azure::troubles::MachineTrouble;
use crate::facts::target_kind::TargetKind;
use crate::knowledge::candidate::{Candidate, Confidence, Matches, QuotedLine};
use crate::knowledge::diagnosis::{CauseVerdict, Diagnosis, diagnose, exit_status};
use crate::knowledge::document::{SearchDocument, Subject};
use crate::knowledge::symptom::{Cause, cause_checks, remedies};

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.troubleshoot/2";

/// How many candidates are named as nearest when none is likely.
const MAX_NEAREST: usize = 3;

/// What a text describes, with the causes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Troubleshooting {
    /// Always `preflight.troubleshoot/2`.
    pub schema: String,
    /// What made it.
    pub tool: ToolInfo,
    /// What the candidates are worth as a whole.
    pub answer: Answer,
    /// What the text may be about, best first: what is likely, then what is possible.
    pub candidates: Vec<CandidateRow>,
    /// When none is likely, the three that come nearest.
    pub nearest: Vec<NearRow>,
    /// The topic, if the text is about one that is out of scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_scope: Option<TopicRow>,
    /// The answer to that topic alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// What went wrong with the site's machines, as the vault tells it: failed jobs, then errors of their health.
    pub vault: Vec<VaultTrouble>,
    /// The targets that were checked.
    pub targets: Vec<CheckedTarget>,
    /// What was found there: the suspected checks, and those they require.
    pub results: Vec<CheckResult>,
    /// The exit status: without a target 0 when something is likely, otherwise 3; with one 1 when a
    /// cause is confirmed, 0 when all are ruled out, 3 when neither. 3 when it is out of scope.
    pub exit_code: u8,
}

/// What the candidates are worth as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// At least one is likely.
    Likely,
    /// None is likely; those that are named come nearest.
    Nearest,
    /// Nothing that is known has a word of it.
    Nothing,
    /// The text is about something else.
    OutOfScope,
}

/// Something that went wrong with a machine, in the vault's own words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VaultTrouble {
    /// The machine.
    pub machine: String,
    /// The job that failed; none for an error of its health.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// When, such as `2026-11-20T03:00:00Z`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// The code; empty where Azure names none.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What may be behind it.
    pub causes: String,
    /// What is to be done.
    pub action: String,
    /// The checks and symptoms that know the code, by their ids.
    pub entries: Vec<String>,
}

impl VaultTrouble {
    /// Returns the row of one trouble; `find` finds what knows its code.
    pub fn new<'k>(
        trouble: MachineTrouble,
        find: impl Fn(&str) -> Vec<&'k SearchDocument>,
    ) -> Self {
        let MachineTrouble { machine, job, at, error } = trouble;
        let entries = find(&error.code).iter().map(|document| document.id.clone()).collect();
        let AzureError { code, message, causes, action, .. } = error;
        let at = at.map(|at| at.to_string());
        Self { machine, job, at, code, message, causes, action, entries }
    }
}

/// A topic that is out of scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TopicRow {
    /// The topic.
    pub topic: String,
    /// Where to go with it.
    pub says: String,
    /// Checks that tell whether it is so.
    pub checks: Vec<String>,
}

/// Something that the text may be about.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CandidateRow {
    /// Which check, symptom or step it is.
    #[serde(flatten)]
    pub id: CandidateId,
    /// What people see, what should hold, or what is to be done.
    pub title: String,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// How sure it is.
    pub confidence: Confidence,
    /// Codes, messages, lines and words of the text that are evidence for it.
    pub because: Vec<String>,
    /// The lines that are evidence, in the order of the text; the first ones, when they are many.
    pub lines: Vec<QuotedLine>,
    /// How many lines are evidence.
    pub line_count: usize,
    /// The checks that tell its causes apart.
    pub checks: Vec<String>,
    /// The steps of the guide that these checks prove.
    pub steps: Vec<String>,
    /// The command that confirms it, or rules it out.
    pub confirm: String,
    /// The causes, likeliest first; before them the one that fits the text clearly better.
    pub causes: Vec<CauseRow>,
    /// Where it is written.
    pub source: SourceReference,
}

/// A candidate's id, by its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CandidateId {
    /// A symptom.
    Symptom(String),
    /// A check.
    Check(String),
    /// A step of the guide.
    Step(String),
}

impl CandidateId {
    fn from_document(document: &SearchDocument) -> Self {
        let id = document.id.clone();
        match document.kind {
            Subject::Check => Self::Check(id),
            Subject::Step => Self::Step(id),
            Subject::Symptom | Subject::Topic => Self::Symptom(id),
        }
    }

    /// Returns the id itself.
    pub fn as_str(&self) -> &str {
        let (Self::Symptom(id) | Self::Check(id) | Self::Step(id)) = self;
        id
    }
}

/// One of those that come nearest.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NearRow {
    /// Which check, symptom or step it is.
    #[serde(flatten)]
    pub id: CandidateId,
    /// What people see, what should hold, or what is to be done.
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
        let row = |candidate: &Candidate<'_>| CandidateRow::new(candidate, checks);
        let candidates = matches.candidates.iter().map(row).collect();
        Self::assemble(matches, candidates, None)
    }

    /// Builds the result for a text and the findings about it. What was confirmed comes first, what was ruled out last.
    pub fn from_findings(
        matches: &Matches<'_>,
        checks: &CheckSet,
        targets: &[Target],
        findings: &[Finding],
    ) -> Self {
        let suspects = matches.suspects();
        let mut statuses = Vec::new();
        let mut rows: Vec<(u8, CandidateRow)> = Vec::new();
        for candidate in &matches.candidates {
            let mut row = CandidateRow::new(candidate, checks);
            let mut place = 1;
            if suspects.contains(&candidate.document.id.as_str()) {
                let diagnoses = diagnose(candidate.causes.iter().copied(), checks, findings);
                let status = exit_status(&diagnoses);
                row.causes = diagnoses.iter().map(|d| CauseRow::decided(d, checks)).collect();
                row.causes.sort_by_key(CauseRow::place);
                place = if status == 1 {
                    0
                } else if status == 0 {
                    2
                } else {
                    1
                };
                statuses.push(status);
            }
            rows.push((place, row));
        }
        rows.sort_by_key(|(place, _)| *place);
        let exit_code = if statuses.contains(&1) {
            1
        } else if !statuses.is_empty() && statuses.iter().all(|&status| status == 0) {
            0
        } else {
            3
        };
        let checked =
            |target: &Target| CheckedTarget { name: target.name.clone(), kind: target.kind };
        let candidates = rows.into_iter().map(|(_, row)| row).collect();
        Self {
            targets: targets.iter().map(checked).collect(),
            results: findings.iter().cloned().map(CheckResult::from).collect(),
            ..Self::assemble(matches, candidates, Some(exit_code))
        }
    }

    fn assemble(
        matches: &Matches<'_>,
        candidates: Vec<CandidateRow>,
        exit_code: Option<u8>,
    ) -> Self {
        let is_likely = candidates.iter().any(|row| row.confidence == Confidence::Likely);
        let answer = match matches.out_of_scope {
            Some(_) => Answer::OutOfScope,
            None if is_likely => Answer::Likely,
            None if candidates.is_empty() => Answer::Nothing,
            None => Answer::Nearest,
        };
        let near = |row: &CandidateRow| NearRow {
            id: row.id.clone(),
            title: row.title.clone(),
            score: row.score,
        };
        let nearest = match answer {
            Answer::Nearest => candidates.iter().take(MAX_NEAREST).map(near).collect(),
            Answer::Likely | Answer::Nothing | Answer::OutOfScope => Vec::new(),
        };
        let topic = |topic: &SearchDocument| TopicRow {
            topic: topic.id.clone(),
            says: topic.title.clone(),
            checks: topic.checks().into_iter().map(str::to_owned).collect(),
        };
        Self {
            schema: SCHEMA.to_owned(),
            tool: ToolInfo {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            answer,
            candidates,
            nearest,
            out_of_scope: matches.out_of_scope.map(topic),
            elsewhere: matches.out_of_scope.map(|topic| topic.title.clone()),
            vault: Vec::new(),
            targets: Vec::new(),
            results: Vec::new(),
            exit_code: exit_code.unwrap_or(if answer == Answer::Likely { 0 } else { 3 }),
        }
    }
}

impl CandidateRow {
    fn new(candidate: &Candidate<'_>, checks: &CheckSet) -> Self {
        let document = candidate.document;
        let named = document.checks();
        Self {
            id: CandidateId::from_document(document),
            title: document.title.clone(),
            score: rounded(candidate.score),
            confidence: candidate.confidence,
            because: candidate.because.clone(),
            lines: candidate.lines.clone(),
            line_count: candidate.line_count,
            confirm: confirming_command(document, &named, checks),
            checks: named.into_iter().map(str::to_owned).collect(),
            steps: document.steps.clone(),
            causes: candidate.causes.iter().map(|cause| CauseRow::new(cause, checks)).collect(),
            source: document.source.clone(),
        }
    }
}

/// Returns the command that confirms a candidate or rules it out.
fn confirming_command(document: &SearchDocument, named: &[&str], checks: &CheckSet) -> String {
    let needs: BTreeSet<Provider> = named
        .iter()
        .filter_map(|id| checks.find(id))
        .flat_map(|check| check.required_providers().iter().copied())
        .collect();
    let is_all = |all: &[Provider]| needs.iter().all(|need| all.contains(need));
    match named {
        [] => format!("preflight explain {}", document.id),
        [id] if is_all(&[Provider::Answers]) => format!("preflight answer SITE.yaml {id}"),
        [id] if is_all(&[Provider::Image]) => format!("preflight explain {id}"),
        _ if is_all(&[Provider::MasterTarget, Provider::Record]) => {
            format!("preflight troubleshoot {} --target ssh://root@MASTER-TARGET", document.id)
        }
        _ => format!("preflight troubleshoot {} --site SITE.yaml", document.id),
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

    /// Returns where it stands among the causes of a candidate: what was confirmed first, what was ruled out last.
    fn place(&self) -> u8 {
        match self.verdict {
            Some(CauseVerdict::Confirmed) => 0,
            Some(CauseVerdict::Undecided) | None => 1,
            Some(CauseVerdict::RuledOut) => 2,
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
                    target: finding.target.to_string(),
                    outcome: finding.outcome.kind(),
                    found: finding.found.to_string(),
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
                    remedies.push(finding.remedy.as_ref().clone());
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
            question: check.question().filter(|_| check.is_question()).map(str::to_owned),
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
