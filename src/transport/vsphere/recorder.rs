//! What a server has said so far, answer by answer, and what it has refused to say.
//!
//! Not for what is asked (`survey`, `access`, `files`), nor for what any answer means.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::client::CallError;
use super::error::VsphereError;
use super::json;
use crate::facts::transcript::{Answer, Answers, Connection, SCHEMA, Transcript};
use crate::facts::vsphere::property::of_others;
use crate::facts::vsphere::question::Question;

/// Where an answer about one master target is noted.
pub(super) struct AnswerKey {
    probe: String,
    of: Option<String>,
}

/// The answers so far.
#[derive(Default)]
pub(super) struct AnswerRecorder(BTreeMap<String, Answer>);

impl AnswerRecorder {
    /// All of them, by what was asked.
    pub(super) fn into_answers(self) -> BTreeMap<String, Answer> {
        self.0
    }

    /// What is known by now, as a transcript.
    pub(super) fn to_transcript(&self) -> Transcript {
        Transcript {
            schema: SCHEMA.to_owned(),
            target: String::new(),
            kind: String::new(),
            asked_at: None,
            connection: Connection::default(),
            reading: Default::default(),
            answers: Answers { by_probe: self.0.clone(), ended: true, unanswered: None },
        }
    }

    /// Notes what was said.
    pub(super) fn record(&mut self, probe: &str, value: &Value) {
        self.insert(probe, 0, value);
    }

    fn insert(&mut self, probe: &str, status: i32, value: &Value) {
        self.0.insert(probe.to_owned(), Answer { status, text: value.to_string() });
    }

    /// Where what concerns one master target is noted: the first of a question has a place of its
    /// own, further ones share one.
    pub(super) fn key_for(question: &Question, probe: &str, master_target: &str) -> AnswerKey {
        let first = question.master_target.as_deref() == Some(master_target);
        AnswerKey { probe: probe.to_owned(), of: (!first).then(|| master_target.to_owned()) }
    }

    /// Notes what was said about one master target.
    pub(super) fn record_at(&mut self, key: &AnswerKey, value: &Value) {
        self.insert_at(key, 0, value);
    }

    /// Notes that something about one master target was not to be had.
    pub(super) fn record_refusal(&mut self, key: &AnswerKey, why: &str) {
        if key.of.is_some() || !self.0.contains_key(&key.probe) {
            self.insert_at(key, 1, &json!({ "fault": "NotGiven", "message": why }));
        }
    }

    fn insert_at(&mut self, key: &AnswerKey, status: i32, value: &Value) {
        let Some(of) = &key.of else { return self.insert(&key.probe, status, value) };
        let probe = of_others(&key.probe);
        let text = self.0.get(&probe).map(|answer| answer.text.as_str());
        let mut all: Map<String, Value> =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        // What was refused is noted first and says more than what follows from it.
        let refused = |value: &Value| value.get("fault").is_some();
        if status == 0 || !all.get(of).is_some_and(refused) {
            all.insert(of.clone(), value.clone());
        }
        self.insert(&probe, 0, &Value::Object(all));
    }

    /// Notes what a question about one master target brought.
    pub(super) fn record_fault_at<T>(
        &mut self,
        key: &AnswerKey,
        result: Result<T, CallError>,
    ) -> Result<Option<T>, VsphereError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(CallError::Fault(fault)) => {
                self.insert_at(key, 1, &json::from_fault(&fault));
                Ok(None)
            }
            Err(CallError::Fatal(error)) => Err(error),
        }
    }

    /// Notes what a question brought; only the end of the connection ends everything.
    pub(super) fn record_fault<T>(
        &mut self,
        probes: &[&str],
        result: Result<T, CallError>,
    ) -> Result<Option<T>, VsphereError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(CallError::Fault(fault)) => {
                for probe in probes {
                    self.insert(probe, 1, &json::from_fault(&fault));
                }
                Ok(None)
            }
            Err(CallError::Fatal(error)) => Err(error),
        }
    }
}
