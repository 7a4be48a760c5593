//! Where the findings of a check and of a target are among thousands of others.
//!
//! Not for what findings mean for each other (`moot`, `pending_fixes`).

use std::collections::HashMap;

use smol_str::SmolStr;

use super::finding::Finding;

/// The places of findings, by check and by target.
pub(super) struct FindingsByPlace {
    by_check: HashMap<SmolStr, Vec<usize>>,
    by_target: HashMap<SmolStr, Vec<(usize, SmolStr)>>,
}

impl FindingsByPlace {
    pub(super) fn new(findings: &[Finding]) -> Self {
        let mut places = Self { by_check: HashMap::new(), by_target: HashMap::new() };
        for (at, Finding { check, target, .. }) in findings.iter().enumerate() {
            places.by_check.entry(check.clone()).or_default().push(at);
            places.by_target.entry(target.clone()).or_default().push((at, check.clone()));
        }
        places
    }

    /// Returns the places of the findings of a check, on any target.
    pub(super) fn by_check(&self, check: &str) -> &[usize] {
        self.by_check.get(check).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the places of the findings of a target.
    pub(super) fn by_target(&self, target: &str) -> impl Iterator<Item = usize> {
        self.by_target.get(target).into_iter().flatten().map(|(at, _)| *at)
    }

    /// Returns the places of the findings of a check on a target.
    pub(super) fn by_place(&self, check: &str, target: &str) -> impl Iterator<Item = usize> {
        let here = self.by_target.get(target).into_iter().flatten();
        here.filter(move |(_, known)| known == check).map(|(at, _)| *at)
    }
}
