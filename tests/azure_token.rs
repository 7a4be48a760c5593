//! Where the token comes from: each source, what goes wrong with it, and that no other is tried then.
//!
//! Not for what a token is used for: `tests/azure.rs`.

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

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use estate::{Estate, vault_address};
use program::Ran;
use run::*;
use serde_json::json;
use standin::{CANARY, CLIENT_SECRET, Delivery, Reply, Request, StandIn};

fn good() -> StandIn {
    StandIn::start(Estate::classic(1))
}

/// Runs a collection whose output and capture may hold no secret.
fn collect(azure: Azure) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let ran =
        azure.run(&["collect", "azure", &vault_address(), "-o", "a.json", "-vv"], directory.path());
    let saved = fs::read_to_string(directory.path().join("a.json")).unwrap_or_default();
    assert!(!ran.text().contains(CANARY), "a secret is in the output or the log: {}", ran.text());
    assert!(!saved.contains(CANARY), "a secret is in the capture");
    ran
}

fn principal(azure: Azure) -> Azure {
    azure
        .variable("AZURE_TENANT_ID", "falun.example")
        .variable("AZURE_CLIENT_ID", "c0ffee00-0000-4000-8000-000000000001")
}

/// A program `az` in a directory of its own.
fn fake_az(script: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("az");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn token_file(directory: &Path, text: &str, mode: u32) -> String {
    let path = directory.join("token");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

#[test]
fn a_token_is_read_from_a_file_that_nobody_else_can_read() {
    let server = good();
    let directory = tempfile::tempdir().unwrap();
    let file = token_file(directory.path(), &format!("{}\n", standin::TOKEN), 0o600);
    let with_file =
        |file: &str| Azure::without_token(&server).option(&["--azure-token-file", file]);
    assert_eq!(collect(with_file(&file)).code, Some(0));
    let file = token_file(directory.path(), standin::TOKEN, 0o644);
    let ran = collect(with_file(&file));
    assert_eq!(ran.code, Some(2));
    assert!(ran.complaint().contains("can be read by others"), "{}", ran.complaint());
    let ended = format!("x.{}.y", openssl::base64::encode_block(br#"{"exp":1000000000}"#));
    let file = token_file(directory.path(), &ended, 0o600);
    let before = server.requests().len();
    let ran = collect(with_file(&file));
    assert_eq!(ran.code, Some(2));
    assert!(ran.complaint().contains("the given token expired"), "{}", ran.complaint());
    assert_eq!(server.requests().len(), before, "nothing is asked with it");
}

#[test]
fn a_service_principal_gets_a_token_for_the_audience() {
    let server = good();
    let azure =
        principal(Azure::without_token(&server)).variable("AZURE_CLIENT_SECRET", CLIENT_SECRET);
    assert_eq!(collect(azure).code, Some(0));
    assert_eq!(server.tokens(), 1);
    let login = server.requests().into_iter().find(|request| request.method == "POST").unwrap();
    assert_eq!(login.path, "/falun.example/oauth2/v2.0/token");
    let scope =
        format!("scope={}%2F.default", server.origin.replace(':', "%3A").replace('/', "%2F"));
    for part in ["grant_type=client_credentials", "client_secret=canary7Kq-secret~1", &scope] {
        assert!(login.body.contains(part), "{part}: {}", login.body);
    }
}

#[test]
fn a_workload_identity_reads_its_file_each_time() {
    let server = good();
    let directory = tempfile::tempdir().unwrap();
    let file = token_file(directory.path(), "canary7Kq.proof", 0o600);
    let azure =
        principal(Azure::without_token(&server)).variable("AZURE_FEDERATED_TOKEN_FILE", &file);
    assert_eq!(collect(azure).code, Some(0));
    let login = server.requests().into_iter().find(|request| request.method == "POST").unwrap();
    assert!(login.body.contains("client_assertion=canary7Kq.proof"), "{}", login.body);
    let azure = principal(Azure::without_token(&server))
        .variable("AZURE_FEDERATED_TOKEN_FILE", "/nonexistent/proof");
    let ran = collect(azure);
    assert_eq!(ran.code, Some(3));
    assert!(ran.complaint().contains("cannot read /nonexistent/proof"), "{}", ran.complaint());
}

#[test]
fn what_the_login_refuses_is_an_error_and_no_other_identity_is_tried() {
    let refuse = |_: &Request| {
        let body = json!({ "error": "invalid_client", "error_codes": [7_000_215],
            "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1-2\r\nCorrelation ID: 3" });
        Some(Reply::json(401, &body))
    };
    let server = StandIn::with_fault(Estate::classic(1), move |request| {
        if request.method == "POST" { refuse(request) } else { None }
    });
    let az = fake_az(&format!("echo '{{\"accessToken\":\"{CANARY}.az\"}}'"));
    let azure = principal(Azure::without_token(&server))
        .variable("AZURE_CLIENT_SECRET", CLIENT_SECRET)
        .programs(az.path());
    let ran = collect(azure);
    assert_eq!(ran.code, Some(3), "{}", ran.complaint());
    let expected = "the login refused the request (HTTP 401, invalid_client): AADSTS7000215: Invalid client secret provided.;";
    assert!(ran.complaint().contains(expected), "{}", ran.complaint());
    assert_eq!(server.gets().len(), 0);
}

#[test]
fn az_is_asked_from_a_safe_place_and_its_warnings_are_skipped() {
    let server = good();
    let notes = tempfile::tempdir().unwrap();
    let note = notes.path().join("note").display().to_string();
    for output in [
        format!(
            r#"{{"accessToken":"{CANARY}.az","expiresOn":"2030-01-01 00:00:00.000000","expires_on":4102444800}}"#
        ),
        format!(
            r#"{{"accessToken":"{CANARY}.az","expiresOn":"2030-01-01 00:00:00.000000","tokenType":"Bearer"}}"#
        ),
    ] {
        let az = fake_az(&format!(
            "echo \"$PWD $* $AZURE_CORE_NO_COLOR\" > {note}; cat >> {note}; echo 'WARNING: {CANARY} new release' >&2\n\
             echo 'A warning on the wrong stream'; echo '{output}'"
        ));
        let ran = collect(Azure::without_token(&server).programs(az.path()));
        assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    }
    let noted = fs::read_to_string(note).unwrap();
    let expected = format!(
        "/ account get-access-token --output json --resource {}/ --subscription {} true\n",
        server.origin,
        estate::SUBSCRIPTION
    );
    assert_eq!(noted, expected, "where it runs, what it gets, and that its input is empty");
}

#[test]
fn az_that_gives_no_token_is_an_error_that_shows_nothing_it_printed() {
    for (script, expected) in [
        (
            format!("echo 'ERROR: {CANARY} Please run az login to setup account.' >&2; exit 1"),
            "nobody is logged in to az",
        ),
        (
            format!("echo 'ERROR: {CANARY} run az account set' >&2; exit 1"),
            "nobody is logged in to az",
        ),
        (format!("echo '{CANARY}' >&2; exit 7"), "az ended with exit status: 7"),
        (format!("echo '{CANARY}'"), "az printed no token"),
        ("echo '{}'".to_owned(), "az printed no token"),
        (format!("echo '{{\"accessToken\":\"{CANARY} b\"}}'"), "what az prints holds no token"),
    ] {
        let server = good();
        let az = fake_az(&script);
        let ran = collect(Azure::without_token(&server).programs(az.path()));
        assert_eq!(ran.code, Some(3), "{}", ran.complaint());
        assert!(ran.complaint().contains(expected), "{script}: {}", ran.complaint());
        assert_eq!(server.requests().len(), 0, "the managed identity is not tried");
    }
    let server = good();
    let az = fake_az("sleep 60 & sleep 60");
    let began = Instant::now();
    let ran = collect(Azure::without_token(&server).programs(az.path()));
    assert!(ran.complaint().contains("az gave no token within 10 s"), "{}", ran.complaint());
    assert!(began.elapsed() < Duration::from_secs(40));
}

fn with_metadata(server: &StandIn) -> Azure {
    Azure::without_token(server).variable("AZURE_POD_IDENTITY_AUTHORITY_HOST", &server.metadata)
}

#[test]
fn the_managed_identity_comes_last_and_is_asked_without_a_proxy() {
    let server = good();
    let azure = with_metadata(&server)
        .variable("AZURE_CLIENT_ID", "c-1")
        .variable("HTTP_PROXY", "http://192.0.2.1:1");
    let ran = collect(azure);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let asked = server
        .requests()
        .into_iter()
        .find(|request| request.path.starts_with("/metadata"))
        .unwrap();
    assert_eq!(asked.headers["metadata"], "true");
    assert_eq!(asked.query["client_id"], "c-1");
    assert_eq!(asked.query["resource"], format!("{}/", server.origin));
}

#[test]
fn a_machine_without_a_managed_identity_says_so() {
    let fault = |reply: Reply| {
        move |request: &Request| request.path.starts_with("/metadata").then(|| reply.clone())
    };
    for (reply, expected) in [
        (
            Reply::error(400, "invalid_request", "Identity not found"),
            "no managed identity: this machine has none",
        ),
        (
            Reply::text(403, "connecting to 169.254.169.254:80: network is unreachable"),
            "a proxy answers in place of",
        ),
        (Reply::text(404, ""), "HTTP 404"),
        (Reply::text(200, "hello"), "the answer of the login holds no token"),
        (Reply::default().delivered(Delivery::Reset), "no metadata service at"),
    ] {
        let server = StandIn::with_fault(Estate::classic(1), fault(reply));
        let ran = collect(with_metadata(&server));
        assert_eq!(ran.code, Some(3), "{}", ran.complaint());
        assert!(ran.complaint().contains(expected), "{expected}: {}", ran.complaint());
    }
}

#[test]
fn a_token_that_ends_in_the_middle_is_renewed_once() {
    // The first token is refused after ten requests; the second one never, or at once.
    for (is_good, code) in [(true, 0), (false, 3)] {
        let server = StandIn::with_fault(Estate::classic(3), move |request| {
            let token = request.headers.get("authorization")?;
            let is_first = token.ends_with(".issued.1");
            let is_refused = is_first && request.path.contains("replicationprotecteditems/")
                || !is_first && !is_good;
            is_refused
                .then(|| Reply::error(401, "ExpiredAuthenticationToken", "The token expired."))
        });
        let azure =
            principal(Azure::without_token(&server)).variable("AZURE_CLIENT_SECRET", CLIENT_SECRET);
        let ran = collect(azure);
        assert_eq!(server.tokens(), 2, "one renewal");
        assert_eq!(
            ran.complaint().contains("the token is not accepted"),
            !is_good,
            "{}",
            ran.complaint()
        );
        // What had been read before is kept.
        assert_eq!(ran.code, Some(0), "{code}");
    }
}

#[test]
fn what_is_not_supported_says_so_and_asks_nothing() {
    let server = good();
    let azure = || principal(Azure::without_token(&server));
    for (azure, expected) in [
        (
            azure().variable("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem"),
            "a certificate (AZURE_CLIENT_CERTIFICATE_PATH) is not supported",
        ),
        (
            azure().variable("AZURE_TOKEN_CREDENTIALS", "AzurePowerShellCredential"),
            "is not supported",
        ),
        (
            azure().variable("IDENTITY_ENDPOINT", "http://127.0.0.1:1"),
            "(IDENTITY_ENDPOINT) is not supported",
        ),
        (
            Azure::without_token(&server).variable("AZURE_CLIENT_SECRET", CLIENT_SECRET),
            "AZURE_TENANT_ID is not",
        ),
    ] {
        let ran = collect(azure);
        assert_eq!(ran.code, Some(2), "{}", ran.complaint());
        assert!(ran.complaint().contains(expected), "{}", ran.complaint());
    }
    assert_eq!(server.requests().len(), 0);
}
