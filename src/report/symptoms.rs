//! The symptoms as documentation: `list symptoms`, `explain`, and `docs/symptoms.md`.
//!
//! Not for the symptoms that fit a text: `troubleshooting` has them.

use serde_json::{Value, json};

use super::catalogue::UnknownIdError;
use super::layout::{capitalize, fold, make_visible, single_line, truncate, wrap_labelled};
use crate::check::definition::CheckSet;
use crate::knowledge::Knowledge;
use crate::knowledge::document::{SearchDocument, Subject};
use crate::knowledge::symptom::{Symptom, cause_checks};
use crate::knowledge::symptom_set::SymptomSet;

/// The most other documents that are named below an explanation.
const MAX_OTHERS: usize = 5;

/// One symptom, as `list symptoms --format json` gives it.
pub fn listed(symptom: &Symptom) -> Value {
    json!({
        "id": symptom.id,
        "title": symptom.title,
        "codes": symptom.codes,
        "checks": symptom.checks(),
    })
}

/// Everything about a check, a symptom or a step by its id, about what an error code means, or about what has most of some
/// words; for people.
///
/// # Errors
///
/// [`UnknownIdError`] when nothing is known of it.
pub fn explain(
    checks: &CheckSet,
    knowledge: &Knowledge,
    asked: &str,
    width: usize,
) -> Result<String, UnknownIdError> {
    if let Some(document) = knowledge.find(asked) {
        return explain_document(document, checks, knowledge, width);
    }
    let prefix = format!("{}.", asked.trim());
    let is_step_of = |document: &&SearchDocument| {
        document.kind == Subject::Step && document.id.starts_with(&prefix)
    };
    let of_stage: Vec<&SearchDocument> = knowledge.documents().iter().filter(is_step_of).collect();
    if !of_stage.is_empty() {
        return Ok(other_lines(&format!("the steps of {}", asked.trim()), &of_stage, width)
            .trim_start()
            .to_owned());
    }
    let by_code = knowledge.with_code(asked);
    if let Some((first, others)) = by_code.split_first() {
        let out = explain_document(first, checks, knowledge, width)?;
        return Ok(out + &other_lines("the code means as well", others, width));
    }
    // What is spelled like an id is one that is misspelt.
    let is_id = !asked.trim().contains(char::is_whitespace)
        && (asked.contains('.') || asked.starts_with("ts-"));
    let found = if is_id { Vec::new() } else { knowledge.search(asked) };
    let found: Vec<&SearchDocument> = found.iter().map(|candidate| candidate.document).collect();
    match found.split_first() {
        Some((first, others)) => {
            let out = explain_document(first, checks, knowledge, width)?;
            let others = &others[..others.len().min(MAX_OTHERS)];
            Ok(out + &other_lines("see also", others, width))
        }
        None => explain_check(checks, knowledge.symptoms(), asked, width),
    }
}

fn other_lines(heading: &str, others: &[&SearchDocument], width: usize) -> String {
    let mut out = String::new();
    if !others.is_empty() {
        out.push_str(&format!("\n{heading}\n"));
    }
    for document in others {
        let line = format!("{}: {}", document.id, single_line(&document.title));
        out.push_str(&format!("  {}\n", truncate(&make_visible(&line), width.saturating_sub(2))));
    }
    out
}

fn explain_document(
    document: &SearchDocument,
    checks: &CheckSet,
    knowledge: &Knowledge,
    width: usize,
) -> Result<String, UnknownIdError> {
    match (document.kind, knowledge.symptoms().find(&document.id)) {
        (Subject::Step, _) => Ok(explain_step(document, width)),
        (_, Some(symptom)) => Ok(explained(symptom, checks, width)),
        (_, None) => explain_check(checks, knowledge.symptoms(), &document.id, width),
    }
}

fn explain_step(document: &SearchDocument, width: usize) -> String {
    let mut out = wrap_labelled("", &format!("{}: {}", document.id, document.title), width);
    let mut line = |label: &str, text: &str| {
        out.push_str(&wrap_labelled(&format!("  {label:<10}"), &single_line(text), width));
    };
    for remedy in document.causes.iter().filter_map(|cause| cause.remedy.as_ref()) {
        line("do", &remedy.text);
        for command in &remedy.commands {
            line("", &format!("$ {command}"));
        }
    }
    for check in document.checks() {
        line("proved by", check);
    }
    line("source", &document.source.to_string());
    if let Some(stage) =
        document.id.split('.').nth(1).filter(|_| !document.id.starts_with("modernised"))
    {
        let scenario = document.id.split('.').next().unwrap_or_default();
        out.push_str(&format!(
            "  next      $ preflight guide --step {stage} --scenario {scenario}\n"
        ));
    }
    out
}

fn explain_check(
    checks: &CheckSet,
    symptoms: &SymptomSet,
    id: &str,
    width: usize,
) -> Result<String, UnknownIdError> {
    let mut out = super::catalogue::explain(checks, id, width).map_err(|mut unknown| {
        unknown.nearest = unknown.nearest.or_else(|| symptoms.nearest_id(id).map(str::to_owned));
        unknown
    })?;
    for (index, symptom) in symptoms.for_check(id).enumerate() {
        let label = if index == 0 { "  seen as     " } else { "              " };
        out.push_str(&wrap_labelled(label, &format!("{}: {}", symptom.id, symptom.title), width));
    }
    Ok(out)
}

fn explained(symptom: &Symptom, checks: &CheckSet, width: usize) -> String {
    let mut out = wrap_labelled("", &format!("{}: {}", symptom.id, symptom.title), width);
    let mut line = |label: &str, text: &str| {
        out.push_str(&wrap_labelled(&format!("  {label:<10}"), &single_line(text), width));
    };
    if !symptom.codes.is_empty() {
        line("codes", &symptom.codes.join(", "));
    }
    for (index, cause) in symptom.causes.iter().enumerate() {
        line(&format!("cause {}", index + 1), &cause.cause);
        for check in cause_checks(cause, checks) {
            line("  check", &format!("{}: {}", check.id, check.title));
        }
        let Some(remedy) = &cause.remedy else { continue };
        line("  do", &remedy.text);
        for command in &remedy.commands {
            line("", &format!("$ {command}"));
        }
    }
    line("source", &symptom.source.to_string());
    let next = format!("preflight troubleshoot {} --target ssh://root@MASTER-TARGET", symptom.id);
    out.push_str(&format!("  next      $ {next}\n"));
    out
}

/// `docs/symptoms.md`.
pub fn docs_symptoms_md(symptoms: &SymptomSet, checks: &CheckSet) -> String {
    let mut out = format!(
        "# Symptoms\n\n{} symptoms, generated from `checks/symptoms.yaml`. `preflight troubleshoot \
         WORDS` finds the one that\nfits, `preflight explain ID` says the same of one. Checks are \
         explained in [checks.md](checks.md), sources in\n[sources.md](sources.md).\n\n\
         | symptom | what is seen | codes |\n|---|---|---|\n",
        symptoms.symptoms().len()
    );
    for Symptom { id, title, codes, .. } in symptoms.symptoms() {
        let codes = codes.join(", ");
        out.push_str(&format!("| [{id}](#{id}) | {title} | {codes} |\n"));
    }
    symptoms.symptoms().iter().for_each(|symptom| out.push_str(&section(symptom, checks)));
    out
}

fn section(symptom: &Symptom, checks: &CheckSet) -> String {
    let mut out = format!("\n## {}\n\n{}.\n\n", symptom.id, capitalize(&symptom.title));
    for (index, cause) in symptom.causes.iter().enumerate() {
        out.push_str(&format!("{}. {}.\n", index + 1, capitalize(&cause.cause)));
        for check in cause_checks(cause, checks) {
            let anchor = check.id.replace('.', "");
            let (id, title) = (&check.id, &check.title);
            out.push_str(&format!("   - [{id}](checks.md#{anchor}): {title}\n"));
        }
        if let Some(remedy) = &cause.remedy {
            let text = fold(&remedy.text);
            out.push_str(&format!("   - do: {text}\n"));
            for command in &remedy.commands {
                out.push_str(&format!("     - `{command}`\n"));
            }
        }
    }
    out.push_str(&format!("\nSource: {}, {}.\n", symptom.source.doc, symptom.source.at));
    out
}
