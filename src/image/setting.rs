//! `--set key.path=value`: one value of a recipe replaced before the recipe is typed.
//!
//! Not for whether the key exists or the value fits: the typed parse that follows says so, with
//! the nearest right key.

use std::fmt;
use std::str::FromStr;

use serde_yaml::{Mapping, Value};

use crate::yaml::{self, YamlProblem};

/// The most parts of a key.
const MAX_DEPTH: usize = 8;

/// One override.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    key: Vec<String>,
    value: Value,
}

/// Why an override was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No `=`, or a malformed key.
    #[error("{0:?} is not a setting: expected KEY=VALUE, such as network.address=192.0.2.10")]
    Form(String),
    /// A value that is not YAML.
    #[error("the value of {0}: {1}")]
    Value(String, YamlProblem),
    /// A place in a list that there is not.
    #[error("{0}: the list has {1} items, expected a number from 0 to {1}")]
    Index(String, usize),
}

impl Setting {
    /// The dotted key.
    pub fn key(&self) -> String {
        self.key.join(".")
    }

    /// Puts the value into a recipe's document.
    ///
    /// Mappings and lists that are missing are made, and a word in the way (`retention: none`)
    /// gives way. A list takes the number of an item, or its length to append one.
    ///
    /// # Errors
    ///
    /// Refuses a number past the end of a list.
    pub fn apply(&self, document: &mut Value) -> Result<(), SettingError> {
        let mut here = document;
        for (depth, part) in self.key.iter().enumerate() {
            let number = part.parse::<usize>().ok();
            // No key is a number, so a number under nothing begins a list.
            if number.is_some() && !here.is_sequence() {
                *here = Value::Sequence(Vec::new());
            } else if number.is_none() && !here.is_mapping() {
                *here = Value::Mapping(Mapping::new());
            }
            here = match (here, number) {
                (Value::Sequence(items), Some(index)) => {
                    let len = items.len();
                    if index > len {
                        let key = self.key[..=depth].join(".");
                        return Err(SettingError::Index(key, len));
                    }
                    if index == len {
                        items.push(Value::Null);
                    }
                    &mut items[index]
                }
                (Value::Mapping(map), _) => {
                    map.entry(Value::String(part.clone())).or_insert(Value::Null)
                }
                _ => unreachable!("a number makes a list and a word makes a mapping"),
            };
        }
        *here = self.value.clone();
        Ok(())
    }
}

impl FromStr for Setting {
    type Err = SettingError;

    /// Reads `key.path=value`; the value is YAML, so `[a, b]` is a list and `'1'` is text.
    fn from_str(text: &str) -> Result<Self, SettingError> {
        let (key, value) =
            text.split_once('=').ok_or_else(|| SettingError::Form(text.to_owned()))?;
        let parts: Vec<String> = key.split('.').map(str::to_owned).collect();
        let word = |part: &String| {
            !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        };
        if parts.len() > MAX_DEPTH || !parts.iter().all(word) {
            return Err(SettingError::Form(format!("{key}=")));
        }
        let value = yaml::parse(value, "--set")
            .map_err(|error| SettingError::Value(key.to_owned(), error.problem))?;
        Ok(Self { key: parts, value })
    }
}

impl fmt::Display for Setting {
    /// The key alone: the value may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--set {}", self.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(document: &str, settings: &[&str]) -> String {
        let mut value: Value = serde_yaml::from_str(document).unwrap();
        for setting in settings {
            setting.parse::<Setting>().unwrap().apply(&mut value).unwrap();
        }
        serde_yaml::to_string(&value).unwrap()
    }

    #[test]
    fn values_are_replaced_made_and_appended() {
        for (document, settings, result) in [
            ("a: 1", &["a=2"][..], "a: 2\n"),
            ("a: {b: 1}", &["a.b=x"], "a:\n  b: x\n"),
            ("a: none", &["a.b.c=1"], "a:\n  b:\n    c: 1\n"),
            ("a: [x, y]", &["a.1=z"], "a:\n- x\n- z\n"),
            ("a: [x]", &["a.1=y", "a.2=z"], "a:\n- x\n- y\n- z\n"),
            ("a: []", &["a.0.b=1"], "a:\n- b: 1\n"),
            ("b: 1", &["a.0=x"], "b: 1\na:\n- x\n"),
            ("a: 1", &["a=[p, q]"], "a:\n- p\n- q\n"),
            ("a: 1", &["a='2'"], "a: '2'\n"),
            ("a: 1", &["a=x=y"], "a: x=y\n"),
            ("{}", &["a="], "a: null\n"),
        ] {
            assert_eq!(after(document, settings), result, "{settings:?}");
        }
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for bad in ["", "a", "=1", "a..b=1", ".a=1", "a b=1", "a-b=1", "a.b.c.d.e.f.g.h.i=1"] {
            assert!(matches!(bad.parse::<Setting>(), Err(SettingError::Form(..))), "{bad:?}");
        }
        assert!(matches!("a=&x 1".parse::<Setting>(), Err(SettingError::Value(..))));
        let mut list: Value = serde_yaml::from_str("a: [1]").unwrap();
        let error = "a.2=1".parse::<Setting>().unwrap().apply(&mut list).unwrap_err();
        assert_eq!(error, SettingError::Index("a.2".into(), 1));
    }
}
