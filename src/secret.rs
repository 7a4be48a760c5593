//! A text that must not be seen: no `Display`, no `Serialize`, wiped when dropped.
//!
//! Not for where secrets come from: prompts, files and the environment are `cli`'s.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A secret text; `Debug` prints `***`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "***");
    }
}
