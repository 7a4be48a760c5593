//! Which source of tokens is used: the first that is configured decides, and when it fails, no other is tried, for a
//! report made with other rights than were meant is worse than none.
//!
//! Not for how each gives a token.

use std::path::PathBuf;

use super::error::TokenError;
use super::request::{Principal, Token, TokenRequest, is_word};
use super::{azure_cli, expiry, login, managed_identity};
use crate::secret::Secret;

/// A source of tokens.
#[derive(Debug)]
pub enum TokenSource {
    /// A token that was given; it cannot be renewed.
    Given(Secret),
    /// A service principal with its secret.
    ServicePrincipal {
        /// The principal.
        principal: Principal,
        /// Its secret.
        secret: Secret,
    },
    /// A workload identity, whose proof is in a file that is rotated.
    WorkloadIdentity {
        /// The principal.
        principal: Principal,
        /// The file.
        file: PathBuf,
    },
    /// The Azure CLI, logged in by a person.
    AzureCli {
        /// The program.
        program: PathBuf,
    },
    /// The identity of the Azure machine that this program runs on.
    ManagedIdentity {
        /// The host of its service.
        host: managed_identity::MetadataHost,
        /// The client id of a user-assigned identity.
        client: Option<String>,
    },
}

impl TokenSource {
    /// Chooses the first source that is configured: a given token, a service principal, a workload identity, the
    /// Azure CLI, the managed identity. `AZURE_TOKEN_CREDENTIALS` narrows the choice as it does for other programs.
    ///
    /// # Errors
    ///
    /// Fails when nothing is configured, and when the first that is configured cannot be used.
    pub fn choose(
        given: Option<Secret>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, TokenError> {
        let variable = &|name: &str| variable(name).filter(|value| !value.is_empty());
        if let Some(token) = given.or_else(|| variable(azure_cli::TOKEN_VARIABLE).map(Secret::new))
        {
            return expiry::checked(token).map(Self::Given);
        }
        let allowed =
            AllowedSources::from_variable(variable("AZURE_TOKEN_CREDENTIALS").as_deref())?;
        let client = variable("AZURE_CLIENT_ID");
        let principal = |set| Principal::from_variables(set, variable);
        if allowed.environment {
            if let Some(secret) = variable("AZURE_CLIENT_SECRET") {
                let principal = principal("AZURE_CLIENT_SECRET")?;
                return Ok(Self::ServicePrincipal { principal, secret: Secret::new(secret) });
            }
            if variable("AZURE_CLIENT_CERTIFICATE_PATH").is_some() {
                let what = "a certificate (AZURE_CLIENT_CERTIFICATE_PATH)".to_owned();
                return Err(TokenError::NotSupported(what));
            }
        }
        if allowed.workload
            && let Some(file) = variable("AZURE_FEDERATED_TOKEN_FILE")
        {
            let principal = principal("AZURE_FEDERATED_TOKEN_FILE")?;
            return Ok(Self::WorkloadIdentity { principal, file: file.into() });
        }
        if allowed.azure_cli
            && let Some(program) = azure_cli::find(variable("PATH").as_deref())
        {
            return Ok(Self::AzureCli { program });
        }
        if allowed.managed_identity {
            if variable("IDENTITY_ENDPOINT").is_some() {
                let what = "the identity of App Service or Arc (IDENTITY_ENDPOINT)".to_owned();
                return Err(TokenError::NotSupported(what));
            }
            if client.as_deref().is_some_and(|client| !is_word(client)) {
                return Err(TokenError::Value("AZURE_CLIENT_ID"));
            }
            let host = variable(managed_identity::HOST_VARIABLE);
            let host = managed_identity::MetadataHost::parse(host.as_deref())?;
            return Ok(Self::ManagedIdentity { host, client });
        }
        Err(TokenError::NotConfigured)
    }

    /// Gets a token.
    ///
    /// # Errors
    ///
    /// Fails when the source gives none; no other source is tried.
    pub fn fetch(&self, request: &TokenRequest<'_>) -> Result<Token, TokenError> {
        match self {
            Self::Given(token) => Token::new(token.expose(), None, "the given text"),
            Self::ServicePrincipal { principal, secret } => {
                login::with_secret(principal, secret, request)
            }
            Self::WorkloadIdentity { principal, file } => {
                login::with_file(principal, file, request)
            }
            Self::AzureCli { program } => azure_cli::fetch(program, request),
            Self::ManagedIdentity { host, client } => {
                managed_identity::fetch(host, client.as_deref(), request)
            }
        }
    }

    /// Whether it can give another token when one is refused.
    pub fn can_renew(&self) -> bool {
        !matches!(self, Self::Given(_))
    }

    /// Describes the source, as in `the token of az`.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Given(_) => "a given token",
            Self::ServicePrincipal { .. } => "a service principal",
            Self::WorkloadIdentity { .. } => "a workload identity",
            Self::AzureCli { .. } => "az",
            Self::ManagedIdentity { .. } => "the managed identity",
        }
    }
}

/// The sources that `AZURE_TOKEN_CREDENTIALS` leaves. Source: the identity libraries.
struct AllowedSources {
    environment: bool,
    workload: bool,
    azure_cli: bool,
    managed_identity: bool,
}

impl AllowedSources {
    fn from_variable(value: Option<&str>) -> Result<Self, TokenError> {
        let lower = value.map(str::to_ascii_lowercase);
        let only = |names: &[&str]| lower.as_deref().is_none_or(|word| names.contains(&word));
        let known = [
            "prod",
            "dev",
            "environmentcredential",
            "workloadidentitycredential",
            "azureclicredential",
            "managedidentitycredential",
        ];
        if !only(&known) {
            let shown: String =
                value.unwrap_or_default().chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(TokenError::NotSupported(format!("{shown:?} (AZURE_TOKEN_CREDENTIALS)")));
        }
        Ok(Self {
            environment: only(&["prod", "environmentcredential"]),
            workload: only(&["prod", "workloadidentitycredential"]),
            azure_cli: only(&["dev", "azureclicredential"]),
            managed_identity: only(&["prod", "managedidentitycredential"]),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    fn choose(variables: &[(&str, &str)]) -> Result<TokenSource, TokenError> {
        TokenSource::choose(None, &|name| {
            let row = variables.iter().find(|(known, _)| *known == name);
            row.map(|(_, value)| (*value).to_owned())
        })
    }

    const PRINCIPAL: [(&str, &str); 2] = [("AZURE_TENANT_ID", "t-1"), ("AZURE_CLIENT_ID", "c-1")];

    #[test]
    fn the_first_source_that_is_configured_is_chosen() {
        let with = |more: &[(&'static str, &'static str)]| [&PRINCIPAL[..], more].concat();
        let all = [
            ("AZURE_ACCESS_TOKEN", "x"),
            ("AZURE_CLIENT_SECRET", "s"),
            ("AZURE_FEDERATED_TOKEN_FILE", "/f"),
        ];
        for (variables, expected) in [
            (with(&all), "a given token"),
            (with(&all[1..]), "a service principal"),
            (with(&all[2..]), "a workload identity"),
            (with(&[]), "the managed identity"),
            (vec![], "the managed identity"),
            (
                with(&[all[1], ("AZURE_TOKEN_CREDENTIALS", "WorkloadIdentityCredential"), all[2]]),
                "a workload identity",
            ),
            (
                with(&[all[1], ("AZURE_TOKEN_CREDENTIALS", "managedidentitycredential")]),
                "the managed identity",
            ),
        ] {
            assert_eq!(choose(&variables).unwrap().describe(), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_configured_in_part_or_not_supported_is_an_error() {
        for (variables, expected) in [
            (
                vec![("AZURE_CLIENT_SECRET", "s")],
                "AZURE_CLIENT_SECRET is set, and AZURE_TENANT_ID is not",
            ),
            (
                vec![("AZURE_FEDERATED_TOKEN_FILE", "/f"), PRINCIPAL[0]],
                "AZURE_FEDERATED_TOKEN_FILE is set, and AZURE_CLIENT_ID is not",
            ),
            (vec![("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")], "is not supported"),
            (vec![("AZURE_TOKEN_CREDENTIALS", "AzurePowerShellCredential")], "is not supported"),
            (vec![("AZURE_TOKEN_CREDENTIALS", "dev")], "nothing is configured"),
            (vec![("IDENTITY_ENDPOINT", "http://127.0.0.1")], "is not supported"),
            (
                vec![("AZURE_CLIENT_SECRET", "s"), ("AZURE_TENANT_ID", "a/../b"), PRINCIPAL[1]],
                "AZURE_TENANT_ID has an invalid value",
            ),
        ] {
            let error = choose(&variables).unwrap_err().to_string();
            assert!(error.contains(expected), "{variables:?}: {error}");
        }
    }
}
