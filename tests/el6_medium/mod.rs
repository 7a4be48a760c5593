//! A medium in the shape of CentOS 6's: the files that tell what it is, boot menus for BIOS and
//! UEFI, a FAT image with the UEFI menu inside. Written by xorriso.
//!
//! Not one that installs: kernels and packages are filler. The lab has media that start.

#![allow(dead_code, reason = "each test uses its part")]

pub mod repository;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

const ISOLINUX: &str = "default vesamenu.c32
timeout 600
display boot.msg
menu title Welcome to CentOS 6.6!
label linux
  menu label ^Install or upgrade an existing system
  menu default
  kernel vmlinuz
  append initrd=initrd.img
label rescue
  menu label ^Rescue installed system
  kernel vmlinuz
  append initrd=initrd.img rescue
label local
  menu label Boot from ^local drive
  localboot 0xffff
";

const GRUB: &str = "#debug --graphics
default=0
splashimage=@SPLASHPATH@
timeout 5
hiddenmenu
title CentOS 6.6
\tkernel /images/pxeboot/vmlinuz
\tinitrd /images/pxeboot/initrd.img
title rescue
\tkernel /images/pxeboot/vmlinuz rescue
\tinitrd /images/pxeboot/initrd.img
";

/// Writes the medium with `filler` bytes of a package that nothing can compress.
pub fn write(directory: &Path, filler: usize) -> PathBuf {
    write_changed(directory, filler, |_| {}, &[])
}

/// As [`write()`], of a tree that was changed, with further arguments for `xorriso -as mkisofs`.
pub fn write_changed(
    directory: &Path,
    filler: usize,
    change: impl FnOnce(&Path),
    arguments: &[&str],
) -> PathBuf {
    let tree = directory.join("tree");
    let put = |path: &str, bytes: &[u8]| {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().expect("a path in the tree")).expect("a directory");
        fs::write(path, bytes).expect("a file");
    };
    put(".discinfo", b"1414159991.958686\n6.6\nx86_64\nALL\n");
    put(".treeinfo", b"[general]\nfamily = CentOS\nversion = 6.6\narch = x86_64\n");
    put("isolinux/isolinux.bin", &[0xfa; 24_576]);
    put("isolinux/isolinux.cfg", ISOLINUX.as_bytes());
    put("isolinux/vmlinuz", &[1; 20_000]);
    put("isolinux/initrd.img", &[2; 20_000]);
    put("images/pxeboot/vmlinuz", &[1; 20_000]);
    put("images/pxeboot/initrd.img", &[2; 20_000]);
    put("images/install.img", &[3; 20_000]);
    put("images/efiboot.img", &efi_image());
    put("EFI/BOOT/BOOTX64.conf", GRUB.as_bytes());
    put("EFI/BOOT/BOOTX64.efi", b"MZ");
    put("Packages/filler-1.0-1.el6.noarch.rpm", &noise(filler));
    change(&tree);
    let iso = directory.join("base.iso");
    let output = Command::new("xorriso")
        .args("-as mkisofs -quiet -V CentOS_6.6_Final -R -J -joliet-long".split(' '))
        .args("-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot".split(' '))
        .args("-boot-load-size 4 -boot-info-table -eltorito-alt-boot".split(' '))
        .args("-e images/efiboot.img -no-emul-boot".split(' '))
        .args(arguments)
        .arg("-o")
        .arg(&iso)
        .arg(&tree)
        .output()
        .expect("xorriso starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    iso
}

fn efi_image() -> Vec<u8> {
    let mut image = Cursor::new(vec![0; 512 * 1024]);
    let options = fatfs::FormatVolumeOptions::new();
    fatfs::format_volume(&mut image, options).expect("a FAT image is formatted");
    fill(fatfs::FileSystem::new(&mut image, fatfs::FsOptions::new()).expect("it opens"));
    image.into_inner()
}

fn fill(volume: fatfs::FileSystem<&mut Cursor<Vec<u8>>>) {
    let directory = volume.root_dir().create_dir("EFI").expect("a directory");
    let directory = directory.create_dir("BOOT").expect("a directory");
    for (name, bytes) in [("BOOTX64.conf", GRUB.as_bytes()), ("BOOTX64.efi", b"MZ")] {
        directory.create_file(name).expect("a file").write_all(bytes).expect("it takes its bytes");
    }
}

/// Bytes that look random and are always the same.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[4]
    };
    (0..len).map(next).collect()
}

/// Writes one add-on RPM into the directory `rpms`.
pub fn write_add_on(dir: &Path) {
    let made = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/hostile/gen.py"))
        .args(["rpm", "made", "--count", "0"])
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::create_dir(dir.join("rpms")).unwrap();
    fs::copy(dir.join("made/good.rpm"), dir.join("rpms/good.rpm")).unwrap();
}
