//! Selects a whole site by its file: live, or by the captures that `collect site` saved.
//!
//! Not for collecting (`collect`), nor for parts of a site (`selection`).

use std::path::{Path, PathBuf};

use super::args::SiteAccessArgs;
use super::captures::{self, read_single_capture};
use super::collect::CollectOptions;
use super::login::SshDefaults;
use super::selection::Selection;
use super::{site, vault};
use crate::check::CheckSet;
use crate::facts::target_kind::TargetKind;
use crate::site::{AzureVault, Site};
use crate::uri::target::TargetAddress;

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

/// Returns how the systems of a site file are collected from.
pub fn collect_options(
    access: &SiteAccessArgs,
    now: Option<jiff::Timestamp>,
) -> anyhow::Result<CollectOptions<'_>> {
    let ssh = SshDefaults::from_args(&access.credentials, &access.host_timeout)?;
    Ok(CollectOptions { jobs: access.jobs, now, ..CollectOptions::new(ssh, &access.tls) })
}

/// Replaces the URI of each system by its capture in `directory`.
fn use_captures(site: &mut Site, directory: &Path) -> anyhow::Result<()> {
    // Paths in a site file are relative to that file, this one to the current directory.
    let directory = std::path::absolute(directory)?;
    let capture = |kind: TargetKind, name: &str| -> anyhow::Result<PathBuf> {
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
        Ok(path)
    };
    let address = |kind, name| capture(kind, name).map(TargetAddress::Captures);
    if let Some(vcenter) = &mut site.vcenter {
        vcenter.url = format!("capture:{}", capture(TargetKind::Vcenter, "")?.display());
    }
    if let Some(azure) = &mut site.azure {
        let path = directory.join(vault::CAPTURE);
        anyhow::ensure!(
            path.is_file(),
            "{} has no {}, which preflight collect site makes",
            directory.display(),
            vault::CAPTURE
        );
        *azure = AzureVault::new(&format!("capture:{}", path.display()));
    }
    for target in &mut site.master_targets {
        let path = capture(target.kind(), target.name.as_str())?;
        match target.kind() {
            TargetKind::WindowsMt => target.capture = Some(path),
            _ => target.ssh = Some(TargetAddress::Captures(path)),
        }
    }
    for server in site.process_servers.iter_mut().filter(|system| system.ssh.is_some()) {
        server.ssh = Some(address(TargetKind::ProcessServer, server.name.as_str())?);
    }
    for vm in site.protected_vms.iter_mut().filter(|vm| vm.ssh.is_some()) {
        // A machine that was away when the site was collected has none.
        let file =
            captures::path_of(&directory, TargetKind::ProtectedVm.as_str(), vm.name.as_str());
        let saved = file.is_file().then(|| address(TargetKind::ProtectedVm, vm.name.as_str()));
        vm.ssh = saved.transpose()?;
    }
    for host in site.esxi.iter_mut().filter(|system| system.ssh.is_some()) {
        host.ssh = Some(address(TargetKind::Esxi, host.name.as_str())?);
    }
    Ok(())
}
