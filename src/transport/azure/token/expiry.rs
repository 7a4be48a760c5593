//! When a token ends, as its own text says: it is read and not verified.
//!
//! Not for renewing it (`store`).

use std::time::Duration;

use jiff::Timestamp;
use openssl::base64::decode_block;

use super::error::TokenError;
use crate::secret::Secret;

/// Returns a token that has not ended, by this machine's clock; a text that tells no end is returned as it is.
///
/// # Errors
///
/// Fails when the token has ended.
pub fn checked(token: Secret) -> Result<Secret, TokenError> {
    let now = Timestamp::now().as_second();
    match end(token.expose().trim()) {
        Some(end) if end <= now => Err(TokenError::Expired((now - end) / 60)),
        _ => Ok(token),
    }
}

/// Returns the time that is left of a token, by this machine's clock; none when the text tells no end.
pub fn left(token: &str) -> Option<Duration> {
    let left = end(token)?.saturating_sub(Timestamp::now().as_second());
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0)))
}

/// Returns the `exp` of a JSON web token, in seconds since 1970.
fn end(token: &str) -> Option<i64> {
    let payload = token.split('.').nth(1)?;
    let mut text = payload.trim_end_matches('=').replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    let payload: serde_json::Value = serde_json::from_slice(&decode_block(&text).ok()?).ok()?;
    payload["exp"].as_i64()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "all of this module is a test")]

    use openssl::base64::encode_block;

    use super::*;

    fn token(payload: &str) -> String {
        let payload = encode_block(payload.as_bytes());
        let payload = payload.trim_end_matches('=').replace('+', "-").replace('/', "_");
        format!("e30.{payload}.c2ln")
    }

    #[test]
    fn the_end_of_a_token_is_read_and_nothing_else_of_it() {
        let now = Timestamp::now().as_second();
        let old = token(&format!(r#"{{"exp":{},"name":"ÿ?>~"}}"#, now - 600));
        let error = checked(Secret::new(old)).unwrap_err().to_string();
        assert_eq!(error, "the given token expired 10 min ago");
        let new = token(&format!(r#"{{"exp":{}}}"#, now + 600));
        assert!(left(&new).is_some_and(|left| left.as_secs() > 500));
        assert!(checked(Secret::new(new)).is_ok());
        for text in ["opaque", "a.b.c", "..", &token("[]"), &token("{}")] {
            assert_eq!(left(text), None, "{text}");
            assert!(checked(Secret::new(text.to_owned())).is_ok());
        }
    }
}
