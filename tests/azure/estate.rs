//! What a stand-in has: vaults with their fabrics, machines and jobs, and the machines' side in Azure. All names,
//! ids and times are made up here; the shapes are those of recorded answers.
//!
//! Not for serving it (`standin`), nor for the single objects (`objects`).

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::objects::{self, Machine};
use super::standin::{Reply, Request};

/// The subscription.
pub const SUBSCRIPTION: &str = "7d7f2b1c-1111-4222-8333-0123456789ab";
/// The resource group of the vault.
pub const GROUP: &str = "rg-dr";
/// The name of the vault.
pub const VAULT: &str = "vault-falun";

/// The id of the vault.
pub fn vault_id() -> String {
    objects::resource(GROUP, "Microsoft.RecoveryServices/vaults", VAULT)
}

/// The address of the vault.
pub fn vault_address() -> String {
    format!("azure://{SUBSCRIPTION}/{GROUP}/{VAULT}")
}

/// What a path leads to.
#[derive(Clone, Debug)]
pub enum Entry {
    One(Value),
    List(Vec<Value>),
}

/// Everything a stand-in serves.
#[derive(Clone)]
pub struct Estate {
    /// By path in lower case.
    pub entries: BTreeMap<String, Entry>,
    /// How many entries a page has.
    pub page: usize,
    /// How long every answer takes.
    pub latency: Duration,
    /// The time that every answer has.
    pub date: String,
}

impl Estate {
    /// A vault with nothing in it.
    pub fn empty() -> Self {
        let mut estate = Self {
            entries: BTreeMap::new(),
            page: 50,
            latency: Duration::ZERO,
            date: "Fri, 20 Nov 2026 08:00:00 GMT".to_owned(),
        };
        let vault = vault_id();
        estate.put(objects::vault());
        for list in [
            "replicationFabrics",
            "replicationProtectedItems",
            "replicationPolicies",
            "replicationProtectionContainerMappings",
            "replicationRecoveryPlans",
            "replicationvCenters",
            "replicationRecoveryServicesProviders",
            "replicationJobs",
            "replicationEvents",
        ] {
            estate.list(&format!("{vault}/{list}"));
        }
        estate.entries.insert(
            format!("{vault}/replicationVaultHealth").to_lowercase(),
            Entry::One(objects::vault_health()),
        );
        estate.list(&format!(
            "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines"
        ));
        let vaults =
            format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.RecoveryServices/vaults");
        estate.add_to(&vaults, objects::vault());
        estate
    }

    /// A classic vault with so many machines in Azure, protected back, and a site-to-site VPN.
    pub fn classic(machines: usize) -> Self {
        let mut estate = Self::empty();
        let fabric = objects::classic_fabric();
        estate.add_fabric(&fabric);
        for number in 0..machines {
            estate.add_machine(&Machine::classic_back(number));
        }
        estate.add_servers_of_classic();
        estate.add_azure_side(machines);
        let (vm, card) = objects::process_server_in_azure();
        estate.add_in_azure(vm, card);
        estate
    }

    /// A modernised vault with so many machines in Azure, protected back.
    pub fn modernised(machines: usize) -> Self {
        let mut estate = Self::empty();
        estate.add_fabric(&objects::modernised_fabric());
        for number in 0..machines {
            estate.add_machine(&Machine::modernised_back(number));
        }
        estate.add_azure_side(machines);
        estate
    }

    /// A Hyper-V vault with a machine in this state.
    pub fn hyperv(kind: &str, hosts: &[&str], status: &str, item: &Value) -> Self {
        let mut estate = Self::empty();
        let fabric = format!("{}/replicationFabrics/hv-site", vault_id());
        let hosts: Vec<Value> =
            hosts.iter().map(|name| json!({ "id": name, "name": name })).collect();
        estate.add_fabric(&json!({ "id": fabric, "name": "hv-site", "type": "Microsoft.RecoveryServices/vaults/replicationFabrics",
            "properties": { "friendlyName": "hv-site", "health": "Normal", "encryptionDetails": { "kekState": "None" },
                "customDetails": { "instanceType": kind, "hyperVHosts": hosts } } }));
        let provider = json!({ "id": format!("{fabric}/replicationRecoveryServicesProviders/p1"), "name": "p1",
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationRecoveryServicesProviders",
            "properties": { "fabricType": kind, "friendlyName": "hv1", "connectionStatus": status,
                "lastHeartBeat": "2026-11-20T07:55:00Z" } });
        estate.add_to(&format!("{}/replicationRecoveryServicesProviders", vault_id()), provider);
        let id =
            format!("{fabric}/replicationProtectionContainers/c/replicationProtectedItems/hv-app");
        let mut body = json!({ "id": id, "name": "hv-app",
            "type": "Microsoft.RecoveryServices/vaults/replicationFabrics/replicationProtectionContainers/replicationProtectedItems",
            "properties": { "friendlyName": "hv-app", "replicationHealth": "Normal", "healthErrors": [],
                "lastSuccessfulFailoverTime": "2026-11-01T08:00:00Z",
                "providerSpecificDetails": { "instanceType": "HyperVReplicaAzure", "encryption": "Disabled", "useManagedDisks": "false",
                    "recoveryAzureStorageAccount": "/x/storageAccounts/dr" } } });
        for (key, value) in item.as_object().unwrap() {
            body["properties"][key] = value.clone();
        }
        estate.put(body.clone());
        estate.list(&format!("{id}/recoveryPoints"));
        estate.add_to(&format!("{}/replicationProtectedItems", vault_id()), body);
        estate
    }

    fn add_servers_of_classic(&mut self) {
        let vault = vault_id();
        self.add_to(&format!("{vault}/replicationvCenters"), objects::vcenter());
        for policy in objects::policies() {
            self.add_to(&format!("{vault}/replicationPolicies"), policy);
        }
        let mappings = format!("{vault}/replicationProtectionContainerMappings");
        self.add_to(&mappings, objects::failback_mapping());
        self.add_to(&format!("{vault}/replicationRecoveryPlans"), objects::plan());
        for job in objects::jobs() {
            self.add_job(job);
        }
    }

    /// Adds a job: whole by its id, without errors in the list.
    pub fn add_job(&mut self, job: Value) {
        self.put(job.clone());
        let mut listed = job;
        listed["properties"]["errors"] = json!([]);
        listed["properties"]["tasks"] = json!([]);
        listed["properties"]["customDetails"] = Value::Null;
        self.add_to(&format!("{}/replicationJobs", vault_id()), listed);
    }

    /// Adds a fabric with its container: whole by its id, without the appliance's parts in the list.
    pub fn add_fabric(&mut self, fabric: &Value) {
        let vault = vault_id();
        self.put(fabric.clone());
        let mut listed = fabric.clone();
        if let Some(details) = listed["properties"]["customDetails"].as_object_mut()
            && details["instanceType"] == "InMageRcm"
        {
            for value in details.values_mut().filter(|value| value.is_array()) {
                *value = json!([]);
            }
        }
        self.add_to(&format!("{vault}/replicationFabrics"), listed);
        let id = fabric["id"].as_str().unwrap();
        let container = objects::container(id);
        self.add_to(&format!("{id}/replicationProtectionContainers"), container.clone());
        for list in ["replicationProtectedItems", "replicationProtectionContainerMappings"] {
            self.list(&format!("{}/{list}", container["id"].as_str().unwrap()));
        }
        for list in ["replicationvCenters", "replicationRecoveryServicesProviders"] {
            self.list(&format!("{id}/{list}"));
        }
    }

    /// Adds a machine: whole by its id, without disks and network cards in lists.
    pub fn add_machine(&mut self, machine: &Machine) {
        let item = machine.item();
        let id = item["id"].as_str().unwrap().to_owned();
        self.put(item.clone());
        for point in machine.recovery_points() {
            self.add_to(&format!("{id}/recoveryPoints"), point);
        }
        let mut listed = item;
        let details = &mut listed["properties"]["providerSpecificDetails"];
        for key in ["protectedDisks", "vmNics"] {
            if details[key].is_array() {
                details[key] = json!([]);
            }
        }
        for key in ["masterTargetId", "discoveredVmDetails"] {
            if !details[key].is_null() {
                details[key] = Value::Null;
            }
        }
        let container = id.rsplit_once("/replicationProtectedItems/").unwrap().0;
        self.add_to(&format!("{container}/replicationProtectedItems"), listed.clone());
        self.add_to(&format!("{}/replicationProtectedItems", vault_id()), listed);
    }

    /// Makes a machine of the vault one that has failed over to Azure, and is committed there.
    pub fn fail_over(&mut self, number: usize) {
        let old = Machine::classic_back(number).item()["id"].as_str().unwrap().to_lowercase();
        self.entries.remove(&old);
        let container = old.rsplit_once("/replicationprotecteditems/").unwrap().0.to_owned();
        let lists = [container, vault_id().to_lowercase()];
        let lists = lists.map(|parent| format!("{parent}/replicationprotecteditems"));
        for list in &lists {
            if let Some(Entry::List(items)) = self.entries.get_mut(list) {
                items.retain(|item| item["id"].as_str().unwrap().to_lowercase() != old);
            }
        }
        self.add_machine(&Machine::classic_home(number));
        let id = Machine::classic_home(number).item()["id"].as_str().unwrap().to_lowercase();
        let change = |item: &mut Value| {
            let properties = &mut item["properties"];
            properties["protectionState"] = "UnplannedFailoverCommitted".into();
            properties["protectionStateDescription"] = "Failover committed".into();
            properties["activeLocation"] = "Recovery".into();
            properties["allowedOperations"] =
                json!(["CompleteMigration", "DisableProtection", "SwitchProtection"]);
            properties["providerSpecificDetails"]["targetVmId"] =
                objects::virtual_machine(number)["id"].clone();
        };
        self.change(&id, change);
        for list in &lists {
            if let Some(Entry::List(items)) = self.entries.get_mut(list) {
                let is_own = |item: &&mut Value| item["id"].as_str().unwrap().to_lowercase() == id;
                items.iter_mut().filter(is_own).for_each(change);
            }
        }
    }

    /// Adds the machines in Azure, their network cards and network, and the gateway with its connection home.
    pub fn add_azure_side(&mut self, machines: usize) {
        for number in 0..machines {
            self.add_in_azure(objects::virtual_machine(number), objects::network_card(number));
        }
        self.put(objects::network());
        let (gateway, connection) = (objects::gateway(), objects::connection());
        self.add_to(
            &format!("{}/connections", gateway["id"].as_str().unwrap()),
            connection.clone(),
        );
        self.put(gateway);
        self.put(connection);
    }

    /// Adds a machine in Azure that runs, and its network card.
    pub fn add_in_azure(&mut self, vm: Value, card: Value) {
        let providers = format!("/subscriptions/{SUBSCRIPTION}/providers");
        let group = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/{}/providers",
            objects::AZURE_GROUP
        );
        self.add_to(&format!("{group}/Microsoft.Compute/virtualMachines"), vm.clone());
        self.add_to(&format!("{group}/Microsoft.Network/networkInterfaces"), card);
        let mut state = json!({ "id": vm["id"], "name": vm["name"], "type": vm["type"], "location": vm["location"] });
        state["properties"]["instanceView"] = objects::instance_view("running");
        self.add_to(&format!("{providers}/Microsoft.Compute/virtualMachines"), state);
        self.put(vm);
    }

    /// Puts an object at its id.
    pub fn put(&mut self, object: Value) {
        let id = object["id"].as_str().unwrap().to_lowercase();
        self.entries.insert(id, Entry::One(object));
    }

    /// Makes a list that may be empty.
    pub fn list(&mut self, path: &str) {
        self.entries.entry(path.to_lowercase()).or_insert(Entry::List(Vec::new()));
    }

    /// Adds an object to a list.
    pub fn add_to(&mut self, path: &str, object: Value) {
        let entry = self.entries.entry(path.to_lowercase()).or_insert(Entry::List(Vec::new()));
        if let Entry::List(list) = entry {
            list.push(object);
        }
    }

    /// Changes the object at an id.
    pub fn change(&mut self, id: &str, change: impl FnOnce(&mut Value)) {
        match self.entries.get_mut(&id.to_lowercase()) {
            Some(Entry::One(object)) => change(object),
            other => panic!("{id}: {other:?}"),
        }
    }

    /// Answers a GET.
    pub fn reply(&self, request: &Request, origin: &str) -> Reply {
        match self.entries.get(&request.path) {
            None => {
                let message = format!("The Resource '{}' was not found.", request.path);
                Reply::error(404, "ResourceNotFound", &message)
            }
            Some(Entry::One(object)) => {
                let mut object = object.clone();
                if request.query.get("$expand").is_some_and(|what| what == "instanceView") {
                    object["properties"]["instanceView"] = objects::instance_view("running");
                }
                Reply::json(200, &object)
            }
            Some(Entry::List(list)) => {
                let from =
                    request.query.get("$skiptoken").and_then(|text| text.parse().ok()).unwrap_or(0);
                let to = list.len().min(from + self.page);
                let mut body = json!({ "value": list[from.min(to)..to] });
                let is_of_vault = request.path.contains("/replication");
                if to < list.len() {
                    let version = &request.query["api-version"];
                    let path = request.target.split('?').next().unwrap_or_default();
                    body["nextLink"] =
                        format!("{origin}{path}?api-version={version}&%24skipToken={to}").into();
                } else if is_of_vault {
                    body["nextLink"] = Value::Null;
                }
                Reply::json(200, &body)
            }
        }
    }
}
