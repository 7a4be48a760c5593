//! Everything that is known about one Linux host that was asked; rules know it as `mt`, the master
//! target, or `ps`, a process server.
//!
//! Not for how any of it is parsed: one file per subject does that.

use schemars::JsonSchema;
use serde::Serialize;

use super::Fact;
use super::access::{self, AccessFacts};
use super::agent::{self, AgentFacts};
use super::azure_agent::{self, AzureAgentFacts};
use super::clock::{self, ClockFacts};
use super::custom_changes::{self, CustomChangesFacts};
use super::interface_files;
use super::interfaces;
use super::kernel_updates::{self, KernelUpdateFacts};
use super::machine::{self, MachineFacts};
use super::modules::{self, ModuleFacts};
use super::network::{self, NetworkFacts};
use super::os::{self, OsFacts};
use super::packages::{self, PackageFacts};
use super::ports::{self, PortsFacts};
use super::probe::Probe;
use super::processes::{self, ProcessFacts};
use super::transcript::Transcript;

/// Everything that is judged about one host.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct HostFacts {
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
    /// Which ports of other servers it reaches.
    pub ports: Fact<PortsFacts>,
}

impl HostFacts {
    /// Reads all facts out of a transcript.
    pub fn of(transcript: &Transcript) -> Self {
        let os = os::of(transcript);
        let packages = packages::of(transcript);
        let processes = processes::of(transcript);
        Self {
            access: access::of(transcript),
            clock: clock::of(transcript),
            machine: machine::of(transcript),
            modules: modules::of(transcript),
            kernel_updates: kernel_updates::of(transcript, &packages),
            network: network::of(transcript, &os.host_name),
            agent: agent::of(transcript),
            custom_changes: custom_changes::of(transcript, &os.booted_at),
            azure_agent: azure_agent::of(transcript, &packages, &processes),
            os,
            packages,
            processes,
            ports: ports::of(transcript),
        }
    }
}

/// Every probe of a master target, in the order they are asked.
pub fn probes() -> Vec<Probe> {
    [
        // First, so that nothing delays the reading of the clock.
        clock::PROBES,
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
        agent::PROBES,
        custom_changes::PROBES,
        azure_agent::PROBES,
        // The slowest stand last: what a time limit cuts off is not to be all the rest.
        ports::PROBES,
    ]
    .concat()
}

/// Every probe of a process server.
pub fn process_server_probes() -> Vec<Probe> {
    [clock::PROBES, access::PROBES, ports::PROBES].concat()
}
