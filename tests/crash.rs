//! What kills a build, refuses it room or comes in its way: the old image stays, or the new one is
//! complete, and the next run leaves nothing astray.
//!
//! Not for what an image is, nor for the steps of a replacement, whose tests sit below its code.

#![allow(clippy::print_stdout, reason = "a skip must be told, and the figures are worth a line")]
#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
#[path = "hostile/mutation.rs"]
mod mutation;
mod program;

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mutation::Dice;
use preflight::digest::Sha256;
use program::{Limits, Ran, binary, finish, installed, limited, names_in, run, skipped};

/// Room and time for an ordinary build.
const ORDINARY: Limits =
    Limits { cpu_s: 30, memory_mib: 512, file_kib: None, patience: Duration::from_secs(60) };

/// An old image, what builds a new one in its place, and what the new one must be.
struct Site {
    dir: tempfile::TempDir,
    args: Vec<String>,
    old: Sha256,
    new: Sha256,
    took: Duration,
}

impl Site {
    /// A medium of 8 MiB to customise; without xorriso a kickstart disc, which is written in less
    /// time than a kill can be aimed at, so that only the steps around the writing are met.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut args: Vec<String> = ["build", "image", "demo", "--overwrite", "-o", "out/mt.iso"]
            .map(str::to_owned)
            .to_vec();
        if installed(&["xorriso"]) {
            let base = el6_medium::write(dir.path(), 8 << 20);
            // Its packages are filler.
            args.push("--allow-incomplete".to_owned());
            args.extend(["--base".to_owned(), base.display().to_string()]);
        }
        let mut site =
            Self { dir, args, old: Sha256::hash(""), new: Sha256::hash(""), took: Duration::ZERO };
        fs::create_dir(site.dir.path().join("out")).unwrap();
        let began = Instant::now();
        site.build();
        site.took = began.elapsed();
        site.new = site.image();
        site.build();
        assert_eq!(site.new, site.image(), "two builds are bit-identical");
        let old = run(site.dir.path(), &ORDINARY, ["build", "image", "demo", "-o", "old/mt.iso"]);
        assert_eq!(old.code, Some(2), "the directory must be there: {}", old.text());
        fs::create_dir(site.dir.path().join("old")).unwrap();
        let other =
            ["build", "image", "demo", "-o", "old/mt.iso", "--set", "host_name=old.example"];
        let old = run(site.dir.path(), &ORDINARY, other);
        assert_eq!(old.code, Some(0), "{}", old.text());
        site.put_old();
        site.old = site.image();
        assert_ne!(site.old, site.new);
        site
    }

    fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    fn image(&self) -> Sha256 {
        Sha256::hash(fs::read(self.out().join("mt.iso")).unwrap())
    }

    /// The directory as it was before any build of the new image.
    fn put_old(&self) {
        fs::remove_dir_all(self.out()).unwrap();
        fs::create_dir(self.out()).unwrap();
        for name in ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"] {
            fs::copy(self.dir.path().join("old").join(name), self.out().join(name)).unwrap();
        }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command.args(&self.args).current_dir(self.dir.path()).env_remove("SOURCE_DATE_EPOCH");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn build(&self) {
        let ran = run(self.dir.path(), &ORDINARY, &self.args);
        assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    }

    /// Whether the new image is in place; neither old nor new is a failure, and so is a manifest
    /// that does not parse.
    fn judge(&self, when: &str) -> bool {
        let image = self.image();
        assert!(image == self.old || image == self.new, "{when}: the image is neither");
        let manifest = fs::read(self.out().join("mt.iso.manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        let digest = manifest["image"]["sha256"].as_str().unwrap();
        let known = [self.old.to_string(), self.new.to_string()];
        assert!(known.iter().any(|known| known == digest), "{when}: {digest}");
        // The manifest is named after its image: it may be older, never newer.
        assert!(image == self.new || digest == known[0], "{when}: the manifest is ahead");
        image == self.new
    }

    /// One undisturbed run, after which the directory holds what it should and nothing else.
    fn mend(&self, when: &str) {
        self.build();
        assert!(self.judge(when), "{when}: the next run did not build");
        assert_eq!(
            names_in(&self.out()),
            ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"],
            "{when}"
        );
        let manifest = fs::read_to_string(self.out().join("mt.iso.manifest.json")).unwrap();
        assert!(manifest.contains(&self.new.to_string()), "{when}");
    }
}

#[test]
fn a_build_killed_at_any_time_leaves_the_old_image_or_the_new_one() {
    let site = Site::new();
    let (mut old, mut new, mut parts) = (0, 0, 0);
    let (mut latest, mut late) = (Duration::ZERO, 0);
    let mut number = 0;
    while old + new < 100 {
        number += 1;
        assert!(number < 500, "{late} of {number} builds ended before they were killed");
        site.put_old();
        let span = usize::try_from((site.took * 11 / 10).as_micros()).unwrap();
        let after = Duration::from_micros(Dice::of(21, number).below(span) as u64);
        let mut child = site.command().spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        // One that had ended by itself proves nothing.
        if child.wait().unwrap().code().is_some() {
            late += 1;
            continue;
        }
        let when = format!("kill {number} after {after:?}");
        parts += usize::from(names_in(&site.out()).len() > 2);
        if site.judge(&when) {
            new += 1;
        } else {
            (old, latest) = (old + 1, latest.max(after));
        }
        // A run after each kill would find the same things a hundred times.
        if number % 4 == 0 {
            site.mend(&when);
        }
    }
    println!(
        "100 kills within {:?}: {old} times the old image (up to {latest:?}), {new} times the new \
         one, {parts} times a part file, {late} more kills came too late",
        site.took
    );
    assert!(parts > 0 || !installed(&["xorriso"]), "no kill met the writing");
}

/// Kills aimed at the steps, not at the clock: before each system call that changes the disc.
#[test]
fn a_build_killed_before_any_step_leaves_the_old_image_or_the_new_one() {
    if !strace_works() {
        return;
    }
    let site = Site::new();
    let mut kills = 0;
    for call in ["ftruncate", "pwrite64", "write", "fsync", "rename", "flock", "unlink"] {
        for number in [1, 2, 3, 5, 8, 13, 21, 34] {
            site.put_old();
            let inject = format!("inject={call}:signal=KILL:when={number}");
            let mut command = Command::new("strace");
            command.args(["-f", "-qq", "-e", &format!("trace={call}"), "-e", &inject]);
            command.args(["-o", "/dev/null"]).arg(binary()).args(&site.args);
            let ran = finish(&mut command, site.dir.path(), ORDINARY.patience);
            if ran.code.is_some() && ran.signal.is_none() {
                // The build made fewer of these calls.
                break;
            }
            kills += 1;
            let when = format!("killed at {call} number {number}");
            site.judge(&when);
            site.mend(&when);
        }
    }
    println!("{kills} kills before system calls");
    assert!(kills >= 10, "only {kills} kills met a build");
}

fn strace_works() -> bool {
    if !installed(&["strace"]) {
        return false;
    }
    let tried = Command::new("strace").args(["-qq", "-o", "/dev/null", "true"]).output().unwrap();
    tried.status.success() || skipped("strace may not trace here")
}

#[test]
fn everything_is_on_disc_before_it_gets_its_name() {
    if !strace_works() {
        return;
    }
    let site = Site::new();
    let log = site.dir.path().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-qq", "-e"]);
    command.arg("trace=pwrite64,write,fsync,fdatasync,rename,renameat,renameat2,ftruncate");
    command.arg("-o").arg(&log).arg(binary()).args(&site.args);
    let ran = finish(&mut command, site.dir.path(), ORDINARY.patience);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    let trace = fs::read_to_string(&log).unwrap();
    for name in [".mt.iso.part", ".mt.iso.cdx.json.part", ".mt.iso.manifest.json.part"] {
        let mut written = None;
        let mut synced = None;
        let mut renamed = None;
        for (at, line) in trace.lines().enumerate().filter(|(_, line)| line.contains(name)) {
            let call = line.split_whitespace().nth(1).unwrap_or_default();
            match call.split('(').next().unwrap_or_default() {
                "pwrite64" | "write" | "ftruncate" => written = Some(at),
                "fsync" | "fdatasync" => synced = Some(at),
                "rename" | "renameat" | "renameat2" => renamed = Some(at),
                _ => {}
            }
        }
        assert!(written.is_some(), "{name} is written:\n{trace}");
        assert!(written < synced && synced < renamed, "{name}: {written:?} {synced:?} {renamed:?}");
        // Then the name itself.
        let directory = format!("{}>)", site.out().display());
        let later = trace.lines().skip(renamed.unwrap());
        let named = later.into_iter().any(|l| l.contains("fsync(") && l.contains(&directory));
        assert!(named, "the directory is synced after {name}:\n{trace}");
    }
}

/// A refusal: exit 2, the path in the message, the old image untouched, no part file.
fn assert_refused(site: &Site, ran: &Ran, path: &str) {
    assert_eq!(ran.misdeeds(), [""; 0]);
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.complaint().contains(path), "{}", ran.complaint());
    assert_eq!(site.image(), site.old, "the old image is untouched");
    assert_eq!(names_in(&site.out()), ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"]);
}

#[test]
fn a_limit_on_the_file_size_is_refused_with_the_path() {
    let site = Site::new();
    for file_kib in [0, 1, 40, 64] {
        let limits = Limits { file_kib: Some(file_kib), ..ORDINARY };
        assert_refused(&site, &run_to_pipes(&site, &limits), "mt.iso");
    }
}

/// Runs a build whose own streams are pipes: they do not count against a limit on files.
fn run_to_pipes(site: &Site, limits: &Limits) -> Ran {
    let mut command = limited(binary().as_os_str(), limits);
    let command = command.args(&site.args).current_dir(site.dir.path());
    let began = Instant::now();
    let output = command.env_remove("SOURCE_DATE_EPOCH").stdin(Stdio::null()).output().unwrap();
    Ran {
        code: output.status.code(),
        signal: std::os::unix::process::ExitStatusExt::signal(&output.status),
        stdout: output.stdout,
        stderr: output.stderr,
        took: began.elapsed(),
        peak_kib: 0,
        hung: false,
    }
}

/// A file system of its own that is taken away at the end.
struct Small(PathBuf);

impl Small {
    /// Mounts one of this size; none where that is not allowed.
    fn mount(at: &Path, kib: u64) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kib}k"), "preflight-test"])
            .arg(at)
            .output()
            .is_ok_and(|output| output.status.success());
        // A mount needs rights that a test cannot ask for, so this may be skipped in CI too.
        if !mounted {
            println!("SKIPPED: no tmpfs may be mounted here");
        }
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{:?} stays mounted", self.0);
    }
}

#[test]
fn a_full_disc_is_refused_with_the_path_and_loses_nothing() {
    let site = Site::new();
    let needed = fs::metadata(site.dir.path().join("base.iso")).map_or(100, |m| m.len() / 1024);
    let Some(small) = Small::mount(&site.out(), needed) else { return };
    for name in ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"] {
        fs::copy(site.dir.path().join("old").join(name), site.out().join(name)).unwrap();
    }
    // Told before a byte is written where the system lists the file system, else at the first
    // byte too many.
    let ran = run(site.dir.path(), &ORDINARY, &site.args);
    assert_refused(&site, &ran, "mt.iso");
    drop(small);

    // Room when it is asked for and none when it is written: somebody else was faster.
    let roomy = needed * 2 + 4096;
    let Some(small) = Small::mount(&site.out(), roomy) else { return };
    for name in ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"] {
        fs::copy(site.dir.path().join("old").join(name), site.out().join(name)).unwrap();
    }
    let mut met = 0;
    for _ in 0..20 {
        let mut child = site.command().stderr(Stdio::piped()).spawn().unwrap();
        let part = site.out().join(".mt.iso.part");
        let filled = wait_for(&part, &mut child) && fill(&site.out().join("filler"));
        let output = child.wait_with_output().unwrap();
        let _ = fs::remove_file(site.out().join("filler"));
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(2) && filled {
            met += 1;
            assert!(complaint.contains("mt.iso"), "{complaint}");
            assert_eq!(site.image(), site.old);
            assert_eq!(
                names_in(&site.out()),
                ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"],
                "{complaint}"
            );
        } else {
            assert!(matches!(output.status.code(), Some(0 | 1)), "{complaint}");
            site.judge("a full disc");
            for name in ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"] {
                fs::copy(site.dir.path().join("old").join(name), site.out().join(name)).unwrap();
            }
        }
    }
    println!("{met} of 20 builds met a disc that became full");
    drop(small);
}

/// Waits until a build has begun to write; false when it ended first.
fn wait_for(part: &Path, child: &mut Child) -> bool {
    while !part.exists() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// Takes all room there is.
fn fill(path: &Path) -> bool {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[1; 64 * 1024]).is_ok() {}
    true
}

#[test]
fn targets_that_are_no_file_or_an_input_are_refused() {
    let site = Site::new();
    let dir = site.dir.path();
    symlink("mt.iso", site.out().join("link.iso")).unwrap();
    fs::create_dir(dir.join("directory.iso")).unwrap();
    fs::copy(dir.join("old/mt.iso"), dir.join("input.iso")).unwrap();
    fs::hard_link(dir.join("input.iso"), dir.join("same.iso")).unwrap();
    fs::write(dir.join("agent.tar.gz"), preflight::agent::standin_bundle(0)).unwrap();
    let input = Sha256::hash(fs::read(dir.join("input.iso")).unwrap());
    let base = site.args.last().unwrap().clone();
    let agent = ["--agent", "agent.tar.gz", "--allow-unpinned"];
    let mut refusals: Vec<(&str, Vec<&str>)> = vec![
        ("link.iso", vec!["-o", "out/link.iso"]),
        ("directory.iso", vec!["-o", "directory.iso"]),
        ("/dev/null", vec!["-o", "/dev/null"]),
        ("/dev/full", vec!["-o", "/dev/full"]),
        ("no-such-directory", vec!["-o", "no-such-directory/mt.iso"]),
        ("agent.tar.gz", [&["-o", "agent.tar.gz"], &agent[..]].concat()),
        ("input.iso", vec!["-o", "input.iso", "--output", "json=input.iso"]),
        ("out/mt.iso", vec!["-o", "out/mt.iso", "--output", "json=out/../out/mt.iso"]),
        (
            "mt.iso.manifest.json",
            vec!["-o", "out/mt.iso", "--output", "json=out/mt.iso.manifest.json"],
        ),
    ];
    if base.ends_with("base.iso") {
        fs::hard_link(&base, dir.join("again.iso")).unwrap();
        fs::copy(&base, dir.join(".part.iso.part")).unwrap();
        refusals.push(("base.iso", vec!["-o", &base, "--base", &base]));
        refusals.push(("again.iso", vec!["-o", "again.iso", "--base", &base]));
        refusals.push((".part.iso.part", vec!["-o", "part.iso", "--base", ".part.iso.part"]));
        let report = vec!["-o", "new.iso", "--base", &base, "--output", "json=again.iso"];
        refusals.push(("again.iso", report));
    }
    let before = names_in(dir);
    for (path, more) in refusals {
        let verb = ["build", "image", "demo", "--overwrite", "--allow-incomplete"];
        let args = [&verb[..], &more[..]].concat();
        let ran = run(dir, &ORDINARY, &args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.text());
        assert!(ran.complaint().contains(path), "{args:?}: {}", ran.complaint());
        assert_eq!(names_in(dir), before, "{args:?}");
        assert_eq!(site.image(), site.old, "{args:?}");
        assert_eq!(Sha256::hash(fs::read(dir.join("input.iso")).unwrap()), input, "{args:?}");
    }
    let ran = run(dir, &ORDINARY, ["check", "image", "input.iso", "--output", "json=same.iso"]);
    assert_eq!(ran.code, Some(2), "a report over the image that is checked: {}", ran.text());
    assert_eq!(Sha256::hash(fs::read(dir.join("input.iso")).unwrap()), input);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn two_builds_of_one_name_at_once_leave_one_whole_image() {
    let site = Site::new();
    let mut busy = 0;
    for number in 0..20 {
        site.put_old();
        let mut first = site.command().stderr(Stdio::piped()).spawn().unwrap();
        if number % 2 == 0 {
            wait_for(&site.out().join(".mt.iso.part"), &mut first);
        }
        let second = site.command().stderr(Stdio::piped()).spawn().unwrap();
        let outcomes = [first, second].map(|child| child.wait_with_output().unwrap());
        let mut built = 0;
        for output in &outcomes {
            let complaint = String::from_utf8_lossy(&output.stderr);
            match output.status.code() {
                Some(0 | 1) => built += 1,
                Some(2) => {
                    busy += 1;
                    assert!(complaint.contains("another process"), "{complaint}");
                }
                other => panic!("exit {other:?}: {complaint}"),
            }
        }
        assert!(built > 0, "one of them wins");
        assert!(site.judge("two at once"), "the winner's image is in place");
        assert_eq!(names_in(&site.out()), ["mt.iso", "mt.iso.cdx.json", "mt.iso.manifest.json"]);
    }
    println!("20 pairs of builds, {busy} builds gave way");
}
