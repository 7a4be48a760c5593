//! Which commands and sections an installer knows, with their options and the kinds of their
//! values: `kickstart/options/*.txt`.
//!
//! Not for what a value means: each rule of `lint` knows that. The tables are held against
//! pykickstart by `tests/kickstart.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::assets;
use crate::packages::generation::Generation;

/// The table of every installer, by its name.
static TABLES: LazyLock<BTreeMap<&'static str, CommandTable>> = LazyLock::new(|| {
    let names: BTreeSet<&str> = Generation::all().map(Generation::option_table).collect();
    let tables = assets::embedded_in("kickstart/options").filter_map(|(path, text)| {
        let name = path.rsplit('/').next()?.strip_suffix(".txt")?;
        names.contains(name).then(|| (name, CommandTable::parse(text)))
    });
    tables.collect()
});

/// The commands and options that one installer knows.
#[derive(Debug)]
pub struct CommandTable {
    usages: BTreeMap<&'static str, CommandUsage>,
}

/// How one command or section is used.
#[derive(Debug)]
pub struct CommandUsage {
    /// How many words without hyphens it takes; none when it takes anything at all.
    pub arguments: Option<ArgumentCount>,
    options: Vec<OptionUsage>,
}

/// How many words without hyphens a command takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentCount {
    /// The fewest.
    pub min: usize,
    /// The most.
    pub max: usize,
}

/// How one option is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionUsage {
    /// Its name, with the hyphens.
    pub name: &'static str,
    /// The kind of its value.
    pub value: ValueKind,
    /// Whether the command needs it; one of several spellings will do.
    pub required: bool,
}

/// The kind of an option's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Nothing.
    Nothing,
    /// Any text.
    Text,
    /// A whole number.
    Number,
    /// `yes`, `no` and what else means them.
    YesOrNo,
    /// One of these.
    OneOf(Vec<&'static str>),
}

/// The table of an installer.
pub fn table(generation: Generation) -> &'static CommandTable {
    &TABLES[generation.option_table()]
}

/// Whether an option of a command takes no value, whichever installer knows it.
pub fn is_flag(command: &str, option: &str) -> bool {
    let mut found = TABLES.values().filter_map(|table| table.usage(command)?.find(option).ok());
    found.next().is_some_and(|option| option.value == ValueKind::Nothing)
}

/// Whether a shortened name means this option of a command, to an installer that knows both.
pub fn is_abbreviation(command: &str, short: &str, option: &str) -> bool {
    let mut found = TABLES.values().filter_map(|table| table.usage(command)?.find(short).ok());
    found.any(|found| found.name == option)
}

/// Why a word is no option of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionError {
    /// No option begins with it.
    Unknown,
    /// Several options begin with it.
    Ambiguous,
}

impl CommandTable {
    fn parse(text: &'static str) -> Self {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let usages = lines.map(|line| {
            let mut words = line.split(' ');
            let name = words.next().expect("a line has a word");
            let arguments = words.next().expect("a line says how many arguments");
            (
                name,
                CommandUsage {
                    arguments: parse_count(arguments),
                    options: words.map(parse_option).collect(),
                },
            )
        });
        Self { usages: usages.collect() }
    }

    /// How a command, or a section with its percent sign, is used; none when the installer does not
    /// know it.
    pub fn usage(&self, name: &str) -> Option<&CommandUsage> {
        self.usages.get(name)
    }

    /// The names of all commands.
    pub fn commands(&self) -> impl Iterator<Item = &'static str> {
        self.usages.keys().copied().filter(|name| !name.starts_with('%'))
    }
}

/// `0`, `1`, `?` for one or none, `*` for any number, `-` for a command that takes anything.
fn parse_count(text: &str) -> Option<ArgumentCount> {
    let (min, max) = match text {
        "0" => (0, 0),
        "1" => (1, 1),
        "?" => (0, 1),
        "*" => (0, usize::MAX),
        "-" => return None,
        other => unreachable!("{other:?} is not a count; the tests read every line"),
    };
    Some(ArgumentCount { min, max })
}

/// `--flag`, `--name=TEXT`, `--name=TEXT!` for one that is required.
fn parse_option(word: &'static str) -> OptionUsage {
    let (word, required) = match word.strip_suffix('!') {
        Some(word) => (word, true),
        None => (word, false),
    };
    let (name, value) = match word.split_once('=') {
        None => (word, ValueKind::Nothing),
        Some((name, "TEXT")) => (name, ValueKind::Text),
        Some((name, "NUMBER")) => (name, ValueKind::Number),
        Some((name, "YES-OR-NO")) => (name, ValueKind::YesOrNo),
        Some((name, choices)) => (name, ValueKind::OneOf(choices.split('|').collect())),
    };
    OptionUsage { name, value, required }
}

impl CommandUsage {
    /// The option of this name, or the only one that begins with it: both installers take a
    /// shortened name, as Python's option parsers do.
    ///
    /// # Errors
    ///
    /// Returns the reason when there is none.
    pub fn find(&self, name: &str) -> Result<&OptionUsage, OptionError> {
        if let Some(exact) = self.options.iter().find(|option| option.name == name) {
            return Ok(exact);
        }
        let mut alike = self.options.iter().filter(|option| option.name.starts_with(name));
        match (alike.next(), alike.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => Err(OptionError::Ambiguous),
            (None, _) => Err(OptionError::Unknown),
        }
    }

    /// All its options.
    pub fn options(&self) -> &[OptionUsage] {
        &self.options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_read() {
        for generation in Generation::all() {
            let table = table(generation);
            assert!(table.commands().count() > 50, "{generation:?}");
            let part = table.usage("part").unwrap();
            assert_eq!(part.arguments, Some(ArgumentCount { min: 1, max: 1 }));
            assert_eq!(part.find("--grow").unwrap().value, ValueKind::Nothing);
            assert_eq!(part.find("--size").unwrap().value, ValueKind::Number);
            assert_eq!(part.find("--si").unwrap().name, "--size");
            assert_eq!(part.find("--on"), Err(OptionError::Ambiguous));
            assert_eq!(part.find("--zise"), Err(OptionError::Unknown));
            assert!(table.usage("repo").unwrap().find("--name").unwrap().required);
            assert_eq!(table.usage("auth").unwrap().arguments, None);
        }
        assert!(is_flag("timezone", "--nontp") && is_flag("part", "--grow"));
        assert!(!is_flag("part", "--size") && !is_flag("nothing", "--size"));
    }
}
