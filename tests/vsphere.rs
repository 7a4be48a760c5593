//! A vCenter server and an ESXi host, simulated over real TLS: what the program finds in each
//! scenario, what it makes of servers in trouble, and what nobody may learn from it.
//!
//! The same facts as an independent client reads them are in `tests/vsphere_oracle.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use program::{Limits, Ran, finish, installed, limited};
use serde_json::{Value, json};
use simulator::{Simulator, scenario, scenario_json};

/// Time of the clock is the server's; the program itself needs little.
const LIMITS: Limits =
    Limits { cpu_s: 5, memory_mib: 96, file_kib: None, patience: Duration::from_secs(40) };

/// Who logs in, and with what.
#[derive(Clone, Copy)]
struct Who(&'static str, &'static str);

const ASR: Who = Who("asr@vsphere.local", "asr-Pass1");
const ADMINISTRATOR: Who = Who("administrator@vsphere.local", "Admin!23");
const ROOT: Who = Who("root", "root-Pass1");

/// What most runs ask about.
const MACHINES: [&str; 6] =
    ["--vm", "asr-mt-01", "--protected-vm", "app-01", "--discovery-account", "asr@vsphere.local"];

/// Runs the program in an empty home.
fn preflight(who: Who, home: &Path, args: &[&str]) -> Ran {
    let mut command = limited(program::binary().as_os_str(), &LIMITS);
    command.args(args).env("PREFLIGHT_PASSWORD", who.1);
    command.env("HOME", home).env_remove("XDG_CONFIG_HOME").env_remove("SSL_CERT_FILE");
    let ran = finish(&mut command, home, LIMITS.patience);
    assert_eq!(ran.misdeeds(), [""; 0], "{args:?}");
    ran
}

/// Outcomes by target and check, such as `asr-mt-01 mt.no-snapshot` -> `fail`.
type Outcomes = BTreeMap<String, String>;

fn outcomes(report: &Value) -> Outcomes {
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
fn check(server: &Simulator, verb: &str, who: Who, more: &[&str]) -> (Ran, Value) {
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
fn good() -> Outcomes {
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
         mt.no-storage-vmotion retention.exists",
    );
    put("DC0_H0", "pass", "esxi.host-connected esxi.not-free esxi.vmfs-present vcenter.version");
    put("DC0_H0", "not-applicable", "vcenter.tls-version");
    put(
        "app-01",
        "pass",
        "mt.uuid-clash mt.os-matches-guest esxi.memory vm.exists-or-alr vm.poweroff vm.no-snapshot \
         vm.disk-enable-uuid vm.uefi-source vm.name-collision datastore.reachable-vcenter \
         datastore.readwrite datastore.type-olr datastore.same-as-mt",
    );
    put(
        "app-01",
        "not-applicable",
        "esxi.host-choice-alr after.vmware-tools datastore.type-alr datastore.space-alr",
    );
    all
}

/// The good outcomes with some of them changed, each as `WORD TARGET CHECK...`.
fn good_but(changes: &[&str]) -> Outcomes {
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

fn different(found: &Outcomes, expected: &Outcomes) -> Vec<String> {
    let keys = found.keys().chain(expected.keys());
    let mut different: Vec<String> = keys
        .filter(|key| found.get(*key) != expected.get(*key))
        .map(|key| format!("{key}: {:?}, expected {:?}", found.get(key), expected.get(key)))
        .collect();
    different.dedup();
    different
}

#[test]
fn every_scenario_leads_to_its_findings_and_to_no_others() {
    // What depends on a machine that this account may not see.
    let hidden = "unknown app-01 mt.uuid-clash mt.os-matches-guest esxi.memory vm.exists-or-alr \
                  vm.poweroff vm.no-snapshot vm.disk-enable-uuid vm.uefi-source \
                  datastore.reachable-vcenter datastore.readwrite datastore.type-olr \
                  datastore.same-as-mt esxi.host-choice-alr after.vmware-tools datastore.type-alr \
                  datastore.space-alr";
    let hidden_slots = "unknown asr-mt-01 mt.disk-slots";
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
        ("nfs-vsan", ASR, &["warn app-01 datastore.same-as-mt"], 0),
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
            ("esxi.not-free", free),
            ("esxi.vmfs-present", "pass"),
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

/// A fault of the simulator, what is told of it, and whether the session had been opened.
const TROUBLES: &[(&str, &str)] = &[
    ("RetrievePropertiesEx:badxml", "malformed XML"),
    ("RetrievePropertiesEx:bomb", "document type"),
    ("RetrievePropertiesEx:deep", "levels deep"),
    ("RetrievePropertiesEx:huge", "more than 16777216 bytes"),
    ("RetrievePropertiesEx:http503", "HTTP 503"),
    ("RetrievePropertiesEx:http403", "HTTP 403"),
    ("RetrievePropertiesEx:reset", "was closed"),
    ("RetrievePropertiesEx:html", "web page titled \"Sign in\""),
    ("RetrievePropertiesEx:hang", "no answer within 3 s"),
    ("RetrievePropertiesEx:fault", "RuntimeFault"),
    ("RetrievePropertiesEx:badxml:1", "malformed XML"),
    ("CreateContainerView:fault", "RuntimeFault"),
    ("QueryAssignedLicenses:fault", "RuntimeFault"),
    ("HasPrivilegeOnEntities:fault", "RuntimeFault"),
    ("HasPrivilegeOnEntities:huge:1", "more than 16777216 bytes"),
    ("QueryEvents:fault", "RuntimeFault"),
    ("Login:http401", "HTTP 401"),
    ("Login:hang", "no answer within 3 s"),
    ("Login:fault", "RuntimeFault"),
];

#[test]
fn a_server_in_trouble_leaves_things_unknown_and_nothing_falsely_passed() {
    for (fault, told) in TROUBLES {
        let Some(server) = Simulator::start(&scenario("good"), &["-fault", fault]) else { return };
        let began = Instant::now();
        let (ran, report) =
            check(&server, "vcenter", ASR, &[&MACHINES[..], &["--timeout", "3"]].concat());
        assert!(began.elapsed() < Duration::from_secs(9), "{fault} took {:?}", began.elapsed());
        let found = outcomes(&report);
        let changed: Vec<_> = good().into_iter().filter(|(k, v)| found.get(k) != Some(v)).collect();
        assert!(!changed.is_empty(), "{fault} changes nothing");
        for (key, _) in changed {
            let Some(word) = found.get(&key) else {
                // The host that nobody could tell is called otherwise.
                assert!(key.starts_with("DC0_H0"), "{fault}: {key} is gone");
                continue;
            };
            // Something else than the service answered only where that was told.
            let otherwise = ["vcenter.service-answers", "vcenter.connected"];
            assert!(
                word == "unknown" || otherwise.iter().any(|id| key.ends_with(id)),
                "{fault}: {key} is {word}"
            );
        }
        assert_eq!(ran.code, Some(3), "{fault}: {}", ran.text());
        let all = ran.text().replace("\\\"", "\"");
        assert!(all.contains(told), "{fault}: {told:?} is not told: {all}");
        assert_eq!(server.sessions(), 0, "{fault}: sessions are left open");
    }
}

#[test]
fn what_answers_in_place_of_the_service_is_a_finding() {
    for (kind, told) in [
        ("http503", "HTTP 503 Service Unavailable"),
        ("http302", "HTTP 302 Found"),
        ("http401", "HTTP 401"),
        ("html", "what answers is not the vSphere service"),
        ("badxml", "malformed XML"),
        ("bomb", "document type"),
        ("huge", "more than"),
    ] {
        let fault = format!("RetrieveServiceContent:{kind}");
        let Some(server) = Simulator::start(&scenario("good"), &["-fault", &fault]) else { return };
        let (ran, report) = check(&server, "vcenter", ASR, &MACHINES);
        let found = outcomes(&report);
        assert_eq!(found["127.0.0.1 vcenter.service-answers"], "fail", "{kind}");
        assert_eq!(found["127.0.0.1 vcenter.connected"], "not-applicable", "{kind}");
        assert_eq!(found["127.0.0.1 vcenter.tls-version"], "pass", "{kind}");
        assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "unknown", "{kind}");
        assert_eq!(ran.code, Some(1), "{kind}");
        let results = report["results"].as_array().unwrap();
        let id = |result: &&Value| result["check"] == "vcenter.service-answers";
        let words = results.iter().find(id).unwrap()["found"].as_str().unwrap();
        assert!(words.contains(told), "{kind}: {words}");
        assert_eq!(server.calls("Login"), 0, "{kind}: it was logged in to");
    }
}

#[test]
fn a_server_that_is_not_the_one_that_is_trusted_hears_no_password_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("vc.pem");
    let written = ["-cert-out", pem.to_str().unwrap()];
    let Some(server) = Simulator::start(&scenario("good"), &written) else { return };
    let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let wrong = "AB".repeat(32);
    let wrong_sha1 = "AB".repeat(20);
    for (args, told) in [
        (vec!["--thumbprint", &wrong], "should be AB:AB"),
        (vec!["--thumbprint", &wrong_sha1], "should be AB:AB"),
        (vec![], "self-signed certificate"),
        // The pin counts, also where an authority would do.
        (vec!["--thumbprint", &wrong, "--ca-file", pem.to_str().unwrap()], "should be AB:AB"),
    ] {
        let args = [&["check", "vcenter", &target], &args[..]].concat();
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{told}: {}", ran.complaint());
        assert!(ran.complaint().contains(&server.sha256), "{}", ran.complaint());
        assert_eq!(server.all_calls(), json!({}), "{args:?}");
    }
    let sha1 = server.sha1.to_lowercase().replace(':', "");
    for args in [
        vec!["--thumbprint", server.sha256.as_str()],
        vec!["--thumbprint", &sha1],
        vec!["--ca-file", pem.to_str().unwrap()],
    ] {
        let args = [&["check", "vcenter", &target], &args[..], &MACHINES].concat();
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.text());
        assert_eq!(ran.complaint().contains("can be forged"), args.contains(&sha1.as_str()));
    }
}

#[test]
fn a_certificate_for_another_name_or_one_that_has_expired_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("vc.pem");
    for (name, more, told) in [
        ("wrong-cert-name", "-cert-rsa", "IP address mismatch"),
        ("good", "-cert-expired", "certificate has expired"),
    ] {
        let args = ["-cert-out", pem.to_str().unwrap(), more];
        let Some(server) = Simulator::start(&scenario(name), &args) else { return };
        let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
        let args = ["check", "vcenter", &target, "--ca-file", pem.to_str().unwrap()];
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{}", ran.complaint());
        assert_eq!(server.all_calls(), json!({}));
        // Whoever has compared the thumbprint may go on.
        let args = ["check", "vcenter", &target, "--thumbprint", &server.sha256];
        let ran = preflight(ASR, dir.path(), &[&args[..], &MACHINES].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
}

#[test]
fn a_thumbprint_is_kept_once_somebody_has_compared_it() {
    let home = tempfile::tempdir().unwrap();
    let Some(server) = Simulator::of("good") else { return };
    let target = format!("vsphere://{}", server.authority);
    let trust = |more: &[&str]| preflight(ASR, home.path(), &[&["trust", &target], more].concat());
    let ran = trust(&[]);
    assert_eq!(ran.code, Some(2), "nobody has compared it: {}", ran.text());
    assert!(ran.text().contains(&server.sha256) && ran.text().contains(&server.sha1));
    assert_eq!(trust(&["--thumbprint", &"AB".repeat(32)]).code, Some(2));
    let file = home.path().join(".config/preflight/thumbprints");
    assert!(!file.exists());
    assert_eq!(trust(&["--thumbprint", &server.sha1]).code, Some(0));
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(kept, format!("{} {}\n", server.authority, server.sha256));
    let mode = fs::metadata(file.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(server.all_calls(), json!({}), "showing a certificate asks nothing");
    let account = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let args = [&["check", "vcenter", &account][..], &MACHINES].concat();
    assert_eq!(preflight(ASR, home.path(), &args).code, Some(0));
    // Another certificate at the same place.
    let other = kept.replace(&server.sha256, &[vec!["CD"; 32].join(":")].concat());
    fs::write(&file, other).unwrap();
    let ran = preflight(ASR, home.path(), &args);
    assert!(ran.complaint().contains("it has changed"), "{}", ran.complaint());
    let ran = trust(&["--yes"]);
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.text().contains("--replace"));
    assert_eq!(trust(&["--replace"]).code, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), kept);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(server) = Simulator::of("good") else { return };
    let wrong = Who("asr@vsphere.local", "wrong");
    let (ran, report) = check(&server, "vcenter", wrong, &MACHINES);
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert!(ran.complaint().contains("refused the user name or the password"));
    assert!(ran.complaint().contains("hint: write the account as NAME@DOMAIN"));
    let found = outcomes(&report);
    assert_eq!(found["127.0.0.1 vcenter.service-answers"], "pass");
    assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "unknown");
    assert_eq!((server.calls("Login"), server.sessions()), (1, 0));
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

#[test]
fn nothing_that_is_secret_is_told_or_kept() {
    const PASSWORD: &str = "Canary-7f3a<&>\"'%";
    const SERIAL: &str = "CANAR-YSERI-ALNUM-BEROF-LICEN";
    const GUEST: &str = "canary-of-a-guest";
    let dir = tempfile::tempdir().unwrap();
    let mut scenario = scenario_json("good");
    scenario["accounts"][1]["password"] = json!(PASSWORD);
    scenario["licences"][0]["key"] = json!(SERIAL);
    let rows = scenario["vms"][0]["extraConfig"].as_array_mut().unwrap();
    rows.push(json!({ "key": "guestinfo.userdata", "value": GUEST }));
    let path = dir.path().join("scenario.json");
    fs::write(&path, scenario.to_string()).unwrap();
    let Some(server) = Simulator::start(&path, &[]) else { return };
    fs::remove_file(&path).unwrap();
    let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let wrong = "AB".repeat(32);
    let pinned = ["--thumbprint", server.sha256.as_str()];
    let file = dir.path().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let runs: &[Vec<&str>] = &[
        [&["-vv", "check", "vcenter", &target], &pinned[..], &MACHINES].concat(),
        [&["-vv", "check", "vcenter", &target], &pinned[..], &MACHINES, &["--format", "json"]]
            .concat(),
        [&["-vv", "collect", "vcenter", &target], &pinned[..], &MACHINES, &["-o", "vc.json"]]
            .concat(),
        vec!["-vv", "check", "vcenter", "capture:vc.json", "--output", "json=report.json"],
        vec!["-vv", "check", "vcenter", &target, "--thumbprint", &wrong],
        [&["-vv", "check", "vcenter", &target], &pinned[..], &["--password-file", "password"]]
            .concat(),
    ];
    for args in runs {
        let mut command = Command::new(program::binary());
        command.args(args).current_dir(dir.path()).env("HOME", dir.path());
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        if !args.contains(&"--password-file") {
            command.env("PREFLIGHT_PASSWORD", PASSWORD);
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        nothing_secret(&said, &format!("{args:?}"));
    }
    assert!(server.calls("Login") >= 4, "{}", server.all_calls());
    for name in program::names_in(dir.path()) {
        if name != "password" {
            if let Ok(bytes) = fs::read(dir.path().join(&name)) {
                nothing_secret(&bytes, &name);
            }
        }
    }
    let capture = fs::read_to_string(dir.path().join("vc.json")).unwrap();
    assert!(capture.contains("*****-*****-*****-*****-LICEN"), "the end of the serial is kept");

    fn nothing_secret(bytes: &[u8], of: &str) {
        let text = String::from_utf8_lossy(bytes);
        for secret in [
            PASSWORD,
            "Canary-7f3a",
            "CANAR-",
            "YSERI",
            "BEROF",
            GUEST,
            "guestinfo",
            "vmware_soap_session=",
            "<password>",
        ] {
            assert!(!text.contains(secret), "{of} tells {secret:?}");
        }
    }
}

#[test]
fn an_old_server_is_told_by_its_version_and_asked_only_when_that_is_allowed() {
    for version in ["1.0", "1.1"] {
        let args = ["-tls", version, "-cert-rsa"];
        let Some(server) = Simulator::start(&scenario("good"), &args) else { return };
        let (ran, report) = check(&server, "vcenter", ASR, &MACHINES);
        let found = outcomes(&report);
        assert_eq!(found["127.0.0.1 vcenter.tls-version"], "warn", "{version}");
        assert_eq!(found["127.0.0.1 vcenter.service-answers"], "unknown");
        assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "unknown");
        assert!(ran.complaint().contains("--legacy-tls"), "{}", ran.complaint());
        assert_eq!(server.all_calls(), json!({}), "{version}");
        let legacy = [&MACHINES[..], &["--legacy-tls"]].concat();
        let (ran, report) = check(&server, "vcenter", ASR, &legacy);
        let expected = good_but(&["warn 127.0.0.1 vcenter.tls-version"]);
        assert_eq!(different(&outcomes(&report), &expected), [""; 0], "{version}");
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
}

/// A server of OpenSSL's own, which shares no code with the simulator.
#[test]
fn openssl_speaks_tls_1_0_and_shows_a_wrong_certificate() {
    if !installed(&["openssl"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    openssl(&[
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-sha1",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "2",
        "-subj",
        "/CN=other.example",
    ]);
    let said = openssl(&["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"]);
    let sha256 = said.trim().rsplit('=').next().unwrap().to_owned();
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert", "cert.pem"])
        .args(["-key", "key.pem", "-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0", "-www", "-quiet"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "s_server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let target = format!("vsphere://asr@127.0.0.1:{port}");
    let run = |more: &[&str]| {
        let args =
            [&["check", "vcenter", &target, "--format", "json", "--timeout", "3"], more].concat();
        let ran = preflight(ASR, dir.path(), &args);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        (ran, outcomes(&report))
    };
    let (ran, found) = run(&["--thumbprint", &sha256]);
    let (wrong, _) = run(&["--legacy-tls"]);
    let (_, legacy) = run(&["--legacy-tls", "--thumbprint", &sha256]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(found["127.0.0.1 vcenter.tls-version"], "warn");
    assert!(
        ran.complaint().contains("the server speaks TLSv1 and nothing newer"),
        "{}",
        ran.complaint()
    );
    assert!(wrong.complaint().contains("the certificate is not trusted"), "{}", wrong.complaint());
    assert!(wrong.complaint().contains(&sha256), "{}", wrong.complaint());
    assert_eq!(legacy["127.0.0.1 vcenter.tls-version"], "warn");
    // It takes the call and never answers it.
    assert_eq!(legacy["127.0.0.1 vcenter.service-answers"], "unknown");
}

#[test]
fn a_server_that_cannot_be_reached_is_unknown_for_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let closed = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("vsphere://asr@{}", free.local_addr().unwrap())
    };
    for (target, told) in [
        (closed.as_str(), "refused the connection"),
        ("vsphere://asr@no-such-host.invalid", "has no address"),
    ] {
        let args = ["check", "vcenter", target, "--vm", "mt", "--timeout", "5", "--format", "json"];
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{told}: {}", ran.complaint());
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let decided = |word: &String| !matches!(word.as_str(), "unknown" | "not-applicable");
        assert!(!outcomes(&report).values().any(decided), "{report}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("vsphere://asr@{}", listener.local_addr().unwrap());
    let args = ["check", "vcenter", &target, "--timeout", "1"];
    let began = Instant::now();
    let ran = preflight(ASR, dir.path(), &args);
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(ran.complaint().contains("no answer within 1 s"), "{}", ran.complaint());
    drop(listener);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_connected_to() {
    let dir = tempfile::tempdir().unwrap();
    for (args, told) in [
        (vec!["check", "vcenter", "https://vc1"], "does not begin with vsphere://"),
        (vec!["check", "vcenter", "vsphere://u:p@vc1"], "it has a password in it"),
        (vec!["check", "vcenter", "vsphere://vc1"], "who logs in?"),
        (vec!["check", "vcenter", "vsphere://u@vc1", "--thumbprint", "AB"], "is no thumbprint"),
        (vec!["check", "vcenter", "vsphere://u@vc1", "--ca-file", "none.pem"], "cannot read"),
        (vec!["check", "vcenter", "capture:none.json"], "cannot read"),
        (vec!["trust", "vc1"], "does not begin with vsphere://"),
    ] {
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.text());
        assert!(ran.complaint().contains(told), "{args:?}: {}", ran.complaint());
    }
}
