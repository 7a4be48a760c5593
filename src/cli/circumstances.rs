//! What a site says of a machine, for the conditions of steps.
//!
//! Not for what the conditions are (`guide::circumstances`).

use crate::check::Target;
use crate::facts::stage::Stage;
use crate::facts::target_kind::TargetKind;
use crate::guide::Circumstances;
use crate::site::{ProtectedVm, ReturnLocation, Site};

/// Returns what is known of a machine, from the site file and from vSphere.
pub fn circumstances(site: &Site, targets: &[Target], machine: &str) -> Circumstances {
    let planned = site.protected_vms.iter().find(|vm| vm.name.as_str() == machine);
    let target = targets
        .iter()
        .find(|target| target.kind == TargetKind::ProtectedVm && target.name == machine);
    let fact = |root: &str, name: &str| {
        target.and_then(|target| target.document.known.get(root)?.get(name))
    };
    let family = planned.and_then(|vm| vm.os).map(|os| os.family());
    let family = family.or_else(|| fact("vm", "guest_family")?.as_str());
    let is_linux = match family {
        Some("linux") => Some(true),
        Some("windows") => Some(false),
        _ => None,
    };
    // Once Re-protect has run there is a machine at either location, and what is there says nothing any more.
    let stages = target.map(|target| target.stages.machines.as_slice()).unwrap_or_default();
    let is_before = stages.iter().any(|known| {
        known.machine == machine && matches!(known.known(), Some(Stage::Home | Stage::Prepare))
    });
    let is_alternate = match planned.and_then(|vm| vm.location) {
        Some(location) => Some(location == ReturnLocation::Alternate),
        None => fact("vm", "exists")
            .and_then(|exists| exists.as_bool())
            .filter(|exists| is_before || !exists)
            .map(|exists| !exists),
    };
    let through = planned.and_then(|vm| vm.master_target.as_ref());
    let through = through.and_then(|name| site.master_target(name.as_str()));
    let through = through.map(|master_target| master_target.kind() == TargetKind::LinuxMt);
    let named_groups = !site.replication_groups.is_empty();
    let in_group = named_groups.then(|| {
        site.replication_groups
            .iter()
            .any(|group| group.vms.iter().any(|vm| vm.as_str() == machine))
    });
    // A group is reprotected and failed over through its plan alone; where plans are named, who names none is in none.
    let names_plan = |vm: &ProtectedVm| vm.recovery_plan.is_some();
    let in_plan = match in_group {
        Some(true) => Some(true),
        _ if site.protected_vms.iter().any(names_plan) => planned.map(names_plan),
        _ => None,
    };
    Circumstances {
        is_linux,
        is_physical: planned.and_then(|vm| vm.physical),
        is_alternate,
        has_vcenter: fact("vcenter", "is_vcenter").and_then(|is_vcenter| is_vcenter.as_bool()),
        // Without a plan: machines come through a master target of their own family.
        uses_linux_mt: through.or(is_linux),
        in_group,
        in_plan,
        has_vmm: site.vmm,
    }
}
