//! A recipe on media of release 8 and 9: two repositories, modules, rich dependencies; a profile of one file. dnf says what is installed.
//!
//! Not for the boot menus of such media (`custom_medium`), nor for their boots (the lab).

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el_medium;
mod packaging;
mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use el_medium::{EL8, EL9, Shape};
use packaging::{Spec, done};
use program::{Limits, Ran, installed, run};

const TOOLS: &[&str] =
    &["rpmbuild", "createrepo_c", "modifyrepo_c", "xorriso", "mkfs.vfat", "mcopy", "dnf", "rpm"];

const ORDINARY: Limits =
    Limits { cpu_s: 60, memory_mib: 150, file_kib: None, patience: Duration::from_secs(60) };

/// A profile that is one file.
const ROCKY: &str = include_str!("profiles/rocky-9.yaml");

/// Repository, name, version and release, more lines of the spec, and whether it is installed.
const PACKAGES: &[(&str, &str, &str, &str, bool)] = &[
    ("BaseOS", "bash", "5.1.8-6.el9", "Requires: filesystem\nProvides: /bin/sh", true),
    ("BaseOS", "filesystem", "3.16-2.el9", "", true),
    (
        "BaseOS",
        "glibc",
        "2.34-83.el9",
        "Requires: (glibc-langpack-en or glibc-all-langpacks)",
        true,
    ),
    ("AppStream", "glibc-langpack-en", "2.34-83.el9", "", true),
    (
        "BaseOS",
        "kernel",
        "5.14.0-362.el9",
        "Requires: glibc\nRequires: (kmod-extra if module-tools)",
        true,
    ),
    // Brought by the condition of a package that came earlier.
    ("BaseOS", "kmod-extra", "1-1.el9", "", true),
    ("BaseOS", "module-tools", "1-1.el9", "", true),
    (
        "BaseOS",
        "kexec-tools",
        "2.0.26-8.el9",
        "Requires: module-tools\nRequires: (dracut >= 50 with dracut < 60)",
        true,
    ),
    ("BaseOS", "dracut", "057-21.el9", "", true),
    ("BaseOS", "xfsprogs", "5.19.0-4.el9", "Requires: (nobody-has-this if not-there)", true),
    (
        "AppStream",
        "perl",
        "5.32.1-480.el9",
        "Requires: (perl-libs if glibc else nobody-has-this)",
        true,
    ),
    ("AppStream", "perl-libs", "5.32.1-480.el9", "", true),
    ("AppStream", "rsync", "3.2.3-19.el9", "", true),
    // Of a stream that is not the default.
    ("AppStream", "rsync", "9.9-1.module", "", false),
    (
        "AppStream",
        "wget",
        "1.21.1-7.el9",
        "Requires: ((perl-libs and rsync) or nobody-has-this)",
        true,
    ),
    ("BaseOS", "lsscsi", "0.32-6.el9", "", true),
    ("BaseOS", "device-mapper-multipath", "0.8.7-22.el9", "", true),
    ("BaseOS", "kpartx", "0.8.7-22.el9", "", true),
    ("BaseOS", "lvm2", "2.03.21-3.el9", "", true),
    ("AppStream", "open-vm-tools", "12.2.5-3.el9", "Requires: (bash without zsh)", true),
];

const COMPS: &str = "<?xml version=\"1.0\"?><comps><group><id>core</id><name>Core</name><default>true</default><uservisible>false</uservisible><packagelist><packagereq type=\"mandatory\">bash</packagereq></packagelist></group></comps>";

const MODULES: &str = "---\ndocument: modulemd\nversion: 2\ndata:\n  name: rsync\n  stream: \"9\"\n  version: 1\n  context: abc\n  arch: x86_64\n  \
    summary: s\n  description: d\n  license:\n    module:\n    - MIT\n  artifacts:\n    rpms:\n    - rsync-0:9.9-1.module.x86_64\n...\n";

/// Builds the packages of a medium, without some, and their repositories.
fn repositories(dir: &Path, without: &[&str]) {
    fs::write(dir.join("comps.xml"), COMPS).unwrap();
    fs::write(dir.join("modules.yaml"), MODULES).unwrap();
    for (place, name, evr, more, _) in PACKAGES {
        if !without.contains(name) || *evr == "9.9-1.module" {
            let to = dir.join("tree").join(place).join("Packages");
            Spec { name, evr, more, also: None }.build(&to);
        }
    }
    for place in ["BaseOS", "AppStream"] {
        let top = dir.join("tree").join(place);
        let mut index = Command::new("createrepo_c");
        index.args(["-q", "--checksum", "sha256", "--no-database"]);
        if place == "BaseOS" {
            index.args(["--general-compress-type", "xz", "-g"]).arg(dir.join("comps.xml"));
        } else {
            index.args(["--general-compress-type", "gz"]);
        }
        done(index.arg(&top));
    }
    let repodata = dir.join("tree/AppStream/repodata");
    done(
        Command::new("modifyrepo_c")
            .args(["--mdtype=modules", "--compress-type=gz"])
            .arg(dir.join("modules.yaml"))
            .arg(repodata),
    );
}

/// A directory with a medium, the profile, and a recipe that names it.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(shape: &Shape, without: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        repositories(dir.path(), without);
        shape.write(dir.path());
        for (name, from, to) in [("9", "", ""), ("8", "9", "8")] {
            let profile = ROCKY
                .replace(&format!("generation: {from}"), &format!("generation: {to}"))
                .replace(&format!("RHEL{from}-64"), &format!("RHEL{to}-64"));
            let profile = if from.is_empty() { ROCKY.to_owned() } else { profile };
            let recipe = fs::read_to_string("images/demo.yaml").unwrap();
            let recipe = recipe.replace("profile: centos-6.6", &format!("profile: rocky-{name}"));
            for (folder, text) in [("kickstart", profile), ("images", recipe)] {
                fs::create_dir_all(dir.path().join("assets").join(folder)).unwrap();
                fs::write(dir.path().join(format!("assets/{folder}/rocky-{name}.yaml")), text)
                    .unwrap();
            }
        }
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self, args: &[&str]) -> Ran {
        let ran = run(
            self.path(),
            &ORDINARY,
            ["--assets", "assets"].into_iter().chain(args.iter().copied()),
        );
        assert_eq!(ran.misdeeds(), [""; 0]);
        ran
    }

    fn build(&self, recipe: &str, out: &str) -> Ran {
        self.run(&["build", "image", recipe, "--base", "base.iso", "-o", out])
    }

    /// Installs into a scratch root from both repositories what the kickstart names.
    fn dnf(&self) -> Vec<String> {
        let root: PathBuf = self.path().join("root");
        let url = |place: &str| format!("file://{}/tree/{place}", self.path().display());
        let profile: serde_json::Value = serde_yaml::from_str(ROCKY).unwrap();
        let names = profile["packages"]["names"].as_array().unwrap();
        let mut dnf = Command::new("dnf");
        dnf.args([
            "install", "--assumeyes", "--releasever=9", "--forcearch=x86_64", "--nogpgcheck",
        ])
        .args(["--setopt=install_weak_deps=0", "--setopt=module_platform_id=platform:el9"])
        .arg(format!("--installroot={}", root.display()))
        .arg(format!("--setopt=cachedir={}/cache", root.display()))
        .arg(format!("--setopt=logdir={}", root.display()))
        .arg(format!("--repofrompath=base,{}", url("BaseOS")))
        .arg(format!("--repofrompath=app,{}", url("AppStream")))
        .args(["--repo=base", "--repo=app", "bash", "kernel"])
        .args(names.iter().map(|name| name.as_str().unwrap()));
        done(&mut dnf);
        let listed = done(Command::new("rpm").arg("--root").arg(&root).args([
            "-qa",
            "--qf",
            "%{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n",
        ]));
        let mut listed: Vec<String> =
            String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect();
        listed.sort();
        listed
    }
}

fn promised() -> Vec<String> {
    let needed = PACKAGES.iter().filter(|row| row.4);
    let mut names: Vec<String> =
        needed.map(|(_, name, evr, ..)| format!("{name}-{evr}.x86_64")).collect();
    names.sort();
    names
}

#[test]
fn a_recipe_of_one_profile_installs_from_two_repositories() {
    if !installed(TOOLS) {
        return;
    }
    for (shape, recipe) in [(EL9, "rocky-9"), (EL8, "rocky-8")] {
        let bench = Bench::new(&shape, &[]);
        let built = bench.build(recipe, "one.iso");
        assert_eq!(built.code, Some(0), "{}", built.text());
        let again = bench.build(recipe, "two.iso");
        assert_eq!(again.code, Some(0), "{}", again.text());
        let read = |name: &str| fs::read(bench.path().join(name)).unwrap();
        assert!(read("one.iso") == read("two.iso"), "two builds differ");
        let checked = bench.run(&["check", "image", "one.iso"]);
        assert_eq!(checked.code, Some(0), "{}", checked.text());
        let resolved = bench.run(&["check", "packages", recipe, "--base", "base.iso", "-v"]);
        let met = format!("all requirements of {} packages are met", promised().len());
        assert!(resolved.text().contains(&met), "{}", resolved.text());
        if recipe == "rocky-9" && rustix::process::geteuid().is_root() {
            assert_eq!(bench.dnf(), promised());
        }
        // The medium says which installer it has; another profile is refused before anything is written.
        let other = if recipe == "rocky-9" { "rocky-8" } else { "rocky-9" };
        let refused = bench.build(other, "three.iso");
        assert_eq!(refused.code, Some(2), "{}", refused.text());
        assert!(refused.complaint().contains("the medium installs release"), "{}", refused.text());
        assert!(refused.complaint().contains("choose a recipe for release"), "{}", refused.text());
        assert!(!bench.path().join("three.iso").exists());
    }
}

#[test]
fn what_a_disabled_stream_or_a_condition_lacks_is_named() {
    if !installed(TOOLS) {
        return;
    }
    for (without, says) in [
        // The disc has another one, of a stream that nobody enables.
        ("rsync", "rsync"),
        ("kmod-extra", "requires kmod-extra, which no package provides"),
        ("perl-libs", "requires perl-libs, which no package provides"),
        ("dracut", "(dracut >= 50 with dracut < 60)"),
    ] {
        let bench = Bench::new(&EL9, &[without]);
        let refused = bench.build("rocky-9", "one.iso");
        assert_eq!(refused.code, Some(2), "{without}: {}", refused.text());
        assert!(refused.complaint().contains(says), "{without}: {}", refused.text());
    }
}
