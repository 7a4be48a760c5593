//! Secret texts, without `Display` and `Serialize`, wiped when dropped; and functions that keep secrets
//! out of messages and other programs.
//!
//! Not for where secrets come from: prompts, files and the environment are `cli`'s.

use std::ffi::OsStr;
use std::fmt;
use std::process::Command;

use secrecy::{ExposeSecret, SecretString};

/// A secret text; `Debug` prints `***`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Creates a secret from a text.
    pub fn new(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// Returns the text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The prefix of all environment variables of this program; some hold secrets.
const OWN_VARIABLES: &str = "PREFLIGHT_";

/// Returns a command for another program, without this program's own environment variables: some hold
/// passwords.
pub fn command_without_secrets(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(OWN_VARIABLES.as_bytes()) {
            command.env_remove(name);
        }
    }
    command
}

/// Replaces what may be a password in the address of a host by `***`: everything between the first
/// colon after the scheme and the last `@`.
///
/// ```
/// use preflight::secret::redact_password;
/// assert_eq!(redact_password("ssh://root:hunter2@mt1:99999"), "ssh://root:***@mt1:99999");
/// assert_eq!(redact_password("ssh://ann@example.test@mt1:22"), "ssh://ann@example.test@mt1:22");
/// ```
pub fn redact_password(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let end = lower.rfind('@').max(lower.rfind("%40"));
    let Some(end) = end else { return text.to_owned() };
    let start = lower[..end].find("://").map_or(0, |at| at + "://".len());
    let account = &lower[start..end];
    let colon = account.find(':').map(|at| at + 1);
    let encoded = account.find("%3a").map(|at| at + 3);
    match colon.into_iter().chain(encoded).min() {
        Some(from) => format!("{}***{}", &text[..start + from], &text[end..]),
        None => text.to_owned(),
    }
}

/// Replaces the passwords in all words of a message that look like addresses.
///
/// ```
/// use preflight::secret::redact_message;
/// let message = "line 3: \"root:hunter2@mt1\" is no address, ask ann@example.test";
/// let expected = "line 3: \"root:***@mt1\" is no address, ask ann@example.test";
/// assert_eq!(redact_message(message), expected);
/// ```
pub fn redact_message(message: &str) -> String {
    let ends_word = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | ',');
    message.split_inclusive(ends_word).map(redact_password).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_hidden_however_it_is_written() {
        for (text, expected) in [
            ("root:pw@mt1", "root:***@mt1"),
            ("ssh://root:p@w@mt1/x", "ssh://root:***@mt1/x"),
            ("ssh://root:p/w:1@[::1]:22", "ssh://root:***@[::1]:22"),
            ("ssh:/root:pw@mt1", "ssh:***@mt1"),
            ("vsphere://a:pw%40vc1", "vsphere://a:***%40vc1"),
            ("ssh://root%3Apw@mt1", "ssh://root%3A***@mt1"),
            ("ssh://root:p w@mt1", "ssh://root:***@mt1"),
            ("ssh://root:@mt1", "ssh://root:***@mt1"),
            ("ssh://root@[fe80::1]:22", "ssh://root@[fe80::1]:22"),
            ("mt1:22", "mt1:22"),
            ("", ""),
        ] {
            assert_eq!(redact_password(text), expected);
        }
    }

    #[test]
    fn a_child_does_not_see_what_is_this_programs_own() {
        let shown: Vec<_> =
            command_without_secrets("true").get_envs().map(|(name, _)| name.to_owned()).collect();
        let own = |name: &OsStr| name.as_encoded_bytes().starts_with(b"PREFLIGHT_");
        assert!(shown.iter().all(|name| own(name)));
        let all = std::env::vars_os().filter(|(name, _)| own(name)).count();
        assert_eq!(shown.len(), all);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "***");
    }
}
