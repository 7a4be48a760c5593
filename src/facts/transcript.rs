//! What one host answered: raw, redacted and replayable. Every fact of a host is read from one.
//!
//! Not for asking (`transport`), nor for what the answers mean: each subject of facts parses its
//! own.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Unavailable;
use super::answer_bound::longest_answer;
use super::failure_kind::FailureKind;
use super::probe::ProbeName;
use super::target_kind::TargetKind;

/// The name of the capture format and its generation.
pub const SCHEMA: &str = "preflight.capture/1";

/// The way that answers came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum CollectedBy {
    /// Over SSH.
    Ssh,
    /// By the shell of the machine that asks, which so asks itself.
    Local,
    /// By the script, which somebody else or the host itself ran.
    Script,
    /// Out of a sosreport that somebody made on the host.
    Sos,
    /// Over the vSphere API.
    Vsphere,
}

impl CollectedBy {
    /// Returns the word for it in captures and reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The answer to one probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeAnswer {
    /// The exit status of the probe's shell.
    pub status: i32,
    /// What it printed.
    pub text: String,
}

/// All answers of one script.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeAnswers {
    /// The answers by the name of their probe.
    pub by_probe: BTreeMap<String, ProbeAnswer>,
    /// Whether the script's end was seen. Without it no answer counts: a shell that was killed, or
    /// a connection that broke, may have been wrong before that.
    pub ended: bool,
    /// The probe whose answer was not complete when the script was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<String>,
}

/// How a host was reached, as far as checks speak of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// The way that its answers came.
    pub by: CollectedBy,
    /// Why the host could not be asked, as a fragment; absent when it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What the SSH server and we agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<SshSession>,
}

impl Connection {
    /// The way to a host that was asked, without more about it.
    pub fn new(by: CollectedBy) -> Self {
        Self { by, failure: None, ssh: None }
    }
}

/// Why a host could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// What kind it is.
    pub kind: FailureKind,
    /// What happened, as a fragment.
    pub reason: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// What happened and what to do about it, as one fragment: whoever reads that something is
    /// unknown for it has nothing else to go by.
    pub fn summary(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{} ({hint})", self.reason),
            None => self.reason.clone(),
        }
    }
}

/// What an SSH server and we agreed on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SshSession {
    /// The server's identification line, such as `SSH-2.0-OpenSSH_5.3`.
    pub banner: String,
    /// The key exchange method.
    pub key_exchange: String,
    /// The type of the server's host key.
    pub host_key: String,
    /// The cipher towards us.
    pub cipher: String,
    /// The message authentication code towards us.
    pub mac: String,
    /// How we logged in: `agent`, `key`, `password`, `keyboard-interactive`.
    pub login: String,
    /// Whether algorithms of the SHA-1 era were allowed.
    pub legacy: bool,
}

/// What one host answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transcript {
    /// Always `preflight.capture/1`.
    pub schema: String,
    /// The host's name in reports.
    pub target: String,
    /// What was asked.
    pub kind: TargetKind,
    /// When it was asked, by the clock of whoever asked (its own, when it asked itself); absent
    /// when nobody noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_at: Option<Timestamp>,
    /// How it was reached.
    pub connection: Connection,
    /// What it answered.
    pub answers: ProbeAnswers,
    /// How the answers count in one evaluation; no part of a capture.
    #[serde(skip)]
    pub overrides: AnswerOverrides,
}

/// How answers count in one evaluation, where that is not simply as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnswerOverrides {
    /// By probe: what counts in place of the answer, or why it does not count.
    pub replaced: BTreeMap<String, Result<ProbeAnswer, Unavailable>>,
    /// When the answers are evaluated; absent where their age does not matter.
    pub now: Option<Timestamp>,
    /// Why what changes quickly is unknown; absent while the answers are young enough.
    pub stale: Option<String>,
}

impl Transcript {
    /// The transcript of a host that could not be asked.
    pub fn from_failure(target: &str, kind: TargetKind, by: CollectedBy, failure: Failure) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            target: target.to_owned(),
            kind,
            asked_at: None,
            connection: Connection { failure: Some(failure), ..Connection::new(by) },
            answers: ProbeAnswers::default(),
            overrides: AnswerOverrides::default(),
        }
    }

    /// The answer to a probe, whatever its exit status. What a script that was cut off had answered
    /// before is none, and so is what is longer than any good host's: no part of it is taken for the
    /// whole.
    pub fn answer(&self, probe: ProbeName<'_>) -> Result<&ProbeAnswer, Unavailable> {
        let name = probe.as_str();
        let given = self.answers.by_probe.get(name).filter(|_| self.answers.ended);
        let given = given.ok_or_else(|| self.missing_reason())?;
        let answer = match self.overrides.replaced.get(name) {
            Some(instead) => instead.as_ref()?,
            None => given,
        };
        let most = longest_answer(self.kind, name);
        if answer.text.len() > most {
            return Err(format!("{probe} answered with more than {} KiB", most >> 10).into());
        }
        Ok(answer)
    }

    /// Whether a probe has an answer, complete or not.
    pub fn was_asked(&self, probe: ProbeName<'_>) -> bool {
        self.answers.by_probe.contains_key(probe.as_str())
    }

    /// What a probe printed, when it succeeded.
    pub fn text(&self, probe: ProbeName<'_>) -> Result<&str, Unavailable> {
        let answer = self.answer(probe)?;
        match answer.status {
            0 => Ok(&answer.text),
            124 | 143 => Err(format!("{probe} did not answer in time").into()),
            127 => Err(format!("{probe}: the command is missing on the host").into()),
            status => Err(format!("{probe} exited with status {status}").into()),
        }
    }

    /// Why a probe has no answer.
    fn missing_reason(&self) -> String {
        let reason = match &self.connection.failure {
            Some(failure) => failure.summary(),
            None if self.connection.by == CollectedBy::Sos => {
                return "the sosreport does not tell it".to_owned();
            }
            None if self.answers.ended => return "it was not asked".to_owned(),
            None => "the answers were cut short".to_owned(),
        };
        match &self.answers.unanswered {
            Some(probe) => format!("{reason} (the last probe that ran: {probe})"),
            None => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::answer_bound::MAX_ANSWER;

    fn transcript_with(kind: TargetKind, probe: &str, bytes: usize) -> Transcript {
        let failure = Failure { kind: FailureKind::Local, reason: String::new(), hint: None };
        let mut transcript = Transcript::from_failure("mt1", kind, CollectedBy::Script, failure);
        transcript.connection.failure = None;
        let answer = ProbeAnswer { status: 0, text: "x".repeat(bytes) };
        transcript.answers.by_probe.insert(probe.to_owned(), answer);
        transcript.answers.ended = true;
        transcript
    }

    #[test]
    fn each_way_has_one_word_in_captures_and_elsewhere() {
        for by in [
            CollectedBy::Ssh,
            CollectedBy::Local,
            CollectedBy::Script,
            CollectedBy::Sos,
            CollectedBy::Vsphere,
        ] {
            assert_eq!(serde_json::to_value(by).unwrap(), by.as_str());
        }
    }

    #[test]
    fn an_answer_longer_than_any_good_hosts_is_none_whatever_the_probe() {
        for probe in ["uname", "packages", "retention-path", "own-backup"] {
            for kind in [TargetKind::LinuxMt, TargetKind::ProcessServer, TargetKind::Esxi] {
                assert!(
                    transcript_with(kind, probe, MAX_ANSWER).text(ProbeName::new(probe)).is_ok()
                );
                let long = transcript_with(kind, probe, MAX_ANSWER + 1);
                let why = long.text(ProbeName::new(probe)).unwrap_err();
                assert_eq!(why.reason, format!("{probe} answered with more than 256 KiB"));
            }
        }
        for (kind, probe) in
            [(TargetKind::Vcenter, "machines"), (TargetKind::LinuxMt, "newest-capture")]
        {
            assert!(
                transcript_with(kind, probe, MAX_ANSWER + 1).text(ProbeName::new(probe)).is_ok()
            );
        }
    }
}
