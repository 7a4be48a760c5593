//! The guide for a ticket or a wiki, and the chapters of the runbook.

use super::super::first_steps::stage_lines;
use super::super::layout::{capitalize, make_visible, pluralize, single_line};
use super::super::markdown::escape;
use super::document::{
    GuideReport, as_now, conditional, found_at, machine_names, places, row_words, step_details,
    told_places,
};
use crate::guide::model::{AdviceItem, GuideSection, NowStep, OpenFinding, StepRow};

/// Renders a guide as Markdown.
pub(super) fn render(report: &GuideReport) -> String {
    let mut out = String::from("# The way home\n");
    if !report.run.complete {
        out.push_str("\nInterrupted: what is missing was not checked.\n");
    }
    report.guide.sections.iter().for_each(|section| out.push_str(&machine_section(section)));
    if !report.guide.notes.is_empty() {
        out.push('\n');
    }
    for note in &report.guide.notes {
        out.push_str(&format!("- {}\n", escape(note)));
    }
    out
}

/// A section of machines: what is known of them, then what to do.
fn machine_section(section: &GuideSection) -> String {
    let Some(names) = machine_names(section) else { return chapter(section) };
    let stage = section.stage_word();
    let mut out = format!("\n## {}: {stage}, {}\n", escape(&names), section.progress.as_str());
    if let Some(summary) = &section.stage {
        out.push_str(&format!(
            "\n{}. {}\n",
            capitalize(&summary.title),
            single_line(&summary.enter)
        ));
    }
    out.push('\n');
    for line in stage_lines(&section.machines) {
        out.push_str(&format!("- known by: {}\n", escape(&line)));
    }
    if let Some(finding) = &section.ended_by {
        out.push_str(&format!("\n{}", open_finding(finding)));
    }
    if let [first, stages @ ..] = section.to_say.as_slice() {
        out.push_str(&format!("\n{first}\n\n"));
        stages.iter().for_each(|stage| out.push_str(&format!("- {}\n", single_line(stage))));
    }
    out.push_str(&rows("Done", &section.done));
    out.push_str(&rows("Not needed here", &section.not_needed));
    if !section.first.is_empty() {
        out.push_str("\n### First, before any step\n\n");
        section.first.iter().for_each(|finding| out.push_str(&open_finding(finding)));
    }
    out + &body(section, "###")
}

/// A chapter of the runbook: one stage as it is written.
pub(super) fn chapter(section: &GuideSection) -> String {
    let Some(summary) = &section.stage else { return String::new() };
    let mut out = format!("\n### {}: {}\n\n", capitalize(summary.stage.as_str()), summary.title);
    for (label, text) in
        [("Begins", &summary.enter), ("Ends", &summary.leave), ("Takes", &summary.takes)]
    {
        out.push_str(&format!("- {label}: {}\n", single_line(text)));
    }
    out + &body(section, "####")
}

/// What to do, what not, what to look at, what comes next.
fn body(section: &GuideSection, level: &str) -> String {
    let mut out = String::new();
    if !section.now.is_empty() {
        let heading = if section.machines.is_empty() { "Steps" } else { "Now" };
        out.push_str(&format!("\n{level} {heading}\n\n"));
        section.now.iter().for_each(|now| out.push_str(&step(now)));
    }
    out.push_str(&rows("Later", &section.later));
    if !section.warnings.is_empty() {
        out.push_str(&format!("\n{level} Worth a look, blocks nothing\n\n"));
        section.warnings.iter().for_each(|finding| out.push_str(&open_finding(finding)));
    }
    for (heading, items) in [
        ("Never", &section.never),
        ("Look afterwards", &section.verify),
        ("If it goes wrong", &section.if_wrong),
    ] {
        out.push_str(&advice(&format!("{level} {heading}"), items));
    }
    if let Some(next) = section.next.as_ref().filter(|_| !section.machines.is_empty()) {
        let leave = section.stage.as_ref().map_or("", |summary| summary.leave.as_str());
        out.push_str(&format!("\n{level} Next\n\nGo on when: {}\n", single_line(leave)));
        out.push_str(&format!("\nThen {}: {}.\n", next.stage, next.title));
        if !next.steps.is_empty() {
            out.push('\n');
        }
        next.steps.iter().for_each(|next| out.push_str(&step(&as_now(next))));
    }
    out
}

fn rows(heading: &str, rows: &[StepRow]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let words = rows.iter().map(row_words);
    format!("\n{heading}: {}.\n", words.collect::<Vec<_>>().join("; "))
}

fn step(now: &NowStep) -> String {
    let mut out: String = now.open.iter().map(open_finding).collect();
    let text = escape(&conditional(now.condition.as_deref(), &now.step.text));
    out.push_str(&format!("- [ ] {text}\n"));
    for (label, text) in step_details(&now.step) {
        out.push_str(&format!("  - {label}: {}\n", escape(&text)));
    }
    for command in &now.step.commands {
        out.push_str(&format!("  - `{}`\n", make_visible(command)));
    }
    if !now.step.proved_by.is_empty() {
        out.push_str(&format!("  - proved by: {}\n", links(&now.step.proved_by)));
    }
    out.push_str(&format!("  - source: {}\n", escape(&now.step.source.to_string())));
    out
}

/// Checks with links to where they are explained.
fn links(checks: &[String]) -> String {
    let link = |id: &String| format!("[{id}](checks.md#{})", id.replace('.', ""));
    checks.iter().map(link).collect::<Vec<_>>().join(", ")
}

fn open_finding(finding: &OpenFinding) -> String {
    let head = format!("{}{}", finding.check, places(finding));
    let mut out =
        format!("- **{}** {} ({})\n", finding.outcome.as_str(), escape(&head), finding.severity);
    let (told, left) = told_places(finding);
    for place in told {
        out.push_str(&format!("  - {}\n", escape(&found_at(finding, place))));
        let Some(remedy) = &place.remedy else { continue };
        out.push_str(&format!("  - do: {}\n", escape(&single_line(&remedy.text))));
        for command in &remedy.commands {
            out.push_str(&format!("    - `{}`\n", make_visible(command)));
        }
    }
    if left > 0 {
        out.push_str(&format!("  - and {}\n", pluralize(left, "more target")));
    }
    if !finding.also.is_empty() {
        out.push_str(&format!("  - for the same reason: {}\n", finding.also.join(", ")));
    }
    out
}

fn advice(heading: &str, items: &[AdviceItem]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{heading}\n\n");
    for item in items {
        let text = escape(&conditional(item.condition.as_deref(), &item.text));
        let holds = match item.holds.as_slice() {
            [] => String::new(),
            holds => format!(" (holds: {})", holds.join(", ")),
        };
        out.push_str(&format!("- {text}{holds}\n"));
    }
    out
}
