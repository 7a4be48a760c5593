//! What the report for people says of findings made for it.

use super::*;
use crate::check::definition::Severity;
use crate::check::engine::{Finding, Outcome, Target};
use crate::check::finding::{EarlierFix, OutcomeKind};
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
        target: target.into(),
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
fn what_another_failure_explains_is_a_line_there() {
    let on = |check: &str, target: &str, cause: Option<&str>| Finding {
        check: check.into(),
        target: target.into(),
        explained_by: cause
            .map(|check| EarlierFix {
                check: check.into(),
                target: target.into(),
                outcome: OutcomeKind::Fail,
            })
            .into_iter()
            .collect(),
        ..finding(Outcome::Fail, Severity::BlocksReprotect)
    };
    // The last explains the first through the second; what a missing finding explains stands for itself.
    let report = report(
        &["a", "b"],
        &[
            on("c.first", "a", Some("c.second")),
            on("c.second", "a", Some("c.last")),
            on("c.last", "a", None),
            on("c.first", "b", Some("c.absent")),
        ],
    );
    let text = text(&report);
    let headings = text.lines().filter(|line| line.starts_with("FAIL"));
    assert_eq!(
        headings.collect::<Vec<_>>(),
        ["FAIL  c.last on a (blocks-reprotect)", "FAIL  c.first on b (blocks-reprotect)"]
    );
    assert!(
        text.contains("explains c.first on a: ") && text.contains(" c.second on a: "),
        "{text}"
    );
}

#[test]
fn what_passes_on_many_targets_is_counted_and_not_listed() {
    let names = ["a", "b", "c", "d"];
    let findings: Vec<Finding> = names
        .iter()
        .map(|name| Finding { target: (*name).into(), ..finding(Outcome::Pass, Severity::Warning) })
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
                check: format!("check.number-{number}").into(),
                target: target.into(),
                found: reason.into(),
                ..finding(unknown(reason), Severity::BlocksReprotect)
            });
        }
    }
    findings.push(Finding { target: "c.iso".into(), ..finding(Outcome::Pass, Severity::Warning) });
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
