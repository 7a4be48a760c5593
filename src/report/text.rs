//! The report for people: what blocks first, what is unknown next, and every check named.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::first_steps::{self, FirstStep};
use super::layout::{make_visible, pluralize, single_line, truncate, wrap, wrap_labelled};
use super::model::{CheckResult, Report, Summary};
use super::outline::{
    FindingGroup, Outline, OverallVerdict, SharedCause, Status, Variant, count, group_by_target,
};
use super::style::Style;
use crate::check::definition::Remedy;

/// With more targets than this, what passes is counted and not listed.
const LISTED_TARGETS: usize = 3;

/// Of remedies that differ from target to target, so many are shown.
const MAX_REMEDIES: usize = 3;

/// How much is shown of a finding that another one explains.
const MAX_CONSEQUENCE: usize = 160;

/// Renders the report for a terminal.
pub fn render(report: &Report, style: &Style) -> Vec<u8> {
    let page = Page {
        report,
        style,
        outline: Outline::new(report),
        steps: first_steps::first_steps(report),
    };
    let mut out = page.head();
    out.push_str(&page.first_steps());
    if !style.is_brief {
        out.push_str(&page.details());
    }
    out.push_str(&page.notes());
    out.push('\n');
    out.push_str(&page.verdicts());
    out.push_str(&page.last_line());
    out.into_bytes()
}

pub(super) fn status_colour(class: Status) -> Ansi {
    let colour = |colour: AnsiColor| Ansi::new().fg_color(Some(colour.into()));
    match class {
        Status::Blocker => colour(AnsiColor::Red).effects(Effects::BOLD),
        Status::Unknown => colour(AnsiColor::Magenta).effects(Effects::BOLD),
        Status::Warning => colour(AnsiColor::Yellow),
        Status::Waived => colour(AnsiColor::Cyan),
        Status::Pass => colour(AnsiColor::Green),
        Status::NotApplicable => Ansi::new().effects(Effects::DIMMED),
    }
}

struct Page<'r> {
    report: &'r Report,
    style: &'r Style,
    outline: Outline<'r>,
    steps: Vec<FirstStep>,
}

impl Page<'_> {
    fn head(&self) -> String {
        let names: Vec<String> =
            self.report.targets.iter().map(|target| make_visible(&target.name)).collect();
        let (planned, targets) = (self.report.summary.planned, names.len());
        let of = match targets {
            0 => "no target".to_owned(),
            1..=LISTED_TARGETS => names.join(", "),
            _ => format!("{targets} targets"),
        };
        let of = of.trim_end_matches(':');
        let line = format!("{of}: {}", pluralize(planned, "check"));
        let title = self.report.site_name().map(|name| format!("preflight report: {name}"));
        let title = title.map(|title| self.wrap_labelled("", &make_visible(&title)));
        let mut head = title.unwrap_or_default() + &self.wrap_labelled("", &line);
        if !self.report.run.complete {
            head.push_str("interrupted: what is missing was not checked\n");
        }
        head
    }

    /// The stage of each machine, and what to do first.
    fn first_steps(&self) -> String {
        let mut out = self.summary();
        for line in first_steps::stage_lines(&self.report.stages) {
            out.push_str(&self.wrap_labelled("stage: ", &make_visible(&line)));
        }
        let steps = &self.steps;
        if steps.is_empty() {
            return out;
        }
        out.push_str("do first:\n");
        for (index, step) in steps.iter().enumerate() {
            let text = format!(
                "{}: {} ({})",
                make_visible(&step.target),
                make_visible(&step.what),
                make_visible(&step.check)
            );
            out.push_str(&self.wrap_labelled(&format!("  {}. ", index + 1), &text));
        }
        out
    }

    /// Every finding in working order: what fails, what is not known, what is accepted, what passed.
    fn details(&self) -> String {
        let mut out = String::new();
        let mut block = |group: &FindingGroup<'_>| {
            out.push('\n');
            out.push_str(&self.block(group));
        };
        // What another finding explains stands in a line there; in full it is listed with what passed.
        let shown = |group: &&&FindingGroup<'_>| !group.is_explained || self.style.lists_passed;
        let failed = self.outline.with_any_status(&[Status::Blocker, Status::Warning]);
        failed.iter().filter(shown).for_each(|group| block(group));
        let shared = self.outline.shared_causes.iter().map(|cause| self.shared_cause(cause));
        let shared: String = shared.map(|cause| format!("\n{cause}")).collect();
        let mut rest = String::new();
        for group in self.outline.with_any_status(&[Status::Unknown]) {
            rest.push('\n');
            rest.push_str(&self.block(group));
        }
        for group in self.outline.with_any_status(&[Status::Waived]) {
            rest.push('\n');
            rest.push_str(&self.block(group));
        }
        out + &shared + &rest + &self.passed_rows() + &self.skipped()
    }

    /// The verdict once more, with the first thing to do.
    fn last_line(&self) -> String {
        let Some(step) = self.steps.first() else { return self.summary() };
        let (target, check) = (make_visible(&step.target), make_visible(&step.check));
        let text = format!("{}; first: {target} ({check})", self.summary_text());
        self.painted_verdict(&self.wrap_labelled("", &text))
    }

    /// One finding that somebody has to read.
    fn block(&self, group: &FindingGroup<'_>) -> String {
        let (class, first) = (group.status, group.first);
        let targets = group.targets();
        let on = match (self.report.targets.len(), targets.as_slice()) {
            (0 | 1, _) => String::new(),
            (_, [target]) => format!(" on {}", make_visible(target)),
            (_, targets) => format!(" on {}", pluralize(targets.len(), "target")),
        };
        let mut out = format!(
            "{}  {}{on} ({})\n",
            self.painted(class, class.label()),
            make_visible(&first.check),
            first.severity
        );
        out.push_str(&self.wrap_labelled("  should   ", &make_visible(&first.title)));
        let what = if class == Status::Unknown { "  unknown  " } else { "  found    " };
        match group.variants.as_slice() {
            [variant] => {
                out.push_str(&self.wrap_labelled(what, &make_visible(variant.found)));
                if targets.len() > 1 {
                    out.push_str(&self.wrap_labelled("  on       ", &names(&targets)));
                }
            }
            variants => {
                for (index, variant) in variants.iter().enumerate() {
                    let what = if index == 0 { what } else { "           " };
                    out.push_str(&self.wrap_labelled(what, &found_on(variant)));
                }
            }
        }
        if let Some(waiver) = &first.waiver {
            let text = waiver.to_string();
            out.push_str(&self.wrap_labelled("  waived   ", &make_visible(&text)));
        }
        for explained in &first.explained_by {
            let text =
                format!("{} on {}: it is probably the cause", explained.check, explained.target);
            out.push_str(&self.wrap_labelled("  follows  ", &make_visible(&text)));
        }
        let consequences = self.outline.consequences(group);
        for (index, same) in
            consequences.chunk_by(|one, other| one.check == other.check).enumerate()
        {
            let label = if index == 0 { "  explains " } else { "           " };
            out.push_str(&self.wrap_labelled(label, &consequence(same)));
        }
        if class.needs_fix() {
            out.push_str(&self.wrap_labelled("  shows as ", &single_line(&first.symptom)));
            out.push_str(&self.remedies(group));
        }
        let source = first.source.to_string();
        out.push_str(&self.wrap_labelled("  source   ", &make_visible(&source)));
        out
    }

    /// One cause that leaves many checks undecided.
    fn shared_cause(&self, cause: &SharedCause<'_>) -> String {
        let several = self.report.targets.len() > 1;
        let (whole, partly): (Vec<_>, Vec<_>) = cause.targets.iter().partition(|s| s.is_whole);
        let all = if partly.is_empty() { "all " } else { "" };
        let on = match cause.targets.as_slice() {
            _ if !several => String::new(),
            [affected] => format!(" on {}", make_visible(affected.target)),
            targets => format!(" on {}", pluralize(targets.len(), "target")),
        };
        let mut out = format!(
            "{}  {all}{}{on}\n",
            self.painted(Status::Unknown, Status::Unknown.label()),
            pluralize(cause.checks(), "check")
        );
        out.push_str(&self.wrap_labelled("  because  ", &make_visible(&cause.cause)));
        if cause.targets.len() > 1 && !whole.is_empty() {
            let whole: Vec<&str> = whole.iter().map(|affected| affected.target).collect();
            out.push_str(&self.wrap_labelled("  all of   ", &names(&whole)));
        }
        for affected in partly {
            let on = if cause.targets.len() > 1 {
                format!("{}: ", make_visible(affected.target))
            } else {
                String::new()
            };
            let text = format!("{on}{}", make_visible(&affected.checks.join(", ")));
            out.push_str(&self.wrap_labelled("  checks   ", &text));
        }
        out
    }

    /// Renders the remedies, with their targets if they differ.
    fn remedies(&self, group: &FindingGroup<'_>) -> String {
        let remedies = group.remedies();
        let mut out = String::new();
        for (remedy, targets) in remedies.iter().take(MAX_REMEDIES) {
            if remedies.len() > 1 {
                out.push_str(&self.wrap_labelled("  on       ", &names(targets)));
            }
            out.push_str(&self.remedy(remedy));
        }
        let left: usize = remedies.iter().skip(MAX_REMEDIES).map(|(_, on)| on.len()).sum();
        if left > 0 {
            let text =
                format!("--fix-script has the commands of {} more", pluralize(left, "target"));
            out.push_str(&self.wrap_labelled("           ", &text));
        }
        out
    }

    fn remedy(&self, remedy: &Remedy) -> String {
        let downtime = if remedy.downtime { " This needs downtime." } else { "" };
        let text = format!("{}{downtime}", single_line(&remedy.text));
        let mut out = self.wrap_labelled("  do       ", &text);
        for command in &remedy.commands {
            // A command is copied as a whole, so it is never wrapped.
            out.push_str(&format!("           $ {}\n", make_visible(command)));
        }
        out
    }

    /// What passed and what has no meaning: one line each, or a count for many targets.
    fn passed_rows(&self) -> String {
        let classes = [Status::Pass, Status::NotApplicable];
        if !self.style.lists_passed {
            let Summary { pass, not_applicable, .. } = self.report.summary;
            if pass + not_applicable == 0 {
                return String::new();
            }
            return format!("\n{pass} passed, {not_applicable} not applicable; -v lists them\n");
        }
        let mut out = String::new();
        for (target, results) in group_by_target(self.report) {
            let rows = || results.iter().filter(|row| classes.contains(&Status::from_result(row)));
            let Some(widest) = rows().map(|row| row.check.chars().count()).max() else {
                continue;
            };
            out.push('\n');
            if self.report.targets.len() > 1 {
                out.push_str(&format!("{}\n", make_visible(target)));
            }
            for class in classes {
                for row in rows().filter(|row| Status::from_result(row) == class) {
                    out.push_str(&self.row(class, row, widest));
                }
            }
        }
        out
    }

    fn row(&self, class: Status, row: &CheckResult, widest: usize) -> String {
        let label = format!("{:<4}", class.label());
        let room = self.style.width.saturating_sub(label.len() + widest + 4).max(20);
        let found = wrap(&make_visible(&row.found), usize::MAX).concat();
        format!(
            "{}  {:<widest$}  {}\n",
            self.painted(class, &label),
            make_visible(&row.check),
            truncate(&found, room)
        )
    }

    /// Renders the checks that were not run: how many, why, and which.
    fn skipped(&self) -> String {
        let mut out = String::new();
        for group in &self.outline.skipped {
            let checks: Vec<&str> = group.checks.keys().copied().collect();
            let text = format!(
                "{} {} {}: {}",
                pluralize(checks.len(), "more check"),
                if checks.len() == 1 { "needs" } else { "need" },
                group.providers(),
                group.instructions(),
            );
            out.push_str(&self.wrap_labelled("not run    ", &text));
            out.push_str(&self.wrap_labelled("           ", &make_visible(&checks.join(", "))));
        }
        if out.is_empty() { out } else { format!("\n{out}") }
    }

    fn notes(&self) -> String {
        let notes = self.report.notes.iter();
        let lines: String =
            notes.map(|note| self.wrap_labelled("note: ", &make_visible(note))).collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }

    /// Which targets are how far, where there is more than one.
    fn verdicts(&self) -> String {
        let rows = group_by_target(self.report);
        if rows.len() < 2 {
            return String::new();
        }
        let mut out = String::new();
        for verdict in [OverallVerdict::Blocked, OverallVerdict::Undecided, OverallVerdict::Clear] {
            let named: Vec<&str> = rows
                .iter()
                .filter(|(_, results)| OverallVerdict::from_results(results) == verdict)
                .map(|(name, _)| *name)
                .collect();
            if !named.is_empty() {
                let label = format!("{:<16}", verdict.as_str());
                let text = match named.len() {
                    1 => names(&named),
                    many => format!("{many}: {}", names(&named)),
                };
                let lines = self.wrap_labelled(&label, &text);
                let painted = self.painted(verdict.status(), &label);
                out.push_str(&lines.replacen(&label, &painted, 1));
            }
        }
        if out.is_empty() { out } else { format!("{out}\n") }
    }

    fn summary(&self) -> String {
        self.painted_verdict(&format!("{}\n", self.summary_text()))
    }

    fn painted_verdict(&self, text: &str) -> String {
        let verdict = OverallVerdict::from_report(self.report);
        text.replacen(verdict.as_str(), &self.painted(verdict.status(), verdict.as_str()), 1)
    }

    fn summary_text(&self) -> String {
        let Summary { pass, unknown, not_applicable, waived, .. } = self.report.summary;
        let verdict = OverallVerdict::from_report(self.report);
        let mut parts = vec![
            pluralize(count(self.report, Status::Blocker), "blocker"),
            format!("{unknown} unknown"),
        ];
        let warnings = count(self.report, Status::Warning);
        parts.extend((warnings > 0).then(|| pluralize(warnings, "warning")));
        let not_asked = self.outline.skipped_count();
        for (number, what) in [
            (pass, "passed"),
            (not_applicable, "not applicable"),
            (waived, "waived"),
            (not_asked, "not run"),
        ] {
            parts.extend((number > 0).then(|| format!("{number} {what}")));
        }
        format!("{}: {}", verdict.as_str(), parts.join(", "))
    }

    fn wrap_labelled(&self, label: &str, text: &str) -> String {
        wrap_labelled(label, text, self.style.width)
    }

    fn painted(&self, class: Status, text: &str) -> String {
        if !self.style.colour {
            return text.to_owned();
        }
        let colour = status_colour(class);
        format!("{colour}{text}{colour:#}")
    }
}

fn names(targets: &[&str]) -> String {
    make_visible(&targets.join(", "))
}

/// One finding, on as many targets as have it, in a line below the one that explains it.
fn consequence(same: &[&CheckResult]) -> String {
    let first = same[0];
    let on = match same.len() {
        1 => first.target.to_string(),
        many => format!("{} and {} more", first.target, many - 1),
    };
    let text = format!("{} on {on}: {}", first.check, single_line(&first.found));
    truncate(&make_visible(&text), MAX_CONSEQUENCE)
}

fn found_on(variant: &Variant<'_>) -> String {
    let targets: Vec<&str> = variant.targets().collect();
    format!("{}: {}", names(&targets), make_visible(variant.found))
}

#[cfg(test)]
mod tests;
