//! The site of a report as the picture of a page: which boxes it has, what stands in them, where
//! they lead, and what is known of the connections between them.
//!
//! The number of boxes is bounded: what is too many becomes one box with a count. Not for where
//! things stand (`picture_layout`), nor for how they look (`templates/report/`).

use std::collections::BTreeMap;

use super::layout::pluralize;
use super::model::{CheckResult, Report};
use super::outline::{OverallVerdict, Status, group_by_target};
use crate::facts::stage::Scenario;
use crate::facts::target_kind::TargetKind;
use crate::facts::topology::{ConnectionState, SiteConnection, SiteSystem, Topology};

/// With more master targets, hosts or process servers than this, the worst are shown, and the rest
/// is one box.
const MAX_BOXES: usize = 6;

/// How many connections the text of one arrow lists.
const MAX_LISTED: usize = 8;

/// The check that decides about the way between Azure and home.
const WAY: &str = "link.vpn-or-er";

/// Where a box stands: in Azure, between, or at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tier {
    /// The machines that are to come home.
    AzureMachines,
    ProcessServers,
    /// The way between Azure and home.
    Way,
    ConfigurationServer,
    Vcenter,
    MasterTargets,
    Hosts,
    Machines,
}

impl Tier {
    fn from_kind(kind: TargetKind) -> Option<Self> {
        match kind {
            TargetKind::ProcessServer => Some(Self::ProcessServers),
            TargetKind::ConfigurationServer => Some(Self::ConfigurationServer),
            TargetKind::Vcenter => Some(Self::Vcenter),
            TargetKind::LinuxMt | TargetKind::WindowsMt => Some(Self::MasterTargets),
            TargetKind::Esxi => Some(Self::Hosts),
            TargetKind::ProtectedVm => Some(Self::Machines),
            TargetKind::Image | TargetKind::Packages | TargetKind::Site => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::AzureMachines => "machines in Azure",
            Self::ProcessServers => "process server",
            Self::Way => "the way between",
            Self::ConfigurationServer => "configuration server",
            Self::Vcenter => "vCenter",
            Self::MasterTargets => "master target",
            Self::Hosts => "ESXi host",
            Self::Machines => "machine",
        }
    }

    /// How many boxes of it there are at most.
    fn bound(self) -> usize {
        match self {
            Self::ConfigurationServer | Self::Vcenter => 1,
            _ => MAX_BOXES,
        }
    }
}

/// One box: a system, or several.
#[derive(Debug)]
pub(super) struct SiteBox {
    pub(super) tier: Tier,
    /// What it is, in small.
    pub(super) kind: String,
    pub(super) name: String,
    /// What it is shown like; none for what was not checked.
    pub(super) status: Option<Status>,
    pub(super) verdict: String,
    pub(super) counts: String,
    /// Where it leads, without the number sign; none for what is no part of the report.
    pub(super) href: Option<String>,
    /// All of it as a sentence.
    pub(super) title: String,
    /// The systems it stands for, by their names.
    pub(super) members: Vec<String>,
}

/// What is known of the connections of one box.
#[derive(Clone, Debug)]
pub(super) struct Arrow {
    /// The port or ports, in short; empty for what has none.
    pub(super) port: String,
    /// The state in short: `refused`, or `refused 1/2` when others differ.
    pub(super) label: String,
    pub(super) status: Option<Status>,
    pub(super) href: Option<String>,
    /// Every connection as a sentence of its own.
    pub(super) title: String,
}

/// The arrows that begin at one box, or end there when it is a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrows {
    pub(super) to_server: Option<Arrow>,
    pub(super) to_process_servers: Option<Arrow>,
    pub(super) to_vcenter: Option<Arrow>,
    pub(super) from_vcenter: Option<Arrow>,
    /// From a machine to the master target that it comes back through, or to its Hyper-V host.
    pub(super) to_target: Option<Arrow>,
    /// From a Hyper-V host to the machines in Azure.
    pub(super) to_azure: Option<Arrow>,
}

/// The boxes of a site with their arrows, box by box.
pub(super) struct SitePicture {
    pub(super) scenario: Scenario,
    pub(super) boxes: Vec<(SiteBox, Arrows)>,
}

/// Where the findings of a report stand on the page.
pub(super) struct Anchors<'r> {
    /// By check and target.
    pub(super) findings: BTreeMap<(&'r str, &'r str), String>,
    /// By name.
    pub(super) targets: BTreeMap<&'r str, String>,
    /// The list of all targets.
    pub(super) all_targets: &'static str,
}

impl Anchors<'_> {
    /// Returns where the finding of a check on a target stands, or else the target.
    pub(super) fn finding(&self, (check, target): (&str, &str)) -> Option<String> {
        let finding = self.findings.get(&(check, target));
        finding.or_else(|| self.targets.get(target)).cloned()
    }
}

impl SiteBox {
    /// Returns the class of its colour.
    pub(super) fn css_class(&self) -> &'static str {
        self.status.map_or("na", Status::css_class)
    }
}

impl Arrow {
    /// Returns the class of its colour.
    pub(super) fn css_class(&self) -> &'static str {
        self.status.map_or("na", Status::css_class)
    }
}

impl SitePicture {
    /// Returns the picture of a report's site; none when there are not two systems to show.
    pub(super) fn new(report: &Report, anchors: &Anchors<'_>) -> Option<Self> {
        let is_shown = |topology: &&Topology| match topology.scenario {
            Scenario::VmwareClassic => topology.systems.len() > 1,
            Scenario::Hyperv => !topology.systems.is_empty(),
        };
        let topology = report.topology.as_ref().filter(is_shown)?;
        let results: BTreeMap<&str, Vec<&CheckResult>> =
            group_by_target(report).into_iter().collect();
        let builder = Builder { report, topology, anchors, results };
        let boxes = builder.boxes().into_iter().map(|site_box| {
            let arrows = builder.arrows(&site_box);
            (site_box, arrows)
        });
        Some(Self { scenario: topology.scenario, boxes: boxes.collect() })
    }
}

pub(super) struct Builder<'a, 'r> {
    pub(super) report: &'r Report,
    pub(super) topology: &'a Topology,
    pub(super) anchors: &'a Anchors<'r>,
    results: BTreeMap<&'r str, Vec<&'r CheckResult>>,
}

impl Builder<'_, '_> {
    fn boxes(&self) -> Vec<SiteBox> {
        let mut boxes = Vec::new();
        if self.topology.machines_in_azure > 0 {
            boxes.push(self.azure_machines());
        }
        let tiers = [
            Tier::ProcessServers,
            Tier::ConfigurationServer,
            Tier::Vcenter,
            Tier::MasterTargets,
            Tier::Hosts,
            Tier::Machines,
        ];
        for tier in tiers {
            let is_of_tier = |system: &&SiteSystem| Tier::from_kind(system.kind) == Some(tier);
            let mut systems: Vec<&SiteSystem> =
                self.topology.systems.iter().filter(is_of_tier).collect();
            if systems.len() <= tier.bound() {
                boxes.extend(systems.into_iter().map(|system| self.single(tier, system)));
                continue;
            }
            // Of machines there are hundreds, and the worst of them are told by the findings.
            let shown = if tier == Tier::Machines { 0 } else { tier.bound() - 1 };
            systems.sort_by_key(|system| self.verdict(&system.name));
            let rest = systems.split_off(shown);
            boxes.extend(systems.into_iter().map(|system| self.single(tier, system)));
            boxes.push(self.group(tier, shown > 0, &rest));
        }
        let has_azure = boxes.iter().any(|known| known.tier < Tier::Way);
        match self.topology.scenario {
            Scenario::VmwareClassic if has_azure => boxes.push(self.way()),
            Scenario::VmwareClassic => {}
            Scenario::Hyperv => {
                boxes.extend(has_azure.then(|| self.hyperv_way()));
                boxes.push(self.hyperv_hosts());
            }
        }
        boxes.sort_by_key(|known| known.tier);
        boxes
    }

    /// Returns the verdict on a target; what was not checked comes after what needs a look.
    fn verdict(&self, name: &str) -> (OverallVerdict, bool) {
        match self.results.get(name) {
            Some(results) => (OverallVerdict::from_results(results), false),
            None => (OverallVerdict::Clear, true),
        }
    }

    fn single(&self, tier: Tier, system: &SiteSystem) -> SiteBox {
        let detail = system.detail.as_deref();
        let kind = match (tier, detail) {
            (Tier::Machines, Some(through)) => format!("{} {through}", tier.word()),
            _ => tier.word().to_owned(),
        };
        let (status, verdict, counts) = match self.results.get(system.name.as_str()) {
            Some(results) => {
                let verdict = OverallVerdict::from_results(results);
                (Some(verdict.status()), verdict.as_str().to_owned(), count_words(results))
            }
            None => (None, "not checked".to_owned(), "no part of this run".to_owned()),
        };
        let detail = detail.map_or_else(String::new, |detail| format!(" ({detail})"));
        SiteBox {
            title: format!("{} {}{detail}: {verdict}, {counts}", tier.word(), system.name),
            tier,
            kind,
            name: system.name.clone(),
            status,
            verdict,
            counts,
            href: self.anchors.targets.get(system.name.as_str()).cloned(),
            members: vec![system.name.clone()],
        }
    }

    /// Returns one box for many systems.
    fn group(&self, tier: Tier, is_rest: bool, systems: &[&SiteSystem]) -> SiteBox {
        let mut tally: BTreeMap<(OverallVerdict, bool), usize> = BTreeMap::new();
        for system in systems {
            *tally.entry(self.verdict(&system.name)).or_default() += 1;
        }
        let word = |(verdict, is_unchecked): (OverallVerdict, bool)| {
            if is_unchecked { "not checked" } else { verdict.as_str() }
        };
        let worst = tally.keys().next().copied().unwrap_or((OverallVerdict::Clear, true));
        let words: Vec<String> =
            tally.iter().map(|(key, count)| format!("{count} {}", word(*key))).collect();
        let name = if is_rest {
            format!("{} more", systems.len())
        } else {
            pluralize(systems.len(), tier.word())
        };
        SiteBox {
            title: format!("{}: {}", pluralize(systems.len(), tier.word()), words.join(", ")),
            tier,
            kind: format!("{}s", tier.word()),
            name,
            status: (!worst.1).then(|| worst.0.status()),
            verdict: words.first().cloned().unwrap_or_default(),
            counts: words.get(1).cloned().unwrap_or_default(),
            href: Some(self.anchors.all_targets.to_owned()),
            members: systems.iter().map(|system| system.name.clone()).collect(),
        }
    }

    fn azure_machines(&self) -> SiteBox {
        let name = pluralize(self.topology.machines_in_azure, "machine");
        SiteBox {
            title: format!("{name} in Azure: no check asks a machine that runs there"),
            tier: Tier::AzureMachines,
            kind: "to come home".to_owned(),
            name,
            status: None,
            verdict: "not asked".to_owned(),
            counts: "while they run there".to_owned(),
            href: Some(self.anchors.all_targets.to_owned()),
            members: Vec::new(),
        }
    }

    fn way(&self) -> SiteBox {
        let result = self.report.results.iter().find(|result| result.check == WAY);
        let status = result.map(Status::from_result);
        let verdict = match status {
            Some(Status::Pass) => "connected",
            Some(Status::Blocker | Status::Warning) => "not connected",
            Some(Status::Waived) => "waived",
            Some(Status::NotApplicable) => "not needed",
            Some(Status::Unknown) => "not answered",
            None => "not checked",
        };
        let found = result.map_or("no part of this run", |result| result.found.as_str());
        let anchor = result.and_then(|result| self.anchors.finding((WAY, &result.target)));
        SiteBox {
            title: format!("The way between, a VPN or ExpressRoute: {verdict}. {found}"),
            tier: Tier::Way,
            kind: Tier::Way.word().to_owned(),
            name: "VPN or ExpressRoute".to_owned(),
            status,
            verdict: verdict.to_owned(),
            counts: String::new(),
            href: anchor,
            members: Vec::new(),
        }
    }

    fn arrows(&self, site_box: &SiteBox) -> Arrows {
        let connections = |other: TargetKind, is_incoming: bool| {
            let is_mine = |connection: &&SiteConnection| {
                let (mine, kind, other_kind) = if is_incoming {
                    (&connection.to, connection.to_kind, connection.from_kind)
                } else {
                    (&connection.from, connection.from_kind, connection.to_kind)
                };
                other_kind == other
                    && Tier::from_kind(kind) == Some(site_box.tier)
                    && site_box.members.contains(mine)
            };
            let mine: Vec<&SiteConnection> =
                self.topology.connections.iter().filter(is_mine).collect();
            self.arrow(&mine)
        };
        match site_box.tier {
            Tier::AzureMachines => Arrows {
                to_server: Some(nobody_asked("443", "the configuration server")),
                to_process_servers: Some(nobody_asked("9443", "the process servers")),
                ..Arrows::default()
            },
            Tier::ProcessServers | Tier::MasterTargets => Arrows {
                to_server: connections(TargetKind::ConfigurationServer, false),
                to_process_servers: connections(TargetKind::ProcessServer, false),
                ..Arrows::default()
            },
            Tier::ConfigurationServer => {
                Arrows { to_vcenter: connections(TargetKind::Vcenter, false), ..Arrows::default() }
            }
            Tier::Hosts if self.topology.scenario == Scenario::Hyperv => {
                Arrows { to_azure: self.hyperv_connection(), ..Arrows::default() }
            }
            Tier::Machines if self.topology.scenario == Scenario::Hyperv => {
                Arrows { to_target: Some(self.hyperv_way_home(site_box)), ..Arrows::default() }
            }
            Tier::Machines => {
                let linux = connections(TargetKind::LinuxMt, false);
                let windows = connections(TargetKind::WindowsMt, false);
                Arrows { to_target: linux.or(windows), ..Arrows::default() }
            }
            Tier::Hosts => {
                Arrows { from_vcenter: connections(TargetKind::Vcenter, true), ..Arrows::default() }
            }
            Tier::Way | Tier::Vcenter => Arrows::default(),
        }
    }

    /// Returns one arrow for these connections; the worst of them decides how it looks.
    fn arrow(&self, connections: &[&SiteConnection]) -> Option<Arrow> {
        let worst = connections.iter().min_by_key(|connection| connection.state)?;
        let alike = connections.iter().filter(|other| other.state == worst.state).count();
        let label = match connections.len() {
            all if all == alike => worst.state.as_str().to_owned(),
            all => format!("{} {alike}/{all}", worst.state.as_str()),
        };
        let first = connections[0].port;
        let port = match first {
            Some(port) if connections.iter().all(|other| other.port == first) => port.to_string(),
            Some(_) => "data ports".to_owned(),
            None => String::new(),
        };
        let mut sentences: Vec<String> =
            connections.iter().take(MAX_LISTED).map(|connection| sentence(connection)).collect();
        if connections.len() > MAX_LISTED {
            sentences.push(format!("And {} more.", connections.len() - MAX_LISTED));
        }
        let own = self.anchors.targets.get(worst.checked_on.as_str()).cloned();
        let decided = worst.check.map(|check| (check, worst.checked_on.as_str()));
        Some(Arrow {
            port,
            label,
            status: status(worst),
            href: decided.map_or(own, |key| self.anchors.finding(key)),
            title: sentences.join(" "),
        })
    }
}

/// Returns the status that a connection is shown like.
fn status(connection: &SiteConnection) -> Option<Status> {
    match connection.state {
        ConnectionState::NotAsked | ConnectionState::Detached => None,
        ConnectionState::Undecided => Some(Status::Unknown),
        state if state.is_good() => Some(Status::Pass),
        // A firewall or a name is seen from the master target's place alone (network.cs-to-vcenter-443).
        ConnectionState::Filtered | ConnectionState::NoRoute | ConnectionState::UnknownName
            if connection.to_kind == TargetKind::Vcenter =>
        {
            Some(Status::Warning)
        }
        _ => Some(Status::Blocker),
    }
}

fn sentence(connection: &SiteConnection) -> String {
    let port = connection.port.map_or_else(String::new, |port| format!(", TCP {port}"));
    format!(
        "{} to {}{port}: {} ({}).",
        connection.from,
        connection.to,
        connection.state.as_str(),
        connection.found
    )
}

fn nobody_asked(port: &str, to: &str) -> Arrow {
    Arrow {
        port: port.to_owned(),
        label: ConnectionState::NotAsked.as_str().to_owned(),
        status: None,
        href: None,
        title: format!(
            "The machines in Azure to {to}, TCP {port}: not asked (no check asks them)."
        ),
    }
}

/// Returns the two worst kinds of outcome of a target, counted.
fn count_words(results: &[&CheckResult]) -> String {
    let count =
        |status| results.iter().filter(|result| Status::from_result(result) == status).count();
    let words = |status, word: &str| match count(status) {
        0 => None,
        many if word == "warning" => Some(pluralize(many, word)),
        many => Some(format!("{many} {word}")),
    };
    let all = [
        words(Status::Blocker, "fail"),
        words(Status::Unknown, "unknown"),
        words(Status::Warning, "warning"),
        words(Status::Waived, "waived"),
        words(Status::Pass, "passed"),
    ];
    let worst: Vec<String> = all.into_iter().flatten().take(2).collect();
    if worst.is_empty() { "nothing applies".to_owned() } else { worst.join(", ") }
}

#[cfg(test)]
pub(super) mod tests;
