//! Captures evaluated with other questions than they answer, and long after they were made.
//!
//! Not for how each kind of answer is held against a question: `facts::query` and `facts::age`
//! test that.

use std::path::Path;

use serde_json::{Value, json};

use super::{here, outcome, preflight, report, result, stderr, write};

const PORTS: &str = "agent cs01.example.test\n\
    at configuration-server cs01.example.test 443 10.1.1.1\n\
    port configuration-server cs01.example.test 443 open yes 200 \n\
    port process-server ps01.example.test 9443 open yes 400 \n\
    port vcenter vc01.example.test 443 open yes 200 \n";

/// The same as the script itself tells what it was told.
const QUERY: &str = "retention /mnt/retention\nconfiguration-server cs01.example.test 443\n\
    process-server ps01.example.test 9443\nvcenter vc01.example.test 443\n";

const RUNNING: &str = "1 (init) S\n700 (svagents) S\n701 (appservice) S\n702 (vmtoolsd) S\n";

const MOUNTS: &str = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
    24 20 8:16 / /mnt/retention rw - ext4 /dev/sdb rw\n";

/// A capture of a host in order, with these members of its own.
fn captured(directory: &Path, query: Option<&str>, own: &[(&str, Value)]) {
    let mut answers = vec![
        ("user", "0\n"),
        ("ports", PORTS),
        ("processes", RUNNING),
        ("retention-path", "/mnt/retention\n"),
        ("retention", "real /mnt/retention\n"),
        ("mountinfo", MOUNTS),
    ];
    answers.extend(query.map(|text| ("query", text)));
    let answer =
        |(probe, text): &(&str, &str)| ((*probe).to_owned(), json!({ "status": 0, "text": text }));
    let by_probe: serde_json::Map<String, Value> = answers.iter().map(answer).collect();
    let mut capture = json!({
        "schema": "preflight.capture/1", "target": "mt1", "kind": "linux-mt",
        "asked_at": "2026-11-20T12:00:00Z", "connection": { "by": "ssh" },
        "answers": { "by_probe": by_probe, "ended": true },
    });
    for (key, value) in own {
        match value {
            Value::Null => drop(capture.as_object_mut().unwrap().remove(*key)),
            value => capture[*key] = value.clone(),
        }
    }
    write(directory, "mt1.json", &capture.to_string());
}

fn evaluated(directory: &Path, now: &str, more: &[&str]) -> Value {
    let fixed = ["check", "host", "capture:mt1.json", "--format", "json", "--now", now];
    report(&preflight(directory, &[&fixed, more].concat()))
}

/// Within an hour of the capture.
const SOON: &str = "2026-11-20T12:30:00Z";

#[test]
fn an_answer_counts_only_for_the_question_that_was_asked() {
    let dir = here();
    // What is asked, and which of four answers count: the configuration server's port, whether it
    // is the agent's, the process server's port, the retention path.
    for (options, expected) in [
        (vec!["--cs", "cs01.example.test"], ["pass", "pass", "not-applicable", "pass"]),
        (vec!["--cs", "CS01.Example.Test"], ["pass", "pass", "not-applicable", "pass"]),
        (vec!["--cs", "cs02.example.test"], ["unknown", "unknown", "not-applicable", "pass"]),
        (vec!["--cs", "10.1.1.9"], ["unknown", "unknown", "not-applicable", "pass"]),
        (vec!["--cs", "fe80::1"], ["unknown", "unknown", "not-applicable", "pass"]),
        (vec!["--ps", "p=ps01.example.test"], ["pass", "not-applicable", "pass", "pass"]),
        (vec!["--ps", "p=PS01.example.test:9443"], ["pass", "not-applicable", "pass", "pass"]),
        (vec!["--ps", "p=ps01.example.test:443"], ["pass", "not-applicable", "unknown", "pass"]),
        (vec!["--ps", "p=ps02.example.test"], ["pass", "not-applicable", "unknown", "pass"]),
        (
            vec!["--ps", "p=ps01.example.test", "--ps", "q=vc01.example.test:443"],
            ["pass", "not-applicable", "unknown", "pass"],
        ),
        (
            vec!["--cs", "cs01.example.test", "--retention", "/mnt/retention/"],
            ["pass", "pass", "not-applicable", "pass"],
        ),
        (
            vec!["--cs", "cs01.example.test", "--retention", "/data/ret"],
            ["pass", "pass", "not-applicable", "unknown"],
        ),
    ] {
        // With the script's own record of what it was told, and without: captures from before.
        for query in [Some(QUERY), None] {
            captured(dir.path(), query, &[]);
            let found = evaluated(dir.path(), SOON, &options);
            let outcomes =
                ["cs.running", "cs.same-ip", "network.mt-to-ps-9443", "retention.default-path"]
                    .map(|check| outcome(&found, check, "mt1").to_owned());
            assert_eq!(outcomes, expected, "{options:?} {}", query.is_some());
        }
    }
}

#[test]
fn a_site_file_that_names_other_servers_gets_no_answer_for_them() {
    let dir = here();
    captured(dir.path(), Some(QUERY), &[]);
    for (site, check, expected) in [
        ("vcenter: { url: vsphere://vc01.example.test }", "network.cs-to-vcenter-443", "pass"),
        (
            "vcenter: { url: 'vsphere://VC01.example.test:443' }",
            "network.cs-to-vcenter-443",
            "pass",
        ),
        (
            "vcenter: { url: 'vsphere://vc01.example.test:8443' }",
            "network.cs-to-vcenter-443",
            "unknown",
        ),
        ("vcenter: { url: vsphere://vc02.example.test }", "network.cs-to-vcenter-443", "unknown"),
        ("configuration_server: { address: cs02 }", "network.mt-to-cs-443", "unknown"),
        (
            "process_servers: [ { name: p, address: ps01.example.test, data_port: 9444 } ]",
            "network.mt-to-ps-9443",
            "unknown",
        ),
        (
            "process_servers: [ { name: p, address: ps01.example.test } ]",
            "network.mt-to-ps-9443",
            "pass",
        ),
    ] {
        let text = format!("{site}\nmaster_targets: [ {{ name: m, ssh: 'capture:mt1.json' }} ]\n");
        write(dir.path(), "site.yaml", &text);
        let fixed = ["check", "host", "--site", "site.yaml", "--format", "json", "--now", SOON];
        let found = report(&preflight(dir.path(), &fixed));
        assert_eq!(outcome(&found, check, "m"), expected, "{site}");
    }
    // The path of the site file counts as well, and the documents' place is meant without one.
    for (retention, expected) in
        [("", "pass"), (", retention: /mnt/retention/", "pass"), (", retention: /data", "unknown")]
    {
        let text =
            format!("master_targets: [ {{ name: m, ssh: 'capture:mt1.json'{retention} }} ]\n");
        write(dir.path(), "site.yaml", &text);
        let fixed = ["check", "host", "--site", "site.yaml", "--format", "json", "--now", SOON];
        let found = report(&preflight(dir.path(), &fixed));
        assert_eq!(outcome(&found, "retention.default-path", "m"), expected, "{retention}");
    }
}

#[test]
fn old_evidence_is_old() {
    let dir = here();
    let ran = |asked_at: Value, by: &str, now: &str| {
        let own = [("asked_at", asked_at), ("connection", json!({ "by": by }))];
        captured(dir.path(), Some(QUERY), &own);
        let found = evaluated(dir.path(), now, &["--cs", "cs01.example.test"]);
        ["evidence.fresh", "network.mt-to-cs-443"]
            .map(|check| outcome(&found, check, "mt1").to_owned())
    };
    let at = json!("2026-11-20T12:00:00Z");
    for (asked_at, by, now, expected) in [
        (at.clone(), "ssh", "2026-11-20T12:00:00Z", ["pass", "pass"]),
        (at.clone(), "ssh", "2026-11-21T11:59:59Z", ["pass", "pass"]),
        (at.clone(), "ssh", "2026-11-21T12:00:00Z", ["fail", "pass"]),
        (at.clone(), "ssh", "2026-11-23T11:59:59Z", ["fail", "pass"]),
        (at.clone(), "ssh", "2026-11-23T12:00:00Z", ["fail", "unknown"]),
        (at.clone(), "script", "2031-11-20T12:00:00Z", ["fail", "unknown"]),
        // A clock that is a little ahead is none that is wrong.
        (at.clone(), "ssh", "2026-11-20T11:50:00Z", ["pass", "pass"]),
        (at.clone(), "ssh", "2026-11-20T08:00:00Z", ["fail", "unknown"]),
        (Value::Null, "ssh", "2026-11-20T12:00:00Z", ["unknown", "unknown"]),
    ] {
        let found = ran(asked_at.clone(), by, now);
        assert_eq!(found, expected, "{asked_at} {by} {now}");
    }
    captured(dir.path(), Some(QUERY), &[]);
    let old = evaluated(dir.path(), "2026-12-01T12:00:00Z", &["--cs", "cs01.example.test"]);
    let fresh = result(&old, "evidence.fresh", "mt1").unwrap();
    assert_eq!(fresh["severity"], "warning");
    assert_eq!(fresh["found"], "collected on 2026-11-20T12:00:00Z, 11 days ago");
    let reason = result(&old, "network.mt-to-cs-443", "mt1").unwrap()["reason"].clone();
    let reason = reason.as_str().unwrap();
    assert!(reason.contains("11 days ago, and this changes quickly"), "{reason}");
    // Nothing else depends on the age.
    let young = evaluated(dir.path(), SOON, &["--cs", "cs01.example.test"]);
    assert_eq!(outcome(&young, "retention.default-path", "mt1"), "pass");
    assert_eq!(outcome(&old, "retention.default-path", "mt1"), "pass");
    let output = preflight(dir.path(), &["check", "host", "capture:mt1.json", "--now", "soon"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn a_capture_of_another_kind_is_refused_where_a_site_names_it() {
    let dir = here();
    captured(dir.path(), None, &[("kind", json!("process-server"))]);
    write(dir.path(), "site.yaml", "master_targets: [ { name: m, ssh: 'capture:mt1.json' } ]\n");
    let output = preflight(dir.path(), &["check", "host", "--site", "site.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("a capture of kind \"process-server\""),
        "{}",
        stderr(&output)
    );
}
