//! The stage of a machine from its item in the vault: one body of `replicationProtectedItems`, as the service prints it.
//!
//! Pure: it reads values and asks nothing. The names of states depend on provider and direction, so the provider comes first, and a
//! combination that no recorded reply shows is told word for word instead of guessed. Source: replies of the service recorded in
//! Azure/azure-powershell (AsrV2ATests, AsrB2ATests, AsrE2ATests) and Azure/azure-cli-extensions (V2A_RCMInMage); what is inferred from
//! them says so.

use serde_json::Value;

use super::{EvidenceSource, Stage, StageReading};
use crate::facts::azure::read::{list, member, text};
use crate::facts::azure::words::{is_known, known_word};

/// The product that an item belongs to, and the direction in which it replicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemProvider {
    /// VMware and physical machines, classic: towards Azure.
    VmwareForward,
    /// VMware and physical machines, classic: from Azure home.
    VmwareBack,
    /// VMware and physical machines with a replication appliance: towards Azure.
    ModernisedForward,
    /// VMware and physical machines with a replication appliance: from Azure home.
    ModernisedBack,
    /// Hyper-V machines, in both directions.
    Hyperv,
    /// Another product: Azure to Azure.
    AzureToAzure,
}

impl ItemProvider {
    /// Returns the provider by `instanceType`; none for a name that is not known.
    pub fn named(instance_type: &str) -> Option<Self> {
        match known_word(instance_type) {
            "InMageAzureV2" => Some(Self::VmwareForward),
            "InMage" => Some(Self::VmwareBack),
            "InMageRcm" => Some(Self::ModernisedForward),
            "InMageRcmFailback" => Some(Self::ModernisedBack),
            "HyperVReplicaAzure" => Some(Self::Hyperv),
            "A2A" => Some(Self::AzureToAzure),
            _ => None,
        }
    }

    /// Whether its machines need a replication appliance, and neither configuration server nor master target.
    pub fn is_modernised(self) -> bool {
        matches!(self, Self::ModernisedForward | Self::ModernisedBack)
    }

    /// Whether it is a VMware one that replicates from Azure home.
    pub fn is_back(self) -> bool {
        matches!(self, Self::VmwareBack | Self::ModernisedBack)
    }

    /// Whether it is a VMware one that replicates towards Azure.
    pub fn is_forward(self) -> bool {
        matches!(self, Self::VmwareForward | Self::ModernisedForward)
    }
}

/// Returns what an item's provider is.
///
/// # Errors
///
/// Fails with a sentence when the item names none, or one that is not known.
pub fn provider(item: &Value) -> Result<ItemProvider, String> {
    let name = text(item, "properties.providerSpecificDetails.instanceType");
    let name = name.ok_or("the item names no instanceType")?;
    ItemProvider::named(name)
        .ok_or_else(|| format!("the item's instanceType {name:?} is not known"))
}

/// Reads the stage of a machine from its item.
///
/// # Errors
///
/// Fails with the values word for word when no known combination fits, and for the providers of another product.
pub fn read(item: &Value) -> Result<StageReading, String> {
    let provider = provider(item)?;
    let properties = member(item, "properties").unwrap_or(&Value::Null);
    let details = member(properties, "providerSpecificDetails").unwrap_or(&Value::Null);
    let values = ItemValues::new(properties, details);
    if provider == ItemProvider::AzureToAzure {
        return Err(format!(
            "it is replicated from Azure to Azure, which does not fail back home: {}",
            values.words()
        ));
    }
    if values.state == "UnprotectedStatesBegin" {
        return Err(format!("it is not protected: {}", values.words()));
    }
    let fits = match provider {
        _ if values.contradicts_direction(provider) => None,
        ItemProvider::VmwareForward | ItemProvider::ModernisedForward => values.forward_stage(),
        ItemProvider::VmwareBack | ItemProvider::ModernisedBack => values.back_stage(details),
        ItemProvider::Hyperv | ItemProvider::AzureToAzure => values.hyperv_stage(),
    };
    let fits =
        fits.ok_or_else(|| format!("its values are not known together: {}", values.words()))?;
    Ok(StageReading {
        source: EvidenceSource::Azure,
        decides: provider != ItemProvider::Hyperv || values.is_recorded_hyperv(),
        fits,
        says: format!("its item says {}", values.words()),
    })
}

/// Whether a state says that a failover failed, after which an item replicates as it did before.
pub fn is_failed_failover(state: &str) -> bool {
    matches!(state, "UnplannedFailoverFailed" | "PlannedFailoverFailed")
}

/// The values of an item that tell its stage.
struct ItemValues<'a> {
    instance_type: &'a str,
    state: &'a str,
    description: &'a str,
    active_location: &'a str,
    active_site: &'a str,
    recovery_fabric: &'a str,
    scenario: &'a str,
    operations: Vec<&'a str>,
    copied: Option<String>,
}

impl<'a> ItemValues<'a> {
    fn new(properties: &'a Value, details: &'a Value) -> Self {
        let word = |value: &'a Value, path: &str| known_word(text(value, path).unwrap_or_default());
        let operations = list(properties, "allowedOperations").iter().filter_map(Value::as_str);
        Self {
            instance_type: word(details, "instanceType"),
            state: word(properties, "protectionState"),
            description: word(properties, "protectionStateDescription"),
            active_location: word(properties, "activeLocation"),
            active_site: word(details, "activeSiteType"),
            recovery_fabric: word(properties, "recoveryFabricId"),
            scenario: word(properties, "currentScenario.scenarioName"),
            operations: operations.map(known_word).collect(),
            copied: copied_percentage(details),
        }
    }

    fn offers(&self, operation: &str) -> bool {
        self.operations.contains(&operation)
    }

    fn offers_failover(&self) -> bool {
        self.offers("UnplannedFailover")
            || self.offers("PlannedFailover")
            || self.offers("Failback")
    }

    /// The name of what runs on the item; the service writes `None` or nothing when nothing does.
    fn running(&self) -> Option<&'a str> {
        (!matches!(self.scenario, "" | "None")).then_some(self.scenario)
    }

    /// Whether the item's destination is not what its provider says.
    fn contradicts_direction(&self, provider: ItemProvider) -> bool {
        let is_azure = self.recovery_fabric.eq_ignore_ascii_case("Microsoft Azure");
        let is_fabric = self.recovery_fabric.starts_with('/');
        (provider.is_back() && is_azure) || (provider.is_forward() && is_fabric)
    }

    /// Whether the state names something that went wrong: what is offered then says nothing of a stage.
    fn is_failed(&self) -> bool {
        let state = self.state.to_ascii_lowercase();
        state.contains("failed") || state.contains("disabl")
    }

    fn is_committed(&self) -> bool {
        self.state == "UnplannedFailoverCommitted"
    }

    fn is_commit_pending(&self) -> bool {
        matches!(
            self.state,
            "UnplannedFailoverCommitPendingStatesBegin"
                | "PlannedFailoverCommitPendingStatesBegin"
                | "CommitPendingStatesBegin"
        )
    }

    /// Whether a state that is not known stands beside a failover that is offered, which is offered of what is protected alone.
    fn is_protected_by_operations(&self) -> bool {
        let is_known = is_known(self.state) || self.state.is_empty() || self.is_before_protected();
        !is_known && !self.is_failed() && self.offers_failover() && !self.offers("Commit")
    }

    /// Whether it replicates, and nothing of it waits to be committed.
    fn is_protected(&self) -> bool {
        // A failover that failed and is offered again has changed nothing: seen with an item that had not left (2026).
        let stays = is_failed_failover(self.state) && self.offers_failover();
        ((self.state == "Protected" || stays) && !self.offers("Commit"))
            || self.is_protected_by_operations()
    }

    /// Whether the state is of the time before Protected: such states are known by their beginnings.
    fn is_before_protected(&self) -> bool {
        let begins = ["initialreplication", "resync"];
        let state = self.state.to_ascii_lowercase();
        begins.iter().any(|begin| state.starts_with(begin))
    }

    /// Whether a first copy runs.
    fn is_copying(&self) -> bool {
        let first = self.is_before_protected();
        !self.is_failed()
            && !self.offers_failover()
            && (first || (self.state != "Protected" && self.running() == Some("EnableDr")))
    }

    /// An item towards Azure.
    fn forward_stage(&self) -> Option<Vec<Stage>> {
        match self.running() {
            Some("SwitchReplicationGroupProtection" | "SwitchProtection" | "Reprotect") => {
                return Some(vec![Stage::Reprotect]);
            }
            // The failover to Azure and its commit: the machine is on its way out.
            Some("UnplannedFailover" | "PlannedFailover" | "CommitFailover" | "Commit") => {
                return Some(vec![Stage::Prepare]);
            }
            Some(other) if !leaves_the_stage(other) => return None,
            Some(_) | None => {}
        }
        match self.active_location {
            "Primary" if self.is_protected() => Some(vec![Stage::Home]),
            // The first copy towards Azure: after the way home, or of a machine that never left.
            "Primary" if self.is_copying() => Some(vec![Stage::ReprotectForward, Stage::Home]),
            "Recovery" if self.is_committed() || self.is_commit_pending() => {
                Some(vec![Stage::Prepare])
            }
            "Recovery"
                if !self.is_failed()
                    && (self.offers("Commit") || self.offers("SwitchProtection")) =>
            {
                Some(vec![Stage::Prepare])
            }
            _ => None,
        }
    }

    /// An item from Azure home. What is active is Azure in its primary location, and the site in the other.
    fn back_stage(&self, details: &Value) -> Option<Vec<Stage>> {
        let is_in_azure = match (self.active_site, self.active_location) {
            ("Azure" | "", "Primary") => true,
            ("OnPrem" | "", "Recovery") => false,
            _ if self.running().is_some() => self.active_site != "OnPrem",
            _ => return None,
        };
        match self.running() {
            Some("UnplannedFailover" | "PlannedFailover") => return Some(vec![Stage::Failback]),
            Some("CommitFailover" | "Commit" | "FinalizeFailback") => {
                return Some(vec![Stage::Verify]);
            }
            Some("SwitchReplicationGroupProtection" | "SwitchProtection" | "Reprotect") => {
                return Some(vec![if is_in_azure {
                    Stage::Reprotect
                } else {
                    Stage::ReprotectForward
                }]);
            }
            Some(other) if !leaves_the_stage(other) => return None,
            Some(_) | None => {}
        }
        let stage = if is_in_azure { self.copying_home(details) } else { self.returned() };
        stage.map(|stage| vec![stage])
    }

    /// A machine that runs in Azure, on an item that replicates home.
    fn copying_home(&self, details: &Value) -> Option<Stage> {
        // Inferred: the names of the first copy's states were not recorded for the classic one; that no failover is offered was.
        let is_copying = self.is_copying()
            || (!self.is_failed() && !self.offers_failover() && is_resynchronising(details));
        (self.is_protected() || is_copying).then_some(Stage::Replicating)
    }

    /// A machine that has returned, on an item that replicated home.
    fn returned(&self) -> Option<Stage> {
        if self.is_committed() {
            return Some(Stage::After);
        }
        // Inferred: what is offered is the same in the other direction, whose names were recorded.
        let offers = |operation| !self.is_failed() && self.offers(operation);
        if self.is_commit_pending() || offers("Commit") {
            return Some(Stage::Verify);
        }
        offers("SwitchProtection").then_some(Stage::After)
    }

    /// A Hyper-V item; most values of the way home were not recorded.
    fn hyperv_stage(&self) -> Option<Vec<Stage>> {
        match (self.running(), self.active_location) {
            (Some("PlannedFailover"), "Recovery") => {
                return Some(vec![Stage::Sync, Stage::Complete]);
            }
            (
                Some("PlannedFailover" | "UnplannedFailover" | "CommitFailover" | "Commit"),
                "Primary",
            ) => {
                return Some(vec![Stage::Prepare]);
            }
            (Some("PlannedFailover"), _) => return Some(vec![Stage::Sync, Stage::Complete]),
            (Some("ReverseReplicate"), _) => return Some(vec![Stage::Reverse]),
            (Some(other), _) if !leaves_the_stage(other) => return None,
            _ => {}
        }
        match self.active_location {
            _ if self.is_failed() => None,
            "Primary" if self.is_protected() => Some(vec![Stage::Home]),
            "Primary" if self.offers("ReverseReplicate") => Some(vec![Stage::After]),
            "Recovery" if self.offers("PlannedFailover") || self.offers("Commit") => {
                Some(vec![Stage::Prepare])
            }
            _ => None,
        }
    }

    /// Whether a reply of the service with these values of a Hyper-V item is known.
    fn is_recorded_hyperv(&self) -> bool {
        let at_home = self.active_location == "Primary" && self.state == "Protected";
        let finalized = self.state == "RestoreFinalized" && self.offers("ReverseReplicate");
        self.running().is_none() && (at_home || finalized)
    }

    /// The values, as they stand in the item.
    fn words(&self) -> String {
        let mut words = format!("{}, protectionState {}", self.instance_type, self.state);
        if !self.description.is_empty() && self.description != self.state {
            words.push_str(&format!(" ({})", self.description));
        }
        for (name, value) in [
            ("activeLocation", self.active_location),
            ("activeSiteType", self.active_site),
            ("currentScenario", self.running().unwrap_or_default()),
            ("first copy at", self.copied.as_deref().unwrap_or_default()),
        ] {
            if !value.is_empty() {
                words.push_str(&format!(", {name} {value}"));
            }
        }
        if !self.operations.is_empty() {
            words.push_str(&format!(", offers {}", self.operations.join(", ")));
        }
        words
    }
}

/// Whether what runs on an item leaves its stage as it is: a test, a change of settings, the end of a first copy.
fn leaves_the_stage(scenario: &str) -> bool {
    matches!(
        scenario,
        "EnableDr"
            | "PrimaryIrCompletion"
            | "SecondaryIrCompletion"
            | "TestFailover"
            | "TestFailoverCleanup"
            | "AssociateProtectionProfile"
            | "ModifyProtectionProfile"
            | "UpdateVmProperties"
    )
}

/// How much of the first copy is done, where the item says it of one that has not ended.
fn copied_percentage(details: &Value) -> Option<String> {
    let places = [
        "/initialReplicationProgressPercentage",
        "/resyncDetails/initialReplicationProgressPercentage",
        "/initialReplicationDetails/initialReplicationProgressPercentage",
    ];
    let value = places.into_iter().find_map(|place| details.pointer(place))?;
    let percentage = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (percentage > 0.0 && percentage < 100.0).then(|| format!("{percentage:.0} %"))
}

/// Whether a disk of an item is still compared or copied.
fn is_resynchronising(details: &Value) -> bool {
    let of_item = text(details, "protectionStage");
    let of_disks = list(details, "protectedDisks").iter().map(|disk| text(disk, "protectionStage"));
    of_disks.chain([of_item]).flatten().any(|stage| !stage.eq_ignore_ascii_case("DifferentialSync"))
}

#[cfg(test)]
mod tests;
