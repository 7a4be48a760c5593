//! Passwords as far as an image may hold them: a SHA-512 crypt hash and nothing weaker.
//!
//! Not for asking for a password (`cli`) and not for making a salt: hashing here is pure.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ValueError;
use crate::text_schema::text_schema;

static FORM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A\$6\$(?:rounds=[1-9][0-9]{3,8}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}\z")
        .expect("the pattern is a literal that a test has compiled")
});

/// A `$6$` hash of crypt(3); `Debug` shows its method only.
#[derive(Clone, PartialEq, Eq)]
pub struct CryptHash(String);

impl CryptHash {
    /// The hash, for the kickstart.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

text_schema!(
    CryptHash,
    r"\$6\$(?:rounds=[1-9][0-9]{3,8}\$)?[./0-9A-Za-z]{1,16}\$[./0-9A-Za-z]{86}"
);

impl FromStr for CryptHash {
    type Err = ValueError;

    /// Reads a hash. The text is never repeated in the error, for it may be a password.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        if FORM.is_match(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ValueError {
                seen: None,
                kind: "a password hash",
                expected: "$6$, maybe rounds=N$, a salt of at most 16 characters, $ and 86 \
                           characters, as `openssl passwd -6` prints it",
            })
        }
    }
}

impl fmt::Debug for CryptHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CryptHash($6$***)")
    }
}

impl Serialize for CryptHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for CryptHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::from_text(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_complete_sha512_hash_is_one_and_a_refusal_repeats_nothing() {
        let digest = "a".repeat(86);
        for good in [format!("$6$salt${digest}"), format!("$6$rounds=5000$./Az09${digest}")] {
            assert_eq!(good.parse::<CryptHash>().unwrap().as_str(), good);
        }
        for bad in [
            "hunter2".to_owned(),
            format!("$1$salt${digest}"),
            format!("$5$salt${digest}"),
            format!("$6$salt${digest}a"),
            format!("$6$salt${}", &digest[1..]),
            format!("$6$salt of${digest}"),
            format!("$6$${digest}"),
            format!("$6$rounds=10$salt${digest}"),
            format!("$6$salt${digest}\n"),
        ] {
            let error = bad.parse::<CryptHash>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"));
            assert!(error.to_string().starts_with("this is not a password hash: expected $6$"));
        }
    }
}
