//! The command line as a user meets it: help pages, exit statuses, errors with hints, and a
//! first image from nothing but the program.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::path::Path;
use std::process::Output;

use assert_cmd::Command;

fn preflight(args: &[&str], directory: &Path) -> Output {
    Command::cargo_bin("preflight")
        .expect("the program is built")
        .args(args)
        .current_dir(directory)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8 on standard output")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8 on standard error")
}

fn here() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

#[test]
fn every_help_page_fits_80_columns() {
    let dir = here();
    let pages: &[&[&str]] = &[
        &["--help"],
        &["build", "--help"],
        &["build", "image", "--help"],
        &["check", "--help"],
        &["check", "image", "--help"],
        &["check", "host", "--help"],
        &["collect", "--help"],
        &["collect", "host", "--help"],
        &["collect", "script", "--help"],
        &["init", "site", "--help"],
        &["inspect", "image", "--help"],
        &["inspect", "agent", "--help"],
        &["render", "kickstart", "--help"],
        &["lint", "kickstart", "--help"],
        &["explain", "--help"],
        &["troubleshoot", "--help"],
        &["list", "--help"],
        &["init", "recipe", "--help"],
        &["test", "checks", "--help"],
        &["completions", "--help"],
        &["man", "--help"],
    ];
    for page in pages {
        let output = preflight(page, dir.path());
        assert!(output.status.success(), "{page:?}");
        let text = stdout(&output);
        let wide = text.lines().find(|line| line.chars().count() > 80);
        assert_eq!(wide, None, "{page:?} has a line past 80 columns");
    }
}

#[test]
fn demo_builds_and_verifies_from_nothing_but_the_program() {
    let dir = here();
    let output = preflight(&["build", "image", "demo"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("stand-in"), "{}", stdout(&output));
    let names = |dir: &Path| {
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(dir.path()), ["demo.iso", "demo.iso.cdx.json", "demo.iso.manifest.json"]);
    let again = preflight(&["build", "image", "demo"], dir.path());
    assert_eq!(again.status.code(), Some(2));
    assert!(stderr(&again).contains("hint: add --overwrite"), "{}", stderr(&again));

    let first = std::fs::read(dir.path().join("demo.iso")).expect("the image");
    let other = preflight(&["build", "image", "demo", "-o", "other.iso"], dir.path());
    assert_eq!(other.status.code(), Some(0));
    let second = std::fs::read(dir.path().join("other.iso")).expect("the image");
    assert!(first == second, "two builds of one plan are bit-identical");

    let check = preflight(&["check", "image", "demo.iso"], dir.path());
    assert_eq!(check.status.code(), Some(0), "{}", stdout(&check));
}

#[test]
fn a_centos_image_without_an_agent_fails_its_check_and_says_what_to_do() {
    let dir = here();
    let output = preflight(&["build", "image", "centos-6.6"], dir.path());
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("agent.package-name"), "{}", stdout(&output));
    assert!(stdout(&output).contains("--agent"), "{}", stdout(&output));
}

#[test]
fn bad_input_is_exit_2_one_thought_and_a_hint() {
    let dir = here();
    std::fs::write(dir.path().join("typo.yaml"), "profile: centos-6.6\nhost_nam: mt\n").unwrap();
    std::fs::write(dir.path().join("short.iso"), "not an image").unwrap();
    for (args, says, hint) in [
        (&["build", "image", "no-such-recipe"][..], "no-such-recipe", true),
        (&["build", "image", "typo.yaml"], "line 2", true),
        (&["build", "image", "demo", "--set", "netwrk.method=dhcp"], "netwrk", true),
        (&["build", "image", "demo", "--base", "missing.iso"], "missing.iso", false),
        (&["build", "image", "demo", "--base", "short.iso"], "short.iso", true),
        (&["check", "image", "short.iso"], "short.iso", true),
        (&["check", "image", "missing.iso"], "missing.iso", false),
        (&["explain", "no.such-check"], "no.such-check", true),
    ] {
        let output = preflight(args, dir.path());
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {text}");
        assert!(text.starts_with("preflight: "), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
        assert_eq!(hint, text.contains("\n  hint: "), "{args:?}: {text}");
    }
    let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing was written");
}

#[test]
fn dry_run_shows_the_plan_and_writes_nothing() {
    let dir = here();
    let output = preflight(&["build", "image", "demo", "--dry-run"], dir.path());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for word in ["demo.iso", "sda", "size"] {
        assert!(stdout(&output).contains(word), "{word}: {}", stdout(&output));
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn the_starting_recipe_builds_as_it_is() {
    let dir = here();
    let output = preflight(&["init", "recipe"], dir.path());
    std::fs::write(dir.path().join("mine.yaml"), stdout(&output)).unwrap();
    let rendered = preflight(&["render", "kickstart", "mine.yaml"], dir.path());
    assert_eq!(rendered.status.code(), Some(0), "{}", stderr(&rendered));
    std::fs::write(dir.path().join("ks.cfg"), stdout(&rendered)).unwrap();
    let lint = preflight(&["lint", "kickstart", "ks.cfg"], dir.path());
    assert_eq!(lint.status.code(), Some(0), "{}", stdout(&lint));
}

#[test]
fn lists_are_for_people_and_for_programs() {
    let dir = here();
    for what in ["checks", "symptoms", "recipes", "profiles", "formats"] {
        let text = preflight(&["list", what], dir.path());
        assert_eq!(text.status.code(), Some(0), "{what}");
        let json = preflight(&["list", what, "--format", "json"], dir.path());
        let value: serde_json::Value = serde_json::from_str(&stdout(&json)).expect("JSON");
        assert!(value[what].as_array().is_some_and(|list| !list.is_empty()), "{what}: {value}");
    }
}
