//! Datastores: what they are, what is free on them, and which host reaches them how.
//!
//! Not for what a machine needs of them: `vm` and the master target's side say that.

use schemars::JsonSchema;
use serde::Serialize;

use super::inventory::Inventory;
use super::property::{Object, as_bool, list, part};
use super::{Fact, Looked};

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
    /// MiB that are free.
    pub free_mib: Fact<i64>,
    /// Name and type in one text.
    pub words: String,
}

/// Reads a datastore by its reference, as this host reaches it.
pub fn of(inventory: &Inventory, reference: &str, host: &str) -> Fact<DatastoreFacts> {
    let Some(datastore) = inventory.get(reference) else {
        return Fact::unavailable(format!("{reference} is not visible to the account"));
    };
    let name = inventory.name(reference);
    let kind = datastore.text("summary.type").map(|kind| kind.trim().to_uppercase());
    let mount = mount(datastore, host);
    let words = match &kind {
        Fact::Known(kind) => format!("{name} ({kind})"),
        Fact::Unavailable(_) => name.clone(),
    };
    Fact::Known(DatastoreFacts {
        accessible: accessible(datastore, &mount),
        read_write: read_write(&mount),
        free_mib: datastore.int("summary.freeSpace").map(|bytes| bytes / MIB),
        kind,
        name,
        words,
    })
}

/// Every datastore of a host.
pub fn of_host(inventory: &Inventory, host: &Object) -> Fact<Looked<Fact<DatastoreFacts>>> {
    host.references("datastore").map(|references| {
        let all = references.iter().map(|reference| of(inventory, reference, &host.object));
        Looked::complete(all.collect())
    })
}

/// How a host mounts a datastore: access mode, and whether it is mounted and accessible.
struct Mount {
    mode: String,
    mounted: bool,
    accessible: Option<bool>,
}

fn mount(datastore: &Object, host: &str) -> Fact<Option<Mount>> {
    let mounts = match datastore.value("host") {
        Fact::Known(value) => list(value),
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let own = mounts.iter().find(|mount| part(mount, "key") == Some(host));
    let info = own.and_then(|mount| mount.get("mountInfo"));
    Fact::Known(info.map(|info| Mount {
        mode: part(info, "accessMode").unwrap_or_default().to_owned(),
        mounted: info.get("mounted").and_then(as_bool).unwrap_or(true),
        accessible: info.get("accessible").and_then(as_bool),
    }))
}

/// The host's own word counts; where it has none, the datastore's summary.
fn accessible(datastore: &Object, mount: &Fact<Option<Mount>>) -> Fact<bool> {
    let summary = datastore.bool("summary.accessible");
    match mount {
        Fact::Known(None) => Fact::Known(false),
        Fact::Known(Some(Mount { mounted: false, .. })) => Fact::Known(false),
        Fact::Known(Some(Mount { accessible: Some(false), .. })) => Fact::Known(false),
        Fact::Known(Some(_)) => summary,
        Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
    }
}

fn read_write(mount: &Fact<Option<Mount>>) -> Fact<bool> {
    match mount {
        Fact::Known(None) => Fact::unavailable("the host does not mount it"),
        Fact::Known(Some(mount)) => match mount.mode.as_str() {
            "readWrite" => Fact::Known(true),
            "readOnly" => Fact::Known(false),
            other => Fact::unavailable(format!("its access mode is {other:?}")),
        },
        Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn datastore(mounts: Value) -> Object {
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
            (own("readWrite", "true", json!(null)), Some(true), Some(true)),
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

    fn mount_of(datastore: &Object) -> Fact<Option<Mount>> {
        mount(datastore, "HostSystem:h")
    }
}
