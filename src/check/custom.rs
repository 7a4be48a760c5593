//! Probes that checks bring themselves, for facts the program does not know: a shell text, and a
//! pattern whose named groups become facts. Rules know them as `own.PROBE.GROUP`.
//!
//! Not for sending them (`transport`); they are put into the same script as all others.

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::schema::{self, CUSTOM_ROOT, FactType};
use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Document, Fact, Unavailable};
use crate::shell;

/// The longest shell text, in bytes.
const MAX_SHELL_BYTES: usize = 4000;

/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1000;

/// The most memory that a compiled pattern may take, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// The longest captured text that becomes a fact, in bytes.
const MAX_FACT_BYTES: usize = 1000;

/// One probe as a check file has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeEntry {
    name: String,
    shell: String,
    pattern: String,
}

impl ProbeEntry {
    /// Returns the name as written.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// A verified probe of a site's own check.
#[derive(Clone, Debug)]
pub struct CustomProbe {
    entry: ProbeEntry,
    pattern: Regex,
}

/// Why a probe of a check is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CustomProbeError {
    /// A name that rules cannot contain.
    #[error("{0:?} is not a name: small letters, digits and underscores, a letter first")]
    Name(String),
    /// An empty or too long shell text.
    #[error("its shell text has {0} bytes, between 1 and {MAX_SHELL_BYTES} are read")]
    Shell(usize),
    /// A control character in the shell text.
    #[error("its shell text has the control character {0:?}")]
    Control(char),
    /// A pattern that is too long.
    #[error("its pattern has {0} bytes, at most {MAX_PATTERN_BYTES} are read")]
    LongPattern(usize),
    /// A pattern that is no regular expression, or takes too much memory.
    #[error("its pattern is not a regular expression: {0}")]
    Pattern(String),
    /// A pattern without a named group.
    #[error("its pattern has no named group, and so it leads to no fact")]
    NoGroup,
    /// Two different probes with one name.
    #[error("another check asks something else by this name, at {0}")]
    Different(super::model::DefinitionLocation),
}

impl CustomProbeError {
    /// Returns what to do about the error.
    pub(super) fn hint(&self) -> Option<String> {
        match self {
            Self::NoGroup => Some("name what is wanted: (?P<version>[0-9.]+)".to_owned()),
            Self::Different(_) => Some("give one of them another name".to_owned()),
            _ => None,
        }
    }
}

impl CustomProbe {
    /// Compiles a probe and verifies it by itself.
    pub(super) fn compile(entry: &ProbeEntry) -> Result<Self, CustomProbeError> {
        if !is_name(&entry.name) {
            return Err(CustomProbeError::Name(entry.name.clone()));
        }
        let shell = &entry.shell;
        if shell.trim().is_empty() || shell.len() > MAX_SHELL_BYTES {
            return Err(CustomProbeError::Shell(shell.trim().len()));
        }
        if let Some(c) = shell.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(CustomProbeError::Control(c));
        }
        if entry.pattern.len() > MAX_PATTERN_BYTES {
            return Err(CustomProbeError::LongPattern(entry.pattern.len()));
        }
        let pattern = RegexBuilder::new(&entry.pattern)
            .size_limit(MAX_COMPILED_BYTES)
            .dfa_size_limit(MAX_COMPILED_BYTES)
            .nest_limit(50)
            .build()
            .map_err(|error| CustomProbeError::Pattern(regex_fault(&error)))?;
        let mut names = pattern.capture_names().flatten();
        match names.find(|name| !is_name(name)) {
            Some(name) => Err(CustomProbeError::Name(name.to_owned())),
            None if pattern.capture_names().flatten().next().is_none() => {
                Err(CustomProbeError::NoGroup)
            }
            None => Ok(Self { entry: entry.clone(), pattern }),
        }
    }

    /// Returns the name that rules use.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// Whether another check brings the same probe.
    pub(super) fn is_same(&self, entry: &ProbeEntry) -> bool {
        self.entry == *entry
    }

    /// Returns the probe for the script. `eval` keeps a shell text with a syntax error from breaking
    /// the rest of the script.
    pub fn probe(&self) -> Probe {
        let shell = format!("eval {}", shell::quote(&self.entry.shell));
        Probe { name: self.script_name().into(), shell: shell.into(), is_quick: false }
    }

    /// Returns the name in the script; no built-in probe has this prefix.
    fn script_name(&self) -> String {
        format!("own-{}", self.entry.name)
    }

    fn groups(&self) -> impl Iterator<Item = &str> {
        self.pattern.capture_names().flatten()
    }

    /// Returns the facts in a host's output.
    fn facts(&self, transcript: &Transcript) -> BTreeMap<&str, Fact<String>> {
        let groups = transcript.text(ProbeName::new(&self.script_name())).and_then(|text| {
            let groups = self.pattern.captures(text);
            Ok(groups.ok_or("the answer does not match the pattern")?)
        });
        let fact = |name: &str| {
            let group = groups.as_ref()?.name(name);
            let found = group.ok_or("the answer matches the pattern without this group")?;
            if found.len() > MAX_FACT_BYTES {
                return Err(Unavailable::from(format!("it has {} bytes", found.len())));
            }
            Ok(found.as_str().to_owned())
        };
        self.groups().map(|name| (name, fact(name).into())).collect()
    }
}

/// Returns the types of all facts, with those of these probes.
pub(super) fn fact_types(probes: &[CustomProbe]) -> FactType {
    let texts = |probe: &CustomProbe| {
        let groups = probe.groups().map(|group| (group.to_owned(), FactType::text()));
        (probe.name().to_owned(), FactType::Record(Arc::new(groups.collect())))
    };
    let FactType::Record(known) = schema::all_facts() else { return schema::all_facts().clone() };
    let mut roots = BTreeMap::clone(known);
    if !probes.is_empty() {
        roots.insert(
            CUSTOM_ROOT.to_owned(),
            FactType::Record(Arc::new(probes.iter().map(texts).collect())),
        );
    }
    FactType::Record(Arc::new(roots))
}

/// Returns the facts of these probes on one host.
pub(super) fn facts(probes: &[CustomProbe], transcript: &Transcript) -> Document {
    if probes.is_empty() {
        return Document::default();
    }
    let tree: BTreeMap<&str, BTreeMap<&str, Fact<String>>> =
        probes.iter().map(|probe| (probe.name(), probe.facts(transcript))).collect();
    Document::new(CUSTOM_ROOT, &tree)
}

/// Whether a text is a valid name in rules.
fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    (1..=40).contains(&text.len())
        && text.bytes().all(fits)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Returns the message of a regular expression's error on one line.
fn regex_fault(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("it takes more than {limit} bytes"),
        other => other.to_string().lines().last().unwrap_or_default().replace("error: ", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::failure_kind::FailureKind;
    use crate::facts::target_kind::TargetKind;
    use crate::facts::transcript::{CollectedBy, ProbeAnswer};
    use serde_json::json;

    fn entry(name: &str, shell: &str, pattern: &str) -> ProbeEntry {
        ProbeEntry { name: name.into(), shell: shell.into(), pattern: pattern.into() }
    }

    fn probe(pattern: &str) -> CustomProbe {
        CustomProbe::compile(&entry("backup", "cat /etc/backup", pattern)).unwrap()
    }

    fn transcript(status: i32, text: &str) -> Transcript {
        let failure = crate::facts::transcript::Failure {
            kind: FailureKind::Refused,
            reason: "connection refused".into(),
            hint: None,
        };
        let mut transcript =
            Transcript::from_failure("mt1", TargetKind::LinuxMt, CollectedBy::Ssh, failure);
        let answer = ProbeAnswer { status, text: text.into() };
        transcript.answers.by_probe.insert("own-backup".into(), answer);
        transcript.answers.ended = true;
        transcript
    }

    #[test]
    fn named_groups_become_facts_and_what_does_not_match_is_unknown() {
        let probes = [probe(r"(?m)^version (?P<version>\S+)( by (?P<maker>\w+))?$")];
        let document = facts(&probes, &transcript(0, "x\nversion 2.1\n"));
        assert_eq!(document.known, json!({ "own": { "backup": { "version": "2.1" } } }));
        let reason =
            |transcript: &Transcript, path: &str| facts(&probes, transcript).absent[path].clone();
        for (transcript, path, why) in [
            (
                transcript(0, "version 2.1\n"),
                "own.backup.maker",
                "the answer matches the pattern without this group",
            ),
            (transcript(0, "no\n"), "own.backup.version", "the answer does not match the pattern"),
            (transcript(1, "version 1\n"), "own.backup.version", "own-backup exited with status 1"),
            (
                transcript(0, &format!("version {}\n", "9".repeat(2000))),
                "own.backup.version",
                "it has 2000 bytes",
            ),
        ] {
            assert_eq!(reason(&transcript, path), why);
        }
        let mut silent = transcript(0, "");
        silent.answers.by_probe.clear();
        assert_eq!(reason(&silent, "own.backup.version"), "connection refused");
    }

    #[test]
    fn what_is_no_probe_is_refused() {
        for (name, shell, pattern, says) in [
            ("Backup", "x", "(?P<a>x)", "\"Backup\" is not a name"),
            ("a-b", "x", "(?P<a>x)", "\"a-b\" is not a name"),
            ("a", " \n", "(?P<a>x)", "its shell text has 0 bytes"),
            ("a", "x\u{1b}", "(?P<a>x)", "control character '\\u{1b}'"),
            ("a", "x", "(x", "its pattern is not a regular expression: unclosed group"),
            ("a", "x", "(x)", "its pattern has no named group"),
            ("a", "x", "(?P<A>x)", "\"A\" is not a name"),
            ("a", "x", r"(?P<a>\w{1000}{1000})", "it takes more than 1048576 bytes"),
        ] {
            let fault = CustomProbe::compile(&entry(name, shell, pattern)).unwrap_err().to_string();
            assert!(fault.contains(says), "{pattern}: {fault}");
        }
        assert!(CustomProbe::compile(&entry("a", &"x".repeat(4001), "(?P<a>x)")).is_err());
        assert!(CustomProbe::compile(&entry("a", "x", &"x".repeat(1001))).is_err());
    }

    #[test]
    fn a_shell_text_that_is_none_spoils_nothing_behind_it() {
        use crate::facts::script::{Nonce, assemble, parse_output};
        let texts = ["echo 'it is'", "echo 'open", "}", ")", "exit 3", "if", "echo \\", "cat <<X"];
        let mut probes: Vec<Probe> = texts
            .iter()
            .enumerate()
            .map(|(index, shell)| {
                CustomProbe::compile(&entry(&format!("p{index}"), shell, "(?P<a>x)"))
                    .unwrap()
                    .probe()
            })
            .collect();
        probes.push(Probe::new(ProbeName::new("last"), "echo here"));
        let nonce = Nonce::from_bytes([7; 16]);
        let text = assemble(&probes, &Default::default(), &nonce);
        for shell in ["sh", "bash"] {
            let Ok(output) = std::process::Command::new(shell).arg("-c").arg(&text).output() else {
                continue;
            };
            let output = String::from_utf8_lossy(&output.stdout).into_owned();
            let answers = parse_output(&output, Some(&nonce));
            assert!(answers.ended, "{shell}: {output}");
            assert_eq!(answers.by_probe["last"].text, "here\n", "{shell}");
            assert_eq!(answers.by_probe["own-p0"].text, "it is\n", "{shell}");
            assert_eq!(answers.by_probe["own-p4"].status, 3, "{shell}");
        }
    }
}
