//! What the vault shows of one Hyper-V machine.
//!
//! Not for what all machines have (`machine`).

use super::item::Item;
use super::jobs::VaultJob;
use super::object::{ObjectKind, last_name};
use super::read::{flag, minute, text};
use super::shown::{Shown, ShownResult};
use super::words::word;
use crate::facts::Unavailable;
use crate::facts::stage::azure::ItemProvider;

/// Minutes that a planned failover may wait: a day (own limit).
const DAY: i64 = 24 * 60;

fn hyperv(item: Item<'_>) -> Result<(), Unavailable> {
    match item.provider()? {
        ItemProvider::Hyperv => Ok(()),
        _ => Err(Unavailable::from("it is no Hyper-V machine")),
    }
}

/// Whether its disks are in a storage account.
pub(super) fn storage_account(item: Item<'_>) -> ShownResult {
    hyperv(item)?;
    let details = item.details();
    if flag(details, "useManagedDisks")? {
        return Ok(Shown::doubtful("it uses managed disks"));
    }
    let account = text(details, "recoveryAzureStorageAccount").map(last_name);
    Ok(Shown::good(format!("its disks are in {}", account.unwrap_or("a storage account"))))
}

/// Whether its failover is committed.
pub(super) fn hyperv_committed(item: Item<'_>) -> ShownResult {
    hyperv(item)?;
    let is_away = word(item.properties(), "activeLocation") == Some("Recovery");
    match (is_away, item.offers("Commit"), item.offers("PlannedFailover")) {
        (true, true, _) => Ok(Shown::bad("Commit is offered")),
        (true, false, true) => Ok(Shown::good("Planned failover is offered, and Commit is not")),
        _ => Err(Unavailable::from(format!("protectionState is {}", item.state()))),
    }
}

/// Whether its job does not wait for Complete Failover.
pub(super) fn job_goes_on(item: Item<'_>) -> ShownResult {
    hyperv(item)?;
    item.vault.all_of(ObjectKind::Job)?;
    let waiting =
        item.jobs().into_iter().find(|job| job.scenario() == "PlannedFailover" && job.waits());
    let job = waiting.ok_or("no planned failover of it is known to wait")?;
    let since = job.started_at().ok_or("Azure does not say since when its job runs")?;
    let words = format!("{} and waits for Complete Failover", job.words());
    if item.vault.minutes_since(since, DAY)? >= DAY {
        return Ok(Shown::bad(words));
    }
    Ok(Shown::good(words))
}

/// Whether no planned failover of it waits for Complete Failover.
pub(super) fn nothing_waits(item: Item<'_>) -> ShownResult {
    hyperv(item)?;
    item.vault.all_of(ObjectKind::Job)?;
    let is_failover = |job: &VaultJob<'_>| job.scenario() == "PlannedFailover";
    let newest = item.jobs().into_iter().find(is_failover);
    match newest.ok_or("no planned failover of it is known")? {
        job if job.waits() => {
            Ok(Shown::bad(format!("{} and waits for Complete Failover", job.words())))
        }
        job => Err(Unavailable::from(job.words())),
    }
}

/// Whether Reverse Replicate was pressed after Commit.
pub(super) fn reversed(item: Item<'_>) -> ShownResult {
    hyperv(item)?;
    if item.state() == "RestoreFinalized" && item.offers("ReverseReplicate") {
        return Ok(Shown::bad("the failback is committed, and Reverse Replicate is offered"));
    }
    Err(Unavailable::from(format!("protectionState is {}", item.state())))
}

/// How long it has been in Azure, for the choice of how its data is synchronised: that choice is a person's, so this never holds or
/// fails.
pub(super) fn synchronisation(item: Item<'_>) -> ShownResult {
    hyperv(item)?;
    let since = item.failed_over_at()?;
    let days = item.vault.minutes_since(since, DAY)? / DAY;
    let advice = if days >= 30 {
        "after a month, synchronising during the failover is meant for it"
    } else {
        "within a month, synchronising before the failover is meant for it"
    };
    Err(Unavailable::from(format!(
        "it has been in Azure since {}, for {days} days: {advice}, and the choice is a person's",
        minute(since)
    )))
}
