//! `troubleshoot`: finds the causes of a symptom and, with a target, checks which of them applies.
//!
//! Not for matching symptoms (`knowledge`) nor for collecting from hosts (`collect`).

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read, Write};

use anyhow::Context;

use crate::assets::Assets;
use crate::check::{CheckSet, Provider, Target, Waiver, engine, scope};
use crate::cli::args::{InventoryArgs, TextOrJson, TroubleshootArgs};
use crate::cli::checks::load_checks;
use crate::cli::collect::{CollectOptions, collect, was_interrupted};
use crate::cli::hosts;
use crate::cli::login::SshDefaults;
use crate::cli::selection::Selection;
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, site};
use crate::facts::azure::troubles::MachineTrouble;
use crate::facts::azure::vault::Vault;
use crate::knowledge::Knowledge;
use crate::knowledge::candidate::Matches;
use crate::knowledge::search::MAX_TEXT_BYTES;
use crate::report::troubleshooting::{self, Troubleshooting, VaultTrouble};
use crate::report::{Style, troubleshooting_text};
use crate::site::Site;
use crate::site::assemble::{Coverage, Responses};

/// Prints the symptoms that match a text, and checks the targets for their causes.
pub fn troubleshoot(args: &TroubleshootArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let text = text(&args.words)?;
    let checks = load_checks(assets, None)?;
    let knowledge = Knowledge::load(assets, &checks)?;
    let has_targets =
        args.site.file.is_some() || args.site.vcenter.is_some() || !args.targets.is_empty();
    let (scenario, has_vault) = if has_targets {
        let site = site::choose(&args.site, &args.targets, &checks)?.site;
        (Some(site.scenario), site.azure.is_some())
    } else {
        (None, false)
    };
    let matches = knowledge.matches(&text, scenario);
    let (result, interrupted) = if has_vault || (has_targets && !matches.suspects().is_empty()) {
        check_candidates(args, &matches, &checks, &knowledge)?
    } else {
        (Troubleshooting::from_matches(&matches, &checks), false)
    };
    let shown = match args.format {
        TextOrJson::Json => troubleshooting::to_json(&result),
        TextOrJson::Text => {
            let colour = screen::colour_on(&std::io::stdout());
            troubleshooting_text::render(&result, &Style { colour, ..Style::default() })
        }
    };
    std::io::stdout().write_all(shown.as_bytes())?;
    Ok(if interrupted {
        ExitStatus::Interrupted
    } else {
        ExitStatus::from_report(result.exit_code)
    })
}

/// Runs the checks of the matching symptoms. Also returns whether the run was interrupted.
fn check_candidates(
    args: &TroubleshootArgs,
    matches: &Matches<'_>,
    checks: &CheckSet,
    knowledge: &Knowledge,
) -> anyhow::Result<(Troubleshooting, bool)> {
    let mut selection = select(args, checks, &suspected(matches, checks))?;
    let ssh = SshDefaults::from_args(&args.credentials, &args.host_timeout)?;
    let options = CollectOptions { now: args.now, ..CollectOptions::new(ssh, &args.tls) };
    let responses = collect(selection.sources(checks, &options)?, &options)?;
    let targets = selection.assemble(&responses, checks)?;
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    let result = evaluate(matches, checks, &targets, &selection.site.waivers, now);
    let vault = vault_troubles(&selection.site, &responses, knowledge);
    Ok((Troubleshooting { vault, ..result }, was_interrupted(&responses)))
}

/// Returns what the vault says went wrong with the machines of the site, or with all of its machines when the site names none; each with
/// the checks and symptoms that know its code.
fn vault_troubles(site: &Site, responses: &Responses, knowledge: &Knowledge) -> Vec<VaultTrouble> {
    let Some(answers) = &responses.azure else { return Vec::new() };
    let named = |name: &str| {
        site.protected_vms.iter().any(|vm| vm.name.as_str().eq_ignore_ascii_case(name))
    };
    let vault = Vault::from_answers(answers);
    let troubles = vault.troubles(|name| site.protected_vms.is_empty() || named(name));
    let row = |trouble: MachineTrouble| {
        let known = knowledge.with_code(&trouble.error.code).into_iter();
        let entries = known.map(|document| document.id.clone()).collect();
        VaultTrouble::new(trouble, entries)
    };
    troubles.into_iter().map(row).collect()
}

/// Returns the providers of the facts that the checks of the matching symptoms, and the checks
/// those require, need.
fn suspected(matches: &Matches<'_>, checks: &CheckSet) -> BTreeSet<Provider> {
    let mut left = suspected_checks(matches);
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut needs = BTreeSet::new();
    while let Some(id) = left.pop() {
        if let Some(check) = checks.find(id).filter(|check| seen.insert(&check.id)) {
            needs.extend(check.required_providers().iter().copied());
            left.extend(check.requires.iter().map(String::as_str));
        }
    }
    needs
}

/// Selects the targets, or all master targets of the site, and those vSphere servers that provide
/// suspected facts.
fn select(
    args: &TroubleshootArgs,
    checks: &CheckSet,
    suspected: &BTreeSet<Provider>,
) -> anyhow::Result<Selection> {
    let context = site::choose(&args.site, &args.targets, checks)?;
    let hosts = if args.targets.is_empty() {
        hosts::all(&context.site)?
    } else {
        let inventory = InventoryArgs { inventory: None, groups: Vec::new(), jobs: None };
        let hosts = hosts::chosen(&args.targets, &inventory, &context.site)?;
        hosts::with_process_servers(hosts, &context.site)
    };
    let mut selection = Selection::of_site(context, hosts, Coverage::HostsAndAnswers);
    selection.asks_vcenter &= suspected.contains(&Provider::Vsphere);
    if !selection.asks_vcenter && !suspected.contains(&Provider::EsxiShell) {
        let asks_shells = suspected.contains(&Provider::Vsphere);
        selection.esxi.retain(|_| asks_shells);
    }
    Ok(selection)
}

/// Evaluates the checks of the matching symptoms, and no others.
fn evaluate(
    matches: &Matches<'_>,
    checks: &CheckSet,
    targets: &[Target],
    waivers: &[Waiver],
    now: jiff::Timestamp,
) -> Troubleshooting {
    let suspected = suspected_checks(matches);
    let scope = scope::Scope::new(checks, targets);
    // Whether a fix has to wait for others depends on findings that are not suspected, too.
    let mut findings = engine::evaluate_scope(checks, targets, &scope, waivers, now);
    let scope = scope.restricted_to(checks, &suspected);
    let wanted: BTreeSet<(&str, &str)> = scope
        .planned
        .iter()
        .map(|&(target, check)| (targets[target].name.as_str(), checks.checks()[check].id.as_str()))
        .collect();
    findings.retain(|finding| wanted.contains(&(finding.target.as_str(), finding.check.as_str())));
    Troubleshooting::from_findings(matches, checks, targets, &findings)
}

/// Returns the checks of those candidates that are checked.
fn suspected_checks<'k>(matches: &Matches<'k>) -> Vec<&'k str> {
    let suspects = matches.suspects();
    let candidates = matches.candidates.iter();
    let checked = candidates.filter(|candidate| suspects.contains(&candidate.document.id.as_str()));
    checked.flat_map(|candidate| candidate.document.checks()).collect()
}

/// Returns the words of the command line, or the text on standard input.
fn text(words: &[String]) -> anyhow::Result<String> {
    let pasted = match words {
        [] => true,
        [word] => word == "-",
        _ => false,
    };
    let text = if pasted { standard_input(words.is_empty())? } else { words.join(" ") };
    anyhow::ensure!(
        text.len() <= MAX_TEXT_BYTES,
        "the text has more than {} MiB: paste the lines around the error, or pipe in tail -c 20000000",
        MAX_TEXT_BYTES / 1024 / 1024
    );
    Ok(text)
}

fn standard_input(unasked: bool) -> anyhow::Result<String> {
    let input = std::io::stdin();
    anyhow::ensure!(
        !(unasked && input.is_terminal()),
        "what do you see? Give it in words, as an error code, or paste a log with - and end it with Ctrl-D"
    );
    let mut bytes = Vec::new();
    let most = MAX_TEXT_BYTES as u64 + 1;
    input.lock().take(most).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(decoded(bytes))
}

/// Decodes UTF-8, and UTF-16 with a byte order mark, which logs of Windows servers often are.
/// Invalid bytes are replaced.
fn decoded(bytes: Vec<u8>) -> String {
    let units = |from: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect()
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        // What is UTF-8, as most logs are, is not copied.
        _ => String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_of_windows_are_read_too() {
        for (bytes, text) in [
            (&b"abc"[..], "abc"),
            (b"\xff\xfea\0b\0", "ab"),
            (b"\xfe\xff\0a\0b", "ab"),
            (b"\xff\xfe", ""),
            (b"a\xffb", "a\u{fffd}b"),
        ] {
            assert_eq!(decoded(bytes.to_vec()), text);
        }
    }
}
