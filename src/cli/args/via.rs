//! The options for reaching vSphere servers through another host.
//!
//! Not for connecting (`cli::via` and `transport`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ssh::SshClientArgs;
use crate::transport::ssh::Fingerprint;
use crate::uri::target::SshTarget;

/// The gateway to a server.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Through SSH")]
pub struct ViaArgs {
    /// Reach the server through this host, as ssh://[USER@]HOST[:PORT]; the
    /// server's certificate is checked from here
    #[arg(long, value_name = "TARGET", group = "gateway")]
    pub via: Option<SshTarget>,

    /// A file with that host's password, or its key's passphrase, that
    /// nobody else can read [default: a prompt]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "via")]
    pub via_password_file: Option<PathBuf>,

    /// That host's key, such as SHA256:..., in place of any file of them
    #[arg(long, value_name = "FINGERPRINT", requires = "via")]
    pub via_host_key: Option<Fingerprint>,
}

/// The gateway to a server, and how to log in to it. Nothing of the login counts without a gateway.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Through SSH")]
#[command(
    mut_arg("identities", |arg| {
        arg.requires("gateway").help("A private key to log in to that host with; may be repeated")
    }),
    mut_arg("known_hosts", |arg| arg.requires("gateway")),
    mut_arg("accept_new", |arg| arg.requires("gateway").conflicts_with("via_host_key")),
    mut_arg("legacy_ssh", |arg| arg.requires("gateway")),
    mut_arg("jump", |arg| {
        arg.requires("gateway").help("Go to that host through these; may be repeated")
    }),
    mut_arg("ssh_config", |arg| arg.requires("gateway")),
)]
pub struct ViaLoginArgs {
    #[command(flatten)]
    pub host: ViaArgs,

    #[command(flatten)]
    pub client: SshClientArgs,
}
