//! The byte stream an SSH connection runs over: TCP, or one end of a pair whose other end is
//! pumped through a jump host. Name resolution and connecting are here, too.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::sockopt::set_tcp_quickack;

use super::deadline::Deadline;
use super::failure::{self, failure};
use crate::facts::transcript::Failure;

/// The most time one address may take to answer; a host that lives does so at once.
const CONNECT: Duration = Duration::from_secs(10);

/// A byte stream to a server.
#[derive(Debug)]
pub(super) enum Socket {
    /// A TCP connection of ours.
    Tcp(TcpStream),
    /// Our end of a pair.
    Pair(UnixStream),
}

impl Socket {
    /// Ends both directions; whoever waits for it wakes up.
    pub(super) fn shut(&self) {
        // It may be shut already, which is all that is wanted.
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both).ok(),
            Self::Pair(stream) => stream.shutdown(Shutdown::Both).ok(),
        };
    }

    /// Waits until it can be read or, if `write`, written; false when the time ended first.
    ///
    /// The server's first answer behind our own small packets would wait 40 ms for the delayed
    /// acknowledgement of our kernel, so it is told again before each wait not to delay it.
    pub(super) fn wait(&self, write: bool, limit: Option<Duration>) -> bool {
        let Some(limit) = limit else { return false };
        if let Self::Tcp(stream) = self {
            set_tcp_quickack(stream, true).ok();
        }
        let flags = if write { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
        let mut waiting = [PollFd::new(self, flags)];
        let limit = Timespec::try_from(limit).unwrap_or(Timespec { tv_sec: 3600, tv_nsec: 0 });
        match poll(&mut waiting, Some(&limit)) {
            Ok(ready) => ready > 0,
            // A signal is no reason to give up; whoever waits looks at the clock again.
            Err(_) => true,
        }
    }

    /// Lets a blocking read end after this time without a byte.
    pub(super) fn limit_reads(&self, limit: Duration) {
        // Where it cannot be set, the host's own time still ends the read.
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(limit)).ok(),
            Self::Pair(stream) => stream.set_read_timeout(Some(limit)).ok(),
        };
    }
}

impl Read for &Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&mut &*stream).read(buffer),
            Socket::Pair(stream) => (&mut &*stream).read(buffer),
        }
    }
}

impl Write for &Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => (&mut &*stream).write(bytes),
            Socket::Pair(stream) => (&mut &*stream).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Pair(stream) => stream.as_fd(),
        }
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

/// Connects to the first address of a host that answers.
pub(super) fn connect(host: &str, port: u16, deadline: &Deadline) -> Result<TcpStream, Failure> {
    let addresses = resolve(host, port, deadline)?;
    let mut last = None;
    for (tried, address) in addresses.iter().enumerate() {
        let Some(left) = deadline.left() else { break };
        let others = u32::try_from(addresses.len() - tried).unwrap_or(1);
        let limit = if others > 1 { (left / others).min(CONNECT) } else { left.min(CONNECT) };
        tracing::debug!("connecting to {address}");
        match TcpStream::connect_timeout(address, limit.max(Duration::from_millis(1))) {
            Ok(stream) => {
                // Our packets are small and each is waited for.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(error) => last = Some(unreached(address, limit, &error)),
        }
    }
    Err(last.unwrap_or_else(|| failure::late(deadline, "connecting")))
}

/// The addresses of a name. The resolver has no time limit, so it works in a thread of its own,
/// which is left alone when it takes too long.
fn resolve(host: &str, port: u16, deadline: &Deadline) -> Result<Vec<SocketAddr>, Failure> {
    let unknown = |why: String| {
        failure("dns", format!("the name {host:?} has no address: {why}"))
            .with_hint("check the name, or give the host's address")
    };
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
        Ok(Err(error)) => Err(unknown(without_code(&error))),
        Err(_) => Err(unknown(format!("no answer within {} s", deadline.limit.as_secs()))),
    }
}

/// An error's text without the number the library puts behind it.
fn without_code(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    text.split(" (os error").next().unwrap_or(text).to_lowercase()
}

fn unreached(address: &SocketAddr, limit: Duration, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            failure("refused", format!("{address} refuses the connection"))
                .with_hint("start the SSH server there, or give its port: ssh://USER@HOST:PORT")
        }
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => {
            failure("timeout", format!("{address} did not answer within {} s", seconds(limit)))
                .with_hint("check that the host runs and that no firewall drops the port")
        }
        _ => {
            failure("unreachable", format!("{address} cannot be reached: {}", without_code(error)))
                .with_hint("check the route and the firewalls between here and the host")
        }
    }
}

/// A time in seconds, as people write it.
pub(super) fn seconds(time: Duration) -> String {
    let text = format!("{:.1}", time.as_secs_f64());
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
