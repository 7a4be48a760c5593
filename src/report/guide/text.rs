//! The guide for a terminal.

use super::super::first_steps::stage_lines;
use super::super::layout::{make_visible, pluralize, single_line};
use super::super::outline::Status;
use super::super::style::Style;
use super::super::text::status_colour;
use super::super::text_page::TextPage;
use super::document::{
    GuideReport, as_now, conditional, found_at, machine_names, places, row_words, step_details,
    told_places,
};
use crate::check::finding::OutcomeKind;
use crate::guide::model::{AdviceItem, GuideSection, NowStep, OpenFinding, Readiness, StepRow};

/// What must be told of steps that come later: how many rows at most.
const MAX_LATER: usize = 8;

/// Renders a guide as text.
pub(super) fn render(report: &GuideReport, style: &Style) -> String {
    let mut page = TextPage::new(style);
    if !report.run.complete {
        page.plain("interrupted: what is missing was not checked\n");
    }
    for (index, guide) in report.guide.sections.iter().enumerate() {
        if index > 0 {
            page.plain("");
        }
        section(&mut page, guide, style.lists_passed);
    }
    report.guide.notes.iter().for_each(|note| page.line("note: ", note));
    page.finish()
}

fn section(page: &mut TextPage, section: &GuideSection, lists_all: bool) {
    head(page, section);
    section.ended_by.iter().for_each(|ended_by| finding(page, ended_by));
    if let [first, stages @ ..] = section.to_say.as_slice() {
        page.line("  now      ", first);
        stages.iter().for_each(|stage| page.line("  - ", stage));
    }
    if !section.first.is_empty() {
        page.heading("first, before any step");
        section.first.iter().for_each(|first| finding(page, first));
    }
    if !section.now.is_empty() {
        page.heading("now");
        steps(page, &section.now);
    }
    later(page, &section.later, lists_all);
    warnings(page, &section.warnings);
    if !section.done.is_empty() || !section.not_needed.is_empty() {
        page.heading("done");
        rows(page, "  proved   ", &section.done);
        rows(page, "  not here ", &section.not_needed);
    }
    advice(page, "never", &section.never);
    advice(page, "look afterwards", &section.verify);
    advice(page, "if it goes wrong", &section.if_wrong);
    if let Some(next) = &section.next {
        page.heading("next");
        let leave = section.stage.as_ref().map_or("", |summary| summary.leave.as_str());
        page.line("  go on when ", leave);
        page.line("  then       ", &format!("{}: {}", next.stage, next.title));
        steps(page, &next.steps.iter().map(as_now).collect::<Vec<_>>());
    }
}

/// Who, at which stage, and how that is known.
fn head(page: &mut TextPage, section: &GuideSection) {
    let stage = section.stage_word();
    let head = machine_names(section).map(|names| {
        let status = match section.progress {
            Readiness::Blocked => Status::Blocker,
            Readiness::Undecided => Status::Unknown,
            Readiness::Clear => Status::Pass,
        };
        let word = page.painted(status_colour(status), section.progress.as_str());
        format!("{}, {word}", page.bold(&format!("{}: {stage}", make_visible(&names))))
    });
    page.plain(head.as_deref().unwrap_or(stage));
    if let Some(summary) = &section.stage {
        page.line("  it is    ", &format!("{}. {}", summary.title, summary.enter));
    }
    stage_lines(&section.machines).iter().for_each(|line| page.quote("  known by ", line));
    if let Some(summary) = section.stage.as_ref().filter(|_| section.ended_by.is_none()) {
        page.line("  takes    ", &summary.takes);
    }
}

/// Steps on one line, each with its checks.
fn rows(page: &mut TextPage, label: &str, rows: &[StepRow]) {
    if !rows.is_empty() {
        page.line(label, &rows.iter().map(row_words).collect::<Vec<_>>().join("; "));
    }
}

fn steps(page: &mut TextPage, steps: &[NowStep]) {
    for (index, now) in steps.iter().enumerate() {
        now.open.iter().for_each(|open| finding(page, open));
        let text = conditional(now.condition.as_deref(), &now.step.text);
        page.line(&format!("  {}. ", index + 1), &text);
        for (label, text) in step_details(&now.step) {
            page.line(&format!("     {label:<7}"), &text);
        }
        now.step.commands.iter().for_each(|command| page.command("     ", command));
        page.list("     holds  ", &now.holds);
        let proofs = now.step.proved_by.iter();
        let left: Vec<&String> = proofs.filter(|id| !now.holds.contains(id)).collect();
        page.list("     proof  ", &left);
    }
}

fn finding(page: &mut TextPage, finding: &OpenFinding) {
    let (status, label) = match finding.outcome {
        OutcomeKind::Unknown => (Status::Unknown, "    why    "),
        _ if finding.is_blocker() => (Status::Blocker, "    found  "),
        _ => (Status::Warning, "    found  "),
    };
    let head = format!("{}{} ({})", finding.check, places(finding), finding.severity);
    let word = page.painted(status_colour(status), status.label());
    page.plain(&format!("  {word}  {}", make_visible(&head)));
    let (told, left) = told_places(finding);
    for place in told {
        page.line(label, &make_visible(&found_at(finding, place)));
        let Some(remedy) = &place.remedy else { continue };
        let downtime = if remedy.downtime { " This needs downtime." } else { "" };
        page.line("    do     ", &format!("{}{downtime}", single_line(&remedy.text)));
        remedy.commands.iter().for_each(|command| page.command("           ", command));
    }
    if left > 0 {
        let text = format!("and {}; --format json has them", pluralize(left, "more target"));
        page.line("           ", &text);
    }
    page.list("    also   ", &finding.also);
}

/// What is worth a look: one line each.
fn warnings(page: &mut TextPage, warnings: &[OpenFinding]) {
    if !warnings.is_empty() {
        page.heading("worth a look, blocks nothing");
    }
    for finding in warnings {
        let found = finding.places.first().map_or("", |place| place.found.as_str());
        let text = format!("{}{}: {}", finding.check, places(finding), make_visible(found));
        page.line("  - ", &text);
    }
}

/// The steps behind those of now: what is open in some of them, and how many there are.
fn later(page: &mut TextPage, later: &[StepRow], lists_all: bool) {
    if !later.is_empty() {
        page.heading("later");
    }
    let shown = if lists_all { later.len() } else { MAX_LATER };
    later.iter().take(shown).for_each(|row| page.line("  - ", &row_words(row)));
    let left = later.len().saturating_sub(shown);
    if left > 0 {
        page.plain(&format!("  and {}; -v lists them", pluralize(left, "step")));
    }
}

fn advice(page: &mut TextPage, heading: &str, items: &[AdviceItem]) {
    if !items.is_empty() {
        page.heading(heading);
    }
    for item in items {
        let label = if item.is_proved { "  + " } else { "  - " };
        let mut text = conditional(item.condition.as_deref(), &item.text);
        if !item.holds.is_empty() {
            text.push_str(&format!(" [holds: {}]", item.holds.join(", ")));
        }
        page.line(label, &text);
    }
}
