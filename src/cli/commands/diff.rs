//! `diff`: compares two reports, or two captures by evaluating both.
//!
//! Not for what differs (`report::comparison`).

use std::cell::OnceCell;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::Context;

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::check::error::DefinitionError;
use crate::check::status::FailOn;
use crate::cli::args::{DiffArgs, InventoryArgs, SiteArgs, TextOrJson, TlsArgs};
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::evaluate_systems;
use crate::cli::login::SshDefaults;
use crate::cli::selection::Selection;
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, recorded};
use crate::report::comparison::{self, RecordedReport, ReportDiff};
use crate::report::comparison_text;
use crate::report::model::SCHEMA;
use crate::transport::capture;

/// So much of a file tells a report from a capture: its schema stands first.
const HEAD_BYTES: usize = 256;

/// Compares two reports or captures.
pub fn diff(args: &DiffArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    // Two reports are compared without the checks.
    let checks = OnceCell::new();
    let checks = || match checks.get() {
        Some(checks) => Ok(checks),
        None => CheckSet::load(assets).map(|loaded| checks.get_or_init(|| loaded)),
    };
    let old = read(&args.old, checks)?;
    let new = read(&args.new, checks)?;
    let compared = ReportDiff::new(&old, &new);
    let text = match args.format {
        TextOrJson::Json => comparison::to_json(&compared),
        TextOrJson::Text => comparison_text::render(&compared, screen::report_width()),
    };
    screen::stdout().write_all(text.as_bytes())?;
    Ok(ExitStatus::from_report(compared.exit_code))
}

fn read<'c>(
    path: &Path,
    checks: impl Fn() -> Result<&'c CheckSet, DefinitionError>,
) -> anyhow::Result<RecordedReport> {
    if is_report(path)? { recorded::read(path) } else { evaluate(path, checks()?) }
}

fn is_report(path: &Path) -> anyhow::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let unread = || format!("cannot read {}", path.display());
    let file = std::fs::File::open(path).with_context(unread)?;
    let mut bytes = Vec::new();
    file.take(HEAD_BYTES as u64).read_to_end(&mut bytes).with_context(unread)?;
    Ok(String::from_utf8_lossy(&bytes).contains(SCHEMA))
}

/// Evaluates a capture as of when it was taken: what was true then is compared, and not how old it has become.
fn evaluate(path: &Path, checks: &CheckSet) -> anyhow::Result<RecordedReport> {
    let taken = capture::read(path)?.iter().filter_map(|transcript| transcript.asked_at).max();
    let name = format!("capture:{}", path.display());
    let mut selection =
        Selection::hosts(&SiteArgs::default(), &[name], &InventoryArgs::default(), checks)?;
    let (ssh, tls) = (SshDefaults::without_login()?, TlsArgs::default());
    let options = CollectOptions { now: taken, ..CollectOptions::new(ssh, &tls) };
    let now = taken.unwrap_or_else(jiff::Timestamp::now);
    let evaluation = evaluate_systems(&mut selection, checks, &options, now)?;
    let report = evaluation.into_report(FailOn::Blocker);
    Ok(RecordedReport::from_report(&report)?)
}
