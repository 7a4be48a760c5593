//! Agent bundles, sound and hostile, through the public interface; the clock and the memory too.
//!
//! The directed cases are made here. The larger set comes from the hostile-file generator when
//! there is one: a directory of its files in PREFLIGHT_HOSTILE_TAR, or tests/lab/hostile/gen.py.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test file, its helpers too")]

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use preflight::agent::{
    AgentError, AgentScript, NameForm, STANDIN_FILE_NAME, inspect, standin_bundle,
};
use preflight::digest::Sha256;
use tar::{EntryType, Header};

const NAME: &str = "Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One member as its 512-byte header and padded data, whatever the name is.
fn member(name: &str, kind: EntryType, mode: u32, link: &str, data: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(data.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    member(name, EntryType::Regular, 0o644, "", data)
}

/// A member with these bytes for a number of its header, and as much data.
fn odd_number(name: &str, at: usize, number: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = member(name, EntryType::Regular, 0o644, "", &vec![b'x'; len]);
    bytes[at..at + number.len()].copy_from_slice(number);
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    bytes
}

/// A bundle with the two files every bundle has, and these.
fn bundle(more: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = member("ApplyCustomChanges.sh", EntryType::Regular, 0o644, "", b"#!/bin/sh\n");
    tar.extend(member("./install", EntryType::Regular, 0o755, "", b"#!/bin/sh\n"));
    tar.extend(more.concat());
    tar.extend([0; 1024]);
    gzip(&tar)
}

fn pax(record: &[u8]) -> Vec<u8> {
    member("PaxHeader", EntryType::XHeader, 0o644, "", record)
}

fn refusal(bytes: &[u8]) -> String {
    inspect(bytes, NAME).expect_err("it is refused").to_string()
}

#[test]
fn a_sound_bundle_is_described() {
    let bytes = bundle(&[file("lib/data", &[7; 2000])]);
    let bundle = inspect(&bytes[..], NAME).unwrap();
    assert!(bundle.name_recognised() && !bundle.standin);
    assert_eq!(bundle.identity.as_ref().unwrap().version, "9.8.0.0");
    assert_eq!(bundle.identity.as_ref().unwrap().distribution, "RHEL6-64");
    assert_eq!((bundle.custom_changes_mode, bundle.installer_mode), (0o644, 0o755));
    assert_eq!((bundle.entries, bundle.unpacked_bytes), (3, 2020));
    assert_eq!((bundle.sha256, bundle.len), (Sha256::hash(&bytes), bytes.len() as u64));
}

#[test]
fn the_scripts_inside_are_told_and_read_no_further() {
    let bytes = bundle(&[
        file("scripts/vCon", b"#!/bin/sh -e\nexit 0\n"),
        file("bin/agent", b"\x7fELF#!/bin/sh\n"),
        file("long", &[b"#!/bin/bash\n", &[b'x'; 100_000][..]].concat()),
    ]);
    let bundle = inspect(&bytes[..], NAME).unwrap();
    assert!(bundle.scripts.complete);
    let told = |script: &AgentScript| {
        format!("{} {:o} {} {}", script.path, script.mode, script.size, script.interpreter)
    };
    let told: Vec<String> = bundle.scripts.items.iter().map(told).collect();
    for wanted in ["scripts/vCon 644 20 /bin/sh -e", "long 644 100012 /bin/bash"] {
        assert!(told.iter().any(|seen| seen == wanted), "{told:?} without {wanted}");
    }
    assert!(!told.iter().any(|seen| seen.starts_with("bin/agent")), "{told:?}");
}

#[test]
fn a_download_without_a_telling_name_is_named_by_its_content() {
    let inner = "Microsoft-ASR_FMUA_9.20.1.1_RHEL7-64_GA_01Oct2018_release.tar";
    let bytes = bundle(&[file(inner, b"x")]);
    let bundle = inspect(&bytes[..], "latestlinuxmobsvc.tar.gz").unwrap();
    assert_eq!(bundle.form, NameForm::LatestDownload);
    assert_eq!(bundle.identity.unwrap().distribution, "RHEL7-64");
}

#[test]
fn the_stand_in_says_so_and_is_nothing_else() {
    let bundle = inspect(&standin_bundle(1_414_159_991)[..], STANDIN_FILE_NAME).unwrap();
    assert!(bundle.standin && bundle.identity.is_none());
    assert_eq!(bundle.form, NameForm::Other);
}

#[test]
fn hostile_members_are_refused_by_name() {
    let link = |name, target| member(name, EntryType::Symlink, 0o777, target, b"");
    let hard = |name, target| member(name, EntryType::Link, 0o644, target, b"");
    let kind = |kind| member("odd", kind, 0o644, "", b"");
    let cases: Vec<(Vec<Vec<u8>>, &str)> = vec![
        (
            vec![file("../x", b"")],
            "entry \"../x\" is refused: its path leaves the directory it is unpacked in",
        ),
        (
            vec![file("lib/../x", b"")],
            "entry \"lib/../x\" is refused: its path leaves the directory it is unpacked in",
        ),
        (vec![file("/etc/passwd", b"")], "entry \"/etc/passwd\" is refused: its path is absolute"),
        (vec![file("", b"")], "entry \"\" is refused: it has no name"),
        (
            vec![file("a\u{1b}[2Jb", b"")],
            "entry \"a\\u{1b}[2Jb\" is refused: its name has control characters or is not UTF-8",
        ),
        (
            vec![link("up", "../..")],
            "entry \"up\" is refused: it links to \"../..\", which is outside",
        ),
        (vec![link("e", "/etc")], "entry \"e\" is refused: it links to \"/etc\", which is outside"),
        (
            vec![link("a", "b"), link("b", "a")],
            "entry \"a\" is refused: it links to \"b\", which leads in a circle",
        ),
        (
            vec![link("d", "lib"), file("d/x", b"")],
            "entry \"d/x\" is refused: \"d\" in its path is not a directory",
        ),
        (
            vec![hard("h", "nosuch")],
            "entry \"h\" is refused: it links to \"nosuch\", which is not an earlier entry",
        ),
        (vec![hard("h", "../x")], "entry \"h\" is refused: it links to \"../x\", which is outside"),
        (vec![kind(EntryType::Block)], "entry \"odd\" is refused: it is a block device"),
        (vec![kind(EntryType::Char)], "entry \"odd\" is refused: it is a character device"),
        (vec![kind(EntryType::Fifo)], "entry \"odd\" is refused: it is a named pipe"),
        (vec![kind(EntryType::GNUSparse)], "entry \"odd\" is refused: it is a sparse file"),
        (
            vec![member("su", EntryType::Regular, 0o4755, "", b"")],
            "entry \"su\" is refused: its mode 4755 has a set-uid or set-gid bit",
        ),
        (
            vec![member("./", EntryType::Directory, 0o777, "", b"")],
            "entry \"./\" is refused: its mode 0777 lets others than its owner write it",
        ),
        (
            vec![member("d/", EntryType::Directory, 0o1777, "", b"")],
            "entry \"d/\" is refused: its mode 1777 lets others than its owner write it",
        ),
        (
            vec![member("bin/x", EntryType::Regular, 0o775, "", b"")],
            "entry \"bin/x\" is refused: its mode 0775 lets others than its owner write it",
        ),
        (
            vec![member("bin/x", EntryType::Regular, 0o646, "", b"")],
            "entry \"bin/x\" is refused: its mode 0646 lets others than its owner write it",
        ),
        (
            vec![odd_number("x", 124, b"+0000000010\0", 8)],
            "entry \"x\" is refused: its size is \"+0000000010\\x00\", which tar programs read \
             differently",
        ),
        (
            vec![odd_number("x", 100, b"+000755\0", 0)],
            "entry \"x\" is refused: its mode is \"+000755\\x00\", which tar programs read differently",
        ),
        (
            vec![odd_number("x", 124, b"\x80\x01\0\0\0\0\0\0\0\0\0\x08", 8)],
            "entry \"x\" is refused: its size is \
             \"\\x80\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x08\", which tar programs read \
             differently",
        ),
        (
            vec![file("install", b"other")],
            "entry \"install\" is refused: it overwrites an earlier entry of this name",
        ),
        (
            vec![member("d", EntryType::Directory, 0o755, "", b"x")],
            "entry \"d\" is refused: a directory carries data",
        ),
        (
            vec![pax(b"19 path=../../../x\n"), file("good", b"")],
            "entry \"../../../x\" is refused: its path leaves the directory it is unpacked in",
        ),
        (
            vec![pax(b"20 size=99999999999\n"), file("good", b"")],
            "entry \"PaxHeader\" is refused: its extended header sets \"size\"",
        ),
        (
            vec![pax(b"10 a=bcde\n\n10 size=1\n"), file("good", b"")],
            "entry \"PaxHeader\" is refused: its extended header sets \"something unreadable\"",
        ),
        (
            vec![pax(format!("143 path={}x\n", "d/".repeat(66)).as_bytes()), file("g", b"")],
            &format!("entry \"{}x\" is refused: it lies 67 directories deep", "d/".repeat(66)),
        ),
    ]
    .into_iter()
    .map(|(members, want)| (members, Box::leak(want.to_owned().into_boxed_str()) as &str))
    .collect();
    for (members, want) in cases {
        let error = inspect(&bundle(&members)[..], NAME).expect_err(want);
        assert_eq!(error.to_string(), want);
        assert!(error.hint().is_some());
    }
}

#[test]
fn what_is_not_a_bundle_is_named_for_what_it_is() {
    let good = bundle(&[]);
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "expected a gzip file, found an empty file"),
        (b"PK\x03\x04rest".to_vec(), "expected a gzip file, found a zip file"),
        (b"<!DOCTYPE html>".to_vec(), "expected a gzip file, found a web page"),
        (file("install", b""), "expected a gzip file, found a tar archive"),
        (good[..good.len() / 2].to_vec(), "the compressed stream is damaged after 1 entries"),
        ([&good[..], b"more"].concat(), "the compressed stream is damaged after 2 entries"),
        (gzip(&[0; 10240]), "the archive has no file \"install\" at its top"),
        (gzip(&[7; 2048]), "not a sound tar archive after 0 entries"),
    ];
    for (bytes, want) in cases {
        assert_eq!(refusal(&bytes), want);
    }
}

#[test]
fn a_reader_that_fails_is_not_blamed_on_the_archive() {
    struct Failing(Vec<u8>);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::from_raw_os_error(5));
            }
            let n = self.0.len().min(buffer.len());
            buffer[..n].copy_from_slice(&self.0[..n]);
            self.0.drain(..n);
            Ok(n)
        }
    }
    let mut half = bundle(&[]);
    half.truncate(half.len() / 2);
    assert!(matches!(inspect(Failing(half), NAME), Err(AgentError::Read(_))));
}

#[test]
fn a_bomb_is_left_at_the_ratio_limit() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let mut header = Header::new_gnu();
    header.set_path("zeros").unwrap();
    header.set_size(512 << 20);
    header.set_mode(0o644);
    header.set_cksum();
    encoder.write_all(header.as_bytes()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..512 {
        encoder.write_all(&zeros).unwrap();
    }
    let bytes = encoder.finish().unwrap();
    assert_eq!(
        refusal(&bytes),
        "the archive has more than 200 times its compressed size, found after 1 entries"
    );
}

#[test]
fn the_hostile_set_is_refused_in_time_and_memory() {
    let Some(set) = hostile_set() else { return };
    let index = fs::read_to_string(set.path().join("INDEX")).unwrap();
    let mut wrong = Vec::new();
    let mut judged = 0;
    for line in index.lines() {
        let mut fields = line.split('\t');
        let (name, expected) = (fields.next().unwrap(), fields.next().unwrap());
        let bytes = fs::read(set.path().join(name)).unwrap();
        // The set holds some archives without compression. The installed system unpacks with
        // `tar xzf`, so those are refused as they are; compressed, they must be judged right.
        let variants = match name.strip_suffix(".tar") {
            Some(_) => {
                assert!(inspect(&bytes[..], name).is_err(), "{name} is not compressed");
                gzip(&bytes)
            }
            None => bytes,
        };
        let started = Instant::now();
        let result = inspect(&variants[..], name);
        let took = started.elapsed();
        let right = match expected {
            "good" => result.is_ok(),
            "bad" => result.is_err(),
            _ => true,
        };
        // A guard against one that never ends, not a measure.
        if !right || took > Duration::from_secs(30) {
            wrong.push(format!("{line}: {:?} in {took:?}", result.map(|b| b.entries)));
        }
        judged += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged > 100, "{judged} files");
    assert!(peak_kib() < 128 * 1024, "{} KiB", peak_kib());
}

/// The most memory this process ever had. The tests of this file share it.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

enum Set {
    Given(PathBuf),
    Made(tempfile::TempDir),
}

impl Set {
    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Made(dir) => dir.path(),
        }
    }
}

fn hostile_set() -> Option<Set> {
    if let Some(given) = std::env::var_os("PREFLIGHT_HOSTILE_TAR") {
        return Some(Set::Given(given.into()));
    }
    let generator = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/hostile/gen.py");
    let dir = tempfile::tempdir().unwrap();
    let made = generator.is_file()
        && Command::new("python3")
            .arg("-B")
            .arg(&generator)
            .args(["tar", dir.path().to_str().unwrap(), "--seed", "1", "--count", "60"])
            .status()
            .is_ok_and(|status| status.success());
    if made {
        return Some(Set::Made(dir));
    }
    assert!(std::env::var_os("CI").is_none(), "no hostile files: a skip is a failure in CI");
    eprintln!("SKIPPED: no hostile archives; needs python3 and tests/lab/hostile/gen.py");
    None
}
