//! Real SSH servers for tests: those of `tests/lab/sshd`, started on loopback and ended with the
//! test; and the program asking them.
//!
//! Not for what it should find out: each test judges that.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{binary, skipped};

/// The lab's directory.
pub fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/sshd")
}

/// Whether servers can be started here; says so when not.
pub fn there_are_servers() -> bool {
    let sbin = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
    sbin.iter().any(|path| Path::new(path).is_file()) || skipped("no sshd (openssh-server)")
}

/// Whether this is root, who alone may give a server accounts of its own.
pub fn is_root() -> bool {
    runs_as_root() || skipped("accounts of its own for a server need root")
}

fn runs_as_root() -> bool {
    Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n"
}

/// Whether a program is there.
pub fn there_is(path: &str) -> bool {
    Path::new(path).is_file() || skipped(&format!("no {path}"))
}

/// A server, which ends with this.
pub struct Server {
    pub directory: PathBuf,
    pub host: String,
    pub port: u64,
    pub user: String,
    pub key: String,
    pub rsa_key: String,
    pub known_hosts: String,
    pub password: String,
}

impl Server {
    /// Starts a server of a mode of sshlab.sh.
    pub fn up(below: &Path, mode: &str, options: &[&str]) -> Self {
        let mut number = 0;
        let directory = loop {
            let directory = below.join(format!("{mode}-{number}"));
            if !directory.exists() {
                break directory;
            }
            number += 1;
        };
        let mut command = Command::new(lab().join("sshlab.sh"));
        command.args(["up", mode]).arg(&directory).args(["--life", "300"]).args(options);
        // The start files of this machine's root are not what is tested, and may take a second.
        if runs_as_root() && !options.contains(&"--home") {
            let home = below.join("empty-home");
            std::fs::create_dir_all(&home).expect("a directory");
            command.arg("--home").arg(home);
        }
        let output = command.output().expect("the lab runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{mode} {options:?}: {complaint}");
        let told: Value = serde_json::from_str(said.trim()).expect("one JSON line");
        let text = |key: &str| told[key].as_str().expect("a text").to_owned();
        Self {
            host: text("host"),
            port: told["port"].as_u64().expect("a port"),
            user: text("user"),
            key: text("key"),
            rsa_key: text("rsa_key"),
            known_hosts: text("known_hosts"),
            password: text("password"),
            directory,
        }
    }

    /// How the command line names it.
    pub fn target(&self) -> String {
        format!("ssh://{}@{}:{}", self.user, self.host, self.port)
    }

    /// The options that log in to it by key.
    pub fn by_key(&self) -> Vec<String> {
        ["--known-hosts", &self.known_hosts, "--identity", &self.key].map(str::to_owned).to_vec()
    }

    /// The fingerprint of its host key of a type, as ssh-keygen prints it.
    pub fn fingerprint(&self, kind: &str) -> String {
        let path = self.directory.join(format!("hk_{kind}.pub"));
        let output = Command::new("ssh-keygen").arg("-lf").arg(path).output().expect("it runs");
        let line = String::from_utf8(output.stdout).expect("text");
        line.split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        Command::new(lab().join("sshlab.sh")).arg("down").arg(&self.directory).status().ok();
    }
}

/// A server that is no proper SSH server, of a kind of badserver.py.
pub struct BadServer {
    child: Child,
    pub port: u64,
}

impl BadServer {
    pub fn up(kind: &str) -> Self {
        let mut child = Command::new("python3")
            .arg(lab().join("badserver.py"))
            .arg(kind)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("it says where it listens");
        let told: Value = serde_json::from_str(&line).expect("one JSON line");
        Self { child, port: told["port"].as_u64().expect("a port") }
    }
}

impl Drop for BadServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What one host answered, as the program saved it.
#[derive(Debug)]
pub struct Asked {
    pub code: Option<i32>,
    pub capture: Value,
    pub said: String,
    pub took: Duration,
}

impl Asked {
    /// The kind of failure; empty when there was none.
    pub fn kind(&self) -> &str {
        self.capture["connection"]["failure"]["kind"].as_str().unwrap_or("")
    }

    pub fn reason(&self) -> &str {
        self.capture["connection"]["failure"]["reason"].as_str().unwrap_or("")
    }

    pub fn hint(&self) -> &str {
        self.capture["connection"]["failure"]["hint"].as_str().unwrap_or("")
    }

    pub fn ssh(&self, part: &str) -> &Value {
        &self.capture["connection"]["ssh"][part]
    }

    /// The host was asked and answered to the end.
    pub fn answered(&self) -> &Self {
        assert_eq!(self.kind(), "", "{self:?}");
        assert_eq!(self.capture["answers"]["ended"], true, "{self:?}");
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The user id the script ran with.
    pub fn user_id(&self) -> &str {
        self.capture["answers"]["by_probe"]["user"]["text"].as_str().unwrap_or("").trim()
    }
}

/// Runs the program with nobody at the terminal, a home of its own and no agent.
pub fn program(home: &Path, variables: &[(&str, &str)], args: &[OsString]) -> Output {
    Command::new(binary())
        .args(args)
        .env("HOME", home)
        .env("RUST_LOG", "trace")
        .env_remove("SSH_AUTH_SOCK")
        .env_remove("PREFLIGHT_PASSWORD")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program runs")
}

/// Asks a target, with a home in which nothing is known.
pub fn ask(home: &Path, target: &str, options: &[String]) -> Asked {
    ask_with(home, &[], target, options)
}

/// Asks a target with variables in the environment.
pub fn ask_with(
    home: &Path,
    variables: &[(&str, &str)],
    target: &str,
    options: &[String],
) -> Asked {
    let mut args: Vec<OsString> =
        ["-vv", "collect", "host", target].into_iter().map(OsString::from).collect();
    args.extend(options.iter().map(OsString::from));
    let began = Instant::now();
    let output = program(home, variables, &args);
    let took = began.elapsed();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = format!("{stdout}{}", String::from_utf8_lossy(&output.stderr));
    let capture = serde_json::from_str(&stdout).unwrap_or(Value::Null);
    Asked { code: output.status.code(), capture, said, took }
}

/// Judges a capture, and asserts that a host that did not answer passes nothing but what its
/// connection alone tells; gives the report.
pub fn judged(home: &Path, asked: &Asked) -> Value {
    let file = tempfile::NamedTempFile::new_in(home).expect("a temporary file");
    std::fs::write(file.path(), asked.capture.to_string()).expect("a file can be written");
    let capture = format!("capture:{}", file.path().display());
    let args = ["check", "host", &capture, "--format", "json"].map(OsString::from);
    let output = program(home, &[], &args);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    if asked.kind() != "" {
        let results = report["results"].as_array().expect("results");
        let passed = results.iter().filter(|result| result["outcome"] == "pass");
        let checks: Vec<&str> = passed.filter_map(|result| result["check"].as_str()).collect();
        let of_connection = |check: &&str| check.starts_with("ssh.");
        assert!(checks.iter().all(of_connection), "{} passes {checks:?}", asked.reason());
        assert!(matches!(output.status.code(), Some(1 | 3)), "{:?}", output.status);
    }
    report
}

/// Asserts that a host could not be asked, for a kind of reason, within a time; and that nothing
/// passes for it.
pub fn failed_as(home: &Path, asked: &Asked, kind: &str, within: Duration) {
    assert_eq!(asked.kind(), kind, "{asked:?}");
    assert!(!asked.reason().is_empty());
    // The limit is the program's; starting it, unoptimised and beside other tests, takes its time.
    let within = within + Duration::from_secs(4);
    assert!(asked.took <= within, "{:?} is more than {within:?}: {asked:?}", asked.took);
    assert_eq!(asked.code, Some(3), "{asked:?}");
    judged(home, asked);
}

/// What a program did on a terminal of its own.
#[derive(Debug, serde::Deserialize)]
pub struct Screen {
    pub said: String,
    pub code: Option<i32>,
    /// Whether the terminal shows at the end what is typed.
    pub echo: bool,
    pub took: f64,
    /// The step that was not done in time.
    pub step: Option<String>,
    /// What was typed and read by nobody, which the next program would read.
    pub left: String,
}

impl Screen {
    /// Every step was done, and the terminal is as it was.
    pub fn done(&self) -> &Self {
        assert_eq!(self.step, None, "{self:?}");
        assert!(self.echo, "the terminal shows nothing any more: {self:?}");
        self
    }

    /// What was shown, in one line of words: the program breaks lines where they end.
    pub fn words(&self) -> String {
        self.said.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Runs the program on a terminal, with the steps of terminal.py.
pub fn at_terminal(home: &Path, steps: &[&str], args: &[&str]) -> Screen {
    let output = Command::new("python3")
        .arg(lab().join("terminal.py"))
        .arg("25")
        .args(steps)
        .arg("--")
        .arg(binary())
        .args(args)
        .env("HOME", home)
        .env_remove("SSH_AUTH_SOCK")
        .env_remove("PREFLIGHT_PASSWORD")
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .expect("python3 runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{complaint}"))
}
