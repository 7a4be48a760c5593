//! The options that describe a site and select hosts.
//!
//! Not for reading them (`cli::site` and `cli::hosts`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::fix::FixArgs;
use super::select::SelectArgs;
use super::ssh::SshArgs;
use super::vsphere::TlsArgs;
use super::{HostTimeout, ReportArgs};

/// The site: a file, or the same from options.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "The site")]
pub struct SiteArgs {
    /// The site: servers, versions, answers, waivers; see preflight init site
    #[arg(long = "site", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,

    /// The configuration server's address [default: what the master target's
    /// agent is configured with]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "file")]
    pub cs: Option<String>,

    /// The version of the configuration server, such as 9.8.9.0
    #[arg(long, value_name = "VERSION", conflicts_with = "file", requires = "cs")]
    pub cs_version: Option<String>,

    /// A process server; may be repeated
    #[arg(long, value_name = "NAME=ADDRESS[:PORT][,VERSION]", conflicts_with = "file")]
    pub ps: Vec<String>,

    /// vCenter or an ESXi host's API, as vsphere://[USER@]HOST[:PORT]
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub vcenter: Option<String>,

    /// The account that the configuration server discovers with: the one
    /// whose privileges count, whoever logs in here
    #[arg(long, value_name = "ACCOUNT", conflicts_with = "file", requires = "vcenter")]
    pub discovery_account: Option<String>,

    /// The master target's name in vCenter
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    pub vm: Option<String>,

    /// The name of a virtual machine that is to fail back; may be repeated
    #[arg(long = "protected-vm", value_name = "NAME", conflicts_with = "file")]
    pub protected: Vec<String>,

    /// An ESXi host's shell, as ssh://root@HOST; may be repeated
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    pub esxi: Vec<String>,

    /// Where the retention volume is mounted [default: /mnt/retention]
    #[arg(long, value_name = "PATH", conflicts_with = "file")]
    pub retention: Option<String>,
}

/// Check everything of a site at once
///
/// Collects from vCenter over its API, and from ESXi hosts, master targets and
/// process servers over SSH, in parallel and with one session each, and
/// evaluates every check. What cannot be decided is unknown, with the reason; a
/// system that does not answer leaves only its own findings unknown.
///
/// Passwords: password_file in the site file; a variable named after the
/// system, PREFLIGHT_PASSWORD_NAME, such as PREFLIGHT_PASSWORD_VCENTER or
/// PREFLIGHT_PASSWORD_ESX1; or a prompt. --password-file and
/// PREFLIGHT_PASSWORD are for master targets and process servers alone.
#[derive(Debug, Args)]
pub struct CheckSiteArgs {
    #[command(flatten)]
    pub site_file: SiteFileArgs,

    /// Check what collect site saved in this directory, and contact nothing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub captures: Option<PathBuf>,

    #[command(flatten)]
    pub fix: FixArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

/// Save the answers of all systems of a site, one file for each
///
/// Collects as check site does; check site SITE --captures DIR gives the same
/// report from the files.
#[derive(Debug, Args)]
pub struct CollectSiteArgs {
    /// The directory for the captures, made when it is not there
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: PathBuf,

    #[command(flatten)]
    pub site_file: SiteFileArgs,
}

/// A site file, and how its systems are reached.
#[derive(Debug, Args)]
pub struct SiteFileArgs {
    /// The site: servers, machines, answers, waivers; see preflight init site
    #[arg(value_name = "SITE", value_hint = ValueHint::FilePath)]
    pub site: PathBuf,

    #[command(flatten)]
    pub access: SiteAccessArgs,
}

/// How the systems of a site are reached, and what is evaluated beside the program's own checks.
#[derive(Debug, Args)]
pub struct SiteAccessArgs {
    /// How many systems to collect from at once
    #[arg(long, help_heading = "Many hosts", value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub tls: TlsArgs,

    /// A directory with the site's own checks, evaluated with the others
    #[arg(long = "checks", help_heading = "What is evaluated", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,
}

/// Which hosts of an inventory are checked, and how many at once.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Many hosts")]
pub struct InventoryArgs {
    /// The hosts of an Ansible inventory, YAML or INI
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub inventory: Option<PathBuf>,

    /// Only the hosts of this group of the inventory; may be repeated
    #[arg(long = "group", value_name = "NAME", requires = "inventory")]
    pub groups: Vec<String>,

    /// How many hosts to collect from at once [default: all, at most four for
    /// each processor and 32]
    #[arg(long, value_name = "N",
        value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
}
