//! The command line: the only module that prints, prompts, colours, draws progress or picks an
//! exit code.
//!
//! Each verb has a file of its own; what they do is done by `image`, `check` and `report`.

mod args;
mod asking;
mod build;
mod captured;
mod check;
mod delta;
mod esxi;
mod exit;
mod failure;
mod fix;
mod guard;
mod host;
mod inspect;
mod interrupt;
mod kickstart;
mod list;
mod login;
mod outputs;
mod packages;
mod pass;
mod password;
mod product;
mod progress;
mod recipe;
mod root_password;
mod screen;
mod site;
mod stream;
mod targets;
mod terminal;
mod troubleshoot;
mod trust;
mod vcenter;
mod via;
mod vm;
mod whole_site;

use std::process::ExitCode;

use clap::error::ContextValue;
use clap::{CommandFactory, FromArgMatches};

use args::{Arguments, Verb};
use exit::Exit;

use crate::atomic_file::Input;
use crate::secret::redacted;

/// Runs the program for the process's arguments.
pub fn main() -> ExitCode {
    if let Err(error) = guard::keep_memory_private() {
        failure::show(&error);
        return Exit::CannotRun.into();
    }
    let mut command = Arguments::command();
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let matches = matches.unwrap_or_else(|error| without_passwords(error).exit());
    let arguments = Arguments::from_arg_matches(&matches);
    let arguments =
        arguments.unwrap_or_else(|error| without_passwords(error.format(&mut command)).exit());
    screen::log_to_stderr(arguments.verbose);
    let named = outputs::Named::of(&command, &matches);
    let outcome = named.check().and_then(|()| run(&arguments, &named.inputs));
    // A question may still be open in a thread that nobody waits for.
    terminal::restore();
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            failure::show(&error);
            Exit::CannotRun.into()
        }
    }
}

/// An error of the command line that repeats no password of an address.
fn without_passwords(mut error: clap::Error) -> clap::Error {
    let shown: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    for (kind, value) in shown {
        if let ContextValue::String(text) = value {
            error.insert(kind, ContextValue::String(redacted(&text)));
        }
    }
    error
}

fn run(arguments: &Arguments, named: &[Input]) -> anyhow::Result<Exit> {
    let assets = arguments.assets();
    match &arguments.verb {
        Verb::Build(args::Build::Image(build)) => build::image(build, &assets, named),
        Verb::Build(args::Build::Delta(build)) => delta::build(build, named),
        Verb::Build(args::Build::Vm(build)) => vm::build(build, &assets, named),
        Verb::Render(args::Render::Kickstart(render)) => kickstart::render(render, &assets),
        Verb::Lint(args::Lint::Kickstart(lint)) => kickstart::lint(lint, &assets),
        Verb::Inspect(args::Inspect::Image(inspect)) => inspect::image(inspect),
        Verb::Inspect(args::Inspect::Agent(inspect)) => inspect::agent(inspect),
        Verb::Check(args::Check::Image(check)) => check::image(check, &assets),
        Verb::Check(args::Check::Packages(check)) => packages::check(check, &assets),
        Verb::Check(args::Check::Host(check)) => host::check(check, &assets),
        Verb::Check(args::Check::Vcenter(check)) => vcenter::check(check, &assets),
        Verb::Check(args::Check::Esxi(check)) => esxi::check(check, &assets),
        Verb::Check(args::Check::Site(check)) => whole_site::check(check, &assets),
        Verb::Collect(args::Collect::Vcenter(collect)) => vcenter::collect(collect),
        Verb::Collect(args::Collect::Esxi(collect)) => esxi::collect(collect),
        Verb::Collect(args::Collect::Site(collect)) => whole_site::collect(collect, &assets, named),
        Verb::Collect(args::Collect::Host(collect)) => host::collect(collect, &assets),
        Verb::Collect(args::Collect::Script(collect)) => host::script(collect, &assets),
        Verb::Troubleshoot(asked) => troubleshoot::troubleshoot(asked, &assets),
        Verb::Explain(explain) => check::explain(explain, &assets),
        Verb::Trust(trust) => trust::server(trust),
        Verb::Test(args::Test::Checks(test)) => check::examples(test, &assets),
        Verb::List(list) => list::list(list, &assets),
        Verb::Init(args::Init::Recipe) => Ok(list::recipe_to_start_from()),
        Verb::Init(args::Init::Site) => Ok(site::to_start_from()),
        Verb::Completions { shell } => Ok(list::completions(*shell)),
        Verb::Man => list::manual(),
    }
}
