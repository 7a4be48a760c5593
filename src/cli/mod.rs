//! The command line: the only module that prints, prompts, colours, draws progress or picks an
//! exit code.
//!
//! Each verb has a file of its own; what they do is done by `image`, `check` and `report`.

mod args;
mod build_delta;
mod build_image;
mod build_vm;
mod captures;
mod check_esxi;
mod check_host;
mod check_packages;
mod check_site;
mod check_vcenter;
mod collect;
mod exit;
mod failure;
mod finalize;
mod fix;
mod guard;
mod hosts;
mod inspect;
mod interrupt;
mod kickstart;
mod list;
mod login;
mod outputs;
mod password;
mod product;
mod progress;
mod prompt;
mod recipe;
mod reporting;
mod root_password;
mod screen;
mod site;
mod stream;
mod troubleshoot;
mod trust;
mod via;

use std::process::ExitCode;

use clap::error::ContextValue;
use clap::{CommandFactory, FromArgMatches};

use args::{CommandLine, Verb};
use exit::ExitStatus;

use crate::atomic_file::Input;
use crate::secret::redacted;

/// Runs the program for the process's arguments.
pub fn main() -> ExitCode {
    if let Err(error) = guard::keep_memory_private() {
        failure::print_error(&error);
        return ExitStatus::CannotRun.into();
    }
    let mut command = CommandLine::command();
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    let matches = matches.unwrap_or_else(|error| without_passwords(error).exit());
    let arguments = CommandLine::from_arg_matches(&matches);
    let arguments =
        arguments.unwrap_or_else(|error| without_passwords(error.format(&mut command)).exit());
    screen::log_to_stderr(arguments.verbose);
    let named = outputs::CommandLineFiles::from_matches(&command, &matches);
    let outcome = named.check().and_then(|()| run(&arguments, &named.inputs));
    // A question may still be open in a thread that nobody waits for.
    prompt::restore();
    match outcome {
        Ok(exit) => exit.into(),
        Err(error) => {
            failure::print_error(&error);
            ExitStatus::CannotRun.into()
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

fn run(arguments: &CommandLine, named: &[Input]) -> anyhow::Result<ExitStatus> {
    let assets = arguments.assets();
    match &arguments.verb {
        Verb::Build(args::BuildVerb::Image(build)) => build_image::image(build, &assets, named),
        Verb::Build(args::BuildVerb::Delta(build)) => build_delta::build(build, named),
        Verb::Build(args::BuildVerb::Vm(build)) => build_vm::build(build, &assets, named),
        Verb::Render(args::RenderVerb::Kickstart(render)) => kickstart::render(render, &assets),
        Verb::Lint(args::LintVerb::Kickstart(lint)) => kickstart::lint(lint, &assets),
        Verb::Inspect(args::InspectVerb::Image(inspect)) => inspect::image(inspect),
        Verb::Inspect(args::InspectVerb::Agent(inspect)) => inspect::agent(inspect),
        Verb::Check(args::CheckVerb::Image(check)) => reporting::image(check, &assets),
        Verb::Check(args::CheckVerb::Packages(check)) => check_packages::check(check, &assets),
        Verb::Check(args::CheckVerb::Host(check)) => check_host::check(check, &assets),
        Verb::Check(args::CheckVerb::Vcenter(check)) => check_vcenter::check(check, &assets),
        Verb::Check(args::CheckVerb::Esxi(check)) => check_esxi::check(check, &assets),
        Verb::Check(args::CheckVerb::Site(check)) => check_site::check(check, &assets),
        Verb::Collect(args::CollectVerb::Vcenter(collect)) => check_vcenter::collect(collect),
        Verb::Collect(args::CollectVerb::Esxi(collect)) => check_esxi::collect(collect),
        Verb::Collect(args::CollectVerb::Site(collect)) => {
            check_site::collect(collect, &assets, named)
        }
        Verb::Collect(args::CollectVerb::Host(collect)) => check_host::collect(collect, &assets),
        Verb::Collect(args::CollectVerb::Script(collect)) => check_host::script(collect, &assets),
        Verb::Troubleshoot(asked) => troubleshoot::troubleshoot(asked, &assets),
        Verb::Explain(explain) => reporting::explain(explain, &assets),
        Verb::Trust(trust) => trust::trust(trust),
        Verb::Test(args::TestVerb::Checks(test)) => reporting::test_checks(test, &assets),
        Verb::List(list) => list::list(list, &assets),
        Verb::Init(args::InitVerb::Recipe) => Ok(list::init_recipe()),
        Verb::Init(args::InitVerb::Site) => Ok(site::init_site()),
        Verb::Completions { shell } => Ok(list::completions(*shell)),
        Verb::Man => list::man(),
    }
}
