//! `test checks`: runs the examples of checks.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::check::example::run_examples;
use crate::cli::ExitStatus;
use crate::cli::args::TestChecksArgs;
use crate::cli::checks::read_check_files;
use crate::cli::terminal::screen;
use crate::knowledge::SymptomSet;
use std::io::Write;
/// Runs the examples of the checks and prints those that fail.
pub fn test_checks(args: &TestChecksArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = match &args.directory {
        Some(directory) => CheckSet::read(&read_check_files(directory)?)?,
        None => CheckSet::load(assets)?,
    };
    if args.directory.is_none() {
        SymptomSet::load(assets, &checks)?;
    }
    let results = run_examples(&checks);
    let failed: Vec<_> = results.iter().filter(|result| result.instead.is_some()).collect();
    for result in &failed {
        let instead = result.instead.as_deref().unwrap_or_default();
        let (check, number) = (&result.check, result.number);
        let (at, expected) = (&result.at, result.expected.as_str());
        let text = format!("{at}: {check}: example {number} should {expected}: {instead}");
        writeln!(screen::stdout(), "{}", screen::printable(&text))?;
    }
    writeln!(
        screen::stdout(),
        "{} examples of {} checks: {} hold, {} do not",
        results.len(),
        checks.checks().len(),
        results.len() - failed.len(),
        failed.len()
    )?;
    Ok(if failed.is_empty() { ExitStatus::Clean } else { ExitStatus::Findings })
}
