//! The descriptors of `build vm` as programs of others read them: virt-v2v, COT, and a vSphere
//! server's own CreateImportSpec (the simulator's, asked by pyvmomi).
//!
//! Not for what stands in them to the byte: `tests/vm.rs` says that.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "all of this file is a test")]

mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use program::skipped;
use serde_json::{Value, json};
use simulator::Simulator;

const GIB: u64 = 1 << 30;

/// A machine as it was meant.
struct Meant {
    name: &'static str,
    args: &'static [&'static str],
    disks_gib: [u64; 2],
    firmware: &'static str,
    hardware: &'static str,
    network: &'static str,
}

const MACHINES: &[Meant] = &[
    Meant {
        name: "plain",
        args: &["centos-6.6"],
        disks_gib: [100, 1024],
        firmware: "bios",
        hardware: "vmx-09",
        network: "VM Network",
    },
    Meant {
        name: "large-uefi",
        args: &[
            "centos-6.6",
            "--set",
            "firmware=uefi",
            "--set",
            "disks.system.size={min: 120 GiB, max: 200 GiB}",
            "--set",
            "retention={when: install, disk: {name: sdb, erase: true, size: {min: 3 TiB}}}",
        ],
        disks_gib: [120, 3072],
        firmware: "uefi",
        hardware: "vmx-10",
        network: "VM Network",
    },
    Meant {
        name: "hostile",
        args: &["centos-6.6", "--network", "a \"b\" <c> & |d|", "--image", "[ds] it's \"mt\".iso"],
        disks_gib: [100, 1024],
        firmware: "bios",
        hardware: "vmx-09",
        network: "a \"b\" <c> & |d|",
    },
];

/// Builds a machine's descriptors in a directory.
fn build(machine: &Meant, directory: &Path) {
    let mut program = Command::new(program::binary());
    program.args(["build", "vm"]).args(machine.args).args(["-o", machine.name]);
    let output = program.current_dir(directory).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The lab's Python, in which a module is; none, with a word about it, when there is none.
fn python(module: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = std::env::var_os("PREFLIGHT_PYTHON").map(PathBuf::from);
    let python = own.unwrap_or_else(|| home.join(".cache/preflight-lab/venv/bin/python"));
    let import = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if import.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped(&format!("no {module} in the lab's Python (tests/run installs it)"));
    None
}

/// An empty disk of a size that takes no room.
fn disk(path: &Path, gib: u64) {
    let size = (gib * GIB).to_string();
    let mut tool = Command::new("qemu-img");
    let output = tool.args(["create", "-q", "-f", "vmdk"]).arg(path).arg(size).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// What virt-v2v says of a source; it starts no machine for that.
fn read_by_virt_v2v(directory: &Path, format: &str, file: &str) -> String {
    let mut tool = Command::new("virt-v2v");
    tool.args(["-i", format, file, "--print-source"]).current_dir(directory);
    let output = tool.env("LC_ALL", "C").output().unwrap();
    let (said, complaint) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{file}: {said}{complaint}");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Asserts that virt-v2v sees the machine that was meant.
fn same_machine(machine: &Meant, said: &str) {
    let name = machine.name;
    for words in [
        "source name: mt01".to_owned(),
        "hypervisor type: vmware".to_owned(),
        format!("memory: {} (bytes)", 6 * GIB),
        "nr vCPUs: 4".to_owned(),
        format!("firmware: {}", machine.firmware),
        "disks: 0 [scsi] 1 [scsi] removable media: CD-ROM [ide]".to_owned(),
        format!("\"{}\" [vmxnet3]", machine.network),
    ] {
        assert!(said.contains(&words), "{name}: {words:?}: {said}");
    }
}

#[test]
fn virt_v2v_reads_the_machine_that_was_meant() {
    if !program::installed(&["virt-v2v", "qemu-img"]) {
        return;
    }
    for machine in MACHINES {
        let directory = tempfile::tempdir().unwrap();
        build(machine, directory.path());
        let disks = ["mt01.vmdk", "mt01-retention.vmdk"];
        for (disk_name, gib) in disks.iter().zip(machine.disks_gib) {
            disk(&directory.path().join(disk_name), gib);
        }
        let said = read_by_virt_v2v(directory.path(), "vmx", &format!("{}.vmx", machine.name));
        same_machine(machine, &said);
        // virt-v2v takes no disk that is made empty, so that it is given files of them.
        let path = directory.path().join(format!("{}.ovf", machine.name));
        let mut text = fs::read_to_string(&path).unwrap();
        let file = |n: usize| format!("<File ovf:id=\"file{}\" ovf:href=\"{}\"/>", n, disks[n - 1]);
        let references = format!("<References>{}{}</References>", file(1), file(2));
        text = text.replacen("<References/>", &references, 1);
        for n in [1, 2] {
            let id = format!("ovf:diskId=\"vmdisk{n}\"");
            assert!(text.contains(&id), "{text}");
            text = text.replacen(&id, &format!("{id} ovf:fileRef=\"file{n}\""), 1);
        }
        let ova = directory.path().join("ova");
        fs::create_dir(&ova).unwrap();
        fs::write(ova.join("mt01.ovf"), text).unwrap();
        for name in disks {
            fs::rename(directory.path().join(name), ova.join(name)).unwrap();
        }
        let said = read_by_virt_v2v(directory.path(), "ova", "ova");
        same_machine(machine, &said);
    }
}

#[test]
fn cot_reads_the_machine_and_writes_it_again_with_the_setting() {
    let Some(python) = python("COT") else { return };
    let cot = |directory: &Path, args: &[&str]| {
        let mut tool = Command::new(python.with_file_name("cot"));
        let output = tool.args(args).current_dir(directory).stdin(Stdio::null()).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{args:?}: {complaint}");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    for machine in MACHINES {
        let directory = tempfile::tempdir().unwrap();
        build(machine, directory.path());
        let file = format!("{}.ovf", machine.name);
        let said = cot(directory.path(), &["info", &file]);
        let size = |gib: u64| {
            if gib < 1024 { format!("{gib} GiB") } else { format!("{} TiB", gib / 1024) }
        };
        for words in [
            format!("{} harddisk @ SCSI 0:0", size(machine.disks_gib[0])),
            format!("{} harddisk @ SCSI 0:1", size(machine.disks_gib[1])),
            format!("System types: {}", machine.hardware),
            "SCSI device types: lsilogic".to_owned(),
            "Ethernet device types: VmxNet3".to_owned(),
            "None (default) 4 6 GiB 1 0 2 /".to_owned(),
        ] {
            assert!(said.contains(&words), "{}: {words:?}: {said}", machine.name);
        }
        cot(directory.path(), &["edit-hardware", &file, "-o", "again.ovf", "--cpus", "8"]);
        let again = fs::read_to_string(directory.path().join("again.ovf")).unwrap();
        assert!(again.contains("disk.EnableUUID"), "{again}");
        assert!(again.contains("<rasd:VirtualQuantity>8<"), "{again}");
    }
}

#[test]
fn a_vsphere_server_makes_an_import_spec_of_the_machine_that_was_meant() {
    let (Some(python), Some(server)) = (python("pyVim, pyVmomi"), Simulator::of("good")) else {
        return;
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/vsim/import.py");
    let url = format!("https://{}/sdk", server.authority);
    for machine in MACHINES {
        let directory = tempfile::tempdir().unwrap();
        build(machine, directory.path());
        let mut tool = Command::new(&python);
        tool.arg("-B").arg(script).args([&url, "administrator@vsphere.local", "Admin!23"]);
        tool.arg(directory.path().join(format!("{}.ovf", machine.name)));
        let piped = tool.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{}", machine.network).unwrap();
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {complaint}", machine.name);
        let mut spec: Value = serde_json::from_slice(&output.stdout).unwrap();
        // The simulator takes no vmw:ExtraConfig over, where a real server does.
        spec.as_object_mut().unwrap().remove("extra");
        let expected = json!({
            "errors": [], "warnings": [], "name": "asr-mt-09",
            "guest_id": "centos64Guest", "version": machine.hardware,
            "memory_mib": 6144, "cpus": 4, "disks_gib": machine.disks_gib,
            "devices": [
                "VirtualCdrom", "VirtualDisk", "VirtualDisk", "VirtualIDEController",
                "VirtualLsiLogicController", "VirtualVmxnet3",
            ],
        });
        assert_eq!(spec, expected, "{}", machine.name);
    }
    assert_eq!(server.sessions(), 0);
}
