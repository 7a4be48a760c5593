//! Which machine of vCenter a replicated item is: by UUIDs, disks and network cards, and by its name when there is nothing better.
//!
//! A name proves nothing: machines are renamed, and two may have one. Source of what each provider writes: recorded replies of the
//! service. Not for reading vCenter (`facts::vsphere`), nor for which machines a site names (`survey`).

use super::azure_vm::mac_key;
use super::item::Item;
use super::object::{ObjectKind, last_name};
use super::read::{list, text};
use super::vault::VaultObject;
use crate::facts::vsphere::identity::MachineIdentity;

/// How well an item and a machine of vCenter fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// They are not one machine: something that identifies them differs.
    Other(&'static str),
    /// Nothing says that they are one.
    Unlike,
    /// They have one name, and nothing else is known of both.
    NameAlone,
    /// They have one name, and something else that several machines may share.
    NameAnd(&'static str),
    /// They are one machine.
    Same(&'static str),
}

impl Likeness {
    /// Whether the two are taken for one machine.
    pub fn is_match(self) -> bool {
        self >= Self::NameAlone
    }
}

/// Compares an item with a machine of vCenter.
pub fn likeness(item: Item<'_>, machine: &MachineIdentity) -> Likeness {
    let discovered = discovered_machine(item);
    if let (Some(theirs), Some(own)) = (instance_uuid(item), &machine.instance_uuid) {
        let is_same = theirs.eq_ignore_ascii_case(own);
        return if is_same {
            Likeness::Same("UUID in vCenter")
        } else {
            Likeness::Other("UUID in vCenter")
        };
    }
    let bios = discovered.and_then(|found| text(found.properties(), "biosGuid"));
    if let (Some(theirs), Some(own)) = (bios, &machine.bios_uuid) {
        let is_same = is_same_bios_uuid(theirs, own);
        return if is_same { Likeness::Same("BIOS UUID") } else { Likeness::Other("BIOS UUID") };
    }
    let keys = |all: &[String]| all.iter().map(|text| mac_key(text)).collect::<Vec<_>>();
    let disks = item.disks().unwrap_or_default().iter();
    let mut disks = disks.filter_map(|disk| text(disk, "diskUuid")).map(mac_key);
    let own_disks = keys(&machine.disk_uuids);
    if disks.any(|disk| own_disks.contains(&disk)) {
        return Likeness::Same("disk UUID");
    }
    let own_macs = keys(&machine.macs);
    let macs = home_macs(item);
    if macs.iter().any(|mac| own_macs.contains(mac)) {
        return Likeness::Same("MAC address");
    }
    if !item.name().eq_ignore_ascii_case(&machine.name) {
        return Likeness::Unlike;
    }
    let shares = |theirs: &[String], own: &[String]| {
        theirs.iter().any(|one| own.iter().any(|other| other.eq_ignore_ascii_case(one)))
    };
    if shares(&datastores(item), &machine.datastores) {
        return Likeness::NameAnd("datastore");
    }
    if shares(&home_addresses(item), &machine.addresses) {
        return Likeness::NameAnd("address");
    }
    Likeness::NameAlone
}

/// The UUID of its machine in vCenter, which the modernised provider writes behind the vCenter's name.
pub fn instance_uuid(item: Item<'_>) -> Option<String> {
    let from_discovery = discovered_machine(item)
        .and_then(|found| text(found.properties(), "instanceUuid"))
        .map(str::to_ascii_lowercase);
    let discovered = text(item.details(), "fabricDiscoveryMachineId").map(last_name);
    let name = text(&item.object.body, "name");
    let in_name = [discovered, name].into_iter().flatten().find_map(|name| {
        let uuid = name.rsplit_once('_')?.1.to_ascii_lowercase();
        is_uuid(&uuid).then_some(uuid)
    });
    in_name.or(from_discovery)
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether two BIOS UUIDs are one: half of all programs write the first three groups with their bytes turned round.
pub fn is_same_bios_uuid(one: &str, other: &str) -> bool {
    let (one, other) = (mac_key(one), mac_key(other));
    one.len() == 32 && (one == other || swapped(&one).is_some_and(|swapped| swapped == other))
}

/// Turns round the bytes of the first three groups of 32 digits.
fn swapped(digits: &str) -> Option<String> {
    let bytes = |from: usize, to: usize| {
        let pairs = digits.get(from..to)?.as_bytes().chunks(2).rev();
        Some(pairs.flat_map(|pair| pair.iter().map(|digit| char::from(*digit))).collect::<String>())
    };
    Some(bytes(0, 8)? + &bytes(8, 12)? + &bytes(12, 16)? + digits.get(16..)?)
}

/// The machine as the appliance discovered it, where it was asked for.
fn discovered_machine<'v>(item: Item<'v>) -> Option<&'v VaultObject> {
    let id = text(item.details(), "fabricDiscoveryMachineId")?;
    item.vault.object(id).filter(|object| {
        ObjectKind::from_object(&object.body) == Some(ObjectKind::DiscoveredMachine)
    })
}

/// The MAC addresses of the network cards that it has at home: those of a classic item on the way home are Azure's.
fn home_macs(item: Item<'_>) -> Vec<String> {
    let mut macs: Vec<String> = Vec::new();
    if item.provider().is_ok_and(|provider| provider.is_forward()) {
        let nics = list(item.details(), "vmNics").iter();
        let named = nics.filter_map(|nic| text(nic, "macAddress").or_else(|| text(nic, "nicId")));
        macs.extend(named.map(mac_key));
    }
    let cards = discovered_machine(item).map(|found| list(found.properties(), "networkAdapters"));
    let cards = cards.unwrap_or_default().iter();
    macs.extend(cards.filter_map(|card| text(card, "macAddress")).map(mac_key));
    macs.retain(|mac| mac.len() == 12);
    macs
}

/// The datastores that it came from or replicates to.
fn datastores(item: Item<'_>) -> Vec<String> {
    let named = list(item.details(), "datastores").iter().filter_map(|name| name.as_str());
    let found = list(item.details(), "discoveredVmDetails.datastores").iter();
    let found = found.filter_map(|name| name.as_str());
    let target = text(item.details(), "targetDataStoreName");
    named.chain(found).chain(target).map(str::to_owned).collect()
}

/// The addresses that it has at home: that of a classic item on the way home is Azure's.
fn home_addresses(item: Item<'_>) -> Vec<String> {
    let details = item.details();
    let is_forward = item.provider().is_ok_and(|provider| provider.is_forward());
    let own = ["ipAddress", "primaryNicIpAddress"].into_iter().filter_map(|key| text(details, key));
    let nics = list(details, "vmNics").iter().filter_map(|nic| text(nic, "sourceIPAddress"));
    let found = list(details, "discoveredVmDetails.ipAddresses").iter();
    let found = found.filter_map(|address| address.as_str());
    let of_item = own.chain(nics).filter(|_| is_forward);
    // Two addresses may stand in one text, with a hyphen below between them.
    of_item.chain(found).flat_map(|text| text.split('_')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bios_uuid_is_the_same_with_its_bytes_turned_round() {
        for (one, other, is_same) in [
            ("0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9", true),
            ("0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", "3d2c1b0a-5f4e-7160-8293-a4b5c6d7e8f9", true),
            ("0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9", "3d2c1b0a-5f4e-7160-8293-a4b5c6d7e8f8", false),
            ("VMware-42 13", "VMware-42 13", false),
            ("", "", false),
        ] {
            assert_eq!(is_same_bios_uuid(one, other), is_same, "{one} {other}");
        }
    }
}
