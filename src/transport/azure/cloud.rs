//! Which cloud is asked: where its Resource Manager and its login are, and for whom tokens are.
//!
//! Not for how tokens are got (`token`).

use std::fmt;
use std::str::FromStr;

use crate::hint::hinted;
use crate::uri::authority::{self, Authority};

/// A cloud: its Resource Manager, its login, and the audience of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// The Resource Manager.
    pub endpoint: Origin,
    /// The login.
    pub login: Origin,
    /// The resource that tokens are for, such as `https://management.azure.com/`.
    pub audience: String,
}

/// The clouds by the names that `az cloud list` has, with Resource Manager, login and audience. Source: the Azure
/// CLI's `cloud.py` and the identity library's constants. Germany was closed in 2021.
const CLOUDS: &[(&str, &str, &str, &str)] = &[
    (
        "AzureCloud",
        "management.azure.com",
        "login.microsoftonline.com",
        "https://management.azure.com/",
    ),
    (
        "AzureUSGovernment",
        "management.usgovcloudapi.net",
        "login.microsoftonline.us",
        "https://management.core.usgovcloudapi.net/",
    ),
    (
        "AzureChinaCloud",
        "management.chinacloudapi.cn",
        "login.chinacloudapi.cn",
        "https://management.core.chinacloudapi.cn/",
    ),
];

impl Cloud {
    /// Returns the public cloud.
    pub fn public() -> Self {
        let (_, endpoint, login, audience) = CLOUDS[0];
        Self::from_hosts(endpoint, login, audience)
    }

    /// Returns the cloud of a name, whatever its case; none for a name that no cloud has.
    pub fn from_name(name: &str) -> Option<Self> {
        let mut clouds = CLOUDS.iter();
        let row = clouds.find(|(known, ..)| known.eq_ignore_ascii_case(name));
        row.map(|(_, endpoint, login, audience)| Self::from_hosts(endpoint, login, audience))
    }

    /// Returns the names of the clouds.
    pub fn names() -> Vec<&'static str> {
        CLOUDS.iter().map(|(name, ..)| *name).collect()
    }

    fn from_hosts(endpoint: &str, login: &str, audience: &str) -> Self {
        let origin = |host: &str| Origin { host: host.to_owned(), port: 443 };
        Self { endpoint: origin(endpoint), login: origin(login), audience: audience.to_owned() }
    }
}

/// The host and port of a service that is reached over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The host's name or IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a base URL of a service, expected https://HOST[:PORT]")]
pub struct OriginError(String);

impl OriginError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("leave out user, path and query; tokens are sent over https alone".to_owned())
    }
}

hinted!(OriginError);

impl Origin {
    /// Returns the host and port to connect to.
    pub fn authority(&self) -> Authority {
        Authority { host: self.host.clone(), port: self.port }
    }

    /// Returns the value of the `Host` field of a request: without the port that HTTPS has anyway.
    pub fn host_field(&self) -> String {
        let text = self.authority().to_string();
        if self.port == 443 { text.trim_end_matches(":443").to_owned() } else { text }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host_field())
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    /// Reads `https://HOST[:PORT]`, or a host alone, as `AZURE_AUTHORITY_HOST` may have it.
    ///
    /// ```
    /// use preflight::transport::azure::cloud::Origin;
    /// let origin: Origin = "https://management.local:8443/".parse().unwrap();
    /// assert_eq!((origin.host.as_str(), origin.port), ("management.local", 8443));
    /// assert!("http://management.local".parse::<Origin>().is_err());
    /// ```
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let fault = || OriginError(text.chars().take(100).collect());
        let rest = match text.split_once("://") {
            Some(("https", rest)) => rest,
            Some(_) => return Err(fault()),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = authority::split(rest).map_err(|_| fault())?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
        if host.is_empty() || host.len() > 253 || !host.chars().all(allowed) {
            return Err(fault());
        }
        let port = authority::parse_port(port.unwrap_or("443")).ok_or_else(fault)?;
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn each_cloud_has_a_name() {
        for name in Cloud::names() {
            assert!(Cloud::from_name(&name.to_lowercase()).is_some(), "{name}");
        }
        assert_eq!(Cloud::from_name("AzureGermanCloud"), None);
        assert_eq!(Cloud::public().endpoint.to_string(), "https://management.azure.com");
    }

    #[test]
    fn an_origin_is_https_and_nothing_but_host_and_port() {
        for (text, shown) in [
            ("https://arm.example", "https://arm.example"),
            ("https://ARM.example:443/", "https://arm.example"),
            ("arm.example", "https://arm.example"),
            ("https://127.0.0.1:9", "https://127.0.0.1:9"),
            ("https://[::1]:9", "https://[::1]:9"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().to_string(), shown, "{text}");
        }
        for bad in [
            "", "https://", "http://a", "ftp://a", "https://u@a", "https://u:p@a", "https://a/b",
            "https://a?b", "https://a:0", "https://a:+1", "https://a:70000", "https://a b",
            "https://[x]", "https://a\r\nb",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
