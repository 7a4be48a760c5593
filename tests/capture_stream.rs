//! `check host capture:DIR`: one capture after the other, and the same bytes as when all are held at once.
//!
//! Not for which files of a directory are captures (`transport::capture`).
#![allow(clippy::unwrap_used, reason = "all of this file is a test")]
#![allow(clippy::print_stdout, reason = "the figures are told")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use preflight::report::FORMATS;
use program::{Limits, Ran, run};

const NOW: &str = "2026-11-30T10:00:00Z";

const LIMITS: Limits =
    Limits { cpu_s: 120, memory_mib: 1024, file_kib: None, patience: Duration::from_secs(300) };

fn captured(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/captures").join(name)
}

/// Writes so many captures, of a host that is well and of one that is not in turns.
fn write_captures(directory: &Path, count: usize) {
    let pair = ["broken", "good"]
        .map(|name| fs::read_to_string(captured(name).join("linux-mt.mt1.json")).unwrap());
    for number in 0..count {
        let name = format!("mt{number:04}");
        let text = pair[number % 2].replacen("\"mt1\"", &format!("\"{name}\""), 1);
        fs::write(directory.join(format!("{name}.json")), text).unwrap();
    }
}

fn check(directory: &Path, format: &str, targets: &[String]) -> Ran {
    let words = ["check", "host", "--now", NOW, "--format", format];
    let ran =
        run(directory, &LIMITS, words.iter().copied().chain(targets.iter().map(String::as_str)));
    assert!(!ran.stdout.is_empty(), "{}", ran.text());
    ran
}

#[test]
fn a_directory_gives_the_bytes_that_its_files_give() {
    let dir = tempfile::tempdir().unwrap();
    write_captures(dir.path(), 2);
    let server = captured("broken").join("process-server.ps1.json");
    fs::copy(server, dir.path().join("ps1.json")).unwrap();
    let files = ["mt0000", "mt0001", "ps1"].map(|name| format!("capture:{name}.json"));
    for format in FORMATS.iter().map(|format| format.name) {
        let (whole, one_by_one) = (
            check(dir.path(), format, &["capture:.".to_owned()]),
            check(dir.path(), format, &files),
        );
        assert_eq!(whole.text(), one_by_one.text(), "{format}");
        assert_eq!(whole.code, one_by_one.code, "{format}");
    }
}

#[test]
fn memory_does_not_grow_with_what_captures_hold() {
    // A capture with its facts and findings took 200 KiB; what its findings say takes 28.
    const EACH_KIB: u64 = 48;
    let peak = |count: usize, format: &str| {
        let dir = tempfile::tempdir().unwrap();
        write_captures(dir.path(), count);
        check(dir.path(), format, &["capture:.".to_owned()]).peak_kib
    };
    for format in ["text", "json"] {
        let (few, many) = (peak(40, format), peak(160, format));
        println!("{format}: {few} KiB of 40, {many} KiB of 160");
        assert!(many.saturating_sub(few) < 120 * EACH_KIB, "{format}: {few} and {many} KiB");
    }
}
