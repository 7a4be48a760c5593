//! What a vSphere server says of itself to everybody, and what time it has.
//!
//! Not for what is judged of it: that is `vcenter`.

use super::property::{answer, part};
use crate::facts::Fact;
use crate::facts::transcript::Transcript;

/// The server's own time, as it is written in XML; absent when it did not tell.
pub(super) fn server_time(transcript: &Transcript) -> Option<jiff::Timestamp> {
    let time = answer(transcript, "time");
    time.known()?.as_str()?.parse().ok()
}

/// A part of what the server says of itself.
pub(super) fn about(transcript: &Transcript, name: &str) -> Fact<String> {
    answer(transcript, "service").and_then(|service| {
        let value = service.get("about").and_then(|about| part(about, name));
        match value.filter(|value| !value.trim().is_empty()) {
            Some(value) => Fact::Known(value.to_owned()),
            None => Fact::unavailable(format!("the server gives no {name} of itself")),
        }
    })
}
