//! `collect azure`: saves the answers of Azure about a vault as a capture.

use crate::cli::args::CollectAzureArgs;
use crate::cli::reporting::check_writable;
use crate::cli::terminal::failure::message;
use crate::cli::{ExitStatus, azure, vault};
use crate::facts::azure::answers::VaultAnswers;
use crate::transport::azure::CollectedVault;

/// The most missing answers that are printed one by one.
const MAX_PRINTED: usize = 5;

/// Collects from a vault.
pub fn collect_azure(args: &CollectAzureArgs) -> anyhow::Result<ExitStatus> {
    check_writable(args.out.as_deref())?;
    let vault = azure::named(&args.target, &args.azure)?;
    let CollectedVault { answers, was_interrupted } = vault.collect()?;
    vault::save(&answers, args.out.as_deref())?;
    print_missing(&answers);
    Ok(vault::exit_status(&answers, was_interrupted))
}

/// Prints which answers are missing, and why.
fn print_missing(answers: &VaultAnswers) {
    let failed = answers.answers.iter().filter_map(|answer| Some((answer, answer.failure()?)));
    let mut failed = failed.map(|(answer, failure)| {
        let path = answer.path.as_deref().unwrap_or("an answer");
        format!("{path}: {}", failure.reason)
    });
    for line in failed.by_ref().take(MAX_PRINTED) {
        anstream::eprintln!("preflight: {}", message(&line));
    }
    match failed.count() {
        0 => {}
        more => anstream::eprintln!("preflight: {more} more answers are missing, see the capture"),
    }
}
