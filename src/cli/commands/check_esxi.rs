//! `check esxi`: checks ESXi hosts over their shells or the API.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::CheckEsxiArgs;
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::check_systems;
use crate::cli::login::SshDefaults;
use crate::cli::named_server;
use crate::cli::reporting::Reporter;

/// Checks ESXi hosts.
pub fn check(args: &CheckEsxiArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let ssh = SshDefaults::from_args(&args.credentials, &args.host_timeout)?;
    let options = CollectOptions { now: reporter.given_now, ..CollectOptions::new(ssh, &args.tls) };
    let select = || named_server::checked_esxi(args, &checks, &options);
    check_systems(select, &checks, &options, &args.select, &reporter)
}
