//! Profiles as they are written: one flat form for each installer.
//!
//! Not for what their values must be: `Profile` checks them when it reads one.

use std::borrow::Cow;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

use super::{
    Anaconda, BootDrive, DebianInstaller, Distribution, GuestNames, Installer, KernelArgument,
    KickstartArgument, KickstartTemplates, PackageSelection, PreseedTemplates, Profile,
    ProfileError, SystemPath, VolumeId,
};
use crate::assets::{AssetError, AssetKind, Assets, embedded_in};
use crate::installer::anaconda::InstallerRelease;
use crate::installer::layout::PartitionSpec;
use crate::installer::service::InitSystem;
use crate::installer::value::network::Port;
use crate::installer::value::{PackageName, ProfileName, Title};
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

/// A profile for anaconda. What is not written here is as `kickstart/installers/*.yaml` has it for the
/// release.
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
    #[schemars(with = "u8", range(min = 6, max = 45))]
    generation: Generation,
    /// The file that names the installed release.
    #[serde(default = "redhat_release", skip_serializing)]
    release_file: SystemPath,
    /// What the line that names the installed release must match before ApplyCustomChanges runs.
    release: String,
    /// The token in the name of a Unified Agent for it.
    agent_distribution: Distribution,
    /// The kernel argument that names the kickstart.
    kickstart_argument: Option<KickstartArgument>,
    /// Whether a raw USB stick can be installed from.
    usb: Option<bool>,
    /// The file whose presence makes a medium an installer.
    second_stage: Option<String>,
    /// Where the installer mounts the medium it came from.
    disc_mount: Option<SystemPath>,
    /// What hypervisors call it.
    #[serde(skip_serializing)]
    guest: Option<GuestNames>,
    /// The volume id of a kickstart disc that is used beside the vendor's medium.
    kickstart_disc: Option<VolumeId>,
    /// What starts services.
    init: Option<InitSystem>,
    /// Where `scsi_id` is.
    scsi_id: Option<SystemPath>,
    /// The `bootloader` option that takes the system disk.
    boot_drive: Option<BootDrive>,
    /// Arguments that the installed kernel gets.
    kernel_arguments: Option<Vec<KernelArgument>>,
    /// Commands that are the same for every master target, one line each.
    commands: Option<Vec<String>>,
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
    templates: Option<KickstartTemplates>,
}

/// A profile for debian-installer. What is not written here is as
/// `kickstart/installers/debian-installer.yaml` has it.
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
    release_file: Option<SystemPath>,
    /// What the line that names the installed release must match before ApplyCustomChanges runs.
    release: String,
    /// What the medium's own name, in `.disk/info`, must match.
    medium: String,
    /// The token in the name of a Unified Agent for it.
    agent_distribution: Distribution,
    /// Where the installer mounts the medium it came from.
    disc_mount: Option<SystemPath>,
    /// What hypervisors call it.
    guest: Option<GuestNames>,
    /// What starts services.
    init: Option<InitSystem>,
    /// Where `scsi_id` is.
    scsi_id: Option<SystemPath>,
    /// Arguments that the installed kernel gets.
    kernel_arguments: Option<Vec<KernelArgument>>,
    /// Answers that are the same for every master target: `OWNER QUESTION TYPE VALUE`.
    answers: Option<Vec<String>>,
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
    templates: Option<PreseedTemplates>,
}

/// What a profile for debian-installer need not say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DebianInstallerDefaults {
    release_file: SystemPath,
    disc_mount: SystemPath,
    guest: GuestNames,
    init: InitSystem,
    scsi_id: SystemPath,
    kernel_arguments: Vec<KernelArgument>,
    answers: Vec<String>,
    implied_packages: Vec<PackageName>,
    templates: PreseedTemplates,
}

static DEBIAN_INSTALLER: LazyLock<DebianInstallerDefaults> = LazyLock::new(|| {
    let mut files = embedded_in("kickstart/installers");
    let file = files.find(|(path, _)| path.ends_with("/debian-installer.yaml"));
    let (_, text) = file.expect("it is embedded");
    serde_yaml::from_str(text).expect("the profiles that ship are read by tests")
});

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
            release: $from.release,
            agent_distribution: $from.agent_distribution,
            packages: $from.packages,
            layout: $from.layout,
            efi_partition: $from.efi_partition,
            $($own)*
        }
    };
}

impl From<AnacondaFile> for Profile {
    fn from(file: AnacondaFile) -> Self {
        let usual = InstallerRelease::from_generation(file.generation).clone();
        with_shared!(Profile, file, {
            major_release: file.generation.into(),
            release_file: file.release_file,
            open_ports: file.open_ports,
            disc_mount: file.disc_mount.unwrap_or(usual.disc_mount),
            guest: file.guest.unwrap_or(usual.guest),
            init: file.init.unwrap_or(usual.init),
            scsi_id: file.scsi_id.unwrap_or(usual.scsi_id),
            kernel_arguments: file.kernel_arguments.unwrap_or(usual.kernel_arguments),
            installer: Installer::Anaconda(Anaconda {
                generation: file.generation,
                kickstart_argument: file.kickstart_argument.unwrap_or(usual.kickstart_argument),
                usb: file.usb.unwrap_or(usual.usb),
                second_stage: file.second_stage.unwrap_or(usual.second_stage),
                kickstart_disc: file.kickstart_disc.unwrap_or(usual.kickstart_disc),
                boot_drive: file.boot_drive.unwrap_or(usual.boot_drive),
                commands: file.commands.unwrap_or(usual.commands),
                templates: file.templates.unwrap_or(usual.templates),
            }),
        })
    }
}

impl From<DebianInstallerFile> for Profile {
    fn from(mut file: DebianInstallerFile) -> Self {
        let usual = &*DEBIAN_INSTALLER;
        if file.packages.implied.is_empty() {
            file.packages.implied.clone_from(&usual.implied_packages);
        }
        with_shared!(Profile, file, {
            major_release: file.generation,
            // Nothing stands before a port: these installers set up no packet filter.
            open_ports: Vec::new(),
            release_file: file.release_file.unwrap_or_else(|| usual.release_file.clone()),
            disc_mount: file.disc_mount.unwrap_or_else(|| usual.disc_mount.clone()),
            guest: file.guest.unwrap_or_else(|| usual.guest.clone()),
            init: file.init.unwrap_or(usual.init),
            scsi_id: file.scsi_id.unwrap_or_else(|| usual.scsi_id.clone()),
            kernel_arguments: file.kernel_arguments.unwrap_or_else(|| usual.kernel_arguments.clone()),
            installer: Installer::DebianInstaller(DebianInstaller {
                medium: file.medium,
                answers: file.answers.unwrap_or_else(|| usual.answers.clone()),
                reads_zstd: file.reads_zstd,
                templates: file.templates.unwrap_or_else(|| usual.templates.clone()),
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
                        ProfileError::Unknown(name.to_string(), Self::names(assets))
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
        let names = files.iter().filter_map(|file| file.strip_suffix(".yaml"));
        names.filter(|name| !name.contains('/')).map(str::to_owned).collect()
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
                release_file: profile.release_file,
                disc_mount: Some(profile.disc_mount),
                guest: Some(profile.guest),
                init: Some(profile.init),
                scsi_id: Some(profile.scsi_id),
                kernel_arguments: Some(profile.kernel_arguments),
                kickstart_argument: Some(anaconda.kickstart_argument),
                usb: Some(anaconda.usb),
                second_stage: Some(anaconda.second_stage),
                kickstart_disc: Some(anaconda.kickstart_disc),
                boot_drive: Some(anaconda.boot_drive),
                commands: Some(anaconda.commands),
                open_ports: profile.open_ports,
                templates: Some(anaconda.templates),
            })
            .serialize(serializer),
            Installer::DebianInstaller(installer) => with_shared!(DebianInstallerFile, profile, {
                installer: InstallerName::DebianInstaller,
                generation: profile.major_release,
                release_file: Some(profile.release_file),
                disc_mount: Some(profile.disc_mount),
                guest: Some(profile.guest),
                init: Some(profile.init),
                scsi_id: Some(profile.scsi_id),
                kernel_arguments: Some(profile.kernel_arguments),
                medium: installer.medium,
                answers: Some(installer.answers),
                reads_zstd: installer.reads_zstd,
                templates: Some(installer.templates),
            })
            .serialize(serializer),
        }
    }
}
