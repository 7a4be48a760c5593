//! `init site --azure --vcenter`: the machines and servers of a vault, told apart from those of a simulated vCenter by what
//! identifies them, and never by choosing among several.
//!
//! Not for the file itself: `tests/azure_init.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "azure/estate.rs"]
mod estate;
#[path = "azure/objects.rs"]
mod objects;
mod program;
#[path = "azure/run.rs"]
mod run;
#[path = "vsphere/simulator.rs"]
mod simulator;
#[path = "azure/standin.rs"]
mod standin;

use std::fs;

use estate::{Estate, vault_address};
use objects::Machine;
use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::site::{Site, SiteFile};
use run::*;
use serde_json::{Value, json};
use simulator::{Simulator, scenario_json};
use standin::StandIn;

/// A machine of the simulated vCenter: a stock one under another name, with these marks.
fn machine(stock: &str, name: &str, marks: Value) -> Value {
    let mut machine = json!({ "name": stock, "newName": name, "powerOff": true });
    for (key, value) in marks.as_object().unwrap() {
        machine[key] = value.clone();
    }
    machine
}

/// A simulated vCenter with these machines.
fn vcenter(machines: &[Value]) -> Option<Simulator> {
    let mut scenario = scenario_json("good");
    scenario["vms"] = json!(machines);
    scenario["machines"] = json!(8);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), scenario.to_string()).unwrap();
    Simulator::start(file.path(), &[])
}

/// The site file that is made of both, as text and parsed.
fn init(estate: Estate, vcenter: &Simulator) -> (String, Site) {
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let url = format!("vsphere://administrator@vsphere.local@{}", vcenter.authority);
    let ran = Azure::new(&server).variable("PREFLIGHT_PASSWORD", "Admin!23").run(
        &[
            "init",
            "site",
            "--azure",
            &vault_address(),
            "--vcenter",
            &url,
            "--thumbprint",
            &vcenter.sha256,
        ],
        directory.path(),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let text = String::from_utf8(ran.stdout).unwrap();
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    let site = SiteFile::parse(&text, "site.yaml", &checks)
        .unwrap_or_else(|error| panic!("{error}:\n{text}"))
        .site;
    (text, site)
}

/// The lines of an entry of the file, without its name.
fn entry<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let lines = text.lines().skip_while(|line| !line.starts_with(&format!("  - name: {name}")));
    lines.skip(1).take_while(|line| line.starts_with("    ")).map(str::trim).collect()
}

#[test]
fn classic_machines_are_told_by_mac_address_before_their_names() {
    let mut estate = Estate::classic(0);
    for number in 0..4 {
        estate.add_machine(&Machine::classic_home(number));
    }
    let Some(vcenter) = vcenter(&[
        machine(
            "DC0_H0_VM0",
            "mt-of-the-team",
            json!({ "ips": ["192.0.2.20"], "powerOff": false }),
        ),
        // Renamed, with the card of app-000; and one of its name that is another machine.
        machine("DC0_H0_VM1", "renamed", json!({ "macs": ["00:50:56:01:00:00"] })),
        machine("DC0_C0_RP0_VM0", "app-000", json!({ "macs": ["00:50:56:77:77:77"] })),
        // Its name, and a datastore that its item names.
        machine("DC0_C0_RP0_VM1", "APP-001", json!({ "datastore": "LocalDS_0" })),
        // Its name alone.
        machine("DC0_C0_RP0_VM2", "app-002", json!({ "datastore": "LocalDS_1" })),
    ]) else {
        return;
    };
    let (text, site) = init(estate, &vcenter);
    let target = &site.master_targets[0];
    assert_eq!(target.vm.as_deref(), Some("mt-of-the-team"), "{text}");
    assert!(text.contains("vm: mt-of-the-team   # its guest has the address"), "{text}");
    let renamed = site.protected_vms.iter().find(|vm| vm.name.as_str() == "renamed");
    let renamed = renamed.unwrap_or_else(|| panic!("{text}"));
    assert_eq!(renamed.azure_name.as_ref().unwrap().as_str(), "app-000", "{text}");
    assert!(entry(&text, "renamed").contains(&"# in vCenter, by its MAC address"), "{text}");
    assert!(entry(&text, "app-001").contains(&"# in vCenter, by its datastore"), "{text}");
    assert!(entry(&text, "app-002").iter().any(|line| line.starts_with("# a guess")), "{text}");
    assert!(
        site.protected_vms.iter().find(|vm| vm.name.as_str() == "app-002").unwrap().host.is_none()
    );
    assert!(
        entry(&text, "app-003").iter().any(|line| line.contains("alternate location")),
        "{text}"
    );
    assert_eq!(site.esxi.len(), 1, "the host of the master target: {text}");
}

#[test]
fn modernised_machines_are_told_by_their_uuid_and_disks() {
    let Some(vcenter) = vcenter(&[
        machine(
            "DC0_H0_VM0",
            "moved",
            json!({ "instanceUUID": "50150000-1111-4222-8333-0123456789ab" }),
        ),
        machine(
            "DC0_H0_VM1",
            "app-000",
            json!({ "instanceUUID": "50159999-1111-4222-8333-0123456789ab" }),
        ),
        machine(
            "DC0_C0_RP0_VM0",
            "app-001",
            json!({ "instanceUUID": "50150001-1111-4222-8333-0123456789ab" }),
        ),
    ]) else {
        return;
    };
    let (text, site) = init(Estate::modernised(2), &vcenter);
    let names: Vec<&str> = site.protected_vms.iter().map(|vm| vm.name.as_str()).collect();
    assert_eq!(names, ["moved", "app-001"], "{text}");
    assert!(entry(&text, "moved").contains(&"# in vCenter, by its UUID in vCenter"), "{text}");
}

#[test]
fn of_several_machines_none_is_chosen() {
    let mut estate = Estate::classic(0);
    estate.add_machine(&Machine::classic_home(0));
    let Some(vcenter) = vcenter(&[
        machine("DC0_H0_VM0", "asr-mt-01", json!({ "ips": ["192.0.2.20"] })),
        machine("DC0_H0_VM1", "asr-mt-01-old", json!({ "ips": ["192.0.2.20"] })),
        machine("DC0_C0_RP0_VM0", "app-000", json!({ "macs": ["00:50:56:01:00:00"] })),
        machine("DC0_C0_RP0_VM1", "clone", json!({ "macs": ["00:50:56:01:00:00"] })),
    ]) else {
        return;
    };
    let (text, site) = init(estate, &vcenter);
    assert_eq!(site.master_targets[0].vm, None, "{text}");
    let lines = entry(&text, "app-000");
    assert!(
        lines.iter().any(|line| line.contains("several machines that may be it, by MAC address")),
        "{text}"
    );
    assert!(!lines.iter().any(|line| line.starts_with("host:")), "{text}");
}

#[test]
fn few_questions_remain_to_a_first_plan() {
    let mut estate = Estate::classic(3);
    for number in 0..3 {
        estate.fail_over(number);
    }
    let registered = format!("{}/replicationvCenters", estate::vault_id()).to_lowercase();
    if let Some(estate::Entry::List(servers)) = estate.entries.get_mut(&registered) {
        servers[0]["properties"]["ipAddress"] = "127.0.0.1".into();
        servers[0]["properties"]["infrastructureId"] = "a9d1".into();
    }
    let Some(vcenter) = vcenter(&[
        machine(
            "DC0_H0_VM0",
            "mt-of-the-team",
            json!({ "ips": ["192.0.2.20"], "powerOff": false }),
        ),
        machine("DC0_H0_VM1", "app-000", json!({ "macs": ["00:50:56:01:00:00"] })),
        machine("DC0_C0_RP0_VM0", "app-001", json!({ "macs": ["00:50:56:01:00:01"] })),
        machine("DC0_C0_RP0_VM1", "app-002", json!({ "macs": ["00:50:56:01:00:02"] })),
    ]) else {
        return;
    };
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let url = format!("vsphere://administrator@vsphere.local@{}", vcenter.authority);
    let ran = Azure::new(&server).variable("PREFLIGHT_PASSWORD", "Admin!23").run(
        &[
            "init",
            "site",
            "--azure",
            &vault_address(),
            "--vcenter",
            &url,
            "--thumbprint",
            &vcenter.sha256,
            "-o",
            "site.yaml",
        ],
        directory.path(),
    );
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    // What the file itself leaves to a person: two logins that neither Azure nor vCenter knows.
    let text = fs::read_to_string(directory.path().join("site.yaml")).unwrap();
    let asked: Vec<&str> = text.lines().filter(|line| line.contains('?')).map(str::trim).collect();
    assert!(asked.len() == 2 && asked[0].ends_with("# which account logs in?"), "{asked:#?}");
    assert!(asked[1].ends_with("what is its login?"), "{asked:#?}");
    // The file says how vault and vCenter were reached, so that it can be used as it is.
    let ca = server.ca.display().to_string();
    let run = |words: &[&str]| -> Value {
        let azure = Azure::plain()
            .variable("AZURE_ACCESS_TOKEN", standin::TOKEN)
            .variable("PREFLIGHT_PASSWORD_VCENTER", "Admin!23");
        let args = [words, &["site.yaml", "--format", "json", "--ca-file", &ca]].concat();
        let ran = azure.run(&args, directory.path());
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.text()))
    };
    // The plan is there before anybody has answered anything.
    let guide = run(&["guide"]);
    let sections = guide["sections"].as_array().unwrap();
    let machines: usize =
        sections.iter().map(|one| one["machines"].as_array().unwrap().len()).sum();
    assert_eq!(machines, 3);
    for section in sections {
        assert_eq!(section["stage"]["stage"], "prepare");
        assert!(section["now"].as_array().unwrap().len() > 3, "{section}");
    }
    // Of the questions that nothing but a person can decide, five are put.
    let report = run(&["check", "site"]);
    let open = report["results"].as_array().unwrap().iter();
    let open = open
        .filter(|one| one["found"].as_str().unwrap_or_default().contains("nobody has answered"));
    let mut questions: Vec<&str> = open.map(|one| one["check"].as_str().unwrap()).collect();
    questions.sort_unstable();
    questions.dedup();
    assert!(questions.len() <= 5, "{questions:?}");
    println!("open questions: {questions:?}");
}
