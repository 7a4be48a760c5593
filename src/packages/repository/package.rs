//! One package file: read once, verified against its own digests, reduced to metadata.
//!
//! Not for its content: the payload is digested and never decompressed.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use md5::{Digest as _, Md5};
use rpm::{IndexSignatureTag as Sig, IndexTag, PackageMetadata};
use rpmrepo_metadata::{Changelog, Checksum, Evr, FileType, Package, Requirement, RequirementType};

use super::error::PackageFault;
use super::header;
use super::keys::Keyring;
use super::signature::{self, DigestedFile, SignatureStatus};
use crate::digest::{Sha256, Sha256Hasher};
use crate::packages::add_ons::{AddOnError, AddOnPackage, FileRetention};
use crate::packages::generation::Generation;

const LEAD: usize = 96;
/// Changelog entries that are kept, as by createrepo.
const CHANGELOGS: usize = 10;

/// A binary package that the installer's rpm can read, without its content.
#[derive(Clone, Debug)]
pub struct RpmPackage {
    /// The path of its file.
    pub path: PathBuf,
    /// The open file that was verified, if its bytes will be used: the path may name another file
    /// by then.
    pub file: Option<Arc<File>>,
    /// Its name in the repository: `NAME-VERSION-RELEASE.ARCH.rpm`, whatever the file is called.
    pub location: String,
    /// The package's name.
    pub name: String,
    /// The epoch; 0 when there is none.
    pub epoch: u32,
    /// The version.
    pub version: String,
    /// The release.
    pub release: String,
    /// `x86_64`, `i686` or `noarch`.
    pub arch: String,
    /// The digest of its file.
    pub sha256: Sha256,
    /// Bytes of the file.
    pub len: u64,
    /// The first byte of its header in the file, and the one behind its last.
    pub header_range: (u64, u64),
    /// Who signed it.
    pub signature_status: SignatureStatus,
    metadata: Package,
}

impl RpmPackage {
    /// Returns `NAME-EPOCH:VERSION-RELEASE.ARCH`.
    pub fn nevra(&self) -> String {
        format!("{}-{}.{}", self.name, self.evr(), self.arch)
    }

    /// Returns `EPOCH:VERSION-RELEASE`.
    pub fn evr(&self) -> String {
        format!("{}:{}-{}", self.epoch, self.version, self.release)
    }

    /// Returns what it provides, without its files.
    pub fn provides(&self) -> &[Requirement] {
        self.metadata.provides()
    }

    /// Returns what it requires, without rpm's own features.
    pub fn requires(&self) -> &[Requirement] {
        self.metadata.requires()
    }

    /// Returns a remark if its dist tag is of another release than the one that is installed.
    pub fn release_mismatch(&self, generation: Generation) -> Option<String> {
        let wanted = generation.dist_tag();
        let tag = dist_tag(&self.release)?;
        (tag != wanted).then(|| format!("{} was built for {tag}, not {wanted}", self.nevra()))
    }

    /// Returns its repository metadata.
    pub fn metadata(&self) -> &Package {
        &self.metadata
    }

    /// Returns its metadata with all times set to `epoch`.
    pub(super) fn metadata_at(&self, epoch: u64) -> Package {
        let mut metadata = self.metadata.clone();
        metadata.set_time_file(epoch);
        metadata
    }
}

/// Returns the `elN` in a release such as `16.el6_6.1`.
fn dist_tag(release: &str) -> Option<&str> {
    let tag = release.split('.').find(|part| {
        part.strip_prefix("el").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })?;
    let end = tag[2..].find(|c: char| !c.is_ascii_digit()).map_or(tag.len(), |at| at + 2);
    Some(&tag[..end])
}

impl AddOnPackage for RpmPackage {
    fn path(&self) -> &Path {
        &self.path
    }

    fn location(&self) -> &str {
        &self.location
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> String {
        self.evr()
    }

    fn identity(&self) -> String {
        self.nevra()
    }
}

/// Reads and verifies a package.
pub(super) fn read(
    path: PathBuf,
    generation: Generation,
    keyring: &Keyring,
    keep: FileRetention,
) -> Result<RpmPackage, AddOnError<PackageFault>> {
    let failed = |source| AddOnError::Read(path.clone(), source);
    let file = File::open(&path).map_err(failed)?;
    match read_open(&path, &file, generation, keyring).map_err(failed)? {
        Ok(package) => Ok(RpmPackage {
            file: (keep == FileRetention::Open).then(|| Arc::new(file)),
            ..package
        }),
        Err(fault) => Err(AddOnError::Package(path, fault)),
    }
}

type FaultResult<T> = Result<T, PackageFault>;

fn read_open(
    path: &Path,
    file: &File,
    generation: Generation,
    keyring: &Keyring,
) -> std::io::Result<FaultResult<RpmPackage>> {
    let reader = &mut BufReader::with_capacity(256 * 1024, file);
    let mut front = Vec::with_capacity(LEAD);
    reader.take(LEAD as u64).read_to_end(&mut front)?;
    if let Err(fault) = check_lead(&front) {
        return Ok(Err(fault));
    }
    let signature = match header::read_header(reader, "signature header")? {
        Ok(bytes) => bytes,
        Err(fault) => return Ok(Err(fault)),
    };
    front.extend(signature);
    let padding = front.len().next_multiple_of(8) - front.len();
    reader.take(padding as u64).read_to_end(&mut front)?;
    let main = match header::read_header(reader, "header")? {
        Ok(bytes) => bytes,
        Err(fault) => return Ok(Err(fault)),
    };
    let header_start = front.len();
    front.extend(&main);
    let metadata = match PackageMetadata::parse(&mut &front[..]) {
        Ok(metadata) => metadata,
        Err(error) => return Ok(Err(PackageFault::Unreadable(error))),
    };
    let mut digests = Digests::new(&front, &main);
    digests.payload(reader)?;
    let mut package =
        match parse_package(path, &metadata, digests, (header_start, front.len()), generation) {
            Ok(package) => package,
            Err(fault) => return Ok(Err(fault)),
        };
    let (before, header) = front.split_at(header_start);
    let whole = DigestedFile { file, before, header, sha256: package.sha256 };
    Ok(signature::verify_signatures(&metadata, &whole, keyring)?.map(|signed| {
        package.signature_status = signed;
        package
    }))
}

fn check_lead(lead: &[u8]) -> FaultResult<()> {
    let not = |what| Err(PackageFault::NotRpm(what));
    if !lead.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        return match lead {
            [] => not("an empty file"),
            _ if lead.starts_with(b"drpm") => not("a delta package"),
            _ if lead.trim_ascii_start().starts_with(b"<") => not("a web page"),
            _ => not("something else"),
        };
    }
    if lead.len() < LEAD {
        return Err(PackageFault::Cut("lead"));
    }
    // The kind of signature: a header, as every rpm since 3.0 writes it.
    if lead[78..80] != [0, 5] {
        return Err(PackageFault::NotRpm(
            "one with a signature of a kind that no rpm reads any more",
        ));
    }
    // Bytes 6 and 7 tell binary from source; the header is checked for it below.
    match lead[6..8] {
        [0, 0] => Ok(()),
        _ => Err(PackageFault::Source),
    }
}

/// All digests of a package, computed in one pass over the file.
struct Digests {
    file: Sha256Hasher,
    payload: Sha256Hasher,
    header_and_payload: Md5,
    len: u64,
    payload_start: Vec<u8>,
    payload_len: u64,
}

impl Digests {
    fn new(front: &[u8], main: &[u8]) -> Self {
        let mut file = Sha256Hasher::default();
        file.update(front);
        let mut header_and_payload = Md5::new();
        header_and_payload.update(main);
        Self {
            file,
            payload: Sha256Hasher::default(),
            header_and_payload,
            len: front.len() as u64,
            payload_start: Vec::new(),
            payload_len: 0,
        }
    }

    fn payload(&mut self, reader: &mut impl Read) -> std::io::Result<()> {
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let n = match reader.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if self.payload_start.is_empty() {
                self.payload_start = buffer[..n.min(8)].to_vec();
            }
            self.file.update(&buffer[..n]);
            self.payload.update(&buffer[..n]);
            self.header_and_payload.update(&buffer[..n]);
            self.len += n as u64;
            self.payload_len += n as u64;
        }
    }
}

fn parse_package(
    path: &Path,
    metadata: &PackageMetadata,
    digests: Digests,
    range: (usize, usize),
    generation: Generation,
) -> FaultResult<RpmPackage> {
    check_digests(metadata, &digests)?;
    if metadata.is_source_package() {
        return Err(PackageFault::Source);
    }
    check_payload(metadata, &digests)?;
    check_features(metadata, generation)?;
    let text = |field, tag, expected, good: fn(&str) -> bool| -> FaultResult<String> {
        let value = metadata.header.get_entry_data_as_string(tag).unwrap_or_default();
        if good(value) {
            return Ok(value.to_owned());
        }
        let value = value.chars().take(100).collect();
        Err(PackageFault::Value { field, value, expected })
    };
    let name = text("name", IndexTag::RPMTAG_NAME, "a package name", is_name)?;
    let version =
        text("version", IndexTag::RPMTAG_VERSION, "a version without a dash", is_version)?;
    let release =
        text("release", IndexTag::RPMTAG_RELEASE, "a release without a dash", is_version)?;
    let arch = text("architecture", IndexTag::RPMTAG_ARCH, "x86_64, i686 or noarch", |arch| {
        matches!(arch, "x86_64" | "i686" | "noarch")
    })?;
    let epoch = match metadata.get_epoch() {
        Ok(epoch) => epoch,
        Err(rpm::Error::TagNotFound(_)) => 0,
        Err(error) => return Err(PackageFault::Unreadable(error)),
    };
    let sha256 = digests.file.finish();
    let location = format!("{name}-{version}-{release}.{arch}.rpm");
    let header_range = (range.0 as u64, range.1 as u64);
    let mut package = Package::default();
    package
        .set_name(name.clone())
        .set_arch(arch.clone())
        .set_evr(Evr::new(epoch.to_string(), version.clone(), release.clone()))
        .set_checksum(Checksum::Sha256(sha256.to_string()))
        .set_location_href(location.clone())
        .set_size_package(digests.len)
        .set_rpm_header_range(header_range.0, header_range.1);
    copy_description(&mut package, metadata).map_err(PackageFault::Unreadable)?;
    Ok(RpmPackage {
        path: path.to_owned(),
        file: None,
        location,
        name,
        epoch,
        version,
        release,
        arch,
        sha256,
        len: digests.len,
        header_range,
        signature_status: SignatureStatus::Unsigned,
        metadata: package,
    })
}

fn check_digests(metadata: &PackageMetadata, digests: &Digests) -> FaultResult<()> {
    let report = metadata.check_digests().map_err(PackageFault::Unreadable)?;
    if !report.has_header_digest() {
        return Err(PackageFault::NoDigest("header"));
    }
    for (status, kind) in [(&report.header_sha256, "sha256"), (&report.header_sha1, "sha1")] {
        if status.is_mismatch() {
            return Err(PackageFault::Digest("header", kind));
        }
    }
    // A digest of another type is a fault, not an absent one.
    for tag in [Sig::RPMSIGTAG_SHA1, Sig::RPMSIGTAG_SHA256] {
        optional(metadata.signature.get_entry_data_as_string(tag))?;
    }
    let md5 = optional(metadata.signature.get_entry_data_as_binary(Sig::RPMSIGTAG_MD5))?;
    let sha256 = metadata.header.get_entry_data_as_string(IndexTag::RPMTAG_PAYLOADSHA256);
    let sha256 = optional(sha256)?;
    if md5.is_none() && sha256.is_none() {
        return Err(PackageFault::NoDigest("payload"));
    }
    if sha256.is_some_and(|hex| hex != digests.payload.clone().finish().to_string()) {
        return Err(PackageFault::Digest("payload", "sha256"));
    }
    if md5.is_some_and(|bytes| bytes != &digests.header_and_payload.clone().finalize()[..]) {
        return Err(PackageFault::Digest("payload", "md5"));
    }
    Ok(())
}

/// Returns a value, or `None` when the header does not have it.
fn optional<T>(value: Result<T, rpm::Error>) -> FaultResult<Option<T>> {
    match value {
        Ok(value) => Ok(Some(value)),
        Err(rpm::Error::TagNotFound(_)) => Ok(None),
        Err(error) => Err(PackageFault::Unreadable(error)),
    }
}

fn check_payload(metadata: &PackageMetadata, digests: &Digests) -> FaultResult<()> {
    if digests.payload_len == 0 {
        return Err(PackageFault::NoPayload);
    }
    // Before there was a tag for it, the compression was gzip.
    let compressor =
        match metadata.header.get_entry_data_as_string(IndexTag::RPMTAG_PAYLOADCOMPRESSOR) {
            Ok(text) => text,
            Err(rpm::Error::TagNotFound(_)) => "gzip",
            Err(error) => return Err(PackageFault::Unreadable(error)),
        };
    let start: &[u8] = match compressor {
        "gzip" => &[0x1f, 0x8b],
        "xz" => &[0xfd, b'7', b'z', b'X', b'Z'],
        "bzip2" => b"BZh",
        "lzma" => &[0x5d, 0],
        other => return Err(PackageFault::Compression(other.chars().take(40).collect())),
    };
    if digests.payload_start.starts_with(start) {
        return Ok(());
    }
    let what = format!("it names {compressor}, the payload is something else");
    Err(PackageFault::Header("header", what))
}

/// Checks that the installer's rpm has every feature that the package requires.
fn check_features(metadata: &PackageMetadata, generation: Generation) -> FaultResult<()> {
    for dependency in metadata.get_requires().map_err(PackageFault::Unreadable)? {
        let name = dependency.name.as_str();
        let provided =
            |feature: &str| generation.package_rules().rpmlib.iter().any(|one| one == feature);
        let known = match name.strip_prefix("rpmlib(").and_then(|rest| rest.strip_suffix(')')) {
            Some(feature) => provided(feature),
            None => !name.starts_with('(') || provided("RichDependencies"),
        };
        if !known {
            return Err(PackageFault::Feature(name.chars().take(100).collect()));
        }
    }
    Ok(())
}

/// Copies the metadata beside the package's identity.
fn copy_description(package: &mut Package, metadata: &PackageMetadata) -> Result<(), rpm::Error> {
    package
        .set_summary(metadata.get_summary().unwrap_or_default())
        .set_description(metadata.get_description().unwrap_or_default())
        .set_packager(metadata.get_packager().unwrap_or_default())
        .set_url(metadata.get_url().unwrap_or_default())
        .set_time_build(metadata.get_build_time().unwrap_or_default())
        .set_rpm_license(metadata.get_license().unwrap_or_default())
        .set_rpm_vendor(metadata.get_vendor().unwrap_or_default())
        .set_rpm_group(metadata.get_group().unwrap_or_default())
        .set_rpm_buildhost(metadata.get_build_host().unwrap_or_default())
        .set_rpm_sourcerpm(metadata.get_source_rpm().unwrap_or_default())
        .set_size_installed(metadata.get_installed_size().unwrap_or_default())
        .set_provides(requirements(metadata.get_provides()?))
        .set_requires(requirements(metadata.get_requires()?))
        .set_conflicts(requirements(metadata.get_conflicts()?))
        .set_obsoletes(requirements(metadata.get_obsoletes()?));
    let archive = metadata.signature.get_entry_data_as_u32(Sig::RPMSIGTAG_PAYLOADSIZE);
    package.set_size_archive(archive.map_or(0, u64::from));
    let modes = metadata.header.get_entry_data_as_u16_array(IndexTag::RPMTAG_FILEMODES);
    let modes = modes.unwrap_or_default();
    for (at, (dir, base)) in metadata.get_file_paths_split()?.into_iter().enumerate() {
        let is_dir = modes.get(at).is_some_and(|mode| mode & 0o170_000 == 0o040_000);
        package.add_file_split(if is_dir { FileType::Dir } else { FileType::File }, dir, base);
    }
    // Newest first in a header, oldest first in the metadata.
    let newest = metadata.iter_changelog_entries()?.take(CHANGELOGS);
    let mut changelogs: Vec<Changelog> = newest.map(Changelog::from).collect();
    changelogs.reverse();
    package.set_changelogs(changelogs);
    Ok(())
}

/// Converts dependencies to those of repository metadata, each once, without rpm's own features.
fn requirements(dependencies: Vec<rpm::Dependency>) -> Vec<Requirement> {
    let mut kept: Vec<Requirement> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for dependency in dependencies {
        let key = (dependency.name.clone(), dependency.flags.bits(), dependency.version.clone());
        if dependency.name.starts_with("rpmlib(") || !seen.insert(key) {
            continue;
        }
        let flags = relation(dependency.flags);
        let mut requirement = Requirement::new(dependency.name).set_flags(flags);
        if flags.is_some() && !dependency.version.is_empty() {
            let evr = Evr::parse(&dependency.version);
            let epoch = if evr.epoch().is_empty() { "0" } else { evr.epoch() };
            let release = Some(evr.release()).filter(|release| !release.is_empty());
            requirement = requirement
                .set_epoch(Some(epoch))
                .set_version(Some(evr.version()))
                .set_release(release);
        }
        kept.push(requirement);
    }
    kept
}

fn relation(flags: rpm::DependencyFlags) -> Option<RequirementType> {
    use rpm::DependencyFlags as Flags;
    let has = |flag| flags.contains(flag);
    match (has(Flags::LESS), has(Flags::GREATER), has(Flags::EQUAL)) {
        (true, false, false) => Some(RequirementType::LT),
        (true, false, true) => Some(RequirementType::LE),
        (false, true, false) => Some(RequirementType::GT),
        (false, true, true) => Some(RequirementType::GE),
        (false, false, true) => Some(RequirementType::EQ),
        _ => None,
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-'))
}

fn is_version(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'~' | b'^');
    !text.is_empty() && text.len() <= 64 && text.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dist_tag_is_found_wherever_it_stands() {
        let cases = [
            ("16.el6", Some("el6")),
            ("136.el6_6.1", Some("el6")),
            ("1.el6.elrepo", Some("el6")),
            ("3.el7", Some("el7")),
            ("1.elrepo", None),
            ("1", None),
            ("1.el", None),
        ];
        for (release, tag) in cases {
            assert_eq!(dist_tag(release), tag, "{release}");
        }
    }

    #[test]
    fn names_and_versions_are_plain_words() {
        for good in ["perl", "gcc-c++", "kmod-reiserfs", "389-ds"] {
            assert!(is_name(good));
        }
        for bad in ["", "-x", "../x", "a b", "a\nb", "$(reboot)", "a/b"] {
            assert!(!is_name(bad), "{bad:?}");
        }
        assert!(is_version("1.0~rc1") && !is_version("1-2") && !is_version("1<2"));
    }
}
