//! A vendor's medium with somebody's own kickstart: every boot menu in the tree and inside the boot
//! image, the volume id in all its places, the files, what is refused. xorriso, mtools and
//! checkisomd5 look at what was written.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod el_medium;
mod program;

use std::fs;
use std::path::Path;

use el_medium::{EL6, EL7, EL8, EL9, EL10, FEDORA, tool};
use program::{ONE_FILE, Ran, installed, run};

const TOOLS: &[&str] = &["xorriso", "mkfs.vfat", "mcopy", "checkisomd5"];

const KICKSTART: &str = "text\nlang en_US.UTF-8\nkeyboard us\ntimezone Etc/UTC\n\
    rootpw --iscrypted --lock *\nclearpart --all\nautopart\nreboot\n%packages\n@core\n%end\n";

/// A file of an image, as xorriso reads it.
fn extracted(dir: &Path, image: &str, path: &str) -> String {
    let _ = fs::remove_file(dir.join("got"));
    tool("xorriso", &["-osirrox", "on", "-indev", image, "-extract", path, "got"], dir);
    fs::read_to_string(dir.join("got")).unwrap()
}

/// A file inside the boot image for UEFI, as mtools reads it.
fn inside(dir: &Path, image: &str, name: &str) -> String {
    let plan = tool("xorriso", &["-indev", image, "-report_el_torito", "plain"], dir);
    let line =
        plan.lines().find(|line| line.starts_with("El Torito boot img :") && line.contains("UEFI"));
    let sector: u64 = line.unwrap().split_whitespace().last().unwrap().parse().unwrap();
    let place = format!("{image}@@{}", sector * 2048);
    tool("mtype", &["-i", &place, &format!("::EFI/BOOT/{name}")], dir)
}

fn build(dir: &Path, args: &[&str]) -> Ran {
    fs::write(dir.join("mine.ks"), KICKSTART).unwrap();
    let all = ["build", "image", "--base", "base.iso", "-o", "out.iso"];
    let ran = run(dir, &ONE_FILE, all.iter().chain(args).copied());
    assert_eq!(ran.misdeeds(), [""; 0]);
    ran
}

#[test]
fn every_installing_entry_of_every_menu_gets_the_kickstart() {
    if !installed(TOOLS) {
        return;
    }
    for shape in [EL6, EL7, EL8, EL9, EL10, FEDORA] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        shape.write(dir);
        let ran = build(dir, &["--kickstart", "mine.ks", "--kernel-arg", "console=ttyS0"]);
        assert_eq!(ran.code, Some(0), "{}: {}{}", shape.release, ran.complaint(), ran.text());
        assert_eq!(extracted(dir, "out.iso", "ks.cfg"), KICKSTART);
        let mut menus: Vec<(String, String, String)> = Vec::new();
        for (name, before) in shape.uefi_menus() {
            let path = format!("EFI/BOOT/{name}");
            menus.push((path.clone(), before.clone(), extracted(dir, "out.iso", &path)));
            menus.push((format!("esp:{name}"), before, inside(dir, "out.iso", name)));
        }
        let bios =
            if shape.grub_everywhere { "boot/grub2/grub.cfg" } else { "isolinux/isolinux.cfg" };
        menus.push((
            bios.to_owned(),
            extracted(dir, "base.iso", bios),
            extracted(dir, "out.iso", bios),
        ));
        for (path, before, after) in menus {
            let expected: Vec<String> = before
                .lines()
                .map(|line| {
                    let rescue = line.contains("rescue");
                    let takes = line.contains("append initrd")
                        || line.contains("vmlinuz") && line.contains("\t");
                    match (takes, rescue) {
                        (false, _) => line.to_owned(),
                        (true, true) => format!("{line} console=ttyS0"),
                        (true, false) => format!("{line} {} console=ttyS0", shape.kickstart),
                    }
                })
                .collect();
            assert_eq!(after.lines().collect::<Vec<_>>(), expected, "{} {path}", shape.release);
        }
        tool("checkisomd5", &["out.iso"], dir);
        let again = run(dir, &ONE_FILE, ["check", "image", "out.iso"]);
        assert_eq!(again.code, Some(0), "{}: {}", shape.release, again.text());
    }
}

#[test]
fn another_volume_id_is_named_wherever_the_old_one_was() {
    if !installed(TOOLS) {
        return;
    }
    for shape in [EL7, EL10] {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        shape.write(dir);
        let ran = build(dir, &["--kickstart", "mine.ks", "--volume-id", "My own 9"]);
        assert_eq!(ran.code, Some(0), "{}{}", ran.complaint(), ran.text());
        let seen = tool("xorriso", &["-indev", "out.iso", "-pvd_info"], dir);
        assert!(seen.contains("Volume Id    : My own 9"), "{seen}");
        for path in ["EFI/BOOT/grub.cfg", "esp", "bios"] {
            let text = match path {
                "esp" => inside(dir, "out.iso", "grub.cfg"),
                "bios" if shape.grub_everywhere => extracted(dir, "out.iso", "boot/grub2/grub.cfg"),
                "bios" => extracted(dir, "out.iso", "isolinux/isolinux.cfg"),
                path => extracted(dir, "out.iso", path),
            };
            let old = [shape.label.to_owned(), shape.label.replace(' ', "\\x20")];
            assert!(!old.iter().any(|old| text.contains(old)), "{path}: {text}");
            assert!(text.contains("inst.stage2=hd:LABEL=My\\x20own\\x209 "), "{path}: {text}");
            assert!(text.contains("inst.ks=hd:LABEL=My\\x20own\\x209:/ks.cfg"), "{path}: {text}");
            assert!(path == "bios" || text.contains("-l 'My own 9'"), "{path}: {text}");
        }
    }
}

#[test]
fn files_and_directories_are_added_and_two_runs_are_the_same() {
    if !installed(TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    EL9.write(dir);
    fs::create_dir_all(dir.join("extra/sub")).unwrap();
    fs::write(dir.join("extra/sub/one"), "1").unwrap();
    fs::write(dir.join("extra/two"), "2").unwrap();
    fs::write(dir.join("up.img"), vec![7; 100_000]).unwrap();
    let args =
        ["--add", "extra", "--add", "images/updates.img=up.img", "--remove-kernel-arg", "quiet"];
    assert_eq!(build(dir, &args).code, Some(0));
    assert_eq!(extracted(dir, "out.iso", "extra/sub/one"), "1");
    assert_eq!(extracted(dir, "out.iso", "extra/two"), "2");
    assert_eq!(extracted(dir, "out.iso", "images/updates.img").len(), 100_000);
    assert!(!extracted(dir, "out.iso", "EFI/BOOT/grub.cfg").contains("quiet"));
    let first = fs::read(dir.join("out.iso")).unwrap();
    let overwrite = [&args[..], &["--overwrite"]].concat();
    assert_eq!(build(dir, &overwrite).code, Some(0));
    assert!(fs::read(dir.join("out.iso")).unwrap() == first);
    let files: Vec<_> = program::names_in(dir);
    assert!(files.contains(&"out.iso.manifest.json".to_owned()), "{files:?}");
    assert!(!files.contains(&"out.iso.cdx.json".to_owned()), "{files:?}");
}

#[test]
fn bad_input_is_refused_with_a_hint_before_anything_is_written() {
    if !installed(TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    EL9.write(dir);
    fs::write(dir.join("bad.ks"), "text\nparts / --size=1\n%packages\n@core\n").unwrap();
    fs::write(dir.join("latin.ks"), b"# caf\xe9\n").unwrap();
    let cases: &[(&[&str], &str)] = &[
        (&["--kickstart", "bad.ks"], "unknown-command"),
        (&["--kickstart", "latin.ks"], "not text in UTF-8"),
        (&["--kickstart", "nowhere.ks"], "nowhere.ks"),
        (&["--add", "nowhere"], "nowhere"),
        (&["--add", "../x=mine.ks"], "leaves its place"),
        (&["--add", ".discinfo=mine.ks"], "exists in the image already"),
        (&["--kernel-arg", "a b"], "one word"),
        (&["--kernel-arg", "x=$(reboot)"], "shell characters"),
        (&["--kernel-arg", "x=\"a\\b\""], "shell characters"),
        (&["--volume-id", "a:b"], "volume id"),
        (&["--volume-id", "0123456789012345678901234567890123"], "volume id"),
    ];
    for (args, words) in cases {
        let ran = build(dir, args);
        assert_eq!(ran.code, Some(2), "{args:?}: {}", ran.complaint());
        assert!(ran.complaint().contains(words), "{args:?}: {}", ran.complaint());
        assert!(!dir.join("out.iso").exists(), "{args:?}");
    }
    for with in [&["--agent", "x"][..], &["demo"], &["--allow-incomplete"], &["--from-delta", "x"]]
    {
        let all = ["build", "image", "--base", "base.iso", "--kickstart", "mine.ks"];
        let ran = run(dir, &ONE_FILE, all.iter().chain(with).copied());
        assert_eq!(ran.code, Some(2), "{with:?}");
    }
    let ran = build(dir, &["--kickstart", "bad.ks", "--allow-lint-errors"]);
    assert_eq!(ran.code, Some(1), "the report says that it stops: {}", ran.text());
    assert!(dir.join("out.iso").exists());
}

#[test]
fn a_password_that_can_be_read_is_told_and_the_image_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    if !installed(TOOLS) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    EL9.write(dir);
    fs::write(dir.join("plain.ks"), KICKSTART.replace("--iscrypted --lock *", "swordfish"))
        .unwrap();
    let ran = build(dir, &["--kickstart", "plain.ks"]);
    assert_eq!(ran.code, Some(0), "{}", ran.text());
    let told = ran.complaint();
    assert!(told.contains("plain-password") && !told.contains("swordfish"), "{told}");
    let mode = fs::metadata(dir.join("out.iso")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
