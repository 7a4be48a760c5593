//! vSphere servers in trouble, hostile ones, and ones that are not who they should be: what the program
//! makes of them, and what nobody may learn from it.
//!
//! What is found on servers that are well is in `tests/vsphere.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "vsphere/judged.rs"]
mod judged;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use judged::*;
use program::installed;
use serde_json::{Value, json};
use simulator::{Simulator, scenario, scenario_json};

/// A fault of the simulator, what is told of it, and whether the session had been opened.
const TROUBLES: &[(&str, &str)] = &[
    ("RetrievePropertiesEx:badxml", "malformed XML"),
    ("RetrievePropertiesEx:bomb", "document type"),
    ("RetrievePropertiesEx:deep", "levels deep"),
    ("RetrievePropertiesEx:huge", "more than 16777216 bytes"),
    ("RetrievePropertiesEx:http503", "HTTP 503"),
    ("RetrievePropertiesEx:http403", "HTTP 403"),
    ("RetrievePropertiesEx:reset", "was closed"),
    ("RetrievePropertiesEx:html", "web page titled \"Sign in\""),
    ("RetrievePropertiesEx:hang", "no answer within 3 s"),
    ("RetrievePropertiesEx:fault", "RuntimeFault"),
    ("RetrievePropertiesEx:badxml:1", "malformed XML"),
    ("CreateContainerView:fault", "RuntimeFault"),
    ("QueryAssignedLicenses:fault", "RuntimeFault"),
    ("HasPrivilegeOnEntities:fault", "RuntimeFault"),
    ("HasPrivilegeOnEntities:huge:1", "more than 16777216 bytes"),
    ("QueryEvents:fault", "RuntimeFault"),
    ("Login:http401", "HTTP 401"),
    ("Login:hang", "no answer within 3 s"),
    ("Login:fault", "RuntimeFault"),
];

#[test]
fn a_server_in_trouble_leaves_things_unknown_and_nothing_falsely_passed() {
    for (fault, told) in TROUBLES {
        let Some(server) = Simulator::start(&scenario("good"), &["-fault", fault]) else { return };
        let began = Instant::now();
        let (ran, report) =
            check(&server, "vcenter", ASR, &[&MACHINES[..], &["--timeout", "3"]].concat());
        assert!(began.elapsed() < Duration::from_secs(9), "{fault} took {:?}", began.elapsed());
        let found = outcomes(&report);
        let changed: Vec<_> = good().into_iter().filter(|(k, v)| found.get(k) != Some(v)).collect();
        assert!(!changed.is_empty(), "{fault} changes nothing");
        for (key, _) in changed {
            let Some(word) = found.get(&key) else {
                // The host that nobody could tell is called otherwise.
                assert!(key.starts_with("DC0_H0"), "{fault}: {key} is gone");
                continue;
            };
            // Something else than the service answered only where that was told.
            let otherwise = ["vcenter.service-answers", "vcenter.connected"];
            assert!(
                word == "unknown" || otherwise.iter().any(|id| key.ends_with(id)),
                "{fault}: {key} is {word}"
            );
        }
        // Before Re-protect a move of disks does no harm, so that one unknown does not block.
        let status = if fault.starts_with("QueryEvents") { 0 } else { 3 };
        assert_eq!(ran.code, Some(status), "{fault}: {}", ran.text());
        let all = ran.text().replace("\\\"", "\"");
        assert!(all.contains(told), "{fault}: {told:?} is not told: {all}");
        assert_eq!(server.sessions(), 0, "{fault}: sessions are left open");
    }
}

#[test]
fn a_session_that_ends_at_any_moment_is_opened_once_more_and_nothing_is_found_otherwise() {
    for after in 2..40 {
        let fault = format!("*:expire:{after}:1");
        let Some(server) = Simulator::start(&scenario("good"), &["-fault", &fault]) else { return };
        let (ran, report) = check(&server, "vcenter", ASR, &MACHINES);
        assert_eq!(different(&outcomes(&report), &good()), [""; 0], "{fault}");
        assert_eq!((ran.code, server.sessions()), (Some(0), 0), "{fault}: {}", ran.text());
        let logins = server.calls("Login");
        if logins == 1 {
            // The run was over before.
            assert!(after > 12, "{fault}: nothing has ended");
            return;
        }
        assert_eq!(logins, 2, "{fault}");
    }
    panic!("no run is that long");
}

#[test]
fn sessions_that_end_again_and_again_are_not_opened_for_ever() {
    let fault = "RetrievePropertiesEx:expire";
    let Some(server) = Simulator::start(&scenario("good"), &["-fault", fault]) else { return };
    let (ran, report) = check(&server, "vcenter", ASR, &MACHINES);
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert_eq!(outcomes(&report)["asr-mt-01 mt.disk-enable-uuid"], "unknown");
    assert_eq!((server.calls("Login"), server.sessions()), (2, 0));
}

#[test]
fn what_answers_in_place_of_the_service_is_a_finding() {
    for (kind, told) in [
        ("http503", "HTTP 503 Service Unavailable"),
        ("http302", "HTTP 302 Found"),
        ("http401", "HTTP 401"),
        ("html", "what answers is not the vSphere service"),
        ("badxml", "malformed XML"),
        ("bomb", "document type"),
        ("huge", "more than"),
    ] {
        let fault = format!("RetrieveServiceContent:{kind}");
        let Some(server) = Simulator::start(&scenario("good"), &["-fault", &fault]) else { return };
        let (ran, report) = check(&server, "vcenter", ASR, &MACHINES);
        let found = outcomes(&report);
        assert_eq!(found["127.0.0.1 vcenter.service-answers"], "fail", "{kind}");
        assert_eq!(found["127.0.0.1 vcenter.connected"], "not-applicable", "{kind}");
        assert_eq!(found["127.0.0.1 vcenter.tls-version"], "pass", "{kind}");
        assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "unknown", "{kind}");
        assert_eq!(ran.code, Some(1), "{kind}");
        let results = report["results"].as_array().unwrap();
        let id = |result: &&Value| result["check"] == "vcenter.service-answers";
        let words = results.iter().find(id).unwrap()["found"].as_str().unwrap();
        assert!(words.contains(told), "{kind}: {words}");
        assert_eq!(server.calls("Login"), 0, "{kind}: it was logged in to");
    }
}

#[test]
fn a_server_that_is_not_the_one_that_is_trusted_hears_no_password_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("vc.pem");
    let written = ["-cert-out", pem.to_str().unwrap()];
    let Some(server) = Simulator::start(&scenario("good"), &written) else { return };
    let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let wrong = "AB".repeat(32);
    let wrong_sha1 = "AB".repeat(20);
    for (args, told) in [
        (vec!["--thumbprint", &wrong], "should be AB:AB"),
        (vec!["--thumbprint", &wrong_sha1], "should be AB:AB"),
        (vec![], "self-signed certificate"),
        // The pin counts, also where an authority would do.
        (vec!["--thumbprint", &wrong, "--ca-file", pem.to_str().unwrap()], "should be AB:AB"),
    ] {
        let args = [&["check", "vcenter", &target], &args[..]].concat();
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{told}: {}", ran.complaint());
        assert!(ran.complaint().contains(&server.sha256), "{}", ran.complaint());
        assert_eq!(server.all_calls(), json!({}), "{args:?}");
    }
    let sha1 = server.sha1.to_lowercase().replace(':', "");
    for args in [
        vec!["--thumbprint", server.sha256.as_str()],
        vec!["--thumbprint", &sha1],
        vec!["--ca-file", pem.to_str().unwrap()],
    ] {
        let args = [&["check", "vcenter", &target], &args[..], &MACHINES].concat();
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(0), "{args:?}: {}", ran.text());
        assert_eq!(ran.complaint().contains("can be forged"), args.contains(&sha1.as_str()));
    }
}

#[test]
fn a_certificate_for_another_name_or_one_that_has_expired_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let pem = dir.path().join("vc.pem");
    for (name, more, told) in [
        ("wrong-cert-name", "-cert-rsa", "IP address mismatch"),
        ("good", "-cert-expired", "certificate has expired"),
    ] {
        let args = ["-cert-out", pem.to_str().unwrap(), more];
        let Some(server) = Simulator::start(&scenario(name), &args) else { return };
        let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
        let args = ["check", "vcenter", &target, "--ca-file", pem.to_str().unwrap()];
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{}", ran.complaint());
        assert_eq!(server.all_calls(), json!({}));
        // Whoever has compared the thumbprint may go on.
        let args = ["check", "vcenter", &target, "--thumbprint", &server.sha256];
        let ran = preflight(ASR, dir.path(), &[&args[..], &MACHINES].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
}

#[test]
fn a_thumbprint_is_kept_once_somebody_has_compared_it() {
    let home = tempfile::tempdir().unwrap();
    let Some(server) = Simulator::of("good") else { return };
    let target = format!("vsphere://{}", server.authority);
    let trust = |more: &[&str]| preflight(ASR, home.path(), &[&["trust", &target], more].concat());
    let ran = trust(&[]);
    assert_eq!(ran.code, Some(2), "nobody has compared it: {}", ran.text());
    assert!(ran.text().contains(&server.sha256) && ran.text().contains(&server.sha1));
    assert_eq!(trust(&["--thumbprint", &"AB".repeat(32)]).code, Some(2));
    let file = home.path().join(".config/preflight/thumbprints");
    assert!(!file.exists());
    assert_eq!(trust(&["--thumbprint", &server.sha1]).code, Some(0));
    let kept = fs::read_to_string(&file).unwrap();
    assert_eq!(kept, format!("{} {}\n", server.authority, server.sha256));
    let mode = fs::metadata(file.parent().unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    assert_eq!(server.all_calls(), json!({}), "showing a certificate asks nothing");
    let account = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let args = [&["check", "vcenter", &account][..], &MACHINES].concat();
    assert_eq!(preflight(ASR, home.path(), &args).code, Some(0));
    // Another certificate at the same place.
    let other = kept.replace(&server.sha256, &[vec!["CD"; 32].join(":")].concat());
    fs::write(&file, other).unwrap();
    let ran = preflight(ASR, home.path(), &args);
    assert!(ran.complaint().contains("it has changed"), "{}", ran.complaint());
    let ran = trust(&["--yes"]);
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.text().contains("--replace"));
    assert_eq!(trust(&["--replace"]).code, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), kept);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(server) = Simulator::of("good") else { return };
    let wrong = Who("asr@vsphere.local", "wrong");
    let (ran, report) = check(&server, "vcenter", wrong, &MACHINES);
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert!(ran.complaint().contains("refused the user name or the password"));
    assert!(ran.complaint().contains("hint: write the account as NAME@DOMAIN"));
    let found = outcomes(&report);
    assert_eq!(found["127.0.0.1 vcenter.service-answers"], "pass");
    assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "unknown");
    assert_eq!((server.calls("Login"), server.sessions()), (1, 0));
}

#[test]
fn nothing_that_is_secret_is_told_or_kept() {
    const PASSWORD: &str = "Canary-7f3a<&>\"'%";
    const SERIAL: &str = "CANAR-YSERI-ALNUM-BEROF-LICEN";
    const GUEST: &str = "canary-of-a-guest";
    let dir = tempfile::tempdir().unwrap();
    let mut scenario = scenario_json("good");
    scenario["accounts"][1]["password"] = json!(PASSWORD);
    scenario["licences"][0]["key"] = json!(SERIAL);
    let rows = scenario["vms"][0]["extraConfig"].as_array_mut().unwrap();
    rows.push(json!({ "key": "guestinfo.userdata", "value": GUEST }));
    let path = dir.path().join("scenario.json");
    fs::write(&path, scenario.to_string()).unwrap();
    let Some(server) = Simulator::start(&path, &[]) else { return };
    fs::remove_file(&path).unwrap();
    let target = format!("vsphere://asr@vsphere.local@{}", server.authority);
    let wrong = "AB".repeat(32);
    let pinned = ["--thumbprint", server.sha256.as_str()];
    let file = dir.path().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let runs: &[Vec<&str>] = &[
        [&["-vv", "check", "vcenter", &target], &pinned[..], &MACHINES].concat(),
        [&["-vv", "check", "vcenter", &target], &pinned[..], &MACHINES, &["--format", "json"]]
            .concat(),
        [&["-vv", "collect", "vcenter", &target], &pinned[..], &MACHINES, &["-o", "vc.json"]]
            .concat(),
        vec!["-vv", "check", "vcenter", "capture:vc.json", "--output", "json=report.json"],
        vec!["-vv", "check", "vcenter", &target, "--thumbprint", &wrong],
        [&["-vv", "check", "vcenter", &target], &pinned[..], &["--password-file", "password"]]
            .concat(),
    ];
    for args in runs {
        let mut command = Command::new(program::binary());
        command.args(args).current_dir(dir.path()).env("HOME", dir.path());
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        if !args.contains(&"--password-file") {
            command.env("PREFLIGHT_PASSWORD", PASSWORD);
        }
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        nothing_secret(&said, &format!("{args:?}"));
    }
    assert!(server.calls("Login") >= 4, "{}", server.all_calls());
    for name in program::names_in(dir.path()) {
        let bytes = fs::read(dir.path().join(&name)).unwrap_or_default();
        if name != "password" {
            nothing_secret(&bytes, &name);
        }
    }
    let capture = fs::read_to_string(dir.path().join("vc.json")).unwrap();
    assert!(capture.contains("*****-*****-*****-*****-LICEN"), "the end of the serial is kept");

    fn nothing_secret(bytes: &[u8], of: &str) {
        let text = String::from_utf8_lossy(bytes);
        for secret in [
            PASSWORD,
            "Canary-7f3a",
            "CANAR-",
            "YSERI",
            "BEROF",
            GUEST,
            "guestinfo",
            "vmware_soap_session=",
            "<password>",
        ] {
            assert!(!text.contains(secret), "{of} tells {secret:?}");
        }
    }
}

#[test]
fn an_old_server_is_told_by_its_version_and_asked_only_when_that_is_allowed() {
    for version in ["1.0", "1.1"] {
        let args = ["-tls", version, "-cert-rsa"];
        let Some(server) = Simulator::start(&scenario("good"), &args) else { return };
        let (ran, report) = check(&server, "vcenter", ASR, &MACHINES);
        let found = outcomes(&report);
        assert_eq!(found["127.0.0.1 vcenter.tls-version"], "warn", "{version}");
        assert_eq!(found["127.0.0.1 vcenter.service-answers"], "unknown");
        assert_eq!(found["asr-mt-01 mt.disk-enable-uuid"], "unknown");
        assert!(ran.complaint().contains("--legacy-tls"), "{}", ran.complaint());
        assert_eq!(server.all_calls(), json!({}), "{version}");
        let legacy = [&MACHINES[..], &["--legacy-tls"]].concat();
        let (ran, report) = check(&server, "vcenter", ASR, &legacy);
        let expected = good_but(&["warn 127.0.0.1 vcenter.tls-version"]);
        assert_eq!(different(&outcomes(&report), &expected), [""; 0], "{version}");
        assert_eq!(ran.code, Some(0), "{}", ran.text());
    }
}

/// A server of OpenSSL's own, which shares no code with the simulator.
#[test]
fn openssl_speaks_tls_1_0_and_shows_a_wrong_certificate() {
    if !installed(&["openssl"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let openssl = |args: &[&str]| {
        let output = Command::new("openssl").args(args).current_dir(dir.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    openssl(&[
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha1", "-keyout", "key.pem", "-out",
        "cert.pem", "-days", "2", "-subj", "/CN=other.example",
    ]);
    let said = openssl(&["x509", "-in", "cert.pem", "-noout", "-fingerprint", "-sha256"]);
    let sha256 = said.trim().rsplit('=').next().unwrap().to_owned();
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let mut server = Command::new("openssl")
        .args(["s_server", "-accept", &format!("127.0.0.1:{port}"), "-cert", "cert.pem"])
        .args(["-key", "key.pem", "-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0", "-www", "-quiet"])
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "s_server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    let target = format!("vsphere://asr@127.0.0.1:{port}");
    let run = |more: &[&str]| {
        let args =
            [&["check", "vcenter", &target, "--format", "json", "--timeout", "3"], more].concat();
        let ran = preflight(ASR, dir.path(), &args);
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        (ran, outcomes(&report))
    };
    let (ran, found) = run(&["--thumbprint", &sha256]);
    let (wrong, _) = run(&["--legacy-tls"]);
    let (_, legacy) = run(&["--legacy-tls", "--thumbprint", &sha256]);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(found["127.0.0.1 vcenter.tls-version"], "warn");
    assert!(
        ran.complaint().contains("the server speaks TLSv1 and nothing newer"),
        "{}",
        ran.complaint()
    );
    assert!(wrong.complaint().contains("the certificate is not trusted"), "{}", wrong.complaint());
    assert!(wrong.complaint().contains(&sha256), "{}", wrong.complaint());
    assert_eq!(legacy["127.0.0.1 vcenter.tls-version"], "warn");
    // It takes the call and never answers it.
    assert_eq!(legacy["127.0.0.1 vcenter.service-answers"], "unknown");
}

#[test]
fn a_server_that_cannot_be_reached_is_unknown_for_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let closed = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("vsphere://asr@{}", free.local_addr().unwrap())
    };
    for (target, told) in [
        (closed.as_str(), "refused the connection"),
        ("vsphere://asr@no-such-host.invalid", "has no address"),
    ] {
        let args = ["check", "vcenter", target, "--vm", "mt", "--timeout", "5", "--format", "json"];
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(ran.complaint().contains(told), "{told}: {}", ran.complaint());
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let decided = |word: &String| !matches!(word.as_str(), "unknown" | "not-applicable");
        assert!(!outcomes(&report).values().any(decided), "{report}");
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("vsphere://asr@{}", listener.local_addr().unwrap());
    let args = ["check", "vcenter", &target, "--timeout", "1"];
    let began = Instant::now();
    let ran = preflight(ASR, dir.path(), &args);
    assert!(began.elapsed() < Duration::from_secs(4));
    assert!(ran.complaint().contains("no answer within 1 s"), "{}", ran.complaint());
    drop(listener);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_connected_to() {
    let dir = tempfile::tempdir().unwrap();
    for (args, told) in [
        (vec!["check", "vcenter", "https://vc1"], "does not begin with vsphere://"),
        (vec!["check", "vcenter", "vsphere://u:p@vc1"], "it has a password in it"),
        (vec!["check", "vcenter", "vsphere://vc1"], "who logs in?"),
        (vec!["check", "vcenter", "vsphere://u@vc1", "--thumbprint", "AB"], "is not a thumbprint"),
        (vec!["check", "vcenter", "vsphere://u@vc1", "--ca-file", "none.pem"], "cannot read"),
        (vec!["check", "vcenter", "capture:none.json"], "cannot read"),
        (vec!["trust", "vc1"], "does not begin with vsphere://"),
    ] {
        let ran = preflight(ASR, dir.path(), &args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.text());
        assert!(ran.complaint().contains(told), "{args:?}: {}", ran.complaint());
    }
}
