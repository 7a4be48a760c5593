//! Fake master targets, good ones and one for each fault, entered as a root file system of their
//! own: the script runs there, and each must have exactly the findings its fixture lists.
//!
//! Only for the guest's system, packages, network and agent; its disks and its retention volume
//! have tests of their own. Nothing is written but below a temporary directory.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

mod fake_machine;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use fake_machine::{build, missing, skipped};
use preflight::facts::host;
use preflight::facts::transcript::Transcript;
use preflight::transport::capture;
use serde_json::Value;

/// The checks that are looked at here.
const CHECKS: &[&str] = &[
    "agent.installed",
    "agent.platform-value",
    "agent.services",
    "agent.version-order",
    "custom-changes.effects",
    "custom-changes.rebooted",
    "custom-changes.run-once",
    "mt.dns",
    "mt.etc-hosts",
    "mt.is-vmware-vm",
    "mt.kernel-frozen",
    "mt.os-centos66",
    "mt.pkg-reiserfs",
    "mt.pkg-xfs",
    "mt.pkgs-74-variant",
    "mt.pkgs-base",
    "mt.root-access",
    "mt.sizing-cpu",
    "mt.sizing-ram",
    "mt.static-ip",
    "mt.timezone-time",
];

/// The machines whose faults are of the guest.
const ROOTS: &[&str] = &[
    "mt-good", "mt-bad", "mt-no-ids", "mt-not-applied", "mt-not-rebooted", "mt-no-onboot",
    "mt-old-agent", "mt-new-agent",
];

const SITE: &str = "configuration_server: { address: cs01.example.test, version: 9.8.9.0 }\n\
    process_servers:\n  - { name: ps1, address: ps01.example.test, version: 9.8.9.0 }\n\
    protected_vms:\n  - { name: sles11, filesystems: [reiserfs, ext3] }\n  \
    - { name: app-01, filesystems: [ext4] }\n";

/// What a fake machine answers to all that a master target is asked.
fn asked(machine: &Path, name: &str, shell: &str) -> Transcript {
    fake_machine::asked(machine, name, shell, &host::master_target_probes())
}

/// The outcome of each check of this file, by the program itself.
fn outcomes(directory: &Path, transcript: &Transcript) -> BTreeMap<String, (String, String)> {
    let file = directory.join("host.capture");
    fs::write(&file, capture::to_json(transcript)).unwrap();
    fs::write(directory.join("site.yaml"), SITE).unwrap();
    let output = Command::new(assert_cmd::cargo::cargo_bin("preflight"))
        .current_dir(directory)
        .args(["check", "host", "capture:host.capture", "--site", "site.yaml", "--format", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let results = report["results"].as_array().unwrap().iter();
    results
        .map(|it| (text(&it["check"]), (text(&it["outcome"]), text(&it["found"]))))
        .filter(|(check, _)| CHECKS.contains(&check.as_str()))
        .collect()
}

/// The ids that a fixture's file lists, of those that are looked at here.
fn listed(machine: &Path, file: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(machine.join("fixture").join(file)).unwrap();
    text.lines().filter(|id| CHECKS.contains(id)).map(str::to_owned).collect()
}

#[test]
fn every_fake_machine_has_the_findings_of_its_fault_and_no_others() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    for root in ROOTS {
        let directory = tempfile::tempdir().unwrap();
        let machine = build(root, directory.path());
        let outcomes = outcomes(directory.path(), &asked(&machine, root, "sh -s"));
        let (expected, may) = (listed(&machine, "EXPECT"), listed(&machine, "MAY"));
        for check in CHECKS {
            let (outcome, found) =
                outcomes.get(*check).unwrap_or_else(|| panic!("{root}: no {check}"));
            let fits = match outcome.as_str() {
                "fail" => expected.contains(*check) || may.contains(*check),
                "pass" => !expected.contains(*check),
                "not-applicable" => {
                    may.contains(*check) || ["mt.pkg-xfs", "mt.pkgs-74-variant"].contains(check)
                }
                _ => false,
            };
            assert!(fits, "{root}: {check} is {outcome}: {found}");
        }
    }
}

#[test]
fn every_shell_gives_the_same_answers() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    let directory = tempfile::tempdir().unwrap();
    let machine = build("mt-good", directory.path());
    let mut shells = vec!["bash --posix -s", "busybox sh -s"];
    // What it is linked with has come along with bash.
    match fs::copy("/bin/dash", machine.join("bin/dash")) {
        Ok(_) => shells.push("dash -s"),
        Err(error) => skipped(&format!("dash: {error}")),
    }
    let answers = |shell: &str| {
        let mut answers = asked(&machine, "mt1", shell).answers.by_probe;
        // Time goes on between two runs, and busybox has a uname of its own, which tells of the
        // machine below.
        answers.remove("clock");
        answers.remove("uname");
        answers
    };
    let bash = answers("sh -s");
    assert!(bash.len() > 25, "{}", bash.len());
    for shell in shells {
        let other = answers(shell);
        for (probe, answer) in &bash {
            assert_eq!(other.get(probe), Some(answer), "{shell}: {probe}");
        }
    }
}

#[test]
fn no_secret_of_the_guest_is_sent() {
    if let Some(why) = missing() {
        return skipped(why);
    }
    const SECRET: &str = "hunter2-canary";
    let directory = tempfile::tempdir().unwrap();
    let machine = build("mt-good", directory.path());
    let append = |file: &str, text: &str| {
        let path = machine.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let old = fs::read_to_string(&path).unwrap_or_default();
        fs::write(path, old + text).unwrap();
    };
    append(
        "usr/local/ASR/Vx/etc/drscout.conf",
        &format!("ConnectionPassphrase={SECRET}\nRoleKey={SECRET}\nHostId={SECRET}\n"),
    );
    append("etc/yum.conf", &format!("proxy_password={SECRET}\n {SECRET}\n"));
    append("etc/sysconfig/network-scripts/ifcfg-eth0", &format!("WPA_PSK={SECRET}\n"));
    append(
        "etc/NetworkManager/system-connections/wifi",
        &format!("[connection]\ninterface-name=wlan0\n[wifi-security]\npsk={SECRET}\n"),
    );
    append(
        "etc/network/interfaces",
        &format!("iface wlan0 inet dhcp\n  wpa-psk {SECRET}\n  wireless-key {SECRET}\n"),
    );
    append("var/log/ua_install.log", &format!("passphrase is {SECRET}\n"));
    let transcript = asked(&machine, "mt1", "sh -s");
    let sent = capture::to_json(&transcript);
    assert!(sent.contains("wlan0"), "the files were read");
    assert!(!sent.contains(SECRET), "{sent}");
}
