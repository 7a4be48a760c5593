//! What a fix does to those who use its target, and at which stages it may not be done.
//!
//! The hold rule as a table. Not for applying it to findings (`hold`).

use schemars::JsonSchema;
use serde::Deserialize;

use crate::facts::stage::Stage;

/// What a fix does to those who use its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Disturbance {
    /// It powers the master target off or restarts it.
    RestartMasterTarget,
    /// It unmounts, formats or moves the retention volume.
    TouchRetention,
    /// It uninstalls the agent, or means another master target.
    RebuildMasterTarget,
    /// It moves disks of the master target.
    MoveMasterTargetStorage,
    /// It moves the master target to another host.
    MoveMasterTargetHost,
    /// It consolidates disks of the master target.
    DeleteMasterTargetSnapshots,
    /// It deletes snapshots or files of the machine.
    DeleteMachineSnapshots,
    /// It powers the machine on premises off.
    PowerOffMachine,
    /// It stops the machine in Azure.
    StopAzureVm,
    /// It deletes the process server in Azure.
    DeleteAzureProcessServer,
    /// It upgrades the configuration server or a process server.
    UpgradeServers,
}

/// Why a fix is not told at a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// It has to wait.
    Later(&'static str),
    /// It must not be done at this stage, whatever it would fix.
    Never(&'static str),
}

/// Waiting for the end of replication.
const NO_REPLICATION: &str = "when no machine replicates through it";

impl Disturbance {
    /// Returns why the fix is held while a machine that uses its target is at a stage; none when it may be done.
    pub(super) fn hold(self, stage: Stage) -> Option<Hold> {
        use Stage::{
            After, CleanUp, Complete, Failback, Home, Prepare, Replicating, Reprotect,
            ReprotectForward, Reverse, Sync, Verify,
        };
        let busy = matches!(stage, Reprotect | Replicating | Failback);
        match self {
            Self::RestartMasterTarget => busy.then_some(Hold::Later(NO_REPLICATION)),
            Self::TouchRetention => {
                busy.then_some(Hold::Never("it holds the recovery points of what replicates"))
            }
            Self::RebuildMasterTarget | Self::MoveMasterTargetStorage => {
                busy.then_some(Hold::Never("what replicates through it would be lost"))
            }
            Self::MoveMasterTargetHost => busy.then_some(Hold::Later(NO_REPLICATION)),
            Self::DeleteMasterTargetSnapshots => (stage == Failback).then_some(Hold::Later(
                "after the failover, for it writes to all disks and takes long",
            )),
            Self::DeleteMachineSnapshots => match stage {
                Home | Prepare | After | ReprotectForward | CleanUp | Reverse => None,
                Reprotect | Replicating | Failback | Sync | Complete => {
                    Some(Hold::Never("its disks are written from Azure"))
                }
                Verify => Some(Hold::Later("after Commit")),
            },
            Self::PowerOffMachine => match stage {
                Reprotect | Replicating | Failback | Sync => None,
                Prepare => Some(Hold::Later("when nobody uses it: Re-protect switches it off")),
                _ => Some(Hold::Never("it is the machine that works")),
            },
            Self::StopAzureVm => {
                (stage != Verify).then_some(Hold::Never("it is the machine that works"))
            }
            Self::DeleteAzureProcessServer => match stage {
                After | ReprotectForward | CleanUp | Home => None,
                _ => Some(Hold::Later("when the last machine of its network is committed")),
            },
            Self::UpgradeServers => matches!(stage, Reprotect | Replicating | Failback | Verify)
                .then_some(Hold::Later("after the last commit, and with a backup")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_stage_forbids_is_held_and_what_it_needs_is_not() {
        use Disturbance::{
            DeleteMachineSnapshots, MoveMasterTargetStorage, PowerOffMachine, RebuildMasterTarget,
            RestartMasterTarget, StopAzureVm, TouchRetention,
        };
        use Stage::{After, Failback, Home, Prepare, Replicating, Verify};
        // Facts of the hold rule, one line each: the fix, the stage, whether it may be told.
        for (kind, stage, free) in [
            (RestartMasterTarget, Prepare, true),
            (RestartMasterTarget, Replicating, false),
            (RestartMasterTarget, After, true),
            (TouchRetention, Prepare, true),
            (TouchRetention, Failback, false),
            (RebuildMasterTarget, Replicating, false),
            (MoveMasterTargetStorage, Prepare, true),
            (MoveMasterTargetStorage, Replicating, false),
            (DeleteMachineSnapshots, Prepare, true),
            (DeleteMachineSnapshots, Replicating, false),
            (DeleteMachineSnapshots, Verify, false),
            (PowerOffMachine, Replicating, true),
            (PowerOffMachine, Home, false),
            (PowerOffMachine, Verify, false),
            (PowerOffMachine, After, false),
            (StopAzureVm, Verify, true),
            (StopAzureVm, Prepare, false),
            (StopAzureVm, Replicating, false),
        ] {
            assert_eq!(kind.hold(stage).is_none(), free, "{kind:?} at {stage}");
        }
    }
}
