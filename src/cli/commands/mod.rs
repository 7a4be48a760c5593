//! The verbs of the command line, one file each, and their dispatch.
//!
//! Not for what several verbs share: that is in the parent module.

pub mod answer;
mod build_custom;
pub mod build_delta;
pub mod build_image;
pub mod build_vm;
pub mod check_azure;
pub mod check_esxi;
pub mod check_host;
pub mod check_image;
pub mod check_packages;
pub mod check_site;
pub mod check_vcenter;
pub mod collect_azure;
pub mod collect_esxi;
pub mod collect_host;
pub mod collect_script;
pub mod collect_site;
pub mod collect_vcenter;
pub mod diff;
pub mod explain;
pub mod guide;
pub mod init_site;
pub mod inspect;
pub mod kickstart;
pub mod list;
pub mod list_questions;
mod manual;
pub mod mask;
pub mod schema;
pub mod search;
pub mod test_checks;
pub mod troubleshoot;
pub mod trust;

use crate::atomic_file::InputFile;
use crate::cli::ExitStatus;
use crate::cli::args::{self, CommandLine, Verb};

/// Runs the verb of a command line; `named` are the input files on it.
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
        Verb::Check(args::CheckVerb::Image(check)) => check_image::check(check, &assets),
        Verb::Check(args::CheckVerb::Packages(check)) => check_packages::check(check, &assets),
        Verb::Check(args::CheckVerb::Host(check)) => check_host::check(check, &assets),
        Verb::Check(args::CheckVerb::Vcenter(check)) => check_vcenter::check(check, &assets),
        Verb::Check(args::CheckVerb::Azure(check)) => check_azure::check(check, &assets),
        Verb::Check(args::CheckVerb::Esxi(check)) => check_esxi::check(check, &assets),
        Verb::Check(args::CheckVerb::Site(check)) => check_site::check(check, &assets),
        Verb::Collect(args::CollectVerb::Vcenter(collect)) => {
            collect_vcenter::collect_vcenter(collect, &assets)
        }
        Verb::Collect(args::CollectVerb::Azure(collect)) => collect_azure::collect_azure(collect),
        Verb::Collect(args::CollectVerb::Esxi(collect)) => {
            collect_esxi::collect_esxi(collect, &assets)
        }
        Verb::Collect(args::CollectVerb::Site(collect)) => {
            collect_site::collect_site(collect, &assets, named)
        }
        Verb::Collect(args::CollectVerb::Host(collect)) => {
            collect_host::collect_host(collect, &assets)
        }
        Verb::Collect(args::CollectVerb::Script(collect)) => {
            collect_script::print_script(collect, &assets)
        }
        Verb::Troubleshoot(troubleshoot) => troubleshoot::troubleshoot(troubleshoot, &assets),
        Verb::Guide(arguments) => guide::guide(arguments, &assets),
        Verb::Answer(answer) => answer::answer(answer, &assets),
        Verb::Explain(explain) => explain::explain(explain, &assets),
        Verb::Search(search) => search::search(search, &assets),
        Verb::Diff(compare) => diff::diff(compare, &assets),
        Verb::Mask(args) => mask::mask(args),
        Verb::Schema(print) => schema::schema(print),
        Verb::Trust(trust) => trust::trust(trust),
        Verb::Test(args::TestVerb::Checks(test)) => test_checks::test_checks(test, &assets),
        Verb::List(list) => list::list(list, &assets),
        Verb::Init(args::InitVerb::Recipe) => list::init_recipe(),
        Verb::Init(args::InitVerb::Site(args)) => init_site::init_site(args),
        Verb::Completions { shell } => manual::completions(*shell, &assets),
        Verb::Man(args) => manual::man(args),
    }
}
