//! The one place where systems are asked: all at once, with one session for each, and nobody is
//! contacted before the way to everybody is known.
//!
//! Not for which systems a verb asks (`selection`) and how each is reached (`sources`), nor for what
//! their answers mean.

use std::collections::VecDeque;

use anyhow::Context;

use super::args::{FixArgs, TlsArgs};
use super::login::SshDefaults;
use super::terminal::{failure, progress, screen};
use super::{fix, interrupt};
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::transcript::Transcript;
use crate::facts::{age, query};
use crate::site::assemble::Responses;
use crate::transport::capture;
use crate::transport::fleet::{self, Collector, Job};

/// How systems are reached, and how many at once.
pub struct CollectOptions<'a> {
    /// How hosts are logged in to.
    pub ssh: SshDefaults,
    /// Which certificates are trusted.
    pub tls: &'a TlsArgs,
    /// How many systems are asked at once.
    pub jobs: Option<u16>,
    /// Where the answers of master targets come from.
    pub answers: AnswerSource,
    /// What is fixed before anybody is asked; nothing without it.
    pub fix: Option<&'a FixArgs>,
    /// When the answers are evaluated; the clock's time when nobody says.
    pub now: Option<jiff::Timestamp>,
}

impl<'a> CollectOptions<'a> {
    /// Systems are asked now, with these logins.
    pub fn new(ssh: SshDefaults, tls: &'a TlsArgs) -> Self {
        Self { ssh, tls, jobs: None, answers: AnswerSource::Live, fix: None, now: None }
    }
}

/// Where the answers of a master target come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AnswerSource {
    /// It is asked now.
    Live,
    /// From the newest capture that it keeps of itself.
    LatestSelfCheck,
}

impl AnswerSource {
    /// As the option says.
    pub fn new(newest_capture: bool) -> Self {
        if newest_capture { Self::LatestSelfCheck } else { Self::Live }
    }
}

/// A system and where its answers come from.
pub struct Source {
    /// What its answers are used for.
    pub role: Role,
    /// Where they come from.
    pub answers: Answers,
}

/// What the answers of a system are used for.
pub enum Role {
    /// A master target or a process server.
    Host {
        /// What its probes need to know.
        env: ProbeEnv,
        /// What it is asked.
        probes: Vec<Probe>,
        /// Whether it is asked for the newest capture that it keeps of itself.
        is_self_check: bool,
    },
    /// A vSphere server that was named by itself.
    Server,
    /// The vSphere server of the site.
    SiteVcenter,
    /// The shell of an ESXi host of the site, by its place there.
    SiteEsxi(usize),
}

/// Where answers come from.
pub enum Answers {
    /// The system is asked.
    Live(Job),
    /// What was answered before, or why nobody can be asked.
    Recorded(Vec<Transcript>),
}

/// Collects the answers of all sources.
pub fn collect(sources: Vec<Source>, options: &CollectOptions<'_>) -> anyhow::Result<Responses> {
    if let Some(fix) = options.fix.filter(|fix| fix.fix) {
        apply_fix(&sources, fix)?;
    }
    let collected = answers(sources, options.jobs)?;
    let now = options.now.unwrap_or_else(jiff::Timestamp::now);
    let mut responses = Responses::default();
    for (role, transcripts) in collected {
        let transcripts = transcripts.into_iter().map(|transcript| at(transcript, &role, now));
        match role {
            Role::Host { .. } | Role::Server => responses.systems.extend(transcripts),
            Role::SiteVcenter => responses.vcenter = transcripts.last(),
            Role::SiteEsxi(index) => {
                responses.shells.extend(transcripts.map(|shell| (index, shell)));
            }
        }
    }
    failure::print_failures(responses.all());
    Ok(responses)
}

/// Whether somebody stopped the run before all had answered.
pub fn was_interrupted(responses: &Responses) -> bool {
    responses.all().any(fleet::was_interrupted)
}

/// A transcript as it counts at a time: without answers to other questions and those that are too
/// old.
fn at(transcript: Transcript, role: &Role, now: jiff::Timestamp) -> Transcript {
    let Role::Host { env, probes, is_self_check } = role else {
        return age::apply_age(transcript, now, &[]);
    };
    let transcript = if *is_self_check { newest_self_check(transcript, now) } else { transcript };
    age::apply_age(query::apply_query(transcript, env, probes), now, probes)
}

/// The newest capture that a host keeps of itself. Its age is printed: what it tells of may have
/// been fixed since.
fn newest_self_check(transcript: Transcript, now: jiff::Timestamp) -> Transcript {
    let transcript = capture::latest_self_check(transcript);
    if let (None, Some(at)) = (&transcript.connection.failure, transcript.asked_at) {
        let minutes = (now.as_second() - at.as_second()) / 60;
        let target = screen::printable(&transcript.target);
        let when = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        anstream::eprintln!("{target}: as it found itself at {when}, {minutes} min ago");
    }
    transcript
}

/// Fixes the master targets' machines, each once somebody agrees. That comes first, so that the
/// report is of what is there after it.
fn apply_fix(sources: &[Source], fix: &FixArgs) -> anyhow::Result<()> {
    let server = sources.iter().find_map(|source| match (&source.role, &source.answers) {
        (
            Role::SiteVcenter | Role::Server,
            Answers::Live(Job { collector: Collector::Vsphere(inquiry), .. }),
        ) => Some(inquiry),
        _ => None,
    });
    let inquiry = server.context("--fix: there is no vSphere server that can be asked")?;
    let pairings = inquiry.question.pairings();
    let mut names = pairings.iter().filter_map(|pair| pair.master_target.as_deref()).peekable();
    names
        .peek()
        .context("--fix: which machine? Give the master target's vm: in the site, or --vm")?;
    let stop = interrupt::stop_flag()?;
    for name in names {
        fix::enable_uuid(&inquiry.enable_uuid_request(name, &stop), fix)?;
    }
    Ok(())
}

/// Asks those who are there, and returns what every source answered, in the order of the sources.
fn answers(
    sources: Vec<Source>,
    jobs: Option<u16>,
) -> anyhow::Result<Vec<(Role, Vec<Transcript>)>> {
    let mut live = Vec::new();
    // Each source with what was recorded, or with nothing yet.
    let mut slots: Vec<(Role, Option<Vec<Transcript>>)> = Vec::new();
    for Source { role, answers } in sources {
        match answers {
            Answers::Recorded(transcripts) => slots.push((role, Some(transcripts))),
            Answers::Live(job) => {
                live.push(job);
                slots.push((role, None));
            }
        }
    }
    let mut answered = VecDeque::from(run(live, jobs)?);
    let slots = slots.into_iter().map(|(role, recorded)| {
        (role, recorded.unwrap_or_else(|| answered.pop_front().into_iter().collect()))
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
