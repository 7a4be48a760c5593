//! Why an agent bundle is refused.
//!
//! Not for evaluating a sound bundle: that it is a stand-in, or built for another distribution,
//! is a fact for a check.

use std::io;

use crate::hint::hinted;

/// A limit an archive is past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveLimit {
    /// Bytes after decompression.
    #[error("more than {} MiB", .0 >> 20)]
    UnpackedBytes(u64),
    /// Unpacked bytes for each compressed one.
    #[error("more than {0} times its compressed size")]
    Ratio(u64),
    /// Members.
    #[error("more than {0} entries")]
    Entries(u64),
    /// Bytes of all names together.
    #[error("more than {} MiB of names", .0 >> 20)]
    NameBytes(u64),
}

/// What is wrong with one member of an archive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// The name is empty.
    #[error("it has no name")]
    NoName,
    /// The name starts with a slash.
    #[error("its path is absolute")]
    Absolute,
    /// The name has a `..` component.
    #[error("its path leaves the directory it is unpacked in")]
    Traversal,
    /// The name has control characters or is not UTF-8.
    #[error("its name has control characters or is not UTF-8")]
    Name,
    /// The name, or a component of it, is longer than a file system takes.
    #[error("its name has {0} bytes")]
    NameLength(usize),
    /// The name has too many components.
    #[error("it lies {0} directories deep")]
    Depth(usize),
    /// A device, a pipe, a sparse file or another kind that no agent needs.
    #[error("it is a {0}")]
    Kind(&'static str),
    /// Set-uid or set-gid bits.
    #[error("its mode {0:04o} has a set-uid or set-gid bit")]
    SetId(u32),
    /// Others than its owner may write it: whoever does is then run as root.
    #[error("its mode {0:04o} lets others than its owner write it")]
    WritableByOthers(u32),
    /// A number of its header that tar programs read differently.
    #[error("its {0} is \"{1}\", which tar programs read differently")]
    Number(&'static str, String),
    /// The same path was there before.
    #[error("it overwrites an earlier entry of this name")]
    Duplicate,
    /// A parent directory of it is a file or a link.
    #[error("{0:?} in its path is not a directory")]
    ThroughNonDirectory(String),
    /// A symbolic or hard link that leads outside, in a circle, or nowhere.
    #[error("it links to {0:?}, {1}")]
    Link(String, &'static str),
    /// A kind that has no content carries some, which tar programs read differently.
    #[error("a {0} carries data")]
    DataOnNonFile(&'static str),
    /// Its extended header says what a plain archive does not need.
    #[error("its extended header sets {0:?}")]
    ExtendedHeader(String),
    /// Two records give it a name.
    #[error("two records before it give it a name")]
    TwoNames,
    /// A record before it is larger than any name.
    #[error("the record before it that names it has {0} bytes")]
    RecordSize(u64),
}

/// Why an agent bundle is refused.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The file could not be read.
    #[error("the agent bundle cannot be read")]
    Read(#[source] io::Error),
    /// It does not start as gzip does.
    #[error("expected a gzip file, found {0}")]
    NotGzip(&'static str),
    /// The compressed stream is damaged, cut, or followed by something else.
    #[error("the compressed stream is damaged after {0} entries")]
    Compression(u64, #[source] io::Error),
    /// It is not a tar archive, or a damaged one.
    #[error("not a sound tar archive after {0} entries")]
    Archive(u64, #[source] io::Error),
    /// It is larger than any agent.
    #[error("the archive has {0}, found after {1} entries")]
    TooMuch(ArchiveLimit, u64),
    /// A member is refused.
    #[error("entry \"{0}\" is refused: {1}")]
    Entry(String, EntryFault),
    /// A file the bundle must carry is not at its top.
    #[error("the archive has no file {0:?} at its top{found}", found = .1.as_ref().map(|n| format!(", but {n:?}")).unwrap_or_default())]
    Missing(&'static str, Option<String>),
}

impl AgentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Read(_) => return None,
            Self::NotGzip("a tar archive") => {
                "compress it with gzip -n, or take the .tar.gz as it was downloaded"
            }
            Self::NotGzip(_) | Self::Compression(..) | Self::Archive(..) => {
                "copy the bundle again from the process server, \
                 home\\svsystems\\pushinstallsvc\\repository, in binary mode"
            }
            Self::TooMuch(..) | Self::Entry(..) => {
                "an agent as Microsoft ships it has no such thing: check where the file comes from \
                 and compare its sha256 with the one on the process server"
            }
            Self::Missing(_, Some(_)) => {
                "give the bundle as it was downloaded, not one packed again with a directory around it"
            }
            Self::Missing(..) => {
                "give the Unified Agent's bundle: Microsoft-ASR_UA_..._release.tar.gz"
            }
        };
        Some(text.to_owned())
    }
}

hinted!(AgentError);
