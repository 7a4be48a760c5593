//! Everything that is known about one Linux host that was asked; rules know it as `mt`, the master
//! target, or `ps`, a process server.
//!
//! Not for how any of it is parsed: one file per subject does that. What one subject needs of
//! another is handed over here.

use schemars::JsonSchema;
use serde::Serialize;

use super::agent::azure_agent::{self, AzureAgentFacts};
use super::agent::custom_changes::{self, CustomChangesFacts};
use super::agent::unified_agent::{self, AgentFacts};
use super::connection::{self, ConnectionFacts};
use super::guest::access::{self, AccessFacts};
use super::guest::clock::{self, ClockFacts};
use super::guest::kernel_updates::{self, KernelUpdateFacts};
use super::guest::machine::{self, MachineFacts};
use super::guest::modules::{self, ModuleFacts};
use super::guest::os::{self, OsFacts};
use super::guest::packages::{self, PackageFacts};
use super::guest::processes::{self, ProcessFacts};
use super::network::ports::{self, PortsFacts};
use super::network::{self, NetworkFacts, interface_files, interfaces};
use super::probe::Probe;
use super::storage::block::{self, HostDiskFacts};
use super::storage::fstab;
use super::storage::mounts::{self, MountFacts};
use super::storage::multipath::{self, MultipathFacts};
use super::storage::retention::{self, RetentionFacts};
use super::storage::scsi::{self, ScsiFacts};
use super::transcript::Transcript;
use super::{Fact, Unavailable, query};

/// Everything that is checked about one host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HostFacts {
    /// How it was reached.
    pub connection: ConnectionFacts,
    /// With which rights the host answered.
    pub access: Fact<AccessFacts>,
    /// What time it thinks it is.
    pub clock: ClockFacts,
    /// Its operating system.
    pub os: OsFacts,
    /// The machine it runs on.
    pub machine: MachineFacts,
    /// Its packages.
    pub packages: Fact<PackageFacts>,
    /// The kernel modules it could load.
    pub modules: ModuleFacts,
    /// Whether an update can bring another kernel.
    pub kernel_updates: Fact<KernelUpdateFacts>,
    /// The programs that run.
    pub processes: Fact<ProcessFacts>,
    /// Its network.
    pub network: NetworkFacts,
    /// The replication agent.
    pub agent: AgentFacts,
    /// What ApplyCustomChanges.sh left behind.
    pub custom_changes: CustomChangesFacts,
    /// Azure's own agent.
    pub azure_agent: AzureAgentFacts,
    /// What is mounted and what swaps.
    pub mounts: MountFacts,
    /// The disks and what lies on them.
    pub disks: HostDiskFacts,
    /// The SCSI ids of the disks.
    pub scsi: ScsiFacts,
    /// The multipath devices.
    pub multipath: MultipathFacts,
    /// The retention volume.
    pub retention: RetentionFacts,
    /// Which ports of other servers it reaches.
    pub ports: Fact<PortsFacts>,
}

impl HostFacts {
    /// Reads all facts out of a transcript.
    pub fn from_transcript(transcript: &Transcript) -> Self {
        let os = os::from_transcript(transcript);
        let packages = packages::from_transcript(transcript).into();
        let processes = processes::from_transcript(transcript).into();
        let disks = block::from_transcript(transcript, retention::retention_mount(transcript));
        let scsi = scsi::from_transcript(transcript);
        let root_ids = root_disk_ids(&disks, &scsi);
        let agent = unified_agent::from_transcript(transcript);
        let multipath = multipath::from_transcript(transcript);
        let taken = multipath.system_disks.value().map(|disks| !disks.items.is_empty());
        Self {
            connection: connection::from_transcript(transcript),
            access: access::from_transcript(transcript).into(),
            clock: clock::from_transcript(transcript),
            machine: machine::from_transcript(transcript),
            modules: modules::from_transcript(transcript),
            kernel_updates: kernel_updates::from_transcript(transcript, &packages).into(),
            network: network::from_transcript(transcript, &os.host_name),
            custom_changes: custom_changes::from_transcript(
                transcript, &os.booted_at, root_ids, taken,
            ),
            azure_agent: azure_agent::from_transcript(transcript, &packages, &processes),
            os,
            packages,
            processes,
            mounts: mounts::from_transcript(transcript),
            disks,
            scsi,
            multipath,
            retention: retention::from_transcript(transcript, &agent),
            ports: ports::from_transcript(transcript, &agent).into(),
            agent,
        }
    }
}

/// The SCSI ids of the disks that the operating system is on; an empty one for a disk without.
fn root_disk_ids(disks: &HostDiskFacts, scsi: &ScsiFacts) -> Result<Vec<String>, Unavailable> {
    let (os_disk, listed) = (disks.os_disk.value()?, scsi.disks.value()?);
    let id_of = |name: &str| {
        let disk = listed.items.iter().find(|disk| disk.name == name);
        let disk = disk.ok_or_else(|| format!("{name} was not asked for a SCSI id"))?;
        disk.id.value().cloned()
    };
    os_disk.name.split(", ").map(id_of).collect()
}

/// Every probe of a master target, in the order they are asked.
pub fn master_target_probes() -> Vec<Probe> {
    [
        // First, so that nothing delays the reading of the clock.
        clock::PROBES,
        query::PROBES,
        access::PROBES,
        os::PROBES,
        machine::PROBES,
        packages::PROBES,
        modules::PROBES,
        kernel_updates::PROBES,
        processes::PROBES,
        interfaces::PROBES,
        interface_files::PROBES,
        network::PROBES,
        unified_agent::PROBES,
        custom_changes::PROBES,
        azure_agent::PROBES,
        mounts::PROBES,
        fstab::PROBES,
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
    [clock::PROBES, query::PROBES, access::PROBES, ports::PROBES].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;

    const CONF: &str = "blacklist {\n  wwid 36000c29a\n}\n";
    const ROOT: &str = "15 1 8:1 / / rw - ext4 /dev/sda1 rw\n";
    const SDA: &str = "device sda\ndev 8:0\nsize 2048\nro 0\ndevice sda1\nparent sda\ndev 8:1\n\
                       size 1024\nro 0\n";

    #[test]
    fn the_disk_below_the_root_is_looked_for_among_the_excluded() {
        for (ids, excluded) in [
            ("disk sda\n36000c29a\nstatus 0\ndisk sdb\n36000c29b\nstatus 0\n", Some(true)),
            ("disk sda\n36000c29b\nstatus 0\ndisk sdb\n36000c29a\nstatus 0\n", Some(false)),
            ("disk sda\nstatus 1\n", Some(false)),
            ("disk sda\nmissing\n", None),
            ("disk sdb\n36000c29a\nstatus 0\n", None),
        ] {
            let transcript = guest_transcript(&[
                ("multipath-conf", 0, CONF),
                ("mountinfo", 0, ROOT),
                ("block", 0, SDA),
                ("scsi-ids", 0, ids),
                ("multipath", 0, ""),
            ]);
            let facts = HostFacts::from_transcript(&transcript).custom_changes.root_disk_excluded;
            assert_eq!(facts.known().copied(), excluded, "{ids:?} {facts:?}");
        }
    }
}
