//! `collect vcenter`: saves the answers of a vSphere server as a capture.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::CollectVcenterArgs;
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::collect_systems;
use crate::cli::login::SshDefaults;
use crate::cli::named_server;
use crate::cli::reporting::check_writable;

/// Collects from a vSphere server.
pub fn collect_vcenter(args: &CollectVcenterArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    check_writable(args.out.as_deref())?;
    let checks = CheckSet::load(assets)?;
    let ssh =
        SshDefaults::for_gateway(&args.through.host, &args.through.client, args.vsphere.timeout)?;
    let options = CollectOptions::new(ssh, &args.vsphere.tls);
    let target = args.target.as_deref();
    let selection = named_server::vcenter(target, &args.vsphere, &args.through, &checks, &options)?;
    collect_systems(selection, &checks, &options, args.out.as_deref())
}
