//! The options that say how to log in, as a way to ask hosts over SSH.
//!
//! What can be known to be wrong without contacting anybody is refused here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::cli::args::{HostTimeout, SshArgs};
use crate::cli::password::{self, PasswordStore};
use crate::regular_file;
use crate::site;
use crate::transport::ssh::{SecretProvider, SshConfig, SshHost};
use crate::transport::target::SshTarget;

/// How every host of a run is asked.
pub struct SshDefaults {
    defaults: SshHost,
}

impl SshDefaults {
    /// Reads the options, the files they name and the password that need not be asked for.
    pub fn from_args(options: &SshArgs, host_timeout: &HostTimeout) -> anyhow::Result<Self> {
        let keyring =
            PasswordStore::from_options(options.password_file.as_deref(), options.password_fd)?;
        Self::new(options, keyring, Duration::from_secs(host_timeout.timeout))
    }

    /// The same for a host that leads to what is asked. The password that lies in the environment
    /// is for that, and is not shown to a host on the way.
    pub fn for_gateway(options: &SshArgs, timeout: u64) -> anyhow::Result<Self> {
        let keyring = PasswordStore::from_file_only(options.password_file.as_deref())?;
        Self::new(options, keyring, Duration::from_secs(timeout))
    }

    fn new(options: &SshArgs, keyring: PasswordStore, timeout: Duration) -> anyhow::Result<Self> {
        for key in &options.identities {
            check_readable("--identity", key)?;
        }
        if let Some(path) = options.known_hosts.as_deref().filter(|path| {
            // A file that is to be begun need not be there.
            !options.accept_new || path.symlink_metadata().is_ok()
        }) {
            check_readable("--known-hosts", path)?;
        }
        if let Some(user) = options.user.as_deref().filter(|user| !is_account(user)) {
            bail!("--user: {user:?} is no user name");
        }
        let config = match options.ssh_config.as_deref() {
            None => SshConfig::Default,
            Some(path) if path == Path::new("none") => SshConfig::None,
            Some(path) => {
                check_readable("--ssh-config", path)?;
                SshConfig::File(path.to_owned())
            }
        };
        // Who names a file with the password for sudo means that it is to be given.
        let sudo: Option<Arc<dyn SecretProvider>> =
            match (&options.sudo_password_file, options.ask_sudo) {
                (None, false) => None,
                (file, _) => Some(Arc::new(PasswordStore::for_sudo(None, file.as_deref())?)),
            };
        // Every target replaces this host by its own.
        let nobody = SshTarget { user: None, host: String::new(), port: None };
        Ok(Self {
            defaults: SshHost {
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
                sudo,
                ..SshHost::new(nobody)
            },
        })
    }

    /// Where passwords come from.
    pub fn secrets(&self) -> Arc<dyn SecretProvider> {
        Arc::clone(&self.defaults.secrets)
    }

    /// How long a host may take.
    pub fn timeout(&self) -> Duration {
        self.defaults.timeout
    }

    /// Who knows what sudo wants on a host; none where it is given nothing.
    fn sudo(
        &self,
        name: &str,
        ssh_login: &site::SshLogin,
    ) -> anyhow::Result<Option<Arc<dyn SecretProvider>>> {
        let file = ssh_login.sudo_password_file.as_deref();
        let of_all = self.defaults.sudo.clone();
        if !ssh_login.ask_sudo && file.is_none() && of_all.is_none() {
            return Ok(None);
        }
        match of_all {
            Some(of_all) if file.is_none() && !password::has_sudo_variable(name) => {
                Ok(Some(of_all))
            }
            _ => Ok(Some(Arc::new(PasswordStore::for_sudo(Some(name), file)?))),
        }
    }

    /// A way to ask this host. What the site says of it stands before the options, which are for
    /// all hosts; only keys are tried one after the other.
    pub fn ssh(
        &self,
        name: &str,
        target: SshTarget,
        ssh_login: &site::SshLogin,
    ) -> anyhow::Result<SshHost> {
        let mut ssh = self.with_login(target, ssh_login)?;
        ssh.sudo = self.sudo(name, ssh_login)?;
        let own = std::env::var_os(password::password_variable(name)).is_some();
        if own || ssh_login.password_file.is_some() {
            ssh.secrets =
                Arc::new(PasswordStore::for_system(name, ssh_login.password_file.as_deref())?);
        }
        Ok(ssh)
    }

    /// A way to ask a host that is never given the password of others.
    pub fn ssh_with_own_password(
        &self,
        name: &str,
        target: SshTarget,
        ssh_login: &site::SshLogin,
    ) -> anyhow::Result<SshHost> {
        let secrets =
            Arc::new(PasswordStore::for_system(name, ssh_login.password_file.as_deref())?);
        Ok(SshHost { secrets, ..self.with_login(target, ssh_login)? })
    }

    fn with_login(&self, target: SshTarget, ssh_login: &site::SshLogin) -> anyhow::Result<SshHost> {
        let mut ssh = SshHost { target, ..self.defaults.clone() };
        ssh.user = ssh_login.user.clone().or(ssh.user);
        ssh.legacy |= ssh_login.legacy_ssh;
        if let Some(key) = &ssh_login.identity {
            ssh.identities.insert(0, key.clone());
        }
        if let Some(fingerprint) = &ssh_login.host_key {
            ssh.fingerprint = Some(fingerprint.parse().context("host_key")?);
        }
        if let Some(jumps) = &ssh_login.jump {
            let jumps = jumps.split(',').map(|jump| jump.trim().parse::<SshTarget>());
            ssh.jump = jumps.collect::<Result<_, _>>().context("jump")?;
        }
        Ok(ssh)
    }
}

/// Refuses a file that cannot be read, and one whose reading could wait for somebody.
fn check_readable(option: &str, path: &Path) -> anyhow::Result<()> {
    if path != Path::new("/dev/null") {
        regular_file::open(path)
            .with_context(|| format!("{option}: cannot read {}", path.display()))?;
    }
    Ok(())
}

fn is_account(user: &str) -> bool {
    !user.is_empty() && !user.starts_with('-') && !user.chars().any(char::is_control)
}
