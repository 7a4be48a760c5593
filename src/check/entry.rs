//! One entry of a definition file into one verified check.
//!
//! Not for what holds between checks: `definition` looks at those.

use serde::Deserialize;

use super::definition::{Check, Condition, Place, Remedy, Severity, Source, TargetKind};
use super::example::{Example, ExampleEntry, Expected};
use super::found::Found;
use super::refusal::{DefinitionError, Problem};
use super::rule::Rule;
use super::{schema, source};

/// One entry as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    id: String,
    title: String,
    severity: Severity,
    applies_to: OneOrMore,
    #[serde(default)]
    applies_when: Option<ConditionEntry>,
    #[serde(default)]
    requires: Vec<String>,
    rule: String,
    #[serde(default)]
    warn_rule: Option<String>,
    found: String,
    symptom: String,
    remedy: Remedy,
    source: Source,
    examples: Vec<ExampleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConditionEntry {
    rule: String,
    otherwise: String,
}

/// `applies_to: image` or `applies_to: [image, linux-mt]`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected image, linux-mt, or a list of them")]
enum OneOrMore {
    One(TargetKind),
    More(Vec<TargetKind>),
}

/// Verifies one entry by itself.
pub(super) fn check_of(entry: Entry, at: Place) -> Result<Check, DefinitionError> {
    let id = entry.id.clone();
    verified(entry, at.clone()).map_err(|problem| DefinitionError::Check {
        at,
        id,
        problem: Box::new(problem),
    })
}

fn verified(entry: Entry, at: Place) -> Result<Check, Problem> {
    if !is_id(&entry.id) {
        return Err(Problem::Id);
    }
    for (name, text) in [
        ("title", &entry.title),
        ("found", &entry.found),
        ("symptom", &entry.symptom),
        ("remedy.text", &entry.remedy.text),
        ("source.at", &entry.source.at),
    ] {
        // The dash is what tables write where they have nothing to say.
        if matches!(text.trim(), "" | "-") {
            return Err(Problem::Blank(name));
        }
    }
    if entry.title.ends_with('.') {
        return Err(Problem::Title);
    }
    if !source::known(&entry.source.doc) {
        return Err(Problem::Source(entry.source.doc));
    }
    let applies_to = match entry.applies_to {
        OneOrMore::One(kind) => vec![kind],
        OneOrMore::More(kinds) => kinds,
    };
    if applies_to.is_empty() {
        return Err(Problem::AppliesToNothing);
    }
    let rule = |key, text: &str| {
        Rule::compile(text, schema::facts()).map_err(|error| Problem::Rule { key, error })
    };
    let applies_when = entry.applies_when.map(|condition| {
        if condition.otherwise.trim().is_empty() {
            return Err(Problem::Blank("applies_when.otherwise"));
        }
        let rule = rule("applies_when.rule", &condition.rule)?;
        Ok(Condition { rule, otherwise: condition.otherwise })
    });
    let check = Check {
        applies_when: applies_when.transpose()?,
        rule: rule("rule", &entry.rule)?,
        warn_rule: entry.warn_rule.map(|text| rule("warn_rule", &text)).transpose()?,
        found: Found::compile(&entry.found, schema::facts()).map_err(Problem::Found)?,
        examples: examples_of(entry.examples)?,
        id: entry.id,
        title: entry.title,
        severity: entry.severity,
        applies_to,
        requires: entry.requires,
        symptom: entry.symptom,
        remedy: entry.remedy,
        source: entry.source,
        at,
    };
    verify_examples(&check)?;
    Ok(check)
}

fn examples_of(entries: Vec<ExampleEntry>) -> Result<Vec<Example>, Problem> {
    let examples = entries.into_iter().enumerate().map(|(index, entry)| {
        let number = index + 1;
        let example = entry.only().ok_or(Problem::Example { number })?;
        match schema::facts().misfit(&example.facts) {
            Some(why) => Err(Problem::ExampleFacts { number, why }),
            None => Ok(example),
        }
    });
    examples.collect()
}

/// Every outcome a check can have is shown by an example.
fn verify_examples(check: &Check) -> Result<(), Problem> {
    let mut wanted = vec![Expected::Pass, Expected::Fail, Expected::Unknown];
    wanted.extend(check.warn_rule.is_some().then_some(Expected::Warn));
    wanted.extend(check.applies_when.is_some().then_some(Expected::NotApplicable));
    let given = |wanted| check.examples.iter().any(|example| example.expected == wanted);
    match wanted.into_iter().find(|&wanted| !given(wanted)) {
        Some(missing) => Err(Problem::NoExample(missing)),
        None => Ok(()),
    }
}

/// Whether a text is `subject.condition` in kebab-case.
fn is_id(text: &str) -> bool {
    let kebab = |part: &str| {
        part.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
    };
    text.split_once('.').is_some_and(|(subject, condition)| kebab(subject) && kebab(condition))
}

/// The lines at which the entries of a list begin.
pub(super) fn entry_lines(text: &str) -> Vec<usize> {
    let dash = |line: &str| {
        let rest = line.trim_start_matches(' ');
        (rest == "-" || rest.starts_with("- ")).then_some(line.len() - rest.len())
    };
    let outermost = text.lines().find_map(dash);
    let begins = |line: &str| dash(line).is_some() && dash(line) == outermost;
    text.lines().enumerate().filter(|(_, line)| begins(line)).map(|(n, _)| n + 1).collect()
}
