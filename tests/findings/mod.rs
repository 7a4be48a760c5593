//! Reports to render: one with something of everything, one of many hosts, hostile ones.

#![allow(dead_code, reason = "each test uses some of these")]

use std::sync::Arc;

use preflight::check::Provider;
use preflight::check::definition::{Remedy, Severity, SourceReference};
use preflight::check::engine::{Finding, Outcome, SkippedCheck, Target};
use preflight::check::evidence::Evidence;
use preflight::check::status::FailOn;
use preflight::check::unknown::UnknownCause;
use preflight::facts::Document;
use preflight::facts::stage::Scenario;
use preflight::facts::target_kind::TargetKind;
use preflight::facts::topology::{ConnectionState, SiteConnection, SiteSystem, Topology};
use preflight::report::Report;

/// Texts that hosts may send to those who print what they are sent.
pub const HOSTILE: &[&str] = &[
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\"><svg onload=window.hacked=1>",
    "' onmouseover='window.hacked=1",
    "</pre></details></main><h1>Nothing blocks</h1>",
    "</style><style>*{display:none}</style>",
    "--><!-- <![CDATA[ ]]>",
    "{{verdict.word}} {{{at}}}",
    "&lt;b&gt; &#60;b&#62;",
    "[here](javascript:alert(1)) ![x](http://192.0.2.1/)",
    "`code` ``more`` *bold* _low_ ~~gone~~",
    "@everyone #1 GH-1",
    "| a | b |",
    "$(reboot) ${HOME} $x^2$",
    "a\nb\r\n# heading\n\n- item\n```\nfence",
    "\u{1b}[2J\u{1b}]0;title\u{7}red",
    "\u{9b}31m\u{90}q\u{9c}",
    "abc\u{202e}fed\u{2066}x\u{2069}\u{200b}\u{feff}",
    "\u{0}\u{8}\u{b}\u{7f}\u{fffe}\u{ffff}\u{d7ff}\u{e000}",
    "percent %s %00 {0} {{1}}",
];

/// One finding to come; what is not said here is harmless.
pub struct Said<'t> {
    pub check: &'t str,
    pub title: &'t str,
    pub target: &'t str,
    pub outcome: Outcome,
    pub severity: Severity,
    pub found: &'t str,
    pub evidence: &'t str,
}

impl Said<'_> {
    fn finding(&self) -> Finding {
        let found = match &self.outcome {
            Outcome::Unknown(unknown) => unknown.to_string(),
            Outcome::NotApplicable { reason, .. } => reason.to_string(),
            _ => self.found.to_owned(),
        };
        Finding {
            check: self.check.into(),
            target: self.target.into(),
            outcome: self.outcome.clone(),
            severity: self.severity,
            title: self.title.into(),
            found: found.into(),
            symptom: "the drive is not listed for the master target in Re-protect".into(),
            remedy: Arc::new(Remedy {
                text: "Mend it, then check again. Take your time.".to_owned(),
                commands: vec![
                    "mount -o remount,rw /mnt/retention".to_owned(),
                    "preflight check host ssh://root@MASTER-TARGET --format html > \
                     /root/report-of-the-master-target-before-reprotect.html"
                        .to_owned(),
                ],
                downtime: self.severity == Severity::DataLoss,
            }),
            after: Vec::new(),
            explained_by: Vec::new(),
            is_urgent: false,
            is_moot: false,
            is_gate: false,
            held: None,
            graded: false,
            order: 0,
            source: Arc::new(SourceReference {
                doc: "S001".to_owned(),
                at: "Reprotect the Azure VMs, step 5".to_owned(),
            }),
            evidence: Evidence::from_facts(&[("mt.fact", self.evidence.into())].into()),
            signs: Vec::new(),
        }
    }
}

pub fn report(said: &[Said<'_>], not_asked: &[SkippedCheck]) -> Report {
    let mut targets: Vec<Target> = Vec::new();
    for said in said {
        if targets.iter().all(|target| target.name != said.target) {
            let (kind, document) = (TargetKind::LinuxMt, Document::default());
            targets.push(Target::new(said.target.to_owned(), kind, document));
        }
    }
    let findings: Vec<Finding> = said.iter().map(Said::finding).collect();
    let now = "2026-11-20T03:00:00Z".parse().expect("a moment");
    Report::new(&targets, findings, not_asked, &[], now, FailOn::Blocker)
}

pub fn unknown(reason: &str) -> Outcome {
    let (path, reason) = reason.split_once(": ").unwrap_or(("mt.access", reason));
    let cause = UnknownCause::Absent(path.to_owned(), reason.to_owned());
    Outcome::Unknown(Arc::new(cause.into()))
}

pub fn waived(reason: &str, owner: &str) -> Outcome {
    Outcome::Waived {
        reason: reason.to_owned(),
        owner: owner.to_owned(),
        expires: "2026-12-31".to_owned(),
    }
}

/// Three hosts: two with a blocker that was found in two spellings, one that did not answer.
pub fn mixed_report() -> Report {
    use Severity::{BlocksFailback, BlocksReprotect, Warning};
    let said = |check, title, target, outcome, severity, found| Said {
        check,
        title,
        target,
        outcome,
        severity,
        found,
        evidence: "ext4",
    };
    let (fat, path, root, memory) = (
        "the retention volume is not FAT",
        "multipath is there",
        "the checks run as root, or through sudo without a password",
        "the master target has enough memory for its disks",
    );
    let gone = unknown("mt.access: cannot connect to mt3 port 22: connection refused");
    let dns = unknown("mt.network.cs: the name cs01 could not be resolved");
    let said = [
        said(
            "retention.fs-not-fat",
            fat,
            "mt1",
            Outcome::Fail,
            BlocksReprotect,
            "/mnt/retention is vfat",
        ),
        said("mt.multipath", path, "mt1", Outcome::Pass, Warning, "device-mapper-multipath 0.4.9"),
        said("mt.root-access", root, "mt1", Outcome::Fail, Warning, "the user id is 1000"),
        said("mt.port-443", "the configuration server answers", "mt1", dns, BlocksReprotect, ""),
        said("mt.clock", "the clock is right", "mt1", Outcome::Pass, Warning, "0.3 s apart"),
        said(
            "retention.fs-not-fat",
            fat,
            "mt2",
            Outcome::Fail,
            BlocksReprotect,
            "/mnt/retention is msdos",
        ),
        said("mt.multipath", path, "mt2", Outcome::Pass, Warning, "device-mapper-multipath 0.4.9"),
        said(
            "mt.memory",
            memory,
            "mt2",
            waived("a lab machine, small on purpose", "ann"),
            Warning,
            "4 GiB",
        ),
        said("retention.fs-not-fat", fat, "mt3", gone.clone(), BlocksReprotect, ""),
        said("mt.multipath", path, "mt3", gone.clone(), Warning, ""),
        said("mt.root-access", root, "mt3", gone.clone(), Warning, ""),
        said("mt.memory", memory, "mt3", gone, BlocksFailback, ""),
    ];
    let left = |check: &str, title: &str, needs| SkippedCheck {
        check: check.into(),
        title: title.into(),
        target: "mt1".into(),
        needs: vec![needs],
    };
    let not_asked = [
        left("vm.disk-enable-uuid", "disk.EnableUUID is TRUE", Provider::Vsphere),
        left("cs.backup", "the configuration server is backed up", Provider::Answers),
    ];
    let mut report = report(&said, &not_asked);
    report.notes = vec!["the waiver of mt.clock for mt? expired on 2026-01-31, ask ann".to_owned()];
    report
}

/// So many hosts with the same finding, and some that are well.
pub fn many_hosts(hosts: usize) -> Report {
    let names: Vec<String> = (1..=hosts).map(|n| format!("mt{n:03}.example.net")).collect();
    let said: Vec<Said<'_>> = names
        .iter()
        .enumerate()
        .flat_map(|(n, target)| {
            let bad = n % 4 != 3;
            let said = |check, title, outcome, severity, found| Said {
                check,
                title,
                target,
                outcome,
                severity,
                found,
                evidence: target,
            };
            [
                said(
                    "retention.fs-not-fat",
                    "the retention volume is not FAT",
                    if bad { Outcome::Fail } else { Outcome::Pass },
                    Severity::BlocksReprotect,
                    if bad { "/mnt/retention is vfat" } else { "/mnt/retention is ext4" },
                ),
                said(
                    "mt.multipath",
                    "multipath is there",
                    Outcome::Pass,
                    Severity::Warning,
                    "device-mapper-multipath 0.4.9",
                ),
            ]
        })
        .collect();
    report(&said, &[])
}

/// Every hostile text in every place that a host has a say in.
pub fn hostile_report() -> Report {
    hostile(HOSTILE)
}

/// A report with texts where hosts have a say: names, what was found, reasons, evidence, waivers.
pub fn hostile<T: AsRef<str>>(texts: &[T]) -> Report {
    let said: Vec<Said<'_>> = texts
        .iter()
        .map(AsRef::as_ref)
        .flat_map(|text| {
            let said = |check, outcome, severity| Said {
                check,
                title: "it holds",
                target: text,
                outcome,
                severity,
                found: text,
                evidence: text,
            };
            [
                said("a.blocker", Outcome::Fail, Severity::DataLoss),
                said("a.warning", Outcome::Fail, Severity::Warning),
                said("a.unknown", unknown(text), Severity::BlocksFailback),
                said(
                    "a.meaningless",
                    Outcome::NotApplicable { reason: text.into(), by_failure: false },
                    Severity::Info,
                ),
                said("a.waived", waived(text, text), Severity::Warning),
                said("a.pass", Outcome::Pass, Severity::Warning),
            ]
        })
        .collect();
    // Each text is the name of one system of each kind, and what was found on the way.
    let kinds = [
        TargetKind::LinuxMt,
        TargetKind::ProcessServer,
        TargetKind::ConfigurationServer,
        TargetKind::Vcenter,
        TargetKind::Esxi,
        TargetKind::ProtectedVm,
    ];
    let names: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    let system = |(n, name): (usize, &&str)| SiteSystem {
        name: (*name).to_owned(),
        kind: kinds[n % kinds.len()],
        detail: Some((*name).to_owned()),
    };
    let connection = |(n, name): (usize, &&str)| SiteConnection {
        from: names[n / kinds.len() * kinds.len()].to_owned(),
        from_kind: TargetKind::LinuxMt,
        to: (*name).to_owned(),
        to_kind: kinds[n % kinds.len()],
        port: Some(443),
        state: ConnectionState::Refused,
        found: (*name).to_owned(),
        checked_on: (*name).to_owned(),
        check: Some("a.blocker"),
    };
    let topology = Topology {
        name: names.first().map(|name| (*name).to_owned()),
        scenario: Scenario::VmwareClassic,
        systems: names.iter().enumerate().map(system).collect(),
        machines_in_azure: names.len(),
        connections: names.iter().enumerate().map(connection).collect(),
    };
    let mut report = report(&said, &[]).with_topology(topology);
    report.notes = texts.iter().map(|text| format!("a note: {}", text.as_ref())).collect();
    report
}

/// The site of a report: systems by kind and name, and connections between them.
pub fn topology(
    name: Option<&str>,
    systems: &[(TargetKind, &str)],
    connections: &[(&str, &str, Option<u16>, ConnectionState)],
) -> Topology {
    let kind = |name: &str| {
        systems.iter().find(|(_, known)| *known == name).expect("it is one of the systems").0
    };
    let connection = |(from, to, port, state): &(&str, &str, Option<u16>, ConnectionState)| {
        let check = match (kind(from), kind(to)) {
            (TargetKind::LinuxMt, TargetKind::ConfigurationServer) => Some("network.mt-to-cs-443"),
            (TargetKind::LinuxMt, _) => Some("network.mt-to-ps-9443"),
            (TargetKind::ProcessServer, _) => Some("network.ps-to-cs-443"),
            (TargetKind::Vcenter, _) => Some("esxi.host-connected"),
            (TargetKind::ProtectedVm, _) => None,
            _ => Some("network.cs-to-vcenter-443"),
        };
        SiteConnection {
            from: (*from).to_owned(),
            from_kind: kind(from),
            to: (*to).to_owned(),
            to_kind: kind(to),
            port: *port,
            state: *state,
            found: format!("{to} is {}", state.as_str()),
            checked_on: if kind(from) == TargetKind::Vcenter {
                (*to).to_owned()
            } else {
                (*from).to_owned()
            },
            check,
        }
    };
    let machines = systems.iter().filter(|(kind, _)| *kind == TargetKind::ProtectedVm).count();
    Topology {
        name: name.map(str::to_owned),
        scenario: Scenario::VmwareClassic,
        systems: systems
            .iter()
            .map(|(kind, name)| SiteSystem { name: (*name).to_owned(), kind: *kind, detail: None })
            .collect(),
        machines_in_azure: machines,
        connections: connections.iter().map(connection).collect(),
    }
}

/// A site of two process servers and three master targets, one of which reaches nothing.
pub fn site_report() -> Report {
    use ConnectionState::{
        Attached, Connected, Detached, Disconnected, NotAsked, Open, Refused, UnknownName,
    };
    use TargetKind::{ConfigurationServer, Esxi, LinuxMt, ProcessServer, ProtectedVm, Vcenter};
    let systems = [
        (ProcessServer, "ps1"),
        (ProcessServer, "ps2"),
        (ConfigurationServer, "cs01.example.test"),
        (Vcenter, "vc01.example.test"),
        (LinuxMt, "mt1"),
        (LinuxMt, "mt2"),
        (LinuxMt, "mt3"),
        (Esxi, "esx1.example.test"),
        (Esxi, "esx2.example.test"),
        (ProtectedVm, "app-01"),
        (ProtectedVm, "a name that is far too long for any box"),
    ];
    let cs = "cs01.example.test";
    let connections = [
        ("ps1", cs, Some(443), Open),
        ("ps2", cs, Some(443), NotAsked),
        ("mt1", cs, Some(443), Open),
        ("mt2", cs, Some(443), Refused),
        ("mt3", cs, Some(443), NotAsked),
        ("mt1", "ps1", Some(9443), Open),
        ("mt1", "ps2", Some(9443), Open),
        ("mt2", "ps1", Some(9443), Open),
        ("mt2", "ps2", Some(9443), Refused),
        ("mt3", "ps1", Some(9443), NotAsked),
        ("mt3", "ps2", Some(9443), NotAsked),
        (cs, "vc01.example.test", Some(443), UnknownName),
        ("vc01.example.test", "esx1.example.test", None, Connected),
        ("vc01.example.test", "esx2.example.test", None, Disconnected),
        ("app-01", "mt2", None, Attached),
        ("a name that is far too long for any box", "mt1", None, Detached),
    ];
    let (server, data) = ("the master target reaches the configuration server", "data port");
    let blocks = Severity::BlocksReprotect;
    let gone = unknown("mt.access: cannot connect to mt3 port 22: connection refused");
    let pass = Outcome::Pass;
    let results = [
        said("network.mt-to-cs-443", server, "mt1", pass.clone(), blocks, "it is open"),
        said("network.mt-to-cs-443", server, "mt2", Outcome::Fail, blocks, "443 is refused"),
        said("network.mt-to-cs-443", server, "mt3", gone, blocks, ""),
        said("network.mt-to-ps-9443", data, "mt2", Outcome::Fail, blocks, "9443 is refused"),
        said("network.ps-to-cs-443", "it reaches it", "ps1", pass.clone(), blocks, "it is open"),
        said("link.vpn-or-er", "there is a way", "site", pass.clone(), blocks, "yes, says ann"),
        said("esxi.host-connected", "it is connected", "esx1.example.test", pass, blocks, "yes"),
        said(
            "esxi.host-connected",
            "it is connected",
            "esx2.example.test",
            Outcome::Fail,
            blocks,
            "the host is disconnected",
        ),
        said("cs.backup", "it is backed up", cs, Outcome::Fail, Severity::DataLoss, "no, says ann"),
        said("vm.on", "it is on", "app-01", Outcome::Fail, Severity::Warning, "it is off"),
    ];
    report(&results, &[]).with_topology(topology(Some("Falun"), &systems, &connections))
}

/// A finding whose evidence says nothing.
fn said<'t>(
    check: &'t str,
    title: &'t str,
    target: &'t str,
    outcome: Outcome,
    severity: Severity,
    found: &'t str,
) -> Said<'t> {
    Said { check, title, target, outcome, severity, found, evidence: "x" }
}

/// A Hyper-V site of two machines whose host is not connected.
pub fn hyperv_report() -> Report {
    let machines = [(TargetKind::ProtectedVm, "app-01"), (TargetKind::ProtectedVm, "app-02")];
    let blocks = Severity::BlocksFailback;
    let results = [
        said(
            "hyperv.host-connected",
            "it is connected",
            "site",
            Outcome::Fail,
            blocks,
            "no, says ann",
        ),
        said("hyperv.committed", "it is committed", "app-01", Outcome::Pass, blocks, "yes"),
        said(
            "hyperv.committed",
            "it is committed",
            "app-02",
            Outcome::Fail,
            blocks,
            "no, says ann",
        ),
    ];
    let topology = topology(Some("Falun"), &machines, &[]);
    report(&results, &[]).with_topology(Topology { scenario: Scenario::Hyperv, ..topology })
}

/// A site of so many master targets and machines, behind three process servers; each tenth master
/// target is refused.
pub fn large_site_report(master_targets: usize, machines: usize) -> Report {
    use TargetKind::{ConfigurationServer, Esxi, LinuxMt, ProcessServer, ProtectedVm, Vcenter};
    let names = |word: &str, count: usize| -> Vec<String> {
        (1..=count).map(|n| format!("{word}{n:03}.example.net")).collect()
    };
    let (servers, targets) = (names("ps", 3), names("mt", master_targets));
    let (hosts, machines) = (names("esx", 12), names("app", machines));
    let of = |kind: TargetKind, names: &'_ [String]| -> Vec<(TargetKind, String)> {
        names.iter().map(|name| (kind, name.clone())).collect()
    };
    let one = |name: &str| vec![name.to_owned()];
    let systems = [
        of(ProcessServer, &servers),
        of(ConfigurationServer, &one("cs01")),
        of(Vcenter, &one("vc01")),
        of(LinuxMt, &targets),
        of(Esxi, &hosts),
        of(ProtectedVm, &machines),
    ]
    .concat();
    let systems: Vec<(TargetKind, &str)> =
        systems.iter().map(|(kind, name)| (*kind, name.as_str())).collect();
    let state = |n: usize| match n % 10 {
        0 => ConnectionState::Refused,
        _ => ConnectionState::Open,
    };
    let mut connections = vec![("cs01", "vc01", Some(443), ConnectionState::Open)];
    for (n, target) in targets.iter().enumerate() {
        connections.push((target, "cs01", Some(443), state(n)));
        for server in &servers {
            connections.push((target, server, Some(9443), state(n)));
        }
    }
    for server in &servers {
        connections.push((server, "cs01", Some(443), ConnectionState::Open));
    }
    for host in &hosts {
        connections.push(("vc01", host, None, ConnectionState::Connected));
    }
    let check = |n: usize, target| Said {
        check: "network.mt-to-cs-443",
        title: "it reaches it",
        target,
        outcome: if n.is_multiple_of(10) { Outcome::Fail } else { Outcome::Pass },
        severity: Severity::BlocksReprotect,
        found: if n.is_multiple_of(10) { "it is refused" } else { "it is open" },
        evidence: "x",
    };
    let all: Vec<&str> = targets.iter().chain(&machines).map(String::as_str).collect();
    let results: Vec<Said<'_>> =
        all.iter().enumerate().map(|(n, target)| check(n, target)).collect();
    report(&results, &[]).with_topology(topology(None, &systems, &connections))
}
