//! Which questions are open on which target, and which answers count.
//!
//! Not for deciding a check (`engine`), nor for asking anybody (`cli`).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::answer::{AnswerExpiry, find_answer};
use super::definition::CheckSet;
use super::evaluator::{applies, decide};
use super::fact_context::FactContext;
use super::finding::{Finding, Outcome};
use super::model::Check;
use super::scope::{Scope, Target};
use super::unknown::UnknownCause;
use super::verdict::CheckVerdict;
use crate::facts::site::SiteAnswer;

/// How a question stands on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuestionState {
    /// Nobody has answered.
    Unanswered,
    /// The answer does not count any more.
    Expired {
        /// What was answered.
        answer: SiteAnswer,
        /// Why it does not count.
        why: AnswerExpiry,
    },
    /// An answer counts.
    Answered(SiteAnswer),
}

/// A question on one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetQuestion {
    /// The index of the check in the set.
    pub check: usize,
    /// The index of the target.
    pub target: usize,
    /// How it stands.
    pub state: QuestionState,
}

impl TargetQuestion {
    /// Whether a person has to be asked.
    pub fn is_open(&self) -> bool {
        !matches!(self.state, QuestionState::Answered(_))
    }
}

/// Returns the questions that are put now and how they stand, in the order in which work is done; `findings` are those of `scope`.
///
/// What rules decide is not put to anybody, nor is a question that a prerequisite leaves open. A rule that nothing could decide, itself or through
/// a prerequisite that no system told, is put to whoever may know; where the prerequisite waits for an answer, that one comes first.
pub fn collect_questions(
    set: &CheckSet,
    targets: &[Target],
    scope: &Scope,
    findings: &[Finding],
    now: Timestamp,
) -> Vec<TargetQuestion> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut questions = Vec::new();
    for planned in scope.planned.iter().zip(findings).collect::<Vec<_>>().chunk_by(same_target) {
        let place = planned[0].0.0;
        let target = &targets[place];
        let context = FactContext::new(&target.document);
        let asked = target.providers();
        for &(&(_, index), finding) in planned {
            let check = &set.checks()[index];
            let answer = find_answer(check, &context);
            let is_shown = check.is_shown(&asked);
            let state = match (is_put(check, is_shown, &context, finding), answer) {
                (Put::No, _) | (Put::Answered, None) => continue,
                (Put::Open, None) => QuestionState::Unanswered,
                (Put::Answered, Some(answer)) => QuestionState::Answered(answer),
                (Put::Open, Some(answer)) => {
                    let why =
                        check.answer_age.and_then(|age| answer.expiry(age, today, &target.stages));
                    match why {
                        Some(why) => QuestionState::Expired { answer, why },
                        None => QuestionState::Answered(answer),
                    }
                }
            };
            questions.push(TargetQuestion { check: index, target: place, state });
        }
    }
    questions.sort_by_key(|question| (set.rank(question.check), question.target));
    questions
}

fn same_target(one: &(&(usize, usize), &Finding), other: &(&(usize, usize), &Finding)) -> bool {
    one.0.0 == other.0.0
}

/// Whether a question is put.
enum Put {
    /// Nobody is asked.
    No,
    /// It has an answer that counts.
    Answered,
    /// Somebody has to answer.
    Open,
}

/// Returns whether the question of a check is put; `is_shown` says that a system was asked that may decide it.
fn is_put(check: &Check, is_shown: bool, context: &FactContext<'_>, finding: &Finding) -> Put {
    if check.question().is_none() {
        return Put::No;
    }
    let is_question = check.is_question() && !is_shown;
    match &finding.outcome {
        Outcome::Unknown(unknown) if !finding.graded => match &unknown.cause {
            UnknownCause::Unanswered(..)
            | UnknownCause::NotShown { .. }
            | UnknownCause::OldAnswer { .. }
                if unknown.through.is_empty() =>
            {
                Put::Open
            }
            UnknownCause::Unanswered(..)
            | UnknownCause::NotShown { .. }
            | UnknownCause::OldAnswer { .. }
            | UnknownCause::Stage { .. } => Put::No,
            // A rule that nothing could decide, and not whether the check applies.
            _ if !is_question && applies(check, context) == Ok(true) => Put::Open,
            _ => Put::No,
        },
        Outcome::Unknown(_) => Put::No,
        Outcome::NotApplicable { .. } if is_not_put_now(check, context, finding) => Put::No,
        _ if is_question => Put::Answered,
        _ => match decide(check, context) {
            CheckVerdict::Unknown { graded: false, .. } => Put::Answered,
            _ => Put::No,
        },
    }
}

/// Whether a check does not apply for another reason than an answer that says so.
fn is_not_put_now(check: &Check, context: &FactContext<'_>, finding: &Finding) -> bool {
    find_answer(check, context).is_none_or(|answer| answer.sentence() != finding.found)
}

/// Whether an answer to a check changes what is asked elsewhere.
pub fn opens_others(set: &CheckSet, index: usize) -> bool {
    let check = &set.checks()[index];
    let names = |ids: &[String]| ids.contains(&check.id);
    check.gate || set.checks().iter().any(|other| names(&other.requires) || names(&other.moot_when))
}
