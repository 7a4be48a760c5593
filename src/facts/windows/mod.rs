//! Everything that is known about one Windows master target, by what the script for Windows printed
//! there; rules know it as `wmt`.
//!
//! The script is read-only, and no PowerShell is run by this program. Not for what vSphere knows of the
//! same machine.

pub mod agent;
pub mod capture;
pub mod retention;

use schemars::JsonSchema;
use serde::Serialize;

use self::agent::WindowsAgentFacts;
use self::capture::{WindowsCapture, member_text};
use self::retention::WindowsRetentionFacts;
use super::Fact;
use super::transcript::Transcript;

/// The script that is run on a Windows master target.
pub const SCRIPT: &str = include_str!("capture.ps1");

/// Everything that is checked about one Windows master target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WindowsFacts {
    /// The name of the computer.
    pub host_name: Fact<String>,
    /// The edition of Windows.
    pub system: Fact<String>,
    /// The retention volume.
    pub retention: WindowsRetentionFacts,
    /// The replication agent.
    pub agent: WindowsAgentFacts,
    /// Its clock.
    pub clock: WindowsClockFacts,
}

/// How the clock of a Windows machine is kept.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct WindowsClockFacts {
    /// The time zone.
    pub zone: Fact<String>,
    /// Where the time service takes the time from: `NTP`, `NT5DS`, `AllSync` or `NoSync`.
    pub source: Fact<String>,
    /// Whether the time service runs.
    pub service: Fact<bool>,
}

impl WindowsFacts {
    /// Reads all facts out of a transcript; `retention` is the planned drive, or a path on it.
    pub fn from_transcript(transcript: &Transcript, retention: &str) -> Self {
        let capture = WindowsCapture::from_transcript(transcript);
        let stale = transcript.overrides.stale.as_deref();
        let agent = agent::read_agent(&capture, stale);
        let service = match stale {
            Some(why) => Fact::unavailable(why),
            None => agent::is_running(&capture, "W32Time").into(),
        };
        Self {
            host_name: capture.text("host_name").into(),
            system: capture.answer("system").and_then(|system| member_text(system, "name")).into(),
            retention: retention::read_retention(&capture, retention, &agent),
            clock: WindowsClockFacts {
                zone: capture.answer_text("time_zone").into(),
                source: capture.answer_text("time_source").into(),
                service,
            },
            agent,
        }
    }
}
