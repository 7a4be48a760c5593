//! A page of text for a terminal, written from the top: labelled lines that wrap, commands that never do.
//!
//! Not for what is said.

use anstyle::{Effects, Style as Ansi};

use super::layout::{make_visible, single_line, truncate, wrap_labelled};
use super::style::Style;
use crate::check::definition::SourceReference;
use crate::check::source;

/// A page that is being written.
pub(super) struct TextPage {
    style: Style,
    text: String,
}

impl TextPage {
    /// Returns an empty page.
    pub(super) fn new(style: &Style) -> Self {
        Self { style: *style, text: String::new() }
    }

    /// Returns an empty page of this many columns, without colours.
    pub(super) fn of_width(width: usize) -> Self {
        Self::new(&Style { width, ..Style::default() })
    }

    /// Returns what was written.
    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Adds a line as it is.
    pub(super) fn plain(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a text behind a label, on one line or wrapped; white space in it is folded.
    pub(super) fn line(&mut self, label: &str, text: &str) {
        self.text.push_str(&self.wrapped(label, &single_line(text)));
    }

    /// Adds a text from elsewhere as [`line`](Self::line) does; line breaks in it are shown.
    pub(super) fn quote(&mut self, label: &str, text: &str) {
        self.text.push_str(&self.wrapped(label, &make_visible(text)));
    }

    /// Adds where something is written; a link where the document has an address.
    pub(super) fn source(&mut self, label: &str, source: &SourceReference) {
        let mut lines = self.wrapped(label, &make_visible(&source.to_string()));
        if self.style.links
            && let Some(address) = source::address(&source.doc)
        {
            let link = format!("\x1b]8;;{address}\x1b\\{}\x1b]8;;\x1b\\", source.doc);
            lines = lines.replacen(&source.doc, &link, 1);
        }
        self.text.push_str(&lines);
    }

    /// Returns the lines of a text behind a label.
    pub(super) fn wrapped(&self, label: &str, text: &str) -> String {
        wrap_labelled(label, text, self.style.width)
    }

    /// Adds texts from elsewhere, each on a line of its own, the first behind a label.
    pub(super) fn column(&mut self, label: &str, texts: impl Iterator<Item = String>) {
        let blank = " ".repeat(label.len());
        for (index, text) in texts.enumerate() {
            self.quote(if index == 0 { label } else { &blank }, &text);
        }
    }

    /// Adds a list behind a label; nothing when it is empty.
    pub(super) fn list(&mut self, label: &str, items: &[impl AsRef<str>]) {
        let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
        if !items.is_empty() {
            self.line(label, &items.join(", "));
        }
    }

    /// Adds one line, cut where the page ends.
    pub(super) fn cut(&mut self, label: &str, text: &str) {
        let text = truncate(&make_visible(&single_line(text)), self.room(label));
        self.plain(&format!("{label}{text}"));
    }

    /// Returns how many columns are left behind a label; at least 20.
    pub(super) fn room(&self, label: &str) -> usize {
        self.style.width.saturating_sub(label.len()).max(20)
    }

    /// Adds a command behind a label. It is copied as a whole, so it is never wrapped.
    pub(super) fn command(&mut self, label: &str, command: &str) {
        self.plain(&format!("{label}$ {}", make_visible(command)));
    }

    /// Adds a heading below an empty line.
    pub(super) fn heading(&mut self, text: &str) {
        let text = self.bold(text);
        self.plain(&format!("\n{text}"));
    }

    /// Returns a text in bold, where there are colours.
    pub(super) fn bold(&self, text: &str) -> String {
        self.painted(Ansi::new().effects(Effects::BOLD), text)
    }

    /// Returns a text in a colour, where there are colours.
    pub(super) fn painted(&self, colour: Ansi, text: &str) -> String {
        if self.style.colour { format!("{colour}{text}{colour:#}") } else { text.to_owned() }
    }
}
