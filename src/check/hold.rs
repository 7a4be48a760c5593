//! The hold rule: a fix that destroys or interrupts is not told while a machine stands at a stage that forbids it.
//!
//! Not for the order of fixes (`order`, `pending_fixes`): what is held waits for a stage, not for another fix.

use super::definition::CheckSet;
use super::disturbance::Hold;
use super::finding::{Finding, Outcome};
use super::model::Remedy;
use super::scope::{Target, targets_by_name};
use super::shared::Shared;

/// Withholds the fixes that the stage of a machine forbids: no commands, and a text that says until when.
pub(super) fn apply(
    set: &CheckSet,
    targets: &[Target],
    findings: &mut [Finding],
    shared: &mut Shared,
) {
    let targets = targets_by_name(targets);
    for finding in findings.iter_mut().filter(|finding| finding.outcome == Outcome::Fail) {
        let Some(kind) = set.find(&finding.check).and_then(|check| check.disturbs) else {
            continue;
        };
        let Some(target) = targets.get(finding.target.as_str()) else { continue };
        let holding = target.stages.machines.iter().filter_map(|machine| {
            let stage = machine.known()?;
            Some((kind.hold(stage)?, machine.machine.as_str(), stage))
        });
        // What may never be done counts more than what has to wait.
        let worst = holding.max_by_key(|(hold, ..)| matches!(hold, Hold::Never(_)));
        let Some((hold, machine, stage)) = worst else { continue };
        let text = &finding.remedy.text;
        let (held, text) = match hold {
            Hold::Later(when) => {
                let when = format!("{when} ({machine} is at {stage})");
                (format!("later, {when}"), format!("Later, {when}: {text}"))
            }
            Hold::Never(why) => {
                let why = format!("{why} ({machine} is at {stage})");
                let text = format!("Not now: {why}; what it will take, once that is over: {text}");
                (format!("not now: {why}"), text)
            }
        };
        let downtime = finding.remedy.downtime;
        finding.remedy = shared.remedies.share(&Remedy { text, commands: Vec::new(), downtime });
        finding.held = Some(shared.texts.share(&held));
    }
}
