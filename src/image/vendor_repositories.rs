//! Where a vendor's medium has its packages: in one repository at its top, or from release 8 on in several below it.
//!
//! Not for what is in them (`packages::repository`).

use crate::iso::Medium;

const REPOMD: &str = "repodata/repomd.xml";

/// Returns the directories of the medium's repositories, sorted; an empty one is the medium's top.
pub fn vendor_repositories(medium: &Medium) -> Vec<String> {
    if medium.find(REPOMD).is_some() {
        return vec![String::new()];
    }
    let of_entry = |path: &str| {
        let top = path.strip_suffix(REPOMD)?.strip_suffix('/')?;
        (!top.contains('/')).then(|| top.to_owned())
    };
    let mut tops: Vec<String> =
        medium.entries().filter_map(|entry| of_entry(&entry.path)).collect();
    tops.sort_unstable();
    tops
}

/// Returns the path of a file of a repository from the medium's top.
pub fn path_below(top: &str, path: &str) -> String {
    if top.is_empty() { path.to_owned() } else { format!("{top}/{path}") }
}
