//! One host among fifty that means harm: whatever it answers, the others keep their findings, and
//! it costs no more than its own time and some memory.
//!
//! Not for what a hostile answer makes of its own host's findings: nothing that was cut is known,
//! as the tests of `facts` say.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

mod assurance;
mod program;
mod sshd;
#[path = "site/tls_server.rs"]
#[allow(dead_code, reason = "the answers here are this file's own")]
mod tls_server;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use sshd::Server;

/// The kinds of `tests/lab/sshd/hostile.py`, and what each answers.
const KINDS: [(&str, &str); 11] = [
    ("words", "every answer a line of very many words"),
    ("path", "every answer a path of very many parts"),
    ("lines", "every answer very many lines"),
    ("brackets", "every answer brackets and quotes inside each other"),
    ("repeated", "every true answer over and over"),
    ("chains", "mounts and devices that stand on each other"),
    ("long", "three answers of more than a MiB"),
    ("frames", "frames inside frames, probes that nobody asked"),
    ("endless", "an answer without end"),
    ("complaint", "standard error without end"),
    ("slow", "a byte now and then, without end"),
];

/// The kinds whose report is also written for people: the texts of others go into those.
const READ_BY_PEOPLE: [&str; 3] = ["words", "path", "long"];

/// What a host may take in this test.
const TIMEOUT: Duration = Duration::from_secs(3);

/// What a whole run may take beside the time of the hostile host and that of the others: reading
/// and judging what the one said, on a machine that does other things as well.
const BESIDE: Duration = Duration::from_secs(6);

/// What a run may have in memory, in KiB.
const MEMORY: u64 = 192 * 1024;

/// Saves what this machine answers as that of 49 hosts.
fn write_captures(home: &Path, directory: &Path) {
    let server = Server::up(home, "modern", &[]);
    let asked = sshd::ask(home, &server.target(), &server.by_key());
    asked.answered();
    fs::create_dir(directory).unwrap();
    for number in 1..50 {
        let mut capture = asked.capture.clone();
        capture["target"] = json!(format!("mt{number:02}"));
        fs::write(directory.join(format!("mt{number:02}.json")), capture.to_string()).unwrap();
    }
}

fn check(home: &Path, targets: &[&str], options: &[String], format: &str) -> program::Ran {
    let mut command = Command::new(program::binary());
    command
        .args(["check", "host"])
        .args(targets)
        .args(["--format", format, "--timeout", &TIMEOUT.as_secs().to_string()])
        .args(options)
        .env("HOME", home)
        .env_remove("SSH_AUTH_SOCK");
    let ran = program::finish(&mut command, home, Duration::from_secs(60));
    assert_eq!(ran.misdeeds().into_iter().find(|it| !it.contains("resident")), None);
    ran
}

/// The results of the hosts that mean well, as the report has them but for its numbers: some are of
/// the moment.
fn of_the_others(ran: &program::Ran) -> Vec<String> {
    let report: Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.complaint()));
    let results = report["results"].as_array().unwrap().iter();
    let of_others = |result: &&Value| result["target"].as_str().unwrap().starts_with("mt");
    results
        .filter(of_others)
        .map(|result| result.to_string().replace(|c: char| c.is_ascii_digit(), ""))
        .collect()
}

#[test]
fn a_hostile_host_costs_its_own_findings_and_at_most_its_time() {
    if !sshd::there_are_servers() || !program::installed(&["python3"]) {
        return;
    }
    let home = tempfile::Builder::new().prefix("preflight-hostile").tempdir().unwrap();
    let captures = home.path().join("captures");
    write_captures(home.path(), &captures);
    let others = format!("capture:{}", captures.display());
    let alone = check(home.path(), &[&others], &[], "json");
    let expected = of_the_others(&alone);
    assert!(expected.len() > 49 * 30, "{}", expected.len());
    println!("alone: {:?}, {} KiB", alone.took, alone.peak_kib);

    let kind_of_answers = home.path().join("kind");
    let hostile = sshd::lab().join("hostile.py");
    let (hostile, kind_file) = (hostile.display(), kind_of_answers.display());
    let command = format!("ForceCommand {hostile} {kind_file} {}/mt01.json", captures.display());
    let server = Server::up(home.path(), "modern", &["--set", &command]);
    let mut rows = String::new();
    let (mut slowest, mut largest) = (Duration::ZERO, 0);
    for (kind, answers) in KINDS {
        fs::write(&kind_of_answers, kind).unwrap();
        let formats =
            if READ_BY_PEOPLE.contains(&kind) { &["json", "text"][..] } else { &["json"] };
        for format in formats {
            let target = server.target();
            let ran = check(home.path(), &[&others, &target], &server.by_key(), format);
            println!("{kind} {format}: {:?}, {} KiB", ran.took, ran.peak_kib);
            if *format == "json" {
                let found = of_the_others(&ran);
                let changed = expected.iter().zip(&found).find(|(before, now)| before != now);
                assert_eq!(changed, None, "{kind}");
                assert_eq!(found.len(), expected.len(), "{kind}");
                let seconds = ran.took.as_secs_f32();
                rows.push_str(&format!("| {answers} | {seconds:.1} | {} |\n", ran.peak_kib >> 10));
            }
            assert!(ran.took < alone.took + TIMEOUT + BESIDE, "{kind} {format}: {:?}", ran.took);
            assert!(ran.peak_kib <= MEMORY, "{kind} {format}: {} KiB", ran.peak_kib);
            slowest = slowest.max(ran.took.saturating_sub(alone.took));
            largest = largest.max(ran.peak_kib);
        }
    }
    let text = format!(
        "`cargo test --test hostile_host`: 49 captures of a good host, and one host over SSH that \
         answers in the script's own frames with what is\nmeant to take time and memory \
         (`tests/lab/sshd/hostile.py`), with `--timeout {limit}`. The results of the 49 are the \
         same as without it. A run\nwithout it takes {alone:.1} s and {mib} MiB; with it, at most \
         {slowest:.1} s more and {largest} MiB (unoptimised program).\n\n| it answers | seconds | \
         MiB |\n|---|---|---|\n{rows}",
        limit = TIMEOUT.as_secs(),
        alone = alone.took.as_secs_f32(),
        mib = alone.peak_kib >> 10,
        slowest = slowest.as_secs_f32(),
        largest = largest >> 10,
    );
    assurance::measures("hostile-host", &text);
}

/// A server whose pages of objects never end, each as large as a page may be.
fn endless_server() -> u16 {
    let (acceptor, listener) = (tls_server::acceptor(), TcpListener::bind("127.0.0.1:0").unwrap());
    let port = listener.local_addr().unwrap().port();
    let object = "<objects><obj type=\"VirtualMachine\">vm-1</obj><propSet><name>n</name><val>\
                  <p><q>x</q></p><p><q>x</q></p><p><q>x</q></p><p><q>x</q></p></val></propSet></objects>";
    let objects = object.repeat(20_000);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(mut stream) = acceptor.accept(stream) else { continue };
            while let Some(asked) = request(&mut stream) {
                let body = answer(&asked, &objects);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).is_err() {
                    break;
                }
            }
        }
    });
    port
}

/// The name of the method that the next request calls; none when there is no next one.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((_, rest)) = text.split_once(":Body><")
            && text.trim_end().ends_with(":Envelope>")
        {
            return Some(rest.split([' ', '>']).next().unwrap().to_owned());
        }
        let count = stream.read(&mut part).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&part[..count]);
    }
}

fn answer(method: &str, objects: &str) -> String {
    let object = |name: &str, kind: &str| format!("<{name} type=\"{kind}\">{kind}</{name}>");
    let returned = match method {
        "RetrieveServiceContent" => [
            object("rootFolder", "Folder"),
            object("propertyCollector", "PropertyCollector"),
            object("viewManager", "ViewManager"),
            object("sessionManager", "SessionManager"),
            "<about><apiType>VirtualCenter</apiType><apiVersion>6.5</apiVersion>\
             <version>6.5.0</version></about>"
                .to_owned(),
        ]
        .concat(),
        "Login" => "<key>k</key><userName>u</userName>".to_owned(),
        "RetrievePropertiesEx" | "ContinueRetrievePropertiesEx" => {
            format!("<token>more</token>{objects}")
        }
        _ => String::new(),
    };
    let kind = if method == "CreateContainerView" { " type=\"ContainerView\"" } else { "" };
    let returned = if kind.is_empty() { returned } else { "view-1".to_owned() };
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
         <{method}Response xmlns=\"urn:vim25\"><returnval{kind}>{returned}</returnval>\
         </{method}Response></s:Body></s:Envelope>"
    )
}

#[test]
fn a_vsphere_server_without_an_end_is_left_with_what_there_is_memory_for() {
    let home = tempfile::tempdir().unwrap();
    let at = format!("vsphere://u@127.0.0.1:{}", endless_server());
    let told = program::finish(
        Command::new(program::binary())
            .args(["check", "vcenter", &at, "--format", "json"])
            .env("PREFLIGHT_PASSWORD", "p"),
        home.path(),
        Duration::from_secs(60),
    );
    let complaint = format!("{}{}", String::from_utf8_lossy(&told.stdout), told.complaint());
    let thumbprint = complaint.split("SHA-256 thumbprint is ").nth(1);
    let thumbprint = thumbprint.and_then(|rest| rest.split_whitespace().next()).expect(&complaint);
    let thumbprint = thumbprint.trim_matches(|c: char| !c.is_ascii_hexdigit());
    let mut command = Command::new(program::binary());
    command
        .args(["check", "vcenter", &at, "--format", "json", "--timeout", "30"])
        .args(["--thumbprint", thumbprint])
        .env("HOME", home.path())
        .env("PREFLIGHT_PASSWORD", "p");
    let ran = program::finish(&mut command, home.path(), Duration::from_secs(60));
    println!("{:?}, {} KiB", ran.took, ran.peak_kib);
    assert!(!ran.hung && ran.code == Some(3), "{:?} {}", ran.code, ran.complaint());
    assert!(ran.peak_kib <= 512 * 1024, "{} KiB", ran.peak_kib);
}
