//! Debian packages beside Debian's own tools: dpkg-deb makes them, dpkg compares their versions, apt
//! chooses among them on the same lists.
//!
//! Not for what the installer makes of them.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod debian_archive;
#[path = "hostile/mutation.rs"]
mod mutation;
mod program;
mod ubuntu_medium;

use std::fs;
use std::path::Path;
use std::process::Command;

use debian_archive::{Apt, dpkg_deb};
use mutation::Dice;
use preflight::packages::deb::version::DebVersion;
use preflight::packages::deb::{DebTrust, DpkgFeatures, list, read_add_ons, read_packages};
use preflight::packages::depsolve::{PackageOrigin, Pool, SolveRequest, solve};
use preflight::packages::repository::Keyring;
use program::{ONE_FILE, installed, run};
use ubuntu_medium::{PACKAGES, XENIAL, write_pool};

const VERSIONS: &[&str] = &[
    "0",
    "1.0",
    "1.0-1",
    "1.0-1ubuntu2",
    "1.0-1ubuntu10",
    "1.0~rc1-1",
    "1.0~~",
    "1.0+dfsg-1",
    "1.0a",
    "1.0.1",
    "1:0.1",
    "0:1.0",
    "2:0.9-0ubuntu5.1~16.04.1",
    "9.9",
    "1.0-1+b1",
    "1.00-01",
    "1.0-1.1",
];

#[test]
fn versions_compare_as_dpkg_compares_them() {
    if !installed(&["dpkg"]) {
        return;
    }
    let mut script = String::new();
    let mut ours = Vec::new();
    for a in VERSIONS {
        for b in VERSIONS {
            script += &format!("dpkg --compare-versions '{a}' lt '{b}' && echo lt || echo ge\n");
            let version = |text: &str| text.parse::<DebVersion>().unwrap();
            ours.push(if version(a) < version(b) { "lt" } else { "ge" });
        }
    }
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}

#[test]
fn packages_of_every_compression_are_read_as_dpkg_deb_reads_them() {
    if !installed(&["dpkg-deb"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let debs = dir.path().join("debs");
    fs::create_dir(&debs).unwrap();
    for kind in ["gzip", "xz", "zstd", "none"] {
        let control = format!(
            "Package: of-{kind}\nVersion: 2:1.0-1\nArchitecture: all\nMaintainer: nobody <n@example.test>\n\
             Depends: libc6 (>= 2.14) | musl\nDescription: a package\n of two lines\n"
        );
        dpkg_deb(&debs, &control, kind);
    }
    let all = DpkgFeatures { zstd: true };
    let read = read_packages(&debs, all, &Keyring::default()).unwrap();
    assert_eq!(read.len(), 4);
    for file in &read {
        let output = Command::new("dpkg-deb").arg("-f").arg(&file.path).output().unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let ours: String =
            file.fields.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        assert_eq!(ours, theirs);
        assert_eq!(file.location, format!("{}_1.0-1_all.deb", file.package.name));
        assert_eq!(file.trust, DebTrust::Unlisted);
    }
    // dpkg of 16.04 knows no zstd.
    let old = read_add_ons(&debs, DpkgFeatures::default(), &Keyring::default()).unwrap();
    assert_eq!((old.packages.len(), old.refused.len()), (3, 1));

    // What is cut or changed anywhere is refused, or is still the same package.
    let whole = fs::read(&read[0].path).unwrap();
    let mut dice = Dice::of(15, 0);
    for _ in 0..150 {
        let mut bytes = whole.clone();
        let at = dice.below(bytes.len());
        match dice.below(2) {
            0 => bytes.truncate(at),
            _ => bytes[at] ^= 1 << dice.below(8),
        }
        fs::write(&read[0].path, &bytes).unwrap();
        let set = read_add_ons(&debs, all, &Keyring::default()).unwrap();
        assert_eq!(set.packages.len() + set.refused.len(), 4);
    }
}

/// Writes a list of packages with relations between them; a name is provided by one package alone,
/// so that apt has no choice that is not written in the list.
fn random_list(dice: &mut Dice) -> String {
    let mut list = String::new();
    let names = 16;
    for number in 0..names {
        for version in 0..=dice.below(2) {
            list += &format!(
                "Package: p{number}\nVersion: {}.0-{}\nArchitecture: {}\nMaintainer: n <n@e>\n",
                version + 1,
                dice.below(3),
                ["amd64", "all"][dice.below(2)],
            );
            let mut relations = Vec::new();
            for _ in 0..dice.below(3) {
                let mut alternatives = Vec::new();
                for _ in 0..=dice.below(2) {
                    let other = number + 1 + dice.below(names - number);
                    let kind = ["p", "p", "p", "p", "p", "v"][dice.below(6)];
                    let sign = ["", "", "", "", " (>= 1.0-1)", " (<< 2.0)", " (= 2.0-0)", ""];
                    let any = [":any", "", "", "", "", "", "", ""][dice.below(8)];
                    let sign = sign[dice.below(8)];
                    alternatives.push(format!("{kind}{other}{any}{sign}"));
                }
                relations.push(alternatives.join(" | "));
            }
            if !relations.is_empty() {
                let field = ["Depends", "Pre-Depends"][dice.below(2)];
                list += &format!("{field}: {}\n", relations.join(", "));
            }
            if dice.below(3) == 0 {
                let version = ["", " (= 2.0-0)"][dice.below(2)];
                list += &format!("Provides: v{number}{version}\n");
            }
            if dice.below(4) == 0 {
                list += "Multi-Arch: allowed\n";
            }
            list += &format!(
                "Filename: ./p{number}_{version}.deb\nSize: 1\nSHA256: {}\nDescription: x\n\n",
                "0".repeat(64)
            );
        }
    }
    list
}

#[test]
fn dependencies_resolve_as_apt_resolves_them() {
    if !installed(&["apt-get"]) {
        return;
    }
    let mut dice = Dice::of(15, 1);
    let (mut met, mut unmet) = (0, 0);
    for _ in 0..12 {
        let list = random_list(&mut dice);
        let apt = Apt::new();
        apt.add_list(&list);
        let mut pool = Pool::of_debs();
        for package in list::parse(&list).unwrap() {
            pool.add_deb(&package, PackageOrigin::Base, &package.file).unwrap();
        }
        for number in 0..8 {
            let asked = vec![format!("p{number}"), format!("p{}", 8 + dice.below(8))];
            let request = SolveRequest {
                packages: &asked,
                groups: &[],
                implied: &[],
                add_ons_last: false,
                known_files: &[],
            };
            let solution = solve(&pool, &request);
            let theirs = apt.simulate(&asked);
            let ours = solution.problems.is_empty().then_some(solution.install.clone());
            assert_eq!(ours, theirs, "{asked:?} of\n{list}\n{:?}", solution.problems);
            *if theirs.is_some() { &mut met } else { &mut unmet } += 1;
        }
    }
    assert!(met > 10 && unmet > 10, "{met} can be installed, {unmet} cannot");
}

/// A medium without universe, and what it lacks as packages in `debs`.
fn medium_and_debs(dir: &Path) {
    ubuntu_medium::write_changed(dir, XENIAL, |tree| {
        fs::remove_dir_all(tree.join("pool")).unwrap();
        write_pool(tree, XENIAL, PACKAGES);
    });
    fs::create_dir(dir.join("debs")).unwrap();
    for (name, version, fields) in ubuntu_medium::UNIVERSE {
        let fields = if fields.is_empty() { String::new() } else { format!("{fields}\n") };
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: n <n@example.test>\n\
             {fields}Description: filler\n"
        );
        dpkg_deb(&dir.join("debs"), &control, "xz");
    }
}

#[test]
fn what_a_medium_lacks_is_listed_and_completes_it() {
    if !installed(&["dpkg-deb", "xorriso"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    medium_and_debs(dir.path());
    let list = ["list", "packages", "ubuntu-16.04", "--base", "base.iso"];
    let ran = run(dir.path(), &ONE_FILE, list);
    assert_eq!((ran.code, ran.misdeeds()), (Some(0), Vec::new()), "{}", ran.text());
    let mut lacking: Vec<&str> = ubuntu_medium::UNIVERSE.iter().map(|row| row.0).collect();
    lacking.sort_unstable();
    let text = ran.text();
    let listed = text.lines().filter_map(|line| line.split_whitespace().next());
    assert_eq!(listed.collect::<Vec<_>>(), lacking);
    let ran = run(dir.path(), &ONE_FILE, [&list[..], &["--debs", "debs"]].concat());
    assert_eq!((ran.code, ran.text()), (Some(0), String::new()));

    let check = ["check", "packages", "ubuntu-16.04", "--base", "base.iso", "--debs", "debs"];
    let ran = run(dir.path(), &ONE_FILE, check);
    assert_eq!((ran.code, ran.misdeeds()), (Some(0), Vec::new()), "{}", ran.text());
    fs::remove_file(dir.path().join("debs/kpartx.deb")).unwrap();
    let ran = run(dir.path(), &ONE_FILE, check);
    assert_eq!(ran.code, Some(1), "{}", ran.text());
    assert!(ran.text().contains("kpartx is in no repository"), "{}", ran.text());
}
