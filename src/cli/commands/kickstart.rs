//! `render kickstart` and `lint kickstart`: prints a kickstart, or the findings in one.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::assets::{self, Asset, Assets};
use crate::cli::args::{LintKickstartArgs, LintStyleArg, RenderKickstartArgs, TextOrJson};
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, recipe};
use crate::image::payload;
use crate::image::resolve::resolve;
use crate::installer::kickstart::lint::{LintFinding, LintSeverity, LintStyle as Style};
use crate::installer::kickstart::{self, Carrier, Placement};
use crate::installer::preseed;
use crate::installer::profile::{Installer, Profile};
use crate::report::json;

/// Prints the kickstart of a recipe.
pub fn render(args: &RenderKickstartArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let chosen = recipe::resolve(&args.recipe, assets)?;
    let system = resolve(&chosen.recipe, chosen.profile)?;
    let placement = Placement {
        carrier: if args.kickstart_disc { Carrier::KickstartDisc } else { Carrier::InstallerDisc },
        have_repo: chosen.recipe.rpms.is_some(),
        pool: None,
        payload: payload::expected_names(assets, &system)?,
    };
    let text = payload::render_answers(assets, &system, &placement, &chosen.root)?;
    write!(screen::stdout(), "{text}")?;
    Ok(ExitStatus::Clean)
}

/// Prints the findings in a kickstart.
pub fn lint(args: &LintKickstartArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let profile = Profile::read(assets, &args.profile.parse()?)?;
    let asset = read(&args.file)?;
    let mut found = match &profile.installer {
        Installer::Anaconda(anaconda) => kickstart::lint(&asset.text, anaconda.generation),
        Installer::DebianInstaller(_) => preseed::lint(&asset.text),
    };
    if args.style == LintStyleArg::Syntax {
        found.retain(|lint| lint.style == Style::Syntax);
    }
    match args.format {
        TextOrJson::Json => writeln!(screen::stdout(), "{}", json::to_string(&found)?)?,
        TextOrJson::Text => show(&asset.path, &found)?,
    }
    let clean = found.iter().all(|lint| lint.severity != LintSeverity::Error);
    Ok(if clean { ExitStatus::Clean } else { ExitStatus::Findings })
}

/// Reads the kickstart; `-` is standard input.
fn read(file: &Path) -> anyhow::Result<Asset> {
    if file != Path::new("-") {
        return Ok(assets::read_file(file)?);
    }
    let asset = assets::read_file(Path::new("/dev/stdin")).context("standard input")?;
    Ok(Asset { path: "<stdin>".to_owned(), ..asset })
}

fn show(path: &str, found: &[LintFinding]) -> std::io::Result<()> {
    for lint in found {
        let place = match lint.line {
            0 => path.to_owned(),
            line => format!("{path}:{line}:{}", lint.column),
        };
        let (severity, message) = (lint.severity.as_str(), screen::printable(&lint.message));
        writeln!(screen::stdout(), "{place}: {severity}: {message} [{}]", lint.code)?;
        if let Some(hint) = &lint.hint {
            writeln!(screen::stdout(), "  hint: {}", screen::printable(hint))?;
        }
    }
    let errors = found.iter().filter(|lint| lint.severity == LintSeverity::Error).count();
    writeln!(screen::stdout(), "{path}: {errors} errors, {} warnings", found.len() - errors)
}
