//! The registration script, run for real under every shell there is, against an agent that notes
//! what it was given: the right commands of each era, and a passphrase that is nowhere else.
//!
//! Not for a real Unified Agent, which is not to be had.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test file")]

#[path = "firstboot/machine.rs"]
mod machine;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use machine::{Machine, Shell};
use preflight::assets::Assets;
use preflight::installer::registration::{RegistrationCommands, RegistrationServer, render};
use preflight::installer::service::InitSystem;

const SECRET: &str = "Canary-5e1f-Passphrase";

/// An installer of early 2017: one command. It notes its arguments and what the file holds.
const INSTALLER: &str = r#"#!/bin/sh
# -R MasterTarget
R=$PREFLIGHT_ROOT
for word in "$@"; do case $last in -P) file=$word;; -i) server=$word;; esac; last=$word; done
echo "install $*" >> "$R/agent-calls"
cat "/proc/$PPID/cmdline" "/proc/$$/cmdline" "/proc/$$/environ" >> "$R/seen" 2>/dev/null
stat -c %a "$file" >> "$R/modes"
echo "the passphrase is [$(cat "$file")]"
if [ "$(cat "$file")" != "$(cat "$R/right")" ]; then echo 'Passphrase is invalid'; exit 9; fi
[ ! -e "$R/exit" ] || exit "$(cat "$R/exit")"
mkdir -p "$R/usr/local/ASR/Vx/etc"
echo VERSION=9.8.0.0 > "$R/usr/local/.vx_version"
echo "Hostname=$server" > "$R/usr/local/ASR/Vx/etc/drscout.conf"
"#;

/// A later one: it installs, and another program registers.
const LATER: &str = r#"#!/bin/sh
# -v VmWare
R=$PREFLIGHT_ROOT
echo "install $*" >> "$R/agent-calls"
mkdir -p "$R/usr/local/ASR/Vx/bin" "$R/usr/local/ASR/Vx/etc"
echo VERSION=9.20.0.0 > "$R/usr/local/.vx_version"
cp "$R/configurator" "$R/usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh"
chmod 755 "$R/usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh"
"#;

fn shells() -> impl Iterator<Item = Shell> {
    Shell::ALL.into_iter().filter(|shell| shell.available())
}

/// A master target whose setup is done, and a server that answers.
struct Lab {
    machine: Machine,
    _server: TcpListener,
}

impl Lab {
    fn new(shell: Shell, install: &str) -> Self {
        Self::with(shell, install, RegistrationCommands::Auto)
    }

    fn with(shell: Shell, install: &str, commands: RegistrationCommands) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let machine = Machine::new(shell);
        // The address that the agent is given must be one this machine reaches.
        let server =
            RegistrationServer { address: "cs01.example.test".parse().unwrap(), port, commands };
        let files = render(&server, InitSystem::SysV, "/root", &Assets::embedded()).unwrap();
        let text = &files[0].text;
        assert!(text.contains("server='cs01.example.test'"));
        machine
            .write("register", &text.replace("server='cs01.example.test'", "server='127.0.0.1'"));
        machine.write("var/lib/preflight/finished", "");
        machine.write("right", &format!("{SECRET}\n"));
        machine.write_program("root/install", install);
        machine.write("configurator", &INSTALLER.replace("install $*", "configurator $*"));
        fs::create_dir_all(machine.path("dev/shm")).unwrap();
        Self { machine, _server: listener }
    }

    fn begin(&self) -> Child {
        let mut command = self.machine.command_of("register", "boot");
        command.env("PREFLIGHT_TICK", "0.05");
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    fn offer(&self, text: &str, mode: u32) {
        let path = self.machine.path("root/connection.passphrase");
        let new = self.machine.path("offered");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(mode)).unwrap();
        fs::rename(new, path).unwrap();
    }

    fn field(&self, name: &str) -> String {
        let file = self.machine.read("var/lib/preflight/registration");
        let line = file.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    }

    fn wait_for(&self, what: &str, there: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !there(self) {
            let file = self.machine.read("var/lib/preflight/registration");
            assert!(Instant::now() < deadline, "waited for {what}: {file}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn ended(&self, mut child: Child) -> i32 {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                panic!("it did not end: {}", self.machine.read("var/lib/preflight/registration"));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The secret is in no file but the two that the test made itself, and was on no command line
    /// nor in the environment of what was run.
    fn nowhere(&self, secret: &str) {
        let known = [self.machine.path("right"), self.machine.path("dev/tty8")];
        for entry in walkdir::WalkDir::new(self.machine.path("")) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() && !known.iter().any(|path| path == entry.path()) {
                let bytes = fs::read(entry.path()).unwrap();
                let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!found, "{} has the passphrase", entry.path().display());
            }
        }
        assert_eq!(fs::read_dir(self.machine.path("dev/shm")).unwrap().count(), 0);
        assert!(!self.machine.exists("root/connection.passphrase"));
    }

    fn calls(&self) -> Vec<String> {
        let root = self.machine.path("").display().to_string();
        let root = root.trim_end_matches('/');
        let text = self.machine.read("agent-calls").replace(root, "");
        text.lines()
            .map(|line| {
                let (start, file) = line.split_once(" -P ").unwrap_or((line, ""));
                match file.starts_with("/dev/shm/preflight-register.")
                    && file.ends_with("/passphrase")
                {
                    true => format!("{start} -P MEMORY"),
                    false => line.to_owned(),
                }
            })
            .collect()
    }
}

#[test]
fn each_era_is_registered_by_its_own_commands() {
    for shell in shells() {
        let one = |port| {
            vec![format!(
                "install -t both -a host -R MasterTarget -d /usr/local/ASR -i 127.0.0.1 -p {port} \
                 -s y -c https -P MEMORY"
            )]
        };
        let two = |_| {
            vec![
                "install -q -d /usr/local/ASR -r MT -v VmWare".to_owned(),
                "configurator -i 127.0.0.1 -P MEMORY".to_owned(),
            ]
        };
        type Calls<'a> = &'a dyn Fn(u16) -> Vec<String>;
        let cases: [(&str, RegistrationCommands, Calls<'_>); 3] = [
            (INSTALLER, RegistrationCommands::Auto, &one),
            (LATER, RegistrationCommands::Auto, &two),
            (INSTALLER, RegistrationCommands::Installer, &one),
        ];
        for (install, commands, calls) in cases {
            let lab = Lab::with(shell, install, commands);
            lab.offer(&format!("{SECRET}\r\n"), 0o600);
            assert_eq!(lab.ended(lab.begin()), 0, "{shell:?}: {}", lab.field("reason"));
            let port = lab._server.local_addr().unwrap().port();
            assert_eq!(lab.calls(), calls(port), "{shell:?}");
            assert_eq!(lab.machine.read("modes"), "600\n");
            assert_eq!(lab.field("state"), "registered");
            assert_eq!(lab.machine.count("chkconfig preflight-register off"), 1);
            assert!(lab.machine.read("var/lib/preflight/register.log").contains("[***]"));
            lab.nowhere(SECRET);
            // Once is enough.
            assert_eq!(lab.ended(lab.begin()), 0);
            assert_eq!(lab.calls(), calls(port));
        }
    }
}

#[test]
fn it_waits_and_says_so_and_takes_nothing_that_others_may_read() {
    for shell in shells() {
        let lab = Lab::new(shell, INSTALLER);
        lab.machine.remove("var/lib/preflight/finished");
        let child = lab.begin();
        lab.wait_for("setup", |l| l.field("reason").contains("setup of this master target"));
        lab.machine.write("var/lib/preflight/finished", "");
        lab.wait_for("passphrase", |l| {
            l.field("reason").contains("passphrase of 127.0.0.1 is needed")
        });
        let why = |text: &str| {
            let text = text.to_owned();
            lab.wait_for(&text, |l| l.field("reason").contains(&text));
        };
        lab.offer(SECRET, 0o644);
        why("others may read it");
        lab.offer("", 0o600);
        why("it is empty");
        lab.offer(&format!("\u{feff}{SECRET}"), 0o600);
        why("characters that no passphrase has");
        lab.offer(&"x".repeat(300), 0o600);
        why("longer than 256");
        fs::remove_file(lab.machine.path("root/connection.passphrase")).unwrap();
        std::os::unix::fs::symlink("/dev/null", lab.machine.path("root/connection.passphrase"))
            .unwrap();
        why("not a regular file");
        assert!(lab.calls().is_empty(), "{shell:?}");
        lab.offer(SECRET, 0o400);
        assert_eq!(lab.ended(child), 0, "{shell:?}");
        lab.nowhere(SECRET);
    }
}

#[test]
fn the_console_is_asked_too() {
    for shell in shells() {
        let lab = Lab::new(shell, INSTALLER);
        // A file stands in for the console: its first lines are what somebody types.
        lab.machine.write("dev/tty8", &format!("\n{SECRET}\n"));
        assert_eq!(lab.ended(lab.begin()), 0, "{shell:?}: {}", lab.field("reason"));
        assert_eq!(lab.field("state"), "registered");
        let console = lab.machine.read("dev/tty8");
        assert!(console.contains("Passphrase of the configuration server: "), "{console}");
        assert!(console.contains("Not taken: it is empty."), "{console}");
        assert_eq!(console.matches(SECRET).count(), 1, "{console}");
        lab.nowhere(SECRET);
    }
}

#[test]
fn a_refused_passphrase_is_told_destroyed_and_asked_for_anew() {
    for shell in shells() {
        let lab = Lab::new(shell, INSTALLER);
        lab.offer("Canary-wrong-one", 0o600);
        let child = lab.begin();
        lab.wait_for("refusal", |l| l.field("reason").contains("127.0.0.1 refused the one before"));
        assert_eq!(lab.field("state"), "waiting");
        assert!(!lab.machine.exists("root/connection.passphrase"), "{shell:?}");
        assert_eq!(lab.calls().len(), 1);
        lab.offer(SECRET, 0o600);
        assert_eq!(lab.ended(child), 0);
        assert_eq!(lab.calls().len(), 2);
        lab.nowhere(SECRET);
        lab.nowhere("Canary-wrong-one");
    }
}

#[test]
fn other_failures_are_tried_three_times_and_an_exit_status_proves_nothing() {
    for shell in shells() {
        let lab = Lab::new(shell, INSTALLER);
        lab.machine.write("exit", "5");
        lab.offer(SECRET, 0o600);
        assert_eq!(lab.ended(lab.begin()), 1, "{shell:?}");
        assert_eq!(lab.calls().len(), 3);
        assert_eq!(lab.field("state"), "failed");
        assert!(
            lab.field("reason").contains("exit status 5, three times"),
            "{}",
            lab.field("reason")
        );
        lab.nowhere(SECRET);

        let lab = Lab::new(shell, INSTALLER);
        lab.machine.write("exit", "0");
        lab.offer(SECRET, 0o600);
        assert_eq!(lab.ended(lab.begin()), 1);
        assert!(lab.field("reason").contains("its configuration does not name 127.0.0.1"));
        assert!(!lab.machine.exists("var/lib/preflight/registered"));
    }
}

#[test]
fn nothing_is_sent_to_a_server_that_does_not_answer() {
    for shell in shells() {
        let lab = Lab::new(shell, INSTALLER);
        let port = lab._server.local_addr().unwrap().port();
        let Lab { machine, _server } = lab;
        drop(_server);
        let lab = Lab { machine, _server: TcpListener::bind("127.0.0.1:0").unwrap() };
        lab.offer(SECRET, 0o600);
        let mut child = lab.begin();
        let silent = format!("127.0.0.1 does not answer on port {port}");
        lab.wait_for("silence", |l| l.field("reason").starts_with(&silent));
        assert!(lab.calls().is_empty());
        let _server = TcpListener::bind(("127.0.0.1", port));
        if _server.is_err() {
            // Somebody else took the port meanwhile; what counts was seen.
            child.kill().unwrap();
            child.wait().unwrap();
            continue;
        }
        assert_eq!(lab.ended(child), 0, "{shell:?}");
        lab.nowhere(SECRET);
    }
}

#[test]
fn an_agent_that_asks_questions_is_left_to_a_person() {
    let lab = Lab::new(Shell::Sh, "#!/bin/sh\necho 'choose a role'\n");
    lab.offer(SECRET, 0o600);
    assert_eq!(lab.ended(lab.begin()), 1);
    assert!(lab.field("do").contains("register it by hand"));
    assert!(lab.calls().is_empty());
    lab.nowhere(SECRET);
    let configured = Lab::new(Shell::Sh, INSTALLER);
    configured.machine.write("usr/local/.vx_version", "VERSION=9.8.0.0\n");
    configured.machine.write("usr/local/ASR/Vx/etc/drscout.conf", "Hostname=127.0.0.1\n");
    assert_eq!(configured.ended(configured.begin()), 0);
    assert!(configured.calls().is_empty());
}

#[test]
fn stopped_or_killed_it_leaves_no_passphrase_behind_for_long() {
    for shell in shells() {
        for (signal, at_once) in [("TERM", true), ("KILL", false)] {
            let lab = Lab::new(shell, &INSTALLER.replace("# -R", "sleep 1 # -R"));
            lab.machine
                .write_program("root/install", "#!/bin/sh\n# MasterTarget\nsleep 0.5\nexit 5\n");
            lab.machine.write("dev/tty8", &format!("{SECRET}\n"));
            let mut child = lab.begin();
            lab.wait_for("the agent", |l| l.field("reason").starts_with("registering"));
            Command::new("kill")
                .args([&format!("-{signal}"), &child.id().to_string()])
                .status()
                .unwrap();
            child.wait().unwrap();
            if at_once {
                lab.nowhere(SECRET);
            }
            thread::sleep(Duration::from_millis(700));
            // The next start clears up what a kill left in memory.
            lab.machine.write("var/lib/preflight/registered", "");
            assert_eq!(lab.ended(lab.begin()), 0, "{shell:?} {signal}");
            lab.nowhere(SECRET);
        }
    }
}

#[test]
fn only_what_it_made_itself_is_destroyed() {
    use std::os::unix::fs::{chown, symlink};
    for shell in shells() {
        let lab = Lab::new(shell, INSTALLER);
        let shm = lab.machine.path("dev/shm");
        let victims = lab.machine.path("victims");
        let make = |path: &std::path::Path, mode: u32| {
            fs::create_dir_all(path).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        make(&victims, 0o700);
        let victim = |name: &str| {
            let path = victims.join(name);
            fs::write(&path, "precious").unwrap();
            path
        };
        let as_nobody = |path: &std::path::Path| match chown(path, Some(65534), Some(65534)) {
            Ok(()) => true,
            Err(_) => {
                machine::skipped("only root can give a file to somebody else");
                false
            }
        };
        // A link in a directory of somebody else's, in one that others may enter, and a hard link.
        let mut left = Vec::new();
        for (name, mode, foreign) in
            [("one", 0o700, true), ("two", 0o755, false), ("three", 0o777, true)]
        {
            let dir = shm.join(format!("preflight-register.{name}"));
            make(&dir, mode);
            symlink(victim(&format!("{name}-link")), dir.join("passphrase")).unwrap();
            fs::hard_link(victim(&format!("{name}-hard")), dir.join("said")).unwrap();
            if !foreign || as_nobody(&dir) {
                left.push(dir);
            }
        }
        // A link to a directory that is root's own and has the right mode; a file; a pipe.
        symlink(&victims, shm.join("preflight-register.dir")).unwrap();
        symlink(victim("file"), shm.join("preflight-register.file")).unwrap();
        victim("inside");
        fs::write(shm.join("preflight-register.plain"), "precious").unwrap();
        // Its own, as a kill leaves it, with something in it that is none of its own.
        let own = shm.join("preflight-register.own");
        make(&own, 0o700);
        fs::write(own.join("passphrase"), SECRET).unwrap();
        symlink(victim("own-link"), own.join("keep.new")).unwrap();
        fs::hard_link(victim("own-hard"), own.join("said")).unwrap();
        lab.machine.write("var/lib/preflight/registered", "");
        assert_eq!(lab.ended(lab.begin()), 0, "{shell:?}");
        for entry in fs::read_dir(&victims).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(fs::read_to_string(&path).unwrap(), "precious", "{shell:?}: {path:?}");
        }
        assert!(!own.exists(), "{shell:?}");
        for dir in left {
            assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "{shell:?}: {dir:?}");
        }
        assert!(shm.join("preflight-register.plain").exists());
    }
}

#[test]
fn what_an_offered_link_leads_to_is_not_overwritten() {
    for shell in shells() {
        for hard in [false, true] {
            let lab = Lab::new(shell, INSTALLER);
            lab.machine.write("dev/tty8", &format!("{SECRET}\n"));
            lab.machine.write("victim", "precious");
            let offered = lab.machine.path("root/connection.passphrase");
            let victim = lab.machine.path("victim");
            fs::set_permissions(&victim, fs::Permissions::from_mode(0o600)).unwrap();
            match hard {
                true => fs::hard_link(&victim, offered).unwrap(),
                false => std::os::unix::fs::symlink(&victim, offered).unwrap(),
            }
            assert_eq!(lab.ended(lab.begin()), 0, "{shell:?}: {}", lab.field("reason"));
            assert_eq!(lab.machine.read("victim"), "precious", "{shell:?}");
            lab.nowhere(SECRET);
        }
    }
}

#[test]
fn registered_is_only_who_names_this_very_server() {
    let cases = [
        ("Hostname=127.0.0.1", true),
        ("[vxtransport]\nHostname = \"127.0.0.1\"\r\nPort = 443", true),
        ("HOST_NAME = '127.0.0.1'", true),
        ("Hostname=127.0.0.12", false),
        ("Hostname=1127.0.0.1", false),
        ("Hostname=127x0.0.1", false),
        ("Hostname=127.0.0.1.example.test", false),
        ("Hostname=", false),
        ("#Hostname=127.0.0.1", false),
        (" ; Hostname=127.0.0.1", false),
        ("OldHostname=127.0.0.1", false),
        ("Log=of 127.0.0.1", false),
        // Two that contradict each other name nobody.
        ("Hostname=127.0.0.1\nHostname=127.0.0.12", false),
        ("Hostname=127.0.0.12\nHostname=127.0.0.1", false),
        ("", false),
    ];
    for shell in shells() {
        for (conf, registered) in cases {
            let lab = Lab::new(shell, LATER);
            lab.machine.write("usr/local/.vx_version", "VERSION=9.20.0.0\n");
            fs::create_dir_all(lab.machine.path("usr/local/ASR/Vx/bin")).unwrap();
            lab.machine.write("usr/local/ASR/Vx/etc/drscout.conf", &format!("{conf}\n"));
            lab.machine.write_program(
                "usr/local/ASR/Vx/bin/UnifiedAgentConfigurator.sh",
                &INSTALLER.replace("install $*", "configurator $*"),
            );
            lab.offer(SECRET, 0o600);
            assert_eq!(lab.ended(lab.begin()), 0, "{shell:?}: {conf:?}: {}", lab.field("reason"));
            assert_eq!(lab.calls().is_empty(), registered, "{shell:?}: {conf:?}");
        }
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    if !machine::have("shellcheck") {
        return machine::skipped("shellcheck is not installed");
    }
    let lab = Lab::new(Shell::Sh, INSTALLER);
    let output = Command::new("shellcheck")
        .args(["--shell=sh", "--severity=style"])
        .arg(lab.machine.path("register"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
