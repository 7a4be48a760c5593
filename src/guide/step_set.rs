//! The steps of every stage: `checks/steps/*.yaml` into a verified set.
//!
//! Not for which step is next (`plan`).

use std::collections::BTreeMap;

use super::step::StageEntry;
use crate::assets::{Asset, Assets};
use crate::check::definition::{self, CheckSet};
use crate::check::error::EntryProblem;
use crate::check::model::DefinitionLocation;
use crate::check::recognition::verify_said_as;
use crate::check::source::is_known_key;
use crate::check::{DefinitionError, parse_asset};
use crate::facts::stage::{Scenario, Stage};
use crate::yaml::{PathStep, find_position};

/// The entry about the modernised experience, which has no stages of its own here.
const MODERNISED: &str = "modernised.tell";

/// How the id of an entry is written.
const ID: &str = "vmware or hyperv, a dot and the stage, or modernised.tell";

/// A verified set of steps: one entry for each stage of each scenario.
pub struct StepSet {
    vmware: Vec<StageEntry>,
    hyperv: Vec<StageEntry>,
    modernised: StageEntry,
}

impl StepSet {
    /// Reads every step file of the assets; the checks are those they may name.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file, line and step.
    pub fn load(assets: &Assets, checks: &CheckSet) -> Result<Self, DefinitionError> {
        Self::read(&definition::read_steps(assets)?, checks)
    }

    /// Reads step files given as texts.
    ///
    /// # Errors
    ///
    /// As [`StepSet::load`].
    pub fn read(files: &[Asset], checks: &CheckSet) -> Result<Self, DefinitionError> {
        // Each entry with its file and its place there.
        let mut entries: BTreeMap<String, (StageEntry, &Asset, usize)> = BTreeMap::new();
        for file in files {
            let (written, _): (Vec<StageEntry>, _) = parse_asset(file)?;
            for (index, entry) in written.into_iter().enumerate() {
                verify_entry(&entry, file, index, checks)?;
                if let Some((_, earlier, place)) = entries.get(&entry.id) {
                    let id_of =
                        |file, index| location(file, &[PathStep::Item(index), PathStep::Key("id")]);
                    let problem = EntryProblem::Duplicate(id_of(earlier, *place));
                    return Err(problem.into_error(&entry.id, &id_of(file, index)));
                }
                entries.insert(entry.id.clone(), (entry, file, index));
            }
        }
        let mut take = |id: String| match entries.remove(&id) {
            Some((entry, ..)) => Ok(entry),
            None => Err(DefinitionError::Missing(id)),
        };
        let mut of_scenario = |scenario: Scenario| -> Result<Vec<StageEntry>, DefinitionError> {
            let stages = scenario.stages().iter();
            stages.map(|stage| take(format!("{}.{stage}", scenario.as_str()))).collect()
        };
        let (vmware, hyperv) =
            (of_scenario(Scenario::VmwareClassic)?, of_scenario(Scenario::Hyperv)?);
        Ok(Self { vmware, hyperv, modernised: take(MODERNISED.to_owned())? })
    }

    /// Returns the entries of a scenario, in the order of its stages.
    pub fn scenario(&self, scenario: Scenario) -> &[StageEntry] {
        match scenario {
            Scenario::VmwareClassic => &self.vmware,
            Scenario::Hyperv => &self.hyperv,
        }
    }

    /// Returns what is written about a stage; none when the scenario has no such stage.
    pub fn stage(&self, scenario: Scenario, stage: Stage) -> Option<&StageEntry> {
        self.scenario(scenario).iter().find(|entry| entry.stage == stage)
    }

    /// Returns what there is to say about the modernised experience.
    pub fn modernised(&self) -> &StageEntry {
        &self.modernised
    }

    /// Returns the stage behind one: the one a machine comes to next; none behind the last.
    pub fn following(&self, scenario: Scenario, stage: Stage) -> Option<&StageEntry> {
        // What has gone the whole way is protected again, and cleaning up is the site's.
        let next = match stage {
            Stage::ReprotectForward | Stage::Reverse => Stage::Home,
            _ => {
                let stages = scenario.stages();
                let place = stages.iter().position(|&known| known == stage)?;
                *stages.get(place + 1)?
            }
        };
        self.stage(scenario, next)
    }
}

/// Returns where the value at a path stands.
fn location(file: &Asset, path: &[PathStep<'_>]) -> DefinitionLocation {
    let place = find_position(&file.text, path);
    DefinitionLocation { file: file.path.clone(), line: place.map_or(1, |place| place.line) }
}

fn verify_entry(
    entry: &StageEntry,
    file: &Asset,
    index: usize,
    checks: &CheckSet,
) -> Result<(), DefinitionError> {
    let item = PathStep::Item(index);
    let wrong = |id: &str, path: &[PathStep<'_>], problem: EntryProblem| {
        problem.into_error(id, &location(file, path))
    };
    let own = [item, PathStep::Key("id")];
    verify_id(entry).map_err(|problem| wrong(&entry.id, &own, problem))?;
    for (key, text) in [
        ("title", &entry.title),
        ("enter", &entry.enter),
        ("leave", &entry.leave),
        ("takes", &entry.takes),
    ] {
        if text.trim().is_empty() {
            return Err(wrong(&entry.id, &own, EntryProblem::Blank(key)));
        }
    }
    for (place, step) in entry.steps.iter().enumerate() {
        let path = [item, PathStep::Key("do"), PathStep::Item(place), PathStep::Key("id")];
        let id = format!("{}: {}", entry.id, step.id);
        let earlier = entry.steps[..place].iter().position(|other| other.id == step.id);
        if let Some(earlier) = earlier {
            let first = [item, PathStep::Key("do"), PathStep::Item(earlier), PathStep::Key("id")];
            return Err(wrong(&id, &path, EntryProblem::Duplicate(location(file, &first))));
        }
        let blank = [("text", &step.text), ("who", &step.who), ("id", &step.id)]
            .into_iter()
            .find(|(_, text)| text.trim().is_empty());
        if let Some((key, _)) = blank {
            return Err(wrong(&id, &path, EntryProblem::Blank(key)));
        }
        verify_said_as(&step.said_as)
            .map_err(|error| wrong(&id, &path, EntryProblem::Recognition(error)))?;
        verify_references(&step.proved_by, &step.source.doc, checks)
            .map_err(|problem| wrong(&id, &path, problem))?;
    }
    for (key, advice) in entry.advice() {
        for (place, advice) in advice.iter().enumerate() {
            let path = [item, PathStep::Key(key), PathStep::Item(place), PathStep::Key("text")];
            let id = format!("{}: {key} {}", entry.id, place + 1);
            if advice.text.trim().is_empty() {
                return Err(wrong(&id, &path, EntryProblem::Blank("text")));
            }
            verify_references(&advice.proved_by, &advice.source.doc, checks)
                .map_err(|problem| wrong(&id, &path, problem))?;
        }
    }
    Ok(())
}

fn verify_id(entry: &StageEntry) -> Result<(), EntryProblem> {
    if entry.id == MODERNISED {
        return Ok(());
    }
    let (scenario, stage) = entry.id.split_once('.').ok_or(EntryProblem::Id(ID))?;
    let scenario = [Scenario::VmwareClassic, Scenario::Hyperv]
        .into_iter()
        .find(|known| known.as_str() == scenario)
        .ok_or(EntryProblem::Id(ID))?;
    if stage != entry.stage.as_str() {
        return Err(EntryProblem::Id(ID));
    }
    if scenario.has(entry.stage) { Ok(()) } else { Err(EntryProblem::Stage(entry.stage)) }
}

fn verify_references(
    proved_by: &[String],
    doc: &str,
    checks: &CheckSet,
) -> Result<(), EntryProblem> {
    proved_by.iter().try_for_each(|id| checks.named("proved_by", id).map(drop))?;
    if is_known_key(doc) { Ok(()) } else { Err(EntryProblem::Source(doc.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded() -> Vec<Asset> {
        definition::read_steps(&Assets::embedded()).unwrap()
    }

    fn refusal(from: &str, to: &str) -> String {
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        let mut files = embedded();
        let file = files.iter_mut().find(|file| file.text.contains(from)).expect(from);
        file.text = file.text.replacen(from, to, 1);
        StepSet::read(&files, &checks).err().expect("a refusal").to_string()
    }

    #[test]
    fn what_is_wrong_with_a_step_is_named_by_file_and_line() {
        for (from, to, says) in [
            (
                "- id: vmware.home",
                "- id: vmware.hone",
                "checks/steps/vmware.yaml, line 7: vmware.hone: an id is",
            ),
            ("stage: complete", "stage: failback", "hyperv.complete: an id is vmware or hyperv"),
            (
                "proved_by: [cs.backup]",
                "proved_by: [cs.backups]",
                "back-up-the-configuration-server: proved_by names \"cs.backups\", which does not exist, did you mean \"cs.backup\"?",
            ),
            ("source: { doc: S001,", "source: { doc: S009,", "no source has the key \"S009\""),
            ("when: [linux]", "when: [linus]", "checks/steps/vmware.yaml, line"),
            (
                "id: plan-the-second-network-card",
                "id: back-up-the-configuration-server",
                "the id is taken by the one at checks/steps/vmware.yaml, line",
            ),
            ("- id: vmware.verify", "- id: vmware.after", "vmware.after: an id is"),
            ("said_as:\n        - ", "said_as:\n        - ' '\n        - ", "said_as is blank"),
            ("who: operator", "whom: operator", "unknown key \"whom\""),
        ] {
            let message = refusal(from, to);
            assert!(message.contains(says), "{to}: {message}");
        }
    }

    #[test]
    fn the_end_of_the_way_is_its_beginning() {
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        let steps = StepSet::read(&embedded(), &checks).unwrap();
        for (scenario, stage, expected) in [
            (Scenario::VmwareClassic, Stage::Prepare, Some("vmware.reprotect")),
            (Scenario::VmwareClassic, Stage::ReprotectForward, Some("vmware.home")),
            (Scenario::VmwareClassic, Stage::CleanUp, None),
            (Scenario::Hyperv, Stage::Prepare, Some("hyperv.sync")),
            (Scenario::Hyperv, Stage::Reverse, Some("hyperv.home")),
            (Scenario::Hyperv, Stage::Failback, None),
        ] {
            let next = steps.following(scenario, stage).map(|entry| entry.id.as_str());
            assert_eq!(next, expected, "{scenario:?} {stage}");
        }
    }
}
