//! A medium in the shape of Ubuntu's server media with the text installer (16.04.2, 20.04.1
//! legacy): boot menus for BIOS spread over several files behind gfxboot, one for UEFI, lists of
//! packages, `md5sum.txt`. Written by xorriso.
//!
//! Not one that installs: kernels and packages are filler. The lab has media that start.

#![allow(dead_code, reason = "each test uses its part")]

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use preflight::digest::md5_hex;

/// One release: number, name, and the name of its suite.
#[derive(Clone, Copy)]
pub struct Release {
    pub info: &'static str,
    pub suite: &'static str,
    pub has_hwe: bool,
}

pub const XENIAL: Release = Release {
    info: "Ubuntu-Server 16.04.2 LTS \"Xenial Xerus\" - Release amd64 (20170215.8)",
    suite: "xenial",
    has_hwe: true,
};

pub const FOCAL: Release = Release {
    info: "Ubuntu-Server 20.04.1 LTS \"Focal Fossa\" - Release amd64 (20200731)",
    suite: "focal",
    has_hwe: false,
};

const ISOLINUX: &str = "# D-I config version 2.0
# search path for the c32 support libraries (libcom32, libutil etc.)
path 
include menu.cfg
default vesamenu.c32
prompt 0
timeout 0
ui gfxboot bootlogo
";

const MENU: &str = "menu hshift 13
menu width 49
menu margin 8

menu title Installer boot menu
include stdmenu.cfg
include txt.cfg
include gtk.cfg
menu begin advanced
\tmenu title Advanced options
\tinclude stdmenu.cfg
\tlabel mainmenu
\t\tmenu label ^Back..
\t\tmenu exit
\tinclude adtxt.cfg
\tinclude adgtk.cfg
menu end
label help
\tmenu label ^Help
\ttext help
   Display help screens; type 'menu' at boot prompt to return to this menu
\tendtext
\tconfig prompt.cfg
";

const TXT: &str = "default install
label install
  menu label ^Install Ubuntu Server
  kernel /install/vmlinuz
  append  file=/cdrom/preseed/ubuntu-server.seed vga=788 initrd=/install/initrd.gz quiet ---
";

const TXT_HWE: &str = "label hwe-install
  menu label ^Install Ubuntu Server with the HWE kernel
  kernel /install/hwe-vmlinuz
  append  file=/cdrom/preseed/hwe-ubuntu-server.seed vga=788 initrd=/install/hwe-initrd.gz quiet ---
";

const TXT_END: &str = "label check
  menu label ^Check disc for defects
  kernel /install/vmlinuz
  append   MENU=/bin/cdrom-checker-menu vga=788 initrd=/install/initrd.gz quiet ---
label memtest
  menu label Test ^memory
  kernel /install/mt86plus
label hd
  menu label ^Boot from first hard disk
  localboot 0x80
";

const GRUB: &str = "
if loadfont /boot/grub/font.pf2 ; then
\tset gfxmode=auto
\tinsmod efi_gop
\tinsmod efi_uga
\tinsmod gfxterm
\tterminal_output gfxterm
fi

set menu_color_normal=white/black
set menu_color_highlight=black/light-gray

menuentry \"Install Ubuntu Server\" {
\tset gfxpayload=keep
\tlinux\t/install/vmlinuz  file=/cdrom/preseed/ubuntu-server.seed quiet ---
\tinitrd\t/install/initrd.gz
}
menuentry \"Check disc for defects\" {
\tset gfxpayload=keep
\tlinux\t/install/vmlinuz  MENU=/bin/cdrom-checker-menu quiet ---
\tinitrd\t/install/initrd.gz
}
";

/// What GRUB's own directory has for one processor: it goes on with the menu above.
const GRUB_X86_64: &str = "insmod part_acorn\ninsmod part_gpt\nsource /boot/grub/grub.cfg\n";

/// The packages of a medium: name, version, and further fields.
pub const PACKAGES: &[(&str, &str, &str)] = &[
    ("openssh-server", "1:7.2p2-4ubuntu2.1", "Depends: libc6 (>= 2.17), lsb-base"),
    ("lvm2", "2.02.133-1ubuntu10", "Depends: libc6 (>= 2.14)"),
    ("libc6", "2.23-0ubuntu5", ""),
    ("lsb-base", "9.20160110", ""),
];

/// What 16.04.2's own medium is known to lack.
pub const UNIVERSE: &[(&str, &str, &str)] = &[
    ("multipath-tools", "0.5.0+git1.656f8865-5ubuntu2.4", "Depends: kpartx"),
    ("kpartx", "0.5.0+git1.656f8865-5ubuntu2.4", ""),
    ("lsscsi", "0.27-3", ""),
    ("python-pyasn1", "0.1.9-1", ""),
    ("xfsprogs", "4.3.0+nmu1ubuntu1", ""),
    ("reiserfsprogs", "1:3.6.24-3.1", ""),
    ("open-vm-tools", "2:10.0.7-3227872-5ubuntu1~16.04.1", ""),
];

/// Writes the medium with every package that the profile names.
pub fn write(directory: &Path, release: Release) -> PathBuf {
    write_changed(directory, release, |_| {})
}

/// As [`write()`], of a tree that was changed before its sums were taken.
pub fn write_changed(directory: &Path, release: Release, change: impl FnOnce(&Path)) -> PathBuf {
    let tree = directory.join("tree");
    write_tree(&tree, release);
    change(&tree);
    write_sums(&tree);
    let iso = directory.join("base.iso");
    let output = Command::new("xorriso")
        .args("-as mkisofs -quiet -V UBUNTU_SERVER -r -J -joliet-long -l".split(' '))
        .args("-b isolinux/isolinux.bin -c isolinux/boot.cat -no-emul-boot".split(' '))
        .args("-boot-load-size 4 -boot-info-table -eltorito-alt-boot".split(' '))
        .args("-e boot/grub/efi.img -no-emul-boot".split(' '))
        .args("-isohybrid-mbr /usr/lib/ISOLINUX/isohdpfx.bin".split(' '))
        .arg("-o")
        .arg(&iso)
        .arg(&tree)
        .output()
        .expect("xorriso starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    iso
}

fn write_tree(tree: &Path, release: Release) {
    let put = |path: &str, bytes: &[u8]| put(tree, path, bytes);
    put(".disk/info", format!("{}\n", release.info).as_bytes());
    put(".disk/base_installable", b"");
    put(".disk/cd_type", b"full_cd/single\n");
    put("install/vmlinuz", &[1; 20_000]);
    put("install/initrd.gz", &[2; 20_000]);
    put("install/mt86plus", &[3; 4_000]);
    put(
        "preseed/ubuntu-server.seed",
        b"d-i partman-auto/init_automatically_partition string some_device_lvm\n",
    );
    put("isolinux/isolinux.bin", &[0xfa; 24_576]);
    put("isolinux/isolinux.cfg", ISOLINUX.as_bytes());
    put("isolinux/menu.cfg", MENU.as_bytes());
    put("isolinux/stdmenu.cfg", b"menu background splash.png\nmenu color title\t* #FFFFFFFF *\n");
    let hwe = if release.has_hwe { TXT_HWE } else { "" };
    put("isolinux/txt.cfg", format!("{TXT}{hwe}{TXT_END}").as_bytes());
    if release.has_hwe {
        put("install/hwe-vmlinuz", &[4; 20_000]);
        put("install/hwe-initrd.gz", &[5; 20_000]);
    }
    for module in ["vesamenu.c32", "libcom32.c32", "libutil.c32", "gfxboot.c32", "ldlinux.c32"] {
        put(&format!("isolinux/{module}"), &[0x7f; 3_000]);
    }
    put("isolinux/bootlogo", &[9; 3_000]);
    put("boot/grub/grub.cfg", GRUB.as_bytes());
    put("boot/grub/loopback.cfg", b"menuentry \"x\" {\n\tlinux /install/vmlinuz\n}\n");
    put("boot/grub/x86_64-efi/grub.cfg", GRUB_X86_64.as_bytes());
    put("boot/grub/efi.img", &efi_image());
    put("EFI/BOOT/BOOTx64.EFI", b"MZ");
    put("EFI/BOOT/grubx64.efi", b"MZ");
    write_pool(tree, release, &[PACKAGES, UNIVERSE].concat());
}

/// Writes packages, of filler, and the list of them.
pub fn write_pool(tree: &Path, release: Release, packages: &[(&str, &str, &str)]) {
    let mut list = String::new();
    for (name, version, fields) in packages {
        let file = version.split_once(':').map_or(*version, |(_, rest)| rest);
        let path = format!("pool/main/{}/{name}/{name}_{file}_amd64.deb", &name[..1]);
        let bytes = format!("!<arch>\n{name} {version}\n").into_bytes();
        put(tree, &path, &bytes);
        let sha256 = preflight::digest::Sha256::hash(&bytes);
        list += &format!(
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: {path}\nSize: \
             {}\nSHA256: {sha256}\n",
            bytes.len()
        );
        if !fields.is_empty() {
            list += &format!("{fields}\n");
        }
        list += "Description: filler\n\n";
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(list.as_bytes()).unwrap();
    let suite = format!("dists/{}", release.suite);
    put(tree, &format!("{suite}/main/binary-amd64/Packages.gz"), &gzip.finish().unwrap());
    put(tree, &format!("{suite}/main/debian-installer/binary-amd64/Packages.gz"), b"");
    put(tree, &format!("{suite}/Release"), format!("Suite: {}\n", release.suite).as_bytes());
}

pub fn put(tree: &Path, path: &str, bytes: &[u8]) {
    let path = tree.join(path);
    fs::create_dir_all(path.parent().expect("a path in the tree")).expect("a directory");
    fs::write(path, bytes).expect("a file");
}

/// `md5sum.txt` as the vendor makes it: without what xorriso writes anew.
fn write_sums(tree: &Path) {
    let mut lines = Vec::new();
    for entry in walkdir::WalkDir::new(tree).sort_by_file_name() {
        let entry = entry.unwrap();
        let path = entry.path().strip_prefix(tree).unwrap().to_str().unwrap().to_owned();
        let is_made_anew = matches!(path.as_str(), "md5sum.txt" | "isolinux/isolinux.bin");
        if entry.file_type().is_file() && !is_made_anew {
            let md5 = md5_hex(fs::File::open(entry.path()).unwrap()).unwrap();
            lines.push(format!("{md5}  ./{path}\n"));
        }
    }
    put(tree, "md5sum.txt", lines.concat().as_bytes());
}

fn efi_image() -> Vec<u8> {
    let mut image = Cursor::new(vec![0; 512 * 1024]);
    fatfs::format_volume(&mut image, fatfs::FormatVolumeOptions::new()).unwrap();
    {
        let volume = fatfs::FileSystem::new(&mut image, fatfs::FsOptions::new()).unwrap();
        let directory = volume.root_dir().create_dir("efi").unwrap().create_dir("boot").unwrap();
        for name in ["bootx64.efi", "grubx64.efi"] {
            directory.create_file(name).unwrap().write_all(b"MZ").unwrap();
        }
    }
    image.into_inner()
}
