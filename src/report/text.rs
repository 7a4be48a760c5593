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
        for group in self.outline.with_any_status(&[Status::Blocker, Status::Warning]) {
            block(group);
        }
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

fn found_on(variant: &Variant<'_>) -> String {
    let targets: Vec<&str> = variant.targets().collect();
    format!("{}: {}", names(&targets), make_visible(variant.found))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::definition::Severity;
    use crate::check::engine::{Finding, Outcome, Target};
    use crate::check::status::FailOn;
    use crate::check::status::tests::finding;
    use crate::facts::Document;
    use crate::facts::target_kind::TargetKind;

    fn report(names: &[&str], findings: &[Finding]) -> Report {
        let targets: Vec<Target> = names
            .iter()
            .map(|name| Target::new((*name).to_owned(), TargetKind::Image, Document::default()))
            .collect();
        let now = "2026-11-20T03:00:00Z".parse().unwrap();
        Report::new(&targets, findings.to_vec(), &[], &[], now, FailOn::Blocker)
    }

    fn text(report: &Report) -> String {
        String::from_utf8(render(report, &Style::default())).unwrap()
    }

    #[test]
    fn a_finding_names_its_target_when_there_are_more() {
        let on = |target: &str, outcome, severity| Finding {
            target: target.to_owned(),
            ..finding(outcome, severity)
        };
        let waived = Outcome::Waived {
            reason: "the host is retired".to_owned(),
            owner: "ann".to_owned(),
            expires: "2026-12-31".to_owned(),
        };
        let report = report(
            &["a.iso", "b.iso"],
            &[
                on("a.iso", Outcome::Fail, Severity::BlocksFailback),
                on("a.iso", waived, Severity::BlocksReprotect),
                on("b.iso", Outcome::Fail, Severity::DataLoss),
                on("b.iso", Outcome::Pass, Severity::Warning),
            ],
        );
        insta::assert_snapshot!(text(&report), @"
        a.iso, b.iso: 4 checks
        blocked: 2 blockers, 0 unknown, 1 passed, 1 waived
        do first:
          1. a.iso and 1 more: Fix it (a.b)

        FAIL  a.b on b.iso (data-loss)
          should   it holds
          found    found
          shows as symptom
          do       Fix it.
          source   field, a

        FAIL  a.b on a.iso (blocks-failback)
          should   it holds
          found    found
          shows as symptom
          do       Fix it.
          source   field, a

        WAIVED  a.b on a.iso (blocks-reprotect)
          should   it holds
          found    found
          waived   the host is retired (ann, until 2026-12-31)
          source   field, a

        1 passed, 0 not applicable; -v lists them

        blocked         2: a.iso, b.iso

        blocked: 2 blockers, 0 unknown, 1 passed, 1 waived; first: a.iso and 1 more
        (a.b)
        ");
    }

    #[test]
    fn what_passes_on_many_targets_is_counted_and_not_listed() {
        let names = ["a", "b", "c", "d"];
        let findings: Vec<Finding> = names
            .iter()
            .map(|name| Finding {
                target: (*name).to_owned(),
                ..finding(Outcome::Pass, Severity::Warning)
            })
            .collect();
        insta::assert_snapshot!(text(&report(&names, &findings)), @"
        4 targets: 4 checks
        nothing blocks: 0 blockers, 0 unknown, 4 passed

        4 passed, 0 not applicable; -v lists them

        nothing blocks  4: a, b, c, d

        nothing blocks: 0 blockers, 0 unknown, 4 passed
        ");
    }

    #[test]
    fn nothing_checked_and_an_interruption_are_said() {
        let mut empty = report(&[], &[]);
        empty.run.complete = false;
        insta::assert_snapshot!(text(&empty), @"
        no target: 0 checks
        interrupted: what is missing was not checked
        nothing was checked: 0 blockers, 0 unknown

        nothing was checked: 0 blockers, 0 unknown
        ");
    }

    #[test]
    fn one_cause_behind_many_checks_is_told_once() {
        let unknown = crate::check::status::tests::unknown;
        let gone = "image: cannot connect: connection refused";
        let mut findings = Vec::new();
        for (target, reason, checks) in
            [("a.iso", gone, 3), ("b.iso", gone, 3), ("c.iso", "image.kickstart: no access", 4)]
        {
            for number in 0..checks {
                findings.push(Finding {
                    check: format!("check.number-{number}"),
                    target: target.to_owned(),
                    found: reason.to_owned(),
                    ..finding(unknown(reason), Severity::BlocksReprotect)
                });
            }
        }
        findings.push(Finding {
            target: "c.iso".to_owned(),
            ..finding(Outcome::Pass, Severity::Warning)
        });
        insta::assert_snapshot!(text(&report(&["a.iso", "b.iso", "c.iso"], &findings)), @"
        a.iso, b.iso, c.iso: 11 checks
        undecided: 0 blockers, 10 unknown, 1 passed
        do first:
          1. a.iso and 1 more: find out, for it is not known: cannot connect: connection
             refused (check.number-0)
          2. c.iso: find out, for it is not known: no access (check.number-0)

        UNKNOWN  all 6 checks on 2 targets
          because  cannot connect: connection refused
          all of   a.iso, b.iso

        UNKNOWN  4 checks on c.iso
          because  image.kickstart: no access
          checks   check.number-0, check.number-1, check.number-2, check.number-3

        1 passed, 0 not applicable; -v lists them

        undecided       3: a.iso, b.iso, c.iso

        undecided: 0 blockers, 10 unknown, 1 passed; first: a.iso and 1 more
        (check.number-0)
        ");
        let alone = report(&["a.iso"], &findings[..3]);
        insta::assert_snapshot!(text(&alone), @"
        a.iso: 3 checks
        undecided: 0 blockers, 3 unknown
        do first:
          1. a.iso: find out, for it is not known: cannot connect: connection refused
             (check.number-0)

        UNKNOWN  all 3 checks
          because  cannot connect: connection refused

        undecided: 0 blockers, 3 unknown; first: a.iso (check.number-0)
        ");
    }
}
