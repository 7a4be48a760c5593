//! The retention volume of invented hosts, each answer as a real command words it.
//!
//! Not for what can be mounted on the machine that runs the tests: `tests/mounts.rs` mounts that.

mod fstab;

use serde_json::Value;

use super::*;
use crate::facts::Document;
use crate::facts::agent::unified_agent;
use crate::facts::file::ABSENT;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Connection, ProbeAnswers, SCHEMA};

const MOUNTS: &str = "\
20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw,data=ordered
21 20 8:5 / /home rw,relatime - ext4 /dev/sda5 rw,data=ordered
";
const RETENTION: &str =
    "24 20 253:0 / /mnt/retention rw,relatime - ext4 /dev/mapper/36000c290f0e rw,data=ordered\n";
const DEVICES: &str = "\
device sda\ndev 8:0\nsize 209715200\nro 0
device sda1\nparent sda\ndev 8:1\nsize 125829120\nro 0
device sda3\nparent sda\ndev 8:3\nsize 8388608\nro 0
device sda5\nparent sda\ndev 8:5\nsize 41938944\nro 0
device sdb\ndev 8:16\nsize 2147483648\nro 0\nholder dm-0
device dm-0\ndev 253:0\nsize 2147483648\nro 0\nname 36000c290f0e\nuuid mpath-36000c290f0e\nslave sdb
";
const SWAPS: &str = "Filename Type Size Used Priority\n/dev/sda3 partition 4194300 0 -1\n";
const FSTAB: &str = "/dev/mapper/36000c290f0e /mnt/retention ext4 rw 0 0\n";
const TOUCHED: &str = "\
real /mnt/retention
= space
Filesystem 1024-blocks Used Available Capacity Mounted on
/dev/mapper/36000c290f0e 1056894132 73368 1056820764 1% /mnt/retention
= status 0
= inodes
Filesystem Inodes IUsed IFree IUse% Mounted on
/dev/mapper/36000c290f0e 67108864 11 67108853 1% /mnt/retention
= status 0
conf read
place /usr/local/ASR/Vx/cache
is /usr/local/ASR/Vx/cache
place /usr/local/ASR
is /usr/local/ASR
place /usr/local/ASR/Vx
is /usr/local/ASR/Vx
place /home/svsystems
will-be /home/svsystems
place /
is /
= devices
64768 /mnt/retention
2049 /usr/local/ASR/Vx/cache
2049 /usr/local/ASR
2049 /usr/local/ASR/Vx
2049 /
= status 0
seen all
";
const BLKID: &str = "/dev/mapper/36000c290f0e: UUID=\"0a6c-10\" LABEL=\"keep\" TYPE=\"ext4\" \n";

/// A host that answers everything well, with some answers replaced.
fn host(replaced: &[(&str, i32, &str)]) -> Transcript {
    let good = [
        ("mountinfo", 0, &*format!("{MOUNTS}{RETENTION}")),
        ("swaps", 0, SWAPS),
        ("fstab", 0, FSTAB),
        ("block", 0, DEVICES),
        ("retention-path", 0, "/mnt/retention\n"),
        ("retention", 0, TOUCHED),
        ("retention-blkid", 0, BLKID),
        ("agent-version", 0, "VERSION=9.8.9.0\nINSTALLATION_DIR=/usr/local/ASR\n"),
        ("agent-conf", 0, "Role=MasterTarget\nCacheDirectory=/usr/local/ASR/Vx/cache\n"),
    ];
    let answer = |(name, status, text): &(&str, i32, &str)| {
        ((*name).to_owned(), ProbeAnswer { status: *status, text: (*text).to_owned() })
    };
    Transcript {
        schema: SCHEMA.to_owned(),
        target: "mt".to_owned(),
        kind: TargetKind::LinuxMt,
        asked_at: None,
        connection: Connection::new(CollectedBy::Script),
        overrides: Default::default(),
        answers: ProbeAnswers {
            by_probe: good.iter().chain(replaced).map(answer).collect(),
            ended: true,
            unanswered: None,
        },
    }
}

/// A fact as JSON, or why it is absent.
fn fact(transcript: &Transcript, path: &str) -> String {
    let document = Document::new(
        "r",
        &from_transcript(transcript, &unified_agent::from_transcript(transcript)),
    );
    let (mut here, mut at) = (&document.known["r"], "r".to_owned());
    for part in path.split('.') {
        at = format!("{at}.{part}");
        if let Some(why) = document.absent.get(&at) {
            return format!("absent: {why}");
        }
        here = &here[part];
    }
    match here {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn assert_facts(name: &str, replaced: &[(&str, i32, &str)], expected: &[(&str, &str)]) {
    let transcript = host(replaced);
    for (path, value) in expected {
        assert_eq!(fact(&transcript, path), *value, "{name}: {path}");
    }
}

#[test]
fn a_volume_as_it_should_be() {
    assert_facts(
        "good",
        &[],
        &[
            ("path", "/mnt/retention"),
            ("mounted", "true"),
            ("is_symlink", "false"),
            ("nearest_mount", "/mnt/retention"),
            ("fstype", "ext4"),
            ("blkid_type", "ext4"),
            ("device", "/dev/mapper/36000c290f0e"),
            ("major_minor", "253:0"),
            ("root", "/"),
            ("whole_volume", "true"),
            ("read_only_mount", "false"),
            ("read_only_device", "false"),
            ("size_bytes", "1099511627776"),
            ("df_total_kib", "1056894132"),
            ("free_kib", "1056820764"),
            ("free_percent", "99"),
            ("inodes", "67108864"),
            ("inodes_free", "67108853"),
            ("shares_volume_with.items", "[]"),
            ("shares_volume_with.complete", "true"),
            ("other_mounts.items", "[]"),
            ("swap", "false"),
            ("holders.items", "[]"),
            ("lvm", "false"),
            ("open_by.items", "[]"),
            ("open_by.complete", "true"),
            ("fstab.lines", "1"),
            ("fstab.same_device", "true"),
            ("fstab.same_type", "true"),
            ("fstab.at_boot", "true"),
            ("fstab.read_only", "false"),
            ("fstab.covered_by.items", "[]"),
            ("disks.items", r#"["sdb"]"#),
            ("on_os_disk", "false"),
            ("multipath", "true"),
            ("named_by_id", "true"),
        ],
    );
}

#[test]
fn nothing_is_said_of_a_volume_that_is_not_mounted() {
    let nothing = "absent: nothing is mounted there";
    assert_facts(
        "a directory",
        &[("mountinfo", 0, MOUNTS)],
        &[
            ("mounted", "false"),
            ("nearest_mount", "/"),
            ("fstype", nothing),
            ("blkid_type", nothing),
            ("size_bytes", nothing),
            ("free_kib", nothing),
            ("shares_volume_with", nothing),
            ("other_mounts", nothing),
            ("swap", nothing),
            ("lvm", nothing),
            ("open_by", nothing),
            ("fstab", nothing),
            ("on_os_disk", nothing),
            ("multipath", nothing),
        ],
    );
}

#[test]
fn a_dead_server_is_told_by_the_kernels_table_alone() {
    let nfs = format!("{MOUNTS}24 20 0:40 / /mnt/retention rw - nfs nas:/r rw,hard,vers=3\n");
    assert_facts(
        "nfs",
        &[
            ("mountinfo", 0, &nfs),
            ("retention", 0, "stuck /mnt/retention\n"),
            ("retention-blkid", 3, ""),
            ("fstab", 0, "nas:/r /mnt/retention nfs rw 0 0\n"),
        ],
        &[
            ("mounted", "true"),
            ("fstype", "nfs"),
            ("major_minor", "0:40"),
            ("free_kib", "absent: space: it was not asked"),
            ("size_bytes", "absent: nas:/r is on no block device that /sys lists"),
            ("shares_volume_with.complete", "absent: not everything could be looked at"),
            ("lvm", "false"),
            ("fstab.same_device", "true"),
        ],
    );
    // Nothing that had to be touched answered, and the type is still known.
    let silent = [("retention", 124, ""), ("retention-blkid", 124, "")];
    assert_facts(
        "silent",
        &silent,
        &[
            ("mounted", "true"),
            ("fstype", "ext4"),
            ("size_bytes", "1099511627776"),
            ("free_kib", "absent: retention did not answer in time"),
            ("shares_volume_with", "absent: retention did not answer in time"),
            ("open_by", "absent: retention did not answer in time"),
            ("blkid_type", "absent: retention-blkid did not answer in time"),
            ("fstab.same_device", "true"),
        ],
    );
    // The path is below it, so that nobody knows what the path is.
    let below = format!("{MOUNTS}24 20 0:40 / /mnt rw - nfs nas:/r rw\n");
    let stuck = [("mountinfo", 0, &*below), ("retention", 0, "stuck /mnt\n")];
    let untouched = "absent: /mnt was not read, because it could hang";
    assert_facts("below", &stuck, &[("mounted", untouched), ("fstype", untouched)]);
}

#[test]
fn lvm_partitions_and_friendly_names_are_told_apart() {
    let lvm = format!(
        "{DEVICES}device dm-1\ndev 253:1\nsize 2147475456\nro 0\nname vg-r\nuuid LVM-Qm3z\nslave dm-0\n"
    );
    let on_lvm = format!("{MOUNTS}24 20 253:1 / /mnt/retention rw - ext4 /dev/mapper/vg-r rw\n");
    assert_facts(
        "a logical volume on the multipath device",
        &[
            ("block", 0, &lvm),
            ("mountinfo", 0, &on_lvm),
            ("fstab", 0, "/dev/vg/r /mnt/retention ext4\n"),
        ],
        &[
            ("lvm", "true"),
            ("multipath", "false"),
            ("named_by_id", "false"),
            ("disks.items", r#"["sdb"]"#),
            ("fstab.same_device", "true"),
        ],
    );
    let friendly = DEVICES.replace("name 36000c290f0e", "name mpatha");
    let by_name = RETENTION.replace("36000c290f0e", "mpatha");
    assert_facts(
        "friendly names",
        &[("block", 0, &friendly), ("mountinfo", 0, &format!("{MOUNTS}{by_name}"))],
        &[("multipath", "true"), ("named_by_id", "false")],
    );
    let partition = format!(
        "{DEVICES}device dm-2\ndev 253:2\nsize 2147475456\nro 0\nname 36000c290f0e-part1\n\
         uuid part1-mpath-36000c290f0e\nslave dm-0\n"
    );
    let on_partition = format!("{MOUNTS}24 20 253:2 / /mnt/retention rw - ext4 /dev/dm-2 rw\n");
    assert_facts(
        "a partition of it",
        &[("block", 0, &partition), ("mountinfo", 0, &on_partition)],
        &[("multipath", "true"), ("named_by_id", "true"), ("fstab.same_device", "false")],
    );
    let on_system = format!("{MOUNTS}24 20 8:5 / /mnt/retention rw - ext4 /dev/sda5 rw\n");
    assert_facts(
        "a partition of the system's disk",
        &[("mountinfo", 0, &on_system)],
        &[("on_os_disk", "true"), ("multipath", "false"), ("other_mounts.items", r#"["/home"]"#)],
    );
}

#[test]
fn a_device_that_is_not_listed_leaves_its_questions_open() {
    let unlisted = format!("{MOUNTS}24 20 8:99 / /mnt/retention rw - ext4 /dev/sdz rw\n");
    let absent = "absent: /dev/sdz is on no block device that /sys lists";
    assert_facts(
        "unlisted",
        &[("mountinfo", 0, &unlisted)],
        &[
            ("fstype", "ext4"),
            ("size_bytes", absent),
            ("read_only_device", absent),
            ("holders", absent),
            ("lvm", absent),
            ("on_os_disk", absent),
            ("multipath", absent),
        ],
    );
    assert_facts(
        "no listing",
        &[("block", 1, "")],
        &[
            ("lvm", "absent: block exited with status 1"),
            ("swap", "absent: block exited with status 1"),
        ],
    );
    let silent = DEVICES.replace("size 2147483648\nro 0\nholder", "size 1\nholder");
    assert_facts(
        "a device below is silent",
        &[("block", 0, &silent)],
        &[("read_only_device", "absent: /sys does not show every device below it")],
    );
    let locked = DEVICES.replace("size 2147483648\nro 0\nholder", "size 2147483648\nro 1\nholder");
    assert_facts(
        "the disk below is locked",
        &[("block", 0, &locked)],
        &[("read_only_device", "true")],
    );
}

#[test]
fn other_uses_are_found_under_every_name() {
    for (swap, expected) in [
        ("/dev/dm-0", "true"),
        ("/dev/mapper/36000c290f0e", "true"),
        // The disk of which the device is made.
        ("/dev/sdb", "true"),
        ("/mnt/retention/swapfile", "true"),
        ("/mnt/retention/a/b\\040c", "true"),
        ("/mnt/retention/swapfile\\040(deleted)", "true"),
        ("/mnt/retentions/swapfile", "false"),
        ("/home/swapfile", "false"),
        ("/dev/sda5", "false"),
        (
            "/dev/zram0",
            "absent: /dev/zram0 is used for swap, and which device it is on is not known",
        ),
    ] {
        let kind = if swap.starts_with("/dev/") { "partition" } else { "file" };
        let swaps = format!("{SWAPS}{swap} {kind} 1 0 -2\n");
        assert_facts(swap, &[("swaps", 0, &swaps)], &[("swap", expected)]);
    }
    assert_facts(
        "no table of swaps",
        &[("swaps", 1, "")],
        &[("swap", "absent: swaps exited with status 1")],
    );
    let twice = format!("{MOUNTS}{RETENTION}25 20 253:0 /a /mnt/b\\040c rw - ext4 /dev/x rw\n");
    assert_facts(
        "mounted twice",
        &[("mountinfo", 0, &twice)],
        &[("other_mounts.items", r#"["/mnt/b c"]"#)],
    );
    let subvolumes = format!(
        "{MOUNTS}24 20 0:40 /@r /mnt/retention rw - btrfs /dev/sdb rw\n\
         25 20 0:41 /@x /mnt/x rw - btrfs /dev/sdb rw\n"
    );
    assert_facts(
        "btrfs",
        &[("mountinfo", 0, &subvolumes)],
        &[
            ("whole_volume", "false"),
            ("root", "/@r"),
            ("other_mounts.items", r#"["/mnt/x"]"#),
            ("size_bytes", "1099511627776"),
            ("holders.items", r#"["dm-0"]"#),
        ],
    );
}

#[test]
fn open_files_are_told_or_unknown() {
    let silent = TOUCHED.replace("seen all\n", "");
    let heading = "COMMAND PID USER FD TYPE DEVICE SIZE/OFF NODE NAME\n";
    let lsof = |text: &str, status: i32| format!("{silent}= lsof\n{text}= status {status}\n");
    for (touched, items, complete) in [
        (format!("{TOUCHED}open 1702 (svagents) /mnt/retention/a\n"), "[]", "true"),
        (
            format!(
                "{TOUCHED}open 1702 (s2) /mnt/retention/a\nopen 9 (my tail) /mnt/retention/b\n"
            ),
            r#"["my tail (9)"]"#,
            "true",
        ),
        (
            TOUCHED.replace("seen all", "seen some"),
            "[]",
            "absent: not everything could be looked at",
        ),
        (lsof("", 1), "[]", "true"),
        (
            lsof(&format!("{heading}tail 9 root 3r REG 253,0 6 12 /mnt/retention/b\n"), 0),
            r#"["tail (9)"]"#,
            "true",
        ),
        (
            lsof("lsof: can't stat(/mnt/retention)\n", 1),
            "[]",
            "absent: not everything could be looked at",
        ),
    ] {
        assert_facts(
            &touched,
            &[("retention", 0, &touched)],
            &[("open_by.items", items), ("open_by.complete", complete)],
        );
    }
    for (touched, why) in [
        (lsof("", 127), "absent: lsof: the command is missing on the host"),
        (lsof("", 124), "absent: lsof: no answer in time"),
        (silent.clone(), "absent: lsof: it was not asked"),
    ] {
        assert_facts(&touched, &[("retention", 0, &touched)], &[("open_by", why)]);
    }
}

#[test]
fn a_shared_volume_is_found_by_either_number_and_doubt_is_kept() {
    let doubt = "absent: not everything could be looked at";
    for (name, touched, items, complete) in [
        (
            "the cache is on it",
            TOUCHED.replace("is /usr/local/ASR/Vx/cache", "is /mnt/retention/cache"),
            r#"["/usr/local/ASR/Vx/cache"]"#,
            doubt,
        ),
        (
            "by the number that programs see",
            TOUCHED.replace("2049 /usr/local/ASR\n", "64768 /usr/local/ASR\n"),
            r#"["/usr/local/ASR"]"#,
            "true",
        ),
        (
            "where the process server would be",
            TOUCHED.replace("will-be /home/svsystems", "will-be /mnt/retention/ps"),
            r#"["/home/svsystems"]"#,
            "true",
        ),
        (
            "a directory was not touched",
            TOUCHED.replace("will-be /home/svsystems", "stuck-at /home"),
            "[]",
            doubt,
        ),
        ("stat is missing", TOUCHED.replace("2049 /\n= status 0", "= status 127"), "[]", doubt),
        ("/ was not looked at", TOUCHED.replace("place /\nis /\n", ""), "[]", doubt),
        (
            "the cache was not looked at",
            TOUCHED.replace("place /usr/local/ASR/Vx/cache\nis /usr/local/ASR/Vx/cache\n", ""),
            "[]",
            doubt,
        ),
    ] {
        assert_facts(
            name,
            &[("retention", 0, &touched)],
            &[("shares_volume_with.items", items), ("shares_volume_with.complete", complete)],
        );
    }
    for touched in [
        TOUCHED.replace("seen all\n", "sh: find: command not found\n"),
        TOUCHED.replace("place /usr/local/ASR/Vx/cache\n", "plac"),
        "sh: printf: command not found\n".to_owned(),
        TOUCHED.trim_end().to_owned(),
    ] {
        let facts = fact(&host(&[("retention", 0, &touched)]), "shares_volume_with");
        assert!(facts.starts_with("absent: "), "{facts}");
    }
}

#[test]
fn the_cache_is_where_the_agents_own_files_say() {
    let doubt = "absent: not everything could be looked at";
    let version = |dir: &str| format!("VERSION=9.8.9.0\nINSTALLATION_DIR={dir}\n");
    let cache = |path: &str| format!("Role=MasterTarget\nCacheDirectory={path}\n");
    let good = cache("/usr/local/ASR/Vx/cache");
    for (name, version, conf, complete) in [
        ("as the probe read it", version("/usr/local/ASR"), good.clone(), "true"),
        ("in quotes", version("'/usr/local/ASR'"), cache("\"/usr/local/ASR/Vx/cache\""), "true"),
        // What the probe was not told to look at is in doubt, whatever it looked at.
        ("elsewhere", version("/usr/local/ASR"), cache("/mnt/retention/cache"), doubt),
        ("relative", version("/usr/local/ASR"), cache("mnt/retention/cache"), doubt),
        ("blank", version("/usr/local/ASR"), cache(""), doubt),
        ("no key", version("/usr/local/ASR"), "Role=MasterTarget\n".to_owned(), doubt),
        (
            "twice",
            version("/usr/local/ASR"),
            format!("{good}cache_directory = /mnt/retention/cache\n"),
            doubt,
        ),
        ("twice the same", version("/usr/local/ASR"), good.repeat(2), "true"),
        ("installed elsewhere", version("/mnt/retention/ASR"), good.clone(), doubt),
        ("installed nobody knows where", version("ASR"), good.clone(), doubt),
        (
            "the configuration of another directory",
            version("/usr/local/ASR"),
            format!("preflight-directory=/opt/ASR\n{good}"),
            doubt,
        ),
    ] {
        let replaced = [("agent-version", 0, &*version), ("agent-conf", 0, &*conf)];
        assert_facts(name, &replaced, &[("shares_volume_with.complete", complete)]);
    }
    let none = TOUCHED.replace("place /usr/local/ASR/Vx\nis /usr/local/ASR/Vx\n", "");
    for (name, replaced, complete) in [
        ("no agent yet", [("agent-version", ABSENT, ""), ("agent-conf", ABSENT, "")], "true"),
        (
            "no configuration",
            [("agent-version", 0, "VERSION=9.8\n"), ("agent-conf", ABSENT, "")],
            doubt,
        ),
        ("a secret one", [("agent-version", 0, "VERSION=9.8\n"), ("agent-conf", 1, "")], doubt),
        ("left over", [("agent-version", ABSENT, ""), ("agent-conf", 0, &good)], doubt),
    ] {
        let [version, conf] = replaced;
        let replaced = [version, conf, ("retention", 0, &*none)];
        assert_facts(name, &replaced, &[("shares_volume_with.complete", complete)]);
    }
}

#[test]
fn a_volume_made_of_a_file_lies_where_the_file_does() {
    let mounts = format!("{MOUNTS}24 20 7:0 / /mnt/retention rw - ext4 /dev/loop0 rw\n");
    for (line, on_os_disk, shares, complete) in [
        (
            "file /srv/ret.img\n",
            "true",
            r#"["/usr/local/ASR/Vx/cache","/usr/local/ASR","/usr/local/ASR/Vx","/home/svsystems","/"]"#,
            "true",
        ),
        ("file /home/ret.img\n", "true", r#"["/home/svsystems"]"#, "true"),
        (
            "",
            "absent: what loop0 is made of is not known",
            "[]",
            "absent: not everything could be looked at",
        ),
    ] {
        let devices = format!("{DEVICES}device loop0\nkind virtual\ndev 7:0\nsize 8\nro 0\n{line}");
        // The process server's directory would be made below /home.
        let mounted = mounts.as_str();
        let replaced = [("block", 0, &*devices), ("mountinfo", 0, mounted)];
        let shares = if line.contains("/home/") {
            shares.to_owned()
        } else {
            shares.replace(r#""/home/svsystems","#, "")
        };
        assert_facts(
            line,
            &replaced,
            &[
                ("on_os_disk", on_os_disk),
                ("shares_volume_with.items", &shares),
                ("shares_volume_with.complete", complete),
            ],
        );
    }
    // The other way round, a file on it is another use of it.
    let devices = format!(
        "{DEVICES}device loop0\nkind virtual\ndev 7:0\nsize 8\nro 0\nfile /mnt/retention/a.img\n"
    );
    let swaps = format!("{SWAPS}/dev/loop0 partition 1 0 -2\n");
    assert_facts(
        "a loop device of a file on it",
        &[("block", 0, &devices), ("swaps", 0, &swaps)],
        &[("holders.items", r#"["loop0"]"#), ("swap", "true")],
    );
}

#[test]
fn a_host_that_did_not_answer_has_no_facts_and_breaks_nothing() {
    let mut transcript = host(&[]);
    transcript.answers = ProbeAnswers::default();
    assert_eq!(fact(&transcript, "mounted"), "absent: the answers were cut short");
    assert_eq!(fact(&transcript, "fstab"), "absent: the answers were cut short");
}
