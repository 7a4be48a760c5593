//! Which generation of the installer a medium carries, from what the vendor wrote on it.
//!
//! Never from a file's name: people rename media.

use super::iso::Medium;

/// The most bytes of `.treeinfo` and `.discinfo` that are read.
const MOST: u64 = 64 * 1024;

/// The major release of a medium, such as 6.
///
/// # Errors
///
/// A fragment that says why it cannot be told.
pub fn of(medium: &Medium) -> Result<u8, String> {
    let text = |path| {
        let bytes = medium.read(path, MOST).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    text(".treeinfo")
        .and_then(|text| of_treeinfo(&text))
        .or_else(|| text(".discinfo").and_then(|text| of_discinfo(&text)))
        .ok_or_else(|| "neither .treeinfo nor .discinfo names a release".to_owned())
}

/// Reads `version = 6.6` of a `.treeinfo`.
///
/// ```
/// use preflight::image::generation::of_treeinfo;
/// assert_eq!(of_treeinfo("[general]\nfamily = CentOS\nversion = 6.6\n"), Some(6));
/// assert_eq!(of_treeinfo("[general]\nversion = banana\n"), None);
/// ```
pub fn of_treeinfo(text: &str) -> Option<u8> {
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "version").then(|| major(value))?
    };
    text.lines().find_map(value)
}

/// Reads the second line of a `.discinfo`, which is a release on some media and a name on others.
///
/// ```
/// use preflight::image::generation::of_discinfo;
/// assert_eq!(of_discinfo("1414159991.958686\n6.6\nx86_64\nALL\n"), Some(6));
/// assert_eq!(of_discinfo("1414159991.958686\nCentOS\nx86_64\n1\n"), None);
/// ```
pub fn of_discinfo(text: &str) -> Option<u8> {
    major(text.lines().nth(1)?)
}

fn major(release: &str) -> Option<u8> {
    release.trim().split('.').next()?.parse().ok()
}
