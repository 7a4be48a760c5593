//! Which disks are erased, used and booted from: whatever is not named may be destroyed.

use super::{Findings, Subject};
use crate::installer::kickstart::disks::{disk_guard, disk_of, erases};
use crate::installer::kickstart::parse::Placed;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    let document = subject.document;
    let usable: Vec<&str> = document
        .last("ignoredisk")
        .map(|command| command.list("--only-use").collect())
        .unwrap_or_default();
    for placed in document.all("ignoredisk").filter(|p| p.command.has("--interactive")) {
        findings.error(
            placed.line,
            "asks-questions",
            "ignoredisk --interactive waits for a person",
        );
    }
    if usable.is_empty() {
        findings
            .warning(0, "other-disks-usable", "no ignoredisk says which disks may be used at all")
            .hint("add ignoredisk --only-use=DISK");
    }
    for placed in document.all("clearpart") {
        clearpart(subject, placed, &usable, findings);
    }
    for placed in document.all("bootloader") {
        boot_loader(placed, &usable, findings);
    }
    parts(subject, &usable, findings);
}

fn clearpart(subject: &Subject<'_>, placed: &Placed, usable: &[&str], findings: &mut Findings) {
    let command = &placed.command;
    let drives: Vec<_> = command.list("--drives").collect();
    if !erases(command) {
        findings.warning(
            placed.line,
            "nothing-cleared",
            "what is on the disk stays, and may not fit",
        );
        return;
    }
    if drives.is_empty() {
        findings
            .error(
                placed.line,
                "erases-any-disk",
                "no --drives: every disk is erased, the retention disk and a USB stick too",
            )
            .hint("name the disks: clearpart --all --drives=DISK --initlabel");
    }
    not_usable(placed, &drives, usable, findings);
    if !command.has("--initlabel") {
        findings
            .warning(
                placed.line,
                "no-initlabel",
                "without --initlabel an active partition that survives keeps the boot flag",
            )
            .hint("add --initlabel");
    }
    if subject.document.last("zerombr").is_none() {
        findings
            .error(0, "no-zerombr", "the installer asks about a disk without a partition table")
            .hint("add zerombr");
    }
    let can_swap =
        drives.iter().any(|disk| !disk.starts_with("disk/") && !disk.starts_with("mapper/"));
    if drives.len() > 1 && can_swap && !disk_guard(subject.document) {
        findings
            .warning(
                placed.line,
                "disks-can-swap",
                "with two disks sda and sdb may swap at boot, and no %pre guard compares them",
            )
            .hint("name them by disk/by-path, or render the kickstart with preflight");
    }
}

fn boot_loader(placed: &Placed, usable: &[&str], findings: &mut Findings) {
    let command = &placed.command;
    match command.option("--location") {
        None | Some("mbr" | "partition" | "boot") => {}
        Some("none") => {
            findings.error(placed.line, "no-boot-loader", "the system would not start");
        }
        Some(other) => {
            findings
                .error(placed.line, "unknown-location", format!("{other:?} is no location"))
                .hint("write mbr or partition");
        }
    }
    let drives: Vec<_> = command.list("--driveorder").chain(command.list("--boot-drive")).collect();
    not_usable(placed, &drives, usable, findings);
    if let Some(lasting) = command.list("--driveorder").find(|disk| disk.starts_with("disk/")) {
        findings
            .warning(
                placed.line,
                "no-such-boot-drive",
                format!("--driveorder knows kernel names only, {lasting:?} matches no drive"),
            )
            .hint("remove --driveorder");
    }
}

fn not_usable(placed: &Placed, drives: &[&str], usable: &[&str], findings: &mut Findings) {
    for disk in drives.iter().filter(|disk| !usable.is_empty() && !usable.contains(disk)) {
        findings.error(
            placed.line,
            "disk-not-usable",
            format!("ignoredisk hides {disk}, so the installer stops"),
        );
    }
}

fn parts(subject: &Subject<'_>, usable: &[&str], findings: &mut Findings) {
    let clearpart = subject.document.last("clearpart");
    let cleared: Vec<&str> =
        clearpart.map(|command| command.list("--drives").collect()).unwrap_or_default();
    for placed in subject.document.partitions() {
        if placed.command.has("--onpart") || placed.command.has("--usepart") {
            continue;
        }
        let Some(disk) = disk_of(&placed.command) else {
            findings
                .error(
                    placed.line,
                    "part-without-disk",
                    "it may be put on any disk that is large enough",
                )
                .hint("add --ondisk=DISK");
            continue;
        };
        not_usable(placed, &[disk], usable, findings);
        if !cleared.is_empty() && !cleared.contains(&disk) {
            findings.warning(
                placed.line,
                "disk-not-cleared",
                format!("clearpart leaves {disk} as it is, so there may be no room"),
            );
        }
    }
}
