//! The way home, stage by stage: the captures of a good site, edited as vCenter would show each stage, and what the run then says.
//!
//! Not for what single checks mean (`checks`), nor for how a site is asked (`whole_site`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod program;
#[path = "stages/stories.rs"]
mod stories;
#[path = "stages/ways.rs"]
mod ways;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// When it is in every run: minutes after the captures were taken.
const NOW: &str = "2026-11-30T06:30:00Z";

/// What vCenter shows of the machine that fails back.
#[derive(Clone, Copy)]
struct Shown {
    power: &'static str,
    /// Whether its disks hang on the master target.
    attached: bool,
}

const OFF: Shown = Shown { power: "poweredOff", attached: false };
const OFF_ATTACHED: Shown = Shown { power: "poweredOff", attached: true };
const ON: Shown = Shown { power: "poweredOn", attached: false };
const ON_ATTACHED: Shown = Shown { power: "poweredOn", attached: true };

/// A run over the edited captures: its report and exit status.
struct Run {
    report: Value,
    status: i32,
    text: String,
}

impl Run {
    /// The outcome and severity of a check on the machine, the master target, or anything.
    fn found(&self, check: &str) -> String {
        let results = self.report["results"].as_array().unwrap();
        let mut all = results.iter().filter(|result| result["check"] == check);
        // What hosts see of the configuration server is told of it, and of no host.
        let counts = |result: &&Value| result["outcome"] != "not-applicable";
        let found = all.clone().find(counts).or_else(|| all.next());
        found.map_or_else(
            || "not planned".to_owned(),
            |result| {
                let word = |key: &str| result[key].as_str().unwrap().to_owned();
                format!("{} {}", word("outcome"), word("severity"))
            },
        )
    }

    fn stage(&self) -> String {
        let stage = &self.report["stages"][0];
        format!(
            "{} {}",
            stage["stage"].as_str().unwrap_or("unknown"),
            stage["source"].as_str().unwrap_or("-")
        )
    }

    fn failed(&self) -> Vec<String> {
        let results = self.report["results"].as_array().unwrap().iter();
        let failed = results.filter(|result| result["outcome"] == "fail");
        failed.map(|result| result["check"].as_str().unwrap().to_owned()).collect()
    }
}

fn run(directory: &Path, args: &[&str]) -> (String, i32) {
    let output =
        Command::new(program::binary()).args(args).current_dir(directory).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (text, output.status.code().unwrap())
}

/// Every question that a site of this scenario may be asked, answered with yes for every target but for some.
fn answers(directory: &Path, scenario: &str, but: &[(&str, &str)]) -> String {
    let (listed, _) = run(directory, &["list", "checks", "--format", "json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let mut lines = String::from("answers:\n");
    for check in listed["checks"].as_array().unwrap() {
        let of_scenario = check["scenario"] == "both" || check["scenario"] == scenario;
        let id = check["id"].as_str().unwrap();
        if !of_scenario || !check["question"].is_string() {
            continue;
        }
        let value = but.iter().find(|(other, _)| *other == id).map_or("yes", |(_, value)| value);
        if value != "-" {
            lines.push_str(&format!(
                "  - {{ check: {id}, target: '*', value: {value}, by: ann, at: 2026-11-30 }}\n"
            ));
        }
    }
    lines
}

/// The site with these keys of its machine, these answers, and the captures as vCenter would show it.
fn evaluate(machine: &str, shown: Shown, but: &[(&str, &str)], options: &[&str]) -> Run {
    evaluate_edited(machine, shown, but, options, |_| {})
}

fn evaluate_edited(
    machine: &str,
    shown: Shown,
    but: &[(&str, &str)],
    options: &[&str],
    edit: impl Fn(&mut Value),
) -> Run {
    let site =
        |good: &str| good.replace("disks: [10 GiB] }", &format!("disks: [10 GiB]{machine} }}"));
    evaluate_site(site, shown, but, options, edit, |_, text| text)
}

/// The good site with its file edited, with these answers, and the captures as vCenter would show it; `edit_capture` gets each
/// capture's name and text.
fn evaluate_site(
    site: impl Fn(&str) -> String,
    shown: Shown,
    but: &[(&str, &str)],
    options: &[&str],
    edit: impl Fn(&mut Value),
    edit_capture: impl Fn(&str, String) -> String,
) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/captures");
    let good = fs::read_to_string(captures.join("good.yaml")).unwrap();
    let site =
        site(good.split("answers:").next().unwrap()) + &answers(directory.path(), "vmware", but);
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    fs::create_dir(directory.path().join("good")).unwrap();
    for entry in fs::read_dir(captures.join("good")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_owned();
        let mut text = fs::read_to_string(&path).unwrap();
        if name.to_string_lossy().starts_with("vcenter") {
            text = edited_vcenter(&text, shown, &edit);
        }
        let text = edit_capture(&name.to_string_lossy(), text);
        // What the script for Windows printed is kept under the name of such a master target.
        let name = name.to_string_lossy().into_owned();
        let is_windows = text.contains("preflight.windows-capture");
        let name = if is_windows { name.replace("linux-mt", "windows-mt") } else { name };
        fs::write(directory.path().join("good").join(name), text).unwrap();
    }
    let base = ["check", "site", "site.yaml", "--captures", "good", "--now", NOW];
    let json: Vec<&str> =
        base.iter().chain(&["--format", "json"]).chain(options).copied().collect();
    let (text, status) = run(directory.path(), &json);
    let report = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
    let words: Vec<&str> = base.iter().chain(options).copied().collect();
    Run { report, status, text: run(directory.path(), &words).0 }
}

/// Returns the capture of vCenter with the machine as it is shown at a stage.
fn edited_vcenter(text: &str, shown: Shown, edit: &impl Fn(&mut Value)) -> String {
    let mut capture: Value = serde_json::from_str(text).unwrap();
    let answer = &mut capture["answers"]["by_probe"]["chosen"]["text"];
    let mut chosen: Value = serde_json::from_str(answer.as_str().unwrap()).unwrap();
    let objects = chosen["objects"].as_array_mut().unwrap();
    let place = |objects: &[Value], name: &str| {
        objects.iter().position(|object| object["properties"]["name"] == name).unwrap()
    };
    let (machine, target) = (place(objects, "app-01"), place(objects, "asr-mt-01"));
    objects[machine]["properties"]["runtime.powerState"] = json!(shown.power);
    if shown.attached {
        let is_disk = |device: &&Value| device["_type"] == "VirtualDisk";
        let devices = objects[machine]["properties"]["config.hardware.device"].as_array().unwrap();
        let mut disk = devices.iter().find(is_disk).unwrap().clone();
        // As vCenter shows it: the same file, another place on the master target's controller.
        disk["key"] = json!("2009");
        disk["unitNumber"] = json!("9");
        let controller = objects[target]["properties"]["config.hardware.device"]
            .as_array()
            .unwrap()
            .iter()
            .find(is_disk)
            .unwrap()["controllerKey"]
            .clone();
        disk["controllerKey"] = controller;
        objects[target]["properties"]["config.hardware.device"].as_array_mut().unwrap().push(disk);
    }
    edit(&mut objects[target]["properties"]);
    *answer = json!(chosen.to_string());
    capture.to_string()
}

#[test]
fn a_machine_is_led_by_what_vcenter_shows_and_by_what_people_say() {
    for (machine, shown, stage, poweroff, status) in [
        ("", OFF, "prepare vsphere", "pass warning", 0),
        (", stage: prepare", ON, "prepare person", "fail warning", 0),
        (", stage: home", ON, "home person", "not-applicable data-loss", 0),
        ("", OFF_ATTACHED, "replicating vsphere", "pass data-loss", 0),
        (", stage: reprotect", OFF_ATTACHED, "reprotect person", "pass info", 0),
        // The one case in which the machine has to go off at once, whatever anybody says.
        (", stage: after", ON_ATTACHED, "replicating vsphere", "fail data-loss", 1),
        ("", ON_ATTACHED, "replicating vsphere", "fail data-loss", 1),
        (", stage: verify", ON, "verify person", "not-applicable data-loss", 0),
        (", stage: after", ON, "after person", "not-applicable data-loss", 0),
        (
            ", stage: reprotect-forward",
            ON,
            "reprotect-forward person",
            "not-applicable data-loss",
            0,
        ),
        (", stage: clean-up", ON, "clean-up person", "not-applicable data-loss", 0),
        // It runs, and nothing says whether it has returned.
        ("", ON, "unknown -", "unknown data-loss", 3),
        (", stage: replicating", ON, "unknown -", "unknown data-loss", 3),
    ] {
        let run = evaluate(machine, shown, &[], &[]);
        assert_eq!(run.stage(), stage, "{machine}: {}", run.text);
        assert_eq!(run.found("vm.poweroff"), poweroff, "{machine} {stage}: {}", run.text);
        assert_eq!(run.status, status, "{machine} {stage}: {:?} {}", run.failed(), run.text);
        for word in ["power.off", "power -off", "mkfs", "poweroff"] {
            let commands = run.text.lines().filter(|line| line.trim_start().starts_with("$ "));
            let harmful: Vec<&str> = commands.filter(|line| line.contains(word)).collect();
            assert!(harmful.is_empty(), "{machine} {stage}: {harmful:?}");
        }
    }
}

#[test]
fn the_first_thing_to_say_is_the_stage_when_nothing_decides_it() {
    let run = evaluate("", ON, &[], &[]);
    let first = run.text.lines().skip_while(|line| *line != "do first:").nth(1).unwrap();
    assert!(first.contains("say the stage of app-01"), "{}", run.text);
    // The option says it for this run.
    let given = evaluate("", ON, &[], &["--stage", "after"]);
    assert_eq!((given.stage().as_str(), given.status), ("after option", 0), "{}", given.text);
}

#[test]
fn questions_are_put_at_their_stage_and_not_before() {
    let none =
        &[("failback.azure-vm-off", "-"), ("failback.commit", "-"), ("azure.vm-running", "-")];
    for (machine, shown, asked) in [
        ("", OFF, &["azure.vm-running"][..]),
        (", stage: replicating", OFF_ATTACHED, &["azure.vm-running"]),
        (", stage: verify", ON, &["failback.azure-vm-off", "failback.commit"]),
        (", stage: after", ON, &[]),
    ] {
        let run = evaluate(machine, shown, none, &[]);
        for (check, _) in none {
            let expected = if asked.contains(check) { "unknown" } else { "not-applicable" };
            let found = run.found(check);
            assert!(found.starts_with(expected), "{machine} {check}: {found}");
        }
        assert_eq!(run.status, if asked.is_empty() { 0 } else { 3 }, "{machine}: {}", run.text);
    }
}

#[test]
fn a_failed_gate_is_the_one_finding() {
    let vault = evaluate("", OFF, &[("azure.experience", "no"), ("ps.registered", "no")], &[]);
    assert_eq!(vault.failed(), ["azure.experience"], "{}", vault.text);
    assert_eq!(vault.status, 1);
    let machine = evaluate("", OFF, &[("vm.not-migrated", "no"), ("azure.vm-running", "no")], &[]);
    assert_eq!(machine.failed(), ["vm.not-migrated"], "{}", machine.text);
    // At home nothing has ended.
    let home = evaluate(", stage: home", ON, &[("azure.experience", "no")], &[]);
    assert_eq!(home.status, 0, "{}", home.text);
}

#[test]
fn what_needs_a_restart_waits_while_a_machine_replicates() {
    let no_uuid = |properties: &mut Value| {
        if let Some(flags) = properties.get_mut("config.flags") {
            *flags = json!({ "diskUuidEnabled": "false" });
        }
        let rows = properties["config.extraConfig"].as_array_mut();
        rows.into_iter().flatten().filter(|row| row["key"] == "disk.EnableUUID").for_each(|row| {
            row["value"] = json!("FALSE");
        });
    };
    let before = evaluate_edited("", OFF, &[], &[], no_uuid);
    assert_eq!(before.found("mt.disk-enable-uuid"), "fail blocks-reprotect", "{}", before.text);
    let held = |run: &Run| {
        let results = run.report["results"].as_array().unwrap().clone();
        let result = results.into_iter().find(|result| result["check"] == "mt.disk-enable-uuid");
        result.unwrap()["held"].as_str().map(str::to_owned)
    };
    assert_eq!(held(&before), None);
    let during = evaluate_edited("", OFF_ATTACHED, &[], &[], no_uuid);
    assert_eq!(during.found("mt.disk-enable-uuid"), "fail warning", "{}", during.text);
    let why = held(&during).unwrap();
    assert!(why.starts_with("later, when no machine replicates through it"), "{why}");
    assert!(during.text.contains("Later, when no machine replicates"), "{}", during.text);
}

#[test]
fn nothing_of_one_scenario_is_asked_in_the_other() {
    let directory = tempfile::tempdir().unwrap();
    let site = "scenario: hyperv\nprotected_vms: [ { name: app-01, stage: prepare } ]\n".to_owned()
        + &answers(directory.path(), "hyperv", &[]);
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    let args = ["check", "site", "site.yaml", "--format", "json", "--now", NOW];
    let (text, status) = run(directory.path(), &args);
    let report: Value = serde_json::from_str(&text).unwrap();
    let checks: BTreeMap<&str, &str> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["check"].as_str().unwrap(), result["outcome"].as_str().unwrap()))
        .collect();
    let of_vmware = [
        "link.", "ps.", "mt.", "cs.", "vcenter.", "replication-group.", "azure.", "failback.",
        "after.",
    ];
    for check in checks.keys() {
        assert!(!of_vmware.iter().any(|subject| check.starts_with(subject)), "{check}");
    }
    assert_eq!(checks["hyperv.committed"], "pass");
    assert_eq!(status, 0, "{text}");
    let vmware = evaluate("", OFF, &[], &[]);
    assert_eq!(vmware.found("hyperv.committed"), "not planned");
}

#[test]
fn a_run_can_be_narrowed_and_says_so() {
    let only = evaluate("", OFF, &[], &["--only", "vm.poweroff,retention.*"]);
    let checks: Vec<&str> = only.report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["check"].as_str().unwrap())
        .collect();
    assert!(
        checks.iter().all(|id| *id == "vm.poweroff" || id.starts_with("retention.")),
        "{checks:?}"
    );
    assert!(checks.len() > 5);
    assert!(
        only.report["notes"].to_string().contains("this is not the whole answer"),
        "{}",
        only.text
    );
    let limited = evaluate("", OFF, &[], &["--limit", "app-*", "--skip", "vm.poweroff"]);
    let targets = limited.report["results"].as_array().unwrap().iter();
    assert!(
        targets
            .clone()
            .all(|result| result["target"] == "app-01" && result["check"] != "vm.poweroff")
    );
    assert!(targets.count() > 5);
}

#[test]
fn a_wrong_stage_or_check_is_refused_before_anything_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("site.yaml"), "protected_vms: [ { name: app-01 } ]\n").unwrap();
    for (options, says) in [
        (&["--stage", "replicatin"][..], "did you mean \"replicating\"?"),
        (&["--stage", "sync"], "the stages of this site are home, prepare"),
        (
            &["--only", "vm.poweof"],
            "there is no check \"vm.poweof\", did you mean \"vm.poweroff\"?",
        ),
    ] {
        let args: Vec<&str> =
            ["check", "site", "site.yaml"].iter().chain(options).copied().collect();
        let (text, status) = run(directory.path(), &args);
        assert_eq!(status, 2, "{text}");
        assert!(text.contains(says), "{text}");
    }
}
