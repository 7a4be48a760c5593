//! Which cause of a symptom fits a text: the one whose code the text has, or whose words and checks it is nearest to.
//!
//! Not for finding the symptom (`search`), nor for checking which cause it is (`diagnosis`).

use super::document::SearchDocument;
use super::ranking::Ranking;
use super::symptom::Cause;

/// What a code counts that both the cause and the text have: more than all words.
const CODE_WEIGHT: f32 = 100.0;

/// The part that counts of the weight of what a cause's check shares with the text.
const CHECK_PART: f32 = 0.5;

/// The least weight by which a cause is named before the likeliest: about that of one rare term.
const MIN_WEIGHT: f32 = 3.0;

/// How much better than the likeliest cause another one has to fit to be named before it.
const MIN_ADVANTAGE: f32 = 1.25;

/// Returns the causes of a document, likeliest first; before them the one that fits the text clearly better. What the text shares with
/// the document's own title tells no cause from another. `title` returns that of a check.
pub(super) fn order_causes<'k>(
    document: &'k SearchDocument,
    text: &str,
    ranking: &Ranking,
    title: impl Fn(&str) -> &'k str,
) -> Vec<&'k Cause> {
    let mut causes: Vec<&Cause> = document.causes.iter().collect();
    if causes.len() < 2 {
        return causes;
    }
    let mut question = ranking.question(text);
    ranking.without(&mut question, &document.title);
    let fit = |cause: &&Cause| {
        let has_code = |code: &&String| text.contains(*code) && cause.cause.contains(*code);
        let codes = document.codes.iter().filter(has_code).count() as f32;
        let titles = cause.checks.iter().map(|id| ranking.shared_weight(&question, title(id)));
        CODE_WEIGHT * codes
            + ranking.shared_weight(&question, &cause.cause)
            + CHECK_PART * titles.fold(0.0, f32::max)
    };
    let fits: Vec<f32> = causes.iter().map(fit).collect();
    let best = (0..fits.len()).rev().max_by(|&a, &b| fits[a].total_cmp(&fits[b])).unwrap_or(0);
    if fits[best] > fits[0] * MIN_ADVANTAGE && fits[best] >= MIN_WEIGHT {
        let cause = causes.remove(best);
        causes.insert(0, cause);
    }
    causes
}
