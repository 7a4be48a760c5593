//! `disk.EnableUUID` of one machine, in every spelling that people have given it.
//!
//! S001 calls the value case-sensitive and forbids quotes; later documents do not. What the host's
//! own parser takes beyond `true` is not known, so only that passes, and `1` with a warning.

use schemars::JsonSchema;
use serde::Serialize;

use super::property::{Object, as_bool, needed, rows};
use crate::facts::Fact;

/// How the setting is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Spelling {
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
    pub spelling: Spelling,
    /// Whether there is more than one row of it.
    pub repeated: bool,
    /// What the typed twin of the row says, `config.flags.diskUuidEnabled`: `true`, `false`, or
    /// `unset`.
    pub flag: String,
    /// The rows and the flag as they are.
    pub words: String,
}

/// Reads the setting of a machine.
pub fn of(machine: &Object) -> Fact<DiskUuidFacts> {
    let rows = match machine.optional("config.extraConfig") {
        Fact::Known(Some(value)) => match rows(value, "config.extraConfig") {
            Fact::Known(rows) => rows,
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        },
        Fact::Known(None) => {
            return Fact::unavailable(
                "the server gives no configuration of it, as when its host is not connected",
            );
        }
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let mut ours = Vec::new();
    for row in rows {
        match (needed(row, "key"), needed(row, "value")) {
            (Fact::Known(key), _) if !key.trim().eq_ignore_ascii_case("disk.EnableUUID") => {}
            (Fact::Known(key), Fact::Known(value)) => ours.push((key, value)),
            (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => {
                return Fact::Unavailable(why);
            }
        }
    }
    // Not every server sets the flag.
    let flag = match machine.optional("config.flags.diskUuidEnabled") {
        Fact::Known(None) => None,
        Fact::Known(Some(value)) => match as_bool(value) {
            Some(flag) => Some(flag),
            None => return Fact::unavailable("flags.diskUuidEnabled is neither true nor false"),
        },
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    Fact::Known(parse(&ours, flag))
}

/// Reads rows of an extra configuration that have the key, and the flag beside them.
///
/// ```
/// use preflight::facts::vsphere::disk_uuid::{Spelling, parse};
/// assert_eq!(parse(&[("disk.enableUUID", "TRUE")], Some(true)).spelling, Spelling::True);
/// assert_eq!(parse(&[("disk.EnableUUID", "\"True\"")], None).spelling, Spelling::Quoted);
/// ```
pub fn parse(rows: &[(&str, &str)], flag: Option<bool>) -> DiskUuidFacts {
    let rank = |spelling: &Spelling| match spelling {
        Spelling::True => 0,
        Spelling::One => 1,
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
        spelling: spellings.max_by_key(rank).unwrap_or(Spelling::Absent),
        repeated: rows.len() > 1,
        flag: flag.map_or_else(|| "unset".to_owned(), |flag| flag.to_string()),
        words: words.join(", "),
    }
}

fn spelling(value: &str) -> Spelling {
    match value.trim() {
        "" => Spelling::Blank,
        "1" => Spelling::One,
        // A quote that somebody typed is stored as |22 inside the .vmx.
        text if text.contains(['"', '\'']) || text.contains("|22") => Spelling::Quoted,
        text if text.eq_ignore_ascii_case("true") => Spelling::True,
        _ => Spelling::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_known_for_what_it_is() {
        for (value, expected) in [
            ("TRUE", Spelling::True),
            ("true", Spelling::True),
            ("True", Spelling::True),
            (" True ", Spelling::True),
            ("1", Spelling::One),
            ("", Spelling::Blank),
            ("  ", Spelling::Blank),
            ("\"True\"", Spelling::Quoted),
            ("'true'", Spelling::Quoted),
            ("|22True|22", Spelling::Quoted),
            ("FALSE", Spelling::Other),
            ("0", Spelling::Other),
            ("yes", Spelling::Other),
            ("truee", Spelling::Other),
        ] {
            assert_eq!(parse(&[("disk.EnableUUID", value)], None).spelling, expected, "{value:?}");
        }
    }

    #[test]
    fn of_several_rows_the_worst_counts() {
        let of = |values: &[&str]| {
            let rows: Vec<(&str, &str)> = values.iter().map(|v| ("disk.EnableUUID", *v)).collect();
            let facts = parse(&rows, Some(true));
            (facts.spelling, facts.repeated)
        };
        assert_eq!(of(&["TRUE", "TRUE"]), (Spelling::True, true));
        assert_eq!(of(&["TRUE", "1"]), (Spelling::One, true));
        assert_eq!(of(&["FALSE", "TRUE"]), (Spelling::Other, true));
        assert_eq!(of(&["TRUE", "FALSE"]), (Spelling::Other, true));
        assert_eq!(of(&[]), (Spelling::Absent, false));
    }

    #[test]
    fn the_words_show_what_is_there() {
        let words = |rows: &[(&str, &str)], flag| parse(rows, flag).words;
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
            of(&serde_json::from_value(machine).unwrap()).known().map(|facts| facts.spelling)
        };
        let row = |key: Value, value: Value| json!({ "key": key, "value": value });
        let good = row(json!("disk.EnableUUID"), json!("TRUE"));
        assert_eq!(spelling(json!([good]), json!("true")), Some(Spelling::True));
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
