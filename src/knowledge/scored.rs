//! What a text has of one document: exact evidence, its place in the ranking, and the score of both.
//!
//! Not for finding either (`exact`, `ranking`), nor for how sure it is (`confidence`).

use super::candidate::QuotedLine;
use super::exact::Evidence;
use super::ranking::Ranked;

/// The scores of a code, a quoted message and the signature of a line.
const CODE_SCORE: f64 = 0.97;
const QUOTE_SCORE: f64 = 0.95;
const SIGNATURE_SCORE: f64 = 0.9;

/// The most that ranking alone scores.
const RANKED_SCORE: f64 = 0.9;

/// What a text has of one document.
pub(super) struct Scored {
    /// The document's index.
    pub document: usize,
    /// Its score in the ranking.
    pub rank: f32,
    /// The part of the text's weight that it explains.
    pub explained: f32,
    /// The terms that both have, heaviest first.
    pub terms: Vec<String>,
    /// The line of a log that it was ranked by.
    pub line: Option<QuotedLine>,
    /// Exact evidence.
    pub evidence: Option<Evidence>,
    /// How well it fits, from 0 to 1, all things considered.
    pub score: f64,
}

impl Scored {
    /// Returns what nothing was found of yet.
    pub fn new(document: usize) -> Self {
        Self {
            document,
            rank: 0.0,
            explained: 0.0,
            terms: Vec::new(),
            line: None,
            evidence: None,
            score: 0.0,
        }
    }

    /// Returns what was ranked, by a line of a log or as a whole.
    pub fn ranked(ranked: Ranked, line: Option<QuotedLine>) -> Self {
        Self {
            rank: ranked.score,
            explained: ranked.explained,
            terms: ranked.terms,
            line,
            ..Self::new(ranked.document)
        }
    }

    /// Returns how certain its exact evidence is, from 0 to 1.
    fn certainty(&self) -> f64 {
        let Some(evidence) = &self.evidence else { return 0.0 };
        let found = [
            (!evidence.codes.is_empty(), CODE_SCORE),
            (!evidence.quotes.is_empty(), QUOTE_SCORE),
            (evidence.has_signature, SIGNATURE_SCORE),
        ];
        let missing: f64 =
            found.iter().filter(|(is_found, _)| *is_found).map(|(_, score)| 1.0 - score).product();
        1.0 - missing
    }
}

/// Gives everything its score, and puts the best first. What ranking finds scores by how much of the text the best explains,
/// and by how near it comes to the best.
pub(super) fn settle_scores(all: &mut [Scored]) {
    let best = all.iter().max_by(|a, b| a.rank.total_cmp(&b.rank));
    let (best_rank, explained) = best.map_or((0.0, 0.0), |best| (best.rank, best.explained));
    for scored in all.iter_mut() {
        let part = if best_rank > 0.0 { scored.rank / best_rank } else { 0.0 };
        let ranked = RANKED_SCORE * f64::from(explained * part);
        scored.score = 1.0 - (1.0 - scored.certainty()) * (1.0 - ranked);
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.document.cmp(&b.document)));
}
