//! What a guide says, whatever its format. It only grows: programs read it.
//!
//! Not for making it (`plan`), nor for how it is shown (`report::guide`).

use schemars::JsonSchema;
use serde::Serialize;

use super::step::Step;
use crate::check::definition::{Remedy, Severity, SourceReference};
use crate::check::finding::OutcomeKind;
use crate::facts::stage::{MachineStage, Scenario, Stage};

/// What to do for the machines of a site, in sections of machines that stand at the same place.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Guide {
    /// What fails back.
    pub scenario: Scenario,
    /// The machines, those that have come least far first.
    pub sections: Vec<GuideSection>,
    /// What should be known beside them.
    pub notes: Vec<String>,
    /// The exit status: 0 there is a next step and nothing blocks it, 1 something blocks, 3 undecided.
    pub exit_code: u8,
}

/// Whether the machines of a section can go on.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Readiness {
    /// Something blocks.
    Blocked,
    /// Nothing is known to block, but not everything that counts is known.
    Undecided,
    /// Nothing blocks the next step.
    #[strum(serialize = "nothing blocks")]
    Clear,
}

impl Readiness {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The exit status.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Clear => 0,
            Self::Blocked => 1,
            Self::Undecided => 3,
        }
    }
}

/// Machines that stand at the same stage with the same things open.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GuideSection {
    /// The machines, each with its stage and how it is known.
    pub machines: Vec<MachineStage>,
    /// What is said about their stage; none when it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<StageSummary>,
    /// Whether they can go on.
    pub progress: Readiness,
    /// What ends their case: with it, there is nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<OpenFinding>,
    /// What has to be said when the stage is not known, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub to_say: Vec<String>,
    /// The steps that are done, by which checks.
    pub done: Vec<StepRow>,
    /// The steps that are not needed for these machines, by which checks.
    pub not_needed: Vec<StepRow>,
    /// What blocks and no step of this stage settles: what held before and does not hold any more.
    pub first: Vec<OpenFinding>,
    /// What is worth a look, blocks nothing, and no step of this stage settles.
    pub warnings: Vec<OpenFinding>,
    /// What to do now, in order.
    pub now: Vec<NowStep>,
    /// The steps behind them.
    pub later: Vec<StepRow>,
    /// What must not be done.
    pub never: Vec<AdviceItem>,
    /// What to look at before going on.
    pub verify: Vec<AdviceItem>,
    /// What to do when something goes wrong.
    pub if_wrong: Vec<AdviceItem>,
    /// The stage behind this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextStage>,
}

impl GuideSection {
    /// Returns the stage in a word: that of its steps, otherwise that of its machines, whose case may have ended.
    pub fn stage_word(&self) -> &'static str {
        let of_machines = || self.machines.first().and_then(MachineStage::known);
        let stage = self.stage.as_ref().map(|summary| summary.stage).or_else(of_machines);
        stage.map_or("the stage is not known", Stage::as_str)
    }
}

/// What is written about a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageSummary {
    /// The stage.
    pub stage: Stage,
    /// The entry of the step files.
    pub id: String,
    /// What it is, as a fragment.
    pub title: String,
    /// What has happened when a machine is here.
    pub enter: String,
    /// What has to be so before it goes on.
    pub leave: String,
    /// How long it takes.
    pub takes: String,
}

/// A step that is not to be done now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StepRow {
    /// Its id.
    pub step: String,
    /// What it says.
    pub text: String,
    /// The checks that decide it: that hold, or that keep it open.
    pub checks: Vec<String>,
}

/// A step to do now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NowStep {
    /// The step.
    pub step: Step,
    /// When it is to be done, in words, where that is not known: "if it runs Linux".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What has to be corrected or found out for it, in working order.
    pub open: Vec<OpenFinding>,
    /// The checks of it that hold.
    pub holds: Vec<String>,
}

/// What fails or is not known, on as many targets as have it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenFinding {
    /// The check.
    pub check: String,
    /// What should hold.
    pub title: String,
    /// The outcome: fail or unknown.
    #[schemars(with = "String")]
    pub outcome: OutcomeKind,
    /// What it blocks for these machines.
    pub severity: Severity,
    /// What was found, and where.
    pub places: Vec<OpenPlace>,
    /// Other checks that are not known for the same reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub also: Vec<String>,
    /// Where it is written.
    pub source: SourceReference,
}

impl OpenFinding {
    /// Whether it has to be settled before going on.
    pub fn is_blocker(&self) -> bool {
        self.severity.is_blocker()
    }
}

/// One thing that was found by a check, on one target or several.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OpenPlace {
    /// The targets.
    pub targets: Vec<String>,
    /// What was found, or why nothing could be.
    pub found: String,
    /// How to fix it; none for what is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<Remedy>,
}

/// What must not be done, is to be looked at, or helps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AdviceItem {
    /// What it says.
    pub text: String,
    /// When it matters, in words, where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// The checks of it that hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub holds: Vec<String>,
    /// Whether the checks prove it.
    pub is_proved: bool,
    /// Where it is written.
    pub source: SourceReference,
}

/// The stage behind the present one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextStage {
    /// The stage.
    pub stage: Stage,
    /// What it is, as a fragment.
    pub title: String,
    /// Its steps, when nothing of the present stage is open any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub steps: Vec<NextStep>,
}

/// A step of the next stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NextStep {
    /// The step.
    pub step: Step,
    /// When it is to be done, in words, where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}
