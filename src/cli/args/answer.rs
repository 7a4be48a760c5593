//! The options of `answer`.
//!
//! Not for asking (`commands::answer`).

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::select::parse_stage;
use super::site::SiteFileArgs;
use crate::facts::stage::Stage;

/// The site, its systems, and what is asked or answered.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    #[command(flatten)]
    pub site_file: SiteFileArgs,

    /// Only these questions, such as cs.backup or 'cs.*'
    #[arg(value_name = "CHECK", help_heading = None)]
    pub only: Vec<String>,

    /// Give an answer without being asked: yes, no or not-applicable; a target
    /// of * is every one; may be repeated
    #[arg(
        long = "set",
        help_heading = "Answers",
        value_name = "CHECK[@TARGET]=ANSWER",
        requires = "by"
    )]
    pub settings: Vec<String>,

    /// Who answers [default: asked for]
    #[arg(long, help_heading = "Answers", value_name = "NAME")]
    pub by: Option<String>,

    /// The stage of all machines, against whatever evidence
    #[arg(long, help_heading = "What is evaluated", value_name = "STAGE", value_parser = parse_stage)]
    pub stage: Option<Stage>,

    /// Evaluate what collect site saved in this directory, and contact nothing
    #[arg(long, help_heading = "Answers", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub captures: Option<PathBuf>,

    /// Ask from the site file alone, and contact nothing
    #[arg(long, help_heading = "Answers", conflicts_with = "captures")]
    pub offline: bool,

    /// The time of the answers [default: now]
    #[arg(long, help_heading = "Answers", value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,
}
