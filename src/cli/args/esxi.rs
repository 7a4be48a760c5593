//! The options that ESXi hosts are asked with, by their shell or over the API.
//!
//! Not for what the verbs do: `esxi`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::ssh::SshArgs;
use super::via::ViaArgs;
use super::vsphere::{TlsArgs, VsphereArgs};
use super::{HostTimeout, ReportArgs};

#[derive(Debug, Args)]
pub struct CheckEsxiArgs {
    /// ssh://USER@HOST[:PORT] (its shell), vsphere://[USER@]HOST[:PORT] (its
    /// API, or its vCenter's), or capture:FILE
    pub target: String,

    #[command(flatten)]
    pub machines: MachineArgs,

    /// The host on which machines that are gone should appear
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,

    #[command(flatten)]
    pub asking: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub trusting: TlsArgs,

    #[command(flatten)]
    pub via: ViaArgs,

    #[command(flatten)]
    pub report: ReportArgs,
}

/// The machines that are judged beside an ESXi host.
#[derive(Debug, Default, Args)]
pub struct MachineArgs {
    /// The name of the master target's virtual machine
    #[arg(long, value_name = "NAME")]
    pub vm: Option<String>,

    /// The name of a virtual machine that is to fail back; may be repeated
    #[arg(long = "protected-vm", value_name = "NAME")]
    pub protected: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CollectEsxiArgs {
    /// ssh://USER@HOST[:PORT], or local: (this machine)
    pub target: String,

    #[command(flatten)]
    pub machines: MachineArgs,

    /// Where to write the capture [default: standard output]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out: Option<PathBuf>,

    #[command(flatten)]
    pub asking: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub via: ViaArgs,
}

impl CheckEsxiArgs {
    /// The same options for the API.
    pub fn over_api(&self) -> VsphereArgs {
        let SshArgs { user, password_file, password_fd, .. } = &self.credentials;
        let TlsArgs { thumbprint, thumbprints, ca_file, legacy_tls } = &self.trusting;
        VsphereArgs {
            vm: self.machines.vm.clone(),
            protected: self.machines.protected.clone(),
            host: self.host.clone(),
            reprotected_at: None,
            discovery_account: None,
            user: user.clone(),
            password_file: password_file.clone(),
            password_fd: *password_fd,
            trusting: TlsArgs {
                thumbprint: thumbprint.clone(),
                thumbprints: thumbprints.clone(),
                ca_file: ca_file.clone(),
                legacy_tls: *legacy_tls,
            },
            timeout: self.asking.timeout,
        }
    }
}
