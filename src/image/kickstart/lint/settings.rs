//! Passwords, time zone, firewall, and commands that make someone sit down at the console.

use super::{Findings, Subject};
use crate::image::kickstart::parse::Placed;
use crate::image::value::account::CryptHash;
use crate::image::value::network::Port;

pub(super) fn check(subject: &Subject<'_>, findings: &mut Findings) {
    for placed in &subject.document.commands {
        match placed.command.name.as_str() {
            "rootpw" => root_password(placed, findings),
            "user" | "sshpw" => other_password(placed, findings),
            "bootloader" if placed.command.has("--password") => other_password(placed, findings),
            "timezone" if placed.command.arguments().is_empty() => {
                findings.error(placed.line, "no-timezone", "it names no time zone");
            }
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
            "firewall" => ports(placed, findings),
            _ => {}
        }
    }
}

const MAKE_A_HASH: &str = "write --iscrypted and what `openssl passwd -6` prints";

fn root_password(placed: &Placed, findings: &mut Findings) {
    let command = &placed.command;
    let arguments = command.arguments();
    let locked = command.has("--lock");
    if arguments.len() > 1 || (arguments.is_empty() && !locked) {
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

fn other_password(placed: &Placed, findings: &mut Findings) {
    let command = &placed.command;
    let given = command.has("--password") || command.name == "sshpw";
    if given && !command.has("--iscrypted") {
        findings
            .error(placed.line, "plain-password", "whoever has the disc can read the password")
            .hint(MAKE_A_HASH);
    }
}

fn ports(placed: &Placed, findings: &mut Findings) {
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
