//! Everything that is known about one Linux host that was asked; rules know it as `mt`, the master
//! target, or `ps`, a process server.
//!
//! Not for how any of it is parsed: one file per subject does that.

use schemars::JsonSchema;
use serde::Serialize;

use super::Fact;
use super::access::{self, AccessFacts};
use super::block::{self, DiskFacts};
use super::connection::{self, ConnectionFacts};
use super::mounts::{self, MountFacts};
use super::multipath::{self, MultipathFacts};
use super::ports::{self, PortsFacts};
use super::probe::Probe;
use super::retention::{self, RetentionFacts};
use super::scsi::{self, ScsiFacts};
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
    /// What is mounted and what swaps.
    pub mounts: MountFacts,
    /// The disks and what lies on them.
    pub disks: DiskFacts,
    /// The SCSI ids of the disks.
    pub scsi: ScsiFacts,
    /// The multipath devices.
    pub multipath: MultipathFacts,
    /// The retention volume.
    pub retention: RetentionFacts,
}

impl HostFacts {
    /// Reads all facts out of a transcript.
    pub fn of(transcript: &Transcript) -> Self {
        Self {
            connection: connection::of(transcript),
            access: access::of(transcript),
            ports: ports::of(transcript),
            mounts: mounts::of(transcript),
            disks: block::of(transcript),
            scsi: scsi::of(transcript),
            multipath: multipath::of(transcript),
            retention: retention::of(transcript),
        }
    }
}

/// Every probe of a master target, in the order they are asked.
pub fn probes() -> Vec<Probe> {
    [
        access::PROBES,
        mounts::PROBES,
        block::PROBES,
        scsi::PROBES,
        multipath::PROBES,
        retention::PROBES,
        // The slowest stand last: what a time limit cuts off is not to be all the rest.
        ports::PROBES,
    ]
    .concat()
}

/// Every probe of a process server.
pub fn process_server_probes() -> Vec<Probe> {
    [access::PROBES, ports::PROBES].concat()
}
