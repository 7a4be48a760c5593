//! The report as one page that people like to read: no script, nothing from elsewhere.
//!
//! This is what stands on the page; how it looks is `templates/report/report.html.hbs`. Every text
//! is made visible here and escaped there.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::layout::{capitalize, make_visible, pluralize, single_line, split_code, truncate};
use super::model::{CheckResult, Report};
use super::outline::{
    FindingGroup, Outline, OverallVerdict, SharedCause, SkippedGroup, Status, Variant, conclude,
    count, group_by_target,
};
use super::style::Style;
use crate::check::definition::Remedy;
use crate::template;

/// With more targets than this, what passes is said once and not for each of them.
const LISTED_TARGETS: usize = 20;

/// How many differing pieces of evidence one thing found shows.
const MAX_EVIDENCE: usize = 8;

/// How much of one fact evidence shows.
const MAX_FACT_CHARS: usize = 2000;

/// Renders the report as a page.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let mut page = serde_json::to_value(Page::new(report)).expect("the page has only text keys");
    make_all_visible(&mut page);
    let page = template::render_page("report/report.html.hbs", &page);
    page.expect("the embedded page asks for nothing but what Page has").into_bytes()
}

/// Makes every text of a page visible.
fn make_all_visible(value: &mut Value) {
    match value {
        Value::String(text) => *text = make_visible(text),
        Value::Array(items) => items.iter_mut().for_each(make_all_visible),
        Value::Object(members) => members.values_mut().for_each(make_all_visible),
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
    verdict: VerdictRow,
    subject: String,
    planned: String,
    /// Whether there is more than one target, so that findings name theirs.
    many: bool,
    targets_n: usize,
    targets: Vec<TargetRow>,
    counts: Vec<CountRow>,
    sections: Vec<Section>,
    not_asked: Vec<SkippedSection>,
    not_asked_n: usize,
    notes: Vec<String>,
    /// What passed and what has no meaning.
    quiet: Vec<Section>,
}

#[derive(Serialize)]
struct VerdictRow {
    class: &'static str,
    word: String,
    sentence: String,
}

#[derive(Serialize)]
struct TargetRow {
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
struct CountRow {
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
    silences: Vec<SharedCauseRow>,
    entries: Vec<FindingRow>,
}

#[derive(Serialize)]
struct SharedCauseRow {
    heading: String,
    cause: String,
    /// The classes by which the page filters targets.
    r#where: String,
    silent: Vec<AffectedRow>,
}

#[derive(Serialize)]
struct AffectedRow {
    name: String,
    what: String,
    r#where: String,
}

#[derive(Serialize)]
struct FindingRow {
    word: &'static str,
    check: String,
    title: String,
    severity: String,
    open: bool,
    r#where: String,
    /// What is said while it is folded.
    brief: String,
    found_label: &'static str,
    variants: Vec<VariantRow>,
    waiver: Option<String>,
    fix: bool,
    symptom: Vec<TextPiece>,
    remedies: Vec<RemedyItem>,
    source: String,
}

/// What to do, on all targets or on some.
#[derive(Serialize)]
struct RemedyItem {
    /// The targets, where others need something else.
    names: Option<String>,
    text: Vec<TextPiece>,
    downtime: bool,
    commands: Vec<String>,
}

/// A piece of a sentence.
#[derive(Serialize)]
struct TextPiece {
    code: bool,
    text: String,
}

#[derive(Serialize)]
struct VariantRow {
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
struct SkippedSection {
    lead: String,
    how: String,
    checks: Vec<SkippedRow>,
}

#[derive(Serialize)]
struct SkippedRow {
    id: String,
    title: String,
}

impl Page {
    fn new(report: &Report) -> Self {
        let outline = Outline::new(report);
        let rows = group_by_target(report);
        let builder = PageBuilder {
            indexes: rows.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect(),
            many: rows.len() > 1,
            listed: rows.len() <= LISTED_TARGETS,
        };
        let verdict = OverallVerdict::from_report(report);
        let section = |class: &Status| builder.section(report, &outline, *class);
        let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
        let mut targets: Vec<(usize, &(&str, Vec<&CheckResult>))> =
            rows.iter().enumerate().collect();
        targets.sort_by_key(|(_, (_, results))| OverallVerdict::from_results(results));
        Self {
            version: report.tool.version.clone(),
            at: report.run.at.clone(),
            when: format_time(&report.run.at),
            complete: report.run.complete,
            verdict: VerdictRow {
                class: css_class(verdict.status()),
                word: capitalize(verdict.as_str()),
                sentence: conclude(report, &outline),
            },
            subject: match names.as_slice() {
                [] => "no target".to_owned(),
                few if few.len() <= 3 => few.join(", "),
                many => pluralize(many.len(), "target"),
            },
            planned: pluralize(report.summary.planned, "check"),
            many: builder.many,
            targets_n: rows.len(),
            targets: targets.into_iter().map(|(n, row)| target_row(report, n, row)).collect(),
            counts: Status::ALL
                .iter()
                .map(|class| CountRow {
                    class: css_class(*class),
                    label: class.heading(),
                    n: count(report, *class),
                })
                .collect(),
            sections: Status::ALL[..4].iter().filter_map(section).collect(),
            not_asked: outline.skipped.iter().map(skipped_section).collect(),
            not_asked_n: outline.skipped_count(),
            notes: report.notes.clone(),
            quiet: Status::ALL[4..].iter().filter_map(section).collect(),
        }
    }
}

/// Builds the rows of the page; holds what findings need of all targets.
struct PageBuilder<'r> {
    indexes: BTreeMap<&'r str, usize>,
    many: bool,
    listed: bool,
}

impl<'r> PageBuilder<'r> {
    fn section(&self, report: &Report, outline: &Outline<'r>, class: Status) -> Option<Section> {
        let n = count(report, class);
        let compact = class >= Status::Pass;
        let causes = if class == Status::Unknown { outline.shared_causes.as_slice() } else { &[] };
        (n > 0).then(|| Section {
            class: css_class(class),
            heading: class.heading(),
            n,
            lead: lead(class),
            compact,
            silences: causes.iter().map(|cause| self.shared_cause_row(cause)).collect(),
            entries: outline.with_status(class).map(|group| self.finding_row(group)).collect(),
        })
    }

    fn shared_cause_row(&self, cause: &SharedCause<'r>) -> SharedCauseRow {
        let on = match cause.targets.as_slice() {
            _ if !self.many => String::new(),
            [affected] => format!(" on {}", affected.target),
            targets => format!(" on {}", pluralize(targets.len(), "target")),
        };
        SharedCauseRow {
            heading: format!("{}{on} undecided for one cause", pluralize(cause.checks(), "check")),
            cause: cause.cause.clone(),
            r#where: self.css_classes(cause.targets.iter().map(|affected| affected.target)),
            silent: cause
                .targets
                .iter()
                .map(|affected| AffectedRow {
                    name: affected.target.to_owned(),
                    what: if affected.is_whole {
                        format!("all of its {}", pluralize(affected.checks.len(), "check"))
                    } else {
                        affected.checks.join(", ")
                    },
                    r#where: self.css_classes([affected.target].into_iter()),
                })
                .collect(),
        }
    }

    fn finding_row(&self, group: &FindingGroup<'r>) -> FindingRow {
        let (class, first) = (group.status, group.first);
        let targets = group.targets();
        let variants: Vec<VariantRow> = if class < Status::Pass || self.listed {
            group.variants.iter().map(|variant| self.variant_row(variant)).collect()
        } else {
            vec![VariantRow {
                found: format!("on {}", pluralize(targets.len(), "target")),
                r#where: self.css_classes(targets.iter().copied()),
                names: Some(targets.join(", ")),
                evidence: Vec::new(),
            }]
        };
        let brief = match group.variants.as_slice() {
            _ if class >= Status::Pass && !self.listed => pluralize(targets.len(), "target"),
            [variant] if !self.many => variant.found.to_owned(),
            [variant] => format!("{}: {}", abbreviate(&targets), variant.found),
            _ => format!("{}: {}", pluralize(targets.len(), "target"), abbreviate(&targets)),
        };
        FindingRow {
            word: class.label(),
            check: first.check.clone(),
            title: first.title.clone(),
            severity: first.severity.as_str().replace('-', " "),
            open: class == Status::Blocker,
            r#where: self.css_classes(targets.iter().copied()),
            brief: truncate(&brief, 240),
            found_label: if class == Status::Unknown { "Unknown" } else { "Found" },
            variants,
            waiver: first.waiver.as_ref().map(ToString::to_string),
            fix: class.needs_fix(),
            symptom: prose(&first.symptom),
            remedies: remedy_rows(group),
            source: first.source.to_string(),
        }
    }

    fn variant_row(&self, variant: &Variant<'r>) -> VariantRow {
        let targets: Vec<&str> = variant.targets().collect();
        VariantRow {
            found: variant.found.to_owned(),
            r#where: self.css_classes(targets.iter().copied()),
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
                None if sets.len() < MAX_EVIDENCE => {
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
                    .map(|(path, value)| truncate(&format!("{path} = {value}"), MAX_FACT_CHARS))
                    .collect(),
            })
            .collect()
    }

    fn css_classes<'n>(&self, targets: impl Iterator<Item = &'n str>) -> String {
        let mut indexes: Vec<usize> =
            targets.filter_map(|name| self.indexes.get(name).copied()).collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes.iter().map(|place| format!("t{place}")).collect::<Vec<_>>().join(" ")
    }
}

fn target_row(report: &Report, n: usize, (name, results): &(&str, Vec<&CheckResult>)) -> TargetRow {
    let of = |class| results.iter().filter(|result| Status::from_result(result) == class).count();
    let verdict = OverallVerdict::from_results(results);
    let known = report.targets.iter().find(|target| target.name == *name);
    TargetRow {
        n,
        name: (*name).to_owned(),
        kind: known.map_or("", |known| known.kind.as_str()),
        class: css_class(verdict.status()),
        verdict: verdict.as_str(),
        blockers: of(Status::Blocker),
        unknown: of(Status::Unknown),
        warnings: of(Status::Warning),
        passed: of(Status::Pass),
    }
}

fn skipped_section(group: &SkippedGroup<'_>) -> SkippedSection {
    let need = if group.checks.len() == 1 { "needs" } else { "need" };
    SkippedSection {
        lead: format!(
            "{} {need} {}",
            pluralize(group.checks.len(), "more check"),
            group.providers()
        ),
        how: capitalize(&group.instructions()),
        checks: group
            .checks
            .iter()
            .map(|(id, title)| SkippedRow { id: (*id).to_owned(), title: (*title).to_owned() })
            .collect(),
    }
}

/// Returns the CSS class of a status.
fn css_class(class: Status) -> &'static str {
    match class {
        Status::Blocker => "blocker",
        Status::Unknown => "unknown",
        Status::Warning => "warning",
        Status::Waived => "waived",
        Status::Pass => "pass",
        Status::NotApplicable => "na",
    }
}

fn lead(class: Status) -> &'static str {
    match class {
        Status::Blocker => {
            "Reprotect or failback will fail, or data may be lost, until these are fixed."
        }
        Status::Unknown => "These could not be decided: find out before you rely on them.",
        Status::Warning => "Nothing fails by these alone.",
        Status::Waived => "These do not hold, and somebody answers for that.",
        Status::Pass => "These hold.",
        Status::NotApplicable => "These have no meaning here, for the reason given.",
    }
}

fn prose(text: &str) -> Vec<TextPiece> {
    let text = single_line(text);
    let pieces = split_code(&text).into_iter();
    pieces.map(|(code, text)| TextPiece { code, text: text.to_owned() }).collect()
}

/// A moment of the report, to the second.
fn format_time(at: &str) -> String {
    let seconds = at.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", seconds.replacen('T', " ", 1))
}

fn abbreviate(names: &[&str]) -> String {
    match names {
        [] | [_] | [_, _] | [_, _, _] => names.join(", "),
        [a, b, c, rest @ ..] => format!("{a}, {b}, {c} and {} more", rest.len()),
    }
}

fn remedy_rows(group: &FindingGroup<'_>) -> Vec<RemedyItem> {
    let remedies = group.remedies();
    let several = remedies.len() > 1;
    let item = |(remedy, targets): (&Remedy, Vec<&str>)| RemedyItem {
        names: several.then(|| targets.join(", ")),
        text: prose(&remedy.text),
        downtime: remedy.downtime,
        commands: remedy.commands.clone(),
    };
    remedies.into_iter().map(item).collect()
}
