//! Media that are nearly a vendor's: what cannot be extended so that it starts is refused, with the
//! reason, and what only looks odd is taken.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el6_medium;
mod program;

use std::fs;
use std::path::Path;

use program::{ONE_FILE, installed, run};
use serde_json::Value;

/// What building on a medium with a changed tree ends in: status and words.
fn built(change: impl FnOnce(&Path), arguments: &[&str]) -> (Option<i32>, String, Value) {
    let dir = tempfile::tempdir().unwrap();
    let base = el6_medium::write_changed(dir.path(), 0, change, arguments);
    let args = ["build", "image", "demo", "-o", "mt.iso", "--allow-incomplete"];
    let ran = run(
        dir.path(),
        &ONE_FILE,
        args.into_iter().chain(["--base", base.to_str().unwrap(), "--format", "json"]),
    );
    assert_eq!(ran.misdeeds(), [""; 0]);
    let report = serde_json::from_slice(&ran.stdout).unwrap_or(Value::Null);
    (ran.code, format!("{}{}", ran.complaint(), ran.text()), report)
}

fn write(tree: &Path, path: &str, text: impl AsRef<[u8]>) {
    fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
    fs::write(tree.join(path), text).unwrap();
}

fn edit(tree: &Path, path: &str, old: &str, new: &str) {
    let text = fs::read_to_string(tree.join(path)).unwrap();
    assert!(text.contains(old), "{path}: {old}");
    fs::write(tree.join(path), text.replacen(old, new, 1)).unwrap();
}

const ISOLINUX: &str = "isolinux/isolinux.cfg";

#[test]
fn a_medium_that_cannot_be_shown_to_start_the_new_entry_is_refused() {
    if !installed(&["xorriso"]) {
        return;
    }
    type Change = fn(&Path);
    let cases: &[(&str, Change, &[&str], &str)] = &[
        (
            "another file",
            |tree| edit(tree, ISOLINUX, "default vesamenu.c32", "ui vesamenu.c32 menu.cfg"),
            &[],
            "may start something else",
        ),
        (
            "a condition",
            |tree| {
                write(
                    tree,
                    "EFI/BOOT/grub.cfg",
                    "if [ x ]; then\nmenuentry a {\n linux /k\n initrd /i\n}\nfi\n",
                );
            },
            &[],
            "a condition decides about it",
        ),
        (
            "a second tree",
            |_| {},
            &["-isohybrid-mbr", "/usr/lib/ISOLINUX/isohdpfx.bin", "-partition_offset", "16"],
            "a directory tree of its own",
        ),
        (
            "another architecture",
            |tree| edit(tree, ".treeinfo", "x86_64", "aarch64"),
            &[],
            "the medium is for aarch64",
        ),
        (
            "another architecture by .discinfo",
            |tree| {
                edit(tree, ".treeinfo", "arch = x86_64\n", "");
                edit(tree, ".discinfo", "x86_64", "i386");
            },
            &[],
            "the medium is for i386",
        ),
        (
            "another release behind the format's version",
            |tree| {
                write(
                    tree,
                    ".treeinfo",
                    "[header]\nversion = 1.2\n[general]\nversion = 8.1\narch = x86_64\n",
                );
            },
            &[],
            "installs release 8",
        ),
    ];
    for (name, change, arguments, words) in cases {
        let (code, text, _) = built(change, arguments);
        assert_eq!(code, Some(2), "{name}: {text}");
        assert!(text.contains(words) && text.contains("hint: "), "{name}: {text}");
    }
}

#[test]
fn what_only_looks_odd_is_taken() {
    if !installed(&["xorriso"]) {
        return;
    }
    let outcome = |report: &Value, check: &str| {
        let results = report["results"].as_array().unwrap().clone();
        let found = results.into_iter().find(|result| result["check"] == check);
        found.unwrap_or_else(|| panic!("{check} is not evaluated"))["outcome"].clone()
    };
    type Change = fn(&Path);
    let cases: &[(&str, Change, &[&str])] = &[
        ("as it comes", |_| {}, &[]),
        (
            "the format's version first",
            |tree| edit(tree, ".treeinfo", "[general]", "[header]\nversion = 1.2\n[general]"),
            &[],
        ),
        (
            "a BOOT.conf in the words of GRUB 2",
            |tree| {
                let text = "set default=\"0\"\nset timeout=60\nmenuentry 'a' --hotkey=i {\n\
                    \tlinuxefi /images/pxeboot/vmlinuz quiet\n\tinitrdefi /images/pxeboot/initrd.img\n}\n";
                write(tree, "EFI/BOOT/BOOT.conf", text);
                write(tree, "EFI/BOOT/grub.cfg", text);
            },
            &[],
        ),
        (
            "a boot image for Macintosh computers",
            |tree| {
                let mut volume = vec![0; 64 * 1024];
                volume[1024..1026].copy_from_slice(b"H+");
                write(tree, "images/macboot.img", volume);
            },
            &["-eltorito-alt-boot", "-e", "images/macboot.img", "-no-emul-boot"],
        ),
        (
            "a name that Joliet has to cut",
            |tree| write(tree, &format!("repodata/{}-primary.xml.gz", "a".repeat(100)), "x"),
            &[],
        ),
    ];
    for (name, change, arguments) in cases {
        let (code, text, report) = built(change, arguments);
        assert!(matches!(code, Some(0 | 1)), "{name}: {text}");
        for check in [
            "image.default-entry-unattended",
            "image.boot-chain",
            "image.names-agree",
            "image.architecture",
            "image.manifest-intact",
            "image.first-boot-service",
        ] {
            assert_eq!(outcome(&report, check), "pass", "{name}: {check}: {report:#}");
        }
    }
}
