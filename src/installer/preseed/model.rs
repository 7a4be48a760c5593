//! What the preseed of one system must say, and the scripts beside it.
//!
//! Not for how it is laid out as text (`templates/preseed/`, `render`), and not for answers that
//! are the same for every master target: those are in the profile.

use serde_json::json;

use super::answer::{AnswerKind, PreseedAnswer};
use super::{partitions, pool};
use crate::assets::Assets;
use crate::installer::answers_error::AnswersError;
use crate::installer::kickstart::{Placement, RootAccess};
use crate::installer::machine::Firmware;
use crate::installer::profile::{DebianInstaller, Installer};
use crate::installer::system::{Interface, System};
use crate::installer::target_scripts::{CopyModel, GuardedDisk, InstallModel, check_payload};
use crate::installer::value::PayloadName;
use crate::template::{self, TemplateError};

/// Where the scripts are in the installer's own root file system.
pub const SCRIPTS: &str = "preflight";

/// The answer that runs the guard; partman's early command runs when the disks are known.
pub const GUARD_COMMAND: &str = "sh /preflight/guard.sh";

/// The answer that runs the last script, before the reboot.
pub const LATE_COMMAND: &str = "sh /preflight/late.sh";

/// What a locked account has in place of a hash: no password makes it (crypt(5)). Not `!`, for which
/// debian-installer asks for another password, at the highest priority (user-setup 1.95,
/// user-setup-ask).
pub const LOCKED: &str = "*";

/// A preseed before it is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preseed {
    /// The template it is rendered with.
    pub(super) template: String,
    /// Comment lines at the head.
    pub head: Vec<String>,
    /// The answers, grouped.
    pub groups: Vec<AnswerGroup>,
    /// The scripts that the installer gets beside it.
    pub scripts: Vec<InstallerScript>,
    /// The script that brings the packages of the disc's own pool, when there is one.
    pub pool_script: Option<String>,
}

/// Answers that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerGroup {
    /// What they are for, as a comment.
    pub note: &'static str,
    /// The answers, in order.
    pub answers: Vec<PreseedAnswer>,
}

/// A script in the installer's own root file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallerScript {
    /// Its name below [`SCRIPTS`].
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

impl Preseed {
    /// Says what the preseed of a system must be.
    ///
    /// # Errors
    ///
    /// Fails when a script's template does not render, when the payload is not what the system
    /// needs, or when an answer would not fit on its line.
    pub fn new(
        assets: &Assets,
        system: &System,
        placement: &Placement,
        root: &RootAccess,
    ) -> Result<Self, AnswersError> {
        let profile = &system.profile;
        let Installer::DebianInstaller(installer) = &profile.installer else {
            return Err(AnswersError::OtherInstaller(
                profile.title.to_string(),
                "debian-installer",
            ));
        };
        check_payload(system, &placement.payload)?;
        let groups = groups(system, installer, root);
        let mut answers = groups.iter().flat_map(|group| &group.answers);
        if let Some(answer) = answers.find(|answer| !answer.is_writable()) {
            let (question, value) = (answer.question.clone(), answer.value.clone());
            return Err(AnswersError::Unwritable { question, value });
        }
        let mount = profile.disc_mount.to_string();
        let pool = |placed| pool::script(assets, installer.templates.pool.as_str(), &mount, placed);
        Ok(Self {
            pool_script: placement.pool.as_ref().map(pool).transpose()?,
            template: installer.templates.preseed.to_string(),
            head: system.head_comment(),
            groups,
            scripts: scripts(assets, system, installer, placement)?,
        })
    }

    /// All answers in order.
    pub fn answers(&self) -> impl Iterator<Item = &PreseedAnswer> {
        self.groups.iter().flat_map(|group| &group.answers)
    }
}

fn string(question: &str, value: impl Into<String>) -> PreseedAnswer {
    PreseedAnswer::new(question, AnswerKind::String, value)
}

fn boolean(question: &str, value: bool) -> PreseedAnswer {
    PreseedAnswer::new(question, AnswerKind::Boolean, value.to_string())
}

fn select(question: &str, value: impl Into<String>) -> PreseedAnswer {
    PreseedAnswer::new(question, AnswerKind::Select, value)
}

fn groups(system: &System, installer: &DebianInstaller, root: &RootAccess) -> Vec<AnswerGroup> {
    let locale = vec![
        string("debian-installer/locale", system.locale.language.as_str()),
        select("keyboard-configuration/xkb-keymap", system.locale.keyboard.as_str()),
        string("keyboard-configuration/layoutcode", system.locale.keyboard.as_str()),
    ];
    let clock =
        vec![string("time/zone", system.timezone.as_str()), boolean("clock-setup/utc", true)];
    let names: Vec<&str> = system.packages.iter().map(|name| name.as_str()).collect();
    let arguments: Vec<&str> =
        system.profile.kernel_arguments.iter().map(|argument| argument.as_str()).collect();
    let mut packages = vec![string("pkgsel/include", names.join(" "))];
    if !arguments.is_empty() {
        packages.push(string("debian-installer/add-kernel-opts", arguments.join(" ")));
    }
    vec![
        AnswerGroup { note: "Language and keyboard.", answers: locale },
        AnswerGroup { note: "The network.", answers: network(system) },
        AnswerGroup { note: "The clock.", answers: clock },
        AnswerGroup { note: "Root, and no other account.", answers: accounts(root) },
        AnswerGroup {
            note: "Erases the disk named here and no other; the guard has made sure of it before.",
            answers: disks(system),
        },
        AnswerGroup { note: "Packages and the kernel's arguments.", answers: packages },
        AnswerGroup {
            note: "The same for every master target.",
            answers: installer.fixed_answers().collect(),
        },
        AnswerGroup {
            note: "ApplyCustomChanges runs at the first boot.",
            answers: vec![string("preseed/late_command", LATE_COMMAND)],
        },
    ]
}

fn network(system: &System) -> Vec<PreseedAnswer> {
    let interface = |device: &str| match device {
        "link" => "auto".to_owned(),
        device => device.to_owned(),
    };
    let mut answers = match &system.network {
        Interface::Static { device, address, netmask, gateway, dns } => {
            let servers: Vec<String> = dns.iter().map(ToString::to_string).collect();
            vec![
                select("netcfg/choose_interface", interface(device.as_str())),
                boolean("netcfg/disable_autoconfig", true),
                string("netcfg/get_ipaddress", address.to_string()),
                string("netcfg/get_netmask", netmask.to_string()),
                string("netcfg/get_gateway", gateway.to_string()),
                string("netcfg/get_nameservers", servers.join(" ")),
                boolean("netcfg/confirm_static", true),
            ]
        }
        Interface::Dhcp { device, .. } => {
            vec![select("netcfg/choose_interface", interface(device.as_str()))]
        }
    };
    let (name, domain) = match system.host_name.as_str().split_once('.') {
        Some((name, domain)) => (name, domain),
        None => (system.host_name.as_str(), ""),
    };
    answers.extend([
        string("netcfg/hostname", name),
        string("netcfg/get_hostname", name),
        string("netcfg/get_domain", domain),
    ]);
    answers
}

fn accounts(root: &RootAccess) -> Vec<PreseedAnswer> {
    let hash = match root {
        RootAccess::Locked => LOCKED,
        RootAccess::Hash(hash) => hash.as_str(),
    };
    vec![
        boolean("passwd/root-login", true),
        PreseedAnswer::new("passwd/root-password-crypted", AnswerKind::Password, hash),
        boolean("passwd/make-user", false),
    ]
}

fn disks(system: &System) -> Vec<PreseedAnswer> {
    let device = format!("/dev/{}", system.disk.name);
    let mut answers = vec![
        string("partman/early_command", GUARD_COMMAND),
        string("partman-auto/method", "regular"),
        string("partman-auto/disk", &device),
        string("partman-auto/expert_recipe", partitions::write(&system.layout)),
        select("partman-auto/choose_recipe", partitions::RECIPE),
        boolean("partman-lvm/device_remove_lvm", true),
        boolean("partman-md/device_remove_md", true),
        boolean("partman-partitioning/confirm_write_new_label", true),
        select("partman/choose_partition", "finish"),
        boolean("partman/confirm", true),
        boolean("partman/confirm_nooverwrite", true),
        select("partman/mount_style", "uuid"),
        string("grub-installer/bootdev", device),
    ];
    if system.firmware == Firmware::Uefi {
        answers.push(boolean("partman-efi/non_efi_system", true));
    }
    answers
}

fn scripts(
    assets: &Assets,
    system: &System,
    installer: &DebianInstaller,
    placement: &Placement,
) -> Result<Vec<InstallerScript>, TemplateError> {
    let templates = &installer.templates;
    let guard = template::render(assets, templates.disk_guard.as_str(), &())?;
    let guard = json!({
        "guard": guard,
        "disks": system.erased_disks().into_iter().map(GuardedDisk::new).collect::<Vec<_>>(),
        "chosen": system.disk.name.to_string(),
    });
    let copy = CopyModel {
        mount: system.profile.disc_mount.to_string(),
        payload: placement.payload.iter().map(PayloadName::as_str).collect(),
    };
    let install = InstallModel::new(assets, system, &placement.payload, &templates.service)?;
    let script = |name, text| InstallerScript { name, text };
    Ok(vec![
        script("guard.sh", template::render(assets, templates.guard.as_str(), &guard)?),
        script("late.sh", template::render(assets, templates.late.as_str(), &copy)?),
        script("install.sh", template::render(assets, templates.install.as_str(), &install)?),
    ])
}
