//! `troubleshoot` as a user meets it: words, pasted logs, a site with answers, a host that is asked.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// What came of one run: exit status, standard output, standard error.
type Run = (i32, String, String);

fn run(args: &[&str], input: &[u8], directory: &Path) -> Run {
    let output = Command::cargo_bin("preflight")
        .unwrap()
        .arg("troubleshoot")
        .args(args)
        .current_dir(directory)
        .write_stdin(input)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(args: &[&str], input: &[u8], directory: &Path) -> (i32, Value) {
    let (status, out, err) = run(&[args, &["--format", "json"]].concat(), input, directory);
    let value: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    let schema = include_str!("../docs/troubleshoot.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(value["exit_code"], status);
    (status, value)
}

fn here() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn words_lead_to_causes_checks_and_what_to_do() {
    let dir = here();
    let (status, out, _) = run(&["process", "server", "is", "not", "visible"], b"", dir.path());
    assert_eq!(status, 0);
    for said in [
        "the process server that was deployed is not visible (fits 0.9",
        " 1. less than 15 minutes have passed, or it is looked for under the machine's\n",
        "check ps.visible-delay: a new process server was looked for in the right",
        "do    It never shows under a machine's properties",
        "$ preflight explain ps.visible-delay",
        "source S001, Set up a process server",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let command = |line: &&str| !line.trim_start().starts_with('$');
    for line in out.lines().filter(command) {
        assert!(line.chars().count() <= 80, "{line}");
    }
}

#[test]
fn programs_read_the_candidates_best_first() {
    let dir = here();
    let (status, said) = json(&["datastores are not listed"], b"", dir.path());
    assert_eq!(status, 0);
    let best = &said["candidates"][0];
    assert_eq!(best["symptom"], "ts-datastores-not-listed");
    assert_eq!(best["title"], "Re-protect lists no datastore");
    assert!(best["score"].as_f64().unwrap() > 0.9);
    assert!(best["checks"].as_array().unwrap().contains(&"esxi.discovered".into()));
    let scores: Vec<f64> = said["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| candidate["score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
}

#[test]
fn what_fits_nothing_is_said_so_and_exits_3() {
    let dir = here();
    for (asked, says) in [
        ("printer is out of paper", "That is about another product."),
        ("azure to azure replication is stuck", "Between Azure regions there is neither"),
        ("xyzzy", "say what you see in other words"),
    ] {
        let (status, out, _) = run(&[asked], b"", dir.path());
        assert_eq!(status, 3, "{asked}");
        assert!(out.starts_with("nothing that is known fits\n"), "{asked}: {out}");
        assert!(out.contains(says), "{asked}: {out}");
        let (status, said) = json(&[asked], b"", dir.path());
        assert_eq!((status, &said["candidates"]), (3, &Value::Array(Vec::new())), "{asked}");
    }
}

#[test]
fn a_pasted_log_names_its_lines_and_shows_no_control_character() {
    let dir = here();
    let log = b"Mar  1 10:00:00 mt1 a: all is well\n\
        Mar  1 10:00:01 mt1 b: \x1b[31mfailed to get udev uid\x1b[0m: Invalid argument\n\
        \xff\xfe\x00 odd bytes\n";
    for args in [&[][..], &["-"]] {
        let (status, out, err) = run(args, log, dir.path());
        assert_eq!(status, 0, "{out}{err}");
        assert!(out.contains("line 2: Mar 1 10:00:01 mt1 b: \\u{1b}[31mfailed"), "{out}");
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out}");
        let (_, said) = json(args, log, dir.path());
        assert_eq!(said["candidates"][0]["symptom"], "ts-disk-not-mounted");
    }
    let (status, _, err) = run(&["-"], &vec![b'a'; 300 * 1024], dir.path());
    assert_eq!(status, 2);
    assert!(err.contains("more than 256 KiB: paste the lines around the error"), "{err}");
}

#[test]
fn answers_in_the_site_file_confirm_a_cause_or_rule_it_out() {
    let dir = here();
    let site = |scenario: &str, answers: &str| {
        let stage = if scenario == "hyperv" { "sync" } else { "prepare" };
        let text = format!("scenario: {scenario}\nstage: {stage}\nanswers: [{answers}]\n");
        std::fs::write(dir.path().join("site.yaml"), text).unwrap();
    };
    let ask = || json(&["ts-hv-corrupt", "--site", "site.yaml"], b"", dir.path());
    let answer = |value: &str| {
        // An answer ages, so it is of today.
        let today = jiff::Timestamp::now().strftime("%F");
        format!("{{ check: hyperv.no-cancel, value: {value}, by: ann, at: {today} }}")
    };
    for (scenario, answers, status, verdict) in [
        ("hyperv", answer("no"), 1, "confirmed"),
        ("hyperv", answer("yes"), 0, "ruled-out"),
        ("hyperv", String::new(), 3, "undecided"),
        // What is not applicable decides nothing about a cause.
        ("vmware-classic", answer("no"), 3, "undecided"),
    ] {
        site(scenario, &answers);
        let (came, said) = ask();
        let cause = &said["candidates"][0]["causes"][0];
        assert_eq!((came, &cause["verdict"]), (status, &verdict.into()), "{scenario} {answers}");
        let judged: Vec<&Value> =
            said["results"].as_array().unwrap().iter().map(|result| &result["check"]).collect();
        // Nothing of one world is asked in the other.
        let suspected: &[&str] = if scenario == "hyperv" { &["hyperv.no-cancel"] } else { &[] };
        assert_eq!(judged, suspected, "exactly what is suspected");
    }
    site("hyperv", &answer("no"));
    let (_, out, _) = run(&["ts-hv-corrupt", "--site", "site.yaml"], b"", dir.path());
    for said in [
        " 1. CONFIRMED\n    the job was cancelled while data was synchronised\n",
        "fail on site: no, says ann on ",
        "do    Run the failover again",
        "causes: 1 confirmed, 0 undecided, 0 ruled out",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
}

#[test]
fn a_host_is_asked_what_is_suspected_and_the_rest_is_named_as_not_asked() {
    let dir = here();
    std::fs::create_dir(dir.path().join("checks")).unwrap();
    let symptoms = "\
spellings: {}
ours: []
elsewhere: []
symptoms:
- id: ts-rights
  title: nothing can be read
  words: [nothing can be read]
  causes:
    - cause: the account is not root's
      checks: [mt.root-access]
    - cause: there is no VPN
      checks: [link.vpn-or-er]
  source: { doc: field, at: threads }
";
    std::fs::write(dir.path().join("checks/symptoms.yaml"), symptoms).unwrap();
    let args = ["ts-rights", "--assets", ".", "--target", "local:"];
    let (status, said) = json(&args, b"", dir.path());
    let causes = &said["candidates"][0]["causes"];
    let is_root = rustix::process::geteuid().is_root();
    let (verdict, exit) = if is_root { ("ruled-out", 3) } else { ("confirmed", 1) };
    assert_eq!((status, &causes[0]["verdict"]), (exit, &verdict.into()), "{said:#}");
    assert_eq!(causes[0]["checks"][0]["findings"][0]["target"], "local:");
    assert_eq!(causes[1]["verdict"], "undecided");
    assert_eq!(causes[1]["checks"][0]["not_asked"], true);
    assert_eq!(said["results"].as_array().unwrap().len(), 1);
    let (_, out, _) = run(&args, b"", dir.path());
    assert!(out.contains("not run: answer in --site FILE, under answers:"), "{out}");
}

#[test]
fn a_symptom_that_names_no_check_is_refused_with_its_place() {
    let dir = here();
    std::fs::create_dir(dir.path().join("checks")).unwrap();
    let symptoms = "\
spellings: {}
ours: []
elsewhere: []
symptoms:
- id: ts-x
  title: t
  words: [w]
  causes: [{ cause: c, checks: [mt.root-acces] }]
  source: { doc: field, at: threads }
";
    std::fs::write(dir.path().join("checks/symptoms.yaml"), symptoms).unwrap();
    let (status, _, err) = run(&["w", "--assets", "."], b"", dir.path());
    assert_eq!(status, 2);
    assert!(
        err.contains("symptoms.yaml, line 5: ts-x: there is no check \"mt.root-acces\""),
        "{err}"
    );
    assert!(err.contains("did you mean \"mt.root-access\"?"), "{err}");
}
