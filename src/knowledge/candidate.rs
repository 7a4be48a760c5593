//! What a text may be about: candidates, with how sure that is and why.
//!
//! Not for finding them (`search`), nor for checking which is right (`diagnosis`).

use schemars::JsonSchema;
use serde::Serialize;

use super::document::SearchDocument;
use super::symptom::Cause;

/// The most candidates that are checked when none is likely.
const MAX_SUSPECTS: usize = 3;

/// How sure it is that a candidate is right.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Confidence {
    /// Nine out of ten candidates that are called so are right.
    Likely,
    /// It comes near, and may well be something else.
    Possible,
}

impl Confidence {
    /// Returns the word for people.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A line of a log that means something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct QuotedLine {
    /// Its number in the text, from 1.
    pub number: usize,
    /// The line, or the beginning of a long one.
    pub text: String,
}

/// Something that a text may be about.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'k> {
    /// The check, symptom or step.
    pub document: &'k SearchDocument,
    /// How sure it is.
    pub confidence: Confidence,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// Its causes: that which fits the text best, then the likeliest.
    pub causes: Vec<&'k Cause>,
    /// The evidence, as fragments.
    pub because: Vec<String>,
    /// The lines that are evidence, in the order of the text; the first ones, when they are many.
    pub lines: Vec<QuotedLine>,
    /// How many lines are evidence.
    pub line_count: usize,
}

/// What a text may be about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches<'k> {
    /// The candidates, best first.
    pub candidates: Vec<Candidate<'k>>,
    /// The topic that the text is about, if that is out of scope.
    pub out_of_scope: Option<&'k SearchDocument>,
}

impl<'k> Matches<'k> {
    /// Returns the candidates that are likely.
    pub fn likely(&self) -> impl Iterator<Item = &Candidate<'k>> {
        self.candidates.iter().filter(|candidate| candidate.confidence == Confidence::Likely)
    }

    /// Returns the ids of those that are worth being checked: what is likely, otherwise the nearest.
    pub fn suspects(&self) -> Vec<&'k str> {
        let id = |candidate: &Candidate<'k>| candidate.document.id.as_str();
        if self.out_of_scope.is_some() {
            return Vec::new();
        }
        let likely: Vec<&str> = self.likely().map(id).collect();
        if !likely.is_empty() {
            return likely;
        }
        self.candidates.iter().take(MAX_SUSPECTS).map(id).collect()
    }

    /// Returns the checks of those that are worth being checked.
    pub fn suspected_checks(&self) -> Vec<&'k str> {
        let suspects = self.suspects();
        let is_suspect =
            |candidate: &&Candidate<'k>| suspects.contains(&candidate.document.id.as_str());
        let suspected = self.candidates.iter().filter(is_suspect);
        suspected.flat_map(|candidate| candidate.document.checks()).collect()
    }
}
