//! What to do first: the few lines that answer "what now?".
//!
//! Taken from the findings in working order, without what waits for another fix or another stage and without what another
//! failure explains. Not for the details of a finding (`outline`).

use std::collections::BTreeSet;

use super::layout::{first_sentence, single_line, truncate};
use super::model::{CheckResult, Report};
use super::outline::Status;
use crate::check::unknown::UnknownCause;
use crate::facts::stage::{EvidenceSource, MachineStage};

/// How many lines there are at most.
const MAX_STEPS: usize = 7;

/// How many questions of gates stand before what blocks.
const MAX_GATE_QUESTIONS: usize = 3;

/// The class of gates, and that of what would block if it does not hold.
const GATE: u8 = 1;
const UNKNOWN_BLOCKER: u8 = 3;

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
    let mut open: Vec<(u8, &CheckResult)> =
        report.results.iter().filter_map(|result| Some((class(result)?, result))).collect();
    open.sort_by_key(|(class, result)| (*class, result.order));
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
        let target = match same.len() {
            0 | 1 => result.target.clone(),
            many => format!("{} and {} more", result.target, many - 1),
        };
        steps.push(FirstStep {
            target,
            first_target: result.target.clone(),
            what: what_to_do(result),
            check: result.check.clone(),
        });
        if steps.len() == MAX_STEPS {
            break;
        }
    }
    steps
}

/// Leaves a few questions of gates before everything else, and puts the others behind what blocks, so that both are seen.
fn postpone_questions(open: &mut [(u8, &CheckResult)]) {
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for (class, result) in open.iter_mut() {
        let is_question = *class == GATE && Status::from_result(result) == Status::Unknown;
        if is_question {
            asked.insert(&result.check);
            if asked.len() > MAX_GATE_QUESTIONS {
                *class = UNKNOWN_BLOCKER;
            }
        }
    }
    open.sort_by_key(|(class, result)| (*class, result.order));
}

/// What makes two findings one thing to do: the same check, or one reason for which many are not known.
fn step_key(result: &CheckResult) -> String {
    match &result.cause {
        Some(UnknownCause::Stage { machine, .. }) => format!("stage {machine}"),
        Some(cause @ UnknownCause::Absent { .. }) => format!("because {}", cause.reason()),
        _ => format!("{} {}", result.check, result.outcome.as_str()),
    }
}

/// How soon a finding is worth a line: the stage first, then gates, then what blocks, then what is not known, then warnings.
fn class(result: &CheckResult) -> Option<u8> {
    let waits =
        !result.after.is_empty() || !result.explained_by.is_empty() || result.held.is_some();
    match Status::from_result(result) {
        Status::Unknown if matches!(result.cause, Some(UnknownCause::Stage { .. })) => Some(0),
        Status::Blocker if result.is_gate && !waits => Some(GATE),
        // What another failure explains is known once that one is fixed.
        Status::Unknown if !result.explained_by.is_empty() => None,
        Status::Unknown if result.is_gate && result.severity.is_blocker() => Some(GATE),
        Status::Blocker if !waits => Some(2),
        Status::Unknown if result.severity.is_blocker() => Some(UNKNOWN_BLOCKER),
        Status::Warning if !waits => Some(4),
        _ => None,
    }
}

/// The first sentence of a remedy, or what has to be found out.
fn what_to_do(result: &CheckResult) -> String {
    let text = match &result.cause {
        Some(
            UnknownCause::Unanswered { question }
            | UnknownCause::NotShown { question, .. }
            | UnknownCause::OldAnswer { question, .. },
        ) => {
            format!("answer: {question}")
        }
        Some(UnknownCause::Stage { machine, note }) => {
            format!("say the stage of {machine}: {note}")
        }
        Some(UnknownCause::Absent { reason, .. }) => {
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

    use super::*;
    use crate::check::engine::Outcome;
    use crate::check::severity::Severity;
    use crate::check::unknown::Unknown;
    use crate::report::model::tests::report;

    #[test]
    fn gates_come_first_and_their_questions_do_not_hide_what_blocks() {
        let question = UnknownCause::Unanswered { question: "Is it?".to_owned() };
        let unanswered = Outcome::Unknown(Unknown::from(question));
        let blocks = Severity::BlocksReprotect;
        let mut findings = vec![("mt1", Outcome::Fail, blocks)];
        findings.extend((0..5).map(|_| ("site", unanswered.clone(), blocks)));
        let mut report = report(&findings);
        for (order, result) in report.results.iter_mut().enumerate() {
            result.check = format!("check.{order}");
            result.order = 100 - order;
            result.is_gate = result.target == "site";
        }
        let words: Vec<String> =
            first_steps(&report).iter().map(|step| step.check.clone()).collect();
        // In working order: three questions of gates, what blocks, the other questions.
        assert_eq!(words, ["check.5", "check.4", "check.3", "check.0", "check.2", "check.1"]);
    }
}
