//! Gates: checks whose failure ends a case, so that nothing else about it is worth a word.
//!
//! Not for the order of fixes (`order`), nor for prerequisites, which concern one check (`engine`).

use std::collections::BTreeMap;

use super::definition::CheckSet;
use super::finding::{Finding, Outcome};
use super::model::{Check, CheckScope};
use super::scope::Target;
use super::window::TargetStages;
use crate::facts::target_kind::TargetKind;

/// The cases that a failed gate has ended.
#[derive(Default)]
pub struct EndedCases {
    /// The first gate in working order that ended the case of the whole site.
    site: Option<String>,
    /// The same for single machines.
    machines: BTreeMap<String, String>,
}

impl EndedCases {
    /// Returns the cases that gates among these findings end. What a waiver accepts ends nothing.
    pub fn from_findings(set: &CheckSet, targets: &[Target], findings: &[Finding]) -> Self {
        let is_gate = |finding: &&Finding| set.find(&finding.check).is_some_and(|check| check.gate);
        let gates = findings.iter().filter(is_gate);
        let mut failed: Vec<&Finding> =
            gates.filter(|finding| finding.outcome == Outcome::Fail && !finding.graded).collect();
        // At home a gate is a warning: nothing has ended.
        failed.retain(|finding| finding.severity.is_blocker());
        failed.sort_by_key(|finding| finding.order);
        let is_machine = |name: &str| {
            targets
                .iter()
                .any(|target| target.name == name && target.kind == TargetKind::ProtectedVm)
        };
        let mut ended = Self::default();
        for finding in failed {
            let of_machine =
                set.find(&finding.check).is_some_and(|check| check.scope == CheckScope::Machine);
            if of_machine && is_machine(&finding.target) {
                ended
                    .machines
                    .entry(finding.target.to_string())
                    .or_insert_with(|| finding.check.to_string());
            } else {
                ended.site.get_or_insert_with(|| finding.check.to_string());
            }
        }
        ended
    }

    /// Returns the gate that has ended the case of a machine; none when it goes on.
    pub fn ended_by(&self, machine: &str) -> Option<&str> {
        self.site.as_ref().or_else(|| self.machines.get(machine)).map(String::as_str)
    }

    /// Returns why a check has no meaning for a target any more; none when its case goes on.
    pub(super) fn reason(&self, check: &Check, target: &Target) -> Option<String> {
        if matches!(target.kind, TargetKind::Image | TargetKind::Packages) {
            return None;
        }
        let own =
            self.machines.get(&target.name).filter(|_| target.kind == TargetKind::ProtectedVm);
        let by = self.site.as_ref().or(own)?;
        (*by != check.id).then(|| format!("{by} fails, which ends the case"))
    }

    /// Returns the stages of the machines whose case goes on. A server whose machines have all ended is looked at
    /// as if nobody had named a machine.
    pub(super) fn remaining_stages(&self, stages: &TargetStages) -> TargetStages {
        let mut stages = stages.clone();
        stages.machines.retain(|machine| !self.machines.contains_key(&machine.machine));
        stages
    }
}
