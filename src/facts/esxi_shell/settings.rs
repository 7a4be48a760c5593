//! `disk.EnableUUID` in a machine's own file, the `.vmx`, beside what the running host has of it.
//!
//! A file that somebody edited counts from the next time the host reads it, so both are shown when
//! they differ. Not for judging the spelling: `disk_uuid` does.

use serde_json::{Value, json};

use crate::facts::transcript::Answer;

/// The rows of a machine's settings, and those of its file that say otherwise.
pub fn with_file(rows: Option<&Value>, file: Option<&Answer>) -> Option<Value> {
    let mut rows = rows?.as_array()?.clone();
    let ours = |row: &&Value| {
        row["key"].as_str().is_some_and(|key| key.eq_ignore_ascii_case("disk.EnableUUID"))
    };
    let values: Vec<String> = rows
        .iter()
        .filter(ours)
        .map(|row| row["value"].as_str().unwrap_or_default().to_lowercase())
        .collect();
    for (key, value) in file.map(|file| lines(&file.text)).unwrap_or_default() {
        if !values.contains(&value.to_lowercase()) {
            rows.push(json!({ "key": key, "value": value }));
        }
    }
    Some(Value::Array(rows))
}

/// Reads lines of a `.vmx` as keys and values.
///
/// ```
/// use preflight::facts::esxi_shell::settings::lines;
/// let text = "disk.EnableUUID = \"|22True|22\"\n";
/// assert_eq!(lines(text), [("disk.EnableUUID".to_owned(), "\"True\"".to_owned())]);
/// ```
pub fn lines(text: &str) -> Vec<(String, String)> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    let pairs = pairs.filter(|(key, _)| !key.trim_start().starts_with('#'));
    pairs
        .map(|(key, value)| {
            let value = value.trim();
            let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            (key.trim().to_owned(), plain(inner.unwrap_or(value)))
        })
        .collect()
}

/// A value with its `|XX` read as the characters they stand for.
fn plain(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, behind)) = rest.split_once('|') {
        out.push_str(before);
        let code = behind.get(..2).and_then(|code| u8::from_str_radix(code, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                out.push(char::from(code));
                rest = &behind[2..];
            }
            None => {
                out.push('|');
                rest = behind;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_the_same_adds_nothing() {
        let row = |value: &str| json!({ "key": "disk.enableUUID", "value": value });
        for (rows, file, expected) in [
            (vec![row("TRUE")], "disk.EnableUUID = \"TRUE\"\n", 1),
            (vec![row("true")], "disk.EnableUUID = \"TRUE\"\n", 1),
            (vec![row("TRUE")], "", 1),
            (vec![row("TRUE")], "disk.EnableUUID = \"FALSE\"\n", 2),
            (vec![row("\"True\"")], "disk.EnableUUID = \"|22True|22\"\n", 1),
            (vec![], "disk.EnableUUID = \"TRUE\"\n", 1),
            (vec![row("TRUE")], "#disk.EnableUUID = \"FALSE\"\ngarbage\n", 1),
        ] {
            let answer = Answer { status: 0, text: file.to_owned() };
            let all = with_file(Some(&Value::Array(rows)), Some(&answer)).unwrap();
            assert_eq!(all.as_array().unwrap().len(), expected, "{file:?}");
        }
        assert_eq!(with_file(None, None), None);
    }

    #[test]
    fn codes_are_read_and_what_is_none_stays() {
        for (value, expected) in [
            ("a|22b", "a\"b"),
            ("|7C", "|"),
            ("|zz", "|zz"),
            ("|", "|"),
            ("|2", "|2"),
            ("a|é", "a|é"),
        ] {
            assert_eq!(plain(value), expected, "{value}");
        }
    }
}
