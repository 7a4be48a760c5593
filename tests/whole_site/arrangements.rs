//! The same site otherwise arranged: behind a host, with two master targets, and mended before it is
//! judged.

use std::collections::BTreeMap;
use std::fs;

use serde_json::json;

use super::lab::{Lab, there_is_a_lab};
use super::{Outcomes, changed, outcomes, scenario};

#[test]
fn behind_a_master_target_the_site_is_what_it_was() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let (_, direct) = lab.check_site();
    let before = lab.logins();
    let site = lab.site(&lab.live());
    let behind = site.replacen("thumbprint: ", "via: mt1, thumbprint: ", 1).replacen(
        "name: DC0_H0, ",
        "name: DC0_H0, via: mt1, ",
        1,
    );
    fs::write(lab.at("site.yaml"), behind).unwrap();
    let (_, report) = lab.check_site();
    assert_eq!(changed(&outcomes(&direct), &outcomes(&report)), BTreeMap::new());
    // The ways to vCenter and to the ESXi host are sessions of their own.
    let logins = lab.logins();
    let more: Vec<u64> = logins.iter().zip(before).map(|(now, before)| now - before).collect();
    assert_eq!(more, [1, 1, 3, 1]);
    assert_eq!(lab.vcenter.as_ref().unwrap().sessions(), 0, "sessions are left open");

    // Without the host on the way, what is behind it is unknown, and the reason says so.
    let mut lab = lab;
    drop(lab.mt.take());
    let (_, report) = lab.check_site();
    let found = outcomes(&report);
    for key in ["127.0.0.1 vcenter.service-answers", "DC0_H0 ssh.esxi-login", "app-01 vm.power"] {
        let word = found.get(key).map_or("not planned", String::as_str);
        assert!(["unknown", "not planned"].contains(&word), "{key}: {word}");
    }
    let passed: Vec<&String> = found
        .iter()
        .filter(|(key, word)| !key.starts_with("ps1 ") && *word == "pass" && !key.contains("site"))
        .map(|(key, _)| key)
        .collect();
    let asked: Vec<&&String> = passed.iter().filter(|key| !key.ends_with("cs.backup")).collect();
    assert!(asked.is_empty(), "{asked:?}");
}

#[test]
fn two_master_targets_share_the_session_and_not_their_findings() {
    if !there_is_a_lab() {
        return;
    }
    let one = Lab::up(&scenario());
    let alone = outcomes(&one.check_site().1);
    drop(one);
    let mut scenario = scenario();
    let machines = scenario["vms"].as_array_mut().unwrap();
    let mut second = machines[0].clone();
    second["name"] = json!("DC0_C0_RP0_VM0");
    second["newName"] = json!("asr-mt-02");
    second["extraConfig"] = json!([]);
    second["diskUUID"] = json!(false);
    let mut protected = machines[1].clone();
    protected["name"] = json!("DC0_C0_RP0_VM1");
    protected["newName"] = json!("app-02");
    machines.extend([second, protected]);
    let lab = Lab::up(&scenario);
    let site = lab.site(&lab.live());
    let of_mt1 = site.lines().find(|line| line.contains("name: mt1")).unwrap();
    let of_app1 = site.lines().find(|line| line.contains("name: app-01")).unwrap();
    let of_mt2 = of_mt1.replace("mt1", "mt2").replace("asr-mt-01", "asr-mt-02");
    let of_app2 = of_app1.replace("app-01", "app-02").replace("mt1", "mt2");
    let site = site
        .replace(of_mt1, &format!("{of_mt1}\n{of_mt2}"))
        .replace(of_app1, &format!("{of_app1}\n{of_app2}"));
    fs::write(lab.at("site.yaml"), site).unwrap();
    let (_, report) = lab.check_site();
    assert_eq!(lab.logins()[0], 1, "both are asked about in one session");
    let found = outcomes(&report);
    let of = |all: &Outcomes, target: &str| -> Outcomes {
        let target = format!("{target} ");
        let own = all.iter().filter(|(key, _)| key.starts_with(&target));
        own.map(|(key, word)| (key.clone(), word.clone())).collect()
    };
    for target in ["mt1", "app-01"] {
        assert_eq!(of(&found, target), of(&alone, target), "{target}");
    }
    assert_eq!(found["mt1 mt.disk-enable-uuid"], "pass");
    assert_eq!(found["mt2 mt.disk-enable-uuid"], "fail");
    assert_eq!(found["app-02 vm.exists-or-alr"], "pass");
}

#[test]
fn a_master_target_that_is_off_is_mended_before_the_site_is_judged() {
    if !there_is_a_lab() {
        return;
    }
    let mut scenario = scenario();
    let machine = &mut scenario["vms"][0];
    machine["powerOff"] = json!(true);
    machine["extraConfig"] = json!([]);
    machine["diskUUID"] = json!(false);
    let lab = Lab::up(&scenario);
    let changes = || lab.vcenter.as_ref().unwrap().calls("ReconfigVM_Task");
    let (output, report) = lab.run(&["check", "site", "site.yaml", "--fix"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("nothing was changed"), "{said}");
    assert_eq!((changes(), outcomes(&report)["mt1 mt.disk-enable-uuid"].as_str()), (0, "fail"));
    let (output, report) =
        lab.run(&["check", "host", "mt1", "--site", "site.yaml", "--fix", "--yes"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("asr-mt-01 was changed"), "{said}");
    assert_eq!((changes(), outcomes(&report)["mt1 mt.disk-enable-uuid"].as_str()), (1, "pass"));
    assert_eq!(lab.vcenter.as_ref().unwrap().sessions(), 0, "sessions are left open");

    // Where there is no vSphere server to change anything on, that is said before anybody is asked.
    let site = fs::read_to_string(lab.at("site.yaml")).unwrap();
    let without: String = site
        .lines()
        .filter(|line| !line.starts_with("vcenter:"))
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(lab.at("without.yaml"), without).unwrap();
    let logins = lab.logins();
    let output = lab.command(&["check", "site", "without.yaml", "--fix"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("--fix: there is no vSphere server"), "{said}");
    assert_eq!(lab.logins(), logins);
}
