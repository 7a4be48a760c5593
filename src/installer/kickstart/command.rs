//! One command of a kickstart: a name and its words.
//!
//! Not for what a command means to the installer (`lint`, `facts`).

use std::fmt;

use super::{options, words};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Its name, such as `part`.
    pub name: String,
    /// The words behind the name, unquoted.
    pub words: Vec<String>,
}

impl Command {
    /// A command with these words.
    pub fn new<W: Into<String>>(name: &str, words: impl IntoIterator<Item = W>) -> Self {
        Self { name: name.to_owned(), words: words.into_iter().map(Into::into).collect() }
    }

    /// Reads a line; nothing when it holds no word.
    pub fn parse_line(line: &str) -> Option<Self> {
        let mut words = words::split(line).words.into_iter();
        Some(Self { name: words.next()?, words: words.collect() })
    }

    /// Whether the command has an option, with or without a value.
    pub fn has(&self, option: &str) -> bool {
        self.words.iter().any(|word| self.option_value(word, option).is_some())
    }

    /// The value of `--option=value` or `--option value`; the last one counts. An option without
    /// a value gives an empty text.
    pub fn option(&self, option: &str) -> Option<&str> {
        let at = self.words.iter().rposition(|word| self.option_value(word, option).is_some())?;
        match self.option_value(&self.words[at], option)? {
            Some(value) => Some(value),
            None => Some(
                self.words
                    .get(at + 1)
                    .filter(|next| !next.starts_with("--") && !options::is_flag(&self.name, option))
                    .map_or("", String::as_str),
            ),
        }
    }

    /// The values of a list option, such as `--drives=sda,sdb`.
    pub fn list(&self, option: &str) -> impl Iterator<Item = &str> {
        self.option(option)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
    }

    /// Nothing when the word is another option; `Some(None)` when it has no `=`. A name may be
    /// shortened as far as no other option of the command begins like it.
    fn option_value<'w>(&self, word: &'w str, option: &str) -> Option<Option<&'w str>> {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (word, None),
        };
        let meant = name == option
            || (name.len() > 3
                && option.starts_with(name)
                && options::is_abbreviation(&self.name, name, option));
        meant.then_some(value)
    }

    /// The words that are neither options nor their values.
    pub fn arguments(&self) -> Vec<&str> {
        let mut arguments = Vec::new();
        let mut taken = false;
        for word in &self.words {
            if word.starts_with("--") && word.len() > 2 {
                taken = !word.contains('=') && !options::is_flag(&self.name, word);
            } else if taken {
                taken = false;
            } else {
                arguments.push(word.as_str());
            }
        }
        arguments
    }
}

impl fmt::Display for Command {
    /// The line, quoted so that the installer splits it back into these words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::quote(&self.name))?;
        self.words.iter().try_for_each(|word| write!(f, " {}", words::quote(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_arguments_are_told_apart() {
        let command =
            Command::parse_line("part / --fstype=ext4 --size 2048 --grow --ondisk=sda").unwrap();
        assert_eq!(command.arguments(), ["/"]);
        assert_eq!(command.option("--size"), Some("2048"));
        assert_eq!(command.option("--grow"), Some(""));
        assert_eq!(command.option("--on"), None);
        assert!(command.has("--grow") && !command.has("--asprimary"));

        let command = Command::parse_line("rootpw --iscrypted $6$x").unwrap();
        assert_eq!(command.arguments(), ["$6$x"]);
        let command = Command::parse_line("clearpart --drives=sda,sdb --all").unwrap();
        assert_eq!(command.list("--drives").collect::<Vec<_>>(), ["sda", "sdb"]);
    }

    #[test]
    fn a_command_is_written_as_it_is_read_back() {
        let command = Command::new("bootloader", ["--append=a 'b' c", "--location=partition"]);
        assert_eq!(Command::parse_line(&command.to_string()), Some(command));
    }
}
