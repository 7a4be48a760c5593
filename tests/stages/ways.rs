//! The other ways home, from prepare to clean-up: to an alternate location, of a physical server, through a Windows master
//! target, and in a recovery plan. At every stage the site as it should be, and sites with one fault.
//!
//! Not for the way of one Linux machine to its original location against servers that answer (`walk`).

use super::stories::{first, roots};
use super::*;

/// What is answered otherwise than with yes.
type Answers = &'static [(&'static str, &'static str)];

/// The stages, and what vCenter shows of the machine at each; none while it is in no inventory.
fn way(is_there_before: bool) -> [(&'static str, Option<Shown>); 9] {
    [
        ("prepare", is_there_before.then_some(OFF)),
        ("reprotect", Some(OFF_ATTACHED)),
        ("replicating", Some(OFF_ATTACHED)),
        ("failback", Some(OFF_ATTACHED)),
        ("verify", Some(ON)),
        ("after", Some(ON)),
        ("reprotect-forward", Some(ON)),
        ("home", Some(ON)),
        ("clean-up", Some(ON)),
    ]
}

/// What no command of any stage may hold.
const HARMFUL: [&str; 8] = [
    "power.off", "poweroff", "mkfs", "datastore.rm", "umount", "uninstall", "vgremove",
    "snapshot.remove",
];

/// Edits the objects of vCenter's capture, those of the list and those that were asked about in detail.
fn with_objects(name: &str, text: String, edit: impl Fn(&mut Vec<Value>)) -> String {
    if !name.starts_with("vcenter") {
        return text;
    }
    let mut capture: Value = serde_json::from_str(&text).unwrap();
    for probe in ["machines", "chosen"] {
        let answer = &mut capture["answers"]["by_probe"][probe]["text"];
        let mut list: Value = serde_json::from_str(answer.as_str().unwrap()).unwrap();
        edit(list["objects"].as_array_mut().unwrap());
        *answer = json!(list.to_string());
    }
    capture.to_string()
}

/// The machine bears this name, or is in no inventory.
fn bears(name: &'static str, is_there: bool) -> impl Fn(&str, String) -> String {
    move |file, text| {
        with_objects(file, text, |objects| {
            objects.retain(|object| is_there || object["properties"]["name"] != "app-01");
            for object in objects {
                if object["properties"]["name"] == "app-01" {
                    object["properties"]["name"] = json!(name);
                }
            }
        })
    }
}

/// The site whose machine has another name and these keys, at a stage.
fn machine(name: &str, keys: &str, stage: &str) -> impl Fn(&str) -> String {
    let machine = format!("name: {name},");
    let keys = format!("disks: [10 GiB], os: linux, memory: 2 GiB, stage: {stage}{keys} }}");
    move |good| good.replace("name: app-01,", &machine).replace("disks: [10 GiB] }", &keys)
}

fn is_well(run: &Run, stage: &str) {
    assert_eq!((run.status, roots(run)), (0, Vec::new()), "{stage}\n{}", run.text);
    is_harmless(run, stage);
}

/// One fault alone blocks, and it is the first thing to do.
fn is_blocked(run: &Run, stage: &str, root: &str) {
    assert_eq!((run.status, roots(run)), (1, vec![root.to_owned()]), "{stage}\n{}", run.text);
    let (target, check) = root.split_once(' ').unwrap();
    let first = first(run);
    let line = first.split(" 2. ").next().unwrap();
    assert!(line.contains(target) && line.contains(check), "{stage}: {first}");
    is_harmless(run, stage);
}

fn is_harmless(run: &Run, stage: &str) {
    let commands = run.text.lines().map(str::trim_start).filter(|line| line.starts_with("$ "));
    for command in commands {
        let harmful = HARMFUL.iter().find(|word| command.contains(*word));
        assert!(harmful.is_none(), "{stage}: {command}");
    }
}

#[test]
fn a_machine_that_is_made_anew_is_led_home() {
    let faults: [(&str, Answers, &str); 5] = [
        ("prepare", &[("azure.vm-running", "no")], "new-02 azure.vm-running"),
        ("replicating", &[("failback.recovery-point", "no")], "new-02 failback.recovery-point"),
        (
            "failback",
            &[("vcenter.connected", "no"), ("failback.reprotect-done", "no")],
            "new-02 failback.reprotect-done",
        ),
        ("verify", &[("failback.azure-vm-off", "no")], "new-02 failback.azure-vm-off"),
        ("after", &[("after.not-migrated", "no")], "new-02 after.not-migrated"),
    ];
    for (stage, shown) in way(false) {
        let evaluate = |but: &[(&str, &str)]| {
            let keys = ", location: alternate, datastore: LocalDS_0";
            let site = machine("new-02", keys, stage);
            let capture = bears("new-02", shown.is_some());
            evaluate_site(site, shown.unwrap_or(OFF), but, &[], |_| {}, capture)
        };
        let well = evaluate(&[]);
        is_well(&well, stage);
        // What Re-protect has made is neither a leftover nor a machine that always was there.
        if stage != "prepare" && stage != "reprotect" {
            for check in ["vm.vmdk-leftover", "vm.exists-or-alr", "vm.name-collision"] {
                assert!(well.found(check).starts_with("not-applicable"), "{stage} {check}");
            }
        }
        for (_, but, root) in faults.iter().filter(|(at, ..)| *at == stage) {
            is_blocked(&evaluate(but), stage, root);
        }
    }
}

#[test]
fn a_physical_server_comes_home_as_a_virtual_machine() {
    let faults: [(&str, Answers, &str); 3] = [
        ("prepare", &[("esxi.discovered", "no")], "DC0_H0 esxi.discovered"),
        ("replicating", &[("failback.recovery-point", "no")], "ph-03 failback.recovery-point"),
        ("verify", &[("failback.commit", "no")], "ph-03 failback.commit"),
    ];
    for (stage, shown) in way(false) {
        let evaluate = |but: &[(&str, &str)]| {
            let site = machine("ph-03", ", physical: true", stage);
            let capture = bears("ph-03", shown.is_some());
            evaluate_site(site, shown.unwrap_or(OFF), but, &[], |_| {}, capture)
        };
        is_well(&evaluate(&[]), stage);
        for (_, but, root) in faults.iter().filter(|(at, ..)| *at == stage) {
            is_blocked(&evaluate(but), stage, root);
        }
    }
}

/// What the script for Windows prints on a master target that is as it should be.
fn windows_capture() -> String {
    let good = include_str!("../windows/good.json");
    let good = good.replace("2026-11-25T10:00:00Z", "2026-11-30T06:20:00Z");
    good.replace("\"host_name\": \"MT-WIN\"", "\"host_name\": \"mt1\"")
}

#[test]
fn a_windows_machine_comes_home_through_a_windows_master_target() {
    let as_it_is: fn(String) -> String = |text| text;
    let fat: fn(String) -> String = |text| {
        let (before, drive) = text.split_once("\"drive\": \"R:\"").unwrap();
        format!("{before}\"drive\": \"R:\"{}", drive.replacen("NTFS", "FAT32", 1))
    };
    let no_drive: fn(String) -> String =
        |text| text.replacen("\"drive\": \"R:\"", "\"drive\": null", 2);
    type Edit = fn(String) -> String;
    let faults: [(&str, Answers, Edit, &str); 5] = [
        ("prepare", &[], fat, "mt1 retention.win-not-fat"),
        ("prepare", &[("agent.registered", "no")], as_it_is, "mt1 agent.registered"),
        ("replicating", &[], no_drive, "mt1 retention.win-volume-exists"),
        (
            "failback",
            &[("vcenter.connected", "no"), ("failback.reprotect-done", "no")],
            as_it_is,
            "app-01 failback.reprotect-done",
        ),
        ("verify", &[("failback.azure-vm-off", "no")], as_it_is, "app-01 failback.azure-vm-off"),
    ];
    for (stage, shown) in way(true) {
        let evaluate = |but: &[(&str, &str)], edit: Edit| {
            let site = machine("app-01", "", stage);
            let site = move |good: &str| {
                site(good)
                    .replace(
                        "ssh: 'ssh://root@mt1.example.test'",
                        "os: windows, capture: windows.json",
                    )
                    .replace("filesystems: [ext4]", "filesystems: [ntfs]")
                    .replace("os: linux, memory", "os: windows, memory")
            };
            let capture = |file: &str, text: String| {
                if file.starts_with("linux-mt") {
                    edit(windows_capture())
                } else {
                    text.replace("centos64Guest", "windows9Server64Guest")
                        .replace("rhel6_64Guest", "windows9Server64Guest")
                }
            };
            evaluate_site(site, shown.unwrap_or(OFF), but, &[], |_| {}, capture)
        };
        let well = evaluate(&[], as_it_is);
        is_well(&well, stage);
        for (_, but, edit, root) in faults.iter().filter(|(at, ..)| *at == stage) {
            let run = evaluate(but, *edit);
            is_blocked(&run, stage, root);
            for word in ["UnifiedAgentConfigurator", "multipath", "/var/log", "ApplyCustomChanges"]
            {
                assert!(!run.text.contains(word), "{stage} {root}: {word} in {}", run.text);
            }
        }
    }
}

#[test]
fn the_members_of_a_recovery_plan_come_home_together() {
    let faults: [(&str, Answers, &str); 4] = [
        ("prepare", &[("replication-group.by-plan", "no")], "site replication-group.by-plan"),
        ("replicating", &[("failback.recovery-point", "no")], "app-01 failback.recovery-point"),
        ("verify", &[("failback.commit", "no")], "app-01 failback.commit"),
        ("reprotect-forward", &[("ps.heartbeat", "no")], "ps1 ps.heartbeat"),
    ];
    for (stage, shown) in way(true) {
        let evaluate = |but: &[(&str, &str)]| {
            let site = machine("app-01", ", recovery_plan: shop", stage);
            let group = format!(
                "  - {{ name: app-02, master_target: mt1, filesystems: [ext4], disks: [10 GiB], os: linux, recovery_plan: shop, stage: {stage} }}\n\
                 replication_groups:\n  - {{ name: shop, vms: [app-01, app-02] }}\n"
            );
            let site = move |good: &str| site(good) + &group;
            evaluate_site(site, shown.unwrap_or(OFF), but, &[], |_| {}, with_a_second_machine)
        };
        is_well(&evaluate(&[]), stage);
        for (_, but, root) in faults.iter().filter(|(at, ..)| *at == stage) {
            let run = evaluate(but);
            let own = roots(&run).into_iter().filter(|other| !other.starts_with("app-02"));
            assert_eq!(own.collect::<Vec<_>>(), [*root], "{stage}\n{}", run.text);
            assert_eq!(run.status, 1);
            is_harmless(&run, stage);
        }
    }
}

/// A second machine beside the first, with ids and disks of its own, at the same place.
fn with_a_second_machine(file: &str, text: String) -> String {
    with_objects(file, text, |objects| {
        let at =
            objects.iter().position(|object| object["properties"]["name"] == "app-01").unwrap();
        let mut text = objects[at].to_string().replace("DC0_H0_VM1", "DC0_H0_VM9");
        text = text.replace("app-01", "app-02").replace("6000C29e-baad", "6000C29e-aaaa");
        let object = objects[at]["object"].as_str().unwrap().to_owned();
        text = text.replace(&object, "VirtualMachine:vm-9901");
        for key in ["config.uuid", "config.instanceUuid"] {
            if let Some(uuid) = objects[at]["properties"][key].as_str() {
                text = text.replace(uuid, &format!("{}0abc", &uuid[..uuid.len() - 4]));
            }
        }
        let second: Value = serde_json::from_str(&text).unwrap();
        // Re-protect has attached its disk to the master target as it has the first one's.
        let is_first =
            |device: &&Value| device["_type"] == "VirtualDisk" && device["key"] == "2009";
        let devices =
            |object: &Value| object["properties"]["config.hardware.device"].as_array().cloned();
        for object in
            objects.iter_mut().filter(|object| object["properties"]["name"] == "asr-mt-01")
        {
            let attached = devices(object).and_then(|all| all.iter().find(is_first).cloned());
            if let Some(attached) = attached {
                let attached = attached
                    .to_string()
                    .replace("DC0_H0_VM1", "DC0_H0_VM9")
                    .replace("app-01", "app-02");
                let mut attached: Value =
                    serde_json::from_str(&attached.replace("6000C29e-baad", "6000C29e-aaaa"))
                        .unwrap();
                attached["key"] = json!("2010");
                attached["unitNumber"] = json!("10");
                object["properties"]["config.hardware.device"]
                    .as_array_mut()
                    .unwrap()
                    .push(attached);
            }
        }
        objects.push(second);
    })
}
