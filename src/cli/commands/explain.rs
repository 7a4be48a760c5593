//! `explain`: prints what is known of a check, a symptom, a step, an error code or words.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::ExplainArgs;
use crate::knowledge::Knowledge;
use crate::report::symptoms;

/// How wide the text is.
const WIDTH: usize = 80;

/// Prints the documentation of what is asked for.
pub fn explain(args: &ExplainArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = CheckSet::load(assets)?;
    let knowledge = Knowledge::load(assets, &checks)?;
    let text = symptoms::explain(&checks, &knowledge, &args.words.join(" "), WIDTH)?;
    anstream::print!("{text}");
    Ok(ExitStatus::Clean)
}
