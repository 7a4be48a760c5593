//! A symptom and its causes: one entry of `checks/symptoms.yaml`, verified.
//!
//! Not for the set of them (`symptom_set`), for recognising one (`search`), nor for deciding its
//! causes (`diagnosis`).

use serde::Deserialize;

use crate::check::CheckSet;
use crate::check::error::EntryProblem;
use crate::check::model::{Check, Remedy, SourceReference};
use crate::check::recognition::{verify_said_as, verify_signature};
use crate::check::source;
use crate::check::window::ScenarioScope;

/// One symptom.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symptom {
    /// The id in kebab-case; it never changes.
    pub id: String,
    /// What people see, as a fragment.
    pub title: String,
    /// How people describe it.
    pub words: Vec<String>,
    /// What people, logs and other programs say of it, each as it is said.
    #[serde(default)]
    pub said_as: Vec<String>,
    /// Regular expressions over the lines of a log, without regard to case.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Error codes that mean it.
    #[serde(default)]
    pub codes: Vec<String>,
    /// The causes, likeliest first.
    pub causes: Vec<Cause>,
    /// Where it is written.
    pub source: SourceReference,
}

impl Symptom {
    /// Returns the checks that tell its causes apart, each once.
    pub fn checks(&self) -> Vec<&str> {
        distinct_checks(&self.causes)
    }
}

/// Returns the checks of some causes, each once.
pub(super) fn distinct_checks(causes: &[Cause]) -> Vec<&str> {
    let mut checks: Vec<&str> = Vec::new();
    for id in causes.iter().flat_map(|cause| &cause.checks) {
        if !checks.contains(&id.as_str()) {
            checks.push(id);
        }
    }
    checks
}

/// One cause of a symptom.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cause {
    /// What is wrong, as a fragment.
    pub cause: String,
    /// The checks that fail then.
    #[serde(default)]
    pub checks: Vec<String>,
    /// What to do, if it is not what the remedies of the checks say.
    #[serde(default)]
    pub remedy: Option<Remedy>,
}

/// A topic that people ask about and that is out of this program's scope.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutOfScope {
    /// The id in kebab-case.
    pub id: String,
    /// The scenario that it is, when it is out of scope at sites of another one alone.
    #[serde(default)]
    pub scenario: ScenarioScope,
    /// How people describe it.
    #[serde(default)]
    pub words: Vec<String>,
    /// What people and programs say of it, each as it is said.
    #[serde(default)]
    pub said_as: Vec<String>,
    /// Checks that tell whether it is so.
    #[serde(default)]
    pub checks: Vec<String>,
    /// Terms that put it in scope all the same.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The answer to it.
    pub says: String,
}

/// Returns the remedies of a cause: its own, or those of its checks.
pub fn remedies<'s>(cause: &'s Cause, checks: &'s CheckSet) -> Vec<&'s Remedy> {
    match &cause.remedy {
        Some(remedy) => vec![remedy],
        None => cause_checks(cause, checks).map(|check| &check.remedy).collect(),
    }
}

/// Returns the checks of a cause.
pub fn cause_checks<'s>(cause: &'s Cause, checks: &'s CheckSet) -> impl Iterator<Item = &'s Check> {
    cause.checks.iter().filter_map(|id| checks.find(id))
}

/// Verifies that a symptom is complete and names only checks that exist; the patterns of one that is embedded are verified by the tests.
pub(super) fn verify(
    symptom: &Symptom,
    checks: &CheckSet,
    is_prevalidated: bool,
) -> Result<(), EntryProblem> {
    let word = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if !symptom.id.split('-').all(word) {
        return Err(EntryProblem::Id("in kebab-case, without a dot"));
    }
    let blank = |text: &str| matches!(text.trim(), "" | "-");
    for (name, text) in [("title", &symptom.title), ("source.at", &symptom.source.at)] {
        if blank(text) {
            return Err(EntryProblem::Blank(name));
        }
    }
    if symptom.title.ends_with('.') {
        return Err(EntryProblem::Sentence("title"));
    }
    for (name, list) in [("words", &symptom.words), ("codes", &symptom.codes)] {
        if list.iter().any(|text| blank(text)) || (name == "words" && list.is_empty()) {
            return Err(EntryProblem::Blank(name));
        }
    }
    if !source::is_known_key(&symptom.source.doc) {
        return Err(EntryProblem::Source(symptom.source.doc.clone()));
    }
    verify_said_as(&symptom.said_as)?;
    if !is_prevalidated {
        symptom.patterns.iter().try_for_each(|pattern| verify_signature(pattern))?;
    }
    if symptom.causes.is_empty() {
        return Err(EntryProblem::Blank("causes"));
    }
    symptom.causes.iter().try_for_each(|cause| verify_cause(cause, checks))
}

fn verify_cause(cause: &Cause, checks: &CheckSet) -> Result<(), EntryProblem> {
    if cause.cause.trim().is_empty() {
        return Err(EntryProblem::Blank("cause"));
    }
    if cause.cause.ends_with('.') {
        return Err(EntryProblem::Sentence("cause"));
    }
    if cause.remedy.as_ref().is_some_and(|remedy| remedy.text.trim().is_empty()) {
        return Err(EntryProblem::Blank("remedy.text"));
    }
    if cause.checks.is_empty() && cause.remedy.is_none() {
        return Err(EntryProblem::NothingToDo(cause.cause.clone()));
    }
    cause.checks.iter().try_for_each(|id| checks.named("checks", id).map(drop))
}
