//! What a TCP connection to a port led to.
//!
//! Not for asking for one (`ports`).

use schemars::JsonSchema;
use serde::Serialize;

/// What a TCP connection led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortState {
    /// It was taken.
    Open,
    /// The server is there and nothing listens, or a firewall says so.
    Refused,
    /// Nothing came back: a firewall drops it, or the server is off.
    Filtered,
    /// The name could not be resolved.
    Dns,
    /// There is no way to the server's network.
    NoRoute,
}
