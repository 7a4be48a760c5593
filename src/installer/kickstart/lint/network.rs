//! The `network` command: a static address with all it needs, and a host name that is one.

use super::{Findings, LintSubject};
use crate::installer::kickstart::parse::PlacedCommand;
use crate::installer::value::network::{HostAddress, HostName, Netmask};

pub(super) fn check(subject: &LintSubject<'_>, findings: &mut Findings) {
    let mut named = false;
    let mut last = 0;
    for placed in subject.document.commands_named("network") {
        last = placed.line;
        named |= placed.command.has("--hostname");
        check_command(placed, findings);
    }
    if last != 0 && !named {
        findings
            .warning(last, "no-host-name", "the system would be called localhost")
            .hint("add --hostname=NAME");
    }
}

fn check_command(placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    if let Some(word) = command.arguments().first() {
        findings
            .error(placed.line, "unknown-word", format!("{word:?} is not an option of network"))
            .hint("options begin with two ASCII hyphens");
    }
    let proto = command.option("--bootproto").unwrap_or("dhcp");
    if !["static", "dhcp", "bootp", "ibft", "query"].contains(&proto) {
        let message = format!("{proto:?} is not a way to get an address");
        findings.error(placed.line, "unknown-bootproto", message).hint("write static or dhcp");
    }
    if !matches!(command.option("--onboot"), None | Some("yes" | "on" | "true" | "1" | "")) {
        findings
            .warning(placed.line, "not-on-boot", "the interface stays down after a start")
            .hint("write --onboot=yes");
    }
    if let Some(name) = command.option("--hostname")
        && name.parse::<HostName>().is_err()
    {
        let finding =
            findings.error(placed.line, "bad-host-name", format!("{name:?} is not a host name"));
        if name.starts_with("localhost") {
            finding.policy();
        }
    }
    if proto == "static" && !command.words.iter().any(|word| word.starts_with('\u{2013}')) {
        check_addresses(placed, findings);
    }
}

fn check_addresses(placed: &PlacedCommand, findings: &mut Findings) {
    let command = &placed.command;
    let missing: Vec<_> = ["--ip", "--netmask", "--gateway"]
        .into_iter()
        .filter(|option| command.option(option).unwrap_or_default().is_empty())
        .collect();
    if !missing.is_empty() {
        let message = format!("a static address without {}", missing.join(", "));
        findings.error(placed.line, "static-incomplete", message);
    }
    if command.option("--nameserver").unwrap_or_default().is_empty() && !command.has("--nodns") {
        findings
            .warning(placed.line, "no-name-server", "a static address without a name server")
            .hint("add --nameserver=ADDRESS");
    }
    let mut good = true;
    let servers: Vec<_> = command.list("--nameserver").collect();
    let named = [("--ip", command.option("--ip")), ("--gateway", command.option("--gateway"))];
    let all = named.into_iter().filter_map(|(key, text)| Some((key, text?)));
    for (option, text) in all.chain(servers.iter().map(|text| ("--nameserver", *text))) {
        if !text.is_empty() && text.parse::<HostAddress>().is_err() {
            good = false;
            let message = format!("{option}: {text:?} is not an address of a host");
            let finding = findings.error(placed.line, "bad-address", message).at_word(text);
            if is_placeholder(text) {
                finding.policy();
            }
        }
    }
    let parsed = |option: &str| command.option(option)?.parse::<HostAddress>().ok();
    let netmask = command.option("--netmask").map(str::parse::<Netmask>);
    match (parsed("--ip"), parsed("--gateway"), netmask) {
        (_, _, Some(Err(error))) if error.seen.as_deref() != Some("") => {
            let finding = findings.error(placed.line, "bad-address", error.to_string());
            if error.seen.as_deref().is_some_and(is_placeholder) {
                finding.policy();
            }
        }
        (Some(ip), Some(gateway), Some(Ok(mask)))
            if good && !mask.is_same_subnet(ip.ip(), gateway.ip()) =>
        {
            let message = format!("the gateway {gateway} is not in the subnet of {ip}");
            findings.error(placed.line, "gateway-outside", message);
        }
        _ => {}
    }
}

/// Whether a value is to be filled in before the file is used, such as `@IP@` or `{{ ip }}`.
fn is_placeholder(text: &str) -> bool {
    text.contains(['@', '{', '$'])
}
