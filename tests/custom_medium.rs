//! A vendor's medium with somebody's own kickstart: every boot menu in the tree and inside the boot
//! image, the volume id in all its places, the files, what is refused. xorriso, mtools and
//! checkisomd5 look at what was written.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod program;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::{ONE_FILE, Ran, installed, run};

const TOOLS: &[&str] = &["xorriso", "mkfs.vfat", "mcopy", "checkisomd5"];

const KICKSTART: &str = "text\nlang en_US.UTF-8\nkeyboard us\ntimezone Etc/UTC\n\
    rootpw --iscrypted --lock *\nclearpart --all\nautopart\nreboot\n%packages\n@core\n%end\n";

/// One shape of medium.
struct Shape {
    release: &'static str,
    label: &'static str,
    /// Whether GRUB 2 starts it under BIOS, too, as it does from el10 and Fedora 37 on.
    grub_everywhere: bool,
    kickstart: &'static str,
}

const EL6: Shape = Shape {
    release: "6.6",
    label: "CentOS_6.6_Final",
    grub_everywhere: false,
    kickstart: "ks=cdrom:/ks.cfg",
};
const EL8: Shape = Shape {
    release: "8",
    label: "EL-8-4-0-BaseOS-x86_64",
    grub_everywhere: false,
    kickstart: "inst.ks=hd:LABEL=EL-8-4-0-BaseOS-x86_64:/ks.cfg",
};
const EL7: Shape = Shape {
    release: "7",
    label: "CentOS 7 x86_64",
    grub_everywhere: false,
    kickstart: "inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg",
};
const EL9: Shape = Shape {
    release: "9.3",
    label: "EL-9-3-x86_64-dvd",
    grub_everywhere: false,
    kickstart: "inst.ks=hd:LABEL=EL-9-3-x86_64-dvd:/ks.cfg",
};
const EL10: Shape = Shape {
    release: "10.0",
    label: "EL-10-0-x86_64-dvd",
    grub_everywhere: true,
    kickstart: "inst.ks=hd:LABEL=EL-10-0-x86_64-dvd:/ks.cfg",
};
const FEDORA: Shape = Shape {
    release: "42",
    label: "Fedora-S-dvd-x86_64-42",
    grub_everywhere: true,
    kickstart: "inst.ks=hd:LABEL=Fedora-S-dvd-x86_64-42:/ks.cfg",
};

fn isolinux(label: &str) -> String {
    let stage2 = format!("inst.stage2=hd:LABEL={}", label.replace(' ', "\\x20"));
    format!(
        "default vesamenu.c32\ntimeout 600\n\nlabel linux\n  menu label ^Install\n  kernel vmlinuz\n  \
         append initrd=initrd.img {stage2} quiet\n\nlabel check\n  menu label Test this ^media & install\n  \
         menu default\n  kernel vmlinuz\n  append initrd=initrd.img {stage2} rd.live.check quiet\n\n\
         menu begin ^Troubleshooting\nlabel rescue\n  kernel vmlinuz\n  append initrd=initrd.img {stage2} \
         inst.rescue quiet\nmenu end\n\nlabel memtest86\n  kernel memtest\n  append -\n"
    )
}

fn grub(label: &str, efi: &str) -> String {
    let stage2 = format!("inst.stage2=hd:LABEL={}", label.replace(' ', "\\x20"));
    let entry = |title: &str, args: &str| {
        format!(
            "menuentry '{title}' --class os {{\n\tlinux{efi} /images/pxeboot/vmlinuz {args}\n\
             \tinitrd{efi} /images/pxeboot/initrd.img\n}}\n"
        )
    };
    format!(
        "set default=\"1\"\nset timeout=60\nsearch --no-floppy --set=root -l '{label}'\n{}{}\
         submenu 'Troubleshooting -->' {{\n{}}}\n",
        entry("Install", &format!("{stage2} quiet")),
        entry("Test this media & install", &format!("{stage2} rd.live.check quiet")),
        entry("Rescue a system", &format!("{stage2} inst.rescue quiet")),
    )
}

const GRUB_LEGACY: &str = "default=0\ntimeout 5\ntitle Install\n\tkernel /images/pxeboot/vmlinuz\n\
    \tinitrd /images/pxeboot/initrd.img\ntitle rescue\n\tkernel /images/pxeboot/vmlinuz rescue\n\
    \tinitrd /images/pxeboot/initrd.img\n";

fn tool(program: &str, args: &[&str], dir: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Shape {
    /// The UEFI menus by their names below `EFI/BOOT`.
    fn uefi_menus(&self) -> Vec<(&'static str, String)> {
        match self.release {
            "6.6" => vec![("BOOTX64.conf", GRUB_LEGACY.to_owned())],
            "10.0" | "42" => vec![("grub.cfg", grub(self.label, ""))],
            _ => {
                let text = grub(self.label, "efi");
                vec![("grub.cfg", text.clone()), ("BOOT.conf", text)]
            }
        }
    }

    /// Writes `base.iso`.
    fn write(&self, dir: &Path) {
        let tree = dir.join("tree");
        let put = |path: &str, bytes: &[u8]| {
            fs::create_dir_all(tree.join(path).parent().unwrap()).unwrap();
            fs::write(tree.join(path), bytes).unwrap();
        };
        put(".discinfo", format!("1.5\n{}\nx86_64\n", self.release).as_bytes());
        put("images/pxeboot/vmlinuz", &[1; 20_000]);
        put("images/pxeboot/initrd.img", &[2; 20_000]);
        put("images/install.img", &[3; 20_000]);
        put("EFI/BOOT/BOOTX64.EFI", b"MZ");
        let boot = if self.grub_everywhere {
            put("images/eltorito.img", &[0xfa; 24_576]);
            put("boot/grub2/grub.cfg", grub(self.label, "").as_bytes());
            "images/eltorito.img"
        } else {
            put("isolinux/isolinux.bin", &[0xfa; 24_576]);
            let menu = match self.release {
                "6.6" => "default vesamenu.c32\ntimeout 600\nlabel linux\n  menu default\n  kernel vmlinuz\n  \
                    append initrd=initrd.img\nlabel rescue\n  kernel vmlinuz\n  append initrd=initrd.img rescue\n\
                    label memtest86\n  kernel memtest\n  append -\n".to_owned(),
                _ => isolinux(self.label),
            };
            put("isolinux/isolinux.cfg", menu.as_bytes());
            put("isolinux/vmlinuz", &[1; 20_000]);
            put("isolinux/initrd.img", &[2; 20_000]);
            "isolinux/isolinux.bin"
        };
        tool("mkfs.vfat", &["-C", "-n", "ANACONDA", "esp.img", "2048"], dir);
        tool("mmd", &["-i", "esp.img", "::EFI", "::EFI/BOOT"], dir);
        for (name, text) in self.uefi_menus() {
            put(&format!("EFI/BOOT/{name}"), text.as_bytes());
            let from = tree.join("EFI/BOOT").join(name);
            tool("mcopy", &["-i", "esp.img", from.to_str().unwrap(), "::EFI/BOOT/"], dir);
        }
        tool("mcopy", &["-i", "esp.img", "tree/EFI/BOOT/BOOTX64.EFI", "::EFI/BOOT/"], dir);
        let common = "-no-emul-boot -boot-load-size 4 -boot-info-table";
        let mut args = vec!["-as", "mkisofs", "-quiet", "-V", self.label, "-R", "-J", "-b", boot];
        args.extend(common.split(' '));
        args.push("-eltorito-alt-boot");
        if self.grub_everywhere {
            // The EFI system partition lies behind the file system, in the partition table alone.
            args.extend(
                "-append_partition 2 0xef esp.img -e --interval:appended_partition_2:all::"
                    .split(' '),
            );
        } else {
            fs::copy(dir.join("esp.img"), tree.join("images/efiboot.img")).unwrap();
            args.extend(["-e", "images/efiboot.img"]);
        }
        args.extend(["-no-emul-boot", "-o", "base.iso", "tree"]);
        tool("xorriso", &args, dir);
    }
}

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
