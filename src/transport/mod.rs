//! All input and output with hosts and servers.
//!
//! A transport runs one script on one host and returns its output. Not for what the script is, nor
//! for what its output means: that is `facts`.

pub mod azure;
pub mod capture;
pub mod fleet;
pub mod http;
pub mod local;
pub mod sos;
pub mod ssh;
pub mod vsphere;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::facts::failure_kind::FailureKind;
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::script::{Nonce, assemble, parse_output};
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{
    AnswerOverrides, CollectedBy, Connection, Failure, ProbeAnswer, SCHEMA, SshSession, Transcript,
};
use crate::random;

/// The time limit of one host, from the first packet to the end of its answers.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes read of one host's standard output.
pub const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// A way to run a script on one host, from any thread.
pub trait Transport: Send + Sync {
    /// Returns the way that answers come, as transcripts have it.
    fn by(&self) -> CollectedBy;

    /// Runs a script with `sh -s` on the host and returns its output up to the end marker of the
    /// nonce.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the script did not start. A script that was cut off is no error: its output
    /// says so.
    fn run(&self, script: &str, nonce: &Nonce) -> Result<ScriptOutput, Failure>;

    /// Returns answers that need no shell of the host.
    fn extra_answers(&self) -> BTreeMap<String, ProbeAnswer> {
        BTreeMap::new()
    }
}

/// The output of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    /// The standard output, at most [`MAX_OUTPUT`] bytes of it.
    pub stdout: Vec<u8>,
    /// Why the script ended early; absent when it ended by itself.
    pub failure: Option<Failure>,
    /// The algorithms and the login of an SSH connection.
    pub ssh: Option<SshSession>,
}

/// Collects the answers of one host. A host that cannot be reached gives a transcript with a failure.
pub fn collect(
    target: &str,
    kind: TargetKind,
    transport: &dyn Transport,
    probes: &[Probe],
    around: &ProbeEnv,
) -> Transcript {
    let asked_at = Timestamp::now();
    let failed = |failure| Transcript {
        asked_at: Some(asked_at),
        ..Transcript::from_failure(target, kind, transport.by(), failure)
    };
    let nonce = match new_nonce() {
        Ok(nonce) => nonce,
        Err(error) => {
            let reason = format!("no random numbers: {error}");
            return failed(Failure { kind: FailureKind::Local, reason, hint: None });
        }
    };
    let output = match transport.run(&assemble(probes, around, &nonce), &nonce) {
        Ok(output) => output,
        Err(failure) => return failed(failure),
    };
    let mut answers = parse_output(&String::from_utf8_lossy(&output.stdout), Some(&nonce));
    for (name, answer) in transport.extra_answers() {
        // An answer of the host's own shell wins.
        if answers.by_probe.get(&name).is_none_or(|said| said.status != 0) {
            answers.by_probe.insert(name, answer);
        }
    }
    let failure = if answers.ended { None } else { output.failure };
    Transcript {
        schema: SCHEMA.to_owned(),
        target: target.to_owned(),
        kind,
        asked_at: Some(asked_at),
        connection: Connection { by: transport.by(), failure, ssh: output.ssh },
        answers,
        overrides: AnswerOverrides::default(),
    }
}

/// Describes how a command on a host ended, as a fragment.
fn describe_exit(status: i32, signal: Option<&str>) -> String {
    match signal {
        Some(signal) => format!("signal {signal}"),
        None => format!("status {status}"),
    }
}

fn new_nonce() -> io::Result<Nonce> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes)?;
    Ok(Nonce::from_bytes(bytes))
}
