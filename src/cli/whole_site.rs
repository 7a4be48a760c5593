//! `check site`: everybody of a site asked at once, and every check judged on everything.
//!
//! Not for how anybody is asked (`asking`), nor for what is joined with what (`site::whole`).

use super::args::CheckSite;
use super::asking::{self, Asking, Beside};
use super::check::{self as checking, Reporting};
use super::login::Login;
use super::{Exit, host, site};
use crate::assets::Assets;
use crate::site::whole::Scope;

/// Asks a whole site, and judges what it answered.
pub fn check(args: &CheckSite, assets: &Assets) -> anyhow::Result<Exit> {
    let reporting = Reporting::of(&args.report)?;
    let checks = checking::set(assets, args.own_checks.as_deref())?;
    let around = site::of_file(&args.site, &checks)?;
    let hosts = host::of_whole_site(&around.site)?;
    let login = Login::of(&args.credentials, &args.asking)?;
    let beside = Beside { vcenter: true, shells: true, scope: Scope::Everything };
    let (trusting, jobs) = (&args.trusting, args.jobs);
    let asking = Asking { around: &around, checks: &checks, login: &login, trusting, jobs, beside };
    let heard = asking::ask(hosts, &asking)?;
    let targets = host::of_site(&heard, &checks, &around, Scope::Everything)?;
    reporting.show(&host::judge(&heard, &targets, &checks, &around, reporting.fail_on))
}
