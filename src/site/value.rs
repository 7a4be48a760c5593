//! The values of a site file, each validated when it is parsed.
//!
//! Not for whether a name refers to anything (`validate`).

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::hint::hinted;
use crate::secret::redact_password;
use crate::text_schema::text_schema;
use crate::uri::host::is_host;
use crate::uri::target::SshTarget;

/// The default port of a process server for replication data (D: vmware-azure-architecture).
pub const DATA_PORT: u16 = 9443;

/// An invalid value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SiteValueError {
    /// Not a name.
    #[error("{:?} is not a name: use letters, digits, dot, hyphen and underscore, at most 80", redact_password(.0))]
    Name(String),
    /// Not a label.
    #[error("{:?} is not a name: at most 80 characters, none of them a control character", redact_password(.0))]
    Label(String),
    /// Not an address.
    #[error("{:?} is neither a host name nor an IP address", redact_password(.0))]
    Address(String),
    /// Not a version.
    #[error("{:?} is not a version, write it as 9.8.9.0", redact_password(.0))]
    Version(String),
    /// Not a gateway.
    #[error(
        "{:?} is not a host to go through: expected a name of this file, or ssh://USER@HOST[:PORT]",
        redact_password(.0)
    )]
    Via(String),
    /// Not a size.
    #[error("{0:?} is not a size: write it as 512 MiB, 8 GiB or 2 TiB")]
    MemorySize(String),
    /// A password in an address.
    #[error("a password stands in the address of {0}")]
    Password(String),
}

impl SiteValueError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Password(_) => {
                Some("take it out, and name a file with it: password_file: FILE".to_owned())
            }
            _ => None,
        }
    }
}

hinted!(SiteValueError);

/// Defines a text that is validated when it is parsed.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident: $pattern:literal) => {
        text_schema!($name, $pattern, or number);

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, derive_more::Display)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = SiteValueError;

            fn try_from(text: String) -> Result<Self, SiteValueError> {
                text.parse()
            }
        }
    };
}

checked! {
    /// The name of a machine in reports and waivers.
    Name: r"[A-Za-z0-9._][A-Za-z0-9._-]{0,79}"
}
checked! {
    /// The name of a virtual machine or of a group in vCenter.
    Label: r"[^\x00-\x1f]{1,80}"
}
checked! {
    /// A host name or an IP address.
    Address: r"[A-Za-z0-9_.:%-]{1,254}"
}
checked! {
    /// A version of dotted numbers, such as `9.8.9.0`.
    Version: r"[0-9]{1,9}(?:\.[0-9]{1,9}){1,3}"
}

text_schema!(Via, r"ssh://.+|[A-Za-z0-9._][A-Za-z0-9._-]{0,79}");

/// A gateway to another host.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, derive_more::Display)]
#[serde(try_from = "String")]
pub enum Via {
    /// The name of a host in the site.
    #[display("{_0}")]
    Named(Name),
    /// `ssh://USER@HOST[:PORT]`.
    #[display("ssh://{_0}")]
    Host(SshTarget),
}

impl Via {
    /// Returns the name, when it is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name.as_str()),
            Self::Host(_) => None,
        }
    }
}

impl TryFrom<String> for Via {
    type Error = SiteValueError;

    fn try_from(text: String) -> Result<Self, SiteValueError> {
        text.parse()
    }
}

impl Name {
    /// Returns the name of a target given on the command line; the text is not validated.
    pub fn as_given(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Name {
    type Err = SiteValueError;

    fn from_str(text: &str) -> Result<Self, SiteValueError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        // A name that begins with a hyphen would be taken for an option.
        let good = (1..=80).contains(&text.len()) && text.chars().all(fits) && text[..1] != *"-";
        if good { Ok(Self(text.to_owned())) } else { Err(SiteValueError::Name(text.to_owned())) }
    }
}

impl FromStr for Label {
    type Err = SiteValueError;

    fn from_str(text: &str) -> Result<Self, SiteValueError> {
        let length = text.chars().count();
        let good = !text.trim().is_empty() && length <= 80 && !text.chars().any(char::is_control);
        if good { Ok(Self(text.to_owned())) } else { Err(SiteValueError::Label(text.to_owned())) }
    }
}

impl FromStr for Address {
    type Err = SiteValueError;

    fn from_str(text: &str) -> Result<Self, SiteValueError> {
        if is_host(text) {
            return Ok(Self(text.to_owned()));
        }
        Err(SiteValueError::Address(text.to_owned()))
    }
}

impl FromStr for Version {
    type Err = SiteValueError;

    fn from_str(text: &str) -> Result<Self, SiteValueError> {
        let number = |part: &str| {
            (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        let parts: Vec<&str> = text.split('.').collect();
        if (2..=4).contains(&parts.len()) && parts.iter().all(|part| number(part)) {
            return Ok(Self(text.to_owned()));
        }
        Err(SiteValueError::Version(text.to_owned()))
    }
}

impl FromStr for Via {
    type Err = SiteValueError;

    fn from_str(text: &str) -> Result<Self, SiteValueError> {
        let no_gateway = || SiteValueError::Via(text.to_owned());
        if redact_password(text) != text {
            let (_, host) = text.rsplit_once('@').unwrap_or_default();
            return Err(SiteValueError::Password(host.to_owned()));
        }
        if text.starts_with("ssh://") {
            return text.parse().map(Self::Host).map_err(|_| no_gateway());
        }
        text.parse().map(Self::Named).map_err(|_| no_gateway())
    }
}

/// A file system of a protected machine, which the master target must be able to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "their names say all there is to say")]
pub enum FileSystem {
    Ext2,
    Ext3,
    Ext4,
    Xfs,
    Reiserfs,
    Btrfs,
    Ntfs,
}

/// The operating system of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GuestSystem {
    /// Any Linux.
    Linux,
    /// Any Windows.
    Windows,
}

impl GuestSystem {
    /// Returns its name in facts.
    pub fn family(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Windows => "windows",
        }
    }
}

/// Where a machine returns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReturnLocation {
    /// To the machine it was.
    Original,
    /// To a machine that is made anew.
    Alternate,
}

/// Where a process server stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerRole {
    /// In the Azure network of the machines.
    Azure,
    /// At home.
    OnPremises,
}

/// Which experience of Site Recovery the vault has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum VaultExperience {
    /// With a configuration server: what is checked here.
    Classic,
    /// With a replication appliance: its failback has other steps.
    #[serde(alias = "modernized")]
    Modernised,
}

impl VaultExperience {
    /// Returns its name in the site file.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How the Azure network is linked to the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// A site-to-site VPN.
    Vpn,
    /// ExpressRoute.
    Expressroute,
}

/// A size, such as `8 GiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct MemorySize {
    mib: i64,
}

impl MemorySize {
    /// Returns the size in MiB.
    pub fn mib(self) -> i64 {
        self.mib
    }
}

text_schema!(MemorySize, r"[0-9]+\s*(?:MiB|GiB|TiB)\s*");

impl FromStr for MemorySize {
    type Err = SiteValueError;

    fn from_str(text: &str) -> Result<Self, SiteValueError> {
        let refused = || SiteValueError::MemorySize(text.to_owned());
        let digits = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let (number, unit) = text.split_at(text.len() - digits.len());
        let number: i64 = number.parse().map_err(|_| refused())?;
        let factor = match unit.trim() {
            "MiB" => 1,
            "GiB" => 1024,
            "TiB" => 1024 * 1024,
            _ => return Err(refused()),
        };
        let mib = number.checked_mul(factor).filter(|mib| *mib > 0).ok_or_else(refused)?;
        Ok(Self { mib })
    }
}

impl TryFrom<String> for MemorySize {
    type Error = SiteValueError;

    fn try_from(text: String) -> Result<Self, SiteValueError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_validated_when_they_are_parsed() {
        for (text, name, address, version) in [
            ("mt1", true, true, false),
            ("mt-1.site_a", true, true, false),
            ("10.0.0.5", true, true, true),
            ("10.0.0.256", true, false, true),
            ("9.8.9.0", true, true, true),
            ("9.8", true, false, true),
            ("9", true, false, false),
            ("9.8.9.0.1", true, false, false),
            ("v9.8.9.0", true, false, false),
            ("fe80::1", false, true, false),
            ("-x", false, false, false),
            ("a b", false, false, false),
            ("", false, false, false),
            ("cs;reboot", false, false, false),
            ("$(id)", false, false, false),
        ] {
            assert_eq!(text.parse::<Name>().is_ok(), name, "name {text:?}");
            assert_eq!(text.parse::<Address>().is_ok(), address, "address {text:?}");
            assert_eq!(text.parse::<Version>().is_ok(), version, "version {text:?}");
        }
    }

    #[test]
    fn a_size_is_a_number_with_a_unit() {
        for (text, mib) in [
            ("512 MiB", Some(512)),
            ("8 GiB", Some(8192)),
            ("8GiB", Some(8192)),
            ("40G", None),
            ("2 TiB", Some(2 * 1024 * 1024)),
            ("8", None),
            ("0 GiB", None),
            ("8 GB", None),
            ("-8 GiB", None),
            ("1.5 GiB", None),
            ("9223372036854775807 TiB", None),
            ("", None),
        ] {
            assert_eq!(text.parse::<MemorySize>().ok().map(MemorySize::mib), mib, "{text:?}");
        }
    }

    #[test]
    fn a_gateway_is_a_name_or_an_ssh_uri() {
        for (text, name) in [
            ("mt1", Some(Some("mt1"))),
            ("ssh://root@mt1:2222", Some(None)),
            ("ssh://", None),
            ("local:", None),
            ("vsphere://vc1", None),
            ("capture:mt1.json", None),
            ("root@mt1", None),
            ("ssh://root:hunter2@mt1", None),
        ] {
            let via = text.parse::<Via>().ok();
            assert_eq!(via.as_ref().map(Via::name), name, "{text:?}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in ["ssh://root:hunter2@mt1", "ssh:/root:hunter2@mt1", "root:hunter2@mt1"] {
            let password = SiteValueError::Password("mt1".to_owned());
            assert_eq!(text.parse::<Via>().as_ref(), Err(&password), "{text}");
            for error in [text.parse::<Name>().unwrap_err(), text.parse::<Address>().unwrap_err()] {
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        }
    }
}
