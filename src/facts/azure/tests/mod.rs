//! Vaults in the shapes that replies of the service have, with own names, ids and times, and what is read from them.

#![allow(clippy::unwrap_used, reason = "all of this module is a test")]

mod machines;
mod odd;
mod servers;
mod vaults;
mod ways;

use serde_json::{Value, json};

use super::answers::{AnswerOutcome, AzureAnswer, AzureFailure, VaultAnswers};
use super::shown::Shown;
use super::survey::{PlannedMachine, PlannedSite, SiteInVault};
use super::vault::Vault;
use crate::facts::Fact;

pub const VAULT: &str = "/Subscriptions/11/resourceGroups/rg-dr/providers/Microsoft.RecoveryServices/vaults/vault-falun";
pub const GROUP: &str = "/subscriptions/11/resourceGroups/rg-run";
pub const FABRIC: &str = "replicationFabrics/f1";
pub const CONTAINER: &str = "replicationFabrics/f1/replicationProtectionContainers/c1";

/// When every answer was given.
pub const NOW: &str = "2026-11-20T08:00:00Z";

/// The answers about a vault, one after the other.
pub struct GivenAnswers(VaultAnswers);

impl GivenAnswers {
    pub fn new() -> Self {
        Self(VaultAnswers::new(Some(VAULT.to_owned())))
    }

    fn push(mut self, path: Option<String>, outcome: AnswerOutcome) -> Self {
        let at = path.as_ref().map(|_| NOW.parse().unwrap());
        self.0.answers.push(AzureAnswer { path, at, outcome });
        self
    }

    /// A list of the vault.
    pub fn list(self, name: &str, objects: &[Value]) -> Self {
        let path = format!("{VAULT}/{name}");
        self.push(Some(path), AnswerOutcome::Objects(objects.to_vec()))
    }

    /// A list anywhere.
    pub fn list_at(self, path: &str, objects: &[Value]) -> Self {
        self.push(Some(path.to_owned()), AnswerOutcome::Objects(objects.to_vec()))
    }

    /// An object that was asked for itself.
    pub fn get(self, object: &Value) -> Self {
        let path = object["id"].as_str().unwrap().to_owned();
        self.push(Some(path), AnswerOutcome::Objects(vec![object.clone()]))
    }

    /// An exported body, of no known time: one object alone has its own id for a path, a list has none.
    pub fn exported(mut self, objects: &[Value]) -> Self {
        let own = |object: &Value| object["id"].as_str().map(str::to_owned);
        let path = if let [one] = objects { own(one) } else { None };
        let outcome = AnswerOutcome::Objects(objects.to_vec());
        self.0.answers.push(AzureAnswer { path, at: None, outcome });
        self
    }

    /// A refusal.
    pub fn refused(self, path: &str, status: u16, lacking: Option<&str>) -> Self {
        let failure = AzureFailure {
            status: Some(status),
            code: None,
            reason: format!("the service answered {status}"),
            lacking: lacking.map(str::to_owned),
        };
        self.push(Some(path.to_owned()), AnswerOutcome::Failed(failure))
    }

    pub fn vault(&self) -> Vault {
        Vault::from_answers(&self.0)
    }
}

/// The id of an object of the vault.
pub fn id(below: &str) -> String {
    format!("{VAULT}/{below}")
}

/// An item: its provider, its properties and its details beside what all have.
pub fn item(name: &str, provider: &str, properties: Value, details: Value) -> Value {
    let mut body = json!({
        "id": id(&format!("{CONTAINER}/replicationProtectedItems/{name}-item")),
        "name": format!("{name}-item"),
        "properties": {
            "friendlyName": name,
            "currentScenario": { "scenarioName": "None", "startTime": "1753-01-01T01:01:01Z" },
            "providerSpecificDetails": { "instanceType": provider },
        },
    });
    for (name, value) in properties.as_object().unwrap() {
        body["properties"][name] = value.clone();
    }
    for (name, value) in details.as_object().unwrap() {
        body["properties"]["providerSpecificDetails"][name] = value.clone();
    }
    body
}

/// A virtual machine in Azure with a power state, its network card and that card's address.
pub fn azure_machine(name: &str, power: &str, mac: &str, address: &str) -> [Value; 2] {
    let vm = format!("{GROUP}/providers/Microsoft.Compute/virtualMachines/{name}");
    let card = format!("{GROUP}/providers/Microsoft.Network/networkInterfaces/{name}-nic");
    [
        json!({ "id": vm, "properties": {
            "networkProfile": { "networkInterfaces": [{ "id": card }] },
            "instanceView": { "statuses": [
                { "code": "ProvisioningState/succeeded" }, { "code": format!("PowerState/{power}") } ] },
        } }),
        json!({ "id": card, "properties": {
            "macAddress": mac, "virtualMachine": { "id": vm },
            "ipConfigurations": [{ "properties": {
                "privateIPAddress": address, "subnet": { "id": format!("{}/subnets/a", network_id("net-run")) } } }],
        } }),
    ]
}

pub fn network_id(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}")
}

/// A site with these machines.
pub fn site(machines: &[&str]) -> PlannedSite {
    let machine =
        |name: &&str| PlannedMachine { name: (*name).to_owned(), ..PlannedMachine::default() };
    PlannedSite { machines: machines.iter().map(machine).collect(), ..PlannedSite::default() }
}

/// What is shown, as `good: words`, or the reason why nothing is.
pub fn words(shown: &Fact<Shown>) -> String {
    match shown {
        Fact::Known(shown) => format!("{:?}: {}", shown.state, shown.says).to_lowercase(),
        Fact::Unavailable(why) => format!("unknown: {}", why.reason).to_lowercase(),
    }
}

/// The vault and one machine of it, called `app`.
pub fn with_app(answers: &GivenAnswers, read: impl Fn(&SiteInVault<'_>) -> String) -> String {
    let vault = answers.vault();
    read(&SiteInVault::new(&vault, site(&["app"])))
}
