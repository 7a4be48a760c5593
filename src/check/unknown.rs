//! Why a check could not be decided, as data: reports group findings by it.
//!
//! Not for deciding anything: `rule` and `engine` do that.

use std::fmt;

use crate::facts::Document;

/// Why a rule was neither true nor false.
#[derive(Clone, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum UnknownCause {
    /// A fact is absent.
    #[error("{0}: {1}")]
    Absent(String, String),
    /// A fact is absent without a reason: its system was not part of the run.
    #[error("this is a defect of the check: {0} is missing, and nothing says why")]
    Unexplained(String),
    /// A question that has no answer in the site file.
    #[error("nobody has answered: {0}")]
    Unanswered(String),
    /// A question that the system which was asked does not decide, and that has no answer.
    #[error("{reason}; nobody has answered: {question}")]
    NotShown {
        /// Why the system does not decide it.
        reason: String,
        /// The question.
        question: String,
    },
    /// A question whose answer does not count any more.
    #[error("{answer}, but {why}: {question}")]
    OldAnswer {
        /// What was answered, by whom and when.
        answer: String,
        /// Why it does not count.
        why: String,
        /// The question.
        question: String,
    },
    /// What is right depends on the stage of a machine, which is not known.
    #[error("the stage of {machine} is not known: {note}")]
    Stage {
        /// The machine.
        machine: String,
        /// What is known of its stage.
        note: String,
    },
    /// The rule failed for another reason: a defect in the check or in the facts.
    #[error("this is a defect of the check: {0}")]
    Defect(String),
}

impl UnknownCause {
    /// Returns the reason without the fact that it keeps from a check, so that checks with one
    /// reason can be told together.
    pub fn reason(&self) -> String {
        match self {
            Self::Absent(_, reason) => reason.clone(),
            other => other.to_string(),
        }
    }
}

/// Why a check is unknown, and through which prerequisites.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unknown {
    /// The prerequisites between the check and the cause, the check's own first.
    pub through: Vec<String>,
    /// What could not be decided.
    pub cause: UnknownCause,
}

impl Unknown {
    /// Returns why a whole system was never asked, where that is why the check itself is not decided.
    pub fn reason_of_absent_system(&self, document: &Document) -> Option<String> {
        let UnknownCause::Absent(path, reason) = &self.cause else { return None };
        let root = path.split(['.', '[']).next()?;
        let is_absent = self.through.is_empty() && document.absent.contains_key(root);
        is_absent.then(|| reason.clone())
    }

    /// Whether the check itself is at fault, and not what could be read.
    pub fn is_defect(&self) -> bool {
        let at_fault =
            matches!(self.cause, UnknownCause::Defect(_) | UnknownCause::Unexplained(..));
        self.through.is_empty() && at_fault
    }
}

impl From<UnknownCause> for Unknown {
    fn from(cause: UnknownCause) -> Self {
        Self { through: Vec::new(), cause }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.through {
            write!(f, "{check} is unknown: ")?;
        }
        self.cause.fmt(f)
    }
}
