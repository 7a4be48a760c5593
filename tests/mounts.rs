//! The retention volume with real mounts: each case mounts something in a private mount namespace,
//! runs the program's own script there through `sh -s`, and has the program judge the answers.
//!
//! Needs root, loop devices and ext4. LVM, multipath and NFS cannot be had this way; the tables of
//! `facts::storage::retention` know those.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod program;
#[path = "mounts/script.rs"]
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use preflight::facts::storage::retention::probe_output;
use program::{binary, installed, skipped};
use serde_json::Value;

/// What every case begins with: a namespace of its own in which /mnt, /home and fstab are its own,
/// and an ext4 file system of 3 GiB on the loop device `$D`, not mounted yet. `as_disk` lets a loop
/// device look like a disk of the machine, which a retention volume has to be on; `as_loop` undoes it.
const BEFORE: &str = r#"
set -e
mount -t tmpfs none /mnt
mount -t tmpfs none /home
mkdir /mnt/retention
P=/mnt/retention
truncate -s 3G disk
mkfs.ext4 -q -F disk
D=$(losetup -f --show disk)
as_disk() {
  S=/sys/devices/virtual/block/${1#/dev/}
  rm -rf looks; mkdir -p real looks/device looks/slaves looks/holders
  mount --bind "$S" real
  for f in dev size ro; do ln -s "$PWD/real/$f" looks/$f; done
  mount --bind looks "$S"
}
as_loop() { umount "$S"; umount real; }
as_disk "$D"
trap 'losetup -d "$D" 2>/dev/null || :' EXIT
U=$(blkid -p -o value -s UUID "$D")
: > fstab
mount --bind fstab /etc/fstab
fstab() { printf '%s\n' "$@" > fstab; }
"#;

/// One host.
struct Case {
    /// What is so.
    name: &'static str,
    /// What makes it so.
    setup: &'static str,
    /// The retention path that is configured.
    retention: &'static str,
    /// The checks of the retention volume that fail, besides retention.multipath-device: a loop
    /// device is none. Those that do not apply are no failures.
    fails: &'static [&'static str],
    /// Words of what is found: a check and what it says.
    found: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        name: "ext4 on a device, in fstab by its UUID",
        setup: r#"mount "$D" $P; fstab "UUID=$U $P ext4 defaults 0 2""#,
        retention: "/mnt/retention",
        fails: &[],
        found: &[("retention.free-space", "GiB free (9"), ("retention.mounted", "/dev/loop")],
    },
    Case {
        name: "in fstab by its label, in quotes, after a comment",
        setup: r##"e2label "$D" 'my disk'; mount "$D" $P
            fstab "#$D $P vfat" "LABEL=\"my\040disk\" $P/ auto""##,
        retention: "/mnt/retention/",
        fails: &[],
        found: &[],
    },
    Case {
        name: "in fstab by a link to the device",
        setup: r#"mount -t tmpfs none /dev/shm; ln -s "$D" /dev/shm/link; mount "$D" $P; fstab "/dev/shm/link $P ext4""#,
        retention: "/mnt/retention",
        fails: &[],
        found: &[],
    },
    Case {
        name: "nothing is mounted",
        setup: r#"fstab "UUID=$U $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.mounted"],
        found: &[("retention.mounted", "file system at /mnt")],
    },
    Case {
        name: "the path does not exist",
        setup: "",
        retention: "/mnt/nothing/here",
        fails: &["retention.default-path", "retention.mounted"],
        found: &[],
    },
    Case {
        name: "the same device is mounted elsewhere, and a file is open there",
        setup: r#"mount "$D" $P; mkdir /mnt/other; mount "$D" /mnt/other; fstab "$D $P ext4"
            : > $P/file; sleep 60 < /mnt/other/file &"#,
        retention: "/mnt/retention",
        fails: &["retention.not-in-use"],
        found: &[("retention.not-in-use", "also mounted at: /mnt/other")],
    },
    Case {
        name: "a stranger has a file open",
        setup: r#"mount "$D" $P; fstab "$D $P ext4"; : > "$P/a file"; sleep 60 < "$P/a file" &"#,
        retention: "/mnt/retention",
        fails: &["retention.not-in-use"],
        found: &[("retention.not-in-use", "files opened by: sleep (")],
    },
    Case {
        name: "remounted read-only",
        setup: r#"mount "$D" $P; mount -o remount,ro $P; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.not-locked"],
        found: &[("retention.not-locked", "the file system is mounted read-only, the device can")],
    },
    Case {
        name: "the device is read-only",
        setup: r#"as_loop; losetup -d "$D"; D=$(losetup -r -f --show disk); as_disk "$D"; mount -o ro "$D" $P; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.not-locked"],
        found: &[("retention.not-locked", "the device is read-only")],
    },
    Case {
        name: "a directory of another volume is bound there",
        setup: r#"mkdir /mnt/data; mount "$D" /mnt/data; mkdir /mnt/data/sub; mount --bind /mnt/data/sub $P
            fstab "/mnt/data/sub $P none bind""#,
        retention: "/mnt/retention",
        fails: &["retention.not-in-use", "retention.own-device"],
        found: &[("retention.own-device", "only /sub of /dev/loop")],
    },
    Case {
        name: "a process server's directory is on the same device",
        setup: r#"mount "$D" $P; mkdir /home/svsystems; mount "$D" /home/svsystems; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.not-cache", "retention.not-in-use"],
        found: &[("retention.not-cache", "/home/svsystems")],
    },
    Case {
        name: "a process server's directory is a link to it",
        setup: r#"mount "$D" $P; mkdir $P/ps; ln -s ../mnt/retention/ps /home/svsystems; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.not-cache"],
        found: &[("retention.not-cache", "/home/svsystems")],
    },
    Case {
        name: "memory is mounted there",
        setup: r#"mount -t tmpfs -o size=10m tmpfs $P; fstab "tmpfs $P tmpfs""#,
        retention: "/mnt/retention",
        fails: &["retention.fs-local-block"],
        found: &[],
    },
    Case {
        name: "memory is mounted over the volume",
        setup: r#"mount "$D" $P; mount -t tmpfs tmpfs $P; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.fs-local-block", "retention.fstab"],
        found: &[("retention.fs-local-block", "tmpfs from tmpfs")],
    },
    Case {
        name: "the volume is mounted over memory",
        setup: r#"mount -t tmpfs tmpfs $P; mount "$D" $P; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &[],
        found: &[],
    },
    Case {
        name: "the directory above was mounted over",
        setup: r#"mount "$D" $P; fstab "$D $P ext4"; mount -t tmpfs tmpfs /mnt; mkdir $P"#,
        retention: "/mnt/retention",
        fails: &["retention.mounted"],
        found: &[],
    },
    Case {
        name: "the device lost its content under the mounted file system",
        setup: r#"mount "$D" $P; fstab "$D $P ext4"; truncate -s 0 disk; losetup -c "$D""#,
        retention: "/mnt/retention",
        fails: &["retention.capacity-nonzero"],
        found: &[("retention.capacity-nonzero", "the device has 0 B,")],
    },
    Case {
        name: "the path is a link to the mount point",
        setup: r#"rmdir $P; mkdir /mnt/real; ln -s real $P; mount "$D" /mnt/real; fstab "$D /mnt/real ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.default-path"],
        found: &[
            ("retention.default-path", "a symbolic link"),
            ("retention.mounted", "is mounted"),
        ],
    },
    Case {
        name: "the path has a blank, a backslash and a bracket",
        setup: r#"P='/mnt/a b\c[d]'; mkdir "$P"; mount "$D" "$P"; fstab "$D /mnt/a\\040b\\134c[d] ext4""#,
        retention: r"/mnt/a b\c[d]",
        fails: &["retention.default-path"],
        found: &[],
    },
    Case {
        name: "fstab does not know it",
        setup: r##"mount "$D" $P; fstab "#$D $P ext4" "$D /mnt/other ext4""##,
        retention: "/mnt/retention",
        fails: &["retention.fstab"],
        found: &[("retention.fstab", "fstab has no line for /mnt/retention")],
    },
    Case {
        name: "fstab has another UUID",
        setup: r#"mount "$D" $P; fstab "UUID=0a6c1e52-0000-4b7e-9a41-000000000001 $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.fstab"],
        found: &[],
    },
    Case {
        name: "fstab has two lines, or would not mount it",
        setup: r#"mount "$D" $P; fstab "$D $P ext4 noauto" "UUID=$U $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.fstab"],
        found: &[("retention.fstab", "for /mnt/retention: 2, the first for /dev/loop")],
    },
    Case {
        name: "fstab has another type",
        setup: r#"mount "$D" $P; fstab "$D $P xfs""#,
        retention: "/mnt/retention",
        fails: &["retention.fstab"],
        found: &[],
    },
    Case {
        name: "nearly full",
        setup: r#"mount "$D" $P; fstab "$D $P ext4"; fallocate -l 2500M $P/filler"#,
        retention: "/mnt/retention",
        fails: &["retention.free-space"],
        found: &[],
    },
    Case {
        name: "out of inodes",
        setup: r#"mkfs.ext4 -q -F -N 256 "$D"; mount "$D" $P; fstab "$D $P ext4"; cd $P; touch $(seq 400) 2>/dev/null || :; cd - > /dev/null"#,
        retention: "/mnt/retention",
        fails: &["retention.free-space"],
        found: &[("retention.free-space", "0 of ")],
    },
];

/// What only a machine whose temporary directory lies on the disk of `/` can show.
const ON_ROOT: &[Case] = &[
    Case {
        name: "a file on the disk of / is mounted by a loop device",
        setup: r#"as_loop; mount "$D" $P; fstab "$D $P ext4""#,
        retention: "/mnt/retention",
        fails: &["retention.not-cache", "retention.own-device"],
        found: &[("retention.own-device", "where the operating system is")],
    },
    Case {
        name: "a loop device of a loop device of such a file",
        setup: r#"as_loop; E=$(losetup -f --show "$D"); mount "$E" $P; fstab "$E $P ext4"
            trap 'losetup -d "$E" 2>/dev/null; losetup -d "$D" 2>/dev/null || :' EXIT"#,
        retention: "/mnt/retention",
        fails: &["retention.not-cache", "retention.own-device"],
        found: &[],
    },
];

/// Lines of fstab that the mounts of today say nothing about.
const FSTAB: &[Case] = &[
    Case {
        name: "fstab mounts it read-only",
        setup: r#"mount "$D" $P; fstab "UUID=$U $P ext4 defaults,ro""#,
        retention: "/mnt/retention",
        fails: &["retention.fstab"],
        found: &[("retention.fstab", "read-only")],
    },
    Case {
        name: "a later line mounts over it",
        setup: r#"mount "$D" $P; fstab "UUID=$U $P ext4" "tmpfs /mnt tmpfs""#,
        retention: "/mnt/retention",
        fails: &["retention.fstab"],
        found: &[("retention.fstab", "mounted over at /mnt")],
    },
    Case {
        name: "an earlier line mounts the directory above",
        setup: r#"mount "$D" $P; fstab "tmpfs /mnt tmpfs" "UUID=$U $P ext4""#,
        retention: "/mnt/retention",
        fails: &[],
        found: &[],
    },
];

/// A file system whose server never answers, as a dead NFS server's: whoever touches it hangs.
const DEAD: &[Case] = &[
    Case {
        name: "a dead server's file system is mounted there",
        setup: r#"exec 9<>/dev/fuse; mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 nas:/dead $P
            fstab "nas:/dead $P fuse""#,
        retention: "/mnt/retention",
        fails: &["retention.fs-local-block"],
        found: &[("retention.fs-local-block", "fuse from nas:/dead")],
    },
    Case {
        name: "the path is below a dead server's file system",
        setup: r#"exec 9<>/dev/fuse; mkdir /mnt/dead
            mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 nas:/dead /mnt/dead"#,
        retention: "/mnt/dead/retention",
        fails: &["retention.default-path"],
        found: &[("retention.mounted", "/mnt/dead was not read, because it could hang")],
    },
    Case {
        name: "the agent's directory is below a dead server's file system",
        setup: r#"exec 9<>/dev/fuse; mkdir /mnt/dead; mount "$D" $P; fstab "$D $P ext4"
            mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 nas:/dead /mnt/dead
            ln -s /mnt/dead/ps /home/svsystems"#,
        retention: "/mnt/retention",
        fails: &[],
        found: &[("retention.not-cache", "not everything could be looked at")],
    },
];

/// Types that not every kernel mounts and not every machine can make.
const TYPES: &[(&str, &str, &[&str])] = &[
    ("vfat", "mkfs.vfat -F 32", &["retention.fs-not-fat"]),
    ("exfat", "mkfs.exfat", &["retention.fs-not-fat"]),
    ("xfs", "mkfs.xfs -q -f", &[]),
    ("btrfs", "mkfs.btrfs -q -f", &["retention.fs-not-fat"]),
];

/// Loop devices are shared by all namespaces, and `losetup -f` may give one to two callers.
static LOOPS: Mutex<()> = Mutex::new(());

/// Runs a script in a namespace of its own in which `$shell -s` runs ours, and gives the answers.
fn inside(dir: &Path, setup: &str, retention: &str, shell: &str) -> Result<PathBuf, String> {
    let script = Command::new(binary())
        .args(["collect", "script", "--retention", retention])
        .output()
        .unwrap();
    assert!(script.status.success());
    fs::write(dir.join("script"), &script.stdout).unwrap();
    let text = format!("{BEFORE}\n{setup}\ntouch ready\n{shell} -s < script > answers\n");
    let _alone = LOOPS.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new("unshare")
        .args(["--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private"])
        .args(["sh", "-c", &text])
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    if dir.join("ready").exists() { Ok(dir.join("answers")) } else { Err(complaint) }
}

/// What the program makes of answers: each check of the retention volume with its outcome and text.
fn judged(answers: &Path) -> BTreeMap<String, (String, String)> {
    let output = Command::new(binary())
        .args(["check", "host", "--format", "json"])
        .arg(format!("capture:{}", answers.display()))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    });
    let results = report["results"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    results
        .map(|r| (text(&r["check"]), (text(&r["outcome"]), text(&r["found"]))))
        // No line of these machines has nofail; tests/master_targets.rs tells it apart.
        .filter(|(check, _)| check.starts_with("retention.") && check != "retention.nofail")
        .collect()
}

fn failing(results: &BTreeMap<String, (String, String)>) -> BTreeSet<&str> {
    let failed = results.iter().filter(|(_, (outcome, _))| outcome == "fail");
    failed.map(|(check, _)| check.as_str()).filter(|c| *c != "retention.multipath-device").collect()
}

/// Whether mounts can be made here at all; a machine that should be able and is not is a failure.
fn may_mount() -> bool {
    if !rustix::process::geteuid().is_root() {
        println!("SKIPPED: mounts need root");
        return false;
    }
    if !installed(&["unshare", "losetup", "mkfs.ext4", "blkid"]) {
        return false;
    }
    let dir = tempfile::tempdir().unwrap();
    match inside(dir.path(), "mount \"$D\" $P", "/mnt/retention", "sh") {
        Ok(_) => true,
        Err(why) => {
            skipped(&format!("no loop device may be mounted in a namespace here: {why}"));
            false
        }
    }
}

/// Whether a program is installed, where nothing is the worse for it when not.
fn is_there(tool: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(tool).is_file())
}

fn judge(case: &Case, shell: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let answers = match inside(dir.path(), case.setup, case.retention, shell) {
        Ok(answers) => answers,
        Err(why) => return vec![format!("{}: {why}", case.name)],
    };
    let (took, results) = (began.elapsed(), judged(&answers));
    let mut wrong = Vec::new();
    let expected: BTreeSet<&str> = case.fails.iter().copied().collect();
    if failing(&results) != expected {
        wrong.push(format!("{}: {:?} fail", case.name, failing(&results)));
    }
    for (check, words) in case.found {
        let found = &results[*check].1;
        if !found.contains(words) {
            wrong.push(format!("{}: {check} says {found:?}", case.name));
        }
    }
    let undecided = results.iter().filter(|(_, (outcome, _))| outcome == "unknown");
    let undecided: Vec<&str> = undecided.map(|(check, _)| check.as_str()).collect();
    let is_dead = DEAD.iter().any(|dead| dead.name == case.name);
    if !is_dead && !undecided.is_empty() {
        wrong.push(format!("{}: {undecided:?} are undecided", case.name));
    }
    if took > Duration::from_secs(20) {
        wrong.push(format!("{}: took {took:?}", case.name));
    }
    wrong
}

#[test]
fn every_trap_of_a_mount_fails_exactly_its_checks() {
    if !may_mount() {
        return;
    }
    let wrong: Vec<String> = CASES.iter().flat_map(|case| judge(case, "sh")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_fstab_would_do_is_read_from_its_lines() {
    if !may_mount() {
        return;
    }
    let wrong: Vec<String> = FSTAB.iter().flat_map(|case| judge(case, "sh")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_volume_made_of_a_file_is_where_the_file_is() {
    use std::os::unix::fs::MetadataExt;
    if !may_mount() {
        return;
    }
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    if device(&std::env::temp_dir()) != device(Path::new("/")) {
        println!("SKIPPED: temporary files are not on the disk of /");
        return;
    }
    let wrong: Vec<String> = ON_ROOT.iter().flat_map(|case| judge(case, "sh")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_password_of_fstab_is_sent() {
    if !may_mount() {
        return;
    }
    const SECRET: &str = "hunter2-canary";
    let dir = tempfile::tempdir().unwrap();
    let setup = format!(
        r#"mount "$D" $P; fstab "$D $P ext4 rw" \
            "//nas/share /nas cifs user=me,password={SECRET},_netdev 0 0" \
            "//me:{SECRET}@nas/share /nas2 cifs pass={SECRET}" \
            "curlftpfs#me:{SECRET}@nas /nas3 fuse rw,{SECRET}" \
            "LABEL=a@b /b ext4 ro""#
    );
    let answers = inside(dir.path(), &setup, "/mnt/retention", "sh").unwrap();
    let text = fs::read_to_string(&answers).unwrap();
    assert!(text.contains("//nas/share /nas cifs user=,password=,_netdev"), "{text}");
    assert!(text.contains("LABEL=a@b /b ext4 ro"), "{text}");
    assert!(!text.contains(SECRET), "{text}");
    assert_eq!(judged(&answers)["retention.fstab"].0, "pass");
}

#[test]
fn a_dead_file_system_is_not_touched() {
    if !may_mount() {
        return;
    }
    if !Path::new("/dev/fuse").exists() {
        skipped("there is no /dev/fuse");
        return;
    }
    let wrong: Vec<String> = DEAD.iter().flat_map(|case| judge(case, "sh")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_type_of_the_file_system_decides() {
    if !may_mount() {
        return;
    }
    let kernel = fs::read_to_string("/proc/filesystems").unwrap();
    for (fstype, make, fails) in TYPES {
        let tool = make.split(' ').next().unwrap();
        if !is_there(tool) {
            println!("SKIPPED: {fstype}: there is no {tool}");
            continue;
        }
        if !kernel.lines().any(|line| line.trim() == *fstype) {
            println!("SKIPPED: {fstype}: this kernel does not mount it, blkid tells its type");
            assert_eq!(type_by_blkid(make), *fstype);
            continue;
        }
        let dir = tempfile::tempdir().unwrap();
        let setup = format!("{make} \"$D\" >/dev/null; mount \"$D\" $P; fstab \"$D $P {fstype}\"");
        let answers = inside(dir.path(), &setup, "/mnt/retention", "sh").expect(fstype);
        let results = judged(&answers);
        assert_eq!(failing(&results), fails.iter().copied().collect(), "{fstype}: {results:#?}");
    }
}

/// What the real blkid says of a new file system, by our reading.
fn type_by_blkid(make: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("truncate -s 300M image && {make} image >/dev/null && blkid -p image");
    let output = Command::new("sh").args(["-c", &text]).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    probe_output::parse_blkid(&String::from_utf8_lossy(&output.stdout)).fstype
}
