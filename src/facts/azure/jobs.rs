//! The jobs of a machine: which runs, and which failed and with what.
//!
//! The list of jobs says that one failed and not why: its errors come from a GET of the job. Not for what an error means
//! (`knowledge`).

use jiff::Timestamp;
use serde_json::Value;

use super::item::{AzureError, Item, line};
use super::object::{ObjectKind, id_key};
use super::read::{list, minute, moment, text};
use super::vault::VaultObject;
use super::words::{known_word, word};
use crate::facts::Unavailable;

/// A code that stands beside the one that says why; never alone.
const GENERIC: &[&str] = &["539", "0", ""];

/// A job of the vault.
#[derive(Clone, Copy)]
pub struct VaultJob<'v> {
    object: &'v VaultObject,
}

impl<'v> VaultJob<'v> {
    fn properties(self) -> &'v Value {
        self.object.properties()
    }

    /// What it does, in Azure's word: `UnplannedFailover`, `SwitchReplicationGroupProtection`.
    pub fn scenario(self) -> &'v str {
        word(self.properties(), "scenarioName").unwrap_or_default()
    }

    /// What it does, as the portal names it.
    pub fn name(self) -> String {
        line(text(self.properties(), "friendlyName").unwrap_or_else(|| self.scenario()))
    }

    /// `InProgress`, `Succeeded`, `Failed`, `Suspended`, `Cancelled`, `NotStarted` or another word.
    pub fn state(self) -> &'v str {
        word(self.properties(), "state").unwrap_or_default()
    }

    /// When it began.
    pub fn started_at(self) -> Option<Timestamp> {
        moment(self.properties(), "startTime").ok()
    }

    /// When it ended.
    pub fn ended_at(self) -> Option<Timestamp> {
        moment(self.properties(), "endTime").ok()
    }

    /// Whether it waits for a person: it can be gone on with.
    pub fn waits(self) -> bool {
        let actions = list(self.properties(), "allowedActions").iter();
        let tasks = list(self.properties(), "tasks").iter();
        let of_tasks = tasks.flat_map(|task| list(task, "allowedActions"));
        let mut actions = actions.chain(of_tasks).filter_map(Value::as_str).map(known_word);
        self.state() == "Suspended"
            || (self.state() == "InProgress" && actions.any(|action| action != "Cancel"))
    }

    /// Whether it is about an item. Ids change with every Re-protect, so the name counts where only one item has it.
    fn is_of(self, item: Item<'_>) -> bool {
        let properties = self.properties();
        let details = item.details();
        let target = text(properties, "targetObjectId").map(str::to_ascii_lowercase);
        let own = ["vmId", "internalIdentifier", "infrastructureVmId", "replicaId"].iter();
        let has_id = |target: &String| {
            own.clone()
                .filter_map(|name| text(details, name))
                .any(|id| id.eq_ignore_ascii_case(target))
        };
        if target.as_ref().is_some_and(has_id) {
            return true;
        }
        if let Some(made) = text(properties, "customDetails.newReplicationProtectedItemId")
            && id_key(made) == id_key(item.id())
        {
            return true;
        }
        let name = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let Some(named) = text(properties, "targetObjectName") else { return false };
        let alike = item.vault.items().filter(|other| name(other.name(), item.name())).count();
        alike == 1 && name(named, item.name())
    }

    /// Returns its errors, each once, without one that says no more than that there is another.
    pub fn errors(self) -> Vec<AzureError> {
        let properties = self.properties();
        let tasks = list(properties, "tasks").iter().flat_map(|task| list(task, "errors"));
        let mut errors: Vec<AzureError> = Vec::new();
        for entry in list(properties, "errors").iter().chain(tasks) {
            for error in job_errors(entry) {
                if !errors
                    .iter()
                    .any(|known| known.code == error.code && known.message == error.message)
                {
                    errors.push(error);
                }
            }
        }
        if errors.iter().any(|error| !GENERIC.contains(&error.code.as_str())) {
            errors.retain(|error| !GENERIC.contains(&error.code.as_str()));
        }
        errors
    }

    /// Returns it in words.
    pub fn words(self) -> String {
        let began = self.started_at().map_or_else(String::new, |at| format!(" of {}", minute(at)));
        format!("the job {}{began} is {}", self.name(), self.state())
    }
}

/// Returns what one error of a job says: the service's own, and the provider's where that has a code.
fn job_errors(entry: &Value) -> impl Iterator<Item = AzureError> {
    let level = line(word(entry, "errorLevel").unwrap_or_default());
    let at = moment(entry, "creationTime").or_else(|_| moment(entry, "creationTimeUtc")).ok();
    let read = move |path: &str, code: &str, message: &str| {
        let part = super::read::member(entry, path)?;
        let said = |name: &str| line(text(part, name).unwrap_or_default());
        let code = match super::read::member(part, code) {
            Some(Value::Number(number)) => number.to_string(),
            _ => said(code),
        };
        let error = AzureError {
            level: level.clone(),
            code,
            message: said(message),
            causes: said("possibleCauses"),
            action: said("recommendedAction"),
            at,
        };
        let says_something = !matches!(error.code.as_str(), "" | "0") || !error.message.is_empty();
        says_something.then_some(error)
    };
    let service = read("serviceErrorDetails", "code", "message");
    let provider = read("providerErrorDetails", "errorCode", "errorMessage");
    let plain = (service.is_none() && provider.is_none()).then(|| AzureError::from_body(entry));
    let plain = plain.filter(|error| !error.code.is_empty() || !error.message.is_empty());
    service.into_iter().chain(provider).chain(plain)
}

impl<'v> Item<'v> {
    /// Returns its jobs, the newest first.
    pub fn jobs(self) -> Vec<VaultJob<'v>> {
        let vault = self.vault;
        let mut jobs: Vec<VaultJob<'v>> =
            vault.objects(ObjectKind::Job).map(|object| VaultJob { object }).collect();
        jobs.retain(|job| job.is_of(self));
        jobs.sort_by_key(|job| std::cmp::Reverse(job.started_at()));
        jobs
    }

    /// Returns its newest failed job, unless a later one of the same kind succeeded.
    ///
    /// # Errors
    ///
    /// Fails where none is known, and not all jobs are.
    pub fn failed_job(self) -> Result<Option<VaultJob<'v>>, Unavailable> {
        let jobs = self.jobs();
        let failed = jobs.iter().find(|failed| {
            let is_mended = jobs.iter().any(|later| {
                later.scenario() == failed.scenario()
                    && later.state() == "Succeeded"
                    && later.started_at() > failed.started_at()
            });
            failed.state() == "Failed" && !is_mended
        });
        // One that is known failed, whatever else is not known.
        match failed {
            Some(failed) => Ok(Some(*failed)),
            None => self.vault.all_of(ObjectKind::Job).map(|()| None),
        }
    }

    /// Returns when its last first copy ended.
    pub fn copied_at(self) -> Option<Timestamp> {
        let is_copy = |job: &VaultJob<'v>| {
            matches!(job.scenario(), "PrimaryIrCompletion" | "SecondaryIrCompletion")
                && job.state() == "Succeeded"
        };
        self.jobs().into_iter().filter(is_copy).filter_map(VaultJob::ended_at).max()
    }

    /// Returns when its last Re-protect ended.
    pub fn reprotected_at(self) -> Option<Timestamp> {
        let is_reprotect = |job: &VaultJob<'v>| {
            matches!(
                job.scenario(),
                "SwitchReplicationGroupProtection" | "SwitchProtection" | "Reprotect"
            ) && job.state() == "Succeeded"
        };
        self.jobs().into_iter().filter(is_reprotect).filter_map(VaultJob::ended_at).max()
    }
}
