//! How findings are reported.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// How findings are shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct ReportArgs {
    /// Format of the report on standard output: text, json, json-compact, html,
    /// markdown, junit, sarif, github, nagios or prometheus
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    pub format: String,

    /// Also write a report to a file; may be repeated
    #[arg(long = "output", value_name = "FORMAT=FILE")]
    pub files: Vec<String>,

    /// Show the verdict and what to do first, and no details
    #[arg(long)]
    pub brief: bool,

    /// Compare with this earlier report (made with --output json=FILE): show
    /// what changed, and exit 1 only when a blocker is new
    #[arg(long, value_name = "REPORT", value_hint = ValueHint::FilePath)]
    pub since: Option<PathBuf>,

    /// Let warnings decide the exit status too
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOnArg>,

    /// The time of the evaluation, for replaying captures [default: now]
    #[arg(long, value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,

    /// Write the commands that fix what failed to a file, to be read and run
    /// by hand; the file itself does nothing when it is run
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub fix_script: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOnArg {
    /// Exit 1 when a warning is found
    Warning,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people
    Text,
    /// For programs
    Json,
}
