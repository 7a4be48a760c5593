//! Which algorithms a connection may use: today's always, those of the SHA-1 era only where the
//! operator says so for a host, broken ones never.
//!
//! Not for what a server offers (`kexinit`).

use ssh2::{MethodType, Session};

use crate::facts::connection::is_sha1_era;

/// The kinds of algorithms that are negotiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum AlgorithmKind {
    /// The exchange of the session's keys.
    KeyExchange,
    /// The type of the server's key.
    HostKey,
    /// The encryption of the traffic.
    Cipher,
    /// The authentication of the traffic.
    Mac,
}

impl AlgorithmKind {
    pub(super) const ALL: [Self; 4] = [Self::KeyExchange, Self::HostKey, Self::Cipher, Self::Mac];

    /// Returns the word for messages.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::KeyExchange => "key exchange",
            Self::HostKey => "host key",
            Self::Cipher => "cipher",
            Self::Mac => "MAC",
        }
    }

    fn methods(self) -> &'static [MethodType] {
        match self {
            Self::KeyExchange => &[MethodType::Kex],
            Self::HostKey => &[MethodType::HostKey],
            Self::Cipher => &[MethodType::CryptCs, MethodType::CryptSc],
            Self::Mac => &[MethodType::MacCs, MethodType::MacSc],
        }
    }
}

/// Whether an algorithm is never used: it is broken, or it is a certificate, which is not verified
/// here.
fn is_unusable(part: AlgorithmKind, name: &str) -> bool {
    match part {
        AlgorithmKind::KeyExchange => {
            name.starts_with("ext-info") || name.starts_with("kex-strict")
        }
        AlgorithmKind::HostKey => name == "ssh-dss" || name.contains("-cert-v"),
        AlgorithmKind::Cipher => {
            ["arcfour", "blowfish", "cast128", "3des", "none"].iter().any(|b| name.starts_with(b))
        }
        AlgorithmKind::Mac => {
            ["hmac-md5", "hmac-ripemd", "none"].iter().any(|b| name.starts_with(b))
        }
    }
}

/// Returns the algorithms of the library that may be used, old ones last.
pub(super) fn filter_allowed<'a>(
    part: AlgorithmKind,
    supported: &[&'a str],
    legacy: bool,
) -> Vec<&'a str> {
    let usable = supported.iter().copied().filter(|name| !is_unusable(part, name));
    let (old, new): (Vec<&str>, Vec<&str>) = usable.partition(|name| is_sha1_era(name));
    if legacy { [new, old].concat() } else { new }
}

/// Returns the algorithms that may be used with a session.
pub(super) fn supported_algorithms(
    session: &Session,
    part: AlgorithmKind,
    legacy: bool,
) -> Vec<&'static str> {
    let supported = session.supported_algs(part.methods()[0]).unwrap_or_default();
    filter_allowed(part, &supported, legacy)
}

/// Sets the algorithms of a session; host keys of the types in `first` are preferred.
pub(super) fn set_preferences(
    session: &Session,
    legacy: bool,
    first: &[&str],
) -> Result<(), ssh2::Error> {
    for part in AlgorithmKind::ALL {
        let mut names = supported_algorithms(session, part, legacy);
        if part == AlgorithmKind::HostKey {
            names.sort_by_key(|name| {
                let place = first.iter().position(|known| *known == key_type(name));
                (place.is_none(), is_sha1_era(name), !name.contains("ed25519"))
            });
        }
        for method in part.methods() {
            session.method_pref(*method, &names.join(","))?;
        }
    }
    Ok(())
}

/// Returns the key type of a host key algorithm, as known_hosts spells it.
pub(super) fn key_type(algorithm: &str) -> &str {
    match algorithm {
        "rsa-sha2-256" | "rsa-sha2-512" => "ssh-rsa",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_algorithms_are_used_only_where_they_are_allowed() {
        let session = Session::new().unwrap();
        for part in AlgorithmKind::ALL {
            let new = supported_algorithms(&session, part, false);
            let all = supported_algorithms(&session, part, true);
            assert!(!new.is_empty(), "{part:?}");
            assert!(new.iter().all(|name| !is_sha1_era(name)), "{new:?}");
            assert!(all.starts_with(&new), "old ones come last: {all:?}");
        }
    }

    /// The library that is pinned knows what OpenSSH 5.3 offers; its next release does not.
    #[test]
    fn the_library_knows_what_centos_6_offers() {
        let session = Session::new().unwrap();
        for (part, name) in [
            (AlgorithmKind::KeyExchange, "diffie-hellman-group14-sha1"),
            (AlgorithmKind::HostKey, "ssh-rsa"),
            (AlgorithmKind::Cipher, "aes256-ctr"),
            (AlgorithmKind::Mac, "hmac-sha1"),
        ] {
            assert!(supported_algorithms(&session, part, true).contains(&name), "{part:?} {name}");
        }
    }

    #[test]
    fn no_certificate_and_nothing_broken_is_asked_for() {
        let session = Session::new().unwrap();
        for part in AlgorithmKind::ALL {
            for name in supported_algorithms(&session, part, true) {
                for bad in ["cert", "md5", "arcfour", "dss", "3des", "ripemd", "ext-info"] {
                    assert!(!name.contains(bad), "{name}");
                }
            }
        }
    }
}
