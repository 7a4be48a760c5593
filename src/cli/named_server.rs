//! Selects the vSphere server or ESXi hosts of `check` and `collect` `vcenter` and `esxi`: one that
//! is named on the command line, those of a site file, or a capture.
//!
//! Not for how they are reached (`sources`).

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::args::{
    CheckEsxiArgs, CollectEsxiArgs, MachineArgs, SshArgs, ViaArgs, ViaLoginArgs, VsphereArgs,
};
use super::collect::CollectOptions;
use super::password::PasswordStore;
use super::selection::Selection;
use super::sources::{NamedServer, capture_path, esxi_shell, server_captures};
use super::via;
use crate::check::CheckSet;
use crate::facts::target_kind::TargetKind;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::transport::ssh::SshHost;

const NO_TARGET: &str = "no target: name one, or give --site";

/// Selects the vSphere server to check.
pub fn checked_vcenter(
    target: Option<&str>,
    args: &VsphereArgs,
    through: &ViaLoginArgs,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Selection> {
    let Some(path) = target.and_then(capture_path) else {
        return vcenter(target, args, through, checks, options);
    };
    let fixes = options.fix.is_some_and(|fix| fix.fix);
    anyhow::ensure!(!fixes, "--fix: a capture cannot be changed");
    let kinds = [TargetKind::Vcenter, TargetKind::Esxi];
    Ok(Selection::server(server_captures(&path, "check vcenter", &kinds)?, question(args)))
}

/// Selects the vSphere server to collect from.
pub fn vcenter(
    target: Option<&str>,
    args: &VsphereArgs,
    through: &ViaLoginArgs,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Selection> {
    if let Some(file) = &args.site {
        return Selection::vcenter_of_site(file, target, checks);
    }
    let passwords = PasswordStore::from_options(args.password_file.as_deref(), args.password_fd)?;
    let server = NamedServer {
        target: target.context(NO_TARGET)?,
        kind: TargetKind::Vcenter,
        user: args.user.as_deref(),
        passwords: Arc::new(passwords),
        tls: options.tls,
        through: via::of_options(&through.host, &through.client, args.timeout)?,
        timeout: Duration::from_secs(args.timeout),
    };
    Ok(Selection::server(server.source(question(args))?, question(args)))
}

/// Returns the query of the options.
fn question(args: &VsphereArgs) -> QueryScope {
    QueryScope {
        discovery_account: args.discovery_account.clone(),
        master_target: args.vm.clone(),
        host: args.host.clone(),
        reprotected_at: args.reprotected_at,
        protected: args.protected.clone(),
        ..QueryScope::default()
    }
}

/// Selects the ESXi hosts to check.
pub fn checked_esxi(
    args: &CheckEsxiArgs,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Selection> {
    let target = args.target.as_deref();
    if let Some(file) = &args.machines.site {
        return Selection::esxi_of_site(file, target, checks);
    }
    let target = target.context(NO_TARGET)?;
    let question = QueryScope { host: args.host.clone(), ..machines(&args.machines) };
    let through = || gateway(&args.via, &args.credentials, options);
    let source = if let Some(path) = capture_path(target) {
        server_captures(&path, "check esxi", &[TargetKind::Esxi])?
    } else if target.starts_with("vsphere://") {
        let server = NamedServer {
            target,
            kind: TargetKind::Esxi,
            user: args.credentials.user.as_deref(),
            passwords: options.ssh.secrets(),
            tls: options.tls,
            through: through()?,
            timeout: options.ssh.timeout(),
        };
        server.source(question.clone())?
    } else {
        esxi_shell(target, &options.ssh, through()?, &question)?
    };
    Ok(Selection::server(source, question))
}

/// Selects the ESXi hosts to collect from over their shells.
pub fn collected_esxi(
    args: &CollectEsxiArgs,
    checks: &CheckSet,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Selection> {
    let target = args.target.as_deref();
    if let Some(file) = &args.machines.site {
        return Selection::esxi_of_site(file, target, checks);
    }
    let question = machines(&args.machines);
    let through = gateway(&args.via, &args.credentials, options)?;
    let source = esxi_shell(target.context(NO_TARGET)?, &options.ssh, through, &question)?;
    Ok(Selection::server(source, question))
}

fn machines(args: &MachineArgs) -> QueryScope {
    QueryScope {
        master_target: args.vm.clone(),
        protected: args.protected.clone(),
        ..QueryScope::default()
    }
}

/// Returns the gateway to an ESXi host; none without `--via`.
fn gateway(
    via: &ViaArgs,
    ssh: &SshArgs,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Option<SshHost>> {
    via::of_options(via, &ssh.client, options.ssh.timeout().as_secs())
}
