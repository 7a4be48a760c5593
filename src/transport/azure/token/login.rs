//! A token from the login service: of a service principal with a secret, or with a proof in a file.
//!
//! Not for the other sources.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::error::TokenError;
use super::request::{Principal, Token, TokenRequest};
use crate::regular_file;
use crate::secret::Secret;
use crate::transport::azure::refusal::ArmError;
use crate::transport::azure::{body, retry};
use crate::transport::http::message::{self, Content, HttpRequest, HttpResponse, ReadLimits};
use crate::transport::http::stream::Deadline;
use crate::transport::http::tls;
use crate::uri::percent;

/// How long one request of the login may take.
const LIMIT: Duration = Duration::from_secs(30);

/// How much of its answer is read.
pub(super) const LIMITS: ReadLimits = ReadLimits { body: 256 * 1024, total: 512 * 1024 };

/// What a workload identity proves itself with.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Gets a token of a service principal with its secret.
///
/// # Errors
///
/// Fails when the login cannot be reached or refuses it.
pub fn with_secret(
    principal: &Principal,
    secret: &Secret,
    request: &TokenRequest<'_>,
) -> Result<Token, TokenError> {
    let proof = Secret::new(format!("client_secret={}", percent::encode(secret.expose(), b"")));
    post(principal, &proof, request)
}

/// Gets a token with the proof in a file, which is read each time, for it is rotated.
///
/// # Errors
///
/// Fails when the file cannot be read, and when the login cannot be reached or refuses it.
pub fn with_file(
    principal: &Principal,
    file: &Path,
    request: &TokenRequest<'_>,
) -> Result<Token, TokenError> {
    let unread = |why: String| TokenError::File(file.to_owned(), why);
    let bytes = regular_file::read(file, 64 * 1024).map_err(|error| unread(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unread("it is not text".to_owned()))?;
    let text = Secret::new(text);
    let proof = Secret::new(format!(
        "client_assertion_type={}&client_assertion={}",
        percent::encode(ASSERTION, b""),
        percent::encode(text.expose().trim(), b"")
    ));
    post(principal, &proof, request)
}

fn post(
    principal: &Principal,
    proof: &Secret,
    request: &TokenRequest<'_>,
) -> Result<Token, TokenError> {
    let audience = request.cloud.audience.trim_end_matches('/');
    let form = Secret::new(format!(
        "grant_type=client_credentials&client_id={}&scope={}&{}",
        percent::encode(&principal.client, b""),
        percent::encode(&format!("{audience}/.default"), b""),
        proof.expose()
    ));
    let path = format!("/{}/oauth2/v2.0/token", percent::encode(&principal.tenant, b""));
    let mut attempt = 0;
    loop {
        let response = send(&path, &form, request)?;
        if response.status == 200 {
            return parse(&response.body);
        }
        attempt += 1;
        let is_busy = matches!(response.status, 429 | 500..=599) && attempt < retry::ATTEMPTS;
        let wait = retry::requested_wait(&response).unwrap_or_else(|| retry::own_wait(attempt));
        if !is_busy || request.deadline.left().is_none_or(|left| left <= wait) {
            return Err(refusal(&response));
        }
        std::thread::sleep(wait.min(LIMIT));
    }
}

fn send(path: &str, form: &Secret, request: &TokenRequest<'_>) -> Result<HttpResponse, TokenError> {
    let login = &request.cloud.login;
    let host = || login.host.clone();
    let mut deadline: Deadline = request.deadline.at_most(LIMIT);
    let connect = |error| TokenError::Connect(host(), error);
    let stream = request.connector.open(&login.authority(), &mut deadline).map_err(connect)?;
    let secured = tls::start_tls(stream, &login.authority(), request.trust, deadline);
    let (mut stream, _) = secured.map_err(connect)?;
    let headers = [
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let request = HttpRequest {
        path,
        host: &login.host_field(),
        headers: &[],
        secret_header: None,
        session_cookie: None,
        content: Some(Content { headers: &headers, body: form.expose() }),
    };
    message::exchange(&mut stream, &request, LIMITS)
        .map_err(|error| TokenError::Http(host(), error))
}

/// Returns the token of an answer. Managed identities give numbers as texts.
pub(super) fn parse(bytes: &[u8]) -> Result<Token, TokenError> {
    let no_token = || TokenError::NoToken("the answer of the login".to_owned());
    let answer: Value = body::parse(bytes).map_err(|_| no_token())?;
    let text = answer["access_token"].as_str().ok_or_else(no_token)?;
    let lifetime = &answer["expires_in"];
    let lifetime = lifetime.as_u64().or_else(|| lifetime.as_str()?.parse().ok());
    Token::new(text, lifetime.map(Duration::from_secs), "the answer of the login")
}

pub(super) fn refusal(response: &HttpResponse) -> TokenError {
    let error = ArmError::parse(&response.body);
    let message = error.message.unwrap_or_else(|| "it gives no reason".to_owned());
    // The first sentence says it; trace ids follow.
    let message = message.split(" Trace ID").next().unwrap_or_default().to_owned();
    TokenError::Login { status: response.status, code: error.code, message }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn an_answer_of_the_login_has_a_token_and_its_lifetime() {
        let token = parse(br#"{"token_type":"Bearer","expires_in":3599,"access_token":"abc"}"#);
        assert!(token.unwrap().renew_at.is_some());
        let token = parse(br#"{"expires_in":"3599","expires_on":"1","access_token":"abc"}"#);
        assert!(token.unwrap().renew_at.is_some());
        for text in ["", "{}", "<html>", r#"{"access_token":1}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
