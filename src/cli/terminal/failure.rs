//! Why systems could not be asked, for a person.
//!
//! Not for errors that end a command: `error` prints those.

use super::screen;
use crate::facts::transcript::Transcript;
use crate::secret::redact_message;
use crate::transport::fleet;

/// How many systems that could not be asked are told one by one.
const MAX_PRINTED: usize = 5;

/// Says which systems could not be asked, why, and what to do about it: the findings say what is
/// unknown for it.
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
        more => anstream::eprintln!("preflight: {more} more could not be asked, see the report"),
    }
}

/// A text for a person: whatever an error quotes, a password in an address is not shown.
pub fn message(text: &str) -> String {
    screen::printable(&redact_message(text))
}
