//! The examples a check carries, which are its own tests: `preflight test checks` runs them.
//!
//! An example runs the rules of its check alone, without what the check requires. Facts that it
//! does not give are absent.

use super::definition::CheckSet;
use super::engine::{decide, has_meaning};
use super::model::{Check, Example, Expected, Place};
use super::subject::Subject;
use super::verdict::Verdict;
use crate::facts::Document;

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
        Verdict::NotApplicable { why, .. } => (Expected::NotApplicable, why),
    };
    (came != example.expected).then_some(words)
}
