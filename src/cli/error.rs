//! Prints why a command could not run: the chain of causes on one line, then a hint.
//!
//! Not for what the hints are: each stands with its error.

use super::terminal::failure::message;
use crate::hint;

/// Prints the chain of an error on one line, and a hint below it.
pub fn print_error(error: &anyhow::Error) {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        // An error that repeats its source's text adds nothing.
        if causes.last().is_none_or(|last| !last.ends_with(&text)) {
            causes.push(text);
        }
    }
    anstream::eprintln!("preflight: {}", message(&causes.join(": ")));
    if let Some(hint) = hint::find(error.chain()) {
        anstream::eprintln!("  hint: {}", message(&hint));
    }
}
