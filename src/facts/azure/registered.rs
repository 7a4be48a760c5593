//! What the vault says of one server of the site: a master target, a process server, the configuration server, a host.
//!
//! Not for machines (`machine`), nor for what all of them need (`plan`).

use schemars::JsonSchema;
use serde::Serialize;

use super::object::{ObjectKind, id_key};
use super::read::{integer, list, minute, moment, number, required_text, text};
use super::server_in_azure::{deployment_model, gone, network_of_process_server};
use super::servers::{
    Fabric, FabricServer, RegisteredServerFacts, SILENT_AFTER, ServerNames, error_words, says_list,
};
use super::shown::{Shown, ShownResult};
use super::survey::{PlannedServer, SiteInVault};
use super::vault::{Vault, VaultObject};
use super::words::{required_word, word};
use crate::facts::stage::azure::ItemProvider;
use crate::facts::{Fact, Unavailable};

/// Minutes between two rounds of discovery, twice (D:vmware-azure-manage-vcenter).
const TWO_DISCOVERIES: i64 = 30;

/// What the vault says of a master target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VaultMasterTargetFacts {
    /// Whether the vault lists it.
    pub listed: Fact<bool>,
    /// Whether it is listed and has a heartbeat.
    pub registered: Fact<Shown>,
    /// What all servers say.
    pub server: Fact<RegisteredServerFacts>,
    /// Whether the planned retention volume is listed.
    pub retention: Fact<Shown>,
    /// Whether it is discovered through vCenter: datastores are known.
    pub discovered: Fact<Shown>,
    /// Whether it is no newer than the configuration server and the process servers.
    pub version_order: Fact<Shown>,
    /// Whether its configuration server is alive.
    pub configuration_server: Fact<Shown>,
}

/// What the vault says of a process server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VaultProcessServerFacts {
    /// Whether the vault lists it.
    pub listed: Fact<bool>,
    /// What all servers say.
    pub server: Fact<RegisteredServerFacts>,
    /// Whether it has a heartbeat, runs and is healthy.
    pub heartbeat: Fact<Shown>,
    /// Whether its services run, in Azure's word.
    pub service: Fact<String>,
    /// Percent of the space of its cache that is free.
    pub free_percent: Fact<f64>,
    /// Percent of its processor that is used.
    pub cpu_percent: Fact<f64>,
    /// Percent of its memory that is used.
    pub memory_percent: Fact<f64>,
    /// Whether it stands in the network of the machines.
    pub network: Fact<Shown>,
    /// Whether it was made with the deployment model of the machines.
    pub deployment_model: Fact<Shown>,
    /// Whether it is gone from Azure.
    pub gone: Fact<Shown>,
}

/// What the vault says of a configuration server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VaultConfigurationServerFacts {
    /// What all servers say.
    pub server: Fact<RegisteredServerFacts>,
    /// Whether its services run, in Azure's word.
    pub service: Fact<String>,
    /// Whether the site's address of it is the registered one.
    pub address: Fact<Shown>,
    /// Whether the machines of the site lie in its fabric.
    pub has_machines: Fact<Shown>,
    /// Whether a master target of every family that is needed can be chosen.
    pub master_targets: Fact<Shown>,
    /// Whether it discovers vCenter.
    pub discovery: Fact<Shown>,
}

/// Reads what the vault says of a master target.
pub fn master_target_facts(
    survey: &SiteInVault<'_>,
    planned: &PlannedServer,
    retention: Option<&str>,
) -> VaultMasterTargetFacts {
    let found = survey.master_target(&planned.names);
    let entry = present(found.clone(), "master target");
    VaultMasterTargetFacts {
        registered: registered(&found).into(),
        listed: found.map(|found| found.is_some()).into(),
        server: entry.clone().map(FabricServer::facts).into(),
        retention: entry.clone().and_then(|entry| retention_volume(entry, retention)).into(),
        discovered: entry.clone().and_then(discovered).into(),
        version_order: entry.clone().and_then(version_order).into(),
        configuration_server: entry.and_then(|entry| alive(entry.fabric)).into(),
    }
}

/// Whether a master target is no newer than the servers around it. The service prints two parts of a version that say something.
fn version_order(target: FabricServer<'_>) -> ShownResult {
    let release = |name: &str, version: &str| {
        let parts = super::read::release(version);
        parts.ok_or_else(|| Unavailable::from(format!("{version:?} of {name} is not a version")))
    };
    let own = target.version()?;
    let parts = release(target.name(), own)?;
    let fabric = target.fabric;
    let server = required_text(fabric.details(), "agentVersion")?;
    let mut others = vec![(fabric.name(), server)];
    for server in fabric.process_servers() {
        others.push((server.name(), server.version()?));
    }
    for (name, version) in others {
        if release(name, version)? < parts {
            return Ok(Shown::bad(format!("it is {own}, and {name} is {version}")));
        }
    }
    Ok(Shown::good(format!("it is {own}, and no server is older")))
}

/// Whether a configuration server is alive.
fn alive(fabric: Fabric<'_>) -> ShownResult {
    let beat = moment(fabric.details(), "lastHeartbeat")?;
    let silent = fabric.vault.minutes_since(beat, SILENT_AFTER)?;
    let status = required_word(fabric.details(), "csServiceStatus")?;
    let words = format!("{} is {status}, last heartbeat at {}", fabric.name(), minute(beat));
    let is_alive = silent < SILENT_AFTER && status == "Running";
    Ok(if is_alive { Shown::good(words) } else { Shown::bad(words) })
}

fn present<'v>(
    found: Result<Option<FabricServer<'v>>, Unavailable>,
    what: &str,
) -> Result<FabricServer<'v>, Unavailable> {
    found?.ok_or_else(|| {
        Unavailable::from(format!("the vault lists no {what} of this name or address"))
    })
}

fn registered(found: &Result<Option<FabricServer<'_>>, Unavailable>) -> ShownResult {
    let Some(server) = found.clone()? else {
        return Ok(Shown::bad("the vault lists no master target of this name or address"));
    };
    let silent = server.silent_minutes()?;
    let words = server.words();
    Ok(if silent < SILENT_AFTER { Shown::good(words) } else { Shown::bad(words) })
}

/// Whether a process server has a heartbeat, runs and is healthy; older replies say nothing of its health.
fn heartbeat(server: FabricServer<'_>) -> ShownResult {
    let words = server.words();
    if server.silent_minutes()? >= SILENT_AFTER {
        return Ok(Shown::bad(words));
    }
    let service = service_of_process_server(server)?;
    if service != "Running" {
        return Ok(Shown::bad(format!("{words}, and its service is {service}")));
    }
    let errors = error_words(server.entry, &["healthErrors"]).items.join("; ");
    match word(server.entry, "health") {
        None | Some("Normal" | "None") => Ok(Shown::good(words)),
        Some("Warning") => Ok(Shown::doubtful(format!("{words}, health Warning {errors}"))),
        Some("Critical") => Ok(Shown::bad(format!("{words}, health Critical {errors}"))),
        Some(other) => Err(Unavailable::from(format!("{words}, health {other}"))),
    }
}

fn retention_volume(server: FabricServer<'_>, planned: Option<&str>) -> ShownResult {
    if let Some(why) = server.fabric.silence() {
        return Err(why);
    }
    let planned = planned.ok_or("the site does not say where the retention volume is to be")?;
    let volumes = list(server.entry, "retentionVolumes");
    let name = |volume| text(volume, "volumeName").unwrap_or_default();
    let key = |name: &str| name.trim_end_matches(['/', '\\', ':']).to_ascii_lowercase();
    let found = volumes.iter().find(|volume| key(name(volume)) == key(planned));
    let Some(volume) = found else {
        says_list(server.entry, "retentionVolumes")?;
        let others: Vec<&str> = volumes.iter().map(name).collect();
        let others = if others.is_empty() { "none".to_owned() } else { others.join(", ") };
        if server.silent_minutes()? >= SILENT_AFTER {
            return Err(Unavailable::from(format!(
                "it lists {others}, and it is silent: {}",
                server.words()
            )));
        }
        return Ok(Shown::bad(format!("{planned} is not listed; listed are: {others}")));
    };
    let capacity = integer(volume, "capacityInBytes")?;
    if capacity <= 0 {
        return Ok(Shown::bad(format!("{planned} is listed without capacity")));
    }
    let gib = capacity / (1 << 30);
    let free = integer(volume, "freeSpaceInBytes")
        .map_or_else(|_| String::new(), |free| format!(", {} GiB of it free", free / (1 << 30)));
    let words = format!("{planned} is listed with {gib} GiB{free}");
    // The product's own limit: a tenth, and more than one GiB.
    let is_full = integer(volume, "freeSpaceInBytes")
        .is_ok_and(|free| free <= 1 << 30 || free < capacity / 10);
    Ok(if is_full { Shown::doubtful(words) } else { Shown::good(words) })
}

/// Whether a master target is discovered through vCenter: its datastores are known then, and nothing is held against it.
fn discovered(server: FabricServer<'_>) -> ShownResult {
    let errors = error_words(server.entry, &["validationErrors"]).items;
    if !errors.is_empty() {
        return Ok(Shown::bad(format!("{}: {}", server.name(), errors.join("; "))));
    }
    let silent = server.silent_minutes()?;
    if silent >= SILENT_AFTER {
        return Ok(Shown::bad(server.words()));
    }
    let stores: Vec<&str> = list(server.entry, "dataStores")
        .iter()
        .filter_map(|store| text(store, "symbolicName"))
        .collect();
    if stores.is_empty() {
        says_list(server.entry, "dataStores")?;
        return Ok(Shown::bad(format!(
            "{} is registered, and not discovered through vCenter: no datastore of it is known",
            server.name()
        )));
    }
    Ok(Shown::good(format!("{} with the datastores {}", server.words(), stores.join(", "))))
}

/// Reads what the vault says of a process server.
pub fn process_server_facts(
    survey: &SiteInVault<'_>,
    planned: &PlannedServer,
) -> VaultProcessServerFacts {
    let found = survey.process_server(&planned.names);
    let entry = present(found.clone(), "process server");
    let used = |total: &str, free: &str, percent: &[&str]| {
        let entry = entry.clone()?;
        if let Some(name) = percent.iter().find(|name| number(entry.entry, name).is_ok()) {
            return number(entry.entry, name);
        }
        let (total, free) = (number(entry.entry, total)?, number(entry.entry, free)?);
        if total <= 0.0 {
            Err(Unavailable::from("it says 0 in all"))
        } else {
            Ok(100.0 - free / total * 100.0)
        }
    };
    let space = entry.clone().and_then(|entry| {
        number(entry.entry, "freeSpacePercentage").or_else(|_| {
            let total = number(entry.entry, "totalSpaceInBytes")?;
            let free = number(entry.entry, "availableSpaceInBytes")?;
            if total <= 0.0 {
                Err(Unavailable::from("it says 0 in all"))
            } else {
                Ok(free / total * 100.0)
            }
        })
    });
    let silent = entry.clone().ok().and_then(|entry| entry.fabric.silence());
    // One decimal is all that is printed.
    let now = |value: Result<f64, Unavailable>| match &silent {
        Some(why) => Fact::Unavailable(why.clone()),
        None => Fact::from(value).map(|percent| (percent * 10.0).round() / 10.0),
    };
    VaultProcessServerFacts {
        listed: found.map(|found| found.is_some()).into(),
        server: entry.clone().map(FabricServer::facts).into(),
        heartbeat: entry.clone().and_then(heartbeat).into(),
        service: entry.clone().and_then(service_of_process_server).into(),
        free_percent: now(space),
        cpu_percent: now(used("", "", &["cpuLoad", "processorUsagePercentage"])),
        memory_percent: now(used(
            "totalMemoryInBytes",
            "availableMemoryInBytes",
            &["memoryUsagePercentage"],
        )),
        network: network_of_process_server(survey, planned).into(),
        deployment_model: deployment_model(survey, planned).into(),
        gone: gone(survey, planned).into(),
    }
}

/// The state of its services; an appliance's process server says none and is as healthy as it says.
fn service_of_process_server(server: FabricServer<'_>) -> Result<String, Unavailable> {
    if server.fabric.kind() == "InMageRcm" {
        return Ok("Running".to_owned());
    }
    required_word(server.entry, "psServiceStatus").map(str::to_owned)
}

/// Reads what the vault says of the configuration server.
pub fn configuration_server_facts(survey: &SiteInVault<'_>) -> VaultConfigurationServerFacts {
    let fabric = survey.fabric();
    let entry = fabric.clone().map(|fabric| FabricServer { fabric, entry: fabric.details() });
    let server = entry.map(|entry| RegisteredServerFacts {
        name: entry.fabric.name().to_owned(),
        // It tells of itself, so its silence is a fact and no reason to know nothing.
        silent_minutes: entry
            .heartbeat()
            .and_then(|beat| survey.vault.minutes_since(beat, SILENT_AFTER))
            .into(),
        health: required_word(entry.fabric.object.properties(), "health").map(str::to_owned).into(),
        errors: error_words(entry.fabric.object.properties(), &["healthErrorDetails"]),
        words: format!(
            "{}, last heartbeat at {}",
            entry.fabric.name(),
            entry.heartbeat().map_or_else(|why| why.reason, minute)
        ),
        ..entry.facts()
    });
    VaultConfigurationServerFacts {
        server: server.into(),
        service: fabric
            .clone()
            .and_then(|fabric| {
                required_word(fabric.details(), "csServiceStatus").map(str::to_owned)
            })
            .into(),
        address: fabric.clone().and_then(|fabric| address(survey, fabric)).into(),
        has_machines: has_machines(survey).into(),
        master_targets: fabric.clone().and_then(|fabric| master_targets(survey, fabric)).into(),
        discovery: discovery(survey).into(),
    }
}

fn address(survey: &SiteInVault<'_>, fabric: Fabric<'_>) -> ShownResult {
    let names = survey
        .site
        .configuration_server
        .as_ref()
        .ok_or("the site names no configuration server")?;
    let (at, host) =
        (required_text(fabric.details(), "ipAddress")?, text(fabric.details(), "hostName"));
    let known = format!("{} is registered with {at}", fabric.name());
    if names.include(at) || host.is_some_and(|host| names.include(host)) {
        return Ok(Shown::good(known));
    }
    if names.first().parse::<std::net::IpAddr>().is_ok() {
        return Ok(Shown::bad(format!("{known}, and the site says {}", names.first())));
    }
    Err(Unavailable::from(format!("{known}, and nothing says whether that is {}", names.first())))
}

fn has_machines(survey: &SiteInVault<'_>) -> ShownResult {
    let fabric = survey.fabric()?;
    let mut shown: Vec<ShownResult> = Vec::new();
    for (machine, item) in survey.matched() {
        // An appliance's machines lie in its fabric, and say nothing of the server.
        if item.provider().is_ok_and(ItemProvider::is_modernised) {
            continue;
        }
        let is_own = item.fabric_id() == Some(id_key(fabric.object.id()));
        shown.push(if is_own {
            Ok(Shown::good(format!("the machines lie in the fabric of {}", fabric.name())))
        } else {
            let other =
                text(item.properties(), "primaryFabricFriendlyName").unwrap_or("another one");
            Ok(Shown::bad(format!(
                "{} lies in {other}, and not in {}",
                machine.name,
                fabric.name()
            )))
        });
    }
    if shown.is_empty() {
        survey.all_items()?;
    }
    let shown = Shown::all(shown)?;
    // What serves the machines must run, or the same server is not there.
    let details = fabric.details();
    let beat = moment(details, "lastHeartbeat")?;
    let silent = survey.vault.minutes_since(beat, SILENT_AFTER)?;
    let status = required_word(details, "csServiceStatus")?;
    if shown.state == super::shown::ShownState::Good
        && (silent >= SILENT_AFTER || status != "Running")
    {
        return Err(Unavailable::from(format!(
            "{}, but its service is {status} and its last heartbeat was at {}",
            shown.says,
            minute(beat)
        )));
    }
    Ok(shown)
}

/// Whether a master target of every family that the machines need can be chosen.
fn master_targets(survey: &SiteInVault<'_>, fabric: Fabric<'_>) -> ShownResult {
    let mut families: Vec<&str> = Vec::new();
    for (machine, item) in survey.matched() {
        let family = match machine.family.as_deref() {
            Some("linux") => "linux",
            Some("windows") => "windows",
            _ => item.family()?,
        };
        if !families.contains(&family) {
            families.push(family);
        }
    }
    if families.is_empty() {
        return Err(Unavailable::from("no machine of the site has an item in the vault"));
    }
    Shown::all(families.into_iter().map(|family| {
        let of_family: Vec<FabricServer<'_>> = fabric
            .master_targets()
            .filter(|server| {
                text(server.entry, "osType").is_some_and(|os| os.eq_ignore_ascii_case(family))
            })
            .collect();
        if of_family.is_empty() {
            fabric.says_list("masterTargetServers")?;
            return Ok(Shown::bad(format!("no {family} master target is listed")));
        }
        let mut shown: Vec<ShownResult> = of_family.into_iter().map(discovered).collect();
        // The best of them counts.
        let is_good = |one: &ShownResult| {
            one.as_ref().is_ok_and(|one| one.state == super::shown::ShownState::Good)
        };
        match shown.iter().position(is_good) {
            Some(place) => shown.swap_remove(place),
            None => Shown::all(shown),
        }
    }))
}

/// Whether the configuration server discovers vCenter, so that nothing stands between them.
fn discovery(survey: &SiteInVault<'_>) -> ShownResult {
    let vault = survey.vault;
    let shown: Vec<ShownResult> =
        vault.objects(ObjectKind::Vcenter).map(|server| discovery_of(vault, server)).collect();
    if shown.is_empty() {
        vault.all_of(ObjectKind::Vcenter)?;
        return Err(Unavailable::from("no vCenter is registered"));
    }
    Shown::all(shown)
}

fn discovery_of(vault: &Vault, server: &VaultObject) -> ShownResult {
    let properties = server.properties();
    let name = text(properties, "friendlyName").unwrap_or("vCenter");
    let errors = error_words(properties, &["healthErrors"]).items;
    let is_way = |error: &String| error.contains("95126") || error.contains("503");
    if let Some(error) = errors.iter().find(|error| is_way(error)) {
        return Ok(Shown::bad(format!("{name}: {error}")));
    }
    let status = required_word(properties, "discoveryStatus")?;
    let beat = moment(properties, "lastHeartbeat")?;
    let minutes = vault.minutes_since(beat, TWO_DISCOVERIES)?;
    let words = format!("discovery of {name} is {status}, last heartbeat at {}", minute(beat));
    if status == "Completed" && minutes < TWO_DISCOVERIES {
        return Ok(Shown::good(words));
    }
    Err(Unavailable::from(words))
}

/// Returns whether the vault knows a host, by itself or through its vCenter.
pub fn host_discovered(survey: &SiteInVault<'_>, names: &ServerNames) -> ShownResult {
    let vault = survey.vault;
    let named = |server: &&VaultObject| {
        let properties = server.properties();
        ["ipAddress", "friendlyName"].iter().filter_map(|name| text(properties, name)).any(|name| {
            names.include(name) || survey.site.vcenter.as_ref().is_some_and(|own| own.include(name))
        })
    };
    let Some(server) = vault.objects(ObjectKind::Vcenter).find(named) else {
        vault.all_of(ObjectKind::Vcenter)?;
        let others: Vec<&str> = vault
            .objects(ObjectKind::Vcenter)
            .filter_map(|server| text(server.properties(), "friendlyName"))
            .collect();
        if others.is_empty() {
            return Ok(Shown::bad("no vCenter and no host is registered"));
        }
        return Err(Unavailable::from(format!(
            "registered are {}, and nothing says whether one of them is it or has it",
            others.join(", ")
        )));
    };
    let properties = server.properties();
    let name = text(properties, "friendlyName").unwrap_or_default();
    match required_word(properties, "discoveryStatus")? {
        "Completed" => Ok(Shown::good(format!("{name} is discovered"))),
        other => Err(Unavailable::from(format!("discovery of {name} is {other}"))),
    }
}

/// Whether a provider is one of classic VMware.
pub fn is_classic(provider: ItemProvider) -> bool {
    matches!(provider, ItemProvider::VmwareForward | ItemProvider::VmwareBack)
}
