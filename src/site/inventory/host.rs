//! One host of an inventory, and its URI.

use std::path::PathBuf;

/// One host of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryHost {
    /// Its name in reports.
    pub name: String,
    /// Its host name or IP address.
    pub address: String,
    /// The port of its SSH server.
    pub port: Option<u16>,
    /// The account to log in with.
    pub user: Option<String>,
    /// The private key to log in with.
    pub identity: Option<PathBuf>,
    /// Whether it is this machine (`ansible_connection=local`).
    pub local: bool,
}

impl InventoryHost {
    /// Returns its URI in the form of targets on the command line.
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
