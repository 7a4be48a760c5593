//! What was added to an image, held against the manifest on it.

use std::collections::BTreeMap;

use super::digests::Digests;
use crate::digest::Sha256;
use crate::disc_path::DiscPath;
use crate::facts::image::{PayloadFacts, ProvenanceFacts};
use crate::facts::{Collection, Fact};
use crate::image::manifest::{self, Manifest, SelfCheckRecord};
use crate::installer::disc_layout;
use crate::iso::{EntryKind, Medium, compute_boot_digests};

/// The largest manifest that is read.
const MAX_MANIFEST_BYTES: u64 = 8 * 1024 * 1024;

/// Reads the manifest of an image.
///
/// # Errors
///
/// Returns the reason when there is none: no such file, or not a manifest.
pub fn read_manifest(medium: &Medium) -> Result<Manifest, String> {
    let bytes = medium
        .read_file(disc_layout::MANIFEST, MAX_MANIFEST_BYTES)
        .map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| format!("/{}: {error}", disc_layout::MANIFEST))
}

/// Requests the digests that [`facts`] compares.
pub fn request_digests(medium: &Medium, digests: &mut Digests<'_>) {
    let listed = checksum_list(medium).unwrap_or_default();
    listed.iter().for_each(|(_, path)| digests.request(path.as_str()));
}

/// Verifies every file that the list on the disc names.
pub fn facts(
    medium: &Medium,
    manifest: &Result<Manifest, String>,
    digests: &mut Digests<'_>,
) -> PayloadFacts {
    let sums = checksum_list(medium);
    let faults = sums.as_ref().map(|sums| {
        let mut faults: Vec<String> = sums
            .iter()
            .filter_map(|(wanted, path)| digest_fault(digests, *wanted, path.as_str()))
            .collect();
        if let Ok(manifest) = manifest {
            faults.extend(disagreements(manifest, sums));
            faults.extend(boot_faults(medium, manifest, digests));
        }
        Collection::complete(faults)
    });
    let strangers = sums.as_ref().map(|sums| Collection::complete(unlisted_files(medium, sums)));
    let verified = manifest.as_ref().map_err(Clone::clone).and_then(|_| {
        let faults = faults.as_ref().map_err(|why| (*why).clone())?;
        let strangers = strangers.as_ref().map_err(|why| (*why).clone())?;
        Ok(faults.items.is_empty() && strangers.items.is_empty())
    });
    PayloadFacts {
        verified: Fact::from(verified),
        made: Fact::from(manifest.as_ref().map(made_facts)),
        manifest: Fact::from(manifest.as_ref().map(|_| true)),
        files: Fact::from(
            sums.as_ref().map(|sums| i64::try_from(sums.len()).expect("a list fits memory")),
        ),
        faults: Fact::from(faults),
        self_check: Fact::from(manifest.as_ref().map(self_check)),
        registration: Fact::from(manifest.as_ref().map(registration)),
        strangers: Fact::from(strangers),
    }
}

/// What the manifest says the image was made of.
fn made_facts(manifest: &Manifest) -> ProvenanceFacts {
    let base = manifest.base.as_ref().ok_or("it was made without the vendor's medium");
    ProvenanceFacts {
        tool: format!("{} {}", manifest.tool.name, manifest.tool.version),
        recipe: manifest.recipe.name.clone(),
        recipe_sha256: manifest.recipe.sha256.to_string(),
        overridden: Collection::complete(manifest.recipe.overridden.clone()),
        plan_sha256: manifest.plan_sha256.to_string(),
        profile: manifest.profile.clone(),
        base: Fact::from(base.map(|base| base.name.clone())),
        base_sha256: Fact::from(base.map(|base| base.sha256.clone())),
        incomplete: Collection::complete(manifest.incomplete.clone()),
    }
}

/// The self-check in words.
fn self_check(manifest: &Manifest) -> String {
    match &manifest.self_check {
        None => "none".to_owned(),
        Some(SelfCheckRecord { binary: Some(program), .. }) => {
            format!("evaluated there by /{}, sha256 {}", program.path, program.sha256)
        }
        Some(SelfCheckRecord { no_binary, .. }) => format!(
            "not evaluated there, no program is included: {}",
            no_binary.as_deref().unwrap_or("no reason is recorded")
        ),
    }
}

/// The registration in words.
fn registration(manifest: &Manifest) -> String {
    match &manifest.registration {
        None => "none".to_owned(),
        Some(server) => format!("with {}:{}", server.address, server.port),
    }
}

fn checksum_list(medium: &Medium) -> Result<Vec<(Sha256, DiscPath)>, String> {
    let bytes = medium
        .read_file(disc_layout::CHECKSUMS, MAX_MANIFEST_BYTES)
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8(bytes).map_err(|_| "the list is not text".to_owned())?;
    let sums = manifest::parse_checksum_list(&text)
        .map_err(|error| format!("/{}: {error}", disc_layout::CHECKSUMS))?;
    if sums.is_empty() {
        return Err(format!("/{} names no file", disc_layout::CHECKSUMS));
    }
    Ok(sums)
}

fn digest_fault(digests: &mut Digests<'_>, wanted: Sha256, path: &str) -> Option<String> {
    match digests.get(path) {
        Ok(found) if found == wanted => None,
        Ok(found) => Some(format!("/{path} has sha256 {found}, the manifest says {wanted}")),
        Err(why) => Some(format!("/{path} {why}")),
    }
}

/// Files of the manifest that the list does not have, or has with another digest.
fn disagreements(manifest: &Manifest, sums: &[(Sha256, DiscPath)]) -> Vec<String> {
    let listed: BTreeMap<&str, Sha256> =
        sums.iter().map(|(digest, path)| (path.as_str(), *digest)).collect();
    let agrees = |path: &str, digest| listed.get(path) == Some(&digest);
    manifest
        .files
        .iter()
        .filter(|file| !agrees(&file.path, file.sha256))
        .map(|file| format!("/{} is not so in /{}", file.path, disc_layout::CHECKSUMS))
        .collect()
}

/// What the installation starts from and is no longer what it was when the image was built.
fn boot_faults(medium: &Medium, manifest: &Manifest, digests: &mut Digests<'_>) -> Vec<String> {
    let Some(boot) = &manifest.boot else { return Vec::new() };
    let mut faults: Vec<String> = boot
        .files
        .iter()
        .filter_map(|file| digest_fault(digests, file.sha256, &file.path))
        .collect();
    match compute_boot_digests(medium.source()) {
        Ok(found) => {
            for (what, is_same) in [
                ("the volume descriptors are", found.descriptors == boot.descriptors),
                ("the boot catalog is", found.catalog == boot.catalog),
                ("the code of the boot record is", found.code == boot.code),
            ] {
                if !is_same {
                    faults.push(format!("{what} not what the manifest says"));
                }
            }
        }
        Err(error) => faults.push(format!("the volume descriptors cannot be read: {error}")),
    }
    faults
}

fn unlisted_files(medium: &Medium, sums: &[(Sha256, DiscPath)]) -> Vec<String> {
    let listed: std::collections::BTreeSet<&str> =
        sums.iter().map(|(_, path)| path.as_str()).collect();
    medium
        .entries()
        .filter(|entry| {
            entry.kind != EntryKind::Directory && entry.path.starts_with(disc_layout::PREFLIGHT_DIR)
        })
        .filter(|entry| entry.path != disc_layout::CHECKSUMS && entry.path != disc_layout::MANIFEST)
        .filter(|entry| !listed.contains(entry.path.as_str()))
        .map(|entry| format!("/{}", entry.path))
        .collect()
}
