//! The systems of a site and the connections between them, as far as a system of the site has seen
//! them. No rule reads this: it is for the picture of a report.
//!
//! Not for how it is made from a site (`site::topology`), nor for how it is drawn
//! (`report::site_picture`).

use super::stage::Scenario;
use super::target_kind::TargetKind;

/// The systems of a site and the connections between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The name of the site, when its author gave it one.
    pub name: Option<String>,
    /// What fails back, and so which systems there are.
    pub scenario: Scenario,
    /// The systems, in the order of the site file; the site itself is none of them.
    pub systems: Vec<SiteSystem>,
    /// How many machines are to run in Azure now, by the stages in the site file. A machine without
    /// a stage counts: it is to come home from there.
    pub machines_in_azure: usize,
    /// The connections, each from the system that opens it.
    pub connections: Vec<SiteConnection>,
}

/// One system of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSystem {
    /// Its name in reports.
    pub name: String,
    /// What it is.
    pub kind: TargetKind,
    /// What the site file says about it, as a fragment: `through mt1`.
    pub detail: Option<String>,
}

/// One connection between two systems of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteConnection {
    /// The name of the system that opens it.
    pub from: String,
    /// The kind of that system.
    pub from_kind: TargetKind,
    /// The name of the system that takes it.
    pub to: String,
    /// The kind of that system.
    pub to_kind: TargetKind,
    /// The TCP port; none where vCenter tells of a connection of its own.
    pub port: Option<u16>,
    /// What it led to.
    pub state: ConnectionState,
    /// What was found in words, or why nothing was.
    pub found: String,
    /// The system whose check decides about it.
    pub checked_on: String,
    /// The check that decides about it; none where there is no such check.
    pub check: Option<&'static str>,
}

/// What a connection led to, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionState {
    /// The other system is there and nothing listens, or a firewall says so.
    Refused,
    /// Nothing came back.
    Filtered,
    /// There is no way to the other system's network.
    NoRoute,
    /// The name of the other system could not be resolved.
    UnknownName,
    /// It was taken, and no TLS is spoken.
    WithoutTls,
    /// vCenter has lost the host.
    Disconnected,
    /// It was asked about, and the answer says nothing.
    Undecided,
    /// Nobody asked.
    NotAsked,
    /// It was taken.
    Open,
    /// vCenter has the host.
    Connected,
    /// No disk of the machine hangs on the master target.
    Detached,
    /// Disks of the machine hang on the master target, which writes into them.
    Attached,
}

impl ConnectionState {
    /// Returns the word for it beside an arrow.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Filtered => "filtered",
            Self::NoRoute => "no route",
            Self::UnknownName => "no DNS",
            Self::WithoutTls => "no TLS",
            Self::Disconnected => "disconnected",
            Self::Undecided => "unknown",
            Self::NotAsked => "not asked",
            Self::Open => "open",
            Self::Connected => "connected",
            Self::Detached => "not attached",
            Self::Attached => "attached",
        }
    }

    /// Whether it works.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Open | Self::Connected | Self::Attached)
    }

    /// Whether nothing is known about it.
    pub fn is_unknown(self) -> bool {
        matches!(self, Self::Undecided | Self::NotAsked)
    }
}
