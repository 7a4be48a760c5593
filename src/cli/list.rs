//! `list`, `init`, `completions` and `man`: what there is, for people and for programs.

use clap::CommandFactory;
use serde_json::{Value, json};

use super::Exit;
use super::args::{Arguments, List, Listing, TextOrJson};
use crate::assets::Assets;
use crate::check::CheckSet;
use crate::image::recipe::{self, Recipe};
use crate::installer::profile::Profile;
use crate::knowledge::SymptomSet;
use crate::report;

/// One row of a list: a name and what it is.
struct Row {
    name: String,
    text: String,
    more: Value,
}

/// Prints what there is of one kind.
pub fn list(args: &List, assets: &Assets) -> anyhow::Result<Exit> {
    let (key, rows) = match args.what {
        Listing::Checks => return checks(args.format, assets),
        Listing::Symptoms => ("symptoms", symptoms(assets)?),
        Listing::Recipes => ("recipes", recipes(assets)?),
        Listing::Profiles => ("profiles", profiles(assets)?),
        Listing::Formats => ("formats", formats()),
        Listing::Packages => ("packages", packages(args, assets)?),
    };
    match args.format {
        TextOrJson::Json => {
            let rows: Vec<Value> = rows.into_iter().map(|row| row.more).collect();
            anstream::println!("{}", serde_json::to_string_pretty(&json!({ key: rows }))?);
        }
        TextOrJson::Text => {
            let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
            for row in rows {
                anstream::println!("{:width$}  {}", row.name, row.text);
            }
        }
    }
    Ok(Exit::Clean)
}

fn checks(format: TextOrJson, assets: &Assets) -> anyhow::Result<Exit> {
    let set = CheckSet::load(assets)?;
    match format {
        TextOrJson::Json => {
            anstream::println!("{}", report::json::text(&report::catalogue::list(&set))?);
        }
        TextOrJson::Text => anstream::print!("{}", report::catalogue::list_text(&set, usize::MAX)),
    }
    Ok(Exit::Clean)
}

fn symptoms(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let set = SymptomSet::load(assets, &CheckSet::load(assets)?)?;
    let row = |symptom: &crate::knowledge::symptom::Symptom| Row {
        name: symptom.id.clone(),
        text: symptom.title.clone(),
        more: report::symptoms::listed(symptom),
    };
    Ok(set.symptoms().iter().map(row).collect())
}

fn recipes(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |name: String| {
        let recipe = Recipe::read(assets, &name, &[])?.recipe;
        let title = recipe.title.map_or_else(String::new, |title| title.to_string());
        let profile = recipe.profile.to_string();
        let more = json!({ "name": name, "title": title, "profile": profile });
        Ok(Row { name, text: title, more })
    };
    Recipe::names(assets).into_iter().map(row).collect()
}

fn profiles(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |name: String| {
        let profile = Profile::read(assets, &name.parse()?)?;
        let title = profile.title.to_string();
        let generation: u8 = profile.generation.into();
        let more = json!({ "name": name, "title": title, "generation": generation });
        Ok(Row { name, text: title, more })
    };
    Profile::names(assets).into_iter().map(row).collect()
}

fn packages(args: &List, assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |it: super::packages::ToFetch| Row {
        more: json!({ "name": it.name, "file": it.file.clone().unwrap_or_default(), "why": it.why }),
        name: it.file.unwrap_or(it.name),
        text: it.why,
    };
    Ok(super::packages::to_fetch(args, assets)?.into_iter().map(row).collect())
}

fn formats() -> Vec<Row> {
    let row = |format: &report::Format| Row {
        name: format.name.to_owned(),
        text: format.description.to_owned(),
        more: json!({ "name": format.name, "description": format.description }),
    };
    report::FORMATS.iter().map(row).collect()
}

/// Prints a commented recipe.
pub fn recipe_to_start_from() -> Exit {
    anstream::print!("{}", recipe::init_recipe());
    Exit::Clean
}

/// Prints the completions for a shell.
pub fn completions(shell: clap_complete::Shell) -> Exit {
    let mut command = Arguments::command();
    clap_complete::generate(shell, &mut command, "preflight", &mut std::io::stdout());
    Exit::Clean
}

/// Prints the manual page.
pub fn manual() -> anyhow::Result<Exit> {
    clap_mangen::Man::new(Arguments::command()).render(&mut std::io::stdout())?;
    Ok(Exit::Clean)
}
