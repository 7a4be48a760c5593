//! Opening a TCP connection: the name is resolved, and its addresses are tried in turn.
//!
//! Not for using the connection: that is `socket`.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use super::deadline::HostDeadline;
use super::failure::{self, failure, format_seconds};
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;

/// The time limit of one address; a running host answers at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Connects to the first address of a host that answers.
pub(super) fn connect(
    host: &str,
    port: u16,
    deadline: &HostDeadline,
) -> Result<TcpStream, Failure> {
    let addresses = resolve(host, port, deadline)?;
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        let Some(left) = deadline.left() else { break };
        let others = u32::try_from(addresses.len() - tried).unwrap_or(1);
        let limit = if others > 1 {
            (left / others).min(CONNECT_TIMEOUT)
        } else {
            left.min(CONNECT_TIMEOUT)
        };
        tracing::debug!("connecting to {address}");
        match TcpStream::connect_timeout(address, limit.max(Duration::from_millis(1))) {
            Ok(stream) => {
                // The packets are small, and each is waited for.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(error) => last = Some(connect_failure(address, limit, &error)),
        }
    }
    Err(last.unwrap_or_else(|| failure::timeout_failure(deadline, "connecting")))
}

/// Resolves a name. The resolver has no time limit, so it runs in a thread of its own, which is
/// abandoned when it takes too long.
fn resolve(host: &str, port: u16, deadline: &HostDeadline) -> Result<Vec<SocketAddr>, Failure> {
    let unknown = |why: String| {
        failure(FailureKind::Dns, format!("the name {host:?} has no address: {why}"))
            .with_hint("check the name, or give the host's address")
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![(address, port).into()]);
    }
    let (send, receive) = mpsc::channel();
    let name = host.to_owned();
    std::thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(|found| found.collect::<Vec<_>>());
        send.send(found).ok();
    });
    let left = deadline.left().unwrap_or_default();
    match receive.recv_timeout(left) {
        Ok(Ok(addresses)) if addresses.is_empty() => Err(unknown("it has none".to_owned())),
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(unknown(strip_os_code(&error))),
        Err(_) => Err(unknown(format!("no answer within {} s", deadline.limit.as_secs()))),
    }
}

/// Returns an error's text without the code that the library appends.
fn strip_os_code(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    text.split(" (os error").next().unwrap_or(text).to_lowercase()
}

fn connect_failure(address: &SocketAddr, limit: Duration, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            failure(FailureKind::Refused, format!("{address} refuses the connection"))
                .with_hint("start the SSH server there, or give its port: ssh://USER@HOST:PORT")
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => failure(
            FailureKind::Timeout,
            format!("{address} did not answer within {} s", format_seconds(limit)),
        )
        .with_hint("check that the host runs and that no firewall drops the port"),
        _ => failure(
            FailureKind::Unreachable,
            format!("{address} cannot be reached: {}", strip_os_code(error)),
        )
        .with_hint("check the route and the firewalls between here and the host"),
    }
}
