//! The result of one check on one target, in plain types.
//!
//! Not for deciding it: that is `engine`'s.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::evidence::Evidence;
use super::model::{Remedy, Severity, SourceReference};
use super::unknown::Unknown;

/// A finding whose fix comes before another one's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct EarlierFix {
    /// The check.
    pub check: SmolStr,
    /// The target.
    pub target: SmolStr,
    /// The outcome.
    #[schemars(with = "String")]
    pub outcome: OutcomeKind,
}

/// What became of a check.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "OutcomeWord")]
#[strum(serialize_all = "kebab-case")]
pub enum OutcomeKind {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It could not be decided.
    Unknown,
    /// It has no meaning here.
    NotApplicable,
    /// It does not hold, and a waiver accepts that.
    Waived,
}

impl OutcomeKind {
    /// The word, as in JSON.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The outcome of one check on one target.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It could not be decided.
    Unknown(Arc<Unknown>),
    /// It has no meaning here.
    NotApplicable {
        /// Why, as a fragment.
        reason: SmolStr,
        /// Whether a prerequisite fails, so that this check is left open; otherwise it has no
        /// meaning here.
        by_failure: bool,
    },
    /// It does not hold, and a waiver accepts that.
    Waived {
        /// Why the failure is accepted.
        reason: String,
        /// Who owns it.
        owner: String,
        /// The last day the waiver counts, as `2026-12-31`.
        expires: String,
    },
}

impl Outcome {
    /// Returns the name in reports.
    pub fn as_str(&self) -> &'static str {
        self.kind().as_str()
    }

    /// Which outcome it is, without what explains it.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Pass => OutcomeKind::Pass,
            Self::Fail => OutcomeKind::Fail,
            Self::Unknown(_) => OutcomeKind::Unknown,
            Self::NotApplicable { .. } => OutcomeKind::NotApplicable,
            Self::Waived { .. } => OutcomeKind::Waived,
        }
    }
}

/// One check on one target, with everything that reports show.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The check.
    pub check: SmolStr,
    /// The target.
    pub target: SmolStr,
    /// The outcome.
    pub outcome: Outcome,
    /// The severity that counts here: a pass that is graded down is a warning.
    pub severity: Severity,
    /// Whether only the grade of a pass is in question: the rule itself holds.
    pub graded: bool,
    /// What should hold.
    pub title: SmolStr,
    /// What was found, or why nothing could be.
    pub found: SmolStr,
    /// How a failure shows itself to people.
    pub symptom: SmolStr,
    /// How to fix it; without commands while another fix comes first.
    pub remedy: Arc<Remedy>,
    /// What has to be fixed or decided before, in working order.
    pub after: Vec<EarlierFix>,
    /// Why its fix has to wait for another stage, as a fragment; none when it may be done now.
    pub held: Option<SmolStr>,
    /// The failures that probably explain this one.
    pub explained_by: Vec<EarlierFix>,
    /// Its place in the working order of fixes.
    pub order: usize,
    /// Whether data is being lost, so that its fix comes before everything else.
    pub is_urgent: bool,
    /// Whether its fix is for a master target that does not stay, as another finding has it.
    pub is_moot: bool,
    /// Whether it is among the gates, which come before all other work.
    pub is_gate: bool,
    /// Where it is written.
    pub source: Arc<SourceReference>,
    /// The known facts that the rule names, by path.
    pub evidence: Evidence,
    /// Which of the causes of its check its facts show the sign of, by their places.
    pub signs: Vec<usize>,
}
