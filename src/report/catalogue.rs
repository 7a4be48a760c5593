//! The checks themselves as people and programs read them: `list checks`, `explain`, and
//! `docs/checks.md`.
//!
//! Not for what became of checks: that is a report.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::layout::{capitalize, fold, make_visible, truncate};
use super::style::Style;
use super::text_page::TextPage;
use crate::check::definition::{Check, CheckSet, Remedy, Severity, SourceReference};
use crate::check::model::{AskOf, CheckScope};
use crate::check::rule::Rule;
use crate::check::source::SOURCES;
use crate::check::window::ScenarioScope;
use crate::facts::stage::Stage;
use crate::facts::target_kind::TargetKind;
use crate::hint::hinted;

/// Every check, as `list checks --format json` gives them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckList {
    /// Always `preflight.checks/1`.
    pub schema: String,
    /// The checks, in the order they are evaluated.
    pub checks: Vec<ListedCheck>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ListedCheck {
    /// The id; it never changes.
    pub id: String,
    /// What should hold.
    pub title: String,
    /// What a failure blocks.
    pub severity: Severity,
    /// The kinds of targets that it applies to.
    pub applies_to: Vec<TargetKind>,
    /// Which scenario it belongs to.
    pub scenario: ScenarioScope,
    /// What it is about.
    pub scope: CheckScope,
    /// The stages at which it counts, with the severity of a failure there; empty when it counts at every stage.
    pub stages: BTreeMap<Stage, Severity>,
    /// Whether its failure ends the case.
    pub gate: bool,
    /// Who can say whether it holds, best first.
    pub ask_of: Vec<AskOf>,
    /// What a person is asked, when it is a question or has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// Checks that must pass before.
    pub requires: Vec<String>,
    /// How a failure shows itself to people.
    pub symptom: String,
    /// How to fix it.
    pub remedy: Remedy,
    /// Where it is written.
    pub source: SourceReference,
}

/// A check, symptom or step that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no check, symptom or step {id:?}")]
pub struct UnknownIdError {
    /// The id as asked for.
    pub id: String,
    /// The id that is spelled most alike.
    pub nearest: Option<String>,
}

impl UnknownIdError {
    /// Returns what to do about the error.
    pub fn hint(&self) -> Option<String> {
        Some(match &self.nearest {
            Some(nearest) => format!("try preflight explain {nearest}"),
            None => "preflight list checks names them all".to_owned(),
        })
    }
}

hinted!(UnknownIdError);

/// Every check of a set.
pub fn list(set: &CheckSet) -> CheckList {
    let listed = |check: &Check| ListedCheck {
        id: check.id.clone(),
        title: check.title.clone(),
        severity: check.severity,
        applies_to: check.applies_to.clone(),
        scenario: check.scenario,
        scope: check.scope,
        stages: check
            .stages
            .stages()
            .filter_map(|stage| Some((stage, check.stages.severity_at(stage)?)))
            .collect(),
        gate: check.gate,
        ask_of: check.ask_of.clone(),
        question: check.question().map(str::to_owned),
        requires: check.requires.clone(),
        symptom: check.symptom.clone(),
        remedy: check.remedy.clone(),
        source: check.source.clone(),
    };
    CheckList {
        schema: "preflight.checks/1".to_owned(),
        checks: set.checks().iter().map(listed).collect(),
    }
}

/// `list checks` for people: one line each, at most `width` columns.
pub fn list_text(set: &CheckSet, width: usize) -> String {
    let widest = set.checks().iter().map(|check| check.id.len()).max().unwrap_or(0);
    let line = |check: &Check| {
        let head = format!("{:<widest$}  {:<16}  ", check.id, check.severity.as_str());
        let title = truncate(&make_visible(&check.title), width.saturating_sub(head.len()).max(20));
        format!("{head}{title}\n")
    };
    set.checks().iter().map(line).collect()
}

/// Everything about one check, for people.
///
/// # Errors
///
/// [`UnknownIdError`] when the set has none of this id.
pub fn explain(set: &CheckSet, id: &str, style: &Style) -> Result<String, UnknownIdError> {
    let check = set.find(id).ok_or_else(|| UnknownIdError {
        id: id.to_owned(),
        nearest: set.nearest_id(id).map(str::to_owned),
    })?;
    let mut page = TextPage::new(style);
    page.quote("", &format!("{}: {}", check.id, check.title));
    let row = |page: &mut TextPage, label: &str, text: &str| {
        page.line(&format!("  {label:<12}"), text);
    };
    row(&mut page, "severity", check.severity.as_str());
    row(&mut page, "applies to", &kind_list(check));
    if let Some(when) = &check.applies_when {
        row(&mut page, "when", when.rule.text());
        row(&mut page, "otherwise", &when.otherwise);
    }
    page.list("  requires    ", &check.requires);
    for (name, text) in criterion_rows(check) {
        row(&mut page, name, text);
    }
    row(&mut page, "shows as", &check.symptom);
    row(&mut page, "do", &check.remedy.text);
    check.remedy.commands.iter().for_each(|command| page.command("              ", command));
    row(&mut page, "downtime", if check.remedy.downtime { "yes" } else { "no" });
    page.source("  source      ", &check.source);
    if let Some(source) = SOURCES.iter().find(|source| source.key == check.source.doc) {
        row(&mut page, "", source.meaning);
    }
    row(&mut page, "defined in", &check.at.to_string());
    Ok(page.finish())
}

/// `docs/checks.md`.
pub fn docs_checks_md(set: &CheckSet) -> String {
    let mut out = format!(
        "# Checks\n\n{} checks, generated from `checks/*.yaml`. `preflight explain ID` says the \
         same of one. Sources are\nexplained in [sources.md](sources.md).\n\n{FORMAT}\n",
        set.checks().len()
    );
    out.push_str("\n| check | severity | what should hold |\n|---|---|---|\n");
    for check in set.checks() {
        out.push_str(&format!(
            "| [{id}](#{anchor}) | {severity} | {title} |\n",
            id = check.id,
            anchor = check.id.replace('.', ""),
            severity = check.severity,
            title = cell(&check.title)
        ));
    }
    for check in set.checks() {
        out.push_str(&section(check));
    }
    out
}

/// How a definition is written, for those who add one.
const FORMAT: &str = "\
A check is one entry of a file in `checks/`, or of one below `--assets DIR/checks`; nothing else \
changes when one is added.

| key | what it is |
|---|---|
| `id` | `subject.condition` in kebab-case, never renamed |
| `title` | what should hold, a fragment |
| `severity` | `data-loss`, `blocks-reprotect`, `blocks-failback`, `warning` or `info` |
| `applies_to` | the kinds of targets it is evaluated on: `image`, `packages`, `linux-mt`, `windows-mt`, `process-server`, `configuration-server`, `vcenter`, `esxi`, `protected-vm`, `site` |
| `applies_when` | `{ rule, otherwise }`: not applicable for the reason `otherwise` when `rule` is false |
| `requires` | checks that must pass before: failed or not applicable makes this one not applicable, unknown makes it unknown |
| `line` | the line of work that fixing it belongs to: `gate`, then `A` to `H` (configuration server and way home, vCenter and hosts, where machines return to, whether the master target stays, what is done around one power-off, retention, agent, the machine and what follows) |
| `fix_after` | checks whose fixes come before this one's; no circle. Commands are not told while one of them fails or is unknown |
| `gate` | what is moot when it fails: `vault` or `machine` |
| `stages` | the stages at which it matters; a question is put only when a machine is said to be at one of them, a rule unless all are said to be elsewhere |
| `rule` | CEL over facts; true is a pass, false a failure, a fact that could not be read makes it unknown |
| `warn_rule` | grades a pass down to a warning when it is false |
| `question` | in place of `rule`, `found` and `examples`: what only a person can answer, in the site file |
| `found` | what is said about the facts: `{{fact}}`, `{{list fact}}`, `{{list fact \"member\"}}`, `{{size fact \"B\"}}` (or `KiB`, `MiB`), `{{#if fact}}..{{else}}..{{/if}}` |
| `symptom` | how a failure shows itself to people |
| `remedy` | `{ text, commands, downtime }`; a command is a text, or `{ when: RULE, run: TEXT }`, with `{{value fact \"WORD\"}}`, `{{value target \"WORD\"}}` and `{{each list \"WORD\"}}` (or `{{each list \"member\" \"WORD\"}}`), which are quoted for the shell; where a fact is not known the word stays |
| `source` | `{ doc, at }`: a key of sources.md and a place |
| `examples` | facts with what they lead to: `pass`, `fail`, `unknown`, and `warn` and `not-applicable` where there is such a rule; run by `preflight test checks` |
| `probes` | for checks of a site's own: a list of `{ name, shell, pattern }`; what the named groups of `pattern` match in the output of `shell` are texts that rules know as `own.NAME.GROUP`, unknown when nothing matches ([site.md](site.md)) |

Rules have `&&`, `||`, `!`, `?:`, comparisons, `in`, whole-number arithmetic, `size`, `startsWith`, `endsWith`, \
`contains`, `matches`, `versionCmp(a, b)`, and `all`, `exists`, `exists_one`, `filter`, `map` over lists. Paths and types \
are verified when a definition is read. A list of things that were looked for has `items` and `complete`, and a \
rule that speaks of the one must speak of the other: `x.complete && x.items.all(...)` fails on one bad element and is \
unknown when the list was cut short and nothing bad was seen; `x.items.exists(...) || !x.complete` passes on \
one good element and is unknown when none was seen in a list cut short.
";

fn section(check: &Check) -> String {
    let mut out = format!("\n## {}\n\n{}.\n\n", check.id, capitalize(&check.title));
    let mut row = |name: &str, text: &str| out.push_str(&format!("- **{name}**: {text}\n"));
    row("severity", check.severity.as_str());
    row("applies to", &kind_list(check));
    if let Some(when) = &check.applies_when {
        row("when", &format!("`{}`, otherwise: {}", fold(when.rule.text()), when.otherwise));
    }
    if !check.requires.is_empty() {
        row("requires", &check.requires.join(", "));
    }
    if !check.fix_after.is_empty() {
        row("fixed after", &check.fix_after.join(", "));
    }
    if let Some(stages) = stage_list(check) {
        row("stages", &stages);
    }
    for (name, text) in criterion_rows(check) {
        match name {
            "asks" | "else asks" => row(name, &fold(text)),
            _ => row(name, &format!("`{}`", fold(text))),
        }
    }
    row("shows as", &fold(&check.symptom));
    row("do", &fold(&check.remedy.text));
    if check.remedy.downtime {
        row("downtime", "yes");
    }
    row("source", &check.source.to_string());
    if !check.remedy.commands.is_empty() {
        out.push_str(&format!("\n```sh\n{}\n```\n", check.remedy.commands.join("\n")));
    }
    out
}

/// What decides a check, by name.
fn criterion_rows(check: &Check) -> Vec<(&'static str, &str)> {
    let rules = ["holds when", "warn unless"].into_iter().zip(check.rules().map(Rule::text));
    let asks = if check.criterion.rules.is_some() { "else asks" } else { "asks" };
    rules.chain(check.question().map(|question| (asks, question))).collect()
}

/// Returns the stages at which a check counts, each run of one severity as a range: `prepare to reprotect: blocks-reprotect`.
fn stage_list(check: &Check) -> Option<String> {
    let mut runs: Vec<(Stage, Stage, Severity)> = Vec::new();
    for stage in check.stages.stages() {
        let severity = check.stages.severity_at(stage)?;
        match runs.last_mut() {
            Some((_, last, of_run)) if *of_run == severity => *last = stage,
            _ => runs.push((stage, stage, severity)),
        }
    }
    let words = runs.iter().map(|(first, last, severity)| {
        if first == last {
            format!("{first}: {severity}")
        } else {
            format!("{first} to {last}: {severity}")
        }
    });
    let words: Vec<String> = words.collect();
    (!words.is_empty()).then(|| words.join("; "))
}

fn kind_list(check: &Check) -> String {
    check.applies_to.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
