//! What accounts print and their shells do beside the answers, and what cuts answers off.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use super::sshd::{self, Asked, Server, ask, failed_as, judged};
use super::{LIMIT, here, outcome, words};

/// A server that runs something else in place of what it is asked to run.
fn forced(dir: &Path, command: &str, timeout: &str) -> Asked {
    let server = Server::up(dir, "modern", &["--set", &format!("ForceCommand {command}")]);
    let options = [server.by_key(), words(&["--timeout", timeout])].concat();
    ask(dir, &server.target(), &options)
}

#[test]
fn output_without_end_is_cut() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    for command in ["yes", "yes >&2", "cat /dev/zero", "sh -s; yes ::imitation end >&2"] {
        let asked = forced(dir.path(), command, "20");
        if command.starts_with("sh -s") {
            asked.answered();
        } else {
            failed_as(dir.path(), &asked, "too-much-output", Duration::from_secs(21));
        }
    }
}

#[test]
fn a_command_that_ends_early_has_not_answered() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    // The first frame opens, then the shell is killed, or its connection, or it just ends well.
    for (command, kind, why) in [
        ("sh -s | head -n 3; kill -9 $$", "cut-off", "KILL"),
        ("sh -s | head -n 3; kill -9 $PPID; sleep 9", "cut-off", "broke"),
        ("sh -s | head -n 3; exit 0", "cut-off", "status 0"),
        // Some answers are complete by then, and count for nothing all the same.
        ("sh -s | head -n 60; kill -9 $$", "cut-off", "KILL"),
        ("sh -s | head -c 9; exit 0", "shell", "status 0"),
        ("exit 0", "shell", "it said nothing"),
        ("echo Go away >&2; exit 3", "shell", "Go away"),
        ("sleep 60", "timeout", "not done after 3 s"),
        ("sh -s | head -n 3; sleep 60", "timeout", "not done after 3 s"),
    ] {
        let asked = forced(dir.path(), command, "3");
        failed_as(dir.path(), &asked, kind, Duration::from_secs(4));
        assert!(asked.reason().contains(why), "{command}: {}", asked.reason());
        assert_eq!(asked.capture["answers"]["ended"], false, "{command}");
    }
}

#[test]
fn what_is_beside_the_answers_does_no_harm() {
    if !sshd::there_are_servers() {
        return;
    }
    let dir = here();
    for command in [
        // A process that keeps the channel open, four megabytes on the other stream, a banner.
        "sleep 60 & sh -s",
        "head -c 4000000 /dev/zero >&2; sh -s",
        "echo Welcome; echo ::0123 begin preflight-script/1; sh -s; echo bye",
        "printf '\\033[2J\\377\\376'; sh -s",
        // Userlands that are not GNU's.
        "busybox sh -s",
        "dash -s",
        "bash --posix -s",
    ] {
        if command.starts_with("busybox") && !sshd::there_is("/usr/bin/busybox") {
            continue;
        }
        let asked = forced(dir.path(), command, "20");
        asked.answered();
        assert!(asked.took < Duration::from_secs(12), "{command}: {:?}", asked.took);
    }
}

#[test]
fn login_shells_of_all_kinds_and_sudo_are_survived() {
    if !sshd::there_are_servers() || !sshd::is_root() {
        return;
    }
    let dir = here();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = dir.path().join("noisy");
    fs::create_dir(&home).unwrap();
    fs::write(home.join(".bashrc"), "echo noise; echo more >&2; export LC_ALL=de_DE IFS=x\n")
        .unwrap();
    fs::write(home.join(".cshrc"), "echo noise\nset prompt = x\n").unwrap();
    let noisy = home.to_str().unwrap();
    let asked = |options: &[&str]| {
        let server = Server::up(dir.path(), "modern", options);
        ask(dir.path(), &server.target(), &server.by_key())
    };
    assert_eq!(asked(&["--home", noisy]).answered().user_id(), "0");
    if sshd::there_is("/bin/tcsh") {
        let csh = ["--shell", "/bin/tcsh", "--home", noisy];
        assert_eq!(asked(&csh).answered().user_id(), "0");
    }
    let nologin = asked(&["--shell", "/usr/sbin/nologin"]);
    failed_as(dir.path(), &nologin, "shell", LIMIT);
    assert!(nologin.reason().contains("not available"), "{}", nologin.reason());
    failed_as(dir.path(), &asked(&["--shell", "/bin/false"]), "shell", LIMIT);
    if !sshd::there_is("/usr/bin/sudo") {
        return;
    }
    let asks = asked(&["--account", "lab", "--sudo", "asks"]);
    assert_eq!(asks.answered().user_id(), "4242", "it goes on without");
    assert_eq!(outcome(&judged(dir.path(), &asks), "mt.root-access"), "fail");
    let free = ["--account", "lab", "--sudo", "free"];
    assert_eq!(asked(&free).answered().user_id(), "0");
    if sshd::there_is("/bin/tcsh") {
        assert_eq!(
            asked(&[&free[..], &["--shell", "/bin/tcsh"]].concat()).answered().user_id(),
            "0"
        );
    }
}
