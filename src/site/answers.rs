//! Answers to questions: an entry of a site file or of the file beside it that holds nothing else.
//!
//! Not for whether an answer still counts (`check::answer`), nor for writing one (`answer_edit`).

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::facts::site::{AnswerValue, SiteAnswer};
use crate::facts::stage::Stage;

/// An answer to a check that is a question.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerEntry {
    /// The check.
    pub check: String,
    /// The target that it is about, `*` for all; needed where several could be meant.
    #[serde(default)]
    pub target: Option<String>,
    /// The answer: `yes`, `no` or `not-applicable`.
    #[schemars(schema_with = "answer_words")]
    pub value: AnswerValue,
    /// Who answered.
    pub by: String,
    /// The day of the answer, such as `2026-11-20`.
    pub at: jiff::civil::Date,
    /// The stage of the machine when it was given.
    #[serde(default)]
    pub stage: Option<Stage>,
}

fn answer_words(_: &mut SchemaGenerator) -> Schema {
    // An editor that follows YAML 1.1 takes yes and no for truth values.
    json_schema!({ "enum": ["yes", "no", "not-applicable", true, false] })
}

/// The contents of a file that holds answers alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswersDocument {
    /// The answers.
    pub answers: Option<Vec<AnswerEntry>>,
}

/// The answers of a file, whatever else is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AnswersKey {
    /// The answers; none when the file has no list of them.
    #[serde(default)]
    pub answers: Option<Vec<AnswerEntry>>,
}

impl AnswerEntry {
    /// Whether the answer names no target of its own.
    pub fn is_for_all(&self) -> bool {
        self.target.as_deref().is_none_or(|name| name == "*")
    }

    /// Whether both answer the same question of the same target.
    pub fn is_same_question(&self, other: &Self) -> bool {
        self.check == other.check && self.target == other.target
    }

    /// Returns the answer in the form of facts.
    pub fn answer(&self) -> SiteAnswer {
        SiteAnswer {
            value: self.value,
            by: self.by.clone(),
            at: self.at.to_string(),
            stage: self.stage,
        }
    }
}
