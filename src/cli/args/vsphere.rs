//! The options of `check vcenter`, `collect vcenter` and `trust`.
//!
//! Not for what they do (`commands`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ReportArgs;
use super::fix::FixArgs;
use super::select::SelectArgs;
use super::via::ViaLoginArgs;

#[derive(Debug, Args)]
pub struct CheckVcenterArgs {
    /// vsphere://[USER@]HOST[:PORT][/VM], or capture:FILE; with --site nothing,
    /// or the address of its server
    #[arg(required_unless_present = "site")]
    pub target: Option<String>,

    #[command(flatten)]
    pub vsphere: VsphereArgs,

    #[command(flatten)]
    pub through: ViaLoginArgs,

    #[command(flatten)]
    pub fix: FixArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

#[derive(Debug, Args)]
pub struct CollectVcenterArgs {
    /// vsphere://[USER@]HOST[:PORT][/VM]; with --site nothing, or the address
    /// of its server
    #[arg(required_unless_present = "site")]
    pub target: Option<String>,

    /// Where to write the capture [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub vsphere: VsphereArgs,

    #[command(flatten)]
    pub through: ViaLoginArgs,
}

/// What is collected, with which account, and which certificates are trusted.
#[derive(Debug, Args)]
#[command(next_help_heading = "The site")]
pub struct VsphereArgs {
    /// The site whose vCenter server is meant: its address, its login and the
    /// machines come from this file; see preflight init site
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, group = "gateway",
        conflicts_with_all = ["vm", "protected", "host", "reprotected_at", "discovery_account",
        "user", "password_file", "password_fd"])]
    pub site: Option<PathBuf>,

    /// The name of the master target's virtual machine
    #[arg(long, value_name = "NAME")]
    pub vm: Option<String>,

    /// The name of a virtual machine that is to fail back; may be repeated
    #[arg(long = "protected-vm", value_name = "NAME")]
    pub protected: Vec<String>,

    /// The host on which machines that are gone should appear
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,

    /// When the last reprotect began, such as 2026-11-20T03:00:00Z
    #[arg(long, value_name = "TIME")]
    pub reprotected_at: Option<jiff::Timestamp>,

    /// The account that the configuration server discovers with: the one
    /// whose privileges count, whoever logs in here
    #[arg(long, value_name = "ACCOUNT")]
    pub discovery_account: Option<String>,

    /// Who logs in [default: the USER of the target]
    #[arg(long, help_heading = "vSphere", value_name = "ACCOUNT")]
    pub user: Option<String>,

    /// A file with the password, readable for its owner alone [default:
    /// PREFLIGHT_PASSWORD, or a prompt]
    #[arg(long, help_heading = "vSphere", value_name = "FILE", value_hint = ValueHint::FilePath,
        conflicts_with = "password_fd")]
    pub password_file: Option<PathBuf>,

    /// An open file descriptor to read that password from
    #[arg(long, help_heading = "vSphere", value_name = "NUMBER")]
    pub password_fd: Option<u16>,

    #[command(flatten)]
    pub tls: TlsArgs,

    /// How long the server may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// The certificates to trust besides those of this system's authorities.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "vSphere")]
pub struct TlsArgs {
    /// The thumbprint of the server's certificate, SHA-256 or SHA-1; then
    /// nothing else counts
    #[arg(long, value_name = "HEX")]
    pub thumbprint: Option<String>,

    /// The file of thumbprints that were looked at before [default:
    /// ~/.config/preflight/thumbprints]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub thumbprints: Option<PathBuf>,

    /// A file of authorities to trust beside those of this system
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,

    /// Allow TLS 1.0 and 1.1, which is all that releases before 6 speak
    #[arg(long)]
    pub legacy_tls: bool,
}

#[derive(Debug, Args)]
pub struct TrustArgs {
    /// vsphere://HOST[:PORT]
    pub target: String,

    /// Keep the thumbprint without asking
    #[arg(long)]
    pub yes: bool,

    /// Keep it in place of another one that is kept for this server
    #[arg(long)]
    pub replace: bool,

    #[command(flatten)]
    pub tls: TlsArgs,

    /// How long the server may take
    #[arg(long, value_name = "SECONDS", default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,

    #[command(flatten)]
    pub through: ViaLoginArgs,
}
