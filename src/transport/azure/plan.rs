//! Which requests follow from which answers: the whole list of what this program ever asks Azure for.
//!
//! Every path is made of ids that are of the expected type and, below a vault, of that vault. Not for making the
//! requests (`collect`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::Api;
use super::client::Get;
use super::resource::{COMPUTE, NETWORK, RECOVERY_SERVICES, ResourceId};
use crate::facts::azure::words::word;

/// The most failed or unfinished jobs whose details are asked for.
const MAX_JOBS: usize = 20;

/// The most resource groups, networks, gateways and circuits that are asked about, of each.
const MAX_OF_EACH: usize = 25;

/// The most machines whose power is asked for one by one where one list for all is refused.
const MAX_INSTANCE_VIEWS: usize = 10;

/// The types below a vault.
const FABRIC: &[&str] = &["vaults", "replicationFabrics"];
const CONTAINER: &[&str] = &["vaults", "replicationFabrics", "replicationProtectionContainers"];
const ITEM: &[&str] = &[
    "vaults",
    "replicationFabrics",
    "replicationProtectionContainers",
    "replicationProtectedItems",
];
const JOB: &[&str] = &["vaults", "replicationJobs"];

/// The lists of a vault that every run asks for, in this order. The first four are needed by all others.
pub const LISTS: &[&str] = &[
    "replicationFabrics",
    ITEMS,
    "replicationPolicies",
    MAPPINGS,
    "replicationRecoveryPlans",
    VCENTERS,
    PROVIDERS,
    "replicationJobs",
    "replicationEvents",
    "replicationVaultHealth",
];

/// The list of protected items.
pub const ITEMS: &str = "replicationProtectedItems";
/// The list of the mappings of containers.
pub const MAPPINGS: &str = "replicationProtectionContainerMappings";
/// The list of vCenter servers.
pub const VCENTERS: &str = "replicationvCenters";
/// The list of Hyper-V hosts' and configuration servers' providers.
pub const PROVIDERS: &str = "replicationRecoveryServicesProviders";
/// The list of containers of a fabric.
pub const CONTAINERS: &str = "replicationProtectionContainers";

fn site_recovery(path: String) -> Get {
    Get { api: Api::SiteRecovery, path }
}

/// Returns the request for a vault.
pub fn vault(vault: &ResourceId) -> Get {
    Get { api: Api::Vaults, path: vault.to_path() }
}

/// Returns the request for all vaults of a subscription, to find one by its name.
pub fn vaults(subscription: &str) -> Get {
    let path = format!("/subscriptions/{subscription}/providers/{RECOVERY_SERVICES}/vaults");
    Get { api: Api::Vaults, path }
}

/// Returns the request for a list of a vault.
pub fn list(vault: &ResourceId, name: &str) -> Get {
    site_recovery(format!("{}/{name}", vault.to_path()))
}

/// Returns the request for a list below a fabric or a container.
pub fn list_below(resource: &ResourceId, name: &str) -> Get {
    site_recovery(format!("{}/{name}", resource.to_path()))
}

/// Returns the request for the state of all machines of a subscription.
pub fn machine_states(subscription: &str) -> Get {
    let path = format!(
        "/subscriptions/{subscription}/providers/{COMPUTE}/virtualMachines?statusOnly=true"
    );
    Get { api: Api::Compute, path }
}

/// Returns the ids of objects that are of these types below the vault.
fn ids_below<'v>(
    vault: &'v ResourceId,
    objects: &'v [Value],
    types: &'v [&str],
) -> impl Iterator<Item = ResourceId> + 'v {
    let ids = objects.iter().filter_map(|object| object["id"].as_str());
    let ids = ids.filter_map(|id| ResourceId::parse_as(id, RECOVERY_SERVICES, types));
    let mut known = BTreeSet::new();
    ids.filter(move |id| id.is_below(vault) && known.insert(id.key()))
}

/// Returns the fabrics of a list.
pub fn fabrics(vault: &ResourceId, objects: &[Value]) -> Vec<ResourceId> {
    ids_below(vault, objects, FABRIC).collect()
}

/// Returns the containers of a list.
pub fn containers(vault: &ResourceId, objects: &[Value]) -> Vec<ResourceId> {
    ids_below(vault, objects, CONTAINER).collect()
}

/// Returns the requests for each fabric, but not for those of Azure itself, which say nothing.
pub fn fabric_gets(vault: &ResourceId, objects: &[Value]) -> Vec<Get> {
    let is_azure = |object: &&Value| {
        word(&object["properties"], "customDetails.instanceType") != Some("Azure")
    };
    let asked: Vec<Value> = objects.iter().filter(is_azure).cloned().collect();
    fabrics(vault, &asked).iter().map(|id| site_recovery(id.to_path())).collect()
}

/// Returns the items of these machines and of those that share a replication group with one; all items when no machine is named, or
/// one that no item is called.
pub fn items_of(objects: &[Value], machines: &[String]) -> Vec<Value> {
    let is_called = |object: &Value, name: &String| {
        let own = object["properties"]["friendlyName"].as_str();
        own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let are_known =
        machines.iter().all(|name| objects.iter().any(|object| is_called(object, name)));
    let group = |object: &Value| {
        let details = &object["properties"]["providerSpecificDetails"];
        let named = ["multiVmGroupId", "multiVmGroupName"].map(|key| details[key].as_str());
        named.into_iter().flatten().find(|name| !name.is_empty()).map(str::to_lowercase)
    };
    let is_named = |object: &Value| machines.iter().any(|name| is_called(object, name));
    let groups: BTreeSet<String> =
        objects.iter().filter(|object| is_named(object)).filter_map(group).collect();
    let is_wanted = |object: &&Value| {
        machines.is_empty()
            || is_named(object)
            || group(object).is_some_and(|group| groups.contains(&group))
    };
    if are_known { objects.iter().filter(is_wanted).cloned().collect() } else { objects.to_vec() }
}

/// Returns the requests for each item and its recovery points.
pub fn item_gets(vault: &ResourceId, objects: &[Value]) -> Vec<Get> {
    let ids = ids_below(vault, objects, ITEM);
    let gets = ids.flat_map(|id| {
        let path = id.to_path();
        [site_recovery(path.clone()), site_recovery(format!("{path}/recoveryPoints"))]
    });
    gets.collect()
}

/// Returns the requests for the newest job of each machine and scenario that failed, waits or runs: lists have no
/// errors of theirs.
pub fn job_gets(vault: &ResourceId, objects: &[Value]) -> Vec<Get> {
    let text =
        |job: &Value, key: &str| job["properties"][key].as_str().unwrap_or_default().to_owned();
    let mut jobs: Vec<&Value> = objects
        .iter()
        .filter(|job| {
            let state = word(&job["properties"], "state");
            matches!(state, Some("Failed" | "Suspended" | "InProgress"))
        })
        .collect();
    // Times are of one format within a list, so that the newest is the last of their texts.
    jobs.sort_by_key(|job| std::cmp::Reverse(text(job, "startTime")));
    let mut known = BTreeSet::new();
    jobs.retain(|job| {
        known.insert((text(job, "targetObjectName").to_lowercase(), text(job, "scenarioName")))
    });
    let jobs: Vec<Value> = jobs.into_iter().take(MAX_JOBS).cloned().collect();
    ids_below(vault, &jobs, JOB).map(|id| site_recovery(id.to_path())).collect()
}

/// Where the machines of a vault's items are in Azure.
#[derive(Debug, Default, PartialEq)]
pub struct AzureSide {
    /// Resource groups by their key, with subscription and name.
    pub groups: BTreeMap<String, (String, String)>,
    /// Machines by the key of their id.
    pub machines: BTreeMap<String, ResourceId>,
    /// Networks by the key of their id.
    pub networks: BTreeMap<String, ResourceId>,
}

impl AzureSide {
    /// Reads where the machines are from items, and where an item does not say it, from the states of all machines of
    /// the subscription: those of the item's name. `servers` are names of process servers, which may be in Azure.
    pub fn from_items(items: &[&Value], servers: &[String], states: &[Value]) -> Self {
        let mut side = Self::default();
        let mut names: BTreeSet<String> = servers.iter().map(|name| name.to_lowercase()).collect();
        for item in items {
            let details = &item["properties"]["providerSpecificDetails"];
            let text = |key: &str| details[key].as_str().filter(|text| !text.is_empty());
            for key in ["recoveryAzureResourceGroupId", "targetResourceGroupId"] {
                side.add_group(text(key).unwrap_or_default());
            }
            for key in ["targetVmId", "azureVirtualMachineId"] {
                side.add_machine(text(key).unwrap_or_default());
            }
            let group = text("recoveryAzureResourceGroupId").or(text("targetResourceGroupId"));
            let name = text("recoveryAzureVMName")
                .or(text("recoveryAzureVmName"))
                .or(text("targetVmName"));
            if let (Some(group), Some(name)) = (group, name) {
                side.add_machine(&format!("{group}/providers/{COMPUTE}/virtualMachines/{name}"));
            }
            for key in ["selectedRecoveryAzureNetworkId", "targetNetworkId"] {
                side.add_network(text(key).unwrap_or_default());
            }
            if let Some(name) = item["properties"]["friendlyName"].as_str() {
                names.insert(name.to_lowercase());
            }
        }
        for id in states.iter().filter_map(|state| state["id"].as_str()) {
            if ResourceId::parse(id).is_some_and(|id| names.contains(&id.name().to_lowercase())) {
                side.add_machine(id);
            }
        }
        side
    }

    /// Adds a resource group by its id.
    pub fn add_group(&mut self, id: &str) {
        // The id of a group ends where a provider would stand.
        if let Some(id) = ResourceId::parse(&format!("{id}/providers/x/y/z")) {
            let key = format!("{}/{}", id.subscription, id.group).to_ascii_lowercase();
            if self.groups.len() < MAX_OF_EACH {
                self.groups.entry(key).or_insert((id.subscription, id.group));
            }
        }
    }

    fn add_machine(&mut self, id: &str) {
        let Some(id) = ResourceId::parse_as(id, COMPUTE, &["virtualMachines"]) else { return };
        self.add_group(&format!("/subscriptions/{}/resourceGroups/{}", id.subscription, id.group));
        self.machines.insert(id.key(), id);
    }

    fn add_network(&mut self, id: &str) {
        if let Some(id) = ResourceId::parse_as(id, NETWORK, &["virtualNetworks"])
            && self.networks.len() < MAX_OF_EACH
        {
            self.networks.entry(id.key()).or_insert(id);
        }
    }

    /// Returns the requests for the machines and the network cards of each group.
    pub fn group_gets(&self) -> Vec<Get> {
        let gets = self.groups.values().flat_map(|(subscription, group)| {
            let below = format!("/subscriptions/{subscription}/resourceGroups/{group}/providers");
            let get = |api, path| Get { api, path };
            [
                get(Api::Compute, format!("{below}/{COMPUTE}/virtualMachines")),
                get(Api::Network, format!("{below}/{NETWORK}/networkInterfaces")),
            ]
        });
        gets.collect()
    }

    /// Returns the requests for the state of each machine that `states` does not have.
    pub fn state_gets(&self, states: &[Value]) -> Vec<Get> {
        let ids = states.iter().filter(|state| state["properties"]["instanceView"].is_object());
        let ids = ids.filter_map(|state| ResourceId::parse(state["id"].as_str()?));
        let known: BTreeSet<String> = ids.map(|id| id.key()).collect();
        let missing = self.machines.iter().filter(|(key, _)| !known.contains(*key));
        let gets = missing.take(MAX_INSTANCE_VIEWS).map(|(_, id)| Get {
            api: Api::Compute,
            path: format!("{}?$expand=instanceView", id.to_path()),
        });
        gets.collect()
    }

    /// Adds the networks of network cards.
    pub fn add_networks_of(&mut self, cards: &[&Value]) {
        for card in cards {
            let configurations = card["properties"]["ipConfigurations"].as_array();
            for configuration in configurations.into_iter().flatten() {
                let subnet = configuration["properties"]["subnet"]["id"].as_str();
                if let Some(subnet) = subnet.and_then(ResourceId::parse) {
                    self.add_network(&subnet.outermost().to_path());
                }
            }
        }
    }
}

fn network_get(id: &ResourceId) -> Get {
    Get { api: Api::Network, path: id.to_path() }
}

/// Returns the requests for networks.
pub fn network_gets<'i>(ids: impl IntoIterator<Item = &'i ResourceId>) -> Vec<Get> {
    ids.into_iter().take(MAX_OF_EACH).map(network_get).collect()
}

/// Returns the networks whose gateways those networks use that have none of their own.
pub fn hub_networks(networks: &[&Value]) -> BTreeMap<String, ResourceId> {
    let mut hubs = BTreeMap::new();
    for network in networks.iter().filter(|network| gateway_ids(network).is_empty()) {
        let peerings = network["properties"]["virtualNetworkPeerings"].as_array();
        for peering in peerings.into_iter().flatten().map(|peering| &peering["properties"]) {
            let is_used = word(peering, "peeringState") == Some("Connected")
                && peering["useRemoteGateways"].as_bool() == Some(true);
            let remote = peering["remoteVirtualNetwork"]["id"].as_str();
            let remote =
                remote.and_then(|id| ResourceId::parse_as(id, NETWORK, &["virtualNetworks"]));
            if let Some(remote) = remote.filter(|_| is_used) {
                hubs.insert(remote.key(), remote);
            }
        }
    }
    hubs
}

/// Returns the gateways of a network, which its gateway subnet names.
fn gateway_ids(network: &Value) -> Vec<ResourceId> {
    let subnets = network["properties"]["subnets"].as_array();
    let gateways = subnets.into_iter().flatten().filter(|subnet| {
        subnet["name"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("GatewaySubnet"))
    });
    let configurations =
        gateways.filter_map(|subnet| subnet["properties"]["ipConfigurations"].as_array()).flatten();
    let ids = configurations.filter_map(|one| ResourceId::parse(one["id"].as_str()?));
    let ids = ids.map(|id| id.outermost());
    ids.filter(|id| id.is(NETWORK, &["virtualNetworkGateways"])).collect()
}

/// Returns the requests for the gateways of networks and for their connections.
pub fn gateway_gets(networks: &[&Value]) -> Vec<Get> {
    let ids = networks.iter().flat_map(|network| gateway_ids(network));
    let gateways: BTreeMap<String, ResourceId> = ids.map(|id| (id.key(), id)).collect();
    let gets = gateways.values().take(MAX_OF_EACH).flat_map(|id| {
        let connections = Get { api: Api::Network, path: format!("{}/connections", id.to_path()) };
        [network_get(id), connections]
    });
    gets.collect()
}

/// Returns the requests for the circuits of connections, and for the connections whose state the list does not tell.
pub fn circuit_gets(connections: &[&Value]) -> Vec<Get> {
    let mut ids = BTreeMap::new();
    for connection in connections {
        let properties = &connection["properties"];
        let is_known =
            properties["connectionStatus"].as_str().is_some_and(|state| state != "Unknown");
        let own = connection["id"].as_str().filter(|_| !is_known);
        let own = own.and_then(|id| ResourceId::parse_as(id, NETWORK, &["connections"]));
        let circuit = properties["peer"]["id"].as_str();
        let circuit =
            circuit.and_then(|id| ResourceId::parse_as(id, NETWORK, &["expressRouteCircuits"]));
        ids.extend(own.into_iter().chain(circuit).map(|id| (id.key(), id)));
    }
    ids.values().take(MAX_OF_EACH).map(network_get).collect()
}
