//! The options of `troubleshoot`, `search` and `explain`.
//!
//! Not for what they do (`commands`).

use clap::Args;

use super::site::SiteArgs;
use super::ssh::SshArgs;
use super::vsphere::TlsArgs;
use super::{HostTimeout, TextOrJson};

/// Find the causes of a symptom, and the checks that confirm them
///
/// Give what you see in words, an error code, or pasted lines of a log. With a
/// target, the suspected checks are run on it and each cause is confirmed,
/// ruled out or undecided.
///
/// What is called likely is right nine times out of ten; what is merely
/// possible is named, too. Exit status without a target: 0 something is likely,
/// 3 nothing is, or it is about something else. With one: 1 a cause is
/// confirmed, 0 all are ruled out, 3 neither. 2: could not run.
#[derive(Debug, Args)]
pub struct TroubleshootArgs {
    /// What is seen: words, an error code, a symptom's id, or - for what is
    /// pasted on standard input
    #[arg(value_name = "SYMPTOM")]
    pub words: Vec<String>,

    /// A master target to check: ssh://USER@HOST[:PORT], local: (this machine),
    /// capture:FILE|DIR, or a name in --site; may be repeated [default: the
    /// master targets of --site]
    #[arg(long = "target", value_name = "TARGET")]
    pub targets: Vec<String>,

    #[command(flatten)]
    pub host_timeout: HostTimeout,

    #[command(flatten)]
    pub credentials: SshArgs,

    #[command(flatten)]
    pub site: SiteArgs,

    #[command(flatten)]
    pub tls: TlsArgs,

    /// The time of the evaluation, for replaying captures [default: now]
    #[arg(long, help_heading = "Report", value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,

    /// Format of the answer: text or json
    #[arg(long, help_heading = "Report", default_value = "text", value_enum)]
    pub format: TextOrJson,
}

/// List the checks, symptoms and steps that have some words
///
/// Best first. troubleshoot says what is likely, explain ID what is known of
/// one. Exit status: 0 something was found, 3 nothing was.
#[derive(Debug, Args)]
pub struct SearchArgs {
    /// What to look for
    #[arg(value_name = "WORDS", required = true)]
    pub words: Vec<String>,

    /// text or json
    #[arg(long, default_value = "text", value_enum)]
    pub format: TextOrJson,
}

/// Explain a check, a symptom, a step, an error code or words
///
/// Of words, what has most of them is explained, and what else has some is
/// named.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An id such as image.zerombr or ts-mt-heartbeat, an error code, or words
    #[arg(value_name = "WHAT", required = true)]
    pub words: Vec<String>,
}
