//! Hosts asked over SSH: real OpenSSH servers of many kinds, and servers that are none. Each gives
//! the right outcome within its limit, and none that did not answer passes anything.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "all of this file is a test")]

#[path = "ssh/addresses.rs"]
mod addresses;
#[path = "ssh/hops.rs"]
mod hops;
#[path = "ssh/printed.rs"]
mod printed;
mod program;
mod sshd;
#[path = "ssh/sudo.rs"]
mod sudo;
#[path = "ssh/terminal.rs"]
mod terminal;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use sshd::{BadServer, Server, ask, ask_with, failed_as, judged};

/// What a host may take in these tests, and a second for the machine.
const LIMIT: Duration = Duration::from_secs(31);

fn here() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("preflight-ssh").tempdir().unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn outcome<'r>(report: &'r serde_json::Value, check: &str) -> &'r str {
    let results = report["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["check"] == check);
    result.map_or("not planned", |result| result["outcome"].as_str().unwrap())
}

#[test]
fn a_modern_server_is_asked_with_either_key() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    for key in [&server.key, &server.rsa_key] {
        let options = words(&["--known-hosts", &server.known_hosts, "--identity", key]);
        let asked = ask(dir.path(), &server.target(), &options);
        asked.answered();
        assert_eq!(asked.ssh("login"), "key");
        assert_eq!(asked.ssh("legacy"), false);
        assert!(asked.ssh("banner").as_str().unwrap().starts_with("SSH-2.0-OpenSSH_"));
        for part in ["key_exchange", "host_key", "cipher", "mac"] {
            assert_ne!(asked.ssh(part), "", "{part}");
        }
        let report = judged(dir.path(), &asked);
        assert_eq!(outcome(&report, "ssh.legacy-algorithms"), "pass");
    }
}

#[test]
fn old_algorithms_are_used_only_when_they_are_allowed() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "centos6", &[]);
    let mut options = words(&["--known-hosts", &server.known_hosts, "--identity", &server.rsa_key]);
    let asked = ask(dir.path(), &server.target(), &options);
    failed_as(dir.path(), &asked, "legacy-algorithms", LIMIT);
    assert!(asked.reason().contains("offers only host key ssh-rsa"), "{}", asked.reason());
    assert!(asked.hint().contains("--legacy-ssh") && asked.hint().contains("legacy_ssh: true"));
    assert_eq!(outcome(&judged(dir.path(), &asked), "ssh.legacy-algorithms"), "fail");
    options.push("--legacy-ssh".to_owned());
    let asked = ask(dir.path(), &server.target(), &options);
    asked.answered();
    assert_eq!(asked.ssh("host_key"), "ssh-rsa");
    assert_eq!(asked.ssh("mac"), "hmac-sha1");
    assert_eq!(outcome(&judged(dir.path(), &asked), "ssh.legacy-algorithms"), "fail");
    // Where a server has better ones, allowing the old ones does not lead to them.
    let modern = Server::up(dir.path(), "modern", &[]);
    let options = [modern.by_key(), words(&["--legacy-ssh"])].concat();
    let asked = ask(dir.path(), &modern.target(), &options);
    asked.answered();
    assert_eq!(outcome(&judged(dir.path(), &asked), "ssh.legacy-algorithms"), "pass");
}

#[test]
fn a_password_is_given_by_the_method_the_server_takes_and_shown_nowhere() {
    if !sshd::there_are_servers() || !sshd::is_root() {
        return;
    }
    let dir = here();
    let file = dir.path().join("password");
    for (mode, method) in [("password", "password"), ("kbdint", "keyboard-interactive")] {
        let server = Server::up(dir.path(), mode, &[]);
        let known = words(&["--known-hosts", &server.known_hosts]);
        fs::write(&file, format!("{}\n", server.password)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let by_file = [known.clone(), words(&["--password-file", file.to_str().unwrap()])].concat();
        let variable = [("PREFLIGHT_PASSWORD", server.password.as_str())];
        for asked in [
            ask(dir.path(), &server.target(), &by_file),
            ask_with(dir.path(), &variable, &server.target(), &known),
        ] {
            asked.answered();
            assert_eq!(asked.ssh("login"), method);
            assert!(!asked.said.contains(&server.password), "{mode}: {}", asked.said);
        }
        let canary = [("PREFLIGHT_PASSWORD", "Canary-7f3a-tr0ub4dor")];
        let asked = ask_with(dir.path(), &canary, &server.target(), &known);
        failed_as(dir.path(), &asked, "authentication", LIMIT);
        assert!(asked.reason().ends_with("the password was refused"), "{}", asked.reason());
        assert!(!asked.said.contains(canary[0].1), "{mode}: {}", asked.said);
        assert_eq!(outcome(&judged(dir.path(), &asked), "ssh.keyboard-interactive"), "fail");
        let log = fs::read_to_string(server.directory.join(format!("sshd_{mode}.conf.log")));
        let tries = log.unwrap().matches("Failed ").count();
        assert_eq!(tries, 1, "{mode}: a wrong password costs one try");
        let asked = ask(dir.path(), &server.target(), &known);
        failed_as(dir.path(), &asked, "authentication", LIMIT);
        assert!(asked.hint().contains("--password-file"), "{}", asked.hint());
    }
}

#[test]
fn a_password_comes_from_a_descriptor_and_not_from_a_file_others_can_read() {
    if !sshd::there_are_servers() || !sshd::is_root() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "password", &[]);
    let output = Command::new("sh")
        .args(["-c", "exec \"$0\" \"$@\" 7<<EOF\nlab-Pass1\nEOF"])
        .arg(program::binary())
        .args(["collect", "host", &server.target(), "--known-hosts", &server.known_hosts])
        .args(["--password-fd", "7"])
        .env("HOME", dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("\"login\":\"password\"") || said.contains("\"login\": \"password\""),
        "{said}"
    );
    let file = dir.path().join("open");
    fs::write(&file, "lab-Pass1\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let options = words(&["--known-hosts", &server.known_hosts, "--password-file"]);
    let options = [options, vec![file.display().to_string()]].concat();
    let asked = ask(dir.path(), &server.target(), &options);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(asked.said.contains("chmod it to 0600"), "{}", asked.said);
}

#[test]
fn jump_hosts_are_gone_through_and_each_is_verified() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let [first, second, last] =
        ["modern", "modern", "noforward"].map(|mode| Server::up(dir.path(), mode, &[]));
    let known = dir.path().join("known");
    let all: String = [&first, &second, &last]
        .iter()
        .map(|server| fs::read_to_string(&server.known_hosts).unwrap())
        .collect();
    fs::write(&known, &all).unwrap();
    let mut options = words(&["--known-hosts", known.to_str().unwrap()]);
    for server in [&first, &second, &last] {
        options.extend(words(&["--identity", &server.key]));
    }
    let name = |server: &Server| format!("{}@127.0.0.1:{}", server.user, server.port);
    let through = |jumps: &[&Server]| -> Vec<String> {
        let jumps: Vec<String> = jumps.iter().map(|server| name(server)).collect();
        [options.clone(), words(&["--jump", &jumps.join(",")])].concat()
    };
    ask(dir.path(), &last.target(), &through(&[&first])).answered();
    ask(dir.path(), &last.target(), &through(&[&first, &second])).answered();
    let asked = ask(dir.path(), &first.target(), &through(&[&last]));
    failed_as(dir.path(), &asked, "unreachable", LIMIT);
    assert!(asked.reason().contains("forwards nothing"), "{}", asked.reason());
    // Forwarding is of no interest to who only asks.
    ask(dir.path(), &last.target(), &options).answered();
    let closed = ask(dir.path(), "ssh://root@127.0.0.1:1", &through(&[&first]));
    failed_as(dir.path(), &closed, "unreachable", LIMIT);
    // The host behind the jump host is not the one that is known.
    let other = fs::read_to_string(&second.known_hosts).unwrap();
    let swapped = all.replace(
        &fs::read_to_string(&last.known_hosts).unwrap(),
        &other.replace(&format!(":{}", second.port), &format!(":{}", last.port)),
    );
    fs::write(&known, swapped).unwrap();
    let asked = ask(dir.path(), &last.target(), &through(&[&first]));
    failed_as(dir.path(), &asked, "host-key", LIMIT);
}

#[test]
fn an_unknown_key_is_refused_taken_once_and_never_exchanged() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let key = words(&["--identity", &server.key]);
    let asked = ask(dir.path(), &server.target(), &key);
    failed_as(dir.path(), &asked, "host-key", LIMIT);
    let shown = ["ed25519", "rsa", "ecdsa"].map(|kind| server.fingerprint(kind));
    assert!(shown.iter().any(|print| asked.reason().contains(print)), "{}", asked.reason());
    assert!(asked.hint().contains("--accept-new"));
    assert!(!dir.path().join(".ssh").exists(), "nothing is written unasked");
    let log = server.directory.join("sshd_modern.conf.log");
    let log = fs::read_to_string(log).unwrap();
    assert!(!log.contains("userauth") && !log.contains("Accepted"), "no login before: {log}");
    let new = [key.clone(), words(&["--accept-new"])].concat();
    ask(dir.path(), &server.target(), &new).answered();
    let written = fs::read_to_string(dir.path().join(".ssh/known_hosts")).unwrap();
    assert_eq!(written.lines().count(), 1, "{written}");
    ask(dir.path(), &server.target(), &key).answered();
    let found = Command::new("ssh-keygen")
        .args(["-F", &format!("[127.0.0.1]:{}", server.port), "-f"])
        .arg(dir.path().join(".ssh/known_hosts"))
        .status();
    assert!(found.unwrap().success(), "OpenSSH finds what was written");
    // Another server takes its place.
    let port = server.port.to_string();
    drop(server);
    let other = Server::up(dir.path(), "modern", &["--port", &port]);
    for options in [vec![], words(&["--accept-new"])] {
        let options = [words(&["--identity", &other.key]), options].concat();
        let asked = ask(dir.path(), &other.target(), &options);
        failed_as(dir.path(), &asked, "host-key", LIMIT);
        assert!(asked.hint().starts_with("do not go on"), "{}", asked.hint());
    }
    assert_eq!(fs::read_to_string(dir.path().join(".ssh/known_hosts")).unwrap(), written);
}

#[test]
fn a_known_key_of_another_type_than_the_preferred_one_is_no_alarm() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let known = fs::read_to_string(&server.known_hosts).unwrap();
    for kind in ["ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256"] {
        let path = dir.path().join(kind);
        let lines = known.lines().filter(|line| line.contains(kind));
        fs::write(&path, lines.collect::<Vec<_>>().join("\n")).unwrap();
        // The same with the name hashed.
        let hashed = dir.path().join(format!("{kind}-hashed"));
        fs::copy(&path, &hashed).unwrap();
        let made = Command::new("ssh-keygen").arg("-H").arg("-f").arg(&hashed).output().unwrap();
        assert!(made.status.success());
        assert!(!fs::read_to_string(&hashed).unwrap().contains("127.0.0.1"));
        for path in [path, hashed] {
            let options = words(&["--identity", &server.key, "--known-hosts"]);
            let options = [options, vec![path.display().to_string()]].concat();
            ask(dir.path(), &server.target(), &options).answered();
        }
    }
}

#[test]
fn a_fingerprint_is_enough_whatever_its_keys_type_and_decides_alone() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let options = words(&["--identity", &server.key, "--host-key", &server.fingerprint(kind)]);
        ask(dir.path(), &server.target(), &options).answered();
    }
    let wrong = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let options = [server.by_key(), words(&["--host-key", wrong])].concat();
    let asked = ask(dir.path(), &server.target(), &options);
    failed_as(dir.path(), &asked, "host-key", LIMIT);
    assert!(asked.reason().contains(wrong), "{}", asked.reason());
}

#[test]
fn a_key_may_be_in_an_agent_or_behind_a_passphrase() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let known = words(&["--known-hosts", &server.known_hosts]);
    let socket = dir.path().join("agent");
    let mut agent = Command::new("ssh-agent")
        .args(["-D", "-a"])
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for _ in 0..100 {
        if socket.exists() {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let at = [("SSH_AUTH_SOCK", socket.to_str().unwrap())];
    let added = Command::new("ssh-add").arg(&server.key).envs(at).output().unwrap();
    let asked = ask_with(dir.path(), &at, &server.target(), &known);
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(added.status.success());
    asked.answered();
    assert_eq!(asked.ssh("login"), "agent");

    let locked = Command::new("ssh-keygen")
        .args(["-q", "-p", "-P", "", "-N", "Canary-7f3a-phrase", "-f", &server.key])
        .status();
    assert!(locked.unwrap().success());
    let options = [known, words(&["--identity", &server.key])].concat();
    let asked = ask(dir.path(), &server.target(), &options);
    failed_as(dir.path(), &asked, "authentication", LIMIT);
    assert!(asked.reason().contains("is encrypted, and no passphrase"), "{}", asked.reason());
    for (phrase, answered) in [("Canary-7f3a-phrase", true), ("Canary-7f3a-wrong", false)] {
        let variable = [("PREFLIGHT_PASSWORD", phrase)];
        let asked = ask_with(dir.path(), &variable, &server.target(), &options);
        assert_eq!(asked.kind().is_empty(), answered, "{asked:?}");
        assert!(!asked.said.contains("Canary-7f3a"), "{}", asked.said);
        if !answered {
            assert!(asked.reason().contains("the passphrase does not open"), "{}", asked.reason());
        }
    }
}

#[test]
fn the_ssh_configuration_says_how_to_reach_a_host() {
    if !sshd::there_are_servers() || !sshd::there_is("/usr/bin/ssh") {
        return;
    }
    let dir = here();
    let (jump, last) =
        (Server::up(dir.path(), "modern", &[]), Server::up(dir.path(), "modern", &[]));
    let config = dir.path().join("config");
    let text = format!(
        "Host bastion\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\n UserKnownHostsFile {}\n\
         Host mt1\n HostName 127.0.0.1\n Port {}\n User {}\n IdentityFile {}\n\
         UserKnownHostsFile {}\n ProxyJump {}@bastion\n\
         Host odd\n HostName 127.0.0.1\n ProxyCommand nc %h %p\nMatch host mt1\n IdentitiesOnly yes\n",
        jump.port,
        jump.key,
        jump.known_hosts,
        last.port,
        last.user,
        last.key,
        last.known_hosts,
        jump.user,
    );
    fs::write(&config, text).unwrap();
    let options = words(&["--ssh-config", config.to_str().unwrap()]);
    let asked = ask(dir.path(), "ssh://mt1", &options);
    asked.answered();
    assert!(asked.said.contains("@bastion: logged in"), "{}", asked.said);
    let asked = ask(dir.path(), "ssh://root@odd", &options);
    failed_as(dir.path(), &asked, "config", LIMIT);
    assert!(asked.hint().contains("--jump"), "{}", asked.hint());
    fs::write(&config, "Host mt1\n Prot 22\n").unwrap();
    let asked = ask(dir.path(), "ssh://mt1", &options);
    failed_as(dir.path(), &asked, "config", LIMIT);
}

#[test]
fn a_server_with_too_many_logins_is_tried_again() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &["--set", "MaxStartups 1:100:1"]);
    // The lab has looked whether the server listens, and may still count as a login itself.
    let occupied = || {
        loop {
            let mut stream = TcpStream::connect(("127.0.0.1", server.port as u16)).unwrap();
            let mut start = [0; 8];
            if stream.read_exact(&mut start).is_ok() && &start == b"SSH-2.0-" {
                return stream;
            }
            thread::sleep(Duration::from_millis(50));
        }
    };
    let stream = occupied();
    let log = server.directory.join("sshd_modern.conf.log");
    let drops = move || fs::read_to_string(&log).unwrap().matches("drop connection").count();
    let before = drops();
    let release = thread::spawn(move || {
        (0..1000)
            .take_while(|_| drops() == before)
            .for_each(|_| thread::sleep(Duration::from_millis(10)));
        drop(stream);
    });
    let asked = ask(dir.path(), &server.target(), &server.by_key());
    asked.answered();
    assert!(asked.said.contains("trying again"), "{}", asked.said);
    release.join().unwrap();
    thread::sleep(Duration::from_millis(300));
    let stream = occupied();
    let asked = ask(dir.path(), &server.target(), &server.by_key());
    drop(stream);
    assert!(["refused", "not-ssh"].contains(&asked.kind()), "{asked:?}");
    assert!(asked.hint().contains("MaxStartups"), "{}", asked.hint());
    judged(dir.path(), &asked);
}

#[test]
fn what_is_no_ssh_server_is_told_within_its_limit() {
    if !program::installed(&["python3"]) {
        return;
    }
    let dir = here();
    let known = dir.path().join("known");
    fs::write(&known, "").unwrap();
    let cases = [
        ("silent", &["timeout"][..]),
        ("drip", &["timeout"]),
        ("prebanner", &["timeout"]),
        ("http", &["not-ssh"]),
        ("close", &["not-ssh"]),
        ("reset", &["not-ssh", "unreachable"]),
        ("banner", &["timeout"]),
        ("garbage", &["not-ssh", "algorithms"]),
        ("longbanner", &["not-ssh", "timeout"]),
        ("full", &["timeout"]),
    ];
    thread::scope(|scope| {
        for (server, kinds) in cases {
            let (home, known) = (dir.path(), &known);
            scope.spawn(move || {
                let bad = BadServer::up(server);
                let options = words(&["--timeout", "4", "--known-hosts", known.to_str().unwrap()]);
                let target = format!("ssh://root@127.0.0.1:{}", bad.port);
                let asked = ask(home, &target, &options);
                assert!(kinds.contains(&asked.kind()), "{server}: {asked:?}");
                failed_as(home, &asked, asked.kind(), Duration::from_secs(5));
            });
        }
    });
    for (target, kind) in [
        ("ssh://root@127.0.0.1:1", "refused"),
        ("ssh://root@no-such-host.invalid", "dns"),
        ("ssh://root@255.255.255.255", "unreachable"),
    ] {
        let asked = ask(dir.path(), target, &words(&["--timeout", "9"]));
        failed_as(dir.path(), &asked, kind, Duration::from_secs(10));
    }
}

#[test]
fn a_malformed_target_is_refused_before_anything_is_contacted() {
    let dir = here();
    for (target, options, why) in [
        ("ssh://root@127.0.0.1:99999", &[][..], "\"99999\" is not a port"),
        ("ssh://", &[], "no host"),
        ("ssh://root:Canary-7f3a@127.0.0.1", &[], "password"),
        ("root:Canary-7f3a@127.0.0.1", &[], "password"),
        ("ssh://-oProxyCommand=touch", &[], "not a host name"),
        ("ssh://root@127.0.0.1", &["--jump", "a:b:c"], "not a port"),
        ("ssh://root@127.0.0.1", &["--host-key", "MD5:aa"], "not a fingerprint"),
        ("ssh://root@127.0.0.1", &["--identity", "/no/such/key"], "cannot read /no/such/key"),
        ("ssh://root@127.0.0.1", &["--known-hosts", "/no/such/file"], "cannot read /no/such/file"),
        (
            "ssh://root@127.0.0.1",
            &["--password-file", "/no/such/file"],
            "cannot read /no/such/file",
        ),
        ("ssh://root@127.0.0.1", &["--ssh-config", "/no/such/file"], "cannot read /no/such/file"),
    ] {
        let asked = ask(dir.path(), target, &words(options));
        assert_eq!(asked.code, Some(2), "{target} {options:?}: {}", asked.said);
        assert!(asked.said.contains(why), "{target} {options:?}: {}", asked.said);
        assert!(!asked.said.contains("Canary-7f3a"), "{}", asked.said);
        assert!(!asked.said.contains("connecting"), "{}", asked.said);
    }
}

#[test]
fn five_hundred_hosts_end_within_their_limits_although_some_are_dead_or_hung() {
    if !sshd::there_are_servers() || !program::installed(&["python3"]) {
        return;
    }
    let dir = here();
    let fleet = Server::up(dir.path(), "fleet", &[]);
    let (dead, hung) = (BadServer::up("full"), BadServer::up("silent"));
    let mut inventory = String::from("[mt]\n");
    for number in 0..500 {
        let (host, port) = match number % 20 {
            0 | 10 => ("127.0.0.1".to_owned(), dead.port),
            5 => ("127.0.0.1".to_owned(), hung.port),
            _ => (format!("127.0.0.{}", 2 + number % 50), fleet.port),
        };
        inventory.push_str(&format!(
            "h{number} ansible_host={host} ansible_port={port} ansible_user={}\n",
            fleet.user
        ));
    }
    let path = dir.path().join("hosts.ini");
    fs::File::create(&path).unwrap().write_all(inventory.as_bytes()).unwrap();
    let mut command = Command::new(program::binary());
    command
        .args(["check", "host", "--inventory", path.to_str().unwrap(), "--format", "json"])
        .args(["--jobs", "32", "--timeout", "10"])
        .args(fleet.by_key())
        .env("HOME", dir.path())
        .env_remove("SSH_AUTH_SOCK");
    let ran = program::finish(&mut command, dir.path(), Duration::from_secs(300));
    assert!(!ran.hung);
    let report: serde_json::Value =
        serde_json::from_slice(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.complaint()));
    let results = report["results"].as_array().unwrap();
    let count = |outcome: &str| {
        let of = results.iter().filter(|result| result["check"] == "mt.root-access");
        of.filter(|result| result["outcome"] == outcome).count()
    };
    println!("{:?}, {} KiB", ran.took, ran.peak_kib);
    assert_eq!(count("unknown"), 75, "the dead and the hung");
    assert_eq!(count("pass") + count("fail"), 425);
    // Five hundred targets with some ninety results each, every one with its fix for this host.
    assert!(ran.peak_kib <= 176 * 1024, "{} KiB", ran.peak_kib);
    // Three rounds of ten seconds for those that do not answer, and the time of the living, of
    // which there are at least five a second even where everything else runs besides.
    assert!(ran.took < Duration::from_secs(30 + 425 / 5), "{:?}", ran.took);
}
