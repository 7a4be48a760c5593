//! Which machines fail back through which master target, and so what vSphere servers are asked about.
//!
//! Not for joining what they answer (`assemble`).

use super::assemble::Coverage;
use super::model::{MasterTarget, Site};
use crate::facts::vsphere::query_scope::{Pairing, QueryScope};

impl Site {
    /// Returns each of these master targets with the machines that fail back through it. When the
    /// coverage includes them, machines without a planned master target come last.
    pub(super) fn pairings(&self, chosen: &[MasterTarget], coverage: Coverage) -> Vec<Pairing> {
        let alone = self.master_targets.len() == 1;
        let names = |is_member: &dyn Fn(Option<&str>) -> bool| -> Vec<String> {
            let members = self
                .protected_vms
                .iter()
                .filter(|vm| is_member(vm.master_target.as_ref().map(|target| target.as_str())));
            members.map(|vm| vm.name.to_string()).collect()
        };
        let mut pairings: Vec<Pairing> = chosen
            .iter()
            .map(|target| {
                let protected = names(&|target_name| {
                    target_name.map_or(alone, |name| name == target.name.as_str())
                });
                let machines = self.protected_vms.iter();
                let through = machines.filter(|vm| protected.contains(&vm.name.to_string()));
                let began = through.filter_map(|vm| vm.reprotected_at);
                Pairing {
                    master_target: target.vm.clone(),
                    reprotected_at: began.chain(target.reprotected_at).min(),
                    protected,
                }
            })
            .collect();
        if coverage.has_unplanned_machines() && !(alone && chosen.len() == 1) {
            let protected = names(&|target_name| target_name.is_none());
            pairings.push(Pairing { protected, ..Pairing::default() });
        }
        pairings
    }

    /// Returns the query for the vSphere server about these master targets.
    pub fn vsphere_question(&self, chosen: &[MasterTarget], coverage: Coverage) -> QueryScope {
        let account = self.vcenter.as_ref().and_then(|vcenter| vcenter.discovery_account.clone());
        let mut pairings = self.pairings(chosen, coverage);
        pairings.retain(|pair| pair.master_target.is_some() || !pair.protected.is_empty());
        QueryScope::from_pairings(account, pairings)
    }

    /// Returns the query for an ESXi host's shell. Where vCenter reports on machines, the query is
    /// about the master targets alone, because each machine takes the host seconds.
    pub fn shell_question(&self, chosen: &[MasterTarget], coverage: Coverage) -> QueryScope {
        let mut question = self.vsphere_question(chosen, coverage);
        if self.vcenter.is_some() && coverage != Coverage::Servers {
            question.protected.clear();
            question.others.retain(|pair| pair.master_target.is_some());
            question.others.iter_mut().for_each(|pair| pair.protected.clear());
        }
        question
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;
    use crate::yaml;

    #[test]
    fn moves_count_from_the_earliest_reprotect_through_a_master_target() {
        let text = "\
master_targets:
  - { name: mt1, ssh: 'ssh://mt1', vm: one, reprotected_at: 2026-11-20T03:00:00Z }
  - { name: mt2, ssh: 'ssh://mt2', vm: two }
  - { name: mt3, ssh: 'ssh://mt3', vm: three }
protected_vms:
  - { name: a, master_target: mt1, reprotected_at: 2026-11-20T05:00:00Z }
  - { name: b, master_target: mt2, reprotected_at: 2026-11-20T06:00:00Z }
  - { name: c, master_target: mt2, reprotected_at: 2026-11-20T04:00:00Z }
  - { name: d, master_target: mt3 }
";
        let site: Site = yaml::parse(text, "site.yaml").unwrap();
        let pairings = site.pairings(&site.master_targets, Coverage::Hosts);
        let began = pairings.iter().map(|pairing| pairing.reprotected_at.map(|at| at.to_string()));
        let expected = [Some("2026-11-20T03:00:00Z"), Some("2026-11-20T04:00:00Z"), None];
        assert_eq!(began.collect::<Vec<_>>(), expected.map(|at| at.map(str::to_owned)));
    }
}
