//! The vendor's files held against the vendor's checksums: `.treeinfo` for what starts the
//! installation, `repomd.xml` and `primary.xml` for the packages. And what none of them covers.
//!
//! Not for what was added (`payload`), nor for reading the bytes (`digests`).

use std::collections::BTreeSet;

use super::digests::Digests;
use super::fault_list::FaultList;
use super::packages::file_fault;
use crate::digest::Sha256;
use crate::facts::Collection;
use crate::image::manifest::Manifest;
use crate::image::treeinfo::TreeInfo;
use crate::iso::{EntryKind, Medium};
use crate::packages::repository::Repository;

/// The most faults that are listed.
const MAX_FAULTS: usize = 100;

/// What was found.
#[derive(Debug, Default)]
pub struct VendorFacts {
    /// What is wrong.
    pub faults: FaultList,
    /// Records about repository metadata that are of an older state.
    pub stale: Vec<String>,
    /// How many files are what a checksum says.
    pub verified: i64,
    /// Files of the chain that no checksum covers.
    pub uncovered: Vec<String>,
}

/// The vendor's files, with what they are compared with.
pub struct VendorFiles<'a> {
    /// The medium.
    pub medium: &'a Medium,
    /// What it says of itself.
    pub info: &'a TreeInfo,
    /// What was added to it.
    pub manifest: Option<&'a Manifest>,
    /// Its repository.
    pub repo: &'a Result<Repository, String>,
    /// The files that the installation starts from.
    pub chain: &'a BTreeSet<String>,
    /// Whether a kickstart was added, and with it the menu inside efiboot.img changed.
    pub is_customised: bool,
    /// Whether a medium without a repository is one that something is missing from.
    pub needs_repository: bool,
}

impl VendorFiles<'_> {
    /// Requests the digests that [`VendorFiles::verify`] compares.
    pub fn request_digests(&self, digests: &mut Digests<'_>) {
        let recorded = self.info.digests().filter(|(_, digest)| digest.is_ok());
        recorded.for_each(|(path, _)| digests.request(path));
        self.chain.iter().for_each(|path| digests.request(path));
        if let Some(boot) = self.manifest.and_then(|manifest| manifest.boot.as_ref()) {
            boot.files.iter().for_each(|file| digests.request(&file.path));
        }
        if let Ok(repo) = self.repo {
            repo.files.iter().for_each(|file| digests.request(&file.location));
            let packages = repo.packages.values().flatten();
            packages.for_each(|package| digests.request(&package.location));
        }
    }

    /// Compares the files with the vendor's checksums.
    pub fn verify(&self, digests: &mut Digests<'_>) -> VendorFacts {
        let mut facts = VendorFacts::default();
        let mut covered = self.verify_treeinfo(digests, &mut facts);
        match self.repo {
            Ok(repo) => self.verify_packages(repo, digests, &mut facts),
            Err(_) if !self.needs_repository => {}
            Err(why) => facts.faults.add_unclear(why.clone()),
        }
        if let Some(manifest) = self.manifest {
            covered.extend(manifest.files.iter().map(|file| file.path.clone()));
            let boot = manifest.boot.iter().flat_map(|boot| &boot.files);
            covered.extend(boot.map(|file| file.path.clone()));
        }
        for image in self.info.images.iter().map(|(_, path)| path) {
            let is_needed = self.chain.contains(image) || is_second_stage(image);
            if is_needed && self.medium.find(image).is_none() {
                facts.faults.add_fault(format!("/{image} is named by .treeinfo and is missing"));
            }
        }
        let second_stage = ["images/install.img", "LiveOS/squashfs.img"].map(str::to_owned);
        let there = second_stage.iter().filter(|path| self.medium.find(path).is_some());
        let needed: BTreeSet<&String> = self.chain.iter().chain(there).collect();
        let uncovered = needed.into_iter().filter(|path| !covered.contains(*path));
        facts.uncovered = uncovered.map(|path| format!("/{path}")).collect();
        if facts.faults.faults.len() > MAX_FAULTS {
            facts.faults.faults.truncate(MAX_FAULTS);
            facts.faults.add_unclear("more faults were not listed".to_owned());
        }
        facts
    }

    /// Compares with `.treeinfo`. Returns the files whose bytes are verified.
    fn verify_treeinfo(
        &self,
        digests: &mut Digests<'_>,
        facts: &mut VendorFacts,
    ) -> BTreeSet<String> {
        let mut covered = BTreeSet::new();
        let changed = |path: &str| {
            self.manifest
                .is_some_and(|manifest| manifest.files.iter().any(|file| file.path == path))
        };
        // What only looks stale is not covered, and is reported.
        let mut recorded: Vec<(&str, Sha256, u64)> = Vec::new();
        for (path, digest) in self.info.digests() {
            let (Ok(digest), Some(entry)) = (digest, self.medium.find(path)) else {
                // `images/boot.iso` and the like are in the vendor's tree and not on its media.
                continue;
            };
            if changed(path) || entry.kind != EntryKind::File {
                continue;
            }
            match digests.get(path) {
                Ok(found) if found == digest => {
                    facts.verified += 1;
                    covered.insert(path.to_owned());
                }
                // People make the repository of a smaller medium anew and leave this record.
                Ok(_) if format!("/{path}").contains("/repodata/") => {
                    facts.stale.push(format!("/{path} is not the one that .treeinfo records"));
                }
                Ok(_) if self.is_customised && path == "images/efiboot.img" => {
                    facts.stale.push(format!("/{path} was changed after .treeinfo recorded it"));
                }
                Ok(_) => facts.faults.add_fault(format!(
                    "/{path} is not what .treeinfo records: its sha256 differs"
                )),
                Err(why) => facts.faults.add_fault(format!("/{path} {why}")),
            }
            recorded.push((path, digest, entry.len));
        }
        // BIOS starts copies, in isolinux/, of the kernel and the RAM disk that .treeinfo records.
        for path in self.chain {
            let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
            let twin =
                recorded.iter().find(|(other, _, _)| *other != path && name(other) == name(path));
            let (Some((other, digest, len)), Some(entry)) = (twin, self.medium.find(path)) else {
                continue;
            };
            if covered.contains(path) || changed(path) {
                continue;
            }
            match digests.get(path) {
                Ok(found) if found == *digest => {
                    facts.verified += 1;
                    covered.insert(path.clone());
                }
                Ok(_) if entry.len == *len => facts.faults.add_fault(format!(
                    "/{path} has the length of /{other} and other bytes than .treeinfo records"
                )),
                Ok(_) => {}
                Err(why) => facts.faults.add_fault(format!("/{path} {why}")),
            }
        }
        covered
    }

    fn verify_packages(
        &self,
        repo: &Repository,
        digests: &mut Digests<'_>,
        facts: &mut VendorFacts,
    ) {
        let mut compare = |path: &str, kind: &str, checksum: &str| -> bool {
            let Some(recorded) = Some(checksum).filter(|_| kind == "sha256") else {
                let text = format!("/{path} is recorded with {kind}, not sha256: not verified");
                facts.faults.add_unclear(text);
                return false;
            };
            match (digests.get(path), recorded.parse::<Sha256>()) {
                (Ok(found), Ok(recorded)) if found == recorded => facts.verified += 1,
                (Ok(_), _) => {
                    let text =
                        format!("/{path} is not what its repository records: its sha256 differs");
                    facts.faults.add_fault(text);
                }
                (Err(why), _) => facts.faults.add_fault(format!("/{path} {why}")),
            }
            true
        };
        for file in &repo.files {
            compare(&file.location, &file.checksum_kind, &file.checksum);
        }
        let mut absent = Vec::new();
        for package in repo.packages.values().flatten() {
            match file_fault(self.medium, &package.location, package.len) {
                Some(why) => absent.push(format!("/{} {why}", package.location)),
                None => drop(compare(&package.location, &package.checksum_kind, &package.checksum)),
            }
        }
        absent.into_iter().for_each(|text| facts.faults.add_fault(text));
    }
}

fn is_second_stage(path: &str) -> bool {
    matches!(path, "images/install.img" | "LiveOS/squashfs.img")
}

impl VendorFacts {
    /// The records that are of an older state, as a fact.
    pub fn stale(&self) -> Collection<String> {
        Collection::complete(self.stale.clone())
    }
}
