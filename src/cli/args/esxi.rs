//! The options of `check esxi` and `collect esxi`.
//!
//! Not for what they do (`named_server`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::select::SelectArgs;
use super::ssh::SshArgs;
use super::via::ViaArgs;
use super::vsphere::TlsArgs;
use super::{HostTimeout, ReportArgs};

#[derive(Debug, Args)]
pub struct CheckEsxiArgs {
    /// ssh://USER@HOST[:PORT] (its shell), vsphere://[USER@]HOST[:PORT] (its
    /// API, or its vCenter's), or capture:FILE; with --site the name of one of
    /// its hosts [default: all of them]
    #[arg(required_unless_present = "site")]
    pub target: Option<String>,

    #[command(flatten)]
    pub machines: MachineArgs,

    /// The host on which machines that are gone should appear
    #[arg(long, value_name = "NAME", conflicts_with = "site")]
    pub host: Option<String>,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub tls: TlsArgs,

    #[command(flatten)]
    pub via: ViaArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

/// The machines to check besides an ESXi host.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The site")]
pub struct MachineArgs {
    /// The site whose ESXi hosts are meant: how they are reached and the
    /// machines come from this file; see preflight init site
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
        conflicts_with_all = ["vm", "protected", "via"])]
    pub site: Option<PathBuf>,

    /// The name of the master target's virtual machine
    #[arg(long, value_name = "NAME")]
    pub vm: Option<String>,

    /// The name of a virtual machine that is to fail back; may be repeated
    #[arg(long = "protected-vm", value_name = "NAME")]
    pub protected: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CollectEsxiArgs {
    /// ssh://USER@HOST[:PORT], or local: (this machine); with --site the name of
    /// one of its hosts [default: all of them]
    #[arg(required_unless_present = "site")]
    pub target: Option<String>,

    /// Where to write the capture [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub machines: MachineArgs,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub via: ViaArgs,
}
