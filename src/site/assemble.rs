//! A site as targets: every machine with what all systems that were asked know of it.
//!
//! A machine may be known to several: its host's shell stands in where vCenter has nothing to say,
//! fact by fact, and never the other way round where only vCenter can know. Not for asking anybody
//! (`cli`), nor for what answers mean (`facts`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{EsxiHost, MasterTarget, Site};
use super::target::{WrongKindError, host_target, named_targets, shell_host, with_failure_reason};
use crate::check::{CheckSet, Target};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::esxi_host::EsxiFacts;
use crate::facts::vsphere::esxi_shell::{self, EsxiShellFacts, in_words_of_the_api};
use crate::facts::vsphere::machine_description::MachineDescription;
use crate::facts::vsphere::query_scope::{Pairing, QueryScope};
use crate::facts::vsphere::snapshot::VsphereSnapshot;
use crate::facts::{Document, Fact, age, connection};

/// What only vCenter can say of a host, whatever the host's own shell thinks.
const ONLY_FROM_VCENTER: &[&str] = &["host.name", "host.in_inventory", "host.connection"];

/// What the systems of a site answered.
#[derive(Default)]
pub struct Responses {
    /// Master targets and process servers by their shells, and servers that were named without a
    /// site, in the order they were named.
    pub systems: Vec<Transcript>,
    /// The vCenter server of the site, or the ESXi host that stands in for one.
    pub vcenter: Option<Transcript>,
    /// ESXi hosts by their shells, each with its place among those of the site.
    pub shells: Vec<(usize, Transcript)>,
}

impl Responses {
    /// Every transcript.
    pub fn all(&self) -> impl Iterator<Item = &Transcript> {
        let shells = self.shells.iter().map(|(_, shell)| shell);
        self.systems.iter().chain(&self.vcenter).chain(shells)
    }
}

/// How much of a site is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// vSphere servers by their own answers; nothing is known of a site.
    NamedServers,
    /// Hosts by their own answers; nothing is known of a site.
    HostsAlone,
    /// The vSphere servers of the site and what they know of its machines.
    Servers,
    /// The hosts that were named, and what they depend on.
    Hosts,
    /// The same, and what people answered about the rest of the site.
    HostsAndAnswers,
    /// All of it: what no system was asked about is unknown.
    Everything,
}

impl Coverage {
    /// Whether machines count that are planned for no master target.
    fn has_unplanned_machines(self) -> bool {
        matches!(self, Self::Servers | Self::Everything)
    }
}

impl Site {
    /// Returns the targets of a site with everything that its systems answered about them.
    ///
    /// `question` names the machines that are evaluated where each system stands by itself.
    ///
    /// # Errors
    ///
    /// Fails for answers of a system that no check looks at.
    pub fn assemble(
        &self,
        responses: &Responses,
        checks: &CheckSet,
        coverage: Coverage,
        question: &QueryScope,
    ) -> Result<Vec<Target>, WrongKindError> {
        if coverage == Coverage::NamedServers {
            let servers = responses.systems.iter();
            return Ok(servers.flat_map(|server| named_targets(server, question)).collect());
        }
        let site = (coverage != Coverage::HostsAlone).then_some(self);
        let mut targets: Vec<Target> = responses
            .systems
            .iter()
            .map(|host| host_target(host, checks, site))
            .collect::<Result<_, _>>()?;
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
        if coverage == Coverage::Everything {
            targets.extend(self.unprovided_targets());
            targets = targets.into_iter().map(|target| with_every_root(target, self)).collect();
        }
        Ok(targets)
    }

    /// A master target of which only the site file is known.
    fn planned_target(&self, target: &MasterTarget) -> Target {
        let name = target.name.to_string();
        Target { document: self.document(&name), kind: TargetKind::LinuxMt, name }
    }

    /// Joins what vSphere servers answered: it is added to the master targets among `targets`, and
    /// servers, ESXi hosts and machines become targets of their own.
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

impl Site {
    /// Each of these master targets with the machines that fail back through it, and at the end
    /// machines of which nobody says through which; those only where all of the site is meant.
    fn pairings(&self, chosen: &[MasterTarget], coverage: Coverage) -> Vec<Pairing> {
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
            .map(|target| Pairing {
                master_target: target.vm.clone(),
                reprotected_at: target.reprotected_at,
                protected: names(&|target_name| {
                    target_name.map_or(alone, |name| name == target.name.as_str())
                }),
            })
            .collect();
        if coverage.has_unplanned_machines() && !(alone && chosen.len() == 1) {
            let protected = names(&|target_name| target_name.is_none());
            pairings.push(Pairing { protected, ..Pairing::default() });
        }
        pairings
    }

    /// What the vSphere server is asked about these master targets.
    pub fn vsphere_question(&self, chosen: &[MasterTarget], coverage: Coverage) -> QueryScope {
        let account = self.vcenter.as_ref().and_then(|vcenter| vcenter.discovery_account.clone());
        let mut pairings = self.pairings(chosen, coverage);
        pairings.retain(|pair| pair.master_target.is_some() || !pair.protected.is_empty());
        QueryScope::from_pairings(account, pairings)
    }

    /// What an ESXi host's shell is asked: where vCenter answers for machines, only those that
    /// everything hangs on, for each of them takes a host seconds.
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

/// An ESXi host of the site.
struct HostView {
    name: String,
    /// What vCenter calls it.
    in_vcenter: Option<String>,
    document: Document,
    /// Whether a master target that is judged runs on it.
    used: bool,
}

/// What was seen of the site's machines and hosts.
struct SiteView<'a> {
    api: Option<VsphereSnapshot<'a>>,
    shells: &'a [(usize, Transcript)],
    /// Whether facts of shells count as missing where no shell was asked.
    needs_shells: bool,
    /// What the site says of its machines, by their names.
    described: Arc<BTreeMap<String, MachineDescription>>,
    hosts: Vec<HostView>,
    /// Master targets of which nobody knows what they run on.
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

    /// One host of the site file.
    fn host_view(&self, entry: &EsxiHost, index: usize, responses: &Responses) -> HostView {
        let shell = self.shells.iter().find(|(at, _)| *at == index).map(|(_, shell)| shell);
        let by_shell = shell.map(shell_document);
        let name = entry.name.to_string();
        let (in_vcenter, document) = match &self.api {
            Some(api) => {
                let own = shell.and_then(|shell| shell.text("esxi-hostname").known().copied());
                let names = [Some(name.as_str()), entry.address(), own.map(str::trim)];
                let found =
                    find_host(api.hosts(), &names.into_iter().flatten().collect::<Vec<_>>());
                let in_vcenter = found.as_ref().map(|found| found.name.clone());
                let facts = found.unwrap_or_else(|| {
                    EsxiFacts::not_visible(&name, api.has_object("hosts", &name))
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

    /// The facts of a shell that was not asked, while the vSphere server was.
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

    /// Leaves out what the servers that were asked cannot know: hosts that were not asked, and
    /// machines that may be on one of those.
    fn retain_known(&self, targets: &mut Vec<Target>) {
        if self.api.is_some() || self.shells.len() == self.hosts.len() {
            return;
        }
        targets.retain(|target| match target.kind {
            TargetKind::Esxi => target.document.known.get("shell").is_some(),
            _ => target.document.known["vm"]["exists"] == true,
        });
    }

    /// The vSphere server itself.
    fn server_targets(&self, site: &Site) -> Vec<Target> {
        let Some(api) = &self.api else { return Vec::new() };
        let name = api.target().to_owned();
        let document = Document::new("vcenter", &api.vcenter(true));
        let document =
            document.join(site.document(&name)).join(age::evidence_document(api.transcript()));
        vec![Target { name, kind: TargetKind::Vcenter, document }]
    }

    /// What is known of a master target's machine and its host.
    fn master_target_document(&mut self, target: &MasterTarget, pairing: &Pairing) -> Document {
        let Some(name) = &target.vm else {
            let reason = format!("the site does not say the vm of {}", target.name);
            let document = Document::default().or_absent("vm", &reason);
            return self.with_server(document.or_absent("host", &reason));
        };
        let question = self.query_about(pairing);
        let machine = self.machine_document(
            &question,
            |snapshot| Document::new("vm", &snapshot.master_target(name)),
            name,
        );
        let host = self.host_of(name);
        let host = match host {
            Ok(index) => {
                self.hosts[index].used = true;
                self.hosts[index].document.root("host")
            }
            Err(reason) => {
                self.unplaced.push(Target {
                    name: format!("the host of {name}"),
                    kind: TargetKind::Esxi,
                    document: self.with_server(Document::default().or_absent("host", &reason)),
                });
                Document::default().or_absent("host", &reason)
            }
        };
        self.with_server(machine.join(host))
    }

    /// The machines of a pairing.
    fn machine_targets(&self, site: &Site, pairing: &Pairing) -> Vec<Target> {
        let scope = self.query_about(pairing);
        let target = |name: &String| {
            let planned = site.protected_vms.iter().find(|vm| vm.name.as_str() == name);
            let mut question = scope.clone();
            question.host = planned.and_then(|vm| vm.host.clone()).or(question.host);
            question.datastore = planned.and_then(|vm| vm.datastore.clone());
            let machine = self.machine_document(
                &question,
                |snapshot| Document::new("vm", &snapshot.protected(name)),
                name,
            );
            let document = self.with_server(machine).join(site.document(name));
            Target { name: name.clone(), kind: TargetKind::ProtectedVm, document }
        };
        pairing.protected.iter().map(target).collect()
    }

    /// The ESXi hosts: those that the master targets run on, and those of the site file.
    fn host_targets(&mut self, site: &Site, chosen: usize) -> Vec<Target> {
        // Where only some of the site is judged, hosts that have nothing to do with it are not.
        let all = chosen == site.master_targets.len() || !self.unplaced.is_empty();
        let hosts = self.hosts.iter().filter(|host| all || host.used).map(|host| Target {
            name: host.name.clone(),
            kind: TargetKind::Esxi,
            document: host.document.clone().join(site.document(&host.name)),
        });
        let mut hosts: Vec<Target> = hosts.collect();
        // A site that names hosts has told where to look.
        if hosts.is_empty() {
            hosts.append(&mut self.unplaced);
        }
        hosts
    }

    /// The question about one master target, as whoever answered was asked.
    fn query_about(&self, pairing: &Pairing) -> QueryScope {
        let scope = self.api.as_ref().map(|api| api.scope.clone()).unwrap_or_default();
        scope.for_pairing(pairing.clone())
    }

    /// A machine by vCenter, and by the shell of the host it is on where vCenter does not tell.
    fn machine_document(
        &self,
        question: &QueryScope,
        describe: impl Fn(&VsphereSnapshot<'_>) -> Document,
        name: &str,
    ) -> Document {
        let by_api = self.api.as_ref().map(|api| describe(&api.with_scope(question)));
        let words = self.shells.iter().map(|(_, shell)| in_words_of_the_api(shell, question));
        let mut by_shell = None;
        for words in words {
            let mut snapshot =
                VsphereSnapshot::from_transcript(&words).with_descriptions(&self.described);
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
            (None, None) => Document::default()
                .or_absent("vm", &format!("the site names nobody who knows {name}")),
        }
    }

    /// The place of the host that a machine runs on, among the hosts; one that the site does not
    /// name is added.
    fn host_of(&mut self, name: &str) -> Result<usize, String> {
        let by_api = self.api.as_ref().map(|api| api.host_of(name));
        if let (Some(Fact::Known(found)), Some(api)) = (&by_api, &self.api) {
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
            let words = in_words_of_the_api(shell, &QueryScope::default());
            if VsphereSnapshot::from_transcript(&words).host_of(name).known().is_some() {
                return Ok(*index);
            }
        }
        Err(match by_api {
            Some(Fact::Unavailable(why)) => why.reason,
            _ if self.shells.is_empty() => format!("the site names nobody who knows {name}"),
            _ => format!("no ESXi host of the site has {name}"),
        })
    }

    /// The facts, beside those of the server that tells of them.
    fn with_server(&self, document: Document) -> Document {
        if let Some(api) = &self.api {
            return document.join(Document::new("vcenter", &api.vcenter(false)));
        }
        let Some((_, shell)) = self.shells.first() else { return document };
        document.join(shell_document(shell).root("vcenter"))
    }
}

/// The facts of a host by its own shell, and that no vCenter server tells of it.
fn shell_document(shell: &Transcript) -> Document {
    let words = in_words_of_the_api(shell, &QueryScope::default());
    let snapshot = VsphereSnapshot::from_transcript(&words);
    let host = shell_host(shell, &snapshot);
    let document = Document::new("host", &host);
    with_failure_reason(
        document.join(Document::new("vcenter", &snapshot.vcenter_of_host(&host))),
        shell,
    )
}

/// Whether the shell's machine is vCenter's: one of the same name may be another.
fn is_same_machine(api: &Document, shell: &Document) -> bool {
    let uuid = |document: &Document| document.known["vm"]["uuid"].as_str().map(str::to_lowercase);
    uuid(api).is_none_or(|own| uuid(shell) == Some(own))
}

/// The host that bears one of these names; the first part of a name will do where only one host
/// has it.
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

/// Why nothing is known below a root of which nobody is asked.
const MISSING_PROVIDER: &[(&str, &str)] = &[
    ("mt", "the site gives it no ssh:"),
    ("ps", "the site gives it no ssh:"),
    ("shell", "the site gives it no ssh:"),
    ("vcenter", "the site names no vCenter server"),
    ("vm", "the site names neither a vCenter server nor an ESXi host"),
    ("host", "the site names neither a vCenter server nor an ESXi host"),
    ("own", "it is no host that is asked with --checks"),
    ("evidence", "nobody was asked"),
];

/// The target with a reason for everything that nobody was asked about, so that nothing about it
/// is left out.
fn with_every_root(target: Target, site: &Site) -> Target {
    let mut document = target.document;
    if document.known.get("site").is_none() {
        document = document.join(site.document(&target.name));
    }
    if document.known.get("answers").is_none() {
        document = document.join(Document::new("answers", &serde_json::json!({})));
    }
    for path in ["site.reiserfs_sources", "site.xfs_sources"] {
        let is_known = document.known["site"].get(path.trim_start_matches("site.")).is_some();
        if !is_known && !document.absent.contains_key(path) {
            let reason = "the site names no machine that fails back";
            document.absent.insert(path.to_owned(), reason.to_owned());
        }
    }
    for (root, reason) in MISSING_PROVIDER {
        document = document.or_absent(root, reason);
    }
    Target { document, ..target }
}
