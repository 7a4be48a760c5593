//! What a vSphere server says of itself to everybody, and what time it has.
//!
//! Not for what is checked of it: that is `vcenter`.

use super::property::{json_answer, optional_text};
use super::questions;
use crate::facts::Unavailable;
use crate::facts::transcript::Transcript;

/// What a server says of itself, as the API's `AboutInfo` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutInfo {
    /// `VirtualCenter`, or `HostAgent` of an ESXi host that answers for itself.
    pub api_type: Result<String, Unavailable>,
    /// What it calls itself, such as `VMware vCenter Server 6.7.0 build-14368073`.
    pub full_name: Result<String, Unavailable>,
    /// Its version, such as `6.7.0`.
    pub version: Result<String, Unavailable>,
}

impl AboutInfo {
    /// Reads it out of a transcript of a server.
    pub fn from_transcript(transcript: &Transcript) -> Result<Self, Unavailable> {
        let service = json_answer(transcript, questions::SERVICE)?;
        let part = |name: &str| {
            let value = service.get("about").and_then(|about| optional_text(about, name));
            let value = value.filter(|value| !value.trim().is_empty()).map(str::to_owned);
            Ok(value.ok_or_else(|| format!("the server gives no {name} of itself"))?)
        };
        let (api_type, full_name, version) = (part("apiType"), part("fullName"), part("version"));
        Ok(Self { api_type, full_name, version })
    }
}

/// The server's own time, as it is written in XML; absent when it did not tell.
pub(super) fn server_time(transcript: &Transcript) -> Option<jiff::Timestamp> {
    json_answer(transcript, questions::TIME).ok()?.as_str()?.parse().ok()
}
