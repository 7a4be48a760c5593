//! A vSphere inventory: every object that the account sees, by name and by reference, and what
//! stands inside what.
//!
//! Not for evaluating any of it, nor for the details of chosen machines: the files of the subjects
//! read those.

use std::collections::{BTreeMap, BTreeSet};

use super::property::{InventoryObject, object_listing};
use super::query_scope::QueryScope;
use super::questions;
use crate::facts::probe::ProbeName;
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Unavailable};

/// The questions that list an inventory, each with the type of its objects.
pub const LISTS: &[(ProbeName<'static>, &str)] = &[
    (questions::DATACENTERS, "Datacenter"),
    (questions::FOLDERS, "Folder"),
    (questions::PODS, "StoragePod"),
    (questions::CLUSTERS, "ComputeResource"),
    (questions::POOLS, "ResourcePool"),
    (questions::HOSTS, "HostSystem"),
    (questions::DATASTORES, "Datastore"),
    (questions::NETWORKS, "Network"),
    (questions::MACHINES, "VirtualMachine"),
];

/// How many parents an object may have; a vCenter's folders are nested by people.
const MAX_PARENTS: usize = 64;

/// How many objects an account is asked about when nothing says which are in play.
const MAX_OBJECTS_IN_SCOPE: usize = 300;

/// Every object that the account sees.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    objects: BTreeMap<String, InventoryObject>,
    /// By question: known when it was answered, and whether to the end.
    answered: BTreeMap<&'static str, Result<bool, Unavailable>>,
}

/// A machine that is looked for by its name.
#[derive(Clone, Debug, PartialEq)]
pub enum MachineSearch<'i> {
    /// There is one.
    Found(&'i InventoryObject),
    /// There is none, and the whole list was seen.
    None,
    /// There are several.
    Several(Vec<&'i InventoryObject>),
    /// The list was not seen, or not to its end.
    Unseen(String),
}

impl Inventory {
    /// Reads the lists of a transcript.
    pub fn from_transcript(transcript: &Transcript) -> Self {
        Self::from_lists(|probe| object_listing(transcript, probe))
    }

    /// The inventory of these lists, by their questions.
    pub fn from_lists(
        list: impl Fn(ProbeName<'_>) -> Result<Collection<InventoryObject>, Unavailable>,
    ) -> Self {
        let mut inventory = Self::default();
        for &(probe, _) in LISTS {
            let answered = list(probe).map(|listing| {
                let named = listing.items.into_iter().map(|object| (object.object.clone(), object));
                inventory.objects.extend(named);
                listing.complete
            });
            inventory.answered.insert(probe.as_str(), answered);
        }
        inventory
    }

    /// An object by its reference.
    pub fn get(&self, reference: &str) -> Option<&InventoryObject> {
        self.objects.get(reference)
    }

    /// Every object of a question.
    pub fn list(&self, probe: ProbeName<'_>) -> impl Iterator<Item = &InventoryObject> {
        let kind = LISTS.iter().find(|(name, _)| *name == probe).map_or("", |(_, kind)| kind);
        // The type of a list has subtypes: a cluster is a compute resource, a portgroup a network.
        self.objects.values().filter(move |object| base_kind(object.kind()) == kind)
    }

    /// Whether a question was answered to its end; otherwise why not.
    pub fn complete(&self, probe: ProbeName<'_>) -> Result<bool, Unavailable> {
        self.answered.get(probe.as_str()).cloned().unwrap_or_else(|| Err("it was not asked".into()))
    }

    /// What an object is called; its reference when its name may not be seen.
    pub fn name(&self, reference: &str) -> String {
        let object = self.get(reference);
        let name = object.and_then(|object| object.text("name").ok());
        name.map_or_else(|| reference.to_owned(), |name| decode_name(&name))
    }

    /// The machine of this name.
    pub fn find_machine(&self, name: &str) -> MachineSearch<'_> {
        let named = |object: &&InventoryObject| {
            object.text("name").is_ok_and(|own| decode_name(&own) == name)
        };
        let found: Vec<&InventoryObject> = self.list(questions::MACHINES).filter(named).collect();
        match (found.as_slice(), self.complete(questions::MACHINES)) {
            ([one], _) => MachineSearch::Found(one),
            ([], Ok(true)) if !self.all_named(questions::MACHINES) => {
                MachineSearch::Unseen("the name of a virtual machine may not be seen".to_owned())
            }
            ([], Ok(true)) => MachineSearch::None,
            ([], Ok(false)) => {
                MachineSearch::Unseen("not every virtual machine could be looked at".to_owned())
            }
            ([], Err(why)) => MachineSearch::Unseen(why.reason),
            _ => MachineSearch::Several(found),
        }
    }

    /// Whether every virtual machine is listed, with its name.
    pub fn has_all_machines(&self) -> bool {
        self.complete(questions::MACHINES) == Ok(true) && self.all_named(questions::MACHINES)
    }

    /// Whether the name of every object of a question is known.
    pub fn all_named(&self, probe: ProbeName<'_>) -> bool {
        self.list(probe).all(|object| object.text("name").is_ok())
    }

    /// The nearest object of a type around this one, within its datacenter. Unavailable when what
    /// stands around it cannot be followed to the datacenter: something that may not be seen may be
    /// of that type.
    pub fn ancestor_in_datacenter<'i>(
        &'i self,
        object: &'i InventoryObject,
        kind: &str,
    ) -> Result<Option<&'i InventoryObject>, Unavailable> {
        let mut here = object;
        for _ in 0..MAX_PARENTS {
            if here.kind() == kind {
                return Ok(Some(here));
            }
            if here.kind() == "Datacenter" {
                return Ok(None);
            }
            let parent = here.text("parent")?;
            here = self.get(&parent).ok_or_else(|| {
                let name = self.name(&here.object);
                format!("{name} lies in {parent:?}, which is not visible to the account")
            })?;
        }
        Err(format!("{} is nested too deep", self.name(&object.object)).into())
    }

    /// The folders around a machine, within its datacenter; all of them when the datacenter is
    /// reached.
    fn folders_above<'i>(&'i self, machine: &'i InventoryObject) -> Collection<String> {
        let mut folders = Collection { items: Vec::new(), complete: false };
        let mut here = machine;
        for _ in 0..MAX_PARENTS {
            let Some(parent) = here.text("parent").ok().and_then(|parent| self.get(&parent)) else {
                break;
            };
            if parent.kind() == "Datacenter" {
                folders.complete = true;
                break;
            }
            if parent.kind() == "Folder" {
                folders.items.push(parent.object.clone());
            }
            here = parent;
        }
        folders
    }

    /// The nearest object of a type around this one.
    pub fn ancestor<'i>(
        &'i self,
        object: &'i InventoryObject,
        kind: &str,
    ) -> Option<&'i InventoryObject> {
        let mut here = object;
        for _ in 0..MAX_PARENTS {
            if here.kind() == kind {
                return Some(here);
            }
            here = self.get(&here.text("parent").ok()?)?;
        }
        None
    }

    /// The path of the datacenter around an object, as the server's file service has it.
    pub fn datacenter_path(&self, object: &InventoryObject) -> Option<String> {
        let mut here = self.ancestor(object, "Datacenter")?;
        let mut names = vec![here.text("name").ok()?];
        for _ in 0..MAX_PARENTS {
            // The root folder is not listed, and no part of the path.
            let Some(parent) = here.text("parent").ok().and_then(|parent| self.get(&parent)) else {
                break;
            };
            names.push(parent.text("name").ok()?);
            here = parent;
        }
        names.reverse();
        Some(names.join("/"))
    }

    /// The objects an account needs its privileges on: the datacenter, and in it the master
    /// target, its host, and what that host and the protected machines reach, and the folders that
    /// machines lie in: a permission may stand on a folder alone. All datacenters, folders of
    /// machines, hosts and datastores when no master target is named. Not complete when there are too
    /// many to ask, or when what is in play is not known to the end.
    pub fn objects_in_scope(&self, scope: &QueryScope) -> ObjectsInScope {
        let mut seen = BTreeSet::new();
        let mut all: Vec<String> = Vec::new();
        let (mut complete, mut all_folders) = (true, true);
        for pair in scope.pairings() {
            let play = self.objects_of_pairing(pair.master_target.as_deref(), &pair.protected);
            complete &= play.complete;
            all_folders &= play.all_folders;
            let fresh = play.objects.into_iter().filter(|reference| seen.insert(reference.clone()));
            all.extend(fresh);
        }
        complete &= all.len() <= MAX_OBJECTS_IN_SCOPE;
        all.truncate(MAX_OBJECTS_IN_SCOPE);
        ObjectsInScope { objects: all, complete, all_folders }
    }

    fn objects_of_pairing(
        &self,
        master_target: Option<&str>,
        protected: &[String],
    ) -> ObjectsInScope {
        let (mut complete, mut all_folders) = (true, true);
        let mut play: Vec<&str> = Vec::new();
        let master_target = master_target.and_then(|name| match self.find_machine(name) {
            MachineSearch::Found(machine) => Some(machine),
            _ => None,
        });
        let others = protected.iter().filter_map(|name| match self.find_machine(name) {
            MachineSearch::Found(machine) => Some(machine),
            _ => None,
        });
        let known = |object: &InventoryObject, path: &str| object.text(path).ok();
        let listed =
            |object: &InventoryObject, path: &str| object.references(path).unwrap_or_default();
        let mut references: Vec<String> = Vec::new();
        match master_target {
            None => {
                for probe in [questions::DATACENTERS, questions::HOSTS, questions::DATASTORES] {
                    play.extend(self.list(probe).map(|object| object.object.as_str()));
                }
                for machine in self.list(questions::MACHINES) {
                    references.extend(self.folders_above(machine).items);
                }
            }
            Some(machine) => {
                let datacenter = self.ancestor(machine, "Datacenter");
                references.extend(datacenter.map(|object| object.object.clone()));
                let folders = self.folders_above(machine);
                all_folders &= folders.complete;
                references.extend(folders.items);
                references.push(machine.object.clone());
                references.extend(known(machine, "resourcePool"));
                let host = known(machine, "runtime.host").and_then(|host| self.get(&host));
                complete &= host.is_some_and(|host| host.references("datastore").is_ok());
                if let Some(host) = host {
                    references.push(host.object.clone());
                    references.extend(listed(host, "datastore"));
                    references.extend(listed(host, "network"));
                }
            }
        }
        for machine in others {
            let folders = self.folders_above(machine);
            all_folders &= folders.complete;
            complete &= machine.references("datastore").is_ok();
            references.extend(folders.items);
            references.push(machine.object.clone());
            references.extend(listed(machine, "datastore"));
        }
        let objects = play.into_iter().map(str::to_owned).chain(references).collect();
        ObjectsInScope { objects, complete, all_folders }
    }
}

/// The objects that an account needs its privileges on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectsInScope {
    /// Their references.
    pub objects: Vec<String>,
    /// Whether none is missing, folders left aside.
    pub complete: bool,
    /// Whether the folders around the machines are known to the root.
    pub all_folders: bool,
}

/// Whether a reference is of a type of list, or of a subtype of it.
pub fn is_kind(reference: &str, kind: &str) -> bool {
    base_kind(reference.split(':').next().unwrap_or_default()) == kind
}

/// The type of list that a type belongs to.
fn base_kind(kind: &str) -> &str {
    match kind {
        "ClusterComputeResource" => "ComputeResource",
        "VirtualApp" => "ResourcePool",
        "DistributedVirtualPortgroup" | "OpaqueNetwork" => "Network",
        other => other,
    }
}

/// A name with the three characters that vSphere keeps encoded in names.
pub fn decode_name(name: &str) -> String {
    name.replace("%2f", "/")
        .replace("%2F", "/")
        .replace("%5c", "\\")
        .replace("%5C", "\\")
        .replace("%25", "%")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::facts::target_kind::TargetKind;
    use crate::facts::transcript::{CollectedBy, Connection, ProbeAnswer, ProbeAnswers, SCHEMA};
    use serde_json::{Value, json};

    /// An inventory of these lists.
    pub(in crate::facts) fn inventory(lists: &[(&str, bool, Value)]) -> Inventory {
        let lists = lists.iter().map(|(probe, complete, objects)| {
            (*probe, json!({ "objects": objects, "complete": complete }))
        });
        Inventory::from_transcript(&transcript(&lists.collect::<Vec<_>>()))
    }

    /// The transcript of a server that gives these answers.
    pub(in crate::facts) fn transcript(answers: &[(&str, Value)]) -> Transcript {
        let answer = |(probe, value): &(&str, Value)| {
            ((*probe).to_owned(), ProbeAnswer { status: 0, text: value.to_string() })
        };
        Transcript {
            schema: SCHEMA.to_owned(),
            target: "vc".to_owned(),
            kind: TargetKind::Vcenter,
            asked_at: None,
            connection: Connection::new(CollectedBy::Vsphere),
            overrides: Default::default(),
            answers: ProbeAnswers {
                by_probe: answers.iter().map(answer).collect(),
                ended: true,
                unanswered: None,
            },
        }
    }

    fn object(reference: &str, name: &str, parent: &str) -> Value {
        json!({ "object": reference, "properties": { "name": name, "parent": parent } })
    }

    fn machines(complete: bool, names: &[&str]) -> Inventory {
        let objects: Vec<Value> = names
            .iter()
            .enumerate()
            .map(|(n, name)| object(&format!("VirtualMachine:{n}"), name, "Folder:vm"))
            .collect();
        inventory(&[("machines", complete, json!(objects))])
    }

    #[test]
    fn a_machine_is_found_by_its_name_as_people_write_it() {
        let all = machines(true, &["a%2fb", "c", "c", "d%25e"]);
        assert!(matches!(all.find_machine("a/b"), MachineSearch::Found(_)));
        assert!(matches!(all.find_machine("d%e"), MachineSearch::Found(_)));
        assert!(matches!(all.find_machine("c"), MachineSearch::Several(two) if two.len() == 2));
        assert_eq!(all.find_machine("C"), MachineSearch::None, "names differ by case");
        assert!(matches!(machines(false, &["c"]).find_machine("x"), MachineSearch::Unseen(_)));
        assert!(matches!(inventory(&[]).find_machine("x"), MachineSearch::Unseen(_)));
        // A machine whose name may not be seen may be the one.
        let hidden = json!({ "object": "VirtualMachine:h", "properties": {}, "missing": {
            "name": { "fault": "NoPermission" } } });
        let all = inventory(&[(
            "machines",
            true,
            json!([object("VirtualMachine:1", "c", "Folder:vm"), hidden]),
        )]);
        assert!(matches!(all.find_machine("c"), MachineSearch::Found(_)));
        assert!(matches!(all.find_machine("x"), MachineSearch::Unseen(_)));
    }

    #[test]
    fn a_datacenter_has_the_path_of_its_folders() {
        let all = inventory(&[
            ("datacenters", true, json!([object("Datacenter:dc", "DC 0", "Folder:f")])),
            (
                "folders",
                true,
                json!([
                    object("Folder:f", "Sites%2fX", "Folder:root"),
                    object("Folder:vm", "vm", "Datacenter:dc")
                ]),
            ),
            ("machines", true, json!([object("VirtualMachine:v", "mt", "Folder:vm")])),
        ]);
        let machine = all.get("VirtualMachine:v").unwrap();
        assert_eq!(all.datacenter_path(machine).as_deref(), Some("Sites%2fX/DC 0"));
        assert_eq!(all.ancestor(machine, "StoragePod"), None);
    }

    #[test]
    fn folders_that_contain_each_other_end_the_search() {
        let all = inventory(&[(
            "folders",
            true,
            json!([object("Folder:a", "a", "Folder:b"), object("Folder:b", "b", "Folder:a")]),
        )]);
        assert_eq!(all.ancestor(all.get("Folder:a").unwrap(), "Datacenter"), None);
    }

    #[test]
    fn what_is_in_play_is_what_the_master_target_and_the_machines_use() {
        let machine = |reference: &str, name: &str, host: &str, datastore: &str| {
            json!({ "object": reference, "properties": {
                "name": name, "parent": "Folder:vm", "runtime.host": host,
                "resourcePool": "ResourcePool:p", "datastore": [datastore] } })
        };
        let host = |reference: &str, datastores: Value| {
            json!({ "object": reference, "properties": {
                "name": reference, "parent": "Folder:h", "datastore": datastores, "network": ["Network:n"] } })
        };
        let all = inventory(&[
            (
                "datacenters",
                true,
                json!([object("Datacenter:dc", "DC", ""), object("Datacenter:x", "X", "")]),
            ),
            ("folders", true, json!([object("Folder:vm", "vm", "Datacenter:dc")])),
            (
                "hosts",
                true,
                json!([
                    host("HostSystem:1", json!(["Datastore:1"])),
                    host("HostSystem:2", json!(["Datastore:2"]))
                ]),
            ),
            (
                "datastores",
                true,
                json!([object("Datastore:1", "1", ""), object("Datastore:2", "2", "")]),
            ),
            (
                "machines",
                true,
                json!([
                    machine("VirtualMachine:mt", "mt", "HostSystem:1", "Datastore:1"),
                    machine("VirtualMachine:a", "a", "HostSystem:2", "Datastore:2")
                ]),
            ),
        ]);
        let play = |mt: Option<&str>, protected: &[&str]| {
            let protected: Vec<String> = protected.iter().map(|&name| name.to_owned()).collect();
            let master_target = mt.map(str::to_owned);
            let scope = QueryScope { master_target, protected, ..QueryScope::default() };
            all.objects_in_scope(&scope).objects.join(" ")
        };
        assert_eq!(
            play(Some("mt"), &[]),
            "Datacenter:dc Folder:vm VirtualMachine:mt ResourcePool:p HostSystem:1 Datastore:1 \
             Network:n"
        );
        assert_eq!(
            play(Some("mt"), &["a", "gone"]),
            "Datacenter:dc Folder:vm VirtualMachine:mt ResourcePool:p HostSystem:1 Datastore:1 \
             Network:n VirtualMachine:a Datastore:2"
        );
        assert_eq!(
            play(None, &[]),
            "Datacenter:dc Datacenter:x HostSystem:1 HostSystem:2 Datastore:1 Datastore:2 Folder:vm"
        );
    }
}
