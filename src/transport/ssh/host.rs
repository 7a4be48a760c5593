//! A host that is asked over SSH: everything that is said about it before it is connected to.
//!
//! Not for connecting.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::config::SshConfig;
use super::host_key::Fingerprint;
use super::login::{NoSecrets, Secrets};
use crate::transport::TIMEOUT;
use crate::transport::target::SshTarget;

/// A host that is asked over SSH.
#[derive(Clone, Debug)]
pub struct Ssh {
    /// The host.
    pub target: SshTarget,
    /// The account, where the target names none.
    pub user: Option<String>,
    /// Private keys, tried before the usual ones.
    pub identities: Vec<PathBuf>,
    /// The file of known host keys, in place of the configured ones.
    pub known_hosts: Option<PathBuf>,
    /// The host key that is demanded, in place of any file of known ones.
    pub fingerprint: Option<Fingerprint>,
    /// Whether the key of a host that is not known is taken and written down.
    pub accept_new: bool,
    /// Whether algorithms of the SHA-1 era may be used: CentOS 6 has no others.
    pub legacy: bool,
    /// Hosts to go through, in this order, in place of the configured ones.
    pub jump: Vec<SshTarget>,
    /// The host through which this one is reached, with a login of its own, in place of jump hosts.
    pub via: Option<Box<Ssh>>,
    /// Which SSH configuration is read.
    pub config: SshConfig,
    /// How long it may take altogether.
    pub timeout: Duration,
    /// Who is asked for passwords and passphrases.
    pub secrets: Arc<dyn Secrets>,
}

impl Ssh {
    /// A host with nothing but defaults, and nobody to ask for a password.
    pub fn new(target: SshTarget) -> Self {
        Self {
            target,
            user: None,
            identities: Vec::new(),
            known_hosts: None,
            fingerprint: None,
            accept_new: false,
            legacy: false,
            jump: Vec::new(),
            via: None,
            config: SshConfig::Usual,
            timeout: TIMEOUT,
            secrets: Arc::new(NoSecrets),
        }
    }
}
