//! The options of `guide`.
//!
//! Not for what it does (`commands::guide`).

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueHint};

use super::select::{ScenarioArg, parse_stage};
use super::site::SiteAccessArgs;
use crate::facts::stage::Stage;
use crate::report::guide::FORMATS;

/// Say where each machine is on its way home, and what to do now
///
/// Collects and evaluates as check site does, and says for each machine: at
/// which stage it is and how that is known, what is done and which checks
/// prove it, what to do now and who does it, what must never be done, what
/// to look at afterwards, and what comes next.
///
/// Exit status: 0 there is a next step and nothing blocks it, 1 something
/// blocks, 3 not everything that counts is known.
#[derive(Debug, Args)]
pub struct GuideArgs {
    /// The site: servers, machines, answers, waivers; see preflight init site
    #[arg(value_name = "SITE", value_hint = ValueHint::FilePath, required_unless_present = "step")]
    pub site: Option<PathBuf>,

    /// Print all that is to be done at one stage, and contact nothing
    #[arg(long, value_name = "STAGE", value_parser = parse_stage,
        conflicts_with_all = ["captures", "follow", "stage", "limit"])]
    pub step: Option<Stage>,

    /// Whose steps --step prints: vmware or hyperv [default: the site's, or
    /// vmware]
    #[arg(
        long,
        value_name = "SCENARIO",
        requires = "step",
        conflicts_with = "site",
        hide_possible_values = true
    )]
    pub scenario: Option<ScenarioArg>,

    /// Format: text, markdown, html or json
    #[arg(long, default_value = "text", value_name = "FORMAT", hide_possible_values = true,
        value_parser = PossibleValuesParser::new(FORMATS.iter().map(|format| format.name)))]
    pub format: String,

    /// Guide by what collect site saved in this directory, and contact
    /// nothing
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub captures: Option<PathBuf>,

    /// Stay: look again after each step, and go on when it is done
    #[arg(long, conflicts_with = "format")]
    pub follow: bool,

    /// With --follow: look again by itself, every so many seconds
    #[arg(long, value_name = "SECONDS", requires = "follow",
        value_parser = clap::value_parser!(u64).range(30..=86400))]
    pub watch: Option<u64>,

    /// The time of the evaluation, for replaying captures [default: now]
    #[arg(long, help_heading = "Report", value_name = "TIME")]
    pub now: Option<jiff::Timestamp>,

    /// The stage of all machines, against whatever evidence
    #[arg(long, help_heading = "What is evaluated", value_name = "STAGE",
        value_parser = parse_stage)]
    pub stage: Option<Stage>,

    /// Only these machines, such as app-01 or 'app-*'
    #[arg(long, help_heading = "What is evaluated", value_name = "MACHINE", value_delimiter = ',')]
    pub limit: Vec<String>,

    #[command(flatten)]
    pub access: SiteAccessArgs,
}
