//! When a candidate is likely, and when a text is about something that is out of scope.
//!
//! One rule for all documents, with limits that were read off the project's own texts: with what is said of a document left out,
//! nine in ten of what it calls likely are right (`tests/symptoms.rs` measures it). Not for scores (`ranking`, `exact`).

use super::candidate::Confidence;
use super::document::{SearchDocument, Subject};
use super::scored::Scored;
use super::terms::words;

/// How far the best has to be ahead of the next that is not related to it.
const MIN_MARGIN: f32 = 1.4;

/// The part of a text, by weight, that what is likely explains.
const MIN_EXPLAINED: f32 = 0.5;

/// The fewest terms that a text shares with what is likely.
const MIN_TERMS: usize = 5;

/// How much of a text is looked at for words that put a topic in scope, in bytes.
const MAX_EXCUSE_BYTES: usize = 4 * 1024;

/// How near a topic that is out of scope may come to the best.
const MAX_TOPIC_PART: f32 = 0.75;

/// All that was found for a text, by which each candidate is measured.
pub(super) struct Situation<'k> {
    documents: &'k [SearchDocument],
    /// The topic out of scope that the text is about.
    topic: Option<usize>,
    /// The best of what answers.
    best: Option<usize>,
    /// How far it is ahead of the next that is not related to it.
    margin: f32,
    /// How near the nearest topic comes to it.
    topic_part: f32,
    /// Whether the text has several lines, as logs have.
    is_log: bool,
}

impl<'k> Situation<'k> {
    /// Looks over all that was found, best first; `other` is the topic of another scenario that the best answer was of.
    pub fn new(
        documents: &'k [SearchDocument],
        text: &str,
        scored: &[Scored],
        other: Option<usize>,
    ) -> Self {
        let is_topic = |scored: &&Scored| documents[scored.document].kind == Subject::Topic;
        let answers: Vec<&Scored> = scored.iter().filter(|scored| !is_topic(scored)).collect();
        let topics: Vec<&Scored> = scored.iter().filter(is_topic).collect();
        let topics = without_excused(documents, text, topics);
        let is_log = text.trim().contains('\n');
        let (best_rank, topic_rank) = (highest_rank(&answers), highest_rank(&topics));
        let is_exact = answers.first().is_some_and(|scored| scored.evidence.is_some());
        // A log names many products; what it says of ours counts before what it says of them.
        let marked = topics
            .iter()
            .find(|scored| scored.evidence.is_some())
            .filter(|_| !(is_log && is_exact));
        let nearest = topics.iter().find(|topic| topic.rank >= topic_rank);
        let ranked = nearest.filter(|_| topic_rank > best_rank && !is_exact);
        Self {
            documents,
            topic: other.or(marked.or(ranked).map(|scored| scored.document)),
            best: answers.first().map(|scored| scored.document),
            margin: margin(documents, &answers),
            topic_part: if best_rank > 0.0 { topic_rank / best_rank } else { 0.0 },
            is_log,
        }
    }

    /// Returns the topic out of scope that the text is about.
    pub fn topic(&self) -> Option<usize> {
        self.topic
    }

    /// Returns how sure a candidate is.
    pub fn confidence(&self, scored: &Scored) -> Confidence {
        let is_step = self.documents[scored.document].kind == Subject::Step;
        let is_likely =
            self.topic.is_none() && !is_step && (self.is_exact(scored) || self.is_plain(scored));
        if is_likely { Confidence::Likely } else { Confidence::Possible }
    }

    /// Whether an error code, a message or the signature of a line says so. Signatures are made for lines of logs: of
    /// what people write one counts only when nothing else comes nearer.
    fn is_exact(&self, scored: &Scored) -> bool {
        let Some(evidence) = &scored.evidence else { return false };
        !evidence.codes.is_empty()
            || !evidence.quotes.is_empty()
            || self.is_log
            || self.best == Some(scored.document)
    }

    /// Whether the text has enough of it, and not as much of anything else.
    fn is_plain(&self, scored: &Scored) -> bool {
        self.best == Some(scored.document)
            && self.margin >= MIN_MARGIN
            && self.topic_part <= MAX_TOPIC_PART
            && scored.explained >= MIN_EXPLAINED
            && scored.terms.len() >= MIN_TERMS
    }
}

/// Leaves out topics that are in scope all the same, for the text has a word that says so.
fn without_excused<'s>(
    documents: &[SearchDocument],
    text: &str,
    topics: Vec<&'s Scored>,
) -> Vec<&'s Scored> {
    let beginning = &text[..text.floor_char_boundary(MAX_EXCUSE_BYTES)];
    let text = format!(" {} ", words(beginning).join(" "));
    let has = |phrase: &String| text.contains(&format!(" {} ", words(phrase).join(" ")));
    let is_excused = |topic: &&Scored| documents[topic.document].unless.iter().any(has);
    topics.into_iter().filter(|topic| !is_excused(topic)).collect()
}

fn highest_rank(scored: &[&Scored]) -> f32 {
    scored.iter().map(|scored| scored.rank).fold(0.0, f32::max)
}

/// Returns how far the first is ahead of the next that shares no check with it.
fn margin(documents: &[SearchDocument], answers: &[&Scored]) -> f32 {
    let Some((first, others)) = answers.split_first() else { return 0.0 };
    let checks = documents[first.document].checks();
    let is_related = |other: &&&Scored| {
        documents[other.document].checks().iter().any(|check| checks.contains(check))
    };
    match others.iter().find(|other| !is_related(other)) {
        Some(other) if other.rank > 0.0 => first.rank / other.rank,
        Some(_) | None => f32::INFINITY,
    }
}
