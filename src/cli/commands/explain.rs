//! `explain`: prints what is known of a check, a symptom, a step, an error code or words.

use std::io::Write;

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::ExplainArgs;
use crate::cli::terminal::screen;
use crate::knowledge::Knowledge;
use crate::report::{Style, symptoms};

/// Prints the documentation of what is asked for.
pub fn explain(args: &ExplainArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = CheckSet::load(assets)?;
    let knowledge = Knowledge::load(assets, &checks)?;
    let style = Style { width: Style::default().width, ..screen::style(&std::io::stdout()) };
    let text = symptoms::explain(&checks, &knowledge, &args.words.join(" "), &style)?;
    screen::stdout().write_all(text.as_bytes())?;
    Ok(ExitStatus::Clean)
}
