//! What a finished appliance image is, read from the file alone.
//!
//! Not for how it is read (`image::inspect`) nor for whether it is good (`checks/image.yaml`).

pub mod depsolve;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Collection, Fact};

/// Everything that is checked about one image; rules know it as `image`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ImageFacts {
    /// `installer` (a customised vendor medium), `kickstart-disc` (beside one), `vendor-medium`
    /// (nothing of ours on it) or `other`.
    pub kind: ImageKind,
    /// Bytes of the file.
    pub size: i64,
    /// The primary volume descriptor's volume identifier, without trailing blanks.
    pub volume_id: String,
    /// The major release that is installed, such as 6, 7, 16 or 20, from `.treeinfo` or
    /// `.disk/info`, or on a kickstart disc from the manifest.
    pub generation: Fact<i64>,
    /// The processors that the medium is for, such as `x86_64`, from `.treeinfo` or `.discinfo`.
    pub architecture: Fact<String>,
    /// File system and partition structures.
    pub medium: MediumFacts,
    /// What the boot menus say.
    pub boot: BootFacts,
    /// Where the installer finds packages.
    pub source: SourceFacts,
    /// The kickstart the default entries name.
    pub kickstart: Fact<KickstartFacts>,
    /// What was added, by the manifest on the disc.
    pub payload: PayloadFacts,
    /// The replication agent on the disc.
    pub agent: BundledAgentFacts,
}

/// What an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ImageKind {
    /// A vendor medium with our kickstart and payload.
    Installer,
    /// A small disc that is used beside the vendor's medium.
    KickstartDisc,
    /// A vendor medium with a kickstart, files or arguments that somebody added with preflight.
    CustomMedium,
    /// An installer medium without a kickstart of ours.
    VendorMedium,
    /// Anything else.
    Other,
}

/// File system and partition structures.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MediumFacts {
    /// Whether Rock Ridge names are there.
    pub rock_ridge: bool,
    /// Whether a Joliet tree is there.
    pub joliet: bool,
    /// Whether Rock Ridge and Joliet name the same files; true when one of them is missing.
    pub trees_agree: Fact<bool>,
    /// `absent`, `match` or `mismatch`: the implanted media md5 against the content; on a medium of
    /// debian-installer's its `md5sum.txt`.
    #[schemars(extend("enum" = ["absent", "match", "mismatch"]))]
    pub media_md5: Fact<String>,
    /// Whether the file can also start as a disk (a boot record in its first sector).
    pub hybrid: bool,
    /// What is wrong with MBR, GPT (both copies) or Apple partition map, in words; empty when
    /// all agree with the file's length, or when there are none.
    pub partition_faults: Fact<Collection<String>>,
    /// Whether the firmware can start it from an El Torito entry: BIOS.
    pub bios: bool,
    /// The same: UEFI.
    pub uefi: bool,
}

/// What the boot menus say.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BootFacts {
    /// What starts by itself, as `FILE: TITLE` for each boot configuration file.
    pub defaults: Fact<Collection<String>>,
    /// Every entry of every boot configuration file.
    pub entries: Fact<Collection<BootEntryFacts>>,
    /// Volume labels that boot configurations name, each once, blanks unescaped.
    pub labels: Fact<Collection<String>>,
    /// Whether the configurations inside efiboot.img have the kernel lines of those in the tree;
    /// true when there is no efiboot.img.
    pub efi_copy_agrees: Fact<bool>,
    /// Boot configuration files whose default entry has no `ks=` or `inst.ks=`, by path.
    pub attended_defaults: Fact<Collection<String>>,
    /// Why what starts by itself does not install by itself, in words: no time limit, no kernel, a
    /// kickstart that is not on the disc, an argument that asks.
    pub obstacles: Fact<Collection<String>>,
    /// What the default entries need and the disc does not have, in words: a boot entry of the
    /// firmware, kernel, initial RAM disk, kickstart.
    pub faults: Fact<Collection<String>>,
    /// How the default entries name the kickstart, each form once: `ks`, `inst.ks`; `initrd` where it
    /// is a preseed in an initial RAM disk.
    pub kickstart_keys: Fact<Collection<String>>,
    /// The kickstart locations the default entries name, each once: `cdrom:/ks.cfg`.
    pub kickstart_locations: Fact<Collection<String>>,
    /// The most kickstart arguments on one kernel line.
    pub most_kickstart_arguments: Fact<i64>,
    /// The longest kernel line's length in bytes.
    pub longest_arguments: Fact<i64>,
}

/// One boot menu entry.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BootEntryFacts {
    /// The file, such as `isolinux/isolinux.cfg`, or `images/efiboot.img:EFI/BOOT/BOOTX64.conf`.
    pub file: String,
    /// The title a person sees.
    pub title: String,
    /// Whether it starts by itself.
    pub default: bool,
    /// The kernel's arguments, joined by blanks.
    pub arguments: String,
}

/// Where the installer finds packages.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SourceFacts {
    /// Whether `.discinfo` is there.
    pub discinfo: bool,
    /// Whether the second stage is there: `images/install.img` or `LiveOS/squashfs.img`.
    pub second_stage: bool,
    /// Whether `repodata/repomd.xml` of the vendor is there.
    pub repodata: bool,
    /// Whether the lists of Debian packages, `dists/*/*/binary-amd64/Packages`, are there and read.
    pub pool: bool,
    /// Groups of the vendor's comps file.
    pub groups: Fact<Collection<String>>,
    /// Packages that `%packages` names and neither medium nor add-ons have.
    pub missing_packages: Fact<Collection<String>>,
    /// Groups that `%packages` names and no comps file has.
    pub missing_groups: Fact<Collection<String>>,
    /// Faults of the add-on repository: metadata or packages that do not match their digests.
    pub addon_faults: Fact<Collection<String>>,
    /// Packages in the add-on repository.
    pub addon_packages: Fact<i64>,
    /// The same one by one, sorted by `NAME-EPOCH:VERSION-RELEASE.ARCH`.
    pub addons: Fact<Collection<AddOnFacts>>,
    /// Whether the list of the added Debian packages has a signature that the key beside it verifies;
    /// absent where no such packages were added.
    pub pool_signed: Fact<bool>,
    /// By whom, or how they are trusted otherwise; a fragment.
    pub pool_trust: Fact<String>,
    /// Packages in the vendor's repository.
    pub vendor_packages: Fact<i64>,
    /// Files of the vendor's whose bytes are not those of `.treeinfo`, `repomd.xml` or
    /// `primary.xml`, or that are missing, in words.
    pub vendor_faults: Fact<Collection<String>>,
    /// Files of the vendor's that were read and are what a checksum says.
    pub vendor_verified: Fact<i64>,
    /// Records of `.treeinfo` about repository metadata that are of an older state, in words.
    pub vendor_stale: Fact<Collection<String>>,
    /// Files that the installation starts from and no checksum on the disc covers.
    pub uncovered: Fact<Collection<String>>,
    /// Why a repository of the kickstart's, or one on the disc, is not used, in words.
    pub repository_faults: Fact<Collection<String>>,
}

/// A package of the add-on repository.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct AddOnFacts {
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH`.
    pub nevra: String,
    /// Bytes of its file.
    pub size: i64,
}

/// What a kickstart says, as far as it is checked.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct KickstartFacts {
    /// Path on the disc.
    pub path: String,
    /// Bytes.
    pub size: i64,
    /// What the linter found, each as `line N: code: text`; errors only.
    pub lint_errors: Collection<String>,
    /// What the linter found that is worth a warning.
    pub lint_warnings: Collection<String>,
    /// The `bootloader` command's location: `mbr`, `partition`, `none`; `missing` when there is no
    /// such command.
    #[schemars(extend("enum" = ["mbr", "partition", "none", "missing"]))]
    pub bootloader: Fact<String>,
    /// Whether `zerombr` is there.
    pub zerombr: bool,
    /// Whether disks are erased (`clearpart --all`, `--linux`, or `--initlabel`).
    pub erases: bool,
    /// Disks that `clearpart`, `ignoredisk --only-use` and `part --ondisk` name, each once.
    pub disks: Collection<String>,
    /// Whether every disk that may be touched is named in `clearpart` and `ignoredisk`.
    pub disks_named: bool,
    /// Whether a `%pre` guard compares the disks with what the recipe says and refuses.
    pub disk_guard: bool,
    /// Mount points with their file system: `/`, `/var/crash`, `/home`, `swap` ...
    pub partitions: Collection<PartitionFacts>,
    /// Whether LVM, btrfs or software RAID commands are there.
    pub lvm: bool,
    /// The firmware it was planned for: `bios` or `uefi`.
    #[schemars(extend("enum" = ["bios", "uefi"]))]
    pub firmware: Fact<String>,
    /// Packages and groups asked for, groups with `@`.
    pub packages: Collection<String>,
    /// Whether only `@core` beside named packages is asked for (`@base` excluded).
    pub minimal: bool,
    /// `locked`, `sha512` (a `$6$` hash), `plain`, `weak` (another hash) or `none`.
    #[schemars(extend("enum" = ["locked", "sha512", "plain", "weak", "none"]))]
    pub root_password: String,
    /// `static`, `dhcp` or `none`.
    #[schemars(extend("enum" = ["static", "dhcp", "none"]))]
    pub network: String,
    /// Directory in which the agent is unpacked; absent when no agent is on the disc.
    pub agent_directory: Fact<String>,
    /// Whether ApplyCustomChanges.sh is made mode 755.
    pub custom_changes_executable: bool,
    /// Whether the first-boot service is installed and enabled, and nothing takes it away again;
    /// absent when the scripts cannot be followed that far.
    pub first_boot: Fact<bool>,
    /// Where the `repo` commands find packages: their `--baseurl`, or the command.
    pub repositories: Collection<String>,
    /// The commands that say where the installation comes from, such as `cdrom`.
    pub sources: Collection<String>,
}

/// One `part` command.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PartitionFacts {
    /// The mount point, or `swap`.
    pub mount: String,
    /// The file system type.
    pub fstype: String,
    /// The disk it must be on; empty when left to the installer.
    pub disk: String,
    /// Mebibytes asked for.
    pub size_mib: i64,
}

/// What was added, by the manifest on the disc.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PayloadFacts {
    /// Whether `/preflight/manifest.json` is there and read.
    pub manifest: Fact<bool>,
    /// Files the manifest names that are missing or do not match, in words.
    pub faults: Fact<Collection<String>>,
    /// Files below `/preflight` that the manifest does not name.
    pub strangers: Fact<Collection<String>>,
    /// Files verified.
    pub files: Fact<i64>,
    /// Whether manifest and list were read, every file they name is there with its digest, and
    /// nothing stands below `/preflight` that they do not name.
    pub verified: Fact<bool>,
    /// What the manifest says the image was made of.
    pub made: Fact<ProvenanceFacts>,
    /// What evaluates the installed system's self-check, by the manifest; or why nothing does.
    pub self_check: Fact<String>,
    /// Which server the installed system registers with, by the manifest; `none`.
    pub registration: Fact<String>,
}

/// What an image was made of, by its own word.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ProvenanceFacts {
    /// The program and its version.
    pub tool: String,
    /// The recipe's name.
    pub recipe: String,
    /// The recipe's digest.
    pub recipe_sha256: String,
    /// Keys of the recipe that were overridden.
    pub overridden: Collection<String>,
    /// Digest of the plan: of every value and input, defaults filled.
    pub plan_sha256: String,
    /// The profile's name.
    pub profile: String,
    /// The vendor's medium: its file's name; absent on a kickstart disc.
    pub base: Fact<String>,
    /// The vendor's medium: its digest.
    pub base_sha256: Fact<String>,
    /// Why the packages may not install, when it was built all the same.
    pub incomplete: Collection<String>,
}

/// The replication agent on the disc.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct BundledAgentFacts {
    /// Whether an agent bundle is on the disc.
    pub present: bool,
    /// Whether it says that it is a stand-in.
    pub standin: Fact<bool>,
    /// The bundle's name as it was given to the build.
    pub name: Fact<String>,
    /// Whether the name has the form of a Unified Agent for the profile's distribution.
    pub name_recognised: Fact<bool>,
    /// The distribution token of the name, such as `RHEL6-64`; absent when the name has none.
    pub distribution: Fact<String>,
    /// The distribution token the profile wants.
    pub wanted_distribution: Fact<String>,
    /// The version, such as `9.8.0.0`.
    pub version: Fact<String>,
    /// Whether the archive lists `install` and `ApplyCustomChanges.sh`.
    pub complete: Fact<bool>,
    /// Whether its sha256 was demanded by the recipe.
    pub pinned: Fact<bool>,
}
