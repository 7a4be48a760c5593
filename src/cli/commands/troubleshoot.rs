//! `troubleshoot`: finds the causes of a symptom and, with a target, checks which of them applies.
//!
//! Not for matching symptoms (`knowledge`) nor for collecting from hosts (`collect`).

use std::collections::BTreeSet;
use std::io::Write;

use crate::assets::Assets;
use crate::check::{CheckSet, engine, scope};
use crate::cli::args::{TextOrJson, TroubleshootArgs};
use crate::cli::checks::load_checks;
use crate::cli::collect::{CollectOptions, collect, was_interrupted};
use crate::cli::login::SshDefaults;
use crate::cli::selection::Selection;
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, pasted_text, site};
use crate::facts::azure::vault::Vault;
use crate::knowledge::Knowledge;
use crate::knowledge::candidate::Matches;
use crate::report::troubleshooting::{self, Troubleshooting, VaultTrouble};
use crate::report::{Style, troubleshooting_text};
use crate::site::assemble::Responses;

/// Prints the symptoms that match a text, and checks the targets for their causes.
pub fn troubleshoot(args: &TroubleshootArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let text = pasted_text::read(&args.words)?;
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
            let style = screen::style(&std::io::stdout());
            troubleshooting_text::render(&result, &Style { width: Style::default().width, ..style })
        }
    };
    screen::stdout().write_all(shown.as_bytes())?;
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
    let suspected = matches.suspected_checks();
    let needed = checks.providers_for(&suspected);
    let mut selection = Selection::suspected(&args.site, &args.targets, &needed, checks)?;
    let ssh = SshDefaults::from_args(&args.credentials, &args.host_timeout)?;
    let options = CollectOptions { now: args.now, ..CollectOptions::new(ssh, &args.tls) };
    let responses = collect(selection.sources(checks, &options)?, &options)?;
    let targets = selection.assemble(&responses, checks)?;
    let now = args.now.unwrap_or_else(jiff::Timestamp::now);
    let all = scope::Scope::new(checks, &targets);
    // Whether a fix has to wait for others depends on findings that are not suspected, too.
    let waivers = &selection.site.waivers;
    let mut findings = engine::evaluate_scope(checks, &targets, &all, waivers, now);
    let wanted: BTreeSet<(&str, &str)> =
        all.restricted_to(checks, &suspected).names(checks, &targets);
    findings.retain(|finding| wanted.contains(&(finding.target.as_str(), finding.check.as_str())));
    let result = Troubleshooting::from_findings(matches, checks, &targets, &findings);
    let vault = vault_troubles(&selection, &responses, knowledge);
    Ok((Troubleshooting { vault, ..result }, was_interrupted(&responses)))
}

/// Returns what the vault says went wrong with the machines of the site, or with all of its machines when the site names none; each with
/// the checks and symptoms that know its code.
fn vault_troubles(
    selection: &Selection,
    responses: &Responses,
    knowledge: &Knowledge,
) -> Vec<VaultTrouble> {
    let Some(answers) = &responses.azure else { return Vec::new() };
    let machines = &selection.site.protected_vms;
    let is_named =
        |name: &str| machines.iter().any(|vm| vm.name.as_str().eq_ignore_ascii_case(name));
    let vault = Vault::from_answers(answers);
    let troubles = vault.troubles(|name| machines.is_empty() || is_named(name)).into_iter();
    let row = |trouble| VaultTrouble::new(trouble, |code| knowledge.with_code(code));
    troubles.map(row).collect()
}
