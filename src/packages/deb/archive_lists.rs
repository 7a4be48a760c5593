//! Whom a package comes from: an archive signs its `Release`, that names the lists by digest, and
//! they name the packages by digest (apt-secure(8)). A package has no signature of its own.
//!
//! Not for whether a package that no list names is accepted: the caller decides that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use pgp::composed::{CleartextSignedMessage, Deserializable, DetachedSignature};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::Signature;

use super::control;
use super::error::{DebError, DebFault};
use super::list;
use super::package::DebFile;
use super::trust::DebTrust;
use crate::digest::Sha256;
use crate::packages::add_ons::AddOnError;
use crate::packages::compression::decompress;
use crate::packages::repository::Keyring;

/// The most bytes of a `Release`, and of a list as it is stored.
const MOST_RELEASE: u64 = 16 << 20;
const MOST_LIST: u64 = 128 << 20;

/// What is said of a signature in no form of OpenPGP's.
const UNREADABLE: &str = "has a signature that cannot be read";

/// The files of an archive's lists in a directory.
#[derive(Debug, Default)]
pub(super) struct ArchiveFiles {
    /// `InRelease`, or `Release` with `Release.gpg` beside it.
    releases: Vec<PathBuf>,
    /// `Packages` and its compressed forms.
    lists: Vec<PathBuf>,
}

impl ArchiveFiles {
    /// Takes a file, if it is one of these: by its name on an archive, or as apt keeps it in
    /// /var/lib/apt/lists, where the path is in the name.
    pub(super) fn take(&mut self, path: &Path) {
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        let name = name.rsplit_once('_').map_or(name.as_str(), |(_, last)| last);
        match name {
            "InRelease" | "Release" => self.releases.push(path.to_owned()),
            "Packages" | "Packages.gz" | "Packages.xz" | "Packages.bz2" | "Packages.zst" => {
                self.lists.push(path.to_owned());
            }
            _ => {}
        }
    }

    /// Says of each package which signed list names it.
    pub(super) fn verify(
        &self,
        packages: &mut [DebFile],
        keyring: &Keyring,
    ) -> Result<(), DebError> {
        if packages.is_empty() {
            return Ok(());
        }
        let mut digests: BTreeMap<Sha256, DebTrust> = BTreeMap::new();
        for path in &self.releases {
            let Some((text, trust)) = read_release(path, keyring)? else { continue };
            for digest in list_digests(path, &text)? {
                let known = digests.entry(digest).or_insert_with(|| trust.clone());
                if matches!(trust, DebTrust::VerifiedBy { .. }) {
                    *known = trust.clone();
                }
            }
        }
        for path in &self.lists {
            let stored = read_file(path, MOST_LIST)?;
            let Some(trust) = digests.get(&Sha256::hash(&stored)) else { continue };
            mark(packages, path, &stored, trust)?;
        }
        Ok(())
    }
}

/// Notes what one list says of the packages.
fn mark(
    packages: &mut [DebFile],
    path: &Path,
    stored: &[u8],
    trust: &DebTrust,
) -> Result<(), DebError> {
    let refuse = |why: String| DebError::List { path: path.to_owned(), why };
    let name = path.to_string_lossy();
    let mut text = Vec::new();
    decompress(&name, stored)
        .and_then(|plain| plain.take(control::MAX_TEXT as u64 + 1).read_to_end(&mut text))
        .map_err(|source| AddOnError::Read(path.to_owned(), source))?;
    let listed = list::parse(&String::from_utf8_lossy(&text))
        .map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let names: BTreeSet<&str> = packages.iter().map(|one| one.package.name.as_str()).collect();
    let mut by_name: BTreeMap<String, Vec<&list::DebPackage>> = BTreeMap::new();
    for package in listed.iter().filter(|package| names.contains(package.name.as_str())) {
        by_name.entry(package.name.clone()).or_default().push(package);
    }
    for file in packages {
        let own = &file.package;
        let same = |listed: &&&list::DebPackage| {
            listed.version.as_str() == own.version.as_str()
                && listed.architecture == own.architecture
        };
        let listed = by_name.get(&own.name).into_iter().flatten().find(same);
        let Some(digest) = listed.and_then(|listed| listed.sha256) else { continue };
        match trust {
            DebTrust::VerifiedBy { .. } if digest != file.sha256 => {
                let fault = DebFault::Changed {
                    list: name.clone().into_owned(),
                    package: format!("{} {}", own.name, own.version),
                };
                return Err(AddOnError::Package(file.path.clone(), fault).into());
            }
            DebTrust::VerifiedBy { .. } => file.trust = trust.clone(),
            _ if digest == file.sha256 && file.trust == DebTrust::Unlisted => {
                file.trust = trust.clone();
            }
            _ => {}
        }
    }
    Ok(())
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>, DebError> {
    let failed = |source| AddOnError::Read(path.to_owned(), source);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        let why = format!("has more than {most} bytes");
        return Err(DebError::List { path: path.to_owned(), why });
    }
    Ok(bytes)
}

/// Reads a `Release` and verifies its signature; nothing when there is none.
fn read_release(path: &Path, keyring: &Keyring) -> Result<Option<(String, DebTrust)>, DebError> {
    let refuse = |why: String| DebError::List { path: path.to_owned(), why };
    let bytes = read_file(path, MOST_RELEASE)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.starts_with("-----BEGIN PGP SIGNED MESSAGE-----") {
        return verify_in_release(&text, keyring).map(Some).map_err(refuse);
    }
    let beside = PathBuf::from(format!("{}.gpg", path.display()));
    if !beside.is_file() {
        return Ok(None);
    }
    let armoured = read_file(&beside, MOST_RELEASE)?;
    let damaged = |_| refuse(UNREADABLE.to_owned());
    let (all, _) = DetachedSignature::from_armor_many(&armoured[..]).map_err(damaged)?;
    let all: Result<Vec<Signature>, _> = all.map(|one| one.map(|one| one.signature)).collect();
    let trust = verify(&text, &bytes, &all.map_err(damaged)?, keyring).map_err(refuse)?;
    Ok(Some((text, trust)))
}

/// Reads an `InRelease` and verifies the signature in it.
pub(super) fn verify_in_release(
    text: &str,
    keyring: &Keyring,
) -> Result<(String, DebTrust), String> {
    let (message, _) =
        CleartextSignedMessage::from_string(text).map_err(|_| UNREADABLE.to_owned())?;
    let signed = message.signed_text();
    let plain = signed.replace("\r\n", "\n");
    let trust = verify(&plain, signed.as_bytes(), message.signatures(), keyring)?;
    Ok((plain, trust))
}

/// Verifies signatures: one by a known key is enough, as for apt, and none by a known key may be
/// wrong. MD5 and SHA-1 do not count.
fn verify(
    text: &str,
    signed: &[u8],
    signatures: &[Signature],
    keyring: &Keyring,
) -> Result<DebTrust, String> {
    let mut found = None;
    let mut strangers = BTreeSet::new();
    for signature in signatures {
        let mut is_known = false;
        for (name, key) in keyring.candidates(signature) {
            is_known = true;
            if matches!(signature.hash_alg(), Some(HashAlgorithm::Md5 | HashAlgorithm::Sha1)) {
                return Err(format!("is signed by {name} with MD5 or SHA-1, which proves nothing"));
            }
            if let Some(why) = key.unfit_reason(signature) {
                return Err(format!("is signed by {name}, {why}"));
            }
            if key.verify(signature, &mut &signed[..]).is_err() {
                return Err(format!("is not what {name} signed: it was changed"));
            }
            found = found.or_else(|| Some(name.clone()));
        }
        if !is_known {
            strangers.extend(signature.issuer_key_id().iter().map(ToString::to_string));
        }
    }
    Ok(match found {
        Some(key) => DebTrust::VerifiedBy { archive: archive_name(text), key },
        None => DebTrust::UnknownKeys(strangers.into_iter().collect()),
    })
}

/// Its origin and suite, in a text that a person reads.
fn archive_name(text: &str) -> String {
    let paragraphs = control::parse(text).unwrap_or_default();
    let field = |name: &str| paragraphs.first().and_then(|release| release.get(name));
    let suite = field("Suite").or_else(|| field("Codename")).unwrap_or("no suite");
    let name = format!("{} {suite}", field("Origin").unwrap_or("an archive"));
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// The digests of the lists that a `Release` names.
fn list_digests(path: &Path, text: &str) -> Result<Vec<Sha256>, DebError> {
    let refuse = |why: String| DebError::List { path: path.to_owned(), why };
    let paragraphs =
        control::parse(text).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let [release] = &paragraphs[..] else {
        return Err(refuse("has more than one paragraph".to_owned()));
    };
    let digest = |line: &str| {
        let mut words = line.split_whitespace();
        let (digest, name) = (words.next()?.parse().ok()?, words.nth(1)?);
        let name = name.rsplit('/').next().unwrap_or(name);
        name.starts_with("Packages").then_some(digest)
    };
    Ok(release.lines("SHA256").filter_map(digest).collect())
}
