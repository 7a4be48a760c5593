//! Machines that have come back, asked themselves: fake ones, entered as a root file system of their own, each with one fault.
//!
//! Not for what vCenter shows of them (`stages`).

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod fake_machine;

use std::fs;
use std::path::Path;
use std::process::Command;

use fake_machine::{asked, build, missing, skipped};
use preflight::facts::returned;
use preflight::facts::target_kind::TargetKind;
use preflight::transport::capture;
use serde_json::Value;

/// What is looked at here.
const CHECKS: [&str; 5] = [
    "after.is-home",
    "after.agent-runs",
    "after.azure-agent",
    "after.networkmanager",
    "after.static-ip",
];

/// The outcome of each check, in the order above, for the machine of a site file.
fn outcomes(directory: &Path, site: &str) -> [String; 5] {
    outcomes_of(CHECKS, directory, site)
}

fn outcomes_of<const N: usize>(checks: [&str; N], directory: &Path, site: &str) -> [String; N] {
    fs::write(directory.join("site.yaml"), site).unwrap();
    let output = Command::new(assert_cmd::cargo::cargo_bin("preflight"))
        .current_dir(directory)
        .args(["check", "site", "site.yaml", "--format", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let results = report["results"].as_array().unwrap();
    checks.map(|id| {
        let found = results.iter().find(|result| result["check"] == id);
        found.unwrap_or_else(|| panic!("no {id}"))["outcome"].as_str().unwrap().to_owned()
    })
}

/// Asks the fake machine as it is now, and keeps its answers beside the site.
fn save(machine: &Path, directory: &Path) {
    let mut transcript = asked(machine, "app-01", "sh -s", &returned::probes());
    transcript.kind = TargetKind::ProtectedVm;
    fs::write(directory.join("app-01.json"), capture::to_json(&transcript)).unwrap();
}

fn site(stage: &str, address: &str) -> String {
    format!(
        "protected_vms:\n  - {{ name: app-01, os: linux, stage: {stage}, ssh: 'capture:app-01.json', address: {address} }}\n"
    )
}

#[test]
fn a_machine_that_has_returned_is_asked_itself() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    type Edit = fn(&Path);
    let no_edit: Edit = |_| {};
    let vendor: Edit = |root| {
        fs::write(root.join("sys/class/dmi/id/sys_vendor"), "Microsoft Corporation\n").unwrap();
    };
    let waagent: Edit = |root| fs::write(root.join("usr/sbin/waagent"), "").unwrap();
    let not_at_boot: Edit = |root| {
        let file = root.join("etc/sysconfig/network-scripts/ifcfg-eth0");
        let text = fs::read_to_string(&file).unwrap().replace("ONBOOT=yes", "ONBOOT=no");
        fs::write(file, text).unwrap();
    };
    let manager: Edit = |root| {
        let file = root.join("etc/sysconfig/network-scripts/ifcfg-eth0");
        let text = fs::read_to_string(&file).unwrap().replace("ONBOOT=yes", "ONBOOT=no");
        fs::write(file, text).unwrap();
        fs::write(root.join("usr/sbin/NetworkManager"), "").unwrap();
    };
    let own = "ADDRESS";
    for (name, edit, address, expected) in [
        ("as it should be", no_edit, own, ["pass", "pass", "pass", "pass", "pass"]),
        (
            "the copy in Azure answers",
            vendor,
            own,
            ["fail", "not-applicable", "not-applicable", "not-applicable", "not-applicable"],
        ),
        ("Azure's agent", waagent, own, ["pass", "pass", "fail", "pass", "pass"]),
        ("another address", no_edit, "198.51.100.9", ["pass", "pass", "pass", "pass", "fail"]),
        ("nothing starts its network", not_at_boot, own, ["pass", "pass", "pass", "fail", "pass"]),
        ("NetworkManager does", manager, own, ["pass", "pass", "pass", "pass", "pass"]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let machine = build("mt-good", directory.path());
        edit(&machine);
        save(&machine, directory.path());
        let address = address.replace("ADDRESS", "192.0.2.10");
        let found = outcomes(directory.path(), &site("verify", &address));
        assert_eq!(found, expected.map(str::to_owned), "{name}");
    }
}

#[test]
fn disks_that_cannot_be_protected_again_are_found() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    type Edit = fn(&Path);
    let edits: [(Edit, &str); 5] = [
        (|_| {}, "pass"),
        // The machine's own multipath device has one path; a second one makes it MPIO.
        (
            |root| {
                let slave = root.join("sys/devices/virtual/block/dm-0/slaves/sda");
                std::os::unix::fs::symlink("../../../../../block/sda", slave).unwrap();
            },
            "fail",
        ),
        (
            |root| {
                fs::write(root.join("sys/devices/virtual/block/dm-0/dm/uuid"), "CRYPT-LUKS2-0a-x\n")
                    .unwrap()
            },
            "fail",
        ),
        (
            |root| {
                fs::write(root.join("sys/block/sda/queue/logical_block_size"), "4096\n").unwrap()
            },
            "fail",
        ),
        (
            |root| fs::remove_file(root.join("sys/block/sda/queue/logical_block_size")).unwrap(),
            "unknown",
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let machine = build("mt-good", directory.path());
    for (number, (edit, expected)) in edits.into_iter().enumerate() {
        let own = directory.path().join(number.to_string());
        fs::create_dir(&own).unwrap();
        let copied = Command::new("cp").arg("-a").arg(&machine).arg(own.join("root")).status();
        assert!(copied.unwrap().success());
        edit(&own.join("root"));
        save(&own.join("root"), &own);
        let [found] = outcomes_of(["after.disks-supported"], &own, &site("verify", "192.0.2.10"));
        assert_eq!(found, expected, "edit {number}");
    }
}

#[test]
fn a_machine_that_is_said_to_be_away_is_not_asked() {
    let directory = tempfile::tempdir().unwrap();
    // Its capture is not there: reading it would end the run.
    let found = outcomes(directory.path(), &site("prepare", "192.0.2.7"));
    assert_eq!(found, ["not-applicable"; 5].map(str::to_owned));
}

#[test]
fn what_nothing_was_asked_of_a_person_answers() {
    let directory = tempfile::tempdir().unwrap();
    let unasked = "protected_vms:\n  - { name: app-01, stage: verify, os: linux }\n";
    assert_eq!(outcomes(directory.path(), unasked), ["unknown"; 5].map(str::to_owned));
    let today = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date();
    let answer = |check: &str| {
        format!("  - {{ check: {check}, target: app-01, value: yes, by: ann, at: {today} }}\n")
    };
    let answers: String = CHECKS.iter().map(|check| answer(check)).collect();
    let site = format!("{unasked}answers:\n{answers}");
    assert_eq!(outcomes(directory.path(), &site), ["pass"; 5].map(str::to_owned));
    // One that waits for another system has its answer, too.
    let site = format!("{unasked}answers:\n{}", answer("after.azure-agent"));
    assert_eq!(outcomes(directory.path(), &site)[2], "pass");
}
