//! The input of the rules and their findings, bounded in number.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::installer::kickstart::parse::KickstartDocument;
use crate::packages::generation::Generation;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "kebab-case")]
pub enum LintSeverity {
    /// The installation stops, asks, or does damage.
    Error,
    /// Worth a look.
    Warning,
}

impl LintSeverity {
    /// The word for it, as compilers write it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Which kickstarts a rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LintStyle {
    /// For every kickstart: the installer stops, or does not what is written.
    Syntax,
    /// For a master target that installs without a question.
    Policy,
}

/// The codes of rules that hold for a master target and an unattended installation alone.
const POLICY_CODES: &[&str] = &[
    "asks-questions",
    "boot-sector-under-uefi",
    "cmdline",
    "command-too-late",
    "cut-short-by-hash",
    "disk-not-cleared",
    "disks-can-swap",
    "erases-any-disk",
    "errors-ignored",
    "ignore-missing",
    "include",
    "no-boot-loader",
    "no-bootloader",
    "no-clearpart",
    "no-display-mode",
    "no-ending",
    "no-host-name",
    "no-initlabel",
    "no-keyboard",
    "no-language",
    "no-name-server",
    "no-packages",
    "no-root-partition",
    "no-root-password",
    "no-source",
    "no-swap",
    "no-timezone",
    "no-zerombr",
    "non-ascii",
    "not-a-plain-partition",
    "not-minimal",
    "not-on-boot",
    "nobase-on-el7",
    "nothing-cleared",
    "other-disks-usable",
    "part-without-disk",
    "part-without-size",
    "percent-in-script",
    "partition-too-small",
    "plain-password",
    "retention-on-system-disk",
    "static-incomplete",
    "too-large",
    "two-endings",
    "two-sources",
    "unknown-interpreter",
    "upgrade",
    "weak-hash",
    "written-twice",
];

impl LintStyle {
    fn from_code(code: &str) -> Self {
        if POLICY_CODES.contains(&code) { Self::Policy } else { Self::Syntax }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LintFinding {
    /// The line, counted from 1; 0 when something is missing from the whole.
    pub line: usize,
    /// The character in that line, counted from 1; 0 where the line is 0.
    pub column: usize,
    /// What kind of thing, in kebab-case; never renamed.
    pub code: &'static str,
    /// How bad it is.
    pub severity: LintSeverity,
    /// Whether every kickstart must obey the rule, or a master target's alone.
    pub style: LintStyle,
    /// What is there and what happens then.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// The word it is about.
    #[serde(skip)]
    pub(super) word: Option<String>,
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.code, self.message),
            line => write!(f, "line {line}: {}: {}", self.code, self.message),
        }
    }
}

/// Findings of one code that are kept. Nobody reads more, and a hostile file has one for each of
/// its hundred thousand lines.
pub(super) const MAX_PER_CODE: usize = 100;

/// The findings so far; each rule adds its own.
#[derive(Default)]
pub struct Findings {
    pub lints: Vec<LintFinding>,
    /// How many there were of each code, kept or not.
    counts: BTreeMap<&'static str, usize>,
    /// The last one that was not kept, for a rule to put its hint on.
    overflow: Option<LintFinding>,
}

impl Findings {
    /// Whether a finding of this code would still be kept.
    pub fn has_room(&self, code: &str) -> bool {
        self.counts.get(code).is_none_or(|count| *count < MAX_PER_CODE)
    }

    pub fn error(
        &mut self,
        line: usize,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut LintFinding {
        self.add(line, code, LintSeverity::Error, message.into())
    }

    pub fn warning(
        &mut self,
        line: usize,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut LintFinding {
        self.add(line, code, LintSeverity::Warning, message.into())
    }

    fn add(
        &mut self,
        line: usize,
        code: &'static str,
        severity: LintSeverity,
        message: String,
    ) -> &mut LintFinding {
        let style = LintStyle::from_code(code);
        let lint =
            LintFinding { line, column: 0, code, severity, style, message, hint: None, word: None };
        let wanted = self.has_room(code);
        *self.counts.entry(code).or_default() += 1;
        if !wanted {
            return self.overflow.insert(lint);
        }
        self.lints.push(lint);
        self.lints.last_mut().expect("it was just pushed")
    }
}

impl LintFinding {
    pub(super) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }

    /// Says that the rule holds for a master target alone, whatever others of its code are.
    pub(super) fn policy(&mut self) -> &mut Self {
        self.style = LintStyle::Policy;
        self
    }

    /// Says that the rule holds for every kickstart, whatever others of its code are.
    pub(super) fn syntax(&mut self) -> &mut Self {
        self.style = LintStyle::Syntax;
        self
    }

    /// Says which word of the line it is about.
    pub(super) fn at_word(&mut self, word: &str) -> &mut Self {
        self.word = Some(word.to_owned());
        self
    }

    /// Finds the column: that of the word, or of the first thing in the line.
    pub(in crate::installer) fn set_column(&mut self, lines: &[&str]) {
        let Some(line) = self.line.checked_sub(1).and_then(|index| lines.get(index)) else {
            return;
        };
        let word = self.word.as_deref().and_then(|word| line.find(word));
        let at = word.unwrap_or(line.len() - line.trim_start().len());
        self.column = line[..at].chars().count() + 1;
    }
}

/// The input of a rule.
pub struct LintSubject<'a> {
    /// Its text.
    pub text: &'a str,
    /// The same, read.
    pub document: &'a KickstartDocument,
    /// The installer it is for.
    pub generation: Generation,
}

impl LintSubject<'_> {
    pub fn is_el6(&self) -> bool {
        self.generation == Generation::EL6
    }
}
