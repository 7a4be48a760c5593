//! Parsing `vsphere://USER@HOST:PORT/VM`.
//!
//! Not for connecting. An address with a password is refused.

use std::fmt;
use std::str::FromStr;

use crate::hint::hinted;
use crate::secret::redact_password;
use crate::uri::authority::{self, Authority};
use crate::uri::host::is_host;
use crate::uri::percent;

/// The address of a vCenter server or ESXi host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VsphereAddress {
    /// The name or IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The account that logs in.
    pub user: Option<String>,
    /// The name of a virtual machine.
    pub vm: Option<String>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VsphereAddressError {
    /// Another scheme, or none.
    #[error("{0:?} does not begin with vsphere://")]
    Scheme(String),
    /// No host, or one with characters that no host has.
    #[error("{0:?} names no host")]
    Host(String),
    /// A port that is none.
    #[error("{0:?} is not a port")]
    Port(String),
    /// A password, which would be seen by everybody who sees the command.
    #[error("it has a password in it")]
    Password,
    /// A percent sign without two hexadecimal digits that make UTF-8.
    #[error("{0:?} has a percent sign that encodes nothing")]
    Percent(String),
}

impl VsphereAddressError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Password => {
                "leave the password out: it is asked for, or read from --password-file or PREFLIGHT_PASSWORD"
            }
            Self::Percent(_) => "write a percent sign as %25",
            Self::Scheme(text) if !text.contains("://") && !text.is_empty() => {
                return Some(format!("did you mean vsphere://{text}?"));
            }
            _ => "write vsphere://USER@HOST, such as vsphere://asr@vsphere.local@vcenter.example",
        };
        Some(hint.to_owned())
    }
}

hinted!(VsphereAddressError);

impl VsphereAddress {
    /// Returns the host and port, as they stand in a URL and in the file of thumbprints.
    pub fn authority(&self) -> Authority {
        Authority { host: self.host.clone(), port: self.port }
    }
}

impl fmt::Display for VsphereAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.authority().fmt(f)
    }
}

impl FromStr for VsphereAddress {
    type Err = VsphereAddressError;

    /// ```
    /// use preflight::uri::vsphere::VsphereAddress;
    /// let address: VsphereAddress = "vsphere://asr@vsphere.local@vc1/asr-mt-01".parse().unwrap();
    /// assert_eq!((address.host.as_str(), address.port), ("vc1", 443));
    /// assert_eq!(address.user.as_deref(), Some("asr@vsphere.local"));
    /// assert_eq!(address.vm.as_deref(), Some("asr-mt-01"));
    /// ```
    fn from_str(text: &str) -> Result<Self, VsphereAddressError> {
        parse(text).map_err(|error| {
            // The wrong part may be a part of the password.
            let has_password = redact_password(text) != text;
            if has_password { VsphereAddressError::Password } else { error }
        })
    }
}

fn parse(text: &str) -> Result<VsphereAddress, VsphereAddressError> {
    let rest = text
        .strip_prefix("vsphere://")
        .ok_or_else(|| VsphereAddressError::Scheme(text.chars().take(60).collect()))?;
    let (authority, vm) = match rest.split_once('/') {
        Some((authority, vm)) => (authority, decode_percent(vm.trim_end_matches('/'))?),
        None => (rest, String::new()),
    };
    // An account of vSphere may have an @, a host has none.
    let (user, place) = match authority.rsplit_once('@') {
        Some((user, place)) => (user, place),
        None => ("", authority),
    };
    if redact_password(authority) != authority {
        return Err(VsphereAddressError::Password);
    }
    let no_host = |host: &str| VsphereAddressError::Host(host.to_owned());
    let (host, port) = authority::split(place).map_err(no_host)?;
    if !is_host(host) {
        return Err(no_host(host));
    }
    let port = port.filter(|port| !port.is_empty()).map_or(Ok(443), |port| {
        authority::parse_port(port).ok_or_else(|| VsphereAddressError::Port(port.to_owned()))
    })?;
    let some = |text: String| (!text.is_empty()).then_some(text);
    Ok(VsphereAddress {
        host: host.to_owned(),
        port,
        user: some(decode_percent(user)?),
        vm: some(vm),
    })
}

/// Decodes percent encoding.
fn decode_percent(text: &str) -> Result<String, VsphereAddressError> {
    percent::decode(text).ok_or_else(|| VsphereAddressError::Percent(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_parts() {
        for (text, host, port, user, vm) in [
            ("vsphere://vc1", "vc1", 443, None, None),
            ("vsphere://vc1:8443/", "vc1", 8443, None, None),
            ("vsphere://root@192.0.2.1", "192.0.2.1", 443, Some("root"), None),
            ("vsphere://CORP\\asr@vc1", "vc1", 443, Some("CORP\\asr"), None),
            ("vsphere://asr%40vsphere.local@vc1", "vc1", 443, Some("asr@vsphere.local"), None),
            ("vsphere://u@[2001:db8::1]:9443/a%20b", "2001:db8::1", 9443, Some("u"), Some("a b")),
        ] {
            let address: VsphereAddress = text.parse().unwrap();
            let parts = (
                address.host.as_str(),
                address.port,
                address.user.as_deref(),
                address.vm.as_deref(),
            );
            assert_eq!(parts, (host, port, user, vm), "{text}");
        }
        let six: VsphereAddress = "vsphere://[::1]".parse().unwrap();
        assert_eq!(six.to_string(), "[::1]:443");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, expected) in [
            ("https://vc1", VsphereAddressError::Scheme("https://vc1".into())),
            ("vsphere://", VsphereAddressError::Host(String::new())),
            ("vsphere://a b", VsphereAddressError::Host("a b".into())),
            ("vsphere://[::x]", VsphereAddressError::Host("::x".into())),
            ("vsphere://vc1:0", VsphereAddressError::Port("0".into())),
            ("vsphere://vc1:99999", VsphereAddressError::Port("99999".into())),
            ("vsphere://root:pass@vc1", VsphereAddressError::Password),
            ("vsphere://root:pa/ss@vc1", VsphereAddressError::Password),
            ("vsphere:/root:pass@vc1", VsphereAddressError::Password),
            ("root:pass@vc1", VsphereAddressError::Password),
            ("vsphere://root:pass@vc1:99999", VsphereAddressError::Password),
            ("vsphere://root:pass@a b", VsphereAddressError::Password),
            ("vsphere://a%@vc1", VsphereAddressError::Percent("a%".into())),
            ("vsphere://a%+1@vc1", VsphereAddressError::Percent("a%+1".into())),
            ("vsphere://vc1/%ff", VsphereAddressError::Percent("%ff".into())),
        ] {
            assert_eq!(text.parse::<VsphereAddress>().unwrap_err(), expected, "{text}");
        }
    }
}
