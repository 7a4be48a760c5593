//! Files that want to do harm, through the real program: it neither crashes nor hangs nor grows,
//! names the file it refuses, prints only what shows, and leaves nothing behind.
//!
//! Every file is tried under limits that the kernel keeps: one second of processor time, 96 MiB of
//! private memory. Not for thousands of mutants, which `tests/mutants.rs` gives to the library
//! without a process for each, nor for single limits, whose tests sit below the code.

#![allow(clippy::print_stdout, reason = "a skip must be told, and the figures are worth a line")]
#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
#[path = "hostile/mutation.rs"]
mod mutation;
mod program;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mutation::{Dice, Subject};
use program::{ONE_FILE, Ran, installed, names_in, run};

/// What the generator says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expectation {
    Good,
    Bad,
    Any,
}

/// One run of the program on one file.
struct Trial {
    /// The file, whose name a refusal must tell.
    file: PathBuf,
    args: Vec<OsString>,
    /// The exit statuses that are right.
    right: &'static [i32],
    /// The only files that a run with another exit status than 2 may leave.
    products: &'static [&'static str],
}

const PRODUCTS: &[&str] = &["out.iso", "out.iso.cdx.json", "out.iso.manifest.json"];

/// Files whose expectation does not hold for one command, and why that is right.
const OTHERWISE: &[(&str, &str, &[i32], &str)] = &[
    ("inspect image", "eltorito-none.iso", &[0], "a medium that starts nothing can be looked at"),
    ("inspect image", "record-crosses-sector.iso", &[0], "behind a length of 0 no record is read"),
    ("inspect agent", "good.tar", &[2], "a bundle is gzip-compressed, the field knows no other"),
    ("build centos-6.6", "good.tar", &[2], "the same"),
    ("list checks", "empty.yaml", &[0], "a file of checks may have none yet"),
    ("list checks", "only-comment.yaml", &[0], "the same"),
];

/// The hostile files, made once by the lab's generator; none without python3.
fn generated(kind: &str, count: usize) -> Option<tempfile::TempDir> {
    if !installed(&["python3"]) {
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let made = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/hostile/gen.py"))
        .arg(kind)
        .arg(dir.path())
        .args(["--seed", "1", "--count", &count.to_string()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    Some(dir)
}

/// What INDEX says: every file with its expectation.
fn index(dir: &Path) -> Vec<(PathBuf, Expectation)> {
    let index = fs::read_to_string(dir.join("INDEX")).unwrap();
    let read = |line: &str| {
        let mut fields = line.split('\t');
        let name = fields.next().unwrap();
        let expectation = match fields.next().unwrap() {
            "good" => Expectation::Good,
            "bad" => Expectation::Bad,
            "any" => Expectation::Any,
            other => panic!("{name}: what is {other:?}?"),
        };
        (dir.join(name), expectation)
    };
    index.lines().map(read).collect()
}

/// The exit statuses that are right for a file, unless this command has a reason of its own.
fn right(
    command: &str,
    file: &Path,
    expectation: Expectation,
    [good, bad, any]: [&'static [i32]; 3],
) -> &'static [i32] {
    let name = file.file_name().unwrap().to_str().unwrap();
    let other = OTHERWISE.iter().find(|(of, file, ..)| *of == command && *file == name);
    match (other, expectation) {
        (Some((_, _, statuses, _)), _) => statuses,
        (None, Expectation::Good) => good,
        (None, Expectation::Bad) => bad,
        (None, Expectation::Any) => any,
    }
}

fn args<const N: usize>(args: [&dyn AsRef<std::ffi::OsStr>; N]) -> Vec<OsString> {
    args.iter().map(|arg| arg.as_ref().to_owned()).collect()
}

/// Runs all trials, two at a time, and fails with everything that went wrong.
fn hold(heading: &str, trials: &[Trial]) {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    let figures = Mutex::new((Duration::ZERO, String::new(), 0_u64, String::new(), [0_usize; 4]));
    let worker = || {
        let dir = tempfile::tempdir().unwrap();
        while let Some(trial) = trials.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ran = run(dir.path(), &ONE_FILE, &trial.args);
            let shown = trial.args.iter().map(|arg| arg.to_string_lossy()).collect::<Vec<_>>();
            let shown = shown.join(" ");
            for fault in judge(trial, &ran, dir.path()) {
                faults.lock().unwrap().push(format!("{shown}\n    {fault}"));
            }
            let mut figures = figures.lock().unwrap();
            if ran.took > figures.0 {
                (figures.0, figures.1) = (ran.took, shown.clone());
            }
            if ran.peak_kib > figures.2 {
                (figures.2, figures.3) = (ran.peak_kib, shown);
            }
            if let Some(count) = figures.4.get_mut(ran.code.unwrap_or(9) as usize) {
                *count += 1;
            }
        }
    };
    std::thread::scope(|scope| (0..2).for_each(|_| _ = scope.spawn(worker)));
    let (slowest, slow, peak, large, codes) = figures.into_inner().unwrap();
    println!("{heading}: {} runs, exit 0, 1, 2, 3: {codes:?}", trials.len());
    println!("  slowest {slowest:?}: {slow}\n  largest {} MiB: {large}", peak / 1024);
    let faults = faults.into_inner().unwrap();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// Everything that is wrong with one run; cleans its directory.
fn judge(trial: &Trial, ran: &Ran, directory: &Path) -> Vec<String> {
    let mut faults = ran.misdeeds();
    if ran.code.is_some_and(|code| !trial.right.contains(&code)) {
        let (code, right, text) = (ran.code, trial.right, ran.text());
        let text: String = text.chars().take(400).collect();
        faults.push(format!("exit {code:?}, right is one of {right:?}: {text}"));
    }
    let name = trial.file.file_name().unwrap().to_str().unwrap();
    if ran.code == Some(2) && !ran.complaint().contains(name) {
        faults.push(format!("the refusal does not name {name}: {}", ran.complaint()));
    }
    let left = names_in(directory);
    let may: &[&str] = if ran.code == Some(2) || ran.code.is_none() { &[] } else { trial.products };
    if left != may {
        faults.push(format!("left {left:?} behind, right is {may:?}"));
    }
    for name in left {
        let path = directory.join(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    faults
}

#[test]
fn hostile_images() {
    let Some(dir) = generated("iso", 200) else { return };
    let mut trials = Vec::new();
    for (file, expectation) in index(dir.path()) {
        let mut add = |command: &str, args, statuses, products| {
            let right = right(command, &file, expectation, statuses);
            trials.push(Trial { file: file.clone(), args, right, products });
        };
        let inspect = args([&"inspect", &"image", &file]);
        add("inspect image", inspect, [&[0], &[2], &[0, 2]], &[]);
        let json = args([&"inspect", &"image", &file, &"--format", &"json"]);
        add("inspect image", json, [&[0], &[2], &[0, 2]], &[]);
        let check = args([&"check", &"image", &file]);
        add("check image", check, [&[0, 1, 3], &[1, 2], &[0, 1, 2, 3]], &[]);
        // None of them is an installer, the good one included.
        let build = args([&"build", &"image", &"demo", &"--base", &file, &"-o", &"out.iso"]);
        add("build demo", build, [&[2], &[2], &[2]], &[]);
    }
    hold("hostile images", &trials);
}

#[test]
fn hostile_installers() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let base = Subject::new(fs::read(el6_medium::write(dir.path(), 0)).unwrap());
    let mut trials = Vec::new();
    for number in 0..150 {
        let file = dir.path().join(format!("mutant-{number}.iso"));
        let intact = number == 0;
        let bytes = match number {
            0 => base.intact().to_vec(),
            _ => base.mutant(&mut Dice::of(11, number)),
        };
        fs::write(&file, bytes).unwrap();
        let right: &[i32] = if intact { &[1] } else { &[0, 1, 2] };
        let args = args([
            &"build",
            &"image",
            &"demo",
            &"--allow-incomplete",
            &"--base",
            &file,
            &"-o",
            &"out.iso",
        ]);
        trials.push(Trial { file, args, right, products: PRODUCTS });
    }
    hold("hostile installers", &trials);
}

#[test]
fn hostile_agents() {
    let Some(dir) = generated("tar", 200) else { return };
    let mut trials = Vec::new();
    for (file, expectation) in index(dir.path()) {
        let inspect = args([&"inspect", &"agent", &file]);
        let statuses: [&[i32]; 3] = [&[0], &[2], &[0, 2]];
        let right_ = right("inspect agent", &file, expectation, statuses);
        trials.push(Trial { file: file.clone(), args: inspect, right: right_, products: &[] });
        let unpinned = &"--allow-unpinned";
        let build = args([
            &"build", &"image", &"centos-6.6", &"--agent", &file, unpinned, &"-o", &"out.iso",
        ]);
        let statuses: [&[i32]; 3] = [&[0, 1], &[2], &[0, 1, 2]];
        let right = right("build centos-6.6", &file, expectation, statuses);
        trials.push(Trial { file, args: build, right, products: PRODUCTS });
    }
    hold("hostile agents", &trials);
}

#[test]
fn hostile_packages() {
    let Some(dir) = generated("rpm", 200) else { return };
    let mut trials = Vec::new();
    for (file, expectation) in index(dir.path()) {
        let alone = dir.path().join("alone").join(file.file_stem().unwrap());
        fs::create_dir_all(&alone).unwrap();
        fs::hard_link(&file, alone.join(file.file_name().unwrap())).unwrap();
        let args = args([&"build", &"image", &"demo", &"--rpms", &alone, &"-o", &"out.iso"]);
        let right = right("build demo", &file, expectation, [&[0, 1], &[2], &[0, 1, 2]]);
        trials.push(Trial { file, args, right, products: PRODUCTS });
    }
    hold("hostile packages", &trials);
}

#[test]
fn hostile_yaml() {
    let Some(dir) = generated("yaml", 200) else { return };
    let demo =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/images/demo.yaml")).unwrap();
    let mut trials = Vec::new();
    for (file, expectation) in index(dir.path()) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let mut add = |file: &Path, args, right| {
            trials.push(Trial { file: file.to_owned(), args, right, products: &[] });
        };
        // Not one of them is a recipe.
        add(&file, args([&"render", &"kickstart", &file]), &[2]);
        add(&file, args([&"lint", &"kickstart", &file]), &[0, 1, 2]);

        let bytes = fs::read(&file).unwrap();
        let site = dir.path().join("sites").join(file.file_stem().unwrap());
        let place = |kind: &str, name: &str, bytes: &[u8]| {
            fs::create_dir_all(site.join(kind)).unwrap();
            let path = site.join(kind).join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let checks = place("checks", &name, &bytes);
        let test = args([&"--assets", &site, &"list", &"checks"]);
        add(&checks, test, right("list checks", &file, expectation, [&[2], &[2], &[0, 2]]));
        let profile = place("profiles/kickstart", "hostile.yaml", &bytes);
        let profiles = site.join("profiles");
        let set = &"profile=hostile";
        let render =
            args([&"--assets", &profiles, &"render", &"kickstart", &"demo", &"--set", set]);
        add(&profile, render, &[2]);

        // As a value of a recipe that is right but for it.
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let inner = text.lines().map(|line| format!("  {line}\n")).collect::<String>();
        for (number, key) in ["packages", "title", "hosts"].into_iter().enumerate() {
            let rest: String = demo
                .lines()
                .filter(|line| !line.starts_with(key))
                .map(|line| format!("{line}\n"))
                .collect();
            let recipe =
                place(&format!("as-{key}"), &name, format!("{rest}{key}:\n{inner}").as_bytes());
            let bomb =
                ["laughs", "big-alias", "anchor", "deep-"].iter().any(|b| name.starts_with(b));
            let bomb = bomb && name != "deep-30.yaml";
            let right: &[i32] = if bomb && number == 0 { &[2] } else { &[0, 2] };
            add(&recipe, args([&"render", &"kickstart", &recipe]), right);
        }
    }
    hold("hostile YAML", &trials);
}

/// What is no file is refused at once, and what has no end is not read to it.
#[test]
fn inputs_that_are_no_files() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
        .unwrap();
    let mut trials = Vec::new();
    for file in [pipe, dir.path().to_owned(), "/dev/zero".into(), "/dev/null".into()] {
        let mut add = |args| {
            trials.push(Trial { file: file.clone(), args, right: &[2], products: &[] });
        };
        add(args([&"inspect", &"image", &file]));
        add(args([&"inspect", &"agent", &file]));
        add(args([&"check", &"image", &file]));
        add(args([&"build", &"image", &"demo", &"--base", &file, &"-o", &"out.iso"]));
        add(args([&"build", &"image", &"demo", &"--agent", &file, &"-o", &"out.iso"]));
        // Texts may come through a pipe, so one without a writer is waited for.
        if !file.ends_with("pipe") {
            add(args([&"render", &"kickstart", &file]));
        }
    }
    trials.push(Trial {
        file: "/dev/zero".into(),
        args: args([&"lint", &"kickstart", &"/dev/zero"]),
        right: &[2],
        products: &[],
    });
    hold("inputs that are no files", &trials);
}

/// Texts of a medium that would act on a terminal show as escapes, in every format.
#[test]
fn texts_that_would_steer_a_terminal() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let bytes = fs::read(el6_medium::write(dir.path(), 0)).unwrap();
    let evil = "\u{9b}31m\u{202e}\u{1b}[2J\u{7f}\u{feff}\u{e0041}Install";
    let mut trials = Vec::new();
    for (number, text) in
        ["^Install or upgrade an existing system", "CentOS 6.6\n\tkernel /images/pxeboot/vmlinuz"]
            .into_iter()
            .enumerate()
    {
        let mut bytes = bytes.clone();
        let places: Vec<usize> = (0..bytes.len() - text.len())
            .filter(|at| bytes[*at..].starts_with(text.as_bytes()))
            .collect();
        assert!(!places.is_empty(), "{text}");
        for at in places {
            bytes[at..at + evil.len()].copy_from_slice(evil.as_bytes());
        }
        let file = dir.path().join(format!("evil-{number}.iso"));
        fs::write(&file, bytes).unwrap();
        let mut add = |args, right, products| {
            trials.push(Trial { file: file.clone(), args, right, products });
        };
        for format in ["text", "json"] {
            add(args([&"inspect", &"image", &file, &"--format", &format]), &[0], &[]);
            add(args([&"check", &"image", &file, &"--format", &format]), &[1], &[]);
        }
        // The medium has no repodata, and so nothing to prove an installation by.
        add(args([&"build", &"image", &"demo", &"--base", &file, &"-o", &"out.iso"]), &[2], &[]);
    }
    hold("texts that would steer a terminal", &trials);
}

/// Rules and templates that nest without end, in the check files of a site.
#[test]
fn hostile_check_files() {
    let dir = tempfile::tempdir().unwrap();
    let embedded = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/checks/image.yaml"));
    let embedded = embedded.unwrap();
    let mut trials = Vec::new();
    // As deep as a file can hold, and as deep as a rule can be and still be read.
    for depth in [40_000, 1900, 900, 450] {
        for (key, name, text) in nested(depth) {
            let line =
                embedded.lines().find(|line| line.trim_start().starts_with(&format!("{key}:")));
            let line = line.unwrap();
            let indent = &line[..line.len() - line.trim_start().len()];
            let new = format!("{indent}{key}: {}", serde_json::to_string(&text).unwrap());
            let site = dir.path().join(format!("{key}-{name}-{depth}"));
            fs::create_dir_all(site.join("checks")).unwrap();
            let file = site.join("checks/image.yaml");
            // The first entry alone: with the whole file behind it, the size would refuse it.
            let first = embedded.split("\n- id:").nth(1).unwrap();
            let first = format!("- id:{first}\n");
            assert!(first.contains(line), "the first entry has the first {key}");
            fs::write(&file, first.replace(line, &new)).unwrap();
            // By itself: embedded symptoms name checks that this file does not have.
            let args = args([&"test", &"checks", &site.join("checks")]);
            trials.push(Trial { file, args, right: &[0, 1, 2], products: &[] });
        }
    }
    hold("hostile check files", &trials);
}

/// Rules and texts that nest `depth` deep, or a part of it where a level takes more to write.
fn nested(depth: usize) -> Vec<(&'static str, &'static str, String)> {
    vec![
        ("rule", "parentheses", format!("{}true{}", "(".repeat(depth), ")".repeat(depth))),
        ("rule", "open", "(".repeat(depth)),
        ("rule", "not", format!("{}true", "!".repeat(depth))),
        ("rule", "minus", format!("{}1 == 1", "-".repeat(depth))),
        ("rule", "lists", format!("{}{} == 1", "[".repeat(depth), "]".repeat(depth))),
        ("rule", "maps", format!("{}1{} == 1", "{1:".repeat(depth), "}".repeat(depth))),
        ("rule", "paths", format!("image{}", ".a".repeat(depth))),
        ("rule", "indices", format!("image{}", "[0]".repeat(depth))),
        ("rule", "and", format!("{}true", "true && ".repeat(depth / 2))),
        ("rule", "plus", format!("{}1 == 1", "1 + ".repeat(depth / 2))),
        ("rule", "choice", format!("{}true", "true ? true : ".repeat(depth / 4))),
        ("rule", "choice-inside", format!("{}true", "true ? ".repeat(depth / 4))),
        ("rule", "calls", format!("{}1{}", "size(".repeat(depth / 2), ")".repeat(depth / 2))),
        ("rule", "string", format!("'{}' == ''", "x".repeat(200_000))),
        ("found", "braces", "{".repeat(depth)),
        ("found", "blocks", "{{#if image}}".repeat(depth / 4)),
        ("found", "helpers", format!("{{{{{}", "(a ".repeat(depth))),
        ("found", "paths", format!("{{{{image{}}}}}", ".a".repeat(depth))),
        ("found", "parents", format!("{{{{{}a}}}}", "../".repeat(depth))),
        ("found", "values", "{{image.kind}}".repeat(depth / 8)),
    ]
}
