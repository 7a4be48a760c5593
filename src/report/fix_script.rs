//! How to mend what failed, as a script to be read: the remedies' commands in working order, by the
//! system they run on, each with the finding it is for.
//!
//! It does nothing when it is run: its first command ends it. What hosts have said stands in
//! comments alone, where no character of it ends a line; commands are those of the checks, with the
//! words in capitals as they are there. Not for running any of it.

use super::layout::{visible, wrap};
use super::model::{CheckResult, JudgedTarget, OutcomeWord, Report};
use crate::check::definition::TargetKind;

/// Columns of comments.
const WIDTH: usize = 96;

/// What a command is typed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prompt {
    /// A POSIX shell of the system itself.
    Shell,
    /// The shell of an ESXi host.
    EsxiShell,
    /// The shell of the vCenter appliance.
    VcenterShell,
    /// A shell where govc and preflight are.
    Here,
    /// PowerShell, of Windows or with PowerCLI.
    PowerShell,
    /// Windows.
    Windows,
    /// Nothing: somebody does it by hand.
    Hand,
}

/// One system and what is to be done there.
struct Group<'r> {
    prompt: Prompt,
    target: &'r JudgedTarget,
    /// Findings with their commands.
    entries: Vec<(&'r CheckResult, Vec<&'r str>)>,
}

/// Renders how to mend what failed; what somebody answers for is left alone.
pub fn render(report: &Report) -> Vec<u8> {
    let mut text = String::from("#!/bin/sh\n");
    let tool = &report.tool;
    comment(
        &mut text,
        "",
        &format!(
            "How to mend what {} {} found at {}: commands to read, fill in and run one by one, each on \
             the system its heading names. Words in capitals are to be replaced. None of it has been \
             run.",
            tool.name, tool.version, report.run.at
        ),
    );
    text.push_str(
        "set -eu\necho 'This is a list of commands to review, and does nothing when it is run.' >&2\n\
         exit 64\n",
    );
    let groups = grouped(report);
    if groups.is_empty() {
        text.push('\n');
        comment(&mut text, "", "Nothing has failed.");
    }
    for group in &groups {
        text.push_str(&format!("\n# {}\n", "=".repeat(WIDTH - 2)));
        comment(&mut text, "", &heading(group));
        for (result, commands) in &group.entries {
            entry(&mut text, group.prompt, result, commands);
        }
    }
    text.into_bytes()
}

/// What failed, each target in turn and all of it in working order: who reads it from top to bottom does nothing too
/// early. Commands for which another fix comes first are not here; their remedy says so.
fn grouped(report: &Report) -> Vec<Group<'_>> {
    let mut failed: Vec<&CheckResult> =
        report.results.iter().filter(|result| result.outcome == OutcomeWord::Fail).collect();
    failed.sort_by_key(|result| (result.order, result.severity));
    let first = |name: &str| failed.iter().position(|result| result.target == name);
    let mut targets: Vec<&JudgedTarget> = report.targets.iter().collect();
    targets.sort_by_key(|target| first(&target.name).unwrap_or(usize::MAX));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for target in targets {
        let begin = groups.len();
        for &result in failed.iter().filter(|result| result.target == target.name) {
            let commands = &result.remedy.commands;
            if commands.is_empty() {
                add(&mut groups, begin, Prompt::Hand, target, result, None);
            }
            for command in commands {
                let prompt = prompt(command, target.kind);
                add(&mut groups, begin, prompt, target, result, Some(command));
            }
        }
    }
    groups
}

/// Puts a command of a finding behind what stands before it, below a heading of its own where it is typed elsewhere.
fn add<'r>(
    groups: &mut Vec<Group<'r>>,
    begin: usize,
    prompt: Prompt,
    target: &'r JudgedTarget,
    result: &'r CheckResult,
    command: Option<&'r str>,
) {
    if groups[begin..].last().is_none_or(|last| last.prompt != prompt) {
        groups.push(Group { prompt, target, entries: Vec::new() });
    }
    let entries = &mut groups.last_mut().expect("there is one now").entries;
    if entries.last().is_none_or(|(last, _)| !std::ptr::eq(*last, result)) {
        entries.push((result, Vec::new()));
    }
    entries.last_mut().expect("there is one now").1.extend(command);
}

/// Where a command is typed, as its first word tells.
fn prompt(command: &str, kind: TargetKind) -> Prompt {
    let word = command.split_whitespace().next().unwrap_or_default();
    let program = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let lower = program.to_ascii_lowercase();
    let is_cmdlet = program.split_once('-').is_some_and(|(verb, noun)| {
        let capital = |text: &str| text.starts_with(|c: char| c.is_ascii_uppercase());
        capital(verb) && capital(noun) && verb.len() < program.len()
    });
    match lower.as_str() {
        "govc" | "preflight" => Prompt::Here,
        "vim-cmd" | "esxcli" | "vmware" | "hostd" | "vpxa" | "vmkfstools" => Prompt::EsxiShell,
        "service-control" => Prompt::VcenterShell,
        "psexec" => Prompt::Windows,
        _ if is_cmdlet => Prompt::PowerShell,
        _ if [".exe", ".msc", ".bat", ".cmd", ".ps1"].iter().any(|end| lower.ends_with(end)) => {
            Prompt::Windows
        }
        _ => match kind {
            TargetKind::ConfigurationServer => Prompt::Windows,
            TargetKind::Esxi => Prompt::EsxiShell,
            TargetKind::Vcenter => Prompt::VcenterShell,
            TargetKind::Image | TargetKind::Packages | TargetKind::Site => Prompt::Here,
            TargetKind::LinuxMt | TargetKind::ProcessServer | TargetKind::ProtectedVm => {
                Prompt::Shell
            }
        },
    }
}

fn heading(group: &Group<'_>) -> String {
    let name = &group.target.name;
    let what = match group.target.kind {
        TargetKind::Image => "image",
        TargetKind::Packages => "medium",
        TargetKind::LinuxMt => "master target",
        TargetKind::ProcessServer => "process server",
        TargetKind::ConfigurationServer => "configuration server",
        TargetKind::Vcenter => "vCenter server",
        TargetKind::Esxi => "ESXi host",
        TargetKind::ProtectedVm => "machine",
        TargetKind::Site => "site",
    };
    match group.prompt {
        Prompt::Shell => format!("[sh] on {what} {name}, as root"),
        Prompt::EsxiShell => format!("[ESXi shell] for {what} {name}: on its ESXi host, as root"),
        Prompt::VcenterShell => {
            format!("[vCenter shell] for {what} {name}: on the vCenter appliance")
        }
        Prompt::Here => format!("[sh] for {what} {name}: where govc and preflight are"),
        Prompt::PowerShell => {
            format!("[PowerShell] for {what} {name}: on the Windows server the text names")
        }
        Prompt::Windows => format!("[Windows] for {what} {name}"),
        Prompt::Hand => format!("[by hand] for {what} {name}"),
    }
}

fn entry(text: &mut String, prompt: Prompt, result: &CheckResult, commands: &[&str]) {
    text.push('\n');
    let CheckResult { check, severity, title, found, symptom, remedy, source, .. } = result;
    comment(text, "", &format!("{check} ({}): {title}", severity.word()));
    if !found.is_empty() {
        comment(text, "found: ", found);
    }
    comment(text, "why: ", &format!("{symptom} ({}: {})", source.doc, source.at));
    comment(text, "do: ", &remedy.text);
    let downtime = if remedy.downtime { "yes, the target must be stopped for it" } else { "none" };
    comment(text, "downtime: ", downtime);
    for command in commands {
        let runs = matches!(
            prompt,
            Prompt::Shell | Prompt::Here | Prompt::EsxiShell | Prompt::VcenterShell
        );
        for line in command.lines() {
            let before = match prompt {
                _ if runs => "",
                Prompt::PowerShell => "# PS> ",
                _ => "# > ",
            };
            text.push_str(&format!("{before}{}\n", visible(line)));
        }
    }
}

/// A comment, in which nothing can end a line.
fn comment(text: &mut String, label: &str, words: &str) {
    for line in wrap(&format!("{label}{}", visible(words)), WIDTH - 2) {
        text.push_str(&format!("# {line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::tests::every_outcome;
    use super::*;
    use crate::assets::Assets;
    use crate::check::CheckSet;

    fn rendered(report: &Report) -> String {
        String::from_utf8(render(report)).unwrap()
    }

    #[test]
    fn only_what_failed_is_mended_and_the_first_command_ends_it() {
        insta::assert_snapshot!(rendered(&every_outcome()), @r#"
        #!/bin/sh
        # How to mend what preflight 1.2.3 found at 2026-11-20T03:00:00Z: commands to read, fill in and
        # run one by one, each on the system its heading names. Words in capitals are to be replaced.
        # None of it has been run.
        set -eu
        echo 'This is a list of commands to review, and does nothing when it is run.' >&2
        exit 64

        # ==============================================================================================
        # [sh] on master target mt1, as root

        # a.blocker (blocks-reprotect): it holds
        # found: /mnt/retention is vfat
        # why: symptom (field: a)
        # do: Mend it.
        # downtime: yes, the target must be stopped for it
        mkfs.ext4 /dev/DEVICE

        # ==============================================================================================
        # [by hand] for master target mt1

        # a.warning (warning): it holds
        # found: found
        # why: symptom (field: a)
        # do: Mend it.
        # downtime: none

        # a.info (info): it holds
        # found: found
        # why: symptom (field: a)
        # do: Mend it.
        # downtime: none
        "#);
    }

    #[test]
    fn what_a_host_says_is_no_command() {
        let mut report = every_outcome();
        let hostile = "x\nrm -rf /\r`id`$(id)\u{2028}reboot\u{85}halt\u{202e} \\";
        for target in &mut report.targets {
            target.name.push_str(hostile);
        }
        for result in &mut report.results {
            result.target.push_str(hostile);
            result.found = hostile.to_owned();
        }
        let text = rendered(&report);
        let bare: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        let echo =
            "echo 'This is a list of commands to review, and does nothing when it is run.' >&2";
        assert_eq!(bare, ["set -eu", echo, "exit 64", "mkfs.ext4 /dev/DEVICE"]);
        assert!(!text.contains(['\r', '\u{2028}', '\u{85}', '\u{202e}']));
    }

    #[test]
    fn a_command_stands_where_it_is_typed() {
        for (command, kind, expected) in [
            ("yum install lsscsi", TargetKind::LinuxMt, Prompt::Shell),
            ("govc vm.change -vm MT", TargetKind::LinuxMt, Prompt::Here),
            ("vim-cmd vmsvc/reload VMID", TargetKind::LinuxMt, Prompt::EsxiShell),
            ("/etc/init.d/hostd restart", TargetKind::Esxi, Prompt::EsxiShell),
            ("service-control --start vmware-vpxd", TargetKind::Vcenter, Prompt::VcenterShell),
            ("Test-NetConnection CS -Port 443", TargetKind::ProcessServer, Prompt::PowerShell),
            ("DRCONFIGURATOR.EXE", TargetKind::ConfigurationServer, Prompt::Windows),
            (r"C:\ProgramData\ASR\x.exe -v", TargetKind::ConfigurationServer, Prompt::Windows),
            ("apt-get install x", TargetKind::LinuxMt, Prompt::Shell),
            ("sha256sum IMAGE", TargetKind::Image, Prompt::Here),
        ] {
            assert_eq!(prompt(command, kind), expected, "{command}");
        }
    }

    #[test]
    fn the_remedies_of_all_checks_make_one_script_that_a_shell_reads_and_that_ends_at_once() {
        let checks = CheckSet::load(&Assets::embedded()).unwrap();
        let mut report = every_outcome();
        let like = report.results.remove(1);
        report.targets.clear();
        report.results.clear();
        for check in checks.checks() {
            let name = format!("{} of {}", check.applies_to[0].word(), check.id);
            report.targets.push(JudgedTarget { name: name.clone(), kind: check.applies_to[0] });
            report.results.push(CheckResult {
                check: check.id.clone(),
                target: name,
                remedy: check.remedy.clone(),
                symptom: check.symptom.clone(),
                title: check.title.clone(),
                ..like.clone()
            });
        }
        let text = rendered(&report);
        assert!(checks.checks().iter().all(|check| text.contains(&format!("# {} (", check.id))));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let run = |args: &[&str]| {
            let mut shell = std::process::Command::new("sh");
            shell.args(args).arg(file.path()).output().unwrap()
        };
        let parsed = run(&["-n"]);
        assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr));
        let ran = run(&[]);
        assert_eq!(ran.status.code(), Some(64), "{}", String::from_utf8_lossy(&ran.stderr));
        assert!(ran.stdout.is_empty());
    }

    #[test]
    fn a_run_without_failures_leads_to_no_command() {
        let mut report = every_outcome();
        report.results.retain(|result| result.outcome != OutcomeWord::Fail);
        assert!(rendered(&report).ends_with("exit 64\n\n# Nothing has failed.\n"));
    }
}
