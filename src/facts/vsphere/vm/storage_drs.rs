//! What a datastore cluster may do to the disks of a machine.
//!
//! Not for what it has done: `storage_moves` reads the server's log of events.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::facts::Fact;
use crate::facts::vsphere::inventory::Inventory;
use crate::facts::vsphere::property::{
    InventoryObject, as_bool, object_rows, optional_text, required_text,
};

/// What a datastore cluster may do to a machine's disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StorageDrsFacts {
    /// Whether it moves them by itself.
    pub automated: bool,
    /// The cluster, and what it may do.
    pub words: String,
}

/// Reads what Storage DRS may do to a machine, on each of its datastores.
pub(super) fn from_object(
    machine: &InventoryObject,
    inventory: &Inventory,
) -> Fact<StorageDrsFacts> {
    let datastores = match machine.references("datastore") {
        Fact::Known(datastores) if datastores.is_empty() => {
            return Fact::unavailable("the server gives no datastore of it");
        }
        Fact::Known(datastores) => datastores,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let mut automated = false;
    let mut words = Vec::new();
    for reference in &datastores {
        let Some(datastore) = inventory.get(reference) else {
            return Fact::unavailable(format!("{reference} is not visible to the account"));
        };
        let pod = match inventory.ancestor_in_datacenter(datastore, "StoragePod") {
            Fact::Known(Some(pod)) => pod,
            Fact::Known(None) => continue,
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        };
        let entry = pod.value("podStorageDrsEntry");
        let behaviour = match entry.and_then(|entry| behaviour(entry, &machine.object)) {
            Fact::Known(behaviour) => behaviour,
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        };
        automated |= behaviour == "automated";
        words.push(format!(
            "{} is in datastore cluster {}, Storage DRS is {behaviour}",
            inventory.name(reference),
            inventory.name(&pod.object)
        ));
    }
    words.dedup();
    if words.is_empty() {
        words.push("its datastores are in no datastore cluster".to_owned());
    }
    Fact::Known(StorageDrsFacts { automated, words: words.join("; ") })
}

/// What Storage DRS may do to a machine: the machine's own setting, else the cluster's.
fn behaviour(entry: &Value, machine: &str) -> Fact<String> {
    let Some(config) = entry.get("storageDrsConfig") else {
        return Fact::unavailable("the server gives no setting of the datastore cluster");
    };
    let pod = config.get("podConfig").unwrap_or(&Value::Null);
    let enabled = match truth(pod, "enabled") {
        Fact::Known(Some(enabled)) => enabled,
        Fact::Known(None) => return Fact::unavailable("whether Storage DRS is on is not said"),
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    if !enabled {
        return Fact::Known("off".to_owned());
    }
    // A cluster in which no machine has a setting of its own has no such list.
    let all = match config.get("vmConfig").map(|all| object_rows(all, "vmConfig")) {
        Some(Fact::Known(all)) => all,
        Some(Fact::Unavailable(why)) => return Fact::Unavailable(why),
        None => &[],
    };
    let mut own = None;
    for row in all {
        match required_text(row, "vm") {
            Fact::Known(vm) if vm == machine => own = own.or(Some(row)),
            Fact::Known(_) => {}
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        }
    }
    if let Some(own) = own {
        match truth(own, "enabled") {
            Fact::Known(Some(false)) => return Fact::Known("off for this machine".to_owned()),
            Fact::Known(_) => {}
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        }
        if own.get("behavior").is_some() {
            return required_text(own, "behavior").map(str::to_owned);
        }
    }
    match optional_text(pod, "defaultVmBehavior") {
        Some(behaviour) => Fact::Known(behaviour.to_owned()),
        None => Fact::unavailable("what Storage DRS may do is not said"),
    }
}

/// A yes or no that need not be set.
fn truth(value: &Value, name: &str) -> Fact<Option<bool>> {
    match value.get(name) {
        None => Fact::Known(None),
        Some(said) => match as_bool(said) {
            Some(said) => Fact::Known(Some(said)),
            None => Fact::unavailable(format!("{name} is {said:.60}, neither true nor false")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::vsphere::inventory::tests::inventory;
    use serde_json::json;

    #[test]
    fn a_machine_follows_its_datastore_cluster_unless_it_has_a_setting_of_its_own() {
        let entry = |pod: Value, vm: Value| json!({ "storageDrsConfig": { "podConfig": pod, "vmConfig": vm } });
        let on = json!({ "enabled": "true", "defaultVmBehavior": "automated" });
        let manual = json!({ "enabled": "true", "defaultVmBehavior": "manual" });
        let own = |key: &str, value: &str| json!([{ "vm": "VirtualMachine:vm-1", key: value }]);
        for (entry, expected) in [
            (entry(on.clone(), json!([])), Some("automated")),
            (entry(manual.clone(), json!("")), Some("manual")),
            (json!({ "storageDrsConfig": { "podConfig": manual } }), Some("manual")),
            (
                entry(json!({ "enabled": "false", "defaultVmBehavior": "automated" }), json!([])),
                Some("off"),
            ),
            (entry(on.clone(), own("behavior", "manual")), Some("manual")),
            (entry(on.clone(), own("enabled", "false")), Some("off for this machine")),
            (
                entry(on.clone(), json!([{ "vm": "VirtualMachine:vm-2", "behavior": "manual" }])),
                Some("automated"),
            ),
            // Nothing that is missing stands for anything.
            (json!({}), None),
            (json!(null), None),
            (json!({ "storageDrsConfig": null }), None),
            (entry(json!(null), json!([])), None),
            (entry(json!({ "enabled": null, "defaultVmBehavior": "manual" }), json!([])), None),
            (entry(json!({ "defaultVmBehavior": "manual" }), json!([])), None),
            (entry(json!({ "enabled": "true" }), json!([])), None),
            (entry(manual.clone(), json!(null)), None),
            (entry(manual.clone(), json!([{ "behavior": "automated" }])), None),
            (entry(manual.clone(), json!([{ "vm": null, "behavior": "automated" }])), None),
            (entry(manual, json!([{ "vm": "VirtualMachine:vm-1", "behavior": null }])), None),
        ] {
            let read = behaviour(&entry, "VirtualMachine:vm-1");
            assert_eq!(read.known().map(String::as_str), expected, "{entry}");
        }
    }

    #[test]
    fn a_cluster_that_is_hidden_is_not_no_cluster() {
        let object = |reference: &str, parent: &str| json!({ "object": reference, "properties": { "name": "x", "parent": parent } });
        let machine: InventoryObject = serde_json::from_value(json!({
            "object": "VirtualMachine:vm-1", "properties": { "datastore": ["Datastore:d"] } }))
        .unwrap();
        let pod = json!({ "object": "StoragePod:p", "properties": { "name": "pod", "parent": "Folder:f",
            "podStorageDrsEntry": { "storageDrsConfig": { "podConfig": { "enabled": "true", "defaultVmBehavior": "manual" } } } } });
        let folder = object("Folder:f", "Datacenter:dc");
        for (parent, folders, pods, expected) in [
            (
                "Folder:f",
                json!([folder]),
                json!([]),
                Some("its datastores are in no datastore cluster"),
            ),
            (
                "StoragePod:p",
                json!([folder]),
                json!([pod]),
                Some("x is in datastore cluster pod, Storage DRS is manual"),
            ),
            ("StoragePod:p", json!([folder]), json!([]), None),
            ("Folder:f", json!([]), json!([]), None),
            ("", json!([folder]), json!([]), None),
        ] {
            let all = inventory(&[
                ("datacenters", true, json!([object("Datacenter:dc", "Folder:root")])),
                ("datastores", true, json!([object("Datastore:d", parent)])),
                ("folders", true, folders),
                ("pods", true, pods),
            ]);
            let read = from_object(&machine, &all);
            let words = read.known().map(|facts| facts.words.as_str());
            assert_eq!(words, expected, "{parent}");
        }
    }
}
