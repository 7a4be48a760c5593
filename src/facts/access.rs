//! With which rights a host answered: many facts are only for root.

use schemars::JsonSchema;
use serde::Serialize;

use super::Fact;
use super::file;
use super::probe::Probe;
use super::transcript::Transcript;

/// The user id the script ran with.
pub const PROBES: &[Probe] = &[Probe::new("user", "id -u")];

/// With which rights a host answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct AccessFacts {
    /// The user id the probes ran with.
    pub user_id: i64,
}

/// Reads the rights out of a transcript.
pub fn of(transcript: &Transcript) -> Fact<AccessFacts> {
    match file::whole(transcript, "user") {
        Fact::Known(text) => parse(text),
        Fact::Unavailable(why) => Fact::Unavailable(why),
    }
}

/// Reads what `id -u` prints.
///
/// ```
/// use preflight::facts::access;
/// assert_eq!(access::parse("0\n").known().unwrap().user_id, 0);
/// assert!(access::parse("root\n").known().is_none());
/// ```
pub fn parse(text: &str) -> Fact<AccessFacts> {
    match text.trim().parse() {
        Ok(user_id) => Fact::Known(AccessFacts { user_id }),
        Err(_) => Fact::unavailable(format!("id -u printed {text:?}")),
    }
}
