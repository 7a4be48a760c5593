//! Collects the answers of Azure about a vault, and prints why there are none.
//!
//! Not for how it is asked (`azure`), nor for what the answers mean (`facts::azure`).

use super::interrupt;
use super::terminal::failure::message;
use super::terminal::progress::CountProgress;
use crate::facts::azure::answers::{AzureAnswer, AzureFailure, VaultAnswers};
use crate::transport::azure::{AzureQuery, CollectedVault};

/// The answers about a vault, or how to collect them.
pub enum VaultSource {
    /// A query that collects them.
    Live(Box<AzureQuery>),
    /// Those of a capture, or a failure to ask.
    Recorded(VaultAnswers),
}

impl VaultSource {
    /// Collects the answers.
    pub fn collect(self) -> anyhow::Result<CollectedVault> {
        match self {
            Self::Live(query) => {
                let stop = interrupt::stop_flag()?;
                let progress = CountProgress::start("answers of Azure");
                Ok(query.collect(&stop, |count| progress.set(count)))
            }
            Self::Recorded(answers) => Ok(CollectedVault { answers, was_interrupted: false }),
        }
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
