//! What a vSphere server is asked about: the machines, the host and the account that are judged.
//!
//! Not for how it is asked: that is `transport`.

use serde::{Deserialize, Serialize};

/// What a server was asked about; a capture keeps it, so that judging it later asks the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The account that the configuration server discovers with; the one that must have its
    /// privileges, whoever logs in here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_account: Option<String>,
    /// The name of the master target's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_target: Option<String>,
    /// The name of the host on which machines that are gone should appear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// When the last reprotect began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprotected_at: Option<jiff::Timestamp>,
    /// The names of machines that are to fail back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub protected: Vec<String>,
}

impl Question {
    /// Every machine it names.
    pub fn machines(&self) -> impl Iterator<Item = &str> {
        self.master_target.iter().chain(&self.protected).map(String::as_str)
    }
}
