//! Thumbprints of certificates, and the text of the file that keeps the accepted ones.
//!
//! Not for fetching a certificate (`tls`), nor for reading or writing the file (`cli`).

use std::fmt;
use std::str::FromStr;

use crate::hint::hinted;

/// The digest of a certificate's DER form, as VMware's tools print it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Thumbprint {
    /// SHA-256, of 32 bytes.
    Sha256([u8; 32]),
    /// SHA-1, of 20 bytes: what older tools print. Collisions of it can be made.
    Sha1([u8; 20]),
}

/// Why a text is no thumbprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a thumbprint")]
pub struct ThumbprintError(pub String);

impl ThumbprintError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(
            "give 64 hexadecimal digits (SHA-256) or 40 (SHA-1), with or without colons".to_owned(),
        )
    }
}

hinted!(ThumbprintError);

impl Thumbprint {
    /// Returns the name of the digest: `sha256` or `sha1`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha1(_) => "sha1",
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha1(bytes) => bytes,
        }
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs: Vec<String> = self.bytes().iter().map(|byte| format!("{byte:02X}")).collect();
        f.write_str(&pairs.join(":"))
    }
}

impl FromStr for Thumbprint {
    type Err = ThumbprintError;

    /// ```
    /// use preflight::transport::http::thumbprint::Thumbprint;
    /// let text = "ab".repeat(32);
    /// let thumbprint: Thumbprint = text.parse().unwrap();
    /// assert_eq!(thumbprint.kind(), "sha256");
    /// assert_eq!(thumbprint.to_string().parse(), Ok(thumbprint));
    /// ```
    fn from_str(text: &str) -> Result<Self, ThumbprintError> {
        let fault = || ThumbprintError(text.chars().take(100).collect());
        let digits: String =
            text.trim().chars().filter(|c| !matches!(c, ':' | ' ' | '-')).collect();
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(fault());
        }
        let byte =
            |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("two hexadecimal digits");
        match digits.len() {
            64 => Ok(Self::Sha256(std::array::from_fn(|n| byte(2 * n)))),
            40 => Ok(Self::Sha1(std::array::from_fn(|n| byte(2 * n)))),
            _ => Err(fault()),
        }
    }
}

/// Returns the thumbprints that a file has for a server, such as `vc1:443`.
///
/// A line is `HOST:PORT THUMBPRINT`; lines that begin with `#` and all others are skipped.
pub fn thumbprints_for(file: &str, authority: &str) -> Vec<Thumbprint> {
    file.lines()
        .filter_map(parse_entry)
        .filter(|(at, _)| is_same_host(at, authority))
        .map(|(_, t)| t)
        .collect()
}

/// Returns the file's text with this thumbprint in place of those it has for the server.
pub fn replace_thumbprint(file: &str, authority: &str, thumbprint: &Thumbprint) -> String {
    let others = file
        .lines()
        .filter(|line| !parse_entry(line).is_some_and(|(at, _)| is_same_host(at, authority)));
    let mut text: String = others.map(|line| format!("{line}\n")).collect();
    text.push_str(&format!("{authority} {thumbprint}\n"));
    text
}

fn parse_entry(line: &str) -> Option<(&str, Thumbprint)> {
    let (authority, thumbprint) = line.trim().split_once(char::is_whitespace)?;
    if authority.starts_with('#') { None } else { Some((authority, thumbprint.parse().ok()?)) }
}

/// Whether two hosts are the same; case does not count.
fn is_same_host(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_thumbprint_is_read() {
        let sha256 = Thumbprint::Sha256([0xab; 32]);
        for text in [sha256.to_string(), "AB".repeat(32), format!(" {} ", "ab ".repeat(32))] {
            assert_eq!(text.parse(), Ok(sha256.clone()), "{text}");
        }
        assert_eq!("0A".repeat(20).parse(), Ok(Thumbprint::Sha1([10; 20])));
        for text in ["", "AB", &"AB".repeat(31), &"AG".repeat(32), &"é".repeat(32)] {
            assert!(text.parse::<Thumbprint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_keeps_one_thumbprint_of_a_server_and_what_it_does_not_know() {
        let (one, two) = (Thumbprint::Sha256([1; 32]), Thumbprint::Sha256([2; 32]));
        let file = replace_thumbprint("# by hand\nnonsense\n", "vc1:443", &one);
        let file = replace_thumbprint(&file, "vc2:443", &two);
        let file = replace_thumbprint(&file, "VC1:443", &two);
        assert_eq!(file, format!("# by hand\nnonsense\nvc2:443 {two}\nVC1:443 {two}\n"));
        assert_eq!(thumbprints_for(&file, "vc1:443"), [two]);
        assert_eq!(thumbprints_for(&file, "vc1:8443"), []);
        assert_eq!(thumbprints_for(&format!("#vc1:443 {one}"), "vc1:443"), []);
    }
}
