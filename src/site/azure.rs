//! The vault of a site, and how Azure is reached: the key `azure` of a site file.
//!
//! Not for asking Azure (`transport`), nor for reading its answers (`facts`).

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::error::SiteFault;

/// The vault of a site.
#[derive(Clone, Debug, PartialEq)]
pub struct AzureVault {
    /// `azure://SUBSCRIPTION/GROUP/VAULT`, the vault's resource id, or `capture:PATH`: a capture, or a directory of
    /// exported bodies.
    pub vault: String,
    /// The name of the cloud; the public one by default.
    pub cloud: Option<String>,
    /// The base URL of another cloud's Resource Manager.
    pub endpoint: Option<String>,
    /// The base URL of its login.
    pub login: Option<String>,
    /// The audience of its tokens.
    pub audience: Option<String>,
    /// A file with a token, readable only by its owner.
    pub token_file: Option<PathBuf>,
    /// Resource groups of machines in Azure, where items do not name them.
    pub groups: Vec<String>,
}

impl AzureVault {
    /// Returns a vault of the public cloud.
    pub fn new(vault: &str) -> Self {
        let vault = vault.to_owned();
        Self {
            vault,
            cloud: None,
            endpoint: None,
            login: None,
            audience: None,
            token_file: None,
            groups: Vec::new(),
        }
    }

    /// Returns the file or directory of `capture:`; none for a vault that is asked.
    pub fn capture(&self) -> Option<&Path> {
        self.vault.strip_prefix("capture:").map(Path::new)
    }

    /// Verifies the form of the vault's address.
    pub(super) fn verify(&self) -> Result<(), SiteFault> {
        let known = ["azure://", "/subscriptions/", "/Subscriptions/", "capture:"];
        let is_vault = known
            .iter()
            .any(|form| self.vault.strip_prefix(form).is_some_and(|rest| !rest.is_empty()));
        if is_vault { Ok(()) } else { Err(SiteFault::Vault(self.vault.clone())) }
    }
}

/// The vault with its keys, as the file has it where the address alone is not enough.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// azure://SUBSCRIPTION/GROUP/VAULT, the vault's resource id, or capture:PATH.
    vault: String,
    /// The name of the cloud; the public one by default.
    #[serde(default)]
    cloud: Option<String>,
    /// The base URL of another cloud's Resource Manager.
    #[serde(default)]
    endpoint: Option<String>,
    /// The base URL of its login.
    #[serde(default)]
    login: Option<String>,
    /// The audience of its tokens.
    #[serde(default)]
    audience: Option<String>,
    /// A file with a token, readable only by its owner.
    #[serde(default)]
    token_file: Option<PathBuf>,
    /// Resource groups of machines in Azure, where items do not name them.
    #[serde(default)]
    groups: Vec<String>,
}

impl JsonSchema for AzureVault {
    fn schema_name() -> Cow<'static, str> {
        "AzureVault".into()
    }

    /// The address alone, or keys.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let keys = generator.subschema_for::<Keys>();
        let address = r"^(?:azure://|/[Ss]ubscriptions/|capture:).+$";
        json_schema!({ "anyOf": [{ "type": "string", "pattern": address }, keys] })
    }
}

impl<'de> Deserialize<'de> for AzureVault {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct VaultVisitor;
        impl<'de> Visitor<'de> for VaultVisitor {
            type Value = AzureVault;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("azure://SUBSCRIPTION/GROUP/VAULT, capture:PATH, or keys with a vault: among them")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<AzureVault, E> {
                Ok(AzureVault::new(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AzureVault, A::Error> {
                let Keys { vault, cloud, endpoint, login, audience, token_file, groups } =
                    Keys::deserialize(MapAccessDeserializer::new(map))?;
                Ok(AzureVault { vault, cloud, endpoint, login, audience, token_file, groups })
            }
        }
        deserializer.deserialize_any(VaultVisitor)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;
    use crate::site::Site;

    #[test]
    fn a_vault_is_an_address_or_an_address_with_keys() {
        let vault =
            |text: &str| crate::yaml::parse::<Site>(text, "site.yaml").unwrap().azure.unwrap();
        assert_eq!(vault("azure: azure://s/g/v"), AzureVault::new("azure://s/g/v"));
        let with_keys =
            vault("azure: { vault: azure://s/g/v, cloud: AzureChinaCloud, token_file: t }");
        assert_eq!(with_keys.cloud.as_deref(), Some("AzureChinaCloud"));
        assert_eq!(with_keys.token_file, Some("t".into()));
        for (text, is_good) in [
            ("azure://s/g/v", true),
            ("capture:azure.json", true),
            ("/subscriptions/s/x", true),
            ("capture:", false),
            ("vault-1", false),
        ] {
            assert_eq!(AzureVault::new(text).verify().is_ok(), is_good, "{text}");
        }
        let error = crate::yaml::parse::<Site>("azure: { vaults: x }", "site.yaml").unwrap_err();
        assert!(error.to_string().contains("vaults"), "{error}");
    }
}
