//! The disks of a machine, the controllers they hang on, and what they stand on.
//!
//! Whatever of a device cannot be read leaves its list incomplete: a disk nobody understood is a disk
//! all the same. Not for whose folder a disk lies in: `folders` says that.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::facts::vsphere::property::{InventoryObject, object_rows, optional_text, required_text};
use crate::facts::{Collection, Fact, Unavailable};

/// A controller of disks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ControllerFacts {
    /// What the client calls it.
    pub label: String,
    /// `lsi-logic`, `lsi-logic-sas`, `paravirtual`, `bus-logic`, `nvme`, `sata`, `ide`, or the
    /// server's own word.
    pub kind: String,
    /// Both in one text.
    pub words: String,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VmDiskFacts {
    /// What the client calls it.
    pub label: String,
    /// Its file, such as `[datastore1] vm/vm.vmdk`.
    pub file: Fact<String>,
    /// Its size in MiB.
    pub capacity_mib: Fact<i64>,
    /// Whether it is a raw device mapping.
    pub raw_device: Fact<bool>,
    /// Its UUID, in lower case.
    pub uuid: Fact<String>,
    /// The id by which a guest sees it while disk.EnableUUID is in effect, such as `36000c29...`.
    pub scsi_id: Fact<String>,
    /// Its file, or its label when that is not known.
    pub words: String,
}

/// The devices of a machine, and whether the kind of each is known. Every machine has some, so a
/// list without any is no answer.
fn devices(machine: &InventoryObject) -> Result<Collection<&Value>, Unavailable> {
    let value = machine.value("config.hardware.device")?;
    let devices = object_rows(value, "config.hardware.device")?;
    if devices.is_empty() {
        return Err("the server gives no device of it".into());
    }
    let complete = devices.iter().all(|device| kind(device).is_ok());
    Ok(Collection { items: devices.iter().collect(), complete })
}

fn kind(device: &Value) -> Result<&str, Unavailable> {
    required_text(device, "_type")
}

fn label(device: &Value) -> String {
    let info = device.get("deviceInfo").and_then(|info| optional_text(info, "label"));
    info.or(optional_text(device, "key")).unwrap_or("a device").to_owned()
}

fn is_disk(device: &Value) -> bool {
    kind(device) == Ok("VirtualDisk")
}

/// Reads the SCSI controllers, and those of any other kind that a disk hangs on.
pub(super) fn controllers(
    machine: &InventoryObject,
) -> Result<Collection<ControllerFacts>, Unavailable> {
    devices(machine).map(|devices| {
        let mut complete = devices.complete;
        let mut found: Vec<&Value> =
            devices.items.iter().copied().filter(|device| is_scsi(device)).collect();
        for disk in devices.items.iter().filter(|device| is_disk(device)) {
            let own = required_text(disk, "controllerKey");
            let hangs_on = |device: &&&Value| {
                own.as_ref().is_ok_and(|own| optional_text(device, "key") == Some(*own))
            };
            match devices.items.iter().find(hangs_on) {
                Some(controller)
                    if found.iter().any(|device| std::ptr::eq(*device, *controller)) => {}
                Some(controller) => found.push(controller),
                None => complete = false,
            }
        }
        Collection { items: found.into_iter().map(controller_facts).collect(), complete }
    })
}

/// A SCSI controller is the one kind of device that says how its bus is shared.
fn is_scsi(device: &Value) -> bool {
    let kind = optional_text(device, "_type").unwrap_or_default();
    let named = ["SCSIController", "LsiLogic", "BusLogic"].iter().any(|word| kind.contains(word));
    named || device.get("sharedBus").is_some()
}

fn controller_facts(device: &Value) -> ControllerFacts {
    let kind = match optional_text(device, "_type").unwrap_or("of no kind that is known") {
        "VirtualLsiLogicController" => "lsi-logic",
        "VirtualLsiLogicSASController" => "lsi-logic-sas",
        "ParaVirtualSCSIController" => "paravirtual",
        "VirtualBusLogicController" => "bus-logic",
        "VirtualNVMEController" => "nvme",
        "VirtualAHCIController" | "VirtualSATAController" => "sata",
        "VirtualIDEController" => "ide",
        other => other,
    };
    let label = label(device);
    let words = format!("{label}: {kind}");
    ControllerFacts { label, kind: kind.to_owned(), words }
}

/// Reads the MAC addresses of the network cards, in small letters.
pub fn mac_addresses(machine: &InventoryObject) -> Result<Collection<String>, Unavailable> {
    devices(machine).map(|devices| {
        let macs = devices.items.iter().filter_map(|device| optional_text(device, "macAddress"));
        let items = macs.filter(|mac| !mac.is_empty()).map(str::to_ascii_lowercase).collect();
        Collection { items, complete: devices.complete }
    })
}

/// Reads the disks.
pub fn disks(machine: &InventoryObject) -> Result<Collection<VmDiskFacts>, Unavailable> {
    devices(machine).map(|devices| {
        let disks = devices.items.into_iter().filter(|device| is_disk(device));
        Collection { items: disks.map(disk_facts).collect(), complete: devices.complete }
    })
}

fn disk_facts(device: &Value) -> VmDiskFacts {
    let backing = device.get("backing").unwrap_or(&Value::Null);
    let text = |name| match required_text(backing, name)? {
        "" => Err(Unavailable::from(format!("the {name} of the disk is empty"))),
        text => Ok(text.to_owned()),
    };
    let capacity_mib = || {
        let kib = required_text(device, "capacityInKB")?.trim().parse::<i64>();
        Ok::<_, Unavailable>(kib.map_err(|_| "the server gives no size of it")? / 1024)
    };
    let label = label(device);
    let file = text("fileName");
    let uuid = text("uuid").map(|uuid| uuid.to_ascii_lowercase());
    let raw_device = required_text(backing, "_type").map(|kind| kind.contains("RawDisk"));
    VmDiskFacts {
        capacity_mib: capacity_mib().into(),
        raw_device: raw_device.into(),
        scsi_id: uuid.clone().and_then(|uuid| scsi_id(&uuid)).into(),
        words: file.as_ref().unwrap_or(&label).clone(),
        label,
        file: file.into(),
        uuid: uuid.into(),
    }
}

/// What `scsi_id` answers in the guest for a disk of this UUID: its 32 digits behind a 3, which says
/// that they are an NAA identifier.
fn scsi_id(uuid: &str) -> Result<String, Unavailable> {
    let digits: String = uuid.chars().filter(|c| *c != '-').collect();
    if digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(format!("3{digits}"))
    } else {
        Err(format!("{uuid:?} is no UUID").into())
    }
}

/// Reads which disks other machines may write as well, each with how, and which are encrypted by vSphere.
pub(super) fn unsupported_disks(
    machine: &InventoryObject,
) -> Result<Collection<String>, Unavailable> {
    let all = devices(machine)?;
    let mut found = Collection { items: Vec::new(), complete: all.complete };
    for disk in all.items.iter().filter(|device| is_disk(device)) {
        let Some(backing) = disk.get("backing") else {
            found.complete = false;
            continue;
        };
        let words = disk_facts(disk).words;
        // Both are absent where they are not used.
        if optional_text(backing, "sharing").is_some_and(|sharing| sharing != "sharingNone") {
            found.items.push(format!("{words} (multi-writer)"));
        }
        if backing.get("keyId").is_some_and(|key| !key.is_null()) {
            found.items.push(format!("{words} (encrypted)"));
        }
        let own = optional_text(disk, "controllerKey");
        let controller =
            all.items.iter().find(|device| own.is_some() && optional_text(device, "key") == own);
        match controller.map(|device| (is_scsi(device), optional_text(device, "sharedBus"))) {
            Some((false, _) | (true, Some("noSharing"))) => {}
            Some((true, Some(how))) => found.items.push(format!("{words} ({how})")),
            Some((true, None)) | None => found.complete = false,
        }
    }
    Ok(found)
}

/// Adds up the sizes of the disks, in MiB.
pub(super) fn total_mib(machine: &InventoryObject) -> Result<i64, Unavailable> {
    let disks = disks(machine)?;
    if !disks.complete {
        return Err("not every device of it is understood".into());
    }
    disks
        .items
        .iter()
        .try_fold(0, |sum: i64, disk| Ok(sum.saturating_add(*disk.capacity_mib.value()?)))
}

/// Reads which disks stand on others: by what the server says of their backing, and by the name of
/// their file.
pub(super) fn delta_disks(machine: &InventoryObject) -> Result<Collection<String>, Unavailable> {
    disks_with_backing(machine).map(|disks| {
        let mut deltas = Collection { items: Vec::new(), complete: disks.complete };
        for device in disks.items {
            match is_delta(device) {
                Ok(true) => deltas.items.push(disk_facts(device).words),
                Ok(false) => {}
                Err(_) => deltas.complete = false,
            }
        }
        deltas
    })
}

fn disks_with_backing(machine: &InventoryObject) -> Result<Collection<&Value>, Unavailable> {
    devices(machine).map(|devices| Collection {
        items: devices.items.into_iter().filter(|device| is_disk(device)).collect(),
        complete: devices.complete,
    })
}

/// Whether a disk is written on top of another one.
fn is_delta(device: &Value) -> Result<bool, Unavailable> {
    let backing = device.get("backing").ok_or("the server gives no backing of it")?;
    match backing.get("parent") {
        Some(Value::Object(_)) => return Ok(true),
        None => {}
        Some(_) => return Err("what it stands on is not understood".into()),
    }
    // Formats that grow: the host writes snapshots in them, and base disks in others.
    let kind = required_text(backing, "_type").map(|kind| kind.contains("Sparse"));
    let file = required_text(backing, "fileName").map(is_named_like_a_delta);
    match (kind, file) {
        (Ok(true), _) | (_, Ok(true)) => Ok(true),
        (Ok(false), Ok(false)) => Ok(false),
        (Err(why), _) | (_, Err(why)) => Err(why),
    }
}

/// Whether a file is named like those of snapshots: `vm-000001.vmdk`, `vm-000001-sesparse.vmdk`. Their
/// numbers begin with 1, and a machine's own name may well end in six digits of a date.
fn is_named_like_a_delta(file: &str) -> bool {
    let stem = file.strip_suffix(".vmdk").unwrap_or_default();
    let (stem, suffixed) = match stem.strip_suffix("-delta").or(stem.strip_suffix("-sesparse")) {
        Some(stem) => (stem, true),
        None => (stem, false),
    };
    let number = stem.rsplit_once('-').map_or("", |(_, number)| number);
    let numbered = number.len() == 6 && number.bytes().all(|digit| digit.is_ascii_digit());
    suffixed || numbered && number.starts_with("000")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn machine(devices: Value) -> InventoryObject {
        let properties = json!({ "config.hardware.device": devices });
        serde_json::from_value(json!({ "object": "VirtualMachine:vm-1", "properties": properties }))
            .unwrap()
    }

    fn disk_on(controller: &str) -> Value {
        json!({ "_type": "VirtualDisk", "key": "2000", "controllerKey": controller, "capacityInKB": "1024",
                "backing": { "_type": "VirtualDiskFlatVer2BackingInfo", "fileName": "[ds] mt/mt.vmdk",
                             "uuid": "6000C29A-0b1c-2d3e-4f50-617283940516" } })
    }

    #[test]
    fn the_controller_of_every_disk_counts_whatever_its_kind() {
        let lsi = json!({ "_type": "VirtualLsiLogicController", "key": "1000", "sharedBus": "noSharing", "deviceInfo": { "label": "SCSI controller 0" } });
        let of = |kind: &str, key: &str| json!({ "_type": kind, "key": key });
        for (kind, expected) in [
            ("VirtualLsiLogicController", "lsi-logic"),
            ("VirtualLsiLogicSASController", "lsi-logic-sas"),
            ("ParaVirtualSCSIController", "paravirtual"),
            ("VirtualBusLogicController", "bus-logic"),
            ("VirtualNVMEController", "nvme"),
            ("VirtualAHCIController", "sata"),
            ("VirtualIDEController", "ide"),
            ("VirtualUSBXHCIController", "VirtualUSBXHCIController"),
        ] {
            let devices = json!([lsi, of(kind, "77"), disk_on("1000"), disk_on("77")]);
            let found = controllers(&machine(devices));
            let found = found.unwrap();
            let kinds: Vec<&str> = found.items.iter().map(|c| c.kind.as_str()).collect();
            assert_eq!(kinds, ["lsi-logic", expected]);
            assert!(found.complete);
        }
        // A controller without a disk counts when it is one of SCSI, and then however it is written.
        let idle = json!([
            lsi,
            of("ParaVirtualSCSIController", "1001"),
            of("VirtualIDEController", "200"),
            disk_on("1000")
        ]);
        let found = controllers(&machine(idle));
        let words: Vec<&str> =
            found.as_ref().unwrap().items.iter().map(|c| c.words.as_str()).collect();
        assert_eq!(words, ["SCSI controller 0: lsi-logic", "1001: paravirtual"]);
    }

    #[test]
    fn a_disk_whose_controller_is_not_seen_leaves_the_list_open() {
        let lsi = json!({ "_type": "VirtualLsiLogicController", "key": "1000", "sharedBus": "noSharing" });
        let without_key = {
            let mut disk = disk_on("1000");
            disk.as_object_mut().unwrap().remove("controllerKey");
            disk
        };
        for devices in [
            json!([lsi, disk_on("1000"), disk_on("9")]),
            json!([lsi, without_key]),
            json!([lsi, disk_on("1000"), { "key": "7" }]),
            json!([lsi, disk_on("1000"), { "_type": null, "key": "7" }]),
        ] {
            let found = controllers(&machine(devices.clone()));
            assert!(!found.as_ref().unwrap().complete, "{devices}");
        }
        for none in [json!([]), json!(""), json!([null]), json!(["x"])] {
            assert!(controllers(&machine(none.clone())).is_err(), "{none}");
        }
    }

    #[test]
    fn disks_are_read_and_what_is_missing_of_them_is_not_known() {
        let raw = json!({ "_type": "VirtualDisk", "key": "2001", "capacityInKB": "x", "backing": { "_type": "VirtualDiskRawDiskMappingVer1BackingInfo", "fileName": "[ds] mt/mt_1.vmdk", "uuid": "6000c29" } });
        let bare = json!({ "_type": "VirtualDisk", "key": "2002" });
        let all = disks(&machine(json!([disk_on("1"), raw, bare])));
        let all = &all.unwrap().items;
        assert_eq!(all[0].capacity_mib, Fact::Known(1));
        assert_eq!(all[0].scsi_id, Fact::Known("36000c29a0b1c2d3e4f50617283940516".to_owned()));
        assert_eq!(
            (all[0].raw_device.known(), all[1].raw_device.known(), all[2].raw_device.known()),
            (Some(&false), Some(&true), None)
        );
        assert!(all[1].capacity_mib.known().is_none() && all[1].scsi_id.known().is_none());
        assert!(all[2].file.known().is_none() && all[2].uuid.known().is_none());
        assert_eq!(all[2].words, "2002");
    }

    #[test]
    fn a_disk_that_others_write_or_that_is_encrypted_is_not_replicated() {
        let controller = |bus: Value| json!({ "_type": "ParaVirtualSCSIController", "key": "1000", "sharedBus": bus });
        let disk = |more: Value| {
            let mut disk = disk_on("1000");
            disk["backing"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            disk
        };
        let plain = || disk(json!({}));
        for (bus, disk, expected, complete) in [
            (json!("noSharing"), plain(), &[][..], true),
            (json!("noSharing"), disk(json!({ "sharing": "sharingNone" })), &[], true),
            (
                json!("noSharing"),
                disk(json!({ "sharing": "sharingMultiWriter" })),
                &["multi-writer"],
                true,
            ),
            (json!("noSharing"), disk(json!({ "keyId": { "keyId": "1" } })), &["encrypted"], true),
            (json!("physicalSharing"), plain(), &["physicalSharing"], true),
            (
                json!("virtualSharing"),
                disk(json!({ "keyId": {} })),
                &["encrypted", "virtualSharing"],
                true,
            ),
            (Value::Null, plain(), &[], false),
            (json!("noSharing"), disk_on("7"), &[], false),
            (
                json!("noSharing"),
                json!({ "_type": "VirtualDisk", "controllerKey": "1000" }),
                &[],
                false,
            ),
        ] {
            let found = unsupported_disks(&machine(json!([controller(bus), disk]))).unwrap();
            let words: Vec<String> =
                expected.iter().map(|why| format!("[ds] mt/mt.vmdk ({why})")).collect();
            assert_eq!((found.items, found.complete), (words, complete));
        }
    }

    #[test]
    fn a_disk_on_top_of_another_is_known_by_its_backing_or_its_name() {
        for (backing, expected) in [
            (
                json!({ "_type": "VirtualDiskFlatVer2BackingInfo", "fileName": "[ds] mt/mt.vmdk" }),
                Some(false),
            ),
            (
                json!({ "_type": "FlatVer2BackingInfo", "fileName": "[ds] mt/mt_1-000002.vmdk" }),
                Some(true),
            ),
            (
                json!({ "_type": "FlatVer2BackingInfo", "fileName": "[ds] mt/mt-000001-sesparse.vmdk" }),
                Some(true),
            ),
            (
                json!({ "_type": "FlatVer2BackingInfo", "fileName": "[ds] mt/mt-delta.vmdk" }),
                Some(true),
            ),
            (
                json!({ "_type": "VirtualDiskSeSparseBackingInfo", "fileName": "[ds] mt/mt.vmdk" }),
                Some(true),
            ),
            (
                json!({ "_type": "VirtualDiskSparseVer2BackingInfo", "fileName": "[ds] mt/mt.vmdk" }),
                Some(true),
            ),
            (
                json!({ "_type": "FlatVer2BackingInfo", "fileName": "x", "parent": { "fileName": "y" } }),
                Some(true),
            ),
            // A name with a date in it is none of a snapshot's.
            (
                json!({ "_type": "FlatVer2BackingInfo", "fileName": "[ds] web-201812/web-201812.vmdk" }),
                Some(false),
            ),
            (
                json!({ "_type": "FlatVer2BackingInfo", "fileName": "[ds] mt/x-12.vmdk" }),
                Some(false),
            ),
            (json!({ "_type": "FlatVer2BackingInfo", "fileName": "x", "parent": null }), None),
            (json!({ "_type": "FlatVer2BackingInfo" }), None),
            (json!({ "fileName": "[ds] mt/mt.vmdk" }), None),
            (json!({}), None),
        ] {
            let device = json!({ "_type": "VirtualDisk", "key": "1", "backing": backing });
            assert_eq!(is_delta(&device).ok(), expected, "{backing}");
            let deltas = delta_disks(&machine(json!([device])));
            let deltas = deltas.unwrap();
            assert_eq!(deltas.complete, expected.is_some(), "{backing}");
            assert_eq!(deltas.items.len(), usize::from(expected == Some(true)), "{backing}");
        }
    }
}
