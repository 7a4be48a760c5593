//! The privileges that the account of the configuration server needs, by the API's ids and by the words
//! of the vSphere client.
//!
//! Not for where an account holds them. `tests/vsphere/privileges.tsv` has the words of the documents.

/// Privileges that replication, failover and failback need in every edition of the documents
/// (D:vmware-azure-tutorial-prepare-on-premises), by the id of the API, and under the name that the
/// vSphere client shows. The documents have the client's words; that these ids are what they mean is
/// our reading. That a snapshot is created they have said since 2024 (azure-docs, issue 118395 and
/// pull request 118396): failback needs it, and their earlier editions had left it out.
pub const REQUIRED: &[(&str, &str)] = &[
    ("Datastore.AllocateSpace", "Datastore > Allocate space"),
    ("Datastore.Browse", "Datastore > Browse datastore"),
    ("Datastore.DeleteFile", "Datastore > Remove file"),
    ("Datastore.FileManagement", "Datastore > Low level file operations"),
    ("Datastore.UpdateVirtualMachineFiles", "Datastore > Update virtual machine files"),
    ("Network.Assign", "Network > Assign network"),
    ("Resource.AssignVMToPool", "Resource > Assign virtual machine to resource pool"),
    ("Resource.ColdMigrate", "Resource > Migrate powered off virtual machine"),
    ("Resource.HotMigrate", "Resource > Migrate powered on virtual machine"),
    ("Task.Create", "Tasks > Create task"),
    ("Task.Update", "Tasks > Update task"),
    (
        "VirtualMachine.Config.AddExistingDisk",
        "Virtual machine > Configuration > Add existing disk",
    ),
    ("VirtualMachine.Config.AddNewDisk", "Virtual machine > Configuration > Add new disk"),
    (
        "VirtualMachine.Config.AddRemoveDevice",
        "Virtual machine > Configuration > Add or remove device",
    ),
    ("VirtualMachine.Config.AdvancedConfig", "Virtual machine > Configuration > Advanced"),
    ("VirtualMachine.Config.Annotation", "Virtual machine > Configuration > Set annotation"),
    ("VirtualMachine.Config.CPUCount", "Virtual machine > Configuration > Change CPU count"),
    (
        "VirtualMachine.Config.ChangeTracking",
        "Virtual machine > Configuration > Disk change tracking",
    ),
    ("VirtualMachine.Config.DiskExtend", "Virtual machine > Configuration > Extend virtual disk"),
    ("VirtualMachine.Config.DiskLease", "Virtual machine > Configuration > Disk lease"),
    (
        "VirtualMachine.Config.EditDevice",
        "Virtual machine > Configuration > Modify device settings",
    ),
    ("VirtualMachine.Config.HostUSBDevice", "Virtual machine > Configuration > Host USB device"),
    ("VirtualMachine.Config.ManagedBy", "Virtual machine > Configuration > Configure managedBy"),
    ("VirtualMachine.Config.Memory", "Virtual machine > Configuration > Memory"),
    (
        "VirtualMachine.Config.MksControl",
        "Virtual machine > Configuration > Display connection settings",
    ),
    (
        "VirtualMachine.Config.QueryFTCompatibility",
        "Virtual machine > Configuration > Query Fault Tolerance compatibility",
    ),
    (
        "VirtualMachine.Config.QueryUnownedFiles",
        "Virtual machine > Configuration > Query unowned files",
    ),
    ("VirtualMachine.Config.RawDevice", "Virtual machine > Configuration > Raw device"),
    ("VirtualMachine.Config.ReloadFromPath", "Virtual machine > Configuration > Reload from path"),
    ("VirtualMachine.Config.RemoveDisk", "Virtual machine > Configuration > Remove disk"),
    ("VirtualMachine.Config.Rename", "Virtual machine > Configuration > Rename"),
    (
        "VirtualMachine.Config.ResetGuestInfo",
        "Virtual machine > Configuration > Reset guest information",
    ),
    ("VirtualMachine.Config.Resource", "Virtual machine > Configuration > Change resource"),
    ("VirtualMachine.Config.Settings", "Virtual machine > Configuration > Settings"),
    ("VirtualMachine.Config.SwapPlacement", "Virtual machine > Configuration > Swapfile placement"),
    (
        "VirtualMachine.Config.ToggleForkParent",
        "Virtual machine > Configuration > Toggle fork parent",
    ),
    (
        "VirtualMachine.Config.UpgradeVirtualHardware",
        "Virtual machine > Configuration > Upgrade virtual machine compatibility",
    ),
    ("VirtualMachine.Interact.AnswerQuestion", "Virtual machine > Interaction > Answer question"),
    (
        "VirtualMachine.Interact.DeviceConnection",
        "Virtual machine > Interaction > Device connection",
    ),
    ("VirtualMachine.Interact.PowerOff", "Virtual machine > Interaction > Power off"),
    ("VirtualMachine.Interact.PowerOn", "Virtual machine > Interaction > Power on"),
    ("VirtualMachine.Interact.SetCDMedia", "Virtual machine > Interaction > Configure CD media"),
    (
        "VirtualMachine.Interact.SetFloppyMedia",
        "Virtual machine > Interaction > Configure floppy media",
    ),
    (
        "VirtualMachine.Interact.ToolsInstall",
        "Virtual machine > Interaction > VMware Tools install",
    ),
    ("VirtualMachine.Inventory.Create", "Virtual machine > Inventory > Create new"),
    ("VirtualMachine.Inventory.Register", "Virtual machine > Inventory > Register"),
    ("VirtualMachine.Inventory.Unregister", "Virtual machine > Inventory > Unregister"),
    (
        "VirtualMachine.Provisioning.GetVmFiles",
        "Virtual machine > Provisioning > Allow virtual machine download",
    ),
    (
        "VirtualMachine.Provisioning.PutVmFiles",
        "Virtual machine > Provisioning > Allow virtual machine files upload",
    ),
    (
        "VirtualMachine.State.CreateSnapshot",
        "Virtual machine > Snapshot management > Create snapshot",
    ),
    (
        "VirtualMachine.State.RemoveSnapshot",
        "Virtual machine > Snapshot management > Remove snapshot",
    ),
];

/// Privileges that one edition of the documents alone asks for (D:vmware-azure-multi-tenant-overview).
pub const IN_SOME_EDITIONS: &[(&str, &str)] = &[(
    "VirtualMachine.Inventory.CreateFromExisting",
    "Virtual machine > Inventory > Create from existing",
)];

/// Privileges of the group that the documents ask for as a whole, Virtual machine > Configuration,
/// which servers before 6.5 do not have. They are asked about where the server lists them.
pub const OF_NEWER_SERVERS: &[(&str, &str)] =
    &[("VirtualMachine.Config.Unlock", "Virtual machine > Configuration > Unlock virtual machine")];

/// What every role but "No access" has.
pub(super) const SYSTEM: &[&str] = &["System.View", "System.Read"];

/// The privileges to ask about on a server that knows these; one that does not list what it knows
/// is asked about all. A server answers an id that it does not know with a fault.
pub fn privileges_to_query(known: &[String]) -> Vec<&'static str> {
    let listed = |id: &&str| known.iter().any(|known| known == id);
    let needed = REQUIRED.iter().chain(IN_SOME_EDITIONS).map(|(id, _)| *id);
    let newer = OF_NEWER_SERVERS.iter().map(|(id, _)| *id).filter(listed);
    let needed = needed.filter(|id| known.is_empty() || listed(id));
    SYSTEM.iter().copied().chain(needed).chain(newer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_privileges_are_those_of_the_documents() {
        let table = include_str!("../../../../tests/vsphere/privileges.tsv");
        let rows = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let rows: Vec<Vec<&str>> = rows.map(|line| line.split('\t').collect()).collect();
        let of = |asked: &str| -> Vec<&str> {
            rows.iter().filter(|row| row[1] == asked).map(|row| row[0]).collect()
        };
        let ids = |list: &[(&'static str, &'static str)]| -> Vec<&str> {
            list.iter().map(|(id, _)| *id).collect()
        };
        assert_eq!(ids(REQUIRED), of("every"));
        assert_eq!(ids(IN_SOME_EDITIONS), of("some"));
        assert_eq!(ids(OF_NEWER_SERVERS), of("newer"));
        assert_eq!(rows.len(), REQUIRED.len() + IN_SOME_EDITIONS.len() + OF_NEWER_SERVERS.len());
        for row in &rows {
            assert!(row.len() == 4 && row.iter().all(|cell| !cell.trim().is_empty()), "{row:?}");
        }
        let scenario = include_str!("../../../../tests/lab/vsim/scenarios/good.json");
        for id in of("every") {
            assert!(scenario.contains(&format!("{id:?}")), "the good role of the lab lacks {id}");
        }
    }

    #[test]
    fn a_server_is_asked_only_about_what_it_knows() {
        let known = ["System.View", "System.Read", "Datastore.Browse", "Other"].map(str::to_owned);
        assert_eq!(privileges_to_query(&known), ["System.View", "System.Read", "Datastore.Browse"]);
        assert_eq!(
            privileges_to_query(&[]).len(),
            REQUIRED.len() + IN_SOME_EDITIONS.len() + SYSTEM.len()
        );
        let newer = ["VirtualMachine.Config.Unlock".to_owned()];
        assert_eq!(privileges_to_query(&newer)[2..], ["VirtualMachine.Config.Unlock"]);
    }

    #[test]
    fn every_privilege_has_the_name_of_its_group() {
        for (id, name) in REQUIRED.iter().chain(IN_SOME_EDITIONS).chain(OF_NEWER_SERVERS) {
            let group = id.split('.').next().unwrap();
            let words = name.split(" > ").next().unwrap().replace(' ', "").to_lowercase();
            assert!(words.starts_with(&group.to_lowercase()), "{id} {name}");
        }
    }
}
