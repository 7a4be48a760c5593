//! Two reports compared: what fails now and did not before, what no longer fails, what still fails and since when.
//!
//! A report is compared as its JSON has it, so that one of last month can be compared with one of now. Not for how a comparison is
//! shown (`comparison_text`), nor for making reports.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::model::{self, CheckResult, Report};
use crate::check::definition::Severity;
use crate::check::finding::OutcomeKind;

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.diff/1";

/// A report as far as it is compared.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RecordedReport {
    schema: String,
    run: RecordedRun,
    results: Vec<RecordedResult>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct RecordedRun {
    at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct RecordedResult {
    check: SmolStr,
    target: SmolStr,
    outcome: OutcomeKind,
    severity: Severity,
    title: SmolStr,
    found: SmolStr,
    #[serde(default)]
    since: Option<Timestamp>,
}

/// Why a text is no report.
#[derive(Debug, thiserror::Error)]
pub enum RecordedReportError {
    /// It is no JSON, or lacks what every report has.
    #[error("no report of preflight: {0}")]
    Json(#[from] serde_json::Error),
    /// It is a report of another generation.
    #[error("schema {0:?}: expected {expected:?}", expected = model::SCHEMA)]
    Schema(String),
    /// The moment of a report that was just made is none.
    #[error("the report has no moment: {0}")]
    Moment(#[from] jiff::Error),
}

impl RecordedReport {
    /// Reads the JSON of a report.
    ///
    /// # Errors
    ///
    /// Fails for a text that is no report of this generation.
    pub fn parse(text: &[u8]) -> Result<Self, RecordedReportError> {
        let report: Self = serde_json::from_slice(text)?;
        if report.schema != model::SCHEMA {
            return Err(RecordedReportError::Schema(report.schema));
        }
        Ok(report)
    }

    /// Returns what is compared of a report.
    ///
    /// # Errors
    ///
    /// Fails when the report says no moment, which none does that this program made.
    pub fn from_report(report: &Report) -> Result<Self, RecordedReportError> {
        let result = |result: &CheckResult| RecordedResult {
            check: result.check.clone(),
            target: result.target.clone(),
            outcome: result.outcome,
            severity: result.severity,
            title: result.title.clone(),
            found: result.found.clone(),
            since: result.since,
        };
        Ok(Self {
            schema: report.schema.clone(),
            run: RecordedRun { at: report.run.at.parse()? },
            results: report.results.iter().map(result).collect(),
        })
    }

    /// Writes into each failure of a report since when it is known to fail, as this earlier one tells.
    pub fn date_failures(&self, report: &mut Report) {
        let earlier = self.by_place();
        let now = report.run.at.parse().ok();
        let failures =
            report.results.iter_mut().filter(|result| result.outcome == OutcomeKind::Fail);
        for result in failures {
            let known = earlier.get(&(result.check.as_str(), result.target.as_str()));
            result.since = match known {
                Some(known) if known.outcome == OutcomeKind::Fail => Some(self.since(known)),
                _ => now,
            };
        }
    }

    fn by_place(&self) -> BTreeMap<(&str, &str), &RecordedResult> {
        self.results
            .iter()
            .map(|result| ((result.check.as_str(), result.target.as_str()), result))
            .collect()
    }

    fn since(&self, failure: &RecordedResult) -> Timestamp {
        failure.since.unwrap_or(self.run.at)
    }
}

/// What differs between two reports.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReportDiff {
    /// Always `preflight.diff/1`.
    pub schema: String,
    /// The moment of the earlier evaluation.
    pub old: Timestamp,
    /// The moment of the later one.
    pub new: Timestamp,
    /// What fails and did not, or did not block and does.
    pub appeared: Vec<Change>,
    /// What failed and does not any more.
    pub gone: Vec<Change>,
    /// What failed and still does.
    pub still: Vec<Change>,
    /// What had been decided, or was not there, and could not be decided.
    pub undecided: Vec<Change>,
    /// What failed and was not checked again.
    pub not_checked: Vec<Change>,
    /// 1 when a blocker is new, 3 when a blocker may be and could not be decided, 0 otherwise.
    pub exit_code: u8,
}

/// One check on one target, before and now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// The check.
    pub check: SmolStr,
    /// The target.
    pub target: SmolStr,
    /// The severity that counts now, or counted when it is gone.
    pub severity: Severity,
    /// What should hold.
    pub title: SmolStr,
    /// What is found now, or was when it was not checked again.
    pub found: SmolStr,
    /// The outcome before; absent when it was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<OutcomeKind>,
    /// The outcome now; absent when it was not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<OutcomeKind>,
    /// Since when it fails, as far as reports tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl ReportDiff {
    /// Compares an earlier report with a later one.
    pub fn new(old: &RecordedReport, new: &RecordedReport) -> Self {
        let earlier = old.by_place();
        let mut compared = Self {
            schema: SCHEMA.to_owned(),
            old: old.run.at,
            new: new.run.at,
            appeared: Vec::new(),
            gone: Vec::new(),
            still: Vec::new(),
            undecided: Vec::new(),
            not_checked: Vec::new(),
            exit_code: 0,
        };
        let mut seen = BTreeSet::new();
        for result in &new.results {
            let place = (result.check.as_str(), result.target.as_str());
            // Two targets of one name are compared as one, by the first of them.
            if seen.insert(place) {
                compared.add(old, earlier.get(&place).copied(), result);
            }
        }
        for result in old.results.iter().filter(|result| result.outcome == OutcomeKind::Fail) {
            if !seen.contains(&(result.check.as_str(), result.target.as_str())) {
                let since = Some(old.since(result));
                compared.not_checked.push(Change {
                    now: None,
                    since,
                    ..change(Some(result), result)
                });
            }
        }
        compared.exit_code = compared.exit_status();
        compared
    }

    fn add(&mut self, old: &RecordedReport, was: Option<&RecordedResult>, now: &RecordedResult) {
        let failed = was.filter(|was| was.outcome == OutcomeKind::Fail);
        match (failed, now.outcome) {
            (Some(was), OutcomeKind::Fail) => {
                let change = Change { since: Some(old.since(was)), ..change(Some(was), now) };
                if now.severity.is_blocker() && !was.severity.is_blocker() {
                    self.appeared.push(change);
                } else {
                    self.still.push(change);
                }
            }
            (None, OutcomeKind::Fail) => {
                self.appeared.push(Change { since: now.since, ..change(was, now) });
            }
            (_, OutcomeKind::Unknown) => {
                if was.is_none_or(|was| was.outcome != OutcomeKind::Unknown) {
                    self.undecided.push(change(was, now));
                }
            }
            (Some(was), _) => {
                self.gone.push(Change { severity: was.severity, ..change(Some(was), now) });
            }
            (None, _) => {}
        }
    }

    fn exit_status(&self) -> u8 {
        let blocks = |changes: &[Change]| changes.iter().any(|change| change.severity.is_blocker());
        match (blocks(&self.appeared), blocks(&self.undecided)) {
            (true, _) => 1,
            (_, true) => 3,
            _ => 0,
        }
    }

    /// Whether nothing differs but since when something fails.
    pub fn is_unchanged(&self) -> bool {
        let changed = [&self.appeared, &self.gone, &self.undecided, &self.not_checked];
        changed.iter().all(|changes| changes.is_empty())
    }
}

fn change(was: Option<&RecordedResult>, now: &RecordedResult) -> Change {
    Change {
        check: now.check.clone(),
        target: now.target.clone(),
        severity: now.severity,
        title: now.title.clone(),
        found: now.found.clone(),
        was: was.map(|was| was.outcome),
        now: Some(now.outcome),
        since: None,
    }
}

/// Renders a comparison as indented JSON.
pub fn to_json(comparison: &ReportDiff) -> String {
    super::json::to_string(comparison).expect("texts and numbers are always JSON") + "\n"
}

/// `docs/diff.schema.json`.
pub fn schema_json() -> String {
    super::json::schema_of::<ReportDiff>()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::check::engine::Outcome;
    use crate::report::model::tests::report;

    pub(in crate::report) fn recorded(
        at: &str,
        findings: &[(&str, Outcome, Severity)],
    ) -> RecordedReport {
        let mut report = report(findings);
        report.run.at = at.to_owned();
        RecordedReport::parse(
            &crate::report::FORMATS[1].render(&report, &crate::report::Style::default()),
        )
        .unwrap()
    }

    fn targets(changes: &[Change]) -> Vec<&str> {
        changes.iter().map(|change| change.target.as_str()).collect()
    }

    fn unknown() -> Outcome {
        crate::check::status::tests::unknown("no answer")
    }

    #[test]
    fn each_pair_of_outcomes_has_its_place() {
        let not_applicable =
            || Outcome::NotApplicable { reason: "not yet".into(), by_failure: false };
        let block = Severity::BlocksReprotect;
        let old = recorded(
            "2026-11-20T03:00:00Z",
            &[
                ("breaks", Outcome::Pass, block),
                ("repaired", Outcome::Fail, block),
                ("ended", Outcome::Fail, block),
                ("stays", Outcome::Fail, block),
                ("worse", Outcome::Fail, Severity::Warning),
                ("silent", Outcome::Fail, block),
                ("silent-still", unknown(), block),
                ("absent", Outcome::Fail, block),
                ("good", Outcome::Pass, block),
            ],
        );
        let new = recorded(
            "2026-11-21T03:00:00Z",
            &[
                ("breaks", Outcome::Fail, block),
                ("repaired", Outcome::Pass, block),
                ("ended", not_applicable(), block),
                ("stays", Outcome::Fail, block),
                ("worse", Outcome::Fail, block),
                ("silent", unknown(), block),
                ("silent-still", unknown(), block),
                ("fresh", Outcome::Fail, Severity::Warning),
                ("good", Outcome::Pass, block),
            ],
        );
        let compared = ReportDiff::new(&old, &new);
        assert_eq!(targets(&compared.appeared), ["breaks", "worse", "fresh"]);
        assert_eq!(targets(&compared.gone), ["repaired", "ended"]);
        assert_eq!(targets(&compared.still), ["stays"]);
        assert_eq!(targets(&compared.undecided), ["silent"]);
        assert_eq!(targets(&compared.not_checked), ["absent"]);
        assert_eq!(compared.still[0].since, Some(old.run.at));
        assert_eq!(compared.exit_code, 1);
        assert!(ReportDiff::new(&new, &new).is_unchanged());
    }

    #[test]
    fn only_a_new_blocker_is_a_failure() {
        let block = Severity::DataLoss;
        for (was, now, severity, exit_code) in [
            (Outcome::Pass, Outcome::Fail, block, 1),
            (Outcome::Pass, Outcome::Fail, Severity::Warning, 0),
            (Outcome::Fail, Outcome::Fail, block, 0),
            (Outcome::Fail, Outcome::Pass, block, 0),
            (Outcome::Pass, unknown(), block, 3),
            (Outcome::Pass, unknown(), Severity::Info, 0),
            (unknown(), unknown(), block, 0),
            (unknown(), Outcome::Fail, block, 1),
        ] {
            let old = recorded("2026-11-20T03:00:00Z", &[("mt1", was.clone(), severity)]);
            let new = recorded("2026-11-21T03:00:00Z", &[("mt1", now.clone(), severity)]);
            assert_eq!(ReportDiff::new(&old, &new).exit_code, exit_code, "{was:?} {now:?}");
        }
    }

    #[test]
    fn since_when_something_fails_is_handed_on_from_report_to_report() {
        let failure = [("mt1", Outcome::Fail, Severity::BlocksFailback)];
        let first = recorded("2026-11-20T03:00:00Z", &failure);
        let mut second = report(&failure);
        second.run.at = "2026-11-21T03:00:00Z".to_owned();
        first.date_failures(&mut second);
        assert_eq!(second.results[0].since, Some(first.run.at));
        let second = RecordedReport::from_report(&second).unwrap();
        let mut third = report(&failure);
        third.run.at = "2026-11-22T03:00:00Z".to_owned();
        second.date_failures(&mut third);
        assert_eq!(third.results[0].since, Some(first.run.at));
    }

    #[test]
    fn another_file_is_refused() {
        for (text, why) in [
            ("", "no report of preflight: EOF"),
            ("{}", "no report of preflight: missing field `schema`"),
            (
                r#"{"schema": "x/1", "run": {"at": "2026-11-20T03:00:00Z"}, "results": []}"#,
                "schema \"x/1\": expected \"preflight.report/1\"",
            ),
        ] {
            let error = RecordedReport::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
