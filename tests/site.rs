//! A site and many hosts, as a user meets them: the site file, options, inventories, checks of the
//! site's own, waivers, Ctrl-C; and a report that is the same from a capture as from the host.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "site/asked.rs"]
mod asked;
#[path = "site/ports.rs"]
mod ports;
#[path = "site/tls_server.rs"]
mod tls_server;

fn command(directory: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("preflight"));
    command.args(args).current_dir(directory);
    command
}

fn preflight(directory: &Path, args: &[&str]) -> Output {
    command(directory, args).output().expect("the program runs")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8 on standard output")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8 on standard error")
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{}", stdout(output), stderr(output)))
}

/// The result of one check on one target.
fn result<'r>(report: &'r Value, check: &str, target: &str) -> Option<&'r Value> {
    let results = report["results"].as_array().expect("results");
    results.iter().find(|it| it["check"] == check && it["target"] == target)
}

fn outcome<'r>(report: &'r Value, check: &str, target: &str) -> &'r str {
    result(report, check, target).map_or("absent", |it| it["outcome"].as_str().unwrap())
}

fn here() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn write(directory: &Path, name: &str, text: &str) {
    fs::write(directory.join(name), text).expect("a file can be written");
}

/// A capture in which a host answers these probes.
fn capture(directory: &Path, file: &str, target: &str, answers: &[(&str, &str)]) {
    let by_probe: serde_json::Map<String, Value> = answers
        .iter()
        .map(|(probe, text)| {
            ((*probe).to_owned(), serde_json::json!({ "status": 0, "text": text }))
        })
        .collect();
    let capture = serde_json::json!({
        "schema": "preflight.capture/1", "target": target, "kind": "linux-mt",
        "asked_at": jiff::Timestamp::now().to_string(), "connection": { "by": "ssh" },
        "answers": { "by_probe": by_probe, "ended": true },
    });
    write(directory, file, &capture.to_string());
}

#[test]
fn a_mistake_in_the_site_is_exit_2_with_its_line_before_anything_is_asked() {
    let dir = here();
    // Whoever is asked leaves a trace.
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("sh"), "#!/bin/sh\n: > asked\n").unwrap();
    fs::set_permissions(bin.join("sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mts = "master_targets: [ { name: mt1, ssh: 'local:' } ]\n";
    for (site, says, hint) in [
        (
            format!("{mts}protected_vms:\n  - {{ name: a, master_target: mt2 }}\n"),
            "site.yaml, line 3, column 31: there is no master target named \"mt2\", did you mean \"mt1\"?",
            "write mt1",
        ),
        (
            format!(
                "{mts}waivers:\n- {{ check: mt.root-acess, target: mt1, reason: r, owner: o, expires: 2026-12-31 }}\n"
            ),
            "site.yaml, line 3, column 12: there is no check \"mt.root-acess\", did you mean \"mt.root-access\"?",
            "preflight list checks",
        ),
        (
            format!(
                "{mts}answers:\n- {{ check: mt.root-access, value: yes, by: ann, at: 2026-11-20 }}\n"
            ),
            "mt.root-access is decided by facts, and not by an answer",
            "waive",
        ),
        (
            "master_targets: [ { name: mt1, shh: 'local:' } ]\n".to_owned(),
            "unknown key \"shh\", did you mean \"ssh\"?",
            "write ssh instead",
        ),
    ] {
        write(dir.path(), "site.yaml", &site);
        let output = command(dir.path(), &["check", "host", "--site", "site.yaml"])
            .env("PATH", &path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
        let text = stderr(&output);
        assert!(text.contains(says) && text.contains(hint), "{text}");
        assert!(!dir.path().join("asked").exists(), "a host was asked");
    }
    write(dir.path(), "site.yaml", mts);
    command(dir.path(), &["check", "host", "--site", "site.yaml"])
        .env("PATH", &path)
        .output()
        .unwrap();
    assert!(dir.path().join("asked").exists(), "the trace of being asked works");
}

#[test]
fn the_site_to_start_from_is_one() {
    let dir = here();
    write(dir.path(), "site.yaml", &stdout(&preflight(dir.path(), &["init", "site"])));
    let output = preflight(dir.path(), &["check", "host", "nobody", "--site", "site.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("target \"nobody\""), "{}", stderr(&output));
}

#[test]
fn the_site_to_start_from_is_written_where_it_is_asked_for_and_over_nothing() {
    let dir = here();
    let init = |more: &[&str]| {
        preflight(
            dir.path(),
            &[&["init", "site", "--scenario", "hyperv", "-o", "site.yaml"], more].concat(),
        )
    };
    let read = || fs::read_to_string(dir.path().join("site.yaml")).unwrap();
    assert_eq!(init(&[]).status.code(), Some(0));
    assert_eq!(read(), stdout(&preflight(dir.path(), &["init", "site", "--scenario", "hyperv"])));
    write(dir.path(), "site.yaml", "scenario: hyperv\n");
    let refused = init(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("add --overwrite"), "{}", stderr(&refused));
    assert_eq!(read(), "scenario: hyperv\n");
    assert_eq!(init(&["--overwrite"]).status.code(), Some(0));
    assert!(read().contains("protected_vms:"), "{}", read());
}

#[test]
fn what_the_site_knows_decides_what_is_asked() {
    let dir = here();
    capture(dir.path(), "a.json", "a", &[("user", "0\n"), ("ports", "agent cs01\n")]);
    let alone =
        report(&preflight(dir.path(), &["check", "host", "capture:a.json", "--format", "json"]));
    assert_eq!(outcome(&alone, "network.mt-to-ps-9443", "a"), "absent");
    let not_asked = alone["not_asked"].as_array().unwrap();
    assert!(not_asked.iter().any(|it| it["check"] == "network.mt-to-ps-9443"
        && it["needs"] == serde_json::json!(["site-file"])));

    // A process server that the captured host was not asked about is unknown, and never a pass.
    let args = ["check", "host", "capture:a.json", "--format", "json", "--ps", "ps1=ps01"];
    let told = report(&preflight(dir.path(), &args));
    assert_eq!(outcome(&told, "network.mt-to-ps-9443", "a"), "unknown");
    let reason = &result(&told, "network.mt-to-ps-9443", "a").unwrap()["reason"];
    assert!(reason.as_str().unwrap().contains("not asked about ps01:9443"), "{reason}");
    assert_eq!(outcome(&told, "network.cs-to-vcenter-443", "a"), "not-applicable");
}

/// A check of a site's own, with a probe.
const OWN: &str = "\
- id: own.motto
  title: the motto is the right one
  severity: blocks-failback
  applies_to: linux-mt
  probes:
    - { name: motto, shell: \"printf 'motto: %s\\\\n' WORD\", pattern: '(?m)^motto: (?P<word>\\w+)$' }
  rule: own.motto.word == 'festina'
  found: the motto is {{own.motto.word}}
  symptom: none
  remedy: { text: Choose another. }
  source: { doc: site, at: our handbook }
  examples:
    - { pass: { own: { motto: { word: festina } } } }
    - { fail: { own: { motto: { word: lente } } } }
    - { unknown: { own: { motto: {} } } }
";

#[test]
fn a_site_brings_checks_and_probes_of_its_own() {
    let dir = here();
    fs::create_dir(dir.path().join("own")).unwrap();
    for (word, expected, code) in
        [("festina", "pass", None), ("lente", "fail", Some(1)), ("'?'", "unknown", None)]
    {
        write(dir.path(), "own/site.yaml", &OWN.replace("WORD", word));
        let args = ["check", "host", "local:", "--checks", "own", "--format", "json"];
        let output = preflight(dir.path(), &args);
        let report = report(&output);
        assert_eq!(outcome(&report, "own.motto", "local:"), expected, "{word}");
        assert_ne!(outcome(&report, "mt.root-access", "local:"), "absent");
        if let Some(code) = code {
            assert_eq!(output.status.code(), Some(code));
        }
    }
    let examples = preflight(dir.path(), &["test", "checks", "own"]);
    assert_eq!(examples.status.code(), Some(0), "{}", stdout(&examples));
    let script = stdout(&preflight(dir.path(), &["collect", "script", "--checks", "own"]));
    assert!(script.contains(" probe own-motto"), "{script}");

    write(
        dir.path(),
        "own/site.yaml",
        &OWN.replace("rule: own.motto.word", "rule: own.motto.wrod"),
    );
    let wrong = preflight(dir.path(), &["check", "host", "local:", "--checks", "own"]);
    assert_eq!(wrong.status.code(), Some(2));
    let text = stderr(&wrong);
    let says = "own/site.yaml, line 1: own.motto: rule: own.motto has no member \"wrod\", did you mean \"word\"?";
    assert!(text.contains(says), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "    own.motto.wrod == 'festina'");
    assert_eq!(lines[2].find('^'), lines[1].find("wrod"), "{text}");
    let examples = preflight(dir.path(), &["test", "checks", "own"]);
    assert_eq!(examples.status.code(), Some(2), "{}", stdout(&examples));
}

#[test]
fn a_waiver_covers_a_failure_until_its_day_and_is_told_when_it_covers_nothing() {
    let dir = here();
    fs::create_dir(dir.path().join("own")).unwrap();
    write(dir.path(), "own/site.yaml", &OWN.replace("WORD", "lente"));
    let run = |target: &str, expires: &str| {
        let site = format!(
            "master_targets: [ {{ name: mt1, ssh: 'local:' }} ]\nwaivers:\n  - {{ check: own.motto, \
             target: '{target}', reason: known, owner: ann, expires: {expires} }}\n"
        );
        write(dir.path(), "site.yaml", &site);
        let args = ["check", "host", "--site", "site.yaml", "--checks", "own", "--format", "json"];
        report(&preflight(dir.path(), &args))
    };
    for (target, expires, expected, note) in [
        ("mt*", "2999-12-31", "waived", None),
        (
            "mt1",
            "2020-01-01",
            "fail",
            Some("the waiver of own.motto for mt1 expired on 2020-01-01, ask ann"),
        ),
        (
            "mt2",
            "2999-12-31",
            "fail",
            Some("the waiver of own.motto for mt2 covers nothing, ask ann"),
        ),
    ] {
        let report = run(target, expires);
        assert_eq!(outcome(&report, "own.motto", "mt1"), expected, "{target} {expires}");
        let notes: Vec<&str> =
            report["notes"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(notes, note.into_iter().collect::<Vec<_>>());
    }
}

#[test]
fn a_question_is_answered_in_the_site_file() {
    let dir = here();
    fs::create_dir(dir.path().join("own")).unwrap();
    let question = "- { id: own.rehearsed, title: failback was rehearsed, severity: blocks-failback, \
         applies_to: linux-mt, question: 'Was failback rehearsed?', symptom: none, \
         remedy: { text: Rehearse it. }, source: { doc: site, at: handbook } }\n";
    write(dir.path(), "own/question.yaml", question);
    let answer = |value: &str| {
        format!("answers: [ {{ check: own.rehearsed, value: {value}, by: ann, at: 2026-11-20 }} ]")
    };
    for (answers, expected, found) in [
        (answer("yes"), "pass", "yes, says ann on 2026-11-20"),
        (answer("no"), "fail", "no, says ann on 2026-11-20"),
        (answer("not-applicable"), "not-applicable", "not applicable, says ann on 2026-11-20"),
        ("answers: []".to_owned(), "unknown", "nobody has answered: Was failback rehearsed?"),
        (String::new(), "absent", ""),
    ] {
        let site = format!("master_targets: [ {{ name: mt1, ssh: 'local:' }} ]\n{answers}\n");
        write(dir.path(), "site.yaml", &site);
        let args = ["check", "host", "--site", "site.yaml", "--checks", "own", "--format", "json"];
        let report = report(&preflight(dir.path(), &args));
        assert_eq!(outcome(&report, "own.rehearsed", "mt1"), expected, "{answers}");
        let said =
            result(&report, "own.rehearsed", "mt1").map_or("", |it| it["found"].as_str().unwrap());
        assert_eq!(said, found);
    }
}

#[test]
fn an_inventory_names_the_hosts_in_its_order_and_one_that_is_wrong_is_exit_2() {
    let dir = here();
    write(
        dir.path(),
        "hosts.ini",
        "[mts]\nzeta ansible_connection=local\nalpha ansible_connection=local\n[other]\nx ansible_connection=local\n",
    );
    let args = ["check", "host", "--inventory", "hosts.ini", "--group", "mts", "--format", "json"];
    let report = report(&preflight(dir.path(), &args));
    let names: Vec<&str> =
        report["targets"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["zeta", "alpha"]);
    write(dir.path(), "hosts.ini", "[mts]\nzeta ansible_ssh_common_args='-J b'\n");
    let output = preflight(dir.path(), &args);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("hosts.ini, line 2: ansible_ssh_common_args"),
        "{}",
        stderr(&output)
    );
    let output = preflight(dir.path(), &["check", "host"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("no target"), "{}", stderr(&output));
    let output = preflight(dir.path(), &["check", "host", "local:", "local:"]);
    assert!(stderr(&output).contains("target \"local:\" is named twice"), "{}", stderr(&output));
}

/// A shell that answers with what another answered before, under the nonce it is given now, so
/// that asking twice leads to the same answers.
const REPLAY: &str = r#"#!SH
script=$(cat)
frame=$(printf '%s\n' "$script" | sed -n 's/^FRAME="\(.*\)"$/\1/p')
if [ -e "$REPLAY.frame" ]; then
  sed "s/^$(cat "$REPLAY.frame")/$frame/" "$REPLAY"
else
  printf '%s' "$frame" > "$REPLAY.frame"
  printf '%s\n' "$script" | SH -s | tee "$REPLAY"
fi
"#;

#[test]
fn judging_a_capture_leads_to_the_very_report_that_asking_the_host_led_to() {
    let dir = here();
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let sh = ["/bin/sh", "/usr/bin/sh"].into_iter().find(|sh| Path::new(sh).exists()).unwrap();
    let text =
        REPLAY.replacen("#!SH", &format!("#!{sh}"), 1).replace("| SH -s", &format!("| {sh} -s"));
    fs::write(bin.join("sh"), text).unwrap();
    fs::set_permissions(bin.join("sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let run = |args: &[&str]| {
        let replay = dir.path().join("answers");
        command(dir.path(), args).env("PATH", &path).env("REPLAY", replay).output().unwrap()
    };
    write(
        dir.path(),
        "site.yaml",
        "configuration_server: { address: 127.0.0.1, version: 9.8.9.0 }\n\
         process_servers: [ { name: ps1, address: localhost, data_port: 1 } ]\n\
         master_targets: [ { name: mt1, ssh: 'local:' } ]\n\
         waivers: [ { check: network.mt-to-cs-443, target: mt1, reason: r, owner: o, expires: 2999-01-01 } ]\n",
    );
    for (target, around) in
        [("local:", &["--cs", "127.0.0.1"][..]), ("mt1", &["--site", "site.yaml"])]
    {
        for file in ["answers", "answers.frame"] {
            fs::remove_file(dir.path().join(file)).ok();
        }
        let with = |args: &[&'static str]| [args, around].concat();
        let collected = run(&[with(&["collect", "host"]), vec![target, "-o", "c.json"]].concat());
        assert_eq!(collected.status.code(), Some(0), "{}", stderr(&collected));
        for format in ["json", "text"] {
            let check = |format, target| {
                run(&[with(&["check", "host"]), vec!["--format", format, target]].concat())
            };
            let live = check(format, target);
            // The moment of the second asking is the one thing that is not the same.
            if format == "json" {
                let mut saved = fs::read_to_string(dir.path().join("c.json")).unwrap();
                let capture: Value = serde_json::from_str(&saved).unwrap();
                assert_eq!(capture["target"], target);
                let moment = report(&live)["run"]["at"].as_str().unwrap().to_owned();
                saved = saved.replace(capture["asked_at"].as_str().unwrap(), &moment);
                write(dir.path(), "c.json", &saved);
            }
            let again = check(format, "capture:c.json");
            assert_eq!(stdout(&live), stdout(&again), "{target} {format}");
            assert_eq!(live.status.code(), again.status.code());
            assert!(stdout(&live).contains("network.mt-to-cs-443"), "{}", stdout(&live));
        }
    }
}

#[test]
fn an_interrupted_run_reports_what_is_known_and_exits_130() {
    let dir = here();
    // The first host answers, the second hangs, the third is never asked.
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    let sh = ["/bin/sh", "/usr/bin/sh"].into_iter().find(|sh| Path::new(sh).exists()).unwrap();
    let text = format!(
        "#!{sh}\nif mkdir \"$TRACE\" 2>/dev/null; then exec {sh} \"$@\"; fi\n: > \"$TRACE/second\"\nexec sleep 60\n"
    );
    fs::write(bin.join("sh"), text).unwrap();
    fs::set_permissions(bin.join("sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    write(
        dir.path(),
        "site.yaml",
        "master_targets: [ { name: a, ssh: 'local:' }, { name: b, ssh: 'local:' }, { name: c, ssh: 'local:' } ]\n",
    );
    let trace = dir.path().join("trace");
    let args = [
        "check", "host", "--site", "site.yaml", "--jobs", "1", "--format", "json", "--timeout",
        "50",
    ];
    let program = command(dir.path(), &args)
        .env("PATH", &path)
        .env("TRACE", &trace)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while !trace.join("second").exists() {
        assert!(began.elapsed() < Duration::from_secs(40), "the second host was not asked");
        std::thread::sleep(Duration::from_millis(20));
    }
    let killed = Command::new("kill").args(["-INT", &program.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let asked = Instant::now();
    let output = program.wait_with_output().unwrap();
    assert!(asked.elapsed() < Duration::from_secs(20), "it waited for the host that hangs");
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    let report = report(&output);
    assert_eq!(report["run"]["complete"], false);
    assert_eq!(report["summary"]["exit_code"], 130);
    assert_ne!(outcome(&report, "mt.root-access", "a"), "unknown");
    for target in ["b", "c"] {
        let finding = result(&report, "mt.root-access", target).unwrap();
        assert_eq!(finding["outcome"], "unknown");
        assert!(finding["reason"].as_str().unwrap().contains("interrupted"), "{finding}");
    }
}

#[test]
fn one_host_that_does_not_answer_costs_its_own_findings_only() {
    let dir = here();
    capture(dir.path(), "good.json", "good", &[("user", "0\n")]);
    let failed = serde_json::json!({
        "schema": "preflight.capture/1", "target": "bad", "kind": "linux-mt",
        "connection": { "by": "ssh", "failure": { "kind": "refused", "reason": "connection refused" } },
        "answers": { "by_probe": {}, "ended": false },
    });
    write(dir.path(), "bad.json", &failed.to_string());
    let args =
        ["check", "host", "capture:bad.json", "local:", "capture:good.json", "--format", "json"];
    let report = report(&preflight(dir.path(), &args));
    let names: Vec<&str> =
        report["targets"].as_array().unwrap().iter().filter_map(|it| it["name"].as_str()).collect();
    assert_eq!(names, ["bad", "local:", "good"]);
    assert_eq!(outcome(&report, "mt.root-access", "bad"), "unknown");
    assert_eq!(outcome(&report, "mt.root-access", "good"), "pass");
    let summary = &report["summary"];
    let sum: u64 = ["pass", "fail", "unknown", "not-applicable", "waived"]
        .iter()
        .map(|outcome| summary[*outcome].as_u64().unwrap())
        .sum();
    assert_eq!(summary["planned"].as_u64(), Some(sum));
}

fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// Says what is skipped and why; fails when CI must not skip.
fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}, and with CI set nothing may be skipped");
    eprintln!("SKIPPED: {why}");
}
