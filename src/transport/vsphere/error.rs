//! Why a vSphere server could not be asked, or not to the end.
//!
//! Not for faults of single calls, which are answers: those are `soap`'s.

use super::soap::SoapFault;
use super::xml::XmlError;
use crate::facts::transcript::Failure;
use crate::facts::transcript::INTERRUPTED;
use crate::transport::http::error::ConnectError;
use crate::transport::http::message::HttpError;

/// Why a server could not be asked, or not to the end.
#[derive(Debug, thiserror::Error)]
pub enum VsphereError {
    /// There is no connection to a server that is trusted.
    #[error(transparent)]
    Connect(#[from] ConnectError),
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
            Self::Connect(error) => error.kind(),
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
            Self::Connect(ConnectError::TlsVersion { .. }) => {
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
