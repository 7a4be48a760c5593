//! The contents of a site file as plain types.
//!
//! Not for parsing the file (`file`), nor for checking its references (`validate`).

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

use super::answers::AnswerEntry;
use super::azure::AzureVault;
use super::error::SiteFault;
use super::value::{
    Address, DATA_PORT, FileSystem, GuestSystem, Label, Link, MemorySize, Name, ReturnLocation,
    ServerRole, VaultExperience, Version, Via,
};
use crate::check::Waiver;
use crate::facts::probe::DEFAULT_RETENTION;
use crate::facts::stage::{Scenario, Stage};
use crate::facts::target_kind::TargetKind;
use crate::facts::vsphere::machine_description::MachineDescription;
use crate::facts::windows::retention::DEFAULT_DRIVE;
use crate::uri::target::TargetAddress;
use crate::uri::vsphere::{VsphereAddress, VsphereAddressError};

/// Everything that a site file says about a site.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// The name of the site in reports.
    pub name: Option<Label>,
    /// The failback scenario; VMware machines by default.
    #[schemars(schema_with = "scenario_words")]
    pub scenario: Scenario,
    /// Which experience of Site Recovery the vault has; a question while nothing is said.
    pub experience: Option<VaultExperience>,
    /// The stage of machines that have none of their own.
    pub stage: Option<Stage>,
    /// The stage given with `--stage`, which overrides everything.
    #[serde(skip)]
    pub given_stage: Option<Stage>,
    /// How the Azure network is linked to the site.
    pub link: Option<Link>,
    /// Whether VMM manages the Hyper-V hosts.
    pub vmm: Option<bool>,
    /// The vCenter server, or the ESXi host that stands in for one.
    pub vcenter: Option<Vcenter>,
    /// The Recovery Services vault.
    pub azure: Option<AzureVault>,
    /// The configuration server.
    pub configuration_server: Option<ConfigurationServer>,
    /// The process servers.
    pub process_servers: Vec<ProcessServer>,
    /// The ESXi hosts.
    pub esxi: Vec<EsxiHost>,
    /// The master targets.
    pub master_targets: Vec<MasterTarget>,
    /// The machines that are to fail back.
    pub protected_vms: Vec<ProtectedVm>,
    /// Machines that share recovery points.
    pub replication_groups: Vec<ReplicationGroup>,
    /// The answers to questions; absent when questions are not evaluated.
    pub answers: Option<Vec<AnswerEntry>>,
    /// A file with more answers.
    pub answers_file: Option<PathBuf>,
    /// The waivers of findings.
    pub waivers: Vec<Waiver>,
}

fn scenario_words(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["vmware", "vmware-classic", "hyperv"] })
}

/// The vCenter server.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vcenter {
    /// The URL of its API, `vsphere://[USER@]HOST[:PORT]`, or of a capture, `capture:FILE`.
    pub url: String,
    /// The account to log in with when the URL names none; the discovery account by default.
    #[serde(default)]
    pub user: Option<String>,
    /// The account stored on the configuration server, whose privileges are checked.
    #[serde(default)]
    pub discovery_account: Option<String>,
    /// The SHA-256 or SHA-1 thumbprint of the trusted certificate.
    #[serde(default)]
    pub thumbprint: Option<String>,
    /// The host through which it is reached: a master target or a process server of the site, or
    /// `ssh://USER@HOST[:PORT]`.
    #[serde(default)]
    pub via: Option<Via>,
    /// A file with the password, readable only by its owner.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// Whether TLS before 1.2 is allowed.
    #[serde(default)]
    pub legacy_tls: bool,
}

/// The configuration server.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigurationServer {
    /// Its address in the configuration of agents.
    pub address: Address,
    /// The version of its Site Recovery components.
    #[serde(default)]
    pub version: Option<Version>,
}

/// How to log in to a machine over SSH.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshLogin {
    /// The account, when the URI names none.
    pub user: Option<String>,
    /// The private key.
    pub identity: Option<PathBuf>,
    /// A file with the password.
    pub password_file: Option<PathBuf>,
    /// Whether sudo gets a password, when the account is not root.
    pub ask_sudo: bool,
    /// A file with the password for sudo.
    pub sudo_password_file: Option<PathBuf>,
    /// The fingerprint of the host key.
    pub host_key: Option<String>,
    /// Whether algorithms of the SHA-1 era are allowed.
    pub legacy_ssh: bool,
    /// The jump hosts, separated by commas.
    pub jump: Option<String>,
}

/// Defines a system of the site with an SSH login.
///
/// In the file the keys of the login are among its own keys; here they are one [`SshLogin`].
/// Serde's `flatten` would do the same, but loses the positions of errors and the list of known
/// keys.
macro_rules! ssh_system {
    ($(#[doc = $about:literal])* $name:ident [$($sudo:ident: $sudo_type:ty),*] {
        $($(#[doc = $doc:literal])* $(#[serde($($option:tt)*)])? $field:ident: $type:ty,)*
    }) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
            /// How to log in to it.
            pub login: SshLogin,
        }

        const _: () = {
            /// The keys as the file has them.
            #[derive(Deserialize, JsonSchema)]
            #[serde(deny_unknown_fields, expecting = "expected the keys of a system")]
            struct Keys {
                $($(#[doc = $doc])* $(#[serde($($option)*)])? $field: $type,)*
                /// The account to log in with, when the URI names none.
                #[serde(default)]
                user: Option<String>,
                /// The private key.
                #[serde(default)]
                identity: Option<PathBuf>,
                /// A file with the password, readable only by its owner.
                #[serde(default)]
                password_file: Option<PathBuf>,
                $(#[serde(default)] $sudo: $sudo_type,)*
                /// The fingerprint of the host key, as SHA256:...
                #[serde(default)]
                host_key: Option<String>,
                /// Whether algorithms of the SHA-1 era are allowed.
                #[serde(default)]
                legacy_ssh: bool,
                /// The jump hosts, separated by commas.
                #[serde(default)]
                jump: Option<String>,
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let keys = Keys::deserialize(deserializer)?;
                    #[allow(clippy::needless_update, reason = "some have every key there is")]
                    let login = SshLogin {
                        user: keys.user,
                        identity: keys.identity,
                        password_file: keys.password_file,
                        $($sudo: keys.$sudo,)*
                        host_key: keys.host_key,
                        legacy_ssh: keys.legacy_ssh,
                        jump: keys.jump,
                        ..SshLogin::default()
                    };
                    Ok(Self { $($field: keys.$field,)* login })
                }
            }

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                    Keys::json_schema(generator)
                }
            }
        };
    };
}

ssh_system! {
    /// One process server.
    ProcessServer [ask_sudo: bool, sudo_password_file: Option<PathBuf>] {
        /// Its name in reports.
        name: Name,
        /// Its address in the configuration of agents.
        address: Address,
        /// The version of its Site Recovery components.
        #[serde(default)]
        version: Option<Version>,
        /// The port for replication data.
        #[serde(default = "data_port")]
        data_port: u16,
        /// How it is reached; without this nothing is collected from it.
        #[serde(default)]
        ssh: Option<TargetAddress>,
        /// Where it stands: the one in Azure counts on the way home, the one on premises on the way to Azure.
        #[serde(default)]
        role: Option<ServerRole>,
        /// Its operating system.
        #[serde(default)]
        os: Option<GuestSystem>,
    }
}

fn data_port() -> u16 {
    DATA_PORT
}

ssh_system! {
    /// One ESXi host.
    EsxiHost [] {
        /// Its name in reports.
        name: Name,
        /// How its shell is reached; without this only vCenter reports on it.
        #[serde(default)]
        ssh: Option<TargetAddress>,
        /// The host through which it is reached with that host's own login: a master target or a
        /// process server of the site, or `ssh://USER@HOST[:PORT]`.
        #[serde(default)]
        via: Option<Via>,
    }
}

ssh_system! {
    /// One master target.
    MasterTarget [ask_sudo: bool, sudo_password_file: Option<PathBuf>] {
        /// Its name in reports.
        name: Name,
        /// Its operating system; Linux by default.
        #[serde(default)]
        os: Option<GuestSystem>,
        /// How it is reached; a Windows one is not.
        #[serde(default)]
        ssh: Option<TargetAddress>,
        /// What the script for Windows printed there.
        #[serde(default)]
        capture: Option<PathBuf>,
        /// The name of its virtual machine in vCenter.
        #[serde(default)]
        vm: Option<String>,
        /// The mount point of its retention volume, or its drive on Windows. A site file defaults to the
        /// documented one, options default to none.
        #[serde(default)]
        retention: Option<String>,
        /// When the last reprotect through it began; moves of its disks count from then on.
        #[serde(default)]
        reprotected_at: Option<jiff::Timestamp>,
    }
}

ssh_system! {
    /// One machine that is to fail back.
    ProtectedVm [ask_sudo: bool, sudo_password_file: Option<PathBuf>] {
        /// Its name, in reports and in vCenter.
        name: Label,
        /// What Azure calls it, where that is another name.
        #[serde(default)]
        azure_name: Option<Label>,
        /// The master target that is to receive it.
        #[serde(default)]
        master_target: Option<Name>,
        /// The stage it is at.
        #[serde(default)]
        stage: Option<Stage>,
        /// Whether it returns to where it was.
        #[serde(default)]
        location: Option<ReturnLocation>,
        /// The file systems on its disks; absent when unknown.
        #[serde(default)]
        filesystems: Option<Vec<FileSystem>>,
        /// The ESXi host on which it should appear, by its name in vCenter.
        #[serde(default)]
        host: Option<String>,
        /// The datastore chosen for it in Re-protect, by its name in vCenter.
        #[serde(default)]
        datastore: Option<String>,
        /// Its operating system; used when vCenter no longer knows the machine.
        #[serde(default)]
        os: Option<GuestSystem>,
        /// Its memory; used when vCenter no longer knows the machine.
        #[serde(default)]
        memory: Option<MemorySize>,
        /// The sizes of its protected disks.
        #[serde(default)]
        disks: Option<Vec<MemorySize>>,
        /// Whether it was a physical server, which has no virtual machine to fail back to.
        #[serde(default)]
        physical: Option<bool>,
        /// The recovery plan that it fails over in.
        #[serde(default)]
        recovery_plan: Option<Label>,
        /// When its Re-protect began; moves of its master target's disks count from the earliest of these times on.
        #[serde(default)]
        reprotected_at: Option<jiff::Timestamp>,
        /// How it is reached once it has returned; without this nothing is collected from it.
        #[serde(default)]
        ssh: Option<TargetAddress>,
        /// The static address that it had before failover and is to have again.
        #[serde(default)]
        address: Option<std::net::IpAddr>,
    }
}

/// Machines that share recovery points.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplicationGroup {
    /// Its name.
    pub name: Label,
    /// The machines in it.
    pub vms: Vec<Label>,
}

impl MasterTarget {
    /// Returns a master target without optional keys.
    pub fn new(name: Name) -> Self {
        Self {
            name,
            os: None,
            ssh: None,
            capture: None,
            vm: None,
            retention: None,
            reprotected_at: None,
            login: SshLogin::default(),
        }
    }

    /// Returns its kind as a target.
    pub fn kind(&self) -> TargetKind {
        match self.os {
            Some(GuestSystem::Windows) => TargetKind::WindowsMt,
            Some(GuestSystem::Linux) | None => TargetKind::LinuxMt,
        }
    }

    /// Returns where its answers come from: its host, or the capture of a Windows one.
    pub fn address(&self) -> Option<TargetAddress> {
        match self.kind() {
            TargetKind::WindowsMt => self.capture.clone().map(TargetAddress::Captures),
            _ => self.ssh.clone(),
        }
    }

    /// Returns where its retention volume is when nothing is said of it.
    pub fn default_retention(&self) -> &'static str {
        match self.kind() {
            TargetKind::WindowsMt => DEFAULT_DRIVE,
            _ => DEFAULT_RETENTION,
        }
    }
}

impl ProcessServer {
    /// Returns a process server without optional keys.
    pub fn new(name: Name, address: Address) -> Self {
        Self {
            name,
            address,
            version: None,
            data_port: DATA_PORT,
            ssh: None,
            role: None,
            os: None,
            login: SshLogin::default(),
        }
    }
}

impl EsxiHost {
    /// Returns an ESXi host that only vCenter reports on.
    pub fn unreached(name: Name) -> Self {
        Self { name, ssh: None, login: SshLogin::default(), via: None }
    }

    /// Returns an ESXi host without optional keys.
    pub fn new(name: Name, ssh: TargetAddress) -> Self {
        Self { name, ssh: Some(ssh), login: SshLogin::default(), via: None }
    }
}

impl ProtectedVm {
    /// Returns a machine without optional keys.
    pub fn new(name: Label) -> Self {
        Self {
            name,
            azure_name: None,
            master_target: None,
            stage: None,
            location: None,
            filesystems: None,
            host: None,
            datastore: None,
            os: None,
            memory: None,
            disks: None,
            physical: None,
            recovery_plan: None,
            reprotected_at: None,
            ssh: None,
            address: None,
            login: SshLogin::default(),
        }
    }

    /// Returns its properties that vCenter may no longer know.
    pub fn described(&self) -> MachineDescription {
        MachineDescription {
            guest_family: self.os.map(|os| os.family().to_owned()),
            memory_mib: self.memory.map(MemorySize::mib),
            disks_mib: self.disks.as_ref().map(|all| all.iter().map(|disk| disk.mib()).collect()),
            // From Re-protect on the machine is there, and looks like one that always was.
            is_made_anew: self.physical == Some(true)
                || (self.location == Some(ReturnLocation::Alternate)
                    && self.stage == Some(Stage::Prepare)),
        }
    }
}

impl EsxiHost {
    /// Returns the host in the address of its shell.
    pub fn host(&self) -> Option<&str> {
        self.ssh.as_ref()?.host()
    }
}

impl Vcenter {
    /// Returns a vCenter server without optional keys.
    ///
    /// # Errors
    ///
    /// Fails when the URL is not a `vsphere://` URL, or contains a password.
    pub fn new(url: &str) -> Result<Self, SiteFault> {
        let vcenter = Self {
            url: url.to_owned(),
            user: None,
            discovery_account: None,
            thumbprint: None,
            via: None,
            password_file: None,
            legacy_tls: false,
        };
        vcenter.verify()?;
        Ok(vcenter)
    }

    /// Verifies the form of its URL.
    pub(super) fn verify(&self) -> Result<(), SiteFault> {
        if self.capture().is_some_and(|path| !path.as_os_str().is_empty()) {
            return Ok(());
        }
        match self.url.parse::<VsphereAddress>() {
            Ok(_) => Ok(()),
            Err(VsphereAddressError::Password) => Err(SiteFault::Password),
            Err(_) => Err(SiteFault::Url(self.url.clone())),
        }
    }

    /// Returns the capture file, when the URL names one.
    pub fn capture(&self) -> Option<&Path> {
        self.url.strip_prefix("capture:").map(Path::new)
    }

    /// Returns the address and the port in its URL; none for a capture.
    pub fn address(&self) -> Option<(String, u16)> {
        let address = self.url.parse::<VsphereAddress>().ok()?;
        Some((address.host, address.port))
    }
}

impl Site {
    /// Returns the master target of this name.
    pub fn master_target(&self, name: &str) -> Option<&MasterTarget> {
        self.master_targets.iter().find(|target| target.name.as_str() == name)
    }

    /// Returns the address and the login of a gateway (`via:`); none when nothing can go through it.
    pub fn via_host(&self, via: &Via) -> Option<(TargetAddress, SshLogin)> {
        let name = match via {
            Via::Host(host) => {
                return Some((TargetAddress::Ssh(host.clone()), SshLogin::default()));
            }
            Via::Named(name) => name.as_str(),
        };
        let (address, login) = match (self.master_target(name), self.process_server(name)) {
            (Some(target), _) => (target.ssh.clone()?, target.login.clone()),
            (None, Some(server)) => (server.ssh.clone()?, server.login.clone()),
            (None, None) => return None,
        };
        (!matches!(address, TargetAddress::Captures(_) | TargetAddress::Sos(_)))
            .then_some((address, login))
    }

    /// Returns the process server of this name.
    pub fn process_server(&self, name: &str) -> Option<&ProcessServer> {
        self.process_servers.iter().find(|server| server.name.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vcenter_has_an_address_and_a_port() {
        for (url, expected) in [
            ("vsphere://vc1", Some(("vc1", 443))),
            ("vsphere://asr@vsphere.local@vc1:8443/", Some(("vc1", 8443))),
            ("vsphere://[fe80::1]", Some(("fe80::1", 443))),
            ("vsphere://[fe80::1]:444/vm", Some(("fe80::1", 444))),
            ("vsphere://vc1:port", None),
            ("vsphere://", None),
            ("vsphere://a b", None),
            ("https://vc1", None),
            ("vsphere://ann:secret@vc1", None),
        ] {
            let vcenter = Vcenter::new(url).ok();
            let address = vcenter.as_ref().and_then(Vcenter::address);
            let expected = expected.map(|(address, port)| (address.to_owned(), port));
            assert_eq!(address, expected, "{url}");
        }
    }
}
