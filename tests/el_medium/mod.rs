//! Media in the shapes of EL 6 to 10 and Fedora: what tells what they are, their boot menus, a FAT image with the UEFI menus inside.
//! Written by xorriso.
//!
//! Not ones that start or install: kernels are filler. The lab has media that start.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// One shape of medium.
pub struct Shape {
    pub release: &'static str,
    pub label: &'static str,
    /// Whether GRUB 2 starts it under BIOS, too, as it does from el10 and Fedora 37 on.
    pub grub_everywhere: bool,
    pub kickstart: &'static str,
}

pub const EL6: Shape = Shape {
    release: "6.6",
    label: "CentOS_6.6_Final",
    grub_everywhere: false,
    kickstart: "ks=cdrom:/ks.cfg",
};
pub const EL8: Shape = Shape {
    release: "8",
    label: "EL-8-4-0-BaseOS-x86_64",
    grub_everywhere: false,
    kickstart: "inst.ks=hd:LABEL=EL-8-4-0-BaseOS-x86_64:/ks.cfg",
};
pub const EL7: Shape = Shape {
    release: "7",
    label: "CentOS 7 x86_64",
    grub_everywhere: false,
    kickstart: "inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg",
};
pub const EL9: Shape = Shape {
    release: "9.3",
    label: "EL-9-3-x86_64-dvd",
    grub_everywhere: false,
    kickstart: "inst.ks=hd:LABEL=EL-9-3-x86_64-dvd:/ks.cfg",
};
pub const EL10: Shape = Shape {
    release: "10.0",
    label: "EL-10-0-x86_64-dvd",
    grub_everywhere: true,
    kickstart: "inst.ks=hd:LABEL=EL-10-0-x86_64-dvd:/ks.cfg",
};
pub const FEDORA: Shape = Shape {
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

pub fn tool(program: &str, args: &[&str], dir: &Path) -> String {
    let output = Command::new(program).args(args).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Shape {
    /// The UEFI menus by their names below `EFI/BOOT`.
    pub fn uefi_menus(&self) -> Vec<(&'static str, String)> {
        match self.release {
            "6.6" => vec![("BOOTX64.conf", GRUB_LEGACY.to_owned())],
            "10.0" | "42" => vec![("grub.cfg", grub(self.label, ""))],
            _ => {
                let text = grub(self.label, "efi");
                vec![("grub.cfg", text.clone()), ("BOOT.conf", text)]
            }
        }
    }

    /// Writes `base.iso` of what is in `tree` and what makes it a medium.
    pub fn write(&self, dir: &Path) {
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
