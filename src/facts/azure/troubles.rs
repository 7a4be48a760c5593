//! What went wrong with the machines of a vault, by code: their newest failed jobs and the errors of their replication.
//!
//! Not for what a code means (`knowledge`).

use jiff::Timestamp;

use super::item::{AzureError, Item};
use super::vault::Vault;

/// Something that went wrong with a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineTrouble {
    /// The machine.
    pub machine: String,
    /// The job that failed, in words; none for an error of its replication.
    pub job: Option<String>,
    /// When it was noticed.
    pub at: Option<Timestamp>,
    /// The error; without code and message where Azure was not asked why.
    pub error: AzureError,
}

impl Vault {
    /// Returns what went wrong with each machine that `is_meant` takes: errors of failed jobs first, then those of its health
    /// that are more than notices, the newest first.
    pub fn troubles(&self, is_meant: impl Fn(&str) -> bool) -> Vec<MachineTrouble> {
        let meant = self.items().filter(|item| is_meant(item.name()));
        meant.flat_map(troubles_of).collect()
    }
}

fn troubles_of(item: Item<'_>) -> Vec<MachineTrouble> {
    let mut troubles: Vec<MachineTrouble> = Vec::new();
    // Without the list of jobs there are none to tell of.
    if let Ok(Some(job)) = item.failed_job() {
        let mut errors = job.errors();
        if errors.is_empty() {
            errors.push(AzureError::default());
        }
        troubles.extend(errors.into_iter().map(|error| MachineTrouble {
            machine: item.name().to_owned(),
            job: Some(job.words()),
            at: error.at.or(job.ended_at()).or(job.started_at()),
            error,
        }));
    }
    let mut of_health: Vec<AzureError> =
        item.errors().filter(|error| error.level != "Info").collect();
    of_health.sort_by_key(|error| std::cmp::Reverse(error.at));
    troubles.extend(of_health.into_iter().map(|error| MachineTrouble {
        machine: item.name().to_owned(),
        job: None,
        at: error.at,
        error,
    }));
    troubles
}
