//! Turns the login options into the settings of SSH connections.
//!
//! Errors that can be found without contacting a host are found here.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::cli::args::{HostTimeout, SshArgs, SshClientArgs, ViaArgs};
use crate::cli::password::{self, PasswordStore};
use crate::regular_file;
use crate::site;
use crate::transport::ssh::{SecretProvider, SshConfig, SshHost};
use crate::uri::target::SshTarget;

/// The SSH settings of a run, which the site may override for each host.
pub struct SshDefaults {
    defaults: SshHost,
}

impl SshDefaults {
    /// Reads the options, the files they name, and a password that does not need a prompt.
    pub fn from_args(options: &SshArgs, host_timeout: &HostTimeout) -> anyhow::Result<Self> {
        let keyring =
            PasswordStore::from_options(options.password_file.as_deref(), options.password_fd)?;
        let timeout = Duration::from_secs(host_timeout.timeout);
        let mut defaults = ssh_host(&options.client, keyring, timeout)?;
        if let Some(user) = options.user.as_deref().filter(|user| !is_account(user)) {
            bail!("--user: {user:?} is not a user name");
        }
        defaults.user.clone_from(&options.user);
        defaults.fingerprint = options.host_key;
        // A file with the password for sudo implies --ask-sudo.
        if options.ask_sudo || options.sudo_password_file.is_some() {
            let file = options.sudo_password_file.as_deref();
            defaults.sudo = Some(Arc::new(PasswordStore::for_sudo(None, file)?));
        }
        Ok(Self { defaults })
    }

    /// Returns the settings of a run that contacts no host.
    pub fn without_login() -> anyhow::Result<Self> {
        let client = SshClientArgs { ssh_config: Some("none".into()), ..SshClientArgs::default() };
        Self::for_gateway(&ViaArgs::default(), &client, 1)
    }

    /// Returns the settings of a gateway. The password in the environment is for the system behind
    /// it, and is never sent to the gateway.
    pub fn for_gateway(
        host: &ViaArgs,
        client: &SshClientArgs,
        timeout: u64,
    ) -> anyhow::Result<Self> {
        let keyring = PasswordStore::from_file_only(host.via_password_file.as_deref())?;
        let defaults = ssh_host(client, keyring, Duration::from_secs(timeout))?;
        Ok(Self { defaults: SshHost { fingerprint: host.via_host_key, ..defaults } })
    }

    /// Returns the source of passwords.
    pub fn secrets(&self) -> Arc<dyn SecretProvider> {
        Arc::clone(&self.defaults.secrets)
    }

    /// Returns how long a host may take.
    pub fn timeout(&self) -> Duration {
        self.defaults.timeout
    }

    /// Returns the source of the sudo password of a host; none when sudo gets no password.
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

    /// Returns the SSH settings of a host. Those of the site override the options, which are for
    /// all hosts; keys of both are tried in turn.
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

    /// Returns the SSH settings of a host that never gets the password of other hosts.
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

/// Returns the settings that every login over SSH has. Every target replaces the host by its own.
fn ssh_host(
    client: &SshClientArgs,
    keyring: PasswordStore,
    timeout: Duration,
) -> anyhow::Result<SshHost> {
    for key in &client.identities {
        check_readable("--identity", key)?;
    }
    if let Some(path) = client.known_hosts.as_deref().filter(|path| {
        // With --accept-new the file may be created.
        !client.accept_new || path.symlink_metadata().is_ok()
    }) {
        check_readable("--known-hosts", path)?;
    }
    let config = match client.ssh_config.as_deref() {
        None => SshConfig::Default,
        Some(path) if path == Path::new("none") => SshConfig::None,
        Some(path) => {
            check_readable("--ssh-config", path)?;
            SshConfig::File(path.to_owned())
        }
    };
    let nobody = SshTarget { user: None, host: String::new(), port: None };
    Ok(SshHost {
        identities: client.identities.clone(),
        known_hosts: client.known_hosts.clone(),
        accept_new: client.accept_new,
        legacy: client.legacy_ssh,
        jump: client.jump.clone(),
        config,
        timeout,
        secrets: Arc::new(keyring),
        ..SshHost::new(nobody)
    })
}

/// Refuses a file that cannot be read, or that could block, such as a pipe.
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
