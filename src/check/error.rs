//! Why a set of checks, symptoms or steps was refused.
//!
//! Not for what is wrong inside a rule: that is a `fault`.

use super::custom::CustomProbeError;
use super::message::MessageError;
use super::model::{DefinitionLocation, ExpectedOutcome};
use super::recognition::RecognitionError;
use super::remedy::RemedyError;
use super::rule_error::RuleError;
use super::window::StagesError;
use crate::assets::AssetError;
use crate::facts::stage::Stage;
use crate::facts::target_kind::TargetKind;
use crate::hint::hinted;
use crate::yaml::{YamlError, did_you_mean};

/// Why a set of checks, symptoms or steps was refused.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// A definition file cannot be had.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// A file is not a list of entries.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// There is not a single check.
    #[error("no checks are defined")]
    Empty,
    /// A stage that no file speaks of.
    #[error("checks/steps: no entry is {0:?}")]
    Missing(String),
    /// One entry is wrong.
    #[error("{at}: {id}: {problem}")]
    Entry {
        /// Where it is defined.
        at: DefinitionLocation,
        /// Its id as written.
        id: String,
        /// What is wrong with it.
        problem: Box<EntryProblem>,
    },
}

/// What is wrong with one check, symptom or step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryProblem {
    /// The id is not written as it should be.
    #[error("an id is {0}")]
    Id(&'static str),
    /// The stage is none of the scenario's.
    #[error("{0} is not a stage of this scenario")]
    Stage(Stage),
    /// A cause without checks and without a remedy.
    #[error("cause {0:?} has neither checks nor a remedy")]
    NothingToDo(String),
    /// The id is taken.
    #[error("the id is taken by the one at {0}")]
    Duplicate(DefinitionLocation),
    /// A rule is wrong.
    #[error("{0}: {1}")]
    Rule(&'static str, Box<RuleError>),
    /// A probe of its own is wrong.
    #[error("probe {0:?}: {1}")]
    Probe(String, CustomProbeError),
    /// The text about what was found is wrong.
    #[error("found: {0}")]
    Found(MessageError),
    /// A question without a question mark.
    #[error("a question is answered by yes or no, and ends with a question mark")]
    Question,
    /// A question, and a key that only a rule has.
    #[error("a question has no {0}: a person decides it")]
    QuestionAnd(&'static str),
    /// A text is missing.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// A sentence, where lists have a fragment.
    #[error("{0} is a fragment without a full stop")]
    Sentence(&'static str),
    /// What it is recognised by is wrong.
    #[error("{0}")]
    Recognition(#[from] RecognitionError),
    /// A source that `docs/sources.md` does not have.
    #[error("no source has the key {0:?}")]
    Source(String),
    /// The stages are wrong.
    #[error("{0}")]
    Stages(StagesError),
    /// An answer that counts for less than no day.
    #[error("valid_days is a number of days, 0 for the day of the answer alone")]
    ValidDays,
    /// A check that does not exist.
    #[error("{key} names {id:?}, which does not exist{}", did_you_mean(.nearest))]
    NoSuchCheck {
        /// The key.
        key: &'static str,
        /// The id as written.
        id: String,
        /// The id that is spelled most alike.
        nearest: Option<String>,
    },
    /// A check that applies to no kind of target.
    #[error("applies_to is empty")]
    AppliesToNothing,
    /// Prerequisites that require each other.
    #[error("requires itself: {}", .0.join(" -> "))]
    Circle(Vec<String>),
    /// Fixes that wait for each other.
    #[error("its fix waits for itself: {}", .0.join(" -> "))]
    FixCircle(Vec<String>),
    /// A command that is wrong.
    #[error("remedy: {0}")]
    Remedy(RemedyError),
    /// A prerequisite that is not evaluated for every target of this check.
    #[error("requires {0:?}, which does not apply to {kind}", kind = .1.as_str())]
    PrerequisiteDoesNotApply(String, TargetKind),
    /// An outcome without an example.
    #[error("there is no {} example", .0.as_str())]
    NoExample(ExpectedOutcome),
    /// An example that is not one outcome with its facts.
    #[error("example {0}: it has one of pass, warn, fail, unknown and not-applicable")]
    Example(usize),
    /// An example with facts that do not exist, or with values they cannot have.
    #[error("example {0}: {1}")]
    ExampleFacts(usize, String),
}

/// How the id of a check is written.
pub(super) const CHECK_ID: &str = "subject.condition in kebab-case";

impl EntryProblem {
    /// Returns the error of the check that has this problem.
    pub fn into_error(self, id: &str, at: &DefinitionLocation) -> DefinitionError {
        DefinitionError::Entry { at: at.clone(), id: id.to_owned(), problem: Box::new(self) }
    }
}

impl DefinitionError {
    /// Returns what to do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Asset(error) => error.hint(),
            Self::Yaml(error) => error.hint(),
            Self::Empty => None,
            Self::Missing(_) => Some("every stage of a scenario has one entry".to_owned()),
            Self::Entry { problem, .. } => match problem.as_ref() {
                EntryProblem::Rule(_, error) => error.hint(),
                EntryProblem::Probe(_, fault) => fault.hint(),
                EntryProblem::Id(CHECK_ID) => Some("write it like retention.fs-not-fat".to_owned()),
                EntryProblem::NoSuchCheck { nearest: None, .. } => {
                    Some("preflight list checks names them all".to_owned())
                }
                EntryProblem::Source(_) => Some("docs/sources.md lists the keys".to_owned()),
                EntryProblem::NoExample(expected) => Some(format!(
                    "add - {{ {}: {{ ... }} }} with the facts that lead to it",
                    expected.as_str()
                )),
                _ => None,
            },
        }
    }
}

hinted!(DefinitionError);
