//! A site as targets: every machine with what all systems that were asked know of it.
//!
//! A machine may be known to several: its host's shell stands in where vCenter has nothing to say,
//! fact by fact, and never the other way round where only vCenter can know. Not for asking anybody
//! (`cli`), nor for what answers mean (`facts`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::model::{EsxiHost, MasterTarget, Site};
use crate::check::{Target, TargetKind};
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::described::Described;
use crate::facts::vsphere::esxi_host::EsxiFacts;
use crate::facts::vsphere::esxi_shell::{self, EsxiShellFacts, in_words_of_the_api};
use crate::facts::vsphere::question::{Pairing, Question};
use crate::facts::vsphere::snapshot::Survey;
use crate::facts::{Document, Fact, age, connection};

/// What only vCenter can say of a host, whatever the host's own shell thinks.
const OF_VCENTER: &[&str] = &["host.name", "host.in_inventory", "host.connection"];

/// What systems answered, beside the hosts that are asked by their shells.
#[derive(Default)]
pub struct Answered {
    /// The vCenter server, or the ESXi host that stands in for one.
    pub vcenter: Option<Transcript>,
    /// ESXi hosts by their shells, each with its place among those of the site.
    pub shells: Vec<(usize, Transcript)>,
}

/// Which checks are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that somebody was asked about.
    Asked,
    /// All of them: what nobody is asked about is unknown.
    Everything,
}

/// The targets of a site: `hosts`, which were asked by their shells, and everything that the master
/// targets among them depend on.
pub fn targets(site: &Site, hosts: Vec<Target>, answered: &Answered, scope: Scope) -> Vec<Target> {
    let named: BTreeSet<&str> = hosts.iter().map(|host| host.name.as_str()).collect();
    let chosen: Vec<&MasterTarget> =
        site.master_targets.iter().filter(|it| named.contains(it.name.as_str())).collect();
    let chosen: Vec<MasterTarget> = chosen.into_iter().cloned().collect();
    let pairings = site.pairings(&chosen, scope);
    let mut seen = Seen::of(site, answered);
    let mut hosts = hosts;
    let mut whole: Vec<Target> = seen.server(site);
    let mut machines = Vec::new();
    for (target, pairing) in chosen.iter().map(Some).chain([None]).zip(&pairings) {
        if let Some(target) = target {
            let document = seen.of_master_target(target, pairing);
            let own = hosts.iter_mut().filter(|it| it.name == target.name.as_str());
            own.for_each(|it| {
                it.document = std::mem::take(&mut it.document).join(document.clone())
            });
        }
        machines.extend(seen.of_machines(site, pairing));
    }
    whole.extend(seen.hosts(site, chosen.len()));
    hosts.extend(whole);
    hosts.extend(machines);
    if scope == Scope::Everything {
        hosts.extend(site.silent());
        hosts = hosts.into_iter().map(|target| with_every_root(target, site)).collect();
    }
    hosts
}

impl Site {
    /// Each of these master targets with the machines that fail back through it, and at the end
    /// machines of which nobody says through which; those only where all of the site is meant.
    fn pairings(&self, chosen: &[MasterTarget], scope: Scope) -> Vec<Pairing> {
        let alone = self.master_targets.len() == 1;
        let names = |of: &dyn Fn(Option<&str>) -> bool| -> Vec<String> {
            let machines = self.protected_vms.iter();
            let of = machines.filter(|it| of(it.master_target.as_ref().map(|name| name.as_str())));
            of.map(|it| it.name.to_string()).collect()
        };
        let mut pairings: Vec<Pairing> = chosen
            .iter()
            .map(|target| Pairing {
                master_target: target.vm.clone(),
                reprotected_at: target.reprotected_at,
                protected: names(&|of| of.map_or(alone, |name| name == target.name.as_str())),
            })
            .collect();
        if scope == Scope::Everything && !(alone && chosen.len() == 1) {
            let protected = names(&|of| of.is_none());
            pairings.push(Pairing { protected, ..Pairing::default() });
        }
        pairings
    }

    /// What the vSphere server is asked about these master targets.
    pub fn question(&self, chosen: &[MasterTarget], scope: Scope) -> Question {
        let account = self.vcenter.as_ref().and_then(|vcenter| vcenter.discovery_account.clone());
        let mut pairings = self.pairings(chosen, scope);
        pairings.retain(|pair| pair.master_target.is_some() || !pair.protected.is_empty());
        Question::of_pairings(account, pairings)
    }

    /// What an ESXi host's shell is asked: where vCenter answers for machines, only those that
    /// everything hangs on, for each of them takes a host seconds.
    pub fn question_to_shells(&self, chosen: &[MasterTarget], scope: Scope) -> Question {
        let mut question = self.question(chosen, scope);
        if self.vcenter.is_some() {
            question.protected.clear();
            question.others.retain(|pair| pair.master_target.is_some());
            question.others.iter_mut().for_each(|pair| pair.protected.clear());
        }
        question
    }
}

/// An ESXi host of the site.
struct HostSeen {
    name: String,
    /// What vCenter calls it.
    in_vcenter: Option<String>,
    document: Document,
    /// Whether a master target that is judged runs on it.
    used: bool,
}

/// What was seen of the site's machines and hosts.
struct Seen<'a> {
    api: Option<Survey<'a>>,
    shells: &'a [(usize, Transcript)],
    /// What the site says of its machines, by their names.
    described: Arc<BTreeMap<String, Described>>,
    hosts: Vec<HostSeen>,
    /// Master targets of which nobody knows what they run on.
    homeless: Vec<Target>,
}

impl<'a> Seen<'a> {
    fn of(site: &Site, answered: &'a Answered) -> Self {
        let machines = site.protected_vms.iter();
        let described = machines.map(|it| (it.name.to_string(), it.described()));
        let described = Arc::new(described.collect());
        let api = answered.vcenter.as_ref().map(Survey::of);
        let mut api = api.map(|api| api.with_described(&described));
        let said = site.vcenter.as_ref().filter(|said| said.discovery_account.is_some());
        if let (Some(api), Some(said)) = (&mut api, said) {
            api.question.discovery_account.clone_from(&said.discovery_account);
        }
        let mut seen = Self {
            api,
            shells: &answered.shells,
            described,
            hosts: Vec::new(),
            homeless: Vec::new(),
        };
        for (index, entry) in site.esxi.iter().enumerate() {
            let host = seen.host(entry, index, answered);
            seen.hosts.push(host);
        }
        seen
    }

    /// One host of the site file.
    fn host(&self, entry: &EsxiHost, index: usize, answered: &Answered) -> HostSeen {
        let shell = self.shells.iter().find(|(at, _)| *at == index).map(|(_, shell)| shell);
        let told = shell.map(of_shell);
        let name = entry.name.to_string();
        let (in_vcenter, document) = match &self.api {
            Some(api) => {
                let own = shell.and_then(|shell| shell.text("esxi-hostname").known().copied());
                let names = [Some(name.as_str()), entry.address(), own.map(str::trim)];
                let found = matching(api.hosts(), &names.into_iter().flatten().collect::<Vec<_>>());
                let in_vcenter = found.as_ref().map(|found| found.name.clone());
                let facts =
                    found.unwrap_or_else(|| EsxiFacts::unseen(&name, api.has("hosts", &name)));
                let facts = Fact::Known(facts);
                let mut document = Document::new("host", &facts)
                    .join(Document::new("vcenter", &api.beside(&facts)));
                if let Some(told) = &told {
                    document = document.filled_from(told, |path| {
                        let own = path.starts_with("host.") && !OF_VCENTER.contains(&path);
                        own || path == "vcenter.target_version"
                    });
                }
                (in_vcenter, document)
            }
            None => (None, told.unwrap_or_default()),
        };
        let over_api = answered.vcenter.as_ref().map(|api| EsxiShellFacts {
            connection: connection::of(api),
            is_esxi: Fact::unavailable("the host was not asked over SSH"),
        });
        let of_shell = match (shell, over_api) {
            (Some(shell), _) => {
                let document = Document::new("shell", &esxi_shell::of(shell));
                explained(document, shell)
            }
            (None, Some(over_api)) => Document::new("shell", &over_api),
            (None, None) => Document::default(),
        };
        let own = shell.filter(|shell| shell.connection.failure.is_none());
        let told_by =
            own.or(answered.vcenter.as_ref()).or(shell).map(age::document).unwrap_or_default();
        HostSeen { name, in_vcenter, document: document.join(of_shell).join(told_by), used: false }
    }

    /// The vSphere server itself.
    fn server(&self, site: &Site) -> Vec<Target> {
        let Some(api) = &self.api else { return Vec::new() };
        let name = api.target().to_owned();
        let document = Document::new("vcenter", &api.vcenter(true));
        let document = document.join(site.document(&name)).join(age::document(api.transcript()));
        vec![Target { name, kind: TargetKind::Vcenter, document }]
    }

    /// What is known of a master target's machine and its host.
    fn of_master_target(&mut self, target: &MasterTarget, pairing: &Pairing) -> Document {
        let Some(name) = &target.vm else {
            let reason = format!("the site does not say the vm of {}", target.name);
            let document = Document::default().or_absent("vm", &reason);
            return self.beside(document.or_absent("host", &reason));
        };
        let question = self.narrowed(pairing);
        let machine = self.machine(
            &question,
            |survey| Document::new("vm", &survey.master_target(name)),
            name,
        );
        let host = self.host_of(name);
        let host = match host {
            Ok(index) => {
                self.hosts[index].used = true;
                self.hosts[index].document.root("host")
            }
            Err(reason) => {
                self.homeless.push(Target {
                    name: format!("the host of {name}"),
                    kind: TargetKind::Esxi,
                    document: self.beside(Document::default().or_absent("host", &reason)),
                });
                Document::default().or_absent("host", &reason)
            }
        };
        self.beside(machine.join(host))
    }

    /// The machines of a pairing.
    fn of_machines(&self, site: &Site, pairing: &Pairing) -> Vec<Target> {
        let asked = self.narrowed(pairing);
        let target = |name: &String| {
            let planned = site.protected_vms.iter().find(|it| it.name.as_str() == name);
            let mut question = asked.clone();
            question.host = planned.and_then(|it| it.host.clone()).or(question.host);
            question.datastore = planned.and_then(|it| it.datastore.clone());
            let machine = self.machine(
                &question,
                |survey| Document::new("vm", &survey.protected(name)),
                name,
            );
            let document = self.beside(machine).join(site.document(name));
            Target { name: name.clone(), kind: TargetKind::ProtectedVm, document }
        };
        pairing.protected.iter().map(target).collect()
    }

    /// The ESXi hosts: those that the master targets run on, and those of the site file.
    fn hosts(&mut self, site: &Site, chosen: usize) -> Vec<Target> {
        // Where only some of the site is judged, hosts that have nothing to do with it are not.
        let all = chosen == site.master_targets.len() || !self.homeless.is_empty();
        let hosts = self.hosts.iter().filter(|host| all || host.used).map(|host| Target {
            name: host.name.clone(),
            kind: TargetKind::Esxi,
            document: host.document.clone().join(site.document(&host.name)),
        });
        let mut hosts: Vec<Target> = hosts.collect();
        // A site that names hosts has told where to look.
        if hosts.is_empty() {
            hosts.append(&mut self.homeless);
        }
        hosts
    }

    /// The question about one master target, as whoever answered was asked.
    fn narrowed(&self, pairing: &Pairing) -> Question {
        let asked = self.api.as_ref().map(|api| api.question.clone()).unwrap_or_default();
        asked.about(pairing.clone())
    }

    /// A machine by vCenter, and by the shell of the host it is on where vCenter does not tell.
    fn machine(
        &self,
        question: &Question,
        of: impl Fn(&Survey<'_>) -> Document,
        name: &str,
    ) -> Document {
        let by_api = self.api.as_ref().map(|api| of(&api.asked(question)));
        let words = self.shells.iter().map(|(_, shell)| in_words_of_the_api(shell, question));
        let mut by_shell = None;
        for words in words {
            let mut survey = Survey::of(&words).with_described(&self.described);
            survey.question.clone_from(question);
            let document = of(&survey);
            let there = document.known["vm"]["exists"] == true;
            if there || by_shell.is_none() {
                by_shell = Some(document);
            }
            if there {
                break;
            }
        }
        match (by_api, by_shell) {
            (Some(api), Some(shell)) if is_same(&api, &shell) => {
                api.filled_from(&shell, |path| path != "vm.exists")
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
                known.enumerate().filter(|(_, it)| it.in_vcenter.as_ref() == Some(&found.name));
            if let Some((index, _)) = known.next() {
                return Ok(index);
            }
            let facts = Fact::Known(found.clone());
            let over_api = EsxiShellFacts {
                connection: connection::of(api.transcript()),
                is_esxi: Fact::unavailable("the host was not asked over SSH"),
            };
            let document = Document::new("host", &facts)
                .join(Document::new("vcenter", &api.beside(&facts)))
                .join(Document::new("shell", &over_api))
                .join(age::document(api.transcript()));
            let name = found.name.clone();
            self.hosts.push(HostSeen {
                in_vcenter: Some(name.clone()),
                name,
                document,
                used: true,
            });
            return Ok(self.hosts.len() - 1);
        }
        for (index, shell) in self.shells {
            let words = in_words_of_the_api(shell, &Question::default());
            if Survey::of(&words).host_of(name).known().is_some() {
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
    fn beside(&self, document: Document) -> Document {
        if let Some(api) = &self.api {
            return document.join(Document::new("vcenter", &api.vcenter(false)));
        }
        let Some((_, shell)) = self.shells.first() else { return document };
        document.join(of_shell(shell).root("vcenter"))
    }
}

/// A host by its own shell: what it is, and that no vCenter server tells of it.
fn of_shell(shell: &Transcript) -> Document {
    let words = in_words_of_the_api(shell, &Question::default());
    let survey = Survey::of(&words);
    let host = match (&shell.connection.failure, survey.hosts().into_iter().next()) {
        (Some(failure), _) if shell.answers.by_probe.is_empty() => {
            Fact::unavailable(failure.in_words())
        }
        (_, Some(host)) => Fact::Known(host),
        (_, None) => Fact::unavailable("the host told nothing of itself"),
    };
    let document = Document::new("host", &host);
    explained(document.join(Document::new("vcenter", &survey.beside(&host))), shell)
}

/// The document of a system, in which what is missing is missing for the reason that it did not
/// answer.
pub fn explained(document: Document, transcript: &Transcript) -> Document {
    match &transcript.connection.failure {
        Some(failure) if !transcript.answers.ended => document.cut_short_by(&failure.in_words()),
        _ => document,
    }
}

/// Whether the shell's machine is vCenter's: one of the same name may be another.
fn is_same(api: &Document, shell: &Document) -> bool {
    let uuid = |document: &Document| document.known["vm"]["uuid"].as_str().map(str::to_lowercase);
    uuid(api).is_none_or(|own| uuid(shell) == Some(own))
}

/// The host that bears one of these names; the first part of a name will do where only one host
/// has it.
fn matching(hosts: Vec<EsxiFacts>, names: &[&str]) -> Option<EsxiFacts> {
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
const NOBODY: &[(&str, &str)] = &[
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
        let there = document.known["site"].get(path.trim_start_matches("site.")).is_some();
        if !there && !document.absent.contains_key(path) {
            let reason = "the site names no machine that fails back";
            document.absent.insert(path.to_owned(), reason.to_owned());
        }
    }
    for (root, reason) in NOBODY {
        document = document.or_absent(root, reason);
    }
    Target { document, ..target }
}
