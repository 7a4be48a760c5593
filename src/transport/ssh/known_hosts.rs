//! Parsing known_hosts (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"), and looking keys up in it.
//!
//! Read here and not by libssh2, which knows neither `@revoked`, nor certificate authorities, nor
//! patterns, and cannot say which types of keys it has for a host. Not for files.

use std::path::Path;
use std::sync::Arc;

use openssl::base64;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use wildmatch::WildMatch;

/// The lines of one or more known_hosts files.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownHosts {
    lines: Vec<KnownHostsLine>,
}

#[derive(Clone, Debug)]
struct KnownHostsLine {
    marker: Marker,
    names: String,
    key_type: String,
    key: String,
    location: LineLocation,
}

/// The location of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineLocation {
    /// The file.
    pub file: Arc<Path>,
    /// The number of the line in it, from 1.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    None,
    Revoked,
    CertAuthority,
}

/// The status of a host's key in known_hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeyStatus {
    /// The key is the host's.
    Match,
    /// There is no line for the host.
    Unknown,
    /// There is only a certificate authority, and certificates are not verified here.
    OnlyAuthority,
    /// The host has other keys, of these types.
    Changed(Vec<String>),
    /// The key is revoked.
    Revoked,
}

impl KnownHosts {
    /// Adds the lines of one file; malformed lines are ignored, as OpenSSH does.
    pub(super) fn add_file(&mut self, text: &str, file: &Path) {
        let file: Arc<Path> = file.into();
        let location = |index| LineLocation { file: Arc::clone(&file), line: index + 1 };
        let lines = text.lines().enumerate();
        self.lines.extend(lines.filter_map(|(index, text)| parse_line(text, location(index))));
    }

    /// Returns the locations of the keys of a host.
    pub(super) fn locations(&self, host: &str, port: u16) -> Vec<&LineLocation> {
        let name = lookup_name(host, port);
        let about = self.lines.iter().filter(|line| line.applies_to(&name));
        about.filter(|line| line.marker == Marker::None).map(|line| &line.location).collect()
    }

    /// Returns the location of the line that revokes a host's key.
    pub(super) fn revoked_at(&self, host: &str, port: u16, key: &[u8]) -> Option<&LineLocation> {
        let names = [lookup_name(host, port), lookup_name(host, 22)];
        let revoked = self.lines.iter().filter(|line| line.marker == Marker::Revoked);
        let mut of_host = revoked.filter(|line| names.iter().any(|name| line.applies_to(name)));
        of_host.find(|line| line.has_key(key)).map(|line| &line.location)
    }

    /// Returns the types of the known keys of a host.
    pub(super) fn key_types(&self, host: &str, port: u16) -> Vec<&str> {
        let of = |name: &str| -> Vec<&str> {
            let plain = self.lines.iter().filter(|line| line.marker == Marker::None);
            let mut types: Vec<&str> = plain
                .filter(|line| line.applies_to(name))
                .map(|line| line.key_type.as_str())
                .collect();
            types.dedup();
            types
        };
        let types = of(&lookup_name(host, port));
        if types.is_empty() && port != 22 { of(&lookup_name(host, 22)) } else { types }
    }

    /// Looks a host's key up.
    pub(super) fn check_key(&self, host: &str, port: u16, key: &[u8]) -> KeyStatus {
        let verdict = self.check_key_for_name(&lookup_name(host, port), key);
        if verdict == KeyStatus::Unknown && port != 22 {
            // Without a line for the port, one without a port counts if it has this key; if it has
            // another one, that proves nothing.
            let without = self.check_key_for_name(&lookup_name(host, 22), key);
            if matches!(without, KeyStatus::Match | KeyStatus::Revoked) {
                return without;
            }
        }
        verdict
    }

    fn check_key_for_name(&self, name: &str, key: &[u8]) -> KeyStatus {
        let about: Vec<&KnownHostsLine> =
            self.lines.iter().filter(|line| line.applies_to(name)).collect();
        let of = |marker: Marker| about.iter().filter(move |line| line.marker == marker);
        if of(Marker::Revoked).any(|line| line.has_key(key)) {
            return KeyStatus::Revoked;
        }
        if of(Marker::None).any(|line| line.has_key(key)) {
            return KeyStatus::Match;
        }
        let mut types: Vec<String> = of(Marker::None).map(|line| line.key_type.clone()).collect();
        types.sort();
        types.dedup();
        match (types.is_empty(), of(Marker::CertAuthority).next()) {
            (false, _) => KeyStatus::Changed(types),
            (true, Some(_)) => KeyStatus::OnlyAuthority,
            (true, None) => KeyStatus::Unknown,
        }
    }
}

/// Formats the line for a key.
pub(super) fn format_line(host: &str, port: u16, key_type: &str, key: &[u8]) -> String {
    format!("{} {key_type} {}\n", lookup_name(host, port), base64::encode_block(key))
}

/// Returns the name by which a host is looked up.
pub(super) fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_lowercase();
    if port == 22 { host } else { format!("[{host}]:{port}") }
}

fn parse_line(text: &str, location: LineLocation) -> Option<KnownHostsLine> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('#') {
        return None;
    }
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    let (marker, names) = match first {
        "@revoked" => (Marker::Revoked, words.next()?),
        "@cert-authority" => (Marker::CertAuthority, words.next()?),
        _ if first.starts_with('@') => return None,
        _ => (Marker::None, first),
    };
    let (key_type, key) = (words.next()?, words.next()?);
    // A line of protocol 1 has numbers here.
    let is_type = key_type.starts_with(|c: char| c.is_ascii_alphabetic());
    is_type.then(|| KnownHostsLine {
        marker,
        names: names.to_owned(),
        key_type: key_type.to_owned(),
        key: key.to_owned(),
        location,
    })
}

impl KnownHostsLine {
    fn has_key(&self, key: &[u8]) -> bool {
        base64::decode_block(&self.key).is_ok_and(|known| known == key)
    }

    /// Whether the line applies to a name: a pattern matches, and no negated one does.
    fn applies_to(&self, name: &str) -> bool {
        if let Some(hashed) = self.names.strip_prefix("|1|") {
            return matches_hash(hashed, name).unwrap_or(false);
        }
        let fits = |pattern: &str| WildMatch::new(&pattern.to_lowercase()).matches(name);
        let mut applies = false;
        for pattern in self.names.split(',') {
            match pattern.strip_prefix('!') {
                Some(negated) if fits(negated) => return false,
                Some(_) => {}
                None => applies |= fits(pattern),
            }
        }
        applies
    }
}

/// Whether `SALT|HASH` matches a name.
fn matches_hash(hashed: &str, name: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let salt = PKey::hmac(&base64::decode_block(salt).ok()?).ok()?;
    let mut signer = Signer::new(MessageDigest::sha1(), &salt).ok()?;
    let mac = signer.sign_oneshot_to_vec(name.as_bytes()).ok()?;
    Some(base64::decode_block(hash).ok()? == mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &[u8] = b"key a";
    const B: &[u8] = b"key b";

    fn known(text: &str) -> KnownHosts {
        let mut known = KnownHosts::default();
        let text = text.replace("AAAA", &base64::encode_block(A));
        known.add_file(&text.replace("BBBB", &base64::encode_block(B)), Path::new("known_hosts"));
        known
    }

    #[test]
    fn a_key_is_judged_by_what_is_known_of_its_host() {
        let changed =
            |types: &[&str]| KeyStatus::Changed(types.iter().map(|t| (*t).into()).collect());
        for (text, host, port, expected) in [
            ("", "mt1", 22, KeyStatus::Unknown),
            ("mt1 ssh-rsa AAAA", "mt1", 22, KeyStatus::Match),
            ("MT1 ssh-rsa AAAA comment", "Mt1", 22, KeyStatus::Match),
            ("mt1,192.0.2.1 ssh-rsa AAAA", "192.0.2.1", 22, KeyStatus::Match),
            ("mt1 ssh-rsa BBBB", "mt1", 22, changed(&["ssh-rsa"])),
            ("mt1 ssh-rsa BBBB\nmt1 ssh-rsa AAAA", "mt1", 22, KeyStatus::Match),
            (
                "mt1 ssh-rsa BBBB\nmt1 ssh-ed25519 BBBB",
                "mt1",
                22,
                changed(&["ssh-ed25519", "ssh-rsa"]),
            ),
            ("[mt1]:2222 ssh-rsa AAAA", "mt1", 2222, KeyStatus::Match),
            ("[mt1]:2222 ssh-rsa AAAA", "mt1", 22, KeyStatus::Unknown),
            ("mt1 ssh-rsa AAAA", "mt1", 2222, KeyStatus::Match),
            ("mt1 ssh-rsa BBBB", "mt1", 2222, KeyStatus::Unknown),
            ("*.example.test ssh-rsa AAAA", "mt1.example.test", 22, KeyStatus::Match),
            ("*.example.test,!mt1.* ssh-rsa AAAA", "mt1.example.test", 22, KeyStatus::Unknown),
            ("mt? ssh-rsa AAAA", "mt1", 22, KeyStatus::Match),
            ("mt? ssh-rsa AAAA", "mt10", 22, KeyStatus::Unknown),
            ("@revoked * ssh-rsa AAAA\nmt1 ssh-rsa AAAA", "mt1", 22, KeyStatus::Revoked),
            ("@revoked * ssh-rsa BBBB\nmt1 ssh-rsa AAAA", "mt1", 22, KeyStatus::Match),
            ("@cert-authority *.test ssh-rsa AAAA", "mt1.test", 22, KeyStatus::OnlyAuthority),
            ("@cert-authority * ssh-rsa AAAA\nmt1 ssh-rsa BBBB", "mt1", 22, changed(&["ssh-rsa"])),
            ("@later mt1 ssh-rsa AAAA", "mt1", 22, KeyStatus::Unknown),
            ("# mt1 ssh-rsa AAAA\n\nmt1 1024 35 1234\nmt1 ssh-rsa", "mt1", 22, KeyStatus::Unknown),
            ("mt1 ssh-rsa not+base64+", "mt1", 22, changed(&["ssh-rsa"])),
            ("|1|x|y ssh-rsa AAAA", "mt1", 22, KeyStatus::Unknown),
            ("|1| ssh-rsa AAAA", "mt1", 22, KeyStatus::Unknown),
        ] {
            assert_eq!(known(text).check_key(host, port, A), expected, "{text:?}");
        }
    }

    /// The hash is HMAC-SHA1 of the name, keyed with the salt, as `ssh-keygen -H` makes it.
    #[test]
    fn hashed_names_are_found() {
        let hash = |name: &str| {
            let salt = PKey::hmac(b"a salt of 20 bytes..").unwrap();
            let mut signer = Signer::new(MessageDigest::sha1(), &salt).unwrap();
            let mac = signer.sign_oneshot_to_vec(name.as_bytes()).unwrap();
            let salt = base64::encode_block(b"a salt of 20 bytes..");
            format!("|1|{salt}|{} ssh-rsa AAAA", base64::encode_block(&mac))
        };
        assert_eq!(known(&hash("mt1")).check_key("mt1", 22, A), KeyStatus::Match);
        assert_eq!(known(&hash("mt1")).check_key("mt2", 22, A), KeyStatus::Unknown);
        assert_eq!(known(&hash("[mt1]:2222")).check_key("mt1", 2222, A), KeyStatus::Match);
        assert_eq!(
            known(&hash("mt1")).check_key("mt1", 22, B),
            KeyStatus::Changed(vec!["ssh-rsa".into()])
        );
    }

    #[test]
    fn the_types_that_are_known_are_those_of_the_host() {
        let known =
            known("mt1 ssh-rsa AAAA\nmt1 ssh-ed25519 AAAA\nmt2 x AAAA\n@revoked mt1 y AAAA");
        assert_eq!(known.key_types("mt1", 22), ["ssh-rsa", "ssh-ed25519"]);
        assert_eq!(known.key_types("mt1", 2222), ["ssh-rsa", "ssh-ed25519"]);
        assert!(known.key_types("mt3", 22).is_empty());
    }

    #[test]
    fn a_line_that_is_written_is_found_again() {
        let mut known = KnownHosts::default();
        known.add_file(&format_line("MT1", 2222, "ssh-rsa", A), Path::new("known_hosts"));
        assert_eq!(known.check_key("mt1", 2222, A), KeyStatus::Match);
    }

    #[test]
    fn a_line_is_found_by_its_place() {
        let known = known(
            "# mt1\nmt2 ssh-rsa AAAA\n\nmt1 ssh-rsa AAAA\n*,!mt2 ssh-dss AAAA\n\
                           @revoked * ssh-rsa BBBB",
        );
        let lines =
            |places: Vec<&LineLocation>| places.iter().map(|place| place.line).collect::<Vec<_>>();
        assert_eq!(lines(known.locations("mt1", 22)), [4, 5]);
        assert_eq!(known.revoked_at("mt1", 2222, B).map(|location| location.line), Some(6));
        assert_eq!(known.revoked_at("mt1", 22, A), None);
    }

    #[test]
    fn a_pattern_of_many_stars_ends() {
        let pattern = "*a".repeat(200) + "b";
        let known = known(&format!("{pattern} ssh-rsa AAAA"));
        assert_eq!(known.check_key(&"a".repeat(2000), 22, A), KeyStatus::Unknown);
    }
}
