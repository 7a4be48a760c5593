//! `list`, `init`, `completions` and `man`: prints what is available, for people and for programs.

use serde_json::{Value, json};
use std::io::Write;

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::{ListArgs, ListSubject, TextOrJson};
use crate::cli::commands::check_packages::{MissingPackage, missing_packages};
use crate::cli::commands::list_questions;
use crate::cli::terminal::screen;
use crate::image::recipe::{self, Recipe};
use crate::installer::profile::Profile;
use crate::knowledge::SymptomSet;
use crate::report;

/// One row of a list: a name, a description, and the row as JSON.
struct Row {
    name: String,
    text: String,
    json: Value,
}

/// Prints the list of one subject.
pub fn list(args: &ListArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let (key, rows) = match args.what {
        ListSubject::Checks => return checks(args.format, assets),
        ListSubject::Questions => {
            return list_questions::list(&args.questions, args.format, assets);
        }
        ListSubject::Symptoms => ("symptoms", symptoms(assets)?),
        ListSubject::Recipes => ("recipes", recipes(assets)?),
        ListSubject::Profiles => ("profiles", profiles(assets)?),
        ListSubject::Formats => ("formats", formats()),
        ListSubject::Packages => ("packages", packages(args, assets)?),
    };
    match args.format {
        TextOrJson::Json => {
            let rows: Vec<Value> = rows.into_iter().map(|row| row.json).collect();
            writeln!(screen::stdout(), "{}", serde_json::to_string_pretty(&json!({ key: rows }))?)?;
        }
        TextOrJson::Text => {
            let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
            for row in rows {
                writeln!(screen::stdout(), "{:width$}  {}", row.name, row.text)?;
            }
        }
    }
    Ok(ExitStatus::Clean)
}

fn checks(format: TextOrJson, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let set = CheckSet::load(assets)?;
    match format {
        TextOrJson::Json => {
            writeln!(
                screen::stdout(),
                "{}",
                report::json::to_string(&report::catalogue::list(&set))?
            )?;
        }
        TextOrJson::Text => {
            write!(screen::stdout(), "{}", report::catalogue::list_text(&set, usize::MAX))?
        }
    }
    Ok(ExitStatus::Clean)
}

fn symptoms(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let set = SymptomSet::load(assets, &CheckSet::load(assets)?)?;
    let row = |symptom: &crate::knowledge::symptom::Symptom| Row {
        name: symptom.id.clone(),
        text: symptom.title.clone(),
        json: report::symptoms::listed(symptom),
    };
    Ok(set.symptoms().iter().map(row).collect())
}

fn recipes(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |name: String| {
        let recipe = Recipe::read(assets, &name, &[])?.recipe;
        let title = recipe.title.map_or_else(String::new, |title| title.to_string());
        let profile = recipe.profile.to_string();
        let json = json!({ "name": name, "title": title, "profile": profile });
        Ok(Row { name, text: title, json })
    };
    Recipe::names(assets).into_iter().map(row).collect()
}

fn profiles(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |name: String| {
        let profile = Profile::read(assets, &name.parse()?)?;
        let title = profile.title.to_string();
        let generation = profile.major_release;
        let json = json!({ "name": name, "title": title, "generation": generation });
        Ok(Row { name, text: title, json })
    };
    Profile::names(assets).into_iter().map(row).collect()
}

fn packages(args: &ListArgs, assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |package: MissingPackage| Row {
        json: json!({
            "name": package.name,
            "file": package.file.clone().unwrap_or_default(),
            "why": package.why,
        }),
        name: package.file.unwrap_or(package.name),
        text: package.why,
    };
    Ok(missing_packages(args, assets)?.into_iter().map(row).collect())
}

fn formats() -> Vec<Row> {
    let row = |format: &report::Format| Row {
        name: format.name.to_owned(),
        text: format.description.to_owned(),
        json: json!({ "name": format.name, "description": format.description }),
    };
    report::FORMATS.iter().map(row).collect()
}

/// Prints a commented recipe.
pub fn init_recipe() -> anyhow::Result<ExitStatus> {
    write!(screen::stdout(), "{}", recipe::init_recipe())?;
    Ok(ExitStatus::Clean)
}
