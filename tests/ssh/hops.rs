//! Hosts on the way to others, keys that changed or were revoked, and messages that name a host
//! together with the command that goes on.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::sshd::{self, Asked, Server, ask, ask_with, failed_as, judged};
use super::{LIMIT, here, outcome, program, words};

/// The options that go to the last of two servers through the first.
fn through(dir: &Path, jump: &Server, last: &Server) -> Vec<String> {
    let known = dir.join("known-both");
    let both = [jump, last].map(|server| fs::read_to_string(&server.known_hosts).unwrap());
    fs::write(&known, both.concat()).unwrap();
    let way = format!("{}@127.0.0.1:{}", jump.user, jump.port);
    words(&["--known-hosts", known.to_str().unwrap(), "--jump", &way, "--ssh-config", "none"])
}

/// The command of a hint that begins with `preflight`, up to the option that it adds.
fn command_in(hint: &str, option: &str) -> Vec<String> {
    let from = hint.find("preflight ").unwrap_or_else(|| panic!("no command in {hint}"));
    let to = from + hint[from..].find(option).unwrap() + option.len();
    hint[from + "preflight ".len()..to].split(' ').map(str::to_owned).collect()
}

/// Runs the command of a hint, as a person would who copies it.
fn copied(home: &Path, command: &[String]) -> i32 {
    let output = Command::new(program::binary()).args(command).env("HOME", home).output().unwrap();
    let code = output.status.code().unwrap();
    assert_ne!(code, 2, "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    code
}

#[test]
fn the_password_of_a_host_is_not_shown_to_the_one_on_the_way() {
    if !sshd::there_are_servers() || !sshd::is_root() {
        return;
    }
    let dir = here();
    let [jump, last] = ["password", "password"].map(|mode| Server::up(dir.path(), mode, &[]));
    let options = through(dir.path(), &jump, &last);
    let log = |server: &Server| {
        fs::read_to_string(server.directory.join("sshd_password.conf.log")).unwrap()
    };
    // Both have the same one here, so that it would have been taken.
    let given = ("PREFLIGHT_PASSWORD", last.password.as_str());
    let asked = ask_with(dir.path(), &[given], &last.target(), &options);
    failed_as(dir.path(), &asked, "via", LIMIT);
    assert!(asked.reason().contains("the jump host root@127.0.0.1"), "{}", asked.reason());
    assert!(asked.hint().contains("PREFLIGHT_PASSWORD_127_0_0_1"), "{}", asked.hint());
    assert!(!log(&jump).contains(" password for root"), "{}", log(&jump));
    // What is wrong with the host on the way is no finding about the one behind it.
    assert_eq!(outcome(&judged(dir.path(), &asked), "ssh.keyboard-interactive"), "unknown");
    let own = ("PREFLIGHT_PASSWORD_127_0_0_1", jump.password.as_str());
    ask_with(dir.path(), &[given, own], &last.target(), &options).answered();
    assert!(log(&jump).contains("Accepted password"));
}

#[test]
fn old_algorithms_of_a_host_are_told_of_that_host_with_the_command_that_allows_them() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let [old, new] = ["centos6", "modern"].map(|mode| Server::up(dir.path(), mode, &[]));
    let mut options = through(dir.path(), &old, &new);
    options.extend(words(&["--identity", &old.rsa_key, "--identity", &new.key]));
    let asked = ask(dir.path(), &new.target(), &options);
    failed_as(dir.path(), &asked, "via", LIMIT);
    let name = format!("the jump host {}@127.0.0.1:{}: ", old.user, old.port);
    assert!(asked.reason().starts_with(&name), "{}", asked.reason());
    assert!(asked.reason().contains("offers only host key ssh-rsa"), "{}", asked.reason());
    assert_eq!(outcome(&judged(dir.path(), &asked), "ssh.legacy-algorithms"), "unknown");
    let command = command_in(asked.hint(), "--legacy-ssh");
    assert!(
        command.contains(&new.target()) && command.contains(&"--jump".to_owned()),
        "{command:?}"
    );
    assert_ne!(copied(dir.path(), &command), 2);

    let options = words(&["--known-hosts", &old.known_hosts, "--identity", &old.rsa_key]);
    let asked = ask(dir.path(), &old.target(), &options);
    failed_as(dir.path(), &asked, "legacy-algorithms", LIMIT);
    let name = format!("{}@127.0.0.1:{}: ", old.user, old.port);
    assert!(asked.reason().starts_with(&name), "{}", asked.reason());
    let command = command_in(asked.hint(), "--legacy-ssh");
    assert!(command.contains(&old.target()), "{command:?}");
    let mut again = words(&["collect", "host"]);
    again.extend_from_slice(&command[2..]);
    assert_eq!(copied(dir.path(), &again), 0, "{again:?}");
}

#[test]
fn an_unknown_key_is_told_with_the_commands_that_take_it() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let key = words(&["--identity", &server.key]);
    let told = |asked: &Asked| {
        failed_as(dir.path(), asked, "host-key", LIMIT);
        // The report says it, too, for who reads that has nothing else.
        let report = judged(dir.path(), asked).to_string();
        assert!(report.contains("--accept-new"), "{report}");
        asked.hint().to_owned()
    };
    let hint = told(&ask(dir.path(), &server.target(), &key));
    let prints = ["ed25519", "rsa", "ecdsa"].map(|kind| server.fingerprint(kind));
    let print = prints.iter().find(|print| hint.contains(*print)).unwrap();
    let (_, pinning) = hint.split_once(", or ").unwrap();
    let pinning = command_in(pinning, print);
    assert!(pinning.contains(&server.target()), "{pinning:?}");
    assert_ne!(copied(dir.path(), &pinning), 2);
    assert!(!dir.path().join(".ssh").exists());
    let accepting = command_in(&hint, "--accept-new");
    assert!(accepting.contains(&server.target()), "{accepting:?}");
    copied(dir.path(), &accepting);
    ask(dir.path(), &server.target(), &key).answered();

    // A key that changed is told with the place of the old one, and how that is removed.
    let port = server.port.to_string();
    drop(server);
    let known = dir.path().join(".ssh/known_hosts");
    let old = fs::read_to_string(&known).unwrap();
    fs::write(&known, format!("# mine\n\n{old}")).unwrap();
    let other = Server::up(dir.path(), "modern", &["--port", &port]);
    let key = words(&["--identity", &other.key]);
    let asked = ask(dir.path(), &other.target(), &key);
    failed_as(dir.path(), &asked, "host-key", LIMIT);
    assert!(asked.reason().ends_with(".ssh/known_hosts, line 3"), "{}", asked.reason());
    let (_, command) = asked.hint().rsplit_once(": ").unwrap();
    assert!(command.starts_with("ssh-keygen -R "), "{command}");
    let removed = Command::new("sh").args(["-c", command]).output().unwrap();
    assert!(removed.status.success(), "{command}");
    assert!(!fs::read_to_string(&known).unwrap().contains("ssh-"), "the line is gone");
}

#[test]
fn revoked_keys_and_programs_that_know_keys_are_honoured_or_refused() {
    if !sshd::there_are_servers() || !sshd::there_is("/usr/bin/ssh") {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let config = dir.path().join("config");
    let configured = |line: &str, more: &[String]| {
        fs::write(&config, format!("Host *\n {line}\n")).unwrap();
        let options = words(&["--ssh-config", config.to_str().unwrap(), "--identity", &server.key]);
        ask(dir.path(), &server.target(), &[options, more.to_vec()].concat())
    };
    let known = words(&["--known-hosts", &server.known_hosts]);
    let pinned = words(&["--host-key", &server.fingerprint("ed25519")]);
    let list = dir.path().join("revoked");
    let krl = dir.path().join("krl");
    let keys: String = ["ed25519", "rsa", "ecdsa"]
        .map(|kind| fs::read_to_string(server.directory.join(format!("hk_{kind}.pub"))).unwrap())
        .concat();
    fs::write(&list, &keys).unwrap();
    let made = Command::new("ssh-keygen").args(["-q", "-k", "-f"]).args([&krl, &list]).status();
    assert!(made.unwrap().success());
    for file in [&list, &krl] {
        for more in [&known, &pinned] {
            let asked = configured(&format!("RevokedHostKeys {}", file.display()), more);
            failed_as(dir.path(), &asked, "host-key", LIMIT);
            assert!(asked.reason().contains("is revoked in"), "{}", asked.reason());
        }
    }
    let asked = configured("RevokedHostKeys /no/such/list", &known);
    failed_as(dir.path(), &asked, "host-key", LIMIT);
    fs::write(&list, "# nothing\n").unwrap();
    configured(&format!("RevokedHostKeys {}", list.display()), &known).answered();
    let command = format!("KnownHostsCommand /bin/cat {}", server.known_hosts);
    let asked = configured(&command, &[]);
    failed_as(dir.path(), &asked, "config", LIMIT);
    assert!(asked.hint().contains("--known-hosts"), "{}", asked.hint());
    configured(&command, &known).answered();
    configured(&command, &pinned).answered();
}

#[test]
fn a_pipe_in_the_place_of_a_file_costs_no_time() {
    if !sshd::there_are_servers() || !sshd::there_is("/usr/bin/ssh") {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let pipe = dir.path().join("pipe");
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status();
    assert!(made.unwrap().success());
    let pipe = pipe.to_str().unwrap();
    for options in [["--known-hosts", pipe], ["--identity", pipe], ["--ssh-config", pipe]] {
        let asked = ask(dir.path(), &server.target(), &words(&options));
        assert_eq!(asked.code, Some(2), "{asked:?}");
        assert!(asked.said.contains("not a regular file"), "{}", asked.said);
        assert!(asked.took < Duration::from_secs(5), "{options:?}: {:?}", asked.took);
    }
    let config = dir.path().join("config");
    for (line, kind) in [
        (format!("UserKnownHostsFile {pipe}"), "host-key"),
        (format!("RevokedHostKeys {pipe}\n UserKnownHostsFile {}", server.known_hosts), "host-key"),
        (
            format!("IdentityFile {pipe}\n UserKnownHostsFile {}", server.known_hosts),
            "authentication",
        ),
    ] {
        fs::write(&config, format!("Host *\n {line}\n")).unwrap();
        let options = words(&["--timeout", "9", "--ssh-config", config.to_str().unwrap()]);
        let asked = ask(dir.path(), &server.target(), &options);
        failed_as(dir.path(), &asked, kind, Duration::from_secs(4));
    }
}

/// Variables of this program's own are for no other: neither what a configuration starts nor the
/// shell of this machine sees them.
#[test]
fn programs_that_are_started_see_no_passwords() {
    if !sshd::there_is("/usr/bin/ssh") {
        return;
    }
    let dir = here();
    let seen = dir.path().join("seen");
    let config = dir.path().join("config");
    let text = format!("Match exec \"env > {}\"\n User ann\n", seen.display());
    fs::write(&config, text).unwrap();
    let canary = "Canary-7f3a-tr0ub4dor";
    let variables = ["PREFLIGHT_PASSWORD", "PREFLIGHT_PASSWORD_MT1", "PREFLIGHT_SUDO_PASSWORD"]
        .map(|name| (name, canary));
    let options = words(&["--ssh-config", config.to_str().unwrap()]);
    ask_with(dir.path(), &variables, "ssh://root@127.0.0.1:1", &options);
    let environment = fs::read_to_string(&seen).unwrap();
    assert!(environment.contains("HOME=") && !environment.contains(canary), "{environment}");
    let checks = dir.path().join("checks");
    fs::create_dir(&checks).unwrap();
    let check = "- { id: own.seen, title: the environment is seen, severity: info, applies_to: linux-mt, \
         probes: [ { name: seen, shell: env, pattern: '(?m)^HOME=(?P<home>.*)$' } ], \
         rule: own.seen.home != '', found: '{{own.seen.home}}', symptom: none, \
         remedy: { text: None is needed. }, source: { doc: site, at: here }, \
         examples: [ { pass: { own: { seen: { home: x } } } }, { fail: { own: { seen: { home: '' } } } }, \
         { unknown: { own: { seen: {} } } } ] }\n";
    fs::write(checks.join("own.yaml"), check).unwrap();
    let options = words(&["--checks", checks.to_str().unwrap()]);
    let asked = ask_with(dir.path(), &variables, "local:", &options);
    let answers = asked.answered().capture["answers"]["by_probe"].to_string();
    assert!(answers.contains("HOME=") && !answers.contains(canary), "{answers}");
}

#[test]
fn a_run_leaves_no_core_file_with_its_keys() {
    if !sshd::is_root() || !program::installed(&["python3", "setpriv"]) {
        return;
    }
    use std::os::unix::fs::MetadataExt;
    let silent = sshd::BadServer::up("silent");
    let target = format!("ssh://root@127.0.0.1:{}", silent.port);
    // As an account of its own: what is root's is root's whether or not it may be dumped.
    let place = tempfile::tempdir_in("/tmp").unwrap();
    let mode = |mode| <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(mode);
    fs::set_permissions(place.path(), mode(0o755)).unwrap();
    let program = place.path().join("preflight");
    fs::copy(program::binary(), &program).unwrap();
    let mut child = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .arg(&program)
        .args(["check", "host", &target, "--ssh-config", "none", "--timeout", "20"])
        .env("HOME", "/nonexistent")
        .spawn()
        .unwrap();
    let proc = format!("/proc/{}", child.id());
    let mut guarded = false;
    for _ in 0..200 {
        let limits = fs::read_to_string(format!("{proc}/limits")).unwrap();
        let none = limits.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            line.starts_with("Max core file size") && words[4..6] == ["0", "0"]
        });
        // The files of a process that may not be dumped are root's.
        let owner = fs::metadata(format!("{proc}/environ")).unwrap().uid();
        guarded = none
            && owner == 0
            && fs::read_to_string(format!("{proc}/comm")).unwrap() == "preflight\n";
        if guarded {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(guarded, "core files are not switched off");
}
