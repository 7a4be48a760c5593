//! `check esxi`: an ESXi host asked by its shell or over the API, and what it answered judged; and
//! `collect esxi`.
//!
//! Not for asking the API: that is `vcenter`.

use anyhow::bail;

use crate::assets::Assets;
use crate::check::{CheckSet, Target, TargetKind};
use crate::cli::args::{CheckEsxiArgs, CollectEsxiArgs};
use crate::cli::commands::check_vcenter;
use crate::cli::login::SshDefaults;
use crate::cli::reporting::{self as checking, Reporter};
use crate::cli::terminal::{failure, progress};
use crate::cli::{ExitStatus, interrupt, via};
use crate::facts::probe::ProbeEnv;
use crate::facts::transcript::Transcript;
use crate::facts::vsphere::esxi_shell;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::site::{self, target};
use crate::transport::local::LocalHost;
use crate::transport::ssh::SshHost;
use crate::transport::target::TargetAddress as Way;
use crate::transport::{Transport, capture, fleet};

/// The command that asks an ESXi host's shell.
pub const VERB: &str = "check esxi";

/// What a transcript of the API says it was asked by.
const BY_API: &str = "vsphere";

/// Asks a host, or opens what one answered, and judges it.
pub fn check(args: &CheckEsxiArgs, assets: &Assets) -> anyhow::Result<ExitStatus> {
    let reporter = Reporter::from_args(&args.report)?;
    let checks = CheckSet::load(assets)?;
    let question = QueryScope {
        master_target: args.machines.vm.clone(),
        protected: args.machines.protected.clone(),
        host: args.host.clone(),
        ..QueryScope::default()
    };
    let through =
        via::of_options(&args.via, &args.via.credentials(&args.credentials), args.asking.timeout)?;
    let transcripts = if args.target.starts_with("vsphere://") {
        let route = via::route(through);
        vec![check_vcenter::ask(&args.target, TargetKind::Esxi, &args.over_api(), route)?]
    } else {
        match args.target.parse::<Way>()? {
            Way::Captures(path) => capture::read(&path)?,
            way => {
                let login = SshDefaults::from_args(&args.credentials, &args.asking)?;
                let said = site::SshLogin::default();
                vec![ask(&args.target, way, &login, &said, through, &question)?]
            }
        }
    };
    let transcripts = check_vcenter::at(transcripts, reporter.now(), &[]);
    let mut targets: Vec<Target> = Vec::new();
    for transcript in &transcripts {
        if transcript.kind != TargetKind::Esxi.as_str() {
            let (target, kind) = (&transcript.target, &transcript.kind);
            bail!("{target}: a capture of kind {kind:?}, and check esxi judges esxi");
        }
        targets.extend(match transcript.connection.by.as_str() {
            BY_API => target::of_server_about(transcript, &question),
            _ => target::of_esxi_shell(transcript, &question),
        });
    }
    reporter.write(&check_vcenter::judge(&checks, &transcripts, &targets, &reporter))
}

/// Asks a host's shell and saves what it answered.
pub fn collect(args: &CollectEsxiArgs) -> anyhow::Result<ExitStatus> {
    checking::check_writable(args.out.as_deref())?;
    let question = QueryScope {
        master_target: args.machines.vm.clone(),
        protected: args.machines.protected.clone(),
        ..QueryScope::default()
    };
    let login = SshDefaults::from_args(&args.credentials, &args.asking)?;
    let way = args.target.parse::<Way>()?;
    let through =
        via::of_options(&args.via, &args.via.credentials(&args.credentials), args.asking.timeout)?;
    let said = site::SshLogin::default();
    let transcript = ask(&args.target, way, &login, &said, through, &question)?;
    checking::save_captures(&[transcript], args.out.as_deref())
}

/// Asks the shell of one host, straight or through another.
pub fn ask(
    name: &str,
    way: Way,
    login: &SshDefaults,
    said: &site::SshLogin,
    through: Option<SshHost>,
    question: &QueryScope,
) -> anyhow::Result<Transcript> {
    let by = match way {
        Way::Captures(_) => bail!("target {name:?}: what was captured is not asked again"),
        Way::Local => by_shell(Box::new(LocalHost { timeout: login.timeout() }), "root", question),
        Way::Ssh(target) => {
            let user = said.user.clone().or_else(|| target.user.clone());
            let mut ssh = login.ssh(name, target, said)?;
            ssh.verb = VERB;
            if let Some(host) = through {
                ssh = behind(host, ssh);
            }
            let user = user.or_else(|| ssh.user.clone());
            by_shell(Box::new(ssh), user.as_deref().unwrap_or("root"), question)
        }
    };
    let (target, kind) = (name.to_owned(), TargetKind::Esxi.as_str().to_owned());
    let asked = fleet::Job { target, kind, collector: by };
    let stop = interrupt::stop_flag()?;
    let mut bars = progress::HostProgress::start(1);
    let mut answered = fleet::run_jobs(vec![asked], 1, &stop, |event| bars.update(event));
    drop(bars);
    failure::print_failures(&answered);
    Ok(answered.pop().expect("there is a transcript for every question"))
}

/// A host that is reached through another.
pub fn behind(host: SshHost, ssh: SshHost) -> SshHost {
    // Jump hosts lead to that host, from where it is one step.
    SshHost { via: Some(Box::new(host)), jump: Vec::new(), ..ssh }
}

/// The shell of a host, and what it is asked.
pub fn by_shell(
    transport: Box<dyn Transport>,
    user: &str,
    question: &QueryScope,
) -> fleet::Collector {
    let probes = esxi_shell::probes(question, user);
    fleet::Collector::Shell { transport, probes, env: ProbeEnv::default() }
}
