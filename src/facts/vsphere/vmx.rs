//! `disk.EnableUUID` as it stands in a machine's .vmx, beside what the server has read of it.
//!
//! A row that was written by hand counts only once the machine is reloaded or registered again. Not
//! for other rows, nor for whether the setting is right: `disk_uuid` says that.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::property::{
    InventoryObject, answer_for_master_target, elements, object_rows, optional_text,
};
use super::questions;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Unavailable};

/// The key of the rows, in lower case.
const KEY: &str = "disk.enableuuid";

/// The file and what the server has read, side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VmxFacts {
    /// Rows of the file that the server does not have.
    pub unread: Collection<String>,
}

/// Reads the rows of a master target's .vmx that a capture of a server has.
pub(super) fn rows_from_transcript(
    transcript: &Transcript,
    name: &str,
) -> Result<Collection<String>, Unavailable> {
    let file = answer_for_master_target(transcript, questions::VMX, name)?;
    let rows = file.get("rows").filter(|rows| !rows.is_null()).map(elements);
    let rows = rows.ok_or("the capture has no rows of the .vmx")?;
    let texts: Vec<String> = rows.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(Collection { complete: texts.len() == rows.len(), items: texts })
}

/// Holds the rows of a machine's .vmx against what the server has read.
pub(super) fn compare(
    file: Collection<String>,
    machine: &InventoryObject,
) -> Result<VmxFacts, Unavailable> {
    let read = object_rows(machine.value("config.extraConfig")?, "config.extraConfig")?;
    let key =
        |row: &&Value| optional_text(row, "key").is_some_and(|key| key.eq_ignore_ascii_case(KEY));
    let values: Vec<&str> =
        read.iter().filter(key).filter_map(|row| optional_text(row, "value")).collect();
    let has = |value: &str| values.iter().any(|own| own.trim().eq_ignore_ascii_case(value.trim()));
    let unread = file.items.into_iter().filter(|row| !has(value_of(row)));
    Ok(VmxFacts { unread: Collection { items: unread.collect(), complete: file.complete } })
}

fn value_of(row: &str) -> &str {
    row.split_once(" = ").map_or("", |(_, value)| value)
}

/// The rows of a .vmx that set `disk.EnableUUID`, as `key = value` without the quotes around the
/// value and with those inside it as they are.
///
/// ```
/// use preflight::facts::vsphere::vmx::parse_rows;
/// assert_eq!(parse_rows("a = \"1\"\ndisk.EnableUUID = \"TRUE\"\n"), ["disk.EnableUUID = TRUE"]);
/// ```
pub fn parse_rows(vmx: &str) -> Vec<String> {
    let row = |line: &str| {
        let (key, value) = line.trim_start_matches('\u{feff}').split_once('=')?;
        let key = key.trim();
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
        // A quote inside a value is stored by its number, and so is the sign that marks one.
        let value = value.replace("|22", "\"").replace("|7C", "|");
        key.eq_ignore_ascii_case(KEY).then(|| format!("{key} = {value}"))
    };
    vmx.lines().filter_map(row).take(10).collect()
}

/// Datastore and path of `[datastore] folder/file.vmx`.
pub fn split_datastore_path(file: &str) -> Option<(&str, &str)> {
    let (datastore, path) = file.strip_prefix('[')?.split_once(']')?;
    let path = path.trim_start();
    (!datastore.is_empty() && !path.is_empty()).then_some((datastore, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_however_they_are_written() {
        for (vmx, expected) in [
            ("disk.EnableUUID = \"TRUE\"", vec!["disk.EnableUUID = TRUE"]),
            ("DISK.enableuuid=true\r\nx = \"y\"\r\n", vec!["DISK.enableuuid = true"]),
            ("\u{feff}disk.enableUUID = \"|22True|22\"", vec!["disk.enableUUID = \"True\""]),
            ("disk.EnableUUID", vec![]),
            ("# disk.EnableUUID = \"TRUE\"", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse_rows(vmx), expected, "{vmx:?}");
        }
    }

    #[test]
    fn a_file_is_parted_from_its_datastore() {
        assert_eq!(split_datastore_path("[ds 1] mt/mt [1].vmx"), Some(("ds 1", "mt/mt [1].vmx")));
        assert_eq!(split_datastore_path("mt.vmx"), None);
        assert_eq!(split_datastore_path("[] mt.vmx"), None);
    }
}
