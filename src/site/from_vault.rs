//! The site that a vault knows by itself: its servers and its machines, without anything that only a site file says.
//!
//! Not for a site whose file names the vault (`vault`).

use super::model::{ConfigurationServer, MasterTarget, ProcessServer, ProtectedVm, Site};
use super::value::{Address, GuestSystem, Label, Name};
use crate::check::Target;
use crate::facts::azure::servers::{Fabric, FabricServer};
use crate::facts::azure::vault::Vault;
use crate::facts::stage::Scenario;
use crate::facts::stage::azure::ItemProvider;
use crate::facts::target_kind::TargetKind;

/// The most characters of a name.
const LONGEST_NAME: usize = 80;

impl Site {
    /// Returns the sites that a vault knows: one for each product that has machines in it.
    pub fn from_vault(vault: &Vault) -> Vec<Self> {
        let of_hyperv = |provider: &ItemProvider| *provider == ItemProvider::Hyperv;
        let providers: Vec<ItemProvider> =
            vault.items().filter_map(|item| item.provider().ok()).collect();
        let has_hyperv = providers.iter().any(of_hyperv);
        let has_vmware = !has_hyperv || providers.iter().any(|provider| !of_hyperv(provider));
        let mut sites = Vec::new();
        if has_vmware {
            sites.push(Self::of_scenario(vault, Scenario::VmwareClassic));
        }
        if has_hyperv {
            sites.push(Self::of_scenario(vault, Scenario::Hyperv));
        }
        sites
    }

    fn of_scenario(vault: &Vault, scenario: Scenario) -> Self {
        let mut site = Self { scenario, ..Self::default() };
        for item in vault.items() {
            let is_hyperv = item.provider() == Ok(ItemProvider::Hyperv);
            let Ok(name) = label(item.name()).parse::<Label>() else { continue };
            let is_known = site.protected_vms.iter().any(|vm| vm.name == name);
            if is_hyperv == (scenario == Scenario::Hyperv) && !is_known {
                site.protected_vms.push(ProtectedVm::new(name));
            }
        }
        if scenario == Scenario::Hyperv {
            return site;
        }
        let mut fabrics = vault.classic_fabrics();
        // With several of them nothing says which is meant.
        if let (Some(fabric), None) = (fabrics.next(), fabrics.next()) {
            site.add_servers(fabric);
        }
        for fabric in vault.fabrics().filter(|fabric| fabric.kind() == "InMageRcm") {
            site.add_process_servers(fabric);
        }
        site
    }

    fn add_servers(&mut self, fabric: Fabric<'_>) {
        let address = fabric.address().and_then(|address| address.parse::<Address>().ok());
        self.configuration_server =
            address.map(|address| ConfigurationServer { address, version: None });
        self.add_process_servers(fabric);
        for server in fabric.master_targets() {
            let is_linux = server.family() == Ok("linux");
            // The one that is built into the configuration server is there always, and chosen by nobody.
            let is_built_in = server.addresses().any(|address| Some(address) == fabric.address());
            if is_built_in && !is_linux {
                continue;
            }
            let name = self.free_name(server.name());
            let os = if is_linux { GuestSystem::Linux } else { GuestSystem::Windows };
            let target = MasterTarget::new(Name::as_given(&name));
            self.master_targets.push(MasterTarget { os: Some(os), ..target });
        }
    }

    fn add_process_servers(&mut self, fabric: Fabric<'_>) {
        for server in fabric.process_servers() {
            let Some(address) = address_of(server) else { continue };
            let name = Name::as_given(&self.free_name(server.name()));
            self.process_servers.push(ProcessServer::new(name, address));
        }
    }

    /// Returns a name of a server that no other has: one host is a process server and a master target as often as not.
    fn free_name(&self, wanted: &str) -> String {
        let wanted = label(wanted);
        let is_taken = |name: &str| {
            self.process_servers.iter().any(|server| server.name.as_str() == name)
                || self.master_targets.iter().any(|target| target.name.as_str() == name)
                || self.protected_vms.iter().any(|vm| vm.name.as_str() == name)
        };
        if is_taken(&wanted) { format!("{wanted}.master-target") } else { wanted }
    }

    /// Returns the targets of a site that a vault knows.
    pub(super) fn vault_targets(&self, vault: &Vault) -> Vec<Target> {
        let mut targets = self.uncollected_targets();
        for target in &self.master_targets {
            let name = target.name.to_string();
            let document = self.document(&name);
            targets.push(Target::new(name, target.kind(), document));
        }
        let name = vault.name().unwrap_or("vault");
        for target in targets.iter_mut().filter(|target| target.kind == TargetKind::Site) {
            target.name = match self.scenario {
                Scenario::Hyperv => format!("{name} (Hyper-V)"),
                Scenario::VmwareClassic => name.to_owned(),
            };
        }
        let survey = self.survey(vault, &targets);
        self.join_azure(&survey, &mut targets);
        self.apply_stages_with(&mut targets, |machine| survey.stage_of(machine));
        targets
    }
}

/// A name without what names in a site cannot have.
fn label(name: &str) -> String {
    let name: String =
        name.chars().filter(|letter| !letter.is_control()).take(LONGEST_NAME).collect();
    if name.trim().is_empty() { "without-name".to_owned() } else { name.trim().to_owned() }
}

fn address_of(server: FabricServer<'_>) -> Option<Address> {
    server.addresses().chain([server.name()]).find_map(|address| address.parse().ok())
}
