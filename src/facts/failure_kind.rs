//! Why a host could not be asked, as a word that captures keep.
//!
//! Not for the failure itself, with its reason and hint: that is in `transcript`.

use serde::{Deserialize, Serialize};

/// The kind of a failure.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Deserialize,
    Serialize,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum FailureKind {
    /// What was set up for reaching it, such as the SSH configuration, cannot be used.
    Config,
    /// Its name has no address.
    Dns,
    /// Nobody listens, or the server takes no more connections.
    Refused,
    /// No way leads to it.
    Unreachable,
    /// It did not answer in time.
    Timeout,
    /// What answers is no SSH server.
    NotSsh,
    /// There are no algorithms in common with its SSH server.
    Algorithms,
    /// Its SSH server offers only algorithms of the SHA-1 era, and these were not allowed.
    LegacyAlgorithms,
    /// Its host key is unknown, wrong, or proves nothing.
    HostKey,
    /// The login failed.
    Authentication,
    /// No shell ran the script.
    Shell,
    /// The answers ended early.
    CutOff,
    /// It answered with more than is read.
    TooMuchOutput,
    /// Something is missing on the machine that asks.
    Local,
    /// There is no capture of it that counts.
    NoCapture,
    /// Somebody stopped the run before it was asked to the end.
    Interrupted,
    /// It is behind another host, and the failure is that host's.
    Via,
    /// It is behind another host, which passes nothing on.
    Forwarding,
    /// It answers with an HTTP status in place of an answer.
    Http,
    /// What answers is no vSphere service.
    NotVsphere,
    /// Its answer is no XML that can be read.
    Malformed,
    /// A call that all others depend on ended with a fault.
    Fault,
    /// What answers does not speak TLS.
    NotTls,
    /// It offers only versions of TLS that were not allowed.
    TlsVersion,
    /// The TLS handshake failed for another reason.
    Handshake,
    /// Its certificate is not trusted.
    Certificate,
}

impl FailureKind {
    /// Returns the word for it in captures.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_word_in_captures_and_elsewhere() {
        for &kind in <FailureKind as strum::VariantArray>::VARIANTS {
            let word = format!("{:?}", kind.as_str());
            assert_eq!(serde_json::to_string(&kind).unwrap(), word);
            assert_eq!(serde_json::from_str::<FailureKind>(&word).unwrap(), kind);
        }
        let error = serde_json::from_str::<FailureKind>("\"new\"").unwrap_err();
        assert!(error.to_string().starts_with("unknown variant `new`"), "{error}");
    }
}
