//! What a vSphere server says of itself to everybody, and what time it has.
//!
//! Not for what is checked of it: that is `vcenter`.

use super::property::{json_answer, optional_text};
use super::questions;
use crate::facts::Unavailable;
use crate::facts::transcript::Transcript;

/// What a server says of itself, as the API's `AboutInfo` does; a part may be missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutInfo {
    api_type: Option<String>,
    full_name: Option<String>,
    version: Option<String>,
}

impl AboutInfo {
    /// What an ESXi host says that answers for itself.
    pub fn of_host(full_name: &str, version: &str) -> Self {
        Self {
            api_type: Some("HostAgent".to_owned()),
            full_name: Some(full_name.to_owned()),
            version: Some(version.to_owned()),
        }
    }

    /// Reads it out of a transcript of a server.
    pub fn from_transcript(transcript: &Transcript) -> Result<Self, Unavailable> {
        let service = json_answer(transcript, questions::SERVICE)?;
        let part = |name: &str| {
            let value = service.get("about").and_then(|about| optional_text(about, name));
            value.filter(|value| !value.trim().is_empty()).map(str::to_owned)
        };
        Ok(Self {
            api_type: part("apiType"),
            full_name: part("fullName"),
            version: part("version"),
        })
    }

    /// `VirtualCenter`, or `HostAgent` of an ESXi host that answers for itself.
    pub fn api_type(&self) -> Result<&str, Unavailable> {
        require(&self.api_type, "apiType")
    }

    /// What it calls itself, such as `VMware vCenter Server 6.7.0 build-14368073`.
    pub fn full_name(&self) -> Result<&str, Unavailable> {
        require(&self.full_name, "fullName")
    }

    /// Its version, such as `6.7.0`.
    pub fn version(&self) -> Result<&str, Unavailable> {
        require(&self.version, "version")
    }
}

fn require<'p>(part: &'p Option<String>, name: &str) -> Result<&'p str, Unavailable> {
    Ok(part.as_deref().ok_or_else(|| format!("the server gives no {name} of itself"))?)
}

/// The server's own time, as it is written in XML; absent when it did not tell.
pub(super) fn server_time(transcript: &Transcript) -> Option<jiff::Timestamp> {
    json_answer(transcript, questions::TIME).ok()?.as_str()?.parse().ok()
}
