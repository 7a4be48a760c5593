//! Addresses with a password in them, whatever else is wrong with them and wherever they are written:
//! refused, and not repeated.

use std::fs;

use super::{ask, here, program, words};

const CANARY: &str = "Canary-7f3a";

/// Addresses of every kind, with `PW` where the password stands.
const ADDRESSES: &[&str] = &[
    "root:PW@mt1",
    "ssh://root:PW@mt1",
    "ssh:/root:PW@mt1",
    "ssh//root:PW@mt1",
    "ssh:root:PW@mt1",
    "http://root:PW@mt1",
    "ssh://root:PW@mt1:99999",
    "ssh://root:PW@mt1/path",
    "ssh://root:PW@-oProxyCommand=x",
    "ssh://root:PW@",
    "ssh://root:a/PW@mt1",
    "ssh://root:PW%40mt1",
    "ssh://root%3APW@mt1",
    "ssh://root:PW@[::1",
    "ssh://root:a b PW@mt1",
    "vsphere://root:PW@vc1",
    "vsphere://root:PW@vc1:99999",
    "vsphere:/root:PW@vc1",
    "vsphere://root:PW/x@vc1",
    "vsphere://root:PW@a b",
    "https://root:PW@vc1/sdk",
];

#[test]
fn an_address_with_a_password_is_refused_and_not_repeated() {
    let dir = here();
    let (site, hosts) = (dir.path().join("site.yaml"), dir.path().join("hosts.ini"));
    let (site_file, hosts_file) = (site.to_str().unwrap(), hosts.to_str().unwrap());
    let one = |address: &str, before: &[&str], after: &[&str]| {
        let args = [before, &[address], after].concat();
        let output = std::process::Command::new(program::binary())
            .args(&args)
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let said =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        let said = said.concat();
        assert!(!said.contains(CANARY), "{args:?}: {said}");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    };
    for address in ADDRESSES {
        let address = address.replace("PW", CANARY);
        for (before, after) in [
            (&["check", "host"][..], &[][..]),
            (&["check", "esxi"], &[]),
            (&["check", "vcenter"], &[]),
            (&["collect", "host"], &[]),
            (&["trust"], &[]),
            (&["troubleshoot", "8061", "--target"], &[]),
            (&["check", "host", "ssh://root@127.0.0.1:1", "--jump"], &[]),
            (&["check", "esxi", "ssh://root@127.0.0.1:1", "--via"], &[]),
            (&["check", "host", "ssh://root@127.0.0.1:1", "--vcenter"], &[]),
            (&["check", "host", "ssh://root@127.0.0.1:1", "--esxi"], &[]),
            (&["check", "host", "ssh://root@127.0.0.1:1", "--cs"], &[]),
        ] {
            one(&address, before, after);
        }
        for text in [
            format!("master_targets: [ {{ name: mt1, ssh: '{address}' }} ]\n"),
            format!("vcenter: {{ url: '{address}' }}\n"),
            format!("vcenter: {{ url: 'vsphere://vc1', via: '{address}' }}\n"),
            format!("configuration_server: {{ address: '{address}' }}\n"),
            format!("master_targets: [ {{ name: '{address}', ssh: 'ssh://root@mt1' }} ]\n"),
        ] {
            fs::write(&site, text).unwrap();
            one(site_file, &["check", "site"], &[]);
        }
        for text in [
            format!("{address}\n"),
            format!("mt1 ansible_host='{address}'\n"),
            format!("mt1 ansible_user='{address}'\n"),
        ] {
            fs::write(&hosts, text).unwrap();
            one(hosts_file, &["check", "host", "--inventory"], &[]);
        }
    }
}

#[test]
fn a_host_without_its_scheme_is_told_what_was_meant() {
    let dir = here();
    for (target, meant) in [
        ("mt1", "did you mean ssh://root@mt1?"),
        ("root@mt1", "did you mean ssh://root@mt1?"),
        ("ann@mt1:2222", "did you mean ssh://ann@mt1:2222?"),
        ("mt1:2222", "did you mean ssh://root@mt1:2222?"),
    ] {
        let asked = ask(dir.path(), target, &[]);
        assert_eq!(asked.code, Some(2), "{}", asked.said);
        assert!(asked.said.contains(meant), "{target}: {}", asked.said);
    }
}

#[test]
fn a_report_that_cannot_be_written_is_refused_before_anybody_is_asked() {
    let dir = here();
    let directory = dir.path().to_str().unwrap();
    let target = "ssh://root@127.0.0.1:1";
    for options in [
        vec!["--output", "json=no/such/directory/report.json"],
        vec!["--fix-script", directory],
        vec!["--output", "json=/dev/null/x"],
    ] {
        let mut args = vec!["-vv", "check", "host", target];
        args.extend(options);
        let args: Vec<std::ffi::OsString> = args.into_iter().map(Into::into).collect();
        let output = super::sshd::program(dir.path(), &[], &args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(!said.contains("connecting"), "{args:?}: {said}");
    }
    let asked = ask(dir.path(), target, &words(&["-o", "no/such/directory/capture.json"]));
    assert_eq!(asked.code, Some(2), "{}", asked.said);
    assert!(!asked.said.contains("connecting"), "{}", asked.said);
}
