//! The symptoms as documentation: `list symptoms`, `explain`, and `docs/symptoms.md`.
//!
//! Not for the symptoms that fit a text: `troubleshooting` has them.

use serde_json::{Value, json};

use super::catalogue::UnknownIdError;
use super::layout::{capitalize, fold, make_visible, single_line, truncate};
use super::style::Style;
use super::text_page::TextPage;
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
    style: &Style,
) -> Result<String, UnknownIdError> {
    if let Some(document) = knowledge.find(asked) {
        return explain_document(document, checks, knowledge, style);
    }
    let prefix = format!("{}.", asked.trim());
    let is_step_of = |document: &&SearchDocument| {
        document.kind == Subject::Step && document.id.starts_with(&prefix)
    };
    let of_stage: Vec<&SearchDocument> = knowledge.documents().iter().filter(is_step_of).collect();
    if !of_stage.is_empty() {
        return Ok(other_lines(&format!("the steps of {}", asked.trim()), &of_stage, style)
            .trim_start()
            .to_owned());
    }
    let by_code = knowledge.with_code(asked);
    if let Some((first, others)) = by_code.split_first() {
        let out = explain_document(first, checks, knowledge, style)?;
        return Ok(out + &other_lines("the code means as well", others, style));
    }
    // What is spelled like an id is one that is misspelt.
    let is_id = !asked.trim().contains(char::is_whitespace)
        && (asked.contains('.') || asked.starts_with("ts-"));
    let found = if is_id { Vec::new() } else { knowledge.search(asked) };
    let found: Vec<&SearchDocument> = found.iter().map(|candidate| candidate.document).collect();
    match found.split_first() {
        Some((first, others)) => {
            let out = explain_document(first, checks, knowledge, style)?;
            let others = &others[..others.len().min(MAX_OTHERS)];
            Ok(out + &other_lines("see also", others, style))
        }
        None => explain_check(checks, knowledge.symptoms(), asked, style),
    }
}

fn other_lines(heading: &str, others: &[&SearchDocument], style: &Style) -> String {
    let mut out = String::new();
    if !others.is_empty() {
        out.push_str(&format!("\n{heading}\n"));
    }
    for document in others {
        let line = format!("{}: {}", document.id, single_line(&document.title));
        out.push_str(&format!(
            "  {}\n",
            truncate(&make_visible(&line), style.width.saturating_sub(2))
        ));
    }
    out
}

fn explain_document(
    document: &SearchDocument,
    checks: &CheckSet,
    knowledge: &Knowledge,
    style: &Style,
) -> Result<String, UnknownIdError> {
    match (document.kind, knowledge.symptoms().find(&document.id)) {
        (Subject::Step, _) => Ok(explain_step(document, style)),
        (_, Some(symptom)) => Ok(explained(symptom, checks, style)),
        (_, None) => explain_check(checks, knowledge.symptoms(), &document.id, style),
    }
}

fn explain_step(document: &SearchDocument, style: &Style) -> String {
    let mut page = TextPage::new(style);
    page.quote("", &format!("{}: {}", document.id, document.title));
    for remedy in document.causes.iter().filter_map(|cause| cause.remedy.as_ref()) {
        page.line("  do        ", &remedy.text);
        remedy.commands.iter().for_each(|line| page.line("            ", &format!("$ {line}")));
    }
    document.checks().iter().for_each(|check| page.line("  proved by ", check));
    page.source("  source    ", &document.source);
    let words: Vec<&str> = document.id.split('.').collect();
    if let [scenario, stage, ..] = words.as_slice()
        && !scenario.starts_with("modernised")
    {
        page.plain(&format!("  next      $ preflight guide --step {stage} --scenario {scenario}"));
    }
    page.finish()
}

fn explain_check(
    checks: &CheckSet,
    symptoms: &SymptomSet,
    id: &str,
    style: &Style,
) -> Result<String, UnknownIdError> {
    let out = super::catalogue::explain(checks, id, style).map_err(|mut unknown| {
        unknown.nearest = unknown.nearest.or_else(|| symptoms.nearest_id(id).map(str::to_owned));
        unknown
    })?;
    let mut page = TextPage::new(style);
    let seen = symptoms.for_check(id).map(|symptom| format!("{}: {}", symptom.id, symptom.title));
    page.column("  seen as     ", seen);
    Ok(out + &page.finish())
}

fn explained(symptom: &Symptom, checks: &CheckSet, style: &Style) -> String {
    let mut page = TextPage::new(style);
    page.quote("", &format!("{}: {}", symptom.id, symptom.title));
    page.list("  codes     ", &symptom.codes);
    for (index, cause) in symptom.causes.iter().enumerate() {
        page.line(&format!("  cause {:<4}", index + 1), &cause.cause);
        for check in cause_checks(cause, checks) {
            page.line("    check   ", &format!("{}: {}", check.id, check.title));
        }
        let Some(remedy) = &cause.remedy else { continue };
        page.line("    do      ", &remedy.text);
        remedy.commands.iter().for_each(|line| page.line("            ", &format!("$ {line}")));
    }
    page.source("  source    ", &symptom.source);
    let target = "--target ssh://root@MASTER-TARGET";
    page.plain(&format!("  next      $ preflight troubleshoot {} {target}", symptom.id));
    page.finish()
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
