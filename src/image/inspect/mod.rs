//! From a finished image to facts, out of the file alone.
//!
//! Not for judging them (`check`): a fact that cannot be read is unavailable with its reason, and
//! the next one is read all the same.

mod agent;
mod medium;
mod menus;
mod packages;
mod payload;
mod source;
mod telling;

use std::fs::File;
use std::sync::Arc;

pub use medium::MediaMd5Check;
pub use packages::{Asked, Stock, packages};
pub use payload::manifest;
use telling::told;

use super::generation;
use super::iso::{IsoError, Medium};
use super::kickstart;
use super::manifest::Manifest;
use super::menus as boot_menus;
use super::on_disc;
use super::profile::Generation;
use crate::facts::Fact;
use crate::facts::image::{ImageFacts, ImageKind, KickstartFacts};

/// The largest kickstart that is read; the el6 loader holds it on its stack.
const KICKSTART_BYTES: u64 = 1024 * 1024;

/// Reads everything that is judged about an image.
///
/// # Errors
///
/// Refuses what is no ISO 9660 image, or a damaged one.
pub fn image(file: &Arc<File>, md5: MediaMd5Check) -> Result<ImageFacts, IsoError> {
    Ok(medium(&Medium::open(Arc::clone(file))?, md5))
}

/// As [`image`], of a medium that may exist only as a plan.
pub fn medium(medium: &Medium, md5: MediaMd5Check) -> ImageFacts {
    let manifest = payload::manifest(medium);
    let menus = boot_menus::read(medium);
    let kind = kind_of(medium, &manifest);
    let generation = generation_of(medium, &manifest);
    let boot = menus::facts(&menus);
    let location = match kind {
        ImageKind::KickstartDisc => Ok(on_disc::KICKSTART.to_owned()),
        _ => menus::kickstart_path(&menus),
    };
    let text = location.and_then(|path| {
        let bytes = medium.read(&path, KICKSTART_BYTES).map_err(|error| error.to_string())?;
        Ok((path, bytes))
    });
    let asked = text.as_ref().map_err(Clone::clone).map(|(_, bytes)| asked_for(bytes));
    let mut digests = payload::Digests::of(medium);
    let (agent, noted) = agent::facts(medium, &manifest);
    if let Some((path, digest)) = noted {
        digests.note(&path, digest);
    }
    let kickstart = text.and_then(|(path, bytes)| {
        kickstart_facts(&path, &bytes, generation.as_ref().map_err(Clone::clone)?, &manifest)
    });
    ImageFacts {
        kind,
        size: i64::try_from(medium.file_len()).unwrap_or(i64::MAX),
        volume_id: medium.volume_id(),
        generation: Fact::from(generation.map(i64::from)),
        medium: medium::facts(medium, md5),
        boot,
        source: source::facts(medium, &asked, &mut digests),
        kickstart: Fact::from(kickstart),
        payload: payload::facts(medium, &manifest, &mut digests),
        agent,
    }
}

/// What an image is for: the manifest says so of ours, the vendor's files of the vendor's.
fn kind_of(medium: &Medium, manifest: &Result<Manifest, String>) -> ImageKind {
    let installer = medium.find(".discinfo").is_some() || medium.find(".treeinfo").is_some();
    match manifest {
        Ok(manifest) if manifest.kind == "kickstart-disc" => ImageKind::KickstartDisc,
        Ok(_) => ImageKind::Installer,
        // A manifest that is there but cannot be read is ours, and damaged.
        Err(_) if medium.find(on_disc::MANIFEST).is_some() && installer => ImageKind::Installer,
        Err(_) if medium.find(on_disc::MANIFEST).is_some() => ImageKind::KickstartDisc,
        Err(_) if installer => ImageKind::VendorMedium,
        Err(_) => ImageKind::Other,
    }
}

fn generation_of(medium: &Medium, manifest: &Result<Manifest, String>) -> Result<u8, String> {
    generation::of(medium).or_else(|why| manifest.as_ref().map(|m| m.generation).map_err(|_| why))
}

fn asked_for(kickstart: &[u8]) -> Vec<String> {
    let document = kickstart::parse(&String::from_utf8_lossy(kickstart));
    document.packages().into_iter().map(str::to_owned).collect()
}

fn kickstart_facts(
    path: &str,
    bytes: &[u8],
    generation: &u8,
    manifest: &Result<Manifest, String>,
) -> Result<KickstartFacts, String> {
    // What is not UTF-8 must reach the linter as something that is not ASCII.
    let text = String::from_utf8_lossy(bytes);
    let generation = Generation::try_from(*generation)?;
    let mut facts = kickstart::facts(&text, path, generation);
    facts.firmware = Fact::from(manifest.as_ref().map(|manifest| manifest.firmware.clone()));
    Ok(facts)
}
