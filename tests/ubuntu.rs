//! From a medium of Ubuntu's with the text installer to an image with a preseed, read back by
//! others: xorriso takes the files out, cpio unpacks the archive, md5sum compares the list,
//! debconf-set-selections reads the answers. And apt reads its preferences as we do.
//!
//! Not for what the installer does with it: the lab boots such media.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod debian_archive;
mod program;
mod ubuntu_medium;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use debian_archive::Apt;
use preflight::facts::guest::apt_pins::AptPins;
use program::{ONE_FILE, installed, run};
use serde_json::Value;
use ubuntu_medium::{FOCAL, Release, XENIAL, put, write_changed};

/// Builds an image in a directory, and returns status and words.
fn build(dir: &Path, recipe: &str, more: &[&str]) -> (Option<i32>, String) {
    let mut args = vec!["build", "image", recipe, "--base", "base.iso", "-o", "mt.iso"];
    args.extend(["--set", "agent={standin: true}", "--self-check-binary", "none"]);
    args.push("--overwrite");
    args.extend(more);
    let ran = run(dir, &ONE_FILE, args);
    assert_eq!(ran.misdeeds(), [""; 0]);
    (ran.code, format!("{}{}", ran.complaint(), ran.text()))
}

fn inspected(dir: &Path) -> Value {
    let ran = run(dir, &ONE_FILE, ["inspect", "image", "mt.iso", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    serde_json::from_slice::<Value>(&ran.stdout).unwrap()["image"].clone()
}

fn checked(dir: &Path) -> Vec<(String, String)> {
    let ran = run(dir, &ONE_FILE, ["check", "image", "mt.iso", "--format", "json"]);
    let report: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let results = report["results"].as_array().unwrap().iter();
    let row = |result: &Value| {
        let text = |key: &str| result[key].as_str().unwrap().to_owned();
        (text("check"), text("outcome"))
    };
    results
        .map(row)
        .filter(|(_, outcome)| outcome != "pass" && outcome != "not-applicable")
        .collect()
}

/// Runs a program and returns what it prints.
fn stdout(dir: &Path, program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn extracted(dir: &Path) -> std::path::PathBuf {
    stdout(dir, "xorriso", &["-osirrox", "on", "-indev", "mt.iso", "-extract", "/", "out"]);
    stdout(dir, "chmod", &["-R", "u+w", "out"]);
    dir.join("out")
}

fn medium(release: Release, change: impl FnOnce(&Path)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write_changed(dir.path(), release, change);
    dir
}

#[test]
fn an_ubuntu_medium_becomes_an_image_that_others_read_alike() {
    if !installed(&["xorriso", "cpio", "md5sum", "debconf-set-selections"]) {
        return;
    }
    for (release, recipe) in [(XENIAL, "ubuntu-16.04"), (FOCAL, "ubuntu-20.04")] {
        let dir = medium(release, |_| {});
        let (code, text) = build(dir.path(), recipe, &[]);
        assert_eq!(code, Some(0), "{recipe}: {text}");
        // A stand-in is a warning; nothing else is doubtful.
        assert_eq!(checked(dir.path()), [("image.agent-standin".to_owned(), "fail".to_owned())]);

        let out = extracted(dir.path());
        stdout(&out, "md5sum", &["-c", "--quiet", "md5sum.txt"]);
        stdout(&out, "sha256sum", &["-c", "--quiet", "preflight/manifest.sha256"]);
        let before = dir.path().join("tree");
        for untouched in ["isolinux/menu.cfg", "isolinux/txt.cfg", "install/initrd.gz"] {
            assert_eq!(
                fs::read(out.join(untouched)).unwrap(),
                fs::read(before.join(untouched)).unwrap()
            );
        }
        assert_eq!(
            fs::read(out.join("isolinux/vendor.cfg")).unwrap(),
            fs::read(before.join("isolinux/isolinux.cfg")).unwrap()
        );
        fs::create_dir(out.join("initrd")).unwrap();
        stdout(&out.join("initrd"), "cpio", &["-i", "--quiet", "-F", "../preseed.img"]);
        for script in ["guard.sh", "late.sh", "install.sh"] {
            stdout(&out.join("initrd/preflight"), "sh", &["-n", script]);
        }
        stdout(&out, "debconf-set-selections", &["--checkonly", "initrd/preseed.cfg"]);
        let preseed = fs::read_to_string(out.join("initrd/preseed.cfg")).unwrap();
        assert!(preseed.contains("\nd-i partman-auto/disk string /dev/sda\n"), "{preseed}");
        // The installer takes "!" for no answer, and asks for a password.
        assert!(preseed.contains("\nd-i passwd/root-password-crypted password *\n"), "{preseed}");
    }
}

#[test]
fn both_menus_start_our_entry_and_the_vendors_stay() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = medium(XENIAL, |_| {});
    let (code, text) = build(dir.path(), "ubuntu-16.04", &[]);
    assert_eq!(code, Some(0), "{text}");
    let out = extracted(dir.path());
    let isolinux = fs::read_to_string(out.join("isolinux/isolinux.cfg")).unwrap();
    assert_eq!(
        isolinux,
        "path \n\
         ui vesamenu.c32\n\
         prompt 0\n\
         timeout 50\n\n\
         label install-the-master-target-with-a-stand-in-agent-erases-sda\n  \
         menu label Install the master target with a STAND-IN agent (erases sda)\n  \
         menu default\n  \
         kernel /install/vmlinuz\n  \
         append initrd=/install/initrd.gz,/preseed.img vga=788 quiet priority=critical \
         net.ifnames=0 biosdevname=0 ---\n\n\
         label vendor\n  menu label The vendor's menu\n  config vendor.cfg\n"
    );
    let grub = fs::read_to_string(out.join("boot/grub/grub.cfg")).unwrap();
    let vendor = fs::read_to_string(dir.path().join("tree/boot/grub/grub.cfg")).unwrap();
    let ours = "set default=0\nset timeout=5\n\
                menuentry \"Install the master target with a STAND-IN agent (erases sda)\" {\n\
                \tset gfxpayload=keep\n\
                \tlinux /install/vmlinuz quiet priority=critical net.ifnames=0 biosdevname=0 ---\n\
                \tinitrd\t/install/initrd.gz /preseed.img\n}\n";
    assert_eq!(grub, vendor.replacen("menuentry", &format!("{ours}menuentry"), 1));
    let facts = inspected(dir.path());
    assert_eq!(facts["boot"]["kickstart_locations"]["items"][0], "initrd:/preseed.img");
    assert_eq!(facts["kickstart"]["network"], "static");
    assert_eq!(facts["kickstart"]["disk_guard"], true);
    assert_eq!(facts["kickstart"]["first_boot"], true);
    assert_eq!(facts["kickstart"]["lvm"], false);
    assert_eq!(facts["generation"], 16);
}

#[test]
fn two_builds_are_the_same_bytes() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = medium(FOCAL, |_| {});
    assert_eq!(build(dir.path(), "ubuntu-20.04", &[]).0, Some(0));
    let first = fs::read(dir.path().join("mt.iso")).unwrap();
    assert_eq!(build(dir.path(), "ubuntu-20.04", &[]).0, Some(0));
    assert!(first == fs::read(dir.path().join("mt.iso")).unwrap());
}

#[test]
fn media_and_recipes_that_do_not_fit_are_refused_with_the_reason() {
    if !installed(&["xorriso"]) {
        return;
    }
    type Change = fn(&Path);
    let cases: &[(Change, &str, &[&str], &str)] = &[
        (
            |tree| put(tree, "casper/filesystem.squashfs", b"hsqs"),
            "ubuntu-16.04",
            &[],
            "starts a live system (/casper/filesystem.squashfs), whose installer (subiquity)",
        ),
        (|_| {}, "ubuntu-20.04", &[], "is \"Ubuntu-Server 16.04.2 LTS"),
        (
            |tree| put(tree, ".disk/info", XENIAL.info.replace("amd64", "i386").as_bytes()),
            "ubuntu-16.04",
            &[],
            "is for i386, and a master target runs on x86_64\n  hint: give the medium of the same \
             release for amd64",
        ),
        (
            |tree| {
                let dists = tree.join("dists/xenial/main");
                fs::rename(dists.join("binary-amd64"), dists.join("binary-i386")).unwrap();
            },
            "ubuntu-16.04",
            &[],
            "has no dists/*/*/binary-amd64/Packages, but those of i386",
        ),
        (|_| {}, "centos-7", &[], "the medium installs release 16"),
        (
            |tree| fs::remove_file(tree.join(".disk/info")).unwrap(),
            "ubuntu-16.04",
            &[],
            "it has no /.disk/info",
        ),
        (
            |tree| fs::remove_file(tree.join("isolinux/txt.cfg")).unwrap(),
            "ubuntu-16.04",
            &[],
            "no boot entry has a kernel",
        ),
        (
            |_| {},
            "ubuntu-16.04",
            &["--set", "bootloader=partition"],
            "bootloader: debian-installer cannot do this; it writes GRUB to the disk",
        ),
        (|_| {}, "ubuntu-16.04", &["--set", "locale.keyboard=de-latin1"], "locale.keyboard:"),
    ];
    for (change, recipe, more, message) in cases {
        let dir = medium(XENIAL, change);
        // The embedded recipes of CentOS are for another medium.
        let recipe = if *recipe == "centos-7" { "demo" } else { recipe };
        let more: Vec<&str> = match recipe {
            "demo" => vec!["--set", "profile=centos-7"],
            _ => more.to_vec(),
        };
        let (code, text) = build(dir.path(), recipe, &more);
        assert_eq!(code, Some(2), "{message}: {text}");
        assert!(text.contains(message), "{message}: {text}");
        assert!(!dir.path().join("mt.iso").exists());
    }
}

#[test]
fn lists_of_every_form_are_read_and_those_for_other_processors_are_not() {
    if !installed(&["xorriso", "xz", "bzip2", "gunzip"]) {
        return;
    }
    // What only the list for other processors has is not on the disc.
    let other = |tree: &Path| {
        let dists = tree.join("dists/xenial/main");
        let list = stdout(&dists, "gunzip", &["-c", "binary-amd64/Packages.gz"]);
        let (with, without): (Vec<&str>, Vec<&str>) =
            list.split_inclusive("\n\n").partition(|text| text.starts_with("Package: lsscsi\n"));
        fs::remove_file(dists.join("binary-amd64/Packages.gz")).unwrap();
        put(tree, "dists/xenial/main/binary-amd64/Packages", without.concat().as_bytes());
        put(tree, "dists/xenial/main/binary-i386/Packages", with.concat().as_bytes());
        dists.join("binary-amd64")
    };
    for program in ["true", "xz", "bzip2", "gzip"] {
        let dir = medium(XENIAL, |tree| {
            stdout(&other(tree), program, &["Packages"]);
        });
        let (code, text) = build(dir.path(), "ubuntu-16.04", &["--allow-incomplete"]);
        assert_eq!(code, Some(1), "{program}: {text}");
        let source = inspected(dir.path())["source"].clone();
        assert_eq!(source["missing_packages"]["items"], serde_json::json!(["lsscsi"]), "{program}");
        assert_eq!(source["vendor_packages"], 10, "{program}");
    }
}

#[test]
fn a_changed_file_or_a_package_that_is_missing_is_found() {
    if !installed(&["xorriso"]) {
        return;
    }
    let dir = medium(XENIAL, |tree| {
        ubuntu_medium::write_pool(tree, XENIAL, ubuntu_medium::PACKAGES);
    });
    let (code, text) = build(dir.path(), "ubuntu-16.04", &[]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("multipath-tools is in no repository"), "{text}");
    let (code, text) = build(dir.path(), "ubuntu-16.04", &["--allow-incomplete"]);
    assert_eq!(code, Some(1), "{text}");
    let missing = inspected(dir.path())["source"]["missing_packages"]["items"].clone();
    let names: Vec<&str> = missing.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let lacking: BTreeSet<&str> = ubuntu_medium::UNIVERSE.iter().map(|row| row.0).collect();
    assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), lacking);

    let dir = medium(XENIAL, |tree| put(tree, "preseed/other.seed", b"one text\n"));
    let (code, text) = build(dir.path(), "ubuntu-16.04", &[]);
    assert_eq!(code, Some(0), "{text}");
    let mut image = fs::read(dir.path().join("mt.iso")).unwrap();
    let at = image.windows(8).position(|window| window == b"one text").unwrap();
    image[at] = b'O';
    fs::write(dir.path().join("mt.iso"), image).unwrap();
    let found = checked(dir.path());
    for check in ["image.media-md5", "image.vendor-files-intact"] {
        assert!(found.contains(&(check.to_owned(), "fail".to_owned())), "{check}: {found:?}");
    }
}

#[test]
fn apt_keeps_what_its_preferences_are_read_to_keep() {
    if !installed(&["apt-get"]) {
        return;
    }
    let apt = Apt::new();
    let package = "Package: linux-image-generic\nArchitecture: amd64\nVersion: ";
    let status =
        format!("{package}1\nStatus: install ok installed\nMaintainer: nobody\nDescription: x\n");
    fs::write(apt.path().join("var/lib/dpkg/status"), status).unwrap();
    apt.add_list(&format!("{package}2\nFilename: ./a.deb\nSize: 1\nSHA256: {:064}\n", 0));
    assert!(apt.would_upgrade());
    let mut decided = 0;
    for packages in [
        "linux-image-generic",
        "linux-image-*",
        "Linux-Image-*",
        "linux-image-generic:amd64",
        "/^linux-image/",
        "/IMAGE/",
        "linux-image-[a-g]*",
        "linux-image-[!a-f]*",
        "linux-image-[!a-g]*",
        "linux-image",
        "lsscsi linux-image-generic",
        "lsscsi\n linux-image-generic",
        "src:linux-meta",
        "*",
    ] {
        for (pin, priority) in [
            ("release *", "-1"),
            ("version *", "-10"),
            ("Release  a=*", "-1 # never"),
            ("release o=Other", "-1"),
            ("origin \"\"", "-1"),
            ("release *", "1"),
            ("release *", "99"),
            ("release *", "0"),
            ("version 1", "1001"),
            ("version 1", "100"),
            ("version 2", "1001"),
        ] {
            let text =
                format!("# why\nPackage: {packages}\npin: {pin}\nPin-Priority: {priority}\n");
            fs::write(apt.path().join("etc/apt/preferences"), &text).unwrap();
            let ours = AptPins::parse(&text).and_then(|pins| pins.keep("linux-image-generic", "1"));
            let Ok(kept) = ours else { continue };
            // Where all packages of one archive are refused, the kernel is taken to be another's.
            if packages == "*" && !kept {
                continue;
            }
            assert_eq!(apt.would_upgrade(), !kept, "{text}");
            decided += 1;
        }
    }
    assert!(decided > 80, "{decided}");
}
