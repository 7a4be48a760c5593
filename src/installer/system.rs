//! One master target, complete: every default filled.
//!
//! Not for how a recipe leads to it (`image::resolve`), nor for files of the machine that builds
//! (agent, RPMs, base medium): a system is the same wherever it is built, so that its digest can be
//! compared.

use serde::Serialize;

use super::disc_layout;
use super::layout::PartitionSpec;
use super::machine::{BootLoader, Disk, Firmware, HostsLine, Locale};
use super::profile::Profile;
use super::registration::RegistrationServer;
use super::retention::{Retention, RetentionDisk};
use super::root_password::RootPassword;
use super::value::network::{HostAddress, HostName, Netmask, Nic, Port};
use super::value::{PackageName, ProfileName, TimeZone};
use crate::facts::probe::DEFAULT_RETENTION;

/// One master target, complete.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct System {
    /// The profile's name.
    pub profile_name: ProfileName,
    /// How it installs.
    pub profile: Profile,
    /// Language and keyboard.
    pub locale: Locale,
    /// The time zone.
    pub timezone: TimeZone,
    /// The host name.
    pub host_name: HostName,
    /// The network interface.
    pub network: Interface,
    /// Where the root password comes from.
    pub root_password: RootPassword,
    /// The system disk.
    pub disk: Disk,
    /// Its partitions, the EFI system partition among them.
    pub layout: Vec<PartitionSpec>,
    /// Where the boot loader goes.
    pub boot_loader: BootLoader,
    /// What starts the machine.
    pub firmware: Firmware,
    /// The retention volume.
    pub retention: Retention,
    /// Lines of /etc/hosts: with a static address the master target's own first.
    pub hosts: Vec<HostsLine>,
    /// All packages beside those of the profile's groups, each once.
    pub packages: Vec<PackageName>,
    /// Ports open beside SSH.
    pub open_ports: Vec<Port>,
    /// Which replication agent the image carries.
    pub agent: AgentKind,
    /// The configuration server it belongs to, when that is known.
    pub configuration_server: Option<RegistrationServer>,
    /// How many captures its self-check keeps; absent when there is no self-check.
    pub self_check: Option<u16>,
}

impl System {
    /// The configuration server that it registers with by itself: a stand-in replicates nothing,
    /// and an agent that comes later is installed by whoever brings it.
    pub fn registration_server(&self) -> Option<&RegistrationServer> {
        self.configuration_server.as_ref().filter(|_| self.agent == AgentKind::Bundle)
    }

    /// Where the retention volume is, or will be, mounted.
    pub fn retention_mount(&self) -> String {
        match &self.retention {
            Retention::None => DEFAULT_RETENTION.to_owned(),
            Retention::Install(RetentionDisk { mount, .. })
            | Retention::FirstBoot { mount, .. } => mount.to_string(),
        }
    }

    /// The lines at the head of what the installer reads: which system it makes, and that it is not to be edited.
    pub fn head_comment(&self) -> Vec<String> {
        let mut head = vec![
            format!("preflight-manifest: /{}", disc_layout::CHECKSUMS),
            format!("Master target {}, {}.", self.host_name, self.profile.title),
            "Rendered by preflight: change the recipe, not this file.".to_owned(),
        ];
        if self.agent == AgentKind::StandIn {
            head.push(
                "A STAND-IN takes the place of the agent: this system replicates nothing.".into(),
            );
        }
        head
    }

    /// Packages that debian-installer adds itself when they are available: its profile's, and the boot
    /// loader of the firmware (grub-installer).
    pub fn implied_packages(&self) -> Vec<String> {
        let loader: &[&str] = match self.firmware {
            Firmware::Bios => &["grub-pc"],
            Firmware::Uefi => &["grub-efi-amd64", "grub-efi-amd64-signed", "shim-signed"],
        };
        let own = self.profile.packages.implied.iter().map(ToString::to_string);
        own.chain(loader.iter().map(|name| (*name).to_owned())).collect()
    }

    /// The entries of `%packages`: `@groups`, then names.
    pub fn requested_packages(&self) -> Vec<String> {
        let groups = self.profile.packages.groups.iter().map(|group| format!("@{group}"));
        groups.chain(self.packages.iter().map(ToString::to_string)).collect()
    }
}

/// Which replication agent the image carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentKind {
    /// Nothing: the master target gets it later.
    None,
    /// A stand-in, which replicates nothing.
    StandIn,
    /// A Unified Agent bundle.
    Bundle,
}

impl System {
    /// The disks that are erased, the system disk first.
    pub fn erased_disks(&self) -> Vec<&Disk> {
        let retention = match &self.retention {
            Retention::Install(retention) => Some(&retention.disk),
            Retention::None | Retention::FirstBoot { .. } => None,
        };
        std::iter::once(&self.disk).chain(retention).collect()
    }

    /// Whether a boot sector is written into the root partition, behind a generic boot record.
    pub fn boots_from_partition(&self) -> bool {
        self.boot_loader == BootLoader::Partition
    }
}

/// The network interface, with all that its method needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "method")]
pub enum Interface {
    /// The address is in the recipe.
    Static {
        /// Which interface.
        device: Nic,
        /// Its address.
        address: HostAddress,
        /// Its netmask.
        netmask: Netmask,
        /// The gateway, in the same subnet.
        gateway: HostAddress,
        /// One to three name servers.
        dns: Vec<HostAddress>,
    },
    /// The address comes from a DHCP server.
    Dhcp {
        /// Which interface.
        device: Nic,
        /// Name servers that are asked instead of those of the DHCP server.
        dns: Vec<HostAddress>,
    },
}
