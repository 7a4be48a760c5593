//! The answers and refusals of a server, as they are collected.
//!
//! Not for which calls are made (`collect`, `access`, `files`), nor for what any answer means.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::client::CallError;
use super::error::VsphereError;
use super::json;
use crate::facts::probe::ProbeName;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{
    CollectedBy, Connection, ProbeAnswer, ProbeAnswers, SCHEMA, Transcript,
};
use crate::facts::vsphere::property::others_probe;
use crate::facts::vsphere::query_scope::QueryScope;

/// The key of an answer about one master target.
pub(super) struct AnswerKey {
    probe: ProbeName<'static>,
    of: Option<String>,
}

/// The answers so far.
#[derive(Default)]
pub(super) struct AnswerRecorder(BTreeMap<String, ProbeAnswer>);

impl AnswerRecorder {
    /// Returns the answers by probe.
    pub(super) fn into_answers(self) -> BTreeMap<String, ProbeAnswer> {
        self.0
    }

    /// Returns the answers so far as a transcript.
    pub(super) fn to_transcript(&self) -> Transcript {
        Transcript {
            schema: SCHEMA.to_owned(),
            target: String::new(),
            kind: TargetKind::Vcenter,
            asked_at: None,
            connection: Connection::new(CollectedBy::Vsphere),
            overrides: Default::default(),
            answers: ProbeAnswers { by_probe: self.0.clone(), ended: true, unanswered: None },
        }
    }

    /// Records an answer.
    pub(super) fn record(&mut self, probe: ProbeName<'_>, value: &Value) {
        self.insert(probe.as_str(), 0, value);
    }

    fn insert(&mut self, probe: &str, status: i32, value: &Value) {
        self.0.insert(probe.to_owned(), ProbeAnswer { status, text: value.to_string() });
    }

    /// Returns the key of a probe about one master target: the first target of a query has a probe of
    /// its own, further ones share one.
    pub(super) fn key_for(
        question: &QueryScope,
        probe: ProbeName<'static>,
        master_target: &str,
    ) -> AnswerKey {
        let first = question.master_target.as_deref() == Some(master_target);
        AnswerKey { probe, of: (!first).then(|| master_target.to_owned()) }
    }

    /// Records an answer about one master target.
    pub(super) fn record_at(&mut self, key: &AnswerKey, value: &Value) {
        self.insert_at(key, 0, value);
    }

    /// Records that the server did not give an answer about one master target.
    pub(super) fn record_refusal(&mut self, key: &AnswerKey, why: &str) {
        if key.of.is_some() || !self.0.contains_key(key.probe.as_str()) {
            self.insert_at(key, 1, &json!({ "fault": "NotGiven", "message": why }));
        }
    }

    fn insert_at(&mut self, key: &AnswerKey, status: i32, value: &Value) {
        let Some(of) = &key.of else { return self.insert(key.probe.as_str(), status, value) };
        let probe = others_probe(key.probe);
        let text = self.0.get(&probe).map(|answer| answer.text.as_str());
        let mut all: Map<String, Value> =
            text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        // The first refusal says more than what follows from it.
        let refused = |value: &Value| value.get("fault").is_some();
        if status == 0 || !all.get(of).is_some_and(refused) {
            all.insert(of.clone(), value.clone());
        }
        self.insert(&probe, 0, &Value::Object(all));
    }

    /// Returns the value of a call about one master target; none after a fault, which is recorded.
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

    /// Returns the value of a call; none after a fault, which is recorded for these probes.
    pub(super) fn record_fault<T>(
        &mut self,
        probes: &[ProbeName<'_>],
        result: Result<T, CallError>,
    ) -> Result<Option<T>, VsphereError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(CallError::Fault(fault)) => {
                for probe in probes {
                    self.insert(probe.as_str(), 1, &json::from_fault(&fault));
                }
                Ok(None)
            }
            Err(CallError::Fatal(error)) => Err(error),
        }
    }
}
