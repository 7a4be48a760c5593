//! A report in the order somebody reads it: worst first, the same finding on many targets once,
//! and one cause behind many undecided checks once.
//!
//! Not for how it looks: `text`, `markdown` and `html` each have a page of their own.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::counted;
use super::model::{CheckResult, LeftOut, OutcomeWord, Report};
use crate::check::definition::{Remedy, Severity};
use crate::check::provider::Provider;
use crate::check::schema;

/// From how many checks of one target on, one common cause is told once instead of each time.
const SHARED: usize = 3;

/// What a result means to somebody who has to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Blocker,
    Unknown,
    Warning,
    Waived,
    Pass,
    NotApplicable,
}

impl Class {
    /// Every class, worst first.
    pub(super) const ALL: [Self; 6] = [
        Self::Blocker,
        Self::Unknown,
        Self::Warning,
        Self::Waived,
        Self::Pass,
        Self::NotApplicable,
    ];

    pub(super) fn of(result: &CheckResult) -> Self {
        match result.outcome {
            OutcomeWord::Fail if result.severity.is_blocker() => Self::Blocker,
            OutcomeWord::Fail => Self::Warning,
            OutcomeWord::Unknown => Self::Unknown,
            OutcomeWord::Waived => Self::Waived,
            OutcomeWord::Pass => Self::Pass,
            OutcomeWord::NotApplicable => Self::NotApplicable,
        }
    }

    /// Whether the remedy belongs to it.
    pub(super) fn wants_mending(self) -> bool {
        matches!(self, Self::Blocker | Self::Warning)
    }
}

/// What results add up to for somebody who has to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Blocked,
    /// No blocker, but warnings were asked to count.
    WarningsCount,
    Undecided,
    Clear,
    NothingChecked,
}

impl Verdict {
    /// The verdict over a whole report, which is its exit status in words.
    pub(super) fn of(report: &Report) -> Self {
        match report.summary.exit_code {
            0 => Self::Clear,
            1 if report.results.iter().any(|r| Class::of(r) == Class::Blocker) => Self::Blocked,
            1 => Self::WarningsCount,
            2 => Self::NothingChecked,
            _ => Self::Undecided,
        }
    }

    /// The verdict over one target, by blockers alone.
    pub(super) fn of_target(results: &[&CheckResult]) -> Self {
        let any = |class| results.iter().any(|r| Class::of(r) == class && r.severity.is_blocker());
        match () {
            () if any(Class::Blocker) => Self::Blocked,
            () if any(Class::Unknown) => Self::Undecided,
            () if results.is_empty() => Self::NothingChecked,
            () => Self::Clear,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::WarningsCount => "warnings count as failures",
            Self::Undecided => "undecided",
            Self::Clear => "nothing blocks",
            Self::NothingChecked => "nothing was checked",
        }
    }

    /// The class it is shown like.
    pub(super) fn class(self) -> Class {
        match self {
            Self::Blocked | Self::NothingChecked => Class::Blocker,
            Self::WarningsCount => Class::Warning,
            Self::Undecided => Class::Unknown,
            Self::Clear => Class::Pass,
        }
    }
}

/// One check with one outcome, on as many targets as have it.
pub(super) struct Entry<'r> {
    pub(super) class: Class,
    /// The first of its results: what is said about the check is the same in all.
    pub(super) first: &'r CheckResult,
    /// What was found, and where.
    pub(super) variants: Vec<Variant<'r>>,
}

impl<'r> Entry<'r> {
    /// How to mend it, each remedy that differs once, with the targets it is for.
    pub(super) fn remedies(&self) -> Vec<(&'r Remedy, Vec<&'r str>)> {
        let mut remedies: Vec<(&Remedy, Vec<&str>)> = Vec::new();
        for &result in self.variants.iter().flat_map(|variant| &variant.results) {
            match remedies.iter_mut().find(|(known, _)| **known == result.remedy) {
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
pub(super) struct Silence<'r> {
    /// The cause alone.
    key: &'r str,
    /// The cause as it is told: with its fact, when it is one fact and not a whole target.
    pub(super) cause: &'r str,
    pub(super) silent: Vec<Silent<'r>>,
}

impl Silence<'_> {
    pub(super) fn checks(&self) -> usize {
        self.silent.iter().map(|silent| silent.checks.len()).sum()
    }
}

/// One target that a cause keeps silent.
pub(super) struct Silent<'r> {
    pub(super) target: &'r str,
    pub(super) checks: Vec<&'r str>,
    /// Whether no other check of this target was decided.
    pub(super) wholly: bool,
}

/// What was not asked, by who would have to be.
pub(super) struct Unasked<'r> {
    pub(super) needs: &'r [Provider],
    /// Ids with what should hold.
    pub(super) checks: BTreeMap<&'r str, &'r str>,
}

impl Unasked<'_> {
    /// Who would have to be asked, for people.
    pub(super) fn who(&self) -> String {
        self.needs.iter().map(|need| need.name()).collect::<Vec<_>>().join(" and ")
    }

    /// What lets it be asked.
    pub(super) fn how(&self) -> String {
        self.needs.iter().map(|need| need.how()).collect::<Vec<_>>().join("; ")
    }
}

/// A report in the order of reading.
pub(super) struct Outline<'r> {
    /// By class, then in the working order of fixes.
    pub(super) entries: Vec<Entry<'r>>,
    pub(super) silences: Vec<Silence<'r>>,
    pub(super) unasked: Vec<Unasked<'r>>,
}

impl<'r> Outline<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let silences = silences(report);
        let told: BTreeSet<(&str, &str)> = silences
            .iter()
            .flat_map(|silence| silence.silent.iter().map(|silent| (silent.target, silence.key)))
            .collect();
        let shared = |result: &CheckResult| {
            Class::of(result) == Class::Unknown
                && told.contains(&(result.target.as_str(), cause(&result.found)))
        };
        let entries = entries(report.results.iter().filter(|result| !shared(result)));
        Self { entries, silences, unasked: unasked(&report.not_asked) }
    }

    /// How many checks nobody was asked about.
    pub(super) fn unasked_checks(&self) -> usize {
        self.unasked.iter().map(|group| group.checks.len()).sum()
    }

    /// The entries of one class.
    pub(super) fn of_class(&self, class: Class) -> impl Iterator<Item = &Entry<'r>> {
        self.entries.iter().filter(move |entry| entry.class == class)
    }
}

/// How many results a report has of one class.
pub(super) fn count(report: &Report, class: Class) -> usize {
    report.results.iter().filter(|result| Class::of(result) == class).count()
}

/// The name of the one target there is.
pub(super) fn subject(report: &Report) -> Option<&str> {
    match report.targets.as_slice() {
        [target] => Some(&target.name),
        _ => None,
    }
}

/// The verdict in sentences, without any text from elsewhere.
pub(super) fn conclusion(report: &Report, outline: &Outline<'_>) -> String {
    let of = |class| count(report, class);
    let (blockers, unknown, warnings) =
        (of(Class::Blocker), of(Class::Unknown), of(Class::Warning));
    let undecided = match unknown {
        0 => String::new(),
        _ => format!(" {} could not be decided.", counted(unknown, "check")),
    };
    let unasked = match outline.unasked_checks() {
        0 => String::new(),
        1 => " 1 more was not asked.".to_owned(),
        many => format!(" {many} more were not asked."),
    };
    let verdict = match Verdict::of(report) {
        Verdict::Blocked => {
            let rows = by_target(report);
            let blocked = rows
                .iter()
                .filter(|(_, results)| Verdict::of_target(results) == Verdict::Blocked)
                .count();
            let on = match rows.len() {
                0 | 1 => String::new(),
                all => format!(" on {blocked} of {all} targets"),
            };
            let have = if blockers == 1 { "has" } else { "have" };
            let blockers = counted(blockers, "blocker");
            format!("{blockers}{on} {have} to be mended before you go on.{undecided}")
        }
        Verdict::WarningsCount => {
            format!(
                "{}, and warnings were asked to count.{undecided}",
                counted(warnings, "warning")
            )
        }
        Verdict::Undecided => {
            format!("No blocker was found, but not everything was seen.{undecided}")
        }
        Verdict::Clear => {
            let look = match warnings {
                0 => String::new(),
                1 => " 1 warning is worth a look.".to_owned(),
                many => format!(" {many} warnings are worth a look."),
            };
            format!("Of all that was checked, nothing blocks.{look}{undecided}")
        }
        Verdict::NothingChecked => "No check was planned, so this says nothing.".to_owned(),
    };
    verdict + &unasked
}

/// The results of each target, by the place of the target; of two with one name, the first has
/// them all.
pub(super) fn by_target(report: &Report) -> Vec<(&str, Vec<&CheckResult>)> {
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

fn entries<'r>(results: impl Iterator<Item = &'r CheckResult>) -> Vec<Entry<'r>> {
    type Key<'r> = (Class, Severity, &'r str, Option<(&'r str, &'r str, &'r str)>);
    let mut entries: Vec<Entry<'r>> = Vec::new();
    let mut places: BTreeMap<Key<'r>, usize> = BTreeMap::new();
    for result in results {
        let class = Class::of(result);
        let waiver = result.waiver.as_ref();
        let waiver = waiver.map(|w| (w.reason.as_str(), w.owner.as_str(), w.expires.as_str()));
        let place =
            *places.entry((class, result.severity, &result.check, waiver)).or_insert_with(|| {
                entries.push(Entry { class, first: result, variants: Vec::new() });
                entries.len() - 1
            });
        let variants = &mut entries[place].variants;
        match variants.iter_mut().find(|variant| variant.found == result.found) {
            Some(variant) => variant.results.push(result),
            None => variants.push(Variant { found: &result.found, results: vec![result] }),
        }
    }
    entries.sort_by_key(|entry| {
        // What holds or has no meaning is looked up, so it stays in the order it was planned in.
        let first =
            (entry.class < Class::Pass).then_some((entry.first.order, entry.first.severity));
        (entry.class, first)
    });
    entries
}

fn silences(report: &Report) -> Vec<Silence<'_>> {
    let mut silences: Vec<Silence<'_>> = Vec::new();
    for (target, results) in by_target(report) {
        let mut causes: Vec<(&str, Vec<&CheckResult>)> = Vec::new();
        for result in results.iter().filter(|result| Class::of(result) == Class::Unknown) {
            let cause = cause(&result.found);
            match causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, unknown)) => unknown.push(result),
                None => causes.push((cause, vec![result])),
            }
        }
        for (key, unknown) in causes.into_iter().filter(|(_, unknown)| unknown.len() >= SHARED) {
            let silent = Silent {
                target,
                checks: unknown.iter().map(|result| result.check.as_str()).collect(),
                wholly: unknown.len() == results.len(),
            };
            let first = absence(&unknown[0].found);
            let same = unknown.iter().all(|result| absence(&result.found) == first);
            let cause = if same && !silent.wholly { first } else { key };
            match silences.iter_mut().find(|silence| silence.key == key) {
                Some(silence) => {
                    silence.silent.push(silent);
                    if silence.cause != cause {
                        silence.cause = key;
                    }
                }
                None => silences.push(Silence { key, cause, silent: vec![silent] }),
            }
        }
    }
    silences
}

fn unasked(left_out: &[LeftOut]) -> Vec<Unasked<'_>> {
    let mut groups: BTreeMap<&[Provider], BTreeMap<&str, &str>> = BTreeMap::new();
    for left_out in left_out {
        groups.entry(&left_out.needs).or_default().insert(&left_out.check, &left_out.title);
    }
    groups.into_iter().map(|(needs, checks)| Unasked { needs, checks }).collect()
}

/// What is absent and why, without the way to it: the engine puts `CHECK is unknown: ` before it
/// for each prerequisite.
fn absence(reason: &str) -> &str {
    match reason.split_once(": ") {
        Some((before, after)) if before.ends_with(" is unknown") => absence(after),
        _ => reason,
    }
}

/// What keeps a check from being decided, whatever fact it keeps from it.
fn cause(reason: &str) -> &str {
    let absence = absence(reason);
    match absence.split_once(": ") {
        Some((before, after)) if is_path(before) => after,
        _ => absence,
    }
}

fn is_path(text: &str) -> bool {
    let root = text.split(['.', '[']).next().unwrap_or_default();
    !text.contains(' ') && schema::provider(root).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Asset;
    use crate::check::engine::{Target, judge};
    use crate::check::status::FailOn;
    use crate::check::{CheckSet, TargetKind};
    use crate::facts::Document;

    #[test]
    fn the_cause_is_what_stands_behind_checks_and_paths() {
        for (reason, expected) in [
            ("mt.access: connection refused", "connection refused"),
            ("a.b is unknown: mt.access.user_id: timed out", "timed out"),
            ("a.b is unknown: c.d is unknown: mt.x[2].y: id: no such user", "id: no such user"),
            ("connection refused", "connection refused"),
            ("mt.access: 192.0.2.1: no route", "192.0.2.1: no route"),
            ("nobody has answered: is there a backup?", "nobody has answered: is there a backup?"),
            ("image: no such file", "no such file"),
            ("timeout: 30 s", "timeout: 30 s"),
            ("a.b is unknown: ", ""),
            ("", ""),
        ] {
            assert_eq!(cause(reason), expected, "{reason:?}");
        }
    }

    /// A target whose facts are all absent for one reason, judged by the engine itself.
    #[test]
    fn a_host_that_did_not_answer_is_one_silence() {
        let check = |id: &str, more: &str, fact: &str| {
            format!(
                "- id: {id}\n  title: t\n  severity: warning\n  applies_to: image\n{more}  \
                 rule: image.kickstart.{fact}\n  found: f\n  symptom: s\n  \
                 remedy: {{ text: Mend it. }}\n  source: {{ doc: field, at: a }}\n  \
                 examples:\n    - {{ pass: {{}} }}\n    - {{ fail: {{}} }}\n    - {{ unknown: {{}} }}\n"
            )
        };
        let text = check("a.one", "", "zerombr")
            + &check("a.two", "  requires: [a.one]\n", "erases")
            + &check("a.three", "  requires: [a.two]\n", "minimal")
            + &check("a.four", "", "first_boot");
        let set = CheckSet::read(&[Asset { path: "checks/a.yaml".into(), text }]).unwrap();
        let target = |name: &str, absent: &[(&str, &str)]| Target {
            name: name.to_owned(),
            kind: TargetKind::Image,
            document: Document {
                known: match absent {
                    [("image", _)] => serde_json::json!({}),
                    _ => serde_json::json!({ "image": { "kickstart": {} } }),
                },
                absent: absent.iter().map(|(p, r)| ((*p).to_owned(), (*r).to_owned())).collect(),
            },
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
        let findings = judge(&set, &targets, &[], now);
        let report = Report::new(&targets, findings, &[], &[], now, FailOn::Blocker);
        let outline = Outline::of(&report);
        let told: Vec<_> = outline
            .silences
            .iter()
            .flat_map(|silence| {
                silence.silent.iter().map(|s| (silence.cause, s.target, s.checks.len(), s.wholly))
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
            outline.entries.iter().map(|entry| entry.first.check.as_str()).collect();
        assert_eq!(left, ["a.four"]);
        assert_eq!(outline.silences[0].checks(), 8);
    }
}
