//! One copy of what many findings have in common: texts of checks, what was found on hosts that are alike, remedies.
//!
//! Not for what findings say (`finding`).

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use smol_str::SmolStr;

use super::model::{Remedy, SourceReference};
use super::unknown::Unknown;

/// What the findings of one evaluation have in common.
#[derive(Default)]
pub(super) struct Shared {
    pub texts: SharedTexts,
    pub remedies: SharedValues<Remedy>,
    pub sources: SharedValues<SourceReference>,
    pub unknowns: SharedValues<Unknown>,
}

/// The texts that were seen.
#[derive(Default)]
pub(super) struct SharedTexts(HashSet<SmolStr>);

impl SharedTexts {
    /// Returns the one copy of a text.
    pub(super) fn share(&mut self, text: &str) -> SmolStr {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let text = SmolStr::new(text);
        // A short one lies in its place and needs no heap.
        if text.is_heap_allocated() {
            self.0.insert(text.clone());
        }
        text
    }
}

/// The values of one type that were seen.
pub(super) struct SharedValues<T>(HashSet<Arc<T>>);

impl<T> Default for SharedValues<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Eq + Hash + Clone> SharedValues<T> {
    /// Returns the one copy of a value.
    pub(super) fn share(&mut self, value: &T) -> Arc<T> {
        if let Some(known) = self.0.get(value) {
            return known.clone();
        }
        let value = Arc::new(value.clone());
        self.0.insert(value.clone());
        value
    }
}
