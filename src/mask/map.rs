//! What was replaced by what: kept for the owner alone, continued by later texts, and applied the other way round.
//!
//! Not for finding what is replaced (`scan`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use super::vocabulary;
use super::word::{RandomNumbers, random_hex, random_word};
use crate::hint::hinted;

/// The name of the map's format and its generation.
const SCHEMA: &str = "preflight.mask-map/1";

/// How often a replacement is made anew before a longer one is taken: short words may be used up.
const ATTEMPTS: usize = 200;

/// Beginnings of ids that say who made a thing and not whose it is: VMware's disks and network cards, Azure's, Hyper-V's.
const MAKERS: [&str; 6] = ["6000c29", "005056", "000c29", "000d3a", "00155d", "000c29000"];

/// Why a text is no map.
#[derive(Debug, thiserror::Error)]
pub enum MaskError {
    /// It cannot be read as one.
    #[error("it is no map of preflight mask: {0}")]
    NotAMap(String),
}

impl MaskError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("name the file that preflight mask wrote, or another one for a new map".to_owned())
    }
}

hinted!(MaskError);

/// What was replaced by what, in small letters.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaskMap {
    schema: String,
    /// Whole names of several words, such as `asr-mt-01`.
    names: BTreeMap<String, String>,
    /// Words.
    words: BTreeMap<String, String>,
    /// Hexadecimal ids without what separates their digits.
    ids: BTreeMap<String, String>,
    /// IP addresses.
    addresses: BTreeMap<String, String>,
    /// What must not come out again.
    #[serde(skip)]
    taken: HashSet<String>,
    /// Finds the whole names in a text.
    #[serde(skip)]
    finder: Option<NameFinder>,
    /// What stands in the place of one part of an address, behind the parts before it.
    #[serde(skip)]
    parts: HashMap<String, HashMap<String, String>>,
    #[serde(skip)]
    numbers: Numbers,
}

/// Finds whole names in a text.
#[derive(Clone, Debug)]
pub(super) struct NameFinder {
    finder: AhoCorasick,
    masked: Vec<String>,
}

impl NameFinder {
    /// Returns where whole names stand in a text, and what stands in their place.
    pub(super) fn find<'a>(
        &'a self,
        text: &'a str,
    ) -> impl Iterator<Item = (Range<usize>, &'a str)> {
        let is_letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let found = self.finder.find_iter(text).filter(move |found| {
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            !is_letter(before.chars().next_back()) && !is_letter(after.chars().next())
        });
        found.map(|found| (found.range(), self.masked[found.pattern().as_usize()].as_str()))
    }
}

#[derive(Default)]
struct Numbers(RandomNumbers);

impl Clone for Numbers {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Numbers")
    }
}

impl Default for MaskMap {
    fn default() -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            names: BTreeMap::new(),
            words: BTreeMap::new(),
            ids: BTreeMap::new(),
            addresses: BTreeMap::new(),
            taken: HashSet::new(),
            finder: None,
            parts: HashMap::new(),
            numbers: Numbers::default(),
        }
    }
}

impl MaskMap {
    /// Parses the text of a map.
    ///
    /// # Errors
    ///
    /// [`MaskError::NotAMap`], with the reason.
    pub fn parse(text: &str) -> Result<Self, MaskError> {
        let not = |reason: String| MaskError::NotAMap(reason);
        let mut map: Self = serde_json::from_str(text).map_err(|error| not(error.to_string()))?;
        if map.schema != SCHEMA {
            return Err(not(format!("its schema is {:?}, expected {SCHEMA:?}", map.schema)));
        }
        let made = map.names.values().chain(map.words.values()).chain(map.ids.values());
        map.taken = made.cloned().collect();
        let addresses: Vec<(String, String)> = map.addresses.clone().into_iter().collect();
        for (from, to) in addresses {
            map.note_parts(&from, &to);
        }
        map.sort_names();
        Ok(map)
    }

    /// Returns the text of the map's file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a map has only texts") + "\n"
    }

    /// How much was replaced: names and words, ids, addresses.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.names.len() + self.words.len(), self.ids.len(), self.addresses.len())
    }

    /// Returns the map that leads back.
    pub(super) fn inverted(&self) -> Self {
        let turn = |rows: &BTreeMap<String, String>| {
            rows.iter().map(|(from, to)| (to.clone(), from.clone())).collect()
        };
        let mut back = Self {
            names: turn(&self.names),
            words: turn(&self.words),
            ids: turn(&self.ids),
            addresses: turn(&self.addresses),
            ..Self::default()
        };
        back.sort_names();
        back
    }

    /// Takes in a whole name, in small letters.
    pub(super) fn add_name(&mut self, name: &str) -> io::Result<()> {
        if !self.names.contains_key(name) {
            let made = self.new_word(name)?;
            self.names.insert(name.to_owned(), made);
        }
        Ok(())
    }

    /// Makes the whole names findable, after the last was taken in.
    pub(super) fn sort_names(&mut self) {
        let mut finder = AhoCorasick::builder();
        finder.match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(true);
        let finder = finder.build(self.names.keys()).ok().filter(|_| !self.names.is_empty());
        let masked = self.names.values().cloned().collect();
        self.finder = finder.map(|finder| NameFinder { finder, masked });
    }

    /// Returns what finds the whole names, when there are any.
    pub(super) fn name_finder(&self) -> Option<&NameFinder> {
        self.finder.as_ref()
    }

    /// Returns what stands in the place of a word in small letters, if anything does yet.
    pub(super) fn known_word(&self, word: &str) -> Option<&String> {
        self.words.get(word)
    }

    /// Returns what stands in the place of an id, if anything does yet.
    pub(super) fn known_id(&self, id: &str) -> Option<&String> {
        self.ids.get(id)
    }

    /// Returns what stands in the place of an address, if anything does yet.
    pub(super) fn known_address(&self, address: &str) -> Option<&String> {
        self.addresses.get(address)
    }

    /// Returns what stands in the place of a word in small letters.
    pub(super) fn word(&mut self, word: &str) -> io::Result<String> {
        if let Some(known) = self.words.get(word) {
            return Ok(known.clone());
        }
        let made = self.new_word(word)?;
        self.words.insert(word.to_owned(), made.clone());
        Ok(made)
    }

    fn new_word(&mut self, word: &str) -> io::Result<String> {
        let has_letter = word.chars().any(|c| !c.is_ascii_digit());
        let mut like = word.to_owned();
        for attempt in 1.. {
            let made = random_word(&like, &mut self.numbers.0)?;
            // No word that stays may come out, and none that leads back to two.
            let is_free = !has_letter || !vocabulary::is_known(&made);
            if is_free && self.taken.insert(made.clone()) {
                return Ok(made);
            }
            if attempt % ATTEMPTS == 0 {
                like.push('x');
            }
        }
        Ok(like)
    }

    /// Returns what stands in the place of a hexadecimal id, small letters without separators. An id with its first parts in the other
    /// byte order, as firmware and vSphere write the same one, gets the same replacement in that order.
    pub(super) fn id(&mut self, id: &str) -> io::Result<String> {
        if let Some(known) = self.ids.get(id) {
            return Ok(known.clone());
        }
        let other = swapped(id);
        let made =
            match other.as_ref().and_then(|other| self.ids.get(other)).and_then(|to| swapped(to)) {
                Some(made) => made,
                None => self.new_id(id)?,
            };
        self.ids.insert(id.to_owned(), made.clone());
        Ok(made)
    }

    fn new_id(&mut self, id: &str) -> io::Result<String> {
        let kept =
            MAKERS.iter().filter(|maker| id.starts_with(*maker)).map(|maker| maker.len()).max();
        let kept = kept.filter(|kept| id.len() >= kept + 6).unwrap_or(0);
        for _ in 0..ATTEMPTS {
            let made = random_hex(id, kept, &mut self.numbers.0)?;
            if made != id && self.taken.insert(made.clone()) {
                return Ok(made);
            }
        }
        random_hex(id, 0, &mut self.numbers.0)
    }

    /// Keeps what stands in the place of an address.
    pub(super) fn add_address(&mut self, from: &str, to: &str) {
        self.addresses.insert(from.to_owned(), to.to_owned());
        self.note_parts(from, to);
    }

    fn note_parts(&mut self, from: &str, to: &str) {
        let separator = if from.contains(':') { ':' } else { '.' };
        let mut before = separator.to_string();
        for (from, to) in from.split(separator).zip(to.split(separator)) {
            self.parts.entry(before.clone()).or_default().insert(from.to_owned(), to.to_owned());
            before.push_str(from);
            before.push(separator);
        }
    }

    /// Returns the parts that stand in the place of others behind `before`, and random numbers.
    pub(super) fn parts_behind(
        &mut self,
        before: &str,
    ) -> (&mut HashMap<String, String>, &mut RandomNumbers) {
        (self.parts.entry(before.to_owned()).or_default(), &mut self.numbers.0)
    }
}

/// Returns the 32 digits of a UUID with its first three parts in the other byte order.
fn swapped(id: &str) -> Option<String> {
    let bytes: Vec<&str> = (0..id.len()).step_by(2).filter_map(|at| id.get(at..at + 2)).collect();
    let [a, b, c, d, e, f, g, h, rest @ ..] = bytes.as_slice() else { return None };
    (id.len() == 32).then(|| [d, c, b, a, f, e, h, g].into_iter().chain(rest).copied().collect())
}
