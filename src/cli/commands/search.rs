//! `search`: lists the checks, symptoms and steps that have words of a text.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::{SearchArgs, TextOrJson};
use crate::cli::terminal::screen;
use crate::knowledge::Knowledge;
use crate::report::search;
use std::io::Write;

/// Prints the documents that have words of a text, best first.
pub fn search(args: &SearchArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let text = args.words.join(" ");
    let checks = CheckSet::load(assets)?;
    let knowledge = Knowledge::load(assets, &checks)?;
    let found = search::list(&text, &knowledge.search(&text));
    match args.format {
        TextOrJson::Json => write!(screen::stdout(), "{}", search::to_json(&found))?,
        TextOrJson::Text => {
            write!(screen::stdout(), "{}", search::render(&found, screen::report_width()))?;
        }
    }
    Ok(if found.results.is_empty() { ExitStatus::Undecided } else { ExitStatus::Clean })
}
