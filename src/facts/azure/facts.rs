//! What the vault says of a target; rules know it as `azure`.
//!
//! Not for which target is which item or server of the vault (`site`).

use schemars::JsonSchema;
use serde::Serialize;

use super::machine::VaultMachineFacts;
use super::plan::VaultPlanFacts;
use super::registered::{
    VaultConfigurationServerFacts, VaultMasterTargetFacts, VaultProcessServerFacts,
};
use super::servers::ExpiryFacts;
use super::shown::Shown;
use super::vault::Vault;
use crate::facts::{Fact, Unavailable};

/// What the vault says of a target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AzureFacts {
    /// When the service was asked, by its own clock.
    pub asked_at: Fact<String>,
    /// The machine that fails back.
    pub machine: Fact<VaultMachineFacts>,
    /// The master target.
    pub master_target: Fact<VaultMasterTargetFacts>,
    /// The process server.
    pub process_server: Fact<VaultProcessServerFacts>,
    /// The configuration server.
    pub configuration_server: Fact<VaultConfigurationServerFacts>,
    /// Whether the host is discovered.
    pub host: Fact<Shown>,
    /// All machines of the site together.
    pub plan: Fact<VaultPlanFacts>,
    /// When the agent of the target is no longer supported.
    pub agent_expiry: Fact<ExpiryFacts>,
}

impl AzureFacts {
    /// Nothing is known of a target yet but when the vault was asked.
    pub fn of_nothing(vault: &Vault) -> Self {
        fn other<T>(what: &str) -> Fact<T> {
            Fact::unavailable(format!("this target is no {what}"))
        }
        let at = vault.asked_at.map(|at| at.to_string());
        Self {
            asked_at: at
                .ok_or_else(|| Unavailable::from("nothing says when the vault was asked"))
                .into(),
            machine: other("machine that fails back"),
            master_target: other("master target"),
            process_server: other("process server"),
            configuration_server: other("configuration server"),
            host: other("ESXi host"),
            plan: other("site"),
            agent_expiry: other("machine with an agent"),
        }
    }
}
