//! The fake master targets of `tests/lab/sshd`, one per fault, asked over SSH like real ones: what
//! fails is what the machine's maker says must fail, no more and no less. The faults of the Ubuntu
//! machines are read from captures, each of a copy of a good one.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod program;
mod sshd;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;

use serde_json::Value;
use sshd::Server;

/// What one machine's maker says, and what was found.
struct Compared {
    root: String,
    /// Must fail.
    expected: BTreeSet<String>,
    /// May fail, be unknown or not applicable: it hangs on the same fault.
    may: BTreeSet<String>,
    /// Must be unknown.
    undecided: BTreeSet<String>,
    failed: BTreeSet<String>,
    unknown: BTreeSet<String>,
}

fn ids(path: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

fn run(home: &Path, args: &[&str]) -> Value {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let output = sshd::program(home, &[], &args);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{args:?}: {complaint}"))
}

fn machines() -> Vec<String> {
    let output = Command::new(sshd::lab().join("mkroot.sh")).arg("--list").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|name| name.starts_with("mt-")).map(str::to_owned).collect()
}

fn done(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Builds a machine, asks it and compares.
fn compared(below: &Path, name: &str) -> Compared {
    let root = below.join(name);
    done(Command::new(sshd::lab().join("mkroot.sh")).arg(name).arg(&root));
    let server = Server::up(below, "modern", &["--root", root.to_str().unwrap()]);
    evaluated(below, name, &root, &server.target(), &server.by_key())
}

/// Gives a copy of a good machine a fault, lets it answer the script, and compares.
fn compared_with_fault(below: &Path, good: &Path, fault: &str) -> Compared {
    let root = below.join(fault);
    done(Command::new("cp").arg("-a").arg(good).arg(&root));
    done(Command::new(sshd::lab().join("mkroot.sh")).args(["--fault", fault]).arg(&root));
    let script = below.join("script");
    let text = sshd::program(below, &[], &["collect", "script"].map(OsString::from)).stdout;
    fs::write(&script, text).unwrap();
    let capture = below.join("capture");
    let mut shell = Command::new(sshd::lab().join("enter.sh"));
    shell.arg(&root).env("SSH_ORIGINAL_COMMAND", "sh -s").stdin(fs::File::open(script).unwrap());
    shell.stdout(fs::File::create(&capture).unwrap()).stderr(Stdio::piped());
    done(&mut shell);
    evaluated(below, fault, &root, &format!("capture:{}", capture.display()), &[])
}

/// What was found on a machine, beside what its maker says.
fn evaluated(below: &Path, name: &str, root: &Path, target: &str, options: &[String]) -> Compared {
    // The servers' versions and addresses are those of the machines' maker.
    let told = fs::read_to_string(root.join("fixture/site")).unwrap();
    let version = told.trim().rsplit('=').next().unwrap();
    let site = below.join(format!("{name}.yaml"));
    fs::write(
        &site,
        format!(
            "configuration_server: {{ address: cs01.example.test, version: {version} }}\n\
             process_servers: [ {{ name: ps1, address: ps01.example.test, version: {version} }} ]\n\
             master_targets: [ {{ name: {name}, ssh: '{target}' }} ]\n"
        ),
    )
    .unwrap();
    let mut args = vec!["check", "host", name, "--site", site.to_str().unwrap()];
    args.extend(["--format", "json", "--timeout", "120"]);
    args.extend(options.iter().map(String::as_str));
    let report = run(below, &args);
    let of = |outcome: &str| -> BTreeSet<String> {
        let results = report["results"].as_array().unwrap().iter();
        let of = results.filter(|r| r["outcome"] == outcome && r["target"] == name);
        of.map(|result| result["check"].as_str().unwrap().to_owned()).collect()
    };
    let fixture = root.join("fixture");
    Compared {
        root: name.to_owned(),
        expected: ids(&fixture.join("EXPECT")),
        may: ids(&fixture.join("MAY")),
        undecided: ids(&fixture.join("UNDECIDED")),
        failed: of("fail"),
        unknown: of("unknown"),
    }
}

fn list<'i>(ids: impl IntoIterator<Item = &'i String>) -> String {
    ids.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

/// Compares every machine, two at a time, each in a directory of its own.
fn compare_all<T: Send>(
    below: &Path,
    machines: Vec<T>,
    is_captured: bool,
    compare: impl Fn(&Path, &T) -> Compared + Sync,
) {
    let listed = run(below, &["list", "checks", "--format", "json"]);
    let checks = listed["checks"].as_array().unwrap().iter();
    let known: BTreeSet<String> =
        checks.map(|check| check["id"].as_str().unwrap().to_owned()).collect();
    let queue = Mutex::new(machines.into_iter().enumerate());
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((number, machine)) = queue.lock().unwrap().next() else { return };
                    let own = below.join(format!("of-{number}"));
                    fs::create_dir(&own).unwrap();
                    let compared = compare(&own, &machine);
                    done.lock().unwrap().push(compared);
                    fs::remove_dir_all(&own).ok();
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|a, b| a.root.cmp(&b.root));
    let mut wrong = Vec::new();
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for it in &done {
        let there: BTreeSet<String> = it.expected.intersection(&known).cloned().collect();
        missing.extend(it.expected.difference(&known).cloned());
        let silent: Vec<&String> = there.difference(&it.failed).collect();
        let allowed: BTreeSet<String> = it.expected.union(&it.may).cloned().collect();
        let extra: Vec<&String> = it.failed.difference(&allowed).collect();
        // The network between the machine and its servers is not there, so what asks it is
        // undecided on every machine.
        let of_network = |id: &&String| {
            ["network.", "cs.", "ps."].iter().any(|start| id.starts_with(start))
                || id.as_str() == "mt.can-ping-network"
                // Nobody notes when a script was run, so a capture does not tell how a clock goes.
                || is_captured && id.as_str() == "mt.timezone-time"
        };
        let undecided: Vec<&String> =
            it.unknown.difference(&allowed).filter(|id| !of_network(id)).collect();
        let extra: Vec<&String> = extra.into_iter().filter(|id| !of_network(id)).collect();
        let decided: Vec<&String> = it.undecided.difference(&it.unknown).collect();
        if ![&silent, &extra, &undecided, &decided].iter().all(|ids| ids.is_empty()) {
            wrong.push(format!(
                "{}: does not fail [{}], fails besides [{}], undecided [{}], decided [{}]",
                it.root,
                list(silent),
                list(extra),
                list(undecided),
                list(decided)
            ));
        }
    }
    let none = if missing.is_empty() {
        String::new()
    } else {
        format!("\nthere is no check yet for: {}", list(&missing))
    };
    assert!(wrong.is_empty() && missing.is_empty(), "\n{}{none}", wrong.join("\n"));
}

#[test]
fn each_machine_fails_exactly_what_its_maker_says() {
    if !sshd::there_are_servers() || !sshd::there_is("/usr/bin/busybox") {
        return;
    }
    let dir = tempfile::Builder::new().prefix("preflight-mt").tempdir().unwrap();
    let machines = machines();
    assert!(machines.len() > 20);
    compare_all(dir.path(), machines, false, |below, name| compared(below, name));
}

#[test]
fn each_fault_of_an_ubuntu_machine_is_the_one_that_is_found() {
    if !sshd::there_are_servers() || !sshd::there_is("/usr/bin/busybox") {
        return;
    }
    let dir = tempfile::Builder::new().prefix("preflight-ubuntu").tempdir().unwrap();
    let mkroot = sshd::lab().join("mkroot.sh");
    let mut faults = Vec::new();
    for name in ["mt-ubuntu1604", "mt-ubuntu2004"] {
        let good = dir.path().join(name);
        done(Command::new(&mkroot).arg(name).arg(&good));
        let output = Command::new(&mkroot).args(["--faults", name]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        faults.extend(text.split_whitespace().map(|fault| (good.clone(), fault.to_owned())));
    }
    assert!(faults.len() > 35);
    compare_all(dir.path(), faults, true, |below, (good, fault)| {
        compared_with_fault(below, good, fault)
    });
}
