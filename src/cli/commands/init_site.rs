//! `init site`: a commented site file to start from, or one made of what Azure and vCenter know.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::atomic_file::{AtomicFile, Visibility};
use crate::cli::args::{InitSiteArgs, TlsArgs};
use crate::cli::collect::{CollectOptions, collect};
use crate::cli::login::SshDefaults;
use crate::cli::password::PasswordStore;
use crate::cli::reporting::check_writable;
use crate::cli::sources::{NamedServer, capture_path};
use crate::cli::terminal::screen;
use crate::cli::{ExitStatus, azure, captures, vault};
use crate::facts::azure::vault::Vault;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::inventory::Inventory;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::regular_file;
use crate::site::draft::{DraftRequest, draft};
use crate::site::draft_diff::draft_diff;
use crate::site::{AzureVault, VaultSite};

/// The most bytes of a site file that is compared.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Prints or writes a site file.
pub fn init_site(args: &InitSiteArgs) -> anyhow::Result<ExitStatus> {
    let Some(target) = &args.vault else {
        let text = crate::site::init_site(args.scenario.into());
        match &args.out {
            None => write!(screen::stdout(), "{text}")?,
            Some(path) => write(path, text, args.overwrite)?,
        }
        return Ok(ExitStatus::Clean);
    };
    let kept = args.out.as_deref().filter(|_| !args.overwrite);
    let existing = kept.filter(|path| path.symlink_metadata().is_ok());
    let existing = existing.map(read_site_file).transpose()?;
    if existing.is_none() {
        check_writable(args.out.as_deref())?;
    }
    let source = azure::named(target, &args.azure)?;
    let vcenter = args.vcenter.as_deref().map(|url| collect_vcenter(url, args)).transpose()?;
    let collected = source.collect()?;
    let status = vault::exit_status(&collected.answers, collected.was_interrupted);
    if !matches!(status, ExitStatus::Clean) {
        vault::print_failure(&collected.answers);
        return Ok(status);
    }
    let vault = Vault::from_answers(&collected.answers);
    let mut sites = VaultSite::of_vault(&vault).into_iter();
    let site = sites.next().unwrap_or_default();
    let inventory = vcenter.as_ref().map(Inventory::from_transcript);
    let site = match &inventory {
        Some(inventory) => site.matched_with(&vault, inventory),
        None => site,
    };
    let text = draft(&DraftRequest {
        vault: &vault,
        site: &site,
        azure: &vault_in_file(target, args)?,
        vcenter: args.vcenter.as_deref(),
        thumbprint: args.thumbprint.as_deref(),
        elsewhere: sites.map(|other| other.site.protected_vms.len()).sum(),
    });
    match (&args.out, existing) {
        (None, _) => screen::stdout().write_all(text.as_bytes())?,
        (Some(path), None) => write(path, &text, args.overwrite)?,
        (Some(path), Some(old)) => return show_difference(path, &old, &text),
    }
    Ok(ExitStatus::Clean)
}

/// Returns how the file names the vault: a file or directory as a capture, any other with what it was reached by.
fn vault_in_file(target: &str, args: &InitSiteArgs) -> anyhow::Result<AzureVault> {
    // Paths in a site file are relative to that file, and those of options to the current directory.
    let capture = target.strip_prefix("capture:");
    if let Some(path) = capture.or_else(|| Path::new(target).exists().then_some(target)) {
        let is_beside = args.out.as_deref().and_then(Path::parent).is_none_or(|at| at == "");
        let path = if is_beside { path.into() } else { std::path::absolute(path)? };
        return Ok(AzureVault::new(&format!("capture:{}", path.display())));
    }
    let token_file = args.azure.azure_token_file.as_ref().map(std::path::absolute).transpose()?;
    Ok(AzureVault { token_file, ..azure::vault_of(target, &args.azure) })
}

fn read_site_file(path: &Path) -> anyhow::Result<String> {
    let unread = || format!("cannot read {}", path.display());
    let bytes = regular_file::read(path, MAX_BYTES).with_context(unread)?;
    String::from_utf8(bytes).with_context(unread)
}

fn write(path: &Path, text: &str, overwrite: bool) -> anyhow::Result<()> {
    let out = AtomicFile::open(path, overwrite, Visibility::ByUmask, &[])?;
    let unwritten = || format!("cannot write {}", path.display());
    out.file().write_all(text.as_bytes()).with_context(unwritten)?;
    out.commit()?;
    Ok(())
}

/// Shows what differs between a file and what it would be, and changes nothing.
fn show_difference(path: &Path, old: &str, new: &str) -> anyhow::Result<ExitStatus> {
    let shown = screen::printable(&path.display().to_string());
    let lines = draft_diff(old, new).with_context(|| format!("cannot compare {shown}"))?;
    if lines.is_empty() {
        writeln!(screen::stdout(), "{shown} is what Azure knows.")?;
        return Ok(ExitStatus::Clean);
    }
    writeln!(screen::stdout(), "--- {shown}, which is not changed")?;
    writeln!(screen::stdout(), "+++ what Azure knows now")?;
    for line in lines {
        writeln!(screen::stdout(), "{}", screen::printable(&line))?;
    }
    Ok(ExitStatus::Findings)
}

/// Collects the lists of a vCenter server.
fn collect_vcenter(url: &str, args: &InitSiteArgs) -> anyhow::Result<Transcript> {
    if let Some(path) = capture_path(url) {
        return captures::read_single_capture(path, TargetKind::Vcenter);
    }
    let tls = TlsArgs {
        thumbprint: args.thumbprint.clone(),
        ca_file: args.azure.ca_file.clone(),
        ..TlsArgs::default()
    };
    let timeout = args.azure.timeout;
    let passwords = PasswordStore::from_options(args.password_file.as_deref(), None)?;
    let server = NamedServer {
        target: url,
        kind: TargetKind::Vcenter,
        user: None,
        passwords: Arc::new(passwords),
        tls: &tls,
        through: None,
        timeout: Duration::from_secs(timeout),
    };
    let source = server.source(QueryScope { identities: true, ..QueryScope::default() })?;
    let options = CollectOptions::new(SshDefaults::without_login()?, &tls);
    let mut responses = collect(vec![source], &options)?;
    responses.systems.pop().context("vCenter gave no answer")
}
