//! What was found, in words: the facts of a check, or the answer of the person who decides it.
//!
//! Not for the outcome (`evaluator`).

use std::collections::BTreeSet;

use super::answer::{find_answer, is_newer_than_facts};
use super::evaluator::decide;
use super::fact_context::FactContext;
use super::model::Check;
use super::provider::Provider;
use super::verdict::CheckVerdict;
use crate::facts::site::AnswerValue;

/// Returns what was found of a check that is decided: the facts, or a person's answer where that decides it. An answer against
/// the facts is told beside them.
pub(super) fn found_words(
    check: &Check,
    asked: &BTreeSet<Provider>,
    context: &FactContext<'_>,
) -> String {
    let facts = || check.found.render(context);
    let Some(answer) = find_answer(check, context) else { return facts() };
    if check.can_be_shown() && (!check.is_shown(asked) || is_newer_than_facts(&answer, context)) {
        return answer.sentence();
    }
    let holds = match decide(check, context) {
        CheckVerdict::Pass | CheckVerdict::Warn | CheckVerdict::Unknown { graded: true, .. } => {
            true
        }
        CheckVerdict::Fail => false,
        CheckVerdict::Unknown { .. } | CheckVerdict::NotApplicable { .. } => {
            return answer.sentence();
        }
    };
    let agrees = answer.value == if holds { AnswerValue::Yes } else { AnswerValue::No };
    if !check.is_question() || agrees {
        return facts();
    }
    let (by, value) = (&answer.by, answer.value.as_str());
    let day = answer.day().map_or_else(String::new, |day| format!(" on {day}"));
    format!("{}, but {by} answered {value}{day}", facts())
}
