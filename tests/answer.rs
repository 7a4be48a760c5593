//! Questions and answers, as a person meets them: what is open, how it is asked on a terminal, where
//! an answer is kept, and what it counts for afterwards.
//!
//! Not for how a text is edited: the unit tests of `site::answer_edit` say that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod program;
mod sshd;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use sshd::{Screen, at_terminal};

const NOW: &str = "2026-11-30T06:30:00Z";

const SITE: &str = "\
# what ann knows
configuration_server: { address: cs01.example.test } # the old one
master_targets:
  - { name: mt1, ssh: 'ssh://root@127.0.0.1:1' }
protected_vms:
  - { name: app-01, master_target: mt1 }   # the shop
  - { name: app-02, master_target: mt1 }
";

fn here(site: &str) -> tempfile::TempDir {
    let directory = tempfile::Builder::new().prefix("preflight-answer").tempdir().unwrap();
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    directory
}

fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}

fn preflight(directory: &Path, line: &str) -> Output {
    Command::new(program::binary())
        .args(line.split_whitespace())
        .args(["--now", NOW])
        .current_dir(directory)
        .env("HOME", directory)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// What `list questions` tells of the site.
fn listed(directory: &Path, more: &str) -> Value {
    let output =
        preflight(directory, &format!("list questions --site site.yaml --format json {more}"));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(listed["schema"], "preflight.questions/1");
    listed["site"].clone()
}

/// The state of a question, `answered` when it is.
fn state(site: &Value, check: &str, target: &str) -> String {
    let of = |list: &str| {
        let rows = site[list].as_array().unwrap().iter();
        rows.filter(|row| row["check"] == check && row["target"] == target)
            .cloned()
            .collect::<Vec<_>>()
    };
    match (of("open").as_slice(), of("answered").as_slice()) {
        ([open], []) => open["state"].as_str().unwrap().to_owned(),
        ([], [_]) => "answered".to_owned(),
        ([], []) => "absent".to_owned(),
        both => panic!("{check} {target}: {both:?}"),
    }
}

/// The outcome of a check on a target.
fn outcome(directory: &Path, check: &str, target: &str) -> String {
    let only = format!("check site site.yaml --format json --ssh-config none --only {check}");
    let output = preflight(directory, &only);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
    let results = report["results"].as_array().unwrap();
    let row = results.iter().find(|row| row["check"] == check && row["target"] == target);
    row.map_or("absent", |row| row["outcome"].as_str().unwrap()).to_owned()
}

#[test]
fn an_answer_is_kept_beside_the_site_file_which_names_it_and_counts() {
    let dir = here(SITE);
    let dir = dir.path();
    assert_eq!(state(&listed(dir, ""), "cs.backup", "cs01.example.test"), "unanswered");
    let given = preflight(dir, "answer site.yaml --set cs.backup=yes --by ann --offline");
    assert_eq!(given.status.code(), Some(3), "{}", text(&given));
    assert!(text(&given).contains("1 answer saved in answers.yaml, site.yaml"), "{}", text(&given));
    assert_eq!(read(dir, "site.yaml"), format!("{SITE}answers_file: answers.yaml\n"));
    let entry = "  - { check: cs.backup, target: cs01.example.test, value: yes, by: ann, at: 2026-11-30 }\n";
    let answers = read(dir, "answers.yaml");
    assert!(answers.ends_with(&format!("answers:\n{entry}")), "{answers}");
    assert_eq!(state(&listed(dir, ""), "cs.backup", "cs01.example.test"), "answered");
    assert_eq!(outcome(dir, "cs.backup", "cs01.example.test"), "pass");
    // The second takes the place of the first.
    let given = preflight(dir, "answer site.yaml --set cs.backup=no --by bo --offline");
    assert!(text(&given).contains("1 answer saved in answers.yaml;"), "{}", text(&given));
    let entry = entry.replace("yes", "no").replace("ann", "bo");
    assert_eq!(
        read(dir, "answers.yaml"),
        answers.replace(answers.lines().last().unwrap(), entry.trim_end())
    );
    assert_eq!(outcome(dir, "cs.backup", "cs01.example.test"), "fail");
}

#[test]
fn an_answer_with_a_target_counts_for_that_one_alone() {
    let dir = here(SITE);
    let dir = dir.path();
    let given = preflight(dir, "answer site.yaml --set cs.two-nics@app-01=yes --by ann --offline");
    assert_eq!(given.status.code(), Some(3), "{}", text(&given));
    let site = listed(dir, "");
    assert_eq!(state(&site, "cs.two-nics", "app-01"), "answered");
    assert_eq!(state(&site, "cs.two-nics", "app-02"), "unanswered");
    assert_eq!(outcome(dir, "cs.two-nics", "app-01"), "pass");
    assert_eq!(outcome(dir, "cs.two-nics", "app-02"), "unknown");
    // One about all of them does not count before one about this one.
    let all =
        "\nanswers:\n  - { check: cs.two-nics, target: '*', value: no, by: bo, at: 2026-11-29 }\n";
    fs::write(dir.join("site.yaml"), read(dir, "site.yaml") + all).unwrap();
    assert_eq!(outcome(dir, "cs.two-nics", "app-01"), "pass");
    assert_eq!(outcome(dir, "cs.two-nics", "app-02"), "fail");
}

#[test]
fn an_old_answer_is_asked_for_again_and_so_is_one_of_another_stage() {
    let answers = "\
# asked in spring
answers:
  - check: cs.backup       # by telephone
    value: yes
    by: bo
    at: 2001-01-01
  - { check: vm.temp-disk, target: app-01, value: yes, by: bo, at: 2026-11-29, stage: reprotect } # on site
stage: prepare
";
    let dir = here(&format!("{SITE}{answers}"));
    let dir = dir.path();
    let site = listed(dir, "");
    assert_eq!(state(&site, "cs.backup", "cs01.example.test"), "too-old");
    assert_eq!(state(&site, "vm.temp-disk", "app-01"), "other-stage");
    assert_eq!(outcome(dir, "cs.backup", "cs01.example.test"), "unknown");
    assert_eq!(state(&listed(dir, "--stage reprotect"), "vm.temp-disk", "app-01"), "answered");
    let set = "--set cs.backup=yes --set vm.temp-disk@app-01=not-applicable";
    let given = preflight(dir, &format!("answer site.yaml {set} --by ann --offline"));
    assert_eq!(given.status.code(), Some(3), "{}", text(&given));
    // The list of the file itself is edited, where it stands.
    let expected = answers
        .replace(
            "by: bo\n    at: 2001-01-01",
            "by: ann\n    at: 2026-11-30\n    target: cs01.example.test",
        )
        .replace(
            "value: yes, by: bo, at: 2026-11-29, stage: reprotect",
            "value: not-applicable, by: ann, at: 2026-11-30, stage: prepare",
        );
    assert_eq!(read(dir, "site.yaml"), format!("{SITE}{expected}"));
    assert!(!dir.join("answers.yaml").exists());
    let site = listed(dir, "");
    assert_eq!(state(&site, "cs.backup", "cs01.example.test"), "answered");
    assert_eq!(state(&site, "vm.temp-disk", "app-01"), "answered");
}

#[test]
fn what_two_files_answer_is_an_error_with_both_lines() {
    let entry = "{ check: cs.backup, value: yes, by: ann, at: 2026-11-29 }";
    let dir = here(&format!("{SITE}answers_file: given/a.yaml\nanswers:\n  - {entry}\n"));
    let dir = dir.path();
    let missing = preflight(dir, "check site site.yaml");
    assert_eq!(missing.status.code(), Some(2));
    assert!(
        text(&missing)
            .contains("site.yaml, line 8, column 15: the answers file given/a.yaml cannot be read"),
        "{}",
        text(&missing)
    );
    fs::create_dir(dir.join("given")).unwrap();
    let beside = |text: &str| fs::write(dir.join("given/a.yaml"), text).unwrap();
    for (answers, says) in [
        (
            format!("# two\nanswers:\n- {entry}\n"),
            "given/a.yaml, line 3, column 12: cs.backup is answered in site.yaml, line 10, too",
        ),
        (
            "answers: [ { check: cs.bakup, value: yes, by: a, at: 2026-11-29 } ]\n".to_owned(),
            "given/a.yaml, line 1, column 21: there is no check \"cs.bakup\", did you mean \"cs.backup\"?",
        ),
        (
            "answers: [ { check: cs.two-nics, value: yes, by: a, at: 2026-11-29 } ]\n".to_owned(),
            "given/a.yaml, line 1, column 21: the answer to cs.two-nics does not say which target",
        ),
        ("stage: prepare\n".to_owned(), "given/a.yaml, line 1, column 1: unknown key \"stage\""),
        (format!("# {}\n", "x".repeat(256 * 1024)), "at most 262144 are read"),
    ] {
        beside(&answers);
        for verb in ["check site site.yaml", "list questions --site site.yaml"] {
            let output = preflight(dir, verb);
            assert_eq!(output.status.code(), Some(2), "{answers:.80}: {}", text(&output));
            assert!(text(&output).contains(says), "{says}: {}", text(&output));
        }
    }
}

#[test]
fn nothing_is_written_unless_all_of_it_is_right() {
    let dir = here(SITE);
    let dir = dir.path();
    for (line, says) in [
        ("answer site.yaml --offline", "hint: give the answers: --set CHECK=yes --by NAME"),
        ("answer site.yaml --set cs.backup=yes --offline", "--by <NAME>"),
        (
            "answer site.yaml --set cs.backup=maybe --by a --offline",
            "expected CHECK[@TARGET]=yes, no or not-applicable",
        ),
        (
            "answer site.yaml --set cs.backup=yes --set cs.bakup=yes --by a --offline",
            "there is no question \"cs.bakup\", did you mean \"cs.backup\"?",
        ),
        (
            "answer site.yaml --set cs.backup=yes --set cs.two-nics=yes --by a --offline",
            "cs.two-nics is about app-01, app-02",
        ),
        (
            "answer site.yaml --set cs.two-nics@app-03=yes --by a --offline",
            "hint: name one, as cs.two-nics@app-01, or all of them, as cs.two-nics@*",
        ),
        ("answer site.yaml cs.bakup --set cs.backup=yes --by a --offline", "there is no question"),
        ("answer site.yaml --stage sync --set cs.backup=yes --by a --offline", "--stage sync"),
        ("answer none.yaml --set cs.backup=yes --by a --offline", "none.yaml"),
    ] {
        let output = preflight(dir, line);
        assert_eq!(output.status.code(), Some(2), "{line}: {}", text(&output));
        assert!(text(&output).contains(says), "{line}: {}", text(&output));
        assert_eq!(read(dir, "site.yaml"), SITE, "{line}");
        assert!(!dir.join("answers.yaml").exists(), "{line}");
    }
    // A file of that name that the site does not name is somebody's.
    fs::write(dir.join("answers.yaml"), "mine\n").unwrap();
    let output = preflight(dir, "answer site.yaml --set cs.backup=yes --by a --offline");
    assert!(text(&output).contains("answers.yaml is there already"), "{}", text(&output));
    assert_eq!(
        (read(dir, "answers.yaml").as_str(), read(dir, "site.yaml").as_str()),
        ("mine\n", SITE)
    );
}

#[test]
fn a_file_that_cannot_be_edited_is_left_alone_and_the_line_is_told() {
    let flow = "{ configuration_server: { address: cs01.example.test } }\n";
    let dir = here(flow);
    let dir = dir.path();
    let output = preflight(dir, "answer site.yaml --set cs.backup=yes --by a --offline");
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(
        text(&output).contains("hint: write it yourself: answers_file: answers.yaml"),
        "{}",
        text(&output)
    );
    assert_eq!(read(dir, "site.yaml"), flow);
    assert!(!dir.join("answers.yaml").exists());
}

#[test]
fn a_file_keeps_its_mode_and_a_link_stays_one() {
    let dir = here("answers: []\r\n");
    let dir = dir.path();
    fs::rename(dir.join("site.yaml"), dir.join("real.yaml")).unwrap();
    fs::set_permissions(dir.join("real.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.yaml", dir.join("site.yaml")).unwrap();
    let output = preflight(dir, "answer site.yaml --set vm.not-hyperv-target=yes --by a --offline");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        read(dir, "real.yaml").ends_with("at: 2026-11-30 } ]\r\n"),
        "{}",
        read(dir, "real.yaml")
    );
    let mode = fs::metadata(dir.join("real.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    assert!(dir.join("site.yaml").symlink_metadata().unwrap().is_symlink());
}

#[test]
fn one_answer_is_for_the_whole_site_where_the_question_is() {
    let more = SITE.replace(
        "protected_vms",
        "  - { name: mt2, ssh: 'ssh://root@127.0.0.1:2' }\nprotected_vms",
    );
    let dir = here(&more);
    let dir = dir.path();
    let output = preflight(dir, "answer site.yaml --set cs.same-ip=yes --by ann --offline");
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    assert!(
        read(dir, "answers.yaml").contains("{ check: cs.same-ip, target: '*', value: yes,"),
        "{}",
        read(dir, "answers.yaml")
    );
    let site = listed(dir, "");
    // It is of the configuration server, and answered for it once.
    assert_eq!(state(&site, "cs.same-ip", "cs01.example.test"), "answered");
}

fn terminal(dir: &Path, steps: &[&str], checks: &[&str]) -> Option<Screen> {
    if !program::installed(&["python3"]) {
        return None;
    }
    let site = dir.join("site.yaml").display().to_string();
    let args = [&["answer", &site, "--offline", "--now", NOW][..], checks].concat();
    let screen = at_terminal(dir, steps, &args);
    screen.done();
    Some(screen)
}

#[test]
fn a_terminal_is_asked_one_question_at_a_time() {
    let dir = here(SITE);
    let dir = dir.path();
    let steps = [
        "see:Who answers?",
        "type:ann\\n",
        "see:stop",
        "type:what\\n",
        "see:Please type one of",
        "type:y\\n",
        "see:for all 2",
        "type:na\\n",
        "see:app-01",
        "see:stop",
        "type:\\n",
        "see:app-02",
        "see:stop",
        "type:-\\n",
    ];
    let checks = ["cs.backup", "cs.two-nics", "vm.iscsi-disk"];
    let Some(screen) = terminal(dir, &steps, &checks) else { return };
    assert_eq!(screen.code, Some(3), "{screen:?}");
    let words = screen.words();
    for shown in [
        "Answers are kept in",
        "cs01.example.test:",
        "a no means",
        "4 answers saved in",
        "1 question is open",
    ] {
        assert!(words.contains(shown), "{shown}: {words}");
    }
    let answers = read(dir, "answers.yaml");
    for entry in [
        "{ check: cs.backup, target: cs01.example.test, value: yes, by: ann, at: 2026-11-30 }",
        "{ check: cs.two-nics, target: app-01, value: no, by: ann, at: 2026-11-30 }",
        "{ check: cs.two-nics, target: app-02, value: no, by: ann, at: 2026-11-30 }",
        "{ check: vm.iscsi-disk, target: app-02, value: not-applicable, by: ann, at: 2026-11-30 }",
    ] {
        assert!(answers.contains(entry), "{entry}: {answers}");
    }
    assert_eq!(answers.matches("check:").count(), 4, "{answers}");
}

#[test]
fn what_is_answered_before_ctrl_c_or_q_is_kept() {
    for (end, code) in [("type:\\x03", 130), ("type:q\\n", 3), ("kill:INT", 130)] {
        let dir = here(SITE);
        let dir = dir.path();
        let half = if code == 130 { "type:hal" } else { "wait:0" };
        let steps = ["see:stop", "type:y\\n", "see:app-01", "see:stop", half, "wait:0.3", end];
        let checks = ["cs.backup", "cs.two-nics", "--by", "bo"];
        let Some(screen) = terminal(dir, &steps, &checks) else { return };
        assert_eq!(screen.code, Some(code), "{end}: {screen:?}");
        assert_eq!(screen.left, "", "{end}");
        assert!(screen.words().contains("1 answer saved in"), "{end}: {screen:?}");
        let answers = read(dir, "answers.yaml");
        assert!(answers.contains("check: cs.backup"), "{answers}");
        assert_eq!(answers.matches("check:").count(), 1, "{answers}");
        assert!(!dir.join(".answers.yaml.part").exists());
        // The next run asks what is left.
        assert_eq!(state(&listed(dir, ""), "cs.backup", "cs01.example.test"), "answered");
    }
}
