//! Will the installation resolve? Stand-in packages made by rpmbuild, a medium whose repository
//! createrepo_c wrote, and dnf as the oracle: what is promised installs, into a scratch root and for
//! real, and what is refused does not, or not as it was meant.
//!
//! Not for the solver's own cases (`packages::depsolve`). Real packages are the lab's and the user's.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
mod packaging;
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use packaging::{AS_CENTOS, RSA, STRANGER, Signer, Spec};
use program::{Limits, installed, names_in, run};

const ORDINARY: Limits =
    Limits { cpu_s: 60, memory_mib: 150, file_kib: None, patience: Duration::from_secs(60) };

/// Where, name, version-release, and more lines of its part of the spec.
const PACKAGES: &[(&str, &str, &str, &str)] = &[
    ("base", "glibc", "2.12-1.149.el6", "Provides: libc.so.6()(64bit)"),
    ("base", "bash", "4.1.2-29.el6", "Requires: libc.so.6()(64bit)\nProvides: /bin/sh"),
    ("base", "kernel", "2.6.32-504.el6", "Requires: /bin/sh"),
    ("base", "unused", "1-1.el6", "Requires: nobody-has-this"),
    ("addon", "xfsprogs", "3.1.1-16.el6", "Requires: glibc >= 2.12"),
    ("addon", "perl", "5.10.1-136.el6", "Requires: perl-libs = 5.10.1-136.el6"),
    ("addon", "perl-libs", "5.10.1-136.el6", ""),
    ("addon", "lsscsi", "0.23-2.el6", ""),
    ("addon", "rsync", "3.0.6-12.el6", ""),
    ("addon", "wget", "1.12-5.el6", "Requires: /usr/share/standin/rsync"),
    ("addon", "kexec-tools", "2.0.0-280.el6", "Requires: /usr/share/standin/bash"),
    ("addon", "device-mapper-multipath", "0.4.9-80.el6", ""),
    ("addon", "open-vm-tools", "9.10.2-1.el6", ""),
    ("addon", "kmod-reiserfs", "0.0-1.el6.elrepo", "Requires: kernel < 2.6.33"),
    ("addon", "reiserfs-utils", "3.6.21-1.el6.elrepo", ""),
    ("newer-libc", "lsscsi", "0.23-3.el6", "Requires: libc.so.6(GLIBC_2.14)(64bit)"),
    ("exclusive", "rsync", "3.0.6-13.el6", "Conflicts: wget < 2"),
    ("other", "rsync", "3.0.9-18.el7", ""),
    ("update", "bash", "4.1.2-33.el6", "Provides: /bin/sh"),
    ("second", "lsscsi", "0.23-4.el6", ""),
    // Brings rsync's file with other content.
    ("clash", "wget", "1.12-6.el6", ""),
];

const COMPS: &str = "<?xml version=\"1.0\"?><comps><group><id>core</id><name>Core</name><default>true</default><uservisible>false</uservisible><packagelist><packagereq type=\"mandatory\">bash</packagereq></packagelist></group></comps>";

struct Bench {
    dir: tempfile::TempDir,
    base: PathBuf,
    key: PathBuf,
    signer: Signer,
}

impl Bench {
    /// A medium with its packages, and the add-ons in directories beside it.
    fn new() -> Option<Self> {
        if !installed(&["rpmbuild", "createrepo_c", "xorriso", "dnf", "rpm"]) {
            return None;
        }
        let signer = Signer::new()?;
        let key = signer.public(RSA);
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let mut made = Vec::new();
        for (place, name, evr, more) in PACKAGES {
            let to = if *place == "base" { root.join("tree/Packages") } else { root.join(place) };
            let also = (*place == "clash").then_some("rsync");
            made.push(Spec { name, evr, more, also }.build(&to));
        }
        signer.sign(AS_CENTOS, &made);
        fs::write(root.join("comps.xml"), COMPS).unwrap();
        Self::index(&root.join("tree"), &root.join("comps.xml"));
        let base = el6_medium::write(&root, 0);
        fs::remove_file(root.join("tree/Packages/filler-1.0-1.el6.noarch.rpm")).unwrap();
        Some(Self { dir, base, key, signer })
    }

    fn index(tree: &Path, comps: &Path) {
        let indexed = Command::new("createrepo_c")
            .args(["-q", "--checksum", "sha256", "--general-compress-type", "gz", "--no-database"])
            .arg("-g")
            .arg(comps)
            .arg(tree)
            .output()
            .unwrap();
        assert!(indexed.status.success(), "{}", String::from_utf8_lossy(&indexed.stderr));
    }

    /// The add-ons without some of them and with others.
    fn addons(&self, case: &str, without: &[&str], with: &[&str]) -> PathBuf {
        let to = self.dir.path().join(case);
        fs::create_dir(&to).unwrap();
        for (place, name, evr, _) in PACKAGES {
            let wanted = *place == "addon" && !without.contains(name) || with.contains(place);
            if wanted {
                let file = format!("{name}-{evr}.x86_64.rpm");
                fs::copy(self.dir.path().join(place).join(&file), to.join(file)).unwrap();
            }
        }
        to
    }

    /// The exit status, the checks that failed with what was found, and what all was found.
    fn judged(&self, addons: &Path) -> (i32, Vec<(String, String)>, String) {
        let (base, addons) = (self.base.to_str().unwrap(), addons.to_str().unwrap());
        let key = self.key.to_str().unwrap();
        let args =
            ["check", "packages", "demo", "--base", base, "--rpms", addons, "--rpm-key", key];
        let args = args.into_iter().chain(["--format", "json"]);
        let ran = run(self.dir.path(), &ORDINARY, args);
        assert_eq!(ran.misdeeds(), [""; 0]);
        let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
        let results = report["results"].as_array().unwrap();
        let text = |result: &serde_json::Value, key: &str| result[key].as_str().unwrap().to_owned();
        let failed = results.iter().filter(|result| result["outcome"] == "fail");
        let failed = failed.map(|result| (text(result, "check"), text(result, "found"))).collect();
        let all = results.iter().map(|result| text(result, "found")).collect::<Vec<_>>();
        (ran.code.unwrap(), failed, all.join("\n"))
    }

    /// Installs what the recipe asks for into a scratch root, with dnf from the medium and the
    /// add-ons: the NEVRAs that rpm then lists there, or what dnf said.
    fn dnf(&self, addons: &Path) -> Result<Vec<String>, String> {
        let repo = addons.with_extension("repo");
        let root = addons.with_extension("root");
        fs::create_dir_all(&repo).unwrap();
        for entry in fs::read_dir(addons).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), repo.join(entry.file_name())).unwrap();
        }
        Self::index(&repo, &self.dir.path().join("comps.xml"));
        let url = |path: &Path| format!("file://{}", path.display());
        let names = PACKAGES.iter().filter(|it| it.0 == "addon" && it.1 != "perl-libs");
        let output = Command::new("dnf")
            .args(["install", "--assumeyes", "--releasever=6", "--forcearch=x86_64"])
            .args(["--nogpgcheck", "--setopt=install_weak_deps=0"])
            .arg(format!("--installroot={}", root.display()))
            .arg(format!("--setopt=cachedir={}/cache", root.display()))
            .arg(format!("--setopt=logdir={}", root.display()))
            .arg(format!("--repofrompath=base,{}", url(&self.dir.path().join("tree"))))
            .arg(format!("--repofrompath=addon,{}", url(&repo)))
            .args(["--repo=base", "--repo=addon", "bash", "kernel"])
            .args(names.map(|it| it.1))
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if !output.status.success() {
            return Err(told);
        }
        let rpm = |more: &[&str]| {
            let mut command = Command::new("rpm");
            packaging::done(command.arg("--root").arg(&root).args(more))
        };
        rpm(&["-Va"]);
        let listed = rpm(&["-qa", "--qf", "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n"]);
        let mut listed: Vec<String> =
            String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect();
        listed.sort();
        Ok(listed)
    }
}

/// Every package of the medium and of the add-ons that the recipe needs.
fn promised() -> Vec<String> {
    let needed = PACKAGES.iter().filter(|it| matches!(it.0, "base" | "addon") && it.1 != "unused");
    let mut names: Vec<String> =
        needed.map(|(_, name, evr, _)| format!("{name}-{evr}.x86_64")).collect();
    names.sort();
    names
}

#[test]
fn what_is_promised_installs_and_what_is_refused_does_not() {
    let Some(bench) = Bench::new() else { return };
    let whole = bench.addons("whole", &[], &[]);
    let (code, failed, all) = bench.judged(&whole);
    assert_eq!((code, failed), (0, Vec::new()), "{all}");
    let root = rustix::process::geteuid().is_root();
    if root {
        let installed = bench.dnf(&whole).unwrap();
        assert_eq!(installed, promised());
        let met = format!("all requirements of {} packages are met", installed.len());
        assert!(all.contains(&met), "{all}");
    } else {
        program::skipped("dnf does not resolve for a root directory unless it is root's");
    }

    // Case, without, with, the check that fails, what it says, and what dnf makes of it: the words
    // it fails with, or a package that it installs and that was not meant.
    type Case<'a> =
        (&'a str, &'a [&'a str], &'a [&'a str], &'a str, &'a str, Result<&'a str, &'a str>);
    let cases: [Case<'_>; 8] = [
        (
            "no-libs",
            &["perl-libs"],
            &[],
            "packages.resolve",
            "requires perl-libs = 5.10.1-136.el6, which no package provides; perl-libs-5.10.1-136.el6_6.1.x86_64.rpm would bring it",
            Err("nothing provides perl-libs = 5.10.1-136.el6"),
        ),
        (
            "no-wget",
            &["wget"],
            &[],
            "packages.named",
            "wget is in no repository; wget-1.12-5.el6_6.1.x86_64.rpm would bring it",
            Err("No match for argument: wget"),
        ),
        (
            "libc",
            &["lsscsi"],
            &["newer-libc"],
            "packages.resolve",
            "requires libc.so.6(GLIBC_2.14)(64bit), which no package provides",
            Err("nothing provides libc.so.6(GLIBC_2.14)(64bit)"),
        ),
        (
            "conflict",
            &["rsync"],
            &["exclusive"],
            "packages.conflicts",
            "conflicts with wget < 2, which is wget-1.12-5.el6.x86_64",
            Err("conflicts with wget < 2"),
        ),
        (
            "same-file",
            &["wget"],
            &["clash"],
            "packages.same-files",
            "/usr/share/standin/rsync is in ",
            Err("file /usr/share/standin/rsync conflicts between attempted installs"),
        ),
        (
            "el7",
            &["rsync"],
            &["other"],
            "packages.release",
            "was built for el7, not el6",
            Ok("rsync-3.0.9-18.el7.x86_64"),
        ),
        (
            "shadow",
            &[],
            &["update"],
            "packages.shadow",
            "bash-4.1.2-33.el6.x86_64 would be taken instead of the medium's bash-4.1.2-29.el6.x86_64",
            Ok("bash-4.1.2-33.el6.x86_64"),
        ),
        (
            "two-versions",
            &[],
            &["second"],
            "packages.one-version",
            "lsscsi-0.23-4.el6.x86_64.rpm is lsscsi 0:0.23-4.el6",
            Ok("lsscsi-0.23-4.el6.x86_64"),
        ),
    ];
    for (case, without, with, check, says, dnf) in cases {
        let addons = bench.addons(case, without, with);
        let (code, failed, _) = bench.judged(&addons);
        // That two packages bring a file may be right, so it alone does not block.
        assert_eq!(code, i32::from(case != "same-file"), "{case}: {failed:?}");
        let right = failed.iter().any(|(id, found)| id == check && found.contains(says));
        assert!(right, "{case}: {failed:?}");
        if !root {
            continue;
        }
        match (bench.dnf(&addons), dnf) {
            (Err(told), Err(words)) => assert!(told.contains(words), "{case}: {told}"),
            (Ok(installed), Ok(package)) => {
                assert!(installed.iter().any(|it| it == package), "{case}: {installed:?}");
                assert_ne!(installed, promised(), "{case}");
            }
            (seen, meant) => panic!("{case}: dnf {seen:?}, meant was {meant:?}"),
        }
    }
}

/// Each of the faults that a person brings along, as a build: the message, the hint, exit 2, and
/// nothing written.
#[test]
fn a_build_refuses_what_cannot_be_trusted_or_cannot_install() {
    let Some(bench) = Bench::new() else { return };
    let dir = bench.dir.path();
    let damaged = bench.addons("damaged", &[], &[]);
    let file = damaged.join("wget-1.12-5.el6.x86_64.rpm");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let strange = bench.addons("strange", &["rsync"], &[]);
    let odd = PACKAGES.iter().find(|it| (it.0, it.1) == ("addon", "rsync")).unwrap();
    let odd = Spec { name: odd.1, evr: odd.2, more: odd.3, also: None };
    let unsigned = bench.addons("unsigned", &["rsync"], &[]);
    odd.build(&unsigned);
    let made = odd.build(&strange);
    bench.signer.sign(packaging::How { owner: STRANGER, ..AS_CENTOS }, &[made]);
    let cases = [
        (
            damaged,
            "wget-1.12-5.el6.x86_64.rpm is refused: its payload does not match",
            "download the package again",
        ),
        (
            strange,
            "rsync-3.0.6-12.el6.x86_64.rpm is refused: it is signed by key",
            "--rpm-key FILE",
        ),
        (
            unsigned,
            "rsync-3.0.6-12.el6.x86_64.rpm is refused: it is not signed",
            "where it is signed",
        ),
        (
            bench.addons("lacking", &["perl-libs"], &[]),
            "base.iso: the packages are not proven to install: perl-5.10.1-136.el6.x86_64 (an add-on) requires perl-libs",
            "preflight list packages",
        ),
        (
            bench.addons("el7", &["rsync"], &["other"]),
            "base.iso: the packages are not proven to install: rsync-0:3.0.9-18.el7.x86_64 was built for el7, not el6",
            "preflight list packages",
        ),
        (
            bench.addons("two", &[], &["exclusive"]),
            "rsync-3.0.6-12.el6.x86_64.rpm is rsync 0:3.0.6-12.el6",
            "keep one version of each package",
        ),
        (
            bench.addons("shadow", &[], &["update"]),
            "would be taken instead of the medium's bash-4.1.2-29.el6.x86_64",
            "preflight list packages",
        ),
    ];
    let (base, key) = (bench.base.to_str().unwrap(), bench.key.to_str().unwrap());
    let before = names_in(dir);
    for (addons, says, hint) in cases {
        let addons = addons.to_str().unwrap();
        let args = ["build", "image", "demo", "--base", base, "--rpm-key", key, "--rpms", addons];
        let ran = run(dir, &ORDINARY, args.into_iter().chain(["-o", "mt.iso"]));
        assert_eq!((ran.code, ran.misdeeds()), (Some(2), Vec::new()), "{addons}: {}", ran.text());
        let complaint = ran.complaint();
        let (told, hinted) = complaint.split_once("hint: ").unwrap();
        assert!(told.contains(says), "{addons}: {complaint}");
        assert!(hinted.contains(hint), "{addons}: {complaint}");
        assert_eq!(names_in(dir), before, "{addons}: nothing is written");
    }
}

#[test]
fn damaged_files_and_two_versions_of_a_name_are_findings_that_name_them() {
    let Some(bench) = Bench::new() else { return };
    let two = bench.addons("two", &[], &["exclusive"]);
    let (code, failed, _) = bench.judged(&two);
    assert_eq!(code, 1);
    let (_, found) = failed.iter().find(|(id, _)| id == "packages.one-version").unwrap();
    assert!(
        found.contains("rsync-3.0.6-12.el6") && found.contains("rsync-3.0.6-13.el6"),
        "{found}"
    );

    let bad = bench.addons("bad", &[], &[]);
    let file = bad.join("wget-1.12-5.el6.x86_64.rpm");
    let mut bytes = fs::read(&file).unwrap();
    let last = bytes.len() - 20;
    bytes[last] ^= 1;
    fs::write(&file, bytes).unwrap();
    let (code, failed, _) = bench.judged(&bad);
    assert_eq!(code, 1);
    let of = |check: &str| failed.iter().find(|(id, _)| id == check).unwrap().1.clone();
    assert!(of("packages.whole").contains("wget-1.12-5.el6.x86_64.rpm"), "{failed:?}");
    assert!(of("packages.named").contains("wget is in no repository"), "{failed:?}");
}

#[test]
fn an_image_that_cannot_install_is_written_only_when_it_is_asked_for_and_says_so() {
    let Some(bench) = Bench::new() else { return };
    let (dir, base) = (bench.dir.path(), bench.base.to_str().unwrap());
    let addons = bench.addons("few", &["perl-libs"], &[]);
    let few = addons.to_str().unwrap();
    let build = ["build", "image", "demo", "--base", base, "--rpms", few, "-o", "mt.iso"];
    let before = names_in(dir);
    let ran = run(dir, &ORDINARY, build);
    assert_eq!(ran.code, Some(2), "{}", ran.text());
    assert!(ran.complaint().contains("requires perl-libs"), "{}", ran.complaint());
    assert!(ran.complaint().contains("hint: see `preflight list packages"), "{}", ran.complaint());
    assert_eq!(names_in(dir), before, "nothing is written");

    let ran = run(dir, &ORDINARY, build.into_iter().chain(["--allow-incomplete"]));
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    let manifest = fs::read_to_string(dir.join("mt.iso.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let why = manifest["incomplete"][0].as_str().unwrap();
    assert!(why.contains("requires perl-libs"), "{why}");

    let whole = bench.addons("whole", &[], &[]);
    let whole = whole.to_str().unwrap();
    let args = ["build", "image", "demo", "--base", base, "--rpms", whole, "-o", "whole.iso"];
    let ran = run(dir, &ORDINARY, args);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    let manifest = fs::read_to_string(dir.join("whole.iso.manifest.json")).unwrap();
    assert!(!manifest.contains("\"incomplete\""), "{manifest}");

    let listed = run(dir, &ORDINARY, ["list", "packages", "demo", "--base", base, "--rpms", few]);
    assert_eq!(listed.code, Some(0), "{}", listed.text());
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.starts_with("perl-libs-5.10.1-136.el6_6.1.x86_64.rpm "), "{text}");
}

/// Everything that dnf knows of the packages of a repository: one text for each package and kind,
/// its lines sorted, for no order is promised.
fn as_dnf_reads(repository: &Path) -> BTreeSet<String> {
    let mut format = "== %{name} %{epoch}:%{version}-%{release}.%{arch} of %{sourcerpm}, \
                      %{license}, %{summary}, %{size}, %{installsize}, %{buildtime}\n"
        .to_owned();
    for kind in ["provides", "requires", "conflicts", "obsoletes", "files"] {
        format.push_str(&format!("== %{{name}} {kind}\n%{{{kind}}}\n"));
    }
    let mut command = Command::new("dnf");
    command
        .args(["repoquery", "--quiet", "--repo=it", "--qf", &format])
        .arg(format!("--repofrompath=it,file://{}", repository.display()))
        .arg(format!("--setopt=cachedir={}", repository.with_extension("cache").display()))
        .env("LC_ALL", "C");
    let told = String::from_utf8(packaging::done(&mut command).stdout).unwrap();
    let parts = told.split("== ").skip(1).map(|part| {
        let (head, lines) = part.split_once('\n').unwrap();
        let mut lines: Vec<&str> = lines.lines().filter(|line| !line.is_empty()).collect();
        lines.sort_unstable();
        format!("{head}\n{}", lines.join("\n"))
    });
    parts.collect()
}

#[test]
fn dnf_reads_our_repository_as_it_reads_that_of_createrepo() {
    let Some(bench) = Bench::new() else { return };
    let (dir, base) = (bench.dir.path(), bench.base.to_str().unwrap());
    let theirs = bench.addons("theirs", &[], &[]);
    let addons = theirs.to_str().unwrap();
    let args = ["build", "image", "demo", "--base", base, "--rpms", addons, "-o", "mt.iso"];
    let ran = run(dir, &ORDINARY, args);
    assert!(matches!(ran.code, Some(0 | 1)), "{}", ran.text());
    let ours = dir.join("ours");
    let mut copied = Command::new("xorriso");
    copied.args(["-osirrox", "on", "-indev"]).arg(dir.join("mt.iso"));
    packaging::done(copied.args(["-extract", "/preflight/repo"]).arg(&ours));
    Bench::index(&theirs, &dir.join("comps.xml"));

    let (ours, theirs) = (as_dnf_reads(&ours), as_dnf_reads(&theirs));
    let addons = PACKAGES.iter().filter(|it| it.0 == "addon").count();
    assert_eq!(theirs.len(), 6 * addons, "{theirs:#?}");
    let differ: Vec<&String> = ours.symmetric_difference(&theirs).collect();
    assert!(differ.is_empty(), "{differ:#?}");
}
