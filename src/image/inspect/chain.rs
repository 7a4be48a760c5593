//! What starts by itself and what it needs: from the firmware's entry over the boot menu to kernel,
//! initial RAM disk and kickstart, each of which must be on the disc.
//!
//! Not for what the kickstart says, nor for whether a file's bytes are right (`vendor`, `payload`).

use std::collections::{BTreeMap, BTreeSet};

use super::fault_list::FaultList;
use super::kickstart_location::{KickstartLocation, kickstart_arguments, parse_location};
use crate::boot::{MenuEntry, MenuFormat, MenuStart, volume_label};
use crate::facts::image::ImageKind;
use crate::image::menus::{self, Menu, MenuLocation, Menus};
use crate::iso::bytemap::SECTOR;
use crate::iso::{BootEntry, BootMedia, BootPlatform, EntryKind, Medium, find_second_tree};

/// What was found along the chain.
#[derive(Clone, Debug, Default)]
pub struct BootChain {
    /// What is missing or wrong.
    pub faults: FaultList,
    /// Why what starts by itself does not install by itself.
    pub obstacles: FaultList,
    /// The files of the disc that it goes through.
    pub files: BTreeSet<String>,
}

/// Whether a default entry names a kickstart on this disc, whether it exists or not.
pub fn names_kickstart(menus: &Menus, volume_id: &str) -> bool {
    let mut named = menus.found.iter().flat_map(kickstart_arguments);
    named.any(|(_, location)| {
        let kind = location.split(':').next().unwrap_or_default();
        matches!(kind, "cdrom" | "hd")
            || matches!(parse_location(&location, volume_id), KickstartLocation::Disc(_))
    })
}

/// Follows the chain of an image.
pub fn follow(medium: &Medium, menus: &Menus, kind: ImageKind) -> BootChain {
    let mut chain = BootChain::default();
    if matches!(kind, ImageKind::KickstartDisc | ImageKind::Other) {
        return chain;
    }
    for fault in &menus.faults {
        chain.faults.add_unclear(fault.clone());
        chain.obstacles.add_unclear(fault.clone());
    }
    check_firmware(medium, menus, &mut chain);
    for menu in &menus.found {
        follow_menu(medium, menus, menu, &mut chain);
    }
    if kind == ImageKind::Installer
        && let Some(at) = find_second_tree(medium.source(), medium.file_len())
    {
        chain.faults.add_unclear(format!(
            "a partition has a directory tree of its own, at byte {at}, which is not read: started \
             as a disk the installer sees that one"
        ));
    }
    chain
}

fn check_firmware(medium: &Medium, menus: &Menus, chain: &mut BootChain) {
    if let Err(error) = menus::check_firmware_menus(medium, menus)
        && menus.faults.is_empty()
    {
        chain.faults.add_fault(error.to_string());
    }
    let starts = |platform| {
        medium.boot_entries().iter().any(|entry| entry.bootable && entry.platform == platform)
    };
    for menu in menus.found.iter().filter(|menu| menu.location == MenuLocation::Tree) {
        let firmware = [
            (menu.serves_bios(), BootPlatform::Bios, "BIOS"),
            (menu.serves_uefi(), BootPlatform::Uefi, "UEFI"),
        ];
        let mut firmware = firmware.into_iter().filter(|(serves, ..)| *serves);
        let Some((_, _, name)) = firmware.clone().next_back() else { continue };
        if !firmware.any(|(_, platform, _)| starts(platform)) {
            chain.faults.add_fault(format!(
                "{} is on the disc, but no boot entry (El Torito) starts it under {name}",
                menu.file
            ));
        }
    }
    let wanted: BTreeSet<u64> = medium.boot_entries().iter().map(BootEntry::at).collect();
    let starts = medium.entries().filter(|file| file.kind == EntryKind::File).filter_map(|file| {
        let at = file.extents.first()?.0;
        wanted.contains(&at).then_some((at, file))
    });
    let files: BTreeMap<u64, crate::iso::IsoEntry> = starts.collect();
    for entry in medium.boot_entries().iter().filter(|entry| entry.bootable) {
        let (name, is_uefi) = match entry.platform {
            BootPlatform::Bios => ("BIOS", false),
            BootPlatform::Uefi => ("UEFI", true),
            BootPlatform::Other(_) => continue,
        };
        // From el10 and Fedora 37 on the EFI system partition lies behind the file system.
        let behind = format!("the boot image at byte {}", entry.at());
        let mut inside = menus.efi_files.iter().filter(|inside| inside.starts_with(&behind));
        if is_uefi && inside.any(|inside| is_loader(inside, &behind)) {
            continue;
        }
        let file = files.get(&entry.at());
        let Some(file) = file else {
            chain
                .faults
                .add_fault(format!("the boot entry for {name} points at no file of the disc"));
            continue;
        };
        chain.files.insert(file.path.clone());
        if is_uefi {
            let is_fat = menus.efi_files.iter().any(|inside| inside.starts_with(&file.path));
            if is_fat && !menus.efi_files.iter().any(|inside| is_loader(inside, &file.path)) {
                chain.faults.add_fault(format!("{} holds no EFI/BOOT/BOOTX64.EFI", file.path));
            }
        } else if let Some(why) = bios_fault(medium, entry, file.len) {
            chain.faults.add_fault(format!("{}: {why}", file.path));
        }
    }
}

/// Whether a file inside of a boot image is what UEFI starts from removable media (UEFI 2.10,
/// section 3.5.1.1).
fn is_loader(inside: &str, image: &str) -> bool {
    let path = inside.strip_prefix(image).and_then(|rest| rest.strip_prefix(':'));
    let path = path.unwrap_or_default().to_ascii_uppercase();
    path.strip_prefix("EFI/BOOT/BOOT").is_some_and(|rest| rest.ends_with(".EFI"))
}

/// What is wrong with a boot image for BIOS by its boot information table, which mkisofs writes
/// into isolinux.bin: the sectors of the volume and of the file, its length, and the sum of its
/// words from byte 64 on (mkisofs(8), EL TORITO BOOT INFORMATION TABLE).
fn bios_fault(medium: &Medium, entry: &BootEntry, len: u64) -> Option<String> {
    if entry.media != BootMedia::NoEmulation {
        return None;
    }
    if entry.sector_count == 0 {
        return Some("its boot entry loads none of its sectors".to_owned());
    }
    // isolinux.bin has 24 to 40 KiB.
    let size = usize::try_from(len).ok().filter(|size| (64..=1 << 20).contains(size))?;
    let mut bytes = vec![0; size];
    if let Err(error) = medium.source().read_exact_at(entry.at(), &mut bytes) {
        return Some(error.to_string());
    }
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let (volume, file, length, sum) = (word(8), word(12), word(16), word(20));
    let is_isolinux = bytes.windows(8).take(4096).any(|window| window == b"ISOLINUX");
    let has_table = volume == 16 || file == entry.load_rba || u64::from(length) == len;
    if !has_table && !is_isolinux {
        return None;
    }
    if !is_primary_descriptor(medium, volume) || file != entry.load_rba || u64::from(length) != len
    {
        return Some("its boot information table names other sectors".to_owned());
    }
    let words = bytes[64..].chunks(4).map(|chunk| {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        u32::from_le_bytes(word)
    });
    let found = words.fold(0_u32, u32::wrapping_add);
    (found != sum).then(|| "its bytes are not those of its boot information table".to_owned())
}

/// Whether a sector holds a primary volume descriptor. It is the 16th but where xorriso wrote the
/// image as a session, which has its own from the 48th on.
fn is_primary_descriptor(medium: &Medium, sector: u32) -> bool {
    let mut head = [0; 6];
    let read = medium.source().read_exact_at(u64::from(sector) * SECTOR, &mut head);
    read.is_ok() && head == *b"\x01CD001"
}

fn follow_menu(medium: &Medium, menus: &Menus, menu: &Menu, chain: &mut BootChain) {
    let file = &menu.file;
    for unproven in menu.config.undecided_lines() {
        let text = format!("{file} line {}, {:?}: {}", unproven.line, unproven.text, unproven.why);
        chain.faults.add_unclear(text.clone());
        chain.obstacles.add_unclear(text);
    }
    match menu.config.start() {
        MenuStart::Never => {
            chain.obstacles.add_fault(format!("{file} has no time limit: it waits for a key"));
        }
        MenuStart::AtOnce => {
            chain.obstacles.add_fault(format!("{file} starts at once, so that nobody can stop it"));
        }
        MenuStart::After(_) => {}
    }
    let Some(entry) = menu.config.default_entry() else {
        chain.obstacles.add_fault(format!("{file} has no default entry"));
        return;
    };
    if let Some(path) = &menu.tree_path() {
        chain.files.insert(path.clone());
    }
    check_kernel_and_initrd(medium, menus, menu, entry, chain);
    check_arguments(medium, menu, entry, chain);
}

/// Kernel and initial RAM disk.
fn check_kernel_and_initrd(
    medium: &Medium,
    menus: &Menus,
    menu: &Menu,
    entry: &MenuEntry,
    chain: &mut BootChain,
) {
    let (file, title) = (&menu.file, &entry.title);
    match &entry.kernel {
        None => chain.obstacles.add_fault(format!("{file}: {title:?} starts no kernel")),
        Some(kernel) if is_other_program(kernel) => {
            chain
                .obstacles
                .add_fault(format!("{file}: {title:?} starts {kernel}, which installs nothing"));
        }
        Some(kernel) => require_file(medium, menus, menu, "kernel", kernel, chain),
    }
    match &entry.initrd {
        None => chain.obstacles.add_fault(format!("{file}: {title:?} loads no initial RAM disk")),
        Some(initrd) => {
            let paths = initrd.split([',', ' ']).filter(|path| !path.is_empty());
            for path in paths {
                require_file(medium, menus, menu, "initial RAM disk", path, chain);
            }
        }
    }
}

/// Programs that are started like a kernel: modules of syslinux, memory tests, boot sectors.
fn is_other_program(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
    name.contains("memtest")
        || [".c32", ".com", ".cbt", ".bin", ".bs", ".bss", ".0", ".img"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

fn require_file(
    medium: &Medium,
    menus: &Menus,
    menu: &Menu,
    what: &str,
    path: &str,
    chain: &mut BootChain,
) {
    if path.contains('$') {
        chain.faults.add_unclear(format!("{}: the {what} {path} is a variable's", menu.file));
        return;
    }
    match resolve(medium, menus, menu, path) {
        Some(ResolvedFile::Disc(found, len)) => {
            if len == 0 {
                chain.faults.add_fault(format!("{}: the {what} /{found} is empty", menu.file));
            }
            chain.files.insert(found);
        }
        Some(ResolvedFile::Inside) => {}
        None => {
            chain.faults.add_fault(format!("{}: the {what} {path} is not on the disc", menu.file))
        }
    }
}

enum ResolvedFile {
    Disc(String, u64),
    /// In the boot image that the menu is in.
    Inside,
}

/// The file that a path of a menu means. isolinux takes it from its own directory, and letters of
/// either case; GRUB from the root.
fn resolve(medium: &Medium, menus: &Menus, menu: &Menu, path: &str) -> Option<ResolvedFile> {
    let isolinux = menu.config.format() == MenuFormat::Isolinux;
    // GRUB's name of a device in front.
    let path = match path.split_once(')') {
        Some((device, rest)) if device.starts_with('(') => rest,
        _ => path,
    };
    let directory = menu.file.rsplit_once('/').map_or("", |(directory, _)| directory);
    let path = if isolinux && !path.starts_with('/') {
        format!("{directory}/{path}")
    } else {
        path.to_owned()
    };
    let path = path.trim_start_matches('/');
    let is_file = |entry: &crate::iso::IsoEntry| entry.kind == EntryKind::File;
    let exact = medium.find(path).filter(is_file);
    let found = exact.or_else(|| {
        let mut all = medium.entries().filter(|_| isolinux);
        all.find(|entry| is_file(entry) && entry.path.eq_ignore_ascii_case(path))
    });
    if let Some(entry) = found {
        return Some(ResolvedFile::Disc(entry.path, entry.len));
    }
    let image = menu.file.split_once(':').map(|(image, _)| image)?;
    let inside = format!("{image}:{path}");
    menus
        .efi_files
        .iter()
        .any(|file| file.eq_ignore_ascii_case(&inside))
        .then_some(ResolvedFile::Inside)
}

/// Checks the kernel's arguments: the kickstart, and those that ask or install from elsewhere.
fn check_arguments(medium: &Medium, menu: &Menu, entry: &MenuEntry, chain: &mut BootChain) {
    let file = &menu.file;
    let volume_id = medium.volume_id();
    for argument in &entry.args {
        let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
        match key {
            "rescue" | "inst.rescue" | "askmethod" | "inst.askmethod" | "single" | "emergency" => {
                chain
                    .obstacles
                    .add_fault(format!("{file}: the argument {argument} does not install"));
            }
            "ks" | "inst.ks" => match parse_location(value, &volume_id) {
                KickstartLocation::Disc(path) => {
                    match medium.find(&path).filter(|found| found.kind == EntryKind::File) {
                        Some(_) => drop(chain.files.insert(path)),
                        None => {
                            let text = format!("{file}: the kickstart /{path} is not on the disc");
                            chain.faults.add_fault(text.clone());
                            chain.obstacles.add_fault(text);
                        }
                    }
                }
                KickstartLocation::Elsewhere(why) => {
                    chain.obstacles.add_fault(format!("{file}: the kickstart {why}"));
                }
                KickstartLocation::Unclear(why) => {
                    chain.obstacles.add_unclear(format!("{file}: the kickstart {why}"));
                }
            },
            "method" | "repo" | "inst.repo" | "stage2" | "inst.stage2"
                if !is_this_disc(value, &volume_id) =>
            {
                chain.obstacles.add_unclear(format!("{file}: {argument} is not this disc"));
            }
            _ => {}
        }
    }
}

fn is_this_disc(place: &str, volume_id: &str) -> bool {
    let label = place.strip_prefix("hd:LABEL=").map(|rest| rest.split(':').next().unwrap_or(rest));
    place == "cdrom"
        || place.starts_with("cdrom:")
        || label.is_some_and(|label| volume_label::unescape(label) == volume_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_are_no_kernel_are_known_by_name() {
        for path in ["memtest", "/isolinux/memtest86", "chain.c32", "REBOOT.C32", "x.0", "a.img"] {
            assert!(is_other_program(path), "{path}");
        }
        for path in ["vmlinuz", "/images/pxeboot/vmlinuz", "vmlinuz0", "linux"] {
            assert!(!is_other_program(path), "{path}");
        }
    }
}
