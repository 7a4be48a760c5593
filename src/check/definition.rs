//! Check definitions: `checks/*.yaml` into a verified set.
//!
//! Everything that can be wrong with a check is found here, before anything is connected to. Not
//! for deciding checks: that is `engine`'s.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, check_of, entry_lines};
use super::example::Example;
use super::found::Found;
use super::refusal::{DefinitionError, Problem};
use super::rule::Rule;
use crate::assets::{Asset, Assets, Kind};
use crate::yaml::{self, nearest};

/// What a failed check stands in the way of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Data may be lost.
    DataLoss,
    /// Reprotect will fail, or what is needed for it.
    BlocksReprotect,
    /// Failback will fail.
    BlocksFailback,
    /// Worth mending, and nothing fails by it alone.
    Warning,
    /// Worth knowing.
    Info,
}

impl Severity {
    /// Whether a failure must be mended before going on.
    pub fn is_blocker(self) -> bool {
        self < Self::Warning
    }

    /// The word for it in definitions and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::DataLoss => "data-loss",
            Self::BlocksReprotect => "blocks-reprotect",
            Self::BlocksFailback => "blocks-failback",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a check looks at.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TargetKind {
    /// A finished appliance image.
    Image,
    /// A Linux master target.
    LinuxMt,
}

impl TargetKind {
    /// The word for it in definitions and reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::LinuxMt => "linux-mt",
        }
    }
}

/// How to mend what a check found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// What to do, in sentences.
    pub text: String,
    /// Commands to type; words in capitals are to be replaced.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Whether the target must be stopped for it.
    #[serde(default)]
    pub downtime: bool,
}

/// Where it is written that this must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The document, by its key in `docs/sources.md`.
    pub doc: String,
    /// The place in it.
    pub at: String,
}

/// When a check has a meaning for a target at all.
pub struct Condition {
    /// It has when this is true.
    pub rule: Rule,
    /// Why it has not when this is false; a fragment.
    pub otherwise: String,
}

/// One verified check.
pub struct Check {
    /// Its name for ever, `subject.condition`.
    pub id: String,
    /// What should hold.
    pub title: String,
    /// What a failure stands in the way of.
    pub severity: Severity,
    /// What it looks at.
    pub applies_to: Vec<TargetKind>,
    /// When it has a meaning for a target at all; always, when there is none.
    pub applies_when: Option<Condition>,
    /// Checks that must pass before this one has a meaning.
    pub requires: Vec<String>,
    /// What decides it.
    pub rule: Rule,
    /// What grades a pass down to a warning.
    pub warn_rule: Option<Rule>,
    /// What is said about the facts.
    pub found: Found,
    /// How a failure shows itself to people.
    pub symptom: String,
    /// How to mend it.
    pub remedy: Remedy,
    /// Where it is written.
    pub source: Source,
    /// Its own tests.
    pub examples: Vec<Example>,
    /// The file and line it is defined at.
    pub at: Place,
}

/// Where a check is defined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// The line its entry begins at, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)
    }
}

/// A verified set of checks, in the order they are written.
pub struct CheckSet {
    checks: Vec<Check>,
    places: BTreeMap<String, usize>,
}

impl CheckSet {
    /// Reads every check file of the assets.
    ///
    /// # Errors
    ///
    /// Fails at the first thing that is wrong, named by file, line and check.
    pub fn load(assets: &Assets) -> Result<Self, DefinitionError> {
        let files: Vec<Asset> = assets
            .names(Kind::Check)
            .iter()
            .filter(|name| name.ends_with(".yaml"))
            .map(|name| assets.read(Kind::Check, name))
            .collect::<Result<_, _>>()?;
        Self::read(&files)
    }

    /// Reads check files given as texts.
    ///
    /// # Errors
    ///
    /// As [`CheckSet::load`].
    pub fn read(files: &[Asset]) -> Result<Self, DefinitionError> {
        let mut checks = Vec::new();
        for file in files {
            let entries: Vec<Entry> = yaml::parse(&file.text, &file.path)?;
            let lines = entry_lines(&file.text);
            for (index, entry) in entries.into_iter().enumerate() {
                let line = lines.get(index).copied().unwrap_or(1);
                checks.push(check_of(entry, Place { file: file.path.clone(), line })?);
            }
        }
        Self::connect(checks)
    }

    /// Makes a set of single checks: ids are unique, prerequisites exist and form no circle.
    fn connect(checks: Vec<Check>) -> Result<Self, DefinitionError> {
        if checks.is_empty() {
            return Err(DefinitionError::Empty);
        }
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for (index, check) in checks.iter().enumerate() {
            if let Some(earlier) = places.insert(check.id.clone(), index) {
                return Err(check.error(Problem::Duplicate(checks[earlier].at.clone())));
            }
        }
        let set = Self { checks, places };
        for check in &set.checks {
            set.verify_requires(check).map_err(|problem| check.error(problem))?;
        }
        set.verify_no_circle()?;
        Ok(set)
    }

    fn verify_requires(&self, check: &Check) -> Result<(), Problem> {
        for id in &check.requires {
            let required = self.find(id).ok_or_else(|| Problem::NoSuchCheck {
                id: id.clone(),
                nearest: self.nearest(id).map(str::to_owned),
            })?;
            let mut kinds = check.applies_to.iter();
            if let Some(&kind) = kinds.find(|kind| !required.applies_to.contains(kind)) {
                return Err(Problem::Elsewhere { id: id.clone(), kind });
            }
        }
        Ok(())
    }

    fn verify_no_circle(&self) -> Result<(), DefinitionError> {
        let mut settled = vec![false; self.checks.len()];
        for start in 0..self.checks.len() {
            self.walk(start, &mut Vec::new(), &mut settled)?;
        }
        Ok(())
    }

    fn walk(
        &self,
        index: usize,
        path: &mut Vec<usize>,
        settled: &mut [bool],
    ) -> Result<(), DefinitionError> {
        if settled[index] {
            return Ok(());
        }
        if let Some(from) = path.iter().position(|&earlier| earlier == index) {
            let circle = path[from..].iter().chain([&index]);
            let ids = circle.map(|&index| self.checks[index].id.clone()).collect();
            return Err(self.checks[path[from]].error(Problem::Circle(ids)));
        }
        path.push(index);
        for id in &self.checks[index].requires {
            self.walk(self.places[id], path, settled)?;
        }
        path.pop();
        settled[index] = true;
        Ok(())
    }

    /// All checks, in the order they are written.
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// The check of this id.
    pub fn find(&self, id: &str) -> Option<&Check> {
        self.position(id).map(|index| &self.checks[index])
    }

    /// Where in [`CheckSet::checks`] the check of this id stands.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// The id that is spelled most like `id`.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.places.keys().map(String::as_str))
    }
}

impl Check {
    fn error(&self, problem: Problem) -> DefinitionError {
        DefinitionError::Check {
            at: self.at.clone(),
            id: self.id.clone(),
            problem: Box::new(problem),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
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

    fn read(text: &str) -> Result<CheckSet, DefinitionError> {
        CheckSet::read(&[Asset { path: "checks/x.yaml".to_owned(), text: text.to_owned() }])
    }

    fn refusal(text: &str) -> String {
        read(text).err().expect("a refusal").to_string()
    }

    #[test]
    fn a_check_is_read_with_its_place() {
        let text = format!("# a comment\n{GOOD}\n{}", GOOD.replace("image.zero", "image.x-zero"));
        let set = read(&text).unwrap();
        assert_eq!(set.checks()[0].at.to_string(), "checks/x.yaml, line 2");
        assert_eq!(set.checks()[1].at.to_string(), "checks/x.yaml, line 16");
        assert_eq!(set.find("image.zerombr").unwrap().applies_to, [TargetKind::Image]);
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
                "expected image, linux-mt, or a list of them",
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
            ("raises no question", "raises no question.", "a title is a fragment"),
            ("doc: field", "doc: S009", "no source has the key \"S009\""),
            (
                "found: zerombr",
                "found: '{{image.kickstart.zerombrr}}'",
                "found: there is no fact \"image.kickstart.zerombrr\", did you mean \"image.kickstart.zerombr\"?",
            ),
            (
                "  rule:",
                "  requires: [image.zerombr2]\n  rule:",
                "requires \"image.zerombr2\", which does not exist, did you mean \"image.zerombr\"?",
            ),
            (
                "  rule:",
                "  requires: [image.zerombr]\n  rule:",
                "requires itself: image.zerombr -> image.zerombr",
            ),
            (
                "  rule:",
                "  applies_when: { rule: image.medium.bios, otherwise: no BIOS }\n  rule:",
                "there is no not-applicable example",
            ),
            (
                "  rule:",
                "  applies_when: { rule: image.medium.bios, otherwise: ' ' }\n  rule:",
                "applies_when.otherwise is blank",
            ),
            ("  rule:", "  warn_rule: image.medium.bios\n  rule:", "there is no warn example"),
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
        assert_eq!(refusal("[]"), "no checks are defined");
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

    #[test]
    fn ids_are_unique_and_prerequisites_form_no_circle() {
        assert_eq!(
            refusal(&GOOD.repeat(2)),
            "checks/x.yaml, line 14: image.zerombr: the id is taken by the check at \
             checks/x.yaml, line 1"
        );
        let one = GOOD.replacen("  rule:", "  requires: [image.b]\n  rule:", 1);
        let two = GOOD.replacen("  rule:", "  requires: [image.zerombr]\n  rule:", 1).replacen(
            "id: image.zerombr",
            "id: image.b",
            1,
        );
        assert!(
            refusal(&format!("{one}{two}"))
                .ends_with("requires itself: image.zerombr -> image.b -> image.zerombr")
        );
        let elsewhere = one.replacen("applies_to: image", "applies_to: [image, linux-mt]", 1);
        let alone = GOOD.replacen("id: image.zerombr", "id: image.b", 1);
        assert!(
            refusal(&format!("{elsewhere}{alone}"))
                .ends_with("requires \"image.b\", which does not apply to linux-mt")
        );
    }
}
