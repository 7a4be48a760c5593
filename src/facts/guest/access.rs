//! With which rights a host answered: many facts are only for root.

use schemars::JsonSchema;
use serde::Serialize;

use crate::facts::probe::{Probe, ProbeName};
use crate::facts::transcript::Transcript;
use crate::facts::{Unavailable, file};

const USER: ProbeName = ProbeName::new("user");

/// The user id the script ran with.
pub const PROBES: &[Probe] = &[Probe::new(USER, "id -u")];

/// With which rights a host answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AccessFacts {
    /// The user id the probes ran with.
    pub user_id: i64,
    /// What came of giving sudo a password, in words; empty when it was given none.
    pub sudo: String,
}

/// The name of the answer that tells what came of giving sudo a password.
const SUDO: ProbeName = ProbeName::new("sudo");

/// What a word of that answer means.
///
/// ```
/// use preflight::facts::guest::access::describe_sudo;
/// assert_eq!(describe_sudo("wrong-password"), "sudo refused the password");
/// ```
pub fn describe_sudo(word: &str) -> &'static str {
    match word {
        "granted" => "sudo took the password",
        "wrong-password" => "sudo refused the password",
        "not-allowed" => {
            "the password is not at fault: sudoers does not allow the account to run sh"
        }
        "needs-a-terminal" => "sudoers demands a terminal (requiretty)",
        "no-sudo" => "there is no sudo",
        "no-printf" => "sudo was given no password, which the shell there cannot print unseen",
        "no-password" => "sudo was given no password, for there is none",
        "refused" => "sudo refused, and does not say that it is for the password",
        _ => "sudo: unknown",
    }
}

/// Reads the rights out of a transcript.
pub fn from_transcript(transcript: &Transcript) -> Result<AccessFacts, Unavailable> {
    let access = parse(file::complete_text(transcript, USER)?)?;
    Ok(AccessFacts { sudo: sudo_summary(transcript), ..access })
}

fn sudo_summary(transcript: &Transcript) -> String {
    transcript
        .text(SUDO)
        .map_or_else(|_| String::new(), |word| describe_sudo(word.trim()).to_owned())
}

/// Reads what `id -u` prints.
///
/// ```
/// use preflight::facts::guest::access;
/// assert_eq!(access::parse("0\n").unwrap().user_id, 0);
/// assert!(access::parse("root\n").is_err());
/// ```
pub fn parse(text: &str) -> Result<AccessFacts, Unavailable> {
    let user_id = text.trim().parse().map_err(|_| format!("id -u printed {text:?}"))?;
    Ok(AccessFacts { user_id, sudo: String::new() })
}
