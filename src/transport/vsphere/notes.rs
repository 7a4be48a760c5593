//! What a server has said so far, answer by answer, and what it has refused to say.
//!
//! Not for what is asked (`survey`, `access`, `files`), nor for what any answer means.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::Trouble;
use super::failure::VsphereError;
use super::json;
use crate::facts::transcript::{Answer, Answers, Connection, SCHEMA, Transcript};

/// The answers so far.
#[derive(Default)]
pub(super) struct Notes(BTreeMap<String, Answer>);

impl Notes {
    /// All of them, by what was asked.
    pub(super) fn answers(self) -> BTreeMap<String, Answer> {
        self.0
    }

    /// What is known by now, as a transcript.
    pub(super) fn so_far(&self) -> Transcript {
        Transcript {
            schema: SCHEMA.to_owned(),
            target: String::new(),
            kind: String::new(),
            asked_at: None,
            connection: Connection::default(),
            answers: Answers { by_probe: self.0.clone(), ended: true, unanswered: None },
        }
    }

    /// Notes what was said.
    pub(super) fn known(&mut self, probe: &str, value: &Value) {
        self.note(probe, 0, value);
    }

    fn note(&mut self, probe: &str, status: i32, value: &Value) {
        self.0.insert(probe.to_owned(), Answer { status, text: value.to_string() });
    }

    /// Notes that something was not to be had.
    pub(super) fn refused(&mut self, probe: &str, why: &str) {
        if !self.0.contains_key(probe) {
            self.note(probe, 1, &json!({ "fault": "NotGiven", "message": why }));
        }
    }

    /// Notes what a question brought; only the end of the connection ends everything.
    pub(super) fn take<T>(
        &mut self,
        probes: &[&str],
        result: Result<T, Trouble>,
    ) -> Result<Option<T>, VsphereError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(Trouble::Fault(fault)) => {
                for probe in probes {
                    self.note(probe, 1, &json::fault(&fault));
                }
                Ok(None)
            }
            Err(Trouble::Broken(error)) => Err(error),
        }
    }
}
