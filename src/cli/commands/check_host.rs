//! `check host`, `collect host` and `collect script`: hosts asked, and what they answered judged
//! beside what the rest of their site answered.
//!
//! Not for how anybody is asked (`asking`), nor for a whole site (`whole_site`).

use crate::assets::Assets;
use crate::check::{self, CheckSet, Target, engine};
use crate::cli::args::{CheckHostArgs, CollectHostArgs, CollectScriptArgs, InventoryArgs, TlsArgs};
use crate::cli::collect::{self, Asking, Beside, Heard, When};
use crate::cli::login::SshDefaults;
use crate::cli::reporting::{self as checking, Reporter};
use crate::cli::site::{self, Around};
use crate::cli::{ExitStatus, hosts, outputs};
use crate::facts::host;
use crate::facts::script::Nonce;
use crate::report::Report;
use crate::site::assemble::{self, Coverage};
use crate::site::target;

/// Asks every target, and judges what it answered.
pub fn check(args: &CheckHostArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = checking::load_checks(assets, args.own_checks.as_deref())?;
    let around = site::choose(&args.site, &args.targets, &checks)?;
    let hosts = hosts::chosen(&args.targets, &args.many, &around.site)?;
    let hosts = hosts::with_process_servers(hosts, &around.site);
    reporter.check_outputs(&[], &outputs::site_inputs(&around.site))?;
    let login = SshDefaults::from_args(&args.credentials, &args.asking)?;
    checks.compile_in_background(&hosts.iter().map(|host| host.kind).collect());
    let beside = Beside { vcenter: true, shells: true, coverage: Coverage::Collected };
    let (trusting, jobs) = (&args.trusting, args.many.jobs);
    let (when, fix) = (When::of(args.newest_capture), Some(&args.fix));
    let (around, checks, login) = (&around, &checks, &login);
    let now = reporter.given_now;
    let asking = Asking { around, checks, login, trusting, jobs, beside, when, fix, now };
    let heard = collect::ask(hosts, &asking)?;
    let targets = of_site(&heard, checks, around, Coverage::Collected)?;
    reporter.write(&judge(&heard, &targets, checks, around, &reporter))
}

/// Asks one target and saves what it answered.
pub fn collect(args: &CollectHostArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    checking::check_writable(args.out.as_deref())?;
    let checks = checking::load_checks(assets, args.own_checks.as_deref())?;
    let names = [args.target.clone()];
    let around = site::choose(&args.site, &names, &checks)?;
    let hosts = vec![hosts::named(&args.target, &around.site)?];
    let login = SshDefaults::from_args(&args.credentials, &args.asking)?;
    let beside = Beside { vcenter: false, shells: false, coverage: Coverage::Collected };
    let when = When::of(args.newest_capture);
    let trusting = &TlsArgs::default();
    let asking = Asking {
        around: &around,
        checks: &checks,
        login: &login,
        trusting,
        jobs: None,
        beside,
        when,
        fix: None,
        now: None,
    };
    checking::save_captures(&collect::ask(hosts, &asking)?.hosts, args.out.as_deref())
}

/// Prints the script that would be sent.
pub fn script(args: &CollectScriptArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let checks = checking::load_checks(assets, args.own_checks.as_deref())?;
    let around = site::choose(&args.site, &["script".to_owned()], &checks)?.site;
    let around = around.surroundings(around.master_targets.first());
    let probes = [host::master_target_probes(), checks.probes()].concat();
    let text = crate::facts::script::assemble(&probes, &around, &Nonce::shell_default());
    anstream::print!("{text}");
    Ok(ExitStatus::Clean)
}

/// Every target of the site that those who were asked know of.
pub fn of_site(
    heard: &Heard,
    checks: &CheckSet,
    around: &Around,
    coverage: Coverage,
) -> anyhow::Result<Vec<Target>> {
    let site = around.told.then_some(&around.site);
    let hosts = heard.hosts.iter().map(|it| target::of_host(it, checks, site));
    let hosts = hosts.collect::<Result<Vec<Target>, _>>()?;
    // Where nobody of vSphere is asked, hosts stand for themselves.
    let alone = heard.others.vcenter.is_none() && heard.others.shells.is_empty();
    Ok(match alone && coverage == Coverage::Collected {
        true => hosts,
        false => assemble::assemble(&around.site, hosts, &heard.others, coverage),
    })
}

/// The report of what was answered.
pub fn judge(
    heard: &Heard,
    targets: &[Target],
    checks: &CheckSet,
    around: &Around,
    reporter: &Reporter,
) -> Report {
    let (now, fail_on) = (reporter.now(), reporter.fail_on);
    // A report of facts is of the moment they were asked for, so that judging a capture leads to
    // the report that asking the host led to. What a waiver is worth is a matter of today.
    let at = heard.all().filter_map(|it| it.asked_at).max().unwrap_or(now);
    let waivers = &around.site.waivers;
    let findings = check::evaluate(checks, targets, waivers, now);
    let notes = engine::waiver_notes(waivers, &findings, now);
    let not_asked = check::scope::Scope::new(checks, targets).skipped;
    let report = Report::new(targets, findings, &not_asked, &notes, at, fail_on);
    match heard.was_interrupted() {
        true => report.interrupted(),
        false => report,
    }
}

/// Every master target and process server of a site that can be asked, and no others.
pub fn of_whole_site(site: &crate::site::Site) -> anyhow::Result<Vec<hosts::Host>> {
    let many = InventoryArgs { inventory: None, groups: Vec::new(), jobs: None };
    let hosts = match site.master_targets.is_empty() {
        true => Vec::new(),
        false => hosts::chosen(&[], &many, site)?,
    };
    Ok(hosts::with_process_servers(hosts, site))
}
