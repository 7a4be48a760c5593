//! The vCenter simulator of `tests/lab/vsim`: built once, started on a scenario, ended with its
//! handle.
//!
//! Not for what any scenario promises: the tests say that.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use super::program::skipped;

/// Debian's libraries of govmomi.
const LIBRARIES: &str = "/usr/share/gocode/src/github.com/vmware/govmomi/simulator";

/// The simulator's program; none, with a word about it, when it cannot be built here.
pub fn built() -> Option<&'static Path> {
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    BUILT.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let go = Command::new("go").arg("version").output();
    if !go.is_ok_and(|output| output.status.success()) || !Path::new(LIBRARIES).is_dir() {
        skipped("no golang-go and golang-github-vmware-govmomi-dev to build the simulator with");
        return None;
    }
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vsim");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/vsim");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&out).arg(".").current_dir(source);
    build.env("GO111MODULE", "off").env("GOPATH", "/usr/share/gocode");
    if std::env::var_os("HOME").is_none() {
        build.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
    }
    let output = build.output().expect("go runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(out)
}

/// A scenario by its name.
pub fn scenario(name: &str) -> PathBuf {
    let lab = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/vsim/scenarios");
    Path::new(lab).join(format!("{name}.json"))
}

/// A scenario as JSON, to be changed.
pub fn scenario_json(name: &str) -> Value {
    let text = std::fs::read_to_string(scenario(name)).expect("a scenario");
    serde_json::from_str(&text).expect("a scenario is JSON")
}

/// A simulator that runs.
pub struct Simulator {
    child: Child,
    /// Host and port.
    pub authority: String,
    /// The SHA-256 thumbprint of its certificate.
    pub sha256: String,
    /// The SHA-1 thumbprint of its certificate.
    pub sha1: String,
}

impl Simulator {
    /// Starts one on a scenario; none when there is no simulator.
    pub fn start(scenario: &Path, args: &[&str]) -> Option<Self> {
        let mut child = Command::new(built()?)
            .arg("-scenario")
            .arg(scenario)
            .args(["-life", "3m"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the simulator starts");
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let said: Value = serde_json::from_str(&line).expect("the simulator says where it is");
        let text = |key: &str| said[key].as_str().expect("a text").to_owned();
        let url = text("url");
        let authority = url.trim_start_matches("https://").split('/').next().expect("a host");
        Some(Self {
            child,
            authority: authority.to_owned(),
            sha256: text("sha256"),
            sha1: text("sha1"),
        })
    }

    /// Starts one on a scenario of the lab.
    pub fn of(name: &str) -> Option<Self> {
        Self::start(&scenario(name), &[])
    }

    /// How often a method was called.
    pub fn calls(&self, method: &str) -> u64 {
        self.get("/_vsim/calls")[method].as_u64().unwrap_or(0)
    }

    /// All methods that were called.
    pub fn all_calls(&self) -> Value {
        self.get("/_vsim/calls")
    }

    /// How many sessions nobody has ended.
    pub fn sessions(&self) -> u64 {
        self.get("/_vsim/sessions").as_u64().expect("a number")
    }

    /// Changes a machine while the server runs, as `tests/lab/vsim/change.go` reads it.
    pub fn change(&self, change: &Value) {
        let body = change.to_string();
        let length = body.len();
        self.ask(&format!(
            "POST /_vsim/machine HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
    }

    fn get(&self, path: &str) -> Value {
        self.ask(&format!("GET {path} HTTP/1.0\r\n\r\n"))
    }

    fn ask(&self, request: &str) -> Value {
        let mut connector =
            openssl::ssl::SslConnector::builder(openssl::ssl::SslMethod::tls()).expect("TLS works");
        connector.set_verify(openssl::ssl::SslVerifyMode::NONE);
        connector.set_min_proto_version(None).expect("old versions are allowed");
        connector.set_security_level(0);
        connector.set_cipher_list("DEFAULT:@SECLEVEL=0").expect("a list of ciphers");
        let tcp = TcpStream::connect(&self.authority).expect("the simulator listens");
        let mut stream = connector.build().connect("localhost", tcp).expect("a handshake");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = String::new();
        // What closes without a word has still said what it had to.
        stream.read_to_string(&mut answer).ok();
        let body = answer.split_once("\r\n\r\n").expect("a body").1;
        serde_json::from_str(body).unwrap_or_else(|_| panic!("{request:?} is answered {body:?}"))
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.child);
        // It removes its own files when it is asked to end.
        rustix::process::kill_process(process, rustix::process::Signal::TERM).ok();
        self.child.wait().ok();
    }
}
