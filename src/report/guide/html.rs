//! The guide as one page with boxes to tick: no script, nothing from elsewhere, and it prints well.
//!
//! This is what stands on the page; how it looks is `templates/report/guide.html.hbs`. Every text is made visible here and escaped
//! there.

use serde::Serialize;

use super::super::first_steps::stage_lines;
use super::super::html::make_all_visible;
use super::super::layout::{capitalize, pluralize, single_line};
use super::document::{
    GuideReport, as_now, conditional, machine_names, places, step_details, told_places,
};
use crate::check::finding::OutcomeKind;
use crate::guide::model::{AdviceItem, GuideSection, NowStep, OpenFinding, Readiness, StepRow};
use crate::template;

/// Renders a guide as a page.
pub(super) fn render(report: &GuideReport) -> String {
    let mut page = serde_json::to_value(Page::new(report)).expect("the page has only text keys");
    make_all_visible(&mut page);
    let page = template::render_page("report/guide.html.hbs", &page);
    page.expect("the embedded page asks for nothing but what Page has")
}

#[derive(Serialize)]
struct Page {
    version: String,
    at: String,
    complete: bool,
    sections: Vec<SectionCard>,
    notes: Vec<String>,
}

#[derive(Serialize)]
struct SectionCard {
    heading: String,
    class: &'static str,
    word: String,
    title: String,
    known_by: Vec<String>,
    takes: String,
    ended_by: Vec<FindingCard>,
    to_say: Vec<String>,
    done: Vec<RowItem>,
    not_needed: Vec<RowItem>,
    first: Vec<FindingCard>,
    now: Vec<StepCard>,
    later: Vec<RowItem>,
    warnings: Vec<FindingCard>,
    lists: Vec<AdviceList>,
    /// What has to be so before the next stage, and which that is; empty at the end.
    leave: String,
    next: String,
    next_steps: Vec<StepCard>,
}

#[derive(Serialize)]
struct RowItem {
    step: String,
    text: String,
    checks: String,
}

#[derive(Serialize)]
struct StepCard {
    text: String,
    open: Vec<FindingCard>,
    details: Vec<DetailRow>,
    commands: Vec<String>,
    proved_by: String,
    source: String,
}

#[derive(Serialize)]
struct DetailRow {
    label: &'static str,
    text: String,
}

#[derive(Serialize)]
struct FindingCard {
    class: &'static str,
    word: &'static str,
    heading: String,
    places: Vec<PlaceRow>,
    more: String,
    also: String,
}

#[derive(Serialize)]
struct PlaceRow {
    targets: String,
    found: String,
    remedy: String,
    commands: Vec<String>,
}

#[derive(Serialize)]
struct AdviceList {
    heading: &'static str,
    class: &'static str,
    items: Vec<AdviceRow>,
}

#[derive(Serialize)]
struct AdviceRow {
    text: String,
    holds: String,
    is_proved: bool,
}

impl Page {
    fn new(report: &GuideReport) -> Self {
        Self {
            version: report.tool.version.clone(),
            at: report.run.at.clone(),
            complete: report.run.complete,
            sections: report.guide.sections.iter().map(SectionCard::new).collect(),
            notes: report.guide.notes.clone(),
        }
    }
}

impl SectionCard {
    fn new(section: &GuideSection) -> Self {
        let summary = section.stage.as_ref();
        let stage = section.stage_word();
        let names = machine_names(section);
        let heading =
            names.as_ref().map_or_else(|| capitalize(stage), |names| format!("{names}: {stage}"));
        let next = section.next.as_ref();
        Self {
            heading,
            class: match section.progress {
                Readiness::Blocked => "blocker",
                Readiness::Undecided => "unknown",
                Readiness::Clear => "pass",
            },
            word: names.map_or_else(String::new, |_| section.progress.as_str().to_owned()),
            title: summary.map_or_else(String::new, |summary| {
                format!("{}. {}", capitalize(&summary.title), single_line(&summary.enter))
            }),
            known_by: stage_lines(&section.machines),
            takes: summary.map_or_else(String::new, |summary| single_line(&summary.takes)),
            ended_by: section.ended_by.iter().map(finding_card).collect(),
            to_say: section.to_say.iter().map(|text| single_line(text)).collect(),
            done: rows(&section.done),
            not_needed: rows(&section.not_needed),
            first: section.first.iter().map(finding_card).collect(),
            now: section.now.iter().map(step_card).collect(),
            later: rows(&section.later),
            warnings: section.warnings.iter().map(finding_card).collect(),
            lists: [
                ("Never", "blocker", &section.never),
                ("Look afterwards", "pass", &section.verify),
                ("If it goes wrong", "warning", &section.if_wrong),
            ]
            .into_iter()
            .filter(|(_, _, items)| !items.is_empty())
            .map(|(heading, class, items)| AdviceList {
                heading,
                class,
                items: items.iter().map(advice_row).collect(),
            })
            .collect(),
            leave: next
                .and(summary)
                .map_or_else(String::new, |summary| single_line(&summary.leave)),
            next: next.map_or_else(String::new, |next| format!("{}: {}", next.stage, next.title)),
            next_steps: next
                .map(|next| next.steps.iter().map(|step| step_card(&as_now(step))).collect())
                .unwrap_or_default(),
        }
    }
}

fn rows(rows: &[StepRow]) -> Vec<RowItem> {
    let row = |row: &StepRow| RowItem {
        step: row.step.clone(),
        text: single_line(&row.text),
        checks: row.checks.join(", "),
    };
    rows.iter().map(row).collect()
}

fn step_card(now: &NowStep) -> StepCard {
    let details = step_details(&now.step).into_iter();
    StepCard {
        text: conditional(now.condition.as_deref(), &now.step.text),
        open: now.open.iter().map(finding_card).collect(),
        details: details.map(|(label, text)| DetailRow { label, text }).collect(),
        commands: now.step.commands.clone(),
        proved_by: now.step.proved_by.join(", "),
        source: now.step.source.to_string(),
    }
}

fn finding_card(finding: &OpenFinding) -> FindingCard {
    let (class, word) = match finding.outcome {
        OutcomeKind::Unknown => ("unknown", "unknown"),
        _ if finding.is_blocker() => ("blocker", "fail"),
        _ => ("warning", "warn"),
    };
    let many = finding.places.len() > 1;
    let (told, left) = told_places(finding);
    FindingCard {
        class,
        word,
        heading: format!("{}{} ({})", finding.check, places(finding), finding.severity),
        places: told
            .iter()
            .map(|place| PlaceRow {
                targets: if many { place.targets.join(", ") } else { String::new() },
                found: place.found.clone(),
                remedy: place
                    .remedy
                    .as_ref()
                    .map_or_else(String::new, |remedy| single_line(&remedy.text)),
                commands: place
                    .remedy
                    .as_ref()
                    .map(|remedy| remedy.commands.clone())
                    .unwrap_or_default(),
            })
            .collect(),
        more: if left > 0 {
            format!("and {}", pluralize(left, "more target"))
        } else {
            String::new()
        },
        also: finding.also.join(", "),
    }
}

fn advice_row(item: &AdviceItem) -> AdviceRow {
    AdviceRow {
        text: conditional(item.condition.as_deref(), &item.text),
        holds: item.holds.join(", "),
        is_proved: item.is_proved,
    }
}
