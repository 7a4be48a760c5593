//! Versions of Debian packages, compared as dpkg does (deb-version(7), dpkg's lib/dpkg/version.c).
//!
//! Not for which versions a dependency accepts (`list`).

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A version: `[EPOCH:]UPSTREAM[-REVISION]`.
///
/// ```
/// use preflight::packages::deb::version::DebVersion;
/// let version = |text: &str| text.parse::<DebVersion>().unwrap();
/// assert!(version("1.0~rc1-1") < version("1.0-1"));
/// assert!(version("1:0.1") > version("9.9"));
/// assert_eq!(version("1.0"), version("0:1.0-0"));
/// ```
#[derive(Clone, Debug)]
pub struct DebVersion {
    text: String,
    epoch: u32,
    /// Where upstream's part and the revision are in the text.
    upstream: (usize, usize),
    revision: (usize, usize),
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version of a Debian package: {why}")]
pub struct DebVersionError {
    /// The text, at most 80 characters of it.
    pub text: String,
    /// What is wrong.
    pub why: &'static str,
}

impl FromStr for DebVersion {
    type Err = DebVersionError;

    fn from_str(text: &str) -> Result<Self, DebVersionError> {
        let refuse = |why| Err(DebVersionError { text: text.chars().take(80).collect(), why });
        let (epoch, start) = match text.split_once(':') {
            None => (0, 0),
            Some((epoch, _)) => {
                if !epoch.bytes().all(|byte| byte.is_ascii_digit()) {
                    return refuse("its epoch is no number");
                }
                match epoch.parse::<u32>().ok().filter(|epoch| i32::try_from(*epoch).is_ok()) {
                    Some(number) => (number, epoch.len() + 1),
                    None => return refuse("its epoch is no number"),
                }
            }
        };
        let end = text[start..].rfind('-').map_or(text.len(), |at| start + at);
        let revision = if end == text.len() { (end, end) } else { (end + 1, text.len()) };
        let (upstream, own) = (&text[start..end], &text[revision.0..revision.1]);
        if upstream.is_empty() {
            return refuse("it is empty");
        }
        if end < text.len() && own.is_empty() {
            return refuse("its revision is empty");
        }
        if !upstream.starts_with(|c: char| c.is_ascii_digit()) {
            return refuse("it does not begin with a digit");
        }
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || b".+~".contains(&byte);
        if !upstream.bytes().all(|byte| letter(byte) || byte == b'-' || byte == b':') {
            return refuse("a character is not allowed");
        }
        if !own.bytes().all(letter) {
            return refuse("a character of the revision is not allowed");
        }
        Ok(Self { text: text.to_owned(), epoch, upstream: (start, end), revision })
    }
}

impl DebVersion {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text without its epoch, as in the names of files.
    pub fn without_epoch(&self) -> &str {
        &self.text[self.upstream.0..]
    }
}

impl fmt::Display for DebVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Ord for DebVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let part = |version: &Self, (start, end): (usize, usize)| -> String {
            version.text[start..end].to_owned()
        };
        self.epoch
            .cmp(&other.epoch)
            .then_with(|| compare(&part(self, self.upstream), &part(other, other.upstream)))
            .then_with(|| compare(&part(self, self.revision), &part(other, other.revision)))
    }
}

impl PartialOrd for DebVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for DebVersion {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for DebVersion {}

/// Compares one part: runs of other characters and runs of digits in turn.
fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        loop {
            let is_other = |bytes: &[u8]| bytes.first().is_some_and(|byte| !byte.is_ascii_digit());
            if !is_other(a) && !is_other(b) {
                break;
            }
            match rank(a.first()).cmp(&rank(b.first())) {
                Ordering::Equal => (a, b) = (a.get(1..).unwrap_or(&[]), b.get(1..).unwrap_or(&[])),
                order => return order,
            }
        }
        let (first, second) = (digits(&mut a), digits(&mut b));
        match first.len().cmp(&second.len()).then_with(|| first.cmp(second)) {
            Ordering::Equal => {}
            order => return order,
        }
    }
    Ordering::Equal
}

/// A tilde sorts before the end, the end and digits before letters, letters before the rest.
fn rank(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// Takes the digits at the front, and returns them without zeros before.
fn digits<'t>(bytes: &mut &'t [u8]) -> &'t [u8] {
    let end = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(bytes.len());
    let (number, rest) = bytes.split_at(end);
    *bytes = rest;
    let zeros = number.iter().position(|byte| *byte != b'0').unwrap_or(number.len());
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_version_is_refused() {
        for text in [
            "", ":", "a:1", "1:", "-1", "1-", "a", "1_0", "1 0", "\u{e4}", "1-1:1", "99999999999:1",
        ] {
            assert!(text.parse::<DebVersion>().is_err(), "{text:?}");
        }
        for text in ["0", "1.0", "1:1.0-1ubuntu2", "1.0-rc1-2", "2:1:1-1", "1.0+dfsg~1-0.1+b1"] {
            assert_eq!(text.parse::<DebVersion>().unwrap().as_str(), text);
        }
        assert_eq!("1:2.0-1".parse::<DebVersion>().unwrap().without_epoch(), "2.0-1");
    }
}
