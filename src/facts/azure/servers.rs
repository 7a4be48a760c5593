//! The servers of a fabric: the configuration server, its process servers and its master targets, each found by what the site calls it.
//!
//! The names that Azure has are those of hosts, not those of virtual machines. Not for what is planned through them (`plan`).

use std::net::IpAddr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::item::{AzureError, family, line};
use super::object::ObjectKind;
use super::read::{
    AzureTime, integer, list, minute, moment, not_understood, required_text, text, time,
};
use super::vault::{Vault, VaultObject};
use super::words::{required_word, word};
use crate::facts::{Collection, Fact, Unavailable};

/// Minutes without a heartbeat after which a server is silent (D:vmware-physical-azure-monitor-process-server).
pub const SILENT_AFTER: i64 = 15;

/// What a server is known by: names and addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerNames(Vec<String>);

impl ServerNames {
    /// Adds a name or an address.
    pub fn add(&mut self, name: &str) {
        let name = name.trim().to_ascii_lowercase();
        if !name.is_empty() && !self.0.contains(&name) {
            self.0.push(name);
        }
    }

    /// Returns these names.
    pub fn from_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut all = Self::default();
        names.into_iter().for_each(|name| all.add(name));
        all
    }

    /// Whether one of them is a name or an address, or has the same first label as one.
    pub fn include(&self, name: &str) -> bool {
        let name = name.trim().to_ascii_lowercase();
        let label = first_label(&name);
        self.0.iter().any(|known| *known == name || first_label(known) == label)
    }

    /// Returns the first of them.
    pub fn first(&self) -> &str {
        self.0.first().map(String::as_str).unwrap_or_default()
    }
}

fn first_label(name: &str) -> &str {
    if name.parse::<IpAddr>().is_ok() { name } else { name.split('.').next().unwrap_or(name) }
}

/// A fabric of the vault.
#[derive(Clone, Copy)]
pub struct Fabric<'v> {
    /// The vault.
    pub vault: &'v Vault,
    /// The fabric.
    pub object: &'v VaultObject,
}

impl Vault {
    /// Returns the fabrics.
    pub fn fabrics(&self) -> impl Iterator<Item = Fabric<'_>> {
        self.objects(ObjectKind::Fabric).map(|object| Fabric { vault: self, object })
    }

    /// Returns the fabrics of classic configuration servers.
    pub fn classic_fabrics(&self) -> impl Iterator<Item = Fabric<'_>> {
        self.fabrics().filter(|fabric| fabric.kind() == "VMware")
    }
}

impl<'v> Fabric<'v> {
    /// What it is, in Azure's word: `VMware`, `InMageRcm`, `HyperVSite`, `VMM`, `Azure`; empty where it does not say.
    pub fn kind(self) -> &'v str {
        word(self.object.properties(), "customDetails.instanceType").unwrap_or_default()
    }

    /// Its details.
    pub fn details(self) -> &'v Value {
        super::read::member(self.object.properties(), "customDetails").unwrap_or(&Value::Null)
    }

    /// The name that people gave it.
    pub fn name(self) -> &'v str {
        text(self.object.properties(), "friendlyName").unwrap_or("a fabric without name")
    }

    /// Whether the server that it stands for goes by one of these names.
    pub fn is_server(self, names: &ServerNames) -> bool {
        let details = self.details();
        let own = [text(details, "ipAddress"), text(details, "hostName"), Some(self.name())];
        own.into_iter().flatten().any(|own| names.include(own))
    }

    /// The address that its configuration server is registered with.
    pub fn address(self) -> Option<&'v str> {
        text(self.details(), "ipAddress")
    }

    /// The process servers.
    pub fn process_servers(self) -> impl Iterator<Item = FabricServer<'v>> {
        list(self.details(), "processServers")
            .iter()
            .map(move |entry| FabricServer { fabric: self, entry })
    }

    /// The master targets.
    pub fn master_targets(self) -> impl Iterator<Item = FabricServer<'v>> {
        list(self.details(), "masterTargetServers")
            .iter()
            .map(move |entry| FabricServer { fabric: self, entry })
    }

    /// The accounts of its configuration server: the id and the label of each.
    pub fn accounts(self) -> impl Iterator<Item = (&'v str, &'v str)> {
        let accounts = list(self.details(), "runAsAccounts").iter();
        accounts.filter_map(|one| Some((text(one, "accountId")?, text(one, "accountName")?)))
    }

    /// Why nothing that it says of its servers is of now: the configuration server is silent itself.
    pub fn silence(self) -> Option<Unavailable> {
        let beat = moment(self.details(), "lastHeartbeat").ok()?;
        let minutes = self.vault.minutes_since(beat, SILENT_AFTER).ok()?;
        (minutes >= SILENT_AFTER).then(|| {
            Unavailable::from(format!(
                "the configuration server {} had its last heartbeat at {}, so what the vault says of its servers is older than that",
                self.name(),
                minute(beat)
            ))
        })
    }

    /// Whether it is of a kind that is known: what another one has is not.
    ///
    /// # Errors
    ///
    /// Fails with its kind where it is not.
    pub fn has_known_kind(self) -> Result<(), Unavailable> {
        match self.kind() {
            "VMware" | "InMageRcm" | "HyperVSite" | "VMM" | "Azure" => Ok(()),
            "" => {
                Err(Unavailable::from(format!("the fabric {} does not say its kind", self.name())))
            }
            other => Err(Unavailable::from(format!("the fabric {} is of {other}", self.name()))),
        }
    }

    /// Whether it has a list of this name, empty or not: one that is null or left out says nothing.
    ///
    /// # Errors
    ///
    /// Fails where it has none.
    pub fn says_list(self, name: &str) -> Result<(), Unavailable> {
        says_list(self.details(), name)
            .map_err(|why| Unavailable::from(format!("{}: {}", self.name(), why.reason)))
    }

    /// Whether it lists its servers: an appliance does so only when it is asked for itself.
    ///
    /// # Errors
    ///
    /// Fails where that was not done.
    pub fn lists_servers(self) -> Result<(), Unavailable> {
        if self.process_servers().next().is_some() {
            return Ok(());
        }
        match self.kind() {
            "HyperVSite" | "VMM" | "Azure" => return Ok(()),
            "VMware" => return self.says_list("processServers"),
            _ if self.object.is_whole => return self.says_list("processServers"),
            _ => {}
        }
        Err(Unavailable::from(format!(
            "{} was seen in the list of fabrics alone, which leaves out its servers",
            self.name()
        )))
    }
}

/// One server that a fabric lists.
#[derive(Clone, Copy)]
pub struct FabricServer<'v> {
    /// The fabric.
    pub fabric: Fabric<'v>,
    /// What it says of the server.
    pub entry: &'v Value,
}

impl<'v> FabricServer<'v> {
    /// Its name.
    pub fn name(self) -> &'v str {
        let named = text(self.entry, "friendlyName").or_else(|| text(self.entry, "name"));
        named.unwrap_or_default()
    }

    /// Its addresses.
    pub fn addresses(self) -> impl Iterator<Item = &'v str> {
        let many = list(self.entry, "ipAddresses").iter().filter_map(Value::as_str);
        text(self.entry, "ipAddress").into_iter().chain(many)
    }

    /// Whether it goes by one of these names.
    pub fn is(self, names: &ServerNames) -> bool {
        let full = text(self.entry, "fqdn");
        let own = [Some(self.name()), full].into_iter().flatten().filter(|name| !name.is_empty());
        own.chain(self.addresses()).any(|own| names.include(own))
    }

    /// Its operating system family.
    ///
    /// # Errors
    ///
    /// Fails where it does not say, or a word that is not known.
    pub fn family(self) -> Result<&'static str, Unavailable> {
        family(required_text(self.entry, "osType")?)
    }

    /// Its id, which the items that use it name.
    pub fn id(self) -> Option<&'v str> {
        text(self.entry, "id")
    }

    /// The version of its components.
    ///
    /// # Errors
    ///
    /// Fails where it does not say.
    pub fn version(self) -> Result<&'v str, Unavailable> {
        required_text(self.entry, "agentVersion")
            .or_else(|why| required_text(self.entry, "version").map_err(|_| why))
    }

    /// The volumes that it lists for retention data.
    pub fn volumes(self) -> impl Iterator<Item = &'v str> {
        let volumes = list(self.entry, "retentionVolumes").iter();
        volumes.filter_map(|volume| text(volume, "volumeName"))
    }

    /// When its last heartbeat.
    ///
    /// # Errors
    ///
    /// Fails where it does not say, and where it had never a heartbeat.
    pub fn heartbeat(self) -> Result<Timestamp, Unavailable> {
        moment(self.entry, "lastHeartbeat")
            .or_else(|why| moment(self.entry, "lastHeartbeatUtc").map_err(|_| why))
    }

    /// The minutes since its last heartbeat.
    ///
    /// # Errors
    ///
    /// Fails where that is not known, and where the configuration server that tells of it is silent itself.
    pub fn silent_minutes(self) -> Result<i64, Unavailable> {
        match self.fabric.silence() {
            Some(why) => Err(why),
            None => self.fabric.vault.minutes_since(self.heartbeat()?, SILENT_AFTER),
        }
    }

    /// What it is called and when its last heartbeat, in words.
    pub fn words(self) -> String {
        let beat = match self.heartbeat() {
            Ok(beat) => format!("last heartbeat at {}", minute(beat)),
            Err(why) => why.reason,
        };
        let address = self.addresses().next().map_or_else(String::new, |at| format!(" ({at})"));
        format!("{}{address}, {beat}", self.name())
    }

    /// The facts that all servers have.
    pub fn facts(self) -> RegisteredServerFacts {
        let entry = self.entry;
        let version = self.version().map(str::to_owned);
        RegisteredServerFacts {
            name: self.name().to_owned(),
            silent_minutes: self.silent_minutes().into(),
            version: version.into(),
            version_status: version_status(entry).into(),
            health: required_word(entry, "health").map(str::to_owned).into(),
            errors: error_words(entry, &["healthErrors", "validationErrors"]),
            agent_expiry: expiry(self.fabric.vault, entry, "agentExpiryDate").into(),
            certificate: certificate(self.fabric.vault, entry).into(),
            words: self.words(),
        }
    }
}

/// What the vault says of a server that is registered.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RegisteredServerFacts {
    /// Its name there.
    pub name: String,
    /// Minutes since its last heartbeat.
    pub silent_minutes: Fact<i64>,
    /// The version of its components.
    pub version: Fact<String>,
    /// `Supported`, `NotSupported`, `Deprecated`, `UpdateRequired` or `SecurityUpdateRequired`.
    pub version_status: Fact<String>,
    /// `Normal`, `Warning`, `Critical` or `None`.
    pub health: Fact<String>,
    /// Its errors in words, as far as they are more than notices.
    pub errors: Collection<String>,
    /// When its agent is no longer supported.
    pub agent_expiry: Fact<ExpiryFacts>,
    /// When its certificate ends.
    pub certificate: Fact<ExpiryFacts>,
    /// Its name, its address and when its last heartbeat.
    pub words: String,
}

/// The words that say whether a version is supported.
const VERSION_STATES: &[&str] =
    &["Supported", "NotSupported", "Deprecated", "UpdateRequired", "SecurityUpdateRequired"];

fn version_status(entry: &Value) -> Result<String, Unavailable> {
    let word = required_word(entry, "versionStatus")?;
    if VERSION_STATES.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(not_understood("versionStatus", &word.into()))
}

/// Whether an entry has a list of this name, empty or not: one that is null or left out says nothing.
///
/// # Errors
///
/// Fails where it has none.
pub fn says_list(entry: &Value, name: &str) -> Result<(), Unavailable> {
    let found = super::read::member(entry, name).is_some_and(Value::is_array);
    if found { Ok(()) } else { Err(super::read::unsaid(name)) }
}

/// When something ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ExpiryFacts {
    /// Whether it does not end.
    pub never: bool,
    /// Days until then, negative when it has ended; 0 where it does not end.
    pub days: i64,
    /// The day, in words.
    pub words: String,
}

/// Returns when something ends.
///
/// # Errors
///
/// Fails where nothing says when, or what day it is.
pub fn expiry(vault: &Vault, entry: &Value, name: &str) -> Result<ExpiryFacts, Unavailable> {
    match time(entry, name)? {
        AzureTime::Never => {
            Ok(ExpiryFacts { never: true, days: 0, words: "it does not end".to_owned() })
        }
        AzureTime::NotYet => Err(Unavailable::from(format!("Azure does not say {name}"))),
        AzureTime::At(end) => {
            let now = vault.now().ok_or("nothing says when the vault was asked")?;
            let days = end.duration_since(now).as_secs().div_euclid(86_400);
            // What an export of no known time shows to be over is over; what is not may be.
            if vault.asked_at.is_none() && days >= 0 {
                return Err(Unavailable::from(format!(
                    "it ends at {}, and nothing says when the vault was asked",
                    minute(end)
                )));
            }
            Ok(ExpiryFacts { never: false, days, words: minute(end) })
        }
    }
}

/// Returns when a server's certificate ends: by its date, or by the days that the service counted when it was asked.
fn certificate(vault: &Vault, entry: &Value) -> Result<ExpiryFacts, Unavailable> {
    expiry(vault, entry, "sslCertExpiryDate").or_else(|why| {
        let days = integer(entry, "sslCertExpiryRemainingDays").map_err(|_| why)?;
        let end =
            moment(entry, "sslCertExpiryDate").map_or("a time".to_owned(), |end| minute(end) + ",");
        let words = format!("{end} {days} days after the vault was asked");
        Ok(ExpiryFacts { never: false, days, words })
    })
}

/// Returns the errors below these members that are more than notices.
pub fn error_words(entry: &Value, members: &[&str]) -> Collection<String> {
    let mut items: Vec<String> = Vec::new();
    for member in members {
        for error in list(entry, member) {
            let error = AzureError::from_body(error);
            if !error.level.eq_ignore_ascii_case("Info") {
                items.push(error.words());
            }
        }
    }
    Collection::complete(items)
}

/// Returns the words of what was found for a name that several servers have.
pub fn ambiguous(names: &ServerNames, found: &[FabricServer<'_>]) -> Unavailable {
    let servers: Vec<&str> = found.iter().map(|server| server.name()).collect();
    let named = line(names.first());
    Unavailable::from(format!("several servers may be {named}: {}", servers.join(", ")))
}

/// Returns the one server that goes by these names.
///
/// # Errors
///
/// Fails where several do; none is no error.
pub fn only<'v>(
    servers: impl Iterator<Item = FabricServer<'v>>,
    names: &ServerNames,
) -> Result<Option<FabricServer<'v>>, Unavailable> {
    let found: Vec<FabricServer<'v>> = servers.filter(|server| server.is(names)).collect();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        many => {
            // A dead fabric lists what the living one took over: the one with a heartbeat counts.
            let mut by_beat: Vec<&FabricServer<'v>> = many.iter().collect();
            by_beat.sort_by_key(|server| std::cmp::Reverse(server.heartbeat().ok()));
            let same = many.iter().all(|server| server.name().eq_ignore_ascii_case(many[0].name()));
            if same {
                Ok(by_beat.first().map(|server| **server))
            } else {
                Err(ambiguous(names, many))
            }
        }
    }
}
