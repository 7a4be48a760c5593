//! A host behind SSH, with all options for connecting to it.
//!
//! Not for connecting.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::config::SshConfig;
use super::host_key::{Fingerprint, quote_if_needed};
use super::secret_provider::{NoSecrets, SecretProvider};
use crate::transport::TIMEOUT;
use crate::uri::target::SshTarget;

/// A host behind SSH, and how to connect to it.
#[derive(Clone, Debug)]
pub struct SshHost {
    /// The address.
    pub target: SshTarget,
    /// The account, where the target names none.
    pub user: Option<String>,
    /// Private keys, tried before the usual ones.
    pub identities: Vec<PathBuf>,
    /// The known_hosts file, in place of the configured ones.
    pub known_hosts: Option<PathBuf>,
    /// The pinned host key, in place of any known_hosts file.
    pub fingerprint: Option<Fingerprint>,
    /// Whether the key of an unknown host is accepted and written to the known_hosts file.
    pub accept_new: bool,
    /// Whether algorithms of the SHA-1 era are allowed: CentOS 6 has no others.
    pub legacy: bool,
    /// Hosts to go through, in this order, in place of the configured ones.
    pub jump: Vec<SshTarget>,
    /// The host through which this one is reached, with a login of its own, in place of jump hosts.
    pub via: Option<Box<SshHost>>,
    /// Which SSH configuration is read.
    pub config: SshConfig,
    /// The time limit of all of it.
    pub timeout: Duration,
    /// Provides passwords and passphrases.
    pub secrets: Arc<dyn SecretProvider>,
    /// Provides the password for sudo, where the account is not root's. Without it sudo is given
    /// none.
    pub sudo: Option<Arc<dyn SecretProvider>>,
    /// The verb of the command line, for hints that say how to run it again: `check host`.
    pub verb: &'static str,
}

impl SshHost {
    /// Creates a host with default options and without secrets.
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
            config: SshConfig::Default,
            timeout: TIMEOUT,
            secrets: Arc::new(NoSecrets),
            sudo: None,
            verb: "check host",
        }
    }

    /// Returns the command line that runs again for this host, with one more option.
    ///
    /// ```
    /// use preflight::transport::ssh::SshHost;
    /// let mut ssh = SshHost::new("root@mt1:2222".parse().unwrap());
    /// ssh.jump.push("ann@bastion".parse().unwrap());
    /// let expected = "preflight check host ssh://root@mt1:2222 --jump ann@bastion --legacy-ssh";
    /// assert_eq!(ssh.rerun_command("--legacy-ssh"), expected);
    /// ```
    pub fn rerun_command(&self, option: &str) -> String {
        let mut words = vec![format!("ssh://{}", self.label())];
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
        if let Some(via) = &self.via {
            add("--via", format!("ssh://{}", via.label()));
        }
        if !self.jump.is_empty() {
            let jumps: Vec<String> = self.jump.iter().map(ToString::to_string).collect();
            add("--jump", jumps.join(","));
        }
        self.identities.iter().for_each(|key| add("--identity", path(key)));
        if let Some(file) = &self.known_hosts {
            add("--known-hosts", path(file));
        }
        match &self.config {
            SshConfig::Default => {}
            SshConfig::File(file) => add("--ssh-config", path(file)),
            SshConfig::None => add("--ssh-config", "none".to_owned()),
        }
        let words: Vec<String> = words.iter().map(|word| quote_if_needed(word)).collect();
        let legacy = if self.legacy && option != "--legacy-ssh" { " --legacy-ssh" } else { "" };
        format!("preflight {} {}{legacy} {option}", self.verb, words.join(" "))
    }
}
