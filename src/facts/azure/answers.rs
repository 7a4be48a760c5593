//! The answers of Azure about one vault, as they are collected, saved and read again.
//!
//! One shape serves a live run, a capture of `collect azure`, and bodies that other programs exported: what follows reads
//! objects by their `id` and `type`, and asks the path only what was asked for.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The name of the format that captures of Azure carry.
pub const SCHEMA: &str = "preflight.azure/1";

/// All answers about one vault, in the order in which they were asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultAnswers {
    /// [`SCHEMA`].
    pub schema: String,
    /// The resource id of the vault, `/subscriptions/…/vaults/NAME`; absent for exported bodies that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<String>,
    /// The answers.
    pub answers: Vec<AzureAnswer>,
}

/// The answer to one GET; the pages of a list are one answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AzureAnswer {
    /// The path below the endpoint without `api-version`, such as `/subscriptions/…/replicationFabrics`; absent for an exported
    /// body, whose request is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// When the service answered, by its own `Date`; absent when it said none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: AnswerOutcome,
}

/// What came of one GET.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerOutcome {
    /// The objects of the answer: one, or the entries of a list of which every page was read.
    Objects(Vec<Value>),
    /// The objects of the pages that were read before one failed, and why it did.
    Partial {
        /// The objects.
        objects: Vec<Value>,
        /// Why the rest is missing.
        failure: AzureFailure,
    },
    /// No object.
    Failed(AzureFailure),
}

/// Why Azure did not say something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AzureFailure {
    /// The HTTP status; absent when there was no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The code of the error's body, such as `AuthorizationFailed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Why, as a fragment that a report can print: without secrets and control characters.
    pub reason: String,
    /// The right that is lacking, such as `Microsoft.RecoveryServices/vaults/replicationJobs/read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
}

impl AzureAnswer {
    /// Returns the objects that were read.
    pub fn objects(&self) -> &[Value] {
        match &self.outcome {
            AnswerOutcome::Objects(objects) | AnswerOutcome::Partial { objects, .. } => objects,
            AnswerOutcome::Failed(_) => &[],
        }
    }

    /// Returns why something is missing; none when the answer is whole.
    pub fn failure(&self) -> Option<&AzureFailure> {
        match &self.outcome {
            AnswerOutcome::Objects(_) => None,
            AnswerOutcome::Partial { failure, .. } | AnswerOutcome::Failed(failure) => {
                Some(failure)
            }
        }
    }
}

impl Default for VaultAnswers {
    fn default() -> Self {
        Self::new(None)
    }
}

impl VaultAnswers {
    /// Returns answers without any.
    pub fn new(vault: Option<String>) -> Self {
        Self { schema: SCHEMA.to_owned(), vault, answers: Vec::new() }
    }

    /// Returns the newest time at which the service answered, which is *now* for whatever is evaluated by age.
    pub fn asked_at(&self) -> Option<Timestamp> {
        self.answers.iter().filter_map(|answer| answer.at).max()
    }

    /// Takes a moment for that of all answers, where none of them has one.
    pub fn or_asked_at(&mut self, moment: Timestamp) {
        if self.asked_at().is_none() {
            self.answers.iter_mut().for_each(|answer| answer.at = Some(moment));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_capture_is_read_as_it_was_written() {
        let failure = AzureFailure {
            status: Some(403),
            code: Some("AuthorizationFailed".to_owned()),
            reason: "the account may not read it".to_owned(),
            lacking: Some("Microsoft.RecoveryServices/vaults/replicationJobs/read".to_owned()),
        };
        let answer = |path: &str, outcome| AzureAnswer {
            path: Some(path.to_owned()),
            at: Some("2026-11-20T08:00:00Z".parse().unwrap()),
            outcome,
        };
        let mut whole = VaultAnswers::new(Some("/subscriptions/s/vaults/v".to_owned()));
        whole.answers = vec![
            answer("/A", AnswerOutcome::Objects(vec![json!({ "id": "/a" })])),
            answer("/b", AnswerOutcome::Failed(failure.clone())),
            answer("/c", AnswerOutcome::Partial { objects: vec![json!({})], failure }),
        ];
        let text = serde_json::to_string(&whole).unwrap();
        let again: VaultAnswers = serde_json::from_str(&text).unwrap();
        assert_eq!(again, whole);
        let [a, b, c] = &again.answers[..] else { panic!("{again:?}") };
        assert_eq!((a.objects().len(), b.objects().len()), (1, 0));
        assert_eq!(c.failure().unwrap().status, Some(403));
    }
}
