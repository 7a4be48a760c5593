//! A site beside its vault: which item belongs to which machine, which entry to which server.
//!
//! Not for the facts that follow (`machine`, `plan`, `registered`).

use super::item::Item;
use super::matching::{Likeness, likeness};
use super::object::ObjectKind;
use super::read::minute;
use super::servers::{Fabric, FabricServer, ServerNames, only};
use super::vault::Vault;
use crate::facts::Unavailable;
use crate::facts::stage::{EvidenceSource, StageReading};
use crate::facts::vsphere::identity::MachineIdentity;

/// A machine that fails back, as the site knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlannedMachine {
    /// Its name.
    pub name: String,
    /// What Azure calls it, where that is another name.
    pub azure_name: Option<String>,
    /// What it can be told by in vCenter; empty where vCenter was not asked.
    pub known: MachineIdentity,
    /// The master target that it is planned for.
    pub master_target: Option<String>,
    /// The datastore that it is planned for.
    pub datastore: Option<String>,
    /// The datastores that vCenter shows its master target's host to reach, by name, with their UUIDs.
    pub reached: Vec<(String, String)>,
    /// The static address that it has at home.
    pub address: Option<String>,
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
    items: Vec<Result<FoundItem<'v>, NoItem>>,
}

/// The item of a machine, and how it was recognised.
#[derive(Clone, Copy)]
struct FoundItem<'v> {
    item: Item<'v>,
    likeness: Likeness,
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
        self.found(machine).map(|found| found.item)
    }

    fn found(&self, machine: &str) -> Result<FoundItem<'v>, NoItem> {
        let place = self.site.machines.iter().position(|known| known.name == machine);
        match place {
            Some(place) => self.items[place].clone(),
            None => find_item(
                self.vault,
                &PlannedMachine { name: machine.to_owned(), ..PlannedMachine::default() },
            ),
        }
    }

    /// Whether a machine of vCenter and its item have nothing but their name in common: then it is a guess that they are one.
    pub fn is_guess(&self, machine: &str) -> bool {
        let place = self.site.machines.iter().position(|known| known.name == machine);
        place.is_some_and(|place| {
            let is_name_alone =
                self.items[place].as_ref().is_ok_and(|found| found.likeness == Likeness::NameAlone);
            is_name_alone && self.site.machines[place].known.has_marks()
        })
    }

    /// Returns the machines of the site that have an item, each with it.
    pub fn matched(&self) -> impl Iterator<Item = (&PlannedMachine, Item<'v>)> {
        let both = self.site.machines.iter().zip(&self.items);
        both.filter_map(|(machine, item)| Some((machine, item.as_ref().ok()?.item)))
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
                Ok(found) => items.push(found.item),
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
        let mut as_of =
            self.vault.asked_at.map_or_else(String::new, |at| format!(", as of {}", minute(at)));
        let item = match self.item(machine) {
            Ok(item) => item,
            // Several items may be it, or one that is of another machine: then nobody but a person can say.
            Err(NoItem::Unknown(why)) if self.vault.all_of(ObjectKind::Item).is_ok() => {
                return Some(StageReading::not_understood(
                    EvidenceSource::Azure,
                    why.reason + &as_of,
                ));
            }
            Err(_) => return None,
        };
        if self.is_guess(machine) {
            as_of.push_str(", if it is the machine in vCenter: their names are all that agrees");
        }
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
            self.vault.fabrics().try_for_each(Fabric::has_known_kind)?;
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
        let found = only(servers, names)?;
        if found.is_none() {
            self.vault.fabrics().try_for_each(Fabric::has_known_kind)?;
            let mut classic = self.vault.classic_fabrics();
            classic.try_for_each(|fabric| fabric.says_list("masterTargetServers"))?;
        }
        self.or_none(found)
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
            self.vault.fabrics().try_for_each(Fabric::has_known_kind)?;
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

/// Finds the item of a machine: the one that it is by what identifies it, else the only one of its name.
fn find_item<'v>(vault: &'v Vault, machine: &PlannedMachine) -> Result<FoundItem<'v>, NoItem> {
    let name = machine.azure_name.as_ref().unwrap_or(&machine.name);
    let known = MachineIdentity { name: name.clone(), ..machine.known.clone() };
    let compared: Vec<(Likeness, Item<'v>)> =
        vault.items().map(|item| (likeness(item, &known), item)).collect();
    let those = |wanted: fn(&Likeness) -> bool| -> Vec<(Likeness, Item<'v>)> {
        compared.iter().filter(|(likeness, _)| wanted(likeness)).copied().collect()
    };
    let same = those(|likeness| matches!(likeness, Likeness::Same(_)));
    let named = those(|likeness| matches!(likeness, Likeness::NameAnd(_) | Likeness::NameAlone));
    let found = if same.is_empty() { named } else { same };
    match found.as_slice() {
        [(likeness, item)] => Ok(FoundItem { item: *item, likeness: *likeness }),
        [] => {
            let is_named = |item: &Item<'_>| item.name().eq_ignore_ascii_case(name);
            let other = compared.iter().find_map(|(likeness, item)| match likeness {
                Likeness::Other(what) if is_named(item) => Some(*what),
                _ => None,
            });
            if let Some(what) = other {
                return Err(NoItem::Unknown(Unavailable::from(format!(
                    "the item named {} is of another machine: its {what} is not the one that vCenter says",
                    machine.name
                ))));
            }
            match vault.all_of(ObjectKind::Item) {
                Ok(()) => Err(NoItem::Missing),
                Err(why) => Err(NoItem::Unknown(why)),
            }
        }
        many => {
            let how = match many[0].0 {
                Likeness::Same(what) => format!("have the {what} of {name}"),
                _ => format!("are named {name}"),
            };
            let count = many.len();
            Err(NoItem::Unknown(Unavailable::from(format!("{count} items {how}"))))
        }
    }
}
