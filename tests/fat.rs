//! Files edited on a FAT image in place, as dosfstools and mtools see the result.
//!
//! Not for hostile images: those are beside the code.

// Helpers of tests are tests, too, but clippy.toml only knows the functions themselves.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::path::Path;
use std::process::Command;

use preflight::iso::fat::FatView;

/// Whether all of `tools` can be found. Says so when not; in CI that is a failure.
fn have(tools: &[&str]) -> bool {
    let missing: Vec<_> = tools
        .iter()
        .filter(|tool| !search().split(':').any(|dir| Path::new(dir).join(tool).exists()))
        .collect();
    if missing.is_empty() {
        return true;
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "CI lacks {missing:?}");
    eprintln!("SKIPPED: {missing:?} not found");
    false
}

fn search() -> String {
    format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default())
}

fn run(tool: &str, args: &[&str]) -> Vec<u8> {
    let output = Command::new(tool).args(args).env("PATH", search()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {args:?}: {text}");
    output.stdout
}

#[test]
fn edited_volumes_are_clean_and_mtools_reads_them() {
    if !have(&["mkfs.vfat", "fsck.vfat", "mmd", "mcopy", "mtype"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (img, conf) = (dir.path().join("efiboot.img"), dir.path().join("conf"));
    let (img, conf) = (img.to_str().unwrap(), conf.to_str().unwrap());
    fs::write(conf, "default=0\ntimeout 5\n").unwrap();
    let loader = vec![0x4D; 300_000];
    fs::write(dir.path().join("efi"), &loader).unwrap();
    let loader_path = dir.path().join("efi");
    // FAT12 as the el6 build scripts make it, FAT16 and FAT32.
    for (options, kib) in
        [(&["-F12"][..], 1440), (&["-F16"], 20_480), (&["-F32"], 40_960), (&[], 9000)]
    {
        fs::write(img, vec![0; kib << 10]).unwrap();
        run("mkfs.vfat", &[options, &["-n", "ANACONDA", img]].concat());
        run("mmd", &["-i", img, "::/EFI", "::/EFI/BOOT"]);
        run("mcopy", &["-i", img, conf, "::/EFI/BOOT/BOOTX64.conf"]);
        run("mcopy", &["-i", img, loader_path.to_str().unwrap(), "::/EFI/BOOT/BOOTX64.efi"]);
        run("fsck.vfat", &["-n", img]);

        for len in [0, 30, 4000, 70_000] {
            let content = vec![b'k'; len];
            let mut base = b"in front".repeat(256);
            let offset = base.len() as u64;
            base.extend(fs::read(img).unwrap());
            let mut view = FatView::open(&base, offset, (kib << 10) as u64, 1_479_600_000).unwrap();
            view.replace("EFI/BOOT/BOOTX64.conf", &content).unwrap();
            for (at, bytes) in view.into_patches() {
                base[at as usize..at as usize + bytes.len()].copy_from_slice(&bytes);
            }
            fs::write(img, &base[offset as usize..]).unwrap();
            run("fsck.vfat", &["-n", img]);
            assert_eq!(run("mtype", &["-i", img, "::/EFI/BOOT/BOOTX64.conf"]), content);
            assert_eq!(run("mtype", &["-i", img, "::/EFI/BOOT/BOOTX64.efi"]), loader);
            let listing = String::from_utf8(run("mdir", &["-i", img, "::/EFI/BOOT"])).unwrap();
            assert!(listing.contains("2016-11-20"), "{listing}");
        }
    }
}
