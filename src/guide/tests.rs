//! The plan over findings made by hand: which step is told, which waits, which is done.

use super::circumstances::Circumstances;
use super::model::{Guide, GuideSection, Readiness};
use super::plan::{GuideRequest, plan};
use super::progress::compare;
use super::step_set::StepSet;
use crate::assets::Assets;
use crate::check::definition::CheckSet;
use crate::check::engine::{Finding, Outcome, Target};
use crate::check::finding::EarlierFix;
use crate::check::finding::OutcomeKind;
use crate::check::status::tests::{finding, unknown};
use crate::check::window::TargetStages;
use crate::facts::Document;
use crate::facts::stage::{EvidenceSource, MachineStage, Scenario, Stage};
use crate::facts::target_kind::TargetKind;

struct Lab {
    checks: CheckSet,
    steps: StepSet,
}

impl Lab {
    fn new() -> Self {
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        let steps = StepSet::load(&Assets::embedded(), &checks).unwrap();
        Self { checks, steps }
    }

    /// Every check that counts at a stage passes on a machine.
    fn passes(&self, machine: &str, stage: Stage) -> Vec<Finding> {
        let counting = self.checks.checks().iter().filter(|check| {
            check.scenario.includes(Scenario::VmwareClassic)
                && check.stages.severity_at(stage).is_some()
        });
        let pass = |check: &crate::check::Check| Finding {
            check: check.id.as_str().into(),
            target: machine.into(),
            order: self.checks.rank(self.checks.position(&check.id).unwrap()),
            ..finding(Outcome::Pass, check.severity)
        };
        counting.map(pass).collect()
    }

    fn plan(&self, machines: &[(&str, Option<Stage>)], findings: &[Finding]) -> Guide {
        let target = |(name, stage): &(&str, Option<Stage>)| {
            let known = MachineStage {
                stage: *stage,
                source: stage.map(|_| EvidenceSource::Person),
                ..MachineStage::assumed(name)
            };
            let stages = TargetStages {
                scenario: Scenario::VmwareClassic,
                is_modernised: false,
                machines: vec![known],
            };
            let target =
                Target::new((*name).to_owned(), TargetKind::ProtectedVm, Document::default());
            Target { stages, ..target }
        };
        let targets: Vec<Target> = machines.iter().map(target).collect();
        plan(&GuideRequest {
            steps: &self.steps,
            checks: &self.checks,
            scenario: Scenario::VmwareClassic,
            targets: &targets,
            findings,
            circumstances: &|_| Circumstances { is_linux: Some(true), ..Circumstances::default() },
            includes: &|_| true,
        })
    }

    /// The section of one machine at a stage, where all passes but what is named.
    fn section(&self, stage: Stage, others: &[(&str, Outcome)]) -> GuideSection {
        let mut findings = self.passes("app", stage);
        for (id, outcome) in others {
            let known = findings.iter_mut().find(|finding| finding.check == *id);
            known.unwrap_or_else(|| panic!("{id}")).outcome = outcome.clone();
        }
        self.plan(&[("app", Some(stage))], &findings).sections.remove(0)
    }
}

fn now(section: &GuideSection) -> Vec<&str> {
    section.now.iter().map(|now| now.step.id.as_str()).collect()
}

#[test]
fn no_press_is_told_while_something_before_it_is_open() {
    let lab = Lab::new();
    let all = lab.section(Stage::Verify, &[]);
    assert_eq!(all.progress, Readiness::Clear);
    assert!(now(&all).contains(&"commit"), "{:?}", now(&all));
    for outcome in [Outcome::Fail, unknown("r")] {
        let on = lab.section(Stage::Verify, &[("failback.azure-vm-off", outcome)]);
        assert!(now(&on).contains(&"see-the-azure-machine-off"), "{:?}", now(&on));
        assert!(!now(&on).contains(&"commit"), "{:?}", now(&on));
    }
    let before = lab.section(Stage::Failback, &[("vcenter.connected", Outcome::Fail)]);
    assert_eq!(now(&before), ["look-before-the-window"]);
    assert_eq!(before.progress, Readiness::Blocked);
    // What no step of this stage settles stops a press as well.
    let earlier = lab.section(Stage::Failback, &[("cs.running", Outcome::Fail)]);
    assert_eq!(earlier.first[0].check, "cs.running");
    assert_eq!(now(&earlier), [""; 0]);
}

#[test]
fn the_next_press_is_told_when_nothing_blocks_it() {
    let lab = Lab::new();
    let ready = lab.section(Stage::Prepare, &[]);
    let next = ready.next.unwrap();
    assert_eq!(next.stage, Stage::Reprotect);
    assert!(next.steps.iter().any(|next| next.step.id == "open-re-protect"));
    let open = lab.section(Stage::Prepare, &[("cs.running", unknown("r"))]);
    assert_eq!(open.progress, Readiness::Undecided);
    assert_eq!(open.next.unwrap().steps, []);
    // Of a step behind the failover nothing is told in it.
    assert_eq!(lab.section(Stage::Failback, &[]).next.unwrap().steps, []);
}

#[test]
fn what_waits_is_not_told() {
    let lab = Lab::new();
    let mut findings = lab.passes("app", Stage::Prepare);
    for (id, held) in [("vm.no-snapshot", true), ("retention.fstab", false)] {
        let known = findings.iter_mut().find(|finding| finding.check == id).unwrap();
        known.outcome = Outcome::Fail;
        let earlier =
            EarlierFix { check: "a.b".into(), target: "app".into(), outcome: OutcomeKind::Fail };
        known.held = held.then(|| "later".into());
        known.after = if held { Vec::new() } else { vec![earlier] };
    }
    let section = lab.plan(&[("app", Some(Stage::Prepare))], &findings).sections.remove(0);
    for id in ["make-the-retention-volume", "delete-the-machines-snapshots"] {
        assert!(!now(&section).contains(&id), "{:?}", now(&section));
        assert!(section.later.iter().any(|row| row.step == id), "{id}");
    }
    assert!(section.now.iter().all(|now| now.open.is_empty()));
}

#[test]
fn a_condition_is_told_in_words_where_it_is_not_known_and_leaves_out_what_it_excludes() {
    let lab = Lab::new();
    let section = lab.section(Stage::After, &[("after.static-ip", unknown("r"))]);
    let first = &section.now[0];
    assert_eq!((first.step.id.as_str(), &first.condition), ("set-the-address", &None));
    let replicating = lab.section(Stage::Replicating, &[]);
    let item = replicating.never.iter().find(|item| item.text.contains("tidy away")).unwrap();
    assert_eq!(
        item.condition.as_deref(),
        Some("if it goes to an alternate location or it was a physical server")
    );
}

#[test]
fn machines_with_the_same_open_things_are_one_section() {
    let lab = Lab::new();
    let mut findings: Vec<Finding> =
        ["a", "b", "c"].iter().flat_map(|name| lab.passes(name, Stage::Verify)).collect();
    for finding in findings.iter_mut().filter(|finding| finding.check == "failback.azure-vm-off") {
        if finding.target != "c" {
            finding.outcome = Outcome::Fail;
            finding.found = format!("the copy of {} runs", finding.target).into();
        }
    }
    let machines = [
        ("a", Some(Stage::Verify)),
        ("b", Some(Stage::Verify)),
        ("c", Some(Stage::Verify)),
        ("d", None),
    ];
    let guide = lab.plan(&machines, &findings);
    let names: Vec<Vec<&str>> = guide
        .sections
        .iter()
        .map(|section| section.machines.iter().map(|machine| machine.machine.as_str()).collect())
        .collect();
    assert_eq!(names, [vec!["d"], vec!["a", "b"], vec!["c"]]);
    let open = guide.sections[1].now.iter().flat_map(|now| &now.open).next().unwrap();
    let found: Vec<&str> = open.places.iter().map(|place| place.found.as_str()).collect();
    assert_eq!(found, ["the copy of a runs", "the copy of b runs"]);
    assert_eq!(guide.exit_code, 1);
    assert_eq!(guide.sections[0].now, []);
}

#[test]
fn what_changed_is_said_and_whether_it_goes_on() {
    let lab = Lab::new();
    let guide = |stage, others: &[(&str, Outcome)]| Guide {
        scenario: Scenario::VmwareClassic,
        sections: vec![lab.section(stage, others)],
        notes: Vec::new(),
        exit_code: 0,
    };
    let on = guide(Stage::Verify, &[("failback.azure-vm-off", Outcome::Fail)]);
    let off = guide(Stage::Verify, &[]);
    let changes = compare(&on, &off);
    assert_eq!(
        changes.lines,
        [
            "app: done now: see-the-azure-machine-off (failback.azure-vm-off)",
            "app: settled: failback.azure-vm-off fail",
        ]
    );
    assert_eq!(compare(&off, &off).lines, [""; 0]);
    assert!(!compare(&off, &off).moves_on);
    let after = compare(&off, &guide(Stage::After, &[]));
    assert!(after.moves_on);
    assert!(after.lines[0].starts_with("app: stage after now, it was verify"), "{after:?}");
}
