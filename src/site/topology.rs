//! Makes the topology of a site: its systems, and what their shells and vCenter tell about the
//! connections between them.
//!
//! A connection counts as seen only from the system that opens it. One exception is marked where it
//! is made: nobody asks the configuration server, so its way to vCenter is the one that the master
//! targets see. Not for how it is drawn (`report`).

use serde_json::Value;

use super::model::{ProcessServer, ProtectedVm, Site};
use crate::check::Target;
use crate::facts::address::is_same;
use crate::facts::stage::{MachineStage, Scenario, Stage};
use crate::facts::target_kind::TargetKind;
use crate::facts::topology::{ConnectionState, SiteConnection, SiteSystem, Topology};

/// The port of the configuration server's and vCenter's services (D: vmware-azure-architecture).
const HTTPS: u16 = 443;

impl Site {
    /// Returns the systems of the site and the connections between them. Of a Hyper-V site those are its machines: nobody
    /// names its hosts, and nobody asks them.
    pub fn topology(&self, targets: &[Target]) -> Topology {
        let name = self.name.as_ref().map(ToString::to_string);
        let scenario = self.scenario;
        let systems = match scenario {
            Scenario::VmwareClassic => self.systems(targets),
            Scenario::Hyperv => self.protected_vms.iter().map(machine).collect(),
        };
        let machines_in_azure =
            self.protected_vms.iter().filter(|machine| self.is_in_azure(machine, targets)).count();
        let connections = Connections { site: self, targets, systems: &systems }.all();
        Topology { name, scenario, machines_in_azure, connections, systems }
    }

    /// Returns every system of the site, and those that only a target tells of.
    fn systems(&self, targets: &[Target]) -> Vec<SiteSystem> {
        let system = |name: String, kind, detail| SiteSystem { name, kind, detail };
        let version = |version: &Option<super::Version>| {
            version.as_ref().map(|version| format!("version {version}"))
        };
        let mut systems: Vec<SiteSystem> = Vec::new();
        for server in &self.process_servers {
            let detail = Some(format!("at {}", server.address));
            systems.push(system(server.name.to_string(), TargetKind::ProcessServer, detail));
        }
        if let Some(server) = &self.configuration_server {
            let (name, detail) = (server.address.to_string(), version(&server.version));
            systems.push(system(name, TargetKind::ConfigurationServer, detail));
        }
        let has_target = |kind| targets.iter().any(|target| target.kind == kind);
        if let Some(vcenter) = self.vcenter.as_ref().filter(|_| !has_target(TargetKind::Vcenter)) {
            let name = vcenter.address().map_or_else(|| "vCenter".to_owned(), |(name, _)| name);
            systems.push(system(name, TargetKind::Vcenter, None));
        }
        for target in &self.master_targets {
            let detail = target.vm.as_ref().map(|vm| format!("the machine {vm}"));
            systems.push(system(target.name.to_string(), target.kind(), detail));
        }
        for host in &self.esxi {
            systems.push(system(host.name.to_string(), TargetKind::Esxi, None));
        }
        systems.extend(self.protected_vms.iter().map(machine));
        for target in targets {
            let is_drawn =
                !matches!(target.kind, TargetKind::Site | TargetKind::Image | TargetKind::Packages);
            let is_known = |known: &SiteSystem| {
                known.kind == target.kind
                    && (known.name == target.name
                        // The site has one of these, whatever a report calls it.
                        || target.kind == TargetKind::ConfigurationServer)
            };
            if is_drawn && !systems.iter().any(is_known) {
                systems.push(system(target.name.clone(), target.kind, None));
            }
        }
        systems
    }

    /// Whether a machine runs in Azure, by the stage that is known of it, or that the site file says.
    fn is_in_azure(&self, machine: &ProtectedVm, targets: &[Target]) -> bool {
        let at_home =
            [Stage::Home, Stage::Verify, Stage::After, Stage::ReprotectForward, Stage::CleanUp];
        let mut known = targets.iter().flat_map(|target| &target.stages.machines);
        let shown = known.find(|known| known.machine == machine.name.as_str());
        let stage = shown.and_then(MachineStage::known).or(machine.stage).or(self.stage);
        stage.is_none_or(|stage| !at_home.contains(&stage))
    }
}

/// Returns a machine that fails back as a system.
fn machine(machine: &ProtectedVm) -> SiteSystem {
    let detail = machine.master_target.as_ref().map(|name| format!("through {name}"));
    SiteSystem { name: machine.name.to_string(), kind: TargetKind::ProtectedVm, detail }
}

/// What the connections of a site are made of.
struct Connections<'a> {
    site: &'a Site,
    targets: &'a [Target],
    systems: &'a [SiteSystem],
}

impl Connections<'_> {
    fn all(&self) -> Vec<SiteConnection> {
        let mut all = Vec::new();
        let servers = self.of_kind(TargetKind::ConfigurationServer);
        for (system, root, check) in self
            .of_kind(TargetKind::ProcessServer)
            .map(|system| (system, "ps", "network.ps-to-cs-443"))
            .chain(
                self.of_kind(TargetKind::LinuxMt)
                    .map(|system| (system, "mt", "network.mt-to-cs-443")),
            )
        {
            for server in servers.clone() {
                let path = format!("{root}.ports.configuration_server");
                let mut seen = self.observation(system, &path, |_| true);
                if seen.0.is_unknown() && self.has_heartbeat(system) {
                    let found =
                        "its heartbeat arrives in the vault, through the configuration server";
                    seen = (ConnectionState::Open, found.to_owned());
                }
                all.push(connection(system, server, Some(HTTPS), seen, Some(check)));
            }
        }
        for system in self.of_kind(TargetKind::LinuxMt) {
            for server in &self.site.process_servers {
                all.push(self.to_process_server(system, server));
            }
        }
        all.extend(self.to_vcenter());
        all.extend(self.to_hosts());
        all.extend(self.to_master_targets());
        all
    }

    /// Returns whether the disks of each machine hang on the master target that it comes back through, as vCenter shows it.
    fn to_master_targets(&self) -> Vec<SiteConnection> {
        let planned =
            |machine: &ProtectedVm| match (&machine.master_target, self.only_master_target()) {
                (Some(name), _) => Some(name.clone()),
                (None, only) => only,
            };
        let connected = |machine: &ProtectedVm| {
            let through = planned(machine)?;
            let to = self.systems.iter().find(|system| {
                let is_target = matches!(system.kind, TargetKind::LinuxMt | TargetKind::WindowsMt);
                is_target && system.name == through.as_str()
            })?;
            let from = self
                .of_kind(TargetKind::ProtectedVm)
                .find(|system| system.name == machine.name.as_str())?;
            let target = self.target(from);
            let path = "vm.written_from_azure";
            let attached = target.and_then(|target| value(&target.document.known, path)?.as_bool());
            let seen = match attached {
                Some(true) => {
                    (ConnectionState::Attached, "vCenter shows its disks there".to_owned())
                }
                Some(false) => {
                    (ConnectionState::Detached, "vCenter shows none of its disks there".to_owned())
                }
                None => (ConnectionState::NotAsked, self.absent(target, path)),
            };
            Some(connection(from, to, None, seen, None))
        };
        self.site.protected_vms.iter().filter_map(connected).collect()
    }

    /// Returns the master target that machines use which name none.
    fn only_master_target(&self) -> Option<super::Name> {
        match self.site.master_targets.as_slice() {
            [one] => Some(one.name.clone()),
            _ => None,
        }
    }

    fn of_kind(&self, kind: TargetKind) -> impl Iterator<Item = &SiteSystem> + Clone {
        self.systems.iter().filter(move |system| system.kind == kind)
    }

    fn target(&self, system: &SiteSystem) -> Option<&Target> {
        self.targets.iter().find(|target| target.name == system.name && target.kind == system.kind)
    }

    /// Whether the vault shows a heartbeat of a process server or a master target, which comes over the same port.
    fn has_heartbeat(&self, system: &SiteSystem) -> bool {
        let known = self.target(system).map(|target| &target.document.known);
        let state = |path: &str| known.and_then(|known| text(known, path)) == Some("good");
        state("azure.process_server.heartbeat.state")
            || state("azure.master_target.registered.state")
    }

    fn to_process_server(&self, system: &SiteSystem, server: &ProcessServer) -> SiteConnection {
        let is_meant = |port: &Value| {
            let address = port["address"].as_str().unwrap_or_default();
            port["port"] == i64::from(server.data_port) && is_same(address, server.address.as_str())
        };
        let seen = self.observation(system, "mt.ports.process_servers", is_meant);
        SiteConnection {
            from: system.name.clone(),
            from_kind: system.kind,
            to: server.name.to_string(),
            to_kind: TargetKind::ProcessServer,
            port: Some(server.data_port),
            state: seen.0,
            found: seen.1,
            checked_on: system.name.clone(),
            check: Some("network.mt-to-ps-9443"),
        }
    }

    /// Returns the way from the configuration server to vCenter, as the worst-off master target
    /// sees it: the configuration server itself is not asked.
    fn to_vcenter(&self) -> Option<SiteConnection> {
        let server = self.of_kind(TargetKind::ConfigurationServer).next()?;
        let vcenter = self.of_kind(TargetKind::Vcenter).next()?;
        let port = self.site.vcenter.as_ref().and_then(|vcenter| Some(vcenter.address()?.1));
        let seen = self.of_kind(TargetKind::LinuxMt).map(|system| {
            let (state, found) = self.observation(system, "mt.ports.vcenters", |_| true);
            (state, format!("as {} sees it: {found}", system.name), system.name.clone())
        });
        let nobody =
            || (ConnectionState::NotAsked, "nobody was asked".to_owned(), server.name.clone());
        let known = |state: &ConnectionState| state.is_unknown();
        let worst = seen.min_by_key(|(state, _, _)| (known(state), *state));
        let (state, found, checked_on) = worst.unwrap_or_else(nobody);
        let check = Some("network.cs-to-vcenter-443");
        let port = Some(port.unwrap_or(HTTPS));
        Some(SiteConnection {
            checked_on,
            ..connection(server, vcenter, port, (state, found), check)
        })
    }

    /// Returns whether vCenter has the hosts.
    fn to_hosts(&self) -> Vec<SiteConnection> {
        let Some(vcenter) = self.of_kind(TargetKind::Vcenter).next() else { return Vec::new() };
        let hosts = self.of_kind(TargetKind::Esxi).map(|host| {
            let target = self.target(host);
            let seen =
                match target.and_then(|target| text(&target.document.known, "host.connection")) {
                    Some("connected") => {
                        (ConnectionState::Connected, "vCenter has the host".to_owned())
                    }
                    Some(other) => (ConnectionState::Disconnected, format!("vCenter says {other}")),
                    None => (ConnectionState::NotAsked, self.absent(target, "host.connection")),
                };
            let check = Some("esxi.host-connected");
            SiteConnection {
                checked_on: host.name.clone(),
                ..connection(vcenter, host, None, seen, check)
            }
        });
        hosts.collect()
    }

    /// Returns what a system saw of the port at `path`, or of the worst port in the list there that
    /// is meant.
    fn observation(
        &self,
        system: &SiteSystem,
        path: &str,
        is_meant: impl Fn(&Value) -> bool,
    ) -> (ConnectionState, String) {
        let target = self.target(system);
        let found = target.and_then(|target| value(&target.document.known, path));
        let ports: Vec<&Value> = match found {
            Some(port) if port.get("items").is_none() => vec![port],
            Some(list) => list["items"].as_array().into_iter().flatten().collect(),
            None => Vec::new(),
        };
        let meant = ports.into_iter().filter(|port| is_meant(port));
        let worst = meant.map(|port| (state(port), port)).min_by_key(|(state, _)| *state);
        match worst {
            Some((state, port)) => {
                let said = port["said"].as_str().map(str::to_owned);
                (state, said.unwrap_or_else(|| self.absent(target, path)))
            }
            None => (ConnectionState::NotAsked, self.absent(target, path)),
        }
    }

    /// Returns why a fact of a system is absent.
    fn absent(&self, target: Option<&Target>, path: &str) -> String {
        let Some(target) = target else { return "it was no part of this run".to_owned() };
        let mut path = path;
        loop {
            if let Some(reason) = target.document.absent.get(path) {
                return reason.clone();
            }
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => return "the system was not asked about it".to_owned(),
            }
        }
    }
}

fn connection(
    from: &SiteSystem,
    to: &SiteSystem,
    port: Option<u16>,
    (state, found): (ConnectionState, String),
    check: Option<&'static str>,
) -> SiteConnection {
    SiteConnection {
        from: from.name.clone(),
        from_kind: from.kind,
        to: to.name.clone(),
        to_kind: to.kind,
        port,
        state,
        found,
        checked_on: from.name.clone(),
        check,
    }
}

fn value<'v>(known: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(known, |here, name| here.get(name))
}

fn text<'v>(known: &'v Value, path: &str) -> Option<&'v str> {
    value(known, path)?.as_str()
}

/// Returns the state of a port as `facts::network::ports` has it in a document.
fn state(port: &Value) -> ConnectionState {
    match port["state"].as_str() {
        Some("open") if port["tls"] == false => ConnectionState::WithoutTls,
        Some("open") => ConnectionState::Open,
        Some("refused") => ConnectionState::Refused,
        Some("filtered") => ConnectionState::Filtered,
        Some("dns") => ConnectionState::UnknownName,
        Some("no-route") => ConnectionState::NoRoute,
        _ => ConnectionState::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Document;
    use serde_json::json;

    const SITE: &str = "
name: Falun
configuration_server: { address: cs01 }
process_servers: [ { name: ps1, address: PS01 }, { name: ps2, address: ps02, data_port: 4443 } ]
vcenter: { url: 'vsphere://vc01' }
esxi: [ { name: esx1 } ]
master_targets: [ { name: mt1, ssh: 'local:' }, { name: mt2, ssh: 'local:' } ]
protected_vms:
  - { name: app 1, master_target: mt1, stage: verify }
  - { name: app 2, stage: replicating }
  - { name: app 3 }
";

    fn site(text: &str) -> Site {
        crate::yaml::parse(text, "site.yaml").unwrap()
    }

    fn target(name: &str, kind: TargetKind, known: Value) -> Target {
        Target::new(name.to_owned(), kind, Document::from_known(known))
    }

    /// The connections in words.
    fn connections(topology: &Topology) -> Vec<String> {
        let word = |c: &SiteConnection| {
            let port = c.port.map_or_else(String::new, |port| format!(":{port}"));
            format!("{} -> {}{port} {}", c.from, c.to, c.state.as_str())
        };
        topology.connections.iter().map(word).collect()
    }

    #[test]
    fn what_nobody_was_asked_is_not_asked() {
        let topology = site(SITE).topology(&[]);
        assert_eq!(topology.name.as_deref(), Some("Falun"));
        assert_eq!(topology.machines_in_azure, 2);
        assert_eq!(
            connections(&topology),
            [
                "ps1 -> cs01:443 not asked",
                "ps2 -> cs01:443 not asked",
                "mt1 -> cs01:443 not asked",
                "mt2 -> cs01:443 not asked",
                "mt1 -> ps1:9443 not asked",
                "mt1 -> ps2:4443 not asked",
                "mt2 -> ps1:9443 not asked",
                "mt2 -> ps2:4443 not asked",
                "cs01 -> vc01:443 not asked",
                "vc01 -> esx1 not asked",
                "app 1 -> mt1 not asked",
            ]
        );
        assert!(topology.connections.iter().all(
            |c| c.found.contains("no part of this run") || c.found.contains("nobody was asked")
        ));
    }

    #[test]
    fn a_connection_is_what_the_system_that_opens_it_saw() {
        let port = |address: &str, port: i64, state: &str| {
            json!({ "address": address, "port": port, "state": state, "tls": true,
                    "said": format!("{address}:{port} is {state}") })
        };
        let mt1 = json!({ "mt": { "ports": {
            "configuration_server": port("cs01", 443, "refused"),
            "process_servers": { "items": [
                port("ps01", 9443, "open"),
                { "address": "ps02", "port": 4443, "state": "open", "tls": false, "said": "plain" },
            ] },
            "vcenters": { "items": [ port("vc01", 443, "filtered") ] },
        } } });
        let ps1 =
            json!({ "ps": { "ports": { "configuration_server": port("cs01", 443, "open") } } });
        let topology = site(SITE).topology(&[
            target("mt1", TargetKind::LinuxMt, mt1),
            target("mt2", TargetKind::LinuxMt, json!({})),
            target("ps1", TargetKind::ProcessServer, ps1),
            target("esx1", TargetKind::Esxi, json!({ "host": { "connection": "notResponding" } })),
            target("esx2", TargetKind::Esxi, json!({ "host": { "connection": "connected" } })),
        ]);
        assert_eq!(
            connections(&topology),
            [
                "ps1 -> cs01:443 open",
                "ps2 -> cs01:443 not asked",
                "mt1 -> cs01:443 refused",
                "mt2 -> cs01:443 not asked",
                "mt1 -> ps1:9443 open",
                "mt1 -> ps2:4443 no TLS",
                "mt2 -> ps1:9443 not asked",
                "mt2 -> ps2:4443 not asked",
                "cs01 -> vc01:443 filtered",
                "vc01 -> esx1 disconnected",
                "vc01 -> esx2 connected",
                "app 1 -> mt1 not asked",
            ]
        );
        let found = |at: usize| topology.connections[at].found.as_str();
        assert_eq!(found(2), "cs01:443 is refused");
        assert_eq!(found(8), "as mt1 sees it: vc01:443 is filtered");
        assert_eq!(topology.connections[8].checked_on, "mt1");
    }

    #[test]
    fn the_vault_shows_which_machines_are_away_and_whose_heartbeat_arrives() {
        let mut app = target("app 2", TargetKind::ProtectedVm, json!({}));
        app.stages.machines =
            vec![crate::facts::stage::decide("app 2", None, Some(Stage::After), &[])];
        let heartbeat =
            json!({ "azure": { "process_server": { "heartbeat": { "state": "good" } } } });
        let topology =
            site(SITE).topology(&[app, target("ps1", TargetKind::ProcessServer, heartbeat)]);
        assert_eq!(topology.machines_in_azure, 1);
        assert_eq!(
            connections(&topology)[..2],
            ["ps1 -> cs01:443 open", "ps2 -> cs01:443 not asked"]
        );
    }

    #[test]
    fn an_absent_fact_gives_its_reason() {
        let mut document = Document::from_known(json!({}));
        document.absent.insert("mt".to_owned(), "cannot connect: refused".to_owned());
        let mt1 = Target::new("mt1".to_owned(), TargetKind::LinuxMt, document);
        let topology = site(SITE).topology(&[mt1]);
        assert_eq!(topology.connections[2].found, "cannot connect: refused");
    }

    #[test]
    fn a_hyperv_site_is_its_machines() {
        let text = "{ name: Falun, scenario: hyperv, protected_vms: [ { name: app, stage: verify }, { name: db } ] }";
        let topology = site(text).topology(&[]);
        let names: Vec<&str> = topology.systems.iter().map(|system| system.name.as_str()).collect();
        assert_eq!(names, ["app", "db"]);
        assert_eq!((topology.scenario, topology.machines_in_azure), (Scenario::Hyperv, 1));
        assert_eq!(topology.connections, []);
    }

    #[test]
    fn a_machine_leads_to_the_master_target_that_has_its_disks() {
        let vm = |attached: bool| json!({ "vm": { "written_from_azure": attached } });
        let targets = [
            target("app 1", TargetKind::ProtectedVm, vm(true)),
            target("app 2", TargetKind::ProtectedVm, vm(false)),
        ];
        let topology = site(SITE).topology(&targets);
        let words = connections(&topology);
        assert_eq!(words.last().map(String::as_str), Some("app 1 -> mt1 attached"));
        let one = SITE.replace(", { name: mt2, ssh: 'local:' }", "");
        let words = connections(&site(&one).topology(&targets));
        let last: Vec<&str> = words.iter().rev().take(3).rev().map(String::as_str).collect();
        let expected =
            ["app 1 -> mt1 attached", "app 2 -> mt1 not attached", "app 3 -> mt1 not asked"];
        assert_eq!(last, expected);
    }
}
