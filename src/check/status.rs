//! What findings add up to: how many of each outcome, and the exit status.
//!
//! Not for exiting: `cli` does that.

use super::engine::{Finding, Outcome};
use super::model::Severity;

/// How many checks were planned, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Checks on targets.
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
}

impl Counts {
    /// Counts findings.
    pub fn from_findings(findings: &[Finding]) -> Self {
        let mut counts = Self { planned: findings.len(), ..Self::default() };
        for finding in findings {
            *match finding.outcome {
                Outcome::Pass => &mut counts.pass,
                Outcome::Fail => &mut counts.fail,
                Outcome::Unknown(_) => &mut counts.unknown,
                Outcome::NotApplicable { .. } => &mut counts.not_applicable,
                Outcome::Waived { .. } => &mut counts.waived,
            } += 1;
        }
        counts
    }
}

/// The least severity whose failure makes the exit status 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailOn {
    /// What blocks reprotect or failback, or loses data.
    #[default]
    Blocker,
    /// Warnings, too.
    Warning,
}

impl FailOn {
    fn includes(self, severity: Severity) -> bool {
        match self {
            Self::Blocker => severity.is_blocker(),
            Self::Warning => severity <= Severity::Warning,
        }
    }
}

/// The exit status of a `check` command.
///
/// 0: none that counts failed, and none is undecided. 1: one failed. 2: nothing was planned.
/// 3: none failed, and at least one that counts could not be decided.
pub fn exit_status(findings: &[Finding], fail_on: FailOn) -> u8 {
    let counting = || findings.iter().filter(|finding| fail_on.includes(finding.severity));
    if findings.is_empty() {
        2
    } else if counting().any(|finding| finding.outcome == Outcome::Fail) {
        1
    } else if counting().any(|finding| matches!(finding.outcome, Outcome::Unknown(_))) {
        3
    } else {
        0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::check::evidence::Evidence;
    use crate::check::model::{Remedy, SourceReference};
    use crate::check::unknown::UnknownCause;
    use std::sync::Arc;

    /// A finding with nothing to say.
    pub(crate) fn finding(outcome: Outcome, severity: Severity) -> Finding {
        Finding {
            check: "a.b".into(),
            target: "mt.iso".into(),
            outcome,
            severity,
            graded: false,
            title: "it holds".into(),
            found: "found".into(),
            symptom: "symptom".into(),
            remedy: Arc::new(Remedy {
                text: "Fix it.".to_owned(),
                commands: Vec::new(),
                downtime: false,
            }),
            after: Vec::new(),
            held: None,
            explained_by: Vec::new(),
            is_urgent: false,
            is_moot: false,
            is_gate: false,
            order: 0,
            source: Arc::new(SourceReference { doc: "field".to_owned(), at: "a".to_owned() }),
            evidence: Evidence::default(),
            signs: Vec::new(),
        }
    }

    /// An outcome for a reason that is `PATH: REASON`, or a question without an answer.
    pub(crate) fn unknown(text: &str) -> Outcome {
        let cause = match text.split_once(": ") {
            Some((path, reason)) if !path.contains(' ') => {
                UnknownCause::Absent(path.to_owned(), reason.to_owned())
            }
            _ => UnknownCause::Unanswered(text.to_owned()),
        };
        Outcome::Unknown(Arc::new(cause.into()))
    }

    #[test]
    fn the_exit_status_says_what_is_left_to_do() {
        use Severity::{BlocksFailback, BlocksReprotect, DataLoss, Info, Warning};
        let na = || Outcome::NotApplicable { reason: "r".into(), by_failure: false };
        let waived = || Outcome::Waived {
            reason: "r".to_owned(),
            owner: "o".to_owned(),
            expires: "2026-12-31".to_owned(),
        };
        for (findings, strictly, expected) in [
            (vec![], 2, 2),
            (vec![(Outcome::Pass, DataLoss)], 0, 0),
            (vec![(na(), DataLoss)], 0, 0),
            (vec![(waived(), DataLoss)], 0, 0),
            (vec![(Outcome::Fail, Warning)], 1, 0),
            (vec![(Outcome::Fail, Info)], 0, 0),
            (vec![(unknown("r"), Warning)], 3, 0),
            (vec![(unknown("r"), Info)], 0, 0),
            (vec![(unknown("r"), BlocksFailback)], 3, 3),
            (vec![(Outcome::Fail, BlocksReprotect)], 1, 1),
            (vec![(unknown("r"), DataLoss), (Outcome::Fail, BlocksFailback)], 1, 1),
            (vec![(unknown("r"), DataLoss), (Outcome::Fail, Warning)], 1, 3),
        ] {
            let findings: Vec<Finding> = findings
                .into_iter()
                .map(|(outcome, severity)| finding(outcome, severity))
                .collect();
            assert_eq!(exit_status(&findings, FailOn::Blocker), expected, "{findings:?}");
            assert_eq!(exit_status(&findings, FailOn::Warning), strictly, "{findings:?}");
        }
    }
}
