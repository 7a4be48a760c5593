//! The route of a connection: the host and the jump hosts before it, each with its options and the
//! settings of the SSH configuration. Nothing is contacted here.

use super::config::{self, HostSettings};
use super::deadline::HostDeadline;
use super::failure::failure;
use super::host::SshHost;
use super::host_key::{HostKeyPolicy, RerunCommands};
use super::login::{AgentChoice, Identity, SshAccount};
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;
use crate::uri::target::SshTarget;

/// SSH's port.
const PORT: u16 = 22;

/// One server of a route.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    /// The address or name to connect to.
    pub address: String,
    pub port: u16,
    pub account: SshAccount,
    pub host_key_policy: HostKeyPolicy,
}

/// Returns the servers of the route; the last one is the host itself.
pub(super) fn resolve_hops(ssh: &SshHost, deadline: &HostDeadline) -> Result<Vec<Hop>, Failure> {
    let settings = config::load(&ssh.target, &ssh.config, deadline)?;
    let jumps = match (&ssh.jump, &settings.proxy_jump) {
        // Jump hosts of the configuration are for connections from this machine.
        (jumps, _) if ssh.via.is_some() => jumps.clone(),
        (jumps, None) => jumps.clone(),
        (jumps, Some(_)) if !jumps.is_empty() => jumps.clone(),
        (_, Some(list)) => parse_proxy_jump(list)?,
    };
    let from_here = jumps.is_empty() && ssh.via.is_none();
    if let (Some(command), true) = (&settings.proxy_command, from_here) {
        // Its arguments may hold a password.
        let program = command.split_whitespace().next().unwrap_or_default();
        let reason = format!("the SSH configuration reaches it by ProxyCommand {program}");
        return Err(failure(
            FailureKind::Config,
            format!("{reason}, and programs are not run here"),
        )
        .with_hint("give the way as --jump USER@HOST, or bypass it with --ssh-config none"));
    }
    let mut hops = Vec::new();
    for jump in &jumps {
        let settings = config::load(jump, &ssh.config, deadline)?;
        let mut hop = resolve_hop(ssh, jump, &settings, None)?;
        hop.host_key_policy.pinned = None;
        hop.host_key_policy.rerun.pin = None;
        hop.account.is_jump = true;
        hops.push(hop);
    }
    hops.push(resolve_hop(ssh, &ssh.target, &settings, ssh.user.as_deref())?);
    Ok(hops)
}

/// Parses the hosts of a ProxyJump.
fn parse_proxy_jump(list: &str) -> Result<Vec<SshTarget>, Failure> {
    let parsed: Result<Vec<SshTarget>, _> =
        list.split(',').map(|jump| jump.trim().parse()).collect();
    parsed.map_err(|error| {
        failure(FailureKind::Config, format!("ProxyJump in the SSH configuration: {error}"))
    })
}

fn resolve_hop(
    ssh: &SshHost,
    target: &SshTarget,
    settings: &HostSettings,
    user: Option<&str>,
) -> Result<Hop, Failure> {
    // The program may know that a key is revoked. A named file or key replaces all configured
    // sources.
    let known_otherwise = ssh.known_hosts.is_some() || ssh.fingerprint.is_some();
    if let (Some(command), false) = (&settings.known_hosts_command, known_otherwise) {
        let program = command.split_whitespace().next().unwrap_or_default();
        let reason = format!("KnownHostsCommand of the SSH configuration is {program}");
        return Err(failure(
            FailureKind::Config,
            format!("{reason}, and programs are not run here"),
        )
        .with_hint("name a file of known keys (--known-hosts FILE), or the key (--host-key)"));
    }

    let user = target.user.as_deref().or(user).or(settings.user.as_deref());
    let user = user.map_or_else(current_user, str::to_owned);
    let given = |path: &std::path::PathBuf| Identity { path: path.clone(), explicit: true };
    let mut identities: Vec<Identity> = ssh.identities.iter().map(given).collect();
    identities.extend(settings.identity_files.iter().map(given));
    let usual = settings.default_identity_files.iter();
    identities.extend(usual.map(|path| Identity { path: path.clone(), explicit: false }));
    let agent = match settings.identity_agent.as_deref() {
        None => AgentChoice::Environment,
        Some("none") => AgentChoice::None,
        Some(path) => AgentChoice::At(path.into()),
    };
    let port = target.port.or(settings.port).unwrap_or(PORT);
    let account = SshAccount {
        label: SshTarget { user: Some(user.clone()), ..target.clone() }.to_string(),
        host: target.host.clone(),
        is_jump: false,
        user,
        identities,
        identities_only: settings.identities_only,
        agent,
    };
    let address = settings.hostname.clone().unwrap_or_else(|| target.host.clone());
    Ok(Hop { address, port, account, host_key_policy: host_key_policy(ssh, target, settings) })
}

fn host_key_policy(ssh: &SshHost, target: &SshTarget, settings: &HostSettings) -> HostKeyPolicy {
    let name = settings.host_key_alias.as_ref().or(settings.hostname.as_ref());
    let files = match &ssh.known_hosts {
        Some(path) => vec![path.clone()],
        None => settings.known_hosts.clone(),
    };
    HostKeyPolicy {
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
        rerun: RerunCommands {
            accept: ssh.rerun_command("--accept-new"),
            pin: Some(ssh.rerun_command("--host-key")),
        },
    }
}

/// Returns the account that OpenSSH would use.
fn current_user() -> String {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "root".to_owned())
}
