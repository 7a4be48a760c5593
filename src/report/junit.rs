//! The report for build servers: JUnit's XML, one suite for each target.
//!
//! The file keeps to the two schemas there are, the one of Jenkins' xUnit plugin and the one of Ant that GitLab and others read
//! after (`tests/findings/`), so only what both allow is used: no attributes of `testsuites`, one element in a `testcase`.
//! A blocker is a failure, and an error where it could not be decided. A warning is no failure: it is told in the
//! suite's output. What has no meaning, is waived, or is a warning that could not be decided, is skipped. Not for timings: a check
//! takes no time of its own, and a report is the same whether a host or its capture was evaluated.

use std::io;

use quick_xml::Writer;
use quick_xml::events::BytesText;

use super::layout::{make_visible, single_line};
use super::model::{CheckResult, Report};
use super::outline::{Status, group_by_target};
use super::style::Style;
use crate::check::finding::OutcomeKind;

/// The time of everything, which the schemas require.
const NO_TIME: &str = "0.000";

/// The XML as it grows.
type Xml<'o> = Writer<&'o mut dyn io::Write>;

/// Writes the report as JUnit's XML.
///
/// # Errors
///
/// Fails when the output does.
pub fn write(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
    let mut xml = Writer::new_with_indent(out, b' ', 4);
    write_suites(&mut xml, report)?;
    xml.into_inner().write_all(b"\n")
}

fn write_suites(xml: &mut Xml<'_>, report: &Report) -> io::Result<()> {
    xml.create_element("testsuites").write_inner_content(|xml| {
        let mut suites = group_by_target(report).into_iter().enumerate();
        suites
            .try_for_each(|(id, (target, results))| write_suite(xml, report, id, target, &results))
    })?;
    Ok(())
}

fn write_suite(
    xml: &mut Xml<'_>,
    report: &Report,
    id: usize,
    target: &str,
    results: &[&CheckResult],
) -> io::Result<()> {
    let kind = report.targets.iter().find(|known| known.name == target).map(|known| known.kind);
    let kind = kind.map_or("target", |kind| kind.as_str());
    let cases: Vec<(&CheckResult, CaseOutcome)> =
        results.iter().map(|result| (*result, CaseOutcome::from_result(result))).collect();
    let count = |element: CaseOutcome| {
        cases.iter().filter(|(_, outcome)| *outcome == element).count().to_string()
    };
    let name = make_visible(target);
    let attributes = [
        ("id", id.to_string()),
        ("name", name.clone()),
        ("package", kind.to_owned()),
        ("hostname", name.clone()),
        ("timestamp", local_time(&report.run.at)),
        ("tests", cases.len().to_string()),
        ("failures", count(CaseOutcome::Failure)),
        ("errors", count(CaseOutcome::Error)),
        ("skipped", count(CaseOutcome::Skipped)),
        ("time", NO_TIME.to_owned()),
    ];
    let attributes = attributes.iter().map(|(key, value)| (*key, value.as_str()));
    xml.create_element("testsuite").with_attributes(attributes).write_inner_content(|xml| {
        write_properties(xml, report, kind)?;
        for (result, outcome) in &cases {
            write_case(xml, &name, result, *outcome)?;
        }
        let warnings =
            results.iter().filter(|result| Status::from_result(result) == Status::Warning);
        let warnings: Vec<String> = warnings.map(|result| warning(result)).collect();
        match warnings.as_slice() {
            [] => xml.create_element("system-out").write_empty()?,
            told => xml
                .create_element("system-out")
                .write_text_content(BytesText::new(&format!("{}\n", told.join("\n\n"))))?,
        };
        xml.create_element("system-err").write_empty()?;
        Ok(())
    })?;
    Ok(())
}

fn write_properties(xml: &mut Xml<'_>, report: &Report, kind: &str) -> io::Result<()> {
    let properties = [
        ("kind", kind),
        ("preflight", report.tool.version.as_str()),
        ("complete", if report.run.complete { "true" } else { "false" }),
    ];
    xml.create_element("properties").write_inner_content(|xml| {
        for property in properties {
            let attributes = [("name", property.0), ("value", property.1)];
            xml.create_element("property").with_attributes(attributes).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn write_case(
    xml: &mut Xml<'_>,
    target: &str,
    result: &CheckResult,
    outcome: CaseOutcome,
) -> io::Result<()> {
    let name = make_visible(&result.check);
    let attributes = [("name", name.as_str()), ("classname", target), ("time", NO_TIME)];
    let case = xml.create_element("testcase").with_attributes(attributes);
    let severity = result.severity.as_str();
    let (element, message, severity) = match outcome {
        CaseOutcome::Success => return case.write_empty().map(drop),
        CaseOutcome::Failure => ("failure", make_visible(&result.found), Some(severity)),
        CaseOutcome::Error => ("error", make_visible(&result.found), Some(severity)),
        CaseOutcome::Skipped => ("skipped", skip_reason(result), None),
    };
    case.write_inner_content(|xml| {
        let element = xml.create_element(element).with_attribute(("message", message.as_str()));
        let element = match severity {
            Some(severity) => element.with_attribute(("type", severity)),
            None => element,
        };
        match result.outcome {
            OutcomeKind::NotApplicable => element.write_empty()?,
            _ => element.write_text_content(BytesText::new(&description(result)))?,
        };
        Ok(())
    })?;
    Ok(())
}

/// What a check on a target is to a build server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CaseOutcome {
    Success,
    Failure,
    Error,
    Skipped,
}

impl CaseOutcome {
    fn from_result(result: &CheckResult) -> Self {
        match Status::from_result(result) {
            Status::Blocker => Self::Failure,
            Status::Unknown if result.severity.is_blocker() => Self::Error,
            Status::Pass | Status::Warning => Self::Success,
            Status::Unknown | Status::NotApplicable | Status::Waived => Self::Skipped,
        }
    }
}

fn skip_reason(result: &CheckResult) -> String {
    let text = match result.outcome {
        OutcomeKind::Waived => {
            let why = result.waiver.as_ref().map(|waiver| format!(": {waiver}"));
            format!("waived{}", why.unwrap_or_default())
        }
        OutcomeKind::Unknown => format!("{}, undecided: {}", result.severity, result.found),
        _ => result.found.to_string(),
    };
    make_visible(&text)
}

/// A warning as the suite's output has it.
fn warning(result: &CheckResult) -> String {
    let check = make_visible(&result.check);
    format!("{}: {check}\n{}", result.severity, description(result))
}

/// The moment as the schema wants it: without fractions and zone, in UTC.
fn local_time(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        Err(_) => make_visible(at),
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
        String::from_utf8(crate::report::format("junit").unwrap().render(report, &Style::default()))
            .unwrap()
    }

    #[test]
    fn each_outcome_has_its_element() {
        insta::assert_snapshot!(xml(&every_outcome()), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
            <testsuite id="0" name="mt1" package="linux-mt" hostname="mt1" timestamp="2026-11-20T03:00:00" tests="4" failures="1" errors="0" skipped="0" time="0.000">
                <properties>
                    <property name="kind" value="linux-mt"/>
                    <property name="preflight" value="1.2.3"/>
                    <property name="complete" value="true"/>
                </properties>
                <testcase name="a.pass" classname="mt1" time="0.000"/>
                <testcase name="a.blocker" classname="mt1" time="0.000">
                    <failure message="/mnt/retention is vfat" type="blocks-reprotect">should: it holds
        found: /mnt/retention is vfat
        shows as: symptom
        do: Fix it. This needs downtime.
          $ mkfs.ext4 /dev/DEVICE
        source: field, a</failure>
                </testcase>
                <testcase name="a.warning" classname="mt1" time="0.000"/>
                <testcase name="a.info" classname="mt1" time="0.000"/>
                <system-out>warning: a.warning
        should: it holds
        found: found
        shows as: symptom
        do: Fix it.
        source: field, a

        info: a.info
        should: it holds
        found: found
        shows as: symptom
        do: Fix it.
        source: field, a
        </system-out>
                <system-err/>
            </testsuite>
            <testsuite id="1" name="mt2" package="linux-mt" hostname="mt2" timestamp="2026-11-20T03:00:00" tests="3" failures="0" errors="1" skipped="2" time="0.000">
                <properties>
                    <property name="kind" value="linux-mt"/>
                    <property name="preflight" value="1.2.3"/>
                    <property name="complete" value="true"/>
                </properties>
                <testcase name="a.unknown" classname="mt2" time="0.000">
                    <error message="found" type="blocks-failback">should: it holds
        unknown: found
        source: field, a</error>
                </testcase>
                <testcase name="a.na" classname="mt2" time="0.000">
                    <skipped message="found"/>
                </testcase>
                <testcase name="a.waived" classname="mt2" time="0.000">
                    <skipped message="waived: a lab (ann, until 2026-12-31)">should: it holds
        found: found
        source: field, a</skipped>
                </testcase>
                <system-out/>
                <system-err/>
            </testsuite>
        </testsuites>
        "#);
    }

    #[test]
    fn a_warning_is_no_failure_and_what_only_warns_is_no_error() {
        let unknown = crate::check::status::tests::unknown("no answer");
        for (outcome, severity, counts) in [
            (Outcome::Fail, Severity::BlocksFailback, "failures=\"1\" errors=\"0\" skipped=\"0\""),
            (Outcome::Fail, Severity::Warning, "failures=\"0\" errors=\"0\" skipped=\"0\""),
            (Outcome::Fail, Severity::Info, "failures=\"0\" errors=\"0\" skipped=\"0\""),
            (unknown.clone(), Severity::DataLoss, "failures=\"0\" errors=\"1\" skipped=\"0\""),
            (unknown, Severity::Warning, "failures=\"0\" errors=\"0\" skipped=\"1\""),
        ] {
            let xml = xml(&report(&[("mt1", outcome, severity)]));
            assert!(xml.contains(counts), "{severity}: {xml}");
        }
    }

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        let mut report = report(&[("mt1", Outcome::Fail, Severity::DataLoss)]);
        report.results[0].found = "\u{1b}[31m\u{0}<&>\"\u{fffe}\u{ffff}\nx]]>".into();
        let xml = xml(&report);
        let shown = "message=\"\\u{1b}[31m\\u{0}&lt;&amp;&gt;&quot;\\u{fffe}\\u{ffff}\\nx]]&gt;\"";
        assert!(xml.contains(shown), "{xml}");
    }
}
