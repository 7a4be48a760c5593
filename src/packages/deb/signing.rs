//! A private key that a pool is signed with.
//!
//! Not for the keys of others (`repository`'s key ring), and never part of an image: what is written
//! is the public half alone.

use std::fmt;

use pgp::composed::{ArmorOptions, CleartextSignedMessage, Deserializable, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails, KeyVersion, Password, PublicParams, SecretParams, Timestamp};

use crate::hint::hinted;
use crate::packages::repository::{KeyName, Keyring};

/// The most bytes of a key file.
pub const MOST_SIGNING_KEY_BYTES: u64 = 1 << 20;

/// Bytes of a modulus of 2048 bits and an exponent, each with its length.
const LEAST_RSA: usize = 2 + 256 + 2 + 1;

/// A key to sign with.
pub struct SigningKey {
    certificate: SignedSecretKey,
    keyring: Keyring,
    name: KeyName,
}

/// Only the key's name is shown.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.name)
    }
}

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SigningError {
    /// It is no private key of OpenPGP.
    #[error("it is no private key of OpenPGP")]
    NoKey,
    /// A passphrase protects it.
    #[error("it is protected by a passphrase")]
    Protected,
    /// Its kind is not read by every apt.
    #[error("it is no RSA key of at least 2048 bits, and apt of 16.04 reads no other")]
    Kind,
    /// It may not sign, or not at that time.
    #[error("{key}, {why}")]
    Unfit {
        /// The key.
        key: KeyName,
        /// Why, as a relative clause.
        why: String,
    },
    /// Signing failed.
    #[error("it cannot sign: {0}")]
    Failed(String),
}

impl SigningError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoKey => "give the file that `gpg --export-secret-keys KEY` writes",
            Self::Protected => {
                "export the key without its passphrase into a file of mode 0600, or make one for \
                 this purpose"
            }
            Self::Kind => {
                "make one: gpg --batch --passphrase '' --quick-generate-key NAME rsa3072 sign"
            }
            Self::Unfit { .. } => {
                "the signature has the date of the image: set SOURCE_DATE_EPOCH to a time at which \
                 the key is valid"
            }
            Self::Failed(_) => return None,
        };
        Some(text.to_owned())
    }
}

hinted!(SigningError);

impl SigningKey {
    /// Reads a private key, armoured or not.
    ///
    /// # Errors
    ///
    /// Refuses what is no private key, one with a passphrase, and one that apt of 16.04 cannot use.
    pub fn read(file: &[u8]) -> Result<Self, SigningError> {
        let read = if file.starts_with(b"-----BEGIN") {
            SignedSecretKey::from_armor_single(file).map(|(key, _)| key)
        } else {
            SignedSecretKey::from_bytes(file)
        };
        let certificate = read.map_err(|_| SigningError::NoKey)?;
        let primary = &certificate.primary_key;
        if matches!(primary.secret_params(), SecretParams::Encrypted(_)) {
            return Err(SigningError::Protected);
        }
        if primary.version() != KeyVersion::V4 || !is_rsa(primary.public_params()) {
            return Err(SigningError::Kind);
        }
        let failed = |error: pgp::errors::Error| SigningError::Failed(error.to_string());
        let public = certificate.to_public_key();
        let armoured = public.to_armored_bytes(ArmorOptions::default()).map_err(failed)?;
        let mut keyring = Keyring::default();
        keyring.add(&armoured).map_err(|error| SigningError::Failed(error.to_string()))?;
        let name = keyring.names().first().map(|name| (*name).clone());
        Ok(Self { name: name.ok_or(SigningError::NoKey)?, certificate, keyring })
    }

    /// Returns its name.
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    /// Returns the public half, as apt and gpgv read it.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be written.
    pub fn public_bytes(&self) -> Result<Vec<u8>, SigningError> {
        let public = self.certificate.to_public_key();
        public.to_bytes().map_err(|error| SigningError::Failed(error.to_string()))
    }

    /// Signs a text in clear, with `seconds` since 1970 as the time of the signature: the same text
    /// and time give the same bytes. The signature is verified as a stranger's would be.
    ///
    /// # Errors
    ///
    /// Fails when the key was not valid at that time.
    pub fn sign(&self, text: &str, seconds: u64) -> Result<String, SigningError> {
        let failed = |error: pgp::errors::Error| SigningError::Failed(error.to_string());
        let key = &self.certificate.primary_key;
        let time = Timestamp::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX));
        let mut config = SignatureConfig::v4(
            SignatureType::Text,
            PublicKeyAlgorithm::RSA,
            HashAlgorithm::Sha512,
        );
        let packet = |data| Subpacket::regular(data).map_err(failed);
        config.hashed_subpackets = vec![
            packet(SubpacketData::SignatureCreationTime(time))?,
            packet(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        ];
        config.unhashed_subpackets = vec![packet(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
        let message = CleartextSignedMessage::new(text.trim_end(), config, key, &Password::empty())
            .map_err(failed)?;
        let signed = message.signed_text();
        for signature in message.signatures() {
            for (name, verifier) in self.keyring.candidates(signature) {
                if let Some(why) = verifier.unfit_reason(signature) {
                    return Err(SigningError::Unfit { key: name.clone(), why });
                }
                verifier.verify(signature, &mut signed.as_bytes()).map_err(failed)?;
            }
        }
        message.to_armored_string(ArmorOptions::default()).map_err(failed)
    }
}

fn is_rsa(params: &PublicParams) -> bool {
    matches!(params, PublicParams::RSA(rsa) if rsa.write_len() >= LEAST_RSA)
}
