//! Which step of which machine is next: steps, findings and stages into a guide.
//!
//! Not for showing it (`report::guide`).

use std::collections::{BTreeMap, BTreeSet};

use super::circumstances::{Circumstances, Condition, describe_conditions};
use super::model::{
    AdviceItem, Guide, GuideSection, NextStage, NextStep, NowStep, OpenFinding, Readiness,
    StageSummary, StepRow,
};
use super::open::{Concern, Concerns, Proof, add_place, holding, open_findings, prove};
use super::step::{Advice, StageEntry, Step};
use super::step_set::StepSet;
use crate::check::definition::CheckSet;
use crate::check::engine::{Finding, Outcome, Target};
use crate::check::gate::EndedCases;
use crate::check::scope::machine_stages;
use crate::facts::stage::{MachineStage, Scenario, Stage};

/// The check that fails when the vault is not of the experience that the steps are written for.
const EXPERIENCE: &str = "azure.experience";

/// The same of one machine, in a vault of both.
const MACHINE_EXPERIENCE: &str = "azure.machine-experience";

/// How many steps are told at once.
const MAX_NOW: usize = 6;

/// What a guide is made of.
pub struct GuideRequest<'a> {
    /// The steps.
    pub steps: &'a StepSet,
    /// The checks.
    pub checks: &'a CheckSet,
    /// What fails back.
    pub scenario: Scenario,
    /// The targets that were evaluated.
    pub targets: &'a [Target],
    /// What came of them.
    pub findings: &'a [Finding],
    /// What is known of each machine, by its name.
    pub circumstances: &'a dyn Fn(&str) -> Circumstances,
    /// Whether a machine is told of.
    pub includes: &'a dyn Fn(&str) -> bool,
}

/// Returns what to do for every machine.
pub fn plan(request: &GuideRequest<'_>) -> Guide {
    let mut by_target: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in request.findings {
        by_target.entry(&finding.target).or_default().push(finding);
    }
    let ended = EndedCases::from_findings(request.checks, request.targets, request.findings);
    let planner = Planner { request, by_target, ended };
    let mut machines = machine_stages(request.targets);
    if machines.is_empty() {
        machines.push(MachineStage::assumed(MachineStage::UNNAMED));
    }
    machines.retain(|machine| (request.includes)(&machine.machine));
    let mut sections: Vec<(String, GuideSection)> = Vec::new();
    for machine in machines {
        let section = planner.section(machine);
        let key = signature(&section);
        match sections.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => merge(known, section),
            None => sections.push((key, section)),
        }
    }
    let mut sections: Vec<GuideSection> =
        sections.into_iter().map(|(_, section)| section).collect();
    let place = |section: &GuideSection| section.stage.as_ref().map(|summary| summary.stage);
    // What nobody knows comes first, then who has come least far.
    sections.sort_by_key(|section| (section.ended_by.is_none(), place(section)));
    let progress = sections.iter().map(|section| section.progress).min();
    Guide {
        scenario: request.scenario,
        exit_code: progress.map_or(2, Readiness::exit_code),
        sections,
        notes: Vec::new(),
    }
}

/// Returns stages as they are written, for no machine.
pub fn written<'e>(entries: impl IntoIterator<Item = &'e StageEntry>, scenario: Scenario) -> Guide {
    let sections = entries.into_iter().map(written_section).collect();
    Guide { scenario, sections, notes: Vec::new(), exit_code: Readiness::Clear.exit_code() }
}

/// Returns all that is written about one stage; conditions are told in words.
fn written_section(entry: &StageEntry) -> GuideSection {
    let nothing_known = Circumstances::default();
    let step = |step: &Step| NowStep {
        step: step.clone(),
        condition: condition_of(nothing_known, &step.when).flatten(),
        open: Vec::new(),
        holds: Vec::new(),
    };
    GuideSection {
        stage: Some(summarize(entry)),
        now: entry.steps.iter().map(step).collect(),
        never: advice(&entry.never, nothing_known, None),
        verify: advice(&entry.verify, nothing_known, None),
        if_wrong: advice(&entry.if_wrong, nothing_known, None),
        ..empty_section(Vec::new(), Readiness::Clear)
    }
}

struct Planner<'a> {
    request: &'a GuideRequest<'a>,
    by_target: BTreeMap<&'a str, Vec<&'a Finding>>,
    ended: EndedCases,
}

/// A section without anything in it.
fn empty_section(machines: Vec<MachineStage>, progress: Readiness) -> GuideSection {
    GuideSection {
        machines,
        stage: None,
        progress,
        ended_by: None,
        to_say: Vec::new(),
        done: Vec::new(),
        not_needed: Vec::new(),
        first: Vec::new(),
        warnings: Vec::new(),
        now: Vec::new(),
        later: Vec::new(),
        never: Vec::new(),
        verify: Vec::new(),
        if_wrong: Vec::new(),
        next: None,
    }
}

impl<'a> Planner<'a> {
    fn section(&self, machine: MachineStage) -> GuideSection {
        if let Some(gate) = self.ended.ended_by(&machine.machine) {
            return self.ended_section(machine, gate);
        }
        // At home that is a warning, and the classic steps are none of this vault's all the same.
        let mut failed = self
            .request
            .findings
            .iter()
            .filter(|finding| finding.outcome == Outcome::Fail && !finding.graded);
        let is_modernised = |finding: &&Finding| {
            let is_own = finding.target == machine.machine;
            finding.check == EXPERIENCE || (finding.check == MACHINE_EXPERIENCE && is_own)
        };
        if let Some(finding) = failed.find(is_modernised) {
            return self.ended_section(machine, &finding.check);
        }
        let Some(stage) = machine.known() else { return self.undecided_section(machine) };
        let Some(entry) = self.request.steps.stage(self.request.scenario, stage) else {
            return self.undecided_section(machine);
        };
        let request = self.request;
        let concerns = Concerns::new(
            request.checks, request.targets, &self.by_target, &machine.machine, stage,
        );
        let circumstances = (request.circumstances)(&machine.machine);
        let mut section = StagePlan { entry, concerns: &concerns, circumstances }.section(machine);
        let is_clear = section.progress == Readiness::Clear;
        section.next = request.steps.following(request.scenario, stage).map(|next| NextStage {
            stage: next.stage,
            title: next.title.clone(),
            steps: if is_clear && begins_with_a_press(next.stage) {
                next_steps(next, circumstances)
            } else {
                Vec::new()
            },
        });
        section
    }

    /// A machine whose case a gate has ended: that one finding and nothing else.
    fn ended_section(&self, machine: MachineStage, gate: &str) -> GuideSection {
        let failed = self.request.findings.iter().filter(|finding| finding.check == gate);
        let failed = failed.map(|finding| Concern { finding, severity: finding.severity });
        let ended_by = open_findings(failed).into_iter().next();
        let is_blocked = ended_by.as_ref().is_none_or(|finding| finding.severity.is_blocker());
        let progress = if is_blocked { Readiness::Blocked } else { Readiness::Clear };
        let mut section = if matches!(gate, EXPERIENCE | MACHINE_EXPERIENCE) {
            written_section(self.request.steps.modernised())
        } else {
            empty_section(Vec::new(), progress)
        };
        // What is written of the modernised experience holds at every stage.
        if let (Some(summary), Some(stage)) = (&mut section.stage, machine.known()) {
            summary.stage = stage;
        }
        GuideSection { machines: vec![machine], progress, ended_by, ..section }
    }

    /// A machine whose stage is not known: what has to be said, and no step that is right at one stage alone.
    fn undecided_section(&self, machine: MachineStage) -> GuideSection {
        let mut to_say = vec![
            "Find out at which of these stages it is, and say it: stage: STAGE beside its name under protected_vms in \
             the site file, or --stage STAGE for all machines of a run. No step is told before, for what is right at one \
             stage destroys data at another."
                .to_owned(),
        ];
        let entries = self.request.steps.scenario(self.request.scenario).iter();
        to_say.extend(
            entries.map(|entry| format!("{}: {}. {}", entry.stage, entry.title, entry.enter)),
        );
        let mut section = empty_section(vec![machine], Readiness::Undecided);
        section.to_say = to_say;
        section
    }
}

fn summarize(entry: &StageEntry) -> StageSummary {
    StageSummary {
        stage: entry.stage,
        id: entry.id.clone(),
        title: entry.title.clone(),
        enter: entry.enter.clone(),
        leave: entry.leave.clone(),
        takes: entry.takes.clone(),
    }
}

fn next_steps(entry: &StageEntry, circumstances: Circumstances) -> Vec<NextStep> {
    let wanted = entry.steps.iter().filter_map(|step| {
        let condition = condition_of(circumstances, &step.when)?;
        Some(NextStep { step: step.clone(), condition })
    });
    wanted.collect()
}

/// Returns the conditions in words where they are not known, nothing where they hold; none when they do not hold.
fn condition_of(circumstances: Circumstances, when: &[Condition]) -> Option<Option<String>> {
    match circumstances.decide(when) {
        Some(true) => Some(None),
        Some(false) => None,
        None => Some(Some(describe_conditions(when))),
    }
}

fn advice(
    advice: &[Advice],
    circumstances: Circumstances,
    concerns: Option<&Concerns<'_>>,
) -> Vec<AdviceItem> {
    let item = |advice: &Advice| {
        let condition = condition_of(circumstances, &advice.when)?;
        let holds = concerns.map(|concerns| holding(concerns, &advice.proved_by));
        let is_proved =
            concerns.is_some_and(|concerns| prove(concerns, &advice.proved_by) == Proof::Done);
        Some(AdviceItem {
            text: advice.text.clone(),
            condition,
            holds: holds.unwrap_or_default(),
            is_proved,
            source: advice.source.clone(),
        })
    };
    advice.iter().filter_map(item).collect()
}

/// The stages that are one press: what their checks prove must hold before it, and does not show that it was pressed.
fn is_one_press(stage: Stage) -> bool {
    matches!(stage, Stage::Reprotect | Stage::Failback | Stage::Sync)
}

/// The stages whose first steps are those of a press, so that they are told before it.
fn begins_with_a_press(stage: Stage) -> bool {
    is_one_press(stage) || matches!(stage, Stage::ReprotectForward | Stage::Reverse)
}

/// The plan of one machine at one stage.
struct StagePlan<'p> {
    entry: &'p StageEntry,
    concerns: &'p Concerns<'p>,
    circumstances: Circumstances,
}

impl StagePlan<'_> {
    fn section(&self, machine: MachineStage) -> GuideSection {
        let mut section = empty_section(vec![machine], self.progress());
        section.stage = Some(summarize(self.entry));
        let of_stage: BTreeSet<&str> =
            self.entry.steps.iter().flat_map(|step| &step.proved_by).map(String::as_str).collect();
        let all = self.concerns.in_order();
        // What is lost while a step is done, and what may end the case, is told before any step.
        let before_steps = |concern: &&Concern<'_>| {
            let is_of_stage = of_stage.contains(concern.finding.check.as_str());
            !is_of_stage || concern.comes_first()
        };
        let elsewhere = all.iter().filter(before_steps);
        let (blocking, others): (Vec<Concern<'_>>, Vec<Concern<'_>>) =
            elsewhere.copied().partition(|concern| concern.severity.is_blocker());
        section.first = open_findings(blocking);
        section.warnings = open_findings(others);
        self.add_steps(&mut section);
        section.never = advice(&self.entry.never, self.circumstances, None);
        section.verify = advice(&self.entry.verify, self.circumstances, Some(self.concerns));
        section.if_wrong = advice(&self.entry.if_wrong, self.circumstances, None);
        section
    }

    /// Sorts the steps into those that are done, those of now and those behind them.
    fn add_steps(&self, section: &mut GuideSection) {
        let one_press = is_one_press(self.entry.stage);
        let wanted: Vec<(&Step, Option<String>)> = self
            .entry
            .steps
            .iter()
            .filter_map(|step| Some((step, condition_of(self.circumstances, &step.when)?)))
            .collect();
        let proofs = self.proofs(&wanted);
        let last_done = proofs.iter().rposition(|(proof, _)| *proof == Proof::Done);
        // What was told in full is not told again at another step.
        let mut told: BTreeSet<String> = section.first.iter().map(told_key).collect();
        let mut is_blocked = section.first.iter().any(OpenFinding::is_blocker);
        for (place, ((step, condition), (proof, is_shared))) in
            wanted.into_iter().zip(proofs).enumerate()
        {
            let row = |checks: Vec<String>| StepRow {
                step: step.id.clone(),
                text: step.text.clone(),
                checks,
            };
            let holds = holding(self.concerns, &step.proved_by);
            match proof {
                Proof::Done if !one_press => {
                    section.done.push(row(holds));
                    continue;
                }
                Proof::NotNeeded if !one_press => {
                    section.not_needed.push(row(step.proved_by.clone()));
                    continue;
                }
                // Others prove it as well, and one that comes behind it is done.
                Proof::Unproved if is_shared && !one_press && last_done > Some(place) => {
                    section.done.push(row(holds));
                    continue;
                }
                _ => {}
            }
            let is_action = matches!(proof, Proof::Unproved | Proof::Done | Proof::NotNeeded);
            let too_early = proof == Proof::Waiting || (is_blocked && (is_action || one_press));
            if too_early || section.now.len() == MAX_NOW && !one_press {
                section.later.push(row(self.open_checks(step)));
                continue;
            }
            let related = step.proved_by.iter().flat_map(|id| self.concerns.of_check(id)).copied();
            let mut open = open_findings(related);
            is_blocked |= open.iter().any(OpenFinding::is_blocker);
            open.retain(|finding| told.insert(told_key(finding)));
            section.now.push(NowStep { step: step.clone(), condition, open, holds });
        }
    }

    /// Returns what the checks of each step say, and whether they are those of earlier steps alone: then they do not
    /// show that this one is done.
    fn proofs(&self, steps: &[(&Step, Option<String>)]) -> Vec<(Proof, bool)> {
        let mut named: BTreeSet<&str> = BTreeSet::new();
        let mut proofs = Vec::with_capacity(steps.len());
        for (step, _) in steps {
            let is_shared = !step.proved_by.is_empty()
                && step.proved_by.iter().all(|id| named.contains(id.as_str()));
            named.extend(step.proved_by.iter().map(String::as_str));
            let proof = match prove(self.concerns, &step.proved_by) {
                Proof::Done if is_shared => Proof::Unproved,
                proof => proof,
            };
            proofs.push((proof, is_shared));
        }
        proofs
    }

    /// Returns the checks of a step that are open.
    fn open_checks(&self, step: &Step) -> Vec<String> {
        let is_open = |id: &&String| self.concerns.of_check(id).iter().any(Concern::is_open);
        step.proved_by.iter().filter(is_open).cloned().collect()
    }

    /// Whether something that counts fails or is not known.
    fn progress(&self) -> Readiness {
        let all = self.concerns.in_order();
        let counting = || all.iter().filter(|concern| concern.severity.is_blocker());
        if counting().any(|concern| concern.finding.outcome == Outcome::Fail) {
            Readiness::Blocked
        } else if counting().any(Concern::is_open) {
            Readiness::Undecided
        } else {
            Readiness::Clear
        }
    }
}

/// What makes two findings the same thing to tell.
fn told_key(finding: &OpenFinding) -> String {
    format!("{} {}", finding.check, finding.outcome.as_str())
}

/// Returns what two machines must share to stand in one section: everything but their names and what was found on them.
fn signature(section: &GuideSection) -> String {
    let first = &section.machines[0];
    let open = |findings: &[OpenFinding]| -> Vec<String> {
        let key = |finding: &OpenFinding| {
            let targets = finding.places.iter().flat_map(|place| &place.targets);
            let is_other = |target: &&String| **target != first.machine;
            let targets: BTreeSet<&String> = targets.filter(is_other).collect();
            let (check, outcome) = (&finding.check, finding.outcome);
            format!("{check} {outcome:?} {} {targets:?} {:?}", finding.severity, finding.also)
        };
        findings.iter().map(key).collect()
    };
    let rows = |rows: &[StepRow]| -> Vec<String> {
        rows.iter().map(|row| format!("{} {:?}", row.step, row.checks)).collect()
    };
    let items = |items: &[AdviceItem]| -> Vec<String> {
        items
            .iter()
            .map(|item| format!("{} {:?} {}", item.text, item.condition, item.is_proved))
            .collect()
    };
    let now: Vec<String> = section
        .now
        .iter()
        .map(|now| {
            format!("{} {:?} {:?} {:?}", now.step.id, now.condition, open(&now.open), now.holds)
        })
        .collect();
    let next = section.next.as_ref().map(|next| {
        let steps = next.steps.iter().map(|step| (&step.step.id, &step.condition));
        (next.stage, steps.collect::<Vec<_>>())
    });
    let ended: Vec<OpenFinding> = section.ended_by.iter().cloned().collect();
    format!(
        "{:?} {} {:?} {:?} {:?} {:?} {:?} {:?} {now:?} {:?} {:?} {:?} {:?} {next:?}",
        first.stage,
        first.is_known(),
        section.progress,
        open(&ended),
        rows(&section.done),
        rows(&section.not_needed),
        open(&section.first),
        open(&section.warnings),
        rows(&section.later),
        items(&section.never),
        items(&section.verify),
        items(&section.if_wrong),
    )
}

/// Adds a section to one with the same signature.
fn merge(known: &mut GuideSection, other: GuideSection) {
    let add = |known: &mut OpenFinding, other: OpenFinding| {
        other.places.into_iter().for_each(|place| add_place(&mut known.places, place));
    };
    if let (Some(known), Some(other)) = (&mut known.ended_by, other.ended_by) {
        add(known, other);
    }
    known.first.iter_mut().zip(other.first).for_each(|(known, other)| add(known, other));
    known.warnings.iter_mut().zip(other.warnings).for_each(|(known, other)| add(known, other));
    for (known, other) in known.now.iter_mut().zip(other.now) {
        known.open.iter_mut().zip(other.open).for_each(|(known, other)| add(known, other));
    }
    known.machines.extend(other.machines);
}
