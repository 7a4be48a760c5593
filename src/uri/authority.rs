//! The host and port of a server, as they stand in a URL.

use std::fmt;
use std::net::Ipv6Addr;

/// The host and port of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host's name or IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Splits `HOST[:PORT]` at the port, without looking at either but an IPv6 address, which stands in brackets and may
/// have a zone.
///
/// # Errors
///
/// Returns what is wrong: what is in brackets and no such address, or all of a text whose brackets are not closed or have
/// something else than a port behind them.
///
/// ```
/// use preflight::uri::authority::split;
/// assert_eq!(split("vc1"), Ok(("vc1", None)));
/// assert_eq!(split("[fe80::1%eth0]:22"), Ok(("fe80::1%eth0", Some("22"))));
/// assert_eq!((split("[::1"), split("[::x]:22")), (Err("[::1"), Err("::x")));
/// ```
pub fn split(place: &str) -> Result<(&str, Option<&str>), &str> {
    let Some(inner) = place.strip_prefix('[') else {
        return Ok(place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))));
    };
    let (host, behind) = inner.split_once(']').ok_or(place)?;
    host.split('%').next().unwrap_or(host).parse::<Ipv6Addr>().map_err(|_| host)?;
    let port = match behind {
        "" => None,
        _ => Some(behind.strip_prefix(':').ok_or(place)?),
    };
    Ok((host, port))
}

/// Parses a port: digits alone, from 1 to 65535.
pub fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

impl fmt::Display for Authority {
    /// Writes `HOST:PORT`, with an IPv6 address in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
