//! ESXi hosts over real SSH, keyboard-interactive as they want it: every fake host gives exactly its
//! findings, a capture gives the same report, and nothing secret leaves the host.
//!
//! Not for how any answer is parsed, whose tests sit below the code. The hosts are those of
//! `tests/lab/sshd/esxi.sh`; their server needs root, for it has accounts of its own.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn lab() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/sshd")
}

/// Why the fake hosts cannot be had here, when they cannot.
fn missing() -> Option<&'static str> {
    if !program::installed(&["busybox", "file", "unshare", "bash", "python3", "openssl"]) {
        return Some("busybox-static, file, util-linux, bash, python3 and openssl are needed");
    }
    if !Path::new("/usr/sbin/sshd").exists() {
        return Some("openssh-server is needed");
    }
    // The machine's own accounts are hidden behind others in a mount namespace.
    let mut unshare = Command::new("unshare");
    let allowed = unshare.args(["-m", "true"]).output().is_ok_and(|it| it.status.success());
    (!allowed || !rustix::process::geteuid().is_root()).then_some("root is needed")
}

/// A fake host behind a server of its own, which ends with it.
struct Host {
    directory: tempfile::TempDir,
    target: String,
}

impl Host {
    fn start(root: &str, change: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        // The server gives up root's rights before it looks at its keys.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let machine = directory.path().join("machine");
        let built = Command::new(lab().join("mkroot.sh")).arg(root).arg(&machine).output().unwrap();
        assert!(built.status.success(), "{root}: {}", String::from_utf8_lossy(&built.stderr));
        change(&machine.join("fixture"));
        let up = Command::new(lab().join("sshlab.sh"))
            .args(["up", "kbdint"])
            .arg(directory.path().join("s"))
            .arg("--root")
            .arg(&machine)
            .args(["--life", "120"])
            .output()
            .unwrap();
        assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
        let told: Value = serde_json::from_slice(&up.stdout).unwrap();
        let password = directory.path().join("password");
        fs::write(&password, told["password"].as_str().unwrap()).unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let target = format!("ssh://root@127.0.0.1:{}", told["port"]);
        Self { directory, target }
    }

    fn run(&self, verb: &str, args: &[&str]) -> Output {
        let at = |name: &str| self.directory.path().join(name);
        Command::new(program::binary())
            .args(["-vv", verb, "esxi", &self.target, "--ssh-config", "none", "--known-hosts"])
            .arg(at("s/known_hosts"))
            .arg("--password-file")
            .arg(at("password"))
            .args(args)
            .env("RUST_LOG", "trace")
            .env_remove("PREFLIGHT_PASSWORD")
            .output()
            .unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let server = self.directory.path().join("s");
        let _ = Command::new(lab().join("sshlab.sh")).arg("down").arg(server).status();
    }
}

const MACHINES: &[&str] = &["--vm", "asr-mt-01", "--protected-vm", "app (test) 02"];

/// What is not "pass" and not "not-applicable": outcome and what was found, by check.
fn amiss(report: &[u8]) -> BTreeMap<String, String> {
    let report: Value = serde_json::from_slice(report).unwrap();
    let results = report["results"].as_array().unwrap().iter();
    let amiss =
        results.filter(|it| !matches!(it["outcome"].as_str(), Some("pass" | "not-applicable")));
    amiss
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
            (text("check"), format!("{} {}", text("outcome"), text("found")))
        })
        .collect()
}

/// What every fake host has: a protected machine with a snapshot, on a datastore of its own.
const ALWAYS: &[(&str, &str)] = &[
    (
        "datastore.same-as-mt",
        "fail the machine is on ds-prod-2 (NFS), the master target on ds-prod-1 (VMFS)",
    ),
    (
        "mt.no-storage-vmotion",
        "unknown vm.storage_moves: only a vCenter server knows where the machine was before",
    ),
    ("vm.disk-enable-uuid", "fail there is no row disk.EnableUUID, flags.diskUuidEnabled = false"),
    (
        "vm.no-snapshot",
        "fail snapshots: before patch; disks on top of others: [ds-prod-2] app (test) 02/app (test) \
         02-000001.vmdk",
    ),
    (
        "datastore.type-olr",
        "fail disks: [ds-prod-2] app (test) 02/app (test) 02-000001.vmdk, [ds-prod-2] app (test) 02/app \
         (test) 02-000001_1.vmdk; how many are protected is not given (disks: of the machine in the site \
         file)",
    ),
];

/// Why a licence is unknown of which no serial number is found.
const UNREADABLE: &str = "unknown host.licence: vim-cmd shows no licence: \"[200] Sending request \
                          for installed licenses...[200] Complete, result is:\\n  Seri\"";

fn skip() -> bool {
    missing().is_some_and(|why| !program::skipped(why))
}

/// A fake host, what is done to its tables, and what it then has beside [`ALWAYS`].
type Case = (&'static str, Box<dyn FnOnce(&Path)>, Vec<(&'static str, &'static str)>);

#[test]
fn every_host_has_its_findings_and_no_others() {
    if skip() {
        return;
    }
    let free = "fail VMware vSphere 6 Hypervisor (edition key \"esx.hypervisor.cpuPackage\")";
    let expired = "fail Evaluation Mode (edition key \"eval\"), expired";
    let unread = "fail rows of the file that the server does not have: disk.EnableUUID = FALSE";
    let keep = |_: &Path| {};
    let damage = |file: &'static str, from: &'static str, to: &'static str| {
        move |fixture: &Path| {
            let path = fixture.join(file);
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from), "{file}");
            fs::write(path, text.replace(from, to)).unwrap();
        }
    };
    let cases: Vec<Case> = vec![
        ("esxi-paid", Box::new(keep), vec![]),
        ("esxi-free", Box::new(keep), vec![("esxi.not-free", free)]),
        ("esxi-eval-expired", Box::new(keep), vec![("esxi.not-free", expired)]),
        // A listing that nobody can read is unknown, whatever it may mean.
        (
            "esxi-paid",
            Box::new(damage("license", "serial:", "Seriennummer:")),
            vec![("esxi.not-free", UNREADABLE)],
        ),
        (
            "esxi-paid",
            Box::new(damage("filesystem", "VMFS-6", "VMFSOS")),
            vec![
                ("esxi.vmfs-present", "fail its datastores: ds-prod-2 (NFS)"),
                (
                    "datastore.same-as-mt",
                    "fail the machine is on ds-prod-2 (NFS), the master target on ds-prod-1",
                ),
            ],
        ),
        (
            "esxi-paid",
            Box::new(damage("nfs", "true     true      false", "true     true      true ")),
            vec![("datastore.readwrite", "fail datastores of the machine: ds-prod-2 (NFS)")],
        ),
        (
            "esxi-paid",
            Box::new(damage(
                "../vmfs/volumes/ds-prod-1/asr-mt-01/asr-mt-01.vmx",
                "\"TRUE\"",
                "\"FALSE\"",
            )),
            vec![("mt.vmx-reloaded", unread)],
        ),
        (
            "esxi-paid",
            Box::new(damage(
                "snapshot.11",
                "Get Snapshot:",
                "Get Snapshot:\n|-ROOT\n--Snapshot Name        : nightly",
            )),
            vec![("mt.no-snapshot", "fail snapshots: nightly; disks on top of others: none")],
        ),
    ];
    for (root, change, findings) in cases {
        let host = Host::start(root, change);
        let output = host.run("check", &[MACHINES, &["--format", "json"]].concat());
        let expected: BTreeMap<String, String> = ALWAYS
            .iter()
            .chain(&findings)
            .map(|(check, found)| ((*check).to_owned(), (*found).to_owned()))
            .collect();
        assert_eq!(amiss(&output.stdout), expected, "{root}");
        assert_eq!(output.status.code(), Some(1), "{root}");
    }
}

#[test]
fn a_capture_gives_the_report_that_asking_gave_and_keeps_no_secret() {
    if skip() {
        return;
    }
    let host = Host::start("esxi-paid", |fixture| {
        let license = fixture.join("license");
        let text = fs::read_to_string(&license).unwrap();
        fs::write(
            license,
            text.replace("11111-22222-33333-44444-55555", "CANAR-YSERI-ALNUM-BER77-LAST5"),
        )
        .unwrap();
    });
    let capture = host.directory.path().join("esx1.capture");
    let out = capture.to_str().unwrap();
    let collected = host.run("collect", &[MACHINES, &["-o", out]].concat());
    assert_eq!(collected.status.code(), Some(0), "{}", String::from_utf8_lossy(&collected.stderr));
    let text = fs::read_to_string(&capture).unwrap();
    let judge = |args: &[&str]| {
        let mut judged = Command::new(program::binary());
        judged.args(["check", "esxi", &format!("capture:{out}"), "--format", "json"]).args(args);
        judged.output().unwrap()
    };
    let (live, later) =
        (host.run("check", &[MACHINES, &["--format", "json"]].concat()), judge(&[]));
    assert_eq!(amiss(&live.stdout), amiss(&later.stdout));
    assert_eq!(live.status.code(), later.status.code());
    // Machines may be named later, too.
    let swapped = judge(&["--vm", "app (test) 02"]);
    assert!(amiss(&swapped.stdout)["mt.no-snapshot"].contains("before patch"));
    assert!(amiss(&swapped.stdout)["mt.scsi-lsi-only"].contains("paravirtual"));
    let said = [&live.stdout, &live.stderr, &collected.stderr, &later.stdout]
        .map(|it| String::from_utf8_lossy(it).into_owned());
    for secret in
        ["CANAR", "YSERI", "BER77", "settings-canary", "notes-canary", "guestinfo", "lab-Pass1"]
    {
        assert!(!text.contains(secret), "the capture has {secret}");
        assert!(!said.iter().any(|said| said.contains(secret)), "the program said {secret}");
    }
    assert!(text.contains("LAST5"), "people tell licences apart by their end");
}

#[test]
fn a_host_that_cannot_be_asked_leaves_everything_undecided() {
    if skip() {
        return;
    }
    let host = Host::start("esxi-paid", |_| {});
    fs::write(host.directory.path().join("password"), "wrong").unwrap();
    let output = host.run("check", &["--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcomes: BTreeMap<&str, &str> = report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["check"].as_str().unwrap(), it["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(outcomes["esxi.not-free"], "unknown");
    assert_eq!(outcomes["ssh.esxi-login"], "fail");
    assert!(!outcomes.values().any(|outcome| *outcome == "pass"), "{outcomes:?}");
    assert_eq!(output.status.code(), Some(3));
}
