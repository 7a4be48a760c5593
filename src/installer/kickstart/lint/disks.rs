//! Which disks are erased, used and booted from: whatever is not named may be destroyed.

use super::{Findings, LintSubject};
use crate::installer::kickstart::disks::{erases, has_disk_guard, target_disk};
use crate::installer::kickstart::parse::PlacedCommand;

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    let document = subject.document;
    let usable: Vec<&str> = document
        .last_command("ignoredisk")
        .map(|command| command.list("--only-use").collect())
        .unwrap_or_default();
    for placed in document.commands_named("ignoredisk").filter(|p| p.command.has("--interactive")) {
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
    for placed in document.commands_named("clearpart") {
        check_clearpart(subject, placed, &usable, findings);
    }
    for placed in document.commands_named("bootloader") {
        check_boot_loader(placed, &usable, findings);
    }
    check_partitions(subject, &usable, findings);
}

fn check_clearpart(
    subject: &LintSubject<'_>,
    placed: &PlacedCommand,
    usable: &[&str],
    findings: &mut Findings,
) {
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
    check_usable(placed, &drives, usable, findings);
    if !command.has("--initlabel") {
        findings
            .warning(
                placed.line,
                "no-initlabel",
                "without --initlabel an active partition that survives keeps the boot flag",
            )
            .hint("add --initlabel");
    }
    if subject.document.last_command("zerombr").is_none() {
        findings
            .error(0, "no-zerombr", "the installer asks about a disk without a partition table")
            .hint("add zerombr");
    }
    let can_swap =
        drives.iter().any(|disk| !disk.starts_with("disk/") && !disk.starts_with("mapper/"));
    if drives.len() > 1 && can_swap && !has_disk_guard(subject.document) {
        findings
            .warning(
                placed.line,
                "disks-can-swap",
                "with two disks sda and sdb may swap at boot, and no %pre guard compares them",
            )
            .hint("name them by disk/by-path, or render the kickstart with preflight");
    }
}

fn check_boot_loader(placed: &PlacedCommand, usable: &[&str], findings: &mut Findings) {
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
    check_usable(placed, &drives, usable, findings);
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

fn check_usable(placed: &PlacedCommand, drives: &[&str], usable: &[&str], findings: &mut Findings) {
    for disk in drives.iter().filter(|disk| !usable.is_empty() && !usable.contains(disk)) {
        findings.error(
            placed.line,
            "disk-not-usable",
            format!("ignoredisk hides {disk}, so the installer stops"),
        );
    }
}

fn check_partitions(subject: &LintSubject<'_>, usable: &[&str], findings: &mut Findings) {
    let clearpart = subject.document.last_command("clearpart");
    let cleared: Vec<&str> =
        clearpart.map(|command| command.list("--drives").collect()).unwrap_or_default();
    for placed in subject.document.partitions() {
        if placed.command.has("--onpart") || placed.command.has("--usepart") {
            continue;
        }
        let Some(disk) = target_disk(&placed.command) else {
            findings
                .error(
                    placed.line,
                    "part-without-disk",
                    "it may be put on any disk that is large enough",
                )
                .hint("add --ondisk=DISK");
            continue;
        };
        check_usable(placed, &[disk], usable, findings);
        if !cleared.is_empty() && !cleared.contains(&disk) {
            findings.warning(
                placed.line,
                "disk-not-cleared",
                format!("clearpart leaves {disk} as it is, so there may be no room"),
            );
        }
    }
}
