//! The examples a check carries, which are its own tests: `preflight test checks` runs them.
//!
//! An example runs the rules of its check alone, without what the check requires. Facts that it
//! does not give are absent.

use serde::Deserialize;
use serde_json::Value;

use super::definition::{Check, CheckSet, Place};
use super::engine::{Verdict, decide, has_meaning};
use super::subject::Subject;
use crate::facts::Document;

/// What an example says its facts lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The rule holds.
    Pass,
    /// The rule holds and the warn rule does not.
    Warn,
    /// The rule does not hold.
    Fail,
    /// The rule cannot be decided.
    Unknown,
    /// The check has no meaning for the target.
    NotApplicable,
}

impl Expected {
    /// The key it is written with.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not-applicable",
        }
    }
}

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What its facts lead to.
    pub expected: Expected,
    /// The facts that matter.
    pub facts: Value,
    /// What it shows, when that is not plain.
    pub note: Option<String>,
}

/// One example as it is written.
#[derive(Deserialize)]
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
    /// The one outcome that is given, when it is one.
    pub(super) fn only(self) -> Option<Example> {
        let mut given = [
            (Expected::Pass, self.pass),
            (Expected::Warn, self.warn),
            (Expected::Fail, self.fail),
            (Expected::Unknown, self.unknown),
            (Expected::NotApplicable, self.not_applicable),
        ]
        .into_iter()
        .filter_map(|(expected, facts)| Some((expected, facts?)));
        match (given.next(), given.next()) {
            (Some((expected, facts)), None) => Some(Example { expected, facts, note: self.note }),
            _ => None,
        }
    }
}

/// What became of one example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleResult {
    /// The check.
    pub check: String,
    /// Where the check is defined.
    pub at: Place,
    /// Which of its examples, from 1.
    pub number: usize,
    /// What it says its facts lead to.
    pub expected: Expected,
    /// What they led to instead, in words; nothing when it holds.
    pub instead: Option<String>,
}

/// Runs every example of a set.
pub fn run_examples(set: &CheckSet) -> Vec<ExampleResult> {
    let results = set.checks().iter().flat_map(|check| {
        check.examples.iter().enumerate().map(|(index, example)| ExampleResult {
            check: check.id.clone(),
            at: check.at.clone(),
            number: index + 1,
            expected: example.expected,
            instead: departure(check, example),
        })
    });
    results.collect()
}

/// What an example's facts lead to, when that is not what it says.
fn departure(check: &Check, example: &Example) -> Option<String> {
    let document = Document::of_known(example.facts.clone());
    let subject = Subject::of_example(&document);
    if example.expected == Expected::NotApplicable {
        return match has_meaning(check, &subject) {
            Ok(false) => None,
            Ok(true) => Some("it applies".to_owned()),
            Err(undecided) => Some(format!("whether it applies is unknown: {undecided}")),
        };
    }
    let (came, words) = match decide(check, &subject) {
        Verdict::Pass => (Expected::Pass, "pass".to_owned()),
        Verdict::Warn => (Expected::Warn, "warn".to_owned()),
        Verdict::Fail => (Expected::Fail, "fail".to_owned()),
        Verdict::Unknown { why, defect: true, .. } => return Some(why),
        Verdict::Unknown { why, .. } => (Expected::Unknown, format!("unknown: {why}")),
        Verdict::NotApplicable(why) => (Expected::NotApplicable, why),
    };
    (came != example.expected).then_some(words)
}
