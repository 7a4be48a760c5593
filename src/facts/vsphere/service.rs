//! What a vSphere server says of itself to everybody, and what time it has.
//!
//! Not for what is checked of it: that is `vcenter`.

use super::property::{json_answer, optional_text};
use crate::facts::Fact;
use crate::facts::transcript::Transcript;

/// The server's own time, as it is written in XML; absent when it did not tell.
pub(super) fn server_time(transcript: &Transcript) -> Option<jiff::Timestamp> {
    let time = json_answer(transcript, "time");
    time.known()?.as_str()?.parse().ok()
}

/// A part of what the server says of itself.
pub(super) fn about_property(transcript: &Transcript, name: &str) -> Fact<String> {
    json_answer(transcript, "service").and_then(|service| {
        let value = service.get("about").and_then(|about| optional_text(about, name));
        match value.filter(|value| !value.trim().is_empty()) {
            Some(value) => Fact::Known(value.to_owned()),
            None => Fact::unavailable(format!("the server gives no {name} of itself")),
        }
    })
}
