//! A token, and what getting one takes.
//!
//! Not for where it comes from (`source`).

use std::time::{Duration, Instant};

use super::error::TokenError;
use super::expiry;
use crate::secret::Secret;
use crate::transport::azure::cloud::Cloud;
use crate::transport::http::stream::{Connector, Deadline};
use crate::transport::http::tls::TlsTrust;

/// The most bytes of a token; real ones have one to two thousand.
pub const MAX_TOKEN: usize = 16 * 1024;

/// How long a token is used without being renewed before its end.
const MARGIN: Duration = Duration::from_secs(300);

/// Who logs in without a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The tenant's id or domain.
    pub tenant: String,
    /// The client's id.
    pub client: String,
}

impl Principal {
    /// Reads the principal of the variable `set`, which is of no use without it.
    ///
    /// # Errors
    ///
    /// Fails when the tenant or the client is missing, or cannot stand in a URL.
    pub fn from_variables(
        set: &'static str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, TokenError> {
        let named = |name: &'static str| {
            let value = variable(name).ok_or(TokenError::Incomplete { set, missing: name })?;
            if is_word(&value) { Ok(value) } else { Err(TokenError::Value(name)) }
        };
        Ok(Self { tenant: named("AZURE_TENANT_ID")?, client: named("AZURE_CLIENT_ID")? })
    }
}

/// A token.
#[derive(Debug)]
pub struct Token {
    /// The token itself, as the `Authorization` field has it: `Bearer …`.
    pub authorization: Secret,
    /// When it is to be renewed; none when its end is not known.
    pub renew_at: Option<Instant>,
}

/// What getting a token takes.
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// The cloud.
    pub cloud: &'a Cloud,
    /// Opens connections to its login.
    pub connector: &'a (dyn Connector + Send + Sync),
    /// Which certificates are trusted.
    pub trust: &'a TlsTrust,
    /// The subscription that is asked about.
    pub subscription: &'a str,
    /// The moment after which nothing is waited for.
    pub deadline: Deadline,
}

impl Token {
    /// Makes a token of a text, which lives for `lifetime`; without that, for as long as the text itself says.
    ///
    /// # Errors
    ///
    /// Fails for a text that cannot stand in a header field.
    pub fn new(text: &str, lifetime: Option<Duration>, source: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        let is_token = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_token || text.len() > MAX_TOKEN {
            return Err(TokenError::NoToken(source.to_owned()));
        }
        let lifetime = lifetime.or_else(|| expiry::left(text));
        let renew_at = lifetime.map(|lifetime| {
            let early = if lifetime > 2 * MARGIN { lifetime - MARGIN } else { lifetime / 2 };
            Instant::now() + early
        });
        Ok(Self { authorization: Secret::new(format!("Bearer {text}")), renew_at })
    }
}

/// Whether a text can be an id or a domain, and so stand in a URL.
pub fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !text.is_empty() && text.len() <= 200 && text.bytes().all(allowed) && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use super::*;

    #[test]
    fn a_token_is_one_word_and_is_not_shown() {
        let token = Token::new(" abc.def.ghi \n", None, "it").unwrap();
        assert_eq!(token.authorization.expose(), "Bearer abc.def.ghi");
        assert!(!format!("{token:?}").contains("abc"));
        for text in ["", " ", "a b", "a\r\nX: y", &"x".repeat(MAX_TOKEN + 1)] {
            assert!(Token::new(text, None, "it").is_err());
        }
    }
}
