//! What can be wrong with a rule, shown with a caret under the place.
//!
//! Not for finding faults: the parser and `typing` do that.

use std::fmt;

use super::steps::MAX_STEPS;
use crate::hint::hinted;
use crate::yaml::{closest_match, did_you_mean};

/// The most levels of an expression: it is verified, counted and evaluated by recursive
/// functions.
pub(super) const MAX_RULE_DEPTH: usize = 64;

/// Why a rule is refused, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Returns the rule as written.
    pub text: String,
    /// The place, in bytes from its start.
    pub offset: usize,
    /// What is wrong there.
    pub fault: RuleFault,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// The parser refuses it.
    #[error("{0}")]
    Syntax(String),
    /// More text than is read.
    #[error("it has {bytes} bytes, at most {most} are read")]
    TooLong {
        /// How many it has.
        bytes: usize,
        /// How many are read.
        most: usize,
    },
    /// A character that invites look-alikes: a dash or a quote pasted from a document.
    #[error("{0:?} is not ASCII")]
    NotAscii(char),
    /// A name that is neither facts nor a loop variable.
    #[error("there are no facts named {name:?}{}", did_you_mean(.nearest))]
    NoSuchName {
        /// The name as written.
        name: String,
        /// The known name that is spelled most alike.
        nearest: Option<String>,
        /// The names there are.
        known: Vec<String>,
    },
    /// A member that the facts do not have.
    #[error("{of} has no member {member:?}{}", did_you_mean(.nearest))]
    NoSuchMember {
        /// What was asked for the member.
        of: String,
        /// The member as written.
        member: String,
        /// The known member that is spelled most alike.
        nearest: Option<String>,
        /// The members there are.
        known: Vec<String>,
    },
    /// A member of something without members.
    #[error("type {of} has no members, and so no {member:?}")]
    NoMembers {
        /// Its type.
        of: String,
        /// The member as written.
        member: String,
    },
    /// A function that rules do not have.
    #[error("there is no function {0:?} that takes this")]
    NoSuchFunction(String),
    /// A value of the wrong type.
    #[error("type {expected} is wanted here, this is of type {found}")]
    WrongType {
        /// What is wanted.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Values of different types are compared, which CEL would call unequal.
    #[error("type {0} is compared with type {1}")]
    IncomparableTypes(String, String),
    /// Texts are ordered, which puts version 9.10 before 9.8.
    #[error("texts have no order: compare versions with versionCmp(a, b)")]
    OrderOfTexts,
    /// A text that the fact never has as its value.
    #[error("{value:?} is none of the values of this fact{}", did_you_mean(.nearest))]
    UnknownValue {
        /// Returns the text as written.
        value: String,
        /// The known value that is spelled most alike.
        nearest: Option<String>,
        /// The values there are.
        known: Vec<String>,
    },
    /// A rule uses a list without its `complete`.
    #[error("this list may be cut short, and the rule does not ask for {0}")]
    Incomplete(String),
    /// `has()` would turn "could not be read" into false.
    #[error("has() would take what could not be read for absent")]
    Has,
    /// The whole is not true or false.
    #[error("a rule is true or false, this is of type {0}")]
    NotBool(String),
    /// A regular expression that is none.
    #[error("not a regular expression: {0}")]
    Pattern(String),
    /// More levels than a rule may have.
    #[error("it is more than {MAX_RULE_DEPTH} levels deep")]
    TooDeep,
    /// Loops inside loops over what is written out.
    #[error("its loops take {0} steps, at most {MAX_STEPS} are taken")]
    TooManySteps(u64),
    /// Something that CEL has and rules have not.
    #[error("rules do not have {0}")]
    Unsupported(&'static str),
}

impl RuleFault {
    pub(super) fn unknown_name(name: &str, known: &[&str]) -> Self {
        Self::NoSuchName {
            name: name.to_owned(),
            nearest: closest_match(name, known.iter().copied()).map(str::to_owned),
            known: known.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// Returns what to do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoSuchName { nearest: None, known, .. }
            | Self::NoSuchMember { nearest: None, known, .. }
            | Self::UnknownValue { nearest: None, known, .. } => {
                Some(format!("choose one of {}", known.join(", ")))
            }
            Self::Incomplete(complete) => {
                Some(format!("write {complete} && ... (or || !{complete} behind an exists)"))
            }
            Self::TooManySteps(_) => {
                Some("write shorter lists, or fewer loops inside each other".to_owned())
            }
            Self::OrderOfTexts => Some("write versionCmp(a, b) >= 0".to_owned()),
            Self::Has => Some("name the fact itself: what could not be read is unknown".to_owned()),
            Self::NoSuchFunction(_) => Some(
                "choose one of size, startsWith, endsWith, contains, matches, versionCmp, all, \
                 exists, exists_one, filter, map"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

impl fmt::Display for RuleError {
    /// The fault, then the line it is in with a caret under the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.offset.min(self.text.len());
        let start = self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[start..].lines().next().unwrap_or("");
        let column = self.text[start..offset].chars().count();
        write!(f, "{}\n    {line}\n    {:column$}^", self.fault, "")
    }
}

impl std::error::Error for RuleError {}

impl RuleError {
    /// Returns what to do about the error.
    pub fn hint(&self) -> Option<String> {
        self.fault.hint()
    }
}

hinted!(RuleError);
