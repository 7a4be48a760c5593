//! `explain`: prints the documentation of a check or a symptom.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::ExplainArgs;
use crate::knowledge::SymptomSet;
use crate::report;
/// Prints the documentation of a check or a symptom.
pub fn explain(args: &ExplainArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = CheckSet::load(assets)?;
    let symptoms = SymptomSet::load(assets, &checks)?;
    anstream::print!("{}", report::symptoms::explain(&checks, &symptoms, &args.id, 80)?);
    Ok(ExitStatus::Clean)
}
