//! Questions that no machine can be asked, and the answers people give to them.
//!
//! Not for the file that holds them: `facts::site` reads it.

use super::model::{Basis, Check};
use super::subject::Subject;
use super::verdict::Verdict;
use crate::facts::site::{Answer, AnswerValue};

/// The answer to a check's question, when it is one and somebody gave it.
pub(super) fn of(check: &Check, subject: &Subject<'_>) -> Option<Answer> {
    let Basis::Question(_) = &check.basis else { return None };
    let answers = subject.document().known.get("answers")?;
    serde_json::from_value(answers.get(&check.id)?.clone()).ok()
}

impl Answer {
    /// What it decides.
    pub(super) fn verdict(&self) -> Verdict {
        match self.value {
            AnswerValue::Yes => Verdict::Pass,
            AnswerValue::No => Verdict::Fail,
            AnswerValue::NotApplicable => {
                Verdict::NotApplicable { why: self.sentence(), by_failure: false }
            }
        }
    }

    /// Who said what and when.
    pub(super) fn sentence(&self) -> String {
        format!("{}, says {} on {}", self.value.word(), self.by, self.at)
    }
}
