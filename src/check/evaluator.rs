//! The verdicts of one target's checks: each check once, after those it requires, and when its stage and its case say so.
//!
//! Not for what a finding becomes of a verdict (`engine`).

use std::collections::{BTreeSet, VecDeque};

use jiff::civil::Date;

use super::answer;
use super::definition::CheckSet;
use super::fact_context::FactContext;
use super::gate::EndedCases;
use super::model::Check;
use super::provider::Provider;
use super::scope::Target;
use super::severity::Severity;
use super::unknown::UnknownCause;
use super::verdict::CheckVerdict;
use super::window::{InWindow, TargetStages};

/// Evaluates the checks of one target, each once and after those it requires.
pub(super) struct TargetEvaluator<'s> {
    pub set: &'s CheckSet,
    pub context: &'s FactContext<'s>,
    pub providers: BTreeSet<Provider>,
    /// Whether a live waiver covers a failure of this check on the target.
    pub waived: &'s dyn Fn(&str) -> bool,
    pub today: Date,
    pub target: &'s Target,
    /// The stages of the machines whose case has not ended.
    pub stages: &'s TargetStages,
    pub ended: &'s EndedCases,
    pub decided: Vec<Option<CheckVerdict>>,
}

impl TargetEvaluator<'_> {
    /// Returns whether a check counts for the target now.
    fn window(&self, check: &Check) -> InWindow {
        let is_question = check.is_question() && !check.is_shown(&self.providers);
        check.stages.decide(check.severity, check.needs_stage, is_question, self.stages)
    }

    /// Returns the severity of a failure now; the worst there is when it does not count.
    pub fn severity(&self, check: &Check) -> Severity {
        match self.window(check) {
            InWindow::Yes(severity) => severity,
            InWindow::No(_) | InWindow::Undecided { .. } => check.severity,
        }
    }

    /// Returns the verdict of one check. The set has no circles, so this ends.
    pub fn verdict(&mut self, index: usize) -> CheckVerdict {
        if let Some(decided) = &self.decided[index] {
            return decided.clone();
        }
        let verdict = self.evaluate(&self.set.checks()[index]);
        self.decided[index] = Some(verdict.clone());
        verdict
    }

    fn evaluate(&mut self, check: &Check) -> CheckVerdict {
        let meaning = applies(check, self.context);
        if meaning == Ok(false) {
            let otherwise = check.applies_when.as_ref().map(|when| when.otherwise.clone());
            let why = otherwise.unwrap_or_default();
            return CheckVerdict::NotApplicable { why, by_failure: false };
        }
        if let Some(why) = self.ended.reason(check, self.target) {
            return CheckVerdict::NotApplicable { why, by_failure: true };
        }
        match self.window(check) {
            InWindow::Yes(_) => {}
            InWindow::No(why) => return CheckVerdict::NotApplicable { why, by_failure: false },
            InWindow::Undecided { machine, note } => {
                return CheckVerdict::from_cause(UnknownCause::Stage { machine, note }, false);
            }
        }
        let is_meant = meaning.is_ok();
        let mut unknown = meaning.err().map(|cause| CheckVerdict::from_cause(cause, false));
        let mut required: VecDeque<&String> = check.requires.iter().collect();
        while let Some(id) = required.pop_front() {
            let index = self.set.position(id).expect("the set was read with its prerequisites");
            // A prerequisite whose facts are not part of the run decides nothing.
            if !self.set.checks()[index].missing_providers(&self.providers).is_empty() {
                continue;
            }
            match self.verdict(index) {
                CheckVerdict::Pass | CheckVerdict::Warn => {}
                // A waived failure blocks nothing, so it hides nothing.
                CheckVerdict::Fail if (self.waived)(id) => {}
                CheckVerdict::Fail => {
                    return CheckVerdict::NotApplicable {
                        why: format!("{id} fails"),
                        by_failure: true,
                    };
                }
                CheckVerdict::NotApplicable { why, by_failure: true } => {
                    let why = format!("{id} is not applicable: {why}");
                    return CheckVerdict::NotApplicable { why, by_failure: true };
                }
                // A check that does not apply says nothing about those that require it; one that counts for nothing
                // at this stage leaves them what it requires itself.
                CheckVerdict::NotApplicable { by_failure: false, .. } => {
                    let skipped = &self.set.checks()[index];
                    let is_meant = applies(skipped, self.context) == Ok(true);
                    if is_meant && matches!(self.window(skipped), InWindow::No(_)) {
                        required.extend(&skipped.requires);
                    }
                }
                // The rule of the prerequisite holds, whatever its grade.
                CheckVerdict::Unknown { graded: true, .. } => {}
                CheckVerdict::Unknown { unknown: mut why, .. } => {
                    why.through.insert(0, id.clone());
                    unknown.get_or_insert(CheckVerdict::Unknown { unknown: why, graded: false });
                }
            }
        }
        match check.question() {
            Some(question) if check.is_question() => {
                unknown.unwrap_or_else(|| self.question_verdict(check, question))
            }
            question => {
                let verdict = unknown.unwrap_or_else(|| decide(check, self.context));
                match (&verdict, question) {
                    // What nothing could be asked of, a person may know; whether the check has a meaning here, its rule says.
                    (CheckVerdict::Unknown { graded: false, .. }, Some(question))
                        if is_meant && answer::find_answer(check, self.context).is_some() =>
                    {
                        self.decide_by_answer(check, question)
                    }
                    (CheckVerdict::Unknown { unknown, graded: false }, Some(question))
                        if is_meant =>
                    {
                        match unknown.reason_of_absent_system(self.context.document()) {
                            Some(reason) => CheckVerdict::from_cause(
                                UnknownCause::NotShown { reason, question: question.to_owned() },
                                false,
                            ),
                            None => verdict,
                        }
                    }
                    _ => verdict,
                }
            }
        }
    }

    /// Returns the verdict by a person's answer alone.
    fn decide_by_answer(&self, check: &Check, question: &str) -> CheckVerdict {
        answer::decide_question(check, question, self.context, self.today, self.stages)
    }

    /// Returns the verdict of a question: by what a system shows where one was asked, otherwise by a person's answer.
    fn question_verdict(&self, check: &Check, question: &str) -> CheckVerdict {
        let answered = || self.decide_by_answer(check, question);
        if !check.is_shown(&self.providers) {
            return answered();
        }
        let given = answer::find_answer(check, self.context);
        match decide(check, self.context) {
            CheckVerdict::Unknown { unknown, graded: false } if given.is_none() => {
                let (reason, question) = (unknown.to_string(), question.to_owned());
                CheckVerdict::from_cause(UnknownCause::NotShown { reason, question }, false)
            }
            CheckVerdict::Unknown { graded: false, .. } => answered(),
            shown => match given {
                Some(given) if answer::is_newer_than_facts(&given, self.context) => answered(),
                Some(_) => answer::weigh(shown, &answered()),
                None => shown,
            },
        }
    }
}

/// Whether a check applies to what these facts describe.
pub(super) fn applies(check: &Check, context: &FactContext<'_>) -> Result<bool, UnknownCause> {
    check.applies_when.as_ref().map_or(Ok(true), |when| when.rule.decide(context))
}

/// Evaluates the rules of a check, without its prerequisites.
pub(super) fn decide(check: &Check, context: &FactContext<'_>) -> CheckVerdict {
    let mut rules = check.rules();
    let Some(rule) = rules.next() else {
        let defect = UnknownCause::Defect("a question has no rule".to_owned());
        return CheckVerdict::from_cause(defect, false);
    };
    match rule.decide(context) {
        Ok(false) => CheckVerdict::Fail,
        Err(cause) => CheckVerdict::from_cause(cause, false),
        Ok(true) => match rules.next().map(|rule| rule.decide(context)) {
            None | Some(Ok(true)) => CheckVerdict::Pass,
            Some(Ok(false)) => CheckVerdict::Warn,
            Some(Err(cause)) => CheckVerdict::from_cause(cause, true),
        },
    }
}
