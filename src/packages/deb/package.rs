//! One package file: its archive is whole, its control file is read, its bytes are digested.
//!
//! Not for its content: `data.tar` is never decompressed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ar::{self, ArMember};
use super::control;
use super::error::DebFault;
use super::list::{DebPackage, NATIVE};
use super::trust::DebTrust;
use crate::digest::Sha256;
use crate::packages::add_ons::{AddOnError, AddOnPackage, FileRetention};
use crate::packages::compression::decompress;

/// The most bytes of `control.tar` after decompression, and of the control file in it.
const MOST_CONTROL_TAR: u64 = 64 << 20;
const MOST_CONTROL: u64 = 1 << 20;
/// The most entries of `control.tar` that are looked at.
const MOST_ENTRIES: usize = 1000;

/// A binary package that the installer's dpkg can read, without its content.
#[derive(Clone, Debug)]
pub struct DebFile {
    /// The path of its file.
    pub path: PathBuf,
    /// The open file that was read, if its bytes will be used: the path may name another file by
    /// then.
    pub file: Option<Arc<File>>,
    /// Its name in the pool: `NAME_VERSION_ARCH.deb`, without an epoch, whatever the file is called.
    pub location: String,
    /// What its control file says.
    pub package: DebPackage,
    /// The control file's fields, in its order.
    pub fields: Vec<(String, String)>,
    /// The digest of its file.
    pub sha256: Sha256,
    /// Bytes of the file.
    pub len: u64,
    /// Which signed list names it.
    pub trust: DebTrust,
}

impl DebFile {
    /// Returns a field of its control file.
    pub fn field(&self, name: &str) -> Option<&str> {
        let same = |(key, _): &&(String, String)| key.eq_ignore_ascii_case(name);
        self.fields.iter().find(same).map(|(_, value)| value.as_str())
    }
}

/// What the installer's dpkg can read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DpkgFeatures {
    /// zstd, which Ubuntu's dpkg knows from 18.04 on.
    pub zstd: bool,
}

impl AddOnPackage for DebFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn name(&self) -> &str {
        &self.package.name
    }

    fn version(&self) -> String {
        self.package.version.to_string()
    }

    fn identity(&self) -> String {
        format!("{} {}", self.package.name, self.package.version)
    }
}

/// Reads a package.
pub(super) fn read(
    path: PathBuf,
    features: DpkgFeatures,
    keep: FileRetention,
) -> Result<DebFile, AddOnError<DebFault>> {
    let failed = |source| AddOnError::Read(path.clone(), source);
    let file = File::open(&path).map_err(failed)?;
    match read_open(&path, &file, features).map_err(failed)? {
        Ok(package) => {
            Ok(DebFile { file: (keep == FileRetention::Open).then(|| Arc::new(file)), ..package })
        }
        Err(fault) => Err(AddOnError::Package(path, fault)),
    }
}

fn read_open(
    path: &Path,
    file: &File,
    features: DpkgFeatures,
) -> io::Result<Result<DebFile, DebFault>> {
    let (sha256, len) = Sha256::hash_reader(BufReader::with_capacity(256 * 1024, file))?;
    let members = match ar::members(file, len)? {
        Ok(members) => members,
        Err(what) => return Ok(Err(DebFault::NotDeb(what))),
    };
    let control = match check_members(file, &members, features)? {
        Ok(control) => control,
        Err(fault) => return Ok(Err(fault)),
    };
    let text = match read_control(file, control) {
        Ok(text) => text,
        Err(fault) => return Ok(Err(fault)),
    };
    Ok(parse(path, &text, sha256, len))
}

/// Refuses an archive that is no package of format 2, and returns the member with the control file.
fn check_members<'m>(
    file: &File,
    members: &'m [ArMember],
    features: DpkgFeatures,
) -> io::Result<Result<&'m ArMember, DebFault>> {
    let [format, control, data, ..] = members else {
        return Ok(Err(DebFault::Member("debian-binary, control.tar or data.tar")));
    };
    let mut version = [0; 2];
    if format.name != "debian-binary" || format.len < 4 {
        return Ok(Err(DebFault::Member("debian-binary")));
    }
    file.read_exact_at(&mut version, format.at)?;
    if version != *b"2." {
        return Ok(Err(DebFault::NotDeb("one of a format that is not 2")));
    }
    for (member, part) in [(control, "control.tar"), (data, "data.tar")] {
        let Some(kind) = member.name.strip_prefix(part) else {
            return Ok(Err(DebFault::Member(part)));
        };
        let is_known = match kind {
            "" | ".gz" | ".xz" => true,
            ".bz2" | ".lzma" => part == "data.tar",
            ".zst" => features.zstd,
            _ => false,
        };
        if !is_known {
            let kind = kind.trim_start_matches('.').to_owned();
            return Ok(Err(DebFault::Compression { part, kind }));
        }
    }
    Ok(Ok(control))
}

struct Section<'a> {
    file: &'a File,
    at: u64,
    left: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let n = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += n as u64;
        self.left -= n as u64;
        Ok(n)
    }
}

fn read_control(file: &File, member: &ArMember) -> Result<String, DebFault> {
    let stored = Section { file, at: member.at, left: member.len };
    // `control.tar` has an ending that names no compression.
    let name = member.name.strip_prefix("control.tar").unwrap_or_default();
    let plain = decompress(name, stored).map_err(DebFault::Archive)?.take(MOST_CONTROL_TAR);
    let mut archive = tar::Archive::new(plain);
    for entry in archive.entries().map_err(DebFault::Archive)?.take(MOST_ENTRIES) {
        let entry = entry.map_err(DebFault::Archive)?;
        let is_control = matches!(&*entry.path_bytes(), b"./control" | b"control");
        if !is_control || !entry.header().entry_type().is_file() {
            continue;
        }
        if entry.size() > MOST_CONTROL {
            return Err(DebFault::TooLarge);
        }
        let mut bytes = Vec::new();
        entry.take(MOST_CONTROL).read_to_end(&mut bytes).map_err(DebFault::Archive)?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    Err(DebFault::Member("control"))
}

fn parse(path: &Path, text: &str, sha256: Sha256, len: u64) -> Result<DebFile, DebFault> {
    let paragraphs = control::parse(text).map_err(|error| DebFault::Control(error.into()))?;
    let [paragraph] = &paragraphs[..] else { return Err(DebFault::Member("control")) };
    let package = DebPackage::from_paragraph(paragraph).map_err(DebFault::Control)?;
    if package.architecture != NATIVE && package.architecture != "all" {
        return Err(DebFault::Architecture(package.architecture));
    }
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Ok(DebFile {
        path: path.to_owned(),
        file: None,
        location: format!(
            "{}_{}_{}.deb",
            package.name,
            package.version.without_epoch(),
            package.architecture
        ),
        fields: paragraph.fields().iter().map(owned).collect(),
        package,
        sha256,
        len,
        trust: DebTrust::Unlisted,
    })
}
