//! sudo with a password: given on its standard input, once, and seen nowhere else; and why sudo did
//! not take it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::sshd::{self, Server, ask_with, at_terminal, judged};
use super::{here, outcome, program, words};

fn there_is_sudo() -> bool {
    sshd::there_are_servers() && sshd::is_root() && sshd::there_is("/usr/bin/sudo")
}

fn server(dir: &Path, sudo: &str, more: &[&str]) -> Server {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    let options = [&["--account", "lab", "--sudo", sudo][..], more].concat();
    Server::up(dir, "modern", &options)
}

/// How often sudo was given a wrong password.
fn refused(server: &Server) -> usize {
    let log = fs::read_to_string(server.directory.join("sudo.log")).unwrap_or_default();
    let tries = regex::Regex::new(r"([0-9]+) incorrect password").unwrap();
    let log = log.split_whitespace().collect::<Vec<_>>().join(" ");
    tries.captures_iter(&log).map(|tries| tries[1].parse::<usize>().unwrap()).sum()
}

#[test]
fn a_password_makes_root_and_what_sudo_says_otherwise_is_told_apart() {
    if !there_is_sudo() {
        return;
    }
    let dir = here();
    let wrong = "Canary-7f3a-wrong";
    for (sudo, right, user, word, told, tries) in [
        ("password", true, "0", "granted", "", 0),
        ("password", false, "4242", "wrong-password", "sudo refused the password", 1),
        ("none", true, "4242", "not-allowed", "sudoers does not allow", 0),
        ("none", false, "4242", "wrong-password", "sudo refused the password", 0),
        ("tty", true, "4242", "needs-a-terminal", "requiretty", 0),
        ("free", false, "0", "granted", "", 0),
        // Where nothing is asked and all is denied, sudo tries three times by itself.
        ("asks", false, "4242", "wrong-password", "sudo refused the password", 3),
    ] {
        let server = server(dir.path(), sudo, &[]);
        let password = if right { server.password.as_str() } else { wrong };
        let variable = [("PREFLIGHT_SUDO_PASSWORD", password)];
        let options = [server.by_key(), words(&["--ask-sudo"])].concat();
        let asked = ask_with(dir.path(), &variable, &server.target(), &options);
        let case = format!("{sudo} {right}");
        assert_eq!(asked.answered().user_id(), user, "{case}: {asked:?}");
        let said = &asked.capture["answers"]["by_probe"]["sudo"]["text"];
        assert_eq!(said.as_str().map(str::trim), Some(word), "{case}");
        assert!(!asked.said.contains(password), "{case}: {}", asked.said);
        // Of an account that sudoers does not name, sudo notes no more than that.
        assert_eq!(refused(&server), tries, "{case}: a wrong password costs one try");
        let report = judged(dir.path(), &asked);
        let root = if user == "0" { "pass" } else { "fail" };
        assert_eq!(outcome(&report, "mt.root-access"), root, "{case}");
        assert!(report.to_string().contains(told), "{case}: {report}");
        assert!(!report.to_string().contains(password), "{case}");
    }
}

#[test]
fn without_being_told_sudo_is_given_no_password() {
    if !there_is_sudo() {
        return;
    }
    let dir = here();
    let server = server(dir.path(), "password", &[]);
    let variable = [("PREFLIGHT_SUDO_PASSWORD", server.password.as_str())];
    let asked = ask_with(dir.path(), &variable, &server.target(), &server.by_key());
    assert_eq!(asked.answered().user_id(), "4242");
    // Nor is it where nobody knows one.
    let options = [server.by_key(), words(&["--ask-sudo"])].concat();
    let asked = ask_with(dir.path(), &[], &server.target(), &options);
    assert_eq!(asked.answered().user_id(), "4242");
    assert!(asked.said.contains("sudo was given no password"), "{}", asked.said);
    assert_eq!(refused(&server), 0);
}

#[test]
fn the_password_comes_from_where_others_come_from_and_for_each_host_its_own() {
    if !there_is_sudo() || !program::installed(&["python3"]) {
        return;
    }
    let dir = here();
    let server = server(dir.path(), "password", &[]);
    let file = dir.path().join("sudo-password");
    fs::write(&file, format!("{}\n", server.password)).unwrap();
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let by_file =
        [server.by_key(), words(&["--sudo-password-file", file.to_str().unwrap()])].concat();
    mode(0o644);
    let asked = ask_with(dir.path(), &[], &server.target(), &by_file);
    assert_eq!(asked.code, Some(2), "{asked:?}");
    assert!(asked.said.contains("chmod it to 0600"), "{}", asked.said);
    mode(0o600);
    assert_eq!(ask_with(dir.path(), &[], &server.target(), &by_file).answered().user_id(), "0");
    // By a site file, and by a variable of the host's own.
    let site = dir.path().join("site.yaml");
    let written = |more: &str| {
        let text =
            format!("master_targets: [ {{ name: mt-1, ssh: '{}', {more} }} ]\n", server.target());
        fs::write(&site, text).unwrap();
        [server.by_key(), words(&["--site", site.to_str().unwrap()])].concat()
    };
    let options = written("sudo_password_file: sudo-password");
    assert_eq!(ask_with(dir.path(), &[], "mt-1", &options).answered().user_id(), "0");
    let options = written("ask_sudo: true");
    let others = ("PREFLIGHT_SUDO_PASSWORD", "Canary-7f3a-others");
    let own = ("PREFLIGHT_SUDO_PASSWORD_MT_1", server.password.as_str());
    assert_eq!(ask_with(dir.path(), &[others, own], "mt-1", &options).answered().user_id(), "0");
    assert_eq!(refused(&server), 0);
    // By a prompt, which tells what the password is for.
    let out = dir.path().join("out.json");
    let typed = format!("type:{}\\n", server.password);
    let steps = ["unseen:Password for sudo of lab@127.0.0.1", "wait:0.5", &typed];
    let (target, key) = (server.target(), server.by_key());
    let mut args = vec!["collect", "host", &target, "--ask-sudo", "-o", out.to_str().unwrap()];
    args.extend(key.iter().map(String::as_str));
    let screen = at_terminal(dir.path(), &steps, &args);
    assert_eq!(screen.done().code, Some(0), "{screen:?}");
    let capture: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(capture["answers"]["by_probe"]["user"]["text"], "0\n");
    assert!(!capture.to_string().contains("lab Pass"), "{capture}");
}

#[test]
fn every_login_shell_gives_sudo_the_password() {
    if !there_is_sudo() {
        return;
    }
    let dir = here();
    for shell in ["/bin/bash", "/bin/dash", "/bin/tcsh"] {
        if !sshd::there_is(shell) {
            continue;
        }
        let server = server(dir.path(), "password", &["--shell", shell]);
        let variable = [("PREFLIGHT_SUDO_PASSWORD", server.password.as_str())];
        let options = [server.by_key(), words(&["--ask-sudo"])].concat();
        let asked = ask_with(dir.path(), &variable, &server.target(), &options);
        assert_eq!(asked.answered().user_id(), "0", "{shell}");
    }
}
