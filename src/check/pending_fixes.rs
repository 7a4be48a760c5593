//! Which commands have to wait for another fix: those that an open finding makes wrong or pointless.
//!
//! Not for the order itself: that is data of the checks, and `order` makes it one.

use std::collections::{BTreeMap, BTreeSet};

use super::definition::CheckSet;
use super::finding::{EarlierFix, Finding, Outcome, OutcomeKind};
use super::finding_index::FindingsByPlace;
use super::model::{Check, Remedy, WorkLine};
use super::scope::Target;
use super::shared::Shared;
use super::window::{InWindow, TargetStages};
use crate::facts::target_kind::TargetKind;

/// How many fixes a remedy names that come before its own.
const MAX_NAMED: usize = 5;

/// Removes the commands of every remedy that has to wait for another fix, and names that fix.
pub(super) fn withhold_commands(
    set: &CheckSet,
    targets: &[Target],
    findings: &mut [Finding],
    shared: &mut Shared,
) {
    let pending: Vec<(usize, Vec<EarlierFix>, bool)> = {
        let index = FindingIndex::new(set, targets, findings);
        // What loses data waits for nothing.
        let failed = (0..findings.len())
            .filter(|&at| findings[at].outcome == Outcome::Fail && !findings[at].is_urgent);
        let fixes = |at: usize| {
            let mut fixes = index.earlier_fixes(at);
            // Words are no commands: they wait for what is known to be wrong alone.
            let words_alone = findings[at].remedy.commands.is_empty();
            fixes.retain(|fix| !words_alone || fix.outcome != OutcomeKind::Unknown);
            (at, fixes, index.is_moot(at))
        };
        failed.map(fixes).filter(|(_, fixes, _)| !fixes.is_empty()).collect()
    };
    for (at, fixes, is_moot) in pending {
        let finding = &mut findings[at];
        let first = describe_fixes(&fixes, &finding.target);
        let text = format!("After {first}: {}", finding.remedy.text);
        let downtime = finding.remedy.downtime;
        finding.remedy = shared.remedies.share(&Remedy { text, commands: Vec::new(), downtime });
        finding.after = fixes;
        finding.is_moot = is_moot;
    }
}

/// Returns the findings that come first as a phrase; those of another target with its name.
fn describe_fixes(fixes: &[EarlierFix], here: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for fix in fixes {
        let on = if fix.target == here { String::new() } else { format!(" on {}", fix.target) };
        let outcome = if fix.outcome == OutcomeKind::Fail {
            String::new()
        } else {
            format!(" ({})", fix.outcome.as_str())
        };
        words.push(format!("{}{on}{outcome}", fix.check));
    }
    let more = words.len().saturating_sub(MAX_NAMED);
    words.truncate(MAX_NAMED);
    match (words.as_slice(), more) {
        ([.., _], 1..) => format!("{} and {more} more", words.join(", ")),
        ([first @ .., last], 0) if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        _ => words.concat(),
    }
}

/// The findings of a run, indexed by check.
struct FindingIndex<'f> {
    set: &'f CheckSet,
    findings: &'f [Finding],
    /// For each finding the index of its check in the set.
    checks: Vec<usize>,
    places: FindingsByPlace,
    kinds: BTreeMap<&'f str, TargetKind>,
    stages: BTreeMap<&'f str, &'f TargetStages>,
}

impl<'f> FindingIndex<'f> {
    fn new(set: &'f CheckSet, targets: &'f [Target], findings: &'f [Finding]) -> Self {
        let place = |finding: &Finding| {
            set.position(&finding.check).expect("a finding is of a check of the set")
        };
        let checks: Vec<usize> = findings.iter().map(place).collect();
        let places = FindingsByPlace::new(findings);
        let kinds = targets.iter().map(|target| (target.name.as_str(), target.kind)).collect();
        let stages = targets.iter().map(|target| (target.name.as_str(), &target.stages)).collect();
        Self { set, findings, checks, places, kinds, stages }
    }

    fn check(&self, at: usize) -> &'f Check {
        &self.set.checks()[self.checks[at]]
    }

    fn kind(&self, at: usize) -> Option<TargetKind> {
        self.kinds.get(self.findings[at].target.as_str()).copied()
    }

    /// Returns the findings that have to be fixed or decided first, in working order.
    fn earlier_fixes(&self, at: usize) -> Vec<EarlierFix> {
        let mut open: BTreeSet<usize> = BTreeSet::new();
        self.add_earlier_fixes(at, &mut open);
        self.add_rebuilds(at, &mut open);
        open.remove(&at);
        let mut open: Vec<usize> = open.into_iter().collect();
        open.sort_by_key(|&other| (self.set.rank(self.checks[other]), other));
        let fix = |other: usize| EarlierFix {
            check: self.findings[other].check.clone(),
            target: self.findings[other].target.clone(),
            outcome: self.findings[other].outcome.kind(),
        };
        open.into_iter().map(fix).collect()
    }

    /// Follows `fix_after` to open findings, through checks that are skipped or not applicable.
    fn add_earlier_fixes(&self, at: usize, open: &mut BTreeSet<usize>) {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut left: Vec<&str> = self.check(at).fix_after.iter().map(String::as_str).collect();
        while let Some(id) = left.pop() {
            let Some(check) = self.set.find(id).filter(|_| seen.insert(id)) else { continue };
            let mut silent = true;
            for other in self.related_findings(at, check) {
                match self.findings[other].outcome {
                    _ if self.is_open(other) => {
                        open.insert(other);
                        silent = false;
                    }
                    // What the stage is past is done: nothing waits for what comes before it.
                    Outcome::NotApplicable { .. } if self.is_outside_window(other) => {
                        silent = false;
                    }
                    Outcome::NotApplicable { .. } => {
                        let causes = self.open_requirements(other, at);
                        silent &= causes.is_empty();
                        open.extend(causes);
                    }
                    _ => silent = false,
                }
            }
            if silent {
                left.extend(check.fix_after.iter().map(String::as_str));
            }
        }
    }

    /// Whether the fix is for a master target that does not stay.
    fn is_moot(&self, at: usize) -> bool {
        let mut rebuilds = BTreeSet::new();
        self.add_rebuilds(at, &mut rebuilds);
        !rebuilds.is_empty()
    }

    /// A master target that does not stay makes the work on it moot.
    fn add_rebuilds(&self, at: usize, open: &mut BTreeSet<usize>) {
        let (check, kind) = (self.check(at), self.kind(at));
        if check.gate || matches!(kind, Some(TargetKind::Image | TargetKind::Packages)) {
            return;
        }
        for other in self.places.by_target(&self.findings[at].target) {
            // A failed gate has ended its case already; a failure in line D means another master target.
            let ends = self.check(other).line == Some(WorkLine::D)
                && matches!(check.line, Some(WorkLine::E | WorkLine::F | WorkLine::G));
            if ends && self.findings[other].outcome == Outcome::Fail && self.is_open(other) {
                open.insert(other);
            }
        }
    }

    /// The findings of a check that concern a finding: on its own target where the check is evaluated there, otherwise
    /// on any.
    fn related_findings(&self, at: usize, check: &Check) -> Vec<usize> {
        let here = self.kind(at).is_some_and(|kind| check.applies_to.contains(&kind))
            && !check.is_told_of_server();
        if here {
            self.places.by_place(&check.id, &self.findings[at].target).collect()
        } else {
            self.places.by_check(&check.id).to_vec()
        }
    }

    /// Whether the check of a finding does not count at the stages of the machines that its target concerns.
    fn is_outside_window(&self, at: usize) -> bool {
        let check = self.check(at);
        let stages = self.stages.get(self.findings[at].target.as_str());
        stages.is_some_and(|stages| {
            let is_question = check.is_question();
            let counts =
                check.stages.decide(check.severity, check.needs_stage, is_question, stages);
            matches!(counts, InWindow::No(_))
        })
    }

    /// Returns the open prerequisites of a check that is not applicable, if they are fixed before `at`.
    fn open_requirements(&self, other: usize, at: usize) -> Vec<usize> {
        let mut open = Vec::new();
        let mut left: Vec<&str> = self.check(other).requires.iter().map(String::as_str).collect();
        while let Some(id) = left.pop() {
            let Some(check) = self.set.find(id) else { continue };
            left.extend(check.requires.iter().map(String::as_str));
            let earlier = |&cause: &usize| {
                self.is_open(cause)
                    && self.set.rank(self.checks[cause]) < self.set.rank(self.checks[at])
            };
            open.extend(self.related_findings(other, check).into_iter().filter(earlier));
        }
        open
    }

    /// Whether a finding leaves its rule unfulfilled or undecided. Where only the grade of a pass is in question, the
    /// rule holds.
    fn is_open(&self, at: usize) -> bool {
        let finding = &self.findings[at];
        let whole = !finding.graded;
        match finding.outcome {
            Outcome::Fail | Outcome::Unknown(_) => whole,
            // A waiver accepts a failure and does not remove it.
            Outcome::Waived { .. } => whole && finding.severity.is_blocker(),
            Outcome::Pass | Outcome::NotApplicable { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{Asset, Assets};
    use crate::check::entry;
    use crate::check::status::tests::finding;
    use crate::facts::Document;

    fn embedded() -> CheckSet {
        CheckSet::load(&Assets::embedded()).unwrap()
    }

    fn target(kind: TargetKind, name: &str) -> Target {
        Target::new(name.to_owned(), kind, Document::default())
    }

    /// A finding of a check on a target, with the commands of its remedy.
    fn found(set: &CheckSet, id: &str, target: &str, outcome: Outcome) -> Finding {
        let check = set.find(id).unwrap_or_else(|| panic!("no check {id}"));
        let mut remedy = check.remedy.clone();
        remedy.commands = vec!["a command".to_owned()];
        Finding {
            check: id.into(),
            target: target.into(),
            remedy: remedy.into(),
            ..finding(outcome, check.severity)
        }
    }

    fn unknown() -> Outcome {
        crate::check::status::tests::unknown("r")
    }

    fn not_applicable() -> Outcome {
        Outcome::NotApplicable { reason: "r".into(), by_failure: false }
    }

    /// Whether the commands of `held`, the last of the findings, are told, and what comes before.
    fn held_commands(set: &CheckSet, targets: &[Target], findings: &[Finding]) -> (bool, String) {
        let mut findings = findings.to_vec();
        withhold_commands(set, targets, &mut findings, &mut Shared::default());
        let last = findings.pop().unwrap();
        let after: Vec<String> =
            last.after.iter().map(|fix| format!("{} {}", fix.check, fix.target)).collect();
        assert_eq!(last.remedy.commands.is_empty(), !after.is_empty());
        (after.is_empty(), after.join(", "))
    }

    /// The pairs of the working order, each with its sources, as tests/order keeps them.
    fn pairs() -> Vec<(&'static str, &'static str)> {
        let lines = include_str!("../../tests/order/pairs.tsv").lines();
        let rows = lines.filter(|line| !line.starts_with('#')).map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [_, before, then, source] = columns[..] else { panic!("{line}") };
            assert!(!source.is_empty(), "{line}");
            (before, then)
        });
        rows.collect()
    }

    #[test]
    fn no_command_is_told_while_a_fix_that_comes_before_is_open() {
        let set = embedded();
        let pairs = pairs();
        assert!(pairs.len() > 140, "{}", pairs.len());
        for (before, then) in pairs {
            let (first, second) = (set.find(before).expect(before), set.find(then).expect(then));
            let rank = |id: &str| set.rank(set.position(id).unwrap());
            assert!(rank(before) < rank(then), "{before} stands behind {then}");
            let shared = first.applies_to.iter().find(|kind| second.applies_to.contains(kind));
            let kinds =
                (*shared.unwrap_or(&first.applies_to[0]), *shared.unwrap_or(&second.applies_to[0]));
            let names = if shared.is_some() { ("one", "one") } else { ("one", "two") };
            let targets = [target(kinds.0, names.0), target(kinds.1, names.1)];
            for (outcome, free) in [
                (Outcome::Fail, false),
                (unknown(), false),
                (Outcome::Pass, true),
                (not_applicable(), true),
            ] {
                let word = outcome.as_str();
                let findings = [
                    found(&set, before, names.0, outcome),
                    found(&set, then, names.1, Outcome::Fail),
                ];
                let (is_shown, after) = held_commands(&set, &targets, &findings);
                assert_eq!(is_shown, free, "{before} is {word}, and {then} waits for [{after}]");
                assert!(
                    free || after == format!("{before} {}", names.0),
                    "{before} {then}: {after}"
                );
            }
        }
    }

    #[test]
    fn a_fix_waits_for_its_own_target_alone_and_through_what_is_not_asked() {
        let set = embedded();
        let (a, b) = (target(TargetKind::LinuxMt, "mt1"), target(TargetKind::LinuxMt, "mt2"));
        let targets = [a, b];
        let script = |target: &str| found(&set, "custom-changes.run-once", target, Outcome::Fail);
        let ids = |target: &str, outcome| found(&set, "mt.disk-ids-visible", target, outcome);
        let uuid = |outcome| found(&set, "mt.disk-enable-uuid", "mt1", outcome);
        assert_eq!(
            held_commands(&set, &targets, &[ids("mt2", Outcome::Fail), script("mt1")]).1,
            ""
        );
        assert_eq!(
            held_commands(&set, &targets, &[ids("mt1", Outcome::Fail), script("mt1")]).1,
            "mt.disk-ids-visible mt1"
        );
        // Nobody asked the guest: what vSphere says counts. The guest's own word comes later and settles it.
        assert_eq!(
            held_commands(&set, &targets, &[uuid(Outcome::Fail), script("mt1")]).1,
            "mt.disk-enable-uuid mt1"
        );
        let seen = [uuid(unknown()), ids("mt1", Outcome::Pass), script("mt1")];
        assert_eq!(held_commands(&set, &targets, &seen).1, "");
        let waived = Outcome::Waived {
            reason: "r".to_owned(),
            owner: "o".to_owned(),
            expires: "2026-12-31".to_owned(),
        };
        assert_eq!(
            held_commands(&set, &targets, &[ids("mt1", waived), script("mt1")]).1,
            "mt.disk-ids-visible mt1"
        );
        let graded = Finding { graded: true, ..ids("mt1", Outcome::Fail) };
        assert_eq!(held_commands(&set, &targets, &[graded, script("mt1")]).1, "");
    }

    #[test]
    fn what_could_not_be_evaluated_waits_for_what_it_requires() {
        let set = embedded();
        let targets = [target(TargetKind::LinuxMt, "mt1")];
        let on = |id: &str, outcome| found(&set, id, "mt1", outcome);
        // retention.not-locked requires retention.fs-local-block, and retention.fstab comes after it.
        let findings = [
            on("retention.fs-local-block", Outcome::Fail),
            on("retention.not-locked", not_applicable()),
            on("retention.fstab", Outcome::Fail),
        ];
        assert_eq!(held_commands(&set, &targets, &findings).1, "retention.fs-local-block mt1");
        // Nothing waits for itself through what it keeps from being evaluated.
        let findings = [
            on("retention.fs-local-block", not_applicable()),
            on("retention.multipath-device", not_applicable()),
            on("retention.mounted", Outcome::Fail),
        ];
        assert_eq!(held_commands(&set, &targets, &findings).1, "");
    }

    #[test]
    fn a_master_target_that_goes_makes_work_on_it_moot() {
        let set = embedded();
        let targets = [target(TargetKind::LinuxMt, "mt1")];
        for (first, at, check, on, waits) in [
            ("mt.os-centos66", "mt1", "mt.pkgs-base", "mt1", true),
            ("mt.is-vmware-vm", "mt1", "retention.fstab", "mt1", true),
            ("mt.is-vmware-vm", "mt1", "network.mt-to-cs-443", "mt1", false),
        ] {
            let findings =
                [found(&set, first, at, Outcome::Fail), found(&set, check, on, Outcome::Fail)];
            let (is_shown, after) = held_commands(&set, &targets, &findings);
            assert_eq!(!is_shown, waits, "{first} {check}: {after}");
            let findings =
                [found(&set, first, at, unknown()), found(&set, check, on, Outcome::Fail)];
            assert!(
                held_commands(&set, &targets, &findings).0,
                "{first} is not known to have failed"
            );
        }
    }

    #[test]
    fn the_remedy_says_what_comes_first() {
        let set = embedded();
        let targets =
            [target(TargetKind::LinuxMt, "mt1"), target(TargetKind::ConfigurationServer, "cs01")];
        let mut findings = [
            found(&set, "cs.backup", "cs01", unknown()),
            found(&set, "agent.version-order", "mt1", Outcome::Fail),
            found(&set, "mt.disk-ids-visible", "mt1", Outcome::Fail),
            found(&set, "custom-changes.run-once", "mt1", Outcome::Fail),
        ];
        withhold_commands(&set, &targets, &mut findings, &mut Shared::default());
        let begins = |at: usize, text: &str| {
            assert!(findings[at].remedy.text.starts_with(text), "{}", findings[at].remedy.text);
        };
        begins(1, "After cs.backup on cs01 (unknown): Upgrade the configuration server");
        begins(3, "After agent.version-order and mt.disk-ids-visible: Without the marker");
    }

    fn refusal(text: &str) -> String {
        let file = Asset { path: "checks/x.yaml".to_owned(), text: text.to_owned() };
        CheckSet::read(&[file]).err().expect("a refusal").to_string()
    }

    #[test]
    fn fixes_wait_for_checks_that_exist_and_in_no_circle() {
        let with = entry::tests::with;
        assert!(
            refusal(&with("fix_after: [image.zerombr2]")).ends_with(
                "fix_after names \"image.zerombr2\", which does not exist, did you mean \"image.zerombr\"?"
            )
        );
        let named = |id: &str, before: &str| {
            with(&format!("fix_after: [{before}]")).replacen(
                "id: image.zerombr",
                &format!("id: {id}"),
                1,
            )
        };
        let text = named("image.a", "image.c")
            + &named("image.b", "image.a")
            + &named("image.c", "image.b");
        let message = refusal(&text);
        assert!(message.contains("its fix waits for itself: image."), "{message}");
        assert_eq!(message.matches("->").count(), 3, "{message}");
        assert!(refusal(&with("line: Z")).contains("unknown variant `Z`"));
    }
}
