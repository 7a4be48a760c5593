//! The verdict over each cause of a symptom: confirmed, ruled out, or undecided.
//!
//! Not for recognising the symptom (`search`), nor for evaluating checks (`check::engine`).

use super::symptom::{Cause, cause_checks};
use schemars::JsonSchema;
use serde::Serialize;

use crate::check::CheckSet;
use crate::check::engine::{Finding, Outcome};
use crate::check::model::Check;
use crate::check::provider::Provider;

/// The verdict over a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "VerdictWord")]
#[strum(serialize_all = "kebab-case")]
pub enum CauseVerdict {
    /// One of its checks fails.
    Confirmed,
    /// All of its checks were decided, and none fails.
    #[strum(serialize = "ruled out")]
    RuledOut,
    /// No check of it fails, and not all could be decided.
    Undecided,
}

impl CauseVerdict {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One cause with its findings.
pub struct Diagnosis<'s> {
    /// The cause.
    pub cause: &'s Cause,
    /// The outcome.
    pub verdict: CauseVerdict,
    /// The findings of its checks, in the order they are named.
    pub findings: Vec<&'s Finding>,
    /// Its checks that were skipped, with the providers they need.
    pub skipped: Vec<(&'s Check, Vec<Provider>)>,
}

/// Returns the verdict over every cause.
pub fn diagnose<'s>(
    causes: impl IntoIterator<Item = &'s Cause>,
    checks: &'s CheckSet,
    findings: &'s [Finding],
) -> Vec<Diagnosis<'s>> {
    causes.into_iter().map(|cause| diagnose_cause(cause, checks, findings)).collect()
}

fn diagnose_cause<'s>(
    cause: &'s Cause,
    checks: &'s CheckSet,
    findings: &'s [Finding],
) -> Diagnosis<'s> {
    let mut here: Vec<&Finding> = Vec::new();
    let mut not_asked = Vec::new();
    let mut open = cause.checks.is_empty();
    for check in cause_checks(cause, checks) {
        let of_check = || findings.iter().filter(|finding| finding.check == check.id);
        if of_check().next().is_none() {
            not_asked.push((check, check.required_providers().iter().copied().collect()));
        }
        open |= of_check().any(is_open);
        here.extend(of_check());
    }
    // A waiver accepts a failure and does not remove it.
    let fails =
        |finding: &&Finding| matches!(finding.outcome, Outcome::Fail | Outcome::Waived { .. });
    // A check that does not apply decides nothing about a cause.
    let decided = here.iter().any(|finding| finding.outcome == Outcome::Pass);
    let verdict = if here.iter().any(fails) {
        CauseVerdict::Confirmed
    } else if open || !decided || !not_asked.is_empty() {
        CauseVerdict::Undecided
    } else {
        CauseVerdict::RuledOut
    };
    Diagnosis { cause, verdict, findings: here, skipped: not_asked }
}

/// Whether a finding leaves its check open: unknown, or put aside because of a prerequisite.
fn is_open(finding: &Finding) -> bool {
    match &finding.outcome {
        Outcome::Unknown(_) => true,
        Outcome::NotApplicable { by_failure, .. } => *by_failure,
        Outcome::Pass | Outcome::Fail | Outcome::Waived { .. } => false,
    }
}

/// The exit status of a diagnosis: 1 a cause is confirmed, 0 all are ruled out, 3 neither.
pub fn exit_status(diagnoses: &[Diagnosis<'_>]) -> u8 {
    let all = |verdict| diagnoses.iter().all(|diagnosis| diagnosis.verdict == verdict);
    if diagnoses.iter().any(|diagnosis| diagnosis.verdict == CauseVerdict::Confirmed) {
        1
    } else if !diagnoses.is_empty() && all(CauseVerdict::RuledOut) {
        0
    } else {
        3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Asset;
    use crate::check::GOOD;
    use crate::check::engine::{Scope, Target, evaluate_scope};
    use crate::facts::Document;
    use crate::facts::target_kind::TargetKind;
    use serde_json::{Value, json};

    /// Three checks; the third requires the first, and nobody is asked about the fourth.
    fn set() -> CheckSet {
        let other = |id: &str, fact: &str, extra: &str| {
            GOOD.replace("id: image.zerombr", &format!("id: {id}"))
                .replace("rule: image.kickstart.zerombr", &format!("{extra}rule: {fact}"))
        };
        let text = [
            GOOD.to_owned(),
            other("image.b", "image.kickstart.erases", ""),
            other("image.c", "image.kickstart.minimal", "requires: [image.zerombr]\n  "),
            other("image.d", "mt.access.user_id == 0", ""),
            other("image.e", "image.kickstart.lvm", ""),
        ];
        CheckSet::read(&[Asset { path: "x.yaml".to_owned(), text: text.concat() }]).unwrap()
    }

    fn symptom(causes: &[&[&str]]) -> crate::knowledge::symptom::Symptom {
        let cause = |checks: &&[&str]| json!({ "cause": "c", "checks": checks });
        serde_json::from_value(json!({
            "id": "ts", "title": "t", "words": ["w"],
            "causes": causes.iter().map(cause).collect::<Vec<_>>(),
            "source": { "doc": "field", "at": "a" },
        }))
        .unwrap()
    }

    fn diagnosed(causes: &[&[&str]], kickstart: Value) -> (Vec<CauseVerdict>, u8, Vec<String>) {
        let (set, symptom) = (set(), symptom(causes));
        let document = Document::from_known(json!({ "image": { "kickstart": kickstart } }));
        let targets = [Target::new("a.iso".to_owned(), TargetKind::Image, document)];
        let scope = Scope::new(&set, &targets).restricted_to(&set, &symptom.checks());
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let findings = evaluate_scope(&set, &targets, &scope, &[], now);
        let diagnoses = diagnose(&symptom.causes, &set, &findings);
        let checked = findings.iter().map(|finding| finding.check.to_string()).collect();
        (diagnoses.iter().map(|d| d.verdict).collect(), exit_status(&diagnoses), checked)
    }

    #[test]
    fn a_cause_is_confirmed_ruled_out_or_undecided() {
        use CauseVerdict::{Confirmed, RuledOut, Undecided};
        let good = json!({ "zerombr": true, "erases": true, "minimal": true });
        let bad = json!({ "zerombr": false, "erases": true, "minimal": true });
        for (causes, kickstart, verdicts, status) in [
            (&[&["image.zerombr"][..]][..], &good, vec![RuledOut], 0),
            (&[&["image.zerombr"], &["image.b"]], &bad, vec![Confirmed, RuledOut], 1),
            (&[&["image.b", "image.d"]], &good, vec![Undecided], 3),
            (&[&["image.zerombr", "image.d"]], &bad, vec![Confirmed], 1),
            (&[&["image.e"], &["image.b"]], &good, vec![Undecided, RuledOut], 3),
            // Its prerequisite fails, so nothing is said about it.
            (&[&["image.c"]], &bad, vec![Undecided], 3),
            (&[&[]], &good, vec![Undecided], 3),
        ] {
            let (came, exit, _) = diagnosed(causes, kickstart.clone());
            assert_eq!((came, exit), (verdicts, status), "{causes:?} {kickstart}");
        }
    }

    #[test]
    fn only_the_suspected_checks_and_what_they_require_are_judged() {
        let good = json!({ "zerombr": true, "erases": true, "minimal": true });
        assert_eq!(diagnosed(&[&["image.c"]], good.clone()).2, ["image.zerombr", "image.c"]);
        assert_eq!(diagnosed(&[&["image.b"]], good).2, ["image.b"]);
    }
}
