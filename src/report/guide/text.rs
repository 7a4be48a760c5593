//! The guide for a terminal.

use anstyle::{Effects, Style as Ansi};

use super::super::first_steps::stage_lines;
use super::super::layout::{make_visible, pluralize, single_line, wrap_labelled};
use super::super::outline::Status;
use super::super::style::Style;
use super::super::text::status_colour;
use super::document::{
    GuideReport, as_now, conditional, machine_names, places, step_details, told_places,
};
use crate::check::finding::OutcomeKind;
use crate::guide::model::{AdviceItem, GuideSection, NowStep, OpenFinding, Readiness, StepRow};

/// What must be told of steps that come later: how many rows at most.
const MAX_LATER: usize = 8;

/// Renders a guide as text.
pub(super) fn render(report: &GuideReport, style: &Style) -> String {
    let page = Page { style };
    let mut out = String::new();
    if !report.run.complete {
        out.push_str("interrupted: what is missing was not checked\n\n");
    }
    let sections: Vec<String> =
        report.guide.sections.iter().map(|section| page.section(section)).collect();
    out.push_str(&sections.join("\n"));
    for note in &report.guide.notes {
        out.push_str(&page.line("note: ", note));
    }
    out
}

struct Page<'s> {
    style: &'s Style,
}

impl Page<'_> {
    fn line(&self, label: &str, text: &str) -> String {
        wrap_labelled(label, &single_line(text), self.style.width)
    }

    fn painted(&self, colour: Ansi, text: &str) -> String {
        if self.style.colour { format!("{colour}{text}{colour:#}") } else { text.to_owned() }
    }

    fn heading(&self, text: &str) -> String {
        format!("\n{}\n", self.painted(Ansi::new().effects(Effects::BOLD), text))
    }

    fn section(&self, section: &GuideSection) -> String {
        let mut out = self.head(section);
        if let Some(finding) = &section.ended_by {
            out.push_str(&self.finding(finding));
        }
        if let [first, stages @ ..] = section.to_say.as_slice() {
            out.push_str(&self.line("  now      ", first));
            stages.iter().for_each(|stage| out.push_str(&self.line("  - ", stage)));
        }
        if !section.first.is_empty() {
            out.push_str(&self.heading("first, before any step"));
            section.first.iter().for_each(|finding| out.push_str(&self.finding(finding)));
        }
        if !section.now.is_empty() {
            out.push_str(&self.heading("now"));
            out.push_str(&self.steps(&section.now));
        }
        out.push_str(&self.later(&section.later));
        out.push_str(&self.warnings(&section.warnings));
        if !section.done.is_empty() || !section.not_needed.is_empty() {
            out.push_str(&self.heading("done"));
            out.push_str(&self.rows("proved   ", &section.done));
            out.push_str(&self.rows("not here ", &section.not_needed));
        }
        out.push_str(&self.advice("never", &section.never));
        out.push_str(&self.advice("look afterwards", &section.verify));
        out.push_str(&self.advice("if it goes wrong", &section.if_wrong));
        if let Some(next) = &section.next {
            out.push_str(&self.heading("next"));
            let leave = section.stage.as_ref().map_or("", |summary| summary.leave.as_str());
            out.push_str(&self.line("  go on when ", leave));
            let title = format!("{}: {}", next.stage, next.title);
            out.push_str(&self.line("  then       ", &title));
            out.push_str(&self.steps(&next.steps.iter().map(as_now).collect::<Vec<_>>()));
        }
        out
    }

    /// Who, at which stage, and how that is known.
    fn head(&self, section: &GuideSection) -> String {
        let names = machine_names(section).map(|names| format!("{}: ", make_visible(&names)));
        let stage = section.stage_word();
        let mut out = format!("{}{stage}", names.clone().unwrap_or_default());
        if names.is_some() {
            let status = match section.progress {
                Readiness::Blocked => Status::Blocker,
                Readiness::Undecided => Status::Unknown,
                Readiness::Clear => Status::Pass,
            };
            let word = self.painted(status_colour(status), section.progress.as_str());
            out = format!("{}, {word}", self.painted(Ansi::new().effects(Effects::BOLD), &out));
        }
        out.push('\n');
        if let Some(summary) = &section.stage {
            out.push_str(
                &self.line("  it is    ", &format!("{}. {}", summary.title, summary.enter)),
            );
        }
        for line in stage_lines(&section.machines) {
            out.push_str(&self.line("  known by ", &make_visible(&line)));
        }
        if let Some(summary) = section.stage.as_ref().filter(|_| section.ended_by.is_none()) {
            out.push_str(&self.line("  takes    ", &summary.takes));
        }
        out
    }

    /// Steps on one line, each with its checks.
    fn rows(&self, label: &str, rows: &[StepRow]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let words = rows.iter().map(|row| match row.checks.as_slice() {
            [] => row.step.clone(),
            checks => format!("{} ({})", row.step, checks.join(", ")),
        });
        self.line(&format!("  {label}"), &words.collect::<Vec<_>>().join("; "))
    }

    fn steps(&self, steps: &[NowStep]) -> String {
        let mut out = String::new();
        for (index, now) in steps.iter().enumerate() {
            now.open.iter().for_each(|finding| out.push_str(&self.finding(finding)));
            let text = conditional(now.condition.as_deref(), &now.step.text);
            out.push_str(&self.line(&format!("  {}. ", index + 1), &text));
            for (label, text) in step_details(&now.step) {
                out.push_str(&self.line(&format!("     {label:<7}"), &text));
            }
            for command in &now.step.commands {
                // A command is copied as a whole, so it is never wrapped.
                out.push_str(&format!("     $ {}\n", make_visible(command)));
            }
            if !now.holds.is_empty() {
                out.push_str(&self.line("     holds  ", &now.holds.join(", ")));
            }
            let left: Vec<&str> = now
                .step
                .proved_by
                .iter()
                .filter(|id| !now.holds.contains(id))
                .map(String::as_str)
                .collect();
            if !left.is_empty() {
                out.push_str(&self.line("     proof  ", &left.join(", ")));
            }
        }
        out
    }

    fn finding(&self, finding: &OpenFinding) -> String {
        let (status, word, label) = match finding.outcome {
            OutcomeKind::Unknown => (Status::Unknown, Status::Unknown.label(), "    why    "),
            _ if finding.is_blocker() => (Status::Blocker, Status::Blocker.label(), "    found  "),
            _ => (Status::Warning, Status::Warning.label(), "    found  "),
        };
        let head = format!("{}{} ({})", finding.check, places(finding), finding.severity);
        let mut out =
            format!("  {}  {}\n", self.painted(status_colour(status), word), make_visible(&head));
        let (told, left) = told_places(finding);
        for place in told {
            let found = make_visible(&place.found);
            let found = if finding.places.len() > 1 {
                format!("{}: {found}", make_visible(&place.targets.join(", ")))
            } else {
                found
            };
            out.push_str(&self.line(label, &found));
            let Some(remedy) = &place.remedy else { continue };
            let downtime = if remedy.downtime { " This needs downtime." } else { "" };
            out.push_str(
                &self.line("    do     ", &format!("{}{downtime}", single_line(&remedy.text))),
            );
            for command in &remedy.commands {
                out.push_str(&format!("           $ {}\n", make_visible(command)));
            }
        }
        if left > 0 {
            let text = format!("and {}; --format json has them", pluralize(left, "more target"));
            out.push_str(&self.line("           ", &text));
        }
        if !finding.also.is_empty() {
            out.push_str(&self.line("    also   ", &finding.also.join(", ")));
        }
        out
    }

    /// What is worth a look: one line each.
    fn warnings(&self, warnings: &[OpenFinding]) -> String {
        if warnings.is_empty() {
            return String::new();
        }
        let mut out = self.heading("worth a look, blocks nothing");
        for finding in warnings {
            let found = finding.places.first().map_or("", |place| place.found.as_str());
            let text = format!("{}{}: {}", finding.check, places(finding), make_visible(found));
            out.push_str(&self.line("  - ", &text));
        }
        out
    }

    /// The steps behind those of now: what is open in some of them, and how many there are.
    fn later(&self, later: &[StepRow]) -> String {
        if later.is_empty() {
            return String::new();
        }
        let mut out = self.heading("later");
        let shown = if self.style.lists_passed { later.len() } else { MAX_LATER };
        for row in later.iter().take(shown) {
            let checks = match row.checks.as_slice() {
                [] => String::new(),
                checks => format!(" ({})", checks.join(", ")),
            };
            out.push_str(&self.line("  - ", &format!("{}{checks}", row.step)));
        }
        let left = later.len().saturating_sub(shown);
        if left > 0 {
            out.push_str(&format!("  and {}; -v lists them\n", pluralize(left, "step")));
        }
        out
    }

    fn advice(&self, heading: &str, items: &[AdviceItem]) -> String {
        if items.is_empty() {
            return String::new();
        }
        let mut out = self.heading(heading);
        for item in items {
            let label = if item.is_proved { "  + " } else { "  - " };
            let mut text = conditional(item.condition.as_deref(), &item.text);
            if !item.holds.is_empty() {
                text.push_str(&format!(" [holds: {}]", item.holds.join(", ")));
            }
            out.push_str(&self.line(label, &text));
        }
        out
    }
}
