//! The options that choose what of a run is evaluated, and at which stage.
//!
//! Not for choosing which systems are asked (`site`).

use std::time::Duration;

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

    /// Check again and again, so long after each time (90s, 5m, 2h), and print
    /// what changed alone, until Ctrl-C
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub watch: Option<Duration>,

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

/// The shortest and the longest time between two checks, in seconds: systems are asked each time.
const INTERVAL_S: std::ops::RangeInclusive<u64> = 1..=86_400;

/// Reads a time between two checks: a number with `s`, `m` or `h`.
fn parse_interval(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(['s', 'm', 'h']);
    let seconds = match &text[digits.len()..] {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        _ => None,
    };
    let seconds = seconds.and_then(|unit: u64| digits.parse::<u64>().ok()?.checked_mul(unit));
    let seconds = seconds.filter(|seconds| INTERVAL_S.contains(seconds));
    let seconds = seconds.ok_or("expected a time from 1s to 24h, such as 90s, 5m or 2h")?;
    Ok(Duration::from_secs(seconds))
}

/// Reads the word of a stage.
pub(super) fn parse_stage(text: &str) -> Result<Stage, String> {
    Stage::named(text).ok_or_else(|| {
        let words = Stage::ALL.iter().map(|stage| stage.as_str());
        let nearest = crate::yaml::closest_match(text, words);
        let near = nearest.map_or_else(String::new, |word| format!(", did you mean {word:?}?"));
        format!("there is no stage {text:?}{near}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_between_checks_has_a_unit() {
        for (text, seconds) in [
            ("90s", Some(90)),
            ("5m", Some(300)),
            ("24h", Some(86_400)),
            ("25h", None),
            ("0s", None),
            ("5", None),
            ("m", None),
            ("5mm", None),
            ("-5m", None),
            ("99999999999999999999h", None),
        ] {
            let parsed = parse_interval(text).ok().map(|time| time.as_secs());
            assert_eq!(parsed, seconds, "{text}");
        }
    }
}
