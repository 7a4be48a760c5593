//! `disk.EnableUUID` of one machine, in every spelling that people have given it.
//!
//! S001 calls the value case-sensitive and forbids quotes; later documents do not. What the host's
//! own parser takes beyond `true` is not known, so only that passes, and `1` with a warning.

use schemars::JsonSchema;
use serde::Serialize;

use super::property::{InventoryObject, as_bool, object_rows, required_text};
use crate::facts::Unavailable;

/// How the setting is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SettingSpelling {
    /// The value is `true` in any case of letters.
    True,
    /// The value is `1`.
    One,
    /// There is no such row.
    Absent,
    /// The value is blank.
    Blank,
    /// The value has quotes of its own.
    Quoted,
    /// The value is `false`, `0`, or something else.
    Other,
}

/// `disk.EnableUUID` of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiskUuidFacts {
    /// How it is spelled; of several rows the worst.
    pub spelling: SettingSpelling,
    /// Whether there is more than one row of it.
    pub repeated: bool,
    /// What the typed twin of the row says, `config.flags.diskUuidEnabled`: `true`, `false`, or
    /// `unset`.
    pub flag: String,
    /// The rows and the flag as they are.
    pub words: String,
}

/// Reads the setting of a machine.
pub fn from_object(machine: &InventoryObject) -> Result<DiskUuidFacts, Unavailable> {
    let value = machine
        .optional("config.extraConfig")?
        .ok_or("the server gives no configuration of it, as when its host is not connected")?;
    let mut ours = Vec::new();
    for row in object_rows(value, "config.extraConfig")? {
        let (key, value) = (required_text(row, "key")?, required_text(row, "value"));
        if key.trim().eq_ignore_ascii_case("disk.EnableUUID") {
            ours.push((key, value?));
        }
    }
    // Not every server sets the flag.
    let flag = machine
        .optional("config.flags.diskUuidEnabled")?
        .map(|value| as_bool(value).ok_or("flags.diskUuidEnabled is neither true nor false"));
    Ok(from_rows(&ours, flag.transpose()?))
}

/// Reads rows of an extra configuration that have the key, and the flag beside them.
///
/// ```
/// use preflight::facts::vsphere::disk_uuid::{SettingSpelling, from_rows};
/// assert_eq!(from_rows(&[("disk.enableUUID", "TRUE")], Some(true)).spelling, SettingSpelling::True);
/// assert_eq!(from_rows(&[("disk.EnableUUID", "\"True\"")], None).spelling, SettingSpelling::Quoted);
/// ```
pub fn from_rows(rows: &[(&str, &str)], flag: Option<bool>) -> DiskUuidFacts {
    let rank = |spelling: &SettingSpelling| match spelling {
        SettingSpelling::True => 0,
        SettingSpelling::One => 1,
        _ => 2,
    };
    let spellings = rows.iter().map(|(_, value)| spelling(value));
    let mut words: Vec<String> =
        rows.iter().map(|(key, value)| format!("{key} = {value:?}")).collect();
    if words.is_empty() {
        words.push("there is no row disk.EnableUUID".to_owned());
    }
    match flag {
        Some(flag) => words.push(format!("flags.diskUuidEnabled = {flag}")),
        None => words.push("flags.diskUuidEnabled is not set".to_owned()),
    }
    DiskUuidFacts {
        spelling: spellings.max_by_key(rank).unwrap_or(SettingSpelling::Absent),
        repeated: rows.len() > 1,
        flag: flag.map_or_else(|| "unset".to_owned(), |flag| flag.to_string()),
        words: words.join(", "),
    }
}

fn spelling(value: &str) -> SettingSpelling {
    match value.trim() {
        "" => SettingSpelling::Blank,
        "1" => SettingSpelling::One,
        // A quote that somebody typed is stored as |22 inside the .vmx.
        text if text.contains(['"', '\'']) || text.contains("|22") => SettingSpelling::Quoted,
        text if text.eq_ignore_ascii_case("true") => SettingSpelling::True,
        _ => SettingSpelling::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_known_for_what_it_is() {
        for (value, expected) in [
            ("TRUE", SettingSpelling::True),
            ("true", SettingSpelling::True),
            ("True", SettingSpelling::True),
            (" True ", SettingSpelling::True),
            ("1", SettingSpelling::One),
            ("", SettingSpelling::Blank),
            ("  ", SettingSpelling::Blank),
            ("\"True\"", SettingSpelling::Quoted),
            ("'true'", SettingSpelling::Quoted),
            ("|22True|22", SettingSpelling::Quoted),
            ("FALSE", SettingSpelling::Other),
            ("0", SettingSpelling::Other),
            ("yes", SettingSpelling::Other),
            ("truee", SettingSpelling::Other),
        ] {
            assert_eq!(
                from_rows(&[("disk.EnableUUID", value)], None).spelling,
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn of_several_rows_the_worst_counts() {
        let of = |values: &[&str]| {
            let rows: Vec<(&str, &str)> = values.iter().map(|v| ("disk.EnableUUID", *v)).collect();
            let facts = from_rows(&rows, Some(true));
            (facts.spelling, facts.repeated)
        };
        assert_eq!(of(&["TRUE", "TRUE"]), (SettingSpelling::True, true));
        assert_eq!(of(&["TRUE", "1"]), (SettingSpelling::One, true));
        assert_eq!(of(&["FALSE", "TRUE"]), (SettingSpelling::Other, true));
        assert_eq!(of(&["TRUE", "FALSE"]), (SettingSpelling::Other, true));
        assert_eq!(of(&[]), (SettingSpelling::Absent, false));
    }

    #[test]
    fn the_words_show_what_is_there() {
        let words = |rows: &[(&str, &str)], flag| from_rows(rows, flag).words;
        assert_eq!(
            words(&[("disk.enableuuid", "\"True\"")], Some(false)),
            "disk.enableuuid = \"\\\"True\\\"\", flags.diskUuidEnabled = false"
        );
        assert_eq!(
            words(&[], None),
            "there is no row disk.EnableUUID, flags.diskUuidEnabled is not set"
        );
    }

    #[test]
    fn a_row_or_a_flag_that_cannot_be_read_is_not_left_out() {
        use serde_json::{Value, json};
        let spelling = |rows: Value, flag: Value| {
            let properties =
                json!({ "config.extraConfig": rows, "config.flags.diskUuidEnabled": flag });
            let machine = json!({ "object": "VirtualMachine:v", "properties": properties });
            from_object(&serde_json::from_value(machine).unwrap()).ok().map(|facts| facts.spelling)
        };
        let row = |key: Value, value: Value| json!({ "key": key, "value": value });
        let good = row(json!("disk.EnableUUID"), json!("TRUE"));
        assert_eq!(spelling(json!([good]), json!("true")), Some(SettingSpelling::True));
        for (rows, flag) in [
            (json!([good]), json!(null)),
            (json!([good]), json!("yes")),
            (json!([good, row(json!(null), json!("FALSE"))]), json!("true")),
            (json!([good, { "value": "FALSE" }]), json!("true")),
            (json!([row(json!("disk.EnableUUID"), json!(null))]), json!("true")),
            (json!([good, null]), json!("true")),
            (json!(null), json!("true")),
        ] {
            assert_eq!(spelling(rows.clone(), flag.clone()), None, "{rows} {flag}");
        }
    }
}
