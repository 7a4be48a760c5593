//! The public keys that add-on packages may be signed with, from ASCII-armoured files.
//!
//! Not for signatures (`signature`), nor for the identity of a key's owner: whoever names a file
//! trusts its keys.

use pgp::composed::{Deserializable, SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{KeyFlags, PublicKey, PublicSubkey, Signature, SignatureType, SubpacketData};
use pgp::types::{KeyDetails, Tag};

use crate::hint::hinted;

/// The most bytes of a key file; a distribution's has some 2 KiB, a whole key ring 100 KiB.
pub const MOST_KEY_BYTES: u64 = 1 << 20;
/// The most keys of all files together.
const MOST_KEYS: usize = 1000;
/// The most characters of an owner's name that are kept.
const MOST_OWNER: usize = 80;

const BEGIN: &str = "-----BEGIN PGP ";
const PUBLIC: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Keys that packages may be signed with.
#[derive(Clone, Debug, Default)]
pub struct Keyring {
    keys: Vec<Key>,
}

/// A primary key or a subkey, which a signature may name.
#[derive(Clone, Debug)]
struct Key {
    material: Material,
    name: KeyName,
    validity: Validity,
}

/// When a key may sign, by its self-signatures; in seconds since 1970.
#[derive(Clone, Debug)]
struct Validity {
    /// When it was created.
    start: u64,
    /// When it expires, if it does.
    end: Option<u64>,
    /// Why it may never sign.
    never: Option<&'static str>,
}

#[derive(Clone, Debug)]
enum Material {
    Primary(PublicKey),
    Subkey(PublicSubkey),
}

/// The identity of a key, shown by the last 16 digits, as rpm does, and the owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, derive_more::Display)]
#[display("key {} ({owner})", &fingerprint[fingerprint.len().saturating_sub(16)..])]
pub struct KeyName {
    /// The fingerprint of its primary key, in hex.
    pub fingerprint: String,
    /// The owner it names, such as `CentOS-6 Key (CentOS 6 Official Signing Key)`.
    pub owner: String,
}

/// Why a key file is refused.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It is too large.
    #[error("it has more than {MOST_KEY_BYTES} bytes or {MOST_KEYS} keys")]
    TooLarge,
    /// It has no public key.
    #[error("it has no line {PUBLIC:?}")]
    NoKey,
    /// It holds a private key.
    #[error("it holds a private key")]
    Private,
    /// A key cannot be parsed.
    #[error("its key cannot be read: {0}")]
    Unreadable(String),
    /// A key was revoked by its owner.
    #[error("its {0} is revoked")]
    Revoked(KeyName),
}

impl KeyError {
    /// Returns what to do about it.
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

hinted!(KeyError);

impl Keyring {
    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Returns the keys, each once, sorted by fingerprint.
    pub fn names(&self) -> Vec<&KeyName> {
        let mut names: Vec<&KeyName> = self.keys.iter().map(|key| &key.name).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Adds the keys of a file.
    ///
    /// The newest valid self-signature of a key counts (RFC 9580, sections 5.2.1 and 5.2.3.10). A
    /// subkey may sign when its binding allows it and has a signature by the subkey itself, and
    /// when it is not revoked. An expired key is accepted for what was signed before it expired,
    /// such as a package of 2014.
    ///
    /// # Errors
    ///
    /// Refuses what is not an armoured public key, and a revoked key.
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
        // What follows a brace is for developers of the parser.
        let unreadable = |error: pgp::errors::Error| {
            let message = error.to_string();
            let message = message.split('{').next().unwrap_or_default();
            KeyError::Unreadable(message.trim().chars().take(120).collect())
        };
        let (certificates, _) =
            SignedPublicKey::from_armor_many(block.as_bytes()).map_err(unreadable)?;
        for certificate in certificates {
            let certificate = certificate.map_err(unreadable)?;
            let name = key_name(&certificate);
            let primary = &certificate.primary_key;
            let revokes = |signature: &Signature| signature.verify_key(primary).is_ok();
            if certificate.details.revocation_signatures.iter().any(revokes) {
                return Err(KeyError::Revoked(name));
            }
            let own = primary_validity(&certificate);
            for subkey in &certificate.public_subkeys {
                let validity = subkey_validity(subkey, primary).limited_to(&own);
                let material = Material::Subkey(subkey.key.clone());
                self.keys.push(Key { material, name: name.clone(), validity });
            }
            let material = Material::Primary(certificate.primary_key);
            self.keys.push(Key { material, name, validity: own });
            if self.keys.len() > MOST_KEYS {
                return Err(KeyError::TooLarge);
            }
        }
        Ok(())
    }

    /// Returns the keys that may have made a signature, with their names.
    pub(in crate::packages) fn candidates<'k>(
        &'k self,
        signature: &'k Signature,
    ) -> impl Iterator<Item = (&'k KeyName, Verifier<'k>)> {
        let fits = |key: &&Key| match &key.material {
            Material::Primary(key) => is_issuer(signature, key),
            Material::Subkey(key) => is_issuer(signature, key),
        };
        self.keys.iter().filter(fits).map(|key| (&key.name, Verifier(key)))
    }
}

/// A key, ready to verify.
pub(in crate::packages) struct Verifier<'k>(&'k Key);

impl Verifier<'_> {
    /// Returns why the key was not valid for this signature, even if it made it.
    pub(in crate::packages) fn unfit_reason(&self, signature: &Signature) -> Option<String> {
        let subject = match self.0.material {
            Material::Primary(_) => "which",
            Material::Subkey(_) => "whose signing subkey",
        };
        let made = signature.created().map(|at| u64::from(at.as_secs()));
        let Validity { start, end, never } = self.0.validity;
        let why = match (never, made) {
            (Some(why), _) => why,
            (_, None) => "is named without a date",
            (_, Some(made)) if made < start => "did not exist by then",
            (_, Some(made)) if end.is_some_and(|end| made >= end) => "had ended by then",
            _ => return None,
        };
        Some(format!("{subject} {why}"))
    }

    /// Verifies that a signature over `data` is by this key.
    pub(in crate::packages) fn verify(
        &self,
        signature: &Signature,
        data: &mut dyn std::io::Read,
    ) -> Result<(), pgp::errors::Error> {
        match &self.0.material {
            Material::Primary(key) => signature.verify(key, data),
            Material::Subkey(key) => signature.verify(key, data),
        }
    }
}

impl Validity {
    /// Returns the validity of a key that may never sign, for this reason.
    fn never(why: &'static str) -> Self {
        Self { start: 0, end: None, never: Some(why) }
    }

    /// Limits it to that of the primary key, which need not be allowed to sign itself.
    fn limited_to(self, above: &Self) -> Self {
        Self { end: self.end.into_iter().chain(above.end).min(), ..self }
    }

    /// Returns the validity from the creation of a key until it, or the signature about it,
    /// expires.
    fn from_signature(signature: &Signature, key: &impl KeyDetails) -> Self {
        let start = u64::from(key.created_at().as_secs());
        let signed = signature.created().map_or(0, |at| u64::from(at.as_secs()));
        let after = |from: u64, seconds: Option<pgp::types::Duration>| {
            let seconds =
                seconds.map(|lasts| u64::from(lasts.as_secs())).filter(|lasts| *lasts > 0);
            seconds.map(|seconds| from + seconds)
        };
        let ends = [
            after(start, signature.key_expiration_time()),
            after(signed, signature.signature_expiration_time()),
        ];
        Self { start, end: ends.into_iter().flatten().min(), never: None }
    }
}

/// Returns when the primary key of a certificate may sign. Without key flags it may, as in rpm.
fn primary_validity(certificate: &SignedPublicKey) -> Validity {
    let key = &certificate.primary_key;
    let direct = certificate.details.direct_signatures.iter();
    let direct =
        direct.filter(|signature| is_issuer(signature, key) && signature.verify_key(key).is_ok());
    let users = certificate.details.users.iter().flat_map(|user| {
        user.signatures.iter().filter(|signature| {
            signature.typ() != Some(SignatureType::CertRevocation)
                && is_issuer(signature, key)
                && signature.verify_certification(key, Tag::UserId, &user.id).is_ok()
        })
    });
    match newest(direct.chain(users)) {
        Some(word) => Validity {
            never: key_flags(word).filter(|flags| !flags.sign()).map(|_| "may not sign"),
            ..Validity::from_signature(word, key)
        },
        None => Validity { start: u64::from(key.created_at().as_secs()), end: None, never: None },
    }
}

/// Returns when a subkey may sign.
fn subkey_validity(subkey: &SignedPublicSubKey, primary: &PublicKey) -> Validity {
    let holds = |kind: SignatureType| {
        let of_kind = subkey.signatures.iter().filter(move |one| one.typ() == Some(kind));
        of_kind.filter(|one| one.verify_subkey_binding(primary, &subkey.key).is_ok())
    };
    if holds(SignatureType::SubkeyRevocation).next().is_some() {
        return Validity::never("is revoked");
    }
    let Some(binding) = newest(holds(SignatureType::SubkeyBinding)) else {
        return Validity::never("is not bound to it");
    };
    if !key_flags(binding).is_some_and(|flags| flags.sign()) {
        return Validity::never("may not sign");
    }
    let answers = binding
        .embedded_signature()
        .is_some_and(|answer| answer.verify_primary_key_binding(&subkey.key, primary).is_ok());
    if answers {
        Validity::from_signature(binding, &subkey.key)
    } else {
        Validity::never("does not say itself that it belongs to it")
    }
}

fn newest<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Option<&'s Signature> {
    signatures.max_by_key(|signature| signature.created())
}

/// Returns the key flags of a signature; `None` when it has none.
fn key_flags(signature: &Signature) -> Option<&KeyFlags> {
    signature.config()?.hashed_subpackets().find_map(|packet| match &packet.data {
        SubpacketData::KeyFlags(flags) => Some(flags),
        _ => None,
    })
}

fn is_issuer(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_key_id().iter().any(|id| **id == key.legacy_key_id())
        || signature.issuer_fingerprint().iter().any(|print| **print == key.fingerprint())
}

fn key_name(certificate: &SignedPublicKey) -> KeyName {
    let owner = certificate.details.users.first().map_or_else(
        || "nobody's name".to_owned(),
        |user| String::from_utf8_lossy(user.id.id()).chars().take(MOST_OWNER).collect(),
    );
    KeyName { fingerprint: format!("{:x}", certificate.primary_key.fingerprint()), owner }
}

#[cfg(test)]
mod tests {
    use pgp::composed::SignedKeyDetails;
    use pgp::crypto::ed25519;
    use pgp::crypto::hash::HashAlgorithm;
    use pgp::crypto::public_key::PublicKeyAlgorithm;
    use pgp::packet::{PubKeyInner, SecretKey, SecretSubkey, SignatureConfig, Subpacket, UserId};
    use pgp::types::{
        KeyVersion, PacketHeaderVersion, Password, PlainSecretParams, PublicParams, SecretParams,
        SignedUser, SigningKey, Timestamp,
    };

    use super::*;

    const MADE: u32 = 1_300_000_000;
    const DAY: u32 = 86_400;

    struct Owner {
        primary: SecretKey,
        subkey: SecretSubkey,
    }

    fn secret(seed: u8) -> (PublicParams, SecretParams) {
        let key = ed25519::SecretKey::try_from_bytes([seed; 32], ed25519::Mode::Ed25519).unwrap();
        let public = PublicParams::Ed25519((&key).into());
        (public, SecretParams::Plain(PlainSecretParams::Ed25519(key)))
    }

    fn inner(public: PublicParams) -> PubKeyInner {
        let (algorithm, made) = (PublicKeyAlgorithm::Ed25519, Timestamp::from_secs(MADE));
        PubKeyInner::new(KeyVersion::V4, algorithm, made, None, public).unwrap()
    }

    impl Owner {
        fn new() -> Self {
            let (public, private) = secret(1);
            let primary = SecretKey::new(PublicKey::from_inner(inner(public)).unwrap(), private);
            let (public, private) = secret(2);
            let key = PublicSubkey::from_inner(inner(public)).unwrap();
            let primary = primary.unwrap();
            Self { primary, subkey: SecretSubkey::new(key, private).unwrap() }
        }

        /// A signature that says these things, made so many days after the keys.
        fn word(&self, typ: SignatureType, day: u32, says: Vec<SubpacketData>) -> SignatureConfig {
            let at = Timestamp::from_secs(MADE + day * DAY);
            let mut config =
                SignatureConfig::v4(typ, PublicKeyAlgorithm::Ed25519, HashAlgorithm::Sha256);
            let says = [SubpacketData::SignatureCreationTime(at)].into_iter().chain(says);
            config.hashed_subpackets = says.map(|data| Subpacket::regular(data).unwrap()).collect();
            config
        }

        fn named(&self, key: &impl KeyDetails) -> SubpacketData {
            SubpacketData::IssuerKeyId(key.legacy_key_id())
        }

        fn about_subkey(
            &self,
            typ: SignatureType,
            day: u32,
            mut says: Vec<SubpacketData>,
        ) -> Signature {
            says.push(self.named(&self.primary));
            let (own, subkey) = (self.primary.public_key(), self.subkey.public_key());
            let word = self.word(typ, day, says);
            word.sign_subkey_binding(&self.primary, own, &Password::empty(), subkey).unwrap()
        }

        fn back_signature(&self) -> SubpacketData {
            let word = self.word(SignatureType::KeyBinding, 0, vec![self.named(&self.subkey)]);
            let (own, primary) = (self.subkey.public_key(), self.primary.public_key());
            let signed =
                word.sign_primary_key_binding(&self.subkey, own, &Password::empty(), primary);
            SubpacketData::EmbeddedSignature(Box::new(signed.unwrap()))
        }

        fn binding(&self, day: u32, sign: bool, more: Vec<SubpacketData>) -> Signature {
            let mut says = vec![may(sign)];
            says.extend(more);
            self.about_subkey(SignatureType::SubkeyBinding, day, says)
        }

        fn certificate(&self, own: Vec<SubpacketData>, subkey: Vec<Signature>) -> SignedPublicKey {
            let id = UserId::from_str(PacketHeaderVersion::New, "owner").unwrap();
            let mut says = own;
            says.push(self.named(&self.primary));
            let (public, none) = (self.primary.public_key(), Password::empty());
            let word = self.word(SignatureType::CertPositive, 0, says);
            let signed =
                word.sign_certification(&self.primary, public, &none, Tag::UserId, &id).unwrap();
            let users = vec![SignedUser::new(id, vec![signed])];
            let details = SignedKeyDetails::new(vec![], vec![], users, vec![]);
            let subkeys = vec![SignedPublicSubKey::new(self.subkey.public_key().clone(), subkey)];
            SignedPublicKey::new(public.clone(), details, subkeys)
        }

        /// What is wrong with a signature over a package by one of the keys, that day.
        fn verdict(
            &self,
            certificate: &SignedPublicKey,
            by_subkey: bool,
            day: u32,
        ) -> Option<String> {
            let armoured = certificate.to_armored_string(Default::default()).unwrap();
            let mut keyring = Keyring::default();
            keyring.add(armoured.as_bytes()).unwrap();
            let sign = |key: &dyn SigningKeyed| {
                key.signed(self.word(SignatureType::Binary, day, vec![key.issuer()]))
            };
            let signature = if by_subkey { sign(&self.subkey) } else { sign(&self.primary) };
            let (_, key) = keyring.candidates(&signature).next().expect("the key is known");
            key.verify(&signature, &mut &b"package"[..]).unwrap();
            key.unfit_reason(&signature)
        }
    }

    trait SigningKeyed {
        fn signed(&self, config: SignatureConfig) -> Signature;
        fn issuer(&self) -> SubpacketData;
    }

    impl<K: SigningKey> SigningKeyed for K {
        fn signed(&self, config: SignatureConfig) -> Signature {
            config.sign(self, &Password::empty(), &b"package"[..]).unwrap()
        }

        fn issuer(&self) -> SubpacketData {
            SubpacketData::IssuerKeyId(self.legacy_key_id())
        }
    }

    fn may(sign: bool) -> SubpacketData {
        let mut flags = KeyFlags::default();
        flags.set_sign(sign);
        flags.set_certify(!sign);
        SubpacketData::KeyFlags(flags)
    }

    fn ends(days: u32) -> SubpacketData {
        SubpacketData::KeyExpirationTime(pgp::types::Duration::from_secs(days * DAY))
    }

    #[test]
    fn a_subkey_signs_when_both_keys_say_so_and_neither_took_it_back() {
        let owner = Owner::new();
        let back = || owner.back_signature();
        let good = |day| owner.binding(day, true, vec![back()]);
        let revoked = |day| owner.about_subkey(SignatureType::SubkeyRevocation, day, vec![]);
        // A signature of the primary key about another subkey.
        let foreign = {
            let mut other = Owner::new();
            let (public, private) = secret(3);
            let key = PublicSubkey::from_inner(inner(public)).unwrap();
            other.subkey = SecretSubkey::new(key, private).unwrap();
            other
        };
        let forgery = foreign.binding(0, true, vec![foreign.back_signature()]);
        let other_revocation = foreign.about_subkey(SignatureType::SubkeyRevocation, 3, vec![]);
        let cases: Vec<(&str, Vec<Signature>, Option<&str>)> = vec![
            ("good", vec![good(0)], None),
            ("revoked", vec![good(0), revoked(5)], Some("is revoked")),
            ("revoked, and bound again", vec![good(0), revoked(5), good(9)], Some("is revoked")),
            ("revoked first", vec![revoked(0), good(9)], Some("is revoked")),
            ("another's revocation", vec![good(0), other_revocation], None),
            ("another's binding", vec![forgery], Some("is not bound to it")),
            ("for encryption", vec![owner.binding(0, false, vec![back()])], Some("may not sign")),
            (
                "signing was taken away",
                vec![good(0), owner.binding(9, false, vec![])],
                Some("may not sign"),
            ),
            ("signing was given", vec![owner.binding(0, false, vec![]), good(9)], None),
            (
                "without its own word",
                vec![owner.binding(0, true, vec![])],
                Some("does not say itself that it belongs to it"),
            ),
            (
                "with another's word",
                vec![owner.binding(0, true, vec![foreign.back_signature()])],
                Some("does not say itself that it belongs to it"),
            ),
            (
                "ended",
                vec![owner.binding(0, true, vec![back(), ends(10)])],
                Some("had ended by then"),
            ),
            ("not ended yet", vec![owner.binding(0, true, vec![back(), ends(101)])], None),
            (
                "prolonged",
                vec![
                    owner.binding(0, true, vec![back(), ends(10)]),
                    owner.binding(9, true, vec![back(), ends(200)]),
                ],
                None,
            ),
        ];
        for (what, words, wanted) in cases {
            let certificate = owner.certificate(vec![may(false)], words);
            let seen = owner.verdict(&certificate, true, 100);
            let wanted = wanted.map(|why| format!("whose signing subkey {why}"));
            assert_eq!(seen, wanted, "{what}");
        }
        // When the key above it has ended, it has too.
        let certificate = owner.certificate(vec![may(false), ends(50)], vec![good(0)]);
        assert_eq!(owner.verdict(&certificate, true, 49), None);
        let ended = owner.verdict(&certificate, true, 50);
        assert_eq!(ended.as_deref(), Some("whose signing subkey had ended by then"));
    }

    #[test]
    fn a_primary_key_signs_unless_it_says_otherwise() {
        let owner = Owner::new();
        let cases: [(&str, Vec<SubpacketData>, u32, Option<&str>); 5] = [
            ("without a word", vec![], 100, None),
            ("may", vec![may(true)], 100, None),
            ("may not", vec![may(false)], 100, Some("which may not sign")),
            ("a package of before its end", vec![ends(101)], 100, None),
            ("a package of after its end", vec![ends(100)], 100, Some("which had ended by then")),
        ];
        for (what, words, day, wanted) in cases {
            let certificate = owner.certificate(words, vec![]);
            assert_eq!(owner.verdict(&certificate, false, day).as_deref(), wanted, "{what}");
        }
    }
}
