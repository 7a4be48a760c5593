//! What became of things between two guides of the same site: what is done now, what is new.
//!
//! Not for looking again: `cli` does that.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Guide, GuideSection, OpenFinding};

/// What changed from one guide to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Each change as a sentence, with the machines it is of.
    pub lines: Vec<String>,
    /// Whether a machine came to another stage, or the first step of one is done.
    pub moves_on: bool,
}

/// Compares two guides.
pub fn compare(before: &Guide, after: &Guide) -> Changes {
    let earlier = by_machine(before);
    let mut moves_on = false;
    // Each change with its machines, in the order they are found.
    let mut changes: Vec<(String, Vec<&str>)> = Vec::new();
    for section in &after.sections {
        for machine in &section.machines {
            let name = machine.machine.as_str();
            let Some(known) = earlier.get(name) else { continue };
            moves_on |= goes_on(known, section);
            for text in differences(known, section) {
                match changes.iter_mut().find(|(line, _)| *line == text) {
                    Some((_, names)) => names.push(name),
                    None => changes.push((text, vec![name])),
                }
            }
        }
    }
    let line = |(text, names): (String, Vec<&str>)| match names.as_slice() {
        [first, _, ..] => format!("{first} and {} more: {text}", names.len() - 1),
        _ => format!("{}: {text}", names.concat()),
    };
    Changes { lines: changes.into_iter().map(line).collect(), moves_on }
}

fn by_machine(guide: &Guide) -> BTreeMap<&str, &GuideSection> {
    let sections = guide.sections.iter();
    let named = sections.flat_map(|section| {
        section.machines.iter().map(move |machine| (machine.machine.as_str(), section))
    });
    named.collect()
}

fn stage_word(section: &GuideSection) -> &'static str {
    section.stage.as_ref().map_or("not known", |summary| summary.stage.as_str())
}

/// Whether a machine is at another stage, or its first step is another one.
fn goes_on(before: &GuideSection, after: &GuideSection) -> bool {
    let first = |section: &GuideSection| section.now.first().map(|now| now.step.id.clone());
    stage_word(before) != stage_word(after) || first(before) != first(after)
}

fn differences(before: &GuideSection, after: &GuideSection) -> Vec<String> {
    if stage_word(before) != stage_word(after) {
        let title = after.stage.as_ref().map_or("nothing decides it", |summary| &summary.title);
        return vec![format!(
            "stage {} now, it was {}: {title}",
            stage_word(after),
            stage_word(before)
        )];
    }
    let mut lines = Vec::new();
    let done: BTreeSet<&str> = before.done.iter().map(|row| row.step.as_str()).collect();
    for row in after.done.iter().filter(|row| !done.contains(row.step.as_str())) {
        lines.push(format!("done now: {} ({})", row.step, row.checks.join(", ")));
    }
    let (was, is) = (open_keys(before), open_keys(after));
    for (key, found) in is.iter().filter(|(key, _)| !was.contains_key(*key)) {
        lines.push(format!("new: {key}: {found}"));
    }
    for key in was.keys().filter(|key| !is.contains_key(*key)) {
        lines.push(format!("settled: {key}"));
    }
    lines
}

/// What is open in a section: outcome and check, with what was found.
fn open_keys(section: &GuideSection) -> BTreeMap<String, &str> {
    let now = section.now.iter().flat_map(|now| &now.open);
    let open = section.ended_by.iter().chain(&section.first).chain(&section.warnings).chain(now);
    let key = |finding: &OpenFinding| format!("{} {}", finding.check, finding.outcome.as_str());
    open.map(|finding| {
        (key(finding), finding.places.first().map_or("", |place| place.found.as_str()))
    })
    .collect()
}
