//! How a host was reached: what its SSH server and we agreed on, and how the login went.
//!
//! Not for reaching it (`transport`). A host that could not be reached has these facts, too, as far
//! as the attempt tells.

use schemars::JsonSchema;
use serde::Serialize;

use super::failure_kind::FailureKind;
use super::transcript::{SshSession, Transcript};
use super::{Collection, Fact};

/// How a host was reached.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConnectionFacts {
    /// How it was asked: `ssh`, `local` (its own shell), `script` (somebody else ran the script),
    /// `sos` (a sosreport).
    pub by: String,
    /// The SSH server's identification, such as `SSH-2.0-OpenSSH_5.3`.
    pub banner: Fact<String>,
    /// What was agreed on or, when nothing could be, what the server offers.
    pub algorithms: Fact<String>,
    /// The key exchange that was agreed on.
    pub key_exchange: Fact<String>,
    /// The host key algorithm that was agreed on.
    pub host_key: Fact<String>,
    /// Which of the algorithms agreed on are of the SHA-1 era.
    pub old_algorithms: Fact<Collection<String>>,
    /// Whether the server could not be reached with today's algorithms alone.
    pub legacy_only: Fact<bool>,
    /// Whether algorithms of the SHA-1 era were allowed.
    pub legacy: Fact<bool>,
    /// How the login went: `agent`, `key`, `password`, `keyboard-interactive`, `none` when the
    /// server wanted nothing, or `refused`.
    pub login: Fact<String>,
}

/// Whether an algorithm is of the SHA-1 era: CentOS 6 and ESXi up to 6.0 know no others for some
/// parts of a connection, and OpenSSH has switched them off since.
///
/// ```
/// use preflight::facts::connection::is_sha1_era;
/// assert!(is_sha1_era("ssh-rsa") && is_sha1_era("diffie-hellman-group14-sha1"));
/// assert!(!is_sha1_era("rsa-sha2-512") && !is_sha1_era("hmac-sha2-256"));
/// ```
pub fn is_sha1_era(algorithm: &str) -> bool {
    algorithm == "ssh-rsa"
        || algorithm.starts_with("diffie-hellman-") && algorithm.ends_with("-sha1")
        || algorithm.starts_with("hmac-sha1")
        || algorithm.contains("-cbc")
}

/// Reads how a host was reached out of its transcript.
pub fn from_transcript(transcript: &Transcript) -> ConnectionFacts {
    let connection = &transcript.connection;
    let failure = connection.failure.as_ref();
    let silence = match failure {
        Some(failure) => failure.summary(),
        None => format!("the host was not asked over SSH but by {}", connection.by.as_str()),
    };
    let ssh = connection.ssh.as_ref();
    let of = |part: fn(&SshSession) -> &String| match ssh.map(part) {
        Some(text) if !text.is_empty() => Fact::Known(text.clone()),
        Some(_) => Fact::unavailable("libssh2 does not say"),
        None => Fact::unavailable(silence.clone()),
    };
    let agreed = ssh.map(|ssh| [&ssh.key_exchange, &ssh.host_key, &ssh.cipher, &ssh.mac]);
    let old: Option<Vec<String>> =
        agreed.map(|agreed| agreed.into_iter().filter(|name| is_sha1_era(name)).cloned().collect());
    let needs_old = failure.is_some_and(|failure| failure.kind == FailureKind::LegacyAlgorithms);
    let refused = failure.is_some_and(|failure| failure.kind == FailureKind::Authentication);
    let or_silent = |fact: Option<bool>| match fact {
        Some(value) => Fact::Known(value),
        None => Fact::unavailable(silence.clone()),
    };
    ConnectionFacts {
        by: connection.by.as_str().to_owned(),
        banner: of(|ssh| &ssh.banner),
        algorithms: match (agreed, needs_old) {
            (Some(agreed), _) => Fact::Known(agreed.map(String::as_str).join(", ")),
            (None, true) => Fact::Known(
                failure.map(|unavailable| unavailable.reason.clone()).unwrap_or_default(),
            ),
            (None, false) => Fact::unavailable(silence.clone()),
        },
        key_exchange: of(|ssh| &ssh.key_exchange),
        host_key: of(|ssh| &ssh.host_key),
        legacy_only: or_silent(match (&old, needs_old) {
            (Some(old), _) => Some(!old.is_empty()),
            (None, true) => Some(true),
            (None, false) => None,
        }),
        old_algorithms: match old {
            Some(old) => Fact::Known(Collection::complete(old)),
            None => Fact::unavailable(silence.clone()),
        },
        legacy: or_silent(ssh.map(|ssh| ssh.legacy)),
        login: if refused { Fact::Known("refused".to_owned()) } else { of(|ssh| &ssh.login) },
    }
}

#[cfg(test)]
mod tests {
    use super::super::target_kind::TargetKind;
    use super::super::transcript::{CollectedBy, Failure};
    use super::*;

    fn session(key_exchange: &str, host_key: &str, mac: &str) -> Transcript {
        let mut transcript = failed(FailureKind::Refused, "x");
        transcript.connection.failure = None;
        transcript.connection.ssh = Some(SshSession {
            banner: "SSH-2.0-OpenSSH_5.3".to_owned(),
            key_exchange: key_exchange.to_owned(),
            host_key: host_key.to_owned(),
            cipher: "aes256-ctr".to_owned(),
            mac: mac.to_owned(),
            login: "key".to_owned(),
            legacy: true,
        });
        transcript
    }

    fn failed(kind: FailureKind, reason: &str) -> Transcript {
        let failure = Failure { kind, reason: reason.to_owned(), hint: None };
        Transcript::from_failure("mt1", TargetKind::LinuxMt, CollectedBy::Ssh, failure)
    }

    #[test]
    fn what_was_agreed_on_is_told_apart_by_its_age() {
        for (key_exchange, host_key, mac, old) in [
            ("curve25519-sha256", "ssh-ed25519", "hmac-sha2-256", &[][..]),
            ("curve25519-sha256", "rsa-sha2-512", "hmac-sha2-256-etm@openssh.com", &[]),
            ("diffie-hellman-group14-sha256", "ssh-rsa", "hmac-sha1", &["ssh-rsa", "hmac-sha1"]),
            (
                "diffie-hellman-group-exchange-sha1",
                "rsa-sha2-256",
                "hmac-sha2-256",
                &["diffie-hellman-group-exchange-sha1"],
            ),
        ] {
            let facts = from_transcript(&session(key_exchange, host_key, mac));
            assert_eq!(facts.old_algorithms.known().unwrap().items, old, "{key_exchange}");
            assert_eq!(facts.legacy_only.known(), Some(&!old.is_empty()));
            assert_eq!(facts.login.known().unwrap(), "key");
        }
    }

    #[test]
    fn a_failed_attempt_tells_what_it_was_about() {
        let facts = from_transcript(&failed(
            FailureKind::LegacyAlgorithms,
            "it offers only host key ssh-rsa",
        ));
        assert_eq!(facts.legacy_only.known(), Some(&true));
        assert_eq!(facts.algorithms.known().unwrap(), "it offers only host key ssh-rsa");
        assert!(facts.login.known().is_none());
        let facts = from_transcript(&failed(FailureKind::Authentication, "root may not log in"));
        assert_eq!(facts.login.known().unwrap(), "refused");
        assert!(facts.legacy_only.known().is_none());
        let facts = from_transcript(&failed(FailureKind::Timeout, "it is dead"));
        assert_eq!(facts.login, Fact::unavailable("it is dead"));
    }
}
