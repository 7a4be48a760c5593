//! The steps of every stage: `checks/steps/*.yaml` into a verified set.
//!
//! Not for which step is next (`plan`).

use std::collections::BTreeMap;

use super::step::StageEntry;
use crate::assets::{self, Asset, AssetError, Assets};
use crate::check::definition::{self, CheckSet};
use crate::check::model::DefinitionLocation;
use crate::check::recognition::{RecognitionError, verify_said_as};
use crate::check::source::is_known_key;
use crate::facts::stage::{Scenario, Stage};
use crate::hint::hinted;
use crate::yaml::{self, PathStep, YamlError, did_you_mean, find_position};

/// The entry about the modernised experience, which has no stages of its own here.
const MODERNISED: &str = "modernised.tell";

/// A verified set of steps: one entry for each stage of each scenario.
pub struct StepSet {
    vmware: Vec<StageEntry>,
    hyperv: Vec<StageEntry>,
    modernised: StageEntry,
}

/// Why the step files were refused.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A file cannot be had.
    #[error(transparent)]
    Asset(#[from] AssetError),
    /// A file is no list of entries.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// One entry is wrong.
    #[error("{at}: {id}: {problem}")]
    Entry {
        /// Where it is written.
        at: DefinitionLocation,
        /// The entry or the step, by its id as written.
        id: String,
        /// What is wrong with it.
        problem: StepProblem,
    },
    /// A stage that no file speaks of.
    #[error("checks/steps: no entry is {0:?}")]
    Missing(String),
}

/// What is wrong with an entry or a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepProblem {
    /// The id is not `SCENARIO.STAGE`.
    #[error("an id is vmware or hyperv, a dot and the stage, or {MODERNISED}")]
    Id,
    /// The stage is none of the scenario's.
    #[error("{0} is not a stage of this scenario")]
    Stage(Stage),
    /// The id is taken.
    #[error("the id is taken by the one at {0}")]
    Duplicate(DefinitionLocation),
    /// A text is missing.
    #[error("{0} is blank")]
    Blank(&'static str),
    /// A check that does not exist.
    #[error("proved_by names {id:?}, which does not exist{}", did_you_mean(.nearest))]
    NoSuchCheck {
        /// The id as written.
        id: String,
        /// The id that is spelled most alike.
        nearest: Option<String>,
    },
    /// What people say of a step is wrong.
    #[error("{0}")]
    Recognition(RecognitionError),
    /// A source that `docs/sources.md` does not have.
    #[error("no source has the key {0:?}")]
    Source(String),
}

impl StepError {
    /// Returns what to do about the error.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Asset(error) => error.hint(),
            Self::Yaml(error) => error.hint(),
            Self::Missing(_) => Some("every stage of a scenario has one entry".to_owned()),
            Self::Entry { problem, .. } => match problem {
                StepProblem::Source(_) => Some("docs/sources.md lists the keys".to_owned()),
                StepProblem::NoSuchCheck { nearest: None, .. } => {
                    Some("preflight list checks names them all".to_owned())
                }
                _ => None,
            },
        }
    }
}

hinted!(StepError);

impl StepSet {
    /// Reads every step file of the assets; the checks are those they may name.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file, line and step.
    pub fn load(assets: &Assets, checks: &CheckSet) -> Result<Self, StepError> {
        Self::read(&definition::read_steps(assets)?, checks)
    }

    /// Reads step files given as texts.
    ///
    /// # Errors
    ///
    /// As [`StepSet::load`].
    pub fn read(files: &[Asset], checks: &CheckSet) -> Result<Self, StepError> {
        // Each entry with its file and its place there.
        let mut entries: BTreeMap<String, (StageEntry, &Asset, usize)> = BTreeMap::new();
        for file in files {
            let written = parse(file)?;
            for (index, entry) in written.into_iter().enumerate() {
                verify_entry(&entry, file, index, checks)?;
                if let Some((_, earlier, place)) = entries.get(&entry.id) {
                    let id_of =
                        |file, index| location(file, &[PathStep::Item(index), PathStep::Key("id")]);
                    let problem = StepProblem::Duplicate(id_of(earlier, *place));
                    return Err(StepError::Entry { at: id_of(file, index), id: entry.id, problem });
                }
                entries.insert(entry.id.clone(), (entry, file, index));
            }
        }
        let mut take = |id: String| match entries.remove(&id) {
            Some((entry, ..)) => Ok(entry),
            None => Err(StepError::Missing(id)),
        };
        let mut of_scenario = |scenario: Scenario| -> Result<Vec<StageEntry>, StepError> {
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

/// Reads the entries of one file. Embedded files are read from their JSON, which is faster.
fn parse(file: &Asset) -> Result<Vec<StageEntry>, YamlError> {
    let prepared = assets::embedded_check_json(&file.text);
    match prepared.and_then(|json| serde_json::from_str(json).ok()) {
        Some(entries) => Ok(entries),
        None => yaml::parse(&file.text, &file.path),
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
) -> Result<(), StepError> {
    let item = PathStep::Item(index);
    let wrong = |id: &str, path: &[PathStep<'_>], problem: StepProblem| StepError::Entry {
        at: location(file, path),
        id: id.to_owned(),
        problem,
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
            return Err(wrong(&entry.id, &own, StepProblem::Blank(key)));
        }
    }
    for (place, step) in entry.steps.iter().enumerate() {
        let path = [item, PathStep::Key("do"), PathStep::Item(place), PathStep::Key("id")];
        let id = format!("{}: {}", entry.id, step.id);
        let earlier = entry.steps[..place].iter().position(|other| other.id == step.id);
        if let Some(earlier) = earlier {
            let first = [item, PathStep::Key("do"), PathStep::Item(earlier), PathStep::Key("id")];
            return Err(wrong(&id, &path, StepProblem::Duplicate(location(file, &first))));
        }
        let blank = [("text", &step.text), ("who", &step.who), ("id", &step.id)]
            .into_iter()
            .find(|(_, text)| text.trim().is_empty());
        if let Some((key, _)) = blank {
            return Err(wrong(&id, &path, StepProblem::Blank(key)));
        }
        verify_said_as(&step.said_as)
            .map_err(|error| wrong(&id, &path, StepProblem::Recognition(error)))?;
        verify_references(&step.proved_by, &step.source.doc, checks)
            .map_err(|problem| wrong(&id, &path, problem))?;
    }
    for (key, advice) in entry.advice() {
        for (place, advice) in advice.iter().enumerate() {
            let path = [item, PathStep::Key(key), PathStep::Item(place), PathStep::Key("text")];
            let id = format!("{}: {key} {}", entry.id, place + 1);
            if advice.text.trim().is_empty() {
                return Err(wrong(&id, &path, StepProblem::Blank("text")));
            }
            verify_references(&advice.proved_by, &advice.source.doc, checks)
                .map_err(|problem| wrong(&id, &path, problem))?;
        }
    }
    Ok(())
}

fn verify_id(entry: &StageEntry) -> Result<(), StepProblem> {
    if entry.id == MODERNISED {
        return Ok(());
    }
    let (scenario, stage) = entry.id.split_once('.').ok_or(StepProblem::Id)?;
    let scenario = [Scenario::VmwareClassic, Scenario::Hyperv]
        .into_iter()
        .find(|known| known.as_str() == scenario)
        .ok_or(StepProblem::Id)?;
    if stage != entry.stage.as_str() {
        return Err(StepProblem::Id);
    }
    if scenario.has(entry.stage) { Ok(()) } else { Err(StepProblem::Stage(entry.stage)) }
}

fn verify_references(
    proved_by: &[String],
    doc: &str,
    checks: &CheckSet,
) -> Result<(), StepProblem> {
    if let Some(id) = proved_by.iter().find(|id| checks.find(id).is_none()) {
        let nearest = checks.nearest_id(id).map(str::to_owned);
        return Err(StepProblem::NoSuchCheck { id: id.clone(), nearest });
    }
    if is_known_key(doc) { Ok(()) } else { Err(StepProblem::Source(doc.to_owned())) }
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
