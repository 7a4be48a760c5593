//! A machine that is a directory: what the first-boot script looks at, and stubs for the programs
//! that would need root. Every call of a stub is a line in `calls`.
//!
//! Not a test: the cases are in `tests/firstboot.rs`, `tests/self_check.rs`, `tests/register.rs`.

#![allow(dead_code, reason = "each test program uses a part of this")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use preflight::assets::Assets;
use preflight::installer::first_boot::{DeferredRetention, FirstBoot, render};
use preflight::installer::profile::PackageFormat;
use preflight::installer::service::InitSystem;
use tempfile::TempDir;

pub const WWID: &str = "36000c29f0e1d2c3b4a59687766554433";
pub const RETENTION: &str = "36000c2900000000000000000000beef";

/// A script that does what the real one is known to do: stops with exit 0 when its marker is
/// there, asks on standard input, and takes the end of input for a no.
pub const APPLY: &str = r#"#!/bin/sh
R=$PREFLIGHT_ROOT
echo "$PPID $$" > "$R/pids"
IFS= read -r answer
rest=$(cat)
echo "apply answer=[$answer] rest=[$rest]" >> "$R/calls"
if [ -e "$R/etc/.appliedmtcustomchanges" ]; then echo 'already invoked'; exit 0; fi
[ "$answer" = Y ] || exit 1
cat > "$R/etc/multipath.conf" <<CONF
# written by the custom changes
defaults {
    user_friendly_names no
    find_multipaths no
}
blacklist {
    devnode "^(ram|raw|loop|fd|md|dm-|sr|scd|st)[0-9]*"
    devnode "^cciss!c[0-9]d[0-9]*[p[0-9]*]"
    device {
        vendor "InMage"
    }
    wwid "WWID"
}
CONF
echo 'all steps' > "$R/var/log/appliedmtcustomchanges.log"
: > "$R/etc/.appliedmtcustomchanges"
echo 'COMPLETED' >> "$R/var/log/appliedmtcustomchanges.log"
echo "applied" >> "$R/calls"
"#;

/// Stubs whose names are applets of BusyBox, too.
const STUBBED_APPLETS: [&str; 10] =
    ["blkid", "flock", "hostname", "id", "ip", "mount", "reboot", "rpm", "sync", "uname"];

/// A shell the script is run under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    Sh,
    Dash,
    Bash,
    Busybox,
}

impl Shell {
    pub const ALL: [Self; 4] = [Self::Sh, Self::Dash, Self::Bash, Self::Busybox];

    fn words(self) -> &'static [&'static str] {
        match self {
            Self::Sh => &["/bin/sh"],
            Self::Dash => &["dash"],
            Self::Bash => &["bash", "--posix"],
            Self::Busybox => &["busybox", "sh"],
        }
    }

    /// Whether this machine has it; says so when not, and fails in CI.
    pub fn available(self) -> bool {
        let there = have(self.words()[0]);
        if !there {
            skipped(&format!("{self:?} is not installed"));
        }
        there
    }
}

pub fn have(program: &str) -> bool {
    Command::new("sh")
        .args(["-c", "command -v \"$1\" >/dev/null", "sh", program])
        .status()
        .unwrap()
        .success()
}

pub fn skipped(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "{why}: a skip is a failure in CI");
    eprintln!("SKIPPED: {why}");
}

/// How a start or a status ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub text: String,
}

pub struct Machine {
    dir: TempDir,
    shell: Shell,
}

impl Machine {
    /// A CentOS 6.6 with an agent, on which every gate is open.
    pub fn new(shell: Shell) -> Self {
        Self::with(shell, |_| {})
    }

    /// The same, with the script rendered for something else.
    pub fn with(shell: Shell, change: impl FnOnce(&mut FirstBoot)) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap(), shell };
        let mut boot = FirstBoot {
            init: InitSystem::SysV,
            scsi_id: "/lib/udev/scsi_id".into(),
            release_file: "/etc/redhat-release".into(),
            package_format: PackageFormat::Rpm,
            release_pattern: r"^CentOS release 6\.6 \(Final\)$".into(),
            packages: vec!["device-mapper-multipath".into(), "lsscsi".into()],
            agent_directory: "/root".into(),
            standin: false,
            fill_hosts: true,
            retention: None,
            self_check: true,
        };
        change(&mut boot);
        let files = render(&boot, &Assets::embedded()).unwrap();
        machine.write("firstboot", &files[0].text);
        machine.furnish();
        machine
    }

    pub fn with_retention(shell: Shell) -> Self {
        Self::with(shell, |boot| {
            boot.retention = Some(DeferredRetention {
                multipath_name: RETENTION.into(),
                mount: "/mnt/retention".into(),
            });
        })
    }

    fn furnish(&self) {
        for dir in ["etc", "proc/sys/kernel/random", "var/lib", "var/log", "root", "dev/mapper"] {
            fs::create_dir_all(self.path(dir)).unwrap();
        }
        self.write("etc/redhat-release", "CentOS release 6.6 (Final)\n");
        self.write("etc/issue", "CentOS release 6.6 (Final)\nKernel \\r on an \\m\n\n");
        self.write("etc/hosts", "127.0.0.1 localhost\n");
        self.write("etc/fstab", "/dev/sda2 / ext4 defaults 1 1\n");
        self.write("proc/mounts", "rootfs / rootfs rw 0 0\n/dev/sda2 / ext4 rw 0 0\n");
        for node in ["sda", "sda2", "console"] {
            self.write(&format!("dev/{node}"), "");
        }
        fs::create_dir_all(self.path("sys/devices/host0/block/sda/sda2")).unwrap();
        fs::create_dir_all(self.path("sys/class/block")).unwrap();
        self.write("sys/devices/host0/block/sda/sda2/partition", "2\n");
        symlink("../../devices/host0/block/sda/sda2", self.path("sys/class/block/sda2")).unwrap();
        self.boot_at(1, now() - 100);
        self.set_apply(APPLY);
        self.stub_at(
            "lib/udev/scsi_id",
            &format!("case \"$*\" in *--device=/dev/sda) echo {WWID};; *) exit 1;; esac"),
        );
        let quiet = ["chkconfig", "systemctl", "reboot", "udevadm", "multipath", "restorecon"];
        for name in quiet {
            self.stub(name, "");
        }
        // The scratch directory is on a disk other programs use, too.
        self.stub("sync", "");
        self.stub("flock", "PATH=/usr/bin:/bin exec flock \"$@\"");
        self.stub("id", "echo 0");
        self.stub("uname", "echo x86_64");
        self.stub("hostname", "echo mt1.example.com");
        self.stub("rpm", "[ ! -e \"$PREFLIGHT_ROOT/missing-$2\" ]");
        self.stub("ip", "cat \"$PREFLIGHT_ROOT/addresses\"");
        self.write(
            "addresses",
            "2: eth0    inet 192.0.2.5/24 brd 192.0.2.255 scope global eth0\n\
             3: eth1    inet 198.51.100.7/24 scope global eth1\n",
        );
        self.stub("blkid", "cat \"$PREFLIGHT_ROOT/blkid\" 2>/dev/null || exit 2");
        self.stub("mkfs.ext4", "for last; do :; done; echo 'x: LABEL=\"asr-retention\" UUID=\"1-2\" TYPE=\"ext4\"' > \"$PREFLIGHT_ROOT/blkid\"");
        self.stub(
            "mount",
            "echo \"/dev/mapper/x $1 ext4 rw 0 0\" >> \"$PREFLIGHT_ROOT/proc/mounts\"",
        );
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.dir.path().join(inside)
    }

    pub fn write(&self, inside: &str, text: &str) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, inside: &str) -> String {
        fs::read_to_string(self.path(inside)).unwrap_or_default()
    }

    pub fn exists(&self, inside: &str) -> bool {
        self.path(inside).exists()
    }

    pub fn remove(&self, inside: &str) {
        fs::remove_file(self.path(inside)).unwrap();
    }

    pub fn set_apply(&self, text: &str) {
        self.write_program("root/ApplyCustomChanges.sh", &text.replace("WWID", WWID));
    }

    pub fn write_program(&self, inside: &str, text: &str) {
        // A program that is written while another thread forks is busy for the child; a rename
        // of a closed file is not.
        let new = self.path(&format!("{inside}.new"));
        fs::create_dir_all(new.parent().unwrap()).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "cat > \"$1\" && chmod 755 \"$1\" && mv \"$1\" \"$2\""])
            .arg("sh")
            .args([&new, &self.path(inside)])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// A program of this name that notes its call and then does `body`.
    pub fn stub(&self, name: &str, body: &str) {
        self.stub_at(&format!("stubs/{name}"), body);
    }

    pub fn stub_at(&self, inside: &str, body: &str) {
        let name = inside.rsplit('/').next().unwrap();
        let note = match name {
            "flock" | "id" | "uname" | "rpm" | "hostname" | "ip" | "scsi_id" => String::new(),
            _ => format!("echo \"{name} $*\" >> \"$PREFLIGHT_ROOT/calls\"\n"),
        };
        self.write_program(inside, &format!("#!/bin/sh\n{note}{body}\n"));
    }

    fn boot_at(&self, id: u32, time: u64) {
        self.write("proc/sys/kernel/random/boot_id", &format!("boot-{id}\n"));
        self.write("proc/stat", &format!("cpu 1 2 3\nbtime {time}\nprocesses 9\n"));
    }

    /// Turns the machine off and on.
    pub fn reboot(&self) {
        let before = self.read("proc/sys/kernel/random/boot_id");
        let id: u32 = before.trim().trim_start_matches("boot-").parse().unwrap();
        self.boot_at(id + 1, now() + 10);
        self.write("proc/mounts", "rootfs / rootfs rw 0 0\n/dev/sda2 / ext4 rw 0 0\n");
    }

    /// The same, on a machine whose mounts a test has made up.
    pub fn reboot_keeping_mounts(&self) {
        let mounts = self.read("proc/mounts");
        self.reboot();
        self.write("proc/mounts", &mounts);
    }

    pub fn set_clock_of_boot(&self, time: u64) {
        self.write("proc/stat", &format!("btime {time}\n"));
    }

    pub fn command(&self, action: &str) -> Command {
        self.command_of("firstboot", action)
    }

    /// Another script of the installed system, as the machine's own shell runs it.
    pub fn command_of(&self, script: &str, action: &str) -> Command {
        let words = self.shell.words();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        if self.shell == Shell::Busybox {
            // BusyBox prefers its own applets to any PATH, reboot among them: a function goes
            // before an applet.
            let functions: String = STUBBED_APPLETS
                .iter()
                .map(|name| format!("{name}() {{ \"$PREFLIGHT_ROOT/stubs/{name}\" \"$@\"; }}\n"))
                .collect();
            command.args(["-c", &format!("{functions}. \"$0\"")]);
        }
        command
            .arg(self.path(script))
            .arg(action)
            .env("PREFLIGHT_ROOT", self.dir.path())
            .env("PREFLIGHT_PATH", format!("{}:/usr/bin:/bin", self.path("stubs").display()))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn start(&self) -> Ended {
        ended(self.command("start").spawn().unwrap())
    }

    /// Starts in a process group of its own, to be killed as a whole.
    pub fn start_in_group(&self) -> Child {
        let mut command = self.command("start");
        command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0).spawn().unwrap()
    }

    pub fn status(&self) -> Ended {
        ended(self.command("status").spawn().unwrap())
    }

    /// The word after `state:` in the one file.
    pub fn state(&self) -> String {
        self.field("state")
    }

    pub fn field(&self, name: &str) -> String {
        let file = self.read("var/lib/preflight/status");
        let line = file.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_default().to_owned()
    }

    pub fn calls(&self) -> Vec<String> {
        self.read("calls").lines().map(str::to_owned).collect()
    }

    pub fn count(&self, start: &str) -> usize {
        self.calls().iter().filter(|call| call.starts_with(start)).count()
    }

    pub fn runs(&self) -> usize {
        self.count("apply ")
    }

    pub fn reboots(&self) -> usize {
        self.count("reboot")
    }
}

pub fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ended { code: output.status.code().unwrap_or(-1), text }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// The mode of a file, for tests of what a step leaves behind.
pub fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}
