//! The arguments of the verbs that ask hosts.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::fix::FixArgs;
use super::report::ReportArgs;
use super::select::SelectArgs;
use super::site::{InventoryArgs, SiteArgs};
use super::ssh::{HostTimeout, SshArgs};
use super::vsphere::TlsArgs;

#[derive(Debug, Args)]
pub struct CheckHostArgs {
    /// ssh://USER@HOST[:PORT], local: (this machine), capture:FILE|DIR,
    /// sos:ARCHIVE (a sosreport), or a name in --site [default: every master
    /// target of --site or --inventory]
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Use the newest capture of each host's own self-check (an appliance
    /// runs one at every boot) instead of collecting now
    #[arg(long)]
    pub newest_capture: bool,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub site: SiteArgs,

    #[command(flatten)]
    pub tls: TlsArgs,

    #[command(flatten)]
    pub many: InventoryArgs,

    /// A directory with the site's own checks, evaluated with the others
    #[arg(long = "checks", help_heading = "What is evaluated", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub fix: FixArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Args)]
pub struct CollectHostArgs {
    /// ssh://USER@HOST[:PORT], local: (this machine), or a name in --site
    pub target: String,

    /// Where to write the capture [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Use the newest capture of each host's own self-check (an appliance
    /// runs one at every boot) instead of collecting now
    #[arg(long)]
    pub newest_capture: bool,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub site: SiteArgs,

    /// A directory with the site's own checks, whose probes are run too
    #[arg(long = "checks", help_heading = "What is evaluated", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CollectScriptArgs {
    #[command(flatten)]
    pub site: SiteArgs,

    /// Print the PowerShell script for a Windows master target: its output is
    /// the capture: of --site
    #[arg(long, conflicts_with_all = ["own_checks"])]
    pub windows: bool,

    /// A directory with the site's own checks, whose probes are run too
    #[arg(long = "checks", help_heading = "What is evaluated", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,
}
