//! Finds whole names where it is known that a name stands: a name of words that the program knows, such as `app-01`, is somebody's too.
//!
//! Not for words that nobody knows: those are replaced wherever they stand (`scan`).

use std::io;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::map::MaskMap;
use super::vocabulary;
use super::word::in_small_letters;

/// Members whose values are names.
const MEMBERS: [&str; 9] = [
    "target", "host_name", "hostname", "master_target", "protected", "entityDisplayName",
    "friendlyName", "computerName", "displayName",
];

/// Types of vSphere's objects whose names the program gives or VMware does.
const NAMED_BY_VMWARE: [&str; 2] = ["Folder:", "LicenseManager:"];

/// Lines with a name: of the kernel, of /etc/hosts, of what was asked about, of ESXi's own machines and datastores.
static LINES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let lines = [
        r"(?m)^Linux (\S+) \d",
        r"(?m)^\s*(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]+)[ \t]+([A-Za-z][^#\n]*)",
        r"(?m)^(?:at |port )?(?:configuration-server|process-server|vcenter|protected|master-target) (\S+)",
        r#"(?m)^\s*(?:name|hostName) = "([^"]+)""#,
        r"(?m)^\d+ +(\S.*?) +\[",
        r"\[([^\[\]/\n]+)\] [^/\n]+/",
    ];
    lines.iter().map(|line| Regex::new(line).expect("a valid pattern")).collect()
});

/// Takes the whole names of a text into a map.
///
/// # Errors
///
/// Fails where the system has no random bytes.
pub fn add_names(text: &str, map: &mut MaskMap) -> io::Result<()> {
    if text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        return add_names_of(&value, None, map);
    }
    for line in LINES.iter() {
        for found in line.captures_iter(text) {
            add_hosts(&found[1], map)?;
        }
    }
    Ok(())
}

fn add_names_of(value: &Value, member: Option<&str>, map: &mut MaskMap) -> io::Result<()> {
    match value {
        Value::String(text) if member.is_some_and(|name| MEMBERS.contains(&name)) => {
            add_hosts(text, map)
        }
        Value::String(text) => add_names(text, map),
        Value::Array(items) => items.iter().try_for_each(|item| add_names_of(item, member, map)),
        Value::Object(members) => {
            if let Some(name) = name_of_object(members) {
                add_name(name, map)?;
            }
            members.iter().try_for_each(|(name, value)| add_names_of(value, Some(name), map))
        }
        _ => Ok(()),
    }
}

/// Returns the name of a target of a report, or of an object of vSphere.
fn name_of_object(members: &serde_json::Map<String, Value>) -> Option<&str> {
    let is_target = members.len() == 2 && members.contains_key("kind");
    if is_target {
        return members.get("name")?.as_str();
    }
    let object = members.get("object")?.as_str()?;
    let is_owners = !NAMED_BY_VMWARE.iter().any(|kind| object.starts_with(kind));
    members.get("properties")?.get("name")?.as_str().filter(|_| is_owners)
}

/// Takes in the names of hosts: an address loses its scheme and its account, and a name its domain.
fn add_hosts(text: &str, map: &mut MaskMap) -> io::Result<()> {
    for host in text.split_whitespace() {
        let host = host.rsplit(['/', '@']).next().unwrap_or(host);
        host.split(['.', ':']).try_for_each(|label| add_name(label, map))?;
    }
    if text.contains(' ') && !text.contains(['/', '@', '.']) {
        add_name(text.trim(), map)
    } else {
        Ok(())
    }
}

/// Takes in one name, when words that the program knows would leave a part of it; a single word of that kind stays.
fn add_name(name: &str, map: &mut MaskMap) -> io::Result<()> {
    let small = in_small_letters(name);
    let words: Vec<&str> =
        small.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
    let is_known = |word: &&str| vocabulary::is_word(word) || is_number(word) || word.len() == 1;
    let (known, numbers) = (
        words.iter().filter(|word| is_known(word)).count(),
        words.iter().filter(|word| is_number(word)).count(),
    );
    let is_this_machine = words.first() == Some(&"localhost");
    let is_language =
        is_this_machine || numbers == 0 && known == words.len() && small.contains(' ');
    if words.len() < 2
        || known == 0
        || numbers == words.len()
        || is_language
        || small.contains(['\\', '"', '\n'])
    {
        return Ok(());
    }
    map.add_name(&small)
}
