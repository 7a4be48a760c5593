//! A list of what is wrong, and of what could not be made out: the first decides, the second leaves
//! open.
//!
//! Not for judging either.

use crate::facts::{Collection, Fact};

/// What somebody found while looking for faults.
#[derive(Clone, Debug, Default)]
pub struct FaultList {
    /// What is wrong, in words.
    pub faults: Vec<String>,
    /// What could not be made out, in words.
    pub unclear: Vec<String>,
}

impl FaultList {
    /// Notes a fault.
    pub fn add_fault(&mut self, text: String) {
        if !self.faults.contains(&text) {
            self.faults.push(text);
        }
    }

    /// Notes what could not be made out.
    pub fn add_unclear(&mut self, text: String) {
        if !self.unclear.contains(&text) {
            self.unclear.push(text);
        }
    }

    /// The faults; unavailable when there is none but something could not be made out.
    pub fn into_fact(self) -> Fact<Collection<String>> {
        let Self { faults, unclear } = self;
        match unclear.is_empty() {
            true => Fact::Known(Collection::complete(faults)),
            false if faults.is_empty() => Fact::unavailable(unclear.join("; ")),
            false => Fact::Known(Collection { items: faults, complete: false }),
        }
    }
}
