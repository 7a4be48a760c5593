//! Which disks a kickstart touches, and whether it makes sure of them first.
//!
//! Not for whether that is good: the linter and the checks say so.

use std::collections::BTreeSet;

use super::command::Command;
use super::parse::{Document, Kind, Section};
use super::words;

/// Whether a `clearpart` destroys anything.
pub(super) fn erases(clearpart: &Command) -> bool {
    ["--all", "--linux", "--initlabel", "--list"].iter().any(|option| clearpart.has(option))
}

/// The disk that a `part` must be on; a partition (`--onpart`) counts with its name.
pub(super) fn disk_of(part: &Command) -> Option<&str> {
    ["--ondisk", "--ondrive", "--onpart", "--usepart"]
        .iter()
        .find_map(|option| part.option(option))
        .filter(|disk| !disk.is_empty())
        .map(|disk| disk.strip_prefix("/dev/").unwrap_or(disk))
}

/// The disks that are named, each once.
pub(super) fn disks(document: &Document) -> BTreeSet<String> {
    let lists = [("clearpart", "--drives"), ("ignoredisk", "--only-use")];
    let mut disks: BTreeSet<String> = BTreeSet::new();
    for (name, option) in lists {
        for placed in document.all(name) {
            disks.extend(placed.command.list(option).map(str::to_owned));
        }
    }
    disks.extend(document.partitions().filter_map(|p| disk_of(&p.command)).map(str::to_owned));
    disks
}

/// Whether `%pre` defines our guard and calls it for every disk that is erased.
pub(super) fn disk_guard(document: &Document) -> bool {
    let erased: Vec<&str> = document
        .all("clearpart")
        .flat_map(|placed| placed.command.list("--drives").collect::<Vec<_>>())
        .collect();
    let guards = |section: &Section| {
        let has = |line: &str| section.body.iter().any(|own| own == line);
        let calls: Vec<String> = section
            .body
            .iter()
            .map(|line| words::split(line).words)
            .filter(|words| words.len() == 5 && words[0] == "guard_disk")
            .map(|words| words[1].clone())
            .collect();
        has("guard_disk() {")
            && has("refuse() {")
            && has("guard_against_others() {")
            && erased.iter().all(|disk| calls.iter().any(|call| call == disk))
    };
    !erased.is_empty() && document.of_kind(Kind::Pre).any(guards)
}
