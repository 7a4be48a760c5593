//! The examples a check carries, which are its own tests: `preflight test checks` runs them.
//!
//! An example runs the rules of its check alone, without what the check requires. Facts that it
//! does not give are absent.

use super::definition::CheckSet;
use super::evaluator::{applies, decide};
use super::fact_context::FactContext;
use super::model::{Check, DefinitionLocation, Example, ExpectedOutcome};
use super::verdict::CheckVerdict;
use crate::facts::Document;

/// The result of one example.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExampleResult {
    /// The check.
    pub check: String,
    /// Where the check is defined.
    pub at: DefinitionLocation,
    /// Which of its examples, from 1.
    pub number: usize,
    /// The expected outcome.
    pub expected: ExpectedOutcome,
    /// The actual outcome in words; `None` if it is the expected one.
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
            instead: find_mismatch(check, example),
        })
    });
    results.collect()
}

/// Returns the actual outcome of an example, if it is not the expected one.
fn find_mismatch(check: &Check, example: &Example) -> Option<String> {
    let document = Document::from_known(example.facts.clone());
    let context = FactContext::from_example(&document);
    if example.expected == ExpectedOutcome::NotApplicable {
        return match applies(check, &context) {
            Ok(false) => None,
            Ok(true) => Some("it applies".to_owned()),
            Err(undecided) => Some(format!("whether it applies is unknown: {undecided}")),
        };
    }
    let (came, words) = match decide(check, &context) {
        CheckVerdict::Pass => (ExpectedOutcome::Pass, "pass".to_owned()),
        CheckVerdict::Warn => (ExpectedOutcome::Warn, "warn".to_owned()),
        CheckVerdict::Fail => (ExpectedOutcome::Fail, "fail".to_owned()),
        CheckVerdict::Unknown { unknown, .. } if unknown.is_defect() => {
            return Some(unknown.to_string());
        }
        CheckVerdict::Unknown { unknown, .. } => {
            (ExpectedOutcome::Unknown, format!("unknown: {unknown}"))
        }
        CheckVerdict::NotApplicable { why, .. } => (ExpectedOutcome::NotApplicable, why),
    };
    (came != example.expected).then_some(words)
}
