//! What is known about one virtual machine; rules know it as `vm`.
//!
//! Not for what is true of it only beside another machine: `master_target_side` joins those.

pub mod devices;
pub mod folders;
mod snapshots;
pub mod storage_drs;

use schemars::JsonSchema;
use serde::Serialize;

use super::datastore::DatastoreFacts;
use super::disk_uuid::{self, DiskUuidFacts};
use super::inventory::Inventory;
use super::property::InventoryObject;
use super::vmx::VmxFacts;
use crate::facts::{Collection, Fact, Unavailable};
use devices::{ControllerFacts, VmDiskFacts};
use folders::PlacedDisk;
use storage_drs::StorageDrsFacts;

/// Everything that is checked about one machine.
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
    /// Whether it is known that replication from Azure goes to its disks: they are attached to the master target.
    pub written_from_azure: Fact<bool>,
    /// Whether SCSI ids of its disks are shown to the guest.
    pub disk_enable_uuid: Fact<DiskUuidFacts>,
    /// The names of its snapshots.
    pub snapshots: Fact<Collection<String>>,
    /// Files of its disks that are written on top of others.
    pub delta_disks: Fact<Collection<String>>,
    /// Whether files of deleted snapshots are left.
    pub consolidation_needed: Fact<bool>,
    /// Whether it is told that files of deleted snapshots are left.
    pub told_to_consolidate: bool,
    /// Its SCSI controllers, and those of any kind that a disk of it hangs on.
    pub controllers: Fact<Collection<ControllerFacts>>,
    /// The MAC addresses of its network cards.
    pub mac_addresses: Fact<Collection<String>>,
    /// Its disks.
    pub disks: Fact<Collection<VmDiskFacts>>,
    /// Its disks that Azure Site Recovery does not replicate: shared with other machines, or encrypted by
    /// vSphere; each with the reason.
    pub unsupported_disks: Fact<Collection<String>>,
    /// Its disks in folders of its own.
    pub own_disks: Fact<Collection<PlacedDisk>>,
    /// Its disks in folders of other machines, without those that reprotect has put there.
    pub foreign_disks: Fact<Collection<PlacedDisk>>,
    /// MiB of all its disks together.
    pub disk_mib: Fact<i64>,
    /// Whether somebody says how many disks of it are protected.
    pub names_disks: bool,
    /// How many that are.
    pub protected_disks: Fact<i64>,
    /// MiB of memory that it is given.
    pub memory_mib: Fact<i64>,
    /// Whether VMware Tools run: `guestToolsRunning`, `guestToolsNotRunning`, or as the server has it.
    pub tools: Fact<String>,
    /// Whether a datastore cluster may move its disks.
    pub storage_drs: Fact<StorageDrsFacts>,
    /// Moves of its disks to other datastores since the last reprotect.
    pub storage_moves: Fact<Collection<String>>,
    /// Its .vmx beside what the server has read of it.
    pub vmx: Fact<VmxFacts>,
    /// Folders of its name on the master target's datastores.
    pub leftovers: Fact<Collection<String>>,
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
    /// Whether the host of the master target mounts it, so that Re-protect offers it.
    pub datastore_reached: Fact<bool>,
}

impl PlannedPlace {
    /// Nobody says anything.
    pub fn unknown() -> Self {
        let unsaid = "nothing says where it is planned to return to";
        Self {
            names_host: false,
            host: Fact::unavailable(unsaid),
            host_exists: Fact::unavailable(unsaid),
            names_datastore: false,
            datastore: Fact::unavailable(unsaid),
            datastore_exists: Fact::unavailable(unsaid),
            datastore_reached: Fact::unavailable(unsaid),
        }
    }
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
    pub reach: Fact<Collection<Fact<DatastoreFacts>>>,
    /// The datastores that the master target itself stands on.
    pub own_datastores: Fact<Collection<Fact<DatastoreFacts>>>,
    /// The datastores that may be given to a machine that is made anew: the one that is chosen in
    /// Re-protect, or the master target's own when nobody names one.
    pub new_datastores: Fact<Collection<Fact<DatastoreFacts>>>,
    /// UUIDs that both machines have.
    pub shared_uuids: Fact<Collection<String>>,
    /// True when every disk of both has a UUID that was compared.
    pub disk_uuids_compared: Fact<bool>,
    /// MiB of memory that no machine uses now on the master target's host.
    pub free_memory_mib: Fact<i64>,
    /// Other machines of the same name on the master target's host.
    pub same_name: Fact<Collection<String>>,
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
pub fn from_object(
    name: &str,
    exists: Fact<bool>,
    machine: Result<&InventoryObject, Unavailable>,
    inventory: &Inventory,
) -> VmFacts {
    let text = |path| machine.clone().and_then(|machine| machine.text(path)).into();
    macro_rules! read {
        ($read:expr) => {
            machine.clone().and_then($read).into()
        };
    }
    VmFacts {
        name: name.to_owned(),
        exists,
        uuid: text("config.uuid"),
        instance_uuid: text("config.instanceUuid"),
        guest_family: read!(guest_family),
        guest_id: text("config.guestId"),
        firmware: text("config.firmware"),
        power: text("runtime.powerState"),
        written_from_azure: Fact::unavailable("it is the master target itself"),
        disk_enable_uuid: read!(disk_uuid::from_object),
        snapshots: read!(snapshots::snapshot_names),
        delta_disks: read!(devices::delta_disks),
        told_to_consolidate: machine.clone().and_then(snapshots::consolidation_needed) == Ok(true),
        consolidation_needed: read!(snapshots::consolidation_needed),
        controllers: read!(devices::controllers),
        mac_addresses: read!(devices::mac_addresses),
        disks: read!(devices::disks),
        unsupported_disks: read!(devices::unsupported_disks),
        own_disks: Fact::unavailable("it is not the master target"),
        foreign_disks: Fact::unavailable("it is not the master target"),
        disk_mib: read!(devices::total_mib),
        names_disks: false,
        protected_disks: Fact::unavailable("how many of its disks are protected is not known"),
        memory_mib: read!(|machine| machine.int("config.hardware.memoryMB")),
        tools: text("guest.toolsRunningStatus"),
        storage_drs: read!(|machine| storage_drs::from_object(machine, inventory)),
        storage_moves: Fact::unavailable("it is not the master target"),
        vmx: Fact::unavailable("it is not the master target"),
        leftovers: Fact::unavailable("it is the master target itself"),
        wanted_host: Fact::unavailable("no host to return to is named: add --host NAME"),
        plan: PlannedPlace::unknown(),
        start_host: Fact::unavailable("it is the master target itself"),
        disk_slots: Fact::unavailable("it is not the master target"),
        master_target: Fact::unavailable("it is the master target itself"),
    }
}

/// What kind of system a machine is set to run; of anything else there is no master target.
fn guest_family(machine: &InventoryObject) -> Result<String, Unavailable> {
    let id = machine.text("config.guestId")?;
    let family = guest_family_of_id(&id);
    Ok(family
        .ok_or_else(|| format!("the guest id {id:?} is neither Linux nor Windows"))?
        .to_owned())
}

fn guest_family_of_id(guest_id: &str) -> Option<&'static str> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(guest_family_of_id(id), expected, "{id}");
        }
    }
}
