//! Names on a medium: the name that an identifier is shown as, and the identifier of a new name.
//!
//! Not for paths (`tree`), nor for Rock Ridge names, which are stored unchanged.

use std::collections::BTreeSet;

use super::error::IsoError;

/// The longest Joliet name: 64 by the standard, 103 by what every writer and reader does.
const JOLIET_MAX: usize = 103;
/// Characters that a Joliet name must not contain (Joliet specification, "Allowed character set").
const JOLIET_FORBIDDEN: &str = "*/:;?\\";

/// Returns a name that can be part of a path, or refuses it.
pub(super) fn validate_name(bytes: &[u8], at: u64) -> Result<String, IsoError> {
    let name = String::from_utf8_lossy(bytes).into_owned();
    let why = match name.as_str() {
        "" => "is empty",
        "." | ".." => "leaves its directory",
        _ if name.contains('/') => "contains a slash",
        _ if name.chars().any(char::is_control) => "contains control characters",
        _ if name.len() > 3 * 255 => "is longer than 255 bytes",
        _ => return Ok(name),
    };
    Err(IsoError::Name { name, at, why })
}

/// Returns the name that Linux shows for an identifier without Rock Ridge: lower case, without
/// ";1", and without the dot of an empty extension (Linux fs/isofs/dir.c, isofs_name_translate).
pub(super) fn linux_name(identifier: &[u8]) -> Vec<u8> {
    let stem = identifier
        .strip_suffix(b".;1")
        .or_else(|| identifier.strip_suffix(b";1"))
        .unwrap_or(identifier);
    stem.iter().map(|&byte| if byte == b';' { b'.' } else { byte.to_ascii_lowercase() }).collect()
}

/// Returns the name that Linux shows for a Joliet identifier (Linux fs/isofs/joliet.c).
pub(super) fn joliet_name(identifier: &[u8], at: u64) -> Result<String, IsoError> {
    let (units, rest) = identifier.as_chunks::<2>();
    let units = units.iter().map(|&unit| u16::from_be_bytes(unit));
    let mut name: String =
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    if !rest.is_empty() {
        return Err(IsoError::Name { name, at, why: "is Joliet and has an odd length" });
    }
    if name.len() > 2 && name.ends_with(";1") {
        name.truncate(name.len() - 2);
    }
    while name.len() > 1 && name.ends_with('.') {
        name.pop();
    }
    validate_name(name.as_bytes(), at)
}

/// Returns the Joliet identifier of a new name, or why there is none.
pub(super) fn joliet_identifier(name: &str, version: bool) -> Result<Vec<u8>, &'static str> {
    if name.contains(|c| JOLIET_FORBIDDEN.contains(c)) {
        return Err("has a character that Joliet forbids");
    }
    if name.ends_with('.') {
        return Err("ends with a dot, which Joliet readers drop");
    }
    if name.encode_utf16().count() > JOLIET_MAX {
        return Err("is longer than 103 characters, the most that Joliet can hold");
    }
    let suffix = if version { ";1" } else { "" };
    Ok(name.encode_utf16().chain(suffix.encode_utf16()).flat_map(u16::to_be_bytes).collect())
}

/// The identifiers of one directory. New ones differ from all of them.
#[derive(Default)]
pub(super) struct Identifiers {
    taken: BTreeSet<Vec<u8>>,
    next: u32,
}

impl Identifiers {
    /// Records an identifier. Returns whether it was free.
    pub(super) fn reserve(&mut self, identifier: &[u8]) -> bool {
        self.taken.insert(identifier.to_vec())
    }

    /// Makes an 8.3 identifier of d-characters that resembles a name. Where that one is taken, its
    /// stem ends with a number.
    pub(super) fn invent(&mut self, name: &str, directory: bool, version: bool) -> Vec<u8> {
        let (stem, extension) = match name.rsplit_once('.') {
            Some((stem, extension)) if !directory && !stem.is_empty() => (stem, extension),
            _ => (name, ""),
        };
        let (stem, extension) = (to_d_characters(stem, 8), to_d_characters(extension, 3));
        let spell = |stem: &str| match (directory, version) {
            (true, _) => stem.to_owned(),
            (false, true) => format!("{stem}.{extension};1"),
            (false, false) => format!("{stem}.{extension}"),
        };
        let mut identifier = spell(&stem);
        while !self.reserve(identifier.as_bytes()) {
            let number = self.next.to_string();
            self.next += 1;
            let keep = stem.len().min(8_usize.saturating_sub(number.len()));
            identifier = spell(&format!("{}{number}", &stem[..keep]));
        }
        identifier.into_bytes()
    }

    /// Returns the identifier that is shown as exactly this name without any extension to ISO 9660.
    pub(super) fn exact(
        &mut self,
        name: &str,
        directory: bool,
        version: bool,
    ) -> Result<Vec<u8>, &'static str> {
        let identifier = Self::default().invent(name, directory, version);
        if linux_name(&identifier) != name.as_bytes() {
            return Err(
                "is not a lower-case 8.3 name, and the image has neither Rock Ridge nor Joliet",
            );
        }
        if !self.reserve(&identifier) {
            return Err("has the identifier of another file");
        }
        Ok(identifier)
    }
}

/// Converts to at most `max` d-characters: A-Z, 0-9 and '_' (ECMA-119 7.4.1).
fn to_d_characters(text: &str, max: usize) -> String {
    text.chars()
        .take(max)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_as_linux_shows_them() {
        for (identifier, name) in [
            (&b"ISOLINUX.CFG;1"[..], &b"isolinux.cfg"[..]),
            (b"README.;1", b"readme"),
            (b"README.", b"readme."),
            (b"PACKAGES", b"packages"),
            (b"A.B;2", b"a.b.2"),
            (b"A;1", b"a"),
        ] {
            assert_eq!(linux_name(identifier), name);
        }
        for (text, name) in [("Ab c.txt", "Ab c.txt"), ("x;1", "x"), ("x.", "x"), (";1", ";1")] {
            let identifier: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
            assert_eq!(joliet_name(&identifier, 0).unwrap(), name);
        }
    }

    #[test]
    fn names_that_leave_their_place_are_refused() {
        for bad in [&b""[..], b".", b"..", b"a/b", b"a\nb", b"\x1b[0m", b"a\0", b"\xc2\x9b"] {
            assert!(validate_name(bad, 0).is_err(), "{bad:?}");
        }
        assert_eq!(validate_name(b"...", 0).unwrap(), "...");
        assert_eq!(validate_name(b"\xff", 0).unwrap(), "\u{fffd}");
        assert!(joliet_name(b"\0a\0", 0).is_err());
        assert!(joliet_name(b"\0.\0.\0/", 0).is_err());
    }

    #[test]
    fn new_identifiers_are_unique_8_3_names() {
        let mut identifiers = Identifiers::default();
        for (name, directory, expected) in [
            ("ks.cfg", false, "KS.CFG;1"),
            ("KS.cfg", false, "KS0.CFG;1"),
            ("preflight", true, "PREFLIGH"),
            ("preflight2", true, "PREFLIG1"),
            (".discinfo", false, "_DISCINF.;1"),
            ("kmod-reiserfs-0.0-1.el6.x86_64.rpm", false, "KMOD_REI.RPM;1"),
            ("kmod-reiserfs-0.0-2.el6.x86_64.rpm", false, "KMOD_RE2.RPM;1"),
            ("a.b", true, "A_B"),
        ] {
            let identifier = identifiers.invent(name, directory, true);
            assert_eq!(String::from_utf8(identifier).unwrap(), expected);
        }
    }

    #[test]
    fn without_extensions_only_what_reads_back_is_a_name() {
        let mut identifiers = Identifiers::default();
        assert_eq!(identifiers.exact("ks.cfg", false, true), Ok(b"KS.CFG;1".to_vec()));
        for bad in ["ks.cfg", "Ks.cfg", "a.b.c", "longer-name", "123456789", "x.html"] {
            assert!(identifiers.exact(bad, false, true).is_err(), "{bad}");
        }
    }

    #[test]
    fn joliet_names_have_up_to_103_characters() {
        assert_eq!(joliet_identifier("a", true).unwrap(), b"\0a\0;\x001");
        assert_eq!(joliet_identifier(&"x".repeat(103), false).unwrap().len(), 206);
        for bad in [&"x".repeat(104), "a:b", "a\\b", "a."] {
            assert!(joliet_identifier(bad, false).is_err(), "{bad}");
        }
    }
}
