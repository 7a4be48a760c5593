//! A report in the order somebody reads it: worst first, the same finding on many targets once,
//! and one cause behind many undecided checks once.
//!
//! Not for how it looks: `text`, `markdown` and `html` each have a page of their own.

use std::collections::{BTreeMap, BTreeSet};

use strum::VariantArray as _;

use super::layout::pluralize;
use super::model::{CheckResult, Report};
use crate::check::definition::{Remedy, Severity};
use crate::check::finding::OutcomeKind;
use crate::check::provider::Provider;
use crate::check::scope::SkippedCheck;
use crate::check::unknown::UnknownCause;

/// From how many checks of one target on, one common cause is told once instead of each time.
const MIN_SHARED: usize = 3;

/// What a result means for going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::VariantArray)]
pub(super) enum Status {
    Blocker,
    Unknown,
    Warning,
    Waived,
    Pass,
    NotApplicable,
}

impl Status {
    /// Every class, worst first.
    pub(super) const ALL: &[Self] = Self::VARIANTS;

    pub(super) fn from_result(result: &CheckResult) -> Self {
        match result.outcome {
            OutcomeKind::Fail if result.severity.is_blocker() => Self::Blocker,
            OutcomeKind::Fail => Self::Warning,
            OutcomeKind::Unknown => Self::Unknown,
            OutcomeKind::Waived => Self::Waived,
            OutcomeKind::Pass => Self::Pass,
            OutcomeKind::NotApplicable => Self::NotApplicable,
        }
    }

    /// Returns the word before a finding of it.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Blocker => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARN",
            Self::Waived => "WAIVED",
            Self::Pass => "pass",
            Self::NotApplicable => "n/a",
        }
    }

    /// Returns the heading of its section.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Blocker => "Blockers",
            Self::Unknown => "Unknown",
            Self::Warning => "Warnings",
            Self::Waived => "Waived",
            Self::Pass => "Passed",
            Self::NotApplicable => "Not applicable",
        }
    }

    /// Returns its class on a page.
    pub(super) fn css_class(self) -> &'static str {
        match self {
            Self::Blocker => "blocker",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Waived => "waived",
            Self::Pass => "pass",
            Self::NotApplicable => "na",
        }
    }

    /// Whether it is shown with its remedy.
    pub(super) fn needs_fix(self) -> bool {
        matches!(self, Self::Blocker | Self::Warning)
    }
}

/// What all results mean for going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum OverallVerdict {
    Blocked,
    /// No blocker, but warnings count as failures.
    WarningsCount,
    Undecided,
    Clear,
    NothingChecked,
}

impl OverallVerdict {
    /// The verdict over a whole report, which is its exit status in words.
    pub(super) fn from_report(report: &Report) -> Self {
        match report.summary.exit_code {
            0 => Self::Clear,
            1 if report.results.iter().any(|r| Status::from_result(r) == Status::Blocker) => {
                Self::Blocked
            }
            1 => Self::WarningsCount,
            2 => Self::NothingChecked,
            _ => Self::Undecided,
        }
    }

    /// The verdict over one target, by blockers alone.
    pub(super) fn from_results(results: &[&CheckResult]) -> Self {
        let any = |class| {
            results.iter().any(|r| Status::from_result(r) == class && r.severity.is_blocker())
        };
        if any(Status::Blocker) {
            Self::Blocked
        } else if any(Status::Unknown) {
            Self::Undecided
        } else if results.is_empty() {
            Self::NothingChecked
        } else {
            Self::Clear
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::WarningsCount => "warnings count as failures",
            Self::Undecided => "undecided",
            Self::Clear => "nothing blocks",
            Self::NothingChecked => "nothing was checked",
        }
    }

    /// Returns the status that it is shown like.
    pub(super) fn status(self) -> Status {
        match self {
            Self::Blocked | Self::NothingChecked => Status::Blocker,
            Self::WarningsCount => Status::Warning,
            Self::Undecided => Status::Unknown,
            Self::Clear => Status::Pass,
        }
    }
}

/// One check with one outcome, on as many targets as have it.
pub(super) struct FindingGroup<'r> {
    pub(super) status: Status,
    /// The first of its results: what is said about the check is the same in all.
    pub(super) first: &'r CheckResult,
    /// What was found, and where.
    pub(super) variants: Vec<Variant<'r>>,
    /// Whether another finding of the report explains it, and lists it.
    pub(super) is_explained: bool,
}

impl<'r> FindingGroup<'r> {
    /// Returns the different remedies, each with the targets it is for.
    pub(super) fn remedies(&self) -> Vec<(&'r Remedy, Vec<&'r str>)> {
        let mut remedies: Vec<(&Remedy, Vec<&str>)> = Vec::new();
        for &result in self.variants.iter().flat_map(|variant| &variant.results) {
            match remedies.iter_mut().find(|(known, _)| *known == &*result.remedy) {
                Some((_, targets)) => targets.push(&result.target),
                None => remedies.push((&result.remedy, vec![&result.target])),
            }
        }
        remedies
    }

    /// The targets it was found on.
    pub(super) fn targets(&self) -> Vec<&'r str> {
        self.variants.iter().flat_map(Variant::targets).collect()
    }
}

/// One thing that was found by a check, on one target or many.
pub(super) struct Variant<'r> {
    pub(super) found: &'r str,
    pub(super) results: Vec<&'r CheckResult>,
}

impl<'r> Variant<'r> {
    pub(super) fn targets(&self) -> impl Iterator<Item = &'r str> {
        self.results.iter().map(|result| result.target.as_str())
    }
}

/// One cause that leaves many checks undecided.
pub(super) struct SharedCause<'r> {
    /// The cause alone.
    key: String,
    /// The cause as it is told: with its fact, when it is one fact and not a whole target.
    pub(super) cause: String,
    pub(super) targets: Vec<AffectedTarget<'r>>,
}

impl SharedCause<'_> {
    pub(super) fn checks(&self) -> usize {
        self.targets.iter().map(|affected| affected.checks.len()).sum()
    }
}

/// One target that a shared cause affects.
pub(super) struct AffectedTarget<'r> {
    pub(super) target: &'r str,
    pub(super) checks: Vec<&'r str>,
    /// Whether no other check of this target was decided.
    pub(super) is_whole: bool,
}

/// The checks that were not run, by the providers they need.
pub(super) struct SkippedGroup<'r> {
    pub(super) needs: &'r [Provider],
    /// Ids with what should hold.
    pub(super) checks: BTreeMap<&'r str, &'r str>,
}

impl SkippedGroup<'_> {
    /// Returns the missing providers, for people.
    pub(super) fn providers(&self) -> String {
        self.needs.iter().map(|need| need.description()).collect::<Vec<_>>().join(" and ")
    }

    /// Returns how to make them part of a run.
    pub(super) fn instructions(&self) -> String {
        self.needs.iter().map(|need| need.instruction()).collect::<Vec<_>>().join("; ")
    }
}

/// A report in the order of reading.
pub(super) struct Outline<'r> {
    /// By class, then in the working order of fixes.
    pub(super) groups: Vec<FindingGroup<'r>>,
    pub(super) shared_causes: Vec<SharedCause<'r>>,
    pub(super) skipped: Vec<SkippedGroup<'r>>,
    /// What a failure explains, by its check and target.
    consequences: Consequences<'r>,
}

type Consequences<'r> = BTreeMap<(&'r str, &'r str), Vec<&'r CheckResult>>;

impl<'r> Outline<'r> {
    pub(super) fn new(report: &'r Report) -> Self {
        let shared_causes = find_shared_causes(report);
        let told: BTreeSet<(&str, &str)> = shared_causes
            .iter()
            .flat_map(|cause| cause.targets.iter().map(|on| (on.target, cause.key.as_str())))
            .collect();
        let shared = |result: &CheckResult| {
            let key = result.cause().map(UnknownCause::reason);
            key.is_some_and(|key| told.contains(&(result.target.as_str(), key.as_str())))
        };
        let consequences = find_consequences(report);
        let explained: BTreeSet<(&str, &str)> =
            consequences.values().flatten().map(|result| place(result)).collect();
        let told_alone = report.results.iter().filter(|result| !shared(result));
        let groups = group_findings(told_alone, &explained);
        Self { groups, shared_causes, skipped: group_skipped(&report.not_asked), consequences }
    }

    /// Returns what the failures of a group explain, in working order.
    pub(super) fn consequences(&self, group: &FindingGroup<'r>) -> Vec<&'r CheckResult> {
        let causes = group.variants.iter().flat_map(|variant| &variant.results);
        let mut all: Vec<&CheckResult> = causes
            .filter_map(|cause| self.consequences.get(&place(cause)))
            .flatten()
            .copied()
            .collect();
        all.sort_by_key(|result| result.order);
        all
    }

    /// Returns how many checks were not run.
    pub(super) fn skipped_count(&self) -> usize {
        self.skipped.iter().map(|group| group.checks.len()).sum()
    }

    /// Returns the groups of some statuses, in the working order of fixes.
    pub(super) fn with_any_status(&self, classes: &[Status]) -> Vec<&FindingGroup<'r>> {
        let mut groups: Vec<&FindingGroup<'_>> =
            self.groups.iter().filter(|group| classes.contains(&group.status)).collect();
        groups.sort_by_key(|group| group.first.order);
        groups
    }

    /// Returns the groups of one status.
    pub(super) fn with_status(&self, class: Status) -> impl Iterator<Item = &FindingGroup<'r>> {
        self.groups.iter().filter(move |group| group.status == class)
    }
}

/// Counts the results of one status.
pub(super) fn count(report: &Report, class: Status) -> usize {
    report.results.iter().filter(|result| Status::from_result(result) == class).count()
}

/// Returns the target's name, if there is exactly one.
pub(super) fn single_target(report: &Report) -> Option<&str> {
    match report.targets.as_slice() {
        [target] => Some(&target.name),
        _ => None,
    }
}

/// Returns the verdict in sentences, without any text from hosts.
pub(super) fn conclude(report: &Report, outline: &Outline<'_>) -> String {
    let of = |class| count(report, class);
    let (blockers, unknown, warnings) =
        (of(Status::Blocker), of(Status::Unknown), of(Status::Warning));
    let undecided = match unknown {
        0 => String::new(),
        _ => format!(" {} could not be decided.", pluralize(unknown, "check")),
    };
    let unasked = match outline.skipped_count() {
        0 => String::new(),
        1 => " 1 more was not run.".to_owned(),
        many => format!(" {many} more were not run."),
    };
    let verdict = match OverallVerdict::from_report(report) {
        OverallVerdict::Blocked => {
            let rows = group_by_target(report);
            let blocked = rows
                .iter()
                .filter(|(_, results)| {
                    OverallVerdict::from_results(results) == OverallVerdict::Blocked
                })
                .count();
            let on = match rows.len() {
                0 | 1 => String::new(),
                all => format!(" on {blocked} of {all} targets"),
            };
            let blockers = pluralize(blockers, "blocker");
            format!("{blockers}{on} must be fixed before you go on.{undecided}")
        }
        OverallVerdict::WarningsCount => {
            format!(
                "{}, and warnings count as failures here.{undecided}",
                pluralize(warnings, "warning")
            )
        }
        OverallVerdict::Undecided => {
            format!("No blocker was found, but not everything could be checked.{undecided}")
        }
        OverallVerdict::Clear => {
            let look = match warnings {
                0 => String::new(),
                1 => " 1 warning is worth a look.".to_owned(),
                many => format!(" {many} warnings are worth a look."),
            };
            format!("Of all that was checked, nothing blocks.{look}{undecided}")
        }
        OverallVerdict::NothingChecked => "No check was planned, so this says nothing.".to_owned(),
    };
    verdict + &unasked
}

/// The results of each target, by the place of the target; of two with one name, the first has
/// them all.
pub(super) fn group_by_target(report: &Report) -> Vec<(&str, Vec<&CheckResult>)> {
    let mut rows: Vec<(&str, Vec<&CheckResult>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let named = report.targets.iter().map(|target| target.name.as_str());
    for name in named.chain(report.results.iter().map(|result| result.target.as_str())) {
        places.entry(name).or_insert_with(|| {
            rows.push((name, Vec::new()));
            rows.len() - 1
        });
    }
    for result in &report.results {
        rows[places[result.target.as_str()]].1.push(result);
    }
    rows
}

/// The check and the target of a result, by which links name it.
fn place(result: &CheckResult) -> (&str, &str) {
    (result.check.as_str(), result.target.as_str())
}

/// Returns what each failure explains that no other one explains, directly or through what it explains.
fn find_consequences(report: &Report) -> Consequences<'_> {
    let failures = report.results.iter().filter(|result| result.outcome == OutcomeKind::Fail);
    let failures: BTreeMap<(&str, &str), &CheckResult> =
        failures.map(|result| (place(result), result)).collect();
    let cause = |result: &CheckResult| {
        let link = result.explained_by.first()?;
        failures.get(&(link.check.as_str(), link.target.as_str())).copied()
    };
    let mut consequences = Consequences::new();
    for &result in failures.values() {
        // Links may form a circle: no chain of causes is longer than there are failures.
        let chain = std::iter::successors(cause(result), |earlier| cause(earlier));
        let chain: Vec<&CheckResult> = chain.take(failures.len()).collect();
        if let Some(root) = chain.last().filter(|root| cause(root).is_none()) {
            consequences.entry(place(root)).or_default().push(result);
        }
    }
    consequences
}

fn group_findings<'r>(
    results: impl Iterator<Item = &'r CheckResult>,
    explained: &BTreeSet<(&str, &str)>,
) -> Vec<FindingGroup<'r>> {
    type Key<'r> = (Status, Severity, &'r str, Option<(&'r str, &'r str, &'r str)>, bool);
    let mut entries: Vec<FindingGroup<'r>> = Vec::new();
    let mut places: BTreeMap<Key<'r>, usize> = BTreeMap::new();
    for result in results {
        let status = Status::from_result(result);
        let waiver = result.waiver.as_ref();
        let waiver = waiver.map(|w| (w.reason.as_str(), w.owner.as_str(), w.expires.as_str()));
        let is_explained = explained.contains(&place(result));
        let key = (status, result.severity, result.check.as_str(), waiver, is_explained);
        let index = *places.entry(key).or_insert_with(|| {
            let variants = Vec::new();
            entries.push(FindingGroup { status, first: result, variants, is_explained });
            entries.len() - 1
        });
        let variants = &mut entries[index].variants;
        match variants.iter_mut().find(|variant| variant.found == result.found) {
            Some(variant) => variant.results.push(result),
            None => variants.push(Variant { found: &result.found, results: vec![result] }),
        }
    }
    entries.sort_by_key(|group| {
        // What holds or has no meaning is looked up, so it stays in the order it was planned in.
        let first =
            (group.status < Status::Pass).then_some((group.first.order, group.first.severity));
        (group.status, first)
    });
    entries
}

fn find_shared_causes(report: &Report) -> Vec<SharedCause<'_>> {
    let mut shared_causes: Vec<SharedCause<'_>> = Vec::new();
    for (target, results) in group_by_target(report) {
        let mut causes: Vec<(String, Vec<(&UnknownCause, &str)>)> = Vec::new();
        for result in &results {
            let Some(cause) = result.cause() else { continue };
            let unknown = (cause, result.check.as_str());
            match causes.iter_mut().find(|(key, _)| *key == cause.reason()) {
                Some((_, checks)) => checks.push(unknown),
                None => causes.push((cause.reason(), vec![unknown])),
            }
        }
        for (key, unknown) in causes.into_iter().filter(|(_, unknown)| unknown.len() >= MIN_SHARED)
        {
            let affected = AffectedTarget {
                target,
                checks: unknown.iter().map(|(_, check)| *check).collect(),
                is_whole: unknown.len() == results.len(),
            };
            let first = unknown[0].0;
            let is_one_fact = unknown.iter().all(|(cause, _)| *cause == first);
            let cause =
                if is_one_fact && !affected.is_whole { first.to_string() } else { key.clone() };
            match shared_causes.iter_mut().find(|shared| shared.key == key) {
                Some(shared) => {
                    shared.targets.push(affected);
                    if shared.cause != cause {
                        shared.cause = key;
                    }
                }
                None => shared_causes.push(SharedCause { key, cause, targets: vec![affected] }),
            }
        }
    }
    shared_causes
}

fn group_skipped(left_out: &[SkippedCheck]) -> Vec<SkippedGroup<'_>> {
    let mut groups: BTreeMap<&[Provider], BTreeMap<&str, &str>> = BTreeMap::new();
    for left_out in left_out {
        groups.entry(&left_out.needs).or_default().insert(&left_out.check, &left_out.title);
    }
    groups.into_iter().map(|(needs, checks)| SkippedGroup { needs, checks }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Asset;
    use crate::check::CheckSet;
    use crate::check::engine::{Target, evaluate};
    use crate::check::status::FailOn;
    use crate::facts::Document;
    use crate::facts::target_kind::TargetKind;

    /// A target whose facts are all absent for one reason, checked by the engine itself.
    #[test]
    fn a_host_that_did_not_answer_is_one_silence() {
        let check = |id: &str, more: &str, fact: &str| {
            format!(
                "- id: {id}\n  title: t\n  severity: warning\n  applies_to: image\n{more}  \
                 rule: image.kickstart.{fact}\n  found: f\n  symptom: s\n  \
                 remedy: {{ text: Fix it. }}\n  source: {{ doc: field, at: a }}\n  \
                 examples:\n    - {{ pass: {{}} }}\n    - {{ fail: {{}} }}\n    - {{ unknown: {{}} }}\n"
            )
        };
        let text = check("a.one", "", "zerombr")
            + &check("a.two", "  requires: [a.one]\n", "erases")
            + &check("a.three", "  requires: [a.two]\n", "minimal")
            + &check("a.four", "", "first_boot");
        let set = CheckSet::read(&[Asset { path: "checks/a.yaml".into(), text }]).unwrap();
        let target = |name: &str, absent: &[(&str, &str)]| {
            Target::new(
                name.to_owned(),
                TargetKind::Image,
                Document {
                    known: match absent {
                        [("image", _)] => serde_json::json!({}),
                        _ => serde_json::json!({ "image": { "kickstart": {} } }),
                    },
                    absent: absent
                        .iter()
                        .map(|(p, r)| ((*p).to_owned(), (*r).to_owned()))
                        .collect(),
                },
            )
        };
        let gone = "cannot connect: connection refused";
        let targets = [target("mt1", &[("image", gone)]), target("mt2", &[("image", gone)]), {
            let facts = [
                ("image.kickstart.zerombr", "permission denied"),
                ("image.kickstart.first_boot", "no such file"),
            ];
            target("mt3", &facts)
        }];
        let now = "2026-11-20T03:00:00Z".parse().unwrap();
        let findings = evaluate(&set, &targets, &[], now);
        let report = Report::new(&targets, findings, &[], &[], now, FailOn::Blocker);
        let outline = Outline::new(&report);
        let told: Vec<_> = outline
            .shared_causes
            .iter()
            .flat_map(|cause| {
                cause
                    .targets
                    .iter()
                    .map(|s| (cause.cause.as_str(), s.target, s.checks.len(), s.is_whole))
            })
            .collect();
        assert_eq!(
            told,
            [
                (gone, "mt1", 4, true),
                (gone, "mt2", 4, true),
                ("image.kickstart.zerombr: permission denied", "mt3", 3, false),
            ]
        );
        let left: Vec<&str> =
            outline.groups.iter().map(|group| group.first.check.as_str()).collect();
        assert_eq!(left, ["a.four"]);
        assert_eq!(outline.shared_causes[0].checks(), 8);
    }
}
