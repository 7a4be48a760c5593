//! The report for build servers: JUnit's XML, one suite for each target.
//!
//! A failure's type is its severity, so that a server can tell blockers from warnings; what could
//! not be decided is an error, what has no meaning or is waived is skipped. Not for timings: a
//! check has none.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::layout::{make_visible, single_line};
use super::model::{CheckResult, Report};
use super::outline::{Status, group_by_target};
use super::style::Style;
use crate::check::finding::OutcomeKind;

/// Renders the report as JUnit's XML.
pub fn render(report: &Report, _: &Style) -> Vec<u8> {
    let mut suites = quick_junit::Report::new(report.tool.name.as_str());
    for (target, results) in group_by_target(report) {
        suites.add_test_suite(suite(report, target, &results));
    }
    let mut out = Vec::new();
    suites.serialize(&mut out).expect("writing to memory does not fail");
    out
}

fn suite(report: &Report, target: &str, results: &[&CheckResult]) -> TestSuite {
    let mut suite = TestSuite::new(make_visible(target));
    suite.extra.insert("timestamp".into(), make_visible(&report.run.at).into());
    if let Some(known) = report.targets.iter().find(|known| known.name == target) {
        suite.add_property(("kind", known.kind.as_str()));
    }
    suite.add_property(("preflight", report.tool.version.as_str()));
    suite.add_property(("complete", if report.run.complete { "true" } else { "false" }));
    for result in results {
        let mut case = TestCase::new(make_visible(&result.check), status(result));
        case.set_classname(make_visible(target));
        suite.add_test_case(case);
    }
    suite
}

fn status(result: &CheckResult) -> TestCaseStatus {
    let found = make_visible(&result.found);
    match result.outcome {
        OutcomeKind::Pass => TestCaseStatus::success(),
        OutcomeKind::Fail | OutcomeKind::Unknown => {
            let kind = match result.outcome {
                OutcomeKind::Fail => NonSuccessKind::Failure,
                _ => NonSuccessKind::Error,
            };
            let message = match Status::from_result(result) {
                Status::Warning => format!("{}: {found}", result.severity),
                _ => found,
            };
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(message).set_type(result.severity.as_str());
            status.set_description(description(result));
            status
        }
        OutcomeKind::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(found).set_type("not-applicable");
            status
        }
        OutcomeKind::Waived => {
            let waiver = result.waiver.as_ref();
            let why = waiver.map(|waiver| format!(": {waiver}"));
            let mut status = TestCaseStatus::skipped();
            status.set_message(make_visible(&format!("waived{}", why.unwrap_or_default())));
            status.set_type("waived").set_description(description(result));
            status
        }
    }
}

/// Everything there is to say, one line each, for whoever opens the failure.
fn description(result: &CheckResult) -> String {
    let mut lines = vec![format!("should: {}", make_visible(&result.title))];
    let what = if result.outcome == OutcomeKind::Unknown { "unknown" } else { "found" };
    lines.push(format!("{what}: {}", make_visible(&result.found)));
    if result.outcome == OutcomeKind::Fail {
        lines.push(format!("shows as: {}", single_line(&result.symptom)));
        let downtime = if result.remedy.downtime { " This needs downtime." } else { "" };
        lines.push(format!("do: {}{downtime}", single_line(&result.remedy.text)));
        lines.extend(
            result.remedy.commands.iter().map(|line| format!("  $ {}", make_visible(line))),
        );
    }
    lines.push(format!("source: {}, {}", result.source.doc, make_visible(&result.source.at)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::definition::Severity;
    use crate::check::engine::Outcome;
    use crate::report::model::tests::{every_outcome, report};

    fn xml(report: &Report) -> String {
        String::from_utf8(render(report, &Style::default())).unwrap()
    }

    #[test]
    fn each_outcome_has_its_element() {
        insta::assert_snapshot!(xml(&every_outcome()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="preflight" tests="7" skipped="2" failures="3" errors="1">
            <testsuite name="mt1" tests="4" skipped="0" errors="0" failures="3" timestamp="2026-11-20T03:00:00Z">
                <properties>
                    <property name="kind" value="linux-mt"/>
                    <property name="preflight" value="1.2.3"/>
                    <property name="complete" value="true"/>
                </properties>
                <testcase name="a.pass" classname="mt1"/>
                <testcase name="a.blocker" classname="mt1">
                    <failure message="/mnt/retention is vfat" type="blocks-reprotect">should: it holds
        found: /mnt/retention is vfat
        shows as: symptom
        do: Fix it. This needs downtime.
          $ mkfs.ext4 /dev/DEVICE
        source: field, a</failure>
                </testcase>
                <testcase name="a.warning" classname="mt1">
                    <failure message="warning: found" type="warning">should: it holds
        found: found
        shows as: symptom
        do: Fix it.
        source: field, a</failure>
                </testcase>
                <testcase name="a.info" classname="mt1">
                    <failure message="info: found" type="info">should: it holds
        found: found
        shows as: symptom
        do: Fix it.
        source: field, a</failure>
                </testcase>
            </testsuite>
            <testsuite name="mt2" tests="3" skipped="2" errors="1" failures="0" timestamp="2026-11-20T03:00:00Z">
                <properties>
                    <property name="kind" value="linux-mt"/>
                    <property name="preflight" value="1.2.3"/>
                    <property name="complete" value="true"/>
                </properties>
                <testcase name="a.unknown" classname="mt2">
                    <error message="found" type="blocks-failback">should: it holds
        unknown: found
        source: field, a</error>
                </testcase>
                <testcase name="a.na" classname="mt2">
                    <skipped message="found" type="not-applicable"/>
                </testcase>
                <testcase name="a.waived" classname="mt2">
                    <skipped message="waived: a lab (ann, until 2026-12-31)" type="waived">should: it holds
        found: found
        source: field, a</skipped>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        let mut report = report(&[("mt1", Outcome::Fail, Severity::Warning)]);
        report.results[0].found = "\u{1b}[31m\u{0}<&>\"\u{fffe}\u{ffff}\nx]]>".to_owned();
        let xml = xml(&report);
        let read = quick_junit::Report::deserialize_from_str(&xml).unwrap();
        let TestCaseStatus::NonSuccess { message, .. } = &read.test_suites[0].test_cases[0].status
        else {
            panic!("{xml}");
        };
        assert_eq!(
            message.as_deref().unwrap(),
            "warning: \\u{1b}[31m\\u{0}<&>\"\\u{fffe}\\u{ffff}\\nx]]>"
        );
    }
}
