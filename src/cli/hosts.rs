//! Resolves the hosts of a command: from arguments, names in the site, an inventory.
//!
//! Not for collecting from them (`collect`).

use anyhow::Context;

use crate::assets::read_file;
use crate::cli::args::InventoryArgs;
use crate::facts::host;
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::returned;
use crate::facts::stage::{Scenario, Stage};
use crate::facts::target_kind::TargetKind;
use crate::secret::redact_password;
use crate::site::inventory::{self, InventoryHost};
use crate::site::{MasterTarget, ProcessServer, ProtectedVm, Site, SshLogin};
use crate::uri::target::{TargetAddress, suggest_target as address_meant};
use crate::yaml::closest_match;

/// A host to collect from.
pub struct Host {
    /// Its name in reports.
    pub name: String,
    /// Its kind.
    pub kind: TargetKind,
    /// Its address; none for a Windows master target without a capture.
    pub address: Option<TargetAddress>,
    /// The login from the site or the inventory.
    pub login: SshLogin,
    /// The environment of its probes.
    pub env: ProbeEnv,
}

impl Host {
    /// Returns its probes.
    pub fn probes(&self) -> Vec<Probe> {
        match self.kind {
            TargetKind::ProcessServer => host::process_server_probes(),
            TargetKind::ProtectedVm => returned::probes(),
            // Its capture is the answer to one script.
            TargetKind::WindowsMt => Vec::new(),
            _ => host::master_target_probes(),
        }
    }
}

/// Returns the hosts of the arguments and the inventory; without either, every master target of the
/// site.
pub fn chosen(names: &[String], many: &InventoryArgs, site: &Site) -> anyhow::Result<Vec<Host>> {
    let mut hosts: Vec<Host> =
        names.iter().map(|name| named(name, site)).collect::<anyhow::Result<_>>()?;
    if let Some(path) = &many.inventory {
        let asset = read_file(path)?;
        let inventory = inventory::parse(&asset.text, &asset.path)?;
        let listed = inventory.hosts(&many.groups)?;
        anyhow::ensure!(!listed.is_empty(), "{} names no hosts", asset.path);
        for host in listed {
            hosts.push(of_inventory(host, site)?);
        }
    } else if names.is_empty() {
        hosts.extend(site.master_targets.iter().map(|target| master_target(target, site)));
    }
    anyhow::ensure!(
        !hosts.is_empty(),
        "no target: name one, as ssh://root@HOST or local:, or give --site or --inventory"
    );
    unique(hosts)
}

/// Returns the same hosts, and the process servers of the site that can be reached: master targets
/// depend on them.
pub fn with_process_servers(mut hosts: Vec<Host>, site: &Site) -> Vec<Host> {
    for server in &site.process_servers {
        if !hosts.iter().any(|host| host.name == server.name.as_str()) {
            hosts.extend(process_server(server, site));
        }
    }
    hosts
}

/// Returns every master target, process server and returned machine of a site that can be reached.
pub fn all(site: &Site) -> anyhow::Result<Vec<Host>> {
    let hosts = site.master_targets.iter().map(|target| master_target(target, site)).collect();
    let mut hosts = with_process_servers(unique(hosts)?, site);
    hosts.extend(site.protected_vms.iter().filter_map(|vm| returned_machine(vm, site)));
    Ok(hosts)
}

/// Resolves one argument: a name in the site, or the URI of a host.
pub fn named(name: &str, site: &Site) -> anyhow::Result<Host> {
    // Refused before anything else, because the text may contain a password, which no message may
    // show.
    let address = name.contains(':').then(|| name.parse::<TargetAddress>()).transpose()?;
    if let Some(target) = site.master_target(name) {
        return Ok(master_target(target, site));
    }
    if let Some(server) = site.process_server(name) {
        return process_server(server, site)
            .with_context(|| format!("process server {name}: the site gives it no ssh:"));
    }
    if let Some(vm) = site.protected_vms.iter().find(|vm| vm.name.as_str() == name) {
        return returned_machine(vm, site).with_context(|| {
            format!("machine {name}: the site gives it no ssh:, or says that it has not returned")
        });
    }
    if address.is_some() {
        return Ok(Host {
            name: name.to_owned(),
            kind: TargetKind::LinuxMt,
            address,
            login: SshLogin::default(),
            env: site.surroundings(None),
        });
    }
    let known = site.master_targets.iter().map(|target| target.name.as_str());
    let meant = closest_match(name, known).map(|name| format!("{name:?}"));
    let meant = meant.or_else(|| address_meant(name));
    let meant = meant.map_or_else(String::new, |meant| format!(", did you mean {meant}?"));
    let name = redact_password(name);
    anyhow::bail!(
        "target {name:?}: expected ssh://USER@HOST, local:, capture:FILE or a name in --site{meant}"
    )
}

fn master_target(target: &MasterTarget, site: &Site) -> Host {
    Host {
        name: target.name.to_string(),
        kind: target.kind(),
        address: target.address(),
        login: target.login.clone(),
        env: site.surroundings(Some(target)),
    }
}

fn process_server(server: &ProcessServer, site: &Site) -> Option<Host> {
    // Only its connection to the configuration server is checked.
    let env =
        ProbeEnv { process_servers: Vec::new(), vcenters: Vec::new(), ..site.surroundings(None) };
    Some(Host {
        name: server.name.to_string(),
        kind: TargetKind::ProcessServer,
        address: Some(server.ssh.clone()?),
        login: server.login.clone(),
        env,
    })
}

/// Returns a machine that can be asked; none when it is said to be away: what answered under its name then would be the copy in
/// Azure.
fn returned_machine(vm: &ProtectedVm, site: &Site) -> Option<Host> {
    let stage = site.given_stage.or(vm.stage).or(site.stage);
    // No check of Hyper-V asks a machine itself.
    let is_away = stage.is_some_and(Stage::is_before_return) || site.scenario == Scenario::Hyperv;
    Some(Host {
        name: vm.name.to_string(),
        kind: TargetKind::ProtectedVm,
        address: Some(vm.ssh.clone().filter(|_| !is_away)?),
        login: vm.login.clone(),
        env: ProbeEnv::default(),
    })
}

fn of_inventory(host: InventoryHost, site: &Site) -> anyhow::Result<Host> {
    Ok(Host {
        env: site.surroundings(site.master_target(&host.name)),
        address: Some(host.uri().parse()?),
        login: SshLogin { identity: host.identity, ..SshLogin::default() },
        kind: TargetKind::LinuxMt,
        name: host.name,
    })
}

/// Refuses two hosts of one name: reports and waivers identify targets by name.
fn unique(hosts: Vec<Host>) -> anyhow::Result<Vec<Host>> {
    for (index, host) in hosts.iter().enumerate() {
        let earlier = hosts[..index].iter().any(|other| other.name == host.name);
        anyhow::ensure!(!earlier, "target {:?} is named twice", host.name);
    }
    Ok(hosts)
}
