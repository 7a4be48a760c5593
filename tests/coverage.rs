//! Every statement of the seed documents is covered by something that exists: a check, a question, a step of the guide, a part of what
//! is built, a page.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use preflight::assets::Assets;
use preflight::check::CheckSet;
use serde::Deserialize;

/// How many statements the seed documents have.
const STATEMENTS: usize = 355;

/// What may stand in the column `how`.
const HOW: &[&str] = &["ssh", "vsphere", "image", "site-file", "asked", "azure", "guide", "build"];

#[derive(Deserialize)]
struct Stage {
    id: String,
    #[serde(rename = "do")]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    id: String,
}

/// The stages of the guide, each with the ids of its steps.
fn steps() -> BTreeMap<String, BTreeSet<String>> {
    let mut stages = BTreeMap::new();
    for entry in fs::read_dir("checks/steps").unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let read: Vec<Stage> = serde_yaml::from_str(&text).unwrap();
        stages.extend(
            read.into_iter()
                .map(|stage| (stage.id, stage.steps.into_iter().map(|step| step.id).collect())),
        );
    }
    stages
}

/// Why a name in `covered_by` names nothing; none when it does.
fn fault(
    name: &str,
    checks: &CheckSet,
    steps: &BTreeMap<String, BTreeSet<String>>,
) -> Option<String> {
    let (kind, what) = name.split_once(':')?;
    let exists = match kind {
        "check" => checks.find(what).is_some(),
        "question" => checks.find(what).is_some_and(|check| check.question().is_some()),
        "step" => what
            .split_once('#')
            .is_some_and(|(stage, step)| steps.get(stage).is_some_and(|all| all.contains(step))),
        "never" | "verify" | "if_wrong" => steps.contains_key(what),
        "build" | "doc" => Path::new(what).exists(),
        _ => false,
    };
    (!exists).then(|| name.to_owned())
}

#[test]
fn every_statement_of_the_seed_documents_is_covered_by_something_that_exists() {
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    let steps = steps();
    let table = fs::read_to_string("tests/coverage/seeds.tsv").unwrap();
    let mut seen = BTreeSet::new();
    let mut faults: Vec<String> = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split('\t').collect();
        let [statement, seed, says, covered_by, how, why_asked] = cells[..] else {
            panic!("six cells: {line}")
        };
        assert!(seen.insert(statement.to_owned()), "{statement} twice");
        assert!(statement.starts_with(seed), "{statement} is of {seed}");
        let names: Vec<&str> = covered_by.split("; ").filter(|name| !name.is_empty()).collect();
        if names.is_empty() || says.is_empty() || !HOW.contains(&how) {
            faults.push(format!("{statement}: {how:?} by {covered_by:?}"));
        }
        if (how == "asked") == why_asked.is_empty() {
            faults.push(format!("{statement}: asked of a person, and why: {why_asked:?}"));
        }
        let is_shown = |name: &&str| {
            let id = name.split_once(':').map_or("", |(_, id)| id);
            checks.find(id).is_some_and(|check| check.can_be_shown())
        };
        if how == "azure" && !names.iter().any(is_shown) {
            faults.push(format!("{statement}: the vault decides none of {covered_by:?}"));
        }
        let missing = names.iter().filter_map(|name| fault(name, &checks, &steps));
        faults.extend(missing.map(|name| format!("{statement}: there is no {name}")));
    }
    assert_eq!(seen.len(), STATEMENTS);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_name_that_names_nothing_is_found() {
    let checks = CheckSet::load(&Assets::embedded()).unwrap();
    let steps = BTreeMap::from([("vmware.prepare".to_owned(), BTreeSet::from(["a".to_owned()]))]);
    for (name, exists) in [
        ("check:vm.poweroff", true),
        ("check:vm.powerof", false),
        ("question:cs.backup", true),
        ("question:vm.poweroff", false),
        ("step:vmware.prepare#a", true),
        ("step:vmware.prepare#b", false),
        ("never:vmware.prepare", true),
        ("never:vmware.never", false),
        ("build:images/centos-6.6.yaml", true),
        ("build:images/centos-5.yaml", false),
        ("other:x", false),
    ] {
        assert_eq!(fault(name, &checks, &steps).is_none(), exists, "{name}");
    }
}
