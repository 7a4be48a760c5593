//! The questions of a site: evaluated as `check site` does, once for each change of the answers.
//!
//! Not for asking (`commands::answer`), nor for keeping answers (`answers`).

use super::collect::{self, CollectOptions};
use super::evaluate::evaluate_targets;
use super::selection::Selection;
use crate::check::question::{TargetQuestion, collect_questions};
use crate::check::{CheckSet, Target};
use crate::facts::failure_kind::FailureKind;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Failure, Transcript};
use crate::site::AnswerEntry;
use crate::site::assemble::Responses;

/// A site with what its systems answered.
pub struct QuestionSession {
    selection: Selection,
    responses: Responses,
    /// The time of the evaluation.
    pub now: jiff::Timestamp,
}

/// The questions of a site at one moment.
pub struct QuestionList {
    /// The targets that the questions are about.
    pub targets: Vec<Target>,
    /// The questions, in the order in which work is done.
    pub questions: Vec<TargetQuestion>,
}

impl QuestionSession {
    /// Collects from the systems of a site.
    pub fn collect(
        mut selection: Selection,
        checks: &CheckSet,
        options: &CollectOptions<'_>,
        now: jiff::Timestamp,
    ) -> anyhow::Result<Self> {
        let sources = selection.sources(checks, options)?;
        let responses = collect::collect(sources, options)?;
        Ok(Self { selection, responses, now })
    }

    /// Takes the site file alone: no system is contacted.
    pub fn offline(selection: Selection, now: jiff::Timestamp) -> Self {
        let failure = |target: &str, kind, by| {
            let reason = "nothing was contacted".to_owned();
            let failure = Failure { kind: FailureKind::NoCapture, reason, hint: None };
            Transcript::from_failure(target, kind, by, failure)
        };
        let hosts = selection.hosts.iter();
        let site = &selection.site;
        let vcenter = site.vcenter.as_ref().and_then(|vcenter| vcenter.address());
        let responses = Responses {
            systems: hosts.map(|host| failure(&host.name, host.kind, CollectedBy::Ssh)).collect(),
            vcenter: vcenter
                .map(|(address, _)| failure(&address, TargetKind::Vcenter, CollectedBy::Vsphere)),
            shells: site
                .esxi
                .iter()
                .enumerate()
                .filter(|(_, host)| host.ssh.is_some())
                .map(|(index, host)| {
                    (index, failure(host.name.as_str(), TargetKind::Esxi, CollectedBy::Ssh))
                })
                .collect(),
            ..Responses::default()
        };
        Self { selection, responses, now }
    }

    /// Whether somebody stopped the run while it collected.
    pub fn was_interrupted(&self) -> bool {
        collect::was_interrupted(&self.responses)
    }

    /// Replaces the answers of the site.
    pub fn set_answers(&mut self, answers: Vec<AnswerEntry>) {
        self.selection.site.answers = Some(answers);
    }

    /// Returns the answers of the site.
    pub fn answers(&self) -> &[AnswerEntry] {
        self.selection.site.answers.as_deref().unwrap_or_default()
    }

    /// Returns the questions that are put now.
    pub fn list(&self, checks: &CheckSet) -> anyhow::Result<QuestionList> {
        let targets = self.selection.assemble(&self.responses, checks)?;
        let (scope, findings) = evaluate_targets(&self.selection, &targets, checks, self.now);
        let questions = collect_questions(checks, &targets, &scope, &findings, self.now);
        Ok(QuestionList { targets, questions })
    }
}

impl QuestionList {
    /// Returns the questions that somebody has to answer.
    pub fn open(&self) -> impl Iterator<Item = &TargetQuestion> {
        self.questions.iter().filter(|question| question.is_open())
    }

    /// Takes out the questions of a check about some targets: they have just been answered.
    pub fn remove(&mut self, check: usize, about: &[usize]) {
        self.questions
            .retain(|question| question.check != check || !about.contains(&question.target));
    }

    /// Returns the name of a question's target.
    pub fn target_name(&self, question: &TargetQuestion) -> &str {
        &self.targets[question.target].name
    }
}
