//! A whole site in one run: a simulated vCenter, a stub ESXi host and a stub master target over real
//! sshd, a process server, machines that are to fail back, and what people answered.
//!
//! Not for what any one of them leads to alone: `tests/vsphere.rs`, `tests/esxi.rs` and
//! `tests/master_targets.rs` judge those.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test")]

#[path = "whole_site/arrangements.rs"]
mod arrangements;
#[path = "whole_site/lab.rs"]
mod lab;
mod program;
#[path = "whole_site/servers.rs"]
mod servers;
#[path = "vsphere/simulator.rs"]
mod simulator;
mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab::{Lab, private, there_is_a_lab};
use serde_json::{Value, json};

/// Outcome by target and check; a warning is a failure that blocks nothing.
type Outcomes = BTreeMap<String, String>;

fn outcomes(report: &Value) -> Outcomes {
    let word = |result: &Value| {
        assert_ne!(result["defect"], true, "{result}");
        let text = |key: &str| result[key].as_str().unwrap().to_owned();
        let outcome = match (text("outcome").as_str(), text("severity").as_str()) {
            ("fail", "warning" | "info") => "warn".to_owned(),
            (outcome, _) => outcome.to_owned(),
        };
        (format!("{} {}", text("target"), text("check")), outcome)
    };
    report["results"].as_array().unwrap().iter().map(word).collect()
}

fn scenario() -> Value {
    simulator::scenario_json("good")
}

/// The checks that a person answers.
fn questions() -> Vec<String> {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks");
    let mut questions = Vec::new();
    for entry in fs::read_dir(checks).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let mut id = "";
        for line in text.lines() {
            id = line.strip_prefix("- id: ").unwrap_or(id);
            if line.starts_with("  question:") {
                questions.push(id.to_owned());
            }
        }
    }
    questions
}

/// Every check by its id: what it looks at, and whether a person answers it.
fn checks() -> BTreeMap<String, (Vec<String>, bool)> {
    let output = Command::new(program::binary())
        .args(["list", "checks", "--format", "json"])
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let questions = questions();
    let of = |check: &Value| {
        let kinds = check["applies_to"].as_array().unwrap().iter();
        let kinds = kinds.map(|kind| kind.as_str().unwrap().to_owned()).collect();
        let id = check["id"].as_str().unwrap().to_owned();
        let asks = questions.contains(&id);
        (id, (kinds, asks))
    };
    // What the vault shows, or is compared with, is no part of a site without one.
    let needs_vault = |check: &Value| {
        let whom = check["ask_of"].as_array().unwrap();
        let alone = whom.iter().all(|one| one == "azure" || one == "vsphere");
        whom[0] == "azure" && alone || check["id"].as_str().unwrap().ends_with(".azure-agrees")
    };
    let of_site = |check: &&Value| check["scenario"] != "hyperv" && !needs_vault(check);
    listed["checks"].as_array().unwrap().iter().filter(of_site).map(of).collect()
}

/// What does not pass of what facts decide, as `target check` -> outcome.
fn amiss(report: &Value) -> BTreeMap<String, String> {
    let checks = checks();
    let mut outcomes = outcomes(report);
    outcomes.retain(|key, word| {
        let (_, asks) = &checks[key.rsplit(' ').next().unwrap()];
        word != "pass" && word != "not-applicable" && !asks
    });
    outcomes
}

fn all(word: &str, target: &str, checks: &str) -> BTreeMap<String, String> {
    checks.split_whitespace().map(|id| (format!("{target} {id}"), word.to_owned())).collect()
}

/// What is amiss where nothing is: nobody listens at the addresses of the servers, and the agent of
/// the stub has its own idea of one.
fn always() -> BTreeMap<String, String> {
    let mut amiss = all("fail", "mt1", "network.mt-to-cs-443 network.mt-to-ps-9443");
    amiss.extend(all("fail", "cs01.example.test", "cs.running"));
    amiss.extend(all("fail", "ps1", "network.ps-to-cs-443"));
    amiss.extend(all("unknown", "cs01.example.test", "cs.same-ip"));
    // The site does not say how many disks of the machine are protected.
    amiss.extend(all("warn", "app-01", "datastore.type-olr"));
    amiss
}

#[test]
fn a_whole_site_is_checked_in_one_run_with_one_session_for_each_system() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let began = Instant::now();
    let (output, report) = lab.check_site();
    let took = began.elapsed();
    println!("a whole site took {took:?}");
    assert_eq!(lab.logins(), [1, 1, 1, 1], "logins at vCenter, ESXi, the master target, the PS");
    assert_eq!(lab.vcenter.as_ref().unwrap().sessions(), 0, "sessions are left open");
    // An unoptimised build on a busy machine; the bar of 2 s is for one that is optimised.
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(amiss(&report), always());
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));

    let kinds: Vec<(&str, &str)> = report["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("mt1", "linux-mt"),
            ("ps1", "process-server"),
            ("127.0.0.1", "vcenter"),
            ("DC0_H0", "esxi"),
            ("app-01", "protected-vm"),
            ("site", "site"),
            ("cs01.example.test", "configuration-server"),
        ]
    );
    // Everything is in scope, and every question has an outcome.
    let found = outcomes(&report);
    assert_eq!(report["not_asked"], json!([]));
    let mut planned = 0;
    for (id, (applies_to, asks)) in checks() {
        for (target, kind) in &kinds {
            if applies_to.iter().any(|it| it == kind) {
                planned += 1;
                let word = &found[&format!("{target} {id}")];
                let answered = id == "cs.backup";
                if asks && word != "not-applicable" {
                    assert_eq!(word, if answered { "pass" } else { "unknown" }, "{target} {id}");
                }
            }
        }
    }
    assert_eq!(found.len(), planned);
    // A machine is judged by all who know it.
    for key in [
        "mt1 mt.disk-enable-uuid",
        "mt1 mt.disk-ids-visible",
        "mt1 mt.in-inventory",
        "DC0_H0 esxi.not-free",
        "DC0_H0 ssh.esxi-shell",
        "DC0_H0 esxi.in-inventory",
        "app-01 datastore.same-as-mt",
        "127.0.0.1 vcenter.privileges",
    ] {
        assert_eq!(found[key], "pass", "{key}");
    }
}

/// What changed from one report to another, as `target check` -> before and now.
fn changed(before: &Outcomes, now: &Outcomes) -> BTreeMap<String, (String, String)> {
    let keys = before.keys().chain(now.keys());
    let word = |all: &Outcomes, key: &str| all.get(key).cloned().unwrap_or_default();
    keys.map(|key| (key.clone(), (word(before, key), word(now, key))))
        .filter(|(_, (before, now))| before != now)
        .collect()
}

#[test]
fn a_system_that_does_not_answer_costs_its_own_findings_and_never_passes() {
    if !there_is_a_lab() {
        return;
    }
    let mut lab = Lab::up(&scenario());
    let whole = outcomes(&lab.check_site().1);
    let down = |lab: &Lab, what: &str, of: &[&str], more: &[(&str, &str)]| {
        let (output, report) = lab.check_site();
        let changed = changed(&whole, &outcomes(&report));
        assert!(!changed.is_empty(), "{what}");
        for (key, (before, now)) in &changed {
            let own = of.iter().any(|target| key.starts_with(&format!("{target} ")));
            assert!(own, "without {what}: {key} was {before} and is {now}");
            let expected = more.iter().find(|(at, _)| at == key).map_or("unknown", |(_, to)| to);
            assert_eq!(now, expected, "without {what}: {key} was {before}");
        }
        for (key, now) in more {
            assert_eq!(changed.get(*key).map(|(_, now)| now.as_str()), Some(*now), "{key}");
        }
        assert!(matches!(output.status.code(), Some(1 | 3)), "{what}");
        (changed, report)
    };
    let reason = |report: &Value, key: &str| {
        let results = report["results"].as_array().unwrap().iter();
        let name = |it: &Value| format!("{} {}", it["target"], it["check"]).replace('"', "");
        let mut found = results.filter(|it| name(it) == key);
        found.next().unwrap()["reason"].as_str().unwrap().to_owned()
    };

    // The master target: what its shell tells, and nothing that vCenter and others know.
    let mt = lab.mt.take();
    drop(mt);
    lab.mt = None;
    let (changed_by_mt, report) =
        down(&lab, "the master target", &["mt1", "cs01.example.test"], &[]);
    assert!(changed_by_mt.len() > 40, "{changed_by_mt:?}");
    let found = outcomes(&report);
    assert_eq!(found["mt1 mt.disk-enable-uuid"], "pass");
    assert_eq!(found["mt1 mt.no-snapshot"], "pass");
    // The reason is why it could not be asked, also of lists.
    for check in ["mt.no-lvm", "mt.disk-ids-visible", "agent.services"] {
        let reason = reason(&report, &format!("mt1 {check}"));
        assert!(reason.contains("refuses the connection"), "{check}: {reason}");
    }
}

#[test]
fn without_vcenter_or_esxi_the_other_stands_in_where_it_knows() {
    if !there_is_a_lab() {
        return;
    }
    let mut lab = Lab::up(&scenario());
    let whole = outcomes(&lab.check_site().1);
    drop(lab.esxi.take());
    let without_esxi = lab.check_site().1;
    let expected: BTreeMap<String, (String, String)> = ["ssh.esxi-login", "ssh.esxi-shell"]
        .iter()
        .map(|id| (format!("DC0_H0 {id}"), ("pass".to_owned(), "unknown".to_owned())))
        .collect();
    assert_eq!(changed(&whole, &outcomes(&without_esxi)), expected);

    let mut lab = Lab::up(&scenario());
    drop(lab.vcenter.take());
    let (_, report) = lab.check_site();
    let found = outcomes(&report);
    for (key, (before, now)) in changed(&whole, &found) {
        // The master target's own port says so, too.
        let expected = match key.as_str() {
            "cs01.example.test network.cs-to-vcenter-443" => "fail",
            _ => "unknown",
        };
        assert_eq!(now, expected, "without vCenter: {key} was {before}");
        let of_it = ["127.0.0.1 ", "DC0_H0 ", "app-01 ", "mt1 ", "cs01.example.test "];
        assert!(of_it.iter().any(|target| key.starts_with(target)), "{key}");
    }
    // What only vCenter knows is unknown; the host's own shell tells the rest.
    for key in [
        "127.0.0.1 vcenter.service-answers",
        "127.0.0.1 vcenter.connected",
        "127.0.0.1 vcenter.privileges",
        "DC0_H0 esxi.host-connected",
        "DC0_H0 esxi.in-inventory",
        "mt1 mt.no-storage-vmotion",
        "mt1 mt.in-inventory",
        "app-01 vm.exists-or-alr",
        "app-01 datastore.reachable-vcenter",
    ] {
        assert_eq!(found[key], "unknown", "{key}");
    }
    for key in ["DC0_H0 esxi.not-free", "mt1 mt.disk-enable-uuid", "mt1 mt.scsi-lsi-only"] {
        assert_eq!(found[key], "pass", "{key}");
    }
}

#[test]
fn captures_give_the_report_that_asking_gave() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let (live, report) = lab.check_site();
    let [vcenter, esxi, mt, ps] = lab.live();
    let collect = |command: &mut Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let command = |args: &[&str]| {
        let mut command = Command::new(program::binary());
        command.args(args).current_dir(lab.directory.path()).env("HOME", lab.directory.path());
        command.env_remove("SSH_AUTH_SOCK").env_remove("PREFLIGHT_PASSWORD").stdin(Stdio::null());
        command
    };
    let host = ["--site", "site.yaml", "--ssh-config", "none", "--timeout", "120", "-o"];
    collect(command(&["collect", "host", "mt1"]).args(host).arg("mt.json"));
    collect(command(&["collect", "host", "ps1"]).args(host).arg("ps.json"));
    let thumbprint = &lab.vcenter.as_ref().unwrap().sha256;
    collect(
        command(&["collect", "vcenter", &vcenter, "--thumbprint", thumbprint, "--vm", "asr-mt-01"])
            .args(["--protected-vm", "app-01", "--discovery-account", "asr@vsphere.local"])
            .args(["--password-file", "vcenter.password", "-o", "vc.json"]),
    );
    let esxi_key = lab.esxi.as_ref().unwrap().fingerprint("ed25519");
    collect(
        command(&["collect", "esxi", &esxi, "--vm", "asr-mt-01", "--ssh-config", "none"])
            .args(["--password-file", "esxi.password", "--host-key", &esxi_key, "-o", "esx.json"]),
    );
    let ways = ["vc.json", "esx.json", "mt.json", "ps.json"].map(|file| format!("capture:{file}"));
    fs::create_dir(lab.at("elsewhere")).unwrap();
    fs::write(lab.at("captured.yaml"), lab.site(&ways)).unwrap();
    let logins = lab.logins();
    let mut judged = lab.command(&["check", "site", "../captured.yaml"]);
    let judged = judged.current_dir(lab.at("elsewhere")).output().unwrap();
    assert_eq!(lab.logins(), logins, "nobody is asked again");
    let later: Value = serde_json::from_slice(&judged.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&judged.stderr)));
    assert_eq!(changed(&outcomes(&report), &outcomes(&later)), BTreeMap::new());
    assert_eq!(report["targets"], later["targets"]);
    assert_eq!(live.status.code(), judged.status.code());
    // What changes from second to second is told as it was.
    let steady = |report: &Value| -> Vec<String> {
        let results = report["results"].as_array().unwrap().iter();
        let told = results.map(|it| format!("{} {} {}", it["target"], it["check"], it["found"]));
        told.filter(|text| !text.contains("clock") && !text.contains("mt.timezone-time")).collect()
    };
    assert_eq!(steady(&report), steady(&later));
    let _ = (mt, ps);

    // One verb saves all of them, and nothing of the site file has to be changed.
    collect(&mut command(&["collect", "site", "site.yaml", "-o", "all", "--ssh-config", "none"]));
    let logins = lab.logins();
    let (_, later) = lab.run(&["check", "site", "site.yaml", "--captures", "all"]);
    assert_eq!(lab.logins(), logins, "nobody is asked again");
    assert_eq!(changed(&outcomes(&report), &outcomes(&later)), BTreeMap::new());
    fs::remove_file(lab.at("all/esxi.DC0_H0.json")).unwrap();
    let output =
        lab.command(&["check", "site", "site.yaml", "--captures", "all"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("has no esxi.DC0_H0.json"));
}

#[test]
fn a_host_is_checked_with_everything_it_depends_on() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let whole = outcomes(&lab.check_site().1);
    let before = lab.logins();
    let (_, report) = lab.run(&["check", "host", "mt1", "--site", "site.yaml", "--timeout", "120"]);
    assert_eq!(lab.logins(), before.map(|logins| logins + 1));
    let found = outcomes(&report);
    // The same findings, but for what is nobody's of whom it depends on.
    let beyond = ["site ", "cs01.example.test "];
    let mut missing: Vec<&String> = whole.keys().filter(|key| !found.contains_key(*key)).collect();
    missing.retain(|key| !beyond.iter().any(|target| key.starts_with(target)));
    assert_eq!(missing, [""; 0]);
    // What hosts see of the configuration server is told of it where the whole site is checked.
    let of_server = ["cs.running", "cs.same-ip", "network.cs-to-vcenter-443"];
    for (key, word) in &found {
        let check = key.rsplit(' ').next().unwrap();
        let place = if of_server.contains(&check) {
            format!("cs01.example.test {check}")
        } else {
            key.clone()
        };
        assert_eq!(whole[&place], *word, "{key}");
    }

    // Options say the same without a file.
    let [vcenter, esxi, mt, _] = lab.live();
    let thumbprint = &lab.vcenter.as_ref().unwrap().sha256;
    let server = lab.mt.as_ref().unwrap();
    let known: String = [&lab.mt, &lab.esxi]
        .map(|it| fs::read_to_string(&it.as_ref().unwrap().known_hosts).unwrap())
        .concat();
    fs::write(lab.at("known_hosts"), known).unwrap();
    let mut command = lab.command(&["check", "host", &mt, "--vcenter", &vcenter]);
    command
        .args(["--thumbprint", thumbprint, "--vm", "asr-mt-01", "--protected-vm", "app-01"])
        .args(["--discovery-account", "asr@vsphere.local", "--esxi", &esxi, "--timeout", "120"])
        .args(["--identity", &server.key, "--known-hosts", "known_hosts"])
        .env("PREFLIGHT_PASSWORD_VCENTER", "asr-Pass1")
        .env("PREFLIGHT_PASSWORD_ESXI1", &lab.esxi.as_ref().unwrap().password)
        // The password of hosts is for hosts: no vSphere server is shown it.
        .env("PREFLIGHT_PASSWORD", "of-the-hosts");
    let output = command.output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let found = outcomes(&report);
    for key in [
        format!("{mt} mt.disk-enable-uuid"),
        format!("{mt} mt.disk-ids-visible"),
        "127.0.0.1 vcenter.privileges".to_owned(),
        "app-01 datastore.same-as-mt".to_owned(),
    ] {
        assert_eq!(found[&key], "pass", "{key}");
    }
    // A name that was made up for --esxi is none of vCenter's; the host it has is told by it.
    assert_eq!(found["DC0_H0 esxi.not-free"], "pass");
}

#[test]
fn a_vcenter_that_nobody_can_log_in_to_costs_its_findings_and_gets_no_other_password() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let site = fs::read_to_string(lab.at("site.yaml")).unwrap();
    fs::write(lab.at("site.yaml"), site.replace(", password_file: vcenter.password", "")).unwrap();
    let mut command = lab.command(&["check", "site", "site.yaml", "--timeout", "120"]);
    let output = command.env("PREFLIGHT_PASSWORD", "of-the-hosts").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(lab.logins(), [0, 1, 1, 1]);
    let results = report["results"].as_array().unwrap().iter();
    let mut of_vcenter = results.filter(|it| it["check"] == "vcenter.privileges");
    let reason = of_vcenter.next().unwrap()["reason"].as_str().unwrap();
    assert!(reason.contains("there is no password of asr@vsphere.local"), "{reason}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("PREFLIGHT_PASSWORD_VCENTER"), "{said}");
}

#[test]
fn names_that_vcenter_does_not_have_are_told() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let site = fs::read_to_string(lab.at("site.yaml")).unwrap();
    let site = site
        .replace("vm: asr-mt-01", "vm: asr-mt-1")
        .replace("name: DC0_H0,", "name: esx9,")
        .replace("name: app-01,", "name: app-01, host: esx8, datastore: LocalDS_9,");
    for (account, password, word) in
        [("asr", "asr-Pass1", "unknown"), ("administrator", "Admin!23", "fail")]
    {
        fs::write(lab.at("site.yaml"), site.replace("//asr@", &format!("//{account}@"))).unwrap();
        private(&lab.at("vcenter.password"), password);
        let found = outcomes(&lab.check_site().1);
        let warn = if word == "fail" { "warn" } else { word };
        for (key, expected) in [
            ("mt1 mt.in-inventory", word),
            ("esx9 esxi.in-inventory", warn),
            ("app-01 vm.host-in-inventory", warn),
            ("app-01 datastore.in-inventory", word),
        ] {
            assert_eq!(found[key], expected, "{account}: {key}");
        }
    }
}

#[test]
fn ctrl_c_gives_what_is_known_by_then() {
    if !there_is_a_lab() {
        return;
    }
    let mut scenario = scenario();
    scenario["faults"] = json!([{ "method": "*", "kind": "slow", "delayMs": 500, "times": 0 }]);
    let lab = Lab::up(&scenario);
    let mut command = lab.command(&["check", "site", "site.yaml", "--timeout", "120"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    // The others are done when the last of them has been logged in to for a while.
    while lab.logins() != [1, 1, 1, 1] {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", lab.logins());
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(Duration::from_secs(2));
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, rustix::process::Signal::INT).unwrap();
    let interrupted = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(interrupted.elapsed() < Duration::from_secs(5), "{:?}", interrupted.elapsed());
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["run"]["complete"], false);
    let found = outcomes(&report);
    assert_eq!(found["127.0.0.1 vcenter.privileges"], "unknown");
    assert_eq!(lab.vcenter.as_ref().unwrap().sessions(), 0, "a session is left open");
    assert_eq!(found["mt1 mt.disk-ids-visible"], "pass");
    assert_eq!(found["DC0_H0 ssh.esxi-shell"], "pass");
}

#[test]
fn a_symptom_asks_vsphere_when_its_causes_need_it() {
    if !there_is_a_lab() {
        return;
    }
    let mut scenario = scenario();
    scenario["datastores"][0]["type"] = json!("NFS");
    scenario["datastores"][1]["type"] = json!("NFS");
    let lab = Lab::up(&scenario);
    let (output, said) = lab.run(&["troubleshoot", "8061", "--site", "site.yaml"]);
    assert_eq!(lab.logins()[0], 1);
    let candidate = &said["candidates"][0];
    assert_eq!(candidate["symptom"], "ts-datastore-8061");
    let causes = candidate["causes"].as_array().unwrap();
    let verdict = |check: &str| {
        let of = |cause: &&Value| {
            cause["checks"].as_array().unwrap().iter().any(|it| it["check"] == check)
        };
        causes.iter().find(of).unwrap()["verdict"].clone()
    };
    assert_eq!(verdict("datastore.reachable-vcenter"), "ruled-out");
    assert_eq!(verdict("esxi.vmfs-present"), "confirmed");
    assert_eq!(output.status.code(), Some(1));
    // What vSphere does not know is not asked of it.
    lab.run(&["troubleshoot", "ts-retention-not-listed", "--site", "site.yaml"]);
}
