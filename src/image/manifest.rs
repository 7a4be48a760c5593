//! What an image was made from and what was added, as JSON on the disc and beside it, and as a
//! list that `sha256sum -c` reads.
//!
//! Not for the digests themselves: those are taken while files are read or written.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::disc_path::DiscPath;
use crate::installer::disc_layout;

/// The format's name and version; fields are only ever added.
pub const SCHEMA: &str = "preflight.manifest/1";

/// The [`kind`](Manifest::kind) of a vendor's medium with somebody's own kickstart.
pub const CUSTOM_MEDIUM: &str = "custom-medium";

/// The placeholder for the base's digest while it is not known: as long as a digest.
pub const SHA256_PLACEHOLDER: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// What an image was made from and what was added to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// Who made it.
    pub tool: ToolRecord,
    /// `installer`, `kickstart-disc` or [`CUSTOM_MEDIUM`].
    pub kind: String,
    /// The recipe it was made from; of a custom medium its kickstart.
    pub recipe: RecipeRecord,
    /// Digest of the plan: of every value and input, defaults filled.
    pub plan_sha256: Sha256,
    /// The profile's name; of a custom medium `none`.
    pub profile: String,
    /// The installer's generation: the major release of the medium.
    pub generation: u8,
    /// The firmware it installs for: `bios` or `uefi`; of a custom medium `any`.
    pub firmware: String,
    /// Seconds since 1970 that every added file is dated.
    pub source_date_epoch: i64,
    /// The vendor's medium; absent on a kickstart disc.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseRecord>,
    /// The replication agent; absent when none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentRecord>,
    /// Who signed the add-on packages; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<SignatureRecord>,
    /// The pool of Debian packages; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolRecord>,
    /// The self-check of the installed system; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_check: Option<SelfCheckRecord>,
    /// Where the installed system registers by itself; absent when it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationRecord>,
    /// Why the packages may not install, when it was built all the same; absent otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub incomplete: Vec<String>,
    /// What of the vendor's medium the installation starts from, as it was when this was built;
    /// absent on a kickstart disc, and from images that were built before it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootRecord>,
    /// Every file that was added or changed, sorted by path, but for the manifest itself.
    pub files: Vec<FileRecord>,
}

/// The program that made an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolRecord {
    /// `preflight`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl ToolRecord {
    /// This program.
    pub fn current() -> Self {
        Self { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
    }
}

/// The recipe an image was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecipeRecord {
    /// Its name without directory and extension.
    pub name: String,
    /// Digest of its text.
    pub sha256: Sha256,
    /// Keys that were overridden, in the order given; values of secrets are not here.
    pub overridden: Vec<String>,
}

/// The vendor's medium.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseRecord {
    /// File name.
    pub name: String,
    /// Volume id.
    pub volume_id: String,
    /// Bytes.
    pub size: u64,
    /// Digest of all its bytes, 64 hex digits.
    pub sha256: String,
}

/// The replication agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// File name as it was given.
    pub name: String,
    /// Path on the disc.
    pub path: String,
    /// Digest of the archive.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// Whether the recipe demanded that digest.
    pub pinned: bool,
    /// Whether it is a stand-in that installs nothing.
    pub standin: bool,
    /// The distribution token the profile wants in the name.
    pub wanted_distribution: String,
}

/// Who signed the add-on packages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SignatureRecord {
    /// Packages whose signature, over header and payload, is by a key that was named.
    pub verified: usize,
    /// The others: no key was named.
    pub unverified: usize,
    /// The fingerprints of the keys that were named, with their owners.
    pub keys: Vec<String>,
}

/// The pool of Debian packages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolRecord {
    /// How many packages it has.
    pub packages: usize,
    /// The fingerprint of the key that signed its list, and the key's owner; nothing when nobody
    /// did, so that the list is trusted for its digest.
    pub signed_by: Option<String>,
}

/// The self-check of the installed system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfCheckRecord {
    /// How many captures it keeps.
    pub keep: u16,
    /// The program that evaluates them there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<SelfCheckBinaryRecord>,
    /// Why there is no such program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_binary: Option<String>,
}

/// The program that evaluates captures on the installed system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SelfCheckBinaryRecord {
    /// Path on the disc.
    pub path: String,
    /// Its digest.
    pub sha256: Sha256,
    /// Its bytes.
    pub size: u64,
}

/// The configuration server that the installed system registers with. Its passphrase is in no
/// image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistrationRecord {
    /// Name or address.
    pub address: String,
    /// Port.
    pub port: u16,
}

/// What of the vendor's medium the installation starts from. The vendor's own checksums cover only
/// some of it: neither boot loader nor boot catalog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootRecord {
    /// Digest of the volume descriptors, with blanks where the media md5 stands.
    pub descriptors: Sha256,
    /// Digest of the boot catalog's first sector; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<Sha256>,
    /// Digest of the boot record's code: the first 440 bytes.
    pub code: Sha256,
    /// The vendor's files below `isolinux`, `EFI`, `images` and `LiveOS`, and those that say what
    /// the medium is; but for those that were changed.
    pub files: Vec<FileRecord>,
}

/// One file that was added or changed, or that the installation starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Path from the root of the disc, without a leading slash.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

/// The manifest beside an image: the one inside, the image's own digest, and what was verified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SidecarManifest {
    /// The manifest on the disc.
    #[serde(flatten)]
    pub inside: Manifest,
    /// The image file.
    pub image: ImageRecord,
    /// Every check that was made of the finished file, with its outcome.
    pub verified: Vec<VerifiedCheck>,
}

/// An image file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImageRecord {
    /// File name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Digest of all its bytes, taken while the file was read back.
    pub sha256: Sha256,
}

/// One check of the finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedCheck {
    /// The check's id.
    pub check: String,
    /// Its outcome: `pass`, `fail`, `unknown`, `not-applicable` or `waived`.
    pub outcome: String,
}

impl Manifest {
    /// Returns the JSON that is written to the disc.
    ///
    /// # Panics
    ///
    /// Never: the type serialises.
    pub fn to_json(&self) -> String {
        to_pretty_json(self)
    }

    /// The list for `sha256sum -c`, run from the root of the disc: every file and this manifest.
    pub fn to_checksum_list(&self) -> String {
        let own = Sha256::hash(self.to_json());
        let mut lines: Vec<(&str, Sha256)> =
            self.files.iter().map(|file| (file.path.as_str(), file.sha256)).collect();
        lines.push((disc_layout::MANIFEST, own));
        lines.sort_unstable();
        let mut text = String::new();
        for (path, digest) in lines {
            writeln!(text, "{digest}  {path}").expect("a String takes every write");
        }
        text
    }
}

impl SidecarManifest {
    /// Returns the JSON that is written beside the image.
    ///
    /// # Panics
    ///
    /// Never: the type serialises.
    pub fn to_json(&self) -> String {
        to_pretty_json(self)
    }
}

fn to_pretty_json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("a manifest serialises");
    text.push('\n');
    text
}

/// A manifest's list that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is not `<sha256>  <path>`")]
pub struct ChecksumListError {
    /// The line, from 1.
    pub line: usize,
}

/// Reads a list for `sha256sum -c`.
///
/// # Errors
///
/// Fails at the first line that has not the form.
///
/// ```
/// use preflight::image::manifest::parse_checksum_list;
/// let list = format!("{}  ks.cfg\n", "0".repeat(64));
/// assert_eq!(parse_checksum_list(&list).unwrap()[0].1.as_str(), "ks.cfg");
/// ```
pub fn parse_checksum_list(text: &str) -> Result<Vec<(Sha256, DiscPath)>, ChecksumListError> {
    let line = |(index, line): (usize, &str)| {
        let bad = ChecksumListError { line: index + 1 };
        let (digest, path) = line.split_once("  ").ok_or_else(|| bad.clone())?;
        let digest = digest.parse().map_err(|_| bad.clone())?;
        Ok((digest, DiscPath::new(path).map_err(|_| bad)?))
    };
    text.lines().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            schema: SCHEMA.into(),
            tool: ToolRecord::current(),
            kind: "installer".into(),
            recipe: RecipeRecord {
                name: "demo".into(),
                sha256: Sha256::hash("recipe"),
                overridden: Vec::new(),
            },
            plan_sha256: Sha256::hash("plan"),
            profile: "centos-6.6".into(),
            generation: 6,
            firmware: "bios".into(),
            source_date_epoch: 1_414_159_991,
            base: Some(BaseRecord {
                name: "base.iso".into(),
                volume_id: "CentOS_6.6_Final".into(),
                size: 10,
                sha256: SHA256_PLACEHOLDER.into(),
            }),
            agent: None,
            signatures: None,
            pool: None,
            self_check: None,
            registration: None,
            incomplete: Vec::new(),
            boot: None,
            files: vec![FileRecord { path: "ks.cfg".into(), size: 1, sha256: Sha256::hash("k") }],
        }
    }

    #[test]
    fn the_list_names_every_file_and_the_manifest() {
        let manifest = manifest();
        let sums = parse_checksum_list(&manifest.to_checksum_list()).unwrap();
        assert_eq!(
            sums,
            [
                (Sha256::hash("k"), DiscPath::new("ks.cfg").unwrap()),
                (Sha256::hash(manifest.to_json()), DiscPath::new(disc_layout::MANIFEST).unwrap()),
            ]
        );
    }

    #[test]
    fn the_bases_digest_changes_no_length() {
        let before = manifest();
        let mut after = before.clone();
        after.base.as_mut().unwrap().sha256 = Sha256::hash("base").to_string();
        assert_eq!(before.to_json().len(), after.to_json().len());
        assert_eq!(before.to_checksum_list().len(), after.to_checksum_list().len());
        assert_eq!(serde_json::from_str::<Manifest>(&after.to_json()).unwrap(), after);
    }

    #[test]
    fn a_list_that_is_not_one_is_refused() {
        for bad in [
            "x",
            "abc  ks.cfg",
            &format!("{SHA256_PLACEHOLDER} ks.cfg"),
            &format!("{SHA256_PLACEHOLDER}  ../x"),
        ] {
            assert!(parse_checksum_list(bad).is_err(), "{bad:?}");
        }
    }
}
