//! The virtual machine of an item in Azure: which it is, whether it runs, and in which network.
//!
//! Not for the way from that network home (`way_home`).

use serde_json::Value;

use super::item::Item;
use super::object::{ObjectKind, id_key, id_up_to, last_name};
use super::read::{list, text};
use super::vault::{Vault, VaultObject};
use crate::facts::Unavailable;
use crate::facts::stage::azure::ItemProvider;

/// Whether a virtual machine in Azure runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum AzurePower {
    /// It runs.
    Running,
    /// It is off and still paid for.
    Stopped,
    /// It is off.
    Deallocated,
    /// It is not there.
    Gone,
}

impl AzurePower {
    /// The word for it in facts.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl<'v> Item<'v> {
    /// Returns the id of its virtual machine in Azure.
    ///
    /// A classic item on the way home names none: its network card does, by its MAC address, or else by its address.
    ///
    /// # Errors
    ///
    /// Fails where there is none yet, or it cannot be told which it is.
    pub fn azure_vm_id(self) -> Result<String, Unavailable> {
        let details = self.details();
        // Before a failover the id ends without a name.
        let whole = |id: &str| id_up_to(id, "virtualMachines").map(str::to_owned);
        let joined = |group: &str, name: &str| {
            let (group, name) = (text(details, group)?, text(details, name)?);
            let group = group.trim_end_matches('/');
            Some(format!("{group}/providers/Microsoft.Compute/virtualMachines/{name}"))
        };
        let found = match self.provider()? {
            ItemProvider::VmwareForward => text(details, "targetVmId")
                .and_then(whole)
                .or_else(|| joined("recoveryAzureResourceGroupId", "recoveryAzureVMName")),
            ItemProvider::ModernisedForward => joined("targetResourceGroupId", "targetVmName"),
            ItemProvider::ModernisedBack => text(details, "azureVirtualMachineId").and_then(whole),
            ItemProvider::Hyperv => joined("recoveryAzureResourceGroupId", "recoveryAzureVMName"),
            ItemProvider::VmwareBack => return self.vm_of_network_card(),
            ItemProvider::AzureToAzure => None,
        };
        found.ok_or_else(|| Unavailable::from("its item names no virtual machine in Azure"))
    }

    /// Returns the virtual machine whose network card has the MAC address of the item's, or its private address.
    fn vm_of_network_card(self) -> Result<String, Unavailable> {
        let macs: Vec<String> = list(self.details(), "vmNics")
            .iter()
            .filter_map(|nic| text(nic, "nicId").or_else(|| text(nic, "macAddress")))
            .map(mac_key)
            .filter(|mac| !mac.is_empty())
            .collect();
        let cards = || self.vault.objects(ObjectKind::NetworkInterface);
        let has_mac = |card: &&VaultObject| {
            text(card.properties(), "macAddress").is_some_and(|mac| macs.contains(&mac_key(mac)))
        };
        let mut found: Vec<&str> = cards().filter(has_mac).filter_map(vm_of_card).collect();
        if found.is_empty()
            && let Some(address) = text(self.details(), "ipAddress")
        {
            let has_address =
                |card: &&VaultObject| addresses_of(card).any(|known| known == address);
            found = cards().filter(has_address).filter_map(vm_of_card).collect();
        }
        found.sort_unstable();
        found.dedup();
        match found.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => {
                self.vault.all_of(ObjectKind::NetworkInterface)?;
                Err(Unavailable::from(
                    "no network interface that is known has the MAC address or the address of its item",
                ))
            }
            _ => Err(Unavailable::from(
                "several virtual machines have the MAC address or the address of its item",
            )),
        }
    }

    /// Returns whether its virtual machine in Azure runs.
    ///
    /// # Errors
    ///
    /// Fails where that is not known, or changes just now.
    pub fn azure_power(self) -> Result<AzurePower, Unavailable> {
        self.vault.azure_power(&self.azure_vm_id()?)
    }

    /// Returns the network cards of its virtual machine in Azure.
    ///
    /// # Errors
    ///
    /// Fails where they are not known.
    pub fn azure_cards(self) -> Result<Vec<&'v VaultObject>, Unavailable> {
        let id = self.azure_vm_id()?;
        let vault = self.vault;
        let mut cards: Vec<&VaultObject> = vault
            .objects(ObjectKind::NetworkInterface)
            .filter(|card| vm_of_card(card).is_some_and(|vm| id_key(vm) == id_key(&id)))
            .collect();
        let named = vault.object(&id).map(VaultObject::properties).unwrap_or(&Value::Null);
        for named in list(named, "networkProfile.networkInterfaces") {
            let card = text(named, "id").and_then(|card| vault.object(card));
            cards
                .extend(card.filter(|card| !cards.iter().any(|known| std::ptr::eq(*known, *card))));
        }
        if !cards.is_empty() {
            return Ok(cards);
        }
        let group = id_up_to(&id, "resourceGroups");
        vault.all_below(ObjectKind::NetworkInterface, group)?;
        Err(Unavailable::from(format!("no network interface of {} is known", last_name(&id))))
    }

    /// Returns the ids of the networks that its virtual machine in Azure is in.
    ///
    /// # Errors
    ///
    /// Fails where they are not known.
    pub fn azure_networks(self) -> Result<Vec<String>, Unavailable> {
        let mut networks: Vec<String> =
            self.azure_cards()?.into_iter().flat_map(networks_of).collect();
        networks.sort();
        networks.dedup();
        match networks.as_slice() {
            [] => Err(Unavailable::from("its network interface names no network")),
            _ => Ok(networks),
        }
    }
}

impl Vault {
    /// Returns whether a virtual machine in Azure runs.
    ///
    /// # Errors
    ///
    /// Fails where that is not known, or changes just now. What is not found is gone only where its resource group can be read.
    pub fn azure_power(&self, id: &str) -> Result<AzurePower, Unavailable> {
        let name = last_name(id);
        let Some(vm) = self.object(id) else {
            let group = id_up_to(id, "resourceGroups");
            return match (self.all_below(ObjectKind::VirtualMachine, group), self.refused(id)) {
                (Ok(()), None | Some((Some(404), _))) => Ok(AzurePower::Gone),
                // A machine that may not be seen answers like one that is gone, so it is the list that counts.
                (Err(why), None | Some((Some(404), _))) | (_, Some((_, why))) => Err(why),
            };
        };
        let statuses = list(vm.properties(), "instanceView.statuses").iter();
        let codes = statuses.filter_map(|status| text(status, "code"));
        let power = codes.filter_map(power_word).next_back();
        match power.as_deref() {
            Some("running") => Ok(AzurePower::Running),
            Some("stopped") => Ok(AzurePower::Stopped),
            Some("deallocated") => Ok(AzurePower::Deallocated),
            Some(other) => Err(Unavailable::from(format!("{name} is {other}"))),
            None => Err(Unavailable::from(format!("Azure does not say whether {name} runs"))),
        }
    }
}

/// The word of a state such as `PowerState/running`, in small letters; none for a state of another kind.
fn power_word(code: &str) -> Option<String> {
    let (kind, word) = code.split_once('/')?;
    kind.eq_ignore_ascii_case("PowerState").then(|| word.to_ascii_lowercase())
}

/// Returns the virtual machine that a network card belongs to.
pub fn vm_of_card(card: &VaultObject) -> Option<&str> {
    text(card.properties(), "virtualMachine.id")
}

/// Returns the private addresses of a network card.
pub fn addresses_of(card: &VaultObject) -> impl Iterator<Item = &str> {
    let configurations = list(card.properties(), "ipConfigurations").iter();
    configurations.filter_map(|one| text(one, "properties.privateIPAddress"))
}

/// Returns the ids of the networks that a network card is in.
pub fn networks_of(card: &VaultObject) -> impl Iterator<Item = String> {
    let configurations = list(card.properties(), "ipConfigurations").iter();
    let subnets = configurations.filter_map(|one| text(one, "properties.subnet.id"));
    subnets.filter_map(|subnet| id_up_to(subnet, "virtualNetworks")).map(id_key)
}

/// A MAC address as it is compared: its digits.
pub fn mac_key(mac: &str) -> String {
    mac.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect()
}
