//! The linter beside pykickstart: the same options, and the same verdict on files of others and on
//! our own with one word changed.
//!
//! `PREFLIGHT_KICKSTARTS` names a directory of kickstarts, none of which is part of this project; with
//! `UPDATE_DOCS=1` docs/assurance.md then says how many there were.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use preflight::installer::kickstart::{LintSeverity, LintStyle, lint};
use preflight::packages::generation::Generation;

use crate::{VARIANTS, assurance, program, rendered};

/// Faults of values that pykickstart takes as they are.
const BEYOND: &[&str] = &[
    "bad-address",
    "bad-host-name",
    "bad-mount-point",
    "bad-package-name",
    "disk-not-usable",
    "gateway-outside",
    "mounted-twice",
    "not-implemented",
    "port-without-protocol",
    "two-layouts",
    "unclosed-block",
    "unknown-fstype",
    "unknown-keyboard",
    "unknown-language",
    "unknown-timezone",
];

/// Python with pykickstart; the tests of the project have it in an environment of their own.
fn python() -> Option<PathBuf> {
    match env::var_os("PREFLIGHT_PYTHON") {
        Some(path) => Some(PathBuf::from(path)),
        None => program("ksvalidator").and_then(|_| program("python3")),
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kickstart").join(name)
}

fn output(python: &Path, name: &str, argument: &Path) -> String {
    let output = Command::new(python).arg(script(name)).arg(argument).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_tables_of_options_are_pykickstarts() {
    let Some(python) = python() else { return };
    for (version, file) in [
        ("RHEL6", "el6.txt"),
        ("RHEL7", "el7.txt"),
        ("RHEL8", "el8.txt"),
        ("RHEL9", "el9.txt"),
        ("RHEL10", "el10.txt"),
        ("F42", "f42.txt"),
        ("F44", "f44.txt"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("kickstart/options").join(file);
        let found = output(&python, "options.py", Path::new(version));
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert!(written == found, "{file} is old: run UPDATE_GOLDEN=1 cargo test --test kickstart");
    }
}

/// How the linter and pykickstart judge the same files.
#[derive(Default)]
struct Compared {
    files: usize,
    accepted: usize,
    rejected: usize,
    /// Errors that are no policy in what pykickstart accepts.
    false_errors: Vec<String>,
    /// What pykickstart rejects and the linter does not.
    missed: Vec<String>,
    /// Faults of values found in what pykickstart accepts.
    beyond: usize,
}

fn compared(python: &Path, directory: &Path) -> Compared {
    let said = output(python, "verdicts.py", directory);
    let verdicts: BTreeMap<String, BTreeMap<String, Option<String>>> =
        serde_json::from_str(&said).unwrap();
    let mut compared = Compared { files: verdicts.len(), ..Compared::default() };
    for (name, of_file) in &verdicts {
        let bytes = fs::read(directory.join(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for (version, generation) in [("RHEL6", Generation::EL6), ("RHEL7", Generation::EL7)] {
            let lints = lint(&text, generation);
            let errors = || {
                lints.iter().filter(|it| {
                    it.severity == LintSeverity::Error && it.style == LintStyle::Syntax
                })
            };
            match &of_file[version] {
                None => {
                    compared.accepted += 1;
                    compared.beyond += errors().filter(|it| BEYOND.contains(&it.code)).count();
                    let wrong = errors().filter(|it| !BEYOND.contains(&it.code));
                    compared.false_errors.extend(wrong.map(|it| format!("{name} {version}: {it}")));
                }
                Some(why) => {
                    compared.rejected += 1;
                    if errors().next().is_none() {
                        compared.missed.push(format!("{name} {version}: {why}"));
                    }
                }
            }
        }
    }
    compared
}

/// Our own kickstarts with one word of a command dropped, doubled, misspelt or given a value.
fn write_changed(directory: &Path) {
    for variant in VARIANTS.iter().filter(|variant| variant.name.ends_with("full")) {
        let (_, text) = rendered(variant);
        let lines: Vec<&str> = text.lines().collect();
        let commands = || lines.iter().take_while(|line| !line.starts_with('%')).enumerate();
        for (at, line) in
            commands().filter(|(_, line)| line.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            let words: Vec<&str> = line.split(' ').collect();
            let mut changed: Vec<Vec<String>> = vec![[line, "stray"].map(str::to_owned).to_vec()];
            changed.push([line, "--bogus"].map(str::to_owned).to_vec());
            for index in 1..words.len() {
                let with = |word: Option<String>| -> Vec<String> {
                    let kept = words.iter().enumerate().filter_map(|(place, kept)| match &word {
                        new if place == index => new.clone(),
                        _ => Some((*kept).to_owned()),
                    });
                    kept.collect()
                };
                changed.push(with(None));
                changed.push(with(Some(format!("{} {}", words[index], words[index]))));
                changed.push(with(Some(format!("{}=x", words[index]))));
                if let Some((name, _)) = words[index].split_once('=') {
                    changed.push(with(Some(format!("{name}z=1"))));
                    changed.push(with(Some(format!("{name}=-1.5"))));
                    changed.push(with(Some(name.to_owned())));
                }
            }
            for (number, words) in changed.iter().enumerate() {
                let mut lines: Vec<String> = lines
                    .iter()
                    .take_while(|line| !line.starts_with('%'))
                    .map(|line| (*line).to_owned())
                    .collect();
                lines[at] = words.join(" ");
                let name = format!("{}-{at}-{number}.ks", variant.name);
                fs::write(directory.join(name), lines.join("\n") + "\n").unwrap();
            }
        }
    }
}

#[test]
fn one_changed_word_is_refused_where_pykickstart_refuses_it() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().unwrap();
    write_changed(directory.path());
    let compared = compared(&python, directory.path());
    assert!(compared.files > 400 && compared.rejected > 200, "{}", compared.files);
    assert!(compared.missed.is_empty(), "{:#?}", compared.missed);
    assert!(compared.false_errors.is_empty(), "{:#?}", compared.false_errors);
}

#[test]
fn kickstarts_of_others_are_judged_as_pykickstart_judges_them() {
    let (Some(directory), Some(python)) = (env::var_os("PREFLIGHT_KICKSTARTS"), python()) else {
        assurance::measures("kickstarts", "");
        return;
    };
    let compared = compared(&python, Path::new(&directory));
    let Compared { files, accepted, rejected, beyond, .. } = compared;
    assert!(compared.missed.is_empty(), "{:#?}", compared.missed);
    assert!(compared.false_errors.is_empty(), "{:#?}", compared.false_errors);
    let sources = env::var("PREFLIGHT_KICKSTARTS_SOURCES").unwrap_or_default();
    assurance::measures(
        "kickstarts",
        &format!(
            "{files} different files of others, none of them part of this project ({sources}), each read as \
             el6 and as el7: pykickstart accepts {accepted} and rejects {rejected}. Of what it accepts none \
             gets an error that is no policy of a master target, but for {beyond} values that pykickstart does \
             not look at; of what it rejects {rejected} get an error."
        ),
    );
}
