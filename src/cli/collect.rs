//! Hosts, ESXi hosts and the vSphere server of a site, asked all at once: one session each, and
//! nobody is contacted before the way to everybody is known.
//!
//! Not for which of them a verb asks, nor for judging what they answer.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::Context;

use crate::check::{CheckSet, TargetKind};
use crate::cli::args::{FixArgs, TlsArgs};
use crate::cli::commands::trust;
use crate::cli::commands::{check_esxi, check_vcenter};
use crate::cli::hosts::Host;
use crate::cli::login::SshDefaults;
use crate::cli::password::PasswordStore;
use crate::cli::site::Around;
use crate::cli::terminal::{failure, progress, screen};
use crate::cli::{captures, fix, interrupt, via};
use crate::facts::guest::self_check;
use crate::facts::probe::{Probe, ProbeEnv};
use crate::facts::transcript::{Failure, Transcript};
use crate::facts::vsphere::query_scope::QueryScope as Asked;
use crate::facts::{age, query};
use crate::site::assemble::{Coverage, Responses};
use crate::site::{EsxiHost, MasterTarget, Vcenter};
use crate::transport::fleet::{self, Collector, Job};
use crate::transport::local::LocalHost;
use crate::transport::ssh::{PromptError, SecretOwner, SecretProvider};
use crate::transport::target::TargetAddress as Way;
use crate::transport::vsphere::VsphereQuery;
use crate::transport::vsphere::address::VsphereAddress;
use crate::transport::vsphere::session::Credentials;
use crate::transport::{Transport, capture};

/// The name under which the environment has vCenter's password.
const VCENTER: &str = "vcenter";

/// How everybody is asked, and for whose sake.
pub struct Asking<'a> {
    /// The site.
    pub around: &'a Around,
    /// The checks, some of which have probes of their own.
    pub checks: &'a CheckSet,
    /// How hosts are logged in to.
    pub login: &'a SshDefaults,
    /// Whom to trust.
    pub trusting: &'a TlsArgs,
    /// How many are asked at once.
    pub jobs: Option<u16>,
    /// Which of the site is asked beside the hosts.
    pub beside: Beside,
    /// Of when the answers of hosts are.
    pub when: When,
    /// What is mended before anybody is asked; nothing without it.
    pub fix: Option<&'a FixArgs>,
    /// When the answers are evaluated; the clock's time when nobody says.
    pub now: Option<jiff::Timestamp>,
}

/// Of when the answers are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Asked for now.
    Now,
    /// The newest that a master target keeps of itself.
    Kept,
}

impl When {
    /// As the option says.
    pub fn of(newest_capture: bool) -> Self {
        if newest_capture { Self::Kept } else { Self::Now }
    }
}

/// Who is asked beside hosts.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// The vSphere server.
    pub vcenter: bool,
    /// The shells of ESXi hosts.
    pub shells: bool,
    /// For all of the site, or for the master targets among the hosts.
    pub coverage: Coverage,
}

/// What everybody answered.
pub struct Heard {
    /// The hosts, in the order they were named.
    pub hosts: Vec<Transcript>,
    /// The others.
    pub others: Responses,
}

impl Heard {
    /// Every transcript.
    pub fn all(&self) -> impl Iterator<Item = &Transcript> {
        let shells = self.others.shells.iter().map(|(_, shell)| shell);
        self.hosts.iter().chain(&self.others.vcenter).chain(shells)
    }

    /// Whether somebody stopped it.
    pub fn was_interrupted(&self) -> bool {
        self.all().any(fleet::was_interrupted)
    }
}

/// Whose answers these are.
#[derive(Clone, Copy)]
enum Role {
    Host,
    /// A host that is asked for what it keeps of itself.
    Keeper,
    Shell(usize),
    Vcenter,
}

/// What a way leads to.
enum Place {
    /// Somebody who is asked now.
    Live(Job),
    /// What was answered before, or why nobody can be asked.
    Told(Vec<Transcript>),
}

/// Asks hosts, and of the site whoever is to be asked beside them.
pub fn ask(hosts: Vec<Host>, asking: &Asking<'_>) -> anyhow::Result<Heard> {
    let site = &asking.around.site;
    let coverage = asking.beside.coverage;
    let named = |name: &str| hosts.iter().any(|host| host.name == name);
    let chosen: Vec<_> =
        site.master_targets.iter().filter(|it| named(it.name.as_str())).cloned().collect();
    let mut places: Vec<(Role, Place)> = Vec::new();
    // What each host is asked, which is also what its answers are held against.
    let queries: Vec<(ProbeEnv, Vec<Probe>)> = hosts
        .iter()
        .map(|host| (host.around.clone(), [host.probes(), asking.checks.probes()].concat()))
        .collect();
    for host in hosts {
        let name = host.name.clone();
        places.push(of_host(host, asking).with_context(|| format!("target {name}"))?);
    }
    if asking.beside.shells {
        let question = site.shell_question(&chosen, coverage);
        for (index, entry) in site.esxi.iter().enumerate() {
            let place = of_shell(entry, &question, asking);
            let place = place.with_context(|| format!("ESXi host {}", entry.name))?;
            places.extend(place.map(|place| (Role::Shell(index), place)));
        }
    }
    if let Some(said) = site.vcenter.as_ref().filter(|_| asking.beside.vcenter) {
        let place = match &asking.around.vcenter {
            Some(captured) => Place::Told(vec![captured.clone()]),
            None => of_vcenter(said, site.vsphere_question(&chosen, coverage), asking)
                .context("vcenter")?,
        };
        places.push((Role::Vcenter, place));
    }
    if let Some(fix) = asking.fix.filter(|fix| fix.fix) {
        mend(&places, &chosen, fix)?;
    }
    let (roles, told) = all_at_once(places, asking.jobs)?;
    let now = asking.now.unwrap_or_else(jiff::Timestamp::now);
    let mut heard = Heard { hosts: Vec::new(), others: Responses::default() };
    let mut queries = queries.into_iter();
    for (role, transcripts) in roles.into_iter().zip(told) {
        match role {
            Role::Host | Role::Keeper => {
                let (env, probes) = queries.next().expect("hosts come first, one query each");
                let transcripts = transcripts.into_iter().map(|transcript| match role {
                    Role::Keeper => capture::latest_self_check(transcript),
                    _ => transcript,
                });
                let transcripts = transcripts.inspect(|transcript| {
                    if matches!(role, Role::Keeper) {
                        tell_age(transcript, now);
                    }
                });
                let counted =
                    |it| age::apply_age(query::apply_query(it, &env, &probes), now, &probes);
                heard.hosts.extend(transcripts.map(counted));
            }
            Role::Shell(index) => {
                let transcripts = transcripts.into_iter().map(|it| age::apply_age(it, now, &[]));
                heard.others.shells.extend(transcripts.map(|it| (index, it)));
            }
            Role::Vcenter => {
                let first = transcripts.into_iter().next();
                heard.others.vcenter = first.map(|it| age::apply_age(it, now, &[]));
            }
        }
    }
    failure::print_failures(heard.all());
    Ok(heard)
}

/// Mends the master targets' machines, each once somebody agrees. That comes first, so that the
/// report is of what is there after it.
fn mend(places: &[(Role, Place)], chosen: &[MasterTarget], fix: &FixArgs) -> anyhow::Result<()> {
    let server = places.iter().find_map(|(role, place)| match (role, place) {
        (Role::Vcenter, Place::Live(Job { collector: Collector::Vsphere(inquiry), .. })) => {
            Some(inquiry)
        }
        _ => None,
    });
    let inquiry = server.context("--fix: there is no vSphere server that can be asked")?;
    let mut names = chosen.iter().filter_map(|target| target.vm.as_deref()).peekable();
    names
        .peek()
        .context("--fix: which machine? Give the master target's vm: in the site, or --vm")?;
    let stop = interrupt::stop_flag()?;
    for name in names {
        fix::enable_uuid(&inquiry.enable_uuid_request(name, &stop), fix)?;
    }
    Ok(())
}

/// Says of when a host's own capture is: what it tells may have been mended since.
fn tell_age(transcript: &Transcript, now: jiff::Timestamp) {
    if let (None, Some(at)) = (&transcript.connection.failure, transcript.asked_at) {
        let minutes = (now.as_second() - at.as_second()) / 60;
        let target = screen::printable(&transcript.target);
        let when = at.strftime("%Y-%m-%d %H:%M:%S UTC");
        anstream::eprintln!("{target}: as it found itself at {when}, {minutes} min ago");
    }
}

/// Asks those who are there, and gives what everybody said, in the order of the places.
fn all_at_once(
    places: Vec<(Role, Place)>,
    jobs: Option<u16>,
) -> anyhow::Result<(Vec<Role>, Vec<Vec<Transcript>>)> {
    let mut questions = Vec::new();
    let mut roles = Vec::new();
    // What stands for each: what was told, or nothing yet.
    let mut slots: Vec<Option<Vec<Transcript>>> = Vec::new();
    for (role, place) in places {
        roles.push(role);
        match place {
            Place::Told(transcripts) => slots.push(Some(transcripts)),
            Place::Live(question) => {
                questions.push(question);
                slots.push(None);
            }
        }
    }
    let mut answered = VecDeque::from(live(questions, jobs)?);
    let told = slots
        .into_iter()
        .map(|slot| slot.unwrap_or_else(|| answered.pop_front().into_iter().collect()));
    Ok((roles, told.collect()))
}

fn live(questions: Vec<Job>, jobs: Option<u16>) -> anyhow::Result<Vec<Transcript>> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = jobs.map_or_else(|| fleet::default_parallelism(questions.len()), usize::from);
    let stop = interrupt::stop_flag()?;
    let mut bars = progress::HostProgress::start(questions.len());
    Ok(fleet::run_jobs(questions, jobs, &stop, |event| bars.update(event)))
}

fn of_host(host: Host, asking: &Asking<'_>) -> anyhow::Result<(Role, Place)> {
    let transport: Box<dyn Transport> = match host.way.parse::<Way>()? {
        Way::Captures(path) => {
            return Ok((Role::Host, Place::Told(called(capture::read(&path)?, &host)?)));
        }
        Way::Local => Box::new(LocalHost { timeout: asking.login.timeout() }),
        Way::Ssh(target) => Box::new(asking.login.ssh(&host.name, target, &host.login)?),
    };
    let keeps = asking.when == When::Kept && host.kind == TargetKind::LinuxMt;
    let (role, probes) = match keeps {
        true => (Role::Keeper, self_check::PROBES.to_vec()),
        false => (Role::Host, [host.probes(), asking.checks.probes()].concat()),
    };
    let Host { name: target, kind, around, .. } = host;
    let kind = kind.as_str().to_owned();
    let by = Collector::Shell { transport, probes, env: around };
    Ok((role, Place::Live(Job { target, kind, collector: by })))
}

/// A capture that a site knows by a name is called by it, and is of what the site says it is.
fn called(mut captured: Vec<Transcript>, host: &Host) -> anyhow::Result<Vec<Transcript>> {
    if let ([one], true) = (captured.as_mut_slice(), host.name != host.way) {
        let (kind, wanted) = (&one.kind, host.kind.as_str());
        anyhow::ensure!(kind == wanted, "a capture of kind {kind:?}, and the site says {wanted}");
        one.target.clone_from(&host.name);
    }
    Ok(captured)
}

/// An ESXi host with a shell. It never gets the password of other hosts.
fn of_shell(
    entry: &EsxiHost,
    question: &Asked,
    asking: &Asking<'_>,
) -> anyhow::Result<Option<Place>> {
    let Some(ssh) = &entry.ssh else { return Ok(None) };
    let (target, kind) = (entry.name.to_string(), TargetKind::Esxi.as_str().to_owned());
    let by = match ssh.as_str().parse::<Way>()? {
        Way::Captures(path) => {
            let mut one = captures::one(path, TargetKind::Esxi)?;
            one.target = target;
            return Ok(Some(Place::Told(vec![one])));
        }
        Way::Local => {
            let local = LocalHost { timeout: asking.login.timeout() };
            check_esxi::by_shell(Box::new(local), "root", question)
        }
        Way::Ssh(way) => {
            let said = entry.login();
            let user = said.user.clone().or_else(|| way.user.clone());
            let mut ssh = asking.login.ssh_with_own_password(&target, way, &said)?;
            ssh.verb = check_esxi::VERB;
            let through = match &entry.via {
                Some(via) => via::of_site(via, &asking.around.site, asking.login)?,
                None => None,
            };
            if let Some(host) = through {
                ssh = check_esxi::behind(host, ssh);
            }
            let user = user.or_else(|| ssh.user.clone());
            check_esxi::by_shell(Box::new(ssh), user.as_deref().unwrap_or("root"), question)
        }
    };
    Ok(Some(Place::Live(Job { target, kind, collector: by })))
}

/// The vSphere server; without somebody who logs in it cannot be asked, which costs what it would
/// have told and nothing else.
fn of_vcenter(said: &Vcenter, question: Asked, asking: &Asking<'_>) -> anyhow::Result<Place> {
    let to: VsphereAddress = said.url.parse()?;
    let given = asking.trusting;
    let trusting = TlsArgs {
        thumbprint: said.thumbprint.clone().or_else(|| given.thumbprint.clone()),
        thumbprints: given.thumbprints.clone(),
        ca_file: given.ca_file.clone(),
        legacy_tls: given.legacy_tls || said.legacy_tls,
    };
    let trust = trust::settings(&trusting, &to)?;
    let keyring = PasswordStore::for_system(VCENTER, said.password_file.as_deref())?;
    let silent = |reason: String, hint: &str| {
        let failure = Failure { kind: "config".to_owned(), reason, hint: Some(hint.to_owned()) };
        let kind = TargetKind::Vcenter.as_str();
        Ok(Place::Told(vec![Transcript::from_failure(
            &to.host,
            kind,
            VsphereQuery::TRANSPORT,
            failure,
        )]))
    };
    let user = said.user.clone().or_else(|| to.user.clone());
    let Some(user) = user.or_else(|| said.discovery_account.clone()) else {
        let reason = "nobody says who logs in to it".to_owned();
        return silent(reason, "write vsphere://USER@HOST, or user: in the site file");
    };
    let timeout: Duration = asking.login.timeout();
    let account = format!("{user} on {}", to.host);
    let whose = SecretOwner { account: &account, host: &to.host, is_jump: false };
    let password = match keyring.password(&whose, timeout) {
        Err(nobody @ PromptError::TimedOut(_)) => {
            let silent = check_vcenter::without_password(&to, TargetKind::Vcenter, &user, &nobody);
            return Ok(Place::Told(vec![silent]));
        }
        password => password?,
    };
    let Some(password) = password else {
        return silent(
            format!("there is no password of {user}"),
            "name a file with it, password_file: in the site file, or set \
             PREFLIGHT_PASSWORD_VCENTER; the password of hosts is not tried on it",
        );
    };
    let (target, kind) = (to.host.clone(), TargetKind::Vcenter.as_str().to_owned());
    let credentials = Credentials { user, password };
    let through = match &said.via {
        Some(via) => via::of_site(via, &asking.around.site, asking.login)?,
        None => None,
    };
    let route = via::route(through);
    let inquiry =
        VsphereQuery { connector: route, address: to, trust, credentials, question, timeout };
    Ok(Place::Live(Job { target, kind, collector: Collector::Vsphere(Box::new(inquiry)) }))
}
