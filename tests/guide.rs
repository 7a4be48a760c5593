//! The way home: at each stage the right thing is said first and nothing harmful; the steps cover every stage and every check; the
//! runbook is made of them.
//!
//! Not for what checks find: their own tests have that.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "all of this file is a test"
)]

mod program;
#[path = "guide/site.rs"]
mod site;
mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use preflight::assets::Assets;
use preflight::check::CheckSet;
use preflight::facts::stage::{Scenario, Stage};
use preflight::facts::target_kind::TargetKind;
use preflight::guide::StepSet;
use preflight::guide::step::StageEntry;
use preflight::report::guide::{runbook_md, schema_json};
use serde_json::Value;
use site::{NOW, Site, checks};

fn steps() -> (CheckSet, StepSet) {
    let checks = checks();
    let steps = StepSet::load(&Assets::embedded(), &checks).unwrap();
    (checks, steps)
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(program::binary())
        .arg("guide")
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap()
}

/// The guide of a site as JSON, and its exit status.
fn guide(site: &Site, more: &[&str]) -> (Value, i32) {
    let arguments = ["site.yaml", "--captures", "good", "--now", NOW, "--format", "json"];
    let output = run(site.path(), &[&arguments[..], more].concat());
    let guide = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (guide, output.status.code().unwrap())
}

fn words<'v>(list: &'v Value, key: &[&str]) -> Vec<&'v str> {
    let word = |item: &'v Value| key.iter().fold(item, |value, key| &value[*key]).as_str().unwrap();
    list.as_array().unwrap().iter().map(word).collect()
}

/// Every command and every fix that is told.
fn told(section: &Value) -> String {
    let mut all = String::new();
    let mut open: Vec<&Value> = section["first"].as_array().unwrap().iter().collect();
    open.extend(section["warnings"].as_array().unwrap());
    let steps = section["now"].as_array().unwrap().iter();
    let next = section["next"]["steps"].as_array();
    for step in steps.clone().chain(next.into_iter().flatten()) {
        all.push_str(&step["step"]["commands"].to_string());
        open.extend(step["open"].as_array().into_iter().flatten());
    }
    for place in open.iter().flat_map(|finding| finding["places"].as_array().unwrap()) {
        all.push_str(&place["remedy"].to_string());
    }
    all
}

/// The fixes and commands that do harm at a stage.
fn harmful(stage: Stage) -> &'static [&'static str] {
    match stage {
        Stage::Reprotect | Stage::Replicating | Stage::Failback => {
            &["mkfs", "umount", "uninstall.sh"]
        }
        Stage::Home | Stage::Verify | Stage::After | Stage::ReprotectForward => {
            &["power.off", "poweroff", "Power off", "vm.off", "shutdown"]
        }
        _ => &[],
    }
}

#[test]
fn at_each_stage_the_right_thing_is_said_first_and_nothing_harmful() {
    // The stage, a question that is answered no, what is told first then, and what is told when all is well.
    for (stage, denied, first, when_well) in [
        (
            Stage::Home,
            "cs.backup",
            "back-up-the-configuration-server",
            "plan-the-second-network-card",
        ),
        (
            Stage::Prepare,
            "link.vpn-or-er",
            "connect-the-network",
            "run-preflight-until-nothing-blocks",
        ),
        (Stage::Reprotect, "agent.registered", "look-once-more", "look-once-more"),
        (
            Stage::Replicating,
            "failback.recovery-point",
            "see-a-recovery-point",
            "look-before-the-window",
        ),
        (Stage::Failback, "vcenter.connected", "look-before-the-window", "look-before-the-window"),
        (
            Stage::Verify,
            "failback.azure-vm-off",
            "see-the-azure-machine-off",
            "look-at-services-and-data",
        ),
        (Stage::After, "after.azure-vm-gone", "see-that-azure-is-empty", "wait-for-the-agent"),
        (
            Stage::ReprotectForward,
            "after.reprotect-forward",
            "press-re-protect-forward",
            "protect-the-group-together",
        ),
        (
            Stage::CleanUp,
            "after.delete-ps",
            "delete-the-process-server",
            "keep-or-remove-the-master-target",
        ),
    ] {
        let site = Site::at(stage);
        let (well, code) = guide(&site, &[]);
        let section = &well["sections"][0];
        assert_eq!(section["stage"]["stage"], stage.as_str(), "{well:#}");
        assert_eq!((code, section["progress"].as_str()), (0, Some("clear")), "{stage}");
        let now = words(&section["now"], &["step", "id"]);
        let next = section["next"]["steps"]
            .as_array()
            .map(|_| words(&section["next"]["steps"], &["step", "id"]));
        let told_first = now.first().copied().or_else(|| next?.first().copied());
        assert_eq!(told_first, Some(when_well), "{stage}");

        site.write(&format!("stage: {stage}\n"), stage, &[denied]);
        let (open, _) = guide(&site, &[]);
        let section = &open["sections"][0];
        assert_eq!(
            words(&section["now"], &["step", "id"]).first(),
            Some(&first),
            "{stage}: {section:#}"
        );
        let told = told(section);
        for word in harmful(stage) {
            assert!(!told.contains(word), "{stage}: {word}: {told}");
        }
    }
}

/// At every stage at which a gate counts, one that nobody has answered is told before every step and everything that fails.
#[test]
fn a_gate_comes_before_everything_else() {
    for stage in [
        Stage::Prepare,
        Stage::Reprotect,
        Stage::Replicating,
        Stage::Failback,
        Stage::Verify,
        Stage::After,
        Stage::ReprotectForward,
    ] {
        let site = Site::at(stage);
        let denied = ["cs.running", "link.vpn-or-er", "failback.azure-vm-off", "ps.heartbeat"];
        site.write(&format!("stage: {stage}\n"), stage, &denied);
        site.replace(
            "check: azure.experience, target: '*'",
            "check: azure.experience, target: 'nobody'",
        );
        let (guide, _) = guide(&site, &[]);
        let section = &guide["sections"][0];
        let first = words(&section["first"], &["check"]);
        let urgent = ["failback.azure-vm-off", "vm.poweroff", "retention.mounted"];
        let gate = first.iter().find(|check| !urgent.contains(check));
        assert_eq!(gate, Some(&"azure.experience"), "{stage}: {section:#}");
        assert_ne!(section["progress"], "clear", "{stage}");
    }
}

#[test]
fn commit_is_not_told_while_the_azure_machine_runs() {
    let site = Site::at(Stage::Verify);
    site.write("stage: verify\n", Stage::Verify, &["failback.azure-vm-off"]);
    let (guide, code) = guide(&site, &[]);
    let now = words(&guide["sections"][0]["now"], &["step", "id"]);
    assert!(now.contains(&"see-the-azure-machine-off") && !now.contains(&"commit"), "{now:?}");
    assert_eq!(code, 1);
}

#[test]
fn a_machine_that_runs_while_it_is_written_to_is_switched_off_before_anything_else() {
    let site = Site::at(Stage::Replicating);
    site.write("", Stage::Replicating, &[]);
    site.show_machine("poweredOn", true);
    let (guide, code) = guide(&site, &[]);
    let section = &guide["sections"][0];
    assert_eq!((code, section["stage"]["stage"].as_str()), (1, Some("replicating")));
    assert_eq!(words(&section["first"], &["check"]), ["vm.poweroff"]);
    assert_eq!(section["machines"][0]["source"], "vsphere");
}

#[test]
fn every_stage_has_an_entry_and_every_check_that_counts_there_has_a_step() {
    let (checks, steps) = steps();
    let listed: BTreeMap<&str, &str> = include_str!("guide/unproved.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let mut missing = Vec::new();
    let mut used: Vec<&str> = Vec::new();
    for scenario in [Scenario::VmwareClassic, Scenario::Hyperv] {
        let stages: Vec<Stage> = steps.scenario(scenario).iter().map(|entry| entry.stage).collect();
        assert_eq!(stages, scenario.stages());
        let mut proved: Vec<&str> = Vec::new();
        for entry in steps.scenario(scenario) {
            proved.extend(entry.steps.iter().flat_map(|step| &step.proved_by).map(String::as_str));
            for check in checks.checks() {
                let is_image =
                    |kind: &TargetKind| matches!(kind, TargetKind::Image | TargetKind::Packages);
                let counts = check.stages.severity_for(check.severity, entry.stage).is_some()
                    && check.scenario.includes(scenario)
                    && !check.applies_to.iter().all(is_image);
                if !counts || proved.contains(&check.id.as_str()) {
                    continue;
                }
                match listed.get_key_value(check.id.as_str()) {
                    Some((id, _)) => used.push(id),
                    None => missing.push(format!("{}: {}", entry.id, check.id)),
                }
            }
        }
    }
    assert!(missing.is_empty(), "no step proves\n{}", missing.join("\n"));
    let unused: Vec<_> = listed.keys().filter(|id| !used.contains(*id)).collect();
    assert!(unused.is_empty(), "tests/guide/unproved.tsv has {unused:?}, which have a step");
}

#[test]
fn what_proves_a_step_counts_at_its_stage() {
    let (checks, steps) = steps();
    let all = [Scenario::VmwareClassic, Scenario::Hyperv]
        .into_iter()
        .flat_map(|scenario| steps.scenario(scenario).iter().map(move |entry| (scenario, entry)));
    let mut broken = Vec::new();
    for (scenario, entry) in all {
        for id in named(entry) {
            let check = checks.find(id).unwrap();
            let counts = check.stages.severity_for(check.severity, entry.stage).is_some();
            if !counts || !check.scenario.includes(scenario) {
                broken.push(format!("{}: {id}", entry.id));
            }
        }
    }
    assert!(broken.is_empty(), "checks that do not count at the stage of their step: {broken:?}");
}

/// Every check that an entry names.
fn named(entry: &StageEntry) -> Vec<&str> {
    let steps = entry.steps.iter().flat_map(|step| &step.proved_by);
    let advice = entry.advice().into_iter().flat_map(|(_, advice)| advice);
    steps.chain(advice.flat_map(|advice| &advice.proved_by)).map(String::as_str).collect()
}

#[test]
fn a_failed_gate_is_told_alone_and_the_modernised_experience_with_what_it_means() {
    let site = Site::at(Stage::Prepare);
    site.write("stage: prepare\n", Stage::Prepare, &["vm.not-migrated"]);
    let (ended, code) = guide(&site, &[]);
    let section = &ended["sections"][0];
    assert_eq!((code, section["ended_by"]["check"].as_str()), (1, Some("vm.not-migrated")));
    for list in ["now", "later", "first", "warnings", "done", "never"] {
        assert_eq!(section[list], serde_json::json!([]), "{list}");
    }
    site.write("stage: prepare\n", Stage::Prepare, &["azure.experience"]);
    let (modernised, code) = guide(&site, &[]);
    let section = &modernised["sections"][0];
    assert_eq!((code, section["stage"]["id"].as_str()), (1, Some("modernised.tell")));
    assert!(words(&section["now"], &["step", "id"]).contains(&"build-nothing"));
}

#[test]
fn a_machine_whose_stage_is_not_known_gets_no_step() {
    let site = Site::at(Stage::Prepare);
    site.write("", Stage::Prepare, &[]);
    site.show_machine("poweredOn", false);
    let (unknown, code) = guide(&site, &[]);
    let section = &unknown["sections"][0];
    assert_eq!(code, 3, "{unknown:#}");
    assert_eq!(section["now"], serde_json::json!([]));
    let to_say = section["to_say"].to_string();
    assert!(
        to_say.contains("--stage STAGE") && to_say.contains("verify: it runs at home"),
        "{to_say}"
    );
    let (said, _) = guide(&site, &["--stage", "verify"]);
    assert_eq!(said["sections"][0]["stage"]["stage"], "verify");
}

#[test]
fn a_hundred_machines_at_one_stage_are_one_section() {
    let site = Site::at(Stage::Prepare);
    let machine =
        "  - { name: app-01, master_target: mt1, filesystems: [ext4], disks: [10 GiB] }\n";
    let many: String =
        (0..100).map(|n| format!("  - {{ name: new-{n:03}, master_target: mt1 }}\n")).collect();
    site.replace(machine, &format!("{machine}{many}"));
    let output = run(site.path(), &["site.yaml", "--captures", "good", "--now", NOW]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("new-000, new-001 and 98 more: prepare"), "{text}");
    assert!(text.lines().count() < 400, "{} lines", text.lines().count());
    let output =
        run(site.path(), &["site.yaml", "--captures", "good", "--now", NOW, "--limit", "app-*"]);
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("app-01: prepare"));
    let output =
        run(site.path(), &["site.yaml", "--captures", "good", "--now", NOW, "--limit", "nobody"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn every_stage_is_printed_without_a_site_in_every_format() {
    let here = tempfile::tempdir().unwrap();
    for (scenario, word) in [(Scenario::VmwareClassic, "vmware"), (Scenario::Hyperv, "hyperv")] {
        for stage in scenario.stages() {
            let run = |format: &str| {
                let arguments = ["--step", stage.as_str(), "--scenario", word, "--format", format];
                let output = run(here.path(), &arguments);
                assert_eq!(
                    output.status.code(),
                    Some(0),
                    "{}",
                    String::from_utf8_lossy(&output.stderr)
                );
                String::from_utf8(output.stdout).unwrap()
            };
            for line in run("text").lines() {
                let is_command = line.trim_start().starts_with("$ ");
                let word = line.split_whitespace().any(|word| word.len() > 60);
                assert!(is_command || word || line.chars().count() <= 80, "{stage}: {line}");
            }
            assert!(run("markdown").contains("\n#### Never\n"));
            let page = run("html");
            assert!(
                page.contains("<input type=\"checkbox\">") && !page.contains("<script"),
                "{stage}"
            );
        }
    }
    let output = run(here.path(), &["--step", "sync"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("the stages of vmware are home, prepare")
    );
}

#[test]
fn the_guide_for_programs_keeps_to_its_schema() {
    let validator =
        jsonschema::validator_for(&serde_json::from_str(&schema_json()).unwrap()).unwrap();
    for stage in [Stage::Prepare, Stage::Replicating, Stage::Verify] {
        let site = Site::at(stage);
        site.write(&format!("stage: {stage}\n"), stage, &["cs.running", "failback.azure-vm-off"]);
        let (guide, _) = guide(&site, &[]);
        assert_eq!(guide["schema"], "preflight.guide/1");
        let errors: Vec<String> =
            validator.iter_errors(&guide).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn generated_documents_are_current() {
    let (_, steps) = steps();
    for (path, text) in [
        ("docs/failback-runbook.md", runbook_md(&steps)),
        ("docs/guide.schema.json", schema_json()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is old: run UPDATE_DOCS=1 cargo test", path.display());
    }
}

#[test]
fn following_needs_a_terminal() {
    let site = Site::at(Stage::Verify);
    let output = run(site.path(), &["site.yaml", "--captures", "good", "--now", NOW, "--follow"]);
    assert_eq!(output.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.contains("--follow asks on a terminal, and there is none"), "{complaint}");
}

#[test]
fn on_a_terminal_it_looks_again_says_what_changed_and_goes_on() {
    if !program::installed(&["python3"]) {
        return;
    }
    let site = Site::at(Stage::Verify);
    site.write("stage: verify\n", Stage::Verify, &["failback.azure-vm-off"]);
    let file = site.path().join("site.yaml").display().to_string();
    let captures = site.path().join("good").display().to_string();
    // The site file is another one when Enter is pressed: somebody has answered.
    let later = fs::read_to_string(&file).unwrap().replace("value: no", "value: yes");
    fs::write(site.path().join("later.yaml"), later).unwrap();
    let arguments = ["guide", &file, "--captures", &captures, "--now", NOW, "--follow"];
    let steps = [
        "see:Enter: look again",
        "type:\\n",
        "see:nothing has changed",
        "see:Enter: look again",
        "type:q\\n",
    ];
    let screen = sshd::at_terminal(site.path(), &steps, &arguments);
    screen.done();
    assert_eq!(screen.code, Some(1), "{screen:?}");
    let steps = [
        "see:Enter: look again",
        "wait:2",
        "type:\\n",
        "see:settled: failback.azure-vm-off fail",
        "see:Enter: look again",
        "type:q\\n",
    ];
    let (from, to) = (site.path().join("later.yaml"), file.clone());
    let editor = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        fs::rename(from, to).unwrap();
    });
    let screen = sshd::at_terminal(site.path(), &steps, &arguments);
    editor.join().unwrap();
    screen.done();
    assert_eq!(screen.code, Some(0), "{screen:?}");
}
