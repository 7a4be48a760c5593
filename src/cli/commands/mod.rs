//! One file for each verb of the command line, and which verb is run.
//!
//! Not for what a verb needs that others need too: that stands beside this folder.

pub mod build_delta;
pub mod build_image;
pub mod build_vm;
pub mod check_esxi;
pub mod check_host;
pub mod check_packages;
pub mod check_site;
pub mod check_vcenter;
pub mod inspect;
pub mod kickstart;
pub mod list;
pub mod troubleshoot;
pub mod trust;

use crate::atomic_file::InputFile;
use crate::cli::args::{self, CommandLine, Verb};
use crate::cli::{ExitStatus, reporting, site};

/// Runs the verb of a command line; `named` are the files that it names.
pub fn run(arguments: &CommandLine, named: &[InputFile]) -> anyhow::Result<ExitStatus> {
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
