//! What a datastore cluster may do to the disks of a machine.
//!
//! Not for what it has done: `storage_moves` reads the server's log of events.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::facts::Unavailable;
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
) -> Result<StorageDrsFacts, Unavailable> {
    let datastores = machine.references("datastore")?;
    if datastores.is_empty() {
        return Err("the server gives no datastore of it".into());
    }
    let mut automated = false;
    let mut words = Vec::new();
    for reference in &datastores {
        let datastore = inventory.get(reference);
        let datastore =
            datastore.ok_or_else(|| format!("{reference} is not visible to the account"))?;
        let pod = inventory.ancestor_in_datacenter(datastore, "StoragePod")?;
        let Some(pod) = pod else { continue };
        let behaviour = behaviour(pod.value("podStorageDrsEntry")?, &machine.object)?;
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
    Ok(StorageDrsFacts { automated, words: words.join("; ") })
}

/// What Storage DRS may do to a machine: the machine's own setting, else the cluster's.
fn behaviour(entry: &Value, machine: &str) -> Result<String, Unavailable> {
    let config = entry.get("storageDrsConfig");
    let config = config.ok_or("the server gives no setting of the datastore cluster")?;
    let pod = config.get("podConfig").unwrap_or(&Value::Null);
    if !truth(pod, "enabled")?.ok_or("the server does not say whether Storage DRS is on")? {
        return Ok("off".to_owned());
    }
    // A cluster in which no machine has a setting of its own has no such list.
    let all = config.get("vmConfig").map_or(Ok(&[][..]), |all| object_rows(all, "vmConfig"))?;
    let mut own = None;
    for row in all {
        if required_text(row, "vm")? == machine {
            own = own.or(Some(row));
        }
    }
    if let Some(own) = own {
        if truth(own, "enabled")? == Some(false) {
            return Ok("off for this machine".to_owned());
        }
        if own.get("behavior").is_some() {
            return required_text(own, "behavior").map(str::to_owned);
        }
    }
    let default = optional_text(pod, "defaultVmBehavior");
    Ok(default.ok_or("the server does not say what Storage DRS may do")?.to_owned())
}

/// A yes or no that need not be set.
fn truth(value: &Value, name: &str) -> Result<Option<bool>, Unavailable> {
    let truth = |value| {
        as_bool(value)
            .ok_or_else(|| format!("{name} is {value:.60}, neither true nor false").into())
    };
    value.get(name).map(truth).transpose()
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
            assert_eq!(read.ok().as_deref(), expected, "{entry}");
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
            let words = read.as_ref().ok().map(|facts| facts.words.as_str());
            assert_eq!(words, expected, "{parent}");
        }
    }
}
