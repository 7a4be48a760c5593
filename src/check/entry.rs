//! One definition file into its checks, each verified by itself.
//!
//! Not for what holds between checks: `definition` looks at that.

use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::custom::ProbeEntry;
use super::disturbance::Disturbance;
use super::entry_examples::{ExampleEntry, parse_examples, verify_examples};
use super::error::{CHECK_ID, DefinitionError, EntryProblem};
use super::message::MessageTemplate;
use super::model::{
    AnswerAge, Applicability, AskOf, Check, CheckScope, Criterion, DecidingRules,
    DefinitionLocation, Question, QuestionUse, RootCause, Severity, SourceReference, WorkLine,
};
use super::recognition::Recognition;
use super::remedy::{RemedyEntry, RemedyTemplate};
use super::rule::Rule;
use super::schema::FactType;
use super::source;
use super::window::{Experience, ScenarioScope, StageWindow, StagesEntry};
use crate::assets::{self, Asset};
use crate::facts::target_kind::TargetKind;
use crate::yaml::{self, YamlError};

/// One entry as it is written.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
struct CheckEntry {
    id: String,
    title: String,
    severity: Severity,
    applies_to: OneOrMore,
    #[serde(default)]
    applies_when: Option<ConditionEntry>,
    #[serde(default)]
    requires: Vec<String>,
    #[serde(default)]
    rule: Option<String>,
    #[serde(default)]
    warn_rule: Option<String>,
    #[serde(default)]
    question: Option<String>,
    #[serde(default)]
    or_ask: Option<String>,
    #[serde(default)]
    found: Option<String>,
    symptom: String,
    #[serde(default)]
    said_as: Vec<String>,
    #[serde(default)]
    codes: Vec<String>,
    #[serde(default)]
    signatures: Vec<String>,
    #[serde(default)]
    line: Option<WorkLine>,
    #[serde(default)]
    gate: bool,
    #[serde(default)]
    fix_after: Vec<String>,
    #[serde(default)]
    consequence_of: Vec<RootCauseEntry>,
    #[serde(default)]
    moot_when: Vec<String>,
    #[serde(default)]
    scenario: ScenarioScope,
    #[serde(default)]
    experience: Experience,
    #[serde(default)]
    stages: Option<StagesEntry>,
    #[serde(default)]
    needs_stage: bool,
    #[serde(default)]
    urgent: bool,
    #[serde(default)]
    disturbs: Option<Disturbance>,
    #[serde(default)]
    scope: Option<CheckScope>,
    #[serde(default)]
    ask_of: Vec<AskOf>,
    #[serde(default)]
    valid_days: Option<i32>,
    #[serde(default)]
    same_stage: bool,
    remedy: RemedyEntry,
    source: SourceReference,
    #[serde(default)]
    examples: Vec<ExampleEntry>,
    #[serde(default)]
    probes: Vec<ProbeEntry>,
}

/// One entry with its place, not yet verified.
pub(super) struct RawEntry {
    entry: CheckEntry,
    /// Where it stands.
    pub at: DefinitionLocation,
    /// Whether it is part of the program, whose tests compile its rules and texts; a run compiles
    /// only those it evaluates.
    is_prevalidated: bool,
}

impl RawEntry {
    /// Returns the check's id as written.
    pub fn id(&self) -> &str {
        &self.entry.id
    }

    /// Returns the probes that the check brings.
    pub fn probes(&self) -> &[ProbeEntry] {
        &self.entry.probes
    }
}

/// A check that may explain a failure: its id, or its id and the sign that tells the consequence from a fault of its own.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(untagged)]
enum RootCauseEntry {
    Always(String),
    Sign(SignEntry),
}

#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
struct SignEntry {
    check: String,
    /// A rule over the facts of the failure.
    when: Option<String>,
    /// Checks that hold.
    #[serde(default)]
    holds: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(deny_unknown_fields)]
struct ConditionEntry {
    rule: String,
    otherwise: String,
}

/// `applies_to: image` or `applies_to: [image, linux-mt]`.
#[derive(Deserialize, JsonSchema)]
#[cfg_attr(test, derive(Debug, PartialEq))]
#[serde(
    untagged,
    expecting = "expected a kind of target such as image or linux-mt, or a list of them"
)]
enum OneOrMore {
    One(TargetKind),
    More(Vec<TargetKind>),
}

/// Returns the JSON schema of a file of checks.
pub(super) fn file_schema(generator: schemars::SchemaGenerator) -> schemars::Schema {
    generator.into_root_schema_for::<Vec<CheckEntry>>()
}

/// Reads a file of checks, symptoms or steps. Also returns whether it is an embedded one, whose rules and patterns the tests compile;
/// it is read from its JSON, which is faster.
///
/// # Errors
///
/// Fails when the file is not of this type.
pub fn parse_asset<T: DeserializeOwned>(file: &Asset) -> Result<(T, bool), YamlError> {
    // What the JSON of an embedded file is refused for, the file itself is, with its line.
    let prepared = assets::embedded_check_json(&file.text);
    match prepared.and_then(|json| serde_json::from_str(json).ok()) {
        Some(entries) => Ok((entries, true)),
        None => Ok((yaml::parse(&file.text, &file.path)?, false)),
    }
}

/// Reads the entries of one file, in the order they are written.
pub(super) fn parse_entries(file: &Asset) -> Result<Vec<RawEntry>, DefinitionError> {
    let (entries, is_prevalidated): (Vec<CheckEntry>, _) = parse_asset(file)?;
    let lines = entry_lines(&file.text);
    let written = entries.into_iter().enumerate().map(|(index, entry)| {
        let line = lines.get(index).copied().unwrap_or(1);
        RawEntry {
            entry,
            at: DefinitionLocation { file: file.path.clone(), line },
            is_prevalidated,
        }
    });
    Ok(written.collect())
}

/// Verifies one entry by itself, against the types of the facts it may speak of.
pub(super) fn compile_check(written: RawEntry, facts: &FactType) -> Result<Check, DefinitionError> {
    let RawEntry { entry, at, is_prevalidated } = written;
    let id = entry.id.clone();
    verify_entry(entry, at.clone(), facts, is_prevalidated)
        .map_err(|problem| problem.into_error(&id, &at))
}

fn verify_entry(
    entry: CheckEntry,
    at: DefinitionLocation,
    facts: &FactType,
    is_prevalidated: bool,
) -> Result<Check, EntryProblem> {
    if !is_id(&entry.id) {
        return Err(EntryProblem::Id(CHECK_ID));
    }
    // A question has no facts to speak of: its answer is what was found.
    let found = match (&entry.found, &entry.question, &entry.rule) {
        (Some(found), None, _) | (Some(found), Some(_), Some(_)) => found.clone(),
        (None, Some(_), None) => "answered".to_owned(),
        (None, _, _) => return Err(EntryProblem::Blank("found")),
        (Some(_), Some(_), None) => return Err(EntryProblem::QuestionAnd("found")),
    };
    for (name, text) in [
        ("title", &entry.title),
        ("found", &found),
        ("symptom", &entry.symptom),
        ("remedy.text", &entry.remedy.text),
        ("source.at", &entry.source.at),
    ] {
        // The dash is what tables write where they have nothing to say.
        if matches!(text.trim(), "" | "-") {
            return Err(EntryProblem::Blank(name));
        }
    }
    if entry.title.ends_with('.') {
        return Err(EntryProblem::Sentence("title"));
    }
    if !source::is_known_key(&entry.source.doc) {
        return Err(EntryProblem::Source(entry.source.doc));
    }
    let applies_to = match entry.applies_to {
        OneOrMore::One(kind) => vec![kind],
        OneOrMore::More(kinds) => kinds,
    };
    if applies_to.is_empty() {
        return Err(EntryProblem::AppliesToNothing);
    }
    let rule = |key, text: &str| {
        if is_prevalidated {
            Ok(Rule::prevalidated(text, facts))
        } else {
            Rule::compile(text, facts).map_err(|error| EntryProblem::Rule(key, error))
        }
    };
    let applies_when = entry.applies_when.map(|condition| {
        if condition.otherwise.trim().is_empty() {
            return Err(EntryProblem::Blank("applies_when.otherwise"));
        }
        let rule = rule("applies_when.rule", &condition.rule)?;
        Ok(Applicability { rule, otherwise: condition.otherwise })
    });
    let applies_when = applies_when.transpose()?;
    let (question, is_for) = match (entry.question, entry.or_ask) {
        (Some(_), Some(_)) => return Err(EntryProblem::QuestionAnd("or_ask")),
        (Some(question), None) => (Some(question), QuestionUse::EveryRun),
        (None, or_ask) => (or_ask, QuestionUse::Undecided),
    };
    if question.as_ref().is_some_and(|question| !question.trim().ends_with('?')) {
        return Err(EntryProblem::Question);
    }
    let rules = match &entry.rule {
        Some(text) => Some(DecidingRules {
            rule: rule("rule", text)?,
            warn_rule: entry.warn_rule.map(|text| rule("warn_rule", &text)).transpose()?,
        }),
        None if is_for == QuestionUse::Undecided => return Err(EntryProblem::Blank("rule")),
        None if entry.warn_rule.is_some() => return Err(EntryProblem::QuestionAnd("warn_rule")),
        None if !entry.examples.is_empty() => return Err(EntryProblem::QuestionAnd("examples")),
        None => None,
    };
    let question = question.map(|text| Question { text, is_for });
    let criterion = Criterion { rules, question };
    let root_cause = |entry| {
        Ok(match entry {
            RootCauseEntry::Always(check) => RootCause { check, sign: None, holds: Vec::new() },
            RootCauseEntry::Sign(SignEntry { check, when, holds }) => {
                let sign = when.map(|when| rule("consequence_of.when", &when)).transpose()?;
                RootCause { check, sign, holds }
            }
        })
    };
    let consequence_of: Vec<RootCause> =
        entry.consequence_of.into_iter().map(root_cause).collect::<Result<_, EntryProblem>>()?;
    let stages = StageWindow::parse(entry.stages, entry.scenario, entry.severity)
        .map_err(EntryProblem::Stages)?;
    let scope = entry.scope.unwrap_or_else(|| CheckScope::for_kinds(&applies_to));
    let answer_age = match entry.valid_days {
        Some(days) if days < 0 => return Err(EntryProblem::ValidDays),
        days => days.map(|days| AnswerAge { days, same_stage: entry.same_stage }),
    };
    let recognition =
        Recognition { said_as: entry.said_as, codes: entry.codes, signatures: entry.signatures };
    if !is_prevalidated {
        recognition.verify()?;
    }
    let remedy_template = RemedyTemplate::compile(entry.remedy, facts, is_prevalidated)
        .map_err(EntryProblem::Remedy)?;
    let check = Check {
        required_providers: OnceLock::new(),
        applies_when,
        criterion,
        found: if is_prevalidated {
            MessageTemplate::prevalidated(&found, facts)
        } else {
            MessageTemplate::compile(&found, facts).map_err(EntryProblem::Found)?
        },
        examples: parse_examples(entry.examples, facts)?,
        id: entry.id,
        title: entry.title,
        severity: entry.severity,
        applies_to,
        requires: entry.requires,
        line: entry.line,
        gate: entry.gate,
        fix_after: entry.fix_after,
        consequence_of,
        moot_when: entry.moot_when,
        scenario: entry.scenario,
        experience: entry.experience,
        stages,
        needs_stage: entry.needs_stage,
        urgent: entry.urgent,
        disturbs: entry.disturbs,
        scope,
        ask_of: entry.ask_of,
        answer_age,
        symptom: entry.symptom,
        recognition,
        remedy: remedy_template.as_written(),
        remedy_template,
        source: entry.source,
        at,
    };
    verify_examples(&check)?;
    Ok(check)
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

/// Returns the lines at which the entries of a list begin.
fn entry_lines(text: &str) -> Vec<usize> {
    let dash = |line: &str| {
        let rest = line.trim_start_matches(' ');
        (rest == "-" || rest.starts_with("- ")).then_some(line.len() - rest.len())
    };
    let outermost = text.lines().find_map(dash);
    let begins = |line: &str| dash(line).is_some() && dash(line) == outermost;
    text.lines().enumerate().filter(|(_, line)| begins(line)).map(|(n, _)| n + 1).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::check::schema;

    /// A file with one check that nothing is wrong with.
    pub(crate) const GOOD: &str = "\
- id: image.zerombr
  title: an unlabelled disk raises no question
  severity: blocks-reprotect
  applies_to: image
  rule: image.kickstart.zerombr
  found: zerombr
  symptom: the installer waits
  remedy: { text: Add zerombr. }
  source: { doc: field, at: threads }
  examples:
    - { pass: { image: { kickstart: { zerombr: true } } } }
    - { fail: { image: { kickstart: { zerombr: false } } } }
    - { unknown: { image: { kickstart: {} } } }
";

    fn read(text: &str) -> Result<Vec<Check>, DefinitionError> {
        let file = Asset { path: "checks/x.yaml".to_owned(), text: text.to_owned() };
        parse_entries(&file)?
            .into_iter()
            .map(|entry| compile_check(entry, schema::all_facts()))
            .collect()
    }

    /// That check with one key more.
    pub(crate) fn with(key: &str) -> String {
        GOOD.replacen("  rule:", &format!("  {key}\n  rule:"), 1)
    }

    fn refusal(text: &str) -> String {
        read(text).err().expect("a refusal").to_string()
    }

    /// The files that are embedded, with their checks, as they lie in the source tree.
    fn embedded() -> Vec<Asset> {
        let names = std::fs::read_dir("checks").unwrap().map(|entry| entry.unwrap().path());
        let files = names.filter(|path| path.is_file() && !path.ends_with("symptoms.yaml"));
        files.map(|path| assets::read_file(&path).unwrap()).collect()
    }

    /// Embedded files are read as JSON, and say the same as the YAML that people read.
    #[test]
    fn an_embedded_file_says_the_same_as_json() {
        assert!(!embedded().is_empty());
        for Asset { path, text } in embedded() {
            let written: Vec<CheckEntry> = yaml::parse(&text, &path).unwrap();
            let json = assets::embedded_check_json(&text).expect(&path);
            assert_eq!(
                serde_json::from_str::<Vec<CheckEntry>>(json).expect(&path),
                written,
                "{path}"
            );
            assert_eq!(assets::embedded_check_json(&format!("{text} ")), None);
        }
    }

    /// Which is why a run may put off compiling them.
    #[test]
    fn every_embedded_rule_and_text_is_right() {
        for file in embedded() {
            for mut written in parse_entries(&file).unwrap() {
                assert!(written.is_prevalidated, "{}", file.path);
                written.is_prevalidated = false;
                let check = compile_check(written, schema::all_facts());
                let check = check.unwrap_or_else(|error| panic!("{error}"));
                assert!(!check.required_providers().is_empty(), "{}", check.id);
            }
        }
    }

    #[test]
    fn a_check_is_read_with_its_place() {
        let text = format!("# a comment\n{GOOD}\n{}", GOOD.replace("image.zero", "image.x-zero"));
        let checks = read(&text).unwrap();
        assert_eq!(checks[0].at.to_string(), "checks/x.yaml, line 2");
        assert_eq!(checks[1].at.to_string(), "checks/x.yaml, line 16");
        assert_eq!(checks[0].applies_to, [TargetKind::Image]);
    }

    #[test]
    fn what_is_wrong_with_a_check_is_said() {
        for (from, to, why) in [
            (
                "severity: blocks-",
                "severity: block-",
                "unknown variant `block-reprotect`, expected one of",
            ),
            (
                "symptom",
                "symptoms",
                "checks/x.yaml, line 7, column 3: unknown key \"symptoms\", did you mean \"symptom\"?",
            ),
            (
                "applies_to: image",
                "applies_to: images",
                "expected a kind of target such as image or linux-mt, or a list of them",
            ),
            (
                "applies_to: image",
                "applies_to: []",
                "checks/x.yaml, line 1: image.zerombr: applies_to is empty",
            ),
            (
                "id: image.zerombr",
                "id: zerombr",
                "checks/x.yaml, line 1: zerombr: an id is subject.condition in kebab-case",
            ),
            ("id: image.zerombr", "id: image.zeroMBR", "an id is subject.condition"),
            ("found: zerombr", "found: ''", "found is blank"),
            ("symptom: the installer waits", "symptom: '-'", "symptom is blank"),
            ("raises no question", "raises no question.", "title is a fragment"),
            ("doc: field", "doc: S009", "no source has the key \"S009\""),
            (
                "found: zerombr",
                "found: '{{image.kickstart.zerombrr}}'",
                "found: there is no fact \"image.kickstart.zerombrr\", did you mean \"image.kickstart.zerombr\"?",
            ),
            ("- { unknown", "- { fail", "there is no unknown example"),
            ("{ unknown:", "{ unknwon:", "did you mean \"unknown\"?"),
            (
                "{ unknown: { image: { kickstart: {} } } }",
                "{ note: nothing }",
                "example 3: it has one of",
            ),
            (
                "unknown: { image: { kickstart: {} }",
                "unknown: { image: { kickstrat: {} }",
                "example 3: image: there is no member \"kickstrat\"",
            ),
            (
                "zerombr: true",
                "zerombr: 'yes'",
                "example 1: image: kickstart: zerombr: \"yes\" is no bool",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let message = refusal(&GOOD.replacen(from, to, 1));
            assert!(message.contains(why), "{to}: {message}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_key_that_may_be_absent_is_said() {
        let when =
            |why: &str| format!("applies_when: {{ rule: image.medium.bios, otherwise: {why} }}");
        for (key, why) in [
            (when("no BIOS"), "there is no not-applicable example"),
            (when("' '"), "applies_when.otherwise is blank"),
            ("warn_rule: image.medium.bios".to_owned(), "there is no warn example"),
            ("said_as: [it hangs, ' ']".to_owned(), "said_as is blank"),
            ("codes: ['']".to_owned(), "codes is blank"),
        ] {
            let message = refusal(&with(&key));
            assert!(message.ends_with(why), "{key}: {message}");
        }
    }

    #[test]
    fn a_wrong_rule_is_named_by_file_line_and_place() {
        let text = format!(
            "{GOOD}{}",
            GOOD.replace("image.zerombr\n", "image.other\n").replace(
                "rule: image.kickstart.zerombr",
                "rule: image.kickstart.erases && image.kickstart.zerombrr",
            )
        );
        insta::assert_snapshot!(refusal(&text), @r#"
        checks/x.yaml, line 14: image.other: rule: image.kickstart has no member "zerombrr", did you mean "zerombr"?
            image.kickstart.erases && image.kickstart.zerombrr
                                                      ^
        "#);
    }
}
