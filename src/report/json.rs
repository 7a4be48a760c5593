//! The report for programs, and the schema it keeps to.

use std::io;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::layout::is_unprintable;
use super::model::Report;
use super::style::Style;

/// Renders the report as JSON.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    (to_string(report).expect("the model has only text keys and plain values") + "\n").into_bytes()
}

/// A value as indented JSON that a terminal only shows: JSON's own rules leave DEL, the controls
/// behind it and what turns the writing direction as they are, and texts come from elsewhere.
///
/// # Errors
///
/// As [`serde_json::to_string_pretty`].
pub fn to_string(value: &impl Serialize) -> serde_json::Result<String> {
    let mut shown = EscapingWriter(String::new());
    serde_json::to_writer_pretty(&mut shown, value)?;
    Ok(shown.0)
}

/// Takes JSON piece by piece, so that a report of hundreds of hosts is not held twice.
struct EscapingWriter(String);

impl io::Write for EscapingWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The serialiser cuts texts at characters that JSON escapes, and those are ASCII.
        let json = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        for char in json.chars() {
            if char == '\n' || !is_unprintable(char) {
                self.0.push(char);
            } else {
                let mut units = [0; 2];
                let units = char.encode_utf16(&mut units).iter();
                self.0.extend(units.map(|unit| format!("\\u{unit:04x}")));
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `docs/report.schema.json`.
pub fn schema_json() -> String {
    schema_of::<Report>()
}

/// Returns the JSON schema of a type as a file.
pub(super) fn schema_of<T: JsonSchema>() -> String {
    let schema = serde_json::to_string_pretty(&schema_for!(T));
    schema.expect("a schema is plain JSON") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_reads_back() {
        let value = "\u{1b}[2J \u{9b}31m \u{7f} \u{202e} \u{e0041} caf\u{e9}";
        let json = to_string(&value).unwrap();
        assert_eq!(json, "\"\\u001b[2J \\u009b31m \\u007f \\u202e \\udb40\\udc41 caf\u{e9}\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), value);
    }
}
