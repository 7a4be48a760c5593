//! The self-check's script, run for real under every shell there is on a machine that is a
//! directory: old captures stay whole whatever happens, and what is said was found.
//!
//! Not for how the program reads captures (`transport::capture`), nor for a machine that boots.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test file")]

#[path = "firstboot/machine.rs"]
mod machine;
mod program;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use machine::{Ended, Machine, Shell, ended, mode};
use preflight::assets::Assets;
use preflight::installer::self_check::{SelfCheck, render};
use preflight::installer::service::InitSystem;
use preflight::transport::capture;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

const ISSUE: &str = "CentOS release 6.6 (Final)\nKernel \\r on an \\m\n\n";

/// A collector that answers at once.
const QUICK: &str = "FRAME=\"::${PREFLIGHT_NONCE:-@$$}\"\nprintf '\\n%s begin preflight-script/1\\n\
                     %s probe user\\n0\\n\\n%s status 0\\n%s end\\n' \"$FRAME\" \"$FRAME\" \
                     \"$FRAME\" \"$FRAME\"\n";

/// A judge that finds two blockers.
const JUDGE: &str = "#!/bin/sh\necho \"$*\" >> \"$PREFLIGHT_ROOT/judged\"\n\
    echo 'PREFLIGHT CRITICAL - mt1: blocked: 2 blockers, 1 unknown, 1 warning|blockers=2;;0;0;42'\n\
    printf 'CRITICAL mt1: agent.installed: there is \\\\r \\033[31mno agent\\n'\n\
    echo 'CRITICAL mt1: retention.mounted: nothing is mounted'\n\
    echo 'UNKNOWN mt1: ports.cs: nobody can tell'\necho 'WARNING mt1: mt.sizing-ram: 4 GiB'\nexit 2\n";

fn shells() -> impl Iterator<Item = Shell> {
    Shell::ALL.into_iter().filter(|shell| shell.available())
}

fn machine(shell: Shell) -> Machine {
    let machine = Machine::new(shell);
    let check = SelfCheck {
        init: InitSystem::SysV,
        keep: 3,
        server: Some("cs01.example.test".into()),
        retention: "/mnt/retention".into(),
        scsi_id: "/lib/udev/scsi_id".into(),
    };
    for file in render(&check, &Assets::embedded()).unwrap() {
        machine.write(file.name.trim_start_matches("preflight-"), &file.text);
        if file.name == "preflight-collect" {
            machine.write("usr/libexec/preflight-collect", QUICK);
        }
    }
    machine
}

fn run(machine: &Machine, action: &str) -> Ended {
    ended(machine.command_of("selfcheck", action).spawn().unwrap())
}

fn captures(machine: &Machine) -> Vec<String> {
    let Ok(entries) = fs::read_dir(machine.path("var/lib/preflight")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("selfcheck-"))
        .collect();
    names.sort();
    names
}

fn leftovers(machine: &Machine) -> Vec<String> {
    ["etc", "var/lib/preflight"]
        .iter()
        .flat_map(|dir| fs::read_dir(machine.path(dir)).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("selfcheck-new"))
        .collect()
}

/// Every capture there is holds a whole answer.
fn all_whole(machine: &Machine) {
    for name in captures(machine) {
        let text = machine.read(&format!("var/lib/preflight/{name}"));
        let read = capture::parse(&text, "x").unwrap();
        assert!(
            read.answers.ended
                && read.text(preflight::facts::probe::ProbeName::new("user")).is_ok(),
            "{name}: {text:?}"
        );
    }
}

#[test]
fn the_last_captures_are_kept_for_root_alone_and_judged() {
    for shell in shells() {
        let machine = machine(shell);
        machine.write_program("opt/preflight/preflight", JUDGE);
        assert_eq!(run(&machine, "status").code, 3, "{shell:?}");
        for _ in 0..12 {
            let ran = run(&machine, "run");
            assert_eq!(ran.code, 0, "{shell:?}: {ran:?}");
        }
        assert_eq!(
            captures(&machine),
            ["00000010", "00000011", "00000012"].map(|n| format!("selfcheck-{n}.capture")),
            "{shell:?}"
        );
        all_whole(&machine);
        let newest = machine.path("var/lib/preflight/selfcheck-00000012.capture");
        assert_eq!(mode(&newest), 0o600);
        assert_eq!(
            machine.read("judged").lines().last().unwrap(),
            format!(
                "check host capture:{} --format nagios --retention /mnt/retention --cs \
                 cs01.example.test",
                newest.display()
            )
        );
        let read = capture::read(&machine.path("var/lib/preflight")).unwrap();
        assert_eq!((read.len(), read[0].target.as_str()), (1, "mt1.example.com"));
        assert!(read[0].asked_at.is_some());
        assert_eq!(run(&machine, "status").code, 1);
        assert_eq!(leftovers(&machine), Vec::<String>::new());
    }
}

#[test]
fn the_login_screen_has_one_block_and_keeps_the_rest() {
    for shell in shells() {
        let machine = machine(shell);
        machine.write_program("opt/preflight/preflight", JUDGE);
        run(&machine, "run");
        let first = machine.read("etc/issue");
        let block = first.strip_prefix(ISSUE).expect("what stood there stays");
        let lines: Vec<&str> = block.lines().collect();
        assert_eq!(lines[0], "--- preflight self-check ---");
        assert!(
            lines[1].starts_with("self-check: NOT READY for reprotect ("),
            "{shell:?}: {block}"
        );
        assert_eq!(
            &lines[2..],
            [
                "  blocked: 2 blockers, 1 unknown, 1 warning",
                // Nothing that a terminal or getty would take for an order.
                "  BLOCKS  agent.installed: there is r [31mno agent",
                "  BLOCKS  retention.mounted: nothing is mounted",
                "  unknown ports.cs: nobody can tell",
                "  warning mt.sizing-ram: 4 GiB",
                "--- end of preflight self-check ---",
            ],
            "{shell:?}"
        );
        assert!(machine.read("dev/console").contains("BLOCKS  retention.mounted"));
        machine.write("etc/issue", &format!("{first}Ask Ann.\n"));
        run(&machine, "run");
        let again = machine.read("etc/issue");
        assert!(again.starts_with(&format!("{ISSUE}Ask Ann.\n--- preflight")), "{again}");
        assert_eq!(again.matches("--- preflight self-check ---").count(), 1);
        assert_eq!(mode(&machine.path("etc/issue")), 0o644);
        // The block's end was cut away by somebody: nothing of what else stands there is lost.
        machine.write("etc/issue", &format!("{ISSUE}--- preflight self-check ---\nAsk Bob.\n"));
        run(&machine, "show");
        assert!(machine.read("etc/issue").starts_with(&format!("{ISSUE}Ask Bob.\n--- ")));
    }
}

#[test]
fn a_judge_that_does_not_run_leaves_capture_and_plain_words() {
    let broken = [
        ("exit status 137", "#!/bin/sh\nkill -9 $$\n"),
        ("exit status 139", "#!/bin/sh\nkill -SEGV $$\n"),
        ("exit status 2", "#!/bin/sh\nexit 2\n"),
        // What its exit status says is not what it says.
        ("exit status 0", "#!/bin/sh\nexit 0\n"),
        ("exit status 0", "#!/bin/sh\necho 'PREFLIGHT CRITICAL - mt1: blocked|x'\nexit 0\n"),
        ("exit status 1", "#!/bin/sh\necho 'PREFLIGHT OK - mt1: clear|x'\nexit 1\n"),
        ("exit status 126", "#!/no/such/loader\n"),
        ("exit status 126", "\u{7f}ELF"),
    ];
    for shell in shells() {
        for (reason, text) in broken {
            let machine = machine(shell);
            machine.write_program("opt/preflight/preflight", text);
            let ran = run(&machine, "run");
            let said = machine.read("etc/issue");
            assert_eq!(ran.code, 0, "{shell:?}: {ran:?}");
            assert_eq!(captures(&machine).len(), 1, "{shell:?} {text:?}");
            // How an exec that fails is told differs between shells.
            let told = match reason.ends_with("126") {
                true => "self-check: asked, but the program does not run here (exit status ".into(),
                false => format!("self-check: asked, but the program does not run here ({reason})"),
            };
            assert!(said.contains(&told), "{shell:?} {text:?}: {said}");
            for words in
                ["/mnt/retention is NOT mounted", "NO agent is installed", "--newest-capture"]
            {
                assert!(said.contains(words), "{shell:?}: {said}");
            }
            assert!(said.contains("ssh://root@192.0.2.5"), "{said}");
            assert_eq!(run(&machine, "status").code, 3);
        }
        // What the program says of itself is told to its end, whatever the width of the screen.
        let machine = machine(shell);
        machine.write_program(
            "opt/preflight/preflight",
            "#!/bin/sh\nprintf '\\npreflight: no random numbers are to be had from this kernel, nor from \
             /dev/urandom: Function not implemented \\033[2J(os error 38)\\nmore\\n' >&2\nexit 2\n",
        );
        run(&machine, "run");
        let said = machine.read("etc/issue").replace("\n ", "");
        for words in
            ["(exit status 2)", "no random numbers", "Function not implemented", "(os error 38)"]
        {
            assert!(said.contains(words), "{shell:?}: {said}");
        }
        assert!(!said.contains('\u{1b}'), "{shell:?}: {said}");
        let machine = self::machine(shell);
        run(&machine, "run");
        assert!(
            machine
                .read("etc/issue")
                .contains("asked, but no program here can evaluate the answers")
        );
        machine.write("proc/mounts", "/dev/sdb /mnt/retention ext4 rw 0 0\n");
        machine.write("var/lib/preflight/status", "state: pending\nreason: no SCSI id\n");
        run(&machine, "run");
        let said = machine.read("etc/issue");
        assert!(said.contains("/mnt/retention is mounted"), "{said}");
        assert!(said.contains("setup is pending: no SCSI id"), "{said}");
    }
}

#[test]
fn answers_that_do_not_come_to_their_end_are_not_kept() {
    let spoilt = [
        ("", "nothing"),
        ("kill -9 $$\n", "killed"),
        ("printf '::%s begin preflight-script/1\\n' \"$PREFLIGHT_NONCE\"\n", "cut short"),
        ("printf '::0123 begin preflight-script/1\\n::0123 end\\n'\n", "another nonce"),
        ("exec yes\n", "too much"),
    ];
    for shell in shells() {
        for (collector, what) in spoilt {
            let machine = machine(shell);
            run(&machine, "run");
            machine.write("usr/libexec/preflight-collect", collector);
            let ran = run(&machine, "run");
            assert_eq!(ran.code, 0, "{shell:?} {what}");
            assert_eq!(captures(&machine), ["selfcheck-00000001.capture"], "{shell:?} {what}");
            all_whole(&machine);
            assert!(
                machine.read("etc/issue").contains("self-check: this machine could not be asked")
                    && machine.read("etc/issue").contains("or there is no room on /var")
            );
            assert_eq!(leftovers(&machine), Vec::<String>::new(), "{what}");
            assert_eq!(run(&machine, "status").code, 3);
        }
    }
}

#[test]
fn a_start_returns_at_once_and_ends_by_itself() {
    for shell in shells() {
        let machine = machine(shell);
        // The collector ends when it is told to, and not before: a start that waited for it would never return.
        let told = machine.path("tmp-told");
        let waits = format!("while [ ! -e '{}' ]; do sleep 0.1; done\n{QUICK}", told.display());
        machine.write("usr/libexec/preflight-collect", &waits);
        let status = machine
            .command_of("selfcheck", "start")
            .env("PREFLIGHT_DELAY", "0")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "{shell:?}");
        // One at a time.
        while !machine.exists("var/lib/preflight/selfcheck.lock") {
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(200));
        assert!(run(&machine, "run").text.contains("another one is at work"), "{shell:?}");
        std::fs::write(&told, "").unwrap();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !machine.read("etc/issue").contains("end of preflight self-check") {
            assert!(Instant::now() < deadline, "{shell:?}: it did not end");
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(captures(&machine).len(), 1);
    }
}

#[test]
fn killed_at_any_time_old_captures_and_the_login_screen_stay_whole() {
    let mut cut = 0;
    for round in 0..60u32 {
        let machine = machine(Shell::Sh);
        machine.write_program("opt/preflight/preflight", JUDGE);
        run(&machine, "run");
        let before = machine.read("var/lib/preflight/selfcheck-00000001.capture");
        let mut command = machine.command_of("selfcheck", "run");
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(Duration::from_millis(u64::from(round) * 3));
        let pid = Pid::from_child(&child);
        let _ = if round % 2 == 0 {
            kill_process_group(pid, Signal::KILL)
        } else {
            kill_process(pid, Signal::KILL)
        };
        cut += u32::from(!child.wait().unwrap().success());
        thread::sleep(Duration::from_millis(60));
        assert_eq!(machine.read("var/lib/preflight/selfcheck-00000001.capture"), before);
        all_whole(&machine);
        let issue = machine.read("etc/issue");
        assert!(issue.starts_with(ISSUE), "{issue:?}");
        assert!(issue.ends_with("--- end of preflight self-check ---\n"), "{issue:?}");
        // The next one clears up and goes on, once what outlived the kill has ended.
        while run(&machine, "run").text.contains("another one is at work") {
            thread::sleep(Duration::from_millis(20));
        }
        all_whole(&machine);
        assert_eq!(leftovers(&machine), Vec::<String>::new());
    }
    eprintln!("{cut} of 60 runs were cut short");
    assert!(cut > 5, "the kills came too late to prove anything");
}

#[test]
fn on_a_full_disk_old_captures_stay_whole() {
    // A file system of its own that is full, in a private mount namespace.
    let script = r#"
mount -t tmpfs -o size=64k none "$1/var/lib/preflight" || exit 77
cp "$1/old" "$1/var/lib/preflight/selfcheck-00000001.capture"
room=$2
dd if=/dev/zero of="$1/var/lib/preflight/filler" bs=1k count=$((60 - room)) 2>/dev/null
shift 2
"$@"
cmp "$PREFLIGHT_ROOT/old" "$PREFLIGHT_ROOT/var/lib/preflight/selfcheck-00000001.capture" || exit 3
ls "$PREFLIGHT_ROOT/var/lib/preflight" > "$PREFLIGHT_ROOT/listing"
for file in "$PREFLIGHT_ROOT"/var/lib/preflight/selfcheck-*.capture; do
  tail -n 1 "$file" | grep -q ' end$' || exit 4
done
"#;
    for room in [0, 4, 8, 12, 20, 60] {
        let machine = machine(Shell::Sh);
        // 16 KiB of an answer, so that there may be room for a part of it.
        let body = QUICK.replace(
            "printf",
            "filler=$(dd if=/dev/zero bs=1k count=16 2>/dev/null | tr '\\000' x)\nprintf",
        );
        let body = body.replace("user\\n0\\n\\n", "user\\n0\\n\\n%s probe big\\n$filler\\n\\n");
        let body = body.replacen("'\\n%s begin", "\"\\n%s begin", 1).replacen(
            "end\\n' ",
            "end\\n\" \"$FRAME\" ",
            1,
        );
        machine.write("usr/libexec/preflight-collect", &body);
        fs::create_dir_all(machine.path("var/lib/preflight")).unwrap();
        run(&machine, "run");
        fs::rename(
            machine.path("var/lib/preflight/selfcheck-00000001.capture"),
            machine.path("old"),
        )
        .unwrap();
        let output = Command::new("unshare")
            .args(["-m", "--propagation", "private", "sh", "-c", script, "sh"])
            .arg(machine.path(""))
            .arg(room.to_string())
            .args(["sh"])
            .arg(machine.path("selfcheck"))
            .arg("run")
            .env("PREFLIGHT_ROOT", machine.path("").to_str().unwrap().trim_end_matches('/'))
            .env("PREFLIGHT_PATH", format!("{}:/usr/bin:/bin", machine.path("stubs").display()))
            .output();
        match output {
            Ok(output) if output.status.code() == Some(77) || !have_unshare() => {
                return machine::skipped("no mount namespace of its own (needs root)");
            }
            Err(_) => return machine::skipped("no unshare"),
            Ok(output) => {
                assert!(output.status.success(), "room for {room} KiB: {output:?}");
                let listing = machine.read("listing");
                assert_eq!(
                    listing.contains("selfcheck-00000002.capture"),
                    room == 60,
                    "room for {room} KiB: {listing}"
                );
                assert!(!listing.contains("selfcheck-new"), "{listing}");
                assert!(machine.read("etc/issue").starts_with(ISSUE));
            }
        }
    }
}

fn have_unshare() -> bool {
    Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success())
}

/// The real questions, and the real program to evaluate the answers.
#[test]
fn the_real_program_judges_the_real_answers() {
    for shell in shells() {
        let machine = machine(shell);
        let questions = machine.read("collect");
        machine.write("usr/libexec/preflight-collect", &questions);
        fs::create_dir_all(machine.path("opt/preflight")).unwrap();
        std::os::unix::fs::symlink(program::binary(), machine.path("opt/preflight/preflight"))
            .unwrap();
        run(&machine, "run");
        let text = machine.read("var/lib/preflight/selfcheck.status");
        assert!(text.starts_with("self-check: NOT READY for reprotect ("), "{shell:?}: {text}");
        assert!(text.contains("  BLOCKS  agent.installed: there is no"), "{shell:?}: {text}");
        let read = capture::read(&machine.path("var/lib/preflight")).unwrap();
        assert!(read[0].answers.ended);
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    if !machine::have("shellcheck") {
        return machine::skipped("shellcheck is not installed");
    }
    let machine = machine(Shell::Sh);
    let output = Command::new("shellcheck")
        .args(["--shell=sh", "--severity=style"])
        .arg(machine.path("selfcheck"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
