//! The disks of a system: what may be erased, what tells two disks apart, and whether the
//! partitions fit.
//!
//! Not for which disk is there when the machine starts: the guard in `%pre` looks.

use super::error::ResolveError;
use crate::image::recipe::Recipe;
use crate::installer::layout::PartitionSpec;
use crate::installer::machine::{BootLoader, Disk, Firmware, SizeRange};
use crate::installer::profile::Profile;
use crate::installer::retention::{Retention, RetentionDisk};
use crate::installer::value::disk::{ByteSize, FsType, MountTarget};

const SYSTEM: &str = "disks.system";
const RETENTION: &str = "retention.disk";

pub(super) fn check(recipe: &Recipe) -> Result<(), ResolveError> {
    let system = &recipe.disks.system;
    check_disk(SYSTEM, system)?;
    if let Retention::Install(RetentionDisk { disk, .. }) = &recipe.retention {
        check_disk(RETENTION, disk)?;
        if disk.name == system.name {
            return Err(ResolveError::RetentionOnSystemDisk(disk.name.clone()));
        }
        for (key, one) in [(SYSTEM, system), (RETENTION, disk)] {
            if !is_identified(one) {
                return Err(ResolveError::Unguarded(key, one.name.clone()));
            }
        }
        if could_be_same_disk(system, disk) {
            return Err(ResolveError::GuardsOverlap);
        }
    }
    Ok(())
}

fn check_disk(key: &'static str, disk: &Disk) -> Result<(), ResolveError> {
    if !disk.erase {
        return Err(ResolveError::EraseRefused(key, disk.name.clone()));
    }
    match disk.size {
        Some(SizeRange { min: Some(min), max: Some(max) }) if min > max => {
            Err(ResolveError::SizeRange { key, min, max })
        }
        _ => Ok(()),
    }
}

/// Whether a disk is identified by more than a name that can swap.
fn is_identified(disk: &Disk) -> bool {
    disk.name.is_persistent()
        || disk.scsi.is_some()
        || disk.size.is_some_and(|range| range.min.is_some() || range.max.is_some())
}

/// Whether one disk could satisfy both guards.
fn could_be_same_disk(a: &Disk, b: &Disk) -> bool {
    if a.name.is_persistent() && b.name.is_persistent() {
        return false;
    }
    let ends = |disk: &Disk| {
        let range = disk.size.unwrap_or(SizeRange { min: None, max: None });
        (range.min.map_or(0, ByteSize::bytes), range.max.map_or(u64::MAX, ByteSize::bytes))
    };
    let ((a_min, a_max), (b_min, b_max)) = (ends(a), ends(b));
    let sizes_meet = a_min <= b_max && b_min <= a_max;
    // A wildcard host leaves channel, target and lun to compare.
    let parts = |text: &str| text.split(':').map(str::to_owned).collect::<Vec<_>>();
    let addresses_meet = match (&a.scsi, &b.scsi) {
        (Some(a), Some(b)) => parts(a.as_str())
            .iter()
            .zip(&parts(b.as_str()))
            .all(|(a, b)| a == b || a == "*" || b == "*"),
        _ => true,
    };
    sizes_meet && addresses_meet
}

pub(super) fn boot_loader(recipe: &Recipe, profile: &Profile) -> Result<BootLoader, ResolveError> {
    match (recipe.firmware, recipe.bootloader) {
        // The edition for Ubuntu of D:vmware-azure-install-linux-master-target: on the disk.
        (Firmware::Bios, None) if profile.anaconda().is_none() => Ok(BootLoader::Mbr),
        (Firmware::Uefi, Some(BootLoader::Partition)) => Err(ResolveError::PartitionUnderUefi),
        (Firmware::Uefi, _) => Ok(BootLoader::Mbr),
        // S001, Install CentOS 6.6, step 4: on the root partition.
        (Firmware::Bios, place) => Ok(place.unwrap_or(BootLoader::Partition)),
    }
}

pub(super) fn layout(
    recipe: &Recipe,
    profile: &Profile,
    boot_loader: BootLoader,
) -> Result<Vec<PartitionSpec>, ResolveError> {
    let mut layout = recipe.layout.clone().unwrap_or_else(|| profile.layout.clone());
    let has_efi = layout.iter().any(|p| p.mount.as_str() == "/boot/efi");
    match recipe.firmware {
        Firmware::Uefi if !has_efi => layout.insert(0, profile.efi_partition.clone()),
        Firmware::Bios if has_efi => return Err(ResolveError::EfiWithoutUefi),
        Firmware::Uefi | Firmware::Bios => {}
    }
    check_layout(&layout, boot_loader, &recipe.retention)?;
    check_fit(&layout, &recipe.disks.system)?;
    Ok(layout)
}

fn check_layout(
    layout: &[PartitionSpec],
    boot_loader: BootLoader,
    retention: &Retention,
) -> Result<(), ResolveError> {
    for (index, partition) in layout.iter().enumerate() {
        let before = &layout[..index];
        let mount = &partition.mount;
        if before.iter().any(|p| p.mount == *mount) {
            return Err(ResolveError::MountTwice(mount.clone()));
        }
        if let Some(label) = &partition.label
            && before.iter().any(|p| p.label.as_ref() == Some(label))
        {
            return Err(ResolveError::LabelTwice(label.to_string()));
        }
        if is_retention(mount, retention) {
            return Err(ResolveError::RetentionInLayout(mount.clone()));
        }
        check_partition(partition)?;
    }
    let mut growing = layout.iter().filter(|p| p.grow);
    if let (Some(first), Some(second)) = (growing.next(), growing.next()) {
        return Err(ResolveError::GrowTwice(first.mount.clone(), second.mount.clone()));
    }
    let at = |point: &str| layout.iter().find(|p| p.mount.as_str() == point);
    let root = at("/").ok_or(ResolveError::NoRoot)?;
    let boot = at("/boot").unwrap_or(root);
    if boot_loader == BootLoader::Partition && boot.effective_fstype() == FsType::Xfs {
        return Err(ResolveError::BootSectorOnXfs(boot.mount.clone()));
    }
    Ok(())
}

fn is_retention(mount: &MountTarget, retention: &Retention) -> bool {
    let chosen = match retention {
        Retention::None => None,
        Retention::Install(RetentionDisk { mount, .. }) => Some(mount.as_str()),
        Retention::FirstBoot { mount, .. } => Some(mount.as_str()),
    };
    mount.as_str() == "/mnt/retention" || chosen == Some(mount.as_str())
}

fn check_partition(partition: &PartitionSpec) -> Result<(), ResolveError> {
    let fstype = partition.effective_fstype();
    let mount = &partition.mount;
    let fits = match mount.as_str() {
        "swap" => fstype == FsType::Swap,
        "/boot/efi" => fstype == FsType::Efi,
        _ => !matches!(fstype, FsType::Swap | FsType::Efi),
    };
    if !fits {
        return Err(ResolveError::WrongFsType(mount.clone(), fstype));
    }
    // anaconda 13.21.229: sanity sizes; /boot/efi below 50 MB is an error there.
    let least = ByteSize::from_mib(match mount.as_str() {
        "/" => 250,
        "/home" => 100,
        "/boot/efi" => 50,
        _ => 1,
    });
    if partition.size < least {
        return Err(ResolveError::PartitionTooSmall {
            mount: mount.clone(),
            size: partition.size,
            least,
        });
    }
    Ok(())
}

/// Compares what the partitions need with the smallest disk that the guard lets through.
fn check_fit(layout: &[PartitionSpec], disk: &Disk) -> Result<(), ResolveError> {
    // Labels and alignment: a mebibyte for the table at each end and one before each partition.
    let mib = layout.iter().map(|p| p.size.mib() + 1).sum::<u64>() + 2;
    let needed = ByteSize::from_mib(u32::try_from(mib).unwrap_or(u32::MAX));
    let allowed = disk.size.and_then(|range| range.min.or(range.max));
    match allowed {
        Some(allowed) if allowed < needed => Err(ResolveError::TooSmall { needed, allowed }),
        _ => Ok(()),
    }
}
