//! The report for programs, and the schema it keeps to.

use std::io;

use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::layout::is_unprintable;
use super::model::Report;
use super::style::Style;

/// Writes the report as JSON, result by result.
///
/// # Errors
///
/// Fails when the output does.
pub fn write(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    write_value(report, out)
}

/// Writes a value as [`to_string`] returns it, with the end of its last line.
pub(super) fn write_value(value: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    let mut shown = EscapingWriter(out);
    serde_json::to_writer_pretty(&mut shown, value)?;
    shown.0.write_all(b"\n")
}

/// Writes a value on one line.
pub(super) fn write_line(value: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    let mut shown = EscapingWriter(out);
    serde_json::to_writer(&mut shown, value)?;
    shown.0.write_all(b"\n")
}

/// A value as indented JSON that a terminal only shows: JSON's own rules leave DEL, the controls
/// behind it and what turns the writing direction as they are, and texts come from elsewhere.
///
/// # Errors
///
/// As [`serde_json::to_string_pretty`].
pub fn to_string(value: &impl Serialize) -> serde_json::Result<String> {
    let mut json = Vec::new();
    serde_json::to_writer_pretty(EscapingWriter(&mut json), value)?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

/// Takes JSON piece by piece, so that a report of thousands of hosts is never held as a text.
struct EscapingWriter<'o>(&'o mut dyn io::Write);

impl io::Write for EscapingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The serialiser cuts texts at characters that JSON escapes, and those are ASCII.
        let json = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        let acts = |char: char| char != '\n' && is_unprintable(char);
        let mut rest = json;
        while let Some(at) = rest.find(acts) {
            let (plain, acting) = rest.split_at(at);
            self.0.write_all(plain.as_bytes())?;
            let mut chars = acting.chars();
            for unit in chars.next().into_iter().flat_map(utf16) {
                write!(self.0, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        self.0.write_all(rest.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn utf16(char: char) -> impl Iterator<Item = u16> {
    let mut units = [0; 2];
    let used = char.encode_utf16(&mut units).len();
    units.into_iter().take(used)
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
