//! A site beside its vault: which item belongs to which machine, which entry to which server.
//!
//! Not for the facts that follow (`machine`, `plan`, `registered`).

use super::item::Item;
use super::object::{ObjectKind, last_name};
use super::read::{minute, text};
use super::servers::{Fabric, FabricServer, ServerNames, only};
use super::vault::Vault;
use crate::facts::Unavailable;
use crate::facts::stage::{EvidenceSource, StageReading};

/// A machine that fails back, as the site knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedMachine {
    /// Its name.
    pub name: String,
    /// The UUID that vCenter knows it by.
    pub instance_uuid: Option<String>,
    /// The master target that it is planned for.
    pub master_target: Option<String>,
    /// `linux` or `windows`, where anybody says.
    pub family: Option<String>,
    /// How many disks it has on premises.
    pub disks: Option<usize>,
}

/// A server of the site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedServer {
    /// Its name in the site.
    pub name: String,
    /// What it goes by.
    pub names: ServerNames,
    /// Whether it is said to stand on premises.
    pub is_on_premises: bool,
}

/// What a site names, as it is compared with the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedSite {
    /// The machines that fail back.
    pub machines: Vec<PlannedMachine>,
    /// The configuration server.
    pub configuration_server: Option<ServerNames>,
    /// vCenter.
    pub vcenter: Option<ServerNames>,
    /// The master targets.
    pub master_targets: Vec<PlannedServer>,
    /// The process servers.
    pub process_servers: Vec<PlannedServer>,
}

/// A site beside its vault.
pub struct SiteInVault<'v> {
    /// The vault.
    pub vault: &'v Vault,
    /// The site.
    pub site: PlannedSite,
    items: Vec<Result<Item<'v>, NoItem>>,
}

/// Why a machine has no item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoItem {
    /// The vault has none.
    Missing,
    /// It cannot be told.
    Unknown(Unavailable),
}

impl From<NoItem> for Unavailable {
    fn from(none: NoItem) -> Self {
        match none {
            NoItem::Missing => Self::from("the vault has no replicated item of this machine"),
            NoItem::Unknown(why) => why,
        }
    }
}

impl<'v> SiteInVault<'v> {
    /// Matches a site's machines with the items of a vault.
    pub fn new(vault: &'v Vault, site: PlannedSite) -> Self {
        let items = site.machines.iter().map(|machine| find_item(vault, machine)).collect();
        Self { vault, site, items }
    }

    /// Returns the item of a machine.
    ///
    /// # Errors
    ///
    /// Fails where the vault has none, or it cannot be told which it is.
    pub fn item(&self, machine: &str) -> Result<Item<'v>, NoItem> {
        let place = self.site.machines.iter().position(|known| known.name == machine);
        match place {
            Some(place) => self.items[place].clone(),
            None => find_item(
                self.vault,
                &PlannedMachine { name: machine.to_owned(), ..PlannedMachine::default() },
            ),
        }
    }

    /// Returns the machines of the site that have an item, each with it.
    pub fn matched(&self) -> impl Iterator<Item = (&PlannedMachine, Item<'v>)> {
        let both = self.site.machines.iter().zip(&self.items);
        both.filter_map(|(machine, item)| Some((machine, item.clone().ok()?)))
    }

    /// Returns the items of the site's machines.
    ///
    /// # Errors
    ///
    /// Fails where one cannot be told, and where no machine of the site has one.
    pub fn all_items(&self) -> Result<Vec<Item<'v>>, Unavailable> {
        let mut items = Vec::new();
        for item in &self.items {
            match item {
                Ok(item) => items.push(*item),
                Err(NoItem::Missing) => {}
                Err(NoItem::Unknown(why)) => return Err(why.clone()),
            }
        }
        if items.is_empty() {
            return Err(Unavailable::from("no machine of the site has an item in the vault"));
        }
        Ok(items)
    }

    /// Returns what the vault shows of a machine's stage; none where it has no item of it.
    pub fn stage_of(&self, machine: &str) -> Option<StageReading> {
        let item = self.item(machine).ok()?;
        let as_of =
            self.vault.asked_at.map_or_else(String::new, |at| format!(", as of {}", minute(at)));
        Some(match item.stage() {
            Ok(reading) => StageReading { says: reading.says + &as_of, ..reading },
            Err(why) => StageReading::not_understood(EvidenceSource::Azure, why.reason + &as_of),
        })
    }

    /// Returns the classic fabric of the configuration server that the site names, or the only one.
    ///
    /// # Errors
    ///
    /// Fails where none or several may be it.
    pub fn fabric(&self) -> Result<Fabric<'v>, Unavailable> {
        let fabrics: Vec<Fabric<'v>> = self.vault.classic_fabrics().collect();
        if fabrics.is_empty() {
            self.vault.all_of(ObjectKind::Fabric)?;
            return Err(Unavailable::from("the vault has no configuration server"));
        }
        let named: Vec<Fabric<'v>> = match &self.site.configuration_server {
            Some(names) => {
                fabrics.iter().filter(|fabric| fabric.is_server(names)).copied().collect()
            }
            None => fabrics.clone(),
        };
        match named.as_slice() {
            [one] => Ok(*one),
            [] if fabrics.len() == 1 => Ok(fabrics[0]),
            _ => {
                let names: Vec<&str> = fabrics.iter().map(|fabric| fabric.name()).collect();
                Err(Unavailable::from(format!(
                    "the vault has several configuration servers, and none or several of them go by the site's name: {}",
                    names.join(", ")
                )))
            }
        }
    }

    /// Returns the entry of a master target.
    ///
    /// # Errors
    ///
    /// Fails where several may be it, and where the fabrics are not known; none is no error.
    pub fn master_target(
        &self,
        names: &ServerNames,
    ) -> Result<Option<FabricServer<'v>>, Unavailable> {
        let servers = self.vault.classic_fabrics().flat_map(Fabric::master_targets);
        self.or_none(only(servers, names)?)
    }

    /// Returns the entry of a process server.
    ///
    /// # Errors
    ///
    /// As [`SiteInVault::master_target`].
    pub fn process_server(
        &self,
        names: &ServerNames,
    ) -> Result<Option<FabricServer<'v>>, Unavailable> {
        let servers = self.vault.fabrics().flat_map(Fabric::process_servers);
        let found = only(servers, names)?;
        if found.is_none() {
            self.vault.fabrics().try_for_each(Fabric::lists_servers)?;
        }
        self.or_none(found)
    }

    fn or_none(
        &self,
        found: Option<FabricServer<'v>>,
    ) -> Result<Option<FabricServer<'v>>, Unavailable> {
        if found.is_none() {
            self.vault.all_of(ObjectKind::Fabric)?;
        }
        Ok(found)
    }
}

/// Finds the item of a machine: by the UUID that vCenter knows it by, else by a name that only one item has.
fn find_item<'v>(vault: &'v Vault, machine: &PlannedMachine) -> Result<Item<'v>, NoItem> {
    let uuid = machine.instance_uuid.as_deref().map(str::to_ascii_lowercase);
    if let Some(uuid) = &uuid {
        let mut same = vault.items().filter(|item| instance_uuid(*item).as_ref() == Some(uuid));
        match (same.next(), same.next()) {
            (Some(item), None) => return Ok(item),
            (Some(_), Some(_)) => {
                return Err(NoItem::Unknown(Unavailable::from(format!(
                    "several items have the UUID {uuid}"
                ))));
            }
            (None, _) => {}
        }
    }
    let named: Vec<Item<'v>> =
        vault.items().filter(|item| item.name().eq_ignore_ascii_case(&machine.name)).collect();
    match named.as_slice() {
        [one] => match (instance_uuid(*one), uuid) {
            (Some(theirs), Some(own)) if theirs != own => {
                Err(NoItem::Unknown(Unavailable::from(format!(
                    "the item named {} is of another machine: its UUID is {theirs}, and vCenter says {own}",
                    machine.name
                ))))
            }
            _ => Ok(*one),
        },
        [] => match vault.all_of(ObjectKind::Item) {
            Ok(()) => Err(NoItem::Missing),
            Err(why) => Err(NoItem::Unknown(why)),
        },
        many => Err(NoItem::Unknown(Unavailable::from(format!(
            "{} items are named {}",
            many.len(),
            machine.name
        )))),
    }
}

/// The UUID of its machine in vCenter, which the modernised provider writes behind the vCenter's name.
fn instance_uuid(item: Item<'_>) -> Option<String> {
    let discovered = text(item.details(), "fabricDiscoveryMachineId").map(last_name);
    let name = text(&item.object.body, "name");
    [discovered, name].into_iter().flatten().find_map(|name| {
        let uuid = name.rsplit_once('_')?.1.to_ascii_lowercase();
        let is_uuid = uuid.len() == 36
            && uuid.bytes().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        is_uuid.then_some(uuid)
    })
}
