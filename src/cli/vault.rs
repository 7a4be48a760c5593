//! Collects the answers of Azure about a vault, saves them, and prints why there are none.
//!
//! Not for how it is asked (`azure`), nor for what the answers mean (`facts::azure`).

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use super::terminal::failure::message;
use super::terminal::progress::CountProgress;
use super::terminal::screen;
use super::{ExitStatus, interrupt};
use crate::atomic_file::{AtomicFile, Visibility};
use crate::facts::azure::answers::{AzureAnswer, AzureFailure, VaultAnswers};
use crate::transport::azure::{AzureQuery, CollectedVault};

/// The answers about a vault, or how to collect them.
pub enum VaultSource {
    /// A query that collects them.
    Live(Box<AzureQuery>),
    /// Those of a capture or of a run that has ended, or a failure to ask.
    Recorded(CollectedVault),
}

impl VaultSource {
    /// Returns the source of answers that are there.
    pub fn recorded(answers: VaultAnswers) -> Self {
        Self::Recorded(CollectedVault { answers, was_interrupted: false })
    }

    /// Makes answers without a time those of a moment that was given.
    #[must_use]
    pub fn or_asked_at(mut self, moment: Option<jiff::Timestamp>) -> Self {
        if let (Self::Recorded(collected), Some(moment)) = (&mut self, moment) {
            collected.answers.or_asked_at(moment);
        }
        self
    }

    /// Asks about these machines alone, where all of them are machines of the vault.
    #[must_use]
    pub fn limited_to(mut self, machines: &[String]) -> Self {
        if let Self::Live(query) = &mut self {
            query.machines = machines.to_vec();
        }
        self
    }

    /// Collects the answers.
    pub fn collect(self) -> anyhow::Result<CollectedVault> {
        match self {
            Self::Live(query) => {
                let stop = interrupt::stop_flag()?;
                let progress = CountProgress::start("answers of Azure");
                Ok(query.collect(&stop, |count| progress.set(count)))
            }
            Self::Recorded(collected) => Ok(collected),
        }
    }
}

/// The name of the capture in the directory of `collect site`.
pub const CAPTURE: &str = "azure.json";

/// Saves answers to a file or standard output.
pub fn save(answers: &VaultAnswers, out: Option<&Path>) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(answers)?;
    text.push(b'\n');
    match out {
        Some(path) => {
            let out = AtomicFile::open(path, true, Visibility::ByUmask, &[])?;
            let unwritten = || format!("cannot write {}", path.display());
            out.file().write_all(&text).with_context(unwritten)?;
            out.commit()?;
        }
        None => screen::stdout().write_all(&text)?,
    }
    Ok(())
}

/// Returns the exit status of collecting these answers.
pub fn exit_status(answers: &VaultAnswers, was_interrupted: bool) -> ExitStatus {
    if was_interrupted {
        ExitStatus::Interrupted
    } else if failure(answers).is_some() {
        ExitStatus::Undecided
    } else {
        ExitStatus::Clean
    }
}

/// Returns why nothing is known of a vault; none when it answered.
pub fn failure(vault: &VaultAnswers) -> Option<&AzureFailure> {
    let nothing = vault.answers.iter().all(|answer| answer.objects().is_empty());
    vault.answers.iter().find_map(AzureAnswer::failure).filter(|_| nothing)
}

/// Prints why nothing is known of a vault. What else is missing stands in the findings.
pub fn print_failure(vault: &VaultAnswers) {
    if let Some(failure) = failure(vault) {
        let name = vault.vault.as_deref().map_or("Azure", |id| id.rsplit('/').next().unwrap_or(id));
        anstream::eprintln!("preflight: {}", message(&format!("{name}: {}", failure.reason)));
    }
}
