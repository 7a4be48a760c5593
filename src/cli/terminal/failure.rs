//! Prints why systems could not be collected from.
//!
//! Not for errors that end a command (`cli::error`).

use super::screen;
use crate::facts::transcript::Transcript;
use crate::secret::redact_message;
use crate::transport::fleet;

/// The most failed systems that are printed one by one.
const MAX_PRINTED: usize = 5;

/// Prints which systems could not be collected from, why, and what to do. The findings show what is
/// unknown because of it.
pub fn print_failures<'t>(transcripts: impl IntoIterator<Item = &'t Transcript>) {
    let failed = transcripts.into_iter().filter(|transcript| !fleet::was_interrupted(transcript));
    let mut failed = failed.filter_map(|transcript| {
        Some((&transcript.target, transcript.connection.failure.as_ref()?))
    });
    for (target, failure) in failed.by_ref().take(MAX_PRINTED) {
        anstream::eprintln!("preflight: {}", message(&format!("{target}: {}", failure.reason)));
        if let Some(hint) = &failure.hint {
            anstream::eprintln!("  hint: {}", message(hint));
        }
    }
    match failed.count() {
        0 => {}
        more => {
            anstream::eprintln!("preflight: {more} more systems did not answer, see the report")
        }
    }
}

/// Returns a message as printable text without passwords in addresses.
pub fn message(text: &str) -> String {
    screen::printable(&redact_message(text))
}
