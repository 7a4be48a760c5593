//! A string interner: many texts, each stored once, contiguously. A repository has hundreds of
//! thousands of names, and one string for each would take twice the memory.
//!
//! Not for the meaning of the texts.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The number of an interned text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Symbol(u32);

impl Symbol {
    /// Returns the number, from 0 in the order of interning.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Texts by number, and numbers by text.
#[derive(Debug, Default)]
pub(super) struct Interner {
    all: String,
    /// The end of each text.
    ends: Vec<u32>,
    /// Symbols by the hash of their text; on a collision, by the next free number.
    symbols: HashMap<u64, Symbol, BuildHasherDefault<IdentityHasher>>,
    /// Seeded anew in each run, so that no repository can be made to have equal hashes.
    hasher: RandomState,
}

impl Interner {
    /// Returns the symbol of a text, which is added if it is new.
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

    /// Returns the symbol of a text, if it has one.
    pub(super) fn get(&self, text: &str) -> Option<Symbol> {
        self.find(text).ok()
    }

    /// Returns the text of a symbol.
    pub(super) fn text(&self, symbol: Symbol) -> &str {
        let end = |index: usize| self.ends[index] as usize;
        let from = symbol.index().checked_sub(1).map_or(0, end);
        &self.all[from..end(symbol.index())]
    }

    /// Returns about how many bytes of memory the texts take.
    pub(super) fn bytes(&self) -> usize {
        self.all.len() + 64 * self.ends.len()
    }

    /// Returns the symbol of a text, or the free key for it.
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

/// Hashes a key that is a hash already: returns it.
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
        assert_eq!(symbols.iter().map(|symbol| symbol.index()).max(), Some(2499));
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
