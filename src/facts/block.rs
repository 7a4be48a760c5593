//! Block devices as the kernel knows them, and how they lie on each other.
//!
//! The probe prints what `/sys` says of each device; which disk is below which volume is worked
//! out here. Not for what is mounted from them (`mounts`) nor for their SCSI ids (`scsi`).

use schemars::JsonSchema;
use serde::Serialize;

use super::mounts::{self, Mount};
use super::probe::Probe;
use super::transcript::Transcript;
use super::{Fact, Looked};

/// What `/sys/block` says of each disk and partition, read by the shell itself.
///
/// A partition is listed after its disk. RAM disks and floppy drives are left out.
pub const PROBES: &[Probe] = &[Probe::new(
    "block",
    r#"
[ -d /sys/block ] || exit 1
set +f
each() {
  for f in dev size ro dm/name dm/uuid; do
    IFS= read -r v < "$1/$f" && printf '%s %s\n' "${f#dm/}" "$v"
  done
  for v in "$1"/slaves/*; do [ -h "$v" ] && printf 'slave %s\n' "${v##*/}"; done
  for v in "$1"/holders/*; do [ -h "$v" ] && printf 'holder %s\n' "${v##*/}"; done
}
for d in /sys/block/*; do
  n=${d##*/}
  case $n in ram[0-9]*|fd[0-9]*) continue;; esac
  [ -e "$d/dev" ] || continue
  printf 'device %s\n' "$n"
  each "$d"
  for p in "$d/$n"*/partition; do
    [ -e "$p" ] || continue
    p=${p%/partition}
    printf 'device %s\nparent %s\n' "${p##*/}" "$n"
    each "$p"
  done
done
exit 0
"#,
)];

/// Bytes of the unit that `/sys` counts sizes in, whatever the device's own sectors are.
const SECTOR: i64 = 512;

/// What is judged about the disks of a host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DiskFacts {
    /// The disk that the operating system is on.
    pub os_disk: Fact<OsDisk>,
    /// Which of `/` and the retention volume lie on LVM, by their mount points.
    pub on_lvm: Looked<String>,
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
pub fn of(transcript: &Transcript, retention: Fact<Option<Mount>>) -> DiskFacts {
    let (graph, root) = (graph(transcript), root_of(transcript));
    let os_disk = match (&graph, &root) {
        (Fact::Known(graph), Fact::Known(root)) => graph.os_disk(root).into(),
        (Fact::Unavailable(why), _) | (_, Fact::Unavailable(why)) => Fact::Unavailable(why.clone()),
    };
    let mut on_lvm = Looked::complete(Vec::new());
    let on = |mount: &Fact<Option<Mount>>| match (&graph, mount) {
        (_, Fact::Known(None)) => Some(None),
        (Fact::Known(graph), Fact::Known(Some(mount))) => {
            let lvm = graph.on_lvm(mount)?;
            Some(lvm.then(|| mount.point.clone()))
        }
        _ => None,
    };
    for mount in [root.map(Some), retention] {
        match on(&mount) {
            Some(found) => on_lvm.items.extend(found),
            None => on_lvm.complete = false,
        }
    }
    DiskFacts { os_disk, on_lvm }
}

/// The block devices of a host.
pub fn graph(transcript: &Transcript) -> Fact<Graph> {
    match transcript.text("block") {
        Fact::Known(text) => Graph::parse(text).into(),
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

/// What is mounted at `/`.
pub fn root_of(transcript: &Transcript) -> Fact<Mount> {
    match mounts::table(transcript) {
        Fact::Known(table) => match table.at("/") {
            Some(mount) => Fact::Known(mount.clone()),
            None => Fact::unavailable("no mount is at /"),
        },
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

/// One block device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
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
}

impl Device {
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

    /// Its size in bytes.
    pub fn size_bytes(&self) -> Fact<i64> {
        match self.sectors.and_then(|sectors| sectors.checked_mul(SECTOR)) {
            Some(bytes) => Fact::Known(bytes),
            None => Fact::unavailable(format!("/sys does not tell the size of {}", self.name)),
        }
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
pub struct Graph {
    devices: Vec<Device>,
}

impl Graph {
    /// Reads what the probe prints.
    ///
    /// # Errors
    ///
    /// Fails when it lists nothing, or says something that is not of a device.
    ///
    /// ```
    /// use preflight::facts::block::Graph;
    /// let graph = Graph::parse(
    ///     "device sda\ndev 8:0\nsize 209715200\nro 0\n\
    ///      device sda1\nparent sda\ndev 8:1\nsize 125829120\nro 0\n",
    /// )
    /// .unwrap();
    /// let disks = graph.disks_below(graph.numbered("8:1").unwrap());
    /// assert_eq!(disks[0].name, "sda");
    /// ```
    pub fn parse(text: &str) -> Result<Self, BlockError> {
        let mut devices: Vec<Device> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let wrong = || BlockError::Line(line.to_owned());
            let (key, value) = line.split_once(' ').ok_or_else(wrong)?;
            let value = value.to_owned();
            if key == "device" {
                devices.push(Device { name: value, ..Device::default() });
                continue;
            }
            let device = devices.last_mut().ok_or_else(wrong)?;
            match key {
                "parent" => device.parent = Some(value),
                "dev" => device.number = value,
                "size" => device.sectors = value.parse().ok(),
                "ro" => device.read_only = value.parse().ok().map(|flag: i64| flag != 0),
                "slave" => device.slaves.push(value),
                "holder" => device.holders.push(value),
                "name" => device.mapper_name = Some(value),
                "uuid" => device.mapper_uuid = Some(value),
                _ => return Err(wrong()),
            }
        }
        if devices.is_empty() { Err(BlockError::Empty) } else { Ok(Self { devices }) }
    }

    /// All devices, each disk before its partitions.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The device with a number such as `8:1`.
    pub fn numbered(&self, number: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.number == number)
    }

    /// The device with a kernel name.
    pub fn named(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == name)
    }

    /// The device that a path such as `/dev/sdb1`, `/dev/mapper/NAME` or `/dev/VG/LV` is for,
    /// told by the name alone.
    pub fn at_path(&self, path: &str) -> Option<&Device> {
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
        by_id.or_else(|| self.named(&name.replace('/', "!"))).or_else(by_group)
    }

    /// The device that a file system is on. btrfs hides its number, so its source tells.
    pub fn below_mount(&self, mount: &Mount) -> Option<&Device> {
        match mount.number.starts_with("0:") {
            true if mount.fstype == "btrfs" => self.at_path(&mount.source),
            true => None,
            false => self.numbered(&mount.number),
        }
    }

    /// A device and everything it is made of: its disk when it is a partition, its slaves.
    pub fn chain<'a>(&'a self, device: &'a Device) -> Vec<&'a Device> {
        let mut chain = vec![device];
        let mut next = 0;
        while let Some(device) = chain.get(next) {
            for name in device.slaves.iter().chain(&device.parent) {
                let below = self.named(name);
                // What was seen already is not walked again: a forged listing may go in circles.
                chain.extend(below.filter(|device| !chain.contains(device)));
            }
            next += 1;
        }
        chain
    }

    /// The disks at the bottom of a device, itself when it is one.
    pub fn disks_below<'a>(&'a self, device: &'a Device) -> Vec<&'a Device> {
        let is_disk = |device: &&Device| device.slaves.is_empty() && device.parent.is_none();
        self.chain(device).into_iter().filter(is_disk).collect()
    }

    /// Whether a file system lies on LVM, at whatever depth; nothing when its device is unknown.
    pub fn on_lvm(&self, mount: &Mount) -> Option<bool> {
        match self.below_mount(mount) {
            Some(device) => Some(self.chain(device).into_iter().any(Device::is_lvm)),
            // Without a block device there is no logical volume either.
            None => (mount.number.starts_with("0:") && mount.fstype != "btrfs").then_some(false),
        }
    }

    /// The disks below a file system.
    ///
    /// # Errors
    ///
    /// Fails when it is on no block device that is listed.
    pub fn disks_of(&self, mount: &Mount) -> Result<Vec<&Device>, BlockError> {
        let device = self.below_mount(mount).ok_or_else(|| BlockError::NoDevice {
            point: mount.point.clone(),
            fstype: mount.fstype.clone(),
            from: mount.source.clone(),
        })?;
        Ok(self.disks_below(device))
    }

    fn os_disk(&self, root: &Mount) -> Result<OsDisk, BlockError> {
        let disks = self.disks_of(root)?;
        let names: Vec<&str> = disks.iter().map(|disk| disk.name.as_str()).collect();
        let sum = disks.iter().try_fold(0_i64, |sum, disk| {
            disk.size_bytes().known().and_then(|bytes| sum.checked_add(*bytes))
        });
        let unknown =
            || Fact::unavailable(format!("/sys does not tell the size of {}", names.join(", ")));
        Ok(OsDisk { name: names.join(", "), size_bytes: sum.map_or_else(unknown, Fact::Known) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A master target: `/` on sda1, a multipath device on sdb and sdc with a partition, a logical
    /// volume on that, a RAID of two partitions.
    const LISTING: &str = "\
device sda\ndev 8:0\nsize 209715200\nro 0
device sda1\nparent sda\ndev 8:1\nsize 125829120\nro 0
device sda2\nparent sda\ndev 8:2\nsize 1000\nro 0\nholder md0
device sdb\ndev 8:16\nsize 2147483648\nro 0\nholder dm-0
device sdc\ndev 8:32\nsize 2147483648\nro 1\nholder dm-0
device sdd\ndev 8:48\nsize 5000\nro 0
device sdd1\nparent sdd\ndev 8:49\nsize 4000\nro 0\nholder md0
device dm-0\ndev 253:0\nsize 2147483648\nro 0\nname 36000c290f0e\nuuid mpath-36000c290f0e\nslave sdb\nslave sdc\nholder dm-1
device dm-1\ndev 253:1\nsize 2147481600\nro 0\nname 36000c290f0ep1\nuuid part1-mpath-36000c290f0e\nslave dm-0\nholder dm-2
device dm-2\ndev 253:2\nsize 2147400000\nro 0\nname vg--a-lv_r\nuuid LVM-Qm3zV0\nslave dm-1
device md0\ndev 9:0\nsize 900\nro 0\nslave sda2\nslave sdd1
device cciss!c0d0\ndev 104:0\nsize 100\nro 0
device cciss!c0d0p1\nparent cciss!c0d0\ndev 104:1\nro 0
";

    fn graph() -> Graph {
        Graph::parse(LISTING).unwrap()
    }

    fn mount(number: &str, fstype: &str, source: &str) -> Mount {
        let row = format!("9 1 {number} / /p rw - {fstype} {source} rw\n");
        mounts::Table::parse(&row).unwrap().rows()[0].clone()
    }

    #[test]
    fn the_disks_below_are_found_through_every_layer() {
        let graph = graph();
        for (number, disks) in [
            ("8:0", vec!["sda"]),
            ("8:1", vec!["sda"]),
            ("253:0", vec!["sdb", "sdc"]),
            ("253:1", vec!["sdb", "sdc"]),
            ("253:2", vec!["sdb", "sdc"]),
            ("9:0", vec!["sda", "sdd"]),
            ("104:1", vec!["cciss!c0d0"]),
        ] {
            let device = graph.numbered(number).unwrap();
            let below: Vec<&str> =
                graph.disks_below(device).iter().map(|disk| disk.name.as_str()).collect();
            assert_eq!(below, disks, "{number}");
        }
        assert_eq!(graph.numbered("8:99"), None);
    }

    #[test]
    fn a_path_is_told_by_its_name() {
        let graph = graph();
        for (path, name) in [
            ("/dev/sda1", Some("sda1")),
            ("/dev/dm-0", Some("dm-0")),
            ("/dev/mapper/36000c290f0e", Some("dm-0")),
            ("/dev/mapper/36000c290f0ep1", Some("dm-1")),
            ("/dev/disk/by-id/dm-name-36000c290f0e", Some("dm-0")),
            ("/dev/vg-a/lv_r", Some("dm-2")),
            ("/dev/mapper/vg--a-lv_r", Some("dm-2")),
            ("/dev/cciss/c0d0p1", Some("cciss!c0d0p1")),
            ("/dev/sdz", None),
            ("/dev/root", None),
            ("/dev/disk/by-uuid/0a-1", None),
            ("UUID=0a-1", None),
            ("nas:/export", None),
        ] {
            assert_eq!(graph.at_path(path).map(|device| device.name.as_str()), name, "{path}");
        }
    }

    #[test]
    fn what_made_a_mapping_is_told_by_its_uuid() {
        for (uuid, multipath, lvm) in [
            (Some("mpath-36000c290f0e"), Some("36000c290f0e"), false),
            (Some("part12-mpath-36000c290f0e"), Some("36000c290f0e"), false),
            (Some("LVM-Qm3zV0"), None, true),
            (Some("CRYPT-LUKS1-mpath-1"), None, false),
            (Some("partition"), None, false),
            (None, None, false),
        ] {
            let device = Device { mapper_uuid: uuid.map(str::to_owned), ..Device::default() };
            assert_eq!((device.multipath_id(), device.is_lvm()), (multipath, lvm), "{uuid:?}");
        }
    }

    #[test]
    fn lvm_is_found_below_a_mount_and_unknown_devices_stay_unknown() {
        let graph = graph();
        for (mount, lvm) in [
            (mount("253:2", "ext4", "/dev/mapper/vg--a-lv_r"), Some(true)),
            (mount("253:1", "ext4", "/dev/mapper/36000c290f0ep1"), Some(false)),
            (mount("0:40", "btrfs", "/dev/mapper/vg--a-lv_r"), Some(true)),
            (mount("0:40", "btrfs", "/dev/sda1"), Some(false)),
            (mount("0:40", "btrfs", "/dev/root"), None),
            (mount("0:41", "nfs", "nas:/export"), Some(false)),
            (mount("8:99", "ext4", "/dev/sdz"), None),
        ] {
            assert_eq!(graph.on_lvm(&mount), lvm, "{mount:?}");
        }
    }

    #[test]
    fn the_disk_of_the_system_has_a_size_or_a_reason() {
        let graph = graph();
        let of = |number: &str, fstype: &str| graph.os_disk(&mount(number, fstype, "x"));
        let sda = of("8:1", "ext4").unwrap();
        assert_eq!((&*sda.name, sda.size_bytes), ("sda", Fact::Known(107_374_182_400)));
        assert_eq!(of("9:0", "ext4").unwrap().name, "sda, sdd");
        assert_eq!(
            of("0:30", "overlay").unwrap_err().to_string(),
            "/p is overlay from \"x\", on no block device that /sys lists"
        );
        let silent = Graph::parse("device sda\ndev 8:0\nro 0\n").unwrap();
        let disk = silent.os_disk(&mount("8:0", "ext4", "x")).unwrap();
        assert_eq!(disk.size_bytes, Fact::unavailable("/sys does not tell the size of sda"));
    }

    #[test]
    fn a_listing_that_is_none_or_goes_in_circles_does_no_harm() {
        for text in ["", "\n", "dev 8:0\n", "device\n", "device sda\nnonsense 1\n"] {
            assert!(Graph::parse(text).is_err(), "{text:?}");
        }
        let circle =
            Graph::parse("device a\ndev 1:1\nslave b\ndevice b\ndev 1:2\nslave a\n").unwrap();
        assert_eq!(circle.chain(circle.named("a").unwrap()).len(), 2);
        assert_eq!(circle.disks_below(circle.named("a").unwrap()).len(), 0);
        let huge = Graph::parse("device a\nsize 9223372036854775807\nro x\n").unwrap();
        assert_eq!(huge.named("a").unwrap().size_bytes().known(), None);
        assert_eq!(huge.named("a").unwrap().read_only, None);
    }
}
