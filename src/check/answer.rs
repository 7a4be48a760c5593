//! Checks that are questions to a person, and the answers given in the site file.
//!
//! An answer ages: when it is older than the check allows, or was given at another stage, the question is open again. Not for
//! the file that holds answers: `site` reads it.

use jiff::civil::Date;

use super::fact_context::FactContext;
use super::model::{AnswerAge, Check};
use super::unknown::UnknownCause;
use super::verdict::CheckVerdict;
use super::window::TargetStages;
use crate::facts::site::{AnswerValue, SiteAnswer};
use crate::facts::stage::Stage;

/// Returns the answer to a check's question, if it has one and it was answered.
pub(super) fn find_answer(check: &Check, context: &FactContext<'_>) -> Option<SiteAnswer> {
    check.question()?;
    let answers = context.document().known.get("answers")?;
    serde_json::from_value(answers.get(&check.id)?.clone()).ok()
}

/// The verdict over a question: that of an answer which still counts, or why none does.
pub(super) fn decide_question(
    check: &Check,
    question: &str,
    context: &FactContext<'_>,
    today: Date,
    stages: &TargetStages,
) -> CheckVerdict {
    let Some(answer) = find_answer(check, context) else {
        let question = question.to_owned();
        return CheckVerdict::from_cause(UnknownCause::Unanswered(question), false);
    };
    match check.answer_age.and_then(|age| answer.expiry(age, today, stages)) {
        Some(why) => {
            let (question, answer) = (question.to_owned(), answer.sentence());
            let why = why.to_string();
            CheckVerdict::from_cause(UnknownCause::OldAnswer { answer, why, question }, false)
        }
        None => answer.verdict(),
    }
}

/// The moment at which Azure was asked, in its facts.
const ASKED_AT: &str = "azure.asked_at";

/// Whether a person answered on a later day than the facts that decide the question are of.
pub(super) fn is_newer_than_facts(answer: &SiteAnswer, context: &FactContext<'_>) -> bool {
    let day = context.value(ASKED_AT).and_then(|value| value.as_str()?.get(..10)?.parse().ok());
    let answered: Option<Date> = answer.at.parse().ok();
    matches!((answered, day), (Some(answered), Some(day)) if answered > day)
}

/// The verdict of what a system shows, beside that of a person's answer: what it shows counts, and a pass that a person denies
/// is a warning.
pub(super) fn weigh(shown: CheckVerdict, answered: &CheckVerdict) -> CheckVerdict {
    match (&shown, answered) {
        (CheckVerdict::Pass, CheckVerdict::Fail) => CheckVerdict::Warn,
        _ => shown,
    }
}

/// Why an answer does not count any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerExpiry {
    /// Its day is none.
    #[error("{0:?} is not a day")]
    NoDay(String),
    /// Its day has not come.
    #[error("that day is not there yet")]
    Future,
    /// It is too old.
    #[error("it counts for {}", days_text(*.0))]
    TooOld(i32),
    /// It was given at another stage.
    #[error("it was given at {given_at}, and now it is {now}")]
    OtherStage {
        /// The stage at which it was given.
        given_at: Stage,
        /// The stage of a machine now.
        now: Stage,
    },
}

fn days_text(limit: i32) -> String {
    match limit {
        0 => "its day alone".to_owned(),
        1 => "one day".to_owned(),
        limit => format!("{limit} days"),
    }
}

impl SiteAnswer {
    /// Returns why the answer does not count any more.
    pub(super) fn expiry(
        &self,
        age: AnswerAge,
        today: Date,
        stages: &TargetStages,
    ) -> Option<AnswerExpiry> {
        self.day()?;
        let Ok(at) = self.at.parse::<Date>() else {
            return Some(AnswerExpiry::NoDay(self.at.clone()));
        };
        let days = at.until((jiff::Unit::Day, today)).map_or(i32::MAX, |span| span.get_days());
        // Somebody east of here may already have tomorrow.
        if days < -1 {
            return Some(AnswerExpiry::Future);
        }
        if days > age.days {
            return Some(AnswerExpiry::TooOld(age.days));
        }
        let given_at = self.stage.filter(|_| age.same_stage)?;
        let now: Vec<Stage> = stages
            .machines
            .iter()
            .filter_map(|machine| machine.known())
            .filter(|&stage| stage != given_at)
            .collect();
        let moved = !now.is_empty() && now.len() == stages.machines.len();
        moved.then(|| AnswerExpiry::OtherStage { given_at, now: now[0] })
    }

    /// Returns the verdict that the answer gives.
    pub(super) fn verdict(&self) -> CheckVerdict {
        match self.value {
            AnswerValue::Yes => CheckVerdict::Pass,
            AnswerValue::No => CheckVerdict::Fail,
            AnswerValue::NotApplicable => {
                CheckVerdict::NotApplicable { why: self.sentence(), by_failure: false }
            }
        }
    }

    /// Returns what was answered, by whom and when.
    pub(super) fn sentence(&self) -> String {
        let answer = format!("{}, says {}", self.value.as_str(), self.by);
        self.day().map_or_else(|| answer.clone(), |day| format!("{answer} on {day}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::stage::{MachineStage, Scenario, decide};

    fn expiry(at: &str, stage: Option<Stage>, days: i32, same_stage: bool) -> Option<String> {
        let answer =
            SiteAnswer { value: AnswerValue::Yes, by: "ann".to_owned(), at: at.to_owned(), stage };
        let machines: Vec<MachineStage> = vec![decide("app", None, Some(Stage::Verify), &[])];
        let stages =
            TargetStages { scenario: Scenario::VmwareClassic, is_modernised: false, machines };
        let age = AnswerAge { days, same_stage };
        let why = answer.expiry(age, "2026-11-20".parse().unwrap(), &stages);
        why.map(|why| why.to_string())
    }

    #[test]
    fn an_answer_counts_for_its_days_and_its_stage() {
        for (at, stage, days, same_stage, why) in [
            ("2026-11-20", None, 0, false, None),
            ("2026-11-21", None, 0, false, None),
            ("2026-11-19", None, 0, false, Some("it counts for its day alone")),
            ("2026-11-19", None, 1, false, None),
            ("2026-11-12", None, 7, false, Some("it counts for 7 days")),
            ("2001-01-01", None, 365, false, Some("it counts for 365 days")),
            ("2026-12-01", None, 7, false, Some("that day is not there yet")),
            ("yesterday", None, 7, false, Some("\"yesterday\" is not a day")),
            ("2026-11-20", Some(Stage::Verify), 7, true, None),
            ("2026-11-20", Some(Stage::Prepare), 7, false, None),
            (
                "2026-11-20",
                Some(Stage::Prepare),
                7,
                true,
                Some("it was given at prepare, and now it is verify"),
            ),
        ] {
            assert_eq!(expiry(at, stage, days, same_stage).as_deref(), why, "{at} {stage:?}");
        }
    }
}
