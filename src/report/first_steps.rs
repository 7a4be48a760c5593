//! What to do first: the few lines that answer "what now?".
//!
//! Taken from the findings in working order, without what waits for another fix or another stage and without what another
//! failure explains. Not for the details of a finding (`outline`).

use std::collections::BTreeSet;

use super::layout::{first_sentence, single_line, truncate};
use super::model::{CheckResult, Report};
use super::outline::Status;
use crate::check::finding::{EarlierFix, OutcomeKind};
use crate::check::severity::Severity;
use crate::check::unknown::UnknownCause;
use crate::facts::stage::{EvidenceSource, MachineStage};

/// How many lines there are at most.
const MAX_STEPS: usize = 7;

/// How many questions of gates stand before what blocks.
const MAX_GATE_QUESTIONS: usize = 3;

/// How soon a finding is worth a line; what loses data comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// Data is being lost.
    Urgent,
    /// The stage of a machine, on which everything depends.
    Stage,
    /// A gate that fails or is not known.
    Gate,
    /// What blocks.
    Blocker,
    /// What would block if it does not hold.
    UnknownBlocker,
    /// What blocks, when something else is done.
    LaterBlocker,
    /// What is worth doing.
    Warning,
}

/// How much of a text one line shows.
const MAX_TEXT: usize = 160;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FirstStep {
    /// Where: a target, or how many.
    pub target: String,
    /// The first of these targets.
    pub first_target: String,
    /// What to do, or what to find out.
    pub what: String,
    /// The check.
    pub check: String,
}

/// Returns what to do first, in working order.
pub(super) fn first_steps(report: &Report) -> Vec<FirstStep> {
    let mut open: Vec<(Turn, &CheckResult)> =
        report.results.iter().filter_map(|result| Some((turn(result)?, result))).collect();
    advance_what_waits_for_the_unknown(&mut open);
    advance_what_blocks_waits_for(&mut open);
    open.sort_by_key(|(turn, result)| (*turn, result.order));
    postpone_questions(&mut open);
    let mut steps: Vec<FirstStep> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (_, result) in &open {
        let key = step_key(result);
        if !seen.insert(key.clone()) {
            continue;
        }
        let same: BTreeSet<&str> = open
            .iter()
            .filter(|(_, other)| step_key(other) == key)
            .map(|(_, other)| other.target.as_str())
            .collect();
        let target = match (result.cause(), same.len()) {
            // It is the machine that has a stage, whatever depends on it.
            (Some(UnknownCause::Stage { machine, .. }), _) => machine.clone(),
            (_, 0 | 1) => result.target.to_string(),
            (_, many) => format!("{} and {} more", result.target, many - 1),
        };
        steps.push(FirstStep {
            target,
            first_target: result.target.to_string(),
            what: what_to_do(result),
            check: result.check.to_string(),
        });
        if steps.len() == MAX_STEPS {
            break;
        }
    }
    steps
}

/// Leaves a few questions of gates before everything else, and puts the others behind what blocks, so that both are seen.
fn postpone_questions(open: &mut [(Turn, &CheckResult)]) {
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for (turn, result) in open.iter_mut() {
        let is_question = *turn == Turn::Gate && Status::from_result(result) == Status::Unknown;
        if is_question {
            asked.insert(&result.check);
            if asked.len() > MAX_GATE_QUESTIONS {
                *turn = Turn::UnknownBlocker;
            }
        }
    }
    open.sort_by_key(|(turn, result)| (*turn, result.order));
}

/// Lets what blocks stand where it belongs when it waits for nothing but what is not known, and with it what it waits for:
/// a failure that was seen is not hidden by questions about other things.
fn advance_what_waits_for_the_unknown(open: &mut [(Turn, &CheckResult)]) {
    let mut awaited: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (turn, result) in open.iter_mut().filter(|(turn, _)| *turn == Turn::LaterBlocker) {
        let is_unknown = |fix: &EarlierFix| fix.outcome == OutcomeKind::Unknown;
        if result.held.is_none() && result.after.iter().all(is_unknown) {
            *turn = Turn::Blocker;
            awaited
                .extend(result.after.iter().map(|fix| (fix.check.as_str(), fix.target.as_str())));
        }
    }
    for (turn, result) in open.iter_mut().filter(|(turn, _)| *turn == Turn::UnknownBlocker) {
        if awaited.contains(&(result.check.as_str(), result.target.as_str())) {
            *turn = Turn::Blocker;
        }
    }
}

/// Lets a warning stand among what blocks when something that blocks waits for it.
fn advance_what_blocks_waits_for(open: &mut [(Turn, &CheckResult)]) {
    let awaited: BTreeSet<(&str, &str)> = open
        .iter()
        .filter(|(turn, _)| *turn == Turn::LaterBlocker)
        .flat_map(|(_, result)| &result.after)
        .map(|fix| (fix.check.as_str(), fix.target.as_str()))
        .collect();
    for (turn, result) in open.iter_mut().filter(|(turn, _)| *turn == Turn::Warning) {
        if awaited.contains(&(result.check.as_str(), result.target.as_str())) {
            *turn = Turn::Blocker;
        }
    }
}

/// What makes two findings one thing to do: the same check, or one reason for which many are not known.
fn step_key(result: &CheckResult) -> String {
    match result.cause() {
        Some(UnknownCause::Stage { machine, .. }) => format!("stage {machine}"),
        Some(cause @ UnknownCause::Absent(..)) => format!("because {}", cause.reason()),
        _ => format!("{} {}", result.check, result.outcome.as_str()),
    }
}

/// How soon a finding is worth a line; none when it is worth none.
fn turn(result: &CheckResult) -> Option<Turn> {
    let waits = !result.after.is_empty() || result.held.is_some();
    let status = Status::from_result(result);
    match status {
        _ if result.is_urgent => Some(Turn::Urgent),
        Status::Unknown if matches!(result.cause(), Some(UnknownCause::Stage { .. })) => {
            Some(Turn::Stage)
        }
        // What another failure explains is over, or known, once that one is fixed.
        _ if !result.explained_by.is_empty() => None,
        Status::Blocker if result.is_gate && !waits => Some(Turn::Gate),
        Status::Unknown if result.is_gate && result.severity.is_blocker() => Some(Turn::Gate),
        Status::Blocker if !waits => Some(Turn::Blocker),
        // Nothing is done to a master target that does not stay.
        Status::Blocker if result.held.is_some() || !result.is_moot => Some(Turn::LaterBlocker),
        Status::Unknown if result.severity.is_blocker() => Some(Turn::UnknownBlocker),
        Status::Warning if !waits && result.severity < Severity::Info => Some(Turn::Warning),
        _ => None,
    }
}

/// The first sentence of a remedy, or what has to be found out.
fn what_to_do(result: &CheckResult) -> String {
    let text = match result.cause() {
        Some(
            UnknownCause::Unanswered(question)
            | UnknownCause::NotShown { question, .. }
            | UnknownCause::OldAnswer { question, .. },
        ) => {
            format!("answer: {question}")
        }
        Some(UnknownCause::Stage { machine, note }) => {
            format!("say the stage of {machine}: {note}")
        }
        Some(UnknownCause::Absent(_, reason)) => {
            format!("find out, for it is not known: {reason}")
        }
        Some(cause) => format!("find out: {cause}"),
        None => first_sentence(&single_line(&result.remedy.text)),
    };
    truncate(&single_line(&text), MAX_TEXT)
}

/// Returns the stages as lines: machines at one stage for the same reason share one.
pub(super) fn stage_lines(stages: &[MachineStage]) -> Vec<String> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for machine in stages {
        let words = stage_words(machine);
        match groups.iter_mut().find(|(known, _)| *known == words) {
            Some((_, machines)) => machines.push(&machine.machine),
            None => groups.push((words, vec![&machine.machine])),
        }
    }
    let line = |(words, machines): (String, Vec<&str>)| match machines.as_slice() {
        [one] => format!("{one}: {words}"),
        [first, second] => format!("{first}, {second}: {words}"),
        [first, .., last] => format!("{first} to {last} ({} machines): {words}", machines.len()),
        [] => words,
    };
    groups.into_iter().map(line).collect()
}

fn stage_words(machine: &MachineStage) -> String {
    let note = if machine.note.is_empty() { String::new() } else { format!("; {}", machine.note) };
    match (machine.stage, machine.source) {
        (Some(stage), Some(EvidenceSource::Assumed)) => {
            format!(
                "{stage} is assumed, for nothing says at which stage it is (stage: in the site file, or --stage)"
            )
        }
        (Some(stage), Some(source)) => {
            let says = machine.evidence.iter().find(|evidence| evidence.source == source);
            let says =
                says.filter(|_| source < EvidenceSource::Person && source > EvidenceSource::Option);
            let how = says.map_or_else(
                || format!("says {}", source.as_str()),
                |says| format!("{}: {}", source.as_str(), says.says),
            );
            format!("{stage} ({how}){note}")
        }
        _ => format!("the stage is not known{note}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use std::sync::Arc;

    use super::*;
    use crate::check::engine::Outcome;
    use crate::check::unknown::Unknown;
    use crate::report::model::tests::report;

    #[test]
    fn what_loses_data_comes_first_and_what_waits_comes_last() {
        let (blocks, loses) = (Severity::BlocksReprotect, Severity::DataLoss);
        let mut report = report(&[
            ("mt1", Outcome::Fail, blocks),
            ("mt1", Outcome::Fail, Severity::Warning),
            ("mt1", Outcome::Fail, blocks),
            ("mt1", Outcome::Fail, blocks),
            ("mt1", Outcome::Fail, Severity::Info),
            ("mt1", Outcome::Fail, Severity::Warning),
            ("app-01", Outcome::Fail, loses),
        ]);
        for (order, result) in report.results.iter_mut().enumerate() {
            result.check = format!("check.{order}").into();
            result.order = order;
        }
        let fix = |check: &str| EarlierFix {
            check: check.into(),
            target: "mt1".into(),
            outcome: OutcomeKind::Fail,
        };
        // One that blocks waits for a warning, one for a master target that goes, one for a stage.
        report.results[2].after = vec![fix("check.1")];
        report.results[3].after = vec![fix("check.0")];
        report.results[3].is_moot = true;
        report.results[0].held = Some("later".into());
        report.results[6].is_urgent = true;
        let steps = first_steps(&report);
        let checks: Vec<&str> = steps.iter().map(|step| step.check.as_str()).collect();
        assert_eq!(checks, ["check.6", "check.1", "check.0", "check.2", "check.5"]);
    }

    #[test]
    fn a_failure_that_waits_for_the_unknown_is_not_hidden_by_questions() {
        let question = UnknownCause::Unanswered("Is it?".to_owned());
        let unanswered = Outcome::Unknown(Arc::new(Unknown::from(question)));
        let blocks = Severity::BlocksReprotect;
        let mut findings: Vec<(&str, Outcome, Severity)> =
            (0..8).map(|_| ("mt1", unanswered.clone(), blocks)).collect();
        findings.push(("mt1", Outcome::Fail, blocks));
        findings.push(("mt1", Outcome::Fail, blocks));
        let mut report = report(&findings);
        for (order, result) in report.results.iter_mut().enumerate() {
            result.check = format!("check.{order}").into();
            result.order = order;
        }
        let fix = |check: &str, outcome: OutcomeKind| EarlierFix {
            check: check.into(),
            target: "mt1".into(),
            outcome,
        };
        report.results[8].after = vec![fix("check.5", OutcomeKind::Unknown)];
        // This one waits for a failure as well.
        report.results[9].after =
            vec![fix("check.5", OutcomeKind::Unknown), fix("check.8", OutcomeKind::Fail)];
        let steps = first_steps(&report);
        let checks: Vec<&str> = steps.iter().map(|step| step.check.as_str()).collect();
        assert_eq!(
            checks,
            ["check.5", "check.8", "check.0", "check.1", "check.2", "check.3", "check.4"]
        );
    }

    #[test]
    fn a_stage_that_is_not_known_is_the_machines() {
        let stage = UnknownCause::Stage { machine: "app-01".to_owned(), note: "n".to_owned() };
        let unknown = Outcome::Unknown(Arc::new(Unknown::from(stage)));
        let report = report(&[
            ("mt1", unknown.clone(), Severity::BlocksReprotect),
            ("app-01", unknown, Severity::DataLoss),
        ]);
        let steps = first_steps(&report);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].target, "app-01");
    }

    #[test]
    fn gates_come_first_and_their_questions_do_not_hide_what_blocks() {
        let question = UnknownCause::Unanswered("Is it?".to_owned());
        let unanswered = Outcome::Unknown(Arc::new(Unknown::from(question)));
        let blocks = Severity::BlocksReprotect;
        let mut findings = vec![("mt1", Outcome::Fail, blocks)];
        findings.extend((0..5).map(|_| ("site", unanswered.clone(), blocks)));
        let mut report = report(&findings);
        for (order, result) in report.results.iter_mut().enumerate() {
            result.check = format!("check.{order}").into();
            result.order = 100 - order;
            result.is_gate = result.target == "site";
        }
        let words: Vec<String> =
            first_steps(&report).iter().map(|step| step.check.clone()).collect();
        // In working order: three questions of gates, what blocks, the other questions.
        assert_eq!(words, ["check.5", "check.4", "check.3", "check.0", "check.2", "check.1"]);
    }
}
