//! Failures of SSH connections in words: what libssh2's codes mean at each step.

use std::time::Duration;

use super::deadline::HostDeadline;
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;

/// A step of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The exchange of banners and keys.
    Handshake,
    /// The login.
    Login,
    /// Running the script.
    Command,
}

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum SshError {
    /// The host's time was over.
    TimedOut,
    /// libssh2's code and message.
    Libssh2(i32, String),
}

impl From<ssh2::Error> for SshError {
    fn from(error: ssh2::Error) -> Self {
        match error.code() {
            ssh2::ErrorCode::Session(code) | ssh2::ErrorCode::SFTP(code) => {
                Self::Libssh2(code, error.message().to_owned())
            }
        }
    }
}

/// Returns a failure of a kind, without a hint.
pub(super) fn failure(kind: FailureKind, reason: impl Into<String>) -> Failure {
    Failure { kind, reason: reason.into(), hint: None }
}

impl Failure {
    /// Returns the failure with what to do about it.
    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Returns the failure of a host whose time is over; `doing` is the step.
pub(super) fn timeout_failure(deadline: &HostDeadline, doing: &str) -> Failure {
    failure(
        FailureKind::Timeout,
        format!("not done after {} s, while {doing}", format_seconds(deadline.limit)),
    )
    .with_hint("check the host's load, or raise --timeout")
}

/// Formats a time in seconds, without a fraction of zero.
pub(super) fn format_seconds(time: Duration) -> String {
    let text = format!("{:.1}", time.as_secs_f64());
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// Returns the failure of a step.
pub(super) fn step_failure(step: Step, stop: &SshError, deadline: &HostDeadline) -> Failure {
    match stop {
        SshError::Libssh2(code, message) if deadline.left().is_some() => {
            code_failure(step, *code, message)
        }
        _ => timeout_failure(
            deadline,
            match step {
                Step::Handshake => "waiting for the server's banner and keys",
                Step::Login => "logging in",
                Step::Command => "waiting for answers",
            },
        ),
    }
}

/// Whether a code means that the server ended the connection or broke the protocol.
pub(super) fn is_disconnect(code: i32) -> bool {
    // Banner received or sent, bad MAC, send, decrypt, disconnect, protocol, invalid, receive.
    matches!(code, -2 | -3 | -4 | -7 | -12 | -13 | -14 | -34 | -43)
}

/// Whether a code means that no algorithms were agreed on.
pub(super) fn is_negotiation_error(code: i32) -> bool {
    matches!(code, -5 | -8 | -17 | -33 | -51)
}

fn code_failure(step: Step, code: i32, message: &str) -> Failure {
    let said = to_fragment(message);
    match (code, step) {
        (-9 | -30, _) => {
            failure(FailureKind::Timeout, format!("the server stopped answering: {said}"))
        }
        (-10 | -11, _) => {
            failure(FailureKind::HostKey, format!("the host key proves nothing: {said}"))
        }
        (code, Step::Handshake) if is_negotiation_error(code) => {
            failure(FailureKind::Algorithms, format!("no algorithms in common: {said}"))
        }
        (_, Step::Handshake) => failure(FailureKind::NotSsh, format!("no SSH handshake: {said}"))
            .with_hint("check that the port is that of an SSH server"),
        (code, Step::Login) if is_disconnect(code) => failure(
            FailureKind::Authentication,
            format!("the server ended the connection during the login: {said}"),
        )
        .with_hint("look at the server's log; it may allow fewer attempts, or not this user"),
        (-15, Step::Login) => failure(FailureKind::Authentication, "the password has expired")
            .with_hint("log in by hand and change it"),
        (_, Step::Login) => {
            failure(FailureKind::Authentication, format!("the login failed: {said}"))
        }
        (-21 | -22, Step::Command) => {
            failure(FailureKind::Shell, format!("the server does not run commands: {said}"))
                .with_hint(
                    "check the account's shell, and ForceCommand and MaxSessions in sshd_config",
                )
        }
        (_, Step::Command) => failure(
            FailureKind::CutOff,
            format!("the connection broke before the answers' end: {said}"),
        )
        .with_hint("check again; look at the host's log if it happens again"),
    }
}

/// Turns libssh2's sentence into a fragment.
fn to_fragment(message: &str) -> String {
    let mut letters = message.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measured_error_has_a_kind() {
        let deadline = HostDeadline::after(Duration::from_secs(60));
        for (step, code, message, kind) in [
            (Step::Handshake, -9, "Timed out waiting on socket", "timeout"),
            (Step::Handshake, -13, "Failed getting banner", "not-ssh"),
            (Step::Handshake, -43, "Error receiving on socket", "not-ssh"),
            (Step::Handshake, -2, "Failed getting banner", "not-ssh"),
            (Step::Handshake, -5, "Unable to exchange encryption keys", "algorithms"),
            (Step::Handshake, -8, "Unable to exchange encryption keys", "algorithms"),
            (Step::Handshake, -33, "not currently supported", "algorithms"),
            (Step::Handshake, -11, "Unable to verify host key signature", "host-key"),
            (Step::Login, -16, "Unable to open private key file", "authentication"),
            (Step::Login, -18, "Authentication failed (username/password)", "authentication"),
            (Step::Login, -13, "Waiting for password response", "authentication"),
            (Step::Login, -15, "Password expired", "authentication"),
            (Step::Command, -21, "Channel open failure (connect failed)", "shell"),
            (Step::Command, -22, "Unable to complete request", "shell"),
            (Step::Command, -34, "Invalid", "cut-off"),
            (Step::Command, -43, "transport read", "cut-off"),
            (Step::Command, -13, "Socket disconnect", "cut-off"),
            (Step::Command, -9, "Timed out waiting on socket", "timeout"),
            (Step::Command, -99, "something new", "cut-off"),
        ] {
            let failure =
                step_failure(step, &SshError::Libssh2(code, message.to_owned()), &deadline);
            assert_eq!(failure.kind.as_str(), kind, "{step:?} {code}");
            assert!(!failure.reason.ends_with('.'), "{}", failure.reason);
        }
        assert_eq!(
            step_failure(Step::Login, &SshError::TimedOut, &deadline).kind.as_str(),
            "timeout"
        );
    }

    #[test]
    fn an_error_after_the_end_of_time_is_its_end() {
        let deadline = HostDeadline::after(Duration::ZERO);
        let failure =
            step_failure(Step::Handshake, &SshError::Libssh2(-13, "x".to_owned()), &deadline);
        assert_eq!(failure.kind.as_str(), "timeout");
    }
}
