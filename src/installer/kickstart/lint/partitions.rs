//! The layout: sizes, file systems, mount points, and nothing but plain partitions.

use std::collections::BTreeMap;

use super::{Findings, LintSubject};
use crate::installer::kickstart::disks::target_disk;
use crate::installer::kickstart::parse::PlacedCommand;
use crate::installer::value::disk::MountPoint;

/// File systems that both installers make.
const FSTYPES: &[&str] = &[
    "ext2", "ext3", "ext4", "xfs", "vfat", "efi", "swap", "biosboot", "prepboot", "PPC PReP Boot",
];
/// And those that el7's makes besides.
const FSTYPES_OF_EL7: &[&str] = &["btrfs", "tmpfs", "macefi", "lvmpv", "mdmember"];

/// anaconda 13.21.229's sanity sizes in MB; below them it warns, or for /boot/efi stops.
const MIN_SIZES: &[(&str, u64)] = &[("/", 250), ("/boot/efi", 50), ("/home", 100), ("/boot", 50)];

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    let document = subject.document;
    for name in ["volgroup", "logvol", "raid", "btrfs"] {
        for placed in document.commands_named(name) {
            report_not_plain(placed, findings);
        }
    }
    let has_parts = document.partitions().next().is_some();
    for placed in document.commands_named("autopart") {
        if placed.command.option("--type") != Some("plain") {
            report_not_plain(placed, findings);
        }
        if has_parts {
            findings.error(placed.line, "two-layouts", "autopart and part both");
        }
    }
    if document.last_command("autopart").is_none() && document.includes.is_empty() {
        check_required(subject, findings);
    }
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let system_disk = document
        .partitions()
        .find(|placed| placed.command.arguments().first() == Some(&"/"))
        .and_then(|placed| target_disk(&placed.command));
    for placed in document.partitions() {
        check_partition(subject, placed, findings);
        let Some(mount) = placed.command.arguments().first().copied() else { continue };
        if mount.starts_with('/') && seen.insert(mount, placed.line).is_some() {
            findings.error(placed.line, "mounted-twice", format!("{mount} stands there twice"));
        }
        if mount == "/mnt/retention" && target_disk(&placed.command) == system_disk {
            findings
                .error(
                    placed.line,
                    "retention-on-system-disk",
                    "the retention volume is on the system disk",
                )
                .hint("give it a disk of its own");
        }
    }
    check_uefi(subject, findings);
}

fn report_not_plain(placed: &PlacedCommand, findings: &mut Findings) {
    findings
        .error(
            placed.line,
            "not-a-plain-partition",
            "ApplyCustomChanges cannot find the root disk through LVM, RAID or btrfs",
        )
        .hint("use part with ext4");
}

fn check_required(subject: &LintSubject<'_>, findings: &mut Findings) {
    let has = |mount: &str| {
        subject.document.partitions().any(|p| p.command.arguments().first() == Some(&mount))
    };
    if !has("/") && subject.document.commands_named("logvol").next().is_none() {
        findings.error(0, "no-root-partition", "no partition is mounted on /");
    }
    if !has("swap") {
        findings.warning(0, "no-swap", "S001 asks for swap space, and the installer warns");
    }
}

fn check_partition(subject: &LintSubject<'_>, placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    let known = |fstype: &str| {
        FSTYPES.contains(&fstype) || (!subject.is_el6() && FSTYPES_OF_EL7.contains(&fstype))
    };
    let mount = command.arguments().first().copied().unwrap_or_default();
    let plain = !["pv.", "raid.", "btrfs."].iter().any(|kind| mount.starts_with(kind));
    if !plain {
        report_not_plain(placed, findings);
    } else if !["swap", "biosboot", "prepboot", "None"].contains(&mount)
        && mount.parse::<MountPoint>().is_err()
    {
        let message = format!("{mount:?} cannot be a mount point");
        findings.error(placed.line, "bad-mount-point", message);
    }
    if let Some(fstype) = command.option("--fstype").filter(|fstype| !known(fstype) && plain) {
        findings
            .error(
                placed.line,
                "unknown-fstype",
                format!("the installer cannot make the file system {fstype:?}"),
            )
            .hint("write ext4");
    }
    check_size(placed, mount, findings);
}

fn check_size(placed: &PlacedCommand, mount: &str, findings: &mut Findings) {
    let command = &placed.command;
    let Some(size) = command.option("--size") else {
        let elsewhere = ["--onpart", "--usepart", "--recommended", "--hibernation"];
        if !elsewhere.iter().any(|option| command.has(option)) {
            findings
                .error(
                    placed.line,
                    "part-without-size",
                    "a partition needs --size, with --grow too, or the installer stops",
                )
                .hint("add --size=MEGABYTES");
        }
        return;
    };
    let Ok(size) = size.parse::<u64>() else {
        findings
            .error(
                placed.line,
                "size-not-a-number",
                format!("{size:?} is not a whole number of megabytes"),
            )
            .hint("write it without a unit, such as --size=20480");
        return;
    };
    // With --grow it is where the partition begins to grow from.
    if command.has("--grow") && size > 0 {
        return;
    }
    let least = MIN_SIZES.iter().find(|(point, _)| *point == mount).map_or(1, |(_, least)| *least);
    if size < least {
        let message = format!("{size} MB, expected at least {least}");
        findings.error(placed.line, "partition-too-small", message);
    }
}

fn check_uefi(subject: &LintSubject<'_>, findings: &mut Findings) {
    let efi = subject
        .document
        .partitions()
        .any(|placed| placed.command.arguments().first() == Some(&"/boot/efi"));
    for placed in subject.document.commands_named("bootloader").filter(|_| efi) {
        if placed.command.option("--location") == Some("partition") {
            findings
                .warning(
                    placed.line,
                    "boot-sector-under-uefi",
                    "with /boot/efi the boot loader does not go to a partition's first sector",
                )
                .hint("write --location=mbr");
        }
    }
}
