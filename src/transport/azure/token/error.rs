//! Why there is no token.
//!
//! Not for the failures of the requests that it is for (`refusal`).

use std::path::PathBuf;

use crate::hint::hinted;
use crate::transport::http::error::ConnectError;
use crate::transport::http::message::HttpError;

/// Why there is no token. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// No source is configured.
    #[error("there is no token for Azure: nothing is configured that gives one")]
    NotConfigured,
    /// A source that this program does not have.
    #[error("{0} is not supported as a source of tokens")]
    NotSupported(String),
    /// A source lacks one of its variables.
    #[error("{set} is set, and {missing} is not")]
    Incomplete {
        /// What is set.
        set: &'static str,
        /// What is missing.
        missing: &'static str,
    },
    /// A variable has an invalid value.
    #[error("{0} has an invalid value")]
    Value(&'static str),
    /// What should be a token is none.
    #[error("{0} holds no token")]
    NoToken(String),
    /// The given token is not valid any more, by this machine's clock.
    #[error("the given token expired {0} min ago")]
    Expired(i64),
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    File(PathBuf, String),
    /// The login refused it.
    #[error("the login refused the request (HTTP {status}{}): {message}", code_words(.code.as_deref()))]
    Login {
        /// The HTTP status.
        status: u16,
        /// The code.
        code: Option<String>,
        /// The message.
        message: String,
    },
    /// The login cannot be reached.
    #[error("the login at {0}: {1}")]
    Connect(String, ConnectError),
    /// The login did not answer as it should.
    #[error("the login at {0}: {1}")]
    Http(String, HttpError),
    /// Nobody is logged in to the Azure CLI.
    #[error("nobody is logged in to az, or not to this subscription")]
    AzureCliLogin,
    /// The Azure CLI failed for another reason.
    #[error("az {0}")]
    AzureCli(String),
    /// There is no managed identity.
    #[error("no managed identity: {0}")]
    ManagedIdentity(String),
}

fn code_words(code: Option<&str>) -> String {
    code.map_or_else(String::new, |code| format!(", {code}"))
}

impl TokenError {
    /// Returns what to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotConfigured => {
                "log in with az login, name a file with a token (--azure-token-file), or set \
                 AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
            }
            Self::NotSupported(_) => {
                "use a client secret, a workload identity, az login or a token of your own \
                 (--azure-token-file)"
            }
            Self::Expired(..) => {
                "make a new one: az account get-access-token --query accessToken --output tsv"
            }
            Self::AzureCliLogin => "az login, and az account set --subscription ID",
            Self::ManagedIdentity(_) => {
                "assign an identity to this machine, or log in with az login"
            }
            Self::Connect(_, error) => return error.hint(),
            Self::Login { .. } => "check tenant, client and secret; is the secret out of date?",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

hinted!(TokenError);
