//! Reading what was collected elsewhere: captures of `collect azure`, and bodies that `az rest`, `az site-recovery` or
//! a browser's developer tools printed, in whatever mix and order.
//!
//! An exported body does not say what was asked for, so its answer has no path. Not for which commands export what:
//! that is in docs/azure.md.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::address::VAULTS;
use super::body::{self, BodyError};
use super::refusal::ArmError;
use super::resource::{RECOVERY_SERVICES, ResourceId};
use crate::facts::azure::answers::{
    AnswerOutcome, AzureAnswer, AzureFailure, SCHEMA, VaultAnswers,
};
use crate::facts::azure::keep::keep;
use crate::hint::hinted;
use crate::regular_file;

/// The most bytes of one file: a capture of ten thousand machines.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The most values in one file.
const MAX_VALUES: usize = 8 * body::MAX_VALUES;

/// The most files of a directory.
const MAX_FILES: usize = 20_000;

/// The member that says when the bodies of a directory were exported.
const EXPORTED_AT: &str = "exportedAt";

/// Why a file or directory is not read.
#[derive(Debug, thiserror::Error)]
pub enum AzureExportError {
    /// The system refused.
    #[error("cannot read {path}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no body of Azure and no capture.
    #[error("{path} is neither a capture nor a body of Azure: {why}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A directory without any.
    #[error("{0} holds no bodies of Azure")]
    Empty(PathBuf),
    /// Bodies of more than one vault.
    #[error("{path} holds bodies of more than one vault: {vaults}")]
    SeveralVaults {
        /// The file or directory.
        path: PathBuf,
        /// Their names.
        vaults: String,
    },
}

impl AzureExportError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => return None,
            Self::Unreadable { .. } | Self::Empty(_) => {
                "make one with preflight collect azure VAULT -o FILE, or with the script in \
                 docs/azure.md"
            }
            Self::SeveralVaults { .. } => {
                "put the bodies of each vault into a directory of their own"
            }
        };
        Some(hint.to_owned())
    }
}

hinted!(AzureExportError);

/// What was read.
#[derive(Debug)]
pub struct AzureExport {
    /// The answers.
    pub answers: VaultAnswers,
    /// What was left out, in sentences.
    pub notes: Vec<String>,
}

/// Reads a file, or all files of a directory whose names end in `.json`.
///
/// # Errors
///
/// Fails for what is no body of Azure, and for bodies of more than one vault. An empty file, which a command leaves
/// that failed, is noted.
pub fn read(path: &Path) -> Result<AzureExport, AzureExportError> {
    let files = if path.is_dir() { files_in(path)? } else { vec![path.to_owned()] };
    let mut export = AzureExport { answers: VaultAnswers::new(None), notes: Vec::new() };
    let mut at = None;
    for file in &files {
        let io = |source| AzureExportError::Io { path: file.clone(), source };
        let bytes = regular_file::read(file, MAX_BYTES).map_err(io)?;
        if bytes.iter().all(u8::is_ascii_whitespace) && files.len() > 1 {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            export.notes.push(format!("{name} is empty: the command that wrote it failed"));
            continue;
        }
        let unreadable = |error: BodyError| {
            let why = error.to_string().replace("the answer", "it");
            AzureExportError::Unreadable { path: file.clone(), why }
        };
        for value in body::parse_several(&bytes, MAX_VALUES).map_err(unreadable)? {
            let time = value[EXPORTED_AT].as_str().and_then(|text| text.parse().ok());
            if value.get("id").is_none() && time.is_some() {
                at = time;
                continue;
            }
            let why = |why| AzureExportError::Unreadable { path: file.clone(), why };
            add(&mut export, value).map_err(why)?;
        }
    }
    if export.answers.answers.is_empty() {
        return Err(AzureExportError::Empty(path.to_owned()));
    }
    name_vault(&mut export.answers, path)?;
    set_time(&mut export.answers, at);
    Ok(export)
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>, AzureExportError> {
    let io = |source| AzureExportError::Io { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(io)?.take(MAX_FILES) {
        let file = entry.map_err(io)?.path();
        let is_json =
            file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if file.is_file() && is_json && !hidden {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// Adds a capture or a body.
fn add(export: &mut AzureExport, value: Value) -> Result<(), String> {
    let answers = &mut export.answers;
    if let Some(schema) = value["schema"].as_str() {
        if schema != SCHEMA {
            let schema: String = schema.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(format!("its schema is {schema:?}, and {SCHEMA:?} is read"));
        }
        let capture: VaultAnswers =
            serde_json::from_value(value).map_err(|error| error.to_string())?;
        answers.vault = answers.vault.take().or(capture.vault);
        answers.answers.extend(capture.answers.into_iter().map(kept));
        return Ok(());
    }
    if value.get("id").is_none() && value["error"].is_object() {
        let error = ArmError::parse(value.to_string().as_bytes());
        let reason = error.message.unwrap_or_else(|| "the export failed".to_owned());
        let failure = AzureFailure { status: None, code: error.code, reason, lacking: None };
        answers.answers.push(exported(AnswerOutcome::Failed(failure)));
        return Ok(());
    }
    let page =
        body::read_page(value).map_err(|error| error.to_string().replace("the answer", "it"))?;
    let is_named = |object: &Value| object["id"].is_string() || object["type"].is_string();
    if let Some(object) = page.objects.iter().find(|object| !is_named(object)) {
        let keys = object.as_object().into_iter().flat_map(|object| object.keys());
        let keys: Vec<&str> = keys.map(String::as_str).take(3).collect();
        return Err(format!("it has an object without id and type (it has {})", keys.join(", ")));
    }
    let objects = page.objects.into_iter().map(with_properties);
    let objects: Vec<Value> = objects.map(|object| keep(&object)).collect();
    answers.answers.push(exported(match page.next {
        None => AnswerOutcome::Objects(objects),
        Some(_) => {
            let reason = "the export has only the first page of this list".to_owned();
            let failure = AzureFailure { status: None, code: None, reason, lacking: None };
            AnswerOutcome::Partial { objects, failure }
        }
    }));
    Ok(())
}

/// Puts members back below `properties`, from where commands such as `az vm get-instance-view` take them.
fn with_properties(object: Value) -> Value {
    let Value::Object(members) = object else { return object };
    if members.contains_key("properties") {
        return Value::Object(members);
    }
    let is_outside = |name: &str| matches!(name, "id" | "name" | "type" | "location");
    let (mut outside, below): (serde_json::Map<_, _>, serde_json::Map<_, _>) =
        members.into_iter().partition(|(name, _)| is_outside(name));
    if !below.is_empty() {
        outside.insert("properties".to_owned(), Value::Object(below));
    }
    Value::Object(outside)
}

fn exported(outcome: AnswerOutcome) -> AzureAnswer {
    AzureAnswer { path: None, at: None, outcome }
}

/// Keeps of a capture's answer what a live run keeps, whoever wrote it.
fn kept(answer: AzureAnswer) -> AzureAnswer {
    let keep_all = |objects: Vec<Value>| objects.iter().map(keep).collect();
    let outcome = match answer.outcome {
        AnswerOutcome::Objects(objects) => AnswerOutcome::Objects(keep_all(objects)),
        AnswerOutcome::Partial { objects, failure } => {
            AnswerOutcome::Partial { objects: keep_all(objects), failure }
        }
        failed @ AnswerOutcome::Failed(_) => failed,
    };
    AzureAnswer { outcome, ..answer }
}

/// Finds the vault by the ids of what is in it.
fn name_vault(answers: &mut VaultAnswers, path: &Path) -> Result<(), AzureExportError> {
    let objects = answers.answers.iter().flat_map(AzureAnswer::objects);
    let ids = objects.filter_map(|object| ResourceId::parse(object["id"].as_str()?));
    let vaults = ids.map(|id| id.outermost()).filter(|id| id.is(RECOVERY_SERVICES, &[VAULTS]));
    let vaults: std::collections::BTreeMap<String, ResourceId> =
        vaults.map(|vault| (vault.key(), vault)).collect();
    if vaults.len() > 1 {
        let names: Vec<&str> = vaults.values().map(ResourceId::name).collect();
        let vaults = names.join(", ");
        return Err(AzureExportError::SeveralVaults { path: path.to_owned(), vaults });
    }
    if let (None, Some(vault)) = (&answers.vault, vaults.into_values().next()) {
        answers.vault = Some(vault.to_path());
    }
    Ok(())
}

fn set_time(answers: &mut VaultAnswers, at: Option<Timestamp>) {
    for answer in answers.answers.iter_mut().filter(|answer| answer.path.is_none()) {
        answer.at = answer.at.or(at);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    const VAULT: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";

    fn read_files(files: &[(&str, String)]) -> Result<AzureExport, AzureExportError> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        read(directory.path())
    }

    fn named(name: &str) -> String {
        format!(
            r#"{{"id":"{VAULT}/replicationPolicies/{name}","properties":{{"friendlyName":"{name}"}}}}"#
        )
    }

    #[test]
    fn bodies_are_read_in_every_form_they_are_printed_in() {
        let list = |objects: &str, more: &str| format!(r#"{{"value":[{objects}]{more}}}"#);
        let export = read_files(&[
            ("a.json", named("one")),
            ("b.json", list(&named("two"), r#","nextLink":null"#)),
            ("c.JSON", format!("\u{feff}[{},{}]", named("three"), named("four"))),
            ("d.json", format!(r#"{{"responses":{{"200":{{"body":{}}}}}}}"#, named("five"))),
            ("e.json", format!("{}\n{}\n", named("six"), list(&named("seven"), ""))),
            ("f.json", list(&named("eight"), r#","nextLink":"https://evil.example/""#)),
            ("g.json", " \n".to_owned()),
            ("h.json", r#"{"exportedAt":"2026-11-20T08:00:00Z"}"#.to_owned()),
            ("i.json", r#"{"error":{"code":"AuthorizationFailed","message":"no"}}"#.to_owned()),
            ("notes.txt", "not read".to_owned()),
            (".hidden.json", "not read".to_owned()),
        ])
        .unwrap();
        assert_eq!(export.answers.vault.as_deref(), Some(VAULT));
        let objects = export.answers.answers.iter().flat_map(AzureAnswer::objects);
        let names: Vec<&str> =
            objects.map(|object| object["properties"]["friendlyName"].as_str().unwrap()).collect();
        assert_eq!(names, ["one", "two", "three", "four", "five", "six", "seven", "eight"]);
        let failures: Vec<&str> = export
            .answers
            .answers
            .iter()
            .filter_map(|answer| Some(answer.failure()?.reason.as_str()))
            .collect();
        assert_eq!(failures, ["the export has only the first page of this list", "no"]);
        assert!(export.answers.answers.iter().all(|answer| answer.path.is_none()));
        assert_eq!(export.answers.asked_at(), "2026-11-20T08:00:00Z".parse().ok());
        assert_eq!(export.notes, ["g.json is empty: the command that wrote it failed"]);
    }

    #[test]
    fn members_that_a_command_took_out_of_properties_are_put_back() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/m";
        let text = format!(
            r#"{{"id":"{id}","name":"m","tags":{{"a":"b"}},"instanceView":{{"statuses":[{{"code":"PowerState/running"}}]}}}}"#
        );
        let export = read_files(&[("a.json", text)]).unwrap();
        let object = &export.answers.answers[0].objects()[0];
        let code = &object["properties"]["instanceView"]["statuses"][0]["code"];
        assert_eq!(code, "PowerState/running");
    }

    #[test]
    fn what_is_no_body_of_one_vault_is_refused_by_name() {
        let other = named("x").replace("/vaults/v/", "/vaults/w/");
        for (text, expected) in [
            ("<html>", "a.json is neither a capture nor a body of Azure: it is no JSON"),
            ("{\"id\":1", "a.json is neither"),
            ("{\"name\":\"x\"}", "an object without id and type (it has name)"),
            ("[1]", "it holds no object"),
            ("{\"schema\":\"preflight.azure/9\"}", "its schema is"),
            (&format!("[{},{other}]", named("x")), "more than one vault: v, w"),
        ] {
            let error = read_files(&[("a.json", text.to_owned())]).unwrap_err();
            assert!(error.to_string().contains(expected), "{text}: {error}");
            assert!(error.hint().is_some());
        }
        assert!(matches!(read_files(&[]), Err(AzureExportError::Empty(_))));
    }

    #[test]
    fn a_capture_is_read_with_its_paths_and_keeps_no_secret_that_somebody_wrote_into_it() {
        let mut capture = VaultAnswers::new(Some(VAULT.to_owned()));
        let connection =
            VAULT.replace("Microsoft.RecoveryServices/vaults", "Microsoft.Network/connections");
        capture.answers.push(AzureAnswer {
            path: Some("/x".to_owned()),
            at: None,
            outcome: AnswerOutcome::Objects(vec![serde_json::json!({
                "id": connection, "properties": { "connectionStatus": "Connected", "sharedKey": "canary" }
            })]),
        });
        let text = serde_json::to_string(&capture).unwrap();
        let export = read_files(&[("a.json", text)]).unwrap();
        assert_eq!(export.answers.answers[0].path.as_deref(), Some("/x"));
        assert!(!format!("{export:?}").contains("canary"));
    }
}
