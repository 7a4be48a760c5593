//! An image on standard output: the bytes that a file would have, nothing beside it, and an exit
//! status that tells whoever reads it what it is worth.
//!
//! Not for deltas as such: `tests/delta.rs`.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
mod program;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use program::{ONE_FILE, Ran, binary, finish, installed, limited, names_in, run};

/// Runs the program with its standard output where `redirection`, a piece of shell, says.
fn redirected(dir: &Path, args: &[&str], redirection: &str) -> Ran {
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    let mut command = Command::new("bash");
    command.args(["-o", "pipefail", "-c"]).arg(script).arg(binary()).args(args);
    finish(&mut command, dir, ONE_FILE.patience)
}

fn medium(dir: &Path) -> Option<String> {
    if !installed(&["xorriso"]) {
        return None;
    }
    let base = el6_medium::write(dir, 3 << 20);
    fs::remove_dir_all(dir.join("tree")).unwrap();
    Some(base.file_name().unwrap().to_str().unwrap().to_owned())
}

#[test]
fn the_stream_has_the_bytes_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let base = medium(dir.path());
    let disc = vec!["build", "image", "demo"];
    let installer = base
        .as_ref()
        .map(|base| vec!["build", "image", "demo", "--allow-incomplete", "--base", base.as_str()]);
    for args in [Some(disc), installer].into_iter().flatten() {
        let to =
            |out: &[&'static str]| args.iter().copied().chain(out.to_vec()).collect::<Vec<_>>();
        let file = run(dir.path(), &ONE_FILE, to(&["-o", "file.iso"]));
        assert!(matches!(file.code, Some(0 | 1)), "{}", file.text());
        let wanted = fs::read(dir.path().join("file.iso")).unwrap();
        let beside = fs::read_to_string(dir.path().join("file.iso.manifest.json")).unwrap();
        for name in ["file.iso", "file.iso.cdx.json", "file.iso.manifest.json"] {
            fs::remove_file(dir.path().join(name)).unwrap();
        }
        let before = names_in(dir.path());
        let streamed = run(dir.path(), &ONE_FILE, to(&["-o", "-"]));
        assert_eq!(streamed.code, file.code, "{}", streamed.complaint());
        assert!(streamed.stdout == wanted, "{args:?}: other bytes");
        assert!(streamed.peak_kib <= 64 * 1024, "{} KiB", streamed.peak_kib);
        assert_eq!(names_in(dir.path()), before, "nothing is written beside a stream");
        let report = String::from_utf8(file.stdout).unwrap();
        let findings = report.lines().find(|line| line.contains("checks")).unwrap();
        assert!(streamed.complaint().contains("image.") && !findings.is_empty());

        let told = run(dir.path(), &ONE_FILE, to(&["-o", "-", "--manifest", "told.json"]));
        assert!(told.code == file.code && told.stdout == wanted, "{}", told.complaint());
        let named = beside.replace("\"file.iso\"", "\"standard output\"");
        assert_eq!(fs::read_to_string(dir.path().join("told.json")).unwrap(), named);
        fs::remove_file(dir.path().join("told.json")).unwrap();
        let dry = run(dir.path(), &ONE_FILE, to(&["-o", "-", "--dry-run"]));
        assert_eq!(dry.misdeeds(), [""; 0]);
        assert_eq!((dry.code, names_in(dir.path())), (Some(0), before), "{}", dry.text());
    }
}

#[test]
fn nothing_is_streamed_from_bad_input() {
    let dir = tempfile::tempdir().unwrap();
    let Some(base) = medium(dir.path()) else { return };
    let zero = format!("base.sha256={}", "0".repeat(64));
    let cases: [&[&str]; 4] = [
        &["demo", "--base", &base],
        &["demo", "--allow-incomplete", "--base", &base, "--set", &zero],
        &["demo", "--base", "missing.iso"],
        &["demo", "--manifest", &base, "--base", &base, "--allow-incomplete"],
    ];
    for case in cases {
        let args = ["build", "image", "-o", "-"].into_iter().chain(case.iter().copied());
        let ran = run(dir.path(), &ONE_FILE, args);
        assert_eq!((ran.code, ran.misdeeds()), (Some(2), Vec::new()), "{case:?}: {}", ran.text());
        assert!(ran.stdout.is_empty(), "{case:?}: {} bytes", ran.stdout.len());
        assert_eq!(names_in(dir.path()), [base.as_str()], "{case:?}");
    }
}

#[test]
fn a_terminal_and_an_input_are_refused_as_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    if let Some(base) = medium(dir.path()) {
        let before = fs::read(dir.path().join(&base)).unwrap();
        let args = ["build", "image", "demo", "--allow-incomplete", "--base", &base, "-o", "-"];
        let ran = redirected(dir.path(), &args, &format!("1<>{base}"));
        assert_eq!(ran.code, Some(2), "{}", ran.complaint());
        assert!(ran.complaint().contains("standard output is also an input"), "{}", ran.text());
        assert!(fs::read(dir.path().join(&base)).unwrap() == before, "the input is untouched");
    }
    if installed(&["script"]) {
        let command = format!("{} build image demo -o -", binary().display());
        let output = Command::new("script")
            .args(["-qec", &command, "/dev/null"])
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("standard output is a terminal"), "{said}");
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
}

/// A run whose output is read while it goes on.
fn piped(command: &mut Command, dir: &Path) -> Child {
    command.current_dir(dir).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_reader_that_goes_away_and_a_full_disk_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let Some(base) = medium(dir.path()) else { return };
    let args = ["build", "image", "demo", "--allow-incomplete", "--base", &base, "-o", "-"];
    let mut child = piped(limited(binary().as_os_str(), &ONE_FILE).args(args), dir.path());
    let mut start = [0; 100_000];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("whoever read the image stopped reading"), "{said}");
    assert!(said.contains("bytes were written; discard them"), "{said}");

    let ran = redirected(dir.path(), &args, ">/dev/full");
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.complaint().contains("only 0 of "), "{}", ran.complaint());
}

#[test]
fn an_input_that_changes_between_the_passes_spoils_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let Some(base) = medium(dir.path()) else { return };
    let args = ["build", "image", "demo", "--allow-incomplete", "--base", &base, "-o", "-"];
    let mut child = piped(Command::new(binary()).args(args), dir.path());
    // The pipe is full and the program waits: what it has yet to read of the base can change.
    let mut stdout = child.stdout.take().unwrap();
    let mut start = [0; 1];
    stdout.read_exact(&mut start).unwrap();
    let medium = File::options().write(true).open(dir.path().join(&base)).unwrap();
    let at = medium.metadata().unwrap().len() / 2;
    std::os::unix::fs::FileExt::write_all_at(&medium, b"changed", at).unwrap();
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("an input changed while it was read"), "{said}");
}

#[test]
fn a_delta_is_rebuilt_to_standard_output() {
    let dir = tempfile::tempdir().unwrap();
    let Some(base) = medium(dir.path()) else { return };
    let args = ["build", "image", "demo", "--allow-incomplete", "--base", &base, "-o", "mt.iso"];
    assert!(matches!(run(dir.path(), &ONE_FILE, args).code, Some(0 | 1)));
    let made = run(dir.path(), &ONE_FILE, ["build", "delta", "mt.iso", "--base", &base]);
    assert_eq!(made.code, Some(0), "{}", made.text());
    let before = names_in(dir.path());
    let args = ["build", "image", "--from-delta", "mt.iso.delta", "--base", &base, "-o", "-"];
    let ran = run(dir.path(), &ONE_FILE, args);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    assert!(ran.stdout == fs::read(dir.path().join("mt.iso")).unwrap(), "the same bytes");
    assert!(ran.complaint().contains("check image"), "{}", ran.complaint());
    assert_eq!(names_in(dir.path()), before);
    let other = ["--manifest", "m.json"];
    let ran = run(dir.path(), &ONE_FILE, args.into_iter().chain(other));
    assert_eq!((ran.code, ran.stdout.len()), (Some(2), 0), "{}", ran.complaint());
    let ran = redirected(dir.path(), &args, ">/dev/full");
    assert_eq!(ran.code, Some(2), "{}", ran.text());
}
