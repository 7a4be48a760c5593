//! The settings of the machine that is installed: locale, disks, boot loader, firmware, hosts.
//!
//! Not for how a recipe writes them as a whole (`image::recipe`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::value::disk::{ByteSize, DiskName, ScsiAddress};
use super::value::network::{HostAddress, HostName};
use super::value::{Keyboard, Language};

/// Language and keyboard; S001 asks for US English.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Locale {
    /// The language of the installed system.
    pub language: Language,
    /// The console's keyboard.
    pub keyboard: Keyboard,
}

impl Default for Locale {
    fn default() -> Self {
        Self {
            language: "en_US.UTF-8".parse().expect("en_US.UTF-8 is a language"),
            keyboard: "us".parse().expect("us is a keyboard"),
        }
    }
}

/// A disk, and how it is identified before it is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disk {
    /// Its name in the installer.
    pub name: DiskName,
    /// Whether all that is on it may be destroyed; nothing is installed without it.
    #[serde(default)]
    pub erase: bool,
    /// The size it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<SizeRange>,
    /// The SCSI address it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scsi: Option<ScsiAddress>,
}

/// The sizes a disk may have; both ends count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SizeRange {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<ByteSize>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<ByteSize>,
}

/// Where the boot loader goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BootLoader {
    /// The first sector of the root partition, as S001 asks.
    Partition,
    /// The disk's first sector; under UEFI the EFI system partition.
    Mbr,
}

/// What starts the machine.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "kebab-case")]
pub enum Firmware {
    /// A BIOS.
    #[default]
    Bios,
    /// UEFI.
    Uefi,
}

impl Firmware {
    /// The word in recipes and manifests.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One line of /etc/hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostsLine {
    /// The address.
    pub address: HostAddress,
    /// The names it answers to.
    pub names: Vec<HostName>,
}
