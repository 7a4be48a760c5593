//! What changed between two runs, from outside: `diff`, `--since` and `--watch` over captures.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

const HEALTHY: &str = include_str!("golden/captures/good/linux-mt.mt1.json");
const UNWELL: &str = include_str!("golden/captures/broken/linux-mt.mt1.json");
const NOW: &str = "2026-11-30T06:30:00Z";

fn command(directory: &Path, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preflight"));
    command.args(args.split_whitespace()).current_dir(directory).env_remove("COLUMNS");
    command
}

fn run(directory: &Path, args: &str) -> (i32, Output) {
    let output = command(directory, args).output().unwrap();
    (output.status.code().unwrap(), output)
}

fn json(directory: &Path, args: &str) -> (i32, Value) {
    let (code, output) = run(directory, args);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (code, serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{args}: {told}")))
}

fn count(compared: &Value, key: &str) -> usize {
    compared[key].as_array().unwrap().len()
}

/// A directory with a capture of a healthy host and one of the same host unwell.
fn captures() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("healthy.json"), HEALTHY).unwrap();
    fs::write(directory.path().join("unwell.json"), UNWELL).unwrap();
    directory
}

#[test]
fn captures_compare_as_their_reports_do() {
    let directory = captures();
    let at = directory.path();
    for name in ["healthy", "unwell"] {
        let line =
            format!("check host capture:{name}.json --now {NOW} --output json={name}-report.json");
        run(at, &line);
    }
    let (by_captures, of_captures) = json(at, "diff healthy.json unwell.json --format json");
    let (by_reports, of_reports) =
        json(at, "diff healthy-report.json unwell-report.json --format json");
    assert_eq!((by_captures, by_reports), (1, 1));
    for key in ["appeared", "gone", "still", "undecided", "not_checked"] {
        assert_eq!(of_captures[key], of_reports[key], "{key}");
    }
    assert!(count(&of_reports, "appeared") > 5, "{of_reports}");
    let (back, of_repaired) = json(at, "diff unwell-report.json healthy-report.json --format json");
    assert_ne!(back, 1);
    assert_eq!(
        count(&of_repaired, "gone") + count(&of_repaired, "undecided"),
        count(&of_reports, "appeared")
    );
    let schema: Value =
        serde_json::from_str(&preflight::report::comparison::schema_json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&of_reports) && validator.is_valid(&of_captures));
}

#[test]
fn only_a_new_blocker_makes_a_run_fail() {
    let directory = captures();
    let at = directory.path();
    let check = |name: &str, more: &str| {
        run(at, &format!("check host capture:{name}.json --now {NOW} {more}")).0
    };
    assert_eq!(check("unwell", "--output json=first.json"), 1);
    assert_ne!(check("unwell", "--since first.json --output json=second.json"), 1);
    assert_ne!(check("healthy", "--output json=good.json"), 1);
    assert_eq!(check("unwell", "--since good.json"), 1);
    let second: Value = serde_json::from_slice(&fs::read(at.join("second.json")).unwrap()).unwrap();
    let first: Value = serde_json::from_slice(&fs::read(at.join("first.json")).unwrap()).unwrap();
    let failures: Vec<&Value> =
        second["results"].as_array().unwrap().iter().filter(|r| r["outcome"] == "fail").collect();
    assert!(!failures.is_empty());
    assert!(failures.iter().all(|result| result["since"] == first["run"]["at"]));
    // An earlier report is an input: it is not written over.
    assert_eq!(check("unwell", "--since first.json --output json=first.json"), 2);
}

/// Waits until a file holds a text; what it holds when it never does is told.
fn wait_for(path: &Path, text: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(path).is_ok_and(|seen| seen.contains(text)) {
        assert!(Instant::now() < until, "no {text:?} in {:?}", fs::read_to_string(path));
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn watching_prints_what_changes_until_it_is_stopped() {
    let directory = captures();
    let at = directory.path();
    fs::copy(at.join("healthy.json"), at.join("host.json")).unwrap();
    let out = at.join("out");
    let told = at.join("told");
    let options = "--watch 1s --brief --output prometheus=metrics.prom";
    let line = format!("check host capture:host.json --now {NOW} {options}");
    let mut child = command(at, &line)
        .stdout(fs::File::create(&out).unwrap())
        .stderr(fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    wait_for(&out, "mt1");
    let first = fs::read_to_string(&out).unwrap();
    assert!(!first.contains("\nnew:\n"), "{first}");
    fs::write(at.join("next.json"), UNWELL).unwrap();
    fs::rename(at.join("next.json"), at.join("host.json")).unwrap();
    wait_for(&out, "\nnew:\n");
    // What cannot be looked at for a while does not end the watching.
    fs::remove_file(at.join("host.json")).unwrap();
    wait_for(&told, "cannot look: ");
    fs::write(at.join("next.json"), HEALTHY).unwrap();
    fs::rename(at.join("next.json"), at.join("host.json")).unwrap();
    wait_for(&out, "\ngone:\n");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(
        fs::read_to_string(at.join("metrics.prom")).unwrap().contains("preflight_run_complete 1")
    );
}
