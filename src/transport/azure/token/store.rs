//! The token of a run, shared by its requests: got when it is first needed, renewed before its end, and once when it
//! is refused.
//!
//! Not for where it comes from.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::error::TokenError;
use super::request::{Token, TokenRequest};
use super::source::TokenSource;

/// The token of a run.
pub struct TokenStore<'a> {
    source: &'a TokenSource,
    request: TokenRequest<'a>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    was_refused: bool,
}

impl<'a> TokenStore<'a> {
    /// Creates a store without a token yet.
    pub fn new(source: &'a TokenSource, request: TokenRequest<'a>) -> Self {
        Self { source, request, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Returns the token, renewed when its end is near.
    ///
    /// # Errors
    ///
    /// Fails when the source gives none.
    pub fn token(&self) -> Result<Arc<Token>, TokenError> {
        let mut state = self.state();
        if let Some(token) = &state.token {
            let is_due = token.renew_at.is_some_and(|at| at <= Instant::now());
            if !is_due || !self.source.can_renew() {
                return Ok(Arc::clone(token));
            }
        }
        let token = Arc::new(self.source.fetch(&self.request)?);
        state.token = Some(Arc::clone(&token));
        Ok(token)
    }

    /// Forgets a token that was refused; false when another one would not help: it was given, or a new one was
    /// refused before.
    pub fn forget(&self, refused: &Arc<Token>) -> bool {
        let mut state = self.state();
        let is_current = state.token.as_ref().is_some_and(|token| Arc::ptr_eq(token, refused));
        if !is_current {
            return true;
        }
        if state.was_refused || !self.source.can_renew() {
            return false;
        }
        state.was_refused = true;
        state.token = None;
        true
    }
}
