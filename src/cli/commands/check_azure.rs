//! `check azure`: checks a vault alone, live or from what was collected of it.

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::args::{CheckAzureArgs, TlsArgs};
use crate::cli::collect::{Answers, CollectOptions, Role, Source};
use crate::cli::evaluate::check_systems;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::Reporter;
use crate::cli::selection::Selection;
use crate::cli::{ExitStatus, azure};
use crate::facts::vsphere::query_scope::QueryScope;

/// Checks a vault.
pub fn check(args: &CheckAzureArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let select = || {
        let vault = azure::named(&args.target, &args.azure)?
            .or_asked_at(reporter.given_now)
            .limited_to(&args.select.limit);
        let source = Source { role: Role::Azure, answers: Answers::Vault(vault) };
        Ok(Selection::server(source, QueryScope::default()))
    };
    let ssh = SshDefaults::without_login()?;
    let tls = TlsArgs::default();
    let options = CollectOptions { now: reporter.given_now, ..CollectOptions::new(ssh, &tls) };
    check_systems(select, &checks, &options, &args.select, &reporter)
}
