//! Why a recipe and its profile make no system, and what to do about it.
//!
//! Not for what a recipe alone does wrong: reading it says that.

use crate::hint::hinted;
use crate::installer::self_check::MAX_KEEP;
use crate::installer::value::disk::{ByteSize, DiskName, MountTarget};
use crate::installer::value::network::HostAddress;

/// The most lines of /etc/hosts and packages of one recipe; the el6 loader reads the kickstart
/// onto its stack (anaconda 13.21.229, loader/kickstart.c), so it has to stay small.
pub(super) const MAX_ITEMS: usize = 200;

/// Why a recipe and its profile do not make a system. Each names the recipe's key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// A key that another value needs.
    #[error("network.{0} is missing, and method is static")]
    StaticNeeds(&'static str),
    /// A key that DHCP answers.
    #[error("network.{0} is given, and method is dhcp")]
    DhcpAnswers(&'static str),
    /// An address that is its subnet's own or its broadcast address.
    #[error("network.{0}: {1} is the first or last address of its subnet")]
    SubnetEdge(&'static str, HostAddress),
    /// A gateway that cannot be reached.
    #[error("network.gateway: {gateway} is not in the subnet of {address} with {netmask}")]
    GatewayOutside {
        /// The gateway.
        gateway: HostAddress,
        /// The address.
        address: HostAddress,
        /// The netmask.
        netmask: crate::installer::value::network::Netmask,
    },
    /// A gateway that is the master target itself.
    #[error("network.gateway: {0} is the master target's own address")]
    GatewayIsSelf(HostAddress),
    /// More name servers than the resolver uses.
    #[error("network.dns: {0} name servers, the resolver asks at most 3")]
    NameServers(usize),
    /// A disk that may not be erased.
    #[error("{0}.erase is not true, and installing destroys what is on {1}")]
    EraseRefused(&'static str, DiskName),
    /// A size range with its ends swapped.
    #[error("{key}.size: min {min} is larger than max {max}")]
    SizeRange {
        /// The disk's key.
        key: &'static str,
        /// The lower end.
        min: ByteSize,
        /// The upper end.
        max: ByteSize,
    },
    /// A layout that does not fit.
    #[error("layout: the partitions need {needed}, and disks.system.size allows {allowed}")]
    TooSmall {
        /// What the partitions need.
        needed: ByteSize,
        /// The smallest disk that the recipe allows.
        allowed: ByteSize,
    },
    /// One disk for two purposes.
    #[error("retention.disk.name: {0} is the system disk")]
    RetentionOnSystemDisk(DiskName),
    /// Two disks that cannot be told apart for certain.
    #[error("{0}: with two disks {1} alone may be either, for the names can swap at boot")]
    Unguarded(&'static str, DiskName),
    /// Two guards that one disk can satisfy.
    #[error("disks.system and retention.disk: one disk could have the size and address of both")]
    GuardsOverlap,
    /// A mount point that occurs twice.
    #[error("layout: {0} occurs twice")]
    MountTwice(MountTarget),
    /// A label that occurs twice.
    #[error("layout: the label {0:?} occurs twice")]
    LabelTwice(String),
    /// No root file system.
    #[error("layout: no partition is mounted on /")]
    NoRoot,
    /// More than one partition that takes what is left.
    #[error("layout: {0} and {1} both grow")]
    GrowTwice(MountTarget, MountTarget),
    /// A file system that the mount point cannot have.
    #[error("layout: {0} cannot be {1}")]
    WrongFsType(MountTarget, crate::installer::value::disk::FsType),
    /// A partition below the least that anaconda accepts.
    #[error("layout: {mount} has {size}, expected at least {least}")]
    PartitionTooSmall {
        /// The mount point.
        mount: MountTarget,
        /// Its size.
        size: ByteSize,
        /// The least.
        least: ByteSize,
    },
    /// A partition for the retention volume on the system disk.
    #[error("layout: {0} would be a retention volume on the system disk")]
    RetentionInLayout(MountTarget),
    /// An EFI system partition without UEFI.
    #[error("layout: /boot/efi is given, and firmware is bios")]
    EfiWithoutUefi,
    /// A boot sector where UEFI does not look.
    #[error("bootloader: partition is given, and firmware is uefi")]
    PartitionUnderUefi,
    /// XFS begins with its super block, where the boot sector would go.
    #[error("bootloader: {0} is xfs, which leaves no room for a boot sector on its partition")]
    BootSectorOnXfs(MountTarget),
    /// More than a kickstart should hold.
    #[error("{0}: {1} items, at most {MAX_ITEMS} are accepted")]
    TooMany(&'static str, usize),
    /// A line of /etc/hosts without a name.
    #[error("hosts: {0} has no names")]
    Nameless(HostAddress),
    /// A number of captures that is out of range.
    #[error("self_check.keep: {0}, expected a number from 1 to {MAX_KEEP}")]
    Keep(u16),
    /// Port 0.
    #[error("configuration_server.port: 0 is not a port")]
    NoPort,
    /// Something that debian-installer cannot do.
    #[error("{0}: debian-installer cannot do this; {1}")]
    NotWithDebianInstaller(&'static str, &'static str),
    /// Debian packages for an installer of RPMs.
    #[error("debs: the profile's installer takes RPMs")]
    DebsWithAnaconda,
    /// Both a stand-in and a bundle.
    #[error("agent: file and standin are both given")]
    TwoAgents,
}

impl ResolveError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::StaticNeeds(key) => format!("give network.{key}, or choose method: dhcp"),
            Self::DhcpAnswers(key) => format!("remove network.{key}, or choose method: static"),
            Self::EraseRefused(key, _) => {
                format!("write erase: true below {key} when that disk may be wiped")
            }
            Self::TooSmall { needed, .. } => {
                format!("raise disks.system.size.min to {needed}, or make partitions smaller")
            }
            Self::Unguarded(key, _) => format!(
                "add a size range or a scsi address below {key}, or name it by disk/by-path"
            ),
            Self::GuardsOverlap => {
                "choose size ranges that do not meet, or give both a scsi address".to_owned()
            }
            Self::RetentionOnSystemDisk(_) | Self::RetentionInLayout(_) => {
                "give the retention volume a disk of its own".to_owned()
            }
            Self::EfiWithoutUefi => "choose firmware: uefi, or remove /boot/efi".to_owned(),
            Self::PartitionUnderUefi => "remove bootloader, or choose firmware: bios".to_owned(),
            Self::BootSectorOnXfs(_) => "choose ext4, or bootloader: mbr".to_owned(),
            Self::TwoAgents => "remove one of them".to_owned(),
            _ => return None,
        })
    }
}

hinted!(ResolveError);
