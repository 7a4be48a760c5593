//! Passwords, time zone, firewall, and commands that make someone sit down at the console.

use super::{Findings, LintSubject, tables};
use crate::installer::kickstart::parse::PlacedCommand;
use crate::installer::value::account::CryptHash;
use crate::installer::value::network::Port;

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    for placed in &subject.document.commands {
        match placed.command.name.as_str() {
            "rootpw" => check_root_password(subject, placed, findings),
            "user" | "sshpw" => check_other_password(placed, findings),
            "bootloader" if placed.command.has("--password") => {
                check_other_password(placed, findings)
            }
            "timezone" => check_time_zone(subject, placed, findings),
            "keyboard" => check_keyboard(placed, findings),
            "lang" => check_language(placed, findings),
            "firstboot"
                if !placed.command.has("--disable") && !placed.command.has("--disabled") =>
            {
                findings
                    .error(placed.line, "asks-questions", "firstboot waits for a person")
                    .hint("write firstboot --disabled");
            }
            "zerombr" if !placed.command.words.is_empty() => {
                findings
                    .error(placed.line, "zerombr-value", "zerombr takes no value")
                    .hint("write zerombr alone");
            }
            "firewall" => check_ports(placed, findings),
            _ => {}
        }
    }
}

fn check_time_zone(subject: &LintSubject<'_>, placed: &PlacedCommand, findings: &mut Findings) {
    let arguments = placed.command.arguments();
    let Some(name) = arguments.first() else {
        let finding = findings.error(placed.line, "no-timezone", "it names no time zone");
        // el7's reader takes a line of options alone.
        if subject.is_el6() || placed.command.words.is_empty() {
            finding.syntax();
        }
        return;
    };
    if !tables::is_time_zone(name) {
        findings
            .error(placed.line, "unknown-timezone", format!("there is no time zone {name:?}"))
            .at_word(name)
            .hint("write one of the tz database, such as Europe/Stockholm or Etc/UTC");
    }
}

fn check_keyboard(placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    let keymaps = command.arguments().into_iter().chain(command.option("--vckeymap"));
    for name in keymaps.filter(|name| !name.is_empty() && !tables::is_keyboard(name)) {
        findings
            .error(placed.line, "unknown-keyboard", format!("there is no keyboard {name:?}"))
            .at_word(name)
            .hint("write a console keymap, such as us or de-latin1-nodeadkeys");
    }
    for name in command.list("--xlayouts").filter(|name| !tables::is_layout(name)) {
        findings
            .error(placed.line, "unknown-keyboard", format!("there is no X layout {name:?}"))
            .at_word(name)
            .hint("write a layout with its variant, such as us or 'cz (qwerty)'");
    }
}

fn check_language(placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    let names = command.arguments().into_iter().chain(command.list("--addsupport"));
    for name in names.filter(|name| !tables::is_locale(name)) {
        findings
            .error(placed.line, "unknown-language", format!("there is no language {name:?}"))
            .at_word(name)
            .hint("write a locale, such as en_US.UTF-8");
    }
}

const MAKE_A_HASH: &str = "write --iscrypted and what `openssl passwd -6` prints";

fn check_root_password(subject: &LintSubject<'_>, placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    let arguments = command.arguments();
    let locked = command.has("--lock");
    // el6's wants a word behind --lock, too.
    let word_needed = !locked || subject.is_el6();
    if arguments.len() > 1 || (arguments.is_empty() && word_needed) {
        findings
            .error(
                placed.line,
                "password-words",
                format!("{} words where one password is expected", arguments.len()),
            )
            .hint("blanks and # in a password break the line; write a hash");
        return;
    }
    let Some(password) = arguments.first().filter(|_| !locked) else { return };
    if !command.has("--iscrypted") {
        findings
            .error(placed.line, "plain-password", "whoever has the disc can read the password")
            .hint(MAKE_A_HASH);
    } else if password.parse::<CryptHash>().is_err() && !password.starts_with(['*', '!']) {
        findings
            .error(placed.line, "weak-hash", "the password is not a complete $6$ hash")
            .hint(MAKE_A_HASH);
    }
}

fn check_other_password(placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    let given = command.has("--password") || command.name == "sshpw";
    if given && !command.has("--iscrypted") {
        findings
            .error(placed.line, "plain-password", "whoever has the disc can read the password")
            .hint(MAKE_A_HASH);
    }
}

fn check_ports(placed: &PlacedCommand, findings: &mut Findings) {
    for port in placed.command.list("--port") {
        if port.parse::<Port>().is_err() {
            findings
                .error(
                    placed.line,
                    "port-without-protocol",
                    format!("{port:?} opens nothing, expected a number and :tcp or :udp"),
                )
                .hint("write it as 443:tcp");
        }
    }
}
