//! A medium of debian-installer's: the packages it has, and its files held against `md5sum.txt`.
//!
//! Not for what was added (`payload`), nor for the signatures of its lists.

use std::collections::BTreeSet;
use std::io::Read;

use super::fault_list::FaultList;
use super::vendor::VendorFacts;
use crate::digest::md5_hex;
use crate::facts::Fact;
use crate::image::manifest::Manifest;
use crate::image::md5_list::Md5List;
use crate::iso::{EntryKind, Medium};
use crate::packages::compression::decompress;
use crate::packages::deb::control::MAX_TEXT;
use crate::packages::deb::list::{self, DebPackage};

/// The most faults that are listed.
const MAX_FAULTS: usize = 100;

/// The most bytes of a list as it is on the disc.
const MAX_LIST_BYTES: u64 = 64 * 1024 * 1024;

/// The forms of a list of packages on a disc, the smallest first.
const LISTS: [&str; 4] = ["Packages.xz", "Packages.bz2", "Packages.gz", "Packages"];

/// Where the lists for our processors are; a disc may have those for others beside them.
const DIRECTORY: &str = "/binary-amd64/";

/// What a medium has.
pub struct DebianMedium {
    /// Its packages, or why they cannot be read; of the installer's own there are none here.
    pub packages: Result<Vec<DebPackage>, String>,
    /// Its sums.
    sums: Md5List,
}

impl DebianMedium {
    /// Reads a medium; nothing when it is none of debian-installer's.
    pub fn read(medium: &Medium) -> Option<Self> {
        medium.find(".disk/info")?;
        let sums = Md5List::from_medium(medium).unwrap_or_default();
        Some(Self { packages: read_packages(medium), sums })
    }

    /// Whether a package of that name, or one that stands for it, is on the disc.
    pub fn has_package(&self, name: &str) -> bool {
        let provides = |package: &DebPackage| {
            package.name == name || package.provides.iter().any(|provided| provided.name == name)
        };
        self.packages.iter().flatten().any(provides)
    }

    /// Compares every file that the list names. Returns `absent`, `match` or `mismatch` for the
    /// whole, as the installer's own test ends.
    pub fn verify(
        &self,
        medium: &Medium,
        manifest: Option<&Manifest>,
        chain: &BTreeSet<String>,
    ) -> (Fact<String>, VendorFacts) {
        let mut facts = VendorFacts::default();
        // A list that names one large file a thousand times must not cost a thousand readings.
        let mut left = medium.file_len().saturating_mul(2);
        let mut listed = BTreeSet::new();
        for (path, recorded) in self.sums.files() {
            if !listed.insert(path.to_owned()) {
                continue;
            }
            match sum_file(medium, path, &mut left) {
                Ok(found) if found == recorded => facts.verified += 1,
                Ok(_) => {
                    let text = format!("/{path} is not what md5sum.txt records: its md5 differs");
                    facts.faults.add_fault(text);
                }
                Err(why) => facts.faults.add_fault(format!("/{path} {why}")),
            }
        }
        let sum = match (listed.is_empty(), facts.faults.faults.is_empty()) {
            (true, _) => "absent",
            (false, true) => "match",
            (false, false) => "mismatch",
        };
        if listed.is_empty() {
            facts.faults.add_unclear("there is no md5sum.txt, or it names no file".to_owned());
        }
        if let Some(manifest) = manifest {
            listed.extend(manifest.files.iter().map(|file| file.path.clone()));
            let boot = manifest.boot.iter().flat_map(|boot| &boot.files);
            listed.extend(boot.map(|file| file.path.clone()));
        }
        let uncovered = chain.iter().filter(|path| !listed.contains(*path));
        facts.uncovered = uncovered.map(|path| format!("/{path}")).collect();
        truncate(&mut facts.faults);
        (Fact::Known(sum.to_owned()), facts)
    }
}

fn truncate(faults: &mut FaultList) {
    if faults.faults.len() > MAX_FAULTS {
        faults.faults.truncate(MAX_FAULTS);
        faults.add_unclear("more faults were not listed".to_owned());
    }
}

fn sum_file(medium: &Medium, path: &str, left: &mut u64) -> Result<String, String> {
    let entry = medium.find(path).ok_or("is missing")?;
    if entry.kind != EntryKind::File {
        return Err("is not a regular file".to_owned());
    }
    *left = left.checked_sub(entry.len).ok_or("is named among too many bytes")?;
    let map = medium.file_map(path).map_err(|error| error.to_string())?;
    md5_hex(map.reader()).map_err(|error| error.to_string())
}

/// Reads the lists of all components; those of the installer's own packages are left out.
pub(super) fn read_packages(medium: &Medium) -> Result<Vec<DebPackage>, String> {
    let mut packages = Vec::new();
    let mut read: BTreeSet<String> = BTreeSet::new();
    let is_list = |path: &str| path.starts_with("dists/") && !path.contains("/debian-installer/");
    for name in LISTS.map(|name| format!("{DIRECTORY}{name}")) {
        let lists = medium.entries().filter(|entry| {
            entry.kind == EntryKind::File && is_list(&entry.path) && entry.path.ends_with(&name)
        });
        for entry in lists {
            let directory = entry.path.rsplit_once('/').map_or("", |(directory, _)| directory);
            if !read.insert(directory.to_owned()) {
                continue;
            }
            let failed = |why: &dyn std::fmt::Display| format!("/{}: {why}", entry.path);
            let bytes =
                medium.read_file(&entry.path, MAX_LIST_BYTES).map_err(|error| failed(&error))?;
            let text = unpack(&entry.path, &bytes).map_err(|error| failed(&error))?;
            packages.extend(list::parse(&text).map_err(|error| failed(&error))?);
        }
    }
    if read.is_empty() {
        let others = medium.entries().filter(|entry| is_list(&entry.path));
        let others: BTreeSet<String> = others
            .filter_map(|entry| {
                Some(entry.path.split_once("/binary-")?.1.split('/').next()?.to_owned())
            })
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let beside = match others.as_slice() {
            [] => String::new(),
            others => format!(", but those of {}", others.join(", ")),
        };
        return Err(format!("the disc has no dists/*/*/binary-amd64/Packages{beside}"));
    }
    Ok(packages)
}

fn unpack(name: &str, bytes: &[u8]) -> std::io::Result<String> {
    let mut text = Vec::new();
    decompress(name, bytes)?.take(MAX_TEXT as u64 + 1).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
