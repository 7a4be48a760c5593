//! A text as lines that remember how they end, so that it can be put together again unchanged.
//!
//! Not for words in a line: those depend on the grammar.

/// A line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    /// The line with its ending.
    pub(super) whole: &'t str,
    /// The line without its ending.
    pub(super) text: &'t str,
}

impl<'t> Line<'t> {
    /// The white space in front.
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

/// How the lines of `text` end.
pub(super) fn line_ending(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        _ => "\n",
    }
}
