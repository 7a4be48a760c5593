//! The checks, symptoms and steps that have words of a text: `search`.
//!
//! Not for what is likely: `troubleshooting` says that.

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::{make_visible, single_line, truncate};
use crate::knowledge::candidate::Candidate;

/// The name of this model and its generation.
pub const SCHEMA: &str = "preflight.search/1";

/// The most that is listed.
const MAX_RESULTS: usize = 30;

/// What was found for some words.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SearchResults {
    /// Always `preflight.search/1`.
    pub schema: String,
    /// The words.
    pub words: String,
    /// What has some of them, best first.
    pub results: Vec<SearchResult>,
}

/// One check, symptom or step.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SearchResult {
    /// `check`, `symptom` or `step`.
    pub kind: String,
    /// The id by which `explain` knows it.
    pub id: String,
    /// What should hold, what people see, or what is to be done.
    pub title: String,
    /// How well it fits, from 0 to 1.
    pub score: f64,
    /// Its checks.
    pub checks: Vec<String>,
}

/// Lists what was found.
pub fn list(words: &str, found: &[Candidate<'_>]) -> SearchResults {
    let result = |candidate: &Candidate<'_>| SearchResult {
        kind: candidate.document.kind.as_str().to_owned(),
        id: candidate.document.id.clone(),
        title: candidate.document.title.clone(),
        score: (candidate.score * 100.0).round() / 100.0,
        checks: candidate.document.checks().into_iter().map(str::to_owned).collect(),
    };
    SearchResults {
        schema: SCHEMA.to_owned(),
        words: words.to_owned(),
        results: found.iter().take(MAX_RESULTS).map(result).collect(),
    }
}

/// Renders it as indented JSON.
pub fn to_json(found: &SearchResults) -> String {
    let text = super::json::to_string(found).expect("texts and numbers are always JSON");
    format!("{text}\n")
}

/// Renders it for people, one line each.
pub fn render(found: &SearchResults, width: usize) -> String {
    if found.results.is_empty() {
        return "nothing that is known has a word of it\n".to_owned();
    }
    let widest = found.results.iter().map(|result| result.id.chars().count()).max().unwrap_or(0);
    // Ids of steps are long; what they are called matters more than a straight edge.
    let widest = widest.min(40);
    let line = |result: &SearchResult| {
        let head = format!("{:<8} {:<widest$}  ", result.kind, result.id);
        let room = width.saturating_sub(head.chars().count()).max(20);
        format!("{head}{}\n", truncate(&make_visible(&single_line(&result.title)), room))
    };
    found.results.iter().map(line).collect()
}

/// `docs/search.schema.json`.
pub fn schema_json() -> String {
    super::json::schema_of::<SearchResults>()
}
