//! The objects of a stand-in as Microsoft's own Python libraries read them, beside what a capture keeps of them.
//!
//! Not for what follows of them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "azure/estate.rs"]
mod estate;
#[path = "azure/objects.rs"]
mod objects;
mod program;
#[path = "azure/run.rs"]
mod run;
#[path = "azure/standin.rs"]
mod standin;

use std::path::PathBuf;
use std::process::Command;

use estate::{Estate, GROUP, SUBSCRIPTION, VAULT, vault_address};
use program::skipped;
use run::*;
use serde_json::Value;
use standin::{CLIENT_SECRET, StandIn};

/// A Python with the libraries; none, with a word about it, when there is none.
fn python() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = std::env::var_os("PREFLIGHT_PYTHON").map(PathBuf::from);
    let python = own.unwrap_or_else(|| home.join(".cache/preflight-lab/venv/bin/python"));
    let modules = "import azure.identity, azure.mgmt.recoveryservicessiterecovery, azure.mgmt.network, azure.mgmt.compute";
    let import = Command::new(&python).args(["-c", modules]).output();
    if import.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped("no libraries of Azure to compare with (tests/run installs them)");
    None
}

/// Where two values differ, of all members that ours has: those of theirs are more.
fn differences(at: &str, ours: &Value, theirs: &Value, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in ours {
                // The libraries leave out what is null.
                let theirs = theirs.get(key).unwrap_or(&Value::Null);
                differences(&format!("{at}.{key}"), value, theirs, found);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => {
            for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
                differences(&format!("{at}[{index}]"), ours, theirs, found);
            }
        }
        // A message without control characters is ours.
        (Value::String(ours), Value::String(theirs)) if at.ends_with(".message") => {
            let plain =
                |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            if plain(ours) != plain(theirs) {
                found.push(format!("{at}: {ours:?} and {theirs:?}"));
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{at}: {ours} and {theirs}")),
    }
}

#[test]
fn a_capture_agrees_with_what_the_libraries_of_azure_read() {
    let Some(python) = python() else { return };
    for (name, estate) in [("classic", Estate::classic(3)), ("modernised", Estate::modernised(3))] {
        let mut estate = estate;
        // Pages of one, so that both follow links.
        estate.page = 1;
        let server = StandIn::start(estate);
        let oracle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/azure/oracle.py");
        let output = Command::new(&python)
            .args(["-B", oracle, &server.origin])
            .arg(&server.ca)
            .args([SUBSCRIPTION, GROUP, VAULT])
            .env("AZURE_TENANT_ID", "00000000-0000-4000-8000-00000000000f")
            .env("AZURE_CLIENT_ID", "c0ffee00-0000-4000-8000-000000000001")
            .env("AZURE_CLIENT_SECRET", CLIENT_SECRET)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs: Value = serde_json::from_slice(&output.stdout).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let ran =
            Azure::new(&server).run(&["collect", "azure", &vault_address()], directory.path());
        assert_eq!(ran.code, Some(0), "{}", ran.complaint());
        let ours = capture(&String::from_utf8(ran.stdout).unwrap());
        let mut compared = 0;
        let mut found = Vec::new();
        for (id, theirs) in theirs.as_object().unwrap() {
            // The GET of an object comes after the list that has it in part.
            let is_same = |object: &&Value| {
                object["id"].as_str().is_some_and(|own| own.to_lowercase() == *id)
            };
            let mut objects = ours.answers.iter().flat_map(|answer| answer.objects());
            let Some(object) = objects.rfind(is_same) else {
                // Of jobs only those that say something are asked for.
                assert!(id.contains("/replicationjobs/"), "{name}: {id} is not in the capture");
                continue;
            };
            if id.contains("/replicationjobs/job-old") || id.contains("/replicationjobs/job-done") {
                continue;
            }
            differences(id.rsplit('/').next().unwrap(), object, theirs, &mut found);
            compared += 1;
        }
        assert_eq!(found, [""; 0], "{name}");
        assert!(compared >= 15, "{name}: {compared}");
        println!("{name}: {compared} objects agree");
    }
}
