//! The report for Nagios, Icinga and their kin: a status line with performance data, then what is
//! wrong, one line each.
//!
//! The line says what a plugin's exit status would: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. The
//! program's own exit status is another (1 is a blocker), so a plugin is this and a line of shell:
//! `preflight check host TARGET --format nagios; case $? in 0) ;; 1) exit 2;; *) exit 3;; esac`.

use super::layout::{make_visible, pluralize};
use super::model::{CheckResult, Report};
use super::outline::{Outline, OverallVerdict, Status, count};
use super::style::Style;
use crate::check::definition::Severity;

/// How many findings stand below the first line: Nagios reads 8 KiB of a plugin and drops the rest.
const MAX_FINDING_LINES: usize = 40;

/// How long one of them is at most.
const MAX_LINE_CHARS: usize = 160;

/// Renders the report as a plugin's output.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let outline = Outline::new(report);
    let mut lines: Vec<String> = Vec::new();
    for class in [Status::Blocker, Status::Unknown, Status::Warning] {
        if class == Status::Unknown {
            for cause in &outline.shared_causes {
                let targets: Vec<&str> = cause.targets.iter().map(|s| s.target).collect();
                let checks = pluralize(cause.checks(), "check");
                lines.push(format!("UNKNOWN {}: {checks}: {}", targets.join(", "), cause.cause));
            }
        }
        let entries = outline.with_status(class);
        let results = entries.flat_map(|group| &group.variants).flat_map(|v| &v.results);
        lines.extend(results.map(|result| finding_line(class, result)));
    }
    let left_out = lines.len().saturating_sub(MAX_FINDING_LINES);
    lines.truncate(MAX_FINDING_LINES);
    let mut out = format!("{}|{}\n", escape(&status_line(report)), performance(report));
    for line in &lines {
        let line: String = escape(line).chars().take(MAX_LINE_CHARS).collect();
        out.push_str(&format!("{line}\n"));
    }
    if left_out > 0 {
        out.push_str(&format!("and {left_out} more\n"));
    }
    out.into_bytes()
}

fn status_line(report: &Report) -> String {
    let warnings = count(report, Status::Warning);
    // What is only worth knowing shows up below, and wakes nobody.
    let alerts = report
        .results
        .iter()
        .any(|r| Status::from_result(r) == Status::Warning && r.severity == Severity::Warning);
    let state = match OverallVerdict::from_report(report) {
        OverallVerdict::Blocked => "CRITICAL",
        OverallVerdict::WarningsCount => "WARNING",
        OverallVerdict::Undecided | OverallVerdict::NothingChecked => "UNKNOWN",
        OverallVerdict::Clear if alerts => "WARNING",
        OverallVerdict::Clear => "OK",
    };
    let of = match report.targets.as_slice() {
        [target] => target.name.clone(),
        targets => pluralize(targets.len(), "target"),
    };
    let interrupted = if report.run.complete { "" } else { " (interrupted)" };
    format!(
        "PREFLIGHT {state} - {of}: {}: {}, {} unknown, {}{interrupted}",
        OverallVerdict::from_report(report).as_str(),
        pluralize(count(report, Status::Blocker), "blocker"),
        count(report, Status::Unknown),
        pluralize(warnings, "warning"),
    )
}

fn finding_line(class: Status, result: &CheckResult) -> String {
    let state = match class {
        Status::Blocker => "CRITICAL",
        Status::Unknown => "UNKNOWN",
        _ => "WARNING",
    };
    format!("{state} {}: {}: {}", result.target, result.check, result.found)
}

/// `'label'=value;warn;crit;min;max` with the ranges that alert.
fn performance(report: &Report) -> String {
    let planned = report.summary.planned;
    let of = |class| count(report, class);
    [
        format!("blockers={};;0;0;{planned}", of(Status::Blocker)),
        format!("unknown={};;;0;{planned}", of(Status::Unknown)),
        format!("warnings={};0;;0;{planned}", of(Status::Warning)),
        format!("waived={};;;0;{planned}", of(Status::Waived)),
        format!("passed={};;;0;{planned}", of(Status::Pass)),
        format!("not_applicable={};;;0;{planned}", of(Status::NotApplicable)),
        format!("not_asked={};;;0;", report.not_asked.len()),
    ]
    .join(" ")
}

/// A text on one line without what Nagios or the pages that show it give a meaning: `|` begins
/// performance data, `<`, `>` and `&` are markup.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for char in make_visible(text).chars() {
        match char {
            '|' | '<' | '>' | '&' => out.extend(char.escape_unicode()),
            _ => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::engine::Outcome;
    use crate::report::model::tests::{every_outcome, report};

    fn text(report: &Report) -> String {
        String::from_utf8(render(report, &Style::default())).unwrap()
    }

    #[test]
    fn one_line_says_how_things_are_and_the_rest_why() {
        insta::assert_snapshot!(text(&every_outcome()), @"
        PREFLIGHT CRITICAL - 2 targets: blocked: 1 blocker, 1 unknown, 2 warnings|blockers=1;;0;0;7 unknown=1;;;0;7 warnings=2;0;;0;7 waived=1;;;0;7 passed=1;;;0;7 not_applicable=1;;;0;7 not_asked=1;;;0;
        CRITICAL mt1: a.blocker: /mnt/retention is vfat
        UNKNOWN mt2: a.unknown: found
        WARNING mt1: a.warning: found
        WARNING mt1: a.info: found
        ");
    }

    #[test]
    fn each_verdict_has_its_state() {
        let unknown = || crate::check::status::tests::unknown("r");
        for (outcome, severity, state) in [
            (Outcome::Pass, Severity::DataLoss, "OK"),
            (Outcome::Fail, Severity::Warning, "WARNING"),
            (Outcome::Fail, Severity::Info, "OK"),
            (Outcome::Fail, Severity::BlocksReprotect, "CRITICAL"),
            (unknown(), Severity::BlocksReprotect, "UNKNOWN"),
            (unknown(), Severity::Info, "OK"),
        ] {
            let text = text(&report(&[("mt1", outcome, severity)]));
            assert!(text.starts_with(&format!("PREFLIGHT {state} - mt1: ")), "{text}");
        }
        assert!(text(&report(&[])).starts_with("PREFLIGHT UNKNOWN - 0 targets: nothing was"));
    }

    #[test]
    fn what_would_begin_performance_data_or_markup_is_spelt_out() {
        let mut report = report(&[("mt|1", Outcome::Fail, Severity::DataLoss)]);
        report.results[0].found = "a|b=1 <b>\n| c=2".to_owned();
        let text = text(&report);
        assert_eq!(text.matches('|').count(), 1, "{text}");
        assert_eq!(
            text.lines().nth(1),
            Some("CRITICAL mt\\u{7c}1: a.b: a\\u{7c}b=1 \\u{3c}b\\u{3e}\\n\\u{7c} c=2")
        );
    }

    #[test]
    fn a_long_story_is_cut() {
        let many: Vec<_> = (0..100).map(|_| ("mt1", Outcome::Fail, Severity::Warning)).collect();
        let text = text(&report(&many));
        assert_eq!(text.lines().count(), MAX_FINDING_LINES + 2);
        assert_eq!(text.lines().last(), Some("and 60 more"));
        assert!(text.len() < 8192);
    }
}
