//! Many texts, each once, one behind the other.
//!
//! Not for what they mean. A repository has hundreds of thousands of names, and a string of its own
//! for each would take twice as much.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// One of the texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// Its number, from 0 in the order in which texts were first seen.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Texts by number, and numbers by text.
#[derive(Debug, Default)]
pub(super) struct Interner {
    all: String,
    /// Where each ends.
    ends: Vec<u32>,
    /// By the hash of the text; the next number up when two texts have the same.
    symbols: HashMap<u64, Symbol, BuildHasherDefault<IdentityHasher>>,
    /// Seeded anew in each run, so that no repository can be made to have equal hashes.
    hasher: RandomState,
}

impl Interner {
    /// The number of a text, which it has from now on.
    pub(super) fn intern(&mut self, text: &str) -> Symbol {
        let key = match self.find(text) {
            Ok(known) => return known,
            Err(free) => free,
        };
        let symbol = Symbol(u32::try_from(self.ends.len()).expect("fewer texts than 2^32"));
        self.all.push_str(text);
        self.ends.push(u32::try_from(self.all.len()).expect("the pool's limit is far below 4 GiB"));
        self.symbols.insert(key, symbol);
        symbol
    }

    /// The number of a text that has one.
    pub(super) fn get(&self, text: &str) -> Option<Symbol> {
        self.find(text).ok()
    }

    /// The text of a number.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        let end = |index: usize| self.ends[index] as usize;
        let from = symbol.index().checked_sub(1).map_or(0, end);
        &self.all[from..end(symbol.index())]
    }

    /// What they take, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.all.len() + 64 * self.ends.len()
    }

    /// The number of a text, or where it would stand.
    fn find(&self, text: &str) -> Result<Symbol, u64> {
        let mut key = self.hasher.hash_one(text);
        while let Some(symbol) = self.symbols.get(&key) {
            if self.text(*symbol) == text {
                return Ok(*symbol);
            }
            key = key.wrapping_add(1);
        }
        Err(key)
    }
}

/// The hash of a hash.
#[derive(Clone, Copy, Debug, Default)]
struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are hashes")
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_one_number_for_ever() {
        let mut texts = Interner::default();
        let words: Vec<String> = (0..5000).map(|n| format!("lib{}.so", n % 2500)).collect();
        let symbols: Vec<Symbol> = words.iter().map(|word| texts.intern(word)).collect();
        for (word, symbol) in words.iter().zip(&symbols) {
            assert_eq!(texts.text(*symbol), word);
            assert_eq!(texts.get(word), Some(*symbol));
        }
        assert_eq!(symbols.iter().map(|it| it.index()).max(), Some(2499));
        assert_eq!(texts.get("other"), None);
        let empty = texts.intern("");
        assert_eq!(texts.text(empty), "");
    }

    #[test]
    fn texts_with_the_same_hash_are_told_apart() {
        let mut texts = Interner::default();
        let first = texts.intern("one");
        let key = texts.hasher.hash_one("two");
        texts.symbols.insert(key, first);
        let second = texts.intern("two");
        assert_ne!(first, second);
        assert_eq!(texts.get("two"), Some(second));
        assert_eq!(texts.get("one"), Some(first));
    }
}
