//! When a check counts: the stages at which its failure matters, and how much at each.
//!
//! Not for recognising the stage of a machine (`facts::stage`), nor for deciding a check (`engine`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::severity::Severity;
use crate::facts::stage::{MachineStage, Scenario, Stage};

/// The stages of the machines that concern a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetStages {
    /// What fails back.
    pub scenario: Scenario,
    /// Whether the vault is of the modernised experience, so that checks of the classic one do not exist.
    pub is_modernised: bool,
    /// The machines; none when the target stands for itself, as an image does, or when nobody names a machine.
    pub machines: Vec<MachineStage>,
}

/// Which scenario a check belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScenarioScope {
    /// VMware and physical machines.
    Vmware,
    /// Hyper-V machines.
    Hyperv,
    /// Both of them.
    #[default]
    Both,
    /// An image of a master target, or its packages.
    Image,
}

impl ScenarioScope {
    /// Whether the check exists in a scenario.
    pub fn includes(self, scenario: Scenario) -> bool {
        match self {
            Self::Vmware => scenario == Scenario::VmwareClassic,
            Self::Hyperv => scenario == Scenario::Hyperv,
            Self::Both | Self::Image => true,
        }
    }
}

/// Which experience of the vault a check belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Experience {
    /// The classic one alone.
    #[default]
    Classic,
    /// Every one.
    Any,
}

impl Experience {
    /// Whether the check exists in a vault.
    pub fn includes(self, is_modernised: bool) -> bool {
        match self {
            Self::Classic => !is_modernised,
            Self::Any => true,
        }
    }
}

/// `stages: [verify]`, or `stages: { prepare..reprotect: blocks-reprotect, replicating: data-loss }`.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(
    untagged,
    expecting = "expected a list of stages, or a map from a stage or STAGE..STAGE to a severity"
)]
pub(super) enum StagesEntry {
    Plain(Vec<Stage>),
    BySeverity(BTreeMap<String, Severity>),
}

/// What is wrong with the stages of a check.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StagesError {
    /// A word that is no stage.
    #[error("stages: there is no stage {0:?}")]
    Unknown(String),
    /// A range whose ends are no stages of one scenario, in order.
    #[error("stages: {0:?} is not a range of stages that follow each other")]
    Range(String),
    /// Two severities for one stage.
    #[error("stages: {0} has two severities")]
    Twice(Stage),
    /// The check's own severity is not the worst of its stages.
    #[error("severity is {given}, and the worst of its stages is {worst}")]
    Severity {
        /// What is written.
        given: Severity,
        /// What the stages say.
        worst: Severity,
    },
}

/// The stages at which a check counts, each with the severity of a failure there; empty when it counts at every stage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StageWindow(Vec<(Stage, Severity)>);

impl StageWindow {
    /// Reads the entry of a check whose own severity is `severity`.
    pub(super) fn parse(
        entry: Option<StagesEntry>,
        scenario: ScenarioScope,
        severity: Severity,
    ) -> Result<Self, StagesError> {
        let by_severity = match entry {
            None => return Ok(Self::default()),
            Some(StagesEntry::Plain(stages)) => {
                return Ok(Self(stages.into_iter().map(|stage| (stage, severity)).collect()));
            }
            Some(StagesEntry::BySeverity(map)) => map,
        };
        let mut window: Vec<(Stage, Severity)> = Vec::new();
        for (range, severity) in by_severity {
            for stage in expand_range(&range, scenario)? {
                if window.iter().any(|(known, _)| *known == stage) {
                    return Err(StagesError::Twice(stage));
                }
                window.push((stage, severity));
            }
        }
        window.sort();
        match window.iter().map(|(_, severity)| *severity).min() {
            Some(worst) if worst != severity => {
                Err(StagesError::Severity { given: severity, worst })
            }
            _ => Ok(Self(window)),
        }
    }

    /// The stages, in order.
    pub fn stages(&self) -> impl Iterator<Item = Stage> {
        self.0.iter().map(|(stage, _)| *stage)
    }

    /// The severity of a failure at a stage of a check whose own severity is `severity`; none when it does not count there.
    pub fn severity_for(&self, severity: Severity, stage: Stage) -> Option<Severity> {
        if self.0.is_empty() { Some(severity) } else { self.severity_at(stage) }
    }

    /// The severity of a failure at a stage; none when the check does not count there.
    pub fn severity_at(&self, stage: Stage) -> Option<Severity> {
        self.0.iter().find(|(known, _)| *known == stage).map(|(_, severity)| *severity)
    }
}

/// Returns the stages of `prepare` or `prepare..failback`, in every scenario that the check belongs to.
fn expand_range(range: &str, scenario: ScenarioScope) -> Result<Vec<Stage>, StagesError> {
    let stage =
        |word: &str| Stage::named(word).ok_or_else(|| StagesError::Unknown(word.to_owned()));
    let Some((first, last)) = range.split_once("..") else { return Ok(vec![stage(range)?]) };
    let (first, last) = (stage(first)?, stage(last)?);
    let mut stages: Vec<Stage> = Vec::new();
    for chain in [Scenario::VmwareClassic, Scenario::Hyperv] {
        let position = |stage| chain.stages().iter().position(|&known| known == stage);
        if let (true, Some(from), Some(to)) =
            (scenario.includes(chain), position(first), position(last))
        {
            let inside = chain.stages().get(from..=to).unwrap_or_default();
            stages.extend(
                inside.iter().filter(|stage| !stages.contains(stage)).copied().collect::<Vec<_>>(),
            );
        }
    }
    if stages.is_empty() { Err(StagesError::Range(range.to_owned())) } else { Ok(stages) }
}

/// Whether a check counts for a target now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum InWindow {
    /// It counts, with this severity.
    Yes(Severity),
    /// No machine needs it, for this reason.
    No(String),
    /// It means the opposite at another stage, and the stage of a machine is not known.
    Undecided {
        /// The machine.
        machine: String,
        /// What is known of its stage.
        note: String,
    },
}

impl StageWindow {
    /// Decides whether a check counts for a target, and how much: as much as for the machine that needs it most.
    ///
    /// `needs_stage` says that the check means the opposite at another stage.
    pub(super) fn decide(
        &self,
        severity: Severity,
        needs_stage: bool,
        is_question: bool,
        stages: &TargetStages,
    ) -> InWindow {
        if self.0.is_empty() {
            return InWindow::Yes(severity);
        }
        let at_prepare = self.severity_at(Stage::Prepare);
        let mut undecided: Option<&MachineStage> = None;
        let mut worst = if stages.machines.is_empty() { at_prepare } else { None };
        for machine in &stages.machines {
            let counts = match machine.known() {
                Some(stage) => self.severity_at(stage),
                // A question is not put before its stage; what cannot be known does not change that.
                None if !needs_stage || is_question => at_prepare,
                None => {
                    undecided.get_or_insert(machine);
                    None
                }
            };
            worst = [worst, counts].into_iter().flatten().min();
        }
        match (worst, undecided) {
            (Some(severity), _) => InWindow::Yes(severity),
            (None, Some(machine)) => InWindow::Undecided {
                machine: machine.machine.clone(),
                note: if machine.note.is_empty() {
                    "nothing says at which stage it is; say it with stage: in the site file or --stage"
                        .to_owned()
                } else {
                    machine.note.clone()
                },
            },
            (None, None) => InWindow::No(self.outside(stages)),
        }
    }

    /// Why no machine needs the check.
    fn outside(&self, stages: &TargetStages) -> String {
        let chain = stages.scenario.stages();
        let position = |stage: Stage| chain.iter().position(|&known| known == stage);
        let window: Vec<usize> = self.stages().filter_map(position).collect();
        let mut now: Vec<Stage> =
            stages.machines.iter().filter_map(|machine| machine.stage).collect();
        // What nobody knows is looked at as before Re-protect.
        if now.is_empty() {
            now.push(Stage::Prepare);
        }
        let places: Vec<usize> = now.iter().copied().filter_map(position).collect();
        let when = match (window.iter().min(), window.iter().max()) {
            (Some(first), _) if places.iter().all(|place| place < first) => "yet",
            (_, Some(last)) if places.iter().all(|place| place > last) => "any more",
            _ => "now",
        };
        let mut here: Vec<&str> = Vec::new();
        for stage in &now {
            if !here.contains(&stage.as_str()) {
                here.push(stage.as_str());
            }
        }
        let at: Vec<&str> =
            self.stages().filter(|stage| stages.scenario.has(*stage)).map(Stage::as_str).collect();
        let at = match at.as_slice() {
            [] => "no stage of this scenario".to_owned(),
            [one] => (*one).to_owned(),
            [first, .., last] => format!("{first} to {last}"),
        };
        format!("no machine needs it {when}: it counts at {at}, not at {}", here.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::stage::EvidenceSource;

    fn window(text: &str, severity: Severity) -> Result<StageWindow, StagesError> {
        let entry: StagesEntry = crate::yaml::parse(text, "x.yaml").unwrap();
        StageWindow::parse(Some(entry), ScenarioScope::Vmware, severity)
    }

    fn machine(name: &str, stage: Option<Stage>) -> MachineStage {
        MachineStage {
            machine: name.to_owned(),
            stage,
            source: stage.map(|_| EvidenceSource::Person),
            evidence: Vec::new(),
            note: String::new(),
        }
    }

    fn stages(machines: &[(&str, Option<Stage>)]) -> TargetStages {
        let machines = machines.iter().map(|(name, stage)| machine(name, *stage)).collect();
        TargetStages { scenario: Scenario::VmwareClassic, is_modernised: false, machines }
    }

    #[test]
    fn a_range_goes_along_the_stages_of_the_scenario() {
        let window = window(
            "{ prepare..reprotect: blocks-reprotect, replicating..failback: data-loss }",
            Severity::DataLoss,
        )
        .unwrap();
        let words: Vec<&str> = window.stages().map(Stage::as_str).collect();
        assert_eq!(words, ["prepare", "reprotect", "replicating", "failback"]);
        assert_eq!(window.severity_at(Stage::Failback), Some(Severity::DataLoss));
        assert_eq!(window.severity_at(Stage::Home), None);
    }

    #[test]
    fn what_is_wrong_with_stages_is_said() {
        for (text, says) in [
            ("{ soon: info }", "stages: there is no stage \"soon\""),
            ("{ failback..prepare: info }", "stages: \"failback..prepare\" is not a range"),
            ("{ sync..complete: info }", "stages: \"sync..complete\" is not a range"),
            (
                "{ prepare..failback: info, reprotect: info }",
                "stages: reprotect has two severities",
            ),
            ("{ prepare: warning }", "severity is info, and the worst of its stages is warning"),
        ] {
            let why = window(text, Severity::Info).unwrap_err().to_string();
            assert!(why.starts_with(says), "{text}: {why}");
        }
    }

    #[test]
    fn a_server_counts_as_much_as_for_the_machine_that_needs_it_most() {
        let window = window(
            "{ prepare..reprotect: blocks-reprotect, replicating: data-loss, after: warning }",
            Severity::DataLoss,
        )
        .unwrap();
        let decide = |machines: &[(&str, Option<Stage>)]| {
            window.decide(Severity::DataLoss, false, false, &stages(machines))
        };
        use Stage::{After, Home, Prepare, Replicating, ReprotectForward};
        assert_eq!(
            decide(&[("a", Some(Prepare)), ("b", Some(Replicating))]),
            InWindow::Yes(Severity::DataLoss)
        );
        assert_eq!(
            decide(&[("a", Some(After)), ("b", Some(Home))]),
            InWindow::Yes(Severity::Warning)
        );
        assert_eq!(decide(&[("a", None)]), InWindow::Yes(Severity::BlocksReprotect));
        assert_eq!(decide(&[]), InWindow::Yes(Severity::BlocksReprotect));
        for (stage, when) in [(Home, "yet"), (ReprotectForward, "any more")] {
            let InWindow::No(why) = decide(&[("a", Some(stage))]) else { panic!("{stage}") };
            assert!(why.starts_with(&format!("no machine needs it {when}: ")), "{why}");
        }
    }

    #[test]
    fn what_means_the_opposite_elsewhere_waits_for_the_stage() {
        let window =
            window("{ prepare: warning, replicating: data-loss }", Severity::DataLoss).unwrap();
        let decide = |needs, question, machines: &[(&str, Option<Stage>)]| {
            window.decide(Severity::DataLoss, needs, question, &stages(machines))
        };
        assert!(matches!(decide(true, false, &[("a", None)]), InWindow::Undecided { .. }));
        // A machine that needs it for certain decides it for a server.
        let both = [("a", None), ("b", Some(Stage::Replicating))];
        assert_eq!(decide(true, false, &both), InWindow::Yes(Severity::DataLoss));
        assert_eq!(decide(true, true, &[("a", None)]), InWindow::Yes(Severity::Warning));
        assert_eq!(decide(true, false, &[]), InWindow::Yes(Severity::Warning));
    }
}
