//! `check host sos:ARCHIVE`: what a sosreport tells is evaluated, and what it does not is unknown and said.
//!
//! The reports are written here, in the layout of sos 4.0 as Debian's package `sosreport` writes it.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::io::Write;
use std::path::Path;

use program::{ONE_FILE, Ran, run};
use serde_json::Value;

const FILES: &[(&str, &str)] = &[
    ("version.txt", "sosreport: 4.0\n"),
    ("etc/redhat-release", "CentOS release 6.6 (Final)\n"),
    ("etc/fstab", "/dev/sda1 / ext4 defaults 1 1\n/dev/sdb1 /mnt/retention ext4 defaults 1 2\n"),
    ("etc/hosts", "127.0.0.1 localhost\n192.0.2.60 qcs.example.test qcs\n"),
    ("proc/meminfo", "MemTotal:        8062900 kB\nMemFree: 1 kB\n"),
    ("proc/stat", "cpu 1 2 3\nbtime 1795900000\n"),
    ("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sda3 partition 4194300 0 -1\n"),
    (
        "proc/1/mountinfo",
        "20 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n23 20 8:17 / /mnt/retention rw,relatime - vfat /dev/sdb1 rw\n",
    ),
    // A link, as sos writes it.
    ("installed-rpms", "-> sos_commands/rpm/sh_-c_rpm_-qa"),
    ("etc/sysconfig/network-scripts/ifcfg-eth7", "DEVICE=eth7\nONBOOT=no\nBOOTPROTO=static\n"),
    (
        "sos_commands/networking/ip_-o_addr",
        "2: eth7    inet 192.0.2.70/24 brd 192.0.2.255 scope global eth7\n",
    ),
    (
        "sos_commands/rpm/sh_-c_rpm_-qa",
        "bash-4.1.2-29.el6.x86_64   Tue Nov 24 10:00:00 2026\nxfsprogs-3.1.1-16.el6.x86_64 x\n",
    ),
    ("sos_commands/date/date_--utc", "Mon Nov 30 11:00:00 UTC 2026\n"),
    ("sos_commands/host/hostname", "qmt7.example.test\n"),
    (
        "sos_commands/kernel/uname_-a",
        "Linux qmt7.example.test 2.6.32-504.el6.x86_64 #1 SMP Wed Oct 15 04:27:16 UTC 2014 x86_64 x86_64 x86_64 GNU/Linux\n",
    ),
    (
        "sos_commands/process/ps_auxwww",
        "USER PID %CPU %MEM VSZ RSS TTY STAT START TIME COMMAND\nroot 1 0.0 0.1 1 1 ? Ss Nov01 0:01 /sbin/init\n",
    ),
];

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        if let Some(to) = text.strip_prefix("-> ") {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            archive.append_link(&mut header, format!("sosreport-qmt7/{name}"), to).unwrap();
            continue;
        }
        header.set_size(text.len() as u64);
        header.set_cksum();
        archive
            .append_data(&mut header, format!("sosreport-qmt7/{name}"), text.as_bytes())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

fn check(directory: &Path, name: &str, options: &[&str]) -> Ran {
    let target = format!("sos:{name}");
    let args = ["check", "host", &target, "--now", "2026-11-30T12:00:00Z"];
    run(directory, &ONE_FILE, args.iter().chain(options).copied())
}

#[test]
fn each_form_of_an_archive_gives_the_same_report() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let plain = tar(FILES);
    fs::write(at("a.tar"), &plain).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Where a link stands behind what it leads to.
    let reversed: Vec<(&str, &str)> = FILES.iter().rev().copied().collect();
    gzip.write_all(&tar(&reversed)).unwrap();
    fs::write(at("a.tar.gz"), gzip.finish().unwrap()).unwrap();
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 9);
    xz.write_all(&plain).unwrap();
    let xz = xz.finish().unwrap();
    fs::write(at("a.tar.xz"), &xz).unwrap();
    for (name, text) in FILES {
        let file = at("unpacked/sosreport-qmt7").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        match text.strip_prefix("-> ") {
            Some(to) => std::os::unix::fs::symlink(to, file).unwrap(),
            None => fs::write(file, text).unwrap(),
        }
    }
    let report = check(dir.path(), "a.tar.xz", &["--format", "json"]);
    assert_eq!((report.code, report.misdeeds()), (Some(1), Vec::new()), "{}", report.complaint());
    for name in ["a.tar", "a.tar.gz", "unpacked", "unpacked/sosreport-qmt7"] {
        let other = check(dir.path(), name, &["--format", "json"]);
        assert_eq!(
            String::from_utf8(other.stdout),
            String::from_utf8(report.stdout.clone()),
            "{name}"
        );
    }
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report["targets"][0]["name"], "qmt7.example.test");
    let result = |id: &str| {
        let results = report["results"].as_array().unwrap();
        let found = results.iter().find(|result| result["check"] == id).unwrap();
        (found["outcome"].as_str().unwrap().to_owned(), found["found"].as_str().unwrap().to_owned())
    };
    let (outcome, found) = result("mt.pkgs-base");
    assert_eq!(outcome, "fail");
    assert!(found.contains("lsscsi") && !found.contains("xfsprogs"), "{found}");
    let evidence = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|result| result["evidence"].get("mt.os.version"));
    assert_eq!(evidence.unwrap(), "6.6");
    assert_eq!(result("mt.static-ip").0, "fail");
    assert_eq!(result("retention.fs-not-fat").0, "unknown");
    // What no sosreport has.
    let (outcome, found) = result("agent.installed");
    assert_eq!(outcome, "unknown");
    assert!(found.contains("the sosreport does not tell it"), "{found}");
    // A damaged archive tells nothing.
    fs::write(at("cut.tar.xz"), &xz[..xz.len() / 2]).unwrap();
    fs::write(at("other.tar"), tar(&[("readme", "x")])).unwrap();
    fs::write(at("nameless.tar"), tar(&FILES[..2])).unwrap();
    for (name, why) in [
        ("cut.tar.xz", "cannot read cut.tar.xz"),
        ("other.tar", "other.tar is not a sosreport"),
        ("nameless.tar", "does not say which host it is of"),
        ("none.tar", "cannot read none.tar"),
    ] {
        let ran = check(dir.path(), name, &[]);
        assert_eq!((ran.code, ran.misdeeds()), (Some(2), Vec::new()), "{name}: {}", ran.text());
        assert!(ran.complaint().contains(why), "{name}: {}", ran.complaint());
    }
}

#[test]
fn a_link_that_leads_out_of_a_report_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report");
    fs::create_dir_all(report.join("sos_commands/kernel")).unwrap();
    fs::create_dir_all(report.join("etc")).unwrap();
    fs::write(report.join("version.txt"), "sosreport: 4.0\n").unwrap();
    fs::write(report.join("sos_commands/kernel/uname_-a"), "Linux qmt8 2.6.32-504.el6.x86_64 #1 SMP Wed Oct 15 04:27:16 UTC 2014 x86_64 x86_64 x86_64 GNU/Linux\n").unwrap();
    fs::write(dir.path().join("outside"), "CentOS release 6.6 (Final)\n").unwrap();
    std::os::unix::fs::symlink("../../outside", report.join("etc/redhat-release")).unwrap();
    let ran = check(dir.path(), "report", &["--only", "mt.os-centos66", "--format", "json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let evidence = report["results"][0]["evidence"].as_object().unwrap();
    assert!(
        evidence.contains_key("mt.os.arch") && !evidence.contains_key("mt.os.version"),
        "{evidence:?}"
    );
}
