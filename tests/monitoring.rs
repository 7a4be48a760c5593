//! What monitoring reads: Prometheus' own tool takes the metrics and the alert rules, and each alert fires for what it is for.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

mod findings;
mod program;

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use findings::{hostile_report, mixed_report};
use preflight::report::{self, Report, Style};
use program::installed;

const RULES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/prometheus/preflight.rules.yml");

fn metrics(report: &Report) -> String {
    let format = report::format("prometheus").unwrap();
    String::from_utf8(format.render(report, &Style::default())).unwrap()
}

#[test]
fn promtool_takes_the_metrics_and_finds_nothing_to_mend() {
    if !installed(&["promtool"]) {
        return;
    }
    for report in [mixed_report(), hostile_report()] {
        let mut child = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(metrics(&report).as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
        assert_eq!(String::from_utf8_lossy(&told), "");
    }
}

#[test]
fn promtool_takes_the_alert_rules() {
    if !installed(&["promtool"]) {
        return;
    }
    let output = Command::new("promtool").args(["check", "rules", RULES]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The metrics of a report, constant for a day, through the rules: which alerts are there at its end.
#[test]
fn each_alert_fires_for_what_it_is_for() {
    if !installed(&["promtool"]) {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut interrupted = mixed_report();
    interrupted.run.complete = false;
    for (report, minutes, alerts) in [
        (
            mixed_report(),
            240,
            [("FailbackBlocked", 2), ("FailbackUndecided", 1), ("FailbackCheckIncomplete", 0)],
        ),
        (
            mixed_report(),
            60,
            [("FailbackBlocked", 2), ("FailbackUndecided", 0), ("FailbackCheckIncomplete", 0)],
        ),
        (
            interrupted,
            60,
            [("FailbackBlocked", 2), ("FailbackUndecided", 0), ("FailbackCheckIncomplete", 1)],
        ),
    ] {
        let series: String = metrics(&report)
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let series = series.replace('\'', "''");
                format!("      - series: '{series}'\n        values: '{value}x{minutes}'\n")
            })
            .collect();
        let expected: String = alerts
            .iter()
            .map(|(alert, count)| {
                // How many fire, whatever their labels.
                let samples = match count {
                    0 => "[]".to_owned(),
                    count => format!("[{{ labels: '{{}}', value: {count} }}]"),
                };
                format!(
                    "      - expr: count(ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"}})\n        \
                     eval_time: {minutes}m\n        exp_samples: {samples}\n"
                )
            })
            .collect();
        let test = format!(
            "rule_files: [{RULES}]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n{series}    promql_expr_test:\n{expected}"
        );
        let path = directory.path().join("test.yml");
        fs::write(&path, test).unwrap();
        let output = Command::new("promtool").args(["test", "rules"]).arg(&path).output().unwrap();
        let told = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
    }
}
