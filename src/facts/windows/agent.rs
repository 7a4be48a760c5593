//! The replication agent on a Windows master target: its registration, its drscout.conf, its services.
//!
//! Keys of the registry and names of services are as published sources spell them, and are still to be
//! confirmed on a real agent: what is not spelled so is unknown rather than wrong. Not for the agent on
//! Linux (`agent`).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::capture::{WindowsCapture, drive_of, member_text};
use crate::facts::agent::unified_agent::{self, AgentRole};
use crate::facts::{Fact, Unavailable};

/// The replication agent on a Windows master target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WindowsAgentFacts {
    /// Whether there is one.
    pub installed: Fact<bool>,
    /// Where its configuration lies.
    pub configuration_file: Fact<String>,
    /// Its version, such as `9.8.9.0`.
    pub version: Fact<String>,
    /// The role it was installed with.
    pub role: Fact<AgentRole>,
    /// Where it is installed.
    pub directory: Fact<String>,
    /// Where it keeps what it has not sent yet.
    pub cache_directory: Fact<String>,
    /// The address of its configuration server.
    pub configuration_server: Fact<String>,
    /// The id by which the configuration server knows it.
    pub host_id: Fact<String>,
    /// Whether its replication service, svagents, runs.
    pub svagents: Fact<bool>,
    /// Whether its application service runs.
    pub appservice: Fact<bool>,
    /// The services that were found, with their states.
    pub service_words: Fact<String>,
    /// Whether the machine is a process server, too.
    pub is_process_server: Fact<bool>,
}

/// The service of the agent's application part.
const APPSERVICE: &str = "InMage Scout Application Service";

/// Services that only a process server has.
const PROCESS_SERVER: &[&str] = &["cxprocessserver", "ProcessServer", "ProcessServerMonitor"];

/// Reads the agent; `stale` says why what changes quickly is unknown.
pub fn read_agent(capture: &WindowsCapture, stale: Option<&str>) -> WindowsAgentFacts {
    let settings = read_settings(capture);
    let setting = |key: &str| {
        let settings = settings.as_ref().map_err(Clone::clone)?;
        let settings = settings.as_ref().ok_or("there is no agent")?;
        let value = unified_agent::value(&settings.text, key)?;
        let value = value.filter(|value| !value.is_empty());
        Ok::<_, Unavailable>(value.ok_or_else(|| format!("drscout.conf has no {key}"))?)
    };
    let services = capture.list("services");
    let state = |name: &str| {
        let found = find_service(services.as_ref().map_err(Clone::clone)?, name);
        found.map(|service| member_text(service, "state")).transpose()
    };
    let runs = |name: &str| match stale {
        Some(why) => Err(Unavailable::from(why)),
        None => state(name).map(|state| state.is_some_and(|state| state == "Running")),
    };
    let words = services.as_ref().map_err(Clone::clone).map(|all| describe_services(all));
    let is_process_server = services
        .as_ref()
        .map_err(Clone::clone)
        .map(|all| PROCESS_SERVER.iter().any(|name| find_service(all, name).is_some()));
    let directory = settings.as_ref().map_err(Clone::clone).and_then(|settings| {
        let settings = settings.as_ref().ok_or("there is no agent")?;
        Ok(settings.directory.clone())
    });
    WindowsAgentFacts {
        installed: settings.as_ref().map(Option::is_some).map_err(Clone::clone).into(),
        configuration_file: settings
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|settings| {
                Ok(settings
                    .as_ref()
                    .map(|settings| settings.file.clone())
                    .ok_or("there is none")?)
            })
            .into(),
        version: read_version(capture, &setting, &directory).into(),
        role: setting("Role").map(|word| unified_agent::parse_role(&word)).into(),
        cache_directory: setting("CacheDirectory").into(),
        configuration_server: setting("Hostname").into(),
        host_id: setting("HostId").into(),
        directory: directory.into(),
        svagents: runs("svagents").into(),
        appservice: runs(APPSERVICE).into(),
        service_words: words.into(),
        is_process_server: is_process_server.into(),
    }
}

/// The agent's configuration, and where it is.
struct AgentSettings {
    directory: String,
    file: String,
    text: String,
}

/// Reads the one drscout.conf there is; none where no product is registered.
fn read_settings(capture: &WindowsCapture) -> Result<Option<AgentSettings>, Unavailable> {
    let mut found: Vec<AgentSettings> = Vec::new();
    for one in capture.list("settings")? {
        let file = member_text(one, "file")?;
        let text = match one.get("lines") {
            Some(Value::Array(lines)) => {
                let lines: Option<Vec<&str>> = lines.iter().map(Value::as_str).collect();
                lines.ok_or("a line of drscout.conf is not text")?.join("\n")
            }
            Some(Value::String(line)) => line.clone(),
            _ => String::new(),
        };
        let lower = file.to_ascii_lowercase();
        let end = [r"\application data\etc\drscout.conf", r"\etc\drscout.conf"];
        let end = end.iter().find(|end| lower.ends_with(**end));
        let end = end.ok_or_else(|| format!("{file:?} is not drscout.conf"))?.len();
        let directory = file[..file.len() - end].to_owned();
        if drive_of(&directory).is_none() {
            return Err(format!("{file:?} is on no drive").into());
        }
        if found.iter().all(|other| other.file.to_ascii_lowercase() != lower) {
            found.push(AgentSettings { directory, file, text });
        }
    }
    match (found.pop(), found.pop()) {
        (Some(one), None) => Ok(Some(one)),
        (Some(one), Some(other)) => {
            Err(format!("there are two agents, {} and {}", other.file, one.file).into())
        }
        (None, _) => match capture.list("products")?.first() {
            None => Ok(None),
            Some(product) => {
                let place = member_text(product, "InstallDirectory").unwrap_or_default();
                Err(format!("a product is registered at {place:?}, without a drscout.conf").into())
            }
        },
    }
}

/// Reads the version: by the configuration, otherwise by the registration of the product there.
fn read_version(
    capture: &WindowsCapture,
    setting: &dyn Fn(&str) -> Result<String, Unavailable>,
    directory: &Result<String, Unavailable>,
) -> Result<String, Unavailable> {
    let directory = directory.as_ref()?;
    if let Ok(version) = setting("ProductVersion").or_else(|_| setting("Version")) {
        return unified_agent::parse_version(version);
    }
    let is_here = |product: &&Value| {
        let place = member_text(product, "InstallDirectory").unwrap_or_default();
        place.trim_end_matches('\\').eq_ignore_ascii_case(directory)
    };
    let product = capture.list("products")?.iter().find(is_here);
    let product = product.ok_or("no registered product is at the agent's place")?;
    let version = member_text(product, "Product_Version").or(member_text(product, "Version"))?;
    unified_agent::parse_version(version)
}

fn find_service<'v>(all: &'v [Value], name: &str) -> Option<&'v Value> {
    let is_named = |service: &&Value| {
        service
            .get("name")
            .and_then(Value::as_str)
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    all.iter().find(is_named)
}

/// Returns whether a service runs; false when there is none of the name.
pub fn is_running(capture: &WindowsCapture, name: &str) -> Result<bool, Unavailable> {
    match find_service(capture.list("services")?, name) {
        Some(service) => Ok(member_text(service, "state")? == "Running"),
        None => Ok(false),
    }
}

fn describe_services(all: &[Value]) -> String {
    let known: Vec<String> = ["svagents", APPSERVICE, "frsvc", "cxprocessserver", "tmansvc"]
        .iter()
        .filter_map(|name| {
            let state = member_text(find_service(all, name)?, "state");
            Some(format!("{name} {}", state.unwrap_or_else(|_| "in no known state".to_owned())))
        })
        .collect();
    if known.is_empty() {
        "none of the agent's services is there".to_owned()
    } else {
        known.join(", ")
    }
}
