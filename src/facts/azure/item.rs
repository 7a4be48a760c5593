//! One replicated item: what its provider calls things, under one name.
//!
//! Not for what follows from it for a machine (`machine`).

use jiff::Timestamp;
use serde_json::Value;

use super::object::{ObjectKind, id_key, id_up_to, last_name};
use super::read::{
    flag, integer, list, member, moment, not_understood, number, required_text, text, unsaid,
};
use super::vault::{Vault, VaultObject};
use super::words::{known_word, required_word, word};
use crate::facts::Unavailable;
use crate::facts::stage::azure::ItemProvider;
use crate::facts::stage::{Stage, StageReading, azure};

/// A replicated item of a vault.
#[derive(Clone, Copy)]
pub struct Item<'v> {
    /// The vault.
    pub vault: &'v Vault,
    /// The item.
    pub object: &'v VaultObject,
}

impl Vault {
    /// Returns the replicated items.
    pub fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.objects(ObjectKind::Item).map(|object| Item { vault: self, object })
    }
}

impl<'v> Item<'v> {
    /// Its id.
    pub fn id(self) -> &'v str {
        self.object.id()
    }

    /// Its properties.
    pub fn properties(self) -> &'v Value {
        self.object.properties()
    }

    /// What its provider says of it.
    pub fn details(self) -> &'v Value {
        member(self.properties(), "providerSpecificDetails").unwrap_or(&Value::Null)
    }

    /// The name of its machine.
    pub fn name(self) -> &'v str {
        let named = text(self.properties(), "friendlyName");
        named.or_else(|| text(&self.object.body, "name")).unwrap_or_else(|| last_name(self.id()))
    }

    /// What its provider is.
    ///
    /// # Errors
    ///
    /// Fails for a provider that is not known, with its name.
    pub fn provider(self) -> Result<ItemProvider, Unavailable> {
        Ok(azure::provider(&self.object.body)?)
    }

    /// The stage that its values show.
    ///
    /// # Errors
    ///
    /// Fails with the values word for word where they show none.
    pub fn stage(self) -> Result<StageReading, Unavailable> {
        Ok(azure::read(&self.object.body)?)
    }

    /// The stage, where its values show one alone.
    pub fn decided_stage(self) -> Option<Stage> {
        self.stage().ok().filter(|reading| reading.decides)?.fits.first().copied()
    }

    /// The state of its protection.
    pub fn state(self) -> &'v str {
        word(self.properties(), "protectionState").unwrap_or_default()
    }

    /// Whether its state says that its first copy has ended.
    pub fn is_copied(self) -> bool {
        self.state() == "Protected" || azure::is_failed_failover(self.state())
    }

    /// Whether an operation is offered on it.
    pub fn offers(self, operation: &str) -> bool {
        list(self.properties(), "allowedOperations")
            .iter()
            .filter_map(Value::as_str)
            .any(|offered| offered.eq_ignore_ascii_case(operation))
    }

    /// The fabric that it lies in.
    pub fn fabric_id(self) -> Option<String> {
        id_up_to(self.id(), "replicationFabrics").map(id_key)
    }

    /// Its disks.
    ///
    /// # Errors
    ///
    /// Fails where none are named: a list leaves them out, and no machine has none.
    pub fn disks(self) -> Result<&'v [Value], Unavailable> {
        match list(self.details(), "protectedDisks") {
            [] => Err(Unavailable::from("Azure names no disk of it, which a list leaves out")),
            disks => Ok(disks),
        }
    }

    /// The sizes of its disks in bytes; none where one of them is not told.
    pub fn disk_sizes(self) -> Option<Vec<u64>> {
        let size = |disk: &Value| {
            let sizes = ["diskCapacityInBytes", "capacityInBytes"].into_iter();
            let mut known = sizes.filter_map(|key| integer(disk, key).ok());
            known.find_map(|bytes| u64::try_from(bytes).ok().filter(|bytes| *bytes > 0))
        };
        self.disks().ok()?.iter().map(size).collect()
    }

    /// The datastore that it replicates to, or that it came from; none where it names none.
    pub fn datastore(self) -> Option<&'v str> {
        let first = list(self.details(), "datastores").first().and_then(Value::as_str);
        text(self.details(), "targetDataStoreName").or(first).filter(|name| !name.is_empty())
    }

    /// The addresses that it has at home: one text may join several.
    ///
    /// # Errors
    ///
    /// Fails for an item on the way home, whose addresses are those in Azure.
    pub fn home_addresses(self) -> Result<Vec<&'v str>, Unavailable> {
        if self.provider()?.is_back() {
            let reason = "an item on the way home does not say the address at home";
            return Err(Unavailable::from(reason));
        }
        let details = self.details();
        let nics = list(details, "vmNics").iter();
        let own = ["ipAddress", "primaryNicIpAddress"].into_iter();
        let said = own
            .filter_map(|place| text(details, place))
            .chain(nics.filter_map(|nic| text(nic, "sourceIPAddress")));
        Ok(said.flat_map(|joined| joined.split('_')).filter(|one| !one.is_empty()).collect())
    }

    /// The static address that it has at home, as an item on the way to Azure says it.
    pub fn static_address(self) -> Option<&'v str> {
        let is_static = |value: &&Value, kind: &str| {
            text(value, kind).is_some_and(|kind| kind.eq_ignore_ascii_case("Static"))
        };
        let nics = list(self.details(), "vmNics").iter();
        let modernised = nics
            .clone()
            .filter(|nic| is_static(nic, "sourceIPAddressType"))
            .find_map(|nic| text(nic, "sourceIPAddress"));
        let classic = nics
            .flat_map(|nic| list(nic, "ipConfigs"))
            .filter(|one| is_static(one, "ipAddressType"))
            .find_map(|one| text(one, "staticIPAddress"));
        modernised.or(classic).filter(|_| self.provider().is_ok_and(ItemProvider::is_forward))
    }

    /// The id of the master target that it replicates home through: on the way to Azure the member of this name is another one.
    pub fn master_target_id(self) -> Option<&'v str> {
        text(self.details(), "masterTargetId")
            .filter(|_| self.provider() == Ok(ItemProvider::VmwareBack))
    }

    /// When its last failover ended.
    ///
    /// # Errors
    ///
    /// Fails where it does not say.
    pub fn failed_over_at(self) -> Result<Timestamp, Unavailable> {
        moment(self.properties(), "lastSuccessfulFailoverTime")
    }

    /// The version of the agent in the machine.
    ///
    /// # Errors
    ///
    /// Fails where it does not say.
    pub fn agent_version(self) -> Result<&'v str, Unavailable> {
        let places = ["agentVersion", "agentDetails.agentVersion", "mobilityAgentDetails.version"];
        let said = places.iter().find_map(|place| text(self.details(), place));
        said.ok_or_else(|| unsaid("agentVersion"))
    }

    /// When the agent in the machine had its last heartbeat.
    ///
    /// # Errors
    ///
    /// Fails where it does not say.
    pub fn heartbeat(self) -> Result<Timestamp, Unavailable> {
        moment(self.details(), "lastHeartbeat").or_else(|why| {
            moment(self.details(), "mobilityAgentDetails.lastHeartbeatUtc").map_err(|_| why)
        })
    }

    /// Whether it began as a virtual machine. Azure's machines are all physical to the classic provider on the way home, so that one does not say.
    ///
    /// # Errors
    ///
    /// Fails where it does not say, or a word that is not known.
    pub fn was_virtual(self) -> Result<bool, Unavailable> {
        if self.provider()?.is_back() {
            return Err(Unavailable::from(
                "an item on the way home does not say what its machine was",
            ));
        }
        match required_text(self.details(), "discoveryType")? {
            kind if kind.eq_ignore_ascii_case("vCenter") => Ok(true),
            kind if kind.eq_ignore_ascii_case("Physical") => Ok(false),
            other => Err(not_understood("discoveryType", &other.into())),
        }
    }

    /// The operating system family, `linux` or `windows`.
    ///
    /// # Errors
    ///
    /// Fails where it does not say, or a word that is not known.
    pub fn family(self) -> Result<&'static str, Unavailable> {
        let details = self.details();
        let said = text(details, "osType").or_else(|| text(details, "osDetails.osType"));
        family(said.ok_or_else(|| unsaid("osType"))?)
    }

    /// How it started on premises, in vCenter's words: `bios` or `efi`; `unsaid` where the item, as of older versions of the
    /// service and on the way back, does not tell.
    ///
    /// # Errors
    ///
    /// Fails for a word that is not known.
    pub fn firmware(self) -> Result<&'static str, Unavailable> {
        let Some(said) = text(self.details(), "firmwareType") else { return Ok("unsaid") };
        match said.to_ascii_lowercase().as_str() {
            "bios" => Ok("bios"),
            "uefi" | "efi" => Ok("efi"),
            _ => Err(not_understood("firmwareType", &said.into())),
        }
    }

    /// The system as its provider writes it.
    ///
    /// # Errors
    ///
    /// Fails where it does not say.
    pub fn system(self) -> Result<&'v str, Unavailable> {
        let places = ["osVersion", "osName", "discoveredVmDetails.osName"];
        let said = places.iter().find_map(|place| text(self.details(), place));
        said.ok_or_else(|| unsaid("osVersion"))
    }

    /// The network that was chosen for it in Azure.
    pub fn chosen_network(self) -> Option<&'v str> {
        let details = self.details();
        let nics = list(details, "vmNics").iter();
        let of_nic = || nics.clone().find_map(|nic| text(nic, "recoveryVMNetworkId"));
        text(details, "selectedRecoveryAzureNetworkId")
            .or_else(|| text(details, "targetNetworkId"))
            .or_else(of_nic)
    }

    /// Seconds that its newest data in the recovery site is behind, and when that was computed.
    ///
    /// # Errors
    ///
    /// Fails where it does not say.
    pub fn rpo(self) -> Result<(i64, Timestamp), Unavailable> {
        let details = self.details();
        let seconds = integer(details, "rpoInSeconds")
            .or_else(|why| integer(details, "lastRpoInSeconds").map_err(|_| why))?;
        Ok((seconds, moment(details, "lastRpoCalculatedTime")?))
    }

    /// The seconds that its policy lets it be behind.
    ///
    /// # Errors
    ///
    /// Fails where the policy is not known, or has no such limit.
    pub fn rpo_limit(self) -> Result<i64, Unavailable> {
        let policy = required_text(self.properties(), "policyId")?;
        let object = self.vault.object(policy);
        let object = object.ok_or_else(|| {
            Unavailable::from(format!("the policy {} is not known", last_name(policy)))
        })?;
        let minutes =
            number(object.properties(), "providerSpecificDetails.recoveryPointThresholdInMinutes")?;
        Ok((minutes * 60.0) as i64)
    }

    /// Whether a resynchronisation is needed or runs, with the words that say so.
    ///
    /// # Errors
    ///
    /// Fails where it does not say, or something that is not known.
    pub fn resynchronisation(self) -> Result<Option<String>, Unavailable> {
        let details = self.details();
        let codes = ["ECH0007", "78222"];
        let told = self.errors().find(|error| codes.contains(&error.code.as_str()));
        if let Some(error) = told {
            return Ok(Some(error.words()));
        }
        if let Some(state) = word(details, "resyncState").filter(|state| *state != "None") {
            return match state {
                "PreparedForResynchronization" | "StartedResynchronization" => {
                    Ok(Some(format!("resyncState {state}")))
                }
                other => Err(not_understood("resyncState", &other.into())),
            };
        }
        if member(details, "resyncRequired").is_some_and(|said| said.as_str() != Some("")) {
            let is_required = flag(details, "resyncRequired")?;
            return Ok(is_required.then(|| "resyncRequired true".to_owned()));
        }
        for disk in self.disks()? {
            let name = text(disk, "diskName").unwrap_or("a disk");
            match required_word(disk, "resyncRequired")? {
                "NotRequired" => {}
                "Required" => return Ok(Some(format!("{name} needs one"))),
                other => return Err(not_understood("resyncRequired", &other.into())),
            }
        }
        Ok(None)
    }

    /// Its health errors.
    pub fn errors(self) -> impl Iterator<Item = AzureError> + 'v {
        list(self.properties(), "healthErrors").iter().map(AzureError::from_body)
    }

    /// The replication group that it is in, in small letters.
    pub fn group(self) -> Option<String> {
        let details = self.details();
        let named = text(details, "multiVmGroupId").or_else(|| text(details, "multiVmGroupName"));
        named.map(str::to_lowercase)
    }
}

/// Returns the word for a family of operating systems.
///
/// # Errors
///
/// Fails for a word that is not known.
pub fn family(word: &str) -> Result<&'static str, Unavailable> {
    if word.eq_ignore_ascii_case("linux") {
        Ok("linux")
    } else if word.eq_ignore_ascii_case("windows") {
        Ok("windows")
    } else {
        Err(not_understood("osType", &word.into()))
    }
}

/// One error that Azure tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureError {
    /// `Info`, `Warning`, `Error`, or empty where it is not said.
    pub level: String,
    /// The code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What may be behind it.
    pub causes: String,
    /// What Azure says is to be done.
    pub action: String,
    /// When it was noticed.
    pub at: Option<Timestamp>,
}

impl AzureError {
    /// Reads one of the errors that items and servers list.
    pub fn from_body(error: &Value) -> Self {
        let said = |name| line(text(error, name).unwrap_or_default());
        let message = said("errorMessage");
        Self {
            level: known_word(&said("errorLevel")).to_owned(),
            code: said("errorCode"),
            message: if message.is_empty() { said("summaryMessage") } else { message },
            causes: said("possibleCauses"),
            action: said("recommendedAction"),
            at: moment(error, "creationTimeUtc").ok(),
        }
    }

    /// Returns it as one fragment.
    pub fn words(&self) -> String {
        match (self.code.as_str(), self.message.as_str()) {
            ("", "") => "an error without code and message".to_owned(),
            ("", message) => message.to_owned(),
            (code, "") => format!("error {code}"),
            (code, message) => format!("error {code}: {message}"),
        }
    }
}

/// Returns a text with each run of blanks as one, for Azure's texts begin with many.
pub fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
