//! What a machine of vCenter can be told by, beside its name: UUIDs, MAC addresses, addresses, datastores.
//!
//! Not for what is evaluated of it (`vm`).

use super::inventory::Inventory;
use super::property::{InventoryObject, elements};
use super::questions;
use super::vm::devices;

/// What a machine can be told by; what is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineIdentity {
    /// Its name.
    pub name: String,
    /// The UUID that vCenter knows it by.
    pub instance_uuid: Option<String>,
    /// Its BIOS UUID.
    pub bios_uuid: Option<String>,
    /// The MAC addresses of its network cards.
    pub macs: Vec<String>,
    /// The addresses that its guest tells of.
    pub addresses: Vec<String>,
    /// The name that its guest tells of.
    pub host_name: Option<String>,
    /// The names of the datastores that it lies on.
    pub datastores: Vec<String>,
    /// The UUIDs of its disks.
    pub disk_uuids: Vec<String>,
    /// The name of the host that it is on.
    pub host: Option<String>,
}

impl MachineIdentity {
    /// Whether there is more of it than its name.
    pub fn has_marks(&self) -> bool {
        *self != Self { name: self.name.clone(), ..Self::default() }
    }
}

/// Returns what the machines of an inventory can be told by, templates left aside.
pub fn machine_identities(inventory: &Inventory) -> Vec<MachineIdentity> {
    let machines = inventory.list(questions::MACHINES);
    let real = machines.filter(|machine| machine.bool("config.template") != Ok(true));
    real.map(|machine| identity(machine, inventory)).collect()
}

fn identity(machine: &InventoryObject, inventory: &Inventory) -> MachineIdentity {
    let text = |path: &str| machine.text(path).ok().filter(|text| !text.trim().is_empty());
    let disks = devices::disks(machine).map(|disks| disks.items).unwrap_or_default();
    let stores = machine.references("datastore").unwrap_or_default();
    MachineIdentity {
        name: inventory.name(&machine.object),
        instance_uuid: text("config.instanceUuid"),
        bios_uuid: text("config.uuid"),
        macs: devices::mac_addresses(machine).map(|macs| macs.items).unwrap_or_default(),
        addresses: guest_addresses(machine),
        host_name: text("guest.hostName"),
        datastores: stores.iter().map(|store| inventory.name(store)).collect(),
        disk_uuids: disks.into_iter().filter_map(|disk| disk.uuid.value().ok().cloned()).collect(),
        host: text("runtime.host").map(|host| inventory.name(&host)),
    }
}

/// The addresses of the network cards that VMware Tools tell of.
fn guest_addresses(machine: &InventoryObject) -> Vec<String> {
    let Ok(Some(cards)) = machine.optional("guest.net") else { return Vec::new() };
    let addresses = elements(cards).iter().filter_map(|card| card.get("ipAddress"));
    addresses.flat_map(elements).filter_map(|one| one.as_str()).map(str::to_owned).collect()
}
