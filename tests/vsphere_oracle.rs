//! The facts of simulated servers as an independent client, pyvmomi, reads them, beside ours.
//!
//! Not for what follows of the facts: `tests/vsphere.rs` says that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use preflight::facts::Fact;
use preflight::facts::transcript::Transcript;
use preflight::facts::vsphere::snapshot::VsphereSnapshot;
use preflight::transport::capture;
use program::skipped;
use serde_json::Value;
use simulator::Simulator;

/// A Python with pyvmomi; none, with a word about it, when there is none.
fn python() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = std::env::var_os("PREFLIGHT_PYTHON").map(PathBuf::from);
    let python = own.unwrap_or_else(|| home.join(".cache/preflight-lab/venv/bin/python"));
    let import = Command::new(&python).args(["-c", "import pyVim, pyVmomi"]).output();
    if import.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped("no pyvmomi to compare with (tests/run installs it)");
    None
}

fn asked_by_pyvmomi(server: &Simulator, python: &PathBuf, who: (&str, &str)) -> Value {
    let oracle = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/vsim/oracle.py");
    let url = format!("https://{}/sdk", server.authority);
    let output = Command::new(python).arg("-B").arg(oracle).args([&url, who.0, who.1]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn asked_by_us(server: &Simulator, who: (&str, &str)) -> Transcript {
    let dir = tempfile::tempdir().unwrap();
    let target = format!("vsphere://{}@{}", who.0, server.authority);
    let output = Command::new(program::binary())
        .args(["collect", "vcenter", &target, "--thumbprint", &server.sha256])
        .args(["--vm", "asr-mt-01", "--protected-vm", "app-01", "--discovery-account", who.0])
        .env("PREFLIGHT_PASSWORD", who.1)
        .env("HOME", dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    capture::parse(&String::from_utf8(output.stdout).unwrap(), "vc").unwrap()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn known<T: Clone>(fact: &Fact<T>) -> Option<T> {
    fact.known().cloned()
}

/// The objects of a list of the oracle that it could read.
fn readable<'v>(oracle: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    oracle[list].as_array().unwrap().iter().filter(|object| object["name"].is_string())
}

fn compare_hosts(name: &str, oracle: &Value, snapshot: &VsphereSnapshot<'_>) {
    let mut hosts = snapshot.hosts();
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    let mut theirs: Vec<&Value> = readable(oracle, "hosts").collect();
    theirs.sort_by_key(|host| text(&host["name"]));
    assert_eq!(hosts.len(), theirs.len(), "{name}");
    for (host, theirs) in hosts.iter().zip(theirs) {
        assert_eq!(Some(host.name.clone()), text(&theirs["name"]), "{name}");
        assert_eq!(known(&host.connection), text(&theirs["state"]), "{name}: {}", host.name);
        assert_eq!(known(&host.maintenance), theirs["maintenance"].as_bool(), "{name}");
        let licence = host.licence.known().unwrap();
        let assigned = text(&oracle["assigned"][&host.name]);
        let own = text(&oracle["licences"][0]["edition"]);
        assert_eq!(Some(licence.key.clone()), assigned.or(own), "{name}");
        let tails: Vec<Option<String>> = oracle["licences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|licence| text(&licence["serial_tail"]))
            .collect();
        assert!(tails.contains(&Some(licence.serial_end.clone())), "{name}: {tails:?}");
        let hours = oracle["licences"][0]["properties"]["expirationHours"].as_i64();
        if let Some(days) = known(&licence.days_left) {
            // The oracle has no clock: a day may end between its question and ours.
            assert!(
                (days.max(0) - hours.unwrap() / 24).abs() <= 1,
                "{name}: {days} days, {hours:?} hours"
            );
        } else {
            assert_eq!(hours, None, "{name}");
        }
        for datastore in host.datastores.known().unwrap().items.iter().filter_map(Fact::known) {
            let mut all = readable(oracle, "datastores");
            let theirs = all.find(|d| d["name"] == datastore.name.as_str());
            // One that may not be seen has no name for the oracle, and no type for us.
            let Some(theirs) = theirs else {
                assert_eq!(known(&datastore.kind), None, "{name}: {}", datastore.name);
                continue;
            };
            let kind = text(&theirs["type"]).map(|kind| kind.to_uppercase());
            assert_eq!(known(&datastore.kind), kind, "{name}: {}", datastore.name);
            assert_eq!(known(&datastore.accessible), theirs["accessible"].as_bool(), "{name}");
            let free = known(&datastore.free_mib).map(|mib| mib / 1024);
            assert_eq!(free, theirs["free_gib"].as_i64(), "{name}");
            let hosts = theirs["hosts"].as_array().unwrap();
            assert!(hosts.iter().any(|h| *h == host.name.as_str()), "{name}");
        }
    }
}

fn names(tree: &Value) -> Vec<String> {
    let list = tree.as_array().into_iter().flatten();
    list.flat_map(|one| [vec![text(&one["name"]).unwrap()], names(&one["children"])].concat())
        .collect()
}

fn compare_machine(name: &str, oracle: &Value, snapshot: &VsphereSnapshot<'_>, machine: &str) {
    let Some(theirs) = readable(oracle, "vms").find(|vm| vm["name"] == machine) else {
        let facts = snapshot.protected(machine);
        assert_ne!(facts.exists, Fact::Known(true), "{name}: {machine}");
        return;
    };
    let facts = snapshot.master_target(machine);
    assert_eq!(facts.exists, Fact::Known(true));
    assert_eq!(known(&facts.power), text(&theirs["power"]), "{name}: {machine}");
    assert_eq!(known(&facts.guest_id), text(&theirs["guest_id"]), "{name}: {machine}");
    assert_eq!(known(&facts.tools), text(&theirs["tools"][0]), "{name}: {machine}");
    let host = snapshot.host_of(machine).map(|host| host.name).into();
    assert_eq!(known(&host), text(&theirs["host"]), "{name}: {machine}");
    let uuid = facts.disk_enable_uuid.known().unwrap();
    for row in theirs["enableuuid"].as_array().unwrap() {
        let row = format!("{} = {:?}", text(&row[0]).unwrap(), text(&row[1]).unwrap());
        assert!(uuid.words.contains(&row), "{name}: {machine}: {row}");
    }
    assert_eq!(uuid.repeated, theirs["enableuuid"].as_array().unwrap().len() > 1);
    let flag = theirs["disk_uuid_flag"].as_bool().map_or("unset".to_owned(), |f| f.to_string());
    assert_eq!(uuid.flag, flag, "{name}: {machine}");
    assert_eq!(facts.snapshots.known().unwrap().items, names(&theirs["snapshots"]), "{name}");
    let sizes: Vec<i64> = facts
        .disks
        .known()
        .unwrap()
        .items
        .iter()
        .map(|disk| disk.capacity_mib.known().unwrap() / 1024)
        .collect();
    assert_eq!(serde_json::json!(sizes), theirs["disks_gib"], "{name}: {machine}");
    let controllers = theirs["controllers"].as_array().unwrap();
    let kinds: Vec<&str> = controllers
        .iter()
        .map(|kind| match kind.as_str().unwrap() {
            "VirtualLsiLogicController" => "lsi-logic",
            "VirtualLsiLogicSASController" => "lsi-logic-sas",
            "ParaVirtualSCSIController" => "paravirtual",
            "VirtualBusLogicController" => "bus-logic",
            other => other,
        })
        .collect();
    let own = &facts.controllers.known().unwrap().items;
    assert_eq!(own.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>(), kinds, "{name}");
}

/// What the oracle says is not granted, we must say is missing or not seen, and nothing else.
fn compare_privileges(name: &str, oracle: &Value, snapshot: &VsphereSnapshot<'_>) {
    let vcenter = snapshot.vcenter(true);
    let account = vcenter.account.known().unwrap();
    let lacking = |entity: &str, id: &str| oracle["privileges"][entity][id] == false;
    let datacenter = "Datacenter:DC0";
    let seen: BTreeSet<&str> = account.missing.items.iter().map(|m| m.id.as_str()).collect();
    let read_only = account.read_only.items.iter().any(|object| object == "datacenter DC0");
    for (id, granted) in oracle["privileges"][datacenter].as_object().unwrap() {
        if id.starts_with("System.") {
            continue;
        }
        assert_eq!(seen.contains(id.as_str()) || read_only, *granted == false, "{name}: {id}");
    }
    for entity in oracle["privileges"].as_object().unwrap().keys() {
        let (kind, object) = entity.split_once(':').unwrap();
        let words = match kind {
            "Datastore" => format!("datastore {object}"),
            "VirtualMachine" if ["asr-mt-01", "app-01"].contains(&object) => {
                format!("virtual machine {object}")
            }
            _ => continue,
        };
        let hidden = lacking(entity, "System.View") && lacking(entity, "System.Read");
        let ours = account.no_access.items.contains(&words);
        assert_eq!(ours, hidden, "{name}: {entity} {:?}", account.no_access);
    }
}

#[test]
fn pyvmomi_reads_the_same_facts() {
    let (Some(python), Some(_)) = (python(), simulator::built()) else { return };
    const ASR: (&str, &str) = ("asr@vsphere.local", "asr-Pass1");
    const ROOT: (&str, &str) = ("root", "root-Pass1");
    for (name, who) in [
        ("good", ASR),
        ("read-only-account", ASR),
        ("partial-role", ASR),
        ("no-access-child", ASR),
        ("no-access-child-listed", ASR),
        ("free-esxi", ROOT),
        ("paid-esxi", ROOT),
        ("eval-valid", ASR),
        ("eval-expired", ASR),
        ("enableuuid-missing", ASR),
        ("enableuuid-quoted", ASR),
        ("enableuuid-false", ASR),
        ("enableuuid-lowercase-key", ASR),
        ("snapshot-on-mt", ASR),
        ("nfs-vsan", ASR),
        ("host-not-responding", ASR),
        ("pvscsi-no-tools", ASR),
        ("paged", ASR),
    ] {
        let server = Simulator::of(name).unwrap();
        let oracle = asked_by_pyvmomi(&server, &python, who);
        let transcript = asked_by_us(&server, who);
        let snapshot = VsphereSnapshot::from_transcript(&transcript);
        let vcenter = snapshot.vcenter(true);
        assert_eq!(known(&vcenter.product), text(&oracle["about"]["fullName"]), "{name}");
        assert_eq!(known(&vcenter.version), text(&oracle["about"]["version"]), "{name}");
        let is_vcenter = oracle["about"]["apiType"] == "VirtualCenter";
        assert_eq!(known(&vcenter.is_vcenter), Some(is_vcenter), "{name}");
        compare_hosts(name, &oracle, &snapshot);
        compare_machine(name, &oracle, &snapshot, "asr-mt-01");
        compare_machine(name, &oracle, &snapshot, "app-01");
        if is_vcenter {
            compare_privileges(name, &oracle, &snapshot);
        }
    }
}

#[test]
fn pyvmomi_reads_what_fix_has_set() {
    let (Some(python), Some(_)) = (python(), simulator::built()) else { return };
    const ADMINISTRATOR: (&str, &str) = ("administrator@vsphere.local", "Admin!23");
    for name in ["enableuuid-missing", "enableuuid-false"] {
        let mut scenario = simulator::scenario_json(name);
        scenario["vms"][0]["powerOff"] = serde_json::json!(true);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scenario.json");
        std::fs::write(&path, scenario.to_string()).unwrap();
        let server = Simulator::start(&path, &[]).unwrap();
        let target = format!("vsphere://{}@{}", ADMINISTRATOR.0, server.authority);
        let output = Command::new(program::binary())
            .args(["check", "vcenter", &target, "--thumbprint", &server.sha256])
            .args(["--vm", "asr-mt-01", "--fix", "--yes"])
            .env("PREFLIGHT_PASSWORD", ADMINISTRATOR.1)
            .env("HOME", dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("was changed, and now says"), "{said}");
        let oracle = asked_by_pyvmomi(&server, &python, ADMINISTRATOR);
        let machine = readable(&oracle, "vms").find(|vm| vm["name"] == "asr-mt-01").unwrap();
        assert_eq!(machine["enableuuid"], serde_json::json!([["disk.EnableUUID", "TRUE"]]));
        assert_eq!(machine["disk_uuid_flag"], true);
        assert_eq!(machine["power"], "poweredOff");
        // Nothing else of the inventory is another one.
        let other = readable(&oracle, "vms").find(|vm| vm["name"] == "app-01").unwrap();
        assert_eq!(other["enableuuid"], serde_json::json!([["disk.EnableUUID", "TRUE"]]));
        assert_eq!(server.calls("ReconfigVM_Task"), 1);
    }
}
