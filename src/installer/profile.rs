//! Profiles: how a distribution installs (`kickstart/*.yaml`). Whatever differs between two
//! distributions is written there, so that a new one is a file.
//!
//! Not for what a particular master target is to be (`image::recipe`).

mod file;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kickstart::command::Command;
use super::kickstart::words;
use super::layout::PartitionSpec;
use super::preseed::answer::PreseedAnswer;
use super::service::InitSystem;
use super::value::disk::MountTarget;
use super::value::network::Port;
use super::value::{GroupName, PackageName, Title, text_value};
use crate::assets::AssetError;
use crate::disc_path::DiscPath;
use crate::hint::hinted;
use crate::packages::deb::DpkgFeatures;
use crate::packages::generation::Generation;
use crate::yaml::YamlError;

text_value! {
    /// A file or directory of the installed system.
    SystemPath: "an absolute path", r"(?:/[A-Za-z0-9_][A-Za-z0-9._-]{0,63}){1,8}",
    "a path such as /lib/udev/scsi_id"
}

text_value! {
    /// The part of an agent bundle's name that names the distribution.
    Distribution: "an agent distribution", r"[A-Z]{2,8}-?[0-9.]{1,5}-64",
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

text_value! {
    /// What vSphere calls a guest system, in its API or in a `.vmx`.
    GuestName: "a guest system", r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}",
    "vSphere's name of the guest system, such as centos64Guest or centos-64"
}

/// What vSphere calls the installed system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuestNames {
    /// In its API and in an OVF.
    pub id: GuestName,
    /// In a `.vmx`.
    pub word: GuestName,
}

/// How one distribution installs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The distribution and its release, for lists.
    pub title: Title,
    /// The major release: 6, 7, 16, 20.
    pub major_release: u8,
    /// The file that names the installed release.
    pub release_file: SystemPath,
    /// What the line that names the installed release must match before ApplyCustomChanges runs.
    pub release: String,
    /// The token in the name of a Unified Agent for it.
    pub agent_distribution: Distribution,
    /// Where the installer mounts the medium it came from.
    pub disc_mount: SystemPath,
    /// What hypervisors call it.
    pub guest: GuestNames,
    /// What starts services.
    pub init: InitSystem,
    /// Where `scsi_id` is.
    pub scsi_id: SystemPath,
    /// Arguments that the installed kernel gets.
    pub kernel_arguments: Vec<KernelArgument>,
    /// What is installed.
    pub packages: PackageSelection,
    /// Ports to open in addition to SSH, unless the recipe says which.
    pub open_ports: Vec<Port>,
    /// Partitions of the system disk, unless the recipe says which.
    pub layout: Vec<PartitionSpec>,
    /// The partition that UEFI adds.
    pub efi_partition: PartitionSpec,
    /// The program that installs, with what only it needs.
    pub installer: Installer,
}

/// What packages of a distribution are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageFormat {
    /// RPM, in a database that `rpm` reads.
    Rpm,
    /// Debian's, in a database that `dpkg-query` reads.
    Deb,
}

/// The program that installs a distribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installer {
    /// Red Hat's, which reads a kickstart.
    Anaconda(Anaconda),
    /// Debian's and Ubuntu's text installer, which reads a preseed.
    DebianInstaller(DebianInstaller),
}

/// What anaconda needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anaconda {
    /// The installer's generation.
    pub generation: Generation,
    /// The kernel argument that names the kickstart.
    pub kickstart_argument: KickstartArgument,
    /// Whether a raw USB stick can be installed from.
    pub usb: bool,
    /// The file whose presence makes a medium an installer.
    pub second_stage: String,
    /// The volume id of a kickstart disc that is used beside the vendor's medium.
    pub kickstart_disc: VolumeId,
    /// The `bootloader` option that takes the system disk.
    pub boot_drive: BootDrive,
    /// Commands that are the same for every master target, one line each.
    pub commands: Vec<String>,
    /// What is rendered.
    pub templates: KickstartTemplates,
}

/// What debian-installer needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebianInstaller {
    /// What the medium's own name, in `.disk/info`, must match.
    pub medium: String,
    /// Answers that are the same for every master target: `OWNER QUESTION TYPE VALUE`.
    pub answers: Vec<String>,
    /// Whether its dpkg reads packages that are compressed with zstd.
    pub reads_zstd: bool,
    /// What is rendered.
    pub templates: PreseedTemplates,
}

/// What is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Packages that the installer adds itself when they are available, such as the kernel.
    #[serde(default, skip_serializing)]
    pub implied: Vec<PackageName>,
}

/// An option of the `%packages` line that a profile may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

/// What is rendered for debian-installer; every name is below `templates/`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreseedTemplates {
    /// The preseed around its answers.
    pub preseed: TemplateName,
    /// The script before partitioning.
    pub guard: TemplateName,
    /// The shell functions that guard disks, which it begins with.
    pub disk_guard: TemplateName,
    /// The script before the reboot.
    pub late: TemplateName,
    /// The script that brings packages which the medium lacks.
    #[serde(default = "pool_template", skip_serializing)]
    pub pool: TemplateName,
    /// The script that runs in the installed system.
    pub install: TemplateName,
    /// Its lines that install the first-boot service.
    pub service: TemplateName,
}

/// What a profile of before this key means.
fn pool_template() -> TemplateName {
    "preseed/pool.sh.hbs".parse().expect("a template's name")
}

/// The kernel argument that names the kickstart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    #[error("no profile named {0:?}")]
    Unknown(String, Vec<String>),
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
#[derive(Debug, Clone, PartialEq, Eq, derive_more::Display)]
pub enum ProfileFault {
    /// Not a regular expression.
    #[display("{_0:?} is not a regular expression")]
    Pattern(String),
    /// Not a path on a disc.
    #[display("{_0:?} is not a path on a disc")]
    Path(String),
    /// A line that is not one command.
    #[display("{_0:?} is not one kickstart command in printable ASCII")]
    NotACommand(String),
    /// A command that is made from the recipe.
    #[display("{_0:?} is made from the recipe")]
    FromRecipe(String),
    /// No partition is `/`.
    #[display("no partition is mounted on /")]
    NoRoot,
    /// A line that is not one answer of a preseed.
    #[display("{_0:?} is not OWNER QUESTION TYPE VALUE in printable ASCII")]
    NotAnAnswer(String),
    /// An answer that is made from the recipe.
    #[display("the answer to {_0:?} is made from the recipe")]
    AnswerFromRecipe(String),
}

impl ProfileError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_, known) => Some(format!("choose one of {}", known.join(", "))),
            Self::Yaml(error) => error.hint(),
            Self::Read(error) => error.hint(),
            Self::Faulty { .. } => None,
        }
    }
}

hinted!(ProfileError);

/// Commands that the model makes; a profile must not write them.
const RECIPE_COMMANDS: &[&str] = &[
    "autopart", "bootloader", "cdrom", "clearpart", "cmdline", "firewall", "graphical",
    "harddrive", "ignoredisk", "keyboard", "lang", "logvol", "network", "nfs", "part", "partition",
    "poweroff", "halt", "shutdown", "raid", "reboot", "repo", "rootpw", "text", "timezone", "url",
    "volgroup", "zerombr",
];

impl Profile {
    /// What only anaconda needs; absent where another program installs.
    pub fn anaconda(&self) -> Option<&Anaconda> {
        match &self.installer {
            Installer::Anaconda(anaconda) => Some(anaconda),
            Installer::DebianInstaller(_) => None,
        }
    }

    /// What its packages are.
    pub fn package_format(&self) -> PackageFormat {
        match &self.installer {
            Installer::Anaconda(_) => PackageFormat::Rpm,
            Installer::DebianInstaller(_) => PackageFormat::Deb,
        }
    }

    /// Refuses values that cannot be.
    fn check(&self) -> Result<(), (&'static str, ProfileFault)> {
        check_pattern("release", &self.release)?;
        match &self.installer {
            Installer::Anaconda(anaconda) => anaconda.check()?,
            Installer::DebianInstaller(installer) => installer.check()?,
        }
        let root =
            |p: &PartitionSpec| matches!(&p.mount, MountTarget::At(at) if at.as_str() == "/");
        if !self.layout.iter().any(root) {
            return Err(("layout", ProfileFault::NoRoot));
        }
        Ok(())
    }
}

fn check_pattern(key: &'static str, pattern: &str) -> Result<(), (&'static str, ProfileFault)> {
    match Regex::new(pattern) {
        Ok(_) => Ok(()),
        Err(_) => Err((key, ProfileFault::Pattern(pattern.to_owned()))),
    }
}

impl Anaconda {
    /// The commands that are the same for every master target.
    pub fn fixed_commands(&self) -> impl Iterator<Item = Command> {
        self.commands.iter().filter_map(|line| Command::parse_line(line))
    }

    fn check(&self) -> Result<(), (&'static str, ProfileFault)> {
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
        Ok(())
    }
}

impl DebianInstaller {
    /// The answers that are the same for every master target.
    pub fn fixed_answers(&self) -> impl Iterator<Item = PreseedAnswer> {
        self.answers.iter().filter_map(|line| PreseedAnswer::parse_line(line))
    }

    /// What its dpkg can read.
    pub fn dpkg_features(&self) -> DpkgFeatures {
        DpkgFeatures { zstd: self.reads_zstd }
    }

    fn check(&self) -> Result<(), (&'static str, ProfileFault)> {
        check_pattern("medium", &self.medium)?;
        for line in &self.answers {
            let Some(answer) = PreseedAnswer::parse_line(line) else {
                return Err(("answers", ProfileFault::NotAnAnswer(line.clone())));
            };
            if answer.is_made_from_recipe() {
                return Err(("answers", ProfileFault::AnswerFromRecipe(answer.question)));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{AssetKind, Assets};

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
        assert_eq!(
            Profile::names(&assets),
            ["centos-6.6", "centos-7", "ubuntu-16.04", "ubuntu-20.04"]
        );
        for name in Profile::names(&assets) {
            Profile::read(&assets, &name.parse().unwrap()).unwrap();
        }
    }

    #[test]
    fn the_release_pattern_fits_the_release_and_no_other() {
        for (name, good, bad) in [
            ("centos-6.6", "CentOS release 6.6 (Final)", "CentOS release 6.60 (Final)"),
            ("centos-7", "CentOS Linux release 7.4.1708 (Core) ", "CentOS release 6.6 (Final)"),
            (
                "ubuntu-16.04",
                "DISTRIB_DESCRIPTION=\"Ubuntu 16.04.2 LTS\"",
                "DISTRIB_DESCRIPTION=\"Ubuntu 16.10\"",
            ),
            (
                "ubuntu-20.04",
                "DISTRIB_DESCRIPTION=\"Ubuntu 20.04 LTS\"",
                "DISTRIB_DESCRIPTION=\"Ubuntu 20.04.1\"",
            ),
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
            let error = with(|good| format!("{good}commands: [install, {line:?}]\n"));
            match error.unwrap_err() {
                ProfileError::Faulty { key: "commands", fault: seen, .. } => {
                    assert_eq!(seen, fault);
                }
                other => panic!("{other}"),
            }
        }
        let error = with(|good| format!("{good}usbb: true\n")).unwrap_err();
        assert!(error.to_string().ends_with("unknown key \"usbb\", did you mean \"usb\"?"));
    }
}
