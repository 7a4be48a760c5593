//! The examples of an entry as they are written.
//!
//! Not for running them (`example`).

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::error::EntryProblem;
use super::model::{Check, Example, ExpectedOutcome};
use super::schema::FactType;

/// One example as it is written.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleEntry {
    #[serde(default)]
    pass: Option<Value>,
    #[serde(default)]
    warn: Option<Value>,
    #[serde(default)]
    fail: Option<Value>,
    #[serde(default)]
    unknown: Option<Value>,
    #[serde(default, rename = "not-applicable")]
    not_applicable: Option<Value>,
    #[serde(default)]
    note: Option<String>,
}

impl ExampleEntry {
    /// Returns the example, if exactly one outcome is given.
    fn into_example(self) -> Option<Example> {
        let mut given = [
            (ExpectedOutcome::Pass, self.pass),
            (ExpectedOutcome::Warn, self.warn),
            (ExpectedOutcome::Fail, self.fail),
            (ExpectedOutcome::Unknown, self.unknown),
            (ExpectedOutcome::NotApplicable, self.not_applicable),
        ]
        .into_iter()
        .filter_map(|(expected, facts)| Some((expected, facts?)));
        match (given.next(), given.next()) {
            (Some((expected, facts)), None) => Some(Example { expected, facts, note: self.note }),
            _ => None,
        }
    }
}

/// Verifies examples against the types of the facts.
pub(super) fn parse_examples(
    entries: Vec<ExampleEntry>,
    facts: &FactType,
) -> Result<Vec<Example>, EntryProblem> {
    let examples = entries.into_iter().enumerate().map(|(index, entry)| {
        let number = index + 1;
        let example = entry.into_example().ok_or(EntryProblem::Example(number))?;
        match facts.find_mismatch(&example.facts) {
            Some(why) => Err(EntryProblem::ExampleFacts(number, why)),
            None => Ok(example),
        }
    });
    examples.collect()
}

/// Verifies that every outcome of a check has an example.
pub(super) fn verify_examples(check: &Check) -> Result<(), EntryProblem> {
    let rules = check.rules().count();
    if rules == 0 {
        return Ok(());
    }
    let mut wanted = vec![ExpectedOutcome::Pass, ExpectedOutcome::Fail, ExpectedOutcome::Unknown];
    wanted.extend((rules > 1).then_some(ExpectedOutcome::Warn));
    // A question has its condition without examples of it.
    let has_condition = check.applies_when.is_some() && !check.is_question();
    wanted.extend(has_condition.then_some(ExpectedOutcome::NotApplicable));
    let given = |wanted| check.examples.iter().any(|example| example.expected == wanted);
    match wanted.into_iter().find(|&wanted| !given(wanted)) {
        Some(missing) => Err(EntryProblem::NoExample(missing)),
        None => Ok(()),
    }
}
