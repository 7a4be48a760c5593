//! The options that choose what of a run is evaluated, and at which stage.
//!
//! Not for choosing which systems are asked (`site`).

use clap::{Args, ValueEnum};

use crate::facts::stage::{Scenario, Stage};

/// The stage, and which checks and targets are evaluated.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What is evaluated")]
pub struct SelectArgs {
    /// The stage of all machines, against whatever evidence: home, prepare,
    /// reprotect, replicating, failback, verify, after, reprotect-forward,
    /// clean-up; for Hyper-V also sync, complete, reverse
    #[arg(long, value_name = "STAGE", value_parser = parse_stage)]
    pub stage: Option<Stage>,

    /// Only these checks, such as retention.mounted or 'retention.*'
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub only: Vec<String>,

    /// All checks but these
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub skip: Vec<String>,

    /// Only these targets, such as mt2 or 'app-*'
    #[arg(long, value_name = "TARGET", value_delimiter = ',')]
    pub limit: Vec<String>,
}

/// What fails back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScenarioArg {
    /// VMware machines and physical servers, with a configuration server
    Vmware,
    /// Hyper-V machines
    Hyperv,
}

impl From<ScenarioArg> for Scenario {
    fn from(scenario: ScenarioArg) -> Self {
        match scenario {
            ScenarioArg::Vmware => Self::VmwareClassic,
            ScenarioArg::Hyperv => Self::Hyperv,
        }
    }
}

/// Reads the word of a stage.
pub(super) fn parse_stage(text: &str) -> Result<Stage, String> {
    Stage::named(text).ok_or_else(|| {
        let words = Stage::ALL.map(Stage::as_str);
        let nearest = crate::yaml::closest_match(text, words.iter().copied());
        let near = nearest.map_or_else(String::new, |word| format!(", did you mean {word:?}?"));
        format!("there is no stage {text:?}{near}")
    })
}
