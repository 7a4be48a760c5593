//! The host and port of a server, as they stand in a URL.

use std::fmt;

/// The host and port of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The host's name or IP address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
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
