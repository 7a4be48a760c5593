//! Findings into bytes: one model, one file per format, one table of formats.
//!
//! Not for judging (`check`) nor for writing to a terminal or a file (`cli`).

pub mod candidates;
pub mod candidates_text;
pub mod catalogue;
pub mod json;
mod layout;
pub mod model;
pub mod symptoms;
pub mod text;

pub use layout::acts_on_terminal;
pub use model::Report;

/// How a report for people is to look; formats for programs ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used.
    pub colour: bool,
    /// Columns to wrap at.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { colour: false, width: 80 }
    }
}

/// One format a report can have.
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is for, as a fragment.
    pub description: &'static str,
    /// Renders a report.
    pub render: fn(&Report, &Style) -> Vec<u8>,
}

/// All formats; the first is the default.
pub const FORMATS: &[Format] = &[
    Format { name: "text", description: "for people, worst first", render: text::render },
    Format {
        name: "json",
        description: "for programs; docs/report.schema.json says what is in it",
        render: json::render,
    },
];

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
