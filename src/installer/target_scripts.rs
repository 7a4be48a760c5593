//! What the scripts that an installer runs are rendered over: those before partitioning, which
//! guard disks, and those that put the payload into the installed system.
//!
//! Not for how an installer is told to run them (`kickstart`, `preseed`).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::json;

use super::machine::Disk;
use super::profile::TemplateName;
use super::system::{AgentKind, System};
use super::value::PayloadName;
use super::value::disk::ByteSize;
use super::{self_check, service};
use crate::assets::Assets;
use crate::template::{self, TemplateError};

/// The agent bundle's name in the payload.
pub const AGENT: &str = "agent.tar.gz";
/// The services that the payload may hold, in the order they start.
pub const SERVICES: [&str; 3] = [service::FIRST_BOOT, service::REGISTER, service::SELF_CHECK];
/// Where the agent is unpacked: under root's home, for its installation fails below /usr/local
/// (D:vmware-azure-install-linux-master-target).
pub const AGENT_DIRECTORY: &str = "/root";

/// Why the payload is not what the system needs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadMismatch {
    /// The recipe and the payload disagree about the agent.
    #[error(
        "the payload has {}agent.tar.gz, and the recipe wants {}",
        if *.0 { "" } else { "no " },
        if *.0 { "no agent" } else { "one" }
    )]
    Agent(bool),
    /// A service's program without its unit.
    #[error("the payload has {0} and no {1}, which systemd needs")]
    NoUnit(&'static str, String),
}

/// Holds the names of a payload against what the system needs.
///
/// # Errors
///
/// The first difference.
pub fn check_payload(
    system: &System,
    payload: &BTreeSet<PayloadName>,
) -> Result<(), PayloadMismatch> {
    let has = |name: &str| payload.iter().any(|file| file.as_str() == name);
    if (system.agent != AgentKind::None) != has(AGENT) {
        return Err(PayloadMismatch::Agent(has(AGENT)));
    }
    for service in SERVICES {
        let name = format!("{service}.service");
        let systemd = system.profile.init == service::InitSystem::Systemd;
        if systemd && has(service) && !has(&name) {
            return Err(PayloadMismatch::NoUnit(service, name));
        }
    }
    Ok(())
}

/// A disk for the guard: `-` where the recipe says nothing.
#[derive(Debug, Serialize)]
pub struct GuardedDisk {
    name: String,
    least_sectors: String,
    most_sectors: String,
    scsi: String,
}

impl GuardedDisk {
    /// The disk as the guard compares it.
    pub fn new(disk: &Disk) -> Self {
        let sectors = |size: Option<ByteSize>| {
            size.map_or_else(|| "-".to_owned(), |size| size.sectors().to_string())
        };
        Self {
            name: disk.name.to_string(),
            least_sectors: sectors(disk.size.and_then(|range| range.min)),
            most_sectors: sectors(disk.size.and_then(|range| range.max)),
            scsi: disk.scsi.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
        }
    }
}

/// What the script that copies the payload is rendered over.
#[derive(Debug, Serialize)]
pub struct CopyModel<'a> {
    /// Where the disc is mounted.
    pub mount: String,
    /// The names of the files.
    pub payload: Vec<&'a str>,
}

/// What the script that runs in the installed system is rendered over.
#[derive(Debug, Serialize)]
pub struct InstallModel {
    agent: Option<&'static str>,
    agent_directory: &'static str,
    standin: bool,
    /// The lines that install the services; absent without any.
    service: Option<String>,
    hosts: Vec<String>,
}

impl InstallModel {
    /// The model for a payload of these names; `template` is for the lines that install services.
    ///
    /// # Errors
    ///
    /// Fails when that template does not render.
    pub fn new(
        assets: &Assets,
        system: &System,
        payload: &BTreeSet<PayloadName>,
        template: &TemplateName,
    ) -> Result<Self, TemplateError> {
        let has = |name: &str| payload.iter().any(|file| file.as_str() == name);
        let services: Vec<_> = SERVICES.into_iter().filter(|service| has(service)).collect();
        let model = json!({
            "services": services,
            "self_check": has(self_check::COLLECTOR),
            "evaluates": has(self_check::BINARY),
        });
        let service = (!services.is_empty())
            .then(|| template::render(assets, template.as_str(), &model))
            .transpose()?;
        let hosts = system.hosts.iter().map(|line| {
            let names: Vec<_> = line.names.iter().map(|name| name.as_str()).collect();
            format!("{} {}", line.address, names.join(" "))
        });
        Ok(Self {
            agent: (system.agent != AgentKind::None).then_some(AGENT),
            agent_directory: AGENT_DIRECTORY,
            standin: system.agent == AgentKind::StandIn,
            service,
            hosts: hosts.collect(),
        })
    }
}
