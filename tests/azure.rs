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
#[path = "azure/run.rs"]
mod run;
#[path = "azure/standin.rs"]
mod standin;

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use estate::{Estate, vault_address, vault_id};
use run::*;
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
    estate.latency = Duration::from_millis(5);
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
    println!("{} GETs for 100 machines", gets.len());
}
