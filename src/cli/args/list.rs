//! The options of `list`.
//!
//! Not for listing (`commands::list`).

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::TextOrJson;
use super::select::parse_stage;
use crate::facts::stage::Stage;

#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub what: ListSubject,

    /// packages: the recipe they are for
    #[arg(default_value = "centos-6.6", value_hint = ValueHint::FilePath)]
    pub recipe: String,

    /// packages: the vendor's medium
    #[arg(long, value_name = "ISO", value_hint = ValueHint::FilePath)]
    pub base: Option<PathBuf>,

    /// packages: the add-on RPMs that are there already
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub rpms: Option<PathBuf>,

    /// packages: the Debian packages that are there already
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub debs: Option<PathBuf>,

    #[command(flatten)]
    pub questions: QuestionArgs,

    /// text or json
    #[arg(long, default_value = "text", value_enum)]
    pub format: TextOrJson,
}

/// The site whose questions are listed.
#[derive(Debug, Args)]
pub struct QuestionArgs {
    /// questions: the site whose open questions and answers are listed;
    /// nothing is contacted
    #[arg(long, value_name = "SITE", value_hint = ValueHint::FilePath)]
    pub site: Option<PathBuf>,

    /// questions: the stage of all machines, against whatever evidence
    #[arg(long, value_name = "STAGE", value_parser = parse_stage, requires = "site")]
    pub stage: Option<Stage>,

    /// questions: what collect site saved in this directory
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "site")]
    pub captures: Option<PathBuf>,

    /// questions: a directory with the site's own checks
    #[arg(long = "checks", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub own_checks: Option<PathBuf>,

    /// questions: the time of the evaluation [default: now]
    #[arg(long, value_name = "TIME", requires = "site")]
    pub now: Option<jiff::Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListSubject {
    /// The checks
    Checks,
    /// The symptoms for troubleshoot
    Symptoms,
    /// The recipes for build image
    Recipes,
    /// The profiles of distributions
    Profiles,
    /// The formats of reports
    Formats,
    /// Packages to fetch for the medium named with --base
    Packages,
    /// The questions to people; those that are open with --site
    Questions,
}
