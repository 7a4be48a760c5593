//! Ranks documents by BM25: how well each fits the terms of a question.
//!
//! A document is ranked as a whole and by its best passage, for a short phrase that says just what is asked means more
//! than the same words scattered over a long text. Terms have the library's weights. The library is given what has a term of the
//! question, when there is a question, so that nothing is made that nobody asks for. Not for exact evidence (`exact`).

use std::ops::Range;

use bm25::{Embedding, Scorer, TokenEmbedding};

use super::document::{SearchDocument, Subject};
use super::terms::{QuestionTerm, Terms};

/// The part of the score of a symptom that counts for its checks, and of a check for its symptoms.
const RELATED_PART: f32 = 0.3;

/// The part of the score of the best passage that counts beside that of the whole.
const PASSAGE_PART: f32 = 0.5;

/// What a step of the guide counts beside what it is done for: it says what to do, and not what is wrong.
const STEP_PART: f32 = 0.5;

/// How much a term counts that is there again and again, and how much a text's length does: the library's own weights.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A document with how well it fits a question.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ranked {
    /// The document's index.
    pub document: usize,
    /// Its score; what is good depends on the question.
    pub score: f32,
    /// The part of the question's weight that the document explains, from 0 to 1.
    pub explained: f32,
    /// The words of the question that the document has, heaviest first.
    pub terms: Vec<String>,
}

/// All documents, ready to be ranked.
pub(super) struct Ranking {
    terms: Terms,
    /// The terms of all passages, one after the other, in the order of their words.
    sequence: Vec<u32>,
    /// The passages of all documents, in their order.
    passages: Vec<RankedPassage>,
    /// Which passages are whose.
    documents: Vec<Range<usize>>,
    /// For each term, by its number, how many documents have it.
    frequency: Vec<u32>,
    /// The symptoms of each check and the checks of each symptom, by index.
    related: Vec<Vec<usize>>,
    is_step: Vec<bool>,
}

/// One passage, as its terms stand in the sequence.
struct RankedPassage {
    terms: Range<usize>,
    /// How many different terms it has.
    distinct: usize,
}

/// The library's scores of documents and passages.
struct Scorers {
    wholes: Scorer<usize, u32>,
    passages: Scorer<usize, u32>,
}

/// Terms that are marked: by its number, whether a term is one of them.
struct TermMarks(Vec<bool>);

impl Ranking {
    /// Takes all documents apart.
    pub fn new(documents: &[SearchDocument]) -> Self {
        let mut terms = Terms::new();
        let mut words: Vec<Vec<Vec<u32>>> = Vec::with_capacity(documents.len());
        for document in documents {
            let passages = document.passages.iter();
            words.push(passages.map(|passage| terms.learn(&passage.text)).collect());
        }
        terms.join();
        let mut ranking = Self {
            sequence: Vec::new(),
            passages: Vec::new(),
            documents: Vec::with_capacity(documents.len()),
            frequency: vec![0; terms.count()],
            related: related(documents),
            is_step: documents.iter().map(|document| document.kind == Subject::Step).collect(),
            terms,
        };
        let mut last_passage = vec![usize::MAX; ranking.frequency.len()];
        let mut last_document = last_passage.clone();
        for (index, passages) in words.iter().enumerate() {
            let first = ranking.passages.len();
            for words in passages {
                ranking.add_passage(words, index, &mut last_passage, &mut last_document);
            }
            ranking.documents.push(first..ranking.passages.len());
        }
        ranking
    }

    /// Adds a passage of a document. For each term it is noted which passage and which document had it last.
    fn add_passage(
        &mut self,
        words: &[u32],
        document: usize,
        last_passage: &mut [usize],
        last_document: &mut [usize],
    ) {
        let (passage, start) = (self.passages.len(), self.sequence.len());
        let mut distinct = 0;
        for term in self.terms.of_document(words) {
            self.sequence.push(term);
            let term = term as usize;
            if std::mem::replace(&mut last_passage[term], passage) != passage {
                distinct += 1;
            }
            if std::mem::replace(&mut last_document[term], document) != document {
                self.frequency[term] += 1;
            }
        }
        self.passages.push(RankedPassage { terms: start..self.sequence.len(), distinct });
    }

    /// Returns the documents that have a term of the question, best first.
    pub fn rank(&self, question: &str) -> Vec<Ranked> {
        self.rank_each(&[question]).pop().unwrap_or_default()
    }

    /// Returns for each question the documents that have a term of it, best first.
    pub fn rank_each(&self, questions: &[&str]) -> Vec<Vec<Ranked>> {
        let questions: Vec<Vec<QuestionTerm>> =
            questions.iter().map(|question| self.terms.of_question(question)).collect();
        let asked = self.marked_terms(questions.iter().flatten());
        let scorers = self.scorers(&asked);
        questions.iter().map(|terms| self.rank_terms(terms, &scorers)).collect()
    }

    fn marked_terms<'t>(&self, terms: impl Iterator<Item = &'t QuestionTerm>) -> TermMarks {
        let mut asked = vec![false; self.frequency.len()];
        terms.filter_map(|term| term.number).for_each(|number| asked[number as usize] = true);
        TermMarks(asked)
    }

    /// Returns the terms of the passages of a document.
    fn terms_of(&self, document: usize) -> &[u32] {
        let passages = &self.passages[self.documents[document].clone()];
        match (passages.first(), passages.last()) {
            (Some(first), Some(last)) => &self.sequence[first.terms.start..last.terms.end],
            _ => &[],
        }
    }

    /// Gives the library those terms that are asked for. What has none of them is there without terms, for it counts when the
    /// library weighs how rare a term is.
    fn scorers(&self, asked: &TermMarks) -> Scorers {
        let mut scorers = Scorers { wholes: Scorer::new(), passages: Scorer::new() };
        let average_whole = average(self.sequence.len(), self.documents.len());
        let average_passage = average(self.sequence.len(), self.passages.len());
        for document in 0..self.documents.len() {
            let whole = embedding(self.terms_of(document), asked, average_whole);
            let has_any = !whole.is_empty();
            scorers.wholes.upsert(&document, whole);
            for index in self.documents[document].clone() {
                let terms = self.passages[index].terms.clone();
                let terms = if has_any { &self.sequence[terms] } else { &[] };
                scorers.passages.upsert(&index, embedding(terms, asked, average_passage));
            }
        }
        scorers
    }

    fn rank_terms(&self, terms: &[QuestionTerm], scorers: &Scorers) -> Vec<Ranked> {
        let query = Embedding(
            terms
                .iter()
                .filter_map(|term| term.number)
                .map(|index| TokenEmbedding { index, value: 1.0 })
                .collect(),
        );
        let asked = self.marked_terms(terms.iter());
        let alone: Vec<f32> = (0..self.documents.len())
            .map(|document| self.score_alone(document, &query, &asked, scorers))
            .collect();
        let best_related = |document: usize| {
            self.related[document].iter().map(|&other| alone[other]).fold(0.0, f32::max)
        };
        let said: f32 = terms.iter().map(|term| self.weight(term)).sum();
        let mut ranked: Vec<Ranked> = (0..alone.len())
            .filter(|&document| alone[document] > 0.0)
            .map(|document| {
                let shared = self.shared_terms(document, terms);
                let weight: f32 = shared.iter().map(|term| self.weight(term)).sum();
                Ranked {
                    document,
                    score: alone[document] + RELATED_PART * best_related(document),
                    explained: weight / said,
                    terms: shared.into_iter().map(|term| term.word.clone()).collect(),
                }
            })
            .collect();
        ranked
            .sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.document.cmp(&b.document)));
        ranked
    }

    /// Returns the score of a document by itself.
    fn score_alone(
        &self,
        document: usize,
        query: &Embedding<u32>,
        asked: &TermMarks,
        scorers: &Scorers,
    ) -> f32 {
        if !asked.is_any_of(self.terms_of(document)) {
            return 0.0;
        }
        let whole = scorers.wholes.score(&document, query).unwrap_or(0.0);
        let passages = self.documents[document].clone();
        let best_passage = passages
            .filter(|&index| asked.is_any_of(&self.sequence[self.passages[index].terms.clone()]))
            .filter_map(|index| scorers.passages.score(&index, query))
            .fold(0.0, f32::max);
        let score = whole + PASSAGE_PART * best_passage;
        if self.is_step[document] { STEP_PART * score } else { score }
    }

    /// Returns the terms of a question.
    pub fn question(&self, text: &str) -> Vec<QuestionTerm> {
        self.terms.of_question(text)
    }

    /// Leaves out of a question the terms that a text has.
    pub fn without(&self, question: &mut Vec<QuestionTerm>, text: &str) {
        let own = self.terms.of_question(text);
        question.retain(|term| !own.contains(term));
    }

    /// Returns the weight of the terms that a question shares with a text; numbers do not count, for logs are full of them.
    pub fn shared_weight(&self, question: &[QuestionTerm], text: &str) -> f32 {
        let is_number = |term: &QuestionTerm| term.text.bytes().all(|byte| byte.is_ascii_digit());
        let own = self.terms.of_question(text).into_iter().filter(|term| !is_number(term));
        own.filter(|term| question.contains(term)).map(|term| self.weight(&term)).sum()
    }

    /// Returns which passages a question has every term of, by document and place.
    pub fn contained(&self, question: &str) -> Vec<(usize, usize)> {
        let terms = self.terms.of_question(question);
        let asked = self.marked_terms(terms.iter());
        let mut contained = Vec::new();
        for (document, passages) in self.documents.iter().enumerate() {
            for (place, passage) in self.passages[passages.clone()].iter().enumerate() {
                if asked.is_all_of(&self.sequence[passage.terms.clone()]) {
                    contained.push((document, place));
                }
            }
        }
        contained
    }

    /// Returns how many different terms a passage has.
    pub fn passage_size(&self, document: usize, passage: usize) -> usize {
        self.passages[self.documents[document].start + passage].distinct
    }

    fn shared_terms<'t>(
        &self,
        document: usize,
        terms: &'t [QuestionTerm],
    ) -> Vec<&'t QuestionTerm> {
        let own = self.terms_of(document);
        let has = |term: &&QuestionTerm| term.number.is_some_and(|number| own.contains(&number));
        let mut shared: Vec<&QuestionTerm> = terms.iter().filter(has).collect();
        shared.sort_by(|a, b| self.weight(b).total_cmp(&self.weight(a)));
        shared
    }

    /// Returns the inverse document frequency of a term, as the library has it.
    fn weight(&self, term: &QuestionTerm) -> f32 {
        let frequency = term.number.map_or(0, |number| self.frequency[number as usize]) as f32;
        let documents = self.documents.len() as f32;
        (1.0 + (documents - frequency + 0.5) / (frequency + 0.5)).ln()
    }
}

impl TermMarks {
    fn has(&self, term: u32) -> bool {
        self.0[term as usize]
    }

    fn is_any_of(&self, terms: &[u32]) -> bool {
        terms.iter().any(|&term| self.has(term))
    }

    fn is_all_of(&self, terms: &[u32]) -> bool {
        terms.iter().all(|&term| self.has(term))
    }
}

/// Returns what the library's embedder makes of a text: the terms that are asked for, each once, with their frequency in proportion
/// to the text's length.
fn embedding(terms: &[u32], asked: &TermMarks, average: f32) -> Embedding<u32> {
    let mut counts: Vec<TokenEmbedding<u32>> = Vec::new();
    for &term in terms.iter().filter(|&&term| asked.has(term)) {
        match counts.iter_mut().find(|token| token.index == term) {
            Some(token) => token.value += 1.0,
            None => counts.push(TokenEmbedding { index: term, value: 1.0 }),
        }
    }
    let length = terms.len() as f32 / average;
    for token in &mut counts {
        token.value = token.value * (K1 + 1.0) / (token.value + K1 * (1.0 - B + B * length));
    }
    Embedding(counts)
}

fn average(total: usize, count: usize) -> f32 {
    f32::max(total as f32 / f32::max(count as f32, 1.0), 1.0)
}

fn related(documents: &[SearchDocument]) -> Vec<Vec<usize>> {
    let places: std::collections::HashMap<&str, usize> = documents
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

#[cfg(test)]
mod tests {
    use bm25::{EmbedderBuilder, TokenEmbedder, Tokenizer};

    use super::*;

    /// Terms of a text that are numbers already.
    struct Numbers;

    impl Tokenizer for Numbers {
        fn tokenize(&self, text: &str) -> Vec<String> {
            text.split(' ').map(str::to_owned).collect()
        }
    }

    struct Number;

    impl TokenEmbedder for Number {
        type EmbeddingSpace = u32;

        fn embed(term: &str) -> u32 {
            term.parse().unwrap()
        }
    }

    #[test]
    fn terms_count_as_the_library_counts_them() {
        let terms = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5];
        for average in [2.0, 11.0, 40.0] {
            let text = terms.map(|term: u32| term.to_string()).join(" ");
            let embedder =
                EmbedderBuilder::<Number, _>::with_tokenizer_and_fit_to_corpus(Numbers, &[]);
            let theirs = embedder.avgdl(average).build().embed(&text);
            let ours = embedding(&terms, &TermMarks(vec![true; 10]), average);
            assert_eq!(ours.len(), 7);
            for token in ours.iter() {
                let same = theirs.iter().find(|other| other.index == token.index).unwrap();
                assert!((same.value - token.value).abs() < 1e-6, "{token:?} {same:?}");
            }
        }
    }
}
