//! A guide with what made it, and the phrases that its formats for people share.
//!
//! Not for any one format.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::guide::model::{
    Guide, GuideSection, NextStep, NowStep, OpenFinding, OpenPlace, StepRow,
};
use crate::guide::step::Step;
use crate::report::layout::single_line;
use crate::report::model::{RunInfo, ToolInfo};

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.guide/1";

/// A guide with what made it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct GuideReport {
    /// Always `preflight.guide/1`.
    pub schema: String,
    /// What made it.
    pub tool: ToolInfo,
    /// The run it is of.
    pub run: RunInfo,
    /// What it says.
    #[serde(flatten)]
    pub guide: Guide,
}

impl GuideReport {
    /// Returns the report of a guide over what was collected at a moment.
    pub fn new(guide: Guide, at: Timestamp, complete: bool) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tool: ToolInfo::default(),
            run: RunInfo { at: at.to_string(), complete },
            guide,
        }
    }
}

/// Returns the machines of a section as a phrase; none when it is of none.
pub(super) fn machine_names(section: &GuideSection) -> Option<String> {
    let names: Vec<&str> =
        section.machines.iter().map(|machine| machine.machine.as_str()).collect();
    match names.as_slice() {
        [] => None,
        [first, second, _, rest @ ..] if !rest.is_empty() => {
            Some(format!("{first}, {second} and {} more", rest.len() + 1))
        }
        few => Some(few.join(", ")),
    }
}

/// Returns a step's text behind its condition: "If it runs Linux: set the address".
pub(super) fn conditional(condition: Option<&str>, text: &str) -> String {
    let text = single_line(text);
    condition.map_or_else(|| text.clone(), |condition| format!("({condition}) {text}"))
}

/// The lines below a step: who, where, how long.
pub(super) fn step_details(step: &Step) -> Vec<(&'static str, String)> {
    let mut details = vec![("who", single_line(&step.who))];
    if !step.menu.is_empty() {
        details.push(("where", single_line(&step.menu.join(" > "))));
    }
    details.extend(step.takes.iter().map(|takes| ("takes", single_line(takes))));
    details
}

/// Returns the steps of the next stage in the form of steps to do.
pub(super) fn as_now(next: &NextStep) -> NowStep {
    NowStep {
        step: next.step.clone(),
        condition: next.condition.clone(),
        open: Vec::new(),
        holds: Vec::new(),
    }
}

/// How many things found by one check are told to people; programs get all of them.
const MAX_PLACES: usize = 3;

/// Returns what was found and is told to people, and how many targets there are beside it.
pub(super) fn told_places(finding: &OpenFinding) -> (&[OpenPlace], usize) {
    let told = &finding.places[..finding.places.len().min(MAX_PLACES)];
    let left = finding.places.iter().skip(MAX_PLACES).map(|place| place.targets.len()).sum();
    (told, left)
}

/// Returns a step's name with its checks: "STEP (CHECK, CHECK)".
pub(super) fn row_words(row: &StepRow) -> String {
    match row.checks.as_slice() {
        [] => row.step.clone(),
        checks => format!("{} ({})", row.step, checks.join(", ")),
    }
}

/// Returns what was found at one place of a finding, with the targets where there are several places.
pub(super) fn found_at(finding: &OpenFinding, place: &OpenPlace) -> String {
    if finding.places.len() > 1 {
        format!("{}: {}", place.targets.join(", "), place.found)
    } else {
        place.found.clone()
    }
}

/// Returns where a finding was made; nothing when there is one machine and it is that.
pub(super) fn places(finding: &OpenFinding) -> String {
    let names: Vec<&str> =
        finding.places.iter().flat_map(|place| &place.targets).map(String::as_str).collect();
    match names.as_slice() {
        [] => String::new(),
        few if few.len() <= 3 => format!(" on {}", few.join(", ")),
        [first, rest @ ..] => format!(" on {first} and {} more", rest.len()),
    }
}
