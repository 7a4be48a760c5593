//! Lines with their endings, so that a text can be reassembled unchanged.
//!
//! Not for words in a line: those depend on the format.

/// A line of a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    /// The line with its ending.
    pub(super) whole: &'t str,
    /// The line without its ending.
    pub(super) text: &'t str,
}

impl<'t> Line<'t> {
    /// Returns the leading white space.
    pub(super) fn indent(&self) -> &'t str {
        &self.text[..self.text.len() - self.text.trim_start().len()]
    }
}

/// Splits `text` into its lines.
pub(super) fn split_lines(text: &str) -> Vec<Line<'_>> {
    text.split_inclusive('\n')
        .map(|whole| Line { whole, text: whole.trim_end_matches(['\r', '\n']) })
        .collect()
}

/// Returns the line ending of `text`.
pub(super) fn line_ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
