//! The script by which the installed system's apt finds the packages that the disc has beside the
//! vendor's.
//!
//! Not for the packages themselves (`packages::deb`). debian-installer runs what is in this directory
//! when the base system is there (base-installer and live-installer, post-base-installer.d). Later the
//! disc is no longer mounted: pkgsel takes it out before its own scripts run (pkgsel 0.79).

use serde_json::json;

use super::cpio::CpioEntry;
use crate::assets::Assets;
use crate::installer::disc_layout::REPOSITORY;
use crate::template::{self, TemplateError};

/// Where the script is in the installer's own root file system.
pub const SCRIPT: &str = "usr/lib/post-base-installer.d/10preflight";

/// Where the packages are on the installed system; everybody may read it, as apt's own user must.
pub const DIRECTORY: &str = "/usr/local/share/preflight/pool";

/// The line of the script that says where the disc has them.
const DISC: &str = "disc=";

/// The pool on the disc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedPool {
    /// The digest of its list, in hex; the list has those of the packages.
    pub packages_sha256: String,
    /// The digest of the public key that signed it, in hex; nothing when nobody did.
    pub key_sha256: Option<String>,
}

/// Renders the script; `mount` is where the installer has the disc.
///
/// # Errors
///
/// Fails when the template does not render.
pub fn script(
    assets: &Assets,
    template: &str,
    mount: &str,
    pool: &PlacedPool,
) -> Result<String, TemplateError> {
    let sum = |name: &str, sha256: &str| {
        json!({
            "name": name,
            "sha256": sha256,
            "missing": format!("the list {name} of the added packages is missing from the disc"),
            "changed": format!("{name} of the added packages is not what it was when the image was made"),
        })
    };
    let mut sums = vec![sum("Packages", pool.packages_sha256.as_str())];
    sums.extend(pool.key_sha256.iter().map(|sha256| sum("archive.gpg", sha256)));
    let (note, options) = match &pool.key_sha256 {
        Some(_) => (
            "Signed, and apt compares the signature.",
            format!("signed-by={DIRECTORY}/archive.gpg"),
        ),
        None => (
            "Nobody signed this list: it is trusted for its digest, and the packages for theirs.",
            "trusted=yes".to_owned(),
        ),
    };
    let line = format!("deb [{options}] file:{DIRECTORY} ./");
    let model =
        json!({ "mount": mount, "directory": DIRECTORY, "sums": sums, "note": note, "line": line });
    template::render(assets, template, &model)
}

/// Where a script in an archive takes packages from, as a repository of the disc.
pub fn repository(entries: &[CpioEntry]) -> Option<String> {
    let entry = entries.iter().rev().find(|entry| entry.path == SCRIPT)?;
    let text = String::from_utf8_lossy(&entry.bytes).into_owned();
    let disc = text.lines().find_map(|line| line.strip_prefix(DISC))?;
    let disc = disc.replace('\'', "");
    disc.ends_with(REPOSITORY).then(|| format!("file:{disc}"))
}
