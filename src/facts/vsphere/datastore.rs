//! Datastores: what they are, what is free on them, and which host reaches them how.
//!
//! Not for what a machine needs of them: `vm` and the master target's side say that.

use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::Inventory;
use super::property::{InventoryObject, as_bool, object_rows, required_text};
use crate::facts::{Collection, Fact};

/// Bytes of a MiB.
const MIB: i64 = 1024 * 1024;

/// A datastore, as one host reaches it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DatastoreFacts {
    /// Its name.
    pub name: String,
    /// What it is, in capitals: `VMFS`, `NFS`, `NFS41`, `VSAN`, `VVOL`.
    pub kind: Fact<String>,
    /// Whether it is accessible to the host.
    pub accessible: Fact<bool>,
    /// Whether the host may write to it.
    pub read_write: Fact<bool>,
    /// Whether it is in maintenance mode, or on its way into it: then nothing new is put on it.
    pub maintenance: Fact<bool>,
    /// MiB that are free.
    pub free_mib: Fact<i64>,
    /// Name and type in one text, and whether it is in maintenance mode.
    pub words: String,
}

/// Reads a datastore by its reference, as this host reaches it.
pub fn from_inventory(inventory: &Inventory, reference: &str, host: &str) -> Fact<DatastoreFacts> {
    let Some(datastore) = inventory.get(reference) else {
        return Fact::unavailable(format!("{reference} is not visible to the account"));
    };
    let name = inventory.name(reference);
    let kind = datastore.text("summary.type").and_then(|kind| match kind.trim() {
        "" => Fact::unavailable("its type is empty"),
        kind => Fact::Known(kind.to_uppercase()),
    });
    let mount = mount_on_host(datastore, host);
    let maintenance = maintenance(datastore);
    let mode = if maintenance == Fact::Known(true) { ", in maintenance mode" } else { "" };
    let words = match &kind {
        Fact::Known(kind) => format!("{name} ({kind}{mode})"),
        Fact::Unavailable(_) => name.clone(),
    };
    Fact::Known(DatastoreFacts {
        accessible: accessible(datastore, &mount),
        read_write: read_write(&mount),
        maintenance,
        free_mib: datastore.int("summary.freeSpace").map(|bytes| bytes / MIB),
        kind,
        name,
        words,
    })
}

/// Every datastore of a host.
pub fn datastores_of_host(
    inventory: &Inventory,
    host: &InventoryObject,
) -> Fact<Collection<Fact<DatastoreFacts>>> {
    host.references("datastore").map(|references| {
        let all =
            references.iter().map(|reference| from_inventory(inventory, reference, &host.object));
        Collection::complete(all.collect())
    })
}

fn maintenance(datastore: &InventoryObject) -> Fact<bool> {
    datastore.text("summary.maintenanceMode").and_then(|mode| match mode.as_str() {
        "normal" => Fact::Known(false),
        "inMaintenance" | "enteringMaintenance" => Fact::Known(true),
        other => Fact::unavailable(format!("its maintenance mode is {other:?}")),
    })
}

/// How a host mounts a datastore: access mode, and whether it is mounted and accessible.
struct DatastoreMount {
    mode: Fact<String>,
    mounted: Fact<bool>,
    accessible: Fact<bool>,
}

fn mount_on_host(datastore: &InventoryObject, host: &str) -> Fact<Option<DatastoreMount>> {
    let mounts = match datastore.value("host").and_then(|value| object_rows(value, "host")) {
        Fact::Known(mounts) => mounts,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let mut nameless = None;
    for mount in mounts {
        match required_text(mount, "key") {
            Fact::Known(key) if key == host => {
                let Some(info) = mount.get("mountInfo") else {
                    return Fact::unavailable("how the host mounts it is not said");
                };
                let truth = |name| {
                    required_text(info, name).and_then(|_| match info.get(name).and_then(as_bool) {
                        Some(truth) => Fact::Known(truth),
                        None => Fact::unavailable(format!("{name} is neither true nor false")),
                    })
                };
                return Fact::Known(Some(DatastoreMount {
                    mode: required_text(info, "accessMode").map(str::to_owned),
                    mounted: truth("mounted"),
                    accessible: truth("accessible"),
                }));
            }
            Fact::Known(_) => {}
            Fact::Unavailable(why) => nameless = Some(why),
        }
    }
    // A mount of which nobody knows whose it is may be this host's.
    nameless.map_or(Fact::Known(None), Fact::Unavailable)
}

/// What of the host's own word and of the datastore's summary says no counts; without a no, both
/// must say yes.
fn accessible(datastore: &InventoryObject, mount: &Fact<Option<DatastoreMount>>) -> Fact<bool> {
    let mount = match mount {
        Fact::Known(Some(mount)) => mount,
        Fact::Known(None) => return Fact::Known(false),
        Fact::Unavailable(why) => return Fact::Unavailable(why.clone()),
    };
    let said = [&mount.mounted, &mount.accessible, &datastore.bool("summary.accessible")];
    if said.into_iter().any(|said| *said == Fact::Known(false)) {
        return Fact::Known(false);
    }
    let silent = said.into_iter().find(|said| said.known().is_none());
    silent.cloned().unwrap_or(Fact::Known(true))
}

fn read_write(mount: &Fact<Option<DatastoreMount>>) -> Fact<bool> {
    match mount {
        Fact::Known(None) => Fact::unavailable("the host does not mount it"),
        Fact::Known(Some(mount)) => mount.mode.clone().and_then(|mode| match mode.as_str() {
            "readWrite" => Fact::Known(true),
            "readOnly" => Fact::Known(false),
            other => Fact::unavailable(format!("its access mode is {other:?}")),
        }),
        Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn datastore(mounts: Value) -> InventoryObject {
        let properties = json!({
            "summary.accessible": "true", "summary.type": "vsan", "host": mounts
        });
        serde_json::from_value(json!({ "object": "Datastore:d", "properties": properties }))
            .unwrap()
    }

    #[test]
    fn a_host_reaches_what_it_mounts_itself() {
        let mount = |host: &str, mode: &str, mounted: &str, accessible: Value| json!({ "key": host, "mountInfo": { "accessMode": mode, "mounted": mounted, "accessible": accessible } });
        let own = |mode, mounted, accessible| {
            json!([
                mount("HostSystem:other", "readWrite", "true", json!("true")),
                mount("HostSystem:h", mode, mounted, accessible),
            ])
        };
        for (mounts, reached, written) in [
            (own("readWrite", "true", json!("true")), Some(true), Some(true)),
            (own("readWrite", "true", json!(null)), None, Some(true)),
            (
                json!([{ "key": "HostSystem:h", "mountInfo": { "accessMode": "readWrite", "accessible": "true" } }]),
                None,
                Some(true),
            ),
            (
                json!([{ "key": "HostSystem:h", "mountInfo": { "accessMode": "readWrite", "mounted": "true" } }]),
                None,
                Some(true),
            ),
            (
                json!([{ "key": "HostSystem:h", "mountInfo": { "mounted": "true", "accessible": "true" } }]),
                Some(true),
                None,
            ),
            (json!([{ "key": "HostSystem:h" }]), None, None),
            (
                json!([{ "mountInfo": { "accessMode": "readWrite", "mounted": "true", "accessible": "true" } }]),
                None,
                None,
            ),
            (json!([null]), None, None),
            (own("readOnly", "true", json!("true")), Some(true), Some(false)),
            (own("readWrite", "false", json!("true")), Some(false), Some(true)),
            (own("readWrite", "true", json!("false")), Some(false), Some(true)),
            (own("", "true", json!("true")), Some(true), None),
            (
                json!([mount("HostSystem:other", "readWrite", "true", json!("true"))]),
                Some(false),
                None,
            ),
            (json!([]), Some(false), None),
            (json!(""), Some(false), None),
        ] {
            let datastore = datastore(mounts.clone());
            let mount = mount_of(&datastore);
            assert_eq!(accessible(&datastore, &mount).known().copied(), reached, "{mounts}");
            assert_eq!(read_write(&mount).known().copied(), written, "{mounts}");
        }
    }

    #[test]
    fn a_datastore_in_maintenance_mode_is_known_as_one() {
        for (mode, expected) in [
            (json!("normal"), Some(false)),
            (json!("inMaintenance"), Some(true)),
            (json!("enteringMaintenance"), Some(true)),
            (json!("other"), None),
            (json!(null), None),
        ] {
            let properties = json!({ "summary.maintenanceMode": mode });
            let datastore: InventoryObject = serde_json::from_value(
                json!({ "object": "Datastore:d", "properties": properties }),
            )
            .unwrap();
            assert_eq!(maintenance(&datastore).known().copied(), expected, "{mode}");
        }
    }

    fn mount_of(datastore: &InventoryObject) -> Fact<Option<DatastoreMount>> {
        mount_on_host(datastore, "HostSystem:h")
    }
}
