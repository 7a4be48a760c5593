//! `check host`, `collect host` and `collect script`: hosts asked, and what they answered judged.

use std::collections::VecDeque;
use std::io::Write;

use anyhow::Context;

use super::args::{CheckHost, CollectHost, CollectScript, ManyHosts, Troubleshoot};
use super::check::{self as checking, Reporting};
use super::login::Login;
use super::site::{self, Around};
use super::targets::{self, Host};
use super::{Exit, interrupt, progress, screen};
use crate::assets::Assets;
use crate::check::{self, CheckSet, Target, TargetKind, engine, status::FailOn};
use crate::facts::Document;
use crate::facts::host::{self, HostFacts};
use crate::facts::script::Nonce;
use crate::facts::self_check;
use crate::facts::transcript::Transcript;
use crate::image::replacement::{Readers, Replacement};
use crate::report::Report;
use crate::transport::fleet::{self, Question};
use crate::transport::local::Local;
use crate::transport::target::Target as Way;
use crate::transport::{Transport, capture};

/// What a way to a host leads to.
enum Place {
    /// A host that is asked now.
    Live(Box<dyn Transport>),
    /// Hosts that were asked before.
    Captures(Vec<Transcript>),
}

/// Of when the answers are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Asked for now.
    Now,
    /// The newest that a master target keeps of itself.
    Kept,
}

impl When {
    fn of(newest_capture: bool) -> Self {
        if newest_capture { Self::Kept } else { Self::Now }
    }
}

/// Asks every target, and judges what it answered.
pub fn check(args: &CheckHost, assets: &Assets) -> anyhow::Result<Exit> {
    let reporting = Reporting::of(&args.report)?;
    let checks = checking::set(assets, args.own_checks.as_deref())?;
    let around = site::choose(&args.site, &args.targets, &checks)?;
    let hosts = targets::chosen(&args.targets, &args.many, &around.site)?;
    let hosts = targets::with_process_servers(hosts, &around.site);
    let login = Login::of(&args.credentials, &args.asking)?;
    let when = When::of(args.newest_capture);
    let transcripts = ask(hosts, &checks, &login, args.many.jobs, when)?;
    let report = judge(&transcripts, &checks, &around, reporting.fail_on)?;
    reporting.show(&report)
}

/// Asks one target and saves what it answered.
pub fn collect(args: &CollectHost, assets: &Assets) -> anyhow::Result<Exit> {
    let checks = checking::set(assets, args.own_checks.as_deref())?;
    let names = [args.target.clone()];
    let around = site::choose(&args.site, &names, &checks)?;
    let hosts = vec![targets::named(&args.target, &around.site)?];
    let login = Login::of(&args.credentials, &args.asking)?;
    let when = When::of(args.newest_capture);
    let transcripts = ask(hosts, &checks, &login, None, when)?;
    let text: String = transcripts.iter().map(capture::text).collect();
    match &args.out {
        Some(path) => {
            let out = Replacement::open(path, true, Readers::ByUmask, &[])?;
            out.file()
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            out.commit()?;
        }
        None => std::io::stdout().write_all(text.as_bytes())?,
    }
    let silent = transcripts.iter().any(|transcript| transcript.connection.failure.is_some());
    Ok(match transcripts.iter().any(was_interrupted) {
        true => Exit::Interrupted,
        false if silent => Exit::Undecided,
        false => Exit::Clean,
    })
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

/// Says of when a host's own capture is: what it tells may have been mended since.
fn tell_age(transcript: &Transcript) {
    if let (None, Some(at)) = (&transcript.connection.failure, transcript.asked_at) {
        let minutes = (jiff::Timestamp::now().as_second() - at.as_second()) / 60;
        let target = screen::printable(&transcript.target);
        let when = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        anstream::eprintln!("{target}: as it found itself at {when}, {minutes} min ago");
    }
}

fn place(host: &Host, login: &Login) -> anyhow::Result<Place> {
    Ok(match host.way.parse::<Way>()? {
        Way::Local => Place::Live(Box::new(Local { timeout: login.timeout() })),
        Way::Captures(path) => Place::Captures(capture::read(&path)?),
        Way::Ssh(target) => Place::Live(Box::new(login.to(target, &host.login)?)),
    })
}

/// What every host answered, in the order they were named. Nothing is contacted before the way
/// to each of them is known.
fn ask(
    hosts: Vec<Host>,
    checks: &CheckSet,
    login: &Login,
    jobs: Option<u16>,
    when: When,
) -> anyhow::Result<Vec<Transcript>> {
    let mut questions = Vec::new();
    // What stands for each host: what was captured, or nothing yet.
    let mut slots: Vec<Option<Vec<Transcript>>> = Vec::new();
    for host in hosts {
        let place = place(&host, login).with_context(|| format!("target {}", host.name));
        match place? {
            Place::Captures(captured) => slots.push(Some(called(captured, &host))),
            Place::Live(transport) => {
                let kept = when == When::Kept && host.kind == TargetKind::LinuxMt;
                let probes = match kept {
                    true => self_check::PROBES.to_vec(),
                    false => [host.probes(), checks.probes()].concat(),
                };
                let Host { name: target, kind, around, .. } = host;
                let kind = kind.word().to_owned();
                questions.push(Question { target, kind, transport, probes, around });
                slots.push(None);
            }
        }
    }
    let mut answered = VecDeque::from(ask_live(questions, jobs)?);
    if when == When::Kept {
        let of_itself = |it: Transcript| match it.kind.as_str() {
            "linux-mt" => capture::newest(it),
            _ => it,
        };
        answered = answered.into_iter().map(of_itself).collect();
        answered.iter().for_each(tell_age);
    }
    let transcripts = slots.into_iter().flat_map(|slot| match slot {
        Some(captured) => captured,
        None => answered.pop_front().into_iter().collect(),
    });
    Ok(transcripts.collect())
}

fn ask_live(questions: Vec<Question>, jobs: Option<u16>) -> anyhow::Result<Vec<Transcript>> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = jobs.map_or_else(|| fleet::default_jobs(questions.len()), usize::from);
    let stop = interrupt::watched()?;
    let mut bars = progress::Hosts::start(questions.len());
    Ok(fleet::ask(questions, jobs, &stop, |event| bars.tell(event)))
}

/// A capture that a site knows by a name is called by it.
fn called(mut captured: Vec<Transcript>, host: &Host) -> Vec<Transcript> {
    if let ([one], true) = (captured.as_mut_slice(), host.name != host.way) {
        one.target.clone_from(&host.name);
    }
    captured
}

/// What is asked about the causes of a symptom.
pub struct Asked {
    /// The hosts, and what of the site only its author can answer for.
    pub targets: Vec<Target>,
    /// Whether somebody stopped it.
    pub interrupted: bool,
}

/// Asks hosts as `check host` does, for others to judge; without a name all master targets of
/// the site.
pub fn asked(args: &Troubleshoot, checks: &CheckSet, around: &Around) -> anyhow::Result<Asked> {
    let many = ManyHosts { inventory: None, groups: Vec::new(), jobs: None };
    let hosts = match args.targets.is_empty() && around.site.master_targets.is_empty() {
        true => Vec::new(),
        false => targets::chosen(&args.targets, &many, &around.site)?,
    };
    let hosts = targets::with_process_servers(hosts, &around.site);
    let login = Login::of(&args.credentials, &args.asking)?;
    let transcripts = ask(hosts, checks, &login, None, When::Now)?;
    let targets = transcripts.iter().map(|it| target(it, checks, around));
    let mut targets = targets.collect::<anyhow::Result<Vec<Target>>>()?;
    if around.told {
        targets.extend(around.site.answered_for());
    }
    Ok(Asked { targets, interrupted: transcripts.iter().any(was_interrupted) })
}

fn judge(
    transcripts: &[Transcript],
    checks: &CheckSet,
    around: &Around,
    fail_on: FailOn,
) -> anyhow::Result<Report> {
    let targets: Vec<Target> =
        transcripts.iter().map(|it| target(it, checks, around)).collect::<anyhow::Result<_>>()?;
    let now = jiff::Timestamp::now();
    // A report of facts is of the moment they were asked for, so that judging a capture leads to
    // the report that asking the host led to. What a waiver is worth is a matter of today.
    let at = transcripts.iter().filter_map(|it| it.asked_at).max().unwrap_or(now);
    let waivers = &around.site.waivers;
    let findings = check::judge(checks, &targets, waivers, now);
    let notes = engine::notes(waivers, &findings, now);
    let not_asked = check::scope::Scope::of(checks, &targets).not_asked;
    let report = Report::new(&targets, findings, &not_asked, &notes, at, fail_on);
    Ok(match transcripts.iter().any(was_interrupted) {
        true => report.interrupted(),
        false => report,
    })
}

/// One host with everything that is known about it.
fn target(transcript: &Transcript, checks: &CheckSet, around: &Around) -> anyhow::Result<Target> {
    let name = transcript.target.clone();
    let (kind, root) = match transcript.kind.as_str() {
        "linux-mt" => (TargetKind::LinuxMt, "mt"),
        "process-server" => (TargetKind::ProcessServer, "ps"),
        other => anyhow::bail!(
            "{name}: a capture of kind {other:?}, and check host judges linux-mt and process-server"
        ),
    };
    let facts = HostFacts::of(transcript);
    let document = if around.told {
        let site = around.site.facts(&name);
        Document::new(root, &facts.asked_of(&site)).join(around.site.document(&name))
    } else {
        Document::new(root, &facts)
    };
    let document = document.join(checks.own_facts(transcript));
    Ok(Target { name, kind, document })
}

fn was_interrupted(transcript: &Transcript) -> bool {
    transcript.connection.failure.as_ref().is_some_and(|why| why.kind == fleet::INTERRUPTED)
}
