//! `check site`: checks all systems of a site.

use crate::assets::Assets;
use crate::cli::ExitStatus;
use crate::cli::args::CheckSiteArgs;
use crate::cli::checks::load_checks;
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::check_systems;
use crate::cli::reporting::Reporter;
use crate::cli::whole_site::{collect_options, select_site};

/// Checks a whole site.
pub fn check(args: &CheckSiteArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = load_checks(assets, args.site_file.access.own_checks.as_deref())?;
    let select = || select_site(&args.site_file.site, args.captures.as_deref(), &checks);
    let options = collect_options(&args.site_file.access, reporter.given_now)?;
    let options = CollectOptions { fix: Some(&args.fix), ..options };
    check_systems(select, &checks, &options, &args.select, &reporter)
}
