//! Prepares the connection to each kind of system: a Linux host, an ESXi host's shell, a vSphere
//! API, or a capture.
//!
//! The passwords of vSphere accounts are prompted for here, before any system is contacted. Not for
//! collecting (`collect`).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use super::args::TlsArgs;
use super::captures;
use super::collect::{AnswerSource, Answers, CollectOptions, Role, Source};
use super::hosts::Host;
use super::login::SshDefaults;
use super::password::PasswordStore;
use super::trusted::trusted;
use super::via;
use crate::check::CheckSet;
use crate::facts::failure_kind::FailureKind;
use crate::facts::guest::self_check;
use crate::facts::probe::ProbeEnv;
use crate::facts::target_kind::TargetKind;
use crate::facts::transcript::{CollectedBy, Failure, Transcript};
use crate::facts::vsphere::esxi_shell;
use crate::facts::vsphere::query_scope::QueryScope;
use crate::secret::redact_password;
use crate::site::{EsxiHost, Site, SshLogin, Vcenter};
use crate::transport::fleet::{Collector, Job};
use crate::transport::local::LocalHost;
use crate::transport::ssh::{PromptError, SecretOwner, SecretProvider, SshHost};
use crate::transport::vsphere::VsphereQuery;
use crate::transport::vsphere::session::Credentials;
use crate::transport::{Transport, capture, sos};
use crate::uri::target::TargetAddress;
use crate::uri::vsphere::VsphereAddress;

/// The name of vCenter in the variable of its password.
const VCENTER: &str = "vcenter";

/// The command for ESXi hosts, for hints.
const ESXI_VERB: &str = "check esxi";

/// Returns the source of a master target or a process server.
pub fn host(host: Host, checks: &CheckSet, options: &CollectOptions<'_>) -> anyhow::Result<Source> {
    let probes = [host.probes(), checks.probes()].concat();
    let role =
        |is_self_check| Role::Host { env: host.env.clone(), probes: probes.clone(), is_self_check };
    let recorded =
        |transcripts| Ok(Source { role: role(false), answers: Answers::Recorded(transcripts) });
    let transport: Box<dyn Transport> = match host.address.clone() {
        None => return recorded(vec![without_capture(&host)]),
        Some(TargetAddress::Captures(path)) => {
            return recorded(named_as(capture::read(&path)?, &host)?);
        }
        Some(TargetAddress::Sos(path)) => {
            let mut told = sos::read(&path)?;
            if !host.name.starts_with("sos:") {
                told.target.clone_from(&host.name);
            }
            return recorded(vec![told]);
        }
        Some(TargetAddress::Local) => Box::new(LocalHost { timeout: options.ssh.timeout() }),
        Some(TargetAddress::Ssh(target)) => {
            Box::new(options.ssh.ssh(&host.name, target, &host.login)?)
        }
    };
    let is_self_check =
        options.answers == AnswerSource::LatestSelfCheck && host.kind == TargetKind::LinuxMt;
    let role = role(is_self_check);
    let probes = if is_self_check { self_check::PROBES.to_vec() } else { probes };
    let by = Collector::Shell { transport, probes, env: host.env };
    Ok(Source { role, answers: live(host.name, host.kind, by) })
}

/// Returns the transcript of a Windows master target of which there is no capture.
fn without_capture(host: &Host) -> Transcript {
    let failure = Failure {
        kind: FailureKind::NoCapture,
        reason: "the site names no capture of this Windows master target".to_owned(),
        hint: Some(
            "run what preflight collect script --windows prints on it, and name the result as \
             capture: in --site"
                .to_owned(),
        ),
    };
    Transcript::from_failure(&host.name, host.kind, CollectedBy::Script, failure)
}

/// Gives a capture the name of its host in the site, and checks its kind.
fn named_as(mut captured: Vec<Transcript>, host: &Host) -> anyhow::Result<Vec<Transcript>> {
    // A host that has no name but its address is called as its capture says.
    let has_name = !host.name.starts_with("capture:");
    if let ([one], true) = (captured.as_mut_slice(), has_name) {
        let (kind, wanted) = (one.kind.as_str(), host.kind.as_str());
        anyhow::ensure!(
            kind == wanted,
            "this is a capture of kind {kind:?}, but the site needs {wanted}"
        );
        one.target.clone_from(&host.name);
    }
    Ok(captured)
}

fn live(target: String, kind: TargetKind, by: Collector) -> Answers {
    Answers::Live(Job { target, kind, collector: by })
}

/// Returns the source of a file with captures of vSphere servers.
pub fn server_captures(path: &Path, verb: &str, kinds: &[TargetKind]) -> anyhow::Result<Source> {
    let transcripts = capture::read(path)?;
    for Transcript { target, kind, .. } in &transcripts {
        anyhow::ensure!(
            kinds.iter().any(|known| known == kind),
            "{target}: this is a capture of kind {:?}, but {verb} takes {}",
            kind.as_str(),
            kinds[0].as_str()
        );
    }
    Ok(Source { role: Role::Server, answers: Answers::Recorded(transcripts) })
}

/// Returns the source of an ESXi host's shell in a site; none without `ssh:`. It never gets the
/// password of other hosts.
pub fn site_esxi(
    index: usize,
    entry: &EsxiHost,
    site: &Site,
    question: &QueryScope,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Option<Source>> {
    let Some(address) = entry.ssh.clone() else { return Ok(None) };
    let name = entry.name.to_string();
    let answers = match address {
        TargetAddress::Captures(path) => {
            let mut captured = captures::read_single_capture(path, TargetKind::Esxi)?;
            captured.target = name;
            Answers::Recorded(vec![captured])
        }
        TargetAddress::Local => local_shell(name, options.ssh.timeout(), question),
        TargetAddress::Sos(_) => {
            anyhow::bail!("a sosreport is of a Linux host, and this is an ESXi host")
        }
        TargetAddress::Ssh(target) => {
            let login = &entry.login;
            let user = login.user.clone().or_else(|| target.user.clone());
            let ssh = options.ssh.ssh_with_own_password(&name, target, login)?;
            let through = match &entry.via {
                Some(via) => via::of_site(via, site, &options.ssh)?,
                None => None,
            };
            ssh_shell(name, ssh, user, through, question)
        }
    };
    Ok(Some(Source { role: Role::SiteEsxi(index), answers }))
}

/// Returns the source of an ESXi host's shell named on the command line, reached directly or
/// through a gateway.
pub fn esxi_shell(
    target: &str,
    ssh: &SshDefaults,
    through: Option<SshHost>,
    question: &QueryScope,
) -> anyhow::Result<Source> {
    let name = target.to_owned();
    let answers = match target.parse::<TargetAddress>()? {
        TargetAddress::Captures(_) | TargetAddress::Sos(_) => {
            anyhow::bail!("target {name:?}: a capture cannot be collected from")
        }
        TargetAddress::Local => local_shell(name, ssh.timeout(), question),
        TargetAddress::Ssh(to) => {
            let user = to.user.clone();
            let host = ssh.ssh(&name, to, &SshLogin::default())?;
            ssh_shell(name, host, user, through, question)
        }
    };
    Ok(Source { role: Role::Server, answers })
}

fn local_shell(name: String, timeout: Duration, question: &QueryScope) -> Answers {
    shell(name, Box::new(LocalHost { timeout }), "root", question)
}

fn ssh_shell(
    name: String,
    mut ssh: SshHost,
    user: Option<String>,
    through: Option<SshHost>,
    question: &QueryScope,
) -> Answers {
    ssh.verb = ESXI_VERB;
    if let Some(host) = through {
        // The jump hosts are for reaching the gateway.
        ssh = SshHost { via: Some(Box::new(host)), jump: Vec::new(), ..ssh };
    }
    let user = user.or_else(|| ssh.user.clone());
    shell(name, Box::new(ssh), user.as_deref().unwrap_or("root"), question)
}

fn shell(
    name: String,
    transport: Box<dyn Transport>,
    user: &str,
    question: &QueryScope,
) -> Answers {
    let probes = esxi_shell::probes(question, user);
    let by = Collector::Shell { transport, probes, env: ProbeEnv::default() };
    live(name, TargetKind::Esxi, by)
}

/// A vSphere server named on the command line, and how to log in to it.
pub struct NamedServer<'a> {
    /// Its URL.
    pub target: &'a str,
    /// Whether it is a vCenter server or an ESXi host.
    pub kind: TargetKind,
    /// The account, when the URL names none.
    pub user: Option<&'a str>,
    /// The source of the password.
    pub passwords: Arc<dyn SecretProvider>,
    /// The trusted certificates.
    pub tls: &'a TlsArgs,
    /// The gateway to it.
    pub through: Option<SshHost>,
    /// How long it may take.
    pub timeout: Duration,
}

impl NamedServer<'_> {
    /// Returns the source of the server's answers to `question`.
    pub fn source(self, mut question: QueryScope) -> anyhow::Result<Source> {
        let target = redact_password(self.target);
        let to: VsphereAddress =
            self.target.parse().with_context(|| format!("target {target:?}"))?;
        let trust = trusted(self.tls, &to)?;
        let user = self.user.map(str::to_owned).or_else(|| to.user.clone());
        let user = user.with_context(|| {
            let host = &to.host;
            format!("target {target:?}: who logs in? Write vsphere://USER@{host}, or --user")
        })?;
        question.master_target = question.master_target.or_else(|| to.vm.clone());
        let credentials = match credentials(&*self.passwords, &user, &to, self.kind, self.timeout)?
        {
            Ok(credentials) => credentials,
            Err(late) => {
                return Ok(Source { role: Role::Server, answers: Answers::Recorded(vec![late]) });
            }
        };
        let credentials = credentials.with_context(|| {
            format!("no password of {user}: give it with --password-file or PREFLIGHT_PASSWORD")
        })?;
        let (route, timeout) = (via::route(self.through), self.timeout);
        let query =
            VsphereQuery { connector: route, address: to, trust, credentials, question, timeout };
        Ok(Source { role: Role::Server, answers: api(self.kind, query) })
    }
}

fn api(kind: TargetKind, query: VsphereQuery) -> Answers {
    live(query.address.host.clone(), kind, Collector::Vsphere(Box::new(query)))
}

/// Returns the account with its password, or none without a password; or, when the prompt timed
/// out, the transcript of that failure.
fn credentials(
    passwords: &dyn SecretProvider,
    user: &str,
    to: &VsphereAddress,
    kind: TargetKind,
    limit: Duration,
) -> anyhow::Result<Result<Option<Credentials>, Transcript>> {
    let account = format!("{user} on {}", to.host);
    let owner = SecretOwner { account: &account, host: &to.host, is_jump: false };
    match passwords.password(&owner, limit) {
        Err(timeout @ PromptError::TimedOut(_)) => {
            let failure = Failure {
                kind: FailureKind::Timeout,
                reason: format!("the password of {user} was asked for, and {timeout}"),
                hint: Some("type it in time, raise --timeout, or name a file with it".to_owned()),
            };
            Ok(Err(Transcript::from_failure(&to.host, kind, CollectedBy::Vsphere, failure)))
        }
        password => {
            let password = password?;
            Ok(Ok(password.map(|password| Credentials { user: user.to_owned(), password })))
        }
    }
}

/// Returns the source of the site's vSphere server. Without an account or a password it is a failed
/// transcript, which leaves its own facts unknown and no others.
pub fn site_vcenter(
    entry: &Vcenter,
    site: &Site,
    question: QueryScope,
    options: &CollectOptions<'_>,
) -> anyhow::Result<Source> {
    let kind = TargetKind::Vcenter;
    let to: VsphereAddress = entry.url.parse()?;
    let tls = TlsArgs {
        thumbprint: entry.thumbprint.clone().or_else(|| options.tls.thumbprint.clone()),
        thumbprints: options.tls.thumbprints.clone(),
        ca_file: options.tls.ca_file.clone(),
        legacy_tls: options.tls.legacy_tls || entry.legacy_tls,
    };
    let trust = trusted(&tls, &to)?;
    let passwords = PasswordStore::for_system(VCENTER, entry.password_file.as_deref())?;
    let recorded = |transcript| {
        Ok(Source { role: Role::SiteVcenter, answers: Answers::Recorded(vec![transcript]) })
    };
    let unable = |reason: String, hint: &str| {
        let failure = Failure { kind: FailureKind::Config, reason, hint: Some(hint.to_owned()) };
        recorded(Transcript::from_failure(&to.host, kind, CollectedBy::Vsphere, failure))
    };
    let user = entry.user.clone().or_else(|| to.user.clone());
    let Some(user) = user.or_else(|| entry.discovery_account.clone()) else {
        let reason = "no account is given to log in with".to_owned();
        return unable(reason, "write vsphere://USER@HOST, or user: in the site file");
    };
    let timeout = options.ssh.timeout();
    let credentials = match credentials(&passwords, &user, &to, kind, timeout)? {
        Ok(Some(credentials)) => credentials,
        Ok(None) => {
            return unable(
                format!("there is no password of {user}"),
                "name a file with it, password_file: in the site file, or set \
                 PREFLIGHT_PASSWORD_VCENTER; the password of hosts is not tried on it",
            );
        }
        Err(late) => return recorded(late),
    };
    let through = match &entry.via {
        Some(via) => via::of_site(via, site, &options.ssh)?,
        None => None,
    };
    let query = VsphereQuery {
        connector: via::route(through),
        address: to,
        trust,
        credentials,
        question,
        timeout,
    };
    Ok(Source { role: Role::SiteVcenter, answers: api(kind, query) })
}

/// Returns the source of a capture of the site's vSphere server.
pub fn recorded_vcenter(transcript: Transcript) -> Source {
    Source { role: Role::SiteVcenter, answers: Answers::Recorded(vec![transcript]) }
}

/// Returns the file of a `capture:` target.
pub fn capture_path(target: &str) -> Option<PathBuf> {
    target.strip_prefix("capture:").map(PathBuf::from)
}
