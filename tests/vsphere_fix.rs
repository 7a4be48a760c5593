//! `check vcenter --fix` on a simulated server: the one setting is set where that is safe and
//! somebody agrees, and nothing is touched anywhere else; and `--fix-script`.
//!
//! What an independent client reads afterwards is in `tests/vsphere_oracle.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "vsphere/judged.rs"]
mod judged;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use judged::*;
use program::Ran;
use serde_json::{Value, json};
use simulator::{Simulator, scenario_json};

/// A scenario in which the master target is off, with one more change.
fn off(name: &str, change: impl FnOnce(&mut Value)) -> Option<Simulator> {
    let mut scenario = scenario_json(name);
    scenario["vms"][0]["powerOff"] = json!(true);
    change(&mut scenario);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), scenario.to_string()).unwrap();
    Simulator::start(file.path(), &[])
}

/// Checks and mends; gives the run and what is found of the setting after it.
fn fix(server: &Simulator, who: Who, more: &[&str]) -> (Ran, String) {
    let args = [&MACHINES[..], &["--fix"], more].concat();
    let (ran, report) = check(server, "vcenter", who, &args);
    assert_eq!(server.sessions(), 0, "sessions are left open");
    let found = outcomes(&report).get("asr-mt-01 mt.disk-enable-uuid").cloned();
    (ran, found.unwrap_or_default())
}

#[test]
fn the_setting_is_set_on_a_machine_that_is_off_and_read_back() {
    for (name, row, old) in [
        ("enableuuid-missing", "disk.EnableUUID", ""),
        ("enableuuid-quoted", "disk.EnableUUID", "\"True\""),
        ("enableuuid-false", "disk.EnableUUID", "FALSE"),
    ] {
        let Some(server) = off(name, |_| {}) else { return };
        let (ran, found) = fix(&server, ADMINISTRATOR, &["--yes"]);
        let said = ran.complaint();
        assert_eq!(found, "pass", "{name}: {said}");
        assert_eq!(server.calls("ReconfigVM_Task"), 1, "{name}");
        for words in [
            "--fix changes one setting of one virtual machine:",
            &format!("will be  {row} = \"TRUE\""),
            &format!("govc vm.change -vm 'asr-mt-01' -e '{row}={old}'"),
            "asr-mt-01 was changed, and now says disk.EnableUUID = \"TRUE\"",
        ] {
            assert!(said.contains(words), "{name}: {words}: {said}");
        }
        // Once is enough.
        let (ran, found) = fix(&server, ADMINISTRATOR, &["--yes"]);
        assert_eq!(found, "pass", "{name}");
        assert!(ran.complaint().contains("nothing to fix"), "{}", ran.complaint());
        assert_eq!(server.calls("ReconfigVM_Task"), 1, "{name}");
    }
}

#[test]
fn without_a_word_of_agreement_nothing_is_changed() {
    let Some(server) = off("enableuuid-missing", |_| {}) else { return };
    let (ran, found) = fix(&server, ADMINISTRATOR, &[]);
    assert_eq!((found.as_str(), ran.code), ("fail", Some(1)), "{}", ran.text());
    for words in ["will be  disk.EnableUUID", "add --yes", "nothing was changed"] {
        assert!(ran.complaint().contains(words), "{words}: {}", ran.complaint());
    }
    assert_eq!(server.calls("ReconfigVM_Task"), 0);
    // Nor is anything said or asked when nobody wants it mended.
    let (ran, _) = check(&server, "vcenter", ADMINISTRATOR, &MACHINES);
    assert!(!ran.complaint().contains("--fix"), "{}", ran.complaint());
    let (args, home) =
        (["check", "vcenter", "vsphere://a@b", "--yes"], tempfile::tempdir().unwrap());
    let output = Command::new(program::binary()).args(args).env("HOME", home.path()).output();
    assert_eq!(output.unwrap().status.code(), Some(2), "--yes alone agrees to nothing");
}

#[test]
fn what_is_not_safe_is_refused_and_the_server_is_not_asked_for_it() {
    let twice = json!([
        { "key": "disk.EnableUUID", "value": "FALSE" },
        { "key": "disk.enableUUID", "value": "TRUE" },
    ]);
    let lacking = |scenario: &mut Value| {
        let list = scenario["roles"][0]["privileges"].as_array_mut().unwrap();
        list.retain(|id| id != "VirtualMachine.Config.AdvancedConfig");
    };
    type Change<'a> = Box<dyn FnOnce(&mut Value) + 'a>;
    let cases: Vec<(&str, Who, Change<'_>, &str)> = vec![
        (
            "enableuuid-missing",
            ADMINISTRATOR,
            Box::new(|scenario| scenario["vms"][0]["powerOff"] = json!(false)),
            "asr-mt-01 is poweredOn",
        ),
        (
            "enableuuid-missing",
            ADMINISTRATOR,
            Box::new(|scenario| scenario["vms"][0]["newName"] = json!("asr-mt-02")),
            "the account sees no virtual machine named \"asr-mt-01\"",
        ),
        (
            "enableuuid-missing",
            ADMINISTRATOR,
            Box::new(|scenario| scenario["vms"][1]["newName"] = json!("asr-mt-01")),
            "2 virtual machines are named \"asr-mt-01\"",
        ),
        (
            "enableuuid-missing",
            ADMINISTRATOR,
            Box::new(|scenario| scenario["vms"][0]["extraConfig"] = twice),
            "asr-mt-01 has the setting more than once",
        ),
        (
            "enableuuid-missing",
            ASR,
            Box::new(lacking),
            "asr@vsphere.local lacks VirtualMachine.Config.AdvancedConfig on asr-mt-01",
        ),
        ("good", ADMINISTRATOR, Box::new(|_| {}), "asr-mt-01 has it already"),
    ];
    for (name, who, change, told) in cases {
        let Some(server) = off(name, change) else { return };
        let (ran, _) = fix(&server, who, &["--yes"]);
        let said = ran.complaint().to_lowercase();
        assert!(said.contains(&told.to_lowercase()), "{told}: {said}");
        assert_eq!(server.calls("ReconfigVM_Task"), 0, "{told}");
    }
}

#[test]
fn a_server_that_refuses_or_breaks_is_told_and_logged_out_of() {
    for (fault, told) in [
        ("ReconfigVM_Task:fault", "RuntimeFault"),
        ("ReconfigVM_Task:reset", "not known to be changed"),
        ("ReconfigVM_Task:hang", "no answer within 3 s"),
    ] {
        let mut scenario = scenario_json("enableuuid-missing");
        scenario["vms"][0]["powerOff"] = json!(true);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), scenario.to_string()).unwrap();
        let Some(server) = Simulator::start(file.path(), &["-fault", fault]) else { return };
        let (ran, found) = fix(&server, ADMINISTRATOR, &["--yes", "--timeout", "3"]);
        assert!(ran.complaint().contains(told), "{fault}: {}", ran.complaint());
        assert_eq!((found.as_str(), ran.code), ("fail", Some(1)), "{fault}");
    }
    // A host whose licence allows no changes.
    let free = |scenario: &mut Value| {
        scenario["vms"][0]["extraConfig"] = json!([]);
        scenario["vms"][0]["diskUUID"] = json!(false);
    };
    let Some(server) = off("free-esxi", free) else { return };
    let (ran, report) = check(&server, "vcenter", ROOT, &["--vm", "asr-mt-01", "--fix", "--yes"]);
    assert!(ran.complaint().contains("RestrictedVersion"), "{}", ran.complaint());
    assert!(ran.complaint().contains("licence of this host"), "{}", ran.complaint());
    assert_eq!(outcomes(&report)["asr-mt-01 mt.disk-enable-uuid"], "fail");
}

#[test]
fn what_cannot_be_fixed_is_refused_before_anything_is_contacted() {
    let home = tempfile::tempdir().unwrap();
    for (args, told) in [
        (vec!["check", "vcenter", "capture:vc.json", "--fix"], "a capture cannot be changed"),
        (vec!["check", "vcenter", "vsphere://a@127.0.0.1:1", "--fix"], "which machine?"),
    ] {
        let ran = preflight(ASR, home.path(), &args);
        assert_eq!(ran.code, Some(2), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{}", ran.complaint());
    }
}

#[test]
fn a_script_of_what_failed_is_its_owners_and_does_nothing_when_it_is_run() {
    let hostile = "mt'$(touch owned)`touch owned`\"; touch owned #";
    let change = |scenario: &mut Value| scenario["vms"][0]["newName"] = json!(hostile);
    let Some(server) = off("enableuuid-missing", change) else { return };
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("mend.sh");
    let path = script.to_str().unwrap();
    let args = ["--vm", hostile, "--protected-vm", "app-01", "--fix-script", path];
    let (ran, report) = check(&server, "vcenter", ADMINISTRATOR, &args);
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    let text = fs::read_to_string(&script).unwrap();
    let mode = fs::metadata(&script).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & 0o077, 0, "{mode:o}");
    for result in report["results"].as_array().unwrap() {
        let id = result["check"].as_str().unwrap();
        assert_eq!(
            text.contains(&format!("# {id} (")),
            result["outcome"] == "fail",
            "{id}: {text}"
        );
    }
    assert!(text.contains("govc vm.change -vm"), "{text}");
    assert!(text.contains("# downtime: yes"), "{text}");
    for shell in ["sh", "bash"] {
        let shell = |args: &[&str]| {
            let mut command = Command::new(shell);
            command.args(args).arg(&script).current_dir(dir.path()).stdin(Stdio::null());
            command.output().unwrap()
        };
        let parsed = shell(&["-n"]);
        assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
        let output = shell(&[]);
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8_lossy(&output.stderr).contains("commands to review"));
    }
    // Whatever is no comment is a command of a check, and in it a host's word is one word.
    let remedies = report["results"].as_array().unwrap().iter();
    let remedies = remedies.flat_map(|result| result["remedy"]["commands"].as_array().unwrap());
    let known: Vec<&str> = remedies.map(|command| command.as_str().unwrap()).collect();
    let bare = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    for line in bare.skip(3) {
        assert!(known.contains(&line), "{line}");
        if line.contains("owned") {
            let typed = format!("govc() {{ printf '%s|' \"$@\"; }}\n{line}");
            let output = Command::new("sh").args(["-c", &typed]).current_dir(dir.path()).output();
            let said = String::from_utf8(output.unwrap().stdout).unwrap();
            assert!(said.contains(&format!("|{hostile}|")), "one word: {line}: {said}");
        }
    }
    assert!(text.contains("touch owned"), "the name stands in comments: {text}");
    assert!(!dir.path().join("owned").exists());
}
