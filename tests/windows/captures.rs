//! Captures of Windows master targets, in a site and alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

const GOOD: &str = include_str!("good.json");

const SITE: &str = "\
configuration_server: { address: 192.0.2.10, version: 9.8.9.0 }
process_servers: [ { name: ps1, address: 192.0.2.11, version: 9.8.9.0 } ]
master_targets:
  - { name: mt-win, os: windows, vm: asr-mt-win, capture: win.json }
protected_vms:
  - { name: app-01, master_target: mt-win, os: windows, stage: prepare }
answers:
  - { check: agent.registered, target: mt-win, value: yes, by: ann, at: 2026-11-25 }
";

const NOW: &str = "2026-11-25T12:00:00Z";

fn run(directory: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("preflight"));
    command.args(args).current_dir(directory).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A directory with a site and the capture of its master target.
fn site_with(capture: &[u8]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("site.yaml"), SITE).unwrap();
    fs::write(directory.path().join("win.json"), capture).unwrap();
    directory
}

/// The report of a site with this capture.
fn report(capture: &[u8], now: &str) -> Value {
    let directory = site_with(capture);
    let args = ["check", "site", "site.yaml", "--format", "json", "--now", now];
    let output = run(directory.path(), &args);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)))
}

/// The outcome of a check on the Windows master target; a warning is a failure of that severity.
fn outcome(report: &Value, check: &str) -> String {
    let results = report["results"].as_array().unwrap();
    let found = results.iter().find(|one| one["check"] == check && one["target"] == "mt-win");
    let Some(found) = found else { return "absent".to_owned() };
    assert_ne!(found["defect"], true, "{found}");
    match (found["outcome"].as_str().unwrap(), found["severity"].as_str().unwrap()) {
        ("fail", "warning") => "warn".to_owned(),
        (outcome, _) => outcome.to_owned(),
    }
}

fn with(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut capture: Value = serde_json::from_str(GOOD).unwrap();
    change(&mut capture);
    capture.to_string().into_bytes()
}

/// The checks that the capture decides.
const CHECKS: &[&str] = &[
    "retention.win-volume-exists",
    "retention.win-not-fat",
    "retention.win-not-locked",
    "retention.win-capacity",
    "retention.win-not-cache",
    "retention.win-not-system",
    "retention.win-not-in-use",
    "agent.win-installed",
    "agent.win-services",
    "agent.win-version-order",
    "mt.win-clock",
    "evidence.fresh",
    "agent.registered",
];

#[test]
fn a_good_windows_master_target_passes_and_no_linux_check_is_of_it() {
    let report = report(GOOD.as_bytes(), NOW);
    for check in CHECKS {
        assert_eq!(outcome(&report, check), "pass", "{check}");
    }
    for check in
        ["retention.mounted", "mt.pkg-multipath", "agent.installed", "custom-changes.run-once"]
    {
        assert_eq!(outcome(&report, check), "absent", "{check}");
    }
    // What vSphere would know of its machine is in scope, and unknown without vSphere.
    for check in ["mt.no-snapshot", "mt.disk-enable-uuid", "mt.in-inventory", "retention.exists"] {
        assert_eq!(outcome(&report, check), "unknown", "{check}");
    }
    let targets = report["targets"].as_array().unwrap();
    assert!(targets.iter().any(|target| target["kind"] == "windows-mt"), "{targets:?}");
}

#[test]
fn what_powershell_makes_of_the_file_does_not_matter() {
    let utf16 = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        ("\u{feff}".to_owned() + GOOD).encode_utf16().flat_map(order).collect()
    };
    for bytes in [
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
        ("\u{feff}".to_owned() + GOOD).into_bytes(),
        GOOD.replace('\n', "\r\n").into_bytes(),
    ] {
        let report = report(&bytes, NOW);
        for check in CHECKS {
            assert_eq!(outcome(&report, check), "pass", "{check}");
        }
    }
}

#[test]
fn every_spelling_of_powershells_json_is_read() {
    // As 5.1 spells it: two blanks behind a colon, and some characters of plain ASCII as escapes.
    let spelled = GOOD.replace("\": ", "\":  ").replace('\n', "\r\n");
    let escaped = spelled.replace("svagents", "\\u0073vagents").replace('&', "\\u0026");
    // As 5.1 makes it of a list that went through a function: an object with the list and its length.
    let wrapped = with(|capture| {
        for name in ["volumes", "partitions", "disks", "products", "settings", "services"] {
            let list = capture[name]["value"].take();
            let count = list.as_array().unwrap().len();
            capture[name]["value"] = json!({ "value": list, "Count": count });
        }
    });
    // As 7 prints it when it is told to save room.
    let compressed = with(|_| {});
    for (name, bytes) in [
        ("spelled", spelled.into_bytes()),
        ("escaped", escaped.into_bytes()),
        ("wrapped", wrapped),
        ("compressed", compressed),
    ] {
        let report = report(&bytes, NOW);
        for check in CHECKS {
            assert_eq!(outcome(&report, check), "pass", "{name}: {check}");
        }
    }
}

#[test]
fn an_error_in_any_language_leaves_unknown_what_it_is_about() {
    let members: Value = serde_json::from_str(GOOD).unwrap();
    let members = members.as_object().unwrap().iter().filter(|(_, value)| value.is_object());
    for (name, _) in members {
        let text = "Zugriff verweigert. (Ausnahme von HRESULT: 0x80070005)";
        let report = report(&with(|capture| capture[name] = json!({ "error": text })), NOW);
        let outcomes: Vec<String> = CHECKS.iter().map(|check| outcome(&report, check)).collect();
        // Nothing fails because it could not be asked.
        assert!(
            outcomes.iter().all(|word| word != "fail" && word != "warn"),
            "{name}: {outcomes:?}"
        );
    }
}

#[test]
fn each_fault_of_a_windows_master_target_is_found() {
    type Change = fn(&mut Value);
    let faults: &[(&str, &str, Change)] = &[
        ("retention.win-volume-exists", "fail", |capture| {
            capture["volumes"]["value"].as_array_mut().unwrap().truncate(3);
        }),
        ("retention.win-not-fat", "fail", |capture| {
            capture["volumes"]["value"][3]["file_system"] = json!("FAT32");
        }),
        ("retention.win-not-fat", "warn", |capture| {
            capture["volumes"]["value"][3]["file_system"] = json!("ReFS");
        }),
        ("retention.win-not-locked", "fail", |capture| {
            capture["volumes"]["value"][3]["file_system"] = json!("");
        }),
        ("retention.win-not-locked", "fail", |capture| {
            capture["disks"]["value"][1]["offline"] = json!(true);
        }),
        ("retention.win-capacity", "warn", |capture| {
            capture["volumes"]["value"][3]["free"] = json!(21_474_836_480_i64);
        }),
        ("retention.win-capacity", "fail", |capture| {
            capture["volumes"]["value"][3]["size"] = json!(0);
        }),
        ("retention.win-not-cache", "fail", |capture| {
            capture["settings"]["value"][0]["lines"][1] = json!("CacheDirectory = R:\\cache");
        }),
        ("retention.win-not-cache", "fail", |capture| {
            let process_server = json!({ "name": "cxprocessserver", "state": "Running" });
            capture["services"]["value"].as_array_mut().unwrap().push(process_server);
            capture["partitions"]["value"][1]["disk"] = json!(0);
        }),
        ("retention.win-not-system", "warn", |capture| {
            capture["partitions"]["value"][1]["disk"] = json!(0);
        }),
        ("retention.win-not-system", "fail", |capture| {
            capture["system"]["value"]["drive"] = json!("R:");
        }),
        ("retention.win-not-in-use", "fail", |capture| {
            capture["page_files"]["value"] = json!("R:\\pagefile.sys");
        }),
        ("agent.win-installed", "fail", |capture| {
            capture["settings"]["value"] = json!([]);
            capture["products"]["value"] = Value::Null;
        }),
        ("agent.win-installed", "unknown", |capture| {
            capture["settings"]["value"] = json!([]);
        }),
        ("agent.win-installed", "fail", |capture| {
            capture["settings"]["value"][0]["lines"][2] = json!("Role = Agent");
        }),
        ("agent.win-services", "fail", |capture| {
            capture["services"]["value"][0]["state"] = json!("Stopped");
        }),
        ("agent.win-version-order", "fail", |capture| {
            capture["products"]["value"][0]["Product_Version"] = json!("9.8.10.0");
        }),
        ("mt.win-clock", "warn", |capture| capture["time_source"]["value"] = json!("NoSync")),
        ("mt.win-clock", "unknown", |capture| {
            capture["time_source"] =
                json!({ "error": "Requested registry access is not allowed." });
        }),
        ("retention.win-volume-exists", "unknown", |capture| {
            capture["volumes"] = json!({ "error": "Access denied" });
        }),
    ];
    for (check, expected, change) in faults {
        let report = report(&with(change), NOW);
        assert_eq!(outcome(&report, check), *expected, "{check}: {report:#}");
    }
}

#[test]
fn what_changes_quickly_is_unknown_in_an_old_capture() {
    let report = report(GOOD.as_bytes(), "2026-11-30T12:00:00Z");
    assert_eq!(outcome(&report, "agent.win-services"), "unknown");
    assert_eq!(outcome(&report, "evidence.fresh"), "warn");
    assert_eq!(outcome(&report, "retention.win-not-fat"), "pass");
}

#[test]
fn a_hostile_capture_is_refused_or_unknown() {
    let deep = |count: usize| {
        let inner = "[".repeat(count) + &"]".repeat(count);
        format!("{{ \"schema\": \"preflight.windows-capture/1\", \"volumes\": {inner} }}")
    };
    let long = with(|capture| capture["host_name"] = json!("x".repeat(5000)));
    for refused in [
        long,
        GOOD.as_bytes()[..GOOD.len() / 2].to_vec(),
        b"\xff\xfe".to_vec(),
        GOOD.replace("windows-capture/1", "windows-capture/9").into_bytes(),
    ] {
        let directory = site_with(&refused);
        let output = run(directory.path(), &["check", "site", "site.yaml", "--now", NOW]);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    }
    // A member of a wrong type costs what it would have decided, and nothing else.
    for name in ["system", "volumes", "partitions", "disks", "products", "settings", "services"] {
        for wrong in [
            json!(7),
            json!([]),
            json!({}),
            json!({ "value": 7 }),
            json!({ "value": "text" }),
            json!({ "value": [null, 1, "x", [], { "drive": {}, "disk": -1, "lines": [1] }] }),
            json!({ "error": { "deep": [1] } }),
        ] {
            let report = report(&with(|capture| capture[name] = wrong.clone()), NOW);
            assert_eq!(outcome(&report, "evidence.fresh"), "pass", "{name} {wrong}");
            for check in CHECKS {
                assert_ne!(outcome(&report, check), "absent", "{name} {wrong} {check}");
            }
        }
    }
    let deep = deep(100_000).into_bytes();
    assert_eq!(outcome(&report(&deep, NOW), "retention.win-not-fat"), "unknown");
    let large = with(|capture| capture["powershell"] = json!("x".repeat(300 * 1024)));
    assert_eq!(outcome(&report(&large, NOW), "retention.win-not-fat"), "unknown");
}

#[test]
fn a_host_is_checked_by_its_name_and_saved_and_read_again() {
    let directory = site_with(GOOD.as_bytes());
    let path = directory.path();
    let alone = run(path, &["check", "host", "mt-win", "--site", "site.yaml", "--now", NOW]);
    assert!(text(&alone).contains("mt-win"), "{}", text(&alone));
    let named = run(path, &["check", "host", "capture:win.json", "--now", NOW]);
    assert!(text(&named).contains("MT-WIN"), "{}", text(&named));
    let saved = run(path, &["collect", "site", "site.yaml", "-o", "saved"]);
    assert!(path.join("saved/windows-mt.mt-win.json").is_file(), "{}", text(&saved));
    let args = ["check", "site", "site.yaml", "--now", NOW, "--format", "json"];
    let live = run(path, &args);
    let again = run(path, &[&args[..], &["--captures", "saved"]].concat());
    assert_eq!(text(&live), text(&again));
}

#[test]
fn without_a_capture_it_is_a_target_whose_own_facts_are_unknown() {
    let directory = site_with(GOOD.as_bytes());
    let path = directory.path();
    fs::write(path.join("site.yaml"), SITE.replace(", capture: win.json", "")).unwrap();
    let args = ["check", "site", "site.yaml", "--now", NOW, "--format", "json"];
    let output = run(path, &args);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome(&report, "retention.win-not-fat"), "unknown");
    assert_eq!(outcome(&report, "agent.registered"), "pass");
}

#[test]
fn a_site_file_says_what_a_master_target_lacks_with_its_line() {
    for (from, to, says) in [
        (
            "os: windows, vm: asr-mt-win, capture: win.json",
            "vm: asr-mt-win",
            "line 4, column 13: the master target \"mt-win\" has no ssh:",
        ),
        (
            "os: windows, vm",
            "ssh: 'ssh://root@mt', vm",
            "only a Windows master target has a capture:",
        ),
        ("capture: win.json", "ssh: 'ssh://root@mt'", "is not asked over SSH"),
        ("capture: win.json", "retention: /mnt/r", "\"/mnt/r\" is not a drive of Windows"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        assert!(SITE.contains(from), "{from}");
        fs::write(directory.path().join("site.yaml"), SITE.replacen(from, to, 1)).unwrap();
        let output = run(directory.path(), &["check", "site", "site.yaml"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output).contains(says), "{}", text(&output));
    }
    for good in ["'S:'", "'S:\\retention'"] {
        let directory = site_with(GOOD.as_bytes());
        let site = SITE.replacen("capture:", &format!("retention: {good}, capture:"), 1);
        fs::write(directory.path().join("site.yaml"), site).unwrap();
        let output = run(directory.path(), &["check", "host", "mt-win", "--site", "site.yaml"]);
        assert!(text(&output).contains("there is no volume S:"), "{}", text(&output));
    }
}
