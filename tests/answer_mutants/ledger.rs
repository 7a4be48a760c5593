//! What became of every check on every damaged capture, and what is excused.
//!
//! Not for damaging anything (`damage`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use preflight::check::{CheckSet, Outcome, Severity, Target, judge};
use preflight::facts::Document;
use serde_json::Value;

use super::captures::{Subject, checks};
use super::damage::Damaged;

/// What is right although it looks wrong: `KIND PROBE CHECK: why`, where `*` stands for any.
const EXCUSED: &str = include_str!("excused.txt");

/// A check that passed on a damaged capture.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Passed {
    kind: &'static str,
    probe: String,
    check: String,
    /// Whether the facts the check speaks of changed.
    changed: bool,
    /// Whether it passed before the damage.
    before: bool,
    whole: bool,
    subject: &'static str,
    what: String,
}

/// Everything that was found.
pub struct Ledger {
    mutants: BTreeMap<&'static str, usize>,
    evaluated: usize,
    wrong: Vec<String>,
    unread: Vec<String>,
    idle: Vec<String>,
    excused: usize,
}

/// The outcome of one check on one target, and the facts it speaks of.
type Judged = BTreeMap<(String, String), (bool, Vec<Option<Value>>)>;

impl Ledger {
    pub fn of(subjects: &[Subject]) -> Self {
        let checks = checks();
        let (mut passed, mut reads) = (Vec::new(), BTreeSet::new());
        let (mut mutants, mut evaluated) = (BTreeMap::new(), 0);
        let mut probes = BTreeSet::new();
        for subject in subjects {
            let base = judged(&subject.targets(&subject.capture, &checks), &checks);
            probes.extend(subject.capture.answers.by_probe.keys().cloned());
            for damaged in &subject.damages {
                *mutants.entry(damaged.kind).or_default() += 1;
            }
            for (of, read, count) in evaluated_all(subject, &base, &checks) {
                passed.extend(of);
                reads.extend(read);
                evaluated += count;
            }
        }
        let unread = probes.into_iter().filter(|probe| {
            !reads.iter().any(|(read, _): &(String, String)| read == probe)
                && !is_unread_by_right(probe)
        });
        let unread = unread.collect();
        let suspicious = passed.into_iter().filter(|it| {
            let reads = reads.contains(&(it.probe.clone(), it.check.clone()));
            it.changed || (it.whole && reads)
        });
        let mut wrong: BTreeMap<(String, &'static str), (usize, String)> = BTreeMap::new();
        let mut used = BTreeSet::new();
        let mut excused = 0;
        for it in suspicious {
            match excuse(&it) {
                Some(line) => {
                    used.insert(line);
                    excused += 1;
                }
                None => {
                    let grade = if it.before { "passes still" } else { "passes now" };
                    let key = (format!("{} | {} | {}", it.kind, it.probe, it.check), grade);
                    let entry =
                        wrong.entry(key).or_insert((0, format!("{}: {}", it.subject, it.what)));
                    entry.0 += 1;
                }
            }
        }
        let mine: BTreeSet<&str> = subjects
            .iter()
            .flat_map(|s| s.capture.answers.by_probe.keys())
            .map(String::as_str)
            .collect();
        let idle = excuses().filter(|line| {
            let probe = line.probe;
            !used.contains(line.text) && mine.contains(probe)
        });
        Self {
            mutants,
            evaluated,
            wrong: wrong
                .into_iter()
                .map(|((what, grade), (count, first))| {
                    format!("{what}: {grade} {count} times, first {first}")
                })
                .collect(),
            unread,
            idle: idle.map(|line| line.text.to_owned()).collect(),
            excused,
        }
    }

    pub fn wrong(&self) -> &[String] {
        &self.wrong
    }

    pub fn unread(&self) -> &[String] {
        &self.unread
    }

    pub fn idle_excuses(&self) -> &[String] {
        &self.idle
    }

    pub fn summary(&self) -> String {
        let total: usize = self.mutants.values().sum();
        let mut text = String::from("| damage | mutants |\n|---|---|\n");
        for (kind, count) in &self.mutants {
            text.push_str(&format!("| {kind} | {count} |\n"));
        }
        text.push_str(&format!(
            "\n{total} mutants, {} checks evaluated on them, {} passes explained in \
             tests/answer_mutants/excused.txt, {} passed wrongly.\n",
            self.evaluated,
            self.excused,
            self.wrong.len()
        ));
        text
    }
}

/// What one thread found: what passed, which check reads which probe, and how many were evaluated.
type Found = (Vec<Passed>, BTreeSet<(String, String)>, usize);

/// Every damaged capture of one system, evaluated on all processors.
fn evaluated_all(subject: &Subject, base: &Judged, checks: &CheckSet) -> Vec<Found> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut found: Found = Default::default();
                while let Some(damaged) = subject.damages.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let now = judged(&subject.targets(&damaged.transcript, checks), checks);
                    compare(subject, damaged, base, &now, &mut found);
                }
                all.lock().unwrap().push(found);
            });
        }
    });
    all.into_inner().unwrap()
}

fn compare(subject: &Subject, damaged: &Damaged, base: &Judged, now: &Judged, found: &mut Found) {
    for ((target, check), (passes, facts)) in now {
        found.2 += 1;
        let before = base.get(&(target.clone(), check.clone()));
        let changed = before.is_none_or(|(_, before)| before != facts);
        if changed {
            found.1.insert((damaged.probe.clone(), check.clone()));
        }
        if *passes {
            found.0.push(Passed {
                kind: damaged.kind,
                probe: damaged.probe.clone(),
                check: check.clone(),
                changed,
                before: before.is_some_and(|(passed, _)| *passed),
                whole: damaged.whole,
                subject: subject.name,
                what: damaged.what.clone(),
            });
        }
    }
}

/// Every blocker and what became of it; a warning sends nobody to press a button.
fn judged(targets: &[Target], checks: &CheckSet) -> Judged {
    let findings = judge(checks, targets, &[], jiff::Timestamp::now());
    let documents: BTreeMap<&str, &Document> =
        targets.iter().map(|target| (target.name.as_str(), &target.document)).collect();
    let blockers = findings.into_iter().filter(|finding| {
        finding.severity <= Severity::DataLoss || matches!(finding.outcome, Outcome::Pass)
    });
    blockers
        .map(|finding| {
            let check = checks.find(&finding.check).unwrap();
            let paths: BTreeSet<&str> = check
                .rules()
                .flat_map(|rule| rule.paths())
                .map(|path| path.split("[]").next().unwrap_or(path))
                .collect();
            let document = documents[finding.target.as_str()];
            let facts = paths.iter().map(|path| value(document, path).cloned()).collect();
            let passes = matches!(finding.outcome, Outcome::Pass);
            ((finding.target, finding.check), (passes, facts))
        })
        .collect()
}

fn value<'d>(document: &'d Document, path: &str) -> Option<&'d Value> {
    path.split('.').try_fold(&document.known, |here, name| here.get(name))
}

struct Excuse {
    text: &'static str,
    kinds: &'static str,
    probe: &'static str,
    check: &'static str,
}

fn excuses() -> impl Iterator<Item = Excuse> {
    let lines = EXCUSED.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|text| {
        let (what, why) = text.split_once(": ").unwrap_or_else(|| panic!("no reason: {text}"));
        assert!(why.len() > 20, "{text}: say why");
        let mut words = what.split(" | ").map(str::trim);
        let mut word = || words.next().unwrap_or_else(|| panic!("KIND | PROBE | CHECK: {text}"));
        Excuse { text, kinds: word(), probe: word(), check: word() }
    })
}

fn excuse(passed: &Passed) -> Option<&'static str> {
    let fits = |pattern: &str, text: &str| pattern == "*" || pattern.split(", ").any(|p| p == text);
    let mut found = excuses().filter(|excuse| {
        fits(excuse.kinds, passed.kind)
            && fits(excuse.probe, &passed.probe)
            && fits(excuse.check, &passed.check)
    });
    found.next().map(|excuse| excuse.text)
}

/// Probes whose answers no check reads: they say of whom the others are.
fn is_unread_by_right(probe: &str) -> bool {
    ["asked"].contains(&probe)
}
