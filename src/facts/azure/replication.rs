//! Whether a machine replicates home as it should: its state, its health, its disks and its recovery points.
//!
//! Not for the stage that follows from the state (`facts::stage`).

use super::item::Item;
use super::object::ObjectKind;
use super::read::{flag, member, minute, moment, text};
use super::shown::{Shown, ShownResult};
use super::words::required_word;
use crate::facts::Unavailable;
use crate::facts::stage::Stage;

/// Minutes after Re-protect by which a first recovery point is due (own limit).
const POINT_IS_DUE: i64 = 60;

/// Whether a machine is protected from Azure home, and healthy. That a failover is offered does not say so: it was offered on a
/// machine in a critical state.
pub(super) fn replication(item: Item<'_>) -> ShownResult {
    let stage = item.stage()?;
    if stage.fits.first() != Some(&Stage::Replicating) {
        return Err(Unavailable::from(format!("it does not replicate home: {}", stage.says)));
    }
    if !item.is_copied() {
        return Ok(Shown::bad(format!("its first copy has not ended: {}", stage.says)));
    }
    Shown::all([health(item), resynchronisation(item), first_copy(item)])
}

fn health(item: Item<'_>) -> ShownResult {
    let word = required_word(item.properties(), "replicationHealth")?;
    let errors: Vec<String> = item
        .errors()
        .filter(|error| error.level == "Error" || (error.level != "Info" && word != "Normal"))
        .map(|error| error.words())
        .collect();
    let told = if errors.is_empty() { String::new() } else { format!(": {}", errors.join("; ")) };
    let words = format!("replication health is {word}{told}");
    let is_error = item.errors().any(|error| error.level == "Error");
    match word {
        "Critical" => Ok(Shown::bad(words)),
        _ if is_error => Ok(Shown::bad(words)),
        "Normal" => Ok(Shown::good(words)),
        "Warning" => Ok(Shown::doubtful(words)),
        _ => Err(Unavailable::from(words)),
    }
}

/// Whether every disk of the modernised provider has been copied once; the classic one says so by its state.
fn first_copy(item: Item<'_>) -> ShownResult {
    for disk in item.disks()? {
        let is_copied = match member(disk, "isInitialReplicationComplete") {
            Some(_) => flag(disk, "isInitialReplicationComplete")?,
            None => true,
        };
        if !is_copied {
            let name = text(disk, "diskName").unwrap_or("a disk");
            return Ok(Shown::bad(format!("the first copy of {name} has not ended")));
        }
    }
    Ok(Shown::good("all disks are copied"))
}

/// Whether a machine needs no resynchronisation.
pub(super) fn resynchronisation(item: Item<'_>) -> ShownResult {
    Ok(match item.resynchronisation()? {
        Some(words) => Shown::bad(format!("a resynchronisation is required: {words}")),
        None => Shown::good("no resynchronisation is required"),
    })
}

/// Whether a machine has a recovery point of its way home: one later than what began that way.
pub(super) fn first_point(item: Item<'_>) -> ShownResult {
    if !item.provider()?.is_back() {
        return Err(Unavailable::from("it does not replicate home"));
    }
    let vault = item.vault;
    let points = vault.objects_below(ObjectKind::RecoveryPoint, item.id());
    let newest =
        points.filter_map(|point| moment(point.properties(), "recoveryPointTime").ok()).max();
    let reprotected = item.reprotected_at();
    // Between the failover to Azure and the way home nothing replicates, so a point after it is one of the way home.
    let begun = reprotected.max(item.failed_over_at().ok());
    match (newest, begun) {
        (Some(point), Some(begun)) if point > begun => {
            Ok(Shown::good(format!("the newest is of {}", minute(point))))
        }
        (Some(point), Some(begun)) => Err(Unavailable::from(format!(
            "the newest is of {}, before the way home began at {}",
            minute(point),
            minute(begun)
        ))),
        (Some(point), None) => Err(Unavailable::from(format!(
            "the newest is of {}, and nothing says when the way home began",
            minute(point)
        ))),
        (None, _) => {
            vault.all_below(ObjectKind::RecoveryPoint, Some(item.id()))?;
            // The first copy may take days, and there is no point before its end.
            if !item.is_copied() {
                return Err(Unavailable::from(format!(
                    "Azure lists none, and its first copy has not ended: protectionState is {}",
                    item.state()
                )));
            }
            let since = reprotected.max(item.copied_at());
            let since = since.ok_or("Azure lists none, and does not say when Re-protect ended")?;
            if vault.minutes_since(since, POINT_IS_DUE)? < POINT_IS_DUE {
                return Err(Unavailable::from(format!(
                    "Azure lists none, and the way home began at {}",
                    minute(since)
                )));
            }
            Ok(Shown::bad(format!("there is none since the way home began at {}", minute(since))))
        }
    }
}
