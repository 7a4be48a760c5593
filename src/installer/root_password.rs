//! Where a recipe says the root password comes from; the password itself never stands in it.
//!
//! Not for asking, reading or hashing: `cli` has the terminal, the files and the environment.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::installer::value::VariableName;
use crate::installer::value::account::CryptHash;

/// The source of the root password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RootPassword {
    /// Nobody can log in with a password.
    #[default]
    Locked,
    /// A hash that was made elsewhere.
    Hash(CryptHash),
    /// Asked for when the image is built.
    Prompt,
    /// The first line of a file on the machine that builds.
    File(PathBuf),
    /// An environment variable of the machine that builds.
    Env(VariableName),
}

/// The keys as they are written: exactly one.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
struct RootPasswordKeys {
    /// A hash as openssl passwd -6 prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<CryptHash>,
    /// true: it is asked for when the image is built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prompt: Option<bool>,
    /// A file of the machine that builds, whose first line it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<PathBuf>,
    /// An environment variable of the machine that builds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    env: Option<VariableName>,
}

impl JsonSchema for RootPassword {
    fn schema_name() -> Cow<'static, str> {
        "RootPassword".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<RootPasswordKeys>();
        json_schema!({ "anyOf": [{ "const": "locked" }, keys] })
    }
}

const NOT_A_PASSWORD: &str = "a password must not stand in a recipe, for whoever reads the recipe \
                              or the image would know it: write locked, {hash: $6$...}, \
                              {prompt: true}, {file: PATH} or {env: NAME}";

impl Serialize for RootPassword {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let none = RootPasswordKeys::default();
        let written = match self.clone() {
            Self::Locked => return serializer.serialize_str("locked"),
            Self::Hash(hash) => RootPasswordKeys { hash: Some(hash), ..none },
            Self::Prompt => RootPasswordKeys { prompt: Some(true), ..none },
            Self::File(file) => RootPasswordKeys { file: Some(file), ..none },
            Self::Env(name) => RootPasswordKeys { env: Some(name), ..none },
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RootPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PasswordVisitor)
    }
}

struct PasswordVisitor;

impl PasswordVisitor {
    /// What a scalar that is not `locked` gets: never the text itself.
    fn refuse<E: serde::de::Error>() -> Result<RootPassword, E> {
        Err(E::custom(NOT_A_PASSWORD))
    }
}

impl<'de> Visitor<'de> for PasswordVisitor {
    type Value = RootPassword;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("locked, or one of hash, prompt, file and env")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RootPassword, E> {
        if text == "locked" { Ok(RootPassword::Locked) } else { Self::refuse() }
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<RootPassword, E> {
        Self::refuse()
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<RootPassword, E> {
        Self::refuse()
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<RootPassword, E> {
        Self::refuse()
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<RootPassword, E> {
        Self::refuse()
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RootPassword, A::Error> {
        match RootPasswordKeys::deserialize(MapAccessDeserializer::new(map))? {
            RootPasswordKeys { hash: Some(hash), prompt: None, file: None, env: None } => {
                Ok(RootPassword::Hash(hash))
            }
            RootPasswordKeys { hash: None, prompt: Some(true), file: None, env: None } => {
                Ok(RootPassword::Prompt)
            }
            RootPasswordKeys { hash: None, prompt: None, file: Some(file), env: None } => {
                Ok(RootPassword::File(file))
            }
            RootPasswordKeys { hash: None, prompt: None, file: None, env: Some(name) } => {
                Ok(RootPassword::Env(name))
            }
            _ => Err(serde::de::Error::custom(
                "expected exactly one of hash, prompt: true, file and env",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_is_read_and_written_back() {
        let hash = format!("hash: $6$salt${}\n", "a".repeat(86));
        for text in ["locked\n", &hash, "prompt: true\n", "file: /x/y\n", "env: MT_ROOT\n"] {
            let source: RootPassword = serde_yaml::from_str(text).unwrap();
            assert_eq!(serde_yaml::to_string(&source).unwrap(), text);
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in ["hunter2", "12345678", "1.5", "true", "{hash: hunter2}", "{env: 'hunter2 x'}"]
        {
            let error = serde_yaml::from_str::<RootPassword>(text).unwrap_err().to_string();
            assert!(!error.contains("12345678"), "{error}");
            assert!(text.contains("env") || !error.contains("hunter2"), "{error}");
        }
        let error = serde_yaml::from_str::<RootPassword>("hunter2").unwrap_err().to_string();
        assert!(error.starts_with("a password must not stand in a recipe"), "{error}");
        for text in ["{}", "{prompt: false}", "{prompt: true, env: X}"] {
            let error = serde_yaml::from_str::<RootPassword>(text).unwrap_err().to_string();
            assert!(error.starts_with("expected exactly one of"), "{error}");
        }
    }
}
