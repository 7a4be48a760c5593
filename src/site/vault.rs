//! Joins the vault in Azure to the targets of a site: which item is which machine, and which entry which server.
//!
//! Not for reading the vault (`facts::azure`), nor for the stages that follow (`stages`).

use serde_json::Value;

use super::model::{MasterTarget, Site};
use crate::check::Target;
use crate::facts::azure::facts::AzureFacts;
use crate::facts::azure::machine::machine_facts;
use crate::facts::azure::plan::plan_facts;
use crate::facts::azure::registered::{
    configuration_server_facts, host_discovered, master_target_facts, process_server_facts,
};
use crate::facts::azure::servers::ServerNames;
use crate::facts::azure::survey::{PlannedMachine, PlannedServer, PlannedSite, SiteInVault};
use crate::facts::azure::vault::Vault;
use crate::facts::target_kind::TargetKind;
use crate::facts::vsphere::identity::MachineIdentity;
use crate::facts::{Document, Fact};
use crate::site::value::ServerRole;
use crate::uri::target::TargetAddress;

impl Site {
    /// Returns the site beside its vault. What targets know helps to tell which item and which entry is theirs.
    pub(super) fn survey<'v>(&self, vault: &'v Vault, targets: &[Target]) -> SiteInVault<'v> {
        let known = |name: &str, kind: TargetKind| {
            let mut found =
                targets.iter().filter(|target| target.name == name && target.kind == kind);
            found.next().map(|target| &target.document.known)
        };
        let machines = self.protected_vms.iter().map(|vm| {
            let name = vm.name.to_string();
            let facts = known(&name, TargetKind::ProtectedVm);
            let text = |path: &str| Some(facts?.pointer(path)?.as_str()?.to_owned());
            let disks = facts.and_then(|facts| facts.pointer("/vm/disks/items")?.as_array());
            let only = match self.master_targets.as_slice() {
                [one] => Some(one.name.to_string()),
                _ => None,
            };
            PlannedMachine {
                datastore: vm.datastore.clone(),
                address: vm.address.as_ref().map(ToString::to_string),
                reached: facts.map(reached_datastores).unwrap_or_default(),
                azure_name: vm.azure_name.as_ref().map(ToString::to_string),
                known: facts.map(known_machine).unwrap_or_default(),
                family: vm.os.map(|os| os.family().to_owned()).or_else(|| text("/vm/guest_family")),
                master_target: vm.master_target.as_ref().map(ToString::to_string).or(only),
                disks: disks.map(Vec::len),
                name,
            }
        });
        let master_targets = self.master_targets.iter().map(|target| PlannedServer {
            name: target.name.to_string(),
            names: master_target_names(target, known(target.name.as_str(), target.kind())),
            is_on_premises: true,
        });
        let process_servers = self.process_servers.iter().map(|server| PlannedServer {
            name: server.name.to_string(),
            names: ServerNames::from_names([server.name.as_str(), server.address.as_str()]),
            is_on_premises: server.role == Some(ServerRole::OnPremises),
        });
        let site = PlannedSite {
            machines: machines.collect(),
            configuration_server: self
                .configuration_server
                .as_ref()
                .map(|server| ServerNames::from_names([server.address.as_str()])),
            vcenter: self
                .vcenter
                .as_ref()
                .and_then(|vcenter| Some(ServerNames::from_names([vcenter.address()?.0.as_str()]))),
            master_targets: master_targets.collect(),
            process_servers: process_servers.collect(),
        };
        SiteInVault::new(vault, site)
    }

    /// Adds what the vault says to every target that it may know.
    pub(super) fn join_azure(&self, survey: &SiteInVault<'_>, targets: &mut [Target]) {
        for target in targets {
            if matches!(target.kind, TargetKind::Image | TargetKind::Packages) {
                continue;
            }
            let facts = self.azure_facts(survey, target);
            let document = std::mem::take(&mut target.document);
            target.document = document.join(Document::new("azure", &facts));
        }
    }

    fn azure_facts(&self, survey: &SiteInVault<'_>, target: &Target) -> AzureFacts {
        let mut facts = AzureFacts::of_nothing(survey.vault);
        let name = target.name.as_str();
        let planned = |servers: &[PlannedServer]| {
            servers.iter().find(|server| server.name == name).cloned().unwrap_or_else(|| {
                PlannedServer {
                    name: name.to_owned(),
                    names: ServerNames::from_names([name]),
                    is_on_premises: false,
                }
            })
        };
        match target.kind {
            TargetKind::ProtectedVm => {
                let machine = machine_facts(survey, name);
                facts.agent_expiry = machine.agent_expiry.clone();
                facts.machine = Fact::Known(machine);
            }
            TargetKind::LinuxMt | TargetKind::WindowsMt => {
                let retention =
                    self.master_target(name).and_then(|target| target.retention.as_deref());
                let server =
                    master_target_facts(survey, &planned(&survey.site.master_targets), retention);
                let expiry =
                    server.server.value().and_then(|server| server.agent_expiry.value().cloned());
                facts.agent_expiry = expiry.into();
                facts.master_target = Fact::Known(server);
            }
            TargetKind::ProcessServer => {
                let server = process_server_facts(survey, &planned(&survey.site.process_servers));
                let expiry =
                    server.server.value().and_then(|server| server.agent_expiry.value().cloned());
                facts.agent_expiry = expiry.into();
                facts.process_server = Fact::Known(server);
            }
            TargetKind::ConfigurationServer => {
                let server = configuration_server_facts(survey);
                let expiry =
                    server.server.value().and_then(|server| server.agent_expiry.value().cloned());
                facts.agent_expiry = expiry.into();
                facts.configuration_server = Fact::Known(server);
            }
            TargetKind::Esxi => {
                let host = self.esxi.iter().find(|host| host.name.as_str() == name);
                let names = [Some(name), host.and_then(|host| host.host())];
                facts.host =
                    host_discovered(survey, &ServerNames::from_names(names.into_iter().flatten()))
                        .into();
            }
            TargetKind::Site => facts.plan = Fact::Known(plan_facts(survey)),
            _ => {}
        }
        facts
    }
}

/// What a master target goes by: Azure has the name and an address of the host, and not of the virtual machine.
fn master_target_names(target: &MasterTarget, facts: Option<&Value>) -> ServerNames {
    let mut names = ServerNames::from_names([target.name.as_str()]);
    if let Some(vm) = &target.vm {
        names.add(vm);
    }
    if let Some(host) = target.ssh.as_ref().and_then(TargetAddress::host) {
        names.add(host);
    }
    if let Some(network) = facts.and_then(|facts| facts.pointer("/mt/network")) {
        if let Some(name) = network["host_name"].as_str() {
            names.add(name);
        }
        let interfaces = network["interfaces"]["items"].as_array().into_iter().flatten();
        let addresses =
            interfaces.flat_map(|one| one["addresses"].as_array().into_iter().flatten());
        for address in addresses.filter_map(Value::as_str) {
            names.add(address.split('/').next().unwrap_or(address));
        }
    }
    names
}

/// The datastores of which vCenter tells name and UUID: those that the machine has, and those that it may get.
fn reached_datastores(facts: &Value) -> Vec<(String, String)> {
    let lists = ["/vm/master_target/reach/items", "/vm/master_target/new_datastores/items"];
    let stores = lists.iter().filter_map(|list| facts.pointer(list)?.as_array()).flatten();
    let both = |store: &Value| {
        Some((store["name"].as_str()?.to_owned(), store["uuid"].as_str()?.to_owned()))
    };
    stores.filter_map(both).collect()
}

/// What a machine can be told by in vCenter.
fn known_machine(facts: &Value) -> MachineIdentity {
    let text = |path: &str| Some(facts.pointer(path)?.as_str()?.to_owned());
    let items = |path: &str| facts.pointer(path).and_then(Value::as_array).into_iter().flatten();
    let disks = |member: &'static str| {
        items("/vm/disks/items").filter_map(move |disk| disk.get(member)?.as_str())
    };
    // A file is named with its datastore, as in "[datastore1] vm/vm.vmdk".
    let store = |file: &str| Some(file.strip_prefix('[')?.split_once(']')?.0.to_owned());
    MachineIdentity {
        instance_uuid: text("/vm/instance_uuid"),
        bios_uuid: text("/vm/uuid"),
        macs: items("/vm/mac_addresses/items")
            .filter_map(|mac| mac.as_str().map(str::to_owned))
            .collect(),
        datastores: disks("file").filter_map(store).collect(),
        disk_uuids: disks("uuid").map(str::to_owned).collect(),
        ..MachineIdentity::default()
    }
}
