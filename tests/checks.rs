//! Truths over the whole catalogue of embedded checks, and over what it says of whole images.
//!
//! The images here are facts written by hand; what real files lead to is the business of the tests
//! of `image::inspect`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, missing_docs)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use preflight::assets::Assets;
use preflight::check::definition::Severity;
use preflight::check::engine::{Finding, Outcome, Scope, Target, waiver_notes};
use preflight::check::example::run_examples;
use preflight::check::model::{AskOf, CheckScope};
use preflight::check::source::{SOURCES, sources_md};
use preflight::check::status::{Counts, FailOn, exit_status};

use preflight::check::window::ScenarioScope;
use preflight::check::{CheckSet, Waiver, evaluate};
use preflight::facts::image::*;
use preflight::facts::target_kind::TargetKind;
use preflight::facts::{Document, Fact};
use preflight::report::{self, Report, Style, catalogue, comparison, json, json_compact};
use proptest::prelude::*;

#[path = "checks/images.rs"]
mod images;
#[path = "checks/reports.rs"]
mod reports;

use images::*;

fn embedded() -> CheckSet {
    match CheckSet::load(&Assets::embedded()) {
        Ok(set) => set,
        Err(error) => panic!("{error}"),
    }
}

fn now() -> Timestamp {
    "2026-11-20T03:00:00Z".parse().expect("a moment")
}

fn target(name: &str, facts: &ImageFacts) -> Target {
    Target::new(name.to_owned(), TargetKind::Image, Document::new("image", facts))
}

fn findings(facts: &ImageFacts) -> Vec<Finding> {
    evaluate(&embedded(), &[target("mt.iso", facts)], &[], now())
}

/// The ids that did not pass and are applicable, with outcome and severity.
fn remarks(facts: &ImageFacts) -> Vec<(String, String)> {
    findings(facts)
        .into_iter()
        .filter(|f| !matches!(f.outcome, Outcome::Pass | Outcome::NotApplicable { .. }))
        .map(|f| (f.check.to_string(), format!("{} {}", f.outcome.as_str(), f.severity)))
        .collect()
}

fn named(remarks: &[(&str, &str)]) -> Vec<(String, String)> {
    remarks.iter().map(|(id, what)| ((*id).to_owned(), (*what).to_owned())).collect()
}

#[test]
fn every_example_holds() {
    let departures: Vec<String> = run_examples(&embedded())
        .into_iter()
        .filter_map(|result| {
            let instead = result.instead?;
            Some(format!(
                "{}: {}: example {} is no {}, but {instead}",
                result.at,
                result.check,
                result.number,
                result.expected.as_str()
            ))
        })
        .collect();
    assert!(departures.is_empty(), "{departures:#?}");
}

#[test]
fn an_example_that_does_not_hold_is_told() {
    let text = fs::read_to_string(root().join("checks/image.yaml")).unwrap();
    let wrong = text.replacen(
        "- { pass: { image: { kickstart: { lvm: false",
        "- { pass: { image: { kickstart: { lvm: true",
        1,
    );
    // Fixes of images come after those of packages.
    let packages = fs::read_to_string(root().join("checks/closure.yaml")).unwrap();
    let file = |path: &str, text| preflight::assets::Asset { path: path.into(), text };
    let set = CheckSet::read(&[file("x.yaml", wrong), file("y.yaml", packages)]);
    let wrong: Vec<_> =
        run_examples(&set.unwrap()).into_iter().filter(|r| r.instead.is_some()).collect();
    assert_eq!(wrong.len(), 1);
    assert_eq!((wrong[0].check.as_str(), wrong[0].number), ("image.no-lvm", 1));
    assert_eq!(wrong[0].instead.as_deref(), Some("fail"));
}

#[test]
fn ids_that_were_promised_are_there_with_their_severity() {
    let set = embedded();
    for (id, severity) in [
        ("mt.minimal-install", Severity::Info),
        ("mt.bootloader", Severity::Info),
        ("agent.package-name", Severity::BlocksReprotect),
        ("agent.unpack-home", Severity::BlocksReprotect),
        ("custom-changes.executable", Severity::Info),
        ("image.volume-label-used", Severity::BlocksReprotect),
        ("image.efi-config-inside", Severity::BlocksReprotect),
        ("image.efi-system-partition", Severity::BlocksReprotect),
        ("image.target-disk-explicit", Severity::DataLoss),
        ("image.kickstart-form", Severity::BlocksReprotect),
        ("image.install-source", Severity::BlocksReprotect),
        ("image.zerombr", Severity::BlocksReprotect),
        ("image.manifest-intact", Severity::BlocksReprotect),
        ("image.no-strangers", Severity::Warning),
        ("image.media-md5", Severity::BlocksReprotect),
        ("image.packages-available", Severity::BlocksReprotect),
        ("image.groups-available", Severity::BlocksReprotect),
        ("image.repository-intact", Severity::BlocksReprotect),
        ("image.kickstart-lint", Severity::BlocksReprotect),
        ("image.default-entry-unattended", Severity::BlocksReprotect),
        ("image.partition-tables", Severity::BlocksReprotect),
        ("image.names-agree", Severity::Warning),
        ("image.root-password-hashed", Severity::BlocksReprotect),
        ("image.partitions", Severity::Warning),
        ("image.no-lvm", Severity::BlocksReprotect),
        ("image.first-boot-service", Severity::BlocksReprotect),
        ("image.agent-standin", Severity::Warning),
        ("image.agent-complete", Severity::BlocksReprotect),
        ("image.agent-pinned", Severity::Warning),
        ("image.network", Severity::BlocksReprotect),
        ("image.usb-unsupported-el6", Severity::Info),
        ("image.boot-chain", Severity::BlocksReprotect),
        ("image.vendor-files-intact", Severity::BlocksReprotect),
        ("image.repositories-named", Severity::BlocksReprotect),
        ("image.architecture", Severity::BlocksReprotect),
        ("image.kickstart-size", Severity::Warning),
    ] {
        assert_eq!(set.find(id).map(|check| check.severity), Some(severity), "{id}");
    }
}

#[test]
fn a_good_image_passes_everything_that_applies() {
    assert_eq!(remarks(&installer()), Vec::new());
    assert_eq!(exit_status(&findings(&installer()), FailOn::Warning), 0);
}

#[test]
fn an_image_without_an_agent_is_blocked_by_that_alone() {
    assert_eq!(
        remarks(&without_agent()),
        named(&[("agent.package-name", "fail blocks-reprotect"),])
    );
    assert_eq!(exit_status(&findings(&without_agent()), FailOn::Blocker), 1);
}

#[test]
fn a_kickstart_disc_with_a_stand_in_warns_and_leaves_nothing_undecided() {
    assert_eq!(remarks(&demo()), named(&[("image.agent-standin", "fail warning"),]));
    assert_eq!(exit_status(&findings(&demo()), FailOn::Blocker), 0);
}

#[test]
fn a_vendor_medium_is_not_unattended() {
    assert_eq!(
        remarks(&vendor_medium()),
        named(&[("image.default-entry-unattended", "fail blocks-reprotect")])
    );
}

#[test]
fn one_fault_is_one_finding() {
    type Fault = fn(&mut ImageFacts);
    let cases: [(&str, Fault); 9] = [
        ("image.media-md5", |f| f.medium.media_md5 = known("mismatch".to_owned())),
        ("image.partition-tables", |f| f.medium.partition_faults = known(all(&["x"]))),
        ("image.names-agree", |f| f.medium.trees_agree = known(false)),
        ("image.efi-config-inside", |f| f.boot.efi_copy_agrees = known(false)),
        ("image.volume-label-used", |f| f.boot.labels = known(all(&["CentOS"]))),
        ("image.kickstart-form", |f| f.boot.kickstart_keys = known(all(&["inst.ks"]))),
        ("image.install-source", |f| f.source.second_stage = false),
        ("image.packages-available", |f| f.source.missing_packages = known(all(&["lsscsi"]))),
        ("image.manifest-intact", |f| f.payload.faults = known(all(&["x"]))),
    ];
    for (id, fault) in cases {
        let mut facts = installer();
        fault(&mut facts);
        let ids: Vec<String> = remarks(&facts).into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [id]);
    }
}

#[test]
fn what_could_not_be_read_is_unknown_and_never_a_pass() {
    let facts = ImageFacts { kickstart: Fact::unavailable("the file is cut short"), ..installer() };
    for finding in findings(&facts) {
        let speaks_of_it = embedded().find(&finding.check).is_some_and(|check| {
            check
                .rules()
                .flat_map(|rule| rule.paths())
                .all(|path| path.starts_with("image.kickstart."))
        });
        if speaks_of_it && !matches!(finding.outcome, Outcome::NotApplicable { .. }) {
            let Outcome::Unknown(unknown) = &finding.outcome else {
                panic!("{}: {:?}", finding.check, finding.outcome);
            };
            assert!(!unknown.is_defect(), "{unknown}");
            let reason = unknown.to_string();
            assert!(reason.ends_with("the file is cut short"), "{reason}");
        }
    }
    assert_eq!(exit_status(&findings(&facts), FailOn::Blocker), 3);
}

#[test]
fn no_image_leads_to_a_defect_and_every_planned_check_is_counted() {
    let set = embedded();
    let targets: Vec<Target> = [installer(), without_agent(), demo(), vendor_medium()]
        .iter()
        .map(|facts| target("x.iso", facts))
        .chain([Target {
            document: Document {
                absent: BTreeMap::from([("image".to_owned(), "no such file".to_owned())]),
                ..Document::default()
            },
            ..target("gone.iso", &demo())
        }])
        .collect();
    let waivers = preflight::yaml::parse::<Vec<Waiver>>(
        "- { check: agent.package-name, target: '*', reason: r, owner: o, expires: 2027-01-01 }",
        "site.yaml",
    )
    .unwrap();
    let findings = evaluate(&set, &targets, &waivers, now());
    let defects: Vec<_> = findings
        .iter()
        .filter(
            |finding| matches!(&finding.outcome, Outcome::Unknown(unknown) if unknown.is_defect()),
        )
        .collect();
    assert!(defects.is_empty(), "{defects:#?}");
    let counts = Counts::from_findings(&findings);
    assert_eq!(counts.planned, Scope::new(&set, &targets).planned.len());
    let of_images =
        set.checks().iter().filter(|c| c.applies_to.contains(&TargetKind::Image)).count();
    assert_eq!(counts.planned, targets.len() * of_images);
    assert_eq!(
        counts.planned,
        counts.pass + counts.fail + counts.unknown + counts.not_applicable + counts.waived
    );
    assert_eq!(counts.waived, 1);
    let gone = &findings[4 * of_images..];
    assert!(gone.iter().all(|finding| finding.outcome.as_str() == "unknown"));
}

/// Every path of a tree of facts, as the keys and indices to follow.
fn paths(tree: &serde_json::Value, here: &str, out: &mut Vec<String>) {
    let children: Vec<(String, &serde_json::Value)> = match tree {
        serde_json::Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        serde_json::Value::Array(list) => {
            list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect()
        }
        _ => Vec::new(),
    };
    for (key, child) in children {
        let path = format!("{here}/{key}");
        paths(child, &path, out);
        // An element of a list cannot be absent, only its members can.
        if tree.is_object() {
            out.push(path);
        }
    }
}

/// The document without what stands at a JSON pointer, which gets a reason.
fn without(document: &mut Document, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    let parent_of = document.known.pointer_mut(parent).and_then(|value| value.as_object_mut());
    if parent_of.and_then(|map| map.remove(key)).is_some() {
        let path: String = pointer[1..]
            .split('/')
            .map(|key| match key.parse::<usize>() {
                Ok(index) => format!("[{index}]"),
                Err(_) => format!(".{key}"),
            })
            .collect();
        document.absent.insert(path[1..].to_owned(), "taken away".to_owned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn knowing_less_never_turns_one_verdict_into_another(
        image in 0..4_usize,
        taken in prop::collection::vec(any::<prop::sample::Index>(), 1..12),
    ) {
        static SET: LazyLock<CheckSet> = LazyLock::new(embedded);
        let facts = [installer(), without_agent(), demo(), vendor_medium()];
        let whole = target("mt.iso", &facts[image]);
        let mut known = Vec::new();
        paths(&whole.document.known, "", &mut known);
        let mut document = whole.document.clone();
        for index in taken {
            let pointer: &String = index.get(&known);
            without(&mut document, pointer);
        }
        let partial = Target { document, ..target("mt.iso", &facts[image]) };
        let before = evaluate(&SET, &[whole], &[], now());
        let after = evaluate(&SET, &[partial], &[], now());
        for (before, after) in before.iter().zip(&after) {
            match &after.outcome {
                Outcome::Unknown(unknown) => {
                    prop_assert!(!unknown.is_defect(), "{}: {unknown}", after.check);
                }
                // The reason may be that of another prerequisite.
                Outcome::NotApplicable { .. } => prop_assert_eq!(before.outcome.as_str(), "not-applicable"),
                decided => prop_assert_eq!(decided, &before.outcome, "{}", &after.check),
            }
        }
    }
}

#[test]
fn remedies_name_commands_there_are() {
    let verbs = [
        "build image", "check image", "inspect image", "inspect agent", "render kickstart",
        "lint kickstart", "list recipes", "list packages", "check packages", "check host",
        "check vcenter", "check esxi", "collect host",
    ];
    for check in embedded().checks() {
        for command in &check.remedy.commands {
            assert!(command.is_ascii(), "{}: {command}", check.id);
            if let Some(rest) = command.strip_prefix("preflight ") {
                assert!(verbs.iter().any(|v| rest.starts_with(v)), "{}: {command}", check.id);
            }
        }
        assert!(check.remedy.text.trim_end().ends_with('.'), "{}", check.id);
    }
}

#[test]
fn explain_says_everything_about_a_check() {
    let set = embedded();
    let text = catalogue::explain(&set, "image.zerombr", &Style::default()).expect("it exists");
    // The line changes with every entry before it.
    let at = set.find("image.zerombr").expect("it exists").at.to_string();
    insta::assert_snapshot!(text.replace(&at, "FILE, line N"), @r"
        image.zerombr: an unlabelled disk raises no question
          severity    blocks-reprotect
          applies to  image
          when        image.kind in ['installer', 'kickstart-disc']
          otherwise   there is no kickstart of ours on this medium
          holds when  image.kickstart.zerombr || !image.kickstart.erases
          shows as    the installer waits at a warning about an uninitialised disk
          do          Add zerombr to the profile of this distribution; it takes no
                      value. At the waiting screen look at the disk it names, and agree
                      only when that one may be erased.
                      $ preflight render kickstart RECIPE | grep -E '^(zerombr|clearpart)'
          downtime    no
          source      field, zerombr missing, so the installer asks
                      Seen again and again in public threads of image builders and of
                      people who fail back; no document lists it.
          defined in  FILE, line N
        ");
    let error = catalogue::explain(&set, "image.zerombrr", &Style::default()).unwrap_err();
    assert_eq!(error.to_string(), "no check, symptom or step \"image.zerombrr\"");
    assert_eq!(error.hint().as_deref(), Some("try preflight explain image.zerombr"));
}

#[test]
fn every_check_is_listed_and_explained_within_its_columns() {
    let set = embedded();
    let list = catalogue::list(&set);
    assert_eq!(list.checks.len(), set.checks().len());
    let lines = catalogue::list_text(&set, 80);
    assert_eq!(lines.lines().count(), set.checks().len());
    for check in set.checks() {
        let text = catalogue::explain(&set, &check.id, &Style::default()).unwrap();
        for line in text.lines().chain(lines.lines()) {
            let command = line.trim_start().starts_with('$');
            let word = line.split_whitespace().any(|word| word.len() > 60);
            assert!(command || word || line.chars().count() <= 80, "{line}");
        }
    }
}

/// A text for people names a document by what it is; the key of the table of sources stands in `source`.
#[test]
fn no_text_for_people_names_a_source_by_its_key() {
    let key = regex::Regex::new(r"\b(S00\d|D:[a-z])").unwrap();
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(root().join("checks")) {
        let path = entry.unwrap().into_path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let written: serde_json::Value = serde_yaml::from_str(&text).unwrap();
        let mut texts = Vec::new();
        texts_for_people(&written, &mut texts);
        assert!(!texts.is_empty(), "{}", path.display());
        found.extend(texts.into_iter().filter(|text| key.is_match(text)));
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Collects every text of checks, symptoms and steps but those of their sources.
fn texts_for_people(value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => out.push(text.clone()),
        serde_json::Value::Array(items) => {
            items.iter().for_each(|item| texts_for_people(item, out))
        }
        serde_json::Value::Object(members) => members
            .iter()
            .filter(|(key, _)| *key != "source" && *key != "note")
            .for_each(|(_, member)| texts_for_people(member, out)),
        _ => {}
    }
}

#[test]
fn every_cited_source_is_explained() {
    let text = sources_md();
    for source in SOURCES {
        assert!(text.contains(&format!("| `{}` |", source.key)), "{}", source.key);
    }
}

#[test]
fn generated_documents_are_current() {
    let set = embedded();
    for (path, text) in [
        ("docs/checks.md", catalogue::docs_checks_md(&set)),
        ("docs/sources.md", sources_md()),
        ("docs/report.schema.json", json::schema_json()),
        ("docs/report-compact.schema.json", json_compact::schema_json()),
        ("docs/diff.schema.json", comparison::schema_json()),
    ] {
        let path = root().join(path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == text, "{} is old: run UPDATE_DOCS=1 cargo test", path.display());
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn every_check_says_when_it_counts_what_it_is_about_and_who_knows() {
    let set = embedded();
    let mut faults: Vec<String> = Vec::new();
    for check in set.checks() {
        let mut fault = |text: &str| faults.push(format!("{}: {text}", check.id));
        if check.line.is_none() {
            fault("no line of work");
        }
        if check.ask_of.is_empty() {
            fault("nobody can say it");
        }
        let is_staged = check.stages.stages().next().is_some();
        let is_of_image = check.scenario == ScenarioScope::Image;
        // How fresh evidence is counts at every stage, and an image has none.
        if is_staged == (is_of_image || check.id == "evidence.fresh") {
            fault("stages, where there are none, or none");
        }
        if is_of_image != (check.scope == CheckScope::Image) {
            fault("an image is the scope of checks of images alone");
        }
        let asks_a_person = check.ask_of.contains(&AskOf::Person);
        if check.question().is_some() != asks_a_person {
            fault("a question is what a person is asked");
        }
        if check.answer_age.is_some() != asks_a_person {
            fault("valid_days is the age of a person's answer");
        }
        if check.gate && check.severity != Severity::BlocksReprotect {
            fault("a gate blocks reprotect");
        }
        if check.needs_stage && !is_staged {
            fault("it needs a stage and names none");
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_fix_begins_with_what_to_do() {
    // Its first sentence stands in "do first": what is true of the world comes behind it.
    let begins_otherwise = [
        "The", "A", "An", "It", "There", "This", "That", "One", "Both", "What", "All", "Machines",
        "After", "Nothing", "New", "Any", "CentOS", "ESXi",
    ];
    let set = embedded();
    for check in set.checks().iter().filter(|check| check.scenario != ScenarioScope::Image) {
        let first = check.remedy.text.split([' ', ',', ':']).next().unwrap_or_default();
        assert!(!begins_otherwise.contains(&first), "{}: {}", check.id, check.remedy.text);
    }
}
