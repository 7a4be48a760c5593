//! The report for Nagios, Icinga and their kin: a status line with performance data, then what is
//! wrong, one line each.
//!
//! As `--format` it decides the exit status, too, so that the command line is a plugin as it is: 0 OK, 1 WARNING, 2 CRITICAL,
//! 3 UNKNOWN (Nagios Plugins Development Guidelines, "Plugin Return Codes"), where other formats have the program's own, in which 1
//! is a blocker.

use super::layout::{make_visible, pluralize, single_line};
use super::model::{CheckResult, Report};
use super::outline::{Outline, OverallVerdict, Status, count};
use super::style::Style;
use crate::check::definition::Severity;

/// What `--format` calls it.
pub(super) const NAME: &str = "nagios";

/// How many findings stand below the first line: Nagios reads 8 KiB of a plugin and drops the rest.
const MAX_FINDING_LINES: usize = 40;

/// How long one of them is at most.
const MAX_LINE_CHARS: usize = 160;

/// What a plugin says of a service; the numbers are its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginState {
    /// Nothing is wrong.
    Ok = 0,
    /// Something warns.
    Warning = 1,
    /// Something blocks.
    Critical = 2,
    /// It could not be told.
    Unknown = 3,
}

impl PluginState {
    /// Returns the state of a report.
    pub fn from_report(report: &Report) -> Self {
        // What is only worth knowing shows up below the first line, and wakes nobody.
        let alerts = report.results.iter().any(|result| {
            Status::from_result(result) == Status::Warning && result.severity == Severity::Warning
        });
        match OverallVerdict::from_report(report) {
            OverallVerdict::Blocked => Self::Critical,
            OverallVerdict::WarningsCount => Self::Warning,
            OverallVerdict::Undecided | OverallVerdict::NothingChecked => Self::Unknown,
            OverallVerdict::Clear if alerts => Self::Warning,
            OverallVerdict::Clear => Self::Ok,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

/// Returns what a plugin prints that could not run, and why: one line without performance data, in the state UNKNOWN.
pub fn cannot_run(why: &str) -> String {
    let why: String = escape(&single_line(why)).chars().take(MAX_LINE_CHARS).collect();
    format!("PREFLIGHT UNKNOWN - could not run: {why}\n")
}

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
    let state = PluginState::from_report(report).as_str();
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
        for (outcome, severity, state, exit) in [
            (Outcome::Pass, Severity::DataLoss, "OK", 0),
            (Outcome::Fail, Severity::Warning, "WARNING", 1),
            (Outcome::Fail, Severity::Info, "OK", 0),
            (Outcome::Fail, Severity::BlocksReprotect, "CRITICAL", 2),
            (unknown(), Severity::BlocksReprotect, "UNKNOWN", 3),
            (unknown(), Severity::Info, "OK", 0),
        ] {
            let report = report(&[("mt1", outcome, severity)]);
            assert_eq!(PluginState::from_report(&report) as u8, exit);
            let text = text(&report);
            assert!(text.starts_with(&format!("PREFLIGHT {state} - mt1: ")), "{text}");
        }
        assert!(text(&report(&[])).starts_with("PREFLIGHT UNKNOWN - 0 targets: nothing was"));
    }

    #[test]
    fn what_would_begin_performance_data_or_markup_is_spelt_out() {
        let mut report = report(&[("mt|1", Outcome::Fail, Severity::DataLoss)]);
        report.results[0].found = "a|b=1 <b>\n| c=2".into();
        let text = text(&report);
        assert_eq!(text.matches('|').count(), 1, "{text}");
        assert_eq!(
            text.lines().nth(1),
            Some("CRITICAL mt\\u{7c}1: a.b: a\\u{7c}b=1 \\u{3c}b\\u{3e}\\n\\u{7c} c=2")
        );
    }

    #[test]
    fn what_could_not_run_is_one_line_without_performance_data() {
        let told = cannot_run("no file |a<b>\nhint");
        assert_eq!(
            told,
            "PREFLIGHT UNKNOWN - could not run: no file \\u{7c}a\\u{3c}b\\u{3e} hint\n"
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
