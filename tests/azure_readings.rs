//! What is read out of items, one by one: a directory of exported bodies with every combination of values that is listed in
//! `azure/readings.yaml`, evaluated by the program in one run.
//!
//! Not for how bodies come: `tests/azure.rs` and `tests/azure_check.rs`.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::process::Command;
use std::time::Duration;

use program::Limits;
use serde_json::{Map, Value, json};

/// The limits of the run.
const LIMITS: Limits =
    Limits { cpu_s: 60, memory_mib: 256, file_kib: None, patience: Duration::from_secs(60) };
const VAULT: &str = "/subscriptions/2f9e/resourceGroups/rg-odd/providers/Microsoft.RecoveryServices/vaults/vault-odd";

/// The fabric of a provider.
fn fabric_of(provider: &str) -> &'static str {
    match provider.to_ascii_lowercase().as_str() {
        "inmagercm" | "inmagercmfailback" => "InMageRcm",
        name if name.starts_with("hyperv") => "HyperVSite",
        "a2a" => "Azure",
        _ => "VMware",
    }
}

/// Returns the body of an item, with no member that its case does not name.
fn item(case: &Map<String, Value>) -> Value {
    let name = case["case"].as_str().unwrap();
    let fabric = fabric_of(case.get("is").and_then(Value::as_str).unwrap_or_default());
    let mut details = case.get("details").cloned().unwrap_or(json!({}));
    for (key, member) in [("is", "instanceType"), ("site", "activeSiteType")] {
        if let Some(value) = case.get(key) {
            details[member] = value.clone();
        }
    }
    let mut properties = json!({ "friendlyName": name, "providerSpecificDetails": details });
    for (key, member) in
        [("state", "protectionState"), ("at", "activeLocation"), ("may", "allowedOperations")]
    {
        if let Some(value) = case.get(key) {
            properties[member] = value.clone();
        }
    }
    if let Some(scenario) = case.get("runs") {
        properties["currentScenario"] =
            json!({ "scenarioName": scenario, "startTime": "2026-11-20T07:50:00Z" });
    }
    for (member, value) in case.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let own = format!("{VAULT}/replicationFabrics/{fabric}");
        properties[member] = if value == "own" { own.into() } else { value.clone() };
    }
    let id = format!(
        "{VAULT}/replicationFabrics/{fabric}/replicationProtectionContainers/c/replicationProtectedItems/{}",
        name.replace(' ', "-")
    );
    json!({ "id": id, "name": name.replace(' ', "-"), "properties": properties,
        "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems" })
}

/// Why the report of a machine is not what its case says; none where it is.
fn complaint(case: &Map<String, Value>, report: &Value) -> Option<String> {
    let name = case["case"].as_str().unwrap();
    let stages = report["stages"].as_array().unwrap();
    let Some(entry) = stages.iter().find(|entry| entry["machine"] == name) else {
        return Some(format!("{name}: the report has no stage of it"));
    };
    let stage = entry["stage"].as_str().unwrap_or("unknown");
    let wanted = match &case["stage"] {
        Value::Array(all) => all.iter().map(|one| one.as_str().unwrap()).collect(),
        one => vec![one.as_str().unwrap()],
    };
    if !wanted.contains(&stage) {
        return Some(format!("{name}: {stage}, not {}: {entry}", wanted.join(" or ")));
    }
    let may_be = case.get("may_be").and_then(Value::as_array);
    let may_be = may_be
        .map(|all| all.iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>().join(", "));
    let note = entry["note"].as_str().unwrap_or_default();
    if may_be.as_ref().is_some_and(|stages| !note.contains(&format!("it may be at {stages};"))) {
        return Some(format!("{name}: not {may_be:?}: {entry}"));
    }
    let says = case.get("says").and_then(Value::as_array).into_iter().flatten();
    let evidence = entry["evidence"].to_string();
    let missing = says.map(|text| text.as_str().unwrap()).find(|text| !evidence.contains(*text));
    missing.map(|text| format!("{name}: {text:?} is not said: {evidence}"))
}

#[test]
fn every_combination_of_values_is_read_as_its_table_says() {
    let text = include_str!("azure/readings.yaml");
    let cases: Vec<Map<String, Value>> = preflight::yaml::parse(text, "readings.yaml").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let bodies = directory.path().join("bodies");
    fs::create_dir(&bodies).unwrap();
    let write = |name: &str, body: Value| fs::write(bodies.join(name), body.to_string()).unwrap();
    write("vault.json", json!({ "id": VAULT, "name": "vault-odd", "properties": {} }));
    write("time.json", json!({ "exportedAt": "2026-11-20T08:00:00Z" }));
    let fabrics = ["VMware", "InMageRcm", "HyperVSite", "Azure"].map(|kind| {
        json!({ "id": format!("{VAULT}/replicationFabrics/{kind}"), "name": kind,
            "properties": { "friendlyName": kind, "customDetails": { "instanceType": kind } } })
    });
    write("fabrics.json", json!({ "value": fabrics }));
    let items: Vec<Value> = cases.iter().map(item).collect();
    write("items.json", json!({ "value": items }));
    for (number, item) in items.iter().enumerate() {
        write(&format!("item{number}.json"), item.clone());
    }
    let mut command: Command = program::limited(program::binary().as_os_str(), &LIMITS);
    command.args(["check", "azure", "bodies", "--format", "json"]);
    let ran = program::finish(&mut command, directory.path(), LIMITS.patience);
    let report: Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.text()));
    assert!(!ran.text().contains('\u{1b}') && !ran.text().contains('\u{202e}'));
    let wrong: Vec<String> = cases.iter().filter_map(|case| complaint(case, &report)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
