//! The recipes of CONTRIBUTING.md that need no compiler are carried out: a check, a symptom and a
//! distribution are added in a directory of assets, and the program knows them.
//!
//! Not for recipes that change code: those are tried by hand when they change.

#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

/// A check as the recipe describes it.
const CHECK: &str = "\
- id: mt.kernel-named
  title: the kernel has a name
  severity: info
  applies_to: linux-mt
  line: A
  rule: mt.os.kernel != ''
  found: \"the kernel is {{mt.os.kernel}}\"
  symptom: updates cannot be compared with the kernel that runs
  remedy: { text: Look at uname -r on the master target. }
  source: { doc: S001, at: Install CentOS 6.6 }
  examples:
    - { pass: { mt: { os: { kernel: 2.6.32-504.el6.x86_64 } } } }
    - { fail: { mt: { os: { kernel: '' } } } }
    - { unknown: { mt: { os: {} } } }
";

/// A symptom as the recipe describes it.
const SYMPTOM: &str = "
- id: ts-purple-lights
  title: the lights of the master target are purple
  words: [purple lights on the master target]
  causes:
    - cause: the kernel is not the one that was installed
      checks: [mt.os-centos66]
  source: { doc: S001, at: Install CentOS 6.6 }
";

fn run(assets: &Path, arguments: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("preflight").unwrap();
    command.arg("--assets").arg(assets).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Writes files below a new directory of assets.
fn assets(files: &[(&str, String)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

/// How many files the heading of a recipe in CONTRIBUTING.md speaks of.
fn promised(recipe: &str) -> usize {
    let page = std::fs::read_to_string("CONTRIBUTING.md").unwrap();
    let heading = format!("### Add a {recipe} (");
    let rest = page.split(&heading).nth(1).unwrap_or_else(|| panic!("no heading {heading:?}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_check_is_one_file() {
    let files = [("checks/kernel.yaml", CHECK.to_owned())];
    assert_eq!(promised("check"), files.len());
    let assets = assets(&files);
    let listed = run(assets.path(), &["list", "checks"]);
    assert!(text(&listed).contains("mt.kernel-named"), "{}", text(&listed));
    let examples = run(assets.path(), &["test", "checks"]);
    assert_eq!(examples.status.code(), Some(0), "{}", text(&examples));
    let explained = run(assets.path(), &["explain", "mt.kernel-named"]);
    assert!(text(&explained).contains("the kernel has a name"), "{}", text(&explained));
}

#[test]
fn a_typo_in_a_rule_names_the_entry_and_the_fact() {
    let wrong = CHECK.replace("rule: mt.os.kernel", "rule: mt.os.kernal");
    let assets = assets(&[("checks/kernel.yaml", wrong)]);
    let examples = run(assets.path(), &["test", "checks"]);
    assert_eq!(examples.status.code(), Some(2), "{}", text(&examples));
    for part in ["kernel.yaml", "mt.kernel-named", "mt.os.kernal", "did you mean \"kernel\"?"] {
        assert!(text(&examples).contains(part), "{part}: {}", text(&examples));
    }
}

#[test]
fn a_symptom_is_one_file() {
    let symptoms = std::fs::read_to_string("checks/symptoms.yaml").unwrap() + SYMPTOM;
    let files = [("checks/symptoms.yaml", symptoms)];
    assert_eq!(promised("symptom"), files.len());
    let assets = assets(&files);
    let found = run(assets.path(), &["troubleshoot", "purple lights on the master target"]);
    assert!(
        text(&found).contains("the lights of the master target are purple"),
        "{}",
        text(&found)
    );
}

#[test]
fn a_distribution_is_one_file_and_two_with_a_recipe() {
    let recipe = std::fs::read_to_string("images/centos-6.6.yaml").unwrap();
    let recipe = recipe.replace("profile: centos-6.6", "profile: rocky-9");
    let files = [("kickstart/rocky-9.yaml", ROCKY.to_owned()), ("images/rocky-9.yaml", recipe)];
    assert_eq!(promised("distribution"), 1);
    let assets = assets(&files);
    let rendered = run(assets.path(), &["render", "kickstart", "rocky-9"]);
    assert_eq!(rendered.status.code(), Some(0), "{}", text(&rendered));
    let kickstart = text(&rendered);
    assert!(kickstart.contains("Rocky Linux 9, minimal"), "{kickstart}");
    // What the installer of el9 does otherwise comes from its own file.
    assert!(kickstart.contains("\nauthselect select minimal\n"), "{kickstart}");
    assert!(!kickstart.contains("\ninstall\n") && !kickstart.contains("nobase"), "{kickstart}");
    let file = assets.path().join("ks.cfg");
    std::fs::write(&file, &kickstart).unwrap();
    let lint = ["lint", "kickstart", "--profile", "rocky-9", file.to_str().unwrap()];
    let linted = run(assets.path(), &lint);
    assert_eq!(linted.status.code(), Some(0), "{}", text(&linted));
    let Ok(validator) = std::env::var("PREFLIGHT_KSVALIDATOR") else { return };
    let seen = std::process::Command::new(validator).args(["-v", "RHEL9"]).arg(&file).output();
    let seen = seen.unwrap();
    assert!(seen.status.success(), "{}", String::from_utf8_lossy(&seen.stdout));
}

#[test]
fn another_release_of_debian_installer_is_one_file() {
    let recipe = std::fs::read_to_string("images/ubuntu-20.04.yaml").unwrap();
    let recipe = recipe.replace("profile: ubuntu-20.04", "profile: ubuntu-18.04");
    let files =
        [("kickstart/ubuntu-18.04.yaml", UBUNTU.to_owned()), ("images/ubuntu-18.04.yaml", recipe)];
    let assets = assets(&files);
    let rendered = run(assets.path(), &["render", "kickstart", "ubuntu-18.04"]);
    assert_eq!(rendered.status.code(), Some(0), "{}", text(&rendered));
    let preseed = text(&rendered);
    // What the profile does not say is the installer's.
    for line in [
        "d-i pkgsel/include string openssh-server multipath-tools lsscsi",
        "d-i debian-installer/add-kernel-opts string net.ifnames=0 biosdevname=0",
        "d-i finish-install/reboot_in_progress note",
    ] {
        assert!(preseed.contains(line), "{line}: {preseed}");
    }
    let file = assets.path().join("preseed.cfg");
    std::fs::write(&file, &preseed).unwrap();
    let lint = ["lint", "kickstart", "--profile", "ubuntu-18.04", file.to_str().unwrap()];
    let linted = run(assets.path(), &lint);
    assert_eq!(linted.status.code(), Some(0), "{}", text(&linted));
    let read = std::process::Command::new("debconf-set-selections").arg("-c").arg(&file).output();
    let Ok(read) = read else { return };
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

/// Another release of Ubuntu's text installer. No master target is supported on it.
const UBUNTU: &str = "\
title: Ubuntu 18.04 LTS, alternative server
installer: debian-installer
generation: 18
release: '^DISTRIB_DESCRIPTION=\"Ubuntu 18\\.04(\\.[0-9]+)? LTS\"$'
medium: '^Ubuntu-Server 18\\.04(\\.[0-9]+)? LTS \"[A-Za-z ]+\" - (Release )?amd64 '
agent_distribution: UBUNTU-18.04-64
reads_zstd: true
packages: {groups: [], names: [openssh-server, multipath-tools, lsscsi, python-pyasn1, lvm2, kpartx, open-vm-tools]}
layout:
  - {mount: /, size: 20 GiB, primary: true, label: mtroot}
  - {mount: swap, size: 4 GiB}
  - {mount: /var/crash, size: 8 GiB, label: mtcrash}
  - {mount: /home, size: 4 GiB, grow: true, label: mthome}
efi_partition: {mount: /boot/efi, size: 200 MiB}
";

/// Another release of an installer that is known.
const ROCKY: &str = include_str!("profiles/rocky-9.yaml");

/// The guide's steps lie below the checks, and are none.
#[test]
fn the_examples_of_the_source_tree_run_as_a_directory() {
    let mut command = assert_cmd::Command::cargo_bin("preflight").unwrap();
    let output = command.args(["test", "checks", "checks"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));
    assert!(text(&output).contains(", 0 do not"), "{}", text(&output));
}
