//! What is known about one virtual machine; rules know it as `vm`.
//!
//! Not for what is true of it only beside another machine: `master_target_side` joins those.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::datastore::DatastoreFacts;
use super::disk_uuid::{self, DiskUuidFacts};
use super::inventory::Inventory;
use super::property::{Object, as_bool, list, part};
use super::vmx::VmxFacts;
use super::{Fact, Looked};

/// Everything that is judged about one machine.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VmFacts {
    /// Its name.
    pub name: String,
    /// Whether it is in the inventory.
    pub exists: Fact<bool>,
    /// Its BIOS UUID.
    pub uuid: Fact<String>,
    /// The UUID that vCenter knows it by.
    pub instance_uuid: Fact<String>,
    /// What it is set to run: `linux` or `windows`.
    pub guest_family: Fact<String>,
    /// The same by the server's own word, such as `centos64Guest`.
    pub guest_id: Fact<String>,
    /// `bios` or `efi`.
    pub firmware: Fact<String>,
    /// `poweredOn`, `poweredOff` or `suspended`.
    pub power: Fact<String>,
    /// Whether SCSI ids of its disks are shown to the guest.
    pub disk_enable_uuid: Fact<DiskUuidFacts>,
    /// The names of its snapshots.
    pub snapshots: Fact<Looked<String>>,
    /// Files of its disks that are written on top of others.
    pub delta_disks: Fact<Looked<String>>,
    /// Whether files of deleted snapshots are left.
    pub consolidation_needed: Fact<bool>,
    /// Its SCSI controllers.
    pub controllers: Fact<Looked<ControllerFacts>>,
    /// Its disks.
    pub disks: Fact<Looked<DiskFacts>>,
    /// MiB of all its disks together.
    pub disk_mib: Fact<i64>,
    /// MiB of memory that it is given.
    pub memory_mib: Fact<i64>,
    /// Whether VMware Tools run: `guestToolsRunning`, `guestToolsNotRunning`, or as the server has it.
    pub tools: Fact<String>,
    /// Whether a datastore cluster may move its disks.
    pub storage_drs: Fact<StorageDrsFacts>,
    /// Moves of its disks to other datastores since the last reprotect.
    pub storage_moves: Fact<Looked<String>>,
    /// Its .vmx beside what the server has read of it.
    pub vmx: Fact<VmxFacts>,
    /// Folders of its name on the master target's datastores.
    pub leftovers: Fact<Looked<String>>,
    /// The host on which it should appear when it is no longer on-premises.
    pub wanted_host: Fact<String>,
    /// Where it is planned to come back to.
    pub plan: PlannedPlace,
    /// The host on which it will start: its own, or the master target's when it is gone.
    pub start_host: Fact<StartHost>,
    /// How many disks it would have with those of the machines that fail back through it.
    pub disk_slots: Fact<DiskSlots>,
    /// The same machine as seen from the master target it fails back through.
    pub master_target: Fact<MasterTargetSide>,
}

/// Where a machine is planned to come back to, as far as anybody says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedPlace {
    /// Whether a host is named.
    pub names_host: bool,
    /// Its name.
    pub host: Fact<String>,
    /// Whether the inventory has it.
    pub host_exists: Fact<bool>,
    /// Whether a datastore is named.
    pub names_datastore: bool,
    /// Its name.
    pub datastore: Fact<String>,
    /// Whether the inventory has it.
    pub datastore_exists: Fact<bool>,
}

impl PlannedPlace {
    /// Nobody says anything.
    pub fn unsaid() -> Self {
        let unsaid = "nobody says where it is planned to come back to";
        Self {
            names_host: false,
            host: Fact::unavailable(unsaid),
            host_exists: Fact::unavailable(unsaid),
            names_datastore: false,
            datastore: Fact::unavailable(unsaid),
            datastore_exists: Fact::unavailable(unsaid),
        }
    }
}

/// A SCSI controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ControllerFacts {
    /// What the client calls it.
    pub label: String,
    /// `lsi-logic`, `lsi-logic-sas`, `paravirtual`, `bus-logic`, or the server's own word.
    pub kind: String,
    /// Both in one text.
    pub words: String,
}

/// How many disks a master target would have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DiskSlots {
    /// Its own disks and those of the machines that are named to fail back through it.
    pub total: i64,
    /// How that comes about.
    pub words: String,
}

/// The master target's side of a machine.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MasterTargetSide {
    /// The master target's machine.
    pub name: String,
    /// The host it runs on.
    pub host: Fact<String>,
    /// What the master target runs: `linux`, `windows` or `other`.
    pub guest_family: Fact<String>,
    /// The machine's datastores, as the master target's host reaches them.
    pub reach: Fact<Looked<Fact<DatastoreFacts>>>,
    /// The datastores that the master target itself stands on, which are those of a new machine.
    pub own_datastores: Fact<Looked<Fact<DatastoreFacts>>>,
    /// UUIDs that both machines have.
    pub shared_uuids: Fact<Looked<String>>,
    /// MiB of memory that no machine uses now on the master target's host.
    pub free_memory_mib: Fact<i64>,
    /// Other machines of the same name on the master target's host.
    pub same_name: Fact<Looked<String>>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DiskFacts {
    /// What the client calls it.
    pub label: String,
    /// Its file, such as `[datastore1] vm/vm.vmdk`.
    pub file: String,
    /// Its size in MiB.
    pub capacity_mib: Fact<i64>,
    /// Whether it is a raw device mapping.
    pub raw_device: bool,
    /// Its UUID, empty when it has none.
    pub uuid: String,
}

/// What a datastore cluster may do to a machine's disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StorageDrsFacts {
    /// Whether it moves them by itself.
    pub automated: bool,
    /// The cluster, and what it may do.
    pub words: String,
}

/// The host on which a machine will start.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct StartHost {
    /// Its name.
    pub name: String,
    /// MiB of memory that no machine uses now.
    pub free_memory_mib: Fact<i64>,
}

/// Reads what is known about a machine that was asked about in detail.
pub fn of(
    name: &str,
    exists: Fact<bool>,
    machine: Fact<&Object>,
    inventory: &Inventory,
) -> VmFacts {
    macro_rules! read {
        ($read:expr) => {
            match &machine {
                Fact::Known(machine) => $read(*machine),
                Fact::Unavailable(why) => Fact::Unavailable(why.clone()),
            }
        };
    }
    VmFacts {
        name: name.to_owned(),
        exists,
        uuid: read!(|vm: &Object| vm.text("config.uuid")),
        instance_uuid: read!(|vm: &Object| vm.text("config.instanceUuid")),
        guest_family: read!(guest_family),
        guest_id: read!(|vm: &Object| vm.text("config.guestId")),
        firmware: read!(|vm: &Object| vm.text("config.firmware")),
        power: read!(|vm: &Object| vm.text("runtime.powerState")),
        disk_enable_uuid: read!(disk_uuid::of),
        snapshots: read!(snapshots),
        delta_disks: read!(delta_disks),
        consolidation_needed: read!(consolidation),
        controllers: read!(controllers),
        disks: read!(disks),
        disk_mib: read!(disk_mib),
        memory_mib: read!(|vm: &Object| vm.int("config.hardware.memoryMB")),
        tools: read!(|vm: &Object| vm.text("guest.toolsRunningStatus")),
        storage_drs: read!(|vm| storage_drs(vm, inventory)),
        storage_moves: Fact::unavailable("it is not the master target"),
        vmx: Fact::unavailable("it is not the master target"),
        leftovers: Fact::unavailable("it is the master target itself"),
        wanted_host: Fact::unavailable("nobody said on which host: add --host NAME"),
        plan: PlannedPlace::unsaid(),
        start_host: Fact::unavailable("it is the master target itself"),
        disk_slots: Fact::unavailable("it is not the master target"),
        master_target: Fact::unavailable("it is the master target itself"),
    }
}

/// What kind of system a machine is set to run; of anything else there is no master target.
fn guest_family(machine: &Object) -> Fact<String> {
    match machine.text("config.guestId") {
        Fact::Known(id) => match family(&id) {
            Some(family) => Fact::Known(family.to_owned()),
            None => Fact::unavailable(format!("the guest id {id:?} is neither Linux nor Windows")),
        },
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

fn family(guest_id: &str) -> Option<&'static str> {
    const LINUX: &[&str] = &[
        "linux", "centos", "rhel", "redhat", "sles", "suse", "oes", "nld", "sjds", "debian",
        "ubuntu", "fedora", "oracle", "asianux", "mandr", "turbo", "coreos", "photon", "amazon",
        "rocky", "alma",
    ];
    let id = guest_id.to_ascii_lowercase();
    if id.starts_with("win") {
        return Some("windows");
    }
    LINUX.iter().any(|word| id.contains(word)).then_some("linux")
}

/// Whether the configuration is there at all; a machine whose host is gone has none, and then
/// what is not set says nothing.
fn configured(machine: &Object) -> Fact<()> {
    machine.value("config.uuid").map(|_| ())
}

fn snapshots(machine: &Object) -> Fact<Looked<String>> {
    match (machine.optional("snapshot"), configured(machine)) {
        (Fact::Known(Some(info)), _) => {
            let mut names = Vec::new();
            let roots = info.get("rootSnapshotList").map(list).unwrap_or_default();
            let mut left: Vec<&Value> = roots.iter().rev().collect();
            while let Some(tree) = left.pop() {
                names.push(part(tree, "name").unwrap_or("(without a name)").to_owned());
                let children = tree.get("childSnapshotList").map(list).unwrap_or_default();
                left.extend(children.iter().rev());
            }
            Fact::Known(Looked::complete(names))
        }
        (Fact::Known(None), Fact::Known(())) => Fact::Known(Looked::complete(Vec::new())),
        (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => Fact::Unavailable(why),
    }
}

/// Whether files of deleted snapshots are left; a server that does not say so has none to tell of.
fn consolidation(machine: &Object) -> Fact<bool> {
    match (machine.optional("runtime.consolidationNeeded"), configured(machine)) {
        (Fact::Known(value), Fact::Known(())) => {
            Fact::Known(value.and_then(as_bool).unwrap_or(false))
        }
        (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => Fact::Unavailable(why),
    }
}

fn devices(machine: &Object) -> Fact<&[Value]> {
    machine.value("config.hardware.device").map(list)
}

fn label(device: &Value) -> String {
    let info = device.get("deviceInfo").and_then(|info| part(info, "label"));
    info.or(part(device, "key")).unwrap_or("a device").to_owned()
}

fn controllers(machine: &Object) -> Fact<Looked<ControllerFacts>> {
    devices(machine).map(|devices| {
        let controllers = devices.iter().filter_map(|device| {
            // A SCSI controller is the one kind of device that says how its bus is shared.
            let kind = part(device, "_type").unwrap_or_default();
            device.get("sharedBus")?;
            let kind = match kind {
                "VirtualLsiLogicController" => "lsi-logic",
                "VirtualLsiLogicSASController" => "lsi-logic-sas",
                "ParaVirtualSCSIController" => "paravirtual",
                "VirtualBusLogicController" => "bus-logic",
                other => other,
            };
            let label = label(device);
            let words = format!("{label}: {kind}");
            Some(ControllerFacts { label, kind: kind.to_owned(), words })
        });
        Looked::complete(controllers.collect())
    })
}

fn is_disk(device: &&Value) -> bool {
    part(device, "_type") == Some("VirtualDisk")
}

fn disks(machine: &Object) -> Fact<Looked<DiskFacts>> {
    devices(machine).map(|devices| {
        let disks = devices.iter().filter(is_disk).map(|device| {
            let backing = device.get("backing").unwrap_or(&Value::Null);
            let kib = part(device, "capacityInKB").and_then(|text| text.trim().parse::<i64>().ok());
            DiskFacts {
                label: label(device),
                file: part(backing, "fileName").unwrap_or_default().to_owned(),
                capacity_mib: match kib {
                    Some(kib) => Fact::Known(kib / 1024),
                    None => Fact::unavailable("the server gives no size of it"),
                },
                raw_device: part(backing, "_type").is_some_and(|kind| kind.contains("RawDisk")),
                uuid: part(backing, "uuid").unwrap_or_default().to_ascii_lowercase(),
            }
        });
        Looked::complete(disks.collect())
    })
}

fn disk_mib(machine: &Object) -> Fact<i64> {
    let disks = match disks(machine) {
        Fact::Known(disks) => disks.items,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let mut sum: i64 = 0;
    for disk in disks {
        match disk.capacity_mib {
            Fact::Known(size) => sum = sum.saturating_add(size),
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        }
    }
    Fact::Known(sum)
}

/// Disks that stand on others, by what the server says and by the name of their file.
fn delta_disks(machine: &Object) -> Fact<Looked<String>> {
    devices(machine).map(|devices| {
        let deltas = devices.iter().filter(is_disk).filter_map(|device| {
            let backing = device.get("backing")?;
            let file = part(backing, "fileName").unwrap_or_default();
            let parent = backing.get("parent").is_some_and(|parent| parent.is_object());
            (parent || is_delta(file)).then(|| file.to_owned())
        });
        Looked::complete(deltas.collect())
    })
}

/// Whether a file is named like those of snapshots: `vm-000001.vmdk`.
fn is_delta(file: &str) -> bool {
    let stem = file.strip_suffix(".vmdk").unwrap_or_default();
    let number = stem.rsplit_once('-').map_or("", |(_, number)| number);
    number.len() == 6 && number.bytes().all(|digit| digit.is_ascii_digit())
}

fn storage_drs(machine: &Object, inventory: &Inventory) -> Fact<StorageDrsFacts> {
    let datastores = match machine.references("datastore") {
        Fact::Known(datastores) => datastores,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let mut automated = false;
    let mut words = Vec::new();
    for reference in &datastores {
        let Some(datastore) = inventory.get(reference) else {
            return Fact::unavailable(format!("{reference} is not visible to the account"));
        };
        let Some(pod) = inventory.around(datastore, "StoragePod") else { continue };
        let entry = match pod.value("podStorageDrsEntry") {
            Fact::Known(entry) => entry,
            Fact::Unavailable(why) => return Fact::Unavailable(why),
        };
        let behaviour = behaviour(entry, &machine.object);
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
fn behaviour(entry: &Value, machine: &str) -> String {
    let config = entry.get("storageDrsConfig").unwrap_or(&Value::Null);
    let pod = config.get("podConfig").unwrap_or(&Value::Null);
    if pod.get("enabled").and_then(as_bool) == Some(false) {
        return "off".to_owned();
    }
    let own = config.get("vmConfig").map(list).unwrap_or_default();
    let own = own.iter().find(|own| part(own, "vm") == Some(machine));
    if own.and_then(|own| own.get("enabled")).and_then(as_bool) == Some(false) {
        return "off for this machine".to_owned();
    }
    let behaviour = own.and_then(|own| part(own, "behavior"));
    behaviour.or(part(pod, "defaultVmBehavior")).unwrap_or("automated").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn machine(properties: Value) -> Object {
        serde_json::from_value(json!({ "object": "VirtualMachine:vm-1", "properties": properties }))
            .unwrap()
    }

    fn facts(properties: Value) -> VmFacts {
        of("mt", Fact::Known(true), Fact::Known(&machine(properties)), &Inventory::default())
    }

    #[test]
    fn a_chain_of_snapshots_is_read_from_its_root() {
        let tree =
            |name: &str, children: Value| json!({ "name": name, "childSnapshotList": children });
        let info = json!({ "rootSnapshotList": [
            tree("a", json!([tree("b", json!([])), tree("c", json!(""))])), { "name": "d" }
        ]});
        let names = |facts: &VmFacts| facts.snapshots.known().map(|looked| looked.items.join(" "));
        let read = facts(json!({ "config.uuid": "1", "snapshot": info }));
        assert_eq!(names(&read).as_deref(), Some("a b c d"));
        let one = json!({ "rootSnapshotList": { "name": "x" } });
        let read = facts(json!({ "config.uuid": "1", "snapshot": one }));
        assert_eq!(names(&read).as_deref(), Some("x"), "one alone stands without its array");
        assert_eq!(names(&facts(json!({ "config.uuid": "1" }))).as_deref(), Some(""));
        assert_eq!(names(&facts(json!({ "name": "mt" }))), None, "without a configuration");
    }

    #[test]
    fn devices_are_told_apart() {
        let device = json!([
            { "_type": "VirtualIDEController", "key": "200" },
            { "_type": "VirtualLsiLogicController", "key": "1000", "sharedBus": "noSharing", "deviceInfo": { "label": "SCSI controller 0" } },
            { "_type": "ParaVirtualSCSIController", "key": "1001", "sharedBus": "noSharing" },
            { "_type": "VirtualDisk", "key": "2000", "capacityInKB": "41943040", "backing": { "_type": "VirtualDiskFlatVer2BackingInfo", "fileName": "[ds] mt/mt.vmdk", "uuid": "6000C29A" } },
            { "_type": "VirtualDisk", "key": "2001", "capacityInKB": "x", "backing": { "_type": "VirtualDiskRawDiskMappingVer1BackingInfo", "fileName": "[ds] mt/mt_1-000002.vmdk" } },
            { "_type": "VirtualDisk", "key": "2002", "backing": { "fileName": "[ds] mt/x-12.vmdk", "parent": { "fileName": "y" } } },
        ]);
        let facts = facts(json!({ "config.hardware.device": device }));
        let kinds: Vec<&str> =
            facts.controllers.known().unwrap().items.iter().map(|c| c.words.as_str()).collect();
        assert_eq!(kinds, ["SCSI controller 0: lsi-logic", "1001: paravirtual"]);
        let disks = &facts.disks.known().unwrap().items;
        assert_eq!(disks[0].capacity_mib, Fact::Known(40 * 1024));
        assert_eq!((disks[0].raw_device, disks[1].raw_device), (false, true));
        assert!(disks[1].capacity_mib.known().is_none());
        let deltas = &facts.delta_disks.known().unwrap().items;
        assert_eq!(*deltas, ["[ds] mt/mt_1-000002.vmdk", "[ds] mt/x-12.vmdk"]);
    }

    #[test]
    fn guest_ids_stand_for_a_family_or_for_none() {
        for (id, expected) in [
            ("centos64Guest", Some("linux")),
            ("rhel6_64Guest", Some("linux")),
            ("other26xLinux64Guest", Some("linux")),
            ("windows7Server64Guest", Some("windows")),
            ("winNetStandardGuest", Some("windows")),
            ("otherGuest", None),
            ("darwin64Guest", None),
            ("freebsd64Guest", None),
        ] {
            assert_eq!(family(id), expected, "{id}");
        }
    }

    #[test]
    fn a_machine_follows_its_datastore_cluster_unless_it_has_a_setting_of_its_own() {
        let entry = |pod: Value, vm: Value| json!({ "storageDrsConfig": { "podConfig": pod, "vmConfig": vm } });
        let on = json!({ "enabled": "true", "defaultVmBehavior": "automated" });
        let own = |key: &str, value: &str| json!([{ "vm": "VirtualMachine:vm-1", key: value }]);
        for (entry, expected) in [
            (entry(on.clone(), json!([])), "automated"),
            (
                entry(json!({ "enabled": "true", "defaultVmBehavior": "manual" }), json!("")),
                "manual",
            ),
            (
                entry(json!({ "enabled": "false", "defaultVmBehavior": "automated" }), json!([])),
                "off",
            ),
            (entry(on.clone(), own("behavior", "manual")), "manual"),
            (entry(on.clone(), own("enabled", "false")), "off for this machine"),
            (
                entry(on, json!([{ "vm": "VirtualMachine:vm-2", "behavior": "manual" }])),
                "automated",
            ),
        ] {
            assert_eq!(behaviour(&entry, "VirtualMachine:vm-1"), expected, "{entry}");
        }
    }
}
