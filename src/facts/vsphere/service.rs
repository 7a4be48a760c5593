//! What a vSphere server says of itself to everybody, and what time it has.
//!
//! Not for what is checked of it: that is `vcenter`.

use super::property::{json_answer, optional_text};
use crate::facts::Unavailable;
use crate::facts::transcript::Transcript;

/// The server's own time, as it is written in XML; absent when it did not tell.
pub(super) fn server_time(transcript: &Transcript) -> Option<jiff::Timestamp> {
    json_answer(transcript, "time").ok()?.as_str()?.parse().ok()
}

/// A part of what the server says of itself.
pub(super) fn about_property(transcript: &Transcript, name: &str) -> Result<String, Unavailable> {
    let service = json_answer(transcript, "service")?;
    let value = service.get("about").and_then(|about| optional_text(about, name));
    let value = value.filter(|value| !value.trim().is_empty());
    Ok(value.ok_or_else(|| format!("the server gives no {name} of itself"))?.to_owned())
}
