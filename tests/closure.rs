//! Will the installation resolve? Stand-in packages made by rpmbuild, a medium whose repository
//! createrepo_c wrote, and dnf as the oracle: what is promised installs, what is refused does not.
//!
//! Not for the solver's own cases (`image::closure`). Real packages are the lab's and the user's.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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
    ("addon", "kmod-reiserfs", "0.0-1.el6.elrepo", "Requires: kernel < 2.6.33"),
    ("addon", "reiserfs-utils", "3.6.21-1.el6.elrepo", ""),
    ("newer-libc", "lsscsi", "0.23-3.el6", "Requires: libc.so.6(GLIBC_2.14)(64bit)"),
    ("exclusive", "rsync", "3.0.6-13.el6", "Conflicts: wget < 2"),
    ("other", "rsync", "3.0.9-18.el7", ""),
    ("update", "bash", "4.1.2-33.el6", "Provides: /bin/sh"),
];

const COMPS: &str = "<?xml version=\"1.0\"?><comps><group><id>core</id><name>Core</name><default>true</default><uservisible>false</uservisible><packagelist><packagereq type=\"mandatory\">bash</packagereq></packagelist></group></comps>";

struct Bench {
    dir: tempfile::TempDir,
    base: PathBuf,
}

impl Bench {
    /// A medium with its packages, and the add-ons in directories beside it.
    fn new() -> Option<Self> {
        if !installed(&["rpmbuild", "createrepo_c", "xorriso", "dnf"]) {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        for (place, name, evr, more) in PACKAGES {
            let (version, release) = evr.split_once('-').unwrap();
            let marker = format!("/usr/share/standin/{name}");
            let spec = format!(
                "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: stand-in\nLicense: Public Domain\nAutoReqProv: no\n{more}\n%description\nStand-in.\n%install\nmkdir -p %{{buildroot}}/usr/share/standin\necho {name} > %{{buildroot}}{marker}\n%files\n{marker}\n"
            );
            let file = root.join("x.spec");
            fs::write(&file, spec).unwrap();
            let built = Command::new("rpmbuild")
                .args(["--quiet", "-bb", "--target", "x86_64"])
                .args(["--define", "_binary_payload w9.gzdio", "--define", "debug_package %{nil}"])
                .args(["--define", "_build_id_links none", "--define"])
                .arg(format!("_topdir {}", root.join("rpmbuild").display()))
                .arg(&file)
                .output()
                .unwrap();
            assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
            let to = if *place == "base" { root.join("tree/Packages") } else { root.join(place) };
            fs::create_dir_all(&to).unwrap();
            let made = format!("{name}-{evr}.x86_64.rpm");
            fs::rename(root.join("rpmbuild/RPMS/x86_64").join(&made), to.join(made)).unwrap();
        }
        fs::write(root.join("comps.xml"), COMPS).unwrap();
        Self::index(&root.join("tree"), &root.join("comps.xml"));
        let base = el6_medium::write(&root, 0);
        fs::remove_file(root.join("tree/Packages/filler-1.0-1.el6.noarch.rpm")).unwrap();
        Some(Self { dir, base })
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
        let args = ["check", "packages", "demo", "--base", base, "--rpms", addons];
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

    /// Whether dnf would install what the recipe asks for, and how many packages it would take.
    fn dnf(&self, addons: &Path) -> Result<usize, String> {
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
            .args(["install", "--assumeno", "--releasever=6", "--forcearch=x86_64"])
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
        let count = told.lines().find_map(|line| {
            line.strip_prefix("Install")?.trim().strip_suffix("Packages")?.trim().parse().ok()
        });
        count.ok_or(told)
    }
}

#[test]
fn what_is_promised_installs_and_what_is_refused_does_not() {
    let Some(bench) = Bench::new() else { return };
    let whole = bench.addons("whole", &[], &[]);
    let (code, failed, all) = bench.judged(&whole);
    assert_eq!((code, failed), (0, Vec::new()), "{all}");
    let root = rustix::process::geteuid().is_root();
    if root {
        let count = bench.dnf(&whole).unwrap();
        assert!(all.contains(&format!("all requirements of {count} packages are met")), "{all}");
    } else {
        program::skipped("dnf does not resolve for a root directory unless it is root's");
    }

    // Case, without, with, the check that fails, what it says, whether dnf fails as well.
    type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str], &'a str, &'a str, bool);
    let cases: [Case<'_>; 6] = [
        (
            "no-libs",
            &["perl-libs"],
            &[],
            "packages.resolve",
            "requires perl-libs = 5.10.1-136.el6, which nobody provides; perl-libs-5.10.1-136.el6_6.1.x86_64.rpm would bring it",
            true,
        ),
        (
            "no-wget",
            &["wget"],
            &[],
            "packages.named",
            "wget is in no repository; wget-1.12-5.el6_6.1.x86_64.rpm would bring it",
            true,
        ),
        (
            "libc",
            &["lsscsi"],
            &["newer-libc"],
            "packages.resolve",
            "requires libc.so.6(GLIBC_2.14)(64bit), which nobody provides",
            true,
        ),
        (
            "conflict",
            &["rsync"],
            &["exclusive"],
            "packages.conflicts",
            "conflicts with wget < 2, which is wget-1.12-5.el6.x86_64",
            true,
        ),
        ("el7", &["rsync"], &["other"], "packages.release", "was built for el7, not el6", false),
        (
            "shadow",
            &[],
            &["update"],
            "packages.shadow",
            "bash-4.1.2-33.el6.x86_64 would be taken instead of the medium's bash-4.1.2-29.el6.x86_64",
            false,
        ),
    ];
    for (case, without, with, check, says, dnf_fails) in cases {
        let addons = bench.addons(case, without, with);
        let (code, failed, _) = bench.judged(&addons);
        assert_eq!(code, 1, "{case}: {failed:?}");
        let right = failed.iter().any(|(id, found)| id == check && found.contains(says));
        assert!(right, "{case}: {failed:?}");
        if root {
            let dnf = bench.dnf(&addons);
            assert_eq!(dnf.is_err(), dnf_fails, "{case}: {dnf:?}");
        }
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
