//! Carrying one script to hosts over SSH, for the benchmark: connection, host key, login, script
//! and answer, without probes, facts or judging.
//!
//! Usage: `ask_alone --key FILE --known-hosts FILE [--login-only] [--jobs N] SCRIPT TARGET...`
//!
//! With `--login-only` it stops once it is logged in: what no program can do without.

use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Mutex;

use preflight::facts::script::Nonce;
use preflight::transport::Transport;
use preflight::transport::ssh::{SshConfig, SshHost};
use preflight::uri::target::SshTarget;

struct Job {
    key: PathBuf,
    known_hosts: PathBuf,
    login_only: bool,
    script: String,
}

fn main() {
    let mut job = Job {
        key: PathBuf::new(),
        known_hosts: PathBuf::new(),
        login_only: false,
        script: String::new(),
    };
    let mut jobs = 0;
    let mut words = Vec::new();
    let mut arguments = std::env::args().skip(1);
    let value = |name: &str, from: &mut dyn Iterator<Item = String>| {
        from.next().unwrap_or_else(|| panic!("{name} needs a value"))
    };
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--key" => job.key = value("--key", &mut arguments).into(),
            "--known-hosts" => job.known_hosts = value("--known-hosts", &mut arguments).into(),
            "--jobs" => jobs = value("--jobs", &mut arguments).parse().expect("a number of jobs"),
            "--login-only" => job.login_only = true,
            _ => words.push(word),
        }
    }
    let (script, targets) = words.split_first().expect("a script, and targets");
    let nonce = Nonce::from_bytes([7; 16]);
    let text = std::fs::read_to_string(script).expect("a script");
    // The first and the last line of preflight's own scripts, by which it knows that all was said.
    let (begin, end) = (nonce.begin(), nonce.end());
    job.script = format!("{{\necho '{begin}'\n{text}\necho '{}'\n}} 2>/dev/null\n", end.trim_end());
    let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
    let jobs = if jobs == 0 { targets.len().min(4 * cores).min(32) } else { jobs };
    let queue = Mutex::new(targets.iter());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no worker panics with the queue").next();
                    let Some(target) = next else { return };
                    let target: SshTarget = target.parse().expect("a target");
                    if job.login_only { log_in(&job, &target) } else { ask(&job, target, &nonce) }
                }
            });
        }
    });
}

fn ask(job: &Job, target: SshTarget, nonce: &Nonce) {
    let ssh = SshHost {
        identities: vec![job.key.clone()],
        known_hosts: Some(job.known_hosts.clone()),
        config: SshConfig::None,
        ..SshHost::new(target)
    };
    let output = ssh.run(&job.script, nonce).expect("the host answers");
    assert!(output.failure.is_none() && !output.stdout.is_empty(), "{output:?}");
}

/// Handshake, host key and authentication by libssh2 alone.
fn log_in(job: &Job, target: &SshTarget) {
    let stream =
        TcpStream::connect((target.host.as_str(), target.port.unwrap_or(22))).expect("a server");
    stream.set_nodelay(true).expect("a socket");
    let mut session = ssh2::Session::new().expect("libssh2");
    session.set_tcp_stream(stream);
    session.handshake().expect("a handshake");
    let user = target.user.as_deref().unwrap_or("root");
    session.userauth_pubkey_file(user, None, &job.key, None).expect("a login");
}
