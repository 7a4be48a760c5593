//! The list of targets on a page, each with links to what was found on it.
//!
//! Not for the rest of the page (`html`).

use serde::Serialize;
use serde_json::{Value, json};

use super::layout::pluralize;
use super::model::{CheckResult, Report};
use super::outline::{Outline, OverallVerdict, Status};
use super::site_picture::Anchors;

/// With more targets than this, the list of them does not name their findings.
const MAX_LINKED_TARGETS: usize = 100;

/// How many findings the list of targets names for each.
const MAX_LINKS: usize = 12;

/// A place on the page that a text leads to.
#[derive(Serialize)]
struct FindingLink {
    class: &'static str,
    word: &'static str,
    text: String,
    href: String,
}

/// Returns the row of a target, with how many more findings there are than it names; `n` is its place in the report.
pub(super) fn target_row(
    report: &Report,
    outline: &Outline<'_>,
    anchors: &Anchors<'_>,
    n: usize,
    (name, results): &(&str, Vec<&CheckResult>),
) -> Value {
    let of = |class| results.iter().filter(|result| Status::from_result(result) == class).count();
    let verdict = OverallVerdict::from_results(results);
    let known = report.targets.iter().find(|target| target.name == *name);
    let mut findings = Vec::new();
    if report.targets.len() <= MAX_LINKED_TARGETS {
        findings = finding_links(outline, anchors, name, results);
    }
    let more = findings.len().saturating_sub(MAX_LINKS);
    findings.truncate(MAX_LINKS);
    json!({
        "n": n,
        "name": name,
        "kind": known.map_or("", |known| known.kind.as_str()),
        "class": verdict.status().css_class(),
        "verdict": verdict.as_str(),
        "blockers": of(Status::Blocker),
        "unknown": of(Status::Unknown),
        "warnings": of(Status::Warning),
        "passed": of(Status::Pass),
        "findings": findings,
        "more": more,
    })
}

/// Returns what was found on a target and needs a look, worst first; one cause is told once.
fn finding_links(
    outline: &Outline<'_>,
    anchors: &Anchors<'_>,
    name: &str,
    results: &[&CheckResult],
) -> Vec<FindingLink> {
    let mut links: Vec<(Status, usize, FindingLink)> = Vec::new();
    for result in results {
        let status = Status::from_result(result);
        let Some(href) = anchors.findings.get(&(&*result.check, name)) else { continue };
        if status > Status::Warning || links.iter().any(|(_, _, link)| link.href == *href) {
            continue;
        }
        let shared = outline.shared_causes.iter().enumerate().find_map(|(n, cause)| {
            let on = cause.targets.iter().find(|on| on.target == name)?;
            (*href == format!("cause-{n}")).then(|| pluralize(on.checks.len(), "check"))
        });
        let text = shared.unwrap_or_else(|| result.check.to_string());
        let (class, word) = (status.css_class(), status.label());
        links.push((status, result.order, FindingLink { class, word, text, href: href.clone() }));
    }
    links.sort_by_key(|(status, order, _)| (*status, *order));
    links.into_iter().map(|(_, _, link)| link).collect()
}
