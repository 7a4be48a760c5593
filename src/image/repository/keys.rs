//! The public keys that add-on packages may be signed with, from ASCII-armoured files.
//!
//! Not for what a package was signed with (`signature`), and not for whom a key belongs to: whoever
//! names a file vouches for what is in it.

use std::fmt;

use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::packet::{PublicKey, PublicSubkey, Signature};
use pgp::types::{KeyDetails, VerifyingKey};

/// Bytes of a file of keys; a distribution's has some 2 KiB, a whole ring of one 100 KiB.
pub const MOST_KEY_BYTES: u64 = 1 << 20;
/// Keys of all files.
const MOST_KEYS: usize = 1000;
/// Characters of an owner's name that are kept.
const MOST_OWNER: usize = 80;

const BEGIN: &str = "-----BEGIN PGP ";
const PUBLIC: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Keys that packages may be signed with.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

/// A key that signs, be it the first of its block or one below it.
#[derive(Clone, Debug)]
struct Key {
    material: Material,
    name: KeyName,
}

#[derive(Clone, Debug)]
enum Material {
    Primary(PublicKey),
    Subkey(PublicSubkey),
}

/// What a key is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyName {
    /// Its fingerprint in hex digits, the primary key's.
    pub fingerprint: String,
    /// Whom it says it belongs to, such as `CentOS-6 Key (CentOS 6 Official Signing Key)`.
    pub owner: String,
}

impl fmt::Display for KeyName {
    /// The last 16 digits, as rpm tells a key, and the owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.fingerprint.len().saturating_sub(16);
        write!(f, "key {} ({})", &self.fingerprint[short..], self.owner)
    }
}

/// Why a file of keys is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Larger than any.
    #[error("it has more than {MOST_KEY_BYTES} bytes or {MOST_KEYS} keys")]
    TooLarge,
    /// No key in it.
    #[error("it has no line {PUBLIC:?}")]
    NoKey,
    /// A secret was given.
    #[error("it holds a private key")]
    Private,
    /// A key that cannot be read.
    #[error("its key cannot be read")]
    Unreadable(#[source] Box<pgp::errors::Error>),
    /// Its owner has taken it back.
    #[error("its {0} is revoked")]
    Revoked(KeyName),
}

impl KeyError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Private => {
                "name the file of the public key, and keep the private one to yourself"
            }
            Self::Revoked(_) => "get the distribution's present key, or leave this one out",
            _ => "give the file as the distribution publishes it, such as RPM-GPG-KEY-CentOS-6",
        };
        Some(text.to_owned())
    }
}

impl Keyring {
    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys, each once, by fingerprint.
    pub fn names(&self) -> Vec<&KeyName> {
        let mut names: Vec<&KeyName> = self.keys.iter().map(|key| &key.name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Takes the keys of a file.
    ///
    /// Subkeys count when they are bound to their key. When a key ends is not looked at, as rpm
    /// does not: a package of 2014 stays what it was.
    ///
    /// # Errors
    ///
    /// Refuses what is no armoured public key, and one that its owner has revoked.
    pub fn add(&mut self, file: &[u8]) -> Result<(), KeyError> {
        if file.len() as u64 > MOST_KEY_BYTES {
            return Err(KeyError::TooLarge);
        }
        let text = String::from_utf8_lossy(file);
        if text.contains("-----BEGIN PGP PRIVATE KEY") {
            return Err(KeyError::Private);
        }
        let before = self.keys.len();
        for (at, _) in text.match_indices(PUBLIC) {
            let rest = &text[at + PUBLIC.len()..];
            let end = rest.find(BEGIN).map_or(text.len(), |next| at + PUBLIC.len() + next);
            self.add_block(&text[at..end])?;
        }
        if self.keys.len() == before { Err(KeyError::NoKey) } else { Ok(()) }
    }

    fn add_block(&mut self, block: &str) -> Result<(), KeyError> {
        let unreadable = |error| KeyError::Unreadable(Box::new(error));
        let (certificates, _) =
            SignedPublicKey::from_armor_many(block.as_bytes()).map_err(unreadable)?;
        for certificate in certificates {
            let certificate = certificate.map_err(unreadable)?;
            let name = name_of(&certificate);
            let primary = &certificate.primary_key;
            let revokes = |signature: &Signature| signature.verify_key(primary).is_ok();
            if certificate.details.revocation_signatures.iter().any(revokes) {
                return Err(KeyError::Revoked(name));
            }
            for subkey in &certificate.public_subkeys {
                let signs = subkey.signatures.iter().any(|it| it.key_flags().sign());
                if signs && subkey.verify_bindings(primary).is_ok() {
                    let material = Material::Subkey(subkey.key.clone());
                    self.keys.push(Key { material, name: name.clone() });
                }
            }
            self.keys.push(Key { material: Material::Primary(certificate.primary_key), name });
            if self.keys.len() > MOST_KEYS {
                return Err(KeyError::TooLarge);
            }
        }
        Ok(())
    }

    /// The keys that a signature may be by, with their names.
    pub(super) fn of<'k>(
        &'k self,
        signature: &'k Signature,
    ) -> impl Iterator<Item = (&'k KeyName, Verifier<'k>)> {
        let fits = |key: &&Key| match &key.material {
            Material::Primary(it) => made_by(signature, it),
            Material::Subkey(it) => made_by(signature, it),
        };
        self.keys.iter().filter(fits).map(|key| (&key.name, Verifier(&key.material)))
    }
}

/// A key, ready to verify.
pub(super) struct Verifier<'k>(&'k Material);

impl Verifier<'_> {
    /// Whether a signature is this key's over `data`, and what is wrong when it is not.
    pub(super) fn verify(
        &self,
        signature: &Signature,
        data: &mut dyn std::io::Read,
    ) -> Result<(), pgp::errors::Error> {
        match self.0 {
            Material::Primary(key) => verified(signature, key, data),
            Material::Subkey(key) => verified(signature, key, data),
        }
    }
}

fn verified(
    signature: &Signature,
    key: &impl VerifyingKey,
    data: &mut dyn std::io::Read,
) -> Result<(), pgp::errors::Error> {
    signature.verify(key, data)
}

fn made_by(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_key_id().iter().any(|id| **id == key.legacy_key_id())
        || signature.issuer_fingerprint().iter().any(|it| **it == key.fingerprint())
}

fn name_of(certificate: &SignedPublicKey) -> KeyName {
    let owner = certificate.details.users.first().map_or_else(
        || "nobody's name".to_owned(),
        |user| String::from_utf8_lossy(user.id.id()).chars().take(MOST_OWNER).collect(),
    );
    KeyName { fingerprint: format!("{:x}", certificate.primary_key.fingerprint()), owner }
}
