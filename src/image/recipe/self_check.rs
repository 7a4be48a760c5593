//! What a recipe says about the self-check: whether there is one, how many captures it keeps, and
//! which program evaluates them.
//!
//! Not for whether a program can do that (`image::static_program`).

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::installer::self_check::DEFAULT_KEEP;

/// The self-check of the installed system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelfCheckSettings {
    /// Whether there is one.
    pub enabled: bool,
    /// How many captures it keeps.
    pub keep: u16,
    /// The program that evaluates them there.
    #[schemars(with = "String")]
    pub binary: SelfCheckBinaryChoice,
}

impl Default for SelfCheckSettings {
    fn default() -> Self {
        Self { enabled: true, keep: DEFAULT_KEEP, binary: SelfCheckBinaryChoice::Auto }
    }
}

/// Which program evaluates a master target's captures on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SelfCheckBinaryChoice {
    /// The program that builds the image, when it is static; otherwise none.
    #[default]
    Auto,
    /// None.
    None,
    /// A file of the machine that builds.
    File(PathBuf),
}

impl FromStr for SelfCheckBinaryChoice {
    type Err = Infallible;

    /// Reads `auto`, `none`, or a path; a file of such a name is `./none`.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "auto" => Self::Auto,
            "none" => Self::None,
            path => Self::File(PathBuf::from(path)),
        })
    }
}

impl Serialize for SelfCheckBinaryChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => serializer.serialize_str("auto"),
            Self::None => serializer.serialize_str("none"),
            Self::File(path) => path.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SelfCheckBinaryChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Ok(choice) = String::deserialize(deserializer)?.parse();
        Ok(choice)
    }
}
