//! What the vault shows of a machine beside its master target: the agents and systems of both, and the datastore.
//!
//! Not for the master target alone (`registered`).

use super::item::Item;
use super::read::{list, release, text};
use super::servers::{Fabric, FabricServer};
use super::shown::{Shown, ShownResult};
use super::survey::{PlannedMachine, SiteInVault};
use crate::facts::Unavailable;

/// The master target that a machine replicates through, or is planned for.
fn target_of<'v>(
    survey: &SiteInVault<'v>,
    planned: Option<&PlannedMachine>,
    item: Item<'_>,
) -> Result<FabricServer<'v>, Unavailable> {
    if let Some(id) = item.master_target_id() {
        let mut all = survey.vault.classic_fabrics().flat_map(Fabric::master_targets);
        let named = all.find(|target| target.id() == Some(id));
        return named.ok_or_else(|| Unavailable::from("its master target is not listed"));
    }
    let name = planned.and_then(|machine| machine.master_target.as_deref());
    let target =
        survey.site.master_targets.iter().find(|target| Some(target.name.as_str()) == name);
    let target = target.ok_or("no master target is planned for it")?;
    let found = survey.master_target(&target.names)?;
    found.ok_or_else(|| Unavailable::from(format!("the vault does not list {}", target.name)))
}

/// Whether the agent of a machine is no newer than that of its master target.
pub(super) fn agent_beside_target(
    survey: &SiteInVault<'_>,
    planned: Option<&PlannedMachine>,
    item: Item<'_>,
) -> ShownResult {
    let target = target_of(survey, planned, item)?;
    let (own, theirs) = (item.agent_version()?, target.version()?);
    let parts = |version: &str| {
        release(version).ok_or_else(|| Unavailable::from(format!("{version:?} is not a version")))
    };
    let words = format!("its agent is {own}, and that of {} is {theirs}", target.name());
    if parts(own)? > parts(theirs)? {
        return Ok(Shown::bad(words));
    }
    Ok(Shown::good(words))
}

/// Whether a machine and its master target run the same family of systems.
pub(super) fn system_beside_target(
    survey: &SiteInVault<'_>,
    planned: Option<&PlannedMachine>,
    item: Item<'_>,
) -> ShownResult {
    let target = target_of(survey, planned, item)?;
    let (own, theirs) = (item.family()?, target.family()?);
    let words = format!("it runs {own}, and {} runs {theirs}", target.name());
    Ok(if own == theirs { Shown::good(words) } else { Shown::bad(words) })
}

/// Whether the datastore that a machine is planned for is among those of its master target; the list is as old as the last discovery.
pub(super) fn datastore(
    survey: &SiteInVault<'_>,
    planned: Option<&PlannedMachine>,
    item: Item<'_>,
) -> ShownResult {
    let planned_store = planned.and_then(|machine| machine.datastore.as_deref());
    let wanted = planned_store.or(item.datastore()).ok_or("no datastore is planned for it")?;
    let target = target_of(survey, planned, item)?;
    if let Some(why) = target.fabric.silence() {
        return Err(why);
    }
    let of_vcenter = planned.into_iter().flat_map(|machine| &machine.reached);
    let mut of_vcenter = of_vcenter.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let uuid = of_vcenter.next().map(|(_, uuid)| uuid.as_str());
    let stores: Vec<(&str, Option<&str>)> = list(target.entry, "dataStores")
        .iter()
        .filter_map(|store| Some((text(store, "symbolicName")?, text(store, "uuid"))))
        .collect();
    if stores.is_empty() {
        return Err(Unavailable::from(format!("no datastore of {} is known", target.name())));
    }
    let is_uuid =
        |known: Option<&str>| known.zip(uuid).map(|(known, uuid)| known.eq_ignore_ascii_case(uuid));
    // A datastore may have been renamed since the last discovery, or be another one of this name.
    let same = stores.iter().find(|(_, known)| is_uuid(*known) == Some(true));
    let named = stores.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let target = target.name();
    Ok(match (same, named) {
        (Some((name, _)), _) if !name.eq_ignore_ascii_case(wanted) => {
            Shown::good(format!("{target} reaches {wanted}, which the vault calls {name}"))
        }
        (None, Some((_, known))) if is_uuid(*known) == Some(false) => Shown::bad(format!(
            "{target} reaches a datastore {wanted} with the UUID {}, and vCenter's has {}",
            known.unwrap_or_default(),
            uuid.unwrap_or_default()
        )),
        (Some(_), _) | (_, Some(_)) => Shown::good(format!("{target} reaches {wanted}")),
        (None, None) => {
            let others: Vec<&str> = stores.iter().map(|(name, _)| *name).collect();
            Shown::bad(format!("{target} reaches {}, and not {wanted}", others.join(", ")))
        }
    })
}
