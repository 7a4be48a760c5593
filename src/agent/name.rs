//! The names Unified Agent bundles have.
//!
//! Not for whether an agent suits a distribution: that is a check over these facts.

use std::sync::LazyLock;

use regex::Regex;
use serde::Serialize;

/// The newer download's name, which says nothing about version or distribution.
const LATEST: &str = "latestlinuxmobsvc.tar.gz";

/// The form S001 and the agent's own deployment test know, for any distribution token:
/// `Microsoft-ASR_UA_9.8.0.0_RHEL6-64_DIT_10Feb2017_release.tar.gz`.
static BUNDLE: LazyLock<Regex> = LazyLock::new(|| pattern("UA", r"_[Rr]elease\.tar\.gz"));

/// The same naming on a component inside a bundle. Our reading: no bundle was available.
static COMPONENT: LazyLock<Regex> = LazyLock::new(|| pattern("[A-Z]+", r"_[Rr]elease[A-Za-z.]*"));

fn pattern(component: &str, end: &str) -> Regex {
    let text = format!(
        r"^Microsoft-ASR_{component}_([0-9]{{1,5}}(?:\.[0-9]{{1,5}}){{3}})_([A-Za-z0-9][A-Za-z0-9.-]{{0,31}})_(GA|DIT)_([0-9]{{2}}[A-Z][a-z]{{2}}[0-9]{{4}}){end}$"
    );
    Regex::new(&text).expect("the pattern is a regular expression")
}

/// What form a bundle's name has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameForm {
    /// `Microsoft-ASR_UA_VERSION_DISTRIBUTION_RING_DATE_release.tar.gz`.
    UnifiedAgent,
    /// `latestlinuxmobsvc.tar.gz`: the content alone says what it is.
    LatestDownload,
    /// Anything else.
    Other,
}

/// The release ring in a bundle's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "UPPERCASE")]
#[strum(serialize_all = "UPPERCASE")]
pub enum Ring {
    /// Generally available.
    Ga,
    /// As it appears in names of 2017; no document read says what it stands for.
    Dit,
}

/// What a Unified Agent's name says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AgentName {
    /// Four numbers, such as `9.8.0.0`.
    pub version: String,
    /// The distribution token, such as `RHEL6-64`.
    pub distribution: String,
    /// The release ring.
    pub ring: Ring,
    /// The day it was built as the name spells it, such as `10Feb2017`.
    pub built: String,
}

/// Reads a bundle's name.
pub(super) fn parse_bundle_name(file_name: &str) -> (NameForm, Option<AgentName>) {
    match parse_name(&BUNDLE, file_name) {
        Some(name) => (NameForm::UnifiedAgent, Some(name)),
        None if file_name == LATEST => (NameForm::LatestDownload, None),
        None => (NameForm::Other, None),
    }
}

/// Reads the name of a component inside a bundle.
pub(super) fn parse_component_name(file_name: &str) -> Option<AgentName> {
    parse_name(&COMPONENT, file_name)
}

fn parse_name(pattern: &Regex, file_name: &str) -> Option<AgentName> {
    let found = pattern.captures(file_name)?;
    Some(AgentName {
        version: found[1].to_owned(),
        distribution: found[2].to_owned(),
        ring: if &found[3] == "GA" { Ring::Ga } else { Ring::Dit },
        built: found[4].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_unified_agents_are_read() {
        let cases = [
            (
                "Microsoft-ASR_UA_8.3.0.0_RHEL6-64_GA_03Jul2015_release.tar.gz",
                "8.3.0.0 RHEL6-64 GA 03Jul2015",
            ),
            (
                "Microsoft-ASR_UA_9.8.0.0_RHEL6-64_DIT_10Feb2017_Release.tar.gz",
                "9.8.0.0 RHEL6-64 DIT 10Feb2017",
            ),
            (
                "Microsoft-ASR_UA_9.8.0.0_RHEL7-64_GA_10Feb2017_release.tar.gz",
                "9.8.0.0 RHEL7-64 GA 10Feb2017",
            ),
            (
                "Microsoft-ASR_UA_9.42.0.0_UBUNTU-20.04-64_GA_02May2021_release.tar.gz",
                "9.42.0.0 UBUNTU-20.04-64 GA 02May2021",
            ),
        ];
        for (file_name, want) in cases {
            let (form, name) = parse_bundle_name(file_name);
            let name = name.unwrap();
            assert_eq!(form, NameForm::UnifiedAgent);
            assert_eq!(
                format!("{} {} {} {}", name.version, name.distribution, name.ring, name.built),
                want
            );
        }
    }

    #[test]
    fn other_names_carry_no_identity() {
        let cases = [
            ("latestlinuxmobsvc.tar.gz", NameForm::LatestDownload),
            ("LatestLinuxMobSvc.tar.gz", NameForm::Other),
            ("agent.tar.gz", NameForm::Other),
            ("", NameForm::Other),
            ("Microsoft-ASR_UA_9.8.0_RHEL6-64_GA_10Feb2017_release.tar.gz", NameForm::Other),
            ("Microsoft-ASR_UA_9.8.0.0_RHEL6-64_BETA_10Feb2017_release.tar.gz", NameForm::Other),
            ("Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz.part", NameForm::Other),
            ("x/Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz", NameForm::Other),
            ("Microsoft-ASR_UA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar.gz\n", NameForm::Other),
        ];
        for (file_name, form) in cases {
            assert_eq!(parse_bundle_name(file_name), (form, None), "{file_name:?}");
        }
    }

    #[test]
    fn a_component_names_the_bundle_it_came_in() {
        let name =
            parse_component_name("Microsoft-ASR_FMUA_9.8.0.0_RHEL6-64_GA_10Feb2017_release.tar");
        assert_eq!(name.unwrap().version, "9.8.0.0");
        assert_eq!(parse_component_name("lib.so"), None);
    }
}
