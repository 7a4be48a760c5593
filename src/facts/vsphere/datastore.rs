//! Datastores: what they are, what is free on them, and which host reaches them how.
//!
//! Not for what a machine needs of them: `vm` and the master target's side say that.

use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::Inventory;
use super::property::{InventoryObject, as_bool, object_rows, required_text};
use crate::facts::{Collection, Fact, Unavailable};

/// Bytes of a MiB.
const MIB: i64 = 1024 * 1024;

/// A datastore, as one host reaches it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DatastoreFacts {
    /// Its name.
    pub name: String,
    /// Its UUID, which the vault knows it by, too.
    pub uuid: Fact<String>,
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
pub fn from_inventory(
    inventory: &Inventory,
    reference: &str,
    host: &str,
) -> Result<DatastoreFacts, Unavailable> {
    let datastore = inventory.get(reference);
    let datastore =
        datastore.ok_or_else(|| format!("{reference} is not visible to the account"))?;
    let name = inventory.name(reference);
    let kind = kind(datastore);
    let mount = mount_on_host(datastore, host);
    let maintenance = maintenance(datastore);
    let mode = if maintenance == Ok(true) { ", in maintenance mode" } else { "" };
    let words = match &kind {
        Ok(kind) => format!("{name} ({kind}{mode})"),
        Err(_) => name.clone(),
    };
    Ok(DatastoreFacts {
        accessible: accessible(datastore, &mount).into(),
        read_write: read_write(&mount).into(),
        maintenance: maintenance.into(),
        free_mib: datastore.int("summary.freeSpace").map(|bytes| bytes / MIB).into(),
        kind: kind.into(),
        uuid: uuid(datastore).into(),
        name,
        words,
    })
}

/// Its UUID: the last part of a URL such as `ds:///vmfs/volumes/UUID/`.
fn uuid(datastore: &InventoryObject) -> Result<String, Unavailable> {
    let url = datastore.text("summary.url")?;
    let uuid = url.trim_end_matches('/').rsplit_once("/volumes/").map(|(_, uuid)| uuid.to_owned());
    uuid.ok_or_else(|| format!("its URL is {url:?}").into())
}

fn kind(datastore: &InventoryObject) -> Result<String, Unavailable> {
    match datastore.text("summary.type")?.trim() {
        "" => Err("its type is empty".into()),
        kind => Ok(kind.to_uppercase()),
    }
}

/// Every datastore of a host.
pub fn datastores_of_host(
    inventory: &Inventory,
    host: &InventoryObject,
) -> Result<Collection<Fact<DatastoreFacts>>, Unavailable> {
    let references = host.references("datastore")?;
    let datastore = |reference: &String| from_inventory(inventory, reference, &host.object).into();
    Ok(Collection::complete(references.iter().map(datastore).collect()))
}

fn maintenance(datastore: &InventoryObject) -> Result<bool, Unavailable> {
    match datastore.text("summary.maintenanceMode")?.as_str() {
        "normal" => Ok(false),
        "inMaintenance" | "enteringMaintenance" => Ok(true),
        other => Err(format!("its maintenance mode is {other:?}").into()),
    }
}

/// How a host mounts a datastore: access mode, and whether it is mounted and accessible.
struct DatastoreMount {
    mode: Result<String, Unavailable>,
    mounted: Result<bool, Unavailable>,
    accessible: Result<bool, Unavailable>,
}

fn mount_on_host(
    datastore: &InventoryObject,
    host: &str,
) -> Result<Option<DatastoreMount>, Unavailable> {
    let mut nameless = None;
    for mount in object_rows(datastore.value("host")?, "host")? {
        match required_text(mount, "key") {
            Ok(key) if key == host => {
                let info = mount
                    .get("mountInfo")
                    .ok_or("the server does not say how the host mounts it")?;
                let truth = |name| {
                    required_text(info, name)?;
                    let truth = info.get(name).and_then(as_bool);
                    Ok(truth.ok_or_else(|| format!("{name} is neither true nor false"))?)
                };
                return Ok(Some(DatastoreMount {
                    mode: required_text(info, "accessMode").map(str::to_owned),
                    mounted: truth("mounted"),
                    accessible: truth("accessible"),
                }));
            }
            Ok(_) => {}
            Err(why) => nameless = Some(why),
        }
    }
    // A mount of which nobody knows whose it is may be this host's.
    nameless.map_or(Ok(None), Err)
}

/// What of the host's own word and of the datastore's summary says no counts; without a no, both
/// must say yes.
fn accessible(
    datastore: &InventoryObject,
    mount: &Result<Option<DatastoreMount>, Unavailable>,
) -> Result<bool, Unavailable> {
    let Some(mount) = mount.as_ref()? else { return Ok(false) };
    let summary = datastore.bool("summary.accessible");
    let answers = [&mount.mounted, &mount.accessible, &summary];
    if answers.into_iter().any(|answer| *answer == Ok(false)) {
        return Ok(false);
    }
    answers.into_iter().try_fold(true, |all, answer| Ok(all && *answer.as_ref()?))
}

fn read_write(mount: &Result<Option<DatastoreMount>, Unavailable>) -> Result<bool, Unavailable> {
    let mount = mount.as_ref()?.as_ref().ok_or("the host does not mount it")?;
    match mount.mode.as_ref()?.as_str() {
        "readWrite" => Ok(true),
        "readOnly" => Ok(false),
        other => Err(format!("its access mode is {other:?}").into()),
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
            assert_eq!(accessible(&datastore, &mount).ok(), reached, "{mounts}");
            assert_eq!(read_write(&mount).ok(), written, "{mounts}");
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
            assert_eq!(maintenance(&datastore).ok(), expected, "{mode}");
        }
    }

    fn mount_of(datastore: &InventoryObject) -> Result<Option<DatastoreMount>, Unavailable> {
        mount_on_host(datastore, "HostSystem:h")
    }
}
