//! Questions on a real terminal: they are seen whatever is drawn beside them, end with the host's
//! time, and leave the terminal as it was.

use std::fs;

use super::sshd::{self, Server, at_terminal};
use super::{ask, here, program, words};

fn there_is_a_terminal() -> bool {
    sshd::there_are_servers() && sshd::is_root() && program::installed(&["python3"])
}

/// A site of one master target and one ESXi host behind a server.
fn site(dir: &std::path::Path, server: &Server) -> String {
    let path = dir.join("site.yaml");
    let text = format!(
        "vcenter: {{ url: 'vsphere://u@127.0.0.1:1' }}\n\
         master_targets: [ {{ name: mt1, ssh: '{}' }} ]\n",
        server.target()
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_password_prompt_is_seen_and_takes_what_is_typed_after_it() {
    if !there_is_a_terminal() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "password", &[]);
    let (target, out) = (server.target(), dir.path().join("out").display().to_string());
    let known = ["--known-hosts", &server.known_hosts, "--timeout", "15"];
    let log = || fs::read_to_string(server.directory.join("sshd_password.conf.log")).unwrap();
    for command in [
        vec!["check", "host", &target],
        vec!["collect", "host", &target, "-o", &out],
        vec!["check", "esxi", &target],
        vec!["collect", "esxi", &target, "-o", &out],
        vec!["troubleshoot", "datastores are not listed", "--target", &target],
    ] {
        let before = (log().matches("Accepted password").count(), log().matches("Failed").count());
        // What lies in the terminal before the question is no answer to it.
        let typed = format!("type:{}\\n", server.password);
        let steps = ["type:typed-ahead\\n", "unseen:Password of ", "wait:0.7", &typed];
        let screen = at_terminal(dir.path(), &steps, &[&command[..], &known].concat());
        screen.done();
        let (_, behind) = screen.said.split_once("Password of ").unwrap();
        let (_, behind) = behind.split_once(": ").unwrap();
        assert!(behind.trim_start_matches('\r').starts_with('\n'), "{command:?}: {screen:?}");
        assert!(!screen.said.contains(&server.password), "{screen:?}");
        let after = (log().matches("Accepted password").count(), log().matches("Failed").count());
        assert_eq!(after, (before.0 + 1, before.1), "{command:?}: {screen:?}");
    }
}

#[test]
fn a_question_that_nobody_answers_ends_with_the_hosts_time() {
    if !there_is_a_terminal() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "password", &[]);
    let key = Server::up(dir.path(), "modern", &[]);
    let (target, site) = (server.target(), site(dir.path(), &server));
    let known = ["--known-hosts", &server.known_hosts, "--timeout", "2"];
    let (unknown, pinned) = (key.target(), ["--thumbprint", &"AB".repeat(32)]);
    let question = ["unseen:Password of ", "type:half an answ"];
    let is_it = ["see:(yes/no/[fingerprint])", "type:ye"];
    for (steps, command) in [
        (&question[..], [&["check", "host", &target][..], &known].concat()),
        (&question, [&["collect", "host", &target][..], &known].concat()),
        (&question, [&["check", "esxi", &target][..], &known].concat()),
        (&question, [&["check", "site", &site][..], &known].concat()),
        (
            &question,
            [&["check", "vcenter", "vsphere://u@127.0.0.1:1", "--timeout", "2"][..], &pinned]
                .concat(),
        ),
        (&is_it, vec!["check", "host", &unknown, "--timeout", "2"]),
    ] {
        let screen = at_terminal(dir.path(), steps, &command);
        screen.done();
        assert_eq!(screen.code, Some(3), "{command:?}: {screen:?}");
        assert!(screen.took < 9.0, "{command:?}: {screen:?}");
        assert!(screen.words().contains("nobody answered within 2 s"), "{command:?}: {screen:?}");
        assert_eq!(screen.left, "", "{command:?}: half an answer is left for the shell");
    }
    assert!(!dir.path().join(".ssh").exists());
}

#[test]
fn whatever_ends_a_question_the_terminal_shows_again_what_is_typed() {
    if !there_is_a_terminal() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "password", &[]);
    let target = server.target();
    for (step, code) in
        [("type:secr\\x03", 130), ("kill:INT", 130), ("kill:TERM", -15), ("kill:HUP", -1)]
    {
        // What is typed has to be read before the end comes.
        let steps = ["unseen:Password of ", "type:se", "wait:0.5", step];
        let args = ["check", "host", &target, "--known-hosts", &server.known_hosts];
        let screen = at_terminal(dir.path(), &steps, &args);
        screen.done();
        assert_eq!(screen.code, Some(code), "{step}: {screen:?}");
        assert!(screen.took < 9.0, "{step}: {screen:?}");
        assert_eq!(screen.left, "", "{step}");
    }
}

#[test]
fn two_hosts_ask_one_after_the_other() {
    if !there_is_a_terminal() {
        return;
    }
    let dir = here();
    let [one, two] = ["password", "kbdint"].map(|mode| Server::up(dir.path(), mode, &[]));
    let known = dir.path().join("known");
    let both = [&one, &two].map(|server| fs::read_to_string(&server.known_hosts).unwrap());
    fs::write(&known, both.concat()).unwrap();
    let (first, second) = (one.target(), two.target());
    let typed = format!("type:{}\\n", one.password);
    let steps = ["unseen:Password of ", "wait:0.3", &typed, "unseen:Password of ", &typed];
    let known = known.display().to_string();
    let args = ["check", "host", &first, &second, "--known-hosts", &known];
    let screen = at_terminal(dir.path(), &steps, &args);
    screen.done();
    assert!(!screen.words().contains("was refused"), "{screen:?}");
    assert!(!screen.words().contains("nobody answered"), "{screen:?}");
}

#[test]
fn an_unknown_key_is_asked_about_as_openssh_does() {
    if !there_is_a_terminal() {
        return;
    }
    let dir = here();
    let server = Server::up(dir.path(), "modern", &[]);
    let prints = ["ed25519", "rsa", "ecdsa"].map(|kind| server.fingerprint(kind));
    let question = "see:(yes/no/[fingerprint])";
    let typed = |text: &str| format!("type:{text}\\n");
    let wrong = typed("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    let right: Vec<String> = prints.iter().map(|print| typed(print)).collect();
    for (number, (answers, taken)) in [
        (vec![typed("no")], false),
        (vec![wrong], false),
        (vec![typed("maybe"), typed("yes")], true),
        (vec![typed("")], false),
    ]
    .into_iter()
    .chain(right.into_iter().map(|answer| (vec![answer], true)))
    .enumerate()
    {
        let home = dir.path().join(format!("home-{number}"));
        fs::create_dir(&home).unwrap();
        let mut steps = vec![question];
        for answer in &answers {
            let asked_again = if answer.contains("maybe") { "see:Please type" } else { "see:\\n" };
            steps.extend([answer.as_str(), asked_again]);
        }
        let target = server.target();
        let args = ["check", "host", &target, "--identity", &server.key, "--timeout", "4"];
        let screen = at_terminal(&home, &steps, &args);
        screen.done();
        let shown = prints.iter().filter(|print| screen.said.contains(*print)).count();
        assert!(shown >= 1, "{screen:?}");
        let known = fs::read_to_string(home.join(".ssh/known_hosts")).unwrap_or_default();
        // The fingerprint of a key of another type than the one that was shown is a wrong one.
        let shown_print =
            prints.iter().find(|print| screen.words().contains(&format!("fingerprint {print}")));
        let of_other_type =
            answers[0].contains("SHA256:") && !answers[0].contains(shown_print.unwrap());
        let taken = taken && !of_other_type;
        assert_eq!(known.lines().count(), usize::from(taken), "{answers:?}: {screen:?}");
        if taken {
            let again = ask(&home, &server.target(), &words(&["--identity", &server.key]));
            again.answered();
        } else {
            assert_eq!(screen.code, Some(3), "{answers:?}: {screen:?}");
        }
    }
}
