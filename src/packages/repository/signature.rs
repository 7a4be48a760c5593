//! Signatures of packages, verified with known keys.
//!
//! Not for whether an unsigned package is accepted: the caller decides that. Packages of el6 and
//! older are signed with SHA-1 and DSA, so both count; the `pgp` crate's SHA-1 detects the known
//! collisions. MD5 does not count.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;

use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Packet, PacketParser, Signature, SignatureType};
use rpm::{IndexSignatureTag as Sig, IndexTag, PackageMetadata};

use super::error::PackageFault;
use super::keys::{KeyName, Keyring};
use crate::digest::{Sha256, Sha256Hasher};

/// The most bytes of one signature; an RSA one of 4096 bits has some 600.
const MOST_SIGNATURE: usize = 16 << 10;
/// The most signatures of one package; rpm of el6 writes two.
const MOST_SIGNATURES: usize = 16;

/// rpm's tags of signatures over the header alone: RSA and DSA.
const HEADER_TAGS: [Sig; 2] = [Sig::RPMSIGTAG_RSA, Sig::RPMSIGTAG_DSA];
/// rpm's tags of signatures over header and payload, which rpm before 4.14 writes: RSA and DSA.
const HEADER_AND_PAYLOAD_TAGS: [Sig; 2] = [Sig::RPMSIGTAG_PGP, Sig::RPMSIGTAG_GPG];

/// Whether a package is signed, and by which key.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::Display)]
pub enum SignatureStatus {
    /// By a known key; the signature covers header and payload.
    #[display("{_0}")]
    VerifiedBy(Signer),
    /// By keys that are not known, by their ids.
    #[display("not verified, by key {}", _0.join(", "))]
    UnknownKeys(Vec<String>),
    /// By a known key, but the signature does not cover the payload.
    #[display("over the header alone, {_0}")]
    HeaderOnly(Signer),
    /// Not at all.
    #[display("not signed")]
    Unsigned,
}

/// A key and how it signed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, derive_more::Display)]
#[display("{algorithms} by {key}")]
pub struct Signer {
    /// The key.
    pub key: KeyName,
    /// The algorithms, such as `RSA/SHA1`.
    pub algorithms: String,
}

/// The bytes of a package, and their digest.
pub(super) struct DigestedFile<'a> {
    /// The file.
    pub(super) file: &'a File,
    /// The bytes before the header.
    pub(super) before: &'a [u8],
    /// The header.
    pub(super) header: &'a [u8],
    /// The digest of the whole file.
    pub(super) sha256: Sha256,
}

/// Verifies every signature of a package that a known key may have made.
///
/// The payload is read again for those that cover it, and must be unchanged.
pub(super) fn verify_signatures(
    metadata: &PackageMetadata,
    whole: &DigestedFile<'_>,
    keyring: &Keyring,
) -> io::Result<Result<SignatureStatus, PackageFault>> {
    let found = match read_signatures(metadata) {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    if found.is_empty() {
        return Ok(Ok(SignatureStatus::Unsigned));
    }
    // A digest of the payload that the header holds was verified before, so who signs the header
    // signs the payload.
    let digested = metadata.header.get_entry_data_as_string(IndexTag::RPMTAG_PAYLOADSHA256).is_ok();
    let mut strangers = BTreeSet::new();
    let mut signers: Vec<(bool, Signer)> = Vec::new();
    for FoundSignature { signature, covers_payload } in &found {
        let mut known = false;
        for (name, key) in keyring.candidates(signature) {
            known = true;
            if let Some(why) = key.unfit_reason(signature) {
                return Ok(Err(PackageFault::UnfitKey(name.clone(), why)));
            }
            let result = if *covers_payload {
                whole.reread(|reader| key.verify(signature, reader))?
            } else {
                key.verify(signature, &mut &whole.header[..])
            };
            if let Err(error) = result {
                let error = Box::new(error);
                return Ok(Err(PackageFault::Signature(name.clone(), error)));
            }
            let algorithms = algorithms(signature);
            signers.push((*covers_payload || digested, Signer { key: name.clone(), algorithms }));
        }
        if !known {
            let named = signature.issuer_key_id();
            strangers.extend(named.iter().map(ToString::to_string));
            if named.is_empty() {
                strangers.insert("unnamed".to_owned());
            }
        }
    }
    // Every signature must be by a key that is known, as rpm wants it.
    if !strangers.is_empty() {
        return Ok(Ok(SignatureStatus::UnknownKeys(strangers.into_iter().collect())));
    }
    // A signature that covers everything counts before another one.
    signers.sort_by_key(|(all, _)| !all);
    Ok(Ok(match signers.into_iter().next() {
        Some((true, signer)) => SignatureStatus::VerifiedBy(signer),
        Some((false, signer)) => SignatureStatus::HeaderOnly(signer),
        None => SignatureStatus::Unsigned,
    }))
}

struct FoundSignature {
    signature: Signature,
    covers_payload: bool,
}

/// Every signature of a package, read but not verified.
fn read_signatures(metadata: &PackageMetadata) -> Result<Vec<FoundSignature>, PackageFault> {
    let mut all: Vec<(bool, Cow<'_, [u8]>)> = Vec::new();
    for (tags, covers_payload) in [(&HEADER_TAGS[..], false), (&HEADER_AND_PAYLOAD_TAGS[..], true)]
    {
        for tag in tags {
            match metadata.signature.get_entry_data_as_binary(*tag) {
                Ok(bytes) => all.push((covers_payload, Cow::Borrowed(bytes))),
                Err(rpm::Error::TagNotFound(_)) => {}
                Err(error) => return Err(PackageFault::Unreadable(error)),
            }
        }
    }
    // rpm 6 has one tag for all signatures of the header, in base64.
    let newer = metadata.signature.get_entry_data_as_string_array(Sig::RPMSIGTAG_OPENPGP);
    if !matches!(newer, Err(rpm::Error::TagNotFound(_))) {
        let newer = metadata.raw_signatures().map_err(PackageFault::Unreadable)?;
        all.extend(newer.into_iter().map(|bytes| (false, bytes)));
    }
    if all.len() > MOST_SIGNATURES {
        return Err(PackageFault::BadSignature("one of too many"));
    }
    let read = |(covers_payload, bytes): (bool, Cow<'_, [u8]>)| {
        Ok(FoundSignature { signature: parse_signature(&bytes)?, covers_payload })
    };
    all.into_iter().map(read).collect()
}

fn parse_signature(bytes: &[u8]) -> Result<Signature, PackageFault> {
    let odd = |what| Err(PackageFault::BadSignature(what));
    if bytes.len() > MOST_SIGNATURE {
        return odd("larger than any");
    }
    let mut packets = PacketParser::new(bytes);
    let (Some(Ok(Packet::Signature(signature))), None) = (packets.next(), packets.next()) else {
        return odd("damaged");
    };
    match (signature.config(), signature.typ()) {
        (None, _) => odd("of a version that is not known"),
        (_, Some(SignatureType::Binary)) => match signature.hash_alg() {
            Some(HashAlgorithm::Md5) => odd("made with MD5, which proves nothing"),
            _ => Ok(signature),
        },
        _ => odd("one for another purpose"),
    }
}

/// Returns the algorithms as rpm shows them, such as `RSA/SHA1`.
fn algorithms(signature: &Signature) -> String {
    match signature.config() {
        Some(config) => format!("{:?}/{}", config.pub_alg, config.hash_alg),
        None => "unknown".to_owned(),
    }
}

impl DigestedFile<'_> {
    /// Gives header and payload to a verifier, and checks that they still have the same digest.
    fn reread<T>(&self, look: impl FnOnce(&mut dyn Read) -> T) -> io::Result<T> {
        let mut sum = Sha256Hasher::default();
        sum.update(self.before);
        let mut reader = DigestingReader { file: self.file, at: self.before.len() as u64, sum };
        let result = look(&mut reader);
        // A verifier may stop early: the rest is digested as well.
        io::copy(&mut reader, &mut io::sink())?;
        if reader.sum.finish() == self.sha256 {
            return Ok(result);
        }
        Err(io::Error::other("it changed while it was read"))
    }
}

struct DigestingReader<'a> {
    file: &'a File,
    at: u64,
    sum: Sha256Hasher,
}

impl Read for DigestingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(buffer, self.at)?;
        self.sum.update(&buffer[..n]);
        self.at += n as u64;
        Ok(n)
    }
}
