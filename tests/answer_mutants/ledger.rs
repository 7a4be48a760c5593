//! What became of every check on every damaged capture, and what is excused.
//!
//! Not for damaging anything (`damage`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use preflight::check::{CheckSet, Outcome, Target, evaluate};
use preflight::facts::Document;
use serde_json::Value;

use super::captures::{Subject, checks};
use super::damage::Damaged;

/// What is right although it looks wrong: `KINDS | PROBES | CHECKS: why`, where `*` stands for any.
const EXCUSED: &str = include_str!("excused.txt");

/// A check that passed on a damaged capture.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Passed {
    kind: &'static str,
    probe: String,
    check: String,
    /// The target it was evaluated for.
    target: String,
    /// Whether the facts the check speaks of changed.
    changed: bool,
    /// Whether it passed before the damage.
    before: bool,
    whole: bool,
    subject: &'static str,
    what: String,
}

impl Passed {
    fn line(&self) -> String {
        format!("{} | {} | {}", self.kind, self.probe, self.check)
    }

    fn read(&self) -> Read {
        (self.subject, self.target.clone(), self.check.clone(), self.probe.clone())
    }
}

/// That a check, evaluated for a target of a subject, reads a probe.
type Read = (&'static str, String, String, String);

/// Everything that was found.
pub struct Ledger {
    mutants: BTreeMap<&'static str, usize>,
    evaluated: usize,
    wrong: Vec<String>,
    unread: Vec<String>,
    idle: Vec<String>,
    excused: usize,
    /// By subject: how many blockers pass on the undamaged capture.
    good: BTreeMap<&'static str, usize>,
}

/// The outcome of one check on one target, and the facts it speaks of.
type Judged = BTreeMap<(String, String), (bool, Vec<Option<Value>>)>;

impl Ledger {
    pub fn of(subjects: &[Subject]) -> Self {
        let checks = checks();
        let (mut passed, mut reads) = (Vec::new(), BTreeSet::new());
        let (mut mutants, mut evaluated) = (BTreeMap::new(), 0);
        let mut probes = BTreeSet::new();
        let mut evaluated_checks: BTreeSet<String> = BTreeSet::new();
        let mut good = BTreeMap::new();
        for subject in subjects {
            let base = judged(&subject.targets(&subject.capture, &checks), &checks);
            let is_blocker = |check: &str| checks.find(check).unwrap().severity.is_blocker();
            let passing = base.iter().filter(|((_, check), (ok, _))| *ok && is_blocker(check));
            good.insert(subject.name, passing.count());
            probes.extend(subject.capture.answers.by_probe.keys().cloned());
            evaluated_checks.extend(base.keys().map(|(_, check)| check.clone()));
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
            !reads.iter().any(|(.., read): &Read| read == probe) && !is_unread_by_right(probe)
        });
        let unread = unread.collect();
        let suspicious =
            passed.into_iter().filter(|it| it.changed || (it.whole && reads.contains(&it.read())));
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
                    let key = (it.line(), grade);
                    let first = format!("{} {}: {}", it.subject, it.target, it.what);
                    let entry = wrong.entry(key).or_insert((0, first));
                    entry.0 += 1;
                }
            }
        }
        let mine: BTreeSet<&str> = subjects
            .iter()
            .flat_map(|s| s.capture.answers.by_probe.keys())
            .map(String::as_str)
            .collect();
        let of_these =
            |kinds: &str| kinds == "*" || kinds.split(", ").any(|kind| mutants.contains_key(kind));
        let idle = excuses().filter(|line| of_these(line.kinds)).filter(|line| {
            let here = |names: &str| {
                names == "*" || names.split(", ").any(|check| evaluated_checks.contains(check))
            };
            !used.contains(line.text)
                && here(line.check)
                && line.probe.split(", ").any(|probe| mine.contains(probe))
        });
        let idle = idle.map(|line| line.text.to_owned()).collect();
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
            idle,
            excused,
            good,
        }
    }

    /// How many blockers pass on a capture that is not damaged.
    pub fn passing(&self, subject: &str) -> usize {
        self.good.get(subject).copied().unwrap_or_default()
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
type Found = (Vec<Passed>, BTreeSet<Read>, usize);

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
            let probe = damaged.probe.clone();
            found.1.insert((subject.name, target.clone(), check.clone(), probe));
        }
        if *passes {
            found.0.push(Passed {
                kind: damaged.kind,
                probe: damaged.probe.clone(),
                check: check.clone(),
                target: target.clone(),
                changed,
                before: before.is_some_and(|(passed, _)| *passed),
                whole: damaged.whole,
                subject: subject.name,
                what: damaged.what.clone(),
            });
        }
    }
}

/// Every check, of whatever severity, and what became of it.
fn judged(targets: &[Target], checks: &CheckSet) -> Judged {
    let findings = evaluate(checks, targets, &[], jiff::Timestamp::now());
    let documents: BTreeMap<&str, &Document> =
        targets.iter().map(|target| (target.name.as_str(), &target.document)).collect();
    findings
        .into_iter()
        .map(|finding| {
            let check = checks.find(&finding.check).unwrap();
            let paths: BTreeSet<&str> = check.rules().flat_map(|rule| rule.paths()).collect();
            let document = documents[finding.target.as_str()];
            let facts = paths.iter().map(|path| value(&document.known, path)).collect();
            let passes = matches!(finding.outcome, Outcome::Pass);
            ((finding.target.to_string(), finding.check.to_string()), (passes, facts))
        })
        .collect()
}

/// What a rule sees of the fact at a path, in which `[]` stands for every element of a list. Of a
/// list of objects it can only see how many there are.
fn value(known: &Value, path: &str) -> Option<Value> {
    let Some((list, rest)) = path.split_once("[]") else {
        let found = path.split('.').try_fold(known, |here, name| here.get(name))?;
        return Some(match found.as_array() {
            Some(items) if items.iter().any(Value::is_object) => Value::from(items.len()),
            _ => found.clone(),
        });
    };
    let list = list.split('.').try_fold(known, |here, name| here.get(name))?;
    let Some(rest) = rest.strip_prefix('.') else { return Some(list.clone()) };
    let items = list.as_array()?.iter();
    Some(items.map(|item| value(item, rest).unwrap_or(Value::Null)).collect())
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

/// Probes that decide no check of these captures, each with the reason.
const UNREAD: &[(&str, &str)] = &[
    ("apt-settings", "Debian's and Ubuntu's alone"),
    ("asked", "whom the other answers are about"),
    ("authorization", "names of roles and privileges, for those that are lacking"),
    ("auto-upgrades", "Debian's and Ubuntu's alone"),
    ("azure-agent", "a question since it is the returned machine that counts"),
    ("clock", "unknown where a script was run by somebody else"),
    ("clusters", "names in paths"),
    ("esxi-extents", "for a volume whose kind the list does not tell"),
    ("esxi-nfs", "for a machine on NFS that is on"),
    ("esxi-nfs41", "for a machine on NFS 4.1"),
    ("esxi-time", "for a licence that ends"),
    ("esxi-vmx-12", "for a master target alone"),
    ("leftovers", "for a machine that is gone"),
    ("licences", "for a host whose own licence is not told"),
    ("logout", "the end of the session"),
    ("networks", "names in paths"),
    ("own-privileges", "for a machine that is not found"),
    ("pods", "for a datastore in a cluster"),
    ("pools", "names in paths"),
    ("resolved-conf", "for systemd-resolved, which these machines do not have"),
    ("retention-blkid", "for a mount whose file system the kernel does not tell"),
    ("session", "who was logged in"),
    ("time", "for an expiry that is near"),
    ("version-lock-conf", "for yum's version lock, which these machines do not have"),
];

fn is_unread_by_right(probe: &str) -> bool {
    UNREAD.iter().any(|(known, _)| *known == probe)
}
