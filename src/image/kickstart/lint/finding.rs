//! What rules look at and what they find, bounded in number.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::image::kickstart::parse::Document;
use crate::image::profile::Generation;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The installation stops, asks, or does what nobody wants.
    Error,
    /// Worth a look.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// The line, counted from 1; 0 when something is missing from the whole.
    pub line: usize,
    /// What kind of thing, in kebab-case; never renamed.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is there and what happens then.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.code, self.message),
            line => write!(f, "line {line}: {}: {}", self.code, self.message),
        }
    }
}

/// Findings of one code that are kept. Nobody reads more, and a hostile file has one for each of
/// its hundred thousand lines.
pub(super) const MOST_OF_ONE_CODE: usize = 100;

/// The findings so far; each rule adds its own.
#[derive(Default)]
pub struct Findings {
    pub kept: Vec<Lint>,
    /// How many there were of each code, kept or not.
    counts: BTreeMap<&'static str, usize>,
    /// The last one that was not kept, for a rule to put its hint on.
    spare: Option<Lint>,
}

impl Findings {
    /// Whether a finding of this code would still be kept.
    pub fn wants(&self, code: &str) -> bool {
        self.counts.get(code).is_none_or(|count| *count < MOST_OF_ONE_CODE)
    }

    pub fn error(
        &mut self,
        line: usize,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Lint {
        self.add(line, code, Severity::Error, message.into())
    }

    pub fn warning(
        &mut self,
        line: usize,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Lint {
        self.add(line, code, Severity::Warning, message.into())
    }

    fn add(
        &mut self,
        line: usize,
        code: &'static str,
        severity: Severity,
        message: String,
    ) -> &mut Lint {
        let lint = Lint { line, code, severity, message, hint: None };
        let wanted = self.wants(code);
        *self.counts.entry(code).or_default() += 1;
        if !wanted {
            return self.spare.insert(lint);
        }
        self.kept.push(lint);
        self.kept.last_mut().expect("it was just pushed")
    }
}

impl Lint {
    pub(super) fn hint(&mut self, hint: impl Into<String>) {
        self.hint = Some(hint.into());
    }
}

/// What a rule looks at.
pub struct Subject<'a> {
    /// Its text.
    pub text: &'a str,
    /// The same, read.
    pub document: &'a Document,
    /// The installer it is for.
    pub generation: Generation,
}

impl Subject<'_> {
    pub fn is_el6(&self) -> bool {
        self.generation == Generation::El6
    }
}
