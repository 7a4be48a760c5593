//! A text into the terms by which it is searched: words without their endings, identifiers, pairs of Chinese characters.
//!
//! Words and their terms are numbers, for a text is taken apart at each start of the program. Not for what a term is worth:
//! `ranking` weighs them.

use std::sync::OnceLock;

use rust_stemmers::{Algorithm, Stemmer};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

/// The longest word that is a term, in characters: longer ones are no language.
const MAX_WORD_CHARS: usize = 40;

/// The shortest word whose misspelling is corrected.
const MIN_CORRECTED_CHARS: usize = 5;

/// The shortest word that two words of a text may be together, in bytes.
const MIN_JOINED_BYTES: usize = 5;

/// The fewest letters behind an apostrophe that are a word of their own, as in Italian: English has at most two, as in `we're`.
const MIN_ELIDED_CHARS: usize = 3;

/// The languages of the seed documents' editions that have words which mean nothing.
const LANGUAGES: &[&str] = &["en", "sv", "it"];

/// Words that mean nothing in one language, and something here.
const MEANINGFUL: &[&str] = &["var", "ad"];

/// A term of a question.
#[derive(Clone, Debug)]
pub(super) struct QuestionTerm {
    /// The term, without the word's ending.
    pub text: String,
    /// The word as it was asked, in lower case.
    pub word: String,
    /// Its number, if a document has it.
    pub number: Option<u32>,
}

impl PartialEq for QuestionTerm {
    /// Two words are one term when they differ by their endings alone.
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Turns texts into terms.
pub(super) struct Terms {
    stemmer: Stemmer,
    stop_words: HashSet<&'static str>,
    /// The number of each word of the documents and of each term.
    numbers: HashMap<String, u32>,
    /// By number.
    entries: Vec<Entry>,
    /// Two neighbours that are written as one word elsewhere, with the term of that word.
    joined: HashMap<(u32, u32), u32>,
    /// The words that misspelt ones are looked up among, by their first letter.
    by_initial: OnceLock<HashMap<char, Vec<String>>>,
}

/// What is known of a word or term.
#[derive(Clone, Copy)]
struct Entry {
    term: u32,
    is_word: bool,
    is_term: bool,
    is_stop_word: bool,
    /// Whether it is the first of two neighbours that are written as one word elsewhere.
    begins_joined: bool,
}

impl Terms {
    /// Makes terms of no documents yet.
    pub fn new() -> Self {
        let words = LANGUAGES.iter().flat_map(|language| stop_words::get(language)).copied();
        Self {
            stemmer: Stemmer::create(Algorithm::English),
            stop_words: words.filter(|word| !MEANINGFUL.contains(word)).collect(),
            numbers: HashMap::default(),
            entries: Vec::new(),
            joined: HashMap::default(),
            by_initial: OnceLock::new(),
        }
    }

    /// Learns the words of a document's text. Returns their numbers, in their order.
    pub fn learn(&mut self, text: &str) -> Vec<u32> {
        let mut numbers = Vec::new();
        each_word(text, |word| {
            let number = match self.numbers.get(word) {
                Some(&number) if self.entries[number as usize].is_word => number,
                Some(_) | None => self.learn_word(word),
            };
            numbers.push(number);
        });
        numbers
    }

    fn learn_word(&mut self, word: &str) -> u32 {
        let number = self.number(word);
        let is_stop_word = self.stop_words.contains(word);
        let term = if is_stop_word { number } else { self.number(&self.stem(word)) };
        self.entries[term as usize].is_term = true;
        let entry = &mut self.entries[number as usize];
        (entry.term, entry.is_word, entry.is_stop_word) = (term, true, is_stop_word);
        number
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.entries.len() as u32;
        self.entries.push(Entry {
            term: number,
            is_word: false,
            is_term: false,
            is_stop_word: false,
            begins_joined: false,
        });
        self.numbers.insert(text.to_owned(), number);
        number
    }

    /// Finds which neighbours are written as one word elsewhere, once all documents are learnt: `fail back` and `failback` meet.
    pub fn join(&mut self) {
        let mut joined = HashMap::default();
        for (word, &number) in &self.numbers {
            let entry = self.entries[number as usize];
            if !entry.is_word || word.len() < MIN_JOINED_BYTES {
                continue;
            }
            for (at, _) in word.char_indices().skip(1) {
                let parts = [self.numbers.get(&word[..at]), self.numbers.get(&word[at..])];
                if let [Some(&first), Some(&last)] = parts {
                    joined.insert((first, last), entry.term);
                }
            }
        }
        for &(first, _) in joined.keys() {
            self.entries[first as usize].begins_joined = true;
        }
        self.joined = joined;
    }

    /// Returns how many numbers there are.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// Returns the terms of the words of a document, in their order. Two words that are written as one elsewhere are that
    /// word, too.
    pub fn of_document(&self, words: &[u32]) -> Vec<u32> {
        let mut terms = Vec::with_capacity(words.len());
        let mut before: Option<u32> = None;
        for &word in words {
            let Entry { term, is_stop_word, .. } = self.entries[word as usize];
            terms.extend(before.and_then(|before| self.joined_term(before, word, term)));
            if !is_stop_word {
                terms.push(term);
            }
            before = Some(term);
        }
        terms
    }

    fn joined_term(&self, before: u32, word: u32, term: u32) -> Option<u32> {
        if !self.entries[before as usize].begins_joined {
            return None;
        }
        self.joined.get(&(before, word)).or_else(|| self.joined.get(&(before, term))).copied()
    }

    /// Returns the terms of a question, each once. A misspelt word is taken for the known one it resembles.
    pub fn of_question(&self, text: &str) -> Vec<QuestionTerm> {
        let mut terms: Vec<QuestionTerm> = Vec::new();
        let mut add = |term: QuestionTerm| {
            if !terms.contains(&term) {
                terms.push(term);
            }
        };
        let mut before: Option<String> = None;
        for word in words(text) {
            let is_stop_word = self.stop_words.contains(word.as_str());
            let term = if is_stop_word {
                QuestionTerm {
                    number: self.numbers.get(&word).copied(),
                    text: word.clone(),
                    word: word.clone(),
                }
            } else {
                self.question_term(&word)
            };
            if let Some(before) = before.replace(term.text.clone()) {
                let whole =
                    [&word, &term.text].into_iter().find_map(|last| self.whole(&before, last));
                whole.into_iter().for_each(&mut add);
            }
            if !is_stop_word {
                add(term);
            }
        }
        terms
    }

    /// Returns the term of the word that two neighbours are together elsewhere.
    fn whole(&self, first: &str, last: &str) -> Option<QuestionTerm> {
        let word = format!("{first}{last}");
        let number = *self.numbers.get(&word).filter(|_| word.len() >= MIN_JOINED_BYTES)?;
        let entry = self.entries[number as usize];
        let text = self.stem(&word);
        entry.is_word.then_some(QuestionTerm { text, number: Some(entry.term), word })
    }

    fn question_term(&self, word: &str) -> QuestionTerm {
        let known = |text: &str| {
            let number = *self.numbers.get(text)?;
            let entry = self.entries[number as usize];
            entry.is_term.then_some(entry.term)
        };
        let stem = self.stem(word);
        let text = if known(&stem).is_some() { stem } else { self.stem(&self.nearest_word(word)) };
        QuestionTerm { number: known(&text), text, word: word.to_owned() }
    }

    /// Returns the word of the documents that a misspelt one is nearest to, or the word itself.
    fn nearest_word(&self, word: &str) -> String {
        let length = word.chars().count();
        let is_word = word.chars().all(char::is_alphabetic) && !word.chars().any(is_ideograph);
        let Some(initial) =
            word.chars().next().filter(|_| length >= MIN_CORRECTED_CHARS && is_word)
        else {
            return word.to_owned();
        };
        let most = if length < 8 { 1 } else { 2 };
        let by_initial = self.by_initial.get_or_init(|| self.by_initial());
        let known = by_initial.get(&initial).into_iter().flatten();
        known
            .filter(|known| known.chars().count().abs_diff(length) <= most)
            .map(|known| (strsim::osa_distance(word, known), known))
            .filter(|(distance, _)| *distance <= most)
            .min()
            .map_or_else(|| word.to_owned(), |(_, known)| known.clone())
    }

    fn by_initial(&self) -> HashMap<char, Vec<String>> {
        let mut words: HashMap<char, Vec<String>> = HashMap::default();
        for (word, &number) in &self.numbers {
            let initial = word.chars().next().filter(|_| word.len() >= MIN_CORRECTED_CHARS);
            if let Some(initial) = initial.filter(|_| self.entries[number as usize].is_word) {
                words.entry(initial).or_default().push(word.clone());
            }
        }
        words
    }

    fn stem(&self, word: &str) -> String {
        if word.bytes().all(|byte| byte.is_ascii_lowercase()) {
            self.stemmer.stem(word).into_owned()
        } else {
            word.to_owned()
        }
    }
}

/// Returns the words of a text in lower case.
///
/// Apostrophes vanish, unless a whole word is behind them; a point between digits stays, everything else that is no letter and no digit
/// separates. An identifier such as `EnableUUID` is also its parts. Of Chinese, Japanese and Korean, which are written without
/// blanks, every two neighbours are a word.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |word| words.push(word.to_owned()));
    words
}

/// Calls a function with each word of a text, as [`words`] returns them.
fn each_word(text: &str, mut visit: impl FnMut(&str)) {
    let mut word = String::new();
    let mut ideographs = Vec::new();
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        if is_ideograph(char) {
            visit_word(&mut word, &mut visit);
            ideographs.push(char);
            continue;
        }
        visit_pairs(&mut ideographs, &mut visit);
        let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
        match char {
            '\'' | '\u{2019}' | '\u{2018}' | '`' if !is_elision(rest.as_str()) => {}
            '.' if is_digit(word.chars().last()) && is_digit(rest.clone().next()) => word.push('.'),
            char if char.is_alphanumeric() => word.push(char),
            _ => visit_word(&mut word, &mut visit),
        }
    }
    visit_word(&mut word, &mut visit);
    visit_pairs(&mut ideographs, &mut visit);
}

/// Whether a whole word is behind an apostrophe.
fn is_elision(rest: &str) -> bool {
    rest.chars().take_while(|char| char.is_alphabetic()).take(MIN_ELIDED_CHARS).count()
        == MIN_ELIDED_CHARS
}

fn visit_word(word: &mut String, visit: &mut impl FnMut(&str)) {
    if !word.is_empty() && word.chars().count() <= MAX_WORD_CHARS {
        if word.chars().any(char::is_uppercase) {
            let parts = identifier_parts(word);
            if parts.len() > 1 {
                parts.iter().filter(|part| part.len() > 2).for_each(|part| visit(part));
            }
            visit(&word.to_lowercase());
        } else {
            visit(word);
        }
    }
    word.clear();
}

/// Splits `EnableUUID` into `enable` and `uuid`.
fn identifier_parts(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut after_lower_case = true;
    for char in word.chars() {
        match parts.last_mut() {
            Some(part) if !(char.is_uppercase() && after_lower_case) => {
                part.extend(char.to_lowercase());
            }
            _ => parts.push(char.to_lowercase().collect()),
        }
        after_lower_case = char.is_lowercase();
    }
    parts
}

fn visit_pairs(ideographs: &mut Vec<char>, visit: &mut impl FnMut(&str)) {
    match ideographs.as_slice() {
        [] => return,
        [one] => visit(one.encode_utf8(&mut [0; 4])),
        several => {
            for pair in several.windows(2) {
                visit(&pair.iter().collect::<String>());
            }
        }
    }
    ideographs.clear();
}

/// Whether a character belongs to a script without blanks between its words.
fn is_ideograph(char: char) -> bool {
    !char.is_ascii()
        && matches!(
            char,
            '\u{3040}'..='\u{30ff}'
                | '\u{3400}'..='\u{4dbf}'
                | '\u{4e00}'..='\u{9fff}'
                | '\u{ac00}'..='\u{d7af}'
                | '\u{f900}'..='\u{faff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms() -> Terms {
        let texts = [
            "the licence of the master target expires at failback",
            "set disk.EnableUUID of the datastore",
            "\u{91cd}\u{65b0}\u{4fdd}\u{62a4}",
        ];
        let mut terms = Terms::new();
        texts.into_iter().for_each(|text| drop(terms.learn(text)));
        terms.join();
        terms
    }

    fn question(text: &str) -> String {
        let terms = terms().of_question(text).into_iter().map(|term| term.text);
        terms.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_way_to_write_a_thing_is_one_term() {
        for (text, expected) in [
            ("Failing BACK", "fail failback back"),
            ("fail-back", "fail failback back"),
            ("the data stores\u{2019}", "data datastor store"),
            ("data store", "data datastor store"),
            ("datastroes", "datastor"),
            ("expired licences", "expir licenc"),
            ("disk.enableuuid", "disk enableuuid"),
            ("vSphere 6.7 at 10.0.0.5:9443", "sphere vsphere 6.7 10.0.0.5 9443"),
            (
                "\u{91cd}\u{65b0}\u{4fdd}\u{62a4}",
                "\u{91cd}\u{65b0} \u{65b0}\u{4fdd} \u{4fdd}\u{62a4}",
            ),
            ("\u{1b}[2J\0", "2j"),
            ("", ""),
        ] {
            assert_eq!(question(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_misspelt_word_is_corrected_when_one_is_near() {
        for (word, expected) in [
            ("failbcak", "failback"),
            ("faiblack", "failback"),
            ("vailback", "vailback"),
            ("maste", "master"),
            ("mast", "mast"),
            ("targte", "target"),
            ("9443x", "9443x"),
        ] {
            assert_eq!(terms().nearest_word(word), expected, "{word}");
        }
    }

    #[test]
    fn a_document_keeps_how_often_a_term_is_there() {
        let mut terms = terms();
        let numbers = terms.learn("target, Targets and failback");
        assert_eq!(terms.of_document(&numbers).len(), 3);
        assert_eq!(question("target, Targets and targte"), "target");
    }

    #[test]
    fn an_apostrophe_separates_whole_words_alone() {
        for (text, expected) in [
            ("can't don\u{2019}t we're", "cant dont were"),
            ("nell'elenco l\u{2019}archivio", "nell elenco l archivio"),
            ("'quoted' `too`", "quoted too"),
        ] {
            assert_eq!(words(text).join(" "), expected);
        }
    }
}
