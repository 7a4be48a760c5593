//! Collects the answers of systems: of all in parallel, with one session each. No system is
//! contacted before every one is known to be reachable as far as options and files tell.
//!
//! Not for which systems a verb collects from (`selection`) and how each is reached (`sources`),
//! nor for what their answers mean.

use std::collections::VecDeque;

use anyhow::Context;

use super::args::{FixArgs, TlsArgs};
use super::login::SshDefaults;
use super::terminal::{failure, progress, screen};
use super::vault::{self, VaultSource};
use super::{fix, interrupt};
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::transcript::Transcript;
use crate::facts::{age, query as probe_query};
use crate::site::assemble::Responses;
use crate::transport::capture;
use crate::transport::fleet::{self, Collector, Job};

/// How systems are collected from.
pub struct CollectOptions<'a> {
    /// The defaults for logging in to hosts.
    pub ssh: SshDefaults,
    /// The trusted certificates.
    pub tls: &'a TlsArgs,
    /// How many systems are collected from at once.
    pub jobs: Option<u16>,
    /// Where the answers of master targets come from.
    pub answers: AnswerSource,
    /// What to fix before collecting; nothing without it.
    pub fix: Option<&'a FixArgs>,
    /// The time of the evaluation; the clock's time by default.
    pub now: Option<jiff::Timestamp>,
}

impl<'a> CollectOptions<'a> {
    /// Returns the options for collecting live answers with these logins.
    pub fn new(ssh: SshDefaults, tls: &'a TlsArgs) -> Self {
        Self { ssh, tls, jobs: None, answers: AnswerSource::Live, fix: None, now: None }
    }
}

/// Where the answers of a master target come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AnswerSource {
    /// It is asked now.
    Live,
    /// From the newest capture of its own self-check.
    LatestSelfCheck,
}

impl AnswerSource {
    /// Returns the source for `--newest-capture`.
    pub fn new(newest_capture: bool) -> Self {
        if newest_capture { Self::LatestSelfCheck } else { Self::Live }
    }
}

/// A system and where its answers come from.
pub struct Source {
    /// The role of the system.
    pub role: Role,
    /// Its answers, or how to collect them.
    pub answers: Answers,
}

/// The role of a system in an evaluation.
pub enum Role {
    /// A master target or a process server.
    Host {
        /// The environment of its probes.
        env: ProbeEnv,
        /// The probes that are evaluated.
        probes: Vec<Probe>,
        /// Whether the newest capture of its self-check is fetched in place of live answers.
        is_self_check: bool,
    },
    /// A vSphere server that was named without a site.
    Server,
    /// The vSphere server of the site.
    SiteVcenter,
    /// The shell of an ESXi host of the site, by its index there.
    SiteEsxi(usize),
    /// The vault.
    Azure,
}

/// The answers of a system, or how to collect them.
pub enum Answers {
    /// A job that collects them.
    Live(Job),
    /// Transcripts of captures, or of a failure to reach the system.
    Recorded(Vec<Transcript>),
    /// Those of Azure about the vault, or how to collect them.
    Vault(VaultSource),
}

/// Collects the answers of all sources.
pub fn collect(sources: Vec<Source>, options: &CollectOptions<'_>) -> anyhow::Result<Responses> {
    if let Some(fix) = options.fix.filter(|fix| fix.fix) {
        apply_fix(&sources, fix)?;
    }
    let (vault, sources) = split_vault(sources);
    // Hosts and Azure are asked at the same time.
    let (collected, vault) = std::thread::scope(|scope| {
        let vault = vault.map(|vault| scope.spawn(|| vault.collect()));
        let collected = answers(sources, options.jobs);
        let vault = vault.map(|thread| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("collecting from Azure failed")))
        });
        anyhow::Ok((collected?, vault.transpose()?))
    })?;
    let now = options.now.unwrap_or_else(jiff::Timestamp::now);
    let mut responses = Responses::default();
    if let Some(vault) = vault {
        responses.azure_was_interrupted = vault.was_interrupted;
        responses.azure = Some(vault.answers);
    }
    for (role, transcripts) in collected {
        let mut transcripts = transcripts.into_iter().map(|transcript| at(transcript, &role, now));
        match role {
            Role::Host { .. } | Role::Server => responses.systems.extend(transcripts),
            Role::SiteVcenter => responses.vcenter = transcripts.next(),
            Role::Azure => {}
            Role::SiteEsxi(index) => {
                responses.shells.extend(transcripts.map(|shell| (index, shell)));
            }
        }
    }
    failure::print_failures(responses.all());
    if let Some(vault) = &responses.azure {
        vault::print_failure(vault);
    }
    Ok(responses)
}

/// Takes the vault, of which there is at most one, out of the sources.
fn split_vault(sources: Vec<Source>) -> (Option<VaultSource>, Vec<Source>) {
    let mut found = None;
    let mut others = Vec::new();
    for Source { role, answers } in sources {
        match answers {
            Answers::Vault(vault) => found = Some(vault),
            answers => others.push(Source { role, answers }),
        }
    }
    (found, others)
}

/// Whether the run was interrupted before all systems had answered.
pub fn was_interrupted(responses: &Responses) -> bool {
    responses.azure_was_interrupted || responses.all().any(fleet::was_interrupted)
}

/// Returns a transcript as it is valid at `now`: without answers to other queries and answers that
/// are too old.
pub fn at(transcript: Transcript, role: &Role, now: jiff::Timestamp) -> Transcript {
    let Role::Host { env, probes, is_self_check } = role else {
        return age::apply_age(transcript, now, &[]);
    };
    let transcript = if *is_self_check { newest_self_check(transcript, now) } else { transcript };
    age::apply_age(probe_query::apply_query(transcript, env, probes), now, probes)
}

/// Returns the newest capture of a host's self-check, and prints its age: faults in it may have
/// been fixed since.
fn newest_self_check(transcript: Transcript, now: jiff::Timestamp) -> Transcript {
    let transcript = capture::latest_self_check(transcript);
    if let (None, Some(at)) = (&transcript.connection.failure, transcript.asked_at) {
        let minutes = (now.as_second() - at.as_second()) / 60;
        let target = screen::printable(&transcript.target);
        let when = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        anstream::eprintln!("{target}: its self-check of {when}, {minutes} min ago");
    }
    transcript
}

/// Fixes the master targets' machines, each after confirmation. It runs before collecting, so that
/// the report shows the state after the fix.
fn apply_fix(sources: &[Source], fix: &FixArgs) -> anyhow::Result<()> {
    let server = sources.iter().find_map(|source| match (&source.role, &source.answers) {
        (
            Role::SiteVcenter | Role::Server,
            Answers::Live(Job { collector: Collector::Vsphere(query), .. }),
        ) => Some(query),
        _ => None,
    });
    let query = server.context("--fix: there is no vSphere server that can be asked")?;
    let pairings = query.question.pairings();
    let mut names = pairings.iter().filter_map(|pair| pair.master_target.as_deref()).peekable();
    names
        .peek()
        .context("--fix: which machine? Give the master target's vm: in the site, or --vm")?;
    let stop = interrupt::stop_flag()?;
    for name in names {
        fix::enable_uuid(&query.enable_uuid_request(name, &stop), fix)?;
    }
    Ok(())
}

/// Collects from live sources, and returns the transcripts of every source in order.
fn answers(
    sources: Vec<Source>,
    jobs: Option<u16>,
) -> anyhow::Result<Vec<(Role, Vec<Transcript>)>> {
    let mut live = Vec::new();
    // Each source with its recorded transcripts, or none for a live one.
    let mut slots: Vec<(Role, Option<Vec<Transcript>>)> = Vec::new();
    for Source { role, answers } in sources {
        match answers {
            Answers::Recorded(transcripts) => slots.push((role, Some(transcripts))),
            Answers::Vault(_) => {}
            Answers::Live(job) => {
                live.push(job);
                slots.push((role, None));
            }
        }
    }
    let mut collected = VecDeque::from(run(live, jobs)?);
    let slots = slots.into_iter().map(|(role, recorded)| {
        (role, recorded.unwrap_or_else(|| collected.pop_front().into_iter().collect()))
    });
    Ok(slots.collect())
}

fn run(jobs: Vec<Job>, at_once: Option<u16>) -> anyhow::Result<Vec<Transcript>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let at_once = at_once.map_or_else(|| fleet::default_parallelism(jobs.len()), usize::from);
    let stop = interrupt::stop_flag()?;
    let mut bars = progress::HostProgress::start(jobs.len());
    Ok(fleet::run_jobs(jobs, at_once, &stop, |event| bars.update(event)))
}
