//! Which disks a kickstart touches, and whether it makes sure of them first.
//!
//! Not for whether that is good: the linter and the checks say so.

use std::collections::BTreeSet;

use super::command::Command;
use super::parse::{KickstartDocument, Section, SectionKind};
use super::words;
use crate::assets::{AssetKind, Assets};

/// The guard's template, which has no variables.
const GUARD: &str = "kickstart/disk-guard.sh.hbs";

/// Whether a `clearpart` destroys anything.
pub(super) fn erases(clearpart: &Command) -> bool {
    ["--all", "--linux", "--initlabel", "--list"].iter().any(|option| clearpart.has(option))
}

/// The disk that a `part` must be on; a partition (`--onpart`) counts with its name.
pub(super) fn target_disk(part: &Command) -> Option<&str> {
    ["--ondisk", "--ondrive", "--onpart", "--usepart"]
        .iter()
        .find_map(|option| part.option(option))
        .filter(|disk| !disk.is_empty())
        .map(|disk| disk.strip_prefix("/dev/").unwrap_or(disk))
}

/// The disks that are named, each once.
pub(super) fn named_disks(document: &KickstartDocument) -> BTreeSet<String> {
    let lists = [("clearpart", "--drives"), ("ignoredisk", "--only-use")];
    let mut disks: BTreeSet<String> = BTreeSet::new();
    for (name, option) in lists {
        for placed in document.commands_named(name) {
            disks.extend(placed.command.list(option).map(str::to_owned));
        }
    }
    disks.extend(document.partitions().filter_map(|p| target_disk(&p.command)).map(str::to_owned));
    disks
}

/// Whether `%pre` is our guard, word for word, and calls it for every disk that is erased before
/// anything else is done. What was changed in it may no longer refuse.
pub(super) fn has_disk_guard(document: &KickstartDocument) -> bool {
    let erased: Vec<&str> = document
        .commands_named("clearpart")
        .flat_map(|placed| placed.command.list("--drives").collect::<Vec<_>>())
        .collect();
    let Ok(asset) = Assets::embedded().read(AssetKind::Template, GUARD) else { return false };
    !erased.is_empty()
        && document
            .sections_of(SectionKind::Pre)
            .any(|section| is_guard(section, &asset.text, &erased))
}

fn is_guard(section: &Section, guard: &str, erased: &[&str]) -> bool {
    let interpreter = section.header.option("--interpreter");
    let text = section.text();
    let Some(calls) = text.strip_prefix(guard.trim_end()) else { return false };
    let mut guarded: Vec<String> = Vec::new();
    for line in calls.lines() {
        let split = words::split(line);
        let words: Vec<&str> = split.words.iter().map(String::as_str).collect();
        match words[..] {
            [] => {}
            ["guard_disk", disk, _, _, _] => guarded.push(disk.to_owned()),
            ["mount_disc", _, _] => {}
            ["blank_boot_code" | "choose_disk", disk]
                if guarded.iter().any(|known| known == disk) => {}
            _ => return false,
        }
        if split.unbalanced || line.contains([';', '&', '|', '`', '$', '<', '>', '(', '\\']) {
            return false;
        }
    }
    matches!(interpreter, None | Some("/bin/sh" | "/bin/bash"))
        && erased.iter().all(|disk| guarded.iter().any(|call| call == disk))
}
