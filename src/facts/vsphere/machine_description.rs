//! What people say of a machine that is to fail back, which stands where vSphere no longer knows.
//!
//! A machine that is gone, and a physical server, can be asked nobody: what system it ran, its
//! memory and its disks are then what the site file says. Not for machines that are there: those say it
//! themselves, except how many disks of theirs were protected.

use super::vm::VmFacts;
use crate::facts::Fact;

/// What is said of one machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineDescription {
    /// `linux` or `windows`.
    pub guest_family: Option<String>,
    /// MiB of memory.
    pub memory_mib: Option<i64>,
    /// MiB of each disk that is protected.
    pub disks_mib: Option<Vec<i64>>,
    /// Whether it is said to be in no inventory: it was a physical server, or it is made anew and nothing has made it yet.
    pub is_made_anew: bool,
}

impl MachineDescription {
    /// Puts what is said into the facts of a machine: all of it when the machine is gone, and how many
    /// disks are protected in any case.
    pub fn apply_to(&self, facts: &mut VmFacts) {
        if let Some(disks) = &self.disks_mib {
            facts.names_disks = true;
            facts.protected_disks = Fact::Known(i64::try_from(disks.len()).unwrap_or(i64::MAX));
        }
        if facts.exists != Fact::Known(false) {
            return;
        }
        let unsaid = |what: &str, key: &str| {
            format!("{} is gone, and the site file does not say {what} ({key}:)", facts.name)
        };
        facts.guest_family = match &self.guest_family {
            Some(family) => Fact::Known(family.clone()),
            None => Fact::unavailable(unsaid("what system it ran", "os")),
        };
        facts.memory_mib = match self.memory_mib {
            Some(memory) => Fact::Known(memory),
            None => Fact::unavailable(unsaid("how much memory it had", "memory")),
        };
        facts.disk_mib = match &self.disks_mib {
            Some(disks) => {
                Fact::Known(disks.iter().fold(0, |sum: i64, it| sum.saturating_add(*it)))
            }
            None => Fact::unavailable(unsaid("how large its disks are", "disks")),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::facts::vsphere::inventory::tests::transcript;
    use crate::facts::vsphere::query_scope::QueryScope;
    use crate::facts::vsphere::snapshot::VsphereSnapshot;
    use serde_json::{Value, json};

    fn described() -> MachineDescription {
        MachineDescription {
            guest_family: Some("linux".to_owned()),
            memory_mib: Some(8192),
            disks_mib: Some(vec![40960, 1024]),
            is_made_anew: false,
        }
    }

    /// The answers of a server that has a master target on VMFS and NFS beside it, and no `gone`.
    fn answers(everything: bool) -> Vec<(&'static str, Value)> {
        let list = |objects: Value| json!({ "objects": objects, "complete": true });
        let object = |reference: &str, properties: Value| json!({ "object": reference, "properties": properties });
        let mt = json!({ "name": "mt", "config.uuid": "1", "runtime.host": "HostSystem:h", "datastore": ["Datastore:vmfs"],
            "config.hardware.device": [{ "_type": "VirtualDisk", "key": "1", "backing": {} }] });
        let datastore = |name: &str, kind: &str| {
            json!({ "name": name, "summary.type": kind, "summary.accessible": "true",
                "summary.maintenanceMode": "normal", "summary.freeSpace": "1099511627776", "host": [
                { "key": "HostSystem:h", "mountInfo": { "accessMode": "readWrite", "mounted": "true", "accessible": "true" } }] })
        };
        let own: &[&str] = if everything {
            &["System.View", "Authorization.ModifyPermissions"]
        } else {
            &["System.View"]
        };
        vec![
            ("own-privileges", json!({ "objects": [{ "object": "Folder:r", "granted": own }] })),
            ("machines", list(json!([object("VirtualMachine:mt", mt.clone())]))),
            ("chosen", list(json!([object("VirtualMachine:mt", mt)]))),
            (
                "hosts",
                list(json!([object(
                    "HostSystem:h",
                    json!({ "name": "esx1",
                "datastore": ["Datastore:vmfs", "Datastore:nfs", "Datastore:vsan"] })
                )])),
            ),
            (
                "datastores",
                list(json!([
                    object("Datastore:vmfs", datastore("vmfs", "VMFS")),
                    object("Datastore:nfs", datastore("nfs", "NFS")),
                    object("Datastore:vsan", datastore("vsan", "vsan")),
                ])),
            ),
        ]
    }

    fn gone(
        answers: &[(&str, Value)],
        described: Option<MachineDescription>,
        datastore: Option<&str>,
    ) -> (VmFacts, Fact<i64>) {
        let transcript = transcript(answers);
        let question = QueryScope {
            master_target: Some("mt".to_owned()),
            protected: vec!["gone".to_owned()],
            datastore: datastore.map(str::to_owned),
            ..QueryScope::default()
        };
        let described = described.map(|described| ("gone".to_owned(), described));
        let described = Arc::new(described.into_iter().collect::<BTreeMap<_, _>>());
        let snapshot = VsphereSnapshot::from_transcript(&transcript)
            .with_descriptions(&described)
            .with_scope(&question);
        let slots = snapshot.master_target("mt").disk_slots.map(|slots| slots.total);
        (snapshot.protected("gone"), slots)
    }

    #[test]
    fn what_is_said_stands_for_a_machine_that_is_gone() {
        let (vm, slots) = gone(&answers(true), Some(described()), None);
        assert_eq!(vm.exists, Fact::Known(false));
        assert_eq!(vm.guest_family, Fact::Known("linux".to_owned()));
        assert_eq!((vm.memory_mib, vm.disk_mib), (Fact::Known(8192), Fact::Known(41984)));
        assert_eq!(slots, Fact::Known(3));
        // Without a word it stays unknown, and the reason says which word.
        let (vm, slots) = gone(&answers(true), None, None);
        assert!(vm.memory_mib.known().is_none() && slots.known().is_none());
        let (vm, _) = gone(&answers(true), Some(MachineDescription::default()), None);
        assert_eq!(
            vm.memory_mib,
            Fact::unavailable(
                "gone is gone, and the site file does not say how much memory it had (memory:)"
            )
        );
    }

    #[test]
    fn a_machine_that_may_only_be_hidden_is_not_described_away() {
        let (vm, slots) = gone(&answers(false), Some(described()), None);
        assert!(vm.exists.known().is_none() && vm.memory_mib.known().is_none());
        assert!(slots.known().is_none());
        // A physical server is in no inventory, whoever looks.
        let physical = MachineDescription { is_made_anew: true, ..described() };
        let (vm, slots) = gone(&answers(false), Some(physical), None);
        assert_eq!((vm.exists, vm.memory_mib), (Fact::Known(false), Fact::Known(8192)));
        assert_eq!(slots, Fact::Known(3));
    }

    #[test]
    fn new_disks_go_to_the_datastore_that_is_chosen() {
        let kinds = |datastore| {
            let (vm, _) = gone(&answers(true), Some(described()), datastore);
            let side = vm.master_target.known().unwrap().clone();
            let all = side.new_datastores.known().unwrap().items.clone();
            all.iter()
                .map(|disk| disk.known().and_then(|disk| disk.kind.known().cloned()))
                .collect::<Vec<_>>()
        };
        let kind = |kind: &str| vec![Some(kind.to_owned())];
        assert_eq!(kinds(None), kind("VMFS"));
        assert_eq!(kinds(Some("vmfs")), kind("VMFS"));
        assert_eq!(kinds(Some("nfs")), kind("NFS"));
        assert_eq!(kinds(Some("vsan")), kind("VSAN"));
        assert_eq!(kinds(Some("other")), vec![None]);
    }
}
