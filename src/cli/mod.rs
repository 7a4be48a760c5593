//! The command line: the only module that prints, prompts, colours, draws progress or picks an
//! exit code.
//!
//! Each verb has a file of its own in `commands`; the work is done by `image`, `check` and
//! `report`.

mod answers;
mod args;
mod azure;
mod capture_stream;
mod captures;
mod checks;
mod circumstances;
mod collect;
mod commands;
mod dashed_words;
mod error;
mod evaluate;
mod evaluation;
mod exit;
mod fix;
mod follow;
mod guard;
mod hosts;
mod interrupt;
mod login;
mod manual;
mod named_server;
mod outputs;
mod password;
mod pasted_text;
mod pipeline;
mod questions;
mod recipe;
mod recorded;
mod reporting;
mod root_password;
mod selection;
mod site;
mod sources;
mod terminal;
mod trusted;
mod vault;
mod via;
mod watch;
mod whole_site;

use std::process::ExitCode;

use clap::error::ContextValue;
use clap::{CommandFactory, FromArgMatches};

use args::CommandLine;
use error::{Caller, option_values};
use exit::ExitStatus;
use terminal::{prompt, screen};

use crate::secret::redact_password;

/// Runs the program for the process's arguments.
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    let caller = Caller::from_arguments(&arguments);
    // Known before the rest is parsed, because parsing prints help.
    let colour = option_values(&arguments, "--color").pop().and_then(|word| word.parse().ok());
    screen::choose_colour(colour.unwrap_or_default());
    if let Err(error) = guard::keep_memory_private() {
        return caller.report_error(&error).into();
    }
    let mut command = manual::with_examples(CommandLine::command());
    let arguments = dashed_words::separate(&command, arguments);
    let matches = command.try_get_matches_from_mut(arguments);
    let matches = matches.unwrap_or_else(|error| caller.exit(&without_passwords(error)));
    let arguments = CommandLine::from_arg_matches(&matches);
    let arguments = arguments
        .unwrap_or_else(|error| caller.exit(&without_passwords(error.format(&mut command))));
    screen::log_to_stderr(arguments.verbose);
    let named = outputs::CommandLineFiles::from_matches(&command, &matches);
    let outcome = named.check().and_then(|()| commands::run(&arguments, &named.inputs));
    // A prompt may still be open in a thread that is not joined.
    prompt::restore();
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => caller.report_error(&error).into(),
    }
}

/// Returns the command line error without passwords in addresses.
fn without_passwords(mut error: clap::Error) -> clap::Error {
    let shown: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in shown {
        if let ContextValue::String(text) = value {
            error.insert(kind, ContextValue::String(redact_password(&text)));
        }
    }
    error
}
