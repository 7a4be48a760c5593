//! A machine that is to fail back, as seen from the master target it fails back through: does the
//! master target's host reach what the machine needs? And the master target with all of them.
//!
//! Not for what any machine is by itself: `vm` has that, and the types of all of it.

use super::datastore::{self, DatastoreFacts};
use super::inventory::decode_name;
use super::property::{InventoryObject, json_answer};
use super::snapshot::VsphereSnapshot;
use super::vm::devices::VmDiskFacts;
use super::vm::{DiskSlots, MasterTargetSide, PlannedPlace, StartHost, VmFacts, folders};
use super::{storage_moves, vmx};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact};

/// Why nothing is known about the master target's side.
const NO_MASTER_TARGET: &str = "no master target is named: add --vm NAME, or vm: in the site file";

impl VsphereSnapshot<'_> {
    /// What is known about the master target's machine.
    pub fn master_target(&self, name: &str) -> VmFacts {
        let mut facts = self.machine(name);
        let planned = self.scope.protected.iter().map(|name| self.machine(name));
        facts.disk_slots = disk_slots(&facts, planned);
        facts.storage_moves = storage_moves::from_transcript(self.transcript, &self.scope);
        match self.detailed_machine(name) {
            Fact::Known(machine) => {
                facts.vmx = vmx::from_transcript(self.transcript, name, machine);
                let (inventory, detailed) = (self.inventory(), self.detailed_machines());
                let sorted =
                    folders::sort_disks(machine, &facts.disks, inventory, detailed, &self.scope);
                facts.own_disks = sorted.own;
                facts.foreign_disks = sorted.foreign;
            }
            Fact::Unavailable(why) => {
                facts.vmx = Fact::Unavailable(why.clone());
                facts.own_disks = Fact::Unavailable(why.clone());
                facts.foreign_disks = Fact::Unavailable(why);
            }
        }
        facts
    }

    /// What is known about a machine that is to fail back, beside the master target it fails back
    /// through.
    pub fn protected(&self, name: &str) -> VmFacts {
        let mut facts = self.machine(name);
        facts.written_from_azure = match &self.scope.master_target {
            None => Fact::unavailable(NO_MASTER_TARGET),
            Some(name) => written_from_azure(&facts, &self.machine(name)),
        };
        if let Some(host) = &self.scope.host {
            facts.wanted_host = Fact::Known(host.clone());
            facts.plan.names_host = true;
            facts.plan.host = Fact::Known(host.clone());
            facts.plan.host_exists = self.has_object("hosts", host);
        }
        if let Some(datastore) = &self.scope.datastore {
            facts.plan.names_datastore = true;
            facts.plan.datastore = Fact::Known(datastore.clone());
            facts.plan.datastore_exists = self.has_object("datastores", datastore);
        }
        facts.master_target = match &self.scope.master_target {
            None => Fact::unavailable(NO_MASTER_TARGET),
            Some(master_target) => join(self, &facts, master_target),
        };
        facts.start_host = self.start_host(&facts);
        facts.leftovers = leftovers(self.transcript, name);
        facts
    }

    /// A machine that is there starts where it is, a new one where the master target is.
    fn start_host(&self, facts: &VmFacts) -> Fact<StartHost> {
        let host = match (&facts.exists, &self.scope.master_target) {
            (Fact::Known(true), _) => self.host_of(&facts.name),
            (Fact::Known(false), Some(master_target)) => self.host_of(master_target),
            (Fact::Known(false), None) => Fact::unavailable(NO_MASTER_TARGET),
            (Fact::Unavailable(why), _) => Fact::Unavailable(why.clone()),
        };
        host.map(|host| StartHost { name: host.name, free_memory_mib: host.free_memory_mib })
    }
}

/// Counts the disks of a master target and of the machines that fail back through it.
fn disk_slots(
    master_target: &VmFacts,
    protected: impl Iterator<Item = VmFacts>,
) -> Fact<DiskSlots> {
    let own = match count_disks(master_target) {
        Fact::Known(own) => own,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let (mut total, mut words) = (own, format!("{own} of its own"));
    for machine in protected {
        match count_disks(&machine) {
            Fact::Known(disks) => {
                total += disks;
                words.push_str(&format!(", {disks} of {}", machine.name));
            }
            Fact::Unavailable(why) => {
                return Fact::unavailable(format!("the disks of {}: {}", machine.name, why.reason));
            }
        }
    }
    Fact::Known(DiskSlots { total, words })
}

/// Folders of a machine that is gone, on the datastores of the master target.
fn leftovers(transcript: &Transcript, name: &str) -> Fact<Collection<String>> {
    let found = match json_answer(transcript, "leftovers") {
        Fact::Known(found) => found,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let Some(places) = found.get(name).and_then(|places| places.as_object()) else {
        return Fact::unavailable("its folders were not looked for, for the machine is there");
    };
    if places.is_empty() {
        return Fact::unavailable("its folders were looked for on no datastore");
    }
    let there = places.iter().filter(|(_, there)| there.as_bool() == Some(true));
    Fact::Known(Collection {
        items: there.map(|(datastore, _)| format!("[{datastore}] {name}")).collect(),
        complete: places.values().all(|there| there.is_boolean()),
    })
}

/// How many disks a machine has; of one that is gone, how many people say it had.
fn count_disks(machine: &VmFacts) -> Fact<i64> {
    if machine.exists == Fact::Known(false) && machine.names_disks {
        return machine.protected_disks.clone();
    }
    machine.disks.clone().and_then(|disks| {
        if disks.complete {
            Fact::Known(i64::try_from(disks.items.len()).unwrap_or(i64::MAX))
        } else {
            Fact::unavailable("not every device of it is understood")
        }
    })
}

/// Joins a machine with the master target of this name.
fn join(survey: &VsphereSnapshot<'_>, machine: &VmFacts, name: &str) -> Fact<MasterTargetSide> {
    let own = match survey.find_machine(name) {
        Fact::Known(object) => object,
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let master_target = survey.master_target(name);
    let host = survey.host_object(name);
    let inventory = survey.inventory();
    let on_host = |references: Fact<Vec<String>>| match (&host, references) {
        (Fact::Known(host), Fact::Known(references)) => {
            let all =
                references.iter().map(|r| datastore::from_inventory(inventory, r, &host.object));
            Fact::Known(Collection::complete(all.collect()))
        }
        (Fact::Unavailable(why), _) => Fact::Unavailable(why.clone()),
        (_, Fact::Unavailable(why)) => Fact::Unavailable(why),
    };
    let reach = match survey.find_machine(&machine.name) {
        Fact::Known(object) => on_host(datastores(object)),
        Fact::Unavailable(why) => Fact::Unavailable(why),
    };
    let host_facts = survey.host_of(name);
    Fact::Known(MasterTargetSide {
        name: name.to_owned(),
        host: host_facts.clone().map(|host| host.name),
        guest_family: master_target.guest_family.clone(),
        reach,
        own_datastores: on_host(datastores(own)),
        new_datastores: match planned_datastore(survey, &machine.plan, &host) {
            Some(chosen) => Fact::Known(Collection::complete(vec![chosen])),
            None => on_host(datastores(own)),
        },
        shared_uuids: shared_uuids(machine, &master_target),
        disk_uuids_compared: disk_uuids_compared(machine, &master_target),
        free_memory_mib: match host_facts {
            Fact::Known(host) => host.free_memory_mib,
            Fact::Unavailable(why) => Fact::Unavailable(why),
        },
        same_name: same_name(survey, &machine.name, &host),
    })
}

/// The datastores of a machine. It has one at the least, that of its settings: a list of none is not
/// all of them, and would satisfy every rule about all of them.
fn datastores(machine: &InventoryObject) -> Fact<Vec<String>> {
    machine.references("datastore").and_then(|references| {
        if references.is_empty() {
            Fact::unavailable("the server names no datastore of the machine, which has one")
        } else {
            Fact::Known(references)
        }
    })
}

/// The datastore that is chosen in Re-protect, as the master target's host reaches it; none when
/// nobody names one.
fn planned_datastore(
    survey: &VsphereSnapshot<'_>,
    plan: &PlannedPlace,
    host: &Fact<&InventoryObject>,
) -> Option<Fact<DatastoreFacts>> {
    let name = plan.datastore.known()?;
    let host = match host {
        Fact::Known(host) => *host,
        Fact::Unavailable(why) => return Some(Fact::Unavailable(why.clone())),
    };
    let inventory = survey.inventory();
    let of = |object: &InventoryObject| {
        datastore::from_inventory(inventory, &object.object, &host.object)
    };
    let named = survey.datastores_named(name);
    // Names are unique within a datacenter alone: the one that the host has is meant.
    let of_host = host.references("datastore");
    let here = |object: &&&InventoryObject| {
        of_host.known().is_some_and(|references| references.contains(&object.object))
    };
    let mut mounted = named.iter().filter(here);
    Some(match (named.as_slice(), mounted.next(), mounted.next()) {
        (_, Some(one), None) => of(one),
        ([one], None, _) => of(one),
        ([], ..) => Fact::unavailable(format!("no datastore named {name} is visible")),
        _ => Fact::unavailable(format!("{} datastores are named {name}", named.len())),
    })
}

/// Whether disks of a machine are attached to the master target, as they are from Re-protect until the failover home
/// gives them back (D:vmware-azure-reprotect). That none is attached says nothing: it may have returned, or run beside
/// its copy in Azure.
fn written_from_azure(machine: &VmFacts, master_target: &VmFacts) -> Fact<bool> {
    let (own, attached) = match (&machine.disks, &master_target.disks) {
        (Fact::Known(own), Fact::Known(attached)) => (own, attached),
        (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => {
            return Fact::Unavailable(why.clone());
        }
    };
    if own.items.iter().any(|disk| is_same_file_as_any(disk, &attached.items)) {
        Fact::Known(true)
    } else {
        Fact::unavailable(
            "none of its disks is attached to the master target, so it may have returned: nobody says at which stage \
             it is (stage: in the site file)",
        )
    }
}

/// Whether a disk is the very same file as one of others.
fn is_same_file_as_any(disk: &VmDiskFacts, others: &[VmDiskFacts]) -> bool {
    let file = disk.file.known().filter(|file| !file.is_empty());
    file.is_some_and(|file| others.iter().any(|other| other.file.known() == Some(file)))
}

fn shared_uuids(machine: &VmFacts, master_target: &VmFacts) -> Fact<Collection<String>> {
    let mut shared = Vec::new();
    for (what, a, b) in [
        ("BIOS UUID", &machine.uuid, &master_target.uuid),
        ("instance UUID", &machine.instance_uuid, &master_target.instance_uuid),
    ] {
        match (a, b) {
            (Fact::Known(a), Fact::Known(b)) if a.is_empty() || b.is_empty() => {
                return Fact::unavailable(format!("a {what} is empty"));
            }
            (Fact::Known(a), Fact::Known(b)) if a.eq_ignore_ascii_case(b) => {
                shared.push(format!("{what} {a}"));
            }
            (Fact::Known(_), Fact::Known(_)) => {}
            (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => {
                return Fact::Unavailable(why.clone());
            }
        }
    }
    let (Fact::Known(a), Fact::Known(b)) = (&machine.disks, &master_target.disks) else {
        return machine.disks.clone().map(|_| Collection::default());
    };
    let uuids = |disks: &[VmDiskFacts]| -> Vec<String> {
        disks.iter().filter_map(|disk| disk.uuid.known().cloned()).collect()
    };
    let of_master_target = uuids(&b.items);
    // What replicates hangs on the master target as well: that is one disk with its own UUID, and no
    // copy of it.
    let copies: Vec<VmDiskFacts> =
        a.items.iter().filter(|disk| !is_same_file_as_any(disk, &b.items)).cloned().collect();
    let complete = a.complete && b.complete;
    let both = uuids(&copies).into_iter().filter(|uuid| of_master_target.contains(uuid));
    shared.extend(both.map(|uuid| format!("disk UUID {uuid}")));
    Fact::Known(Collection { items: shared, complete })
}

/// Whether every disk has a UUID to compare: one without cannot be told from any other, and a machine
/// without a disk proves nothing.
fn disk_uuids_compared(machine: &VmFacts, master_target: &VmFacts) -> Fact<bool> {
    for side in [machine, master_target] {
        let disks = match &side.disks {
            Fact::Known(disks) => disks,
            Fact::Unavailable(why) => return Fact::Unavailable(why.clone()),
        };
        if disks.items.is_empty() {
            return Fact::unavailable(format!("no disk of {} is known", side.name));
        }
        if let Some(disk) = disks.items.iter().find(|disk| disk.uuid.known().is_none()) {
            return Fact::unavailable(format!("{} of {} has no UUID", disk.label, side.name));
        }
    }
    Fact::Known(true)
}

/// Other machines of this name on a host. Of two of which nobody knows which is meant, one is
/// another when both are there.
fn same_name(
    survey: &VsphereSnapshot<'_>,
    name: &str,
    host: &Fact<&InventoryObject>,
) -> Fact<Collection<String>> {
    let host = match host {
        Fact::Known(host) => *host,
        Fact::Unavailable(why) => return Fact::Unavailable(why.clone()),
    };
    let inventory = survey.inventory();
    let complete = match inventory.complete("machines") {
        Fact::Known(complete) => complete && inventory.all_named("machines"),
        Fact::Unavailable(why) => return Fact::Unavailable(why),
    };
    let named = |object: &&InventoryObject| {
        object.text("name").known().is_some_and(|own| decode_name(own) == name)
    };
    let all: Vec<&InventoryObject> = inventory.list("machines").filter(named).collect();
    let mut on_host = Vec::new();
    for object in &all {
        match object.text("runtime.host") {
            Fact::Known(own) if own == host.object => on_host.push(*object),
            Fact::Known(_) => {}
            Fact::Unavailable(why) if all.len() > 1 => return Fact::Unavailable(why),
            Fact::Unavailable(_) => {}
        }
    }
    match (all.len(), on_host.len()) {
        (0 | 1, _) | (_, 0) => Fact::Known(Collection { items: Vec::new(), complete }),
        (_, 1) => Fact::unavailable(format!(
            "{} machines are named {name}, and which of them is to fail back is not known",
            all.len()
        )),
        (_, _) => {
            let items = on_host.iter().map(|object| object.object.clone()).collect();
            Fact::Known(Collection { items, complete })
        }
    }
}
