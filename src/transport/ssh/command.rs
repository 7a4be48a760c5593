//! Running the script: one command, the script on its standard input, its output read within limits
//! up to the end marker.
//!
//! An exit status proves nothing (a killed command has 0), and a background process may keep the
//! channel open for ever, so only the end marker means done.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use ssh2::{Channel, ErrorCode};

use super::connection::{EAGAIN, SshConnection, none_if_pending};
use super::failure::{self, SshError, Step, failure};
use super::sudo;
use crate::facts::failure_kind::FailureKind;
use crate::facts::script::Nonce;
use crate::facts::transcript::Failure;
use crate::secret::Secret;
use crate::transport::{MAX_OUTPUT, describe_exit};

/// The command for the account's login shell: run the script's shell as root if that is allowed.
///
/// The words mean the same to sh, csh and fish. When sudo refuses, it has read nothing, and the
/// script runs with the account's own rights; when it has run the script, nothing is left to read.
const BOOTSTRAP: &str = "sh -c 'if [ \"$(id -u 2>/dev/null)\" = 0 ]; then exec sh -s; fi; \
                         sudo -n sh -s 2>/dev/null || exec sh -s'";

/// The bytes of standard error that are kept; the rest is read and dropped.
const MAX_STDERR: usize = 4096;

/// How long the exit of a command is waited for once its output has ended.
const EXIT_WAIT: Duration = Duration::from_secs(1);

/// The output of the script.
#[derive(Debug, Default)]
pub(super) struct CommandOutput {
    pub stdout: Vec<u8>,
    /// Why the output ended before the end marker.
    pub failure: Option<Failure>,
}

/// The command for root's login shell: without a check of the account it starts two processes fewer.
const AS_ROOT: &str = "sh -s";

/// Runs a script, as root if the account is allowed to; `sudo` is the password for sudo.
pub(super) fn run(
    connection: &SshConnection,
    user: &str,
    sudo: Option<&Secret>,
    script: &str,
    nonce: &Nonce,
) -> Result<CommandOutput, Failure> {
    let failed = |stop: SshError| failure::step_failure(Step::Command, &stop, &connection.deadline);
    let mut channel = connection.wait_for(|session| session.channel_session()).map_err(failed)?;
    let with_password = sudo.map(|password| sudo::input(password, script));
    let command = match &with_password {
        Some(_) => sudo::bootstrap(nonce),
        None if user == "root" => AS_ROOT.to_owned(),
        None => BOOTSTRAP.to_owned(),
    };
    connection.wait_for(|_| channel.exec(&command)).map_err(failed)?;
    let mut exchange = Exchange {
        channel,
        script: with_password.as_ref().map_or(script, Secret::expose).as_bytes(),
        eof_sent: false,
        stdout: Vec::new(),
        scanned: 0,
        stderr_head: Vec::new(),
        stderr_bytes: 0,
        end: nonce.end().into_bytes(),
    };
    let failure = match exchange.read_until_end(connection) {
        Ok(EndReason::Marker) => None,
        Ok(EndReason::Exited) => {
            exchange.wait_for_exit(connection);
            Some(exchange.missing_end_failure(nonce))
        }
        Ok(EndReason::TooMuchOutput) => Some(
            failure(
                FailureKind::TooMuchOutput,
                format!("more than {} MiB of output", MAX_OUTPUT >> 20),
            )
            .with_hint("look for a command in the account's start files that never ends"),
        ),
        Err(stop) => Some(failed(stop)),
    };
    Ok(CommandOutput { stdout: exchange.stdout, failure })
}

enum EndReason {
    Marker,
    Exited,
    TooMuchOutput,
}

struct Exchange<'a> {
    channel: Channel,
    /// The rest of the script, not yet sent.
    script: &'a [u8],
    /// Whether the end of the input was sent.
    eof_sent: bool,
    stdout: Vec<u8>,
    /// The bytes of standard output that were searched for the end marker.
    scanned: usize,
    stderr_head: Vec<u8>,
    stderr_bytes: usize,
    end: Vec<u8>,
}

impl Exchange<'_> {
    fn read_until_end(&mut self, connection: &SshConnection) -> Result<EndReason, SshError> {
        let mut unread = 0;
        loop {
            let moved = self.send() | self.read_output()? | self.read_stderr()?;
            if self.has_end() {
                return Ok(EndReason::Marker);
            }
            if self.stdout.len() >= MAX_OUTPUT || self.stderr_bytes >= MAX_OUTPUT {
                return Ok(EndReason::TooMuchOutput);
            }
            if self.channel.eof() {
                return Ok(EndReason::Exited);
            }
            if connection.deadline.left().is_none() {
                return Err(SshError::TimedOut);
            }
            if moved {
                unread = 0;
                continue;
            }
            // Reading one stream takes the bytes of the other from the socket as well, even the last
            // line, and the socket is not readable any more. Bytes that stay although both streams
            // were read belong to a third stream.
            let waiting = self.channel.read_window().available;
            if waiting == unread {
                connection.wait_ready()?;
            }
            unread = waiting;
        }
    }

    /// Sends as much as the other side takes. A write error is no failure: the output of a shell that
    /// has ended tells more.
    fn send(&mut self) -> bool {
        if !self.script.is_empty() {
            return match none_if_pending(self.channel.write(self.script)) {
                Ok(Some(count)) => {
                    self.script = &self.script[count..];
                    count > 0
                }
                Ok(None) => false,
                Err(_) => {
                    self.script = &[];
                    self.eof_sent = true;
                    true
                }
            };
        }
        if !self.eof_sent && self.channel.send_eof().is_ok() {
            self.eof_sent = true;
            return true;
        }
        false
    }

    fn read_output(&mut self) -> Result<bool, SshError> {
        let mut buffer = [0; 32 * 1024];
        let room = buffer.len().min(MAX_OUTPUT - self.stdout.len());
        match none_if_pending(self.channel.read(&mut buffer[..room]))? {
            None | Some(0) => Ok(false),
            Some(count) => {
                self.stdout.extend(&buffer[..count]);
                Ok(true)
            }
        }
    }

    fn read_stderr(&mut self) -> Result<bool, SshError> {
        let mut buffer = [0; 32 * 1024];
        match none_if_pending(self.channel.stderr().read(&mut buffer))? {
            None | Some(0) => Ok(false),
            Some(count) => {
                self.stderr_bytes += count;
                let room = MAX_STDERR.saturating_sub(self.stderr_head.len());
                self.stderr_head.extend(&buffer[..count.min(room)]);
                Ok(true)
            }
        }
    }

    fn has_end(&mut self) -> bool {
        // The marker may be split over two reads, and must begin a line.
        let from = self.scanned.saturating_sub(self.end.len());
        let found = find_bytes(&self.stdout[from..], &self.end).is_some_and(|at| {
            let at = from + at;
            at == 0 || self.stdout[at - 1] == b'\n'
        });
        self.scanned = self.stdout.len();
        found
    }

    /// Waits for the exit status, which comes after the end of the output.
    fn wait_for_exit(&mut self, connection: &SshConnection) {
        let patience = Instant::now() + EXIT_WAIT;
        while Instant::now() < patience && connection.deadline.left().is_some() {
            match self.channel.wait_close() {
                Err(error) if error.code() == ErrorCode::Session(EAGAIN) => {
                    std::thread::sleep(EXIT_WAIT / 100)
                }
                _ => return,
            }
        }
    }

    /// Returns the failure of a command that ended without the end marker.
    fn missing_end_failure(&self, nonce: &Nonce) -> Failure {
        let signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let status = self.channel.exit_status().unwrap_or(0);
        let how = describe_exit(status, signal.as_deref());
        if find_bytes(&self.stdout, nonce.begin().as_bytes()).is_some() {
            return failure(
                FailureKind::CutOff,
                format!("the script ended before its last answer ({how})"),
            )
            .with_hint("check again; look in the host's log for what ends processes");
        }
        let said = first_line(&self.stderr_head).or_else(|| first_line(&self.stdout));
        let said =
            said.map_or_else(|| "it said nothing".to_owned(), |said| format!("it said {said:?}"));
        failure(
            FailureKind::Shell,
            format!("the account's shell did not run the script ({how}); {said}"),
        )
        .with_hint("use an account whose login shell runs commands, and look at its start files")
    }
}

/// Returns the position of the first match.
fn find_bytes(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Returns the first line that is not empty, cut to 120 characters.
fn first_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_STDERR)]);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_says_something_is_quoted() {
        assert_eq!(first_line(b"\n \nThis account\nis not"), Some("This account".to_owned()));
        assert_eq!(first_line(b""), None);
        assert_eq!(first_line(&[b'x'; 1000]).unwrap().len(), 120);
        assert!(first_line(b"\xff\xfe").is_some());
    }

    #[test]
    fn the_bootstrap_says_the_same_to_every_shell() {
        // What csh would expand inside single quotes, and what would end them.
        assert!(!BOOTSTRAP.contains(['!', '\n', '\\']));
        assert_eq!(BOOTSTRAP.matches('\'').count(), 2);
    }
}
