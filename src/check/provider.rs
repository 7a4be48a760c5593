//! Where facts come from: a run has some providers, and a check requires some.
//!
//! Not for collecting facts: that is `transport`'s.

use schemars::JsonSchema;
use serde::Serialize;

/// Where facts come from.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Provider {
    /// The image's own file.
    Image,
    /// The master target, over SSH or from a capture.
    MasterTarget,
    /// The Windows master target, by what the script for Windows printed there.
    WindowsMasterTarget,
    /// A process server, over SSH.
    ProcessServer,
    /// A machine that has come back, over SSH.
    ReturnedMachine,
    /// vCenter, or an ESXi host's own API.
    Vsphere,
    /// An ESXi host's shell.
    EsxiShell,
    /// The vault in Azure.
    Azure,
    /// The site file: what its author says about servers that are not contacted.
    SiteFile,
    /// The site file, about the machines that fail back.
    Machines,
    /// A person who answers a question in the site file.
    Answers,
    /// The probes that a site's own checks bring.
    #[serde(rename = "own-probes")]
    #[strum(serialize = "own-probes")]
    CustomProbes,
    /// The record of when answers were collected, which comes with them.
    Record,
}

impl Provider {
    /// Returns the name in reports.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the name for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::Image => "the image",
            Self::MasterTarget => "the master target over SSH",
            Self::WindowsMasterTarget => "the Windows master target's capture",
            Self::ProcessServer => "a process server over SSH",
            Self::ReturnedMachine => "the returned machine over SSH",
            Self::Vsphere => "vCenter or ESXi",
            Self::EsxiShell => "an ESXi host over SSH",
            Self::Azure => "the vault in Azure",
            Self::SiteFile => "the servers' addresses and versions",
            Self::Machines => "the machines that fail back",
            Self::Answers => "a person's answers",
            Self::CustomProbes => "the site's own probes",
            Self::Record => "the record of when it was collected",
        }
    }

    /// Returns how to make it part of a run, in the imperative.
    pub fn instruction(self) -> &'static str {
        match self {
            Self::Image => "name the image",
            Self::MasterTarget => "name the master target, as ssh://root@HOST",
            Self::WindowsMasterTarget => {
                "run what preflight collect script --windows prints, and name the result as capture: in --site"
            }
            Self::ProcessServer => "give process_servers an ssh: in --site",
            Self::ReturnedMachine => "give protected_vms an ssh: in --site",
            Self::Vsphere => "add --vcenter vsphere://USER@HOST, or vcenter: in --site",
            Self::EsxiShell => "add --esxi ssh://root@HOST, or esxi: in --site",
            Self::Azure => "add azure: in --site, the vault or a capture of it",
            Self::SiteFile => "add --site FILE with the servers and their versions",
            Self::Machines => "add --protected-vm NAME, or protected_vms: in --site",
            Self::Answers => "answer in --site FILE, under answers:",
            Self::Record => "collect from it, or name a capture of it",
            Self::CustomProbes => "check the host with --checks DIR",
        }
    }
}
