//! The lists of packages on a disc, as apt reads them: `Packages`, `Release` and, with a key,
//! `InRelease`. The same packages, time and key give the same bytes.
//!
//! Not for the medium's own archive, which is never changed: its vendor signed it.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};
use pgp::composed::{ArmorOptions, Deserializable, SignedPublicKey};

use super::archive_lists::verify_in_release;
use super::control;
use super::list::{self, ListError};
use super::package::DebFile;
use super::signing::{SigningError, SigningKey};
use super::trust::DebTrust;
use crate::digest::Sha256;
use crate::packages::repository::{Keyring, MetadataFile, PackageEntry, Repository};

/// The list's name.
pub const PACKAGES: &str = "Packages";
/// The name of the public key beside it.
pub const KEY: &str = "archive.gpg";

/// Fields that the list has of its own, whatever a control file says.
const OWN_FIELDS: [&str; 6] = ["Filename", "Size", "MD5sum", "SHA1", "SHA256", "SHA512"];

/// Returns the list of the packages.
pub fn packages(debs: &[DebFile]) -> String {
    let mut text = String::new();
    for file in debs {
        let own = |name: &str| OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name));
        for (name, value) in file.fields.iter().filter(|(name, _)| !own(name)) {
            // An empty line would end the paragraph; what goes on keeps its indentation.
            writeln!(text, "{name}: {value}").expect("a String takes every write");
        }
        let (location, len, sha256) = (&file.location, file.len, file.sha256);
        writeln!(text, "Filename: ./{location}\nSize: {len}\nSHA256: {sha256}\n")
            .expect("a String takes every write");
    }
    text
}

/// Returns the files beside the packages, by their names; `seconds` since 1970 are the date.
///
/// # Errors
///
/// Fails when the key cannot sign.
pub fn metadata(
    debs: &[DebFile],
    seconds: u64,
    key: Option<&SigningKey>,
) -> Result<Vec<(&'static str, Vec<u8>)>, SigningError> {
    let list = packages(debs).into_bytes();
    let zipped = gzip(&list);
    let release = release(&[(PACKAGES, &list), ("Packages.gz", &zipped)], seconds);
    let mut files = vec![(PACKAGES, list), ("Packages.gz", zipped)];
    if let Some(key) = key {
        files.push(("InRelease", key.sign(&release, seconds)?.into_bytes()));
        files.push((KEY, key.public_bytes()?));
    }
    files.push(("Release", release.into_bytes()));
    Ok(files)
}

fn release(files: &[(&str, &Vec<u8>)], seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    let date = at.unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    let mut text = format!(
        "Origin: preflight\nLabel: preflight\nSuite: preflight\nDate: {date}\nArchitectures: all \
         amd64\nDescription: packages that the installer's medium lacks\nSHA256:\n"
    );
    for (name, bytes) in files {
        writeln!(text, " {} {} {name}", Sha256::hash(bytes), bytes.len())
            .expect("a String takes every write");
    }
    text
}

/// Reads a pool's list and its `Release`, in the terms of any repository.
///
/// # Errors
///
/// Refuses what is no list.
pub fn read_pool(list: &str, release: &str) -> Result<Repository, ListError> {
    let mut pool = Repository::default();
    for package in list::parse(list)? {
        let entry = PackageEntry {
            nevra: format!("{}_{}_{}", package.name, package.version, package.architecture),
            location: package.file.trim_start_matches("./").to_owned(),
            checksum_kind: "sha256".to_owned(),
            checksum: package.sha256.map(|digest| digest.to_string()).unwrap_or_default(),
            len: package.size,
            disc: None,
        };
        pool.provides.extend(package.provides.into_iter().map(|provided| provided.name));
        pool.packages.entry(package.name).or_default().push(entry);
    }
    for paragraph in control::parse(release)? {
        for line in paragraph.lines("SHA256") {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [checksum, _, location] = words[..] else { continue };
            pool.files.push(MetadataFile {
                location: location.to_owned(),
                checksum_kind: "sha256".to_owned(),
                checksum: checksum.to_owned(),
            });
        }
    }
    Ok(pool)
}

/// Returns the key that signed a pool: `InRelease` is verified with the public key beside it, and names
/// the very list.
///
/// # Errors
///
/// Returns the reason why the signature proves nothing, as a fragment.
pub fn signer(in_release: &str, key: &[u8], list: &[u8]) -> Result<String, String> {
    let unreadable = |_| format!("{KEY} beside it is no public key");
    let key = SignedPublicKey::from_bytes(key).map_err(unreadable)?;
    let key = key.to_armored_bytes(ArmorOptions::default()).map_err(unreadable)?;
    let mut keyring = Keyring::default();
    keyring.add(&key).map_err(|error| format!("{KEY} beside it: {error}"))?;
    let (release, trust) =
        verify_in_release(in_release, &keyring).map_err(|why| format!("InRelease {why}"))?;
    let DebTrust::VerifiedBy { key, .. } = trust else {
        return Err(format!("InRelease is not signed by the key in {KEY}"));
    };
    let line = format!(" {} {} {PACKAGES}", Sha256::hash(list), list.len());
    let names_list = release.lines().any(|named| named == line);
    names_list.then(|| key.to_string()).ok_or_else(|| format!("InRelease is of another {PACKAGES}"))
}

/// Compresses without a name, a time or an operating system in the gzip header.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzBuilder::new().operating_system(255).write(Vec::new(), Compression::best());
    gzip.write_all(bytes).expect("memory takes all");
    gzip.finish().expect("memory takes all")
}
