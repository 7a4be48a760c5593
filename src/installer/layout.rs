//! One partition of a layout, as a recipe or a profile writes it.
//!
//! Not for the order in which anaconda places partitions: it sorts them itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::installer::value::disk::{ByteSize, FsType, Label, MountTarget};

/// One partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartitionSpec {
    /// Where it is mounted, or `swap`.
    pub mount: MountTarget,
    /// Its file system; ext4, or what the mount implies, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fstype: Option<FsType>,
    /// Its size, or with [`PartitionSpec::grow`] the least it may have.
    pub size: ByteSize,
    /// Whether it takes what is left.
    #[serde(default)]
    pub grow: bool,
    /// Whether it must be a primary partition.
    #[serde(default)]
    pub primary: bool,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<Label>,
}

impl PartitionSpec {
    /// The file system it gets.
    pub fn effective_fstype(&self) -> FsType {
        self.fstype.unwrap_or(match self.mount.as_str() {
            "swap" => FsType::Swap,
            "/boot/efi" => FsType::Efi,
            _ => FsType::Ext4,
        })
    }
}
