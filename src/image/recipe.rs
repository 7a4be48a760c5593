//! Recipes: what a person writes to say which master target is wanted (`images/*.yaml`).
//!
//! Not for defaults that depend on the distribution (`installer::profile`), nor for whether the parts
//! fit together (`image::resolve`).

mod read;
mod self_check;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::installer::layout::PartitionSpec;
use crate::installer::machine::{BootLoader, Disk, Firmware, HostsLine, Locale};
use crate::installer::registration::RegistrationServer;
use crate::installer::retention::Retention;
use crate::installer::root_password::RootPassword;
use crate::installer::value::network::{HostAddress, HostName, Netmask, Nic, Port};
use crate::installer::value::{PackageName, ProfileName, TimeZone, Title};

pub use read::{RecipeError, RecipeFile, init_recipe};
pub use self_check::{SelfCheckBinaryChoice, SelfCheckSettings};

/// A recipe as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// What it builds, for lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    /// How the distribution installs.
    pub profile: ProfileName,
    /// Language and keyboard.
    #[serde(default)]
    pub locale: Locale,
    /// The time zone; the hardware clock runs in UTC.
    #[serde(default = "utc")]
    pub timezone: TimeZone,
    /// The master target's host name.
    pub host_name: HostName,
    /// Its network interface.
    pub network: NetworkSettings,
    /// Where the root password comes from.
    #[serde(default)]
    pub root_password: RootPassword,
    /// The disks that may be erased, in addition to that of [`Recipe::retention`].
    pub disks: RecipeDisks,
    /// Partitions of the system disk; the profile's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Vec<PartitionSpec>>,
    /// Where the boot loader goes; when absent the root partition, or under UEFI its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bootloader: Option<BootLoader>,
    /// What starts the machine.
    #[serde(default)]
    pub firmware: Firmware,
    /// Lines of /etc/hosts in addition to the master target's own.
    #[serde(default)]
    pub hosts: Vec<HostsLine>,
    /// Packages in addition to those of the profile.
    #[serde(default)]
    pub packages: Vec<PackageName>,
    /// Ports to open in addition to SSH; the profile's when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_ports: Option<Vec<Port>>,
    /// The retention volume.
    #[serde(default)]
    pub retention: Retention,
    /// The replication agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentSource>,
    /// The configuration server that the master target registers with at its first boot; it does
    /// not register when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_server: Option<RegistrationServer>,
    /// The self-check that the master target runs after each boot.
    #[serde(default)]
    pub self_check: SelfCheckSettings,
    /// A directory of add-on RPMs, on the machine that builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rpms: Option<PathBuf>,
    /// Files of the public keys that add-on RPMs are signed with, ASCII-armoured; from the
    /// recipe's own directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rpm_keys: Vec<PathBuf>,
    /// A directory of Debian packages that go with the medium, and of the lists that an archive has
    /// of them, on the machine that builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debs: Option<PathBuf>,
    /// Files of the public keys that those lists are signed with; from the recipe's own directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deb_keys: Vec<PathBuf>,
    /// The vendor's medium.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<PinnedFile>,
}

fn utc() -> TimeZone {
    "Etc/UTC".parse().expect("Etc/UTC is a time zone")
}

/// The network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkSettings {
    /// Which interface.
    #[serde(default = "first_nic")]
    pub device: Nic,
    /// Where its address comes from.
    pub method: AddressMethod,
    /// The address; only with `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<HostAddress>,
    /// Netmask or prefix length; only with `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netmask: Option<Netmask>,
    /// The gateway; only with `static`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<HostAddress>,
    /// Name servers; with `dhcp` they may be left out.
    #[serde(default)]
    pub dns: Vec<HostAddress>,
}

fn first_nic() -> Nic {
    "link".parse().expect("link is an interface")
}

/// Where an address comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AddressMethod {
    /// The recipe.
    Static,
    /// A DHCP server.
    Dhcp,
}

/// The disks that may be touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeDisks {
    /// The one that gets the operating system.
    pub system: Disk,
}

/// The replication agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSource {
    /// The archive, on the machine that builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The digest it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<Sha256>,
    /// Whether a stand-in, which replicates nothing, takes its place.
    #[serde(default)]
    pub standin: bool,
}

/// A file and the digest it must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PinnedFile {
    /// The file, on the machine that builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The digest it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<Sha256>,
}
