//! One host that an inventory names, and the way to it.

use std::path::PathBuf;

/// One host of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryHost {
    /// Its name, as reports have it.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// The port of its SSH server.
    pub port: Option<u16>,
    /// The account to log in with.
    pub user: Option<String>,
    /// The private key to log in with.
    pub identity: Option<PathBuf>,
    /// Whether it is this machine.
    pub local: bool,
}

impl InventoryHost {
    /// The way to it, as a target is written.
    pub fn uri(&self) -> String {
        if self.local {
            return "local:".to_owned();
        }
        let user = self.user.as_ref().map_or_else(String::new, |user| format!("{user}@"));
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        if self.address.contains(':') {
            format!("ssh://{user}[{}]{port}", self.address)
        } else {
            format!("ssh://{user}{}{port}", self.address)
        }
    }
}
