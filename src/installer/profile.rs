//! Profiles: how a distribution installs (`kickstart/*.yaml`). Whatever differs between two
//! distributions is written there, so that a new one is a file.
//!
//! Not for what a particular master target is to be (`image::recipe`).

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use super::kickstart::command::Command;
use super::kickstart::words;
use super::layout::PartitionSpec;
use super::service::InitSystem;
use super::value::disk::MountTarget;
use super::value::network::Port;
use super::value::{GroupName, PackageName, ProfileName, Title, text_value};
use crate::assets::{AssetError, AssetKind, Assets};
use crate::disc_path::DiscPath;
use crate::hint::hinted;
use crate::packages::generation::Generation;
use crate::yaml::{self, YamlError};

text_value! {
    /// A file or directory of the installed system.
    SystemPath: "an absolute path", r"(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,63}){1,8}",
    "a path such as /lib/udev/scsi_id"
}

text_value! {
    /// The part of an agent bundle's name that names the distribution.
    Distribution: "an agent distribution", r"[A-Z]{2,8}[0-9.]{1,5}-64",
    "the token in the bundle's name, such as RHEL6-64"
}

text_value! {
    /// A volume identifier that is the same in ISO 9660 and in Joliet.
    VolumeId: "a volume id", r"[A-Z0-9_]{1,16}", "1 to 16 of A to Z, 0 to 9 and _"
}

text_value! {
    /// A template's name below `templates/`.
    TemplateName: "a template's name", r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*){0,3}",
    "a path below templates/, such as kickstart/ks.cfg.hbs"
}

text_value! {
    /// One argument of the installed kernel.
    KernelArgument: "a kernel argument", r"[A-Za-z0-9_.]{1,64}(?:=[A-Za-z0-9_.,:/@+-]{1,128})?",
    "name or name=value, such as crashkernel=auto"
}

/// How one distribution installs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The distribution and its release, for lists.
    pub title: Title,
    /// The installer's generation.
    pub generation: Generation,
    /// What the whole of /etc/redhat-release must match before ApplyCustomChanges runs.
    pub release: String,
    /// The token in the name of a Unified Agent for it.
    pub agent_distribution: Distribution,
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
    /// What starts services.
    pub init: InitSystem,
    /// Where `scsi_id` is.
    pub scsi_id: SystemPath,
    /// The `bootloader` option that takes the system disk.
    pub boot_drive: BootDrive,
    /// Arguments that the installed kernel gets.
    #[serde(default)]
    pub kernel_arguments: Vec<KernelArgument>,
    /// Commands that are the same for every master target, one line each.
    pub commands: Vec<String>,
    /// What is installed.
    pub packages: PackageSelection,
    /// Ports to open in addition to SSH, unless the recipe says which.
    #[serde(default)]
    pub open_ports: Vec<Port>,
    /// Partitions of the system disk, unless the recipe says which.
    pub layout: Vec<PartitionSpec>,
    /// The partition that UEFI adds.
    pub efi_partition: PartitionSpec,
    /// What is rendered.
    pub templates: KickstartTemplates,
}

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSelection {
    /// Options of the `%packages` line.
    #[serde(default)]
    pub options: Vec<PackagesOption>,
    /// Groups by id, without `@`.
    pub groups: Vec<GroupName>,
    /// Packages in addition to those of the groups.
    pub names: Vec<PackageName>,
    /// File names of packages that are known to go together with the medium, to say which one is
    /// missing; nothing is installed by them.
    #[serde(default, skip_serializing)]
    pub known: Vec<String>,
}

/// An option of the `%packages` line that a profile may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PackagesOption {
    /// Leaves the group `base` out; el6 only.
    #[serde(rename = "--nobase")]
    NoBase,
    /// Leaves documentation out.
    #[serde(rename = "--excludedocs")]
    ExcludeDocs,
}

impl PackagesOption {
    /// The word in the kickstart.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoBase => "--nobase",
            Self::ExcludeDocs => "--excludedocs",
        }
    }
}

/// What is rendered; every name is below `templates/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KickstartTemplates {
    /// The kickstart around its scripts.
    pub kickstart: TemplateName,
    /// `%pre`.
    pub pre: TemplateName,
    /// The shell functions that guard disks, which `%pre` begins with.
    pub disk_guard: TemplateName,
    /// `%post --nochroot`.
    pub copy: TemplateName,
    /// `%post`.
    pub install: TemplateName,
    /// The lines of `%post` that install the first-boot service.
    pub service: TemplateName,
}

/// The kernel argument that names the kickstart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KickstartArgument {
    /// `ks=`
    #[serde(rename = "ks")]
    Ks,
    /// `inst.ks=`
    #[serde(rename = "inst.ks")]
    InstKs,
}

impl KickstartArgument {
    /// The argument without `=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ks => "ks",
            Self::InstKs => "inst.ks",
        }
    }
}

/// The `bootloader` option that takes the system disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BootDrive {
    /// `--driveorder=`: kernel names only; a lasting name would match no drive
    /// (anaconda, el6 branch, kickstart.py, `Bootloader.execute`), so it is left out then.
    Driveorder,
    /// `--boot-drive=`
    BootDrive,
}

/// Why a profile was refused.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// There is none of that name.
    #[error("no profile named {name:?}")]
    Unknown {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The file cannot be read.
    #[error("profile: {0}")]
    Read(#[source] AssetError),
    /// The text is not a profile.
    #[error("profile {0}")]
    Yaml(YamlError),
    /// A value that cannot be.
    #[error("profile {path}, {key}: {fault}")]
    Faulty {
        /// The profile.
        path: String,
        /// The key.
        key: &'static str,
        /// What is wrong.
        fault: ProfileFault,
    },
}

/// What is wrong with one value of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileFault {
    /// Not a regular expression.
    Pattern(String),
    /// Not a path on a disc.
    Path(String),
    /// A line that is not one command.
    NotACommand(String),
    /// A command that is made from the recipe.
    FromRecipe(String),
    /// No partition is `/`.
    NoRoot,
}

impl fmt::Display for ProfileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(text) => write!(f, "{text:?} is not a regular expression"),
            Self::Path(text) => write!(f, "{text:?} is not a path on a disc"),
            Self::NotACommand(line) => {
                write!(f, "{line:?} is not one kickstart command in printable ASCII")
            }
            Self::FromRecipe(name) => write!(f, "{name:?} is made from the recipe"),
            Self::NoRoot => f.write_str("no partition is mounted on /"),
        }
    }
}

impl ProfileError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { known, .. } => Some(format!("choose one of {}", known.join(", "))),
            Self::Yaml(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Faulty { .. } => None,
        }
    }
}

hinted!(ProfileError);

/// Commands that the model makes; a profile must not write them.
const RECIPE_COMMANDS: &[&str] = &[
    "autopart",
    "bootloader",
    "cdrom",
    "clearpart",
    "cmdline",
    "firewall",
    "graphical",
    "harddrive",
    "ignoredisk",
    "keyboard",
    "lang",
    "logvol",
    "network",
    "nfs",
    "part",
    "partition",
    "poweroff",
    "halt",
    "shutdown",
    "raid",
    "reboot",
    "repo",
    "rootpw",
    "text",
    "timezone",
    "url",
    "volgroup",
    "zerombr",
];

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
        let profile: Self = yaml::parse(&asset.text, &asset.path).map_err(ProfileError::Yaml)?;
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

    /// The commands that are the same for every master target.
    pub fn fixed_commands(&self) -> impl Iterator<Item = Command> {
        self.commands.iter().filter_map(|line| Command::parse_line(line))
    }

    /// The file whose presence makes a medium an installer.
    pub fn second_stage(&self) -> DiscPath {
        DiscPath::new(&self.second_stage).expect("check() has accepted the path")
    }

    fn check(&self) -> Result<(), (&'static str, ProfileFault)> {
        Regex::new(&self.release)
            .map_err(|_| ("release", ProfileFault::Pattern(self.release.clone())))?;
        DiscPath::new(&self.second_stage)
            .map_err(|_| ("second_stage", ProfileFault::Path(self.second_stage.clone())))?;
        for line in &self.commands {
            let split = words::split(line);
            let one = !split.comment
                && !split.unbalanced
                && line.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
                && split.words.first().is_some_and(|name| !name.starts_with('%'));
            if !one {
                return Err(("commands", ProfileFault::NotACommand(line.clone())));
            }
            if let Some(name) =
                split.words.first().filter(|n| RECIPE_COMMANDS.contains(&n.as_str()))
            {
                return Err(("commands", ProfileFault::FromRecipe(name.clone())));
            }
        }
        let root =
            |p: &PartitionSpec| matches!(&p.mount, MountTarget::At(at) if at.as_str() == "/");
        if !self.layout.iter().any(root) {
            return Err(("layout", ProfileFault::NoRoot));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl Fn(&str) -> String) -> Result<Profile, ProfileError> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("kickstart")).unwrap();
        let good = Assets::embedded().read(AssetKind::Profile, "centos-6.6.yaml").unwrap().text;
        std::fs::write(dir.path().join("kickstart/x.yaml"), change(&good)).unwrap();
        Profile::read(&Assets::with_overlay(dir.path().to_owned()), &"x".parse().unwrap())
    }

    #[test]
    fn every_embedded_profile_is_sound() {
        let assets = Assets::embedded();
        assert_eq!(Profile::names(&assets), ["centos-6.6", "centos-7"]);
        for name in Profile::names(&assets) {
            Profile::read(&assets, &name.parse().unwrap()).unwrap();
        }
    }

    #[test]
    fn the_release_pattern_fits_the_release_and_no_other() {
        for (name, good, bad) in [
            ("centos-6.6", "CentOS release 6.6 (Final)", "CentOS release 6.60 (Final)"),
            ("centos-7", "CentOS Linux release 7.4.1708 (Core) ", "CentOS release 6.6 (Final)"),
        ] {
            let profile = Profile::read(&Assets::embedded(), &name.parse().unwrap()).unwrap();
            let release = Regex::new(&profile.release).unwrap();
            assert!(release.is_match(good), "{name}");
            assert!(!release.is_match(bad), "{name}");
        }
    }

    #[test]
    fn a_profile_cannot_bring_commands_that_are_made_from_the_recipe() {
        for (line, fault) in [
            ("rootpw x", ProfileFault::FromRecipe("rootpw".into())),
            ("clearpart --all", ProfileFault::FromRecipe("clearpart".into())),
            ("%post", ProfileFault::NotACommand("%post".into())),
            ("a # b", ProfileFault::NotACommand("a # b".into())),
        ] {
            let error =
                with(|good| good.replace("commands:\n", &format!("commands:\n  - {:?}\n", line)));
            match error.unwrap_err() {
                ProfileError::Faulty { key: "commands", fault: seen, .. } => {
                    assert_eq!(seen, fault);
                }
                other => panic!("{other}"),
            }
        }
        let error = with(|good| good.replace("usb:", "usbb:")).unwrap_err();
        assert!(error.to_string().ends_with("unknown key \"usbb\", did you mean \"usb\"?"));
    }
}
