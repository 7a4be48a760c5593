//! The stage of each machine of a site, and which machines concern which target.
//!
//! Not for how evidence is read and weighed (`facts::stage`).

use serde_json::Value;

use super::model::{ProtectedVm, Site};
use super::value::VaultExperience;
use crate::check::model::CheckScope;
use crate::check::{Target, TargetStages};
use crate::facts::stage::{self, MachineStage, Scenario, Stage, StageReading};
use crate::facts::target_kind::TargetKind;
use crate::facts::{Collection, Document, Fact};

impl Site {
    /// Returns the stages that the site file and `--stage` alone give to the machines that concern a target.
    pub(super) fn written_stages(&self, target: &str) -> Collection<Stage> {
        let machines = self.protected_vms.iter().map(|vm| self.decide_stage(vm.name.as_str(), &[]));
        let is_machine = self.protected_vms.iter().any(|vm| vm.name.as_str() == target);
        let kind = if is_machine { TargetKind::ProtectedVm } else { TargetKind::LinuxMt };
        known_stages(&self.concerned(target, kind, &machines.collect::<Vec<_>>()))
    }

    /// Decides the stage of every machine from what was collected, and tells every target the stages that concern it.
    pub(super) fn apply_stages(&self, targets: &mut [Target]) {
        self.apply_stages_with(targets, |_| None);
    }

    /// The same, with what the vault shows of each machine.
    pub(super) fn apply_stages_with(
        &self,
        targets: &mut [Target],
        of_vault: impl Fn(&str) -> Option<StageReading>,
    ) {
        let is_machine = |target: &&Target| target.kind == TargetKind::ProtectedVm;
        let mut machines: Vec<MachineStage> = Vec::new();
        for target in targets.iter().filter(is_machine) {
            if machines.iter().all(|known| known.machine != target.name) {
                let on_premises = match self.scenario {
                    Scenario::VmwareClassic => readings(&target.document),
                    Scenario::Hyperv => Vec::new(),
                };
                let by_vault = of_vault(&target.name);
                let readings: Vec<StageReading> = by_vault.into_iter().chain(on_premises).collect();
                machines.push(self.decide_stage(&target.name, &readings));
            }
        }
        for vm in &self.protected_vms {
            if machines.iter().all(|known| known.machine != vm.name.as_str()) {
                let by_vault: Vec<StageReading> = of_vault(vm.name.as_str()).into_iter().collect();
                machines.push(self.decide_stage(vm.name.as_str(), &by_vault));
            }
        }
        let is_modernised = self.is_modernised(targets);
        targets.iter_mut().for_each(|target| self.tell_stages(target, &machines, is_modernised));
    }

    /// Tells a target the stages of the machines that concern it.
    pub(super) fn tell_stages(
        &self,
        target: &mut Target,
        machines: &[MachineStage],
        is_modernised: bool,
    ) {
        if matches!(target.kind, TargetKind::Image | TargetKind::Packages) {
            return;
        }
        let concerned = self.concerned(&target.name, target.kind, machines);
        if target.document.known.get("site").is_some() {
            target.document.set_member("site.stages", &known_stages(&concerned));
        }
        target.stages =
            TargetStages { scenario: self.scenario, is_modernised, machines: concerned };
    }

    /// Decides the stage of a machine that was asked itself.
    pub(super) fn stage_of_returned(&self, machine: &Target) -> MachineStage {
        self.decide_stage(&machine.name, &readings(&machine.document))
    }

    /// Returns the names that an answer to a question of this scope may be about; none where there is one answer for the
    /// whole site.
    pub fn answer_targets(&self, scope: CheckScope) -> Vec<&str> {
        match scope {
            CheckScope::Machine => self.protected_vms.iter().map(|vm| vm.name.as_str()).collect(),
            CheckScope::MasterTarget => {
                self.master_targets.iter().map(|target| target.name.as_str()).collect()
            }
            CheckScope::ProcessServer => {
                self.process_servers.iter().map(|server| server.name.as_str()).collect()
            }
            CheckScope::Site
            | CheckScope::Host
            | CheckScope::Group
            | CheckScope::Network
            | CheckScope::Image => Vec::new(),
        }
    }

    /// Whether the vault is of the modernised experience: by what it shows, otherwise by the site file.
    pub(super) fn is_modernised(&self, targets: &[Target]) -> bool {
        let shown = targets.iter().find_map(|target| {
            target.document.known.get("azure")?.pointer("/plan/is_classic/state")?.as_str()
        });
        match shown {
            Some("bad") => true,
            Some("good") => false,
            _ => self.experience == Some(VaultExperience::Modernised),
        }
    }

    fn decide_stage(&self, machine: &str, readings: &[StageReading]) -> MachineStage {
        let planned = self.protected_vms.iter().find(|vm| vm.name.as_str() == machine);
        let word = planned.and_then(|vm| vm.stage).or(self.stage);
        stage::decide(machine, self.given_stage, word, readings)
    }

    /// Returns the machines that concern a target: for a machine itself, for a master target those that fail back
    /// through it, otherwise all.
    fn concerned(
        &self,
        target: &str,
        kind: TargetKind,
        machines: &[MachineStage],
    ) -> Vec<MachineStage> {
        if machines.is_empty() {
            let unnamed = (self.given_stage.is_some() || self.stage.is_some())
                .then(|| self.decide_stage(MachineStage::UNNAMED, &[]));
            return unnamed.into_iter().collect();
        }
        let through = |machine: &MachineStage| {
            let planned = self.protected_vms.iter().find(|vm| vm.name.as_str() == machine.machine);
            planned.and_then(|vm: &ProtectedVm| vm.master_target.as_ref())
        };
        let is_master_target = self.master_target(target).is_some();
        let concerned = machines.iter().filter(|machine| match through(machine) {
            _ if kind == TargetKind::ProtectedVm => machine.machine == target,
            Some(name) if is_master_target => name.as_str() == target,
            _ => true,
        });
        concerned.cloned().collect()
    }
}

/// Returns the stages that are known among those of some machines; complete when all of them are.
fn known_stages(machines: &[MachineStage]) -> Collection<Stage> {
    let mut stages = Collection { items: Vec::new(), complete: !machines.is_empty() };
    for machine in machines {
        match machine.known() {
            Some(stage) if stages.items.contains(&stage) => {}
            Some(stage) => stages.items.push(stage),
            None => stages.complete = false,
        }
    }
    stages
}

/// Returns what is seen of a machine's stage, best first: what vSphere leaves open, the machine itself may narrow down.
fn readings(document: &Document) -> Vec<StageReading> {
    let fact = |path: &str| document.known.pointer(path);
    // Who answers while the machine is off is another one.
    let is_off = fact("/vm/power").and_then(Value::as_str) == Some("poweredOff");
    let by_guest = fact("/guest/is_home").and_then(Value::as_bool).filter(|_| !is_off);
    let by_guest = by_guest.map(StageReading::from_guest);
    match (vsphere_reading(document), by_guest) {
        (Some(vsphere), Some(guest)) => vec![vsphere.narrowed_by(&guest), guest],
        (vsphere, guest) => vsphere.into_iter().chain(guest).collect(),
    }
}

/// Returns what vSphere shows of a machine's stage.
fn vsphere_reading(document: &Document) -> Option<StageReading> {
    let vm = document.known.get("vm")?;
    let fact = |name: &str| {
        vm.get(name)
            .map_or_else(|| Fact::unavailable("not known"), |value| Fact::Known(value.clone()))
    };
    let flag = |name: &str| fact(name).map(|value: Value| value == Value::Bool(true));
    let power = fact("power").map(|value| value.as_str().unwrap_or_default().to_owned());
    StageReading::from_vsphere(&flag("exists"), &power, &flag("written_from_azure"))
}
