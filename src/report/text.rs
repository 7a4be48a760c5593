//! The report for people: what blocks first, what is unknown next, and every check named.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::first_steps::{self, FirstStep};
use super::layout::{make_visible, pluralize, single_line, truncate, wrap};
use super::model::{CheckResult, Report, Summary};
use super::outline::{
    FindingGroup, Outline, OverallVerdict, SharedCause, Status, Variant, count, group_by_target,
};
use super::style::Style;
use super::text_page::TextPage;

/// With more targets than this, what passes is counted and not listed.
const LISTED_TARGETS: usize = 3;

/// Of remedies that differ from target to target, so many are shown.
const MAX_REMEDIES: usize = 3;

/// How much is shown of a finding that another one explains.
const MAX_CONSEQUENCE: usize = 160;

/// Renders the report for a terminal.
pub fn render(report: &Report, style: &Style) -> Vec<u8> {
    let mut text = Text {
        report,
        outline: &Outline::new(report),
        steps: &first_steps::first_steps(report),
        lists_passed: style.lists_passed,
        page: TextPage::new(style),
    };
    text.head();
    text.first_steps();
    if !style.is_brief {
        text.details();
    }
    text.notes();
    text.page.plain("");
    text.verdicts();
    text.last_line();
    text.page.finish().into_bytes()
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

struct Text<'r> {
    report: &'r Report,
    outline: &'r Outline<'r>,
    steps: &'r [FirstStep],
    lists_passed: bool,
    page: TextPage,
}

impl Text<'_> {
    fn head(&mut self) {
        let names: Vec<&str> =
            self.report.targets.iter().map(|target| target.name.as_str()).collect();
        let about = match names.len() {
            0 => "no target".to_owned(),
            1..=LISTED_TARGETS => names.join(", "),
            targets => format!("{targets} targets"),
        };
        let about = make_visible(&about);
        let planned = pluralize(self.report.summary.planned, "check");
        if let Some(name) = self.report.site_name() {
            self.page.quote("", &format!("preflight report: {name}"));
        }
        self.page.quote("", &format!("{}: {planned}", about.trim_end_matches(':')));
        if !self.report.run.complete {
            self.page.plain("interrupted: what is missing was not checked");
        }
    }

    /// The stage of each machine, and what to do first.
    fn first_steps(&mut self) {
        let summary = self.painted_verdict(&self.summary_text());
        self.page.plain(&summary);
        for line in first_steps::stage_lines(&self.report.stages) {
            self.page.quote("stage: ", &line);
        }
        if !self.steps.is_empty() {
            self.page.plain("do first:");
        }
        for (index, FirstStep { target, what, check, .. }) in self.steps.iter().enumerate() {
            let label = format!("  {}. ", index + 1);
            self.page.quote(&label, &format!("{target}: {what} ({check})"));
        }
    }

    /// Every finding in working order: what fails, what is not known, what is accepted, what passed.
    fn details(&mut self) {
        // What another finding explains stands in a line there; in full it is listed with what passed.
        for group in self.outline.with_any_status(&[Status::Blocker, Status::Warning]) {
            if !group.is_explained || self.lists_passed {
                self.block(group);
            }
        }
        self.outline.shared_causes.iter().for_each(|cause| self.shared_cause(cause));
        for status in [Status::Unknown, Status::Waived] {
            self.outline.with_any_status(&[status]).iter().for_each(|group| self.block(group));
        }
        self.passed_rows();
        self.skipped();
    }

    /// The verdict once more, with the first thing to do.
    fn last_line(&mut self) {
        let summary = self.summary_text();
        let text = match self.steps {
            [] => format!("{summary}\n"),
            [FirstStep { target, check, .. }, ..] => self
                .page
                .wrapped("", &make_visible(&format!("{summary}; first: {target} ({check})"))),
        };
        let painted = self.painted_verdict(&text);
        self.page.plain(painted.trim_end_matches('\n'));
    }

    /// One finding that somebody has to read.
    fn block(&mut self, group: &FindingGroup<'_>) {
        let (class, first) = (group.status, group.first);
        let targets = group.targets();
        let on = match (self.report.targets.len(), targets.as_slice()) {
            (0 | 1, _) => String::new(),
            (_, [target]) => format!(" on {target}"),
            (_, targets) => format!(" on {}", pluralize(targets.len(), "target")),
        };
        self.block_head(class, &format!("{}{on} ({})", first.check, first.severity));
        let page = &mut self.page;
        page.quote("  should   ", &first.title);
        let what = if class == Status::Unknown { "  unknown  " } else { "  found    " };
        match group.variants.as_slice() {
            [variant] => {
                page.quote(what, variant.found);
                if targets.len() > 1 {
                    page.quote("  on       ", &targets.join(", "));
                }
            }
            variants => page.column(what, variants.iter().map(found_on)),
        }
        if let Some(waiver) = &first.waiver {
            page.quote("  waived   ", &waiver.to_string());
        }
        for cause in &first.explained_by {
            let text = format!("{} on {}: it is probably the cause", cause.check, cause.target);
            page.quote("  follows  ", &text);
        }
        let consequences = self.outline.consequences(group);
        let consequences = consequences.chunk_by(|one, other| one.check == other.check);
        page.column("  explains ", consequences.map(consequence));
        if class.needs_fix() {
            page.line("  shows as ", &first.symptom);
            self.remedies(group);
        }
        self.page.source("  source   ", &first.source);
    }

    fn block_head(&mut self, class: Status, text: &str) {
        let word = self.page.painted(status_colour(class), class.label());
        self.page.plain(&format!("\n{word}  {}", make_visible(text)));
    }

    /// One cause that leaves many checks undecided.
    fn shared_cause(&mut self, cause: &SharedCause<'_>) {
        let (whole, partly): (Vec<_>, Vec<_>) = cause.targets.iter().partition(|s| s.is_whole);
        let all = if partly.is_empty() { "all " } else { "" };
        let is_many = cause.targets.len() > 1;
        let on = match cause.targets.as_slice() {
            _ if self.report.targets.len() < 2 => String::new(),
            [affected] => format!(" on {}", affected.target),
            targets => format!(" on {}", pluralize(targets.len(), "target")),
        };
        let checks = pluralize(cause.checks(), "check");
        self.block_head(Status::Unknown, &format!("{all}{checks}{on}"));
        self.page.quote("  because  ", &cause.cause);
        if is_many && !whole.is_empty() {
            let whole: Vec<&str> = whole.iter().map(|affected| affected.target).collect();
            self.page.quote("  all of   ", &whole.join(", "));
        }
        for affected in partly {
            let on = if is_many { format!("{}: ", affected.target) } else { String::new() };
            self.page.quote("  checks   ", &format!("{on}{}", affected.checks.join(", ")));
        }
    }

    /// Renders the remedies, with their targets if they differ.
    fn remedies(&mut self, group: &FindingGroup<'_>) {
        let remedies = group.remedies();
        let page = &mut self.page;
        for (remedy, targets) in remedies.iter().take(MAX_REMEDIES) {
            if remedies.len() > 1 {
                page.quote("  on       ", &targets.join(", "));
            }
            let downtime = if remedy.downtime { " This needs downtime." } else { "" };
            page.line("  do       ", &format!("{}{downtime}", single_line(&remedy.text)));
            remedy.commands.iter().for_each(|command| page.command("           ", command));
        }
        let left: usize = remedies.iter().skip(MAX_REMEDIES).map(|(_, on)| on.len()).sum();
        if left > 0 {
            let left = pluralize(left, "target");
            page.line("           ", &format!("--fix-script has the commands of {left} more"));
        }
    }

    /// What passed and what has no meaning: one line each, or a count for many targets.
    fn passed_rows(&mut self) {
        if !self.lists_passed {
            let Summary { pass, not_applicable, .. } = self.report.summary;
            if pass + not_applicable > 0 {
                self.page.plain(&format!(
                    "\n{pass} passed, {not_applicable} not applicable; -v lists them"
                ));
            }
            return;
        }
        let classes = [Status::Pass, Status::NotApplicable];
        for (target, results) in group_by_target(self.report) {
            let rows = || results.iter().filter(|row| classes.contains(&Status::from_result(row)));
            let Some(widest) = rows().map(|row| row.check.chars().count()).max() else {
                continue;
            };
            self.page.plain("");
            if self.report.targets.len() > 1 {
                self.page.plain(&make_visible(target));
            }
            for class in classes {
                rows()
                    .filter(|row| Status::from_result(row) == class)
                    .for_each(|row| self.row(class, row, widest));
            }
        }
    }

    fn row(&mut self, class: Status, row: &CheckResult, widest: usize) {
        let label = format!("{:<4}", class.label());
        let head = format!("  {:<widest$}  ", make_visible(&row.check));
        let room = self.page.room(&" ".repeat(label.len() + widest + 4));
        let found = wrap(&make_visible(&row.found), usize::MAX).concat();
        let word = self.page.painted(status_colour(class), &label);
        self.page.plain(&format!("{word}{head}{}", truncate(&found, room)));
    }

    /// Renders the checks that were not run: how many, why, and which.
    fn skipped(&mut self) {
        if !self.outline.skipped.is_empty() {
            self.page.plain("");
        }
        for group in &self.outline.skipped {
            let checks: Vec<&str> = group.checks.keys().copied().collect();
            let text = format!(
                "{} {} {}: {}",
                pluralize(checks.len(), "more check"),
                if checks.len() == 1 { "needs" } else { "need" },
                group.providers(),
                group.instructions(),
            );
            self.page.line("not run    ", &text);
            self.page.quote("           ", &checks.join(", "));
        }
    }

    fn notes(&mut self) {
        if !self.report.notes.is_empty() {
            self.page.plain("");
        }
        self.report.notes.iter().for_each(|note| self.page.quote("note: ", note));
    }

    /// Which targets are how far, where there is more than one.
    fn verdicts(&mut self) {
        let rows = group_by_target(self.report);
        if rows.len() < 2 {
            return;
        }
        for verdict in [OverallVerdict::Blocked, OverallVerdict::Undecided, OverallVerdict::Clear] {
            let named: Vec<&str> = rows
                .iter()
                .filter(|(_, results)| OverallVerdict::from_results(results) == verdict)
                .map(|(name, _)| *name)
                .collect();
            if named.is_empty() {
                continue;
            }
            let label = format!("{:<16}", verdict.as_str());
            let count = if named.len() > 1 { format!("{}: ", named.len()) } else { String::new() };
            let text = make_visible(&format!("{count}{}", named.join(", ")));
            let painted = self.page.painted(status_colour(verdict.status()), &label);
            let lines = self.page.wrapped(&label, &text).replacen(&label, &painted, 1);
            self.page.plain(lines.trim_end_matches('\n'));
        }
        self.page.plain("");
    }

    fn painted_verdict(&self, text: &str) -> String {
        let verdict = OverallVerdict::from_report(self.report);
        let word = self.page.painted(status_colour(verdict.status()), verdict.as_str());
        text.replacen(verdict.as_str(), &word, 1)
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
        for (number, what) in [
            (pass, "passed"),
            (not_applicable, "not applicable"),
            (waived, "waived"),
            (self.outline.skipped_count(), "not run"),
        ] {
            parts.extend((number > 0).then(|| format!("{number} {what}")));
        }
        format!("{}: {}", verdict.as_str(), parts.join(", "))
    }
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
    format!("{}: {}", targets.join(", "), variant.found)
}

#[cfg(test)]
mod tests;
