//! Values of a recipe as types: each is read by an anchored rule, is ASCII and holds no white
//! space or control character, so that no value can become a command of its own later.
//!
//! Not for whether values fit together (`image::resolve`), nor for quoting (`template`).

pub mod account;
pub mod disk;
pub mod network;

use serde::de::{Deserializer, Error as _, Visitor};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

/// The longest part of a refused text that is shown.
const MAX_SHOWN: usize = 80;

/// A text that is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}is not {kind}: expected {expected}", seen_text(.seen))]
pub struct ValueError {
    /// The text as it was given; absent when it may be a secret.
    pub seen: Option<String>,
    /// What it should have been, with its article: `a host name`.
    pub kind: &'static str,
    /// The rule in words.
    pub expected: &'static str,
}

impl ValueError {
    /// Says that `seen` is not of this kind.
    pub fn new(seen: &str, kind: &'static str, expected: &'static str) -> Self {
        Self { seen: Some(seen.chars().take(MAX_SHOWN).collect()), kind, expected }
    }
}

fn seen_text(seen: &Option<String>) -> String {
    seen.as_ref().map_or_else(|| "this ".to_owned(), |seen| format!("{seen:?} "))
}

/// Reads a value that is written as text; a bare number or truth value is refused with the advice
/// to quote it.
pub(crate) fn from_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ValueError>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(TextVisitor(PhantomData))
}

struct TextVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err = ValueError>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, seen: u64) -> Result<T, E> {
        Err(unquoted(&seen))
    }

    fn visit_i64<E: serde::de::Error>(self, seen: i64) -> Result<T, E> {
        Err(unquoted(&seen))
    }

    fn visit_f64<E: serde::de::Error>(self, seen: f64) -> Result<T, E> {
        Err(unquoted(&seen))
    }

    fn visit_bool<E: serde::de::Error>(self, seen: bool) -> Result<T, E> {
        Err(unquoted(&seen))
    }
}

fn unquoted<E: serde::de::Error>(seen: &impl fmt::Display) -> E {
    E::custom(format_args!("{seen} is not text for YAML: write it in quotes"))
}

/// Reads a value that may be written as a whole number or as text.
pub(crate) fn from_text_or_number<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = ValueError>,
    D: Deserializer<'de>,
{
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum NumberOrText {
        Number(u64),
        Text(String),
    }
    match <NumberOrText as serde::Deserialize>::deserialize(deserializer)? {
        NumberOrText::Number(number) => number.to_string().parse().map_err(D::Error::custom),
        NumberOrText::Text(text) => text.parse().map_err(D::Error::custom),
    }
}

/// Gives a type that is written as text, as `Display` has it, serde's two traits; the function reads it.
macro_rules! serde_by_text {
    ($name:ident, $read:path) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $read(deserializer)
            }
        }
    };
}
pub(crate) use serde_by_text;

/// Defines a value that is a text of one form.
macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident: $kind:literal, $pattern:literal, $expected:literal $(, $rule:expr)?) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::installer::value::ValueError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                static FORM: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
                    regex::Regex::new(concat!(r"\A(?:", $pattern, r")\z"))
                        .expect("the pattern is a literal that a test has compiled")
                });
                let fits = FORM.is_match(text) $(&& { let rule: fn(&str) -> bool = $rule; rule(text) })?;
                if fits {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($crate::installer::value::ValueError::new(text, $kind, $expected))
                }
            }
        }

        $crate::text_schema::text_schema!($name, $pattern);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::installer::value::serde_by_text!($name, $crate::installer::value::from_text);
    };
}
pub(crate) use text_value;

text_value! {
    /// A language of the installed system, such as `en_US.UTF-8`.
    Language: "a language", r"[a-z]{2,3}_[A-Z]{2}(\.UTF-8|\.utf8)?(@[a-z]{1,16})?",
    "language, underscore, country and maybe .UTF-8, such as en_US.UTF-8"
}

text_value! {
    /// A console keyboard layout, such as `us` or `de-latin1`.
    Keyboard: "a keyboard layout", r"[a-z][a-z0-9_-]{0,31}",
    "a console layout in lower case, such as us or de-latin1"
}

text_value! {
    /// A time zone by its place, such as `Europe/Berlin`.
    TimeZone: "a time zone", r"[A-Z][A-Za-z0-9_+-]{0,31}(/[A-Z][A-Za-z0-9_+-]{0,31}){0,2}",
    "Area/City such as Europe/Berlin, or Etc/UTC"
}

text_value! {
    /// A package by its name, with or without an architecture.
    PackageName: "a package name", r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}",
    "letters, digits and + . _ - such as lsscsi"
}

text_value! {
    /// A package group by its id, without the `@`.
    GroupName: "a package group", r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}",
    "the group's id, letters, digits and + . _ - such as core"
}

text_value! {
    /// The name of a profile: that of its file in `kickstart/`, without `.yaml`.
    ProfileName: "a profile name", r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
    "a file name in kickstart/ without .yaml, such as centos-6.6"
}

text_value! {
    /// A name of an environment variable.
    VariableName: "an environment variable", r"[A-Za-z_][A-Za-z0-9_]{0,63}",
    "letters, digits and underscores, such as MT_ROOT_PASSWORD"
}

text_value! {
    /// One line that says what something is, for lists.
    Title: "a title", r"[ -~]{1,100}", "1 to 100 printable ASCII characters on one line"
}

text_value! {
    /// A file in the payload directory, without a directory.
    PayloadName: "a payload file's name", r"[A-Za-z0-9][A-Za-z0-9+._-]{0,127}",
    "letters, digits and + . _ - such as agent.tar.gz"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_hold_nothing_that_splits_a_line_or_a_word() {
        fn refuses<T: FromStr<Err = ValueError>>(text: &str) {
            assert!(text.parse::<T>().is_err(), "{text:?}");
        }
        for bad in ["", "a b", "a\n%post", "a\tb", "ü", "a;b", "$(x)", "a'b", "a\"b", "a\r", "#a"]
        {
            refuses::<Language>(bad);
            refuses::<Keyboard>(bad);
            refuses::<TimeZone>(bad);
            refuses::<PackageName>(bad);
            refuses::<GroupName>(bad);
            refuses::<ProfileName>(bad);
            refuses::<VariableName>(bad);
            refuses::<PayloadName>(bad);
        }
        for bad in ["a\n", "\u{1b}[1m", "ü", ""] {
            refuses::<Title>(bad);
        }
        refuses::<ProfileName>("../x");
        refuses::<PackageName>("-x");
    }

    #[test]
    fn good_values_are_kept_as_written() {
        for good in ["en_US.UTF-8", "sr_RS@latin", "nds_DE"] {
            assert_eq!(good.parse::<Language>().unwrap().as_str(), good);
        }
        for good in ["Etc/UTC", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5"] {
            assert_eq!(good.parse::<TimeZone>().unwrap().as_str(), good);
        }
        for good in ["gcc-c++", "kmod-reiserfs", "glibc.i686", "389-ds-base"] {
            assert_eq!(good.parse::<PackageName>().unwrap().as_str(), good);
        }
    }

    #[test]
    fn a_refusal_says_what_was_expected_and_seen() {
        let error = "US".parse::<Keyboard>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"US\" is not a keyboard layout: expected a console layout in lower case, such as us \
             or de-latin1"
        );
    }

    #[test]
    fn a_number_where_text_is_meant_is_told_to_be_quoted() {
        let error = serde_yaml::from_str::<PackageName>("389").unwrap_err();
        assert!(error.to_string().contains("389 is not text for YAML: write it in quotes"));
        assert!(serde_yaml::from_str::<PackageName>("'389'").is_ok());
    }
}
