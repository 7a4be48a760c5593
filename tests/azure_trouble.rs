//! Azure in trouble, and Azure that lies: what is waited for, what is refused, and that a token never goes anywhere
//! but to the configured host.
//!
//! Azure in good health is in `tests/azure.rs`; sources of tokens in `tests/azure_token.rs`.

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

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use estate::{Estate, vault_address, vault_id};
use preflight::facts::azure::answers::{AzureAnswer, VaultAnswers};
use preflight::transport::azure::AzureQuery;
use preflight::transport::azure::client::{AzureEndpoint, MAX_RUN};
use preflight::transport::azure::cloud::Cloud;
use preflight::transport::azure::token::source::TokenSource;
use preflight::transport::http::proxy::EnvironmentProxy;
use preflight::transport::http::tls::TlsTrust;
use program::Ran;
use run::*;
use serde_json::json;
use standin::{CANARY, Delivery, Reply, Request, StandIn};

const POLICIES: &str = "replicationPolicies";

fn is_list(request: &Request, name: &str) -> bool {
    request.path.ends_with(&format!("vaults/vault-falun/{}", name.to_lowercase()))
}

/// Runs a collection, which no secret may leave, and returns what it saved.
fn collect(server: &StandIn, more: &[&str]) -> (Ran, VaultAnswers) {
    collect_with(Azure::new(server).option(more))
}

fn collect_with(azure: Azure) -> (Ran, VaultAnswers) {
    let directory = tempfile::tempdir().unwrap();
    let ran = azure.run(&["collect", "azure", &vault_address(), "-o", "a.json"], directory.path());
    let text = std::fs::read_to_string(directory.path().join("a.json")).unwrap();
    assert!(!text.contains(CANARY) && !ran.text().contains(CANARY), "a token is where none may be");
    assert_eq!(ran.misdeeds(), [""; 0]);
    (ran, capture(&text))
}

fn answer<'a>(answers: &'a VaultAnswers, list: &str) -> &'a AzureAnswer {
    let path = format!("{}/{list}", vault_id());
    answers.answers.iter().find(|answer| answer.path.as_ref() == Some(&path)).unwrap()
}

/// What became of the list of policies when its answer is this one; all else has to be whole.
fn policies_with(
    reply: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
) -> (AzureAnswer, Vec<Request>) {
    let server = StandIn::with_fault(Estate::classic(1), move |request| {
        if request.path.contains("replicationpolicies") { reply(request) } else { None }
    });
    let (ran, answers) = collect(&server, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    for other in
        answers.answers.iter().filter(|other| !other.path.as_ref().unwrap().ends_with(POLICIES))
    {
        assert_eq!(other.failure(), None, "{:?}", other.path);
    }
    let asked =
        server.gets().into_iter().filter(|request| request.path.contains("replicationpolicies"));
    (answer(&answers, POLICIES).clone(), asked.collect())
}

fn policy(name: &str) -> serde_json::Value {
    json!({ "id": format!("{}/replicationPolicies/{name}", vault_id()), "name": name, "properties": { "friendlyName": name } })
}

#[test]
fn a_busy_service_is_waited_for_as_long_as_it_says_and_no_longer_than_the_cap() {
    let busy = |name: &'static str, value: &'static str, times: usize| {
        move |request: &Request| {
            (request.earlier < times)
                .then(|| Reply::error(429, "TooManyRequests", "slow down").header(name, value))
        }
    };
    // Seconds, a date that counts from the answer's own Date, milliseconds, none.
    for (fault, at_least_ms) in [
        (busy("Retry-After", "1", 1), 1000),
        (busy("Retry-After", "Fri, 20 Nov 2026 08:00:01 GMT", 1), 1000),
        (busy("retry-after-ms", "300", 2), 600),
        (busy("x", "y", 2), 1500),
    ] {
        let (answer, asked) = policies_with(fault);
        assert_eq!(answer.failure(), None);
        let waited = asked.last().unwrap().at - asked[0].at;
        assert!(waited >= Duration::from_millis(at_least_ms), "{waited:?} of {at_least_ms} ms");
    }
    let began = Instant::now();
    let (answer, asked) = policies_with(busy("Retry-After", "3600", 9));
    let reason = &answer.failure().unwrap().reason;
    assert!(reason.contains("429") && reason.contains("asked again in 3600 s"), "{reason}");
    assert_eq!(asked.len(), 1, "it is not asked again");
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_breaks_once_or_twice_is_asked_again_and_what_never_works_is_unknown() {
    let good = |times: usize, broken: Reply| {
        move |request: &Request| (request.earlier < times).then(|| broken.clone())
    };
    let whole = Reply::json(200, &json!({ "value": [policy("p")] }));
    for broken in [
        Reply::text(503, ""),
        Reply::text(502, "<html>Bad Gateway</html>"),
        whole.clone().delivered(Delivery::Reset),
        whole.clone().delivered(Delivery::CutOff),
    ] {
        let (answer, asked) = policies_with(good(2, broken));
        assert_eq!((answer.failure(), asked.len()), (None, 3));
    }
    for (broken, expected) in [
        (
            Reply::error(500, "InternalServerError", "oh"),
            "HTTP 500, InternalServerError: oh, 4 times",
        ),
        (whole.delivered(Delivery::CutOff), "the connection was closed after"),
    ] {
        let (answer, asked) = policies_with(good(99, broken));
        assert_eq!(asked.len(), 4);
        let reason = &answer.failure().unwrap().reason;
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_service_that_drips_or_says_nothing_ends_with_the_time_limit() {
    for delivery in [Delivery::Drip, Delivery::Silence] {
        let server = StandIn::with_fault(Estate::classic(1), move |request| {
            is_list(request, POLICIES)
                .then(|| Reply::json(200, &json!({ "value": [policy("p")] })).delivered(delivery))
        });
        let (ran, answers) = collect(&server, &["--timeout", "3"]);
        assert_eq!(ran.code, Some(0), "{}", ran.complaint());
        let reason = &answer(&answers, POLICIES).failure().unwrap().reason;
        assert!(reason.contains("time limit of 3 s"), "{delivery:?}: {reason}");
        assert_eq!(answer(&answers, "replicationEvents").failure(), None);
    }
}

#[test]
fn pages_end_in_every_way_they_can_and_are_followed_on_the_configured_host() {
    let first = |next: serde_json::Value| {
        move |request: &Request| {
            let authority = request.headers["host"].clone();
            let next = match next.as_str() {
                Some(text) => json!(text.replace("HOST", &authority)),
                None => next.clone(),
            };
            Some(if request.query.contains_key("$skiptoken") {
                Reply::json(200, &json!({ "value": [policy("two")] }))
            } else {
                Reply::json(200, &json!({ "value": [policy("one")], "nextLink": next }))
            })
        }
    };
    let path = format!("{}/{POLICIES}?api-version=2025-08-01&%24skipToken=1", vault_id());
    for (next, count) in [
        (json!(null), 1),
        (json!(""), 1),
        (json!(format!("https://HOST{path}")), 2),
        (json!(format!("HTTPS://HOST{path}&t=1&c=MII%2Babc&s=x&h=y")), 2),
    ] {
        let (answer, asked) = policies_with(first(next.clone()));
        assert_eq!(
            (answer.failure(), answer.objects().len(), asked.len()),
            (None, count, count),
            "{next}"
        );
    }
    // A regional host below the configured one; the stand-in's own host is a number, so localhost stands in.
    let server = StandIn::with_fault(Estate::classic(0), move |request| {
        let path = format!("{}/{POLICIES}?api-version=2025-08-01&%24skipToken=1", vault_id());
        let port = request.headers["host"].rsplit(':').next().unwrap().to_owned();
        let next = format!("https://swedencentral.localhost:{port}{path}");
        (is_list(request, POLICIES) && !request.query.contains_key("$skiptoken"))
            .then(|| Reply::json(200, &json!({ "value": [policy("one")], "nextLink": next })))
    });
    let port = server.origin.rsplit(':').next().unwrap().to_owned();
    let azure = Azure::new(&server).endpoint(&format!("https://localhost:{port}"));
    let (_, answers) = collect_with(azure);
    assert_eq!(answer(&answers, POLICIES).failure(), None);
}

#[test]
fn a_link_that_leads_elsewhere_is_refused_and_never_gets_a_token() {
    // It listens, and whoever connects to it has lost.
    let foreign = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    foreign.set_nonblocking(true).unwrap();
    let place = foreign.local_addr().unwrap();
    for (next, expected) in [
        (format!("https://{place}/x?api-version=1"), "another port than"),
        ("https://localhost:PORT/x".to_owned(), "leads to localhost, which is not 127.0.0.1"),
        ("https://evil.example/x".to_owned(), "leads to evil.example"),
        ("https://127.0.0.1.evil.example/x".to_owned(), "leads to 127.0.0.1.evil.example"),
        ("http://127.0.0.1:PORT/x".to_owned(), "does not use https"),
        ("https://user@127.0.0.1:PORT/x".to_owned(), "names a user"),
        (format!("https://127.0.0.1:PORT@{place}/x"), "names a user"),
        ("/x?api-version=1".to_owned(), "cannot be read"),
        ("https://127.0.0.1:PORT/x\r\nX-Evil: 1".to_owned(), "cannot be read"),
    ] {
        let shown = next.clone();
        let (answer, asked) = policies_with(move |request| {
            let port = request.headers["host"].rsplit(':').next().unwrap();
            let body = json!({ "value": [policy("one")], "nextLink": next.replace("PORT", port) });
            Some(Reply::json(200, &body))
        });
        assert_eq!((answer.objects().len(), asked.len()), (1, 1), "{shown}");
        let reason = &answer.failure().unwrap().reason;
        assert!(reason.contains(expected), "{shown}: {reason}");
    }
    let redirect = Reply::text(302, "").header("Location", &format!("https://{place}/"));
    let (answer, _) = policies_with(move |_| Some(redirect.clone()));
    let failure = answer.failure().unwrap();
    assert_eq!(failure.status, Some(302));
    assert!(failure.reason.contains("never followed"), "{}", failure.reason);
    assert!(foreign.accept().is_err(), "something connected to another host");
}

#[test]
fn a_list_that_never_ends_ends() {
    let page = |request: &Request, next: usize| {
        let host = &request.headers["host"];
        let next = format!(
            "https://{host}{}/{POLICIES}?api-version=2025-08-01&%24skipToken={next}",
            vault_id()
        );
        Some(Reply::json(
            200,
            &json!({ "value": [policy(&format!("p{}", request.earlier))], "nextLink": next }),
        ))
    };
    let (answer, asked) = policies_with(move |request| page(request, request.earlier % 3));
    assert!(answer.failure().unwrap().reason.contains("leads back to an earlier one"));
    assert!(asked.len() <= 4, "{}", asked.len());
    let (answer, asked) = policies_with(move |request| page(request, request.earlier + 1));
    assert!(answer.failure().unwrap().reason.contains("more than 200 pages"));
    assert!(answer.objects().len() <= 201 && asked.len() <= 201);
}

#[test]
fn a_body_that_cannot_be_right_is_refused() {
    let long = vec![b' '; 33 * 1024 * 1024];
    for (reply, expected) in [
        (Reply::text(200, "{\"value\":[{\"id\":\"/a\""), "not JSON that can be read: EOF"),
        (Reply::text(200, "not JSON"), "begins with \"not JSON\""),
        (Reply::text(200, "<html>\u{1b}[31mlogin</html>"), "begins with \"<html>[31mlogin"),
        (Reply::text(200, ""), "it begins with \"\""),
        (Reply { status: 200, body: long, ..Reply::default() }, "more than 33554432 bytes"),
        (
            Reply::text(200, "\u{1f}\u{8b}\u{8}").header("Content-Encoding", "gzip"),
            "is encoded (gzip)",
        ),
        (Reply::text(200, r#"{"value":[],"value":[]}"#), "\"value\" stands in it twice"),
        (Reply::text(200, &"[".repeat(10_000)), "nested more than"),
        (Reply::text(200, "[1,2]"), "holds no object"),
    ] {
        let (answer, asked) = policies_with(move |_| Some(reply.clone()));
        let reason = &answer.failure().unwrap().reason;
        assert!(reason.contains(expected), "{expected}: {reason}");
        assert_eq!(asked.len(), 1, "{expected}");
    }
    for good in [
        format!("\u{feff}{}", json!({ "value": [policy("p")] })),
        json!([policy("p")]).to_string(),
        json!({ "responses": { "200": { "body": { "value": [policy("p")] } } } }).to_string(),
    ] {
        let shown = good.clone();
        let (answer, _) = policies_with(move |_| Some(Reply::text(200, &good)));
        assert_eq!((answer.failure(), answer.objects().len()), (None, 1), "{shown}");
    }
    let odd = Reply::json(200, &json!({ "value": [policy("p")] }))
        .header("x-ms-request-id", "a\u{1b}[2Jb")
        .header("x-ms-request-id", "again")
        .header("Date", "yesterday");
    let (answer, _) = policies_with(move |_| Some(odd.clone()));
    assert_eq!((answer.failure(), answer.at), (None, None));
}

#[test]
fn a_run_that_reads_too_much_ends_and_says_so() {
    let server = StandIn::start(Estate::classic(20));
    let collect = |max_bytes: usize| {
        let token = preflight::secret::Secret::new(standin::TOKEN.to_owned());
        let mut cloud = Cloud::public();
        cloud.endpoint = server.origin.parse().unwrap();
        let endpoint = AzureEndpoint {
            cloud,
            connector: Box::new(EnvironmentProxy::from_variables(&|_| None).unwrap()),
            trust: TlsTrust { authorities: Some(server.ca.clone()), ..TlsTrust::default() },
            source: TokenSource::choose(Some(token), &|_| None).unwrap(),
            timeout: Duration::from_secs(60),
            max_bytes,
        };
        let query = AzureQuery {
            vault: vault_address().parse().unwrap(),
            groups: Vec::new(),
            machines: Vec::new(),
            endpoint,
        };
        query.collect(&Arc::default(), |_| {}).answers
    };
    let all = collect(MAX_RUN);
    assert!(all.answers.iter().all(|answer| answer.failure().is_none()), "{MAX_RUN} are enough");
    let before = server.gets().len();
    let some = collect(64 * 1024);
    let failures: Vec<&str> =
        some.answers.iter().filter_map(|answer| Some(answer.failure()?.reason.as_str())).collect();
    assert!(!failures.is_empty() && failures.len() < some.answers.len(), "{}", failures.len());
    let says = "the answers have more than 0 MiB altogether";
    assert!(failures.iter().all(|reason| *reason == says), "{failures:?}");
    assert!(server.gets().len() - before < before / 2, "what is over is not asked any more");
}

#[test]
fn what_vault_wide_lists_refuse_is_asked_in_parts() {
    let lists = [
        "replicationProtectedItems",
        "replicationvCenters",
        "replicationProtectionContainerMappings",
        "replicationRecoveryServicesProviders",
        "replicationVaultHealth",
    ];
    let server = StandIn::with_fault(Estate::classic(3), move |request| {
        let list = lists.iter().find(|list| is_list(request, list))?;
        Some(Reply::forbidden(&format!("Microsoft.RecoveryServices/vaults/{list}/read")))
    });
    let (ran, answers) = collect(&server, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    let items = answer(&answers, "replicationProtectedItems");
    assert_eq!((items.failure(), items.objects().len()), (None, 3));
    assert_eq!(answer(&answers, "replicationvCenters").failure(), None);
    let health = answer(&answers, "replicationVaultHealth").failure().unwrap().clone();
    assert_eq!(
        health.lacking.as_deref(),
        Some("Microsoft.RecoveryServices/vaults/replicationVaultHealth/read")
    );
    assert_eq!(health.status, Some(403));
    let of_items = server.gets().into_iter().filter(|get| get.path.ends_with("/recoverypoints"));
    assert_eq!(of_items.count(), 3, "the items are asked for as ever");
}

#[test]
fn lacking_rights_outside_the_vault_are_named_and_leave_the_vault_known() {
    let server = StandIn::with_fault(Estate::classic(2), |request| {
        (request.path.contains("microsoft.compute") || request.path.contains("microsoft.network"))
            .then(|| Reply::text(403, ""))
    });
    let (ran, answers) = collect(&server, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    assert_eq!(answer(&answers, "replicationProtectedItems").failure(), None);
    let lacking: Vec<&str> =
        answers.answers.iter().filter_map(|answer| answer.failure()?.lacking.as_deref()).collect();
    assert!(lacking.contains(&"Microsoft.Compute/virtualMachines/read"), "{lacking:?}");
}

#[test]
fn without_the_vault_nothing_else_is_asked() {
    for (reply, expected) in [
        (
            Reply::error(401, "InvalidAuthenticationToken", "bad"),
            "the token is not accepted (HTTP 401, InvalidAuthenticationToken): bad",
        ),
        (Reply::text(401, "").header("WWW-Authenticate", "Bearer claims=\"eyJ\""), "log in again"),
        (
            Reply::forbidden("Microsoft.RecoveryServices/vaults/read"),
            "lacks the right Microsoft.RecoveryServices/vaults/read",
        ),
        (
            Reply::error(404, "ResourceGroupNotFound", "no group"),
            "not found (HTTP 404, ResourceGroupNotFound)",
        ),
        (
            Reply::error(409, "MissingSubscriptionRegistration", "x"),
            "HTTP 409, MissingSubscriptionRegistration",
        ),
    ] {
        let server = StandIn::with_fault(Estate::classic(1), move |_| Some(reply.clone()));
        let (ran, answers) = collect(&server, &[]);
        assert_eq!(ran.code, Some(3), "{}", ran.complaint());
        assert!(ran.complaint().contains(expected), "{}", ran.complaint());
        assert_eq!((answers.answers.len(), server.gets().len()), (1, 1));
    }
}

#[test]
fn a_version_that_a_cloud_lacks_is_replaced_by_one_that_it_has() {
    let server = StandIn::with_fault(Estate::classic(1), |request| {
        let version = request.query.get("api-version")?;
        (request.path.contains("/replication") && version != "2022-08-01").then(|| {
            Reply::error(
                400,
                "InvalidApiVersionParameter",
                "The supported versions are '2018-01-10, 2022-08-01, 2014-04-01'.",
            )
        })
    });
    let (ran, answers) = collect(&server, &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.complaint());
    assert!(answers.answers.iter().all(|answer| answer.failure().is_none()), "{answers:#?}");
    let refused = server
        .gets()
        .iter()
        .filter(|get| get.path.contains("/replication") && get.query["api-version"] != "2022-08-01")
        .count();
    assert!(refused <= 4, "{refused} requests with a version that was refused");
}

#[test]
fn an_item_that_goes_between_list_and_get_is_gone_and_the_others_are_not() {
    let server = StandIn::with_fault(Estate::classic(2), |request| {
        request.path.contains("replicationprotecteditems/app-001").then(|| Reply::json(404, &json!({ "error": {
            "code": "NotFound", "message": "gone", "details": [{ "code": "ArmResourceDoesNotExist", "possibleCauses": "It was deleted.",
            "recommendedAction": "Look again." }] } })))
    });
    let (_, answers) = collect(&server, &[]);
    let failed: Vec<&AzureAnswer> =
        answers.answers.iter().filter(|answer| answer.failure().is_some()).collect();
    assert_eq!(failed.len(), 2, "the item and its points");
    let failure = failed[0].failure().unwrap();
    assert_eq!((failure.status, failure.code.as_deref()), (Some(404), Some("NotFound")));
    assert!(failure.reason.ends_with("gone; It was deleted.; Look again."), "{}", failure.reason);
}

#[test]
fn an_interrupted_run_saves_what_it_has() {
    let mut estate = Estate::classic(50);
    estate.latency = Duration::from_millis(100);
    let server = StandIn::start(estate);
    let directory = tempfile::tempdir().unwrap();
    let mut command =
        Azure::new(&server).command(&["collect", "azure", &vault_address(), "-o", "a.json"]);
    command
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while server.gets().len() < 20 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let began = Instant::now();
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(began.elapsed() < Duration::from_secs(10));
    let answers = capture(&std::fs::read_to_string(directory.path().join("a.json")).unwrap());
    assert!(answers.answers.len() >= 15, "{}", answers.answers.len());
    assert!(answers.answers.iter().all(|answer| answer.failure().is_none()));
}
