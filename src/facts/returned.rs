//! What a Linux machine that has come back says of itself over SSH; rules know it as `guest`.
//!
//! Whether it is the machine at home comes first: its name may still lead to the copy in Azure, and what that one says is true of
//! no machine that has returned. Not for what vSphere says of it (`vsphere::vm`).

use schemars::JsonSchema;
use serde::Serialize;

use super::agent::azure_agent::{self, AzureAgentFacts};
use super::connection::{self, ConnectionFacts};
use super::guest::clock;
use super::guest::machine::{self, MachineFacts};
use super::guest::os::{self, OsFacts};
use super::guest::packages::{self, PackageFacts};
use super::guest::processes::{self, ProcessFacts};
use super::network::{self, NetworkFacts, interface_files, interfaces};
use super::probe::{Probe, ProbeName};
use super::storage::block;
use super::storage::disk_limits::{self, DiskLimitFacts};
use super::transcript::Transcript;
use super::{Fact, Unavailable, file, query};

const NETWORK_MANAGER: ProbeName = ProbeName::new("network-manager");

/// The program of NetworkManager, where distributions put it.
const PROBES: &[Probe] = &[Probe::new(
    NETWORK_MANAGER,
    "for f in /usr/sbin/NetworkManager /usr/bin/NetworkManager; do\n  \
     [ -e $f ] && echo $f\ndone\nexit 0",
)];

/// Who makes the virtual firmware of vSphere (seen in the firmware's tables of virtual machines).
const VMWARE: &str = "VMware, Inc.";

/// Who makes that of Hyper-V and of Azure.
const MICROSOFT: &str = "Microsoft Corporation";

/// What a machine that has come back says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ReturnedFacts {
    /// How it was reached.
    pub connection: ConnectionFacts,
    /// Its operating system.
    pub os: OsFacts,
    /// The machine it runs on.
    pub machine: MachineFacts,
    /// Whether it runs on vSphere, by its firmware, and not in Azure.
    pub is_home: Fact<bool>,
    /// Its packages.
    pub packages: Fact<PackageFacts>,
    /// The programs that run.
    pub processes: Fact<ProcessFacts>,
    /// Its network.
    pub network: NetworkFacts,
    /// Whether NetworkManager is installed.
    pub network_manager: Fact<bool>,
    /// Azure's own agent.
    pub azure_agent: AzureAgentFacts,
    /// What of its disks is not replicated.
    pub disk_limits: Fact<DiskLimitFacts>,
}

impl ReturnedFacts {
    /// Reads all facts out of a transcript.
    pub fn from_transcript(transcript: &Transcript) -> Self {
        let os = os::from_transcript(transcript);
        let packages = packages::from_transcript(transcript).into();
        let processes = processes::from_transcript(transcript).into();
        let machine = machine::from_transcript(transcript);
        let network_manager = file::complete_text(transcript, NETWORK_MANAGER);
        Self {
            connection: connection::from_transcript(transcript),
            is_home: is_home(&machine.vendor).into(),
            network: network::from_transcript(transcript, &os.host_name),
            network_manager: network_manager.map(|text| !text.trim().is_empty()).into(),
            azure_agent: azure_agent::from_transcript(transcript, &packages, &processes),
            disk_limits: disk_limits::from_transcript(transcript).into(),
            os,
            machine,
            packages,
            processes,
        }
    }
}

/// Whether a machine with firmware of this vendor runs on vSphere; another vendor decides nothing.
fn is_home(vendor: &Fact<String>) -> Result<bool, Unavailable> {
    match vendor.value()?.as_str() {
        VMWARE => Ok(true),
        MICROSOFT => Ok(false),
        other => Err(format!("its firmware is of {other:?}, neither VMware's nor Azure's").into()),
    }
}

/// Every probe of a machine that has come back, in the order they are asked.
pub fn probes() -> Vec<Probe> {
    [
        clock::PROBES,
        query::PROBES,
        os::PROBES,
        machine::PROBES,
        packages::PROBES,
        processes::PROBES,
        interfaces::PROBES,
        interface_files::PROBES,
        network::PROBES,
        azure_agent::PROBES,
        block::PROBES,
        PROBES,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::file::tests::guest_transcript;

    #[test]
    fn the_firmware_tells_the_machine_at_home_from_its_copy_in_azure() {
        for (vendor, home) in [
            ("VMware, Inc.", Some(true)),
            ("Microsoft Corporation", Some(false)),
            ("QEMU", None),
            ("", None),
        ] {
            let dmi = format!("sys_vendor={vendor}\nproduct_name=x\n");
            let transcript = guest_transcript(&[("dmi", 0, &dmi)]);
            let facts = ReturnedFacts::from_transcript(&transcript);
            assert_eq!(facts.is_home.known().copied(), home, "{vendor:?}");
        }
    }

    #[test]
    fn network_manager_is_missing_only_where_it_was_looked_for() {
        for (answers, installed) in [
            (&[("network-manager", 0, "/usr/sbin/NetworkManager\n")][..], Some(true)),
            (&[("network-manager", 0, "")], Some(false)),
            (&[("network-manager", 124, "")], None),
            (&[], None),
        ] {
            let facts = ReturnedFacts::from_transcript(&guest_transcript(answers));
            assert_eq!(facts.network_manager.known().copied(), installed, "{answers:?}");
        }
    }
}
