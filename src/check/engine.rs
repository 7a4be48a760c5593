//! Facts into findings: every check on every target it applies to, exactly one outcome each.
//!
//! Pure and total. Not for collecting facts, and not for what a report makes of the findings.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::definition::CheckSet;
use super::evaluator::TargetEvaluator;
use super::evidence::Evidence;
use super::fact_context::FactContext;
use super::found;
use super::gate::EndedCases;
use super::hold;
use super::model::{Check, Remedy, Severity, WorkLine};
use super::moot;
use super::pending_fixes;
use super::shared::Shared;
use super::told_of_server;
use super::verdict::CheckVerdict;
use super::waiver::{Waiver, WaiverNote};

// The types of an evaluation's input and output.
pub use super::finding::{Finding, Outcome};
pub use super::scope::{Scope, SkippedCheck, Target};

/// Evaluates every check in scope on every target, in the order of both.
pub fn evaluate(
    set: &CheckSet,
    targets: &[Target],
    waivers: &[Waiver],
    now: Timestamp,
) -> Vec<Finding> {
    evaluate_scope(set, targets, &Scope::new(set, targets), waivers, now)
}

/// Evaluates what a scope plans, in its order.
pub fn evaluate_scope(
    set: &CheckSet,
    targets: &[Target],
    scope: &Scope,
    waivers: &[Waiver],
    now: Timestamp,
) -> Vec<Finding> {
    // Gates come first: what ends a case makes the rest of it pointless.
    let is_gate = |&&(_, index): &&(usize, usize)| set.checks()[index].gate;
    let gates: Vec<(usize, usize)> = scope.planned.iter().filter(is_gate).copied().collect();
    let mut of_gates = Run::new(set, waivers, now);
    of_gates.add_all(targets, &gates);
    let mut run = Run::new(set, waivers, now);
    run.ended = EndedCases::from_findings(set, targets, &of_gates.findings);
    run.add_all(targets, &scope.planned);
    run.finish(targets)
}

/// One evaluation as it grows: the facts of a target are needed while it is added, and not later.
pub struct Run<'r> {
    set: &'r CheckSet,
    /// The waivers that count today.
    live: Vec<&'r Waiver>,
    today: Date,
    ended: EndedCases,
    findings: Vec<Finding>,
    shared: Shared,
}

impl<'r> Run<'r> {
    /// Begins an evaluation in which no gate has ended a case.
    pub fn new(set: &'r CheckSet, waivers: &'r [Waiver], now: Timestamp) -> Self {
        let today = now.to_zoned(TimeZone::UTC).date();
        let live = waivers.iter().filter(|waiver| waiver.is_live(today)).collect();
        let (ended, findings, shared) = Default::default();
        Self { set, live, today, ended, findings, shared }
    }

    /// Adds what is planned, in its order: one target after the other, for what rules work on is large.
    fn add_all(&mut self, targets: &[Target], planned: &[(usize, usize)]) {
        for planned in planned.chunk_by(|a, b| a.0 == b.0) {
            self.add(&targets[planned[0].0], planned.iter().map(|&(_, index)| index));
        }
    }

    /// Evaluates checks, by their places in the set, on one target.
    pub fn add(&mut self, target: &Target, planned: impl Iterator<Item = usize>) {
        let Self { set, live, today, ended, findings, shared } = self;
        let stages = ended.remaining_stages(&target.stages);
        let context = FactContext::new(&target.document);
        let waived = |check: &str| live.iter().any(|waiver| waiver.covers(check, &target.name));
        let mut evaluator = TargetEvaluator {
            set,
            context: &context,
            providers: target.providers(),
            waived: &waived,
            today: *today,
            target,
            stages: &stages,
            ended,
            decided: vec![None; set.checks().len()],
        };
        findings.extend(planned.map(|index| {
            let check = &set.checks()[index];
            let verdict = evaluator.verdict(index);
            let severity = evaluator.severity(check);
            let found = build_finding(check, target, &context, verdict, severity, live, shared);
            let order = if found.is_urgent { 0 } else { set.rank(index) };
            Finding { order, ..found }
        }));
    }

    /// Returns checks that are not run, with their texts shared with those of other targets.
    pub fn share_skipped(&mut self, skipped: Vec<SkippedCheck>) -> Vec<SkippedCheck> {
        let texts = &mut self.shared.texts;
        let mut share = |skipped: SkippedCheck| SkippedCheck {
            check: texts.share(&skipped.check),
            title: texts.share(&skipped.title),
            target: texts.share(&skipped.target),
            needs: skipped.needs,
        };
        skipped.into_iter().map(&mut share).collect()
    }

    /// Returns the findings, each as the others leave it; of the targets that were added, names, kinds and stages are needed,
    /// and which ESXi hosts they are about.
    pub fn finish(self, targets: &[Target]) -> Vec<Finding> {
        let Self { set, mut findings, mut shared, .. } = self;
        told_of_server::move_to_server(set, targets, &mut findings);
        moot::drop_pointless(set, targets, &mut findings);
        hold::apply(set, targets, &mut findings, &mut shared);
        pending_fixes::withhold_commands(set, targets, &mut findings, &mut shared);
        findings
    }
}

/// Returns notes about waivers that expired or cover nothing.
pub fn waiver_notes(waivers: &[Waiver], findings: &[Finding], now: Timestamp) -> Vec<WaiverNote> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let used = |waiver: &Waiver| {
        findings.iter().any(|finding| {
            matches!(finding.outcome, Outcome::Waived { .. })
                && waiver.covers(&finding.check, &finding.target)
        })
    };
    let note = |waiver: &Waiver| {
        let (check, target) = (waiver.check.clone(), waiver.target.clone());
        let owner = waiver.owner.clone();
        if !waiver.is_live(today) {
            let expires = waiver.expires.to_string();
            return Some(WaiverNote::Expired { check, target, owner, expires });
        }
        (!used(waiver)).then_some(WaiverNote::Unused { check, target, owner })
    };
    waivers.iter().filter_map(note).collect()
}

fn build_finding(
    check: &Check,
    target: &Target,
    context: &FactContext<'_>,
    verdict: CheckVerdict,
    severity: Severity,
    waivers: &[&Waiver],
    shared: &mut Shared,
) -> Finding {
    let as_warning = severity.max(Severity::Warning);
    let (outcome, severity, graded) = match verdict {
        CheckVerdict::Pass => (Outcome::Pass, severity, false),
        CheckVerdict::Warn => (Outcome::Fail, as_warning, true),
        CheckVerdict::Fail => (Outcome::Fail, severity, false),
        CheckVerdict::Unknown { unknown, graded } => (
            Outcome::Unknown(shared.unknowns.share(&unknown)),
            if graded { as_warning } else { severity },
            graded,
        ),
        CheckVerdict::NotApplicable { why, by_failure } => (
            Outcome::NotApplicable { reason: shared.texts.share(&why), by_failure },
            severity,
            false,
        ),
    };
    let found = match &outcome {
        Outcome::Unknown(unknown) => shared.texts.share(&unknown.to_string()),
        Outcome::NotApplicable { reason, .. } => reason.clone(),
        _ => shared.texts.share(&found::found_words(check, &target.providers(), context)),
    };
    // What may not be broken gets no commands.
    let remedy = match &outcome {
        Outcome::Fail => check.remedy_template.render(context, &target.name),
        _ => Remedy { commands: Vec::new(), ..check.remedy.clone() },
    };
    let outcome = match outcome {
        Outcome::Fail => waivers
            .iter()
            .find(|waiver| waiver.covers(&check.id, &target.name))
            .map_or(Outcome::Fail, |waiver| Outcome::Waived {
                reason: waiver.reason.clone(),
                owner: waiver.owner.clone(),
                expires: waiver.expires.to_string(),
            }),
        other => other,
    };
    let is_lost = outcome == Outcome::Fail && !graded && severity == Severity::DataLoss;
    Finding {
        check: shared.texts.share(&check.id),
        target: shared.texts.share(&target.name),
        outcome,
        severity,
        graded,
        title: shared.texts.share(&check.title),
        found,
        symptom: shared.texts.share(&check.symptom),
        remedy: shared.remedies.share(&remedy),
        after: Vec::new(),
        held: None,
        explained_by: Vec::new(),
        order: 0,
        is_urgent: check.urgent && is_lost,
        is_moot: false,
        is_gate: check.line == Some(WorkLine::Gate),
        source: shared.sources.share(&check.source),
        evidence: Evidence::pack(&evidence_facts(check, context), &mut shared.texts),
        signs: moot::shown_signs(check, context),
    }
}

/// Returns the known facts that a check's rules name; whole lists rather than their elements.
fn evidence_facts<'c>(
    check: &'c Check,
    context: &'c FactContext<'_>,
) -> BTreeMap<&'c str, &'c Value> {
    let paths = check.rules().flat_map(|rule| rule.paths());
    paths
        .filter(|path| !path.contains("[]"))
        .filter_map(|path| Some((path, context.value(path)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Asset;
    use crate::check::unknown::UnknownCause;
    use crate::facts::Document;
    use crate::facts::target_kind::TargetKind;
    use serde_json::json;

    /// Four checks: a base, one that requires it, one graded, one with a condition.
    fn set() -> CheckSet {
        let entry = |id: &str, extra: &str, examples: &str| {
            format!(
                "- id: {id}\n  title: t\n  severity: blocks-reprotect\n  applies_to: image\n  \
                 found: 'zerombr is {{{{image.kickstart.zerombr}}}}'\n  symptom: s\n  \
                 remedy: {{ text: Fix it. }}\n  source: {{ doc: field, at: a }}\n{extra}  \
                 examples:\n    - {{ pass: {{}} }}\n    - {{ fail: {{}} }}\n    - {{ unknown: {{}} }}\n\
                 {examples}"
            )
        };
        let text = [
            entry("a.base", "  rule: image.kickstart.zerombr\n", ""),
            entry("a.dependant", "  requires: [a.base]\n  rule: image.kickstart.erases\n", ""),
            entry(
                "a.graded",
                "  rule: image.kickstart.erases\n  warn_rule: image.kickstart.minimal\n",
                "    - { warn: {} }\n",
            ),
            entry(
                "a.conditional",
                "  requires: [a.base]\n  applies_when: { rule: image.medium.uefi, otherwise: BIOS only }\n  \
                 rule: image.kickstart.erases\n",
                "    - { not-applicable: {} }\n",
            ),
        ]
        .concat();
        CheckSet::read(&[Asset { path: "checks/a.yaml".into(), text }]).unwrap()
    }

    fn target(image: Value, absent: &[&str]) -> Target {
        let mut document = Document::from_known(json!({ "image": image }));
        for path in absent {
            document.absent.insert((*path).to_owned(), "unreadable".to_owned());
        }
        Target::new("mt.iso".to_owned(), TargetKind::Image, document)
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn unknown(cause: UnknownCause) -> Outcome {
        Outcome::Unknown(std::sync::Arc::new(cause.into()))
    }

    fn evaluate_image(image: Value, absent: &[&str], waivers: &[Waiver]) -> Vec<(String, String)> {
        let findings = evaluate(&set(), &[target(image, absent)], waivers, now());
        let words = findings.iter().map(|finding| {
            let what = match &finding.outcome {
                Outcome::Unknown(unknown) => format!("unknown: {unknown}"),
                Outcome::NotApplicable { reason, .. } => format!("not-applicable: {reason}"),
                other => format!("{} {}", other.as_str(), finding.severity),
            };
            (finding.check.to_string(), what)
        });
        words.collect()
    }

    fn outcomes(image: Value, absent: &[&str]) -> [String; 4] {
        let words: Vec<String> =
            evaluate_image(image, absent, &[]).into_iter().map(|(_, w)| w).collect();
        words.try_into().unwrap()
    }

    #[test]
    fn a_prerequisite_decides_whether_there_is_anything_to_ask() {
        let ks = |zerombr: bool| json!({ "kickstart": { "zerombr": zerombr, "erases": true, "minimal": true }, "medium": { "uefi": true } });
        assert_eq!(
            outcomes(ks(true), &[]),
            [
                "pass blocks-reprotect",
                "pass blocks-reprotect",
                "pass blocks-reprotect",
                "pass blocks-reprotect"
            ]
        );
        assert_eq!(
            outcomes(ks(false), &[]),
            [
                "fail blocks-reprotect",
                "not-applicable: a.base fails",
                "pass blocks-reprotect",
                "not-applicable: a.base fails"
            ]
        );
        let image =
            json!({ "kickstart": { "erases": true, "minimal": true }, "medium": { "uefi": true } });
        assert_eq!(
            outcomes(image, &["image.kickstart.zerombr"]),
            [
                "unknown: image.kickstart.zerombr: unreadable",
                "unknown: a.base is unknown: image.kickstart.zerombr: unreadable",
                "pass blocks-reprotect",
                "unknown: a.base is unknown: image.kickstart.zerombr: unreadable"
            ]
        );
    }

    #[test]
    fn a_condition_stands_before_everything_else() {
        let ks = json!({ "kickstart": { "zerombr": false, "erases": true, "minimal": true } });
        let with = |uefi: Value| {
            let mut image = ks.clone();
            image["medium"] = uefi;
            image
        };
        assert_eq!(outcomes(with(json!({ "uefi": false })), &[])[3], "not-applicable: BIOS only");
        // What cannot be known does not matter when the prerequisite fails.
        assert_eq!(
            outcomes(with(json!({})), &["image.medium.uefi"])[3],
            "not-applicable: a.base fails"
        );
    }

    #[test]
    fn a_pass_is_graded_down_to_a_warning() {
        let ks = |minimal: Option<bool>| {
            let mut ks = json!({ "zerombr": true, "erases": true });
            if let Some(minimal) = minimal {
                ks["minimal"] = minimal.into();
            }
            json!({ "kickstart": ks, "medium": { "uefi": false } })
        };
        assert_eq!(outcomes(ks(Some(false)), &[])[2], "fail warning");
        let findings =
            evaluate(&set(), &[target(ks(None), &["image.kickstart.minimal"])], &[], now());
        assert_eq!(findings[2].outcome.as_str(), "unknown");
        assert_eq!(findings[2].severity, Severity::Warning);
    }

    #[test]
    fn a_missing_fact_without_a_reason_is_a_defect_and_no_pass() {
        let findings = evaluate(&set(), &[target(json!({ "kickstart": {} }), &[])], &[], now());
        assert_eq!(
            findings[0].outcome,
            unknown(UnknownCause::Unexplained("image.kickstart.zerombr".to_owned()))
        );
    }

    #[test]
    fn a_live_waiver_covers_a_failure_and_nothing_else() {
        let waivers = crate::yaml::parse::<Vec<Waiver>>(
            "- { check: a.base, target: '*.iso', reason: r, owner: ann, expires: 2026-11-20 }\n\
             - { check: a.graded, target: 'mt.iso', reason: r, owner: ann, expires: 2026-11-19 }\n\
             - { check: a.dependant, target: 'other', reason: r, owner: ann, expires: 2027-01-01 }\n",
            "site.yaml",
        )
        .unwrap();
        let image = json!({ "kickstart": { "zerombr": false, "erases": false }, "medium": { "uefi": false } });
        let words = evaluate_image(image.clone(), &[], &waivers);
        assert_eq!(words[0].1, "waived blocks-reprotect");
        assert_eq!(words[1].1, "fail blocks-reprotect");
        assert_eq!(words[2].1, "fail blocks-reprotect");
        let unknown = evaluate_image(
            json!({ "kickstart": {} }),
            &["image.kickstart.zerombr", "image.kickstart.erases", "image.medium"],
            &waivers,
        );
        assert_eq!(unknown[0].1, "unknown: image.kickstart.zerombr: unreadable");
        let findings = evaluate(&set(), &[target(image, &[])], &waivers, now());
        let text = |text: &str| text.to_owned();
        assert_eq!(
            waiver_notes(&waivers, &findings, now()),
            [
                WaiverNote::Expired {
                    check: text("a.graded"),
                    target: text("mt.iso"),
                    owner: text("ann"),
                    expires: text("2026-11-19")
                },
                WaiverNote::Unused {
                    check: text("a.dependant"),
                    target: text("other"),
                    owner: text("ann")
                },
            ]
        );
    }

    #[test]
    fn what_is_waived_or_has_no_meaning_here_hides_nothing() {
        let entry = |id: &str, requires: &str, when: &str, rule: &str| {
            let when = match when {
                "" => String::new(),
                rule => format!("  applies_when: {{ rule: {rule}, otherwise: BIOS only }}\n"),
            };
            format!(
                "- id: {id}\n  title: t\n  severity: blocks-reprotect\n  applies_to: image\n  \
                 found: f\n  symptom: s\n  remedy: {{ text: Fix it. }}\n  \
                 source: {{ doc: field, at: a }}\n  requires: [{requires}]\n{when}  rule: {rule}\n  \
                 examples:\n    - {{ pass: {{}} }}\n    - {{ fail: {{}} }}\n    - {{ unknown: {{}} }}\n\
                 {}",
                if when.is_empty() { "" } else { "    - { not-applicable: {} }\n" }
            )
        };
        // A chain of three, the second with a condition.
        let text = [
            entry("a.one", "", "", "image.kickstart.zerombr"),
            entry("a.two", "a.one", "image.medium.uefi", "image.kickstart.erases"),
            entry("a.three", "a.two", "", "image.kickstart.minimal"),
        ]
        .concat();
        let set = CheckSet::read(&[Asset { path: "checks/a.yaml".into(), text }]).unwrap();
        let waivers = |checks: &[&str]| {
            let waiver = |check: &&str| {
                format!(
                    "- {{ check: {check}, target: '*', reason: r, owner: ann, expires: 2099-01-01 }}\n"
                )
            };
            let text: String = checks.iter().map(waiver).collect();
            crate::yaml::parse::<Vec<Waiver>>(
                if text.is_empty() { "[]" } else { &text },
                "site.yaml",
            )
            .unwrap()
        };
        for (one, uefi, two, waived, expected) in [
            (true, true, true, &[][..], ["pass", "pass", "fail"]),
            (false, true, true, &[], ["fail", "not-applicable", "not-applicable"]),
            (false, true, true, &["a.one"], ["waived", "pass", "fail"]),
            (true, true, false, &["a.two"], ["pass", "waived", "fail"]),
            (true, true, false, &["a.three"], ["pass", "fail", "not-applicable"]),
            (false, true, false, &["a.one"], ["waived", "fail", "not-applicable"]),
            (false, true, false, &["a.one", "a.two"], ["waived", "waived", "fail"]),
            (true, false, false, &[], ["pass", "not-applicable", "fail"]),
            (false, false, false, &[], ["fail", "not-applicable", "fail"]),
            (true, false, false, &["a.two", "a.three"], ["pass", "not-applicable", "waived"]),
        ] {
            let image = json!({
                "kickstart": { "zerombr": one, "erases": two, "minimal": false },
                "medium": { "uefi": uefi },
            });
            let findings = evaluate(&set, &[target(image, &[])], &waivers(waived), now());
            let words: Vec<&str> =
                findings.iter().map(|finding| finding.outcome.as_str()).collect();
            assert_eq!(words, expected, "{one} {uefi} {two} {waived:?}");
        }
    }

    #[test]
    fn a_finding_carries_what_was_found_and_the_facts_it_rests_on() {
        let image = json!({ "kickstart": { "zerombr": false, "erases": true, "minimal": true }, "medium": { "uefi": false } });
        let findings = evaluate(&set(), &[target(image, &[])], &[], now());
        assert_eq!(findings[0].found, "zerombr is false");
        assert_eq!(
            findings[2].evidence.facts(),
            BTreeMap::from([
                ("image.kickstart.erases".to_owned(), json!(true)),
                ("image.kickstart.minimal".to_owned(), json!(true)),
            ])
        );
    }

    #[test]
    fn every_planned_check_has_exactly_one_finding() {
        let targets = [
            target(json!({}), &["image"]),
            target(json!({ "kickstart": { "zerombr": true } }), &[]),
            Target { kind: TargetKind::LinuxMt, ..target(json!({}), &[]) },
        ];
        let set = set();
        let planned = Scope::new(&set, &targets).planned;
        let findings = evaluate(&set, &targets, &[], now());
        assert_eq!(planned.len(), 8);
        let named: Vec<_> = planned
            .iter()
            .map(|&(t, c)| (targets[t].name.as_str(), set.checks()[c].id.as_str()))
            .collect();
        let found: Vec<_> =
            findings.iter().map(|f| (f.target.as_str(), f.check.as_str())).collect();
        assert_eq!(found, named);
    }
}
