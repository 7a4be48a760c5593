//! Where a connection goes: the host and the jump hosts before it, with all that options and the
//! SSH configuration say of each. Nothing is contacted here.

use super::config::{self, Settings};
use super::deadline::Deadline;
use super::failure::failure;
use super::host::Ssh;
use super::host_key::{Again, Trust};
use super::login::{Account, AgentChoice, Identity};
use crate::facts::transcript::Failure;
use crate::transport::target::SshTarget;

/// SSH's port.
const PORT: u16 = 22;

/// One server on the way.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// The address or name that is connected to.
    pub address: String,
    pub port: u16,
    pub account: Account,
    pub trust: Trust,
}

/// The servers on the way; the last is the host that is asked.
pub(super) fn settle(ssh: &Ssh, deadline: &Deadline) -> Result<Vec<Hop>, Failure> {
    let settings = config::settings(&ssh.target, &ssh.config, deadline)?;
    let jumps = match (&ssh.jump, &settings.proxy_jump) {
        // Jump hosts that the configuration names stand for the way from here.
        (jumps, _) if ssh.via.is_some() => jumps.clone(),
        (jumps, None) => jumps.clone(),
        (jumps, Some(_)) if !jumps.is_empty() => jumps.clone(),
        (_, Some(list)) => listed(list)?,
    };
    let from_here = jumps.is_empty() && ssh.via.is_none();
    if let (Some(command), true) = (&settings.proxy_command, from_here) {
        // Its arguments may hold a password.
        let program = command.split_whitespace().next().unwrap_or_default();
        let reason = format!("the SSH configuration reaches it by ProxyCommand {program}");
        return Err(failure("config", format!("{reason}, and programs are not run here"))
            .with_hint("give the way as --jump USER@HOST, or go round it with --ssh-config none"));
    }
    let mut hops = Vec::new();
    for jump in &jumps {
        let settings = config::settings(jump, &ssh.config, deadline)?;
        let mut hop = hop(ssh, jump, &settings, None)?;
        hop.trust.pinned = None;
        hop.trust.again.demanding = None;
        hop.account.is_jump = true;
        hops.push(hop);
    }
    hops.push(hop(ssh, &ssh.target, &settings, ssh.user.as_deref())?);
    Ok(hops)
}

/// The hosts of a ProxyJump.
fn listed(list: &str) -> Result<Vec<SshTarget>, Failure> {
    let parsed: Result<Vec<SshTarget>, _> =
        list.split(',').map(|jump| jump.trim().parse()).collect();
    parsed
        .map_err(|error| failure("config", format!("ProxyJump in the SSH configuration: {error}")))
}

fn hop(
    ssh: &Ssh,
    target: &SshTarget,
    settings: &Settings,
    user: Option<&str>,
) -> Result<Hop, Failure> {
    // What such a program knows may be that a key is revoked. Whoever names a file or a key means
    // that in place of all that is configured.
    let known_otherwise = ssh.known_hosts.is_some() || ssh.fingerprint.is_some();
    if let (Some(command), false) = (&settings.known_hosts_command, known_otherwise) {
        let program = command.split_whitespace().next().unwrap_or_default();
        let reason = format!("KnownHostsCommand of the SSH configuration is {program}");
        return Err(failure("config", format!("{reason}, and programs are not run here"))
            .with_hint("name a file of known keys (--known-hosts FILE), or the key (--host-key)"));
    }

    let user = target.user.as_deref().or(user).or(settings.user.as_deref());
    let user = user.map_or_else(whoever_runs_this, str::to_owned);
    let given = |path: &std::path::PathBuf| Identity { path: path.clone(), given: true };
    let mut identities: Vec<Identity> = ssh.identities.iter().map(given).collect();
    identities.extend(settings.identity_files.iter().map(given));
    let usual = settings.usual_files.iter();
    identities.extend(usual.map(|path| Identity { path: path.clone(), given: false }));
    let agent = match settings.identity_agent.as_deref() {
        None => AgentChoice::Environment,
        Some("none") => AgentChoice::None,
        Some(path) => AgentChoice::At(path.into()),
    };
    let port = target.port.or(settings.port).unwrap_or(PORT);
    let account = Account {
        shown: SshTarget { user: Some(user.clone()), ..target.clone() }.to_string(),
        host: target.host.clone(),
        is_jump: false,
        user,
        identities,
        identities_only: settings.identities_only,
        agent,
    };
    let address = settings.hostname.clone().unwrap_or_else(|| target.host.clone());
    Ok(Hop { address, port, account, trust: trust(ssh, target, settings) })
}

fn trust(ssh: &Ssh, target: &SshTarget, settings: &Settings) -> Trust {
    let name = settings.host_key_alias.as_ref().or(settings.hostname.as_ref());
    let files = match &ssh.known_hosts {
        Some(path) => vec![path.clone()],
        None => settings.known_hosts.clone(),
    };
    Trust {
        host: name.unwrap_or(&target.host).clone(),
        // An alias stands for the host whatever its port (ssh_config(5), HostKeyAlias).
        port: match settings.host_key_alias {
            Some(_) => PORT,
            None => target.port.or(settings.port).unwrap_or(PORT),
        },
        files,
        pinned: ssh.fingerprint,
        accept_new: ssh.accept_new,
        revoked: settings.revoked.clone(),
        again: Again {
            accepting: ssh.again("--accept-new"),
            demanding: Some(ssh.again("--host-key")),
        },
    }
}

/// The account OpenSSH would take.
fn whoever_runs_this() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "root".to_owned())
}
