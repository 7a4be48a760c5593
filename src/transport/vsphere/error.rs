//! Why collecting from a vSphere server failed, or ended early.
//!
//! Not for faults of single calls, which are answers (`soap`).

use super::soap::SoapFault;
use super::xml::XmlError;
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;
use crate::hint::hinted;
use crate::transport::http::error::ConnectError;
use crate::transport::http::message::HttpError;

/// Why collecting from a server failed, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum VsphereError {
    /// There is no connection to a server that is trusted.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The HTTP status means that there is no SOAP reply.
    #[error("{}", http_words(*.status, .reason, .location.as_deref()))]
    Http {
        /// The status.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// Where a redirect leads.
        location: Option<String>,
    },
    /// The answer is no SOAP reply.
    #[error("what answers is not the vSphere service: {0}")]
    NotVsphere(String),
    /// HTTP was broken or cut off.
    #[error("{0}: {1}")]
    Protocol(String, HttpError),
    /// The reply is XML that is refused.
    #[error("{0}: the reply cannot be read: {1}")]
    Xml(String, XmlError),
    /// The run was stopped.
    #[error("interrupted before it had answered")]
    Interrupted,
    /// The server refused the account or its password.
    #[error("the server refused the user name or the password of {0:?}")]
    Login(String),
    /// The server refused a call that is necessary for all others.
    #[error("{0}: {1}")]
    Fault(String, SoapFault),
}

fn http_words(status: u16, reason: &str, location: Option<&str>) -> String {
    let reason = if reason.is_empty() { String::new() } else { format!(" {reason}") };
    match location {
        Some(place) => format!("HTTP {status}{reason}, which leads to {place}"),
        None => format!("HTTP {status}{reason}"),
    }
}

impl VsphereError {
    /// Returns the kind of the failure that transcripts keep.
    pub fn kind(&self) -> FailureKind {
        match self {
            Self::Connect(error) => error.kind(),
            Self::Http { .. } => FailureKind::Http,
            Self::NotVsphere(_) => FailureKind::NotVsphere,
            Self::Protocol(_, HttpError::BodyTooLong(..) | HttpError::HeadTooLong) => {
                FailureKind::TooMuchOutput
            }
            Self::Protocol(_, HttpError::NotHttp(_)) => FailureKind::NotVsphere,
            Self::Protocol(..) => FailureKind::CutOff,
            Self::Xml(..) => FailureKind::Malformed,
            Self::Interrupted => FailureKind::Interrupted,
            Self::Login(..) => FailureKind::Authentication,
            Self::Fault(..) => FailureKind::Fault,
        }
    }

    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Connect(ConnectError::TlsVersion(..)) => {
                "upgrade the server; until then --legacy-tls connects to it, on a network you trust"
            }
            Self::Connect(ConnectError::Handshake(_)) => {
                "--legacy-tls allows what servers of the 5.x releases offer"
            }
            Self::Connect(ConnectError::Certificate { .. }) => {
                "compare this thumbprint with the one on the server's own console; when they are \
                 the same: preflight trust vsphere://HOST, or --thumbprint"
            }
            Self::Connect(error) => return error.hint(),
            Self::Http { status: 503, .. } => {
                "start the vpxd service, or wait until it is up; take a proxy out of the way"
            }
            Self::Http { .. } | Self::NotVsphere(_) => {
                "see whether a proxy or another web server answers on this port"
            }
            Self::Login(..) => {
                "write the account as NAME@DOMAIN or DOMAIN\\NAME, and try the password in the \
                 vSphere client"
            }
            Self::Protocol(..) | Self::Xml(..) | Self::Fault(..) | Self::Interrupted => {
                return None;
            }
        };
        Some(hint.to_owned())
    }

    /// Returns the failure for a transcript.
    pub fn to_failure(&self) -> Failure {
        Failure { kind: self.kind(), reason: self.to_string(), hint: self.hint() }
    }
}

hinted!(VsphereError);
