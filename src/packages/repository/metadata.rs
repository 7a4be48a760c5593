//! The metadata of a repository on a medium: package names, groups, provided names, digests.
//!
//! Not for solving dependencies. Only names are kept, so that a medium of ten thousand packages
//! takes megabytes instead of hundreds of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use quick_xml::events::Event;
use rpmrepo_metadata::utils::{checksum_bytes, create_xml_reader};
use rpmrepo_metadata::{
    Checksum, ChecksumType, CompsXml, MetadataError, Package, PrimaryXml, RepomdData, RepomdRecord,
    RepomdXml,
};

use super::bounded_xml::BoundedXml;
use super::error::RepositoryError;
use super::modules::Modules;
use crate::packages::compression;

const REPOMD: &str = "repodata/repomd.xml";
/// The most bytes of `repomd.xml`.
const MOST_REPOMD: u64 = 1 << 20;
/// The most bytes of a metadata file on the medium.
const MOST_STORED: u64 = 48 << 20;
/// The most bytes of the package list after decompression; it is read as a stream.
const MOST_PRIMARY: u64 = 256 << 20;
/// Bytes at its beginning, which hold the root element.
const HEAD: u64 = 8 << 10;
/// The most bytes of the groups after decompression.
const MOST_COMPS: u64 = 16 << 20;
/// The most bytes of the modules after decompression.
const MOST_MODULES: u64 = 32 << 20;
/// The most bytes of one package or group.
const MOST_ITEM: u64 = 4 << 20;
/// The most bytes of all file lists, and of one: kernel sources and TeX have megabytes.
const MOST_FILE_LISTS: u64 = 1 << 30;
const MOST_FILE_LIST: u64 = 32 << 20;
/// The most packages of a repository.
const MOST_PACKAGES: usize = 100_000;
/// The most bytes of all names that are kept.
const MOST_NAMES: usize = 64 << 20;

/// One package of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageEntry {
    /// `NAME-EPOCH:VERSION-RELEASE.ARCH`.
    pub nevra: String,
    /// Its path from the repository's top.
    pub location: String,
    /// The algorithm of the digest, such as `sha256` or `sha1`.
    pub checksum_kind: String,
    /// The digest in hex.
    pub checksum: String,
    /// Bytes of the file.
    pub len: u64,
    /// The number of its disc, when the repository spans several discs.
    pub disc: Option<u32>,
}

/// A metadata file that `repomd.xml` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataFile {
    /// Its path from the repository's top.
    pub location: String,
    /// The algorithm of the digest, such as `sha256` or `sha1`.
    pub checksum_kind: String,
    /// The digest in hex.
    pub checksum: String,
}

/// Returns the number of the disc that a package's `xml:base` names, such as
/// `media://1414159991.958686#1` (yum's media id).
pub fn disc_number(package: &Package) -> Option<u32> {
    let base = package.location_base()?.strip_prefix("media:")?;
    base.rsplit_once('#')?.1.parse().ok()
}

/// A group of packages, such as `@core`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageGroup {
    /// Its id, such as `core`.
    pub id: String,
    /// Its name, such as `Core`.
    pub name: String,
    /// Its packages, with `mandatory`, `default`, `optional` or `conditional`.
    pub packages: Vec<(String, String)>,
}

impl PackageGroup {
    /// Returns the packages that are installed with it by default.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        let taken = |kind: &str| matches!(kind, "mandatory" | "default" | "");
        self.packages.iter().filter(move |(_, kind)| taken(kind)).map(|(name, _)| name.as_str())
    }
}

/// The content of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repository {
    /// Packages by name.
    pub packages: BTreeMap<String, Vec<PackageEntry>>,
    /// Groups, when the repository defines any.
    pub groups: Vec<PackageGroup>,
    /// All names that packages provide.
    pub provides: BTreeSet<String>,
    /// The metadata files that `repomd.xml` names.
    pub files: Vec<MetadataFile>,
}

impl Repository {
    /// Returns it with paths from a directory that it is in.
    #[must_use]
    pub fn below(mut self, top: &str) -> Self {
        let packages = self.packages.values_mut().flatten();
        let locations = packages.map(|package| &mut package.location);
        for location in locations.chain(self.files.iter_mut().map(|file| &mut file.location)) {
            if !top.is_empty() {
                *location = format!("{top}/{location}");
            }
        }
        self
    }

    /// Adds another one, of the same medium.
    pub fn add(&mut self, other: Self) {
        for (name, packages) in other.packages {
            self.packages.entry(name).or_default().extend(packages);
        }
        self.groups.extend(other.groups);
        self.provides.extend(other.provides);
        self.files.extend(other.files);
    }

    /// Whether it has a package of this name.
    pub fn has_package(&self, name: &str) -> bool {
        self.packages.contains_key(name)
    }

    /// Whether it has a group of this id or name; a kickstart may use either.
    pub fn has_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group.id == name || group.name == name)
    }
}

/// Reads a repository; `open` opens a file by its path from the repository's top.
///
/// The metadata files are verified against the digests in `repomd.xml`. sqlite databases, which
/// el6 media have as well, are ignored.
///
/// # Errors
///
/// Fails when a file cannot be read or parsed, does not match its digest, or exceeds a limit.
pub fn read_repository<R: Read>(
    open: impl FnMut(&str) -> io::Result<R>,
) -> Result<Repository, RepositoryError> {
    let mut repo = Repository::default();
    let mut kept = 0;
    (repo.groups, repo.files) = read_all(open, |package| {
        let entry = package_entry(package).ok_or("a package has no digest")?;
        kept += entry.nevra.len() + entry.location.len() + 200;
        for provided in package.provides() {
            if repo.provides.insert(provided.name().to_owned()) {
                kept += provided.name().len() + 50;
            }
        }
        repo.packages.entry(package.name().to_owned()).or_default().push(entry);
        if kept > MOST_NAMES {
            Err("its names are more than any repository's".into())
        } else {
            Ok(())
        }
    })?;
    Ok(repo)
}

/// Reads a repository as [`read_repository`] does, but calls `each` with every package and keeps
/// none. Returns the groups.
///
/// # Errors
///
/// As [`read_repository`], and with the errors of `each`.
pub fn visit_packages<R: Read>(
    open: impl FnMut(&str) -> io::Result<R>,
    each: impl FnMut(&Package) -> Result<(), String>,
) -> Result<Vec<PackageGroup>, RepositoryError> {
    Ok(read_all(open, each)?.0)
}

fn read_all<R: Read>(
    mut open: impl FnMut(&str) -> io::Result<R>,
    mut each: impl FnMut(&Package) -> Result<(), String>,
) -> Result<(Vec<PackageGroup>, Vec<MetadataFile>), RepositoryError> {
    let repomd = read_repomd(&mut open)?;
    let files = repomd.records().iter().map(metadata_file).collect();
    let (name, stored) = read_recorded(&repomd, &mut open, "primary")?
        .ok_or_else(|| inconsistent(REPOMD, "names no list of packages".to_owned()))?;
    let modules = read_modules(&repomd, &mut open)?;
    let mut each = |package: &Package| {
        if modules.excludes(package) { Ok(()) } else { each(package) }
    };
    read_primary(&name, decompress(&name, &stored)?, &mut each)?;
    drop(stored);
    let comps = match read_recorded(&repomd, &mut open, "group_gz")? {
        Some(found) => Some(found),
        None => read_recorded(&repomd, &mut open, "group")?,
    };
    let groups = match comps {
        Some((name, stored)) => read_groups(&name, decompress(&name, &stored)?)?,
        None => Vec::new(),
    };
    Ok((groups, files))
}

fn metadata_file(record: &RepomdRecord) -> MetadataFile {
    let (kind, checksum) = record.checksum.to_values().unwrap_or(("none", ""));
    MetadataFile {
        location: record.location_href.to_string_lossy().into_owned(),
        checksum_kind: kind.to_owned(),
        checksum: checksum.to_owned(),
    }
}

fn read_repomd<R: Read>(
    open: &mut impl FnMut(&str) -> io::Result<R>,
) -> Result<RepomdData, RepositoryError> {
    let stored = read_limited(open, REPOMD, MOST_REPOMD)?;
    let xml =
        create_xml_reader(BufReader::new(BoundedXml::new(&stored[..], MOST_REPOMD, MOST_ITEM)));
    RepomdXml::read_data(xml).map_err(|source| syntax_error(REPOMD, source))
}

/// Opens a repository's file lists, verified against their digest, to be read as a stream. Returns
/// `None` when it has none.
///
/// # Errors
///
/// As [`read_repository`].
pub fn open_file_lists<R: Read>(
    mut open: impl FnMut(&str) -> io::Result<R>,
) -> Result<Option<FileLists>, RepositoryError> {
    let repomd = read_repomd(&mut open)?;
    let found = read_recorded(&repomd, &mut open, "filelists")?;
    Ok(found.map(|(name, stored)| FileLists { name, stored }))
}

/// A repository's file lists as they are stored.
pub struct FileLists {
    name: String,
    stored: Vec<u8>,
}

impl FileLists {
    /// Returns the name of their file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns their XML, which ends with an error when it is larger than any repository's.
    ///
    /// # Errors
    ///
    /// Fails at what is not compressed as its name says.
    pub fn xml(&self) -> Result<impl BufRead, RepositoryError> {
        let plain = decompress(&self.name, &self.stored)?;
        Ok(BufReader::new(BoundedXml::new(plain, MOST_FILE_LISTS, MOST_FILE_LIST)))
    }
}

fn syntax_error(name: &str, source: MetadataError) -> RepositoryError {
    RepositoryError::Syntax(name.to_owned(), source)
}

fn inconsistent(name: &str, what: String) -> RepositoryError {
    RepositoryError::Inconsistent(name.to_owned(), what)
}

fn read_limited<R: Read>(
    open: &mut impl FnMut(&str) -> io::Result<R>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, RepositoryError> {
    let failed = |source| RepositoryError::Metadata(name.to_owned(), source);
    let mut bytes = Vec::new();
    open(name).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(inconsistent(name, format!("has more than {most} bytes")));
    }
    Ok(bytes)
}

/// Reads a metadata file that `repomd.xml` names, and verifies it against the digest there.
fn read_recorded<R: Read>(
    repomd: &RepomdData,
    open: &mut impl FnMut(&str) -> io::Result<R>,
    kind: &str,
) -> Result<Option<(String, Vec<u8>)>, RepositoryError> {
    let Some(record) = repomd.get_record(kind) else { return Ok(None) };
    let name = record.location_href.to_string_lossy().into_owned();
    let stored = read_limited(open, &name, MOST_STORED)?;
    let algorithm = match &record.checksum {
        Checksum::Sha256(_) => ChecksumType::Sha256,
        Checksum::Sha1(_) => ChecksumType::Sha1,
        Checksum::Sha512(_) => ChecksumType::Sha512,
        _ => return Err(inconsistent(&name, "has a digest of unknown kind".to_owned())),
    };
    let actual =
        checksum_bytes(&stored, algorithm).map_err(|source| syntax_error(&name, source))?;
    if actual != record.checksum {
        return Err(inconsistent(&name, "does not match its digest in repomd.xml".to_owned()));
    }
    Ok(Some((name, stored)))
}

fn decompress<'a>(name: &str, stored: &'a [u8]) -> Result<Box<dyn Read + 'a>, RepositoryError> {
    compression::decompress(name, stored)
        .map_err(|source| RepositoryError::Metadata(name.to_owned(), source))
}

/// Reads the module metadata, where there is any.
fn read_modules<R: Read>(
    repomd: &RepomdData,
    open: &mut impl FnMut(&str) -> io::Result<R>,
) -> Result<Modules, RepositoryError> {
    let Some((name, stored)) = read_recorded(repomd, open, "modules")? else {
        return Ok(Modules::default());
    };
    let mut text = BufReader::new(decompress(&name, &stored)?.take(MOST_MODULES + 1));
    let modules = Modules::read(&mut text)
        .map_err(|source| RepositoryError::Metadata(name.clone(), source))?;
    if text.get_ref().limit() == 0 {
        return Err(inconsistent(&name, format!("has more than {MOST_MODULES} bytes")));
    }
    Ok(modules)
}

fn read_primary(
    name: &str,
    xml: impl Read,
    each: &mut impl FnMut(&Package) -> Result<(), String>,
) -> Result<(), RepositoryError> {
    let failed = |source| syntax_error(name, source);
    let mut balanced = BoundedXml::new(xml, MOST_PRIMARY, MOST_ITEM);
    let mut head = Vec::new();
    let read = balanced.by_ref().take(HEAD).read_to_end(&mut head);
    read.map_err(|source| RepositoryError::Metadata(name.to_owned(), source))?;
    if !declares_package_count(&head) {
        return Err(inconsistent(name, "does not say how many packages it has".to_owned()));
    }
    let balanced = BufReader::new(head.as_slice().chain(balanced));
    let mut reader = PrimaryXml::new_reader(create_xml_reader(balanced));
    let declared = reader.read_header().map_err(failed)?;
    if declared > MOST_PACKAGES {
        return Err(inconsistent(name, format!("declares {declared} packages")));
    }
    let mut read = 0;
    loop {
        let mut package = None;
        reader.read_package(&mut package).map_err(failed)?;
        let Some(package) = package else { break };
        read += 1;
        if read > declared {
            let what = format!("holds more than the {declared} packages it declares");
            return Err(inconsistent(name, what));
        }
        // The crate panics on a missing digest.
        if matches!(package.checksum(), Checksum::Empty | Checksum::Unknown(_)) {
            return Err(inconsistent(name, "has a package without a digest".to_owned()));
        }
        each(&package).map_err(|why| inconsistent(name, format!("is refused: {why}")))?;
    }
    if read != declared {
        return Err(inconsistent(name, format!("declares {declared} packages and has {read}")));
    }
    Ok(())
}

/// Whether the root element states the number of packages; rpmrepo_metadata 0.9.1 panics when it
/// does not (`parsing_utils.rs`, `parse_header_tag`).
fn declares_package_count(head: &[u8]) -> bool {
    let mut reader = quick_xml::Reader::from_reader(head);
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(root)) => {
                return matches!(root.try_get_attribute("packages"), Ok(Some(_)));
            }
            Ok(Event::Eof | Event::Empty(_)) | Err(_) => return false,
            Ok(_) => buffer.clear(),
        }
    }
}

fn package_entry(package: &Package) -> Option<PackageEntry> {
    let (kind, checksum) = package.checksum().to_values().ok()?;
    Some(PackageEntry {
        nevra: package.nevra(),
        location: package.location_href().to_owned(),
        checksum_kind: kind.to_owned(),
        checksum: checksum.to_owned(),
        len: package.size_package(),
        disc: disc_number(package),
    })
}

fn read_groups(name: &str, xml: impl Read) -> Result<Vec<PackageGroup>, RepositoryError> {
    let balanced = BufReader::new(BoundedXml::new(xml, MOST_COMPS, MOST_ITEM));
    let comps = CompsXml::read_data(create_xml_reader(balanced))
        .map_err(|source| syntax_error(name, source))?;
    let group = |group: rpmrepo_metadata::CompsGroup| PackageGroup {
        id: group.id,
        name: group.name,
        packages: group
            .packages
            .into_iter()
            .map(|package| (package.name, package.reqtype))
            .collect(),
    };
    Ok(comps.groups.into_iter().map(group).collect())
}
