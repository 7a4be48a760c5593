//! Prints why a command could not run: the chain of causes on one line, then a hint. Where the command line is a plugin of
//! Nagios, also what such a plugin prints.
//!
//! Not for what the hints are: each stands with its error.

use std::ffi::OsString;
use std::io::Write;

use super::ExitStatus;
use super::terminal::failure::message;
use super::terminal::screen;
use crate::report::{PluginState, nagios};
use crate::{hint, report};

/// Who starts the program, and reads why it could not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person or a script.
    Person,
    /// What knows the exit statuses of plugins alone: 2 would be critical, and nothing was checked.
    Monitoring,
}

impl Caller {
    /// Returns who starts the program, as `--format` on the command line tells.
    pub fn from_arguments(arguments: &[OsString]) -> Self {
        let formats = option_values(arguments, "--format");
        let is_plugin = |name| report::format(name).is_some_and(report::Format::is_plugin);
        if formats.into_iter().any(is_plugin) { Self::Monitoring } else { Self::Person }
    }

    /// Prints why a command could not run, and returns its exit status.
    pub fn report_error(self, error: &anyhow::Error) -> ExitStatus {
        if self == Self::Monitoring {
            let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
            let text = nagios::cannot_run(&message(&causes.join(": ")));
            // The exit status says it, too.
            screen::stdout().write_all(text.as_bytes()).ok();
        }
        print_error(error);
        match self {
            Self::Person => ExitStatus::CannotRun,
            Self::Monitoring => ExitStatus::Plugin(PluginState::Unknown),
        }
    }

    /// Prints what is wrong with the command line, or the help that it asks for, and ends the program.
    pub fn exit(self, error: &clap::Error) -> ! {
        if self == Self::Person || !error.use_stderr() {
            error.exit();
        }
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        screen::stdout().write_all(nagios::cannot_run(first).as_bytes()).ok();
        // Nobody is left to tell that standard error is closed.
        error.print().ok();
        std::process::exit(ExitStatus::Plugin(PluginState::Unknown).code().into())
    }
}

/// Returns the values of an option, before the command line is parsed.
pub fn option_values<'a>(arguments: &'a [OsString], option: &str) -> Vec<&'a str> {
    let options = arguments.iter().take_while(|argument| *argument != "--");
    let mut words = options.filter_map(|argument| argument.to_str()).peekable();
    let mut values = Vec::new();
    while let Some(word) = words.next() {
        values.extend(match word.strip_prefix(option) {
            Some("") => words.peek().copied(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        });
    }
    values
}

/// Prints the chain of an error on one line, and a hint below it.
fn print_error(error: &anyhow::Error) {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // An error that repeats its source's text adds nothing.
        if causes.last().is_none_or(|last| !last.ends_with(&text)) {
            causes.push(text);
        }
    }
    anstream::eprintln!("preflight: {}", message(&causes.join(": ")));
    if let Some(hint) = hint::find(error.chain()) {
        anstream::eprintln!("  hint: {}", message(&hint));
    }
}
