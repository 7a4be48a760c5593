//! A token of the managed identity of the Azure machine that this program runs on.
//!
//! Its metadata service speaks plain HTTP at an address that never leaves the machine, and no proxy is asked. Not for
//! App Service and Arc, which have services of their own.

use std::time::Duration;

use super::error::TokenError;
use super::login;
use super::request::{Token, TokenRequest};
use crate::transport::azure::retry;
use crate::transport::http::message::{self, HttpRequest, HttpResponse};
use crate::transport::http::stream::{Connector, Deadline, DirectTcp};
use crate::uri::authority::Authority;
use crate::uri::percent;

/// The variable with another base URL of the service, as the identity libraries have it.
pub const HOST_VARIABLE: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";

/// How long connecting may take: where there is no such service, nothing answers.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// How long one answer may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Where the metadata service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetadataHost(Authority);

impl MetadataHost {
    /// Parses the value of [`HOST_VARIABLE`]: `http://HOST[:PORT]`; without one it is 169.254.169.254.
    ///
    /// # Errors
    ///
    /// Fails for what is no such URL.
    pub fn parse(text: Option<&str>) -> Result<Self, TokenError> {
        let fault = || TokenError::Value(HOST_VARIABLE);
        let text = text.unwrap_or("http://169.254.169.254");
        let rest = text.strip_prefix("http://").ok_or_else(fault)?.trim_end_matches('/');
        let (host, port) = rest.split_once(':').unwrap_or((rest, "80"));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        let port = port.parse::<u16>().map_err(|_| fault())?;
        if host.is_empty() || !host.chars().all(allowed) {
            return Err(fault());
        }
        Ok(Self(Authority { host: host.to_owned(), port }))
    }
}

/// Gets a token.
///
/// # Errors
///
/// Fails when there is no such service, or no identity.
pub fn fetch(
    host: &MetadataHost,
    client: Option<&str>,
    request: &TokenRequest<'_>,
) -> Result<Token, TokenError> {
    let resource = percent::encode(&request.cloud.audience, b"");
    let mut path =
        format!("/metadata/identity/oauth2/token?api-version=2018-02-01&resource={resource}");
    if let Some(client) = client {
        path.push_str(&format!("&client_id={}", percent::encode(client, b"")));
    }
    let mut attempt = 0;
    loop {
        let response = send(host, &path, request.deadline)?;
        match response.status {
            200 => return login::parse(&response.body),
            400 => {
                let none = "this machine has none, or none of this client id".to_owned();
                return Err(TokenError::ManagedIdentity(none));
            }
            403 if String::from_utf8_lossy(&response.body).contains("unreachable") => {
                let none = "a proxy answers in place of the metadata service".to_owned();
                return Err(TokenError::ManagedIdentity(none));
            }
            404 | 410 | 429 | 500..=599 if attempt + 1 < retry::ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(
                    retry::own_wait(attempt).min(request.deadline.left().unwrap_or_default()),
                );
            }
            _ => return Err(login::refusal(&response)),
        }
    }
}

fn send(host: &MetadataHost, path: &str, deadline: Deadline) -> Result<HttpResponse, TokenError> {
    let MetadataHost(host) = host;
    let missing =
        |why: String| TokenError::ManagedIdentity(format!("no metadata service at {host}: {why}"));
    let mut connecting = deadline.at_most(CONNECT_LIMIT);
    let stream = DirectTcp.open(host, &mut connecting);
    let mut stream = stream.map_err(|error| missing(error.to_string()))?;
    stream.set_deadline(deadline.at_most(LIMIT));
    let request = HttpRequest {
        path,
        host: &host.to_string(),
        headers: &[("Metadata", "true"), ("Accept", "application/json")],
        secret_header: None,
        session_cookie: None,
        content: None,
    };
    message::exchange(&mut stream, &request, login::LIMITS)
        .map_err(|error| missing(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_at_a_fixed_address_or_where_the_variable_says() {
        let host = |text| MetadataHost::parse(text).map(|host| host.0.to_string()).ok();
        assert_eq!(host(None).as_deref(), Some("169.254.169.254:80"));
        assert_eq!(host(Some("http://127.0.0.1:8080/")).as_deref(), Some("127.0.0.1:8080"));
        for bad in ["https://a", "http://", "http://u@a", "http://a/b", "http://a:x", "a"] {
            assert_eq!(host(Some(bad)), None, "{bad}");
        }
    }
}
