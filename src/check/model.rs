//! A check and what it is made of, in plain types.
//!
//! Not for reading checks (`definition`), nor for deciding them (`engine`).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disturbance::Disturbance;
use super::message::MessageTemplate;
use super::provider::Provider;
use super::recognition::Recognition;
pub use super::remedy::Remedy;
use super::remedy::RemedyTemplate;
use super::rule::Rule;
use super::schema;
pub use super::severity::Severity;
use super::window::{Experience, ScenarioScope, StageWindow};
use crate::facts::target_kind::TargetKind;

/// A line of work: what is done in one go, in the order in which the lines are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum WorkLine {
    /// What ends the case when it fails, and what must be known before anything else.
    #[serde(rename = "gate")]
    Gate,
    /// The image of the master target and its packages, which are built again at most once.
    #[serde(rename = "build")]
    Build,
    /// The configuration server and the way home.
    A,
    /// vCenter and its hosts.
    B,
    /// Where machines return to, and through which master target.
    C,
    /// Whether a master target stays: a failure here means another one.
    D,
    /// What is done around one power-off of the master target.
    E,
    /// The retention volume.
    F,
    /// The agent and its registration.
    G,
    /// The machine, Re-protect, and what follows.
    H,
}

/// What a check is about, and so whose answer counts for it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CheckScopeWord")]
pub enum CheckScope {
    /// The site as a whole.
    Site,
    /// One machine that fails back.
    Machine,
    /// One process server.
    ProcessServer,
    /// One master target.
    MasterTarget,
    /// One ESXi or Hyper-V host.
    Host,
    /// One replication group.
    Group,
    /// One Azure network with machines in it.
    Network,
    /// An image, or its packages.
    Image,
}

impl CheckScope {
    /// Returns the scope of a check that names none.
    pub(super) fn for_kinds(kinds: &[TargetKind]) -> Self {
        match kinds.first() {
            Some(TargetKind::Image | TargetKind::Packages) => Self::Image,
            Some(TargetKind::LinuxMt | TargetKind::WindowsMt) => Self::MasterTarget,
            Some(TargetKind::ProcessServer) => Self::ProcessServer,
            Some(TargetKind::ProtectedVm) => Self::Machine,
            Some(TargetKind::Esxi) => Self::Host,
            _ => Self::Site,
        }
    }
}

/// Who can say whether a check holds.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum AskOf {
    /// The master target over SSH.
    SshMt,
    /// The Windows master target, by its capture.
    CaptureMt,
    /// A process server over SSH.
    SshPs,
    /// The machine itself over SSH.
    SshVm,
    /// An ESXi host's shell.
    SshEsxi,
    /// vCenter or ESXi.
    Vsphere,
    /// The vault.
    Azure,
    /// A person.
    Person,
    /// A file: the site file, a recipe, an image.
    File,
}

/// How long a person's answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerAge {
    /// For how many days after the day it was given; 0 for that day alone.
    pub days: i32,
    /// Whether it counts only at the stage at which it was given.
    pub same_stage: bool,
}

/// Where it is written that this must hold.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema, derive_more::Display,
)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Source")]
#[display("{doc}, {at}")]
pub struct SourceReference {
    /// The document, by its key in `docs/sources.md`.
    pub doc: String,
    /// The place in it.
    pub at: String,
}

/// A check whose failure may explain another one.
pub struct RootCause {
    /// The check.
    pub check: String,
    /// What must hold of the facts of the explained failure's target for it to be a consequence, and no fault of its own;
    /// without it, it always is one.
    pub sign: Option<Rule>,
    /// The checks that must hold for it to be one.
    pub holds: Vec<String>,
}

/// When a check applies to a target.
pub struct Applicability {
    /// The check applies when this is true.
    pub rule: Rule,
    /// Why the check does not apply when it is false; a fragment.
    pub otherwise: String,
}

/// What decides a check: rules, a question to a person, or both. There is one of them at least.
pub struct Criterion {
    /// Rules over facts.
    pub rules: Option<DecidingRules>,
    /// What a person is asked.
    pub question: Option<Question>,
}

/// The rules that decide a check.
pub struct DecidingRules {
    /// What decides it.
    pub rule: Rule,
    /// What grades a pass down to a warning.
    pub warn_rule: Option<Rule>,
}

/// The question of a check, which a person answers in the site file; unanswered is unknown.
pub struct Question {
    /// Its text.
    pub text: String,
    /// When a person is asked.
    pub is_for: QuestionUse,
}

/// When a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionUse {
    /// In every run; rules decide in the person's place where every system that they speak of was asked.
    EveryRun,
    /// In runs that ask those systems, where the rules cannot be decided.
    Undecided,
}

/// One verified check.
pub struct Check {
    /// The id, `subject.condition`; it never changes.
    pub id: String,
    /// What should hold.
    pub title: String,
    /// What a failure blocks.
    pub severity: Severity,
    /// The kinds of targets that it applies to.
    pub applies_to: Vec<TargetKind>,
    /// When it applies to a target; always, if `None`.
    pub applies_when: Option<Applicability>,
    /// Checks that must pass before this one is evaluated.
    pub requires: Vec<String>,
    /// The line of work that its fix belongs to.
    pub line: Option<WorkLine>,
    /// Whether its failure ends the case: of the machine, or of the whole site when that is its scope.
    pub gate: bool,
    /// Checks whose fixes come before its own.
    pub fix_after: Vec<String>,
    /// Checks whose failure probably explains this one's.
    pub consequence_of: Vec<RootCause>,
    /// Checks that make this one pointless when all of them hold.
    pub moot_when: Vec<String>,
    /// Which scenario it belongs to.
    pub scenario: ScenarioScope,
    /// Which experience of the vault it belongs to.
    pub experience: Experience,
    /// When it counts, and how much.
    pub stages: StageWindow,
    /// Whether it means the opposite at another stage, so that it is unknown while the stage is.
    pub needs_stage: bool,
    /// Whether data is lost while it fails as a data loss, so that its fix comes before everything else.
    pub urgent: bool,
    /// What its fix does to those who use the target.
    pub disturbs: Option<Disturbance>,
    /// What it is about.
    pub scope: CheckScope,
    /// Who can say whether it holds, best first; empty when it does not say.
    pub ask_of: Vec<AskOf>,
    /// How long an answer to it counts; for ever when nothing is said.
    pub answer_age: Option<AnswerAge>,
    /// What decides it.
    pub criterion: Criterion,
    /// What [`Check::required_providers`] is once it was asked for.
    pub(super) required_providers: OnceLock<BTreeSet<Provider>>,
    /// The message about the facts.
    pub found: MessageTemplate,
    /// How a failure shows itself to people.
    pub symptom: String,
    /// What it is recognised by in texts and logs.
    pub recognition: Recognition,
    /// How to fix it on any target; words in capitals stand for facts of one target.
    pub remedy: Remedy,
    /// How to fix it on one target.
    pub(super) remedy_template: RemedyTemplate,
    /// Where it is written.
    pub source: SourceReference,
    /// Its own tests.
    pub examples: Vec<Example>,
    /// The file and line it is defined at.
    pub at: DefinitionLocation,
}

impl Check {
    /// Returns the rules that decide it; none of a question alone.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        let rules = self.criterion.rules.iter();
        rules.flat_map(|rules| [Some(&rules.rule), rules.warn_rule.as_ref()]).flatten()
    }

    /// Whether a person is asked in every run.
    pub fn is_question(&self) -> bool {
        self.criterion.question.as_ref().is_some_and(|q| q.is_for == QuestionUse::EveryRun)
    }

    /// Whether it is a question that rules may decide in a person's place.
    pub fn can_be_shown(&self) -> bool {
        self.is_question() && self.criterion.rules.is_some()
    }

    /// Whether its question is decided by rules, because every system that they speak of was asked.
    pub(super) fn is_shown(&self, asked: &BTreeSet<Provider>) -> bool {
        let mut needed = self.rules().flat_map(Rule::paths).filter_map(schema::provider);
        self.can_be_shown() && needed.all(|provider| asked.contains(&provider))
    }

    /// Returns the providers that it lacks in a run that has these; a question that is shown needs no person.
    pub fn missing_providers(&self, asked: &BTreeSet<Provider>) -> Vec<Provider> {
        let lacks = self.required_providers().difference(asked).copied();
        let is_shown = self.is_shown(asked);
        lacks.filter(|provider| !(is_shown && *provider == Provider::Answers)).collect()
    }

    /// Returns the providers of its facts; a run must have them all.
    pub fn required_providers(&self) -> &BTreeSet<Provider> {
        self.required_providers.get_or_init(|| {
            let of_applying = self.applies_when.iter().map(|condition| &condition.rule);
            let deciding = self.rules().filter(|_| !self.is_question());
            let paths = deciding.chain(of_applying).flat_map(Rule::paths);
            let mut needs: BTreeSet<Provider> = paths.filter_map(schema::provider).collect();
            if self.is_question() {
                needs.insert(Provider::Answers);
            }
            needs
        })
    }

    /// Returns the question that a person may answer: the check itself, or what stands in for its rules.
    pub fn question(&self) -> Option<&str> {
        self.criterion.question.as_ref().map(|question| question.text.as_str())
    }

    /// Compiles rules and message ahead of the first evaluation.
    pub(super) fn prepare(&self) {
        // Errors are reported by the evaluation.
        self.all_rules().for_each(|rule| {
            rule.prepare().ok();
        });
        self.found.prepare().ok();
    }

    fn all_rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules().chain(self.applies_when.as_ref().map(|condition| &condition.rule))
    }
}

/// Where a check is defined.
#[derive(Clone, Debug, PartialEq, Eq, derive_more::Display)]
#[display("{file}, line {line}")]
pub struct DefinitionLocation {
    /// The file as the user knows it.
    pub file: String,
    /// The line its entry begins at, from 1.
    pub line: usize,
}

/// The outcome that an example expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum ExpectedOutcome {
    /// The rule holds.
    Pass,
    /// The rule holds and the warn rule does not.
    Warn,
    /// The rule does not hold.
    Fail,
    /// The rule cannot be decided.
    Unknown,
    /// The check has no meaning for the target.
    NotApplicable,
}

impl ExpectedOutcome {
    /// Returns the key in definitions.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What its facts lead to.
    pub expected: ExpectedOutcome,
    /// The facts that matter.
    pub facts: Value,
    /// What it shows, when that is not plain.
    pub note: Option<String>,
}
