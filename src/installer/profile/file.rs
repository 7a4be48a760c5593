//! Profiles as they are written: one flat form for each installer.
//!
//! Not for what their values must be: `Profile` checks them when it reads one.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use super::{
    Anaconda, BootDrive, DebianInstaller, Distribution, GuestNames, Installer, KernelArgument,
    KickstartArgument, KickstartTemplates, PackageSelection, PreseedTemplates, Profile,
    ProfileError, SystemPath, VolumeId,
};
use crate::assets::{AssetError, AssetKind, Assets};
use crate::installer::layout::PartitionSpec;
use crate::installer::service::InitSystem;
use crate::installer::value::network::Port;
use crate::installer::value::{ProfileName, Title};
use crate::packages::generation::Generation;
use crate::yaml::{self, YamlError};

/// The program that installs, as `installer:` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum InstallerName {
    /// Red Hat's; where nothing is written.
    #[default]
    Anaconda,
    /// Debian's and Ubuntu's.
    DebianInstaller,
}

/// The one key that says how the others are read.
#[derive(Deserialize)]
struct InstallerKey {
    #[serde(default)]
    installer: InstallerName,
}

/// A profile for anaconda.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnacondaFile {
    /// The program that installs: anaconda where nothing is written.
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "it was read before, to know that this form is meant")]
    installer: InstallerName,
    /// The distribution and its release, for lists.
    title: Title,
    /// The major release of the distribution.
    #[schemars(with = "u8", range(min = 6, max = 7))]
    generation: Generation,
    /// The file that names the installed release.
    #[serde(default = "redhat_release", skip_serializing)]
    release_file: SystemPath,
    /// What the line that names the installed release must match before ApplyCustomChanges runs.
    release: String,
    /// The token in the name of a Unified Agent for it.
    agent_distribution: Distribution,
    /// The kernel argument that names the kickstart.
    kickstart_argument: KickstartArgument,
    /// Whether a raw USB stick can be installed from.
    usb: bool,
    /// The file whose presence makes a medium an installer.
    second_stage: String,
    /// Where the installer mounts the medium it came from.
    disc_mount: SystemPath,
    /// What hypervisors call it.
    #[serde(default = "other_guest", skip_serializing)]
    guest: GuestNames,
    /// The volume id of a kickstart disc that is used beside the vendor's medium.
    kickstart_disc: VolumeId,
    /// What starts services.
    init: InitSystem,
    /// Where `scsi_id` is.
    scsi_id: SystemPath,
    /// The `bootloader` option that takes the system disk.
    boot_drive: BootDrive,
    /// Arguments that the installed kernel gets.
    #[serde(default)]
    kernel_arguments: Vec<KernelArgument>,
    /// Commands that are the same for every master target, one line each.
    commands: Vec<String>,
    /// What is installed.
    packages: PackageSelection,
    /// Ports to open in addition to SSH, unless the recipe says which.
    #[serde(default)]
    open_ports: Vec<Port>,
    /// Partitions of the system disk, unless the recipe says which.
    layout: Vec<PartitionSpec>,
    /// The partition that UEFI adds.
    efi_partition: PartitionSpec,
    /// What is rendered.
    templates: KickstartTemplates,
}

/// A profile for debian-installer.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DebianInstallerFile {
    /// The program that installs: anaconda where nothing is written.
    installer: InstallerName,
    /// The distribution and its release, for lists.
    title: Title,
    /// The major release of the distribution.
    generation: u8,
    /// The file that names the installed release.
    release_file: SystemPath,
    /// What the line that names the installed release must match before ApplyCustomChanges runs.
    release: String,
    /// What the medium's own name, in `.disk/info`, must match.
    medium: String,
    /// The token in the name of a Unified Agent for it.
    agent_distribution: Distribution,
    /// Where the installer mounts the medium it came from.
    disc_mount: SystemPath,
    /// What hypervisors call it.
    guest: GuestNames,
    /// What starts services.
    init: InitSystem,
    /// Where `scsi_id` is.
    scsi_id: SystemPath,
    /// Arguments that the installed kernel gets.
    #[serde(default)]
    kernel_arguments: Vec<KernelArgument>,
    /// Answers that are the same for every master target: `OWNER QUESTION TYPE VALUE`.
    answers: Vec<String>,
    /// Whether its dpkg reads packages that are compressed with zstd (Ubuntu's does from 18.04 on).
    #[serde(default, skip_serializing)]
    reads_zstd: bool,
    /// What is installed.
    packages: PackageSelection,
    /// Partitions of the system disk, unless the recipe says which.
    layout: Vec<PartitionSpec>,
    /// The partition that UEFI adds.
    efi_partition: PartitionSpec,
    /// What is rendered.
    templates: PreseedTemplates,
}

impl JsonSchema for Profile {
    fn schema_name() -> Cow<'static, str> {
        "Profile".into()
    }

    /// A file is written for one installer or the other.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let anaconda = generator.subschema_for::<AnacondaFile>();
        let debian_installer = generator.subschema_for::<DebianInstallerFile>();
        json_schema!({ "anyOf": [anaconda, debian_installer] })
    }
}

/// What a profile of before this key means: vSphere's word for any system of 64 bits.
fn other_guest() -> GuestNames {
    let name = |text: &str| text.parse().expect("a name of letters and digits");
    GuestNames { id: name("otherGuest64"), word: name("other-64") }
}

/// Where anaconda's distributions name their release.
fn redhat_release() -> SystemPath {
    "/etc/redhat-release".parse().expect("an absolute path")
}

/// Reads a profile; `path` is for messages.
fn parse(text: &str, path: &str) -> Result<Profile, YamlError> {
    match yaml::parse::<InstallerKey>(text, path)?.installer {
        InstallerName::Anaconda => yaml::parse::<AnacondaFile>(text, path).map(Profile::from),
        InstallerName::DebianInstaller => {
            yaml::parse::<DebianInstallerFile>(text, path).map(Profile::from)
        }
    }
}

/// Makes a profile of one of its files or a file of a profile: what all of them have, and what is their own.
macro_rules! with_shared {
    ($type:ident, $from:ident, { $($own:tt)* }) => {
        $type {
            title: $from.title,
            release_file: $from.release_file,
            release: $from.release,
            agent_distribution: $from.agent_distribution,
            disc_mount: $from.disc_mount,
            guest: $from.guest,
            init: $from.init,
            scsi_id: $from.scsi_id,
            kernel_arguments: $from.kernel_arguments,
            packages: $from.packages,
            layout: $from.layout,
            efi_partition: $from.efi_partition,
            $($own)*
        }
    };
}

impl From<AnacondaFile> for Profile {
    fn from(file: AnacondaFile) -> Self {
        with_shared!(Profile, file, {
            major_release: file.generation.into(),
            open_ports: file.open_ports,
            installer: Installer::Anaconda(Anaconda {
                generation: file.generation,
                kickstart_argument: file.kickstart_argument,
                usb: file.usb,
                second_stage: file.second_stage,
                kickstart_disc: file.kickstart_disc,
                boot_drive: file.boot_drive,
                commands: file.commands,
                templates: file.templates,
            }),
        })
    }
}

impl From<DebianInstallerFile> for Profile {
    fn from(file: DebianInstallerFile) -> Self {
        with_shared!(Profile, file, {
            major_release: file.generation,
            // Nothing stands before a port: these installers set up no packet filter.
            open_ports: Vec::new(),
            installer: Installer::DebianInstaller(DebianInstaller {
                medium: file.medium,
                answers: file.answers,
                reads_zstd: file.reads_zstd,
                templates: file.templates,
            }),
        })
    }
}

impl Profile {
    /// Reads the profile of that name.
    ///
    /// # Errors
    ///
    /// Fails when there is none, or when it is faulty.
    pub fn read(assets: &Assets, name: &ProfileName) -> Result<Self, ProfileError> {
        let asset =
            assets.read(AssetKind::Profile, &format!("{name}.yaml")).map_err(
                |error| match error {
                    AssetError::Missing { .. } => {
                        ProfileError::Unknown { name: name.to_string(), known: Self::names(assets) }
                    }
                    other => ProfileError::Read(other),
                },
            )?;
        let profile = parse(&asset.text, &asset.path).map_err(ProfileError::Yaml)?;
        profile.check().map_err(|(key, fault)| ProfileError::Faulty {
            path: asset.path.clone(),
            key,
            fault,
        })?;
        Ok(profile)
    }

    /// The names of all profiles, sorted.
    pub fn names(assets: &Assets) -> Vec<String> {
        let files = assets.names(AssetKind::Profile);
        files.iter().filter_map(|file| file.strip_suffix(".yaml")).map(str::to_owned).collect()
    }
}

/// A profile is written in the form it is read from, so that the digest of a plan stays what it was.
impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let profile = self.clone();
        match profile.installer {
            Installer::Anaconda(anaconda) => with_shared!(AnacondaFile, profile, {
                installer: InstallerName::Anaconda,
                generation: anaconda.generation,
                kickstart_argument: anaconda.kickstart_argument,
                usb: anaconda.usb,
                second_stage: anaconda.second_stage,
                kickstart_disc: anaconda.kickstart_disc,
                boot_drive: anaconda.boot_drive,
                commands: anaconda.commands,
                open_ports: profile.open_ports,
                templates: anaconda.templates,
            })
            .serialize(serializer),
            Installer::DebianInstaller(installer) => with_shared!(DebianInstallerFile, profile, {
                installer: InstallerName::DebianInstaller,
                generation: profile.major_release,
                medium: installer.medium,
                answers: installer.answers,
                reads_zstd: installer.reads_zstd,
                templates: installer.templates,
            })
            .serialize(serializer),
        }
    }
}
