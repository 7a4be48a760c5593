//! Names and sizes of disks, file systems and mount points, as anaconda spells them.
//!
//! Not for whether partitions fit on their disk: `image::resolve` adds them up.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ValueError, serde_by_text, text_value};
use crate::text_schema::text_schema;

text_value! {
    /// A whole disk, without `/dev/`: a kernel name, or a path below `disk/by-path` or
    /// `disk/by-id`, which cannot swap with another disk's.
    ///
    /// anaconda resolves both forms in `clearpart`, `ignoredisk` and `part --ondisk` (el6 branch,
    /// kickstart.py, `deviceMatches` and `udev_resolve_devspec`).
    DiskName: "a disk",
    r"(?:sd[a-z]{1,2}|hd[a-z]|vd[a-z]{1,2}|xvd[a-z]|nvme[0-9]{1,3}n[0-9]{1,3}|disk/by-(?:path|id)/[A-Za-z0-9][A-Za-z0-9._:+@=-]{0,120})",
    "a whole disk without /dev/, such as sda, vda, nvme0n1 or disk/by-path/pci-0000:03:00.0-scsi-0:0:0:0"
}

impl DiskName {
    /// Whether the name is bound to the place of the disk, so that two disks cannot swap names.
    pub fn is_persistent(&self) -> bool {
        self.0.starts_with("disk/")
    }
}

text_value! {
    /// A directory a file system is mounted on.
    ///
    /// `/mnt` itself and the directories that must lie on the root file system are refused
    /// (anaconda, storage: a mount point there is an error).
    MountPoint: "a mount point",
    r"/|(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,63}){1,8}",
    "an absolute directory such as /var/crash, not /mnt itself and none of /bin /dev /etc /lib /lib64 /proc /root /run /sbin /sys",
    |text| !["/mnt", "/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys"].contains(&text)
        && text.len() <= 200
        && !["/dev/", "/proc/", "/sys/", "/run/"].iter().any(|system| text.starts_with(system))
}

text_value! {
    /// A file system label.
    Label: "a file system label", r"[A-Za-z0-9][A-Za-z0-9_-]{0,11}",
    "1 to 12 letters, digits, hyphens and underscores"
}

text_value! {
    /// A SCSI address `host:channel:target:lun`; the host may be `*`, for its number depends on
    /// the order in which drivers load.
    ScsiAddress: "a SCSI address", r"(?:\*|[0-9]{1,3}):[0-9]{1,3}:[0-9]{1,5}:[0-9]{1,5}",
    "host:channel:target:lun such as 2:0:0:0 or *:0:0:0, in quotes"
}

text_value! {
    /// A multipath device by its WWID or alias, without `/dev/mapper/`.
    MultipathName: "a multipath device", r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}",
    "the WWID, such as 36000c29f3a5d7e1b2c4d6e8f0a1b2c3d, or an alias, without /dev/mapper/"
}

/// A file system that the master target may have.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "kebab-case")]
pub enum FsType {
    /// The one S001 asks for.
    Ext4,
    /// ext3.
    Ext3,
    /// XFS.
    Xfs,
    /// Swap space.
    Swap,
    /// The EFI system partition.
    Efi,
}

impl FsType {
    /// The name in a kickstart.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a partition is for: a mount point, or swap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MountTarget {
    /// A mount point.
    At(MountPoint),
    /// Swap space.
    Swap,
}

impl MountTarget {
    /// The word in a kickstart.
    pub fn as_str(&self) -> &str {
        match self {
            Self::At(point) => point.as_str(),
            Self::Swap => "swap",
        }
    }
}

impl FromStr for MountTarget {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "swap" { Ok(Self::Swap) } else { text.parse().map(Self::At) }
    }
}

impl fmt::Display for MountTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

serde_by_text!(MountTarget, super::from_text);

text_schema!(MountTarget, r"swap|/[A-Za-z0-9._/-]*");

const MIB: u64 = 1 << 20;

/// A size of a disk or partition: whole mebibytes, written with a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// A size of so many mebibytes.
    pub const fn from_mib(mib: u32) -> Self {
        Self(mib as u64 * MIB)
    }

    /// Bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// Mebibytes; anaconda's "MB" are these.
    pub fn mib(self) -> u64 {
        self.0 / MIB
    }

    /// Sectors of 512 bytes, the unit of `/sys/block/*/size`.
    pub fn sectors(self) -> u64 {
        self.0 / 512
    }
}

text_schema!(ByteSize, r"[0-9]{1,10} ?(?:MiB|GiB|TiB)");

impl FromStr for ByteSize {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let bad = || {
            ValueError::new(
                text,
                "a size",
                "a whole number and MiB, GiB or TiB, at most 1024 TiB, such as 100 GiB",
            )
        };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let scale: u64 = match unit.strip_prefix(' ').unwrap_or(unit) {
            "MiB" => MIB,
            "GiB" => MIB << 10,
            "TiB" => MIB << 20,
            _ => return Err(bad()),
        };
        let number: u64 = number.parse().map_err(|_| bad())?;
        number
            .checked_mul(scale)
            .filter(|bytes| (1..=1 << 50).contains(bytes))
            .map(Self)
            .ok_or_else(bad)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.mib();
        match mib {
            _ if mib.is_multiple_of(1 << 20) => write!(f, "{} TiB", mib >> 20),
            _ if mib.is_multiple_of(1 << 10) => write!(f, "{} GiB", mib >> 10),
            _ => write!(f, "{mib} MiB"),
        }
    }
}

serde_by_text!(ByteSize, super::from_text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_a_whole_one_without_dev() {
        for good in [
            "sda",
            "sdab",
            "vda",
            "xvda",
            "nvme0n1",
            "disk/by-path/pci-0000:03:00.0-scsi-0:0:0:0",
            "disk/by-id/wwn-0x6000c29f3a5d7e1b",
        ] {
            assert_eq!(good.parse::<DiskName>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/dev/sda",
            "sda1",
            "sda,sdb",
            "sda sdb",
            "sd*",
            "sr0",
            "disk/by-path/../../sdb",
            "disk/by-label/x",
            "sda\n",
            "dm-0",
            "nvme0n1p1",
        ] {
            assert!(bad.parse::<DiskName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn mount_points_that_anaconda_refuses_are_refused() {
        for good in ["/", "/var/crash", "/home", "/mnt/retention", "/boot/efi"] {
            assert_eq!(good.parse::<MountPoint>().unwrap().as_str(), good);
        }
        for bad in
            ["", "home", "//", "/mnt", "/a/", "/../x", "/a b", "/a/..", "/proc", "/dev/x", "/etc"]
        {
            assert!(bad.parse::<MountPoint>().is_err(), "{bad:?}");
        }
        assert_eq!("swap".parse::<MountTarget>().unwrap(), MountTarget::Swap);
    }

    #[test]
    fn a_size_has_a_binary_unit() {
        for (text, mib, shown) in [
            ("512 MiB", 512, "512 MiB"),
            ("100GiB", 102_400, "100 GiB"),
            ("1 TiB", 1_048_576, "1 TiB"),
            ("1024 GiB", 1_048_576, "1 TiB"),
        ] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!((size.mib(), size.to_string().as_str()), (mib, shown));
        }
        for bad in ["", "100", "100 GB", "1.5 GiB", "-1 MiB", "0 MiB", "99999999999999999999 MiB"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad:?}");
        }
        assert!("1025 TiB".parse::<ByteSize>().is_err());
    }

    #[test]
    fn a_scsi_address_has_four_numbers() {
        assert!("2:0:0:0".parse::<ScsiAddress>().is_ok());
        assert!("*:0:0:0".parse::<ScsiAddress>().is_ok());
        for bad in ["0:0:0", "0:0:0:0:0", "*:*:0:0", "[0:0:0:0]", "a:0:0:0"] {
            assert!(bad.parse::<ScsiAddress>().is_err(), "{bad:?}");
        }
    }
}
