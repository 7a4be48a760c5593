//! The self-check on a machine that is also asked over SSH: what it found out about itself leads to
//! the very findings that asking it leads to, whichever way its capture is fetched.
//!
//! The machines are those of `tests/lab/sshd`: a root of their own, entered by chroot. Not for a
//! kernel of CentOS 6.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test file")]

mod program;
mod sshd;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use preflight::assets::Assets;
use preflight::image::static_program;
use preflight::installer::self_check::{BINARY_PATH, SelfCheck, render};
use preflight::installer::service::InitSystem;
use program::{binary, skipped};
use serde_json::Value;
use sshd::{Server, is_root, lab, there_are_servers, there_is};

/// What the way to a host decides: how its server talked to us, and the difference of two clocks.
const OF_THE_WAY: [&str; 3] =
    ["mt.timezone-time", "ssh.keyboard-interactive", "ssh.legacy-algorithms"];

/// A fake master target with the self-check installed as `%post` does.
fn machine(below: &Path, name: &str) -> PathBuf {
    let root = below.join(name);
    let made = Command::new(lab().join("mkroot.sh")).arg(name).arg(&root).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let check = SelfCheck {
        init: InitSystem::SysV,
        keep: 8,
        server: Some("cs01.example.test".into()),
        retention: "/mnt/retention".into(),
        scsi_id: "/lib/udev/scsi_id".into(),
    };
    for file in render(&check, &Assets::embedded()).unwrap() {
        let path = root.join(file.installed_path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, file.text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).unwrap();
    }
    fs::write(root.join("etc/issue"), "CentOS release 6.6 (Final)\n\n").unwrap();
    // There are no devices; 16 bytes are all that is read.
    fs::write(root.join("dev/urandom"), b"\x01\x23\x45\x67\x89\xab\xcd\xef0123456z").unwrap();
    fs::write(root.join("dev/console"), "").unwrap();
    root
}

fn ride_along(root: &Path, program: &Path) {
    let place = root.join(BINARY_PATH.trim_start_matches('/'));
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    // Not written by this process: what another thread starts meanwhile would hold the file open, and it could not be run.
    let copied = Command::new("cp").arg(program).arg(&place).status().unwrap();
    assert!(copied.success());
}

/// What the service does after a boot.
fn boots(root: &Path) {
    let status = Command::new(lab().join("enter.sh"))
        .arg(root)
        .env("SSH_ORIGINAL_COMMAND", "sh /etc/rc.d/init.d/preflight-selfcheck run")
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

/// Every result of a report by check; the target's name is the way it was asked.
fn results(home: &Path, target: &str, options: &[String]) -> BTreeMap<String, Value> {
    let mut args = ["check", "host", target, "--cs", "cs01.example.test", "--format", "json"]
        .map(std::ffi::OsString::from)
        .to_vec();
    args.extend(options.iter().map(std::ffi::OsString::from));
    let output = sshd::program(home, &[], &args);
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{target}: {}", String::from_utf8_lossy(&output.stderr)));
    let results = report["results"].as_array().unwrap().iter().map(|result| {
        let mut result = result.clone();
        result["target"] = Value::Null;
        // Its place among the fixes counts those of the clock, too.
        result["order"] = Value::Null;
        for link in ["after", "explained_by"] {
            for other in result[link].as_array_mut().into_iter().flatten() {
                other["target"] = Value::Null;
            }
        }
        (result["check"].as_str().unwrap().to_owned(), result)
    });
    results.collect()
}

#[test]
fn what_it_finds_out_about_itself_is_what_asking_it_over_ssh_finds_out() {
    if !there_are_servers() || !is_root() || !there_is("/usr/bin/busybox") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    for name in ["mt-good", "mt-bad", "mt-no-ids", "mt-retention-none"] {
        let root = machine(home, name);
        boots(&root);
        let kept = root.join("var/lib/preflight/selfcheck-00000001.capture");
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o7777, 0o600);
        let server = Server::up(home, "modern", &["--root", root.to_str().unwrap()]);
        let asked = results(home, &server.target(), &server.by_key());
        // Its clock may be wrong, and then its captures seem to be of another time.
        let head = fs::read_to_string(&kept).unwrap();
        let own = head.lines().find_map(|line| line.strip_prefix("asked_at: ")).unwrap();
        let now = ["--now".to_owned(), own.to_owned()];
        let mut newest = server.by_key();
        newest.push("--newest-capture".to_owned());
        newest.extend(now.clone());
        let ways = [
            ("a file", results(home, &format!("capture:{}", kept.display()), &now)),
            ("the console's disk", {
                let directory = root.join("var/lib/preflight");
                results(home, &format!("capture:{}", directory.display()), &now)
            }),
            ("SSH, newest", results(home, &server.target(), &newest)),
        ];
        assert!(asked.len() > 40, "{name}: {}", asked.len());
        for (way, found) in ways {
            let mut differs = Vec::new();
            for check in asked.keys().chain(found.keys()) {
                // Byte for byte: outcome, words, remedy and all.
                let (one, two) = (&asked.get(check), &found.get(check));
                if serde_json::to_string(one).unwrap() != serde_json::to_string(two).unwrap()
                    && !differs.contains(check)
                {
                    differs.push(check.clone());
                }
            }
            differs.sort();
            let unexpected: Vec<_> =
                differs.iter().filter(|id| !OF_THE_WAY.contains(&id.as_str())).collect();
            assert!(unexpected.is_empty(), "{name} by {way}: {unexpected:?}");
            println!("{name} by {way}: {} findings, other in {differs:?}", found.len());
            // Its own clock says nothing about its clock.
            assert_eq!(found["mt.timezone-time"]["outcome"], "unknown", "{name} by {way}");
        }
    }
}

#[test]
fn a_host_that_keeps_no_capture_is_undecided() {
    if !there_are_servers() || !is_root() || !there_is("/usr/bin/busybox") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = machine(dir.path(), "mt-good");
    let server = Server::up(dir.path(), "modern", &["--root", root.to_str().unwrap()]);
    let mut options = server.by_key();
    options.push("--newest-capture".to_owned());
    let none = results(dir.path(), &server.target(), &options);
    assert_eq!(passed(&none), Vec::<&str>::new());
    let kept = root.join("var/lib/preflight/selfcheck-00000001.capture");
    boots(&root);
    let whole = fs::read(&kept).unwrap();
    fs::write(&kept, &whole[..whole.len() - 20]).unwrap();
    let cut = results(dir.path(), &server.target(), &options);
    assert_eq!(passed(&cut), Vec::<&str>::new());
}

/// What passes, beside what the connection itself tells.
fn passed(results: &BTreeMap<String, Value>) -> Vec<&str> {
    let passed = results.iter().filter(|(_, result)| result["outcome"] == "pass");
    passed.map(|(check, _)| check.as_str()).filter(|check| !check.starts_with("ssh.")).collect()
}

/// A static build of this program, where somebody made one; see README.md.
///
/// One that stands there and cannot be carried is a failure, not a build that is missing.
fn static_build() -> Option<PathBuf> {
    let named = std::env::var_os("PREFLIGHT_STATIC").map(PathBuf::from);
    // Builds stand side by side, wherever that is.
    let binary = binary();
    let target = binary.ancestors().nth(2).unwrap();
    let target = target.join("x86_64-unknown-linux-musl");
    let builds = ["release", "debug"].map(|profile| target.join(profile).join("preflight"));
    let found = named.into_iter().chain(builds).find(|path| path.is_file())?;
    let inspected = static_program::inspect(&fs::File::open(&found).unwrap());
    assert!(inspected.is_ok(), "{}: {}", found.display(), inspected.unwrap_err());
    Some(found)
}

#[test]
fn a_static_program_judges_on_the_spot_and_another_leaves_plain_words() {
    if !is_root() || !there_is("/usr/bin/busybox") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = machine(dir.path(), "mt-retention-none");
    // What the tests run needs libraries that this root has not.
    if static_program::inspect(&fs::File::open(binary()).unwrap()).is_err() {
        ride_along(&root, &binary());
        boots(&root);
        let issue = fs::read_to_string(root.join("etc/issue")).unwrap();
        assert!(issue.contains("self-check: asked, but the program does not run here"), "{issue}");
        assert!(issue.contains("  /mnt/retention is NOT mounted\n"), "{issue}");
        assert!(root.join("var/lib/preflight/selfcheck-00000001.capture").is_file());
    }
    let Some(program) = static_build() else {
        skipped("no static build of preflight (tests/run makes one)");
        return;
    };
    ride_along(&root, &program);
    boots(&root);
    let issue = fs::read_to_string(root.join("etc/issue")).unwrap();
    assert!(issue.starts_with("CentOS release 6.6 (Final)\n\n--- preflight self-check ---\n"));
    assert!(issue.contains("self-check: NOT READY for reprotect"), "{issue}");
    assert!(issue.contains("  BLOCKS  retention.mounted: "), "{issue}");
    let console = fs::read_to_string(root.join("dev/console")).unwrap();
    assert!(console.contains("BLOCKS  retention.mounted: "), "{console}");
}

/// A program that looks like ours and is as large as any that is carried.
fn large_program(at: &Path) {
    let mut bytes = vec![0; 64 + 56];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, b"\x7fELF\x02\x01\x01");
    put(16, &3u16.to_le_bytes());
    put(18, &62u16.to_le_bytes());
    put(24, &0x1000u64.to_le_bytes());
    put(32, &64u64.to_le_bytes());
    put(54, &56u16.to_le_bytes());
    put(56, &1u16.to_le_bytes());
    put(64, &1u32.to_le_bytes());
    put(68, &5u32.to_le_bytes());
    put(72, &120u64.to_le_bytes());
    put(80, &0x1000u64.to_le_bytes());
    put(96, &64u64.to_le_bytes());
    put(104, &64u64.to_le_bytes());
    bytes.extend(b"preflight.capture/1");
    fs::write(at, bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(at).unwrap();
    file.set_len(static_program::MAX_BYTES).unwrap();
}

/// The most memory that building the demo takes, in KiB.
fn peak_of_building(dir: &Path, program: &Path, choice: &str) -> u64 {
    let args = ["build", "image", "demo", "--overwrite", "--self-check-binary", choice];
    // It is the memory that is measured: an unoptimised program sums itself for more than a second.
    let limits = program::Limits { cpu_s: 10, ..program::ONE_FILE };
    let mut command = program::limited(program.as_os_str(), &limits);
    let ran = program::finish(command.args(args), dir, std::time::Duration::from_secs(60));
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    ran.peak_kib
}

#[test]
fn what_rides_along_is_not_held_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    large_program(&dir.path().join("large"));
    let none = peak_of_building(dir.path(), &binary(), "none");
    let large = peak_of_building(dir.path(), &binary(), "large");
    assert_eq!(manifest(dir.path())["self_check"]["binary"]["size"], static_program::MAX_BYTES);
    println!("building takes {none} KiB, with a program of 64 MiB inside {large} KiB");
    assert!(large < none + 8 * 1024, "{large} KiB, without it {none} KiB");
    let Some(program) = static_build() else {
        skipped("no static build of preflight (tests/run makes one)");
        return;
    };
    let none = peak_of_building(dir.path(), &program, "none");
    let itself = peak_of_building(dir.path(), &program, "auto");
    let size = manifest(dir.path())["self_check"]["binary"]["size"].as_u64().unwrap();
    assert_eq!(size, fs::metadata(&program).unwrap().len());
    println!("a static build of {size} bytes takes {none} KiB, {itself} KiB with itself inside");
    assert!(itself < none + 8 * 1024, "{itself} KiB, without it {none} KiB");
    // The pages of an unoptimised program alone are most of what is promised for a release build.
    let release = program.parent().is_some_and(|parent| parent.ends_with("release"));
    assert!(!release || itself < 32 * 1024, "{itself} KiB");
}

fn built(dir: &Path, choice: &str) -> (Option<i32>, String) {
    let output = Command::new(binary())
        .args(["build", "image", "demo", "--overwrite", "--self-check-binary", choice])
        .current_dir(dir)
        .env_remove("SOURCE_DATE_EPOCH")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("demo.iso.manifest.json")).unwrap()).unwrap()
}

#[test]
fn a_program_that_would_not_run_there_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("text"), "#!/bin/sh\n").unwrap();
    let huge = fs::File::create(dir.path().join("huge")).unwrap();
    huge.set_len(1 << 40).unwrap();
    let sh = fs::canonicalize("/bin/sh").unwrap();
    for (choice, reason) in [
        ("text", "it is not an ELF program"),
        ("huge", "at most 67108864 are carried"),
        ("missing", "cannot open missing"),
        (".", "is not a regular file"),
        (sh.to_str().unwrap(), "it is not static: it needs "),
    ] {
        let (code, said) = built(dir.path(), choice);
        assert_eq!(code, Some(2), "{choice}: {said}");
        assert!(said.contains(reason), "{choice}: {said}");
        assert_eq!(program::names_in(dir.path()), ["huge", "text"]);
    }
}

#[test]
fn the_manifest_says_what_judges_there_or_why_nothing_does() {
    let dir = tempfile::tempdir().unwrap();
    for (choice, why) in [("none", "none was wanted"), ("auto", "the program that built this: ")] {
        assert_eq!(built(dir.path(), choice).0, Some(0));
        let record = manifest(dir.path())["self_check"].clone();
        if record["binary"].is_null() {
            assert!(record["no_binary"].as_str().unwrap().starts_with(why), "{choice}: {record}");
        }
    }
    let Some(program) = static_build() else {
        skipped("no static build of preflight (tests/run makes one)");
        return;
    };
    let (code, said) = built(dir.path(), program.to_str().unwrap());
    assert_eq!(code, Some(0), "{said}");
    let record = manifest(dir.path())["self_check"]["binary"].clone();
    assert_eq!(record["path"], "preflight/payload/preflight");
    assert_eq!(record["size"], fs::metadata(&program).unwrap().len());
    let inspected = Command::new(binary())
        .args(["inspect", "image", "demo.iso", "--format", "json"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let facts: Value = serde_json::from_slice(&inspected.stdout).unwrap();
    let told = facts["image"]["payload"]["self_check"].as_str().unwrap();
    assert!(told.starts_with("evaluated there by /preflight/payload/preflight, sha256 "), "{told}");
    // One byte less, and it is no program.
    let bytes = fs::read(&program).unwrap();
    fs::write(dir.path().join("short"), &bytes[..bytes.len() - 1]).unwrap();
    let (code, said) = built(dir.path(), "short");
    assert_eq!((code, said.contains("it is cut short or damaged")), (Some(2), true), "{said}");
}
