//! Words of a POSIX shell.
//!
//! Not for kickstarts, whose words are quoted otherwise (`installer::kickstart::words`).

/// Quotes a text as one word of a POSIX shell.
///
/// ```
/// assert_eq!(preflight::shell::quote("it's"), r"'it'\''s'");
/// ```
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
