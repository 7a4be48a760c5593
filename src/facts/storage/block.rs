//! Block devices as the kernel knows them, and how they lie on each other.
//!
//! The probe prints what `/sys` says of each device; which disk is below which volume is worked
//! out here. Not for what is mounted from them (`mounts`) nor for their SCSI ids (`scsi`).

use schemars::JsonSchema;
use serde::Serialize;

use super::mounts::{self, Mount};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Collection, Fact, Unavailable, file};

/// Shell text that tells what a whole device is: `kind_of DIRECTORY` makes `kind` one of `disk`,
/// `rom` and `virtual`. What has no device of a bus below it is made of something else.
macro_rules! kind_of {
    () => {
        r#"
kind_of() {
  kind=virtual
  [ -e "$1/device" ] && [ ! -d "$1/loop" ] || return 0
  kind=disk
  for f in type media; do
    IFS= read -r v < "$1/device/$f" || continue
    case $v in 5|cdrom|floppy) kind=rom;; esac
  done
}
"#
    };
}
pub(super) use kind_of;

const BLOCK: ProbeName = ProbeName::new("block");

/// What `/sys/block` says of each disk and partition, read by the shell itself.
///
/// A partition is listed after its disk. RAM disks and floppy drives are left out.
pub const PROBES: &[Probe] = &[Probe::new(
    BLOCK,
    concat!(
        kind_of!(),
        r#"
[ -d /sys/block ] || exit 1
set +f
each() {
  for f in dev size ro dm/name dm/uuid loop/backing_file partition queue/logical_block_size; do
    IFS= read -r v < "$1/$f" || continue
    case $f in loop/*) f=file;; esac
    printf '%s %s\n' "${f#*/}" "$v"
  done
  for v in "$1"/slaves/*; do [ -h "$v" ] && printf 'slave %s\n' "${v##*/}"; done
  for v in "$1"/holders/*; do [ -h "$v" ] && printf 'holder %s\n' "${v##*/}"; done
}
for d in /sys/block/*; do
  n=${d##*/}
  case $n in ram[0-9]*|fd[0-9]*) continue;; esac
  [ -e "$d/dev" ] || continue
  kind_of "$d"
  printf 'device %s\nkind %s\n' "$n" "$kind"
  each "$d"
  for p in "$d/$n"*/partition; do
    [ -e "$p" ] || continue
    p=${p%/partition}
    printf 'device %s\nparent %s\n' "${p##*/}" "$n"
    each "$p"
  done
done
exit 0
"#
    ),
)];

/// Bytes of the unit that `/sys` counts sizes in, whatever the device's own sectors are.
const SECTOR: i64 = 512;

/// What is checked about the disks of a host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HostDiskFacts {
    /// The disk that the operating system is on.
    pub os_disk: Fact<OsDisk>,
    /// Which of `/` and the retention volume lie on LVM, by their mount points.
    pub on_lvm: Collection<String>,
    /// Which of them are encrypted.
    pub encrypted: Collection<String>,
}

/// The disk below `/`; when there are several, all of them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct OsDisk {
    /// Its kernel name, such as `sda`; several are parted by a comma.
    pub name: String,
    /// Its size in bytes; of several, their sum.
    pub size_bytes: Fact<i64>,
}

/// Reads the facts out of a transcript; `retention` is what is mounted where the retention volume
/// is to be, if anything is.
pub fn from_transcript(
    transcript: &Transcript,
    retention: Result<Option<Mount>, Unavailable>,
) -> HostDiskFacts {
    let (graph, root) = (block_graph(transcript), root_mount(transcript));
    let os_disk = || Ok::<_, Unavailable>(graph.as_ref()?.os_disk(root.as_ref()?)?);
    let mounts = [root.clone().map(Some), retention];
    let above = |is_wanted: fn(&BlockDevice) -> bool| {
        let mut found = Collection::complete(Vec::new());
        for mount in &mounts {
            let lies = match (mount, &graph) {
                (Ok(None), _) => continue,
                (Ok(Some(mount)), Ok(graph)) => {
                    graph.lies_on(mount, is_wanted).map(|lies| (mount, lies))
                }
                _ => None,
            };
            match lies {
                Some((mount, lies)) => found.items.extend(lies.then(|| mount.point.clone())),
                None => found.complete = false,
            }
        }
        found
    };
    HostDiskFacts {
        os_disk: os_disk().into(),
        on_lvm: above(BlockDevice::is_lvm),
        encrypted: above(BlockDevice::is_encrypted),
    }
}

/// The block devices of a host, with the files that some are made of.
pub fn block_graph(transcript: &Transcript) -> Result<BlockGraph, Unavailable> {
    let graph = BlockGraph::parse(file::complete_text(transcript, BLOCK)?)?;
    // Where the table cannot be read, what lies below a file stays unknown.
    Ok(match mounts::mount_table(transcript) {
        Ok(table) => graph.with_backing_files(&table),
        Err(_) => graph,
    })
}

/// What is mounted at `/`.
pub fn root_mount(transcript: &Transcript) -> Result<Mount, Unavailable> {
    Ok(mounts::mount_table(transcript)?.at("/").cloned().ok_or("no mount is at /")?)
}

/// One block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockDevice {
    /// Its kernel name: `sda1`, `dm-0`.
    pub name: String,
    /// Its number, as `8:1`.
    pub number: String,
    /// Its size in units of 512 bytes.
    pub sectors: Option<i64>,
    /// Whether the kernel refuses to write to it.
    pub read_only: Option<bool>,
    /// The disk it is a partition of.
    pub parent: Option<String>,
    /// The devices it is made of.
    pub slaves: Vec<String>,
    /// The devices that are made of it.
    pub holders: Vec<String>,
    /// Its name below `/dev/mapper`.
    pub mapper_name: Option<String>,
    /// What made it, for device-mapper: `mpath-...`, `part1-mpath-...`, `LVM-...`.
    pub mapper_uuid: Option<String>,
    /// What kind it is, when it is no partition.
    pub kind: Option<DeviceKind>,
    /// The file that a loop device is made of.
    pub file: Option<String>,
    /// What is mounted where that file is.
    pub file_on: Option<Mount>,
    /// Its number among the partitions of its disk.
    partition: Option<String>,
    /// Bytes of the smallest unit that it is read and written in.
    pub logical_block_size: Option<i64>,
}

/// What a block device is that is no partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// A disk of the machine, on whatever bus.
    Disk,
    /// A drive for media that are only read.
    Rom,
    /// Something made of other devices, of a file or of memory.
    Virtual,
}

impl BlockDevice {
    /// Whether it is a multipath device or a partition of one.
    pub fn is_multipath(&self) -> bool {
        self.multipath_id().is_some()
    }

    /// The id of the multipath device that it is, or is a partition of.
    pub fn multipath_id(&self) -> Option<&str> {
        let uuid = self.mapper_uuid.as_deref()?;
        let whole = match uuid.strip_prefix("part") {
            Some(rest) => {
                rest.trim_start_matches(|c: char| c.is_ascii_digit()).strip_prefix('-')?
            }
            None => uuid,
        };
        whole.strip_prefix("mpath-")
    }

    /// Whether it is a logical volume.
    pub fn is_lvm(&self) -> bool {
        self.mapper_uuid.as_deref().is_some_and(|uuid| uuid.starts_with("LVM-"))
    }

    /// Whether dm-crypt decrypts it.
    pub fn is_encrypted(&self) -> bool {
        self.mapper_uuid.as_deref().is_some_and(|uuid| uuid.starts_with("CRYPT-"))
    }

    /// What it is. Listings of old do not say it, and the kernel's numbers tell: 1 RAM disks, 7 loop
    /// devices, 9 RAID, 11 CD drives, 43 network devices (devices.txt of the kernel).
    fn kind(&self) -> DeviceKind {
        let major = self.number.split(':').next().unwrap_or_default();
        match (self.kind, major) {
            (Some(kind), _) => kind,
            (None, "11") => DeviceKind::Rom,
            (None, "1" | "7" | "9" | "43") => DeviceKind::Virtual,
            _ if self.mapper_uuid.is_some() || self.name.starts_with("dm-") => DeviceKind::Virtual,
            _ => DeviceKind::Disk,
        }
    }

    /// Whether it is a whole disk of the machine.
    pub fn is_disk(&self) -> bool {
        self.parent.is_none() && self.slaves.is_empty() && self.kind() == DeviceKind::Disk
    }

    /// Its size in bytes.
    pub fn size_bytes(&self) -> Result<i64, Unavailable> {
        let bytes = self.sectors.and_then(|sectors| sectors.checked_mul(SECTOR));
        Ok(bytes.ok_or_else(|| format!("/sys does not tell the size of {}", self.name))?)
    }
}

/// Why the devices of a host are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// A line that says nothing of a device.
    #[error("the probe printed {0:?}")]
    Line(String),
    /// No device at all.
    #[error("/sys lists no block device")]
    Empty,
    /// A device that is no disk, and of which nobody knows what it is made of.
    #[error("what {0} is made of is not known")]
    Bottom(String),
    /// A file system that is on no block device, or on one that is not listed.
    #[error("{point} is {fstype} from {from:?}, on no block device that /sys lists")]
    NoDevice {
        /// Where it is mounted.
        point: String,
        /// Its type.
        fstype: String,
        /// What is mounted.
        from: String,
    },
}

/// The block devices of a host and how they lie on each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockGraph {
    devices: Vec<BlockDevice>,
}

impl BlockGraph {
    /// Reads what the probe prints.
    ///
    /// # Errors
    ///
    /// Fails when it lists nothing, or says something that is not of a device.
    ///
    /// ```
    /// use preflight::facts::storage::block::BlockGraph;
    /// let graph = BlockGraph::parse(
    ///     "device sda\ndev 8:0\nsize 209715200\nro 0\n\
    ///      device sda1\nparent sda\ndev 8:1\nsize 125829120\nro 0\n",
    /// )
    /// .unwrap();
    /// let disks = graph.disks_below(graph.by_number("8:1").unwrap()).unwrap();
    /// assert_eq!(disks[0].name, "sda");
    /// ```
    pub fn parse(text: &str) -> Result<Self, BlockError> {
        let mut devices: Vec<BlockDevice> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let wrong = || BlockError::Line(line.to_owned());
            let (key, value) = line.split_once(' ').ok_or_else(wrong)?;
            let value = value.to_owned();
            if key == "device" {
                if devices.iter().any(|device| device.name == value) {
                    return Err(wrong());
                }
                devices.push(BlockDevice { name: value, ..BlockDevice::default() });
                continue;
            }
            let device = devices.last_mut().ok_or_else(wrong)?;
            // What is told twice is of a device whose first line is missing.
            let once = |is_new: bool| if is_new { Ok(()) } else { Err(wrong()) };
            match key {
                "parent" => once(device.parent.replace(value).is_none())?,
                "dev" => once(std::mem::replace(&mut device.number, value).is_empty())?,
                "size" => {
                    once(device.sectors.replace(value.parse().map_err(|_| wrong())?).is_none())?
                }
                "ro" => {
                    let flag: i64 = value.parse().map_err(|_| wrong())?;
                    once(device.read_only.replace(flag != 0).is_none())?;
                }
                "slave" => device.slaves.push(value),
                "holder" => device.holders.push(value),
                "name" => once(device.mapper_name.replace(value).is_none())?,
                "uuid" => once(device.mapper_uuid.replace(value).is_none())?,
                "file" => once(device.file.replace(value).is_none())?,
                "partition" => once(device.partition.replace(value).is_none())?,
                "logical_block_size" => {
                    let bytes = value.parse().map_err(|_| wrong())?;
                    once(device.logical_block_size.replace(bytes).is_none())?;
                }
                "kind" => {
                    let kind = match value.as_str() {
                        "disk" => DeviceKind::Disk,
                        "rom" => DeviceKind::Rom,
                        "virtual" => DeviceKind::Virtual,
                        _ => return Err(wrong()),
                    };
                    once(device.kind.replace(kind).is_none())?;
                }
                _ => return Err(wrong()),
            }
        }
        if let Some(lost) =
            devices.iter().find(|device| device.partition.is_some() && device.parent.is_none())
        {
            return Err(BlockError::Line(format!("device {} without its disk", lost.name)));
        }
        if let Some(lost) = devices.iter().find(|device| device.number.is_empty()) {
            return Err(BlockError::Line(format!("device {} without its number", lost.name)));
        }
        if devices.is_empty() {
            Err(BlockError::Empty)
        } else {
            Ok(Self { devices }.with_symmetric_links())
        }
    }

    /// What lies on what is told from above and from below; one of both is enough.
    fn with_symmetric_links(mut self) -> Self {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for device in &self.devices {
            let below = device.slaves.iter().map(|slave| (device.name.clone(), slave.clone()));
            let above = device.holders.iter().map(|holder| (holder.clone(), device.name.clone()));
            pairs.extend(below.chain(above));
        }
        for (upper, lower) in pairs {
            for device in &mut self.devices {
                if device.name == upper && !device.slaves.contains(&lower) {
                    device.slaves.push(lower.clone());
                }
                if device.name == lower && !device.holders.contains(&upper) {
                    device.holders.push(upper.clone());
                }
            }
        }
        self
    }

    /// The same devices, with those that are made of a file on what that file's file system is on.
    fn with_backing_files(mut self, table: &mounts::MountTable) -> Self {
        let of_file = |device: &BlockDevice| {
            let path = device.file.as_deref()?.trim_end_matches(" (deleted)");
            if let Some(below) = self.by_path(path) {
                return Some((below.name.clone(), None));
            }
            let mount = path.starts_with('/').then(|| table.containing(path)).flatten()?;
            let below = self.device_of(mount).map(|below| below.name.clone());
            Some((below.unwrap_or_default(), Some(mount.clone())))
        };
        let found: Vec<_> = self.devices.iter().map(of_file).collect();
        for (device, found) in self.devices.iter_mut().zip(found) {
            let Some((below, mount)) = found else { continue };
            device.slaves.extend((!below.is_empty()).then_some(below));
            device.file_on = mount;
        }
        self
    }

    /// All devices, each disk before its partitions.
    pub fn devices(&self) -> &[BlockDevice] {
        &self.devices
    }

    /// The device with a number such as `8:1`.
    pub fn by_number(&self, number: &str) -> Option<&BlockDevice> {
        self.devices.iter().find(|device| device.number == number)
    }

    /// The device with a kernel name.
    pub fn by_name(&self, name: &str) -> Option<&BlockDevice> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// The device that a path such as `/dev/sdb1`, `/dev/mapper/NAME` or `/dev/VG/LV` is for,
    /// told by the name alone.
    pub fn by_path(&self, path: &str) -> Option<&BlockDevice> {
        let name = path.strip_prefix("/dev/")?;
        let by_mapper = |name: &str| {
            self.devices.iter().find(|device| device.mapper_name.as_deref() == Some(name))
        };
        if let Some(name) = name.strip_prefix("mapper/") {
            return by_mapper(name);
        }
        let by_id = name.strip_prefix("disk/by-id/dm-name-").and_then(by_mapper);
        // The kernel writes `!` where a name has a slash; LVM doubles the hyphens of both names.
        let by_group = || {
            let (group, volume) = name.split_once('/')?;
            let doubled = |name: &str| name.replace('-', "--");
            by_mapper(&format!("{}-{}", doubled(group), doubled(volume)))
        };
        by_id.or_else(|| self.by_name(&name.replace('/', "!"))).or_else(by_group)
    }

    /// The device that a file system is on. btrfs hides its number, so its source tells.
    pub fn device_of(&self, mount: &Mount) -> Option<&BlockDevice> {
        if !mount.number.starts_with("0:") {
            self.by_number(&mount.number)
        } else if mount.fstype == "btrfs" {
            self.by_path(&mount.source)
        } else {
            None
        }
    }

    /// A device and everything it is made of: its disk when it is a partition, its slaves.
    pub fn chain<'a>(&'a self, device: &'a BlockDevice) -> Vec<&'a BlockDevice> {
        let mut chain = vec![device];
        let mut next = 0;
        while let Some(device) = chain.get(next) {
            for name in device.slaves.iter().chain(&device.parent) {
                let below = self.by_name(name);
                // What was seen already is not walked again: a forged listing may go in circles.
                chain.extend(below.filter(|device| !chain.contains(device)));
            }
            next += 1;
        }
        chain
    }

    /// The disks at the bottom of a device, itself when it is one.
    ///
    /// # Errors
    ///
    /// Fails when something at the bottom is no disk: a loop device whose file is not known, memory.
    pub fn disks_below<'a>(
        &'a self,
        device: &'a BlockDevice,
    ) -> Result<Vec<&'a BlockDevice>, BlockError> {
        let chain = self.chain(device);
        let is_known = |name: &String| self.by_name(name).is_some();
        let is_bottom = |device: &&&BlockDevice| {
            !device.slaves.iter().chain(&device.parent).any(is_known)
                || !device.slaves.iter().all(is_known)
        };
        let bottom: Vec<&BlockDevice> = chain.iter().filter(is_bottom).copied().collect();
        match bottom.iter().find(|device| !device.is_disk()) {
            Some(odd) => Err(BlockError::Bottom(odd.name.clone())),
            None if bottom.is_empty() => Err(BlockError::Bottom(device.name.clone())),
            None => Ok(bottom),
        }
    }

    /// Every whole disk of the machine, on whatever bus.
    pub fn disks(&self) -> impl Iterator<Item = &BlockDevice> {
        self.devices.iter().filter(|device| device.is_disk())
    }

    /// The file systems that hold the files a device is made of.
    pub fn files_below<'a>(&'a self, device: &'a BlockDevice) -> impl Iterator<Item = &'a Mount> {
        self.chain(device).into_iter().filter_map(|below| below.file_on.as_ref())
    }

    /// Whether a file system lies on such a device, at whatever depth; nothing when its device, or
    /// what that is made of, is unknown.
    pub fn lies_on(&self, mount: &Mount, is_wanted: fn(&BlockDevice) -> bool) -> Option<bool> {
        match self.device_of(mount) {
            Some(device) if self.chain(device).into_iter().any(is_wanted) => Some(true),
            Some(device) => self.disks_below(device).ok().map(|_| false),
            // Without a block device there is none such either.
            None => (mount.number.starts_with("0:") && mount.fstype != "btrfs").then_some(false),
        }
    }

    /// The disks below a file system.
    ///
    /// # Errors
    ///
    /// Fails when it is on no block device that is listed.
    pub fn disks_of(&self, mount: &Mount) -> Result<Vec<&BlockDevice>, BlockError> {
        let device = self.device_of(mount).ok_or_else(|| BlockError::NoDevice {
            point: mount.point.clone(),
            fstype: mount.fstype.clone(),
            from: mount.source.clone(),
        })?;
        self.disks_below(device)
    }

    fn os_disk(&self, root: &Mount) -> Result<OsDisk, BlockError> {
        let disks = self.disks_of(root)?;
        let names: Vec<&str> = disks.iter().map(|disk| disk.name.as_str()).collect();
        let sum = disks.iter().try_fold(0_i64, |sum, disk| {
            disk.size_bytes().ok().and_then(|bytes| sum.checked_add(bytes))
        });
        let unknown =
            || Fact::unavailable(format!("/sys does not tell the size of {}", names.join(", ")));
        Ok(OsDisk { name: names.join(", "), size_bytes: sum.map_or_else(unknown, Fact::Known) })
    }
}

#[cfg(test)]
mod tests;
