//! `check site`: checks all systems of a site.

use std::path::{Path, PathBuf};

use crate::assets::Assets;
use crate::check::CheckSet;
use crate::cli::args::CheckSiteArgs;
use crate::cli::captures::read_single_capture;
use crate::cli::checks::load_checks;
use crate::cli::collect::CollectOptions;
use crate::cli::evaluate::check_systems;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::Reporter;
use crate::cli::selection::Selection;
use crate::cli::{ExitStatus, captures, site};
use crate::facts::target_kind::TargetKind;
use crate::site::{Site, TargetUri};

/// Checks a whole site.
pub fn check(args: &CheckSiteArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = load_checks(assets, args.site_file.own_checks.as_deref())?;
    let selection = select_site(&args.site_file.site, args.captures.as_deref(), &checks)?;
    let ssh = SshDefaults::from_args(&args.site_file.credentials, &args.site_file.host_timeout)?;
    let options = CollectOptions {
        jobs: args.site_file.jobs,
        fix: Some(&args.fix),
        now: reporter.given_now,
        ..CollectOptions::new(ssh, &args.site_file.tls)
    };
    check_systems(selection, &checks, &options, &args.select, &reporter)
}

/// Selects a whole site; where there is a directory of captures, from what was saved there.
pub fn select_site(
    path: &Path,
    captures: Option<&Path>,
    checks: &CheckSet,
) -> anyhow::Result<Selection> {
    Selection::everything(site::of_file_with(path, checks, |site| {
        captures.iter().try_for_each(|directory| use_captures(site, directory))
    })?)
}

/// Replaces the URI of each system by its capture in `directory`.
fn use_captures(site: &mut Site, directory: &Path) -> anyhow::Result<()> {
    // Paths in a site file are relative to that file, this one to the current directory.
    let directory = std::path::absolute(directory)?;
    let capture_uri = |kind: TargetKind, name: &str| -> anyhow::Result<String> {
        let path = captures::path_of(&directory, kind.as_str(), name);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        anyhow::ensure!(
            path.is_file(),
            "{} has no {file}, which preflight collect site makes",
            directory.display()
        );
        // A capture of another name is that of another machine, unless the name is a URI.
        let captured = read_single_capture(path.clone(), kind)?.target;
        anyhow::ensure!(
            kind == TargetKind::Vcenter || captured == name || captured.contains(':'),
            "{} is a capture of {captured}, not of {name}",
            path.display()
        );
        Ok(format!("capture:{}", path.display()))
    };
    if let Some(vcenter) = &mut site.vcenter {
        vcenter.url = capture_uri(TargetKind::Vcenter, "")?;
    }
    for target in &mut site.master_targets {
        let uri = capture_uri(target.kind(), target.name.as_str())?;
        match target.kind() {
            TargetKind::WindowsMt => {
                target.capture = uri.strip_prefix("capture:").map(PathBuf::from);
            }
            _ => target.ssh = Some(TargetUri::as_given(&uri)),
        }
    }
    for server in site.process_servers.iter_mut().filter(|system| system.ssh.is_some()) {
        server.ssh = Some(TargetUri::as_given(&capture_uri(
            TargetKind::ProcessServer,
            server.name.as_str(),
        )?));
    }
    for host in site.esxi.iter_mut().filter(|system| system.ssh.is_some()) {
        host.ssh = Some(TargetUri::as_given(&capture_uri(TargetKind::Esxi, host.name.as_str())?));
    }
    Ok(())
}
