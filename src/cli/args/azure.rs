//! The options of `check azure` and `collect azure`.
//!
//! Not for what they do (`commands`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ReportArgs;
use super::select::SelectArgs;

/// Check a Recovery Services vault in Azure
#[derive(Debug, Args)]
pub struct CheckAzureArgs {
    /// azure://SUBSCRIPTION/GROUP/VAULT, the vault's resource id, a capture of
    /// collect azure, or a directory of bodies that az rest exported
    #[arg(value_name = "VAULT|FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub target: String,

    #[command(flatten)]
    pub azure: AzureArgs,

    #[command(flatten)]
    pub select: SelectArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

/// Save the answers of Azure about a vault
#[derive(Debug, Args)]
pub struct CollectAzureArgs {
    /// azure://SUBSCRIPTION/GROUP/VAULT, or the vault's resource id
    #[arg(value_name = "VAULT")]
    pub target: String,

    /// Where to write the capture [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub azure: AzureArgs,
}

/// Which cloud is asked, and with which token.
#[derive(Debug, Args)]
#[command(next_help_heading = "Azure")]
pub struct AzureArgs {
    /// AzureCloud, AzureUSGovernment or AzureChinaCloud [default: AzureCloud]
    #[arg(long, value_name = "NAME")]
    pub cloud: Option<String>,

    /// The Resource Manager of another cloud, https://HOST[:PORT]
    #[arg(long, value_name = "URL")]
    pub azure_endpoint: Option<String>,

    /// Its login, https://HOST[:PORT] [default: AZURE_AUTHORITY_HOST, or the
    /// cloud's]
    #[arg(long, value_name = "URL")]
    pub azure_login: Option<String>,

    /// The audience of its tokens [default: the Resource Manager's URL]
    #[arg(long, value_name = "URL")]
    pub azure_audience: Option<String>,

    /// A file with a token, readable for its owner alone
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub azure_token_file: Option<PathBuf>,

    /// A resource group of machines in Azure that the vault does not name; may
    /// be repeated
    #[arg(long = "azure-group", value_name = "NAME")]
    pub groups: Vec<String>,

    /// A file of authorities to trust for Azure, beside those of this
    /// system
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,

    /// How long all of it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}
