//! Sections, and which commands there are and where: what makes the installer stop or ask before
//! it has looked at a single value.

use super::{Findings, LintSubject};
use crate::installer::kickstart::options::table;
use crate::installer::kickstart::parse::{PlacedCommand, Section, SectionKind};
use crate::yaml::closest_match;

/// Commands that the el6 loader reads itself; it stops at the first section
/// (loader/kickstart.c).
const LOADER_COMMANDS: &[&str] = &[
    "cdrom", "cmdline", "device", "driverdisk", "graphical", "harddrive", "keyboard", "lang",
    "mediacheck", "network", "nfs", "text", "updates", "url", "vnc",
];

const SOURCES: &[&str] = &["cdrom", "harddrive", "liveimg", "nfs", "ostreesetup", "url"];
const ENDINGS: &[&str] = &["halt", "poweroff", "reboot", "shutdown"];

/// Commands of which the last one wins without a word.
const ONCE: &[&str] = &[
    "bootloader", "clearpart", "halt", "keyboard", "lang", "poweroff", "reboot", "rootpw",
    "shutdown", "timezone",
];

/// Interpreters that the installer or a minimal system has.
const INTERPRETERS: &[&str] =
    &["/bin/bash", "/bin/sh", "/usr/bin/bash", "/usr/bin/perl", "/usr/bin/python", "/usr/bin/sh"];

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    for section in &subject.document.sections {
        check_section(subject, section, findings);
    }
    for line in &subject.document.stray_ends {
        findings.error(*line, "stray-end", "%end closes no section");
    }
    for line in &subject.document.includes {
        findings
            .warning(*line, "include", "what it brings in cannot be checked, on the disc or here")
            .hint("write the lines out");
    }
    let first_section = subject.document.sections.first().map(|section| section.line);
    for placed in &subject.document.commands {
        check_command(subject, placed, first_section, findings);
    }
    check_repeated(subject, findings);
    check_sources_and_endings(subject, findings);
    check_presence(subject, findings);
}

fn check_section(subject: &LintSubject<'_>, section: &Section, findings: &mut Findings) {
    let name = section.header.name.as_str();
    if section.end.is_none() {
        findings
            .error(section.line, "missing-end", format!("{name} has no %end"))
            .hint("write %end on a line of its own");
    }
    let known =
        matches!(section.kind(), SectionKind::Packages | SectionKind::Pre | SectionKind::Post);
    let traceback = ["%traceback", "%onerror", "%pre-install"].contains(&name);
    let el7 = ["%addon", "%anaconda"].contains(&name) && !subject.is_el6();
    if ["%addon", "%anaconda"].contains(&name) && subject.is_el6() {
        findings.warning(
            section.line,
            "unknown-section",
            format!("el6's installer knows no {name}"),
        );
    } else if !(known || traceback || el7) {
        findings.error(section.line, "unknown-section", format!("{name} is no section"));
    }
    if !section.is_script() {
        return;
    }
    for (line, text) in section.numbered_lines() {
        if text.trim_start().starts_with('%') {
            findings
                .error(
                    line,
                    "percent-in-script",
                    "a line that begins with % may end the script or be taken away from it",
                )
                .hint("put something before the %, in a heredoc too");
        }
    }
    if section.kind() == SectionKind::Post && !section.header.has("--erroronfail") {
        findings
            .warning(section.line, "errors-ignored", "the installation goes on when it fails")
            .hint("add --erroronfail");
    }
    if let Some(interpreter) = section.header.option("--interpreter")
        && !INTERPRETERS.contains(&interpreter)
    {
        findings
            .warning(
                section.line,
                "unknown-interpreter",
                format!("a minimal system may not have {interpreter:?}"),
            )
            .hint("write it for /bin/sh");
    }
}

fn check_command(
    subject: &LintSubject<'_>,
    placed: &PlacedCommand,
    first_section: Option<usize>,
    findings: &mut Findings,
) {
    let name = placed.command.name.as_str();
    let table = table(subject.generation);
    if table.usage(name).is_none() {
        // To look for the nearest name costs something.
        let worth_it = findings.has_room("unknown-command");
        let message = format!("{name:?} is not a command of this installer, which then stops");
        let finding = findings.error(placed.line, "unknown-command", message);
        if let Some(near) = worth_it.then(|| closest_match(name, table.commands())).flatten() {
            finding.hint(format!("write {near}"));
        }
        return;
    }
    if subject.is_el6()
        && LOADER_COMMANDS.contains(&name)
        && first_section.is_some_and(|first| first < placed.line)
    {
        findings
            .error(
                placed.line,
                "command-too-late",
                format!("the installer's first stage reads {name} only before the first section"),
            )
            .hint("move it to the top");
    }
    match name {
        "multipath" | "dmraid" if subject.is_el6() => {
            findings
                .error(placed.line, "not-implemented", format!("{name} ends el6's installer"))
                .hint("remove it; the package device-mapper-multipath is enough");
        }
        "cmdline" => {
            findings
                .error(placed.line, "cmdline", "at any question it prints and then waits for ever")
                .hint("write text");
        }
        "upgrade" | "rescue" => {
            findings.error(placed.line, "upgrade", format!("{name} installs nothing"));
        }
        "interactive" | "autostep" | "mediacheck" => {
            findings.error(placed.line, "asks-questions", format!("{name} waits for a person"));
        }
        _ => {}
    }
}

fn check_repeated(subject: &LintSubject<'_>, findings: &mut Findings) {
    for name in ONCE {
        for placed in subject.document.commands_named(name).skip(1) {
            findings.warning(
                placed.line,
                "written-twice",
                format!("{name} stands there more than once, the last one counts"),
            );
        }
    }
}

fn check_sources_and_endings(subject: &LintSubject<'_>, findings: &mut Findings) {
    if !check_single(subject, SOURCES, "two-sources", findings) {
        findings
            .error(0, "no-source", "no command says where to install from, so the installer asks")
            .hint("add cdrom");
    }
    if !check_single(subject, ENDINGS, "two-endings", findings) {
        findings
            .warning(0, "no-ending", "the installer waits for a key when it is done")
            .hint("add reboot");
    }
}

/// Checks that a kickstart has one of several commands only. Returns whether it has any.
fn check_single(
    subject: &LintSubject<'_>,
    names: &[&str],
    code: &'static str,
    findings: &mut Findings,
) -> bool {
    let commands = &subject.document.commands;
    let mut found = commands.iter().filter(|placed| names.contains(&placed.command.name.as_str()));
    let Some(first) = found.next().map(|placed| &placed.command.name) else { return false };
    for placed in found.filter(|placed| placed.command.name != *first) {
        let message = format!("{first} and {} both", placed.command.name);
        findings.error(placed.line, code, message).hint("keep one");
    }
    true
}

/// A text installation that lacks one of these shows a window and ends (kickstart.py, setSteps),
/// or asks.
fn check_presence(subject: &LintSubject<'_>, findings: &mut Findings) {
    let document = subject.document;
    for (name, code, consequence) in [
        ("bootloader", "no-bootloader", "there is no bootloader command, so the installer stops"),
        ("clearpart", "no-clearpart", "there is no clearpart command, so the installer stops"),
        ("lang", "no-language", "there is no lang command, so the installer asks"),
        ("keyboard", "no-keyboard", "there is no keyboard command, so the installer asks"),
        ("timezone", "no-timezone", "there is no timezone command, so the installer asks"),
        ("rootpw", "no-root-password", "there is no rootpw command, so the installer asks"),
    ] {
        if document.last_command(name).is_none() {
            findings.error(0, code, consequence);
        }
    }
    let display = ["text", "cmdline", "graphical", "vnc"];
    if display.iter().all(|name| document.last_command(name).is_none()) {
        findings
            .warning(0, "no-display-mode", "el6's graphical installer needs 640 MB and a display")
            .hint("add text");
    }
}
