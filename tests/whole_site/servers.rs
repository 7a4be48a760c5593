//! `check vcenter`, `check esxi` and their `collect` by a site file: its logins, its machines.
//!
//! Not for what servers lead to that are named by themselves: `tests/vsphere.rs` and
//! `tests/esxi.rs` judge that.

use std::fs;

use serde_json::Value;

use super::lab::{Lab, there_is_a_lab};
use super::{outcomes, scenario};

fn targets(report: &Value) -> Vec<(&str, &str)> {
    let targets = report["targets"].as_array().unwrap().iter();
    targets
        .map(|target| (target["name"].as_str().unwrap(), target["kind"].as_str().unwrap()))
        .collect()
}

/// What is neither decided as the whole site decides it nor left open.
fn differing(report: &Value, whole: &Value) -> Vec<String> {
    let whole = outcomes(whole);
    let of = outcomes(report).into_iter();
    of.filter(|(key, word)| word != "unknown" && whole.get(key) != Some(word))
        .map(|(key, word)| format!("{key}: {word}, not {:?}", whole.get(&key)))
        .collect()
}

#[test]
fn servers_are_checked_with_what_the_site_file_says_of_them() {
    if !there_is_a_lab() {
        return;
    }
    let lab = Lab::up(&scenario());
    let (_, whole) = lab.check_site();
    let [vcenter, esxi, mt, ps] = lab.logins();

    let (output, report) = lab.run(&["check", "vcenter", "--site", "site.yaml"]);
    assert_eq!(lab.logins(), [vcenter + 1, esxi, mt, ps]);
    let all = [
        ("mt1", "linux-mt"),
        ("127.0.0.1", "vcenter"),
        ("DC0_H0", "esxi"),
        ("app-01", "protected-vm"),
    ];
    assert_eq!(targets(&report), all, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(differing(&report, &whole), [""; 0]);
    let found = outcomes(&report);
    for key in [
        "127.0.0.1 vcenter.privileges",
        "mt1 mt.disk-enable-uuid",
        "DC0_H0 esxi.not-free",
        "app-01 datastore.same-as-mt",
    ] {
        assert_eq!(found[key], "pass", "{key}");
    }
    let (_, named) = lab.run(&["check", "vcenter", "127.0.0.1", "--site", "site.yaml"]);
    assert_eq!(outcomes(&named), found);

    let (output, report) = lab.run(&["check", "esxi", "--site", "site.yaml"]);
    assert_eq!(lab.logins(), [vcenter + 2, esxi + 1, mt, ps]);
    let seen = targets(&report);
    assert!(seen.contains(&("mt1", "linux-mt")) && seen.contains(&("DC0_H0", "esxi")), "{seen:?}");
    let found = outcomes(&report);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(found["DC0_H0 ssh.esxi-shell"], "pass", "{complaint}");
    assert_eq!(found["mt1 mt.disk-enable-uuid"], "pass", "{complaint}");
    let (_, named) = lab.run(&["check", "esxi", "DC0_H0", "--site", "site.yaml"]);
    assert_eq!(outcomes(&named), found);

    // What a capture says is what the server said.
    for (verb, name, file) in [("vcenter", "vcenter", "vc.json"), ("esxi", "DC0_H0", "esx.json")] {
        let collected = std::process::Command::new(super::program::binary())
            .args(["collect", verb, name, "--site", "site.yaml", "-o", file])
            .args(["--ssh-config", "none"])
            .current_dir(lab.directory.path())
            .env("HOME", lab.directory.path())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&collected.stderr);
        assert!(collected.status.success(), "{verb}: {complaint}");
    }
    let mut ways = lab.live();
    ways[0] = "capture:vc.json".to_owned();
    ways[1] = "capture:esx.json".to_owned();
    fs::write(lab.at("captured.yaml"), lab.site(&ways)).unwrap();
    let before = lab.logins();
    for verb in ["vcenter", "esxi"] {
        let (_, live) = lab.run(&["check", verb, "--site", "site.yaml"]);
        let (_, captured) = lab.run(&["check", verb, "--site", "captured.yaml"]);
        assert_eq!(outcomes(&captured), outcomes(&live), "{verb}");
    }
    assert_eq!(lab.logins(), [before[0] + 1, before[1] + 1, mt, ps]);
}

#[test]
fn a_name_that_the_site_does_not_have_is_refused_before_anybody_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let site = "vcenter: { url: 'vsphere://vc1' }\nesxi: [ { name: esx1 }, { name: esx2, ssh: 'ssh://root@esx2' } ]\n";
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    fs::write(directory.path().join("bare.yaml"), "scenario: vmware-classic\n").unwrap();
    for (args, says) in [
        (&["vcenter", "vc2", "--site", "site.yaml"][..], "the vCenter server of the site is vc1"),
        (&["vcenter", "--site", "bare.yaml"], "names no vCenter server"),
        (&["esxi", "esx3", "--site", "site.yaml"], "the site's ESXi hosts are: esx1, esx2"),
        (&["esxi", "esx1", "--site", "site.yaml"], "the site gives it no ssh:"),
        (&["esxi", "--site", "bare.yaml"], "names no ESXi host"),
        (&["vcenter", "--site", "site.yaml", "--user", "ann"], "cannot be used with"),
        (&["vcenter"], "required arguments"),
    ] {
        let output = std::process::Command::new(super::program::binary())
            .arg("check")
            .args(args)
            .current_dir(directory.path())
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {complaint}");
        assert!(complaint.contains(says), "{args:?}: {complaint}");
    }
}
