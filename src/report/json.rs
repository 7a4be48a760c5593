//! The report for programs, and the schema it keeps to.

use schemars::schema_for;

use super::Style;
use super::model::Report;

/// Renders the report as JSON.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(report).expect("the model has only text keys and plain values");
    bytes.push(b'\n');
    bytes
}

/// `docs/report.schema.json`.
pub fn schema_json() -> String {
    let schema = serde_json::to_string_pretty(&schema_for!(Report));
    schema.expect("a schema is plain JSON") + "\n"
}
