//! Assembles the targets of a site: each system and machine with the facts that all collected
//! systems report about it.
//!
//! Several systems may report on one machine. Where vCenter has no value for a fact, the shell of
//! the machine's ESXi host fills it in, except for facts that only vCenter can know. Not for
//! collecting (`cli`), nor for parsing what was collected (`facts`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::from_vault::VaultSite;
use super::model::{EsxiHost, MasterTarget, Site};
use super::roots::{NO_VSPHERE, NOT_ASKED_OVER_SSH, with_every_root};
use super::server_views;
use super::target::{WrongKindError, host_target, named_targets, shell_host, with_failure_reason};
use crate::check::{CheckSet, Target};
use crate::facts::azure::answers::VaultAnswers;
use crate::facts::azure::vault::Vault;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::esxi_host::EsxiFacts;
use crate::facts::vsphere::esxi_shell::{self, EsxiShellFacts};
use crate::facts::vsphere::machine_description::MachineDescription;
use crate::facts::vsphere::query_scope::{Pairing, QueryScope};
use crate::facts::vsphere::questions;
use crate::facts::vsphere::snapshot::VsphereSnapshot;
use crate::facts::{Document, Fact, age, connection};

/// Facts of a host that only vCenter knows; the host's own shell never fills them in.
const ONLY_FROM_VCENTER: &[&str] = &["host.name", "host.in_inventory", "host.connection"];

/// The transcripts of a site's systems.
#[derive(Default)]
pub struct Responses {
    /// Master targets and process servers over their shells, and vSphere servers that were named
    /// without a site, in the order they were named.
    pub systems: Vec<Transcript>,
    /// The vCenter server of the site, or the ESXi host that stands in for one.
    pub vcenter: Option<Transcript>,
    /// ESXi hosts over their shells, each with its index in the site file.
    pub shells: Vec<(usize, Transcript)>,
    /// The vault.
    pub azure: Option<VaultAnswers>,
    /// Whether somebody stopped the run before the vault had answered.
    pub azure_was_interrupted: bool,
}

impl Responses {
    /// Returns every transcript.
    pub fn all(&self) -> impl Iterator<Item = &Transcript> {
        let shells = self.shells.iter().map(|(_, shell)| shell);
        self.systems.iter().chain(&self.vcenter).chain(shells)
    }
}

/// How much of a site is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// vSphere servers by their own transcripts, without a site.
    NamedServers,
    /// Hosts by their own transcripts, without a site.
    HostsAlone,
    /// The vSphere servers of the site, and its machines as far as those servers know them.
    Servers,
    /// The named hosts and what they depend on.
    Hosts,
    /// The same, and the rest of the site by the answers of its author.
    HostsAndAnswers,
    /// The whole site: facts that no system was asked about are unknown.
    Everything,
}

impl Coverage {
    /// Whether machines without a planned master target are included.
    pub(super) fn has_unplanned_machines(self) -> bool {
        matches!(self, Self::Servers | Self::Everything)
    }
}

impl Site {
    /// Returns the targets of a site with all facts about them.
    ///
    /// `question` names the machines to evaluate when there is no site
    /// ([`Coverage::NamedServers`]).
    ///
    /// # Errors
    ///
    /// Fails for the transcript of a kind of system that has no checks.
    pub fn assemble(
        &self,
        responses: &Responses,
        checks: &CheckSet,
        coverage: Coverage,
        question: &QueryScope,
    ) -> Result<Vec<Target>, WrongKindError> {
        if coverage == Coverage::NamedServers {
            let servers = responses.systems.iter();
            let mut targets: Vec<Target> =
                servers.flat_map(|server| named_targets(server, question)).collect();
            self.apply_stages(&mut targets);
            if let Some(vault) = responses.azure.as_ref().map(Vault::from_answers) {
                let sites = VaultSite::of_vault(&vault).into_iter();
                let sites =
                    sites.map(|of_vault| Self { given_stage: self.given_stage, ..of_vault.site });
                targets.extend(sites.flat_map(|site| site.vault_targets(&vault)));
            }
            return Ok(targets);
        }
        let site = (coverage != Coverage::HostsAlone).then_some(self);
        let hosts: Vec<Target> = responses
            .systems
            .iter()
            .map(|host| host_target(host, checks, site))
            .collect::<Result<_, _>>()?;
        let (returned, mut targets): (Vec<Target>, Vec<Target>) =
            hosts.into_iter().partition(|host| host.kind == TargetKind::ProtectedVm);
        if coverage == Coverage::Servers {
            targets =
                self.master_targets.iter().map(|target| self.planned_target(target)).collect();
        }
        let has_servers = responses.vcenter.is_some() || !responses.shells.is_empty();
        if has_servers || coverage == Coverage::Everything {
            targets = self.join_servers(targets, responses, coverage);
        }
        if coverage == Coverage::HostsAndAnswers {
            let others = self.uncollected_targets().into_iter();
            let others =
                others.filter(|other| targets.iter().all(|known| known.name != other.name));
            targets.extend(others.collect::<Vec<_>>());
        }
        server_views::share(&mut targets, &responses.systems);
        join_returned(&mut targets, returned);
        if matches!(coverage, Coverage::Hosts | Coverage::HostsAndAnswers) {
            // What nobody asked the machine itself, a person may know.
            for machine in targets.iter_mut().filter(|known| known.kind == TargetKind::ProtectedVm)
            {
                machine.document =
                    std::mem::take(&mut machine.document).or_absent("guest", NOT_ASKED_OVER_SSH);
            }
        }
        if coverage == Coverage::Everything {
            targets.extend(self.unprovided_targets());
            targets = targets.into_iter().map(|target| with_every_root(target, self)).collect();
        }
        let vault = responses.azure.as_ref().map(Vault::from_answers);
        match &vault {
            Some(vault) => {
                let survey = self.survey(vault, &targets);
                self.join_azure(&survey, &mut targets);
                self.apply_stages_with(&mut targets, |machine| survey.stage_of(machine));
            }
            None => self.apply_stages(&mut targets),
        }
        Ok(targets)
    }

    /// Returns a master target with the facts of the site file alone.
    fn planned_target(&self, target: &MasterTarget) -> Target {
        let name = target.name.to_string();
        let document = self.document(&name);
        Target::new(name, target.kind(), document)
    }

    /// Adds the facts of vSphere servers to the master targets in `targets`, and appends the
    /// servers, ESXi hosts and machines as targets of their own.
    fn join_servers(
        &self,
        mut targets: Vec<Target>,
        responses: &Responses,
        coverage: Coverage,
    ) -> Vec<Target> {
        let is_chosen =
            |target: &&MasterTarget| targets.iter().any(|known| known.name == target.name.as_str());
        let chosen: Vec<MasterTarget> =
            self.master_targets.iter().filter(is_chosen).cloned().collect();
        let pairings = self.pairings(&chosen, coverage);
        let mut view = SiteView::new(self, responses, coverage);
        let mut machines = Vec::new();
        for (target, pairing) in chosen.iter().map(Some).chain([None]).zip(&pairings) {
            if let Some(target) = target {
                let document = view.master_target_document(target, pairing);
                let own = targets.iter_mut().filter(|known| known.name == target.name.as_str());
                own.for_each(|own| {
                    own.document = std::mem::take(&mut own.document).join(document.clone());
                });
            }
            machines.extend(view.machine_targets(self, pairing));
        }
        targets.extend(view.server_targets(self));
        targets.extend(view.host_targets(self, chosen.len()));
        targets.extend(machines);
        if coverage == Coverage::Servers {
            view.retain_known(&mut targets);
        }
        targets
    }
}

/// An ESXi host of the site.
struct HostView {
    name: String,
    /// Its name in vCenter.
    in_vcenter: Option<String>,
    document: Document,
    /// Whether an evaluated master target runs on it.
    used: bool,
}

/// The machines and hosts of the site as its systems report them.
struct SiteView<'a> {
    api: Option<VsphereSnapshot<'a>>,
    shells: &'a [(usize, Transcript)],
    /// Whether facts of a shell are unknown, rather than left out, when the shell was not asked.
    needs_shells: bool,
    /// Descriptions of the machines in the site file, by name.
    described: Arc<BTreeMap<String, MachineDescription>>,
    hosts: Vec<HostView>,
    /// Placeholders for the hosts of master targets whose host is unknown.
    unplaced: Vec<Target>,
}

impl<'a> SiteView<'a> {
    fn new(site: &Site, responses: &'a Responses, coverage: Coverage) -> Self {
        let machines = site.protected_vms.iter();
        let described = machines.map(|vm| (vm.name.to_string(), vm.described()));
        let described = Arc::new(described.collect());
        let api = responses.vcenter.as_ref().map(VsphereSnapshot::from_transcript);
        let mut api = api.map(|api| api.with_descriptions(&described));
        let vcenter = site.vcenter.as_ref().filter(|vcenter| vcenter.discovery_account.is_some());
        if let (Some(api), Some(vcenter)) = (&mut api, vcenter) {
            api.scope.discovery_account.clone_from(&vcenter.discovery_account);
        }
        let mut view = Self {
            api,
            shells: &responses.shells,
            needs_shells: coverage != Coverage::Servers,
            described,
            hosts: Vec::new(),
            unplaced: Vec::new(),
        };
        for (index, entry) in site.esxi.iter().enumerate() {
            let host = view.host_view(entry, index, responses);
            view.hosts.push(host);
        }
        view
    }

    /// Returns the view of one host of the site file.
    fn host_view(&self, entry: &EsxiHost, index: usize, responses: &Responses) -> HostView {
        let shell = self.shells.iter().find(|(at, _)| *at == index).map(|(_, shell)| shell);
        let by_shell = shell.map(shell_document);
        let name = entry.name.to_string();
        let (in_vcenter, document) = match &self.api {
            Some(api) => {
                let own = shell.and_then(|shell| shell.text(esxi_shell::probes::HOSTNAME).ok());
                let names = [Some(name.as_str()), entry.host(), own.map(str::trim)];
                let found =
                    find_host(api.hosts(), &names.into_iter().flatten().collect::<Vec<_>>());
                let in_vcenter = found.as_ref().map(|found| found.name.clone());
                let facts = found.unwrap_or_else(|| {
                    EsxiFacts::not_visible(&name, api.has_object(questions::HOSTS, &name).into())
                });
                let facts = Fact::Known(facts);
                let mut document = Document::new("host", &facts)
                    .join(Document::new("vcenter", &api.vcenter_of_host(&facts)));
                if let Some(by_shell) = &by_shell {
                    document = document.fill_absent_from(by_shell, |path| {
                        let own = path.starts_with("host.") && !ONLY_FROM_VCENTER.contains(&path);
                        own || path == "vcenter.target_version"
                    });
                }
                (in_vcenter, document)
            }
            None => (None, by_shell.unwrap_or_default()),
        };
        let shell_facts = match shell {
            Some(shell) => {
                let document = Document::new("shell", &esxi_shell::from_transcript(shell));
                with_failure_reason(document, shell)
            }
            None => self.missing_shell(),
        };
        let own = shell.filter(|shell| shell.connection.failure.is_none());
        let evidence = own
            .or(responses.vcenter.as_ref())
            .or(shell)
            .map(age::evidence_document)
            .unwrap_or_default();
        HostView {
            name,
            in_vcenter,
            document: document.join(shell_facts).join(evidence),
            used: false,
        }
    }

    /// Returns the facts of a shell that was not asked, when the vSphere server was.
    fn missing_shell(&self) -> Document {
        let Some(api) = self.api.as_ref().filter(|_| self.needs_shells) else {
            return Document::default();
        };
        let facts = EsxiShellFacts {
            connection: connection::from_transcript(api.transcript()),
            is_esxi: Fact::unavailable("the host was not asked over SSH"),
        };
        Document::new("shell", &facts)
    }

    /// Removes targets that the collected servers cannot know: hosts that were not asked, and
    /// machines that may run on one of those.
    fn retain_known(&self, targets: &mut Vec<Target>) {
        if self.api.is_some() || self.shells.len() == self.hosts.len() {
            return;
        }
        targets.retain(|target| match target.kind {
            TargetKind::Esxi => target.document.known.get("shell").is_some(),
            _ => target.document.known["vm"]["exists"] == true,
        });
    }

    /// Returns the vSphere server itself as a target; nothing when there is none.
    fn server_targets(&self, site: &Site) -> Vec<Target> {
        let Some(api) = &self.api else { return Vec::new() };
        let name = api.target().to_owned();
        let document = Document::new("vcenter", &api.vcenter(true));
        let document =
            document.join(site.document(&name)).join(age::evidence_document(api.transcript()));
        vec![Target::new(name, TargetKind::Vcenter, document)]
    }

    /// Returns the facts about a master target's virtual machine and its host.
    fn master_target_document(&mut self, target: &MasterTarget, pairing: &Pairing) -> Document {
        let Some(name) = &target.vm else {
            let reason = format!("the site does not say the vm of {}", target.name);
            let document = Document::default().or_absent("vm", &reason);
            return self.with_server(document.or_absent("host", &reason));
        };
        let question = self.query_about(pairing);
        let machine = self.machine_document(&question, |snapshot| {
            Document::new("vm", &snapshot.master_target(name))
        });
        let host = self.host_of(name);
        let host = match host {
            Ok(index) => {
                self.hosts[index].used = true;
                self.hosts[index].document.root("host")
            }
            Err(reason) => {
                self.unplaced.push(Target::new(
                    format!("the host of {name}"),
                    TargetKind::Esxi,
                    self.with_server(Document::default().or_absent("host", &reason)),
                ));
                Document::default().or_absent("host", &reason)
            }
        };
        self.with_server(machine.join(host))
    }

    /// Returns the protected machines of a pairing as targets.
    fn machine_targets(&self, site: &Site, pairing: &Pairing) -> Vec<Target> {
        let scope = self.query_about(pairing);
        let target = |name: &String| {
            let planned = site.protected_vms.iter().find(|vm| vm.name.as_str() == name);
            let mut question = scope.clone();
            question.host = planned.and_then(|vm| vm.host.clone()).or(question.host);
            question.datastore = planned.and_then(|vm| vm.datastore.clone());
            let machine = self.machine_document(&question, |snapshot| {
                Document::new("vm", &snapshot.protected(name))
            });
            let document = self.with_server(machine).join(site.document(name));
            Target::new(name.clone(), TargetKind::ProtectedVm, document)
        };
        pairing.protected.iter().map(target).collect()
    }

    /// Returns the ESXi hosts as targets: those that the master targets run on, and those of the
    /// site file.
    fn host_targets(&mut self, site: &Site, chosen: usize) -> Vec<Target> {
        // When a part of the site is evaluated, hosts that have nothing to do with it are left out.
        let all = chosen == site.master_targets.len() || !self.unplaced.is_empty();
        let hosts = self.hosts.iter().filter(|host| all || host.used).map(|host| {
            Target::new(
                host.name.clone(),
                TargetKind::Esxi,
                host.document.clone().join(site.document(&host.name)),
            )
        });
        let mut hosts: Vec<Target> = hosts.collect();
        // The placeholders are only needed when the site names no hosts.
        if hosts.is_empty() {
            hosts.append(&mut self.unplaced);
        }
        hosts
    }

    /// Returns the query that was collected, restricted to one master target.
    fn query_about(&self, pairing: &Pairing) -> QueryScope {
        let scope = self.api.as_ref().map(|api| api.scope.clone()).unwrap_or_default();
        scope.for_pairing(pairing.clone())
    }

    /// Returns the facts about a machine from vCenter, filled in from the shell of its ESXi host.
    fn machine_document(
        &self,
        question: &QueryScope,
        describe: impl Fn(&VsphereSnapshot<'_>) -> Document,
    ) -> Document {
        let by_api = self.api.as_ref().map(|api| describe(&api.with_scope(question)));
        let mut by_shell = None;
        for (_, shell) in self.shells {
            let mut snapshot =
                esxi_shell::snapshot(shell, question).with_descriptions(&self.described);
            snapshot.scope.clone_from(question);
            let document = describe(&snapshot);
            let exists = document.known["vm"]["exists"] == true;
            if exists || by_shell.is_none() {
                by_shell = Some(document);
            }
            if exists {
                break;
            }
        }
        match (by_api, by_shell) {
            (Some(api), Some(shell)) if is_same_machine(&api, &shell) => {
                api.fill_absent_from(&shell, |path| path != "vm.exists")
            }
            (Some(api), _) => api,
            (None, Some(shell)) => shell,
            (None, None) => Document::default().or_absent("vm", NO_VSPHERE),
        }
    }

    /// Returns the index in `hosts` of the host that a machine runs on. A host that the site does
    /// not name is added first.
    fn host_of(&mut self, name: &str) -> Result<usize, String> {
        let by_api = self.api.as_ref().map(|api| api.host_of(name));
        if let (Some(Ok(found)), Some(api)) = (&by_api, &self.api) {
            let known = self.hosts.iter();
            let mut known =
                known.enumerate().filter(|(_, host)| host.in_vcenter.as_ref() == Some(&found.name));
            if let Some((index, _)) = known.next() {
                return Ok(index);
            }
            let facts = Fact::Known(found.clone());
            let document = Document::new("host", &facts)
                .join(Document::new("vcenter", &api.vcenter_of_host(&facts)))
                .join(self.missing_shell())
                .join(age::evidence_document(api.transcript()));
            let name = found.name.clone();
            self.hosts.push(HostView {
                in_vcenter: Some(name.clone()),
                name,
                document,
                used: true,
            });
            return Ok(self.hosts.len() - 1);
        }
        for (index, shell) in self.shells {
            if esxi_shell::snapshot(shell, &QueryScope::default()).host_of(name).is_ok() {
                return Ok(*index);
            }
        }
        Err(match by_api {
            Some(Err(why)) => why.reason,
            _ if self.shells.is_empty() => NO_VSPHERE.to_owned(),
            _ => format!("no ESXi host of the site has {name}"),
        })
    }

    /// Returns the facts joined with those of the server that reported them.
    fn with_server(&self, document: Document) -> Document {
        if let Some(api) = &self.api {
            return document.join(Document::new("vcenter", &api.vcenter(false)));
        }
        let Some((_, shell)) = self.shells.first() else { return document };
        document.join(shell_document(shell).root("vcenter"))
    }
}

/// Returns the facts of a host from its own shell, without a vCenter server.
fn shell_document(shell: &Transcript) -> Document {
    let snapshot = esxi_shell::snapshot(shell, &QueryScope::default());
    let host = shell_host(shell, &snapshot);
    let document = Document::new("host", &host);
    with_failure_reason(
        document.join(Document::new("vcenter", &snapshot.vcenter_of_host(&host))),
        shell,
    )
}

/// Whether the shell and vCenter report on the same machine: two machines may share a name.
fn is_same_machine(api: &Document, shell: &Document) -> bool {
    let uuid = |document: &Document| document.known["vm"]["uuid"].as_str().map(str::to_lowercase);
    uuid(api).is_none_or(|own| uuid(shell) == Some(own))
}

/// Returns the host with one of these names. The first label of a name is enough when only one
/// host has it.
fn find_host(hosts: Vec<EsxiFacts>, names: &[&str]) -> Option<EsxiFacts> {
    let same = |host: &EsxiFacts| names.iter().any(|name| host.name.eq_ignore_ascii_case(name));
    if let Some(found) = hosts.iter().find(|host| same(host)) {
        return Some(found.clone());
    }
    let first = |name: &str| match name.parse::<std::net::IpAddr>() {
        Ok(_) => name.to_owned(),
        Err(_) => name.split('.').next().unwrap_or_default().to_ascii_lowercase(),
    };
    let names: BTreeSet<String> = names.iter().map(|name| first(name)).collect();
    let mut alike = hosts.into_iter().filter(|host| names.contains(&first(&host.name)));
    match (alike.next(), alike.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// Adds what machines that have returned say of themselves to what other systems say of them.
fn join_returned(targets: &mut Vec<Target>, returned: Vec<Target>) {
    for machine in returned {
        let is_same = |target: &&mut Target| {
            target.kind == TargetKind::ProtectedVm && target.name == machine.name
        };
        match targets.iter_mut().find(is_same) {
            Some(known) => {
                known.document = std::mem::take(&mut known.document).join(machine.document);
            }
            None => targets.push(machine),
        }
    }
}
