//! The retention volume: what stands between a directory and a volume the agent accepts.
//!
//! Joins what is mounted, the devices below it, the agent's own directories and fstab. Not for what
//! of it is good or bad: `checks/retention.yaml` says that, one rule a line.

mod fstab;
mod probe;
pub mod probe_output;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use self::probe_output::{DeviceContent, Location, OpenFile, ProbeOutput};
use super::block::{self, BlockDevice, BlockGraph};
use super::fstab::{self as fstab_file, FstabLine};
use super::mounts::{self, Mount, MountTable};
use crate::facts::agent::unified_agent::AgentFacts;
use crate::facts::transcript::{ProbeAnswer, Transcript};
use crate::facts::{Collection, Fact, Unavailable, file};

pub use self::fstab::FstabFacts;
use self::probe::{BLKID, RETENTION};
pub use self::probe::{PATH, PROBES};

/// The agent's own processes, which may have files open on the volume.
const AGENT: [&str; 3] = ["svagents", "cxps", "s2"];

/// What is checked about the retention volume.
///
/// When nothing is mounted at the path, everything about the volume is unavailable for that reason.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RetentionFacts {
    /// The path that is configured.
    pub path: Fact<String>,
    /// Whether something is mounted there.
    pub mounted: Fact<bool>,
    /// Whether the path is, or leads through, a symbolic link.
    pub is_symlink: Fact<bool>,
    /// The mount whose file system the path is on: the path itself when it is mounted.
    pub nearest_mount: Fact<String>,
    /// The type of the file system, by the kernel: of stacked mounts, the one on top.
    pub fstype: Fact<String>,
    /// The type by what is on the device.
    pub blkid_type: Fact<String>,
    /// What is mounted, such as `/dev/mapper/36000c29...`.
    pub device: Fact<String>,
    /// The device's number; the major number is 0 when there is no device.
    pub major_minor: Fact<String>,
    /// The directory of the file system that is mounted, `/` for all of it.
    pub root: Fact<String>,
    /// Whether all of the file system is mounted: no bind mount of a directory, no subvolume.
    pub whole_volume: Fact<bool>,
    /// Whether the mount or the file system is read-only.
    pub read_only_mount: Fact<bool>,
    /// Whether the device, or one below it, is read-only.
    pub read_only_device: Fact<bool>,
    /// The size of the device in bytes.
    pub size_bytes: Fact<i64>,
    /// The size of the file system in KiB.
    pub df_total_kib: Fact<i64>,
    /// What is free of it for use, in KiB.
    pub free_kib: Fact<i64>,
    /// The same in percent, rounded down.
    pub free_percent: Fact<i64>,
    /// The number of inodes; 0 when the file system has no fixed number.
    pub inodes: Fact<i64>,
    /// How many of them are free.
    pub inodes_free: Fact<i64>,
    /// Which of the agent's directories, its cache and `/` are on the same volume.
    pub shares_volume_with: Fact<Collection<String>>,
    /// Where else the same device is mounted.
    pub other_mounts: Fact<Collection<String>>,
    /// Whether the device is swapped to.
    pub swap: Fact<bool>,
    /// What is made of the device: LVM, RAID, device-mapper.
    pub holders: Fact<Collection<String>>,
    /// Whether it lies on LVM, at whatever depth.
    pub lvm: Fact<bool>,
    /// Processes other than the agent's that have files open there, such as `tail (4711)`.
    pub open_by: Fact<Collection<String>>,
    /// What fstab says.
    pub fstab: Fact<FstabFacts>,
    /// The disks it lies on.
    pub disks: Fact<Collection<String>>,
    /// Whether one of them is the operating system's.
    pub on_os_disk: Fact<bool>,
    /// Whether it is a multipath device or a partition of one.
    pub multipath: Fact<bool>,
    /// Whether that is named by its SCSI id, which no reboot changes.
    pub named_by_id: Fact<bool>,
}

/// Reads the facts out of a transcript; `agent` is what is known of the same host's agent.
pub fn from_transcript(transcript: &Transcript, agent: &AgentFacts) -> RetentionFacts {
    Context { directories: agent.directories(), ..Context::from_transcript(transcript) }.facts()
}

/// What is mounted at the configured path, if anything is.
pub fn retention_mount(transcript: &Transcript) -> Result<Option<Mount>, Unavailable> {
    Context::from_transcript(transcript).mount
}

/// Everything that is joined.
struct Context {
    path: Result<String, Unavailable>,
    real: Result<String, Unavailable>,
    output: Result<ProbeOutput, Unavailable>,
    table: Result<MountTable, Unavailable>,
    graph: Result<BlockGraph, Unavailable>,
    mount: Result<Option<Mount>, Unavailable>,
    system: Result<Mount, Unavailable>,
    content: Result<DeviceContent, Unavailable>,
    swaps: Result<Vec<String>, Unavailable>,
    fstab: Result<Vec<FstabLine>, Unavailable>,
    /// The directories of the agent, which the volume must not be shared with.
    directories: Result<Vec<String>, Unavailable>,
}

impl Context {
    fn from_transcript(transcript: &Transcript) -> Self {
        let path = file::complete_text(transcript, PATH).and_then(absolute_path);
        let table = mounts::mount_table(transcript);
        let output = read_output(transcript);
        let real = real_path(&path, &table, &output);
        let mount = real.clone().and_then(|real| Ok(table.as_ref()?.at(&real).cloned()));
        Self {
            path,
            real,
            output,
            graph: block::block_graph(transcript),
            mount,
            table,
            system: block::root_mount(transcript),
            content: content(transcript),
            swaps: mounts::swaps(transcript),
            fstab: fstab_file::from_transcript(transcript),
            directories: Err("the agent was not examined".into()),
        }
    }

    fn facts(&self) -> RetentionFacts {
        RetentionFacts {
            path: self.path.clone().into(),
            mounted: self.mount.clone().map(|mount| mount.is_some()).into(),
            is_symlink: self.is_symlink().into(),
            nearest_mount: self.nearest_mount().into(),
            fstype: self.mounted().map(|mount| mount.fstype.clone()).into(),
            blkid_type: self.read_content().map(|content| content.fstype.clone()).into(),
            device: self.mounted().map(|mount| mount.source.clone()).into(),
            major_minor: self.mounted().map(|mount| mount.number.clone()).into(),
            root: self.mounted().map(|mount| mount.root.clone()).into(),
            whole_volume: self.mounted().map(|mount| mount.root == "/").into(),
            read_only_mount: self.mounted().map(Mount::is_read_only).into(),
            read_only_device: self.read_only_device().into(),
            size_bytes: self.device().and_then(|device| device.size_bytes()).into(),
            df_total_kib: self.space("space").map(|space| space.total).into(),
            free_kib: self.space("space").map(|space| space.free).into(),
            free_percent: self.space("space").map(free_percent).into(),
            inodes: self.space("inodes").map(|space| space.total).into(),
            inodes_free: self.space("inodes").map(|space| space.free).into(),
            shares_volume_with: self.shared_directories().into(),
            other_mounts: self.other_mounts().map(Collection::complete).into(),
            swap: self.swap().into(),
            holders: self.holders().map(Collection::complete).into(),
            lvm: self.lvm().into(),
            open_by: self.open_by().into(),
            fstab: self.fstab().into(),
            disks: self.disks().map(Collection::complete).into(),
            on_os_disk: self.on_os_disk().into(),
            multipath: self.device().map(BlockDevice::is_multipath).into(),
            named_by_id: self.device().map(named_by_id).into(),
        }
    }

    /// What is mounted there; that nothing is, is why there is nothing to say of it.
    fn mounted(&self) -> Result<&Mount, Unavailable> {
        match &self.mount {
            Ok(Some(mount)) => Ok(mount),
            Ok(None) => Err("nothing is mounted there".into()),
            Err(why) => Err(why.into()),
        }
    }

    fn device(&self) -> Result<&BlockDevice, Unavailable> {
        let (graph, mount) = (self.graph.as_ref()?, self.mounted()?);
        Ok(graph.device_of(mount).ok_or_else(|| no_device(mount))?)
    }

    /// What was found by touching the volume that is mounted there.
    fn output(&self) -> Result<&ProbeOutput, Unavailable> {
        self.mounted()?;
        Ok(self.output.as_ref()?)
    }

    fn is_symlink(&self) -> Result<bool, Unavailable> {
        Ok(self.path.as_ref()? != self.real.as_ref()?)
    }

    fn nearest_mount(&self) -> Result<String, Unavailable> {
        let (table, real) = (self.table.as_ref()?, self.real.as_ref()?);
        let nearest = table.containing(real).map(|mount| mount.point.clone());
        Ok(nearest.ok_or_else(|| format!("no mount holds {real}"))?)
    }

    fn read_content(&self) -> Result<&DeviceContent, Unavailable> {
        self.mounted()?;
        Ok(self.content.as_ref()?)
    }

    fn read_only_device(&self) -> Result<bool, Unavailable> {
        let (graph, device) = (self.graph.as_ref()?, self.device()?);
        let mut all_told = true;
        for device in graph.chain(device) {
            match device.read_only {
                Some(true) => return Ok(true),
                Some(false) => {}
                None => all_told = false,
            }
        }
        if all_told { Ok(false) } else { Err("/sys does not show every device below it".into()) }
    }

    fn space(&self, name: &str) -> Result<probe_output::DiskSpace, Unavailable> {
        let text = self.output()?.command(name)?;
        let (real, source) = (self.real.as_ref()?, &self.mounted()?.source);
        // It answers for a directory that nothing is mounted on as if it were a volume.
        let is_own = text.lines().skip(1).all(|row| {
            row.trim_end().ends_with(&format!(" {real}")) || row.starts_with(&format!("{source} "))
        });
        let space = probe_output::parse_df(text).filter(|_| is_own);
        Ok(space.ok_or_else(|| format!("df printed {text:?}"))?)
    }

    /// The directories that are on the same file system: by the kernel's number of what they are
    /// on, or by the number programs see, as the agent itself compares them (agent, cache volume).
    /// A volume that is made of a file is on that file's volume, too.
    fn shared_directories(&self) -> Result<Collection<String>, Unavailable> {
        let (mount, output, table) = (self.mounted()?, self.output()?, self.table.as_ref()?);
        let real = self.real.as_ref()?;
        let numbers = output.command("devices").map(probe_output::parse_stat);
        let none = BTreeMap::new();
        let number = |path: &str| numbers.as_ref().unwrap_or(&none).get(path);
        let device = self.device();
        let mut volumes = vec![mount];
        if let (Ok(graph), Ok(device)) = (&self.graph, device.as_ref()) {
            volumes.extend(graph.files_below(device));
        }
        let mut shares = Collection { items: Vec::new(), complete: true };
        for place in &output.places {
            let (at, there) = match &place.whereabouts {
                Location::Is(at) => (at, true),
                Location::WillBe(at) => (at, false),
                Location::Unknown(_) => {
                    shares.complete = false;
                    continue;
                }
            };
            let by_table = table
                .containing(at)
                .is_some_and(|other| volumes.iter().any(|volume| volume.is_same_volume(other)));
            let by_number = number(real).is_some() && number(real) == number(at);
            if by_table || by_number {
                shares.items.push(place.name.clone());
            }
            shares.complete &= !there || number(real).is_some() && number(at).is_some();
        }
        // What it lies on must be known down to the disks, and every directory that counts asked
        // about by the name that the agent's own files give it.
        shares.complete &= mount.number.starts_with("0:") || self.disks().is_ok();
        let asked = |name: &str| output.places.iter().any(|place| place.name == name);
        shares.complete &= ["/", "/home/svsystems"].into_iter().all(asked)
            && self
                .directories
                .as_ref()
                .is_ok_and(|directories| directories.iter().all(|directory| asked(directory)));
        Ok(shares)
    }

    /// What is made of the device, and of files on it.
    fn holders(&self) -> Result<Vec<String>, Unavailable> {
        let (graph, mount, device) = (self.graph.as_ref()?, self.mounted()?, self.device()?);
        let is_of_file = |other: &&BlockDevice| {
            other.file_on.as_ref().is_some_and(|on| mount.is_same_volume(on))
        };
        let of_files = graph.devices().iter().filter(is_of_file).map(|other| other.name.clone());
        Ok(device.holders.iter().cloned().chain(of_files).collect())
    }

    fn other_mounts(&self) -> Result<Vec<String>, Unavailable> {
        let (mount, table) = (self.mounted()?, self.table.as_ref()?);
        let others = table.rows().iter().filter(|row| row.id != mount.id);
        let same = others.filter(|row| mount.is_same_volume(row));
        Ok(same.map(|row| row.point.clone()).collect())
    }

    /// Whether the device, a device of which it is made, or a file on it is swapped to.
    fn swap(&self) -> Result<bool, Unavailable> {
        let (mount, graph, table) = (self.mounted()?, self.graph.as_ref()?, self.table.as_ref()?);
        let own: Vec<&BlockDevice> = match graph.device_of(mount) {
            Some(device) => graph.chain(device),
            None => Vec::new(),
        };
        let mut unknown = None;
        for swap in self.swaps.as_ref()? {
            let is_own = if !swap.starts_with("/dev/") {
                table.containing(swap).is_some_and(|on| mount.is_same_volume(on))
            } else if let Some(device) = graph.by_path(swap) {
                own.contains(&device)
                    || graph.chain(device).iter().any(|below| {
                        own.first() == Some(below)
                            || below.file_on.as_ref().is_some_and(|on| mount.is_same_volume(on))
                    })
            } else {
                unknown.get_or_insert(swap);
                *swap == mount.source
            };
            if is_own {
                return Ok(true);
            }
        }
        match unknown {
            Some(swap) => {
                Err(format!("{swap} is used for swap, and which device it is on is not known")
                    .into())
            }
            None => Ok(false),
        }
    }

    fn lvm(&self) -> Result<bool, Unavailable> {
        let (mount, graph) = (self.mounted()?, self.graph.as_ref()?);
        Ok(graph.lies_on(mount, BlockDevice::is_lvm).ok_or_else(|| no_device(mount))?)
    }

    fn open_by(&self) -> Result<Collection<String>, Unavailable> {
        let output = self.output()?;
        let strangers = |open: &[OpenFile]| -> Vec<String> {
            let strange = open.iter().filter(|opener| !AGENT.contains(&opener.name.as_str()));
            strange.map(|opener| format!("{} ({})", opener.name, opener.id)).collect()
        };
        if let Some(complete) = output.saw_all {
            return Ok(Collection { items: strangers(&output.open), complete });
        }
        // lsof gives 1 when nothing is open, and when it could not look: only the silent one is
        // an answer.
        match output.commands.get("lsof") {
            Some(ProbeAnswer { status: 0 | 1, text }) => {
                let open = probe_output::parse_lsof(text);
                let complete = !open.is_empty() || text.trim().is_empty();
                Ok(Collection { items: strangers(&open), complete })
            }
            _ => output.command("lsof").map(|_| Collection::default()),
        }
    }

    fn disks(&self) -> Result<Vec<String>, Unavailable> {
        let disks = self.disks_below()?;
        Ok(disks.iter().map(|disk| disk.name.clone()).collect())
    }

    fn disks_below(&self) -> Result<Vec<&BlockDevice>, Unavailable> {
        let graph = self.graph.as_ref()?;
        Ok(graph.disks_below(self.device()?)?)
    }

    fn on_os_disk(&self) -> Result<bool, Unavailable> {
        let (graph, system) = (self.graph.as_ref()?, self.system.as_ref()?);
        let system = graph.disks_of(system)?;
        Ok(self.disks_below()?.iter().any(|disk| system.contains(disk)))
    }

    fn fstab(&self) -> Result<FstabFacts, Unavailable> {
        let (path, real, lines) = (self.path.as_ref()?, self.real.as_ref()?, self.fstab.as_ref()?);
        let mounted = fstab::MountedVolume {
            mount: self.mounted()?,
            table: self.table.as_ref()?,
            graph: self.graph.as_ref().ok(),
            content: self.content.as_ref().ok(),
            links: self.output.as_ref().map(|output| output.fstab.clone()).unwrap_or_default(),
        };
        Ok(mounted.facts(lines, [path, real]))
    }
}

/// The configured path, of which only an absolute one means anything, without the slashes and dots
/// that change nothing.
fn absolute_path(text: &str) -> Result<String, Unavailable> {
    let path = text.strip_suffix('\n').unwrap_or(text);
    if !path.starts_with('/') || path.contains('\n') {
        return Err(format!("{path:?} is not an absolute path").into());
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok(format!("/{}", parts.join("/")))
}

/// Where a path really is. A mount point is never a link, so that the kernel's table alone tells
/// what is mounted at one, and nothing else needs to have answered.
fn real_path(
    path: &Result<String, Unavailable>,
    table: &Result<MountTable, Unavailable>,
    output: &Result<ProbeOutput, Unavailable>,
) -> Result<String, Unavailable> {
    let (path, table) = (path.as_ref()?, table.as_ref()?);
    if table.at(path).is_some() {
        return Ok(path.clone());
    }
    match output.as_ref()? {
        ProbeOutput { real: Some(real), .. } => Ok(real.clone()),
        ProbeOutput { stuck: Some(at), .. } => {
            Err(format!("{at} was not read, because it could hang").into())
        }
        _ => Err("the probe did not say where the path leads".into()),
    }
}

/// What the probe printed about the volume.
fn read_output(transcript: &Transcript) -> Result<ProbeOutput, Unavailable> {
    let output = probe_output::parse(file::complete_text(transcript, RETENTION)?);
    match output.foreign {
        Some(line) => Err(format!("the probe printed {line:?}").into()),
        None => Ok(output),
    }
}

/// What blkid says. Status 2 is that it knows nothing of what it found.
fn content(transcript: &Transcript) -> Result<DeviceContent, Unavailable> {
    match transcript.answer(BLKID)?.status {
        2 => Ok(DeviceContent::default()),
        3 => Err("no local device is mounted there".into()),
        _ => file::complete_text(transcript, BLKID).map(probe_output::parse_blkid),
    }
}

fn no_device(mount: &Mount) -> String {
    format!("{} is on no block device that /sys lists", mount.source)
}

fn free_percent(space: probe_output::DiskSpace) -> i64 {
    let percent = i128::from(space.free) * 100 / i128::from(space.total.max(1));
    i64::try_from(percent).unwrap_or(100).min(100)
}

fn named_by_id(device: &BlockDevice) -> bool {
    match (device.multipath_id(), &device.mapper_name) {
        (Some(id), Some(name)) => name.starts_with(id),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
