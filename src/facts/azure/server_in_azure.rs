//! Where a process server stands in Azure: its network card, its network, and whether it is gone.
//!
//! Not for what it says of itself (`registered`).

use super::azure_vm::{addresses_of, networks_of, vm_of_card};
use super::object::{ObjectKind, id_key, id_up_to, last_name};
use super::read::text;
use super::servers::ServerNames;
use super::shown::{Shown, ShownResult};
use super::survey::{PlannedServer, SiteInVault};
use super::vault::{Vault, VaultObject};
use crate::facts::Unavailable;
use crate::facts::stage::Stage;

/// Returns the network card of a process server in Azure; none where no card has its address.
fn card_of<'v>(
    survey: &SiteInVault<'v>,
    planned: &PlannedServer,
) -> Result<Option<&'v VaultObject>, Unavailable> {
    let vault = survey.vault;
    let mut names: Vec<String> = Vec::new();
    if let Ok(Some(server)) = survey.process_server(&planned.names) {
        names.extend(server.addresses().map(str::to_owned));
    }
    let all = ServerNames::from_names(names.iter().map(String::as_str));
    let has = |card: &&VaultObject| {
        let mut addresses = addresses_of(card);
        // Ranges overlap on premises and in Azure, so a card without a machine proves nothing.
        vm_of_card(card).is_some()
            && addresses.any(|address| all.include(address) || planned.names.include(address))
    };
    let found: Vec<&VaultObject> =
        vault.objects(ObjectKind::NetworkInterface).filter(has).collect();
    match found.as_slice() {
        [one] => Ok(Some(*one)),
        [] => {
            vault.all_of(ObjectKind::NetworkInterface)?;
            Ok(None)
        }
        _ => Err(Unavailable::from("several machines in Azure have its address")),
    }
}

/// Whether a process server stands in the network of the machines.
pub(super) fn network_of_process_server(
    survey: &SiteInVault<'_>,
    planned: &PlannedServer,
) -> ShownResult {
    let card = card_of(survey, planned)?.ok_or("no machine in Azure has its address")?;
    let own: Vec<String> = networks_of(card).collect();
    let own = own.first().ok_or("its network interface names no network")?;
    let mut shown: Vec<ShownResult> = Vec::new();
    for (machine, item) in survey.matched() {
        if !is_served(item.decided_stage()) {
            continue;
        }
        for network in item.azure_networks()? {
            let name = format!("{} is in {}", machine.name, last_name(&network));
            shown.push(if id_key(&network) == id_key(own) {
                Ok(Shown::good(format!("both are in {}", last_name(own))))
            } else if survey.vault.are_joined(own, &network)? {
                Ok(Shown::doubtful(format!("{name}, which is peered with {}", last_name(own))))
            } else {
                Ok(Shown::bad(format!("{name}, and the process server in {}", last_name(own))))
            });
        }
    }
    Shown::all(shown)
}

/// Whether a machine at a stage needs a process server in Azure.
fn is_served(stage: Option<Stage>) -> bool {
    !matches!(stage, Some(Stage::Home | Stage::After | Stage::ReprotectForward | Stage::CleanUp))
}

/// Whether a process server was made with the deployment model of the machines.
pub(super) fn deployment_model(survey: &SiteInVault<'_>, planned: &PlannedServer) -> ShownResult {
    let card = card_of(survey, planned)?.ok_or("no machine in Azure has its address")?;
    let own = vm_of_card(card).unwrap_or_default();
    for (machine, item) in survey.matched() {
        let ids =
            [text(item.details(), "targetVmId"), text(item.details(), "azureVirtualMachineId")];
        let classic = |id: &&str| id.to_ascii_lowercase().contains("/microsoft.classiccompute/");
        if ids.iter().flatten().any(|id| classic(id) != classic(&own)) {
            return Ok(Shown::bad(format!(
                "{} and the process server are of two models",
                machine.name
            )));
        }
    }
    Ok(Shown::good("both are of Resource Manager"))
}

/// Whether a process server is gone from Azure.
pub(super) fn gone(survey: &SiteInVault<'_>, planned: &PlannedServer) -> ShownResult {
    match card_of(survey, planned)? {
        Some(card) => {
            let vm = vm_of_card(card).map(last_name).unwrap_or_default();
            Ok(Shown::bad(format!("its virtual machine {vm} is still in Azure")))
        }
        None => match survey.process_server(&planned.names)? {
            Some(server) => Ok(Shown::bad(format!("it is still listed: {}", server.words()))),
            None => gone_from_subscription(survey.vault, planned),
        },
    }
}

/// Whether a subscription has no virtual machine of a server's name: no more is known of one that is not listed, and whose
/// resource group nobody named.
fn gone_from_subscription(vault: &Vault, planned: &PlannedServer) -> ShownResult {
    let mut machines = vault.objects(ObjectKind::VirtualMachine);
    if let Some(vm) = machines.find(|vm| planned.names.include(last_name(vm.id()))) {
        let name = last_name(vm.id());
        return Ok(Shown::bad(format!("a virtual machine {name} is still in Azure")));
    }
    let id = vault.id.as_deref().and_then(|id| id_up_to(id, "subscriptions"));
    let id = id.ok_or("the subscription of the vault is not known")?;
    vault.all_below(
        ObjectKind::VirtualMachine,
        Some(&format!("{id}/providers/Microsoft.Compute")),
    )?;
    Ok(Shown::good("it is neither listed nor in Azure"))
}
