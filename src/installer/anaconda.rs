//! What differs between the releases of Red Hat's installer, as `kickstart/installers/*.yaml` has it.
//! A profile says only what it wants otherwise.
//!
//! Not for which commands and options each knows (`kickstart::options`), nor for what it and its rpm do
//! with packages (`packages::generation`), though that stands in the same files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::disc_layout;
use super::profile::{
    BootDrive, GuestNames, KernelArgument, KickstartArgument, KickstartTemplates, SystemPath,
    VolumeId,
};
use super::service::InitSystem;
use crate::boot::volume_label;
use crate::packages::generation::Generation;

static RELEASES: LazyLock<BTreeMap<Generation, InstallerRelease>> = LazyLock::new(|| {
    let read = |generation: Generation| {
        let release = serde_yaml::from_str(generation.installer_file());
        (generation, release.expect("the tests read every file"))
    };
    Generation::all().map(read).collect()
});

/// One release of the installer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct InstallerRelease {
    /// The kernel argument that names the kickstart.
    pub kickstart_argument: KickstartArgument,
    /// Whether a raw USB stick can be installed from.
    pub usb: bool,
    /// The file whose presence makes a medium an installer.
    pub second_stage: String,
    /// Where the installer mounts the medium it came from.
    pub disc_mount: SystemPath,
    /// The volume id of a kickstart disc that is used beside the vendor's medium.
    pub kickstart_disc: VolumeId,
    /// The `bootloader` option that takes the system disk.
    pub boot_drive: BootDrive,
    /// What starts services.
    pub init: InitSystem,
    /// Where `scsi_id` is.
    pub scsi_id: SystemPath,
    /// Arguments that the installed kernel gets.
    pub kernel_arguments: Vec<KernelArgument>,
    /// What hypervisors call the installed system.
    pub guest: GuestNames,
    /// Commands that are the same for every master target, one line each.
    pub commands: Vec<String>,
    /// What is rendered.
    pub templates: KickstartTemplates,
}

impl InstallerRelease {
    /// Returns what differs for the release.
    pub fn from_generation(generation: Generation) -> &'static Self {
        &RELEASES[&generation]
    }
}

/// Returns the kernel argument that names the kickstart on a medium of this volume id. Where the
/// installer can read a stick, the label finds the medium whatever it is; el6 reads optical drives
/// only (loader/cdinstall.c, anaconda 13.21.229).
pub fn kickstart_argument(argument: KickstartArgument, usb: bool, volume_id: &str) -> String {
    let (argument, path) = (argument.as_str(), disc_layout::KICKSTART);
    if usb {
        format!("{argument}=hd:LABEL={}:/{path}", volume_label::escape(volume_id))
    } else {
        format!("{argument}=cdrom:/{path}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_is_read_and_names_its_kickstart() {
        for generation in Generation::all() {
            let release = InstallerRelease::from_generation(generation);
            let argument =
                kickstart_argument(release.kickstart_argument, release.usb, "CentOS 7 x86_64");
            let expected = match u8::from(generation) {
                6 => "ks=cdrom:/ks.cfg",
                _ => "inst.ks=hd:LABEL=CentOS\\x207\\x20x86_64:/ks.cfg",
            };
            assert_eq!(argument, expected);
        }
    }
}
