//! What is written about one stage: its steps and what stands around them.
//!
//! Not for reading the files (`step_set`), nor for which step is next (`plan`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::circumstances::Condition;
use crate::check::definition::SourceReference;
use crate::facts::stage::Stage;

/// Everything about one stage, as one entry of a step file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageEntry {
    /// The id, `SCENARIO.STAGE`.
    pub id: String,
    /// The stage.
    pub stage: Stage,
    /// What it is, as a fragment.
    pub title: String,
    /// What has happened when a machine is here.
    pub enter: String,
    /// What has to be so before it goes on.
    pub leave: String,
    /// How long it takes.
    pub takes: String,
    /// The steps, in working order.
    #[serde(rename = "do")]
    pub steps: Vec<Step>,
    /// What must not be done here.
    pub never: Vec<Advice>,
    /// What to look at before going on.
    pub verify: Vec<Advice>,
    /// What to do when something goes wrong.
    #[serde(default)]
    pub if_wrong: Vec<Advice>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The id, unique within its stage.
    pub id: String,
    /// What to do.
    pub text: String,
    /// What people say of it, each as it is said.
    #[serde(default, skip_serializing)]
    #[schemars(skip)]
    pub said_as: Vec<String>,
    /// Who does it.
    pub who: String,
    /// The way through the portal or the client, in its own words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub menu: Vec<String>,
    /// Commands; words in capitals stand for what is of this site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<String>,
    /// When it is to be done; always, when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// The checks that prove it done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proved_by: Vec<String>,
    /// Where it is written.
    pub source: SourceReference,
}

/// One thing that must not be done, or is to be looked at, or helps when something goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// What it says.
    pub text: String,
    /// When it matters; always, when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Condition>,
    /// The checks that prove it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proved_by: Vec<String>,
    /// Where it is written.
    pub source: SourceReference,
}

impl StageEntry {
    /// Returns what is advised around the steps, by the key it stands at.
    pub fn advice(&self) -> [(&'static str, &[Advice]); 3] {
        [("never", &self.never), ("verify", &self.verify), ("if_wrong", &self.if_wrong)]
    }
}
