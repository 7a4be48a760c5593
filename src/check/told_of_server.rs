//! Checks of the configuration server that hosts decide: their finding is that of the server, once.
//!
//! What hosts see of the server stands in their facts, and a person is asked about the server where no host was. In a run
//! that has the server as a target, each host's finding moves there. Not for what hosts see (`site::server_views`).

use std::sync::Arc;

use smol_str::format_smolstr;

use super::definition::CheckSet;
use super::finding::{Finding, Outcome};
use super::model::{Check, CheckScope};
use super::scope::{Target, targets_by_name};
use crate::facts::target_kind::TargetKind;

impl Check {
    /// Whether it is about the configuration server, and decided by what hosts see of it.
    pub(super) fn is_told_of_server(&self) -> bool {
        self.scope == CheckScope::Site
            && self.applies_to.len() > 1
            && self.applies_to.contains(&TargetKind::ConfigurationServer)
    }
}

/// Moves the findings of such checks to the configuration server: what fails, otherwise what holds, otherwise what is not
/// known and nobody has answered.
pub(super) fn move_to_server(set: &CheckSet, targets: &[Target], findings: &mut [Finding]) {
    let by_name = targets_by_name(targets);
    for check in set.checks().iter().filter(|check| check.is_told_of_server()) {
        let mut server: Option<usize> = None;
        let mut hosts: Vec<usize> = Vec::new();
        for (at, finding) in
            findings.iter().enumerate().filter(|(_, known)| known.check == check.id)
        {
            let kind = by_name.get(finding.target.as_str());
            match kind.map(|target| target.kind) {
                Some(TargetKind::ConfigurationServer) => server = Some(at),
                _ if matches!(finding.outcome, Outcome::NotApplicable { .. }) => {}
                _ => hosts.push(at),
            }
        }
        let (Some(server), Some(best)) =
            (server, hosts.iter().copied().min_by_key(|&at| weight(&findings[at].outcome)))
        else {
            continue;
        };
        let is_open = matches!(findings[server].outcome, Outcome::Unknown(_));
        if is_open || !matches!(findings[best].outcome, Outcome::Unknown(_)) {
            let seen = findings[best].clone();
            let from = if hosts.len() > 1 { format!(" ({})", seen.target) } else { String::new() };
            let own = &mut findings[server];
            own.found = format_smolstr!("{}{from}", seen.found);
            own.severity = if seen.graded { seen.severity } else { own.severity };
            own.outcome = seen.outcome;
            own.graded = seen.graded;
            own.remedy = seen.remedy;
            own.evidence = seen.evidence;
        }
        let reason = format_smolstr!("it is told of {}", findings[server].target);
        for at in hosts {
            let finding = &mut findings[at];
            finding.found.clone_from(&reason);
            Arc::make_mut(&mut finding.remedy).commands.clear();
            finding.outcome = Outcome::NotApplicable { reason: reason.clone(), by_failure: false };
        }
    }
}

/// How much an outcome counts beside those of other hosts: less is more.
fn weight(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Fail => 0,
        Outcome::Waived { .. } => 1,
        Outcome::Pass => 2,
        Outcome::Unknown(_) => 3,
        Outcome::NotApplicable { .. } => 4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;
    use crate::assets::Assets;
    use crate::check::status::tests::{finding, unknown};
    use crate::facts::Document;

    /// The outcomes on the server and on two hosts, before and after.
    fn moved(outcomes: [Outcome; 3]) -> Vec<String> {
        let set = CheckSet::load(&Assets::embedded()).unwrap();
        let named = [
            ("cs01", TargetKind::ConfigurationServer),
            ("mt1", TargetKind::LinuxMt),
            ("mt2", TargetKind::LinuxMt),
        ];
        let targets =
            named.map(|(name, kind)| Target::new(name.to_owned(), kind, Document::default()));
        let severity = set.find("cs.running").unwrap().severity;
        let mut findings: Vec<Finding> = named
            .iter()
            .zip(outcomes)
            .map(|((name, _), outcome)| Finding {
                check: "cs.running".into(),
                target: (*name).into(),
                found: format!("seen by {name}").into(),
                ..finding(outcome, severity)
            })
            .collect();
        move_to_server(&set, &targets, &mut findings);
        let words = |finding: &Finding| format!("{} {}", finding.outcome.as_str(), finding.found);
        findings.iter().map(words).collect()
    }

    #[test]
    fn what_hosts_see_is_a_finding_of_the_server() {
        let not_asked = || Outcome::NotApplicable { reason: "r".into(), by_failure: false };
        let told = "not-applicable it is told of cs01";
        for (outcomes, server) in [
            ([unknown("q"), Outcome::Pass, Outcome::Fail], "fail seen by mt2 (mt2)"),
            ([unknown("q"), unknown("a.b: r"), Outcome::Pass], "pass seen by mt2 (mt2)"),
            // A person has answered, and no host can tell.
            ([Outcome::Fail, unknown("a.b: r"), unknown("a.b: r")], "fail seen by cs01"),
            // Facts count before an answer.
            ([Outcome::Fail, Outcome::Pass, Outcome::Pass], "pass seen by mt1 (mt1)"),
        ] {
            assert_eq!(moved(outcomes), [server, told, told]);
        }
        let alone = moved([unknown("q"), not_asked(), not_asked()]);
        assert_eq!(alone[0], "unknown seen by cs01");
        let one = moved([unknown("q"), Outcome::Fail, not_asked()]);
        assert_eq!(one[0], "fail seen by mt1");
    }
}
