//! Ranks documents by BM25: how well each fits the terms of a question.
//!
//! A document is ranked as a whole and by its best passage, for a short phrase that says just what is asked means more
//! than the same words scattered over a long text. Terms have the library's weights. The library is given what has a term of the
//! question, when there is a question, so that nothing is made that nobody asks for. Not for exact evidence (`exact`).

use std::collections::{HashMap, HashSet};

use bm25::{
    Embedder, EmbedderBuilder, Embedding, Scorer, TokenEmbedder, TokenEmbedding, Tokenizer,
};

use super::document::{SearchDocument, Subject};
use super::terms::{Terms, words};

/// The part of the score of a symptom that counts for its checks, and of a check for its symptoms.
const RELATED_PART: f32 = 0.3;

/// The part of the score of the best passage that counts beside that of the whole.
const PASSAGE_PART: f32 = 0.5;

/// What a step of the guide counts beside what it is done for: it says what to do, and not what is wrong.
const STEP_PART: f32 = 0.8;

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
    /// The terms of each passage of each document, in the order of its words.
    passages: Vec<Vec<Vec<String>>>,
    /// The same as the library numbers them, each once.
    numbers: Vec<Vec<HashSet<u64>>>,
    /// For each term, how many documents have it.
    frequency: HashMap<u64, usize>,
    /// The symptoms of each check and the checks of each symptom, by index.
    related: Vec<Vec<usize>>,
    is_step: Vec<bool>,
}

/// The library's scores of those documents and passages that have one of some terms. What has none is there without
/// terms, for it counts when the library weighs how rare a term is.
struct Scorers {
    wholes: Scorer<usize, u64>,
    passages: Scorer<(usize, usize), u64>,
}

/// Hands the library terms that are separated already.
struct Separated;

impl Tokenizer for Separated {
    fn tokenize(&self, terms: &str) -> Vec<String> {
        terms.split(' ').filter(|term| !term.is_empty()).map(str::to_owned).collect()
    }
}

impl Ranking {
    /// Takes all documents apart.
    pub fn new(documents: &[SearchDocument]) -> Self {
        let split = |document: &SearchDocument| -> Vec<Vec<String>> {
            document.passages.iter().map(|passage| words(&passage.text)).collect()
        };
        let split: Vec<Vec<Vec<String>>> = documents.iter().map(split).collect();
        let terms = Terms::learn(split.iter().flatten().flatten());
        let of_words = |passages: &Vec<Vec<String>>| -> Vec<Vec<String>> {
            passages.iter().map(|words| terms.of_document(words)).collect()
        };
        let passages: Vec<Vec<Vec<String>>> = split.iter().map(of_words).collect();
        let number_all = |passage: &Vec<String>| passage.iter().map(|term| number(term)).collect();
        let numbers: Vec<Vec<HashSet<u64>>> =
            passages.iter().map(|document| document.iter().map(number_all).collect()).collect();
        Self {
            frequency: document_frequency(&numbers),
            related: related(documents),
            is_step: documents.iter().map(|document| document.kind == Subject::Step).collect(),
            terms,
            passages,
            numbers,
        }
    }

    /// Returns the documents that have a term of the question, best first.
    pub fn rank(&self, question: &str) -> Vec<Ranked> {
        self.rank_each(&[question]).pop().unwrap_or_default()
    }

    /// Returns for each question the documents that have a term of it, best first.
    pub fn rank_each(&self, questions: &[&str]) -> Vec<Vec<Ranked>> {
        let questions: Vec<Vec<String>> =
            questions.iter().map(|question| self.terms.of_question(question)).collect();
        let all = questions.iter().flatten().map(|term| number(term)).collect();
        let scorers = self.scorers(&all);
        questions.iter().map(|terms| self.rank_terms(terms, &scorers)).collect()
    }

    fn scorers(&self, asked: &HashSet<u64>) -> Scorers {
        let has = |passage: &HashSet<u64>| asked.iter().any(|term| passage.contains(term));
        let lengths = self.passages.iter().map(|document| document.iter().map(Vec::len).sum());
        let for_wholes = embedder(lengths);
        let for_passages = embedder(self.passages.iter().flatten().map(Vec::len));
        let mut scorers = Scorers { wholes: Scorer::new(), passages: Scorer::new() };
        for (index, document) in self.passages.iter().enumerate() {
            let mut is_asked = false;
            for (place, passage) in document.iter().enumerate() {
                let embedding = if has(&self.numbers[index][place]) {
                    is_asked = true;
                    only(for_passages.embed(&passage.join(" ")), asked)
                } else {
                    Embedding(Vec::new())
                };
                scorers.passages.upsert(&(index, place), embedding);
            }
            let embedding = if is_asked {
                only(for_wholes.embed(&document.concat().join(" ")), asked)
            } else {
                Embedding(Vec::new())
            };
            scorers.wholes.upsert(&index, embedding);
        }
        scorers
    }

    fn rank_terms(&self, terms: &[String], scorers: &Scorers) -> Vec<Ranked> {
        let query = embedding(terms.iter().map(|term| number(term)));
        let count = self.passages.len();
        let mut scores = vec![0.0_f32; count];
        for scored in scorers.wholes.matches(&query) {
            scores[scored.id] = scored.score;
        }
        let mut best_passages = vec![0.0_f32; count];
        for scored in scorers.passages.matches(&query) {
            let (document, _) = scored.id;
            best_passages[document] = best_passages[document].max(scored.score);
        }
        let alone: Vec<f32> = (0..count)
            .map(|document| {
                let score = scores[document] + PASSAGE_PART * best_passages[document];
                if self.is_step[document] { STEP_PART * score } else { score }
            })
            .collect();
        let best_related = |document: usize| {
            self.related[document].iter().map(|&other| alone[other]).fold(0.0, f32::max)
        };
        let said: f32 = terms.iter().map(|term| self.weight(number(term))).sum();
        let mut ranked: Vec<Ranked> = (0..count)
            .filter(|&document| alone[document] > 0.0)
            .map(|document| {
                let terms = self.shared_terms(document, terms);
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

    /// Returns the terms of a question, as the library numbers them.
    pub fn question_numbers(&self, question: &str) -> HashSet<u64> {
        self.terms.of_question(question).iter().map(|term| number(term)).collect()
    }

    /// Whether a question has every term of a passage.
    pub fn has_all(&self, question: &HashSet<u64>, document: usize, passage: usize) -> bool {
        self.numbers[document][passage].is_subset(question)
    }

    /// Returns how many different terms a passage has.
    pub fn passage_size(&self, document: usize, passage: usize) -> usize {
        self.numbers[document][passage].len()
    }

    fn shared_terms(&self, document: usize, terms: &[String]) -> Vec<String> {
        let has = |term: &&String| {
            self.numbers[document].iter().any(|passage| passage.contains(&number(term)))
        };
        let mut shared: Vec<String> = terms.iter().filter(has).cloned().collect();
        shared.sort_by(|a, b| self.weight(number(b)).total_cmp(&self.weight(number(a))));
        shared
    }

    fn weight(&self, term: u64) -> f32 {
        weight_of(self.frequency.get(&term).copied().unwrap_or(0), self.passages.len())
    }
}

/// The inverse document frequency, as the library has it.
fn weight_of(frequency: usize, documents: usize) -> f32 {
    let (frequency, documents) = (frequency as f32, documents as f32);
    (1.0 + (documents - frequency + 0.5) / (frequency + 0.5)).ln()
}

/// For each term, how many documents have it.
fn document_frequency(documents: &[Vec<HashSet<u64>>]) -> HashMap<u64, usize> {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for passages in documents {
        let each: HashSet<u64> = passages.iter().flatten().copied().collect();
        each.into_iter().for_each(|term| *counts.entry(term).or_default() += 1);
    }
    counts
}

/// Leaves in an embedding what is asked for, and each term once: nothing else changes a score.
fn only(mut embedding: Embedding<u64>, asked: &HashSet<u64>) -> Embedding<u64> {
    let mut seen = HashSet::new();
    embedding.0.retain(|token| asked.contains(&token.index) && seen.insert(token.index));
    embedding
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
