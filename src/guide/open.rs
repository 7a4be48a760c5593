//! The findings that concern one machine at its stage, and what they say about a step.
//!
//! Not for the order of steps (`plan`).

use std::collections::BTreeMap;

use super::model::{OpenFinding, OpenPlace};
use crate::check::definition::{CheckSet, Severity};
use crate::check::engine::{Finding, Outcome, Target};
use crate::facts::stage::Stage;

/// One finding with what a failure of it blocks for a machine.
#[derive(Clone, Copy)]
pub(super) struct Concern<'r> {
    pub(super) finding: &'r Finding,
    pub(super) severity: Severity,
}

impl Concern<'_> {
    /// Whether it fails or is not known.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.finding.outcome, Outcome::Fail | Outcome::Unknown(_))
    }

    /// Whether it comes before every step of a stage: data is being lost, or the case of the machine may end with it.
    pub(super) fn comes_first(&self) -> bool {
        self.finding.is_urgent || (self.finding.is_gate && self.severity.is_blocker())
    }

    /// Whether its turn is not yet: another fix comes first, or another stage.
    pub(super) fn waits(&self) -> bool {
        !self.finding.after.is_empty() || self.finding.held.is_some()
    }
}

/// The findings that concern one machine at its stage, by check.
pub(super) struct Concerns<'r>(BTreeMap<&'r str, Vec<Concern<'r>>>);

impl<'r> Concerns<'r> {
    /// Returns the findings on the machine and on the servers it uses, of checks that count at its stage.
    pub(super) fn new(
        checks: &CheckSet,
        targets: &[Target],
        findings: &BTreeMap<&str, Vec<&'r Finding>>,
        machine: &str,
        stage: Stage,
    ) -> Self {
        let mut concerns: BTreeMap<&str, Vec<Concern<'r>>> = BTreeMap::new();
        for target in targets {
            let stages = &target.stages.machines;
            let uses = stages.is_empty() || stages.iter().any(|known| known.machine == machine);
            let mine = findings.get(target.name.as_str()).filter(|_| uses);
            for &finding in mine.into_iter().flatten() {
                let Some(check) = checks.find(&finding.check) else { continue };
                let Some(severity) = check.stages.severity_for(check.severity, stage) else {
                    continue;
                };
                let severity =
                    if finding.graded { severity.max(Severity::Warning) } else { severity };
                concerns.entry(&finding.check).or_default().push(Concern { finding, severity });
            }
        }
        Self(concerns)
    }

    /// Returns what concerns the machine of one check.
    pub(super) fn of_check(&self, id: &str) -> &[Concern<'r>] {
        self.0.get(id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns everything, in working order.
    pub(super) fn in_order(&self) -> Vec<Concern<'r>> {
        let mut all: Vec<Concern<'r>> = self.0.values().flatten().copied().collect();
        all.sort_by_key(|concern| concern.finding.order);
        all
    }
}

/// What the checks of a step say about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// They hold.
    Done,
    /// None of them has a meaning for the machine.
    NotNeeded,
    /// Something fails, is not known, or was not checked.
    Open,
    /// What is open waits for another fix or another stage.
    Waiting,
    /// No check can prove it.
    Unproved,
}

/// Decides what checks say.
pub(super) fn prove(concerns: &Concerns<'_>, proved_by: &[String]) -> Proof {
    if proved_by.is_empty() {
        return Proof::Unproved;
    }
    let (mut holds, mut open, mut told) = (false, false, false);
    for id in proved_by {
        let related = concerns.of_check(id);
        open |= related.is_empty();
        told |= related.is_empty();
        for concern in related {
            match &concern.finding.outcome {
                Outcome::Pass | Outcome::Waived { .. } => holds = true,
                Outcome::NotApplicable { by_failure: false, .. } => {}
                // What it requires fails, and is told by itself.
                Outcome::NotApplicable { by_failure: true, .. } => open = true,
                Outcome::Fail | Outcome::Unknown(_) => {
                    open = true;
                    told |= !concern.waits();
                }
            }
        }
    }
    match (open, told, holds) {
        (true, true, _) => Proof::Open,
        (true, false, _) => Proof::Waiting,
        (false, _, true) => Proof::Done,
        (false, _, false) => Proof::NotNeeded,
    }
}

/// Returns the checks among these that hold.
pub(super) fn holding(concerns: &Concerns<'_>, proved_by: &[String]) -> Vec<String> {
    let holds = |id: &&String| {
        let related = concerns.of_check(id);
        related.iter().any(|concern| concern.finding.outcome == Outcome::Pass)
            && !related.iter().any(Concern::is_open)
    };
    proved_by.iter().filter(holds).cloned().collect()
}

/// Returns what is open among these, in working order, each check once.
pub(super) fn open_findings<'r>(
    concerns: impl IntoIterator<Item = Concern<'r>>,
) -> Vec<OpenFinding> {
    let mut concerns: Vec<Concern<'r>> =
        concerns.into_iter().filter(|concern| concern.is_open() && !concern.waits()).collect();
    concerns.sort_by_key(|concern| concern.finding.order);
    let mut open: Vec<OpenFinding> = Vec::new();
    // For what is not known: the reason of each entry of `open`.
    let mut reasons: Vec<Option<String>> = Vec::new();
    for Concern { finding, severity } in concerns {
        let (outcome, reason) = (finding.outcome.kind(), unknown_reason(finding));
        let is_same_check =
            |entry: &OpenFinding| entry.check == finding.check && entry.outcome == outcome;
        if let (Some(reason), false) = (&reason, open.iter().any(is_same_check)) {
            let shared = reasons.iter().position(|known| known.as_ref() == Some(reason));
            if let Some(place) = shared {
                let entry = &mut open[place];
                entry.severity = entry.severity.min(severity);
                if !entry.also.iter().any(|also| *also == finding.check) {
                    entry.also.push(finding.check.to_string());
                }
                continue;
            }
        }
        let place = OpenPlace {
            targets: vec![finding.target.to_string()],
            found: finding.found.to_string(),
            remedy: (finding.outcome == Outcome::Fail).then(|| finding.remedy.as_ref().clone()),
        };
        match open.iter_mut().find(|entry| is_same_check(entry)) {
            Some(entry) => {
                entry.severity = entry.severity.min(severity);
                add_place(&mut entry.places, place);
            }
            None => {
                open.push(OpenFinding {
                    check: finding.check.to_string(),
                    title: finding.title.to_string(),
                    outcome,
                    severity,
                    places: vec![place],
                    also: Vec::new(),
                    source: finding.source.as_ref().clone(),
                });
                reasons.push(reason);
            }
        }
    }
    open
}

/// Adds a place; what was found alike elsewhere gets one more target.
pub(super) fn add_place(places: &mut Vec<OpenPlace>, place: OpenPlace) {
    let is_same =
        |known: &&mut OpenPlace| known.found == place.found && known.remedy == place.remedy;
    match places.iter_mut().find(is_same) {
        Some(known) => {
            let new = place.targets.into_iter().filter(|name| !known.targets.contains(name));
            let new: Vec<String> = new.collect();
            known.targets.extend(new);
        }
        None => places.push(place),
    }
}

/// Returns the reason for which a finding is not known, without the fact it is about.
fn unknown_reason(finding: &Finding) -> Option<String> {
    match &finding.outcome {
        Outcome::Unknown(unknown) => Some(unknown.cause.reason()),
        _ => None,
    }
}
