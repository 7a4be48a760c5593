//! How to fix what failed, as a script to be read: the remedies' commands in working order, by the
//! system they run on, each with the finding it is for.
//!
//! It does nothing when it is run: its first command ends it. What hosts have said stands in
//! comments alone, where no character of it ends a line; commands are those of the checks, with the
//! words in capitals as they are there. Not for running any of it.

use super::layout::{make_visible, wrap};
use super::model::{CheckResult, CheckedTarget, Report};
use crate::check::finding::OutcomeKind;
use crate::facts::target_kind::TargetKind;

/// Columns of comments.
const COMMENT_WIDTH: usize = 96;

/// The shell that a command is typed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandShell {
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
    shell: CommandShell,
    target: &'r CheckedTarget,
    /// Findings with their commands.
    entries: Vec<(&'r CheckResult, Vec<&'r str>)>,
}

/// Renders how to fix what failed; what is waived is left alone.
pub fn render(report: &Report) -> Vec<u8> {
    let mut text = String::from("#!/bin/sh\n");
    let tool = &report.tool;
    write_comment(
        &mut text,
        "",
        &format!(
            "How to fix what {} {} found at {}: commands to read, fill in and run one by one, each on \
             the system its heading names. Words in capitals are to be replaced. None of it has been \
             run.",
            tool.name, tool.version, report.run.at
        ),
    );
    text.push_str(
        "set -eu\necho 'This is a list of commands to review, and does nothing when it is run.' >&2\n\
         exit 64\n",
    );
    let groups = group_commands(report);
    if groups.is_empty() {
        text.push('\n');
        write_comment(&mut text, "", "Nothing has failed.");
    }
    for group in &groups {
        text.push_str(&format!("\n# {}\n", "=".repeat(COMMENT_WIDTH - 2)));
        write_comment(&mut text, "", &heading(group));
        for (result, commands) in &group.entries {
            write_entry(&mut text, group.shell, result, commands);
        }
    }
    text.into_bytes()
}

/// What failed, each target in turn and all of it in working order: who reads it from top to bottom does nothing too
/// early. Commands for which another fix comes first are not here; their remedy says so.
fn group_commands(report: &Report) -> Vec<Group<'_>> {
    let mut failed: Vec<&CheckResult> =
        report.results.iter().filter(|result| result.outcome == OutcomeKind::Fail).collect();
    failed.sort_by_key(|result| (result.order, result.severity));
    let first = |name: &str| failed.iter().position(|result| result.target == name);
    let mut targets: Vec<&CheckedTarget> = report.targets.iter().collect();
    targets.sort_by_key(|target| first(&target.name).unwrap_or(usize::MAX));
    let mut groups: Vec<Group<'_>> = Vec::new();
    for target in targets {
        let begin = groups.len();
        for &result in failed.iter().filter(|result| result.target == target.name) {
            let commands = &result.remedy.commands;
            if commands.is_empty() {
                add_command(&mut groups, begin, CommandShell::Hand, target, result, None);
            }
            for command in commands {
                let shell = shell_for(command, target.kind);
                add_command(&mut groups, begin, shell, target, result, Some(command));
            }
        }
    }
    groups
}

/// Puts a command of a finding behind what stands before it, below a heading of its own where it is typed elsewhere.
fn add_command<'r>(
    groups: &mut Vec<Group<'r>>,
    begin: usize,
    shell: CommandShell,
    target: &'r CheckedTarget,
    result: &'r CheckResult,
    command: Option<&'r str>,
) {
    if groups[begin..].last().is_none_or(|last| last.shell != shell) {
        groups.push(Group { shell, target, entries: Vec::new() });
    }
    let entries = &mut groups.last_mut().expect("there is one now").entries;
    if entries.last().is_none_or(|(last, _)| !std::ptr::eq(*last, result)) {
        entries.push((result, Vec::new()));
    }
    entries.last_mut().expect("there is one now").1.extend(command);
}

/// Returns the shell of a command, by its first word.
fn shell_for(command: &str, kind: TargetKind) -> CommandShell {
    let word = command.split_whitespace().next().unwrap_or_default();
    let program = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let lower = program.to_ascii_lowercase();
    let is_cmdlet = program.split_once('-').is_some_and(|(verb, noun)| {
        let capital = |text: &str| text.starts_with(|c: char| c.is_ascii_uppercase());
        capital(verb) && capital(noun) && verb.len() < program.len()
    });
    match lower.as_str() {
        "govc" | "preflight" => CommandShell::Here,
        "vim-cmd" | "esxcli" | "vmware" | "hostd" | "vpxa" | "vmkfstools" => {
            CommandShell::EsxiShell
        }
        "service-control" => CommandShell::VcenterShell,
        "psexec" => CommandShell::Windows,
        _ if is_cmdlet => CommandShell::PowerShell,
        _ if [".exe", ".msc", ".bat", ".cmd", ".ps1"].iter().any(|end| lower.ends_with(end)) => {
            CommandShell::Windows
        }
        _ => match kind {
            TargetKind::ConfigurationServer | TargetKind::WindowsMt => CommandShell::Windows,
            TargetKind::Esxi => CommandShell::EsxiShell,
            TargetKind::Vcenter => CommandShell::VcenterShell,
            TargetKind::Image | TargetKind::Packages | TargetKind::Site => CommandShell::Here,
            TargetKind::LinuxMt | TargetKind::ProcessServer | TargetKind::ProtectedVm => {
                CommandShell::Shell
            }
        },
    }
}

fn heading(group: &Group<'_>) -> String {
    let name = &group.target.name;
    let what = match group.target.kind {
        TargetKind::Image => "image",
        TargetKind::Packages => "medium",
        TargetKind::LinuxMt | TargetKind::WindowsMt => "master target",
        TargetKind::ProcessServer => "process server",
        TargetKind::ConfigurationServer => "configuration server",
        TargetKind::Vcenter => "vCenter server",
        TargetKind::Esxi => "ESXi host",
        TargetKind::ProtectedVm => "machine",
        TargetKind::Site => "site",
    };
    match group.shell {
        CommandShell::Shell => format!("[sh] on {what} {name}, as root"),
        CommandShell::EsxiShell => {
            format!("[ESXi shell] for {what} {name}: on its ESXi host, as root")
        }
        CommandShell::VcenterShell => {
            format!("[vCenter shell] for {what} {name}: on the vCenter appliance")
        }
        CommandShell::Here => format!("[sh] for {what} {name}: where govc and preflight are"),
        CommandShell::PowerShell => {
            format!("[PowerShell] for {what} {name}: on the Windows server the text names")
        }
        CommandShell::Windows => format!("[Windows] for {what} {name}"),
        CommandShell::Hand => format!("[by hand] for {what} {name}"),
    }
}

fn write_entry(text: &mut String, shell: CommandShell, result: &CheckResult, commands: &[&str]) {
    text.push('\n');
    let CheckResult { check, severity, title, found, symptom, remedy, source, .. } = result;
    write_comment(text, "", &format!("{check} ({}): {title}", severity.as_str()));
    if !found.is_empty() {
        write_comment(text, "found: ", found);
    }
    write_comment(text, "why: ", &format!("{symptom} ({}: {})", source.doc, source.at));
    write_comment(text, "do: ", &remedy.text);
    let downtime = if remedy.downtime { "yes, the target must be stopped for it" } else { "none" };
    write_comment(text, "downtime: ", downtime);
    for command in commands {
        let runs = matches!(
            shell,
            CommandShell::Shell
                | CommandShell::Here
                | CommandShell::EsxiShell
                | CommandShell::VcenterShell
        );
        for line in command.lines() {
            let before = match shell {
                _ if runs => "",
                CommandShell::PowerShell => "# PS> ",
                _ => "# > ",
            };
            text.push_str(&format!("{before}{}\n", make_visible(line)));
        }
    }
}

/// A comment, in which nothing can end a line.
fn write_comment(text: &mut String, label: &str, words: &str) {
    for line in wrap(&format!("{label}{}", make_visible(words)), COMMENT_WIDTH - 2) {
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
        # How to fix what preflight 1.2.3 found at 2026-11-20T03:00:00Z: commands to read, fill in and
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
        # do: Fix it.
        # downtime: yes, the target must be stopped for it
        mkfs.ext4 /dev/DEVICE

        # ==============================================================================================
        # [by hand] for master target mt1

        # a.warning (warning): it holds
        # found: found
        # why: symptom (field: a)
        # do: Fix it.
        # downtime: none

        # a.info (info): it holds
        # found: found
        # why: symptom (field: a)
        # do: Fix it.
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
            result.target = format!("{}{hostile}", result.target).into();
            result.found = hostile.into();
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
            ("yum install lsscsi", TargetKind::LinuxMt, CommandShell::Shell),
            ("govc vm.change -vm MT", TargetKind::LinuxMt, CommandShell::Here),
            ("vim-cmd vmsvc/reload VMID", TargetKind::LinuxMt, CommandShell::EsxiShell),
            ("/etc/init.d/hostd restart", TargetKind::Esxi, CommandShell::EsxiShell),
            (
                "service-control --start vmware-vpxd",
                TargetKind::Vcenter,
                CommandShell::VcenterShell,
            ),
            (
                "Test-NetConnection CS -Port 443",
                TargetKind::ProcessServer,
                CommandShell::PowerShell,
            ),
            ("DRCONFIGURATOR.EXE", TargetKind::ConfigurationServer, CommandShell::Windows),
            (
                r"C:\ProgramData\ASR\x.exe -v",
                TargetKind::ConfigurationServer,
                CommandShell::Windows,
            ),
            ("apt-get install x", TargetKind::LinuxMt, CommandShell::Shell),
            ("sha256sum IMAGE", TargetKind::Image, CommandShell::Here),
        ] {
            assert_eq!(shell_for(command, kind), expected, "{command}");
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
            let name = format!("{} of {}", check.applies_to[0].as_str(), check.id);
            report.targets.push(CheckedTarget { name: name.clone(), kind: check.applies_to[0] });
            report.results.push(CheckResult {
                check: check.id.as_str().into(),
                target: name.into(),
                remedy: check.remedy.clone().into(),
                symptom: check.symptom.as_str().into(),
                title: check.title.as_str().into(),
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
        report.results.retain(|result| result.outcome != OutcomeKind::Fail);
        assert!(rendered(&report).ends_with("exit 64\n\n# Nothing has failed.\n"));
    }
}
