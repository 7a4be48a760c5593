//! `check site`: checks all systems of a site.

use crate::assets::Assets;
use crate::cli::ExitStatus;
use crate::cli::args::CheckSiteArgs;
use crate::cli::checks::load_checks;
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::check_systems;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::Reporter;
use crate::cli::whole_site::select_site;

/// Checks a whole site.
pub fn check(args: &CheckSiteArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = load_checks(assets, args.site_file.access.own_checks.as_deref())?;
    let selection = select_site(&args.site_file.site, args.captures.as_deref(), &checks)?;
    let access = &args.site_file.access;
    let ssh = SshDefaults::from_args(&access.credentials, &access.host_timeout)?;
    let options = CollectOptions {
        jobs: access.jobs,
        fix: Some(&args.fix),
        now: reporter.given_now,
        ..CollectOptions::new(ssh, &access.tls)
    };
    check_systems(selection, &checks, &options, &args.select, &reporter)
}
