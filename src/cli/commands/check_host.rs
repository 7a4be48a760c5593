//! `check host`: checks master targets, and the systems of the site that they depend on.

use crate::assets::Assets;
use crate::cli::ExitStatus;
use crate::cli::args::CheckHostArgs;
use crate::cli::checks::load_checks;
use crate::cli::collect::{AnswerSource, CollectOptions};
use crate::cli::evaluate::check_systems;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::Reporter;
use crate::cli::selection::Selection;

/// Checks the selected hosts.
pub fn check(args: &CheckHostArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = load_checks(assets, args.own_checks.as_deref())?;
    let select = || Selection::hosts(&args.site, &args.targets, &args.many, &checks);
    let ssh = SshDefaults::from_args(&args.credentials, &args.host_timeout)?;
    let options = CollectOptions {
        jobs: args.many.jobs,
        answers: AnswerSource::new(args.newest_capture),
        fix: Some(&args.fix),
        now: reporter.given_now,
        ..CollectOptions::new(ssh, &args.tls)
    };
    check_systems(select, &checks, &options, &args.select, &reporter)
}
