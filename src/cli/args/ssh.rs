//! The options for logging in to hosts over SSH. No option takes a password itself, because
//! everybody who can list processes can read command lines.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::transport::ssh::Fingerprint;
use crate::uri::target::SshTarget;

/// How to log in to hosts over SSH.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "SSH")]
pub struct SshArgs {
    /// The account, where a target names none
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    #[command(flatten)]
    pub client: SshClientArgs,

    /// The host key that is demanded, such as SHA256:...; for one target
    #[arg(long, value_name = "FINGERPRINT", conflicts_with = "accept_new")]
    pub host_key: Option<Fingerprint>,

    /// A file with the password, or with the key's passphrase, that nobody
    /// else can read [default: PREFLIGHT_PASSWORD, or a prompt]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath,
        conflicts_with = "password_fd")]
    pub password_file: Option<PathBuf>,

    /// An open file descriptor to read the password from
    #[arg(long, value_name = "NUMBER")]
    pub password_fd: Option<u16>,

    /// Give sudo a password, when the account is not root: from
    /// --sudo-password-file, PREFLIGHT_SUDO_PASSWORD or a prompt
    #[arg(long)]
    pub ask_sudo: bool,

    /// A file with the password for sudo, readable only by its owner
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub sudo_password_file: Option<PathBuf>,
}

/// What every login over SSH takes, to a host or to the gateway of a server.
#[derive(Debug, Default, Args)]
pub struct SshClientArgs {
    /// A private key to log in with; may be repeated
    #[arg(long = "identity", value_name = "KEY", value_hint = ValueHint::FilePath)]
    pub identities: Vec<PathBuf>,

    /// The file of known host keys [default: what ssh would use]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub known_hosts: Option<PathBuf>,

    /// Take the key of a host that is not known yet, and write it down
    #[arg(long)]
    pub accept_new: bool,

    /// Allow algorithms of the SHA-1 era, which CentOS 6 needs
    #[arg(long)]
    pub legacy_ssh: bool,

    /// Go through these hosts; may be repeated
    #[arg(long, value_name = "[USER@]HOST[:PORT]", value_delimiter = ',')]
    pub jump: Vec<SshTarget>,

    /// The SSH configuration to read, or none
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub ssh_config: Option<PathBuf>,
}

/// How long hosts may take.
#[derive(Debug, Args)]
#[command(next_help_heading = "SSH")]
pub struct HostTimeout {
    /// How long one host may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}
