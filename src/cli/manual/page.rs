//! Manual pages: clap's sections of a command, and those of the table behind them.

use std::io::{self, Write};

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::{ENTRIES, Entry};

/// Returns the file name of a command's page, such as `preflight-check-host.1`.
pub fn file_name(entry: &Entry) -> String {
    format!("{}.1", page_name(entry))
}

fn page_name(entry: &Entry) -> String {
    let mut name = "preflight".to_owned();
    for word in entry.words() {
        name.push('-');
        name.push_str(word);
    }
    name
}

/// Writes the manual page of a command, in roff.
///
/// # Errors
///
/// When the writer fails.
pub fn write_page(to: &mut dyn Write, mut root: Command, entry: &Entry) -> io::Result<()> {
    root.build();
    let mut command = &root;
    for word in entry.words() {
        command = command
            .find_subcommand(word)
            .ok_or_else(|| io::Error::other(format!("no command {}", entry.command)))?;
    }
    // What stands behind the help is sections of its own here.
    let command = command.clone().after_help("").after_long_help("").name(page_name(entry));
    let page = Man::new(command)
        .manual("preflight")
        .source(concat!("preflight ", env!("CARGO_PKG_VERSION")));
    page.render_title(to)?;
    page.render_name_section(to)?;
    page.render_synopsis_section(to)?;
    page.render_description_section(to)?;
    if !entry.notes.is_empty() {
        let mut notes = Roff::new();
        for paragraph in entry.notes.split("\n\n") {
            notes.control("PP", []);
            notes.text([roman(paragraph.replace('\n', " "))]);
        }
        notes.to_writer(to)?;
    }
    page.render_options_section(to)?;
    if entry.command.is_empty() {
        commands().to_writer(to)?;
    }
    tagged("EXIT STATUS", entry.exit).to_writer(to)?;
    tagged("ENVIRONMENT", &entry.variables()).to_writer(to)?;
    tagged("FILES", &entry.all_files()).to_writer(to)?;
    examples(entry).to_writer(to)?;
    see_also(entry).to_writer(to)
}

/// A list of what is meant by what.
fn tagged(heading: &str, rows: &[(&str, &str)]) -> Roff {
    let mut section = Roff::new();
    section.control("SH", [heading]);
    for (tag, meaning) in rows {
        section.control("TP", []);
        section.text([bold(*tag)]);
        section.text([roman(*meaning)]);
    }
    section
}

fn examples(entry: &Entry) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["EXAMPLES"]);
    for (line, what) in entry.examples {
        section.control("TP", []);
        section.text([roman(*what)]);
        section.text([bold(*line)]);
    }
    section
}

/// The pages of all commands, in the main one.
fn commands() -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["COMMANDS"]);
    for entry in ENTRIES.iter().filter(|entry| !entry.command.is_empty()) {
        section.control("TP", []);
        section.text([bold(page_name(entry)), roman("(1)")]);
        section.text([roman(format!("preflight {}", entry.command))]);
    }
    section
}

/// The main page, and the commands that begin with the same word.
fn see_also(entry: &Entry) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["SEE ALSO"]);
    let first = entry.words().first().copied();
    let near = ENTRIES.iter().filter(|other| {
        let same = first.is_some() && other.words().first().copied() == first;
        other.command != entry.command && (same || other.command.is_empty())
    });
    let names: Vec<String> = near.map(|other| format!("{}(1)", page_name(other))).collect();
    let names = if names.is_empty() { "preflight-guide(1)".to_owned() } else { names.join(", ") };
    section.text([roman(names)]);
    section
}
