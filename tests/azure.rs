//! A vault in a stand-in for Azure over real TLS: what is asked of it, what a capture keeps, and that a capture is
//! evaluated as the live run is.
//!
//! Azure in trouble is in `tests/azure_trouble.rs`; what real clients read in `tests/azure_oracle.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "azure/estate.rs"]
mod estate;
#[path = "azure/objects.rs"]
mod objects;
mod program;
#[path = "azure/proxy.rs"]
mod proxy;
#[path = "azure/run.rs"]
mod run;
#[path = "azure/standin.rs"]
mod standin;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use estate::{Estate, vault_address, vault_id};
use preflight::facts::azure::answers::VaultAnswers;
use run::*;
use serde_json::Value;
use standin::{CANARY, StandIn};

#[test]
fn a_capture_has_every_answer_and_no_secret() {
    let server = StandIn::start(Estate::classic(3));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("azure.json");
    let ran = Azure::new(&server)
        .run(&["collect", "azure", &vault_address(), "-o", "azure.json"], directory.path());
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let text = fs::read_to_string(&file).unwrap();
    for secret in [CANARY, objects::BODY_SECRET] {
        assert!(
            !text.contains(secret) && !ran.text().contains(secret),
            "{secret} is in the capture or the output"
        );
    }
    let capture = capture(&text);
    assert_eq!(capture.vault.as_deref(), Some(vault_id().as_str()));
    assert_eq!(capture.asked_at(), "2026-11-20T08:00:00Z".parse().ok());
    let failures: Vec<_> = capture.answers.iter().filter_map(|answer| answer.failure()).collect();
    assert!(failures.is_empty(), "{failures:#?}");
    let paths: Vec<&str> =
        capture.answers.iter().map(|answer| answer.path.as_deref().unwrap()).collect();
    let distinct: BTreeSet<&str> = paths.iter().copied().collect();
    assert_eq!(paths.len(), distinct.len(), "every path is asked for once");
    for expected in [
        "/replicationFabrics/5a0c1e77d2f94b6c",
        "/replicationJobs/job-failed",
        "/connections",
        "?statusOnly=true",
    ] {
        assert!(paths.iter().any(|path| path.ends_with(expected)), "{expected}: {paths:#?}");
    }
}

#[test]
fn only_gets_are_made_at_most_four_at_a_time_each_with_a_version_and_an_id() {
    let mut estate = Estate::classic(100);
    estate.latency = Duration::from_millis(50);
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let ran = Azure::new(&server)
        .run(&["collect", "azure", &vault_address(), "-o", "a.json"], directory.path());
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let gets = server.gets();
    assert!(gets.iter().all(|request| request.method == "GET"));
    assert!((200..=250).contains(&gets.len()), "{} requests", gets.len());
    assert_eq!(gets.iter().map(|request| request.at_once).max(), Some(4));
    let ids: BTreeSet<&str> =
        gets.iter().map(|request| request.headers["x-ms-client-request-id"].as_str()).collect();
    assert_eq!(ids.len(), gets.len(), "each request has an id of its own");
    for request in &gets {
        assert!(request.query.contains_key("api-version"), "{}", request.target);
        assert_eq!(request.headers["accept-encoding"], "identity");
        assert!(!request.path.contains("sharedkey"), "{}", request.target);
    }
    println!(
        "100 machines, 50 ms latency: {} GETs in {:.1} s, {:.0} MiB",
        gets.len(),
        ran.took.as_secs_f64(),
        ran.peak_kib as f64 / 1024.0
    );
    assert!(ran.peak_kib < 64 * 1024, "{} KiB", ran.peak_kib);
}

#[test]
fn a_thousand_machines_take_little_memory() {
    let server = StandIn::start(Estate::classic(1000));
    let directory = tempfile::tempdir().unwrap();
    let ran = Azure::new(&server)
        .run(&["collect", "azure", &vault_address(), "-o", "a.json"], directory.path());
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    println!(
        "1000 machines: {} GETs in {:.1} s, {:.0} MiB",
        server.gets().len(),
        ran.took.as_secs_f64(),
        ran.peak_kib as f64 / 1024.0
    );
    assert!(ran.peak_kib < 256 * 1024, "{} KiB", ran.peak_kib);
}

#[test]
fn a_vault_is_found_by_its_name_alone() {
    let server = StandIn::start(Estate::classic(1));
    let directory = tempfile::tempdir().unwrap();
    let collect = |name: &str| {
        let vault = format!("azure://{}/{name}", estate::SUBSCRIPTION);
        Azure::new(&server).run(&["collect", "azure", &vault], directory.path())
    };
    let ran = collect("VAULT-falun");
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let answers = capture(&String::from_utf8(ran.stdout).unwrap());
    assert_eq!(answers.vault.as_deref(), Some(vault_id().as_str()));
    let ran = collect("other");
    assert_eq!(ran.code, Some(3));
    assert!(ran.complaint().contains("has 0 vaults named other"), "{}", ran.complaint());
}

#[test]
fn a_proxy_of_the_environment_carries_it_and_sees_no_token() {
    let server = StandIn::start(Estate::classic(1));
    let proxy = proxy::Proxy::start();
    let directory = tempfile::tempdir().unwrap();
    let azure = || Azure::new(&server).variable("HTTPS_PROXY", &proxy.url);
    let collect =
        |azure: Azure| azure.run(&["collect", "azure", &vault_address()], directory.path());
    let ran = collect(azure());
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let seen = proxy.heads();
    assert!((1..=4).contains(&seen.len()), "{seen:?}");
    let authority = server.origin.trim_start_matches("https://");
    for head in &seen {
        assert!(head.starts_with(&format!("CONNECT {authority} HTTP/1.1\r\n")), "{head}");
        assert!(head.contains("Proxy-Authorization: Basic YW5uOmZhbHVu\r\n"), "{head}");
        assert!(!head.contains(CANARY));
    }
    assert_eq!(collect(azure().variable("NO_PROXY", "127.0.0.1")).code, Some(0));
    assert_eq!(proxy.heads().len(), seen.len(), "it is left out");
    let ran = collect(Azure::new(&server).variable("https_proxy", "http://127.0.0.1:9"));
    assert_eq!(ran.code, Some(3));
    assert!(ran.complaint().contains("the proxy 127.0.0.1:9"), "{}", ran.complaint());
}

/// What only the objects of answers are, without paths and times: an export knows neither.
fn objects_of(answers: &VaultAnswers) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for object in answers.answers.iter().flat_map(|answer| answer.objects()) {
        // The last one is the whole one, as for a reader of answers.
        found.insert(object["id"].as_str().unwrap().to_lowercase(), object.clone());
    }
    found
}

#[test]
fn the_script_in_the_documentation_exports_the_same_objects() {
    if !program::installed(&["python3"]) {
        return;
    }
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/azure.md")).unwrap();
    let (_, script) = page.split_once("```sh\n").unwrap();
    let (script, _) = script.split_once("\n```").unwrap();
    let mut estate = Estate::classic(3);
    estate.page = 2;
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("export.sh"), script).unwrap();
    // With PREFLIGHT_AZ the Azure CLI itself does it: it takes a second for each request and is large, so that CI has none.
    match std::env::var("PREFLIGHT_AZ") {
        Ok(az) => {
            let more =
                "--skip-authorization-header --headers \"Authorization=Bearer $STANDIN_TOKEN\"";
            fs::write(
                path("az"),
                format!("#!/bin/sh\nREQUESTS_CA_BUNDLE=$STANDIN_CA exec {az} \"$@\" {more}\n"),
            )
            .unwrap();
            fs::set_permissions(path("az"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
                .unwrap();
        }
        Err(_) => {
            let stub = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/azure/az.py");
            fs::copy(stub, path("az")).unwrap();
        }
    }
    let ran = std::process::Command::new("sh")
        .args(["export.sh", estate::SUBSCRIPTION, estate::GROUP, estate::VAULT, "out"])
        .current_dir(directory.path())
        .env("PATH", format!("{}:/usr/bin:/bin", directory.path().display()))
        .env("ARM", &server.origin)
        .env("GROUPS_OF_MACHINES", objects::AZURE_GROUP)
        .env("STANDIN_CA", &server.ca)
        .env("STANDIN_TOKEN", standin::TOKEN)
        .output()
        .unwrap();
    assert!(
        ran.status.success() && ran.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(server.gets().iter().all(|request| request.method == "GET"));
    let export = preflight::transport::azure::export::read(&path("out")).unwrap();
    assert_eq!(export.notes, [""; 0]);
    assert_eq!(
        export.answers.vault.as_deref().map(str::to_lowercase),
        Some(vault_id().to_lowercase())
    );
    assert!(export.answers.asked_at().is_some());
    let ran = Azure::new(&server).run(&["collect", "azure", &vault_address()], directory.path());
    let live = objects_of(&capture(&String::from_utf8(ran.stdout).unwrap()));
    let exported = objects_of(&export.answers);
    let missing: Vec<&String> = live.keys().filter(|id| !exported.contains_key(*id)).collect();
    assert_eq!(missing, [""; 0], "the export lacks objects");
    let names = |all: &BTreeMap<String, Value>| -> Vec<String> {
        all.iter()
            .filter(|(id, _)| id.contains("/replicationprotecteditems/"))
            .map(|(id, item)| format!("{id}: {item}"))
            .collect()
    };
    assert_eq!(names(&exported), names(&live));
    // It is evaluated like the vault itself.
    let check = |vault: &str| {
        let ran = Azure::new(&server)
            .run(&["check", "azure", vault, "--format", "json"], directory.path());
        let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
        let results = report["results"].as_array().unwrap().iter();
        let row = |one: &Value| format!("{} {} {}", one["target"], one["check"], one["outcome"]);
        results.map(row).collect::<Vec<String>>()
    };
    // The script writes when this machine ran it, and the stand-in has a time of its own.
    fs::write(path("out/time.json"), r#"{"exportedAt":"2026-11-20T08:00:00Z"}"#).unwrap();
    assert_eq!(check("out"), check(&vault_address()));
}

#[test]
fn a_site_collects_its_vault_beside_its_systems() {
    let server = StandIn::start(Estate::classic(1));
    let directory = tempfile::tempdir().unwrap();
    let origin = &server.origin;
    let site = format!(
        "azure: {{ vault: '{}', endpoint: '{origin}', login: '{origin}' }}\n",
        vault_address()
    );
    fs::write(directory.path().join("site.yaml"), site).unwrap();
    let ca = server.ca.display().to_string();
    let args = ["collect", "site", "site.yaml", "-o", "saved", "--ca-file", &ca];
    let ran =
        Azure::plain().variable("AZURE_ACCESS_TOKEN", standin::TOKEN).run(&args, directory.path());
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let saved = fs::read_to_string(directory.path().join("saved/azure.json")).unwrap();
    assert!(capture(&saved).answers.len() > 20);
    // Nothing is asked when it is evaluated, and without the capture it is not evaluated.
    let before = server.requests().len();
    let check = || {
        Azure::plain().run(&["check", "site", "site.yaml", "--captures", "saved"], directory.path())
    };
    assert_ne!(check().code, Some(2), "{}", check().complaint());
    assert_eq!(server.requests().len(), before);
    fs::remove_file(directory.path().join("saved/azure.json")).unwrap();
    assert_eq!(check().code, Some(2));
    assert!(check().complaint().contains("has no azure.json"), "{}", check().complaint());
}
