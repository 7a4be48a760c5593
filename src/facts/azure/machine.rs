//! What the vault shows of one machine that fails back; rules know it as `azure.machine`.
//!
//! Each member answers one question of the catalogue. Not for what concerns several machines (`plan`).

use schemars::JsonSchema;
use serde::Serialize;

use super::azure_vm::{AzurePower, addresses_of};
use super::beside_target::{agent_beside_target, datastore, system_beside_target};
use super::hyperv::{
    hyperv_committed, job_goes_on, nothing_waits, reversed, storage_account, synchronisation,
};
use super::item::Item;
use super::object::{ObjectKind, last_name};
use super::read::{member, minute, moment, release, text};
use super::replication::{first_point, replication, resynchronisation};
use super::servers::{ExpiryFacts, SILENT_AFTER, error_words, expiry, says_list};
use super::shown::{Shown, ShownResult};
use super::survey::{NoItem, PlannedMachine, SiteInVault};
use super::words::word;
use crate::facts::stage::Stage;
use crate::facts::stage::azure::ItemProvider;
use crate::facts::{Collection, Fact, Unavailable};

/// Minutes that a returned machine may wait for Commit, or for Re-protect after it: a day (own limit).
const DAY: i64 = 24 * 60;

/// What the vault shows of one machine.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct VaultMachineFacts {
    /// Whether it has an item.
    pub protected: Fact<Shown>,
    /// Whether the configuration server knows it.
    pub in_database: Fact<Shown>,
    /// Whether it exists in Azure.
    pub exists_in_azure: Fact<Shown>,
    /// Whether its virtual machine in Azure runs: `running`, `stopped`, `deallocated`, `gone`.
    pub azure_power: Fact<String>,
    /// Whether it runs in Azure, with a way home and its agent alive.
    pub runs_in_azure: Fact<Shown>,
    /// Whether it has been up in Azure for long enough.
    pub up_long_enough: Fact<Shown>,
    /// Whether its virtual machine in Azure is off.
    pub azure_off: Fact<Shown>,
    /// Whether its virtual machine in Azure is gone.
    pub azure_gone: Fact<Shown>,
    /// Whether a network was chosen for it, and is there.
    pub network: Fact<Shown>,
    /// Whether it has another address in Azure than at home.
    pub other_address: Fact<Shown>,
    /// Whether it has its own address again after its return.
    pub address_at_home: Fact<Shown>,
    /// Whether the vCenter that it returns to is known to the vault.
    pub vcenter: Fact<Shown>,
    /// Whether it began as a virtual machine.
    pub was_virtual: Fact<Shown>,
    /// Whether its system may return.
    pub system_may_return: Fact<Shown>,
    /// Whether Azure's temporary disk stays behind.
    pub temporary_disk: Fact<Shown>,
    /// Whether its failover to Azure is committed.
    pub committed: Fact<Shown>,
    /// Whether a test failover of it was made.
    pub test_failover: Fact<Shown>,
    /// Whether its agent is no newer than the servers.
    pub agent_version: Fact<Shown>,
    /// Whether it replicates home and is healthy.
    pub replication: Fact<Shown>,
    /// Whether it has a recovery point of the way home.
    pub recovery_point: Fact<Shown>,
    /// Whether its replication keeps up.
    pub rpo: Fact<Shown>,
    /// Whether it needs no resynchronisation.
    pub resynchronisation: Fact<Shown>,
    /// Whether Commit was not left waiting.
    pub commit: Fact<Shown>,
    /// Whether it is protected again after its return.
    pub protected_again: Fact<Shown>,
    /// Whether Complete Migration was not pressed after its return.
    pub not_migrated: Fact<Shown>,
    /// The errors of its replication that are more than notices.
    pub errors: Fact<Collection<String>>,
    /// Those of them that are errors.
    pub faults: Fact<Collection<String>>,
    /// Whether no job about it failed last.
    pub last_job: Fact<Shown>,
    /// When its agent is no longer supported.
    pub agent_expiry: Fact<ExpiryFacts>,
    /// How many of its disks are protected.
    pub disks: Fact<i64>,
    /// Whether its Hyper-V disks are in a storage account.
    pub storage_account: Fact<Shown>,
    /// Whether the failover of a Hyper-V machine is committed.
    pub hyperv_committed: Fact<Shown>,
    /// Whether the job of a Hyper-V machine does not wait for Complete Failover.
    pub job_goes_on: Fact<Shown>,
    /// Whether no planned failover of a Hyper-V machine waits for Complete Failover.
    pub nothing_waits: Fact<Shown>,
    /// Whether Reverse Replicate was pressed after Commit.
    pub reversed: Fact<Shown>,
    /// How long a Hyper-V machine has been in Azure, which says how its data is best synchronised.
    pub synchronisation: Fact<Shown>,
    /// Whether it is replicated by a configuration server, and not by an appliance.
    pub is_classic: Fact<Shown>,
    /// Whether its agent is no newer than that of its master target.
    pub agent_beside_target: Fact<Shown>,
    /// Whether its master target runs the same family of systems.
    pub system_beside_target: Fact<Shown>,
    /// How it started on premises: `bios` or `efi`, as vCenter has it, or `unsaid`.
    pub firmware: Fact<String>,
    /// Whether its datastore is one that its master target reaches.
    pub datastore: Fact<Shown>,
}

/// Reads what the vault shows of a machine.
pub fn machine_facts(survey: &SiteInVault<'_>, name: &str) -> VaultMachineFacts {
    let planned = survey.site.machines.iter().find(|machine| machine.name == name);
    let item = survey.item(name);
    let shown = |read: &dyn Fn(Item<'_>) -> ShownResult| -> Fact<Shown> {
        item.clone().map_err(Unavailable::from).and_then(read).into()
    };
    let of_item = item.clone().map_err(Unavailable::from);
    let firmware = of_item.clone().and_then(Item::firmware).map(str::to_owned).into();
    let expiry_of = |item: Item<'_>| {
        let places = ["agentExpiryDate", "agentDetails.agentExpiryDate"];
        let place = places.into_iter().find(|place| member(item.details(), place).is_some());
        expiry(item.vault, item.details(), place.unwrap_or("agentExpiryDate"))
    };
    VaultMachineFacts {
        protected: protected(&item).into(),
        in_database: in_database(&item).into(),
        exists_in_azure: shown(&exists_in_azure),
        azure_power: of_item
            .clone()
            .and_then(|item| Ok(item.azure_power()?.as_str().to_owned()))
            .into(),
        runs_in_azure: shown(&runs_in_azure),
        up_long_enough: shown(&up_long_enough),
        azure_off: shown(&azure_off),
        azure_gone: shown(&azure_gone),
        network: shown(&network),
        other_address: shown(&other_address),
        address_at_home: shown(&|item| address_at_home(item, planned)),
        vcenter: shown(&|item| vcenter(survey, item)),
        was_virtual: shown(&was_virtual),
        system_may_return: shown(&system_may_return),
        temporary_disk: shown(&|item| temporary_disk(item, planned)),
        committed: shown(&committed),
        test_failover: shown(&test_failover),
        agent_version: shown(&|item| agent_version(survey, item)),
        replication: shown(&replication),
        recovery_point: shown(&first_point),
        rpo: shown(&rpo),
        resynchronisation: shown(&resynchronisation),
        commit: shown(&commit),
        protected_again: shown(&protected_again),
        not_migrated: not_migrated(&item).into(),
        errors: of_item
            .clone()
            .and_then(|item| {
                says_list(item.properties(), "healthErrors")?;
                Ok(error_words(item.properties(), &["healthErrors"]))
            })
            .into(),
        faults: of_item.clone().and_then(faults).into(),
        last_job: shown(&last_job),
        agent_expiry: of_item.clone().and_then(expiry_of).into(),
        disks: of_item.and_then(|item| Ok(item.disks()?.len() as i64)).into(),
        storage_account: shown(&storage_account),
        hyperv_committed: shown(&hyperv_committed),
        job_goes_on: shown(&job_goes_on),
        nothing_waits: shown(&nothing_waits),
        reversed: shown(&reversed),
        synchronisation: shown(&synchronisation),
        is_classic: shown(&is_classic),
        agent_beside_target: shown(&|item| agent_beside_target(survey, planned, item)),
        system_beside_target: shown(&|item| system_beside_target(survey, planned, item)),
        firmware,
        datastore: shown(&|item| datastore(survey, planned, item)),
    }
}

fn faults(item: Item<'_>) -> Result<Collection<String>, Unavailable> {
    says_list(item.properties(), "healthErrors")?;
    let faults = item.errors().filter(|error| error.level.eq_ignore_ascii_case("Error"));
    Ok(Collection::complete(faults.map(|error| error.words()).collect()))
}

fn protected(item: &Result<Item<'_>, NoItem>) -> ShownResult {
    match item {
        Ok(item) => Ok(Shown::good(format!("{} is a replicated item", item.name()))),
        Err(NoItem::Missing) => Ok(Shown::bad("the vault has no replicated item of this machine")),
        Err(NoItem::Unknown(why)) => Err(why.clone()),
    }
}

fn in_database(item: &Result<Item<'_>, NoItem>) -> ShownResult {
    let item = match item {
        Ok(item) => *item,
        Err(NoItem::Missing) => {
            return Ok(Shown::bad("no configuration server of the vault has this machine"));
        }
        Err(NoItem::Unknown(why)) => return Err(why.clone()),
    };
    if !matches!(item.provider()?, ItemProvider::VmwareForward | ItemProvider::VmwareBack) {
        return Err(Unavailable::from("it is not replicated by a configuration server"));
    }
    let known = ["vmId", "infrastructureVmId"].iter().any(|id| text(item.details(), id).is_some());
    if !known {
        return Err(Unavailable::from("its item names no id of it on the configuration server"));
    }
    let fabric = text(item.properties(), "primaryFabricFriendlyName").unwrap_or("its fabric");
    Ok(Shown::good(format!("the configuration server {fabric} has it")))
}

fn exists_in_azure(item: Item<'_>) -> ShownResult {
    let id = item.azure_vm_id()?;
    let name = last_name(&id);
    if item.vault.object(&id).is_some() {
        return Ok(Shown::good(format!("the virtual machine {name} is where its item says")));
    }
    match item.vault.azure_power(&id)? {
        AzurePower::Gone => {
            Ok(Shown::bad(format!("there is no virtual machine {name} where its item says")))
        }
        _ => Ok(Shown::good(format!("the virtual machine {name} is where its item says"))),
    }
}

/// Whether the agent in the machine is alive. The classic one has a heartbeat every few minutes; that of the modernised provider falls
/// silent with the failover, and a flag says that it has registered again.
fn agent_alive(item: Item<'_>) -> ShownResult {
    if item.provider()?.is_modernised() {
        let flag = "isAgentRegistrationSuccessfulAfterFailover";
        if super::read::flag(item.details(), flag)? {
            return Ok(Shown::good("its agent has registered"));
        }
        return Err(Unavailable::from(format!(
            "{flag} is false, which a cancelled failover leaves, too"
        )));
    }
    let beat = item.heartbeat()?;
    let minutes = item.vault.minutes_since(beat, SILENT_AFTER)?;
    let words = format!("its agent had its last heartbeat at {}", minute(beat));
    if minutes >= SILENT_AFTER {
        return Ok(Shown::bad(words));
    }
    match item.failed_over_at() {
        Ok(failover) if beat <= failover && item.provider()? == ItemProvider::VmwareForward => {
            Err(Unavailable::from(format!("{words}, before the failover of {}", minute(failover))))
        }
        _ => Ok(Shown::good(words)),
    }
}

fn runs_in_azure(item: Item<'_>) -> ShownResult {
    let power = item.azure_power()?;
    if power != AzurePower::Running {
        return Ok(Shown::bad(format!("its virtual machine in Azure is {}", power.as_str())));
    }
    let on = Ok(Shown::good("its virtual machine in Azure is running"));
    let way = item.azure_networks().and_then(|networks| {
        Shown::all(networks.iter().map(|network| item.vault.way_home(network)))
    });
    // An appliance is reached over the internet.
    let way =
        if item.provider()?.is_modernised() { Ok(Shown::good("no VPN is needed")) } else { way };
    Shown::all([on, agent_alive(item), way])
}

fn up_long_enough(item: Item<'_>) -> ShownResult {
    let alive = agent_alive(item)?;
    if alive.state == super::shown::ShownState::Bad {
        return Err(Unavailable::from(alive.says));
    }
    if item.provider()?.is_modernised() {
        return Ok(alive);
    }
    let created = item
        .azure_vm_id()
        .ok()
        .and_then(|id| moment(item.vault.object(&id)?.properties(), "timeCreated").ok());
    let since = item.failed_over_at().ok().max(created);
    let since = since.ok_or("nothing says since when its virtual machine in Azure is there")?;
    let beat = item.heartbeat()?;
    if beat.duration_since(since).as_secs() < SILENT_AFTER * 60 {
        return Err(Unavailable::from(format!(
            "{}, less than {SILENT_AFTER} minutes after {}",
            alive.says,
            minute(since)
        )));
    }
    Ok(alive)
}

fn azure_off(item: Item<'_>) -> ShownResult {
    let power = item.azure_power()?;
    let words = format!("its virtual machine in Azure is {}", power.as_str());
    Ok(match power {
        AzurePower::Deallocated | AzurePower::Gone => Shown::good(words),
        AzurePower::Stopped => Shown::doubtful(format!("{words}, and still paid for")),
        AzurePower::Running => Shown::bad(words),
    })
}

fn azure_gone(item: Item<'_>) -> ShownResult {
    let id = item.azure_vm_id()?;
    let name = last_name(&id);
    if item.vault.object(&id).is_some() {
        return Ok(Shown::bad(format!("the virtual machine {name} is still there")));
    }
    match item.vault.azure_power(&id)? {
        AzurePower::Gone => Ok(Shown::good(format!("there is no virtual machine {name} any more"))),
        _ => Ok(Shown::bad(format!("the virtual machine {name} is still there"))),
    }
}

fn network(item: Item<'_>) -> ShownResult {
    let chosen = match item.chosen_network() {
        Some(chosen) => chosen.to_owned(),
        // The item on the way home does not say; the network card in Azure does.
        None if item.provider()?.is_back() => item.azure_networks()?.swap_remove(0),
        None if item.object.is_whole => return Ok(Shown::bad("no network was chosen for it")),
        None => {
            return Err(Unavailable::from("its item names no network, which a list leaves out"));
        }
    };
    let name = last_name(&chosen);
    match (item.vault.known_network(&chosen), item.vault.refused(&chosen)) {
        (Ok(_), _) => Ok(Shown::good(format!("it is in the network {name}"))),
        (_, Some((Some(404), _))) => {
            Ok(Shown::bad(format!("the network {name} that was chosen for it is not there")))
        }
        (Err(why), _) => Err(why),
    }
}

fn other_address(item: Item<'_>) -> ShownResult {
    let home = item.home_addresses()?;
    let in_azure: Vec<&str> = item.azure_cards()?.into_iter().flat_map(addresses_of).collect();
    if let Some(both) = home.iter().find(|address| in_azure.contains(address)) {
        return Err(Unavailable::from(format!("it has {both} in both places")));
    }
    match (home.first(), in_azure.first()) {
        (Some(home), Some(azure)) => {
            Ok(Shown::good(format!("it has {azure} in Azure, and {home} at home")))
        }
        _ => Err(Unavailable::from("its addresses are not known in both places")),
    }
}

/// Whether it has the address again that the site says, by an item that replicates it from home.
fn address_at_home(item: Item<'_>, planned: Option<&PlannedMachine>) -> ShownResult {
    let Some(wanted) = planned.and_then(|machine| machine.address.as_deref()) else {
        return Ok(Shown::good("the site says no static address of it"));
    };
    if !matches!(item.decided_stage(), Some(Stage::Home | Stage::ReprotectForward)) {
        return Err(Unavailable::from("it is not at home"));
    }
    match item.home_addresses()?.as_slice() {
        [] => Err(Unavailable::from("Azure does not say its address")),
        known if known.contains(&wanted) => Ok(Shown::good(format!("it has {wanted}"))),
        known => Ok(Shown::bad(format!("it has {}, and the site says {wanted}", known.join(", ")))),
    }
}

fn vcenter(survey: &SiteInVault<'_>, item: Item<'_>) -> ShownResult {
    let names = survey.site.vcenter.as_ref().ok_or("the site names no vCenter")?;
    let vault = item.vault;
    let own = text(item.details(), "vCenterInfrastructureId")
        .ok_or("its item does not say which vCenter it came from")?;
    let mut servers = vault.objects(ObjectKind::Vcenter);
    let found = servers.find(|server| {
        let properties = server.properties();
        let named = ["ipAddress", "friendlyName"].iter().filter_map(|name| text(properties, name));
        named.into_iter().any(|name| names.include(name))
    });
    let Some(found) = found else {
        vault.all_of(ObjectKind::Vcenter)?;
        return Ok(Shown::bad(format!("{} is not registered with the vault", names.first())));
    };
    let properties = found.properties();
    let status = super::words::required_word(properties, "discoveryStatus")?;
    let name = text(properties, "friendlyName").unwrap_or(names.first());
    if status != "Completed" {
        return Err(Unavailable::from(format!("discovery of {name} is {status}")));
    }
    match text(properties, "infrastructureId") {
        Some(id) if id == own => {
            Ok(Shown::good(format!("it came from {name}, which is discovered")))
        }
        _ => Err(Unavailable::from(format!("it came from another vCenter than {name}"))),
    }
}

fn was_virtual(item: Item<'_>) -> ShownResult {
    if item.was_virtual()? {
        return Ok(Shown::good("it was protected as a virtual machine"));
    }
    Err(Unavailable::from(
        "it was a physical server, and Azure does not say whether all is ready for it",
    ))
}

fn system_may_return(item: Item<'_>) -> ShownResult {
    if item.was_virtual()? {
        return Ok(Shown::good("it was protected as a virtual machine"));
    }
    let system = item.system()?;
    if system.contains("2008 R2") {
        return Ok(Shown::bad(format!("it was a physical server with {system}")));
    }
    Ok(Shown::good(format!("it was a physical server with {system}")))
}

fn temporary_disk(item: Item<'_>, planned: Option<&PlannedMachine>) -> ShownResult {
    if item.provider()?.is_modernised() {
        return Ok(Shown::good("the modernised flow leaves it behind by itself"));
    }
    if item.family()? == "linux" {
        return Ok(Shown::good("it runs Linux"));
    }
    let at_home = planned.and_then(|machine| machine.disks);
    if let (true, Some(at_home)) = (item.provider()?.is_back(), at_home) {
        let replicated = item.disks()?.len();
        if replicated > at_home {
            return Ok(Shown::doubtful(format!(
                "{replicated} disks are replicated, and it had {at_home} on premises"
            )));
        }
    }
    Err(Unavailable::from("it runs Windows, and Azure does not say whether the disk is offline"))
}

fn committed(item: Item<'_>) -> ShownResult {
    let state = item.state();
    match (item.stage()?.fits.first(), item.offers("Commit")) {
        (Some(Stage::Prepare), false) => Ok(Shown::good(format!("protectionState is {state}"))),
        (Some(Stage::Prepare), true) => {
            Ok(Shown::bad(format!("protectionState is {state}, and Commit is offered")))
        }
        _ => Err(Unavailable::from(format!("protectionState is {state}"))),
    }
}

fn test_failover(item: Item<'_>) -> ShownResult {
    let properties = item.properties();
    let state = word(properties, "testFailoverState").unwrap_or("None");
    if let Some(error) = item.errors().find(|error| error.code == "161011") {
        return Ok(Shown::bad(error.words()));
    }
    let made = moment(properties, "lastSuccessfulTestFailoverTime");
    match (made, state) {
        (Ok(at), "None" | "MarkedForDeletion") => {
            Ok(Shown::good(format!("one was made at {}", minute(at))))
        }
        (Ok(at), other) => Ok(Shown::doubtful(format!(
            "one was made at {}, and testFailoverState is {other}: clean it up",
            minute(at)
        ))),
        (Err(_), "None") if item.object.is_whole => Ok(Shown::bad("none was made")),
        (Err(why), _) => Err(why),
    }
}

fn agent_version(survey: &SiteInVault<'_>, item: Item<'_>) -> ShownResult {
    let own = item.agent_version()?;
    let parts = release(own).ok_or_else(|| format!("{own:?} is not a version"))?;
    let fabric = survey.fabric()?;
    let server = text(fabric.details(), "agentVersion").map(|version| (fabric.name(), version));
    let others = fabric
        .process_servers()
        .filter_map(|server| Some((server.name(), text(server.entry, "agentVersion")?)));
    let mut compared = 0;
    for (name, version) in server.into_iter().chain(others) {
        let other =
            release(version).ok_or_else(|| format!("{version:?} of {name} is not a version"))?;
        compared += 1;
        if other < parts {
            return Ok(Shown::bad(format!("its agent is {own}, and {name} is {version}")));
        }
    }
    if compared == 0 {
        return Err(Unavailable::from("Azure says no version of its servers"));
    }
    Ok(Shown::good(format!("its agent is {own}, and no server is older")))
}

fn is_classic(item: Item<'_>) -> ShownResult {
    let provider = item.provider()?;
    let kind = text(item.details(), "instanceType").unwrap_or_default();
    if provider.is_modernised() {
        return Ok(Shown::bad(format!("its item is of {kind}: it needs a replication appliance")));
    }
    if super::registered::is_classic(provider) {
        return Ok(Shown::good(format!(
            "its item is of {kind}: a configuration server replicates it"
        )));
    }
    Err(Unavailable::from(format!("its item is of {kind}")))
}

fn rpo(item: Item<'_>) -> ShownResult {
    let (seconds, computed) = item.rpo()?;
    let limit = item.rpo_limit()?;
    let age = item.vault.minutes_since(computed, SILENT_AFTER)?;
    let words = format!("{} min behind at {}", seconds / 60, minute(computed));
    if seconds > limit {
        return Ok(Shown::bad(format!("{words}, and its policy lets it be {} min", limit / 60)));
    }
    // Items that no longer replicate keep their last number.
    if age >= SILENT_AFTER {
        return Err(Unavailable::from(format!("{words}, and nothing newer is known")));
    }
    Ok(Shown::good(words))
}

fn commit(item: Item<'_>) -> ShownResult {
    if item.stage()?.fits.first() != Some(&Stage::Verify) {
        return Err(Unavailable::from(format!("protectionState is {}", item.state())));
    }
    let since = item.failed_over_at()?;
    let minutes = item.vault.minutes_since(since, DAY)?;
    let words = format!("Commit is pending since the failover of {}", minute(since));
    if minutes >= DAY { Ok(Shown::bad(words)) } else { Err(Unavailable::from(words)) }
}

fn protected_again(item: Item<'_>) -> ShownResult {
    let state = item.state();
    match item.stage()?.fits.first() {
        Some(Stage::Home) => Ok(Shown::good("it is protected towards Azure")),
        Some(Stage::ReprotectForward) => {
            Ok(Shown::doubtful(format!("its first copy is on its way, protectionState is {state}")))
        }
        Some(Stage::After) => {
            let since = item.failed_over_at()?;
            let words = format!("it returned at {} and is not protected", minute(since));
            if item.vault.minutes_since(since, DAY)? >= DAY {
                Ok(Shown::bad(words))
            } else {
                Err(Unavailable::from(words))
            }
        }
        _ => Err(Unavailable::from(format!("protectionState is {state}"))),
    }
}

fn not_migrated(item: &Result<Item<'_>, NoItem>) -> ShownResult {
    match item {
        Ok(item) if item.offers("SwitchProtection") => {
            Ok(Shown::good("it is a replicated item, and Re-protect is offered"))
        }
        Ok(item) => Err(Unavailable::from(format!(
            "protectionState is {}, and Re-protect is not offered",
            item.state()
        ))),
        Err(NoItem::Missing) => Ok(Shown::bad("the vault has no replicated item of this machine")),
        Err(NoItem::Unknown(why)) => Err(why.clone()),
    }
}

fn last_job(item: Item<'_>) -> ShownResult {
    let Some(job) = item.failed_job()? else {
        return Ok(Shown::good("no job about it failed that was not repeated since"));
    };
    let errors: Vec<String> = job.errors().iter().map(super::item::AzureError::words).collect();
    let why =
        if errors.is_empty() { "Azure was not asked why".to_owned() } else { errors.join("; ") };
    Ok(Shown::bad(format!("{}: {why}", job.words())))
}
