//! In whose folder each disk of a master target lies.
//!
//! A disk in another machine's folder is what that machine gets its data back into, and no place for
//! anything else (S001, Reprotect, step 5: the retention volume is no target of replication). While
//! machines replicate, their disks hang on the master target, and rightly so. Not for the disks
//! themselves: `devices` reads those.

use schemars::JsonSchema;
use serde::Serialize;

use super::devices::VmDiskFacts;
use crate::facts::vsphere::inventory::{Inventory, decode_name};
use crate::facts::vsphere::property::InventoryObject;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::facts::vsphere::questions;
use crate::facts::vsphere::vmx::split_datastore_path;
use crate::facts::{Collection, Fact, Unavailable};

/// A disk, and in whose folder it lies.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlacedDisk {
    /// Its file.
    pub file: String,
    /// The machine in whose folder it lies.
    pub machine: String,
    /// The id by which the guest sees it.
    pub scsi_id: Fact<String>,
    /// File and machine in one text.
    pub words: String,
}

/// A folder on a datastore.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Folder {
    datastore: String,
    path: String,
}

impl Folder {
    /// The folder of a file such as `[datastore1] vm/vm.vmx`.
    fn containing(file: &str) -> Option<Self> {
        let (datastore, path) = split_datastore_path(file)?;
        let (path, _) = path.rsplit_once('/')?;
        Some(Self { datastore: datastore.to_owned(), path: path.to_owned() })
    }
}

/// Whose a folder is.
enum Owner {
    Own,
    Other(String),
    Unknown,
}

/// What is known of the folders of all machines.
struct Folders {
    own: Folder,
    /// Of other machines, with the name of each.
    others: Vec<(Folder, String)>,
    /// Names of other machines, which their folders bear as a rule; also of those that are gone.
    names: Vec<String>,
    /// Whether the folder of every machine is known.
    complete: bool,
}

/// The disks of a machine by whose folder they lie in: its own, and other machines'.
pub(in crate::facts) struct SortedDisks {
    /// Disks in folders of its own.
    pub own: Collection<PlacedDisk>,
    /// Disks in folders of others, without those that reprotect has put there.
    pub foreign: Result<Collection<PlacedDisk>, Unavailable>,
}

/// Sorts the disks of a master target. `detailed` are the machines that were asked about in detail.
pub(in crate::facts) fn sort_disks(
    machine: &InventoryObject,
    disks: &Fact<Collection<VmDiskFacts>>,
    inventory: &Inventory,
    detailed: &[InventoryObject],
    scope: &QueryScope,
) -> Result<SortedDisks, Unavailable> {
    let disks = disks.value()?;
    let folders = machine_folders(machine, inventory, detailed, scope)?;
    let mut own = Collection { items: Vec::new(), complete: disks.complete };
    let mut foreign = Collection { items: Vec::new(), complete: disks.complete };
    let mut undecided = None;
    for disk in &disks.items {
        let file = disk.file.known();
        match (
            file,
            file.and_then(|file| Folder::containing(file)).map(|folder| folders.owner(&folder)),
        ) {
            (Some(file), Some(Owner::Own)) => own.items.push(PlacedDisk {
                words: file.clone(),
                file: file.clone(),
                machine: inventory.name(&machine.object),
                scsi_id: disk.scsi_id.clone(),
            }),
            (Some(file), Some(Owner::Other(other))) => {
                // Reprotect hangs the disks of machines on their master target until failback.
                match (scope.protected.contains(&other), scope.reprotected_at) {
                    (true, Some(_)) => continue,
                    (true, None) => undecided = Some(other),
                    (false, _) => foreign.items.push(PlacedDisk {
                        words: format!("{file}, in the folder of {other}"),
                        file: file.clone(),
                        machine: other,
                        scsi_id: disk.scsi_id.clone(),
                    }),
                }
            }
            _ => {
                own.complete = false;
                foreign.complete = false;
            }
        }
    }
    let foreign = match undecided {
        Some(other) if foreign.items.is_empty() => Err(format!(
            "a disk lies in the folder of {other}: reprotect puts it there, and before reprotect it has \
             no business there. When reprotect has begun is not known: add --reprotected-at TIME"
        )
        .into()),
        Some(_) => Ok(Collection { complete: false, ..foreign }),
        None => Ok(foreign),
    };
    Ok(SortedDisks { own, foreign })
}

fn home_folder(machine: &InventoryObject) -> Result<Folder, Unavailable> {
    let file = machine.text("summary.config.vmPathName")?;
    Ok(Folder::containing(&file).ok_or_else(|| format!("{file:?} is not a file in a folder"))?)
}

fn machine_folders(
    machine: &InventoryObject,
    inventory: &Inventory,
    detailed: &[InventoryObject],
    scope: &QueryScope,
) -> Result<Folders, Unavailable> {
    let own = home_folder(machine)?;
    let mut folders = Folders {
        own,
        others: Vec::new(),
        names: Vec::new(),
        complete: inventory.complete(questions::MACHINES) == Ok(true),
    };
    let mine = machine.text("name").ok().map(|name| decode_name(&name));
    for other in inventory.list(questions::MACHINES).filter(|other| other.object != machine.object)
    {
        let name = inventory.name(&other.object);
        let in_detail = detailed.iter().find(|folder| folder.object == other.object);
        match home_folder(other).or_else(|why| in_detail.map_or(Err(why), home_folder)) {
            Ok(home) => folders.others.push((home, name.clone())),
            Err(_) => folders.complete = false,
        }
        folders.names.push(name);
    }
    folders.names.extend(scope.machines().map(str::to_owned));
    folders.names.retain(|name| Some(name) != mine.as_ref());
    Ok(folders)
}

impl Folders {
    fn owner(&self, folder: &Folder) -> Owner {
        if *folder == self.own {
            return Owner::Own;
        }
        if let Some((_, name)) = self.others.iter().find(|(home, _)| home == folder) {
            return Owner::Other(name.clone());
        }
        // On another datastore a machine's disks get a folder of the same name.
        if folder.path == self.own.path {
            return Owner::Own;
        }
        if let Some((_, name)) = self.others.iter().find(|(home, _)| home.path == folder.path) {
            return Owner::Other(name.clone());
        }
        if let Some(name) = self.names.iter().find(|name| **name == folder.path) {
            return Owner::Other(name.clone());
        }
        // A folder of nobody's is the machine's own: it is the one that has disks there.
        if self.complete { Owner::Own } else { Owner::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::vsphere::inventory::tests::inventory;
    use serde_json::{Value, json};

    fn machine(reference: &str, name: &str, home: Value) -> Value {
        json!({ "object": reference, "properties": { "name": name, "summary.config.vmPathName": home } })
    }

    fn disk(file: Value) -> VmDiskFacts {
        let device = json!([{ "_type": "VirtualDisk", "key": "2000", "backing": {
            "_type": "VirtualDiskFlatVer2BackingInfo", "fileName": file } }]);
        let object = json!({ "object": "VirtualMachine:x", "properties": { "config.hardware.device": device } });
        let object: InventoryObject = serde_json::from_value(object).unwrap();
        super::super::devices::disks(&object).unwrap().items[0].clone()
    }

    /// Own files, foreign files or none when unknown, and whether the own ones are all.
    fn sorted(
        files: &[&str],
        others: Value,
        scope: &QueryScope,
    ) -> (usize, Option<(usize, bool)>, bool) {
        let mt = machine("VirtualMachine:mt", "mt", json!("[ds1] mt/mt.vmx"));
        let mut all = vec![mt.clone()];
        all.extend(others.as_array().unwrap().iter().cloned());
        let all = inventory(&[("machines", true, json!(all))]);
        let mt: InventoryObject = serde_json::from_value(mt).unwrap();
        let disks = files.iter().map(|file| disk(json!(file))).collect();
        let sorted = sort_disks(&mt, &Fact::Known(Collection::complete(disks)), &all, &[], scope);
        let SortedDisks { own, foreign } = sorted.unwrap();
        let foreign = foreign.ok().map(|folder| (folder.items.len(), folder.complete));
        (own.items.len(), foreign, own.complete)
    }

    #[test]
    fn a_disk_is_whose_folder_it_lies_in() {
        let app = json!([machine("VirtualMachine:a", "app", json!("[ds1] app_1/app.vmx"))]);
        let hidden = json!([{ "object": "VirtualMachine:a", "properties": { "name": "app" } }]);
        let nobody = QueryScope::default();
        for (files, others, expected) in [
            (vec!["[ds1] mt/mt.vmdk", "[ds1] mt/mt_1.vmdk"], &app, (2, Some((0, true)), true)),
            // The same folder on another datastore, and one of a name of its own.
            (vec!["[ds1] mt/mt.vmdk", "[ds2] mt/mt_1.vmdk"], &app, (2, Some((0, true)), true)),
            (vec!["[ds1] mt/mt.vmdk", "[ds1] retention/r.vmdk"], &app, (2, Some((0, true)), true)),
            (vec!["[ds1] mt/mt.vmdk", "[ds1] app_1/app.vmdk"], &app, (1, Some((1, true)), true)),
            (vec!["[ds1] mt/mt.vmdk", "[ds2] app_1/app.vmdk"], &app, (1, Some((1, true)), true)),
            (vec!["[ds1] mt/mt.vmdk", "[ds2] app/app.vmdk"], &app, (1, Some((1, true)), true)),
            // Whose folder it is may not be known.
            (vec!["[ds1] mt/mt.vmdk", "[ds1] mt/mt_1.vmdk"], &hidden, (2, Some((0, true)), true)),
            (vec!["[ds1] mt/mt.vmdk", "[ds1] x/x.vmdk"], &hidden, (1, Some((0, false)), false)),
            (vec!["[ds1] mt/mt.vmdk", "[ds1] app/x.vmdk"], &hidden, (1, Some((1, true)), true)),
            (vec!["[ds1] mt/mt.vmdk", "x.vmdk"], &app, (1, Some((0, false)), false)),
            (vec!["[ds1] mt/mt.vmdk", ""], &app, (1, Some((0, false)), false)),
        ] {
            assert_eq!(sorted(&files, others.clone(), &nobody), expected, "{files:?}");
        }
    }

    #[test]
    fn the_disks_of_a_machine_that_replicates_hang_there_rightly() {
        let app = json!([machine("VirtualMachine:a", "app", json!("[ds1] app/app.vmx"))]);
        let files = ["[ds1] mt/mt.vmdk", "[ds1] mt/mt_1.vmdk", "[ds1] app/app.vmdk"];
        let scope = |reprotected: Option<&str>, protected: &[&str]| QueryScope {
            reprotected_at: reprotected.map(|at| at.parse().unwrap()),
            protected: protected.iter().map(|&name| name.to_owned()).collect(),
            ..QueryScope::default()
        };
        let at = Some("2026-11-20T00:00:00Z");
        let of = |scope| sorted(&files, app.clone(), &scope);
        assert_eq!(of(scope(at, &["app"])), (2, Some((0, true)), true));
        assert_eq!(of(scope(None, &["app"])), (2, None, true), "nobody knows when");
        assert_eq!(of(scope(at, &[])), (2, Some((1, true)), true), "it is not to fail back");
        // A machine that is gone has left its folder, and its name.
        let gone = sorted(&["[ds1] lost/lost.vmdk"], json!([]), &scope(at, &["lost"]));
        assert_eq!(gone, (0, Some((0, true)), true));
    }
}
