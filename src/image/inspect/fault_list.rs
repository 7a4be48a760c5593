//! A list of what is wrong, and of what could not be decided.
//!
//! Not for evaluating either.

use crate::facts::{Collection, Fact};

/// The faults found, and what could not be decided.
#[derive(Clone, Debug, Default)]
pub struct FaultList {
    /// What is wrong, in words.
    pub faults: Vec<String>,
    /// What could not be decided, in words.
    pub unclear: Vec<String>,
}

impl FaultList {
    /// Adds a fault, once.
    pub fn add_fault(&mut self, text: String) {
        if !self.faults.contains(&text) {
            self.faults.push(text);
        }
    }

    /// Adds what could not be decided, once.
    pub fn add_unclear(&mut self, text: String) {
        if !self.unclear.contains(&text) {
            self.unclear.push(text);
        }
    }

    /// Returns the faults; unavailable when there is none and something could not be decided.
    pub fn into_fact(self) -> Fact<Collection<String>> {
        let Self { faults, unclear } = self;
        if faults.is_empty() && !unclear.is_empty() {
            return Fact::unavailable(unclear.join("; "));
        }
        Fact::Known(Collection { items: faults, complete: unclear.is_empty() })
    }
}
