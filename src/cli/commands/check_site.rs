//! `check site` and `collect site`: everybody of a site asked at once, and every check judged on
//! everything; or their answers saved, to be judged elsewhere.
//!
//! Not for how anybody is asked (`asking`), nor for what is joined with what (`site::whole`).

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::assets::Assets;
use crate::atomic_file::InputFile;
use crate::check::{CheckSet, TargetKind};
use crate::cli::args::{CheckSiteArgs, CollectSiteArgs, FixArgs, SiteFileArgs};
use crate::cli::collect::{self, Asking, Beside, Heard, When};
use crate::cli::commands::check_host;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::{self as checking, Reporter};
use crate::cli::site::{self, Around};
use crate::cli::{ExitStatus, captures, outputs};
use crate::site::Way;
use crate::site::assemble::Coverage;
use crate::transport::fleet;

/// Asks a whole site, and judges what it answered.
pub fn check(args: &CheckSiteArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = checking::load_checks(assets, args.asking.own_checks.as_deref())?;
    let captures = args.captures.as_deref();
    let around = site::of_file_with(&args.asking.site, &checks, |site| match captures {
        Some(directory) => captured_ways(site, directory),
        None => Ok(()),
    })?;
    reporter.check_outputs(&[], &outputs::site_inputs(&around.site))?;
    let now = reporter.given_now;
    let heard = ask(&args.asking, &around, &checks, Some(&args.fix), now)?;
    let targets = check_host::of_site(&heard, &checks, &around, Coverage::Everything)?;
    reporter.write(&check_host::judge(&heard, &targets, &checks, &around, &reporter))
}

/// Asks a whole site, and saves what each of its systems answered.
pub fn collect(
    args: &CollectSiteArgs,
    assets: &Assets,
    named: &[InputFile],
) -> anyhow::Result<ExitStatus> {
    let checks = checking::load_checks(assets, args.asking.own_checks.as_deref())?;
    let around = site::of_file(&args.asking.site, &checks)?;
    let directory = &args.out;
    let inputs = [named.to_vec(), outputs::site_inputs(&around.site)].concat();
    spare_inputs(directory, &inputs)?;
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make {}", directory.display()))?;
    let heard = ask(&args.asking, &around, &checks, None, None)?;
    let mut silent = false;
    for transcript in heard.all() {
        let path = file_of(directory, &transcript.kind, &transcript.target);
        silent |= transcript.connection.failure.is_some();
        checking::save_captures(std::slice::from_ref(transcript), Some(&path))?;
        anstream::println!(
            "{}",
            crate::cli::terminal::screen::printable(&path.display().to_string())
        );
    }
    Ok(match heard.all().any(fleet::was_interrupted) {
        true => ExitStatus::Interrupted,
        false if silent => ExitStatus::Undecided,
        false => ExitStatus::Clean,
    })
}

fn ask(
    args: &SiteFileArgs,
    around: &Around,
    checks: &CheckSet,
    fix: Option<&FixArgs>,
    now: Option<jiff::Timestamp>,
) -> anyhow::Result<Heard> {
    let hosts = check_host::of_whole_site(&around.site)?;
    let login = SshDefaults::from_args(&args.credentials, &args.asking)?;
    let beside = Beside { vcenter: true, shells: true, coverage: Coverage::Everything };
    let (trusting, jobs) = (&args.trusting, args.jobs);
    let when = When::Now;
    let login = &login;
    collect::ask(hosts, &Asking { around, checks, login, trusting, jobs, beside, when, fix, now })
}

/// Where the answers of a system are saved; of a site there is one vSphere server.
fn file_of(directory: &Path, kind: &str, name: &str) -> PathBuf {
    match kind == TargetKind::Vcenter.as_str() {
        true => directory.join("vcenter.json"),
        false => directory.join(format!("{kind}.{name}.json")),
    }
}

/// Refuses a directory in which a file that is read has the name of one that will be written.
fn spare_inputs(directory: &Path, inputs: &[InputFile]) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(directory).into_iter().flatten() {
        let path = entry.with_context(|| format!("cannot read {}", directory.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kinds = [TargetKind::LinuxMt, TargetKind::ProcessServer, TargetKind::Esxi];
        let ours = name == "vcenter.json"
            || kinds.iter().any(|kind| name.starts_with(&format!("{}.", kind.as_str())));
        if ours {
            outputs::check_outputs(&[("--out", &path)], inputs)?;
        }
    }
    Ok(())
}

/// The site with what was collected of each of its systems in the place of the way to it.
fn captured_ways(site: &mut crate::site::Site, directory: &Path) -> anyhow::Result<()> {
    // Paths of a site are taken from where its file is, and this one from here.
    let directory = std::path::absolute(directory)?;
    let way = |kind: TargetKind, name: &str| -> anyhow::Result<String> {
        let path = file_of(&directory, kind.as_str(), name);
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        anyhow::ensure!(
            path.is_file(),
            "{} has no {file}, which preflight collect site makes",
            directory.display()
        );
        // A name that the capture itself has is the site's, or it is another machine's.
        let captured = captures::one(path.clone(), kind)?.target;
        anyhow::ensure!(
            kind == TargetKind::Vcenter || captured == name || captured.contains(':'),
            "{} is a capture of {captured}, not of {name}",
            path.display()
        );
        Ok(format!("capture:{}", path.display()))
    };
    if let Some(vcenter) = &mut site.vcenter {
        vcenter.url = way(TargetKind::Vcenter, "")?;
    }
    for target in &mut site.master_targets {
        target.ssh = Way::as_given(&way(TargetKind::LinuxMt, target.name.as_str())?);
    }
    for server in site.process_servers.iter_mut().filter(|it| it.ssh.is_some()) {
        server.ssh = Some(Way::as_given(&way(TargetKind::ProcessServer, server.name.as_str())?));
    }
    for host in site.esxi.iter_mut().filter(|it| it.ssh.is_some()) {
        host.ssh = Some(Way::as_given(&way(TargetKind::Esxi, host.name.as_str())?));
    }
    Ok(())
}
