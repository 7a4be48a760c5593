//! Words that begin with a dash: what is looked for is often a command line, and no option of ours.
//!
//! Not for what the words mean (`knowledge`), nor for options (`args`).

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

/// The verbs whose words are free text.
const VERBS: &[&str] = &["troubleshoot", "search", "explain"];

/// Returns a command line in which words that are no options stand behind `--`, where a verb takes free text.
pub(super) fn separate(command: &Command, arguments: Vec<OsString>) -> Vec<OsString> {
    let is_verb = |argument: &OsString| VERBS.iter().any(|verb| argument == verb);
    let Some(at) = arguments.iter().position(is_verb) else { return arguments };
    let verb = arguments[at].to_string_lossy().into_owned();
    let behind = &arguments[at + 1..];
    let Some(subcommand) = command.find_subcommand(&verb) else { return arguments };
    let options = Options { own: subcommand, global: command };
    let is_word = |argument: &OsString| options.is_dashed_word(argument);
    if behind.iter().any(|argument| argument == "--") || !behind.iter().any(is_word) {
        return arguments;
    }
    let (mut kept, mut words) = (arguments[..=at].to_vec(), Vec::new());
    let mut rest = behind.iter();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy();
        if argument == "-" || !text.starts_with('-') || options.is_dashed_word(argument) {
            words.push(argument.clone());
            continue;
        }
        kept.push(argument.clone());
        if options.takes_next(&text) {
            kept.extend(rest.next().cloned());
        }
    }
    kept.push(OsString::from("--"));
    kept.extend(words);
    kept
}

/// The options of a verb.
struct Options<'c> {
    own: &'c Command,
    global: &'c Command,
}

impl Options<'_> {
    fn all(&self) -> impl Iterator<Item = &Arg> {
        self.own.get_arguments().chain(self.global.get_arguments())
    }

    fn long(&self, name: &str) -> Option<&Arg> {
        self.all().find(|arg| arg.get_long() == Some(name))
    }

    fn is_long(&self, name: &str) -> bool {
        matches!(name, "help" | "version") || self.long(name).is_some()
    }

    fn is_short(&self, name: char) -> bool {
        matches!(name, 'h' | 'V') || self.all().any(|arg| arg.get_short() == Some(name))
    }

    /// Whether an argument begins with a dash and is no option.
    fn is_dashed_word(&self, argument: &OsStr) -> bool {
        let text = argument.to_string_lossy();
        match (text.strip_prefix("--"), text.strip_prefix('-')) {
            (Some(""), _) | (_, None | Some("")) => false,
            // A misspelt option is an error, not a word: nobody asks for what has two dashes and one letter more.
            (Some(long), _) => {
                let name = long.split('=').next().unwrap_or_default();
                !self.is_long(name) && !self.is_misspelt(name)
            }
            (None, Some(letters)) => !letters.chars().all(|letter| self.is_short(letter)),
        }
    }

    fn is_misspelt(&self, name: &str) -> bool {
        let mut names = self.all().filter_map(Arg::get_long);
        names.any(|known| strsim::osa_distance(known, name) <= 2)
    }

    /// Whether an option's value is the argument behind it.
    fn takes_next(&self, text: &str) -> bool {
        let name = text.strip_prefix("--").filter(|name| !name.contains('='));
        let option = name.and_then(|name| self.long(name));
        option.is_some_and(|option| option.get_action().takes_values())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::args::CommandLine;

    fn separated(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        let command = CommandLine::command();
        let separated = separate(&command, arguments);
        separated.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }

    #[test]
    fn what_is_no_option_is_a_word() {
        for (line, expected) in [
            ("preflight troubleshoot no datastores", "preflight troubleshoot no datastores"),
            ("preflight troubleshoot tar -zxvf fails", "preflight troubleshoot -- tar -zxvf fails"),
            (
                "preflight troubleshoot -y is refused --site s.yaml --format json -v",
                "preflight troubleshoot --site s.yaml --format json -v -- -y is refused",
            ),
            ("preflight -v search --noplugins", "preflight -v search -- --noplugins"),
            ("preflight troubleshoot - --format=json", "preflight troubleshoot - --format=json"),
            ("preflight troubleshoot x --fromat json", "preflight troubleshoot x --fromat json"),
            ("preflight troubleshoot -- -y", "preflight troubleshoot -- -y"),
            ("preflight check host -y", "preflight check host -y"),
            ("preflight explain --help", "preflight explain --help"),
        ] {
            assert_eq!(separated(line), expected, "{line}");
        }
    }
}
