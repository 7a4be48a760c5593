//! Whether the next boot mounts what is mounted now: the line of fstab against the mount.
//!
//! Not for reading fstab (`facts::storage::fstab`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::probe_output::DeviceContent;
use crate::facts::storage::block::BlockGraph;
use crate::facts::storage::fstab::FstabLine;
use crate::facts::storage::mounts::{Mount, MountTable};
use crate::facts::{Collection, Fact, Unavailable};

/// What fstab says about the path.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct FstabFacts {
    /// How many lines are for it. More than one is one too many: the last mounted covers the rest.
    pub lines: i64,
    /// What the line names, such as `UUID=...`; of several, the first.
    pub spec: Fact<String>,
    /// Whether that is the device that is mounted.
    pub same_device: Fact<bool>,
    /// Whether the line's type is the one that is mounted.
    pub same_type: Fact<bool>,
    /// Whether the boot mounts it: `noauto` is not given.
    pub at_boot: Fact<bool>,
    /// Whether the boot mounts it read-only.
    pub read_only: Fact<bool>,
    /// Whether the boot goes on without it.
    pub nofail: Fact<bool>,
    /// Directories above that the boot mounts something on later, which hides the volume.
    pub covered_by: Fact<Collection<String>>,
}

/// What is mounted, and everything that tells what a line of fstab names.
pub(super) struct MountedVolume<'a> {
    pub(super) mount: &'a Mount,
    pub(super) table: &'a MountTable,
    pub(super) graph: Option<&'a BlockGraph>,
    pub(super) content: Option<&'a DeviceContent>,
    /// By a line's place: whether its link below `/dev/disk` leads to the device that is mounted.
    pub(super) links: BTreeMap<usize, bool>,
}

impl MountedVolume<'_> {
    /// The facts about the lines that are for one of the paths, out of all lines in their order.
    pub(super) fn facts(&self, all: &[FstabLine], paths: [&str; 2]) -> FstabFacts {
        let is_own = |line: &&FstabLine| paths.contains(&line.path.as_str());
        let lines: Vec<&FstabLine> = all.iter().filter(is_own).collect();
        let first = lines.first().copied().ok_or("no line of fstab is for it");
        let own = all.iter().position(|line| is_own(&line));
        let covering = own.map(|own| covering_paths(all, own, paths)).unwrap_or_default();
        FstabFacts {
            lines: i64::try_from(lines.len()).unwrap_or(i64::MAX),
            spec: first.map(|line| line.spec.clone()).into(),
            same_device: first
                .map_err(Unavailable::from)
                .and_then(|line| self.is_same_device(line))
                .into(),
            same_type: first.map(|line| self.is_same_type(line)).into(),
            at_boot: first.map(FstabLine::is_mounted_at_boot).into(),
            nofail: first.map(|line| line.options.iter().any(|option| option == "nofail")).into(),
            read_only: Fact::Known(lines.first().is_some_and(|line| line.is_read_only())),
            covered_by: Fact::Known(Collection::complete(covering)),
        }
    }

    fn is_same_device(&self, line: &FstabLine) -> Result<bool, Unavailable> {
        let mount = self.mount;
        if is_bind(line) {
            // What is bound is the directory, wherever that is mounted from.
            let source = self.table.containing(&line.spec);
            return Ok(source.is_some_and(|other| mount.is_same_volume(other)));
        }
        if line.spec == mount.source {
            return Ok(true);
        }
        if let Some(told) = self.same_by_name(line).or_else(|| self.same_by_content(line)) {
            return Ok(told);
        }
        match self.links.get(&1) {
            Some(same) => Ok(*same),
            None if line.spec.starts_with("/dev/") || line.spec.contains('=') => {
                Err(format!("which device {} is could not be told", line.spec).into())
            }
            None => Ok(false),
        }
    }

    /// By the kernel's or device-mapper's name of both.
    fn same_by_name(&self, line: &FstabLine) -> Option<bool> {
        let graph = self.graph?;
        let (named, mounted) = (graph.by_path(&line.spec)?, graph.device_of(self.mount)?);
        Some(named == mounted)
    }

    /// By what is written on the device that is mounted.
    fn same_by_content(&self, line: &FstabLine) -> Option<bool> {
        let content = self.content?;
        let after = |prefixes: [&str; 2]| {
            prefixes.into_iter().find_map(|prefix| line.spec.strip_prefix(prefix))
        };
        let same = |wanted: &str, found: &Option<String>| {
            found.as_deref().map(|found| found.eq_ignore_ascii_case(wanted))
        };
        if let Some(uuid) = after(["UUID=", "/dev/disk/by-uuid/"]) {
            return same(uuid, &content.uuid);
        }
        if let Some(uuid) = after(["PARTUUID=", "/dev/disk/by-partuuid/"]) {
            return same(uuid, &content.partition_uuid);
        }
        // The name below by-label is written in a way of its own; the link tells.
        let label = line.spec.strip_prefix("LABEL=")?;
        content.label.as_deref().map(|found| found == label)
    }

    fn is_same_type(&self, line: &FstabLine) -> bool {
        line.fstype == self.mount.fstype
            || line.fstype == "auto"
            || is_bind(line)
            // FUSE says that there is a device, and not of what type.
            || line.fstype.starts_with("ntfs") && self.mount.fstype == "fuseblk"
    }
}

/// What the boot mounts above one of the paths when the line at `own` has been mounted: lines behind
/// it, and those that wait for the network wherever they stand.
fn covering_paths(all: &[FstabLine], own: usize, paths: [&str; 2]) -> Vec<String> {
    let is_later =
        |at: usize, line: &FstabLine| at > own || line.is_network() && !all[own].is_network();
    let covers =
        |line: &FstabLine| line.is_mounted_at_boot() && paths.iter().any(|path| line.covers(path));
    let later = all.iter().enumerate().filter(|(at, line)| is_later(*at, line) && covers(line));
    later.map(|(_, line)| line.path.clone()).collect()
}

fn is_bind(line: &FstabLine) -> bool {
    line.options.iter().any(|option| option == "bind" || option == "rbind")
}
