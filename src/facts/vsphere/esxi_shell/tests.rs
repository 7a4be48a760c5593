//! The joins of a shell's answers, by the facts that come of them.

use super::*;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Connection, ProbeAnswers};
use crate::facts::vsphere::disk_uuid::SettingSpelling;
use crate::facts::vsphere::licence::LicenceEdition;

const VOLUMES: &str = "Mount Point  Volume Name  UUID  Mounted  Type  Size  Free\n----\n/vmfs/volumes/5e-1  ds 1  5e-1  true  VMFS-6  10  5242880\n/vmfs/volumes/5e-2    5e-2  true  vfat  9  8\n/vmfs/volumes/5e-3  isos  5e-3  true  NFS  9  8\n";
const EXTENTS: &str = "Volume Name  VMFS UUID  Extent Number  Device Name  Partition\n----\nds 1  5e-1  0  naa.1  3\nds 9  5e-9  0  naa.9  1\n";
const NFS: &str = "Volume Name  Host  Share  Accessible  Mounted  Read-Only  Hardware Acceleration\n-----------  ----  -----  ----------  -------  ---------  ---------------------\nisos         nas1  /v     true        true     true       Unknown\n";
const MOUNTS: &str = "(vim.host.FileSystemVolumeInfo) {\n   mountInfo = (vim.host.FileSystemMountInfo) [\n      (vim.host.FileSystemMountInfo) {\n         mountInfo = (vim.host.MountInfo) {\n            accessMode = \"readWrite\", \n         }, \n         volume = (vim.host.VmfsVolume) {\n            name = \"ds 1\", \n            uuid = \"5e-1\", \n         }\n      }\n   ]\n}\n";
const LIST: &str = "Vmid  Name  File\n11  mt (1)  [ds 1] mt/mt.vmx\n12  app  [gone] app/app.vmx\n";
const CONFIG: &str = "Configuration:\n\n(vim.vm.ConfigInfo) {\n   uuid = \"564d\", \n   guestId = \"centos64Guest\", \n   flags = (vim.vm.FlagInfo) {\n      diskUuidEnabled = true, \n   }, \n   hardware = (vim.vm.VirtualHardware) {\n      memoryMB = 6144, \n      device = (vim.vm.device.VirtualDevice) [\n         (vim.vm.device.VirtualLsiLogicController) {\n            key = 1000, \n            deviceInfo = (vim.Description) {\n               label = \"SCSI controller 0\", \n            }, \n            sharedBus = \"noSharing\", \n         }, \n         (vim.vm.device.VirtualDisk) {\n            controllerKey = 1000, \n            backing = (vim.vm.device.VirtualDisk.FlatVer2BackingInfo) {\n               fileName = \"[ds 1] mt/mt.vmdk\", \n               parent = (vim.vm.device.VirtualDisk.FlatVer2BackingInfo) null, \n            }, \n            capacityInKB = 2048, \n         }\n      ]\n   }, \n   extraConfig = (vim.option.OptionValue) [\n(vim.option.OptionValue) {\n         key = \"disk.EnableUUID\", \n         value = \"TRUE\"\n},\n   ]\n}\n";
const SUMMARY: &str = "Listsummary:\n\n(vim.vm.Summary) {\n   runtime = (vim.vm.RuntimeInfo) {\n      powerState = \"poweredOn\", \n      consolidationNeeded = false, \n   }, \n   guest = (vim.vm.Summary.GuestSummary) {\n      toolsRunningStatus = \"guestToolsRunning\"\n   }\n}\n";
const FAULT: &str = "(vim.fault.NotFound) {\n   faultCause = (vmodl.MethodFault) null, \n   msg = \"Unable to find a VM corresponding to \"11\"\"\n}\n";
const LICENCE: &str = "  serial: *****-*****-*****-*****-ABCDE\n  vmodl key: esxBasic\n  name: vSphere 4 Hypervisor\n";

/// A host that answers all of it well, with other answers in place of some.
fn shell(other: &[(&str, i32, &str)]) -> Transcript {
    let asked = r#"{"question":{"master_target":"mt (1)","protected":["app"]},"user":"root"}"#;
    let mut all = vec![
        ("asked", 0, asked),
        ("esxi-time", 0, "2026-11-25T08:00:00Z\n"),
        ("esxi-version", 0, "VMware ESXi 6.7.0 build-1\n"),
        ("esxi-hostname", 0, "esx1\n"),
        ("esxi-licence", 0, LICENCE),
        ("esxi-volumes", 0, VOLUMES),
        ("esxi-extents", 0, EXTENTS),
        ("esxi-nfs", 0, NFS),
        ("esxi-mounts", 0, MOUNTS),
        ("esxi-machines", 0, LIST),
        ("esxi-config-11", 0, CONFIG),
        ("esxi-summary-11", 0, SUMMARY),
        ("esxi-snapshots-11", 0, "Get Snapshot:\n"),
        ("esxi-vmx-11", 0, "disk.EnableUUID = \"TRUE\"\n"),
    ];
    all.extend_from_slice(other);
    let mut transcript = Transcript {
        schema: crate::facts::transcript::SCHEMA.to_owned(),
        target: "ssh://root@esx1".to_owned(),
        kind: TargetKind::Esxi,
        asked_at: None,
        connection: Connection::new(CollectedBy::Ssh),
        overrides: Default::default(),
        answers: ProbeAnswers { by_probe: BTreeMap::new(), ended: true, unanswered: None },
    };
    for (probe, status, text) in all {
        let answer = ProbeAnswer { status, text: text.to_owned() };
        transcript.answers.by_probe.insert(probe.to_owned(), answer);
    }
    transcript
}

fn read_shell(shell: &Transcript) -> VsphereSnapshot<'static> {
    snapshot(shell, &QueryScope::default())
}

#[test]
fn a_host_is_read_as_its_api_would_have_it() {
    let snapshot = read_shell(&shell(&[]));
    let hosts = snapshot.hosts();
    let host = &hosts[0];
    assert_eq!((host.name.as_str(), host.version.known().unwrap().as_str()), ("esx1", "6.7.0"));
    assert_eq!(host.licence.known().unwrap().edition, Fact::Known(LicenceEdition::Free));
    let stores = &host.datastores.known().unwrap().items;
    let stores: Vec<String> = stores
        .iter()
        .map(|store| {
            let store = store.known().unwrap();
            format!("{} {:?} {:?}", store.words, store.accessible.known(), store.read_write.known())
        })
        .collect();
    assert_eq!(
        stores,
        [
            "ds 1 (VMFS) Some(true) Some(true)",
            "isos (NFS) Some(true) Some(false)",
            "ds 9 (VMFS) Some(false) None"
        ]
    );
}

#[test]
fn a_machine_is_read_as_the_api_would_have_it() {
    let snapshot = read_shell(&shell(&[]));
    let vm = snapshot.master_target("mt (1)");
    let uuid = vm.disk_enable_uuid.known().unwrap();
    assert_eq!(
        (uuid.spelling, uuid.repeated, uuid.flag.as_str()),
        (SettingSpelling::True, false, "true")
    );
    assert_eq!(vm.controllers.known().unwrap().items[0].words, "SCSI controller 0: lsi-logic");
    assert_eq!(vm.disks.known().unwrap().items[0].capacity_mib, Fact::Known(2));
    assert!(vm.snapshots.known().unwrap().items.is_empty());
    assert_eq!(vm.delta_disks.known().map(|looked| looked.items.len()), Some(0));
    assert_eq!(vm.tools.known().unwrap(), "guestToolsRunning");
    assert_eq!(vm.memory_mib, Fact::Known(6144));
    // Nobody but a vCenter server knows whether the machine was moved.
    assert!(vm.storage_moves.known().is_none());
}

#[test]
fn a_datastore_that_the_host_does_not_have_is_not_reached() {
    let snapshot = read_shell(&shell(&[]));
    let app = snapshot.protected("app");
    let reach = &app.master_target.known().unwrap().reach;
    let store = reach.known().unwrap().items[0].known().unwrap();
    assert_eq!((store.name.as_str(), &store.accessible), ("gone", &Fact::Known(false)));
    // Another host may have the machine: that it is not here proves nothing.
    let elsewhere = snapshot.protected("elsewhere");
    assert!(elsewhere.exists.known().is_none());
}

#[test]
fn what_could_not_be_read_is_unknown() {
    for (probe, status, text) in [
        ("esxi-config-11", 255, FAULT),
        ("esxi-config-11", 124, ""),
        ("esxi-config-11", 0, "(vim.A) {"),
    ] {
        let snapshot = read_shell(&shell(&[(probe, status, text)]));
        let vm = snapshot.master_target("mt (1)");
        assert!(vm.disk_enable_uuid.known().is_none(), "{text}");
        assert!(vm.controllers.known().is_none(), "{text}");
        assert!(vm.snapshots.known().is_none(), "{text}");
    }
    let snapshot = read_shell(&shell(&[("esxi-snapshots-11", 255, FAULT)]));
    let vm = snapshot.master_target("mt (1)");
    assert_eq!(
        vm.snapshots,
        Fact::unavailable(
            "the host answered NotFound: Unable to find a VM corresponding to \"11\""
        )
    );
    for (status, text) in [
        (255, "Get Snapshot:\n(vim.fault.NoPermission) {\n   msg = \"x\"\n}\n"),
        (0, "Get Snapshot:\n(vim.fault.NoPermission) {\n   msg = \"x\"\n}\n"),
        (124, "Get Snapshot:\n"),
        (1, "Get Snapshot:\n"),
        (0, "Terminated\nGet Snapshot:\n"),
        (0, ""),
    ] {
        let snapshot = read_shell(&shell(&[("esxi-snapshots-11", status, text)]));
        assert!(snapshot.master_target("mt (1)").snapshots.known().is_none(), "{status} {text}");
    }
    let snapshot =
        read_shell(&shell(&[("esxi-licence", 0, "Failed to login\n"), ("esxi-volumes", 1, "")]));
    let host = &snapshot.hosts()[0];
    assert!(host.licence.known().is_none() && host.datastores.known().is_none());
    assert_eq!(host.datastores, Fact::unavailable("esxi-volumes exited with status 1"));
    let silent = Transcript { answers: ProbeAnswers::default(), ..shell(&[]) };
    let snapshot = read_shell(&silent);
    let host = &snapshot.hosts()[0];
    assert_eq!(host.licence, Fact::unavailable("the answers were cut short"));
}

#[test]
fn a_file_that_differs_from_the_running_machine_is_seen() {
    let snapshot = read_shell(&shell(&[("esxi-vmx-11", 0, "disk.EnableUUID = \"FALSE\"\n")]));
    let vm = snapshot.master_target("mt (1)");
    assert_eq!(vm.disk_enable_uuid.known().unwrap().spelling, SettingSpelling::True);
    assert_eq!(vm.vmx.known().unwrap().unread.items, ["disk.EnableUUID = FALSE"]);
    let snapshot = read_shell(&shell(&[("esxi-vmx-11", 2, "")]));
    assert!(snapshot.master_target("mt (1)").vmx.known().is_none());
}

#[test]
fn an_answer_counts_only_when_its_command_ended_well() {
    let whole = shell(&[]);
    let read = |snapshot: VsphereSnapshot<'_>| {
        let host = snapshot.hosts().remove(0);
        let vm = snapshot.master_target("mt (1)");
        serde_json::to_value((host, vm)).unwrap().to_string()
    };
    let good = read(read_shell(&whole));
    for (probe, answer) in &whole.answers.by_probe {
        // What tells nothing but names, and what a host may be without.
        if ["asked", "esxi-time", "esxi-hostname", "esxi-extents", "esxi-nfs", "esxi-nfs41"]
            .contains(&probe.as_str())
        {
            continue;
        }
        for status in [1, 124, 255] {
            let snapshot = read_shell(&shell(&[(probe, status, &answer.text)]));
            assert_ne!(read(snapshot), good, "{probe} with status {status}");
        }
    }
    for (status, text, expected) in [
        (0, "VMware ESXi 6.7.0 build-1\n", Some(true)),
        (0, "GNU bash\n", Some(false)),
        (127, "sh: vmware: not found\n", Some(false)),
        (124, "", None),
        (1, "VMware ESXi 6.7.0 build-1\n", None),
        (0, "", None),
    ] {
        let facts = from_transcript(&shell(&[("esxi-version", status, text)]));
        assert_eq!(facts.is_esxi.known().copied(), expected, "{status} {text}");
    }
}

#[test]
fn types_of_volumes_are_called_as_the_api_calls_them() {
    for (printed, expected) in [
        ("VMFS-6", Some("VMFS")),
        ("VMFS-3", Some("VMFS")),
        ("VMFS-unknown version", Some("VMFS")),
        ("VMFS-L", None),
        ("VMFSOS", None),
        ("vfat", None),
        ("VFFS", None),
        ("NFS", Some("NFS")),
        ("NFS41", Some("NFS41")),
        ("vsan", Some("vsan")),
    ] {
        assert_eq!(kind(printed), expected, "{printed}");
    }
}
