//! What is judged in a run, and what is left out because nobody who could decide it is asked.
//!
//! Not for judging: that is `engine`'s.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::definition::CheckSet;
use super::model::TargetKind;
use super::provider::Provider;
use super::schema;
use crate::facts::Document;

/// Something that is judged.
pub struct Target {
    /// Its name in reports, and what waivers name.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// What is known about it. A root that is neither known nor absent was not asked for.
    pub document: Document,
}

impl Target {
    /// Who answered for the facts, or was asked and did not.
    pub fn providers(&self) -> BTreeSet<Provider> {
        let document = &self.document;
        let known = document.known.as_object().into_iter().flatten().flat_map(|(root, facts)| {
            let members = facts.as_object().into_iter().flat_map(|members| members.keys());
            let below = members.map(move |member| format!("{root}.{member}"));
            below.chain([root.clone()])
        });
        let known: BTreeSet<Provider> = known.filter_map(|path| schema::provider(&path)).collect();
        document.absent.keys().filter_map(|path| schema::provider(path)).chain(known).collect()
    }
}

/// A check that was not judged, because nobody who could decide it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "LeftOut")]
pub struct SkippedCheck {
    /// The check.
    pub check: String,
    /// What should hold.
    pub title: String,
    /// The target.
    pub target: String,
    /// Who would have to be asked.
    pub needs: Vec<Provider>,
}

/// What is judged on which target, and what is left out for want of somebody to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Places in `targets` and in the set's checks.
    pub planned: Vec<(usize, usize)>,
    /// What is left out.
    pub skipped: Vec<SkippedCheck>,
}

impl Scope {
    /// The checks that apply to the targets, sorted by whether those who decide them are asked.
    pub fn new(set: &CheckSet, targets: &[Target]) -> Self {
        let mut scope = Self::default();
        for (place, target) in targets.iter().enumerate() {
            let asked = target.providers();
            for (index, check) in set.checks().iter().enumerate() {
                if !check.applies_to.contains(&target.kind) {
                    continue;
                }
                let needs: Vec<Provider> =
                    check.required_providers().difference(&asked).copied().collect();
                if needs.is_empty() {
                    scope.planned.push((place, index));
                } else {
                    let (check, title) = (check.id.clone(), check.title.clone());
                    let target = target.name.clone();
                    scope.skipped.push(SkippedCheck { check, title, target, needs });
                }
            }
        }
        scope
    }

    /// The part of it that has to do with some checks: they themselves, and what they require.
    pub fn restricted_to(self, set: &CheckSet, ids: &[&str]) -> Self {
        let mut wanted: BTreeSet<&str> = BTreeSet::new();
        let mut left: Vec<&str> = ids.to_vec();
        while let Some(id) = left.pop() {
            if let Some(check) = set.find(id).filter(|check| wanted.insert(&check.id)) {
                left.extend(check.requires.iter().map(String::as_str));
            }
        }
        let Self { mut planned, mut skipped } = self;
        planned.retain(|&(_, index)| wanted.contains(set.checks()[index].id.as_str()));
        skipped.retain(|left_out| wanted.contains(left_out.check.as_str()));
        Self { planned, skipped }
    }
}
