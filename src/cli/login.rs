//! The options that say how to log in, as a way to ask hosts over SSH.
//!
//! What can be known to be wrong without contacting anybody is refused here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use super::args::{Asking, Credentials};
use super::password::{self, Keyring};
use crate::site;
use crate::transport::ssh::{Ssh, SshConfig};
use crate::transport::target::SshTarget;

/// How every host of a run is asked.
pub struct Login {
    like: Ssh,
}

impl Login {
    /// Reads the options, the files they name and the password that need not be asked for.
    pub fn of(options: &Credentials, asking: &Asking) -> anyhow::Result<Self> {
        let keyring = Keyring::of(options.password_file.as_deref(), options.password_fd)?;
        Self::with(options, keyring, Duration::from_secs(asking.timeout))
    }

    /// The same for a host that leads to what is asked. The password that lies in the environment
    /// is for that, and is not shown to a host on the way.
    pub fn for_others(options: &Credentials, timeout: Duration) -> anyhow::Result<Self> {
        let keyring = Keyring::in_file(options.password_file.as_deref())?;
        Self::with(options, keyring, timeout)
    }

    fn with(options: &Credentials, keyring: Keyring, timeout: Duration) -> anyhow::Result<Self> {
        for key in &options.identities {
            std::fs::File::open(key)
                .with_context(|| format!("--identity: cannot read {}", key.display()))?;
        }
        if let Some(path) = options.known_hosts.as_deref().filter(|_| !options.accept_new) {
            std::fs::File::open(path)
                .with_context(|| format!("--known-hosts: cannot read {}", path.display()))?;
        }
        if let Some(user) = options.user.as_deref().filter(|user| !is_account(user)) {
            bail!("--user: {user:?} is no user name");
        }
        let config = match options.ssh_config.as_deref() {
            None => SshConfig::Usual,
            Some(path) if path == Path::new("none") => SshConfig::None,
            Some(path) => {
                std::fs::File::open(path)
                    .with_context(|| format!("--ssh-config: cannot read {}", path.display()))?;
                SshConfig::File(path.to_owned())
            }
        };
        // Every target replaces this host by its own.
        let nobody = SshTarget { user: None, host: String::new(), port: None };
        Ok(Self {
            like: Ssh {
                user: options.user.clone(),
                identities: options.identities.clone(),
                known_hosts: options.known_hosts.clone(),
                fingerprint: options.host_key,
                accept_new: options.accept_new,
                legacy: options.legacy_ssh,
                jump: options.jump.clone(),
                config,
                timeout,
                secrets: Arc::new(keyring),
                ..Ssh::new(nobody)
            },
        })
    }

    /// How long a host may take.
    pub fn timeout(&self) -> Duration {
        self.like.timeout
    }

    /// A way to ask this host. What the site says of it stands before the options, which are for
    /// all hosts; only keys are tried one after the other.
    pub fn to(&self, name: &str, target: SshTarget, said: &site::Login) -> anyhow::Result<Ssh> {
        let mut ssh = self.like(target, said)?;
        let own = std::env::var_os(password::variable_of(name)).is_some();
        if own || said.password_file.is_some() {
            ssh.secrets = Arc::new(Keyring::alone(name, said.password_file.as_deref())?);
        }
        Ok(ssh)
    }

    /// A way to ask a host that is never given the password of others.
    pub fn alone(&self, name: &str, target: SshTarget, said: &site::Login) -> anyhow::Result<Ssh> {
        let secrets = Arc::new(Keyring::alone(name, said.password_file.as_deref())?);
        Ok(Ssh { secrets, ..self.like(target, said)? })
    }

    fn like(&self, target: SshTarget, said: &site::Login) -> anyhow::Result<Ssh> {
        let mut ssh = Ssh { target, ..self.like.clone() };
        ssh.user = said.user.clone().or(ssh.user);
        ssh.legacy |= said.legacy_ssh;
        if let Some(key) = &said.identity {
            ssh.identities.insert(0, key.clone());
        }
        if let Some(fingerprint) = &said.host_key {
            ssh.fingerprint = Some(fingerprint.parse().context("host_key")?);
        }
        if let Some(way) = &said.jump {
            let jumps = way.split(',').map(|jump| jump.trim().parse::<SshTarget>());
            ssh.jump = jumps.collect::<Result<_, _>>().context("jump")?;
        }
        Ok(ssh)
    }
}

fn is_account(user: &str) -> bool {
    !user.is_empty() && !user.starts_with('-') && !user.chars().any(char::is_control)
}
