//! Findings to bytes: one model, one file per format, one table of formats.
//!
//! Not for evaluation (`check`) nor for writing to a terminal or a file (`cli`).

pub mod catalogue;
pub mod comparison;
pub mod comparison_text;
mod drawing;
mod first_steps;
pub mod fix_script;
pub mod github;
pub mod guide;
mod html;
mod hyperv_picture;
pub mod json;
pub mod json_compact;
pub mod junit;
mod layout;
pub mod markdown;
pub mod model;
pub mod nagios;
mod outline;
mod page_sources;
mod page_targets;
mod picture_layout;
pub mod prometheus;
pub mod questions;
pub mod sarif;
pub mod search;
mod site_picture;
mod style;
pub mod symptoms;
pub mod text;
mod text_page;
pub mod troubleshooting;
pub mod troubleshooting_text;

use std::io;

pub use layout::is_unprintable;
pub use model::Report;
pub use nagios::PluginState;
pub use style::Style;

/// One format a report can have.
pub struct Format {
    /// What `--format` calls it.
    pub name: &'static str,
    /// What it is for, as a fragment.
    pub description: &'static str,
    /// Writes a report; fails when the output does.
    pub write: fn(&Report, &Style, &mut dyn io::Write) -> io::Result<()>,
}

impl Format {
    /// Returns a report as bytes in memory.
    pub fn render(&self, report: &Report, style: &Style) -> Vec<u8> {
        let mut bytes = Vec::new();
        (self.write)(report, style, &mut bytes).expect("writing to memory does not fail");
        bytes
    }

    /// Returns the state that decides the exit status in place of the report's own, for the format whose readers know no other.
    pub fn plugin_state(&self, report: &Report) -> Option<PluginState> {
        self.is_plugin().then(|| PluginState::from_report(report))
    }

    /// Whether it is read by what knows the exit statuses of plugins alone.
    pub fn is_plugin(&self) -> bool {
        self.name == nagios::NAME
    }
}

/// All formats; the first is the default.
pub const FORMATS: &[Format] = &[
    Format {
        name: "text",
        description: "for people, worst first",
        write: |report, style, out| out.write_all(&text::render(report, style)),
    },
    Format {
        name: "json",
        description: "for programs; docs/report.schema.json says what is in it",
        write: json::write,
    },
    Format {
        name: "json-compact",
        description: "the same with each text once; docs/report-compact.schema.json",
        write: json_compact::write,
    },
    Format {
        name: "html",
        description: "one page to read, mail or print; needs nothing but itself",
        write: |report, style, out| out.write_all(&html::render(report, style)),
    },
    Format {
        name: "markdown",
        description: "for a ticket or a chat",
        write: |report, style, out| out.write_all(&markdown::render(report, style)),
    },
    Format {
        name: "junit",
        description: "for build servers; one suite per target",
        write: junit::write,
    },
    Format {
        name: "sarif",
        description: "SARIF 2.1.0, for viewers of findings",
        write: sarif::write,
    },
    Format {
        name: "github",
        description: "annotations of a GitHub workflow, one for each finding",
        write: |report, style, out| out.write_all(&github::render(report, style)),
    },
    Format {
        name: nagios::NAME,
        description: "a plugin of Nagios and Icinga, with exit statuses of its own",
        write: |report, style, out| out.write_all(&nagios::render(report, style)),
    },
    Format {
        name: "prometheus",
        description: "for node_exporter's textfile collector",
        write: prometheus::write,
    },
];

/// The format of this name.
pub fn format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
