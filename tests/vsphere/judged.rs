//! The program run on a simulated server, and what it found there.
//!
//! Not for what it should have found, but for what is found where nothing is wrong.

#![allow(dead_code, reason = "each test program uses a part of this")]
#![allow(clippy::unwrap_used, reason = "all of this file is for tests")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::program::{self, Limits, Ran, finish, limited};
use super::simulator::Simulator;

/// Time of the clock is the server's; the program itself needs little.
pub const LIMITS: Limits =
    Limits { cpu_s: 5, memory_mib: 96, file_kib: None, patience: Duration::from_secs(40) };

/// Who logs in, and with what.
#[derive(Clone, Copy)]
pub struct Who(pub &'static str, pub &'static str);

pub const ASR: Who = Who("asr@vsphere.local", "asr-Pass1");
pub const ADMINISTRATOR: Who = Who("administrator@vsphere.local", "Admin!23");
pub const ROOT: Who = Who("root", "root-Pass1");

/// What most runs ask about.
pub const MACHINES: [&str; 6] =
    ["--vm", "asr-mt-01", "--protected-vm", "app-01", "--discovery-account", "asr@vsphere.local"];

/// Runs the program in an empty home.
pub fn preflight(who: Who, home: &Path, args: &[&str]) -> Ran {
    let mut command = limited(program::binary().as_os_str(), &LIMITS);
    command.args(args).env("PREFLIGHT_PASSWORD", who.1);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("SSL_CERT_FILE");
    let ran = finish(&mut command, home, LIMITS.patience);
    assert_eq!(ran.misdeeds(), [""; 0], "{args:?}");
    ran
}

/// Outcomes by target and check, such as `asr-mt-01 mt.no-snapshot` -> `fail`.
pub type Outcomes = BTreeMap<String, String>;

pub fn outcomes(report: &Value) -> Outcomes {
    let results = report["results"].as_array().unwrap();
    let outcome = |result: &Value| {
        let text = |key: &str| result[key].as_str().unwrap().to_owned();
        assert_ne!(result["defect"], true, "{result}");
        let word = match (text("outcome").as_str(), text("severity").as_str()) {
            ("fail", "warning" | "info") => "warn".to_owned(),
            (word, _) => word.to_owned(),
        };
        (format!("{} {}", text("target"), text("check")), word)
    };
    results.iter().map(outcome).collect()
}

/// Checks a server with its certificate pinned.
pub fn check(server: &Simulator, verb: &str, who: Who, more: &[&str]) -> (Ran, Value) {
    let home = tempfile::tempdir().unwrap();
    let target = format!("vsphere://{}@{}", who.0, server.authority);
    let mut args = vec!["check", verb, &target, "--thumbprint", &server.sha256, "--format", "json"];
    args.extend(more);
    let ran = preflight(who, home.path(), &args);
    let report = serde_json::from_slice(&ran.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", ran.text()));
    (ran, report)
}

/// What is found where nothing is wrong.
pub fn good() -> Outcomes {
    let mut all = Outcomes::new();
    let mut put = |target: &str, word: &str, checks: &str| {
        for check in checks.split_whitespace() {
            all.insert(format!("{target} {check}"), word.to_owned());
        }
    };
    put(
        "127.0.0.1",
        "pass",
        "vcenter.service-answers vcenter.connected vcenter.tls-version vcenter.version \
         vcenter.account-not-readonly vcenter.privileges vcenter.propagate vcenter.maxsnapshots",
    );
    put(
        "asr-mt-01",
        "pass",
        "mt.disk-enable-uuid mt.no-snapshot mt.scsi-lsi-only mt.disk-slots mt.vmware-tools \
         mt.no-storage-vmotion mt.vmx-reloaded mt.in-inventory retention.exists \
         mt.disks-own-folder",
    );
    put(
        "DC0_H0",
        "pass",
        "esxi.host-connected esxi.in-inventory esxi.not-free esxi.vmfs-present vcenter.version",
    );
    put("DC0_H0", "not-applicable", "vcenter.tls-version");
    for target in ["127.0.0.1", "asr-mt-01", "DC0_H0"] {
        put(target, "pass", "evidence.fresh");
    }
    put(
        "app-01",
        "pass",
        "mt.uuid-clash mt.os-matches-guest esxi.memory vm.exists-or-alr vm.poweroff vm.no-snapshot \
         vm.disk-enable-uuid vm.uefi-source vm.disks-supported vm.name-collision \
         datastore.reachable-vcenter \
         datastore.readwrite datastore.same-as-mt",
    );
    // Nobody says how many disks of it are protected.
    put("app-01", "warn", "datastore.type-olr");
    put(
        "app-01",
        "not-applicable",
        "esxi.host-choice-alr after.vmware-tools after.vm-runs datastore.type-alr datastore.space-alr \
         vm.vmdk-leftover datastore.reachable-standalone vm.host-in-inventory \
         datastore.in-inventory",
    );
    all
}

/// The good outcomes with some of them changed, each as `WORD TARGET CHECK...`.
pub fn good_but(changes: &[&str]) -> Outcomes {
    let mut all = good();
    for change in changes {
        let mut words = change.split_whitespace();
        let (word, target) = (words.next().unwrap(), words.next().unwrap());
        for check in words {
            let place = all.get_mut(&format!("{target} {check}"));
            *place.unwrap_or_else(|| panic!("{change}: no {check}")) = word.to_owned();
        }
    }
    all
}

pub fn different(found: &Outcomes, expected: &Outcomes) -> Vec<String> {
    let keys = found.keys().chain(expected.keys());
    let mut different: Vec<String> = keys
        .filter(|key| found.get(*key) != expected.get(*key))
        .map(|key| format!("{key}: {:?}, expected {:?}", found.get(key), expected.get(key)))
        .collect();
    different.dedup();
    different
}
