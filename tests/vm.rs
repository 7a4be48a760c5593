//! `build vm` as a user runs it: the descriptors it writes are those of `tests/golden/vm`, hostile
//! texts stay texts, and programs that are not ours read the same machine out of them.
//!
//! `UPDATE_GOLDEN=1` writes the golden files anew.

#![allow(clippy::print_stderr, clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn build(directory: &Path, args: &[&str]) -> Output {
    let mut program = Command::new(program::binary());
    program.args(["build", "vm"]).args(args).current_dir(directory);
    program.output().unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/vm").join(name)
}

/// What is built, the arguments for it, and the golden files' name.
const MACHINES: &[(&str, &[&str])] = &[
    ("centos-6.6", &["centos-6.6"]),
    (
        "large-uefi",
        &[
            "centos-6.6",
            "--set",
            "firmware=uefi",
            "--set",
            "disks.system.size={min: 120 GiB, max: 200 GiB}",
            "--set",
            "retention={when: install, disk: {name: sdb, erase: true, size: {min: 3 TiB}}}",
        ],
    ),
    (
        "hostile",
        &["centos-6.6", "--network", "a \"b\" <c> & |d|", "--image", "[ds 1] x/it's \"mt\".iso"],
    ),
];

#[test]
fn the_descriptors_are_the_golden_ones_every_time() {
    for (name, args) in MACHINES {
        let directory = tempfile::tempdir().unwrap();
        let output = build(directory.path(), &[*args, &["-o", name]].concat());
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        for ending in ["vmx", "ovf"] {
            let file = format!("{name}.{ending}");
            let text = fs::read_to_string(directory.path().join(&file)).unwrap();
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::create_dir_all(golden("")).unwrap();
                fs::write(golden(&file), &text).unwrap();
            }
            assert_eq!(text, fs::read_to_string(golden(&file)).unwrap(), "{file}");
        }
        assert_eq!(program::names_in(directory.path()).len(), 2, "{name}");
    }
}

#[test]
fn what_is_there_is_not_replaced_unasked_and_not_by_half() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("mt.ovf"), "mine").unwrap();
    let refused = build(directory.path(), &["-o", "mt"]);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(program::names_in(directory.path()), ["mt.ovf"]);
    assert_eq!(fs::read_to_string(directory.path().join("mt.ovf")).unwrap(), "mine");
    assert!(build(directory.path(), &["-o", "mt", "--overwrite"]).status.success());
    assert_eq!(program::names_in(directory.path()), ["mt.ovf", "mt.vmx"]);
    for args in [
        &["--network", "a\nb"][..],
        &["--image", ""],
        &["--set", "disks.system.size={min: 100 TiB}"],
        &["no-such-recipe"],
    ] {
        let refused = build(directory.path(), &[args, &["-o", "other"]].concat());
        assert_eq!(refused.status.code(), Some(2), "{args:?}");
        assert_eq!(program::names_in(directory.path()).len(), 2, "{args:?}");
    }
}

#[test]
fn another_reader_of_xml_finds_what_was_meant() {
    if !program::installed(&["xmllint"]) {
        return;
    }
    let value = |file: &str, path: &str| {
        let output =
            Command::new("xmllint").args(["--nonet", "--xpath", path]).arg(golden(file)).output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{file} {path}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let uuid = "string(//*[local-name()='ExtraConfig'][@*[local-name()='key']='disk.EnableUUID']/@*[local-name()='value'])";
    for (name, _) in MACHINES {
        assert_eq!(value(&format!("{name}.ovf"), uuid), "TRUE");
    }
    let network = "string(//*[local-name()='Connection'])";
    assert_eq!(value("hostile.ovf", network), "a \"b\" <c> & |d|");
    let kind = "string(//*[local-name()='VirtualSystemType'])";
    assert_eq!(value("centos-6.6.ovf", kind), "vmx-09");
    assert_eq!(value("large-uefi.ovf", kind), "vmx-10");
    let capacity = "string(//*[local-name()='Disk'][2]/@*[local-name()='capacity'])";
    assert_eq!(value("large-uefi.ovf", capacity), "3072");
}
