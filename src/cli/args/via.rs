//! The options for reaching vSphere servers through another host.
//!
//! Not for connecting (`cli::via` and `transport`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ssh::SshArgs;
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

/// The gateway to a server, and how to log in to it.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Through SSH")]
pub struct ViaLoginArgs {
    #[command(flatten)]
    pub host: ViaArgs,

    /// A private key to log in to that host with; may be repeated
    #[arg(long = "identity", value_name = "KEY", value_hint = ValueHint::FilePath,
        requires = "gateway")]
    pub identities: Vec<PathBuf>,

    /// The file of known host keys [default: what ssh would use]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "gateway")]
    pub known_hosts: Option<PathBuf>,

    /// Take the key of a host that is not known yet, and write it down
    #[arg(long, requires = "gateway", conflicts_with = "via_host_key")]
    pub accept_new: bool,

    /// Allow algorithms of the SHA-1 era, which CentOS 6 needs
    #[arg(long, requires = "gateway")]
    pub legacy_ssh: bool,

    /// Go to that host through these; may be repeated
    #[arg(long, value_name = "[USER@]HOST[:PORT]", value_delimiter = ',', requires = "gateway")]
    pub jump: Vec<SshTarget>,

    /// The SSH configuration to read, or none
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "gateway")]
    pub ssh_config: Option<PathBuf>,
}

impl ViaLoginArgs {
    /// Returns the options for logging in to the gateway.
    pub fn credentials(&self) -> SshArgs {
        SshArgs {
            user: None,
            identities: self.identities.clone(),
            password_file: self.host.via_password_file.clone(),
            password_fd: None,
            known_hosts: self.known_hosts.clone(),
            accept_new: self.accept_new,
            host_key: self.host.via_host_key,
            legacy_ssh: self.legacy_ssh,
            jump: self.jump.clone(),
            ssh_config: self.ssh_config.clone(),
            ask_sudo: false,
            sudo_password_file: None,
        }
    }
}

impl ViaArgs {
    /// Returns the options for logging in to the gateway of hosts that are reached over SSH, too:
    /// with the same keys, and never with their password.
    pub fn credentials(&self, others: &SshArgs) -> SshArgs {
        SshArgs {
            user: None,
            identities: others.identities.clone(),
            password_file: self.via_password_file.clone(),
            password_fd: None,
            known_hosts: others.known_hosts.clone(),
            accept_new: others.accept_new,
            host_key: self.via_host_key,
            legacy_ssh: others.legacy_ssh,
            jump: others.jump.clone(),
            ssh_config: others.ssh_config.clone(),
            ask_sudo: false,
            sudo_password_file: None,
        }
    }
}
