//! The report for Prometheus, as a file for node_exporter's textfile collector: write it beside
//! its name and rename it, which `--output prometheus=FILE.prom` does.
//!
//! Moments are values: the collector refuses samples with a time of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::layout::make_visible;
use super::model::Report;
use super::outline::{Status, group_by_target};
use super::style::Style;

/// Writes the report in Prometheus' text format.
///
/// # Errors
///
/// Fails when the output does.
pub fn write(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut page = Page { out };
    let summary = &report.summary;
    let kinds: BTreeMap<&str, &str> =
        report.targets.iter().map(|target| (target.name.as_str(), target.kind.as_str())).collect();
    page.family(
        "preflight_check_status",
        "The outcome of one check on one target, as labels; always 1.",
        report.results.iter().map(|result| {
            let labels = [
                ("check", result.check.as_str()),
                ("target", &result.target),
                ("kind", kinds.get(result.target.as_str()).copied().unwrap_or_default()),
                ("severity", result.severity.as_str()),
                ("outcome", result.outcome.as_str()),
            ];
            (labels.to_vec(), 1)
        }),
    )?;
    page.family(
        "preflight_checks",
        "Checks by outcome.",
        [
            ("pass", summary.pass),
            ("fail", summary.fail),
            ("unknown", summary.unknown),
            ("not-applicable", summary.not_applicable),
            ("waived", summary.waived),
        ]
        .into_iter()
        .map(|(outcome, count)| (vec![("outcome", outcome)], to_i64(count))),
    )?;
    let targets = group_by_target(report);
    for (name, help, class) in [
        ("preflight_target_blockers", "Checks of a target that failed and block.", Status::Blocker),
        ("preflight_target_unknown", "Checks of a target that are undecided.", Status::Unknown),
        ("preflight_target_warnings", "Checks of a target that warn.", Status::Warning),
    ] {
        let samples = targets.iter().map(|(target, results)| {
            let count =
                results.iter().filter(|result| Status::from_result(result) == class).count();
            (vec![("target", *target)], to_i64(count))
        });
        page.family(name, help, samples)?;
    }
    let single = [
        ("preflight_not_asked", "Checks that were not run.", to_i64(report.not_asked.len())),
        (
            "preflight_exit_status",
            "0 nothing blocks, 1 blocked, 2 nothing was checked, 3 undecided.",
            summary.exit_code.into(),
        ),
        (
            "preflight_run_complete",
            "Whether nothing interrupted the run.",
            report.run.complete.into(),
        ),
    ];
    for (name, help, value) in single {
        page.family(name, help, [(Vec::new(), value)])?;
    }
    if let Ok(at) = report.run.at.parse::<jiff::Timestamp>() {
        let help = "When the facts were checked, in seconds since 1970.";
        page.family("preflight_run_timestamp_seconds", help, [(Vec::new(), at.as_second())])?;
    }
    let version = vec![("version", report.tool.version.as_str())];
    page.family("preflight_build_info", "The program that checked; always 1.", [(version, 1)])
}

struct Page<'o> {
    out: &'o mut dyn io::Write,
}

impl Page<'_> {
    /// One metric with its samples; a sample that is there twice would cost the whole file.
    fn family<'l>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Vec<(&'l str, &'l str)>, i64)>,
    ) -> io::Result<()> {
        let mut seen = BTreeSet::new();
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escape(text))).collect();
            let labels = match labels.as_slice() {
                [] => String::new(),
                labels => format!("{{{}}}", labels.join(",")),
            };
            if seen.contains(&labels) {
                continue;
            }
            if seen.is_empty() {
                writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} gauge")?;
            }
            writeln!(self.out, "{name}{labels} {value}")?;
            seen.insert(labels);
        }
        Ok(())
    }
}

/// A label's value: what acts on terminals spelt out first, then the format's own escapes.
fn escape(text: &str) -> String {
    make_visible(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn to_i64(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::definition::Severity;
    use crate::check::engine::Outcome;
    use crate::report::model::tests::{every_outcome, report};

    fn text(report: &Report) -> String {
        String::from_utf8(
            crate::report::format("prometheus").unwrap().render(report, &Style::default()),
        )
        .unwrap()
    }

    #[test]
    fn every_metric_is_helped_and_typed() {
        insta::assert_snapshot!(text(&every_outcome()), @r#"
        # HELP preflight_check_status The outcome of one check on one target, as labels; always 1.
        # TYPE preflight_check_status gauge
        preflight_check_status{check="a.pass",target="mt1",kind="linux-mt",severity="data-loss",outcome="pass"} 1
        preflight_check_status{check="a.blocker",target="mt1",kind="linux-mt",severity="blocks-reprotect",outcome="fail"} 1
        preflight_check_status{check="a.warning",target="mt1",kind="linux-mt",severity="warning",outcome="fail"} 1
        preflight_check_status{check="a.info",target="mt1",kind="linux-mt",severity="info",outcome="fail"} 1
        preflight_check_status{check="a.unknown",target="mt2",kind="linux-mt",severity="blocks-failback",outcome="unknown"} 1
        preflight_check_status{check="a.na",target="mt2",kind="linux-mt",severity="warning",outcome="not-applicable"} 1
        preflight_check_status{check="a.waived",target="mt2",kind="linux-mt",severity="blocks-reprotect",outcome="waived"} 1
        # HELP preflight_checks Checks by outcome.
        # TYPE preflight_checks gauge
        preflight_checks{outcome="pass"} 1
        preflight_checks{outcome="fail"} 3
        preflight_checks{outcome="unknown"} 1
        preflight_checks{outcome="not-applicable"} 1
        preflight_checks{outcome="waived"} 1
        # HELP preflight_target_blockers Checks of a target that failed and block.
        # TYPE preflight_target_blockers gauge
        preflight_target_blockers{target="mt1"} 1
        preflight_target_blockers{target="mt2"} 0
        # HELP preflight_target_unknown Checks of a target that are undecided.
        # TYPE preflight_target_unknown gauge
        preflight_target_unknown{target="mt1"} 0
        preflight_target_unknown{target="mt2"} 1
        # HELP preflight_target_warnings Checks of a target that warn.
        # TYPE preflight_target_warnings gauge
        preflight_target_warnings{target="mt1"} 2
        preflight_target_warnings{target="mt2"} 0
        # HELP preflight_not_asked Checks that were not run.
        # TYPE preflight_not_asked gauge
        preflight_not_asked 1
        # HELP preflight_exit_status 0 nothing blocks, 1 blocked, 2 nothing was checked, 3 undecided.
        # TYPE preflight_exit_status gauge
        preflight_exit_status 1
        # HELP preflight_run_complete Whether nothing interrupted the run.
        # TYPE preflight_run_complete gauge
        preflight_run_complete 1
        # HELP preflight_run_timestamp_seconds When the facts were checked, in seconds since 1970.
        # TYPE preflight_run_timestamp_seconds gauge
        preflight_run_timestamp_seconds 1795143600
        # HELP preflight_build_info The program that checked; always 1.
        # TYPE preflight_build_info gauge
        preflight_build_info{version="1.2.3"} 1
        "#);
    }

    #[test]
    fn labels_are_escaped_and_no_sample_is_there_twice() {
        let twice = ("a\"b\\c\nd\u{1b}", Outcome::Pass, Severity::Info);
        let text = text(&report(&[twice.clone(), twice]));
        let samples: Vec<&str> =
            text.lines().filter(|line| line.starts_with("preflight_check_status{")).collect();
        assert_eq!(
            samples,
            [
                r#"preflight_check_status{check="a.b",target="a\"b\\c\\nd\\u{1b}",kind="linux-mt",severity="info",outcome="pass"} 1"#
            ]
        );
    }
}
