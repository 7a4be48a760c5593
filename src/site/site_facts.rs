//! The facts of a site about one target.
//!
//! Not for the types of those facts (`facts::site`).

use std::collections::BTreeMap;

use super::model::{MasterTarget, ProcessServer, ProtectedVm, Site};
use super::value::{
    FileSystem, GuestSystem, Link, Name, ReturnLocation, ServerRole, VaultExperience,
};
use crate::check::Target;
use crate::facts::probe::ProbeEnv;
use crate::facts::site::{
    AnswerValue, PlannedMachineFacts, PlannedMasterTargetFacts, PlannedProcessServerFacts,
    SiteAnswer, SiteFacts, SiteServerFacts, SiteVcenterFacts,
};
use crate::facts::stage::Scenario;
use crate::facts::target_kind::TargetKind;
use crate::facts::{Collection, Document, Fact};

/// The question which experience the vault has.
const EXPERIENCE: &str = "azure.experience";

impl Site {
    /// Returns the addresses and paths that the probes of a host need.
    pub fn surroundings(&self, target: Option<&MasterTarget>) -> ProbeEnv {
        let server = self.configuration_server.as_ref();
        let known = ProbeEnv {
            configuration_server: server.map(|server| server.address.to_string()),
            process_servers: self
                .process_servers
                .iter()
                // The data of the way home goes to the one in Azure, where the site says which that is.
                .filter(|server| {
                    let says_azure =
                        |server: &&ProcessServer| server.role == Some(ServerRole::Azure);
                    server.role != Some(ServerRole::OnPremises)
                        || !self.process_servers.iter().any(|server| says_azure(&server))
                })
                .map(|server| (server.address.to_string(), server.data_port))
                .collect(),
            vcenters: self.vcenter.iter().filter_map(|vcenter| vcenter.address()).collect(),
            ..ProbeEnv::default()
        };
        match target {
            Some(target) => ProbeEnv { retention: target.retention.clone(), ..known },
            None => known,
        }
    }

    /// Returns the facts of the site for the rules of one target: those of the whole site, and the
    /// plan of the target when it is a master target.
    pub fn facts(&self, target: &str) -> SiteFacts {
        let server = self.configuration_server.as_ref().map(|server| SiteServerFacts {
            name: server.address.to_string(),
            address: Fact::Known(server.address.to_string()),
            version: stated(&server.version, "version of the configuration server"),
        });
        let vcenter = self.vcenter.as_ref().and_then(|vcenter| {
            Some(SiteVcenterFacts {
                address: vcenter.address()?.0,
                discovery_account: stated(&vcenter.discovery_account, "discovery_account"),
            })
        });
        let process_servers = self.process_servers.iter().map(|server| SiteServerFacts {
            name: server.name.to_string(),
            address: Fact::Known(server.address.to_string()),
            version: stated(&server.version, &format!("version of {}", server.name)),
        });
        SiteFacts {
            scenario: self.scenario,
            has_configuration_server: server.is_some(),
            configuration_server: or_missing(server, "configuration server"),
            process_servers: Collection::complete(process_servers.collect()),
            has_vcenter: vcenter.is_some(),
            vcenter: or_missing(vcenter, "vCenter"),
            reiserfs_sources: self.sources(target, FileSystem::Reiserfs),
            xfs_sources: self.sources(target, FileSystem::Xfs),
            has_groups: !self.replication_groups.is_empty(),
            split_groups: self.split_groups(),
            master_target: or_missing(
                self.master_target(target).map(plan_facts),
                "master target like this",
            ),
            has_physical: self.protected_vms.iter().any(|vm| vm.physical == Some(true)),
            is_all_original: !self.protected_vms.is_empty()
                && self
                    .protected_vms
                    .iter()
                    .all(|vm| vm.location == Some(ReturnLocation::Original)),
            is_without_vmm: self.vmm == Some(false),
            link_is_vpn: self.link == Some(Link::Vpn),
            machine: or_missing(
                self.protected_vms
                    .iter()
                    .find(|vm| vm.name.as_str() == target)
                    .map(|vm| self.machine_facts(vm)),
                "machine like this",
            ),
            process_server: or_missing(
                self.process_servers.iter().find(|server| server.name.as_str() == target).map(
                    |server| PlannedProcessServerFacts {
                        is_on_premises: server.role == Some(ServerRole::OnPremises),
                        is_windows: server.os == Some(GuestSystem::Windows),
                    },
                ),
                "process server like this",
            ),
            stages: self.written_stages(target),
        }
    }

    fn machine_facts(&self, vm: &ProtectedVm) -> PlannedMachineFacts {
        PlannedMachineFacts {
            is_virtual: vm.physical == Some(false),
            is_linux: vm.os == Some(GuestSystem::Linux),
            is_windows: vm.os == Some(GuestSystem::Windows),
            is_grouped: self.replication_groups.iter().any(|group| group.vms.contains(&vm.name)),
            is_original_location: vm.location == Some(ReturnLocation::Original),
            address: vm
                .address
                .map(|address| address.to_string())
                .ok_or("the site says no address: of it")
                .into(),
        }
    }

    /// Returns the groups whose machines are planned for more than one master target. When the site
    /// has only one, machines without a planned master target use it.
    fn split_groups(&self) -> Collection<String> {
        let only = match self.master_targets.as_slice() {
            [one] => Some(&one.name),
            _ => None,
        };
        let mut split = Collection::complete(Vec::new());
        for group in &self.replication_groups {
            let machines = self.protected_vms.iter().filter(|vm| group.vms.contains(&vm.name));
            let mut through: Vec<&Name> = Vec::new();
            for vm in machines {
                match vm.master_target.as_ref().or(only) {
                    Some(name) if through.contains(&name) => {}
                    Some(name) => through.push(name),
                    None => split.complete = false,
                }
            }
            if through.len() > 1 {
                let names: Vec<&str> = through.iter().map(|name| name.as_str()).collect();
                split.items.push(format!("{} ({})", group.name, names.join(", ")));
            }
        }
        split
    }

    /// Returns the machines with a file system that fail back through a master target.
    ///
    /// The list is complete when each of them lists its file systems. Returns none when the site
    /// names no machines.
    fn sources(&self, target: &str, filesystem: FileSystem) -> Option<Collection<String>> {
        if self.protected_vms.is_empty() {
            return None;
        }
        let is_named = self.master_target(target).is_some();
        let mine = self.protected_vms.iter().filter(|vm| match &vm.master_target {
            // A machine that is not planned yet may use any master target.
            None => true,
            Some(name) => !is_named || name.as_str() == target,
        });
        let mut sources = Collection::complete(Vec::new());
        for vm in mine {
            match &vm.filesystems {
                Some(list) if list.contains(&filesystem) => sources.items.push(vm.name.to_string()),
                // Every machine has a file system, so an empty list means unknown.
                Some(list) if list.is_empty() => sources.complete = false,
                Some(_) => {}
                None => sources.complete = false,
            }
        }
        Some(sources)
    }

    /// Returns the targets of the site that nothing is collected from: only its author can answer
    /// questions about them.
    pub fn uncollected_targets(&self) -> Vec<Target> {
        let target = |name: String, kind| {
            let document = self.document(&name);
            Target::new(name, kind, document)
        };
        let mut targets = vec![target("site".to_owned(), TargetKind::Site)];
        let server = self.configuration_server.as_ref();
        targets.extend(
            server
                .map(|server| target(server.address.to_string(), TargetKind::ConfigurationServer)),
        );
        let without_ssh = self.process_servers.iter().filter(|server| server.ssh.is_none());
        targets.extend(
            without_ssh.map(|server| target(server.name.to_string(), TargetKind::ProcessServer)),
        );
        let machines = self.protected_vms.iter();
        targets.extend(machines.map(|vm| target(vm.name.to_string(), TargetKind::ProtectedVm)));
        targets
    }

    /// Returns the same without machines, and with a configuration server, a vCenter server and an
    /// ESXi host where the scenario needs them and the site names none.
    pub(super) fn unprovided_targets(&self) -> Vec<Target> {
        let mut targets = self.uncollected_targets();
        targets.retain(|target| target.kind != TargetKind::ProtectedVm);
        let unnamed = |name: &str, kind| Target::new(name.to_owned(), kind, self.document(name));
        if self.scenario == Scenario::VmwareClassic && self.configuration_server.is_none() {
            targets.push(unnamed("configuration server", TargetKind::ConfigurationServer));
        }
        if self.scenario == Scenario::VmwareClassic
            && self.vcenter.is_none()
            && self.esxi.is_empty()
        {
            targets.push(unnamed("vCenter", TargetKind::Vcenter));
            targets.push(unnamed("ESXi", TargetKind::Esxi));
        }
        targets
    }

    /// Returns the facts of the site about a target: `site`, and `answers` when the site file has
    /// that key.
    pub fn document(&self, target: &str) -> Document {
        let site = Document::new("site", &self.facts(target));
        let written = self.experience_answer();
        match &self.answers {
            // What ends the case is told, whatever else is asked.
            None if self.experience == Some(VaultExperience::Modernised) => {
                let given: BTreeMap<&str, SiteAnswer> = written.into_iter().collect();
                site.join(Document::new("answers", &given))
            }
            None => site,
            Some(answers) => {
                // An answer about this target alone counts before one about all.
                let for_all = answers.iter().filter(|entry| entry.is_for_all());
                let alone = answers.iter().filter(|entry| entry.target.as_deref() == Some(target));
                let answered =
                    for_all.chain(alone).map(|entry| (entry.check.as_str(), entry.answer()));
                let mut given: BTreeMap<&str, SiteAnswer> = answered.collect();
                // A vault that the file calls modernised is no classic one, whatever an answer says.
                if let Some((check, answer)) = written {
                    let is_no = answer.value == AnswerValue::No;
                    if is_no || !given.contains_key(check) {
                        given.insert(check, answer);
                    }
                }
                site.join(Document::new("answers", &given))
            }
        }
    }

    /// Returns the answer that `experience:` gives to the question which experience the vault has.
    fn experience_answer(&self) -> Option<(&'static str, SiteAnswer)> {
        let experience = self.experience?;
        let value = match experience {
            VaultExperience::Classic => AnswerValue::Yes,
            VaultExperience::Modernised => AnswerValue::No,
        };
        let by = format!("the site file (experience: {})", experience.as_str());
        let at = SiteAnswer::UNDATED.to_owned();
        Some((EXPERIENCE, SiteAnswer { value, by, at, stage: None }))
    }
}

fn plan_facts(target: &MasterTarget) -> PlannedMasterTargetFacts {
    PlannedMasterTargetFacts {
        name: target.name.to_string(),
        vm: stated(&target.vm, &format!("vm of {}", target.name)),
        retention: target.retention.as_deref().unwrap_or(target.default_retention()).to_owned(),
        is_windows: target.kind() == TargetKind::WindowsMt,
    }
}

fn or_missing<T>(value: Option<T>, what: &str) -> Fact<T> {
    value.map_or_else(|| Fact::unavailable(format!("the site names no {what}")), Fact::Known)
}

fn stated(value: &Option<impl ToString>, what: &str) -> Fact<String> {
    match value {
        Some(value) => Fact::Known(value.to_string()),
        None => Fact::unavailable(format!("the site does not say the {what}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn site(text: &str) -> Site {
        crate::yaml::parse(text, "site.yaml").unwrap()
    }

    #[test]
    fn a_missing_key_is_absent_with_the_reason() {
        let document =
            site("{ process_servers: [ { name: ps1, address: ps01 } ] }").document("mt1");
        assert_eq!(
            document.known,
            json!({ "site": {
                "scenario": "vmware-classic",
                "has_configuration_server": false,
                "has_physical": false,
                "is_all_original": false,
                "is_without_vmm": false,
                "link_is_vpn": false,
                "has_vcenter": false,
                "process_servers": { "complete": true, "items": [{ "name": "ps1", "address": "ps01" }] },
                "has_groups": false,
                "split_groups": { "complete": true, "items": [] },
                "stages": { "items": [] },
            } })
        );
        let reason = |path: &str| document.absent[path].as_str();
        assert_eq!(reason("site.configuration_server"), "the site names no configuration server");
        assert_eq!(
            reason("site.process_servers.items[0].version"),
            "the site does not say the version of ps1"
        );
        assert!(!document.absent.contains_key("answers"));
    }

    #[test]
    fn sources_are_complete_when_every_machine_lists_its_file_systems() {
        let text = "
master_targets: [ { name: mt1, ssh: 'local:' }, { name: mt2, ssh: 'local:' } ]
protected_vms:
  - { name: a, master_target: mt1, filesystems: [xfs, reiserfs] }
  - { name: b, master_target: mt2, filesystems: [xfs] }
  - { name: c, filesystems: [xfs] }
";
        let of = |text: &str, target: &str| site(text).facts(target).xfs_sources;
        let list = |items: &[&str], complete| {
            let items = items.iter().map(|&item| item.to_owned()).collect();
            Some(Collection { items, complete })
        };
        assert_eq!(of(text, "mt1"), list(&["a", "c"], true));
        assert_eq!(of(text, "mt2"), list(&["b", "c"], true));
        assert_eq!(of(text, "elsewhere"), list(&["a", "b", "c"], true));
        assert_eq!(of(&format!("{text}  - {{ name: d }}\n"), "mt1"), list(&["a", "c"], false));
        // An empty list of file systems means unknown.
        let empty = format!("{text}  - {{ name: d, filesystems: [] }}\n");
        assert_eq!(of(&empty, "mt1"), list(&["a", "c"], false));
        assert_eq!(of("{}", "mt1"), None);
    }

    #[test]
    fn the_stages_of_a_target_are_those_of_its_machines() {
        let text = "
master_targets: [ { name: mt1, ssh: 'local:' }, { name: mt2, ssh: 'local:' } ]
protected_vms:
  - { name: a, master_target: mt1, stage: verify }
  - { name: b, master_target: mt2 }
";
        let of = |text: &str, target: &str| {
            let stages = site(text).facts(target).stages;
            let words: Vec<&str> = stages.items.iter().map(|stage| stage.as_str()).collect();
            (words.join(" "), stages.complete)
        };
        for (target, words, complete) in [
            ("a", "verify", true),
            ("b", "", false),
            ("mt1", "verify", true),
            ("mt2", "", false),
            ("site", "verify", false),
        ] {
            assert_eq!(of(text, target), (words.to_owned(), complete), "{target}");
        }
        let all = format!("{text}stage: prepare\n");
        assert_eq!(of(&all, "b"), ("prepare".to_owned(), true));
        assert_eq!(of(&all, "site"), ("verify prepare".to_owned(), true));
        assert_eq!(of("stage: failback", "site"), ("failback".to_owned(), true));
        assert_eq!(of("{}", "site"), (String::new(), false));
    }

    #[test]
    fn a_group_through_two_master_targets_is_split() {
        let text = "
master_targets: [ { name: mt1, ssh: 'local:' }, { name: mt2, ssh: 'local:' } ]
protected_vms: [ { name: a, master_target: mt1 }, { name: b, master_target: MT }, { name: c } ]
replication_groups: [ { name: shop, vms: [a, b] }, { name: desk, vms: [OTHER] } ]
";
        let of = |mt: &str, other: &str| {
            let text = text.replace("MT", mt).replace("OTHER", other);
            let split = site(&text).facts("mt1").split_groups;
            (split.items.concat(), split.complete)
        };
        assert_eq!(of("mt1", "a"), (String::new(), true));
        assert_eq!(of("mt2", "a"), ("shop (mt1, mt2)".to_owned(), true));
        assert_eq!(of("mt1", "c"), (String::new(), false));
    }

    #[test]
    fn answers_are_joined_when_the_site_has_the_key() {
        let text =
            "{ answers: [ { check: cs.backup, value: not-applicable, by: ann, at: 2026-11-20 } ] }";
        let document = site(text).document("mt1");
        assert_eq!(
            document.known["answers"],
            json!({ "cs.backup": { "value": "not-applicable", "by": "ann", "at": "2026-11-20" } })
        );
        assert_eq!(site("{ answers: [] }").document("mt1").known["answers"], json!({}));
    }
}
