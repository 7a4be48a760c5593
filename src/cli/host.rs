//! `check host`, `collect host` and `collect script`: hosts asked, and what they answered judged
//! beside what the rest of their site answered.
//!
//! Not for how anybody is asked (`asking`), nor for a whole site (`whole_site`).

use super::args::{CheckHost, CollectHost, CollectScript, ManyHosts, Trusting};
use super::asking::{self, Asking, Beside, Heard, When};
use super::check::{self as checking, Reporting};
use super::login::Login;
use super::site::{self, Around};
use super::{Exit, outputs, targets};
use crate::assets::Assets;
use crate::check::{self, CheckSet, Target, engine};
use crate::facts::host;
use crate::facts::script::Nonce;
use crate::report::Report;
use crate::site::target;
use crate::site::whole::{self, Scope};

/// Asks every target, and judges what it answered.
pub fn check(args: &CheckHost, assets: &Assets) -> anyhow::Result<Exit> {
    let reporting = Reporting::of(&args.report)?;
    let checks = checking::set(assets, args.own_checks.as_deref())?;
    let around = site::choose(&args.site, &args.targets, &checks)?;
    let hosts = targets::chosen(&args.targets, &args.many, &around.site)?;
    let hosts = targets::with_process_servers(hosts, &around.site);
    reporting.check_outputs(&[], &outputs::of_site(&around.site))?;
    let login = Login::of(&args.credentials, &args.asking)?;
    checks.read_ahead(&hosts.iter().map(|host| host.kind).collect());
    let beside = Beside { vcenter: true, shells: true, scope: Scope::Asked };
    let (trusting, jobs) = (&args.trusting, args.many.jobs);
    let (when, fix) = (When::of(args.newest_capture), Some(&args.fix));
    let (around, checks, login) = (&around, &checks, &login);
    let now = reporting.given_now;
    let asking = Asking { around, checks, login, trusting, jobs, beside, when, fix, now };
    let heard = asking::ask(hosts, &asking)?;
    let targets = of_site(&heard, checks, around, Scope::Asked)?;
    reporting.show(&judge(&heard, &targets, checks, around, &reporting))
}

/// Asks one target and saves what it answered.
pub fn collect(args: &CollectHost, assets: &Assets) -> anyhow::Result<Exit> {
    checking::can_be_written(args.out.as_deref())?;
    let checks = checking::set(assets, args.own_checks.as_deref())?;
    let names = [args.target.clone()];
    let around = site::choose(&args.site, &names, &checks)?;
    let hosts = vec![targets::named(&args.target, &around.site)?];
    let login = Login::of(&args.credentials, &args.asking)?;
    let beside = Beside { vcenter: false, shells: false, scope: Scope::Asked };
    let when = When::of(args.newest_capture);
    let trusting = &Trusting::default();
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
    checking::save(&asking::ask(hosts, &asking)?.hosts, args.out.as_deref())
}

/// Prints the script that would be sent.
pub fn script(args: &CollectScript, assets: &Assets) -> anyhow::Result<Exit> {
    let checks = checking::set(assets, args.own_checks.as_deref())?;
    let around = site::choose(&args.site, &["script".to_owned()], &checks)?.site;
    let around = around.surroundings(around.master_targets.first());
    let probes = [host::probes(), checks.probes()].concat();
    let text = crate::facts::script::script(&probes, &around, &Nonce::of_the_shell());
    anstream::print!("{text}");
    Ok(Exit::Clean)
}

/// Every target of the site that those who were asked know of.
pub fn of_site(
    heard: &Heard,
    checks: &CheckSet,
    around: &Around,
    scope: Scope,
) -> anyhow::Result<Vec<Target>> {
    let site = around.told.then_some(&around.site);
    let hosts = heard.hosts.iter().map(|it| target::of_host(it, checks, site));
    let hosts = hosts.collect::<Result<Vec<Target>, _>>()?;
    // Where nobody of vSphere is asked, hosts stand for themselves.
    let alone = heard.others.vcenter.is_none() && heard.others.shells.is_empty();
    Ok(match alone && scope == Scope::Asked {
        true => hosts,
        false => whole::targets(&around.site, hosts, &heard.others, scope),
    })
}

/// The report of what was answered.
pub fn judge(
    heard: &Heard,
    targets: &[Target],
    checks: &CheckSet,
    around: &Around,
    reporting: &Reporting,
) -> Report {
    let (now, fail_on) = (reporting.now(), reporting.fail_on);
    // A report of facts is of the moment they were asked for, so that judging a capture leads to
    // the report that asking the host led to. What a waiver is worth is a matter of today.
    let at = heard.all().filter_map(|it| it.asked_at).max().unwrap_or(now);
    let waivers = &around.site.waivers;
    let findings = check::judge(checks, targets, waivers, now);
    let notes = engine::notes(waivers, &findings, now);
    let not_asked = check::scope::Scope::of(checks, targets).not_asked;
    let report = Report::new(targets, findings, &not_asked, &notes, at, fail_on);
    match heard.was_interrupted() {
        true => report.interrupted(),
        false => report,
    }
}

/// Every master target and process server of a site that can be asked, and no others.
pub fn of_whole_site(site: &crate::site::Site) -> anyhow::Result<Vec<targets::Host>> {
    let many = ManyHosts { inventory: None, groups: Vec::new(), jobs: None };
    let hosts = match site.master_targets.is_empty() {
        true => Vec::new(),
        false => targets::chosen(&[], &many, site)?,
    };
    Ok(targets::with_process_servers(hosts, site))
}
