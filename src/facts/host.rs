//! Everything that is known about one Linux host that was asked; rules know it as `mt`, the master
//! target, or `ps`, a process server.
//!
//! Not for how any of it is parsed: one file per subject does that.

use schemars::JsonSchema;
use serde::Serialize;

use super::Fact;
use super::access::{self, AccessFacts};
use super::connection::{self, ConnectionFacts};
use super::ports::{self, PortsFacts};
use super::probe::Probe;
use super::transcript::Transcript;

/// Everything that is judged about one host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HostFacts {
    /// How it was reached.
    pub connection: ConnectionFacts,
    /// With which rights the host answered.
    pub access: Fact<AccessFacts>,
    /// Which ports of other servers it reaches.
    pub ports: Fact<PortsFacts>,
}

impl HostFacts {
    /// Reads all facts out of a transcript.
    pub fn of(transcript: &Transcript) -> Self {
        Self {
            connection: connection::of(transcript),
            access: access::of(transcript),
            ports: ports::of(transcript),
        }
    }
}

/// Every probe of a master target, in the order they are asked.
pub fn probes() -> Vec<Probe> {
    [
        access::PROBES,
        // The slowest stand last: what a time limit cuts off is not to be all the rest.
        ports::PROBES,
    ]
    .concat()
}

/// Every probe of a process server.
pub fn process_server_probes() -> Vec<Probe> {
    [access::PROBES, ports::PROBES].concat()
}
