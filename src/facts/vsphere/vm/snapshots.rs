//! The snapshots of a machine, and whether files of deleted ones are left.
//!
//! Not for disks that stand on others: `devices` reads those.

use serde_json::Value;

use crate::facts::vsphere::property::{
    InventoryObject, as_bool, elements, object_rows, optional_text,
};
use crate::facts::{Collection, Unavailable};

/// Whether the configuration is there at all; a machine whose host is gone has none, and then
/// what is not set says nothing.
fn require_configuration(machine: &InventoryObject) -> Result<(), Unavailable> {
    machine.value("config.uuid").map(|_| ())
}

/// Reads the names of the snapshots. A machine without any has no such property; one that has it has
/// at least one.
pub(super) fn snapshot_names(machine: &InventoryObject) -> Result<Collection<String>, Unavailable> {
    let Some(info) = machine.optional("snapshot")? else {
        require_configuration(machine)?;
        return Ok(Collection::complete(Vec::new()));
    };
    let roots = info.get("rootSnapshotList").unwrap_or(&Value::Null);
    let roots = object_rows(roots, "snapshot.rootSnapshotList")?;
    if roots.is_empty() {
        return Err("its tree of snapshots is empty".into());
    }
    let mut names = Vec::new();
    let mut left: Vec<&Value> = roots.iter().rev().collect();
    while let Some(tree) = left.pop() {
        names.push(optional_text(tree, "name").unwrap_or("(without a name)").to_owned());
        let children = tree.get("childSnapshotList").map(elements).unwrap_or_default();
        left.extend(children.iter().rev());
    }
    Ok(Collection::complete(names))
}

/// Reads whether files of deleted snapshots are left. Every release that is supported says so.
pub(super) fn consolidation_needed(machine: &InventoryObject) -> Result<bool, Unavailable> {
    let value = machine.value("runtime.consolidationNeeded")?;
    require_configuration(machine)?;
    Ok(as_bool(value).ok_or("runtime.consolidationNeeded is neither true nor false")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn machine(properties: Value) -> InventoryObject {
        serde_json::from_value(json!({ "object": "VirtualMachine:vm-1", "properties": properties }))
            .unwrap()
    }

    fn read(properties: Value) -> Option<String> {
        snapshot_names(&machine(properties)).ok().map(|names| names.items.join(" "))
    }

    #[test]
    fn a_chain_of_snapshots_is_read_from_its_root() {
        let tree =
            |name: &str, children: Value| json!({ "name": name, "childSnapshotList": children });
        let info = json!({ "rootSnapshotList": [
            tree("a", json!([tree("b", json!([])), tree("c", json!(""))])), { "name": "d" }
        ]});
        assert_eq!(
            read(json!({ "config.uuid": "1", "snapshot": info })).as_deref(),
            Some("a b c d")
        );
        let one = json!({ "rootSnapshotList": { "name": "x" } });
        let one = read(json!({ "config.uuid": "1", "snapshot": one }));
        assert_eq!(one.as_deref(), Some("x"), "one alone stands without its array");
        assert_eq!(read(json!({ "config.uuid": "1" })).as_deref(), Some(""));
        assert_eq!(read(json!({ "name": "mt" })), None, "without a configuration");
    }

    #[test]
    fn a_tree_that_cannot_be_read_is_not_none() {
        for info in [
            json!(null),
            json!(""),
            json!({}),
            json!([]),
            json!({ "rootSnapshotList": null }),
            json!({ "rootSnapshotList": [] }),
            json!({ "rootSnapshotList": "" }),
            json!({ "rootSnapshotList": "x" }),
            json!({ "rootSnapshotList": [null] }),
        ] {
            assert_eq!(read(json!({ "config.uuid": "1", "snapshot": info })), None, "{info}");
        }
    }

    #[test]
    fn consolidation_is_only_what_the_server_says() {
        let read = |properties| consolidation_needed(&machine(properties)).ok();
        let with =
            |value: Value| json!({ "config.uuid": "1", "runtime.consolidationNeeded": value });
        assert_eq!(read(with(json!("true"))), Some(true));
        assert_eq!(read(with(json!("false"))), Some(false));
        assert_eq!(read(with(json!(null))), None);
        assert_eq!(read(with(json!("x"))), None);
        assert_eq!(read(json!({ "config.uuid": "1" })), None);
        assert_eq!(read(json!({ "runtime.consolidationNeeded": "false" })), None);
    }
}
