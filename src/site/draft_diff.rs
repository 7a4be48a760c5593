//! How a site file differs from what a vault knows now: entry by entry and key by key, so that what a person added or wrote in
//! another order is no difference.
//!
//! Only keys that the vault knows are compared, and none that it can only guess. Not for the text of a draft (`draft`).

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::yaml::{self, YamlError};

/// The keys that a draft has as a proposal: which account, which machine of a name, which of several addresses.
const PROPOSED: &[&str] = &["azure", "ssh", "vm", "host", "link", "url"];

/// The keys that hold entries with names.
const LISTS: &[&str] =
    &["process_servers", "master_targets", "esxi", "protected_vms", "replication_groups"];

/// Returns the lines that differ, `-` before what the file alone has and `+` before what only the vault knows; empty when there is
/// no difference.
///
/// # Errors
///
/// Fails for a text that is no YAML.
pub fn draft_diff(old: &str, new: &str) -> Result<Vec<String>, YamlError> {
    let parse = |text: &str| yaml::parse::<Option<Map<String, Value>>>(text, "site file");
    let (old, new) = (parse(old)?.unwrap_or_default(), parse(new)?.unwrap_or_default());
    let mut lines = Vec::new();
    for (key, theirs) in &new {
        let own = old.get(key).unwrap_or(&Value::Null);
        match (LISTS.contains(&key.as_str()), theirs) {
            (true, Value::Array(theirs)) => {
                let own = own.as_array().map(Vec::as_slice).unwrap_or_default();
                section(&mut lines, key, lists(own, theirs));
            }
            (false, Value::Object(theirs)) => {
                let empty = Map::new();
                section(&mut lines, key, keys(own.as_object().unwrap_or(&empty), theirs, "  "));
            }
            _ if PROPOSED.contains(&key.as_str()) || own == theirs => {}
            _ => lines.extend(changed(key, own, theirs, "")),
        }
    }
    for key in LISTS.iter().filter(|key| !new.contains_key(**key)) {
        let own = old.get(*key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        section(&mut lines, key, lists(own, &[]));
    }
    Ok(lines)
}

fn section(lines: &mut Vec<String>, key: &str, below: Vec<String>) {
    if !below.is_empty() {
        lines.push(format!(" {key}:"));
        lines.extend(below);
    }
}

fn name(entry: &Value) -> String {
    entry["name"].as_str().unwrap_or_default().to_lowercase()
}

fn lists(own: &[Value], theirs: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for entry in own.iter().filter(|entry| theirs.iter().all(|other| name(other) != name(entry))) {
        lines.push(format!("-  - name: {}", written(&entry["name"])));
    }
    for entry in theirs {
        let Some(map) = entry.as_object() else { continue };
        match own.iter().find(|other| name(other) == name(entry)).and_then(Value::as_object) {
            Some(known) => {
                let below = keys(known, map, "    ");
                if !below.is_empty() {
                    lines.push(format!("   - name: {}", written(&entry["name"])));
                    lines.extend(below);
                }
            }
            None => {
                lines.push(format!("+  - name: {}", written(&entry["name"])));
                let others = map.iter().filter(|(key, _)| *key != "name");
                lines.extend(others.map(|(key, value)| format!("+    {key}: {}", written(value))));
            }
        }
    }
    lines
}

fn keys(own: &Map<String, Value>, theirs: &Map<String, Value>, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, value) in theirs {
        let known = own.get(key).unwrap_or(&Value::Null);
        let is_same = known == value || written(known).eq_ignore_ascii_case(&written(value));
        if !PROPOSED.contains(&key.as_str()) && key != "name" && !is_same {
            lines.extend(changed(key, known, value, indent));
        }
    }
    lines
}

fn changed(key: &str, own: &Value, theirs: &Value, indent: &str) -> Vec<String> {
    let minus = (!own.is_null()).then(|| format!("-{indent}{key}: {}", written(own)));
    let plus = format!("+{indent}{key}: {}", written(theirs));
    minus.into_iter().chain([plus]).collect()
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let mut text = String::from("[");
            for (place, one) in all.iter().enumerate() {
                let comma = if place == 0 { "" } else { ", " };
                write!(text, "{comma}{}", written(one)).ok();
            }
            text + "]"
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn only_what_the_vault_knows_otherwise_is_a_difference() {
        let new = "azure: azure://s/g/v\nconfiguration_server: { address: 192.0.2.1, version: 9.61.0.0 }\n\
            master_targets:\n  - name: mt1\n    ssh: ssh://root@192.0.2.2\n    retention: /mnt/retention\n\
            protected_vms:\n  - { name: a, datastore: d1 }\n  - { name: b, datastore: d1 }\n";
        let by_hand = "# mine\nprotected_vms:\n  - { name: b, stage: prepare, datastore: d1 }\n  - { name: A, datastore: d1 }\n\
            master_targets: [ { name: mt1, ssh: ssh://asr@mt1, retention: /mnt/retention, identity: key } ]\n\
            configuration_server: { version: 9.61.0.0, address: 192.0.2.1 }\nwaivers: []\nazure: capture:x\n";
        assert_eq!(draft_diff(by_hand, new).unwrap(), [""; 0]);
        let changed = by_hand
            .replace("9.61.0.0", "9.60.0.0")
            .replace("name: b", "name: c")
            .replace("name: A, datastore: d1", "name: A, datastore: d2");
        assert_eq!(
            draft_diff(&changed, new).unwrap(),
            [
                " configuration_server:",
                "-  version: 9.60.0.0",
                "+  version: 9.61.0.0",
                " protected_vms:",
                "-  - name: c",
                "   - name: a",
                "-    datastore: d2",
                "+    datastore: d1",
                "+  - name: b",
                "+    datastore: d1",
            ]
        );
        assert!(draft_diff("a: [", new).is_err());
    }
}
