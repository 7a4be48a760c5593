//! The stage of a machine from its item in the vault: one body of `replicationProtectedItems`, as the service prints it.
//!
//! Pure: it reads values and asks nothing. The names of states depend on provider and direction, so the provider comes first, and a
//! combination that no recorded reply shows is told word for word instead of guessed. Source: replies of the service recorded in
//! Azure/azure-powershell (AsrV2ATests, AsrB2ATests, AsrE2ATests) and Azure/azure-cli-extensions (V2A_RCMInMage); what is inferred from
//! them says so.

use serde_json::Value;

use super::{EvidenceSource, Stage, StageReading};

/// The product that an item belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemProvider {
    /// VMware and physical machines, classic: towards Azure.
    VmwareForward,
    /// VMware and physical machines, classic: from Azure home.
    VmwareBack,
    /// VMware and physical machines with a replication appliance.
    Modernised,
    /// Hyper-V machines.
    Hyperv,
    /// Another product: Azure to Azure.
    AzureToAzure,
}

impl ItemProvider {
    /// Returns the provider by `instanceType`; none for a name that is not known.
    pub fn named(instance_type: &str) -> Option<Self> {
        match instance_type {
            "InMageAzureV2" => Some(Self::VmwareForward),
            "InMage" => Some(Self::VmwareBack),
            "InMageRcm" | "InMageRcmFailback" => Some(Self::Modernised),
            "HyperVReplicaAzure" => Some(Self::Hyperv),
            "A2A" => Some(Self::AzureToAzure),
            _ => None,
        }
    }
}

/// Returns what an item's provider is.
///
/// # Errors
///
/// Fails with a sentence when the item names none, or one that is not known.
pub fn provider(item: &Value) -> Result<ItemProvider, String> {
    let name = item["properties"]["providerSpecificDetails"]["instanceType"].as_str();
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
    let details = &item["properties"]["providerSpecificDetails"];
    let values = ItemValues::new(&item["properties"], details);
    let stage = match provider {
        ItemProvider::AzureToAzure => {
            return Err(
                "it is replicated from Azure to Azure, which does not fail back home".to_owned()
            );
        }
        ItemProvider::Modernised => {
            return Err(
                "the vault uses the modernised experience, which has no such stages".to_owned()
            );
        }
        ItemProvider::Hyperv => values.hyperv_stage(),
        ItemProvider::VmwareForward => values.forward_stage(),
        ItemProvider::VmwareBack => values.back_stage(details),
    };
    let fits =
        stage.ok_or_else(|| format!("its values are not known together: {}", values.words()))?;
    let decides = provider != ItemProvider::Hyperv;
    Ok(StageReading {
        source: EvidenceSource::Azure,
        fits: vec![fits],
        decides,
        says: values.words(),
    })
}

/// The values of an item that tell its stage.
struct ItemValues<'a> {
    instance_type: &'a str,
    state: &'a str,
    description: &'a str,
    active_location: &'a str,
    active_site: &'a str,
    scenario: &'a str,
    operations: Vec<&'a str>,
}

impl<'a> ItemValues<'a> {
    fn new(properties: &'a Value, details: &'a Value) -> Self {
        let text = |value: &'a Value| value.as_str().unwrap_or_default();
        let operations = properties["allowedOperations"].as_array().map(Vec::as_slice);
        Self {
            instance_type: text(&details["instanceType"]),
            state: text(&properties["protectionState"]),
            description: text(&properties["protectionStateDescription"]),
            active_location: text(&properties["activeLocation"]),
            active_site: text(&details["activeSiteType"]),
            scenario: text(&properties["currentScenario"]["scenarioName"]),
            operations: operations.unwrap_or_default().iter().map(text).collect(),
        }
    }

    fn offers(&self, operation: &str) -> bool {
        self.operations.contains(&operation)
    }

    /// The name of what runs on the item; the service writes `None` or nothing when nothing does.
    fn running(&self) -> Option<&'a str> {
        (!matches!(self.scenario, "" | "None")).then_some(self.scenario)
    }

    fn is_committed(&self) -> bool {
        self.state == "UnplannedFailoverCommitted"
    }

    fn is_commit_pending(&self) -> bool {
        self.state == "UnplannedFailoverCommitPendingStatesBegin"
    }

    /// Whether a first copy runs: the states before Protected are known by their beginnings.
    fn is_copying(&self) -> bool {
        let first =
            ["InitialReplication", "Resync"].iter().any(|begin| self.state.starts_with(begin));
        first || (self.state != "Protected" && self.running() == Some("EnableDr"))
    }

    /// An item towards Azure.
    fn forward_stage(&self) -> Option<Stage> {
        match self.running() {
            Some("SwitchReplicationGroupProtection" | "SwitchProtection") => {
                return Some(Stage::Reprotect);
            }
            // The failover to Azure and its commit: the machine is on its way out.
            Some("UnplannedFailover" | "CommitFailover") => return Some(Stage::Prepare),
            Some("EnableDr") | None => {}
            Some(_) => return None,
        }
        match self.active_location {
            "Primary" if self.state == "Protected" => Some(Stage::Home),
            // Inferred: the first copy towards Azure after the way home.
            "Primary" if self.is_copying() => Some(Stage::ReprotectForward),
            "Recovery" if self.is_committed() || self.is_commit_pending() => Some(Stage::Prepare),
            _ => None,
        }
    }

    /// An item from Azure home.
    fn back_stage(&self, details: &Value) -> Option<Stage> {
        match self.running() {
            Some("UnplannedFailover") => return Some(Stage::Failback),
            Some("CommitFailover") => return Some(Stage::Verify),
            Some("SwitchReplicationGroupProtection" | "SwitchProtection") => {
                let home = self.active_site == "OnPrem";
                return Some(if home { Stage::ReprotectForward } else { Stage::Reprotect });
            }
            Some("EnableDr") | None => {}
            Some(_) => return None,
        }
        match (self.active_site, self.active_location) {
            ("Azure", "Primary") if self.state == "Protected" => Some(Stage::Replicating),
            // Inferred: the names of the first copy's states were not recorded; that no failover is offered was.
            ("Azure", "Primary") if self.is_copying() || is_resynchronising(details) => {
                (!self.offers("UnplannedFailover")).then_some(Stage::Replicating)
            }
            ("OnPrem", "Recovery") if self.is_committed() => Some(Stage::After),
            ("OnPrem", "Recovery") if self.is_commit_pending() || self.offers("Commit") => {
                Some(Stage::Verify)
            }
            _ => None,
        }
    }

    /// A Hyper-V item; most values of the way home were not recorded.
    fn hyperv_stage(&self) -> Option<Stage> {
        match self.running() {
            Some("PlannedFailover") => return Some(Stage::Sync),
            Some("ReverseReplicate") => return Some(Stage::Reverse),
            Some(_) => return None,
            None => {}
        }
        match self.active_location {
            "Primary" if self.state == "Protected" => Some(Stage::Home),
            "Primary" if self.offers("ReverseReplicate") => Some(Stage::After),
            _ if self.offers("ReverseReplicate") => Some(Stage::After),
            "Recovery" if self.offers("PlannedFailover") => Some(Stage::Prepare),
            _ => None,
        }
    }

    /// The values, as they stand in the item.
    fn words(&self) -> String {
        let mut words = format!("{}, protectionState {}", self.instance_type, self.state);
        if !self.description.is_empty() {
            words.push_str(&format!(" ({})", self.description));
        }
        for (name, value) in [
            ("activeLocation", self.active_location),
            ("activeSiteType", self.active_site),
            ("currentScenario", self.running().unwrap_or_default()),
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

/// Whether a disk of an item is still compared or copied.
fn is_resynchronising(details: &Value) -> bool {
    let disks = details["protectedDisks"].as_array().map(Vec::as_slice).unwrap_or_default();
    disks.iter().any(|disk| {
        disk["protectionStage"].as_str().is_some_and(|stage| stage != "DifferentialSync")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// An item with these values; an empty one is left out, as the service does.
    fn item(
        provider: &str,
        state: &str,
        location: &str,
        site: &str,
        running: &str,
        operations: &[&str],
    ) -> Value {
        let mut details = json!({ "instanceType": provider });
        if !site.is_empty() {
            details["activeSiteType"] = site.into();
        }
        json!({ "properties": {
            "protectionState": state,
            "activeLocation": location,
            "allowedOperations": operations,
            "currentScenario": { "scenarioName": running, "jobId": "None" },
            "providerSpecificDetails": details,
        } })
    }

    #[test]
    fn recorded_shapes_have_their_stage() {
        const SWITCH: &str = "SwitchReplicationGroupProtection";
        for (item, stage) in [
            (
                item(
                    "InMageAzureV2",
                    "Protected",
                    "Primary",
                    "",
                    "None",
                    &["UnplannedFailover", "TestFailover"],
                ),
                "home",
            ),
            (
                item(
                    "InMageAzureV2",
                    "UnplannedFailoverCommitted",
                    "Recovery",
                    "",
                    "None",
                    &["SwitchProtection"],
                ),
                "prepare",
            ),
            (
                item(
                    "InMageAzureV2",
                    "UnplannedFailoverCommitPendingStatesBegin",
                    "Recovery",
                    "",
                    "None",
                    &["Commit", "SwitchProtection"],
                ),
                "prepare",
            ),
            (
                item("InMageAzureV2", "UnplannedFailoverCommitted", "Recovery", "", SWITCH, &[]),
                "reprotect",
            ),
            (
                item(
                    "InMage",
                    "Protected",
                    "Primary",
                    "Azure",
                    "None",
                    &["UnplannedFailover", "DisableProtection"],
                ),
                "replicating",
            ),
            (
                item(
                    "InMage",
                    "InitialReplicationInProgress",
                    "Primary",
                    "Azure",
                    "None",
                    &["DisableProtection"],
                ),
                "replicating",
            ),
            (item("InMage", "Protected", "Primary", "Azure", "UnplannedFailover", &[]), "failback"),
            (
                item(
                    "InMage",
                    "UnplannedFailoverCommitPendingStatesBegin",
                    "Recovery",
                    "OnPrem",
                    "None",
                    &["Commit"],
                ),
                "verify",
            ),
            (
                item(
                    "InMage",
                    "UnplannedFailoverCommitted",
                    "Recovery",
                    "OnPrem",
                    "CommitFailover",
                    &[],
                ),
                "verify",
            ),
            (
                item(
                    "InMage",
                    "UnplannedFailoverCommitted",
                    "Recovery",
                    "OnPrem",
                    "None",
                    &["SwitchProtection", "CompleteMigration"],
                ),
                "after",
            ),
            (
                item("InMage", "UnplannedFailoverCommitted", "Recovery", "OnPrem", SWITCH, &[]),
                "reprotect-forward",
            ),
            (
                item(
                    "InMageAzureV2",
                    "InitialReplicationInProgress",
                    "Primary",
                    "",
                    "None",
                    &["DisableProtection"],
                ),
                "reprotect-forward",
            ),
            (
                item("HyperVReplicaAzure", "Protected", "Primary", "", "", &["PlannedFailover"]),
                "home",
            ),
            (
                item("HyperVReplicaAzure", "Odd", "Recovery", "", "", &["PlannedFailover"]),
                "prepare",
            ),
            (
                item(
                    "HyperVReplicaAzure",
                    "RestoreFinalized",
                    "Primary",
                    "",
                    "",
                    &["ReverseReplicate"],
                ),
                "after",
            ),
        ] {
            let reading = read(&item).unwrap_or_else(|why| panic!("{item}: {why}"));
            assert_eq!(reading.fits[0].as_str(), stage, "{item}");
        }
    }

    #[test]
    fn what_no_reply_has_shown_is_told_word_for_word() {
        for (item, says) in [
            (
                item(
                    "InMageAzureV2",
                    "UnplannedFailoverFailed",
                    "Recovery",
                    "",
                    "None",
                    &["UnplannedFailover"],
                ),
                "its values are not known together: InMageAzureV2, protectionState UnplannedFailoverFailed, \
                 activeLocation Recovery, offers UnplannedFailover",
            ),
            (
                item("InMage", "Protected", "Recovery", "Azure", "None", &[]),
                "its values are not known together: InMage",
            ),
            (
                item("InMage", "Protected", "Primary", "Azure", "DisableDr", &[]),
                "its values are not known together: InMage",
            ),
            (
                item("InMageRcm", "Protected", "Primary", "", "None", &[]),
                "the vault uses the modernised experience",
            ),
            (
                item("A2A", "Protected", "Primary", "", "None", &[]),
                "it is replicated from Azure to Azure",
            ),
            (
                item("Vmm", "Protected", "Primary", "", "None", &[]),
                "the item's instanceType \"Vmm\" is not known",
            ),
            (json!({}), "the item names no instanceType"),
            (
                json!({ "properties": { "providerSpecificDetails": { "instanceType": 5 } } }),
                "the item names no instanceType",
            ),
        ] {
            let why = read(&item).expect_err("not recognised");
            assert!(why.starts_with(says), "{why}");
        }
    }

    #[test]
    fn the_active_location_alone_proves_nothing() {
        // Primary is the site on the way out and Azure on the way back.
        let out = item("InMageAzureV2", "Protected", "Primary", "", "None", &[]);
        let back = item("InMage", "Protected", "Primary", "Azure", "None", &[]);
        assert_eq!(read(&out).unwrap().fits, [Stage::Home]);
        assert_eq!(read(&back).unwrap().fits, [Stage::Replicating]);
    }
}
