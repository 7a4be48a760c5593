//! What a recipe says of the retention volume: none, a disk at installation, or a multipath
//! device that is mounted from the first boot on.
//!
//! Not for making the file system: the installer or the first-boot program does it.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use super::machine::Disk;
use crate::installer::value::disk::{FsType, MountPoint, MultipathName};

/// The retention volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// There is none yet.
    #[default]
    None,
    /// A disk of its own, formatted by the installer.
    Install(RetentionDisk),
    /// A multipath device, which the first-boot program formats with ext4 when it is blank and
    /// mounts, once it is attached.
    FirstBoot {
        /// The device below `/dev/mapper`.
        multipath: MultipathName,
        /// Where it is mounted.
        mount: MountPoint,
    },
}

/// A retention disk that the installer formats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RetentionDisk {
    /// The disk and its guard.
    pub disk: Disk,
    /// Where it is mounted.
    pub mount: MountPoint,
    /// Its file system.
    pub fstype: FsType,
}

/// The keys as they are written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetentionKeys {
    /// Who formats it.
    when: When,
    /// The disk that the installer formats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    disk: Option<Disk>,
    /// The multipath device that the first-boot program formats, by its WWID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    multipath: Option<MultipathName>,
    /// Where it is mounted.
    #[serde(default = "default_mount")]
    mount: MountPoint,
    /// Its file system.
    #[serde(default = "default_fstype")]
    fstype: FsType,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum When {
    /// The installer.
    Install,
    /// The first-boot program.
    FirstBoot,
}

impl JsonSchema for Retention {
    fn schema_name() -> Cow<'static, str> {
        "Retention".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<RetentionKeys>();
        json_schema!({ "anyOf": [{ "const": "none" }, keys] })
    }
}

/// The default of S001, Reprotect.
fn default_mount() -> MountPoint {
    "/mnt/retention".parse().expect("/mnt/retention is a mount point")
}

fn default_fstype() -> FsType {
    FsType::Ext4
}

impl Retention {
    fn from_keys(written: RetentionKeys) -> Result<Self, &'static str> {
        let RetentionKeys { when, disk, multipath, mount, fstype } = written;
        if matches!(fstype, FsType::Swap | FsType::Efi) {
            return Err("a retention volume is ext4, ext3 or xfs");
        }
        match (when, disk, multipath) {
            (When::Install, Some(disk), None) => {
                Ok(Self::Install(RetentionDisk { disk, mount, fstype }))
            }
            (When::FirstBoot, None, Some(_)) if fstype != FsType::Ext4 => {
                Err("with `when: first-boot` the file system is ext4")
            }
            (When::FirstBoot, None, Some(multipath)) => Ok(Self::FirstBoot { multipath, mount }),
            (When::Install, ..) => Err("`when: install` needs `disk`, and no `multipath`"),
            (When::FirstBoot, ..) => Err("`when: first-boot` needs `multipath`, and no `disk`"),
        }
    }
}

impl Serialize for Retention {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match self.clone() {
            Self::None => return serializer.serialize_str("none"),
            Self::Install(RetentionDisk { disk, mount, fstype }) => RetentionKeys {
                when: When::Install,
                disk: Some(disk),
                multipath: None,
                mount,
                fstype,
            },
            Self::FirstBoot { multipath, mount } => RetentionKeys {
                when: When::FirstBoot,
                disk: None,
                multipath: Some(multipath),
                mount,
                fstype: FsType::Ext4,
            },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Retention {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RetentionVisitor)
    }
}

struct RetentionVisitor;

impl<'de> Visitor<'de> for RetentionVisitor {
    type Value = Retention;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`none`, or a mapping with `when: install` or `when: first-boot`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Retention, E> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Word {
            None,
        }
        let Word::None = Word::deserialize(StrDeserializer::new(text))?;
        Ok(Retention::None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Retention, A::Error> {
        let written = RetentionKeys::deserialize(MapAccessDeserializer::new(map))?;
        Retention::from_keys(written).map_err(serde::de::Error::custom)
    }
}
