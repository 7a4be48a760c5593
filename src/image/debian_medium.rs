//! What a medium of debian-installer's says of itself, and whether a profile installs from it.
//!
//! Not for what is on it: its packages and boot menus are read elsewhere.

use regex::Regex;

use crate::hint::hinted;
use crate::installer::profile::DebianInstaller;
use crate::iso::{EntryKind, Medium};

/// The file with the medium's own name, in its first line.
const NAME: &str = ".disk/info";

/// The most bytes of it that are read.
const MAX_BYTES: u64 = 4096;

/// Where a live medium keeps the system that it starts.
const LIVE_DIRECTORIES: [&str; 2] = ["casper/", "live/"];

/// Why a profile does not install from a medium.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DebianMediumError {
    /// The medium has no name.
    #[error("the medium is not an installer of the profile {0}: it has no /{NAME}")]
    NoName(String),
    /// The medium installs something else.
    #[error("the medium is {found:?}, the profile {profile} is for {wanted}")]
    Other {
        /// The medium's name.
        found: String,
        /// The profile.
        profile: String,
        /// What its name must match.
        wanted: String,
    },
    /// The medium is for other processors.
    #[error("the medium {found:?} is for {architecture}, and a master target runs on x86_64")]
    Architecture {
        /// The medium's name.
        found: String,
        /// The processors.
        architecture: String,
    },
    /// The medium starts a live system, whose installer reads no preseed.
    #[error(
        "the medium {found:?} starts a live system (/{file}), whose installer (subiquity) reads no \
         preseed"
    )]
    Live {
        /// The medium's name.
        found: String,
        /// A file of the live system.
        file: String,
    },
}

impl DebianMediumError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoName(..) | Self::Other { .. } => {
                "give the server medium of that release, or choose the recipe for this one"
                    .to_owned()
            }
            Self::Architecture { .. } => {
                "give the medium of the same release for amd64: the agent is made for no other \
                 processors"
                    .to_owned()
            }
            Self::Live { .. } => {
                "give the medium with the text installer, whose name has no \"live\" \
                                  in it: ubuntu-16.04.2-server-amd64.iso, \
                                  ubuntu-20.04.1-legacy-server-amd64.iso"
                    .to_owned()
            }
        })
    }
}

hinted!(DebianMediumError);

/// What a medium says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskInfo {
    /// The whole name.
    pub name: String,
    /// The release, such as `16.04.2`.
    pub version: Option<String>,
    /// The processors it is for, in the kernel's words: `x86_64`.
    pub architecture: Option<String>,
}

impl DiskInfo {
    /// Reads a medium's name; nothing when it has none.
    pub fn from_medium(medium: &Medium) -> Option<Self> {
        let bytes = medium.read_file(NAME, MAX_BYTES).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(Self::parse(text.lines().next()?))
    }

    /// Takes a name apart.
    ///
    /// ```
    /// use preflight::image::debian_medium::DiskInfo;
    /// let name = "Ubuntu-Server 16.04.2 LTS \"Xenial Xerus\" - Release amd64 (20170215.8)";
    /// let info = DiskInfo::parse(name);
    /// assert_eq!(info.version.as_deref(), Some("16.04.2"));
    /// assert_eq!(info.architecture.as_deref(), Some("x86_64"));
    /// ```
    pub fn parse(name: &str) -> Self {
        let is_version = |word: &&str| {
            word.starts_with(|c: char| c.is_ascii_digit())
                && word.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        };
        let version = name.split_whitespace().find(is_version).map(str::to_owned);
        let architecture = name.split_whitespace().find_map(|word| match word {
            "amd64" => Some("x86_64"),
            "i386" | "arm64" | "armhf" | "ppc64el" | "s390x" | "riscv64" => Some(word),
            _ => None,
        });
        Self { name: name.to_owned(), version, architecture: architecture.map(str::to_owned) }
    }
}

/// Refuses a medium that the profile does not install from.
///
/// # Errors
///
/// Says what the medium is, or that it is a live one.
pub fn check(
    medium: &Medium,
    profile: &str,
    installer: &DebianInstaller,
) -> Result<(), DebianMediumError> {
    let profile = profile.to_owned();
    let Some(info) = DiskInfo::from_medium(medium) else {
        return Err(DebianMediumError::NoName(profile));
    };
    let found = info.name;
    if let Some(architecture) = info.architecture.filter(|name| name != "x86_64") {
        return Err(DebianMediumError::Architecture { found, architecture });
    }
    let is_live = |path: &str| LIVE_DIRECTORIES.iter().any(|directory| path.starts_with(directory));
    let mut files = medium.entries().filter(|entry| entry.kind == EntryKind::File);
    if let Some(file) = files.find(|entry| is_live(&entry.path)) {
        return Err(DebianMediumError::Live { found, file: file.path });
    }
    match Regex::new(&installer.medium) {
        Ok(wanted) if wanted.is_match(&found) => Ok(()),
        _ => Err(DebianMediumError::Other { found, profile, wanted: installer.medium.clone() }),
    }
}
