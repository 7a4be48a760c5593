//! `check azure` and `check site` over a stand-in: what is found, and that a capture and an export are evaluated like
//! the live run.
//!
//! Not for what single facts and checks are: those have examples of their own.

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

use std::fs;

use estate::{Estate, vault_address};
use program::Ran;
use run::*;
use serde_json::Value;
use standin::{Reply, StandIn};

/// The report of a run as JSON.
fn report(ran: &Ran) -> Value {
    serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.text()))
}

/// The results that have one of these outcomes, as `OUTCOME TARGET CHECK`.
fn outcomes(report: &Value, wanted: &[&str]) -> Vec<String> {
    let results = report["results"].as_array().unwrap().iter();
    let text = |result: &Value, key: &str| result[key].as_str().unwrap().to_owned();
    let rows = results.filter(|result| wanted.contains(&text(result, "outcome").as_str()));
    rows.map(|result| {
        format!("{} {} {}", text(result, "outcome"), text(result, "target"), text(result, "check"))
    })
    .collect()
}

#[test]
fn a_capture_is_evaluated_like_the_vault_itself() {
    for estate in [Estate::classic(3), Estate::modernised(2)] {
        let server = StandIn::start(estate);
        let directory = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| Azure::new(&server).run(args, directory.path());
        assert_eq!(run(&["collect", "azure", &vault_address(), "-o", "a.json"]).code, Some(0));
        for format in ["text", "json", "html"] {
            let live = run(&["check", "azure", &vault_address(), "--format", format]);
            let before = server.requests().len();
            let captured = run(&["check", "azure", "a.json", "--format", format]);
            assert_eq!(server.requests().len(), before, "a capture asks nothing");
            assert_eq!(captured.code, live.code);
            let (live, captured) = (
                String::from_utf8(live.stdout).unwrap(),
                String::from_utf8(captured.stdout).unwrap(),
            );
            assert!(live == captured, "{format}:\n{live}\n{captured}");
        }
    }
}

/// The members whose values are words of an enumeration.
const ENUMERATIONS: &[&str] = &[
    "instanceType",
    "protectionState",
    "activeLocation",
    "activeSiteType",
    "allowedOperations",
    "replicationHealth",
    "health",
    "versionStatus",
    "psServiceStatus",
    "csServiceStatus",
    "discoveryStatus",
    "state",
    "connectionType",
    "connectionStatus",
    "gatewayType",
    "peeringState",
    "code",
    "scenarioName",
    "resyncRequired",
    "errorLevel",
    "osType",
    "discoveryType",
    "testFailoverState",
    "protectionStage",
    "isInitialReplicationComplete",
    "powerStatus",
];

/// Writes the words of enumerations in another case.
fn respell(value: &mut Value, is_word: bool, spell: fn(&str) -> String) {
    match value {
        Value::String(text) if is_word => *text = spell(text),
        Value::Array(all) => all.iter_mut().for_each(|one| respell(one, is_word, spell)),
        Value::Object(map) => {
            for (name, below) in map {
                respell(below, ENUMERATIONS.contains(&name.as_str()), spell);
            }
        }
        _ => {}
    }
}

#[test]
fn words_are_the_same_in_whatever_case_they_are_written() {
    for estate in [Estate::classic(2), Estate::modernised(2)] {
        let server = StandIn::start(estate);
        let directory = tempfile::tempdir().unwrap();
        let run = |args: &[&str]| Azure::new(&server).run(args, directory.path());
        assert_eq!(run(&["collect", "azure", &vault_address(), "-o", "a.json"]).code, Some(0));
        let all = ["pass", "fail", "unknown", "not-applicable"];
        let check = |file: &str| {
            let report = report(&run(&["check", "azure", file, "--format", "json"]));
            let stages = report["stages"].as_array().unwrap().iter();
            let stages = stages.map(|one| format!("{} {}", one["machine"], one["stage"]));
            stages.chain(outcomes(&report, &all)).collect::<Vec<String>>()
        };
        let before = check("a.json");
        let text = fs::read_to_string(directory.path().join("a.json")).unwrap();
        for spell in [str::to_ascii_uppercase as fn(&str) -> String, str::to_ascii_lowercase] {
            let mut capture: Value = serde_json::from_str(&text).unwrap();
            respell(&mut capture, false, spell);
            fs::write(directory.path().join("b.json"), capture.to_string()).unwrap();
            assert_eq!(check("b.json"), before);
        }
    }
}

#[test]
fn a_healthy_vault_has_one_finding_which_is_its_failed_job() {
    let server = StandIn::start(Estate::classic(2));
    let directory = tempfile::tempdir().unwrap();
    let ran = Azure::new(&server)
        .run(&["check", "azure", &vault_address(), "--format", "json"], directory.path());
    let report = report(&ran);
    assert_eq!(outcomes(&report, &["fail", "unknown"]), ["fail app-000 vault.last-job"]);
    assert_eq!(ran.code, Some(0), "it is a warning");
    let passed = outcomes(&report, &["pass"]);
    for expected in [
        "vault-falun link.vpn-or-er",
        "vault-falun ps.in-azure",
        "app-001 azure.vm-running",
        "asr-mt-01 agent.registered",
    ] {
        assert!(passed.contains(&format!("pass {expected}")), "{expected}: {passed:#?}");
    }
}

#[test]
fn an_export_in_any_order_is_evaluated_like_a_capture() {
    let server = StandIn::start(Estate::classic(2));
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| Azure::new(&server).run(args, directory.path());
    assert_eq!(run(&["collect", "azure", &vault_address(), "-o", "a.json"]).code, Some(0));
    let answers = capture(&fs::read_to_string(directory.path().join("a.json")).unwrap());
    let captured = report(&run(&["check", "azure", "a.json", "--format", "json"]));
    for turn in 0..3 {
        let out = directory.path().join(format!("out{turn}"));
        fs::create_dir(&out).unwrap();
        for (place, answer) in answers.answers.iter().enumerate() {
            let objects = answer.objects();
            let path = answer.path.as_deref().unwrap();
            let is_one = objects.len() == 1
                && objects[0]["id"]
                    .as_str()
                    .is_some_and(|id| id.eq_ignore_ascii_case(path.split('?').next().unwrap()));
            // One object, a page, a bare list, a wrapper: whatever commands print.
            let body = match (is_one, (place + turn) % 3) {
                (true, 0) => serde_json::json!({ "responses": { "200": { "body": objects[0] } } }),
                (true, _) => objects[0].clone(),
                (false, 0) => serde_json::json!(objects),
                (false, _) => serde_json::json!({ "value": objects, "nextLink": null }),
            };
            let name = (place * 7919 + turn * 131) % 1009;
            fs::write(out.join(format!("{name:04}.json")), body.to_string()).unwrap();
        }
        fs::write(out.join("time.json"), r#"{"exportedAt":"2026-11-20T08:00:00Z"}"#).unwrap();
        let exported = report(&run(&["check", "azure", &format!("out{turn}"), "--format", "json"]));
        let all = ["pass", "fail", "not-applicable"];
        let (captured, exported) = (outcomes(&captured, &all), outcomes(&exported, &all));
        let wrong: Vec<&String> = exported.iter().filter(|row| !captured.contains(row)).collect();
        assert_eq!(wrong, [""; 0], "an export may know less, and nothing else");
        println!("{} of {} are decided", exported.len(), captured.len());
    }
}

#[test]
fn lacking_rights_are_unknown_and_name_the_action() {
    let server = StandIn::with_fault(Estate::classic(1), |request| {
        let refused = ["microsoft.compute", "microsoft.network", "/replicationjobs"];
        refused.iter().any(|part| request.path.contains(part)).then(|| Reply::text(403, ""))
    });
    let directory = tempfile::tempdir().unwrap();
    let ran = Azure::new(&server)
        .run(&["check", "azure", &vault_address(), "--format", "json"], directory.path());
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("Microsoft.RecoveryServices/vaults/replicationJobs/read"), "{text}");
    assert!(!text.contains(standin::CANARY) && !text.contains(objects::BODY_SECRET));
}

#[test]
fn without_the_vault_everything_is_unknown() {
    let server = StandIn::with_fault(Estate::classic(1), |_| {
        Some(Reply::forbidden("Microsoft.RecoveryServices/vaults/read"))
    });
    let directory = tempfile::tempdir().unwrap();
    let ran = Azure::new(&server)
        .run(&["check", "azure", &vault_address(), "--format", "json"], directory.path());
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    let report = report(&ran);
    assert_eq!(outcomes(&report, &["pass", "fail"]), [""; 0]);
    assert!(!outcomes(&report, &["unknown"]).is_empty());
}
