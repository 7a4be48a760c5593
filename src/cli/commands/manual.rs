//! Completions for shells, and manual pages.
//!
//! Not for what they say (`args`, `cli::manual`).

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory};

use crate::assets::Assets;
use crate::atomic_file::{AtomicFile, Visibility};
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::{CommandLine, ManArgs};
use crate::cli::manual::{self, ENTRIES, Entry};
use crate::cli::terminal::screen;
use crate::facts::stage::Stage;
use crate::image::recipe::Recipe;
use crate::report;

/// Prints the completions for a shell: commands and options, and the names of checks, stages,
/// formats and recipes.
pub fn completions(shell: clap_complete::Shell, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let mut command = with_names(CommandLine::command(), &names(assets)?);
    // The generator panics where it cannot write.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "preflight", &mut text);
    screen::stdout().write_all(&text)?;
    Ok(ExitStatus::Clean)
}

/// What an argument of some name may be.
type Names = Vec<(&'static str, Vec<String>)>;

fn names(assets: &Assets) -> anyhow::Result<Names> {
    let checks = CheckSet::load(assets)?;
    let checks: Vec<String> = checks.checks().iter().map(|check| check.id.to_string()).collect();
    let stages: Vec<String> = Stage::ALL.iter().map(|stage| stage.as_str().to_owned()).collect();
    let formats: Vec<String> =
        report::FORMATS.iter().map(|format| format.name.to_owned()).collect();
    Ok(vec![
        ("only", checks.clone()),
        ("skip", checks.clone()),
        ("checks", checks),
        ("stage", stages.clone()),
        ("step", stages),
        ("format", formats),
        ("recipe", Recipe::names(assets)),
    ])
}

/// For completion alone: these arguments take only these values, everywhere below a command.
fn with_names(command: Command, names: &Names) -> Command {
    let mut command = command;
    for (argument, values) in names {
        let free =
            |arg: &clap::Arg| arg.get_id() == argument && arg.get_possible_values().is_empty();
        if command.get_arguments().any(free) {
            let values = PossibleValuesParser::new(values);
            command = command.mut_arg(argument, |arg| arg.value_parser(values));
        }
    }
    let inner: Vec<String> =
        command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    for name in inner {
        command = command.mut_subcommand(name, |inner| with_names(inner, names));
    }
    command
}

/// Prints the manual page of a command, or writes those of all commands into a directory.
pub fn man(args: &ManArgs) -> anyhow::Result<ExitStatus> {
    match &args.all {
        Some(directory) => write_all(directory)?,
        None => manual::write_page(&mut screen::stdout(), CommandLine::command(), entry(args)?)?,
    }
    Ok(ExitStatus::Clean)
}

fn entry(args: &ManArgs) -> anyhow::Result<&'static Entry> {
    let wanted = args.command.join(" ");
    if let Some(entry) = ENTRIES.iter().find(|entry| entry.command == wanted) {
        return Ok(entry);
    }
    let below = format!("{wanted} ");
    let near: Vec<&str> =
        ENTRIES.iter().map(|entry| entry.command).filter(|name| name.starts_with(&below)).collect();
    match near.as_slice() {
        [] => bail!("no command \"{wanted}\"; preflight --help lists them"),
        near => bail!("\"{wanted}\" has a page for each of its commands: {}", near.join(", ")),
    }
}

fn write_all(directory: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    for entry in ENTRIES {
        let path = directory.join(manual::file_name(entry));
        let page = AtomicFile::open(&path, true, Visibility::ByUmask, &[])?;
        let mut text = Vec::new();
        manual::write_page(&mut text, CommandLine::command(), entry)?;
        page.file().write_all(&text)?;
        page.commit()?;
    }
    Ok(())
}
