//! Tests of what stands in a picture, and a picture for those of its layout.

use super::*;
use crate::check::definition::Severity;
use crate::check::engine::Outcome;
use crate::report::model::tests::report;

fn system(kind: TargetKind, name: String) -> SiteSystem {
    SiteSystem { name, kind, detail: None }
}

fn connection(
    from: (TargetKind, &str),
    to: (TargetKind, &str),
    state: ConnectionState,
) -> SiteConnection {
    SiteConnection {
        from: from.1.to_owned(),
        from_kind: from.0,
        to: to.1.to_owned(),
        to_kind: to.0,
        port: Some(443),
        state,
        found: "so it is".to_owned(),
        checked_on: from.1.to_owned(),
        check: Some("a.b"),
    }
}

fn anchors() -> Anchors<'static> {
    Anchors {
        findings: BTreeMap::from([(("a.b", "mt1"), "finding-7".to_owned())]),
        targets: BTreeMap::from([("mt1", "target-0".to_owned())]),
        all_targets: "all",
    }
}

/// The picture of a site of so many systems that all reach each other.
pub(in crate::report) fn picture(
    servers: usize,
    targets: usize,
    hosts: usize,
    machines: usize,
) -> SitePicture {
    use TargetKind::{ConfigurationServer, Esxi, LinuxMt, ProcessServer, ProtectedVm, Vcenter};
    let mut systems =
        vec![system(ConfigurationServer, "cs".to_owned()), system(Vcenter, "vc".to_owned())];
    for (kind, word, count) in [
        (ProcessServer, "ps", servers),
        (LinuxMt, "mt", targets),
        (Esxi, "esx", hosts),
        (ProtectedVm, "app", machines),
    ] {
        systems.extend((0..count).map(|n| system(kind, format!("{word}{n}"))));
    }
    let mut connections = Vec::new();
    for one in &systems {
        for other in &systems {
            let ends = ((one.kind, &*one.name), (other.kind, &*other.name));
            connections.push(connection(ends.0, ends.1, ConnectionState::Open));
        }
    }
    let topology =
        Topology { systems, machines_in_azure: machines, connections, ..Topology::default() };
    let report = report(&[]).with_topology(topology);
    SitePicture::new(&report, &anchors()).expect("it has two systems")
}

#[test]
fn what_is_too_much_is_one_box() {
    let picture = picture(3, 50, 7, 500);
    let names = |tier| -> Vec<&str> {
        let boxes = picture.boxes.iter().map(|(known, _)| known);
        boxes.filter(|known| known.tier == tier).map(|known| known.name.as_str()).collect()
    };
    assert_eq!(names(Tier::ProcessServers), ["ps0", "ps1", "ps2"]);
    assert_eq!(names(Tier::MasterTargets), ["mt0", "mt1", "mt2", "mt3", "mt4", "45 more"]);
    assert_eq!(names(Tier::Hosts).last(), Some(&"2 more"));
    assert_eq!(names(Tier::Machines), ["500 machines"]);
    assert_eq!(names(Tier::AzureMachines), ["500 machines"]);
    assert_eq!(names(Tier::Way), ["VPN or ExpressRoute"]);
}

#[test]
fn one_system_is_no_site() {
    let systems = vec![system(TargetKind::LinuxMt, "mt1".to_owned())];
    let topology = Topology { systems, ..Topology::default() };
    assert!(SitePicture::new(&report(&[]).with_topology(topology), &anchors()).is_none());
    assert!(SitePicture::new(&report(&[]), &anchors()).is_none());
}

#[test]
fn the_worst_of_several_is_said_with_its_number() {
    use ConnectionState::{Filtered, NotAsked, Open, Refused};
    use TargetKind::{ConfigurationServer, LinuxMt, ProcessServer, Vcenter};
    let of = |states: &[ConnectionState], to: TargetKind| {
        let (mt1, from) = ((LinuxMt, "mt1"), system(LinuxMt, "mt1".to_owned()));
        let connections: Vec<SiteConnection> =
            states.iter().map(|state| connection(mt1, (to, "x"), *state)).collect();
        let report = report(&[]);
        let topology = Topology { systems: vec![from], connections, ..Topology::default() };
        let anchors = anchors();
        let builder = Builder {
            report: &report,
            topology: &topology,
            anchors: &anchors,
            results: BTreeMap::new(),
        };
        let all: Vec<&SiteConnection> = topology.connections.iter().collect();
        let arrow = builder.arrow(&all).expect("there is a connection");
        (arrow.label.clone(), arrow.css_class(), arrow.href.unwrap_or_default())
    };
    let seven = || "finding-7".to_owned();
    for (states, to, label, class) in [
        (&[Open][..], ConfigurationServer, "open", "pass"),
        (&[Refused], ConfigurationServer, "refused", "blocker"),
        (&[NotAsked], ConfigurationServer, "not asked", "na"),
        (&[Open, Refused, Open], ProcessServer, "refused 1/3", "blocker"),
        (&[Open, NotAsked], ProcessServer, "not asked 1/2", "na"),
        (&[Filtered], ConfigurationServer, "filtered", "blocker"),
        (&[Filtered], Vcenter, "filtered", "warning"),
        (&[Refused], Vcenter, "refused", "blocker"),
    ] {
        let expected = (label.to_owned(), class, seven());
        assert_eq!(of(states, to), expected, "{states:?}");
    }
}

#[test]
fn a_box_says_the_worst_of_its_target_and_leads_there() {
    let blocks = Severity::BlocksReprotect;
    let report = report(&[
        ("mt1", Outcome::Pass, blocks),
        ("mt1", Outcome::Fail, blocks),
        ("mt1", Outcome::Fail, Severity::Warning),
    ]);
    let systems = vec![
        system(TargetKind::LinuxMt, "mt1".to_owned()),
        system(TargetKind::LinuxMt, "mt2".to_owned()),
    ];
    let report = report.with_topology(Topology { systems, ..Topology::default() });
    let picture = SitePicture::new(&report, &anchors()).expect("it has two systems");
    let said: Vec<_> = picture
        .boxes
        .iter()
        .map(|(known, _)| (known.css_class(), known.title.as_str(), known.href.as_deref()))
        .collect();
    assert_eq!(
        said,
        [
            ("blocker", "master target mt1: blocked, 1 fail, 1 warning", Some("target-0")),
            ("na", "master target mt2: not checked, no part of this run", None),
        ]
    );
}
