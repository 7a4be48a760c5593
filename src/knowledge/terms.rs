//! A text into the terms by which it is searched: words without their endings, identifiers, pairs of Chinese characters.
//!
//! Not for what a term is worth: `ranking` weighs them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use rust_stemmers::{Algorithm, Stemmer};

/// The longest word that is a term, in characters: longer ones are no language.
const MAX_WORD_CHARS: usize = 40;

/// The shortest word whose misspelling is corrected.
const MIN_CORRECTED_CHARS: usize = 5;

/// The shortest word that two words of a text may be together.
const MIN_JOINED_CHARS: usize = 5;

/// Turns texts into terms.
pub(super) struct Terms {
    stemmer: Stemmer,
    stop_words: HashSet<&'static str>,
    /// Every word of the documents with its term.
    words: HashMap<String, String>,
    known: HashSet<String>,
    /// The words by the alphabet, so that misspelt ones are looked up among those of one letter.
    sorted: OnceLock<BTreeSet<String>>,
}

impl Terms {
    /// Learns the words of the documents.
    pub fn learn<'w>(words: impl Iterator<Item = &'w String>) -> Self {
        let mut terms = Self {
            stemmer: Stemmer::create(Algorithm::English),
            stop_words: stop_words::get("en").iter().copied().collect(),
            words: HashMap::new(),
            known: HashSet::new(),
            sorted: OnceLock::new(),
        };
        for word in words {
            if !terms.words.contains_key(word) {
                let term = terms.stem(word);
                terms.known.insert(term.clone());
                terms.words.insert(word.clone(), term);
            }
        }
        terms
    }

    /// Returns the terms of the words of a document, in their order.
    pub fn of_document(&self, words: &[String]) -> Vec<String> {
        self.collect(words, |word| word.to_owned())
    }

    /// Returns the terms of a question, each once. A misspelt word is taken for the known one it resembles.
    pub fn of_question(&self, text: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let mut terms = self.collect(&words(text), |word| self.nearest_word(word));
        terms.retain(|term| seen.insert(term.clone()));
        terms
    }

    /// Returns the terms of words. Two words that are written as one elsewhere are that word, too: `fail
    /// back` and `failback` meet.
    fn collect(&self, words: &[String], correct: impl Fn(&str) -> String) -> Vec<String> {
        let mut terms = Vec::with_capacity(words.len());
        let mut before: Option<String> = None;
        let mut joined = String::new();
        for word in words {
            let is_stop_word = self.stop_words.contains(word.as_str());
            let term = match self.words.get(word) {
                Some(term) => term.clone(),
                None if is_stop_word => word.clone(),
                None => self.corrected(word, &correct),
            };
            if let Some(before) = &before {
                let mut known = |last: &str| {
                    joined.clear();
                    joined.push_str(before);
                    joined.push_str(last);
                    self.words.get(&joined).filter(|_| joined.len() >= MIN_JOINED_CHARS)
                };
                let known = known(word).or_else(|| if term == *word { None } else { known(&term) });
                terms.extend(known.cloned());
            }
            before = Some(if is_stop_word { word.clone() } else { term.clone() });
            if !is_stop_word {
                terms.push(term);
            }
        }
        terms
    }

    fn corrected(&self, word: &str, correct: impl Fn(&str) -> String) -> String {
        let term = self.stem(word);
        if self.known.contains(&term) { term } else { self.stem(&correct(word)) }
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
        let sorted = self.sorted.get_or_init(|| self.words.keys().cloned().collect());
        sorted
            .range(initial.to_string()..)
            .take_while(|known| known.starts_with(initial))
            .filter(|known| known.len() >= MIN_CORRECTED_CHARS)
            .filter(|known| known.chars().count().abs_diff(length) <= most)
            .map(|known| (strsim::osa_distance(word, known), known))
            .filter(|(distance, _)| *distance <= most)
            .min()
            .map_or_else(|| word.to_owned(), |(_, known)| known.clone())
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
/// Apostrophes vanish, a point between digits stays, everything else that is no letter and no digit separates.
/// An identifier such as `EnableUUID` is also its parts. Of Chinese, Japanese and Korean, which are written without
/// blanks, every two neighbours are a word.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut ideographs = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if is_ideograph(char) {
            push_word(&mut word, &mut words);
            ideographs.push(char);
            continue;
        }
        push_pairs(&mut ideographs, &mut words);
        let is_digit = |char: Option<char>| char.is_some_and(|char| char.is_ascii_digit());
        match char {
            '\'' | '\u{2019}' | '\u{2018}' | '`' => {}
            '.' if is_digit(word.chars().last()) && is_digit(chars.peek().copied()) => {
                word.push('.')
            }
            char if char.is_alphanumeric() => word.push(char),
            _ => push_word(&mut word, &mut words),
        }
    }
    push_word(&mut word, &mut words);
    push_pairs(&mut ideographs, &mut words);
    words
}

fn push_word(word: &mut String, words: &mut Vec<String>) {
    let written = std::mem::take(word);
    if written.is_empty() || written.chars().count() > MAX_WORD_CHARS {
        return;
    }
    let parts = identifier_parts(&written);
    if parts.len() > 1 {
        words.extend(parts.into_iter().filter(|part| part.len() > 2));
    }
    words.push(written.to_lowercase());
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

fn push_pairs(ideographs: &mut Vec<char>, words: &mut Vec<String>) {
    match ideographs.as_slice() {
        [] => return,
        [one] => words.push(one.to_string()),
        several => words.extend(several.windows(2).map(|pair| pair.iter().collect::<String>())),
    }
    ideographs.clear();
}

/// Whether a character belongs to a script without blanks between its words.
fn is_ideograph(char: char) -> bool {
    matches!(
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
        let words: Vec<String> = texts.into_iter().flat_map(words).collect();
        Terms::learn(words.iter())
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
            assert_eq!(terms().of_question(text).join(" "), expected, "{text:?}");
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
        assert_eq!(terms().of_document(&words("target, Targets and targte")).len(), 3);
        assert_eq!(terms().of_question("target, Targets and targte"), ["target"]);
    }
}
