//! Media that nobody here wrote: read, judged, and refused as a base with a reason that a person
//! can act on.
//!
//! They come with Debian's packages ipxe, memtest86+ and grub-rescue-pc. That the library extends
//! them is in `tests/iso.rs` and `tests/system_area.rs`; none of them installs CentOS.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use preflight::digest::Sha256;
use program::{ONE_FILE, installed, names_in, run, skipped};

/// Where Debian's packages put their media.
const PLACES: &[(&str, &str)] = &[
    ("/usr/lib/ipxe", "ipxe"),
    ("/usr/lib/memtest86+", "memtest86+"),
    ("/usr/lib/grub-rescue", "grub-rescue-pc"),
];

/// Every medium there is; says which packages are missing.
fn media() -> Vec<PathBuf> {
    let mut media = Vec::new();
    for (place, package) in PLACES {
        let entries = fs::read_dir(place).into_iter().flatten();
        let isos = entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "iso"));
        let before = media.len();
        media.extend(isos);
        if media.len() == before {
            skipped(&format!("package {package} is not installed"));
        }
    }
    media.sort();
    media
}

fn copied(medium: &Path, dir: &Path) -> String {
    let name = medium.file_name().unwrap().to_str().unwrap().to_owned();
    fs::copy(medium, dir.join(&name)).unwrap();
    name
}

#[test]
fn every_medium_is_inspected_with_the_volume_id_that_others_see() {
    for medium in media() {
        let dir = tempfile::tempdir().unwrap();
        let name = copied(&medium, dir.path());
        let ran = run(dir.path(), &ONE_FILE, ["inspect", "image", &name, "--format", "json"]);
        assert_eq!(ran.misdeeds(), [""; 0], "{medium:?}");
        assert_eq!(ran.code, Some(0), "{medium:?}: {}", ran.text());
        let facts: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let image = &facts["image"];
        assert_eq!(image["kind"], "other", "{medium:?}");
        assert_eq!(image["size"], fs::metadata(&medium).unwrap().len(), "{medium:?}");
        assert_eq!(image["medium"]["bios"], true, "{medium:?} starts under a BIOS");
        assert_eq!(image["payload"], serde_json::json!({}), "{medium:?}");
        let text = run(dir.path(), &ONE_FILE, ["inspect", "image", &name]);
        assert_eq!((text.code, text.misdeeds()), (Some(0), Vec::new()), "{medium:?}");
        let volume_id = image["volume_id"].as_str().unwrap();
        assert!(text.text().contains(&format!("volume id: {volume_id}")), "{}", text.text());
        if installed(&["xorriso"]) {
            let mut xorriso = Command::new("xorriso");
            let seen = xorriso.arg("-indev").arg(&medium).arg("-pvd_info").output().unwrap();
            let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
            let theirs = seen.lines().find_map(|line| line.strip_prefix("Volume Id    :"));
            assert_eq!(theirs.map(str::trim), Some(volume_id), "{medium:?}: {seen}");
        }
    }
}

#[test]
fn every_medium_is_judged() {
    for medium in media() {
        let dir = tempfile::tempdir().unwrap();
        let name = copied(&medium, dir.path());
        let ran = run(dir.path(), &ONE_FILE, ["check", "image", &name, "--format", "json"]);
        assert_eq!(ran.misdeeds(), [""; 0], "{medium:?}");
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let summary = &report["summary"];
        assert_eq!(summary["exit_code"], ran.code.unwrap(), "{medium:?}");
        // They are sound, but install nothing.
        assert_eq!(ran.code, Some(1), "{medium:?}: {}", ran.text());
        let outcome = |check: &str| {
            let mut results = report["results"].as_array().unwrap().iter();
            let found = results.find(|result| result["check"] == check);
            found.unwrap_or_else(|| panic!("{check} is not judged"))["outcome"].clone()
        };
        assert_eq!(outcome("image.install-source"), "fail", "{medium:?}");
        assert_ne!(outcome("image.manifest-intact"), "pass", "{medium:?}");
    }
}

#[test]
fn every_medium_is_refused_as_a_base_with_a_reason_and_a_hint() {
    for medium in media() {
        let dir = tempfile::tempdir().unwrap();
        let name = copied(&medium, dir.path());
        let before = Sha256::hash(fs::read(&medium).unwrap());
        for dry in [false, true] {
            let mut args = vec!["build", "image", "demo", "--base", &name, "-o", "out.iso"];
            args.extend(dry.then_some("--dry-run"));
            let ran = run(dir.path(), &ONE_FILE, args);
            assert_eq!(ran.misdeeds(), [""; 0], "{medium:?}");
            assert_eq!(ran.code, Some(2), "{medium:?}: {}", ran.text());
            let complaint = ran.complaint();
            assert!(complaint.starts_with(&format!("preflight: {name}: ")), "{complaint}");
            assert!(complaint.contains("not one of anaconda"), "{complaint}");
            assert!(complaint.contains("\n  hint: give the minimal or DVD medium"), "{complaint}");
            assert_eq!(names_in(dir.path()), [name.as_str()], "{medium:?}: nothing is written");
        }
        assert_eq!(Sha256::hash(fs::read(dir.path().join(&name)).unwrap()), before);
    }
}
