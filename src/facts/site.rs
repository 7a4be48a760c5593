//! What a site's author knows about servers nobody asks, and the answers to questions that no
//! machine can be asked; rules know the first as `site`.
//!
//! Not for reading the site file: `site` does that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stage::{Scenario, Stage};
use super::{Collection, Fact};

/// What the site file says about the servers around a target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SiteFacts {
    /// What fails back, and so which checks have a meaning.
    pub scenario: Scenario,
    /// Whether it names a configuration server.
    pub has_configuration_server: bool,
    /// The configuration server.
    pub configuration_server: Fact<SiteServerFacts>,
    /// The process servers.
    pub process_servers: Collection<SiteServerFacts>,
    /// Whether it names a vCenter server.
    pub has_vcenter: bool,
    /// The vCenter server.
    pub vcenter: Fact<SiteVcenterFacts>,
    /// The machines with ReiserFS that fail back through this master target, by name; complete
    /// when all of them say which file systems they have. Absent when the site names no machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Collection<String>")]
    pub reiserfs_sources: Option<Collection<String>>,
    /// The same for XFS.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Collection<String>")]
    pub xfs_sources: Option<Collection<String>>,
    /// Whether it names replication groups.
    pub has_groups: bool,
    /// Replication groups whose machines are planned for more than one master target, each with
    /// them; complete when every machine of a group is planned for one.
    pub split_groups: Collection<String>,
    /// What is planned for this master target.
    pub master_target: Fact<PlannedMasterTargetFacts>,
    /// Whether a machine is said to have been a physical server.
    pub has_physical: bool,
    /// Whether machines are named, and all of them are said to return to where they were.
    pub is_all_original: bool,
    /// Whether the Hyper-V hosts are said to be managed without VMM.
    pub is_without_vmm: bool,
    /// Whether the way home is said to be a VPN.
    pub link_is_vpn: bool,
    /// What the site file says of this machine, when it is one that fails back.
    pub machine: Fact<PlannedMachineFacts>,
    /// What the site file says of this process server, when it is one.
    pub process_server: Fact<PlannedProcessServerFacts>,
    /// The stages that the machines concerned are known to be at; complete when all of them are known.
    pub stages: Collection<Stage>,
}

/// What the site file says of a machine that fails back; false where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedMachineFacts {
    /// Whether it is said to have been a virtual machine.
    pub is_virtual: bool,
    /// Whether it is said to run Linux.
    pub is_linux: bool,
    /// Whether it is said to run Windows.
    pub is_windows: bool,
    /// Whether it is in a replication group.
    pub is_grouped: bool,
    /// Whether it is said to return to where it was.
    pub is_original_location: bool,
    /// The static address that it is to have again.
    pub address: Fact<String>,
}

/// What the site file says of a process server; false where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PlannedProcessServerFacts {
    /// Whether it is said to stand on premises.
    pub is_on_premises: bool,
    /// Whether it is said to run Windows, which is not asked over SSH.
    pub is_windows: bool,
}

/// The vCenter server as the site file describes it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SiteVcenterFacts {
    /// Its address.
    pub address: String,
    /// The account stored on the configuration server.
    pub discovery_account: Fact<String>,
}

/// What the site file says of a master target.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PlannedMasterTargetFacts {
    /// Its name in the site file.
    pub name: String,
    /// The name of its virtual machine.
    pub vm: Fact<String>,
    /// Where its retention volume is to be.
    pub retention: String,
    /// Whether it is said to run Windows.
    pub is_windows: bool,
}

/// One server as the site file describes it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct SiteServerFacts {
    /// Its name in the site file.
    pub name: String,
    /// Its address.
    pub address: Fact<String>,
    /// The version of its Site Recovery components, such as `9.8.9.0`.
    pub version: Fact<String>,
}

/// What a person answers to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SiteAnswer {
    /// The answer.
    pub value: AnswerValue,
    /// Who answered.
    pub by: String,
    /// The day of the answer, such as `2026-11-20`.
    pub at: String,
    /// The stage at which it was given, when that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

impl SiteAnswer {
    /// The day of an answer that stands as long as the site file says so.
    pub const UNDATED: &'static str = "";

    /// Returns the day of the answer; none where it stands as long as the site file says so.
    pub fn day(&self) -> Option<&str> {
        (self.at != Self::UNDATED).then_some(self.at.as_str())
    }
}

/// The answers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AnswerValue {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// The question has no meaning at this site.
    #[strum(serialize = "not applicable")]
    NotApplicable,
}

impl AnswerValue {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
