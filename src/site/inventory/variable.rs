//! The variables of an inventory that describe how to reach a host.
//!
//! Not for where they may appear (`ini` and `yaml`).

use super::host::InventoryHost;
use crate::secret::redact_password;
use crate::site::value::{Address, SiteValueError};

/// The connection variables of a host or a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostVariables {
    address: Option<String>,
    port: Option<u16>,
    user: Option<String>,
    identity: Option<String>,
    local: Option<bool>,
}

/// A fault in a variable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariableFault {
    /// It would change how the host is reached, and is not understood.
    #[error("{0} is not understood")]
    NotUnderstood(String),
    /// A password.
    #[error("passwords are not taken from an inventory, and this is {0}")]
    Password(String),
    /// A template or a vault, which only Ansible can read.
    #[error("{0} is a template or a vault, which only Ansible can read")]
    Template(String),
    /// Not a port.
    #[error("{:?} is not a port", redact_password(.0))]
    Port(String),
    /// Not an account.
    #[error("{:?} is not an account", redact_password(.0))]
    User(String),
    /// Not an address.
    #[error(transparent)]
    Address(#[from] SiteValueError),
}

impl VariableFault {
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NotUnderstood(_) => {
                Some("take it out, or name the host in a site file".to_owned())
            }
            Self::Password(_) => Some("give --password-file FILE".to_owned()),
            _ => None,
        }
    }
}

impl HostVariables {
    /// Sets a variable; those that do not concern the connection are ignored.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Result<(), VariableFault> {
        let Some(name) = key.strip_prefix("ansible_") else { return Ok(()) };
        if name.ends_with("pass") || name.ends_with("password") {
            return Err(VariableFault::Password(key.to_owned()));
        }
        // How Ansible runs its modules does not concern the connection.
        let of_modules = ["become", "python", "shell_", "remote_tmp", "facts_", "winrm_", "async"];
        if of_modules.iter().any(|start| name.starts_with(start))
            || matches!(name, "ssh_pipelining" | "pipelining" | "ssh_retries")
            || name.ends_with("_interpreter")
        {
            return Ok(());
        }
        if value.contains("{{") {
            return Err(VariableFault::Template(key.to_owned()));
        }
        match name {
            "host" | "ssh_host" => self.address = Some(value.parse::<Address>()?.to_string()),
            "port" | "ssh_port" => {
                let port = value.parse().ok().filter(|&port: &u16| port > 0);
                self.port = Some(port.ok_or_else(|| VariableFault::Port(value.to_owned()))?);
            }
            "user" | "ssh_user" => {
                let fits = |c: char| c.is_ascii_graphic() && !"@:/[]".contains(c);
                if value.is_empty() || !value.chars().all(fits) {
                    return Err(VariableFault::User(value.to_owned()));
                }
                self.user = Some(value.to_owned());
            }
            "ssh_private_key_file" | "private_key_file" => self.identity = Some(value.to_owned()),
            "connection" => match value {
                "local" => self.local = Some(true),
                "ssh" | "smart" | "paramiko" | "ansible.builtin.ssh" => self.local = Some(false),
                other => return Err(VariableFault::NotUnderstood(format!("{key}={other}"))),
            },
            _ => return Err(VariableFault::NotUnderstood(key.to_owned())),
        }
        Ok(())
    }

    /// Returns these variables with those of `other` in their place where they are set.
    pub(super) fn overridden_by(self, other: &Self) -> Self {
        let other = other.clone();
        Self {
            address: other.address.or(self.address),
            port: other.port.or(self.port),
            user: other.user.or(self.user),
            identity: other.identity.or(self.identity),
            local: other.local.or(self.local),
        }
    }

    /// Returns the host of this name.
    pub(super) fn host(self, name: &str) -> InventoryHost {
        InventoryHost {
            name: name.to_owned(),
            address: self.address.unwrap_or_else(|| name.to_owned()),
            port: self.port,
            user: self.user,
            identity: self.identity.map(expand_home),
            local: self.local.unwrap_or(false),
        }
    }
}

/// Expands `~/` at the start of a path, as Ansible does.
fn expand_home(path: String) -> std::path::PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => path.into(),
    }
}
