//! The kinds of systems and things that checks run on and facts are collected from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of a target.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum TargetKind {
    /// A finished appliance image.
    Image,
    /// A vendor's medium with the RPMs that go with it.
    Packages,
    /// A Linux master target.
    LinuxMt,
    /// A Windows master target.
    WindowsMt,
    /// A process server.
    ProcessServer,
    /// The configuration server.
    ConfigurationServer,
    /// A vCenter server.
    Vcenter,
    /// An ESXi host.
    Esxi,
    /// A virtual machine or physical server that is to fail back.
    ProtectedVm,
    /// The site as a whole: what is true of no single machine.
    Site,
}

impl TargetKind {
    /// Whether it is a master target, of whichever system.
    pub fn is_master_target(self) -> bool {
        matches!(self, Self::LinuxMt | Self::WindowsMt)
    }

    /// Returns the word for it in definitions, captures and reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
