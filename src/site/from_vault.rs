//! The site that a vault knows by itself: its servers and its machines, and for each what is not certain of it.
//!
//! `check azure` evaluates it, and `init site` writes it to a file (`draft`). Not for a site whose file names the vault
//! (`vault`).

use std::collections::{BTreeMap, BTreeSet};

use super::model::{
    ConfigurationServer, MasterTarget, ProcessServer, ProtectedVm, ReplicationGroup, Site, Vcenter,
};
use super::value::{Address, GuestSystem, Label, Link, MemorySize, Name, ServerRole, Version};
use crate::check::Target;
use crate::facts::azure::item::Item;
use crate::facts::azure::object::{ObjectKind, id_key};
use crate::facts::azure::read::text;
use crate::facts::azure::servers::{Fabric, FabricServer};
use crate::facts::azure::vault::Vault;
use crate::facts::azure::words::word;
use crate::facts::stage::azure::ItemProvider;
use crate::facts::stage::{Scenario, Stage};
use crate::facts::target_kind::TargetKind;
use crate::uri::target::TargetAddress;

/// The most characters of a name.
const LONGEST_NAME: usize = 80;

/// A site that a vault knows, and what is to be said of its entries.
#[derive(Clone, Debug, Default)]
pub struct VaultSite {
    /// The site.
    pub site: Site,
    /// What is to be said of it.
    pub notes: Notes,
}

/// What is to be said of the entries of a site: remarks about single keys, and remarks of their own.
#[derive(Clone, Debug, Default)]
pub struct Notes(BTreeMap<String, Vec<(Option<&'static str>, String)>>);

impl Notes {
    /// Adds a remark about an entry: the name of a section, or that of a server or a machine.
    pub fn add(&mut self, entry: &str, remark: impl Into<String>) {
        self.0.entry(entry.to_owned()).or_default().push((None, remark.into()));
    }

    /// Adds a remark about one key of an entry.
    pub fn add_to_key(&mut self, entry: &str, key: &'static str, remark: impl Into<String>) {
        self.0.entry(entry.to_owned()).or_default().push((Some(key), remark.into()));
    }

    /// Makes the remarks about an entry those of another name.
    pub(super) fn move_entry(&mut self, old: &str, new: &str) {
        if let Some(notes) = self.0.remove(old) {
            self.0.entry(new.to_owned()).or_default().extend(notes);
        }
    }

    /// Returns the remarks about an entry that are about no key of it.
    pub fn remarks(&self, entry: &str) -> impl Iterator<Item = &str> {
        self.about(entry, None)
    }

    /// Returns the remark about a key of an entry; empty when there is none.
    pub fn about_key(&self, entry: &str, key: &str) -> &str {
        self.about(entry, Some(key)).next().unwrap_or_default()
    }

    fn about(&self, entry: &str, key: Option<&str>) -> impl Iterator<Item = &str> {
        let all = self.0.get(entry).into_iter().flatten();
        all.filter(move |(about, _)| *about == key).map(|(_, remark)| remark.as_str())
    }
}

impl VaultSite {
    /// Returns the sites that a vault knows: one for each product that has machines in it.
    pub fn of_vault(vault: &Vault) -> Vec<Self> {
        let is_hyperv = |item: Item<'_>| item.provider() == Ok(ItemProvider::Hyperv);
        let has_hyperv = vault.items().any(is_hyperv);
        let has_vmware = !has_hyperv || vault.items().any(|item| !is_hyperv(item));
        let products =
            [(has_vmware, Scenario::VmwareClassic), (has_hyperv, Scenario::Hyperv)].into_iter();
        products
            .filter(|(is_there, _)| *is_there)
            .map(|(_, scenario)| Self::of_scenario(vault, scenario))
            .collect()
    }

    fn of_scenario(vault: &Vault, scenario: Scenario) -> Self {
        let mut own = Self { site: Site { scenario, ..Site::default() }, notes: Notes::default() };
        let mut chosen = BTreeMap::new();
        if scenario == Scenario::VmwareClassic {
            own.add_servers(vault, &mut chosen);
            own.site.link = link(vault);
            own.add_vcenter(vault);
        }
        let mut items: Vec<Item<'_>> = vault
            .items()
            .filter(|item| {
                let is_hyperv = item.provider() == Ok(ItemProvider::Hyperv);
                is_hyperv == (scenario == Scenario::Hyperv)
            })
            .collect();
        items.sort_by_key(|item| item.name());
        let mut names = BTreeMap::new();
        for item in &items {
            own.add_machine(*item, &chosen, &mut names);
        }
        own.add_groups(&items, &names);
        own
    }

    /// Adds the servers of the classic fabrics that are in use, and those of appliances.
    fn add_servers<'v>(&mut self, vault: &'v Vault, chosen: &mut BTreeMap<&'v str, Name>) {
        let fabrics = fabrics_in_use(vault);
        let classic: Vec<Fabric<'_>> =
            fabrics.iter().filter(|fabric| fabric.kind() == "VMware").copied().collect();
        match classic.as_slice() {
            [] => {}
            [one] => self.set_configuration_server(*one),
            // Nothing says which is meant.
            many => {
                for fabric in many {
                    let address = fabric.address().unwrap_or("without address");
                    let remark = format!("one of several: {} at {address}", fabric.name());
                    self.notes.add("configuration_server", remark);
                }
            }
        }
        let in_azure = addresses_in_azure(vault);
        for fabric in &classic {
            self.add_process_servers(*fabric, &in_azure);
        }
        for fabric in &classic {
            self.add_master_targets(*fabric, chosen);
        }
        for fabric in fabrics.iter().filter(|fabric| fabric.kind() == "InMageRcm") {
            self.notes.add(
                "site",
                "An appliance of the modernised experience has no master target and no process server to name here.",
            );
            self.add_process_servers(*fabric, &in_azure);
        }
    }

    fn set_configuration_server(&mut self, fabric: Fabric<'_>) {
        let Some(address) = fabric.address().and_then(|address| address.parse::<Address>().ok())
        else {
            return;
        };
        if let Some(host) = text(fabric.details(), "hostName") {
            self.notes.add_to_key("configuration_server", "address", host);
        }
        let version = version(text(fabric.details(), "agentVersion"));
        self.site.configuration_server = Some(ConfigurationServer { address, version });
    }

    fn add_process_servers(&mut self, fabric: Fabric<'_>, in_azure: &BTreeSet<String>) {
        for server in fabric.process_servers() {
            let address =
                server.addresses().chain([server.name()]).find_map(|address| address.parse().ok());
            let Some(address) = address else {
                let remark = format!("left out, for it has no address: {}", server.name());
                self.notes.add("process_servers", remark);
                continue;
            };
            let is_known = |known: &ProcessServer| {
                known.address == address
                    && known.name.as_str() == name_of(server.name(), "").as_str()
            };
            if self.site.process_servers.iter().any(is_known) {
                self.notes.add("process_servers", format!("listed twice: {}", server.name()));
                continue;
            }
            let name = self.free_name(server.name(), "ps");
            let entry = name.to_string();
            let is_own = Some(address.as_str()) == fabric.address();
            let role = if in_azure.contains(address.as_str()) {
                self.notes.add_to_key(&entry, "role", "a network card in Azure has its address");
                Some(ServerRole::Azure)
            } else if is_own {
                self.notes.add_to_key(&entry, "role", "the configuration server's own");
                Some(ServerRole::OnPremises)
            } else if fabric.kind() == "InMageRcm" {
                self.notes.add_to_key(&entry, "role", "a part of the appliance");
                Some(ServerRole::OnPremises)
            } else {
                self.notes.add(
                    &entry,
                    "role: azure, or on-premises? No network card in Azure was found with its address",
                );
                None
            };
            let version = version(server.version().ok());
            self.site.process_servers.push(ProcessServer {
                version,
                role,
                ..ProcessServer::new(name, address)
            });
        }
    }

    fn add_master_targets<'v>(&mut self, fabric: Fabric<'v>, chosen: &mut BTreeMap<&'v str, Name>) {
        let built_in: Vec<&str> = fabric
            .process_servers()
            .filter(|server| server.addresses().any(|address| Some(address) == fabric.address()))
            .filter_map(FabricServer::id)
            .collect();
        for server in fabric.master_targets() {
            let is_linux = server.family() == Ok("linux");
            let is_own = server.addresses().any(|address| Some(address) == fabric.address())
                || server.id().is_some_and(|id| built_in.contains(&id));
            // The one that is built into the configuration server is there always, and chosen by nobody.
            if is_own && !is_linux {
                continue;
            }
            let name = self.free_name(server.name(), "mt");
            let entry = name.to_string();
            self.notes.add_to_key(&entry, "name", "as it calls itself");
            chosen.extend(server.id().map(|id| (id, name.clone())));
            let ssh = server.addresses().find_map(|address| {
                address.parse::<Address>().ok()?;
                let host =
                    if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
                format!("ssh://root@{host}").parse::<TargetAddress>().ok()
            });
            let os = if is_linux { GuestSystem::Linux } else { GuestSystem::Windows };
            if is_linux {
                self.notes.add_to_key(&entry, "ssh", "which account logs in?");
            }
            let volumes: Vec<&str> = server.volumes().collect();
            let retention = volumes
                .iter()
                .find(|path| path.starts_with("/mnt") || path.starts_with("/retention"))
                .map(|path| (*path).to_owned());
            if retention.is_none() || volumes.len() > 1 {
                let listed =
                    if volumes.is_empty() { "none".to_owned() } else { volumes.join(", ") };
                self.notes.add(&entry, format!("volumes that Azure lists: {listed}"));
            }
            // A process server with a master target on it is there under one name.
            let vm = (entry != server.name()).then(|| server.name().to_owned());
            if vm.is_some() {
                self.notes.add_to_key(&entry, "vm", "a process server, too");
            }
            self.site.master_targets.push(MasterTarget {
                os: Some(os),
                ssh: ssh.filter(|_| is_linux),
                retention,
                vm,
                ..MasterTarget::new(name)
            });
        }
    }

    fn add_vcenter(&mut self, vault: &Vault) {
        for server in vault.objects(ObjectKind::Vcenter) {
            let address = text(server.properties(), "ipAddress").unwrap_or_default();
            let port = text(server.properties(), "port").unwrap_or_default();
            let port = if matches!(port, "" | "443") { String::new() } else { format!(":{port}") };
            let url = format!("vsphere://{address}{port}");
            let Ok(vcenter) = Vcenter::new(&url) else { continue };
            if address.parse::<Address>().is_err() {
                continue;
            }
            if self.site.vcenter.is_some() {
                self.notes.add("vcenter", format!("also registered: {url}"));
                continue;
            }
            self.notes.add(
                "vcenter",
                discovery_account(vault, text(server.properties(), "runAsAccountId")),
            );
            self.site.vcenter = Some(vcenter);
        }
    }

    fn add_machine<'v>(
        &mut self,
        item: Item<'v>,
        chosen: &BTreeMap<&str, Name>,
        names: &mut BTreeMap<String, Label>,
    ) {
        let known = |name: &Label| self.site.protected_vms.iter().any(|vm| vm.name == *name);
        let name = match item.name().trim().parse::<Label>() {
            Ok(name) if !known(&name) => name,
            _ => {
                let remark =
                    format!("left out, for its name is none or stands twice: {:?}", item.name());
                self.notes.add("protected_vms", remark);
                return;
            }
        };
        let entry = name.as_str();
        let state = text(item.properties(), "protectionStateDescription").unwrap_or(item.state());
        let kind = text(item.details(), "instanceType").unwrap_or("no instanceType");
        let stage = item.decided_stage().map_or("stage unknown", Stage::as_str);
        let policy = text(item.properties(), "policyFriendlyName");
        let policy = policy.map_or_else(String::new, |name| format!(", policy {name}"));
        self.notes.add_to_key(entry, "name", format!("{stage} ({kind}: {state}){policy}"));
        let target = item.master_target_id();
        let master_target = target.and_then(|id| chosen.get(id).cloned());
        if target.is_some() && master_target.is_none() {
            self.notes.add(
                entry,
                "master_target: it replicates to the configuration server's own, which is not named here",
            );
        }
        let datastore = item.datastore().map(str::to_owned);
        if datastore.is_some() && item.provider().is_ok_and(ItemProvider::is_forward) {
            self.notes.add_to_key(entry, "datastore", "where it was");
        }
        names.insert(id_key(item.id()), name.clone());
        self.site.protected_vms.push(ProtectedVm {
            master_target,
            datastore,
            os: match item.family() {
                Ok("linux") => Some(GuestSystem::Linux),
                Ok(_) => Some(GuestSystem::Windows),
                Err(_) => None,
            },
            disks: item.disk_sizes().and_then(|sizes| sizes.into_iter().map(size).collect()),
            address: item.static_address().and_then(|address| address.parse().ok()),
            physical: (item.was_virtual() == Ok(false)).then_some(true),
            ..ProtectedVm::new(name)
        });
    }

    /// Adds the replication groups of several machines: the service makes groups of single ones, too.
    fn add_groups(&mut self, items: &[Item<'_>], names: &BTreeMap<String, Label>) {
        let mut groups: BTreeMap<String, (String, Vec<Label>)> = BTreeMap::new();
        for item in items {
            let (Some(id), Some(machine)) = (item.group(), names.get(&id_key(item.id()))) else {
                continue;
            };
            let name = text(item.details(), "multiVmGroupName").unwrap_or(&id).to_owned();
            groups.entry(id).or_insert((name, Vec::new())).1.push(machine.clone());
        }
        let shared = groups.into_values().filter(|(_, machines)| machines.len() > 1);
        for (number, (name, vms)) in shared.enumerate() {
            let is_guid = name.len() == 36 && name.matches('-').count() == 4;
            let named = name.parse::<Label>().ok().filter(|_| !is_guid);
            let Some(name) = named.or_else(|| format!("group-{}", number + 1).parse().ok()) else {
                continue;
            };
            self.site.replication_groups.push(ReplicationGroup { name, vms });
        }
    }

    /// Returns a name of a server that no other entry has: one host is a process server and a master target as often as not.
    fn free_name(&self, wanted: &str, kind: &str) -> Name {
        let site = &self.site;
        let is_taken = |name: &Name| {
            site.process_servers.iter().any(|server| server.name == *name)
                || site.master_targets.iter().any(|target| target.name == *name)
        };
        let name = name_of(wanted, "");
        if !is_taken(&name) {
            return name;
        }
        let mut suffix = format!("-{kind}");
        let mut name = name_of(wanted, &suffix);
        while is_taken(&name) {
            suffix.push('x');
            name = name_of(wanted, &suffix);
        }
        name
    }
}

impl Site {
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

/// Returns the fabrics that have items, those of Azure itself left aside; all of them when none has.
pub(super) fn fabrics_in_use(vault: &Vault) -> Vec<Fabric<'_>> {
    let used: BTreeSet<String> = vault.items().filter_map(Item::fabric_id).collect();
    let fabrics = vault.fabrics().filter(|fabric| fabric.kind() != "Azure");
    let (in_use, others): (Vec<Fabric<'_>>, Vec<Fabric<'_>>) =
        fabrics.partition(|fabric| used.contains(&id_key(fabric.object.id())));
    if in_use.is_empty() { others } else { in_use }
}

/// The private addresses of network cards in Azure.
fn addresses_in_azure(vault: &Vault) -> BTreeSet<String> {
    let cards = vault.objects(ObjectKind::NetworkInterface);
    cards.flat_map(crate::facts::azure::azure_vm::addresses_of).map(str::to_owned).collect()
}

/// Returns the way home that is up, where it is of one kind.
fn link(vault: &Vault) -> Option<Link> {
    let connections = vault.objects(ObjectKind::Connection).filter(|connection| {
        word(connection.properties(), "connectionStatus") == Some("Connected")
    });
    let kinds: BTreeSet<&str> = connections
        .filter_map(|connection| word(connection.properties(), "connectionType"))
        .collect();
    match (kinds.contains("IPsec"), kinds.contains("ExpressRoute")) {
        (true, false) => Some(Link::Vpn),
        (false, true) => Some(Link::Expressroute),
        _ => None,
    }
}

/// What the configuration server calls the account that it discovers with; Azure does not know its login.
fn discovery_account(vault: &Vault, id: Option<&str>) -> String {
    let mut accounts = vault.fabrics().flat_map(Fabric::accounts);
    match accounts.find(|(known, _)| Some(*known) == id) {
        Some((_, label)) => {
            format!(
                "discovery_account: the configuration server calls it {label:?}; what is its login?"
            )
        }
        None => {
            "discovery_account: the account that the configuration server discovers with".to_owned()
        }
    }
}

fn version(text: Option<&str>) -> Option<Version> {
    text?.parse().ok()
}

/// Returns the size of a disk in whole mebibytes.
fn size(bytes: u64) -> Option<MemorySize> {
    format!("{} MiB", bytes.div_ceil(1024 * 1024)).parse().ok()
}

/// Returns a name of a machine in a site, with every letter that such a name cannot have as a hyphen.
fn name_of(name: &str, suffix: &str) -> Name {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let name: String =
        name.trim().chars().map(|letter| if fits(letter) { letter } else { '-' }).collect();
    let name: String =
        name.trim_start_matches('-').chars().take(LONGEST_NAME - suffix.len()).collect();
    Name::as_given(&if name.is_empty() { format!("unnamed{suffix}") } else { name + suffix })
}
