//! Checks that other checks make pointless, and failures that other failures explain.
//!
//! Not for gates, which end a case (`gate`).

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::{SmolStr, format_smolstr};

use super::definition::CheckSet;
use super::fact_context::FactContext;
use super::finding::{EarlierFix, Finding, Outcome};
use super::finding_index::FindingsByPlace;
use super::model::{Check, RootCause};
use super::scope::{Target, targets_by_name};
use crate::facts::target_kind::TargetKind;

/// How many explanations a finding names.
const MAX_EXPLANATIONS: usize = 3;

/// Makes open findings not applicable when everything that makes them pointless holds, and links failures to the failures
/// that explain them.
pub(super) fn drop_pointless(set: &CheckSet, targets: &[Target], findings: &mut [Finding]) {
    let kinds: BTreeMap<&str, TargetKind> =
        targets.iter().map(|target| (target.name.as_str(), target.kind)).collect();
    let by_name = targets_by_name(targets);
    let places = FindingsByPlace::new(findings);
    // The findings of a check that concern a target: its own where the check is made there, otherwise all.
    let related = |id: &str, target: &str| -> Vec<usize> {
        let here = kinds.get(target).zip(set.find(id)).is_some_and(|(kind, check)| {
            check.applies_to.contains(kind) && !check.is_told_of_server()
        });
        let is_server = |index: &usize| {
            kinds.get(findings[*index].target.as_str()) == Some(&TargetKind::ConfigurationServer)
        };
        // What hosts see of the configuration server is told of it.
        let of_server = set.find(id).is_some_and(Check::is_told_of_server);
        let all = places.by_check(id);
        if of_server && all.iter().any(is_server) {
            return all.iter().copied().filter(is_server).collect();
        }
        if here { places.by_place(id, target).collect() } else { all.to_vec() }
    };
    let mut pointless: Vec<(usize, SmolStr)> = Vec::new();
    let mut explained: Vec<(usize, Vec<EarlierFix>)> = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let Some(check) = set.find(&finding.check) else { continue };
        let is_open = matches!(finding.outcome, Outcome::Fail | Outcome::Unknown(_));
        // What loses data stands by itself, whatever explains it.
        if !is_open || finding.is_urgent {
            continue;
        }
        let holds = |id: &String| {
            let related = related(id, &finding.target);
            !related.is_empty() && related.iter().all(|&at| findings[at].outcome == Outcome::Pass)
        };
        // What a system shows to be bad is not pointless: that is for what nothing could decide, and for questions.
        let is_shown =
            finding.outcome == Outcome::Fail && check.question().is_some() && !check.is_question();
        if !is_shown && !check.moot_when.is_empty() && check.moot_when.iter().all(holds) {
            pointless.push((
                index,
                format_smolstr!("not needed: {} holds", check.moot_when.join(" and ")),
            ));
            continue;
        }
        let target = by_name.get(finding.target.as_str());
        let shows = |(place, cause): &(usize, &RootCause)| {
            finding.signs.contains(place) && cause.holds.iter().all(holds)
        };
        let own_hosts = target.map(|target| target.esxi_hosts()).unwrap_or_default();
        // What fails on another ESXi host explains nothing here.
        let is_elsewhere = |at: usize| {
            let cause = by_name.get(findings[at].target.as_str());
            cause
                .filter(|cause| cause.kind == TargetKind::Esxi && !own_hosts.is_empty())
                .is_some_and(|host| {
                    let named = host.esxi_hosts();
                    !named.iter().chain([&host.name.as_str()]).any(|name| own_hosts.contains(name))
                })
        };
        let causes = check.consequence_of.iter().enumerate().filter(shows);
        let causes = causes.flat_map(|(_, cause)| related(&cause.check, &finding.target));
        let mut causes: Vec<usize> = causes
            .filter(|&at| findings[at].outcome == Outcome::Fail && !findings[at].graded)
            .filter(|&at| !is_elsewhere(at))
            .collect();
        causes.sort_by_key(|&at| findings[at].order);
        causes.truncate(MAX_EXPLANATIONS);
        if !causes.is_empty() {
            let links = causes.iter().map(|&at| EarlierFix {
                check: findings[at].check.clone(),
                target: findings[at].target.clone(),
                outcome: findings[at].outcome.kind(),
            });
            explained.push((index, links.collect()));
        }
    }
    for (index, reason) in pointless {
        let finding = &mut findings[index];
        finding.found.clone_from(&reason);
        Arc::make_mut(&mut finding.remedy).commands.clear();
        finding.outcome = Outcome::NotApplicable { reason, by_failure: false };
    }
    for (index, links) in explained {
        findings[index].explained_by = links;
    }
}

/// Returns the places of the causes of a check whose sign the facts of its target show; a cause without a sign always shows.
pub(super) fn shown_signs(check: &Check, context: &FactContext<'_>) -> Vec<usize> {
    let causes = check.consequence_of.iter().enumerate();
    let shown = causes.filter(|(_, cause)| {
        cause.sign.as_ref().is_none_or(|sign| sign.decide(context) == Ok(true))
    });
    shown.map(|(place, _)| place).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use serde_json::{Value, json};

    use super::*;
    use crate::assets::{Asset, Assets};
    use crate::check::evaluate;
    use crate::facts::Document;

    /// What explains the second failure when both rules fail; `sign` is what tells it from a fault of its own.
    fn explanation(sign: &str, kickstart: Value) -> Vec<String> {
        let entry = |id: &str, rule: &str, extra: &str| {
            format!(
                "- id: {id}\n  title: t\n  severity: blocks-reprotect\n  applies_to: image\n  rule: {rule}\n  \
                 found: 'it is {{{{image.kickstart.zerombr}}}}'\n  symptom: s\n  remedy: {{ text: Fix it. }}\n  \
                 source: {{ doc: field, at: a }}\n{extra}  examples: [ {{ pass: {{}} }}, {{ fail: {{}} }}, {{ unknown: {{}} }} ]\n"
            )
        };
        let cause = format!("  consequence_of: [ {sign} ]\n");
        let text = entry("a.cause", "image.kickstart.zerombr", "")
            + &entry("b.failure", "image.kickstart.erases", &cause)
            + &entry("c.other", "image.kickstart.minimal", "");
        let set = CheckSet::read(&[Asset { path: "checks/x.yaml".to_owned(), text }]).unwrap();
        let document = Document::from_known(json!({ "image": { "kickstart": kickstart } }));
        let target = Target::new("mt.iso".to_owned(), TargetKind::Image, document);
        let findings = evaluate(&set, &[target], &[], jiff::Timestamp::UNIX_EPOCH);
        let explained = &findings[1].explained_by;
        explained.iter().map(|link| link.check.to_string()).collect()
    }

    #[test]
    fn a_failure_follows_from_another_one_when_its_sign_says_so() {
        let both = |minimal: Value| {
            let mut kickstart = json!({ "zerombr": false, "erases": false });
            if !minimal.is_null() {
                kickstart["minimal"] = minimal;
            }
            kickstart
        };
        let sign = "{ check: a.cause, when: image.kickstart.minimal }";
        assert_eq!(explanation("a.cause", both(Value::Null)), ["a.cause"]);
        assert_eq!(explanation(sign, both(json!(true))), ["a.cause"]);
        assert!(explanation(sign, both(json!(false))).is_empty());
        // A sign that cannot be read decides nothing: both stand.
        assert!(explanation(sign, both(Value::Null)).is_empty());
        let holds = json!({ "zerombr": true, "erases": false, "minimal": true });
        assert!(explanation(sign, holds).is_empty());
        // A sign may be that something else holds.
        let all_but = |held: &str| {
            explanation(&format!("{{ check: a.cause, holds: [{held}] }}"), both(json!(true)))
        };
        assert_eq!(all_but("c.other"), ["a.cause"]);
        assert!(all_but("a.cause").is_empty());
    }

    #[test]
    fn a_cause_behind_many_others_explains_as_the_first_does() {
        let others = "{ check: c.other, when: image.kickstart.minimal }, ".repeat(70);
        let facts = json!({ "zerombr": false, "erases": false, "minimal": false });
        assert_eq!(explanation(&format!("{others}a.cause"), facts), ["a.cause"]);
    }

    /// What explains a failure of the catalogue, by the facts of one target.
    fn catalogue_explains(kind: TargetKind, facts: Value, failure: &str) -> Vec<String> {
        let set = CheckSet::load(&Assets::embedded()).unwrap();
        let target = Target::new("it".to_owned(), kind, Document::from_known(facts));
        let findings = evaluate(&set, &[target], &[], jiff::Timestamp::UNIX_EPOCH);
        let finding = findings.iter().find(|finding| finding.check == failure).unwrap();
        assert_eq!(finding.outcome, Outcome::Fail, "{failure}");
        finding.explained_by.iter().map(|link| link.check.to_string()).collect()
    }

    #[test]
    fn packages_of_another_release_explain_what_names_them_alone() {
        let list = |items: &[&str]| json!({ "items": items, "complete": true });
        let other = list(&["wget-0:1.14-15.el7.x86_64 was built for el7, not el6"]);
        let of_el7 = "wget-1.14-15.el7.x86_64 (an add-on) requires libnettle.so.4, which no package provides";
        let of_el6 =
            "perl-5.10.1-136.el6.x86_64 (an add-on) requires perl-libs, which no package provides";
        let old = "perl-5.10.1-136.el6.x86_64 requires perl-libs = 5.10.1-136.el6; perl-libs-5.10.1-100.el6 is too old";
        let explained = |missing: &[&str], other: &Value, unresolved: &[&str]| {
            let facts = json!({ "packages": {
                "missing": list(missing), "other_release": other, "unresolved": list(unresolved), "install": 9,
            } });
            catalogue_explains(TargetKind::Packages, facts, "packages.resolve")
        };
        let none = list(&[]);
        let absent = ["lsscsi is in no repository"];
        assert_eq!(explained(&[], &other, &[of_el7]), ["packages.release"]);
        assert!(explained(&[], &other, &[of_el7, of_el6]).is_empty());
        assert!(explained(&[], &none, &[of_el7]).is_empty());
        assert_eq!(explained(&absent, &none, &[of_el6]), ["packages.named"]);
        assert!(explained(&absent, &none, &[old]).is_empty());
    }
}
