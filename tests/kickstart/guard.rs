//! The rendered `%pre` against made-up machines, under every shell that an installer may have:
//! it goes on, or it stops before a byte of a disk has changed.
//!
//! Not for the `mount` of a kickstart disc beyond its call: that needs a drive.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use preflight::installer::kickstart::parse::SectionKind;

use super::{named, program, rendered, scripts_of};

/// One disk of a made-up machine.
#[derive(Clone, Copy)]
struct Disk {
    name: &'static str,
    gib: u64,
    scsi: &'static str,
    removable: bool,
    kind: &'static str,
    read_only: bool,
}

const fn disk(name: &'static str, gib: u64, scsi: &'static str) -> Disk {
    Disk { name, gib, scsi, removable: false, kind: "0", read_only: false }
}

const SDA: Disk = disk("sda", 100, "2:0:0:0");
const SDB: Disk = disk("sdb", 1024, "2:0:1:0");
const SR0: Disk = Disk { removable: true, kind: "5", ..disk("sr0", 1, "1:0:0:0") };

struct Machine {
    disks: Vec<Disk>,
    mounts: &'static str,
    /// Links below /dev/disk: name and disk.
    links: &'static [(&'static str, &'static str)],
}

fn machine(disks: &[Disk]) -> Machine {
    Machine {
        disks: disks.to_vec(),
        mounts: "rootfs / rootfs rw 0 0
/dev/sr0 /mnt/source iso9660 ro 0 0
",
        links: &[],
    }
}

impl Machine {
    fn build(&self, root: &Path) {
        fs::create_dir_all(root.join("proc")).unwrap();
        fs::write(root.join("proc/mounts"), self.mounts).unwrap();
        for directory in ["dev/disk/by-path", "dev/disk/by-id", "sys/block"] {
            fs::create_dir_all(root.join(directory)).unwrap();
        }
        fs::write(root.join("dev/console"), "").unwrap();
        for disk in &self.disks {
            let block = root.join("sys/block").join(disk.name);
            let device = root.join("sys/devices/host").join(disk.scsi);
            fs::create_dir_all(&block).unwrap();
            fs::create_dir_all(&device).unwrap();
            symlink(&device, block.join("device")).unwrap();
            let yes_no = |yes: bool| if yes { "1\n" } else { "0\n" };
            fs::write(block.join("size"), format!("{}\n", disk.gib << 21)).unwrap();
            fs::write(block.join("removable"), yes_no(disk.removable)).unwrap();
            fs::write(block.join("ro"), yes_no(disk.read_only)).unwrap();
            fs::write(device.join("type"), format!("{}\n", disk.kind)).unwrap();
            fs::write(root.join("dev").join(disk.name), [0xff; 1024]).unwrap();
        }
        for (link, target) in self.links {
            symlink(root.join("dev").join(target), root.join("dev/disk").join(link)).unwrap();
        }
    }
}

/// What `%pre` did: its exit status, what it printed, and each disk's first kibibyte.
struct Run {
    code: Option<i32>,
    said: String,
    console: String,
    disks: Vec<(&'static str, Vec<u8>)>,
}

fn run(shell: &[&str], script: &str, machine: &Machine) -> Run {
    let root = tempfile::tempdir().unwrap();
    machine.build(root.path());
    let path = root.path().join("pre.sh");
    fs::write(&path, script).unwrap();
    let output = Command::new(shell[0])
        .args(&shell[1..])
        .arg(&path)
        .env("PREFLIGHT_ROOT", root.path())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell:?}");
    let disks = machine
        .disks
        .iter()
        .map(|disk| (disk.name, fs::read(root.path().join("dev").join(disk.name)).unwrap()));
    Run {
        code: output.status.code(),
        said: String::from_utf8_lossy(&output.stdout).into_owned(),
        console: fs::read_to_string(root.path().join("dev/console")).unwrap(),
        disks: disks.collect(),
    }
}

fn shells() -> Vec<Vec<&'static str>> {
    let all = [
        ("dash", vec!["dash"]),
        ("bash", vec!["bash", "--posix"]),
        ("busybox", vec!["busybox", "sh"]),
    ];
    all.into_iter().filter(|(name, _)| program(name).is_some()).map(|(_, words)| words).collect()
}

fn pre(variant: &str) -> String {
    scripts_of(&rendered(named(variant)).1, SectionKind::Pre).remove(0)
}

#[test]
fn it_goes_on_only_when_every_disk_is_the_one_that_is_meant() {
    // centos-6.6: sda, 100 to 500 GiB.
    let one = pre("centos-6.6");
    let unguarded = one.replace(" '209715200' '1048576000' ", " '-' '-' ");
    // el6-full: sda as before, and sdb from 900 GiB up.
    let two = pre("el6-full");
    let by_path = pre("el6-by-path");
    const PATH: &str = "by-path/pci-0000:03:00.0-scsi-0:0:0:0";
    let cases: &[(&str, &str, Machine, Option<&str>)] = &[
        ("the disk alone", &one, machine(&[SDA, SR0]), None),
        (
            "a floppy and an empty card reader",
            &one,
            machine(&[
                SDA,
                disk("fd0", 0, "fd"),
                Disk { removable: true, ..disk("sdb", 200, "5:0:0:0") },
                disk("sdc", 0, "6:0:0:0"),
                disk("loop0", 200, "loop"),
                disk("dm-0", 200, "dm"),
            ]),
            None,
        ),
        ("a retention disk outside the range", &one, machine(&[SDA, SDB, SR0]), None),
        ("no disk", &one, machine(&[SR0]), Some("There is no disk sda.")),
        ("another name", &one, machine(&[disk("vda", 100, "x")]), Some("There is no disk sda.")),
        (
            "names swapped",
            &one,
            machine(&[disk("sda", 1024, "2:0:1:0"), disk("sdb", 100, "2:0:0:0")]),
            Some("Disk sda is not the one that is meant"),
        ),
        ("too small", &one, machine(&[disk("sda", 99, "2:0:0:0")]), Some("is not the one")),
        ("too large", &one, machine(&[disk("sda", 501, "2:0:0:0")]), Some("is not the one")),
        (
            "a twin",
            &one,
            machine(&[SDA, disk("sdb", 200, "2:0:1:0")]),
            Some("Disk sdb could be meant as well as sda."),
        ),
        ("removable", &one, machine(&[Disk { removable: true, ..SDA }]), Some("is removable")),
        ("optical", &one, machine(&[Disk { kind: "5", ..SDA }]), Some("is no fixed disk")),
        ("read-only", &one, machine(&[Disk { read_only: true, ..SDA }]), Some("is read-only")),
        ("empty", &one, machine(&[disk("sda", 0, "2:0:0:0")]), Some("has no size")),
        (
            "the installation medium",
            &one,
            Machine { mounts: "/dev/sda1 /run/install/repo vfat ro 0 0\n", ..machine(&[SDA]) },
            Some("may be the installation medium"),
        ),
        (
            "another disk's partition is mounted",
            &one,
            Machine { mounts: "/dev/sdab1 / ext4 rw 0 0\n", ..machine(&[SDA]) },
            None,
        ),
        ("no guard, one disk", &unguarded, machine(&[SDA, SR0]), None),
        (
            "no guard, two disks",
            &unguarded,
            machine(&[SDA, SDB]),
            Some("Disk sdb could be meant as well as sda."),
        ),
        ("both disks", &two, machine(&[SDA, SDB, SR0]), None),
        ("the retention disk is missing", &two, machine(&[SDA]), Some("There is no disk sdb.")),
        (
            "both disks swapped",
            &two,
            machine(&[disk("sda", 1024, "2:0:1:0"), disk("sdb", 100, "2:0:0:0")]),
            Some("Disk sda is not the one that is meant"),
        ),
        (
            "two retention disks",
            &two,
            machine(&[SDA, SDB, disk("sdc", 2048, "2:0:2:0")]),
            Some("Disk sdc could be meant as well as sdb."),
        ),
        (
            "by path, names swapped",
            &by_path,
            Machine {
                links: &[(PATH, "sdb")],
                ..machine(&[disk("sda", 200, "2:0:1:0"), disk("sdb", 100, "2:0:0:0")])
            },
            None,
        ),
        (
            "by path, another address",
            &by_path,
            Machine { links: &[(PATH, "sda")], ..machine(&[disk("sda", 100, "2:0:1:0")]) },
            Some("is not the one that is meant"),
        ),
        ("by path, no link", &by_path, machine(&[SDA]), Some("There is no disk disk/by-path/")),
    ];
    for shell in shells() {
        for (name, script, machine, refusal) in cases {
            let run = run(&shell, script, machine);
            let context = format!("{name}, {shell:?}: {}", run.said);
            match refusal {
                None => {
                    assert_eq!(run.code, Some(0), "{context}");
                    assert!(run.said.contains("is the one that is meant"), "{context}");
                    for (disk, bytes) in &run.disks {
                        let blank = *disk == "sda" && script.contains("\nblank_boot_code 'sda'");
                        let expected = if blank { 0 } else { 0xff };
                        assert!(bytes[..440].iter().all(|b| *b == expected), "{context}");
                        assert!(bytes[440..].iter().all(|b| *b == 0xff), "{context}");
                        assert_eq!(bytes.len(), 1024);
                    }
                }
                Some(reason) => {
                    assert_eq!(run.code, Some(9), "{context}");
                    assert!(run.said.contains(reason), "{context}");
                    assert!(run.console.contains(reason), "{context}");
                    assert!(run.said.contains("Nothing has been erased."), "{context}");
                    for (_, bytes) in &run.disks {
                        assert!(bytes.iter().all(|b| *b == 0xff), "{context}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_scsi_address_must_be_the_one_that_is_written() {
    let script = pre("centos-6.6");
    for (written, seen, good) in [
        ("2:0:0:0", "2:0:0:0", true),
        ("2:0:0:0", "3:0:0:0", false),
        ("*:0:0:0", "3:0:0:0", true),
        ("*:0:0:0", "3:0:1:0", false),
        ("*:0:0:0", "virtio0", false),
        ("2:0:0:0", "12:0:0:0", false),
    ] {
        let script = script.replace("'1048576000' '-'", &format!("'1048576000' '{written}'"));
        let one = machine(&[disk("sda", 100, seen)]);
        for shell in shells() {
            let run = run(&shell, &script, &one);
            assert_eq!(run.code == Some(0), good, "{written} {seen} {shell:?}: {}", run.said);
        }
    }
}

#[test]
fn a_kickstart_disc_is_looked_for_after_the_disks_are_certain_and_before_one_is_changed() {
    let script = pre("demo-disc");
    let at = |text: &str| script.find(text).unwrap_or_else(|| panic!("no {text:?}"));
    assert!(at("\nguard_disk 'sda'") < at("\nmount_disc 'PREFLIGHT_KS' '/mnt/preflight'"));
    assert!(at("\nmount_disc 'PREFLIGHT_KS'") < at("\nblank_boot_code 'sda'"));
    // A `mount` that fails, and one that puts the disc there.
    for (mount, code) in [
        ("mount() { return 1; }\n", 9),
        (
            "mount() { for last; do :; done; mkdir -p \"$last/preflight\"; : > \"$last/preflight/manifest.sha256\"; }\n",
            0,
        ),
        ("mount() { :; }\numount() { :; }\n", 9),
    ] {
        for shell in shells() {
            let run = run(&shell, &format!("{mount}{script}"), &machine(&[SDA, SR0]));
            assert_eq!(run.code, Some(code), "{mount} {shell:?}: {}", run.said);
        }
    }
}
