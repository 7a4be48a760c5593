//! Fake machines, entered as a root file system of their own, and what they answer to a script.
//!
//! Nothing is written but below the directory that a test gives.

#![allow(clippy::print_stderr, missing_docs, reason = "a skip must be told")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jiff::Timestamp;
use preflight::facts::probe::{Probe, ProbeEnv};
use preflight::facts::script::{Nonce, assemble};
use preflight::facts::transcript::{CollectedBy, Transcript};
use preflight::transport::capture;

fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/sshd")
}

/// Why the fake machines cannot be had here, when they cannot.
pub fn missing() -> Option<&'static str> {
    let has = |program: &str| {
        let paths = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&paths).any(|path| path.join(program).exists())
    };
    let enter = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["-r", "-m", "true"]).stderr(Stdio::null());
        unshare.status().is_ok_and(|status| status.success())
    };
    if !["busybox", "file", "unshare", "bash"].iter().all(|program| has(program)) {
        return Some("busybox-static, file, util-linux and bash are needed");
    }
    (!enter()).then_some("a mount namespace is not allowed")
}

/// Says loudly that a test was skipped; in CI that is a failure.
pub fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
    assert!(std::env::var_os("CI").is_none(), "skipped in CI: {why}");
}

/// Builds a fake machine.
pub fn build(root: &str, directory: &Path) -> PathBuf {
    let machine = directory.join(root);
    let built = Command::new(lab().join("mkroot.sh")).arg(root).arg(&machine).output().unwrap();
    assert!(built.status.success(), "{root}: {}", String::from_utf8_lossy(&built.stderr));
    machine
}

/// Runs a script in a fake machine with `shell`, and gives what it printed.
fn enter(machine: &Path, shell: &str, script: &str) -> String {
    let mut entered = Command::new(lab().join("enter.sh"))
        .arg(machine)
        .env("SSH_ORIGINAL_COMMAND", shell)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = entered.stdin.take().unwrap();
    let script = script.to_owned();
    let sender = std::thread::spawn(move || stdin.write_all(script.as_bytes()).ok());
    let output = entered.wait_with_output().unwrap();
    sender.join().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{}: {complaint}", machine.display());
    String::from_utf8(output.stdout).unwrap()
}

/// What a fake machine answers to these probes.
pub fn asked(machine: &Path, name: &str, shell: &str, probes: &[Probe]) -> Transcript {
    let text = assemble(probes, &ProbeEnv::default(), &Nonce::from_bytes([9; 16]));
    let asked_at = Timestamp::now();
    let mut transcript = capture::parse(&enter(machine, shell, &text), name).unwrap();
    assert!(transcript.answers.ended, "{name}: the script came to its end");
    transcript.asked_at = Some(asked_at);
    // As if somebody with a clock of their own had asked; a host that asks itself has no other.
    transcript.connection.by = CollectedBy::Ssh;
    transcript
}
