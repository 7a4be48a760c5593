//! Everything that is known, as it is searched: which documents a text is about, and how sure that is.
//!
//! Not for ranking (`ranking`), exact evidence (`exact`) or when a candidate is likely (`confidence`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use super::candidate::{Candidate, Confidence, Matches, QuotedLine};
use super::confidence::Situation;
use super::document::{self, QuoteWorth, SearchDocument, Subject};
use super::exact::{Evidence, ExactIndex};
use super::fitting::order_causes;
use super::ranking::{Ranked, Ranking};
use super::scored::{Scored, settle_scores};
use super::symptom::Cause;
use super::symptom_set::SymptomSet;
use super::terms::words;
use crate::assets::Assets;
use crate::check::CheckSet;
use crate::check::DefinitionError;
use crate::facts::stage::Scenario;
use crate::guide::StepSet;

/// The longest text that is looked at, in bytes.
pub const MAX_TEXT_BYTES: usize = 32 * 1024 * 1024;

/// The longest text that is ranked as a whole, in bytes: what people write, or a few lines of a log.
const MAX_QUESTION_BYTES: usize = 4 * 1024;

/// The most different lines of a longer text that are ranked.
const MAX_RANKED_LINES: usize = 200;

/// The longest line that is ranked, in bytes.
const MAX_RANKED_LINE_BYTES: usize = 1_000;

/// The most candidates, and the most that are named when none is likely.
const MAX_CANDIDATES: usize = 8;

/// The fewest terms of a message that counts as quoted.
const MIN_QUOTED_TERMS: usize = 3;

/// How near to the best a candidate has to come to be named.
const MIN_PART_OF_BEST: f32 = 0.4;

/// The most lines of a log by which the causes of a symptom are told apart.
const MAX_FITTED_LINES: usize = 20;

/// The score of an id.
const ID_SCORE: f64 = 1.0;

/// The most terms that are named as evidence.
const MAX_NAMED_TERMS: usize = 6;

/// Words that make a line of a log one that may say what is wrong.
const TROUBLE: &[&str] = &[
    "abort", "cannot", "can't", "corrupt", "critical", "denied", "emerg", "err", "expired", "fail",
    "fatal", "invalid", "killed", "lost", "missing", "no such", "not ", "panic", "refused",
    "reject", "reset", "time", "unable", "unknown", "unreach", "unsupported", "warn", "wrong",
];

/// Everything that is known.
pub struct Knowledge {
    symptoms: SymptomSet,
    documents: Vec<SearchDocument>,
    /// Made when words are looked for: an id or a code needs none of it.
    index: OnceLock<SearchIndex>,
}

/// What words are looked for in.
struct SearchIndex {
    ranking: Ranking,
    exact: ExactIndex,
}

impl SearchIndex {
    fn new(documents: &[SearchDocument]) -> Self {
        let ranking = Ranking::new(documents);
        let is_quotable = |document, passage| is_quotable(documents, &ranking, document, passage);
        let exact = ExactIndex::new(documents, is_quotable);
        Self { ranking, exact }
    }
}

impl Knowledge {
    /// Reads the symptoms and the steps of the assets, and makes one body of them and the checks.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file and line.
    pub fn load(assets: &Assets, checks: &CheckSet) -> Result<Self, DefinitionError> {
        let symptoms = SymptomSet::load(assets, checks)?;
        let steps = StepSet::load(assets, checks)?;
        let documents = document::documents(checks, symptoms.symptoms(), symptoms.topics(), &steps);
        Ok(Self::from_documents(symptoms, documents))
    }

    /// Makes what is known of other documents: without some of their texts, for example.
    pub fn from_documents(symptoms: SymptomSet, documents: Vec<SearchDocument>) -> Self {
        Self { symptoms, documents, index: OnceLock::new() }
    }

    fn index(&self) -> &SearchIndex {
        self.index.get_or_init(|| SearchIndex::new(&self.documents))
    }

    /// Returns the symptoms.
    pub fn symptoms(&self) -> &SymptomSet {
        &self.symptoms
    }

    /// Returns every document, checks first.
    pub fn documents(&self) -> &[SearchDocument] {
        &self.documents
    }

    /// Returns the document with this id.
    pub fn find(&self, id: &str) -> Option<&SearchDocument> {
        let id = id.trim();
        self.documents.iter().find(|document| {
            document.kind != Subject::Topic && document.id.eq_ignore_ascii_case(id)
        })
    }

    /// Returns the documents that an error code means.
    pub fn with_code(&self, code: &str) -> Vec<&SearchDocument> {
        let has = |document: &&SearchDocument| {
            document.codes.iter().any(|known| known.eq_ignore_ascii_case(code.trim()))
        };
        self.documents.iter().filter(has).collect()
    }

    /// Returns the checks, symptoms and steps that have words of a text, best first.
    pub fn search(&self, text: &str) -> Vec<Candidate<'_>> {
        let mut scored = self.score(text);
        scored.retain(|scored| self.documents[scored.document].kind != Subject::Topic);
        let candidate = |scored| self.candidate(scored, Confidence::Possible, document_causes);
        scored.into_iter().map(candidate).collect()
    }

    /// Returns what a text may be about; a scenario says which machines it is about.
    pub fn matches(&self, text: &str, scenario: Option<Scenario>) -> Matches<'_> {
        let text = &text[..text.floor_char_boundary(MAX_TEXT_BYTES)];
        if let Some(document) = self.find(text) {
            return Matches { candidates: vec![id_candidate(document)], out_of_scope: None };
        }
        let mut scored = self.score(text);
        let other = scenario.and_then(|scenario| self.other_scenario(&scored, scenario));
        scored.retain(|scored| self.is_of(scored, scenario));
        let situation = Situation::new(&self.documents, text, &scored, other);
        let out_of_scope = situation.topic().map(|index| &self.documents[index]);
        let best = scored.iter().map(|scored| scored.rank).fold(0.0, f32::max);
        let is_near =
            |scored: &Scored| scored.evidence.is_some() || scored.rank >= best * MIN_PART_OF_BEST;
        let is_answer = |scored: &Scored| self.documents[scored.document].kind != Subject::Topic;
        let named = scored.into_iter().filter(is_answer).filter(is_near);
        let mut candidates: Vec<Candidate<'_>> = named
            .map(|scored| {
                let confidence = situation.confidence(&scored);
                self.candidate(scored, confidence, |document, lines| {
                    self.fitting_causes(document, text, lines)
                })
            })
            .collect();
        candidates.sort_by_key(|candidate| candidate.confidence);
        if let Some(topic) = out_of_scope {
            self.put_first(topic, &mut candidates);
        }
        candidates.truncate(MAX_CANDIDATES);
        Matches { candidates, out_of_scope }
    }

    /// Puts the checks that tell whether a text is about a topic before everything else.
    fn put_first<'k>(&'k self, topic: &SearchDocument, candidates: &mut Vec<Candidate<'k>>) {
        let best = candidates.first().map_or(0.0, |candidate| candidate.score);
        for document in topic.checks().iter().rev().filter_map(|id| self.find(id)) {
            candidates.retain(|candidate| candidate.document.id != document.id);
            let because = vec![format!("it tells whether this is about {}", topic.id)];
            let confidence = Confidence::Possible;
            let score = best;
            let told = Candidate { confidence, score, because, ..unsupported(document) };
            candidates.insert(0, told);
        }
    }

    /// Returns the topic of another scenario, when the best answer is of that one alone.
    fn other_scenario(&self, scored: &[Scored], scenario: Scenario) -> Option<usize> {
        let is_topic = |scored: &&Scored| self.documents[scored.document].kind == Subject::Topic;
        let best = scored.iter().find(|scored| !is_topic(scored))?;
        let other = self.documents[best.document].scenario;
        if other.includes(scenario) {
            return None;
        }
        self.documents
            .iter()
            .position(|document| document.kind == Subject::Topic && document.scenario == other)
    }

    /// Whether a document can answer for machines of a scenario.
    fn is_of(&self, scored: &Scored, scenario: Option<Scenario>) -> bool {
        let document = &self.documents[scored.document];
        document.kind == Subject::Topic
            || scenario.is_none_or(|scenario| document.scenario.includes(scenario))
    }

    /// Returns every document that a text has something of, best first.
    fn score(&self, text: &str) -> Vec<Scored> {
        let mut evidence = self.index().exact.find(text, &self.documents);
        let ranked = if text.len() <= MAX_QUESTION_BYTES {
            self.find_quotes(text, &mut evidence);
            self.index().ranking.rank(text).into_iter().map(|ranked| (ranked, None)).collect()
        } else if evidence.is_empty() {
            self.rank_lines(text)
        } else {
            Vec::new()
        };
        let mut scored: BTreeMap<usize, Scored> = BTreeMap::new();
        for (ranked, line) in ranked {
            let index = ranked.document;
            scored.insert(index, Scored::ranked(ranked, line));
        }
        for (document, found) in evidence {
            scored.entry(document).or_insert_with(|| Scored::new(document)).evidence = Some(found);
        }
        let mut scored: Vec<Scored> = scored.into_values().collect();
        settle_scores(&mut scored);
        scored
    }

    /// Finds messages that a question quotes in other writing: without stops, in capitals, over two lines.
    fn find_quotes(&self, text: &str, evidence: &mut BTreeMap<usize, Evidence>) {
        let ranking = &self.index().ranking;
        let contained = ranking.contained(text);
        let text = format!(" {} ", words(text).join(" "));
        for (index, place) in contained {
            let passage = &self.documents[index].passages[place];
            if passage.quoted == QuoteWorth::Words {
                continue;
            }
            let said = format!(" {} ", words(&passage.text).join(" "));
            let is_whole = text == said;
            if is_whole
                || (is_quotable(&self.documents, ranking, index, place) && text.contains(&said))
            {
                evidence.entry(index).or_default().add_quote(&passage.text);
            }
        }
    }

    /// Ranks the lines of a log that may say what is wrong: for each document its best line.
    fn rank_lines(&self, text: &str) -> Vec<(Ranked, Option<QuotedLine>)> {
        let mut seen: HashSet<String> = HashSet::new();
        let mut chosen: Vec<(usize, &str)> = Vec::new();
        let lines = text.lines().enumerate();
        for (index, line) in lines.filter(|(_, line)| may_be_trouble(line)) {
            // Numbers are what differs between lines that say the same.
            if seen.insert(line.chars().filter(|char| !char.is_ascii_digit()).collect()) {
                chosen.push((index, line));
            }
            if chosen.len() >= MAX_RANKED_LINES {
                break;
            }
        }
        let lines: Vec<&str> = chosen.iter().map(|(_, line)| *line).collect();
        let mut best: HashMap<usize, (Ranked, Option<QuotedLine>)> = HashMap::new();
        for (ranked, (index, line)) in
            self.index().ranking.rank_each(&lines).into_iter().zip(chosen)
        {
            for ranked in ranked {
                let other = best.get(&ranked.document);
                if other.is_none_or(|(other, _)| ranked.score > other.score) {
                    let line = QuotedLine { number: index + 1, text: line.trim().to_owned() };
                    best.insert(ranked.document, (ranked, Some(line)));
                }
            }
        }
        best.into_values().collect()
    }

    /// Returns the causes of a document in the order in which they fit a text, or the lines that are evidence for it.
    fn fitting_causes<'k>(
        &'k self,
        document: &'k SearchDocument,
        text: &str,
        lines: &[QuotedLine],
    ) -> Vec<&'k Cause> {
        let quoted: Vec<&str> =
            lines.iter().take(MAX_FITTED_LINES).map(|line| line.text.as_str()).collect();
        let quoted = quoted.join("\n");
        let asked = if quoted.is_empty() { text } else { &quoted };
        let asked = &asked[..asked.floor_char_boundary(MAX_QUESTION_BYTES)];
        let title = |id: &str| self.find(id).map_or("", |check| check.title.as_str());
        order_causes(document, asked, &self.index().ranking, title)
    }

    fn candidate<'k>(
        &'k self,
        scored: Scored,
        confidence: Confidence,
        causes: impl Fn(&'k SearchDocument, &[QuotedLine]) -> Vec<&'k Cause>,
    ) -> Candidate<'k> {
        let score = scored.score;
        let evidence = scored.evidence.unwrap_or_default();
        let mut because: Vec<String> = Vec::new();
        because.extend(evidence.codes.iter().map(|code| format!("code {code}")));
        let mut lines: Vec<QuotedLine> =
            evidence.lines.into_iter().map(|(number, text)| QuotedLine { number, text }).collect();
        // A line says more than what it is known by.
        if lines.is_empty() {
            because.extend(evidence.quotes.iter().map(|quote| format!("said as: {quote}")));
        }
        if lines.is_empty() {
            lines.extend(scored.line);
        }
        because.extend(lines.iter().map(|line| format!("line {}: {}", line.number, line.text)));
        if because.is_empty() {
            let terms: Vec<&str> =
                scored.terms.iter().take(MAX_NAMED_TERMS).map(String::as_str).collect();
            because.push(format!("words: {}", terms.join(", ")));
        }
        let document = &self.documents[scored.document];
        Candidate {
            document,
            confidence,
            score,
            causes: causes(document, &lines),
            because,
            line_count: evidence.line_count.max(lines.len()),
            lines,
        }
    }
}

/// Returns the causes of a document as they are written, likeliest first.
fn document_causes<'k>(document: &'k SearchDocument, _: &[QuotedLine]) -> Vec<&'k Cause> {
    document.causes.iter().collect()
}

/// Whether a passage is evidence when a text has it word for word.
fn is_quotable(
    documents: &[SearchDocument],
    ranking: &Ranking,
    document: usize,
    passage: usize,
) -> bool {
    match documents[document].passages[passage].quoted {
        QuoteWorth::Words => false,
        QuoteWorth::Message => ranking.passage_size(document, passage) >= MIN_QUOTED_TERMS,
        QuoteWorth::Marker => true,
    }
}

fn id_candidate(document: &SearchDocument) -> Candidate<'_> {
    Candidate {
        confidence: Confidence::Likely,
        score: ID_SCORE,
        because: vec![format!("id {}", document.id)],
        ..unsupported(document)
    }
}

/// Returns a candidate that nothing speaks for yet.
fn unsupported(document: &SearchDocument) -> Candidate<'_> {
    Candidate {
        document,
        confidence: Confidence::Possible,
        score: 0.0,
        causes: document_causes(document, &[]),
        because: Vec::new(),
        lines: Vec::new(),
        line_count: 0,
    }
}

fn may_be_trouble(line: &str) -> bool {
    if line.len() > MAX_RANKED_LINE_BYTES {
        return false;
    }
    let line = line.to_ascii_lowercase();
    TROUBLE.iter().any(|word| line.contains(word))
}

impl Evidence {
    fn add_quote(&mut self, quote: &str) {
        if !self.quotes.iter().any(|other| other == quote) {
            self.quotes.push(quote.to_owned());
        }
    }
}
