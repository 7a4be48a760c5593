//! One pass over a bundle: every header is checked, every byte is hashed, only names are kept.
//!
//! Not a tar program: it reads the plain ustar and GNU forms that an agent comes in, and refuses
//! what tar programs read in different ways (sparse files, sizes in extended headers, links with
//! data) rather than choosing a reading. Precedents: RUSTSEC-2018-0002, RUSTSEC-2021-0080,
//! RUSTSEC-2026-0067, RUSTSEC-2026-0068, CVE-2016-5418.

use std::io::{self, Read};

use tar::{EntryType, PaxExtensions};

use super::error::{AgentError, ArchiveLimit, EntryFault};
use super::gzip::Gunzip;
use super::name::{self, AgentName};
use super::numbers;
use super::script::{self, AgentScript};
use super::tree::{self, ArchiveTree, Member, MemberError};
use crate::digest::Sha256;

/// How much of an archive is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Bytes after decompression.
    pub unpacked_bytes: u64,
    /// Members.
    pub entries: u64,
    /// Unpacked bytes for each compressed one, past the first [`ArchiveLimits::allowance`].
    pub ratio: u64,
    /// Unpacked bytes that are not held against the ratio.
    pub allowance: u64,
    /// Directories in one path.
    pub depth: usize,
}

/// The limits every bundle is read under.
pub const LIMITS: ArchiveLimits = ArchiveLimits {
    unpacked_bytes: 2 << 30,
    entries: 200_000,
    ratio: 200,
    allowance: 1 << 20,
    depth: tree::MAX_DEPTH,
};

/// Bytes of a record that names the next member.
const MAX_RECORD: u64 = 64 * 1024;

/// What one pass over a bundle has read.
pub(super) struct ArchiveContents {
    pub(super) tree: ArchiveTree,
    pub(super) entries: u64,
    pub(super) unpacked_bytes: u64,
    pub(super) inner_name: Option<AgentName>,
    pub(super) scripts: Vec<AgentScript>,
    pub(super) sha256: Sha256,
    pub(super) len: u64,
}

/// The names that records before a member give it.
#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    extended: bool,
}

impl Records {
    fn is_pending(&self) -> bool {
        self.path.is_some() || self.link.is_some() || self.extended
    }
}

/// An error of the walk, before [`attribute_error`] has found its cause.
#[derive(derive_more::From)]
enum WalkError {
    #[from]
    Io(io::Error),
    Error(AgentError),
}

/// Reads a bundle to its end.
pub(super) fn read(reader: impl Read) -> Result<ArchiveContents, AgentError> {
    let mut gunzip = Gunzip::new(reader, LIMITS.unpacked_bytes, LIMITS.ratio, LIMITS.allowance)?;
    let mut walk = Walk::default();
    let walked = walk.read_members(&mut gunzip);
    let entries = walk.entries;
    match walked {
        Ok(()) => {}
        Err(WalkError::Error(error)) => return Err(error),
        Err(WalkError::Io(source)) => return Err(attribute_error(&gunzip, source, entries, true)),
    }
    gunzip.drain().map_err(|source| attribute_error(&gunzip, source, entries, false))?;
    walk.tree.check_links()?;
    let (sha256, len) = gunzip.digest_and_len();
    Ok(ArchiveContents {
        tree: walk.tree,
        entries,
        unpacked_bytes: walk.bytes,
        inner_name: walk.inner_name,
        scripts: walk.scripts,
        sha256,
        len,
    })
}

/// Attributes an error to reading the file, a limit, the compression, or the archive.
fn attribute_error<R: Read>(
    gunzip: &Gunzip<R>,
    source: io::Error,
    entries: u64,
    in_archive: bool,
) -> AgentError {
    if let Some(failure) = gunzip.take_failure() {
        return AgentError::Read(failure);
    }
    if let Some(limit) = source.get_ref().and_then(|inner| inner.downcast_ref::<ArchiveLimit>()) {
        return AgentError::TooMuch(*limit, entries);
    }
    // The tar reader's own complaints are of kind Other; flate2's are InvalidInput, InvalidData or
    // UnexpectedEof.
    if in_archive && source.kind() == io::ErrorKind::Other {
        return AgentError::Archive(entries, source);
    }
    AgentError::Compression(entries, source)
}

#[derive(Default)]
struct Walk {
    tree: ArchiveTree,
    entries: u64,
    bytes: u64,
    inner_name: Option<AgentName>,
    scripts: Vec<AgentScript>,
}

impl Walk {
    fn read_members(&mut self, reader: &mut impl Read) -> Result<(), WalkError> {
        let mut archive = tar::Archive::new(reader);
        let mut records = Records::default();
        // Raw: the reader's own handling of extension records holds them in memory whole.
        for entry in archive.entries()?.raw(true) {
            let mut entry = entry?;
            let kind = entry.header().entry_type();
            let size = entry.size();
            let own_name = String::from_utf8_lossy(&entry.header().path_bytes()).into_owned();
            let refuse = |fault| WalkError::Error(entry_error(&own_name, fault));
            numbers::check(entry.header()).map_err(refuse)?;
            if self.bytes.checked_add(size).is_none_or(|sum| sum > LIMITS.unpacked_bytes) {
                return Err(self.limit_error(ArchiveLimit::UnpackedBytes(LIMITS.unpacked_bytes)));
            }
            match kind {
                EntryType::GNULongName
                | EntryType::GNULongLink
                | EntryType::XHeader
                | EntryType::XGlobalHeader
                    if size > MAX_RECORD =>
                {
                    return Err(refuse(EntryFault::RecordSize(size)));
                }
                EntryType::GNULongName => {
                    set_once(&mut records.path, trim_nul(read_record(&mut entry)?))
                        .map_err(refuse)?;
                }
                EntryType::GNULongLink => {
                    set_once(&mut records.link, trim_nul(read_record(&mut entry)?))
                        .map_err(refuse)?;
                }
                EntryType::XHeader => {
                    let data = read_record(&mut entry)?;
                    read_extended(&data, &mut records).map_err(refuse)?;
                }
                EntryType::XGlobalHeader => {
                    // A comment is what `git archive` writes; anything else would change members.
                    let data = read_record(&mut entry)?;
                    for record in PaxExtensions::new(&data) {
                        match record?.key() {
                            Ok("comment") => {}
                            key => {
                                let key = key.unwrap_or("not UTF-8").escape_default().to_string();
                                return Err(refuse(EntryFault::ExtendedHeader(key)));
                            }
                        }
                    }
                }
                _ => {
                    let records = std::mem::take(&mut records);
                    if let Some((path, mode)) = self.add_member(entry.header(), size, records)? {
                        let start = script::read_start(&mut entry)?;
                        script::push_script(&mut self.scripts, &path, mode, size, &start);
                    }
                }
            }
        }
        if records.is_pending() {
            return Err(io::Error::other("a record names a member that does not follow").into());
        }
        Ok(())
    }

    /// Adds a member. Returns the path and mode of a regular file.
    fn add_member(
        &mut self,
        header: &tar::Header,
        size: u64,
        records: Records,
    ) -> Result<Option<(String, u32)>, WalkError> {
        if self.entries == LIMITS.entries {
            return Err(self.limit_error(ArchiveLimit::Entries(LIMITS.entries)));
        }
        let raw = records.path.unwrap_or_else(|| header.path_bytes().into_owned());
        let shown = String::from_utf8_lossy(&raw).into_owned();
        let refuse = |fault| WalkError::Error(entry_error(&shown, fault));
        let Ok(name) = std::str::from_utf8(&raw) else { return Err(refuse(EntryFault::Name)) };
        let path = tree::normalize(name).map_err(refuse)?;
        let mode = header.mode()?;
        if mode & 0o6000 != 0 {
            return Err(refuse(EntryFault::SetId(mode)));
        }
        // The mode of a symbolic link is always 0777 and means nothing.
        if mode & 0o022 != 0 && header.entry_type() != EntryType::Symlink {
            return Err(refuse(EntryFault::WritableByOthers(mode & 0o7777)));
        }
        let member = match header.entry_type() {
            EntryType::Regular if name.ends_with('/') => {
                return Err(refuse(EntryFault::Kind("file whose name ends like a directory's")));
            }
            EntryType::Regular => Member::File { mode: mode & 0o777 },
            EntryType::Directory => Member::Directory,
            EntryType::Symlink => {
                Member::SymbolicLink(link_target(header, records.link).map_err(refuse)?)
            }
            EntryType::Link => Member::HardLink(link_target(header, records.link).map_err(refuse)?),
            other => return Err(refuse(EntryFault::Kind(kind_name(other)))),
        };
        if size > 0 && !matches!(member, Member::File { .. }) {
            return Err(refuse(EntryFault::DataOnNonFile(kind_name(header.entry_type()))));
        }
        let file = matches!(member, Member::File { .. });
        match self.tree.add(&path, member) {
            Ok(()) => {}
            Err(MemberError::Entry(fault)) => return Err(refuse(fault)),
            Err(MemberError::Limit(limit)) => return Err(self.limit_error(limit)),
        }
        if self.inner_name.is_none() {
            self.inner_name = path.rsplit('/').next().and_then(name::parse_component_name);
        }
        self.entries += 1;
        self.bytes += size;
        Ok(file.then_some((path, mode & 0o777)))
    }

    fn limit_error(&self, limit: ArchiveLimit) -> WalkError {
        WalkError::Error(AgentError::TooMuch(limit, self.entries))
    }
}

/// The error of a member, with its name escaped and cut to 200 characters.
fn entry_error(name: &str, fault: EntryFault) -> AgentError {
    let mut shown: String = name.chars().take(200).flat_map(char::escape_default).collect();
    if name.chars().nth(200).is_some() {
        shown.push_str("...");
    }
    AgentError::Entry(shown, fault)
}

fn read_record(entry: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    entry.take(MAX_RECORD).read_to_end(&mut data)?;
    Ok(data)
}

fn trim_nul(mut data: Vec<u8>) -> Vec<u8> {
    while data.last() == Some(&0) {
        data.pop();
    }
    data
}

fn set_once(slot: &mut Option<Vec<u8>>, value: Vec<u8>) -> Result<(), EntryFault> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(EntryFault::TwoNames),
    }
}

fn read_extended(data: &[u8], records: &mut Records) -> Result<(), EntryFault> {
    if std::mem::replace(&mut records.extended, true) {
        return Err(EntryFault::TwoNames);
    }
    let unreadable = || EntryFault::ExtendedHeader("something unreadable".to_owned());
    // The iterator takes an empty line for the end, other programs read on behind it.
    if !data.ends_with(b"\n") || data.starts_with(b"\n") || data.windows(2).any(|w| w == b"\n\n") {
        return Err(unreadable());
    }
    for record in PaxExtensions::new(data) {
        let record = record.map_err(|_| unreadable())?;
        match record.key().map_err(|_| unreadable())? {
            "path" => set_once(&mut records.path, record.value_bytes().to_vec())?,
            "linkpath" => set_once(&mut records.link, record.value_bytes().to_vec())?,
            // A second size is read by some programs and not by others, sparse files are larger
            // than they look, and a capability is a set-uid bit by another name.
            key if key == "size"
                || key.starts_with("GNU.sparse")
                || key.ends_with("security.capability") =>
            {
                return Err(EntryFault::ExtendedHeader(key.to_owned()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn link_target(header: &tar::Header, record: Option<Vec<u8>>) -> Result<String, EntryFault> {
    let raw = record.or_else(|| header.link_name_bytes().map(|bytes| bytes.into_owned()));
    let target = raw.and_then(|raw| String::from_utf8(raw).ok()).unwrap_or_default();
    let fault = |why| EntryFault::Link(target.chars().take(200).collect(), why);
    if target.is_empty() || target.len() > 4095 || target.chars().any(char::is_control) {
        return Err(fault("which is not a path"));
    }
    Ok(target)
}

fn kind_name(kind: EntryType) -> &'static str {
    match kind {
        EntryType::Link => "hard link",
        EntryType::Symlink => "symbolic link",
        EntryType::Char => "character device",
        EntryType::Block => "block device",
        EntryType::Fifo => "named pipe",
        EntryType::Directory => "directory",
        EntryType::GNUSparse => "sparse file",
        EntryType::Continuous => "contiguous file",
        _ => "member of unknown kind",
    }
}
