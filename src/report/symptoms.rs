//! The symptoms as documentation: `list symptoms`, `explain`, and `docs/symptoms.md`.
//!
//! Not for the symptoms that fit a text: `troubleshooting` has them.

use serde_json::{Value, json};

use super::catalogue::UnknownIdError;
use super::layout::{capitalize, fold, single_line, wrap_labelled};
use crate::check::definition::CheckSet;
use crate::knowledge::symptom::{Symptom, cause_checks};
use crate::knowledge::symptom_set::SymptomSet;

/// One symptom, as `list symptoms --format json` gives it.
pub fn listed(symptom: &Symptom) -> Value {
    json!({
        "id": symptom.id,
        "title": symptom.title,
        "codes": symptom.codes,
        "checks": symptom.checks(),
    })
}

/// Everything about one check or one symptom, for people.
///
/// # Errors
///
/// [`UnknownIdError`] when there is neither of this id.
pub fn explain(
    checks: &CheckSet,
    symptoms: &SymptomSet,
    id: &str,
    width: usize,
) -> Result<String, UnknownIdError> {
    if let Some(symptom) = symptoms.find(id) {
        return Ok(explained(symptom, checks, width));
    }
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
