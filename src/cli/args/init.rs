//! The options of `init site`.
//!
//! Not for what it writes (`commands::init_site`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::azure::AzureArgs;
use super::select::ScenarioArg;

#[derive(Debug, Args)]
pub struct InitSiteArgs {
    /// What fails back
    #[arg(long, value_enum, default_value_t = ScenarioArg::Vmware)]
    pub scenario: ScenarioArg,

    /// Fill it in with what Azure knows of this vault: azure://SUBSCRIPTION/GROUP/VAULT,
    /// its resource id, a capture of collect azure, or a directory of exports
    #[arg(long = "azure", value_name = "VAULT|FILE|DIR", value_hint = ValueHint::AnyPath,
        conflicts_with = "scenario")]
    pub vault: Option<String>,

    /// Match the names with those of this vCenter server: vsphere://USER@HOST,
    /// or capture:FILE
    #[arg(long, value_name = "URL", requires = "vault")]
    pub vcenter: Option<String>,

    /// A file with the password for vCenter [default: PREFLIGHT_PASSWORD, or a
    /// prompt]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "vcenter")]
    pub password_file: Option<PathBuf>,

    /// The thumbprint of vCenter's certificate
    #[arg(long, value_name = "HEX", requires = "vcenter")]
    pub thumbprint: Option<String>,

    /// Where to write it; a file that is there is not changed, and with --azure
    /// what differs is shown [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    /// Replace an existing file
    #[arg(long, requires = "out")]
    pub overwrite: bool,

    #[command(flatten)]
    pub azure: AzureArgs,
}
