//! Why there is no connection to a server that is trusted.
//!
//! Not for what goes wrong on a connection: that is `message::HttpError`.

use std::time::Duration;

use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;
use crate::hint::hinted;

/// Why there is no connection to a server that is trusted.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The server's name has no address.
    #[error("{0} has no address: {1}")]
    Dns(String, String),
    /// Nobody listens.
    #[error("{0} refused the connection")]
    Refused(String),
    /// The network does not reach the server.
    #[error("{0} cannot be reached: {1}")]
    Unreachable(String, String),
    /// The host on the way to the server cannot be used.
    #[error("the way through {0}: {why}", why = .1.reason)]
    JumpHost(String, Failure),
    /// The host on the way can be used, and does not reach the server.
    #[error("{}", .0.reason)]
    BehindJumpHost(Failure),
    /// The proxy of the environment does not lead there.
    #[error("the proxy {0}: {1}")]
    Proxy(String, String),
    /// The time was up.
    #[error("no answer within {seconds} s, while {1}", seconds = .0.as_secs())]
    Timeout(Duration, String),
    /// The port does not speak TLS.
    #[error("{0} does not speak TLS")]
    NotTls(String),
    /// The server has only versions of TLS that are not allowed.
    #[error("the server speaks {0} and nothing newer; at least TLS 1.2 is required")]
    TlsVersion(String),
    /// The handshake failed for another reason.
    #[error("the TLS handshake failed: {0}")]
    Handshake(String),
    /// The certificate is not one that is trusted.
    #[error("the certificate is not trusted: {why}; its SHA-256 thumbprint is {sha256}")]
    Certificate {
        /// Why, as a fragment.
        why: String,
        /// The thumbprint of the certificate that was shown.
        sha256: String,
    },
}

impl ConnectError {
    /// Returns the kind of the failure that transcripts keep.
    pub fn kind(&self) -> FailureKind {
        match self {
            // A failure of that host says nothing about the server.
            Self::JumpHost(..) => FailureKind::Via,
            Self::BehindJumpHost(failure) => failure.kind,
            Self::Dns(..) => FailureKind::Dns,
            Self::Refused(_) => FailureKind::Refused,
            Self::Unreachable(..) | Self::Proxy(..) => FailureKind::Unreachable,
            Self::Timeout(..) => FailureKind::Timeout,
            Self::NotTls(_) => FailureKind::NotTls,
            Self::TlsVersion(..) => FailureKind::TlsVersion,
            Self::Handshake(_) => FailureKind::Handshake,
            Self::Certificate { .. } => FailureKind::Certificate,
        }
    }

    /// Returns what to do about it; none where that depends on the service.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::JumpHost(_, failure) | Self::BehindJumpHost(failure) => {
                return failure.hint.clone();
            }
            Self::Dns(..) => "check the name, or use the IP address",
            Self::Refused(_) => "check the host and the port; is the service running?",
            Self::Unreachable(..) => "check the route from here, and firewalls between",
            Self::Proxy(..) => "check HTTPS_PROXY, or name the host in NO_PROXY",
            Self::Timeout(..) => "raise --timeout, or look at the server's load",
            Self::NotTls(_) => "give the port of HTTPS, usually 443",
            Self::TlsVersion(..) | Self::Handshake(_) | Self::Certificate { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

hinted!(ConnectError);
