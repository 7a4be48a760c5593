//! Resource ids of Azure Resource Manager, taken apart and made fit for a request.
//!
//! An id out of an answer becomes the path of a further request only when it is of the expected type, so that no
//! answer can make this program ask for something else. Not for what the resources are.

use crate::uri::percent;

/// The provider of vaults.
pub const RECOVERY_SERVICES: &str = "Microsoft.RecoveryServices";
/// The provider of virtual machines.
pub const COMPUTE: &str = "Microsoft.Compute";
/// The provider of networks.
pub const NETWORK: &str = "Microsoft.Network";

/// The most bytes of an id. Those of protected items have about 400.
const MAX_BYTES: usize = 2048;

/// A resource id, such as `/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceId {
    /// The subscription.
    pub subscription: String,
    /// The resource group.
    pub group: String,
    /// The provider, such as `Microsoft.Network`.
    pub provider: String,
    /// The types and names below the provider, outermost first.
    pub path: Vec<(String, String)>,
}

impl ResourceId {
    /// Parses an id; none for a text that is none, and for one with a name that cannot be part of a path.
    ///
    /// ```
    /// use preflight::transport::azure::resource::ResourceId;
    /// let id = "/Subscriptions/s1/resourcegroups/g/providers/microsoft.network/virtualNetworks/n/subnets/a";
    /// let id = ResourceId::parse(id).unwrap();
    /// assert!(id.is("Microsoft.Network", &["virtualnetworks", "subnets"]));
    /// assert_eq!(id.name(), "a");
    /// assert_eq!(ResourceId::parse("/subscriptions/s1/resourceGroups/../providers/a/b/c"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let mut parts = text.strip_prefix('/')?.split('/');
        let mut keyed = |key: &str| {
            let is_key = parts.next()?.eq_ignore_ascii_case(key);
            parts.next().filter(|name| is_key && is_name(name)).map(str::to_owned)
        };
        let subscription = keyed("subscriptions")?;
        let group = keyed("resourceGroups")?;
        let provider = keyed("providers")?;
        let rest: Vec<&str> = parts.collect();
        let pairs = rest.chunks(2).map(|pair| match pair {
            [kind, name] if is_name(kind) && is_name(name) => {
                Some(((*kind).to_owned(), (*name).to_owned()))
            }
            _ => None,
        });
        let path: Vec<(String, String)> = pairs.collect::<Option<_>>()?;
        (!path.is_empty()).then_some(Self { subscription, group, provider, path })
    }

    /// Parses the id of a resource of this provider and of these types, outermost first; none for any other.
    pub fn parse_as(text: &str, provider: &str, types: &[&str]) -> Option<Self> {
        Self::parse(text).filter(|id| id.is(provider, types))
    }

    /// Whether it is of this provider and of these types, outermost first.
    pub fn is(&self, provider: &str, types: &[&str]) -> bool {
        self.provider.eq_ignore_ascii_case(provider)
            && self.path.len() == types.len()
            && self
                .path
                .iter()
                .zip(types)
                .all(|((kind, _), wanted)| kind.eq_ignore_ascii_case(wanted))
    }

    /// Returns the name of the resource itself, without those around it.
    pub fn name(&self) -> &str {
        self.path.last().map_or("", |(_, name)| name)
    }

    /// Returns the id of the outermost resource of it, as a network is of its subnet.
    pub fn outermost(&self) -> Self {
        Self { path: self.path[..1].to_vec(), ..self.clone() }
    }

    /// Whether it is below another one, as an item is below its vault.
    pub fn is_below(&self, other: &Self) -> bool {
        self.key().starts_with(&format!("{}/", other.key()))
    }

    /// Returns the id in lower case: ids are the same whatever their case.
    pub fn key(&self) -> String {
        self.to_path().to_ascii_lowercase()
    }

    /// Returns the id in its usual spelling, which is the path of a request once it is encoded.
    pub fn to_path(&self) -> String {
        let Self { subscription, group, provider, path } = self;
        let mut text =
            format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}");
        for (kind, name) in path {
            text.push_str(&format!("/{kind}/{name}"));
        }
        text
    }
}

/// Whether a text can be one name in a path.
fn is_name(text: &str) -> bool {
    let is_odd = |c: char| c.is_control() || matches!(c, '?' | '#' | '\\' | '%' | '/');
    !matches!(text, "" | "." | "..") && !text.contains(is_odd)
}

/// Encodes a path for a request; what is allowed in it stays.
pub fn encode_path(path: &str) -> String {
    percent::encode(path, b"/()!$&'*+,;=:@")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn only_ids_of_the_expected_type_are_read() {
        let id = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/connections/c";
        let types = &["connections"];
        assert!(ResourceId::parse_as(id, NETWORK, types).is_some());
        for bad in [
            format!("{id}/sharedkey"),
            format!("{id}/sharedkey/x"),
            format!("{id}?a=b"),
            format!("{id}/"),
            format!("https://evil.example{id}"),
            id.replace("/connections/c", ""),
            id.replace("/c", "/.."),
            id.replace("/s/", "/s%2f/"),
            id.replace("/g/", "/g\r\nX: y/"),
            String::new(),
        ] {
            assert_eq!(ResourceId::parse_as(&bad, NETWORK, types), None, "{bad}");
        }
    }

    #[test]
    fn ids_are_compared_without_case_and_by_whole_names() {
        let vault =
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.RecoveryServices/vaults/v";
        let vault = ResourceId::parse(vault).unwrap();
        let below = |text: &str| ResourceId::parse(text).unwrap().is_below(&vault);
        assert!(below(&format!("{}/replicationFabrics/f", vault.key())));
        assert!(!below(&format!("{}2/replicationFabrics/f", vault.to_path())));
        assert!(!below(&vault.to_path()));
        assert_eq!(encode_path("/a b/ü(1)"), "/a%20b/%C3%BC(1)");
    }
}
