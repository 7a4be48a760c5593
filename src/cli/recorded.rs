//! Reads earlier reports, to compare with.
//!
//! Not for comparing (`report::comparison`).

use std::path::Path;

use anyhow::Context;

use crate::regular_file;
use crate::report::comparison::RecordedReport;

/// The most bytes of a report: of a thousand hosts one has a tenth of it.
pub const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Reads the JSON of an earlier report.
pub fn read(path: &Path) -> anyhow::Result<RecordedReport> {
    let bytes = regular_file::read(path, MAX_BYTES);
    let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
    RecordedReport::parse(&bytes).with_context(|| path.display().to_string())
}
