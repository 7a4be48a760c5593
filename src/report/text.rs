//! The report for people: what blocks first, what is unknown next, and every check named.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use super::layout::{counted, cut, labelled, sentence, visible, wrap};
use super::model::{CheckResult, Report, Summary};
use super::outline::{Class, Entry, Outline, Silence, Variant, Verdict, by_target, count};
use super::style::Style;
use crate::check::definition::Remedy;

/// With more targets than this, what passes is counted and not listed.
const LISTED_TARGETS: usize = 3;

/// Of remedies that differ from target to target, so many are shown.
const SHOWN_REMEDIES: usize = 3;

/// Renders the report for a terminal.
pub fn render(report: &Report, style: &Style) -> Vec<u8> {
    let page = Page { report, style, outline: Outline::of(report) };
    let mut out = page.head();
    for class in [Class::Blocker, Class::Unknown, Class::Warning, Class::Waived] {
        if class == Class::Unknown {
            for silence in &page.outline.silences {
                out.push('\n');
                out.push_str(&page.silence(silence));
            }
        }
        for entry in page.outline.of_class(class) {
            out.push('\n');
            out.push_str(&page.block(entry));
        }
    }
    out.push_str(&page.rest());
    out.push_str(&page.not_asked());
    out.push_str(&page.notes());
    out.push('\n');
    out.push_str(&page.verdicts());
    out.push_str(&page.summary());
    out.into_bytes()
}

fn label(class: Class) -> &'static str {
    match class {
        Class::Blocker => "FAIL",
        Class::Unknown => "UNKNOWN",
        Class::Warning => "WARN",
        Class::Waived => "WAIVED",
        Class::Pass => "pass",
        Class::NotApplicable => "n/a",
    }
}

fn colour(class: Class) -> Ansi {
    let colour = |colour: AnsiColor| Ansi::new().fg_color(Some(colour.into()));
    match class {
        Class::Blocker => colour(AnsiColor::Red).effects(Effects::BOLD),
        Class::Unknown => colour(AnsiColor::Magenta).effects(Effects::BOLD),
        Class::Warning => colour(AnsiColor::Yellow),
        Class::Waived => colour(AnsiColor::Cyan),
        Class::Pass => colour(AnsiColor::Green),
        Class::NotApplicable => Ansi::new().effects(Effects::DIMMED),
    }
}

struct Page<'r> {
    report: &'r Report,
    style: &'r Style,
    outline: Outline<'r>,
}

impl Page<'_> {
    fn head(&self) -> String {
        let names: Vec<String> =
            self.report.targets.iter().map(|target| visible(&target.name)).collect();
        let (planned, judged) = (self.report.summary.planned, names.len());
        let of = match judged {
            0 => "no target".to_owned(),
            1..=LISTED_TARGETS => names.join(", "),
            _ => format!("{judged} targets"),
        };
        let of = of.trim_end_matches(':');
        let line = format!("{of}: {}", counted(planned, "check"));
        let mut head = self.labelled("", &line);
        if !self.report.run.complete {
            head.push_str("interrupted: what is missing was not asked\n");
        }
        head
    }

    /// One finding that somebody has to read.
    fn block(&self, entry: &Entry<'_>) -> String {
        let (class, first) = (entry.class, entry.first);
        let targets = entry.targets();
        let on = match (self.report.targets.len(), targets.as_slice()) {
            (0 | 1, _) => String::new(),
            (_, [target]) => format!(" on {}", visible(target)),
            (_, targets) => format!(" on {}", counted(targets.len(), "target")),
        };
        let mut out = format!(
            "{}  {}{on} ({})\n",
            self.painted(class, label(class)),
            visible(&first.check),
            first.severity
        );
        out.push_str(&self.labelled("  should   ", &visible(&first.title)));
        let what = if class == Class::Unknown { "  unknown  " } else { "  found    " };
        match entry.variants.as_slice() {
            [variant] => {
                out.push_str(&self.labelled(what, &visible(variant.found)));
                if targets.len() > 1 {
                    out.push_str(&self.labelled("  on       ", &names(&targets)));
                }
            }
            variants => {
                for (index, variant) in variants.iter().enumerate() {
                    let what = if index == 0 { what } else { "           " };
                    out.push_str(&self.labelled(what, &found_on(variant)));
                }
            }
        }
        if let Some(waiver) = &first.waiver {
            let text = format!("{} ({}, until {})", waiver.reason, waiver.owner, waiver.expires);
            out.push_str(&self.labelled("  waived   ", &visible(&text)));
        }
        if class.wants_mending() {
            out.push_str(&self.labelled("  shows as ", &sentence(&first.symptom)));
            out.push_str(&self.remedies(entry));
        }
        let source = format!("{}, {}", first.source.doc, first.source.at);
        out.push_str(&self.labelled("  source   ", &visible(&source)));
        out
    }

    /// One cause that leaves many checks undecided.
    fn silence(&self, silence: &Silence<'_>) -> String {
        let several = self.report.targets.len() > 1;
        let (whole, partly): (Vec<_>, Vec<_>) = silence.silent.iter().partition(|s| s.wholly);
        let all = if partly.is_empty() { "all " } else { "" };
        let on = match silence.silent.as_slice() {
            _ if !several => String::new(),
            [silent] => format!(" on {}", visible(silent.target)),
            silent => format!(" on {}", counted(silent.len(), "target")),
        };
        let mut out = format!(
            "{}  {all}{}{on}\n",
            self.painted(Class::Unknown, label(Class::Unknown)),
            counted(silence.checks(), "check")
        );
        out.push_str(&self.labelled("  because  ", &visible(silence.cause)));
        if silence.silent.len() > 1 && !whole.is_empty() {
            let whole: Vec<&str> = whole.iter().map(|silent| silent.target).collect();
            out.push_str(&self.labelled("  all of   ", &names(&whole)));
        }
        for silent in partly {
            let on = if silence.silent.len() > 1 {
                format!("{}: ", visible(silent.target))
            } else {
                String::new()
            };
            let text = format!("{on}{}", visible(&silent.checks.join(", ")));
            out.push_str(&self.labelled("  checks   ", &text));
        }
        out
    }

    /// How to mend it, with the targets where they need different things.
    fn remedies(&self, entry: &Entry<'_>) -> String {
        let remedies = entry.remedies();
        let mut out = String::new();
        for (remedy, targets) in remedies.iter().take(SHOWN_REMEDIES) {
            if remedies.len() > 1 {
                out.push_str(&self.labelled("  on       ", &names(targets)));
            }
            out.push_str(&self.remedy(remedy));
        }
        let left: usize = remedies.iter().skip(SHOWN_REMEDIES).map(|(_, on)| on.len()).sum();
        if left > 0 {
            let text = format!("--fix-script has the commands of {} more", counted(left, "target"));
            out.push_str(&self.labelled("           ", &text));
        }
        out
    }

    fn remedy(&self, remedy: &Remedy) -> String {
        let downtime = if remedy.downtime { " This needs downtime." } else { "" };
        let text = format!("{}{downtime}", sentence(&remedy.text));
        let mut out = self.labelled("  do       ", &text);
        for command in &remedy.commands {
            // A command is copied as a whole, so it is never wrapped.
            out.push_str(&format!("           $ {}\n", visible(command)));
        }
        out
    }

    /// What passed and what has no meaning: one line each, or a count for many targets.
    fn rest(&self) -> String {
        let classes = [Class::Pass, Class::NotApplicable];
        if self.report.targets.len() > LISTED_TARGETS {
            return String::new();
        }
        let mut out = String::new();
        for (target, results) in by_target(self.report) {
            let rows = || results.iter().filter(|row| classes.contains(&Class::of(row)));
            let Some(widest) = rows().map(|row| row.check.chars().count()).max() else {
                continue;
            };
            out.push('\n');
            if self.report.targets.len() > 1 {
                out.push_str(&format!("{}\n", visible(target)));
            }
            for class in classes {
                for row in rows().filter(|row| Class::of(row) == class) {
                    out.push_str(&self.row(class, row, widest));
                }
            }
        }
        out
    }

    fn row(&self, class: Class, row: &CheckResult, widest: usize) -> String {
        let label = format!("{:<4}", label(class));
        let room = self.style.width.saturating_sub(label.len() + widest + 4).max(20);
        let found = wrap(&visible(&row.found), usize::MAX).concat();
        format!(
            "{}  {:<widest$}  {}\n",
            self.painted(class, &label),
            visible(&row.check),
            cut(&found, room)
        )
    }

    /// What was not asked: how many by what would let them be, and which.
    fn not_asked(&self) -> String {
        let mut out = String::new();
        for group in &self.outline.unasked {
            let checks: Vec<&str> = group.checks.keys().copied().collect();
            let text = format!(
                "{} {} {}: {}",
                counted(checks.len(), "more check"),
                if checks.len() == 1 { "needs" } else { "need" },
                group.who(),
                group.how(),
            );
            out.push_str(&self.labelled("not asked  ", &text));
            out.push_str(&self.labelled("           ", &visible(&checks.join(", "))));
        }
        if out.is_empty() { out } else { format!("\n{out}") }
    }

    fn notes(&self) -> String {
        let notes = self.report.notes.iter();
        let lines: String = notes.map(|note| self.labelled("note: ", &visible(note))).collect();
        if lines.is_empty() { lines } else { format!("\n{lines}") }
    }

    /// Which targets are how far, where there is more than one.
    fn verdicts(&self) -> String {
        let rows = by_target(self.report);
        if rows.len() < 2 {
            return String::new();
        }
        let mut out = String::new();
        for verdict in [Verdict::Blocked, Verdict::Undecided, Verdict::Clear] {
            let named: Vec<&str> = rows
                .iter()
                .filter(|(_, results)| Verdict::of_target(results) == verdict)
                .map(|(name, _)| *name)
                .collect();
            if !named.is_empty() {
                let label = format!("{:<16}", verdict.words());
                let text = match named.len() {
                    1 => names(&named),
                    many => format!("{many}: {}", names(&named)),
                };
                let lines = self.labelled(&label, &text);
                let painted = self.painted(verdict.class(), &label);
                out.push_str(&lines.replacen(&label, &painted, 1));
            }
        }
        if out.is_empty() { out } else { format!("{out}\n") }
    }

    fn summary(&self) -> String {
        let Summary { pass, unknown, not_applicable, waived, .. } = self.report.summary;
        let verdict = Verdict::of(self.report);
        let mut parts = vec![
            counted(count(self.report, Class::Blocker), "blocker"),
            format!("{unknown} unknown"),
        ];
        let warnings = count(self.report, Class::Warning);
        parts.extend((warnings > 0).then(|| counted(warnings, "warning")));
        let not_asked = self.outline.unasked_checks();
        for (number, what) in [
            (pass, "passed"),
            (not_applicable, "not applicable"),
            (waived, "waived"),
            (not_asked, "not asked"),
        ] {
            parts.extend((number > 0).then(|| format!("{number} {what}")));
        }
        format!("{}: {}\n", self.painted(verdict.class(), verdict.words()), parts.join(", "))
    }

    fn labelled(&self, label: &str, text: &str) -> String {
        labelled(label, text, self.style.width)
    }

    fn painted(&self, class: Class, text: &str) -> String {
        if !self.style.colour {
            return text.to_owned();
        }
        let colour = colour(class);
        format!("{colour}{text}{colour:#}")
    }
}

fn names(targets: &[&str]) -> String {
    visible(&targets.join(", "))
}

fn found_on(variant: &Variant<'_>) -> String {
    let targets: Vec<&str> = variant.targets().collect();
    format!("{}: {}", names(&targets), visible(variant.found))
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

        blocked         2: a.iso, b.iso

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
        insta::assert_snapshot!(text(&report(&names, &findings)), @"
        4 targets: 4 checks

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
        interrupted: what is missing was not asked

        nothing was checked: 0 blockers, 0 unknown
        ");
    }

    #[test]
    fn one_cause_behind_many_checks_is_told_once() {
        let unknown = |reason: &str| Outcome::Unknown { reason: reason.to_owned(), defect: false };
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

        UNKNOWN  all 6 checks on 2 targets
          because  cannot connect: connection refused
          all of   a.iso, b.iso

        UNKNOWN  4 checks on c.iso
          because  image.kickstart: no access
          checks   check.number-0, check.number-1, check.number-2, check.number-3

        c.iso
        pass  a.b  found

        undecided       3: a.iso, b.iso, c.iso

        undecided: 0 blockers, 10 unknown, 1 passed
        ");
        let alone = report(&["a.iso"], &findings[..3]);
        insta::assert_snapshot!(text(&alone), @"
        a.iso: 3 checks

        UNKNOWN  all 3 checks
          because  cannot connect: connection refused

        undecided: 0 blockers, 3 unknown
        ");
    }
}
