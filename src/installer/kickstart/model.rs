//! What the kickstart of one system must say: its commands, packages and scripts.
//!
//! Not for how it is laid out as text (`templates/kickstart/`, `render`).

use std::collections::BTreeSet;

use serde_json::json;

use super::command::Command;
use crate::assets::Assets;
use crate::installer::answers_error::AnswersError;
use crate::installer::disc_layout;
use crate::installer::layout::PartitionSpec;
use crate::installer::machine::Disk;
use crate::installer::preseed::pool::PlacedPool;
use crate::installer::profile::{Anaconda, BootDrive, Profile};
use crate::installer::retention::{Retention, RetentionDisk};
use crate::installer::system::{Interface, System};
use crate::installer::target_scripts::{CopyModel, GuardedDisk, InstallModel, check_payload};
use crate::installer::value::PayloadName;
use crate::installer::value::account::CryptHash;
use crate::packages::generation::Generation;
use crate::template;

/// Where `%pre` mounts a kickstart disc.
pub const KICKSTART_DISC_MOUNT: &str = "/mnt/preflight";

/// Which disc carries the kickstart and its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// The vendor's medium, customised.
    InstallerDisc,
    /// A disc of its own beside the vendor's medium.
    KickstartDisc,
}

/// What the kickstart can rely on finding, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The disc.
    pub carrier: Carrier,
    /// Whether `/preflight/repo` is on it.
    pub have_repo: bool,
    /// What the pool of Debian packages there is, if that is what it is.
    pub pool: Option<PlacedPool>,
    /// The files in `/preflight/payload`.
    pub payload: BTreeSet<PayloadName>,
}

/// The root password as the kickstart holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootAccess {
    /// Nobody can log in with a password.
    Locked,
    /// A `$6$` hash.
    Hash(CryptHash),
}

/// A kickstart before it is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kickstart {
    /// The installer it is for.
    pub generation: Generation,
    /// The template it is rendered with.
    pub(super) template: String,
    /// Comment lines at the head.
    pub head: Vec<String>,
    /// The commands, grouped; those that the loader reads come first.
    pub groups: Vec<CommandGroup>,
    /// The header of `%packages` and its lines.
    pub packages: (Command, Vec<String>),
    /// The scripts, in order.
    pub scripts: Vec<ScriptSection>,
}

/// Commands that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandGroup {
    /// What they are for, as a comment.
    pub note: &'static str,
    /// The commands, in order.
    pub commands: Vec<Command>,
}

/// One script section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptSection {
    /// `%pre` or `%post` with its options.
    pub header: Command,
    /// The script.
    pub body: String,
}

impl Kickstart {
    /// Says what the kickstart of a system must be.
    ///
    /// # Errors
    ///
    /// Fails when a script's template does not render, or when the payload is not what the system
    /// needs.
    pub fn new(
        assets: &Assets,
        system: &System,
        placement: &Placement,
        root: &RootAccess,
    ) -> Result<Self, AnswersError> {
        let profile = &system.profile;
        let Some(anaconda) = profile.anaconda() else {
            return Err(AnswersError::OtherInstaller(profile.title.to_string(), "anaconda"));
        };
        check_payload(system, &placement.payload)?;
        let mut packages = Command::new("%packages", [""; 0]);
        packages
            .words
            .extend(system.profile.packages.options.iter().map(|o| o.as_str().to_owned()));
        let groups = system.profile.packages.groups.iter().map(|group| format!("@{group}"));
        let names = system.packages.iter().map(ToString::to_string);
        Ok(Self {
            generation: anaconda.generation,
            template: anaconda.templates.kickstart.to_string(),
            head: system.head_comment(),
            groups: commands(system, anaconda, placement, root),
            packages: (packages, groups.chain(names).collect()),
            scripts: scripts(assets, system, anaconda, placement)?,
        })
    }

    /// All commands in order.
    pub fn commands(&self) -> impl Iterator<Item = &Command> {
        self.groups.iter().flat_map(|group| &group.commands)
    }
}

fn commands(
    system: &System,
    anaconda: &Anaconda,
    placement: &Placement,
    root: &RootAccess,
) -> Vec<CommandGroup> {
    let command = |name: &str, words: &[String]| Command::new(name, words);
    let loader = vec![
        command("text", &[]),
        command("cdrom", &[]),
        command("lang", &[system.locale.language.to_string()]),
        command("keyboard", &[system.locale.keyboard.to_string()]),
        network(system),
    ];
    let mut settings = vec![
        command("timezone", &["--utc".into(), system.timezone.to_string()]),
        root_password(root),
        firewall(system),
    ];
    settings.extend(anaconda.fixed_commands());
    let mut groups = vec![
        CommandGroup {
            note: "Read by the installer's first stage; they must come first.",
            commands: loader,
        },
        CommandGroup { note: "The system.", commands: settings },
        CommandGroup {
            note: "Erases the disks named here and no other; %pre has made sure of them before.",
            commands: disks(system, anaconda),
        },
    ];
    if placement.have_repo {
        let url = format!(
            "--baseurl=file://{}/{}",
            mount(&system.profile, placement),
            disc_layout::REPOSITORY
        );
        let repo = command("repo", &["--name=preflight".into(), url, "--cost=50".into()]);
        groups.push(CommandGroup {
            note: "Packages that the vendor's medium does not have.",
            commands: vec![repo],
        });
    }
    groups.push(CommandGroup {
        note: "ApplyCustomChanges runs at the first boot.",
        commands: vec![command("reboot", &["--eject".into()])],
    });
    groups
}

fn network(system: &System) -> Command {
    let mut words = vec!["--onboot=yes".to_owned()];
    let name_servers = |dns: &[crate::installer::value::network::HostAddress]| {
        let list: Vec<_> = dns.iter().map(ToString::to_string).collect();
        (!list.is_empty()).then(|| format!("--nameserver={}", list.join(",")))
    };
    match &system.network {
        Interface::Static { device, address, netmask, gateway, dns } => {
            words.extend([
                format!("--device={device}"),
                "--bootproto=static".to_owned(),
                format!("--ip={address}"),
                format!("--netmask={netmask}"),
                format!("--gateway={gateway}"),
            ]);
            words.extend(name_servers(dns));
        }
        Interface::Dhcp { device, dns } => {
            words.extend([format!("--device={device}"), "--bootproto=dhcp".to_owned()]);
            words.extend(name_servers(dns));
        }
    }
    words.extend([format!("--hostname={}", system.host_name), "--noipv6".to_owned()]);
    Command::new("network", words)
}

fn root_password(root: &RootAccess) -> Command {
    match root {
        // el6 wants an argument here although the account is locked (pykickstart, F8_RootPw).
        RootAccess::Locked => Command::new("rootpw", ["--iscrypted", "--lock", "*"]),
        RootAccess::Hash(hash) => Command::new("rootpw", ["--iscrypted", hash.as_str()]),
    }
}

fn firewall(system: &System) -> Command {
    let mut words = vec!["--enabled".to_owned(), "--service=ssh".to_owned()];
    let ports: Vec<_> = system.open_ports.iter().map(ToString::to_string).collect();
    if !ports.is_empty() {
        words.push(format!("--port={}", ports.join(",")));
    }
    Command::new("firewall", words)
}

fn disks(system: &System, anaconda: &Anaconda) -> Vec<Command> {
    let names: Vec<_> = system.erased_disks().iter().map(|disk| disk.name.to_string()).collect();
    let names = names.join(",");
    let disk = &system.disk.name;
    let place = if system.boots_from_partition() { "partition" } else { "mbr" };
    let mut boot = vec![format!("--location={place}")];
    match anaconda.boot_drive {
        BootDrive::Driveorder if !disk.is_persistent() => boot.push(format!("--driveorder={disk}")),
        BootDrive::Driveorder => {}
        BootDrive::BootDrive => boot.push(format!("--boot-drive={disk}")),
    }
    let arguments: Vec<_> =
        system.profile.kernel_arguments.iter().map(|argument| argument.as_str()).collect();
    if !arguments.is_empty() {
        boot.push(format!("--append={}", arguments.join(" ")));
    }
    let mut commands = vec![
        Command::new("ignoredisk", [format!("--only-use={names}")]),
        Command::new("zerombr", [""; 0]),
        Command::new(
            "clearpart",
            ["--all".to_owned(), format!("--drives={names}"), "--initlabel".to_owned()],
        ),
        Command::new("bootloader", boot),
    ];
    commands.extend(system.layout.iter().map(|partition| part(partition, &system.disk)));
    if let Retention::Install(RetentionDisk { disk, mount, fstype }) = &system.retention {
        commands.push(Command::new(
            "part",
            [
                mount.to_string(),
                format!("--fstype={fstype}"),
                "--size=1024".to_owned(),
                "--grow".to_owned(),
                format!("--ondisk={}", disk.name),
                "--label=mtretention".to_owned(),
            ],
        ));
    }
    commands
}

fn part(partition: &PartitionSpec, disk: &Disk) -> Command {
    let mut words = vec![
        partition.mount.to_string(),
        format!("--fstype={}", partition.effective_fstype()),
        format!("--size={}", partition.size.mib()),
    ];
    words.extend(partition.grow.then(|| "--grow".to_owned()));
    words.push(format!("--ondisk={}", disk.name));
    words.extend(partition.primary.then(|| "--asprimary".to_owned()));
    words.extend(partition.label.as_ref().map(|label| format!("--label={label}")));
    Command::new("part", words)
}

fn mount(profile: &Profile, placement: &Placement) -> String {
    match placement.carrier {
        Carrier::InstallerDisc => profile.disc_mount.to_string(),
        Carrier::KickstartDisc => KICKSTART_DISC_MOUNT.to_owned(),
    }
}

fn scripts(
    assets: &Assets,
    system: &System,
    anaconda: &Anaconda,
    placement: &Placement,
) -> Result<Vec<ScriptSection>, AnswersError> {
    let templates = &anaconda.templates;
    let mount = mount(&system.profile, placement);
    let guard = template::render(assets, templates.disk_guard.as_str(), &())?;
    let kickstart_disc = match placement.carrier {
        Carrier::InstallerDisc => None,
        Carrier::KickstartDisc => Some(anaconda.kickstart_disc.as_str()),
    };
    let pre = json!({
        "guard": guard,
        "disks": system.erased_disks().into_iter().map(GuardedDisk::new).collect::<Vec<_>>(),
        "blank_boot_code": system.boots_from_partition().then(|| system.disk.name.to_string()),
        "kickstart_disc": kickstart_disc,
        "mount": mount.clone(),
    });
    let copy =
        CopyModel { mount, payload: placement.payload.iter().map(PayloadName::as_str).collect() };
    let script = |name: &str, words: &[&str], body: String| ScriptSection {
        header: Command::new(name, words.iter().copied()),
        body,
    };
    Ok(vec![
        script(
            "%pre",
            &["--erroronfail", "--log=/tmp/preflight-pre.log"],
            template::render(assets, templates.pre.as_str(), &pre)?,
        ),
        script(
            "%post",
            &["--nochroot", "--erroronfail", "--log=/mnt/sysimage/root/preflight-copy.log"],
            template::render(assets, templates.copy.as_str(), &copy)?,
        ),
        script(
            "%post",
            &["--erroronfail", "--log=/root/preflight-install.log"],
            template::render(
                assets,
                templates.install.as_str(),
                &InstallModel::new(assets, system, &placement.payload, &templates.service)?,
            )?,
        ),
    ])
}
