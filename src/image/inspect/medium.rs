//! File systems, partition tables and the implanted sum of an image.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::image::MediumFacts;
use crate::facts::{Collection, Fact};
use crate::iso::{BootPlatform, IsoEntry, JolietDifference, Medium, partition_report};

/// The most differences between the two trees that are compared.
const MAX_DIFFERENCES: usize = 2000;

/// How the implanted media md5 is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaMd5Check {
    /// By summing the medium.
    Sum,
    /// It was computed from the very bytes that this process has just read back and compared.
    Implanted,
}

/// Reads the facts; the media md5 was summed with the files.
pub fn facts(medium: &Medium, media_md5: Fact<String>) -> MediumFacts {
    let starts = |platform| {
        medium.boot_entries().iter().any(|entry| entry.bootable && entry.platform == platform)
    };
    let report = partition_report::check_partition_tables(medium.source(), medium.file_len());
    let mut signature = [0; 2];
    let hybrid = medium.source().read_exact_at(510, &mut signature).is_ok();
    MediumFacts {
        rock_ridge: medium.has_rock_ridge(),
        joliet: medium.has_joliet(),
        trees_agree: Fact::Known(trees_agree(medium)),
        media_md5,
        hybrid: hybrid && signature == [0x55, 0xaa],
        partition_faults: Fact::from(report.map(|report| {
            Collection::complete(report.problems.iter().map(ToString::to_string).collect())
        })),
        bios: starts(BootPlatform::Bios),
        uefi: starts(BootPlatform::Uefi),
    }
}

/// Whether both trees show the same files. Joliet cuts names at 64 characters, or at 103, and has
/// no `*:;?\`: a file of each tree that lies on the same bytes is one file. A `TRANS.TBL` lists the
/// names of the main tree for readers without Rock Ridge; Joliet has none.
fn trees_agree(medium: &Medium) -> bool {
    let mut renamed: BTreeMap<Vec<(u64, u64)>, i64> = BTreeMap::new();
    let place = |entry: Option<IsoEntry>| entry.map(|entry| entry.extents).unwrap_or_default();
    let mut only_joliet = BTreeSet::new();
    for difference in medium.joliet_differences(MAX_DIFFERENCES) {
        match difference {
            JolietDifference::OnlyMain(path) if path.ends_with("TRANS.TBL") => {}
            JolietDifference::OnlyMain(path) => {
                *renamed.entry(place(medium.find(&path))).or_default() += 1;
            }
            JolietDifference::OnlyJoliet(path) => {
                only_joliet.insert(path);
            }
            JolietDifference::OtherContent(_) => return false,
        }
    }
    for entry in medium.joliet_entries().filter(|entry| only_joliet.contains(&entry.path)) {
        *renamed.entry(entry.extents).or_default() -= 1;
    }
    renamed.values().all(|count| *count == 0)
}
