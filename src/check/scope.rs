//! What a run evaluates, and what it skips because a provider is not part of it.
//!
//! Not for evaluation: that is `engine`'s.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use smol_str::SmolStr;

use super::definition::CheckSet;
use super::provider::Provider;
use super::schema;
use super::waiver::matches_glob;
use super::window::TargetStages;
use crate::facts::Document;
use crate::facts::stage::MachineStage;
use crate::facts::target_kind::TargetKind;

/// The facts that are names of ESXi hosts.
const ESXI_HOSTS: [&str; 3] = ["vm.master_target.host", "vm.start_host.name", "host.name"];

/// A target that checks are run on.
pub struct Target {
    /// Its name in reports, and what waivers name.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// Its facts. A root that is neither known nor absent was not collected.
    pub document: Document,
    /// The stages of the machines that it concerns.
    pub stages: TargetStages,
}

impl Target {
    /// Returns a target that no machine's stage concerns, or not yet.
    pub fn new(name: String, kind: TargetKind, document: Document) -> Self {
        Self { name, kind, document, stages: TargetStages::default() }
    }

    /// Returns the ESXi hosts that its facts are about: of a machine its own and its master target's, of a host itself.
    pub(super) fn esxi_hosts(&self) -> Vec<&str> {
        ESXI_HOSTS.iter().filter_map(|path| self.fact(path)?.as_str()).collect()
    }

    /// Returns the target without its facts, but for the ESXi hosts that they are about.
    pub fn without_facts(self) -> Self {
        let mut hosts = Document::default();
        for path in ESXI_HOSTS {
            if let Some(name) = self.fact(path) {
                hosts.set_member(path, name);
            }
        }
        Self { document: hosts, ..self }
    }

    fn fact(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.document.known, |here, name| here.get(name))
    }

    /// Returns the providers that were contacted, whether they answered or not.
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

/// Returns the first target of each name.
pub(super) fn targets_by_name(targets: &[Target]) -> BTreeMap<&str, &Target> {
    // Of two, the one that is put in last stays.
    targets.iter().rev().map(|target| (target.name.as_str(), target)).collect()
}

/// Returns the stage of each machine that a target names, once.
pub fn machine_stages(targets: &[Target]) -> Vec<MachineStage> {
    let mut stages: Vec<MachineStage> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for machine in targets.iter().flat_map(|target| &target.stages.machines) {
        if seen.insert(&machine.machine) {
            stages.push(machine.clone());
        }
    }
    stages
}

/// A check that was not run, because what could decide it was not part of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "LeftOut")]
pub struct SkippedCheck {
    /// The check.
    pub check: SmolStr,
    /// What should hold.
    pub title: SmolStr,
    /// The target.
    pub target: SmolStr,
    /// What would have to be part of the run.
    pub needs: Vec<Provider>,
}

/// What a person wants of a run: globs over the ids of checks and the names of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeChoice {
    /// Only these checks; all of them when there are none.
    pub only: Vec<String>,
    /// All but these checks.
    pub skip: Vec<String>,
    /// Only these targets; all of them when there are none.
    pub targets: Vec<String>,
}

impl ScopeChoice {
    /// Whether a check on a target is wanted.
    pub fn includes(&self, check: &str, target: &str) -> bool {
        let any = |globs: &[String], text: &str| globs.iter().any(|glob| matches_glob(glob, text));
        (self.only.is_empty() || any(&self.only, check))
            && !any(&self.skip, check)
            && self.includes_target(target)
    }

    /// Whether a target is wanted.
    pub fn includes_target(&self, target: &str) -> bool {
        self.targets.is_empty() || self.targets.iter().any(|glob| matches_glob(glob, target))
    }

    /// Whether anything is left out.
    pub fn is_everything(&self) -> bool {
        self.only.is_empty() && self.skip.is_empty() && self.targets.is_empty()
    }
}

/// Which checks a run evaluates on which target, and which it skips.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Places in `targets` and in the set's checks.
    pub planned: Vec<(usize, usize)>,
    /// What is left out.
    pub skipped: Vec<SkippedCheck>,
}

impl Scope {
    /// Sorts the checks that apply to the targets into planned and skipped.
    pub fn new(set: &CheckSet, targets: &[Target]) -> Self {
        let mut scope = Self::default();
        for (place, target) in targets.iter().enumerate() {
            let asked = target.providers();
            for (index, check) in set.checks().iter().enumerate() {
                let exists = check.scenario.includes(target.stages.scenario)
                    && check.experience.includes(target.stages.is_modernised);
                if !exists || !check.applies_to.contains(&target.kind) {
                    continue;
                }
                let needs = check.missing_providers(&asked);
                // What only the vault shows is no part of a run without one, and nobody is told to get a vault.
                if needs.contains(&Provider::Azure) {
                    continue;
                }
                // Hosts tell it, and where they are asked it is theirs.
                let is_server = target.kind == TargetKind::ConfigurationServer;
                if is_server && check.is_told_of_server() && !needs.is_empty() {
                    continue;
                }
                if needs.is_empty() {
                    scope.planned.push((place, index));
                } else {
                    let (check, title) = (SmolStr::new(&check.id), SmolStr::new(&check.title));
                    let target = SmolStr::new(&target.name);
                    scope.skipped.push(SkippedCheck { check, title, target, needs });
                }
            }
        }
        scope
    }

    /// Returns the scope without what a person left out of the run.
    pub fn selected(self, set: &CheckSet, targets: &[Target], choice: &ScopeChoice) -> Self {
        let Self { mut planned, mut skipped } = self;
        planned.retain(|&(place, index)| {
            choice.includes(&set.checks()[index].id, &targets[place].name)
        });
        skipped.retain(|skipped| choice.includes(&skipped.check, &skipped.target));
        Self { planned, skipped }
    }

    /// Returns the scope restricted to some checks and what they require.
    pub fn restricted_to(self, set: &CheckSet, ids: &[&str]) -> Self {
        let wanted = set.with_required(ids);
        let Self { mut planned, mut skipped } = self;
        planned.retain(|&(_, index)| wanted.contains(set.checks()[index].id.as_str()));
        skipped.retain(|left_out| wanted.contains(left_out.check.as_str()));
        Self { planned, skipped }
    }

    /// Returns target and check of everything that is planned.
    pub fn names<'s>(
        &self,
        set: &'s CheckSet,
        targets: &'s [Target],
    ) -> BTreeSet<(&'s str, &'s str)> {
        let names = |&(target, check): &(usize, usize)| {
            (targets[target].name.as_str(), set.checks()[check].id.as_str())
        };
        self.planned.iter().map(names).collect()
    }
}
