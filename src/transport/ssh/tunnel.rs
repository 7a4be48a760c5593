//! A stream of bytes to a server that only another host reaches, over an SSH connection of its own to
//! that host.
//!
//! Not for SSH hosts behind jump hosts: those are `jump`'s.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::connection::SshConnection;
use super::deadline::HostDeadline;
use super::failure::{self, Step, failure, format_seconds};
use super::jump::{self, ChannelError};
use super::{SshHost, command, route};
use crate::facts::failure_kind::FailureKind;
use crate::facts::network::ports::{self, PortState};
use crate::facts::probe::ProbeEnv;
use crate::facts::transcript::Failure;
use crate::facts::{Fact, script};

/// How long the host may take to connect to the server. A running server answers at once, and a host
/// tries several addresses one after the other.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// A stream through a host.
#[derive(Debug)]
pub struct SshTunnel {
    /// The stream to the server. It ends with the time it was opened for.
    pub stream: UnixStream,
    /// The rest of that time; time at prompts does not count.
    pub left: Duration,
}

/// Why there is no tunnel.
#[derive(Debug, derive_more::From)]
pub enum TunnelError {
    /// The host itself could not be logged in to.
    #[from]
    Host(Failure),
    /// The host was logged in to, and does not reach the server.
    Server(Failure),
}

/// A connection that is logged in to a host, with the host's label, such as `root@mt1`.
pub(super) struct JumpHost {
    pub connection: SshConnection,
    pub name: String,
    user: String,
}

impl SshHost {
    /// Opens a stream to a server from this host.
    ///
    /// # Errors
    ///
    /// Tells a failure of the host from one of the server behind it.
    pub fn tunnel(&self, host: &str, port: u16, limit: Duration) -> Result<SshTunnel, TunnelError> {
        let deadline = Arc::new(HostDeadline::after(limit));
        let host = host.to_owned();
        let stream = self.with_deadline(&deadline, move |ssh, deadline| {
            let jump_host = ssh.log_in(deadline)?;
            let limit = deadline.left().unwrap_or_default().min(CONNECT_TIMEOUT);
            let opened = jump::open_channel(&jump_host.connection, &host, port, limit);
            let channel = opened.map_err(|error| tunnel_error(&jump_host, error, &host, port))?;
            tracing::info!("{}: a tunnel to {host}:{port}", jump_host.name);
            Ok::<_, TunnelError>(jump::spawn_pump(jump_host.connection, channel)?)
        })?;
        Ok(SshTunnel { stream, left: deadline.left().unwrap_or_default() })
    }

    /// Returns the account and host, such as `root@mt1`.
    pub fn label(&self) -> String {
        let user = self.target.user.clone().or_else(|| self.user.clone());
        super::SshTarget { user, ..self.target.clone() }.to_string()
    }

    /// Logs in, for a connection that carries one tunnel and nothing else.
    pub(super) fn log_in(&self, deadline: &Arc<HostDeadline>) -> Result<JumpHost, Failure> {
        let hops = route::resolve_hops(self, deadline)?;
        let (connection, _) =
            super::HopConnector { ssh: self, deadline }.log_in_with_retries(&hops)?;
        let (hop, _) = hops.split_last().expect("a way has an end");
        Ok(JumpHost { connection, name: hop.account.label.clone(), user: hop.account.user.clone() })
    }
}

/// Returns why a host does not reach a server.
fn tunnel_error(jump_host: &JumpHost, error: ChannelError, host: &str, port: u16) -> TunnelError {
    let from = &jump_host.name;
    let place =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    TunnelError::Server(match error {
        ChannelError::Connection(stop) => {
            return TunnelError::Host(failure::step_failure(
                Step::Command,
                &stop,
                &jump_host.connection.deadline,
            ));
        }
        ChannelError::Prohibited => failure(
            FailureKind::Forwarding,
            format!("{from} forwards nothing to {place}"),
        )
        .with_hint(
            "allow it there for as long as it is needed: AllowTcpForwarding and PermitOpen in \
                 its sshd_config; or go through a host that does",
        ),
        ChannelError::TimedOut(limit) => no_answer_failure(from, &place, limit),
        // The SSH server only tells that it failed; a probe in the host's shell finds out why.
        ChannelError::Failed => match probe_port(jump_host, host, port) {
            Some(PortState::Refused) => {
                failure(FailureKind::Refused, format!("{place} refuses the connection from {from}"))
                    .with_hint("check the host and the port; is the service running?")
            }
            Some(PortState::Filtered) => no_answer_failure(from, &place, Duration::from_secs(3)),
            Some(PortState::Dns) => {
                failure(FailureKind::Dns, format!("{from} knows no address of {host:?}"))
                    .with_hint("use its IP address, or a name that is known on that host")
            }
            Some(PortState::NoRoute) => {
                failure(FailureKind::Unreachable, format!("{from} has no route to {place}"))
                    .with_hint("check the address, and the routes of that host")
            }
            Some(PortState::Open) | None => {
                failure(FailureKind::Unreachable, format!("{from} does not reach {place}"))
                    .with_hint("check the name, the route and the firewalls between the two")
            }
        },
    })
}

fn no_answer_failure(from: &str, place: &str, limit: Duration) -> Failure {
    let limit = format_seconds(limit);
    failure(FailureKind::Timeout, format!("{place} does not answer {from} within {limit} s"))
        .with_hint("see which firewall between the two drops it, and whether the server runs")
}

/// Probes the port of the server from the host's own shell; none without a result.
fn probe_port(jump_host: &JumpHost, host: &str, port: u16) -> Option<PortState> {
    let env = ProbeEnv { vcenters: vec![(host.to_owned(), port)], ..ProbeEnv::default() };
    let nonce = crate::transport::new_nonce().ok()?;
    let text = script::assemble(ports::PROBES, &env, &nonce);
    let printed = command::run(&jump_host.connection, &jump_host.user, None, &text, &nonce).ok()?;
    let output = String::from_utf8_lossy(&printed.stdout);
    let answers = script::parse_output(&output, Some(&nonce));
    let ports = ports::parse(&answers.by_probe.get("ports")?.text);
    match ports.vcenters.items.first()?.state {
        Fact::Known(state) => Some(state),
        Fact::Unavailable(_) => None,
    }
}
