//! A machine that is to fail back, as seen from the master target it fails back through: does the
//! master target's host reach what the machine needs? And the master target with all of them.
//!
//! Not for what any machine is by itself: `vm` has that, and the types of all of it.

use super::datastore::{self, DatastoreFacts};
use super::inventory::decode_name;
use super::property::{InventoryObject, json_answer};
use super::questions;
use super::snapshot::VsphereSnapshot;
use super::vm::devices::VmDiskFacts;
use super::vm::{DiskSlots, MasterTargetSide, PlannedPlace, StartHost, VmFacts, folders};
use super::vmx;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable};

/// Why nothing is known about the master target's side.
const NO_MASTER_TARGET: &str = "no master target is named: add --vm NAME, or vm: in the site file";

impl VsphereSnapshot<'_> {
    /// What is known about the master target's machine.
    pub fn master_target(&self, name: &str) -> VmFacts {
        let mut facts = self.machine(name);
        let planned = self.scope.protected.iter().map(|name| self.machine(name));
        facts.disk_slots = disk_slots(&facts, planned).into();
        facts.storage_moves = self.storage_moves().into();
        let machine = self.detailed_machine(name);
        let vmx = |machine| vmx::compare(self.vmx_rows(name)?, machine);
        facts.vmx = machine.clone().and_then(vmx).into();
        let (inventory, detailed) = (self.inventory(), self.detailed_machines());
        let sort =
            |machine| folders::sort_disks(machine, &facts.disks, inventory, detailed, &self.scope);
        let sorted = machine.and_then(sort);
        facts.own_disks = sorted.as_ref().map(|disks| disks.own.clone()).into();
        facts.foreign_disks = sorted.and_then(|disks| disks.foreign).into();
        facts
    }

    /// What is known about a machine that is to fail back, beside the master target it fails back
    /// through.
    pub fn protected(&self, name: &str) -> VmFacts {
        let mut facts = self.machine(name);
        facts.written_from_azure = match &self.scope.master_target {
            None => Fact::unavailable(NO_MASTER_TARGET),
            Some(name) => written_from_azure(&facts, &self.machine(name)).into(),
        };
        if let Some(host) = &self.scope.host {
            facts.wanted_host = Fact::Known(host.clone());
            facts.plan.names_host = true;
            facts.plan.host = Fact::Known(host.clone());
            facts.plan.host_exists = self.has_object(questions::HOSTS, host).into();
        }
        if let Some(datastore) = &self.scope.datastore {
            facts.plan.names_datastore = true;
            facts.plan.datastore = Fact::Known(datastore.clone());
            facts.plan.datastore_exists = self.has_object(questions::DATASTORES, datastore).into();
            facts.plan.datastore_reached = self.reaches_datastore(datastore).into();
        }
        facts.master_target = match &self.scope.master_target {
            None => Fact::unavailable(NO_MASTER_TARGET),
            Some(master_target) => join(self, &facts, master_target).into(),
        };
        facts.start_host = self.start_host(&facts).into();
        facts.leftovers = leftovers(&self.transcript, name).into();
        facts
    }

    /// Whether the host that the master target runs on mounts a datastore, and finds it accessible.
    fn reaches_datastore(&self, name: &str) -> Result<bool, Unavailable> {
        let master_target = self.scope.master_target.as_ref().ok_or(NO_MASTER_TARGET)?;
        let host = self.host_object(master_target)?;
        datastore_of_name(self, name, host)?.accessible.value().copied()
    }

    /// A machine that is there starts where it is, a new one where the master target is.
    fn start_host(&self, facts: &VmFacts) -> Result<StartHost, Unavailable> {
        let host = match (facts.exists.value()?, &self.scope.master_target) {
            (true, _) => self.host_of(&facts.name)?,
            (false, Some(master_target)) => self.host_of(master_target)?,
            (false, None) => return Err(NO_MASTER_TARGET.into()),
        };
        Ok(StartHost { name: host.name, free_memory_mib: host.free_memory_mib })
    }
}

/// Counts the disks of a master target and of the machines that fail back through it.
fn disk_slots(
    master_target: &VmFacts,
    protected: impl Iterator<Item = VmFacts>,
) -> Result<DiskSlots, Unavailable> {
    let own = count_disks(master_target)?;
    let (mut total, mut words) = (own, format!("{own} of its own"));
    for machine in protected {
        let name = &machine.name;
        let disks =
            count_disks(&machine).map_err(|why| format!("the disks of {name}: {}", why.reason))?;
        total += disks;
        words.push_str(&format!(", {disks} of {name}"));
    }
    Ok(DiskSlots { total, words })
}

/// Folders of a machine that is gone, on the datastores of the master target.
fn leftovers(transcript: &Transcript, name: &str) -> Result<Collection<String>, Unavailable> {
    let found = json_answer(transcript, questions::LEFTOVERS)?;
    let Some(places) = found.get(name).and_then(|places| places.as_object()) else {
        return Err("its folders were not looked for, for the machine is there".into());
    };
    if places.is_empty() {
        return Err("its folders were looked for on no datastore".into());
    }
    let there = places.iter().filter(|(_, there)| there.as_bool() == Some(true));
    Ok(Collection {
        items: there.map(|(datastore, _)| format!("[{datastore}] {name}")).collect(),
        complete: places.values().all(|there| there.is_boolean()),
    })
}

/// How many disks a machine has; of one that is gone, how many people say it had.
fn count_disks(machine: &VmFacts) -> Result<i64, Unavailable> {
    if machine.exists == Fact::Known(false) && machine.names_disks {
        return machine.protected_disks.value().copied();
    }
    let disks = machine.disks.value()?;
    if !disks.complete {
        return Err("not every device of it is understood".into());
    }
    Ok(i64::try_from(disks.items.len()).unwrap_or(i64::MAX))
}

/// Joins a machine with the master target of this name.
fn join(
    snapshot: &VsphereSnapshot<'_>,
    machine: &VmFacts,
    name: &str,
) -> Result<MasterTargetSide, Unavailable> {
    let own = snapshot.find_machine(name)?;
    let master_target = snapshot.master_target(name);
    let host = snapshot.host_object(name);
    let inventory = snapshot.inventory();
    let on_host = |machine: &InventoryObject| {
        let host = host.as_ref()?;
        let references = datastores(machine)?;
        let all = references.iter().map(|r| datastore::from_inventory(inventory, r, &host.object));
        Ok::<_, Unavailable>(Collection::complete(all.map(Fact::from).collect()))
    };
    let host_facts = snapshot.host_of(name);
    let new_datastores = match planned_datastore(snapshot, &machine.plan, &host) {
        Some(chosen) => Ok(Collection::complete(vec![chosen.into()])),
        None => on_host(own),
    };
    Ok(MasterTargetSide {
        name: name.to_owned(),
        host: host_facts.clone().map(|host| host.name).into(),
        guest_family: master_target.guest_family.clone(),
        reach: snapshot.find_machine(&machine.name).and_then(on_host).into(),
        own_datastores: on_host(own).into(),
        new_datastores: new_datastores.into(),
        shared_uuids: shared_uuids(machine, &master_target).into(),
        disk_uuids_compared: disk_uuids_compared(machine, &master_target).into(),
        free_memory_mib: host_facts.and_then(|host| host.free_memory_mib.value().copied()).into(),
        same_name: same_name(snapshot, &machine.name, &host).into(),
    })
}

/// The datastores of a machine. It has one at the least, that of its settings: a list of none is not
/// all of them, and would satisfy every rule about all of them.
fn datastores(machine: &InventoryObject) -> Result<Vec<String>, Unavailable> {
    let references = machine.references("datastore")?;
    if references.is_empty() {
        return Err("the server names no datastore of the machine, which has one".into());
    }
    Ok(references)
}

/// The datastore that is chosen in Re-protect, as the master target's host reaches it; none when
/// nobody names one.
fn planned_datastore(
    snapshot: &VsphereSnapshot<'_>,
    plan: &PlannedPlace,
    host: &Result<&InventoryObject, Unavailable>,
) -> Option<Result<DatastoreFacts, Unavailable>> {
    let name = plan.datastore.known()?;
    Some(host.clone().and_then(|host| datastore_of_name(snapshot, name, host)))
}

/// The datastore of a name, as a host reaches it.
fn datastore_of_name(
    snapshot: &VsphereSnapshot<'_>,
    name: &str,
    host: &InventoryObject,
) -> Result<DatastoreFacts, Unavailable> {
    let named = snapshot.datastores_named(name);
    // Names are unique within a datacenter alone: the one that the host has is meant.
    let references = host.references("datastore").unwrap_or_default();
    let mut mounted = named.iter().filter(|object| references.contains(&object.object));
    let datastore = match (named.as_slice(), mounted.next(), mounted.next()) {
        (_, Some(one), None) | ([one], None, _) => one,
        ([], ..) => return Err(format!("no datastore named {name} is visible").into()),
        _ => return Err(format!("{} datastores are named {name}", named.len()).into()),
    };
    datastore::from_inventory(snapshot.inventory(), &datastore.object, &host.object)
}

/// Whether disks of a machine are attached to the master target, as they are from Re-protect until the failover home
/// gives them back (D:vmware-azure-reprotect). That none is attached says nothing of its stage when it is on: it may have
/// returned, or run beside its copy in Azure.
fn written_from_azure(machine: &VmFacts, master_target: &VmFacts) -> Result<bool, Unavailable> {
    let (own, attached) = (machine.disks.value()?, master_target.disks.value()?);
    if own.items.iter().any(|disk| is_same_file_as_any(disk, &attached.items)) {
        return Ok(true);
    }
    let all_named = own.complete
        && attached.complete
        && own.items.iter().chain(&attached.items).all(|disk| disk.file.known().is_some());
    if all_named { Ok(false) } else { Err("the files of some disks are not known".into()) }
}

/// Whether a disk is the very same file as one of others.
fn is_same_file_as_any(disk: &VmDiskFacts, others: &[VmDiskFacts]) -> bool {
    let file = disk.file.known().filter(|file| !file.is_empty());
    file.is_some_and(|file| others.iter().any(|other| other.file.known() == Some(file)))
}

fn shared_uuids(
    machine: &VmFacts,
    master_target: &VmFacts,
) -> Result<Collection<String>, Unavailable> {
    let mut shared = Vec::new();
    for (what, a, b) in [
        ("BIOS UUID", &machine.uuid, &master_target.uuid),
        ("instance UUID", &machine.instance_uuid, &master_target.instance_uuid),
    ] {
        let (a, b) = (a.value()?, b.value()?);
        if a.is_empty() || b.is_empty() {
            return Err(format!("a {what} is empty").into());
        }
        if a.eq_ignore_ascii_case(b) {
            shared.push(format!("{what} {a}"));
        }
    }
    let a = machine.disks.value()?;
    let Fact::Known(b) = &master_target.disks else { return Ok(Collection::default()) };
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
    Ok(Collection { items: shared, complete })
}

/// Whether every disk has a UUID to compare: one without cannot be told from any other, and a machine
/// without a disk proves nothing.
fn disk_uuids_compared(machine: &VmFacts, master_target: &VmFacts) -> Result<bool, Unavailable> {
    for side in [machine, master_target] {
        let disks = side.disks.value()?;
        if disks.items.is_empty() {
            return Err(format!("no disk of {} is known", side.name).into());
        }
        if let Some(disk) = disks.items.iter().find(|disk| disk.uuid.known().is_none()) {
            return Err(format!("{} of {} has no UUID", disk.label, side.name).into());
        }
    }
    Ok(true)
}

/// Other machines of this name on a host. Of two of which nobody knows which is meant, one is
/// another when both are there.
fn same_name(
    snapshot: &VsphereSnapshot<'_>,
    name: &str,
    host: &Result<&InventoryObject, Unavailable>,
) -> Result<Collection<String>, Unavailable> {
    let host = host.as_ref()?;
    let inventory = snapshot.inventory();
    let complete =
        inventory.complete(questions::MACHINES)? && inventory.all_named(questions::MACHINES);
    let named =
        |object: &&InventoryObject| object.text("name").is_ok_and(|own| decode_name(&own) == name);
    let all: Vec<&InventoryObject> = inventory.list(questions::MACHINES).filter(named).collect();
    let mut on_host = Vec::new();
    for object in &all {
        match object.text("runtime.host") {
            Ok(own) if own == host.object => on_host.push(*object),
            Err(why) if all.len() > 1 => return Err(why),
            _ => {}
        }
    }
    match (all.len(), on_host.len()) {
        (0 | 1, _) | (_, 0) => Ok(Collection { items: Vec::new(), complete }),
        (_, 1) => Err(format!(
            "{} machines are named {name}, and which of them is to fail back is not known",
            all.len()
        )
        .into()),
        (_, _) => {
            let items = on_host.iter().map(|object| object.object.clone()).collect();
            Ok(Collection { items, complete })
        }
    }
}
