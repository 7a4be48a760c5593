//! Which hosts are meant: by arguments, by names in the site, by an inventory.
//!
//! Not for asking them: `host` does that.

use anyhow::Context;

use crate::assets::read_file;
use crate::cli::args::InventoryArgs;
use crate::facts::host;
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::target_kind::TargetKind;
use crate::secret::redact_password;
use crate::site::inventory::{self, InventoryHost};
use crate::site::{MasterTarget, ProcessServer, Site, SshLogin};
use crate::transport::target::{TargetAddress, suggest_target as address_meant};
use crate::yaml::closest_match;

/// One host that is meant.
pub struct Host {
    /// Its name in reports.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// The way to it: `ssh://root@mt1`, `local:`, `capture:FILE`.
    pub uri: String,
    /// How to log in, as far as the site or the inventory says.
    pub login: SshLogin,
    /// What its probes need to know.
    pub env: ProbeEnv,
}

impl Host {
    /// What it is asked.
    pub fn probes(&self) -> Vec<Probe> {
        match self.kind {
            TargetKind::ProcessServer => host::process_server_probes(),
            _ => host::master_target_probes(),
        }
    }
}

/// The hosts of the arguments and the inventory; without either, every master target of the site.
pub fn chosen(names: &[String], many: &InventoryArgs, site: &Site) -> anyhow::Result<Vec<Host>> {
    let mut hosts: Vec<Host> =
        names.iter().map(|name| named(name, site)).collect::<anyhow::Result<_>>()?;
    if let Some(path) = &many.inventory {
        let asset = read_file(path)?;
        let inventory = inventory::parse(&asset.text, &asset.path)?;
        let listed = inventory.hosts(&many.groups)?;
        anyhow::ensure!(!listed.is_empty(), "{} names no hosts", asset.path);
        hosts.extend(listed.into_iter().map(|host| of_inventory(host, site)));
    } else if names.is_empty() {
        hosts.extend(site.master_targets.iter().map(|target| master_target(target, site)));
    }
    anyhow::ensure!(
        !hosts.is_empty(),
        "no target: name one, as ssh://root@HOST or local:, or give --site or --inventory"
    );
    unique(hosts)
}

/// The same hosts, and the process servers of the site that can be asked: what the master
/// targets depend on.
pub fn with_process_servers(mut hosts: Vec<Host>, site: &Site) -> Vec<Host> {
    for server in &site.process_servers {
        if !hosts.iter().any(|host| host.name == server.name.as_str()) {
            hosts.extend(process_server(server, site));
        }
    }
    hosts
}

/// Every master target and process server of a site that can be asked.
pub fn all(site: &Site) -> anyhow::Result<Vec<Host>> {
    let hosts = site.master_targets.iter().map(|target| master_target(target, site)).collect();
    Ok(with_process_servers(unique(hosts)?, site))
}

/// One argument: a name in the site, or a way to a host.
pub fn named(name: &str, site: &Site) -> anyhow::Result<Host> {
    if name.contains(':') {
        // Refused before anything else, for what is wrong may be a password that no message shows.
        name.parse::<TargetAddress>()?;
    }
    if let Some(target) = site.master_target(name) {
        return Ok(master_target(target, site));
    }
    if let Some(server) = site.process_server(name) {
        return process_server(server, site)
            .with_context(|| format!("process server {name}: the site gives it no ssh:"));
    }
    if name.contains(':') {
        return Ok(Host {
            name: name.to_owned(),
            kind: TargetKind::LinuxMt,
            uri: name.to_owned(),
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
        kind: TargetKind::LinuxMt,
        uri: target.ssh.to_string(),
        login: target.login.clone(),
        env: site.surroundings(Some(target)),
    }
}

fn process_server(server: &ProcessServer, site: &Site) -> Option<Host> {
    // What it must reach is the configuration server, and nothing else that is judged.
    let env =
        ProbeEnv { process_servers: Vec::new(), vcenters: Vec::new(), ..site.surroundings(None) };
    Some(Host {
        name: server.name.to_string(),
        kind: TargetKind::ProcessServer,
        uri: server.ssh.as_ref()?.to_string(),
        login: server.login.clone(),
        env,
    })
}

fn of_inventory(host: InventoryHost, site: &Site) -> Host {
    Host {
        env: site.surroundings(site.master_target(&host.name)),
        uri: host.uri(),
        login: SshLogin { identity: host.identity, ..SshLogin::default() },
        kind: TargetKind::LinuxMt,
        name: host.name,
    }
}

/// Reports and waivers know targets by name, so no two may share one.
fn unique(hosts: Vec<Host>) -> anyhow::Result<Vec<Host>> {
    for (index, host) in hosts.iter().enumerate() {
        let earlier = hosts[..index].iter().any(|other| other.name == host.name);
        anyhow::ensure!(!earlier, "target {:?} is named twice", host.name);
    }
    Ok(hosts)
}
