//! A vSphere server that is reached through a host behind a real SSH server: what is found, what
//! is told when the way is none, and that the host on the way learns nothing.
//!
//! Servers that are reached straight are in `tests/vsphere.rs`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "vsphere/judged.rs"]
mod judged;
mod program;
#[path = "vsphere/simulator.rs"]
mod simulator;
mod sshd;

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use judged::*;
use program::Ran;
use rustix::net::{AddressFamily, SocketType};
use serde_json::{Value, json};
use simulator::{Simulator, scenario};
use sshd::Server;

/// The servers of one test: a host to go through, and what is behind it.
struct Way {
    dir: tempfile::TempDir,
    host: Server,
}

impl Way {
    /// A host of a mode of the lab; none when there are no servers here.
    fn through(mode: &str) -> Option<Self> {
        if !sshd::there_are_servers() {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        // The server gives up root's rights before it looks at its keys.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let host = Server::up(dir.path(), mode, &[]);
        Some(Self { dir, host })
    }

    /// The options that lead through the host.
    fn options(&self) -> Vec<String> {
        let via = ["--via".to_owned(), self.host.target()];
        let rest = ["--ssh-config", "none"].map(str::to_owned);
        [&via[..], &self.host.by_key(), &rest].concat()
    }

    /// Runs a verb on a vSphere server behind the host.
    fn run(&self, who: Who, args: &[&str]) -> Ran {
        let options = self.options();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        preflight(who, self.dir.path(), &[args, &options].concat())
    }

    /// Checks a vCenter server behind the host, whose certificate should have this thumbprint.
    fn check(&self, authority: &str, thumbprint: &str, more: &[&str]) -> (Ran, Value) {
        let target = format!("vsphere://{}@{authority}", ASR.0);
        let args = ["check", "vcenter", &target, "--thumbprint", thumbprint, "--format", "json"];
        let ran = self.run(ASR, &[&args[..], &MACHINES, more].concat());
        let report = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", ran.text()));
        (ran, report)
    }

    fn log(&self) -> String {
        let mut names = fs::read_dir(&self.host.directory).unwrap();
        let log = names.find_map(|entry| {
            let path = entry.unwrap().path();
            path.extension().is_some_and(|extension| extension == "log").then_some(path)
        });
        fs::read_to_string(log.unwrap()).unwrap()
    }

    /// How often somebody logged in to the host.
    fn logins(&self) -> usize {
        self.log().matches("Accepted publickey").count()
    }
}

/// A report without the moment it is of.
fn timeless(mut report: Value) -> Value {
    report["run"] = json!(null);
    report
}

/// Asserts that nothing was decided but what needs no answer, and says what was told.
fn undecided(ran: &Ran, report: &Value) -> String {
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    let passed: Vec<String> =
        outcomes(report).into_iter().filter(|(_, word)| word == "pass").map(|(k, _)| k).collect();
    assert_eq!(passed, [""; 0]);
    ran.complaint()
}

const ANY: &str = "ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB";

#[test]
fn what_is_found_through_a_host_is_what_is_found_straight() {
    let Some(way) = Way::through("modern") else { return };
    for name in ["good", "read-only-account", "paged", "session-expires", "busy-503"] {
        let Some(server) = Simulator::of(name) else { return };
        let before = way.logins();
        let (ran, through) = way.check(&server.authority, &server.sha256, &[]);
        assert_eq!(server.sessions(), 0, "{name}: sessions are left open");
        assert_eq!(way.logins(), before + 1, "{name}: one SSH session: {}", way.log());
        // Another server of the same scenario, for what has expired there has not here.
        let other = Simulator::of(name).unwrap();
        let (straight_ran, straight) = check(&other, "vcenter", ASR, &MACHINES);
        assert_eq!(ran.code, straight_ran.code, "{name}: {}", ran.text());
        assert_eq!(timeless(through), timeless(straight), "{name}");
    }
}

#[test]
fn a_capture_says_through_which_host_it_was_taken_and_gives_the_same_report() {
    let (Some(way), Some(server)) = (Way::through("modern"), Simulator::of("good")) else { return };
    let target = format!("vsphere://{}@{}", ASR.0, server.authority);
    let args = ["collect", "vcenter", &target, "--thumbprint", &server.sha256, "-o", "vc.json"];
    let ran = way.run(ASR, &[&args[..], &MACHINES].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let text = fs::read_to_string(way.dir.path().join("vc.json")).unwrap();
    let capture: Value = serde_json::from_str(&text).unwrap();
    let way_there = capture["answers"]["by_probe"]["way"]["text"].as_str().unwrap();
    let expected = json!({ "through": way.host.target().trim_start_matches("ssh://") });
    assert_eq!(serde_json::from_str::<Value>(way_there).unwrap(), expected);
    let args = ["check", "vcenter", "capture:vc.json", "--format", "json"];
    let ran = preflight(ASR, way.dir.path(), &args);
    let found: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(different(&outcomes(&found), &good()), [""; 0]);
}

#[test]
fn a_host_of_esxi_and_its_certificate_are_reached_the_same_way() {
    let (Some(way), Some(server)) = (Way::through("modern"), Simulator::of("free-esxi")) else {
        return;
    };
    let target = format!("vsphere://{}@{}", ROOT.0, server.authority);
    let kept = way.run(ROOT, &["trust", &target, "--thumbprint", &server.sha256]);
    assert_eq!(kept.code, Some(0), "{}", kept.text());
    let ran = way.run(ROOT, &["check", "esxi", &target, "--format", "json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(outcomes(&report)["127.0.0.1 esxi.not-free"], "fail", "{}", ran.text());
    assert_eq!((ran.code, server.sessions()), (Some(1), 0));
    assert_eq!(way.logins(), 2);
}

#[test]
fn the_shell_of_a_host_is_asked_through_another_that_is_logged_in_to_as_itself() {
    let Some(way) = Way::through("modern") else { return };
    let inner = Server::up(way.dir.path(), "noforward", &[]);
    let known = way.dir.path().join("known");
    let both: String =
        [&way.host, &inner].map(|server| fs::read_to_string(&server.known_hosts).unwrap()).concat();
    fs::write(&known, both).unwrap();
    let args = ["collect", "esxi", &inner.target(), "--via", &way.host.target(), "--identity"];
    let more = ["--identity", &way.host.key, "--known-hosts", known.to_str().unwrap()];
    let rest = ["--ssh-config", "none", "-o", "esx.json"];
    let args = [&args[..], &[&inner.key], &more, &rest].concat();
    let ran = preflight(ROOT, way.dir.path(), &args);
    let text = fs::read_to_string(way.dir.path().join("esx.json")).unwrap();
    let capture: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(capture["connection"]["failure"], Value::Null, "{}", ran.text());
    assert_eq!(capture["answers"]["ended"], true);
    assert_eq!(way.logins(), 1);
}

#[test]
fn a_host_that_forwards_nothing_says_so_and_how_to_let_it() {
    let (Some(way), Some(server)) = (Way::through("noforward"), Simulator::of("good")) else {
        return;
    };
    let (ran, report) = way.check(&server.authority, &server.sha256, &[]);
    let told = undecided(&ran, &report);
    let place = format!("{} forwards nothing to {}", way.host.user, server.authority);
    let host = format!("@{}:{}", way.host.host, way.host.port);
    assert!(told.replace(&host, "").contains(&place), "{told}");
    assert!(told.contains("hint: allow it there"), "{told}");
    assert!(told.contains("AllowTcpForwarding"), "{told}");
    assert_eq!(server.all_calls(), json!({}));
    // A host that forwards to some places only.
    let other = ["--set", "PermitOpen 127.0.0.1:1"];
    let limited = Server::up(way.dir.path(), "modern", &other);
    let way = Way { host: limited, dir: way.dir };
    let (ran, report) = way.check(&server.authority, &server.sha256, &[]);
    assert!(undecided(&ran, &report).contains("PermitOpen"), "{}", ran.complaint());
}

/// A port at which nobody is waited for any more, as behind a firewall that drops packets.
fn filtered() -> (SocketAddr, OwnedFd, Vec<TcpStream>) {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &"127.0.0.1:0".parse::<SocketAddr>().unwrap()).unwrap();
    rustix::net::listen(&socket, 0).unwrap();
    let address = SocketAddr::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let taken: Vec<TcpStream> = std::iter::repeat_with(connect).map_while(|one| one).collect();
    (address, socket, taken)
}

#[test]
fn a_server_that_the_host_does_not_reach_is_told_from_where() {
    let Some(way) = Way::through("modern") else { return };
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (dropped, _socket, taken) = filtered();
    assert!(!taken.is_empty());
    let host = way.host.target().replace("ssh://", "");
    for (authority, told, hint, limit) in [
        (
            closed.to_string(),
            format!("{closed} refuses the connection from {host}"),
            "is the service running?",
            "20",
        ),
        (
            dropped.to_string(),
            format!("{dropped} does not answer {host} within"),
            "which firewall between the two drops it",
            "3",
        ),
        (
            "vc1.invalid".to_owned(),
            format!("{host} knows no address of \"vc1.invalid\""),
            "use its IP address",
            "20",
        ),
    ] {
        let began = Instant::now();
        let (ran, report) = way.check(&authority, ANY, &["--timeout", limit]);
        let said = undecided(&ran, &report);
        assert!(said.contains(&told), "{told}: {said}");
        assert!(said.contains(hint), "{hint}: {said}");
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    }
}

#[test]
fn a_host_on_the_way_that_cannot_be_used_is_told_as_that() {
    let (Some(way), Some(server)) = (Way::through("modern"), Simulator::of("good")) else { return };
    let target = format!("vsphere://{}@{}", ASR.0, server.authority);
    let pinned = ["check", "vcenter", &target, "--thumbprint", &server.sha256];
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("ssh://root@{nobody}");
    let known = ["--known-hosts", way.host.known_hosts.as_str()];
    let there = way.host.target();
    let empty = way.dir.path().join("nothing-known");
    fs::write(&empty, "").unwrap();
    let unknown = ["--known-hosts", empty.to_str().unwrap()];
    let key = ["--identity", way.host.key.as_str()];
    for (args, told) in [
        ([&["--via", &nowhere][..], &known, &key].concat(), "refuses the connection"),
        ([&["--via", &there][..], &unknown, &key].concat(), "--accept-new"),
        ([&["--via", &there][..], &known].concat(), "may not log in"),
    ] {
        let args = [&pinned[..], &args, &["--ssh-config", "none"]].concat();
        let ran = preflight(ASR, way.dir.path(), &args);
        let said = ran.complaint();
        assert_eq!(ran.code, Some(3), "{}", ran.text());
        assert!(said.contains("the way through "), "{said}");
        assert!(said.contains(told), "{told}: {said}");
    }
    assert_eq!(server.all_calls(), json!({}));
    // What says how to log in to a host says nothing without one.
    let args = [&pinned[..], &key].concat();
    let output = Command::new(program::binary()).args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--via"));
}

#[test]
fn the_password_of_the_server_is_not_tried_on_the_host_that_leads_to_it() {
    if !sshd::is_root() {
        return;
    }
    let (Some(way), Some(server)) = (Way::through("password"), Simulator::of("good")) else {
        return;
    };
    let target = format!("vsphere://{}@{}", ASR.0, server.authority);
    let via = way.host.target();
    let args = ["check", "vcenter", &target, "--thumbprint", &server.sha256, "--via", &via];
    let more = ["--known-hosts", &way.host.known_hosts, "--ssh-config", "none"];
    let args = [&args[..], &more, &MACHINES].concat();
    let ran = preflight(ASR, way.dir.path(), &args);
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert!(ran.complaint().contains("may not log in"), "{}", ran.complaint());
    assert!(!way.log().contains("Failed password"), "{}", way.log());
    let file = way.dir.path().join("password");
    fs::write(&file, &way.host.password).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let args = [&args[..], &["--via-password-file", file.to_str().unwrap()]].concat();
    let ran = preflight(ASR, way.dir.path(), &args);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    assert_eq!(server.sessions(), 0);
}

#[test]
fn the_certificate_is_checked_from_here_and_the_host_on_the_way_hears_no_password() {
    let (Some(way), Some(server)) = (Way::through("modern"), Simulator::of("good")) else { return };
    let (ran, report) = way.check(&server.authority, ANY, &[]);
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert!(ran.complaint().contains("its thumbprint should be AB:AB"), "{}", ran.complaint());
    assert!(ran.complaint().contains(&server.sha256), "{}", ran.complaint());
    assert_eq!(outcomes(&report)["asr-mt-01 mt.disk-enable-uuid"], "unknown");
    assert_eq!(server.all_calls(), json!({}), "the server heard nothing");
}

#[test]
fn a_server_that_hangs_is_cut_at_the_limit_and_logged_out_of_through_the_host() {
    let Some(way) = Way::through("modern") else { return };
    for (fault, logins) in [
        ("RetrievePropertiesEx:hang", 2),
        ("RetrieveServiceContent:hang", 1),
        // What was closed is asked once more, and the session ended on a connection of its own.
        ("RetrievePropertiesEx:reset", 3),
    ] {
        let Some(server) = Simulator::start(&scenario("good"), &["-fault", fault]) else { return };
        let before = way.logins();
        let began = Instant::now();
        let (ran, report) = way.check(&server.authority, &server.sha256, &["--timeout", "3"]);
        assert!(began.elapsed() < Duration::from_secs(9), "{fault}: {:?}", began.elapsed());
        assert_eq!(ran.code, Some(3), "{fault}: {}", ran.text());
        assert_eq!(outcomes(&report)["asr-mt-01 mt.disk-enable-uuid"], "unknown", "{fault}");
        assert_eq!(server.sessions(), 0, "{fault}: sessions are left open");
        assert_eq!(way.logins() - before, logins, "{fault}");
    }
}

#[test]
fn a_host_that_goes_silent_on_the_way_is_cut_at_the_limit() {
    if !sshd::there_are_servers() || simulator::built().is_none() {
        return;
    }
    // It takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let via = format!("ssh://root@{}", silent.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in silent.incoming() {
            stream.unwrap().read_to_end(&mut Vec::new()).ok();
        }
    });
    let home = tempfile::tempdir().unwrap();
    let args = ["check", "vcenter", "vsphere://asr@127.0.0.1:1", "--via", &via];
    let began = Instant::now();
    let more = ["--timeout", "2", "--ssh-config", "none", "--thumbprint", ANY];
    let ran = preflight(ASR, home.path(), &[&args[..], &more].concat());
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert_eq!(ran.code, Some(3), "{}", ran.text());
    assert!(ran.complaint().contains("the way through"), "{}", ran.complaint());
    assert!(ran.complaint().contains("not done after 2 s"), "{}", ran.complaint());
}
