//! The facts of a kickstart's text, whoever wrote it.
//!
//! Not for evaluating them: `checks/image.yaml` does. The linter's findings are among them.

use std::collections::BTreeSet;

use super::command::Command;
use super::disks::{erases, has_disk_guard, named_disks, target_disk};
use super::first_boot::first_boot_enabled;
use super::lint::{LintSeverity, LintStyle, lint};
use super::parse::{KickstartDocument, SectionKind, parse};
use super::script;
use crate::facts::image::{KickstartFacts, PartitionFacts};
use crate::facts::{Collection, Fact};
use crate::packages::generation::Generation;

/// The facts of a kickstart; `path` is where it is on its disc.
pub fn facts(text: &str, path: &str, generation: Generation) -> KickstartFacts {
    let document = parse(text);
    let complete = document.includes.is_empty();
    let (errors, warnings) = findings(text, generation, None);
    let packages = document.packages();
    let disks = named_disks(&document);
    let scripts = script_facts(&document);
    KickstartFacts {
        path: path.to_owned(),
        size: i64::try_from(text.len()).unwrap_or(i64::MAX),
        lint_errors: Collection::complete(errors),
        lint_warnings: Collection::complete(warnings),
        bootloader: boot_loader(&document),
        zerombr: document.last_command("zerombr").is_some(),
        erases: document.last_command("clearpart").is_some_and(erases),
        disks_named: disks_named(&document),
        disk_guard: scripts.disk_guard,
        disks: Collection { items: disks.into_iter().collect(), complete },
        partitions: Collection { items: partitions(&document), complete },
        lvm: uses_lvm(&document),
        firmware: Fact::Known(firmware(&document).to_owned()),
        minimal: is_minimal(&document, generation),
        packages: Collection { items: packages.into_iter().map(str::to_owned).collect(), complete },
        root_password: root_password(&document).to_owned(),
        network: network(&document).to_owned(),
        agent_directory: scripts.agent_directory,
        custom_changes_executable: scripts.custom_changes_executable,
        first_boot: scripts.first_boot,
        repositories: Collection { items: repositories(&document), complete },
        sources: Collection { items: sources(&document), complete },
    }
}

/// What the scripts of a kickstart do.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptFacts {
    /// Whether `%pre` is our guard and is called for every disk that is erased.
    pub disk_guard: bool,
    /// Directory in which the agent is unpacked.
    pub agent_directory: Fact<String>,
    /// Whether ApplyCustomChanges.sh is made mode 755.
    pub custom_changes_executable: bool,
    /// Whether the first-boot service is put in place and switched on.
    pub first_boot: Fact<bool>,
}

/// Follows the scripts of a kickstart.
pub fn script_facts(document: &KickstartDocument) -> ScriptFacts {
    ScriptFacts {
        disk_guard: has_disk_guard(document),
        agent_directory: agent_directory(document),
        custom_changes_executable: in_post(document, |words| {
            words.first().is_some_and(|word| word == "chmod")
                && words.get(1).is_some_and(|mode| matches!(mode.as_str(), "755" | "0755"))
                && words.iter().skip(2).any(|file| file.ends_with("/ApplyCustomChanges.sh"))
        }),
        first_boot: first_boot_enabled(document),
    }
}

/// Returns the linter's errors and warnings; of one style when one is given.
pub fn findings(
    text: &str,
    generation: Generation,
    style: Option<LintStyle>,
) -> (Vec<String>, Vec<String>) {
    let (errors, warnings): (Vec<_>, Vec<_>) = lint(text, generation)
        .into_iter()
        .filter(|finding| style.is_none_or(|style| style == finding.style))
        .partition(|finding| finding.severity == LintSeverity::Error);
    let lines =
        |list: Vec<super::lint::LintFinding>| list.iter().map(ToString::to_string).collect();
    (lines(errors), lines(warnings))
}

fn boot_loader(document: &KickstartDocument) -> Fact<String> {
    match document.last_command("bootloader") {
        None => Fact::unavailable("there is no bootloader command"),
        Some(command) => Fact::Known(command.option("--location").unwrap_or("mbr").to_owned()),
    }
}

fn disks_named(document: &KickstartDocument) -> bool {
    let named = |name: &str, option: &str| {
        document.last_command(name).is_some_and(|command| command.list(option).next().is_some())
    };
    named("clearpart", "--drives") && named("ignoredisk", "--only-use")
}

fn partitions(document: &KickstartDocument) -> Vec<PartitionFacts> {
    document
        .partitions()
        .map(|placed| {
            let part = &placed.command;
            let mount = part.arguments().first().copied().unwrap_or_default().to_owned();
            let implied = match mount.as_str() {
                "swap" => "swap",
                "/boot/efi" => "efi",
                _ => "",
            };
            PartitionFacts {
                fstype: part.option("--fstype").unwrap_or(implied).to_owned(),
                disk: target_disk(part).unwrap_or_default().to_owned(),
                size_mib: part.option("--size").and_then(|size| size.parse().ok()).unwrap_or(0),
                mount,
            }
        })
        .collect()
}

/// Whether anything but plain partitions is made.
pub(super) fn uses_lvm(document: &KickstartDocument) -> bool {
    let names = ["volgroup", "logvol", "raid", "btrfs"];
    let plain = |command: &Command| command.option("--type") == Some("plain");
    names.iter().any(|name| document.last_command(name).is_some())
        || document.last_command("autopart").is_some_and(|command| !plain(command))
        || document.partitions().any(|placed| {
            let mount = placed.command.arguments().first().copied().unwrap_or_default();
            ["pv.", "raid.", "btrfs."].iter().any(|kind| mount.starts_with(kind))
                || matches!(placed.command.option("--fstype"), Some("lvmpv" | "btrfs"))
        })
}

fn firmware(document: &KickstartDocument) -> &'static str {
    let efi = document.partitions().any(|p| p.command.arguments().first() == Some(&"/boot/efi"));
    if efi { "uefi" } else { "bios" }
}

fn is_minimal(document: &KickstartDocument, generation: Generation) -> bool {
    let packages = document.packages();
    let groups: BTreeSet<_> = packages.iter().filter(|name| name.starts_with('@')).collect();
    let no_base = document.sections_of(SectionKind::Packages).any(|s| s.header.has("--nobase"))
        || packages.contains(&"-@base");
    let only_core = groups.iter().all(|group| matches!(**group, "@core" | "@Core"));
    document.sections_of(SectionKind::Packages).next().is_some()
        && only_core
        && (no_base || generation != Generation::EL6)
}

fn root_password(document: &KickstartDocument) -> &'static str {
    let Some(rootpw) = document.last_command("rootpw") else { return "none" };
    let hash = rootpw.arguments().last().copied().unwrap_or_default();
    match (rootpw.has("--lock"), rootpw.has("--iscrypted")) {
        (true, _) => "locked",
        (false, false) => "plain",
        (false, true) if hash.parse::<crate::installer::value::account::CryptHash>().is_ok() => {
            "sha512"
        }
        // What no password can hash to: the account is locked in effect.
        (false, true) if hash.starts_with(['*', '!']) => "locked",
        (false, true) => "weak",
    }
}

fn network(document: &KickstartDocument) -> &'static str {
    let of = |proto: &str| {
        document
            .commands_named("network")
            .any(|placed| placed.command.option("--bootproto").unwrap_or("dhcp") == proto)
    };
    match (of("static"), of("dhcp")) {
        (true, _) => "static",
        (false, true) => "dhcp",
        (false, false) => "none",
    }
}

/// Where each `repo` line finds its packages; the line itself where that is not stated.
pub fn repositories(document: &KickstartDocument) -> Vec<String> {
    let place = |placed: &super::parse::PlacedCommand| {
        let url = placed.command.option("--baseurl").filter(|url| !url.is_empty());
        url.map_or_else(|| placed.command.to_string(), str::to_owned)
    };
    document.commands_named("repo").map(place).collect()
}

/// The commands that say where the installation comes from.
pub fn sources(document: &KickstartDocument) -> Vec<String> {
    let names = ["cdrom", "harddrive", "liveimg", "nfs", "ostreesetup", "url"];
    let commands = document.commands.iter().map(|placed| &placed.command);
    commands
        .filter(|command| names.contains(&command.name.as_str()))
        .map(ToString::to_string)
        .collect()
}

/// Whether a command that `%post` runs for certain satisfies a rule.
fn in_post(document: &KickstartDocument, rule: impl Fn(&[String]) -> bool) -> bool {
    post_commands(document).any(|words| rule(&words))
}

fn post_commands(document: &KickstartDocument) -> impl Iterator<Item = Vec<String>> {
    document
        .sections_of(SectionKind::Post)
        .flat_map(|section| script::parse(&section.text()).steps)
        .filter(|step| step.is_certain && !step.words.is_empty())
        .map(|step| step.words)
}

/// The directory a `tar` line unpacks the agent bundle into.
fn agent_directory(document: &KickstartDocument) -> Fact<String> {
    let directory = post_commands(document).find_map(|words| {
        let unpacks = words[0] == "tar"
            && words.iter().skip(1).take(1).any(|flags| flags.contains('x'))
            && words.iter().any(|word| {
                let name = word.rsplit('/').next().unwrap_or(word);
                name == crate::installer::target_scripts::AGENT
                    || name.starts_with("Microsoft-ASR_UA")
            });
        let at = words.iter().position(|word| word == "-C")?;
        unpacks.then(|| words.get(at + 1).cloned()).flatten()
    });
    directory.map_or_else(
        || Fact::unavailable("no line of %post unpacks an agent bundle with tar -C"),
        Fact::Known,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts_of(text: &str) -> KickstartFacts {
        facts(text, "/ks.cfg", Generation::EL6)
    }

    #[test]
    fn a_strangers_kickstart_gives_facts_too() {
        let facts = facts_of(
            "\
install
cdrom
text
rootpw --plaintext secret
network --bootproto dhcp
clearpart --all
bootloader
part /boot/efi --size=200
part / --fstype ext4 --size=1 --ondisk=/dev/sda
part pv.1 --size=1
%packages
@core
@base
%end
",
        );
        assert_eq!(facts.root_password, "plain");
        assert_eq!(facts.network, "dhcp");
        assert_eq!(facts.bootloader, Fact::Known("mbr".into()));
        assert!(facts.erases && !facts.disks_named && !facts.disk_guard && !facts.zerombr);
        assert_eq!(facts.disks.items, ["sda"]);
        assert_eq!(facts.firmware, Fact::Known("uefi".into()));
        assert!(facts.lvm && !facts.minimal);
        assert_eq!(facts.first_boot, Fact::Known(false));
        assert_eq!(facts.packages.items, ["@core", "@base"]);
        assert_eq!(facts.partitions.items[0].fstype, "efi");
        assert_eq!(facts.partitions.items[1].size_mib, 1);
        assert!(facts.agent_directory.known().is_none());
    }

    #[test]
    fn root_passwords_are_told_apart() {
        let hash = format!("rootpw --iscrypted $6$salt${}\n", "a".repeat(86));
        for (text, kind) in [
            ("", "none"),
            ("rootpw secret\n", "plain"),
            ("rootpw --iscrypted $1$a$b\n", "weak"),
            ("rootpw --iscrypted --lock *\n", "locked"),
            ("rootpw --iscrypted !!\n", "locked"),
            (&hash, "sha512"),
        ] {
            assert_eq!(facts_of(text).root_password, kind, "{text}");
        }
    }

    #[test]
    fn an_include_leaves_the_lists_open() {
        let facts = facts_of("%include /tmp/disks\npart / --size=1\n");
        assert!(!facts.partitions.complete && !facts.disks.complete && !facts.packages.complete);
    }

    #[test]
    fn a_guard_that_is_changed_or_not_called_for_every_erased_disk_is_none() {
        let guard = crate::assets::Assets::embedded()
            .read(crate::assets::AssetKind::Template, "kickstart/disk-guard.sh.hbs")
            .unwrap()
            .text;
        let erase = "clearpart --all --drives=sda,sdb\n";
        let sda = "guard_disk 'sda' '-' '-' '-'\n";
        let sdb = "guard_disk sdb - - -\n";
        let pre = format!("{erase}%pre\n{guard}");
        let gutted = pre.replace("refuse() {\n", "refuse() {\n  return 0\n");
        assert_ne!(gutted, pre);
        for (text, guarded) in [
            (format!("{pre}{sda}{sdb}%end\n"), true),
            (format!("{pre}{sda}{sdb}mount_disc 'X' '/x'\nblank_boot_code 'sda'\n%end\n"), true),
            (format!("{pre}{sda}%end\n"), false),
            (format!("{pre}{sda}# {sdb}%end\n"), false),
            (format!("{gutted}{sda}{sdb}%end\n"), false),
            (format!("{pre}exit 0\n{sda}{sdb}%end\n"), false),
            (format!("{pre}refuse() {{ :; }}\n{sda}{sdb}%end\n"), false),
            (format!("{pre}blank_boot_code sda\n{sda}{sdb}%end\n"), false),
            (format!("{pre}{sda}guard_disk sdb - - - || :\n%end\n"), false),
            (format!("{erase}%pre\nexit 0\n{guard}{sda}{sdb}%end\n"), false),
            (format!("{erase}%pre --interpreter=/bin/true\n{guard}{sda}{sdb}%end\n"), false),
            (format!("{erase}%pre\n{sda}{sdb}%end\n"), false),
            (format!("clearpart --all\n%pre\n{guard}{sda}%end\n"), false),
            (format!("{erase}%post\n{guard}{sda}{sdb}%end\n"), false),
        ] {
            assert_eq!(facts_of(&text).disk_guard, guarded, "{text}");
        }
    }

    #[test]
    fn commented_out_steps_of_post_do_not_count() {
        let facts = facts_of(
            "\
%post
# chkconfig preflight-firstboot on
#chmod 755 /root/ApplyCustomChanges.sh
tar -zxf /x/Microsoft-ASR_UA_9.tar.gz -C /usr/local
%end
",
        );
        assert!(facts.first_boot == Fact::Known(false) && !facts.custom_changes_executable);
        assert_eq!(facts.agent_directory, Fact::Known("/usr/local".into()));
    }
}
