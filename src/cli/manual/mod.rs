//! What is said of each command beside its options: examples, exit statuses, variables, files.
//!
//! One table (`entries`) is the end of every `--help` and sections of every manual page (`page`).
//! Not for the options, which clap describes (`args`).

mod entries;
mod page;
mod rows;

pub use entries::{ENTRIES, Entry};
pub use page::{file_name, write_page};

use std::fmt::Write;

use clap::Command;

/// Returns the command line with the examples and exit statuses of each command behind its help.
pub fn with_examples(mut command: Command) -> Command {
    for entry in ENTRIES {
        command = at(command, &entry.words(), &|command| with_entry(command, entry));
    }
    command
}

/// Changes the subcommand that these words name; nothing where there is none.
fn at(command: Command, words: &[&str], change: &dyn Fn(Command) -> Command) -> Command {
    match words {
        [] => change(command),
        [first, rest @ ..] => command.mut_subcommand(first, |inner| at(inner, rest, change)),
    }
}

fn with_entry(command: Command, entry: &Entry) -> Command {
    let header = command.get_styles().get_header().to_owned();
    let mut short = String::new();
    if !entry.notes.is_empty() {
        let _ = write!(short, "{}\n\n", entry.notes);
    }
    let _ = write!(short, "{header}Examples:{header:#}");
    for (line, what) in entry.examples {
        let _ = write!(short, "\n  # {what}\n  {line}");
    }
    let mut long = short.clone();
    let _ = write!(long, "\n\n{header}Exit status:{header:#}");
    for (status, meaning) in entry.exit {
        let _ = write!(long, "\n  {status:<4} {meaning}");
    }
    command.after_help(short).after_long_help(long)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::args::CommandLine;

    /// The words of every command that does something, such as `check host`.
    fn leaves(command: &Command) -> Vec<Vec<String>> {
        let mut leaves = Vec::new();
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let name = inner.get_name().to_owned();
            let below = leaves_below(inner, &name);
            leaves.extend(below);
        }
        leaves
    }

    fn leaves_below(command: &Command, name: &str) -> Vec<Vec<String>> {
        let mut below = leaves(command);
        for words in &mut below {
            words.insert(0, name.to_owned());
        }
        if below.is_empty() { vec![vec![name.to_owned()]] } else { below }
    }

    #[test]
    fn every_command_has_one_entry_and_every_entry_a_command() {
        let mut entries: Vec<_> = ENTRIES.iter().map(|entry| entry.command.to_owned()).collect();
        let leaves = leaves(&CommandLine::command());
        let mut leaves: Vec<_> = leaves.iter().map(|words| words.join(" ")).collect();
        leaves.push(String::new());
        entries.sort();
        leaves.sort();
        assert_eq!(entries, leaves);
    }

    /// What an example pipes into the program, and where its output goes, is the shell's.
    fn arguments(example: &str) -> Vec<String> {
        let own = &example[example.find("preflight").expect("it runs the program")..];
        let own = own.split(['|', '<', '>']).next().expect("a part");
        own.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
    }

    #[test]
    fn every_example_is_a_command_line_of_its_command() {
        for entry in ENTRIES {
            assert!(!entry.examples.is_empty(), "{}", entry.command);
            for (example, _) in entry.examples {
                let arguments = arguments(example);
                let parsed = CommandLine::try_parse_from(&arguments);
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                let words = arguments[1..].join(" ");
                assert!(words.starts_with(entry.command), "{example}: not of {}", entry.command);
            }
        }
    }

    #[test]
    fn what_is_said_fits_into_eighty_columns() {
        for entry in ENTRIES {
            let examples = entry.examples.iter().flat_map(|(line, what)| [*line, *what]);
            let statuses = entry.exit.iter().map(|(_, meaning)| *meaning);
            for text in examples.chain(statuses).chain(entry.notes.lines()) {
                assert!(
                    text.len() <= 73 || text.len() <= 80 && entry.notes.contains(text),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn an_option_stands_under_one_heading_in_every_command() {
        let mut command = CommandLine::command();
        command.build();
        let mut headings: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        for words in leaves(&command) {
            let leaf =
                words.iter().fold(&command, |at, word| at.find_subcommand(word).expect("it"));
            for option in leaf.get_arguments().filter(|option| !option.is_positional()) {
                let help = option.get_help().map(ToString::to_string).unwrap_or_default();
                // A jump host's login is that of any host.
                let heading = option.get_help_heading().unwrap_or("Options");
                let heading = heading.replace("Through SSH", "SSH");
                headings.entry((option.get_id().to_string(), help)).or_default().insert(heading);
            }
        }
        let several: Vec<_> = headings.iter().filter(|(_, names)| names.len() > 1).collect();
        assert!(several.is_empty(), "{several:#?}");
    }

    #[test]
    fn the_help_names_every_format_of_reports() {
        let mut page = Vec::new();
        let entry = ENTRIES.iter().find(|entry| entry.command == "check host").expect("it is one");
        write_page(&mut page, CommandLine::command(), entry).expect("memory takes it");
        let page = String::from_utf8(page).expect("text").replace('\\', "");
        for format in crate::report::FORMATS {
            assert!(page.contains(&format!(" {}", format.name)), "{}", format.name);
        }
    }

    #[test]
    fn a_page_has_every_section_and_no_control_line_of_ours() {
        for entry in ENTRIES {
            let mut page = Vec::new();
            write_page(&mut page, CommandLine::command(), entry).expect("memory takes it");
            let page = String::from_utf8(page).expect("text");
            for section in [
                "NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT",
                "FILES", "EXAMPLES",
            ] {
                let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
                assert!(heading.iter().any(|heading| page.contains(heading)), "{section}: {page}");
            }
        }
    }
}
