//! What every verb prints and writes, as files: the command line, exit status, both streams and
//! the files of a few hundred runs, and the digests of images.
//!
//! Not for whether any of it is right: the other tests say that. This one shows that a change that
//! should change nothing does so, and shows a reworded text in the diff of its file. It knows the
//! program by its command line alone.
//!
//! `UPDATE_GOLDEN=1 cargo test --test goldens` writes the files anew. They hold the same bytes on
//! every machine and every day: the time is `--now` and SOURCE_DATE_EPOCH, what is asked are the
//! captures of `tests/golden/captures`, and `goldens/mask.rs` says what is masked.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "goldens/case.rs"]
mod case;
#[path = "goldens/cases/mod.rs"]
mod cases;
#[path = "goldens/difference.rs"]
mod difference;
mod el6_medium;
#[path = "goldens/inputs.rs"]
mod inputs;
#[path = "goldens/mask.rs"]
mod mask;
#[path = "goldens/medium.rs"]
mod medium;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use case::Case;
use inputs::Inputs;

/// How the golden files are written anew.
const UPDATE: &str = "UPDATE_GOLDEN=1 cargo test --test goldens";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn is_update() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// Compares a text with its golden file, or writes that.
fn compare(path: &Path, text: &str) -> Result<(), String> {
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    if is_update() {
        fs::write(path, text).unwrap();
        return Ok(());
    }
    let name = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display();
    Err(format!("{name}\n{}", difference::lines(&expected, text)))
}

/// Runs cases on a few threads and returns what differs.
fn differences(cases: &[Case], inputs: &Inputs) -> Vec<String> {
    let next = Mutex::new(cases.iter());
    let failures = Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let Some(case) = next.lock().unwrap().next() else { return };
                    let text = case.transcript(inputs);
                    let path = golden("verbs").join(format!("{}.txt", case.name));
                    if let Err(failure) = compare(&path, &text) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    failures
}

/// Golden files of no case; they are removed when the others are written.
fn strangers(cases: &[Case]) -> Vec<String> {
    let known: BTreeSet<String> = cases.iter().map(|case| format!("{}.txt", case.name)).collect();
    assert_eq!(known.len(), cases.len(), "two cases share a name");
    let mut found = Vec::new();
    for entry in fs::read_dir(golden("verbs")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !known.contains(&name) {
            if is_update() {
                fs::remove_file(entry.path()).unwrap();
            } else {
                found.push(format!("tests/golden/verbs/{name} is the file of no case\n"));
            }
        }
    }
    found
}

#[test]
fn every_verb_says_and_writes_what_its_golden_file_says() {
    let inputs = Inputs::new();
    fs::create_dir_all(golden("verbs")).unwrap();
    let cases = cases::all(&inputs);
    let mut failures = strangers(&cases);
    failures.extend(compare(&golden("images.tsv"), &inputs.images()).err());
    failures.extend(differences(&cases, &inputs));
    println!("{} cases", cases.len());
    let count = failures.len();
    assert!(
        failures.is_empty(),
        "golden files that differ: {count}. When that is what you want: {UPDATE}\n\n{}",
        failures.join("\n")
    );
}
