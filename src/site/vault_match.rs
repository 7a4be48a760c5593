//! Matches the servers and machines that a vault knows with those of vCenter, for a site file.
//!
//! What identifies a machine decides (`facts::azure::matching`); where names are all that agrees, that is a guess and said to be
//! one, and of several nothing is chosen. Not for a site that is evaluated (`vault`).

use super::from_vault::VaultSite;
use super::model::{EsxiHost, ProtectedVm};
use super::value::Name;
use crate::facts::azure::item::Item;
use crate::facts::azure::matching::{Likeness, likeness};
use crate::facts::azure::vault::Vault;
use crate::facts::vsphere::identity::{MachineIdentity, machine_identities};
use crate::facts::vsphere::inventory::Inventory;
use crate::uri::target::TargetAddress;

impl VaultSite {
    /// Adds what vCenter knows of the servers and machines.
    #[must_use]
    pub fn matched_with(mut self, vault: &Vault, inventory: &Inventory) -> Self {
        let known = machine_identities(inventory);
        let is_whole = inventory.has_all_machines();
        for place in 0..self.site.master_targets.len() {
            self.match_master_target(place, &known);
        }
        for place in 0..self.site.protected_vms.len() {
            let name = self.site.protected_vms[place].name.to_string();
            let item = vault.items().find(|item| item.name().trim() == name);
            if let Some(item) = item {
                self.match_machine(place, item, &known, is_whole);
            }
        }
        self
    }

    fn match_machine(
        &mut self,
        place: usize,
        item: Item<'_>,
        known: &[MachineIdentity],
        is_whole: bool,
    ) {
        let entry = self.site.protected_vms[place].name.to_string();
        let (found, how) = match best(item, known) {
            Best::One(machine, how) => (machine, how),
            Best::Several(how) => {
                let remark =
                    format!("vCenter has several machines that may be it, by {how}: which one?");
                return self.notes.add(&entry, remark);
            }
            Best::None if is_whole => {
                let remark = "vCenter has no such machine: it returns to the alternate location";
                return self.notes.add(&entry, remark);
            }
            Best::None => {
                return self.notes.add(&entry, "not every machine of vCenter could be looked at");
            }
        };
        match how {
            Likeness::NameAlone => {
                let remark = "a guess: vCenter has a machine of this name, and nothing else says that it is this one";
                return self.notes.add(&entry, remark);
            }
            Likeness::NameAnd(what) | Likeness::Same(what) => {
                self.notes.add(&entry, format!("in vCenter, by its {what}"));
            }
            Likeness::Other(_) | Likeness::Unlike => {}
        }
        if let Some(host) = &found.host {
            self.notes.add_to_key(&entry, "host", "where it is in vCenter");
            self.site.protected_vms[place].host = Some(host.clone());
        }
        self.rename(place, found);
    }

    /// Gives a machine the name that vCenter knows it by, and keeps that of Azure.
    fn rename(&mut self, place: usize, found: &MachineIdentity) {
        let vm = &self.site.protected_vms[place];
        let Ok(name) = found.name.parse() else { return };
        let is_taken = self.site.protected_vms.iter().any(|other| other.name == name);
        if vm.name.as_str().eq_ignore_ascii_case(&found.name) || is_taken {
            return;
        }
        let old = vm.name.clone();
        self.notes.move_entry(old.as_str(), found.name.as_str());
        for group in &mut self.site.replication_groups {
            group.vms.iter_mut().filter(|vm| **vm == old).for_each(|vm| *vm = name.clone());
        }
        let vm = self.site.protected_vms[place].clone();
        self.site.protected_vms[place] = ProtectedVm { name, azure_name: Some(old), ..vm };
    }

    fn match_master_target(&mut self, place: usize, known: &[MachineIdentity]) {
        let target = &self.site.master_targets[place];
        let entry = target.name.to_string();
        let address = target.ssh.as_ref().and_then(TargetAddress::host).map(str::to_owned);
        let own_name = target.vm.clone().unwrap_or_else(|| entry.clone());
        let by_address = known.iter().filter(|machine| {
            address.as_ref().is_some_and(|address| machine.addresses.contains(address))
        });
        let label = |name: &str| name.split('.').next().unwrap_or(name).to_ascii_lowercase();
        let by_host_name = known.iter().filter(|machine| {
            machine.host_name.as_ref().is_some_and(|name| label(name) == label(&own_name))
        });
        let by_name = known.iter().filter(|machine| machine.name.eq_ignore_ascii_case(&own_name));
        let by_address: Vec<&MachineIdentity> = by_address.collect();
        let by_host_name: Vec<&MachineIdentity> = by_host_name.collect();
        let by_name: Vec<&MachineIdentity> = by_name.collect();
        let (found, how) =
            match (by_address.as_slice(), by_host_name.as_slice(), by_name.as_slice()) {
                ([one], _, _) => (*one, "its guest has the address"),
                ([], [one], _) => (*one, "its guest has the host name"),
                ([], [], [one]) => (*one, "a guess, by its name alone: is it this one?"),
                ([], [], []) => {
                    return self.notes.add(&entry, "vCenter has no machine of its name or address");
                }
                _ => {
                    return self
                        .notes
                        .add(&entry, "vCenter has several machines that may be it: which one?");
                }
            };
        self.notes.add_to_key(&entry, "vm", how);
        self.site.master_targets[place].vm = Some(found.name.clone());
        let host = found.host.as_deref().and_then(|host| host.parse::<Name>().ok());
        if let Some(host) =
            host.filter(|host| self.site.esxi.iter().all(|known| known.name != *host))
        {
            self.notes.add_to_key(host.as_str(), "name", format!("the host of {entry}"));
            self.site.esxi.push(EsxiHost::unreached(host));
        }
    }
}

/// The machine of vCenter that an item is.
enum Best<'k> {
    /// There is one, and this is how it was recognised.
    One(&'k MachineIdentity, Likeness),
    /// Several fit equally well, by this.
    Several(&'static str),
    /// There is none.
    None,
}

fn best<'k>(item: Item<'_>, known: &'k [MachineIdentity]) -> Best<'k> {
    let compared: Vec<(&MachineIdentity, Likeness)> = known
        .iter()
        .map(|machine| (machine, likeness(item, machine)))
        .filter(|(_, likeness)| likeness.is_match())
        .collect();
    let rank = |likeness: Likeness| match likeness {
        Likeness::Same(_) => 2,
        Likeness::NameAnd(_) => 1,
        _ => 0,
    };
    let highest = compared.iter().map(|(_, likeness)| rank(*likeness)).max();
    let found: Vec<&(&MachineIdentity, Likeness)> =
        compared.iter().filter(|(_, likeness)| Some(rank(*likeness)) == highest).collect();
    match found.as_slice() {
        [] => Best::None,
        [(machine, likeness)] => Best::One(machine, *likeness),
        [(_, Likeness::Same(what) | Likeness::NameAnd(what)), ..] => Best::Several(what),
        _ => Best::Several("name"),
    }
}
