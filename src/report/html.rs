//! The report as one page that people like to read: no script, nothing from elsewhere.
//!
//! This is what stands on the page; how it looks is `templates/report/report.html.hbs`. Every text
//! is made visible here and escaped there.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::layout::{counted, cut, pieces, sentence, visible};
use super::model::{CheckResult, Report};
use super::outline::{
    Class, Entry, Outline, Silence, Unasked, Variant, Verdict, by_target, conclusion, count,
};
use super::style::Style;
use crate::check::definition::Remedy;
use crate::template;

/// With more targets than this, what passes is said once and not for each of them.
const LISTED_TARGETS: usize = 20;

/// How many differing pieces of evidence one thing found shows.
const EVIDENCE: usize = 8;

/// How much of one fact evidence shows.
const LONGEST: usize = 2000;

/// Renders the report as a page.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let mut page = serde_json::to_value(Page::of(report)).expect("the page has only text keys");
    tame(&mut page);
    let page = template::render_page("report/report.html.hbs", &page);
    page.expect("the embedded page asks for nothing but what Page has").into_bytes()
}

/// Makes every text of a page visible, wherever it is from.
fn tame(value: &mut Value) {
    match value {
        Value::String(text) => *text = visible(text),
        Value::Array(items) => items.iter_mut().for_each(tame),
        Value::Object(members) => members.values_mut().for_each(tame),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[derive(Serialize)]
struct Page {
    version: String,
    at: String,
    /// The same moment for people.
    when: String,
    complete: bool,
    verdict: Conclusion,
    subject: String,
    planned: String,
    /// Whether there is more than one target, so that findings name theirs.
    many: bool,
    targets_n: usize,
    targets: Vec<Row>,
    counts: Vec<Count>,
    sections: Vec<Section>,
    not_asked: Vec<NotAsked>,
    not_asked_n: usize,
    notes: Vec<String>,
    /// What passed and what has no meaning.
    quiet: Vec<Section>,
}

#[derive(Serialize)]
struct Conclusion {
    class: &'static str,
    word: String,
    sentence: String,
}

#[derive(Serialize)]
struct Row {
    n: usize,
    name: String,
    kind: &'static str,
    class: &'static str,
    verdict: &'static str,
    blockers: usize,
    unknown: usize,
    warnings: usize,
    passed: usize,
}

#[derive(Serialize)]
struct Count {
    class: &'static str,
    label: &'static str,
    n: usize,
}

#[derive(Serialize)]
struct Section {
    class: &'static str,
    heading: &'static str,
    n: usize,
    lead: &'static str,
    compact: bool,
    silences: Vec<Cause>,
    entries: Vec<Item>,
}

#[derive(Serialize)]
struct Cause {
    heading: String,
    cause: String,
    /// The classes by which the page filters targets.
    r#where: String,
    silent: Vec<Dumb>,
}

#[derive(Serialize)]
struct Dumb {
    name: String,
    what: String,
    r#where: String,
}

#[derive(Serialize)]
struct Item {
    word: &'static str,
    check: String,
    title: String,
    severity: String,
    open: bool,
    r#where: String,
    /// What is said while it is folded.
    brief: String,
    found_label: &'static str,
    variants: Vec<Found>,
    waiver: Option<String>,
    mend: bool,
    symptom: Vec<Piece>,
    remedies: Vec<RemedyItem>,
    source: String,
}

/// What to do, on all targets or on some.
#[derive(Serialize)]
struct RemedyItem {
    /// The targets, where others need something else.
    names: Option<String>,
    text: Vec<Piece>,
    downtime: bool,
    commands: Vec<String>,
}

/// A piece of a sentence.
#[derive(Serialize)]
struct Piece {
    code: bool,
    text: String,
}

#[derive(Serialize)]
struct Found {
    found: String,
    r#where: String,
    names: Option<String>,
    evidence: Vec<Evidence>,
}

#[derive(Serialize)]
struct Evidence {
    label: Option<String>,
    lines: Vec<String>,
}

#[derive(Serialize)]
struct NotAsked {
    lead: String,
    how: String,
    checks: Vec<Left>,
}

#[derive(Serialize)]
struct Left {
    id: String,
    title: String,
}

impl Page {
    fn of(report: &Report) -> Self {
        let outline = Outline::of(report);
        let rows = by_target(report);
        let maker = Maker {
            places: rows.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect(),
            many: rows.len() > 1,
            listed: rows.len() <= LISTED_TARGETS,
        };
        let verdict = Verdict::of(report);
        let section = |class: &Class| maker.section(report, &outline, *class);
        let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
        let mut targets: Vec<(usize, &(&str, Vec<&CheckResult>))> =
            rows.iter().enumerate().collect();
        targets.sort_by_key(|(_, (_, results))| Verdict::of_target(results));
        Self {
            version: report.tool.version.clone(),
            at: report.run.at.clone(),
            when: when(&report.run.at),
            complete: report.run.complete,
            verdict: Conclusion {
                class: slug(verdict.class()),
                word: capital(verdict.words()),
                sentence: conclusion(report, &outline),
            },
            subject: match names.as_slice() {
                [] => "no target".to_owned(),
                few if few.len() <= 3 => few.join(", "),
                many => counted(many.len(), "target"),
            },
            planned: counted(report.summary.planned, "check"),
            many: maker.many,
            targets_n: rows.len(),
            targets: targets.into_iter().map(|(n, row)| target(report, n, row)).collect(),
            counts: Class::ALL
                .iter()
                .map(|class| Count {
                    class: slug(*class),
                    label: heading(*class),
                    n: count(report, *class),
                })
                .collect(),
            sections: Class::ALL[..4].iter().filter_map(section).collect(),
            not_asked: outline.unasked.iter().map(not_asked).collect(),
            not_asked_n: outline.unasked_checks(),
            notes: report.notes.clone(),
            quiet: Class::ALL[4..].iter().filter_map(section).collect(),
        }
    }
}

/// What findings have to know of the targets of the whole page.
struct Maker<'r> {
    places: BTreeMap<&'r str, usize>,
    many: bool,
    listed: bool,
}

impl<'r> Maker<'r> {
    fn section(&self, report: &Report, outline: &Outline<'r>, class: Class) -> Option<Section> {
        let n = count(report, class);
        let compact = class >= Class::Pass;
        let silences = if class == Class::Unknown { outline.silences.as_slice() } else { &[] };
        (n > 0).then(|| Section {
            class: slug(class),
            heading: heading(class),
            n,
            lead: lead(class),
            compact,
            silences: silences.iter().map(|silence| self.cause(silence)).collect(),
            entries: outline.of_class(class).map(|entry| self.item(entry)).collect(),
        })
    }

    fn cause(&self, silence: &Silence<'r>) -> Cause {
        let on = match silence.silent.as_slice() {
            _ if !self.many => String::new(),
            [silent] => format!(" on {}", silent.target),
            silent => format!(" on {}", counted(silent.len(), "target")),
        };
        Cause {
            heading: format!("{}{on} undecided for one cause", counted(silence.checks(), "check")),
            cause: silence.cause.to_owned(),
            r#where: self.classes(silence.silent.iter().map(|silent| silent.target)),
            silent: silence
                .silent
                .iter()
                .map(|silent| Dumb {
                    name: silent.target.to_owned(),
                    what: match silent.wholly {
                        true => format!("all of its {}", counted(silent.checks.len(), "check")),
                        false => silent.checks.join(", "),
                    },
                    r#where: self.classes([silent.target].into_iter()),
                })
                .collect(),
        }
    }

    fn item(&self, entry: &Entry<'r>) -> Item {
        let (class, first) = (entry.class, entry.first);
        let targets = entry.targets();
        let variants: Vec<Found> = if class < Class::Pass || self.listed {
            entry.variants.iter().map(|variant| self.found(variant)).collect()
        } else {
            vec![Found {
                found: format!("on {}", counted(targets.len(), "target")),
                r#where: self.classes(targets.iter().copied()),
                names: Some(targets.join(", ")),
                evidence: Vec::new(),
            }]
        };
        let brief = match entry.variants.as_slice() {
            _ if class >= Class::Pass && !self.listed => counted(targets.len(), "target"),
            [variant] if !self.many => variant.found.to_owned(),
            [variant] => format!("{}: {}", few(&targets), variant.found),
            _ => format!("{}: {}", counted(targets.len(), "target"), few(&targets)),
        };
        Item {
            word: word(class),
            check: first.check.clone(),
            title: first.title.clone(),
            severity: first.severity.word().replace('-', " "),
            open: class == Class::Blocker,
            r#where: self.classes(targets.iter().copied()),
            brief: cut(&brief, 240),
            found_label: if class == Class::Unknown { "Unknown" } else { "Found" },
            variants,
            waiver: first
                .waiver
                .as_ref()
                .map(|w| format!("{} ({}, until {})", w.reason, w.owner, w.expires)),
            mend: class.wants_mending(),
            symptom: prose(&first.symptom),
            remedies: remedies(entry),
            source: format!("{}, {}", first.source.doc, first.source.at),
        }
    }

    fn found(&self, variant: &Variant<'r>) -> Found {
        let targets: Vec<&str> = variant.targets().collect();
        Found {
            found: variant.found.to_owned(),
            r#where: self.classes(targets.iter().copied()),
            names: self.many.then(|| targets.join(", ")),
            evidence: self.evidence(&variant.results),
        }
    }

    /// The facts behind what was found, each differing set of them once.
    fn evidence(&self, results: &[&CheckResult]) -> Vec<Evidence> {
        let mut sets: Vec<(&BTreeMap<String, Value>, Vec<&str>)> = Vec::new();
        for result in results.iter().filter(|result| !result.evidence.is_empty()) {
            match sets.iter().position(|(known, _)| **known == result.evidence) {
                Some(place) => sets[place].1.push(&result.target),
                None if sets.len() < EVIDENCE => {
                    sets.push((&result.evidence, vec![&result.target]));
                }
                None => {}
            }
        }
        let named = sets.len() > 1;
        sets.into_iter()
            .map(|(facts, targets)| Evidence {
                label: named.then(|| targets.join(", ")),
                lines: facts
                    .iter()
                    .map(|(path, value)| cut(&format!("{path} = {value}"), LONGEST))
                    .collect(),
            })
            .collect()
    }

    fn classes<'n>(&self, targets: impl Iterator<Item = &'n str>) -> String {
        let mut places: Vec<usize> =
            targets.filter_map(|name| self.places.get(name).copied()).collect();
        places.sort_unstable();
        places.dedup();
        places.iter().map(|place| format!("t{place}")).collect::<Vec<_>>().join(" ")
    }
}

fn target(report: &Report, n: usize, (name, results): &(&str, Vec<&CheckResult>)) -> Row {
    let of = |class| results.iter().filter(|result| Class::of(result) == class).count();
    let verdict = Verdict::of_target(results);
    let judged = report.targets.iter().find(|target| target.name == *name);
    Row {
        n,
        name: (*name).to_owned(),
        kind: judged.map_or("", |judged| judged.kind.word()),
        class: slug(verdict.class()),
        verdict: verdict.words(),
        blockers: of(Class::Blocker),
        unknown: of(Class::Unknown),
        warnings: of(Class::Warning),
        passed: of(Class::Pass),
    }
}

fn not_asked(group: &Unasked<'_>) -> NotAsked {
    let need = if group.checks.len() == 1 { "needs" } else { "need" };
    NotAsked {
        lead: format!("{} {need} {}", counted(group.checks.len(), "more check"), group.who()),
        how: capital(&group.how()),
        checks: group
            .checks
            .iter()
            .map(|(id, title)| Left { id: (*id).to_owned(), title: (*title).to_owned() })
            .collect(),
    }
}

/// What the page calls a class in its markup.
fn slug(class: Class) -> &'static str {
    match class {
        Class::Blocker => "blocker",
        Class::Unknown => "unknown",
        Class::Warning => "warning",
        Class::Waived => "waived",
        Class::Pass => "pass",
        Class::NotApplicable => "na",
    }
}

fn word(class: Class) -> &'static str {
    match class {
        Class::Blocker => "FAIL",
        Class::Unknown => "UNKNOWN",
        Class::Warning => "WARN",
        Class::Waived => "WAIVED",
        Class::Pass => "pass",
        Class::NotApplicable => "n/a",
    }
}

fn heading(class: Class) -> &'static str {
    match class {
        Class::Blocker => "Blockers",
        Class::Unknown => "Unknown",
        Class::Warning => "Warnings",
        Class::Waived => "Waived",
        Class::Pass => "Passed",
        Class::NotApplicable => "Not applicable",
    }
}

fn lead(class: Class) -> &'static str {
    match class {
        Class::Blocker => {
            "Reprotect or failback will fail, or data may be lost, until these are mended."
        }
        Class::Unknown => "Nobody can say whether these hold: find out before you rely on it.",
        Class::Warning => "Nothing fails by these alone.",
        Class::Waived => "These do not hold, and somebody answers for that.",
        Class::Pass => "These hold.",
        Class::NotApplicable => "These have no meaning here, for the reason given.",
    }
}

fn prose(text: &str) -> Vec<Piece> {
    let text = sentence(text);
    let pieces = pieces(&text).into_iter();
    pieces.map(|(code, text)| Piece { code, text: text.to_owned() }).collect()
}

/// A moment of the report, to the second.
fn when(at: &str) -> String {
    let seconds = at.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", seconds.replacen('T', " ", 1))
}

fn few(names: &[&str]) -> String {
    match names {
        [] | [_] | [_, _] | [_, _, _] => names.join(", "),
        [a, b, c, rest @ ..] => format!("{a}, {b}, {c} and {} more", rest.len()),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn remedies(entry: &Entry<'_>) -> Vec<RemedyItem> {
    let remedies = entry.remedies();
    let several = remedies.len() > 1;
    let item = |(remedy, targets): (&Remedy, Vec<&str>)| RemedyItem {
        names: several.then(|| targets.join(", ")),
        text: prose(&remedy.text),
        downtime: remedy.downtime,
        commands: remedy.commands.clone(),
    };
    remedies.into_iter().map(item).collect()
}
