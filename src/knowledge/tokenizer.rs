//! Words as people type them into terms that can be compared: one term for every way to spell it.
//!
//! Not for what the terms mean: `matching` weighs them.

use std::collections::{BTreeSet, HashMap, HashSet};

/// Words that describe no symptom.
const STOP_WORDS: &str = "\
    a about after ago all also although always am an and any are as asr at att av azure back be \
    because been before being between but by can click clicked could day de den det did do does \
    during efter en ett even every finished for från för get gets getting give gives got had half \
    har has have having he help her here hi hour how however hur i if in into is it its jag job \
    jobs just kan keep keeps last left like linux lot many me med men might month months more much \
    must my name need now när och of off on one only or our out over own page please press pressed \
    på really recovery saw say saying says server servers she should since site so som some \
    somebody someone step still tell tells than thanks that the their them then there these they \
    thing this those though through till to today tried tries try trying two under until up us use \
    used using vad var varför very vi via want wants was way we week weeks went were what when \
    where which while who why will windows with would yesterday yet you your är";

/// The shortest word whose misspelling is recognised.
const MIN_MISSPELT_LENGTH: usize = 5;

/// One term of a text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Term {
    /// A term of the symptoms' descriptions.
    Known(String),
    /// A word that no symptom has.
    Unknown(String),
}

/// The words of a spelling, and the terms it stands for.
type Spelling = (Vec<String>, Vec<String>);

/// Turns texts into terms.
#[derive(Default)]
pub(super) struct Tokenizer {
    /// Each spelling by its first word, longest first, with the terms it stands for.
    spellings: HashMap<String, Vec<Spelling>>,
    /// Stems that symptoms are described with and that have no spelling of their own.
    stems: HashSet<String>,
    /// Every single word that is known, for those that are misspelt.
    words: BTreeSet<String>,
    stop_words: HashSet<&'static str>,
}

impl Tokenizer {
    /// Reads a table of terms, or several terms separated by blanks, and their spellings.
    pub(super) fn new<'s>(table: impl IntoIterator<Item = (&'s str, &'s [String])>) -> Self {
        let mut tokenizer = Self { stop_words: STOP_WORDS.split(' ').collect(), ..Self::default() };
        for (terms, spellings) in table {
            let terms: Vec<String> = terms.split(' ').map(str::to_owned).collect();
            if let [term] = terms.as_slice() {
                tokenizer.add(words(term), &terms);
            }
            for spelling in spellings {
                tokenizer.add(words(spelling), &terms);
            }
        }
        for spellings in tokenizer.spellings.values_mut() {
            spellings.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        }
        tokenizer
    }

    fn add(&mut self, words: Vec<String>, terms: &[String]) {
        let Some(first) = words.first().cloned() else { return };
        self.words.extend(words.iter().cloned());
        self.spellings.entry(first).or_default().push((words, terms.to_vec()));
    }

    /// The terms of a description; its words are known from then on.
    pub(super) fn learn(&mut self, text: &str) -> BTreeSet<String> {
        // Numbers are nobody's words, but those of a description are.
        let numbers = words(text)
            .into_iter()
            .filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_digit()));
        self.stems.extend(numbers);
        let learnt = self.terms(text, false).into_iter().map(|term| match term {
            Term::Known(term) => term,
            Term::Unknown(word) => {
                let term = stem(&word);
                self.stems.insert(term.clone());
                self.words.insert(word);
                term
            }
        });
        learnt.collect()
    }

    /// The terms of a text, each once. Misspelt words are recognised when it is asked for, which
    /// costs a comparison with every known word.
    pub(super) fn terms(&self, text: &str, misspelt: bool) -> BTreeSet<Term> {
        let mut words = words(text);
        if misspelt {
            words.iter_mut().for_each(|word| self.correct(word));
        }
        let mut terms = BTreeSet::new();
        let mut at = 0;
        while at < words.len() {
            if let Some((spelling, meant)) = self.match_spelling(&words[at..]) {
                terms.extend(meant.iter().cloned().map(Term::Known));
                at += spelling;
                continue;
            }
            terms.extend(self.resolve_word(&words[at]));
            at += 1;
        }
        terms
    }

    /// Whether a text has a phrase, word for word.
    pub(super) fn contains_phrase(text: &[String], phrase: &[String]) -> bool {
        !phrase.is_empty() && text.windows(phrase.len()).any(|window| window == phrase)
    }

    /// The longest spelling that words begin with: how many words it has, and what it means.
    fn match_spelling(&self, words: &[String]) -> Option<(usize, &[String])> {
        let spellings = self.spellings.get(words.first()?)?;
        let (spelling, meant) =
            spellings.iter().find(|(spelling, _)| words.starts_with(spelling))?;
        Some((spelling.len(), meant))
    }

    /// Returns the terms of one word.
    fn resolve_word(&self, word: &str) -> Vec<Term> {
        let known = |term: &str| vec![Term::Known(term.to_owned())];
        let all = |terms: &[String]| terms.iter().cloned().map(Term::Known).collect();
        if self.stop_words.contains(word) {
            return Vec::new();
        }
        let stemmed = stem(word);
        if self.stems.contains(&stemmed) {
            return known(&stemmed);
        }
        if let Some((_, terms)) = self.match_spelling(std::slice::from_ref(&stemmed)) {
            return all(terms);
        }
        // The second of several servers: `mt2`, `esx01`.
        let bare = word.trim_end_matches(|char: char| char.is_ascii_digit());
        if bare.len() < word.len()
            && let Some((_, terms)) = self.match_spelling(&[bare.to_owned()])
        {
            return all(terms);
        }
        // A number that nobody speaks of is a counter, an address or a date.
        if word.chars().any(|char| char.is_ascii_digit()) {
            return Vec::new();
        }
        match word.chars().count() {
            0..=2 => Vec::new(),
            _ => vec![Term::Unknown(word.to_owned())],
        }
    }

    /// Replaces a misspelt word by the known one.
    fn correct(&self, word: &mut String) {
        let known = self.stop_words.contains(word.as_str())
            || self.words.contains(word)
            || self.stems.contains(&stem(word))
            || word.chars().any(|char| char.is_ascii_digit());
        if !known && let Some(meant) = self.nearest_word(word) {
            *word = meant.to_owned();
        }
    }

    /// Returns the known word that is nearest to a misspelt one.
    fn nearest_word(&self, word: &str) -> Option<&str> {
        let length = word.chars().count();
        if length < MIN_MISSPELT_LENGTH {
            return None;
        }
        let most = if length < 8 { 1 } else { 2 };
        // The distance takes time, so it is computed only where it can be small.
        let alike = |known: &&String| {
            let other = known.chars().count();
            other >= MIN_MISSPELT_LENGTH - 1
                && known.chars().next() == word.chars().next()
                && other.abs_diff(length) <= most
        };
        self.words
            .iter()
            .filter(alike)
            .map(|known| (strsim::osa_distance(word, known), known.as_str()))
            .filter(|(distance, _)| *distance <= most)
            .min()
            .map(|(_, known)| known)
    }
}

/// The words of a text in lower case; apostrophes vanish, everything else that is no letter and
/// no digit separates.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for char in text.chars() {
        match char {
            '\'' | '\u{2019}' | '\u{2018}' | '`' => {}
            char if char.is_alphanumeric() => word.extend(char.to_lowercase()),
            _ if !word.is_empty() => words.push(std::mem::take(&mut word)),
            _ => {}
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A word without the endings that change nothing for us.
fn stem(word: &str) -> String {
    let long_enough = |rest: &str| rest.chars().count() >= 3;
    for ending in ["ing", "ed", "es", "s"] {
        let cut = word.strip_suffix(ending).filter(|rest| long_enough(rest));
        if let Some(rest) = cut.filter(|rest| !(ending == "s" && rest.ends_with(['s', 'u', 'i']))) {
            return rest
                .strip_suffix('e')
                .filter(|rest| long_enough(rest))
                .unwrap_or(rest)
                .to_owned();
        }
    }
    word.strip_suffix('e').filter(|rest| long_enough(rest)).unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        let table: Vec<(&str, Vec<String>)> = [
            ("failback", "fail back,failing back"),
            ("mt", "master target"),
            ("absent", "not,cant,missing"),
            ("absent reach", "unreachable"),
            ("datastore", "data store,datastores"),
        ]
        .into_iter()
        .map(|(terms, spellings)| (terms, spellings.split(',').map(str::to_owned).collect()))
        .collect();
        let mut tokenizer =
            Tokenizer::new(table.iter().map(|(terms, list)| (*terms, list.as_slice())));
        tokenizer.learn("the licence of the host expires");
        tokenizer
    }

    fn terms(text: &str) -> String {
        let terms = tokenizer().terms(text, true).into_iter().map(|term| match term {
            Term::Known(term) => term,
            Term::Unknown(word) => format!("?{word}"),
        });
        terms.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_way_to_spell_a_thing_is_one_term() {
        for (text, expected) in [
            ("Fail-back, failing back: FAILBACK", "failback"),
            ("the Master\tTarget can\u{2019}t", "absent mt"),
            ("MT is unreachable", "absent mt reach"),
            ("datastroes", "datastore"),
            ("datastore's", "datastore"),
            ("expired licences", "expir licenc"),
            ("17 hosts 0x80070005", "host"),
            ("a printer", "?printer"),
            ("", ""),
            ("\u{1b}[2J\0", ""),
        ] {
            assert_eq!(terms(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_misspelt_word_is_corrected_when_one_is_near() {
        for (word, expected) in [
            ("failbcak", Some("failback")),
            ("failbakc", Some("failback")),
            ("faiblack", Some("failback")),
            ("vailback", None),
            ("maste", Some("master")),
            ("mast", None),
            ("targte", Some("target")),
            ("targtes", None),
            ("licens", None),
            ("licenec", Some("licence")),
        ] {
            assert_eq!(tokenizer().nearest_word(word), expected, "{word}");
        }
    }
}
