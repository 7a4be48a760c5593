//! Captures that other programs bring back: the Ansible role of `packaging/ansible`, parallel-ssh and pdsh, each for real against SSH
//! servers, and what they brought evaluated.
//!
//! Not for what the script asks, nor for asking many hosts by ourselves (`tests/ssh.rs`).

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;
mod sshd;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use program::{binary, installed, skipped};
use serde_json::Value;
use sshd::{Server, is_root, there_are_servers};

/// The hosts of the lab's fleet that are asked.
const HOSTS: [&str; 3] = ["127.0.0.2", "127.0.0.3", "127.0.0.4"];

/// Fifty servers on loopback, for root alone.
fn fleet(below: &Path) -> Option<Server> {
    (there_are_servers() && is_root()).then(|| Server::up(below, "fleet", &[]))
}

fn options(server: &Server) -> String {
    format!(
        "-o UserKnownHostsFile={} -o IdentityFile={} -o IdentitiesOnly=yes",
        server.known_hosts, server.key
    )
}

fn script() -> Vec<u8> {
    let output = Command::new(binary()).args(["collect", "script"]).output().unwrap();
    assert!(output.status.success());
    output.stdout
}

fn text(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// What became of a directory of captures: its targets, each of which said who asked.
fn evaluated(captures: &Path) -> BTreeSet<String> {
    let target = format!("capture:{}", captures.display());
    let output = Command::new(binary())
        .args(["check", "host", &target, "--format", "json"])
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output)));
    let results = report["results"].as_array().unwrap();
    let targets = report["targets"].as_array().unwrap();
    let names = targets.iter().map(|target| target["name"].as_str().unwrap().to_owned());
    let names: BTreeSet<String> = names.collect();
    for name in &names {
        let platform = results.iter().find(|result| {
            result["check"] == "mt.os-centos66" && result["target"] == name.as_str()
        });
        assert_ne!(platform.unwrap()["outcome"], "unknown", "{name} answered nothing");
    }
    names
}

fn ansible() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let own = std::env::var_os("PREFLIGHT_PYTHON").map(PathBuf::from);
    let python = own.unwrap_or_else(|| home.join(".cache/preflight-lab/venv/bin/python"));
    let playbook = python.with_file_name("ansible-playbook");
    (playbook.is_file() || skipped("no ansible-core (tests/run installs it)")).then_some(playbook)
}

#[test]
fn ansible_brings_captures_back_and_names_who_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let (Some(playbook), Some(server)) = (ansible(), fleet(at)) else { return };
    let hosts: String = HOSTS
        .iter()
        .enumerate()
        .map(|(n, host)| format!("mt{n}.example.test ansible_host={host}\n"))
        .collect();
    // The lab has no server at this address.
    let inventory = format!(
        "{hosts}gone ansible_host=127.0.0.99\n[all:vars]\nansible_port={}\nansible_user={}\n\
         ansible_python_interpreter=/no/python\nansible_ssh_common_args=\"{}\"\n",
        server.port,
        server.user,
        options(&server)
    );
    fs::write(at.join("inventory"), inventory).unwrap();
    let captures = at.join("captures");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(playbook)
        .args(["-i", "inventory"])
        .arg(root.join("packaging/ansible/collect.yml"))
        .args(["-e", &format!("preflight_program={}", binary().display())])
        .args(["-e", &format!("preflight_captures={}", captures.display())])
        .args(["-e", "preflight_become=false"])
        .env("ANSIBLE_NOCOLOR", "1")
        .env("ANSIBLE_LOCAL_TEMP", at.join("ansible"))
        .env("HOME", at)
        .current_dir(at)
        .output()
        .unwrap();
    let told = text(&output);
    // Four is what ansible-playbook ends with when a host is unreachable.
    assert_eq!(output.status.code(), Some(4), "{told}");
    assert!(told.contains("fatal: [gone]: UNREACHABLE!"), "{told}");
    let expected = (0..HOSTS.len()).map(|n| format!("mt{n}.example.test"));
    assert_eq!(evaluated(&captures), expected.collect::<BTreeSet<_>>(), "{told}");
}

#[test]
fn parallel_ssh_brings_captures_back() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    if !installed(&["parallel-ssh"]) {
        return;
    }
    let Some(server) = fleet(at) else { return };
    let hosts: String = HOSTS.iter().map(|host| format!("{host}:{}\n", server.port)).collect();
    fs::write(at.join("hosts"), hosts).unwrap();
    fs::write(at.join("collect.sh"), script()).unwrap();
    let output = Command::new("parallel-ssh")
        .args(["-h", "hosts", "-l", &server.user, "-t", "120", "-I", "-o", "captures"])
        .args(["-O", &format!("UserKnownHostsFile={}", server.known_hosts)])
        .args(["-O", &format!("IdentityFile={}", server.key)])
        .arg("sh -s")
        .stdin(fs::File::open(at.join("collect.sh")).unwrap())
        .current_dir(at)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output));
    let expected = HOSTS.iter().map(|host| format!("{host}:{}", server.port));
    assert_eq!(evaluated(&at.join("captures")), expected.collect::<BTreeSet<_>>());
}

#[test]
fn pdsh_brings_captures_back() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    if !installed(&["pdsh", "dshbak"]) {
        return;
    }
    let Some(server) = fleet(at) else { return };
    fs::create_dir(at.join("captures")).unwrap();
    let mut asking = Command::new("pdsh")
        .args(["-R", "ssh", "-l", &server.user, "-w", &HOSTS.join(",")])
        .arg(String::from_utf8(script()).unwrap())
        .env("PDSH_SSH_ARGS_APPEND", format!("{} -p {}", options(&server), server.port))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let sorting = Command::new("dshbak")
        .args(["-d", "captures", "-f"])
        .stdin(asking.stdout.take().unwrap())
        .current_dir(at)
        .output()
        .unwrap();
    assert!(asking.wait().unwrap().success() && sorting.status.success(), "{}", text(&sorting));
    let expected = HOSTS.iter().map(|host| (*host).to_owned());
    assert_eq!(evaluated(&at.join("captures")), expected.collect::<BTreeSet<_>>());
}
