//! The stages of a failback: how far a machine has come on its way home, and what shows it.
//!
//! A stage belongs to one machine. Evidence counts before a person's word; what evidence leaves open, the word decides. Not for which checks
//! count at a stage (`check::window`), nor for reading the evidence (`vsphere`, `azure`).

pub mod azure;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

use super::Fact;

/// What fails back.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scenario {
    /// VMware machines and physical servers, with a configuration server and a master target.
    #[default]
    #[serde(alias = "vmware")]
    VmwareClassic,
    /// Hyper-V machines, with neither.
    Hyperv,
}

impl Scenario {
    /// Its stages, in the order in which a machine walks them.
    pub fn stages(self) -> &'static [Stage] {
        match self {
            Self::VmwareClassic => &[
                Stage::Home,
                Stage::Prepare,
                Stage::Reprotect,
                Stage::Replicating,
                Stage::Failback,
                Stage::Verify,
                Stage::After,
                Stage::ReprotectForward,
                Stage::CleanUp,
            ],
            Self::Hyperv => &[
                Stage::Home,
                Stage::Prepare,
                Stage::Sync,
                Stage::Complete,
                Stage::Verify,
                Stage::After,
                Stage::Reverse,
                Stage::CleanUp,
            ],
        }
    }

    /// Whether machines of this scenario can be at a stage.
    pub fn has(self, stage: Stage) -> bool {
        self.stages().contains(&stage)
    }

    /// The word for it in checks and step files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::VmwareClassic => "vmware",
            Self::Hyperv => "hyperv",
        }
    }
}

/// How far a machine has come on its way home.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::VariantArray,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Stage {
    /// It runs on premises and is protected towards Azure.
    Home,
    /// It runs in Azure, and nothing replicates home.
    Prepare,
    /// Re-protect runs.
    Reprotect,
    /// It replicates from Azure to the site.
    Replicating,
    /// The failover home runs.
    Failback,
    /// Hyper-V: data is synchronised.
    Sync,
    /// Hyper-V: the job waits for Complete Failover.
    Complete,
    /// It has returned, and nothing is committed.
    Verify,
    /// It has returned, committed and unprotected.
    After,
    /// Re-protect towards Azure runs.
    ReprotectForward,
    /// Hyper-V: reverse replication runs.
    Reverse,
    /// The machines are home, and what served them is taken down.
    CleanUp,
}

impl Stage {
    /// Every stage of any scenario.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word for it in site files and checks.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// What it means, as a fragment for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Home => "it runs on premises, protected towards Azure",
            Self::Prepare => "it runs in Azure, and nothing replicates home",
            Self::Reprotect => "Re-protect runs",
            Self::Replicating => "it replicates from Azure to the site",
            Self::Failback => "the failover home runs",
            Self::Sync => "its data is synchronised",
            Self::Complete => "the job waits for Complete Failover",
            Self::Verify => "it has returned, and nothing is committed",
            Self::After => "it has returned and is committed, but not protected",
            Self::ReprotectForward => "Re-protect towards Azure runs",
            Self::Reverse => "reverse replication runs",
            Self::CleanUp => "it is home, and what served it is taken down",
        }
    }

    /// Whether a machine at this stage runs in Azure.
    pub fn is_before_return(self) -> bool {
        use Stage::{Complete, Failback, Prepare, Replicating, Reprotect, Sync};
        matches!(self, Prepare | Reprotect | Replicating | Failback | Sync | Complete)
    }

    /// Returns the stage with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|stage| stage.as_str() == word)
    }
}

/// Who or what says something about a stage, best first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum EvidenceSource {
    /// `--stage`, which overrides everything.
    Option,
    /// The vault.
    Azure,
    /// vCenter or the ESXi host.
    Vsphere,
    /// The machine itself, over SSH.
    Ssh,
    /// A person's word in the site file.
    Person,
    /// Nothing is known, so the stage before anything was pressed is assumed.
    Assumed,
}

impl EvidenceSource {
    /// The name for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Option => "--stage",
            Self::Azure => "Azure",
            Self::Vsphere => "vSphere",
            Self::Ssh => "SSH",
            Self::Person => "the site file",
            Self::Assumed => "assumed",
        }
    }
}

/// One piece of evidence, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StageEvidence {
    /// Who says it.
    pub source: EvidenceSource,
    /// What it says, as a fragment.
    pub says: String,
}

/// The stage of one machine, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MachineStage {
    /// The machine.
    pub machine: String,
    /// The stage; none when what is known does not decide it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Stage>")]
    pub stage: Option<Stage>,
    /// What decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<EvidenceSource>")]
    pub source: Option<EvidenceSource>,
    /// Everything that was considered.
    pub evidence: Vec<StageEvidence>,
    /// What contradicts what, or what has to be said for the stage to be known; empty when nothing is to be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schemars(default)]
    pub note: String,
}

impl MachineStage {
    /// What stands for the machines of a site that names none.
    pub const UNNAMED: &str = "all machines";

    /// A machine about which nobody and nothing says anything: it is treated as one before Re-protect.
    pub fn assumed(machine: &str) -> Self {
        Self {
            machine: machine.to_owned(),
            stage: Some(Stage::Prepare),
            source: Some(EvidenceSource::Assumed),
            evidence: Vec::new(),
            note: String::new(),
        }
    }

    /// Whether somebody or something says the stage; an assumed one is not known.
    pub fn is_known(&self) -> bool {
        self.stage.is_some() && self.source != Some(EvidenceSource::Assumed)
    }

    /// The stage when it is known.
    pub fn known(&self) -> Option<Stage> {
        self.stage.filter(|_| self.is_known())
    }
}

/// What evidence leaves open: the stages that it allows, and whether it is firm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageReading {
    /// The source.
    pub source: EvidenceSource,
    /// The stages that fit it; the first is what it means without another word.
    pub fits: Vec<Stage>,
    /// Whether the first one counts without a person's word.
    pub decides: bool,
    /// What was seen, as a fragment.
    pub says: String,
}

impl StageReading {
    /// Reads the stage of a VMware machine from what vSphere shows of it.
    ///
    /// A machine that is on and has its disks to itself may have returned or may be the old copy of one that runs in Azure: that is not decided
    /// here. Source: the disks of a machine hang on the master target from Re-protect until the failover home gives them back
    /// (D:vmware-azure-reprotect; S004, common issues).
    pub fn from_vsphere(
        exists: &Fact<bool>,
        power: &Fact<String>,
        attached: &Fact<bool>,
    ) -> Option<Self> {
        use Stage::{
            After, CleanUp, Failback, Home, Prepare, Replicating, Reprotect, ReprotectForward,
            Verify,
        };
        let exists = *exists.known()?;
        let reading = |fits: &[Stage], decides, says: &str| {
            let says = says.to_owned();
            Some(Self { source: EvidenceSource::Vsphere, fits: fits.to_vec(), decides, says })
        };
        if !exists {
            return reading(&[Prepare, Reprotect], true, "it is not in the inventory");
        }
        let on = power.known()? != "poweredOff";
        match (on, attached.known()) {
            (true, Some(true)) => reading(
                &[Replicating, Reprotect, Failback],
                true,
                "it is on, and its disks are attached to the master target",
            ),
            (false, Some(true)) => reading(
                &[Replicating, Reprotect, Failback],
                true,
                "it is off, and its disks are attached to the master target",
            ),
            (true, _) => reading(
                &[Home, Verify, After, ReprotectForward, CleanUp, Prepare],
                false,
                "it is on, and its disks are not known to be attached to the master target",
            ),
            (false, Some(false)) => reading(
                &[Prepare, Reprotect, Failback, Home, Verify, After, CleanUp],
                true,
                "it is off, and its disks are not attached to the master target",
            ),
            (false, None) => None,
        }
    }

    /// Reads the stage of a VMware machine from where the one runs that answers under its name.
    ///
    /// What answers at home may have returned or may never have left. What answers in Azure is not at home, or it is the copy that was left
    /// running there when the machine returned.
    pub fn from_guest(is_home: bool) -> Self {
        let of_vmware =
            Stage::ALL.iter().copied().filter(|stage| Scenario::VmwareClassic.has(*stage));
        let has_copy =
            |stage| matches!(stage, Stage::Verify | Stage::After | Stage::ReprotectForward);
        let fits = of_vmware
            .filter(|&stage| {
                let is_away = stage.is_before_return();
                if is_home { !is_away } else { is_away || has_copy(stage) }
            })
            .collect();
        let place = if is_home { "on vSphere" } else { "in Azure" };
        let says = format!("what answers under its name runs {place}");
        Self { source: EvidenceSource::Ssh, fits, decides: false, says }
    }

    /// Returns the reading without the stages that another one excludes, as long as one is left.
    pub fn narrowed_by(mut self, other: &Self) -> Self {
        let both: Vec<Stage> =
            self.fits.iter().copied().filter(|stage| other.fits.contains(stage)).collect();
        if !both.is_empty() {
            self.decides |= both.len() == 1;
            self.fits = both;
        }
        self
    }

    /// Evidence that shows no stage that is known: nothing but a person's word decides beside it.
    pub fn not_understood(source: EvidenceSource, says: String) -> Self {
        Self { source, fits: Vec::new(), decides: false, says }
    }

    fn evidence(&self) -> StageEvidence {
        StageEvidence { source: self.source, says: self.says.clone() }
    }
}

/// Decides the stage of a machine from what evidence shows and what a person says.
///
/// `given` is `--stage`, `word` the site file's `stage:`. Readings come best first. Evidence wins over a word that it excludes; where it allows
/// the word, the word counts.
pub fn decide(
    machine: &str,
    given: Option<Stage>,
    word: Option<Stage>,
    readings: &[StageReading],
) -> MachineStage {
    let person = |source, stage: Stage| StageEvidence {
        source,
        says: format!("stage {stage}: {}", stage.meaning()),
    };
    let mut evidence: Vec<StageEvidence> =
        given.map(|stage| person(EvidenceSource::Option, stage)).into_iter().collect();
    evidence.extend(readings.iter().map(StageReading::evidence));
    evidence.extend(word.map(|stage| person(EvidenceSource::Person, stage)));
    let decided = |stage, source, note: String| MachineStage {
        machine: machine.to_owned(),
        stage,
        source,
        evidence: evidence.clone(),
        note,
    };
    let best = readings.first();
    if let Some(stage) = given {
        let against = best.filter(|reading| !reading.fits.contains(&stage));
        let note = against.map_or_else(String::new, |reading| {
            format!("--stage says {stage}, against {}: {}", reading.source.as_str(), reading.says)
        });
        return decided(Some(stage), Some(EvidenceSource::Option), note);
    }
    match (best, word) {
        (None, None) => MachineStage { evidence, ..MachineStage::assumed(machine) },
        (None, Some(word)) => decided(Some(word), Some(EvidenceSource::Person), String::new()),
        (Some(reading), Some(word)) if reading.fits.contains(&word) => {
            decided(Some(word), Some(EvidenceSource::Person), String::new())
        }
        (Some(reading), Some(word)) if reading.fits.is_empty() => {
            let note = format!("{}: {}", reading.source.as_str(), reading.says);
            decided(Some(word), Some(EvidenceSource::Person), note)
        }
        (Some(reading), Some(word)) => {
            let says = format!("{} shows that {}", reading.source.as_str(), reading.says);
            let note = format!("the site file says {word}, but {says}");
            if reading.decides {
                decided(reading.fits.first().copied(), Some(reading.source), note)
            } else {
                decided(None, None, format!("{note}; say stage: of {machine} again"))
            }
        }
        (Some(reading), None) if reading.decides => {
            let note = contradiction(readings).unwrap_or_default();
            decided(reading.fits.first().copied(), Some(reading.source), note)
        }
        (Some(reading), None) if reading.fits.is_empty() => {
            let note = format!(
                "{}: {}; say which it is with stage: in the site file or --stage",
                reading.source.as_str(),
                reading.says
            );
            decided(None, None, note)
        }
        (Some(reading), None) => {
            let fits: Vec<&str> = reading.fits.iter().map(|stage| stage.as_str()).collect();
            let note = format!(
                "{}: it may be at {}; say which with stage: in the site file or --stage",
                reading.says,
                fits.join(", ")
            );
            decided(None, None, note)
        }
    }
}

/// Returns what contradicts the best of several readings.
fn contradiction(readings: &[StageReading]) -> Option<String> {
    let (best, others) = readings.split_first()?;
    let stage = best.fits.first()?;
    let other = others.iter().find(|other| other.decides && !other.fits.contains(stage))?;
    let (best, said) = (best.source.as_str(), other.source.as_str());
    Some(format!("{best} shows {stage}, but {said} shows that {}", other.says))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Stage::{After, Home, Prepare, Replicating, Reprotect, Verify};

    fn vsphere(exists: bool, power: &str, attached: Option<bool>) -> Vec<StageReading> {
        let attached = attached.map_or_else(|| Fact::unavailable("r"), Fact::Known);
        StageReading::from_vsphere(&Fact::Known(exists), &Fact::Known(power.to_owned()), &attached)
            .into_iter()
            .collect()
    }

    #[test]
    fn a_machine_that_runs_with_its_disks_to_itself_is_not_decided_by_vsphere() {
        let on = vsphere(true, "poweredOn", Some(false));
        assert_eq!(decide("app", None, None, &on).stage, None);
        for word in [Home, Verify, After, Prepare] {
            assert_eq!(decide("app", None, Some(word), &on).stage, Some(word));
        }
        // The word is contradicted, and nothing says what is true instead.
        let against = decide("app", None, Some(Replicating), &on);
        assert_eq!(against.stage, None);
        assert!(against.note.starts_with("the site file says replicating, but vSphere shows"));
    }

    #[test]
    fn what_the_machine_says_itself_narrows_what_vsphere_leaves_open() {
        let on = vsphere(true, "poweredOn", Some(false)).remove(0);
        let in_azure = [on.clone().narrowed_by(&StageReading::from_guest(false))];
        assert_eq!(decide("app", None, None, &in_azure).stage, None);
        assert_eq!(decide("app", None, Some(Home), &in_azure).stage, None);
        // The copy there may have been left running.
        assert_eq!(decide("app", None, Some(Verify), &in_azure).stage, Some(Verify));
        let at_home = [on.narrowed_by(&StageReading::from_guest(true))];
        assert_eq!(decide("app", None, None, &at_home).stage, None);
        assert_eq!(decide("app", None, Some(Prepare), &at_home).stage, None);
        // What hangs on the master target does so whoever answers under its name.
        let attached = vsphere(true, "poweredOff", Some(true)).remove(0);
        let attached = [attached.narrowed_by(&StageReading::from_guest(true))];
        assert_eq!(decide("app", None, None, &attached).stage, Some(Replicating));
    }

    #[test]
    fn disks_that_hang_on_the_master_target_count_more_than_a_word() {
        for power in ["poweredOn", "poweredOff", "suspended"] {
            let attached = vsphere(true, power, Some(true));
            assert_eq!(decide("app", None, None, &attached).stage, Some(Replicating));
            assert_eq!(decide("app", None, Some(Reprotect), &attached).stage, Some(Reprotect));
            let against = decide("app", None, Some(After), &attached);
            assert_eq!(
                (against.stage, against.source),
                (Some(Replicating), Some(EvidenceSource::Vsphere))
            );
            assert!(against.note.contains("says after"), "{}", against.note);
        }
    }

    #[test]
    fn what_is_off_and_apart_is_before_reprotect_unless_a_person_says_otherwise() {
        let off = vsphere(true, "poweredOff", Some(false));
        assert_eq!(decide("app", None, None, &off).stage, Some(Prepare));
        assert_eq!(decide("app", None, Some(Verify), &off).stage, Some(Verify));
        assert_eq!(decide("app", None, Some(Replicating), &off).stage, Some(Prepare));
        assert!(vsphere(true, "poweredOff", None).is_empty());
        assert_eq!(decide("app", None, None, &vsphere(false, "", None)).stage, Some(Prepare));
    }

    #[test]
    fn an_option_overrides_everything_and_what_it_contradicts_is_said() {
        let attached = vsphere(true, "poweredOff", Some(true));
        let given = decide("app", Some(Home), Some(Replicating), &attached);
        assert_eq!((given.stage, given.source), (Some(Home), Some(EvidenceSource::Option)));
        assert!(given.note.starts_with("--stage says home, against vSphere"), "{}", given.note);
    }

    #[test]
    fn azure_decides_and_what_speaks_against_it_is_said() {
        let azure = |fits: &[Stage]| StageReading {
            source: EvidenceSource::Azure,
            fits: fits.to_vec(),
            decides: true,
            says: "its item says Protected".to_owned(),
        };
        let mut readings = vec![azure(&[Home])];
        readings.extend(vsphere(true, "poweredOn", Some(false)));
        assert_eq!(decide("app", None, None, &readings).note, "");
        readings[1] = vsphere(true, "poweredOff", Some(true)).remove(0);
        let against = decide("app", None, None, &readings);
        assert_eq!((against.stage, against.source), (Some(Home), Some(EvidenceSource::Azure)));
        assert!(against.note.starts_with("Azure shows home, but vSphere shows that it is off"));
        let word = decide("app", None, Some(Verify), &readings[..1]);
        assert_eq!((word.stage, word.evidence.len()), (Some(Home), 2));
        assert!(
            word.note.starts_with("the site file says verify, but Azure shows that its item says")
        );
    }

    #[test]
    fn an_item_that_is_not_understood_leaves_the_stage_to_a_person() {
        let odd = StageReading::not_understood(
            EvidenceSource::Azure,
            "its values are not known together: InMage".to_owned(),
        );
        let mut readings = vec![odd];
        readings.extend(vsphere(true, "poweredOff", Some(false)));
        let unknown = decide("app", None, None, &readings);
        assert_eq!((unknown.stage, unknown.source), (None, None));
        assert!(unknown.note.starts_with("Azure: its values are not known together: InMage; say"));
        let word = decide("app", None, Some(After), &readings);
        assert_eq!((word.stage, word.source), (Some(After), Some(EvidenceSource::Person)));
        assert!(word.note.contains("InMage"), "{}", word.note);
    }

    #[test]
    fn nothing_known_is_assumed_and_not_known() {
        let nothing = decide("app", None, None, &[]);
        assert_eq!(nothing.stage, Some(Prepare));
        assert_eq!(nothing.known(), None);
    }

    #[test]
    fn every_stage_has_its_word_and_belongs_to_a_scenario() {
        for &stage in Stage::ALL {
            assert_eq!(Stage::named(stage.as_str()), Some(stage));
            assert!(Scenario::VmwareClassic.has(stage) || Scenario::Hyperv.has(stage));
        }
        assert_eq!(Stage::named("soon"), None);
    }
}
