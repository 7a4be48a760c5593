//! What the vault shows of all machines of a site together: the product, the way home, the policy, groups and plans.
//!
//! Not for one machine alone (`machine`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::item::Item;
use super::object::{ObjectKind, id_key, id_up_to, last_name};
use super::read::{integer, list, minute, moment, number, required_text, text};
use super::registered::is_classic;
use super::servers::{Fabric, SILENT_AFTER, ServerNames};
use super::shown::{Shown, ShownResult};
use super::survey::SiteInVault;
use super::words::{required_word, word};
use crate::facts::stage::Stage;
use crate::facts::{Fact, Unavailable};

/// The disks that one master target can carry (D:vmware-azure-reprotect).
const DISK_SLOTS: i64 = 60;

/// What the vault shows of all machines of a site together.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VaultPlanFacts {
    /// Whether the machines are protected with the classic experience.
    pub is_classic: Fact<Shown>,
    /// Whether a way leads home from the machines' networks.
    pub way_home: Fact<Shown>,
    /// Whether ExpressRoute, where it is used, is attached to the machines' networks.
    pub express_route: Fact<Shown>,
    /// Whether the circuits behind it have a private peering.
    pub peering: Fact<Shown>,
    /// Whether a process server stands in the machines' networks.
    pub process_server_in_azure: Fact<Shown>,
    /// Whether a process server on premises is alive.
    pub process_server_at_home: Fact<Shown>,
    /// Whether a failback policy is associated with the container of the machines.
    pub policy: Fact<Shown>,
    /// Whether the machines return to VMware.
    pub returns_to_vmware: Fact<Shown>,
    /// Whether the plan fits the disk slots of the master targets.
    pub disk_slots: Fact<Shown>,
    /// Whether no machine shares a replication group with another one.
    pub ungrouped: Fact<Shown>,
    /// Whether each replication group has one master target.
    pub group_master_target: Fact<Shown>,
    /// Whether each replication group is in one recovery plan.
    pub group_plan: Fact<Shown>,
    /// Whether the vault is not being moved.
    pub stays: Fact<Shown>,
    /// Whether Hyper-V hosts are connected.
    pub hyperv_host: Fact<Shown>,
    /// Whether nothing says that the agent of a Hyper-V host is silent.
    pub hyperv_agent: Fact<Shown>,
    /// Whether another Hyper-V host can be chosen.
    pub other_host: Fact<Shown>,
    /// Whether no data of Hyper-V machines is encrypted by the provider.
    pub unencrypted: Fact<Shown>,
}

/// Reads what the vault shows of all machines of a site together.
pub fn plan_facts(survey: &SiteInVault<'_>) -> VaultPlanFacts {
    VaultPlanFacts {
        is_classic: experience(survey).into(),
        way_home: of_networks(survey, |network| survey.vault.way_home(network)).into(),
        express_route: optional(survey, |network| survey.vault.express_route(network)).into(),
        peering: optional(survey, |network| survey.vault.express_route_peering(network)).into(),
        process_server_in_azure: process_server_in_azure(survey).into(),
        process_server_at_home: process_server_at_home(survey).into(),
        policy: policy(survey).into(),
        returns_to_vmware: returns_to_vmware(survey).into(),
        disk_slots: disk_slots(survey).into(),
        ungrouped: groups(survey).and_then(|groups| ungrouped(&groups)).into(),
        group_master_target: groups(survey).and_then(|groups| group_master_target(&groups)).into(),
        group_plan: groups(survey).and_then(|groups| group_plan(survey, &groups)).into(),
        stays: stays(survey).into(),
        hyperv_host: hyperv_host(survey).into(),
        hyperv_agent: hyperv_agent(survey).into(),
        other_host: other_host(survey).into(),
        unencrypted: unencrypted(survey).into(),
    }
}

/// Which experience the vault uses, by the machines of the site; by its fabrics, where none of them has an item. Where machines of
/// both are in it, each is told of by itself.
fn experience(survey: &SiteInVault<'_>) -> ShownResult {
    let mut shown: Vec<ShownResult> = Vec::new();
    let (mut classic, mut modernised) = (0, 0);
    for (machine, item) in survey.matched() {
        let kind = text(item.details(), "instanceType").unwrap_or_default();
        let words = format!("the item of {} is of {kind}", machine.name);
        shown.push(match item.provider() {
            Ok(provider) if provider.is_modernised() => {
                modernised += 1;
                Ok(Shown::bad(format!("{words}: it needs a replication appliance")))
            }
            Ok(provider) if is_classic(provider) => {
                classic += 1;
                Ok(Shown::good("the machines are replicated by a configuration server"))
            }
            Ok(_) => Err(Unavailable::from(words)),
            Err(why) => Err(why),
        });
    }
    if classic > 0 && modernised > 0 {
        return Ok(Shown::good(format!(
            "{classic} machines are replicated by a configuration server, and {modernised} by an appliance"
        )));
    }
    if !shown.is_empty() {
        return Shown::all(shown);
    }
    let kinds: Vec<&str> = survey.vault.fabrics().map(Fabric::kind).collect();
    if kinds.is_empty() {
        survey.vault.all_of(ObjectKind::Fabric)?;
    }
    match (kinds.contains(&"VMware"), kinds.contains(&"InMageRcm")) {
        (true, false) => Ok(Shown::good("the vault has a configuration server and no appliance")),
        (false, true) => {
            Ok(Shown::bad("the vault has a replication appliance and no configuration server"))
        }
        _ => Err(Unavailable::from(format!("its fabrics are of {}", kinds.join(", ")))),
    }
}

/// The machines of the site that run in Azure, or replicate from there.
fn away<'v>(survey: &SiteInVault<'v>) -> Result<Vec<Item<'v>>, Unavailable> {
    let mut items = survey.all_items()?;
    items.retain(|item| {
        !matches!(
            item.decided_stage(),
            Some(Stage::Home | Stage::Verify | Stage::After | Stage::ReprotectForward)
        )
    });
    // The way of an appliance is another one, and says nothing of the classic machines beside it.
    let is_modernised =
        |item: &Item<'_>| item.provider().is_ok_and(|provider| provider.is_modernised());
    if !items.iter().all(is_modernised) {
        items.retain(|item| !is_modernised(item));
    }
    if items.is_empty() {
        return Err(Unavailable::from("no machine of the site is in Azure"));
    }
    Ok(items)
}

/// The networks of the machines that are in Azure.
fn networks(survey: &SiteInVault<'_>) -> Result<Vec<String>, Unavailable> {
    let mut networks: Vec<String> = Vec::new();
    for item in away(survey)? {
        networks.extend(item.azure_networks()?);
    }
    networks.sort();
    networks.dedup();
    Ok(networks)
}

fn of_networks(survey: &SiteInVault<'_>, show: impl Fn(&str) -> ShownResult) -> ShownResult {
    // What is bad for one machine is bad, whatever is not known of another.
    let shown = away(survey)?.into_iter().flat_map(|item| match item.azure_networks() {
        Ok(networks) => networks.iter().map(|network| show(network)).collect(),
        Err(why) => vec![Err(why)],
    });
    Shown::all(shown)
}

/// The same of what may not be there at all.
fn optional(
    survey: &SiteInVault<'_>,
    show: impl Fn(&str) -> Result<Option<Shown>, Unavailable>,
) -> ShownResult {
    let mut shown: Vec<ShownResult> = Vec::new();
    for network in networks(survey)? {
        shown.extend(show(&network).transpose());
    }
    if shown.is_empty() {
        return Ok(Shown::good("no ExpressRoute is used"));
    }
    Shown::all(shown)
}

/// Whether a process server stands in Azure beside the machines, or ExpressRoute makes up for it.
fn process_server_in_azure(survey: &SiteInVault<'_>) -> ShownResult {
    let items = away(survey)?;
    let mut modernised = false;
    for item in &items {
        modernised |= item.provider()?.is_modernised();
    }
    if modernised {
        return Ok(Shown::good("an appliance needs none"));
    }
    let vault = survey.vault;
    let addresses: Vec<&str> = vault
        .classic_fabrics()
        .flat_map(Fabric::process_servers)
        .flat_map(super::servers::FabricServer::addresses)
        .collect();
    let all = ServerNames::from_names(addresses.iter().copied());
    let mut own: Vec<String> = Vec::new();
    for card in vault.objects(ObjectKind::NetworkInterface) {
        let is_server = super::azure_vm::addresses_of(card).any(|address| all.include(address));
        if is_server && super::azure_vm::vm_of_card(card).is_some() {
            own.extend(super::azure_vm::networks_of(card));
        }
    }
    let shown = networks(survey)?.into_iter().map(|network| {
        let name = last_name(&network);
        for server in &own {
            if vault.are_joined(server, &network)? {
                return Ok(Shown::good(format!(
                    "a process server stands in {}",
                    last_name(server)
                )));
            }
        }
        vault.all_of(ObjectKind::NetworkInterface)?;
        vault.classic_fabrics().try_for_each(|fabric| fabric.says_list("processServers"))?;
        elsewhere(survey)?;
        let express_route = vault.express_route(&network)?;
        let way_home = express_route.is_some().then(|| vault.way_home(&network)).transpose()?;
        let is_up = |way: &Shown| way.state == super::shown::ShownState::Good;
        match way_home.filter(is_up) {
            Some(way) => {
                Ok(Shown::good(format!("no process server stands in {name}, but {}", way.says)))
            }
            None => Ok(Shown::bad(format!(
                "no process server stands in {name}, and it has no ExpressRoute that is up"
            ))),
        }
    });
    Shown::all(shown)
}

/// Whether it is known of every process server where it stands: one with an address of its own that no network card has may be in a
/// resource group that was not looked into.
///
/// # Errors
///
/// Fails with the one of which it is not.
fn elsewhere(survey: &SiteInVault<'_>) -> Result<(), Unavailable> {
    let vault = survey.vault;
    let cards = vault.objects(ObjectKind::NetworkInterface);
    let in_azure: Vec<&str> = cards.flat_map(super::azure_vm::addresses_of).collect();
    for server in vault.classic_fabrics().flat_map(Fabric::process_servers) {
        let mut addresses = server.addresses();
        let is_known =
            addresses.any(|at| in_azure.contains(&at) || Some(at) == server.fabric.address());
        let is_home = survey
            .site
            .process_servers
            .iter()
            .any(|planned| planned.is_on_premises && server.is(&planned.names));
        if !is_known && !is_home {
            return Err(Unavailable::from(format!(
                "nothing says where the process server {} stands: no network interface that was read has its address",
                server.name()
            )));
        }
    }
    Ok(())
}

/// Whether a process server on premises has a heartbeat: one whose address no machine in Azure has.
fn process_server_at_home(survey: &SiteInVault<'_>) -> ShownResult {
    let fabric = survey.fabric()?;
    let vault = survey.vault;
    vault.all_of(ObjectKind::NetworkInterface)?;
    let in_azure: Vec<&str> = vault
        .objects(ObjectKind::NetworkInterface)
        .flat_map(super::azure_vm::addresses_of)
        .collect();
    let in_azure = ServerNames::from_names(in_azure);
    let mut shown: Vec<ShownResult> = Vec::new();
    for server in fabric.process_servers() {
        if server.addresses().any(|address| in_azure.include(address)) {
            continue;
        }
        shown.push(server.silent_minutes().map(|minutes| {
            if minutes < SILENT_AFTER {
                Shown::good(server.words())
            } else {
                Shown::bad(server.words())
            }
        }));
    }
    let is_good = |one: &ShownResult| {
        one.as_ref().is_ok_and(|one| one.state == super::shown::ShownState::Good)
    };
    match shown.iter().position(is_good) {
        Some(place) => shown.swap_remove(place),
        None if shown.is_empty() => {
            fabric.says_list("processServers")?;
            Ok(Shown::bad("no process server on premises is listed"))
        }
        None => Shown::all(shown),
    }
}

/// Whether the container of each machine has a policy for the way home.
fn policy(survey: &SiteInVault<'_>) -> ShownResult {
    let vault = survey.vault;
    let shown = away(survey)?.into_iter().map(|item| {
        let container = id_up_to(item.id(), "replicationProtectionContainers")
            .ok_or("its item lies in no container")?;
        let wanted = match item.provider()? {
            provider if provider.is_modernised() => "InMageRcmFailback",
            provider if is_classic(provider) => "InMage",
            _ => return Err(Unavailable::from(format!("{} is no machine of VMware", item.name()))),
        };
        let mut others: Vec<ShownResult> = Vec::new();
        for mapping in vault.objects_below(ObjectKind::ContainerMapping, container) {
            let properties = mapping.properties();
            // A forward mapping leads to the text "Microsoft Azure".
            let target = text(properties, "targetProtectionContainerId").unwrap_or_default();
            let policy_id = text(properties, "policyId").unwrap_or_default();
            let kind = vault.object(policy_id).and_then(|policy| {
                word(policy.properties(), "providerSpecificDetails.instanceType")
            });
            if id_key(target) != id_key(container) || kind.is_some_and(|kind| kind != wanted) {
                continue;
            }
            let name =
                text(properties, "policyFriendlyName").unwrap_or_else(|| last_name(policy_id));
            let state = required_word(properties, "state")?;
            if kind.is_none() {
                others.push(Err(Unavailable::from(format!("the policy {name} is not known"))));
            } else if state == "Paired" {
                return Ok(Shown::good(format!("the policy {name} is associated")));
            } else {
                others
                    .push(Err(Unavailable::from(format!("the association of {name} is {state}"))));
            }
        }
        if let Some(other) = others.into_iter().next() {
            return other;
        }
        vault.all_of(ObjectKind::ContainerMapping)?;
        Ok(Shown::bad(format!(
            "no policy for the way home is associated with the container of {}",
            item.name()
        )))
    });
    Shown::all(shown)
}

fn returns_to_vmware(survey: &SiteInVault<'_>) -> ShownResult {
    let mut shown: Vec<ShownResult> = Vec::new();
    for item in survey.all_items()? {
        let fabric = item.fabric_id().and_then(|id| survey.vault.object(&id));
        let kind =
            fabric.and_then(|fabric| word(fabric.properties(), "customDetails.instanceType"));
        shown.push(match kind {
            Some("VMware" | "InMageRcm") => {
                Ok(Shown::good("the machines are protected from VMware"))
            }
            Some(other @ ("HyperVSite" | "VMM")) => {
                Ok(Shown::bad(format!("{} lies in a fabric of {other}", item.name())))
            }
            Some(other) => {
                Err(Unavailable::from(format!("{} lies in a fabric of {other}", item.name())))
            }
            None => Err(Unavailable::from(format!("the fabric of {} is not known", item.name()))),
        });
    }
    Shown::all(shown)
}

/// Whether the disks of the machines that are planned for a master target fit it. Only what does not fit is told: the load of the
/// network is in no reply.
fn disk_slots(survey: &SiteInVault<'_>) -> ShownResult {
    for target in &survey.site.master_targets {
        let Some(server) = survey.master_target(&target.names)? else { continue };
        // Without a datastore the configuration server does not see the machine, and its 0 says nothing.
        if list(server.entry, "dataStores").is_empty() {
            continue;
        }
        let mut total = integer(server.entry, "diskCount")?;
        let mut rate = 0.0;
        for (machine, item) in survey.matched() {
            let is_planned = machine.master_target.as_deref() == Some(&target.name);
            if !is_planned || item.decided_stage() != Some(Stage::Prepare) {
                continue;
            }
            total += item.disks()?.len() as i64;
            rate += number(item.details(), "uncompressedDataRateInMB").unwrap_or(0.0);
        }
        if total > DISK_SLOTS {
            return Ok(Shown::bad(format!(
                "{} would have {total} disks of {DISK_SLOTS}, with {rate:.0} MB of changes",
                target.name
            )));
        }
    }
    Err(Unavailable::from(
        "Azure shows no master target with too many disks, and does not know the network",
    ))
}

/// The replication groups with more than one member.
fn groups<'v>(survey: &SiteInVault<'v>) -> Result<BTreeMap<String, Vec<Item<'v>>>, Unavailable> {
    survey.vault.all_of(ObjectKind::Item)?;
    let own: Vec<String> = survey.all_items()?.iter().filter_map(|item| item.group()).collect();
    let mut groups: BTreeMap<String, Vec<Item<'v>>> = BTreeMap::new();
    for item in survey.vault.items() {
        if let Some(group) = item.group().filter(|group| own.contains(group)) {
            groups.entry(group).or_default().push(item);
        }
    }
    // A single machine has a group of its own, with a GUID for a name.
    groups.retain(|_, members| members.len() > 1);
    Ok(groups)
}

fn group_name(members: &[Item<'_>], id: &str) -> String {
    let named = members.iter().find_map(|item| text(item.details(), "multiVmGroupName"));
    named.unwrap_or(id).to_owned()
}

fn ungrouped(groups: &BTreeMap<String, Vec<Item<'_>>>) -> ShownResult {
    match groups.iter().next() {
        None => Ok(Shown::good("no machine shares a replication group with another one")),
        Some((id, members)) => Err(Unavailable::from(format!(
            "{} machines share the group {}, and Azure does not say whether they reach each other",
            members.len(),
            group_name(members, id)
        ))),
    }
}

fn group_master_target(groups: &BTreeMap<String, Vec<Item<'_>>>) -> ShownResult {
    if groups.is_empty() {
        return Ok(Shown::good("no machine shares a replication group with another one"));
    }
    Shown::all(groups.iter().map(|(id, members)| {
        let name = group_name(members, id);
        let (mut targets, mut families): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for item in members {
            // A forward item names the master target of the way to Azure.
            if !item.provider()?.is_back() {
                return Err(Unavailable::from(format!(
                    "{} of {name} is not reprotected",
                    item.name()
                )));
            }
            let details = item.details();
            let target = required_text(details, "masterTargetId")
                .or_else(|why| required_text(details, "reprotectAgentId").map_err(|_| why))?;
            targets.push(target);
            families.push(item.family()?);
        }
        targets.sort_unstable();
        targets.dedup();
        families.sort_unstable();
        families.dedup();
        Ok(match (targets.len(), families.len()) {
            (1, 1) => Shown::good(format!("{name} has one master target")),
            (1, _) => Shown::bad(format!("{name} is of {}", families.join(" and "))),
            (count, _) => Shown::bad(format!("{name} has {count} master targets")),
        })
    }))
}

fn group_plan(survey: &SiteInVault<'_>, groups: &BTreeMap<String, Vec<Item<'_>>>) -> ShownResult {
    if groups.is_empty() {
        return Ok(Shown::good("no machine shares a replication group with another one"));
    }
    let vault = survey.vault;
    vault.all_of(ObjectKind::Plan)?;
    let plans: Vec<(String, Vec<String>)> = vault
        .objects(ObjectKind::Plan)
        .map(|plan| {
            let properties = plan.properties();
            let groups = list(properties, "groups").iter();
            let members = groups.flat_map(|group| list(group, "replicationProtectedItems"));
            let ids = members.filter_map(|member: &Value| text(member, "id").map(id_key)).collect();
            let name = text(properties, "friendlyName").unwrap_or_else(|| last_name(plan.id()));
            (name.to_owned(), ids)
        })
        .collect();
    Shown::all(groups.iter().map(|(id, members)| {
        let name = group_name(members, id);
        let inside =
            |ids: &[String]| members.iter().filter(|item| ids.contains(&id_key(item.id()))).count();
        if let Some((plan, _)) = plans.iter().find(|(_, ids)| inside(ids) == members.len()) {
            return Ok(Shown::good(format!("{name} is in the plan {plan}")));
        }
        Ok(match plans.iter().find(|(_, ids)| inside(ids) > 0) {
            Some((plan, ids)) => Shown::bad(format!(
                "{} of the {} machines of {name} are in the plan {plan}",
                inside(ids),
                members.len()
            )),
            None => Shown::bad(format!("{name} is in no recovery plan")),
        })
    }))
}

/// Whether a move of the vault was tried and is over: what ends well and what fails have names of their own.
fn has_ended(state: &str) -> bool {
    let state = state.to_ascii_lowercase();
    ["succeeded", "success", "failed", "failure", "timedout"].iter().any(|end| state.ends_with(end))
}

fn stays(survey: &SiteInVault<'_>) -> ShownResult {
    let mut vaults = survey.vault.objects(ObjectKind::Vault);
    let vault = vaults.next().ok_or("the vault itself was not asked about")?;
    let state = word(vault.properties(), "moveState");
    let words = format!("its moveState is {}", state.unwrap_or_default());
    match state {
        None | Some("None") => Ok(Shown::good("nothing says that the vault is moved")),
        Some("InProgress") => Ok(Shown::bad(words)),
        Some(state) if has_ended(state) => Ok(Shown::doubtful(words)),
        Some(_) => Err(Unavailable::from(words)),
    }
}

/// Whether the providers of Hyper-V hosts are connected.
fn hyperv_host(survey: &SiteInVault<'_>) -> ShownResult {
    let vault = survey.vault;
    let mut shown: Vec<ShownResult> = Vec::new();
    for provider in vault.objects(ObjectKind::Provider) {
        let properties = provider.properties();
        if !matches!(word(properties, "fabricType"), Some("HyperVSite" | "VMM")) {
            continue;
        }
        let name = text(properties, "friendlyName").unwrap_or_else(|| last_name(provider.id()));
        shown.push(required_word(properties, "connectionStatus").and_then(|status| {
            let beat = moment(properties, "lastHeartBeat")?;
            let minutes = vault.minutes_since(beat, SILENT_AFTER)?;
            let words = format!("{name} is {status}, last heartbeat at {}", minute(beat));
            match status {
                _ if minutes >= SILENT_AFTER => Ok(Shown::bad(words)),
                "Connected" => Ok(Shown::good(words)),
                _ => Err(Unavailable::from(words)),
            }
        }));
    }
    if shown.is_empty() {
        vault.all_of(ObjectKind::Provider)?;
        return Err(Unavailable::from("no provider of a Hyper-V host is registered"));
    }
    Shown::all(shown)
}

/// Whether the host's side is alive: Azure knows the heartbeat of the provider, and not that of the agent beside it.
fn hyperv_agent(survey: &SiteInVault<'_>) -> ShownResult {
    let host = hyperv_host(survey)?;
    if host.state == super::shown::ShownState::Bad {
        return Ok(host);
    }
    Err(Unavailable::from(format!("{}; Azure does not say of the agent beside it", host.says)))
}

/// Whether more than one host is registered in the sites that the machines lie in.
fn other_host(survey: &SiteInVault<'_>) -> ShownResult {
    let mut hosts: Vec<&str> = Vec::new();
    for item in survey.all_items()? {
        let fabric = item.fabric_id().and_then(|id| survey.vault.object(&id));
        let fabric = fabric.ok_or_else(|| format!("the fabric of {} is not known", item.name()))?;
        let known = list(fabric.properties(), "customDetails.hyperVHosts").iter();
        hosts.extend(known.filter_map(|host| text(host, "name")));
    }
    hosts.sort_unstable();
    hosts.dedup();
    match hosts.as_slice() {
        [_, _, ..] => Ok(Shown::good(format!("registered are {}", hosts.join(", ")))),
        _ => Err(Unavailable::from(format!(
            "registered is {}, and nothing says to which host the machines return",
            hosts.first().unwrap_or(&"no host")
        ))),
    }
}

fn unencrypted(survey: &SiteInVault<'_>) -> ShownResult {
    for item in survey.all_items()? {
        let encryption = required_word(item.details(), "encryption")?;
        let fabric = item.fabric_id().and_then(|id| survey.vault.object(&id));
        let fabric = fabric.ok_or_else(|| format!("the fabric of {} is not known", item.name()))?;
        let state = required_word(fabric.properties(), "encryptionDetails.kekState")?;
        if encryption != "Disabled" || state != "None" {
            return Err(Unavailable::from(format!(
                "encryption of {} is {encryption}, kekState {state}",
                item.name()
            )));
        }
    }
    Ok(Shown::good("the data of no machine is encrypted by the provider"))
}
