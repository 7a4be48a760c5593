//! Matches a text with symptoms: by its words, error codes, or the lines of a log.
//!
//! A description fits by how much of it is said, and by how much of what is said it explains. Rare
//! terms count more than those that half of all symptoms share. Not for reading symptoms.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use regex::bytes::{Regex, RegexBuilder};

use super::symptom::{OutOfScope, Symptom};
use super::tokenizer::{Term, Tokenizer, words};

/// The longest text that is looked at, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 * 1024;

/// The least score of a symptom that fits.
pub const MIN_SCORE: f64 = 0.4;

/// The least score of a symptom that is named when none fits.
pub const MIN_NEAR_SCORE: f64 = 0.25;

/// The most symptoms that are named.
const MAX_CANDIDATES: usize = 5;

/// The least part of the best score that another symptom needs to be named too.
const MIN_PART_OF_BEST: f64 = 0.6;

/// The most words of a question; a longer text is a log.
const MAX_QUESTION_WORDS: usize = 60;

/// The most different lines of a log that are compared with descriptions.
const MAX_COMPARED_LINES: usize = 400;

/// The most that a code, a pattern, the words of a question and those of a line in a log score.
const CODE_SCORE: f64 = 0.97;
const PATTERN_SCORE: f64 = 0.85;
const QUESTION_SCORE: f64 = 0.95;
const LINE_SCORE: f64 = 0.85;

/// The weight of a term that describes a symptom's causes, and not the symptom.
const RELATED_WEIGHT: f64 = 0.5;

/// A text of more words than this, or of several lines, has numbers that are no codes.
const MAX_WORDS_AROUND_CODE: usize = 14;

/// The most lines of a log that are read for their words.
const MAX_READ_LINES: usize = 4_000;

/// How much it counts that a description leaves words of the text unexplained.
const EXPLAINED_EXPONENT: f64 = 0.7;

/// The weights for a text, which depend on whether it has a term of failback.
struct Weights {
    /// The factor of a description that fits.
    factor: f64,
    /// The weight of a word that no symptom has.
    unknown_word: f64,
    /// The most that all such words weigh together.
    max_unknown: f64,
}

const FAILBACK_WEIGHTS: Weights = Weights { factor: 1.0, unknown_word: 1.2, max_unknown: 4.0 };
const GENERAL_WEIGHTS: Weights = Weights { factor: 0.53, unknown_word: 2.0, max_unknown: 6.0 };

/// Words before a number that make it a code.
const CODE_PREFIXES: &[&str] =
    &["error", "code", "id", "alert", "event", "fel", "hresult", "reason"];

/// A symptom that a text may describe.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'s> {
    /// The symptom.
    pub symptom: &'s Symptom,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// The evidence in the text, as fragments.
    pub because: Vec<String>,
}

/// The symptoms that a text may describe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matches<'s> {
    /// The symptoms that fit, best first.
    pub candidates: Vec<Candidate<'s>>,
    /// When none fits, those that come nearest, if any comes near.
    pub nearest: Vec<Candidate<'s>>,
    /// The answer, if the text is about a topic that is out of scope.
    pub out_of_scope: Option<&'s str>,
}

/// The descriptions, codes and patterns of all symptoms, ready to be matched.
pub(super) struct Matcher {
    tokenizer: Tokenizer,
    /// The number of each term that a symptom is described with.
    terms: HashMap<String, usize>,
    /// Terms that make a text one about failback.
    ours: HashSet<String>,
    /// What each of those terms weighs.
    weights: Vec<f64>,
    symptoms: Vec<SymptomTerms>,
    /// The symptoms that each code means, by its lower case.
    codes: HashMap<String, Vec<usize>>,
    /// Each pattern with the symptom it belongs to. One by one they are faster than as a set, for
    /// most begin with letters that can be searched for first.
    patterns: Vec<(usize, Regex)>,
    /// The phrases of each matter that is not ours.
    elsewhere: Vec<Vec<Vec<String>>>,
}

/// One symptom as numbers of terms.
struct SymptomTerms {
    /// Each description, with what it weighs as a whole.
    phrases: Vec<(Vec<usize>, f64)>,
    /// For each term, how much it belongs to the symptom: as a whole, in part, or not at all.
    related: Vec<f64>,
}

impl Matcher {
    pub(super) fn new(
        spellings: &BTreeMap<String, Vec<String>>,
        ours: Vec<String>,
        symptoms: &[Symptom],
        elsewhere: &[OutOfScope],
    ) -> Result<Self, regex::Error> {
        let table = spellings.iter().map(|(terms, list)| (terms.as_str(), list.as_slice()));
        let mut tokenizer = Tokenizer::new(table);
        let mut terms: HashMap<String, usize> = HashMap::new();
        let mut number = |term: String| {
            let next = terms.len();
            *terms.entry(term).or_insert(next)
        };
        let mut described: Vec<Vec<Vec<usize>>> = Vec::new();
        for symptom in symptoms {
            let phrases = symptom.words.iter().map(|text| tokenizer.learn(text));
            described.push(phrases.map(|p| p.into_iter().map(&mut number).collect()).collect());
        }
        let mut counts = vec![0_usize; terms.len()];
        for phrases in &described {
            let all: BTreeSet<usize> = phrases.iter().flatten().copied().collect();
            all.into_iter().for_each(|term| counts[term] += 1);
        }
        let all = symptoms.len() as f64;
        let weights: Vec<f64> = counts.iter().map(|&n| (1.0 + all / n as f64).ln()).collect();
        let symptoms_described = symptoms.iter().zip(described).map(|(symptom, phrases)| {
            let mut related = vec![0.0; weights.len()];
            // What else is said of a symptom explains words of a question in part, and describes
            // nothing.
            let texts = symptom.causes.iter().map(|cause| cause.cause.as_str());
            for text in texts.chain([symptom.title.as_str()]) {
                for term in tokenizer.terms(text, false) {
                    if let Term::Known(term) = term
                        && let Some(&term) = terms.get(&term)
                    {
                        related[term] = RELATED_WEIGHT;
                    }
                }
            }
            phrases.iter().flatten().for_each(|&term| related[term] = 1.0);
            let weigh = |phrase: Vec<usize>| {
                let whole = phrase.iter().map(|&term| weights[term]).sum();
                (phrase, whole)
            };
            SymptomTerms { phrases: phrases.into_iter().map(weigh).collect(), related }
        });
        let symptoms_described = symptoms_described.collect();
        let mut patterns = Vec::new();
        for (at, symptom) in symptoms.iter().enumerate() {
            for text in &symptom.patterns {
                let pattern =
                    RegexBuilder::new(text).case_insensitive(true).unicode(false).build()?;
                patterns.push((at, pattern));
            }
        }
        let phrases = |matter: &OutOfScope| matter.words.iter().map(|text| words(text)).collect();
        let elsewhere = elsewhere.iter().map(phrases).collect();
        let ours = ours.into_iter().collect();
        let mut codes: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, symptom) in symptoms.iter().enumerate() {
            for code in &symptom.codes {
                codes.entry(code.to_lowercase()).or_default().push(at);
            }
        }
        Ok(Self {
            tokenizer,
            terms,
            ours,
            weights,
            symptoms: symptoms_described,
            codes,
            patterns,
            elsewhere,
        })
    }

    /// What a text speaks of. A text past [`MAX_TEXT_BYTES`] is looked at up to there.
    pub(super) fn matches<'s>(
        &self,
        text: &str,
        symptoms: &'s [Symptom],
        elsewhere: &'s [OutOfScope],
    ) -> Matches<'s> {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        let all_words = words(text);
        let question = all_words.len() <= MAX_QUESTION_WORDS;
        let mut found: Vec<MatchEvidence> = vec![MatchEvidence::default(); symptoms.len()];
        self.score_words(text, question, &mut found);
        self.score_codes(text, question, symptoms, &mut found);
        self.score_patterns(text, &mut found);
        let out_of_scope =
            question.then(|| self.find_out_of_scope(text, &all_words, elsewhere)).flatten();
        let candidates = symptoms.iter().zip(found).map(|(symptom, found)| {
            let score = if out_of_scope.is_some() { found.certain } else { found.score() };
            (found.shared, Candidate { symptom, score, because: found.because })
        });
        let mut candidates: Vec<(f64, Candidate<'s>)> = candidates.collect();
        // Among equals the one that more is said of; then the order they are written in.
        candidates.sort_by(|(more, a), (less, b)| {
            b.score.total_cmp(&a.score).then_with(|| less.total_cmp(more))
        });
        let candidates: Vec<Candidate<'s>> = candidates.into_iter().map(|(_, c)| c).collect();
        let best = candidates.first().map_or(0.0, |candidate| candidate.score);
        let least = MIN_SCORE.max(best * MIN_PART_OF_BEST);
        let mut matches = Matches { out_of_scope, ..Matches::default() };
        for candidate in candidates.into_iter().take(MAX_CANDIDATES) {
            if candidate.score >= least {
                matches.candidates.push(candidate);
            } else if best < MIN_SCORE
                && candidate.score >= MIN_NEAR_SCORE
                && out_of_scope.is_none()
            {
                matches.nearest.push(candidate);
            }
        }
        if !matches.candidates.is_empty() {
            matches.out_of_scope = None;
        }
        matches
    }

    /// Scores the words of the whole question, or of each line of a log.
    fn score_words(&self, text: &str, question: bool, found: &mut [MatchEvidence]) {
        let mut compared: BTreeSet<BTreeSet<Term>> = BTreeSet::new();
        let mut compare = |text: &str, factor: f64| {
            let terms = self.tokenizer.terms(text, question);
            if compared.contains(&terms) {
                return compared.len();
            }
            let query = self.parse_query(&terms);
            for (described, found) in self.symptoms.iter().zip(&mut *found) {
                let (score, shared) = self.fit(&query, described);
                if (factor * score, shared) > (found.words, found.shared) {
                    (found.words, found.shared) = (factor * score, shared);
                }
            }
            compared.insert(terms);
            compared.len()
        };
        if question {
            compare(text, QUESTION_SCORE);
        }
        if !question || text.trim().contains('\n') {
            let lines = text.lines().filter(|line| line.len() < 2_000).take(MAX_READ_LINES);
            lines
                .map(|line| compare(line, LINE_SCORE))
                .find(|&compared| compared > MAX_COMPARED_LINES);
        }
    }

    /// Returns the terms of a text by their numbers.
    fn parse_query(&self, terms: &BTreeSet<Term>) -> Query {
        let is_ours = |term: &Term| matches!(term, Term::Known(term) if self.ours.contains(term));
        let weights = if terms.iter().any(is_ours) { &FAILBACK_WEIGHTS } else { &GENERAL_WEIGHTS };
        let number = |term: &Term| match term {
            Term::Known(term) => self.terms.get(term).copied(),
            Term::Unknown(_) => None,
        };
        let numbers: Vec<usize> = terms.iter().filter_map(number).collect();
        let mut known = vec![false; self.weights.len()];
        numbers.iter().for_each(|&term| known[term] = true);
        let unknown = terms.iter().filter(|term| matches!(term, Term::Unknown(_))).count() as f64;
        let unknown = f64::min(weights.unknown_word * unknown, weights.max_unknown);
        Query { terms: numbers, known, unknown, factor: weights.factor }
    }

    /// How well a symptom's best description fits what is said, and what the terms weigh that they
    /// share.
    fn fit(&self, query: &Query, described: &SymptomTerms) -> (f64, f64) {
        let said: f64 = query.terms.iter().map(|&term| self.weights[term]).sum();
        if said == 0.0 {
            return (0.0, 0.0);
        }
        let related = query.terms.iter().map(|&term| self.weights[term] * described.related[term]);
        let explained = related.sum::<f64>() / (said + query.unknown);
        let part = |(phrase, whole): &(Vec<usize>, f64)| {
            let shared = phrase.iter().filter(|&&term| query.known[term]);
            let shared: f64 = shared.map(|&term| self.weights[term]).sum();
            (shared / whole, shared)
        };
        let better = |a: (f64, f64), b: (f64, f64)| if b > a { b } else { a };
        let (best, shared) = described.phrases.iter().map(part).fold((0.0, 0.0), better);
        (query.factor * best * explained.powf(EXPLAINED_EXPONENT), shared)
    }

    /// Looks for error codes: in a question any, in a log those that are called one.
    fn score_codes(
        &self,
        text: &str,
        question: bool,
        symptoms: &[Symptom],
        found: &mut [MatchEvidence],
    ) {
        let short = question && !text.trim().contains('\n');
        let short = short && words(text).len() <= MAX_WORDS_AROUND_CODE;
        for line in text.lines() {
            let tokens = words(line);
            for (at, token) in tokens.iter().enumerate() {
                let Some(owners) = self.codes.get(token) else { continue };
                let number = token.bytes().all(|byte| byte.is_ascii_digit());
                let before = &tokens[at.saturating_sub(2)..at];
                let called = before.iter().any(|word| {
                    CODE_PREFIXES.iter().any(|m| word.starts_with(m) || word.ends_with(m))
                });
                if !number || short || called {
                    owners.iter().for_each(|&owner| found[owner].add_code(token));
                }
            }
        }
        if !question {
            return;
        }
        // A code such as `(7)` is no word.
        let marked = |code: &&String| !code.chars().all(char::is_alphanumeric);
        for (symptom, found) in symptoms.iter().zip(found) {
            let mut codes = symptom.codes.iter().filter(marked);
            if let Some(code) = codes.find(|code| text.contains(code.as_str())) {
                found.add_code(code);
            }
        }
    }

    /// Looks for lines that belong to a symptom.
    fn score_patterns(&self, text: &str, found: &mut [MatchEvidence]) {
        let is_log = text.trim().contains('\n');
        for (owner, pattern) in &self.patterns {
            let Some(seen) = pattern.find(text.as_bytes()) else { continue };
            let found = &mut found[*owner];
            found.certain = combine(found.certain, PATTERN_SCORE);
            if is_log {
                found.add_line(text, seen.start());
            }
        }
    }

    /// Finds the topic out of scope that a question is about.
    fn find_out_of_scope<'s>(
        &self,
        text: &str,
        all_words: &[String],
        elsewhere: &'s [OutOfScope],
    ) -> Option<&'s str> {
        let terms = self.tokenizer.terms(text, false);
        let ours = |term: &String| terms.contains(&Term::Known(term.clone()));
        let matters = elsewhere.iter().zip(&self.elsewhere);
        let mut matters = matters.filter(|(matter, _)| !matter.unless.iter().any(ours));
        let meant = |phrases: &Vec<Vec<String>>| {
            phrases.iter().any(|p| Tokenizer::contains_phrase(all_words, p))
        };
        matters.find(|(_, phrases)| meant(phrases)).map(|(matter, _)| matter.says.as_str())
    }
}

/// One text as numbers of terms.
struct Query {
    /// The terms that descriptions of symptoms have.
    terms: Vec<usize>,
    /// For each term, whether the text has it.
    known: Vec<bool>,
    /// The weight of the words that no symptom has.
    unknown: f64,
    /// The factor of a description that fits.
    factor: f64,
}

/// The evidence for one symptom.
#[derive(Clone, Debug, Default)]
struct MatchEvidence {
    words: f64,
    /// The weight of the matching words.
    shared: f64,
    /// The score of codes and patterns.
    certain: f64,
    because: Vec<String>,
}

impl MatchEvidence {
    fn add_code(&mut self, code: &str) {
        let because = format!("code {code}");
        if !self.because.contains(&because) {
            self.certain = combine(self.certain, CODE_SCORE);
            self.because.push(because);
        }
    }

    /// Notes the line that a place of the text is in.
    fn add_line(&mut self, text: &str, place: usize) {
        let before = text.as_bytes()[..place].iter().filter(|&&byte| byte == b'\n').count();
        let Some(line) = text.lines().nth(before) else { return };
        let because = format!("line {}: {}", before + 1, line.trim());
        if !self.because.contains(&because) {
            self.because.push(because);
        }
    }

    fn score(&self) -> f64 {
        combine(self.certain, self.words)
    }
}

/// Combines the scores of two independent signs.
fn combine(a: f64, b: f64) -> f64 {
    1.0 - (1.0 - a) * (1.0 - b)
}
