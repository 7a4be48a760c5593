//! A vCenter server and an ESXi host, simulated over real TLS, and what the program finds in each
//! scenario.
//!
//! Servers in trouble are in `tests/vsphere_trouble.rs`; the same facts as an independent client
//! reads them in `tests/vsphere_oracle.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "vsphere/judged.rs"]
mod judged;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use judged::*;
use serde_json::{Value, json};
use simulator::Simulator;

#[test]
fn every_scenario_leads_to_its_findings_and_to_no_others() {
    // What depends on a machine that this account may not see.
    let hidden = "unknown app-01 mt.uuid-clash mt.os-matches-guest esxi.memory vm.exists-or-alr \
                  vm.poweroff vm.no-snapshot vm.disk-enable-uuid vm.uefi-source vm.disks-supported \
                  datastore.reachable-vcenter datastore.readwrite datastore.type-olr \
                  datastore.same-as-mt esxi.host-choice-alr after.vmware-tools after.vm-runs \
                  datastore.type-alr \
                  datastore.space-alr vm.vmdk-leftover";
    let hidden_slots = "unknown asr-mt-01 mt.disk-slots retention.exists";
    let scenarios: &[(&str, Who, &[&str], i32)] = &[
        ("good", ASR, &[], 0),
        ("good", ADMINISTRATOR, &[], 0),
        (
            "read-only-account",
            ASR,
            &[
                "fail 127.0.0.1 vcenter.account-not-readonly",
                "not-applicable 127.0.0.1 vcenter.privileges",
            ],
            1,
        ),
        (
            "read-only-account",
            ADMINISTRATOR,
            &[
                "fail 127.0.0.1 vcenter.account-not-readonly",
                "not-applicable 127.0.0.1 vcenter.privileges",
            ],
            1,
        ),
        ("partial-role", ASR, &["fail 127.0.0.1 vcenter.privileges"], 1),
        ("partial-role", ADMINISTRATOR, &["fail 127.0.0.1 vcenter.privileges"], 1),
        // What is hidden is hidden from whoever asks as well: undecided, never a pass.
        ("no-access-child", ASR, &[hidden, hidden_slots], 3),
        ("no-access-child", ADMINISTRATOR, &["fail 127.0.0.1 vcenter.propagate"], 1),
        (
            "no-access-child-listed",
            ASR,
            &[
                hidden,
                // What has no name may have this one.
                "unknown app-01 vm.name-collision",
                hidden_slots,
                "fail 127.0.0.1 vcenter.propagate",
                "unknown 127.0.0.1 vcenter.maxsnapshots",
            ],
            1,
        ),
        ("eval-valid", ASR, &[], 0),
        ("eval-expired", ASR, &["fail DC0_H0 esxi.not-free"], 1),
        ("enableuuid-missing", ASR, &["fail asr-mt-01 mt.disk-enable-uuid"], 1),
        ("enableuuid-quoted", ASR, &["fail asr-mt-01 mt.disk-enable-uuid"], 1),
        ("enableuuid-false", ASR, &["fail asr-mt-01 mt.disk-enable-uuid"], 1),
        ("enableuuid-lowercase-key", ASR, &[], 0),
        ("snapshot-on-mt", ASR, &["fail asr-mt-01 mt.no-snapshot"], 1),
        // The simulator moves the machine and leaves its files, so there is no .vmx to read.
        (
            "nfs-vsan",
            ASR,
            &["warn app-01 datastore.same-as-mt", "unknown asr-mt-01 mt.vmx-reloaded"],
            0,
        ),
        ("host-not-responding", ASR, &["fail DC0_H0 esxi.host-connected"], 1),
        ("pvscsi-no-tools", ASR, &["fail asr-mt-01 mt.scsi-lsi-only mt.vmware-tools"], 1),
        ("paged", ASR, &[], 0),
        ("session-expires", ASR, &[], 0),
        ("busy-503", ASR, &[], 0),
        ("slow", ASR, &[], 0),
    ];
    for (name, who, changes, code) in scenarios {
        let Some(server) = Simulator::of(name) else { return };
        let (ran, report) = check(&server, "vcenter", *who, &MACHINES);
        let found = outcomes(&report);
        assert_eq!(different(&found, &good_but(changes)), [""; 0], "{name} as {}", who.0);
        assert_eq!(ran.code, Some(*code), "{name} as {}: {}", who.0, ran.complaint());
        assert_eq!(server.sessions(), 0, "{name} as {}: sessions are left open", who.0);
        let logins = if *name == "session-expires" { 2 } else { 1 };
        assert_eq!(server.calls("Login"), logins, "{name}");
    }
}

#[test]
fn a_permission_on_a_folder_alone_and_a_role_without_one_privilege_are_seen() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str, &str); 3] = [
        (
            |scenario| {
                scenario["permissions"] = json!([{ "account": ASR.0, "entity": "Folder:vm",
                    "role": "ReadOnly", "propagate": false }]);
            },
            "fail 127.0.0.1 vcenter.account-not-readonly",
            "not-applicable 127.0.0.1 vcenter.privileges",
        ),
        (
            |scenario| without(scenario, "VirtualMachine.State.CreateSnapshot"),
            "pass 127.0.0.1 vcenter.account-not-readonly",
            "fail 127.0.0.1 vcenter.privileges",
        ),
        // One edition of the documents alone asks for it.
        (
            |scenario| without(scenario, "VirtualMachine.Inventory.CreateFromExisting"),
            "pass 127.0.0.1 vcenter.account-not-readonly",
            "warn 127.0.0.1 vcenter.privileges",
        ),
    ];
    for (change, read_only, privileges) in changes {
        let mut scenario = simulator::scenario_json("good");
        change(&mut scenario);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), scenario.to_string()).unwrap();
        let Some(server) = Simulator::start(file.path(), &[]) else { return };
        let found = outcomes(&check(&server, "vcenter", ASR, &MACHINES).1);
        assert_eq!(different(&found, &good_but(&[read_only, privileges])), [""; 0]);
    }
}

#[test]
fn a_machine_of_a_cluster_is_found_by_its_shared_bus() {
    let mut scenario = simulator::scenario_json("good");
    scenario["vms"][1]["controller"] = json!("pvscsi");
    scenario["vms"][1]["sharedBus"] = json!("physicalSharing");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), scenario.to_string()).unwrap();
    let Some(server) = Simulator::start(file.path(), &[]) else { return };
    let found = outcomes(&check(&server, "vcenter", ASR, &MACHINES).1);
    assert_eq!(different(&found, &good_but(&["warn app-01 vm.disks-supported"])), [""; 0]);
}

fn without(scenario: &mut Value, privilege: &str) {
    let role = scenario["roles"][0]["privileges"].as_array_mut().unwrap();
    role.retain(|id| id != privilege);
}

#[test]
fn a_machine_that_is_gone_is_made_where_the_master_target_is() {
    let args = ["--vm", "asr-mt-01", "--protected-vm", "gone-01", "--host", "DC0_C0_H1"];
    let of = |name: &str, who| {
        let server = Simulator::of(name)?;
        let found = outcomes(&check(&server, "vcenter", who, &args).1);
        Some(move |check: &str| found[&format!("gone-01 {check}")].clone())
    };
    let Some(on_vmfs) = of("good", ADMINISTRATOR) else { return };
    let on_nfs = of("nfs-vsan", ADMINISTRATOR).unwrap();
    let not_sure = of("good", ASR).unwrap();
    for (check, words) in [
        ("vm.exists-or-alr", ["warn", "warn", "unknown"]),
        ("datastore.type-alr", ["pass", "fail", "unknown"]),
        ("datastore.type-olr", ["not-applicable", "not-applicable", "unknown"]),
        ("vm.no-snapshot", ["not-applicable", "not-applicable", "unknown"]),
        ("esxi.host-choice-alr", ["warn", "warn", "unknown"]),
        ("vm.name-collision", ["pass", "pass", "pass"]),
        ("datastore.readwrite", ["pass", "pass", "unknown"]),
        ("datastore.space-alr", ["unknown", "unknown", "unknown"]),
        ("vm.vmdk-leftover", ["pass", "pass", "unknown"]),
    ] {
        assert_eq!([on_vmfs(check), on_nfs(check), not_sure(check)], words, "{check}");
    }
}

#[test]
fn the_account_that_nobody_named_is_not_judged_and_least_of_all_the_operators_own() {
    let Some(server) = Simulator::of("read-only-account") else { return };
    let found = outcomes(&check(&server, "vcenter", ADMINISTRATOR, &["--vm", "asr-mt-01"]).1);
    for id in ["vcenter.account-not-readonly", "vcenter.privileges", "vcenter.propagate"] {
        assert_eq!(found[&format!("127.0.0.1 {id}")], "unknown", "{id}");
    }
    // One that the server does not know has no privileges, which proves nothing.
    let other = ["--vm", "asr-mt-01", "--discovery-account", "azr@vsphere.local"];
    let found = outcomes(&check(&server, "vcenter", ADMINISTRATOR, &other).1);
    assert_eq!(found["127.0.0.1 vcenter.privileges"], "unknown");
    // Two ways to write one account are one account.
    let other = ["--vm", "asr-mt-01", "--discovery-account", "VSPHERE.LOCAL\\asr"];
    let found = outcomes(&check(&server, "vcenter", ASR, &other).1);
    assert_eq!(found["127.0.0.1 vcenter.account-not-readonly"], "fail");
}

#[test]
fn what_is_missing_is_named_by_id_and_by_the_clients_name() {
    let Some(server) = Simulator::of("partial-role") else { return };
    let (_, report) = check(&server, "vcenter", ASR, &MACHINES);
    let results = report["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["check"] == "vcenter.privileges").unwrap();
    let found = result["found"].as_str().unwrap();
    for words in [
        "Datastore.FileManagement (Datastore > Low level file operations)",
        "VirtualMachine.Config.AddNewDisk (Virtual machine > Configuration > Add new disk)",
        "VirtualMachine.Inventory.Register (Virtual machine > Inventory > Register)",
        "on datacenter DC0",
    ] {
        assert!(found.contains(words), "{words}: {found}");
    }
    assert!(!found.contains("AllocateSpace"), "{found}");
}

#[test]
fn a_lone_host_is_judged_by_its_own_api() {
    let expected = |free: &str, code| {
        let words = [
            ("esxi.host-connected", "pass"),
            ("esxi.in-inventory", "not-applicable"),
            ("esxi.not-free", free),
            ("esxi.vmfs-present", "pass"),
            ("evidence.fresh", "pass"),
            ("vcenter.tls-version", "pass"),
            ("vcenter.version", "warn"),
        ];
        let all = words.map(|(check, word)| (format!("127.0.0.1 {check}"), word.to_owned()));
        (Outcomes::from(all), Some(code))
    };
    for (name, free, code) in [("free-esxi", "fail", 1), ("paid-esxi", "pass", 0)] {
        let Some(server) = Simulator::of(name) else { return };
        let (ran, report) = check(&server, "esxi", ROOT, &[]);
        assert_eq!((outcomes(&report), ran.code), expected(free, code), "{name}");
        assert_eq!(server.sessions(), 0);
        let (ran, report) = check(&server, "vcenter", ROOT, &["--vm", "asr-mt-01"]);
        let found = outcomes(&report);
        assert_eq!(found["127.0.0.1 vcenter.connected"], "fail", "{name}: it is no vCenter");
        assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "pass", "{name}");
        assert_eq!(ran.code, Some(1));
    }
}

/// Where the simulator keeps a datastore: its reference has the directory in it.
fn directory_of(capture: &Value, datastore: &str) -> PathBuf {
    let text = capture["answers"]["by_probe"]["datastores"]["text"].as_str().unwrap();
    let list: Value = serde_json::from_str(text).unwrap();
    let objects = list["objects"].as_array().unwrap().iter();
    let mut named = objects.filter(|object| object["properties"]["name"] == datastore);
    let reference = named.next().unwrap()["object"].as_str().unwrap();
    let directory = reference.trim_start_matches("Datastore:").split('@').next().unwrap();
    assert!(directory.contains("govcsim"), "{directory}");
    PathBuf::from(directory)
}

fn collected(server: &Simulator, who: Who, more: &[&str]) -> Value {
    let home = tempfile::tempdir().unwrap();
    let target = format!("vsphere://{}@{}", who.0, server.authority);
    let args = ["collect", "vcenter", &target, "--thumbprint", &server.sha256];
    let ran = preflight(who, home.path(), &[&args, more].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    serde_json::from_slice(&ran.stdout).unwrap()
}

#[test]
fn files_on_a_datastore_tell_what_the_inventory_does_not() {
    let Some(server) = Simulator::of("enableuuid-missing") else { return };
    let directory = directory_of(&collected(&server, ADMINISTRATOR, &MACHINES), "LocalDS_0");
    let vmx = directory.join("DC0_H0_VM0/DC0_H0_VM0.vmx");
    assert!(vmx.is_file(), "{vmx:?}");
    let row = "guestinfo.secret = \"canary\"\ndisk.EnableUUID = \"TRUE\"\n";
    fs::write(&vmx, row).unwrap();
    fs::create_dir(directory.join("gone 01")).unwrap();
    let machines = ["--vm", "asr-mt-01", "--protected-vm", "gone 01"];
    let (ran, report) = check(&server, "vcenter", ADMINISTRATOR, &machines);
    let found = outcomes(&report);
    assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "fail");
    assert_eq!(found["asr-mt-01 mt.vmx-reloaded"], "warn");
    assert_eq!(found["gone 01 vm.vmdk-leftover"], "warn");
    assert!(ran.text().contains("[LocalDS_0] gone 01"));
    let capture = collected(&server, ADMINISTRATOR, &machines).to_string();
    assert!(!capture.contains("canary"), "of a .vmx nothing else is kept");
    fs::remove_file(&vmx).unwrap();
    let (_, report) = check(&server, "vcenter", ADMINISTRATOR, &machines);
    assert_eq!(outcomes(&report)["asr-mt-01 mt.vmx-reloaded"], "unknown");
    assert_eq!(server.sessions(), 0);
}

#[test]
fn knowing_less_never_turns_one_outcome_into_another() {
    let Some(server) = Simulator::of("good") else { return };
    let whole = collected(&server, ASR, &MACHINES);
    let dir = tempfile::tempdir().unwrap();
    let judged = |capture: &Value| {
        fs::write(dir.path().join("vc.json"), capture.to_string()).unwrap();
        let args = ["check", "vcenter", "capture:vc.json", "--format", "json"];
        let ran = preflight(ASR, dir.path(), &args);
        outcomes(&serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.text())))
    };
    assert_eq!(different(&judged(&whole), &good()), [""; 0]);
    let mut changed = 0;
    for (what, less) in lesser(&whole) {
        let found = judged(&less);
        for (key, word) in good() {
            let Some(now) = found.get(&key) else {
                assert!(key.starts_with("DC0_H0"), "without {what}: {key} is gone");
                continue;
            };
            // A host without its name is a host still.
            changed += u32::from(*now != word);
            assert!(
                *now == word || *now == "unknown",
                "without {what}: {key} is {now}, was {word}"
            );
        }
    }
    assert!(changed > 100, "{changed} outcomes depend on what was taken away");
}

/// A capture without one answer, without one property of every object of a list, or with a list
/// that was cut short.
fn lesser(whole: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let probes = whole["answers"]["by_probe"].as_object().unwrap();
    for (probe, answer) in probes {
        if probe == "asked" {
            continue;
        }
        let mut less = whole.clone();
        less["answers"]["by_probe"].as_object_mut().unwrap().remove(probe);
        all.push((probe.clone(), less));
        let value: Value = serde_json::from_str(answer["text"].as_str().unwrap()).unwrap();
        let put = |value: &Value| {
            let mut less = whole.clone();
            less["answers"]["by_probe"][probe]["text"] = json!(value.to_string());
            less
        };
        if value["complete"] == true {
            let mut cut = value.clone();
            cut["complete"] = json!(false);
            all.push((format!("the end of {probe}"), put(&cut)));
        }
        let Some(objects) = value["objects"].as_array() else { continue };
        let properties: BTreeSet<&String> = objects
            .iter()
            .filter_map(|o| o["properties"].as_object())
            .flat_map(|p| p.keys())
            .collect();
        for path in properties {
            let mut cut = value.clone();
            for object in cut["objects"].as_array_mut().unwrap() {
                object["properties"].as_object_mut().unwrap().remove(path);
                object["missing"][path] = json!({ "fault": "NoPermission" });
            }
            all.push((format!("{probe} {path}"), put(&cut)));
        }
    }
    all
}

#[test]
fn a_capture_is_judged_like_the_server_it_is_of() {
    for (name, who) in [("good", ASR), ("snapshot-on-mt", ASR), ("no-access-child-listed", ASR)] {
        let dir = tempfile::tempdir().unwrap();
        let Some(server) = Simulator::of(name) else { return };
        let target = format!("vsphere://{}@{}", who.0, server.authority);
        let args = ["--thumbprint", &server.sha256, "-o", "vc.json"];
        let collect = [&["collect", "vcenter", &target], &args[..], &MACHINES].concat();
        assert_eq!(preflight(who, dir.path(), &collect).code, Some(0));
        let args = ["check", "vcenter", "capture:vc.json", "--format", "json"];
        let ran = preflight(who, dir.path(), &args);
        let captured: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let (live, report) = check(&server, "vcenter", who, &MACHINES);
        assert_eq!(captured["results"], report["results"], "{name}");
        assert_eq!(captured["not_asked"], report["not_asked"], "{name}");
        assert_eq!(ran.code, live.code, "{name}");
        let again = preflight(who, dir.path(), &args);
        assert_eq!(ran.stdout, again.stdout, "{name}: the same capture, byte for byte");
    }
}
