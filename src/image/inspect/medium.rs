//! File systems, partition tables and the implanted sum of an image.

use crate::facts::image::MediumFacts;
use crate::facts::{Fact, Looked};
use crate::image::iso::media_md5::{Implant, MediaMd5};
use crate::image::iso::{JolietDifference, Medium, Platform, partition_report};

/// Differences between the two trees that are worth telling one by one.
const DIFFERENCES: usize = 20;

/// How the implanted media md5 is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaMd5Check {
    /// By summing the medium.
    Sum,
    /// It was computed from the very bytes that this process has just read back and compared.
    Implanted,
}

/// Reads the facts.
pub fn facts(medium: &Medium, md5: MediaMd5Check) -> MediumFacts {
    let starts = |platform| {
        medium.boot_entries().iter().any(|entry| entry.bootable && entry.platform == platform)
    };
    let report = partition_report::check(medium.source(), medium.file_len());
    let mut signature = [0; 2];
    let hybrid = medium.source().read_exact_at(510, &mut signature).is_ok();
    MediumFacts {
        rock_ridge: medium.rock_ridge(),
        joliet: medium.joliet(),
        trees_agree: Fact::Known(trees_agree(medium)),
        media_md5: media_md5(medium, md5),
        hybrid: hybrid && signature == [0x55, 0xaa],
        partition_faults: Fact::from(report.map(|report| {
            Looked::complete(report.problems.iter().map(ToString::to_string).collect())
        })),
        bios: starts(Platform::Bios),
        uefi: starts(Platform::Uefi),
    }
}

/// A `TRANS.TBL` lists the names of the main tree for readers without Rock Ridge; Joliet has none.
fn trees_agree(medium: &Medium) -> bool {
    let counts = |difference: &JolietDifference| match difference {
        JolietDifference::OnlyMain(path) => !path.ends_with("TRANS.TBL"),
        _ => true,
    };
    !medium.joliet_differences(DIFFERENCES * 100).iter().any(counts)
}

fn media_md5(medium: &Medium, how: MediaMd5Check) -> Fact<String> {
    let Some(implanted) = Implant::read(medium.primary_descriptor()) else {
        return Fact::Known("absent".to_owned());
    };
    if how == MediaMd5Check::Implanted {
        return Fact::Known("match".to_owned());
    }
    let mut sum = MediaMd5::skipping(medium.volume_size_bytes(), implanted.skip_sectors);
    let mut buffer = vec![0; 256 * 1024];
    let mut at = 0;
    while at < sum.wanted() {
        let left = usize::try_from(sum.wanted() - at).unwrap_or(usize::MAX);
        let chunk = buffer.len().min(left);
        if let Err(error) = medium.source().read_exact_at(at, &mut buffer[..chunk]) {
            return Fact::unavailable(error.to_string());
        }
        sum.update(&buffer[..chunk]);
        at += chunk as u64;
    }
    match sum.finish(implanted.is_supported) {
        Some(found) if found == implanted => Fact::Known("match".to_owned()),
        _ => Fact::Known("mismatch".to_owned()),
    }
}
