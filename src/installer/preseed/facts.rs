//! The facts of a preseed and its scripts, in the same terms as those of a kickstart.
//!
//! Not for evaluating them: `checks/image.yaml` does. The scripts are followed by the code that
//! follows a kickstart's, for which they are put into the sections of one.

use super::cpio::CpioEntry;
use super::lint::lint;
use super::model::{GUARD_COMMAND, LATE_COMMAND, SCRIPTS};
use super::parse::{PreseedDocument, parse};
use super::partitions::{self, RecipePartition};
use super::pool;
use super::render::PRESEED;
use crate::assets::{AssetKind, Assets};
use crate::facts::image::{KickstartFacts, PartitionFacts};
use crate::facts::{Collection, Fact};
use crate::installer::kickstart::lint::LintSeverity;
use crate::installer::kickstart::{self, facts::ScriptFacts};
use crate::installer::value::account::CryptHash;

/// The function that the guard's script adds to the guard.
const CHOOSE_DISK: &str = "preseed/choose-disk.sh.hbs";

/// The lines of the last script that run the one in the installed system.
const RUN_INSTALL: [&str; 2] =
    ["cp /preflight/install.sh", "in-target sh /root/preflight/install.sh || fail "];

/// The facts of a preseed; `path` is where its archive is on the disc.
///
/// # Errors
///
/// Returns the reason when the archive holds no preseed.
pub fn facts(entries: &[CpioEntry], path: &str) -> Result<KickstartFacts, String> {
    let preseed = text(entries).ok_or_else(|| format!("/{path} holds no {PRESEED}"))?;
    let script = |name: &str| entry_text(entries, &format!("{SCRIPTS}/{name}")).unwrap_or_default();
    let document = parse(&preseed);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        lint(&preseed).into_iter().partition(|finding| finding.severity == LintSeverity::Error);
    let lines = |list: Vec<kickstart::LintFinding>| {
        Collection::complete(list.iter().map(ToString::to_string).collect())
    };
    let disks = disks(&document);
    let partitions = recipe(&document);
    let scripts = script_facts(&document, &script, &disks);
    Ok(KickstartFacts {
        path: path.to_owned(),
        size: i64::try_from(preseed.len()).unwrap_or(i64::MAX),
        lint_errors: lines(errors),
        lint_warnings: lines(warnings),
        bootloader: document.value("grub-installer/bootdev").map_or_else(
            || Fact::unavailable("grub-installer/bootdev is not answered"),
            |_| Fact::Known("mbr".to_owned()),
        ),
        zerombr: document.is_true("partman-partitioning/confirm_write_new_label"),
        erases: document.is_true("partman/confirm"),
        disks_named: !disks.is_empty(),
        disk_guard: scripts.disk_guard,
        lvm: document.value("partman-auto/method") != Some("regular")
            || partitions.iter().any(|partition| partition.in_lvm),
        firmware: Fact::Known(firmware(&partitions).to_owned()),
        partitions: Collection::complete(partition_facts(&partitions, &disks)),
        packages: Collection::complete(packages(&document)),
        minimal: document.value("tasksel/first").is_some_and(str::is_empty),
        disks: Collection::complete(disks),
        root_password: root_password(&document).to_owned(),
        network: network(&document).to_owned(),
        agent_directory: scripts.agent_directory,
        custom_changes_executable: scripts.custom_changes_executable,
        first_boot: scripts.first_boot,
        repositories: Collection::complete(repositories(entries, &document)),
        sources: Collection::complete(vec!["cdrom".to_owned()]),
    })
}

/// The preseed's text.
pub fn text(entries: &[CpioEntry]) -> Option<String> {
    entry_text(entries, PRESEED)
}

/// The text of a file; of two with one path the later counts, as for the kernel.
fn entry_text(entries: &[CpioEntry], path: &str) -> Option<String> {
    let entry = entries.iter().rev().find(|entry| entry.path == path)?;
    Some(String::from_utf8_lossy(&entry.bytes).into_owned())
}

/// The disks that are erased, without `/dev/`.
fn disks(document: &PreseedDocument) -> Vec<String> {
    let disks = document.value("partman-auto/disk").unwrap_or_default();
    let names = disks.split_whitespace().map(|disk| disk.strip_prefix("/dev/").unwrap_or(disk));
    names.map(str::to_owned).collect()
}

fn recipe(document: &PreseedDocument) -> Vec<RecipePartition> {
    let recipe = document.value("partman-auto/expert_recipe").unwrap_or_default();
    partitions::read(recipe).unwrap_or_default()
}

fn partition_facts(partitions: &[RecipePartition], disks: &[String]) -> Vec<PartitionFacts> {
    let fact = |partition: &RecipePartition| PartitionFacts {
        mount: partition.mount.clone(),
        fstype: partition.fstype.clone(),
        disk: disks.first().cloned().unwrap_or_default(),
        size_mib: i64::try_from(partition.mebibytes()).unwrap_or(i64::MAX),
    };
    partitions.iter().map(fact).collect()
}

fn firmware(partitions: &[RecipePartition]) -> &'static str {
    let efi = partitions.iter().any(|partition| partition.mount == "/boot/efi");
    if efi { "uefi" } else { "bios" }
}

/// The packages that are asked for.
pub fn packages(document: &PreseedDocument) -> Vec<String> {
    let names = document.value("pkgsel/include").unwrap_or_default();
    names.split([' ', ',']).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The archives beside the medium's that packages are taken from.
pub fn repositories(entries: &[CpioEntry], document: &PreseedDocument) -> Vec<String> {
    let local = |(_, answer): &&(usize, super::answer::PreseedAnswer)| {
        answer.question.starts_with("apt-setup/local") && answer.question.ends_with("/repository")
    };
    let named = document.answers.iter().filter(local).map(|(_, answer)| answer.value.clone());
    named.chain(pool::repository(entries)).collect()
}

fn root_password(document: &PreseedDocument) -> &'static str {
    match (document.value("passwd/root-password-crypted"), document.value("passwd/root-password")) {
        (_, Some(_)) => "plain",
        (None, None) => "none",
        (Some(hash), None) if hash.starts_with(['!', '*']) => "locked",
        (Some(hash), None) if hash.parse::<CryptHash>().is_ok() => "sha512",
        (Some(_), None) => "weak",
    }
}

fn network(document: &PreseedDocument) -> &'static str {
    if document.is_true("netcfg/disable_autoconfig") {
        let address = document.value("netcfg/get_ipaddress");
        return if address.is_some_and(|address| !address.is_empty()) { "static" } else { "none" };
    }
    if document.value("netcfg/enable") == Some("false") { "none" } else { "dhcp" }
}

/// What the scripts do, as far as the answers run them.
fn script_facts(
    document: &PreseedDocument,
    script: &impl Fn(&str) -> String,
    disks: &[String],
) -> ScriptFacts {
    let mut text = format!("clearpart --all --drives={}\n", disks.join(","));
    let mut section = |header: &str, body: &str| {
        text += &format!("{header}\n{}\n%end\n", body.trim_end());
    };
    if document.value("partman/early_command") == Some(GUARD_COMMAND) {
        section("%pre --erroronfail", &without_choose_disk(&script("guard.sh")));
    }
    if document.value("preseed/late_command") == Some(LATE_COMMAND) {
        let late = script("late.sh");
        section("%post --nochroot --erroronfail", &late);
        if RUN_INSTALL.iter().all(|line| late.lines().any(|found| found.starts_with(line))) {
            section("%post --erroronfail", &script("install.sh"));
        }
    }
    kickstart::facts::script_facts(&kickstart::parse(&text))
}

/// The guard's script without the function that it adds, word for word.
fn without_choose_disk(script: &str) -> String {
    match Assets::embedded().read(AssetKind::Template, CHOOSE_DISK) {
        Ok(asset) => script.replacen(&asset.text, "", 1),
        Err(_) => script.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_preseed_gives_facts_too() {
        let text = "d-i partman-auto/method string lvm\n\
                    d-i passwd/root-password password secret\n\
                    d-i pkgsel/include string openssh-server, build-essential\n";
        let facts = facts(&[CpioEntry::file(PRESEED, text)], "preseed.img").unwrap();
        assert!(facts.lvm && !facts.disk_guard && !facts.erases && !facts.disks_named);
        assert_eq!(facts.root_password, "plain");
        assert_eq!(facts.network, "dhcp");
        assert_eq!(facts.packages.items, ["openssh-server", "build-essential"]);
        assert_eq!(facts.first_boot, Fact::Known(false));
        assert!(!facts.lint_errors.items.is_empty());
    }

    #[test]
    fn an_archive_without_a_preseed_says_so() {
        let error = facts(&[], "preseed.img").unwrap_err();
        assert_eq!(error, "/preseed.img holds no preseed.cfg");
    }
}
