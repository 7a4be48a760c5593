//! Checks that are questions to a person, and the answers given in the site file.
//!
//! Not for the file that holds them: `facts::site` reads it.

use serde_json::Value;

use super::fact_context::FactContext;
use super::model::{Check, Criterion};
use super::verdict::CheckVerdict;
use crate::facts::site::{AnswerValue, SiteAnswer, Stage};

/// Returns the answer to a check's question, if the check is one and it was answered.
pub(super) fn find_answer(check: &Check, context: &FactContext<'_>) -> Option<SiteAnswer> {
    let Criterion::Question(_) = &check.criterion else { return None };
    let answers = context.document().known.get("answers")?;
    serde_json::from_value(answers.get(&check.id)?.clone()).ok()
}

/// Returns why a check does not apply now: no machine is known to be at a stage at which it matters.
///
/// A question is not put before its stage. What can be read is evaluated unless every machine is known to be at
/// another stage. An answer counts at any stage.
pub(super) fn out_of_stage(check: &Check, context: &FactContext<'_>) -> Option<String> {
    if check.stages.is_empty() || find_answer(check, context).is_some() {
        return None;
    }
    let items = context.value("site.stages.items").cloned().unwrap_or_default();
    let known: Vec<Stage> = serde_json::from_value(items).unwrap_or_default();
    let complete = context.value("site.stages.complete").and_then(Value::as_bool) == Some(true);
    let is_question = matches!(check.criterion, Criterion::Question(_));
    if !(complete || is_question) || known.iter().any(|stage| check.stages.contains(stage)) {
        return None;
    }
    let wanted: Vec<&str> = check.stages.iter().map(|stage| stage.as_str()).collect();
    let wanted = wanted.join(", ");
    Some(match known.as_slice() {
        [] => format!(
            "no machine needs it yet: none is said to be at {wanted} (stage: in the site file)"
        ),
        _ => format!("no machine needs it now: none is at {wanted}"),
    })
}

impl SiteAnswer {
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
        format!("{}, says {} on {}", self.value.as_str(), self.by, self.at)
    }
}
