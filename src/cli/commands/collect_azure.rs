//! `collect azure`: saves the answers of Azure about a vault as a capture.

use std::io::Write;
use std::path::Path;

use anyhow::Context;

use crate::atomic_file::{AtomicFile, Visibility};
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
    save(&answers, args.out.as_deref())?;
    print_missing(&answers);
    Ok(if was_interrupted {
        ExitStatus::Interrupted
    } else if vault::failure(&answers).is_some() {
        ExitStatus::Undecided
    } else {
        ExitStatus::Clean
    })
}

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
        None => std::io::stdout().write_all(&text)?,
    }
    Ok(())
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
