//! Why a vSphere server could not be asked, or not to the end.
//!
//! Not for faults of single calls, which are answers: those are `soap`'s.

use std::time::Duration;

use super::http::HttpError;
use super::soap::SoapFault;
use super::xml::XmlError;
use crate::facts::transcript::Failure;
use crate::facts::transcript::INTERRUPTED;

/// Why a server could not be asked, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum VsphereError {
    /// Its name has no address.
    #[error("{host} has no address: {why}")]
    Dns {
        /// The name.
        host: String,
        /// What the resolver said.
        why: String,
    },
    /// Nobody listens.
    #[error("{0} refused the connection")]
    Refused(String),
    /// The network does not reach it.
    #[error("{at} cannot be reached: {why}")]
    Unreachable {
        /// Host and port.
        at: String,
        /// What the system said.
        why: String,
    },
    /// The host on the way to it cannot be used.
    #[error("the way through {via}: {}", .failure.reason)]
    JumpHost {
        /// The host.
        via: String,
        /// Why not.
        failure: Failure,
    },
    /// The host on the way can be used, and does not reach it.
    #[error("{}", .failure.reason)]
    BehindJumpHost {
        /// Why not.
        failure: Failure,
    },
    /// The time was up.
    #[error("no answer within {} s, while {doing}", .limit.as_secs())]
    Timeout {
        /// How long it had.
        limit: Duration,
        /// What was being done.
        doing: String,
    },
    /// What listens does not speak TLS.
    #[error("{0} does not speak TLS")]
    NotTls(String),
    /// It speaks only versions of TLS that are not allowed.
    #[error("the server speaks {offered} and nothing newer; at least TLS 1.2 is asked of it")]
    TlsVersion {
        /// The newest version it speaks.
        offered: String,
    },
    /// The handshake failed for another reason.
    #[error("no TLS handshake: {0}")]
    Handshake(String),
    /// Its certificate is not the one that is trusted.
    #[error("the certificate is not trusted: {why}; its SHA-256 thumbprint is {sha256}")]
    Certificate {
        /// Why, as a fragment.
        why: String,
        /// Its own thumbprint.
        sha256: String,
    },
    /// It answered with an HTTP status that has no SOAP reply in it.
    #[error("{}", http_words(*.status, .reason, .location.as_deref()))]
    Http {
        /// The status.
        status: u16,
        /// What stands behind it.
        reason: String,
        /// Where a redirect leads.
        location: Option<String>,
    },
    /// It answered with something that is no SOAP reply.
    #[error("what answers is not the vSphere service: {0}")]
    NotVsphere(String),
    /// HTTP was broken or cut off.
    #[error("{doing}: {error}")]
    Protocol {
        /// What was being done.
        doing: String,
        /// What went wrong.
        error: HttpError,
    },
    /// A reply that is not read.
    #[error("{doing}: the reply is not read: {error}")]
    Xml {
        /// What was being done.
        doing: String,
        /// What is wrong with it.
        error: XmlError,
    },
    /// Somebody stopped it.
    #[error("interrupted before it had answered")]
    Interrupted,
    /// It refused the account.
    #[error("the server refused the user name or the password of {user:?}")]
    Login {
        /// Who tried.
        user: String,
    },
    /// It answered with a fault where nothing can be read without the answer.
    #[error("{doing}: {fault}")]
    Fault {
        /// What was being done.
        doing: String,
        /// What it said.
        fault: SoapFault,
    },
}

fn http_words(status: u16, reason: &str, location: Option<&str>) -> String {
    let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
    match location {
        Some(place) => format!("HTTP {status}{reason}, which leads to {place}"),
        None => format!("HTTP {status}{reason}"),
    }
}

impl VsphereError {
    /// What kind it is, for programs.
    pub fn kind(&self) -> &str {
        match self {
            // Whatever is wrong with that host says nothing about the server.
            Self::JumpHost { .. } => "via",
            Self::BehindJumpHost { failure } => &failure.kind,
            Self::Dns { .. } => "dns",
            Self::Refused(_) => "refused",
            Self::Unreachable { .. } => "unreachable",
            Self::Timeout { .. } => "timeout",
            Self::NotTls(_) => "not-tls",
            Self::TlsVersion { .. } => "tls-version",
            Self::Handshake(_) => "handshake",
            Self::Certificate { .. } => "certificate",
            Self::Http { .. } => "http",
            Self::NotVsphere(_) => "not-vsphere",
            Self::Protocol { error: HttpError::BodyTooLong | HttpError::HeadTooLong, .. } => {
                "too-much-output"
            }
            Self::Protocol { error: HttpError::NotHttp(_), .. } => "not-vsphere",
            Self::Protocol { .. } => "cut-off",
            Self::Xml { .. } => "malformed",
            Self::Interrupted => INTERRUPTED,
            Self::Login { .. } => "authentication",
            Self::Fault { .. } => "fault",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::JumpHost { failure, .. } | Self::BehindJumpHost { failure } => {
                return failure.hint.clone();
            }
            Self::Dns { .. } => "check the name, or use the IP address",
            Self::Refused(_) => "check the host and the port; is the service running?",
            Self::Unreachable { .. } => "check the route from here, and firewalls between",
            Self::Timeout { .. } => "raise --timeout, or look at the server's load",
            Self::NotTls(_) => "give the port of HTTPS, usually 443",
            Self::TlsVersion { .. } => {
                "upgrade the server; until then --legacy-tls connects to it, on a network you trust"
            }
            Self::Handshake(_) => "--legacy-tls allows what servers of the 5.x releases offer",
            Self::Certificate { .. } => {
                "compare this thumbprint with the one on the server's own console; when they are \
                 the same: preflight trust vsphere://HOST, or --thumbprint"
            }
            Self::Http { status: 503, .. } => {
                "start the vpxd service, or wait until it is up; take a proxy out of the way"
            }
            Self::Http { .. } | Self::NotVsphere(_) => {
                "see whether a proxy or another web server answers on this port"
            }
            Self::Login { .. } => {
                "write the account as NAME@DOMAIN or DOMAIN\\NAME, and try the password in the \
                 vSphere client"
            }
            Self::Protocol { .. } | Self::Xml { .. } | Self::Fault { .. } | Self::Interrupted => {
                return None;
            }
        };
        Some(hint.to_owned())
    }

    /// What a transcript says of it.
    pub fn to_failure(&self) -> Failure {
        Failure { kind: self.kind().to_owned(), reason: self.to_string(), hint: self.hint() }
    }
}
