//! Ranks documents by BM25: how well each fits the terms of a question.
//!
//! A document is ranked as a whole and by its best passage, for a short phrase that says just what is asked means more
//! than the same words scattered over a long text. Both have the library's weights, and count the same. Not for exact
//! evidence (`exact`).

use std::collections::{HashMap, HashSet};

use bm25::{
    Embedder, EmbedderBuilder, Embedding, Scorer, TokenEmbedder, TokenEmbedding, Tokenizer,
};

use super::document::{SearchDocument, Subject};
use super::terms::{Terms, document_frequency};

/// The part of the score of a symptom that counts for its checks, and of a check for its symptoms.
const RELATED_PART: f32 = 0.3;

/// A document with how well it fits a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranked {
    /// The document's index.
    pub document: usize,
    /// Its score; what is good depends on the question.
    pub score: f32,
    /// The part of the question's weight that the document explains, from 0 to 1.
    pub explained: f32,
    /// The terms of the question that the document has, heaviest first.
    pub terms: Vec<String>,
}

/// All documents, ready to be ranked.
pub(super) struct Ranking {
    terms: Terms,
    wholes: Scorer<usize, u64>,
    passages: Scorer<(usize, usize), u64>,
    /// The terms of each passage of each document, as the library numbers them.
    passage_terms: Vec<Vec<HashSet<u64>>>,
    /// For each term, how many documents have it.
    frequency: HashMap<u64, usize>,
    /// The symptoms of each check and the checks of each symptom, by index.
    related: Vec<Vec<usize>>,
}

/// Hands the library terms that are separated already.
struct Separated;

impl Tokenizer for Separated {
    fn tokenize(&self, terms: &str) -> Vec<String> {
        terms.split(' ').filter(|term| !term.is_empty()).map(str::to_owned).collect()
    }
}

impl Ranking {
    /// Makes the index of all documents.
    pub fn new(documents: &[SearchDocument]) -> Self {
        let texts = documents.iter().flat_map(|document| &document.passages);
        let terms = Terms::learn(texts.map(|passage| passage.text.as_str()));
        let of_passages = |document: &SearchDocument| -> Vec<Vec<String>> {
            let passages = document.passages.iter();
            passages.map(|passage| terms.of_document(&passage.text)).collect()
        };
        let separated: Vec<Vec<Vec<String>>> = documents.iter().map(of_passages).collect();
        let wholes: Vec<Vec<String>> = separated.iter().map(|document| document.concat()).collect();
        let frequency = document_frequency(wholes.iter().map(Vec::as_slice));
        let frequency = frequency.into_iter().map(|(term, count)| (number(&term), count)).collect();

        let mut whole_scorer = Scorer::new();
        let for_wholes = embedder(wholes.iter().map(Vec::len));
        for (index, whole) in wholes.iter().enumerate() {
            whole_scorer.upsert(&index, for_wholes.embed(&whole.join(" ")));
        }
        let mut passage_scorer = Scorer::new();
        let for_passages = embedder(separated.iter().flatten().map(Vec::len));
        for (index, passages) in separated.iter().enumerate() {
            for (place, passage) in passages.iter().enumerate() {
                passage_scorer.upsert(&(index, place), for_passages.embed(&passage.join(" ")));
            }
        }
        let numbers = |passage: &Vec<String>| passage.iter().map(|term| number(term)).collect();
        let passage_terms =
            separated.iter().map(|passages| passages.iter().map(numbers).collect()).collect();
        Self {
            terms,
            wholes: whole_scorer,
            passages: passage_scorer,
            passage_terms,
            frequency,
            related: related(documents),
        }
    }

    /// Returns the documents that have a term of the question, best first.
    pub fn rank(&self, question: &str) -> Vec<Ranked> {
        let terms = self.terms.of_question(question);
        let query = embedding(terms.iter().map(|term| number(term)));
        let count = self.passage_terms.len();
        let mut scores = vec![0.0_f32; count];
        for scored in self.wholes.matches(&query) {
            scores[scored.id] = scored.score;
        }
        let mut best_passages = vec![0.0_f32; count];
        for scored in self.passages.matches(&query) {
            let (document, _) = scored.id;
            best_passages[document] = best_passages[document].max(scored.score);
        }
        let alone: Vec<f32> = scores.iter().zip(&best_passages).map(|(a, b)| a + b).collect();
        let best_related = |document: usize| {
            self.related[document].iter().map(|&other| alone[other]).fold(0.0, f32::max)
        };
        let said: f32 = terms.iter().map(|term| self.weight(number(term))).sum();
        let mut ranked: Vec<Ranked> = (0..count)
            .filter(|&document| alone[document] > 0.0)
            .map(|document| {
                let terms = self.shared_terms(document, &terms);
                let weight: f32 = terms.iter().map(|term| self.weight(number(term))).sum();
                Ranked {
                    document,
                    score: alone[document] + RELATED_PART * best_related(document),
                    explained: weight / said,
                    terms,
                }
            })
            .collect();
        ranked
            .sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.document.cmp(&b.document)));
        ranked
    }

    /// Returns how many different terms a passage has.
    pub fn passage_size(&self, document: usize, passage: usize) -> usize {
        self.passage_terms[document][passage].len()
    }

    fn shared_terms(&self, document: usize, terms: &[String]) -> Vec<String> {
        let has = |term: &&String| {
            self.passage_terms[document].iter().any(|passage| passage.contains(&number(term)))
        };
        let mut shared: Vec<String> = terms.iter().filter(has).cloned().collect();
        shared.sort_by(|a, b| self.weight(number(b)).total_cmp(&self.weight(number(a))));
        shared
    }

    fn weight(&self, term: u64) -> f32 {
        weight_of(self.frequency.get(&term).copied().unwrap_or(0), self.passage_terms.len())
    }
}

/// The inverse document frequency, as the library has it.
fn weight_of(frequency: usize, documents: usize) -> f32 {
    let (frequency, documents) = (frequency as f32, documents as f32);
    (1.0 + (documents - frequency + 0.5) / (frequency + 0.5)).ln()
}

fn number(term: &str) -> u64 {
    <u64 as TokenEmbedder>::embed(term)
}

fn embedding(terms: impl Iterator<Item = u64>) -> Embedding<u64> {
    Embedding(terms.map(|index| TokenEmbedding { index, value: 1.0 }).collect())
}

/// Returns the library's embedder, with its own weights, for texts of these lengths.
fn embedder(lengths: impl Iterator<Item = usize>) -> Embedder<u64, Separated> {
    let (count, total) = lengths.fold((0, 0), |(count, total), length| (count + 1, total + length));
    let average = total as f32 / f32::max(count as f32, 1.0);
    EmbedderBuilder::<u64, Separated>::with_tokenizer_and_fit_to_corpus(Separated, &[])
        .avgdl(average)
        .build()
}

fn related(documents: &[SearchDocument]) -> Vec<Vec<usize>> {
    let places: HashMap<&str, usize> = documents
        .iter()
        .enumerate()
        .map(|(index, document)| (document.id.as_str(), index))
        .collect();
    let mut related = vec![Vec::new(); documents.len()];
    let symptoms = documents.iter().enumerate();
    for (index, symptom) in symptoms.filter(|(_, document)| document.kind == Subject::Symptom) {
        for &check in symptom.checks().iter().filter_map(|id| places.get(id)) {
            related[index].push(check);
            related[check].push(index);
        }
    }
    related
}
