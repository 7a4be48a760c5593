//! From a finished image to facts, out of the file alone.
//!
//! Not for evaluating them (`check`): a fact that cannot be read is unavailable with its reason,
//! and the next one is read all the same.

mod agent;
mod answer_file;
mod chain;
mod deb_packages;
mod debian;
mod digests;
mod error_causes;
mod fault_list;
mod kickstart_location;
mod medium;
mod menus;
mod packages;
mod payload;
mod source;
mod vendor;

use std::fs::File;
use std::sync::Arc;

use answer_file::AnswerFile;
pub use deb_packages::{AvailableDebs, DebRequest, inspect_debs};
use debian::DebianMedium;
use digests::Digests;
use error_causes::join_causes;
pub use medium::MediaMd5Check;
pub use packages::{AvailablePackages, DepsolveRequest, inspect_packages};
pub use payload::read_manifest;
use source::Repositories;
use vendor::{VendorFacts, VendorFiles};

use super::manifest::{CUSTOM_MEDIUM, Manifest};
use super::menus::{self as boot_menus, Menus};
use super::treeinfo::TreeInfo;
use super::vendor_repositories::vendor_repositories;
use crate::facts::Fact;
use crate::facts::image::{ImageFacts, ImageKind};
use crate::installer::disc_layout;
use crate::installer::kickstart::model::KICKSTART_DISC_MOUNT;
use crate::iso::{IsoError, Medium};

/// The largest kickstart that is read; the el6 loader holds it on its stack.
const MAX_KICKSTART_BYTES: u64 = 1024 * 1024;

/// Reads the facts of an image.
///
/// # Errors
///
/// Refuses what is no ISO 9660 image, or a damaged one.
pub fn inspect_file(file: &Arc<File>, md5: MediaMd5Check) -> Result<ImageFacts, IsoError> {
    Ok(inspect_medium(&Medium::open(Arc::clone(file))?, md5))
}

/// As [`inspect_file`], of a medium that may exist only as a plan.
pub fn inspect_medium(medium: &Medium, md5: MediaMd5Check) -> ImageFacts {
    let manifest = payload::read_manifest(medium);
    let menus = boot_menus::read(medium);
    let info = TreeInfo::from_medium(medium);
    let kind = image_kind(medium, &manifest, &menus, &info);
    let generation = installer_generation(&info, &manifest);
    let chain = chain::follow(medium, &menus, kind);
    let text = used_kickstart_path(medium, kind, &menus, &info).and_then(|path| {
        let bytes =
            medium.read_file(&path, MAX_KICKSTART_BYTES).map_err(|error| error.to_string())?;
        Ok((path, bytes))
    });
    let answers = text.and_then(|(path, bytes)| {
        let answers = AnswerFile::read(&path, &bytes)?;
        Ok((path, answers))
    });
    let asked = answers.as_ref().map_err(Clone::clone).map(|(_, answers)| answers.sources());
    let debian = DebianMedium::read(medium);
    let repositories = Repositories::read(medium);
    let mut digests = Digests::new(medium);
    let (agent, noted) = agent::facts(medium, &manifest);
    if let Some((path, digest)) = noted {
        digests.insert(&path, digest);
    }
    let vendor = VendorFiles {
        medium,
        info: &info,
        manifest: manifest.as_ref().ok(),
        repo: &repositories.vendor,
        chain: &chain.files,
        is_customised: matches!(kind, ImageKind::Installer | ImageKind::CustomMedium),
        needs_repository: kind != ImageKind::CustomMedium
            || !vendor_repositories(medium).is_empty(),
    };
    vendor.request_digests(&mut digests);
    repositories.request_digests(&mut digests);
    payload::request_digests(medium, &mut digests);
    let mut media_md5 = digests.compute(md5);
    let vendor = match (kind, &debian) {
        (ImageKind::KickstartDisc | ImageKind::Other, _) => VendorFacts::default(),
        (_, Some(debian)) => {
            let (sum, vendor) = debian.verify(medium, manifest.as_ref().ok(), &chain.files);
            media_md5 = sum;
            vendor
        }
        (_, None) => vendor.verify(&mut digests),
    };
    let kickstart =
        answers.and_then(|(path, answers)| answers.facts(&path, &generation, &manifest));
    ImageFacts {
        kind,
        size: i64::try_from(medium.file_len()).unwrap_or(i64::MAX),
        volume_id: medium.volume_id(),
        generation: Fact::from(generation.map(i64::from)),
        architecture: info.architecture.clone().map_or_else(
            || Fact::unavailable("neither .treeinfo nor .discinfo names an architecture"),
            Fact::Known,
        ),
        medium: medium::facts(medium, media_md5),
        boot: menus::facts(&menus, chain),
        source: source::facts(
            medium,
            &repositories,
            debian.as_ref(),
            &asked,
            installer_mounts(kind, &info, debian.is_some()),
            vendor,
            &mut digests,
        ),
        kickstart: Fact::from(kickstart),
        payload: payload::facts(medium, &manifest, &mut digests),
        agent,
    }
}

/// Where the installer mounts the disc that carries the packages: anaconda 13's yuminstall.py, and
/// dracut's from 7 on; debian-installer's cdrom-detect; `%pre` mounts a kickstart disc.
fn installer_mounts(kind: ImageKind, info: &TreeInfo, is_debian: bool) -> &'static [&'static str] {
    match (kind, info.major()) {
        (ImageKind::KickstartDisc, _) => &[KICKSTART_DISC_MOUNT],
        _ if is_debian => &["/cdrom"],
        (_, Some(6)) => &["/mnt/source"],
        _ => &["/run/install/repo", "/run/install/source"],
    }
}

/// Anaconda of 7 and later uses `ks.cfg` of a volume with this label without an argument
/// (rhel7-branch, dracut/parse-kickstart).
const DRIVER_LABEL: &str = "OEMDRV";

fn has_driver_disc_kickstart(medium: &Medium, info: &TreeInfo) -> bool {
    info.major() != Some(6)
        && medium.volume_id() == DRIVER_LABEL
        && medium.find(disc_layout::KICKSTART).is_some()
}

/// The path on the disc of the kickstart that is used.
fn used_kickstart_path(
    medium: &Medium,
    kind: ImageKind,
    menus: &Menus,
    info: &TreeInfo,
) -> Result<String, String> {
    match menus::kickstart_path(menus, &medium.volume_id()) {
        _ if kind == ImageKind::KickstartDisc => Ok(disc_layout::KICKSTART.to_owned()),
        Err(_) if has_driver_disc_kickstart(medium, info) => Ok(disc_layout::KICKSTART.to_owned()),
        path => path,
    }
}

/// What an image is for: the manifest says so of ours, and a boot menu that starts a kickstart of
/// the disc; the vendor's files of the vendor's.
fn image_kind(
    medium: &Medium,
    manifest: &Result<Manifest, String>,
    menus: &Menus,
    info: &TreeInfo,
) -> ImageKind {
    let installer =
        [".discinfo", ".treeinfo", ".disk/info"].iter().any(|path| medium.find(path).is_some());
    let volume_id = medium.volume_id();
    match manifest {
        Ok(manifest) if manifest.kind == "kickstart-disc" => ImageKind::KickstartDisc,
        Ok(manifest) if manifest.kind == CUSTOM_MEDIUM => ImageKind::CustomMedium,
        Ok(_) => ImageKind::Installer,
        Err(_) if chain::names_kickstart(menus, &volume_id) => ImageKind::Installer,
        Err(_) if installer && has_driver_disc_kickstart(medium, info) => ImageKind::Installer,
        // A manifest that is there but cannot be read is ours, and damaged.
        Err(_) if medium.find(disc_layout::MANIFEST).is_some() && installer => ImageKind::Installer,
        Err(_) if medium.find(disc_layout::MANIFEST).is_some() => ImageKind::KickstartDisc,
        Err(_) if installer => ImageKind::VendorMedium,
        Err(_) => ImageKind::Other,
    }
}

fn installer_generation(
    info: &TreeInfo,
    manifest: &Result<Manifest, String>,
) -> Result<u8, String> {
    let told = || "neither .treeinfo nor .discinfo names a release".to_owned();
    let of_manifest = || manifest.as_ref().map(|manifest| manifest.generation).map_err(|_| told());
    info.major().map_or_else(of_manifest, Ok)
}
