//! `check vcenter`: checks a vSphere server, and the machines and hosts that it knows.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::CheckVcenterArgs;
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::check_systems;
use crate::cli::login::SshDefaults;
use crate::cli::named_server;
use crate::cli::reporting::Reporter;

/// Checks a vSphere server.
pub fn check(args: &CheckVcenterArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let ssh =
        SshDefaults::for_gateway(&args.through.host, &args.through.client, args.vsphere.timeout)?;
    let options = CollectOptions {
        fix: Some(&args.fix),
        now: reporter.given_now,
        ..CollectOptions::new(ssh, &args.vsphere.tls)
    };
    let target = args.target.as_deref();
    let select =
        || named_server::checked_vcenter(target, &args.vsphere, &args.through, &checks, &options);
    check_systems(select, &checks, &options, &args.select, &reporter)
}
