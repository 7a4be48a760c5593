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
use super::body;
use super::export_pages::{ListPage, join_pages, path_of_url};
use super::refusal::ArmError;
use super::resource::{RECOVERY_SERVICES, ResourceId};
use crate::facts::azure::answers::{
    AnswerOutcome, AzureAnswer, AzureFailure, SCHEMA, VaultAnswers,
};
use crate::facts::azure::keep::keep;
use crate::facts::azure::object::ObjectKind;
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

/// The member that says what the body behind it was asked for with.
const REQUESTED: &str = "requested";

/// Why a file or directory is not read.
#[derive(Debug, thiserror::Error)]
pub enum AzureExportError {
    /// The system refused.
    #[error("cannot read {0}")]
    Io(PathBuf, #[source] io::Error),
    /// It is no body of Azure and no capture.
    #[error("{0} is neither a capture nor a body of Azure: {1}")]
    Unreadable(PathBuf, String),
    /// A directory without any.
    #[error("{0} holds no bodies of Azure")]
    Empty(PathBuf),
    /// Bodies of more than one vault.
    #[error("{0} holds bodies of more than one vault: {1}")]
    SeveralVaults(PathBuf, String),
}

impl AzureExportError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io(..) => return None,
            Self::Unreadable(..) | Self::Empty(_) => {
                "make one with preflight collect azure VAULT -o FILE, or with the script in \
                 docs/azure.md"
            }
            Self::SeveralVaults(..) => "put the bodies of each vault into a directory of their own",
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

/// What is read of the files, before pages are put together.
#[derive(Default)]
struct Reading {
    /// The answers of captures, and exported ones that are no lists.
    answers: VaultAnswers,
    /// The pages of exported lists.
    pages: Vec<ListPage>,
    /// When the bodies were exported.
    at: Option<Timestamp>,
    notes: Vec<String>,
}

/// Reads a file, or all files of a directory whose names end in `.json`.
///
/// # Errors
///
/// Fails for what is no body of Azure, and for bodies of more than one vault. An empty file, which a command leaves
/// that failed, is noted; so is a file of a directory that is no body, as long as others are.
pub fn read(path: &Path) -> Result<AzureExport, AzureExportError> {
    let is_directory = path.is_dir();
    let files = if is_directory { files_in(path)? } else { vec![path.to_owned()] };
    let mut reading = Reading::default();
    let mut first_error = None;
    for file in &files {
        match read_file(file, files.len() > 1, &mut reading) {
            Err(error @ AzureExportError::Unreadable(..)) if is_directory => {
                reading.notes.push(format!("left out: {error}"));
                first_error.get_or_insert(error);
            }
            other => other?,
        }
    }
    let Reading { mut answers, pages, at, notes } = reading;
    let mut exported: Vec<AzureAnswer> = join_pages(pages);
    exported.append(&mut answers.answers);
    answers.answers = exported;
    if answers.answers.is_empty() {
        return Err(first_error.unwrap_or_else(|| AzureExportError::Empty(path.to_owned())));
    }
    name_vault(&mut answers, path)?;
    Ok(AzureExport { answers: with_time(answers, at), notes })
}

fn read_file(
    file: &Path,
    may_be_empty: bool,
    reading: &mut Reading,
) -> Result<(), AzureExportError> {
    let io = |source| AzureExportError::Io(file.to_owned(), source);
    let bytes = regular_file::read(file, MAX_BYTES).map_err(io)?;
    let name = || file.file_name().unwrap_or_default().to_string_lossy();
    if bytes.iter().all(u8::is_ascii_whitespace) && may_be_empty {
        reading.notes.push(format!("{} is empty: the command that wrote it failed", name()));
        return Ok(());
    }
    let unreadable = |why: String| AzureExportError::Unreadable(file.to_owned(), why);
    let values = body::parse_several(&bytes, MAX_VALUES)
        .map_err(|error| unreadable(error.to_string().replace("the answer", "it")))?;
    let mut requested: Option<String> = None;
    for value in values {
        if value.get("id").is_none() {
            if let Some(at) = value[EXPORTED_AT].as_str().and_then(|text| text.parse().ok()) {
                reading.at = Some(at);
                continue;
            }
            if let Some(url) = value[REQUESTED].as_str() {
                reading.unanswered(requested.take());
                requested = path_of_url(url);
                continue;
            }
        }
        add(reading, value, requested.take()).map_err(unreadable)?;
    }
    reading.unanswered(requested);
    Ok(())
}

impl Reading {
    /// Notes that a command printed nothing of what it was told to ask for.
    fn unanswered(&mut self, path: Option<String>) {
        if let Some(path) = path {
            let reason = "the export has no answer to this request".to_owned();
            let failure = AzureFailure { status: None, code: None, reason, lacking: None };
            self.answers.answers.push(AzureAnswer {
                path: Some(path),
                at: None,
                outcome: AnswerOutcome::Failed(failure),
            });
        }
    }
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>, AzureExportError> {
    let io = |source| AzureExportError::Io(directory.to_owned(), source);
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

/// Adds a capture, or a body and the path that it was asked for with, where that is known.
fn add(reading: &mut Reading, value: Value, path: Option<String>) -> Result<(), String> {
    let answers = &mut reading.answers;
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
        let outcome = AnswerOutcome::Failed(failure);
        answers.answers.push(AzureAnswer { path, at: None, outcome });
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
    note_strangers(&page.objects, &mut reading.notes);
    let objects = page.objects.into_iter().map(with_properties);
    let objects: Vec<Value> = objects.map(|object| keep(&object)).collect();
    if page.is_list {
        reading.pages.push(ListPage { path, objects, next: page.next });
        return Ok(());
    }
    // One object alone is the answer to a GET of its own.
    let own = || objects.first().map(own_path);
    let path = path.or_else(own);
    answers.answers.push(AzureAnswer { path, at: None, outcome: AnswerOutcome::Objects(objects) });
    Ok(())
}

/// The path of an object: its id, or, for one without, a text that no list has.
fn own_path(object: &Value) -> String {
    let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
    match object["id"].as_str() {
        Some(id) => id.to_owned(),
        None => format!("/{}/{}", text("type"), text("name")),
    }
}

/// Notes the objects of kinds that nothing is read of, such as those of a migration, once for each kind.
fn note_strangers(objects: &[Value], notes: &mut Vec<String>) {
    for object in objects.iter().filter(|object| ObjectKind::from_object(object).is_none()) {
        let id = object["id"].as_str().unwrap_or_default();
        let kind = object["type"].as_str().or_else(|| id.rsplit('/').nth(1)).unwrap_or_default();
        let kind: String = kind.rsplit('/').next().unwrap_or_default().chars().take(60).collect();
        let note = format!("objects of {kind:?} are left out: nothing is read of them");
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
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
        return Err(AzureExportError::SeveralVaults(path.to_owned(), vaults));
    }
    if let (None, Some(vault)) = (&answers.vault, vaults.into_values().next()) {
        answers.vault = Some(vault.to_path());
    }
    Ok(())
}

fn with_time(mut answers: VaultAnswers, at: Option<Timestamp>) -> VaultAnswers {
    for answer in &mut answers.answers {
        answer.at = answer.at.or(at);
    }
    answers
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
            ("f2.json", format!(r#"{{"value":{}}}"#, named("nine"))),
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
        assert_eq!(names, ["two", "three", "four", "seven", "eight", "nine", "one", "five", "six"]);
        let failures: Vec<&str> = export
            .answers
            .answers
            .iter()
            .filter_map(|answer| Some(answer.failure()?.reason.as_str()))
            .collect();
        assert_eq!(failures, ["the export lacks the last page of this list", "no"]);
        let paths = export.answers.answers.iter().filter_map(|answer| answer.path.as_deref());
        let paths: Vec<&str> = paths.map(|path| path.rsplit('/').next().unwrap()).collect();
        assert_eq!(paths, ["one", "five", "six"], "a GET has the path of its object");
        assert_eq!(export.answers.asked_at(), "2026-11-20T08:00:00Z".parse().ok());
        assert_eq!(export.notes, ["g.json is empty: the command that wrote it failed"]);
    }

    #[test]
    fn pages_are_put_together_in_whatever_order_they_come() {
        let list = format!("{VAULT}/replicationPolicies");
        let link = format!(r#","nextLink":"https://x.management.azure.com{list}?skipToken=2""#);
        let page = |name: &str, more: &str| format!(r#"{{"value":[{}]{more}}}"#, named(name));
        let states = |files: &[(&str, String)]| -> Vec<(bool, usize)> {
            let read = read_files(files).unwrap();
            let answers = read.answers.answers.iter();
            answers.map(|one| (one.failure().is_none(), one.objects().len())).collect()
        };
        let two = [("b.json", page("one", &link)), ("a.json", page("two", ""))];
        assert_eq!(states(&two), [(true, 2)]);
        assert_eq!(states(&two[..1]), [(false, 1)], "the second page is missing");
        // A page of another list is none of this one.
        let other = page("two", "").replace("replicationPolicies/", "replicationJobs/");
        assert_eq!(states(&[two[0].clone(), ("c.json", other)]), [(false, 1), (true, 1)]);
    }

    #[test]
    fn a_request_that_is_noted_names_the_path_of_what_follows_and_of_what_does_not() {
        let url =
            format!("https://management.azure.com{VAULT}/replication%50olicies?api-version=x");
        let noted = format!(r#"{{"requested":"{url}"}}"#);
        let body = format!(r#"{noted}{{"value":[]}}"#);
        let export = read_files(&[("a.json", body), ("b.json", noted)]).unwrap();
        let known: Vec<(Option<&str>, bool)> = export
            .answers
            .answers
            .iter()
            .map(|answer| (answer.path.as_deref(), answer.failure().is_some()))
            .collect();
        let path = format!("{VAULT}/replicationPolicies");
        assert_eq!(known, [(Some(path.as_str()), false), (Some(path.as_str()), true)]);
    }

    #[test]
    fn what_powershell_writes_is_read_and_what_is_no_body_is_left_out_with_a_note() {
        let bytes = |text: &str, unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(unit).collect()
        };
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(directory.path().join(name), bytes).unwrap();
        };
        write("a.json", &bytes(&named("grün"), u16::to_le_bytes));
        write("b.json", &bytes(&named("two"), u16::to_be_bytes));
        write("c.json", &bytes(&named("three"), u16::to_le_bytes)[..41]);
        write("d.json", b"{\"user\":1}");
        let moved = named("four").replace("replicationPolicies", "replicationMigrationItems");
        write("e.json", moved.as_bytes());
        let export = read(directory.path()).unwrap();
        assert_eq!(export.answers.answers.len(), 3);
        let notes = export.notes.join("\n");
        for expected in
            ["c.json", "UTF-16", "d.json", "(it has user)", "\"replicationMigrationItems\""]
        {
            assert!(notes.contains(expected), "{notes}");
        }
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
            ("<html>", "a.json is neither a capture nor a body of Azure: it is not JSON"),
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
