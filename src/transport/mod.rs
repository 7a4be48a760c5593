//! Who can be asked, and how: all input and output with hosts is here.
//!
//! A transport carries one script to one host and brings back what it printed. Not for what is
//! asked nor for what answers mean: that is `facts`.

pub mod capture;
pub mod fleet;
pub mod http;
pub mod local;
pub mod ssh;
pub mod target;
pub mod vsphere;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use jiff::Timestamp;

use crate::facts::probe::{Probe, Surroundings};
use crate::facts::script::{Nonce, answers, script};
use crate::facts::transcript::{
    Answer, Connection, Failure, Reading, SCHEMA, SshSession, Transcript,
};
use crate::random;

/// How long one host may take, from the first packet to the end of its answers.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The most that is read of one host's standard output, in bytes.
pub const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// A way to one host; it is taken from whichever thread is free.
pub trait Transport: Send + Sync {
    /// What the transcript calls it: `ssh`, `local`.
    fn name(&self) -> &'static str;

    /// Runs a script with `sh -s` on the host and gives what it printed, until the end that the
    /// nonce marks.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the host could not be asked at all. A script that was cut off is no
    /// error: its output says so.
    fn run(&self, script: &str, nonce: &Nonce) -> Result<ScriptOutput, Failure>;

    /// What is known of the host without its shell, as answers beside those of the script.
    fn extra_answers(&self) -> BTreeMap<String, Answer> {
        BTreeMap::new()
    }
}

/// What a host printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptOutput {
    /// Its standard output, at most [`MAX_OUTPUT`] bytes of it.
    pub stdout: Vec<u8>,
    /// Why it ended early; absent when it ended by itself.
    pub failure: Option<Failure>,
    /// What the SSH server and we agreed on, when it was one.
    pub ssh: Option<SshSession>,
}

/// Asks a host, and notes whatever comes of it: a host that cannot be asked is a transcript, too.
pub fn collect(
    target: &str,
    kind: &str,
    transport: &dyn Transport,
    probes: &[Probe],
    around: &Surroundings,
) -> Transcript {
    let asked_at = Timestamp::now();
    let failed = |failure| Transcript {
        asked_at: Some(asked_at),
        ..Transcript::of_failure(target, kind, transport.name(), failure)
    };
    let nonce = match new_nonce() {
        Ok(nonce) => nonce,
        Err(error) => {
            let reason = format!("no random numbers: {error}");
            return failed(Failure { kind: "local".to_owned(), reason, hint: None });
        }
    };
    let output = match transport.run(&script(probes, around, &nonce), &nonce) {
        Ok(output) => output,
        Err(failure) => return failed(failure),
    };
    let mut answers = answers(&String::from_utf8_lossy(&output.stdout), Some(&nonce));
    for (name, answer) in transport.extra_answers() {
        // What the host's own shell says stands first.
        if answers.by_probe.get(&name).is_none_or(|said| said.status != 0) {
            answers.by_probe.insert(name, answer);
        }
    }
    let failure = if answers.ended { None } else { output.failure };
    Transcript {
        schema: SCHEMA.to_owned(),
        target: target.to_owned(),
        kind: kind.to_owned(),
        asked_at: Some(asked_at),
        connection: Connection { by: transport.name().to_owned(), failure, ssh: output.ssh },
        answers,
        reading: Reading::default(),
    }
}

fn new_nonce() -> io::Result<Nonce> {
    let mut bytes = [0; 16];
    random::fill(&mut bytes)?;
    Ok(Nonce::of(bytes))
}
