//! A site with its vault: the stages that its items show, the questions that the vault decides, and what it says against people.
//!
//! The vault is a capture of made-up answers in the shapes of recorded ones (`tests/azure/vaults/gavle.json`): `web-1` replicates
//! home, `db-1` has returned, `odd-1` is in a state that no known reply has, and its Re-protect failed. The right to read vCenter
//! servers is lacking. Not for how a vault is asked (`azure`), nor for single facts (unit tests of `facts::azure`).

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

const NOW: &str = "2026-11-20T08:00:00Z";

const SITE: &str = "
configuration_server: { address: 192.168.9.2 }
process_servers: [ { name: ps-az, address: 10.9.0.9 } ]
protected_vms: [ { name: web-1 }, { name: DB-1 }, { name: odd-1 }, { name: gone-1, stage: replicating } ]
answers:
  - { check: ps.heartbeat, target: ps-az, value: no, by: ann, at: 2026-11-20 }
  - { check: cs.vm-in-db, target: gone-1, value: yes, by: ann, at: 2026-11-20 }
  - { check: vcenter.proxy, value: yes, by: ann, at: 2026-11-20 }
";

fn check_site(site: &str) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("site.yaml");
    fs::write(&path, site).unwrap();
    let output = Command::new(program::binary())
        .args(["check", "site", path.to_str().unwrap(), "--format", "json", "--now", NOW])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn with_vault() -> Value {
    let vault = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/azure/vaults/gavle.json");
    check_site(&format!("azure: 'capture:{vault}'\n{SITE}"))
}

/// Outcome, and what was found, by target and check.
fn results(report: &Value) -> BTreeMap<(String, String), (String, String)> {
    let text = |result: &Value, name: &str| result[name].as_str().unwrap_or_default().to_owned();
    let all = report["results"].as_array().unwrap().iter();
    all.map(|one| {
        ((text(one, "target"), text(one, "check")), (text(one, "outcome"), text(one, "found")))
    })
    .collect()
}

#[test]
fn the_items_say_the_stages_and_what_is_not_known_is_told_word_for_word() {
    let report = with_vault();
    let stages = report["stages"].as_array().unwrap();
    let stage = |name: &str| stages.iter().find(|one| one["machine"] == name).unwrap();
    for (name, expected, source) in [
        ("web-1", "replicating", "azure"),
        ("DB-1", "after", "azure"),
        ("gone-1", "replicating", "person"),
    ] {
        assert_eq!(
            (&stage(name)["stage"], &stage(name)["source"]),
            (&expected.into(), &source.into()),
            "{name}"
        );
    }
    let says = stage("web-1")["evidence"][0]["says"].as_str().unwrap();
    assert!(says.starts_with("its item says InMage, protectionState Protected"), "{says}");
    assert!(says.ends_with("as of 2026-11-20 08:00 UTC"), "{says}");
    assert_eq!(stage("odd-1")["stage"], Value::Null);
    let note = stage("odd-1")["note"].as_str().unwrap();
    assert!(note.contains("protectionState ReprotectFailed, activeLocation Primary"), "{note}");
}

#[test]
fn the_vault_decides_what_it_shows_and_is_held_against_people() {
    let results = results(&with_vault());
    for (target, check, outcome, found) in [
        ("web-1", "failback.reprotect-done", "pass", "Azure: replication health is Normal"),
        (
            "web-1",
            "failback.recovery-point",
            "pass",
            "Azure: the newest is of 2026-11-20 07:50 UTC",
        ),
        ("web-1", "failback.rpo", "pass", "Azure: 2 min behind"),
        ("web-1", "azure.vm-running", "pass", "Azure: its virtual machine in Azure is running"),
        (
            "ps-az",
            "ps.heartbeat",
            "fail",
            "Azure: PS-AZ (10.9.0.9), last heartbeat at 2026-11-20 07:58 UTC, but ann answered no on 2026-11-20",
        ),
        (
            "gone-1",
            "cs.vm-in-db",
            "fail",
            "Azure: no configuration server of the vault has this machine, but ann answered yes",
        ),
        ("192.168.9.2", "vcenter.proxy", "pass", "yes, says ann on 2026-11-20"),
        ("192.168.9.2", "cs.certificate", "fail", "Azure: its certificate ends at 2026-12-01"),
        ("DB-1", "after.reprotect-forward", "fail", "Azure: it returned at 2026-11-15 20:00 UTC"),
        (
            "odd-1",
            "vault.last-job",
            "fail",
            "Azure: the job Reprotect of 2026-11-20 06:00 UTC is Failed: error 95226: The server cannot be reached.",
        ),
        ("odd-1", "vault.item-errors", "fail", "Azure: error 90078: No progress [31mfor an hour"),
        (
            "site",
            "azure.experience",
            "pass",
            "Azure: the machines are replicated by a configuration server",
        ),
    ] {
        let (came, words) = &results[&(target.to_owned(), check.to_owned())];
        assert_eq!(came, outcome, "{target} {check}: {words}");
        assert!(words.starts_with(found), "{target} {check}: {words}");
    }
}

#[test]
fn a_right_that_is_lacking_is_named_where_it_leaves_a_question_open() {
    let vault = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/azure/vaults/gavle.json");
    let site =
        SITE.replace("  - { check: vcenter.proxy, value: yes, by: ann, at: 2026-11-20 }\n", "");
    let results = results(&check_site(&format!("azure: 'capture:{vault}'\n{site}")));
    let (outcome, found) = &results[&("192.168.9.2".to_owned(), "vcenter.proxy".to_owned())];
    assert_eq!(outcome, "unknown");
    let right = "it takes Microsoft.RecoveryServices/vaults/replicationvCenters/read, which the role Reader has";
    assert!(found.contains(right), "{found}");
    assert!(found.contains("nobody has answered: On the configuration server"), "{found}");
}

#[test]
fn without_a_vault_the_same_site_asks_people() {
    let report = check_site(SITE);
    let results = results(&report);
    assert!(!results.keys().any(|(_, check)| check.starts_with("vault.")));
    let found =
        |target: &str, check: &str| results[&(target.to_owned(), check.to_owned())].1.clone();
    assert_eq!(found("ps-az", "ps.heartbeat"), "no, says ann on 2026-11-20");
    assert!(
        found("web-1", "vm.protection-not-disabled")
            .starts_with("nobody has answered: In the vault")
    );
    assert!(!serde_json::to_string(&report).unwrap().contains("azure.machine"));
}

#[test]
fn troubleshooting_begins_with_what_went_wrong_by_the_vaults_own_word() {
    let directory = tempfile::tempdir().unwrap();
    let vault = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/azure/vaults/gavle.json");
    let site = format!("azure: 'capture:{vault}'\nprotected_vms: [ {{ name: odd-1 }} ]\n");
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(program::binary())
            .current_dir(directory.path())
            .arg("troubleshoot")
            .args(words)
            .args(["--site", "site.yaml", "--now", NOW])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let text = run(&["replication", "does", "not", "progress"]);
    assert!(text.starts_with("vault    odd-1: the job Reprotect "), "{text}");
    assert!(text.contains("$ preflight explain ts-95226"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    // Also where the words fit nothing that is known.
    assert!(run(&["zzzz"]).starts_with("vault    odd-1: "));
    let json: Value =
        serde_json::from_str(&run(&["95226", "--format", "json"])).expect("one object");
    let vault = json["vault"].as_array().unwrap();
    assert!(vault.iter().all(|trouble| trouble["machine"] == "odd-1"), "{vault:?}");
    assert_eq!((&vault[0]["code"], &vault[0]["entries"][0]), (&"95226".into(), &"ts-95226".into()));
}
