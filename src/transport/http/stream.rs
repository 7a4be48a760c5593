//! A stream of bytes to a server, with a deadline that no server can move.
//!
//! `Connector` is the seam at which another way than TCP takes over: `through` has one. Not for TLS.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::error::ConnectError;
use crate::uri::authority::Authority;

/// How long one address may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A stream of bytes in both directions, whose reads and writes fail with `TimedOut` after a deadline.
pub trait Stream: Read + Write + Send {
    /// Moves the deadline of everything that is read and written from now on.
    fn set_deadline(&mut self, deadline: Deadline);
}

/// The moment after which nothing is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    /// Returns a deadline this much from now.
    pub fn after(limit: Duration) -> Self {
        Self { at: Instant::now() + limit, limit }
    }

    /// Returns a deadline this much from now, or this one when it is earlier.
    pub fn at_most(&self, limit: Duration) -> Self {
        if self.left().is_some_and(|left| left > limit) { Self::after(limit) } else { *self }
    }

    /// Returns the time that is left; none after the deadline.
    pub fn left(&self) -> Option<Duration> {
        self.at.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Moves it to this much from now, for time that a person took is not the server's.
    pub fn restart(&mut self, left: Duration) {
        self.at = Instant::now() + left;
    }

    /// Returns the error of a step that was not finished in time.
    pub fn to_error(&self, step: &str) -> ConnectError {
        ConnectError::Timeout(self.limit, step.to_owned())
    }
}

/// Opens streams to servers.
pub trait Connector {
    /// Opens a stream, whose reads and writes fail with `TimedOut` after the deadline. The time
    /// that a person takes to type what the way needs is added to it.
    ///
    /// # Errors
    ///
    /// Returns why the server cannot be reached.
    fn open(
        &self,
        address: &Authority,
        deadline: &mut Deadline,
    ) -> Result<Box<dyn Stream>, ConnectError>;

    /// Returns the host on the way to the server, when there is one.
    fn jump_host(&self) -> Option<String> {
        None
    }
}

/// A TCP connection from this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct DirectTcp;

impl Connector for DirectTcp {
    fn open(
        &self,
        address: &Authority,
        deadline: &mut Deadline,
    ) -> Result<Box<dyn Stream>, ConnectError> {
        let deadline = *deadline;
        let mut last = None;
        for address in resolve(address, deadline)? {
            let left = deadline.left().ok_or_else(|| deadline.to_error("connecting"))?;
            match TcpStream::connect_timeout(&address, left.min(CONNECT_TIMEOUT)) {
                Ok(tcp) => {
                    // Without this a small request waits for the acknowledgement of the last one.
                    tcp.set_nodelay(true).ok();
                    return Ok(Box::new(DeadlineStream { socket: tcp, deadline }));
                }
                Err(error) => last = Some(error),
            }
        }
        Err(match last {
            Some(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                ConnectError::Refused(address.to_string())
            }
            Some(error) if error.kind() == io::ErrorKind::TimedOut => {
                ConnectError::Timeout(deadline.limit.min(CONNECT_TIMEOUT), "connecting".to_owned())
            }
            Some(error) => ConnectError::Unreachable(address.to_string(), error.to_string()),
            None => ConnectError::Dns(address.host.clone(), "it has none".to_owned()),
        })
    }
}

/// Resolves a name. The resolver cannot be interrupted, so a thread of its own runs it.
fn resolve(
    address: &Authority,
    deadline: Deadline,
) -> Result<Vec<std::net::SocketAddr>, ConnectError> {
    let (send, receive) = mpsc::channel();
    let place = (address.host.clone(), address.port);
    std::thread::spawn(move || {
        send.send(place.to_socket_addrs().map(Vec::from_iter)).ok();
    });
    let left = deadline.left().unwrap_or_default();
    match receive.recv_timeout(left) {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(ConnectError::Dns(address.host.clone(), error.to_string())),
        Err(_) => Err(deadline.to_error("looking its name up")),
    }
}

/// A socket with time limits for reads and writes.
pub(super) trait TimeoutSocket: Read + Write + Send {
    fn limit_reads(&self, limit: Duration) -> io::Result<()>;
    fn limit_writes(&self, limit: Duration) -> io::Result<()>;
}

impl TimeoutSocket for TcpStream {
    fn limit_reads(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }

    fn limit_writes(&self, limit: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(limit))
    }
}

impl TimeoutSocket for UnixStream {
    fn limit_reads(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(limit))
    }

    fn limit_writes(&self, limit: Duration) -> io::Result<()> {
        self.set_write_timeout(Some(limit))
    }
}

/// A stream whose every read and write ends at the deadline at the latest, so that a server that
/// sends one byte at a time gains nothing by it.
pub(super) struct DeadlineStream<S> {
    pub socket: S,
    pub deadline: Deadline,
}

impl<S> DeadlineStream<S> {
    fn left(&self) -> io::Result<Duration> {
        self.deadline.left().ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl<S: TimeoutSocket> Stream for DeadlineStream<S> {
    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }
}

/// Turns `WouldBlock`, which is how Linux reports a timeout, into `TimedOut`: TLS would try again.
fn as_timeout(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl<S: TimeoutSocket> Read for DeadlineStream<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.limit_reads(self.left()?)?;
        self.socket.read(into).map_err(as_timeout)
    }
}

impl<S: TimeoutSocket> Write for DeadlineStream<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.limit_writes(self.left()?)?;
        self.socket.write(bytes).map_err(as_timeout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}
