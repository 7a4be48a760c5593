//! The report as one page that people like to read: no script, nothing from elsewhere.
//!
//! This is what stands on the page; how it looks is `templates/report/report.html.hbs`. Every text
//! is made visible here and escaped there.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::first_steps::{self, FirstStep};
use super::layout::{capitalize, make_visible, pluralize, single_line, split_code, truncate};
use super::model::{CheckResult, Report};
use super::outline::{
    FindingGroup, Outline, OverallVerdict, SharedCause, SkippedGroup, Status, Variant, conclude,
    count, group_by_target,
};
use super::page_sources::Documents;
use super::page_targets::target_row;
use super::picture_layout::drawings;
use super::site_picture::{Anchors, SitePicture};
use super::style::Style;
use crate::check::definition::Remedy;
use crate::check::evidence::Evidence as PackedFacts;
use crate::template;

/// With more targets than this, what passes is said once and not for each of them.
const LISTED_TARGETS: usize = 20;

/// How many differing pieces of evidence one thing found shows.
const MAX_EVIDENCE: usize = 8;

/// How many targets the filter offers, worst first.
const MAX_CHOICES: usize = 100;

/// How many targets are named before the rest is a number.
const MAX_NAMES: usize = 3;

/// How many differing things found stand in one heading.
const MAX_HEADINGS: usize = 3;

/// How much of one fact evidence shows.
const MAX_FACT_CHARS: usize = 2000;

/// Renders the report as a page.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let mut page = page(report);
    make_all_visible(&mut page);
    let page = template::render_page("report/report.html.hbs", &page);
    page.expect("the embedded page asks for nothing but what it is given").into_bytes()
}

/// Makes every text of a page visible.
pub(super) fn make_all_visible(value: &mut Value) {
    match value {
        Value::String(text) => *text = make_visible(text),
        Value::Array(items) => items.iter_mut().for_each(make_all_visible),
        Value::Object(members) => members.values_mut().for_each(make_all_visible),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A piece of evidence for one thing found, on the targets that it is true of.
#[derive(Serialize)]
struct VariantRow {
    /// What was found; none when the heading says it.
    found: Option<String>,
    r#where: String,
    names: Option<String>,
    evidence: Vec<Value>,
}

/// Returns everything that stands on the page.
fn page(report: &Report) -> Value {
    let outline = Outline::new(report);
    let rows = group_by_target(report);
    let indexes: BTreeMap<&str, usize> =
        rows.iter().enumerate().map(|(place, (name, _))| (*name, place)).collect();
    let anchors = Anchors {
        findings: finding_anchors(&outline),
        targets: indexes.iter().map(|(name, n)| (*name, format!("target-{n}"))).collect(),
        all_targets: "h-targets",
    };
    let picture = SitePicture::new(report, &anchors);
    let builder = PageBuilder {
        indexes,
        many: rows.len() > 1,
        listed: rows.len() <= LISTED_TARGETS,
        documents: Documents::new(report),
    };
    let verdict = OverallVerdict::from_report(report);
    let sections = |classes: &[Status]| -> Vec<Value> {
        classes.iter().filter_map(|class| builder.section(report, &outline, *class)).collect()
    };
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    let mut targets: Vec<(usize, &(&str, Vec<&CheckResult>))> = rows.iter().enumerate().collect();
    targets.sort_by_key(|(_, (_, results))| OverallVerdict::from_results(results));
    // The targets that the filter can choose: not all of hundreds, for browsers take a minute to print a page with so many rules.
    let choices = targets.iter().take(MAX_CHOICES);
    let choices: Vec<Value> =
        choices.map(|(n, (name, _))| json!({ "n": n, "name": name })).collect();
    let steps = first_steps::first_steps(report);
    let step = |step: &FirstStep| {
        let anchor = anchors.finding((&step.check, &step.first_target));
        json!({ "anchor": anchor, "target": step.target, "what": step.what, "check": step.check })
    };
    let count_row = |class: &Status| json!({ "class": class.css_class(), "label": class.heading(), "n": count(report, *class) });
    let target = |(n, row): (usize, _)| target_row(report, &outline, &anchors, n, row);
    json!({
        "version": report.tool.version,
        "at": report.run.at,
        "when": format_time(&report.run.at),
        "complete": report.run.complete,
        "verdict": {
            "class": verdict.status().css_class(),
            "word": capitalize(verdict.as_str()),
            "sentence": conclude(report, &outline),
        },
        "site": report.site_name(),
        "subject": match names.as_slice() {
            [] => "no target".to_owned(),
            few if few.len() <= 3 => few.join(", "),
            many => pluralize(many.len(), "target"),
        },
        "planned": pluralize(report.summary.planned, "check"),
        "stages": first_steps::stage_lines(&report.stages),
        "steps": steps.iter().map(step).collect::<Vec<_>>(),
        "many": builder.many,
        "list_targets": builder.many || picture.is_some(),
        "drawings": picture.as_ref().map(drawings).unwrap_or_default(),
        "choices": choices,
        "choices_cut": targets.len() > MAX_CHOICES,
        "targets_n": rows.len(),
        "targets": targets.into_iter().map(target).collect::<Vec<_>>(),
        "counts": Status::ALL.iter().map(count_row).collect::<Vec<_>>(),
        "sections": sections(&Status::ALL[..4]),
        "not_asked": outline.skipped.iter().map(skipped_section).collect::<Vec<_>>(),
        "not_asked_n": outline.skipped_count(),
        "notes": report.notes,
        "quiet": sections(&Status::ALL[4..]),
        "documents": builder.documents.rows(),
    })
}

/// Returns where each finding stands, by check and target. What a shared cause leaves undecided
/// stands with that cause.
fn finding_anchors<'r>(outline: &Outline<'r>) -> BTreeMap<(&'r str, &'r str), String> {
    let groups = outline.groups.iter().enumerate().flat_map(|(n, group)| {
        let results = group.variants.iter().flat_map(|variant| &variant.results);
        results.map(move |result| ((&*result.check, &*result.target), format!("finding-{n}")))
    });
    let causes = outline.shared_causes.iter().enumerate().flat_map(|(n, cause)| {
        cause.targets.iter().flat_map(move |on| {
            on.checks.iter().map(move |check| ((*check, on.target), format!("cause-{n}")))
        })
    });
    groups.chain(causes).collect()
}

/// Builds the rows of the page; holds what findings need of all targets.
struct PageBuilder<'r> {
    indexes: BTreeMap<&'r str, usize>,
    many: bool,
    listed: bool,
    /// The documents that are cited and have no address.
    documents: Documents<'r>,
}

impl<'r> PageBuilder<'r> {
    fn section(&self, report: &Report, outline: &Outline<'r>, class: Status) -> Option<Value> {
        let n = count(report, class);
        let causes = if class == Status::Unknown { outline.shared_causes.as_slice() } else { &[] };
        let causes = causes.iter().enumerate().map(|(n, cause)| self.shared_cause_row(n, cause));
        let groups = outline.groups.iter().enumerate().filter(|(_, group)| group.status == class);
        (n > 0).then(|| {
            json!({
                "class": class.css_class(),
                "heading": class.heading(),
                "n": n,
                "lead": lead(class),
                "compact": class >= Status::Pass,
                "silences": causes.collect::<Vec<_>>(),
                "entries": groups.map(|(n, group)| self.finding_row(n, group)).collect::<Vec<_>>(),
            })
        })
    }

    fn shared_cause_row(&self, n: usize, cause: &SharedCause<'r>) -> Value {
        let on = match cause.targets.as_slice() {
            _ if !self.many => String::new(),
            [affected] => format!(" on {}", affected.target),
            targets => format!(" on {}", pluralize(targets.len(), "target")),
        };
        let silent = cause.targets.iter().map(|affected| {
            let all = || format!("all of its {}", pluralize(affected.checks.len(), "check"));
            let what = if affected.is_whole { all() } else { affected.checks.join(", ") };
            let place = self.css_classes([affected.target].into_iter());
            json!({ "name": affected.target, "what": what, "where": place })
        });
        json!({
            "id": format!("cause-{n}"),
            "heading": format!("{}{on} undecided for one cause", pluralize(cause.checks(), "check")),
            "cause": cause.cause,
            "where": self.css_classes(cause.targets.iter().map(|affected| affected.target)),
            "silent": silent.collect::<Vec<_>>(),
        })
    }

    fn finding_row(&self, n: usize, group: &FindingGroup<'r>) -> Value {
        let (class, first) = (group.status, group.first);
        let targets = group.targets();
        let mut variants: Vec<VariantRow> = if class < Status::Pass || self.listed {
            group.variants.iter().map(|variant| self.variant_row(variant)).collect()
        } else {
            vec![VariantRow {
                found: Some(format!("on {}", pluralize(targets.len(), "target"))),
                r#where: self.css_classes(targets.iter().copied()),
                names: Some(targets.join(", ")),
                evidence: Vec::new(),
            }]
        };
        let is = if class.needs_fix() { self.heading_parts(group) } else { Vec::new() };
        if let ([_], [variant]) = (is.as_slice(), variants.as_mut_slice()) {
            variant.found = None;
        }
        // The summary names a few targets, and the heading has said what was found.
        let is_told = targets.len() <= MAX_NAMES;
        variants
            .retain(|variant| variant.found.is_some() || !is_told || !variant.evidence.is_empty());
        let brief = match group.variants.as_slice() {
            _ if class.needs_fix() && !self.many => String::new(),
            _ if class.needs_fix() => format!("On {}.", abbreviate(&targets)),
            _ if class >= Status::Pass && !self.listed => pluralize(targets.len(), "target"),
            [variant] if !self.many => variant.found.to_owned(),
            [variant] => format!("{}: {}", abbreviate(&targets), variant.found),
            _ => format!("{}: {}", pluralize(targets.len(), "target"), abbreviate(&targets)),
        };
        let follows = first.explained_by.iter();
        let follows = follows.map(|cause| format!("{} on {}", cause.check, cause.target));
        let is_said = is.len() == 1 && variants.iter().all(|variant| variant.found.is_none());
        json!({
            "id": format!("finding-{n}"),
            "word": class.label(),
            "check": first.check,
            "title": first.title,
            "more": if is.is_empty() { 0 } else { group.variants.len() - is.len() },
            "found_label": match class {
                Status::Unknown => "Unknown",
                _ if is_said => "On",
                _ => "Found",
            },
            "is": is,
            "severity": first.severity.as_str().replace('-', " "),
            // What follows from another finding is looked at after it.
            "open": class == Status::Blocker && !group.is_explained,
            "follows": follows.collect::<Vec<_>>(),
            "where": self.css_classes(targets.iter().copied()),
            "brief": truncate(&brief, 240),
            "variants": variants,
            "waiver": first.waiver.as_ref().map(ToString::to_string),
            "fix": class.needs_fix(),
            "symptom": prose(&first.symptom),
            "remedies": remedy_rows(group),
            "source": self.documents.source_row(&first.source),
        })
    }

    /// Returns what was found, as the heading of what does not hold.
    fn heading_parts(&self, group: &FindingGroup<'r>) -> Vec<Value> {
        // An answer says nothing without its question.
        let text = |found: &str| match found.strip_prefix("no, says ") {
            Some(_) => format!("{}: {found}", group.first.title),
            None => found.to_owned(),
        };
        let part = |variant: &Variant<'r>| json!({ "text": text(variant.found), "where": self.css_classes(variant.targets()) });
        group.variants.iter().take(MAX_HEADINGS).map(part).collect()
    }

    fn variant_row(&self, variant: &Variant<'r>) -> VariantRow {
        let targets: Vec<&str> = variant.targets().collect();
        VariantRow {
            found: Some(variant.found.to_owned()),
            r#where: self.css_classes(targets.iter().copied()),
            names: self.many.then(|| targets.join(", ")),
            evidence: self.evidence(&variant.results),
        }
    }

    /// The facts behind what was found, each differing set of them once.
    fn evidence(&self, results: &[&CheckResult]) -> Vec<Value> {
        let mut sets: Vec<(&PackedFacts, Vec<&str>)> = Vec::new();
        for result in results.iter().filter(|result| !result.evidence.is_empty()) {
            match sets.iter().position(|(known, _)| *known == &result.evidence) {
                Some(place) => sets[place].1.push(&result.target),
                None if sets.len() < MAX_EVIDENCE => {
                    sets.push((&result.evidence, vec![&result.target]));
                }
                None => {}
            }
        }
        let named = sets.len() > 1;
        let row = |(facts, targets): (&PackedFacts, Vec<&str>)| {
            let facts = facts.facts();
            let lines = facts.iter().map(|(path, value)| format!("{path} = {value}"));
            let lines: Vec<String> = lines.map(|line| truncate(&line, MAX_FACT_CHARS)).collect();
            json!({ "label": named.then(|| targets.join(", ")), "lines": lines })
        };
        sets.into_iter().map(row).collect()
    }

    fn css_classes<'n>(&self, targets: impl Iterator<Item = &'n str>) -> String {
        let mut indexes: Vec<usize> =
            targets.filter_map(|name| self.indexes.get(name).copied()).collect();
        indexes.sort_unstable();
        indexes.dedup();
        indexes.iter().map(|place| format!("t{place}")).collect::<Vec<_>>().join(" ")
    }
}

fn skipped_section(group: &SkippedGroup<'_>) -> Value {
    let need = if group.checks.len() == 1 { "needs" } else { "need" };
    let count = pluralize(group.checks.len(), "more check");
    let checks = group.checks.iter().map(|(id, title)| json!({ "id": id, "title": title }));
    json!({
        "lead": format!("{count} {need} {}", group.providers()),
        "how": capitalize(&group.instructions()),
        "checks": checks.collect::<Vec<_>>(),
    })
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

/// Returns the pieces of a sentence.
fn prose(text: &str) -> Vec<Value> {
    let text = single_line(text);
    let pieces = split_code(&text).into_iter();
    pieces.map(|(code, text)| json!({ "code": code, "text": text })).collect()
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

/// Returns what to do, on all targets or on some.
fn remedy_rows(group: &FindingGroup<'_>) -> Vec<Value> {
    let remedies = group.remedies();
    let several = remedies.len() > 1;
    let row = |(remedy, targets): (&Remedy, Vec<&str>)| {
        json!({
            "names": several.then(|| targets.join(", ")),
            "text": prose(&remedy.text),
            "downtime": remedy.downtime,
            "commands": remedy.commands,
        })
    };
    remedies.into_iter().map(row).collect()
}
