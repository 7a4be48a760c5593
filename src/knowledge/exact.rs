//! Exact evidence in a text: error codes, messages that are quoted, signatures of lines, each with its line.
//!
//! One pass over the whole text looks for what each of them must contain; only lines with such a text are looked at
//! closely. Not for ranking (`ranking`).

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use super::document::SearchDocument;
use super::literals::required_literals;
use super::terms::words;

/// The longest text in which each needle is looked for by itself, in bytes.
const MAX_SCANNED_BYTES: usize = 4 * 1024;

/// The longest line that is looked at, in bytes.
const MAX_LINE_BYTES: usize = 8 * 1024;

/// The most lines that are kept for one document.
const MAX_LINES: usize = 200;

/// A text of more words than this, or of several lines, has numbers that are no codes.
const MAX_WORDS_AROUND_CODE: usize = 14;

/// How many words before a number may make it a code.
const MAX_WORDS_BEFORE_CODE: usize = 2;

/// Words before a number that make it a code.
const CODE_PREFIXES: &[&str] =
    &["error", "code", "id", "alert", "event", "fel", "hresult", "reason", "errore", "codice"];

/// What was found for one document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Evidence {
    /// Error codes of the document that the text has.
    pub codes: Vec<String>,
    /// Texts of the document that the text quotes.
    pub quotes: Vec<String>,
    /// Whether a signature matches.
    pub has_signature: bool,
    /// The lines that are evidence, by their number from 1; the first ones, when they are many.
    pub lines: BTreeMap<usize, String>,
    /// How many lines are evidence.
    pub line_count: usize,
}

/// What a text that is looked for stands for; the numbers are indexes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Meaning {
    Code { document: usize, code: usize },
    Quote { document: usize, passage: usize },
    Signature { document: usize, signature: usize },
}

/// One signature, compiled when a text has what it must contain.
struct Signature {
    document: usize,
    pattern: String,
    compiled: OnceLock<Option<Regex>>,
}

/// Everything that is exact evidence, ready to be looked for.
pub(super) struct ExactIndex {
    /// What is looked for, made when the first text is.
    automaton: OnceLock<Option<AhoCorasick>>,
    needles: Vec<String>,
    meanings: Vec<Meaning>,
    signatures: Vec<Signature>,
    /// Signatures without a text that can be looked for.
    others: Vec<usize>,
}

impl ExactIndex {
    /// Collects what is evidence for each document; `is_quotable` says which passages, by document and place, are evidence when
    /// a text has them word for word.
    pub fn new(documents: &[SearchDocument], is_quotable: impl Fn(usize, usize) -> bool) -> Self {
        let mut index = Self {
            automaton: OnceLock::new(),
            needles: Vec::new(),
            meanings: Vec::new(),
            signatures: Vec::new(),
            others: Vec::new(),
        };
        for (document, entry) in documents.iter().enumerate() {
            for (code, text) in entry.codes.iter().enumerate() {
                index.add(text.clone(), Meaning::Code { document, code });
            }
            for (passage, text) in entry.passages.iter().enumerate() {
                if is_quotable(document, passage) {
                    index.add(text.text.clone(), Meaning::Quote { document, passage });
                }
            }
            for pattern in &entry.signatures {
                index.add_signature(document, pattern);
            }
        }
        index
    }

    fn add(&mut self, needle: String, meaning: Meaning) {
        self.needles.push(needle.to_ascii_lowercase());
        self.meanings.push(meaning);
    }

    fn add_signature(&mut self, document: usize, pattern: &str) {
        let signature = self.signatures.len();
        let (pattern, compiled) = (pattern.to_owned(), OnceLock::new());
        match required_literals(&pattern) {
            Some(texts) => texts.into_iter().for_each(|text| {
                self.add(text, Meaning::Signature { document, signature });
            }),
            None => self.others.push(signature),
        }
        self.signatures.push(Signature { document, pattern, compiled });
    }

    /// Returns the evidence for each document that has any in a text.
    pub fn find(&self, text: &str, documents: &[SearchDocument]) -> BTreeMap<usize, Evidence> {
        let mut search = Search {
            text,
            documents,
            is_log: text.trim().contains('\n'),
            is_short: is_short(text),
            found: BTreeMap::new(),
        };
        if text.len() <= MAX_SCANNED_BYTES {
            self.look_at_hits(self.scan(text).into_iter(), &mut search);
        } else if let Some(automaton) = self.automaton() {
            let hits = automaton.find_overlapping_iter(text);
            let hits = hits.map(|hit| (hit.range(), hit.pattern().as_usize()));
            self.look_at_hits(hits, &mut search);
        }
        for &signature in &self.others {
            self.find_everywhere(signature, &mut search);
        }
        search.found
    }

    fn automaton(&self) -> Option<&AhoCorasick> {
        let make = || AhoCorasick::builder().ascii_case_insensitive(true).build(&self.needles).ok();
        self.automaton.get_or_init(make).as_ref()
    }

    /// Returns where a short text has what is looked for, in the order of the text: looking for one after the other takes
    /// less time than an automaton takes to be made.
    fn scan(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let text = text.to_ascii_lowercase();
        let mut hits: Vec<(Range<usize>, usize)> = Vec::new();
        for (index, needle) in self.needles.iter().enumerate() {
            let found = text.match_indices(needle.as_str());
            hits.extend(found.map(|(at, found)| (at..at + found.len(), index)));
        }
        hits.sort_by_key(|(place, index)| (place.start, *index));
        hits
    }

    fn look_at_hits(
        &self,
        hits: impl Iterator<Item = (Range<usize>, usize)>,
        search: &mut Search<'_>,
    ) {
        let mut line = Line::first(search.text);
        let mut seen: HashSet<Meaning> = HashSet::new();
        for (place, needle) in hits {
            if line.advance(search.text, place.start) {
                seen.clear();
            }
            let meaning = self.meanings[needle];
            if !seen.contains(&meaning) && self.is_evidence(meaning, &line, place, search) {
                seen.insert(meaning);
            }
        }
    }

    /// Looks closely at a place, and notes what it is evidence for.
    fn is_evidence(
        &self,
        meaning: Meaning,
        line: &Line,
        place: Range<usize>,
        search: &mut Search<'_>,
    ) -> bool {
        let text = line.text(search.text);
        let document = match meaning {
            Meaning::Code { document, code } => {
                let code = &search.documents[document].codes[code];
                if !stands_alone(search.text, &place) || !means_code(text, code, search.is_short) {
                    return false;
                }
                push_once(&mut search.found.entry(document).or_default().codes, code);
                document
            }
            Meaning::Quote { document, passage } => {
                if !stands_alone(search.text, &place) {
                    return false;
                }
                let quote = &search.documents[document].passages[passage].text;
                push_once(&mut search.found.entry(document).or_default().quotes, quote);
                document
            }
            Meaning::Signature { signature, .. } => {
                let signature = &self.signatures[signature];
                if !signature.compile().is_some_and(|pattern| pattern.is_match(text.as_bytes())) {
                    return false;
                }
                search.found.entry(signature.document).or_default().has_signature = true;
                signature.document
            }
        };
        search.add_line(document, line);
        true
    }

    /// Matches a signature with every line.
    fn find_everywhere(&self, signature: usize, search: &mut Search<'_>) {
        let signature = &self.signatures[signature];
        let Some(pattern) = signature.compile() else { return };
        let mut line = Line::first(search.text);
        for place in pattern.find_iter(search.text.as_bytes()) {
            let is_new = line.advance(search.text, place.start());
            let evidence = search.found.entry(signature.document).or_default();
            if is_new || !evidence.has_signature {
                evidence.has_signature = true;
                search.add_line(signature.document, &line);
            }
        }
    }
}

impl Signature {
    fn compile(&self) -> Option<&Regex> {
        let compile =
            || RegexBuilder::new(&self.pattern).case_insensitive(true).unicode(false).build().ok();
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// A text while it is searched.
struct Search<'t> {
    text: &'t str,
    documents: &'t [SearchDocument],
    /// Whether its lines are worth naming.
    is_log: bool,
    /// Whether a bare number in it may be a code.
    is_short: bool,
    found: BTreeMap<usize, Evidence>,
}

impl Search<'_> {
    fn add_line(&mut self, document: usize, line: &Line) {
        let evidence = self.found.entry(document).or_default();
        if !self.is_log || evidence.lines.contains_key(&line.number) {
            return;
        }
        evidence.line_count += 1;
        if evidence.lines.len() < MAX_LINES {
            evidence.lines.insert(line.number, line.text(self.text).trim().to_owned());
        }
    }
}

/// A line of a text.
struct Line {
    /// Its number, from 1.
    number: usize,
    start: usize,
    end: usize,
}

impl Line {
    fn first(text: &str) -> Self {
        Self { number: 1, start: 0, end: text.find('\n').unwrap_or(text.len()) }
    }

    /// Goes on to the line of a place. Returns whether it is another one.
    fn advance(&mut self, text: &str, place: usize) -> bool {
        let is_another = place > self.end;
        while place > self.end {
            self.number += 1;
            self.start = self.end + 1;
            self.end = text[self.start..].find('\n').map_or(text.len(), |at| self.start + at);
        }
        is_another
    }

    /// Returns the line, or the beginning of a long one.
    fn text<'t>(&self, text: &'t str) -> &'t str {
        let line = &text[self.start..self.end];
        &line[..line.floor_char_boundary(MAX_LINE_BYTES)]
    }
}

/// Whether a text is so short that a bare number in it is what it is about.
fn is_short(text: &str) -> bool {
    let text = text.trim();
    text.len() < 1024 && !text.contains('\n') && words(text).len() <= MAX_WORDS_AROUND_CODE
}

/// Whether a place in a text is no part of a longer word.
fn stands_alone(text: &str, place: &Range<usize>) -> bool {
    let is_open = |inner: Option<char>, outer: Option<char>| {
        let in_word = |char: Option<char>| char.is_some_and(char::is_alphanumeric);
        !(in_word(inner) && in_word(outer))
    };
    let found = &text[place.clone()];
    is_open(found.chars().next(), text[..place.start].chars().next_back())
        && is_open(found.chars().next_back(), text[place.end..].chars().next())
}

/// Whether a code in a line is one: with letters always, a number where it is called one or where the text is short.
fn means_code(line: &str, code: &str, is_short: bool) -> bool {
    if is_short || code.chars().any(char::is_alphabetic) {
        return true;
    }
    let words = words(line);
    let number = code.trim_matches(|char: char| !char.is_ascii_digit());
    let places = words.iter().enumerate().filter(|(_, word)| *word == number);
    let mut before =
        places.flat_map(|(at, _)| &words[at.saturating_sub(MAX_WORDS_BEFORE_CODE)..at]);
    before.any(|word| {
        CODE_PREFIXES.iter().any(|prefix| word.starts_with(prefix) || word.ends_with(prefix))
    })
}

fn push_once(texts: &mut Vec<String>, text: &str) {
    if !texts.iter().any(|other| other == text) {
        texts.push(text.to_owned());
    }
}
