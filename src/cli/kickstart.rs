//! `render kickstart` and `lint kickstart`.

use super::args::{LintKickstart, RenderKickstart, TextOrJson};
use super::{Exit, recipe, screen};
use crate::assets::{self, Assets};
use crate::image::kickstart::lint::{Lint, Severity};
use crate::image::kickstart::{self, Carrier, Placement};
use crate::image::payload;
use crate::image::profile::Profile;
use crate::image::system::System;
use crate::report::json;

/// Prints the kickstart of a recipe.
pub fn render(args: &RenderKickstart, assets: &Assets) -> anyhow::Result<Exit> {
    let chosen = recipe::choose(&args.recipe, assets)?;
    let system = System::new(&chosen.recipe, chosen.profile)?;
    let placement = Placement {
        carrier: if args.kickstart_disc { Carrier::KickstartDisc } else { Carrier::InstallerDisc },
        have_repo: chosen.recipe.rpms.is_some(),
        payload: payload::expected_names(assets, &system)?,
    };
    let text = payload::kickstart(assets, &system, &placement, &chosen.root)?;
    anstream::print!("{text}");
    Ok(Exit::Clean)
}

/// Prints what is wrong with a kickstart.
pub fn lint(args: &LintKickstart, assets: &Assets) -> anyhow::Result<Exit> {
    let profile = Profile::read(assets, &args.profile.parse()?)?;
    let asset = assets::read_file(&args.file)?;
    let found = kickstart::lint(&asset.text, profile.generation);
    match args.format {
        TextOrJson::Json => anstream::println!("{}", json::text(&found)?),
        TextOrJson::Text => show(&asset.path, &found),
    }
    let clean = found.iter().all(|lint| lint.severity != Severity::Error);
    Ok(if clean { Exit::Clean } else { Exit::Findings })
}

fn show(path: &str, found: &[Lint]) {
    for lint in found {
        let text = screen::printable(&lint.to_string());
        anstream::println!("{path}:{text}");
        if let Some(hint) = &lint.hint {
            anstream::println!("  hint: {}", screen::printable(hint));
        }
    }
    let errors = found.iter().filter(|lint| lint.severity == Severity::Error).count();
    anstream::println!("{path}: {errors} errors, {} warnings", found.len() - errors);
}
