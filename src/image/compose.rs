//! Composes the image of a plan and its payload: the vendor's medium extended, or a new kickstart
//! disc.
//!
//! Not for writing it (`writing`), nor for the content of the files (`payload`).

use std::sync::Arc;

use super::debian_medium::{self, DebianMediumError};
use super::manifest::{BootRecord, FileRecord, Manifest};
use super::md5_list::{MD5_LIST, Md5List};
use super::menus::{self, MediumChanges, MenuChange, MenuError, UnattendedEntry};
use super::payload_file::PayloadFile;
use super::plan::{BaseMedium, Plan};
use super::treeinfo::TreeInfo;
use super::writing::{BaseDigests, BaseFile};
use crate::digest::{Sha256, md5_hex};
use crate::disc_path::{DiscPath, DiscPathError};
use crate::hint::hinted;
use crate::installer::disc_layout;
use crate::installer::profile::Installer;
use crate::iso::bytemap::{ByteMap, ByteOrigin, SECTOR};
use crate::iso::media_md5::MediaMd5;
use crate::iso::system_area::{SystemArea, SystemAreaError};
use crate::iso::{
    BootDigests, Edits, EntryKind, FileContent, IsoEntry, IsoError, Medium, PlannedImage,
    Timestamp, compute_boot_digests, create, extend, find_second_tree,
};

/// An image that is planned to the last byte, except for digests in its manifest.
#[derive(Clone, Debug)]
pub struct Composition {
    /// All bytes of the image.
    pub image: ByteMap,
    /// The vendor's medium, for writing.
    pub base: Option<BaseFile>,
    /// Bytes of the volume by its descriptor, over which the media md5 is taken.
    pub volume_bytes: u64,
    /// The manifest, with [`SHA256_PLACEHOLDER`](super::manifest::SHA256_PLACEHOLDER) for the
    /// base's digest.
    pub manifest: Manifest,
    /// The boot menus, before and after.
    pub menus: Vec<MenuChange>,
    /// What a person should know.
    pub notes: Vec<String>,
    manifest_at: u64,
    sums_at: u64,
    digests: Option<BootDigests>,
}

/// Why an image cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// The medium cannot be read or extended.
    #[error(transparent)]
    Iso(#[from] IsoError),
    /// The partition tables cannot be grown.
    #[error(transparent)]
    SystemArea(#[from] SystemAreaError),
    /// The boot menus cannot be changed.
    #[error(transparent)]
    Menu(#[from] MenuError),
    /// The medium installs another release than the profile is for.
    #[error("the medium installs release {found}, the profile {profile} is for release {wanted}")]
    OtherGeneration {
        /// The medium's major release.
        found: u8,
        /// The profile's.
        wanted: u8,
        /// The profile.
        profile: String,
    },
    /// The medium is not an installer.
    #[error("the medium is not one of anaconda: {0}")]
    NotAnInstaller(String),
    /// The medium is for other processors than the agent and the packages.
    #[error("the medium is for {0}, the agent and its packages are for {ARCHITECTURE}")]
    OtherArchitecture(String),
    /// The medium is not one of the profile's installer.
    #[error(transparent)]
    DebianMedium(#[from] DebianMediumError),
    /// The profile's installer takes nothing from a disc beside its own.
    #[error("the profile {0} needs the vendor's medium: its installer reads no second disc")]
    NeedsMedium(String),
    /// A disk made of the medium shows another directory tree, without the new files.
    #[error("a partition of the medium has a directory tree of its own, at byte {0}")]
    SecondTree(u64),
    /// A file's path is not allowed on a disc.
    #[error(transparent)]
    Path(#[from] DiscPathError),
    /// A changed file cannot be read back from the plan.
    #[error("cannot digest /{0}")]
    Digest(String, #[source] std::io::Error),
}

impl ComposeError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Iso(error) => error.hint(),
            Self::SystemArea(error) => error.hint(),
            Self::Menu(error) => error.hint(),
            Self::OtherGeneration { found, .. } => {
                Some(format!("choose a recipe for release {found}, or another medium"))
            }
            Self::NotAnInstaller(..) => Some(
                "give the minimal or DVD medium of the distribution; a boot-only one has no \
                 packages"
                    .to_owned(),
            ),
            Self::OtherArchitecture(..) => {
                Some(format!("give the medium for {ARCHITECTURE} of the same release"))
            }
            Self::SecondTree(..) => Some(
                "give the vendor's medium as it comes; one that xorriso made with \
                 -partition_offset shows its own tree on a stick, without the kickstart"
                    .to_owned(),
            ),
            Self::DebianMedium(error) => error.hint(),
            Self::NeedsMedium(..) => {
                Some("add --base ISO, or base: {file: ISO} to the recipe".to_owned())
            }
            Self::Path(_) | Self::Digest(..) => None,
        }
    }
}

hinted!(ComposeError);

/// The processors that master targets run on: there is no agent for others
/// (D:site-recovery-vmware-to-azure-support-matrix).
const ARCHITECTURE: &str = "x86_64";

/// Plans every byte of the image from a plan and its payload.
///
/// # Errors
///
/// Refuses a medium that cannot be extended safely, that is of another generation than the profile,
/// or whose boot menus have no entry that installs.
pub fn compose(plan: &Plan, payload: &[PayloadFile]) -> Result<Composition, ComposeError> {
    match &plan.base {
        Some(base) => compose_installer(plan, base, payload),
        None => compose_kickstart_disc(plan, payload),
    }
}

/// Adds the payload to a vendor's medium and changes its boot menus.
fn compose_installer(
    plan: &Plan,
    base: &BaseMedium,
    payload: &[PayloadFile],
) -> Result<Composition, ComposeError> {
    let info = TreeInfo::from_medium(&base.medium);
    check_medium(plan, base, &info)?;
    if let Some(found) = info.architecture.filter(|found| found != ARCHITECTURE) {
        return Err(ComposeError::OtherArchitecture(found));
    }
    let entry = UnattendedEntry::from_plan(plan, &base.medium.volume_id());
    let changed = menus::add_unattended_entry(&base.medium, &entry, plan.epoch)?;
    let additions =
        Additions { manifest: plan.manifest(), payload, changed, volume_id: None, at: plan.epoch };
    extend_medium(base, additions)
}

/// What is put on a vendor's medium.
pub(super) struct Additions<'a> {
    /// The manifest without its files.
    pub manifest: Manifest,
    /// Files that are new.
    pub payload: &'a [PayloadFile],
    /// The boot menus.
    pub changed: MediumChanges,
    /// Another volume id.
    pub volume_id: Option<String>,
    /// The date of what is new.
    pub at: Timestamp,
}

/// Plans a vendor's medium with additions.
pub(super) fn extend_medium(
    base: &BaseMedium,
    additions: Additions<'_>,
) -> Result<Composition, ComposeError> {
    let Additions { mut manifest, payload, changed, volume_id, at } = additions;
    if let Some(at) = find_second_tree(base.medium.source(), base.medium.file_len()) {
        return Err(ComposeError::SecondTree(at));
    }
    let area = SystemArea::read(base.medium.source(), base.medium.file_len())?;
    let mut edits = Edits { patch: changed.patches.clone(), volume_id, ..Edits::default() };
    for file in &changed.files {
        edits.replace.push((file.path.clone(), file.source.clone()));
    }
    let payload: Vec<PayloadFile> = payload.iter().chain(&changed.added).cloned().collect();
    manifest.files = payload.iter().chain(&changed.files).map(PayloadFile::record).collect();
    for path in &changed.patched {
        manifest.files.push(patched_record(base, &edits, path)?);
    }
    if let Some(list) = correct_md5_list(base, &payload, &changed, &edits)? {
        edits.replace.push((list.path.clone(), list.source.clone()));
        manifest.files.push(list.record());
    }
    let watched = find_boot_files(&base.medium, &manifest);
    manifest.boot = Some(boot_record(&base.medium, &watched));
    edits.add = add_manifest(&payload, &mut manifest)?;

    let append_at = area.append_at().max(base.medium.content_end());
    let extended = extend(&base.medium, &edits, append_at, at)?;
    let volume_bytes = u64::from(extended.volume_sectors) * SECTOR;
    let growth = area.grow(extended.map.len());
    let placed = ManifestLocation::from_image(&extended);
    let mut image = extended.map;
    image.push(growth.len.saturating_sub(image.len()), ByteOrigin::Zero);
    for (offset, bytes) in &growth.patches {
        image.patch(*offset, bytes);
    }
    let digests = compute_boot_digests(&image)
        .map_err(|source| ComposeError::Digest("volume descriptors".to_owned(), source))?;
    Ok(Composition {
        image,
        base: Some(BaseFile {
            file: Arc::clone(&base.file),
            len: base.medium.file_len(),
            kept_len: append_at.min(base.medium.file_len()),
            watched: watched.into_iter().map(|file| file.extents).collect(),
        }),
        digests: Some(digests),
        volume_bytes,
        manifest,
        menus: changed.menus,
        notes: growth.notes.iter().map(ToString::to_string).chain(changed.notes).collect(),
        manifest_at: placed.manifest,
        sums_at: placed.sums,
    })
}

/// Refuses a medium that the profile does not install from.
fn check_medium(plan: &Plan, base: &BaseMedium, info: &TreeInfo) -> Result<(), ComposeError> {
    let profile = plan.system.profile_name.to_string();
    let wanted = match &plan.system.profile.installer {
        Installer::DebianInstaller(installer) => {
            return Ok(debian_medium::check(&base.medium, &profile, installer)?);
        }
        Installer::Anaconda(anaconda) => u8::from(anaconda.generation),
    };
    match info.major() {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(ComposeError::OtherGeneration { found, wanted, profile }),
        None => {
            let why = "neither .treeinfo nor .discinfo names a release".to_owned();
            Err(ComposeError::NotAnInstaller(why))
        }
    }
}

/// The list of sums that the installer's own test compares, with what is new or changed; nothing
/// where the medium has none. The manifest, which is finished last, is not in it.
fn correct_md5_list(
    base: &BaseMedium,
    payload: &[PayloadFile],
    changed: &MediumChanges,
    edits: &Edits,
) -> Result<Option<PayloadFile>, ComposeError> {
    let Some(mut list) = Md5List::from_medium(&base.medium) else { return Ok(None) };
    for file in payload.iter().chain(&changed.files) {
        let path = file.path.as_str().to_owned();
        list.set_file(file).map_err(|source| ComposeError::Digest(path, source))?;
    }
    for path in &changed.patched {
        let failed = |source| ComposeError::Digest(path.as_str().to_owned(), source);
        let md5 = md5_hex(patched_file(base, edits, path)?.reader()).map_err(failed)?;
        list.set(path.as_str(), md5);
    }
    Ok(Some(PayloadFile::from_bytes(MD5_LIST, list.to_text().into_bytes())?))
}

/// Composes a small disc that is used beside the vendor's medium.
fn compose_kickstart_disc(
    plan: &Plan,
    payload: &[PayloadFile],
) -> Result<Composition, ComposeError> {
    let Some(anaconda) = plan.system.profile.anaconda() else {
        let profile = plan.system.profile_name.to_string();
        return Err(ComposeError::NeedsMedium(profile));
    };
    let volume_id = anaconda.kickstart_disc.to_string();
    let mut manifest = plan.manifest();
    manifest.files = payload.iter().map(PayloadFile::record).collect();
    let files = add_manifest(payload, &mut manifest)?;
    let created = create(&files, &volume_id, plan.epoch)?;
    let placed = ManifestLocation::from_image(&created);
    Ok(Composition {
        volume_bytes: u64::from(created.volume_sectors) * SECTOR,
        image: created.map,
        base: None,
        digests: None,
        manifest,
        menus: Vec::new(),
        notes: Vec::new(),
        manifest_at: placed.manifest,
        sums_at: placed.sums,
    })
}

impl Composition {
    /// Returns the bytes that depend on the base's digests: the finished manifest and its list.
    pub fn deferred_patches(&self, base: Option<&BaseDigests>) -> Vec<(u64, Vec<u8>)> {
        let mut manifest = self.manifest.clone();
        if let (Some(record), Some(digests)) = (manifest.base.as_mut(), base) {
            record.sha256 = digests.whole.to_string();
        }
        if let (Some(boot), Some(digests), Some(base)) =
            (manifest.boot.as_mut(), &self.digests, base)
        {
            *boot = BootRecord {
                descriptors: digests.descriptors,
                catalog: digests.catalog,
                code: digests.code,
                files: std::mem::take(&mut boot.files),
            };
            for (file, digest) in boot.files.iter_mut().zip(&base.watched) {
                file.sha256 = digest.unwrap_or(file.sha256);
            }
        }
        vec![
            (self.manifest_at, manifest.to_json().into_bytes()),
            (self.sums_at, manifest.to_checksum_list().into_bytes()),
        ]
    }

    /// Starts the sum that is implanted.
    pub fn media_md5(&self) -> MediaMd5 {
        MediaMd5::new(self.volume_bytes)
    }

    /// Returns the number of sectors of the base that the image changes.
    pub fn changed_sectors(&self) -> u64 {
        let Some(base) = &self.base else { return 0 };
        let mut count = 0;
        let mut done = 0;
        for run in self.image.runs().iter().take_while(|run| run.at < base.kept_len) {
            if self.image.is_file_range(run.at, run.len) {
                continue;
            }
            let first = (run.at / SECTOR).max(done);
            let end = (run.at + run.len).min(base.kept_len).div_ceil(SECTOR);
            count += end.saturating_sub(first);
            done = end.max(done);
        }
        count
    }
}

/// Directories of the vendor's medium from which the installation starts.
const BOOT_DIRECTORIES: [&str; 6] =
    ["isolinux/", "EFI/", "images/", "LiveOS/", "install/", "boot/grub/"];

/// Files that identify the medium.
const IDENTITY_FILES: [&str; 4] = [".discinfo", ".treeinfo", "repodata/repomd.xml", ".disk/info"];

/// The most files that are watched; a real medium has some forty.
const MOST_WATCHED: usize = 500;

/// Finds the vendor's files from which the installation starts and that stay unchanged.
fn find_boot_files(medium: &Medium, manifest: &Manifest) -> Vec<IsoEntry> {
    let changed = |path: &str| manifest.files.iter().any(|file| file.path == path);
    let is_part = |path: &str| {
        IDENTITY_FILES.contains(&path)
            || BOOT_DIRECTORIES.iter().any(|directory| path.starts_with(directory))
    };
    medium
        .entries()
        .filter(|entry| entry.kind == EntryKind::File && is_part(&entry.path))
        .filter(|entry| !changed(&entry.path))
        .take(MOST_WATCHED)
        .collect()
}

/// Returns the record of what the installation starts from. Its digests are filled in later.
fn boot_record(medium: &Medium, watched: &[IsoEntry]) -> BootRecord {
    let not_yet = Sha256::from([0; 32]);
    BootRecord {
        descriptors: not_yet,
        catalog: medium.boot_catalog().map(|_| not_yet),
        code: not_yet,
        files: watched
            .iter()
            .map(|file| FileRecord { path: file.path.clone(), size: file.len, sha256: not_yet })
            .collect(),
    }
}

/// Adds the manifest and its list to the files. Neither lists itself.
fn add_manifest(
    payload: &[PayloadFile],
    manifest: &mut Manifest,
) -> Result<Vec<(DiscPath, FileContent)>, DiscPathError> {
    manifest.files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut files: Vec<(DiscPath, FileContent)> =
        payload.iter().map(|file| (file.path.clone(), file.source.clone())).collect();
    let text = |text: String| FileContent::Bytes(Arc::from(text.into_bytes()));
    files.push((DiscPath::new(disc_layout::MANIFEST)?, text(manifest.to_json())));
    files.push((DiscPath::new(disc_layout::CHECKSUMS)?, text(manifest.to_checksum_list())));
    Ok(files)
}

/// Returns the record of a file that is changed in place.
fn patched_record(
    base: &BaseMedium,
    edits: &Edits,
    path: &DiscPath,
) -> Result<FileRecord, ComposeError> {
    let failed = |source| ComposeError::Digest(path.as_str().to_owned(), source);
    let file = patched_file(base, edits, path)?;
    let (sha256, size) = Sha256::hash_reader(file.reader()).map_err(failed)?;
    Ok(FileRecord { path: path.as_str().to_owned(), size, sha256 })
}

/// Returns the bytes of a file that is changed in place.
fn patched_file(
    base: &BaseMedium,
    edits: &Edits,
    path: &DiscPath,
) -> Result<ByteMap, ComposeError> {
    let entry = base
        .medium
        .find(path.as_str())
        .ok_or_else(|| IsoError::NotFound(path.as_str().to_owned()))?;
    let mut whole = base.medium.source().clone();
    for (offset, bytes) in &edits.patch {
        whole.patch(*offset, bytes);
    }
    let mut file = ByteMap::new();
    for (offset, len) in &entry.extents {
        whole.copy_range(*offset, *len, &mut file);
    }
    Ok(file)
}

/// The offsets of the manifest and its list.
struct ManifestLocation {
    manifest: u64,
    sums: u64,
}

impl ManifestLocation {
    fn from_image(image: &PlannedImage) -> Self {
        let at = |path: &str| {
            let placed = image.placed.iter().find(|file| file.path.as_str() == path);
            placed.expect("the manifest is among the files that were placed").at
        };
        Self { manifest: at(disc_layout::MANIFEST), sums: at(disc_layout::CHECKSUMS) }
    }
}
