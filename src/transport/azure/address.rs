//! Which vault is asked: `azure://SUBSCRIPTION/GROUP/VAULT`, or the vault's resource id.
//!
//! Not for which cloud it is in (`cloud`).

use std::fmt;
use std::str::FromStr;

use super::resource::{RECOVERY_SERVICES, ResourceId};
use crate::hint::hinted;
use crate::uri::percent;

/// The type of vaults.
pub const VAULTS: &str = "vaults";

/// The address of a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultAddress {
    /// The id of the subscription.
    pub subscription: String,
    /// The resource group; absent when the vault is looked for by its name.
    pub group: Option<String>,
    /// The name of the vault.
    pub vault: String,
}

/// Why a text is no address of a vault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultAddressError {
    /// Neither `azure://…` nor a resource id.
    #[error("{0:?} is not an address of a vault")]
    UnknownForm(String),
    /// The subscription is no GUID.
    #[error("{0:?} is not an id of a subscription")]
    Subscription(String),
    /// A name that no resource group or vault can have.
    #[error("{0:?} is not a name of a resource group or vault")]
    Name(String),
}

impl VaultAddressError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Subscription(_) => {
                "az account list --output table shows the ids; a subscription's name is none"
            }
            Self::UnknownForm(_) | Self::Name(_) => {
                "write azure://SUBSCRIPTION/GROUP/VAULT, or the resource id that the portal shows \
                 under Properties of the vault"
            }
        };
        Some(hint.to_owned())
    }
}

hinted!(VaultAddressError);

impl VaultAddress {
    /// Whether a text is meant to be an address, right or wrong, and not the name of a file.
    pub fn is_meant(text: &str) -> bool {
        let lower = text.to_ascii_lowercase();
        lower.starts_with("azure:") || lower.starts_with("/subscriptions/")
    }

    /// Returns the resource id; none without a resource group.
    pub fn resource(&self) -> Option<ResourceId> {
        Some(ResourceId {
            subscription: self.subscription.clone(),
            group: self.group.clone()?,
            provider: RECOVERY_SERVICES.to_owned(),
            path: vec![(VAULTS.to_owned(), self.vault.clone())],
        })
    }
}

impl fmt::Display for VaultAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "azure://{}/", self.subscription)?;
        if let Some(group) = &self.group {
            write!(f, "{}/", percent::encode(group, b"()"))?;
        }
        f.write_str(&self.vault)
    }
}

impl FromStr for VaultAddress {
    type Err = VaultAddressError;

    /// ```
    /// use preflight::transport::azure::address::VaultAddress;
    /// let text = "azure://7d7f2b1c-1111-4222-8333-0123456789ab/rg-dr/vault-dr";
    /// let address: VaultAddress = text.parse().unwrap();
    /// assert_eq!(address.to_string(), text);
    /// let id = address.resource().unwrap().to_path();
    /// assert_eq!(id.parse(), Ok(address));
    /// ```
    fn from_str(text: &str) -> Result<Self, VaultAddressError> {
        let unknown = || VaultAddressError::UnknownForm(text.chars().take(200).collect());
        let (subscription, group, vault) = if text.starts_with('/') {
            let id = ResourceId::parse_as(text.trim_end_matches('/'), RECOVERY_SERVICES, &[VAULTS]);
            let id = id.ok_or_else(unknown)?;
            (id.subscription.clone(), Some(id.group.clone()), id.name().to_owned())
        } else {
            let rest = text.strip_prefix("azure://").ok_or_else(unknown)?;
            let parts = rest.trim_end_matches('/').split('/').map(percent::decode);
            let parts: Vec<String> = parts.collect::<Option<_>>().ok_or_else(unknown)?;
            match parts.as_slice() {
                [subscription, vault] => (subscription.clone(), None, vault.clone()),
                [subscription, group, vault] => {
                    (subscription.clone(), Some(group.clone()), vault.clone())
                }
                _ => return Err(unknown()),
            }
        };
        if !is_guid(&subscription) {
            return Err(VaultAddressError::Subscription(subscription));
        }
        if let Some(name) = group.iter().find(|name| !is_group_name(name)) {
            return Err(VaultAddressError::Name(name.clone()));
        }
        if !is_vault_name(&vault) {
            return Err(VaultAddressError::Name(vault));
        }
        Ok(Self { subscription, group, vault })
    }
}

/// Whether a text is a GUID, `8-4-4-4-12` hexadecimal digits.
pub fn is_guid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| {
            part.len() == length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Whether a resource group can have this name: up to 90 letters, digits, `_`, `-`, `.` and brackets.
pub fn is_group_name(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || "_-.()".contains(c);
    !name.is_empty()
        && name.chars().count() <= 90
        && name.chars().all(allowed)
        && !name.ends_with('.')
}

/// Whether a vault can have this name: up to 50 letters, digits and `-`.
fn is_vault_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !name.is_empty() && name.len() <= 50 && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    const SUBSCRIPTION: &str = "7d7f2b1c-1111-4222-8333-0123456789ab";

    #[test]
    fn an_address_has_a_subscription_perhaps_a_group_and_a_vault() {
        let address: VaultAddress = format!("azure://{SUBSCRIPTION}/v1/").parse().unwrap();
        assert_eq!((address.group.as_deref(), address.vault.as_str()), (None, "v1"));
        assert_eq!(address.resource(), None);
        let address: VaultAddress =
            format!("azure://{SUBSCRIPTION}/gr%C3%BCn(1)/v1").parse().unwrap();
        assert_eq!(address.group.as_deref(), Some("grün(1)"));
        assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn what_is_no_address_is_refused_before_anything_is_asked() {
        for text in [
            "azure://prod/g/v".to_owned(),
            format!("azure://{SUBSCRIPTION}"),
            format!("azure://{SUBSCRIPTION}/g/v/x"),
            format!("azure://{SUBSCRIPTION}/g/v?x=y"),
            format!("azure://{SUBSCRIPTION}/../v"),
            format!("azure://{SUBSCRIPTION}/a%2fb/v"),
            format!("azure://{SUBSCRIPTION}/g/v%0d%0aX"),
            format!("https://management.azure.com/subscriptions/{SUBSCRIPTION}"),
            format!(
                "/subscriptions/{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v"
            ),
            "vault".to_owned(),
            String::new(),
        ] {
            assert!(text.parse::<VaultAddress>().is_err(), "{text}");
        }
    }
}
