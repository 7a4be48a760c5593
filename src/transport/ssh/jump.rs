//! Connections through a jump host: a direct-tcpip channel of one connection, pumped into one end of a
//! socket pair whose other end carries the next connection.
//!
//! A connection that carries a tunnel carries nothing else: a forward that hangs makes every later
//! channel of it fail.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use ssh2::{BlockDirections, Channel, Session};

use super::connection::SshConnection;
use super::failure::{self, SshError, Step, failure};
use super::socket::Socket;
use crate::facts::failure_kind::FailureKind;
use crate::facts::transcript::Failure;

/// Why a channel to a server behind a host was not opened.
pub(super) enum ChannelError {
    /// The host's SSH server does not allow forwarding to this server.
    Prohibited,
    /// The host could not connect to the server, for a reason that it does not tell.
    Failed,
    /// No answer within this time. The connection is of no use after it.
    TimedOut(Duration),
    /// The connection to the host itself has ended.
    Connection(SshError),
}

/// Opens a channel to a server behind the host that the link is logged in to.
pub(super) fn open_channel(
    connection: &SshConnection,
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Channel, ChannelError> {
    let open = |session: &Session| session.channel_direct_tcpip(host, port, None);
    match connection.wait_for_within(limit, open) {
        Ok(Some(channel)) => Ok(channel),
        Ok(None) | Err(SshError::TimedOut) => Err(ChannelError::TimedOut(limit)),
        Err(SshError::Libssh2(-21, why)) if why.contains("prohibited") => {
            Err(ChannelError::Prohibited)
        }
        Err(SshError::Libssh2(-21, _)) => Err(ChannelError::Failed),
        Err(stop) => Err(ChannelError::Connection(stop)),
    }
}

/// Opens a tunnel to a host behind the one the link is logged in to, which `name` names.
pub(super) fn open_tunnel(
    connection: SshConnection,
    name: &str,
    host: &str,
    port: u16,
) -> Result<Socket, Failure> {
    let opened =
        open_channel(&connection, host, port, connection.deadline.left().unwrap_or_default());
    let channel = opened.map_err(|error| match error {
        ChannelError::Prohibited => failure(
            FailureKind::Unreachable,
            format!("the jump host {name} forwards nothing to {host}:{port}"),
        )
        .with_hint("allow it there: AllowTcpForwarding and PermitOpen in sshd_config"),
        ChannelError::Failed => failure(
            FailureKind::Unreachable,
            format!("the jump host {name} does not reach {host}:{port}"),
        )
        .with_hint("check the name, the route and the firewalls between the two"),
        ChannelError::TimedOut(_) => {
            failure::step_failure(Step::Command, &SshError::TimedOut, &connection.deadline)
        }
        ChannelError::Connection(stop) => {
            failure::step_failure(Step::Command, &stop, &connection.deadline)
        }
    })?;
    tracing::debug!("through {name} to {host}:{port}");
    spawn_pump(connection, channel).map(Socket::Pair)
}

/// Our end of a pair whose other end is pumped through the channel until one of them ends, or the
/// host's time does.
pub(super) fn spawn_pump(
    connection: SshConnection,
    channel: Channel,
) -> Result<UnixStream, Failure> {
    let pair = UnixStream::pair().and_then(|(ours, theirs)| {
        theirs.set_nonblocking(true)?;
        Ok((ours, theirs))
    });
    let (ours, theirs) =
        pair.map_err(|error| failure(FailureKind::Local, format!("no socket pair: {error}")))?;
    std::thread::spawn(move || {
        // Whatever ends it, the other end sees its stream end, and says why it minds.
        if let Err(error) = pump(&connection, channel, theirs) {
            tracing::debug!("the tunnel ended: {error}");
        }
    });
    Ok(ours)
}

/// Carries bytes both ways until one side ends.
fn pump(connection: &SshConnection, mut channel: Channel, mut near: UnixStream) -> io::Result<()> {
    let (mut inward, mut outward) = (Buffer::default(), Buffer::default());
    while let Some(left) = connection.deadline.left() {
        let mut moved = false;
        moved |= inward.fill(&mut channel)?;
        moved |= inward.drain(&mut near)?;
        moved |= outward.fill(&mut near)?;
        moved |= outward.drain(&mut channel)?;
        if outward.ended || (inward.is_empty() && channel.eof()) {
            return Ok(());
        }
        if !moved {
            wait(connection, &near, outward.is_empty(), !inward.is_empty(), left);
        }
    }
    Ok(())
}

fn wait(connection: &SshConnection, near: &UnixStream, read: bool, write: bool, left: Duration) {
    let mut wanted = PollFlags::empty();
    wanted.set(PollFlags::IN, read);
    wanted.set(PollFlags::OUT, write);
    let direction = connection.session.block_directions();
    let mut far = PollFlags::IN;
    far.set(PollFlags::OUT, matches!(direction, BlockDirections::Outbound | BlockDirections::Both));
    let limit = Timespec::try_from(left.min(Duration::from_secs(1)))
        .unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
    // An interrupted wait is no error: the caller tries again.
    poll(&mut [PollFd::new(near, wanted), PollFd::new(&*connection.socket, far)], Some(&limit))
        .ok();
}

/// Bytes on their way in one direction.
#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    sent: usize,
    /// Whether the source has no more.
    ended: bool,
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.sent == self.bytes.len()
    }

    /// Reads when there is nothing left to send.
    fn fill(&mut self, source: &mut impl Read) -> io::Result<bool> {
        if !self.is_empty() {
            return Ok(false);
        }
        self.bytes.resize(32 * 1024, 0);
        self.sent = 0;
        let read = source.read(&mut self.bytes);
        self.bytes.truncate(*read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => {
                self.ended = true;
                Ok(false)
            }
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn drain(&mut self, sink: &mut impl Write) -> io::Result<bool> {
        if self.is_empty() {
            return Ok(false);
        }
        match sink.write(&self.bytes[self.sent..]) {
            Ok(count) => {
                self.sent += count;
                Ok(count > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}
