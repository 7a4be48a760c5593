//! `collect esxi`: saves the answers of ESXi hosts' shells as captures.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::ExitStatus;
use crate::cli::args::{CollectEsxiArgs, TlsArgs};
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::collect_systems;
use crate::cli::login::SshDefaults;
use crate::cli::named_server;
use crate::cli::reporting::check_writable;

/// Collects from ESXi hosts over their shells.
pub fn collect_esxi(args: &CollectEsxiArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    check_writable(args.out.as_deref())?;
    let checks = CheckSet::load(assets)?;
    let tls = TlsArgs::default();
    let ssh = SshDefaults::from_args(&args.credentials, &args.host_timeout)?;
    let options = CollectOptions::new(ssh, &tls);
    let selection = named_server::collected_esxi(args, &checks, &options)?;
    collect_systems(selection, &checks, &options, args.out.as_deref())
}
