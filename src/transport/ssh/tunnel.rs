//! A stream of bytes to a server that only another host reaches: a channel of an SSH connection of
//! its own to that host.
//!
//! Not for hosts that are asked themselves through others: the way to those is `jump`'s.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use super::deadline::Deadline;
use super::failure::{self, Step, failure, seconds};
use super::jump::{self, NoWay};
use super::link::Link;
use super::{Ssh, command, route};
use crate::facts::network::ports::{self, PortState};
use crate::facts::probe::Surroundings;
use crate::facts::transcript::Failure;
use crate::facts::{Fact, script};

/// How long the host may take to connect to the server. A server that lives answers at once, and a
/// host that has several addresses for it tries them one after the other.
const CONNECT: Duration = Duration::from_secs(20);

/// A way through a host.
#[derive(Debug)]
pub struct Tunnel {
    /// Bytes to the server and back. It ends with the time it was opened for.
    pub stream: UnixStream,
    /// What is left of that time, of which none passes while a person types a password.
    pub left: Duration,
}

/// Why there is no tunnel.
#[derive(Debug)]
pub enum NoTunnel {
    /// The host itself could not be logged in to.
    Host(Failure),
    /// The host was logged in to, and does not lead to the server.
    Server(Failure),
}

impl From<Failure> for NoTunnel {
    fn from(failure: Failure) -> Self {
        Self::Host(failure)
    }
}

/// A connection that is logged in, and whom it leads to, such as `root@mt1`.
pub(super) struct There {
    pub link: Link,
    pub name: String,
    user: String,
}

impl Ssh {
    /// Opens a stream to a server as this host sees it.
    ///
    /// # Errors
    ///
    /// Says whether it is the host that could not be asked, or the server that it does not reach.
    pub fn tunnel(&self, host: &str, port: u16, limit: Duration) -> Result<Tunnel, NoTunnel> {
        let deadline = Arc::new(Deadline::after(limit));
        let host = host.to_owned();
        let stream = self.watched(&deadline, move |ssh, deadline| {
            let there = ssh.logged_in(deadline)?;
            let limit = deadline.left().unwrap_or_default().min(CONNECT);
            let opened = jump::channel(&there.link, &host, port, limit);
            let channel = opened.map_err(|no_way| explained(&there, no_way, &host, port))?;
            tracing::info!("{}: a tunnel to {host}:{port}", there.name);
            Ok::<_, NoTunnel>(jump::pumped(there.link, channel)?)
        })?;
        Ok(Tunnel { stream, left: deadline.left().unwrap_or_default() })
    }

    /// Whom it logs in to, as people write it.
    pub fn shown(&self) -> String {
        let user = self.target.user.clone().or_else(|| self.user.clone());
        super::SshTarget { user, ..self.target.clone() }.to_string()
    }

    /// Logs in, for a connection that carries one tunnel and nothing else.
    pub(super) fn logged_in(&self, deadline: &Arc<Deadline>) -> Result<There, Failure> {
        let hops = route::settle(self, deadline)?;
        let (link, _) = super::Way { ssh: self, deadline }.patiently_into(&hops)?;
        let (hop, _) = hops.split_last().expect("a way has an end");
        Ok(There { link, name: hop.account.shown.clone(), user: hop.account.user.clone() })
    }
}

/// Why a host does not lead to a server.
fn explained(there: &There, no_way: NoWay, host: &str, port: u16) -> NoTunnel {
    let from = &there.name;
    let place =
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    NoTunnel::Server(match no_way {
        NoWay::Stopped(stop) => {
            return NoTunnel::Host(failure::of(Step::Command, &stop, &there.link.deadline));
        }
        NoWay::Prohibited => failure("forwarding", format!("{from} forwards nothing to {place}"))
            .with_hint(
                "allow it there for as long as it is needed: AllowTcpForwarding and PermitOpen in \
                 its sshd_config; or go through a host that does",
            ),
        NoWay::Silent(limit) => silent(from, &place, limit),
        // The server only says that it failed; the host's shell knows why.
        NoWay::Failed => match asked(there, host, port) {
            Some(PortState::Refused) => {
                failure("refused", format!("{place} refuses the connection from {from}"))
                    .with_hint("check the host and the port; is the service running?")
            }
            Some(PortState::Filtered) => silent(from, &place, Duration::from_secs(3)),
            Some(PortState::Dns) => failure("dns", format!("{from} knows no address of {host:?}"))
                .with_hint("use its IP address, or a name that is known on that host"),
            Some(PortState::NoRoute) => {
                failure("unreachable", format!("{from} has no route to {place}"))
                    .with_hint("check the address, and the routes of that host")
            }
            Some(PortState::Open) | None => {
                failure("unreachable", format!("{from} does not reach {place}"))
                    .with_hint("check the name, the route and the firewalls between the two")
            }
        },
    })
}

fn silent(from: &str, place: &str, limit: Duration) -> Failure {
    let limit = seconds(limit);
    failure("timeout", format!("{place} does not answer {from} within {limit} s"))
        .with_hint("see which firewall between the two drops it, and whether the server runs")
}

/// What the host's own shell makes of a connection to the server; none when it does not tell.
fn asked(there: &There, host: &str, port: u16) -> Option<PortState> {
    let around =
        Surroundings { vcenters: vec![(host.to_owned(), port)], ..Surroundings::default() };
    let nonce = crate::transport::fresh_nonce().ok()?;
    let text = script::script(ports::PROBES, &around, &nonce);
    let printed = command::run(&there.link, &there.user, None, &text, &nonce).ok()?;
    let output = String::from_utf8_lossy(&printed.stdout);
    let answers = script::answers(&output, Some(&nonce));
    let ports = ports::parse(&answers.by_probe.get("ports")?.text);
    match ports.vcenters.items.first()?.state {
        Fact::Known(state) => Some(state),
        Fact::Unavailable(_) => None,
    }
}
