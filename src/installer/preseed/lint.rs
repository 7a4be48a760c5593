//! Finds what is wrong with a preseed: what debian-installer would ask, ignore, or run.
//!
//! Not for the scripts that it names.

use std::collections::BTreeMap;

use super::answer::AnswerKind;
use super::model::{GUARD_COMMAND, LATE_COMMAND};
use super::parse::{PreseedDocument, parse};
use super::partitions;
use crate::installer::kickstart::lint::{Findings, LintFinding};
use crate::installer::value::account::CryptHash;

/// Questions whose answer a shell runs.
const COMMANDS: &[&str] = &[
    "preseed/early_command",
    "preseed/late_command",
    "preseed/run",
    "preseed/include_command",
    "partman/early_command",
];

/// Questions without whose answer somebody is asked, or a default decides about a disk.
const NEEDED: &[&str] = &[
    "debian-installer/locale",
    "netcfg/choose_interface",
    "netcfg/get_hostname",
    "time/zone",
    "passwd/root-login",
    "passwd/make-user",
    "partman-auto/method",
    "partman-auto/disk",
    "partman-auto/expert_recipe",
    "partman-partitioning/confirm_write_new_label",
    "partman/choose_partition",
    "partman/confirm",
    "partman/confirm_nooverwrite",
    "pkgsel/update-policy",
    "grub-installer/bootdev",
];

/// Finds what is wrong with a preseed, in the order of its lines; of each code the first hundred.
///
/// ```
/// use preflight::installer::preseed::lint;
/// let lints = lint("d-i partman-auto/method string lvm\n");
/// assert!(lints.iter().any(|lint| lint.code == "not-a-plain-partition" && lint.line == 1));
/// ```
pub fn lint(text: &str) -> Vec<LintFinding> {
    let document = parse(text);
    let mut findings = Findings::default();
    check_text(text, &mut findings);
    check_lines(&document, &mut findings);
    check_needed(&document, &mut findings);
    check_disks(&document, &mut findings);
    let mut lints = findings.lints;
    let lines: Vec<&str> = text.lines().collect();
    lints.iter_mut().for_each(|lint| lint.set_column(&lines));
    lints.sort_by(|a, b| (a.line, a.severity, a.code).cmp(&(b.line, b.severity, b.code)));
    lints
}

fn check_text(text: &str, findings: &mut Findings) {
    for (index, line) in text.lines().enumerate() {
        let plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ' || byte == b'\t';
        if !line.bytes().all(plain) {
            let message = "the line has a byte that is not printable ASCII";
            findings.error(index + 1, "non-ascii", message);
        }
    }
}

fn check_lines(document: &PreseedDocument, findings: &mut Findings) {
    for (line, stray) in &document.strays {
        let shown: String = stray.chars().take(80).collect();
        let message =
            format!("{shown:?} is not OWNER QUESTION TYPE VALUE: the installer stops here");
        findings.error(*line, "not-an-answer", message);
    }
    let mut earlier: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for (line, answer) in &document.answers {
        let same = earlier.insert(&answer.question, (*line, &answer.value));
        if let Some((first, value)) = same
            && value != answer.value
        {
            let question = &answer.question;
            let message = format!("{question} was answered otherwise in line {first}; this counts");
            findings.warning(*line, "written-twice", message);
        }
        if COMMANDS.contains(&answer.question.as_str()) {
            check_command(*line, &answer.value, findings);
        }
        if answer.question == "passwd/root-password" || answer.question == "passwd/user-password" {
            let message = "the password stands in the image in plain text";
            findings.error(*line, "plain-password", message);
        }
        let is_hash = answer.kind == AnswerKind::Password && !answer.value.starts_with(['!', '*']);
        if is_hash
            && answer.question.ends_with("-crypted")
            && answer.value.parse::<CryptHash>().is_err()
        {
            findings.warning(*line, "weak-hash", "this is not a $6$ hash");
        }
    }
}

/// An answer that a shell runs: anything but one plain command can be changed by what stands in it.
fn check_command(line: usize, command: &str, findings: &mut Findings) {
    if command == GUARD_COMMAND || command == LATE_COMMAND {
        return;
    }
    let message = format!(
        "a shell runs {command:?}: put it into a script and name that, so that nothing in it is \
         expanded"
    );
    let plain = |b: u8| b.is_ascii_alphanumeric() || b" /._-".contains(&b);
    if command.bytes().all(plain) {
        findings.warning(line, "runs-a-command", message);
    } else {
        findings.error(line, "shell-in-answer", message);
    }
}

fn check_needed(document: &PreseedDocument, findings: &mut Findings) {
    for question in NEEDED.iter().filter(|question| document.value(question).is_none()) {
        let message =
            format!("{question} is not answered: the installer asks, or a default decides");
        findings.error(0, "asks-questions", message);
    }
    if document.is_true("passwd/root-login")
        && ["passwd/root-password-crypted", "passwd/root-password"]
            .iter()
            .all(|question| document.value(question).is_none())
    {
        findings.error(0, "no-root-password", "nothing says what root's password is");
    }
    if document.value("apt-setup/use_mirror") != Some("false") {
        let message = "apt-setup/use_mirror is not false: the installer looks for an archive";
        findings.warning(0, "needs-a-mirror", message);
    }
}

fn check_disks(document: &PreseedDocument, findings: &mut Findings) {
    let line = |question: &str| {
        let mut answers = document.answers.iter().rev();
        answers.find(|(_, answer)| answer.question == question).map_or(0, |(line, _)| *line)
    };
    if let Some(method) =
        document.value("partman-auto/method").filter(|method| *method != "regular")
    {
        let message = format!(
            "partman-auto/method is {method:?}, and a master target is not supported on LVM, RAID \
             or encryption"
        );
        findings.error(line("partman-auto/method"), "not-a-plain-partition", message);
    }
    if document.value("partman/early_command") != Some(GUARD_COMMAND) {
        let message = "no guard compares the disk before it is erased";
        findings.warning(line("partman/early_command"), "no-guard", message);
    }
    let disk = document.value("partman-auto/disk");
    for disk in disk.into_iter().flat_map(str::split_whitespace) {
        if !disk.starts_with("/dev/") {
            let message = format!("{disk:?} is not a device below /dev");
            findings.error(line("partman-auto/disk"), "disk-without-dev", message);
        }
    }
    let boot = document.value("grub-installer/bootdev");
    if let (Some(disk), Some(boot)) = (disk, boot)
        && disk != boot
    {
        let message = format!("the boot loader goes to {boot:?}, the partitions to {disk:?}");
        findings.error(line("grub-installer/bootdev"), "boot-loader-elsewhere", message);
    }
    if let Some(recipe) = document.value("partman-auto/expert_recipe") {
        let at = line("partman-auto/expert_recipe");
        match partitions::read(recipe) {
            None => drop(findings.error(at, "no-recipe", "partman-auto cannot read the recipe")),
            Some(read) if !read.iter().any(|partition| partition.mount == "/") => {
                findings.error(at, "no-root-partition", "no partition is mounted on /");
            }
            Some(read) if read.iter().any(|partition| partition.in_lvm) => {
                findings.error(at, "not-a-plain-partition", "the recipe makes logical volumes");
            }
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_stop_ask_or_run_is_found() {
        for (text, code, line) in [
            ("nonsense\n", "not-an-answer", 1),
            ("d-i passwd/root-password password x\n", "plain-password", 1),
            ("d-i passwd/root-password-crypted password $1$a$b\n", "weak-hash", 1),
            ("d-i preseed/late_command string a; b\n", "shell-in-answer", 1),
            ("d-i preseed/early_command string sh /x.sh $(reboot)\n", "shell-in-answer", 1),
            ("d-i preseed/late_command string sh /x.sh\n", "runs-a-command", 1),
            ("d-i partman-auto/method string crypto\n", "not-a-plain-partition", 1),
            ("d-i partman-auto/disk string sda\n", "disk-without-dev", 1),
            ("d-i partman-auto/expert_recipe string x\n", "no-recipe", 1),
            ("d-i partman-auto/expert_recipe string x :: 1 1 1 ext4 .\n", "no-root-partition", 1),
            ("d-i a/b string \u{e4}\n", "non-ascii", 1),
            ("d-i a/b string 1\nd-i a/b string 2\n", "written-twice", 2),
            ("", "asks-questions", 0),
        ] {
            let lints = lint(text);
            assert!(
                lints.iter().any(|lint| lint.code == code && lint.line == line),
                "{text:?}: {lints:?}"
            );
        }
    }
}
