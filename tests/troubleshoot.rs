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
fn an_answer_says_why_what_to_do_and_what_confirms_it_and_fits_a_screen() {
    let dir = here();
    let (status, out, _) = run(&["process", "server", "is", "not", "visible"], b"", dir.path());
    assert_eq!(status, 0);
    for said in [
        "likely: the process server that was deployed is not visible (ts-ps-not-visible,",
        "why      said as: process server is not visible\n",
        "cause    less than 15 minutes have passed, or it is looked for under the",
        "do       Look at the configuration server's page, for",
        "confirm  $ preflight troubleshoot ts-ps-not-visible --site SITE.yaml\n",
        "possible\n  ps.",
        "next     $ preflight explain ts-ps-not-visible\n",
    ] {
        assert!(out.contains(said), "{said}: {out}");
    }
    for words in ["no datastore is listed", "95226", "vcenter disconnected", "disk.EnableUUID"] {
        let (_, out, _) = run(&[words], b"", dir.path());
        assert!(out.lines().count() <= 30, "{out}");
        let command = |line: &&str| !line.contains("$ ");
        for line in out.lines().filter(command) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn programs_read_the_candidates_best_first() {
    let dir = here();
    let (status, said) = json(&["datastores are not listed"], b"", dir.path());
    assert_eq!(status, 0);
    assert_eq!(said["schema"], "preflight.troubleshoot/2");
    assert_eq!(said["answer"], "likely");
    let best = &said["candidates"][0];
    assert_eq!(best["symptom"], "ts-datastores-not-listed");
    assert_eq!(best["confidence"], "likely");
    assert_eq!(best["title"], "Re-protect lists no datastore");
    assert!(best["score"].as_f64().unwrap() > 0.9);
    assert!(best["checks"].as_array().unwrap().contains(&"esxi.discovered".into()));
    assert!(!best["steps"].as_array().unwrap().is_empty());
    let candidates = said["candidates"].as_array().unwrap();
    let scores: Vec<f64> = candidates.iter().map(|row| row["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
    let possible: Vec<&Value> =
        candidates.iter().filter(|row| row["confidence"] == "possible").collect();
    assert!(possible.iter().any(|row| row["check"].is_string()), "{possible:#?}");
}

#[test]
fn a_check_answers_by_itself() {
    let dir = here();
    let words = ["Unable to negotiate: no matching host key type found. Their offer: ssh-rsa"];
    let (status, said) = json(&words, b"", dir.path());
    assert_eq!(status, 0, "{said:#}");
    let names = said["candidates"].as_array().unwrap().iter().map(|row| &row["check"]);
    assert!(names.into_iter().any(|id| id == "ssh.legacy-algorithms"), "{said:#}");
    let (_, out, _) = run(&["mt.pkg-xfs"], b"", dir.path());
    assert!(out.starts_with("likely: "), "{out}");
    assert!(out.contains("why      id mt.pkg-xfs\n"), "{out}");
}

#[test]
fn what_fits_nothing_well_names_the_nearest_and_exits_3() {
    let dir = here();
    let (status, out, _) = run(&["some disk has another name than before"], b"", dir.path());
    assert_eq!(status, 3, "{out}");
    assert!(out.starts_with("nothing fits well; nearest:\n  "), "{out}");
    let (_, said) = json(&["some disk has another name than before"], b"", dir.path());
    assert_eq!(said["answer"], "nearest");
    assert_eq!(said["nearest"].as_array().unwrap().len(), 3);
    let candidates = said["candidates"].as_array().unwrap();
    assert!(candidates.len() >= 3);
    assert!(candidates.iter().all(|row| row["confidence"] == "possible"));
    let (status, out, _) = run(&["xyzzy"], b"", dir.path());
    assert_eq!(status, 3);
    assert!(out.starts_with("nothing fits\n"), "{out}");
}

#[test]
fn another_world_is_told_so_with_where_to_go() {
    let dir = here();
    for (asked, topic, says) in [
        ("printer is out of paper", "other-product", "about another product"),
        ("azure to azure replication is stuck", "azure-to-azure", "neither a master target"),
        ("rcm replication appliance is unhealthy", "modernised-experience", "azure.experience"),
        ("MARS agent cannot back up", "azure-backup", "Azure Backup"),
    ] {
        let (status, out, _) = run(&[asked], b"", dir.path());
        assert_eq!(status, 3, "{asked}");
        assert!(out.starts_with(&format!("out-of-scope: {topic}\n")), "{asked}: {out}");
        assert!(out.contains(says), "{asked}: {out}");
        let (_, said) = json(&[asked], b"", dir.path());
        assert_eq!(said["answer"], "out-of-scope");
        assert_eq!(said["out_of_scope"]["topic"], topic);
        let likely = |row: &&Value| row["confidence"] == "likely";
        assert_eq!(said["candidates"].as_array().unwrap().iter().filter(likely).count(), 0);
    }
}

/// Words of Hyper-V are no answer for a site of VMware, and the other way round.
#[test]
fn words_of_the_other_scenario_are_out_of_scope_at_a_site() {
    let dir = here();
    std::fs::write(dir.path().join("site.yaml"), "scenario: vmware-classic\nstage: prepare\n")
        .unwrap();
    let words = "complete failover was not pressed and the Hyper-V job waits";
    let (status, out, _) = run(&[words, "--site", "site.yaml"], b"", dir.path());
    assert_eq!(status, 3, "{out}");
    assert!(out.starts_with("out-of-scope: hyper-v\n"), "{out}");
    let (status, _, _) = run(&["ts-hv-waiting"], b"", dir.path());
    assert_eq!(status, 0);
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
        assert!(out.contains("line 2: ... \\u{1b}[31mfailed to get udev uid"), "{out}");
        assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out}");
        let (_, said) = json(args, log, dir.path());
        let best = &said["candidates"][0];
        assert!(best["checks"].as_array().unwrap().contains(&"mt.disk-ids-visible".into()));
        assert_eq!(best["lines"][0]["number"], 2);
    }
}

/// A whole log: every line that means something is named with its number, by cause and in the order of the file.
#[test]
fn a_long_log_is_read_to_its_end() {
    let dir = here();
    let mut log = String::new();
    for n in 0..60_000 {
        log.push_str(&format!(
            "Mar  1 10:00:00 mt1 daemon[{n}]: poll {n} finished, nothing to do for it\n"
        ));
        match n {
            20_000 => log.push_str(
                "Mar  1 10:00:00 mt1 multipathd: sdb: failed to get udev uid: Invalid argument\n",
            ),
            30_000 => log.push_str(
                "Mar  1 10:00:00 mt1 svagents: post request: (7) - Couldn't connect to server\n",
            ),
            40_000 => log.push_str(
                "Mar  1 10:00:00 mt1 multipathd: sdc: failed to get udev uid: Invalid argument\n",
            ),
            _ => {}
        }
    }
    let (status, said) = json(&["-"], log.as_bytes(), dir.path());
    assert_eq!(status, 0);
    let lines = |check: &str| -> Vec<u64> {
        let rows = said["candidates"].as_array().unwrap().iter();
        let mut rows = rows.filter(|row| row["checks"].as_array().unwrap().contains(&check.into()));
        let row = rows.find(|row| row["lines"].is_array()).unwrap_or_else(|| panic!("{said:#}"));
        let lines = row["lines"].as_array().unwrap().iter();
        lines.map(|line| line["number"].as_u64().unwrap()).collect()
    };
    assert_eq!(lines("mt.disk-ids-visible"), [20_002, 40_004]);
    assert_eq!(lines("network.mt-to-cs-443"), [30_003]);
    let (status, _, err) = run(&["-"], &vec![b'a'; 33 * 1024 * 1024], dir.path());
    assert_eq!(status, 2);
    assert!(err.contains("more than 32 MiB: paste the lines around the error"), "{err}");
}

#[test]
fn words_that_begin_with_a_dash_are_words() {
    let dir = here();
    let args = ["tar", "-zxvf", "--", "agent.tar.gz"];
    let (status, out, err) = run(&args[..2], b"", dir.path());
    assert!(status == 0 || status == 3, "{out}{err}");
    let (status, _, err) = run(&["no", "datastores", "--fromat", "json"], b"", dir.path());
    assert_eq!(status, 2);
    assert!(err.contains("--format"), "{err}");
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
        "CONFIRMED\ncause    the job was cancelled while data was synchronised\n",
        "fail on site: no, says ann on ",
        "do       Run the planned failover again",
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
    let causes = said["candidates"][0]["causes"].as_array().unwrap();
    let cause = |id: &str| causes.iter().find(|cause| cause["checks"][0]["check"] == id).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    let (verdict, exit) = if is_root { ("ruled-out", 3) } else { ("confirmed", 1) };
    assert_eq!((status, &cause("mt.root-access")["verdict"]), (exit, &verdict.into()), "{said:#}");
    // What was ruled out is last.
    assert_eq!(causes[1]["verdict"] == "ruled-out", is_root);
    assert_eq!(cause("mt.root-access")["checks"][0]["findings"][0]["target"], "local:");
    assert_eq!(cause("link.vpn-or-er")["verdict"], "undecided");
    assert_eq!(cause("link.vpn-or-er")["checks"][0]["not_asked"], true);
    assert_eq!(said["results"].as_array().unwrap().len(), 1);
    let (_, out, _) = run(&args, b"", dir.path());
    assert!(out.contains("not run: answer in --site FILE, under answers:"), "{out}");
}

#[test]
fn a_symptom_that_names_no_check_is_refused_with_its_place() {
    let dir = here();
    std::fs::create_dir(dir.path().join("checks")).unwrap();
    let symptoms = "\
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
    assert!(err.contains("symptoms.yaml, line 3: ts-x: checks names \"mt.root-acces\""), "{err}");
    assert!(err.contains("did you mean \"mt.root-access\"?"), "{err}");
}
