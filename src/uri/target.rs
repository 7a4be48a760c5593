//! Parsing addresses of hosts: `ssh://USER@HOST:PORT`, `local:`, `capture:PATH`, `sos:PATH`.
//!
//! Not for connecting, nor for names of a site file: those resolve to addresses first.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Deserialize;

use super::{authority, percent};
use crate::hint::hinted;
use crate::secret::redact_password;
use crate::text_schema::text_schema;

text_schema!(TargetAddress, r"ssh://.+|capture:.+|sos:.+|local:");

/// The address of a target.
///
/// ```
/// use preflight::uri::target::TargetAddress;
/// let target: TargetAddress = "ssh://root@mt1:2222".parse().unwrap();
/// let TargetAddress::Ssh(host) = target else { panic!() };
/// assert_eq!((host.user.as_deref(), host.host.as_str(), host.port), (Some("root"), "mt1", Some(2222)));
/// assert!("ssh://root:secret@mt1".parse::<TargetAddress>().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum TargetAddress {
    /// A host behind SSH.
    Ssh(SshTarget),
    /// This machine.
    Local,
    /// A capture, or a directory of captures.
    Captures(PathBuf),
    /// A sosreport: an archive, or the directory it was unpacked to.
    Sos(PathBuf),
}

impl TargetAddress {
    /// Returns the host behind SSH.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Ssh(target) => Some(&target.host),
            Self::Local | Self::Captures(_) | Self::Sos(_) => None,
        }
    }
}

/// A host as `ssh://USER@HOST:PORT` names it; absent parts come from the SSH configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    /// The account.
    pub user: Option<String>,
    /// A name, an address, or an alias of the SSH configuration, without brackets.
    pub host: String,
    /// The port.
    pub port: Option<u16>,
}

/// Why a text is no target address. No variant repeats a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetAddressError {
    /// The text has none of the known forms.
    #[error("target {0:?}: expected ssh://USER@HOST, local: or capture:FILE")]
    UnknownForm(String),
    /// `ssh://` and no host.
    #[error("target {0:?}: there is no host in it")]
    NoHost(String),
    /// A host with characters that no host name has.
    #[error("target {target:?}: {host:?} is not a host name")]
    Host {
        /// The text.
        target: String,
        /// The part that should be a host.
        host: String,
    },
    /// A port that is no number from 1 to 65535.
    #[error("target {target:?}: {port:?} is not a port, expected a number from 1 to 65535")]
    Port {
        /// The text.
        target: String,
        /// The part that should be a port.
        port: String,
    },
    /// An account name with characters that cannot be one.
    #[error("target {target:?}: {user:?} is not a user name")]
    User {
        /// The text.
        target: String,
        /// The part that should be an account.
        user: String,
    },
    /// A path after the host.
    #[error("target {0:?}: nothing may stand behind the host and its port")]
    Path(String),
    /// A password in the URL.
    #[error("a password stands in the address of {0}")]
    Password(String),
}

impl TargetAddressError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Password(..) => {
                "leave it out, everybody on this machine can read command lines; use \
                 --password-file, --password-fd, PREFLIGHT_PASSWORD or the prompt"
                    .to_owned()
            }
            Self::Host { .. } | Self::Port { .. } => {
                "write ssh://USER@HOST:PORT, and an IPv6 address in brackets: ssh://root@[::1]:22"
                    .to_owned()
            }
            Self::User { .. } => "write special characters as %XX".to_owned(),
            Self::UnknownForm(text) => format!("did you mean {}?", suggest_target(text)?),
            _ => return None,
        })
    }
}

hinted!(TargetAddressError);

/// Returns the address that a host without a scheme was probably meant to be; none when it is no
/// host.
///
/// ```
/// use preflight::uri::target::suggest_target;
/// assert_eq!(suggest_target("mt1").as_deref(), Some("ssh://root@mt1"));
/// assert_eq!(suggest_target("ann@mt1:2222").as_deref(), Some("ssh://ann@mt1:2222"));
/// assert_eq!(suggest_target("no host"), None);
/// ```
pub fn suggest_target(text: &str) -> Option<String> {
    let host = parse_ssh(text, text).ok()?;
    let user = if host.user.is_none() { "root@" } else { "" };
    Some(format!("ssh://{user}{text}"))
}

/// Refuses a text with a password in it.
fn reject_password(text: &str) -> Result<(), TargetAddressError> {
    if redact_password(text) == text {
        return Ok(());
    }
    let end = text.rfind('@').map(|at| at + 1).or_else(|| Some(text.rfind("%40")? + 3));
    Err(TargetAddressError::Password(text[end.unwrap_or(text.len())..].to_owned()))
}

impl FromStr for TargetAddress {
    type Err = TargetAddressError;

    fn from_str(text: &str) -> Result<Self, TargetAddressError> {
        if text == "local:" {
            return Ok(Self::Local);
        }
        if let Some(path) = text.strip_prefix("capture:").filter(|path| !path.is_empty()) {
            return Ok(Self::Captures(PathBuf::from(path)));
        }
        if let Some(path) = text.strip_prefix("sos:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sos(PathBuf::from(path)));
        }
        // A password may stand in a text without a scheme, too.
        reject_password(text)?;
        match text.strip_prefix("ssh://") {
            Some(rest) => parse_ssh(text, rest.strip_suffix('/').unwrap_or(rest)).map(Self::Ssh),
            None => Err(TargetAddressError::UnknownForm(text.to_owned())),
        }
    }
}

impl TryFrom<String> for TargetAddress {
    type Error = TargetAddressError;

    fn try_from(text: String) -> Result<Self, TargetAddressError> {
        text.parse()
    }
}

impl FromStr for SshTarget {
    type Err = TargetAddressError;

    /// Reads `[USER@]HOST[:PORT]`, with or without `ssh://` before it, as `--jump` has it.
    fn from_str(text: &str) -> Result<Self, TargetAddressError> {
        reject_password(text)?;
        let rest = text.strip_prefix("ssh://").unwrap_or(text);
        parse_ssh(text, rest.strip_suffix('/').unwrap_or(rest))
    }
}

impl fmt::Display for SshTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

fn parse_ssh(text: &str, rest: &str) -> Result<SshTarget, TargetAddressError> {
    let target = || text.to_owned();
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (Some(user), place),
        None => (None, rest),
    };
    let user = user.map(|user| {
        decode_user(user)
            .ok_or_else(|| TargetAddressError::User { target: target(), user: user.to_owned() })
    });
    let user = user.transpose()?;
    if place.contains('/') {
        return Err(TargetAddressError::Path(target()));
    }
    let bad_host =
        |host: &str| TargetAddressError::Host { target: target(), host: host.to_owned() };
    let (host, port) = authority::split(place).map_err(bad_host)?;
    if host.is_empty() {
        return Err(TargetAddressError::NoHost(target()));
    }
    // A host that starts with a hyphen would be an option of `ssh -G`.
    let letters = |c: char| c.is_ascii_alphanumeric() || "-._:%".contains(c);
    if host.starts_with('-') || host.len() > 255 || !host.chars().all(letters) {
        return Err(bad_host(host));
    }
    let port = port.map(|port| {
        let fault = || TargetAddressError::Port { target: target(), port: port.to_owned() };
        authority::parse_port(port).ok_or_else(fault)
    });
    Ok(SshTarget { user, host: host.to_owned(), port: port.transpose()? })
}

/// Decodes the %XX of an account name; none when it cannot be one.
fn decode_user(text: &str) -> Option<String> {
    let user = percent::decode(text)?;
    let fits = !user.is_empty() && user.len() <= 255 && !user.starts_with('-');
    (fits && !user.chars().any(char::is_control)).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(user: Option<&str>, host: &str, port: Option<u16>) -> TargetAddress {
        TargetAddress::Ssh(SshTarget { user: user.map(str::to_owned), host: host.to_owned(), port })
    }

    #[test]
    fn the_forms_there_are() {
        for (text, expected) in [
            ("local:", TargetAddress::Local),
            ("capture:a b.json", TargetAddress::Captures("a b.json".into())),
            ("sos:sosreport-mt1.tar.xz", TargetAddress::Sos("sosreport-mt1.tar.xz".into())),
            ("ssh://mt1", host(None, "mt1", None)),
            ("ssh://root@mt1/", host(Some("root"), "mt1", None)),
            ("ssh://root@192.0.2.1:2222", host(Some("root"), "192.0.2.1", Some(2222))),
            ("ssh://root@[2001:db8::1]:22", host(Some("root"), "2001:db8::1", Some(22))),
            ("ssh://root@[fe80::1%eth0]", host(Some("root"), "fe80::1%eth0", None)),
            ("ssh://EXAMPLE%5Cann@mt1", host(Some("EXAMPLE\\ann"), "mt1", None)),
            ("ssh://ann@example.test@mt1", host(Some("ann@example.test"), "mt1", None)),
        ] {
            assert_eq!(text.parse::<TargetAddress>().as_ref(), Ok(&expected), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_before_anything_is_contacted() {
        for (text, why) in [
            ("", "target \"\": expected ssh://USER@HOST, local: or capture:FILE"),
            ("mt1", "target \"mt1\": expected ssh://USER@HOST, local: or capture:FILE"),
            ("root@mt1", "target \"root@mt1\": expected ssh://USER@HOST, local: or capture:FILE"),
            ("capture:", "target \"capture:\": expected ssh://USER@HOST, local: or capture:FILE"),
            ("ssh://", "target \"ssh://\": there is no host in it"),
            ("ssh://root@", "target \"ssh://root@\": there is no host in it"),
            ("ssh://root@:22", "target \"ssh://root@:22\": there is no host in it"),
            (
                "ssh://mt1:",
                "target \"ssh://mt1:\": \"\" is not a port, expected a number from 1 to 65535",
            ),
            (
                "ssh://mt1:0",
                "target \"ssh://mt1:0\": \"0\" is not a port, expected a number from 1 to 65535",
            ),
            (
                "ssh://mt1:+22",
                "target \"ssh://mt1:+22\": \"+22\" is not a port, expected a number from 1 to 65535",
            ),
            (
                "ssh://mt1:99999",
                "target \"ssh://mt1:99999\": \"99999\" is not a port, expected a number from 1 to 65535",
            ),
            ("ssh://::1", "target \"ssh://::1\": there is no host in it"),
            (
                "ssh://-oProxyCommand=x",
                "target \"ssh://-oProxyCommand=x\": \"-oProxyCommand=x\" is not a host name",
            ),
            ("ssh://a b", "target \"ssh://a b\": \"a b\" is not a host name"),
            ("ssh://[::1", "target \"ssh://[::1\": \"[::1\" is not a host name"),
            ("ssh://@mt1", "target \"ssh://@mt1\": \"\" is not a user name"),
            ("ssh://a%0Ab@mt1", "target \"ssh://a%0Ab@mt1\": \"a%0Ab\" is not a user name"),
            ("ssh://a%é@mt1", "target \"ssh://a%é@mt1\": \"a%é\" is not a user name"),
            (
                "ssh://mt1/etc",
                "target \"ssh://mt1/etc\": nothing may stand behind the host and its port",
            ),
        ] {
            assert_eq!(text.parse::<TargetAddress>().unwrap_err().to_string(), why, "{text}");
        }
    }

    #[test]
    fn a_password_is_refused_and_not_repeated() {
        for text in [
            "ssh://root:hunter2@mt1",
            "root:hunter2@mt1",
            "ssh://root:hunt@er2@mt1/x",
            "ssh:/root:hunter2@mt1",
            "http://root:hunter2@mt1",
            "ssh://root:hunter2@mt1:99999",
            "ssh://root:hunter2@-x",
            "ssh://root:hun/ter2@mt1",
            "ssh://root:hunter2%40mt1",
            "ssh://root%3ahunter2@mt1",
            "ssh://root:hunter2@",
        ] {
            assert!(text.parse::<SshTarget>().is_err(), "{text}");
            let error = text.parse::<TargetAddress>().unwrap_err();
            assert!(matches!(error, TargetAddressError::Password(..)), "{text}");
            assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("er2"), "{text}");
        }
    }
}
