//! Errors of any kind as the reason why a fact is not known.

/// An error and its causes as one thought.
pub fn join_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}
