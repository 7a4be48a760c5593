//! The report for people: what blocks first, what is unknown next, and every check named.

use std::collections::{BTreeMap, BTreeSet};

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::Style;
use super::layout::{cut, labelled, visible, wrap};
use super::model::{CheckResult, OutcomeWord, Report, Summary};
use crate::check::provider::Provider;

/// With more targets than this, what passes is counted and not listed.
const LISTED_TARGETS: usize = 3;

/// Renders the report for a terminal.
pub fn render(report: &Report, style: &Style) -> Vec<u8> {
    let page = Page { report, style };
    let mut out = page.head();
    for group in [Group::Blocker, Group::Unknown, Group::Warning, Group::Waived] {
        let mut results: Vec<&CheckResult> =
            report.results.iter().filter(|result| Group::of(result) == group).collect();
        results.sort_by_key(|result| result.severity);
        for result in results {
            out.push('\n');
            out.push_str(&page.block(group, result));
        }
    }
    out.push_str(&page.rest());
    out.push_str(&page.not_asked());
    out.push_str(&page.notes());
    out.push('\n');
    out.push_str(&page.summary());
    out.into_bytes()
}

/// What a result means to somebody who has to go on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Blocker,
    Unknown,
    Warning,
    Waived,
    Pass,
    NotApplicable,
}

impl Group {
    fn of(result: &CheckResult) -> Self {
        match result.outcome {
            OutcomeWord::Fail if result.severity.is_blocker() => Self::Blocker,
            OutcomeWord::Fail => Self::Warning,
            OutcomeWord::Unknown => Self::Unknown,
            OutcomeWord::Waived => Self::Waived,
            OutcomeWord::Pass => Self::Pass,
            OutcomeWord::NotApplicable => Self::NotApplicable,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Blocker => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARN",
            Self::Waived => "WAIVED",
            Self::Pass => "pass",
            Self::NotApplicable => "n/a",
        }
    }

    fn colour(self) -> Ansi {
        let colour = |colour: AnsiColor| Ansi::new().fg_color(Some(colour.into()));
        match self {
            Self::Blocker => colour(AnsiColor::Red).effects(Effects::BOLD),
            Self::Unknown => colour(AnsiColor::Magenta).effects(Effects::BOLD),
            Self::Warning => colour(AnsiColor::Yellow),
            Self::Waived => colour(AnsiColor::Cyan),
            Self::Pass => colour(AnsiColor::Green),
            Self::NotApplicable => Ansi::new().effects(Effects::DIMMED),
        }
    }
}

struct Page<'r> {
    report: &'r Report,
    style: &'r Style,
}

impl Page<'_> {
    fn head(&self) -> String {
        let names: Vec<String> =
            self.report.targets.iter().map(|target| visible(&target.name)).collect();
        let (planned, judged) = (self.report.summary.planned, names.len());
        let of =
            if judged <= LISTED_TARGETS { names.join(", ") } else { format!("{judged} targets") };
        let line = format!("{of}: {}", counted(planned, "check"));
        let mut head = labelled("", &line, self.style.width);
        if !self.report.run.complete {
            head.push_str("interrupted: what is missing was not asked\n");
        }
        head
    }

    /// One finding that somebody has to read.
    fn block(&self, group: Group, result: &CheckResult) -> String {
        let width = self.style.width;
        let on = match self.report.targets.len() {
            0 | 1 => String::new(),
            _ => format!(" on {}", visible(&result.target)),
        };
        let mut out = format!(
            "{}  {}{on} ({})\n",
            self.painted(group, group.label()),
            visible(&result.check),
            result.severity
        );
        out.push_str(&labelled("  should   ", &visible(&result.title), width));
        let found = if group == Group::Unknown { "  unknown  " } else { "  found    " };
        out.push_str(&labelled(found, &visible(&result.found), width));
        if let Some(waiver) = &result.waiver {
            let text = format!("{} ({}, until {})", waiver.reason, waiver.owner, waiver.expires);
            out.push_str(&labelled("  waived   ", &visible(&text), width));
        }
        if matches!(group, Group::Blocker | Group::Warning) {
            out.push_str(&labelled("  shows as ", &sentence(&result.symptom), width));
            out.push_str(&self.remedy(result));
        }
        let source = format!("{}, {}", result.source.doc, result.source.at);
        out.push_str(&labelled("  source   ", &visible(&source), width));
        out
    }

    fn remedy(&self, result: &CheckResult) -> String {
        let remedy = &result.remedy;
        let downtime = if remedy.downtime { " This needs downtime." } else { "" };
        let text = format!("{}{downtime}", sentence(&remedy.text));
        let mut out = labelled("  do       ", &text, self.style.width);
        for command in &remedy.commands {
            // A command is copied as a whole, so it is never wrapped.
            out.push_str(&format!("           $ {}\n", visible(command)));
        }
        out
    }

    /// What passed and what has no meaning: one line each, or a count for many targets.
    fn rest(&self) -> String {
        let groups = [Group::Pass, Group::NotApplicable];
        if self.report.targets.len() > LISTED_TARGETS {
            return String::new();
        }
        let mut out = String::new();
        for target in &self.report.targets {
            let mine = |result: &&CheckResult| {
                result.target == target.name && groups.contains(&Group::of(result))
            };
            let rows: Vec<&CheckResult> = self.report.results.iter().filter(mine).collect();
            if rows.is_empty() {
                continue;
            }
            out.push('\n');
            if self.report.targets.len() > 1 {
                out.push_str(&format!("{}\n", visible(&target.name)));
            }
            let widest = rows.iter().map(|row| row.check.chars().count()).max().unwrap_or(0);
            for group in groups {
                for row in rows.iter().filter(|row| Group::of(row) == group) {
                    out.push_str(&self.row(group, row, widest));
                }
            }
        }
        out
    }

    fn row(&self, group: Group, row: &CheckResult, widest: usize) -> String {
        let label = format!("{:<4}", group.label());
        let room = self.style.width.saturating_sub(label.len() + widest + 4).max(20);
        let found = wrap(&visible(&row.found), usize::MAX).concat();
        format!(
            "{}  {:<widest$}  {}\n",
            self.painted(group, &label),
            visible(&row.check),
            cut(&found, room)
        )
    }

    /// What was not asked: how many by what would let them be, and which.
    fn not_asked(&self) -> String {
        let mut by_needs: BTreeMap<&[Provider], BTreeSet<&str>> = BTreeMap::new();
        for left_out in &self.report.not_asked {
            by_needs.entry(&left_out.needs).or_default().insert(&left_out.check);
        }
        let mut out = String::new();
        for (needs, checks) in by_needs {
            let who: Vec<&str> = needs.iter().map(|need| need.name()).collect();
            let how: Vec<&str> = needs.iter().map(|need| need.how()).collect();
            let checks: Vec<&str> = checks.into_iter().collect();
            let text = format!(
                "{} more {} {} ({}): {}",
                checks.len(),
                if checks.len() == 1 { "needs" } else { "need" },
                who.join(" and "),
                how.join("; "),
                visible(&checks.join(", "))
            );
            out.push_str(&labelled("not asked  ", &text, self.style.width));
        }
        if out.is_empty() { out } else { format!("\n{out}") }
    }

    fn notes(&self) -> String {
        let notes = self.report.notes.iter();
        let lines = notes.map(|note| labelled("note: ", &visible(note), self.style.width));
        let lines: String = lines.collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }

    fn summary(&self) -> String {
        let Summary { pass, unknown, not_applicable, waived, exit_code, .. } = self.report.summary;
        let count = |group| self.report.results.iter().filter(|r| Group::of(r) == group).count();
        let (group, verdict) = match exit_code {
            0 => (Group::Pass, "nothing blocks"),
            1 if count(Group::Blocker) == 0 => (Group::Warning, "warnings count as failures"),
            1 => (Group::Blocker, "blocked"),
            2 => (Group::Blocker, "nothing was checked"),
            _ => (Group::Unknown, "undecided"),
        };
        let mut parts =
            vec![counted(count(Group::Blocker), "blocker"), format!("{unknown} unknown")];
        let warnings = count(Group::Warning);
        parts.extend((warnings > 0).then(|| counted(warnings, "warning")));
        for (number, what) in
            [(pass, "passed"), (not_applicable, "not applicable"), (waived, "waived")]
        {
            parts.extend((number > 0).then(|| format!("{number} {what}")));
        }
        format!("{}: {}\n", self.painted(group, verdict), parts.join(", "))
    }

    fn painted(&self, group: Group, text: &str) -> String {
        if !self.style.colour {
            return text.to_owned();
        }
        let colour = group.colour();
        format!("{colour}{text}{colour:#}")
    }
}

/// A text of a definition, with the line breaks it was written with taken out.
fn sentence(text: &str) -> String {
    visible(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::definition::{Severity, TargetKind};
    use crate::check::engine::{Finding, Outcome, Target};
    use crate::check::status::FailOn;
    use crate::check::status::tests::finding;
    use crate::facts::Document;

    fn report(names: &[&str], findings: &[Finding]) -> Report {
        let targets: Vec<Target> = names
            .iter()
            .map(|name| Target {
                name: (*name).to_owned(),
                kind: TargetKind::Image,
                document: Document::default(),
            })
            .collect();
        let now = "2026-11-20T03:00:00Z".parse().unwrap();
        Report::new(&targets, findings, &[], &[], now, FailOn::Blocker)
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
        insta::assert_snapshot!(text(&report), @r"
        a.iso, b.iso: 4 checks

        FAIL  a.b on b.iso (data-loss)
          should   it holds
          found    found
          shows as symptom
          do       Mend it.
          source   field, a

        FAIL  a.b on a.iso (blocks-failback)
          should   it holds
          found    found
          shows as symptom
          do       Mend it.
          source   field, a

        WAIVED  a.b on a.iso (blocks-reprotect)
          should   it holds
          found    found
          waived   the host is retired (ann, until 2026-12-31)
          source   field, a

        b.iso
        pass  a.b  found

        blocked: 2 blockers, 0 unknown, 1 passed, 1 waived
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
        insta::assert_snapshot!(text(&report(&names, &findings)), @r"
        4 targets: 4 checks

        nothing blocks: 0 blockers, 0 unknown, 4 passed
        ");
    }

    #[test]
    fn nothing_checked_and_an_interruption_are_said() {
        let mut empty = report(&[], &[]);
        empty.run.complete = false;
        insta::assert_snapshot!(text(&empty), @r"
        : 0 checks
        interrupted: what is missing was not asked

        nothing was checked: 0 blockers, 0 unknown
        ");
    }
}
