//! The report as SARIF 2.1.0, for whatever shows findings of tools.
//!
//! One rule for each check, one result for each check on a target: `pass`, `fail`,
//! `notApplicable`, and `open` for what is undecided, which is also told as a notification of the
//! invocation. A waiver is a suppression. Only the members in use are here.

use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::json;
use super::layout::{make_visible, single_line};
use super::model::{CheckResult, Report};
use super::outline::{Outline, OverallVerdict, Status};
use super::style::Style;
use crate::check::definition::{Remedy, Severity};
use crate::check::evidence::Evidence;
use crate::check::finding::OutcomeKind;

/// The published schema.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the report as SARIF.
///
/// # Errors
///
/// Fails when the output does.
pub fn write(report: &Report, _: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let Rules { listed, indexes } = Rules::new(report);
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            results: Results { report, indexes: &indexes },
            invocations: [render_invocation(report, &indexes)],
            tool: Tool {
                driver: Driver {
                    name: &report.tool.name,
                    version: &report.tool.version,
                    semantic_version: &report.tool.version,
                    rules: listed,
                },
            },
        }],
    };
    json::write_value(&log, out)
}

#[derive(Serialize)]
struct Log<'r> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'r>; 1],
}

#[derive(Serialize)]
struct Run<'r> {
    tool: Tool<'r>,
    invocations: [Invocation<'r>; 1],
    results: Results<'r>,
}

/// The results, each made when it is written.
struct Results<'r> {
    report: &'r Report,
    indexes: &'r HashMap<&'r str, usize>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let results = self.report.results.iter();
        serializer.collect_seq(results.map(|result| render_result(result, self.indexes)))
    }
}

#[derive(Serialize)]
struct Tool<'r> {
    driver: Driver<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'r> {
    name: &'r str,
    version: &'r str,
    semantic_version: &'r str,
    rules: Vec<Rule<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'r> {
    id: &'r str,
    short_description: Text,
    full_description: Text,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties<'r>,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'r> {
    source: String,
    downtime: bool,
    tags: [&'r str; 1],
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'r> {
    execution_successful: bool,
    exit_code: u8,
    exit_code_description: &'static str,
    end_time_utc: &'r str,
    tool_execution_notifications: Vec<Notification<'r>>,
    tool_configuration_notifications: Vec<Notification<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification<'r> {
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_rule: Option<RuleReference<'r>>,
}

#[derive(Serialize)]
struct RuleReference<'r> {
    id: &'r str,
    index: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'r> {
    rule_id: &'r str,
    rule_index: usize,
    kind: &'static str,
    level: &'static str,
    message: Text,
    locations: [Location<'r>; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression<'r>>,
    properties: FindingProperties<'r>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'r> {
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation<'r>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'r> {
    fully_qualified_name: &'r str,
    kind: &'static str,
}

#[derive(Serialize)]
struct Suppression<'r> {
    kind: &'static str,
    status: &'static str,
    justification: &'r str,
    properties: Map<String, Value>,
}

#[derive(Serialize)]
struct FindingProperties<'r> {
    outcome: &'static str,
    severity: Severity,
    evidence: &'r Evidence,
    /// How to fix it on this target.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<&'r Remedy>,
}

/// The rules in use, and where each stands.
struct Rules<'r> {
    listed: Vec<Rule<'r>>,
    indexes: HashMap<&'r str, usize>,
}

impl<'r> Rules<'r> {
    fn new(report: &'r Report) -> Self {
        // What is done on one target alone stands at its result.
        let mut remedies: HashMap<&str, Vec<&Remedy>> = HashMap::new();
        for result in report.results.iter().filter(|r| r.outcome == OutcomeKind::Fail) {
            let known = remedies.entry(&result.check).or_default();
            if !known.contains(&&*result.remedy) {
                known.push(&*result.remedy);
            }
        }
        let mut rules = Self { listed: Vec::new(), indexes: HashMap::new() };
        for result in &report.results {
            let place = rules.listed.len();
            rules.indexes.entry(&result.check).or_insert_with(|| {
                let remedy = match remedies.get(result.check.as_str()).map(Vec::as_slice) {
                    Some([one]) => Some(*one),
                    Some(_) => None,
                    None => Some(&*result.remedy),
                };
                rules.listed.push(render_rule(result, remedy));
                place
            });
        }
        rules
    }
}

fn render_rule<'r>(result: &'r CheckResult, remedy: Option<&Remedy>) -> Rule<'r> {
    let source = result.source.to_string();
    Rule {
        id: &result.check,
        short_description: message(&result.title),
        full_description: message(&format!(
            "It should hold that {}. Otherwise: {}.",
            result.title,
            single_line(&result.symptom)
        )),
        help: help(remedy, &source),
        default_configuration: Configuration { level: level(result.severity) },
        properties: RuleProperties {
            source,
            downtime: result.remedy.downtime,
            tags: [result.severity.as_str()],
        },
    }
}

fn help(remedy: Option<&Remedy>, source: &str) -> Help {
    let elsewhere = Remedy {
        text: "It differs from target to target: see the remedy of each result.".to_owned(),
        commands: Vec::new(),
        downtime: false,
    };
    let remedy = remedy.unwrap_or(&elsewhere);
    let downtime = if remedy.downtime { " This needs downtime." } else { "" };
    let text = format!("{}{downtime}", single_line(&remedy.text));
    let commands: String = remedy.commands.iter().map(|line| format!("\n  {line}")).collect();
    let block = match remedy.commands.as_slice() {
        [] => String::new(),
        commands => format!("\n\n{}", super::markdown::code_block(commands)),
    };
    Help {
        text: escape(&format!("{text}{commands}\nSource: {source}")),
        markdown: format!(
            "{}{block}\n\nSource: {}",
            super::markdown::prose(&text),
            super::markdown::prose(source)
        ),
    }
}

fn render_result<'r>(result: &'r CheckResult, indexes: &HashMap<&str, usize>) -> SarifResult<'r> {
    let kind = match result.outcome {
        OutcomeKind::Pass => "pass",
        OutcomeKind::Fail | OutcomeKind::Waived => "fail",
        OutcomeKind::Unknown => "open",
        OutcomeKind::NotApplicable => "notApplicable",
    };
    let waiver = result.waiver.as_ref().map(|waiver| Suppression {
        kind: "external",
        status: "accepted",
        justification: &waiver.reason,
        properties: [("owner", &waiver.owner), ("expires", &waiver.expires)]
            .map(|(key, text)| (key.to_owned(), Value::from(text.as_str())))
            .into_iter()
            .collect(),
    });
    let identity = format!("{}/{}", result.target, result.check);
    SarifResult {
        rule_id: &result.check,
        rule_index: indexes[result.check.as_str()],
        kind,
        level: if kind == "fail" { level(result.severity) } else { "none" },
        message: message(&format!("{}: {}", result.target, result.found)),
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: percent_encode(&result.target) },
            },
            logical_locations: [LogicalLocation {
                fully_qualified_name: &result.target,
                kind: "resource",
            }],
        }],
        partial_fingerprints: BTreeMap::from([("targetAndCheck/v1", identity)]),
        suppressions: waiver.into_iter().collect(),
        properties: FindingProperties {
            outcome: result.outcome.as_str(),
            severity: result.severity,
            evidence: &result.evidence,
            remedy: (result.outcome == OutcomeKind::Fail).then_some(&*result.remedy),
        },
    }
}

fn render_invocation<'r>(report: &'r Report, indexes: &HashMap<&str, usize>) -> Invocation<'r> {
    let outline = Outline::new(report);
    let mut undecided: Vec<Notification<'r>> = Vec::new();
    for cause in &outline.shared_causes {
        let targets: Vec<&str> = cause.targets.iter().map(|affected| affected.target).collect();
        let text = format!(
            "{} of {} undecided: {}",
            super::layout::pluralize(cause.checks(), "check"),
            targets.join(", "),
            cause.cause
        );
        undecided.push(Notification {
            level: "error",
            message: message(&text),
            associated_rule: None,
        });
    }
    let each = outline.with_status(Status::Unknown).flat_map(|group| &group.variants);
    for result in each.flat_map(|variant| variant.results.iter().copied()) {
        let index = indexes[result.check.as_str()];
        undecided.push(Notification {
            level: "error",
            message: message(&format!("{}: {}", result.target, result.found)),
            associated_rule: Some(RuleReference { id: &result.check, index }),
        });
    }
    if !report.run.complete {
        let text = "the run was interrupted: what is missing was not checked";
        undecided.push(Notification {
            level: "error",
            message: message(text),
            associated_rule: None,
        });
    }
    let told = |text: String| Notification {
        level: "note",
        message: message(&text),
        associated_rule: None,
    };
    let unasked = outline.skipped.iter().map(|group| {
        let ids: Vec<&str> = group.checks.keys().copied().collect();
        told(format!(
            "not run: {}: {}: {}",
            group.providers(),
            group.instructions(),
            ids.join(", ")
        ))
    });
    let notes = report.notes.iter().map(|note| told(note.clone()));
    Invocation {
        execution_successful: undecided.is_empty(),
        exit_code: report.summary.exit_code,
        exit_code_description: OverallVerdict::from_report(report).as_str(),
        end_time_utc: &report.run.at,
        tool_execution_notifications: undecided,
        tool_configuration_notifications: notes.chain(unasked).collect(),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::DataLoss | Severity::BlocksReprotect | Severity::BlocksFailback => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn message(text: &str) -> Text {
    Text { text: escape(&make_visible(text)) }
}

/// A text as a message: braces would be placeholders (3.11.5), and `[text](link)` a link (3.11.6).
fn escape(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text }
}

/// A name as a relative URI of one segment.
fn percent_encode(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::tests::every_outcome;

    fn run(report: &Report) -> Value {
        let log: Value = serde_json::from_slice(
            &crate::report::format("sarif").unwrap().render(report, &Style::default()),
        )
        .unwrap();
        assert_eq!(log["version"], "2.1.0");
        log["runs"][0].clone()
    }

    #[test]
    fn each_outcome_has_its_kind_and_level() {
        let run = run(&every_outcome());
        let told: Vec<(&str, &str, bool)> = run["results"]
            .as_array()
            .unwrap()
            .iter()
            .map(|result| {
                let text = |key: &str| result[key].as_str().unwrap();
                let rule =
                    &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
                assert_eq!(rule["id"], result["ruleId"]);
                (text("kind"), text("level"), result.get("suppressions").is_some())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("pass", "none", false),
                ("fail", "error", false),
                ("fail", "warning", false),
                ("fail", "note", false),
                ("open", "none", false),
                ("notApplicable", "none", false),
                ("fail", "error", true),
            ]
        );
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(invocation["exitCode"], 1);
        assert_eq!(invocation["toolExecutionNotifications"][0]["level"], "error");
    }

    #[test]
    fn a_message_is_neither_placeholder_nor_link_and_a_location_is_a_uri() {
        assert_eq!(escape("a {0} [b](http://c) d"), "a {{0}} \\[b\\](http://c) d");
        assert_eq!(escape("items[0]"), "items[0]");
        assert_eq!(percent_encode("ssh://root@mt 1\u{e9}"), "ssh%3A%2F%2Froot%40mt%201%C3%A9");
    }
}
