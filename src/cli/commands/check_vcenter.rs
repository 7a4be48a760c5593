//! `check vcenter`, `check esxi` and `collect vcenter`: a vSphere server asked, and what it
//! answered judged.
//!
//! Not for the host's shell, nor for a master target's: that is `host`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use crate::assets::Assets;
use crate::check::{self, CheckSet, Target, TargetKind};
use crate::cli::args::{CheckVcenterArgs, CollectVcenterArgs, ViaLoginArgs, VsphereArgs};
use crate::cli::commands::trust;
use crate::cli::password::PasswordStore;
use crate::cli::reporting::{self as checking, Reporter};
use crate::cli::terminal::{failure, progress};
use crate::cli::via::{self, AnyRoute};
use crate::cli::{ExitStatus, fix, interrupt};
use crate::facts::age;
use crate::facts::probe::Probe;
use crate::facts::transcript::{Failure, Transcript};
use crate::facts::vsphere::query_scope::QueryScope;
use crate::report::Report;
use crate::secret::{Secret, redact_password};
use crate::site::target;
use crate::transport::capture;
use crate::transport::fleet::{self, Collector};
use crate::transport::ssh::{PromptError, SecretOwner, SecretProvider};
use crate::transport::vsphere::VsphereQuery;
use crate::transport::vsphere::address::VsphereAddress;
use crate::transport::vsphere::session::Credentials;

/// Asks a vCenter server, or opens what one answered, and judges it.
pub fn check(args: &CheckVcenterArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let transcripts = match args.target.strip_prefix("capture:") {
        Some(_) if args.fix.fix => bail!("--fix: what was captured cannot be changed"),
        Some(path) => capture::read(Path::new(path))?,
        None => vec![ask_and_mend(args)?],
    };
    let transcripts = at(transcripts, reporter.now(), &[]);
    for transcript in &transcripts {
        let (target, kind) = (&transcript.target, &transcript.kind);
        let fits =
            [TargetKind::Vcenter.as_str(), TargetKind::Esxi.as_str()].contains(&kind.as_str());
        anyhow::ensure!(
            fits,
            "{target}: a capture of kind {kind:?}, and check vcenter judges vcenter"
        );
    }
    let question = question(&args.asking);
    let targets: Vec<Target> =
        transcripts.iter().flat_map(|it| target::of_server_about(it, &question)).collect();
    reporter.write(&judge(&checks, &transcripts, &targets, &reporter))
}

/// Asks a server; where something is to be mended, that comes first, so that the report is of what
/// is there after it.
fn ask_and_mend(args: &CheckVcenterArgs) -> anyhow::Result<Transcript> {
    let route = way(&args.through, &args.asking)?;
    let inquiry = match inquiry(&args.target, TargetKind::Vcenter, &args.asking, route)? {
        Ok(inquiry) => inquiry,
        Err(silent) => {
            failure::print_failures([&silent]);
            return Ok(silent);
        }
    };
    if args.fix.fix {
        let name = inquiry.question.master_target.as_deref();
        let name = name.context("--fix: which machine? Give the master target's name with --vm")?;
        let stop = interrupt::stop_flag()?;
        fix::enable_uuid(&inquiry.enable_uuid_request(name, &stop), &args.fix)?;
    }
    answer(TargetKind::Vcenter, inquiry)
}

/// The transcripts as they count at a time.
pub fn at(transcripts: Vec<Transcript>, now: jiff::Timestamp, probes: &[Probe]) -> Vec<Transcript> {
    transcripts.into_iter().map(|transcript| age::apply_age(transcript, now, probes)).collect()
}

/// The report of what was answered.
pub fn judge(
    checks: &CheckSet,
    transcripts: &[Transcript],
    targets: &[Target],
    reporter: &Reporter,
) -> Report {
    let (now, fail_on) = (reporter.now(), reporter.fail_on);
    // A report of facts is of the moment they were asked for.
    let at = transcripts.iter().filter_map(|it| it.asked_at).max().unwrap_or(now);
    let findings = check::evaluate(checks, targets, &[], now);
    let not_asked = check::scope::Scope::new(checks, targets).skipped;
    let report = Report::new(targets, findings, &not_asked, &[], at, fail_on);
    match transcripts.iter().any(fleet::was_interrupted) {
        true => report.interrupted(),
        false => report,
    }
}

/// Asks a server and saves what it answered.
pub fn collect(args: &CollectVcenterArgs) -> anyhow::Result<ExitStatus> {
    checking::check_writable(args.out.as_deref())?;
    let route = way(&args.through, &args.asking)?;
    let transcript = ask(&args.target, TargetKind::Vcenter, &args.asking, route)?;
    checking::save_captures(&[transcript], args.out.as_deref())
}

fn way(through: &ViaLoginArgs, asking: &VsphereArgs) -> anyhow::Result<AnyRoute> {
    let host = via::of_options(&through.host, &through.credentials(), asking.timeout)?;
    Ok(via::route(host))
}

/// Asks a server over the API.
pub fn ask(
    target: &str,
    kind: TargetKind,
    asking: &VsphereArgs,
    route: AnyRoute,
) -> anyhow::Result<Transcript> {
    match inquiry(target, kind, asking, route)? {
        Ok(inquiry) => answer(kind, inquiry),
        Err(silent) => {
            failure::print_failures([&silent]);
            Ok(silent)
        }
    }
}

/// Who is asked what, as whom. A password that has to be typed is asked for here.
fn inquiry(
    target: &str,
    kind: TargetKind,
    asking: &VsphereArgs,
    route: AnyRoute,
) -> anyhow::Result<Result<VsphereQuery, Transcript>> {
    let to: VsphereAddress =
        target.parse().with_context(|| format!("target {:?}", redact_password(target)))?;
    let trust = trust::settings(&asking.trusting, &to)?;
    let user = asking.user.clone().or_else(|| to.user.clone());
    let user = user.with_context(|| {
        format!(
            "target {:?}: who logs in? Write vsphere://USER@{}, or --user",
            redact_password(target),
            to.host
        )
    })?;
    let mut question = question(asking);
    question.master_target = question.master_target.or_else(|| to.vm.clone());
    let timeout = Duration::from_secs(asking.timeout);
    let password = match password(asking, &user, &to, timeout)? {
        Ok(password) => password,
        Err(nobody) => return Ok(Err(without_password(&to, kind, &user, &nobody))),
    };
    let credentials = Credentials { password, user };
    Ok(Ok(VsphereQuery { connector: route, address: to, trust, credentials, question, timeout }))
}

/// What the options ask about.
fn question(asking: &VsphereArgs) -> QueryScope {
    QueryScope {
        discovery_account: asking.discovery_account.clone(),
        master_target: asking.vm.clone(),
        host: asking.host.clone(),
        reprotected_at: asking.reprotected_at,
        protected: asking.protected.clone(),
        ..QueryScope::default()
    }
}

fn answer(kind: TargetKind, inquiry: VsphereQuery) -> anyhow::Result<Transcript> {
    let name = inquiry.address.host.clone();
    let by = Collector::Vsphere(Box::new(inquiry));
    let asked = fleet::Job { target: name, kind: kind.as_str().to_owned(), collector: by };
    let stop = interrupt::stop_flag()?;
    let mut bars = progress::HostProgress::start(1);
    let mut answered = fleet::run_jobs(vec![asked], 1, &stop, |event| bars.update(event));
    drop(bars);
    let transcript = answered.pop().expect("there is a transcript for every question");
    failure::print_failures([&transcript]);
    Ok(transcript)
}

/// The password, from wherever passwords come; or that nobody typed one in time.
fn password(
    asking: &VsphereArgs,
    user: &str,
    to: &VsphereAddress,
    limit: Duration,
) -> anyhow::Result<Result<Secret, PromptError>> {
    let keyring = PasswordStore::from_options(asking.password_file.as_deref(), asking.password_fd)?;
    let account = format!("{user} on {}", to.host);
    let whose = SecretOwner { account: &account, host: &to.host, is_jump: false };
    match keyring.password(&whose, limit) {
        Err(nobody @ PromptError::TimedOut(_)) => Ok(Err(nobody)),
        password => password?.map(Ok).with_context(|| {
            format!("no password of {user}: give it with --password-file or PREFLIGHT_PASSWORD")
        }),
    }
}

/// The transcript of a server whose password nobody typed in time.
pub fn without_password(
    to: &VsphereAddress,
    kind: TargetKind,
    user: &str,
    nobody: &PromptError,
) -> Transcript {
    let failure = Failure {
        kind: "timeout".to_owned(),
        reason: format!("the password of {user} was asked for, and {nobody}"),
        hint: Some("type it in time, raise --timeout, or name a file with it".to_owned()),
    };
    Transcript::from_failure(&to.host, kind.as_str(), VsphereQuery::TRANSPORT, failure)
}
